"""
The equal-work floor: what Sigill writes and publishes for its orders, written and published with no rules at all.

A round's rows and events are kept as the bytes that they are: the rows of each transaction, and the events behind it. This
process consumes as many orders, verifies each signature by the bare library call, validates the form, copies the kept bytes
into tables of the same columns and indexes in transactions of the same size with the offsets in them, publishes the kept
events with the relay's producer settings, and marks them published. It decides nothing, and builds nothing.

    python -m tests.benchmarks.equal_work TOPIC GROUP FOLDER WARM   (in the environment of a run: `turns` starts it)
"""

from __future__ import annotations

import asyncio
import io
import pickle
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaProducer

from sigill.runtime.settings import Settings, load_settings
from sigill.store.outbox import unpack_headers
from sigill.store.session import connection_options
from sigill.stream.connection import Connection
from sigill_contracts.order import SignedForm
from tests.benchmarks.contestant import Progress, consumer_of, contest
from tests.benchmarks.floor import proven

COPIES = "equal_work"
"""The schema of the copies."""
_BATCHES = """
SELECT xmin::text AS batch, count(*) AS orders FROM signed_order
 WHERE NOT pg_visible_in_snapshot(xmin::text::xid8, $1::text::pg_snapshot)
 GROUP BY 1 ORDER BY min(registration)
"""
_OFFSETS = "INSERT INTO offsets VALUES ($1, $2, $3) ON CONFLICT (topic, partition) DO UPDATE SET next = excluded.next"


@dataclass
class Batch:
    """What one transaction of Sigill's wrote, table by table in COPY's binary format, and the events that followed."""

    orders: int
    rows: dict[str, bytes] = field(default_factory=dict)
    events: list[tuple[int, str, bytes, bytes | None, tuple[tuple[str, bytes | None], ...]]] = field(
        default_factory=list
    )


async def snapshot(conn: asyncpg.Connection) -> str:
    """What has been written so far; what comes later is kept by `keep`."""
    return str(await conn.fetchval("SELECT pg_current_snapshot()::text"))


async def keep(conn: asyncpg.Connection, since: str, folder: Path) -> int:
    """
    Keep what each transaction with orders has written since a snapshot, and make empty copies of its tables.

    Returns how many rows those are. No relay may have run: it would write the events' rows once more.
    """
    tables = [
        row["relname"]
        for row in await conn.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition ORDER BY relname"
        )
    ]
    batches, count = [], 0
    await conn.execute(f"CREATE SCHEMA {COPIES}")
    await conn.execute(
        f"CREATE TABLE {COPIES}.offsets (topic text, partition int, next bigint, PRIMARY KEY (topic, partition))"
    )
    for found in await conn.fetch(_BATCHES, since):
        batch = Batch(found["orders"])
        for table in tables:
            query = f"SELECT * FROM \"{table}\" WHERE xmin::text = '{found['batch']}'"
            rows = await conn.fetchval(f"SELECT count(*) FROM ({query}) AS written")
            if rows:
                into = io.BytesIO()
                await conn.copy_from_query(query, output=into, format="binary")
                batch.rows[table] = into.getvalue()
                count += rows
        batch.events = [
            (
                row["id"],
                row["aggregatetype"],
                row["aggregateid"].encode(),
                row["payload"],
                unpack_headers(row["headers"]),
            )
            for row in await conn.fetch(
                "SELECT * FROM outbox WHERE xmin::text = $1 ORDER BY id", found["batch"]
            )
        ]
        batches.append(batch)
    for table in {table for batch in batches for table in batch.rows}:
        await conn.execute(
            f'CREATE TABLE {COPIES}."{table}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES'
            " INCLUDING STORAGE)"
        )
    (folder / "kept").write_bytes(pickle.dumps(batches))
    return count


def _verify(values: Iterable[bytes]) -> None:
    for value in values:
        SignedForm.model_validate_json(proven(value))


async def run(settings: Settings, topic: str, group: str, folder: Path, warm: int) -> None:
    """
    Take as many messages as were recorded; say when the first `warm` are published, and when the last batch was marked
    (UTC, seconds).
    """
    batches: list[Batch] = pickle.loads((folder / "kept").read_bytes())
    conn = await asyncpg.connect(**connection_options(settings, None))
    await conn.execute(f"SET search_path = {COPIES}, public")
    for table in {table for batch in batches for table in batch.rows}:
        await conn.execute(f'TRUNCATE "{table}"')
    consumer = consumer_of(settings, topic, group, fetch_max_wait_ms=250)
    producer = AIOKafkaProducer(
        **Connection.of(settings).options(), acks="all", enable_idempotence=True, max_batch_size=512 * 1024
    )
    await consumer.start()
    await producer.start()
    progress = Progress(warm)
    try:
        for batch in batches:
            values: list[bytes] = []
            places: dict[tuple[str, int], int] = {}
            while len(values) < batch.orders:
                got = await consumer.getmany(timeout_ms=250, max_records=batch.orders - len(values))
                for place, records in got.items():
                    values += [record.value for record in records]
                    places[place.topic, place.partition] = records[-1].offset + 1
            await asyncio.to_thread(_verify, values)
            async with conn.transaction():
                for table, rows in batch.rows.items():
                    await conn.copy_to_table(table, source=io.BytesIO(rows), format="binary")
                await conn.executemany(_OFFSETS, [(*place, after) for place, after in places.items()])
            sent = [
                await producer.send(
                    f"{settings.kafka_topic_prefix}{COPIES}.{name}",
                    value=body,
                    key=key,
                    headers=list(headers),
                )
                for _, name, key, body, headers in batch.events
            ]
            await asyncio.gather(*sent)
            ids = [number for number, *_ in batch.events]
            await conn.execute("UPDATE outbox SET published_at = now() WHERE id = ANY ($1::bigint[])", ids)
            progress.took(batch.orders)
        await progress.done()
    finally:
        await consumer.stop()
        await producer.stop()
        await conn.close()


if __name__ == "__main__":
    contest(lambda: run(load_settings(), sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
