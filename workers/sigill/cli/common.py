"""What commands share: settings that say what is wrong in one line each, and the rulebooks."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn, TypeVar
from uuid import UUID

import typer

from sigill.operations.identity import (
    NotIdentified,
    account_of,
    bound_by_file,
    operator_of,
    sees_protected_identity,
)
from sigill.policy.calendar import swedish_date
from sigill.policy.rulebook import RulebookError, Rulebooks
from sigill.processing.citations import PolicyProvider
from sigill.rulebook_docs import files
from sigill.runtime.clock import SystemClock
from sigill.runtime.settings import Settings, settings_or_exit
from sigill.store import units
from sigill.store.console import EVERYTHING, Binding
from sigill.store.session import Reading
from sigill_contracts.vocabulary import RegionCode

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


@dataclass(frozen=True, slots=True)
class NamedBinding:
    """
    What the operators' file binds somebody to, as it names it.

    It compares nothing by itself: what is within it depends on the day, since a unit answers for those that it succeeded.
    """

    regions: frozenset[str] | None
    units: frozenset[str] | None

    async def on(self, tx: Reading, day: date) -> Binding:
        """The binding on a Swedish date, with the units that its own have succeeded by then (X-07)."""
        return await units.binding_on(tx, Binding(self.regions, self.units), day)


def bound(region: str | None = None) -> NamedBinding:
    """
    What whoever runs the command is bound to, in `region` alone where it is given.

    Ends the process when nobody knows who that is, or when the region is outside.
    """
    mine = _of_whoever_runs_it(bound_by_file)
    if region is None:
        return NamedBinding(mine.regions, mine.units)
    if mine.regions is not None and region not in mine.regions:
        refuse_outside()
    return NamedBinding(frozenset({region}), mine.units)


def bound_region(region: str | None) -> RegionCode | None:
    """
    The region of figures that stand for whole regions; None: all of them.

    Ends the process for whoever is bound to units, since no figure is theirs alone, or to several regions and names none.
    """
    mine = bound(region)
    if mine.units is not None:
        print("outside: this stands for whole regions, and your account is bound to units", file=sys.stderr)
        raise typer.Exit(1)
    if mine.regions is None:
        return None
    if len(mine.regions) > 1:
        print(f"--region: give one of yours: {', '.join(sorted(mine.regions))}", file=sys.stderr)
        raise typer.Exit(2)
    return RegionCode(min(mine.regions))


def refuse_outside() -> NoReturn:
    """End the process: what was asked for belongs to others than whoever runs the command is bound to."""
    print("outside: it belongs to regions or units that your account is not bound to", file=sys.stderr)
    raise typer.Exit(1)


def refuse_whoever_is_bound(command: str) -> None:
    """End the process when whoever runs a command is bound, and the command shows or changes what is anybody's."""
    try:
        mine = bound_by_file(settings())
    except NotIdentified:
        return  # the command says so itself where it asks who runs it
    if mine != EVERYTHING:
        print(
            f"outside: `sigill {command}` knows no regions or units, and your account is bound to some; use the console",
            file=sys.stderr,
        )
        raise typer.Exit(1)


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
    from sigill.processing.released_rules import NoRulebooks
    from sigill.stream.connection import BrokerDown, StreamStopped

    match error:
        case BrokerUnavailable() | PostgresUnavailable() | NoRulebooks():
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
    """
    The regions' rules: of a folder, of the database where `SIGILL_RULEBOOK_SOURCE` says `store`, or of `SIGILL_RULEBOOKS`.

    Ends the process with one line when they cannot be read.
    """
    if folder in (None, RULEBOOKS) and os.environ.get("SIGILL_RULEBOOK_SOURCE") == "store":
        return _stored_rulebooks(settings())
    place = folder or Path(os.environ.get("SIGILL_RULEBOOKS") or RULEBOOKS)
    try:
        books, taken = files.load(place)
    except RulebookError as error:
        print(f"rulebooks: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if taken is not None:
        print(f"{place}: {taken}", file=sys.stderr)
    return books


def policy_provider() -> PolicyProvider:
    """Where the settings say that rules come from; ends the process with one line when a file of them cannot be read."""
    from sigill.bootstrap import rules_of
    from sigill.runtime.metrics import Metrics

    current = settings()
    books = None if current.rulebook_source == "store" else rulebooks()
    return rules_of(current, Metrics(), books)


def _stored_rulebooks(current: Settings) -> Rulebooks:
    from sigill.processing.released_rules import loaded
    from sigill.store.rulebooks import history
    from sigill.store.session import Store

    async def read() -> Rulebooks:
        few = current.model_copy(update={"database_pool_min": 1, "database_pool_max": 1})
        store = await Store.open(few)
        try:
            async with store.reading() as tx:
                return loaded(await history(tx)).books
        finally:
            await store.close()

    with ThreadPoolExecutor(1) as aside:  # a command that runs a loop already may ask too
        return aside.submit(asyncio.run, read()).result()
