"""Spans by the messaging conventions; none of them carries the patient's key."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from sigill.runtime.tracing import Tracing, end, extract, inject

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
COMMON = {
    "messaging.system": "kafka",
    "messaging.client.id": "c",
    "server.address": "broker",
    "server.port": 9092,
}


@pytest.fixture
def spans() -> tuple[Tracing, InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider, client_id="c", server="broker:9092,other:9092"), exporter


def test_names_kinds_and_attributes(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    tracing, exporter = spans
    with tracing.receive("ehr.orders.v1", "g", 2, [extract(PARENT), extract(None), extract("nonsense")]):
        pass
    end(tracing.process("ehr.orders.v1", 3, 17, "g", message_id="m", traceparent=PARENT))
    end(tracing.send("access.changes.v1", message_id="m", tombstone=True))
    with tracing.commit("ehr.orders.v1", "g"):
        pass
    receive, process, send, commit = exporter.get_finished_spans()
    assert [(s.name, s.kind) for s in (receive, process, send, commit)] == [
        ("receive ehr.orders.v1", SpanKind.CLIENT),
        ("process ehr.orders.v1", SpanKind.CONSUMER),
        ("send access.changes.v1", SpanKind.PRODUCER),
        ("commit ehr.orders.v1", SpanKind.CLIENT),
    ]
    assert len(receive.links) == 1
    assert process.parent is not None
    assert process.parent.span_id == 0xB7AD6B7169203331
    assert dict(process.attributes or {}) == COMMON | {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "ehr.orders.v1",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 17,
        "messaging.consumer.group.name": "g",
        "messaging.message.id": "m",
    }
    assert dict(send.attributes or {})["messaging.kafka.message.tombstone"] is True
    assert dict(commit.attributes or {})["messaging.operation.type"] == "settle"
    for span in exporter.get_finished_spans():
        assert not [name for name in span.attributes or {} if name.endswith((".key", "subject"))]


def test_a_fault_leaves_its_type_and_not_its_message(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    tracing, exporter = spans
    with pytest.raises(ValueError, match="202201019996"), tracing.commit("t", "g"):
        raise ValueError("202201019996")
    (span,) = exporter.get_finished_spans()
    assert dict(span.attributes or {})["error.type"] == "ValueError"
    assert not span.events
    assert "202201019996" not in span.to_json()


def test_a_trace_goes_through_the_outbox(spans: tuple[Tracing, InMemorySpanExporter]) -> None:
    tracing, exporter = spans
    handling = tracing.process("ehr.orders.v1", 0, 0, "g", traceparent=PARENT)
    traceparent, tracestate = inject(handling)
    end(handling)
    end(tracing.send("access.receipts.v1", traceparent=traceparent, tracestate=tracestate))
    process, send = exporter.get_finished_spans()
    assert {f"{span.context.trace_id:032x}" for span in (process, send)} == {
        "0af7651916cd43dd8448eb211c80319c"
    }
    assert send.parent is not None
    assert send.parent.span_id == process.context.span_id


def test_without_a_collector_nothing_is_injected() -> None:
    tracing = Tracing()
    assert not tracing.on
    assert inject(tracing.process("t", 0, 0, "g")) == (None, None)
