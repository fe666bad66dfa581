"""A guardian under two numbers: until the register has told whose the new one is, the stricter holds."""

from datetime import timedelta

import pytest

from sigill_contracts.state import PatientState
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, person
from tests.kit.worker_harness import START, WorkerHarness
from tests.workers.senders_kit import PN, answers, sees

NEW = "198501022382"


async def block(harness: WorkerHarness, number: str) -> None:
    block = harness.senders.orders(
        harness.clock.now(), "block_guardians", patient=person(CHILD), guardians=[person(number)]
    )
    assert await answers(harness, block) == [("executed", ())]


async def names_the_new_number(harness: WorkerHarness) -> None:
    harness.clock.advance(timedelta(minutes=5))
    custody = [{"guardian": person(NEW)}, {"guardian": person(FATHER)}]
    await answers(harness, harness.senders.registers(harness.clock.now(), CHILD, 7, custody=custody))


async def test_a_block_is_not_passed_under_a_new_number(harness: WorkerHarness) -> None:
    await block(harness, MOTHER)
    await names_the_new_number(harness)
    assert await sees(harness, (PN, NEW), (PN, CHILD)) == (False, ("guardian_block",))
    assert (await sees(harness, (PN, FATHER), (PN, CHILD)))[0] is True
    # the register tells: it is the same person, and the block is hers
    told = harness.senders.registers(harness.clock.now(), NEW, 2, former_ids=[person(MOTHER)])
    await answers(harness, told)
    assert await sees(harness, (PN, NEW), (PN, CHILD)) == (False, ("guardian_block",))


async def test_somebody_new_is_let_in_when_the_register_has_told_who_it_is(harness: WorkerHarness) -> None:
    await block(harness, MOTHER)
    await names_the_new_number(harness)
    await answers(harness, harness.senders.registers(harness.clock.now(), NEW, 1))
    assert (await sees(harness, (PN, NEW), (PN, CHILD)))[0] is True


async def test_a_mark_is_not_passed_under_a_new_number(harness: WorkerHarness) -> None:
    await answers(harness, harness.senders.registers(START, MOTHER, 7, secrecy_mark=True))
    await names_the_new_number(harness)
    assert await sees(harness, (PN, NEW), (PN, CHILD)) == (False, ("protected_identity",))


@pytest.mark.parametrize("number", [FATHER])
async def test_a_block_of_one_who_is_guardian_beside_the_new_number_is_not_the_others(
    harness: WorkerHarness, number: str
) -> None:
    await block(harness, number)
    await names_the_new_number(harness)
    assert (await sees(harness, (PN, NEW), (PN, CHILD)))[0] is True


async def test_a_protected_persons_numbers_are_never_linked(harness: WorkerHarness) -> None:
    """A fictitious identity must not lead to the number that it replaced."""
    fictitious = "197006062396"
    senders = harness.senders
    told = senders.registers(START, fictitious, 2, former_ids=[person(ADULT)], secrecy_mark=True)
    await harness.hand_over(told)
    await harness.hand_over(senders.orders(START, patient=person(ADULT)))
    events = [event for event in await harness.out() if event.payload is not None]
    assert events
    texts = {event.aggregatetype: event.payload.decode() for event in events if event.payload}
    assert not [name for name, text in texts.items() if ADULT in text and fictitious in text]
    state = PatientState.model_validate_json(texts["access.state.v1"])
    assert (state.patient.ref.id, state.patient.former) == (fictitious, ())


async def test_a_state_says_where_nobody_but_its_patient_lives(harness: WorkerHarness) -> None:
    """A guardian may be the one who hides; which rules hold is the patient's county alone."""
    senders = harness.senders
    for place, number in enumerate((MOTHER, FATHER)):
        told = senders.registers(START, number, 7, county="14", secrecy_mark=place == 0)
        await harness.hand_over(told)
    shut = senders.orders(START, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)])
    await harness.hand_over(shut)
    states = [
        PatientState.model_validate_json(event.payload)
        for event in await harness.out()
        if event.aggregatetype == "access.state.v1" and event.payload
    ]
    about = [state for state in states if state.patient.ref.id == CHILD]
    assert about
    assert [guardian.person.protected for guardian in about[-1].guardians] == [True, False]
    others = [one.person for state in about for one in (*state.guardians, *state.former_guardians)]
    assert {one.county for one in (*others, *about[-1].viewers)} == {None}


async def test_a_person_can_be_dead_by_mistake(harness: WorkerHarness) -> None:
    await answers(
        harness,
        harness.senders.registers(START, ADULT, 2, deregistration={"reason": "death", "date": "2025-03-09"}),
    )
    assert (await sees(harness, (PN, ADULT), (PN, ADULT)))[0] is False
    await answers(harness, harness.senders.registers(START, ADULT, 3))
    assert (await sees(harness, (PN, ADULT), (PN, ADULT)))[0] is True


async def test_a_register_sent_again_writes_nothing(harness: WorkerHarness) -> None:
    people = harness.senders.people(START)
    await harness.hand_over(*people)
    await harness.out()
    rows = "SELECT count(*) FROM person_version"
    async with harness.store.reading() as tx:
        [before] = await tx.fetch(rows)
    again = harness.senders
    custody = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    await harness.hand_over(
        again.registers(START + timedelta(minutes=1), CHILD, 9, custody=custody),
        again.registers(START + timedelta(minutes=1), MOTHER, 9),
        *people,
    )
    async with harness.store.reading() as tx:
        [after] = await tx.fetch(rows)
    assert after == before
    assert await harness.out() == []


async def test_a_release_behind_a_seal_that_cannot_be_read_waits(harness: WorkerHarness) -> None:
    senders = harness.senders
    await harness.hand_over(senders.garbage())
    release = senders.orders(
        harness.clock.now(), "release_journal_seal", attestations=["own_will", "no_threat"]
    )
    got = await answers(harness, release)
    assert ("pending", ("awaiting_earlier_message",)) in got
