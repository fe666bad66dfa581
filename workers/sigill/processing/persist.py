"""
A plan into rows: the one place where decisions become deeds. All of it in the caller's transaction, or none.

Measures, timers, ledger, tasks, answers, audit entries and outgoing events are written a set at a time, in an order
in which each row finds what it refers to. Outgoing events keep the order of the plan; a patient's new state comes
after all that changed it, once a transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import structlog

from sigill.policy.effects import AddTask, CloseRequest, CloseTask, OpenRequest, RecordAnswer
from sigill.processing.changeset import AuditRecord, Changeset, OrderAnswer, OutgoingEvent, PendingResolution
from sigill.processing.event_ids import event_id
from sigill.processing.notifications import naming_the_child, speaks_of_a_child
from sigill.processing.patient_context import ends_waiting
from sigill.processing.receipts import settled
from sigill.processing.state_snapshot import state_of, strictest
from sigill.processing.unit_of_work import UnitOfWork
from sigill.store import audit, measures, orders, outbox, persons, requests, tasks, timers
from sigill.store.audit import AuditEntry, Json
from sigill.store.outbox import Headers, OutboxRow
from sigill.store.session import Tx
from sigill.stream.producer import LARGEST_BODY
from sigill_contracts.json_schema import schema_id
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import RECEIPTS, STATE, TOPICS, TopicSpec
from sigill_contracts.vocabulary import MeasureId, OrderId, Outcome, PersonId

log = structlog.get_logger("sigill.write")

MANY = 2_000
"""Measures and units; a state with fewer is smaller than a topic takes, and its size is not looked at."""
LARGEST_STATE = LARGEST_BODY - 64 * 1024
ACTOR = "sigill"
"""Who acts, in the audit chain, where no operator does."""


async def persist(tx: Tx, unit_of_work: UnitOfWork) -> None:
    """Write everything that was planned. The patients whom it is about must be locked in this transaction."""
    plan = unit_of_work.plan
    await measures.append(tx, plan.measures)
    await timers.set(tx, plan.timers)
    await _write_requests(tx, plan.requests)
    await _write_tasks(tx, plan.tasks)
    outgoing = await _settle(tx, unit_of_work)
    texts = {judged.receipt.receipt_id: judged.receipt.model_dump_json() for judged in plan.judged}
    await _write_answers(tx, plan.judged, texts)
    await audit.append(tx, [_entry(deed, unit_of_work.chain) for deed in plan.deeds])
    outgoing += _states(tx, unit_of_work)
    outgoing = await _naming_children(tx, outgoing)
    await outbox.append(tx, [_row(one, unit_of_work.desk.source, tx.now, texts) for one in outgoing])


async def _naming_children(tx: Tx, outgoing: Sequence[OutgoingEvent]) -> list[OutgoingEvent]:
    """The messages, with the child's given name in each that tells a guardian of one (X-28)."""
    children = {one.person for one in outgoing if one.person is not None and speaks_of_a_child(one.body)}
    if not children:
        return list(outgoing)
    known = await persons.names(tx, children)
    return [
        replace(one, body=naming_the_child(one.body, known[one.person].given))
        if one.person in known and speaks_of_a_child(one.body)
        else one
        for one in outgoing
    ]


def event_headers(
    topic: TopicSpec,
    ident: UUID,
    key: str,
    source: str,
    at: datetime,
    content_type: str | None,
    traceparent: str | None = None,
) -> Headers:
    """
    The record headers of an event of ours: CloudEvents in binary mode, with the `$id` of the schema that it fits.

    A tombstone has neither content type nor schema.
    """
    kind, schema = _described(topic.name)
    headers: list[tuple[str, bytes | None]] = [
        _VERSION,
        ("ce_id", str(ident).encode()),
        ("ce_source", source.encode()),
        ("ce_type", kind),
        ("ce_time", _written(at)),
        ("ce_subject", key.encode()),
    ]
    if content_type is not None:
        if schema is not None:
            headers.append(("ce_dataschema", schema))
        headers.append(("content-type", content_type.encode()))
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return tuple(headers)


_VERSION = ("ce_specversion", b"1.0")
_TOPICS = {topic.name: topic for topic in TOPICS}


