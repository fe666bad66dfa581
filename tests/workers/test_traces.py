"""A trace goes from the record system's span through the database and the outbox to what is published."""

import asyncio
import gzip
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from sigill.bootstrap import tracing_of
from sigill.runtime.otlp import resource_of
from sigill.runtime.settings import load_settings
from sigill.runtime.tracing import Tracing
from sigill.stream.producer import SendInDoubt
from tests.kit.senders import ADULT, KEYS, Sent
from tests.kit.worker_harness import START, WorkerHarness
from tests.workers.test_relay import Topic, relay

TRACE, PARENT = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
COMES_IN = f"00-{TRACE:032x}-{PARENT:016x}-01"
COMMON = {
    "messaging.system": "kafka",
    "messaging.client.id": "sigill",
    "server.address": "broker",
    "server.port": 9092,
}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider, client_id="sigill", server="broker:9092")


def traced(sent: Sent, traceparent: str = COMES_IN) -> Sent:
    return replace(sent, headers=(*sent.headers, ("traceparent", traceparent.encode())))


def spans(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_names_kinds_and_attributes_of_a_batch(
    harness: WorkerHarness, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    harness.consuming["ehr.orders.v1"].tracing = tracing
    first, second = harness.senders.orders(START), harness.senders.orders(START)
    await harness.hand_over(traced(first), second, harness.senders.garbage())
    [receive] = spans(exporter, "receive ehr.orders.v1")
    assert receive.kind is SpanKind.CLIENT
    assert told(receive) == COMMON | {
        "messaging.operation.name": "receive",
        "messaging.operation.type": "receive",
        "messaging.destination.name": "ehr.orders.v1",
        "messaging.consumer.group.name": "intake",
        "messaging.batch.message_count": 3,
    }
    assert [link.context.span_id for link in receive.links] == [PARENT]

    handled = spans(exporter, "process ehr.orders.v1")
    assert [span.kind for span in handled] == [SpanKind.CONSUMER] * 3
    assert [told(span)["messaging.kafka.offset"] for span in handled] == [0, 1, 2]
    assert told(handled[0]) == COMMON | {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "ehr.orders.v1",
        "messaging.destination.partition.id": "0",
        "messaging.consumer.group.name": "intake",
        "messaging.kafka.offset": 0,
        "messaging.message.id": first.order_id,
    }
    assert handled[0].parent is not None
    assert (handled[0].parent.trace_id, handled[0].parent.span_id) == (TRACE, PARENT)
    assert handled[1].parent is None, "who stamps no trace begins none for others"


async def test_what_follows_from_an_order_is_published_in_its_trace(
    harness: WorkerHarness, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    harness.consuming["ehr.orders.v1"].tracing = tracing
    topic = Topic()
    sending = relay(harness, topic)
    await sending.publish_all()
    topic.sent.clear()
    await harness.hand_over(traced(harness.senders.orders(START)))
    [handled] = spans(exporter, "process ehr.orders.v1")

    sending.tracing = tracing
    await sending.publish_all()
    for name in ("access.receipts.v1", "access.changes.v1", "access.notifications.v1"):
        [send] = spans(exporter, f"send {name}")
        assert send.kind is SpanKind.PRODUCER
        assert send.parent is not None
        assert (send.context.trace_id, send.parent.span_id) == (TRACE, handled.context.span_id)
        [record] = [one for one in topic.sent if one.topic == name]
        headers = dict(record.headers)
        assert headers["traceparent"] == f"00-{TRACE:032x}-{send.context.span_id:016x}-01".encode()
        assert told(send) == COMMON | {
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": name,
            "messaging.message.id": headers["ce_id"].decode(),
        }
    for span in exporter.get_finished_spans():
        for secret in (KEYS.of(ADULT), ADULT):
            assert secret not in span.to_json()


async def test_without_a_collector_the_senders_trace_still_goes_on(harness: WorkerHarness) -> None:
    topic = Topic()
    await harness.hand_over(traced(harness.senders.orders(START)))
    await relay(harness, topic).publish_all()
    [record] = [one for one in topic.sent if one.topic == "access.notifications.v1"]
    assert dict(record.headers)["traceparent"] == COMES_IN.encode()


async def test_a_dead_letter_keeps_the_headers_that_it_came_with(
    harness: WorkerHarness, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    topic = Topic()
    sending = relay(harness, topic)
    sending.tracing = tracing
    await harness.hand_over(traced(harness.senders.garbage()))
    await sending.publish_all()
    [record] = [one for one in topic.sent if one.topic.endswith(".dlq")]
    assert dict(record.headers)["traceparent"] == COMES_IN.encode()
    [send] = spans(exporter, "send ehr.orders.v1.dlq")
    assert send.context.trace_id == TRACE


async def test_what_fails_says_its_kind_and_nothing_else(
    harness: WorkerHarness, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    await harness.hand_over(harness.senders.orders(START))
    sending = relay(harness, Topic(acknowledges=[1]))
    sending.tracing = tracing
    with pytest.raises(SendInDoubt):
        await sending.publish_all()
    good, *failed = exporter.get_finished_spans()
    assert good.status.status_code is StatusCode.UNSET
    assert failed
    assert {told(span)["error.type"] for span in failed} == {"RequestTimedOutError"}
    assert not [span.events for span in failed if span.events]


async def test_spans_reach_a_collector_over_http(harness: WorkerHarness) -> None:
    """By the wiring that a setting switches on; the process sends what is left before it ends."""
    took: list[tuple[str, bytes]] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
        took.append((head.split()[1], await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(collect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        tracing = tracing_of(load_settings(otlp_endpoint=f"http://127.0.0.1:{port}/"))
        assert tracing.on
        harness.consuming["ehr.orders.v1"].tracing = tracing
        await harness.hand_over(traced(harness.senders.orders(START)))
        await asyncio.to_thread(tracing.flush)
    finally:
        server.close()
    assert [path for path, _ in took] == ["/v1/traces"]
    content = took[0][1]
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    assert b"process ehr.orders.v1" in content
    assert TRACE.to_bytes(16, "big") in content
    assert KEYS.of(ADULT).encode() not in content


async def test_a_message_that_cannot_be_read_is_an_error_of_its_own_span(
    harness: WorkerHarness, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    harness.consuming["ehr.orders.v1"].tracing = tracing
    await harness.hand_over(harness.senders.orders(START), harness.senders.garbage())
    fine, unreadable = sorted(
        spans(exporter, "process ehr.orders.v1"), key=lambda span: told(span)["messaging.kafka.offset"]
    )
    assert "error.type" not in told(fine)
    assert told(unreadable)["error.type"] == "unreadable"
    assert unreadable.status.status_code is StatusCode.ERROR
    assert unreadable.status.description is None


def test_a_span_says_which_release_made_it() -> None:
    resource = resource_of("sigill", version="1.2.3", instance="one").attributes
    assert (resource["service.version"], resource["service.name"]) == ("1.2.3", "sigill")
