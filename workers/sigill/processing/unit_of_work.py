"""
Judging, one after the other, what concerns some patients, in one transaction.

Each judgement sees what the earlier ones did. Nothing is written here: deeds are gathered in a plan, which the
caller writes once, at the end, into the transaction that the facts were read in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from sigill.judgement.orders import judge
from sigill.policy.access import access_matrix, units_concerned
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
    RecordAnswer,
    RefusalReason,
    ResolvePending,
    SetTimer,
    Transition,
)
from sigill.policy.facts import Identity, OrderFacts, PatientFacts, Staff
from sigill.policy.requests import is_a_case
from sigill.processing.access_changes import Picture, access_changes
from sigill.processing.changeset import AuditRecord, Changeset, OrderAnswer, OutgoingEvent, PendingResolution
from sigill.processing.citations import PolicyContext
from sigill.processing.notifications import notification
from sigill.processing.patient_context import PatientContext, absorb_effects, absorb_order
from sigill.processing.receipts import AnsweredMessage, receipt
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import CHANGES, NOTIFICATIONS
from sigill_contracts.vocabulary import HsaId, OrderId, Outcome, PersonId, RegionCode, UnitId

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ReceivedOrder:
    """
    One order before its judge, with what was found out about its signature.

    `registration` is the number it is filed under, `key` the record key that its receipt goes out under. `at` (UTC) is
    the moment of taking effect: when the broker received it; None: that of the sitting. `first_seen_at` is set for an
    order judged after what came later: one judged anew, with `before`, the receipt that it had, and one whose partition
    was passed while it was set aside.
    """

    form: SignedForm
    patient: PersonId
    registration: int
    answered: AnsweredMessage
    cause: str
    key: str
    signers: tuple[HsaId, ...] = ()
    signed_at: datetime | None = None
    revocation_unknown: bool = False
    after_dead_letter: bool = False
    at: datetime | None = None
    first_seen_at: datetime | None = None
    before: Receipt | None = None
    traceparent: str | None = None


@dataclass(slots=True)
class UnitOfWork:
    """
    The standings of some patients while they are judged. `at` is the moment of taking effect (UTC).

    `chain` is the audit chain that its deeds go into, one for each writer that works beside others.
    `same` says which person a surrogate became part of, where somebody is still called by that.
    `identities` and `staff` hold everybody whom the orders of the transaction name.
    """

    desk: PolicyContext
    at: datetime
    chain: str
    standings: dict[PersonId, PatientContext]
    same: Mapping[PersonId, PersonId] = field(default_factory=dict)
    identities: Mapping[Identity, PersonId] = field(default_factory=lambda: MappingProxyType({}))
    staff: Mapping[HsaId, Staff] = field(default_factory=lambda: MappingProxyType({}))
    plan: Changeset = field(default_factory=Changeset)

    def called(self, patient: PersonId) -> PersonId:
        """The person that a surrogate is read as."""
        return self.same.get(patient, patient)

    def standing(self, patient: PersonId) -> PatientContext:
        """What holds for a patient now."""
        return self.standings[self.called(patient)]

    def judge(self, order: ReceivedOrder) -> Receipt:
        """
        Judge an order and plan what follows. Returns the receipt.

        An order judged anew that waits for the same as before changes nothing and is not answered again. Nor is a
        request that has been opened: it is settled in the ledger (X-04).
        """
        patient, at = self.called(order.patient), order.at or self.at
        standing = self.standings.get(patient, PatientContext(None))
        if order.before is not None and is_a_case(OrderId(str(order.form.order_id)), standing.requests):
            return order.before
        judgement = judge(order.form, self._facts(order, standing), self.desk.books)
        after = absorb_order(standing, order.form, judgement)
        self.standings[patient] = after

        answer = receipt(
            order.answered, judgement, after.facts, self.desk.citations, cause=order.cause, at=at
        )
        if order.before is not None and _says_the_same(order.before, answer):
            return order.before

        self._record(order, judgement, answer)
        if standing.facts is not None and after.facts is not None:
            self._enact(
                patient,
                judgement.effects,
                after.facts,
                order.cause,
                order.form.order_id,
                order.traceparent,
            )
            touched = tuple(e.measure for e in judgement.effects if isinstance(e, Impose | Amend))
            if touched:
                units = units_concerned(touched, after.facts, at)
                self._compare(
                    access_matrix(standing.facts, at, self.desk.books, units),
                    after.facts,
                    units=units,
                    cause=order.cause,
                    kind="order",
                    at=at,
                    order_id=order.form.order_id,
                    traceparent=order.traceparent,
                )
        else:
            self._enact_unknown(patient, judgement.effects)
        return answer

    def refuse(self, order: ReceivedOrder, objections: tuple[RefusalReason, ...]) -> Receipt:
        """Refuse an order that waited, for what has turned out about it at the door since."""
        patient = self.called(order.patient)
        standing = self.standings.get(patient, PatientContext(None))
        judgement = Judgement(Outcome.REFUSED, refusals=objections)
        self.standings[patient] = absorb_order(standing, order.form, judgement)
        answer = receipt(
            order.answered, judgement, standing.facts, self.desk.citations, cause=order.cause, at=self.at
        )
        self._record(order, judgement, answer)
        return answer

    def follow(
        self,
        patient: PersonId,
        transition: Transition,
        *,
        cause: str,
        order_id: OrderId | None = None,
        before: PatientFacts | None = None,
    ) -> None:
        """
        Plan what a timer or a register change brings, at its own true time.

        `before` are the facts as they were until a register change; without it the instant before is compared.
        """
        patient = self.called(patient)
        standing = self.standings[patient]
        assert standing.facts is not None, "transitions are about known patients"
        after = absorb_effects(standing, transition.effects)
        assert after.facts is not None
        self.standings[patient] = after

        uuid = None if order_id is None else UUID(order_id)
        self._enact(patient, transition.effects, after.facts, cause, uuid, None)
        if transition.effects:
            self.plan.deeds.append(
                _deed_of(transition.effects, "transition", transition.at, cause, patient, order_id)
            )
        if transition.compare:
            was = (
                access_matrix(standing.facts, transition.at - _INSTANT, self.desk.books)
                if before is None
                else access_matrix(before, transition.at, self.desk.books)
            )
            self._compare(
                was, after.facts, cause=cause, kind=transition.cause, at=transition.at, order_id=uuid
            )

    def touch(self, patient: PersonId) -> None:
        """Have a patient's state published anew, whatever else comes of it."""
        self.plan.touched[self.called(patient)] = None

    def _facts(self, order: ReceivedOrder, standing: PatientContext) -> OrderFacts:

        own = OrderId(str(order.form.order_id))
        return OrderFacts(
            known=standing.facts,
            at=order.at or self.at,
            identities=self.identities,
            staff=self.staff,
            signers=order.signers,
            signed_at=order.signed_at,
            orders=MappingProxyType({k: v for k, v in standing.orders.items() if k != own}),
            requests=standing.requests,
            revocation_unknown=order.revocation_unknown,
            after_dead_letter=order.after_dead_letter,
            first_seen_at=order.first_seen_at,
            received_at=order.answered.received_at,
        )

    def _record(self, order: ReceivedOrder, judgement: Judgement, answer: Receipt) -> None:

        order_id = OrderId(str(order.form.order_id))
        self.plan.judged.append(OrderAnswer(order.registration, answer, first=order.before is None))
        self.plan.answer(order.key, answer, self.called(order.patient), order.traceparent)
        deed = _deed_of(
            judgement.effects, "order", self.at, order.cause, self.called(order.patient), order_id
        )
        self.plan.deeds.append(
            replace(
                deed,
                region=RegionCode(order.form.region),
                outcome=str(judgement.outcome),
                codes=judgement.codes,
                rulebook=judgement.rulebook or None,
                signers=tuple(order.signers),
                digest=order.answered.digest,
            )
        )

    def _enact(
        self,
        patient: PersonId,
        effects: Iterable[Effect],
        facts: PatientFacts,
        cause: str,
        order_id: UUID | None,
        traceparent: str | None,
    ) -> None:

        told = 0
        key = facts.patient.key
        effects = tuple(effects)
        touched = tuple((e.measure, e.action) for e in effects if isinstance(e, Impose | Amend))
        for effect in effects:
            match effect:
                case Impose() | Amend():
                    self.plan.measures.append(effect.measure)
                    self.plan.touched[patient] = None
                case Annotate():
                    self.plan.measures.append(effect.measure)
                case Notify():
                    note = notification(
                        effect, facts, self.desk.citations, cause=cause, index=told, order_id=order_id
                    )
                    told += 1
                    self.plan.outgoing.append(
                        OutgoingEvent(NOTIFICATIONS, key, note.notification_id, note, patient, traceparent)
                    )
                case ResolvePending():
                    place = len(self.plan.outgoing)
                    self.plan.settlements.append(
                        PendingResolution(effect, patient, key, cause, place, touched)
                    )
                case _:
                    self._enact_quietly(patient, effect)

    def _enact_unknown(self, patient: PersonId, effects: Iterable[Effect]) -> None:
        """Of a patient whom no register knows: deadlines and tasks, and nothing that is told to anybody."""
        for effect in effects:
            if not isinstance(effect, Impose | Amend | Annotate | Notify | ResolvePending):
                self._enact_quietly(patient, effect)

    def _enact_quietly(self, patient: PersonId, effect: Effect) -> None:

        match effect:
            case SetTimer():
                self.plan.timers.append(effect)
            case OpenRequest() | RecordAnswer() | CloseRequest():
                self.plan.requests.append(effect)
            case AddTask() | CloseTask():
                self.plan.tasks.append((effect, patient))
            case _:
                raise AssertionError(f"an effect that nobody enacts: {type(effect).__name__}")

    def _compare(
        self,
        before: Picture,
        facts: PatientFacts,
        *,
        cause: str,
        kind: str,
        at: datetime,
        units: Sequence[UnitId | None] | None = None,
        order_id: UUID | None = None,
        traceparent: str | None = None,
    ) -> None:

        changes = access_changes(
            before,
            access_matrix(facts, at, self.desk.books, units),
            facts,
            self.desk.citations,
            cause=cause,
            kind=kind,
            at=at,
            order_id=order_id,
        )
        patient = facts.patient
        self.plan.outgoing.extend(
            OutgoingEvent(CHANGES, patient.key, change.change_id, change, patient.person_id, traceparent)
            for change in changes
        )


def _says_the_same(before: Receipt, after: Receipt) -> bool:
    return (before.outcome, before.codes) == (after.outcome, after.codes)


def _deed_of(
    effects: Iterable[Effect],
    what: str,
    at: datetime,
    cause: str,
    patient: PersonId,
    order_id: OrderId | None,
) -> AuditRecord:

    changed = [effect for effect in effects if isinstance(effect, Impose | Amend)]
    return AuditRecord(
        what=what,
        at=at,
        cause=cause,
        patient=patient,
        region=changed[0].measure.region if changed else None,
        order_id=order_id,
        rulebook=changed[0].measure.rulebook if changed else None,
        rules=tuple(dict.fromkeys(rule for effect in changed for rule in effect.measure.rules)),
        measures=tuple(f"{effect.action}:{effect.measure.measure_id}" for effect in changed),
    )
