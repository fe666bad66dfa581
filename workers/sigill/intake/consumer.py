"""
A batch of signed orders, judged in one transaction. The caller commits the offsets after it.

Exactly once: a message seen before gets its first answer again and changes nothing; another message under the same
id is refused. A record that is read once more is not answered once more under the same id. Within the batch a patient's
later order sees the effects of the earlier one. After a message that could not be read, *opening* orders under the same
key wait until somebody has dealt with it; protective ones pass. After too many of one source, all its opening orders
wait until somebody has looked. So do those that come ahead of a partition that is set aside
(`sigill.consumer.continuity`), until that one has been read.

What an unproven message claims owns nothing: it takes no order id, so that a forged one cannot stand in the way of
the true one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import structlog

from sigill.consumer.runner import (
    NotReady,
    PoisonRecordError,
    PoisonRecords,
    StepTimings,
    dead_record,
    place_of,
)
from sigill.intake.form_parsing import people_named
from sigill.intake.revocation_cache import TrustRevocationCache
from sigill.intake.verification import (
    OrderVerifier,
    RejectedMessage,
    UnreadableMessage,
    VerificationResult,
    VerifiedMessage,
)
from sigill.judgement.objections import objection
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Judgement, RefusalReason, SetTimer, TimerKind
from sigill.policy.facts import Identity
from sigill.policy.identity_numbers import NUMBER_FAULT, NumberFault, same_but_check_digit, wrong_check_digit
from sigill.processing.changeset import audit_entry
from sigill.processing.citations import PolicyProvider
from sigill.processing.event_ids import RECORD_ANSWER, arrival_cause, event_id, order_cause
from sigill.processing.loading import people_in, staff_in, unit_of_work_about
from sigill.processing.patient_keys import UNKEYED, shaped_like_a_key
from sigill.processing.persist import persist
from sigill.processing.person_refs import identity_of
from sigill.processing.receipts import duplicate_of, receipt, registration_number, unreadable
from sigill.processing.trust_report import report_json
from sigill.processing.unit_of_work import ReceivedOrder, UnitOfWork
from sigill.runtime.failpoints import point
from sigill.runtime.lifecycle import CooperativeYield
from sigill.runtime.logging import log_message
from sigill.runtime.metrics import DEAD_LETTERS, PROCESSED, REFUSALS, Metrics
from sigill.store import dead_letters, growth, holds, inbox, orders, persons, staff, timers, units
from sigill.store.dead_letters import DeadRecord
from sigill.store.growth import Overtaking
from sigill.store.inbox import Fresh, Repeated, ReusedId
from sigill.store.session import Tx
from sigill.stream.records import Record, sender_of
from sigill.trust import RevocationSnapshot
from sigill.trust.verdict import Question
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import (
    HsaId,
    IdType,
    OrderId,
    Outcome,
    PendingCode,
    PersonId,
    RefusalCode,
    RegionCode,
    UnitId,
)

log = structlog.get_logger("sigill.intake")
LOST = "dead_letter"
DIRECTORY = "directory"
"""What orders wait for when nobody knows their decider: perhaps the directory is not read to its end yet."""


@dataclass(slots=True)
class VerifiedBatch:
    """A batch after unwrapping, and what became of it."""

    arrivals: list[VerificationResult]
    lost: frozenset[tuple[str, int, int]] = frozenset()
    failed: frozenset[tuple[str, int, int]] = frozenset()
    answered: list[tuple[VerificationResult, Receipt | None]] = field(default_factory=list)
    """Each message with its answer: None for an unreadable one, and where the answer was erased with its person."""


@dataclass(slots=True)
class Intake:
    """Takes orders. `directory_read` says whether the staff directory is read to its end; None: do not ask."""

    desk: PolicyProvider
    verifier: OrderVerifier
    revocation: TrustRevocationCache
    metrics: Metrics
    group: str
    directory_read: Callable[[], Awaitable[bool]] | None = None

    async def prepare(self, records: Sequence[Record], spoiled: PoisonRecords) -> VerifiedBatch:
        """
        Verify the signatures, in a thread, so that the loop turns and the broker hears of us meanwhile.

        Where nobody could say whether a certificate is revoked, OCSP is asked, for a bounded time, and what has been
        learned is looked at once more.
        """
        evidence = self.revocation.snapshot
        arrivals = await asyncio.to_thread(self._unwrap, records, spoiled, evidence)
        unsure = {place: arrival for place, arrival in enumerate(arrivals) if _questions(arrival)}
        if unsure:
            await self.revocation.ask(
                question for arrival in unsure.values() for question in _questions(arrival)
            )
            if self.revocation.snapshot is not evidence:
                again = [arrival.record for arrival in unsure.values()]
                learned = await asyncio.to_thread(self._unwrap, again, spoiled, self.revocation.snapshot)
                for place, arrival in zip(unsure, learned, strict=True):
                    arrivals[place] = arrival
        lost = frozenset(
            place_of(arrival.record) for arrival in arrivals if isinstance(arrival, UnreadableMessage)
        )
        failed = frozenset(
            place_of(arrival.record)
            for arrival in arrivals
            if isinstance(arrival, UnreadableMessage) and arrival.proven
        )
        return VerifiedBatch(arrivals, lost, failed)

    def _unwrap(
        self, records: Sequence[Record], spoiled: PoisonRecords, evidence: RevocationSnapshot
    ) -> list[VerificationResult]:
        arrivals: list[VerificationResult] = []
        for record in records:
            if place_of(record) in spoiled:
                arrivals.append(self._at_fault(record, evidence))
                continue
            try:
                arrivals.append(self.verifier.unwrap(record, evidence))
            except Exception as error:
                raise PoisonRecordError(record) from error
        return arrivals

    def _at_fault(self, record: Record, evidence: RevocationSnapshot) -> UnreadableMessage:
        """A record whose handling failed. One that is proven all the same can be read, and we are at fault."""
        try:
            proven = isinstance(self.verifier.unwrap(record, evidence), VerifiedMessage)
        except Exception:
            proven = False
        return UnreadableMessage(record, DeadLetterReason.UNREADABLE_RECORD, proven)

    def unreadable(self, prepared: VerifiedBatch, record: Record) -> bool:
        """Whether a record of the batch becomes a dead letter."""
        return place_of(record) in prepared.lost

    def failed(self, prepared: VerifiedBatch, record: Record) -> bool:
        """Whether it does although it is a proven order."""
        return place_of(record) in prepared.failed

    async def take(self, tx: Tx, prepared: VerifiedBatch, steps: StepTimings) -> None:
        """Judge a batch and write what follows. Raises PoisonRecordError for a record that cannot be judged."""
        arrivals = await self._mistyped_away(tx, prepared.arrivals)
        signed = [arrival for arrival in arrivals if isinstance(arrival, VerifiedMessage)]
        topic = prepared.arrivals[0].record.topic
        # before the people: whoever ends a wait locks it first, too
        overtaking = await growth.overtaking(
            tx, self.group, topic, (arrival.record.partition for arrival in prepared.arrivals)
        )
        with steps.step("people"):
            identities = await persons.ensure(
                tx, people_in(message.form for message in signed), self.verifier.keys.of
            )
            await persons.lock(tx, {identities[identity_of(message.form.patient)] for message in signed})
        point("batch.people_known")
        with steps.step("inbox"):
            claimed = await self._claim(tx, arrivals)
            given = await self._given(tx, claimed)
        point("batch.claimed")
        with steps.step("facts"):
            fresh = [
                message
                for message, claim in claimed
                if isinstance(message, VerifiedMessage) and isinstance(claim, Fresh)
            ]
            unit_of_work = await self._sitting(tx, fresh, identities, arrivals)
            held_up = await self._held_up(tx, fresh, unit_of_work)
            held = await holds.held(
                tx, ORDERS.name, {holds.known_as(message.envelope.source) for message in fresh}
            )
        batch = _Batch(self, unit_of_work, held_up, held, overtaking, given, steps)
        with steps.step("judge"):
            turn = CooperativeYield()
            for arrival, claim in claimed:
                try:
                    batch.judge(arrival, claim)
                except Exception as error:
                    raise PoisonRecordError(arrival.record) from error
                await turn.if_due()
        point("batch.judged")
        with steps.step("write"):
            await orders.record(tx, batch.filed)
            point("batch.orders_written")
            await dead_letters.append(tx, batch.lost)
            await persist(tx, unit_of_work)
        prepared.answered = batch.answered

    async def _mistyped_away(
        self, tx: Tx, arrivals: Sequence[VerificationResult]
    ) -> list[VerificationResult]:
        """
        Turn away the orders whose number nobody has and that differs from somebody's in its check digit alone.

        Outside production a wrong check digit is no fault (`NumberRules.test_numbers`); a slip of the pen is one all the
        same, and its sender learns it at once.
        """
        asked = {
            (place, field): identity_of(person)
            for place, arrival in enumerate(arrivals)
            if isinstance(arrival, VerifiedMessage)
            for field, person in people_named(arrival.form)
            if person.id_type is not IdType.RESERVNUMMER and wrong_check_digit(person.id)
        }
        if not asked:
            return list(arrivals)
        near = {
            number: [Identity(number.id_type, other) for other in same_but_check_digit(number.number)]
            for number in asked.values()
        }
        known = await persons.resolve(tx, {*near, *(other for others in near.values() for other in others)})
        mistyped = {n for n, others in near.items() if n not in known and any(o in known for o in others)}
        text = NUMBER_FAULT[NumberFault.CHECK_DIGIT]
        found = list(arrivals)
        for place, arrival in enumerate(arrivals):
            wrong = [field for (at, field), number in asked.items() if at == place and number in mistyped]
            if wrong and isinstance(arrival, VerifiedMessage):
                found[place] = arrival.turned_away(
                    tuple(RefusalReason(RefusalCode.FIELD_INVALID, text, field=field) for field in wrong)
                )
        return found

    async def _claim(
        self, tx: Tx, arrivals: Sequence[VerificationResult]
    ) -> list[tuple[VerificationResult, inbox.Claimed | None]]:
        """Pair each arrival with what is known of it; a message that cannot be read claims nothing."""
        # bytes that were proven once are a repeat, even when their signature has become too old since
        late = {
            _event_of(arrival)
            for arrival in arrivals
            if isinstance(arrival, RejectedMessage) and _fits(arrival)
        }
        repeats = await inbox.known(tx, list(late))
        asked = [
            event
            if (event := _event_of(arrival)) in repeats and isinstance(arrival, RejectedMessage)
            else _claim_of(arrival)
            for arrival in arrivals
            if not isinstance(arrival, UnreadableMessage)
        ]
        answers = iter(await inbox.claim(tx, asked))
        return [
            (arrival, None if isinstance(arrival, UnreadableMessage) else next(answers))
            for arrival in arrivals
        ]

    async def _given(
        self, tx: Tx, claimed: Sequence[tuple[VerificationResult, inbox.Claimed | None]]
    ) -> set[UUID]:
        """
        The answers to records of the batch, and their dead letters, that went out when these very records were read before.

        A log that was made anew, or lost its end, is read from its beginning. The id of an answer to a repeat, or to what
        cannot be read, follows from the record's place and bytes: it would stand in the outbox twice. So would a dead letter,
        and people would have to deal with it twice.
        """
        answers: dict[UUID, tuple[bytes, int]] = {}
        for arrival, claim in claimed:
            if isinstance(claim, Repeated) and not isinstance(arrival, UnreadableMessage):
                digest, registration = arrival.digest, claim.registration
            elif isinstance(arrival, UnreadableMessage):
                dead = self.dead(arrival)
                answers[dead_letters.event_of(dead)] = (dead_letters.digest_of(dead), 0)
                if not _is_told(arrival):
                    continue
                digest, registration = _digest_of(arrival.record), 0
            else:
                continue
            ident = event_id(arrival_cause(*place_of(arrival.record), digest), RECORD_ANSWER)
            answers[ident] = (bytes.fromhex(digest), registration)
        return await inbox.answer_once(tx, answers)

    def dead(self, arrival: UnreadableMessage) -> DeadRecord:
        """What cannot be read, as it is kept."""
        return dead_record(arrival.record, arrival.reason, ORDERS, self.group)

    async def _sitting(
        self,
        tx: Tx,
        fresh: Sequence[VerifiedMessage],
        identities: Mapping[Identity, PersonId],
        arrivals: Sequence[VerificationResult],
    ) -> UnitOfWork:

        forms = [message.form for message in fresh]
        signers = {HsaId(signer.hsa_id) for message in fresh for signer in message.verdict.signers}
        wanted = staff_in(forms, signers)
        employed = await staff.load(tx, wanted)
        places = {form.decided_by.unit for form in forms if form.decided_by and self._asks_where(form)}
        untold = places - (await units.names(tx, places)).keys()
        if (wanted - employed.keys() or untold) and self.directory_read is not None:
            if not await self.directory_read():
                raise NotReady(DIRECTORY)
            # it may have been read to its end since we looked
            employed = await staff.load(tx, wanted)
        first = arrivals[0].record
        return await unit_of_work_about(
            tx,
            self.desk,
            {identities[identity_of(form.patient)] for form in forms},
            chain=f"intake-{first.partition}",
            forms=forms,
            identities=identities,
            staff=employed,
        )

    def _asks_where(self, form: SignedForm) -> bool:
        """Whether the rules ask at which unit such an order is decided."""
        version = self.desk.books.version(form.region, swedish_date(form.decided_at))
        return version is not None and any(e.deciders_bound_to for e in version.matching(form.form))

    async def _held_up(
        self, tx: Tx, fresh: Sequence[VerifiedMessage], unit_of_work: UnitOfWork
    ) -> set[bytes]:
        """The record keys under which an unreadable message is still to be dealt with."""
        keys = {message.envelope.subject for message in fresh if message.envelope.subject is not None}
        for standing in unit_of_work.standings.values():
            if standing.facts is not None:
                keys.add(standing.facts.patient.key)
        return (
            {key.encode() for key in await dead_letters.open_keys(tx, ORDERS.name, keys)} if keys else set()
        )

    async def on_waits_ended(self, tx: Tx, topic: str, partitions: Collection[int]) -> None:
        """Have the opening orders of partitions that wait for no other any longer judged within moments."""
        code = str(PendingCode.AWAITING_EARLIER_MESSAGE)
        people = await growth.waiting_people(tx, topic, partitions, code)
        await timers.set(
            tx,
            [
                SetTimer(TimerKind.EARLIER_MESSAGE_SETTLED, tx.now, person, RegionCode(""))
                for person in people
            ],
        )

    def report(self, prepared: VerifiedBatch, steps: StepTimings) -> None:
        """One line a message in the log, and the counts."""
        each = steps.shared_by(len(prepared.answered))
        for arrival, answer in prepared.answered:
            record = arrival.record
            form = None if isinstance(arrival, UnreadableMessage) else arrival.form
            outcome, codes = _outcome_of(arrival, answer)
            log_message(
                order_id=None if form is None else str(form.order_id),
                form=None if form is None else str(form.form),
                region=None if form is None else form.region,
                outcome=outcome,
                codes=codes,
                steps_ms=each,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
            if isinstance(arrival, UnreadableMessage):
                self.metrics.inc(DEAD_LETTERS, topic=record.topic, reason=str(arrival.reason))
                continue
            region = form.region if form and form.region in self.desk.books.regions else "unknown"
            self.metrics.inc(
                PROCESSED, outcome=outcome, form=str(form.form) if form else "unknown", region=region
            )
            if outcome == Outcome.REFUSED:
                for code in codes:
                    self.metrics.inc(REFUSALS, code=code, region=region)


class _Batch:
    """Judges the arrivals of one batch, in order, and gathers what is to be written beside the sitting's plan."""

    def __init__(
        self,
        intake: Intake,
        unit_of_work: UnitOfWork,
        held_up: set[bytes],
        held: set[str],
        overtaking: Overtaking,
        given: set[UUID],
        steps: StepTimings,
    ) -> None:
        self._steps = steps
        self._given = given
        self._overtaking = overtaking
        self._held = held
        self._intake = intake
        self._sitting = unit_of_work
        self._held_up = held_up
        self._answers: dict[int, Receipt] = {}
        self.filed: list[orders.StoredOrder] = []
        self.lost: list[DeadRecord] = []
        self.answered: list[tuple[VerificationResult, Receipt | None]] = []

    def judge(self, arrival: VerificationResult, claim: inbox.Claimed | None) -> None:
        """Judge one arrival: refuse, repeat, or decide."""
        match arrival, claim:
            case UnreadableMessage(), _:
                self._lose(arrival)
            case _, Repeated():
                self._repeat(arrival, claim)
            case VerifiedMessage(), Fresh():
                self._decide(arrival, claim.registration)
            case VerifiedMessage(), ReusedId():
                codes = (objection(RefusalCode.REPLAYED_WITH_CHANGES, "order_id"),)
                self._turn_away(arrival, claim.registration, codes)
            case RejectedMessage(), Fresh() | ReusedId():
                self._turn_away(arrival, claim.registration, arrival.objections)
            case _:
                raise AssertionError("every arrival is one of these")

    def _decide(self, arrival: VerifiedMessage, registration: int) -> None:

        form = arrival.form
        patient = self._sitting.identities[identity_of(form.patient)]
        facts = self._sitting.standing(patient).facts
        own_keys = {arrival.record.key, facts.patient.key.encode() if facts else None}
        stored = _stored(arrival, registration, self._number(arrival), proven=True, patient=patient)
        self.filed.append(stored)
        answer = self._sitting.judge(
            ReceivedOrder(
                form=form,
                stored=stored,
                cause=order_cause(str(form.order_id), arrival.digest),
                key=arrival.envelope.subject or UNKEYED,
                signers=tuple(HsaId(signer.hsa_id) for signer in arrival.verdict.signers),
                signed_at=arrival.verdict.signed_at,
                revocation_unknown=arrival.verdict.undetermined,
                after_dead_letter=bool(own_keys & self._held_up)
                or holds.known_as(arrival.envelope.source) in self._held
                or self._overtaking.is_ahead(*place_of(arrival.record)),
                at=self._effect_of(arrival.record),
                # what has passed it was imposed meanwhile, as if it had waited
                first_seen_at=arrival.record.at
                if self._overtaking.is_late(*place_of(arrival.record))
                else None,
                traceparent=self._trace(arrival),
            )
        )
        self._answers[registration] = answer
        self.answered.append((arrival, answer))

    def _turn_away(
        self,
        arrival: VerifiedMessage | RejectedMessage,
        registration: int,
        objections: tuple[RefusalReason, ...],
    ) -> None:
        """Refuse before any rule is asked: nothing changes, the bytes are kept, and the sender learns every reason."""
        cause = arrival_cause(*place_of(arrival.record), arrival.digest)
        judgement = Judgement(Outcome.REFUSED, refusals=objections)
        stored = _stored(arrival, registration, self._number(arrival), proven=False, patient=None)
        signers = tuple(signer.hsa_id for signer in arrival.verdict.signers)
        answer = receipt(
            stored,
            arrival.form,
            signers,
            judgement,
            None,
            self._sitting.desk.citations,
            cause=cause,
            at=self._effect_of(arrival.record),
        )
        self.filed.append(stored)
        self._sitting.answer(
            _key_of(arrival), answer, None, self._trace(arrival), registration=registration, first=True
        )
        self._sitting.plan.audit.append(
            audit_entry(
                self._sitting.chain,
                "order",
                self._sitting.at,
                cause,
                None,
                outcome=str(Outcome.REFUSED),
                codes=judgement.codes,
                signers=signers,
                digest=arrival.digest,
            )
        )
        self._answers[registration] = answer
        self.answered.append((arrival, answer))

    def _repeat(self, arrival: VerifiedMessage | RejectedMessage, claim: Repeated) -> None:
        """The same message again: the first answer again, and nothing else."""
        first = self._answers.get(claim.registration)
        if first is None and claim.receipt is not None:
            first = Receipt.model_validate_json(claim.receipt)
        if first is None:
            # its person was erased, and the answer with it
            self.answered.append((arrival, None))
            return
        answer = duplicate_of(
            first,
            cause=arrival_cause(*place_of(arrival.record), arrival.digest),
            source=arrival.envelope.source,
            event=arrival.envelope.id,
            received_at=arrival.record.at,
            at=self._effect_of(arrival.record),
        )
        if answer.receipt_id not in self._given:
            self._sitting.answer(_key_of(arrival), answer, None, self._trace(arrival))
        self.answered.append((arrival, answer))

    def _number(self, arrival: VerifiedMessage | RejectedMessage) -> str:
        """The number under which an arrival is registered, if it is fresh: in the series of the region that it names."""
        claims, books = _claim_of(arrival), self._sitting.desk.books
        on = swedish_date(arrival.record.at)
        region = None if arrival.form is None else books.book_of(arrival.form.region, on)
        return registration_number(claims.source, claims.event_id, claims.digest, arrival.record.at, region)

    def _effect_of(self, record: Record) -> datetime:
        """When an order takes effect: when the broker received it, however late it is read; never ahead of now."""
        return min(record.at, self._sitting.at)

    def _trace(self, arrival: VerifiedMessage | RejectedMessage) -> str | None:
        """The trace that what follows belongs to: in our own span, or in the sender's where we record none."""
        return self._steps.traceparent(arrival.record) or arrival.envelope.traceparent

    def _lose(self, arrival: UnreadableMessage) -> None:

        letter = self._intake.dead(arrival)
        # one that lies there since before holds up its key as long as nobody has dealt with it, which the store knows
        if dead_letters.event_of(letter) not in self._given:
            if letter.key is not None:
                self._held_up.add(letter.key)
            self.lost.append(letter)
        self.answered.append((arrival, None))
        sender = sender_of(arrival.record)
        if _is_told(arrival) and sender is not None:
            digest = _digest_of(arrival.record)
            answer = unreadable(
                digest,
                sender[1],
                arrival.reason,
                source=sender[0],
                cause=arrival_cause(*place_of(arrival.record), digest),
                received_at=arrival.record.at,
                at=self._effect_of(arrival.record),
            )
            key = shaped_like_a_key(arrival.record.key) or UNKEYED
            if answer.receipt_id not in self._given:
                self._sitting.answer(key, answer, None, self._steps.traceparent(arrival.record))


