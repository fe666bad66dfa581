"""
What a patient's history costs: the same order, state event, decision, page of a person and timeline after few orders and after many.

    python -m tests.benchmarks.history [--orders 6,500,5000] [--units U] [--results FILE]

One adult is sealed in U units and released again, over and over, on a real database. The last orders before each place go through
the real intake; those between two places are rows as the intake wrote them for the pair before, copied under other ids and earlier
times. Printed are medians of the orders up to each place, in milliseconds of this process' processor (the wall, and PostgreSQL's
share of it, beside), the bytes of the state event, and what else is asked there: the facts, a decision by a process that has no copy
of the patient, the console's page of the person with its server, the newest page of the timeline. All of it as multiples of the first
place, too. Another patient's orders come first, so that the first place does not bear what a process does but once.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from sigill.embedded import EmbeddedPostgres
from sigill.operations.decision_models import USUAL_STEPS
from sigill.operations.decision_service import AccessQuery, DecisionService, Principal
from sigill.policy.facts import Identity, PatientFacts
from sigill.policy.timeline import timeline_page
from sigill.processing.state_snapshot import state_of
from sigill.runtime.lifecycle import spare_the_collector
from sigill.runtime.logging import configure_logging
from sigill.store import facts as stored
from sigill.store import persons
from sigill.stream.connection import Connection
from sigill_contracts.vocabulary import IdType, PersonId, Service
from tests.benchmarks.figures import machine, numbers, pace
from tests.benchmarks.ground import CLOCK, load
from tests.benchmarks.page import keep, read
from tests.kit.console import START, Client, World, world
from tests.kit.senders import ADULT, MOTHER, Senders, person
from tests.kit.services import migrate
from tests.kit.worker_harness import WorkerHarness

AROUND = 20
"""Orders up to each place that count, half of them seals, half releases; fewer where there are fewer."""


async def took(work: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds of this process' processor, the median of three."""
    times = []
    for _ in range(3):
        since = time.process_time()
        await work()
        times.append((time.process_time() - since) * 1000)
    return median(times)


async def known(harness: WorkerHarness) -> PatientFacts:
    """The patient's facts, as a judgement reads them."""
    async with harness.store.reading() as tx:
        identity = Identity(IdType.PERSONNUMMER, ADULT)
        who = (await persons.resolve(tx, {identity}))[identity]
        return (await stored.patient_facts(tx, {who}))[who]


async def figures(here: World, page: Client, costs: list[tuple[float, float]]) -> dict[str, float]:
    """What it costs here; of the orders, milliseconds of processor and wall."""
    facts, now = await known(here.harness), here.clock.now()
    who = facts.patient.person_id
    asked = AccessQuery(
        Identity(IdType.PERSONNUMMER, ADULT), Identity(IdType.PERSONNUMMER, ADULT), Service.JOURNAL
    )

    async def decided() -> None:
        async with DecisionService(
            here.store, here.desk.rules, here.clock, instance="bench", lanes=1
        ) as desk:
            await desk.ask([asked], Principal("bench", None, "bench"))

    async def told() -> None:
        since = now - timedelta(days=3653)
        timeline_page(facts, here.desk.books, since=since, until=now, most=USUAL_STEPS)

    async def shown() -> None:
        answer = await page.get(f"/person/{who}")
        assert answer.status_code == 200, answer.status_code

    await page.post(f"/person/{who}/reason", f"/person/{who}", reason="support call")
    return {
        "order, ms": median(cpu for cpu, _ in costs),
        "order, ms of the wall": median(wall for _, wall in costs),
        "state event, bytes": len(state_of(facts, version=1, known_at=now).model_dump_json()),
        "facts, ms": await took(lambda: known(here.harness)),
        "decision without a copy, ms": await took(decided),
        "page of the person, ms": await took(shown),
        "page of the timeline, ms": await took(told),
    }


COPIED = (
    """
    CREATE TEMPORARY TABLE copied ON COMMIT DROP AS
    SELECT s.registration AS was, 1000000000 + 2 * n + s.registration - (SELECT min(p.registration) FROM pair p) AS registration,
           n * interval '2 minutes' AS earlier
      FROM pair s CROSS JOIN generate_series($1::bigint, $2::bigint) AS n
    """,
    """
    INSERT INTO signed_order (registration, order_id, proven, person_id, region, form, unit, urgent, source, event_id, content_type,
                              digest, original, payload, trust_report, received_at, topic, partition, record_offset, known_from)
    SELECT c.registration, md5(s.order_id::text || c.earlier)::uuid, true, s.person_id, s.region, s.form, s.unit, s.urgent, s.source,
           s.event_id || c.registration, s.content_type, sha256(c.registration::text::bytea), s.original, s.payload, s.trust_report,
           s.received_at - c.earlier, s.topic, s.partition, c.registration, s.known_from - c.earlier
      FROM copied c JOIN signed_order s ON s.registration = c.was
    """,
    """
    INSERT INTO order_outcome (registration, version, outcome, codes, measures, receipt, judged_at, known_from)
    SELECT c.registration, o.version, o.outcome, o.codes,
           ARRAY(SELECT md5(m::text || c.earlier)::uuid FROM unnest(o.measures) AS m), o.receipt, o.judged_at - c.earlier,
           o.known_from - c.earlier
      FROM copied c JOIN order_outcome o ON o.registration = c.was
    """,
    """
    CREATE TEMPORARY TABLE imposed ON COMMIT DROP AS
    SELECT DISTINCT m.measure_id AS was, md5(m.measure_id::text || c.earlier)::uuid AS measure_id, c.earlier
      FROM copied c JOIN order_outcome o ON o.registration = c.was CROSS JOIN unnest(o.measures) AS m (measure_id)
    """,
    """
    INSERT INTO measure (measure_id, person_id, kind, region, initiative, services, units, guardians, viewer, unit, known_from)
    SELECT i.measure_id, m.person_id, m.kind, m.region, m.initiative, m.services, m.units, m.guardians, m.viewer, m.unit,
           m.known_from - i.earlier
      FROM imposed i JOIN measure m ON m.measure_id = i.was
    """,
    """
    INSERT INTO measure_version (measure_id, version, known_from, valid_from, valid_to, ends_at_age, orders, provisional,
                                 awaits_follow_up, released, urgent, reported_to_authority, inform_guardians, inform_patient,
                                 inform_written, silences, review_on, rules, rulebook)
    SELECT i.measure_id, v.version, v.known_from - i.earlier, v.valid_from - i.earlier, v.valid_to - i.earlier, v.ends_at_age,
           ARRAY(SELECT md5(o::text || i.earlier)::uuid FROM unnest(v.orders) AS o), v.provisional, v.awaits_follow_up, v.released,
           v.urgent, v.reported_to_authority, v.inform_guardians, v.inform_patient, v.inform_written, v.silences, v.review_on,
           v.rules, v.rulebook
      FROM imposed i JOIN measure_version v ON v.measure_id = i.was
    """,
)
"""The last pair of orders with what came of it, as often as asked for, each time two minutes earlier."""


