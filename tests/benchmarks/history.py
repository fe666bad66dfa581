"""
What a patient's history costs: the same order, state event, facts and timeline after few and after many orders.

    python -m tests.benchmarks.history [--orders 5,50,500] [--units U]

One adult is sealed in U units and released again, over and over, by the real intake on a real database. Printed are medians
of the orders about each place, the bytes of the state event, what reading the facts and telling the timeline of
the last five orders takes there, and all of it as multiples of the first place.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr
from datetime import timedelta
from io import StringIO
from statistics import median
from typing import Any

from pydantic import SecretStr

from sigill.embedded import EmbeddedPostgres
from sigill.policy.facts import Identity, PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill.policy.timeline import timeline
from sigill.processing.citations import PolicyContext
from sigill.processing.state_snapshot import state_of
from sigill.runtime.clock import FixedClock
from sigill.runtime.logging import configure_logging
from sigill.runtime.settings import Settings
from sigill.store import facts as stored
from sigill.store import persons
from sigill.store.session import Store
from sigill_contracts.vocabulary import IdType
from tests.benchmarks.figures import numbers
from tests.kit.services import migrate
from tests.workers.conftest import START, Office
from tests.workers.rulebook import NATIONAL, TESTLAND
from tests.workers.town import ADULT, Town

AROUND = 6
"""Orders about each place: half of them seals, half releases."""


async def took(work: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds, the median of three."""
    times = []
    for _ in range(3):
        since = time.perf_counter()
        await work()
        times.append((time.perf_counter() - since) * 1000)
    return median(times)


async def known(office: Office) -> PatientFacts:
    """The patient's facts, as a judgement reads them."""
    async with office.store.reading() as tx:
        identity = Identity(IdType.PERSONNUMMER, ADULT)
        who = (await persons.resolve(tx, {identity}))[identity]
        return (await stored.patient_facts(tx, {who}))[who]


async def figures(office: Office, orders: list[float]) -> dict[str, float]:
    """What it costs here."""
    facts, now = await known(office), office.clock.now()

    async def told() -> None:
        timeline(facts, office.desk.books, since=now - timedelta(minutes=5), until=now)

    return {
        "order, ms": median(orders),
        "state event, bytes": len(state_of(facts, version=1, known_at=now).model_dump_json()),
        "facts, ms": await took(lambda: known(office)),
        "timeline, ms": await took(told),
    }


async def measure(places: list[int], units: int) -> dict[int, dict[str, float]]:
    """Measure at each place in one patient's history, by number of orders."""
    found: dict[int, dict[str, float]] = {}
    with EmbeddedPostgres() as server:
        dsn = await server.create_database("history")
        await migrate(dsn)
        store = await Store.open(Settings(database_url=SecretStr(dsn), database_pool_max=4))
        try:
            desk = PolicyContext.of(Rulebooks.of(TESTLAND, NATIONAL), "urn:sigill:test")
            town = Town(START)
            office = Office(store, town, FixedClock(START - timedelta(days=1)), desk)
            await office.assign()
            await office.hand_over(*town.staff(START - timedelta(days=30)))
            await office.hand_over(*town.people(START - timedelta(days=30)))
            sealed = [f"SE2321000099-{number:04}" for number in range(units)]
            costs: list[float] = []
            for number in range(max(places)):
                office.clock.set(START + timedelta(minutes=number))
                if number % 2 == 0:
                    order = seal = town.orders(office.clock.now(), units=sealed)
                else:
                    order = town.orders(office.clock.now(), "release_journal_seal", releases=[seal.order_id])
                since = time.perf_counter()
                await office.hand_over(order)
                costs.append((time.perf_counter() - since) * 1000)
                if number + 1 in places:
                    found[number + 1] = await figures(office, costs[-AROUND:])
        finally:
            await store.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=numbers, default=[6, 60, 600], help="places in the history")
    parser.add_argument("--units", type=int, default=20)
    chosen = parser.parse_args()
    with redirect_stderr(StringIO()):
        configure_logging("json", "error")
        found = asyncio.run(measure(chosen.orders, chosen.units))
    first = found[min(found)]
    print(f"{'':24}" + "".join(f"{f'order {place}':>22}" for place in found))
    for name in first:
        cells = (f"{one[name]:.1f} ({one[name] / max(first[name], 0.001):.1f} x)" for one in found.values())
        print(f"{name:24}" + "".join(f"{cell:>22}" for cell in cells))


if __name__ == "__main__":
    main()
