"""
Figures for the owner: one region, and one of the periods that each year is cut into, with small counts left out.

Guarantee: no count from 1 below the threshold is among them, nor can one be computed from their totals or from those of other
periods and regions, which never overlap: figures of two are of different people's measures. A median stands for at least so
many. Left over: what ends later, such as a request that was open, moves from one line to another of a period that is over.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median, quantiles

from sigill.policy.calendar import birthday, midnight
from sigill.policy.disclosure import CrossTable, ProtectedTable, is_small, protect
from sigill.policy.facts import RequestEnd
from sigill.policy.rulebook import Rulebooks
from sigill.store import statistics as stored
from sigill.store.session import Store
from sigill.store.statistics import ImposedMeasure, PeriodCounts
from sigill_contracts.vocabulary import Form, Outcome, RegionCode

OPEN = "open"
UNKNOWN = "unknown"
_LENGTHENING = (Form.EXTEND_MEASURE, Form.CONTINUE_MEASURE)
SUPPRESSED = ".."
"""What stands for a count that is not shown, as in official statistics."""


@dataclass(frozen=True, slots=True)
class LabelledCount:
    """A labelled count; `number` None: suppressed."""

    label: str
    number: int | None


@dataclass(frozen=True, slots=True)
class WaitingTimes:
    """How long something took, in seconds; all None where fewer than the threshold are over. `open` None: suppressed."""

    label: str
    over: int | None
    open: int | None
    median: float | None
    ninetieth: float | None


@dataclass(frozen=True, slots=True)
class OwnerStatistics:
    """The figures of a period: the months `first` through `last` (the first day of each)."""

    first: date
    last: date
    region: RegionCode
    threshold: int
    measures: tuple[ProtectedTable, ...]
    """Measures imposed, by kind (rows) and unit, age group, initiative, month."""
    call_to_form: WaitingTimes
    to_keyed_in: tuple[WaitingTimes, ...]
    requests: tuple[LabelledCount, ...]
    extensions: tuple[LabelledCount, ...]
    refusals: tuple[LabelledCount, ...]

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """(figure, row, column, value) for CSV; a suppressed value is "..", a missing one empty."""

        def text(number: float | None) -> str:
            # one sign for the small and for what would give them away, which may be large
            return SUPPRESSED if number is None else str(number)

        for table in self.measures:
            for row in (*table.table.rows, ""):
                for column in (*table.table.columns, ""):
                    yield (
                        f"measures_by_{table.table.name}",
                        row or "total",
                        column or "total",
                        text(table.shown(row, column)),
                    )
        for name, waits in (("call_to_form", (self.call_to_form,)), ("order_to_keyed_in", self.to_keyed_in)):
            for one_wait in waits:
                yield name, one_wait.label, "over", text(one_wait.over)
                yield name, one_wait.label, "open", text(one_wait.open)
                for column, seconds in (
                    ("median_s", one_wait.median),
                    ("p90_s", one_wait.ninetieth),
                ):
                    yield name, one_wait.label, column, "" if seconds is None else f"{seconds:.0f}"
        lists = (("requests", self.requests), ("extensions", self.extensions), ("refused", self.refusals))
        for name, counted in lists:
            for count in counted:
                yield name, count.label, "", text(count.number)


async def owner_statistics(
    store: Store, books: Rulebooks, *, period: date, months: int, region: RegionCode, threshold: int
) -> OwnerStatistics:
    """Count the period that a Swedish date is in, of those of so many `months` (3, 4, 6 or 12) that a year is cut into."""
    begins = period_of(period, months)
    last = months_before(begins, 1 - months)
    ends = next_month(last)
    async with store.reading() as tx:
        found = await stored.counts(tx, midnight(begins), midnight(ends), region)
    # sums over whole tables: not while the console and the decision API wait
    return await asyncio.to_thread(
        summed_up,
        found,
        books,
        first=begins,
        last=last,
        region=region,
        threshold=threshold,
    )


def summed_up(
    found: PeriodCounts,
    books: Rulebooks,
    *,
    first: date,
    last: date,
    region: RegionCode,
    threshold: int,
) -> OwnerStatistics:
    """The figures of what was counted. A pure function."""
    bounds = age_bounds(books, region, last)
    months = [f"{month:%Y-%m}" for month in months_of(first, last)]
    tables = (
        _table("unit", ((m.kind, m.unit or "-") for m in found.imposed)),
        _table("age", ((m.kind, _group(m, bounds)) for m in found.imposed), [*age_groups(bounds), UNKNOWN]),
        _table("initiative", ((m.kind, m.initiative) for m in found.imposed)),
        _table("month", ((m.kind, f"{m.day:%Y-%m}") for m in found.imposed), months),
    )
    targets = sorted({target for target, _ in found.keyed_in})
    ends = {str(end): 0 for end in RequestEnd} | {OPEN: 0}
    for closed, number in found.requests:
        ends[closed or OPEN] = ends.get(closed or OPEN, 0) + number
    lengthened = {str(form): 0 for form in _LENGTHENING}
    for form, outcome, number in found.forms:
        if form in lengthened and outcome == Outcome.EXECUTED:
            lengthened[form] += number
    return OwnerStatistics(
        first=first,
        last=last,
        region=region,
        threshold=threshold,
        measures=protect(tables, threshold),
        call_to_form=_waits("phone", found.calls, threshold),
        to_keyed_in=tuple(
            _waits(target, [s for t, s in found.keyed_in if t == target], threshold) for target in targets
        ),
        requests=_counts(ends.items(), threshold),
        extensions=_counts(lengthened.items(), threshold),
        refusals=_counts(sorted(found.refusals, key=lambda one: (-one[1], one[0])), threshold),
    )


def months_of(first: date, last: date) -> Iterator[date]:
    """The first day of each month from the one of `first` through the one of `last`."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = next_month(month)


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def period_of(day: date, months: int) -> date:
    """The first day of the period that a date is in, of those of so many months that each year is cut into."""
    return months_before(day, (day.month - 1) % months)


