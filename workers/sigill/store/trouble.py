"""Trouble of the database by a name that a supervisor waits out, wherever a worker uses its store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sigill.store.session import passing, unfinished


class DatabaseDown(Exception):
    """The database cannot be reached, or gave up on the work: worth trying again."""


class StatementsUnfinished(DatabaseDown):
    """The database answers, but a lock or a statement took longer than it may: worth trying again."""


@asynccontextmanager
async def database_trouble() -> AsyncIterator[None]:
    """
    Call trouble of the database by its name, which the worker's supervisor waits out: `DatabaseDown`, or of these
    `StatementsUnfinished` while it answers and somebody holds a lock.

    Whatever uses the store outside it ends the process when the database is away. It holds no more than that use:
    files and sockets raise the same errors, and theirs are not the database's.
    """
    try:
        yield
    except Exception as error:
        if passing(error):
            kind = StatementsUnfinished if unfinished(error) else DatabaseDown
            raise kind(type(error).__name__) from error
        raise
