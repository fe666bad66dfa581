"""Opening the store as one of the roles of infra/roles.sql."""

from sigill.runtime.settings import Settings
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store.queries import queries
from sigill.store.session import Reading, Store

_SQL = queries("roles")


async def may_act_as(tx: Reading, role: DatabaseRole) -> bool:
    """Say whether this session's user may act as a role."""
    return bool(await tx.value(_SQL["may_act_as"], role))


async def open_as(
    settings: Settings, role: DatabaseRole, *, or_nobody: bool = False, keep_plans: bool = False
) -> Store | None:
    """
    Open the store as a role. Where the user may not act as it: as the user itself, or not at all with `or_nobody`.

    `keep_plans` as `Store.open` has it.
    """
    store = await Store.open(settings, keep_plans=keep_plans)
    async with store.reading() as tx:
        member = await may_act_as(tx, role)
    if not member and not or_nobody:
        return store
    await store.close()
    return await Store.open(settings, role=role, keep_plans=keep_plans) if member else None
