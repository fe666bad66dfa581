"""Rulebooks from the database: workers that run take a release on at its midnight, and go by no release that harms."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from sigill.operations.rulebook_drafts import NewRegion, import_rulebook, import_rulebooks
from sigill.policy.rulebook import digest_of
from sigill.processing.citations import PolicyContext
from sigill.processing.released_rules import NoRulebooks, ReleasedRules, loaded
from sigill.runtime.clock import FixedClock
from sigill.runtime.metrics import RULEBOOK_RELEASE, RULEBOOK_RELEASES_REFUSED, Metrics
from sigill.store import audit_check, proposals, rulebooks
from sigill.store.rulebooks import COMMITTED_WITHIN, NotReleased, OtherText, RulebookText
from sigill.store.session import Store
from tests.kit.environment import without_settings
from tests.kit.rows import store_on
from tests.kit.senders import CHILD, FATHER, Senders, person
from tests.kit.testland import NATIONAL, TESTLAND, neighbour
from tests.kit.worker_harness import START, WorkerHarness, read, receipts
from tests.policy.test_drafts import LATER
from tests.workers.test_protected import _STATE, marked
from tests.workers.test_start import KEYS, started

ANNA, BO = "SE2321000099-ANNA", "SE2321000099-BO"
BEGINS = datetime(2025, 3, 31, 22, tzinfo=UTC)
JUST_BEFORE = BEGINS - timedelta(seconds=1)
HARMS = LATER.replace("deciders: [head_of_unit]", "protected_identity: allowed")
"""A version that says the contrary of a floor (X-11)."""
UNKNOWN = LATER.replace("deciders: [head_of_unit]", "a_clause_of_tomorrow: true")
"""A version with a clause that this program does not know."""


async def imported(store: Store, *texts: tuple[str, str]) -> None:
    async with store.transaction(START) as tx:
        for region, text in texts:
            assert await import_rulebook(tx, region, text, ANNA)


async def released(
    store: Store,
    text: str,
    *,
    at: datetime = START,
    region: str = "testland",
    begins: date = date(2025, 4, 1),
) -> int:
    """What the workbench does once two owners have said yes; here also for a text that it would have refused."""
    async with store.transaction(at) as tx:
        number = await rulebooks.save(tx, region, text, ANNA, None)
        drafted = await rulebooks.draft(tx, number)
        assert drafted is not None
        proposal = await rulebooks.propose(tx, drafted, ANNA, "a new routine")
        made = await rulebooks.release(tx, proposal, BO, None, begins_on=begins, sources=[], stories=[])
    return made.release_id


@pytest.fixture
async def owners(database: str) -> AsyncIterator[Store]:
    """The store as the console has it, with the town's rulebooks imported."""
    store = await store_on(database, "sigill_ops")
    await imported(store, ("testland", TESTLAND), ("national", NATIONAL))
    yield store
    await store.close()


@asynccontextmanager
async def worker(store: Store, senders: Senders) -> AsyncIterator[WorkerHarness]:
    """A process of workers of its own, which has read the rules that are in the database now."""
    rules = ReleasedRules("urn:sigill:test", Metrics())
    async with store.reading() as tx:
        await rules.context_for(tx, START)
    made = WorkerHarness(store, senders, FixedClock(START), rules, metrics=rules.metrics)
    await made.assign()
    yield made


async def settled(made: WorkerHarness) -> None:
    await made.hand_over(*made.senders.staff(START - timedelta(days=30)))
    await made.hand_over(*made.senders.people(START - timedelta(days=30)))
    await made.out()


async def judged(made: WorkerHarness, at: datetime) -> tuple[str, str | None, str | None]:
    """What becomes of a block that a physician decides at an instant."""
    made.clock.set(at)
    await made.hand_over(
        made.senders.orders(at, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)])
    )
    [answer] = receipts(await made.out())
    return str(answer.outcome), answer.rulebook, answer.rulebook_digest


