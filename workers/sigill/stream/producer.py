"""
Idempotent sending, in order.

Within one producer nothing is doubled or reordered in a partition. A send without an answer is *in doubt*:
aiokafka would try for ever while a partition has a leader, so after `send_timeout` the producer is thrown away, with
what it was still trying, and a new one made; the caller sends again from its first unacknowledged row. That can double
a record on the topic, and lose none; readers remove repeats by `ce_id`. Left over: bytes that lie with a broker that
stood still may be written after those of the new producer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest

import structlog
from aiokafka import AIOKafkaProducer, errors
from aiokafka.partitioner import DefaultPartitioner, murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from sigill.stream.connection import BrokerDown, Connection, StreamStopped, passing
from sigill.stream.records import Headers
from sigill.stream.shutdown import closed

log = structlog.get_logger("sigill.producer")


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """A record to send. The key decides the partition, and with it the order."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


class SendInDoubt(BrokerDown):
    """
    Not everything was acknowledged. `acknowledged` holds the indexes that certainly were, such that no
    earlier record of the same topic and key is missing: send all the others again, in their order.
    """

    def __init__(self, acknowledged: frozenset[int], error_type: str) -> None:
        self.acknowledged = acknowledged
        self.error_type = error_type
        super().__init__(error_type)


LARGEST_BYTES = 2 * 1024 * 1024
"""What a record may have at most, as the topics are set too."""
BATCH_OVERHEAD = 1024
"""Bytes that a batch of one record may have beside what is counted of it."""

LARGEST_BODY = LARGEST_BYTES - BATCH_OVERHEAD
"""What a record's value may have at most, before its key and headers are counted."""


def sendable_at_all(record: OutgoingRecord) -> bool:
    """Whether a record is not larger than brokers and topics take."""
    return _size(record) <= LARGEST_BYTES - BATCH_OVERHEAD


