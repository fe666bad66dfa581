"""
Start, stop, and wait out trouble: several workers in one process.

A SIGTERM (or SIGINT) sets the stop event; each worker finishes the batch in hand, commits it and returns. What
has not returned after `stop_timeout` seconds is cancelled: its transaction rolls back and its offsets stay
where they were, so nothing is lost. When the database or the broker is down, the worker is started again
with growing, jittered waits, and the log says so once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from sigill.runtime.clock import stopwatch
from sigill.runtime.health import Health, beat

log = structlog.get_logger("sigill.lifecycle")

#: What is down → the exceptions that say so.
Troubles = Mapping[str, tuple[type[BaseException], ...]]


def spare_the_collector() -> None:
    """
    Have the garbage collector look seldom, and never at what was loaded at the start.

    A batch makes some hundred thousand values that go by their counts alone; looking through them for circles took
    a quarter of the time. What does hold circles, exceptions mostly, waits a while longer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


SHARE_SECONDS = 0.05
"""How long work may keep the loop to itself."""


class CooperativeYield:
    """Lets the event loop turn during work that calculates for long: the broker gets heartbeats, and health is answered."""

    def __init__(self) -> None:
        self._since = stopwatch()

    async def if_due(self) -> None:
        """Let the loop turn once, if the work has had its time."""
        if stopwatch() - self._since >= SHARE_SECONDS:
            await asyncio.sleep(0)
            self._since = stopwatch()


class Worker(Protocol):
    """Something that works until it is told to stop."""

    @property
    def name(self) -> str:
        """A short word for logs and metrics."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """
        Work until `stop` is set; then finish what is in hand and return.

        Raising one of the `Troubles` means: the same again later. Any other exception ends the process.
        """
        ...


class Backoff:
    """Growing waits with full jitter, in seconds: at most 0.2, 0.4, 0.8 … up to `longest`."""

    def __init__(self, longest: float = 10.0, first: float = 0.2) -> None:
        self._first, self._longest, self._tries = first, longest, 0

    def next(self) -> float:
        """Return the next wait; never under a tenth of its ceiling, so that nothing spins."""
        ceiling = min(self._longest, self._first * 2**self._tries)
        self._tries = min(self._tries + 1, 32)
        return random.uniform(ceiling / 10, ceiling)  # noqa: S311 (spreads load, keeps no secret)

    def reset(self) -> None:
        """Begin with short waits again."""
        self._tries = 0


async def run_workers(
    workers: Sequence[Worker],
    *,
    health: Health,
    troubles: Troubles,
    stop: asyncio.Event | None = None,
    stop_timeout: float = 25.0,
    longest_wait: float = 10.0,
) -> None:
    """
    Run workers until they are told to stop, or one of them fails; then stop them all.

    Raises what the failed worker raised (an `ExceptionGroup` never). Signals are caught only here.
    """
    stopping = stop or asyncio.Event()
    with stopped_by_signals(stopping):
        heart = asyncio.create_task(beat(health), name="beat")
        running = {
            asyncio.create_task(supervise(worker, stopping, health, troubles, longest_wait), name=worker.name)
            for worker in workers
        }
        told = asyncio.create_task(stopping.wait(), name="stop")
        try:
            # a worker that returns by itself (its work is done) does not end the others
            while not told.done() and not all(task.done() for task in running):
                alive = {task for task in running if not task.done()}
                await asyncio.wait({told, *alive}, return_when=asyncio.FIRST_COMPLETED)
                if any(task.done() and task.exception() for task in running):
                    break
            stopping.set()
            await _drain(running, stop_timeout)
        finally:
            for task in (heart, told, *running):
                task.cancel()
            await asyncio.gather(heart, told, *running, return_exceptions=True)
    for task in running:
        if not task.cancelled() and (error := task.exception()):
            raise error


async def supervise(
    worker: Worker, stop: asyncio.Event, health: Health, troubles: Troubles, longest_wait: float = 10.0
) -> None:
    """Run one worker, and again after trouble that may pass, until it returns or fails otherwise."""
    backoff = Backoff(longest_wait)
    passing = tuple(kind for kinds in troubles.values() for kind in kinds)
    while not stop.is_set():
        began = stopwatch()
        health.tick(worker.name)
        try:
            await worker.run(stop)
            break
        except passing as error:
            if stopwatch() - began > 2 * longest_wait:
                backoff.reset()
            down = next(name for name, kinds in troubles.items() if isinstance(error, kinds))
            health.down(down, type(error).__name__)
            await _wait(stop, backoff.next(), worker.name, health)
        except asyncio.CancelledError:
            if (own := asyncio.current_task()) is None or own.cancelling():
                raise
            # nobody cancelled us: it is of a task that a library had cancelled, and waited for
            log.warning("cancelled from inside", worker=worker.name)
            await _wait(stop, backoff.next(), worker.name, health)
    health.ended(worker.name)


async def _wait(stop: asyncio.Event, seconds: float, loop: str, health: Health) -> None:
    """Wait for `seconds` or until told to stop; waiting is a sign of life."""
    until = stopwatch() + seconds
    while not stop.is_set() and (left := until - stopwatch()) > 0:
        health.tick(loop)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(left, 1.0))


async def _drain(running: set[asyncio.Task[None]], seconds: float) -> None:
    if not running:
        return
    log.info("stopping", workers=sorted(task.get_name() for task in running if not task.done()))
    _, late = await asyncio.wait(running, timeout=seconds)
    for task in late:
        log.warning("cancelled", worker=task.get_name(), after_seconds=seconds)


@contextlib.contextmanager
def stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` on SIGTERM and SIGINT, while within."""
    loop = asyncio.get_running_loop()
    caught = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # not possible outside the main thread, where tests run workers
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
