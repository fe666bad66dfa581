"""
The nine scenarios of the queue sweep: a steady rate of orders, a fault or pressure, and how soon the rate is back.

    python -m tests.faults.sweep [name …]

Under an even load the rate of answers *is* the rate of orders while all is well; it is back when in a window of
some seconds, within 30 s of the fault's end, at least 98 % of it are answered again. Nothing is helped along by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from sigill.bootstrap import load_rulebooks
from sigill.devtools.authority import DevAuthority
from sigill.runtime.clock import stopwatch
from tests.faults.chaos import FIRST, LAST, START, Chaos
from tests.faults.ground import ground
from tests.faults.outside import Outside

RATE = 30
"""Orders a second."""
WINDOW = 3.0
BACK_WITHIN = 30.0
GOAL = 0.98


@dataclass(frozen=True, slots=True)
class Recovery:
    """How one scenario went. `during` and `after` are shares of the rate sent, `seconds` until it was back."""

    name: str
    baseline: float
    during: float
    after: float
    seconds: float | None


@dataclass
class Load:
    """Orders at an even rate, several times the rate when asked, until it is stopped."""

    chaos: Chaos
    times: float = 1.0
    sent: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Publish ten times a second."""
        due = stopwatch()
        while not stop.is_set():
            due += 0.1
            await self.burst(round(RATE * self.times / 10))
            await asyncio.sleep(max(0.0, due - stopwatch()))

    async def burst(self, count: int) -> None:
        """Publish so many orders at once."""
        chaos = self.chaos
        households = [chaos.traffic.choice(chaos.outside.households) for _ in range(count)]
        messages = [chaos.outside.keep(h, chaos.outside.order(h, chaos.now)) for h in households]
        chaos.chapters[-1].orders |= {m.digest for m in messages}
        await chaos.ground.publish(messages, chaos.now)
        self.sent += count


async def _answered(chaos: Chaos) -> int:
    """How many orders have their answer on the topic."""
    while True:
        with contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
            conn = await chaos.ground.connect()
            try:
                return int(
                    await conn.fetchval(
                        "SELECT count(*) FROM outbox WHERE aggregatetype = 'access.receipts.v1' "
                        "AND published_at IS NOT NULL"
                    )
                )
            finally:
                await conn.close()
        await asyncio.sleep(0.1)


async def _rate(chaos: Chaos, seconds: float) -> float:
    before, began = await _answered(chaos), stopwatch()
    await asyncio.sleep(seconds)
    return (await _answered(chaos) - before) / (stopwatch() - began)


async def _sessions(chaos: Chaos, count: int, statement: str, seconds: float) -> None:
    """Hold sessions, each of which runs a statement in a transaction that stays open."""
    held: list[asyncpg.Connection[asyncpg.Record]] = []
    try:
        for _ in range(count):
            with contextlib.suppress(asyncpg.PostgresError, OSError):
                conn = await asyncpg.connect(
                    chaos.ground.dsn, server_settings={"search_path": chaos.ground.schema}
                )
                await conn.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ; {statement}")
                held.append(conn)
        await asyncio.sleep(seconds)
    finally:
        for conn in held:
            conn.terminate()


async def postgres_restart(chaos: Chaos, _: Load) -> None:
    """A fast shutdown and a start."""
    await asyncio.to_thread(chaos.ground.postgres.stop_fast)
    await asyncio.to_thread(chaos.ground.postgres.start)


async def pg_backend_kill(chaos: Chaos, _: Load) -> None:
    """Every session is ended, five times in a row."""
    for _round in range(5):
        await chaos.ground.end_sessions()
        await asyncio.sleep(0.5)


async def pool_exhaustion(chaos: Chaos, _: Load) -> None:
    """All connections that the server gives are taken, and the workers' own ended."""
    taking = asyncio.create_task(_sessions(chaos, 190, "SELECT 1", 6))
    await asyncio.sleep(1)
    await chaos.ground.end_sessions()
    await taking


