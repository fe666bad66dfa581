"""
Sources whose messages could not be read, one after the other: their opening orders wait until an operator has looked.

A hold is the worker's to begin and an operator's to end; while one stands there is no second of the same source.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of
from sigill_contracts.vocabulary import PersonId

_SQL = queries("holds")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Hold:
    """
    A source of a topic that is held; `unreadable` messages of it led to that. Times are UTC.

    The empty source is that of messages that named none: it holds nobody's orders, and is there to be looked at.
    """

    hold_id: int
    topic: str
    source: str
    unreadable: int
    held_at: datetime


def known_as(source: str) -> str:
    """Return a source as holds write it: without U+0000, which the database does not take, and not without end."""
    return source.replace("\x00", "\ufffd")[:LONGEST]


async def hold(tx: Tx, over: Mapping[tuple[str, str], int]) -> list[Hold]:
    """Hold sources, given as (topic, source) with how many messages; return the holds that are new."""
    rows = await tx.fetch(
        _SQL["hold"],
        [topic for topic, _ in over],
        [source for _, source in over],
        list(over.values()),
        tx.now,
    )
    return [_hold(row) for row in rows]


async def held(tx: Reading, topic: str, sources: Iterable[str]) -> set[str]:
    """Return those of the sources that are held on a topic."""
    asked = sorted(set(sources))
    return {row["source"] for row in await tx.fetch(_SQL["held"], topic, asked)} if asked else set()


async def standing(tx: Reading) -> list[Hold]:
    """Return all holds that stand, oldest first."""
    return [_hold(row) for row in await tx.fetch(_SQL["standing"])]


async def end(tx: Tx, hold_id: int, operator: str, reason: str) -> Hold | None:
    """End a hold; None when it does not stand (any more)."""
    rows = await tx.fetch(_SQL["end"], hold_id, tx.now, operator, reason)
    return _hold(rows[0]) if rows else None


async def waiting_people(tx: Reading, source: str, code: str) -> list[PersonId]:
    """Return the patients of a source's orders that wait for `code`."""
    rows = await tx.fetch(_SQL["waiting_people"], source, code, LONGEST)
    return [person_of(row["person_id"]) for row in rows]


def _hold(row: Row) -> Hold:
    return Hold(row["hold_id"], row["topic"], row["source"], row["unreadable"], row["held_at"])
