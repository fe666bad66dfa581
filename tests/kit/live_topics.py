"""The whole program over a real broker: what the town sends, and what comes back on the topics."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from sigill.bootstrap import Wiring
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.settings import load_settings
from sigill.stream.connection import Connection
from sigill.stream.producer import OutgoingRecord, StreamProducer
from sigill.stream.topics import apply_topics
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import RECEIPTS, TOPICS
from tests.kit.senders import AUDIENCE, Senders, Sent
from tests.kit.testland import NATIONAL, TESTLAND

PARTITIONS = 3


@dataclass
class Live:
    """One run: its topics, database and folder. `environment` is what a worker process needs."""

    connection: Connection
    prefix: str
    environment: dict[str, str]
    folder: Path
    _producer: StreamProducer = field(init=False)

    def __post_init__(self) -> None:
        self._producer = StreamProducer(self.connection, send_timeout=60)

    def wiring(self, **more: Any) -> Wiring:
        """The workers' wiring in this process."""
        plain = {k.removeprefix("SIGILL_").lower(): v for k, v in self.environment.items()}
        plain["patient_keys"] = json.loads(plain["patient_keys"])
        return Wiring.of(load_settings(**{**plain, **more}), books=Rulebooks.of(TESTLAND, NATIONAL))

    def process(self, *names: str) -> subprocess.Popen[bytes]:
        """The workers as a process of their own."""
        log = (self.folder / "workers.log").open("ab")
        return subprocess.Popen(
            [sys.executable, "-m", "tests.workers.program", *names],
            env={**os.environ, **self.environment},
            stdout=log,
            stderr=log,
        )

    def log(self) -> str:
        return (self.folder / "workers.log").read_text("utf-8", "replace")

    async def send(self, messages: Sequence[Sent]) -> None:
        """Publish messages, those of a key in order."""
        await self._producer.send_in_order(
            [OutgoingRecord(f"{self.prefix}{m.topic.name}", m.key, m.value, m.headers) for m in messages]
        )

    async def receipts(self, count: int, patience: float = 60.0) -> list[Receipt]:
        """Read the receipts topic from its beginning until `count` have come for good; then whatever else is there."""
        topic = f"{self.prefix}{RECEIPTS.name}"
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.connection.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        found: list[Receipt] = []
        try:
            consumer.assign([TopicPartition(topic, n) for n in range(PARTITIONS)])
            await consumer.seek_to_beginning()
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    # a killed relay sends its last batch again: a repeat is no further answer
                    while len({r.receipt_id for r in found if r.outcome != "pending"}) < count:
                        for records in (await consumer.getmany(timeout_ms=200)).values():
                            found += [Receipt.model_validate_json(r.value or b"") for r in records]
            for records in (await consumer.getmany(timeout_ms=700)).values():
                found += [Receipt.model_validate_json(r.value or b"") for r in records]
        finally:
            await consumer.stop()
        return found

    async def close(self) -> None:
        await self._producer.stop()


async def live(
    connection: Connection, database: str, prefix: str, folder: Path, senders: Senders, now: datetime
) -> Live:
    """Make topics, keys and certificates for one run; the town's people and staff are on their topics."""
    specs = [replace(spec, partitions=PARTITIONS) for spec in TOPICS]
    await apply_topics(connection, specs, prefix=prefix)
    files = senders.authority.publish(folder / "ca", now - timedelta(hours=1))
    made = Live(
        connection,
        prefix,
        {
            "SIGILL_ENVIRONMENT": "test",
            "SIGILL_AUDIENCE": AUDIENCE,
            "SIGILL_DATABASE_URL": database,
            "SIGILL_DATABASE_SCHEMA": "sigill",
            "SIGILL_DATABASE_POOL_MAX": "4",
            "SIGILL_KAFKA_BOOTSTRAP": connection.bootstrap,
            "SIGILL_KAFKA_TOPIC_PREFIX": prefix,
            "SIGILL_KAFKA_GROUP_PREFIX": prefix.strip("."),
            "SIGILL_KAFKA_SESSION_TIMEOUT": "6",
            "SIGILL_KAFKA_SEND_TIMEOUT": "10",
            "SIGILL_BACKOFF_MAX": "1",
            "SIGILL_BATCH_SIZE": "40",
            "SIGILL_PATIENT_KEYS": json.dumps({"v1": base64.b64encode(bytes(32)).decode()}),
            "SIGILL_TRUST_ANCHORS": str(files.anchors),
            "SIGILL_TRUST_INTERMEDIATES": str(files.intermediates),
            "SIGILL_CRL_FOLDERS": str(files.crls),
        },
        folder,
    )
    await made.send([*senders.staff(now - timedelta(days=1)), *senders.people(now - timedelta(days=1))])
    return made


def end(process: subprocess.Popen[bytes], how: signal.Signals) -> int:
    """Send a signal and wait for the end."""
    process.send_signal(how)
    return process.wait(40)


def orders_of(senders: Senders, now: datetime, count: int) -> list[Sent]:
    """Seals of the town's grown-ups, each patient's in order."""
    from tests.kit.senders import ADULT, FATHER, MOTHER, person

    people = (ADULT, FATHER, MOTHER)
    return [senders.orders(now, patient=person(people[n % 3])) for n in range(count)]


def check_history(sent: Sequence[Sent], receipts: Sequence[Receipt]) -> None:
    """
    Every acknowledged order has one first answer, and a patient's answers come in the order of the orders.

    Repeats of a receipt, by its id, are removed as a reader would.
    """
    # an order that is quicker than the register waits for it, and has its answer after that
    unique = [
        r for r in {r.receipt_id: r for r in receipts}.values() if r.codes != ("patient_not_yet_known",)
    ]
    answered = [str(r.order_id) for r in unique if r.outcome != "duplicate"]
    assert sorted(answered) == sorted(s.order_id for s in sent), "an order without its answer, or with two"
    place = {order_id: n for n, order_id in enumerate(answered)}
    for key in {s.key for s in sent}:
        own = [place[s.order_id] for s in sent if s.key == key]
        assert own == sorted(own), "a patient's answers out of order"
    others = {(str(r.outcome), r.codes) for r in unique} - {("executed", ())}
    assert not others, f"other answers than executed: {others}"
