"""One history played on two stages: the pure core over plain lists, and the reference beside it."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import yaml

from sigill.policy.access import AccessQuestion, decide
from sigill.policy.effects import Effect, Notify
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.cast import Numbers
from sigill.scenario.format import Scenario, ScenarioStep
from sigill.scenario.play import OrderToSign, ScenarioRunner, SeenReceipt
from sigill.scenario.pure import PureStage
from sigill_contracts.register import PersonRecord
from sigill_contracts.vocabulary import (
    IMPOSES,
    RELEASES,
    Attestation,
    Channel,
    ContinueDecision,
    Form,
    Initiative,
    MeasureKind,
    Opinion,
    OrderId,
    Outcome,
    PersonId,
    RefusalCode,
    Role,
    Service,
    Template,
    UnitId,
)
from tests.model.reference import (
    FOR_EVERYONE,
    FOR_GUARDIANS,
    PROTECTS,
    SWEDEN,
    UNSAID,
    Order,
    Post,
    Reference,
    Registered,
    Unit,
    local_day,
)

CLAIMS: dict[str, set[str]] = {
    Template.GRANT_GIVEN: {"gained"},
    Template.MEASURE_RELEASED: {"gained"},
    Template.GRANT_EXPIRED: {"lost"},
    Template.GRANT_REVOKED: {"lost"},
    Template.GRANT_EXPIRING: {"lost"},
    Template.AGE_13: {"gained", "lost"},
    Template.AGE_13_AHEAD: {"gained", "lost"},
    Template.AGE_16: {"gained", "lost"},
    Template.AGE_16_AHEAD: {"gained", "lost"},
}
"""What a notice says becomes of the access of the one it speaks of (X-21)."""
T = TypeVar("T")
Ask = tuple[str, str, Service, str | None]
"""Patient, viewer, service, unit."""
LONGEST_DELAY = timedelta(days=29)
"""A form that comes later is refused for the age of its signature, and shuts nobody out."""


def run(play: Coroutine[Any, Any, T]) -> T:
    """The pure stage never waits for anything."""
    try:
        play.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the pure stage waited for something")


class Differs(AssertionError):
    """The core and the pages say different things; `rule` says where to look."""

    def __init__(self, rule: str, says: str, story: str = "", seed: int | None = None) -> None:
        self.rule, self.says, self.story, self.seed = rule, says, story, seed
        super().__init__(f"{rule}: {says}\n{story}")


@dataclass
class Watched(PureStage):
    """The pure stage, with a window on what goes through it."""

    before_order: Callable[[OrderToSign], None] = lambda _: None
    after_order: Callable[[OrderToSign, SeenReceipt], None] = lambda _, __: None
    on_record: Callable[[PersonRecord], None] = lambda _: None
    on_tell: Callable[[PersonId, Notify, str], None] = lambda _, __, ___: None

    async def send(self, order: OrderToSign) -> SeenReceipt:
        self.before_order(order)
        told = await super().send(order)
        self.after_order(order, told)
        return told

    async def tell_register(self, records: Iterable[PersonRecord]) -> None:
        for record in records:
            self.on_record(record)
            await super().tell_register([record])

    def _enact(self, patient: PersonId, effects: Iterable[Effect], cause: str) -> None:
        kept = tuple(effects)
        super()._enact(patient, kept, cause)
        for effect in kept:
            if isinstance(effect, Notify) and effect.suppressed is None and effect.to is not None:
                self.on_tell(patient, effect, cause)


@dataclass
class World:
    """A family, its units and staff; every step is a step of a story, and the story is kept."""

    header: dict[str, Any]
    books: Rulebooks
    without: frozenset[str] = frozenset()
    closely: bool = False
    """Whether codes of refusal and people's tasks are held as well; `check_memory` and `check_twins` are called."""
    steps: list[dict[str, Any]] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)
    """Where each step left the clock."""
    access: dict[Ask, bool] = field(default_factory=dict)
    notices: int = 0
    compared: datetime | None = None
    sent: dict[str, datetime] = field(default_factory=dict)
    kept: dict[tuple[datetime, Ask], bool] = field(default_factory=dict)
    """What was answered at an instant, and after everything that happened at it."""

    def __post_init__(self) -> None:
        story = Scenario.model_validate(self.header | {"steps": []})
        self.stage = Watched(self.books)
        self.play = ScenarioRunner(story, self.stage, self.books, Numbers(), "sigill/test")
        self.model = Reference()
        self.stage.before_order = self._before
        self.stage.after_order = self._after
        self.stage.on_record = self._record
        self.stage.on_tell = self._told
        for unit, said in self.header["units"].items():
            self.model.units[unit] = Unit(unit, said["region"], said.get("clinic"))
        for name, spec in story.staff.items():
            for role in spec.roles:
                self.model.posts.append(Post(name, spec.unit, role))
        self.children = [n for n, p in story.people.items() if p.guardians]
        self.adults = [n for n, p in story.people.items() if not p.guardians]
        self.orders: dict[str, Order] = {}
        self.told: dict[str, SeenReceipt] = {}
        self._unread: list[tuple[str, str, Notify, datetime]] = []
        self._current: dict[str, Any] = {}
        self._order: Order | None = None
        run(self.play.prepare())
        self.names = {actor.ref.id: name for name, actor in self.play.cast.people.items()}
        self.person_ids = {
            name: self.stage.identities[_identity(self.stage, actor.ref)]
            for name, actor in self.play.cast.people.items()
        }
        self.people = {pid: name for name, pid in self.person_ids.items()}
        self.unit_names = {hsa: name for name, hsa in self.play.cast.units.items()}
        self.access = self.compare(self.children)

    # --- steps

    @property
    def now(self) -> datetime:
        return self.stage.now

    def step(self, step: dict[str, Any]) -> None:
        """Play one step on both stages, and hold everything that must hold."""
        self.steps.append(step)
        self._current = step
        since = self.now
        if "at" not in step:  # two things never happen at the same instant
            run(self.play.step(ScenarioStep.model_validate({"at": "+1s"})))
            self.settle(since)
        run(self.play.step(ScenarioStep.model_validate(step)))
        self.moments.append(self.now)
        self.settle(since)
        self.read_notices()
        if "order" not in step:  # an order touches one patient only, and that one is compared when it is sent
            self.access = self.compare(self.children)
        self.check_register_state()
        self.check_requests()
        if self.closely:
            self.check_tasks()

    def settle(self, since: datetime) -> None:
        """X-04: what all have agreed on opens when the last that stood against it ends, however far the clock moves."""
        ends = {self.model._ended_at(m, self.now) for m in self.model.imposed}
        for moment in sorted(end for end in ends if end is not None and since < end < self.now):
            self.model.settle_agreed(moment)
        self.model.settle_agreed(self.now)

    def story(self) -> str:
        """The history so far, as a story that can be played alone."""
        told = str(self.steps)
        staff = {
            name: spec for name, spec in self.header["staff"].items() if name in told or "support" in name
        }
        return yaml.safe_dump(
            self.header | {"staff": staff, "steps": self.steps},
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=None,
            width=300,
        )

    def fail(self, rule: str, says: str) -> None:
        if rule in self.without:
            return
        raise Differs(rule, says, self.story())

    # --- what goes through the stage

    def _record(self, record: PersonRecord) -> None:
        actor = next(a for a in self.play.cast.people.values() if a.ref.id == record.person.id)
        self.model.register.append(
            Registered(
                at=record.changed_at,
                person=actor.name,
                born=date.fromisoformat(actor.born),
                county=actor.county or "",
                marked=actor.protected,
                e_id=actor.e_id,
                id_type=actor.ref.id_type,
                guardians=frozenset(g for g, end in actor.guardians.items() if end is None),
                died=actor.died,
            )
        )

    def _before(self, signed: OrderToSign) -> None:
        self.read_notices()
        self._order = self.as_order(signed)
        self.sent[str(self._current["order"]["id"])] = self.now
        if self.compared is not None and local_day(self.compared) != local_day(self.now):
            self.access = self.compare(self.children)
        self.verdict = self.model.judge(self._order)

    def _after(self, signed: OrderToSign, told: SeenReceipt) -> None:
        order = self._order
        assert order is not None
        name = str(self._current["order"]["id"])
        self.orders[name], self.told[name] = order, told
        outcome = Outcome(told.outcome)
        verdict = self.verdict
        if "X-07" in self.without and verdict.codes & {RefusalCode.DECIDER_WRONG_UNIT}:
            verdict = UNSAID
        if verdict.outcome is not None and verdict.outcome is not outcome:
            self.fail(
                "outcome",
                f"{name}: the pages say {verdict.outcome} {sorted(verdict.codes)},"
                f" the core {told.outcome} {list(told.codes)} {told.why}",
            )
        if "phone" not in self.without and set(map(str, verdict.never)) & set(told.codes):
            self.fail("phone", f"{name}: never {sorted(verdict.never)}, the core {list(told.codes)}")
        codes = set(map(str, verdict.codes))
        if self.closely and outcome is Outcome.REFUSED and codes and not codes & set(told.codes):
            self.fail(
                "codes", f"{name}: the pages say {sorted(codes)}, the core {list(told.codes)} {told.why}"
            )
        before = dict(self.access)
        shut = {m.key: m for m in self.model.in_force(order.patient, self.now)}
        self.model.carry_out(order, outcome)
        self.read_notices()
        self.access = now = self.compare([order.patient])
        gained = [ask for ask, allowed in now.items() if allowed and not before.get(ask, allowed)]
        for ask in gained:
            self._may_gain(name, order, outcome, ask, list(shut.values()))
        self._order = None

    def _may_gain(self, name: str, order: Order, outcome: Outcome, ask: Ask, shut: list[Any]) -> None:
        """Nobody gains by an act that does not name what shut that person out."""
        _, viewer, service, unit = ask
        if order.form in PROTECTS:
            self.fail("a protective order opens nothing", f"{name} opened {service} at {unit} to {viewer}")
        if outcome is Outcome.REFUSED:
            self.fail("a refusal opens nothing", f"{name} opened {service} at {unit} to {viewer}")
        over = [m for m in shut if self.model.shuts(m, viewer, service, unit, order.decided_at)]
        if order.form in RELEASES and any(
            m.kind is not RELEASES[order.form] and m.came_with is None for m in over
        ):
            self.fail("X-03", f"{name} opened {service} at {unit} to {viewer} past {[m.key for m in over]}")
        request = next((r for r in self.model.requests if r.order.order_id == order.follows_up), None)
        if (
            order.form is Form.UNIT_OPINION
            and request is not None
            and request.asker not in (None, viewer)
            and not any(m.kind in FOR_EVERYONE for m in over)
        ):
            self.fail("X-02", f"{name} opened {service} at {unit} to {viewer}, who did not ask")

    def _told(self, patient: PersonId, tell: Notify, cause: str) -> None:
        """Every notice that is sent is held against the reference at once."""
        if not hasattr(self, "people") or tell.to not in self.people:
            return
        self.notices += 1
        if cause != "order" and any(m.initiative is Initiative.REGISTER for m in tell.about):
            self.fail(
                "X-09", f"{tell.template} by {cause}: standing measures notify no resident and no guardian"
            )
        self._unread.append((self.people[tell.to], self.people[patient], tell, self.stage.now))

    def read_notices(self) -> None:
        """Hold what was sent against the pages, once the reference knows of what it was sent about."""
        unread, self._unread = self._unread, []
        for who, whom, tell, at in unread:
            self.check_notice(who, whom, tell, at)

    def check_notice(self, who: str, whom: str, tell: Notify, at: datetime) -> None:
        """X-21 to X-23: true of the recipient, to one who is still concerned, and against no "do not tell"."""
        said = f"{tell.template} to {who} about {whom} at {at}"
        if not self.model.may_hear(who, whom, at):
            self.fail("X-22", f"{said}: the recipient is not concerned, or must not be told")
        # the order that ends two measures names both: what a notice is about is known by what imposed it
        lineage = {str(order_id) for m in tell.about for order_id in m.orders[:1]}
        if tell.template is Template.STANDARD_REPLY:
            if not self.shut_at_all(whom, who, at):
                self.fail("X-21", f"{said}: nothing shuts out the one who asked")
            return
        if any(self.model.silenced(order_id, whom, who, at) for order_id in lineage):
            self.fail("X-23", f"{said}: an order about it said that this one must not be told")
        claim = CLAIMS.get(tell.template)
        if claim is None:
            return
        moment = tell.day or at
        subjects = tell.others or (tell.to,)
        changes = {
            change
            for subject in subjects
            if subject
            for change in self.changes_at(whom, self.people[subject], moment)
        }
        if "unsaid" not in changes and not changes & claim:
            self.fail("X-21", f"{said}: at {moment} nothing is {' or '.join(sorted(claim))} for that person")

    def shut_at_all(self, patient: str, viewer: str, at: datetime) -> bool:
        in_force = self.model.in_force(patient, at)
        return any(
            self.model.shuts(m, viewer, service, unit, at)
            for m in in_force
            if not m.kind.opens
            for service in (Service.JOURNAL, Service.E_SERVICES)
            for unit in self.model.units
        )

    def changes_at(self, patient: str, viewer: str, moment: datetime) -> set[str]:
        """What becomes of somebody's access at an instant: gained, lost, or not said by the pages."""
        changes = set()
        earlier = moment - timedelta(microseconds=1)
        for _, _, service, unit in self.asks([patient], [viewer]):
            before, _ = self.model.access(patient, viewer, service, unit, earlier)
            after, _ = self.model.access(patient, viewer, service, unit, moment)
            if service is Service.PAPER_COPY or before is after:
                continue
            changes.add("unsaid" if before is None or after is None else "gained" if after else "lost")
        return changes

    # --- what must hold

    def asks(self, patients: Iterable[str], viewers: Iterable[str] | None = None) -> Iterable[Ask]:
        for patient in patients:
            for viewer in viewers or (patient, *self.adults):
                for unit in self.model.units:
                    yield patient, viewer, Service.JOURNAL, unit
                yield patient, viewer, Service.E_SERVICES, None
                yield patient, viewer, Service.PAPER_COPY, next(iter(self.model.units))

    def compare(self, patients: Iterable[str]) -> dict[Ask, bool]:
        """Access by the core, equal to access by the reference wherever the pages say."""
        found = dict(self.access)
        at = self.compared = self.stage.now
        for patient in patients:
            facts = self.stage.facts(self.person_ids[patient])
            in_force = self.model.in_force(patient, at)
            for ask in self.asks([patient]):
                _, viewer, service, unit = ask
                hsa = UnitId(self.play.cast.units[unit]) if unit else None
                decision = decide(
                    AccessQuestion(self.person_ids[viewer], service, at, hsa), facts, self.books
                )
                allowed, why = self.model.access(patient, viewer, service, unit, at, in_force=in_force)
                codes = set(decision.codes)
                if allowed is not None and allowed is not decision.allowed:
                    self.fail(
                        "access",
                        f"{viewer} to {patient} {service} at {unit}, {at}: the pages say {allowed} {sorted(why)},"
                        f" the core {decision.allowed} {sorted(codes)}",
                    )
                if allowed is not None and not why <= codes:
                    self.fail(
                        "reasons",
                        f"{viewer} to {patient} {service} at {unit}, {at}: the pages say {sorted(why)},"
                        f" the core {sorted(codes)}",
                    )
                found[ask] = decision.allowed
                self.kept[at, ask] = decision.allowed
        return found

    def check_register_state(self) -> None:
        """X-09: protected, under the rulebook's age, and shut."""
        for child in self.children:
            region = self.model.shut_by_register(child, self.now)
            if region is None:
                continue
            for (patient, viewer, service, unit), allowed in self.access.items():
                if patient == child and allowed and service is not Service.PAPER_COPY and viewer != child:
                    self.fail("X-09", f"{child} is protected and {viewer} reaches {service} at {unit}")

    def check_requests(self) -> None:
        """X-04, X-05: no request about what has ended; only a keep refuses, and a mark that holds the register's own."""
        for request in self.model.requests:
            name = next(n for n, o in self.orders.items() if o is request.order)
            receipt = self.stage.receipts[OrderId(request.order.order_id)]
            says = self.model.request_outcome(request, self.now)
            if receipt.outcome != says.value:
                self.fail(
                    "X-04", f"{name}: the pages say {says}, its receipt {receipt.outcome} {receipt.codes}"
                )

    def check_tasks(self) -> None:
        """X-04: no open task about what has ended."""
        pending = {
            order_id for order_id, receipt in self.stage.receipts.items() if receipt.outcome == "pending"
        }
        for (kind, subject), person in self.stage.open_tasks.items():
            if kind in ("unit_opinion", "unit_reminder", "signed_form"):
                if subject.split(":")[0] not in pending:
                    self.fail("X-04", f"a task {kind} is open, and its order waits for nobody")
            elif kind in ("review", "lock_at_13", "follow_up_decision") and subject not in pending:
                about = next((m for m in self.stage.facts(person).measures if m.measure_id == subject), None)
                keys = {key for named, key in self.model.names if about and named in about.orders[:1]}
                known = [m for m in self.model.measures(self.people[person], self.now) if m.key in keys]
                ended = known and all(self.model._ended_at(m, self.now) is not None for m in known)
                if about is None or ended:
                    self.fail("X-04", f"a task {kind} is open, and what it is about has ended")

    def check_memory(self) -> None:
        """What is answered of an earlier instant, as known then, is what was answered at that instant."""
        step = max(1, len(self.kept) // 60)
        for (at, ask), allowed in list(self.kept.items())[::step]:
            patient, viewer, service, unit = ask
            facts = self.stage.facts(self.person_ids[patient], known_at=at)
            hsa = UnitId(self.play.cast.units[unit]) if unit else None
            then = decide(
                AccessQuestion(self.person_ids[viewer], service, at, hsa), facts, self.books
            ).allowed
            if then is not allowed:
                self.fail(
                    "known then", f"{viewer} to {patient} {service} at {unit}, {at}: was {allowed}, is {then}"
                )

    def check_twins(self, which: int, later: int) -> None:
        """A protective order that is repeated, or comes later, leaves nobody in who was shut out."""
        shutting = [
            place
            for place, step in enumerate(self.steps)
            if "order" in step
            and (order := self.orders.get(step["order"].get("id", ""))) is not None
            and not step["order"].get("resend")
            and order.form in IMPOSES
            and not IMPOSES[order.form].opens
            and self.told[order_name(step)].outcome != "refused"
        ]
        if not shutting:
            return
        place = shutting[which % len(shutting)]
        order = self.steps[place]["order"]
        again = {"order": order | {"id": f"{order['id']}b"}}
        self.hold_twin("repeated", [*self.steps[: place + 1], again, *self.steps[place + 1 :]], {id(again)})
        others = [step["order"] for step in self.steps if "order" in step and step["order"] is not order]
        named = any(
            order["id"] in (other["id"], other.get("follows_up"), *(other.get("releases") or ()))
            for other in others
        )
        until = min(place + 1 + later, len(self.steps))
        sent = self.sent[order["id"]]
        while until > place + 1 and self.moments[until - 1] - sent > LONGEST_DELAY:
            until -= 1
        if named or "decided_at" in order or until == place + 1:
            return
        decided = sent.astimezone(SWEDEN).replace(tzinfo=None)
        delayed = {"order": order | {"decided_at": decided.isoformat(timespec="seconds")}}
        between = self.steps[place + 1 : until]
        self.hold_twin("delayed", [*self.steps[:place], *between, delayed, *self.steps[until:]], set())

    def check_replay(self) -> None:
        """
        What is known now is what the same orders and events give that are played anew: nothing else has a say.

        The clock comes to the same moments by other strides, so that nothing rests on when somebody looked.
        """
        stage = PureStage(self.books)
        play = ScenarioRunner(
            Scenario.model_validate(self.header | {"steps": []}), stage, self.books, Numbers(), "sigill/test"
        )
        play.cast.orders.update(self.play.cast.orders)  # the same orders, by their own ids
        run(play.prepare())
        for step, moment in zip(self.steps, self.moments, strict=True):
            if "at" in step:
                run(stage.move_clock(stage.now + (moment - stage.now) / 3))
            else:
                run(play.step(ScenarioStep.model_validate({"at": "+1s"})))
            run(play.step(ScenarioStep.model_validate(step)))
        for what, known, replayed in (
            ("measures", self.stage.newest(), stage.newest()),
            ("requests", self.stage.requests, stage.requests),
            ("receipts", self.stage.receipts, stage.receipts),
            ("tasks", self.stage.open_tasks, stage.open_tasks),
            ("timers", self.stage.timers, stage.timers),
        ):
            if known != replayed:
                self.fail("replayed", f"{what}: known {known}, replayed {replayed}")
        for patient, viewer, service, unit in self.asks(self.children):
            hsa = UnitId(self.play.cast.units[unit]) if unit else None
            question = AccessQuestion(self.person_ids[viewer], service, self.now, hsa)
            asked = self.person_ids[patient]
            if decide(question, self.stage.facts(asked), self.books) != decide(
                question, stage.facts(asked), self.books
            ):
                self.fail("replayed", f"{viewer} to {patient} {service} at {unit} is answered otherwise")

    def hold_twin(self, what: str, steps: list[dict[str, Any]], at_once: set[int]) -> None:
        """Play other steps without the reference, and hold that nobody is let in who was not."""
        stage = PureStage(self.books)
        play = ScenarioRunner(
            Scenario.model_validate(self.header | {"steps": []}), stage, self.books, Numbers(), "sigill/test"
        )
        run(play.prepare())
        for step in steps:
            if "at" not in step and id(step) not in at_once:
                run(play.step(ScenarioStep.model_validate({"at": "+1s"})))
            run(play.step(ScenarioStep.model_validate(step)))
        run(stage.move_clock(max(stage.now, self.now)))
        ids = {n: stage.identities[_identity(stage, a.ref)] for n, a in play.cast.people.items()}
        for patient, viewer, service, unit in self.asks(self.children):
            hsa = UnitId(play.cast.units[unit]) if unit else None
            facts = stage.facts(ids[patient])
            question = AccessQuestion(ids[viewer], service, stage.now, hsa)
            was = decide(
                replace(question, viewer=self.person_ids[viewer]),
                self.stage.facts(self.person_ids[patient]),
                self.books,
            )
            if decide(question, facts, self.books).allowed and not was.allowed:
                self.fail("twins", f"{what}: {viewer} reaches {patient} {service} at {unit}:\n{steps}")

    # --- words

    def as_order(self, signed: OrderToSign) -> Order:
        """The form in the reference's words."""
        form, step = signed.form, self._current["order"]
        staff = {e.hsa_id: e.name for e in self.play.cast.staff.values()}
        units = {hsa: name for name, hsa in self.play.cast.units.items()}

        def person(ref: dict[str, str]) -> str:
            return self.names[ref["id"]]

        def worker(ref: dict[str, str]) -> tuple[str, str, Role]:
            return staff[ref["hsa_id"]], units[ref["unit"]], Role(ref["role"])

        def day(key: str) -> date | None:
            return date.fromisoformat(form[key]) if form[key] else None

        inform = step.get("inform") or {}
        court = form["court_order"]
        return Order(
            order_id=form["order_id"],
            region=form["region"],
            form=Form(form["form"]),
            patient=person(form["patient"]),
            initiative=Initiative(form["initiative"]),
            decided_by=worker(form["decided_by"]) if form["decided_by"] else None,
            decided_at=datetime.fromisoformat(form["decided_at"]),
            arrived_at=self.stage.now,
            consulted=tuple(worker(c) for c in form["consulted"]),
            urgent=form["urgent"],
            channel=Channel(form["channel"]),
            units=frozenset(units[u] for u in form["units"]) if form["units"] else None,
            recorded_from=day("recorded_from"),
            recorded_to=day("recorded_to"),
            valid_from=day("valid_from"),
            valid_through=day("valid_through"),
            review_on=day("review_on"),
            guardians=frozenset(person(g) for g in form["guardians"]) if form["guardians"] else None,
            representative=person(form["representative"]) if form["representative"] else None,
            court_duties=frozenset(court["duties"]) if court else frozenset(),
            releases=frozenset(form["releases"]) if form["releases"] else None,
            follows_up=form["follows_up"],
            decision=ContinueDecision(form["decision"]) if form["decision"] else None,
            opinion=Opinion(form["opinion"]) if form["opinion"] else None,
            attestations=frozenset(Attestation(a) for a in form["attestations"]),
            inform_guardians=inform.get("guardians"),
            inform_patient=inform.get("patient"),
        )


def order_name(step: dict[str, Any]) -> str:
    """The name that a story gives the order of a step."""
    return str(step["order"]["id"])


def _identity(stage: PureStage, ref: Any) -> Any:
    return next(i for i in stage.identities if i.number == ref.id and i.id_type == ref.id_type)


__all__ = ["FOR_GUARDIANS", "Differs", "MeasureKind", "World"]
