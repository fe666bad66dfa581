"""One long look at the store: a connection of its own, since a count over everybody takes longer than a worker may."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sigill.store.session import Reading, quoted
from sigill.store.session import prepare as codecs


def reach(dsn: str, schema: str = "sigill", **connect: Any) -> dict[str, Any]:
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
async def snapshot(connect: dict[str, Any]) -> AsyncIterator[Reading]:
    """Open a snapshot (REPEATABLE READ, READ ONLY)."""
    conn = await asyncpg.connect(**connect)
    try:
        await codecs(conn)
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            yield Reading(conn)
    finally:
        await conn.close()
