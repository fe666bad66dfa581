"""One person under two numbers: what the register's word that both are one ends, brings and lets people lift."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from sigill.client.copy import kept_of
from sigill.policy.access import AccessQuestion, decide
from sigill.policy.facts import Identity
from sigill.store.outbox import Unpublished
from sigill_contracts.change import AccessChange
from sigill_contracts.state import PatientState
from sigill_contracts.vocabulary import IdType, Service
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, person
from tests.kit.worker_harness import WorkerHarness, read
from tests.workers.senders_kit import PN, SN, answers, sees

OLD, NEW = "198504612389", "198504012381"
YOUNG_OLD, YOUNG_NEW = "201103652380", "201103052386"
TEEN = {"birth_date": "2011-03-05", "custody": [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]}


async def tells(harness: WorkerHarness, number: str, kind: str, sequence: int, **fields: object) -> None:
    """The register's word, a minute later; what comes of it is left in the outbox."""
    harness.clock.advance(timedelta(minutes=1))
    told = harness.senders.registers(
        harness.clock.now(), number, sequence, person=person(number, kind), identity_level="STYRKT", **fields
    )
    await harness.hand_over(told)


async def orders(harness: WorkerHarness, form: str, **fields: object) -> list[tuple[str, tuple[str, ...]]]:
    harness.clock.advance(timedelta(minutes=1))
    return await answers(harness, harness.senders.orders(harness.clock.now(), form, **fields))


async def test_a_seal_made_under_each_number_is_lifted_under_the_one_that_is_left(
    harness: WorkerHarness,
) -> None:
    born = {"birth_date": "1985-04-01"}
    await tells(harness, OLD, SN, 1, **born)
    await tells(harness, NEW, PN, 1, **born)
    assert await orders(harness, "seal_journal", patient=person(OLD, SN)) == [("executed", ())]
    assert await sees(harness, (PN, NEW), (PN, NEW)) == (True, ("own_record",))
    assert await orders(harness, "seal_journal", patient=person(NEW)) == [("executed", ())]
    await tells(harness, NEW, PN, 2, former_ids=[person(OLD, SN)], **born)
    await harness.out()
    assert await orders(harness, "release_journal_seal", patient=person(NEW)) == [("executed", ())]
    for kind, number in ((SN, OLD), (PN, NEW)):
        assert await sees(harness, (kind, number), (kind, number)) == (True, ("own_record",))


async def test_a_grant_under_one_number_ends_by_the_mark_under_the_other(harness: WorkerHarness) -> None:
    await tells(harness, YOUNG_OLD, SN, 1, **TEEN)
    await tells(harness, YOUNG_NEW, PN, 1, **TEEN)
    granted = {"guardians": [person(MOTHER)], "initiative": "guardian"}
    assert await orders(harness, "grant_guardian_access", patient=person(YOUNG_OLD, SN), **granted) == [
        ("executed", ())
    ]
    assert await sees(harness, (PN, MOTHER), (SN, YOUNG_OLD)) == (True, ("guardian_grant",))
    await tells(harness, YOUNG_NEW, PN, 2, former_ids=[person(YOUNG_OLD, SN)], secrecy_mark=True, **TEEN)
    events = await harness.out()
    assert {n.suppressed for n in read(events, "access.notifications.v1")} <= {"protected_identity"}
    allowed, codes = await sees(harness, (PN, MOTHER), (PN, YOUNG_NEW))
    assert not allowed
    assert "protected_identity" in codes
    await tells(harness, YOUNG_NEW, PN, 3, former_ids=[person(YOUNG_OLD, SN)], **TEEN)
    assert (await sees(harness, (PN, MOTHER), (PN, YOUNG_NEW)))[0] is False, "a new form is needed (X-11)"
    assert await orders(harness, "grant_guardian_access", patient=person(YOUNG_NEW), **granted) == [
        ("executed", ())
    ]
    assert (await sees(harness, (PN, MOTHER), (PN, YOUNG_NEW)))[0] is True


