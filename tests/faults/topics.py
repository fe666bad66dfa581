"""Whole topics, read from their beginning past every proxy, for the checker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition


@dataclass(frozen=True, slots=True)
class Found:
    """A record as it lies on its topic."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    headers: dict[str, bytes]
    log: int = 0
    """Which log of its topic it lay on: one that is made anew, or cut, is the next."""
    stretch: int = 0
    """Within its log: a topic that gets more partitions begins the next."""
    taken: bool = True
    """False: it was lost with its log before anybody had taken it."""
    lost: bool = False
    """Its log was cut before it."""

    @property
    def event(self) -> str:
        """Its CloudEvents id."""
        return self.headers.get("ce_id", b"").decode()

    @property
    def digest(self) -> str:
        """SHA-256 of the value, hex."""
        return hashlib.sha256(self.value or b"").hexdigest()


async def read_all(bootstrap: str, prefix: str, names: Iterable[str]) -> dict[str, list[Found]]:
    """Every record of the topics, in the order of offsets within each partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    try:
        found: dict[str, list[Found]] = {}
        for name in names:
            found[name] = await _read(consumer, prefix, name)
        return found
    finally:
        await consumer.stop()


async def ends_of(bootstrap: str, parts: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Where each partition ends, exclusive."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    try:
        await consumer.start()
        ends: dict[TopicPartition, int] = await consumer.end_offsets(parts)
        return ends
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, prefix: str, name: str) -> list[Found]:
    numbers = await consumer._client.fetch_all_metadata()
    parts = [
        TopicPartition(prefix + name, n) for n in sorted(numbers.partitions_for_topic(prefix + name) or ())
    ]
    consumer.assign(parts)
    await consumer.seek_to_beginning()
    ends = await consumer.end_offsets(parts)
    found: list[Found] = []
    while any([await consumer.position(p) < ends[p] for p in parts]):
        for records in (await consumer.getmany(timeout_ms=300)).values():
            found += [
                Found(
                    name,
                    r.partition,
                    r.offset,
                    (r.key or b"").decode(),
                    r.value,
                    dict(r.headers),
                )
                for r in records
            ]
    return sorted(found, key=lambda r: (r.partition, r.offset))
