"""
Who looked at whom: operator or client, unit, patient, time, reason, and what was shown.

HSLF-FS 2016:40, 4 kap. 9 §, asks for these; kept five years at least; PDL 8 kap. 5 § gives the patient the extract.
This log alone names people. Each batch leaves its digests in an audit chain, so that a changed or removed line shows.
"""

import hashlib
import json
import secrets
from bisect import bisect_right
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from asyncpg import exceptions as pg

from sigill.store import audit, persons
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of, surrogates
from sigill_contracts.vocabulary import PersonId

_SQL = queries("access_log")
_LOOKED = "looked"
_PURGED = "access_log_purged"
_MADE_ANEW = (
    pg.SyntaxOrAccessError,
    pg.ObjectNotInPrerequisiteStateError,
    pg.IntegrityConstraintViolationError,
)
"""What a look on its way is told when a migration has put another table under its statement."""
LOOKS = "access-log-console"
"""The audit chain of what operators look at, in the console and by commands."""
REVIEW = "review of the access log"
"""What a line says was shown when somebody reviewed who looked: a review does not list the reviews."""


@dataclass(frozen=True, slots=True)
class AccessLogEntry:
    """
    One look at one patient. `actor` is an operator's or a client's name, `unit` the care unit or office.

    `reason` as given by who looked; `shown` says what was shown or done, in words of ours.
    """

    actor: str
    unit: str | None
    patient: PersonId
    reason: str
    shown: str


@dataclass(frozen=True, slots=True)
class LoggedAccess:
    """A look as it stands in the log; `at` is UTC."""

    look_id: int
    at: datetime
    look: AccessLogEntry


@dataclass(frozen=True, slots=True)
class ReviewedLooks:
    """
    All looks of one actor, from one unit, at one patient in a time; `first` and `last` are UTC.

    `without_order`: how many of them have no proven order about the patient near them. `protected`: the patient had
    protected identity (skyddade personuppgifter) at one of them.
    """

    actor: str
    unit: str | None
    patient: PersonId
    looks: int
    first: datetime
    last: datetime
    without_order: int
    protected: bool


@dataclass(frozen=True, slots=True, order=True)
class AccessLogFault:
    """A line of the log that was changed, removed or inserted."""

    look_id: int
    kind: str


UnitsOf = tuple[list[str] | None, list[str] | None]
"""Regions and units (HSA-ids) at which whoever looked worked; None: any. What the directory knows no region of is in none."""
ANYWHERE: UnitsOf = (None, None)


async def append(tx: Tx, looks: Sequence[AccessLogEntry], *, chain: str = "access-log") -> None:
    """
    Log looks at `tx.now`, and their digests in `chain`: one a process, since it is locked until the end.

    One statement and one round trip: outside a transaction it is one of its own; within one it has a savepoint. Once more
    where a migration has made the log anew while the statement waited for it.
    """
    if not looks:
        return
    try:
        await _append(tx, looks, chain)
    except _MADE_ANEW:
        await _append(tx, looks, chain)


async def _append(tx: Tx, looks: Sequence[AccessLogEntry], chain: str) -> None:
    if tx.conn.is_in_transaction():
        async with tx.conn.transaction():
            await _write(tx, looks, chain)
    else:
        await _write(tx, looks, chain)


async def _write(tx: Tx, looks: Sequence[AccessLogEntry], chain: str) -> None:
    salts = [secrets.token_bytes(16) for _ in looks]
    await tx.fetch(
        _SQL["append"],
        tx.now,
        chain,
        [look.actor for look in looks],
        [look.unit for look in looks],
        [int(look.patient) for look in looks],
        [look.reason for look in looks],
        [look.shown for look in looks],
        salts,
        [_digest(salt, tx.now, look) for salt, look in zip(salts, looks, strict=True)],
    )


async def of_person(
    tx: Reading,
    person_id: PersonId,
    *,
    looked_from: datetime | None = None,
    looked_before: datetime | None = None,
    from_units_of: UnitsOf = ANYWHERE,
) -> list[LoggedAccess]:
    """Return the extract for a patient, in order of time (UTC; `looked_before` exclusive; None: no bound)."""
    same = await persons.merged(tx, [person_id])
    rows = await tx.fetch(
        _SQL["of_person"],
        surrogates(persons.spellings([person_id], same)),
        looked_from,
        looked_before,
        *from_units_of,
    )
    return [_looked(row) for row in rows]


async def of_actor(
    tx: Reading,
    actor: str | None,
    *,
    looked_from: datetime | None = None,
    looked_before: datetime | None = None,
    limit: int = 1000,
    from_units_of: UnitsOf = ANYWHERE,
) -> list[LoggedAccess]:
    """Return what somebody (None: anybody) looked at, newest first: for the recurring sample checks."""
    rows = await tx.fetch(_SQL["of_actor"], actor, looked_from, looked_before, limit, *from_units_of)
    return [_looked(row) for row in rows]


