"""
Writes a changeset as rows, all of it in the caller's transaction or none.

Measures, timers, ledger, tasks, answers, audit entries and outgoing events are written a set at a time, in an order
in which each row finds what it refers to. Outgoing events keep the order of the plan; a patient's new state comes
after all that changed it, once a transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from sigill.policy.effects import AddTask, CloseRequest, CloseTask, OpenRequest, RecordAnswer
from sigill.processing.changeset import Changeset, PendingResolution
from sigill.processing.event_ids import event_id
from sigill.processing.notifications import naming_the_child
from sigill.processing.patient_context import ends_waiting
from sigill.processing.receipts import settled, stored_answer
from sigill.processing.state_snapshot import state_of, strictest
from sigill.processing.unit_of_work import UnitOfWork
from sigill.store import audit, measures, orders, outbox, persons, requests, tasks, timers
from sigill.store.orders import StoredAnswer
from sigill.store.outbox import OutboxRow
from sigill.store.session import Tx
from sigill.stream.producer import LARGEST_BODY
from sigill_contracts.notification import Notification
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import RECEIPTS, STATE
from sigill_contracts.vocabulary import OrderId, Outcome, PersonId

log = structlog.get_logger("sigill.write")

MANY = 2_000
"""Measures and units; a state with fewer is smaller than a topic takes, and its size is not looked at."""
LARGEST_STATE = LARGEST_BODY - 64 * 1024


async def persist(tx: Tx, unit_of_work: UnitOfWork) -> None:
    """Write everything that was planned. The patients whom it is about must be locked in this transaction."""
    plan = unit_of_work.plan
    await measures.append(tx, plan.measures)
    await timers.set(tx, plan.timers)
    await _write_requests(tx, plan.requests)
    await _write_tasks(tx, plan.tasks)
    outgoing = await _settle(tx, unit_of_work)
    await _write_answers(tx, plan.answers)
    await audit.append(tx, plan.audit)
    outgoing += _states(tx, unit_of_work)
    await outbox.append(tx, await _naming_children(tx, outgoing, plan.naming))


async def _naming_children(
    tx: Tx, outgoing: Sequence[OutboxRow], naming: Mapping[UUID, Notification]
) -> Sequence[OutboxRow]:
    """The messages, with the child's given name in each that tells a guardian of one (X-28)."""
    children = {row.person for row in outgoing if row.person is not None and row.event_id in naming}
    if not children:
        return outgoing
    known = await persons.names(tx, children)
    return [
        replace(row, payload=naming_the_child(notice, known[row.person].given).model_dump_json().encode())
        if row.person in known and (notice := naming.get(row.event_id)) is not None
        else row
        for row in outgoing
    ]


async def _write_requests(tx: Tx, planned: Sequence[OpenRequest | RecordAnswer | CloseRequest]) -> None:
    """Open first, then the answers in order, those that came with the request among them."""
    await requests.open_all(tx, [plan.request for plan in planned if isinstance(plan, OpenRequest)])
    answers: list[RecordAnswer] = []
    for plan in planned:
        if isinstance(plan, OpenRequest):
            answers += [RecordAnswer(plan.request.order_id, given) for given in plan.request.answers]
        elif isinstance(plan, RecordAnswer):
            answers.append(plan)
    await requests.answer(tx, answers)
    await requests.close(
        tx, {plan.request: plan.closes for plan in planned if isinstance(plan, CloseRequest)}
    )


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


async def _settle(tx: Tx, unit_of_work: UnitOfWork) -> list[OutboxRow]:
    """
    Give the orders that waited their final answer, each in its place among the other messages.

    One that does not wait (any more) has had its last answer.
    """
    plan = unit_of_work.plan
    if not plan.settlements:
        return list(plan.outgoing)
    newest = await _newest_answers(tx, plan)
    answers: list[tuple[int, OutboxRow]] = []
    for settlement in plan.settlements:
        order_id = settlement.settle.order_id
        if order_id not in newest:
            continue
        registration, earlier = newest[order_id]
        if earlier.outcome is not Outcome.PENDING or not ends_waiting(settlement.settle, earlier.codes):
            continue
        final = _final(settlement, earlier, unit_of_work)
        newest[order_id] = registration, final
        answer = stored_answer(registration, final)
        plan.answers.append(answer)
        row = unit_of_work.row(RECEIPTS, settlement.key, final.receipt_id, answer.receipt, settlement.patient)
        answers.append((settlement.after, row))
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


def _merged(outgoing: Sequence[OutboxRow], answers: Iterable[tuple[int, OutboxRow]]) -> list[OutboxRow]:

    merged: list[OutboxRow] = []
    place = 0
    for after, row in answers:
        merged += outgoing[place:after]
        merged.append(row)
        place = max(place, after)
    return merged + list(outgoing[place:])


async def _newest_answers(tx: Tx, plan: Changeset) -> dict[OrderId, tuple[int, Receipt]]:
    """The orders that are to be settled, each with its registration and its newest receipt."""
    known = await orders.registrations(tx, {settlement.settle.order_id for settlement in plan.settlements})
    given = await orders.answers_to(tx, known.values())
    planned = {answer.registration: answer for answer in plan.answers}
    newest: dict[OrderId, tuple[int, Receipt]] = {}
    for order_id, registration in known.items():
        last = planned.get(registration) or next(reversed(given.get(registration, ())), None)
        if last is not None and last.receipt is not None:
            newest[order_id] = registration, Receipt.model_validate_json(last.receipt)
    return newest


async def _write_answers(tx: Tx, planned: Sequence[StoredAnswer]) -> None:
    """One answer an order and call: an order judged and settled at once has two, in order."""
    left = list(planned)
    while left:
        wave: dict[int, StoredAnswer] = {}
        later: list[StoredAnswer] = []
        for answer in left:
            if answer.registration in wave:
                later.append(answer)
            else:
                wave[answer.registration] = answer
        await orders.answer(tx, list(wave.values()))
        left = later


def _states(tx: Tx, unit_of_work: UnitOfWork) -> list[OutboxRow]:
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
        states.append(unit_of_work.row(STATE, key, ident, state, facts.patient.person_id))
    return states
