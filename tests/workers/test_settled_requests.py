"""What becomes of open requests in the store: the last yes, and the day on which rules begin."""

from datetime import UTC, datetime, timedelta

from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.processing.protection import evaluate_rules
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import ORDERS, PERSONS
from tests.workers.conftest import Office, receipts
from tests.workers.rulebook import NATIONAL, TESTLAND
from tests.workers.town import CHILD, MOTHER, person

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


def with_books(office: Office, text: str) -> None:
    """Start the workers again with another rulebook of the region."""
    office.desk = PolicyContext.of(Rulebooks.of(text, NATIONAL), office.desk.source)
    for topic in (ORDERS, PERSONS):
        office.consuming[topic.name].handler.desk = office.desk  # type: ignore[attr-defined]


async def sends(office: Office, form: str, **fields: object) -> tuple[str, list[Receipt]]:
    """Send an order a minute later: its id, and the receipts that come of it."""
    office.clock.advance(timedelta(minutes=1))
    sent = office.town.orders(office.clock.now(), form, **fields)
    await office.hand_over(sent)
    return sent.order_id, receipts(await office.out())


async def test_the_receipt_of_a_request_that_the_last_yes_settles_says_what_still_holds(
    office: Office,
) -> None:
    with_books(office, ASKED)
    own, _ = await sends(office, "seal_journal", initiative="resident")
    cares, _ = await sends(office, "seal_journal")
    asked, [waiting] = await sends(office, "request_release", initiative="resident")
    assert (waiting.outcome, waiting.codes) == ("pending", ("awaiting_units",))
    _, told = await sends(office, "unit_opinion", follows_up=asked, opinion="agree")
    final = next(r for r in told if str(r.order_id) == asked)
    assert final.outcome == "executed"
    assert [str(m.order_id) for m in final.measures] == [cares]
    assert [str(m.order_id) for m in final.still_in_force] == [own]
    [remark] = final.remarks
    assert (remark.code, list(remark.measures)) == ("still_holds", [final.still_in_force[0].measure_id])


async def test_the_receipt_of_a_request_says_nothing_of_what_has_ended_since_it_was_asked(
    office: Office,
) -> None:
    with_books(office, ASKED)
    cares, _ = await sends(office, "seal_journal")
    asked, _ = await sends(office, "request_release", initiative="resident")
    _, told = await sends(office, "release_journal_seal", releases=[cares])
    final = next(r for r in told if str(r.order_id) == asked)
    assert (final.outcome, final.still_in_force, final.remarks) == ("executed", (), ())


async def test_rules_that_begin_settle_a_request_that_nobody_may_answer_any_more(office: Office) -> None:
    """The state that they know holds the register's own measure in force: the request is refused from that day (X-05)."""
    custody = [{"guardian": person(MOTHER)}]
    marked = office.town.registers(office.clock.now(), CHILD, 7, secrecy_mark=True, custody=custody)
    await office.hand_over(marked)
    with_books(office, ASKED.replace(_STATE, "") + FROM_APRIL)
    await evaluate_rules(office.store, office.desk, office.clock.now())
    await office.out()
    by_mother = {"patient": person(CHILD), "initiative": "guardian", "guardians": [person(MOTHER)]}
    asked, [waiting] = await sends(office, "request_release", **by_mother)
    assert (waiting.outcome, waiting.codes) == ("pending", ("awaiting_follow_up_decision",))
    office.clock.set(datetime(2025, 4, 2, 9, tzinfo=UTC))
    await office.transitions().run_due(office.clock.now())
    [final] = receipts(await office.out())
    assert (str(final.order_id), final.outcome, final.codes) == (asked, "refused", ("protected_identity",))
    await office.transitions().run_due(office.clock.now() + timedelta(days=30))
    assert receipts(await office.out()) == [], "nobody is reminded of what is settled"
