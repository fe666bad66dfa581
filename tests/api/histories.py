"""Random families with random histories, for properties that must hold whatever happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Custody, Identity, Measure, PatientFacts, Person, PersonVersion
from sigill_contracts.vocabulary import (
    IdType,
    Initiative,
    MeasureId,
    MeasureKind,
    OrderId,
    PersonId,
    RegionCode,
    Service,
    UnitId,
)
from tests.kit.decision_api import key_of

KNOWN = datetime(2026, 3, 1, 8, tzinfo=UTC)
UNITS = (UnitId("SE9999999999-U1"), UnitId("SE9999999999-U2"), UnitId("SE9999999999-U3"))
REGIONS = (RegionCode("kronoberg"), RegionCode("vastra-gotaland"), RegionCode("jamtland-harjedalen"))
COUNTIES = ("07", "08", "14", "23", "01", None)

days = st.integers(-4000, 3000).map(lambda n: (KNOWN + timedelta(days=n)).date())
moments = st.integers(-4000 * 24, 3000 * 24).map(lambda hours: KNOWN + timedelta(hours=hours))
past = st.integers(-4000, 0).map(lambda n: KNOWN + timedelta(days=n))
births = st.one_of(
    st.dates(date(2005, 1, 1), date(2026, 2, 1)).map(lambda d: BirthDate(d, d)),
    st.integers(2006, 2020).map(lambda year: BirthDate.parse(str(year))),
    st.sampled_from(["2012-02-29", "2013-03", "1980-05-05"]).map(BirthDate.parse),
)


def identity(number: int, kind: IdType) -> Identity:
    return Identity(kind, f"2000010{number}T{number:03d}")


@st.composite
def persons(
    draw: st.DrawFn, number: int, birth: BirthDate, custody: tuple[tuple[Custody, ...], ...] = ()
) -> Person:
    who = identity(number, draw(st.sampled_from(list(IdType))))
    starts = sorted(draw(st.lists(past, min_size=1, max_size=2, unique=True)))
    versions = tuple(
        PersonVersion(
            valid_from=start,
            identity=who,
            county=draw(st.sampled_from(COUNTIES)),
            protected=draw(st.integers(0, 5)) == 0,
            has_e_id=draw(st.integers(0, 5)) != 0,
            custody=custody[place % len(custody)] if custody else (),
            died_on=draw(st.none() | days) if draw(st.integers(0, 5)) == 0 else None,
        )
        for place, start in enumerate(starts)
    )
    registered = draw(st.integers(0, 7)) != 0
    return Person(PersonId(key_of(who.number)), key_of(who.number), birth, versions, registered=registered)


@st.composite
def custodies(draw: st.DrawFn, guardians: list[PersonId]) -> tuple[Custody, ...]:
    named = draw(st.lists(st.sampled_from(guardians), max_size=3, unique=True))
    return tuple(Custody(one, draw(st.none() | days), draw(st.none() | days)) for one in named)


@st.composite
def measures(draw: st.DrawFn, number: int, patient: PersonId, people: list[PersonId]) -> Measure:
    kind = draw(st.sampled_from(list(MeasureKind)))
    start = draw(moments)
    units = draw(st.none() | st.sets(st.sampled_from(UNITS), min_size=1).map(frozenset))
    some = st.lists(st.sampled_from(people), min_size=1, unique=True).map(tuple)
    guardians = draw(st.none() | some)
    of_guardians = kind in (MeasureKind.GUARDIAN_BLOCK, MeasureKind.GUARDIAN_RESTRICTION)
    left_out = draw(st.just(()) | some) if of_guardians and guardians is None else ()
    dated = kind is MeasureKind.JOURNAL_SEAL and units is not None
    return Measure(
        measure_id=MeasureId(str(UUID(int=number + 1))),
        patient=patient,
        kind=kind,
        region=draw(st.sampled_from(REGIONS)),
        initiative=draw(st.sampled_from([Initiative.CARE, Initiative.RESIDENT])),
        orders=(OrderId(str(UUID(int=100 + number))),),
        services=tuple(draw(st.sets(st.sampled_from(list(Service)), min_size=1))),
        valid_from=start,
        valid_to=draw(st.none() | st.integers(1, 2000).map(lambda n: start + timedelta(days=n))),
        ends_at_age=draw(st.sampled_from([None, None, 13, 16, 18])),
        units=units,
        recorded_from=draw(st.none() | days) if dated else None,
        recorded_to=draw(st.none() | days) if dated else None,
        guardians=guardians if not kind.opens or kind is MeasureKind.GUARDIAN_GRANT else None,
        guardians_except=left_out,
        viewer=draw(st.sampled_from(people)) if kind is MeasureKind.REPRESENTATIVE_GRANT else None,
        released=draw(st.booleans()),
        rules=("KR-17",),
    )


@st.composite
def histories(draw: st.DrawFn) -> PatientFacts:
    """A patient as it may stand after any orders and any words of the register, known at KNOWN."""
    around = [
        draw(persons(n, BirthDate.parse(draw(st.sampled_from(["1980-01-01", "1975", "2008-06-06"])))))
        for n in range(1, 5)
    ]
    ids = [person.person_id for person in around]
    custody = tuple(draw(st.lists(custodies(ids[:3]), min_size=1, max_size=2)))
    patient = draw(persons(0, draw(births), custody))
    found = tuple(draw(measures(n, patient.person_id, ids)) for n in range(draw(st.integers(0, 4))))
    regions = {unit: draw(st.sampled_from(REGIONS)) for unit in UNITS[:2]}
    named = {c.guardian for version in patient.versions for c in version.custody}
    named |= {one for m in found for one in (m.viewer, *(m.guardians or ()), *m.guardians_except)}
    # as the store has it: nobody whom neither custody nor a measure names
    people = {p.person_id: p for p in (patient, *around) if p is patient or p.person_id in named}
    return PatientFacts(patient, people, found, regions)
