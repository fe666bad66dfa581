"""
What falls due, and who takes care of it.

Guarantee: a timer fires once, and a person's timers fire in order of time, with any number of workers. A worker takes
whole persons: it holds the person's lock and every due timer of that person. Left over: the moment of firing; what a
timer stands for is true from `due_at` on whether it fired or not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sigill.policy.effects import SetTimer, TimerKind
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of, surrogates, uuids
from sigill_contracts.vocabulary import MeasureId, OrderId, PersonId, RegionCode

_SQL = queries("timers")


@dataclass(frozen=True, slots=True)
class StoredTimer:
    """A timer that has fallen due, or will; `due_at` (UTC) is its true time."""

    timer_id: int
    kind: TimerKind
    due_at: datetime
    patient: PersonId
    region: RegionCode
    measure_id: MeasureId | None
    order_id: OrderId | None


@dataclass(frozen=True, slots=True)
class TimerStats:
    """How many are overdue, since when the oldest is, and when the next one of the coming day falls due (UTC)."""

    overdue: int
    oldest: datetime | None
    next: datetime | None


@dataclass(frozen=True, slots=True)
class Coming:
    """How many timers of a kind fall due on a Swedish date."""

    day: date
    kind: TimerKind
    region: RegionCode
    timers: int


async def set(tx: Tx, timers: Sequence[SetTimer]) -> None:
    """Set timers. One that is set or has fired already is left alone; a cancelled one is set again."""
    if not timers:
        return
    await tx.run(
        _SQL["add"],
        [int(timer.patient) for timer in timers],
        [timer.due_at for timer in timers],
        [timer.measure_id for timer in timers],
        [timer.order_id for timer in timers],
        [str(timer.kind) for timer in timers],
        [timer.region for timer in timers],
    )


async def due(tx: Tx, now: datetime, limit: int) -> list[StoredTimer]:
    """
    Take what has fallen due by `now` (UTC, inclusive), in order of time; about `limit` timers.

    Each person's due timers come as a whole or not at all, and the persons are locked. An empty answer may mean
    that other workers have them: ask again a little later.
    """
    claimed = {row["person_id"]: row["number"] for row in await tx.fetch(_SQL["claim"], now, limit)}
    if not claimed:
        return []
    tx.held.update({person_of(person): number for person, number in claimed.items()})
    rows = await tx.fetch(_SQL["due"], list(claimed), now)
    mine: dict[int, int] = {}
    for row in rows:
        mine[row["person_id"]] = mine.get(row["person_id"], 0) + 1
    # a timer that another worker holds may be an earlier one: its person waits for the next round
    return [_due(row) for row in rows if mine[row["person_id"]] == row["due"]]


async def done(tx: Tx, timer_ids: Iterable[int]) -> int:
    """Mark timers as fired at `tx.now`; return how many had not been."""
    return await tx.run(_SQL["done"], sorted(timer_ids), tx.now)


async def cancel(
    tx: Tx,
    *,
    measures: Iterable[MeasureId] = (),
    orders: Iterable[OrderId] = (),
    persons: Iterable[PersonId] = (),
    kinds: Iterable[TimerKind] | None = None,
) -> int:
    """Cancel the set timers of any of these measures, orders or persons, of the kinds (None: of every kind)."""
    return await tx.run(
        _SQL["cancel"],
        uuids(measures),
        uuids(orders),
        surrogates(persons),
        None if kinds is None else [str(kind) for kind in kinds],
    )


async def of_persons(tx: Reading, person_ids: Iterable[PersonId]) -> list[StoredTimer]:
    """Return the timers of the persons that are still set, in order of time."""
    return [_due(row) for row in await tx.fetch(_SQL["of_persons"], surrogates(person_ids))]


async def persons_between(
    tx: Reading,
    after: datetime,
    before: datetime,
    kinds: Iterable[TimerKind],
    *,
    region: RegionCode | None = None,
    limit: int,
    offset: int = 0,
) -> list[PersonId]:
    """Return of whom something of the kinds falls due after `after` and before `before` (UTC), the earliest first."""
    names = [str(kind) for kind in kinds]
    rows = await tx.fetch(_SQL["persons_between"], after, before, names, region, limit, offset)
    return [person_of(row["person_id"]) for row in rows]


async def count_persons_between(
    tx: Reading,
    after: datetime,
    before: datetime,
    kinds: Iterable[TimerKind],
    *,
    region: RegionCode | None = None,
) -> int:
    """Return how many they are."""
    names = [str(kind) for kind in kinds]
    found: int = await tx.value(_SQL["count_persons_between"], after, before, names, region)
    return found


async def between(tx: Reading, first: datetime, end: datetime) -> list[Coming]:
    """Count what falls due from `first` until `end` (UTC, exclusive), by Swedish date, kind and region."""
    return [
        Coming(row["day"], TimerKind(row["kind"]), RegionCode(row["region"]), row["timers"])
        for row in await tx.fetch(_SQL["between"], first, end)
    ]


async def next_day_of(
    tx: Reading, persons: Iterable[PersonId], after: datetime, until: datetime
) -> datetime | None:
    """
    Return the last instant of the first Swedish date on which something of some persons falls due after `after` and until
    `until` (UTC, inclusive); None: nothing does.
    """
    found: datetime | None = await tx.value(_SQL["next_day_of"], surrogates(persons), after, until)
    return found


async def stats(tx: Reading, now: datetime) -> TimerStats:
    """Return what is overdue at `now` (UTC), and what comes next within a day."""
    # a kept plan would take a day for a third of all that ever comes
    await tx.fresh_plans()
    row = (await tx.fetch(_SQL["stats"], now))[0]
    return TimerStats(row["overdue"], row["oldest"], row["next"])


def _due(row: Row) -> StoredTimer:
    measure_id, order_id = row["measure_id"], row["order_id"]
    return StoredTimer(
        timer_id=row["timer_id"],
        kind=TimerKind(row["kind"]),
        due_at=row["due_at"],
        patient=person_of(row["person_id"]),
        region=RegionCode(row["region"]),
        measure_id=None if measure_id is None else MeasureId(str(measure_id)),
        order_id=None if order_id is None else OrderId(str(order_id)),
    )
