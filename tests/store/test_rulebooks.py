"""Drafts and releases of rulebooks: two owners, a day to come, and a history that nobody changes."""

from datetime import date, timedelta

import asyncpg
import pytest

from sigill.store import proposals, rulebooks
from sigill.store.rulebooks import NotReleased, PlayedStory, login_of
from sigill.store.session import Store
from tests.kit.rows import T0, store_on

ANNA, BO = "SE1-ANNA", "SE1-BO"
LATER = date(2999, 1, 1)
STORIES = (PlayedStory("a-1", None), PlayedStory("a-2", "expected executed, came refused"))


async def _waiting(store: Store, login: str | None = None, operator: str = ANNA) -> int:
    async with store.transaction(T0) as tx:
        number = await rulebooks.save(tx, "berget", "region: berget\n", operator, login)
        drafted = await rulebooks.draft(tx, number)
        assert drafted is not None
        return await rulebooks.propose(tx, drafted, operator, "a new routine")


async def _released(
    store: Store, proposal: int, operator: str, login: str | None, begins: date = LATER
) -> int:
    async with store.transaction(T0) as tx:
        made = await rulebooks.release(
            tx, proposal, operator, login, begins_on=begins, sources=["Rutin 7"], stories=STORIES
        )
        return made.release_id


async def test_a_release_is_word_for_word_what_two_owners_said(database: str) -> None:
    store = await store_on(database, "sigill_ops")
    try:
        number = await _released(store, await _waiting(store, login_of("i", "a")), BO, login_of("i", "b"))
        async with store.reading() as tx:
            found = await rulebooks.release_of(tx, number)
            assert await rulebooks.releases(tx, ["elsewhere"]) == []
            listed = await rulebooks.releases(tx, ["berget"])
            assert await proposals.open_ones(tx, rulebooks.RELEASE) == []
        assert found is not None
        assert (found.text, found.first_owner, found.second_owner) == ("region: berget\n", ANNA, BO)
        assert (found.begins_on, found.sources, found.stories, found.passed) == (
            LATER,
            ("Rutin 7",),
            STORIES,
            1,
        )
        assert [one.digest for one in listed] == [found.digest]
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("operator", "login", "refused"),
    [
        (ANNA, login_of("i", "b"), proposals.SameOperator),
        (ANNA.lower(), login_of("i", "b"), proposals.SameOperator),
        (BO, login_of("i", "a"), proposals.SameOperator),
    ],
)
async def test_one_owner_is_never_two(
    database: str, operator: str, login: str | None, refused: type[Exception]
) -> None:
    store = await store_on(database, "sigill_ops")
    try:
        proposal = await _waiting(store, login_of("i", "a"))
        with pytest.raises(refused):
            await _released(store, proposal, operator, login)
        async with store.reading() as tx:
            assert [one.proposal_id for one in await proposals.open_ones(tx, rulebooks.RELEASE)] == [proposal]
    finally:
        await store.close()


async def test_no_release_begins_today_or_before(database: str) -> None:
    store = await store_on(database, "sigill_ops")
    try:
        proposal = await _waiting(store)
        for day in (T0.date(), T0.date() - timedelta(days=1)):
            with pytest.raises(NotReleased):
                await _released(store, proposal, BO, None, day)
    finally:
        await store.close()


async def test_a_draft_is_handed_over_once_and_by_its_author(database: str) -> None:
    store = await store_on(database, "sigill_ops")
    try:
        async with store.transaction(T0) as tx:
            drafted = await rulebooks.draft(tx, await rulebooks.save(tx, "berget", "x", ANNA, None))
            assert drafted is not None
            with pytest.raises(NotReleased):
                await rulebooks.propose(tx, drafted, BO, "why")
            await rulebooks.propose(tx, drafted, ANNA, "why")
            with pytest.raises(NotReleased):
                await rulebooks.propose(tx, drafted, ANNA, "why")
            [waiting] = await proposals.open_ones(tx, rulebooks.RELEASE)
        await _released(store, waiting.proposal_id, BO, None)
        with pytest.raises(NotReleased):
            async with store.transaction(T0) as tx:
                await rulebooks.propose(tx, drafted, ANNA, "why")
    finally:
        await store.close()


async def test_an_owner_saves_no_endless_number_of_drafts_in_a_day(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rulebooks, "MOST_DRAFTS", 3)
    store = await store_on(database, "sigill_ops")
    try:
        async with store.transaction(T0) as tx:
            for _ in range(3):
                await rulebooks.save(tx, "berget", "x", ANNA, None)
            with pytest.raises(rulebooks.TooMany):
                await rulebooks.save(tx, "berget", "x", ANNA, None)
            await rulebooks.save(tx, "berget", "x", BO, None)
        async with store.transaction(T0 + timedelta(days=1)) as tx:
            await rulebooks.save(tx, "berget", "x", ANNA, None)
    finally:
        await store.close()


async def test_the_database_itself_holds_owners_days_and_texts(
    database: str, admin: asyncpg.Connection
) -> None:
    """Whoever writes past the program is held to the same: another text, one owner, a day that is over."""
    store = await store_on(database, "sigill_ops")
    proposal = await _waiting(store, login_of("i", "a"))
    async with store.transaction(T0) as tx:
        await proposals.decide(tx, proposal, BO, approved=True, action=rulebooks.RELEASE)
    await store.close()
    draft = await admin.fetchrow("SELECT draft_id, digest FROM sigill.rulebook_draft")
    insert = (
        "INSERT INTO sigill.rulebook_release (draft_id, proposal_id, region, digest, begins_on, first_owner, second_owner, "
        "second_login, sources, stories, known_from) VALUES ($1, $2, 'berget', $3, $4, $5, $6, $7, '{}', '[]', $8)"
    )
    right = [draft["draft_id"], proposal, draft["digest"], LATER, ANNA, BO, login_of("i", "b"), T0]
    for place, wrong in ((2, "0" * 64), (3, T0.date()), (5, ANNA), (6, login_of("i", "a"))):
        row = list(right)
        row[place] = wrong
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
            await admin.execute(insert, *row)
    await admin.execute(insert, *right)
    for statement in ("UPDATE sigill.rulebook_draft SET text = 'y'", "DELETE FROM sigill.rulebook_release"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await admin.execute(statement)


@pytest.mark.parametrize(
    "role", ["sigill_intake", "sigill_register", "sigill_transitions", "sigill_relay", "sigill_reader"]
)
async def test_no_worker_writes_a_draft(database: str, role: str) -> None:
    store = await store_on(database, role)  # type: ignore[arg-type]
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with store.transaction(T0) as tx:
                await rulebooks.save(tx, "berget", "x", ANNA, None)
    finally:
        await store.close()
