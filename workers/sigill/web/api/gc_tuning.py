"""
Keeps the garbage collector from walking through all copies in memory while somebody waits.

Facts are frozen values without cycles: reference counts alone free them. What survives the young generations is set
apart (frozen) every second, so that no collection ever visits it; once a day everything is visited after all.
"""

import asyncio
import gc

EVERY = 1.0
"""Seconds between two settings apart."""
WHOLE = 24 * 3600.0
"""Seconds between two whole collections."""


async def tidy() -> None:
    """Run for ever; cancel to stop."""
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], 1_000_000)
    gc.collect()
    gc.freeze()
    try:
        waited = 0.0
        while True:
            await asyncio.sleep(EVERY)
            waited += EVERY
            if waited >= WHOLE:
                waited = 0.0
                gc.unfreeze()
                gc.collect()
            gc.collect(1)
            gc.freeze()
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
