"""
The floor under the intake: the same messages consumed, verified by the bare library call, validated, inserted in bulk.

Nothing else: no chain, no revocation, no decider, no rules, no measures, no audit, no receipt. What is faster than this
has left out something that everybody needs; the intake's distance from it is the price of all the rest.

    python -m tests.benchmarks.floor TOPIC GROUP COUNT          (in the environment of a run: `intake` starts it)
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from base64 import b64decode, urlsafe_b64decode
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer
from cryptography import x509
from joserfc import jws
from joserfc.jwk import ECKey

from sigill.runtime.lifecycle import spare_the_collector
from sigill.runtime.settings import Settings, load_settings
from sigill.store.session import connection_options
from sigill.stream.connection import Connection
from sigill.trust.jades import REGISTRY
from sigill_contracts.order import SignedForm

_TABLE = "CREATE TABLE IF NOT EXISTS floor (order_id uuid PRIMARY KEY, form jsonb NOT NULL, original bytea NOT NULL)"
_INSERT = (
    "INSERT INTO floor SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::bytea[]) ON CONFLICT DO NOTHING"
)
_KEYS: dict[bytes, ECKey] = {}


def proven(raw: bytes) -> bytes:
    """The payload of a signature that holds with the key that it brings itself; each key is read once."""
    header = raw.split(b".", 1)[0]
    first = json.loads(urlsafe_b64decode(header + b"=" * (-len(header) % 4)))["x5c"][0].encode()
    key = _KEYS.get(first)
    if key is None:
        public: Any = x509.load_der_x509_certificate(b64decode(first)).public_key()
        key = _KEYS[first] = ECKey.import_key(public)
    return jws.deserialize_compact(raw, key, registry=REGISTRY).payload


def _verified(values: list[bytes]) -> list[tuple[Any, str, bytes]]:
    found = []
    for value in values:
        payload = proven(value)
        found.append((SignedForm.model_validate_json(payload).order_id, payload.decode(), value))
    return found


async def run(settings: Settings, topic: str, group: str, count: int) -> tuple[int, float, float]:
    """Take `count` messages; how many, in how many seconds, and of the processor, leaving out the first tenth."""
    conn = await asyncpg.connect(**connection_options(settings, None))
    await conn.execute(_TABLE)
    consumer = AIOKafkaConsumer(
        topic,
        **Connection.of(settings).options(),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=250,
    )
    await consumer.start()
    taken: list[tuple[float, int, float]] = []
    done = 0
    try:
        while done < count:
            batches = await consumer.getmany(timeout_ms=250, max_records=settings.batch_size)
            values = [record.value for records in batches.values() for record in records]
            if not values:
                continue
            rows = await asyncio.to_thread(_verified, values)
            async with conn.transaction():
                await conn.execute(_INSERT, *(list(column) for column in zip(*rows, strict=True)))
            await consumer.commit()
            done += len(values)
            taken.append((time.monotonic(), done, time.process_time()))
    finally:
        await consumer.stop()
        await conn.close()
    began = next(i for i, (_, n, _) in enumerate(taken) if n >= count // 10)
    first, last = taken[began], taken[-1]
    return last[1] - first[1], last[0] - first[0], last[2] - first[2]


if __name__ == "__main__":
    spare_the_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        orders, seconds, own = runner.run(run(load_settings(), sys.argv[1], sys.argv[2], int(sys.argv[3])))
    print(json.dumps({"orders": orders, "seconds": seconds, "own": own}))
