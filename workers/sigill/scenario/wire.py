"""The runner's own ends of the topics: it publishes what EHR, register and directory would, and reads every answer."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from sigill.stream.connection import Connection
from sigill_contracts.topics import CHANGES, NOTIFICATIONS, ORDERS, RECEIPTS, TopicSpec

Headers = list[tuple[str, bytes]]
DEAD = f"{ORDERS.name}.dlq"


class TopicClient:
    """Open while the stories are played. Everything published to the outgoing topics is kept in order of arrival."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection, self._prefix = connection, prefix
        self.receipts: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.dead: set[str] = set()
        self.changes: list[dict[str, Any]] = []
        self.notifications: list[dict[str, Any]] = []
        self._seen: set[bytes] = set()
        self._arrived = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._producer = AIOKafkaProducer(
            **connection.options(),
            acks="all",
            linger_ms=0,
            max_batch_size=1_000_000,
            max_request_size=2_000_000,
        )
        self._consumer = AIOKafkaConsumer(
            **connection.options(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
        )

    async def open(self) -> None:
        """Connect, and read the outgoing topics from their beginning."""
        await self._producer.start()
        await self._consumer.start()
        await self._assign()
        self._reader = asyncio.create_task(self._read())

    async def _assign(self) -> None:
        names = [self._prefix + name for name in (RECEIPTS.name, CHANGES.name, NOTIFICATIONS.name, DEAD)]
        for _ in range(100):
            found = {name: await self._partitions(name) for name in names}
            if all(found.values()):
                break
            await asyncio.sleep(0.1)
        parts = [TopicPartition(name, p) for name, numbers in found.items() for p in sorted(numbers)]
        self._consumer.assign(parts)
        await self._consumer.seek_to_beginning()

    async def _partitions(self, name: str) -> set[int]:
        return set(await self._producer.partitions_for(name))

    async def close(self) -> None:
        """Disconnect."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        await self._consumer.stop()
        await self._producer.stop()

    async def publish(
        self, spec: TopicSpec, key: str, value: bytes, headers: Headers, at: datetime
    ) -> tuple[str, int, int]:
        """Publish a record stamped `at`; returns topic, partition and offset."""
        sent = await self._producer.send_and_wait(
            self._prefix + spec.name,
            value,
            key=key.encode(),
            headers=headers,
            timestamp_ms=int(at.timestamp() * 1000),
        )
        return spec.name, sent.partition, sent.offset

    async def _read(self) -> None:
        while True:
            batches = await self._consumer.getmany(timeout_ms=200)
            if not batches:
                continue
            async with self._arrived:
                for partition, records in batches.items():
                    name = partition.topic.removeprefix(self._prefix)
                    for record in records:
                        self._keep(name, record)
                self._arrived.notify_all()

    def _keep(self, name: str, record: Any) -> None:
        headers = dict(record.headers)
        if name == DEAD:
            self.dead.add(headers.get("ce_id", b"").decode())
            return
        event_id = headers["ce_id"]
        if event_id in self._seen:
            return  # published at least once: a relay that was killed sends its last batch again
        self._seen.add(event_id)
        message = json.loads(record.value)
        if name == RECEIPTS.name:
            self.receipts[message["answers_event"]].append(message)
            if message["order_id"] and message["order_id"] != message["answers_event"]:
                self.receipts[message["order_id"]].append(message)
        elif name == CHANGES.name:
            self.changes.append(message)
        else:
            self.notifications.append(message)

    async def until(self, met: Any, what: str, seconds: float = 30.0) -> None:
        """Wait until something about what arrived is true. Raises TimeoutError naming it."""
        try:
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(met)
        except TimeoutError:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}") from None

    async def caught_up(self) -> None:
        """Wait until everything that is on the outgoing topics now has been read."""
        parts = list(self._consumer.assignment())
        ends = await self._consumer.end_offsets(parts)
        for _ in range(2000):
            positions = [await self._consumer.position(p) for p in parts]
            if all(at >= ends[p] for p, at in zip(parts, positions, strict=True)):
                break
            await asyncio.sleep(0.005)
        async with self._arrived:  # the last batch is being kept
            pass


def cloud_event(
    spec: TopicSpec, event_id: str, source: str, key: str, at: datetime, content_type: str
) -> Headers:
    """CloudEvents attributes in binary mode, as the EHR, the register and the directory write them."""
    attributes: Iterable[tuple[str, str]] = (
        ("ce_specversion", "1.0"),
        ("ce_id", event_id),
        ("ce_source", source),
        ("ce_type", spec.event_type or ""),
        ("ce_time", at.isoformat()),
        ("ce_subject", key),
        ("content-type", content_type),
    )
    return [(name, value.encode()) for name, value in attributes]
