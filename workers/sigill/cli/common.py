"""What commands share: settings that say what is wrong in one line each, and the rulebooks."""

import os
import socket
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import typer

from sigill.operations.identity import NotIdentified, account_of, operator_of, sees_protected_identity
from sigill.policy.calendar import swedish_date
from sigill.policy.rulebook import RulebookError, Rulebooks
from sigill.rulebook_docs import files
from sigill.runtime.clock import SystemClock
from sigill.runtime.settings import Settings, settings_or_exit

T = TypeVar("T")

RULEBOOKS = files.SHIPPED


def settings() -> Settings:
    """The settings of this process; ends it with one line for each wrong one."""
    return settings_or_exit()


def operator() -> str:
    """Whoever runs the command, as the audit chain and the access log name them; ends the process when nobody knows."""
    return _of_whoever_runs_it(operator_of)


def may_see_protected() -> bool:
    """Whether whoever runs the command may be shown who has protected identity; ends the process when nobody knows."""
    return _of_whoever_runs_it(sees_protected_identity)


def _of_whoever_runs_it(ask: Callable[[Settings], T]) -> T:
    try:
        return ask(settings())
    except NotIdentified as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def day_or_today(on: datetime | None) -> date:
    """The date that an option gives, or today's Swedish date."""
    return on.date() if on else swedish_date(SystemClock().now())


def account() -> str:
    """The account that a job runs under, by the kernel's user id; for what a clock starts and no person does."""
    return account_of(os.getuid())


def on_behalf(reason: str, by: str | None) -> str:
    """A reason that also says for whom the operator reads. It never takes the operator's own place."""
    return reason if by is None else f"{reason} (for {by})"


def uuid_of(text: str) -> str:
    """An id as it was typed, in its canonical form; ends the process with one line for anything else."""
    try:
        return str(UUID(text))
    except ValueError:
        print(f"{text[:60]!r} is no id: a UUID has 32 hexadecimal digits", file=sys.stderr)
        raise typer.Exit(2) from None


def trouble(error: BaseException) -> str | None:
    """
    What is wrong in one line, where the fault lies outside the program: a file, the database, a broker; else None.

    Never holds what a file or a row contains.
    """
    import asyncpg

    from sigill.embedded import BrokerUnavailable, PostgresUnavailable
    from sigill.stream.connection import BrokerDown, StreamStopped

    match error:
        case BrokerUnavailable() | PostgresUnavailable():
            return str(error)
        case BrokerDown() | StreamStopped():
            return f"the broker does not do it: {error or type(error).__name__}"
        case OSError(filename=str() | bytes() | os.PathLike()):
            return f"{error.filename!s}: {error.strerror}"
        case asyncpg.UndefinedTableError() | asyncpg.InvalidSchemaNameError():
            return "the database has no such schema yet: run `sigill migrate`"
        case asyncpg.PostgresError() | asyncpg.InterfaceError():
            return f"the database: {type(error).__name__}: {_first_line(error)}"
        case ConnectionError() | TimeoutError() | socket.gaierror():
            return f"no answer from the database or another server: {_first_line(error)}"
    if type(error).__module__.startswith("aiokafka"):
        return f"the broker does not do it: {type(error).__name__}"
    return None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def rulebooks(folder: Path | None = None) -> Rulebooks:
    """The regions' rules, of `SIGILL_RULEBOOKS` where set; ends the process when one cannot be read."""
    place = folder or Path(os.environ.get("SIGILL_RULEBOOKS") or RULEBOOKS)
    try:
        books, taken = files.load(place)
    except RulebookError as error:
        print(f"rulebooks: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if taken is not None:
        print(f"{place}: {taken}", file=sys.stderr)
    return books