def newest_over(today: date, months: int) -> date:
    """The first day of the newest period that is over on a Swedish date: what grows by the day would tell of each measure."""
    return months_before(period_of(today, months), months)


def counted_regions(books: Rulebooks, among: Collection[str] | None = None) -> list[RegionCode]:
    """The regions that are counted, each by itself, `among` some (None: all); what stands for no region comes last."""
    known = (code for code in books.regions if among is None or code in among)
    return sorted(known, key=lambda one: (books.regions[one].national, one))


def months_before(day: date, months: int) -> date:
    """The first day of the month that lies so many months before a day's."""
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def age_bounds(books: Rulebooks, region: RegionCode, on: date) -> tuple[int, ...]:
    """The ages at which groups begin: those at which access turns, by the region's rules or else the national ones."""
    ages = books.default_version(region, on).ages
    return tuple(sorted({ages.guardian_until, ages.own_account_from, ages.own_record_from, ages.of_age}))


def age_groups(bounds: Sequence[int]) -> list[str]:
    """The names of the groups that begin at birth and at each of some ages."""
    begins = [0, *bounds]
    return [
        *(f"{low}–{high - 1}" for low, high in zip(begins, bounds, strict=False)),
        f"{begins[-1]}–",
    ]


def _group(m: ImposedMeasure, bounds: Sequence[int]) -> str:
    if m.born is None:
        return UNKNOWN
    return age_groups(bounds)[sum(birthday(m.born, age) <= m.day for age in bounds)]


def _table(name: str, pairs: Iterable[tuple[str, str]], columns: Sequence[str] = ()) -> CrossTable:
    return CrossTable.of(name, ((row, column, 1) for row, column in pairs), columns)


def _counts(counted: Iterable[tuple[str, int]], threshold: int) -> tuple[LabelledCount, ...]:
    return tuple(LabelledCount(label, None if is_small(n, threshold) else n) for label, n in counted)


def _waits(label: str, seconds: Sequence[float | None], threshold: int) -> WaitingTimes:
    over = sorted(s for s in seconds if s is not None)
    left = len(seconds) - len(over)
    enough = len(over) >= max(threshold, 2)
    return WaitingTimes(
        label,
        None if is_small(len(over), threshold) else len(over),
        None if is_small(left, threshold) else left,
        median(over) if enough else None,
        quantiles(over, n=10, method="inclusive")[-1] if enough else None,
    )
