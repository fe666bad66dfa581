"""A batch of orders in one transaction: judged, answered, repeated, refused, parked."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest

from sigill.intake.consumer import Intake
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.processing.unit_of_work import ReceivedOrder, UnitOfWork
from sigill.runtime.clock import FixedClock
from sigill.runtime.logging import configure_logging
from sigill.store import dead_letters, orders
from sigill.store.session import Store
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import OrderId
from tests.kit.senders import ADULT, CHILD, FATHER, KEYS, MOTHER, Senders, Sent, person
from tests.kit.testland import NATIONAL, OWN_SERIES
from tests.kit.worker_harness import START, WorkerHarness, read, receipts


async def test_an_order_is_executed_and_everything_that_follows_goes_out_in_order(
    harness: WorkerHarness,
) -> None:
    order = harness.senders.orders(START)
    await harness.hand_over(order)
    events = await harness.out()
    [receipt] = receipts(events)
    assert receipt.outcome == "executed"
    assert receipt.codes == ()
    assert str(receipt.order_id) == order.order_id
    assert [(m.kind, m.action) for m in receipt.measures] == [("journal_seal", "imposed")]
    assert receipt.measures[0].because[0].rule == "TL-01"
    assert receipt.note is not None
    assert receipt.note.hidden_from_online_view
    assert receipt.note.registration_number.startswith("SIGILL-")
    [change] = read(events, "access.changes.v1")
    assert (change.access, change.service, change.because) == ("lost", "journal", ("journal_seal",))
    [told] = read(events, "access.notifications.v1")
    assert (told.template, told.recipient.person.id) == ("measure_imposed", ADULT)
    [state] = read(events, "access.state.v1")
    assert [m.kind for m in state.measures] == ["journal_seal"]
    assert {e.aggregateid for e in events} == {KEYS.of(ADULT)}
    assert [e.aggregatetype for e in events][-1] == "access.state.v1"


async def test_an_order_is_registered_in_its_regions_own_series_and_found_by_it(
    store: Store, senders: Senders
) -> None:
    desk = PolicyContext.of(Rulebooks.of(OWN_SERIES, NATIONAL), "urn:sigill:test")
    harness = WorkerHarness(store, senders, FixedClock(START), desk)
    await harness.assign()
    await harness.hand_over(*senders.staff(START - timedelta(days=30)))
    await harness.hand_over(*senders.people(START - timedelta(days=30)))
    await harness.hand_over(senders.orders(START), senders.orders(START, region="nowhere"))
    executed, refused = receipts(await harness.out())
    assert executed.note is not None
    number = executed.note.registration_number
    assert number.startswith(f"TL {START:%Y}/")
    async with store.reading() as tx:
        (registration,) = await orders.numbered(tx, f" {number.lower()} ")
        (one,) = await orders.by_registration(tx, [registration])
        assert one.registration_number == number
        assert orders.file_name(number) == number.replace(" ", "_").replace("/", "_")
        (other,) = await orders.load(tx, [OrderId(str(refused.order_id))])
    assert other.registration_number.startswith("SIGILL-"), "a region that nobody has a rulebook for"


async def test_the_loop_turns_between_orders_that_take_long(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats and health live on it: a batch of large orders must not keep it to itself."""
    monkeypatch.setattr("sigill.runtime.lifecycle.SHARE_SECONDS", 0.0)
    turns, judged_at = 0, []
    real = UnitOfWork.judge

    def judge(self: UnitOfWork, order: ReceivedOrder) -> Receipt:
        judged_at.append(turns)
        return real(self, order)

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(UnitOfWork, "judge", judge)
    turning = asyncio.create_task(turn())
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(5)))
    turning.cancel()
    assert len(judged_at) == 5
    assert judged_at == sorted(set(judged_at))


