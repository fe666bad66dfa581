"""Orders that wait are judged anew when what they waited for is there."""

from dataclasses import replace
from datetime import timedelta

from sigill.intake.revocation_recheck import Recheck
from sigill.policy.effects import SetTimer, TimerKind
from sigill.policy.facts import Identity
from sigill.processing.loading import unit_of_work_about
from sigill.processing.persist import persist
from sigill.processing.reevaluation import reevaluate_pending
from sigill.store import dead_letters, persons, tasks, timers
from sigill.trust import RevocationSnapshot
from sigill.trust.evidence import RevocationList
from sigill_contracts.vocabulary import IdType, PendingCode, RegionCode
from tests.kit.senders import ADULT, DOCTOR, MOTHER, person
from tests.kit.worker_harness import START, WorkerHarness, read, receipts

STRANGER = "198507099805"
TEEN = "201101012387"


def recheck(harness: WorkerHarness) -> Recheck:
    return Recheck(harness.store, harness.desk, harness.door, harness.keeper, harness.clock)


async def sealed_and_asked_to_open_without_lists(harness: WorkerHarness) -> tuple[str, str]:
    """A seal, and while no revocation list is known, an order to lift it."""
    known = harness.keeper.snapshot
    seal = harness.senders.orders(START)
    await harness.hand_over(seal)
    harness.keeper.snapshot = RevocationSnapshot.of()
    lift = harness.senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    again = harness.senders.orders(START)
    await harness.hand_over(lift, again)
    harness.keeper.snapshot = known
    return lift.order_id, again.order_id


async def test_an_opening_order_waits_for_the_revocation_status_and_a_protective_one_is_flagged(
    harness: WorkerHarness,
) -> None:
    lift, again = await sealed_and_asked_to_open_without_lists(harness)
    answers = {str(r.order_id): r for r in receipts(await harness.out())}
    assert answers[lift].codes == ("awaiting_revocation_status",)
    assert answers[again].outcome == "executed"
    assert "revocation_unknown" in answers[again].flagged

    assert await recheck(harness).look(START + timedelta(minutes=1)) == 1
    [receipt] = receipts(await harness.out())
    assert (str(receipt.order_id), receipt.outcome) == (lift, "executed")
    assert await recheck(harness).look(START + timedelta(minutes=2)) == 0


async def test_what_turns_out_to_be_revoked_is_refused_and_opens_nothing(harness: WorkerHarness) -> None:
    lift, _ = await sealed_and_asked_to_open_without_lists(harness)
    await harness.out()
    authority = harness.senders.authority
    holder = authority.staff(DOCTOR)
    authority.revoke(holder, START - timedelta(days=1))
    try:
        lists = authority.crls(START - timedelta(minutes=30), next_update=START + timedelta(days=9))
    finally:
        authority.release(holder)
    harness.keeper.snapshot = RevocationSnapshot.of([RevocationList.read(data) for data in lists])
    assert await recheck(harness).look(START + timedelta(minutes=1)) == 2, "this one, and an alert"
    events = await harness.out()
    [receipt] = receipts(events)
    assert (str(receipt.order_id), receipt.outcome, receipt.codes) == (
        lift,
        "refused",
        ("certificate_revoked",),
    )
    assert read(events, "access.changes.v1") == []


async def test_operators_are_told_once_when_a_card_that_was_acted_on_turns_out_to_be_revoked(
    harness: WorkerHarness,
) -> None:
    authority = harness.senders.authority
    known, harness.keeper.snapshot = harness.keeper.snapshot, RevocationSnapshot.of()
    seal = harness.senders.orders(START)
    await harness.hand_over(seal)
    [receipt] = receipts(await harness.out())
    assert (receipt.outcome, receipt.flagged) == ("executed", ("revocation_unknown",))

    holder = authority.staff(DOCTOR)
    authority.revoke(holder, START - timedelta(days=1))
    try:
        lists = authority.crls(START - timedelta(minutes=30), next_update=START + timedelta(days=9))
    finally:
        authority.release(holder)
    harness.keeper.snapshot = RevocationSnapshot.of([RevocationList.read(data) for data in lists])
    assert await recheck(harness).look(START + timedelta(minutes=1)) == 1
    events = await harness.out()
    [told] = read(events, "access.notifications.v1")
    assert (told.recipient.kind, told.template, told.channel) == ("operators", "card_revoked_late", "console")
    assert str(told.order_id) == seal.order_id
    assert read(events, "access.changes.v1") == [], "the protection stays"
    async with harness.store.reading() as tx:
        [task] = await tasks.page(tx, kinds=["card_revoked_late"])
    assert (task.subject, task.order_id, task.due_at) == (
        seal.order_id,
        seal.order_id,
        START + timedelta(minutes=1),
    )

    assert await recheck(harness).look(START + timedelta(minutes=2)) == 0
    assert await harness.out() == []
    harness.keeper.snapshot = known


