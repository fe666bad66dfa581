"""
Measures that were made outside Sigill, with history, and how far each of their sources has been read.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sigill.policy.elsewhere import outside_measure
from sigill.policy.facts import OutsideMeasure
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of
from sigill_contracts.elsewhere import ElsewhereMeasure
from sigill_contracts.vocabulary import MadeBy, MeasureKind, PersonId

_SQL = queries("elsewhere")
_LOCK = queries("staff")["lock"]
Place = tuple[str, str]
"""A source and its reference."""
_MEMBERS = tuple(name for name in ElsewhereMeasure.model_fields if name != "patient")


async def latest(tx: Tx, places: Iterable[Place]) -> dict[Place, tuple[int, PersonId]]:
    """Lock some measures, and return the highest sequence told of each, and of whom; unknown ones are missing."""
    asked = sorted(set(places))
    if not asked:
        return {}
    await tx.fetch(_LOCK, [f"elsewhere:{source}/{reference}" for source, reference in asked])
    rows = await tx.fetch(
        _SQL["latest"], [source for source, _ in asked], [reference for _, reference in asked]
    )
    return {(row["source"], row["reference"]): (row["sequence"], person_of(row["person_id"])) for row in rows}


async def record(tx: Tx, told: Iterable[tuple[str, ElsewhereMeasure, PersonId]]) -> None:
    """Add what sources told of measures: source, measure and whose it is. Raises a unique violation for a sequence twice."""
    for source, measure, person in told:
        await tx.run(
            _SQL["add"],
            source,
            measure.reference,
            measure.sequence,
            measure.changed_at,
            tx.now,
            int(person),
            str(measure.kind),
            str(measure.made_by),
            measure.region,
            measure.care_provider,
            None if measure.units is None else list(measure.units),
            measure.recorded_from,
            measure.recorded_to,
            measure.valid_from,
            measure.valid_through,
            measure.ended,
        )


async def read_up_to(tx: Tx, told: Mapping[str, datetime]) -> None:
    """Keep how far sources have been read (UTC); an earlier moment than is known changes nothing."""
    if told:
        await tx.run(_SQL["read_up_to"], list(told), list(told.values()), tx.now)


async def sources(tx: Reading) -> dict[str, datetime]:
    """Return up to when (UTC) each source has been read."""
    return {row["source"]: row["read_up_to"] for row in await tx.fetch(_SQL["sources"])}


async def measures(
    tx: Reading, surrogates: Sequence[int], same: Mapping[PersonId, PersonId], known_at: datetime | None
) -> dict[PersonId, list[OutsideMeasure]]:
    """Return what was made elsewhere about some surrogates, by person; `same` as for `facts.patient_facts`."""
    found: dict[PersonId, dict[Place, OutsideMeasure]] = {}
    for row in await tx.fetch(_SQL["measures"], surrogates, known_at):
        person = person_of(row["whose"])
        one = _outside(row, same.get(person, person))
        found.setdefault(one.measure.patient, {})[one.source, one.reference] = one
    return {person: list(theirs.values()) for person, theirs in found.items()}


def _outside(row: Row, person: PersonId) -> OutsideMeasure:
    members: dict[str, Any] = {name: row[name] for name in _MEMBERS}
    members |= {"kind": MeasureKind(row["kind"]), "made_by": MadeBy(row["made_by"])}
    members["units"] = None if row["units"] is None else tuple(row["units"])
    told = ElsewhereMeasure.model_construct(
        **members
    )  # whose it is says the row, by a surrogate and no number
    return outside_measure(row["source"], told, person)
