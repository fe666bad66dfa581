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
from tests.kit.senders import CHILD, FATHER, KEYS, MOTHER, person
from tests.kit.testland import NATIONAL, TESTLAND, neighbour
from tests.kit.worker_harness import START, WorkerHarness, read

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


def with_books(harness: WorkerHarness, books: Rulebooks) -> None:
    """Start the workers again with other rulebooks."""
    harness.desk = PolicyContext.of(books, harness.desk.source)
    harness.consuming[PERSONS.name].handler.desk = harness.desk  # type: ignore[attr-defined]


async def marked(harness: WorkerHarness, number: str = CHILD, sequence: int = 7, **fields: object) -> None:
    """The register marks somebody."""
    custody = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    given = {"secrecy_mark": True, "custody": custody, **fields}
    await harness.hand_over(harness.senders.registers(harness.clock.now(), number, sequence, **given))
    await harness.out()


def not_shut(harness: WorkerHarness) -> float | None:
    return harness.metrics.registry.get_sample_value(PROTECTED_NOT_SHUT.name, {"region": "testland"})


async def region_tasks(harness: WorkerHarness) -> list[tuple[str, str]]:
    async with harness.store.reading() as tx:
        rows = await tx.fetch("SELECT kind, text_en FROM task WHERE person_id IS NULL ORDER BY task_id")
    return [(row["kind"], row["text_en"]) for row in rows]


async def test_rules_that_begin_shut_whom_they_want_shut_from_their_midnight(harness: WorkerHarness) -> None:
    with_books(harness, from_april())
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    await marked(harness)
    assert read(await harness.out(), "access.changes.v1") == []
    harness.clock.set(LATER)
    await harness.transitions().run_due(harness.clock.now())
    events = await harness.out()
    [state] = read(events, "access.state.v1")
    [seal] = [m for m in state.measures if m.initiative == "register"]
    assert (seal.kind, seal.valid_from, seal.order_id) == ("journal_seal", BEGINS, None)
    assert {n.suppressed for n in read(events, "access.notifications.v1")} == set()
    [(kind, text)] = await region_tasks(harness)
    assert kind == "standing_measures"
    assert "Rules that hold from 2025-04-01" in text
    assert text.endswith("now shut: 1.")
    # once is enough, whoever looks
    await asyncio.gather(*(harness.transitions().run_due(harness.clock.now()) for _ in range(3)))
    assert await harness.out() == []


async def test_rules_that_are_new_to_a_store_shut_from_now_and_not_backwards(harness: WorkerHarness) -> None:
    with_books(harness, without_state())
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    await marked(harness)
    with_books(harness, Rulebooks.of(TESTLAND, NATIONAL))
    harness.clock.set(LATER)
    await harness.transitions().run_due(harness.clock.now())
    [state] = read(await harness.out(), "access.state.v1")
    assert [(m.kind, m.valid_from) for m in state.measures] == [("journal_seal", LATER)]


@pytest.mark.parametrize(("since", "begins"), [("2025-04-01", BEGINS), ("2020-01-01", LATER)])
async def test_a_regions_first_file_begins_at_its_midnight_and_not_before_the_store_knew_rules(
    harness: WorkerHarness, since: str, begins: datetime
) -> None:
    """A file that came a day ahead was evaluated from the moment of the look, however late that was."""
    with_books(harness, Rulebooks.of(neighbour("vesterland", "VL"), NATIONAL))
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    await marked(harness)
    assert read(await harness.out(), "access.changes.v1") == []
    own = TESTLAND.replace("- since: 2020-01-01", f"- since: {since}")
    with_books(harness, Rulebooks.of(neighbour("vesterland", "VL"), own, NATIONAL))
    harness.clock.set(LATER)
    await harness.transitions().run_due(harness.clock.now())
    [state] = read(await harness.out(), "access.state.v1")
    assert [(m.kind, m.valid_from) for m in state.measures] == [("journal_seal", begins)]


async def test_a_late_first_file_tells_of_the_version_that_shuts_and_not_of_the_one_in_force_since(
    harness: WorkerHarness,
) -> None:
    """A first file that came with two versions: its first one shuts from its midnight, and is what the task cites."""
    with_books(harness, Rulebooks.of(neighbour("vesterland", "VL"), NATIONAL))
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    await marked(harness)
    later = _STATE.replace("[TL-05]", "[TL-04]")
    own = (
        TESTLAND.replace("- since: 2020-01-01", "- since: 2025-04-01")
        + f"""  - since: 2025-04-05
    extends: 2025-04-01
    documents: [T1]
    standing:
{later}"""
    )
    with_books(harness, Rulebooks.of(neighbour("vesterland", "VL"), own, NATIONAL))
    harness.clock.set(LATER)
    await harness.transitions().run_due(harness.clock.now())
    [state] = read(await harness.out(), "access.state.v1")
    assert [(m.rules, m.valid_from) for m in state.measures] == [(("TL-05",), BEGINS)]
    async with harness.store.reading() as tx:
        rows = await tx.fetch("SELECT text_en, rules FROM task WHERE person_id IS NULL")
    [(text, rules)] = [(row["text_en"], list(row["rules"])) for row in rows]
    assert text.startswith("Rules that hold from 2025-04-01")
    assert rules == ["TL-05", "X-09"]


