"""Sending in order, and what is known after the broker was away."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest

from sigill.embedded import EmbeddedKafka
from sigill.stream.connection import BrokerDown, Connection, StreamStopped
from sigill.stream.producer import OutgoingRecord, SendInDoubt, StreamProducer, _acknowledged
from sigill.stream.topics import apply_topics
from tests.stream.conftest import MakeTopic, Spec, numbered


async def everything(connection: Connection, topic: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(topic, **connection.options(), auto_offset_reset="earliest") as consumer:
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(count)]


async def test_records_of_a_key_arrive_in_order_and_once(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    for start in range(0, 1000, 250):
        await producer.send_in_order(numbered(name, 250, start=start))
    assert await everything(connection, name, 1000) == [str(n).encode() for n in range(1000)]


async def test_a_record_too_large_stops_before_anything_is_sent(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    with pytest.raises(StreamStopped, match="can be sent"):
        await producer.send_in_order([*numbered(name, 1), OutgoingRecord(name, b"k", bytes(3_000_000))])
    await producer.send_in_order([OutgoingRecord(name, b"k", b"only")])
    assert await everything(connection, name, 1) == [b"only"]


async def test_more_than_a_batch_holds_goes_out_in_several_in_order(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    records = [OutgoingRecord(name, b"k", str(n).encode().ljust(100_000)) for n in range(20)]
    await producer.send_in_order(records)
    assert await everything(connection, name, 20) == [record.value for record in records]


async def test_a_key_goes_where_other_clients_send_it(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic(partitions=12)
    keys = [f"v1.{n}".encode() for n in range(40)]
    await producer.send_in_order([OutgoingRecord(name, key, b"ours") for key in keys])
    async with AIOKafkaProducer(**connection.options()) as other:
        for key in keys:
            await other.send_and_wait(name, b"theirs", key=key)
    places: dict[bytes | None, set[int]] = {}
    async with AIOKafkaConsumer(name, **connection.options(), auto_offset_reset="earliest") as consumer:
        for _ in range(2 * len(keys)):
            record = await asyncio.wait_for(consumer.getone(), 20)
            places.setdefault(record.key, set()).add(record.partition)
    assert [len(places[key]) for key in keys] == [1] * len(keys)


async def test_a_tombstone_is_a_record_without_value(
    connection: Connection, topic: MakeTopic, producer: StreamProducer
) -> None:
    name = await topic()
    await producer.send_in_order([OutgoingRecord(name, b"k", None)])
    async with AIOKafkaConsumer(name, **connection.options(), auto_offset_reset="earliest") as consumer:
        assert (await asyncio.wait_for(consumer.getone(), 10)).value is None


async def test_no_broker_is_trouble_that_may_pass() -> None:
    with pytest.raises(BrokerDown):
        await StreamProducer(Connection("127.0.0.1:1"), send_timeout=2).start()


async def test_a_send_to_a_dead_broker_is_in_doubt_and_order_survives_the_resend(
    own_kafka: EmbeddedKafka,
) -> None:
    connection = Connection(own_kafka.bootstrap)
    await apply_topics(connection, [Spec("t")])
    async with StreamProducer(connection, send_timeout=2) as producer:
        await producer.send_in_order(numbered("t", 5))
        await asyncio.to_thread(own_kafka.kill)
        rest = numbered("t", 5, start=5)
        with pytest.raises(SendInDoubt) as doubt:
            await producer.send_in_order(rest)
        assert doubt.value.acknowledged == frozenset()
        with pytest.raises(BrokerDown):
            await producer.send_in_order(rest)
        await asyncio.to_thread(own_kafka.start)
        async with asyncio.timeout(30):
            while True:
                try:
                    await producer.send_in_order(rest)
                    break
                except BrokerDown:
                    await asyncio.sleep(0.2)
    # the last record, for the reader to know where it ends
    got = await everything(connection, "t", 10)
    assert list(dict.fromkeys(got)) == [str(n).encode() for n in range(10)]


async def test_a_lost_sequence_makes_a_new_producer(
    connection: Connection, topic: MakeTopic, producer: StreamProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users saw OutOfOrderSequenceNumber for ever until a restart; here the next send goes through."""
    name = await topic()
    await producer.send_in_order(numbered(name, 1))
    broken = producer._producer
    assert broken is not None

    async def refuse(*_: object, **__: object) -> None:
        raise errors.OutOfOrderSequenceNumber

    monkeypatch.setattr(broken, "send_batch", refuse)
    with pytest.raises(SendInDoubt) as doubt:
        await producer.send_in_order(numbered(name, 1, start=1))
    assert doubt.value.error_type == "OutOfOrderSequenceNumber"
    await producer.send_in_order(numbered(name, 1, start=1))
    assert producer._producer is not broken
    assert await everything(connection, name, 2) == [b"0", b"1"]


async def test_a_producer_that_was_thrown_away_sends_no_more(
    connection: Connection, topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left alone it tries on behind our back, and writes what is old behind what has been sent since."""
    name = await topic()
    send = AIOKafkaClient.send

    async def too_few(client: AIOKafkaClient, node: int, request: object, **more: object) -> object:
        if isinstance(request, ProduceRequest):
            raise errors.NotEnoughReplicasError
        return await send(client, node, request, **more)

    async with StreamProducer(connection, send_timeout=1) as producer:
        await producer.send_in_order([OutgoingRecord(name, b"k", b"first")])
        monkeypatch.setattr(AIOKafkaClient, "send", too_few)
        with pytest.raises(SendInDoubt) as doubt:
            await producer.send_in_order([OutgoingRecord(name, b"k", b"old")])
        assert doubt.value.acknowledged == frozenset()
        monkeypatch.setattr(AIOKafkaClient, "send", send)
        await asyncio.sleep(1)
        await producer.send_in_order([OutgoingRecord(name, b"k", b"new")])
    assert await everything(connection, name, 2) == [b"first", b"new"]


async def test_nothing_follows_a_batch_that_failed(connection: Connection, topic: MakeTopic) -> None:
    """The first batch is too large for the topic, and the last one is not: alone it would be taken."""
    name = await topic(max_message_bytes="300000")
    records = [OutgoingRecord(name, b"k", str(n).encode().ljust(100_000)) for n in range(6)]
    async with StreamProducer(connection, send_timeout=5) as producer:
        with pytest.raises(StreamStopped, match="MessageSizeTooLarge"):
            await producer.send_in_order(records)
    async with AIOKafkaConsumer(name, **connection.options(), auto_offset_reset="earliest") as consumer:
        place = TopicPartition(name, 0)
        assert (await consumer.end_offsets([place]))[place] == 0


async def test_acknowledged_leaves_out_what_follows_a_gap_in_its_key() -> None:
    def future(good: bool) -> asyncio.Future[object]:
        made: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if good:
            made.set_result(None)
        return made

    records = [OutgoingRecord("t", key, b"") for key in (b"a", b"b", b"a", b"b", b"a")]
    futures = dict(enumerate(future(good) for good in (True, False, True, True)))
    assert _acknowledged(records, futures) == {0, 2}
