"""Who is protected is shut, however that state came about: rules that begin, a store of before, a worker that was away."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sigill.policy.rulebook import Rulebooks
from sigill.processing import protection as enact
from sigill.processing.citations import PolicyContext
from sigill.processing.protection import check, evaluate_rules, mend, rules_evaluated
from sigill.runtime.metrics import PROTECTED_NOT_SHUT
from sigill.store import protection, tasks
from sigill_contracts.topics import PERSONS
from tests.workers.conftest import START, Office, read
from tests.workers.rulebook import NATIONAL, TESTLAND
from tests.workers.town import CHILD, FATHER, KEYS, MOTHER, person

LATER = START + timedelta(days=30)
BEGINS = datetime(2025, 3, 31, 22, tzinfo=UTC)
_STATE = TESTLAND[
    TESTLAND.index("      - {id: protected-child") : TESTLAND.index("      - {id: protection-ended")
]
OTHER = "201903052380"
"""A child whom no file of people holds yet."""


def without_state() -> Rulebooks:
    """The region's rules before anybody wrote that a protected child is sealed."""
    return Rulebooks.of(TESTLAND.replace(_STATE, ""), NATIONAL)


def from_april() -> Rulebooks:
    """The same, and a version that says so from 1 April."""
    version = f"""  - since: 2025-04-01
    extends: 2020-01-01
    documents: [T1]
    standing:
{_STATE}"""
    return Rulebooks.of(TESTLAND.replace(_STATE, "") + version, NATIONAL)


def with_books(office: Office, books: Rulebooks) -> None:
    """Start the workers again with other rulebooks."""
    office.desk = PolicyContext.of(books, office.desk.source)
    office.consuming[PERSONS.name].handler.desk = office.desk  # type: ignore[attr-defined]


async def marked(office: Office, number: str = CHILD, sequence: int = 7, **fields: object) -> None:
    """The register marks somebody."""
    custody = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    given = {"secrecy_mark": True, "custody": custody, **fields}
    await office.hand_over(office.town.registers(office.clock.now(), number, sequence, **given))
    await office.out()


def not_shut(office: Office) -> float | None:
    return office.metrics.registry.get_sample_value(PROTECTED_NOT_SHUT.name, {"region": "testland"})


async def region_tasks(office: Office) -> list[tuple[str, str]]:
    async with office.store.reading() as tx:
        rows = await tx.fetch("SELECT kind, text_en FROM task WHERE person_id IS NULL ORDER BY task_id")
    return [(row["kind"], row["text_en"]) for row in rows]


async def test_rules_that_begin_shut_whom_they_want_shut_from_their_midnight(office: Office) -> None:
    with_books(office, from_april())
    await evaluate_rules(office.store, office.desk, office.clock.now())
    await marked(office)
    assert read(await office.out(), "access.changes.v1") == []
    office.clock.set(LATER)
    await office.transitions().run_due(office.clock.now())
    events = await office.out()
    [state] = read(events, "access.state.v1")
    [seal] = [m for m in state.measures if m.initiative == "register"]
    assert (seal.kind, seal.valid_from, seal.order_id) == ("journal_seal", BEGINS, None)
    assert {n.suppressed for n in read(events, "access.notifications.v1")} == set()
    [(kind, text)] = await region_tasks(office)
    assert kind == "standing_measures"
    assert "Rules that hold from 2025-04-01" in text
    assert text.endswith("now shut: 1.")
    # once is enough, whoever looks
    await asyncio.gather(*(office.transitions().run_due(office.clock.now()) for _ in range(3)))
    assert await office.out() == []


async def test_rules_that_are_new_to_a_store_shut_from_now_and_not_backwards(office: Office) -> None:
    with_books(office, without_state())
    await evaluate_rules(office.store, office.desk, office.clock.now())
    await marked(office)
    with_books(office, Rulebooks.of(TESTLAND, NATIONAL))
    office.clock.set(LATER)
    await office.transitions().run_due(office.clock.now())
    [state] = read(await office.out(), "access.state.v1")
    assert [(m.kind, m.valid_from) for m in state.measures] == [("journal_seal", LATER)]


async def test_a_corrected_county_of_a_rulebook_has_everybody_looked_at_again(office: Office) -> None:
    with_books(office, Rulebooks.of(TESTLAND.replace('["99"]', '["98"]'), NATIONAL))
    await evaluate_rules(office.store, office.desk, office.clock.now())
    await marked(office)
    assert read(await office.out(), "access.state.v1") == []
    with_books(office, Rulebooks.of(TESTLAND, NATIONAL))
    assert await evaluate_rules(office.store, office.desk, office.clock.now()) == 1
    [state] = read(await office.out(), "access.state.v1")
    assert [m.kind for m in state.measures] == ["journal_seal"]


