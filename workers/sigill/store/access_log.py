"""
Who looked at whom: operator or client, unit, patient, time, reason, and what was shown.

HSLF-FS 2016:40, 4 kap. 9 §, asks for these; kept five years at least; PDL 8 kap. 5 § gives the patient the extract.
This log alone names people. Each batch leaves its digests in an audit chain, so that a changed or removed line shows.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sigill.store import audit, persons
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of, surrogates
from sigill_contracts.vocabulary import PersonId

_SQL = queries("access_log")
_LOOKED = "looked"
_PURGED = "access_log_purged"
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


async def append(tx: Tx, looks: Sequence[AccessLogEntry], *, chain: str = "access-log") -> None:
    """
    Log looks at `tx.now`, and their digests in `chain`: one a process, since it is locked until the end.

    One statement and one round trip: outside a transaction it is one of its own.
    """
    if not looks:
        return
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
) -> list[LoggedAccess]:
    """Return the extract for a patient, in order of time (UTC; `looked_before` exclusive; None: no bound)."""
    same = await persons.merged(tx, [person_id])
    rows = await tx.fetch(
        _SQL["of_person"], surrogates(persons.spellings([person_id], same)), looked_from, looked_before
    )
    return [_looked(row) for row in rows]


async def of_actor(
    tx: Reading,
    actor: str | None,
    *,
    looked_from: datetime | None = None,
    looked_before: datetime | None = None,
    limit: int = 1000,
) -> list[LoggedAccess]:
    """Return what somebody (None: anybody) looked at, newest first: for the recurring sample checks."""
    rows = await tx.fetch(_SQL["of_actor"], actor, looked_from, looked_before, limit)
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
) -> list[ReviewedLooks]:
    """
    Return who looked at whom in a time (UTC; `looked_before` exclusive), for systematic log review (loggranskning).

    HSLF-FS 2016:40, 4 kap. 9 §. Nobody in `besides` is listed. An order is near when it arrived at most `near` before or after a look. Without
    `everything` only looks without one, or at somebody protected, are there; those at the protected come first.
    """
    rows = await tx.fetch(
        _SQL["reviewed"], looked_from, looked_before, actor, near, REVIEW, everything, limit, list(besides)
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
    """Return how many lines are older than a moment (UTC)."""
    return int(await tx.value(_SQL["count_before"], before))


async def purge(tx: Tx, before: datetime, actor: str) -> int:
    """
    End the keeping of what is older than `before` (UTC); return how many lines went.

    Five years at least, by the earlier of `tx.now` and the server's own clock: otherwise the database refuses.
    """
    gone = sorted(row["look_id"] for row in await tx.fetch(_SQL["purge"], before, tx.now))
    if gone:
        kept = spans(gone)
        await audit.append(tx, [audit.AuditEntry("access-log", actor, _PURGED, {"spans": kept})])
    return len(gone)


async def verify(tx: Reading) -> list[AccessLogFault]:
    """
    Compare the log with the digests in the chains; return the lines that were changed, removed or inserted.

    The lines' numbers are read before the chains: a look that comes meanwhile is in the chains alone.
    """
    faults: list[AccessLogFault] = []
    untold = {row["look_id"] async for row in tx.conn.cursor(_SQL["all_ids"], prefetch=10_000)}
    purged = [
        range(first, last + 1)
        for row in await tx.fetch(audit.statement("of_action"), [_PURGED])
        for first, last in json.loads(row["body"])["spans"]
    ]
    async for entry in tx.conn.cursor(audit.statement("of_action"), [_LOOKED], prefetch=500):
        expected = {look_id: bytes.fromhex(digest) for look_id, digest in json.loads(entry["body"])["looks"]}
        untold -= expected.keys()
        rows = {row["look_id"]: row for row in await tx.fetch(_SQL["by_ids"], list(expected))}
        for look_id, digest in expected.items():
            row = rows.get(look_id)
            if row is None:
                if not any(look_id in span for span in purged):
                    faults.append(AccessLogFault(look_id, "removed"))
            elif _digest(row["salt"], row["looked_at"], _looked(row).look) != digest:
                faults.append(AccessLogFault(look_id, "changed"))
    return sorted([*faults, *(AccessLogFault(look_id, "inserted") for look_id in untold)])


def _looked(row: Row) -> LoggedAccess:
    look = AccessLogEntry(
        row["actor"], row["actor_unit"], person_of(row["person_id"]), row["reason"], row["shown"]
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
