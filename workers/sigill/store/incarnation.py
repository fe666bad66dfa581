"""
Whether the database is still the one that was written to: another cluster or timeline means a fail-over or a restore.

Then numbers that others compare (state versions) skip ahead of all that were ever given out, so that no copy outside
stays ahead of the store, and whoever holds a partition is fenced.
"""

import structlog

from sigill.store.queries import queries
from sigill.store.session import Store, passing

_SQL = queries("incarnation")
log = structlog.get_logger("sigill.incarnation")


async def meet(store: Store) -> bool:
    """
    Compare the database with the one that was met last, and remember it; whether it is another one.

    Several processes may call at once: one of them settles it. Trouble that may pass is raised.
    """
    async with store.looking() as tx:
        try:
            another = bool(await tx.value(_SQL["meet"]))
        except Exception as error:
            if passing(error):
                raise
            # a managed database may not let us see its control file: what the offsets tell still counts
            log.warning("the database does not say which one it is", error=type(error).__name__)
            return False
    if another:
        log.error("another database: after a fail-over or a restore, numbers skip ahead")
    return another
