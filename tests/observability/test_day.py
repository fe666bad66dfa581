"""After a small day every metric of the table has been set by somebody: no dashboard asks for what nobody tells."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.responses import PlainTextResponse

from sigill.bootstrap import Wiring
from sigill.embedded import EmbeddedKafka
from sigill.operations.queue_figures import QueueWatch
from sigill.policy.calendar import midnight, swedish_date
from sigill.policy.effects import SetTimer, TimerKind
from sigill.policy.facts import Identity
from sigill.policy.rulebook import SourceRule
from sigill.runtime.clock import SystemClock
from sigill.runtime.metrics import (
    ALL,
    API_SECONDS,
    CONSUMER_COMMIT_FAILURES,
    CONSUMER_LOG_REPLACED,
    CONSUMER_SET_ASIDE,
    DATABASE_RETRIES,
    DATABASE_WENT_BACK,
    DEAD_LETTER_LIMIT,
    OUTBOX_FAILURES,
    RULEBOOK_RELEASE,
    RULEBOOK_RELEASES_REFUSED,
    Metric,
    Metrics,
)
from sigill.runtime.tracing import Tracing
from sigill.runtime.worker_specs import ORDER_WORKERS
from sigill.store import elsewhere, persons, timers
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.partition_lag import PartitionLags
from sigill.web.app import measured
from sigill_contracts.vocabulary import IdType, RegionCode
from tests.kit.live_topics import Live, live
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, Senders, Sent, person

NOW = SystemClock().now() - timedelta(minutes=1)
TROUBLE = {
    CONSUMER_COMMIT_FAILURES,
    CONSUMER_LOG_REPLACED,
    CONSUMER_SET_ASIDE,
    DATABASE_RETRIES,
    DATABASE_WENT_BACK,
    DEAD_LETTER_LIMIT,
    OUTBOX_FAILURES,
}
"""Counted on bad days only: each is in a test of the trouble that it counts."""
OF_RELEASES = {RULEBOOK_RELEASE, RULEBOOK_RELEASES_REFUSED}
"""Told where rules are read from the database only, and tested there."""
ROOT = Path(__file__).parents[2]
SOURCE = "1177"


def told(metrics: Metrics) -> set[str]:
    """The names of the metrics that have a value."""
    found = set()
    for family in metrics.registry.collect():
        if any(sample.value or family.type == "gauge" for sample in family.samples):
            found.add(family.name)
    return found


def day(senders: Senders, now: datetime) -> list[Sent]:
    """Orders of every fate, and custody that ends today."""
    ending = [
        {"guardian": person(MOTHER)},
        {"guardian": person(FATHER), "to_date": swedish_date(now).isoformat()},
    ]
    return [
        senders.registers(now - timedelta(days=1), CHILD, sequence=2, custody=ending),
        senders.orders(now),
        senders.orders(now, "block_guardians", patient=person(CHILD)),
        senders.orders(now, patient=person("199001012384")),
        senders.signs(senders.form(now), now, tamper="signature"),
        senders.garbage(MOTHER),
    ]


@pytest.fixture
async def run(
    kafka: EmbeddedKafka, connection: Connection, database: str, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[tuple[Live, Senders]]:
    if not kafka.real:
        pytest.skip("the mock cluster takes no topics")
    senders = Senders(NOW)
    made = await live(connection, database, topic_prefix, tmp_path, senders, NOW)
    yield made, senders
    await made.close()


async def test_every_metric_is_told_by_somebody(run: tuple[Live, Senders]) -> None:
    made, senders = run
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    wiring = made.wiring()
    wiring.tracing = Tracing(provider, client_id="sigill", server="broker:9092")
    stop = asyncio.Event()
    serving = asyncio.create_task(wiring.serve(ORDER_WORKERS, stop))
    try:
        await made.send(day(senders, NOW))
        await made.receipts(3)
        await _look_over(wiring)
        async with asyncio.timeout(60):
            while missing := _missing(wiring.metrics):
                await asyncio.sleep(0.2)
                assert not serving.done(), missing
    except TimeoutError:
        pytest.fail(f"told by nobody: {sorted(missing)}")
    finally:
        stop.set()
        await asyncio.wait_for(serving, 60)
    commits = [span for span in exporter.get_finished_spans() if span.name.startswith("commit ")]
    assert {span.kind for span in commits} == {SpanKind.CLIENT}
    assert f"commit {made.prefix}ehr.orders.v1" in {span.name for span in commits}
    assert all((span.attributes or {})["messaging.operation.type"] == "settle" for span in commits)
    _nothing_is_left_of_partitions_given_up(wiring.metrics)


def _missing(metrics: Metrics) -> set[str]:
    wanted = {m.name.removesuffix("_total") for m in ALL if m not in TROUBLE | OF_RELEASES | {API_SECONDS}}
    # given up at the end of the run, below
    return wanted - told(metrics) - {"sigill_consumer_rebalances"}


def _nothing_is_left_of_partitions_given_up(metrics: Metrics) -> None:
    for family in metrics.registry.collect():
        if family.name in (
            "sigill_consumer_lag_records",
            "sigill_consumer_oldest_unprocessed_timestamp_seconds",
            "sigill_consumer_last_commit_timestamp_seconds",
        ):
            assert family.samples == [], family.name
        if family.name == "sigill_consumer_assigned_partitions":
            assert {sample.value for sample in family.samples} == {0.0}


async def _look_over(wiring: Wiring) -> None:
    """As the console's worker does; with a timer that is due later today, and a source that has been read."""
    store = await Store.open(wiring.settings)
    try:
        async with store.transaction(NOW) as tx:
            [who] = (await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, ADULT)])).values()
            later = midnight(swedish_date(NOW) + timedelta(days=1)) - timedelta(seconds=1)
            await timers.set(tx, [SetTimer(TimerKind.REVIEW_DUE, later, who, RegionCode("testland"))])
            await elsewhere.read_up_to(tx, {SOURCE: NOW})
        watch = QueueWatch(
            store,
            PartitionLags(wiring.connection),
            wiring.settings,
            wiring.clock,
            wiring.metrics,
            wiring.health,
            {SOURCE: SourceRule(limit_minutes=30, sv="1177", en="1177")},
        )
        await watch.look()
        await watch.standings.close()
    finally:
        await store.close()


async def test_what_the_api_takes_is_measured_without_its_path() -> None:
    metrics = Metrics()
    app = measured(PlainTextResponse("api"), metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        await client.post("/v1/access/decisions")
        await client.get("/v1/persons/v1.secret/access")
    text = metrics.text().decode()
    assert re.findall(rf'{API_SECONDS.name}_count{{operation="(\w+)",status="(\w+)"}} 1.0', text) == [
        ("decisions", "2xx"),
        ("other", "2xx"),
    ]
    assert "secret" not in text


@pytest.mark.parametrize("metric", sorted(TROUBLE, key=lambda m: m.name), ids=lambda m: m.name)
def test_what_is_counted_on_bad_days_is_counted_in_a_test_of_them(metric: Metric) -> None:
    here = Path(__file__)
    texts = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py") if path != here]
    assert any(metric.name in text for text in texts), f"no test counts {metric.name}"
