"""
A resident of a group as the rules see one: whoever stands for many is judged by the very code that judges each.

So no rule about ages, e-IDs or protected identity is written twice.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from itertools import product

from sigill.policy.access import Difference
from sigill.policy.calendar import CUSTODY_ENDS_AT, BirthDate, age_begins, midnight
from sigill.policy.facts import Custody, Identity, PatientFacts, Person, PersonVersion
from sigill.policy.rulebook import Ages, Rulebooks
from sigill.store.census import Group, Kin
from sigill_contracts.vocabulary import IdType, MeasureKind, PersonId, RegionCode

PATIENT = PersonId("0")
_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
_GROWN = BirthDate.parse("1900")


def example(group: Group, books: Rulebooks) -> PatientFacts:
    """Return a resident like those of the group, with the same guardians."""
    counties = counties_of(books)
    county = next((county for county, region in counties.items() if region == group.region), None)
    kin = {PersonId(str(place)): relative for place, relative in enumerate(group.guardians, start=1)}
    now = PersonVersion(
        _LONG_AGO,
        Identity(group.id_type, ""),
        county=county,
        protected=group.protected,
        has_e_id=group.has_e_id,
        custody=tuple(Custody(guardian) for guardian in kin),
    )
    patient = Person(PATIENT, "", group.birth, (now,))
    return PatientFacts(
        patient, {person_id: _guardian(person_id, relative) for person_id, relative in kin.items()}
    )


def _guardian(person_id: PersonId, kin: Kin) -> Person:
    id_type = IdType.RESERVNUMMER if kin.reserve_number else IdType.PERSONNUMMER
    now = PersonVersion(
        _LONG_AGO,
        Identity(id_type, ""),
        protected=kin.protected,
        has_e_id=kin.has_e_id,
        died_on=date(1901, 1, 1) if kin.dead else None,
    )
    return Person(person_id, "", _GROWN, (now,))


def counties_of(books: Rulebooks) -> dict[str, RegionCode]:
    """Return every county that has a region of its own."""
    return {
        county: RegionCode(region.region)
        for region in books.regions.values()
        if not region.national
        for county in region.counties
    }


def role_of(facts: PatientFacts, difference: Difference) -> str:
    """Say in which role somebody gains or loses access: `own`, `guardian` or `representative`."""
    if difference.viewer == facts.patient.person_id:
        return "own"
    custody = (part.guardian for version in facts.patient.versions for part in version.custody)
    if difference.viewer in custody:
        return "guardian"
    appointed = any(
        m.kind is MeasureKind.REPRESENTATIVE_GRANT and m.viewer == difference.viewer for m in facts.measures
    )
    return "representative" if appointed else "guardian"


def moments(facts: PatientFacts, ages: tuple[Ages, ...], books: Rulebooks) -> Iterator[datetime]:
    """
    Return every instant (UTC, in no order) at which an answer about the patient may change by itself.

    Birthdays by any of `ages`, both bounds of an uncertain birth date; starts and ends of measures; what the register
    says of the patient and those around; versions of the rulebooks.
    """
    birth = facts.patient.birth
    for bounds in ages:
        for age in ages_in(bounds):
            for latest in (False, True):
                yield age_begins(birth, age, latest=latest, leap_day_on_28th=bounds.leap_day_on_28th)
    for age in (CUSTODY_ENDS_AT, *(m.ends_at_age for m in facts.measures if m.ends_at_age is not None)):
        yield age_begins(birth, age)
        yield age_begins(birth, age, latest=True)
    for m in facts.measures:
        yield m.valid_from
        if end := m.ends_at(birth):
            yield end
    for person in (facts.patient, *facts.people.values()):
        for version in person.versions:
            yield version.valid_from
            if version.died_on:
                yield midnight(version.died_on)
    for version in facts.patient.versions:
        for custody in version.custody:
            yield from (midnight(day) for day in (custody.from_date, custody.to_date) if day)
    for region in books.regions.values():
        yield from (midnight(version.since) for version in region.versions)


def ages_of(books: Rulebooks) -> tuple[Ages, ...]:
    """Return every set of ages that any version of any rulebook has."""
    return tuple({version.ages: None for region in books.regions.values() for version in region.versions})


def ages_in(ages: Ages) -> frozenset[int]:
    """Return the ages, in whole years, at which something begins or ends; that at which custody ends by law too."""
    return frozenset(
        (ages.guardian_until, ages.own_account_from, ages.own_record_from, ages.of_age, CUSTODY_ENDS_AT)
    )


def years_before(day: date, years: int) -> date:
    """Return the same day so many years before; 28 for 29 February."""
    return date(day.year - years, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


def eldest_of(books: Rulebooks) -> int:
    """Return the highest age, in whole years, at which anything begins or ends."""
    return max(years for age in ages_of(books) for years in ages_in(age))


def adults(regions: Collection[RegionCode]) -> Iterator[Group]:
    """Return adults of every sort that the rules can tell apart, one of each."""
    for region, id_type, protected, has_e_id in product(regions, IdType, (False, True), (False, True)):
        yield Group(region, _GROWN, id_type, protected, has_e_id, (), 1)
