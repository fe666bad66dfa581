"""
Events on their way out. Column names are those of Debezium's outbox router; only our relay reads it.

Guarantee: an event is there exactly when the change it tells of is. Rows are read without a position cursor (what is
unpublished, by shard), so that neither a gap in the numbers nor a late commit loses one. Ids are drawn under the
person's lock, so that their order is the order of commits for each key. Left over: after a crash an event may be
published again; consumers drop it by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Self
from uuid import UUID
from zlib import crc32

import asyncpg
from pydantic_core import from_json, to_json

from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Store, Tx
from sigill_contracts.vocabulary import PersonId

_SQL = queries("outbox")
SHARDS = 16
"""How many relays can work side by side. A changed number needs an empty outbox."""

_WRITTEN = "sigill_outbox"
"""The channel on which the database says that events were written (trigger `wake`)."""

ANY_SIZE = 2**31 - 1
"""Bytes; no body has more."""

_COLUMNS = tuple("event_id aggregatetype aggregateid type payload headers shard created_at".split())

Headers = tuple[tuple[str, bytes | None], ...]


class NotHeld(Exception):
    """An event about a person whom this transaction does not serialise: its place in the order is not sure."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """
    An event. `aggregatetype` is the topic, `aggregateid` the record key, `payload` None a tombstone.

    `person` is whom it is about; it must be locked. None for what is about nobody (checkpoints, dead letters).
    """

    event_id: UUID
    aggregatetype: str
    aggregateid: str
    type: str
    payload: bytes | None
    headers: Headers = ()
    person: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Unpublished:
    """An event to publish; `id` orders it among those of its key."""

    id: int
    event_id: UUID
    aggregatetype: str
    aggregateid: str
    type: str
    payload: bytes | None
    headers: Headers
    shard: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """How many events wait, since when (UTC) the oldest does, and how many are larger than was asked for."""

    pending: int
    oldest: datetime | None
    too_large: int = 0


@dataclass(frozen=True, slots=True)
class TooLarge:
    """An event that waits and is too large to be sent; `bytes` is its body's size."""

    id: int
    event_id: UUID
    aggregatetype: str
    bytes: int


def shard_of(key: str) -> int:
    """Return the shard of a record key."""
    return crc32(key.encode()) % SHARDS


async def append(tx: Tx, events: Sequence[OutboxRow]) -> None:
    """Add events in this order. Raises NotHeld for an event about a person who is not locked."""
    if not events:
        return
    if loose := {event.person for event in events if event.person is not None} - tx.held.keys():
        raise NotHeld(f"{len(loose)} persons are not locked")
    await tx.copy(
        "outbox",
        _COLUMNS,
        [
            (
                event.event_id,
                event.aggregatetype,
                event.aggregateid,
                event.type,
                event.payload,
                pack_headers(event.headers),
                shard_of(event.aggregateid),
                tx.now,
            )
            for event in events
        ],
    )


async def unpublished(
    tx: Reading,
    shards: Iterable[int],
    limit: int,
    *,
    each: int | None = None,
    largest: int = ANY_SIZE,
    together: int = ANY_SIZE,
    without: Iterable[int] = (),
) -> list[Unpublished]:
    """
    Return the lowest unpublished events of the shards, in the order to publish them; of one shard at most `each`.

    Events whose body has more than `largest` bytes, and those numbered `without`, are left out. All bodies come to at most
    `together` bytes, or to more by one event.
    """
    rows = await tx.fetch(
        _SQL["unpublished"], sorted(shards), limit, each or limit, largest, together, sorted(without)
    )
    return [_event(row) for row in rows]


async def too_large(tx: Reading, largest: int, limit: int) -> list[TooLarge]:
    """Return events that wait and whose body has more than `largest` bytes, the oldest first."""
    rows = await tx.fetch(_SQL["too_large"], largest, limit)
    return [TooLarge(row["id"], row["event_id"], row["aggregatetype"], row["bytes"]) for row in rows]


async def mark(tx: Tx, ids: Iterable[int]) -> int:
    """Mark events as published now; return how many were not yet."""
    ordered = sorted(ids)
    if not ordered:
        return 0
    return await tx.run(_SQL["mark"], ordered, tx.now, ordered[0], ordered[-1])


async def again(tx: Tx, topic: str, keys: Iterable[str], since: int) -> set[str]:
    """
    Have the newest event of each key, of those numbered from `since` on, published once more.

    Returns the keys for which it will be; for the others it is under way just now.
    """
    rows = await tx.fetch(_SQL["again"], topic, sorted(keys), since)
    return {row["aggregateid"] for row in rows}


async def published(
    tx: Reading,
    topics: Iterable[str],
    since: datetime,
    until: datetime,
    *,
    keys: Iterable[str] | None = None,
    behind: int = 0,
    limit: int,
) -> list[Unpublished]:
    """
    Return events that were published and written from `since` (inclusive) to `until` (exclusive; UTC), lowest id first.

    Only those with an id above `behind`; none that is a copy made by `republish`. `keys` None: of every key.
    """
    wanted = None if keys is None else sorted(keys)
    rows = await tx.fetch(_SQL["published"], sorted(topics), since, until, wanted, behind, limit)
    return [_event(row) for row in rows]


async def newest(tx: Reading, topic: str, keys: Iterable[str]) -> dict[str, tuple[int, datetime]]:
    """Return the id of each key's newest event of a topic, published or not, and when (UTC) it was written."""
    rows = await tx.fetch(_SQL["newest"], topic, sorted(set(keys)))
    return {row["aggregateid"]: (row["id"], row["created_at"]) for row in rows}