def _is_told(arrival: UnreadableMessage) -> bool:
    """Whether the sender of what cannot be read hears of it. Where the fault is ours the answer comes when it is replayed."""
    return arrival.reason is not DeadLetterReason.UNREADABLE_RECORD and sender_of(arrival.record) is not None


def _digest_of(record: Record) -> str:
    """The SHA-256 of a record's bytes, in hex."""
    return sha256(record.value or b"").hexdigest()


def _outcome_of(arrival: VerificationResult, answer: Receipt | None) -> tuple[str, tuple[str, ...]]:
    """What became of a message, and the codes of it, as the log says it."""
    if isinstance(arrival, UnreadableMessage):
        return LOST, (str(arrival.reason),)
    return (str(Outcome.DUPLICATE), ()) if answer is None else (str(answer.outcome), answer.codes)


def _questions(arrival: VerificationResult) -> tuple[Question, ...]:
    """The certificates of an arrival of which nobody could say whether they are revoked."""
    return () if isinstance(arrival, UnreadableMessage) else arrival.verdict.questions


def _claim_of(arrival: VerifiedMessage | RejectedMessage) -> inbox.Arrival:
    """
    What an arrival claims. One that proves nothing claims only its own bytes: a forgery must not use up the id of a
    true message that comes after it.
    """
    envelope, digest = arrival.envelope, bytes.fromhex(arrival.digest)
    if isinstance(arrival, VerifiedMessage):
        order_id = OrderId(str(arrival.form.order_id))
        return inbox.Arrival(envelope.source, envelope.id, order_id, digest)
    return inbox.Arrival(f"unproven:{envelope.source}", f"{envelope.id}:{arrival.digest}", None, digest)


