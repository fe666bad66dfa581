"""
Who takes the same kinds of orders in turn: Sigill, and what it is held against. All are counted by one rule.

Each is started and takes some orders to get warm. Then the rest is published: it counts from the broker's stamp on the first
of these, from when on there was something to take, to the broker's stamp on the last receipt, or, where there are no
receipts, to the last commit. Processor time is that of all processes between: its own, PostgreSQL's and the broker's.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from sigill.stream.topics import apply_topics
from sigill_contracts.topics import ORDERS
from tests.benchmarks.crowd import Crowd, Message
from tests.benchmarks.ground import NOT_COUNTED, Ground, Process, Receipts, processor, spent

_NOT_OWN = ("PostgreSQL", "Kafka", *NOT_COUNTED)


@dataclass
class Turn:
    """
    What one took: so many orders in so many seconds, with seconds of processor time by what spent them, and the largest
    resident memory of its processes in bytes.
    """

    orders: int
    seconds: float
    used: dict[str, float]
    rss: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Orders a second."""
        return self.orders / max(0.001, self.seconds)

    def each(self) -> dict[str, float]:
        """Microseconds of processor time an order: of its own processes, of PostgreSQL, of the broker, and of all of them."""
        found = {
            "own": sum(seconds for kind, seconds in self.used.items() if kind not in _NOT_OWN),
            "postgres": self.used.get("PostgreSQL", 0.0),
            "kafka": self.used.get("Kafka", 0.0),
        }
        found["all"] = sum(found.values())
        return {name: 1e6 * seconds / self.orders for name, seconds in found.items()}


@dataclass(frozen=True, slots=True)
class Orders:
    """Those of one turn: some to get warm by, and those that count, about people whom the register has told of."""

    warm: Sequence[Message]
    counted: Sequence[Message]

    def __len__(self) -> int:
        return len(self.warm) + len(self.counted)


async def backlog(base: Ground, crowd: Crowd, patients: int) -> list[Message]:
    """People whom the register has told of, and their orders, signed and not sent yet."""
    people, wanted = crowd.people(patients)
    await base.know(people, crowd.staff())
    return crowd.orders(wanted)


async def some_orders(base: Ground, crowd: Crowd, count: int) -> Orders:
    """About `count` orders that count, and a tenth as many before them."""
    warm, counted = max(80, count // 10), int(count / 1.25)
    people, first = crowd.people(warm)
    more, rest = crowd.people(counted)
    await base.know([*people, *more], crowd.staff())
    return Orders(crowd.orders(first), crowd.orders(rest))


async def own_topic(base: Ground, name: str) -> str:
    """A topic like that of the orders, which one alone takes."""
    await apply_topics(base.connection, [replace(ORDERS, name=name)], prefix=base.settings.kafka_topic_prefix)
    return base.settings.topic(name)


async def sigill(base: Ground, orders: Orders, intakes: int = 1) -> Turn:
    """So many intakes and one relay."""

    def start() -> dict[str, Process]:
        named = {f"intake {n + 1}": base.start("intake") for n in range(intakes)}
        return {**named, "relay": base.start("relay")}

    return await _answering(base, orders, None, start)


async def plain_handler(base: Ground, orders: Orders, number: int) -> Turn:
    """The plain handler."""
    topic = await own_topic(base, f"plain.{number}")
    command = [sys.executable, "-m", "tests.benchmarks.plain", topic, topic]
    return await _answering(base, orders, topic, lambda: {"plain": base.run(command)})


async def bare_floor(base: Ground, orders: Orders, number: int) -> Turn:
    """The bare floor."""
    topic = await own_topic(base, f"bare.{number}")
    command = [topic, topic, str(len(orders.warm)), str(len(orders))]
    return await _saying(base, orders, topic, [sys.executable, "-m", "tests.benchmarks.floor", *command])


async def equal_work(base: Ground, orders: Orders, number: int) -> Turn:
    """The equal-work floor, over what `pace` has recorded of just as many orders."""
    topic = await own_topic(base, f"equal.{number}")
    command = [topic, topic, str(base.folder), str(len(orders.warm))]
    return await _saying(base, orders, topic, [sys.executable, "-m", "tests.benchmarks.equal_work", *command])


async def _answering(
    base: Ground, orders: Orders, topic: str | None, start: Callable[[], dict[str, Process]]
) -> Turn:
    """The turn of what answers on the receipts' topic."""
    async with Receipts(base) as receipts:
        processes = start()
        try:
            async with _watched(processes):
                await base.publish(ORDERS, orders.warm, topic=topic)
                await receipts.until(order.event for order in orders.warm)

                async def last() -> float:
                    await receipts.until(order.event for order in orders.counted)
                    return max(receipts.answered[order.event] for order in orders.counted)

                turn = await _counted(base, orders, topic, last)
        finally:
            for process in processes.values():
                process.stop()
        must_be_in_order([*orders.warm, *orders.counted], receipts)
    turn.rss = {name: process.peak for name, process in processes.items()}
    turn.outcomes = dict(receipts.outcomes)
    return turn


async def _saying(base: Ground, orders: Orders, topic: str, command: Sequence[str]) -> Turn:
    """The turn of what says when it is warm, and at which moment it committed the last one."""
    process = base.run(command)
    try:
        await base.publish(ORDERS, orders.warm, topic=topic)
        await process.said("warm")

        async def last() -> float:
            return float(await process.said("done"))

        return await _counted(base, orders, topic, last)
    finally:
        process.stop()


async def _counted(
    base: Ground, orders: Orders, topic: str | None, last: Callable[[], Awaitable[float]]
) -> Turn:
    before = processor()
    first = await base.publish(ORDERS, orders.counted, topic=topic)
    until = await last()
    # while its connections live: what a connection used is gone with it
    return Turn(len(orders.counted), until - first, spent(before, processor()))


@asynccontextmanager
async def _watched(processes: dict[str, Process]) -> AsyncIterator[None]:
    async def watch() -> None:
        while True:
            for process in processes.values():
                process.rss()
            await asyncio.sleep(0.2)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()


def must_be_in_order(orders: Sequence[Message], receipts: Receipts) -> None:
    """Each patient's answers come in the order of its orders, whichever processes took them."""
    sent: dict[bytes, list[str]] = {}
    for order in orders:
        sent.setdefault(order.key.encode(), []).append(order.event)
    for key, wanted in sent.items():
        mine = set(wanted)
        if [order for order in receipts.by_key[key] if order in mine] != wanted:
            raise SystemExit("a patient's receipts came in another order than its orders")
