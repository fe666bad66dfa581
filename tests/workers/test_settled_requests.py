"""What becomes of open requests in the store: the last yes, and the day on which rules begin."""

from datetime import UTC, datetime, timedelta

from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.processing.protection import evaluate_rules
from sigill.store import persons
from sigill.store.facts import order_context
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import ORDERS, PERSONS
from tests.kit.senders import CHILD, KEYS, MOTHER, person
from tests.kit.testland import NATIONAL, TESTLAND
from tests.kit.worker_harness import WorkerHarness, receipts
from tests.workers.senders_kit import PN, sees

ANEW = "198501022382"

ASKING = """
      - {id: ask, cites: [TL-04], forms: [request_release], offered: true, initiatives: [resident, guardian],
         channels: {ehr_form: always}, deciders: [treating_physician], may_release: [journal_seal]}
      - {id: answer, cites: [TL-04], forms: [unit_opinion], offered: true, initiatives: [care],
         channels: {ehr_form: always}, deciders: [treating_physician]}
"""
_ENTRIES_END = "    standing:\n"
_STATE = TESTLAND[
    TESTLAND.index("      - {id: protected-child") : TESTLAND.index("      - {id: protection-ended")
]
ASKED = TESTLAND.replace(_ENTRIES_END, ASKING.lstrip("\n") + _ENTRIES_END)
FROM_APRIL = f"""  - since: 2025-04-01
    extends: 2020-01-01
    documents: [T1]
    standing:
{_STATE}"""


def with_books(harness: WorkerHarness, text: str, national: str = NATIONAL) -> None:
    """Start the workers again with another rulebook of the region."""
    harness.desk = PolicyContext.of(Rulebooks.of(text, national), harness.desk.source)
    for topic in (ORDERS, PERSONS):
        harness.consuming[topic.name].handler.desk = harness.desk  # type: ignore[attr-defined]


async def sends(harness: WorkerHarness, form: str, **fields: object) -> tuple[str, list[Receipt]]:
    """Send an order a minute later: its id, and the receipts that come of it."""
    harness.clock.advance(timedelta(minutes=1))
    sent = harness.senders.orders(harness.clock.now(), form, **fields)
    await harness.hand_over(sent)
    return sent.order_id, receipts(await harness.out())


async def test_the_receipt_of_a_request_that_the_last_yes_settles_says_what_still_holds(
    harness: WorkerHarness,
) -> None:
    with_books(harness, ASKED)
    own, _ = await sends(harness, "seal_journal", initiative="resident")
    cares, _ = await sends(harness, "seal_journal")
    asked, [waiting] = await sends(harness, "request_release", initiative="resident")
    assert (waiting.outcome, waiting.codes) == ("pending", ("awaiting_units",))
    _, told = await sends(harness, "unit_opinion", follows_up=asked, opinion="agree")
    final = next(r for r in told if str(r.order_id) == asked)
    assert final.outcome == "executed"
    assert [str(m.order_id) for m in final.measures] == [cares]
    assert [str(m.order_id) for m in final.still_in_force] == [own]
    [remark] = final.remarks
    assert (remark.code, list(remark.measures)) == ("still_holds", [final.still_in_force[0].measure_id])


async def test_the_receipt_of_a_request_says_nothing_of_what_has_ended_since_it_was_asked(
    harness: WorkerHarness,
) -> None:
    with_books(harness, ASKED)
    cares, _ = await sends(harness, "seal_journal")
    asked, _ = await sends(harness, "request_release", initiative="resident")
    _, told = await sends(harness, "release_journal_seal", releases=[cares])
    final = next(r for r in told if str(r.order_id) == asked)
    assert (final.outcome, final.still_in_force, final.remarks) == ("executed", (), ())


