"""Start, stop and waiting out trouble."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from sigill.runtime.health import DATABASE, Health
from sigill.runtime.lifecycle import Backoff, run_workers, supervise


class Away(Exception):
    """The database is away."""


TROUBLES = {DATABASE: (Away,)}


class Job:
    def __init__(self, name: str, run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        self.name, self._run = name, run

    async def run(self, stop: asyncio.Event) -> None:
        await self._run(stop)


async def test_a_sigterm_lets_the_batch_in_hand_finish() -> None:
    done: list[str] = []

    async def work(stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.sleep(0.3)
            done.append("committed")

    asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(
        run_workers([Job("a", work), Job("b", work)], health=Health(), troubles=TROUBLES), 5
    )
    assert done == ["committed", "committed"]


async def test_what_does_not_stop_in_time_is_cancelled() -> None:
    ended: list[str] = []

    async def stuck(_: asyncio.Event) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("rolled back")

    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, stop.set)
    running = run_workers([Job("a", stuck)], health=Health(), troubles=TROUBLES, stop=stop, stop_timeout=0.2)
    await asyncio.wait_for(running, 5)
    assert ended == ["rolled back"]


async def test_a_failed_worker_stops_the_others_and_the_process() -> None:
    stopped: list[str] = []

    async def fails(_: asyncio.Event) -> None:
        raise LookupError("a fault of ours")

    async def works(stop: asyncio.Event) -> None:
        await stop.wait()
        stopped.append("in an orderly way")

    with pytest.raises(LookupError, match="a fault of ours"):
        await asyncio.wait_for(
            run_workers([Job("a", works), Job("b", fails)], health=Health(), troubles=TROUBLES), 5
        )
    assert stopped == ["in an orderly way"]


async def test_trouble_is_waited_out_and_told_once() -> None:
    health = Health()
    told: list[bool] = []
    tries = 0

    async def work(_: asyncio.Event) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Away
        health.up(DATABASE)

    down = health.down
    health.down = lambda name, why: told.append(down(name, why)) or told[-1]  # type: ignore[method-assign,func-returns-value]
    await asyncio.wait_for(supervise(Job("a", work), asyncio.Event(), health, TROUBLES, longest_wait=0.05), 5)
    assert tries == 4
    assert told == [True, False, False]
    assert health.ready() == (True, ["[+]database ok"])


async def test_a_library_that_is_cancelled_inside_does_not_end_the_worker() -> None:
    """A task that somebody else cancelled, waited for: it looks like being cancelled oneself, and is trouble."""
    turns: list[str] = []

    async def work(_: asyncio.Event) -> None:
        turns.append("turn")
        if len(turns) == 1:
            theirs = asyncio.create_task(asyncio.sleep(60))
            theirs.cancel()
            await theirs

    await asyncio.wait_for(run_workers([Job("a", work)], health=Health(), troubles=TROUBLES), 5)
    assert turns == ["turn", "turn"]


async def test_a_worker_that_waits_stays_live_and_stops_at_once() -> None:
    health = Health(silence=2.5)

    async def work(_: asyncio.Event) -> None:
        raise Away

    stop = asyncio.Event()
    waiting = asyncio.create_task(supervise(Job("a", work), stop, health, TROUBLES, longest_wait=60))
    await asyncio.sleep(1.5)
    assert not health.stuck()
    stop.set()
    await asyncio.wait_for(waiting, 1)


def test_waits_grow_with_jitter_to_the_longest() -> None:
    backoff = Backoff(longest=3.0, first=0.2)
    ceilings = [0.2, 0.4, 0.8, 1.6, 3.0, 3.0]
    for ceiling in ceilings:
        assert ceiling / 10 <= backoff.next() <= ceiling
    backoff.reset()
    assert backoff.next() <= 0.2