async def reviewed(
    tx: Reading,
    looked_from: datetime,
    looked_before: datetime,
    *,
    actor: str | None,
    besides: Sequence[str] = (),
    near: timedelta,
    everything: bool,
    limit: int,
    from_units_of: UnitsOf = ANYWHERE,
) -> list[ReviewedLooks]:
    """
    Return who looked at whom in a time (UTC; `looked_before` exclusive), for systematic log review (loggranskning).

    HSLF-FS 2016:40, 4 kap. 9 §. Nobody in `besides` is listed. An order is near when it arrived at most `near` before or after a look. Without
    `everything` only looks without one, or at somebody protected, are there; those at the protected come first.
    """
    rows = await tx.fetch(
        _SQL["reviewed"],
        looked_from,
        looked_before,
        actor,
        near,
        REVIEW,
        everything,
        limit,
        list(besides),
        *from_units_of,
    )
    return [
        ReviewedLooks(
            row["actor"],
            row["actor_unit"],
            person_of(row["person_id"]),
            row["looks"],
            row["first"],
            row["last"],
            row["without_order"],
            row["protected"],
        )
        for row in rows
    ]


async def count_before(tx: Reading, before: datetime) -> int:
    """Return how many lines are of months (UTC) that were over at a moment (UTC)."""
    return int(await tx.value(_SQL["count_before"], before))


async def extend(tx: Tx) -> int:
    """Make the partitions of this month and of the next three; return how many lines lie in none. Call it every hour."""
    return int(await tx.value(_SQL["extend"]))


async def purge(tx: Tx, before: datetime, actor: str) -> int:
    """
    End the keeping of the months that were over at `before` (UTC); return how many lines went. A month that somebody reads
    just then goes the next time.

    Five years at least, by the earlier of `tx.now` and the server's own clock: otherwise the database refuses.
    """
    gone = [[row["first_look"], row["last_look"]] for row in await tx.fetch(_SQL["purge"], before, tx.now)]
    if gone:
        await audit.append(tx, [audit.AuditEntry("access-log", actor, _PURGED, {"spans": gone})])
    return sum(last - first + 1 for first, last in gone)


async def verify(tx: Reading) -> list[AccessLogFault]:
    """
    Compare the log with the digests in the chains; return the lines that were changed, removed or inserted.

    Both are read once, in order of time: a line and the entry that tells of it have the same moment. Nothing is held in memory
    but the lines of a moment, and those at fault. A month whose keeping ended after the snapshot was taken is not looked at.
    """
    await tx.value(audit.statement("take_your_time"))
    faults: list[AccessLogFault] = []
    untold: list[int] = []
    missing: dict[int, datetime] = {}
    lines = _moments(tx.conn.cursor(_SQL["lines"], prefetch=2000), "looked_at")
    written = await anext(lines, None)
    # no snapshot keeps a table that is dropped; from the first line on none can be
    dropped = [(row["first"], row["until"]) for row in await tx.fetch(_SQL["dropped"])]
    async for at, entries in _moments(tx.conn.cursor(_SQL["told"], _LOOKED, prefetch=500), "recorded_at"):
        while written is not None and written[0] < at:
            untold += [row["look_id"] for row in written[1]]
            written = await anext(lines, None)
        expected = {
            look_id: bytes.fromhex(digest)
            for entry in entries
            for look_id, digest in json.loads(entry["body"])["looks"]
        }
        if written is not None and written[0] == at:
            for row in written[1]:
                digest = expected.pop(row["look_id"], None)
                if digest is None:
                    untold.append(row["look_id"])
                elif not _digest(row["salt"], at, _looked(row).look).startswith(digest):
                    faults.append(AccessLogFault(row["look_id"], "changed"))
            written = await anext(lines, None)
        missing |= dict.fromkeys(expected, at)
    while written is not None:
        untold += [row["look_id"] for row in written[1]]
        written = await anext(lines, None)
    # a line whose moment was changed is missing at the one and untold at the other
    for look_id in untold:
        faults.append(AccessLogFault(look_id, "changed" if look_id in missing else "inserted"))
        missing.pop(look_id, None)
    purged = sorted(
        (first, last)
        for row in await tx.fetch(audit.statement("of_action"), [_PURGED])
        for first, last in json.loads(row["body"])["spans"]
    )
    faults += [
        AccessLogFault(look_id, "removed")
        for look_id, at in missing.items()
        if not _within(look_id, purged)
        and not any(
            (first is None or first <= at) and (until is None or at < until) for first, until in dropped
        )
    ]
    return sorted(faults)


async def _moments(rows: AsyncIterable[Row], moment: str) -> AsyncIterator[tuple[datetime, list[Row]]]:
    """Rows that are in order of time, those of a moment together."""
    at: datetime | None = None
    same: list[Row] = []
    async for row in rows:
        if row[moment] != at and at is not None:
            yield at, same
            same = []
        at = row[moment]
        same.append(row)
    if at is not None:
        yield at, same


def _within(look_id: int, spans: Sequence[tuple[int, int]]) -> bool:
    place = bisect_right(spans, look_id, key=itemgetter(0)) - 1
    return place >= 0 and look_id <= spans[place][1]


def _looked(row: Row) -> LoggedAccess:
    # a text that is not there: the digest says so, and what is there is shown
    look = AccessLogEntry(
        row["actor"] or "",
        row["actor_unit"],
        person_of(row["person_id"]),
        row["reason"] or "",
        row["shown"] or "",
    )
    return LoggedAccess(row["look_id"], row["looked_at"], look)


def _digest(salt: bytes, at: datetime, look: AccessLogEntry) -> bytes:
    line = audit.canonical(
        {
            "actor": look.actor,
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "patient": look.patient,
            "reason": look.reason,
            "shown": look.shown,
            "unit": look.unit,
        }
    )
    return hashlib.sha256(salt + line.encode()).digest()


def spans(numbers: Iterable[int]) -> list[list[int]]:
    """Return sorted numbers as spans of neighbours, both ends included."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