async def test_a_corrected_county_of_a_rulebook_has_everybody_looked_at_again(harness: WorkerHarness) -> None:
    with_books(harness, Rulebooks.of(TESTLAND.replace('["99"]', '["98"]'), NATIONAL))
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    await marked(harness)
    assert read(await harness.out(), "access.state.v1") == []
    with_books(harness, Rulebooks.of(TESTLAND, NATIONAL))
    assert await evaluate_rules(harness.store, harness.desk, harness.clock.now()) == 1
    [state] = read(await harness.out(), "access.state.v1")
    assert [m.kind for m in state.measures] == ["journal_seal"]


async def test_workers_side_by_side_and_a_killed_one_impose_everything_once(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enact, "BATCH", 1)
    with_books(harness, without_state())
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    for number in (CHILD, OTHER):
        await marked(harness, number)
    with_books(harness, Rulebooks.of(TESTLAND, NATIONAL))
    now = harness.clock.now()
    async with harness.store.reading() as tx:
        [begun] = enact.causes(harness.desk.books, await protection.evaluated(tx, now), now)
    assert await enact._evaluate_batch(harness.store, harness.desk, begun, now) == (1, True)
    async with harness.store.reading() as tx:
        assert not await rules_evaluated(tx, harness.desk.books, now)
    await asyncio.gather(*(evaluate_rules(harness.store, harness.desk, now) for _ in range(3)))
    states = read(await harness.out(), "access.state.v1")
    assert [[m.kind for m in state.measures] for state in states] == [["journal_seal"]] * 2
    [(_, text)] = await region_tasks(harness)
    assert text.endswith("now shut: 2.")


async def test_the_check_finds_who_is_missed_by_key_and_the_mending_shuts_them(
    harness: WorkerHarness,
) -> None:
    with_books(harness, without_state())
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    await marked(harness)
    await marked(harness, OTHER, county=None)
    books = Rulebooks.of(TESTLAND, NATIONAL)
    desk, now = replace(harness.desk, books=books), harness.clock.now()
    found, unknown = await check(harness.store, books, now)
    assert [(one.key, one.region, one.missing, one.rules) for one in found] == [
        (KEYS.of(CHILD), "testland", ("journal_seal",), ("TL-05",))
    ]
    assert unknown == [KEYS.of(OTHER)]
    assert await mend(harness.store, desk, [one.person for one in found], now) == {"testland": {"shut": 1}}
    assert await check(harness.store, books, now) == ([], [KEYS.of(OTHER)])
    events = await harness.out()
    assert read(events, "access.notifications.v1") == []
    [state] = read(events, "access.state.v1")
    assert [m.valid_from for m in state.measures] == [now]


async def test_the_check_counts_only_those_whom_a_rulebook_wants_shut(harness: WorkerHarness) -> None:
    await marked(harness, county="98")
    await marked(harness, MOTHER, custody=[])
    books = harness.desk.books
    assert await check(harness.store, books, harness.clock.now()) == ([], [])


async def test_the_worker_measures_who_is_missed_and_shuts_them(harness: WorkerHarness) -> None:
    with_books(harness, without_state())
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    await marked(harness)
    with_books(harness, Rulebooks.of(TESTLAND, NATIONAL))
    worker = harness.transitions()
    await worker._protect()
    assert not_shut(harness) == 1
    [state] = read(await harness.out(), "access.state.v1")
    assert [m.kind for m in state.measures] == ["journal_seal"]
    worker._protected_at = None
    await worker._protect()
    assert not_shut(harness) == 0


async def test_a_county_never_told_is_a_task_of_each_region_with_such_a_rule(harness: WorkerHarness) -> None:
    await marked(harness, OTHER, county=None)
    async with harness.store.reading() as tx:
        found = [(t.kind, t.region) for t in await tasks.page(tx)]
    assert found == [("protected_county_unknown", "testland")]


async def test_ages_that_are_new_to_a_store_set_every_childs_birthday_anew(harness: WorkerHarness) -> None:
    """The 13th birthday of a child of 2018 falls in 2031; by rules of 12 its day is a year before."""
    now = harness.clock.now()
    await evaluate_rules(harness.store, harness.desk, now)
    earlier = TESTLAND.replace(
        "  - since: 2020-01-01\n",
        "  - since: 2020-01-01\n    ages: {guardian_until: 12, own_account_from: 12}\n",
    )
    with_books(harness, Rulebooks.of(earlier, NATIONAL))
    await harness.transitions().run_due(now)
    harness.clock.set(datetime(2030, 3, 4, 23, tzinfo=UTC))
    await harness.transitions().run_due(harness.clock.now())
    changes = [c for c in read(await harness.out(), "access.changes.v1") if c.patient.id == CHILD]
    assert {(c.viewer.id, c.access, c.at) for c in changes} >= {
        (MOTHER, "lost", datetime(2030, 3, 4, 23, tzinfo=UTC)),
        (CHILD, "gained", datetime(2030, 3, 4, 23, tzinfo=UTC)),
    }


async def test_a_version_with_other_ages_sets_the_next_birthdays_on_its_day(harness: WorkerHarness) -> None:
    """The timers were set by the ages of before: a birthday that came earlier by the new ones was passed over."""

    async def birthdays() -> set[datetime]:
        async with harness.store.reading() as tx:
            rows = await tx.fetch("SELECT due_at FROM timer WHERE kind LIKE 'age%' AND state = 'set'")
        return {row["due_at"] for row in rows}

    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    before = await birthdays()
    version = (
        "  - since: 2025-04-01\n    extends: 2020-01-01\n    documents: [T1]\n    ages: {guardian_until: 9}\n"
    )
    with_books(harness, Rulebooks.of(TESTLAND + version, NATIONAL))
    harness.clock.set(LATER)
    await evaluate_rules(harness.store, harness.desk, harness.clock.now())
    assert min(await birthdays()) < min(before)