def _size(record: OutgoingRecord) -> int:
    """Bytes of a record, rather too many than too few."""
    headers = sum(len(name) + len(value or b"") + 8 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + 128 + headers


class StreamProducer:
    """One idempotent producer, replaced when it is in doubt. Use from one task at a time."""

    def __init__(
        self,
        connection: Connection,
        *,
        send_timeout: float = 30.0,
        max_request_bytes: int = LARGEST_BYTES,
    ) -> None:
        self._connection = connection
        self._send_timeout = send_timeout
        self._max_request_bytes = max_request_bytes
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; `BrokerDown` when the broker does not answer. Sending does it too when it is needed."""
        await self._open()

    async def stop(self) -> None:
        """Close, under a timeout."""
        await self._throw_away()

    async def __aenter__(self) -> StreamProducer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def send_in_order(self, records: Sequence[OutgoingRecord]) -> None:
        """
        Send records, those of a key in the given order, and return when all replicas have them.

        Raises `SendInDoubt` (send the rest again), `BrokerDown` (nothing was sent), or `StreamStopped` when a
        record can never be sent, before anything was.
        """
        if not records:
            return
        self._check_sizes(records)
        producer = await self._open()
        futures: dict[int, asyncio.Future[object]] = {}
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(self._send_timeout):
                for wave in _waves(producer, await _by_place(producer, records)):
                    await _send(producer, wave, futures)
        except (errors.KafkaError, OSError, TimeoutError) as error:
            failure = error
        except asyncio.CancelledError:
            # whoever cancelled does not know what arrived; the next caller must not use this producer
            await asyncio.shield(self._throw_away())
            raise
        if failure is not None:
            await self._throw_away()
            acknowledged = _acknowledged(records, futures)
            log.warning(
                "send in doubt",
                error=type(failure).__name__,
                sent=len(records),
                acknowledged=len(acknowledged),
            )
            if not acknowledged and not passing(failure) and not isinstance(failure, _NEW_PRODUCER):
                raise StreamStopped(
                    f"the broker refuses to take records: {type(failure).__name__}"
                ) from failure
            raise SendInDoubt(acknowledged, type(failure).__name__) from failure

    async def send_one(self, record: OutgoingRecord) -> tuple[int, int]:
        """
        Send one record, and return its partition and offset when all replicas have it.

        Raises what `send_in_order` does.
        """
        self._check_sizes([record])
        producer = await self._open()
        try:
            async with asyncio.timeout(self._send_timeout):
                placed = await producer.send_and_wait(
                    record.topic,
                    record.value,
                    record.key,
                    record.partition,
                    headers=list(record.headers),
                )
        except (errors.KafkaError, OSError, TimeoutError) as error:
            await self._throw_away()
            raise SendInDoubt(frozenset(), type(error).__name__) from error
        return placed.partition, placed.offset

    def _check_sizes(self, records: Sequence[OutgoingRecord]) -> None:
        for index, record in enumerate(records):
            size = _size(record)
            if size > self._max_request_bytes:
                msg = f"record {index} for {record.topic} has {size} bytes, {self._max_request_bytes} can be sent"
                raise StreamStopped(msg)

    async def _open(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        producer = AIOKafkaProducer(
            **self._connection.options(),
            acks="all",
            enable_idempotence=True,
            max_request_size=self._max_request_bytes,
            # one batch is in flight a partition, so the default of 16 KiB would make a round trip every ten records
            max_batch_size=512 * 1024,
        )
        try:
            async with asyncio.timeout(self._send_timeout):
                await producer.start()
        except (errors.KafkaError, OSError, TimeoutError) as error:
            await _close(producer)
            if not passing(error):
                raise StreamStopped(f"the broker refuses the connection: {type(error).__name__}") from error
            raise BrokerDown(type(error).__name__) from error
        self._producer = producer
        return producer

    async def _throw_away(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)


#: After these a producer's sequence is lost; only a new producer helps (aiokafka #1017).
_NEW_PRODUCER = (
    errors.OutOfOrderSequenceNumber,
    errors.UnknownProducerId,
    errors.InvalidProducerEpoch,
    errors.InvalidProducerIdMapping,
    errors.ProducerFenced,
    errors.ProducerClosed,
)


async def _by_place(
    producer: AIOKafkaProducer, records: Sequence[OutgoingRecord]
) -> dict[tuple[str, int], list[tuple[int, OutgoingRecord]]]:
    """The records that go to each topic and partition, in order, with their indexes."""
    partitions: dict[str, list[int]] = {}
    found: dict[tuple[str, int], list[tuple[int, OutgoingRecord]]] = {}
    for index, record in enumerate(records):
        every = partitions.get(record.topic)
        if every is None:
            every = partitions[record.topic] = sorted(await producer.partitions_for(record.topic))
        chosen = record.partition if record.partition is not None else _partition(record.key, every)
        found.setdefault((record.topic, chosen), []).append((index, record))
    return found


@dataclass(frozen=True, slots=True)
class _Load:
    """A batch of one partition's records, which the client sends as it is, and their indexes."""

    topic: str
    partition: int
    batch: BatchBuilder
    held: list[int] = field(default_factory=list)


def _waves(
    producer: AIOKafkaProducer, places: Mapping[tuple[str, int], Sequence[tuple[int, OutgoingRecord]]]
) -> Iterator[list[_Load]]:
    """
    What to send at once: of each partition its first batch, then its second, and so on. Nearly always there is one.

    Batches of our own making, not the client's: none of them waits for more to come, and the client keeps one future
    a batch, not one a record.
    """
    for wave in zip_longest(*(_loads(producer, place, mine) for place, mine in places.items())):
        yield [load for load in wave if load is not None]


def _loads(
    producer: AIOKafkaProducer, place: tuple[str, int], records: Sequence[tuple[int, OutgoingRecord]]
) -> list[_Load]:

    loads = [_Load(*place, producer.create_batch())]
    for index, record in records:
        fields = {
            "timestamp": None,
            "key": record.key,
            "value": record.value,
            "headers": list(record.headers),
        }
        if loads[-1].batch.append(**fields) is None:
            # full; an empty one takes a record of any size
            loads.append(_Load(*place, producer.create_batch()))
            loads[-1].batch.append(**fields)
        loads[-1].held.append(index)
    return loads


async def _send(
    producer: AIOKafkaProducer, wave: Sequence[_Load], futures: dict[int, asyncio.Future[object]]
) -> None:
    """
    Send a batch of each of some partitions, and return when all are acknowledged. Notes each record's future.

    Raises what the broker said of the first that failed, when all have had their answer: nothing may follow then in
    the partition of one that failed, since a new producer's records are taken whatever came before them.
    """
    told: list[asyncio.Future[object]] = []
    for load in wave:
        load.batch.close()
        future: asyncio.Future[object] = await producer.send_batch(
            load.batch, load.topic, partition=load.partition
        )
        # one that fails after we have given up waiting is nobody's news
        future.add_done_callback(lambda one: one.cancelled() or one.exception())
        futures.update(dict.fromkeys(load.held, future))
        told.append(future)
    await asyncio.wait(told)
    for future in told:
        future.result()


_hash = lru_cache(maxsize=16_384)(murmur2)
"""Kafka's own; what concerns a patient goes out several messages together, and the hash is made in Python."""


def _partition(key: bytes | None, every: Sequence[int]) -> int:
    """The partition of a key, as Kafka's clients choose it."""
    if key is None:
        return int(DefaultPartitioner()(key, every, every))
    return every[(int(_hash(key)) & 0x7FFFFFFF) % len(every)]


async def _close(producer: AIOKafkaProducer) -> None:
    # stop() flushes and can wait for ever when all brokers are gone (aiokafka #659)
    await closed(producer, 5.0)


def _acknowledged(
    records: Sequence[OutgoingRecord], futures: Mapping[int, asyncio.Future[object]]
) -> frozenset[int]:
    broken: set[tuple[str, bytes | None]] = set()
    good = set()
    for index, record in enumerate(records):
        sequence = (record.topic, record.key)
        future = futures.get(index)
        arrived = (
            future is not None and future.done() and not future.cancelled() and future.exception() is None
        )
        if arrived and sequence not in broken:
            good.add(index)
        else:
            broken.add(sequence)
    return frozenset(good)
