"""
Judging, one after the other, what concerns some patients, in one transaction.

Each judgement sees what the earlier ones did. Nothing is written here: deeds are gathered in a plan, which the
caller writes once, at the end, into the transaction that the facts were read in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from sigill.judgement.orders import judge
from sigill.policy.access import AccessSnapshot, AccessSnapshots, Difference
from sigill.policy.access_comparison import (
    all_access_gained,
    all_access_lost,
    changed_access,
    lost_by_former_viewers,
)
from sigill.policy.calendar import swedish_date
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
from sigill.policy.facts import Identity, Measure, OrderFacts, PatientFacts, Person, Staff
from sigill.policy.requests import is_a_case
from sigill.processing.access_changes import access_changes
from sigill.processing.changeset import Changeset, PendingResolution, audit_entry
from sigill.processing.citations import PolicyContext
from sigill.processing.notifications import entered_in_name, notification, speaks_of_a_child
from sigill.processing.outgoing import outbox_row
from sigill.processing.patient_context import PatientContext, absorb_effects, absorb_order
from sigill.processing.receipts import receipt, stored_answer
from sigill.store.orders import StoredOrder
from sigill.store.outbox import OutboxRow
from sigill_contracts.base import Message
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import CHANGES, NOTIFICATIONS, RECEIPTS, TopicSpec
from sigill_contracts.vocabulary import HsaId, OrderId, Outcome, PersonId

_INSTANT = timedelta(microseconds=1)
_NOBODY: Mapping[PersonId, Person] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReceivedOrder:
    """
    One order before its judge, with what was found out about its signature.

    `stored` is what is kept of it, the patient known; `key` the record key that its receipt goes out under. `at` (UTC) is
    the moment of taking effect: when the broker received it; None: that of the sitting. `first_seen_at` is set for an
    order judged after what came later: one judged anew, with `before`, the receipt that it had, and one whose partition
    was passed while it was set aside.
    """

    form: SignedForm
    stored: StoredOrder
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

    @property
    def patient(self) -> PersonId:
        """Whom it is about."""
        assert self.stored.patient is not None, "an order is judged about somebody"
        return self.stored.patient


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
    answered: dict[int, Receipt] = field(default_factory=dict)
    """The newest receipt of each order that was judged in the transaction, by its registration."""

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
        snapshots = AccessSnapshots(self.desk.books)
        judgement = judge(order.form, self._facts(order, standing), self.desk.books, snapshots)
        after = absorb_order(standing, order.form, judgement)
        self.standings[patient] = after

        answer = self._receipt(order, judgement, after.facts, at)
        if order.before is not None and _says_the_same(order.before, answer):
            return order.before

        self._record(order, judgement, answer)
        if order.before is None:
            self._notify_entered_order(order, patient, answer, after.facts, at)
        if standing.facts is not None and after.facts is not None:
            self._enact(
                patient,
                judgement.effects,
                after.facts,
                order.cause,
                order.form.order_id,
                order.traceparent,
            )
            if touched := _touched(judgement.effects):
                self._publish(
                    changed_access(snapshots.of(standing.facts, at), snapshots.of(after.facts, at), touched),
                    after.facts,
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
        answer = self._receipt(order, judgement, standing.facts, self.at)
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
        formerly: Sequence[PatientFacts] = (),
        snapshots: AccessSnapshots | None = None,
    ) -> None:
        """
        Plan what a timer or a register change brings, at its own true time.

        `before` are the facts as they were until a register change; without it the instant before is compared. `formerly`
        are those of others who became part of the patient by it. Under each number is told what has changed for it.
        `snapshots` are those that the transition was judged by; None: they are made.
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
            done = _changed_by(transition.effects)
            on = swedish_date(transition.at)
            book = self.desk.books.book_of(done[0].measure.region, on) if done else None
            self.plan.audit.append(
                audit_entry(
                    self.chain,
                    "transition",
                    transition.at,
                    cause,
                    patient,
                    order_id=order_id,
                    region=done[0].measure.region if done else None,
                    rulebook=done[0].measure.rulebook if done else None,
                    rulebook_digest=(book.digest or None) if book else None,
                    **_audited(done),
                )
            )
        if formerly or (before is not None and transition.compare):
            known = (before, *formerly) if before is not None else formerly
            self._publish_under_each_number(known, after.facts, cause, transition)
        elif transition.compare:
            snapshots, at = snapshots or AccessSnapshots(self.desk.books), transition.at
            was, now = snapshots.of(standing.facts, at - _INSTANT), snapshots.of(after.facts, at)
            changed = changed_access(was, now, _touched(transition.effects))
            self._publish(changed, after.facts, cause=cause, kind=transition.cause, at=at, order_id=uuid)

    def _publish_under_each_number(
        self, known: Sequence[PatientFacts], facts: PatientFacts, cause: str, transition: Transition
    ) -> None:
        """Publish what the register's word changes, under each number that the patient was known by until then."""
        books, at = self.desk.books, transition.at
        now = AccessSnapshot(facts, at, books)
        snapshots = {earlier.patient.key: AccessSnapshot(earlier, at, books) for earlier in known}
        was = snapshots.pop(facts.patient.key, None)
        for key, snapshot in snapshots.items():
            self._publish(
                tuple(all_access_lost(snapshot)),
                snapshot.facts,
                cause=f"{cause}|{key}",
                kind=transition.cause,
                at=at,
            )
        if was is None:
            self._publish(tuple(all_access_gained(now)), facts, cause=cause, kind=transition.cause, at=at)
            return
        lost = tuple(lost_by_former_viewers(was, now))
        changed = (*(line for _, line in lost), *changed_access(was, now, None))
        gone = {viewer.person_id: viewer for viewer, _ in lost}
        self._publish(changed, facts, cause=cause, kind=transition.cause, at=at, gone=gone)

    def row(
        self,
        topic: TopicSpec,
        key: str,
        ident: UUID,
        body: Message | str | None,
        person: PersonId | None,
        traceparent: str | None = None,
    ) -> OutboxRow:
        """A message of this transaction as a row of the outbox (`outbox_row`)."""
        return outbox_row(
            topic,
            key,
            ident,
            body,
            source=self.desk.source,
            at=self.at,
            person=person,
            traceparent=traceparent,
        )

    def send(
        self,
        topic: TopicSpec,
        key: str,
        ident: UUID,
        body: Message | str | None,
        person: PersonId | None,
        traceparent: str | None = None,
    ) -> None:
        """Send a message behind those that are planned; `body` None is a tombstone."""
        self.plan.outgoing.append(self.row(topic, key, ident, body, person, traceparent))

    def answer(
        self,
        key: str,
        answer: Receipt,
        person: PersonId | None,
        traceparent: str | None,
        *,
        registration: int | None = None,
        first: bool = False,
    ) -> None:
        """Send a receipt, and keep it as an answer to the order that is filed under `registration`."""
        text: str | None = None
        if registration is not None:
            stored = stored_answer(registration, answer, first=first)
            self.plan.answers.append(stored)
            text = stored.receipt
        self.send(RECEIPTS, key, answer.receipt_id, text or answer, person, traceparent)

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
            received_at=order.stored.received_at,
        )

    def _record(self, order: ReceivedOrder, judgement: Judgement, answer: Receipt) -> None:

        patient = self.called(order.patient)
        self.answered[order.stored.registration] = answer
        self.answer(
            order.key,
            answer,
            patient,
            order.traceparent,
            registration=order.stored.registration,
            first=order.before is None,
        )
        self.plan.audit.append(
            audit_entry(
                self.chain,
                "order",
                self.at,
                order.cause,
                patient,
                order_id=str(order.form.order_id),
                region=order.form.region,
                outcome=str(judgement.outcome),
                codes=judgement.codes,
                rulebook=judgement.rulebook or None,
                rulebook_digest=judgement.digest or None,
                signers=tuple(order.signers),
                digest=order.stored.digest.hex(),
                **_audited(_changed_by(judgement.effects)),
            )
        )

    def _receipt(
        self, order: ReceivedOrder, judgement: Judgement, facts: PatientFacts | None, at: datetime
    ) -> Receipt:

        return receipt(
            order.stored,
            order.form,
            order.signers,
            judgement,
            facts,
            self.desk.citations,
            cause=order.cause,
            at=at,
        )

    def _notify_entered_order(
        self,
        order: ReceivedOrder,
        patient: PersonId,
        answer: Receipt,
        facts: PatientFacts | None,
        at: datetime,
    ) -> None:
        """Notify the decider's unit of an order that a support desk entered."""
        note = entered_in_name(answer, order.stored.registration_number, facts, at, cause=order.cause)
        if note is not None:
            self.send(NOTIFICATIONS, order.key, note.notification_id, note, patient, order.traceparent)

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
                    if effect.assesses_copy:
                        self.plan.touched[patient] = None
                case Notify():
                    note = notification(
                        effect, facts, self.desk.citations, cause=cause, index=told, order_id=order_id
                    )
                    told += 1
                    if speaks_of_a_child(note):
                        self.plan.naming[note.notification_id] = note
                    self.send(NOTIFICATIONS, key, note.notification_id, note, patient, traceparent)
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

    def _publish(
        self,
        changed: Sequence[Difference],
        facts: PatientFacts,
        *,
        cause: str,
        kind: str,
        at: datetime,
        order_id: UUID | None = None,
        traceparent: str | None = None,
        gone: Mapping[PersonId, Person] = _NOBODY,
    ) -> None:

        changes = access_changes(
            changed, facts, self.desk.citations, cause=cause, kind=kind, at=at, order_id=order_id, gone=gone
        )
        patient = facts.patient
        for change in changes:
            self.send(CHANGES, patient.key, change.change_id, change, patient.person_id, traceparent)


def _touched(effects: Iterable[Effect]) -> tuple[Measure, ...]:
    """What effects made or changed of what anybody's access rests on."""
    return tuple(
        effect.measure
        for effect in effects
        if isinstance(effect, Impose | Amend) or (isinstance(effect, Annotate) and effect.assesses_copy)
    )


def _says_the_same(before: Receipt, after: Receipt) -> bool:
    return (before.outcome, before.codes) == (after.outcome, after.codes)


def _changed_by(effects: Iterable[Effect]) -> list[Impose | Amend]:
    return [effect for effect in effects if isinstance(effect, Impose | Amend)]


def _audited(changed: Sequence[Impose | Amend]) -> dict[str, tuple[str, ...]]:
    """What the audit chain says of measures that came or changed: which, and by which rules."""
    return {
        "rules": tuple(dict.fromkeys(rule for effect in changed for rule in effect.measure.rules)),
        "measures": tuple(f"{effect.action}:{effect.measure.measure_id}" for effect in changed),
    }
