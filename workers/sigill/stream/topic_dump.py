"""A topic read once from its beginning to where it ends now, without a group and without leaving a trace."""

import asyncio
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition, errors

from sigill.stream.connection import BrokerDown, Connection, StreamStopped, passing
from sigill.stream.shutdown import closed

_SILENCE = 30.0


async def values_of(connection: Connection, topic: str) -> AsyncIterator[bytes]:
    """
    Yield the values of every record that stands on a topic when this is called, partition by partition.

    Raises BrokerDown, or StreamStopped when there is no such topic or the cluster refuses.
    """
    kafka = AIOKafkaConsumer(
        **connection.options(), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await asyncio.wait_for(kafka.start(), _SILENCE)
        if topic not in await kafka.topics():
            raise StreamStopped(f"there is no topic {topic}: `sigill topics apply` makes it")
        kafka.subscribe([topic])
        parts = sorted(await asyncio.wait_for(_assigned(kafka), _SILENCE))
        ends = await kafka.end_offsets(parts)
        await kafka.seek_to_beginning()
        for part in parts:
            kafka.pause(*parts)
            kafka.resume(part)
            while await kafka.position(part) < ends[part]:
                batch = await asyncio.wait_for(_some(kafka, part), _SILENCE)
                for record in batch:
                    if record.offset < ends[part] and record.value is not None:
                        yield record.value
    except (errors.KafkaError, OSError, TimeoutError) as error:
        if passing(error):
            raise BrokerDown(type(error).__name__) from error
        raise StreamStopped(f"the broker refuses: {type(error).__name__}") from error
    finally:
        await closed(kafka, 5)


async def _assigned(kafka: AIOKafkaConsumer) -> frozenset[TopicPartition]:
    """Without a group the client assigns every partition itself, once it has the topic's metadata."""
    while not (found := kafka.assignment()):  # noqa: ASYNC110 - the client has no event for it
        await asyncio.sleep(0.02)
    return frozenset(found)


async def _some(kafka: AIOKafkaConsumer, part: TopicPartition) -> "list[ConsumerRecord[bytes, bytes]]":
    while True:
        found = await kafka.getmany(part, timeout_ms=500)
        if found.get(part):
            return list(found[part])
