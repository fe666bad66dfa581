"""Nothing lost, doubled or reordered, whatever fails while a batch is taken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from sigill.consumer import runner
from sigill.consumer.continuity import Continuity
from sigill.consumer.dead_letter_limit import DeadLetterLimit, DeadLetterLimitReached
from sigill.consumer.runner import PoisonRecordError
from sigill.intake.consumer import Intake
from sigill.operations.dead_letter_replay import look
from sigill.store import dead_letters, holds, inbox, orders
from sigill.store.inbox import Fenced
from sigill.store.session import Store, Tx
from sigill.store.trouble import DatabaseDown, StatementsUnfinished
from sigill.stream.connection import BrokerDown, StreamStopped
from sigill.stream.consumer import StreamConsumer
from sigill.stream.records import Partition
from sigill_contracts.topics import ORDERS
from tests.kit.senders import MOTHER
from tests.kit.worker_harness import START, WorkerHarness, read, receipts


class Failing:
    """A store whose transactions break as told: before anything is done, at COMMIT, or after COMMIT took effect."""

    def __init__(self, store: Store, breaks: list[str]) -> None:
        self._store = store
        self.breaks = breaks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextlib.asynccontextmanager
    async def transaction(self, now: datetime) -> AsyncIterator[Tx]:
        how = self.breaks.pop(0) if self.breaks else "not at all"
        if how == "before":
            raise ConnectionRefusedError
        async with self._store.transaction(now) as tx:
            yield tx
            if how == "at commit":
                raise ConnectionResetError
        if how == "after commit":
            raise ConnectionResetError


async def stored_offset(harness: WorkerHarness) -> int | None:
    async with harness.store.reading() as tx:
        return (await inbox.stored(tx, "intake"))[ORDERS.name, 0][1]


@pytest.mark.parametrize("how", ["before", "at commit", "after commit"])
async def test_trouble_at_any_moment_of_the_transaction_does_the_batch_exactly_once(
    harness: WorkerHarness, how: str
) -> None:
    worker = harness.consuming[ORDERS.name]
    worker.store = Failing(harness.store, [how] * 3)  # type: ignore[assignment]
    sent = [harness.senders.orders(START) for _ in range(5)]
    await harness.hand_over(*sent)
    answers = receipts(await harness.out())
    assert [str(r.order_id) for r in answers] == [s.order_id for s in sent]
    assert {r.outcome for r in answers} == {"executed"}
    assert await stored_offset(harness) == 5
    # what committed after all is known to be taken when it is tried again
    retries = 1 if how == "after commit" else 3
    assert f'sigill_database_retries_total{{worker="intake"}} {retries}.0' in harness.metrics.text().decode()


async def test_a_database_that_stays_down_is_said_so_and_the_batch_comes_again(
    harness: WorkerHarness,
) -> None:
    worker = harness.consuming[ORDERS.name]
    worker.store = Failing(harness.store, ["before"] * 5)  # type: ignore[assignment]
    records = harness.records([harness.senders.orders(START) for _ in range(3)])
    with pytest.raises(DatabaseDown):
        await harness.hand_over_records(records)
    assert await stored_offset(harness) is None
    await harness.hand_over_records(records)
    assert [r.outcome for r in receipts(await harness.out())] == ["executed"] * 3


@pytest.mark.parametrize("asked", ["on_assigned", "on_look", "on_doubt"])
async def test_the_database_is_waited_for_whatever_the_consumer_asks_of_it(
    harness: WorkerHarness, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that came back while the database was away ended the process: the log in doubt was settled unnamed."""

    class Asking(StreamConsumer):
        """Does nothing but ask once, as the consumer does between two batches."""

        def __init__(self, *_: object, **asks: Any) -> None:
            self._ask = asks[asked]

        async def start(self) -> None:
            await (self._ask() if asked == "on_look" else self._ask(frozenset({Partition(ORDERS.name, 0)})))

        async def stop(self) -> None:
            pass

    async def away(*_: object, **__: object) -> None:
        raise ConnectionError("unexpected connection_lost() call")

    monkeypatch.setattr(runner, "StreamConsumer", Asking)
    for question in ("notice_growth", "look", "compare"):
        monkeypatch.setattr(Continuity, question, away)
    with pytest.raises(DatabaseDown):
        await harness.consuming[ORDERS.name].run(asyncio.Event())


