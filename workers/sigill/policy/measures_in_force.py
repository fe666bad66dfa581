"""
Standing measures: what a state that the register shows must have shut, without any order (X-09, X-10).

A pure function of a patient, what the register says of the family, the rulebooks and a moment. It never asks what
has changed, so a mark, a move, a birth, a correction, a first load and the day that rules begin give the same answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sigill.policy.calendar import age_begins, midnight, swedish_date
from sigill.policy.facts import Measure, PatientFacts, Person
from sigill.policy.rulebook import Extra, Region, Rulebooks, StandingRule, Version
from sigill_contracts.vocabulary import Initiative, MeasureId, PersonId, RegionCode


@dataclass(frozen=True, slots=True)
class WantedMeasure:
    """A measure that a region's rulebook wants in force for a patient, with the rule and the version that say so."""

    region: RegionCode
    version: Version
    rule: StandingRule
    imposes: Extra


def last_known_county(person: Person, at: datetime) -> str | None:
    """
    The county of residence at an instant (UTC), as the register last told it; None: it never has.

    A register that withholds the county of a protected person, or does not know it, does not move that person. Nor
    does an emigration: only another county does.
    """
    until_then = [v for v in person.versions if v.valid_from <= at] or [person.versions[0]]
    told = (v.county or v.last_county for v in reversed(until_then))
    return next((county for county in told if county is not None), None)


def marked_guardians(facts: PatientFacts, at: datetime) -> frozenset[PersonId]:
    """The guardians at an instant (UTC) whose personal data the register has marked as protected."""
    people = ((guardian, facts.person(guardian)) for guardian in facts.patient.guardians_at(at))
    return frozenset(g for g, person in people if person is not None and is_marked(person, at))


def is_marked(person: Person, at: datetime) -> bool:
    """Whether the register protects a person's data at an instant (UTC): sekretessmarkering, skyddad folkbokföring."""
    return person.registered and person.at(at).protected


def was_marked(person: Person, since: datetime, until: datetime) -> bool:
    """Whether the register has protected a person's data at any instant (UTC) from `since` through `until`."""
    between = (v.valid_from for v in person.versions if since < v.valid_from <= until)
    return any(is_marked(person, moment) for moment in (since, *between))


def rule_holds(rule: StandingRule, version: Version, facts: PatientFacts, at: datetime) -> bool:
    """
    Whether the state that a rule names holds for a patient at an instant (UTC), wherever the patient lives.

    False for a rule about an event, and for the dead. With an uncertain birth date the patient is young until the
    latest possible birthday, which shows less. A guardian's mark counts while the child itself is not marked.
    """
    patient = facts.patient
    if rule.state is None or not patient.registered or patient.has_died(at):
        return False
    if rule.patient_under is not None:
        leap = version.ages.leap_day_on_28th
        if age_begins(patient.birth, rule.patient_under, latest=True, leap_day_on_28th=leap) <= at:
            return False
    if rule.state == "protected_patient":
        return is_marked(patient, at)
    return not is_marked(patient, at) and bool(marked_guardians(facts, at))


def states_that_hold(
    facts: PatientFacts, at: datetime, books: Rulebooks
) -> Iterator[tuple[RegionCode, Version, StandingRule]]:
    """The state rules that hold for a patient at an instant (UTC), of the region where the patient lives."""
    region = books.region_of_county(last_known_county(facts.patient, at))
    version = books.version(region, swedish_date(at)) if region else None
    if region is None or version is None:
        return
    for rule in version.standing:
        if rule_holds(rule, version, facts, at):
            yield region, version, rule


def wanted_measures(facts: PatientFacts, at: datetime, books: Rulebooks) -> tuple[WantedMeasure, ...]:
    """The measures that must be in force for a patient at an instant (UTC) by the state that the register shows."""
    return tuple(
        WantedMeasure(region, version, rule, extra)
        for region, version, rule in states_that_hold(facts, at, books)
        for extra in rule.imposes
    )


def missing_measures(facts: PatientFacts, at: datetime, books: Rulebooks) -> tuple[WantedMeasure, ...]:
    """
    The wanted measures that the register has not imposed, or that are over, at an instant (UTC).

    A measure that a unit has decided on does not stand in for one of them: the unit may lift its own.
    """
    birth = facts.patient.birth
    standing = {
        (m.region, m.kind)
        for m in facts.measures
        if m.initiative is Initiative.REGISTER and m.in_force(at, birth)
    }
    return tuple(w for w in wanted_measures(facts, at, books) if (w.region, w.imposes.kind) not in standing)


def regions_in_doubt(
    facts: PatientFacts, at: datetime, books: Rulebooks
) -> tuple[tuple[RegionCode, Version, StandingRule], ...]:
    """
    The state rules that would hold, were the patient a resident of their region, when no county was ever told.

    Empty as soon as a county is known. People must find out where the patient lives.
    """
    if last_known_county(facts.patient, at) is not None:
        return ()
    day = swedish_date(at)
    versions = ((code, books.version(code, day)) for code in sorted(books.regions))
    return tuple(
        (code, version, rule)
        for code, version in versions
        if version is not None
        for rule in version.standing
        if rule.imposes and rule_holds(rule, version, facts, at)
    )


def rules_beginning(
    books: Rulebooks, after: datetime, until: datetime
) -> tuple[tuple[datetime, RegionCode], ...]:
    """
    Each instant (UTC) after `after`, and `until` at the latest, at which a region's version with state rules begins.

    In order of time. Every person of the register is looked at again then.
    """
    found = (
        (midnight(version.since), RegionCode(region.region))
        for region in books.regions.values()
        for version in region.versions
        if any(rule.state for rule in version.standing)
    )
    return tuple(sorted((moment, region) for moment, region in found if after < moment <= until))


def state_holds(measure: Measure, facts: PatientFacts, at: datetime, region: Region) -> bool:
    """
    Whether a state still wants this measure of the register at an instant (UTC), so that nothing may end it (X-10).

    `region` is the rulebook of the measure's region. False for a measure that anybody else imposed; false once the mark
    is gone, the age is reached or the patient lives elsewhere, though the measure goes on until staff order its end.
    """
    if measure.initiative is not Initiative.REGISTER or measure.region != region.region:
        return False
    version = region.in_force(swedish_date(at))
    if version is None or last_known_county(facts.patient, at) not in region.counties:
        return False
    return any(
        extra.kind is measure.kind
        for rule in version.standing
        if rule_holds(rule, version, facts, at)
        for extra in rule.imposes
    )


def held_by_state(facts: PatientFacts, at: datetime, books: Rulebooks) -> frozenset[MeasureId]:
    """
    The register's own measures that nothing may end at an instant (UTC), while the state that wants them holds (X-10).

    Each is judged by its own region's rulebook, whichever region asks.
    """
    return frozenset(
        m.measure_id
        for m in facts.measures
        if (region := books.regions.get(m.region)) is not None and state_holds(m, facts, at, region)
    )
