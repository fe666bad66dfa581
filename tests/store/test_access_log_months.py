"""The access log is a partition a month: an older log becomes one of them as it stands, and a line always finds a place."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from sigill.embedded import EmbeddedPostgres
from sigill.store import access_log, audit, audit_check
from sigill.store.access_log import AccessLogEntry, AccessLogFault
from sigill.store.migrate import MIGRATIONS, migrate
from sigill.store.session import Reading, Store, Tx
from sigill.store.values import person_of
from tests.kit.rows import T0, someone
from tests.store.unmigrated import unmigrated

BEFORE_MONTHS = "0043"
WHO = person_of(4711)


def _look(reason: str) -> AccessLogEntry:
    return AccessLogEntry("op-1", None, WHO, reason, "page")


async def _places(conn: asyncpg.Connection) -> dict[str, str]:
    rows = await conn.fetch(
        "SELECT reason, tableoid::regclass::text AS part FROM access_log_whole UNION ALL "
        "SELECT a.reason, l.tableoid::regclass::text FROM access_log_line l JOIN access_log_asker a USING (asker_id)"
    )
    return {row["reason"]: row["part"] for row in rows}


async def _month(conn: asyncpg.Connection, year: int, month: int) -> None:
    """Make the partition of a month (January to November). The connection is the owner's."""
    part, since, until = (
        f"access_log_line_y{year}m{month:02}",
        f"{year}-{month:02}-01Z",
        f"{year}-{month + 1:02}-01Z",
    )
    await conn.execute(
        f"SELECT make_access_log_part('{part}');"
        f"ALTER TABLE access_log_line ATTACH PARTITION {part} FOR VALUES FROM ('{since}') TO ('{until}')"
    )


async def test_a_log_of_before_becomes_one_partition_as_it_stands(
    postgres: EmbeddedPostgres, database: str
) -> None:
    async with unmigrated(postgres, "looks_of_before", timezone="UTC") as (dsn, conn):
        await conn.execute("SET ROLE sigill_owner")
        older = [path for path in sorted(MIGRATIONS.glob("[0-9]*.sql")) if path.name[:4] <= BEFORE_MONTHS]
        for path in older:
            await conn.execute(path.read_text(encoding="utf-8"))
        await conn.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        await conn.execute("INSERT INTO alembic_version VALUES ($1)", BEFORE_MONTHS)
        now = await conn.fetchval("SELECT now()")
        for age in (900, 30, 0):
            async with conn.transaction():
                await access_log.append(Tx(conn, now - timedelta(days=age)), [_look(f"{age} days")])
        table = await conn.fetchval("SELECT 'access_log'::regclass::oid")
        assert len(await conn.fetchval("SELECT body FROM audit_entry LIMIT 1")) > 64, "its digests are whole"

        await migrate(dsn)
        assert await conn.fetchval("SELECT 'access_log_before'::regclass::oid") == table, "no line was moved"
        ahead = {"next year": 400, "soon": 3}
        async with conn.transaction():
            for reason, days in ahead.items():
                await access_log.append(Tx(conn, now + timedelta(days=days)), [_look(reason)])
        found = await _places(conn)
        assert {found[f"{age} days"] for age in (900, 30, 0)} == {"access_log_before"}
        assert found["soon"].startswith("access_log_line_y"), "what comes has the form of today"
        assert found["next year"] == "access_log_line_rest"
        assert await conn.fetchval("SELECT to_regclass('access_log_rest')") is None, (
            "no place is kept for what comes"
        )
        reading = Reading(conn)
        async with conn.transaction(isolation="repeatable_read"):
            looks = await access_log.of_person(reading, WHO)
            assert [one.look.reason for one in looks] == [
                "900 days",
                "30 days",
                "0 days",
                "soon",
                "next year",
            ]
            assert len({one.look_id for one in looks}) == 5
            assert await access_log.verify(reading) == []
            assert await audit_check.verify(reading) == []


