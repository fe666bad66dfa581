"""The store as a role sees it, for commands: what the role may not do, the command cannot do by accident."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from workers.runtime.settings import Settings
from workers.store.roles import may_act_as
from workers.store.session import Reading, Role, Store, connection_options


@asynccontextmanager
async def store_as(current: Settings, role: Role) -> AsyncIterator[Store]:
    """
    Open the store as a role where the database's user may act as it, and as that user otherwise.

    Raises TooPowerful in production for sessions that could change history unseen.
    """
    conn = await asyncpg.connect(**connection_options(current, None))
    try:
        member = await may_act_as(Reading(conn), role)
    finally:
        await conn.close()
    few = current.model_copy(update={"database_pool_min": 1, "database_pool_max": 2})
    store = await Store.open(few, role=role if member else None)
    try:
        yield store
    finally:
        await store.close()
