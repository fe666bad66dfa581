"""Borrowed topics, and a producer to fill them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from sigill.stream.connection import Connection
from sigill.stream.producer import OutgoingRecord, StreamProducer
from sigill.stream.topics import apply_topics, delete_topics


@dataclass(frozen=True)
class Spec:
    name: str
    partitions: int = 1
    config: dict[str, str] = field(default_factory=dict)


MakeTopic = Callable[..., Awaitable[str]]


@pytest.fixture
async def topic(connection: Connection, topic_prefix: str) -> AsyncIterator[MakeTopic]:
    made: list[str] = []

    async def make(partitions: int = 1, **config: str) -> str:
        spec = Spec(
            f"t{len(made)}", partitions, {name.replace("_", "."): value for name, value in config.items()}
        )
        (report,) = await apply_topics(connection, [spec], prefix=topic_prefix)
        made.append(report.name)
        return report.name

    yield make
    if made:
        await delete_topics(connection, made)


@pytest.fixture
async def producer(connection: Connection) -> AsyncIterator[StreamProducer]:
    async with StreamProducer(connection) as producer:
        yield producer


def numbered(topic: str, count: int, *, partition: int = 0, start: int = 0) -> list[OutgoingRecord]:
    return [
        OutgoingRecord(topic, b"k", str(n).encode(), (("ce_id", str(n).encode()),), partition)
        for n in range(start, start + count)
    ]
