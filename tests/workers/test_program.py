"""The running program on a real broker and database, killed, stopped and cut off."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sigill.embedded import EmbeddedKafka
from sigill.runtime.clock import SystemClock
from sigill.runtime.worker_specs import ORDER_WORKERS
from sigill.stream.connection import Connection
from tests.kit.live_topics import Live, check_history, end, live, orders_of
from tests.kit.senders import Senders
from tests.kit.services import Services

NOW = SystemClock().now() - timedelta(minutes=1)


@pytest.fixture(scope="module")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="module")
def town_today() -> Senders:
    return Senders(NOW)


@pytest.fixture
async def run(
    kafka: EmbeddedKafka,
    connection: Connection,
    database: str,
    topic_prefix: str,
    tmp_path: Path,
    town_today: Senders,
) -> AsyncIterator[Live]:
    if not kafka.real:
        pytest.skip("the mock cluster takes no topics")
    made = await live(connection, database, topic_prefix, tmp_path, town_today, NOW)
    yield made
    await made.close()


async def test_a_stop_in_the_middle_finishes_the_batch_and_the_next_start_goes_on(
    run: Live, town_today: Senders
) -> None:
    sent = orders_of(town_today, NOW, 120)
    await run.send(sent[:60])
    for part in (sent[60:90], sent[90:]):
        stop = asyncio.Event()
        serving = asyncio.create_task(run.wiring().serve(ORDER_WORKERS, stop))
        await run.receipts(1)
        await run.send(part)
        stop.set()
        await asyncio.wait_for(serving, 40)
    stop = asyncio.Event()
    serving = asyncio.create_task(run.wiring().serve(ORDER_WORKERS, stop))
    receipts = await run.receipts(120)
    stop.set()
    await asyncio.wait_for(serving, 40)
    check_history(sent, receipts)


async def test_killed_again_and_again_nothing_is_lost_doubled_or_reordered(
    run: Live, town_today: Senders
) -> None:
    sent = orders_of(town_today, NOW, 300)
    await run.send(sent[:100])
    for turn, part in enumerate((sent[100:150], sent[150:220], sent[220:280])):
        process = run.process()
        try:
            await run.receipts(20 + 60 * turn, patience=40)
            await run.send(part)
            await asyncio.sleep(0.15 * turn)
        finally:
            end(process, signal.SIGKILL)
    process = run.process()
    await run.send(sent[280:])  # so that it is at work, and not still starting, when it is told to stop
    try:
        receipts = await run.receipts(300)
        assert end(process, signal.SIGTERM) == 0
    finally:
        process.kill()
    check_history(sent, receipts)
    for number in ("19700606", "19850101", "19840202", "197006062388"):
        assert number not in run.log()


async def test_killed_and_started_under_its_own_name_it_waits_for_no_time_out(
    run: Live, town_today: Senders
) -> None:
    """Without a name of its own it would get its partitions back when the session of the killed one has run out."""
    run.environment |= {"SIGILL_KAFKA_INSTANCE_ID": "pod-0", "SIGILL_KAFKA_SESSION_TIMEOUT": "120"}
    sent = orders_of(town_today, NOW, 30)
    await run.send(sent[:10])
    process = run.process()
    try:
        await run.receipts(10)
        end(process, signal.SIGKILL)
        await run.send(sent[10:])
        process = run.process()
        receipts = await run.receipts(30, patience=60)
        assert end(process, signal.SIGTERM) == 0
    finally:
        process.kill()
    check_history(sent, receipts)


async def test_two_intakes_and_two_relays_share_the_work(run: Live, town_today: Senders) -> None:
    sent = orders_of(town_today, NOW, 200)
    first, second = run.process(), run.process("intake", "relay", "transitions")
    try:
        await run.send(sent)
        receipts = await run.receipts(200)
    finally:
        codes = [end(process, signal.SIGTERM) for process in (first, second)]
    assert codes == [0, 0]
    check_history(sent, receipts)


@pytest.mark.faults
async def test_a_broker_that_is_killed_and_comes_back_is_waited_for(
    own_kafka: EmbeddedKafka, services: Services, topic_prefix: str, tmp_path: Path, town_today: Senders
) -> None:
    connection = Connection(own_kafka.bootstrap, client_id="test")
    async with services.database() as dsn:
        run = await live(connection, dsn, topic_prefix, tmp_path, town_today, NOW)
        sent = orders_of(town_today, NOW, 150)
        process = run.process()
        try:
            await run.send(sent[:75])
            await run.receipts(30)
            own_kafka.kill()
            await asyncio.sleep(3)
            assert process.poll() is None
            own_kafka.start()
            await run.close()
            run = Live(run.connection, run.prefix, run.environment, run.folder)
            await run.send(sent[75:])
            receipts = await run.receipts(150, patience=90)
            assert end(process, signal.SIGTERM) == 0
        finally:
            process.kill()
            await run.close()
    check_history(sent, receipts)
    log = run.log()
    assert log.count('"event": "down"') <= 12, "said once, not at every try"
