"""
The floor under the intake: the same messages consumed, verified by the bare library call, validated, inserted in bulk.

Nothing else: no chain, no revocation, no decider, no rules, no measures, no audit, no receipt. What is faster than this
has left out something that everybody needs; the intake's distance from it is the price of all the rest.

    python -m tests.benchmarks.floor TOPIC GROUP WARM COUNT     (in the environment of a run: `turns` starts it)
"""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64decode, urlsafe_b64decode
from typing import Any

import asyncpg
from cryptography import x509
from joserfc import jws
from joserfc.jwk import ECKey

from sigill.runtime.settings import Settings, load_settings
from sigill.store.session import connection_options
from sigill.trust.jades import REGISTRY
from sigill_contracts.order import SignedForm
from tests.benchmarks.contestant import Progress, consumer_of, contest

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


async def run(settings: Settings, topic: str, group: str, warm: int, count: int) -> None:
    """Take `count` messages; say when the first `warm` are committed, and when the last one was (UTC, seconds)."""
    conn = await asyncpg.connect(**connection_options(settings, None))
    await conn.execute(_TABLE)
    consumer = consumer_of(settings, topic, group, fetch_max_wait_ms=250)
    await consumer.start()
    progress = Progress(warm)
    try:
        while progress.taken < count:
            batches = await consumer.getmany(timeout_ms=250, max_records=settings.batch_size)
            values = [record.value for records in batches.values() for record in records]
            if not values:
                continue
            rows = await asyncio.to_thread(_verified, values)
            async with conn.transaction():
                await conn.execute(_INSERT, *(list(column) for column in zip(*rows, strict=True)))
            await consumer.commit()
            progress.took(len(values))
        await progress.done()
    finally:
        await consumer.stop()
        await conn.close()


if __name__ == "__main__":
    contest(lambda: run(load_settings(), sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
