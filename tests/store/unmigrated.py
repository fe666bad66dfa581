"""A database into which the migrations go one by one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from sigill.embedded import EmbeddedPostgres


@asynccontextmanager
async def unmigrated(
    postgres: EmbeddedPostgres, name: str, **settings: str
) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """
    A database with nothing but an empty schema for the owner, and the administrator's connection, with its
    settings; gone afterwards.

    The roles are the server's: they are there once another database of it has been migrated.
    """
    dsn = await postgres.create_database(name)
    conn = await asyncpg.connect(dsn, server_settings={"search_path": "sigill", **settings})
    try:
        assert await conn.fetchval("SELECT to_regrole('sigill_owner')"), "made with the first database"
        await conn.execute("CREATE SCHEMA sigill; GRANT ALL ON SCHEMA sigill TO sigill_owner")
        yield dsn, conn
    finally:
        await conn.close()
        await postgres.drop_database(name)
