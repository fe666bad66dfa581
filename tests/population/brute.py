"""The slow way: every person, every day, every answer; and measures of every kind for many persons."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg

from sigill.policy.access import access_matrix, differences
from sigill.policy.calendar import midnight
from sigill.policy.facts import Measure, PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill.population.examples import role_of
from sigill.population.rehearse import RehearsalLine
from sigill.store import facts, measures
from sigill.store.session import Reading, Tx
from sigill_contracts.vocabulary import (
    AccessReason,
    Initiative,
    MeasureId,
    MeasureKind,
    OrderId,
    PersonId,
    RegionCode,
    Service,
    UnitId,
)

PAST = datetime(2026, 6, 1, 8, tzinfo=UTC)


async def everybody(tx: Reading) -> list[PatientFacts]:
    ids = [PersonId(str(row["person_id"])) for row in await tx.fetch("SELECT person_id FROM person")]
    return list((await facts.patient_facts(tx, ids, units=[])).values())


def day_by_day(
    patients: Iterable[PatientFacts], books: Rulebooks, first: date, last: date
) -> Counter[RehearsalLine]:
    """Compare each day's picture with the picture an instant before it, for each patient."""
    found: Counter[RehearsalLine] = Counter()
    for patient in patients:
        day = first
        while day <= last:
            found.update(_of_day(patient, books, day))
            day += timedelta(1)
    return found


def _of_day(patient: PatientFacts, books: Rulebooks, day: date) -> Iterator[RehearsalLine]:
    at = midnight(day)
    before, after = (
        access_matrix(patient, at - timedelta(microseconds=1), books),
        access_matrix(patient, at, books),
    )
    lines = set()
    for one in differences(before, after):
        event = "opens" if one.gained else "closes"
        because = one.now.codes[0]
        if event == "closes" and AccessReason.GRANT_EXPIRED in one.now.codes:
            event, because = "expires", AccessReason.GRANT_EXPIRED
        region = books.region_of_county(patient.patient.at(at).county) or ""
        lines.add(
            (one.viewer, RehearsalLine(day, region, event, role_of(patient, one), one.service, because))
        )  # type: ignore[arg-type]
    yield from (line for _, line in sorted(lines))


def some_measures(patients: list[PatientFacts], first: date, count: int, seed: int = 1) -> list[Measure]:
    """Measures of every kind, with ends, ages, units and starts in the weeks from `first` on, for `count` patients."""
    dice = random.Random(seed)
    youngest = sorted(patients, key=lambda p: p.patient.birth, reverse=True)
    # a third of them among the young, of whom as many stay without
    young, others = youngest[: 2 * count // 3], youngest[2 * count // 3 :]
    chosen = dice.sample(young, count // 3) + dice.sample(others, count - count // 3)
    return [m for place, p in enumerate(chosen) for m in _of_patient(p, place, first, dice, patients)]


def _of_patient(
    p: PatientFacts, place: int, first: date, dice: random.Random, everybody: list[PatientFacts]
) -> Iterator[Measure]:
    who = p.patient.person_id
    guardians = tuple(c.guardian for c in p.patient.latest.custody if c.guardian)
    unit = frozenset({UnitId(f"SE2321000099-{place % 3}")})
    for part in range(dice.choice((1, 1, 2, 3))):
        kind = dice.choice(tuple(MeasureKind))
        starts = dice.choice((PAST, PAST, midnight(first + timedelta(dice.randrange(-5, 60)))))
        ends = dice.choice((None, midnight(first + timedelta(dice.randrange(-5, 60)))))
        if ends is not None and ends <= starts:
            ends = starts + timedelta(days=1)
        m = Measure(
            measure_id=MeasureId(str(UUID(int=place * 10 + part + 1))),
            patient=who,
            kind=kind,
            region=RegionCode("kronoberg"),
            initiative=Initiative.CARE,
            orders=(OrderId(str(UUID(int=place * 10 + part + 1))),),
            services=(Service.JOURNAL, Service.E_SERVICES) if part % 2 else (Service.JOURNAL,),
            valid_from=starts,
            valid_to=ends,
            ends_at_age=dice.choice((None, 13, 16, 18)),
            units=dice.choice((None, unit)),
            guardians=dice.choice((None, guardians[:1] or None)),
            rules=("KR-01",),
            rulebook="2025-05-01",
        )
        if kind is MeasureKind.REPRESENTATIVE_GRANT:
            m = replace(m, viewer=dice.choice(everybody).patient.person_id)
        yield m


async def impose(conn: asyncpg.Connection[asyncpg.Record], given: list[Measure]) -> None:
    async with conn.transaction():
        await measures.append(Tx(conn, PAST), given)
