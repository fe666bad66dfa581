"""
The intake: orders a second from the topic to their receipts on the topic, beside the floor and a plain handler.

    python -m tests.benchmarks.intake [--orders N] [--runs R] [--processes 1,2,4] [--rates 100,1000]

A backlog of N signed orders lies on the topic; the processes start; rates count from the tenth that is answered first to
the last, by the broker's own stamps on the receipts. In each run the floor and the plain handler take theirs right
before and after on the same machine, and ratios are those of the same run. Latencies come from an open loop: orders
leave on a fixed beat, and count from the beat to the broker's stamp on the receipt.
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

from sigill.stream.topics import apply_topics
from sigill_contracts.topics import ORDERS, TopicSpec
from tests.benchmarks.crowd import Crowd, Message
from tests.benchmarks.figures import numbers, quantile
from tests.benchmarks.ground import CLOCK, Ground, Process, Receipts, cores, ground, load, processor

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


def rate(stamps: Sequence[float]) -> float:
    """Orders a second, leaving out the first tenth."""
    ordered = sorted(stamps)
    first = len(ordered) // 10
    return (len(ordered) - first) / max(0.001, ordered[-1] - ordered[first])


async def backlog(base: Ground, crowd: Crowd, patients: int) -> list[Message]:
    """People whom the register has told of, and their orders, signed and not sent yet."""
    people, wanted = crowd.people(patients)
    await base.know(people, crowd.staff())
    return crowd.orders(wanted)


async def take_backlog(base: Ground, orders: Sequence[Message], intakes: int) -> Run:
    """Let processes take what lies on the topic."""
    before = load()
    async with Receipts(base) as receipts:
        processes = {f"intake {n + 1}": base.start("intake") for n in range(intakes)}
        processes["relay"] = base.start("relay")
        watch = asyncio.create_task(_watch(processes))
        # from here on rates count too: what a start costs is another question
        await receipts.until(one.event for one in orders[: len(orders) // 10])
        spent = processor()
        await receipts.until(one.event for one in orders)
        watch.cancel()
        used = cores(spent, processor())
        rss = {name: process.peak for name, process in processes.items()}
        for process in processes.values():
            process.stop()
        _must_be_in_order(orders, receipts)
        stamps = [receipts.answered[one.event] for one in orders]
        return Run(before, rate(stamps), rss=rss, cpu=used, outcomes=dict(receipts.outcomes))


async def _watch(processes: dict[str, Process]) -> None:
    while True:
        for process in processes.values():
            process.rss()
        await asyncio.sleep(0.2)


def _must_be_in_order(orders: Sequence[Message], receipts: Receipts) -> None:
    """Each patient's answers come in the order of its orders, whichever processes took them."""
    sent: dict[bytes, list[str]] = {}
    for one in orders:
        sent.setdefault(one.key.encode(), []).append(one.event)
    for key, wanted in sent.items():
        mine = set(wanted)
        if [order for order in receipts.by_key[key] if order in mine] != wanted:
            raise SystemExit("a patient's receipts came in another order than its orders")


async def floor(base: Ground, orders: Sequence[Message], group: str) -> float:
    """The floor's orders a second over the same messages."""
    command = [sys.executable, "-m", "tests.benchmarks.floor", base.topic(ORDERS), group, str(len(orders))]
    process = base.run(command)
    said = json.loads((await asyncio.to_thread(process.wait)).strip().splitlines()[-1])
    return float(said["orders"] / max(0.001, said["seconds"]))


async def plain(base: Ground, orders: Sequence[Message], topic: str) -> float:
    """The plain handler's orders a second."""
    await base.publish(ORDERS, orders, topic=topic)
    async with Receipts(base) as receipts:
        process = base.run([sys.executable, "-m", "tests.benchmarks.plain", topic, f"plain-{topic}"])
        await receipts.until(one.event for one in orders)
        process.stop()
        return rate([receipts.answered[one.event] for one in orders])


