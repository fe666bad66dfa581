"""
The API as a server: who may ask, on which address, with which certificates. Refuses to start without the first.

A client certificate is taken by this listener itself (`api_client_ca`), or by a proxy named in `api_proxies`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from workers.ops.api.app import create_app
from workers.ops.api.desk import Desk
from workers.ops.api.tidy import tidy
from workers.ops.auth import SCOPES, Certificates, Guard, Guards, Keys, NotConfigured, Tokens
from workers.ops.listening import ImpatientProtocol, is_loopback
from workers.policy.rulebook import Rulebooks
from workers.runtime.clock import Clock
from workers.runtime.settings import Settings
from workers.store.session import Store

DEVELOPMENT_ISSUER = "urn:sigill:development"
_DEVELOPMENT_SECONDS = 12 * 3600


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


def guards_of(
    settings: Settings,
    clock: Clock,
    http: httpx.AsyncClient,
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr),  # noqa: T201 - a token, once
) -> Guards:
    """
    Return who may ask, as the settings say. Raises NotConfigured when nobody could prove who they are.

    `say` is told the token of the development mode, once.
    """
    found: list[Guard] = []
    if settings.api_issuer:
        found.append(
            Tokens(
                _keys(settings, http), issuer=settings.api_issuer, audience=settings.api_audience, clock=clock
            )
        )
    if settings.api_clients:
        if not settings.api_client_ca and not settings.api_proxies:
            raise NotConfigured(
                "SIGILL_API_CLIENTS needs SIGILL_API_CLIENT_CA (with SIGILL_API_CERTIFICATE) or SIGILL_API_PROXIES, "
                "or no certificate can come in"
            )
        found.append(Certificates(settings.api_clients, proxies=settings.api_proxies))
    if settings.api_development:
        found.append(_development(settings, clock, say))
    return Guards(found)


def _keys(settings: Settings, http: httpx.AsyncClient) -> Keys:
    if settings.api_jwks_file:
        return Keys.from_file(settings.api_jwks_file)
    if settings.api_jwks_url:
        if not settings.api_jwks_url.startswith("https://") and settings.environment == "production":
            raise NotConfigured("SIGILL_API_JWKS_URL must be https in production")
        return Keys.from_url(settings.api_jwks_url, http)
    raise NotConfigured("SIGILL_API_ISSUER needs SIGILL_API_JWKS_URL or SIGILL_API_JWKS_FILE")


def _development(settings: Settings, clock: Clock, say: Callable[[str], None]) -> Tokens:
    if settings.environment == "production" or not is_loopback(settings.console_host):
        raise NotConfigured(
            "SIGILL_API_DEVELOPMENT is for a loopback address only: set SIGILL_CONSOLE_HOST to 127.0.0.1"
        )
    key = ECKey.generate_key("P-256", {"kid": "development", "use": "sig"})
    public = json.dumps(KeySet([key]).as_dict(private=False)).encode()
    now = int(clock.now().timestamp())
    claims = {
        "iss": DEVELOPMENT_ISSUER,
        "aud": settings.api_audience,
        "sub": "developer",
        "iat": now,
        "exp": now + _DEVELOPMENT_SECONDS,
        "scope": " ".join(SCOPES),
    }
    header = {"alg": "ES256", "kid": "development", "typ": "at+jwt"}
    say(f"development mode: Authorization: Bearer {jwt.encode(header, claims, key)}")
    return Tokens(
        Keys(lambda: public), issuer=DEVELOPMENT_ISSUER, audience=settings.api_audience, clock=clock
    )


def config_of(app: Any, settings: Settings) -> uvicorn.Config:
    """Return how the server listens. Nothing of a request is logged but by our own logs."""
    tls: dict[str, Any] = {}
    if settings.api_certificate:
        tls = {"ssl_certfile": str(settings.api_certificate), "ssl_keyfile": str(settings.api_key)}
    if settings.api_client_ca:
        if not tls:
            raise NotConfigured("SIGILL_API_CLIENT_CA needs SIGILL_API_CERTIFICATE and SIGILL_API_KEY")
        demanded = ssl.CERT_OPTIONAL if settings.api_issuer else ssl.CERT_REQUIRED
        tls |= {"ssl_ca_certs": str(settings.api_client_ca), "ssl_cert_reqs": demanded}
    config = uvicorn.Config(
        app,
        host=settings.console_host,
        port=settings.console_port,
        http=CertificateProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who a proxy speaks for stands in Client-Cert only
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=int(settings.stop_timeout),
        limit_concurrency=2000,
        **tls,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


@contextlib.asynccontextmanager
async def application(
    settings: Settings, store: Store, books: Rulebooks, clock: Clock
) -> AsyncIterator[FastAPI]:
    """The API over an open store. Raises NotConfigured when nobody could prove who they are."""
    async with httpx.AsyncClient(timeout=5.0) as http:
        guards = guards_of(settings, clock, http)
        async with Desk(
            store,
            books,
            clock,
            instance=settings.instance,
            capacity=settings.api_copies,
            lanes=settings.api_lanes,
        ) as desk:
            yield create_app(desk, guards)


async def serve(
    settings: Settings,
    store: Store,
    books: Rulebooks,
    clock: Clock,
    stop: asyncio.Event,
    *,
    listening: Callable[[int], None] = lambda port: None,
) -> None:
    """
    Answer until `stop`. `listening` is told the port.

    Raises NotConfigured when nobody could prove who they are, before anything listens.
    """
    async with application(settings, store, books, clock) as app:
        config = config_of(app, settings)
        listener = config.bind_socket()
        listening(listener.getsockname()[1])
        server = QuietServer(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        tidying = asyncio.create_task(tidy())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await running
        finally:
            stopping.cancel()
            tidying.cancel()
            await asyncio.gather(tidying, return_exceptions=True)
            listener.close()


class QuietServer(uvicorn.Server):
    """Leaves signals to whoever runs the process."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # as uvicorn has it
        yield
