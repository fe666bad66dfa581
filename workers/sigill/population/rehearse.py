"""
What birthdays and end dates will do: how many accesses open, close and expire on each day, without changing anything.

Residents of whom everything is alike are judged once and counted as many; those with measures are judged one by one.
Both by the decision that answers every question about access, at the instants at which it may change by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from sigill.policy.access import access_matrix, differences
from sigill.policy.calendar import end_of, midnight, swedish_date
from sigill.policy.facts import PatientFacts
from sigill.policy.rulebook import Ages, Rulebooks
from sigill.population.examples import (
    adults,
    ages_in,
    ages_of,
    counties_of,
    eldest_of,
    example,
    moments,
    role_of,
    years_before,
)
from sigill.store import census
from sigill.store import facts as stored
from sigill.store.session import Reading
from sigill_contracts.vocabulary import AccessReason, PersonId, RegionCode, Service

_INSTANT = timedelta(microseconds=1)
_BATCH = 1_000
Event = Literal["opens", "closes", "expires"]


class RehearsalLine(NamedTuple):
    """
    A kind of change on a Swedish date. `region` is that of the patient's county, empty where no rulebook is loaded.

    `expires` is a grant that runs out by itself; `because` is the access reason that holds from then on.
    """

    day: date
    region: str
    event: Event
    who: str
    service: Service
    because: AccessReason


@dataclass(frozen=True)
class Rehearsal:
    """How many accesses change, by kind and day; how many residents were judged as groups and how many singly."""

    first: date
    last: date
    lines: Mapping[RehearsalLine, int]
    groups: int
    in_groups: int
    singly: int

    @property
    def ordered(self) -> list[tuple[RehearsalLine, int]]:
        """The lines by day, region, event, who, service and reason."""
        return sorted(self.lines.items())


async def rehearse(
    tx: Reading,
    books: Rulebooks,
    first: date,
    last: date,
    *,
    region: RegionCode | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Rehearsal:
    """
    Count what changes from `first` through `last` (Swedish dates, inclusive), as things are known in the snapshot.

    `told` hears of each step. The register's and the orders' own changes of that time are of course unknown.
    """
    await census.prepare(tx)
    ages = ages_of(books)
    begins = midnight(first)
    told("finding those to be judged one by one")
    singular = await census.singular(tx, begins)
    told(f"counting residents by birth date, custody and identity; {len(singular)} apart")
    counties = counties_of(books)
    only = None if region is None else [county for county, code in counties.items() if code == region]
    cut = years_before(first, eldest_of(books) + 1) - timedelta(days=2)
    rules_change = _rules_change(books, first, last)
    births = [(cut, last)] if rules_change else _births(ages, first, last)
    groups = await census.groups(tx, counties, first, births, left_out=singular, only=only)
    everywhere = {RegionCode(""), *counties.values()}
    if rules_change and any(
        any(changes(example(group, books), books, first, last, ages)) for group in adults(everywhere)
    ):
        told("counting those of age: other rules for them come into force")
        groups += await census.grown(tx, counties, first, cut, left_out=singular, only=only)
    lines: Counter[RehearsalLine] = Counter()
    told(f"judging {len(groups)} groups")
    for group in groups:
        for line in changes(example(group, books), books, first, last, ages):
            lines[line] += group.residents
    for place in range(0, len(singular), _BATCH):
        told(f"judging one by one: {place} of {len(singular)}")
        batch = singular[place : place + _BATCH]
        for facts in (await _facts(tx, batch)).values():
            lines.update(changes(facts, books, first, last, ages))
    kept = {line: count for line, count in lines.items() if region is None or line.region == region}
    return Rehearsal(first, last, kept, len(groups), sum(g.residents for g in groups), len(singular))


async def _facts(tx: Reading, batch: Sequence[PersonId]) -> dict[PersonId, PatientFacts]:
    found = await stored.patient_facts(tx, batch, units=[])
    # a surrogate that became part of another person is answered as that person, who may be in the batch too
    return {
        facts.patient.person_id: facts for asked, facts in found.items() if asked == facts.patient.person_id
    }


def changes(
    facts: PatientFacts, books: Rulebooks, first: date, last: date, ages: tuple[Ages, ...]
) -> Iterator[RehearsalLine]:
    """
    Return what changes by itself about a patient's access in the period, one line for each viewer and service.

    Several units of one viewer that change alike at the same instant are one line.
    """
    begin, end = midnight(first), end_of(last)
    for moment in sorted({m for m in moments(facts, ages, books) if begin <= m < end}):
        yield from _at(facts, books, moment)


def _at(facts: PatientFacts, books: Rulebooks, moment: datetime) -> Iterator[RehearsalLine]:
    before = access_matrix(facts, moment - _INSTANT, books)
    found: dict[tuple[PersonId, RehearsalLine], None] = {}
    region = books.region_of_county(facts.patient.at(moment).county) or ""
    for difference in differences(before, access_matrix(facts, moment, books)):
        codes = difference.now.codes
        event: Event = "opens" if difference.gained else "closes"
        because = codes[0]
        if not difference.gained and AccessReason.GRANT_EXPIRED in codes:
            event, because = "expires", AccessReason.GRANT_EXPIRED
        line = RehearsalLine(
            swedish_date(moment), region, event, role_of(facts, difference), difference.service, because
        )
        found[difference.viewer, line] = None
    for _, line in found:
        yield line


def _rules_change(books: Rulebooks, first: date, last: date) -> bool:
    """Whether other ages come into force in the period: then others may be touched than those who have a birthday."""
    for region in books.regions.values():
        for version in region.versions:
            if first <= version.since <= last:
                before = books.default_version(RegionCode(region.region), version.since - timedelta(days=1))
                if before.ages != version.ages:
                    return True
    return False


def _births(ages: tuple[Ages, ...], first: date, last: date) -> list[tuple[date, date]]:
    """Return the births that reach any age in the period, a day more at either end for leap days."""
    years = sorted({years for age in ages for years in ages_in(age)})
    return [(years_before(first, y) - timedelta(2), years_before(last, y) + timedelta(2)) for y in years]
