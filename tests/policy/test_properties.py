"""
What must hold whatever happens: random histories of orders, register changes and time, on the pure core.

The core's answers are compared with `tests.policy.naive`, which was written from the documents' tables alone.
"""

from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sigill.cli.common import RULEBOOKS
from sigill.judgement.silence import silent
from sigill.policy.access import access_matrix
from sigill.policy.effects import Amend, Impose, Judgement, Notify
from sigill.policy.facts import PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.cast import Numbers
from sigill.scenario.format import AccessStep, OrderStep, RegisterStep, Scenario
from sigill.scenario.play import ScenarioRunner, SeenDecision, SeenReceipt
from sigill.scenario.pure import PureStage
from tests.policy.naive import SWEDEN, Naive, Thing, age_on, day_of, year_from

START = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
GUARDIANS = ("gun", "hans")
UNITS = ("barn", "hud")
REGIONS = ("kronoberg", "jamtland-harjedalen", "vastra-gotaland")
WHO = st.sampled_from([None, ("gun",), ("hans",), ("gun", "hans")])


@cache
def books() -> Rulebooks:
    """The real rulebooks, read once."""
    return Rulebooks.of(*(p.read_text("utf-8") for p in sorted(RULEBOOKS.glob("*.yaml"))))


T = TypeVar("T")


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The in-memory stage never waits: its coroutines end at the first step."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("the in-memory stage waited")


class RecordingStage(PureStage):
    """The in-memory stage, with the last judgement kept."""

    last: Judgement | None = None

    def _as_told(self, j: Judgement) -> SeenReceipt:
        self.last = j
        return super()._as_told(j)


def story(region: str, born: date) -> Scenario:
    """A child, two guardians, and staff in every role at each unit."""
    roles = ["treating_physician", "treating_staff", "head_of_unit", "on_call_physician", "senior_physician"]
    return Scenario.model_validate(
        {
            "scenario": "a random history",
            "id": "RANDOM",
            "cites": ["SE-01"],
            "region": region,
            "start": START.isoformat(),
            "units": list(UNITS),
            "people": {
                "child": {"born": born, "guardians": list(GUARDIANS)},
                "gun": {"born": date(1980, 1, 1)},
                "hans": {"born": date(1981, 1, 1)},
            },
            "staff": {unit + "chef": {"unit": unit, "roles": roles} for unit in UNITS},
            "steps": [],
        }
    )


