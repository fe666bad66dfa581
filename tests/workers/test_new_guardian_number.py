"""A guardian under two numbers: until the register has told whose the new one is, the stricter holds."""

from datetime import timedelta

import pytest

from sigill_contracts.state import PatientState
from tests.workers.conftest import START, Office
from tests.workers.senders_kit import PN, answers, sees
from tests.workers.town import ADULT, CHILD, FATHER, MOTHER, person

NEW = "198501022382"


async def block(office: Office, number: str) -> None:
    block = office.town.orders(
        office.clock.now(), "block_guardians", patient=person(CHILD), guardians=[person(number)]
    )
    assert await answers(office, block) == [("executed", ())]


async def names_the_new_number(office: Office) -> None:
    office.clock.advance(timedelta(minutes=5))
    custody = [{"guardian": person(NEW)}, {"guardian": person(FATHER)}]
    await answers(office, office.town.registers(office.clock.now(), CHILD, 7, custody=custody))


async def test_a_block_is_not_passed_under_a_new_number(office: Office) -> None:
    await block(office, MOTHER)
    await names_the_new_number(office)
    assert await sees(office, (PN, NEW), (PN, CHILD)) == (False, ("guardian_block",))
    assert (await sees(office, (PN, FATHER), (PN, CHILD)))[0] is True
    # the register tells: it is the same person, and the block is hers
    told = office.town.registers(office.clock.now(), NEW, 2, former_ids=[person(MOTHER)])
    await answers(office, told)
    assert await sees(office, (PN, NEW), (PN, CHILD)) == (False, ("guardian_block",))


async def test_somebody_new_is_let_in_when_the_register_has_told_who_it_is(office: Office) -> None:
    await block(office, MOTHER)
    await names_the_new_number(office)
    await answers(office, office.town.registers(office.clock.now(), NEW, 1))
    assert (await sees(office, (PN, NEW), (PN, CHILD)))[0] is True


async def test_a_mark_is_not_passed_under_a_new_number(office: Office) -> None:
    await answers(office, office.town.registers(START, MOTHER, 7, secrecy_mark=True))
    await names_the_new_number(office)
    assert await sees(office, (PN, NEW), (PN, CHILD)) == (False, ("protected_identity",))


@pytest.mark.parametrize("number", [FATHER])
async def test_a_block_of_one_who_is_guardian_beside_the_new_number_is_not_the_others(
    office: Office, number: str
) -> None:
    await block(office, number)
    await names_the_new_number(office)
    assert (await sees(office, (PN, NEW), (PN, CHILD)))[0] is True


async def test_a_protected_persons_numbers_are_never_linked(office: Office) -> None:
    """A fictitious identity must not lead to the number that it replaced."""
    fictitious = "197006062396"
    town = office.town
    told = town.registers(START, fictitious, 2, former_ids=[person(ADULT)], secrecy_mark=True)
    await office.hand_over(told)
    await office.hand_over(town.orders(START, patient=person(ADULT)))
    events = [event for event in await office.out() if event.payload is not None]
    assert events
    texts = {event.aggregatetype: event.payload.decode() for event in events if event.payload}
    assert not [name for name, text in texts.items() if ADULT in text and fictitious in text]
    state = PatientState.model_validate_json(texts["access.state.v1"])
    assert (state.patient.ref.id, state.patient.former) == (fictitious, ())


async def test_a_state_says_where_nobody_but_its_patient_lives(office: Office) -> None:
    """A guardian may be the one who hides; which rules hold is the patient's county alone."""
    town = office.town
    for place, number in enumerate((MOTHER, FATHER)):
        told = town.registers(START, number, 7, county="14", secrecy_mark=place == 0)
        await office.hand_over(told)
    shut = town.orders(START, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)])
    await office.hand_over(shut)
    states = [
        PatientState.model_validate_json(event.payload)
        for event in await office.out()
        if event.aggregatetype == "access.state.v1" and event.payload
    ]
    about = [state for state in states if state.patient.ref.id == CHILD]
    assert about
    assert [guardian.person.protected for guardian in about[-1].guardians] == [True, False]
    others = [one.person for state in about for one in (*state.guardians, *state.former_guardians)]
    assert {one.county for one in (*others, *about[-1].viewers)} == {None}


async def test_a_person_can_be_dead_by_mistake(office: Office) -> None:
    await answers(
        office,
        office.town.registers(START, ADULT, 2, deregistration={"reason": "death", "date": "2025-03-09"}),
    )
    assert (await sees(office, (PN, ADULT), (PN, ADULT)))[0] is False
    await answers(office, office.town.registers(START, ADULT, 3))
    assert (await sees(office, (PN, ADULT), (PN, ADULT)))[0] is True


async def test_a_register_sent_again_writes_nothing(office: Office) -> None:
    people = office.town.people(START)
    await office.hand_over(*people)
    await office.out()
    rows = "SELECT count(*) FROM person_version"
    async with office.store.reading() as tx:
        [before] = await tx.fetch(rows)
    again = office.town
    custody = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    await office.hand_over(
        again.registers(START + timedelta(minutes=1), CHILD, 9, custody=custody),
        again.registers(START + timedelta(minutes=1), MOTHER, 9),
        *people,
    )
    async with office.store.reading() as tx:
        [after] = await tx.fetch(rows)
    assert after == before
    assert await office.out() == []


async def test_a_release_behind_a_seal_that_cannot_be_read_waits(office: Office) -> None:
    town = office.town
    await office.hand_over(town.garbage())
    release = town.orders(office.clock.now(), "release_journal_seal", attestations=["own_will", "no_threat"])
    got = await answers(office, release)
    assert ("pending", ("awaiting_earlier_message",)) in got
