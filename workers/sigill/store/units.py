"""
Units (vårdenheter) as the directory told of them, with history, and the successors that two operators named. Append only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from sigill.policy.effects import SetTimer, TimerKind
from sigill.policy.units import Unit, line_of
from sigill.store import proposals, timers
from sigill.store.console import Binding
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of
from sigill_contracts.directory import UnitRecord
from sigill_contracts.vocabulary import PendingCode, RegionCode, UnitId

_SQL = queries("units")
_LOCK = queries("staff")["lock"]
NAME_SUCCESSOR = "name_successor"
"""The action of a proposal; its subject is the closed unit and the successor, with a space between."""
_WAITED_FOR = [str(PendingCode.AWAITING_FOLLOW_UP_DECISION), str(PendingCode.AWAITING_UNITS)]


async def record_all(tx: Tx, told: Sequence[UnitRecord]) -> list[bool]:
    """Add what the directory told, in order; for each, whether it was news. A lower or equal sequence is late."""
    if not told:
        return []
    await tx.fetch(_LOCK, sorted({f"unit:{record.unit}" for record in told}))
    rows = await tx.fetch(_SQL["latest"], sorted({record.unit for record in told}))
    latest: dict[str, int] = {row["unit"]: row["sequence"] for row in rows if row["sequence"] is not None}
    news: list[bool] = []
    fresh: list[UnitRecord] = []
    for record in told:
        new = record.sequence > latest.get(record.unit, -1)
        news.append(new)
        if new:
            latest[record.unit] = record.sequence
            fresh.append(record)
    if fresh:
        await _add(tx, fresh)
    return news


async def _add(tx: Tx, fresh: Sequence[UnitRecord]) -> None:
    await tx.run(
        _SQL["add_versions"],
        [record.unit for record in fresh],
        [record.sequence for record in fresh],
        [record.changed_at for record in fresh],
        [record.name for record in fresh],
        [record.region for record in fresh],
        [record.care_provider for record in fresh],
        [record.parent for record in fresh],
        [record.clinic for record in fresh],
        [record.valid_from for record in fresh],
        [record.valid_through for record in fresh],
        [record.succeeded_by for record in fresh],
        tx.now,
    )
    regions = {record.unit: record.region for record in fresh if record.region is not None}
    if regions:
        await tx.run(_SQL["add_regions"], list(regions), list(regions.values()), tx.now)
    await look_again(tx, [UnitId(record.unit) for record in fresh])


async def look_again(tx: Tx, changed: Iterable[UnitId]) -> int:
    """
    Have the orders judged again that wait for one of some units, or for a successor of it; returns for how many
    patients. A timer asks the workers to do it.
    """
    rows = await tx.fetch(_SQL["waiting_for"], sorted(set(changed)), _WAITED_FOR)
    people = [person_of(row["person_id"]) for row in rows]
    await timers.set(
        tx, [SetTimer(TimerKind.SUCCESSOR_NAMED, tx.now, person, RegionCode("")) for person in people]
    )
    return len(people)


async def load(
    tx: Reading, unit_ids: Iterable[UnitId], *, known_at: datetime | None = None
) -> dict[UnitId, Unit]:
    """
    Return units and those that succeeded them, as known at `known_at` (UTC, inclusive; None: now).

    A unit that only assignments name has a region and nothing else; one that nothing names is missing.
    """
    asked = sorted(set(unit_ids))
    if not asked:
        return {}
    return {unit.unit: unit for unit in map(_unit, await tx.fetch(_SQL["load"], asked, known_at))}


async def binding_on(tx: Reading, bound: Binding, day: date) -> Binding:
    """What a login is bound to on a Swedish date, with the units that its own have succeeded."""
    if bound.units is None:
        return bound
    return replace(bound, units=await _answered_for(tx, bound.units, day))


async def _answered_for(tx: Reading, unit_ids: Iterable[str], day: date) -> frozenset[str]:
    """Return units and those that they have succeeded by a Swedish date: what a successor answers for (X-07)."""
    asked = frozenset(unit_ids)
    rows = await tx.fetch(_SQL["earlier"], sorted(asked))
    earlier = [UnitId(row["unit"]) for row in rows]
    known = await load(tx, earlier)
    return asked.union(unit for unit in earlier if not asked.isdisjoint(line_of(known, unit, day)))


async def names(tx: Reading, unit_ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of units that the directory has told of; the others are missing."""
    asked = sorted({unit for unit in unit_ids if unit})
    if not asked:
        return {}
    return {row["unit"]: row["name"] for row in await tx.fetch(_SQL["names"], asked)}