async def test_no_look_is_refused_between_two_migrations(postgres: EmbeddedPostgres, database: str) -> None:
    async with unmigrated(postgres, "looks_meanwhile", timezone="UTC") as (_, conn):
        await conn.execute("GRANT USAGE ON SCHEMA sigill TO sigill_ops")
        await conn.execute("SET ROLE sigill_owner")
        for path in sorted(MIGRATIONS.glob("[0-9]*.sql")):
            if path.name[:4] == "0046":
                await conn.execute("GRANT INSERT, SELECT (look_id) ON access_log TO sigill_ops")
                await conn.execute("GRANT INSERT, SELECT ON audit_entry TO sigill_ops")
                await conn.execute("GRANT EXECUTE ON FUNCTION log_looks TO sigill_ops")
            if path.name[:4] <= "0046":
                await conn.execute(path.read_text(encoding="utf-8"))
        await conn.execute("RESET ROLE; SET ROLE sigill_ops")
        async with conn.transaction():
            now = await conn.fetchval("SELECT now()")
            await access_log.append(Tx(conn, now), [_look("meanwhile")])
        await conn.execute("RESET ROLE")
        assert await conn.fetchval("SELECT array_agg(reason) FROM access_log") == ["meanwhile"]


async def test_an_end_of_keeping_drops_a_month_and_the_log_stays_whole(
    store: Store, admin: asyncpg.Connection
) -> None:
    async with store.transaction(T0) as tx:
        await someone(tx)
    await admin.execute("SET ROLE sigill_owner")
    await _month(admin, 2015, 3)
    await admin.execute("RESET ROLE")
    march = datetime(2015, 3, 14, tzinfo=UTC)
    for at, reason in ((march, "march"), (march + timedelta(days=31), "april"), (T0, "later")):
        async with store.transaction(at) as tx:
            await access_log.append(tx, [_look(reason)] * 2)
    assert (await _places(admin))["march"] == "access_log_line_y2015m03"
    async with store.transaction(T0) as tx:
        assert await access_log.count_before(tx, march + timedelta(days=40)) == 2
        assert await access_log.purge(tx, march + timedelta(days=40), "auditor") == 2
    assert await admin.fetchval("SELECT to_regclass('access_log_line_y2015m03')") is None
    async with store.transaction(T0) as tx:
        assert await access_log.purge(tx, march + timedelta(days=70), "auditor") == 2, "from the rest, too"
    async with store.reading() as tx:
        assert [one.look.reason for one in await access_log.of_person(tx, WHO)] == ["later"] * 2
        assert await access_log.verify(tx) == []
        assert await audit_check.verify(tx) == []
        spans = await tx.fetch(audit.statement("of_action"), ["access_log_purged"])
    assert [row["body"] for row in spans] == ['{"spans":[[1,2]]}', '{"spans":[[3,4]]}']


async def test_months_are_made_ahead_and_a_month_with_lines_in_the_rest_stops_nothing(
    store: Store, admin: asyncpg.Connection
) -> None:
    now = await admin.fetchval("SELECT now()")
    async with store.transaction(now) as tx:
        await access_log.append(tx, [_look("now")])
        assert await access_log.extend(tx) == 0
    part = (await _places(admin))["now"]
    assert part.startswith("access_log_line_y")
    # as if nobody had made months ahead for a while
    await admin.execute(f"ALTER TABLE access_log_line DETACH PARTITION {part}; DROP TABLE {part}")
    async with store.transaction(now) as tx:
        await access_log.append(tx, [_look("no month")])
    async with store.transaction(now) as tx:
        assert await access_log.extend(tx) == 1
    assert await _places(admin) == {"no month": "access_log_line_rest"}
    async with store.reading() as tx:
        assert await access_log.verify(tx) == [AccessLogFault(1, "removed")], "nobody ended its keeping"


async def test_a_line_that_got_another_moment_or_stands_twice_is_found(
    store: Store, admin: asyncpg.Connection
) -> None:
    async with store.transaction(T0) as tx:
        await access_log.append(tx, [_look("a"), _look("b")])
    async with store.transaction(T0 + timedelta(hours=1)) as tx:
        await access_log.append(tx, [_look("c")])
    async with admin.transaction():
        await admin.execute("SET LOCAL session_replication_role = replica")
        await admin.execute(
            "UPDATE access_log_line SET looked_at = looked_at + interval '1 hour' WHERE look_id = 1"
        )
        await admin.execute(
            "INSERT INTO access_log_line OVERRIDING SYSTEM VALUE SELECT * FROM access_log_line WHERE look_id = 2"
        )
    async with store.reading() as tx:
        assert await access_log.verify(tx) == [AccessLogFault(1, "changed"), AccessLogFault(2, "inserted")]