async def test_rules_that_begin_settle_a_request_that_nobody_may_answer_any_more(
    harness: WorkerHarness,
) -> None:
    """The state that they know holds the register's own measure in force: the request is refused from that day (X-05)."""
    custody = [{"guardian": person(MOTHER)}]
    marked = harness.senders.registers(harness.clock.now(), CHILD, 7, secrecy_mark=True, custody=custody)
    await harness.hand_over(marked)
    with_books(harness, ASKED.replace(_STATE, "") + FROM_APRIL)
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    await harness.out()
    by_mother = {"patient": person(CHILD), "initiative": "guardian", "guardians": [person(MOTHER)]}
    asked, [waiting] = await sends(harness, "request_release", **by_mother)
    assert (waiting.outcome, waiting.codes) == ("pending", ("awaiting_follow_up_decision",))
    harness.clock.set(datetime(2025, 4, 2, 9, tzinfo=UTC))
    await harness.transitions().run_due(harness.clock.now())
    [final] = receipts(await harness.out())
    assert (str(final.order_id), final.outcome, final.codes) == (asked, "refused", ("protected_identity",))
    await harness.transitions().run_due(harness.clock.now() + timedelta(days=30))
    assert receipts(await harness.out()) == [], "nobody is reminded of what is settled"


async def test_a_request_opens_for_whoever_asked_also_when_the_register_has_told_of_another_number_since(
    harness: WorkerHarness,
) -> None:
    """The yes was judged by the number that had asked, which nobody had any more: nothing opened (X-02)."""
    asking = ASKING.replace("[journal_seal]", "[journal_seal, guardian_block]")
    with_books(harness, TESTLAND.replace(_ENTRIES_END, asking.lstrip("\n") + _ENTRIES_END))
    now, custody = harness.clock.now(), [{"guardian": person(ANEW)}]
    await harness.hand_over(harness.senders.registers(now, ANEW, 1))
    await harness.hand_over(harness.senders.registers(now, CHILD, 7, custody=custody))
    await sends(harness, "block_guardians", patient=person(CHILD), guardians=[person(ANEW)])
    by_her = {"patient": person(CHILD), "initiative": "guardian", "guardians": [person(ANEW)]}
    asked, [waiting] = await sends(harness, "request_release", **by_her)
    assert (waiting.outcome, waiting.codes) == ("pending", ("awaiting_units",))
    now = harness.clock.now()
    await harness.hand_over(harness.senders.registers(now, ANEW, 2, former_ids=[person(MOTHER)]))
    assert not [r for r in receipts(await harness.out()) if str(r.order_id) == asked]
    assert await sees(harness, (PN, ANEW), (PN, CHILD)) == (False, ("guardian_block",))
    async with harness.store.reading() as tx:
        known = await persons.resolve_keys(tx, [KEYS.of(CHILD), KEYS.of(ANEW)])
        child, remains = known[KEYS.of(CHILD)], known[KEYS.of(ANEW)]
        _, [request] = (await order_context(tx, [child]))[child]
    assert request.asked_by == (remains,)
    _, told = await sends(harness, "unit_opinion", patient=person(CHILD), follows_up=asked, opinion="agree")
    assert [r.outcome for r in told if str(r.order_id) == asked] == ["executed"]
    assert (await sees(harness, (PN, ANEW), (PN, CHILD)))[0] is True


async def test_what_only_claims_the_id_of_a_request_does_not_stand_in_the_way_of_its_answer(
    harness: WorkerHarness,
) -> None:
    """Its refusal was taken for the newest answer of the request, when both came in one batch: it waited for ever."""
    with_books(harness, ASKED)
    await sends(harness, "seal_journal")
    asked, _ = await sends(harness, "request_release", initiative="resident")
    harness.clock.advance(timedelta(minutes=1))
    now = harness.clock.now()
    claiming = harness.senders.orders(now, "seal_journal", order_id=asked)
    agreeing = harness.senders.orders(now, "unit_opinion", follows_up=asked, opinion="agree")
    await harness.hand_over(claiming, agreeing)
    told = [(r.outcome, r.codes) for r in receipts(await harness.out()) if str(r.order_id) == asked]
    assert told == [("refused", ("replayed_with_changes",)), ("executed", ())]