async def test_a_block_of_a_guardian_under_one_number_hits_the_guardian_under_the_other(
    harness: WorkerHarness,
) -> None:
    small_old = {"birth_date": "2018-03-05", "custody": [{"guardian": person(OLD, SN)}]}
    await tells(harness, OLD, SN, 1, birth_date="1985-04-01")
    await tells(harness, "201803052382", PN, 5, **small_old)
    child = person("201803052382")
    assert await orders(harness, "block_guardians", patient=child, guardians=[person(OLD, SN)]) == [
        ("executed", ())
    ]
    await tells(harness, NEW, PN, 1, birth_date="1985-04-01")
    await tells(harness, NEW, PN, 2, birth_date="1985-04-01", former_ids=[person(OLD, SN)])
    await tells(harness, "201803052382", PN, 6, birth_date="2018-03-05", custody=[{"guardian": person(NEW)}])
    assert await sees(harness, (PN, NEW), (PN, "201803052382")) == (False, ("guardian_block",))
    await harness.out()
    assert await orders(harness, "release_guardian_block", patient=child, guardians=[person(NEW)]) == [
        ("executed", ())
    ]
    assert (await sees(harness, (PN, NEW), (PN, "201803052382")))[0] is True


@pytest.mark.parametrize("later", [YOUNG_OLD, YOUNG_NEW])
async def test_a_grant_ends_when_the_number_that_is_left_makes_the_young_person_old_enough(
    harness: WorkerHarness, later: str
) -> None:
    """The grant is to one of fourteen; the register's other number of the same person says sixteen."""
    await tells(harness, YOUNG_OLD, SN, 1, **TEEN)
    granted = {"guardians": [person(MOTHER)], "initiative": "guardian"}
    assert await orders(harness, "grant_guardian_access", patient=person(YOUNG_OLD, SN), **granted) == [
        ("executed", ())
    ]
    older = TEEN | {"birth_date": "2008-03-05"}
    if later == YOUNG_NEW:
        await tells(harness, YOUNG_NEW, PN, 2, former_ids=[person(YOUNG_OLD, SN)], **older)
    else:
        await tells(harness, YOUNG_OLD, SN, 2, **older)
    kind, number = (PN, YOUNG_NEW) if later == YOUNG_NEW else (SN, YOUNG_OLD)
    assert (await sees(harness, (PN, MOTHER), (kind, number)))[0] is False
    assert await sees(harness, (kind, number), (kind, number)) == (True, ("own_record",))
    changes = read(await harness.out(), "access.changes.v1")
    assert ("lost", MOTHER) in {(c.access, c.viewer.id) for c in changes}


ANEW = "198501022382"


@pytest.mark.parametrize(("tells_it", "of"), [(ANEW, MOTHER), (MOTHER, ANEW)])
async def test_a_reader_of_the_child_s_state_learns_that_the_guardian_is_the_one_who_is_blocked(
    harness: WorkerHarness, tells_it: str, of: str
) -> None:
    """The child's custody names the one number, the block the other; both have a record of their own until then."""
    assert await orders(harness, "block_guardians", patient=person(CHILD), guardians=[person(MOTHER)]) == [
        ("executed", ())
    ]
    await tells(harness, CHILD, PN, 7, custody=[{"guardian": person(ANEW)}, {"guardian": person(FATHER)}])
    await tells(harness, ANEW, PN, 1)
    assert (await sees(harness, (PN, ANEW), (PN, CHILD)))[0] is True
    await harness.out()
    await tells(harness, tells_it, PN, 9, former_ids=[person(of)])
    assert await sees(harness, (PN, ANEW), (PN, CHILD)) == (False, ("guardian_block",))
    events = await harness.out()
    states = [
        PatientState.model_validate_json(e.payload)
        for e in events
        if e.payload and "state" in e.aggregatetype
    ]
    [state] = [state for state in states if state.patient.ref.id == CHILD]
    kept = kept_of(state, {})
    viewer = kept.names[Identity(IdType.PERSONNUMMER, ANEW)]
    asked = AccessQuestion(viewer, Service.JOURNAL, harness.clock.now())
    assert decide(asked, kept.facts, harness.desk.books).codes == ("guardian_block",)
    changes = [c for c in read(events, "access.changes.v1") if c.patient.id == CHILD]
    lost = {(c.viewer.id, c.service) for c in changes if c.access == "lost"}
    assert lost == {(ANEW, "journal"), (ANEW, "e_services")}
    assert {c.because for c in changes if c.access == "lost"} == {("guardian_block",)}