@pytest.mark.parametrize("trouble", [BrokerDown("gone"), StreamStopped("the broker refuses")])
@pytest.mark.parametrize("count", [1, 3])
async def test_a_broker_that_cannot_be_asked_is_no_fault_of_an_order(
    harness: WorkerHarness, trouble: Exception, count: int
) -> None:
    """The decider is unknown, so the directory's end is asked for: no answer must never end among the dead letters."""

    async def no_answer() -> bool:
        raise trouble

    newcomer = "SE2321000099-DOC9"
    harness.take_as(
        ORDERS, Intake(harness.desk, harness.door, harness.keeper, harness.metrics, "intake", no_answer)
    )
    await harness.assign()
    form = harness.senders.form(START)
    form["decided_by"] = {**form["decided_by"], "hsa_id": newcomer}
    records = harness.records([harness.senders.signs(form, START, by=newcomer) for _ in range(count)])
    with pytest.raises(type(trouble)):
        await harness.hand_over_records(records)
    assert await stored_offset(harness) is None
    async with harness.store.reading() as tx:
        assert await dead_letters.counts(tx) == [], "an order was given up for the broker's trouble"


async def test_a_batch_that_takes_too_long_is_taken_in_parts(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of it again took as long, at the next worker too: nobody's orders were answered for minutes."""
    sizes: list[int] = []
    take = Intake.take

    async def slow(handler: Intake, tx: Tx, prepared: Any, steps: Any) -> None:
        sizes.append(len(prepared.arrivals))
        if sizes[-1] > 2:
            raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")
        await take(handler, tx, prepared, steps)

    monkeypatch.setattr(Intake, "take", slow)
    sent = [harness.senders.orders(START) for _ in range(8)]
    await harness.hand_over(*sent)
    assert sizes == [8, 4, 2, 2, 4, 2, 2]
    answers = receipts(await harness.out())
    assert [str(r.order_id) for r in answers] == [s.order_id for s in sent]
    assert await stored_offset(harness) == 8


async def test_one_order_that_takes_too_long_comes_again(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> None:
        raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout")

    monkeypatch.setattr(Intake, "take", never)
    with pytest.raises(StatementsUnfinished):
        await harness.hand_over(*(harness.senders.orders(START) for _ in range(3)))
    assert await stored_offset(harness) is None


async def test_a_worker_whose_partition_was_taken_writes_nothing(harness: WorkerHarness) -> None:
    order = harness.senders.orders(START)
    async with harness.store.transaction(START) as tx:
        await inbox.assign(tx, "intake", ORDERS.name, [0])  # another worker
    with pytest.raises(Fenced):
        await harness.hand_over(order)
    assert await harness.out() == []
    async with harness.store.reading() as tx:
        assert await orders.load(tx, [order.order_id]) == []  # type: ignore[list-item]


async def test_offsets_go_on_where_the_store_is_not_where_the_broker_believes(harness: WorkerHarness) -> None:
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(4)))
    starts = await harness.consuming[ORDERS.name]._assigned(frozenset({Partition(ORDERS.name, 0)}))
    assert starts == {Partition(ORDERS.name, 0): 4}


def breaking(matches: Callable[[Any], bool], error: Exception) -> Any:
    """A `judge` that cannot bear one kind of form."""
    from sigill.judgement import orders as policy

    def judge(form: Any, facts: Any, *more: Any) -> Any:
        if matches(form):
            raise error
        return policy.judge(form, facts, *more)

    return judge


async def test_one_record_that_cannot_be_judged_becomes_a_dead_letter_and_the_others_pass(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sigill.processing.unit_of_work.judge",
        breaking(lambda f: f.motivation == "poison", ValueError("no")),
    )
    good = [harness.senders.orders(START) for _ in range(6)]
    poison = harness.senders.orders(START, motivation="poison")
    await harness.hand_over(*good[:3], poison, *good[3:])
    events = await harness.out()
    assert [str(r.order_id) for r in receipts(events)] == [s.order_id for s in good]
    async with harness.store.reading() as tx:
        [letter] = await dead_letters.page(tx)
    assert (letter.record.offset, str(letter.record.reason)) == (3, "unreadable_record")
    assert letter.record.value == poison.value
    assert await stored_offset(harness) == 7


