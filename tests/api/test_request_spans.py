"""A span for each request to a server of ours: its route and answer, never its path."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from sigill.runtime.tracing import Tracing
from sigill.web.http.request_spans import with_spans

KEY = "v1.kY2n0zqZ"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def _fine(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params.get("key", ""))


async def _broken(_: Request) -> PlainTextResponse:
    raise ValueError(KEY)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def client(exporter: InMemorySpanExporter) -> TestClient:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = Starlette(
        routes=[
            Route("/patients/{key}", _fine),
            Route("/broken", _broken),
            Mount("/v1", routes=[Route("/patients/{key}/measures/{number:int}", _fine)]),
        ]
    )
    return TestClient(with_spans(app, Tracing(provider)), raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "name", "status", "error"),
    [
        (f"/patients/{KEY}?who={KEY}", "GET /patients/{key}", 200, None),
        (f"/v1/patients/{KEY}/measures/7", "GET /v1/patients/{key}/measures/{number}", 200, None),
        ("/patients/a%20b", "GET /patients/{key}", 200, None),
        (f"/nothing/{KEY}", "GET", 404, None),
        ("/broken", "GET /broken", 500, "ValueError"),
    ],
)
def test_a_request_is_a_span_of_its_route(
    client: TestClient, exporter: InMemorySpanExporter, path: str, name: str, status: int, error: str | None
) -> None:
    client.get(path, headers={"traceparent": PARENT})
    (span,) = exporter.get_finished_spans()
    attributes = dict(span.attributes or {})
    assert (span.name, span.kind) == (name, SpanKind.SERVER)
    assert attributes["http.response.status_code"] == status
    assert attributes.get("error.type") == error
    assert attributes["http.request.method"] == "GET"
    assert KEY not in span.to_json()
    assert span.parent is not None
    assert span.parent.span_id == 0xB7AD6B7169203331


def test_a_method_that_nobody_knows_is_not_told(client: TestClient, exporter: InMemorySpanExporter) -> None:
    client.request("SECRET", "/broken")
    (span,) = exporter.get_finished_spans()
    assert dict(span.attributes or {})["http.request.method"] == "_OTHER"


def test_without_a_collector_nothing_stands_between() -> None:
    app = Starlette()
    assert with_spans(app, Tracing()) is app
