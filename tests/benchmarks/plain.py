"""
The intake as one would write it first: a FastStream handler that takes each message in a transaction of its own.

It does the same job with the same door, rules and tables, and publishes what follows right after its commit, so that it
is spared the outbox, the relay and the offsets in the database; what a crash between commit and publishing loses is lost.

    python -m tests.benchmarks.plain TOPIC GROUP                (in the environment of a run: `turns` starts it)
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from sigill.bootstrap import Wiring
from sigill.consumer.runner import Handler, StepTimings
from sigill.runtime.clock import SystemClock
from sigill.runtime.logging import configure_logging
from sigill.runtime.settings import Settings, load_settings
from sigill.store import outbox
from sigill.store.outbox import OutboxRow
from sigill.store.session import Store, Tx
from sigill.stream.records import as_record
from tests.benchmarks.contestant import contest


class _Caught:
    """What would have gone into the outbox."""

    def __init__(self) -> None:
        self.rows: list[OutboxRow] = []

    async def append(self, tx: Tx, rows: Sequence[OutboxRow]) -> None:
        self.rows = list(rows)


class _Plain(Wiring):
    """The intake's handler as it is wired, without its consumer."""

    topic: str
    group: str

    def _consuming(self, name: str, store: Store, handler: Handler[Any], *more: Any) -> Any:
        return _Subscribed(self, store, handler)


class _Subscribed:
    depends_on: tuple[str, ...] = ()

    def __init__(self, wiring: _Plain, store: Store, handler: Handler[Any]) -> None:
        self.wiring, self.store, self.handler = wiring, store, handler

    async def run(self, stop: asyncio.Event) -> None:
        settings, store, handler = self.wiring.settings, self.store, self.handler
        broker = KafkaBroker(settings.kafka_bootstrap, acks="all", enable_idempotence=True)
        clock = SystemClock()
        caught = _Caught()
        outbox.append = caught.append  # type: ignore[assignment]

        @broker.subscriber(
            self.wiring.topic,
            group_id=self.wiring.group,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.REJECT_ON_ERROR,
            decoder=lambda message: message.body,
        )
        async def take(body: bytes, message: KafkaMessage) -> None:
            record = as_record(message.raw_message)
            prepared = await handler.prepare([record], frozenset())
            steps = StepTimings()
            async with store.transaction(clock.now()) as tx:
                await handler.take(tx, prepared, steps)
            for row in caught.rows:
                await broker.publish(
                    row.payload or b"",
                    settings.topic(row.aggregatetype),
                    key=row.aggregateid.encode(),
                    headers={name: (value or b"").decode() for name, value in row.headers},
                )
            handler.report(prepared, steps)

        await FastStream(broker).run()


async def run(settings: Settings, topic: str, group: str) -> None:
    """Take each message and publish what follows, until the process is ended."""
    wiring = _Plain.of(settings)
    wiring.topic, wiring.group = topic, group
    [worker] = wiring.workers(["intake"])
    await worker.run(asyncio.Event())


if __name__ == "__main__":
    chosen = load_settings()
    configure_logging("json", "info")
    contest(lambda: run(chosen, sys.argv[1], sys.argv[2]))