async def test_two_workers_that_run_judge_by_a_release_from_its_midnight(
    store: Store, senders: Senders, owners: Store
) -> None:
    """Neither is started again; until the second before midnight both go by what was before."""
    old, new = ("testland 2020-01-01", digest_of(TESTLAND)), ("testland 2025-04-01", digest_of(LATER))
    async with worker(store, senders) as one, worker(store, senders) as other:
        await one.assign()
        await settled(one)
        other.offsets = one.offsets  # both read the same partitions, as after a rebalance
        assert await judged(one, START) == ("executed", *old)
        number = await released(owners, LATER)
        await one.assign()
        assert (await judged(one, JUST_BEFORE))[:2] == ("executed", old[0])
        await other.assign()
        await other.out()
        assert await judged(other, BEGINS) == ("refused", *new)
        await one.assign()
        await one.out()
        assert await judged(one, BEGINS) == ("refused", *new)
        for made in (one, other):
            sample = made.metrics.registry.get_sample_value
            assert sample(RULEBOOK_RELEASE.name, {"region": "testland"}) == number
            assert sample(RULEBOOK_RELEASES_REFUSED.name) == 0


async def test_what_a_release_wants_shut_is_shut_from_its_midnight(
    store: Store, senders: Senders, owners: Store, database: str
) -> None:
    """X-09: rules that are loaded while workers run begin like those of a file that was there at the start."""
    stateless = TESTLAND.replace(_STATE, "").replace("name: Testland", "name: Otherland", 1)
    without = neighbour("otherland", "OL", stateless)
    await imported(owners, ("otherland", without))
    with_state = f"{without}  - since: 2025-04-01\n    extends: 2020-01-01\n    documents: [T1]\n    standing:\n{_STATE}"
    async with worker(store, senders) as made:
        await settled(made)
        await made.transitions().run_due(START)
        await marked(made, county="98")
        assert read(await made.out(), "access.state.v1") == []
        await released(owners, with_state.replace("TL-", "OL-"), region="otherland")
        made.clock.set(BEGINS + timedelta(hours=3))
        await made.transitions().run_due(made.clock.now())
        [state] = read(await made.out(), "access.state.v1")
        [seal] = [m for m in state.measures if m.initiative == "register"]
        assert (seal.kind, seal.valid_from) == ("journal_seal", BEGINS)


@pytest.mark.parametrize("text", [HARMS, UNKNOWN], ids=["floor", "unknown clause"])
async def test_a_release_that_cannot_be_loaded_leaves_workers_on_what_they_have(
    text: str, store: Store, senders: Senders, owners: Store
) -> None:
    """A worker that starts afterwards judges by the same; a protective order goes on all the while."""
    async with worker(store, senders) as made:
        await settled(made)
        await released(owners, text)
        assert await judged(made, BEGINS) == ("executed", "testland 2020-01-01", digest_of(TESTLAND))
        assert made.metrics.registry.get_sample_value(RULEBOOK_RELEASES_REFUSED.name) == 1
        async with worker(store, senders) as fresh:
            assert [one.release_id for one in fresh.desk.refused] == [  # type: ignore[attr-defined]
                one.release_id
                for one in made.desk.refused  # type: ignore[attr-defined]
            ]
            assert fresh.desk.books.regions["testland"].digest == digest_of(TESTLAND)  # type: ignore[index]
        better = await released(owners, LATER)
        async with worker(store, senders) as fresh:
            assert fresh.metrics.registry.get_sample_value(RULEBOOK_RELEASES_REFUSED.name) == 0
            assert fresh.desk.texts["testland"].release_id == better  # type: ignore[attr-defined]


