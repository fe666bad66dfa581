"""
Whom the register protects, and how far the evaluations of standing measures are.

Guarantee: nobody for whom a state rule may want something is missing among the candidates; an evaluation is done by one
worker at a time, and goes on where a killed one stopped. Left over: whether a rule does want it, which policy says.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sigill.policy.calendar import BirthDate
from sigill.policy.effects import SetTimer
from sigill.store.persons import merged
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx
from sigill.store.values import person_of, surrogates
from sigill_contracts.vocabulary import MeasureKind, PersonId, RegionCode

_SQL = queries("protection")

Counts = dict[str, dict[str, int]]
"""Region, then what: how many persons."""


@dataclass(frozen=True, slots=True)
class WantedProtection:
    """A measure that a region wants for its marked residents born after a date; `county` is one of the region's."""

    county: str
    region: RegionCode
    kind: MeasureKind
    born_after: date


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation that is not finished: when it began (UTC), and after which person it goes on."""

    cause: str
    at: datetime
    last_person: int = 0
    counts: Counts = field(default_factory=dict)


async def candidates(
    tx: Reading,
    wanted: Sequence[WantedProtection],
    at: datetime,
    *,
    after: int = 0,
    limit: int,
    guardians: bool,
    born_after: date,
) -> list[PersonId]:
    """
    Return the next persons for whom a state rule may want something that is not there at an instant (UTC), by id.

    `guardians` adds the children, born after `born_after`, of marked guardians, and the patients of open requests;
    marked ones of that age whose county was never told are always among them.
    """
    rows = await tx.fetch(
        _SQL["candidates"],
        after,
        limit,
        at,
        [rule.county for rule in wanted],
        [rule.region for rule in wanted],
        [str(rule.kind) for rule in wanted],
        [rule.born_after for rule in wanted],
        guardians,
        born_after,
    )
    return [person_of(row["person_id"]) for row in rows]


async def protected(tx: Reading, people: Iterable[PersonId]) -> frozenset[PersonId]:
    """
    Return those of some people who have protected identity by the register's newest word.

    Several surrogates that turned out to be one person are protected together.
    """
    asked = set(people)
    if not asked:
        return frozenset()
    same = await merged(tx, asked)
    rows = await tx.fetch(_SQL["marked"], surrogates({*asked, *same, *same.values()}))
    marked = {same.get(person, person) for person in (person_of(row["person_id"]) for row in rows)}
    return frozenset(person for person in asked if same.get(person, person) in marked)


async def highest_person(tx: Reading) -> int:
    """Return the newest person's number; 0 where there is nobody."""
    return int(await tx.value(_SQL["highest"]))


async def births(
    tx: Reading, counties: Sequence[str], born_after: date, people: tuple[int, int]
) -> list[BirthDate]:
    """
    Return the birth dates of the living residents of some counties who may be born after a date, each once.

    `people` are the numbers to look through, after the first and through the second.
    """
    rows = await tx.fetch(_SQL["births"], list(counties), born_after, *people)
    return [BirthDate(row["birth_earliest"], row["birth_latest"]) for row in rows]


async def set_birthdays(
    tx: Tx,
    counties: Sequence[str],
    region: RegionCode,
    timers: Mapping[BirthDate, SetTimer],
    people: tuple[int, int],
) -> int:
    """Set the next birthday timer of the living residents among `people`, by birth date; return how many are new."""
    return await tx.run(
        _SQL["set_birthdays"],
        list(counties),
        [birth.earliest for birth in timers],
        [birth.latest for birth in timers],
        [timer.due_at for timer in timers.values()],
        [str(timer.kind) for timer in timers.values()],
        region,
        *people,
    )


async def forget(tx: Tx, after: datetime) -> None:
    """Forget evaluations of a time after `after` (UTC): the clock of a story begins again years before."""
    await tx.run(_SQL["forget"], after)


async def claim(tx: Tx, cause: str, at: datetime) -> Evaluation | None:
    """Hold an evaluation until the transaction ends; None: another worker holds it, or it is finished."""
    await tx.run(_SQL["claim"], cause, at)
    rows = await tx.fetch(_SQL["claimed"], cause)
    if not rows:
        return None
    row = rows[0]
    return Evaluation(cause, row["at"], row["last_person"], json.loads(row["counts"]))


async def go_on(
    tx: Tx, cause: str, last_person: int, counts: Counts, *, finished_at: datetime | None = None
) -> None:
    """Note how far an evaluation is, in the transaction that did it."""
    await tx.run(_SQL["go_on"], cause, last_person, json.dumps(counts), finished_at)


async def evaluated(tx: Reading, until: datetime) -> dict[str, tuple[datetime, bool]]:
    """Return the evaluations that began until an instant (UTC): when, and whether each is finished."""
    return {row["cause"]: (row["at"], row["finished"]) for row in await tx.fetch(_SQL["evaluated"], until)}
