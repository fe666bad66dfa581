"""The console's sessions."""

from dataclasses import dataclass
from datetime import datetime

from sigill.store.console import Binding, SessionOwner
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx

_SQL = queries("console_sessions")
MOST_KEPT_FORMS = 200


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
    issued_at: datetime | None = None,
) -> None:
    """
    Keep a session that begins at `tx.now` and ends at `ends_at` (UTC) at the latest.

    `issued_at` is when it began by the issuer's own clock, which a logout is held against.
    """
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
        issued_at,
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
    """Let go of the sessions that are over at `tx.now`, or silent since `silent_since` (UTC), and of kept forms that are over."""
    await tx.run(_SQL["sweep_kept_forms"], tx.now)
    return await tx.run(_SQL["sweep_sessions"], tx.now, silent_since)


async def claim_form(tx: Tx, session_hash: bytes, form_hash: bytes) -> bool:
    """Note at `tx.now` that a session sends a form; False: it has sent it already, or is over."""
    return await tx.run(_SQL["claim_form"], session_hash, form_hash, tx.now) == 1


async def answer_form(tx: Tx, session_hash: bytes, form_hash: bytes, answer: str) -> None:
    """Note to which path the sender of a form was led."""
    await tx.run(_SQL["answer_form"], session_hash, form_hash, answer)


async def release_form(tx: Tx, session_hash: bytes, form_hash: bytes) -> None:
    """Let a form that nothing came of be sent again."""
    await tx.run(_SQL["release_form"], session_hash, form_hash)


async def form_answer(tx: Reading, session_hash: bytes, form_hash: bytes) -> tuple[bool, str | None]:
    """Return whether a session has sent a form, and to which path its sender was led; None: it is being carried out."""
    rows = await tx.fetch(_SQL["form_answer"], session_hash, form_hash)
    return (True, rows[0]["answer"]) if rows else (False, None)


async def keep_form(tx: Tx, token_hash: bytes, sealed: bytes, ends_at: datetime) -> None:
    """
    Keep a sealed form until `ends_at` (UTC). Those that are over at `tx.now` go, and of more than `MOST_KEPT_FORMS` the
    oldest: whoever keeps sending forms after a session's end fills no disk.
    """
    await tx.run(_SQL["sweep_kept_forms"], tx.now)
    await tx.run(_SQL["keep_form"], token_hash, sealed, ends_at)
    await tx.run(_SQL["drop_all_kept_forms_but"], MOST_KEPT_FORMS)


async def kept_form(tx: Reading, token_hash: bytes, now: datetime) -> bytes | None:
    """Return a sealed form; None: there is none, or not any more at `now` (UTC)."""
    found: bytes | None = await tx.value(_SQL["kept_form"], token_hash, now)
    return found


async def drop_kept_form(tx: Tx, token_hash: bytes) -> None:
    """Let go of a sealed form."""
    await tx.run(_SQL["drop_kept_form"], token_hash)