async def test_a_text_that_was_changed_behind_the_programs_back_is_not_loaded(
    store: Store, senders: Senders, owners: Store, database: str
) -> None:
    """Also `sigill audit verify` says so: the released row does not fit the chain."""
    number = await released(owners, LATER)
    admin = await asyncpg.connect(database)
    await admin.execute(
        "ALTER TABLE sigill.rulebook_draft DISABLE TRIGGER ALL; "
        "UPDATE sigill.rulebook_draft SET text = replace(text, 'head_of_unit', 'any'); "
        "ALTER TABLE sigill.rulebook_draft ENABLE TRIGGER ALL"
    )
    await admin.close()
    async with worker(store, senders) as made:
        rules = made.desk
        assert isinstance(rules, ReleasedRules)
        assert [one.release_id for one in rules.refused] == [number]
        assert rules.texts["testland"].release_id == 0
    async with store.reading() as tx:
        faults = await audit_check.verify_rows(tx)
    assert [(one.table, one.kind) for one in faults] == [("rulebook_draft", "changed")]


async def test_a_later_release_does_not_lend_its_help_to_one_of_another_region_that_failed() -> None:
    """The rule by which releases are left out needs no memory: each history makes the same books for everybody."""

    def text(region: str, body: str, number: int) -> RulebookText:
        return RulebookText(region, body, digest_of(body), number)

    history = [text("national", NATIONAL, 0), text("testland", TESTLAND, 0), text("testland", HARMS, 1)]
    found = loaded(history)
    assert (found.texts["testland"].release_id, [one.release_id for one, _ in found.refused]) == (0, [1])
    assert "X-" in found.refused[0][1] or "protected" in found.refused[0][1]
    found = loaded([*history, text("testland", LATER, 2), text("testland", UNKNOWN, 3)])
    assert (found.texts["testland"].release_id, [one.release_id for one, _ in found.refused]) == (2, [3])
    with pytest.raises(NoRulebooks, match="sigill rulebook import"):
        loaded([])
    with pytest.raises(NoRulebooks, match="cannot be loaded by this program"):
        loaded([history[0], text("testland", UNKNOWN, 0)])


async def test_no_release_is_made_that_may_commit_after_its_own_midnight(owners: Store) -> None:
    late = BEGINS - COMMITTED_WITHIN
    with pytest.raises(NotReleased):
        await released(owners, LATER, at=late)
    await released(owners, LATER, at=late - timedelta(seconds=1))


async def test_a_draft_that_was_tried_beside_fewer_releases_is_tried_again(owners: Store) -> None:
    async with owners.reading() as tx:
        beside = await rulebooks.newest_release(tx)
    async with owners.transaction(START) as tx:
        drafted = await rulebooks.draft(tx, await rulebooks.save(tx, "testland", LATER, ANNA, None))
        assert drafted is not None
        proposal = await rulebooks.propose(tx, drafted, ANNA, "why")
    await released(owners, LATER)
    with pytest.raises(NotReleased):
        async with owners.transaction(START) as tx:
            await rulebooks.release(
                tx,
                proposal,
                BO,
                None,
                begins_on=date(2025, 4, 1),
                sources=[],
                stories=[],
                tried_beside=beside,
            )
    async with owners.reading() as tx:
        assert [one.proposal_id for one in await proposals.open_ones(tx, rulebooks.RELEASE)] == [proposal]


async def test_an_import_is_the_beginning_and_no_way_to_change_rules(owners: Store) -> None:
    async with owners.transaction(START) as tx:
        assert not await import_rulebook(tx, "testland", TESTLAND, BO)
    with pytest.raises(OtherText):
        async with owners.transaction(START) as tx:
            await import_rulebook(tx, "testland", LATER, BO)
    number = await released(owners, LATER)
    async with owners.transaction(START) as tx:
        assert not await import_rulebook(tx, "testland", LATER, BO)
        with pytest.raises(OtherText) as other:
            await import_rulebook(tx, "testland", TESTLAND, BO)
    assert other.value.release_id == number


OTHERLAND = neighbour("otherland", "OL")