async def crash_recovery(chaos: Chaos, _: Load) -> None:
    """SIGKILL, and recovery from the log."""
    await chaos.ground.kill_database(1)


async def repeated_kills(chaos: Chaos, _: Load) -> None:
    """SIGKILL, four times in twelve seconds."""
    for _round in range(4):
        await chaos.ground.kill_database(0.5)
        await asyncio.sleep(2)


async def idle_in_tx(chaos: Chaos, _: Load) -> None:
    """A transaction that stays open and holds the horizon."""
    await _sessions(chaos, 1, "SELECT count(*) FROM outbox", 10)


async def sustained_high_load(_: Chaos, load: Load) -> None:
    """Three times the load for eight seconds."""
    load.times = 3
    await asyncio.sleep(8)
    load.times = 1


async def active_readers(chaos: Chaos, _: Load) -> None:
    """Readers of everything, in long snapshots."""
    await _sessions(chaos, 20, "SELECT count(*) FROM outbox, generate_series(1, 20)", 8)


async def event_burst(_: Chaos, load: Load) -> None:
    """Five hundred orders at once."""
    await load.burst(500)


SCENARIOS: dict[str, Callable[[Chaos, Load], Awaitable[None]]] = {
    act.__name__: act
    for act in (
        postgres_restart,
        pg_backend_kill,
        pool_exhaustion,
        crash_recovery,
        repeated_kills,
        idle_in_tx,
        sustained_high_load,
        active_readers,
        event_burst,
    )
}


async def play(name: str, chaos: Chaos) -> Recovery:
    """One scenario under load; afterwards everything is drained."""
    load, stop = Load(chaos), asyncio.Event()
    loading = asyncio.create_task(load.run(stop))
    try:
        await asyncio.sleep(2)
        baseline = await _rate(chaos, 5)
        before, began = await _answered(chaos), stopwatch()
        await SCENARIOS[name](chaos, load)
        during = (await _answered(chaos) - before) / max(0.1, stopwatch() - began)
        over, back, rate = stopwatch(), None, 0.0
        while back is None and stopwatch() - over < BACK_WITHIN:
            rate = await _rate(chaos, WINDOW)
            if rate >= GOAL * min(baseline, RATE):
                back = stopwatch() - over - WINDOW
    finally:
        stop.set()
        await loading
    await chaos.drained(120)
    even = min(baseline, RATE)
    return Recovery(name, baseline, during / even, rate / even, back)


async def main_async(names: list[str]) -> int:
    """Play scenarios on one ground, check it at the end, and print the table."""
    books = load_rulebooks()
    authority = DevAuthority.create(FIRST, not_before=FIRST, not_after=LAST)
    outside = Outside(books, authority, random.Random(9), START)
    outside.people(30)
    results: list[Recovery] = []
    async with ground(authority, FIRST + timedelta(days=1), START, choice=random.Random(9)) as here:
        chaos = Chaos(9, [], outside, here, books)
        try:
            await here.open()
            await chaos.begin()
            for name in names:
                results.append(await play(name, chaos))
                print(_line(results[-1]), flush=True)
            verdict = await chaos.check()
        finally:
            await here.close()
    for fault in verdict.faults:
        print(f"FAULT {fault}")
    return 1 if verdict.faults or any(r.seconds is None for r in results) else 0


def _line(r: Recovery) -> str:
    back = "not back" if r.seconds is None else f"back within {r.seconds + WINDOW:4.1f} s"
    return f"{r.name:<20} {r.baseline:5.1f}/s  during {r.during:5.0%}  after {r.after:5.0%}  {back}"


def main() -> int:
    """Read the arguments and play."""
    parser = argparse.ArgumentParser(prog="tests.faults.sweep", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(SCENARIOS), help=", ".join(SCENARIOS))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return asyncio.run(main_async(parser.parse_args().names))


if __name__ == "__main__":
    sys.exit(main())
