"""Time-outs are the server's, and trouble that may pass is told from trouble that may not."""

import asyncio

import asyncpg
import pytest

from sigill.embedded import EmbeddedPostgres
from sigill.store import measures, persons, session
from sigill.store.migrate import migrate
from sigill.store.session import KeptPlans, Pooled, Store, passing
from tests.kit.rows import CHILD, T0, measures_of, seal, someone, store_on


async def test_the_server_ends_what_takes_too_long(database: str) -> None:
    store = await store_on(database, database_statement_timeout=0.2, database_lock_timeout=0.1)
    with pytest.raises(asyncpg.QueryCanceledError) as slow:
        async with store.transaction(T0) as tx:
            await tx.value("SELECT pg_sleep(5)")
    assert passing(slow.value)
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        with pytest.raises(asyncpg.LockNotAvailableError) as locked:
            async with store.transaction(T0) as other:
                await persons.lock(other, [child])
        assert passing(locked.value)
    with pytest.raises(Exception) as idle:  # noqa: PT011, PT012 - judged below
        async with store.transaction(T0) as tx:
            await asyncio.sleep(0.7)  # twice the statement's time
            await tx.value("SELECT 1")
    assert passing(idle.value)
    await store.close()


async def test_a_pooler_is_called_by_its_name(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PgBouncer refuses settings that it does not know, or drops them where it is told to ignore them."""
    real = session.connection_options

    def dropped(*arguments: object, **more: object) -> dict[str, object]:
        return real(*arguments, **more) | {"server_settings": {}}  # type: ignore[arg-type]

    monkeypatch.setattr(session, "connection_options", dropped)
    with pytest.raises(Pooled, match="pooler"):
        await store_on(database)

    async def refused(**_: object) -> None:
        raise asyncpg.ProtocolViolationError("unsupported startup parameter: jit")

    monkeypatch.setattr(session.asyncpg, "create_pool", refused)
    with pytest.raises(Pooled, match=r"pooler.*startup parameter: jit") as one:
        await store_on(database)
    assert not passing(one.value)
    assert len(str(one.value).splitlines()) == 1


async def test_settings_survive_a_return_to_the_pool(database: str) -> None:
    store = await store_on(database, "sigill_intake", database_pool_max=1)
    for _ in range(3):
        async with store.transaction(T0) as tx:
            assert await tx.value("SELECT current_user") == "sigill_intake"
            assert await tx.value("SHOW search_path") == '"sigill", pg_temp'
            assert await tx.value("SHOW statement_timeout") == "30s"
            assert await tx.value("SHOW transaction_isolation") == "read committed"
        async with store.reading() as tx:
            assert await tx.value("SHOW transaction_read_only") == "on"
            assert await tx.value("SHOW transaction_isolation") == "repeatable read"
            assert await tx.value("SELECT '{\"a\": 1}'::jsonb") == '{"a": 1}'
    assert await store.answers()
    await store.close()


async def test_a_killed_backend_passes_and_the_pool_goes_on(store: Store, admin: asyncpg.Connection) -> None:
    with pytest.raises(Exception) as killed:  # noqa: PT011, PT012 - judged below
        async with store.transaction(T0) as tx:
            await someone(tx)
            pid = await tx.value("SELECT pg_backend_pid()")
            await admin.execute("SELECT pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.05)
            await tx.value("SELECT 1")
    assert passing(killed.value)
    async with store.transaction(T0) as tx:
        assert await persons.resolve(tx, [CHILD]) == {}


async def test_a_server_that_is_killed_loses_nothing_that_was_committed() -> None:
    with EmbeddedPostgres(own=True, durable=True) as server:
        dsn = await server.create_database("durable")
        await migrate(dsn)
        store = await store_on(dsn)
        async with store.transaction(T0) as tx:
            child = await someone(tx)
            measure = seal(child)
            await measures.append(tx, [measure])
        server.kill()
        with pytest.raises(Exception) as gone:  # noqa: PT011 - judged below
            async with store.transaction(T0) as tx:
                await someone(tx)
        assert passing(gone.value)
        assert not await store.answers()
        server.start()
        assert await store.answers()
        assert await measures_of(store, child) == [measure]
        await store.close()


@pytest.mark.parametrize(
    ("error", "worth"),
    [
        (asyncpg.SerializationError("x"), True),
        (asyncpg.DeadlockDetectedError("x"), True),
        (asyncpg.DiskFullError("x"), True),
        (asyncpg.TooManyConnectionsError("x"), True),
        (asyncpg.CannotConnectNowError("x"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.InterfaceError("connection has been released back to the pool"), True),
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (asyncpg.InterfaceError("another operation is in progress"), False),
        (asyncpg.UniqueViolationError("x"), False),
        (asyncpg.InsufficientPrivilegeError("x"), False),
        (asyncpg.UndefinedTableError("x"), False),
        (ValueError("x"), False),
    ],
)
def test_what_may_pass(error: Exception, worth: bool) -> None:
    assert passing(error) is worth


async def test_kept_plans_are_made_anew_soon_at_first_and_seldom_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(session, "stopwatch", lambda: now)
    renewed: list[float] = []
    plans = KeptPlans()
    conn = await store.dedicated()
    try:
        conn.add_query_logger(lambda said: renewed.append(now))
        for tenth in range(400):
            now = tenth / 10
            await plans.renew(conn)
            await asyncio.sleep(0)  # asyncpg calls its loggers on the loop's next turn
    finally:
        await conn.close()
    assert renewed == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 26.0, 36.0]


def test_a_rollback_that_fails_on_a_dying_connection_is_the_deaths_trouble() -> None:
    def rolled_back(first: Exception) -> asyncpg.InterfaceError:
        busy = asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
        busy.__context__ = first
        return busy

    assert passing(rolled_back(asyncpg.AdminShutdownError("terminating connection")))
    assert not passing(rolled_back(asyncpg.UniqueViolationError("the row is there")))
