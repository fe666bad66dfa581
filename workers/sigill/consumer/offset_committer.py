"""Commits offsets in the background, so that no batch waits for the broker."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

import structlog

from sigill.stream.records import Partition

log = structlog.get_logger("sigill.consuming")
LAST_SECONDS = 5.0


class OffsetCommitter:
    """
    Tells offsets while the next batch is taken: one call at a time, always of the newest ones.

    Use as a context manager; its end waits a few seconds for what is still to be told. Left over: offsets that nobody
    was told of when the process died. The store has them, and it alone decides where reading goes on.
    """

    def __init__(self, tell: Callable[[Mapping[Partition, int]], Awaitable[None]]) -> None:
        self._tell = tell
        self._untold: dict[Partition, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def note(self, offsets: Mapping[Partition, int]) -> None:
        """Have the next offset of each partition told. Raises what an earlier telling raised."""
        self._untold |= offsets
        if self._task is None or self._task.done():
            if self._task is not None:
                await self._task
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._untold:
            offsets, self._untold = self._untold, {}
            await self._tell(offsets)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is None:
            return
        if error is None:
            # a broker that is away is asked again and again, without an end
            await asyncio.wait({self._task}, timeout=LAST_SECONDS)
        self._task.cancel()
        [ended] = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(ended, Exception):
            log.warning("offsets not told", error=type(ended).__name__)
