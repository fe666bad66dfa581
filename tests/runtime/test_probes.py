"""The probes tell stuck from waiting; metrics have the names and labels that the table says."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sigill.runtime.clock import SystemClock
from sigill.runtime.health import (
    BROKER,
    DATABASE,
    EVENT_LOOP,
    MIGRATIONS,
    STATEMENTS,
    Health,
    ProbeServer,
    beat,
)
from sigill.runtime.metrics import (
    ALL,
    BUILD_INFO,
    CONSUMER_LAG,
    OUTBOX_PENDING,
    PROCESSED,
    REFUSALS,
    STEP_SECONDS,
    Metrics,
)
from sigill.stream.connection import BrokerDown, Connection
from sigill.stream.consumer import StreamConsumer


class Probed:
    def __init__(self, health: Health, metrics: Metrics) -> None:
        self.health, self.metrics = health, metrics
        self._server = ProbeServer(health, metrics, "127.0.0.1", 0).start()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self._server.port}{path}", timeout=5)

    async def ask(self, path: str) -> httpx.Response:
        return await asyncio.to_thread(self.get, path)

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
async def probed() -> AsyncIterator[Probed]:
    metrics = Metrics()
    served = Probed(Health(silence=0.5, metrics=metrics, clock=SystemClock()), metrics)
    await served.ask("/livez")
    yield served
    await asyncio.to_thread(served.stop)


async def test_a_blocked_loop_is_not_live_and_is_live_again_afterwards(probed: Probed) -> None:
    heart = asyncio.create_task(beat(probed.health, every=0.05))
    await asyncio.sleep(0.1)
    assert (await probed.ask("/livez")).status_code == 200
    asking = asyncio.get_running_loop().run_in_executor(
        None, lambda: (time.sleep(1), probed.get("/livez"))[1]
    )
    time.sleep(1.6)  # noqa: ASYNC251 (this is the fault)
    blocked = await asking
    assert blocked.status_code == 503
    assert f"[-]{EVENT_LOOP}: silent" in blocked.text
    await asyncio.sleep(0.2)
    assert (await probed.ask("/livez")).status_code == 200
    heart.cancel()


async def test_a_silent_worker_is_not_live_though_the_loop_turns(probed: Probed) -> None:
    heart = asyncio.create_task(beat(probed.health, every=0.05))
    probed.health.tick("intake")
    await asyncio.sleep(0.8)
    answer = await probed.ask("/livez?verbose")
    assert answer.status_code == 503
    assert answer.text.splitlines() == ["[+]event_loop turns", "[-]intake: silent for 1 s", "not ok"]
    probed.health.ended("intake")
    assert (await probed.ask("/livez")).text == "ok\n"
    heart.cancel()


async def test_a_broker_that_is_down_is_not_ready_and_still_live(probed: Probed) -> None:
    probed.health.tick(EVENT_LOOP)
    probed.health.expect(BROKER, DATABASE)
    probed.health.up(DATABASE)
    consumer = StreamConsumer(Connection("127.0.0.1:1"), ["t"], "g", health=probed.health)
    with pytest.raises(BrokerDown):
        await consumer.start()
    probed.health.tick(EVENT_LOOP)
    assert (await probed.ask("/livez")).status_code == 200
    answer = await probed.ask("/readyz?verbose")
    assert answer.status_code == 503
    assert "[-]broker: KafkaConnectionError" in answer.text
    assert "[+]database ok" in answer.text
    samples = (await probed.ask("/metrics")).text
    assert 'sigill_dependency_up{dependency="broker"} 0.0' in samples
    probed.health.up(BROKER)
    assert (await probed.ask("/readyz")).text == "ok\n"


async def test_migrations_behind_is_not_ready(probed: Probed) -> None:
    probed.health.expect(MIGRATIONS)
    assert (await probed.ask("/readyz")).text.startswith("[-]migrations: not yet")
    probed.health.up(MIGRATIONS)
    assert (await probed.ask("/readyz")).status_code == 200


def test_a_lock_that_is_held_is_not_a_database_that_does_not_answer() -> None:
    metrics = Metrics()
    health = Health(metrics=metrics, clock=SystemClock())

    def told(dependency: str) -> float | None:
        return metrics.registry.get_sample_value("sigill_dependency_up", {"dependency": dependency})

    health.expect(DATABASE)
    assert (told(DATABASE), told(STATEMENTS)) == (None, None)  # nothing is known yet
    health.down(STATEMENTS, "LockNotAvailableError")
    assert (told(DATABASE), told(STATEMENTS)) == (1, 0)
    assert not health.ready()[0]
    health.up(DATABASE)
    assert (told(DATABASE), told(STATEMENTS)) == (1, 1)
    health.down(DATABASE, "ConnectionRefusedError")
    assert (told(DATABASE), told(STATEMENTS)) == (0, 1)


def test_a_process_exports_what_it_has_told_of_and_counts_begin_at_nothing() -> None:
    metrics = Metrics()
    assert metrics.text() == b""
    metrics.begin(REFUSALS, code=["a", "b"], region=["r"])
    told = [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    assert told == [f'sigill_order_refusals_total{{code="{code}",region="r"}} 0.0' for code in "ab"]


def test_down_and_back_are_news_once() -> None:
    health = Health()
    assert [health.down(BROKER, "x"), health.down(BROKER, "y"), health.up(BROKER), health.up(BROKER)] == [
        True,
        False,
        True,
        False,
    ]


async def test_the_exposition_parses_and_every_name_is_in_the_table(probed: Probed) -> None:
    metrics = probed.metrics
    metrics.inc(PROCESSED, outcome="executed", form="seal_journal", region="r")
    metrics.set(CONSUMER_LAG, 3, worker="intake", topic="t", partition="0")
    metrics.set(OUTBOX_PENDING, 1)
    metrics.set(BUILD_INFO, 1, worker="intake", version="0.1.0", python="3.11")
    with metrics.timed(STEP_SECONDS, worker="intake", step="verify"):
        pass
    answer = await probed.ask("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    kinds = {metric.name.removesuffix("_total"): metric for metric in ALL}
    for family in text_string_to_metric_families(answer.text):
        metric = kinds[family.name.removesuffix("_total")]
        assert family.type == metric.kind
        for sample in family.samples:
            assert sample.name.startswith("sigill_")
            assert set(sample.labels) - {"le"} == set(metric.labels)
            for value in sample.labels.values():
                assert not re.fullmatch(r"\d{10}|\d{12}", value)


def test_names_follow_prometheus_conventions() -> None:
    names = [metric.name for metric in ALL]
    assert len(names) == len(set(names))
    for metric in ALL:
        assert re.fullmatch(r"sigill_[a-z][a-z_]*", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert not metric.name.endswith(("_ms", "_milliseconds", "_minutes"))
        assert not {"order_id", "patient", "person", "key", "id", "offset"} & set(metric.labels)
        assert metric.help.endswith(".")


def test_the_series_of_a_lost_partition_is_forgotten() -> None:
    metrics = Metrics()
    place = {"worker": "w", "topic": "t", "partition": "0"}
    metrics.set(CONSUMER_LAG, 3, **place)
    metrics.forget(CONSUMER_LAG, **place)
    metrics.forget(CONSUMER_LAG, **place)
    assert metrics.registry.get_sample_value(CONSUMER_LAG.name, place) is None
