"""The console's sessions."""

from dataclasses import dataclass
from datetime import datetime

from sigill.store.console import Binding, SessionOwner
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx

_SQL = queries("console_sessions")


@dataclass(frozen=True, slots=True)
class StoredSession:
    """
    A session of the console. `opened` is JSON: what may be shown unmasked. Times are UTC.

    `tokens` are sealed: what the issuer is asked with. `confirmed_at` is when it last let the session go on.
    """

    owner: SessionOwner
    csrf: str
    opened: str
    tokens: bytes | None
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    confirmed_at: datetime


async def begin_session(
    tx: Tx,
    token_hash: bytes,
    owner: SessionOwner,
    *,
    csrf: str,
    tokens: bytes | None,
    ends_at: datetime,
) -> None:
    """Keep a session that begins at `tx.now` and ends at `ends_at` (UTC) at the latest."""
    await tx.run(
        _SQL["begin_session"],
        token_hash,
        owner.operator,
        owner.hsa_id,
        owner.unit,
        sorted(owner.roles),
        csrf,
        tx.now,
        ends_at,
        owner.issuer,
        owner.subject,
        owner.acr,
        owner.sid,
        tokens,
        *owner.bound.columns,
    )


async def session(
    tx: Reading, token_hash: bytes, now: datetime, silent_since: datetime
) -> StoredSession | None:
    """Return a session; None when there is none, it is over at `now`, or was last seen before `silent_since`."""
    rows = await tx.fetch(_SQL["session"], token_hash, now, silent_since)
    if not rows:
        return None
    row = rows[0]
    return StoredSession(
        SessionOwner(
            row["operator"],
            row["hsa_id"],
            row["unit"],
            tuple(row["roles"]),
            row["issuer"],
            row["subject"],
            row["acr"],
            row["sid"],
            Binding(_bound(row["bound_regions"]), _bound(row["bound_units"])),
        ),
        row["csrf"],
        row["opened"],
        row["tokens"],
        row["began_at"],
        row["seen_at"],
        row["ends_at"],
        row["confirmed_at"],
    )


def _bound(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


async def touch_session(tx: Tx, token_hash: bytes) -> None:
    """Note that the session was seen at `tx.now`."""
    await tx.run(_SQL["touch_session"], token_hash, tx.now)


async def open_in_session(tx: Tx, token_hash: bytes, opened: str) -> None:
    """Add to what the session may show unmasked (JSON)."""
    await tx.run(_SQL["open_in_session"], token_hash, opened)


async def end_session(tx: Tx, token_hash: bytes) -> None:
    """End a session."""
    await tx.run(_SQL["end_session"], token_hash)


async def sweep_sessions(tx: Tx, silent_since: datetime) -> int:
    """Let go of the sessions that are over at `tx.now`, or silent since `silent_since` (UTC)."""
    return await tx.run(_SQL["sweep_sessions"], tx.now, silent_since)
