"""
What a question about access looks up each time: whose the numbers are now, and a stamp of what is written about whom.

Guarantee: as long as a person's stamp is the same, every row about that person is the same, since history is only
ever added to and an erasure takes all of a person's versions at once. So a copy in memory with the stamps of everybody
it was made from is as good as the rows, at the moment at which the stamps were read. Left over: nothing is said of
anything that commits later.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sigill.policy.facts import Identity
from sigill.store.queries import queries
from sigill.store.session import Connection, KeptPlans, Reading, Tx
from sigill.store.values import ID_TYPE_NUMBER, person_of, surrogates
from sigill_contracts.vocabulary import PersonId, RegionCode, UnitId

_SQL = queries("decisions")

Stamp = tuple[int, int, int, int]
"""How many versions, numbers, merges and versions of measures are written about a person."""
NOTHING: Stamp = (0, 0, 0, 0)
"""The stamp of somebody about whom nothing is written, or nothing any more."""


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """What one snapshot showed. Unknown numbers, keys and units are missing."""

    numbers: Mapping[Identity, PersonId]
    keys: Mapping[str, PersonId]
    stamps: Mapping[PersonId, Stamp]
    regions: Mapping[UnitId, RegionCode]


class Source(Protocol):
    """Where to look: a store, or one connection that is kept."""

    def looking(self) -> AbstractAsyncContextManager[Reading]:
        """For a single statement."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """A snapshot."""
        ...


class PinnedConnection:
    """One connection that is kept, for many short transactions one after the other."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._plans = KeptPlans()

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Reading]:
        """For a single statement, which is a snapshot of its own."""
        await self._plans.renew(self._conn)
        yield Reading(self._conn)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot (REPEATABLE READ, READ ONLY)."""
        await self._plans.renew(self._conn)
        async with self._conn.transaction(isolation="repeatable_read", readonly=True):
            yield Reading(self._conn)

    def at_once(self, now: datetime) -> Tx:
        """For one writing statement, which is durable when it returns: it is a transaction of its own."""
        return Tx(self._conn, now)


async def look(
    tx: Reading,
    identities: Sequence[Identity],
    keys: Sequence[str],
    persons: Iterable[PersonId],
    units: Sequence[UnitId] = (),
) -> SnapshotFacts:
    """Look up numbers, keys, stamps and units' regions in one statement, so in one snapshot."""
    rows = await tx.fetch(
        _SQL["look"],
        [identity.number for identity in identities],
        [ID_TYPE_NUMBER[identity.id_type] for identity in identities],
        keys,
        surrogates(persons),
        units,
    )
    numbers: dict[Identity, PersonId] = {}
    by_key: dict[str, PersonId] = {}
    stamps: dict[PersonId, Stamp] = {}
    regions: dict[UnitId, RegionCode] = {}
    for what, place, number, versions, known_numbers, merges, measures, region in rows:
        if what == "s":
            stamps[person_of(number)] = (versions, known_numbers, merges, measures)
        elif what == "n":
            numbers[identities[place - 1]] = person_of(number)
        elif what == "k":
            by_key[keys[place - 1]] = person_of(number)
        else:
            regions[units[place - 1]] = RegionCode(region)
    return SnapshotFacts(numbers, by_key, stamps, regions)
