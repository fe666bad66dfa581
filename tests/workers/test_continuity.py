"""A log that is not the log we read, and a database that is not the one we wrote: noticed, said, and read again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from confluent_kafka import Producer

from sigill.consumer.continuity import OnWaitsEnded
from sigill.consumer.dead_letter_limit import DeadLetterLimit
from sigill.consumer.runner import ConsumerRunner, PoisonRecords, StepTimings
from sigill.embedded import EmbeddedKafka
from sigill.processing.event_ids import arrival_cause, event_id
from sigill.runtime.clock import SystemClock
from sigill.runtime.health import Health
from sigill.runtime.metrics import (
    CONSUMER_LOG_REPLACED,
    CONSUMER_SET_ASIDE,
    DATABASE_WENT_BACK,
    Metric,
    Metrics,
)
from sigill.store import inbox
from sigill.store.session import Store, Tx
from sigill.stream.connection import Connection
from sigill.stream.log_position import MARKS, LogPosition, packed, unpacked
from sigill.stream.producer import StreamProducer
from sigill.stream.records import Record
from sigill.stream.topics import apply_topics, delete_topics
from tests.stream.conftest import MakeTopic, numbered, producer, topic

__all__ = ["producer", "topic"]


@dataclass
class Taking:
    """A handler that keeps what it was handed."""

    values: list[str] = field(default_factory=list)
    breaks_at: str | None = None

    async def prepare(self, records: Sequence[Record], _: PoisonRecords) -> Sequence[Record]:
        return records

    async def take(self, _: Tx, prepared: Sequence[Record], __: StepTimings) -> None:
        if any((record.value or b"").decode() == self.breaks_at for record in prepared):
            raise ValueError("cannot be handled")

    def unreadable(self, *_: Any) -> bool:
        return False

    failed = unreadable

    def report(self, prepared: Sequence[Record], _: StepTimings) -> None:
        self.values += [(record.value or b"").decode() for record in prepared]


@dataclass
class Reading:
    """A worker on a real topic and a real database."""

    connection: Connection
    store: Store
    topic: str
    metrics: Metrics = field(default_factory=Metrics)
    handler: Taking = field(default_factory=Taking)
    on_waits_ended: OnWaitsEnded | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Taking]:
        worker: ConsumerRunner[Any] = ConsumerRunner(
            name="intake",
            group=self.topic,
            topics=(self.topic,),
            connection=self.connection,
            store=self.store,
            handler=self.handler,
            clock=SystemClock(),
            metrics=self.metrics,
            health=Health(),
            limit=DeadLetterLimit(0.9, 50),
            session_timeout=6,
            batch_size=7,
            on_waits_ended=self.on_waits_ended,
        )
        stop = asyncio.Event()
        running = asyncio.create_task(worker.run(stop))
        try:
            yield self.handler
        finally:
            stop.set()
            await running

    async def until(self, values: Sequence[str], seconds: float = 40) -> None:
        """Wait until all of them have been taken."""
        try:
            async with asyncio.timeout(seconds):
                while not set(values) <= set(self.handler.values):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"not taken: {sorted(set(values) - set(self.handler.values))}") from None

    def shown(self, metric: Metric, partition: int | None = 0) -> float | None:
        labels = {"worker": "intake"}
        if partition is not None:
            labels |= {"topic": self.topic, "partition": str(partition)}
        return self.metrics.registry.get_sample_value(metric.name, labels)


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    from pydantic import SecretStr

    from sigill.runtime.settings import Settings

    opened = await Store.open(Settings(database_url=SecretStr(database), database_pool_max=4))
    yield opened
    await opened.close()


def called(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last)]


async def make_again(connection: Connection, name: str, partitions: int = 1) -> None:
    from tests.stream.conftest import Spec

    await delete_topics(connection, [name])
    for _ in range(50):
        await asyncio.sleep(0.3)
        (report,) = await apply_topics(connection, [Spec(name, partitions)])
        if report.outcome == "created":
            return
    raise AssertionError("the topic was not made again")


async def test_a_topic_made_anew_that_has_grown_past_the_offset_is_read_from_its_beginning(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 20))
    async with reading.running():
        await reading.until(called(0, 20))
    await make_again(connection, name)
    async with StreamProducer(connection) as fresh:
        await fresh.send_in_order(numbered(name, 40, start=100))
    async with reading.running():
        await reading.until(called(100, 140))
    assert reading.shown(CONSUMER_LOG_REPLACED) == 1
    assert reading.handler.values == called(0, 20) + called(100, 140)


async def test_a_topic_made_anew_while_the_worker_runs_is_noticed(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 20))
    async with reading.running():
        await reading.until(called(0, 20))
        await make_again(connection, name)
        async with StreamProducer(connection) as fresh:
            await fresh.send_in_order(numbered(name, 30, start=100))
        await reading.until(called(100, 130), 90)
    assert (reading.shown(CONSUMER_LOG_REPLACED) or 0) >= 1


async def _remove(connection: Connection, name: str, before: int, partition: int = 0) -> None:
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(name, partition): RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def test_what_retention_removed_after_it_was_read_makes_no_other_log(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 20))
    async with reading.running():
        await reading.until(called(0, 20))
    await _remove(connection, name, 20)
    await producer.send_in_order(numbered(name, 5, start=20))
    async with reading.running():
        await reading.until(called(20, 25))
    assert reading.shown(CONSUMER_LOG_REPLACED) is None
    assert reading.handler.values == called(0, 25)


async def test_records_removed_unread_set_their_partition_aside_and_the_other_goes_on(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic(partitions=2)
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 10))
    async with reading.running():
        await reading.until(called(0, 10))
    await producer.send_in_order(numbered(name, 10, start=10))
    await _remove(connection, name, 15)
    async with reading.running():
        await producer.send_in_order(numbered(name, 10, start=50, partition=1))
        await reading.until(called(50, 60))
        assert reading.shown(CONSUMER_SET_ASIDE) == 1
        # what an operator does about it; the worker that runs goes on by itself
        async with store.transaction(SystemClock().now()) as tx:
            await inbox.move(tx, name, name, [0])
        await reading.until(called(15, 20))
    assert not set(called(10, 15)) & set(reading.handler.values)


async def test_a_batch_in_a_codec_that_cannot_be_read_sets_its_partition_aside(
    connection: Connection,
    store: Store,
    topic: MakeTopic,
    producer: StreamProducer,
    kafka: EmbeddedKafka,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = await topic(partitions=2)
    reading = Reading(connection, store, name)
    monkeypatch.setattr("aiokafka.codec.has_zstd", lambda: False)
    sender = Producer({"bootstrap.servers": kafka.bootstrap, "compression.type": "zstd", "linger.ms": 50})
    for number in range(5):
        sender.produce(name, str(number).encode() * 50, b"k", partition=0)
    assert await asyncio.to_thread(sender.flush, 20) == 0
    async with reading.running():
        await producer.send_in_order(numbered(name, 10, start=50, partition=1))
        await reading.until(called(50, 60))
        async with asyncio.timeout(20):
            while reading.shown(CONSUMER_SET_ASIDE) != 1:
                await asyncio.sleep(0.1)
        await producer.send_in_order(numbered(name, 10, start=60, partition=1))
        await reading.until(called(60, 70))


async def test_a_record_that_can_be_handled_in_no_way_sets_its_partition_aside(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic(partitions=2)
    reading = Reading(connection, store, name, handler=Taking(breaks_at="3"))
    await producer.send_in_order(numbered(name, 6))
    await producer.send_in_order(numbered(name, 10, start=50, partition=1))
    async with reading.running():
        await reading.until([*called(0, 3), *called(50, 60)])
        assert reading.shown(CONSUMER_SET_ASIDE) == 1
    assert not set(called(3, 6)) & set(reading.handler.values)


async def test_an_idle_worker_notices_a_database_that_went_back(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer, database: str
) -> None:
    name = await topic()
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 20))
    async with reading.running():
        await reading.until(called(0, 20))
        reading.handler.values.clear()
        conn = await asyncpg.connect(database)
        await conn.execute("UPDATE sigill.consumer_offset SET next_offset = 12 WHERE topic = $1", name)
        await conn.close()
        await reading.until(called(12, 20))
    assert reading.handler.values == called(12, 20)
    assert (reading.shown(DATABASE_WENT_BACK, None) or 0) >= 1


async def test_a_transaction_does_not_move_the_offset_over_what_the_database_lost(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer, database: str
) -> None:
    name = await topic()
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 20))
    async with reading.running():
        await reading.until(called(0, 20))
        reading.handler.values.clear()
        conn = await asyncpg.connect(database)
        await conn.execute("UPDATE sigill.consumer_offset SET next_offset = NULL WHERE topic = $1", name)
        await conn.close()
        await producer.send_in_order(numbered(name, 5, start=20))
        await reading.until(called(0, 25))
    assert reading.handler.values == called(0, 25)


def test_marks_are_few_keep_the_newest_and_reach_far_back() -> None:
    position = LogPosition()
    for offset in range(0, 100_000, 10):
        position = position.taken([Record("t", 0, offset, 1, "append", b"k", b"v")])
    offsets = [mark.offset for mark in position.marks]
    assert len(offsets) == MARKS
    assert offsets[:5] == [99_990, 99_980, 99_970, 99_960, 99_950]
    assert offsets[-1] < 50_000
    assert offsets == sorted(offsets, reverse=True)
    assert unpacked(packed(position.marks)) == position.marks
    assert unpacked(None) == ()


def test_another_message_at_the_same_offset_is_answered_under_another_id() -> None:
    """A topic that was made again: one event id never stands for two bodies."""
    first, second = (
        event_id(arrival_cause("ehr.orders.v1", 0, 7, digest), "receipt") for digest in ("aa", "bb")
    )
    assert first != second


def test_the_names_that_alerts_rest_on_stay() -> None:
    counted = {metric.name for metric in (CONSUMER_LOG_REPLACED, CONSUMER_SET_ASIDE, DATABASE_WENT_BACK)}
    assert counted == {
        "sigill_consumer_logs_replaced_total",
        "sigill_consumer_partition_set_aside",
        "sigill_database_went_back_total",
    }
