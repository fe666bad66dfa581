"""Batches, commits and rebalances on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiokafka.producer.message_accumulator
import aiokafka.producer.producer
import pytest
from aiokafka import AIOKafkaProducer, errors
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.structs import TopicPartition

from sigill.embedded import EmbeddedKafka
from sigill.runtime.health import BROKER, Health
from sigill.runtime.metrics import Metrics
from sigill.stream.connection import BrokerDown, Connection
from sigill.stream.consumer import OffsetsLost, StreamConsumer
from sigill.stream.producer import OutgoingRecord, StreamProducer
from sigill.stream.records import Partition
from sigill.stream.topics import apply_topics
from tests.stream.conftest import MakeTopic, Spec, numbered


async def take(
    consumer: StreamConsumer, count: int, *, commit: bool = True, stop: asyncio.Event | None = None
) -> list[tuple[int, int, bytes | None]]:
    """Read until `count` records have come: (partition, offset, value)."""
    stop = stop or asyncio.Event()
    got: list[tuple[int, int, bytes | None]] = []
    async with asyncio.timeout(30):
        async for batch in consumer.batches(stop):
            got += [(p.partition, r.offset, r.value) for p, records in batch.items() for r in records]
            if commit:
                await consumer.commit({p: records[-1].offset + 1 for p, records in batch.items()})
            if len(got) >= count:
                stop.set()
    return got


async def test_a_group_starts_at_the_beginning_and_goes_on_after_its_commit(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    await producer.send_in_order(numbered(name, 10))
    async with StreamConsumer(connection, [name], name) as consumer:
        assert [value for _, _, value in await take(consumer, 10)] == [str(n).encode() for n in range(10)]
    await producer.send_in_order(numbered(name, 5, start=10))
    async with StreamConsumer(connection, [name], name) as consumer:
        assert [value for _, _, value in await take(consumer, 5)] == [str(n).encode() for n in range(10, 15)]


async def test_what_was_not_committed_comes_again(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    await producer.send_in_order(numbered(name, 6))
    async with StreamConsumer(connection, [name], name, batch_size=3) as consumer:
        assert len(await take(consumer, 3, commit=False)) == 3
    async with StreamConsumer(connection, [name], name) as consumer:
        assert len(await take(consumer, 6)) == 6


async def test_a_fetch_that_ends_cancelled_takes_nobody_along(
    connection: Connection, topic: MakeTopic
) -> None:
    """The client cancels its fetches when it stops, and waits for each: what one of them raises came out of `stop`."""
    consumer = StreamConsumer(connection, [await topic()], "cancelled")
    await consumer.start()
    fetch = asyncio.create_task(asyncio.sleep(60))
    consumer._kafka._fetcher._pending_tasks.add(fetch)
    await consumer.stop()
    assert fetch.cancelled()
    assert consumer._kafka._client._sync_task is None  # it let go of its connections all the same


async def test_a_batch_left_by_an_exception_comes_again_and_nobody_waits_for_it(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    await producer.send_in_order(numbered(name, 3))
    consumer = StreamConsumer(connection, [name], name)
    await consumer.start()

    async def work() -> None:
        try:
            async for _ in consumer.batches(asyncio.Event()):
                raise LookupError("the database is away")
        finally:
            async with asyncio.timeout(10):  # a third of the drain timeout
                await consumer.stop()

    with pytest.raises(LookupError):
        await work()
    async with StreamConsumer(connection, [name], name) as again:
        assert [offset for _, offset, _ in await take(again, 3)] == [0, 1, 2]


async def test_a_batch_is_bounded_over_all_partitions_and_none_starves(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic(partitions=3)
    for partition in range(3):
        await producer.send_in_order(numbered(name, 50, partition=partition))
    sizes, seen = [], []
    stop = asyncio.Event()
    async with StreamConsumer(connection, [name], name, batch_size=20) as consumer, asyncio.timeout(30):
        await asyncio.sleep(1)  # let the prefetch of all three arrive
        async for batch in consumer.batches(stop):
            sizes.append(sum(len(records) for records in batch.values()))
            seen.append({place.partition for place in batch})
            if sum(sizes) == 150:
                stop.set()
    assert max(sizes) <= 20
    assert set().union(*seen[:4]) == {0, 1, 2}


async def test_the_stores_offset_is_the_truth(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    """Kafka's commit says 10; the store says 4 for one partition and knows nothing of the other."""
    name = await topic(partitions=2)
    for partition in range(2):
        await producer.send_in_order(numbered(name, 10, partition=partition))
    async with StreamConsumer(connection, [name], name) as consumer:
        await take(consumer, 20)

    async def stored(places: frozenset[Partition]) -> Mapping[Partition, int]:
        assert places == {Partition(name, 0), Partition(name, 1)}
        return {Partition(name, 0): 4}

    async with StreamConsumer(connection, [name], name, on_assigned=stored) as consumer:
        got = await take(consumer, 16)
    assert sorted(offset for partition, offset, _ in got if partition == 0) == list(range(4, 10))
    assert sorted(offset for partition, offset, _ in got if partition == 1) == list(range(10))


