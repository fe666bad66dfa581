"""
The database's clock decides what time it is: a worker whose machine is an hour wrong dates nothing wrong.

Asked every few seconds over a connection of its own; between two answers a stopwatch carries the time on. What is
left over: half a round trip, and the database's own error, which shows as a difference to every worker at once.

The same look names whoever keeps others waiting for an advisory lock: any login may take one, and no right keeps it from it.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import structlog

from sigill.runtime.clock import RefereedClock, stopwatch
from sigill.runtime.metrics import CLOCK_SKEW, Metrics
from sigill.runtime.settings import Settings
from sigill.store.queries import queries
from sigill.store.session import connection_options, passing, pooler_named

log = structlog.get_logger("sigill.clock")
_SQL = queries("referee")

LOOK_SECONDS = 5.0
"""Between two looks at the database's clock."""
SLOW_SECONDS = 1.0
"""An answer that took longer than this says too little about when it was."""
WAIT_SECONDS = 3.0
"""How long somebody has waited for a lock when its holder is named; a worker gives up after SIGILL_DATABASE_LOCK_TIMEOUT."""
TOLD_SECONDS = 5.0
"""A difference from which a line in the log tells of it."""


class ClockApart(Exception):
    """This machine's clock differs from the database's by more than the limit: somebody has to set one of them."""


class Referee:
    """Corrects a process's clock by the database's; `check` raises beyond the limit of the settings."""

    def __init__(self, settings: Settings, clock: RefereedClock, metrics: Metrics) -> None:
        self._settings, self._clock, self._metrics = settings, clock, metrics
        self._limit = timedelta(seconds=settings.clock_skew_limit)
        self._conn: asyncpg.Connection[asyncpg.Record] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._looked = False
        self._told = False
        self._warned_of: set[int] = set()
        self.apart = asyncio.Event()
        """Set while the clocks differ by more than the limit."""

    async def look(self) -> None:
        """Ask the database what time it is. Raises what the database raises."""
        async with self._one_at_a_time:
            await self._look()

    async def _look(self) -> None:
        if self._conn is None or self._conn.is_closed():
            with pooler_named():
                self._conn = await asyncpg.connect(**connection_options(self._settings, None))
        began = stopwatch()
        async with asyncio.timeout(10):
            with pooler_named():
                moment = await self._conn.fetchval("SELECT clock_timestamp()")
            took = stopwatch() - began
            holders = await self._conn.fetch(_SQL["lock_holders"], WAIT_SECONDS)
        self._warn_of(holders)
        if self._looked and took > SLOW_SECONDS:
            return
        self._looked = True
        self._clock.correct(moment, began + took / 2)
        self._tell(self._clock.machine_ahead())

    def check(self) -> None:
        """Raises ClockApart while the clocks differ by more than the limit."""
        if self.apart.is_set():
            raise ClockApart(f"this machine's clock is {self._clock.machine_ahead()} ahead of the database's")

    async def watch(self) -> None:
        """Look every few seconds, for ever; while the database does not answer the stopwatch carries on."""
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                try:
                    await self.look()
                except Exception as error:
                    if not passing(error):
                        raise
                    await self.close()
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of the connection; the next look makes another."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(Exception):
                await conn.close(timeout=2)

    def _warn_of(self, holders: Sequence[asyncpg.Record]) -> None:
        """Tell once of each session that others wait for. A login's name is no person's: each process has its own."""
        for holder in holders:
            if holder["pid"] not in self._warned_of:
                log.warning(
                    "a database session keeps others waiting",
                    login=holder["login"],
                    application=holder["application"],
                    pid=holder["pid"],
                    waiting=holder["waiting"],
                    seconds=round(holder["seconds"], 1),
                )
        self._warned_of = {holder["pid"] for holder in holders}

    def _tell(self, ahead: timedelta) -> None:
        seconds = ahead.total_seconds()
        self._metrics.set(CLOCK_SKEW, seconds, of="worker")
        if abs(ahead) > self._limit:
            self.apart.set()
        else:
            self.apart.clear()
        wrong = abs(seconds) > TOLD_SECONDS
        if wrong and not self._told:
            log.warning("clock differs from the database's", seconds=round(seconds, 1))
        self._told = wrong