async def test_a_month_that_goes_while_the_log_is_verified_is_no_fault(
    store: Store, admin: asyncpg.Connection
) -> None:
    now = await admin.fetchval("SELECT now()")
    async with admin.transaction():
        await admin.execute("SET LOCAL timezone = 'UTC'; SET LOCAL ROLE sigill_owner")
        await _month(admin, 2019, 1)
        await access_log.append(Tx(admin, datetime(2019, 1, 17, tzinfo=UTC)), [_look("in January")])
        await access_log.append(Tx(admin, datetime(2019, 2, 1, tzinfo=UTC)), [_look("in no month")])
    async with store.reading() as tx:
        assert await audit_check.verify(tx) == []
        async with store.transaction(now) as other:
            assert await access_log.purge(other, datetime(2019, 2, 20, tzinfo=UTC), "retention") == 1
        assert await access_log.verify(tx) == []
    async with store.reading() as tx:
        assert await access_log.verify(tx) == []
        await admin.execute("SET session_replication_role = replica; DELETE FROM access_log_line")
    async with store.reading() as tx:
        assert await access_log.verify(tx) == [AccessLogFault(2, "removed")], (
            "of the month alone nothing is said"
        )


@pytest.mark.parametrize("number", ["0046", "0053"])
@pytest.mark.parametrize("within", [False, True])
async def test_a_look_on_its_way_while_the_log_is_made_anew_is_written(
    postgres: EmbeddedPostgres, database: str, number: str, within: bool
) -> None:
    async with unmigrated(postgres, f"look_on_its_way_{number}_{within}", timezone="UTC") as (dsn, conn):
        await conn.execute("SET ROLE sigill_owner")
        files = sorted(MIGRATIONS.glob("[0-9]*.sql"))
        for path in files:
            if path.name[:4] < number:
                await conn.execute(path.read_text(encoding="utf-8"))
        now = await conn.fetchval("SELECT now()")
        await access_log.append(Tx(conn, now), [_look("before")])
        other = await asyncpg.connect(dsn, server_settings={"search_path": "sigill"})
        try:
            await access_log.append(Tx(other, now), [_look("with a kept plan")])
            migration = conn.transaction()
            await migration.start()
            (path,) = (path for path in files if path.name[:4] == number)
            await conn.execute(path.read_text(encoding="utf-8"))

            async def look() -> None:
                if not within:
                    await access_log.append(Tx(other, now), [_look("on its way")])
                    return
                async with other.transaction():
                    await access_log.append(Tx(other, now), [_look("on its way")])

            waiting = asyncio.create_task(look())
            waits = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted"
            while not waiting.done() and not await conn.fetchval(waits, other.get_server_pid()):
                await asyncio.sleep(0.01)
            await migration.commit()
            await waiting
        finally:
            await other.close()
        for path in files:
            if path.name[:4] > number:
                await conn.execute(path.read_text(encoding="utf-8"))
        async with conn.transaction(isolation="repeatable_read"):
            found = await access_log.of_person(Reading(conn), WHO)
            assert sorted(one.look.reason for one in found) == ["before", "on its way", "with a kept plan"]
            assert len({one.look_id for one in found}) == 3
            assert await access_log.verify(Reading(conn)) == []
            assert await audit_check.verify(Reading(conn)) == []


async def _texts(conn: asyncpg.Connection) -> tuple[int, int]:
    row = await conn.fetchrow(
        "SELECT (SELECT count(*) FROM access_log_asker), (SELECT count(*) FROM access_log_shown)"
    )
    return tuple(row)


