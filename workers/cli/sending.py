"""Publishing one order, and reading its answers back from the store."""

import json
from typing import Any

from contracts.envelope import Envelope
from contracts.topics import TopicSpec
from contracts.vocabulary import OrderId
from workers.runtime.clock import SystemClock
from workers.runtime.settings import Settings
from workers.store import orders
from workers.store.session import Store
from workers.stream.connection import Connection
from workers.stream.producer import Outgoing, StreamProducer
from workers.stream.records import Event, write_binary


async def publish(
    settings: Settings, spec: TopicSpec, event_id: str, source: str, key: str, value: bytes, content_type: str
) -> str:
    """Publish one event in binary mode, acknowledged by the broker. Returns topic, partition and offset in words."""
    envelope = Envelope(
        id=event_id,
        source=source,
        type=spec.event_type or "",
        time=SystemClock().now(),
        subject=key,
        content_type=content_type,
    )
    headers, data = write_binary(Event(envelope, value))
    topic = settings.topic(spec.name)
    async with StreamProducer(Connection.of(settings)) as producer:
        partition, offset = await producer.send_one(Outgoing(topic, key.encode(), data, headers))
    return f"sent to {topic}, partition {partition}, offset {offset}"


async def answers(settings: Settings, order_id: str) -> list[dict[str, Any]]:
    """Every receipt under an order's id, oldest first: also of messages that claimed it and were not believed."""
    store = await Store.open(settings)
    try:
        async with store.reading() as tx:
            filed = await orders.load(tx, [OrderId(order_id)])
            found = await orders.answers_to(tx, [one.registration for one in filed])
        given = [answer for answers in found.values() for answer in answers if answer.receipt]
        return [json.loads(one.receipt or "") for one in sorted(given, key=lambda one: one.judged_at)]
    finally:
        await store.close()
