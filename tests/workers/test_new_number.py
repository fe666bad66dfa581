"""A seal names a patient's new number minutes before the register tells that it is the old patient's."""

from datetime import timedelta

import pytest

from tests.kit.senders import person
from tests.kit.worker_harness import START, WorkerHarness
from tests.workers.senders_kit import PN, SN, answers, sees

OLD, NEW = "198504612389", "198504012381"


async def test_the_seal_is_in_force_once_the_register_has_told(harness):
    t = harness.senders
    await answers(
        harness,
        t.registers(START, OLD, 1, person=person(OLD, SN), birth_date="1985-04-01", identity_level="STYRKT"),
    )
    harness.clock.advance(timedelta(minutes=5))
    assert await answers(harness, t.orders(harness.clock.now(), patient=person(NEW))) == [
        ("pending", ("patient_not_yet_known",))
    ]
    harness.clock.advance(timedelta(minutes=5))
    got = await answers(
        harness,
        t.registers(
            harness.clock.now(),
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
    assert await sees(harness, (PN, NEW), (PN, NEW)) == (False, ("journal_seal",))


async def test_the_same_when_the_old_number_says_replaced_by(harness):
    t = harness.senders
    await answers(
        harness,
        t.registers(START, OLD, 1, person=person(OLD, SN), birth_date="1985-04-01", identity_level="STYRKT"),
    )
    harness.clock.advance(timedelta(minutes=5))
    await answers(harness, t.orders(harness.clock.now(), patient=person(NEW)))
    harness.clock.advance(timedelta(minutes=5))
    got = await answers(
        harness,
        t.registers(
            harness.clock.now(),
            OLD,
            2,
            person=person(OLD, SN),
            birth_date="1985-04-01",
            replaced_by=person(NEW),
        ),
    )
    assert got == [("executed", ())]


@pytest.mark.parametrize("under", [OLD, NEW])
async def test_a_number_that_is_taken_back_takes_no_protection_with_it(
    harness: WorkerHarness, under: str
) -> None:
    """The register gives a person a new number, and the former one again: a seal under either holds under both."""
    t = harness.senders
    told = {"birth_date": "1985-04-01", "identity_level": "STYRKT"}
    await answers(harness, t.registers(START, OLD, 1, person=person(OLD, SN), **told))
    harness.clock.advance(timedelta(minutes=5))
    await answers(
        harness,
        t.registers(harness.clock.now(), NEW, 2, former_ids=[person(OLD, SN)], birth_date="1985-04-01"),
    )
    seal = t.orders(harness.clock.now(), patient=person(under, SN if under == OLD else PN))
    assert await answers(harness, seal) == [("executed", ())]
    harness.clock.advance(timedelta(minutes=5))
    await answers(harness, t.registers(harness.clock.now(), OLD, 3, person=person(OLD, SN), **told))
    for kind, number in ((SN, OLD), (PN, NEW)):
        assert await sees(harness, (kind, number), (kind, number)) == (False, ("journal_seal",))
