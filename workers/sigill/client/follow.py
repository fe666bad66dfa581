"""Keeps a local copy up to date from the broker: all partitions, from the beginning, without a group."""

from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

from sigill.client.copy import LocalCopy
from sigill.stream.connection import Connection
from sigill_contracts.topics import ELSEWHERE, STAFF, STATE, UNITS


async def follow(
    copy: LocalCopy,
    connection: Connection,
    *,
    caught_up: Callable[[], None] = lambda: None,
    unreadable: Callable[[str, int, int], None] = lambda topic, partition, offset: None,
    prefix: str = "",
) -> None:
    """
    Read `directory.staff.v1`, `directory.units.v1`, `elsewhere.measures.v1` and `access.state.v1` from their beginning and go on for ever; cancel to stop.

    `caught_up` is called once, when all that was there at the start has been taken in: answer nothing before.
    `unreadable` is told the place of a record that could not be read; what was known of that patient is then forgotten,
    so that nothing old is shown. `prefix` stands before the topics' names. Raises aiokafka's errors.
    """
    state, staff, units = prefix + STATE.name, prefix + STAFF.name, prefix + UNITS.name
    elsewhere = prefix + ELSEWHERE.name
    consumer = AIOKafkaConsumer(
        staff,
        units,
        elsewhere,
        state,
        **connection.options(),
        group_id=None,  # every copy reads everything
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        places = [
            TopicPartition(topic, partition)
            for topic in (staff, units, elsewhere, state)
            for partition in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        ends = await consumer.end_offsets(places)
        behind = {place for place in places if await consumer.position(place) < ends[place]}
        if not behind:
            caught_up()
        while True:
            batches = await consumer.getmany(timeout_ms=500, max_records=5000)
            for place, records in batches.items():
                for record in records:
                    try:
                        if place.topic == state:
                            copy.take((record.key or b"").decode(), record.value)
                        elif place.topic == units:
                            copy.take_unit(record.value)
                        elif place.topic == elsewhere:
                            copy.take_elsewhere(record.value)
                        else:
                            copy.take_staff(record.value)
                    except ValueError:
                        if place.topic == state:
                            copy.take((record.key or b"").decode(errors="replace"), None)
                        unreadable(place.topic, place.partition, record.offset)
            if behind:
                behind = {place for place in behind if await consumer.position(place) < ends[place]}
                if not behind:
                    caught_up()
    finally:
        await consumer.stop()
