"""
Timers due at one midnight: how many children's birthdays a second are followed, while orders keep coming.

    python -m tests.benchmarks.transitions [--timers N] [--processes K] [--orders-per-second R] [--minutes M]

N children turned 13 at the last Swedish midnight: their guardians lose the record, and each child's timer is due. Rates
are timers fired and events published a second; the orders' latency is measured before, and all the while. What an event costs is
the processor time of all processes while it lasts, that of the orders beside included. After M minutes it is stopped, whatever
is left; rate and latency of each minute tell whether they held.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import asyncpg

from sigill.policy.calendar import birthday, midnight, swedish_date
from sigill_contracts.topics import ORDERS
from tests.benchmarks.crowd import Message
from tests.benchmarks.figures import pace, quantile
from tests.benchmarks.ground import CLOCK, NOT_COUNTED, Ground, Receipts, ground, load, processor, spent
from tests.benchmarks.intake import on_the_beat
from tests.benchmarks.turns import backlog

_CHILDREN = (
    """
    INSERT INTO person (person_id, known_from) OVERRIDING SYSTEM VALUE
    SELECT $2::bigint + n, now() - interval '1 year' FROM generate_series(1, $1::bigint) AS n
    """,
    """
    INSERT INTO person_identity (person_id, known_from, id_type, number, key)
    SELECT $2::bigint + n, now() - interval '1 year', 1, lpad(n::text, 11, '0') || 'T',
           'v1.' || left(translate(encode(sha256(n::text::bytea), 'base64'), '+/=', '-_'), 43)
      FROM generate_series(1, $1::bigint) AS n
    """,
    """
    INSERT INTO person_version (person_id, sequence, valid_from, known_from, birth_earliest, birth_latest, id_type,
                                protected, has_e_id, identity_uncertain, number, county)
    SELECT $2::bigint + n, 1, now() - interval '10 years', now() - interval '1 year', born, born, 1, false, true, false,
           lpad(n::text, 11, '0') || 'T', '07'
      FROM generate_series(1, $1::bigint) AS n,
           LATERAL (SELECT CASE WHEN n % 3 = 0 THEN $3::date ELSE $3::date - 10000 END AS born) AS people
    """,
    """
    INSERT INTO custody (child_id, sequence, guardian_id, ordinal)
    SELECT $2::bigint + n, 1, $2::bigint + n - 1 - side, side
      FROM generate_series(3, $1::bigint, 3) AS n, generate_series(0, 1) AS side
    """,
)
_TIMERS = """
    INSERT INTO timer (person_id, due_at, kind, region)
    SELECT $2::bigint + n, $3, 'age_13', '' FROM generate_series(3, $1::bigint, 3) AS n