async def test_workers_side_by_side_and_a_killed_one_impose_everything_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enact, "BATCH", 1)
    with_books(office, without_state())
    await evaluate_rules(office.store, office.desk, office.clock.now())
    for number in (CHILD, OTHER):
        await marked(office, number)
    with_books(office, Rulebooks.of(TESTLAND, NATIONAL))
    now = office.clock.now()
    async with office.store.reading() as tx:
        [begun] = enact.causes(office.desk.books, await protection.evaluated(tx, now), now)
    assert await enact._evaluate_batch(office.store, office.desk, begun, now) == (1, True)
    async with office.store.reading() as tx:
        assert not await rules_evaluated(tx, office.desk.books, now)
    await asyncio.gather(*(evaluate_rules(office.store, office.desk, now) for _ in range(3)))
    states = read(await office.out(), "access.state.v1")
    assert [[m.kind for m in state.measures] for state in states] == [["journal_seal"]] * 2
    [(_, text)] = await region_tasks(office)
    assert text.endswith("now shut: 2.")


async def test_the_check_finds_who_is_missed_by_key_and_the_mending_shuts_them(office: Office) -> None:
    with_books(office, without_state())
    await evaluate_rules(office.store, office.desk, office.clock.now())
    await marked(office)
    await marked(office, OTHER, county=None)
    books = Rulebooks.of(TESTLAND, NATIONAL)
    desk, now = replace(office.desk, books=books), office.clock.now()
    found, unknown = await check(office.store, books, now)
    assert [(one.key, one.region, one.missing, one.rules) for one in found] == [
        (KEYS.of(CHILD), "testland", ("journal_seal",), ("TL-05",))
    ]
    assert unknown == [KEYS.of(OTHER)]
    assert await mend(office.store, desk, [one.person for one in found], now) == {"testland": {"shut": 1}}
    assert await check(office.store, books, now) == ([], [KEYS.of(OTHER)])
    events = await office.out()
    assert read(events, "access.notifications.v1") == []
    [state] = read(events, "access.state.v1")
    assert [m.valid_from for m in state.measures] == [now]


async def test_the_check_counts_only_those_whom_a_rulebook_wants_shut(office: Office) -> None:
    await marked(office, county="98")
    await marked(office, MOTHER, custody=[])
    books = office.desk.books
    assert await check(office.store, books, office.clock.now()) == ([], [])


async def test_the_worker_measures_who_is_missed_and_shuts_them(office: Office) -> None:
    with_books(office, without_state())
    await evaluate_rules(office.store, office.desk, office.clock.now())
    await marked(office)
    with_books(office, Rulebooks.of(TESTLAND, NATIONAL))
    worker = office.transitions()
    await worker._protect()
    assert not_shut(office) == 1
    [state] = read(await office.out(), "access.state.v1")
    assert [m.kind for m in state.measures] == ["journal_seal"]
    worker._protected_at = None
    await worker._protect()
    assert not_shut(office) == 0


async def test_a_county_never_told_is_a_task_of_each_region_with_such_a_rule(office: Office) -> None:
    await marked(office, OTHER, county=None)
    async with office.store.reading() as tx:
        found = [(t.kind, t.region) for t in await tasks.page(tx)]
    assert found == [("protected_county_unknown", "testland")]


async def test_ages_that_are_new_to_a_store_set_every_childs_birthday_anew(office: Office) -> None:
    """The 13th birthday of a child of 2018 falls in 2031; by rules of 12 its day is a year before."""
    now = office.clock.now()
    await evaluate_rules(office.store, office.desk, now)
    earlier = TESTLAND.replace(
        "  - since: 2020-01-01\n",
        "  - since: 2020-01-01\n    ages: {guardian_until: 12, own_account_from: 12}\n",
    )
    with_books(office, Rulebooks.of(earlier, NATIONAL))
    await office.transitions().run_due(now)
    office.clock.set(datetime(2030, 3, 4, 23, tzinfo=UTC))
    await office.transitions().run_due(office.clock.now())
    changes = [c for c in read(await office.out(), "access.changes.v1") if c.patient.id == CHILD]
    assert {(c.viewer.id, c.access, c.at) for c in changes} >= {
        (MOTHER, "lost", datetime(2030, 3, 4, 23, tzinfo=UTC)),
        (CHILD, "gained", datetime(2030, 3, 4, 23, tzinfo=UTC)),
    }
