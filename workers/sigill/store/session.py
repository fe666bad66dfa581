"""
The pool, and the open transaction that every writing function demands.

Guarantee: what one `transaction` writes is there as a whole, durable, or not at all. Left over: when the connection
dies at COMMIT nobody knows which; the caller does the batch again, and the inbox says what had been done.
Time-outs are the server's own, so that no statement outlives its caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self, TypeAlias

import asyncpg
from asyncpg import exceptions as pg

from sigill.runtime.clock import stopwatch
from sigill.runtime.settings import Settings
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store.queries import queries
from sigill_contracts.vocabulary import PersonId

_SQL = queries("session")

Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
Row: TypeAlias = asyncpg.Record

_PASSING = (
    pg.PostgresConnectionError,
    pg.CannotConnectNowError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.TransactionRollbackError,  # serialization failure, deadlock
    pg.LockNotAvailableError,
    pg.QueryCanceledError,  # statement_timeout
    pg.IdleInTransactionSessionTimeoutError,
    pg.InsufficientResourcesError,  # connections, disk, memory
    pg.ReadOnlySQLTransactionError,  # a stand-by answered during a fail-over
    pg.InternalClientError,  # asyncpg's word when the server goes while a statement is on its way
    ConnectionError,
    TimeoutError,
    OSError,
)


PLANS_SECONDS = 10.0
"""How long a kept plan is believed to fit its tables."""
FIRST_PLANS_SECONDS = 0.5
"""The same for a session's first plans: they may have been made for tables that held nothing yet."""


class TooPowerful(Exception):
    """The database user may change history unseen, or make temporary tables, and this is production."""


class Pooled(Exception):
    """Between us and PostgreSQL stands a pooler that does not pass on what a session asks for."""


_POOLER = (
    "SIGILL_DATABASE_URL: leads to a pooler (PgBouncer) that does not pass on a session's settings (search_path, role, "
    "time-outs); workers hold locks for a session too. Connect to PostgreSQL itself"
)


_PREPARED_ELSEWHERE = (pg.InvalidSQLStatementNameError, pg.DuplicatePreparedStatementError)


@contextmanager
def pooler_named() -> Iterator[None]:
    """Call a pooler's refusal by its name: it would else look like a database that is away for a while."""
    try:
        yield
    except _PREPARED_ELSEWHERE:
        # each transaction at another session of PostgreSQL: a statement prepared at one is not known at the next
        raise Pooled(_POOLER) from None
    except pg.PostgresError as error:
        if "startup parameter" in str(error):
            raise Pooled(f"{_POOLER} ({error})") from None
        raise


def passing(error: BaseException) -> bool:
    """Whether trouble may pass, so that the whole batch is worth doing again; anything else is a bug or a refusal."""
    if isinstance(error, pg.InterfaceError):
        # asyncpg says so of a connection that died while nobody looked, or of a rollback on one that is dying; any other
        # interface error is a bug
        gone = any(word in str(error) for word in ("closed", "closing", "released back to the pool"))
        return gone or (error.__context__ is not None and passing(error.__context__))
    return isinstance(error, _PASSING)


def unfinished(error: BaseException) -> bool:
    """Whether the database answered, and the answer is that a lock or a statement took longer than it may."""
    return isinstance(error, (pg.LockNotAvailableError, pg.QueryCanceledError))


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot: what had been committed when it was opened, and nothing later."""

    conn: Connection

    async def fetch(self, query: str, *arguments: object) -> list[Row]:
        """Return the rows of a statement."""
        return await self.conn.fetch(query, *arguments)

    async def value(self, query: str, *arguments: object) -> Any:
        """Return the first column of the first row; None without rows."""
        return await self.conn.fetchval(query, *arguments)

    async def fresh_plans(self) -> None:
        """Plan the statements of this transaction for their own conditions, whatever the session keeps."""
        await self.value(_SQL["fresh_plans"])


@dataclass(frozen=True, slots=True)
class Tx(Reading):
    """
    An open transaction. `now` (UTC) is the system time of all that it writes.

    `held` are the persons that it serialises, each with a number drawn under its lock: higher than all that were
    drawn for that person before. Outgoing events of anybody else are refused.
    """

    now: datetime
    held: dict[PersonId, int] = field(default_factory=dict)

    async def run(self, query: str, *arguments: object) -> int:
        """Run a statement and return how many rows it wrote."""
        status = await self.conn.execute(query, *arguments)
        last = status.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add rows to a table, in this order, by COPY, which costs less than arrays for tables of many columns."""
        await self.conn.copy_records_to_table(table, columns=list(columns), records=rows)


class KeptPlans:
    """
    Sessions that run the same few statements all day: a statement's plan is made once and kept for a while.

    Making a plan costs more than such a statement does, and the server would make one at each call, since an array
    of one element always looks cheaper than an array of unknown length. Anew now and then, since tables grow; after
    half a second, one, two, four of a session's life, and then every ten.
    """

    SETTING: Final = {"plan_cache_mode": "force_generic_plan"}

    def __init__(self) -> None:
        self._made: dict[int, tuple[float, float]] = {}

    async def renew(self, conn: Connection) -> None:
        """Have a session's statements planned anew, if that is some seconds ago."""
        session, now = conn.get_server_pid(), stopwatch()
        opened, made = self._made.setdefault(session, (now, now))
        if now - made >= min(PLANS_SECONDS, max(FIRST_PLANS_SECONDS, made - opened)):
            await conn.execute("DISCARD PLANS")
            self._made[session] = opened, now