def _event_of(arrival: VerifiedMessage | RejectedMessage) -> inbox.Arrival:
    """The event that an arrival says it is, with its bytes."""
    envelope = arrival.envelope
    return inbox.Arrival(envelope.source, envelope.id, None, bytes.fromhex(arrival.digest))


def _fits(arrival: RejectedMessage) -> bool:
    """Whether nothing is wrong between an arrival's envelope and what it holds."""
    return all(reason.code is not RefusalCode.ENVELOPE_MISMATCH for reason in arrival.objections)


def _key_of(arrival: VerifiedMessage | RejectedMessage) -> str:
    """The record key of the answer: keyed like the order, if that is a key of ours."""
    if isinstance(arrival, RejectedMessage):
        return arrival.key or UNKEYED
    return arrival.envelope.subject or UNKEYED


def _named_order(arrival: VerifiedMessage | RejectedMessage) -> OrderId | None:
    """The order that a message says it is."""
    if arrival.form is not None:
        return OrderId(str(arrival.form.order_id))
    if isinstance(arrival, RejectedMessage) and arrival.order_id is not None:
        return OrderId(str(arrival.order_id))
    return None


def _stored(
    arrival: VerifiedMessage | RejectedMessage,
    registration: int,
    number: str,
    *,
    proven: bool,
    patient: PersonId | None,
) -> orders.StoredOrder:

    form, record = arrival.form, arrival.record
    decider = None if form is None else form.decided_by
    return orders.StoredOrder(
        registration=registration,
        order_id=_named_order(arrival),
        proven=proven,
        patient=patient,
        region=None if form is None else RegionCode(form.region),
        form=None if form is None else form.form,
        unit=None if decider is None else UnitId(decider.unit),
        urgent=form is not None and form.urgent,
        source=arrival.envelope.source,
        event_id=arrival.envelope.id,
        content_type=arrival.envelope.content_type,
        digest=bytes.fromhex(arrival.digest),
        original=arrival.evidence,
        payload=None if form is None else form.model_dump_json(),
        trust_report=report_json(arrival.verdict),
        received_at=record.at,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        traceparent=arrival.envelope.traceparent,
        own_number=number,
    )