@lru_cache(maxsize=len(TOPICS))
def _described(name: str) -> tuple[bytes, bytes | None]:
    """What the headers of a topic's events have in common: their type, and the `$id` of their schema."""
    topic = _TOPICS[name]
    return (topic.event_type or "").encode(), None if topic.model is None else schema_id(topic).encode()


@lru_cache(maxsize=64)
def _written(at: datetime) -> bytes:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()


def _row(one: OutgoingEvent, source: str, at: datetime, texts: Mapping[UUID, str]) -> OutboxRow:
    """One row. `texts` holds the messages that are written elsewhere too: their JSON is made once."""
    body = one.body
    text = None if body is None else texts.get(one.event_id) or body.model_dump_json()
    content_type = None if body is None else one.topic.content_types[0]
    return OutboxRow(
        event_id=one.event_id,
        aggregatetype=one.topic.name,
        aggregateid=one.key,
        type=one.topic.event_type or "",
        payload=None if text is None else text.encode(),
        headers=event_headers(one.topic, one.event_id, one.key, source, at, content_type, one.traceparent),
        person=one.person,
    )


async def _write_requests(tx: Tx, planned: Sequence[OpenRequest | RecordAnswer | CloseRequest]) -> None:
    """Open first, then the answers in order, those that came with the request among them."""
    await requests.open_all(tx, [one.request for one in planned if isinstance(one, OpenRequest)])
    answers: list[RecordAnswer] = []
    for one in planned:
        if isinstance(one, OpenRequest):
            answers += [RecordAnswer(one.request.order_id, given) for given in one.request.answers]
        elif isinstance(one, RecordAnswer):
            answers.append(one)
    await requests.answer(tx, answers)
    await requests.close(tx, {one.request: one.closes for one in planned if isinstance(one, CloseRequest)})


async def _write_tasks(tx: Tx, planned: Sequence[tuple[AddTask | CloseTask, PersonId]]) -> None:
    """As few statements as can be, closing before opening; closing what was opened before it begins anew."""
    closing: list[CloseTask] = []
    adding: dict[tuple[str, str], list[tuple[PersonId | None, AddTask]]] = {}
    for task, who in planned:
        key = (task.kind, task.subject)
        if isinstance(task, AddTask):
            adding.setdefault(key, []).append((who, task))
            continue
        if key in adding:
            await _write_wave(tx, closing, adding)
            closing, adding = [], {}
        closing.append(task)
    await _write_wave(tx, closing, adding)


async def _write_wave(
    tx: Tx,
    closing: Sequence[CloseTask],
    adding: Mapping[tuple[str, str], Sequence[tuple[PersonId | None, AddTask]]],
) -> None:

    await tasks.close(tx, closing)
    await tasks.add(tx, [pair for pairs in adding.values() for pair in pairs])


@dataclass(frozen=True, slots=True)
class _Standing:
    """The newest answer to an earlier order."""

    registration: int
    receipt: Receipt


async def _settle(tx: Tx, unit_of_work: UnitOfWork) -> list[OutgoingEvent]:
    """
    Give the orders that waited their final answer, each in its place among the other messages.

    One that does not wait (any more) has had its last answer.
    """
    plan = unit_of_work.plan
    if not plan.settlements:
        return list(plan.outgoing)
    newest = await _newest_answers(tx, plan)
    answers: list[tuple[int, OutgoingEvent]] = []
    for settlement in plan.settlements:
        order_id = settlement.settle.order_id
        earlier = newest.get(order_id)
        if earlier is None or earlier.receipt.outcome is not Outcome.PENDING:
            continue
        if not ends_waiting(settlement.settle, earlier.receipt.codes):
            continue
        final = _final(settlement, earlier.receipt, unit_of_work)
        newest[order_id] = replace(earlier, receipt=final)
        plan.judged.append(OrderAnswer(earlier.registration, final))
        message = OutgoingEvent(RECEIPTS, settlement.key, final.receipt_id, final, settlement.patient)
        answers.append((settlement.after, message))
    return _merged(plan.outgoing, answers)


