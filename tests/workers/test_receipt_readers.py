"""Who a receipt is for: the decider in whose name it was entered, and the one record system that sent the order."""

import json

import pytest

from sigill.operations.phone_order import SOURCE
from sigill.relay.receipt_routes import ReceiptRoutes
from sigill.runtime.settings import WrongSettings, load_settings
from sigill.store import orders
from sigill_contracts.topics import RECEIPTS, STATE
from tests.kit.senders import ADULT, DOCTOR, OPERATOR, UNIT
from tests.kit.worker_harness import START, WorkerHarness, read, receipts


async def test_an_order_entered_by_phone_says_in_whose_name(harness: WorkerHarness) -> None:
    form = harness.senders.form(START, channel="phone", urgent=True)
    await harness.hand_over(harness.senders.signs(form, START, by=OPERATOR))
    [receipt] = receipts(await harness.out())
    assert receipt.outcome == "pending"
    assert receipt.answers_source == "urn:example:outside"
    entered = receipt.entered
    assert entered is not None
    assert (entered.decided_by, entered.unit, entered.by) == (DOCTOR, UNIT, (OPERATOR,))
    assert (entered.role, entered.channel) == ("treating_physician", "phone")
    assert "i ditt namn" in entered.sv
    assert "in your name" in entered.en


@pytest.mark.parametrize("decided_by", [DOCTOR, "SE2321000099-NOBODY"], ids=["pending", "refused"])
async def test_the_deciders_unit_is_told_that_an_order_was_entered(
    harness: WorkerHarness, decided_by: str
) -> None:
    """By the service that sends notices, which the desk has no hand in: once, whatever became of it, and of no patient."""
    form = harness.senders.form(START, channel="phone", urgent=True)
    form["decided_by"] = {**form["decided_by"], "hsa_id": decided_by}
    call = harness.senders.signs(form, START, by=OPERATOR)
    await harness.hand_over(call)
    events = await harness.out()
    [receipt] = receipts(events)
    [told] = [n for n in read(events, "access.notifications.v1") if n.template == "order_entered"]
    assert (told.recipient.kind, told.recipient.unit, told.suppressed) == ("unit", UNIT, None)
    assert told.order_id == receipt.order_id
    async with harness.store.reading() as tx:
        [number] = [one.registration_number for one in await orders.load(tx, [call.order_id])]  # type: ignore[list-item]
    for text in (told.sv, told.en):
        assert decided_by in text
        assert number in text
        assert ADULT not in text
    await harness.hand_over(call)
    assert "order_entered" not in {n.template for n in read(await harness.out(), "access.notifications.v1")}


async def test_an_order_that_the_decider_signed_was_entered_in_nobodys_name(harness: WorkerHarness) -> None:
    await harness.hand_over(harness.senders.orders(START))
    events = await harness.out()
    [receipt] = receipts(events)
    assert receipt.entered is None
    assert "order_entered" not in {n.template for n in read(events, "access.notifications.v1")}


async def test_a_forged_entering_is_told_to_nobody(harness: WorkerHarness) -> None:
    """What nobody proved must not reach a doctor as something that was entered."""
    form = harness.senders.form(START, channel="phone", urgent=True)
    await harness.hand_over(harness.senders.signs(form, START, by=OPERATOR, tamper="payload"))
    [receipt] = receipts(await harness.out())
    assert receipt.outcome == "refused"
    assert receipt.entered is None


READERS = {"east": ("/ehr/east", UNIT.lower()), "west": ("/ehr/west",)}


@pytest.mark.parametrize(
    ("source", "unit", "reader"),
    [
        ("/ehr/east", None, "east"), ("/ehr/west", None, "west"), ("/ehr/EAST", None, None), ("/ehr/third", None, None),
        (None, None, None), (SOURCE, UNIT, "east"), (SOURCE, "SE2321000099-ELSE", None),
        # whoever sent an order has its answer, also where it was entered for somebody at another's unit
        ("/ehr/west", UNIT, "west"),
    ],
)  # fmt: skip
def test_a_receipt_goes_to_the_one_that_sent_the_order(
    source: str | None, unit: str | None, reader: str | None
) -> None:
    told = {"answers_source": source, "entered": None if unit is None else {"unit": unit}}
    expected = RECEIPTS.name if reader is None else f"access.receipts.v1.{reader}"
    routes = ReceiptRoutes.of(READERS)
    assert routes.topic_of(RECEIPTS.name, json.dumps(told).encode()) == expected
    assert routes.topic_of(STATE.name, json.dumps(told).encode()) == STATE.name
    assert ReceiptRoutes().topic_of(RECEIPTS.name, json.dumps(told).encode()) == RECEIPTS.name


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"East": ["/ehr/east"]}, "no name of a topic"),
        ({"east": ["/ehr"], "west": ["/ehr"]}, "listed twice"),
        ({"../x": []}, "no name of a topic"),
    ],
)
def test_a_wrong_list_of_readers_stops_the_start_with_one_line(
    given: dict[str, list[str]], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGILL_RECEIPT_TOPICS", json.dumps(given))
    with pytest.raises(WrongSettings, match=f"SIGILL_RECEIPT_TOPICS: .*{why}"):
        load_settings()
