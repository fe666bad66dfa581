"""
How far the topics go and how old the first unread record of each partition is: lag as a count and as time.

One consumer without a group asks; it commits nothing and is in nobody's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition, errors

from sigill.stream.connection import BrokerDown, Connection, StreamStopped, passing
from sigill.stream.records import Partition, time_of
from sigill.stream.shutdown import closed


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """
    One partition: `end` is the offset that the next record will get, `lag` the records that are not read yet.

    `oldest` is the time (UTC) of the first of those; None when there is none, or it is not known.
    """

    end: int
    lag: int
    oldest: datetime | None


class PartitionLags:
    """Asks the broker, again and again, over one connection. Use from one task at a time."""

    def __init__(self, connection: Connection, *, timeout: float = 10.0) -> None:
        """`timeout`: seconds for one round."""
        self._connection = connection
        self._timeout = timeout
        self._kafka: AIOKafkaConsumer | None = None
        self._topics: tuple[str, ...] = ()

    async def measure(
        self, topics: tuple[str, ...], read: Mapping[Partition, int | None]
    ) -> dict[Partition, PartitionLag]:
        """
        Return the standing of every partition of `topics`; `read` says from which offset each is unread.

        Raises BrokerDown or StreamStopped.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._measure(topics, read)
        except (errors.KafkaError, OSError, TimeoutError) as error:
            await self.close()
            if passing(error):
                raise BrokerDown(type(error).__name__) from error
            raise StreamStopped(f"the broker refuses: {type(error).__name__}") from error
        except asyncio.CancelledError:
            await asyncio.shield(self.close())
            raise

    async def close(self) -> None:
        """Let go of the connection; the next round makes another."""
        kafka, self._kafka = self._kafka, None
        if kafka is not None:
            await closed(kafka, 5)

    async def _measure(
        self, topics: tuple[str, ...], read: Mapping[Partition, int | None]
    ) -> dict[Partition, PartitionLag]:
        kafka = await self._open(topics)
        places = [
            TopicPartition(topic, part)
            for topic in topics
            for part in sorted(kafka.partitions_for_topic(topic) or ())
        ]
        if not places:
            return {}
        ends = await kafka.end_offsets(places)
        starts = await kafka.beginning_offsets(places)
        behind: dict[TopicPartition, int] = {}
        for place in places:
            # an offset below the log's start would show lag that is none
            first = max(read.get(Partition(*place)) or 0, starts[place])
            if first < ends[place]:
                behind[place] = first
        oldest = await self._times(kafka, behind)
        return {
            Partition(*place): PartitionLag(
                ends[place], ends[place] - behind.get(place, ends[place]), oldest.get(place)
            )
            for place in places
        }

    async def _open(self, topics: tuple[str, ...]) -> AIOKafkaConsumer:
        if self._kafka is not None and self._topics != topics:
            await self.close()
        if self._kafka is None:
            # without a group it is given every partition, new ones too; it reads from the end but where it is told
            self._kafka, self._topics = (
                AIOKafkaConsumer(
                    *topics,
                    **self._connection.options(),
                    group_id=None,
                    enable_auto_commit=False,
                    auto_offset_reset="latest",
                    fetch_max_wait_ms=200,
                    max_partition_fetch_bytes=65_536,
                ),
                topics,
            )
            await self._kafka.start()
        return self._kafka

    async def _times(
        self, kafka: AIOKafkaConsumer, behind: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, datetime]:
        wanted = {place: offset for place, offset in behind.items() if place in kafka.assignment()}
        for place, offset in wanted.items():
            kafka.seek(place, offset)
        found: dict[TopicPartition, datetime] = {}
        # transactions' markers take offsets and are no records: a partition may have nothing to give
        for _ in range(3):
            left = [place for place in wanted if place not in found]
            if not left:
                break
            for place, records in (await kafka.getmany(*left, timeout_ms=400)).items():
                if records:
                    found[place] = time_of(records[0].timestamp)
        return found
