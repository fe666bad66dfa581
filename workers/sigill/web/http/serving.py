"""
The one way in which a web server of ours is started: the console's and the decision API's, by whichever command.

Nothing that a caller writes about itself is believed: no forwarded header changes whose connection it is. What a named
proxy says is read where it is needed (`Client-Cert` by the API's guard, `X-Forwarded-For` by `address_of`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from sigill.runtime.settings import Settings
from sigill.web.http.protocol import ImpatientProtocol


class WrongListener(Exception):
    """The settings say two things about a listener that do not go together. The message names them."""


@dataclass(frozen=True, slots=True)
class Listener:
    """
    Where a server listens, and with which certificates.

    `client_ca`: the authority of client certificates; with `client_demanded` nobody comes without one.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    client_demanded: bool = False
    connections: int = 2000
    stop_timeout: float = 25.0


def console_listener(settings: Settings) -> Listener:
    """Return where the console listens."""
    return Listener(
        settings.console_host,
        settings.console_port,
        settings.console_certificate,
        settings.console_key,
        connections=500,
        stop_timeout=settings.stop_timeout,
    )


def api_listener(settings: Settings) -> Listener:
    """Return where the decision API listens. Raises WrongListener."""
    if settings.api_client_ca and not settings.api_certificate:
        raise WrongListener("SIGILL_API_CLIENT_CA needs SIGILL_API_CERTIFICATE and SIGILL_API_KEY")
    return Listener(
        settings.api_host,
        settings.api_port,
        settings.api_certificate,
        settings.api_key,
        settings.api_client_ca,
        # with an issuer a caller may prove itself by a token instead
        client_demanded=not settings.api_issuer,
        stop_timeout=settings.stop_timeout,
    )


class CertificateProtocol(ImpatientProtocol):
    """HTTP/1.1 that also hands on the client certificate that the TLS listener proved."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the certificate of the connection."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self._client_certificate = None if tls is None else tls.getpeercert(binary_form=True)

    def on_message_begin(self) -> None:
        """Put it into the request's scope."""
        super().on_message_begin()
        if self._client_certificate:
            self.scope["extensions"] = {"tls": {"client_cert_der": self._client_certificate}}


def config_of(app: Any, where: Listener) -> uvicorn.Config:
    """Return how a server listens. Nothing of a request is logged but by our own logs."""
    tls: dict[str, Any] = {}
    if where.certificate:
        tls = {"ssl_certfile": str(where.certificate), "ssl_keyfile": str(where.key)}
        if where.client_ca:
            demanded = ssl.CERT_REQUIRED if where.client_demanded else ssl.CERT_OPTIONAL
            tls |= {"ssl_ca_certs": str(where.client_ca), "ssl_cert_reqs": demanded}
    config = uvicorn.Config(
        app,
        host=where.host,
        port=where.port,
        http=CertificateProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # uvicorn would believe X-Forwarded-For of everybody on this machine
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=int(where.stop_timeout),
        limit_concurrency=where.connections,
        **tls,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


class QuietServer(uvicorn.Server):
    """Leaves signals to whoever runs the process."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # as uvicorn has it
        yield


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that listens on `port`; `task` ends when it does."""

    port: int
    task: asyncio.Task[None]


@contextlib.asynccontextmanager
async def serving(app: Any, where: Listener, name: str) -> AsyncIterator[Serving]:
    """Serve while the block runs; then let the requests in hand finish."""
    config = config_of(app, where)
    listener = config.bind_socket()
    server = QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name=name)
    try:
        yield Serving(listener.getsockname()[1], task)
    finally:
        server.should_exit = True
        await task
        listener.close()


def address_of(scope: Mapping[str, Any], proxies: Sequence[str]) -> str:
    """
    Return the address that a request comes from: the connection's, or what a named proxy says of it.

    Of a chain in `X-Forwarded-For` the last address counts that is not a named proxy's: what stands before it the
    caller may have written itself.
    """
    peer = str((scope.get("client") or ("",))[0])
    if peer not in proxies:
        return peer
    fields = [value for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    hops = [hop.strip() for hop in b",".join(fields).decode("latin-1").split(",") if hop.strip()]
    return next((hop for hop in reversed(hops) if hop not in proxies), peer)