async def test_the_same_message_again_gets_the_first_answer_and_changes_nothing(
    harness: WorkerHarness,
) -> None:
    order = harness.senders.orders(START)
    await harness.hand_over(order)
    [first] = receipts(await harness.out())
    await harness.hand_over(order, order)
    events = await harness.out()
    repeats = receipts(events)
    assert [r.outcome for r in repeats] == ["duplicate", "duplicate"]
    assert {r.first_outcome for r in repeats} == {"executed"}
    assert repeats[0].measures == first.measures
    assert len({r.receipt_id for r in (first, *repeats)}) == 3
    assert {e.aggregatetype for e in events} == {"access.receipts.v1"}


async def test_the_same_message_long_after_its_signature_has_become_too_old_is_still_a_repeat(
    harness: WorkerHarness,
) -> None:
    order = harness.senders.orders(START)
    await harness.hand_over(order)
    [first] = receipts(await harness.out())
    harness.clock.set(START + timedelta(days=60))
    await harness.hand_over(order)
    [again] = receipts(await harness.out())
    assert (again.outcome, again.first_outcome) == ("duplicate", "executed")
    assert again.measures == first.measures
    other = harness.senders.signs({**harness.senders.form(START), "order_id": order.order_id}, START)
    harness.clock.set(START + timedelta(days=1))
    await harness.hand_over(other)
    harness.clock.set(START + timedelta(days=60))
    await harness.hand_over(other)
    assert [r.outcome for r in receipts(await harness.out())] == ["refused", "duplicate"]
    elsewhere = replace(order, key=KEYS.of(MOTHER).encode())
    await harness.hand_over(elsewhere)
    [astray] = receipts(await harness.out())
    assert astray.outcome == "refused"
    assert "envelope_mismatch" in astray.codes


async def test_records_that_are_read_once_more_are_answered_under_one_id_once(harness: WorkerHarness) -> None:
    """
    A log made anew, or cut at its end by an unclean election, is read from its beginning: a repeat may lie where it lay.

    Its answer bears the same id then, and one event id stands in the outbox once.
    """
    order, bad = harness.senders.orders(START), harness.senders.garbage()
    records = harness.records([order, order, bad])
    await harness.hand_over_records(records)
    first = receipts(await harness.out())
    assert [r.outcome for r in first] == ["executed", "duplicate", "unreadable"]
    await harness.hand_over_records(records)
    once_more = receipts(await harness.out())
    assert [r.outcome for r in once_more] == ["duplicate"], "of the order itself, which was no repeat before"
    assert once_more[0].receipt_id not in {r.receipt_id for r in first}
    await harness.hand_over_records(records)
    assert receipts(await harness.out()) == []
    # the same bytes at another place are another repeat
    await harness.hand_over(order)
    assert [r.outcome for r in receipts(await harness.out())] == ["duplicate"]


async def test_an_unreadable_record_that_is_read_once_more_is_one_dead_letter(harness: WorkerHarness) -> None:
    """It waits for people once, and holds up its patient no longer than until they have dealt with it."""
    senders = harness.senders
    seal = senders.orders(START)
    records = harness.records([seal, senders.garbage()])
    await harness.hand_over_records(records)
    first = [event.event_id for event in await harness.out() if event.aggregatetype.endswith(".dlq")]
    assert len(first) == 1

    def lift() -> Sent:
        return senders.orders(START, "release_journal_seal", releases=[seal.order_id])

    [waiting] = harness.records([lift()])
    await harness.hand_over_records([*records, waiting])
    events = await harness.out()
    assert [event for event in events if event.aggregatetype.endswith(".dlq")] == []
    assert [r.codes for r in receipts(events)][-1] == ("awaiting_earlier_message",), (
        "nobody has dealt with it"
    )
    async with harness.store.transaction(START) as tx:
        [letter] = await dead_letters.page(tx, dealt_with=True)
        await dead_letters.mark_replayed(tx, [letter.dead_letter_id], "anna")
    [free] = harness.records([lift()])
    await harness.hand_over_records([*records, free])
    answers = receipts(await harness.out())
    assert "awaiting_earlier_message" not in [
        code for r in answers for code in r.codes if r.outcome != "duplicate"
    ]
    async with harness.store.reading() as tx:
        assert [one.action for one in await dead_letters.page(tx, dealt_with=True)] == ["replayed"]
    # a log made anew has the place again: what lies there now is another letter, with an id of its own
    await harness.hand_over_records([replace(records[1], value=b"other bytes")])
    events = await harness.out()
    assert [e.event_id in first for e in events if e.aggregatetype.endswith(".dlq")] == [False]


