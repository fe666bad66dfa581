"""A process is ready only when it is migrated, assigned, and its services answer; and live all the while."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sigill.embedded import EmbeddedKafka
from sigill.runtime.clock import SystemClock
from sigill.runtime.health import ASSIGNMENT, BROKER, DATABASE, MIGRATIONS, Health
from sigill.stream.connection import Connection
from tests.kit.live_topics import live
from tests.kit.senders import Senders
from tests.kit.services import Services, migrate

NOW = SystemClock().now() - timedelta(minutes=1)


@pytest.fixture
async def unmigrated(services: Services) -> AsyncIterator[str]:
    name = f"bare_{uuid.uuid4().hex[:12]}"
    yield await services.postgres().create_database(name)
    await services.postgres().drop_database(name)


def down(health: Health) -> set[str]:
    """What readiness waits for."""
    return {line.removeprefix("[-]").split(":")[0] for line in health.ready()[1] if line.startswith("[-]")}


async def until(met: Callable[[], bool], serving: asyncio.Task[None], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not met():
            assert not serving.done()
            await asyncio.sleep(0.05)


async def test_before_the_migrations_nothing_is_assigned_and_after_them_all_is_ready(
    kafka: EmbeddedKafka, connection: Connection, unmigrated: str, topic_prefix: str, tmp_path: Path
) -> None:
    if not kafka.real:
        pytest.skip("the mock cluster takes no topics")
    run = await live(connection, unmigrated, topic_prefix, tmp_path, Senders(NOW), NOW)
    wiring = run.wiring()
    stop = asyncio.Event()
    serving = asyncio.create_task(wiring.serve(["directory"], stop))
    try:
        await until(lambda: "[-]migrations: NotMigrated" in wiring.health.ready()[1], serving)
        assert down(wiring.health) == {MIGRATIONS, DATABASE, BROKER, ASSIGNMENT}
        assert wiring.health.live()[0]
        await migrate(unmigrated)
        await until(lambda: wiring.health.ready()[0], serving)
    finally:
        stop.set()
        await asyncio.wait_for(serving, 40)
        await run.close()


async def test_a_worker_goes_on_after_any_number_of_unreadable_messages(
    kafka: EmbeddedKafka, connection: Connection, database: str, topic_prefix: str, tmp_path: Path
) -> None:
    if not kafka.real:
        pytest.skip("the mock cluster takes no topics")
    senders = Senders(NOW)
    run = await live(connection, database, topic_prefix, tmp_path, senders, NOW)
    wiring = run.wiring(dead_letter_max_run=3, health_port=0)
    await run.send([senders.garbage() for _ in range(30)])
    stop = asyncio.Event()
    serving = asyncio.create_task(wiring.serve(["intake"], stop))
    try:
        told = "sigill_dead_letter_limit_reached_total"
        await until(
            lambda: wiring.metrics.registry.get_sample_value(told, {"worker": "intake"}) == 1.0, serving
        )
        lost = {"topic": wiring.settings.topic("ehr.orders.v1"), "reason": "unreadable_signature"}
        await until(
            lambda: wiring.metrics.registry.get_sample_value("sigill_dead_letters_total", lost) == 30.0,
            serving,
        )
    finally:
        stop.set()
        await serving
        await run.close()
