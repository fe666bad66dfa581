"""A decision is made from the measures that it can depend on: it is the decision from all of them, and costs the same after years."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigill.operations.decision_service import AccessAnswer, AccessQuery, DecisionService, Principal
from sigill.policy.access import AccessQuestion, briefly_until, decide, valid_until, viewers_of
from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Custody, Identity, Measure, PaperCopy, PatientFacts, Person, PersonVersion
from sigill.policy.needed_measures import is_needed_since
from sigill.store import facts
from sigill_contracts.vocabulary import IdType, MeasureKind, PersonId, Service, UnitId
from tests.api.histories import KNOWN, UNITS, histories, moments
from tests.kit.decision_api import RULES, START, StoredPopulation

BOOKS = RULES.books
UNIT = UNITS[0]
DAY = timedelta(days=1)
ASKER = Principal("test", None, "test")


def needed(whole: PatientFacts, since: datetime) -> PatientFacts:
    return replace(whole, measures=tuple(m for m in whole.measures if is_needed_since(m, since)))


@st.composite
def pasts(draw: st.DrawFn) -> PatientFacts:
    """As `histories`, with measures that were called off before their day, and copies on paper that were refused or given."""
    whole = draw(histories())
    people = sorted(whole.people)
    made = []
    for drawn in whole.measures:
        m = drawn
        if draw(st.integers(0, 4)) == 0:
            m = replace(m, valid_to=m.valid_from - draw(st.integers(1, 900)) * DAY, released=True)
        if draw(st.booleans()):
            copy = frozenset({PaperCopy(m.orders[0], draw(st.sampled_from(people)), date(2026, 1, 1))})
            given_or_not = draw(st.sampled_from(["copies", "copies_refused"]))
            m = replace(m, **{given_or_not: copy})
        made.append(m)
    return replace(whole, measures=tuple(made))


@given(pasts(), moments, st.lists(st.integers(0, 3000), max_size=2), st.none() | st.dates())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_not_needed_says_nothing_to_a_decision(
    whole: PatientFacts, since: datetime, later: list[int], recorded_on: date | None
) -> None:
    """At that instant and later ones: the answer with every reason, and until when it may be kept, by whom."""
    few = needed(whole, since)
    assert set(viewers_of(few)) == set(viewers_of(whole))
    ends = [end for m in whole.measures for end in (m.valid_from, m.valid_to) if end and end >= since]
    for at in {since, *(since + days * DAY for days in later), *ends[:2]}:
        assert valid_until(few, at, BOOKS) == valid_until(whole, at, BOOKS)
        for viewer in (None, *whole.people):
            for service in Service:
                for unit in (None, *UNITS):
                    q = AccessQuestion(viewer, service, at, unit, recorded_on)
                    assert decide(q, few, BOOKS) == decide(q, whole, BOOKS)
                    assert briefly_until(q, few, BOOKS) == briefly_until(q, whole, BOOKS)


def _person(name: str, number: int, **told: object) -> Person:
    identity = Identity(IdType.PERSONNUMMER, f"1980010{number}T00{number}")
    version = PersonVersion(KNOWN - 4000 * DAY, identity, county="07", **told)  # type: ignore[arg-type]
    return Person(PersonId(name), name, BirthDate.parse("1980-01-01"), (version,))


def test_a_guardian_whom_an_ended_block_names_may_still_be_the_unknown_one() -> None:
    """The stricter holds: a protected guardian of before may be whoever is a guardian under a number that nobody has told of."""
    child = replace(
        _person("child", 1, custody=(Custody(PersonId("unknown")),)), birth=BirthDate.parse("2018-01-01")
    )
    unknown = replace(_person("unknown", 2), registered=False)
    before = _person("before", 3, protected=True)
    people = {p.person_id: p for p in (child, unknown, before)}
    block = Measure(
        *(
            "00000000-0000-0000-0000-000000000001",
            child.person_id,
            MeasureKind.GUARDIAN_BLOCK,
            "kronoberg",
            "care",
        ),
        *((), (Service.JOURNAL,), KNOWN - 90 * DAY, KNOWN - 30 * DAY),
        guardians=(before.person_id,),
        released=True,
    )  # type: ignore[call-overload,misc,arg-type]
    whole = PatientFacts(child, people, (block,))
    asked = AccessQuestion(unknown.person_id, Service.JOURNAL, KNOWN)
    assert "protected_identity" in decide(asked, whole, BOOKS).codes
    assert decide(asked, needed(whole, KNOWN), BOOKS) == decide(asked, whole, BOOKS)
    without = replace(whole, measures=())
    assert "protected_identity" not in decide(asked, without, BOOKS).codes


def _over(child: Person, kind: MeasureKind, begins: datetime, ends: datetime) -> Measure:
    return Measure(
        *("00000000-0000-0000-0000-000000000002", child.person_id, kind, "kronoberg", "care", ()),
        *((Service.JOURNAL,), begins, ends),
    )  # type: ignore[call-overload,misc,arg-type]


def test_a_grant_that_ran_out_years_ago_is_still_the_reason() -> None:
    young = replace(_person("young", 1), birth=BirthDate.parse("2012-01-01"))
    grant = _over(young, MeasureKind.MINOR_GRANT, KNOWN - 400 * DAY, KNOWN - 300 * DAY)
    whole = PatientFacts(young, {young.person_id: young}, (grant,))
    asked = AccessQuestion(young.person_id, Service.JOURNAL, KNOWN)
    assert "grant_expired" in decide(asked, whole, BOOKS).codes
    assert decide(asked, needed(whole, KNOWN), BOOKS) == decide(asked, whole, BOOKS)


def test_the_day_of_what_was_called_off_before_it_is_still_told() -> None:
    adult = _person("adult", 1)
    seal = _over(adult, MeasureKind.JOURNAL_SEAL, KNOWN + 9 * DAY, KNOWN - DAY)
    whole = PatientFacts(adult, {adult.person_id: adult}, (seal,))
    assert valid_until(whole, KNOWN, BOOKS) == KNOWN + 9 * DAY
    assert valid_until(needed(whole, KNOWN), KNOWN, BOOKS) == KNOWN + 9 * DAY


async def _sealed_and_released(population: StoredPopulation, times: int) -> None:
    for _ in range(times):
        seal = await population.measure("vera", MeasureKind.JOURNAL_SEAL, units=frozenset({UNIT}))
        population.clock.advance(timedelta(hours=1))
        await population.release(seal)
        population.clock.advance(timedelta(hours=1))


async def _family(population: StoredPopulation) -> None:
    await population.person("gun", "1985-01-01")
    await population.person("vera", "2016-05-05", ["gun"])


def _asked(population: StoredPopulation, unit: UnitId | None = UNIT, **at: datetime) -> AccessQuery:
    return AccessQuery(population.numbers["vera"], population.numbers["gun"], Service.JOURNAL, unit, **at)


async def _answer(desk: DecisionService, asked: AccessQuery) -> AccessAnswer:
    (answer,) = await desk.ask([asked], ASKER)
    return answer


async def test_a_decision_makes_as_many_measures_after_many_orders_as_after_few(
    population: StoredPopulation,
) -> None:
    """Whatever else was sealed and released before."""
    await _family(population)
    made = []
    for times in (1, 30):
        await _sealed_and_released(population, times)
        standing = await population.measure("vera", MeasureKind.JOURNAL_SEAL, units=frozenset({UNIT}))
        async with DecisionService(population.store, RULES, population.clock, instance="new") as desk:
            answer = await _answer(desk, _asked(population))
        assert answer.decision.codes == ("journal_seal",)
        assert answer.facts is not None
        made.append(len(answer.facts.measures))
        await population.release(standing)
        population.clock.advance(timedelta(hours=1))
    assert made == [1, 1]


async def test_a_question_about_the_past_is_answered_by_every_measure(population: StoredPopulation) -> None:
    """By a process whose copy was made for the present, too, and in one look with a question about the present."""
    await _family(population)
    before = population.clock.now()
    await _sealed_and_released(population, 2)
    then = before + timedelta(minutes=30)
    async with DecisionService(population.store, RULES, population.clock, instance="one") as desk:
        assert (await _answer(desk, _asked(population))).decision.allowed
        past = await _answer(desk, _asked(population, as_of=then))
        assert (past.decision.allowed, past.decision.codes) == (False, ("journal_seal",))
        assert past.until == before + timedelta(hours=1)
        known = await _answer(desk, _asked(population, known_at=then))
        assert not known.decision.allowed
    async with DecisionService(population.store, RULES, population.clock, instance="two") as desk:
        both = await desk.ask([_asked(population), _asked(population, as_of=then)], ASKER)
        assert [one.decision.allowed for one in both] == [True, False]


async def test_what_goes_on_after_it_was_over_is_seen_by_the_very_next_question(
    population: StoredPopulation,
) -> None:
    """A release that is taken back: the measure was not among those that the copy holds."""
    await _family(population)
    seal = await population.measure("vera", MeasureKind.JOURNAL_SEAL, units=frozenset({UNIT}))
    over = await population.release(seal)
    population.clock.advance(timedelta(hours=1))
    async with DecisionService(population.store, RULES, population.clock, instance="one") as desk:
        answer = await _answer(desk, _asked(population))
        assert answer.decision.allowed
        assert answer.facts is not None
        assert answer.facts.measures == ()
        await population.write(replace(over, version=over.version + 1, valid_to=None, released=False))
        assert (await _answer(desk, _asked(population))).decision.codes == ("journal_seal",)


async def test_the_store_hands_out_exactly_what_is_needed(population: StoredPopulation) -> None:
    """Of every kind, over and not, called off and to come; at every instant around their ends, with everybody who is named."""
    await _family(population)
    gun = population.ids["gun"]
    now = START
    for kind in MeasureKind:
        for begins, ends in ((-9, None), (-9, -3), (-9, 3), (2, None), (2, 5), (5, -3)):
            for named in ({}, {"guardians": (gun,)}, {"guardians_except": (gun,)}, {"viewer": gun}):
                await population.measure(
                    "vera",
                    kind,
                    valid_from=now + begins * DAY,
                    valid_to=None if ends is None else now + ends * DAY,
                    **named,
                )
    vera = population.ids["vera"]
    async with population.store.reading() as tx:
        whole = (await facts.patient_facts(tx, [vera]))[vera]
        for days in (-10, -3, 0, 2, 3, 5, 9):
            since = now + days * DAY
            few = (await facts.patient_facts(tx, [vera], since=since))[vera]
            assert few.measures == needed(whole, since).measures
            assert few.people == whole.people
        assert len(few.measures) < len(whole.measures)
        with pytest.raises(ValueError, match="past"):
            await facts.patient_facts(tx, [vera], since=now, known_at=now)
