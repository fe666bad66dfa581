"""
The least that an answer takes: consume what has come, commit a row for each in one transaction, publish an answer, again.

No signature, no rule, no outbox: what a crash between commit and publishing loses is lost. Its latency is that of a broker, a
durable commit and a broker again, and Sigill's is told beside it.

    python -m tests.benchmarks.bare_loop TOPIC GROUP ANSWERS        (in the environment of a run: `turns` starts it)
"""

from __future__ import annotations

import asyncio
import json
import sys

import asyncpg
from aiokafka import AIOKafkaProducer

from sigill.runtime.settings import Settings, load_settings
from sigill.store.session import connection_options
from sigill.stream.connection import Connection
from tests.benchmarks.contestant import consumer_of, contest

_TABLE = "CREATE TABLE IF NOT EXISTS bare_loop (order_id text PRIMARY KEY, original bytea NOT NULL)"
_INSERT = "INSERT INTO bare_loop SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING"


async def run(settings: Settings, topic: str, group: str, answers: str) -> None:
    """Answer until the process is ended. An answer names its order, as a receipt does."""
    conn = await asyncpg.connect(**connection_options(settings, None))
    await conn.execute(_TABLE)
    consumer = consumer_of(settings, topic, group)
    producer = AIOKafkaProducer(**Connection.of(settings).options(), acks="all", enable_idempotence=True)
    await consumer.start()
    await producer.start()
    try:
        while True:
            batches = await consumer.getmany(timeout_ms=250, max_records=settings.batch_size)
            records = [record for batch in batches.values() for record in batch]
            if not records:
                continue
            orders = [dict(record.headers)["ce_id"].decode() for record in records]
            async with conn.transaction():
                await conn.execute(_INSERT, orders, [record.value for record in records])
            await consumer.commit()
            sent = [
                await producer.send(
                    answers,
                    value=json.dumps({"order_id": order, "outcome": "answered"}).encode(),
                    key=record.key,
                )
                for order, record in zip(orders, records, strict=True)
            ]
            await asyncio.gather(*sent)
    finally:
        await consumer.stop()
        await producer.stop()
        await conn.close()


if __name__ == "__main__":
    contest(lambda: run(load_settings(), *sys.argv[1:4]))