class Store:
    """The access store of one process."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], settings: Settings, options: dict[str, Any]
    ) -> None:
        self._pool = pool
        self._options = options
        self.schema = settings.database_schema

    @classmethod
    async def open(
        cls, settings: Settings, *, role: DatabaseRole | None = None, keep_plans: bool = False
    ) -> Self:
        """
        Connect. With `role` every session acts as that role, whatever its user could do beside. `keep_plans` is for
        whoever runs the same few statements again and again (`KeptPlans`).

        Raises Pooled behind a pooler that drops settings, TooPowerful in production when the sessions could change history; trouble that may pass comes as
        an exception that `passing` knows.
        """
        options = connection_options(settings, role)
        if keep_plans:
            options["server_settings"] |= KeptPlans.SETTING
        with pooler_named():
            pool = await asyncpg.create_pool(
                **options,
                min_size=settings.database_pool_min,
                max_size=settings.database_pool_max,
                max_inactive_connection_lifetime=300,
                init=prepare,
                setup=KeptPlans().renew if keep_plans else None,
                reset=_leave_as_it_is,
            )
        store = cls(pool, settings, options)
        try:
            with pooler_named():
                keeps = await store.keeps_settings()
            if not keeps:
                raise Pooled(_POOLER)
            if settings.environment == "production":
                if await store.too_powerful():
                    raise TooPowerful(
                        "SIGILL_DATABASE_URL: connect as a member of one of the roles of infra/roles.sql"
                    )
                if await store.may_shadow():
                    raise TooPowerful(
                        "SIGILL_DATABASE_URL: this login may make temporary tables; as the database's owner run "
                        "REVOKE TEMPORARY ON DATABASE … FROM PUBLIC"
                    )
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Close the pool; after five seconds, whatever still runs is cut off."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(self, now: datetime) -> AsyncIterator[Tx]:
        """
        Open a transaction (READ COMMITTED); it commits when the block ends and rolls back when it raises.

        READ COMMITTED is enough, since a unique key, a row lock or a person's lock decides wherever two meet.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            yield Tx(conn, now)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot (REPEATABLE READ, READ ONLY)."""
        async with self._pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            yield Reading(conn)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Reading]:
        """Lend a connection outside any transaction, for a single statement, which is a snapshot of its own."""
        async with self._pool.acquire() as conn:
            yield Reading(conn)

    async def dedicated(self) -> asyncpg.Connection[asyncpg.Record]:
        """Return a connection of its own, for locks that must outlive a transaction. The caller closes it."""
        conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(**self._options)
        await prepare(conn)
        return conn

    async def keeps_settings(self) -> bool:
        """Whether the sessions have the settings that they asked for."""
        async with self._pool.acquire() as conn:
            return bool(await conn.fetchval("SELECT current_setting('jit') = 'off'"))

    async def too_powerful(self) -> bool:
        """Whether this store's sessions could change history unseen."""
        async with self._pool.acquire() as conn:
            return bool(
                await conn.fetchval(
                    "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
                )
            )

    async def may_shadow(self) -> bool:
        """Whether this store's sessions could make temporary tables, which stand before ours in a search path."""
        async with self._pool.acquire() as conn:
            return bool(await conn.fetchval("SELECT has_database_privilege(current_database(), 'TEMPORARY')"))

    async def answers(self) -> bool:
        """Whether the database answers now; for the health page."""
        try:
            async with asyncio.timeout(2), self._pool.acquire() as conn:
                return bool(await conn.fetchval("SELECT true"))
        except Exception as error:
            if passing(error):
                return False
            raise

    def connections(self) -> tuple[int, int]:
        """Return how many connections are open, and how many of them are idle."""
        return self._pool.get_size(), self._pool.get_idle_size()


def connection_options(
    settings: Settings, role: DatabaseRole | None, *, migrations: bool = False
) -> dict[str, Any]:
    """Return asyncpg's arguments for one connection: where, as whom, and the server's own time-outs."""
    statement = int(settings.database_statement_timeout * 1000)
    return {
        "dsn": settings.database_dsn(migrations=migrations),
        "ssl": settings.database_ssl() if settings.database_tls != "prefer" else None,
        "command_timeout": settings.database_statement_timeout + 5,
        "statement_cache_size": 512,
        "server_settings": {
            "search_path": f"{quoted(settings.database_schema)}, pg_temp",
            "application_name": f"sigill {settings.instance}"[:63],
            "timezone": "UTC",
            "jit": "off",  # statements are short; compiling them costs more than they do
            "statement_timeout": str(statement),
            "lock_timeout": str(int(settings.database_lock_timeout * 1000)),
            "idle_in_transaction_session_timeout": str(2 * statement),
            **({"role": role} if role else {}),
        },
    }


def quoted(identifier: str) -> str:
    """Quote a name for SQL."""
    return '"' + identifier.replace('"', '""') + '"'


async def prepare(conn: Connection) -> None:
    """Pass json and jsonb as text: the messages' own models read and write it."""
    # binary, since COPY knows no other; jsonb's form has a version before the text
    await conn.set_type_codec(
        "json", schema="pg_catalog", encoder=str.encode, decoder=bytes.decode, format="binary"
    )
    await conn.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_jsonb, decoder=_text_of_jsonb, format="binary"
    )


async def _leave_as_it_is(_: Connection) -> None:
    """
    Spare what asyncpg asks of the server before it lends a connection again, a round trip a transaction.

    Nothing outlives a transaction on a lent connection: locks and settings are the transaction's own, and what a
    session must hold for longer has a `dedicated` one.
    """


def _jsonb(text: str) -> bytes:
    return b"\x01" + text.encode()


def _text_of_jsonb(data: bytes) -> str:
    return data[1:].decode()
