"""Persons, their numbers, and what was known of them at each moment."""

import asyncio
from dataclasses import replace
from datetime import date

import asyncpg
import pytest

from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Custody, Identity
from sigill.policy.identity_numbers import birth_by_number
from sigill.store import facts, measures, persons
from sigill.store.session import Store
from sigill_contracts.keys import key_version, patient_key
from sigill_contracts.vocabulary import IdType, MeasureKind, Service, UnitId
from tests.kit.rows import (
    ADULT,
    CHILD,
    DAY,
    FATHER,
    HOUR,
    MOTHER,
    T0,
    ids,
    key_of,
    seal,
    someone,
    told,
    uuids,
)


async def test_a_number_named_for_the_first_time_is_an_unregistered_person(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
    async with store.reading() as tx:
        patient = (await facts.patient_facts(tx, [child]))[child].patient
        assert await persons.resolve_keys(tx, [key_of(CHILD.number), "v1.unknown"]) == {
            key_of(CHILD.number): child
        }
    assert not patient.registered
    assert patient.key == key_of(CHILD.number)
    assert patient.birth == BirthDate.parse("2018-03-05")


async def test_two_writers_who_meet_one_new_number_make_one_person(store: Store) -> None:
    async def meet() -> str:
        async with store.transaction(T0) as tx:
            found = await persons.ensure(tx, [MOTHER, CHILD], key_of)
            await asyncio.sleep(0.05)
            return found[CHILD]

    assert len(set(await asyncio.gather(*(meet() for _ in range(6))))) == 1


async def test_facts_hold_all_around_a_patient(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child, mother, father, viewer = await ids(tx, CHILD, MOTHER, FATHER, ADULT)
        custody = (Custody(mother), Custody(father, date(2020, 1, 1), date(2025, 1, 1)), Custody(None))
        await persons.record(
            tx,
            [
                told(child, CHILD, 4, T0 - DAY, custody=custody, county="07"),
                told(mother, MOTHER, 1, T0 - DAY, birth="1985", protected=True),
            ],
            key_of,
        )
        await measures.append(tx, [seal(child, viewer=viewer, guardians=(father,), unit=UnitId("SE-1"))])
    async with store.reading() as tx:
        found = (await facts.patient_facts(tx, [child]))[child]
        assert await persons.children_of(tx, [mother, viewer]) == {mother: (child,)}
        assert await persons.latest_sequence(tx, [child, father]) == {child: 4}
        assert await persons.counties(tx, [child, mother]) == {child: "07"}
    assert found.patient.latest.custody == custody
    assert found.patient.registered
    assert set(found.people) == {child, mother, father, viewer}
    assert str(found.people[mother].birth) == "1985"
    assert found.people[mother].latest.protected
    assert not found.people[father].registered


async def test_what_was_known_then_is_answered_as_it_was_known(store: Store) -> None:
    """Valid time and system time are two things: a change told late holds from its true moment, once known."""
    async with store.transaction(T0) as tx:
        child, mother, father = await ids(tx, CHILD, MOTHER, FATHER)
        await persons.record(tx, [told(child, CHILD, 1, T0 - 30 * DAY, custody=(Custody(mother),))], key_of)
        measure = seal(child)
        await measures.append(tx, [measure])
    async with store.transaction(T0 + 2 * DAY) as tx:
        await persons.record(
            tx, [told(child, CHILD, 2, T0 - 10 * DAY, custody=(Custody(mother), Custody(father)))], key_of
        )
        await measures.append(tx, [replace(measure, version=2, valid_to=T0 + DAY, released=True)])
    async with store.reading() as tx:
        before = (await facts.patient_facts(tx, [child], known_at=T0 + DAY))[child]
        after = (await facts.patient_facts(tx, [child], known_at=T0 + 2 * DAY))[child]
        unknown = await facts.patient_facts(tx, [child], known_at=T0 - HOUR)
        history = await measures.history(tx, [measure.measure_id])

    assert unknown == {}
    assert before.patient.guardians_at(T0) == (mother,)
    assert after.patient.guardians_at(T0) == (mother, father)
    assert after.patient.guardians_at(T0 - 20 * DAY) == (mother,)
    later = T0 + 3 * DAY
    assert [m.version for m in before.in_force(later)] == [1]
    assert after.in_force(later) == ()
    assert [m.version for m in after.in_force(T0)] == [2]
    assert [(known, m.version) for known, m in history] == [(T0, 1), (T0 + 2 * DAY, 2)]


async def test_a_correction_from_an_earlier_moment_replaces_what_it_overtakes(store: Store) -> None:
    async with store.transaction(T0) as tx:
        (child,) = await ids(tx, CHILD)
        await persons.record(tx, [told(child, CHILD, 1, T0 - 9 * DAY, county="01")], key_of)
        await persons.record(tx, [told(child, CHILD, 2, T0 - 3 * DAY, county="03")], key_of)
        await persons.record(tx, [told(child, CHILD, 3, T0 - 5 * DAY, county="04")], key_of)
    async with store.reading() as tx:
        patient = (await facts.patient_facts(tx, [child]))[child].patient
    assert [version.county for version in patient.versions] == ["01", "04"]


async def test_a_changed_number_finds_the_same_person(store: Store) -> None:
    temporary = Identity(IdType.SAMORDNINGSNUMMER, "201803652382")
    async with store.transaction(T0) as tx:
        child = await someone(tx, temporary)
        await persons.record(tx, [told(child, temporary, 1, T0 - DAY)], key_of)
        measure = seal(child)
        await measures.append(tx, [measure])
    async with store.transaction(T0 + DAY) as tx:
        absorbed = await persons.record(tx, [told(child, CHILD, 2, T0, identities=(temporary,))], key_of)
    async with store.reading() as tx:
        found = await persons.resolve(tx, [temporary, CHILD])
        patient = (await facts.patient_facts(tx, [child]))[child].patient
    assert absorbed == {}
    assert found == {temporary: child, CHILD: child}
    assert patient.key == key_of(CHILD.number)
    assert patient.former == (temporary,)
    assert patient.at(T0 - HOUR).identity == temporary


async def test_two_who_turn_out_to_be_one_are_read_as_one(store: Store) -> None:
    """An order named the new number before the register told that it is an old acquaintance."""
    temporary = Identity(IdType.SAMORDNINGSNUMMER, "201803652382")
    async with store.transaction(T0) as tx:
        known, stranger, mother = await ids(tx, temporary, CHILD, MOTHER)
        await persons.record(tx, [told(known, temporary, 1, T0 - DAY, custody=(Custody(mother),))], key_of)
        first, second = seal(known), seal(stranger, services=(Service.JOURNAL, Service.E_SERVICES))
        of_other = seal(mother, viewer=stranger)
        but = seal(mother, kind=MeasureKind.GUARDIAN_BLOCK, guardians_except=(stranger, known))
        await measures.append(tx, [first, second, of_other, but])
    async with store.transaction(T0 + DAY) as tx:
        absorbed = await persons.record(
            tx, [told(known, CHILD, 2, T0, custody=(Custody(mother),), identities=(temporary,))], key_of
        )
    async with store.reading() as tx:
        assert await persons.resolve(tx, [temporary, CHILD]) == {temporary: known, CHILD: known}
        now = await facts.patient_facts(tx, [known, stranger, mother])
        then = await facts.patient_facts(tx, [known, stranger], known_at=T0)
        assert await persons.children_of(tx, [mother]) == {mother: (known,)}
    assert absorbed == {known: (stranger,)}
    assert {m.measure_id for m in now[known].measures} == {first.measure_id, second.measure_id}
    assert {m.patient for m in now[known].measures} == {known}
    assert now[stranger] == now[known]
    of_mother = {m.measure_id: m for m in now[mother].measures}
    assert of_mother[of_other.measure_id].viewer == known
    assert of_mother[but.measure_id].guardians_except == (known,)
    assert known in now[mother].people
    assert [m.measure_id for m in then[known].measures] == [first.measure_id]
    assert [m.measure_id for m in then[stranger].measures] == [second.measure_id]


async def test_each_message_of_the_register_is_told_once(store: Store) -> None:
    async with store.transaction(T0) as tx:
        (child,) = await ids(tx, CHILD)
        await persons.record(tx, [told(child, CHILD, 1, T0)], key_of)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with store.transaction(T0) as tx:
            await persons.record(tx, [told(child, CHILD, 1, T0)], key_of)


async def test_names(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child, mother = await ids(tx, CHILD, MOTHER)
        named = replace(told(child, CHILD, 1, T0), name=persons.RegisteredName("Testa", "Provsson"))
        dead = told(mother, MOTHER, 1, T0, birth="2018-03", died_on=date(2020, 1, 1))
        await persons.record(tx, [named, dead], key_of)
    async with store.reading() as tx:
        assert await persons.names(tx, [child, mother]) == {
            child: persons.RegisteredName("Testa", "Provsson")
        }


async def test_a_measure_never_changes_its_scope(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        measure = seal(child, units=frozenset({UnitId("SE-2"), UnitId("SE-1")}))
        await measures.append(tx, [measure, replace(measure, version=2, provisional=True)])
        assert (await measures.by_ids(tx, [measure.measure_id]))[measure.measure_id].provisional
    for wider in (
        replace(measure, version=3, units=None),
        replace(measure, version=3, services=(Service.E_SERVICES,)),
        replace(measure, version=3, recorded_from=date(2020, 1, 1)),
        replace(seal(child), version=2),
    ):
        with pytest.raises(measures.ScopeChanged):
            async with store.transaction(T0) as tx:
                await measures.append(tx, [wider])
    with pytest.raises(asyncpg.UniqueViolationError):
        async with store.transaction(T0) as tx:
            await measures.append(tx, [replace(measure, version=2)])


async def test_every_field_of_a_measure_comes_back(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child, mother, father = await ids(tx, CHILD, MOTHER, FATHER)
        lineage = tuple(str(one) for one in uuids(3))
        full = seal(
            child,
            orders=lineage,
            valid_to=T0 + DAY,
            ends_at_age=18,
            units=frozenset({UnitId("SE-1")}),
            recorded_from=date(2020, 1, 1),
            recorded_to=date(2021, 1, 1),
            guardians=(father, mother),
            viewer=mother,
            unit=UnitId("SE-9"),
            provisional=True,
            awaits_follow_up=True,
            released=True,
            released_at=T0,
            urgent=True,
            reported_to_authority=True,
            review_on=date(2027, 1, 1),
            inform=replace(seal(child).inform, guardians=False, written_confirmation=True),
            beside=lineage[2],
        )
        bare = seal(child, orders=(), rules=(), units=frozenset(), guardians=())
        but = seal(child, kind=MeasureKind.GUARDIAN_BLOCK, guardians_except=(father, mother))
        await measures.append(tx, [full, bare, but])
    async with store.reading() as tx:
        assert await measures.by_ids(tx, [one.measure_id for one in (full, bare, but)]) == {
            full.measure_id: full,
            bare.measure_id: bare,
            but.measure_id: but,
        }


async def test_a_release_is_known_from_the_version_that_gave_the_measure_its_end(store: Store) -> None:
    """What says something else of a released measure moves nothing; another end does, and so does a release taken back."""
    async with store.transaction(T0) as tx:
        (child,) = await ids(tx, CHILD)
        kept = seal(child)
        await measures.append(tx, [kept])
    day_nine = {"released": True, "valid_to": T0 + 9 * DAY}
    versions: tuple[tuple[dict[str, object], int | None], ...] = (
        (day_nine, 1),
        ({**day_nine, "orders": (*kept.orders, *(str(one) for one in uuids(1)))}, 1),
        ({"released": True, "valid_to": T0 + 5 * DAY}, 3),
        ({}, None),
        (day_nine, 5),
    )
    for day, (fields, known) in enumerate(versions, start=1):
        async with store.transaction(T0 + day * DAY) as tx:
            await measures.append(tx, [replace(kept, version=day + 1, **fields)])  # type: ignore[arg-type]
        async with store.reading() as tx:
            found = (await measures.by_ids(tx, [kept.measure_id]))[kept.measure_id]
        assert found.released_at == (None if known is None else T0 + known * DAY)


@pytest.mark.parametrize(
    ("id_type", "number", "earliest", "latest"),
    [
        (IdType.PERSONNUMMER, "201803052382", "2018-03-05", "2018-03-05"),
        (IdType.SAMORDNINGSNUMMER, "201803652382", "2018-03-05", "2018-03-05"),
        (IdType.SAMORDNINGSNUMMER, "201803602382", "2018-03-01", "2018-03-31"),
        (IdType.SAMORDNINGSNUMMER, "201800602382", "2018-01-01", "2018-12-31"),
        (IdType.PERSONNUMMER, "201813452382", "1880-01-01", "2026-03-01"),
        (IdType.RESERVNUMMER, "25KR00012345", "1880-01-01", "2026-03-01"),
    ],
)
def test_a_birth_date_is_read_from_the_number_as_far_as_it_says_one(
    id_type: IdType, number: str, earliest: str, latest: str
) -> None:
    birth = birth_by_number(Identity(id_type, number), date(2026, 3, 1))
    assert birth == BirthDate(date.fromisoformat(earliest), date.fromisoformat(latest))


def test_a_key_says_its_version_and_nothing_of_the_number() -> None:
    key = patient_key("201803052382", b"k" * 32, "v7")
    assert key_version(key) == "v7"
    assert "2018" not in key
    assert key != patient_key("201803052382", b"l" * 32, "v7")
    with pytest.raises(ValueError, match="base64url"):
        key_version("201803052382")


def test_the_key_is_hmac_sha256_as_the_ehr_computes_it() -> None:
    # RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?"
    expected = "v1.W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"
    assert patient_key("what do ya want for nothing?", b"Jefe") == expected