async def test_a_message_twice_in_one_batch_is_judged_once(harness: WorkerHarness) -> None:
    order = harness.senders.orders(START)
    await harness.hand_over(order, order)
    events = await harness.out()
    assert [r.outcome for r in receipts(events)] == ["executed", "duplicate"]
    assert len(read(events, "access.notifications.v1")) == 1


async def test_another_content_under_a_used_order_id_is_refused_and_the_first_stands(
    harness: WorkerHarness,
) -> None:
    form = harness.senders.form(START)
    await harness.hand_over(harness.senders.signs(form, START))
    await harness.out()
    await harness.hand_over(harness.senders.signs({**form, "motivation": "Other."}, START))
    events = await harness.out()
    [receipt] = receipts(events)
    assert (receipt.outcome, receipt.codes) == ("refused", ("replayed_with_changes",))
    assert {e.aggregatetype for e in events} == {"access.receipts.v1"}


async def test_a_forgery_does_not_stand_in_the_way_of_the_true_order(harness: WorkerHarness) -> None:
    form = harness.senders.form(START)
    await harness.hand_over(harness.senders.signs(form, START, tamper="signature"))
    await harness.hand_over(harness.senders.signs(form, START))
    assert [(r.outcome, r.codes) for r in receipts(await harness.out())] == [
        ("refused", ("signature_invalid",)),
        ("executed", ()),
    ]


async def test_later_orders_of_a_batch_see_the_effects_of_earlier_ones(harness: WorkerHarness) -> None:
    senders = harness.senders
    seal = senders.orders(START)
    lift = senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    again = senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    await harness.hand_over(seal, lift, again)
    answers = receipts(await harness.out())
    assert [(r.outcome, r.codes) for r in answers] == [
        ("executed", ()),
        ("executed", ()),
        ("refused", ("nothing_to_release",)),
    ]