class Histories(RuleBasedStateMachine):
    """Orders, marks of the register and time, in any order."""

    play: ScenarioRunner
    stage: RecordingStage
    naive: Naive
    number = 0

    @initialize(region=st.sampled_from(REGIONS), born=st.dates(date(2008, 6, 1), date(2020, 3, 1)))
    def begin(self, region: str, born: date) -> None:
        self.stage = RecordingStage(books())
        self.play = ScenarioRunner(story(region, born), self.stage, books(), Numbers(), "sigill/test")
        at_once(self.play.run())
        self.naive = Naive(region, born, GUARDIANS)

    @property
    def now(self) -> datetime:
        return self.play.clock

    @property
    def region(self) -> str:
        return self.naive.region

    @property
    def facts(self) -> PatientFacts:
        return self.stage.facts(self.stage._ensure(self.play.cast.people["child"].ref))

    def order(self, form: str, **more: Any) -> bool:
        """Send an order; whether it took effect. What follows always: refused changes nothing; the told may know."""
        self.number += 1
        before = self.facts.measures
        step = OrderStep.model_validate({"id": f"o{self.number}", "form": form, "patient": "child", **more})
        seen = self._seen()
        told = at_once(self.play.order(step))
        judgement = self.stage.last
        assert judgement is not None
        written = [
            (e.measure.measure_id, e.measure.version)
            for e in judgement.effects
            if isinstance(e, Impose | Amend)
        ]
        assert len(written) == len(set(written)), "one version of a measure is written twice"
        if told.outcome == "refused":
            assert judgement.effects == ()
            assert judgement.refusals
            assert self.facts.measures == before
            assert self._seen() == seen
        self._only_those_told_who_may_know(judgement)
        if told.outcome == "executed" and _closes(judgement):
            assert not self._seen() - seen, "a restriction let somebody in"
        return bool(told.outcome == "executed")

    def _seen(self) -> set[tuple[str, ...]]:
        """Who sees what now."""
        return {
            (viewer, service, unit)
            for viewer in ("child", *GUARDIANS)
            for service in ("journal", "e_services", "paper_copy")
            for unit in UNITS
            if self._ask(viewer, service, unit, self.now).allowed
        }

    def _ask(self, viewer: str, service: str, unit: str, at: datetime) -> SeenDecision:
        step = AccessStep.model_validate(
            {"viewer": viewer, "patient": "child", "service": service, "unit": unit, "at": at}
        )
        return at_once(self.play._ask(step))

    def _only_those_told_who_may_know(self, judgement: Judgement) -> None:
        told = [
            e
            for e in judgement.effects
            if isinstance(e, Notify) and e.to is not None and e.suppressed is None
        ]
        for tell in told:
            if tell.template != "standard_reply":
                own = tell.to == self.facts.patient.person_id
                assert not silent(self.facts, tell.about, "patient" if own else "guardians")

    # --- closing

    @rule(who=WHO, days=st.sampled_from([None, 10, 400]), silent=st.booleans())
    def block(self, who: tuple[str, ...] | None, days: int | None, silent: bool) -> None:
        through = day_of(self.now) + timedelta(days=days) if days else None
        more = {"inform": {"guardians": False}} if silent else {}
        if self.order("block_guardians", guardians=who, valid_through=through, **more):
            self.naive.block(self.now, set(who) if who else None, through)

    @rule(units=st.sampled_from([None, ("barn",), ("hud",)]), days=st.integers(1, 300))
    def seal(self, units: tuple[str, ...] | None, days: int) -> None:
        through = day_of(self.now) + timedelta(days=days)
        staff = (units or UNITS)[0] + "chef"
        if self.order(
            "seal_journal", initiative="care", units=units, valid_through=through, decided_by=staff
        ):
            seal = _thing("seal", self.now, units=units, through=through)
            self.naive.things.append(replace(seal, unit=(units or UNITS)[0]))

    @rule()
    def lock(self) -> None:
        if self.order("lock_login", initiative="care"):
            self.naive.things.append(_thing("lock", self.now))

    @rule(days=st.sampled_from([None, 30]))
    def seal_child(self, days: int | None) -> None:
        through = day_of(self.now) + timedelta(days=days) if days else None
        if self.order("seal_child", valid_through=through, decided_by="barnchef"):
            self.naive.things.append(_thing("child_seal", self.now, through=through, below_age=18))
            for what in ("guardian_grant", "minor_grant"):
                self.naive.end(what, self.now)

    @rule(unit=st.sampled_from(UNITS), who=WHO)
    def restrict(self, unit: str, who: tuple[str, ...] | None) -> None:
        if self.order("restrict_guardian_access", units=(unit,), guardians=who, decided_by=unit + "chef"):
            self.naive.things.append(_thing("restriction", self.now, units=(unit,), who=who, below_age=13))

    # --- opening

    @rule(who=WHO)
    def unblock(self, who: tuple[str, ...] | None) -> None:
        if self.order("release_guardian_block", guardians=who, decided_by="barnchef", consulted=["hudchef"]):
            self.naive.unblock(self.now, set(who) if who else None)

    @rule(form=st.sampled_from(["release_journal_seal", "release_login_lock", "release_child_seal"]))
    def release(self, form: str) -> None:
        if self.order(form, initiative="care", decided_by="barnchef"):
            what = {"release_journal_seal": "seal", "release_login_lock": "lock"}.get(form, "child_seal")
            self.naive.end(what, self.now, at="barn")

    @rule(unit=st.sampled_from(UNITS), who=st.sampled_from([("gun",), ("hans",), ("gun", "hans")]))
    def grant(self, unit: str, who: tuple[str, ...]) -> None:
        if self.order("grant_guardian_access", units=(unit,), guardians=who, decided_by=unit + "chef"):
            self.naive.things.append(
                _thing("guardian_grant", self.now, units=(unit,), who=who, through=self._year(), below_age=16)
            )

    @rule(unit=st.sampled_from(UNITS))
    def grant_minor(self, unit: str) -> None:
        if self.order("grant_minor_access", units=(unit,), decided_by=unit + "chef"):
            self.naive.things.append(
                _thing("minor_grant", self.now, units=(unit,), through=self._year(), below_age=16)
            )

    @rule(minor=st.booleans())
    def revoke(self, minor: bool) -> None:
        form = "revoke_minor_access" if minor else "revoke_guardian_access"
        if self.order(form, decided_by="barnchef"):
            self.naive.end("minor_grant" if minor else "guardian_grant", self.now)

    def _year(self) -> date | None:
        return year_from(day_of(self.now)) if self.region == "jamtland-harjedalen" else None

    # --- the register and time

    @rule(person=st.sampled_from(["child", *GUARDIANS]), on=st.booleans())
    def protect(self, person: str, on: bool) -> None:
        self._register(RegisterStep(person=person, protected=on))
        self.naive.protect(self.now, person, on)

    @precondition(lambda self: self.number > 6 and not self.naive.custody_ended)
    @rule(guardian=st.sampled_from(GUARDIANS))
    def custody_ends(self, guardian: str) -> None:
        self._register(RegisterStep(person="child", custody_ended=guardian))
        self.naive.custody_ended[guardian] = self.now

    def _register(self, step: RegisterStep) -> None:
        self.play.cast.change(step, day_of(self.now))
        at_once(self.play._tell_of(step.person))

    @rule(hours=st.sampled_from([1, 5, 30, 24 * 31, 24 * 200, 24 * 365]))
    def wait(self, hours: int) -> None:
        at_once(self.play._move(self.now + timedelta(hours=hours)))

    @rule(age=st.sampled_from([13, 16, 18]), seconds=st.sampled_from([-1, 0]))
    def wait_for_a_birthday(self, age: int, seconds: int) -> None:
        day = day_of(self.now)
        while age_on(self.naive.born, day) < age:
            day += timedelta(days=1)
        midnight = datetime(day.year, day.month, day.day, tzinfo=SWEDEN).astimezone(UTC)
        if midnight + timedelta(seconds=seconds) > self.now:
            at_once(self.play._move(midnight + timedelta(seconds=seconds)))

    # --- what always holds

    @invariant()
    def the_naive_model_agrees(self) -> None:
        if not hasattr(self, "naive"):
            return
        for at in (
            self.now,
            self.now + timedelta(days=3),
            self.now + timedelta(days=700),
            self.now - timedelta(days=5),
        ):
            if at < START:
                continue
            for viewer in ("child", *GUARDIANS):
                for service in ("journal", "e_services"):
                    for unit in UNITS:
                        ours = self._ask(viewer, service, unit, at)
                        theirs = self.naive.may(viewer, service, unit, at)
                        assert ours.allowed == theirs, (viewer, service, unit, at, ours.codes)

    @invariant()
    def each_measure_in_force_answers_for_itself(self) -> None:
        """A release never ends what another order still holds: whatever bars somebody is a measure in force."""
        if not hasattr(self, "naive"):
            return
        for (viewer, _, _), answer in access_matrix(self.facts, self.now, books()).items():
            for reason in answer.reasons:
                held = [m for m in self.facts.measures if m.measure_id in reason.measures]
                assert len(held) == len(reason.measures), viewer


def _closes(judgement: Judgement) -> bool:
    """Whether everything that an order imposed protects, and it imposed something."""
    imposed = [e for e in judgement.effects if isinstance(e, Impose)]
    return bool(imposed) and all(not e.measure.kind.opens and e.action == "imposed" for e in imposed)


def _thing(
    what: str,
    now: datetime,
    *,
    who: tuple[str, ...] | None = None,
    units: tuple[str, ...] | None = None,
    through: date | None = None,
    below_age: int | None = None,
) -> Thing:
    return Thing(
        what,
        now,
        set(who) if who else None,
        set(units) if units else None,
        through=through,
        below_age=below_age,
    )


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
