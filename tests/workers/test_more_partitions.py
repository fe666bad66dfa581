"""More partitions with a backlog on the old ones: what was published before is taken before what came after it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from confluent_kafka import Producer
from pydantic import SecretStr

from sigill.consumer.continuity import waits_of_growth
from sigill.runtime.clock import SystemClock
from sigill.runtime.settings import Settings
from sigill.store import growth
from sigill.store.growth import GrowthWait
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.producer import StreamProducer
from tests.stream.conftest import MakeTopic, numbered, producer, topic
from tests.workers.test_continuity import Reading, called, make_again

__all__ = ["producer", "topic"]


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    opened = await Store.open(Settings(database_url=SecretStr(database), database_pool_max=6))
    yield opened
    await opened.close()


async def grow(connection: Connection, name: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        await admin.create_partitions({name: NewPartitions(partitions)})
        async with asyncio.timeout(30):
            while True:
                (found,) = await admin.describe_topics([name])
                if sum(part["leader"] >= 0 for part in found["partitions"]) == partitions:
                    return
                await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def waiting(store: Store, group: str) -> list[tuple[int, int]]:
    async with store.reading() as tx:
        return [(one.partition, one.behind) for one in await growth.waits(tx, group)]


async def settled(store: Store, group: str) -> None:
    async with asyncio.timeout(20):
        while await waiting(store, group):
            await asyncio.sleep(0.1)


def test_keys_move_to_the_new_partitions_alone_when_their_number_is_multiplied() -> None:
    doubled = waits_of_growth("t", 4, {0: 10, 1: 0})
    assert doubled == [GrowthWait("t", 2, 0, 0, 10)]  # 3 follows an empty one
    assert waits_of_growth("t", 6, {0: 5, 1: 7}) == [
        GrowthWait("t", part, 0, part % 2, (5, 7)[part % 2]) for part in (2, 3, 4, 5)
    ]
    by_one = waits_of_growth("t", 3, {0: 5, 1: 7})
    assert by_one == [
        GrowthWait("t", 0, 5, 1, 7),
        GrowthWait("t", 1, 7, 0, 5),
        GrowthWait("t", 2, 0, 0, 5),
        GrowthWait("t", 2, 0, 1, 7),
    ]


async def test_a_moved_patients_orders_are_taken_after_those_on_the_old_partition(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic(partitions=2)
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 5))
    async with reading.running():
        await reading.until(called(0, 5))
    await producer.send_in_order(numbered(name, 60, start=100))
    await grow(connection, name, 4)
    async with StreamProducer(connection) as fresh:
        await fresh.send_in_order(numbered(name, 10, start=200, partition=2))
        await fresh.send_in_order(numbered(name, 10, start=300, partition=3))
    async with reading.running():
        await reading.until(called(100, 160) + called(200, 210) + called(300, 310))
        await settled(store, name)
    taken = reading.handler.values
    assert len(taken) == len(set(taken))
    assert taken.index("159") < taken.index("200")
    # nobody's orders were left on the partition that the other one follows: it waits for nothing
    assert taken.index("309") < taken.index("159")


async def test_two_workers_and_a_growth_while_they_run(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    """Grown by a number that is no multiple, so that all wait for all others; the end of one is a marker."""
    name = await topic(partitions=2)
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 5) + numbered(name, 5, start=50, partition=1))
    async with reading.running():
        await reading.until(called(0, 5) + called(50, 55))
    await producer.send_in_order(numbered(name, 60, start=100))
    await asyncio.to_thread(_in_a_transaction, connection.bootstrap, name, called(400, 420))
    await grow(connection, name, 3)
    async with StreamProducer(connection) as fresh:
        await fresh.send_in_order(numbered(name, 10, start=200, partition=2))
    async with reading.running(), reading.running():
        await reading.until(called(100, 160) + called(200, 210) + called(400, 420))
        await settled(store, name)
        await producer.send_in_order(numbered(name, 5, start=500))
        await reading.until(called(500, 505))
    taken = reading.handler.values
    assert len(taken) == len(set(taken))
    assert max(taken.index("159"), taken.index("419")) < taken.index("200")


def _in_a_transaction(bootstrap: str, name: str, values: list[str]) -> None:
    made = Producer({"bootstrap.servers": bootstrap, "transactional.id": name})
    made.init_transactions(60)
    made.begin_transaction()
    for value in values:
        made.produce(name, value, b"k", 1, headers={"ce_id": value})
    made.commit_transaction(60)


async def test_a_topic_made_anew_is_waited_for_no_further_than_it_goes(
    connection: Connection, store: Store, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    reading = Reading(connection, store, name)
    await producer.send_in_order(numbered(name, 5))
    async with reading.running():
        await reading.until(called(0, 5))
    async with store.transaction(SystemClock().now()) as tx:
        # noticed before the topic was lost
        await growth.grow(tx, name, name, 2, [GrowthWait(name, 1, 0, 0, 500)])
    await make_again(connection, name, 2)
    async with StreamProducer(connection) as fresh:
        await fresh.send_in_order(numbered(name, 7, start=100) + numbered(name, 5, start=200, partition=1))
    async with reading.running():
        await reading.until(called(100, 107) + called(200, 205))
        await settled(store, name)
    taken = reading.handler.values
    assert taken.index("106") < taken.index("200")
