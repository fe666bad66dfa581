"""One patient's orders stop nobody: what an order costs is bounded by what it can change, not by what came before."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from sigill.judgement import notices
from sigill.policy import access
from sigill.policy.access import (
    AccessQuestion,
    AccessSnapshot,
    AccessSnapshots,
    Difference,
    access_matrix,
    decide,
    lines_of,
    units_of,
    viewers_of,
)
from sigill.policy.access_comparison import changed_access, lines_concerned
from sigill.policy.effects import Amend, Effect, Impose, Notify, applied
from sigill.policy.facts import Measure, OutsideMeasure, PaperCopy, PatientFacts
from sigill.policy.units import Unit
from sigill_contracts.vocabulary import (
    MadeBy,
    MeasureId,
    MeasureKind,
    OrderId,
    RegionCode,
    Service,
    Template,
    UnitId,
)
from tests.kit.values import BO, GUN, HANS, after, family, local, measure
from tests.policy.test_properties import books

NOW = local("2026-05-01T12:00")
LATER = NOW + timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)
OWNER = UnitId("U0")
UNITS = tuple(UnitId(f"U{number}") for number in range(1, 6))


def some_measure(chance: random.Random, number: int, since: str) -> Measure:
    """A measure of any kind: of the record or of units, for somebody or all, over, running, released or to come."""
    kind = chance.choice(list(MeasureKind))
    more: dict[str, Any] = {}
    if chance.random() < 0.7:
        more["units"] = frozenset(chance.sample((OWNER, *UNITS), 2))
    if chance.random() < 0.5:
        more["valid_to"] = local(chance.choice(["2026-04-15", "2026-05-20", "2026-09-01"]))
        more["released"] = chance.random() < 0.5
    if chance.random() < 0.4:
        more["guardians"] = (chance.choice([GUN, HANS, BO]),)
    elif chance.random() < 0.3:
        more["guardians_except"] = (HANS,)
    if kind is MeasureKind.REPRESENTATIVE_GRANT:
        more["viewer"] = BO
    services = [Service.JOURNAL, Service.E_SERVICES, Service.PAPER_COPY]
    more["services"] = tuple(chance.sample(services, chance.randint(1, 3)))
    if not kind.opens and number % 3 == 0:
        more["copies"] = frozenset({PaperCopy(OrderId("o"), GUN, NOW.date())})
    return measure(kind, since, measure_id=MeasureId(f"m{number}"), **more)


def some_family(seed: int) -> PatientFacts:
    """
    A child or teenager whose units lie under one owner, in one region, in two or in none that is known, with a guardian of
    whom perhaps nothing is known but a number, and measures made elsewhere.
    """
    chance = random.Random(seed)
    facts = family(chance.choice(["2013-06-15", "2011-01-01", "2013-05-20", "2009-02-01"]))
    regions = {unit: chance.choice(["kronoberg", "jamtland-harjedalen"]) for unit in (OWNER, *UNITS)}
    known = {u: RegionCode(region) for u, region in regions.items() if chance.random() < 0.9}
    under = {unit: Unit(unit, parent=OWNER) for unit in UNITS if chance.random() < 0.4}
    people = dict(facts.people)
    if chance.random() < 0.3:
        people[HANS] = replace(people[HANS], registered=False)
    facts = replace(facts, people=people, unit_regions=known, units=MappingProxyType(under))
    since = [chance.choice(["2025-01-01", "2026-04-01", "2026-06-01"]) for _ in range(chance.randint(0, 9))]
    facts = after(facts, *(some_measure(chance, number, begin) for number, begin in enumerate(since)))
    if chance.random() < 0.3:
        made = some_measure(chance, 100, "2026-04-01")
        if not made.kind.opens:
            outside = OutsideMeasure("1177", "r", MadeBy.RESIDENT, replace(made, region=RegionCode("")))
            facts = replace(facts, elsewhere=(outside,))
    return facts


def some_effects(seed: int, facts: PatientFacts) -> tuple[Impose | Amend, ...]:
    """New measures, and changes of some that stand."""
    chance = random.Random(-seed)
    new = [
        Impose(some_measure(chance, 50 + n, chance.choice(["2026-05-01", "2026-05-20"])))
        for n in range(chance.randint(0, 2))
    ]
    old = [
        Amend(replace(m, valid_to=chance.choice([NOW, local("2026-12-01"), None]), released=True), "ended")
        for m in facts.measures
        if chance.random() < 0.2
    ]
    return (*new, *old)


def compared_in_every_line(
    before: PatientFacts, was_at: datetime, now: PatientFacts, at: datetime
) -> tuple[Difference, ...]:
    """What the whole matrix says: every viewer, service and unit, before and after."""
    units = (None, *sorted({u for facts in (before, now) for u in units_of(facts) if u is not None}))
    known = frozenset(viewers_of(now))
    viewers = [v for v in dict.fromkeys((*viewers_of(before), *viewers_of(now))) if v in known]
    found = []
    for line in lines_of(viewers, units):
        was, is_now = (
            decide(AccessQuestion(line[0], line[1], moment, line[2]), facts, books())
            for facts, moment in ((before, was_at), (now, at))
        )
        if was.allowed != is_now.allowed:
            found.append(Difference(*line, gained=is_now.allowed, now=is_now))
    return tuple(found)


@pytest.mark.parametrize("seed", range(60))
def test_a_picture_says_of_each_line_what_a_question_is_answered(seed: int) -> None:
    facts = some_family(seed)
    picture = AccessSnapshot(facts, NOW, books())
    for line, found in access_matrix(facts, NOW, books()).items():
        viewer, service, unit = line
        assert found == decide(AccessQuestion(viewer, service, NOW, unit), facts, books())
        assert picture.allows(line) is found.allowed
        assert picture.answer(line) == found


def test_what_has_been_decided_of_facts_that_say_the_same_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Notices and published changes of one order ask the same lines, of facts that each has made."""
    facts, line = some_family(1), (GUN, Service.E_SERVICES, None)
    snapshots = AccessSnapshots(books())
    told = snapshots.of(facts, NOW).decision(line)

    def asked(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(access, "_answer", asked)
    monkeypatch.setattr(access, "_allows", asked)
    again = snapshots.of(replace(facts), NOW)
    assert (again.decision(line), again.allows(line)) == (told, told.allowed)
    sealed = after(facts, measure(MeasureKind.LOGIN_LOCK, "2026-04-01", measure_id=MeasureId("new")))
    for other in (snapshots.of(facts, LATER), snapshots.of(sealed, NOW)):
        with pytest.raises(AssertionError, match="asked again"):
            other.allows(line)


def test_what_an_order_changes_is_what_the_whole_matrix_says() -> None:
    changed = 0
    for seed in range(500):
        before = some_family(seed)
        effects = some_effects(seed, before)
        now = applied(before, effects)
        whole = compared_in_every_line(before, LATER, now, LATER)
        pictures = (AccessSnapshot(facts, LATER, books()) for facts in (before, now))
        assert changed_access(*pictures, [effect.measure for effect in effects]) == whole, seed
        changed += len(whole)
    assert changed > 400


@pytest.mark.parametrize("instant", ["2026-04-15", "2026-05-20", "2026-06-01", "2026-06-15"])
def test_what_time_changes_is_what_the_whole_matrix_says(instant: str) -> None:
    changed, at = 0, local(instant)
    for seed in range(300):
        before = some_family(seed)
        effects = some_effects(seed, before) if seed % 3 == 0 else ()
        now = applied(before, effects)
        whole = compared_in_every_line(before, at - INSTANT, now, at)
        pictures = (AccessSnapshot(before, at - INSTANT, books()), AccessSnapshot(now, at, books()))
        assert changed_access(*pictures, [effect.measure for effect in effects]) == whole, seed
        changed += len(whole)
    assert changed > 30


def test_a_seal_of_a_care_provider_is_told_of_the_clinic_that_a_grant_had_opened() -> None:
    clinic = UNITS[0]
    facts = replace(
        family("2011-01-01"),
        units={clinic: Unit(clinic, care_provider=OWNER)},
        unit_regions={unit: RegionCode("kronoberg") for unit in (OWNER, clinic)},
    )
    facts = after(facts, measure(MeasureKind.MINOR_GRANT, "2026-01-01", units=frozenset({clinic})))
    seal = measure(MeasureKind.JOURNAL_SEAL, "2026-05-01", units=frozenset({OWNER}))
    pictures = (AccessSnapshot(known, NOW, books()) for known in (facts, after(facts, seal)))
    [lost] = changed_access(*pictures, [seal])
    assert (lost.viewer, lost.unit, lost.gained) == (facts.patient.person_id, clinic, False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[AccessQuestion]:
    """Every question that is put to a rulebook."""
    questions: list[AccessQuestion] = []
    real = access._Case.__init__

    def counted(self: Any, q: AccessQuestion, *more: Any) -> None:
        questions.append(q)
        real(self, q, *more)

    monkeypatch.setattr(access._Case, "__init__", counted)
    return questions


def sealed(number: int, units: int = 200) -> Measure:
    """A seal of many units that no other seal names."""
    return measure(
        MeasureKind.JOURNAL_SEAL,
        "2026-04-01",
        measure_id=MeasureId(f"seal{number}"),
        units=frozenset(UnitId(f"SE{number}-{n}") for n in range(units)),
    )


def cost(facts: PatientFacts, measures: list[Measure], asked: list[AccessQuestion]) -> int:
    """How many questions are asked for an order that imposes these and tells a guardian of each."""
    effects: list[Effect] = [Impose(m) for m in measures]
    effects += [
        Notify(GUN, Template.MEASURE_IMPOSED, notices.Sentence("", ""), m.region, about=(m,))
        for m in measures
    ]
    asked.clear()
    snapshots = AccessSnapshots(books())  # as an order does: notices and changes are found out from the same
    notices.judged(effects, facts, NOW, NOW, books(), snapshots)
    now = applied(facts, effects)
    changed_access(snapshots.of(facts, NOW), snapshots.of(now, NOW), measures)
    return len(asked)


def test_a_hundred_orders_of_two_hundred_units_each_cost_what_the_first_one_did(
    asked: list[AccessQuestion],
) -> None:
    facts, costs, looked_at = family("2013-06-15"), [], []
    for number in range(100):
        seal = sealed(number)
        if number in (0, 99):
            costs.append(cost(facts, [seal], asked))
            index = access._Index(after(facts, seal), NOW)
            looked_at.append(max(len(index.about(unit)) for unit in seal.units or ()))
        facts = after(facts, seal)
    assert costs[0] == costs[1]
    assert looked_at == [1, 1]


def test_an_order_about_one_service_or_one_viewer_asks_about_no_other(asked: list[AccessQuestion]) -> None:
    facts = after(family("2013-06-15"), *(sealed(number) for number in range(20)))
    lock = measure(MeasureKind.LOGIN_LOCK, "2026-05-01", services=(Service.E_SERVICES,))
    cost(facts, [lock], asked)
    assert {question.unit for question in asked} == {None}
    grant = measure(
        MeasureKind.GUARDIAN_GRANT, "2026-05-01", guardians=(GUN,), units=frozenset({UnitId("SE1-1")})
    )
    lines = lines_concerned(
        AccessSnapshot(facts, NOW, books()), AccessSnapshot(after(facts, grant), NOW, books()), [grant]
    )
    assert list(lines) == [(GUN, Service.JOURNAL, UnitId("SE1-1"))]


def test_what_is_over_costs_an_order_about_the_whole_record_the_same_however_much_it_is(
    asked: list[AccessQuestion],
) -> None:
    """Whether anybody is still to be told that something was lifted is found out from the same answers."""
    child, block = family("2013-06-15"), measure(MeasureKind.GUARDIAN_BLOCK, "2026-05-01")
    over = [
        replace(sealed(n), valid_from=local("2025-04-01"), valid_to=local("2026-04-01"), released=True)
        for n in range(50)
    ]
    assert cost(after(child, *over), [block], asked) == cost(after(child, *over[:10]), [block], asked)
    assert cost(after(child, *over), [block], asked) < 2 * cost(child, [block], asked)


def test_a_timer_of_one_measure_asks_about_what_that_measure_reaches(asked: list[AccessQuestion]) -> None:
    ends = local("2026-05-20")
    seal = replace(sealed(1, units=2), valid_to=ends)
    facts = after(family("2013-06-15"), *(sealed(number) for number in range(2, 20)), seal)
    pictures = (AccessSnapshot(facts, ends - INSTANT, books()), AccessSnapshot(facts, ends, books()))
    asked.clear()
    changed = changed_access(*pictures, [])
    assert {line.unit for line in changed} == seal.units
    assert {question.unit for question in asked} == seal.units


@pytest.mark.parametrize("kind", [MeasureKind.GUARDIAN_BLOCK, MeasureKind.CHILD_SEAL])
def test_who_is_shut_out_online_is_told_to_have_lost_the_copy_on_paper(kind: MeasureKind) -> None:
    """The block of a region that names no copies on paper, over a copy that was given during a seal."""
    copies = frozenset({PaperCopy(OrderId("o"), GUN, NOW.date())})
    seal = measure(MeasureKind.JOURNAL_SEAL, "2026-04-01", services=(Service.JOURNAL,), copies=copies)
    facts = after(family("2011-01-01"), seal)
    shut = measure(
        kind, "2026-05-01", measure_id=MeasureId("b"), services=(Service.JOURNAL, Service.E_SERVICES)
    )
    pictures = (AccessSnapshot(facts, NOW, books()), AccessSnapshot(after(facts, shut), NOW, books()))
    changed = changed_access(*pictures, [shut])
    assert [(line.viewer, line.service, line.gained) for line in changed if line.viewer == GUN] == [
        (GUN, Service.PAPER_COPY, False)
    ]
    back = changed_access(*reversed(pictures), [shut])
    assert [line.gained for line in back if (line.viewer, line.service) == (GUN, Service.PAPER_COPY)] == [
        True
    ]


def test_a_number_that_may_be_a_protected_guardians_gets_no_copy_on_paper() -> None:
    """Custody names a number of which nothing is known, beside a former guardian with protected identity (X-11)."""
    copies = frozenset({PaperCopy(OrderId("o"), GUN, NOW.date())})
    facts = after(family("2011-01-01"), measure(MeasureKind.JOURNAL_SEAL, "2026-04-01", copies=copies))
    [version] = facts.patient.versions
    known = replace(version, custody=tuple(c for c in version.custody if c.guardian == GUN))
    people = dict(facts.people)
    people[GUN] = replace(people[GUN], registered=False)
    people[HANS] = replace(
        people[HANS], versions=tuple(replace(v, protected=True) for v in people[HANS].versions)
    )
    earlier = replace(version, valid_from=version.valid_from - timedelta(days=1))
    patient = replace(facts.patient, versions=(earlier, known))
    facts = replace(facts, patient=patient, people=people)
    asked = AccessQuestion(GUN, Service.PAPER_COPY, NOW)
    assert not decide(asked, facts, books()).allowed