async def side_by_side(base: Ground, crowd: Crowd, patients: int, runs: int) -> list[Run]:
    """Floor, intake and plain handler in turn, several times. The first round warms up and does not count."""
    topic = f"{base.settings.kafka_topic_prefix}plain"
    await _make_topic(base, topic)
    found = []
    for number in range(runs + 1):
        orders = await backlog(base, crowd, patients if number else max(100, patients // 8))
        await base.publish(ORDERS, orders)
        under = await floor(base, orders, "floor")
        run = await take_backlog(base, orders, 1)
        run.floor = under
        others = await backlog(base, crowd, max(80, patients // PLAIN_SHARE))
        run.plain = await plain(base, others, topic)
        if number:
            found.append(run)
            print(
                f"run {number}: intake {run.intake:.0f}/s, floor {run.floor:.0f}/s, plain {run.plain:.0f}/s; "
                f"load {run.load:.1f}; {run.outcomes}; {_megabytes(run.rss)}; cores {_cores(run)}",
                flush=True,
            )
    return found


async def _make_topic(base: Ground, topic: str) -> None:
    """The plain handler's own topic, made like the orders'."""

    @dataclass(frozen=True)
    class _Spec:
        name: str
        partitions: int
        config: dict[str, str]

    await apply_topics(base.connection, [_Spec(topic, ORDERS.partitions, ORDERS.config)])


def _megabytes(rss: dict[str, int]) -> str:
    return ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in rss.items())


def _cores(run: Run) -> str:
    return ", ".join(f"{name} {used:.2f}" for name, used in sorted(run.cpu.items(), key=lambda p: -p[1])[:6])


async def scale_out(base: Ground, crowd: Crowd, patients: int, intakes: Sequence[int]) -> dict[int, Run]:
    """The same with several intake processes and one relay."""
    found = {}
    for count in intakes:
        orders = await backlog(base, crowd, patients)
        await base.publish(ORDERS, orders)
        found[count] = run = await take_backlog(base, orders, count)
        print(f"{count} intakes: {run.intake:.0f}/s; load {run.load:.1f}; cores {_cores(run)}", flush=True)
    return found


async def latency(
    base: Ground, crowd: Crowd, rates: Sequence[int], seconds: float
) -> dict[int, dict[str, float]]:
    """Milliseconds from publishing to the receipt at fixed rates, by quantile."""
    found = {}
    for per_second in rates:
        orders = await backlog(base, crowd, max(40, int(per_second * seconds / 1.25)))
        before = load()
        async with Receipts(base) as receipts:
            processes = [base.start("intake"), base.start("relay")]
            warm = orders[: max(10, len(orders) // 20)]
            await base.publish(ORDERS, warm)
            await receipts.until(one.event for one in warm)
            sent = await on_the_beat(base, orders[len(warm) :], per_second)
            await receipts.until(sent)
            for process in processes:
                process.stop()
            took = sorted(1000 * (receipts.answered[order] - at) for order, at in sent.items())
        found[per_second] = {
            name: quantile(took, q) for name, q in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
        }
        found[per_second] |= {"orders": float(len(took)), "load": before}
        print(f"{per_second}/s: { ({k: round(v, 1) for k, v in found[per_second].items()}) }", flush=True)
    return found


async def on_the_beat(
    base: Ground, orders: Sequence[Message], per_second: int, over: asyncio.Event | None = None
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
        await base.publish_one(ORDERS, one)
    return due


async def measure(
    orders: int, runs: int, intakes: Sequence[int], rates: Sequence[int], seconds: float
) -> dict[str, Any]:
    """Everything about the intake, as values for the page."""
    async with ground() as base:
        crowd = base.crowd()
        patients = int(orders / 1.25)
        rounds = await side_by_side(base, crowd, patients, runs)
        median = statistics.median(run.intake for run in rounds)
        scaled = await scale_out(base, crowd, patients, intakes)
        highest = int(0.7 * median)
        late = await latency(base, crowd, [*(r for r in rates if r <= highest), highest], seconds)
    return {
        "orders": orders,
        "rounds": [vars(run) for run in rounds],
        "intake": median,
        "floor": statistics.median(run.floor for run in rounds),
        "plain": statistics.median(run.plain for run in rounds),
        "of_floor": statistics.median(run.intake / run.floor for run in rounds),
        "times_plain": statistics.median(run.intake / run.plain for run in rounds),
        "scale": {count: vars(run) for count, run in scaled.items()},
        "latency": late,
    }


__all__ = ["Run", "TopicSpec", "measure"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=6000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--processes", type=numbers, default=[1, 2, 4])
    parser.add_argument("--rates", type=numbers, default=[100, 1000])
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args()
    got = asyncio.run(measure(chosen.orders, chosen.runs, chosen.processes, chosen.rates, chosen.seconds))
    print(json.dumps(got, indent=1))