async def test_of_a_card_that_was_good_nobody_is_told(harness: WorkerHarness) -> None:
    known, harness.keeper.snapshot = harness.keeper.snapshot, RevocationSnapshot.of()
    await harness.hand_over(harness.senders.orders(START))
    await harness.out()
    harness.keeper.snapshot = known
    assert await recheck(harness).look(START + timedelta(minutes=1)) == 0
    assert await harness.out() == []


async def test_when_people_have_dealt_with_the_unreadable_message_what_waited_behind_it_goes_on(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    seal = senders.orders(START)
    lift = senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    await harness.hand_over(seal, senders.garbage(ADULT), lift)
    assert [r.outcome for r in receipts(await harness.out())] == ["executed", "unreadable", "pending"]
    settled = await settling(harness)
    assert await harness.transitions().run_due(START) == 1
    assert receipts(await harness.out()) == [], "it is not dealt with yet"

    async with harness.store.transaction(START) as tx:
        [letter] = await dead_letters.page(tx)
        proposal = await dead_letters.propose_discard(tx, letter.dead_letter_id, "anna", "A test message.")
        await dead_letters.discard(tx, proposal, "bo")
        later = replace(settled, due_at=START + timedelta(minutes=1))
        await timers.set(tx, [later])
    harness.clock.set(START + timedelta(minutes=2))
    assert await harness.transitions().run_due(harness.clock.now()) == 1
    events = await harness.out()
    [receipt] = receipts(events)
    assert (str(receipt.order_id), receipt.outcome) == (lift.order_id, "executed")
    assert [c.access for c in read(events, "access.changes.v1")] == ["gained"]


async def settling(harness: WorkerHarness) -> SetTimer:
    """What operators set when they have dealt with a patient's unreadable message."""
    async with harness.store.transaction(START) as tx:
        [patient] = (await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, ADULT)])).values()
        timer = SetTimer(TimerKind.EARLIER_MESSAGE_SETTLED, START, patient, RegionCode(""))
        await timers.set(tx, [timer])
    return timer


async def test_orders_whose_deadlines_pass_together_are_each_answered_once(harness: WorkerHarness) -> None:
    """Each deadline has all of the patient's orders judged anew; what it answers the next one must know."""
    orders = [harness.senders.orders(START, patient=person(STRANGER)) for _ in range(3)]
    await harness.hand_over(*orders)
    assert {r.codes for r in receipts(await harness.out())} == {("patient_not_yet_known",)}
    harness.clock.set(START + timedelta(days=60))
    await harness.transitions().run_due(harness.clock.now())
    answers = [(str(r.order_id), r.outcome, r.codes) for r in receipts(await harness.out())]
    assert sorted(answers) == sorted((o.order_id, "refused", ("patient_unknown",)) for o in orders)


async def test_what_was_answered_in_the_transaction_is_judged_by_what_it_waits_for_since(
    harness: WorkerHarness,
) -> None:
    """The store says still that it waits for the unreadable message, which has been dealt with."""
    senders = harness.senders
    child = senders.registers(START, TEEN, birth_date="2011-01-01")
    await harness.hand_over(child, senders.registers(START, MOTHER))
    grant = senders.orders(
        START,
        "grant_guardian_access",
        patient=person(TEEN),
        guardians=[person(MOTHER)],
        initiative="guardian",
    )
    await harness.hand_over(senders.garbage(TEEN), grant)
    waiting = [r for r in receipts(await harness.out()) if r.outcome == "pending"]
    assert [r.codes for r in waiting] == [("awaiting_earlier_message", "custody_unconfirmed")]

    earlier, custody = {PendingCode.AWAITING_EARLIER_MESSAGE}, {PendingCode.CUSTODY_UNCONFIRMED}
    async with harness.store.transaction(START) as tx:
        [patient] = (await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, TEEN)])).values()
        await persons.lock(tx, [patient])
        unit_of_work = await unit_of_work_about(tx, harness.desk, [patient], chain="transitions-0")
        await reevaluate_pending(tx, unit_of_work, [patient], earlier, trigger="a", resolved=earlier)
        await reevaluate_pending(tx, unit_of_work, [patient], custody, trigger="b")
        await persist(tx, unit_of_work)
    assert [r.codes for r in receipts(await harness.out())] == [("custody_unconfirmed",)]
