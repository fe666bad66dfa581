"""What falls due is told with its true time, once, in order, whenever this worker runs."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.kit.senders import ADULT, CHILD, DOCTOR, FATHER, MOTHER, OPERATOR, UNIT, person
from tests.kit.worker_harness import START, WorkerHarness, read, receipts

DECIDED = {"hsa_id": DOCTOR, "role": "treating_physician", "unit": UNIT}


async def test_an_end_date_opens_at_its_swedish_midnight_however_late_it_is_told(
    harness: WorkerHarness,
) -> None:
    await harness.hand_over(harness.senders.orders(START, valid_through="2025-03-12"))
    await harness.out()
    harness.clock.set(START + timedelta(days=9))
    assert await harness.transitions().run_due(harness.clock.now()) == 1
    events = await harness.out()
    [change] = read(events, "access.changes.v1")
    assert (change.access, change.at) == ("gained", datetime(2025, 3, 12, 23, tzinfo=UTC))
    assert change.cause == "end_date"
    assert await harness.transitions().run_due(harness.clock.now()) == 0
    assert await harness.out() == []


async def test_after_a_week_everything_is_caught_up_with_in_order_of_time(harness: WorkerHarness) -> None:
    senders = harness.senders
    for day in (16, 12, 14):
        await harness.hand_over(senders.orders(START, valid_through=f"2025-03-{day}"))
    await harness.hand_over(senders.orders(START, patient=person(MOTHER), valid_through="2025-03-13"))
    await harness.out()
    harness.clock.set(START + timedelta(days=20))
    await harness.transitions().run_due(harness.clock.now())
    changes = read(await harness.out(), "access.changes.v1")
    assert [(c.patient.id, c.at.date().isoformat()) for c in changes] == [
        (MOTHER, "2025-03-13"),
        (ADULT, "2025-03-16"),  # the last of the three seals
    ]


async def test_a_seal_for_a_later_day_begins_on_it_and_its_order_is_answered_then(
    harness: WorkerHarness,
) -> None:
    order = harness.senders.orders(START, valid_from="2025-03-20")
    await harness.hand_over(order)
    events = await harness.out()
    assert [(r.outcome, r.codes) for r in receipts(events)] == [("pending", ("not_yet_valid",))]
    assert read(events, "access.changes.v1") == []
    harness.clock.set(START + timedelta(days=10))
    await harness.transitions().run_due(harness.clock.now())
    events = await harness.out()
    [receipt] = receipts(events)
    assert (receipt.outcome, str(receipt.order_id)) == ("executed", order.order_id)
    assert [m.kind for m in receipt.measures] == ["journal_seal"]
    [change] = read(events, "access.changes.v1")
    assert (change.access, change.at, change.cause) == (
        "lost",
        datetime(2025, 3, 19, 23, tzinfo=UTC),
        "start_date",
    )


async def test_a_13th_birthday_moves_access_once_with_several_workers_at_it(harness: WorkerHarness) -> None:
    harness.clock.set(datetime(2031, 3, 7, 9, tzinfo=UTC))
    fired = await asyncio.gather(*(harness.transitions().run_due(harness.clock.now()) for _ in range(4)))
    assert sum(fired) >= 1
    changes = read(await harness.out(), "access.changes.v1")
    about = [c for c in changes if c.patient.id == CHILD]
    assert {(c.viewer.id, c.service, c.access) for c in about} >= {
        (MOTHER, "journal", "lost"),
        (FATHER, "journal", "lost"),
        (CHILD, "e_services", "gained"),
    }
    assert {c.at for c in about} == {datetime(2031, 3, 4, 23, tzinfo=UTC)}
    assert len({c.change_id for c in changes}) == len(changes)


async def test_a_phone_order_whose_form_never_comes_is_alerted_each_day_and_stays(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    form = senders.form(START, channel="phone", urgent=True, decided_by=DECIDED)
    await harness.hand_over(senders.signs(form, START, by=OPERATOR))
    events = await harness.out()
    assert [(r.outcome, r.codes) for r in receipts(events)] == [("pending", ("awaiting_signed_form",))]
    assert [c.access for c in read(events, "access.changes.v1")] == ["lost"]

    alerts = []
    for day in (1, 2, 3):
        harness.clock.set(START + timedelta(days=day, hours=1))
        await harness.transitions().run_due(harness.clock.now())
        alerts += [n.template for n in read(await harness.out(), "access.notifications.v1")]
    assert alerts == ["signed_form_overdue"] * 3

    signed = senders.form(harness.clock.now(), follows_up=form["order_id"], decided_at=START.isoformat())
    await harness.hand_over(senders.signs(signed, harness.clock.now()))
    answers = {str(r.order_id): r.outcome for r in receipts(await harness.out())}
    assert answers == {form["order_id"]: "executed", signed["order_id"]: "executed"}
    harness.clock.set(START + timedelta(days=5))
    await harness.transitions().run_due(harness.clock.now())
    assert read(await harness.out(), "access.notifications.v1") == []


async def test_a_call_for_a_later_day_without_its_form_begins_and_waits_for_the_form_still(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    call = senders.form(START, channel="phone", urgent=True, decided_by=DECIDED, valid_from="2025-03-12")
    await harness.hand_over(senders.signs(call, START, by=OPERATOR))
    [receipt] = receipts(await harness.out())
    assert (receipt.outcome, receipt.codes) == ("pending", ("awaiting_signed_form", "not_yet_valid"))
    harness.clock.set(START + timedelta(days=5))
    await harness.transitions().run_due(harness.clock.now())
    events = await harness.out()
    assert receipts(events) == [], "its form is still missing"
    assert [c.access for c in read(events, "access.changes.v1")] == ["lost"]

    signed = senders.form(
        harness.clock.now(),
        follows_up=call["order_id"],
        decided_at=START.isoformat(),
        valid_from="2025-03-12",
    )
    await harness.hand_over(senders.signs(signed, harness.clock.now()))
    answers = {str(r.order_id): r.outcome for r in receipts(await harness.out())}
    assert answers == {call["order_id"]: "executed", signed["order_id"]: "executed"}


async def test_a_form_that_comes_before_the_day_is_answered_for_good_on_the_day(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    call = senders.form(START, channel="phone", urgent=True, decided_by=DECIDED, valid_from="2025-03-12")
    await harness.hand_over(senders.signs(call, START, by=OPERATOR))
    signed = senders.form(
        START, follows_up=call["order_id"], decided_at=START.isoformat(), valid_from="2025-03-12"
    )
    await harness.hand_over(senders.signs(signed, START))
    before = {str(r.order_id): (str(r.outcome), r.codes) for r in receipts(await harness.out())}
    harness.clock.set(START + timedelta(days=5))
    await harness.transitions().run_due(harness.clock.now())
    after = before | {str(r.order_id): (str(r.outcome), r.codes) for r in receipts(await harness.out())}
    assert after == {call["order_id"]: ("executed", ()), signed["order_id"]: ("executed", ())}, before


async def test_custody_that_ends_and_begins_on_days_to_come_is_told_on_those_days(
    harness: WorkerHarness,
) -> None:
    custody = [
        {"guardian": person(MOTHER)},
        {"guardian": person(FATHER), "to_date": "2025-04-01"},
        {"guardian": person(ADULT), "from_date": "2025-04-10"},
    ]
    await harness.hand_over(harness.senders.registers(START, CHILD, sequence=2, custody=custody))
    assert read(await harness.out(), "access.changes.v1") == []

    harness.clock.set(datetime(2025, 5, 1, 9, tzinfo=UTC))
    assert await harness.transitions().run_due(harness.clock.now()) == 2
    changes = read(await harness.out(), "access.changes.v1")
    about = [(c.viewer.id, c.access, c.at, c.cause) for c in changes if c.service == "journal"]
    assert about == [
        (FATHER, "lost", datetime(2025, 3, 31, 22, tzinfo=UTC), "register"),
        (ADULT, "gained", datetime(2025, 4, 9, 22, tzinfo=UTC), "register"),
    ]
    assert await harness.transitions().run_due(harness.clock.now()) == 0


async def test_a_day_that_the_register_takes_back_brings_nothing(harness: WorkerHarness) -> None:
    senders = harness.senders
    ending = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER), "to_date": "2025-04-01"}]
    going_on = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    await harness.hand_over(senders.registers(START, CHILD, sequence=2, custody=ending))
    await harness.hand_over(
        senders.registers(START + timedelta(hours=1), CHILD, sequence=3, custody=going_on)
    )
    await harness.out()
    harness.clock.set(datetime(2025, 5, 1, 9, tzinfo=UTC))
    assert await harness.transitions().run_due(harness.clock.now()) == 1
    assert await harness.out() == []


async def test_custody_that_ends_on_a_birthday_is_told_once(harness: WorkerHarness) -> None:
    """The child's 13th birthday takes both guardians' access; that custody of one ends too is no second change."""
    custody = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER), "to_date": "2031-03-05"}]
    await harness.hand_over(harness.senders.registers(START, CHILD, sequence=2, custody=custody))
    await harness.out()
    harness.clock.set(datetime(2031, 3, 7, 9, tzinfo=UTC))
    await harness.transitions().run_due(harness.clock.now())
    changes = read(await harness.out(), "access.changes.v1")
    lost = [c.viewer.id for c in changes if c.service == "journal" and c.access == "lost"]
    assert sorted(lost) == sorted([MOTHER, FATHER])