async def republish(tx: Tx, ids: Iterable[int]) -> int:
    """
    Have published events published again, in their order and behind all that waits; return how many will be.

    Each keeps its id, body and headers, and bears `ce_republished` beside them. Hold the patients' locks: what is written
    about them later is then published later, too.
    """
    ordered = sorted(ids)
    return int(await tx.value(_SQL["republish"], ordered, tx.now)) if ordered else 0


async def oldest(tx: Reading) -> datetime | None:
    """Return when (UTC) the oldest event that is still kept was written; None without any."""
    found: datetime | None = await tx.value(_SQL["oldest"])
    return found


async def stats(tx: Reading, largest: int = ANY_SIZE) -> OutboxStats:
    """Return how many events wait, since when, and how many of them have a body of more than `largest` bytes."""
    row = (await tx.fetch(_SQL["stats"], largest))[0]
    return OutboxStats(row["pending"], row["oldest"], row["too_large"])


async def extend(tx: Tx) -> int:
    """Make partitions ahead, for the events of some minutes; return how many. Call it every minute."""
    return int(await tx.value(_SQL["extend"]))


async def rotate(tx: Tx, keep_from: datetime) -> int:
    """Let go of what was published before `keep_from` (UTC); return the rows that went."""
    return int(await tx.value(_SQL["rotate"], keep_from))


async def published_before(tx: Reading, before: datetime) -> int:
    """Return how many events were published before a moment (UTC) and are still kept."""
    return int(await tx.value(_SQL["published_before"], before))


class Shards:
    """
    The shards that this relay works on, held by locks of a dedicated connection: one relay a shard.

    Relays share evenly and find each other through the database alone. When the connection dies the shards are
    free at once; a relay that has not noticed yet publishes its last batch again at most.
    """

    def __init__(self, conn: asyncpg.Connection[asyncpg.Record]) -> None:
        self._conn = conn
        self._seat: str | None = None
        self._held: set[int] = set()

    @classmethod
    async def open(cls, store: Store, on_events: Callable[[], None] | None = None) -> Self:
        """Take a seat among the relays. `on_events` is called after each commit that wrote events, of any shard."""
        conn = await store.dedicated()
        if on_events is not None:
            await conn.add_listener(_WRITTEN, lambda *_: on_events())
        return cls(conn)

    @property
    def held(self) -> tuple[int, ...]:
        """The shards held now."""
        return tuple(sorted(self._held))

    async def balance(self) -> tuple[int, ...]:
        """
        Take free shards up to the fair share and give back what is above it; return those held.

        Call it between batches, every second or so: never while events of a shard are under way. Raises what
        `session.passing` knows when the connection is gone: then open anew.
        """
        seats = [f"relay-seat:{number}" for number in range(SHARDS)]
        if self._seat is None:
            for seat in seats:
                if await self._try_lock(seat):
                    self._seat = seat
                    break
            else:
                return ()
        relays = max(1, int(await self._conn.fetchval(_SQL["count_locked"], seats)))
        share = -(-SHARDS // relays)
        for shard in sorted(self._held, reverse=True)[: max(0, len(self._held) - share)]:
            await self._conn.fetchval(_SQL["unlock"], f"relay-shard:{shard}")
            self._held.discard(shard)
        offset = seats.index(self._seat) * share
        for step in range(SHARDS):
            shard = (offset + step) % SHARDS
            if len(self._held) >= share:
                break
            if shard not in self._held and await self._try_lock(f"relay-shard:{shard}"):
                self._held.add(shard)
        return self.held

    async def close(self) -> None:
        """Give everything back."""
        self._held.clear()
        await self._conn.close(timeout=5)

    async def _try_lock(self, name: str) -> bool:
        return bool(await self._conn.fetchval(_SQL["try_lock"], name))


def pack_headers(headers: Headers) -> str:
    """Write headers as JSON, in order: what can be printed as text, all else as hexadecimal, a name as well as a value."""
    return to_json([[_pack_name(name), _pack(value)] for name, value in headers]).decode()


def unpack_headers(text: str) -> Headers:
    """Read headers as `pack_headers` wrote them."""
    return tuple(
        [
            (
                name if type(name) is str else _unpack_name(name),
                value.encode("ascii") if type(value) is str else _unpack(value),
            )
            for name, value in from_json(text)
        ]
    )


@lru_cache(maxsize=256)
def _pack_name(name: str) -> object:
    # jsonb takes neither U+0000 nor half a surrogate pair, and anybody may put either into a name
    return name if name.isprintable() else {"hex": name.encode("utf-8", "surrogateescape").hex()}


def _unpack_name(packed: Any) -> str:
    return bytes.fromhex(packed["hex"]).decode("utf-8", "surrogateescape")


def _pack(value: bytes | None) -> object:
    if value is None:
        return None
    if value.isascii() and (text := value.decode("ascii")).isprintable():
        return text
    return {"hex": value.hex()}


def _unpack(value: Any) -> bytes | None:
    return None if value is None else bytes.fromhex(value["hex"])


def _event(row: Row) -> Unpublished:
    return Unpublished(
        id=row["id"],
        event_id=row["event_id"],
        aggregatetype=row["aggregatetype"],
        aggregateid=row["aggregateid"],
        type=row["type"],
        payload=row["payload"],
        headers=unpack_headers(row["headers"]),
        shard=row["shard"],
        created_at=row["created_at"],
    )