async def test_nothing_lingers_under_the_key_of_the_number_that_became_part_of_another(
    harness: WorkerHarness,
) -> None:
    """A seal made under the one number must not be passed by a reader who has kept the other's state."""
    for number in (ADULT, ANEW):
        await tells(harness, number, PN, 20)
    assert await orders(harness, "seal_journal", patient=person(ADULT)) == [("executed", ())]
    await tells(harness, ADULT, PN, 30, former_ids=[person(ANEW)])
    kept: dict[str, bytes | None] = {
        e.aggregateid: e.payload for e in await harness.out() if e.aggregatetype == "access.state.v1"
    }
    told = [PatientState.model_validate_json(value) for value in kept.values() if value is not None]
    assert [state.patient.ref.id for state in told] == [ADULT]
    assert len(kept) == 2


def under(events: Sequence[Unpublished], number: str) -> set[tuple[str, str, str]]:
    """What is told about the patient with a number; it stands under one key, and nothing else does."""
    told = [
        (e.aggregateid, AccessChange.model_validate_json(e.payload))
        for e in events
        if e.aggregatetype == "access.changes.v1" and e.payload
    ]
    keys = {key for key, change in told if change.patient.id == number}
    assert all(change.patient.id == number for key, change in told if key in keys)
    return {(c.viewer.id, c.service, c.access) for _, c in told if c.patient.id == number}


async def test_a_reader_of_changes_hears_under_each_number_what_changed_for_it(
    harness: WorkerHarness,
) -> None:
    """A seal made under the one number: what had been told to be open under the other ends there, and opens nowhere."""
    born = {"birth_date": "1985-01-02"}
    for number in (ANEW, ADULT):
        await tells(harness, number, PN, 20, **born)
    assert await orders(harness, "seal_journal", patient=person(ADULT)) == [("executed", ())]
    await harness.out()
    await tells(harness, ADULT, PN, 30, former_ids=[person(ANEW)], **born)
    events = await harness.out()
    services = ("journal", "e_services", "paper_copy")
    assert under(events, ANEW) == {(ANEW, service, "lost") for service in services}
    assert under(events, ADULT) == set(), "sealed it was, and is"
    lost = [c for c in read(events, "access.changes.v1") if c.access == "lost"]
    assert {c.because for c in lost} == {("no_relation",)}


@pytest.mark.parametrize("had_its_own", [False, True])
async def test_the_number_that_is_left_takes_over_what_the_old_one_had(
    harness: WorkerHarness, had_its_own: bool
) -> None:
    """A child with a new number, and a child whom the register knew twice: once without its guardians."""
    small = TEEN | {"birth_date": "2018-03-05"}
    await tells(harness, YOUNG_OLD, SN, 1, **small)
    if had_its_own:
        await tells(harness, YOUNG_NEW, PN, 1, **small | {"custody": []})
    await harness.out()
    await tells(harness, YOUNG_NEW, PN, 2, former_ids=[person(YOUNG_OLD, SN)], **small)
    events = await harness.out()
    services = ("journal", "e_services", "paper_copy")
    lines = {(guardian, service) for guardian in (MOTHER, FATHER) for service in services}
    lost, gained = ({*lines, (own, "paper_copy")} for own in (YOUNG_OLD, YOUNG_NEW))
    assert under(events, YOUNG_OLD) == {(*line, "lost") for line in lost}
    assert under(events, YOUNG_NEW) == {(*line, "gained") for line in gained}
