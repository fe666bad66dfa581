"""A database that is not the one that was written to: numbers that are seen outside never go back."""

import asyncpg
import pytest

from sigill.store import inbox
from sigill.store.incarnation import meet
from sigill.store.session import Store
from tests.kit.rows import T0


async def number(admin: asyncpg.Connection) -> int:
    return int(await admin.fetchval("SELECT nextval('outbox_id_seq')"))


async def test_the_same_database_is_met_again_and_nothing_skips(
    store: Store, admin: asyncpg.Connection
) -> None:
    assert not await meet(store)
    before = await number(admin)
    assert not await meet(store)
    assert await number(admin) == before + 1
    assert await admin.fetchval("SELECT count(*) FROM incarnation") == 1


@pytest.mark.parametrize("what", ["system_identifier", "timeline"])
async def test_another_one_skips_the_numbers_once_and_fences_whoever_holds_a_partition(
    store: Store, admin: asyncpg.Connection, what: str
) -> None:
    async with store.transaction(T0) as tx:
        await inbox.assign(tx, "g", "t", [0])
    assert not await meet(store)
    before = await number(admin)
    await admin.execute(f"UPDATE incarnation SET {what} = {what} + 1")
    assert await meet(store)
    after = await number(admin)
    assert after > before + 10**13, "ahead of whatever any database before may have come to"
    assert after < 2**53, "readers in JavaScript compare it"
    with pytest.raises(inbox.Fenced):
        async with store.transaction(T0) as tx:
            await inbox.advance(tx, "g", "t", {0: (1, 5)})
    assert not await meet(store)
    assert await number(admin) == after + 1


async def test_a_second_step_back_to_the_same_point_never_gives_the_same_numbers(
    store: Store, admin: asyncpg.Connection
) -> None:
    """Restored twice: what the first restore gave out is unknown to the second."""
    assert not await meet(store)
    at_the_point = await number(admin)
    seen = []
    for _ in range(2):
        await admin.execute("SELECT setval('outbox_id_seq', $1)", at_the_point)
        await admin.execute("UPDATE incarnation SET timeline = timeline + 1")
        assert await meet(store)
        seen += [await number(admin) for _ in range(100)]
    assert seen == sorted(set(seen))
