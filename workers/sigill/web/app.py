"""
The program that people and systems ask: the console and the decision API, each on a port of its own with the probes.

`Ops` is a worker like the others: it opens its stores when it runs, serves until it is told to stop, and lets the
requests in hand finish.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sigill.operations.operator_signing import KeyFolder
from sigill.operations.phone_order import Sending
from sigill.operations.queue_figures import QueueWatch
from sigill.operations.rulebook_drafts import CountImpact, DraftTrial
from sigill.operations.worklist import Adapter, by_hand, carry_out
from sigill.policy.effects import Sentence
from sigill.policy.identity_numbers import NumberRules
from sigill.processing.citations import PolicyProvider
from sigill.processing.patient_keys import KeyRing
from sigill.runtime.clock import Clock, stopwatch
from sigill.runtime.health import Health, probes
from sigill.runtime.logging import plain_errors
from sigill.runtime.metrics import API_SECONDS, CLOCK_SKEW, Metrics
from sigill.runtime.settings import Settings
from sigill.runtime.tracing import Tracing
from sigill.store.roles import open_as
from sigill.store.session import Store, passing
from sigill.store.trouble import database_trouble
from sigill.stream.connection import Connection
from sigill.stream.partition_lag import PartitionLags
from sigill.stream.producer import StreamProducer
from sigill.web.api.server import application, listener
from sigill.web.console.context import GONE, ConsoleContext, desk_of
from sigill.web.console.login import Issuer, TrialLinks, trial_operators
from sigill.web.console.pages import (
    ahead,
    audit,
    cases,
    choices,
    dead_letters,
    diary,
    find,
    letters,
    lists,
    orders,
    person,
    phone,
    rules,
    statistics,
    units,
    workbench,
)
from sigill.web.console.pages import session as entry
from sigill.web.console.rendering import HERE, Pages
from sigill.web.console.sessions import Sessions
from sigill.web.http.protocol import is_loopback
from sigill.web.http.request_spans import with_spans
from sigill.web.http.security import SecurityHeaders
from sigill.web.http.serving import Serving, console_listener, serving

log = structlog.get_logger("sigill.ops")
CARRY_OUT_EVERY = 30.0
"""Seconds between two rounds of the work-list's adapters."""


class NoLogin(Exception):
    """Nobody could log in safely with these settings. The message says which one to set."""


class Static(StaticFiles):
    """Files that a browser may keep for an hour; their addresses carry the release."""

    def file_response(self, *args: object, **named: object) -> Response:
        """Serve a file."""
        answer = super().file_response(*args, **named)  # type: ignore[arg-type]
        answer.headers["Cache-Control"] = "public, max-age=3600"
        return answer


ROUTES: tuple[Route, ...] = (
    *entry.ROUTES,
    *orders.ROUTES,
    *person.ROUTES,
    *lists.ROUTES,
    *ahead.ROUTES,
    *statistics.ROUTES,
    *diary.ROUTES,
    *cases.ROUTES,
    *dead_letters.ROUTES,
    *units.ROUTES,
    *audit.ROUTES,
    *phone.ROUTES,
    *choices.ROUTES,
    *letters.ROUTES,
    *find.ROUTES,
    *workbench.ROUTES,
)
"""Every page and every form of the console but its page of rules, which something else may take the place of."""


