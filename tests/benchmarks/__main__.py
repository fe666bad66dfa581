"""
Measure everything, print the tables, and write docs/performance.md with its plots.

    python -m tests.benchmarks [--only intake,decisions,…] [--orders N] [--runs R] [--timers N] …
    python -m tests.benchmarks --only none                       only write the page again

What was measured is kept in docs/performance.json, from which the page is made, so that a part can be measured again
alone; with `--results FILE` it is kept there, and the page stays as it is.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Coroutine
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from sigill.runtime.logging import configure_logging
from tests.benchmarks import cost, decisions, intake, page, startup, transitions
from tests.benchmarks import pace as paces
from tests.benchmarks.figures import machine, numbers, pace
from tests.benchmarks.ground import CLOCK, ground, load

PARTS = ("intake", "pace", "decisions", "transitions", "startup", "cost")


async def _cost(orders: int) -> dict[str, Any]:
    with redirect_stderr(StringIO()):
        configure_logging("json", "info")
    async with ground() as base:
        before = load()
        costs = await cost.measure(base, orders, None)
    return {"rows": costs.rows, "load": before}


async def _decisions(residents: list[int], rounds: int) -> dict[str, Any]:
    async with decisions.made(residents, measures=100_000) as places:
        return await decisions.measure(places, decisions.Plan(rounds=rounds))


def _measure(part: str, chosen: argparse.Namespace) -> dict[str, Any]:
    came: dict[str, Any] = {"machine": machine(), "pace": pace()}
    work: Coroutine[Any, Any, dict[str, Any]]
    match part:
        case "intake":
            work = intake.measure(chosen.orders, chosen.runs, chosen.processes, chosen.rates, chosen.seconds)
        case "pace":
            work = paces.measure(chosen.orders, chosen.runs)
        case "decisions":
            work = _decisions(chosen.residents, chosen.runs)
        case "transitions":
            work = transitions.measure(chosen.timers, 1, 20, chosen.seconds, chosen.minutes)
        case "startup":
            work = startup.measure(chosen.runs)
        case _:
            work = _cost(chosen.orders)
    return came | asyncio.run(work) | {"when": f"{CLOCK.now():%Y-%m-%d %H:%M} UTC"}


def _parts(text: str) -> list[str]:
    return [] if text == "none" else text.split(",")


def main() -> None:
    """Measure what was asked for, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=_parts, default=list(PARTS))
    parser.add_argument("--orders", type=int, default=6000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--residents", type=numbers, default=[100_000, 1_000_000, 10_600_000])
    parser.add_argument("--timers", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=60.0, help="after which timers that are left stay")
    parser.add_argument("--processes", type=numbers, default=[1, 2, 4])
    parser.add_argument("--rates", type=numbers, default=[100, 1000])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each rate is held")
    parser.add_argument("--results", type=Path, default=page.RESULTS)
    chosen = parser.parse_args()
    found = page.read(chosen.results)
    for part in chosen.only:
        found[part] = _measure(part, chosen)
        page.keep(found, chosen.results)
        if chosen.results == page.RESULTS:
            page.write(found)
    if not chosen.only:
        page.write(found)
    print(page.text(found))


if __name__ == "__main__":
    main()
