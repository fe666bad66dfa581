"""Staff and their assignments (medarbetaruppdrag) with validity, and the region of each unit. Append only."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sigill.policy.facts import Assignment, Staff
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx
from sigill_contracts.directory import StaffRecord
from sigill_contracts.vocabulary import HsaId, RegionCode, Role, UnitId

_SQL = queries("staff")


async def record(tx: Tx, told: StaffRecord) -> bool:
    """Add what the directory told of one staff member; False: it came late or again, and changed nothing."""
    return (await record_all(tx, [told]))[0]


async def record_all(tx: Tx, told: Sequence[StaffRecord]) -> list[bool]:
    """Add what the directory told, in order; for each, whether it was news. A lower or equal sequence is late."""
    if not told:
        return []
    units = {a.unit: a.region for member in told for a in member.assignments}
    names = {f"staff:{member.hsa_id}" for member in told} | {f"unit:{unit}" for unit in units}
    await tx.fetch(_SQL["lock"], sorted(names))
    rows = await tx.fetch(_SQL["latest"], sorted({member.hsa_id for member in told}))
    latest: dict[str, int] = {row["hsa_id"]: row["sequence"] for row in rows if row["sequence"] is not None}
    news: list[bool] = []
    fresh: list[StaffRecord] = []
    for member in told:
        new = member.sequence > latest.get(member.hsa_id, -1)
        news.append(new)
        if new:
            latest[member.hsa_id] = member.sequence
            fresh.append(member)
    if fresh:
        await _add(tx, fresh)
    return news


async def _add(tx: Tx, fresh: Sequence[StaffRecord]) -> None:
    await tx.run(
        _SQL["add_versions"],
        [member.hsa_id for member in fresh],
        [member.sequence for member in fresh],
        [member.changed_at for member in fresh],
        tx.now,
    )
    parts = [(member, place, part) for member in fresh for place, part in enumerate(member.assignments)]
    await tx.run(
        _SQL["add_assignments"],
        [member.hsa_id for member, _, _ in parts],
        [member.sequence for member, _, _ in parts],
        [place for _, place, _ in parts],
        [part.unit for _, _, part in parts],
        [part.region for _, _, part in parts],
        [",".join(part.roles) for _, _, part in parts],
        [part.from_date for _, _, part in parts],
        [part.through for _, _, part in parts],
    )
    units = {part.unit: part.region for _, _, part in parts}
    await tx.run(_SQL["add_units"], list(units), list(units.values()), tx.now)


async def load(
    tx: Reading, hsa_ids: Iterable[HsaId], *, known_at: datetime | None = None
) -> dict[HsaId, Staff]:
    """Return staff with all assignments, past and coming, as known at `known_at` (None: now); unknown are missing."""
    assignments: dict[HsaId, list[Assignment]] = {}
    for row in await tx.fetch(_SQL["load"], sorted(set(hsa_ids)), known_at):
        of_person = assignments.setdefault(HsaId(row["hsa_id"]), [])
        if row["unit"] is not None:
            of_person.append(
                Assignment(
                    UnitId(row["unit"]),
                    RegionCode(row["region"]),
                    frozenset(Role(role) for role in row["roles"]),
                    row["from_date"],
                    row["through"],
                )
            )
    return {hsa_id: Staff(hsa_id, tuple(parts)) for hsa_id, parts in assignments.items()}


async def at_unit(
    tx: Reading, unit: str, roles: Iterable[Role], day: date, *, limit: int = 50
) -> list[tuple[HsaId, frozenset[Role]]]:
    """Return who has one of some roles at a unit on a Swedish date, with the roles there, by HSA-id."""
    rows = await tx.fetch(_SQL["at_unit"], unit, sorted(roles), day, limit)
    return [(HsaId(row["hsa_id"]), frozenset(Role(role) for role in row["roles"])) for row in rows]


async def unit_regions(
    tx: Reading, unit_ids: Iterable[UnitId] | None = None, *, known_at: datetime | None = None
) -> dict[UnitId, RegionCode]:
    """Return the region of the units (None: of all), as the directory showed it last; unknown ones are missing."""
    if unit_ids is None:
        rows = await tx.fetch(_SQL["all_units"], known_at)
    else:
        rows = await tx.fetch(_SQL["units"], sorted(set(unit_ids)), known_at)
    return {UnitId(row["unit"]): RegionCode(row["region"]) for row in rows}