async def names_since(tx: Reading, since: datetime | None) -> dict[str, str]:
    """Return the newest names of units of which something became known since `since` (UTC, inclusive; None: ever)."""
    return {row["unit"]: row["name"] for row in await tx.fetch(_SQL["names_since"], since)}


async def page(
    tx: Reading,
    *,
    containing: str | None = None,
    after: tuple[str, str] | None = None,
    orphaned_on: date | None = None,
    limit: int = 50,
) -> list[Unit]:
    """
    Return units by name. `containing` is a part of a name or id, `after` the name and id that the page before ended with;
    `orphaned_on` limits it to those that had closed before that Swedish date and have no successor.
    """
    name, unit = after or (None, None)
    rows = await tx.fetch(_SQL["page"], containing, name, unit, limit, orphaned_on)
    return [_unit(row) for row in rows]


async def history(tx: Reading, unit: UnitId) -> list[tuple[int, datetime, datetime, Unit]]:
    """Return every version of a unit with its sequence, when it changed and when it became known (UTC), newest first."""
    rows = await tx.fetch(_SQL["history"], unit)
    return [(row["sequence"], row["changed_at"], row["known_from"], _unit(row)) for row in rows]


class NoSuccessorWanted(Exception):
    """The unit is not one that waits for a successor, or the successor is no unit that can be one: why."""


async def propose_successor(
    tx: Tx, unit: UnitId, successor: UnitId, operator: str, reason: str, on: date
) -> int:
    """
    Propose which unit succeeded a closed one, for a second operator to approve. Returns the proposal's id.

    Raises NoSuccessorWanted.
    """
    await _check(tx, unit, successor, on)
    return await proposals.propose(tx, NAME_SUCCESSOR, f"{unit} {successor}", operator, reason)


async def approve_successor(tx: Tx, proposal_id: int, approver: str, on: date) -> tuple[UnitId, UnitId, int]:
    """
    Name what was proposed, by a second operator; returns the unit, its successor, and about how many patients an order is
    judged again.

    Raises `proposals.SameOperator`, `proposals.NotOpen`, or NoSuccessorWanted for what the directory has said since.
    """
    proposal = await proposals.decide(tx, proposal_id, approver, approved=True, action=NAME_SUCCESSOR)
    unit, successor = units_of(proposal)
    await _check(tx, unit, successor, on)
    await tx.run(_SQL["name_successor"], unit, successor, proposal_id, tx.now)
    return unit, successor, await look_again(tx, [unit])


def units_of(proposal: proposals.Proposal) -> tuple[UnitId, UnitId]:
    """The closed unit and the successor that a proposal names."""
    unit, successor = proposal.subject.split(" ")
    return UnitId(unit), UnitId(successor)


async def _check(tx: Tx, unit: UnitId, successor: UnitId, on: date) -> None:
    await tx.fetch(_LOCK, sorted({f"unit:{unit}", f"unit:{successor}"}))
    known = await load(tx, [unit, successor])
    closed, heir = known.get(unit), known.get(successor)
    if closed is None or not closed.is_closed(on):
        raise NoSuccessorWanted(f"{unit} is no closed unit")
    if closed.succeeded_by is not None and not closed.named_by_operators:
        raise NoSuccessorWanted(f"the directory names {closed.succeeded_by} as the successor of {unit}")
    if heir is None or heir.name is None:
        raise NoSuccessorWanted(f"the directory does not know {successor}")
    if heir.is_closed(on):
        raise NoSuccessorWanted(f"{successor} is closed itself")
    if closed.region != heir.region:
        raise NoSuccessorWanted(f"{unit} and {successor} belong to different regions")


def _unit(row: Row) -> Unit:
    told = row["succeeded_by"]
    successor = told or row["successor"]
    return Unit(
        unit=UnitId(row["unit"]),
        region=RegionCode(row["region"]) if row["region"] else None,
        name=row["name"],
        clinic=row["clinic"],
        care_provider=row["care_provider"],
        parent=UnitId(row["parent"]) if row["parent"] else None,
        valid_from=row["valid_from"],
        valid_through=row["valid_through"],
        succeeded_by=UnitId(successor) if successor else None,
        named_by_operators=told is None and successor is not None,
    )
