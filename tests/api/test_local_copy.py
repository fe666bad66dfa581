"""The local copy answers as the core does from the store's facts, whatever happened before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigill.client import LocalCopy, NotHere, TooEarly, follow
from sigill.embedded import EmbeddedKafka
from sigill.policy.access import (
    AccessQuestion,
    Decision,
    counting,
    decide,
    turns,
    units_of,
    valid_until,
    viewers_of,
)
from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Custody, Identity, Measure, PaperCopy, PatientFacts, Person, PersonVersion
from sigill.policy.timeline import TimelineStep, timeline, timeline_page
from sigill.processing.state_snapshot import state_of, strictest
from sigill.stream.connection import Connection
from sigill.stream.producer import LARGEST_BODY
from sigill_contracts.directory import Assignment, StaffRecord
from sigill_contracts.order import PersonRef
from sigill_contracts.state import PatientState
from sigill_contracts.topics import ELSEWHERE, STAFF, STATE
from sigill_contracts.topics import UNITS as UNITS_TOPIC
from sigill_contracts.vocabulary import (
    IdType,
    Initiative,
    MeasureId,
    MeasureKind,
    OrderId,
    PersonId,
    RegionCode,
    Role,
    Service,
    UnitId,
)
from tests.api.histories import KNOWN, UNITS, histories, identity, moments
from tests.kit.decision_api import BOOKS, key_of

EVERYTHING = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def record_of(facts: PatientFacts, version: int = 1) -> tuple[str, bytes]:
    state = state_of(facts, version=version, known_at=KNOWN)
    return state.key, state.model_dump_json().encode()


def said(decision: Decision) -> tuple[object, ...]:
    """All that is said, whatever the order of reasons and measures."""
    reasons = {(r.code, frozenset(r.rules), frozenset(r.measures)) for r in decision.reasons}
    return decision.allowed, reasons, decision.region, decision.rulebook


@EVERYTHING
@given(
    histories(),
    st.lists(moments.filter(lambda m: m >= KNOWN), min_size=1, max_size=3),
    st.none() | st.dates(),
)
def test_both_always_agree(facts: PatientFacts, at: list[datetime], recorded_on: date | None) -> None:
    copy = LocalCopy(BOOKS)
    key, told = record_of(facts)
    assert copy.take(key, told)
    state = PatientState.model_validate_json(told)
    here_too = (*state.viewers, *(one.person for one in (*state.guardians, *state.former_guardians)))
    named = {who for who in facts.people if facts.people[who].key in {key, *(one.key for one in here_too)}}
    for moment in at:
        until = copy.valid_until(facts.patient.key, moment)
        last = moment if until is None else until - timedelta(microseconds=1)
        for viewer in viewers_of(facts):
            ref = facts.people[viewer].latest.identity
            for service in Service:
                for unit in (*units_of(facts), *UNITS):
                    here = copy.decide(
                        PersonRef(
                            id_type=facts.patient.latest.identity.id_type,
                            id=facts.patient.latest.identity.number,
                        ),
                        PersonRef(id_type=ref.id_type, id=ref.number),
                        service,
                        moment,
                        unit=unit,
                        recorded_on=recorded_on,
                    )
                    there = decide(AccessQuestion(viewer, service, moment, unit, recorded_on), facts, BOOKS)
                    assert here.allowed == there.allowed
                    if viewer not in named:
                        assert not there.allowed
                        continue
                    assert said(here) == said(there)
                    # the copy may know of fewer turns, of versions long gone: none of them changes an answer
                    assert said(here) == said(
                        decide(AccessQuestion(viewer, service, last, unit, recorded_on), facts, BOOKS)
                    )


@EVERYTHING
@given(histories(), moments, st.integers(1, 10**9))
def test_nothing_changes_by_itself_before_valid_until(
    facts: PatientFacts, at: datetime, seconds: int
) -> None:
    until = valid_until(facts, at, BOOKS)
    later = at + timedelta(seconds=seconds % (200 * 86400))
    if until is not None:
        later = min(later, until - timedelta(microseconds=1))
    for viewer in viewers_of(facts):
        for service in Service:
            for unit in (*units_of(facts), *UNITS):
                now = decide(AccessQuestion(viewer, service, at, unit), facts, BOOKS)
                then = decide(AccessQuestion(viewer, service, later, unit), facts, BOOKS)
                assert now == then


@EVERYTHING
@given(histories())
def test_every_answer_follows_from_the_timeline(facts: PatientFacts) -> None:
    """Whoever starts with the first answer and applies each change has the answer of any later day."""
    first, last = KNOWN - timedelta(days=5000), KNOWN + timedelta(days=4000)
    steps = timeline(facts, BOOKS, since=first, until=last)
    assert {step.at for step in steps} <= {moment for moment, _, _ in turns(facts, BOOKS)}
    for viewer in viewers_of(facts):
        for unit in units_of(facts):
            answer = decide(AccessQuestion(viewer, Service.JOURNAL, first, unit), facts, BOOKS).allowed
            for step in steps:
                for change in step.changes:
                    if (change.viewer, change.service, change.unit) == (viewer, Service.JOURNAL, unit):
                        assert change.before.allowed == answer
                        answer = change.after.allowed
            assert decide(AccessQuestion(viewer, Service.JOURNAL, last, unit), facts, BOOKS).allowed == answer


@EVERYTHING
@given(histories(), st.integers(1, 4))
def test_the_pages_of_a_timeline_are_the_whole_of_it(facts: PatientFacts, most: int) -> None:
    """From the newest page back, each step once: none is left out, and no page holds more than it may, or nothing."""
    first, last = KNOWN - timedelta(days=5000), KNOWN + timedelta(days=4000)
    told: tuple[TimelineStep, ...] = ()
    page = timeline_page(facts, BOOKS, since=first, until=last, most=most)
    while True:
        assert len(page.steps) <= most
        told = (*page.steps, *told)
        if page.before is None:
            break
        assert len(page.steps) == most
        page = timeline_page(facts, BOOKS, since=first, until=last, most=most, before=page.before)
        assert page.steps
    assert told == timeline(facts, BOOKS, since=first, until=last)


@EVERYTHING
@given(histories(), moments)
def test_one_restriction_survives_every_combination(facts: PatientFacts, at: datetime) -> None:
    """Whatever else a patient has: a seal of the whole record in force lets nobody in."""
    from dataclasses import replace

    from sigill.policy.facts import Measure
    from sigill_contracts.vocabulary import Initiative, MeasureId, MeasureKind, RegionCode

    seal = Measure(
        MeasureId("00000000-0000-0000-0000-0000000000ff"),
        facts.patient.person_id,
        MeasureKind.JOURNAL_SEAL,
        RegionCode("kronoberg"),
        Initiative.CARE,
        (),
        (Service.JOURNAL,),
        at - timedelta(days=1),
    )
    for place in range(len(facts.measures) + 1):
        sealed = replace(facts, measures=(*facts.measures[:place], seal, *facts.measures[place:]))
        for viewer in viewers_of(facts):
            for unit in (*units_of(facts), *UNITS):
                answer = decide(AccessQuestion(viewer, Service.JOURNAL, at, unit), sealed, BOOKS)
                assert not answer.allowed
                assert "journal_seal" in answer.codes


@given(histories())
@settings(max_examples=1, deadline=None)
def test_an_older_record_changes_nothing_and_a_tombstone_forgets(facts: PatientFacts) -> None:
    copy = LocalCopy(BOOKS, warm=1)
    key, newer = record_of(facts, 5)
    _, older = record_of(PatientFacts(facts.patient, facts.people), 4)
    identity = facts.patient.latest.identity
    ref = PersonRef(id_type=identity.id_type, id=identity.number)
    assert copy.take(key, newer)
    assert not copy.take(key, older)
    assert not copy.take(key, newer)
    assert copy.version(ref) == 5
    with pytest.raises(TooEarly):
        copy.decide(ref, ref, Service.JOURNAL, KNOWN - timedelta(seconds=1))
    copy.take(key, None)
    assert (len(copy), copy.version(ref)) == (0, 0)
    with pytest.raises(NotHere):
        copy.decide(ref, ref, Service.JOURNAL, KNOWN)


async def test_a_copy_reads_everything_says_when_it_has_caught_up_and_forgets_what_it_cannot_read(
    kafka: EmbeddedKafka, connection: Connection, topic_prefix: str
) -> None:
    """On a real broker: state and units from the beginning, then what comes."""
    from aiokafka import AIOKafkaProducer

    await _make_topics(connection, topic_prefix)
    child = _child()
    key, value = record_of(child)
    unit = StaffRecord(
        hsa_id="SE9999999999-S1",
        assignments=(Assignment(unit=UNITS[2], region="vastra-gotaland", roles=(Role.PHYSICIAN,)),),
        changed_at=KNOWN,
        sequence=1,
    )
    copy, caught_up, unreadable = LocalCopy(BOOKS), asyncio.Event(), []
    async with AIOKafkaProducer(**connection.options()) as producer:
        await producer.send_and_wait(topic_prefix + STATE.name, value, key=key.encode())
        await producer.send_and_wait(topic_prefix + STAFF.name, unit.model_dump_json().encode(), key=b"s")
        following = asyncio.create_task(
            follow(
                copy,
                connection,
                caught_up=caught_up.set,
                unreadable=lambda *place: unreadable.append(place),
                prefix=topic_prefix,
            )
        )
        try:
            await asyncio.wait_for(caught_up.wait(), 30)
            at = KNOWN + timedelta(days=1)
            answer = copy.decide(key, key, Service.PAPER_COPY, at, unit=UNITS[2])
            assert answer == decide(
                AccessQuestion(child.patient.person_id, Service.PAPER_COPY, at, UNITS[2]),
                PatientFacts(child.patient, child.people, (), {UNITS[2]: "vastra-gotaland"}),  # type: ignore[dict-item]
                BOOKS,
            )
            assert answer.region == "vastra-gotaland"
            await producer.send_and_wait(topic_prefix + STATE.name, b"{", key=key.encode())
            await _eventually(lambda: not len(copy))
            assert unreadable == [(topic_prefix + STATE.name, unreadable[0][1], 1)]
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _child() -> PatientFacts:
    from sigill.policy.calendar import BirthDate
    from sigill.policy.facts import Person, PersonVersion
    from sigill_contracts.vocabulary import IdType, PersonId
    from tests.api.histories import identity
    from tests.kit.decision_api import key_of

    who = identity(0, IdType.PERSONNUMMER)
    version = PersonVersion(datetime(2020, 1, 1, tzinfo=UTC), who, "07")
    key = key_of(who.number)
    child = Person(PersonId(key), key, BirthDate.parse("2016-05-05"), (version,))
    return PatientFacts(child, {child.person_id: child})


async def _make_topics(connection: Connection, prefix: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=connection.bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(prefix + topic.name, 3, 1) for topic in (STATE, STAFF, UNITS_TOPIC, ELSEWHERE)]
        )
    finally:
        await admin.close()


async def _eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.05)


def _sealed(facts: PatientFacts, number: int, **more: object) -> Measure:
    units = frozenset(UnitId(f"SE2321000099-U{number:05d}-{unit:03d}") for unit in range(200))
    return Measure(
        measure_id=MeasureId(str(UUID(int=number + 1))),
        patient=facts.patient.person_id,
        kind=MeasureKind.JOURNAL_SEAL,
        region=RegionCode("kronoberg"),
        initiative=Initiative.CARE,
        orders=(OrderId(str(UUID(int=number + 1))),),
        services=(Service.JOURNAL,),
        units=units,
        **{"valid_from": KNOWN - timedelta(days=9), **more},  # type: ignore[arg-type]
    )


def _family() -> PatientFacts:
    who = Identity(IdType.PERSONNUMMER, "20000101T000")
    version = PersonVersion(KNOWN - timedelta(days=99), who, "07")
    person = Person(PersonId("v1.a"), "v1.a", BirthDate.parse("2000-01-01"), (version,), registered=True)
    return PatientFacts(person, {person.person_id: person}, (), {})


def test_a_state_carries_no_history() -> None:
    """Five hundred seals of 200 units that are over came to eight megabytes, and the relay could not send them."""
    family = _family()
    over = [_sealed(family, n, valid_to=KNOWN - timedelta(days=1), released=True) for n in range(500)]
    first, stands = _sealed(family, 0), _sealed(family, 501)
    short = record_of(replace(family, measures=(stands,)))[1]
    assert record_of(replace(family, measures=(*over, stands)))[1] == short
    assert len(short) < 20_000
    grants = tuple(
        replace(
            first,
            measure_id=MeasureId(str(UUID(int=1000 + n))),
            kind=MeasureKind.REPRESENTATIVE_GRANT,
            viewer=PersonId("v1.b"),
            units=None,
            valid_to=KNOWN - timedelta(days=9 - n),
        )
        for n in range(9)
    )
    kept = counting(replace(family, measures=(stands, *grants)), KNOWN)
    assert kept == (stands, grants[-1])


def test_a_state_with_more_measures_than_a_topic_takes_shows_less() -> None:
    family = _family()
    seals = [_sealed(family, n, valid_to=KNOWN + timedelta(days=1 + n)) for n in range(500)]
    grant = replace(seals[0], kind=MeasureKind.MINOR_GRANT, units=None, valid_to=None)
    whole = state_of(replace(family, measures=(*seals, grant)), version=3, known_at=KNOWN)
    small = strictest(whole)
    assert len(small.model_dump_json()) < 2_000 < LARGEST_BODY < len(whole.model_dump_json())
    [seal] = small.measures
    assert (seal.units, seal.valid_to, seal.kind) == (None, KNOWN + timedelta(days=500), "journal_seal")
    copy = LocalCopy(BOOKS)
    assert copy.take(small.key, small.model_dump_json().encode())
    asked = copy.decide(small.key, small.key, Service.JOURNAL, KNOWN, unit="SE2321000099-OTHER")
    assert not asked.allowed


def _with_an_unknown_guardian(*former: PersonId) -> PatientFacts:
    """A child whose guardian is known by number alone, beside a former one, or one with protected identity, whom it knows."""

    def person(number: int, birth: str, **more: object) -> Person:
        who = identity(number, IdType.PERSONNUMMER)
        version = PersonVersion(KNOWN - timedelta(days=99), who, "07", has_e_id=True)
        key = key_of(who.number)
        return Person(
            PersonId(key), key, BirthDate.parse(birth), (replace(version, **more),), registered=number != 1
        )  # type: ignore[arg-type]

    new, old = person(1, "1980-01-01"), person(2, "1980-01-01", protected=not former)
    child = person(0, "2018-01-01", custody=(Custody(new.person_id, None, None),))
    if former:
        was = replace(child.latest, valid_from=KNOWN - timedelta(days=199))
        was = replace(was, custody=(Custody(old.person_id, None, None),))
        child = replace(child, versions=(was, *child.versions))
    return PatientFacts(child, {one.person_id: one for one in (child, new, old)}, (), {})


OLD, NEW = (PersonId(key_of(identity(number, IdType.PERSONNUMMER).number)) for number in (2, 1))


def _here_and_there(facts: PatientFacts, service: Service) -> tuple[bool, bool]:
    copy = LocalCopy(BOOKS)
    key, told = record_of(facts)
    assert copy.take(key, told)
    there = decide(AccessQuestion(NEW, service, KNOWN), facts, BOOKS)
    return copy.decide(key, NEW, service, KNOWN).allowed, there.allowed


def test_whom_only_a_measure_that_is_over_names_shuts_an_unknown_guardian_out_here_too() -> None:
    family = _with_an_unknown_guardian()
    over = replace(
        _sealed(family, 1, valid_to=KNOWN - timedelta(days=2)),
        kind=MeasureKind.GUARDIAN_BLOCK,
        units=None,
        guardians=(OLD,),
    )
    assert _here_and_there(family, Service.E_SERVICES) == (True, True)
    assert _here_and_there(replace(family, measures=(over,)), Service.E_SERVICES) == (False, False)


def test_whom_only_a_grant_names_shuts_an_unknown_guardian_out_of_a_state_that_shows_less_too() -> None:
    """One with protected identity, whom an access names: the guardian known by number alone may be that person."""
    family = _with_an_unknown_guardian()
    grant = replace(_sealed(family, 1), kind=MeasureKind.GUARDIAN_GRANT, units=None, guardians=(OLD,))
    seals = [_sealed(family, number) for number in range(2, 5)]
    for measures, expected in ((seals, True), ([*seals, grant], False)):
        whole = state_of(replace(family, measures=tuple(measures)), version=3, known_at=KNOWN)
        for state in (whole, strictest(whole)):
            copy = LocalCopy(BOOKS)
            assert copy.take(state.key, state.model_dump_json().encode())
            assert copy.decide(state.key, NEW, Service.E_SERVICES, KNOWN).allowed is expected


def test_the_grants_that_a_state_that_shows_less_names_let_nobody_in() -> None:
    family = _with_an_unknown_guardian()
    grants = [
        replace(
            _sealed(family, number),
            kind=MeasureKind.GUARDIAN_GRANT,
            guardians=(guardian,),
        )
        for number, guardian in enumerate((OLD, NEW))
    ]
    whole = state_of(replace(family, measures=tuple(grants)), version=3, known_at=KNOWN)
    [left] = strictest(whole).measures
    assert (left.units, left.valid_to, left.ended_early) == (None, left.valid_from, True)
    assert {ref.id for ref in left.guardians or ()} == {
        family.people[guardian].latest.identity.number for guardian in (OLD, NEW)
    }


def test_a_copy_that_was_refused_to_a_former_number_is_refused_to_who_may_be_the_same() -> None:
    family = _with_an_unknown_guardian(OLD)
    seal = _sealed(family, 1)
    assert _here_and_there(replace(family, measures=(seal,)), Service.PAPER_COPY) == (True, True)
    refused = frozenset({PaperCopy(seal.orders[0], OLD, date(2026, 1, 1))})
    noted = replace(seal, copies_refused=refused)
    assert _here_and_there(replace(family, measures=(noted,)), Service.PAPER_COPY) == (False, False)


def test_a_state_that_shows_less_gives_no_copy_that_was_refused() -> None:
    family = _family()
    refused = frozenset(
        PaperCopy(OrderId(str(UUID(int=n))), family.patient.person_id, date(2026, 1, n)) for n in (1, 2)
    )
    seals = [_sealed(family, n) for n in range(3)]
    seals[1] = replace(seals[1], copies_refused=refused)
    whole = state_of(replace(family, measures=tuple(seals)), version=3, known_at=KNOWN)
    [seal] = strictest(whole).measures
    assert [copy.assessed_on for copy in seal.paper_copies_refused] == [date(2026, 1, 2)]
    for state in (whole, strictest(whole)):
        copy = LocalCopy(BOOKS)
        assert copy.take(state.key, state.model_dump_json().encode())
        assert not copy.decide(state.key, state.key, Service.PAPER_COPY, KNOWN).allowed
