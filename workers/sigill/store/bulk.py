"""
Loading a population register by COPY, a chunk of lines in one transaction.

Guarantee: a chunk is in the store as a whole with the note that it is, or not at all, whoever is killed; the rows are
those that the register worker would have written, line by line. Left over: the consequences of a change. Persons of
whom the register has told already are therefore left to its worker, and nobody is locked: a bulk load sends no events.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sigill.policy.facts import Identity
from sigill.store import persons
from sigill.store.persons import KeyOf
from sigill.store.queries import queries
from sigill.store.session import Tx
from sigill.store.values import identity_of, person_of
from sigill_contracts.vocabulary import PersonId

if TYPE_CHECKING:
    from sigill.store.session import Connection

_SQL = queries("bulk")
_TOLD = (
    "line", "id_type", "number", "key", "sequence", "changed_at", "birth_earliest", "birth_latest", "county",
    "protected", "has_e_id", "identity_uncertain", "died_on", "emigrated_on", "given", "family", "timer_kind",
    "timer_due", "timer_region",
)  # fmt: skip
_CUSTODY = ("line", "ordinal", "id_type", "number", "from_date", "to_date")


@dataclass(frozen=True, slots=True)
class Load:
    """A load of one file, known by its fingerprint. `finished_at`: every chunk is in the store since then (UTC)."""

    load_id: int
    chunk_lines: int
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    What became of a chunk: its lines were loaded, left because the register has told of them, or refused.

    `partly` are those among the others of which something could not be read.
    """

    number: int
    digest: bytes
    lines: int
    loaded: int
    known: int
    refused: int
    partly: int


@dataclass(frozen=True, slots=True)
class LineRefusal:
    """A line, counted from 1, and its fields that could not be read; `taken`: the rest of it counts."""

    line: int
    faults: tuple[str, ...]
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Staged:
    """
    A chunk ready to be written. `told` and `custody` are CSV as PostgreSQL reads it, in the columns that `columns` names.

    `former` are further numbers of a line's person.
    """

    number: int
    digest: bytes
    lines: int
    loaded: int
    told: bytes
    custody: bytes
    former: tuple[tuple[int, Identity], ...] = ()
    refusals: tuple[LineRefusal, ...] = ()


async def prepare(conn: Connection) -> None:
    """Make the session's staging tables; once a connection."""
    await conn.execute(_SQL["stage"])


async def begin(conn: Connection, fingerprint: bytes, chunk_lines: int, now: datetime) -> Load:
    """Begin a load, or find the one of the same file that was begun before, with its size of chunk."""
    row = await conn.fetchrow(_SQL["begin_load"], fingerprint, chunk_lines, now)
    assert row is not None, "another load of the same file began at this very moment"
    return Load(row["load_id"], row["chunk_lines"], row["started_at"], row["finished_at"])


async def done(conn: Connection, load_id: int) -> dict[int, Chunk]:
    """Return the chunks that are in the store, by number."""
    rows = await conn.fetch(_SQL["done_chunks"], load_id)
    return {row["chunk"]: Chunk(*row) for row in rows}


async def refusals(conn: Connection, load_id: int, limit: int = 20) -> list[LineRefusal]:
    """Return the first lines of a load that were refused or read in part."""
    rows = await conn.fetch(_SQL["refusals"], load_id, limit)
    return [LineRefusal(row["line"], tuple(row["faults"]), row["taken"]) for row in rows]


async def followed(
    conn: Connection, since: datetime, counties: Sequence[str], born_after: date
) -> list[PersonId]:
    """
    Return whose registration since a moment (UTC) has consequences.

    Those with waiting orders; and in the counties, or in one that is not told, those born later than a date who are
    protected, or whose guardian is, without a measure of the register's own yet.
    """
    rows = await conn.fetch(_SQL["followed"], since, list(counties), born_after)
    return [person_of(row["person_id"]) for row in rows]


async def analyze(conn: Connection) -> None:
    """Have the planner look at the tables."""
    await conn.execute(_SQL["analyze"])


async def finish(conn: Connection, load_id: int, now: datetime) -> None:
    """Note that every chunk is in the store, and what follows from it."""
    await conn.execute(_SQL["end_load"], load_id, now)


async def write(tx: Tx, load_id: int, chunk: Staged, key_of: KeyOf) -> Chunk | None:
    """
    Write a chunk into the open transaction; None: it was in the store already.

    Numbers that somebody had named before keep their person; a person of whom the register has told is left alone.
    """
    partly = sum(refusal.taken for refusal in chunk.refusals)
    refused = len(chunk.refusals) - partly
    claimed = await tx.value(
        _SQL["claim_chunk"],
        load_id, chunk.number, chunk.digest, chunk.lines, chunk.loaded, refused, partly, tx.now,
    )  # fmt: skip
    if claimed is None:
        return None
    await _copy(tx, "told", _TOLD, chunk.told)
    known = 0
    if await tx.run(_SQL["add_identities"], tx.now) < chunk.loaded:
        await tx.run(_SQL["find_known"])
        known = await tx.run(_SQL["leave_told"])
    await tx.run(_SQL["add_persons"], tx.now)
    await tx.run(_SQL["add_versions"], tx.now)
    await tx.run(_SQL["add_names"])
    if chunk.custody:
        await _copy(tx, "told_custody", _CUSTODY, chunk.custody)
        await tx.run(_SQL["find_guardians"])
        if unknown := await tx.fetch(_SQL["unknown_guardians"]):
            await persons.ensure(tx, [identity_of(row["id_type"], row["number"]) for row in unknown], key_of)
            await tx.run(_SQL["find_guardians"])
        await tx.run(_SQL["add_custody"])
    await tx.run(_SQL["add_timers"])
    if chunk.former:
        await _add_former(tx, chunk.former, key_of)
    if known:
        await tx.run(_SQL["count_known"], load_id, chunk.number, known)
    if chunk.refusals:
        await tx.run(
            _SQL["add_refusals"],
            load_id,
            [refusal.line for refusal in chunk.refusals],
            [" ".join(refusal.faults) for refusal in chunk.refusals],
            [refusal.taken for refusal in chunk.refusals],
        )
    return Chunk(chunk.number, chunk.digest, chunk.lines, chunk.loaded - known, known, refused, partly)


async def _copy(tx: Tx, table: str, columns: Sequence[str], content: bytes) -> None:
    await tx.conn.copy_to_table(table, source=io.BytesIO(content), columns=list(columns), format="csv")


async def _add_former(tx: Tx, former: Sequence[tuple[int, Identity]], key_of: Callable[[str], str]) -> None:
    """Map former numbers, as for a message of the register: one that was somebody else's until now moves over."""
    rows = await tx.fetch(_SQL["owners_of_lines"], sorted({line for line, _ in former}))
    owners: dict[int, PersonId] = {row["line"]: person_of(row["person_id"]) for row in rows}
    claimed = {identity: owners[line] for line, identity in former if line in owners}
    await persons.claim(tx, claimed, key_of)