"""


async def make_children(base: Ground, count: int) -> None:
    """Children who turned 13 at the last midnight, each with two guardians and a timer."""
    today = swedish_date(CLOCK.now())
    born = date(today.year - 13, today.month, today.day) if today.month != 2 else today - timedelta(days=4748)
    due = midnight(birthday(born, 13))
    options = {"search_path": base.settings.database_schema}
    conn = await asyncpg.connect(base.settings.database_dsn(), server_settings=options)
    try:
        first = int(await conn.fetchval("SELECT coalesce(max(person_id), 0) + 1000 FROM person"))
        for step in _CHILDREN:
            await conn.execute(step, 3 * count, first, *([born] if "$3" in step else []))
        await conn.execute(_TIMERS, 3 * count, first, due)
        await conn.execute(
            "SELECT setval(pg_get_serial_sequence('person', 'person_id'), max(person_id)) FROM person"
        )
        await conn.execute("ANALYZE")
    finally:
        await conn.close()


async def measure(
    timers: int, processes: int, per_second: int, seconds: float, minutes: float
) -> dict[str, Any]:
    """
    Timers and events a second, and the orders' latency for `seconds` before, and all the while. After `minutes` the
    rest is left.
    """
    async with ground() as base:
        crowd = base.crowd()
        first = int(per_second * seconds)
        orders = await backlog(base, crowd, int((first + 60 * per_second * minutes) / 1.25))
        workers = [base.start("intake"), base.start("relay")]
        async with Receipts(base) as receipts:
            none = await _events(base)
            await base.publish(ORDERS, orders[:1])
            await receipts.until([orders[0].event])
            before = await _late(base, receipts, orders[1:first], per_second)
            await make_children(base, timers)
            told = await _events(base)
            an_order = (told - none) / first
            was, each_verified = load(), pace()
            began, began_with = time.monotonic(), processor()
            firing = [base.start("transitions") for _ in range(processes)]
            workers += firing
            over = asyncio.Event()
            flow = asyncio.create_task(_late(base, receipts, orders[first:], per_second, over))
            each_minute = await _until_fired(base, minutes)
            took = time.monotonic() - began
            over.set()
            during = await flow
            # in two parts: what a process, or its connection, has used is gone with it
            fired_with = processor()
            for process in firing:
                process.stop()
            fired = await _fired(base)
            await _until_published(base)
            published = time.monotonic() - began
            used = _seconds(spent(began_with, fired_with)) + _seconds(spent(fired_with, processor()))
            events = round(await _events(base) - told - an_order * len(during))
        for worker in workers:
            worker.stop()
        return {
            "timers": timers,
            "processes": processes,
            "fired": fired,
            "fired_per_second": fired / took,
            "each_minute": each_minute,
            "events": events,
            "events_per_second": events / published,
            "paces_an_event": 1e6 * used / max(1, events) / each_verified,
            "orders_per_second": per_second,
            "latency_before": _quantiles(before),
            "latency_during": _quantiles(during),
            "p99_each_minute": [
                _quantiles(during[minute : minute + 60 * per_second])["p99"]
                for minute in range(0, len(during) - 60 * per_second + 1, 60 * per_second)
            ],
            "load": was,
        }


def _seconds(used: dict[str, float]) -> float:
    """Seconds of processor time of the program, PostgreSQL and the broker."""
    return sum(seconds for kind, seconds in used.items() if kind not in NOT_COUNTED)


async def _late(
    base: Ground,
    receipts: Receipts,
    orders: Sequence[Message],
    per_second: int,
    over: asyncio.Event | None = None,
) -> list[float]:
    """Milliseconds that each order took, in the order they were sent, until it is over."""
    sent = await on_the_beat(base, orders, per_second, over)
    await receipts.until(sent)
    return [1000 * (receipts.answered[order] - due) for order, due in sent.items()]


def _quantiles(took: Sequence[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {"p50": quantile(ordered, 0.5), "p99": quantile(ordered, 0.99)}


async def _events(base: Ground) -> int:
    async with base.store.reading() as tx:
        return int(await tx.value("SELECT count(*) FROM outbox"))


async def _fired(base: Ground) -> int:
    async with base.store.reading() as tx:
        return int(await tx.value("SELECT count(*) FROM timer WHERE state = 'done'"))


async def _until_fired(base: Ground, minutes: float) -> list[int]:
    """Wait for the last timer, or so long; return how many fired in each whole minute."""
    counts, began = [0], time.monotonic()
    while time.monotonic() - began < 60 * minutes:
        async with base.store.reading() as tx:
            if not await tx.value(
                "SELECT EXISTS (SELECT FROM timer WHERE state = 'set' AND due_at <= now())"
            ):
                break
        if time.monotonic() - began >= 60 * len(counts):
            counts.append(await _fired(base))
        for process in base._running:
            process.check()
        await asyncio.sleep(0.5)
    return [later - earlier for earlier, later in itertools.pairwise(counts)]


async def _until_published(base: Ground) -> None:
    while True:
        async with base.store.reading() as tx:
            if not await tx.value("SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NULL)"):
                return
        await asyncio.sleep(0.2)


__all__ = ["ORDERS", "measure"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timers", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--orders-per-second", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--minutes", type=float, default=60.0)
    chosen = parser.parse_args()
    got = asyncio.run(
        measure(chosen.timers, chosen.processes, chosen.orders_per_second, chosen.seconds, chosen.minutes)
    )
    print(json.dumps(got, indent=1))
