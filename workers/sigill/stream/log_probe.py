"""
Whether a partition's log is still the one that was read: looked at beside the group, without leaving a trace.

Fingerprints of records decide where one of them is still there; the topic's id decides where none is. What is left
over: a log that was emptied on a cluster that tells no topic ids is taken for the same one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition, errors
from aiokafka.client import AIOKafkaClient

from sigill.stream import topic_ids
from sigill.stream.connection import BrokerDown, Connection, StreamStopped, passing
from sigill.stream.log_position import NO_IDENTITY, LogIdentity, LogPosition, Mark, fingerprint
from sigill.stream.records import Partition, as_record
from sigill.stream.shutdown import closed

PATIENCE_SECONDS = 10.0
END_TRIES = 4
"""Looks at a log that ends before our offset: after a change of leader its end may follow a moment later."""


class LogComparison(Enum):
    """What a comparison found."""

    SAME = "same"
    UNKNOWN = "nothing to compare"
    REPLACED = "another log"
    UNREAD_GONE = "records were removed unread"


@dataclass(frozen=True, slots=True)
class ProbedLog:
    """What is on the broker: the log's first offset, its end, its identity, and what comparing it found."""

    verdict: LogComparison
    why: str
    first: int
    end: int
    identity: LogIdentity


class LogProbe:
    """Compares logs with positions, over connections of its own. Use from one task at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client: AIOKafkaClient | None = None

    async def close(self) -> None:
        """Let go of the connection; the next look makes another."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def identities(self, topics: Iterable[str]) -> dict[Partition, LogIdentity]:
        """What each partition is now. Raises BrokerDown or StreamStopped."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._client is None:
                    client = AIOKafkaClient(**self._connection.options())
                    await client.bootstrap()
                    self._client = client
                return await topic_ids.identities(self._client, topics)
        except (errors.KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise _translated(error) from error

    async def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """
        The offset that each partition's next record gets, what is not committed yet included.

        Raises BrokerDown or StreamStopped.
        """
        kafka = AIOKafkaConsumer(**self._connection.options(), group_id=None, enable_auto_commit=False)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await kafka.start()
                places = [TopicPartition(topic, part) for part in range(partitions)]
                return {tp.partition: end for tp, end in (await kafka.end_offsets(places)).items()}
        except (errors.KafkaError, OSError, TimeoutError) as error:
            raise _translated(error) from error
        finally:
            await closed(kafka, 5)

    async def compare(self, positions: Mapping[Partition, LogPosition]) -> dict[Partition, ProbedLog]:
        """
        Compare each partition's log with how far it was read. Positions at a beginning are left out.

        All marks that are still there are compared where the identity has changed, else the newest one. Raises
        BrokerDown or StreamStopped.
        """
        asked = {place: position for place, position in positions.items() if position.next_offset is not None}
        if not asked:
            return {}
        known = await self.identities(sorted({place.topic for place in asked}))
        kafka = AIOKafkaConsumer(
            **self._connection.options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=65_536,
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS * 6):
                await kafka.start()
                bounds = await _bounds(kafka, asked)
                return {
                    place: await _compare(
                        kafka, place, position, *bounds[place], known.get(place, NO_IDENTITY)
                    )
                    for place, position in asked.items()
                }
        except (errors.KafkaError, OSError, TimeoutError) as error:
            raise _translated(error) from error
        finally:
            await closed(kafka, 5)


def _translated(error: BaseException) -> Exception:
    if passing(error):
        return BrokerDown(type(error).__name__)
    return StreamStopped(f"the broker refuses to have its logs compared: {type(error).__name__}")


async def _bounds(
    kafka: AIOKafkaConsumer, asked: Mapping[Partition, LogPosition]
) -> dict[Partition, tuple[int, int]]:
    """First offset and end of each partition; looked at again while an end lies before our offset."""
    places = [TopicPartition(*place) for place in asked]
    for attempt in range(END_TRIES):
        first, end = await kafka.beginning_offsets(places), await kafka.end_offsets(places)
        if all(end[tp] >= (asked[Partition(*tp)].next_offset or 0) for tp in places):
            break
        if attempt + 1 < END_TRIES:
            await asyncio.sleep(0.5)
    return {Partition(*tp): (first[tp], end[tp]) for tp in places}


async def _compare(
    kafka: AIOKafkaConsumer,
    place: Partition,
    position: LogPosition,
    first: int,
    end: int,
    identity: LogIdentity,
) -> ProbedLog:
    def found(verdict: LogComparison, why: str) -> ProbedLog:
        return ProbedLog(verdict, why, first, end, identity)

    following = position.next_offset or 0
    if following > end:
        return found(LogComparison.REPLACED, f"it ends at {end}, before offset {following}")
    was = position.identity
    other_id = None not in (was.topic_id, identity.topic_id) and was.topic_id != identity.topic_id
    compared = 0
    for mark in position.marks:
        if mark.offset < first or (compared and was == identity):
            break
        at = await _at(kafka, place, mark)
        if at is None:
            continue
        if at != mark.digest:
            return found(LogComparison.REPLACED, f"another record is at offset {mark.offset}")
        compared += 1
    if not compared and other_id:
        return found(LogComparison.REPLACED, "the topic was made again")
    if following < first:
        return found(LogComparison.UNREAD_GONE, f"offset {following} is next, and it begins at {first}")
    same = compared or (was.topic_id is not None and was.topic_id == identity.topic_id)
    return (
        found(LogComparison.SAME, "")
        if same
        else found(LogComparison.UNKNOWN, "no record that was taken is left")
    )


async def _at(kafka: AIOKafkaConsumer, place: Partition, mark: Mark) -> bytes | None:
    """The fingerprint of the record at an offset; None when there is none any more, or it cannot be read."""
    tp = TopicPartition(*place)
    kafka.assign([tp])
    kafka.seek(tp, mark.offset)
    for _ in range(10):
        try:
            records: list[Any] = (await kafka.getmany(tp, timeout_ms=300, max_records=1)).get(tp, [])
        except errors.OffsetOutOfRangeError:
            return None
        except (errors.UnsupportedCodecError, errors.CorruptRecordException, UnicodeDecodeError):
            return None
        if records:
            return fingerprint(as_record(records[0])) if records[0].offset == mark.offset else None
        if await kafka.position(tp) > mark.offset:
            return None
    return None
