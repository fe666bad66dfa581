"""
The API as a server: who may ask, on which address, with which certificates. Refuses to start without the first.

A client certificate is taken by this listener itself (`api_client_ca`), or by a proxy named in `api_proxies`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable

import httpx
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from sigill.operations.decision_service import DecisionService
from sigill.processing.citations import PolicyProvider
from sigill.runtime.clock import Clock
from sigill.runtime.settings import Settings
from sigill.store.session import Store
from sigill.web.api.gc_tuning import tidy
from sigill.web.api.routes import create_app
from sigill.web.http.authentication import (
    SCOPES,
    Certificates,
    Guard,
    Guards,
    Keys,
    Limits,
    NotConfigured,
    Tokens,
)
from sigill.web.http.protocol import is_loopback
from sigill.web.http.security import Attempts
from sigill.web.http.serving import Listener, WrongListener, api_listener, serving

DEVELOPMENT_ISSUER = "urn:sigill:development"
_DEVELOPMENT_SECONDS = 12 * 3600


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
    limits = Limits(
        Attempts(settings.api_account_questions, settings.api_account_questions),
        Attempts(settings.api_address_refusals, settings.api_address_refusals),
        settings.api_proxies,
    )
    return Guards(found, limits)


def _keys(settings: Settings, http: httpx.AsyncClient) -> Keys:
    if settings.api_jwks_file:
        return Keys.from_file(settings.api_jwks_file)
    if settings.api_jwks_url:
        if not settings.api_jwks_url.startswith("https://") and settings.environment == "production":
            raise NotConfigured("SIGILL_API_JWKS_URL must be https in production")
        return Keys.from_url(settings.api_jwks_url, http)
    raise NotConfigured("SIGILL_API_ISSUER needs SIGILL_API_JWKS_URL or SIGILL_API_JWKS_FILE")


def _development(settings: Settings, clock: Clock, say: Callable[[str], None]) -> Tokens:
    if settings.environment == "production" or not is_loopback(settings.api_host):
        raise NotConfigured(
            "SIGILL_API_DEVELOPMENT is for a loopback address only: set SIGILL_API_HOST to 127.0.0.1"
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


@contextlib.asynccontextmanager
async def application(
    settings: Settings, store: Store, rules: PolicyProvider, clock: Clock
) -> AsyncIterator[FastAPI]:
    """The API over an open store. Raises NotConfigured when nobody could prove who they are."""
    async with httpx.AsyncClient(timeout=5.0) as http:
        guards = guards_of(settings, clock, http)
        async with store.looking() as tx:
            await rules.context_for(tx, clock.now())
        async with DecisionService(
            store,
            rules,
            clock,
            instance=settings.instance,
            capacity=settings.api_copies,
            lanes=settings.api_lanes,
        ) as desk:
            yield create_app(desk, guards)


async def serve(
    settings: Settings,
    store: Store,
    rules: PolicyProvider,
    clock: Clock,
    stop: asyncio.Event,
    *,
    listening: Callable[[int], None] = lambda port: None,
) -> None:
    """
    Answer until `stop`. `listening` is told the port.

    Raises NotConfigured when nobody could prove who they are, before anything listens.
    """
    async with (
        application(settings, store, rules, clock) as app,
        serving(app, listener(settings), "http") as http,
    ):
        listening(http.port)
        tidying = asyncio.create_task(tidy())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({http.task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            tidying.cancel()
            await asyncio.gather(tidying, return_exceptions=True)


def listener(settings: Settings) -> Listener:
    """Return where the API listens. Raises NotConfigured."""
    try:
        return api_listener(settings)
    except WrongListener as error:
        raise NotConfigured(str(error)) from None