async def test_a_record_that_the_database_itself_refuses_is_found_by_halving(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = orders.record

    async def refusing(tx: Tx, filed: Any) -> None:
        await record(tx, filed)
        if any("poison" in (one.payload or "") for one in filed):
            await tx.run("SELECT 1 / 0")

    monkeypatch.setattr("sigill.intake.consumer.orders.record", refusing)
    sent = [harness.senders.orders(START, motivation="poison" if n == 5 else "Text.") for n in range(9)]
    await harness.hand_over(*sent)
    answers = receipts(await harness.out())
    assert [str(r.order_id) for r in answers] == [s.order_id for n, s in enumerate(sent) if n != 5]
    async with harness.store.reading() as tx:
        [letter] = await dead_letters.page(tx)
    assert letter.record.offset == 5


async def test_a_text_that_the_database_cannot_keep_is_refused_by_its_field(harness: WorkerHarness) -> None:
    await harness.hand_over(harness.senders.orders(START, motivation="a\x00b"))
    [receipt] = receipts(await harness.out())
    assert receipt.codes == ("field_invalid",)
    assert [r.field for r in receipt.refusals] == ["motivation"]


async def test_twenty_unreadable_messages_stop_nothing_and_hold_their_sources_opening_orders_alone(
    harness: WorkerHarness,
) -> None:
    senders, worker = harness.senders, harness.consuming[ORDERS.name]
    worker.limit = DeadLetterLimit(0.5, 20)
    await harness.hand_over(*(senders.garbage(MOTHER) for _ in range(20)))
    assert b'sigill_dead_letter_limit_reached_total{worker="intake"} 1.0' in harness.metrics.text()
    assert await stored_offset(harness) == 20
    seal = senders.orders(START)
    lift = senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    other = senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    elsewhere = replace(other, headers=tuple(_from(other.headers, b"urn:ehr:another")))
    await harness.out()
    await harness.hand_over(seal, lift)
    assert [(r.outcome, r.codes) for r in receipts(await harness.out())] == [
        ("executed", ()),
        ("pending", ("awaiting_earlier_message",)),
    ]
    async with harness.store.reading() as tx:
        [held] = await holds.standing(tx)
    assert (held.topic, held.unreadable) == (ORDERS.name, 20)

    # an operator looks: what waited is judged, and it is no longer held
    async with harness.store.transaction(harness.clock.now()) as tx:
        assert await look(tx, held.hold_id, "anna", "their release of yesterday; rolled back")
        assert not await look(tx, held.hold_id, "anna", "again")
    assert await harness.transitions().run_due(harness.clock.now()) == 1
    [released] = receipts(await harness.out())
    assert (released.outcome, str(released.order_id)) == ("executed", lift.order_id)
    await harness.hand_over(elsewhere)
    assert [r.codes for r in receipts(await harness.out())] == [("nothing_to_release",)]


async def test_another_sources_opening_orders_do_not_wait_for_a_held_one(harness: WorkerHarness) -> None:
    senders, worker = harness.senders, harness.consuming[ORDERS.name]
    worker.limit = DeadLetterLimit(0.5, 3)
    seal = senders.orders(START)
    lift = senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    elsewhere = replace(lift, headers=tuple(_from(lift.headers, b"urn:ehr:another")))
    await harness.hand_over(*(senders.garbage(MOTHER) for _ in range(3)), seal, elsewhere)
    assert [r.outcome for r in receipts(await harness.out())] == [*["unreadable"] * 3, "executed", "executed"]


async def test_what_names_no_source_holds_nobody(harness: WorkerHarness) -> None:
    senders, worker = harness.senders, harness.consuming[ORDERS.name]
    worker.limit = DeadLetterLimit(0.5, 3)
    seal = senders.orders(START)
    lift = senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    await harness.hand_over(*(replace(senders.garbage(MOTHER), headers=()) for _ in range(3)), seal, lift)
    assert [r.outcome for r in receipts(await harness.out())] == ["executed", "executed"]
    async with harness.store.reading() as tx:
        assert [one.source for one in await holds.standing(tx)] == [""]


async def test_when_we_fail_on_every_readable_order_no_more_are_parked(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sigill.processing.unit_of_work.judge", breaking(lambda _: True, ValueError("a bug of ours"))
    )
    worker = harness.consuming[ORDERS.name]
    worker.limit = DeadLetterLimit(0.9, 3)
    sent = [harness.senders.orders(START) for _ in range(8)]
    records = harness.records(sent)
    for _ in range(3):  # as the supervisor does it: again and again
        with pytest.raises(DeadLetterLimitReached, match="could be read"):
            await harness.hand_over_records(await worker._not_taken(records))
    async with harness.store.reading() as tx:
        assert await dead_letters.page(tx) == []
        assert await holds.standing(tx) == []
    monkeypatch.undo()
    await harness.hand_over_records(await worker._not_taken(records))
    assert [r.outcome for r in receipts(await harness.out())] == ["executed"] * 8


def _from(headers: Any, source: bytes) -> Any:
    """Headers of the same event, from another source."""
    return ((name, source if name == "ce_source" else value) for name, value in headers)


async def test_what_breaks_while_unwrapping_names_its_record(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("sigill.intake.verification.verify", broken)
    intake = harness.consuming[ORDERS.name].handler
    assert isinstance(intake, Intake)
    [record] = harness.records([harness.senders.orders(START)])
    with pytest.raises(PoisonRecordError):
        await intake.prepare([record], frozenset())
    await harness.hand_over_records([record])
    async with harness.store.reading() as tx:
        [letter] = await dead_letters.page(tx)
    assert str(letter.record.reason) == "unreadable_record"
    assert read(await harness.out(), "access.receipts.v1") == []
