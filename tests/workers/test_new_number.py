"""A seal names a patient's new number minutes before the register tells that it is the old patient's."""

from datetime import timedelta

import pytest

from tests.workers.conftest import START, Office
from tests.workers.senders_kit import PN, SN, answers, sees
from tests.workers.town import person

OLD, NEW = "198504612389", "198504012381"


async def test_the_seal_is_in_force_once_the_register_has_told(office):
    t = office.town
    await answers(
        office,
        t.registers(START, OLD, 1, person=person(OLD, SN), birth_date="1985-04-01", identity_level="STYRKT"),
    )
    office.clock.advance(timedelta(minutes=5))
    assert await answers(office, t.orders(office.clock.now(), patient=person(NEW))) == [
        ("pending", ("patient_not_yet_known",))
    ]
    office.clock.advance(timedelta(minutes=5))
    got = await answers(
        office,
        t.registers(
            office.clock.now(),
            NEW,
            2,
            person=person(NEW),
            birth_date="1985-04-01",
            former_ids=[person(OLD, SN)],
        ),
    )
    assert got == [("executed", ())], (
        "the order that waited for the register is not judged when the register has told"
    )
    assert await sees(office, (PN, NEW), (PN, NEW)) == (False, ("journal_seal",))


async def test_the_same_when_the_old_number_says_replaced_by(office):
    t = office.town
    await answers(
        office,
        t.registers(START, OLD, 1, person=person(OLD, SN), birth_date="1985-04-01", identity_level="STYRKT"),
    )
    office.clock.advance(timedelta(minutes=5))
    await answers(office, t.orders(office.clock.now(), patient=person(NEW)))
    office.clock.advance(timedelta(minutes=5))
    got = await answers(
        office,
        t.registers(
            office.clock.now(),
            OLD,
            2,
            person=person(OLD, SN),
            birth_date="1985-04-01",
            replaced_by=person(NEW),
        ),
    )
    assert got == [("executed", ())]


@pytest.mark.parametrize("under", [OLD, NEW])
async def test_a_number_that_is_taken_back_takes_no_protection_with_it(office: Office, under: str) -> None:
    """The register gives a person a new number, and the former one again: a seal under either holds under both."""
    t = office.town
    told = {"birth_date": "1985-04-01", "identity_level": "STYRKT"}
    await answers(office, t.registers(START, OLD, 1, person=person(OLD, SN), **told))
    office.clock.advance(timedelta(minutes=5))
    await answers(
        office, t.registers(office.clock.now(), NEW, 2, former_ids=[person(OLD, SN)], birth_date="1985-04-01")
    )
    seal = t.orders(office.clock.now(), patient=person(under, SN if under == OLD else PN))
    assert await answers(office, seal) == [("executed", ())]
    office.clock.advance(timedelta(minutes=5))
    await answers(office, t.registers(office.clock.now(), OLD, 3, person=person(OLD, SN), **told))
    for kind, number in ((SN, OLD), (PN, NEW)):
        assert await sees(office, (kind, number), (kind, number)) == (False, ("journal_seal",))
