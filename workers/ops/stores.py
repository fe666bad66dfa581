"""Opening the store as one of the roles of infra/roles.sql."""

from workers.runtime.settings import Settings
from workers.store import console
from workers.store.session import Role, Store


async def store_as(settings: Settings, role: Role, *, or_nobody: bool = False) -> Store | None:
    """
    Open the store as a role. Where the user may not act as it: as the user itself, or not at all with `or_nobody`.
    """
    store = await Store.open(settings)
    async with store.reading() as tx:
        member = await console.may_act_as(tx, role)
    if not member and not or_nobody:
        return store
    await store.close()
    return await Store.open(settings, role=role) if member else None
