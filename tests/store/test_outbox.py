"""Events on their way out: none lost, none out of order, several relays at once."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from sigill.store import outbox, persons
from sigill.store.outbox import SHARDS, NotHeld, OutboxRow, Shards, shard_of
from sigill.store.queries import queries
from sigill.store.session import Store
from tests.kit.rows import CHILD, DAY, HOUR, MOTHER, T0, someone

ALL = range(SHARDS)
ODD_NAMES = (("na\x00me", b"1"), ("ce_\udcff\udcfe", b"2"), ("åäö", b"3"), ('{"hex": "00"}', b"4"))
"""Names of headers that anybody may send: what is not UTF-8 comes as lone surrogates (PEP 383)."""


def event(person: str | None, key: str = "v1.key", text: bytes = b"{}") -> OutboxRow:
    headers = (("ce_id", b"1"), ("binary", b"\x00\xff"), ("empty", b""), ("none", None), *ODD_NAMES)
    return OutboxRow(uuid4(), "access.receipts.v1", key, "se.sigill.receipt.v1", text, headers, person)


async def test_an_event_comes_back_as_it_was_written(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        written = [event(child, text=b"1"), event(child, text=b"\x00raw"), event(child)]
        written[2] = OutboxRow(written[2].event_id, "access.state.v1", "v1.other", "t", None, (), child)
        await outbox.append(tx, written)
    async with store.reading() as tx:
        found = await outbox.unpublished(tx, ALL, 10)
        assert (await outbox.stats(tx)).pending == 3
        assert (await outbox.stats(tx)).oldest == T0
    assert [(f.event_id, f.aggregatetype, f.aggregateid, f.payload, f.headers) for f in found] == [
        (w.event_id, w.aggregatetype, w.aggregateid, w.payload, w.headers) for w in written
    ]
    async with store.transaction(T0 + HOUR) as tx:
        assert await outbox.mark(tx, [one.id for one in found[:2]]) == 2
        assert await outbox.mark(tx, [one.id for one in found]) == 1
        assert await outbox.unpublished(tx, ALL, 10) == []


async def test_a_look_into_a_backlog_reads_little_more_than_it_gives(
    store: Store, admin: asyncpg.Connection
) -> None:
    """Every shard was read as far as the batch goes: sixteen times what was published, or more where much is waiting."""
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await outbox.append(tx, [event(child, f"v1.{number}") for number in range(4000)])
    await admin.execute("ANALYZE outbox")
    plan = await admin.fetchval(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {queries('outbox')['unpublished']}",
        list(ALL), 320, 20, outbox.ANY_SIZE, outbox.ANY_SIZE, [],
    )  # fmt: skip
    read = sum(_rows_read(json.loads(plan)[0]["Plan"]))
    assert 320 <= read <= 2 * 320
    async with store.reading() as tx:
        some = await outbox.unpublished(tx, ALL, 4000, together=9)
        assert len(some) == 5  # of two bytes each
        assert some[0].id not in {
            one.id for one in await outbox.unpublished(tx, ALL, 9, without=[some[0].id])
        }
        assert await outbox.unpublished(tx, ALL, 9, largest=1) == []
        assert len(await outbox.too_large(tx, 1, 7)) == 7
        assert (await outbox.stats(tx, 1)).too_large == 4000


def _rows_read(plan: dict[str, Any]) -> Iterator[float]:
    """What each scan of a table gave, with what it threw away."""
    if plan.get("Relation Name"):
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from _rows_read(part)


async def test_an_event_about_somebody_who_is_not_locked_is_refused(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
    with pytest.raises(NotHeld):
        async with store.transaction(T0) as tx:
            await outbox.append(tx, [event(child)])


async def test_a_lower_id_that_commits_last_is_not_lost(store: Store) -> None:
    """The race that a cursor over ids loses: the lower id is not there yet when the higher one is published."""
    drawn, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with store.transaction(T0) as tx:
            await outbox.append(tx, [event(await someone(tx, CHILD), "slow")])
            drawn.set()
            await go_on.wait()

    task = asyncio.create_task(slow())
    await drawn.wait()
    async with store.transaction(T0) as tx:
        await outbox.append(tx, [event(await someone(tx, MOTHER), "quick")])
    published = []
    async with store.transaction(T0) as tx:
        (quick,) = await outbox.unpublished(tx, ALL, 10)
        await outbox.mark(tx, [quick.id])
        published.append(quick)
    go_on.set()
    await task
    async with store.transaction(T0) as tx:
        (late,) = await outbox.unpublished(tx, ALL, 10)
    assert (quick.aggregateid, late.aggregateid) == ("quick", "slow")
    assert late.id < quick.id


async def test_a_newer_transaction_with_the_lower_id_keeps_the_order_of_its_person(store: Store) -> None:
    """Ids are drawn under the person's lock: the order of ids is the order of commits for each key."""
    async with store.transaction(T0) as tx:
        await someone(tx)

    async def write(number: int) -> None:
        async with store.transaction(T0) as tx:
            child = (await persons.resolve(tx, [CHILD]))[CHILD]
            await tx.value("SELECT pg_current_xact_id()")  # begun before it has the lock
            await persons.lock(tx, [child])
            seen = await tx.value("SELECT count(*) FROM outbox")
            await outbox.append(tx, [event(child, text=str(seen).encode())])

    await asyncio.gather(*(write(number) for number in range(20)))
    async with store.reading() as tx:
        found = await outbox.unpublished(tx, ALL, 100)
    assert [int(one.payload or b"") for one in found] == list(range(20))


