"""Whose clock counts: measures begin when the broker received their order, whatever a worker's or a sender's clock says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from sigill.policy.access import AccessQuestion, decide
from sigill.policy.facts import Identity
from sigill.runtime.clock import FixedClock, RefereedClock, SystemClock
from sigill.runtime.metrics import CLOCK_SKEW, Metrics
from sigill.runtime.settings import Settings
from sigill.store import facts as stored
from sigill.store import persons
from sigill.store.outbox import Unpublished
from sigill.store.referee import ClockApart, Referee
from sigill_contracts.state import MeasureState
from sigill_contracts.topics import ORDERS, PERSONS
from sigill_contracts.vocabulary import Service
from tests.kit.senders import ADULT, MOTHER
from tests.kit.worker_harness import START, WorkerHarness, read, receipts

HOUR = timedelta(hours=1)
SOON = timedelta(seconds=1)


def measures(events: Sequence[Unpublished]) -> list[MeasureState]:
    return [measure for state in read(events, "access.state.v1") for measure in state.measures]


async def open_to(harness: WorkerHarness, number: str, at: datetime) -> bool:
    """Whether the person behind a number sees its own journal at an instant."""
    identity = Identity("personnummer", number)  # type: ignore[arg-type]
    async with harness.store.reading() as tx:
        who = (await persons.resolve(tx, {identity}))[identity]
        facts = (await stored.patient_facts(tx, {who}))[who]
    return decide(AccessQuestion(who, Service.JOURNAL, at, None, None), facts, harness.desk.books).allowed


@pytest.mark.parametrize("ahead", [HOUR, timedelta(0), -HOUR], ids=["ahead", "right", "behind"])
async def test_a_seal_begins_no_later_than_the_broker_received_it(
    harness: WorkerHarness, ahead: timedelta
) -> None:
    received = harness.records([harness.senders.orders(START)])
    harness.clock.set(START + ahead)
    await harness.hand_over_records(received)
    events = await harness.out()
    [receipt] = receipts(events)
    begins = min(START, START + ahead)
    assert receipt.outcome == "executed"
    assert measures(events)[0].valid_from == begins
    assert not await open_to(harness, ADULT, START + SOON)
    [change] = read(events, "access.changes.v1")
    assert change.at == begins


async def test_a_seal_that_waited_for_the_register_begins_when_it_was_received(
    harness: WorkerHarness,
) -> None:
    stranger = "198507099805"
    order = harness.senders.orders(
        START, patient={"id_type": "personnummer", "id": stranger}, decided_at=START.isoformat()
    )
    await harness.hand_over(order)
    assert receipts(await harness.out())[0].outcome == "pending"
    harness.clock.advance(HOUR)
    await harness.hand_over(harness.senders.registers(START - timedelta(days=1), stranger))
    events = await harness.out()
    [receipt] = receipts(events)
    assert (receipt.outcome, measures(events)[0].valid_from) == ("executed", START)


async def test_a_brokers_clock_that_jumps_back_dates_no_release_before_its_seal(
    harness: WorkerHarness,
) -> None:
    seal = harness.senders.orders(START)
    await harness.hand_over(seal)
    release = harness.senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    harness.clock.advance(2 * HOUR)
    [record] = harness.records([release])
    early = int((START - HOUR / 6).timestamp() * 1000)
    await harness.hand_over_records([replace(record, timestamp=early)])
    events = await harness.out()
    assert [r.outcome for r in receipts(events)] == ["executed"] * 2
    assert read(events, "access.state.v1")[-1].measures == ()  # what is over has left the state
    async with harness.store.reading() as tx:
        identity = Identity("personnummer", ADULT)  # type: ignore[arg-type]
        who = (await persons.resolve(tx, {identity}))[identity]
        facts = (await stored.patient_facts(tx, {who}))[who]
    assert [(m.valid_from, m.valid_to) for m in facts.measures] == [(START, START)]
    assert await open_to(harness, ADULT, START + SOON)


@pytest.mark.parametrize("topic", [ORDERS, PERSONS], ids=lambda spec: spec.name)
@pytest.mark.parametrize(
    "stamp",
    [int(START.timestamp() * 1_000_000), int((START + 8 * HOUR).timestamp() * 1000), -1, 0, 2**62],
    ids=["microseconds", "the future", "none", "1970", "far out"],
)
async def test_what_a_sender_stamps_ends_nothing_and_dates_nothing_ahead(
    harness: WorkerHarness, topic: object, stamp: int
) -> None:
    sent = (
        [harness.senders.orders(START), harness.senders.garbage()]
        if topic is ORDERS
        else [
            harness.senders.registers(START - HOUR, MOTHER, 7),
            replace(harness.senders.garbage(), topic=PERSONS),
        ]
    )
    records = [replace(r, timestamp=stamp, timestamp_type="create") for r in harness.records(sent)]
    await harness.hand_over_records(records)
    events = await harness.out()
    assert all(receipt.received_at <= harness.clock.now() for receipt in receipts(events))
    assert all(m.valid_from <= harness.clock.now() for m in measures(events))


def test_the_refereed_clock_follows_the_database_and_no_jump_of_the_machine() -> None:
    machine = FixedClock(START + HOUR)
    clock = RefereedClock(machine)
    assert clock.now() == START + HOUR
    from sigill.runtime.clock import stopwatch

    clock.correct(START, stopwatch())
    assert timedelta(0) <= clock.now() - START < timedelta(seconds=10)
    assert HOUR - timedelta(seconds=10) < clock.machine_ahead() <= HOUR
    before = clock.now()
    machine.set(START - 5 * HOUR)
    assert before <= clock.now() < before + timedelta(seconds=10)


async def test_the_databases_clock_is_the_referee_and_too_far_apart_stops_the_worker(database: str) -> None:
    machine = FixedClock(SystemClock().now() + 2 * HOUR)
    clock, metrics = RefereedClock(machine), Metrics()
    referee = Referee(Settings(database_url=SecretStr(database)), clock, metrics)
    await referee.look()
    try:
        assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=20)
        shown = metrics.registry.get_sample_value(CLOCK_SKEW.name, {"of": "worker"})
        assert shown == pytest.approx(7200, abs=20)
        referee.check()  # a wrong zone is told of, and does no harm
        machine.advance(2 * HOUR)
        await referee.look()
        with pytest.raises(ClockApart):
            referee.check()
        machine.set(SystemClock().now())
        await referee.look()
        referee.check()
    finally:
        await referee.close()
