"""
OpenTelemetry spans by the messaging conventions (1.44): `send T`, `receive T`, `process T`, `commit T`; and of the HTTP
servers, `GET /route`.

The record key and `ce_subject` are the patient's pseudonymous key, so no span carries them, although the
conventions recommend the key. Without an endpoint spans cost next to nothing and go nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_PROPAGATOR = TraceContextTextMapPropagator()
_SCOPE = "sigill"


def extract(traceparent: str | None, tracestate: str | None = None) -> Context:
    """Return the W3C trace context that a message carries; an empty one when there is none, or it is malformed."""
    carrier = {"traceparent": traceparent or "", "tracestate": tracestate or ""}
    return _PROPAGATOR.extract({name: value for name, value in carrier.items() if value}, Context())


def inject(span: Span) -> tuple[str | None, str | None]:
    """Return (traceparent, tracestate) of a span, to be stored with an event; None when nobody records it."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
    return carrier.get("traceparent"), carrier.get("tracestate")


def end(span: Span, error_type: str | None = None) -> None:
    """
    End a span; `error_type` says in one word what went wrong.

    The message of an exception can carry anything; its type cannot.
    """
    if error_type is not None:
        span.set_attribute("error.type", error_type)
        span.set_status(Status(StatusCode.ERROR))
    span.end()


class Tracing:
    """Makes the four kinds of messaging spans, and those of the HTTP servers."""

    @property
    def on(self) -> bool:
        """Whether anybody records; else nothing about traces is worth reading from a message."""
        return self._provider is not None

    def __init__(
        self, provider: TracerProvider | None = None, *, client_id: str = "", server: str = ""
    ) -> None:
        """`server` is the first bootstrap address, `host:port`."""
        self._provider = provider
        self._tracer = (provider or trace.NoOpTracerProvider()).get_tracer(_SCOPE)
        host, _, port = server.split(",", maxsplit=1)[0].rpartition(":")
        self._common: dict[str, AttributeValue] = {"messaging.system": "kafka"}
        if client_id:
            self._common["messaging.client.id"] = client_id
        if host and port.isdigit():
            self._common |= {"server.address": host, "server.port": int(port)}

    @contextlib.contextmanager
    def receive(self, topic: str, group: str, count: int, links: Iterable[Context] = ()) -> Iterator[Span]:
        """Taking a batch from the broker. `links` are the contexts of its messages."""
        attributes: dict[str, AttributeValue] = {
            "messaging.consumer.group.name": group,
            "messaging.batch.message_count": count,
        }
        with _ended(
            self._start("receive", "receive", topic, SpanKind.CLIENT, attributes, links=links)
        ) as span:
            yield span

    def process(
        self, topic: str, partition: int, offset: int, group: str, *,
        message_id: str | None = None, traceparent: str | None = None, tracestate: str | None = None,
    ) -> Span:  # fmt: skip
        """Begin to handle one message, as a child of the span that its sender stamped on it. `end` it."""
        attributes: dict[str, AttributeValue] = {
            "messaging.consumer.group.name": group,
            "messaging.destination.partition.id": str(partition),
            "messaging.kafka.offset": offset,
        }
        if message_id:
            attributes["messaging.message.id"] = message_id
        parent = extract(traceparent, tracestate)
        return self._start("process", "process", topic, SpanKind.CONSUMER, attributes, parent=parent)

    def send(
        self, topic: str, *, message_id: str | None = None, traceparent: str | None = None,
        tracestate: str | None = None, tombstone: bool = False,
    ) -> Span:  # fmt: skip
        """Begin to send one message, as a child of the span in which it was written to the outbox. `end` it."""
        attributes: dict[str, AttributeValue] = {}
        if message_id:
            attributes["messaging.message.id"] = message_id
        if tombstone:
            attributes["messaging.kafka.message.tombstone"] = True
        parent = extract(traceparent, tracestate)
        return self._start("send", "send", topic, SpanKind.PRODUCER, attributes, parent=parent)

    @contextlib.contextmanager
    def commit(self, topic: str, group: str) -> Iterator[Span]:
        """Committing offsets after the transaction."""
        attributes: dict[str, AttributeValue] = {"messaging.consumer.group.name": group}
        with _ended(self._start("commit", "settle", topic, SpanKind.CLIENT, attributes)) as span:
            yield span

    def serve(
        self, method: str, scheme: str, traceparent: str | None = None, tracestate: str | None = None
    ) -> Span:
        """Begin to answer one HTTP request, as a child of its caller's span. `end` it."""
        attributes: dict[str, AttributeValue] = {"http.request.method": method, "url.scheme": scheme}
        return self._tracer.start_span(method, extract(traceparent, tracestate), SpanKind.SERVER, attributes)

    def flush(self) -> None:
        """Send what is waiting; called before the process ends."""
        if self._provider is not None:
            self._provider.shutdown()

    def _start(
        self, name: str, kind_of_operation: str, topic: str, kind: SpanKind,
        attributes: dict[str, AttributeValue], *,
        parent: Context | None = None, links: Iterable[Context] = (),
    ) -> Span:  # fmt: skip
        linked = [
            Link(found)
            for context in links
            if (found := trace.get_current_span(context).get_span_context()).is_valid
        ]
        span_attributes: dict[str, AttributeValue] = {
            **self._common,
            "messaging.operation.name": name,
            "messaging.operation.type": kind_of_operation,
            "messaging.destination.name": topic,
            **attributes,
        }
        return self._tracer.start_span(f"{name} {topic}", parent, kind, span_attributes, linked)


@contextlib.contextmanager
def _ended(span: Span) -> Iterator[Span]:
    """End a span with the block, with the type of what the block raises."""
    try:
        yield span
    except BaseException as error:
        end(span, type(error).__qualname__)
        raise
    end(span)
