"""Orders that wait are judged anew when what they waited for is there."""

from dataclasses import replace
from datetime import timedelta

from sigill.intake.revocation_recheck import Recheck
from sigill.policy.effects import SetTimer, TimerKind
from sigill.policy.facts import Identity
from sigill.store import dead_letters, persons, tasks, timers
from sigill.trust import RevocationSnapshot
from sigill.trust.evidence import RevocationList
from sigill_contracts.vocabulary import IdType, RegionCode
from tests.workers.conftest import START, Office, read, receipts
from tests.workers.town import ADULT, DOCTOR


def recheck(office: Office) -> Recheck:
    return Recheck(office.store, office.desk, office.door, office.keeper, office.clock)


async def sealed_and_asked_to_open_without_lists(office: Office) -> tuple[str, str]:
    """A seal, and while no revocation list is known, an order to lift it."""
    known = office.keeper.snapshot
    seal = office.town.orders(START)
    await office.hand_over(seal)
    office.keeper.snapshot = RevocationSnapshot.of()
    lift = office.town.orders(START, "release_journal_seal", releases=[seal.order_id])
    again = office.town.orders(START)
    await office.hand_over(lift, again)
    office.keeper.snapshot = known
    return lift.order_id, again.order_id


async def test_an_opening_order_waits_for_the_revocation_status_and_a_protective_one_is_flagged(
    office: Office,
) -> None:
    lift, again = await sealed_and_asked_to_open_without_lists(office)
    answers = {str(r.order_id): r for r in receipts(await office.out())}
    assert answers[lift].codes == ("awaiting_revocation_status",)
    assert answers[again].outcome == "executed"
    assert "revocation_unknown" in answers[again].flagged

    assert await recheck(office).look(START + timedelta(minutes=1)) == 1
    [receipt] = receipts(await office.out())
    assert (str(receipt.order_id), receipt.outcome) == (lift, "executed")
    assert await recheck(office).look(START + timedelta(minutes=2)) == 0


async def test_what_turns_out_to_be_revoked_is_refused_and_opens_nothing(office: Office) -> None:
    lift, _ = await sealed_and_asked_to_open_without_lists(office)
    await office.out()
    authority = office.town.authority
    holder = authority.staff(DOCTOR)
    authority.revoke(holder, START - timedelta(days=1))
    try:
        lists = authority.crls(START - timedelta(minutes=30), next_update=START + timedelta(days=9))
    finally:
        authority.release(holder)
    office.keeper.snapshot = RevocationSnapshot.of([RevocationList.read(data) for data in lists])
    assert await recheck(office).look(START + timedelta(minutes=1)) == 2, "this one, and an alert"
    events = await office.out()
    [receipt] = receipts(events)
    assert (str(receipt.order_id), receipt.outcome, receipt.codes) == (
        lift,
        "refused",
        ("certificate_revoked",),
    )
    assert read(events, "access.changes.v1") == []


async def test_operators_are_told_once_when_a_card_that_was_acted_on_turns_out_to_be_revoked(
    office: Office,
) -> None:
    authority = office.town.authority
    known, office.keeper.snapshot = office.keeper.snapshot, RevocationSnapshot.of()
    seal = office.town.orders(START)
    await office.hand_over(seal)
    [receipt] = receipts(await office.out())
    assert (receipt.outcome, receipt.flagged) == ("executed", ("revocation_unknown",))

    holder = authority.staff(DOCTOR)
    authority.revoke(holder, START - timedelta(days=1))
    try:
        lists = authority.crls(START - timedelta(minutes=30), next_update=START + timedelta(days=9))
    finally:
        authority.release(holder)
    office.keeper.snapshot = RevocationSnapshot.of([RevocationList.read(data) for data in lists])
    assert await recheck(office).look(START + timedelta(minutes=1)) == 1
    events = await office.out()
    [told] = read(events, "access.notifications.v1")
    assert (told.recipient.kind, told.template, told.channel) == ("operators", "card_revoked_late", "console")
    assert str(told.order_id) == seal.order_id
    assert read(events, "access.changes.v1") == [], "the protection stays"
    async with office.store.reading() as tx:
        [task] = await tasks.page(tx, kinds=["card_revoked_late"])
    assert (task.subject, task.order_id, task.due_at) == (
        seal.order_id,
        seal.order_id,
        START + timedelta(minutes=1),
    )

    assert await recheck(office).look(START + timedelta(minutes=2)) == 0
    assert await office.out() == []
    office.keeper.snapshot = known


async def test_of_a_card_that_was_good_nobody_is_told(office: Office) -> None:
    known, office.keeper.snapshot = office.keeper.snapshot, RevocationSnapshot.of()
    await office.hand_over(office.town.orders(START))
    await office.out()
    office.keeper.snapshot = known
    assert await recheck(office).look(START + timedelta(minutes=1)) == 0
    assert await office.out() == []


async def test_when_people_have_dealt_with_the_unreadable_message_what_waited_behind_it_goes_on(
    office: Office,
) -> None:
    town = office.town
    seal = town.orders(START)
    lift = town.orders(START, "release_journal_seal", releases=[seal.order_id])
    await office.hand_over(seal, town.garbage(ADULT), lift)
    assert [r.outcome for r in receipts(await office.out())] == ["executed", "unreadable", "pending"]
    settled = await settling(office)
    assert await office.transitions().run_due(START) == 1
    assert receipts(await office.out()) == [], "it is not dealt with yet"

    async with office.store.transaction(START) as tx:
        [letter] = await dead_letters.page(tx)
        proposal = await dead_letters.propose_discard(tx, letter.dead_letter_id, "anna", "A test message.")
        await dead_letters.discard(tx, proposal, "bo")
        later = replace(settled, due_at=START + timedelta(minutes=1))
        await timers.set(tx, [later])
    office.clock.set(START + timedelta(minutes=2))
    assert await office.transitions().run_due(office.clock.now()) == 1
    events = await office.out()
    [receipt] = receipts(events)
    assert (str(receipt.order_id), receipt.outcome) == (lift.order_id, "executed")
    assert [c.access for c in read(events, "access.changes.v1")] == ["gained"]


async def settling(office: Office) -> SetTimer:
    """What operators set when they have dealt with a patient's unreadable message."""
    async with office.store.transaction(START) as tx:
        [patient] = (await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, ADULT)])).values()
        timer = SetTimer(TimerKind.EARLIER_MESSAGE_SETTLED, START, patient, RegionCode(""))
        await timers.set(tx, [timer])
    return timer
