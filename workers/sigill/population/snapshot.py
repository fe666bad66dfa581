"""One long look at the store: a connection of its own, since a count over everybody takes longer than a worker may."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sigill.runtime.worker_specs import DatabaseRole
from sigill.store.roles import may_act_as
from sigill.store.session import Reading, quoted
from sigill.store.session import prepare as codecs


def connection_arguments(dsn: str, schema: str = "sigill", **connect: Any) -> dict[str, Any]:
    """Return asyncpg's arguments for a connection of a bulk command: no time-outs, the given schema."""
    return {
        "dsn": dsn,
        **connect,
        "server_settings": {
            "search_path": quoted(schema),
            "application_name": "sigill population",
            "timezone": "UTC",
            "jit": "off",
            "statement_timeout": "0",
        },
    }


@asynccontextmanager
async def snapshot(connect: dict[str, Any], role: DatabaseRole | None = None) -> AsyncIterator[Reading]:
    """Open a snapshot (REPEATABLE READ, READ ONLY); with a role, as it, where the user may act as it."""
    conn = await asyncpg.connect(**connect)
    try:
        await codecs(conn)
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            reading = Reading(conn)
            if role is not None and await may_act_as(reading, role):
                await conn.execute(f"SET LOCAL ROLE {quoted(role)}")
            yield reading
    finally:
        await conn.close()