async def test_two_persons_locked_from_both_ends_do_not_deadlock(store: Store) -> None:
    async with store.transaction(T0) as tx:
        both = [await someone(tx, CHILD), await someone(tx, MOTHER)]

    async def take(order: list[str]) -> None:
        for _ in range(10):
            async with store.transaction(T0) as tx:
                await persons.lock(tx, order)
                await outbox.append(tx, [event(order[0])])

    await asyncio.gather(take(both), take(both[::-1]), take(both), take(both[::-1]))
    async with store.reading() as tx:
        assert (await outbox.stats(tx)).pending == 40


async def test_relays_share_the_shards_and_never_one_shard(store: Store) -> None:
    first = await Shards.open(store)
    assert await first.balance() == tuple(ALL)
    second = await Shards.open(store)
    assert await second.balance() == ()  # all are taken still
    assert len(await first.balance()) == SHARDS // 2
    assert len(await second.balance()) == SHARDS // 2
    third = await Shards.open(store)
    for relay in (third, first, second, third):
        await relay.balance()
    held = [first.held, second.held, third.held]
    assert sorted(shard for shards in held for shard in shards) == list(ALL)
    assert max(map(len, held)) == 6

    await second.close()  # as when its process dies: the locks go with the connection
    for relay in (first, third, first):
        await relay.balance()
    assert sorted(first.held + third.held) == list(ALL)
    await first.close()
    await third.close()


async def test_a_relay_whose_connection_was_killed_has_lost_its_shards(
    store: Store, admin: asyncpg.Connection
) -> None:
    from sigill.store.session import passing

    relay = await Shards.open(store)
    await relay.balance()
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    )
    with pytest.raises(Exception) as lost:  # noqa: PT011 - judged below
        await relay.balance()
    assert passing(lost.value)
    again = await Shards.open(store)
    assert await again.balance() == tuple(ALL)
    await again.close()


async def test_a_new_database_has_room_before_its_first_event(
    store: Store, admin: asyncpg.Connection
) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await outbox.append(tx, [event(child, "k")])
        assert await outbox.extend(tx) == 0  # there is
    assert await admin.fetchval("SELECT count(*) FROM outbox_p0") == 1
    await admin.execute("ALTER TABLE outbox ALTER COLUMN id RESTART WITH 1000000")
    async with store.transaction(T0) as tx:
        await persons.lock(tx, [child])
        await outbox.append(tx, [event(child, "k")])
        assert await outbox.extend(tx) == 1
    assert await admin.fetchval("SELECT to_regclass('outbox_p3000000') IS NOT NULL")


