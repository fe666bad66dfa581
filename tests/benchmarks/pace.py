"""
What an order costs, in paces, beside what nobody can do without: one table of ratios, all measured turn about in one run.

    python -m tests.benchmarks.pace [--orders N] [--rounds R] [--before CHECKOUT] [--results FILE]
    python -m tests.benchmarks.pace --quick                          some minutes: 1500 orders, one round

A pace is the processor time of one bare verification (ECDSA, P-256), measured again in each round. In each round Sigill (one
intake, one relay), the equal-work floor, the bare floor and the plain handler take as many orders of the same kinds, one
after the other; `turns` says what counts. With --before, so does an earlier checkout of Sigill, on the same servers.
On a machine that is busy with other work the ratios of processor time hold, and orders a second do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg

from sigill.store.session import connection_options
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import ORDERS, TOPICS
from sigill_contracts.vocabulary import Outcome
from tests.benchmarks import equal_work
from tests.benchmarks.crowd import Crowd
from tests.benchmarks.equal_work import COPIES
from tests.benchmarks.figures import machine, pace
from tests.benchmarks.ground import CLOCK, Ground, Receipts, beside, ground, load
from tests.benchmarks.intake import PLAIN_SHARE
from tests.benchmarks.page import keep, ratios, read
from tests.benchmarks.turns import Orders, Turn, bare_floor, plain_handler, sigill, some_orders
from tests.benchmarks.turns import equal_work as same_work

SIGILL, BEFORE, EQUAL, BARE, PLAIN = "Sigill", "Sigill before", "equal work", "bare floor", "plain handler"
OTHERWISE = 0.05
"""How far two programs may be apart in the share of orders that they execute: each draws its own crowd."""


def table_row(turn: Turn, verification: float) -> dict[str, float]:
    """Orders a second, and paces an order; `verification` is the pace in microseconds."""
    return {"rate": turn.rate} | {name: spent / verification for name, spent in turn.each().items()}


async def record(base: Ground, orders: Orders) -> int:
    """Have the intake take orders without a relay, and keep what it wrote; returns how many rows."""
    conn = await asyncpg.connect(**connection_options(base.settings, None))
    try:
        since = await equal_work.snapshot(conn)
        intake = base.start("intake")
        for some in (orders.warm, orders.counted):
            await base.publish(ORDERS, some)
            await base.taken(ORDERS)
        intake.stop()
        rows = await equal_work.keep(conn, since, base.folder)
    finally:
        await conn.close()
    prefix = f"{base.settings.kafka_topic_prefix}{COPIES}."
    await apply_topics(base.connection, TOPICS, prefix=prefix)
    async with Receipts(base) as receipts:
        relay = base.start("relay")
        await receipts.until(order.event for order in (*orders.warm, *orders.counted))
        relay.stop()
    return rows


async def one_round(
    base: Ground, crowd: Crowd, orders: int, number: int, other: tuple[Ground, Crowd] | None
) -> dict[str, Turn]:
    """Each takes its turn; who begins changes from round to round."""
    mine = await some_orders(base, crowd, orders)
    few = await some_orders(base, crowd, max(80, orders // PLAIN_SHARE))
    turns: dict[str, Callable[[], Awaitable[Turn]]] = {
        SIGILL: lambda: sigill(base, mine),
        EQUAL: lambda: same_work(base, mine, number),
        BARE: lambda: bare_floor(base, mine, number),
        PLAIN: lambda: plain_handler(base, few, number),
    }
    if other is not None:
        theirs, their_ground = await some_orders(*other, orders), other[0]
        # next to each other, and each as often first
        turns = {BEFORE: lambda: sigill(their_ground, theirs), **turns}
        if number % 2:
            turns = dict(reversed(turns.items()))
    names = list(turns)
    first = number % len(names) if other is None else 0
    taken = {name: await turns[name]() for name in (*names[first:], *names[:first])}
    if other is not None:
        same_answers(taken[SIGILL], taken[BEFORE])
    return taken


def same_answers(now: Turn, before: Turn) -> None:
    """Raise SystemExit where an earlier program answered other than this one: a refusal costs less than an order."""
    executed = [
        turn.outcomes.get(Outcome.EXECUTED, 0) / sum(turn.outcomes.values()) for turn in (now, before)
    ]
    if abs(executed[0] - executed[1]) > OTHERWISE:
        raise SystemExit(
            f"the earlier program answers otherwise, so that costs do not compare: {before.outcomes} there, "
            f"{now.outcomes} here; take a checkout that knows the same form fields"
        )


async def measure(orders: int, rounds: int, code: Path | None = None) -> dict[str, Any]:
    """The median of the rounds, as values for the page. `code` is an earlier checkout, to be measured turn about."""
    found: list[dict[str, dict[str, float]]] = []
    paces: list[float] = []
    began = load()
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(ground())
        other: tuple[Ground, Crowd] | None = None
        if code is not None:
            earlier = await stack.enter_async_context(beside(base, code))
            other = (earlier, earlier.crowd())
        crowd = base.crowd()
        taken = await some_orders(base, crowd, orders)
        rows = await record(base, taken)
        for number in range(rounds):
            before = pace()
            turns = await one_round(base, crowd, orders, number, other)
            paces.append((before + pace()) / 2)
            found.append({name: table_row(turn, paces[-1]) for name, turn in turns.items()})
            print(json.dumps({"pace": paces[-1], "load": load(), **found[-1]}), flush=True)
    medians = {
        name: {what: statistics.median(costs[name][what] for costs in found) for what in found[0][name]}
        for name in (SIGILL, BEFORE, EQUAL, BARE, PLAIN)
        if name in found[0]
    }
    return {
        "orders": orders,
        "rounds": rounds,
        "rows_an_order": rows / len(taken),
        "medians": medians,
        "ratios": {
            name: {
                "rate": statistics.median(costs[SIGILL]["rate"] / costs[name]["rate"] for costs in found),
                "all": statistics.median(costs[SIGILL]["all"] / costs[name]["all"] for costs in found),
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
    parser.add_argument("--quick", action="store_true", help="1500 orders, one round")
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="measure an earlier checkout beside")
    parser.add_argument(
        "--results", type=Path, help="keep the figures in this file, as docs/performance.json does"
    )
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.orders, chosen.rounds = 1500, 1
    if chosen.orders < 500:
        parser.error("fewer than 500 orders are too few batches: only chance would be measured")
    got = asyncio.run(measure(chosen.orders, chosen.rounds, chosen.before))
    print(ratios(got))
    if chosen.results:
        keep({**read(chosen.results), "pace": got}, chosen.results)


if __name__ == "__main__":
    main()
