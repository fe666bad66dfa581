"""A stage without broker or database: the pure core over plain lists. Stories run on it in milliseconds."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from pydantic import ValidationError

from sigill.judgement import successors
from sigill.judgement.orders import judge, last_day_of, named_by, takes_effect_when_received
from sigill.judgement.remarks import asks_to_open, in_force_for, of_what_holds
from sigill.judgement.transitions import DueTimer, on_timer, register_change, rules_begin
from sigill.policy.access import AccessQuestion, Decision, Line, access_matrix, decide, differences
from sigill.policy.calendar import BirthDate
from sigill.policy.effects import (
    AddTask,
    Amend,
    Annotate,
    CloseRequest,
    CloseTask,
    Effect,
    Impose,
    Judgement,
    Notify,
    OpenRequest,
    ResolvePending,
    SetTimer,
    applied,
)
from sigill.policy.effects import RecordAnswer as UnitSaid
from sigill.policy.elsewhere import outside_change, outside_measure
from sigill.policy.facts import (
    Assignment,
    Custody,
    EarlierOrder,
    Identity,
    Measure,
    OrderFacts,
    OutsideMeasure,
    PatientFacts,
    Person,
    PersonVersion,
    ReleaseRequest,
    Staff,
)
from sigill.policy.measures_in_force import rules_beginning
from sigill.policy.requests import is_a_case
from sigill.policy.rulebook import Rulebooks
from sigill.policy.units import Unit
from sigill.processing.patient_context import ends_waiting
from sigill.runtime.settings import Signatures
from sigill.scenario.cast import Numbers
from sigill.scenario.format import Scenario
from sigill.scenario.play import (
    OrderToSign,
    ScenarioRunner,
    SeenChange,
    SeenDecision,
    SeenNotification,
    SeenReceipt,
)
from sigill_contracts.directory import StaffRecord, UnitRecord
from sigill_contracts.elsewhere import ElsewhereRecord
from sigill_contracts.order import PersonRef, SignedForm
from sigill_contracts.register import PersonRecord
from sigill_contracts.vocabulary import (
    HsaId,
    OrderId,
    PersonId,
    RegionCode,
    Service,
    UnitId,
)

_OLDEST_SIGNATURE = timedelta(days=Signatures.model_fields["signature_max_age_days"].default)

_TAMPERED = {
    "payload": "signature_invalid",
    "signature": "signature_invalid",
    "alg_none": "algorithm_not_allowed",
    "expired_certificate": "certificate_expired",
    "revoked_certificate": "certificate_revoked",
    "untrusted_issuer": "certificate_untrusted",
    "wrong_key_usage": "certificate_not_for_signing",
}

_WAITED_FOR = {"patient_not_yet_known", "custody_unconfirmed", "awaiting_follow_up_decision"}
"""What the register or the directory may bring, so that an order is judged again."""


def _identity(ref: PersonRef) -> Identity:
    return Identity(ref.id_type, ref.id)


def _row_of(m: Measure) -> tuple[object, ...]:
    """What the store keeps of a measure once, for all its versions."""
    return m.kind, m.region, m.services, m.units, m.recorded_from, m.recorded_to, m.unit


@dataclass
class PureStage:
    """The whole world in memory. Measures keep every version with the moment it was known."""

    books: Rulebooks
    now: datetime = datetime(1900, 1, 1, tzinfo=UTC)
    persons: dict[PersonId, Person] = field(default_factory=dict)
    identities: dict[Identity, PersonId] = field(default_factory=dict)
    staff: dict[HsaId, Staff] = field(default_factory=dict)
    units: dict[UnitId, RegionCode] = field(default_factory=dict)
    places: dict[UnitId, Unit] = field(default_factory=dict)
    open_tasks: dict[tuple[str, str], PersonId] = field(default_factory=dict)
    versions: list[tuple[datetime, Measure]] = field(default_factory=list)
    outside: list[tuple[datetime, OutsideMeasure]] = field(default_factory=list)
    read_up_to: list[tuple[datetime, str, datetime]] = field(default_factory=list)
    requests: dict[PersonId, dict[OrderId, ReleaseRequest]] = field(default_factory=dict)
    orders: dict[OrderId, tuple[str, EarlierOrder, PersonId]] = field(default_factory=dict)
    receipts: dict[OrderId, SeenReceipt] = field(default_factory=dict)
    waiting: dict[OrderId, tuple[OrderToSign, datetime]] = field(default_factory=dict)
    timers: set[SetTimer] = field(default_factory=set)
    said: list[tuple[PersonId, SeenChange]] = field(default_factory=list)
    told: list[SeenNotification] = field(default_factory=list)

    # --- people

    def _ensure(self, ref: PersonRef) -> PersonId:
        identity = _identity(ref)
        if identity not in self.identities:
            person = PersonId(f"p{len(self.persons) + 1}")
            self.identities[identity] = person
            stub = PersonVersion(datetime(1900, 1, 1, tzinfo=self.now.tzinfo), identity)
            birth = BirthDate.parse("1900")
            self.persons[person] = Person(person, str(person), birth, (stub,), registered=False)
        return self.identities[identity]

    async def tell_register(self, records: Iterable[PersonRecord]) -> None:
        for record in records:
            self._record(record)

    def _record(self, record: PersonRecord) -> None:
        for former in record.former_ids:
            if _identity(former) in self.identities:
                self.identities[_identity(record.person)] = self.identities[_identity(former)]
        person_id = self._ensure(record.person)
        old = self.persons[person_id]
        affected = [
            person_id,
            *(
                p
                for p in self.persons
                if person_id in self.persons[p].guardians_at(self.now)
                or any(person_id in r.asked_by for r in self.requests.get(p, {}).values())
            ),
        ]
        known = dict(self.persons)  # as they are until now
        before = {p: replace(self.facts(p), people=known) for p in affected}
        version = PersonVersion(
            valid_from=record.changed_at,
            identity=_identity(record.person),
            county=record.county,
            protected=record.secrecy_mark or record.protected_registration,
            has_e_id=record.has_e_id,
            custody=tuple(
                Custody(self._ensure(c.guardian) if c.guardian else None, c.from_date, c.to_date)
                for c in record.custody
            ),
            died_on=record.deregistration.date if record.deregistration else None,
        )
        versions = (*old.versions, version) if old.registered else (version,)
        self.persons[person_id] = Person(
            person_id,
            str(person_id),
            BirthDate.parse(record.birth_date),
            versions,
            tuple(_identity(f) for f in record.former_ids),
        )
        for p in affected:
            was = before[p] if before[p].patient.registered else None
            after = self.facts(p)
            if not after.patient.registered:
                continue
            transition = register_change(
                was, after, self.now, self.books, open_requests=tuple(self.requests.get(p, {}).values())
            )
            self._enact(p, transition.effects, "register")
            if was is not None:
                self._publish(p, access_matrix(was, self.now, self.books), self.now)
        self._anew(person_id)

    def _anew(self, person: PersonId) -> None:
        for order_id, (order, first) in list(self.waiting.items()):
            if self.orders[order_id][2] == person:
                del self.waiting[order_id]
                if not is_a_case(order_id, self.requests.get(person, {}).values()):
                    earlier = self.orders[order_id][1]
                    as_received = takes_effect_when_received(
                        earlier.form, earlier.waits_for, self.persons[person]
                    )
                    self._judge(order, first, at=first if as_received else None)

    async def tell_directory(self, records: Iterable[StaffRecord]) -> None:
        for record in records:
            found = tuple(
                Assignment(UnitId(a.unit), RegionCode(a.region), frozenset(a.roles), a.from_date, a.through)
                for a in record.assignments
            )
            self.staff[HsaId(record.hsa_id)] = Staff(HsaId(record.hsa_id), found)
            self.units.update(
                {
                    a.unit: a.region
                    for a in found
                    if a.unit not in self.places or not self.places[a.unit].region
                }
            )

    async def tell_units(self, records: Iterable[UnitRecord]) -> None:
        for record in records:
            unit = UnitId(record.unit)
            self.places[unit] = Unit(
                unit,
                RegionCode(record.region) if record.region else None,
                record.name,
                record.clinic,
                UnitId(record.care_provider) if record.care_provider else None,
                UnitId(record.parent) if record.parent else None,
                record.valid_from,
                record.valid_through,
                UnitId(record.succeeded_by) if record.succeeded_by else None,
            )
            if record.region:
                self.units[unit] = RegionCode(record.region)
        for person in dict.fromkeys(self.orders[order_id][2] for order_id in self.waiting):
            self._successors(person)
            self._anew(person)
        for person in self.requests:
            self._successors(person)

    def _successors(self, person: PersonId) -> None:
        requests = tuple(self.requests.get(person, {}).values())
        self._enact(person, tuple(successors.named(self.facts(person), requests, self.now)), "directory")

    def newest(self) -> dict[str, Measure]:
        """Every measure as it is known now."""
        return {m.measure_id: m for _, m in self.versions}

    def facts(self, person: PersonId, known_at: datetime | None = None) -> PatientFacts:
        newest: dict[str, Measure] = {}
        for known, m in self.versions:
            if m.patient == person and (known_at is None or known <= known_at):
                newest[m.measure_id] = m
        outside: dict[str, OutsideMeasure] = {}
        for known, one in self.outside:
            if one.measure.patient == person and (known_at is None or known <= known_at):
                outside[one.measure.measure_id] = one
        read = {
            source: until for known, source, until in self.read_up_to if known_at is None or known <= known_at
        }
        return PatientFacts(
            self.persons[person],
            self.persons,
            tuple(newest.values()),
            self.units,
            self.places,
            tuple(outside.values()),
            read,
        )

    async def tell_elsewhere(self, record: ElsewhereRecord) -> None:
        self.read_up_to.append((self.now, record.source, record.read_up_to))
        if record.measure is None:
            return
        person = self._ensure(record.measure.patient)
        before = self.facts(person)
        one = outside_measure(record.source, record.measure, person)
        self.outside.append((self.now, one))
        after = self.facts(person)
        if not after.patient.registered:
            return
        picture = access_matrix(before, self.now, self.books)
        self._enact(person, outside_change(before, after, self.now).effects, "elsewhere")
        self._publish(person, picture, self.now)

    # --- orders

    async def send(self, order: OrderToSign) -> SeenReceipt:
        wrong = _TAMPERED.get(order.tamper or "")
        if wrong is None and self.now - order.signed_at > _OLDEST_SIGNATURE:
            wrong = "signature_too_old"
        if wrong is not None:
            told = SeenReceipt("refused", (wrong,))
            self.receipts[OrderId(order.form["order_id"])] = told
            return told
        order_id = OrderId(order.form["order_id"])
        if order_id in self.orders:
            told = SeenReceipt("refused", ("replayed_with_changes",))
            self.receipts[order_id] = told
            return told
        return self._judge(order, None)

    def _judge(
        self, order: OrderToSign, first: datetime | None, *, at: datetime | None = None
    ) -> SeenReceipt:
        order_id = OrderId(str(order.form["order_id"]))
        try:
            form = SignedForm.model_validate_json(json.dumps(order.form))
        except ValidationError:
            self.receipts[order_id] = SeenReceipt("refused", ("field_invalid",))
            return self.receipts[order_id]
        patient = self._ensure(form.patient)
        for ref in (*(form.guardians or ()), *((form.representative,) if form.representative else ())):
            self._ensure(ref)
        facts = OrderFacts(
            known=self.facts(patient),
            at=at or self.now,
            identities=self.identities,
            staff=self.staff,
            signers=(HsaId(order.signer),) if order.signer else (),
            signed_at=order.signed_at,
            orders={o: e for o, (_, e, p) in self.orders.items() if p == patient and o != order_id},
            requests=tuple(self.requests.get(patient, {}).values()),
            first_seen_at=first,
        )
        judgement = judge(form, facts, self.books)
        ids = tuple(e.measure.measure_id for e in judgement.effects if isinstance(e, Impose))
        earlier = EarlierOrder(
            order_id,
            RegionCode(form.region),
            form.form,
            judgement.outcome,
            judgement.codes,
            form.urgent,
            ids,
            form.channel,
            None if form.follows_up is None else OrderId(str(form.follows_up)),
        )
        self.orders[order_id] = (str(order.form), earlier, patient)
        if _WAITED_FOR & set(judgement.codes):
            self.waiting[order_id] = (order, first or self.now)
        before = access_matrix(self.facts(patient), self.now, self.books)
        self._enact(patient, judgement.effects, "order")
        self._publish(patient, before, self.now)
        told = self._as_told(judgement)
        self.receipts[order_id] = told
        return told

    def _as_told(self, j: Judgement) -> SeenReceipt:
        why = "; ".join(f"{r.code}: {r.text.en}" for r in j.refusals)
        return SeenReceipt(j.outcome.value, j.codes, j.ends_on, tuple(str(r.code) for r in j.remarks), why)

    def _enact(self, patient: PersonId, effects: Iterable[Effect], cause: str) -> None:
        effects = tuple(effects)
        after = applied(self.facts(patient), effects)
        for effect in effects:
            match effect:
                case Impose(measure=m) | Amend(measure=m) | Annotate(measure=m):
                    twice = any(
                        (o.measure_id, o.version) == (m.measure_id, m.version) for _, o in self.versions
                    )
                    assert not twice, "the store takes each version of a measure once"
                    scopes = {_row_of(o) for _, o in self.versions if o.measure_id == m.measure_id}
                    assert scopes <= {_row_of(m)}, "the store takes no version with another scope"
                    self.versions.append((self.now, m))
                case SetTimer():
                    self.timers.add(effect)
                case AddTask():
                    self.open_tasks[effect.kind, effect.subject] = patient
                case CloseTask():
                    self.open_tasks.pop((effect.kind, effect.subject), None)
                case Notify(suppressed=None):
                    ref = self.persons[effect.to].latest.identity if effect.to else None
                    self.told.append(
                        SeenNotification(
                            PersonRef(id_type=ref.id_type, id=ref.number) if ref else None,
                            effect.template,
                            effect.unit,
                        )
                    )
                case OpenRequest(request=request):
                    self.requests.setdefault(patient, {})[request.order_id] = request
                case UnitSaid(request=which, answer=answer, closes=closes):
                    old = self.requests[patient][which]
                    others = tuple(a for a in old.answers if a.unit != answer.unit)
                    self.requests[patient][which] = replace(old, answers=(*others, answer), closed=closes)
                case CloseRequest(request=which, closes=end):
                    self.requests[patient][which] = replace(self.requests[patient][which], closed=end)
                case ResolvePending(order_id=which, outcome=outcome, refusal=refusal):
                    told = self.receipts.get(which)
                    if told is None or told.outcome != "pending" or not ends_waiting(effect, told.codes):
                        continue
                    codes = () if refusal is None else (str(refusal.code),)
                    _, earlier, whose = self.orders[which]
                    ends_on = (
                        self._ends_on(earlier, whose, told.ends_on) if outcome.value == "executed" else None
                    )
                    remarks = told.remarks
                    if asks_to_open(earlier.form) and outcome.value == "executed":
                        holding = in_force_for(earlier.form, after, self.now)
                        remarks = tuple(str(r.code) for r in of_what_holds(holding, after, self.now))
                    self.receipts[which] = replace(
                        told, outcome=outcome.value, codes=codes, ends_on=ends_on, remarks=remarks
                    )
                    self.orders[which] = (_, replace(earlier, outcome=outcome.value, waits_for=()), whose)
                case _:
                    pass

    def _ends_on(self, earlier: EarlierOrder, patient: PersonId, told: date | None) -> date | None:
        """What a final receipt says of the end, as the order's measures stand now."""
        facts = self.facts(patient)
        changed = [m for m in facts.measures if m.measure_id in earlier.measures]
        named = named_by(earlier.form, earlier.order_id, changed)
        return last_day_of(named, facts.patient.birth) if changed else told

    def _publish(self, patient: PersonId, before: Mapping[Line, Decision], at: datetime) -> None:
        for d in differences(before, access_matrix(self.facts(patient), at, self.books)):
            who = self.persons[d.viewer].latest.identity
            whom = self.persons[patient].latest.identity
            self.said.append(
                (
                    patient,
                    SeenChange(
                        PersonRef(id_type=who.id_type, id=who.number),
                        PersonRef(id_type=whom.id_type, id=whom.number),
                        d.service.value,
                        d.unit,
                        "gained" if d.gained else "lost",
                        at,
                        tuple(str(c) for c in d.now.codes),
                    ),
                )
            )

    async def send_again(self, order_id: UUID) -> SeenReceipt:
        return replace(self.receipts[OrderId(str(order_id))], outcome="duplicate")

    async def newest_receipt(self, order_id: UUID) -> SeenReceipt | None:
        return self.receipts.get(OrderId(str(order_id)))

    # --- time and answers

    async def move_clock(self, now: datetime) -> None:
        for begins, _ in rules_beginning(self.books, self.now, now):
            await self._run_due(begins - timedelta(microseconds=1))
            self.now = begins
            for person in list(self.persons):
                if self.persons[person].registered:
                    before = access_matrix(self.facts(person), begins, self.books)
                    waiting = tuple(self.requests.get(person, {}).values())
                    begun = rules_begin(self.facts(person), begins, self.books, open_requests=waiting)
                    self._enact(person, begun.effects, "register")
                    self._publish(person, before, begins)
        await self._run_due(now)

    async def _run_due(self, now: datetime) -> None:
        while due := sorted((t for t in self.timers if t.due_at <= now), key=lambda t: (t.due_at, t.kind)):
            timer = due[0]
            self.timers.discard(timer)
            self.now = max(self.now, timer.due_at) if self.now.tzinfo else timer.due_at
            facts = self.facts(timer.patient)
            requests = tuple(self.requests.get(timer.patient, {}).values())
            transition = on_timer(DueTimer(timer, facts, requests), self.books, now=timer.due_at)
            self._enact(timer.patient, transition.effects, transition.cause)
            if transition.compare:
                before = access_matrix(facts, transition.at - timedelta(microseconds=1), self.books)
                self._publish(timer.patient, before, transition.at)
            if timer.kind in ("patient_unknown_deadline", "successor_named"):
                self.now = timer.due_at
                self._anew(timer.patient)
        self.now = now

    async def ask(
        self,
        viewer: PersonRef,
        patient: PersonRef,
        service: Service,
        unit: str | None,
        recorded_on: date | None,
        at: datetime,
        known_at: datetime | None,
        information_type: str | None = None,
    ) -> SeenDecision:
        facts = self.facts(self._ensure(patient), known_at)
        asked = UnitId(unit) if unit else None
        question = AccessQuestion(
            self.identities.get(_identity(viewer)), service, at, asked, recorded_on, information_type
        )
        decision = decide(question, facts, self.books)
        return SeenDecision(decision.allowed, tuple(str(c) for c in decision.codes))

    async def changes(self) -> tuple[SeenChange, ...]:
        return tuple(c for _, c in self.said)

    async def notifications(self) -> tuple[SeenNotification, ...]:
        return tuple(self.told)

    async def measures(self, patient: PersonRef, at: datetime) -> set[str]:
        return {m.kind.value for m in self.facts(self._ensure(patient)).in_force(at)}

    async def tasks(self, patient: PersonRef) -> set[str]:
        who = self._ensure(patient)
        return {kind for (kind, _), person in self.open_tasks.items() if person == who}

    async def restart(self, workers: tuple[str, ...]) -> None:
        """Nothing to kill here."""


async def play_pure(story: Scenario, books: Rulebooks) -> None:
    """Play a story in the pure core. Raises what the runner raises where an expectation does not hold."""
    await ScenarioRunner(story, PureStage(books), books, Numbers(), "sigill/test").run()
