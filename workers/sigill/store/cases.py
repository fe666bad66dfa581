"""
Cases: what people wrote down about requests to release, and about orders with which they opened a case. Append only.

A request is a case from the day it comes; another order is one from the entry `opened`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sigill.policy.cases import CaseEntry, CaseEntryKind
from sigill.store import persons
from sigill.store.console import Binding
from sigill.store.queries import queries
from sigill.store.rows import Same, canonical
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of, surrogates, uuid_or_none, uuids
from sigill_contracts.vocabulary import OrderId, PersonId

_SQL = queries("cases")


@dataclass(frozen=True, slots=True)
class CaseKey:
    """
    Which order a case began with, under what it is registered, whose it is, and when its request ended (UTC; None: it is open).

    `asks`: the order is a request to release; else people opened the case themselves.
    """

    order_id: OrderId
    patient: PersonId
    registration: int
    ended_at: datetime | None
    asks: bool = True


async def add(tx: Tx, key: CaseKey, entry: CaseEntry) -> int:
    """Write an entry at `tx.now`, whatever its `entry_id` and `at`; return the id that it got."""
    return int(
        await tx.value(
            _SQL["add"],
            uuid_or_none(key.order_id),
            int(key.patient),
            str(entry.kind),
            entry.about,
            entry.code,
            None if entry.asker is None else int(entry.asker),
            entry.day,
            entry.by,
            entry.name,
            entry.reference,
            entry.remark,
            tx.now,
        )
    )


async def entries(tx: Reading, requests: Iterable[OrderId]) -> dict[OrderId, tuple[CaseEntry, ...]]:
    """Return the entries of cases in the order written, withdrawn ones too; a merged asker as the person that remains."""
    found: dict[OrderId, tuple[CaseEntry, ...]] = {}
    written = await tx.fetch(_SQL["entries"], uuids(set(requests)))
    askers = {person_of(row["asker"]) for row in written if row["asker"] is not None}
    same = await persons.merged(tx, askers) if askers else {}
    for row in written:
        request = OrderId(str(row["request"]))
        found[request] = (*found.get(request, ()), _entry(row, same))
    return found


async def of_persons(tx: Reading, people: Iterable[PersonId]) -> list[CaseKey]:
    """Return the cases about persons, by every surrogate given, oldest first."""
    return [_key(row) for row in await tx.fetch(_SQL["of_persons"], surrogates(people))]


async def by_registration(tx: Reading, registration: int, *, or_as_if_opened: bool = False) -> CaseKey | None:
    """
    Return the case that is registered under a number; None: there is none.

    `or_as_if_opened`: where the order has no case yet, the one that it would begin.
    """
    rows = await tx.fetch(_SQL["by_registration"], registration, or_as_if_opened)
    return _key(rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class CaseMarks:
    """How far cases are written: the newest entry of each, by registration, and whom they are about."""

    newest: Mapping[int, int]
    people: frozenset[PersonId]


async def marks_of(tx: Reading, registrations: Iterable[int]) -> CaseMarks:
    """Say how far the cases are written that began with some registrations; those without an entry are missing."""
    rows = await tx.fetch(_SQL["newest_entries"], list(registrations))
    return CaseMarks(
        {row["registration"]: row["entry_id"] for row in rows},
        frozenset(person_of(row["person_id"]) for row in rows),
    )


async def open_ones(tx: Reading, bound: Binding, *, limit: int) -> list[CaseKey]:
    """
    Return cases that nobody has closed, the oldest first; bound to units: those that one of them came from or is to answer.
    """
    return [_key(row) for row in await tx.fetch(_SQL["open"], *bound.columns, limit)]


async def count_open(tx: Reading, bound: Binding) -> int:
    """Say how many there are."""
    return int(await tx.value(_SQL["count_open"], *bound.columns))


def _key(row: Row) -> CaseKey:
    return CaseKey(
        OrderId(str(row["order_id"])),
        person_of(row["person_id"]),
        row["registration"],
        row["ended_at"],
        row["asks"],
    )


def _entry(row: Row, same: Same) -> CaseEntry:
    return CaseEntry(
        entry_id=row["entry_id"],
        kind=CaseEntryKind(row["kind"]),
        day=row["day"],
        by=row["operator"],
        at=row["known_from"],
        code=row["code"],
        about=row["about"],
        asker=None if row["asker"] is None else canonical(row["asker"], same),
        name=row["name"],
        reference=row["reference"],
        remark=row["remark"],
    )
