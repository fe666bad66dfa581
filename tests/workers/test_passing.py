"""A partition that others wait for since the topic has grown, and that is set aside: what protects passes it."""

import asyncio
from datetime import timedelta

import pytest

from sigill.store import growth
from sigill.store.growth import GrowthWait
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.producer import StreamProducer
from sigill.stream.records import Partition
from sigill_contracts.topics import ORDERS
from tests.kit.senders import Sent
from tests.kit.worker_harness import WorkerHarness, receipts
from tests.stream.conftest import MakeTopic, numbered, producer, topic
from tests.workers.test_continuity import Reading, called
from tests.workers.test_more_partitions import grow, settled, store, waiting

__all__ = ["producer", "store", "topic"]

OLD, NEW = Partition(ORDERS.name, 0), Partition(ORDERS.name, 1)
WAITING = ("pending", ("awaiting_earlier_message",))


@pytest.fixture
async def grown(harness: WorkerHarness) -> WorkerHarness:
    """The new partition's keys had two orders on the old one, which is not read yet."""
    worker = harness.consuming[ORDERS.name]
    worker.on_waits_ended = worker._logs.on_waits_ended = worker.handler.on_waits_ended
    async with harness.store.transaction(harness.clock.now()) as tx:
        await growth.grow(tx, "intake", ORDERS.name, 2, [GrowthWait(ORDERS.name, 1, 0, 0, 2)])
    await worker._assigned(frozenset({OLD, NEW}))
    return harness


async def settle(harness: WorkerHarness, *, aside: bool = True) -> None:
    async def reached(_: Partition) -> int | None:
        return None

    await harness.consuming[ORDERS.name]._logs.settle_waits(reached, lambda place: aside and place == OLD)


async def take(
    harness: WorkerHarness, place: Partition, offset: int, *sent: Sent
) -> list[tuple[str, tuple[str, ...]]]:
    at = harness.clock.now()
    records = [one.record(offset + n, at, partition=place.partition) for n, one in enumerate(sent)]
    await harness.consuming[ORDERS.name].take({place: records})
    return [(r.outcome, r.codes) for r in receipts(await harness.out())]


async def test_the_new_partition_stops_until_the_old_one_is_set_aside(grown: WorkerHarness) -> None:
    logs = grown.consuming[ORDERS.name]._logs
    await settle(grown, aside=False)
    assert logs.stops() == {NEW: 0}
    await settle(grown)
    assert logs.stops() == {}
    logs.on_waits_ended = None  # who cannot tell what protects lets nothing pass
    assert logs.stops() == {NEW: 0}


async def test_what_protects_passes_and_what_opens_waits_until_the_old_partition_is_read(
    grown: WorkerHarness,
) -> None:
    senders = grown.senders
    early, late = (senders.orders(grown.clock.now()) for _ in range(2))
    await settle(grown)
    grown.clock.advance(timedelta(minutes=1))
    lift = senders.orders(grown.clock.now(), "release_journal_seal", releases=[early.order_id])
    seal = senders.orders(grown.clock.now())
    assert await take(grown, NEW, 0, lift, seal) == [WAITING, ("executed", ())]

    # nothing but the old partition frees it, be its patient looked at as often as you like
    handler = grown.consuming[ORDERS.name].handler
    async with grown.store.transaction(grown.clock.now()) as tx:
        await handler.on_waits_ended(tx, ORDERS.name, [1])
    await grown.transitions().run_due(grown.clock.now())
    assert receipts(await grown.out()) == []

    grown.clock.advance(timedelta(minutes=1))
    await take(grown, OLD, 0, early, late)
    await settle(grown, aside=False)
    await grown.transitions().run_due(grown.clock.now())
    (released,) = receipts(await grown.out())
    assert (released.outcome, str(released.order_id)) == ("executed", lift.order_id)
    assert (await take(grown, NEW, 2, senders.orders(grown.clock.now(), "release_journal_seal")))[0][
        0
    ] == "executed"


async def test_a_release_that_was_passed_does_not_end_the_seal_that_passed_it(grown: WorkerHarness) -> None:
    """Published before the seal, judged after it: nobody has decided to open what the seal shut."""
    senders = grown.senders
    lift = senders.orders(grown.clock.now(), "release_journal_seal")
    there = lift.record(0, grown.clock.now())
    await settle(grown)
    grown.clock.advance(timedelta(minutes=1))
    assert await take(grown, NEW, 0, senders.orders(grown.clock.now())) == [("executed", ())]
    await grown.consuming[ORDERS.name].take({OLD: [there]})
    assert [r.codes for r in receipts(await grown.out())] == [("nothing_to_release",)]


async def test_the_worker_reads_on_behind_a_partition_that_it_sets_aside(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic(partitions=1)
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 3))
    async with reading.running():
        await reading.until(called(0, 3))
    await producer.send_in_order(numbered(name, 3, start=100))
    await grow(connection, name, 2)
    async with StreamProducer(connection) as fresh:
        await fresh.send_in_order(numbered(name, 3, start=200, partition=1))
    freed = asyncio.Event()

    async def noticed(*_: object) -> None:
        freed.set()

    reading.handler.breaks_at, reading.on_waits_ended = "101", noticed
    async with reading.running():
        await reading.until(called(200, 203))
        assert "101" not in reading.handler.values
        assert await waiting(store, name) == [(1, 0)]
        assert not freed.is_set()
    reading.handler.breaks_at = None
    async with reading.running():
        await reading.until(called(100, 103))
        await settled(store, name)
    assert freed.is_set()
