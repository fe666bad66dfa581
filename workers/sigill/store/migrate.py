"""
Brings a schema to the newest version: alembic keeps the account, plain SQL files do the work.

Several processes may call at once: one migrates, the others wait and find nothing left to do.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import asyncpg
from asyncpg import exceptions as pg

from sigill.store.queries import blocks, queries
from sigill.store.session import quoted

_PACKAGE = Path(__file__).parents[1]
INFRA = next(
    path for path in (_PACKAGE / "infra", _PACKAGE.parents[1] / "infra") if (path / "migrations").is_dir()
)
"""In the wheel beside the code; in a checkout at the top."""
MIGRATIONS = INFRA / "migrations"
HEAD = max(path.name[:4] for path in MIGRATIONS.glob("[0-9]*.sql"))
"""The number of the newest migration."""
OWNER = "sigill_owner"
_WAIT = 120.0
_THERE_ALREADY = (
    pg.DuplicateTableError,
    pg.DuplicateColumnError,
    pg.DuplicateFunctionError,
    pg.DuplicateObjectError,
)
_BLOCKS = 2000
"""Of a table in one baseline batch: sixteen megabytes."""
_SQL = queries("migrate")


async def migrate(dsn: str, schema: str = "sigill", **connect: Any) -> list[str]:
    """
    Apply what is pending in `schema`, make the roles and grant their rights; return the files that were run.

    The connection's user owns the tables through `sigill_owner` where roles can be made or are there; a user who
    can do neither owns them itself, and no right is granted. `connect` goes to asyncpg (`ssl`).
    """
    keeper = await asyncpg.connect(dsn, timeout=30, **connect)
    try:
        # one database, one migration at a time; ends with the connection, however this ends
        async with asyncio.timeout(_WAIT):
            await keeper.execute("SELECT pg_advisory_lock(hashtextextended('sigill:migrate', 0))")
        roles = blocks((INFRA / "roles.sql").read_text(encoding="utf-8"))
        owner = await _owner(keeper, roles["create_roles"])
        await keeper.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        if owner:
            await keeper.execute(f"GRANT ALL ON SCHEMA {quoted(schema)} TO {owner}")

        todo = await _pending(keeper, schema)
        settings = {"search_path": quoted(schema), "timezone": "UTC", **({"role": owner} if owner else {})}
        if todo:
            await _upgrade(dsn, schema, {**connect, "server_settings": settings}, todo[0])
        if owner:
            # by the user itself: rights on the schema are its to give, not the tables' owner's
            await keeper.execute(f"SET search_path TO {quoted(schema)}")
            await keeper.execute(roles["grant_rights"])
        await keeper.execute(f"SET search_path TO {quoted(schema)}")
        await _seal_baseline(keeper, owner)
        return todo
    finally:
        await keeper.close()


async def _seal_baseline(conn: asyncpg.Connection[asyncpg.Record], owner: str | None) -> None:
    """
    Seal the rows that are older than their table's seals, some thousand blocks at a time; a killed run goes on.

    The constraint `sealed` says of a table that all its rows have a seal: it is not looked through again.
    """
    await conn.execute("SET application_name = 'sigill migrate'")
    if owner:
        await conn.execute(f"SET ROLE {owner}")
    tables = await conn.fetch(_SQL["unsealed_tables"])
    for row in tables:
        table, first = row["table_name"], 0
        while first < await conn.fetchval(_SQL["blocks"], table):
            await conn.fetchval(_SQL["seal_baseline"], table, first, first + _BLOCKS)
            first += _BLOCKS
        with contextlib.suppress(pg.DuplicateObjectError):  # a run that was killed between the two
            await conn.execute(
                f"ALTER TABLE {quoted(table)} ADD CONSTRAINT sealed CHECK (seal IS NOT NULL) NOT VALID"
            )
        await conn.execute(f"ALTER TABLE {quoted(table)} VALIDATE CONSTRAINT sealed")


async def pending(dsn: str, schema: str = "sigill", **connect: Any) -> list[str]:
    """Return the migrations that `schema` lacks, in order."""
    conn = await asyncpg.connect(dsn, timeout=30, **connect)
    try:
        return await _pending(conn, schema)
    finally:
        await conn.close()


async def rights_missing(dsn: str, schema: str = "sigill", **connect: Any) -> str | None:
    """
    Say why the workers' logins could not work in a schema that is whole otherwise, as after a dump was restored without
    the roles; None: nothing is missing, or no roles can be made here and the tables' owner is who works.
    """
    conn = await asyncpg.connect(dsn, timeout=30, **connect)
    try:
        await conn.execute(f"SET search_path TO {quoted(schema)}")
        if not await conn.fetchval("SELECT to_regrole('sigill_intake') IS NOT NULL"):
            may = await conn.fetchval(
                "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
            )
            return "the roles sigill_* are not there" if may else None
        rights = "SELECT has_table_privilege('sigill_intake', to_regclass('signed_order'), 'INSERT')"
        owned = "SELECT pg_has_role('sigill_owner', relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('signed_order')"
        if not await conn.fetchval(rights):
            return "the roles sigill_* have no rights on the tables"
        if not await conn.fetchval(owned):
            return "the tables do not belong to sigill_owner: the next migration would be refused"
        return None
    finally:
        await conn.close()


async def _pending(conn: asyncpg.Connection[asyncpg.Record], schema: str) -> list[str]:
    files = sorted(path.name for path in MIGRATIONS.glob("[0-9]*.sql"))
    table = f"{quoted(schema)}.alembic_version"
    if await conn.fetchval("SELECT to_regclass($1) IS NULL", table):
        return files
    done = await conn.fetchval(f"SELECT max(version_num) FROM {table}") or ""  # noqa: S608 - a quoted identifier
    return [name for name in files if name[:4] > done]


async def _owner(conn: asyncpg.Connection[asyncpg.Record], create_roles: str) -> str | None:
    """Make the roles where that is allowed; return the role that is to own the tables, if we may act as it."""
    if await conn.fetchval("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"):
        for _ in range(5):
            try:
                await conn.execute(create_roles)
                break
            except pg.InternalServerError:  # "tuple concurrently updated": another database's migration
                await asyncio.sleep(0.1)
        if not await conn.fetchval("SELECT pg_has_role(current_user, $1, 'MEMBER')", OWNER):
            await conn.execute(f"GRANT {OWNER} TO CURRENT_USER")
        return OWNER
    there = await conn.fetchval(
        "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1", OWNER
    )
    return OWNER if there else None


async def _upgrade(dsn: str, schema: str, connect: dict[str, Any], first: str) -> None:
    """
    Run what is pending from the file `first` on; each file and its stamp are one transaction.

    Of releases before, which stamped after the file's own transaction, a killed migration left `first` done and not
    stamped: what it makes is then there already, all of it, and only the stamp is missing.
    """
    # imported here: workers check `pending` and never load alembic
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import Connection, NullPool  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    async def connected() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(dsn, timeout=30, **connect)

    def run(connection: Connection) -> None:
        def run_file(name: str) -> None:
            text = (MIGRATIONS / name).read_text(encoding="utf-8")
            driver: Any = connection.connection.dbapi_connection
            # through the engine, which so opens the transaction that the stamp is written in
            connection.exec_driver_sql("SAVEPOINT file")
            try:
                driver.run_async(lambda raw: raw.execute(text))
            except _THERE_ALREADY:
                if name != first:
                    raise
                connection.exec_driver_sql("ROLLBACK TO SAVEPOINT file")
            connection.exec_driver_sql("RELEASE SAVEPOINT file")

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes.update(connection=connection, schema=schema, run_file=run_file)
        command.upgrade(config, "head")

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connected, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()