async def test_a_months_texts_stand_once_and_every_line_reads_as_it_was_written(
    store: Store, admin: asyncpg.Connection
) -> None:
    shown = [
        "whether person 12 reaches journal_read: allowed",
        "whether person 4711 reaches journal_read: allowed",
        "person 7 and person 8",
        "person 7 {} person {}",
        "person {}",
        "person 007, person 1234567890123456789, a person 5x and\nperson 9",
        "persons 3",
        "",
        "å" * 3000,
    ]
    looks = [AccessLogEntry("op-1", unit, WHO, "why", text) for text in shown for unit in (None, "", "u")]
    for _ in range(2):
        async with store.transaction(T0) as tx:
            await access_log.append(tx, looks)
    assert await _texts(admin) == (3, len(shown) - 1), "two differ by the person alone"
    async with store.reading() as tx:
        assert [one.look for one in await access_log.of_person(tx, WHO)] == looks * 2
        assert await access_log.of_actor(tx, "op-1") == (await access_log.of_person(tx, WHO))[::-1]
        assert await access_log.of_actor(tx, "op-2") == []
        assert await access_log.verify(tx) == []
    async with store.transaction(T0 + timedelta(days=40)) as tx:
        await access_log.append(tx, looks[:1])
    assert await _texts(admin) == (4, len(shown)), "another month has texts of its own"


async def test_two_who_write_a_new_text_wait_for_nobody_and_one_who_gives_up_leaves_none(
    store: Store, admin: asyncpg.Connection
) -> None:
    async def give_up() -> None:
        async with store.transaction(T0) as tx:
            await access_log.append(tx, [_look("a")], chain="access-log-1")
            async with asyncio.timeout(5), store.transaction(T0) as other:
                await access_log.append(other, [_look("a")], chain="access-log-2")
            raise RuntimeError("gave up")

    with pytest.raises(RuntimeError, match="gave up"):
        await give_up()
    assert await _texts(admin) == (1, 1)
    async with store.transaction(T0) as tx:
        await access_log.append(tx, [_look("b")], chain="access-log-1")
        async with asyncio.timeout(5), store.transaction(T0) as other:
            await access_log.append(other, [_look("b")], chain="access-log-2")
    assert await _texts(admin) == (3, 1), "each kept it"
    async with store.transaction(T0) as tx:
        await access_log.append(tx, [_look("b")])
    assert await _texts(admin) == (3, 1)
    async with store.reading() as tx:
        assert [one.look.reason for one in await access_log.of_person(tx, WHO)] == ["a", "b", "b", "b"]
        assert await access_log.verify(tx) == []


async def test_a_text_that_was_changed_or_removed_is_found_at_each_of_its_lines(
    store: Store, admin: asyncpg.Connection
) -> None:
    async with store.transaction(T0) as tx:
        await access_log.append(tx, [_look("a"), _look("b"), _look("a")])
        await access_log.append(tx, [AccessLogEntry("op-1", None, WHO, "b", "another page")])
    await admin.execute("SET session_replication_role = replica")
    await admin.execute("UPDATE access_log_asker SET reason = 'c' WHERE reason = 'a'")
    async with store.reading() as tx:
        assert await access_log.verify(tx) == [AccessLogFault(1, "changed"), AccessLogFault(3, "changed")]
    await admin.execute("DELETE FROM access_log_shown WHERE shown = 'another page'")
    async with store.reading() as tx:
        assert AccessLogFault(4, "changed") in await access_log.verify(tx)
        assert len(await access_log.of_person(tx, WHO)) == 4, "no line is hidden by it"


async def test_texts_go_with_the_last_line_of_their_month(store: Store, admin: asyncpg.Connection) -> None:
    await admin.execute("SET ROLE sigill_owner")
    await _month(admin, 2015, 3)
    await admin.execute("RESET ROLE")
    march = datetime(2015, 3, 14, tzinfo=UTC)
    for at, reason in ((march, "march"), (march + timedelta(days=31), "april"), (T0, "later")):
        async with store.transaction(at) as tx:
            await access_log.append(tx, [_look(reason)])
    async with store.transaction(T0) as tx:
        assert await access_log.purge(tx, march + timedelta(days=40), "auditor") == 1
    kept = "SELECT array_agg(reason ORDER BY asker_id) FROM access_log_asker"
    assert await admin.fetchval(kept) == ["april", "later"]
    async with store.transaction(T0) as tx:
        assert await access_log.purge(tx, march + timedelta(days=70), "auditor") == 1, "from the rest, too"
    assert await admin.fetchval(kept) == ["later"]
    assert await _texts(admin) == (1, 1)