async def test_after_an_unreadable_message_opening_orders_wait_and_protective_ones_pass(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    seal = senders.orders(START)
    lift = senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    other = senders.orders(START, "grant_guardian_access", patient=person(MOTHER), guardians=[person(ADULT)])
    await harness.hand_over(senders.garbage(), seal, lift, other)
    events = await harness.out()
    assert [(r.outcome, r.codes) for r in receipts(events)][:3] == [
        ("unreadable", ("unreadable_signature",)),
        ("executed", ()),
        ("pending", ("awaiting_earlier_message",)),
    ]
    assert "awaiting_earlier_message" not in receipts(events)[3].codes
    assert [e.aggregatetype for e in events if e.aggregatetype.endswith(".dlq")] == ["ehr.orders.v1.dlq"]
    # in the next batch it still waits
    await harness.hand_over(senders.orders(START, "release_journal_seal", releases=[seal.order_id]))
    [receipt] = receipts(await harness.out())
    assert receipt.codes == ("awaiting_earlier_message",)


async def test_the_sender_of_a_message_that_cannot_be_read_hears_why(harness: WorkerHarness) -> None:
    bad = harness.senders.garbage()
    contradicting = replace(bad, headers=(*bad.headers, ("content-type", b"application/xml")))
    nameless = replace(bad, headers=tuple(h for h in bad.headers if h[0] != "ce_id"))
    await harness.hand_over(bad, contradicting, nameless)
    answers = receipts(await harness.out())
    assert [(r.outcome, r.codes, r.answers_event) for r in answers] == [
        ("unreadable", ("unreadable_signature",), bad.order_id),
        ("unreadable", ("not_cloud_event",), bad.order_id),
    ]
    assert all(r.unreadable is not None and r.order_id is None for r in answers)


async def test_a_field_error_names_the_order_that_was_proven(harness: WorkerHarness) -> None:
    form = harness.senders.form(START, urgent="perhaps")
    await harness.hand_over(harness.senders.signs(form, START))
    [receipt] = receipts(await harness.out())
    assert (str(receipt.order_id), receipt.codes) == (form["order_id"], ("field_invalid",))
    assert [one.field for one in receipt.refusals] == ["urgent"]


DOCUMENT = {"kind": "court_order", "id": "doc-1", "sha256": "0F" * 32}


async def test_the_documents_that_a_form_names_are_kept_with_it(harness: WorkerHarness) -> None:
    named = harness.senders.orders(
        START, references=[DOCUMENT, {**DOCUMENT, "kind": "report", "id": "å" * 200}]
    )
    none = harness.senders.orders(START, references=None)
    await harness.hand_over(named, none)
    assert [receipt.outcome for receipt in receipts(await harness.out())] == ["executed", "executed"]
    async with harness.store.reading() as tx:
        kept = {one.order_id: one.payload for one in await orders.load(tx, [named.order_id, none.order_id])}
    assert json.loads(kept[named.order_id])["references"] == [
        {**DOCUMENT, "sha256": "0f" * 32},
        {"kind": "report", "id": "å" * 200, "sha256": "0f" * 32},
    ]
    assert json.loads(kept[none.order_id])["references"] is None


@pytest.mark.parametrize(
    ("references", "field"),
    [
        ([{**DOCUMENT, "kind": "photograph"}], "references.0.kind"),
        ([DOCUMENT, {**DOCUMENT, "id": ""}], "references.1.id"),
        ([{**DOCUMENT, "id": "x" * 201}], "references.0.id"),
        ([{**DOCUMENT, "sha256": "0F" * 31}], "references.0.sha256"),
        ([{**DOCUMENT, "sha256": "0G" * 32}], "references.0.sha256"),
        ([{"kind": "report", "id": "doc-1"}], "references.0.sha256"),
        ([{**DOCUMENT, "url": "x"}], "references.0.url"),
        (DOCUMENT, "references"),
        ([DOCUMENT] * 51, "references"),
    ],
)
async def test_a_document_named_wrongly_is_refused_by_field(
    harness: WorkerHarness, references: object, field: str
) -> None:
    form = harness.senders.form(START, references=references)
    await harness.hand_over(harness.senders.signs(form, START))
    [receipt] = receipts(await harness.out())
    assert receipt.codes == ("field_invalid",)
    assert [one.field for one in receipt.refusals] == [field]


@pytest.mark.parametrize("name", ["\x00", "ce_\udcff\udcfe", "x" * 70_000])
async def test_no_name_of_a_header_stops_what_comes_after(harness: WorkerHarness, name: str) -> None:
    """jsonb takes neither U+0000 nor what is not UTF-8 (which the consumer hands over as lone surrogates)."""
    bad = harness.senders.garbage()
    odd = replace(bad, headers=(*bad.headers, (name, b"\x00\xff")))
    await harness.hand_over(odd, harness.senders.orders(START))
    events = await harness.out()
    assert [r.outcome for r in receipts(events)] == ["unreadable", "executed"]
    [letter] = [e for e in events if e.aggregatetype == "ehr.orders.v1.dlq"]
    assert (name, b"\x00\xff") in letter.headers
    assert letter.payload == bad.value


async def test_a_protective_order_waits_for_a_patient_whom_the_register_has_not_told_of(
    harness: WorkerHarness,
) -> None:
    senders = harness.senders
    stranger = "199001012384"
    await harness.hand_over(senders.orders(START, patient=person(stranger)))
    [waiting] = receipts(await harness.out())
    assert (waiting.outcome, waiting.codes) == ("pending", ("patient_not_yet_known",))

    await harness.hand_over(senders.registers(START, stranger))
    events = await harness.out()
    [receipt] = receipts(events)
    assert (receipt.outcome, receipt.order_id) == ("executed", waiting.order_id)
    assert [m.kind for m in read(events, "access.state.v1")[-1].measures] == ["journal_seal"]


async def test_a_patient_whom_nobody_ever_tells_of_is_refused_after_the_deadline(
    harness: WorkerHarness,
) -> None:
    await harness.hand_over(harness.senders.orders(START, patient=person("199001012384")))
    await harness.out()
    harness.clock.set(START + timedelta(hours=73))
    assert await harness.transitions().run_due(harness.clock.now()) == 1
    [receipt] = receipts(await harness.out())
    assert (receipt.outcome, receipt.codes) == ("refused", ("patient_unknown",))


async def test_a_guardian_block_takes_both_guardians_access_and_says_whose(harness: WorkerHarness) -> None:
    await harness.hand_over(harness.senders.orders(START, "block_guardians", patient=person(CHILD)))
    events = await harness.out()
    changes = read(events, "access.changes.v1")
    assert {(c.viewer.id, c.service, c.access) for c in changes} >= {
        (MOTHER, "journal", "lost"),
        (MOTHER, "e_services", "lost"),
    }
    assert {c.cause for c in changes} == {"order"}


async def test_nobody_whom_the_decision_says_not_to_inform_is_named_in_a_notice(
    harness: WorkerHarness,
) -> None:
    inform = {"guardians": False, "patient": True, "written_confirmation": False}
    await harness.hand_over(
        harness.senders.orders(START, "block_guardians", patient=person(CHILD), inform=inform)
    )
    notices = read(await harness.out(), "access.notifications.v1")
    assert [n for n in notices if n.suppressed], "that it is not told is on record"
    assert all(n.recipient.person is None for n in notices if n.suppressed)
    assert not [n for n in notices if n.recipient.person and n.recipient.person.id in (MOTHER, FATHER)]


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """What the program logs, as a terminal shows it."""
    stream = StringIO()
    configure_logging("console", "info", stream)
    yield stream
    configure_logging()


async def test_one_line_a_message_and_nothing_personal_in_it(
    harness: WorkerHarness, logged: StringIO
) -> None:
    order = harness.senders.orders(START, motivation="Hemligt skäl.")
    await harness.hand_over(
        order, harness.senders.garbage(), harness.senders.orders(START, patient=person(CHILD))
    )
    said = logged.getvalue()
    lines = [line for line in said.splitlines() if "outcome=" in line]
    assert len(lines) == 3
    assert order.order_id in lines[0]
    assert "outcome=executed" in lines[0]
    assert "outcome=dead_letter" in lines[1]
    for secret in (ADULT, CHILD, "Hemligt", KEYS.of(ADULT)):
        assert secret not in said


async def test_a_decider_whom_the_directory_names_while_we_look_is_known(harness: WorkerHarness) -> None:
    """The directory's worker commits between our look at the staff and our look at how far it has read."""
    newcomer = "SE2321000099-DOC9"
    form = harness.senders.form(START)
    form["decided_by"] = {**form["decided_by"], "hsa_id": newcomer}

    async def read_just_now() -> bool:
        await harness.hand_over(harness.senders.employs(START, newcomer, ["treating_physician"]))
        return True

    handler = Intake(harness.desk, harness.door, harness.keeper, harness.metrics, "intake", read_just_now)
    harness.take_as(ORDERS, handler)
    await harness.assign()
    await harness.hand_over(harness.senders.signs(form, START, by=newcomer))
    [receipt] = receipts(await harness.out())
    assert (receipt.outcome, receipt.codes) == ("executed", ())


async def test_what_the_chain_of_rows_costs_does_not_grow_with_the_batch(harness: WorkerHarness) -> None:
    """An entry of the chain for each statement that writes history, however many orders it writes."""

    async def entries() -> int:
        async with harness.store.reading() as tx:
            return int(await tx.value("SELECT count(*) FROM audit_entry WHERE chain LIKE 'rows-%'"))

    before = await entries()
    await harness.hand_over(harness.senders.orders(harness.clock.now()))
    alone = await entries() - before
    patients = [person(number) for number in (MOTHER, FATHER)]
    await harness.hand_over(*(harness.senders.orders(harness.clock.now(), patient=one) for one in patients))
    assert (alone, await entries() - before - alone) == (6, 6)
