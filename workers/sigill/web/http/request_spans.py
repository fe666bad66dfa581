"""Spans of the HTTP servers, by OpenTelemetry's conventions. A path may hold a patient's key, so a span has its route only."""

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sigill.runtime.tracing import Tracing, end

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


def with_spans(app: ASGIApp, tracing: Tracing) -> ASGIApp:
    """Return an application of whose requests each is a span, a child of the caller's."""
    if not tracing.on:
        return app

    async def traced(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _traced(app, tracing, scope, receive, send)
        else:
            await app(scope, receive, send)

    return traced


async def _traced(app: ASGIApp, tracing: Tracing, scope: Scope, receive: Receive, send: Send) -> None:
    status = 500
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
    span = tracing.serve(method, scope["scheme"], headers.get("traceparent"), headers.get("tracestate"))

    async def sending(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        await send(message)

    error = None
    try:
        await app(scope, receive, sending)
    except BaseException as raised:
        error = type(raised).__qualname__
        raise
    finally:
        if route := route_of(scope):
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        end(span, error or (str(status) if status >= 500 else None))


def route_of(scope: Mapping[str, Any]) -> str | None:
    """
    Return the route of an answered request, `/v1/patients/{key}`, by what its path parameters were found to be.

    None for what no route answered, and where a parameter cannot be found in the path: never the path itself.
    """
    if "endpoint" not in scope:
        return None
    path = scope["path"]
    for name, value in scope.get("path_params", {}).items():
        found = f"/{value}"
        at = path.rfind(found)
        if not value or at < 0 or path[at + len(found) :][:1] not in ("", "/"):
            return None
        path = f"{path[:at]}/{{{name}}}{path[at + len(found) :]}"
    return str(path)