def _final(settlement: PendingResolution, earlier: Receipt, unit_of_work: UnitOfWork) -> Receipt:

    facts = unit_of_work.standing(settlement.patient).facts
    return settled(
        earlier,
        settlement.settle.outcome,
        settlement.settle.text,
        facts,
        unit_of_work.desk.citations,
        settlement.touched,
        cause=f"{settlement.cause}|settles:{settlement.settle.order_id}",
        at=unit_of_work.at,
        refusal=settlement.settle.refusal,
    )


def _merged(
    outgoing: Sequence[OutgoingEvent], answers: Iterable[tuple[int, OutgoingEvent]]
) -> list[OutgoingEvent]:

    merged: list[OutgoingEvent] = []
    place = 0
    for after, message in answers:
        merged += outgoing[place:after]
        merged.append(message)
        place = max(place, after)
    return merged + list(outgoing[place:])


async def _newest_answers(tx: Tx, plan: Changeset) -> dict[OrderId, _Standing]:

    wanted = {settlement.settle.order_id for settlement in plan.settlements}
    known = await orders.registrations(tx, wanted)
    given = await orders.answers_to(tx, known.values())
    newest: dict[OrderId, _Standing] = {}
    for order_id, registration in known.items():
        last = given.get(registration, ())[-1:]
        if last and last[0].receipt is not None:
            newest[order_id] = _Standing(registration, Receipt.model_validate_json(last[0].receipt))
    for judged in plan.judged:
        order = judged.receipt.order_id
        if order is not None and OrderId(str(order)) in wanted:
            newest[OrderId(str(order))] = _Standing(judged.registration, judged.receipt)
    return newest


async def _write_answers(tx: Tx, judged: Sequence[OrderAnswer], texts: Mapping[UUID, str]) -> None:
    """One answer an order and call: an order judged and settled at once has two, in order."""
    left = list(judged)
    while left:
        wave: dict[int, OrderAnswer] = {}
        later: list[OrderAnswer] = []
        for one in left:
            if one.registration in wave:
                later.append(one)
            else:
                wave[one.registration] = one
        await orders.answer(tx, [_answered(one, texts) for one in wave.values()])
        left = later


def _answered(one: OrderAnswer, texts: Mapping[UUID, str]) -> orders.StoredAnswer:

    receipt = one.receipt
    deadlines = [wait.until for wait in receipt.waits if wait.until is not None]
    return orders.StoredAnswer(
        registration=one.registration,
        outcome=receipt.outcome,
        receipt=texts[receipt.receipt_id],
        judged_at=receipt.judged_at,
        codes=receipt.codes,
        measures=tuple(dict.fromkeys(MeasureId(str(m.measure_id)) for m in receipt.measures)),
        until=min(deadlines, default=None),
        first=one.first,
    )


def _states(tx: Tx, unit_of_work: UnitOfWork) -> list[OutgoingEvent]:
    """Each touched patient's whole state, once, with a version that is higher than any before."""
    touched = [
        facts
        for person in unit_of_work.plan.touched
        if (facts := unit_of_work.standing(person).facts) is not None
    ]
    states = []
    for facts in touched:
        key, version = facts.patient.key, tx.held[facts.patient.person_id]
        ident = event_id(f"state:{key}", "state", version)
        state = state_of(facts, version=version, known_at=tx.now)
        if sum(1 + len(m.units or ()) for m in state.measures) > MANY and (
            (size := len(state.model_dump_json())) > LARGEST_STATE
        ):
            log.error("state too large: published as the strictest one", event_id=str(ident), bytes=size)
            state = strictest(state)
        states.append(OutgoingEvent(STATE, key, ident, state, facts.patient.person_id))
    return states


def _entry(deed: AuditRecord, chain: str) -> AuditEntry:

    body: dict[str, Json] = {
        "at": deed.at.isoformat(),
        "cause": deed.cause,
        "region": deed.region,
        "order_id": deed.order_id,
        "outcome": deed.outcome,
        "codes": deed.codes,
        "rulebook": deed.rulebook,
        "rules": deed.rules,
        "measures": deed.measures,
        "signers": deed.signers,
        "digest": deed.digest,
    }
    return AuditEntry(
        chain=chain,
        actor=deed.actor or ACTOR,
        action=deed.what,
        body={name: value for name, value in body.items() if value not in (None, ())},
        person=deed.patient,
    )