async def copy_pairs(dsn: str, who: PersonId, first: int, last: int) -> None:
    """Copy the patient's newest seal with its release under the numbers `first` through `last`."""
    owner = await asyncpg.connect(dsn, server_settings={"search_path": "sigill"})
    try:
        async with owner.transaction():
            await owner.execute(
                "CREATE TEMPORARY TABLE pair ON COMMIT DROP AS SELECT registration FROM signed_order "
                f"WHERE person_id = {int(who)} AND registration < 1000000000 ORDER BY registration DESC LIMIT 2"
            )
            for statement in COPIED:
                await (
                    owner.execute(statement, first, last) if "$1" in statement else owner.execute(statement)
                )
        for table in ("signed_order", "order_outcome", "measure", "measure_version"):
            await owner.execute(f"VACUUM ANALYZE {table}")
    finally:
        await owner.close()


async def play(
    here: World, senders: Senders, who: str, count: int, units: list[str]
) -> list[tuple[float, float]]:
    """An even number of orders by the real intake: seals and their releases, a minute apart. Returns what each took."""
    costs = []
    seal = None
    for number in range(count):
        here.clock.advance(timedelta(minutes=1))
        now: datetime = here.clock.now()
        if number % 2 == 0:
            order = seal = senders.orders(now, units=units, patient=person(who))
        else:
            assert seal is not None
            order = senders.orders(now, "release_journal_seal", releases=[seal.order_id], patient=person(who))
        cpu, wall = time.process_time(), time.perf_counter()
        await here.harness.hand_over(order)
        costs.append(((time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000))
    return costs


async def measure(places: list[int], units: int) -> dict[int, dict[str, float]]:
    """Measure at each place in one patient's history, by number of orders."""
    found: dict[int, dict[str, float]] = {}
    sealed = [f"SE2321000099-{number:04}" for number in range(units)]
    with EmbeddedPostgres() as server, TemporaryDirectory() as keys:
        dsn = await server.create_database("history")
        await migrate(dsn)
        senders = Senders(START)
        nowhere = Connection("127.0.0.1:1")  # nothing of this is sent
        async with world(dsn, senders, nowhere, Path(keys)) as here, here.client() as page:
            await play(here, senders, MOTHER, AROUND, sealed)
            spare_the_collector()  # as a worker does at its start
            there, pairs = 0, 0
            for place in sorted(places):
                fresh = min(AROUND, place - there)
                if (missing := (place - there - fresh) // 2) > 0:
                    who = (await known(here.harness)).patient.person_id
                    await copy_pairs(dsn, who, pairs + 1, pairs + missing)
                    pairs += missing
                costs = await play(here, senders, ADULT, fresh, sealed)
                there = place
                found[place] = await figures(here, page, costs)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--orders", type=numbers, default=[6, 500, 5000], help="places in the history; even numbers"
    )
    parser.add_argument("--units", type=int, default=20)
    parser.add_argument(
        "--results", type=Path, help="keep the figures in this file, as docs/performance.json does"
    )
    chosen = parser.parse_args()
    began = load()
    with redirect_stderr(StringIO()):
        configure_logging("json", "error")
        found = asyncio.run(measure(chosen.orders, chosen.units))
    first = found[min(found)]
    print(f"{'':24}" + "".join(f"{f'order {place}':>22}" for place in found))
    for name in first:
        cells = (f"{one[name]:.1f} ({one[name] / max(first[name], 0.001):.1f} x)" for one in found.values())
        print(f"{name:24}" + "".join(f"{cell:>22}" for cell in cells))
    if chosen.results:
        got = {
            "places": {str(place): one for place, one in found.items()},
            "units": chosen.units,
            "load": began,
            "pace": pace(),
            "machine": machine(),
            "when": f"{CLOCK.now():%Y-%m-%d %H:%M} UTC",
        }
        keep({**read(chosen.results), "history": got}, chosen.results)


if __name__ == "__main__":
    main()
