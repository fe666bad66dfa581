"""
Where the processor's time goes: microseconds of it an order, by worker and step, in this process.

    python -m tests.benchmarks.cost [--orders N] [--profile FOLDER]

Processor time is what a busy machine distorts least, and what the optimiser looks at: the wall's clock is `intake`'s.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import fields
from io import StringIO
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from sigill.bootstrap import Wiring
from sigill.consumer.runner import ConsumerRunner, Handler, StepTimings
from sigill.relay.checkpoints import signer_for
from sigill.runtime.lifecycle import spare_the_collector
from sigill.runtime.logging import configure_logging
from sigill.store import outbox
from sigill.store.session import Store
from sigill.stream.records import Partition, Record, as_record
from sigill_contracts.topics import ORDERS, PERSONS, STAFF, TopicSpec
from tests.benchmarks.ground import CLOCK, Ground, ground, load


async def records_of(base: Ground, spec: TopicSpec) -> list[Record]:
    """Everything on a topic, a partition after the other."""
    consumer = AIOKafkaConsumer(**base.connection.options(), enable_auto_commit=False, max_poll_records=5000)
    await consumer.start()
    try:
        parts = [TopicPartition(base.topic(spec), p) for p in range(spec.partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(parts)
        found: list[Record] = []
        while len(found) < sum(ends.values()):
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                found += [as_record(record) for record in batch]
        return sorted(found, key=lambda r: (r.partition, r.offset))
    finally:
        await consumer.stop()


class Costs:
    """Seconds of processor time by what they were spent on."""

    def __init__(self, profile: str | None) -> None:
        self.rows: list[tuple[str, float, float, int]] = []
        self.profile = profile

    @contextmanager
    def spent(self, what: str, count: int) -> Iterator[None]:
        profiler = cProfile.Profile() if self.profile else None
        began, wall = time.process_time(), time.perf_counter()
        if profiler:
            profiler.enable()
        yield
        if profiler:
            profiler.disable()
            profiler.dump_stats(f"{self.profile}/{what.replace(' ', '-')}.prof")
        self.rows.append((what, time.process_time() - began, time.perf_counter() - wall, count))

    def table(self) -> str:
        """Microseconds a record, processor and wall."""
        return "\n".join(
            f"{what:<32}{1e6 * cpu / n:>9.0f} µs of processor{1e6 * wall / n:>9.0f} µs of the wall   ({n})"
            for what, cpu, wall, n in self.rows
        )


def _batches(records: list[Record], size: int) -> list[dict[Partition, list[Record]]]:
    """As the consumer hands them out: a partition is emptied before the next."""
    made = []
    for start in range(0, len(records), size):
        batch: dict[Partition, list[Record]] = {}
        for record in records[start : start + size]:
            batch.setdefault(record.place, []).append(record)
        made.append(batch)
    return made


class _Watched:
    """A handler that tells what its steps took."""

    def __init__(self, handler: Handler[Any]) -> None:
        self._handler = handler
        self.prepare, self.take = handler.prepare, handler.take
        self.unreadable, self.failed = handler.unreadable, handler.failed
        self.steps: dict[str, float] = {}

    def report(self, prepared: Any, steps: StepTimings) -> None:
        for step, spent in steps.seconds.items():
            self.steps[step] = self.steps.get(step, 0.0) + spent
        self._handler.report(prepared, steps)


class _Handed(ConsumerRunner[Any]):
    """A worker that is handed every record of its topic, instead of what a consumer brings."""

    base: Ground
    costs: Costs

    async def run(self, stop: asyncio.Event) -> None:
        spec = next(s for s in (ORDERS, PERSONS, STAFF) if s.read_by[0] == self.name)
        records = await records_of(self.base, spec)
        await self._assigned(frozenset(record.place for record in records))
        handler = self.handler = _Watched(self.handler)
        with self.costs.spent(self.name, len(records)):
            for batch in _batches(records, self.batch_size):
                await self.take(batch)
        steps = {step: round(1e6 * spent / len(records)) for step, spent in handler.steps.items()}
        print(self.name, steps, "µs of the wall")


class _Measured(Wiring):
    """The workers as they are wired, with records handed to them."""

    base: Ground
    costs: Costs

    def _consuming(self, name: str, store: Store, handler: Handler[Any], *more: Any) -> ConsumerRunner[Any]:
        made = Wiring._consuming(self, name, store, handler, *more)
        handed = _Handed(
            **{f.name: getattr(made, f.name) for f in fields(made) if not f.name.startswith("_")}
        )
        handed.base, handed.costs = self.base, self.costs
        return handed


async def measure(base: Ground, orders: int, profile: str | None) -> Costs:
    """Hand records to the handlers in this process, as `ConsumerRunner` does."""
    costs = Costs(profile)
    crowd = base.crowd()
    people, wanted = crowd.people(orders)
    signed = crowd.orders(wanted)
    await base.publish(STAFF, crowd.staff())
    await base.publish(PERSONS, people)
    await base.publish(ORDERS, signed)

    wiring = _Measured.of(base.settings)
    spare_the_collector()
    wiring.base, wiring.costs = base, costs
    for name in ("directory", "register", "intake"):
        [worker] = wiring.workers([name])
        await worker.run(asyncio.Event())
        if name in ("register", "intake"):
            await _relay(wiring, name)
    return costs


async def _relay(wiring: _Measured, after: str) -> None:
    signer, _ = signer_for(wiring.settings.environment, wiring.settings.audit_key)
    relay = wiring.relay(wiring.base.store, signer)
    await relay.producer.start()
    try:
        async with wiring.base.store.reading() as tx:
            waiting = (await outbox.stats(tx)).pending
        with wiring.costs.spent(f"relay-after-{after}", waiting):
            await relay.publish_all()
    finally:
        await relay.producer.stop()


async def _main(orders: int, profile: str | None) -> None:
    async with ground() as base:
        logged = StringIO()
        with redirect_stderr(logged):
            configure_logging("json", "info")
        costs = await measure(base, orders, profile)
        print(costs.table())
        print(f"load {load():.1f}, {CLOCK.now():%H:%M}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--profile", metavar="FOLDER", help="write a cProfile file for each worker there")
    chosen = parser.parse_args()
    asyncio.run(_main(chosen.orders, chosen.profile))