async def test_a_store_in_use_gets_no_region_by_an_import(owners: Store) -> None:
    """Its rules would hold for days that are over, from the middle of a day, by one person's word."""
    texts = {"testland": TESTLAND, "national": NATIONAL}
    async with owners.transaction(START) as tx:
        assert await import_rulebooks(tx, texts, BO) == {"testland": False, "national": False}
    for folder in ({**texts, "otherland": OTHERLAND}, {"otherland": OTHERLAND}):
        with pytest.raises(NewRegion):
            async with owners.transaction(START) as tx:
                await import_rulebooks(tx, folder, BO)
    async with owners.reading() as tx:
        assert {one.region for one in await rulebooks.history(tx)} == {"testland", "national"}


async def test_what_no_program_could_load_is_not_imported(database: str) -> None:
    """An import is history: one that stops every start could never be taken back."""
    store = await store_on(database, "sigill_ops")
    try:
        with pytest.raises(NoRulebooks):
            async with store.transaction(START) as tx:
                await import_rulebooks(tx, {"national": NATIONAL, "elsewhere": OTHERLAND}, ANNA)
        async with store.reading() as tx:
            assert await rulebooks.history(tx) == []
    finally:
        await store.close()


def test_the_command_takes_a_folder_in_once_and_says_what_is_wrong(database: str, tmp_path: Path) -> None:
    def imported_by_command(folder: Path) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "sigill.cli", "rulebook", "import", str(folder)],
            env=without_settings(SIGILL_DATABASE_URL=database, SIGILL_DATABASE_TLS="disable"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    garbled = tmp_path / "garbled"
    garbled.mkdir()
    (garbled / "one.yaml").write_bytes(b"region: \xff\xfe")
    for folder in (garbled, tmp_path / "nowhere"):
        status, out, said = imported_by_command(folder)
        assert (status, out, "Traceback" in said) == (2, "", False), said
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "first.yaml").write_text(TESTLAND.replace("region: testland", '"region" : "testland"'), "utf-8")
    (folder / "national.yaml").write_text(NATIONAL, "utf-8")
    status, out, said = imported_by_command(folder)
    assert (status, [line.split("\t")[0::2] for line in out.splitlines()]) == (
        0,
        [["national", "imported"], ["testland", "imported"]],
    ), said
    status, out, _ = imported_by_command(folder)
    assert (status, out.count("is there")) == (0, 2)
    (folder / "other.yaml").write_text(OTHERLAND, "utf-8")
    status, out, said = imported_by_command(folder)
    assert (status, out, said.count("\n")) == (2, "", 1)
    assert said.startswith("otherland: ")


async def test_files_change_for_no_transaction(store: Store) -> None:
    rules = PolicyContext.of(loaded(_history()).books, "urn:sigill:test")
    async with store.reading() as tx:
        assert await rules.context_for(tx, START) is rules


def _history() -> list[RulebookText]:
    return [RulebookText(r, t, digest_of(t), 0) for r, t in (("national", NATIONAL), ("testland", TESTLAND))]


def test_a_source_that_is_none_or_stands_beside_a_folder_stops_the_start(tmp_path: Path) -> None:
    status, said = started("transitions", rulebook_source="both", patient_keys=KEYS)
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("SIGILL_RULEBOOK_SOURCE: ")
    status, said = started("transitions", rulebook_source="store", rulebooks=str(tmp_path), patient_keys=KEYS)
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("SIGILL_RULEBOOKS: not read")


@pytest.mark.parametrize("name", ["transitions", "ops"])
def test_a_store_without_rules_refuses_the_start_and_names_the_command(name: str, database: str) -> None:
    status, said = started(
        name,
        rulebook_source="store",
        patient_keys=KEYS,
        database_url=database,
        database_schema="sigill",
        database_tls="disable",
        console_port="0",
        kafka_bootstrap="127.0.0.1:1",
    )
    last = said.splitlines()[-1]
    assert (status, "sigill rulebook import" in last, last.startswith("sigill: ")) == (2, True, True), said