def console_app(desk: ConsoleContext, rulebook_routes: Sequence[object] = ()) -> ASGIApp:
    """Return the console. `rulebook_routes` take the place of its own page of rules."""
    app = Starlette(
        routes=[
            *ROUTES,
            *(rulebook_routes or rules.ROUTES),  # type: ignore[list-item]
            Mount("/static", Static(directory=HERE / "static"), name="static"),
        ],
        exception_handlers={404: _missing, 405: _missing, ClientDisconnect: _gone, 500: _broken},
    )
    app.state.desk = desk
    return SecurityHeaders(app, https=desk.https)


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody hears it: the browser went away, or was too slow, before its request was here."""
    return Response(status_code=400)


async def _missing(request: Request, _: Exception) -> Response:
    desk = desk_of(request)
    session = await desk.session_of(request)
    return desk.sorry(request, session, 404, GONE)


async def _broken(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code < 500:
        return desk_of(request).sorry(request, None, error.status_code, _BROKEN)
    log.error("page failed", path=request.url.path, error=type(error).__name__)
    return desk_of(request).sorry(request, None, 500, _BROKEN)


_BROKEN = Sentence(
    "Något gick fel hos oss. Det är loggat.", "Something went wrong on our side. It is logged."
)


def with_probes(app: ASGIApp, health: Health, metrics: Metrics) -> ASGIApp:
    """
    Return an application with `/livez` and `/readyz` beside it.

    `/metrics` is served on the probes' own port only: it is nobody's business who reaches this one.
    """
    answers = probes(health, metrics)

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = answers if scope.get("path") in ("/livez", "/readyz") else app
        await chosen(scope, receive, send)

    return both


def measured(api: ASGIApp, metrics: Metrics) -> ASGIApp:
    """Return the decision API with its times measured."""

    async def timed(scope: Scope, receive: Receive, send: Send) -> None:
        await _measured(api, metrics, scope, receive, send)

    return timed


async def _measured(api: ASGIApp, metrics: Metrics, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, and measure what it took; a path may hold a patient's key, so only its kind is told."""
    began, status = stopwatch(), 500

    async def sending(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        await send(message)

    try:
        await api(scope, receive, sending)
    finally:
        kind = "decisions" if scope.get("path") == "/v1/access/decisions" else "other"
        metrics.observe(API_SECONDS, stopwatch() - began, operation=kind, status=f"{status // 100}xx")


def api_wanted(settings: Settings) -> bool:
    """Whether the settings say who may ask the decision API; without, the console is served alone."""
    return bool(settings.api_issuer or settings.api_clients or settings.api_development)


@contextlib.asynccontextmanager
async def decision_api(settings: Settings, rules: PolicyProvider, clock: Clock) -> AsyncIterator[ASGIApp]:
    """
    The decision API over a store and a desk of its own, as the readers' role. For `Ops.api`, where `api_wanted`.

    Raises NotConfigured when nobody could prove who they are.
    """
    store = await open_as(settings, "sigill_reader", keep_plans=True)
    assert store is not None  # without the role the user itself is taken
    try:
        async with application(settings, store, rules, clock) as app:
            yield app
    finally:
        await store.close()


@dataclass(slots=True)
class OpsWorker:
    """
    The worker. `api` makes the decision API over a context of its own; None: it is not served here.

    `adapters` are the national systems of the work-list. `said` hears the trial's one-time links.
    """

    settings: Settings
    rules: PolicyProvider
    keys: KeyRing
    clock: Clock
    metrics: Metrics
    health: Health
    connection: Connection
    api: Callable[[], contextlib.AbstractAsyncContextManager[ASGIApp]] | None = None
    adapters: Sequence[Adapter] = field(default_factory=by_hand)
    said: Callable[[str], None] = field(default_factory=lambda: _on_stderr)
    rulebook_routes: Sequence[object] = ()
    impact: CountImpact | None = None
    """Counts whom a draft of a rulebook would touch."""
    tracing: Tracing = field(default_factory=Tracing)
    name: str = "ops"
    port: int | None = None
    """The console's port, once it listens."""
    api_port: int | None = None
    """The decision API's."""

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop. Raises NoLogin or NotConfigured before anything is connected."""
        check_login(self.settings)
        if self.api is not None:
            listener(self.settings)
        async with contextlib.AsyncExitStack() as stack:
            async with database_trouble():
                desk = await stack.enter_async_context(self.desk())
                api = await stack.enter_async_context(self.api()) if self.api is not None else None
            await stack.enter_async_context(desk.watch.running())
            stack.push_async_callback(_ended, asyncio.create_task(self._carry_out(desk.store)))
            pages = with_spans(console_app(desk, self.rulebook_routes), self.tracing)
            console = with_probes(pages, self.health, self.metrics)
            servers = [
                await stack.enter_async_context(serving(console, console_listener(self.settings), "console"))
            ]
            self.port = servers[0].port
            if api is not None:
                answers = with_spans(measured(api, self.metrics), self.tracing)
                whole = with_probes(answers, self.health, self.metrics)
                servers.append(
                    await stack.enter_async_context(serving(whole, listener(self.settings), "api"))
                )
                self.api_port = servers[1].port
            self._say_links(desk)
            log.info(
                "listening",
                console=self.port,
                api=self.api_port,
                login="oidc" if desk.issuer else "one-time link",
            )
            await self._until(stop, servers)

    @contextlib.asynccontextmanager
    async def desk(self) -> AsyncIterator[ConsoleContext]:
        """Open what the console needs, and close it afterwards."""
        settings = self.settings
        async with contextlib.AsyncExitStack() as stack:
            store = await open_as(settings, "sigill_ops")
            assert store is not None  # without the role the user itself is taken
            stack.push_async_callback(store.close)
            async with store.reading() as tx:
                await self.rules.context_for(tx, self.clock.now())
            few = settings.model_copy(update={"database_pool_min": 1, "database_pool_max": 2})
            auditors = await open_as(few, "sigill_auditor", or_nobody=True)
            if auditors is not None:
                stack.push_async_callback(auditors.close)
            sending = Sending(StreamProducer(self.connection, send_timeout=settings.kafka_send_timeout))
            stack.push_async_callback(sending.stop)
            yield self.desk_over(store, auditors, sending)

    def desk_over(self, store: Store, auditors: Store | None, sending: Sending) -> ConsoleContext:
        """The console's parts over open stores."""
        settings, secret = self.settings, session_secret(self.settings)
        https = (settings.console_url or "").startswith("https://")
        password = settings.operator_key_password
        redirect = f"{(settings.console_url or '').rstrip('/')}/login/back"
        return ConsoleContext(
            store=store,
            auditors=auditors,
            settings=settings,
            clock=self.clock,
            rules=self.rules,
            books=self.rules.books,
            citations=self.rules.citations,
            keys=self.keys,
            numbers=NumberRules(settings.reserve_numbers, settings.test_numbers),
            sessions=Sessions(
                store, self.clock, secret, idle=settings.session_idle, longest=settings.session_longest
            ),
            pages=Pages(),
            watch=QueueWatch(
                store,
                PartitionLags(self.connection),
                settings,
                self.clock,
                self.metrics,
                self.health,
                self.rules.books.sources,
            ),
            sending=sending,
            signers=None
            if settings.operator_keys is None
            else KeyFolder(settings.operator_keys, password.get_secret_value() if password else None),
            issuer=Issuer(settings, redirect, lambda ahead: self.metrics.set(CLOCK_SKEW, ahead, of="issuer"))
            if settings.oidc_issuer
            else None,
            links=None
            if settings.oidc_issuer
            else TrialLinks(self.clock.now(), anywhere=settings.console_trial_links),
            https=https,
            cookie_secret=secret,
            trial=DraftTrial(settings.rulebooks, settings.stories),
            impact=self.impact,
        )

    async def _until(self, stop: asyncio.Event, servers: Sequence[Serving]) -> None:
        """Return when told to stop, or when a server has ended."""
        told = asyncio.create_task(stop.wait())
        waited: set[asyncio.Task[Any]] = {told, *(server.task for server in servers)}
        try:
            while not any(task.done() for task in waited):
                self.health.tick(self.name)
                await asyncio.wait(waited, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()

    def _say_links(self, desk: ConsoleContext) -> None:
        if desk.links is None:
            return
        here = self.settings.console_url or f"http://{_shown(self.settings.console_host)}:{self.port}"
        for operator in trial_operators():
            link = desk.links.draw(operator)
            self.said(f"{operator.name}: {here.rstrip('/')}/login/once?link={link}")

    async def _carry_out(self, store: Store) -> None:
        while True:
            try:
                await carry_out(store, self.clock, self.adapters)
            except Exception as error:
                if not passing(error):
                    raise
                log.warning("work-list not looked at", error=type(error).__name__)
            await asyncio.sleep(CARRY_OUT_EVERY)


def check_login(settings: Settings) -> None:
    """Raises NoLogin when the settings would let nobody in, or the wrong ones."""
    if settings.oidc_issuer:
        for name in ("oidc_client_id", "session_secret", "console_url"):
            if getattr(settings, name) is None:
                raise NoLogin(f"SIGILL_{name.upper()}: needed with SIGILL_OIDC_ISSUER")
        if settings.environment == "production":
            for name in ("console_url", "oidc_issuer"):
                if not (getattr(settings, name) or "").startswith("https://"):
                    raise NoLogin(f"SIGILL_{name.upper()}: must be https in production")
        return
    if settings.environment == "production":
        raise NoLogin("SIGILL_OIDC_ISSUER: needed in production; one-time links are for trials")
    if not (settings.console_trial_links or is_loopback(settings.console_host)):
        raise NoLogin(
            "SIGILL_CONSOLE_HOST: one-time links are given out on a loopback address only, or with "
            "SIGILL_CONSOLE_TRIAL_LINKS where a container's port is published on this machine alone"
        )


def session_secret(settings: Settings) -> str:
    """The secret of the cookies; for a trial one that dies with the process. There is no default."""
    given = settings.session_secret
    return given.get_secret_value() if given is not None else secrets.token_urlsafe(48)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _on_stderr(line: str) -> None:
    out = plain_errors()
    out.write(f"one-time link for {line}\n")
    out.flush()


__all__ = [
    "NoLogin",
    "OpsWorker",
    "api_wanted",
    "check_login",
    "console_app",
    "decision_api",
    "measured",
    "session_secret",
    "with_probes",
]
