"""
The intake: orders a second from the topic to their receipts on the topic, beside the floor and a plain handler.

    python -m tests.benchmarks.intake [--orders N] [--runs R] [--processes 1,2,4] [--rates 100,1000]
    python -m tests.benchmarks.intake --latency [--rates 100] [--seconds S]

About N signed orders are published as fast as it goes to processes that are warm, and counted as `turns` says. In each run the
floor and the plain handler take theirs right before and after on the same machine, and ratios are those of the same run.
Latencies come from an open loop: orders leave on a fixed beat, and count from the beat to the broker's stamp on the receipt.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sigill_contracts.topics import ORDERS, RECEIPTS
from tests.benchmarks.crowd import Crowd, Message
from tests.benchmarks.figures import numbers, quantile
from tests.benchmarks.ground import CLOCK, Ground, Receipts, ground, load
from tests.benchmarks.turns import (
    Turn,
    backlog,
    bare_floor,
    own_topic,
    plain_handler,
    sigill,
    some_orders,
)

PLAIN_SHARE = 10
"""The plain handler gets a tenth of the orders: it would take ten times as long."""


@dataclass
class Run:
    """One round: orders a second of each, and what the intake's processes used."""

    load: float
    intake: float
    floor: float = 0.0
    plain: float = 0.0
    rss: dict[str, int] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    each: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, turn: Turn, before: float) -> Run:
        """Sigill's turn, begun with a load; `cpu` in cores, `each` in microseconds of processor time an order."""
        cpu = {kind: used / turn.seconds for kind, used in turn.used.items()}
        return cls(before, turn.rate, rss=turn.rss, cpu=cpu, outcomes=turn.outcomes, each=turn.each())


async def side_by_side(base: Ground, crowd: Crowd, count: int, runs: int) -> list[Run]:
    """Floor, intake and plain handler in turn, several times. The first round warms up and does not count."""
    found = []
    for number in range(runs + 1):
        before = load()
        orders = await some_orders(base, crowd, count if number else max(100, count // 8))
        under = await bare_floor(base, orders, number)
        run = Run.of(await sigill(base, orders), before)
        others = await some_orders(base, crowd, max(80, count // PLAIN_SHARE))
        run.floor, run.plain = under.rate, (await plain_handler(base, others, number)).rate
        if number:
            found.append(run)
            print(
                f"run {number}: intake {run.intake:.0f}/s, floor {run.floor:.0f}/s, plain {run.plain:.0f}/s; "
                f"load {run.load:.1f}; {run.outcomes}; {_megabytes(run.rss)}; cores {_cores(run)}",
                flush=True,
            )
    return found


def _megabytes(rss: dict[str, int]) -> str:
    return ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in rss.items())


def _cores(run: Run) -> str:
    return ", ".join(f"{name} {used:.2f}" for name, used in sorted(run.cpu.items(), key=lambda p: -p[1])[:6])


async def scale_out(base: Ground, crowd: Crowd, count: int, intakes: Sequence[int]) -> dict[int, Run]:
    """The same with several intake processes and one relay."""
    found = {}
    for several in intakes:
        before = load()
        orders = await some_orders(base, crowd, count)
        found[several] = run = Run.of(await sigill(base, orders, several), before)
        print(
            f"{several} intakes: {run.intake:.0f}/s; {run.each['all']:.0f} µs of processor an order; "
            f"load {run.load:.1f}; cores {_cores(run)}",
            flush=True,
        )
    return found


async def latency(
    base: Ground, crowd: Crowd, rates: Sequence[int], seconds: float
) -> dict[int, dict[str, float]]:
    """Milliseconds from publishing to the receipt at fixed rates, by quantile, and those of the bare loop right after."""
    found = {}
    for per_second in rates:
        before = load()
        orders = await backlog(base, crowd, max(40, int(per_second * seconds / 1.25)))
        own = await _late(base, orders, per_second, None)
        under = await _late(base, orders, per_second, await own_topic(base, f"loop.{per_second}"))
        found[per_second] = {
            **own,
            **{f"bare {name}": took for name, took in under.items()},
            "orders": float(len(orders) - _warm(orders)),
            "load": before,
        }
        print(f"{per_second}/s: { ({k: round(v, 1) for k, v in found[per_second].items()}) }", flush=True)
    return found


def _warm(orders: Sequence[Message]) -> int:
    return max(10, len(orders) // 20)


async def _late(
    base: Ground, orders: Sequence[Message], per_second: int, topic: str | None
) -> dict[str, float]:
    """Sigill's quantiles; with a topic of its own, those of the bare loop."""
    async with Receipts(base) as receipts:
        if topic is None:
            processes = [base.start("intake"), base.start("relay")]
        else:
            command = ["-m", "tests.benchmarks.bare_loop", topic, topic, base.topic(RECEIPTS)]
            processes = [base.run([sys.executable, *command])]
        warm = _warm(orders)
        await base.publish(ORDERS, orders[:warm], topic=topic)
        await receipts.until(order.event for order in orders[:warm])
        sent = await on_the_beat(base, orders[warm:], per_second, topic=topic)
        await receipts.until(sent)
        for process in processes:
            process.stop()
        took = sorted(1000 * (receipts.answered[order] - at) for order, at in sent.items())
    return {name: quantile(took, q) for name, q in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))}


async def on_the_beat(
    base: Ground,
    orders: Sequence[Message],
    per_second: int,
    over: asyncio.Event | None = None,
    topic: str | None = None,
) -> dict[str, float]:
    """Publish on a fixed beat, until it is over; returns when each order sent was due (seconds, the clock's)."""
    began, clock = time.monotonic(), CLOCK.now().timestamp()
    due = {}
    for place, one in enumerate(orders):
        if over is not None and over.is_set():
            break
        beat = place / per_second
        if (ahead := began + beat - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        due[one.event] = clock + beat
        await base.publish_one(ORDERS, one, topic)
    return due


async def only_latency(rates: Sequence[int], seconds: float) -> dict[str, Any]:
    """The latency alone, at every rate that is asked for."""
    async with ground() as base:
        return {"latency": await latency(base, base.crowd(), rates, seconds)}


async def measure(
    orders: int, runs: int, intakes: Sequence[int], rates: Sequence[int], seconds: float
) -> dict[str, Any]:
    """Everything about the intake, as values for the page."""
    async with ground() as base:
        crowd = base.crowd()
        rounds = await side_by_side(base, crowd, orders, runs)
        median = statistics.median(run.intake for run in rounds)
        scaled = await scale_out(base, crowd, orders, intakes)
        highest = int(0.7 * median)
        late = await latency(base, crowd, [*(r for r in rates if r <= highest), highest], seconds)
    return {
        "orders": orders,
        "load": rounds[0].load,
        "rounds": [vars(run) for run in rounds],
        "intake": median,
        "floor": statistics.median(run.floor for run in rounds),
        "plain": statistics.median(run.plain for run in rounds),
        "of_floor": statistics.median(run.intake / run.floor for run in rounds),
        "times_plain": statistics.median(run.intake / run.plain for run in rounds),
        "scale": {count: vars(run) for count, run in scaled.items()},
        "latency": late,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=6000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--processes", type=numbers, default=[1, 2, 4])
    parser.add_argument("--rates", type=numbers, default=[100, 1000])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--latency", action="store_true", help="measure only the latency at these rates")
    chosen = parser.parse_args()
    if chosen.latency:
        work = only_latency(chosen.rates, chosen.seconds)
    else:
        work = measure(chosen.orders, chosen.runs, chosen.processes, chosen.rates, chosen.seconds)
    got = asyncio.run(work)
    print(json.dumps(got, indent=1))