async def test_an_offset_the_broker_no_longer_holds_stops_the_worker(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    await producer.send_in_order(numbered(name, 10))
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    await admin.delete_records({TopicPartition(name, 0): RecordsToDelete(before_offset=5)})
    await admin.close()

    async def stored(_: frozenset[Partition]) -> Mapping[Partition, int]:
        return {Partition(name, 0): 2}

    async with StreamConsumer(connection, [name], name, on_assigned=stored) as consumer:
        with pytest.raises(OffsetsLost, match=r"offset 2 is next, but the broker holds 5 to 10"):
            await take(consumer, 1)


async def test_a_fault_in_the_assignment_callback_is_not_swallowed(
    connection: Connection, topic: MakeTopic
) -> None:
    name = await topic()

    async def broken(_: frozenset[Partition]) -> None:
        raise LookupError("the store is away")

    async with StreamConsumer(connection, [name], name, on_assigned=broken) as consumer:
        with pytest.raises(LookupError, match="the store is away"):
            await take(consumer, 1)


async def test_a_rebalance_waits_for_the_batch_in_hand_and_nothing_is_doubled(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    """A second member joins while the first has a batch in hand: the first still commits it."""
    name = await topic(partitions=4)
    for partition in range(4):
        await producer.send_in_order(numbered(name, 25, partition=partition))
    order: list[str] = []
    committed: list[bool] = []
    got: list[tuple[int, int]] = []
    stop = asyncio.Event()

    async def revoked(_: frozenset[Partition]) -> None:
        order.append("revoked")

    first = StreamConsumer(connection, [name], name, worker="first", batch_size=10, on_revoked=revoked)
    second = StreamConsumer(connection, [name], name, worker="second", batch_size=10)
    await first.start()
    joining: asyncio.Task[None] | None = None

    async def work(consumer: StreamConsumer, slow: bool) -> None:
        nonlocal joining
        async for batch in consumer.batches(stop):
            if slow and joining is None:
                joining = asyncio.create_task(second.start())
                await asyncio.sleep(4)  # past a heartbeat: the broker has told this member by now
                order.append("batch done")
            got.extend((p.partition, r.offset) for p, records in batch.items() for r in records)
            committed.append(await consumer.commit({p: rs[-1].offset + 1 for p, rs in batch.items()}))
            if len(got) >= 100:
                stop.set()

    async with asyncio.timeout(60):
        one = asyncio.create_task(work(first, slow=True))
        while joining is None:
            await asyncio.sleep(0.05)
        await joining
        two = asyncio.create_task(work(second, slow=False))
        await asyncio.gather(one, two)
    assert first.assigned | second.assigned == {Partition(name, n) for n in range(4)}
    assert len(first.assigned) == len(second.assigned) == 2
    await first.stop()
    await second.stop()
    assert order[:2] == ["batch done", "revoked"]
    assert committed[0] is True
    assert sorted(got) == sorted((partition, offset) for partition in range(4) for offset in range(25))


async def test_a_commit_after_the_group_moved_on_is_false_and_no_crash(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    await producer.send_in_order(numbered(name, 3))
    async with StreamConsumer(connection, [name], name, drain_timeout=0.2) as first:
        stop = asyncio.Event()
        async for batch in first.batches(stop):
            (place,) = batch
            second = StreamConsumer(connection, [name], name)
            await second.start()
            assert await first.commit({place: 3}) is (place in first.assigned)
            if second.assigned:
                assert not first.assigned
            await second.stop()
            stop.set()


async def test_a_commit_that_the_broker_refuses_is_counted(
    connection: Connection, topic: MakeTopic, producer: StreamProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await topic()
    await producer.send_in_order(numbered(name, 1))
    metrics = Metrics()

    async def refused(_: object) -> None:
        raise errors.CommitFailedError

    async with StreamConsumer(connection, [name], name, worker="w", metrics=metrics) as consumer:
        stop = asyncio.Event()
        async for batch in consumer.batches(stop):
            with monkeypatch.context() as patched:
                patched.setattr(consumer._kafka, "commit", refused)
                assert await consumer.commit(dict.fromkeys(batch, 1)) is False
            assert await consumer.commit(dict.fromkeys(batch, 1)) is True
            stop.set()
    assert b'sigill_consumer_commit_failures_total{worker="w"} 1.0' in metrics.text()


async def test_more_members_than_partitions_leaves_one_idle_and_alive(
    connection: Connection, topic: MakeTopic
) -> None:
    name = await topic()
    async with (
        StreamConsumer(connection, [name], name) as first,
        StreamConsumer(connection, [name], name) as second,
    ):
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(2, stop.set)
        async for _ in second.batches(stop):
            pytest.fail("nothing was sent")
        assert sorted([len(first.assigned), len(second.assigned)]) == [0, 1]


async def test_a_paused_partition_waits_and_loses_nothing(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic(partitions=2)
    for partition in range(2):
        await producer.send_in_order(numbered(name, 5, partition=partition))
    async with StreamConsumer(connection, [name], name) as consumer:
        consumer.pause(Partition(name, 0))
        assert {partition for partition, _, _ in await take(consumer, 5)} == {1}
        consumer.resume(Partition(name, 0))
        assert [offset for _, offset, _ in await take(consumer, 5)] == list(range(5))


async def test_the_broker_stamps_the_time_when_the_topic_says_so(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic(message_timestamp_type="LogAppendTime")
    await producer.send_in_order(numbered(name, 1))
    async with StreamConsumer(connection, [name], name) as consumer:
        async for batch in consumer.batches(asyncio.Event()):
            ((record,),) = batch.values()
            break
    assert record.timestamp_type == "append"
    assert record.at.tzinfo is not None


async def test_an_aborted_transaction_is_not_read_and_leaves_gaps(
    connection: Connection, topic: MakeTopic
) -> None:
    name = await topic()
    async with AIOKafkaProducer(**connection.options(), transactional_id=name) as ehr:
        for number, good in enumerate([True, False, True]):
            await ehr.begin_transaction()
            await ehr.send_and_wait(name, str(number).encode(), key=b"k")
            await (ehr.commit_transaction() if good else ehr.abort_transaction())
    async with StreamConsumer(connection, [name], name) as consumer:
        assert [(offset, value) for _, offset, value in await take(consumer, 2)] == [(0, b"0"), (4, b"2")]


async def test_a_header_name_that_is_not_utf8_holds_up_nothing(
    connection: Connection, topic: MakeTopic, producer: StreamProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hostile(str):
        def encode(self, *_: object) -> bytes:  # type: ignore[override]
            return b"ce_\xff\xfe"

    name = await topic()
    await producer.send_in_order(numbered(name, 3))
    with monkeypatch.context() as patched:
        for module in (aiokafka.producer.producer, aiokafka.producer.message_accumulator):
            patched.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
        async with AIOKafkaProducer(**connection.options()) as hostile:
            await hostile.send_and_wait(name, b"poison", key=b"k", headers=[(Hostile("x"), b"1")])
    await producer.send_in_order(numbered(name, 3, start=3))
    stop = asyncio.Event()
    records = []
    async with StreamConsumer(connection, [name], name) as consumer, asyncio.timeout(20):
        async for batch in consumer.batches(stop):
            for found in batch.values():
                records += found
            if len(records) >= 7:
                stop.set()
    assert [record.value for record in records] == [b"0", b"1", b"2", b"poison", b"3", b"4", b"5"]
    assert records[3].headers == (("ce_\udcff\udcfe", b"1"),)


async def test_lag_is_told_as_a_count_and_as_a_time(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    await producer.send_in_order(numbered(name, 10))
    metrics = Metrics()
    labels = {"worker": "w", "topic": name, "partition": "0"}

    def told(metric: str) -> float | None:
        return metrics.registry.get_sample_value(metric, labels)

    async with StreamConsumer(
        connection, [name], name, worker="w", batch_size=4, metrics=metrics
    ) as consumer:
        stop = asyncio.Event()
        async with asyncio.timeout(30):
            async for batch in consumer.batches(stop):
                ((place, records),) = batch.items()
                await asyncio.sleep(3.5 if records[0].offset == 0 else 0)  # past one measurement
                if records[0].offset == 0:
                    assert told("sigill_consumer_lag_records") == 10
                    oldest = told("sigill_consumer_oldest_unprocessed_timestamp_seconds")
                    assert oldest == records[0].timestamp / 1000
                await consumer.commit({place: records[-1].offset + 1})
                if records[-1].offset == 9:
                    stop.set()
        assert told("sigill_consumer_lag_records") == 0
    assert told("sigill_consumer_lag_records") is None  # no longer ours


async def test_a_killed_broker_is_waited_for_and_nothing_is_lost(own_kafka: EmbeddedKafka) -> None:
    connection = Connection(own_kafka.bootstrap)
    await apply_topics(connection, [Spec("t", 2)])
    health = Health()
    stop, got = asyncio.Event(), []

    async def read() -> None:
        consumer = StreamConsumer(connection, ["t"], "g", health=health)
        await consumer.start()
        try:
            async for batch in consumer.batches(stop):
                got.extend((p.partition, r.offset) for p, records in batch.items() for r in records)
                await consumer.commit({p: rs[-1].offset + 1 for p, rs in batch.items()})
                if len(set(got)) >= 40:
                    stop.set()
        finally:
            await consumer.stop()

    async def read_on() -> None:
        while not stop.is_set():
            try:
                await read()
            except BrokerDown:
                await asyncio.sleep(0.3)

    async with asyncio.timeout(90), StreamProducer(connection, send_timeout=5) as producer:
        await producer.send_in_order(numbered("t", 20))
        reading = asyncio.create_task(read_on())
        while len(got) < 20:
            await asyncio.sleep(0.1)
        await asyncio.to_thread(own_kafka.kill)
        while health.ready()[0]:
            await asyncio.sleep(0.2)
        assert any(line.startswith(f"[-]{BROKER}") for line in health.ready()[1])
        assert health.live()[0]
        await asyncio.to_thread(own_kafka.start)
        rest: list[OutgoingRecord] = numbered("t", 20, partition=1)
        while rest:
            try:
                await producer.send_in_order(rest)
                rest = []
            except BrokerDown as error:
                done = getattr(error, "acknowledged", frozenset())
                rest = [record for index, record in enumerate(rest) if index not in done]
        await reading
    assert {offset for partition, offset in got if partition == 0} == set(range(20))
    assert {offset for partition, offset in got if partition == 1} >= set(range(20))
