"""
What a line of the access log costs: bytes on disk and in the write-ahead log, by looks a batch.

    python -m tests.benchmarks.access_log_bytes [--looks N] [--batches 1,3,20]

Looks as the decision API writes them: many patients, few clients. Bytes are the table's, its indexes' and the audit
chain's own growth. No server of this benchmark waits for its disk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from sigill.embedded import EmbeddedPostgres
from sigill.runtime.clock import SystemClock
from sigill.runtime.settings import load_settings
from sigill.store import access_log
from sigill.store.access_log import AccessLogEntry
from sigill.store.session import Store
from sigill.store.values import person_of
from tests.benchmarks.figures import numbers
from tests.kit.services import migrate

PATIENTS = 500_000
UNITS = 200
_SIZES = """
SELECT coalesce(sum(pg_table_size(c.oid)) FILTER (WHERE c.relname LIKE 'access_log%'), 0)::bigint AS lines,
       coalesce(sum(pg_indexes_size(c.oid)) FILTER (WHERE c.relname LIKE 'access_log%'), 0)::bigint AS indexes,
       coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname = 'audit_entry'), 0)::bigint AS chain,
       (pg_current_wal_lsn() - '0/0')::bigint AS wal
  FROM pg_class c WHERE c.relnamespace = 'sigill'::regnamespace AND c.relkind = 'r'
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """Bytes a look, with `batch` looks written together."""

    batch: int
    lines: float
    indexes: float
    chain: float
    wal: float


def _looks(chance: random.Random, count: int) -> list[AccessLogEntry]:
    return [
        AccessLogEntry(
            f"journal-client-{chance.randrange(5)}",
            f"SE2321000131-E{chance.randrange(UNITS):012d}",
            person_of(chance.randrange(1, PATIENTS)),
            "the patient's own look",
            f"whether person {chance.randrange(1, PATIENTS)} reaches journal_read at SE2321000131-E{chance.randrange(UNITS):012d}"
            ": allowed (guardian_of_child_under_13)",
        )
        for _ in range(count)
    ]


async def measure(dsn: str, batch: int, looks: int) -> Spent:
    """Write looks, `batch` at a time, a few milliseconds between; return what one costs."""
    chance = random.Random(batch)
    store = await Store.open(load_settings(database_url=dsn, database_tls="disable", database_pool_min=1))
    watch = await asyncpg.connect(dsn)
    at = SystemClock().now()
    try:
        before = await watch.fetchrow(_SIZES)
        for number in range(looks // batch):
            lines = _looks(chance, batch)
            async with store.transaction(at + timedelta(milliseconds=5 * number)) as tx:
                await access_log.append(tx, lines, chain=f"access-log-{number % 16:02d}")
        after = await watch.fetchrow(_SIZES)
        assert before is not None
        assert after is not None
        written = {
            name: (after[name] - before[name]) / looks for name in ("lines", "indexes", "chain", "wal")
        }
        return Spent(batch, **written)
    finally:
        await watch.close()
        await store.close()


async def main() -> None:
    """Measure and print a line for each size of a batch."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--looks", type=int, default=30_000)
    told.add_argument("--batches", type=numbers, default=[1, 3, 20])
    options = told.parse_args()
    with EmbeddedPostgres(own=True, durable=False) as postgres:
        print(f"{'looks a batch':>13}{'line':>8}{'indexes':>9}{'chain':>8}{'disk':>8}{'WAL':>8}")
        for batch in options.batches:
            dsn = await postgres.create_database(f"looks_{batch}_{os.getpid()}")
            await migrate(dsn)
            one = await measure(dsn, batch, options.looks)
            disk = one.lines + one.indexes + one.chain
            print(
                f"{one.batch:>13}{one.lines:>8.0f}{one.indexes:>9.0f}{one.chain:>8.0f}{disk:>8.0f}{one.wal:>8.0f}"
            )


if __name__ == "__main__":
    asyncio.run(main())
