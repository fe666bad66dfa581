"""
What an order costs, in paces, beside what nobody can do without: one table of ratios, all measured turn about in one run.

    python -m tests.benchmarks.pace [--orders N] [--rounds R] [--results FILE]

A pace is the processor time of one bare verification (ECDSA, P-256), measured again in each round. In each round Sigill (one
intake, one relay), the equal-work floor, the bare floor and the plain handler take as many orders of the same kinds; what
counts comes after the first tenth. Processor time is that of their own processes, and of PostgreSQL beside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from sigill.store.session import connection_options
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import ORDERS, TOPICS
from tests.benchmarks import equal_work
from tests.benchmarks.crowd import Crowd, Message
from tests.benchmarks.equal_work import COPIES, postgres_seconds
from tests.benchmarks.figures import machine, pace
from tests.benchmarks.ground import CLOCK, Ground, Process, Receipts, ground, load
from tests.benchmarks.intake import PLAIN_SHARE, _make_topic, _must_be_in_order, backlog
from tests.benchmarks.page import keep, ratios, read

SIGILL, EQUAL, BARE, PLAIN = "Sigill", "equal work", "bare floor", "plain handler"


@dataclass
class Cost:
    """How many orders, and seconds: of the wall, of the processor in its own processes, and in PostgreSQL's."""

    orders: int
    seconds: float
    own: float
    postgres: float

    def table_row(self, verification: float) -> dict[str, float]:
        """Orders a second, and paces an order; `verification` is the pace in microseconds."""
        each = 1e6 / self.orders / verification
        return {
            "rate": self.orders / max(0.001, self.seconds),
            "own": self.own * each,
            "postgres": self.postgres * each,
        }


async def _from_receipts(
    base: Ground, orders: Sequence[Message], start: Callable[[], Sequence[Process]]
) -> Cost:
    """Let processes that answer on the receipts' topic take orders that lie there already, or come now."""
    assert base.postgres_pid is not None
    async with Receipts(base) as receipts:
        processes = start()

        def spent() -> tuple[float, float, float]:
            assert base.postgres_pid is not None
            own = sum(process.cpu() for process in processes)
            return time.monotonic(), own, postgres_seconds(base.postgres_pid)

        await receipts.until(one.event for one in orders[: len(orders) // 10])
        first, answered = spent(), len(receipts.answered)
        await receipts.until(one.event for one in orders)
        last = spent()
        for process in processes:
            process.stop()
        _must_be_in_order(orders, receipts)
    wall, own, postgres = (after - before for before, after in zip(first, last, strict=True))
    return Cost(len(orders) - answered, wall, own, postgres)


async def _said(base: Ground, *command: str) -> dict[str, float]:
    process = base.run([sys.executable, "-m", *command])
    said: dict[str, float] = json.loads((await asyncio.to_thread(process.wait)).strip().splitlines()[-1])
    return said


async def record(base: Ground, crowd: Crowd, patients: int) -> int:
    """Have the intake take a backlog without a relay, and keep what it wrote; returns how many rows."""
    orders = await backlog(base, crowd, patients)
    conn = await asyncpg.connect(**connection_options(base.settings, None))
    try:
        since = await equal_work.snapshot(conn)
        await base.publish(ORDERS, orders)
        intake = base.start("intake")
        await base.taken(ORDERS)
        intake.stop()
        rows = await equal_work.keep(conn, since, base.folder)
    finally:
        await conn.close()
    prefix = f"{base.settings.kafka_topic_prefix}{COPIES}."
    await apply_topics(base.connection, TOPICS, prefix=prefix)
    async with Receipts(base) as receipts:
        relay = base.start("relay")
        await receipts.until(one.event for one in orders)
        relay.stop()
    return rows


async def one_round(base: Ground, crowd: Crowd, patients: int, number: int) -> dict[str, Cost]:
    """Each takes its turn; who begins changes from round to round."""
    orders = await backlog(base, crowd, patients)
    others = await backlog(base, crowd, max(80, patients // PLAIN_SHARE))
    await base.publish(ORDERS, orders)
    topic = base.topic(ORDERS)
    own_topic = f"{base.settings.kafka_topic_prefix}plain"
    await _make_topic(base, own_topic)

    async def sigill() -> Cost:
        return await _from_receipts(base, orders, lambda: [base.start("intake"), base.start("relay")])

    async def equal() -> Cost:
        pid = str(base.postgres_pid)
        said = await _said(base, "tests.benchmarks.equal_work", topic, "equal-work", str(base.folder), pid)
        return Cost(int(said["orders"]), said["seconds"], said["own"], said["postgres"])

    async def bare() -> Cost:
        said = await _said(base, "tests.benchmarks.floor", topic, "bare", str(len(orders)))
        return Cost(int(said["orders"]), said["seconds"], said["own"], 0.0)

    async def plain() -> Cost:
        await base.publish(ORDERS, others, topic=own_topic)
        command = [sys.executable, "-m", "tests.benchmarks.plain", own_topic, "plain"]
        return await _from_receipts(base, others, lambda: [base.run(command)])

    turns: list[tuple[str, Callable[[], Coroutine[Any, Any, Cost]]]] = [
        (SIGILL, sigill),
        (EQUAL, equal),
        (BARE, bare),
        (PLAIN, plain),
    ]
    first = number % len(turns)
    return {name: await turn() for name, turn in (*turns[first:], *turns[:first])}


async def measure(orders: int, rounds: int) -> dict[str, Any]:
    """The median of the rounds, as values for the page."""
    patients = int(orders / 1.25)
    found: list[dict[str, dict[str, float]]] = []
    paces: list[float] = []
    began = load()
    async with ground() as base:
        crowd = base.crowd()
        rows = await record(base, crowd, patients)
        for number in range(rounds):
            before = pace()
            costs = await one_round(base, crowd, patients, number)
            paces.append((before + pace()) / 2)
            found.append({name: cost.table_row(paces[-1]) for name, cost in costs.items()})
            print(json.dumps({"pace": paces[-1], "load": load(), **found[-1]}), flush=True)
    medians = {
        name: {what: statistics.median(one[name][what] for one in found) for what in found[0][name]}
        for name in (SIGILL, EQUAL, BARE, PLAIN)
    }
    return {
        "orders": orders,
        "rounds": rounds,
        "rows_an_order": rows / orders,
        "medians": medians,
        "ratios": {
            name: {
                "rate": statistics.median(one[SIGILL]["rate"] / one[name]["rate"] for one in found),
                "own": statistics.median(one[SIGILL]["own"] / one[name]["own"] for one in found),
            }
            for name in medians
        },
        "load": began,
        "pace": statistics.median(paces),
        "machine": machine(),
        "when": f"{CLOCK.now():%Y-%m-%d %H:%M} UTC",
    }


def main() -> None:
    """Measure, print, and keep for the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--results", type=Path, help="keep the figures in this file, as docs/performance.json does"
    )
    chosen = parser.parse_args()
    if chosen.orders < 1500:
        parser.error(
            "fewer than 1500 orders are too few batches: nothing is left to count after the first tenth"
        )
    got = asyncio.run(measure(chosen.orders, chosen.rounds))
    print(ratios(got))
    if chosen.results:
        keep({**read(chosen.results), "pace": got}, chosen.results)


if __name__ == "__main__":
    main()
