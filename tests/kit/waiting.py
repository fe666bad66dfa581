"""Workers that wait for a server that is not there."""

import asyncio
from collections.abc import Sequence

from sigill.bootstrap import Wiring
from sigill.runtime.settings import Settings


async def wait_for_the_database(settings: Settings, names: Sequence[str]) -> None:
    """Run workers until they say that they wait for the database, then stop them. Fails when they end by themselves."""
    wiring, stop = Wiring.of(settings), asyncio.Event()
    serving = asyncio.create_task(wiring.serve(names, stop))
    async with asyncio.timeout(60):
        while not any(line.startswith("[-]database: DatabaseDown") for line in wiring.health.ready()[1]):
            assert not serving.done(), serving.exception()
            await asyncio.sleep(0.02)
        stop.set()
        await serving
