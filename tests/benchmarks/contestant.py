"""What the programs that stand against Sigill have in common: how each runs, reads, and says how far it has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer

from sigill.runtime.lifecycle import spare_the_collector
from sigill.runtime.settings import Settings
from sigill.stream.connection import Connection


def contest(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run until the process is ended, with the workers' event loop and their way with the garbage collector."""
    spare_the_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def consumer_of(settings: Settings, topic: str, group: str, **more: Any) -> AIOKafkaConsumer:
    """Reads a topic from its beginning; offsets are committed by whoever reads. Not started yet."""
    return AIOKafkaConsumer(
        topic,
        **Connection.of(settings).options(),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **more,
    )


class Progress:
    """Says how far a contestant has come that answers nobody, in lines that `turns` waits for."""

    def __init__(self, warm: int) -> None:
        self._warm, self._is_warm = warm, False
        self.taken = 0

    def took(self, orders: int) -> None:
        """So many more are done; said once, when the first `warm` are."""
        self.taken += orders
        if not self._is_warm and self.taken >= self._warm:
            print(f"warm {self.taken}", flush=True)
            self._is_warm = True

    async def done(self) -> None:
        """The last one was done now (UTC, seconds). Waits to be ended: what a connection used is gone with it."""
        print(f"done {time.time()}", flush=True)
        await asyncio.Event().wait()
