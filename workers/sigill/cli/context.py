"""What the operators' commands share: an open store, who is at the keyboard, and asking before anything is undone."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import typer

from sigill.cli.common import may_see_protected, operator
from sigill.operations.phone_order import Sending
from sigill.operations.protected_identity import named_in
from sigill.runtime.clock import Clock, FileClock, SystemClock
from sigill.runtime.logging import configure_logging
from sigill.runtime.settings import Settings
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store import protection
from sigill.store.roles import may_act_as, open_as
from sigill.store.session import Pooled, Reading, Store, connection_options, passing
from sigill.stream.connection import BrokerDown, Connection, StreamStopped
from sigill.stream.producer import StreamProducer
from sigill_contracts.vocabulary import PersonId

T = TypeVar("T")


def clock_of(settings: Settings) -> Clock:
    """The clock that the workers go by."""
    return FileClock(settings.clock_file) if settings.clock_file else SystemClock()


@contextlib.asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[Store]:
    """The store as the operators' role sees it."""
    few = settings.model_copy(update={"database_pool_min": 1, "database_pool_max": 4})
    store = await open_as(few, "sigill_ops")
    assert store is not None  # without the role the user itself is taken
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def sending_of(settings: Settings) -> AsyncIterator[Sending]:
    """A producer to the brokers."""
    sending = Sending(StreamProducer(Connection.of(settings), send_timeout=settings.kafka_send_timeout))
    try:
        yield sending
    finally:
        await sending.stop()


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command; a database or broker that is down ends it with status 2 and one line. Logs go to stderr."""
    configure_logging(level="error")
    try:
        return asyncio.run(work())
    except (BrokerDown, StreamStopped) as error:
        print(f"the broker does not answer: {error}", file=sys.stderr)
    except Pooled as error:
        print(error, file=sys.stderr)
    except Exception as error:
        if not passing(error):
            raise
        print(
            f"the database that SIGILL_DATABASE_URL names does not answer ({type(error).__name__})",
            file=sys.stderr,
        )
    raise typer.Exit(2)


def agreed(question: str, yes: bool) -> None:
    """Ask before something that cannot be undone; without a terminal and `--yes` end at once with status 2."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        print(f"{question} There is no terminal to answer on: give --yes.", file=sys.stderr)
        raise typer.Exit(2)
    if not typer.confirm(question, err=True):
        print("Nothing was done.", file=sys.stderr)
        raise typer.Exit(1)


def told(value: object) -> None:
    """Print one JSON document."""
    print(json.dumps(value, default=_plain, ensure_ascii=False, indent=1))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


__all__ = ["agreed", "clock_of", "operator", "run", "sending_of", "store_of", "told"]


HIDDEN = "(protected)"
"""Stands for somebody with protected identity whom whoever runs the command may not be shown."""


async def hidden_people(tx: Reading, people: Iterable[PersonId | None]) -> frozenset[PersonId]:
    """Those of some people who have protected identity and whom whoever runs the command may not be shown."""
    if may_see_protected():
        return frozenset()
    return await protection.protected(tx, {person for person in people if person is not None})


async def refuse_hidden(
    store: Store, people: Iterable[PersonId | None] = (), texts: Iterable[str | bytes | None] = ()
) -> None:
    """End the process with one line when somebody of `people`, or named in `texts`, may not be shown."""
    async with store.reading() as tx:
        hidden = await hidden_people(tx, (*people, *await named_in(tx, texts)))
    if hidden:
        print(
            "hidden: somebody here has protected identity, and is shown only with the role for it",
            file=sys.stderr,
        )
        raise typer.Exit(1)


@asynccontextmanager
async def store_as(current: Settings, role: DatabaseRole) -> AsyncIterator[Store]:
    """
    Open the store as a role where the database's user may act as it, and as that user otherwise.

    Raises TooPowerful in production for sessions that could change history unseen.
    """
    conn = await asyncpg.connect(**connection_options(current, None))
    try:
        member = await may_act_as(Reading(conn), role)
    finally:
        await conn.close()
    few = current.model_copy(update={"database_pool_min": 1, "database_pool_max": 2})
    store = await Store.open(few, role=role if member else None)
    try:
        yield store
    finally:
        await store.close()
