"""Publishing one order, and reading its answers back from the store."""

import json
from typing import Any

from sigill.cli.common import NamedBinding, refuse_outside
from sigill.cli.context import clock_of, refuse_hidden, store_of
from sigill.policy.calendar import swedish_date
from sigill.runtime.clock import SystemClock
from sigill.runtime.logging import mask
from sigill.runtime.settings import Settings
from sigill.store import access_log, audit, orders
from sigill.store.access_log import LOOKS, AccessLogEntry
from sigill.store.audit import AuditEntry
from sigill.stream.connection import Connection
from sigill.stream.producer import OutgoingRecord, StreamProducer
from sigill.stream.records import binary_headers
from sigill_contracts.envelope import Envelope
from sigill_contracts.topics import TopicSpec
from sigill_contracts.vocabulary import OrderId


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
    topic = settings.topic(spec.name)
    async with StreamProducer(Connection.of(settings)) as producer:
        partition, offset = await producer.send_one(
            OutgoingRecord(topic, key.encode(), value, binary_headers(envelope))
        )
    return f"sent to {topic}, partition {partition}, offset {offset}"


async def answers(
    settings: Settings, order_id: str, bound: NamedBinding, *, whole_for: tuple[str, str] | None = None
) -> list[dict[str, Any]]:
    """
    Every receipt under an order's id, oldest first: also of messages that claimed it and were not believed.

    Ends the process when one of them is outside of `bound`: a region or unit that whoever asks is not bound to.

    `whole_for`: the operator and the reason, when the receipts are shown whole, with numbers and motivation. The look is
    in the access log of each patient; where no patient is known, it is in the audit chain.
    """
    async with store_of(settings) as store:
        async with store.reading() as tx:
            filed = await orders.load(tx, [OrderId(order_id)])
            found = await orders.answers_to(tx, [order.registration for order in filed])
            here = await bound.on(tx, swedish_date(clock_of(settings).now()))
        if not all(here.covers(order.region, order.unit) for order in filed):
            refuse_outside()
        texts = [text for order in filed for text in (order.payload, order.original)]
        texts += [answer.receipt for given in found.values() for answer in given]
        await refuse_hidden(store, [order.patient for order in filed], texts)
        if whole_for is not None and filed:
            actor, reason = whole_for
            async with store.transaction(clock_of(settings).now()) as tx:
                patients = sorted({order.patient for order in filed if order.patient is not None})
                shown = f"receipts of order {order_id}"
                looks = [AccessLogEntry(actor, None, patient, reason, shown) for patient in patients]
                await access_log.append(tx, looks, chain=LOOKS)
                if not patients:
                    body = {"order_id": order_id, "reason": mask(reason)}
                    await audit.append(tx, [AuditEntry("console", actor, "order_shown", body)])
    given = [answer for answers in found.values() for answer in answers if answer.receipt]
    return [json.loads(answer.receipt or "") for answer in sorted(given, key=lambda one: one.judged_at)]
