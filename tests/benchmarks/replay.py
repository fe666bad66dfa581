"""
A register sent again without a change: messages a second, and what it writes, which is nothing.

    python -m tests.benchmarks.replay [--persons N] [--processes K]

N invented residents are loaded; then the register's topic gets a message about each of them that says the same under a
later sequence and stamp, as a yearly reconciliation does. Measured is from the start of the register workers until they
have taken them all.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from sigill.policy.calendar import swedish_date
from sigill.population.files import chunks
from sigill.population.load import Target
from sigill.population.load import load as load_register
from sigill.population.records import fields_of, members_of
from sigill.population.snapshot import connection_arguments
from sigill.population.synthesize import Recipe, synthesize
from sigill_contracts.keys import patient_key
from sigill_contracts.topics import PERSONS
from tests.benchmarks.crowd import Message
from tests.benchmarks.ground import CLOCK, Ground, ground, load

_WRITTEN = {
    "versions": "SELECT count(*) FROM person_version WHERE sequence >= 0",
    "events": "SELECT coalesce(max(id), 0) FROM outbox",
    "dead_letters": "SELECT count(*) FROM dead_letter",
}


def messages(register: Path, secret: bytes, at: datetime) -> Iterator[Message]:
    """The residents of a register file, each told once more under a later sequence, changed at `at` (UTC)."""
    for chunk in chunks(register, 10_000):
        for line in chunk.decode().splitlines():
            told = members_of(fields_of(line))
            person = told["person"]
            assert isinstance(person, dict)
            assert isinstance(told["sequence"], int)
            told |= {"sequence": told["sequence"] + 1, "changed_at": at.isoformat()}
            for flag in ("secrecy_mark", "protected_registration", "has_e_id"):
                told[flag] = told[flag] == "t"
            value = json.dumps({name: value for name, value in told.items() if value is not None})
            yield Message(str(uuid4()), patient_key(person["id"], secret, "v1"), value.encode())


async def _written(base: Ground) -> dict[str, int]:
    options = {"search_path": base.settings.database_schema}
    conn = await asyncpg.connect(base.settings.database_dsn(), server_settings=options)
    try:
        return {name: int(await conn.fetchval(query)) for name, query in _WRITTEN.items()}
    finally:
        await conn.close()


async def measure(persons: int, processes: int) -> dict[str, Any]:
    """Seconds, messages a second, and the rows that were written."""
    with tempfile.TemporaryDirectory() as folder:
        register = Path(folder) / "register.csv.zst"
        now = CLOCK.now()
        for _ in synthesize(Recipe(persons, 1, swedish_date(now), True), register):
            pass
        async with ground() as base:
            secret = base.settings.patient_secrets()["v1"]
            where = connection_arguments(base.settings.database_dsn(), base.settings.database_schema)
            target = Target(where, secret, "v1", base.books, "urn:sigill:benchmark")
            await asyncio.to_thread(load_register, register, target)
            told = messages(register, secret, CLOCK.now())
            while part := list(itertools.islice(told, 20_000)):
                await base.publish(PERSONS, part)
            before, was, began = await _written(base), load(), time.monotonic()
            workers = [base.start("register") for _ in range(processes)]
            await base.taken(PERSONS, patience=7200)
            took = time.monotonic() - began
            for worker in workers:
                worker.stop()
            after = await _written(base)
    return {
        "persons": persons,
        "processes": processes,
        "seconds": round(took, 1),
        "messages_per_second": round(persons / took),
        "written": {name: after[name] - before[name] for name in _WRITTEN},
        "load": was,
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    print(json.dumps(asyncio.run(measure(chosen.persons, chosen.processes)), indent=2))


if __name__ == "__main__":
    main()
