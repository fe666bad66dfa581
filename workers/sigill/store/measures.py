"""
Measures (åtgärder), append only: the first version adds the measure itself, every later one only a version.

Valid time is in the version (`valid_from` until `valid_to`, exclusive); system time is `known_from`, the
transaction's `now`. The scope never changes: `append` refuses a version that widens or narrows it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sigill.policy.facts import Measure, PaperCopy
from sigill.store import persons, rows
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of, surrogates, uuids
from sigill_contracts.vocabulary import MeasureId, PersonId

_SQL = queries("measures")


class ScopeChanged(Exception):
    """A later version of a measure has another scope, or its measure is missing."""


async def append(tx: Tx, measures: Sequence[Measure]) -> None:
    """
    Add versions, known from `tx.now`. Version 1 adds the measure; a batch may hold several versions of one.

    Raises ScopeChanged; a version that is there already breaks the unique key (two writers without the lock).
    """
    if not measures:
        return
    if new := [m for m in measures if m.version == 1]:
        await tx.run(
            _SQL["add_measures"],
            [m.measure_id for m in new],
            [int(m.patient) for m in new],
            [str(m.kind) for m in new],
            [m.region for m in new],
            [str(m.initiative) for m in new],
            [",".join(m.services) for m in new],
            [_units(m) for m in new],
            [m.recorded_from for m in new],
            [m.recorded_to for m in new],
            [None if m.guardians is None else ",".join(m.guardians) for m in new],
            [",".join(m.guardians_except) or None for m in new],
            [None if m.viewer is None else int(m.viewer) for m in new],
            [m.unit for m in new],
            [m.beside for m in new],
            tx.now,
        )
    added = await tx.run(
        _SQL["add_versions"],
        [m.measure_id for m in measures],
        [m.version for m in measures],
        [m.valid_from for m in measures],
        [m.valid_to for m in measures],
        [m.ends_at_age for m in measures],
        [",".join(m.orders) for m in measures],
        [m.provisional for m in measures],
        [m.awaits_follow_up for m in measures],
        [m.released for m in measures],
        [m.urgent for m in measures],
        [m.reported_to_authority for m in measures],
        [m.inform.guardians for m in measures],
        [m.inform.patient for m in measures],
        [m.inform.written_confirmation for m in measures],
        [",".join(sorted(f"{s.audience}:{s.unit}" for s in m.silences)) for m in measures],
        [m.review_on for m in measures],
        [",".join(m.rules) for m in measures],
        [m.rulebook for m in measures],
        [str(m.kind) for m in measures],
        [m.region for m in measures],
        [",".join(m.services) for m in measures],
        [_units(m) for m in measures],
        [m.recorded_from for m in measures],
        [m.recorded_to for m in measures],
        [m.unit for m in measures],
        tx.now,
        [_copies(m.copies) for m in measures],
        [_copies(m.copies_refused) for m in measures],
    )
    if added != len(measures):
        raise ScopeChanged(f"{len(measures) - added} of {len(measures)} versions do not fit their measure")


def _copies(copies: Iterable[PaperCopy]) -> str | None:
    return ",".join(sorted(f"{c.order}:{c.to}:{c.on}" for c in copies)) or None


async def by_ids(tx: Reading, measure_ids: Iterable[MeasureId]) -> dict[MeasureId, Measure]:
    """Return measures in their newest version; unknown ids are missing."""
    found = await tx.fetch(_SQL["by_ids"], uuids(set(measure_ids)))
    return {measure.measure_id: measure for measure in await _read(tx, found)}


async def history(tx: Reading, measure_ids: Iterable[MeasureId]) -> list[tuple[datetime, Measure]]:
    """Return every version of the measures with the moment (UTC) from which it was known, in that order."""
    found = await tx.fetch(_SQL["history"], uuids(set(measure_ids)))
    return list(zip((row["known_from"] for row in found), await _read(tx, found), strict=True))


@dataclass(frozen=True, slots=True)
class Concerned:
    """A measure about a person, or that names one as guardian or viewer."""

    measure_id: MeasureId
    patient: PersonId
    known_from: datetime
    by_this: bool
    """Whether it was made of the person by that surrogate, and not by one that became part of it."""


async def concerning(tx: Reading, person: PersonId, known_by: Collection[PersonId]) -> tuple[Concerned, ...]:
    """Return the measures about a person, or naming one; `known_by` are all its surrogates."""
    found = await tx.fetch(_SQL["concerning"], surrogates(known_by), int(person))
    return tuple(
        Concerned(
            MeasureId(str(row["measure_id"])),
            person_of(row["person_id"]),
            row["known_from"],
            bool(row["by_this"]),
        )
        for row in found
    )


async def patients_left_out_for(tx: Reading, known_by: Collection[PersonId]) -> frozenset[PersonId]:
    """Return the patients of measures against all guardians that leave out persons, known by these surrogates."""
    found = await tx.fetch(_SQL["leaving_out"], surrogates(known_by))
    return frozenset(person_of(row["person_id"]) for row in found)


async def _read(tx: Reading, found: Sequence[Row]) -> list[Measure]:
    numbers = {row["person_id"] for row in found} | {row["viewer"] for row in found if row["viewer"]}
    for row in found:
        numbers.update((*(row["guardians"] or ()), *(row["guardians_except"] or ())))
    same = await persons.merged(tx, {person_of(number) for number in numbers}) if numbers else {}
    return [rows.measure(row, same) for row in found]


def _units(measure: Measure) -> str | None:
    return None if measure.units is None else ",".join(sorted(measure.units))