async def test_a_full_rest_is_not_read_for_a_new_partition(store: Store, admin: asyncpg.Connection) -> None:
    """PostgreSQL would read all of it, under a lock that nobody passes."""
    await admin.execute("ALTER TABLE outbox ALTER COLUMN id RESTART WITH 3000000")
    async with store.transaction(T0) as tx:
        await outbox.append(tx, [event(await someone(tx), "k")])
    assert await admin.fetchval("SELECT count(*) FROM outbox_rest") == 1
    assert await admin.fetchval("SELECT extend_outbox(1000000, 0)") == 0
    assert await admin.fetchval("SELECT extend_outbox()") == 2  # beside the one whose events lie in the rest
    async with store.transaction(T0 + HOUR) as tx:
        await outbox.mark(tx, [one.id for one in await outbox.unpublished(tx, ALL, 10)])
        assert await outbox.rotate(tx, T0 + DAY) == 1


async def test_published_events_go_after_their_time_and_waiting_ones_never(
    store: Store, admin: asyncpg.Connection
) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await outbox.append(tx, [event(child, f"k{number}") for number in range(6)])
    async with store.transaction(T0 + HOUR) as tx:
        found = await outbox.unpublished(tx, ALL, 10)
        await outbox.mark(tx, [one.id for one in found[:4]])
    async with store.transaction(T0 + DAY) as tx:
        assert await outbox.rotate(tx, T0 + HOUR) == 0  # not older
        assert await outbox.rotate(tx, T0 + 2 * HOUR) == 4
        assert [one.id for one in await outbox.unpublished(tx, ALL, 10)] == [one.id for one in found[4:]]

    # partitions of ten: full and published ones are dropped whole, one with a waiting row stays
    await admin.execute("DROP TABLE outbox_p0, outbox_p1000000, outbox_p2000000")
    sequence = "ALTER TABLE outbox ALTER COLUMN id RESTART WITH"
    await admin.execute(f"SELECT rotate_outbox(now(), 10); {sequence} 10")
    async with store.transaction(T0) as tx:
        await persons.lock(tx, [child])
        await outbox.append(tx, [event(child, f"p{number}") for number in range(20)])
    async with store.transaction(T0) as tx:
        second = [one for one in await outbox.unpublished(tx, ALL, 100) if one.id >= 10]
        await outbox.mark(tx, [one.id for one in second if one.id != 25])
    await admin.execute("SELECT rotate_outbox($1, 10)", T0 + DAY)
    await admin.execute(f"{sequence} 40")
    async with store.transaction(T0) as tx:
        await persons.lock(tx, [child])
        await outbox.append(tx, [event(child, "new")])
    gone = await admin.fetchval("SELECT rotate_outbox($1, 10)", T0 + DAY)
    parts = await admin.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'outbox'::regclass"
    )
    names = {row["name"] for row in parts}
    kept = await admin.fetch(
        "SELECT DISTINCT attstorage::text FROM pg_attribute WHERE attname = 'payload' "
        "AND attrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'outbox'::regclass)"
    )
    assert [row["attstorage"] for row in kept] == ["e"]  # new partitions do not pack bodies either
    assert gone >= 0
    assert "outbox_p10" not in names
    assert "outbox_p20" in names
    async with store.reading() as tx:
        assert 25 in [one.id for one in await outbox.unpublished(tx, ALL, 100)]


def test_shards_are_spread_evenly() -> None:
    counts = [0] * SHARDS
    for number in range(16_000):
        counts[shard_of(f"v1.{number}")] += 1
    assert min(counts) > 800
