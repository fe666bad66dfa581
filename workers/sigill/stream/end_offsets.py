"""How far a topic goes: whether everything on it has been read yet, asked of the broker without joining a group."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition, errors

from sigill.stream.connection import BrokerDown, Connection, StreamStopped, passing
from sigill.stream.records import Partition
from sigill.stream.shutdown import closed


async def ends_of(connection: Connection, topics: Iterable[str]) -> dict[Partition, int]:
    """
    The offset that the next record of each partition will get; 0 for one that has never held any.

    Raises BrokerDown, or StreamStopped when the cluster refuses.
    """
    wanted = tuple(topics)
    kafka = AIOKafkaConsumer(*wanted, **connection.options(), group_id=None, enable_auto_commit=False)
    try:
        async with asyncio.timeout(20):
            await kafka.start()
            places = [
                TopicPartition(topic, part)
                for topic in wanted
                for part in sorted(kafka.partitions_for_topic(topic) or ())
            ]
            found = await kafka.end_offsets(places) if places else {}
    except (errors.KafkaError, OSError, TimeoutError) as error:
        if passing(error):
            raise BrokerDown(type(error).__name__) from error
        raise StreamStopped(f"the broker refuses: {type(error).__name__}") from error
    finally:
        await closed(kafka, 5)
    return {Partition(*place): offset for place, offset in found.items()}
