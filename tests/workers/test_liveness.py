"""A consumer that looks healthy while nothing moves is seen by the metric first, and by liveness after it."""

import asyncio
from collections.abc import Callable

import pytest

from sigill.runtime.clock import SystemClock
from sigill.runtime.health import Health
from sigill.runtime.metrics import CONSUMER_LAG, CONSUMER_OLDEST, CONSUMER_STALLED, Metrics
from sigill.stream.connection import Connection
from sigill.stream.consumer import StreamConsumer
from sigill.stream.producer import StreamProducer
from tests.stream.conftest import MakeTopic, numbered, producer, topic

__all__ = ["producer", "topic"]


async def seen(what: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.05)


async def test_a_consumer_that_is_handed_nothing_is_told_and_then_not_live(
    connection: Connection, topic: MakeTopic, producer: StreamProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with aiokafka's sticky assignor: assigned, heartbeats sent, and not a record for an hour."""
    name = await topic()
    await producer.send_in_order(numbered(name, 150))
    metrics = Metrics()
    health = Health(silence=1.0, metrics=metrics, clock=SystemClock())
    consumer = StreamConsumer(
        connection, [name], "stuck", worker="intake", metrics=metrics, health=health, stall_after=0.5
    )

    async def nothing(*_: object, **__: object) -> dict[object, object]:
        return {}

    real = consumer._kafka.getmany
    monkeypatch.setattr(consumer._kafka, "getmany", nothing)
    stop = asyncio.Event()
    taken: list[int] = []

    async def work() -> None:
        async for batch in consumer.batches(stop):
            taken.extend(record.offset for part in batch.values() for record in part)
            await consumer.commit({place: part[-1].offset + 1 for place, part in batch.items()})

    before = SystemClock().now().timestamp()
    await consumer.start()
    working = asyncio.create_task(work())
    place = {"worker": "intake", "topic": name, "partition": "0"}
    try:
        await seen(
            lambda: metrics.registry.get_sample_value(CONSUMER_STALLED.name, {"worker": "intake"}) == 1
        )
        assert metrics.registry.get_sample_value(CONSUMER_LAG.name, place) == 150
        await seen(lambda: not health.live()[0])
        assert "[-]intake: is handed nothing for " in "\n".join(health.live()[1])
        oldest = metrics.registry.get_sample_value(CONSUMER_OLDEST.name, place)
        assert oldest is not None
        assert before <= oldest < SystemClock().now().timestamp() - 1, (
            "it stands, and does not run with the clock"
        )

        monkeypatch.setattr(consumer._kafka, "getmany", real)
        await seen(lambda: len(taken) == 150)
        await seen(lambda: health.live()[0])
        await seen(
            lambda: metrics.registry.get_sample_value(CONSUMER_STALLED.name, {"worker": "intake"}) == 0
        )
    finally:
        stop.set()
        await working
        await consumer.stop()


def test_with_the_settings_as_they_come_a_minute_shows_it_and_two_minutes_end_it() -> None:
    """Told after 30 s and the measuring's 3; not live 60 s later."""
    seconds = [0.0]
    metrics = Metrics()
    health = Health(
        metrics=metrics,
        clock=SystemClock(),
        elapsed=lambda: seconds[0],
    )
    told_at = 30.0 + 3.0
    for second in range(121):
        seconds[0] = float(second)
        health.tick("intake")
        if second >= told_at:
            health.stands_still("intake")
        if second == 60:
            assert metrics.registry.get_sample_value(CONSUMER_STALLED.name, {"worker": "intake"}) == 1
            assert health.live()[0]
    assert not health.live()[0]
