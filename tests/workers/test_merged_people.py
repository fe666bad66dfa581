"""One person under two numbers: what the register's word that both are one ends, brings and lets people lift."""

from datetime import timedelta

import pytest

from tests.workers.conftest import Office, read
from tests.workers.senders_kit import PN, SN, answers, sees
from tests.workers.town import FATHER, MOTHER, person

OLD, NEW = "198504612389", "198504012381"
YOUNG_OLD, YOUNG_NEW = "201103652380", "201103052386"
TEEN = {"birth_date": "2011-03-05", "custody": [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]}


async def tells(office: Office, number: str, kind: str, sequence: int, **fields: object) -> None:
    """The register's word, a minute later; what comes of it is left in the outbox."""
    office.clock.advance(timedelta(minutes=1))
    told = office.town.registers(
        office.clock.now(), number, sequence, person=person(number, kind), identity_level="STYRKT", **fields
    )
    await office.hand_over(told)


async def orders(office: Office, form: str, **fields: object) -> list[tuple[str, tuple[str, ...]]]:
    office.clock.advance(timedelta(minutes=1))
    return await answers(office, office.town.orders(office.clock.now(), form, **fields))


async def test_a_seal_made_under_each_number_is_lifted_under_the_one_that_is_left(office: Office) -> None:
    born = {"birth_date": "1985-04-01"}
    await tells(office, OLD, SN, 1, **born)
    await tells(office, NEW, PN, 1, **born)
    assert await orders(office, "seal_journal", patient=person(OLD, SN)) == [("executed", ())]
    assert await sees(office, (PN, NEW), (PN, NEW)) == (True, ("own_record",))
    assert await orders(office, "seal_journal", patient=person(NEW)) == [("executed", ())]
    await tells(office, NEW, PN, 2, former_ids=[person(OLD, SN)], **born)
    await office.out()
    assert await orders(office, "release_journal_seal", patient=person(NEW)) == [("executed", ())]
    for kind, number in ((SN, OLD), (PN, NEW)):
        assert await sees(office, (kind, number), (kind, number)) == (True, ("own_record",))


async def test_a_grant_under_one_number_ends_by_the_mark_under_the_other(office: Office) -> None:
    await tells(office, YOUNG_OLD, SN, 1, **TEEN)
    await tells(office, YOUNG_NEW, PN, 1, **TEEN)
    granted = {"guardians": [person(MOTHER)], "initiative": "guardian"}
    assert await orders(office, "grant_guardian_access", patient=person(YOUNG_OLD, SN), **granted) == [
        ("executed", ())
    ]
    assert await sees(office, (PN, MOTHER), (SN, YOUNG_OLD)) == (True, ("guardian_grant",))
    await tells(office, YOUNG_NEW, PN, 2, former_ids=[person(YOUNG_OLD, SN)], secrecy_mark=True, **TEEN)
    events = await office.out()
    assert {n.suppressed for n in read(events, "access.notifications.v1")} <= {"protected_identity"}
    allowed, codes = await sees(office, (PN, MOTHER), (PN, YOUNG_NEW))
    assert not allowed
    assert "protected_identity" in codes
    await tells(office, YOUNG_NEW, PN, 3, former_ids=[person(YOUNG_OLD, SN)], **TEEN)
    assert (await sees(office, (PN, MOTHER), (PN, YOUNG_NEW)))[0] is False, "a new form is needed (X-11)"
    assert await orders(office, "grant_guardian_access", patient=person(YOUNG_NEW), **granted) == [
        ("executed", ())
    ]
    assert (await sees(office, (PN, MOTHER), (PN, YOUNG_NEW)))[0] is True


async def test_a_block_of_a_guardian_under_one_number_hits_the_guardian_under_the_other(
    office: Office,
) -> None:
    small_old = {"birth_date": "2018-03-05", "custody": [{"guardian": person(OLD, SN)}]}
    await tells(office, OLD, SN, 1, birth_date="1985-04-01")
    await tells(office, "201803052382", PN, 5, **small_old)
    child = person("201803052382")
    assert await orders(office, "block_guardians", patient=child, guardians=[person(OLD, SN)]) == [
        ("executed", ())
    ]
    await tells(office, NEW, PN, 1, birth_date="1985-04-01")
    await tells(office, NEW, PN, 2, birth_date="1985-04-01", former_ids=[person(OLD, SN)])
    await tells(office, "201803052382", PN, 6, birth_date="2018-03-05", custody=[{"guardian": person(NEW)}])
    assert await sees(office, (PN, NEW), (PN, "201803052382")) == (False, ("guardian_block",))
    await office.out()
    assert await orders(office, "release_guardian_block", patient=child, guardians=[person(NEW)]) == [
        ("executed", ())
    ]
    assert (await sees(office, (PN, NEW), (PN, "201803052382")))[0] is True


@pytest.mark.parametrize("later", [YOUNG_OLD, YOUNG_NEW])
async def test_a_grant_ends_when_the_number_that_is_left_makes_the_young_person_old_enough(
    office: Office, later: str
) -> None:
    """The grant is to one of fourteen; the register's other number of the same person says sixteen."""
    await tells(office, YOUNG_OLD, SN, 1, **TEEN)
    granted = {"guardians": [person(MOTHER)], "initiative": "guardian"}
    assert await orders(office, "grant_guardian_access", patient=person(YOUNG_OLD, SN), **granted) == [
        ("executed", ())
    ]
    older = TEEN | {"birth_date": "2008-03-05"}
    if later == YOUNG_NEW:
        await tells(office, YOUNG_NEW, PN, 2, former_ids=[person(YOUNG_OLD, SN)], **older)
    else:
        await tells(office, YOUNG_OLD, SN, 2, **older)
    kind, number = (PN, YOUNG_NEW) if later == YOUNG_NEW else (SN, YOUNG_OLD)
    assert (await sees(office, (PN, MOTHER), (kind, number)))[0] is False
    assert await sees(office, (kind, number), (kind, number)) == (True, ("own_record",))
    changes = read(await office.out(), "access.changes.v1")
    assert ("lost", MOTHER) in {(c.access, c.viewer.id) for c in changes}
