"""Numbers that no register can ever tell of: the EHR should hear at once, not after three days."""

import pytest

from tests.kit.senders import CHILD, person
from tests.kit.worker_harness import START
from tests.workers.senders_kit import PN, SN, answers

WRONG = {
    "ten digits": (PN, "1803052382"),
    "eleven, a zero lost": (PN, "20180305238"),
    "thirteenth month": (PN, "201813052382"),
    "wrong check digit": (PN, CHILD[:-1] + "9"),
    "day + 60 called personnummer": (PN, "201803652388"),
    "letters": (PN, "20180305ABCD"),
}
RIGHT = {
    "samordningsnummer, month unknown": (SN, "191500882392"),
    "samordningsnummer, day unknown": (SN, "191503602393"),
}


@pytest.mark.parametrize("which", WRONG)
async def test_refused_at_once(harness, which):
    kind, number = WRONG[which]
    assert await answers(harness, harness.senders.orders(START, patient=person(number, kind))) == [
        ("refused", ("field_invalid",))
    ]


@pytest.mark.parametrize("which", RIGHT)
async def test_taken(harness, which):
    kind, number = RIGHT[which]
    assert await answers(harness, harness.senders.orders(START, patient=person(number, kind))) == [
        ("pending", ("patient_not_yet_known",))
    ]
