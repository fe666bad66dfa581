"""What the tests of messages by other senders share. Everybody is invented."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer

from sigill.policy.access import AccessQuestion, decide
from sigill.policy.facts import Identity
from sigill.runtime.clock import SystemClock
from sigill.store import facts as stored
from sigill.store import persons
from sigill_contracts.receipt import Receipt
from sigill_contracts.vocabulary import IdType, Service
from tests.kit.live_topics import Live, end, live
from tests.kit.senders import Senders

PN, SN = "personnummer", "samordningsnummer"


def now():
    return SystemClock().now()


async def sees(harness, viewer, patient):
    """May the viewer see the journal now? (allowed, codes); each person as (id_type, number)."""
    who, whom = (Identity(IdType(kind), number) for kind, number in (viewer, patient))
    async with harness.store.reading() as tx:
        ids = await persons.resolve(tx, {who, whom})
        facts = (await stored.patient_facts(tx, {ids[whom]}))[ids[whom]]
    found = decide(
        AccessQuestion(ids.get(who), Service.JOURNAL, harness.clock.now(), None, None),
        facts,
        harness.desk.books,
    )
    return found.allowed, tuple(str(code) for code in found.codes)


async def answers(harness, *messages):
    """Hand messages over; (outcome, codes) of the receipts that come out."""
    await harness.hand_over(*messages)
    events = await harness.out()
    found = [
        Receipt.model_validate_json(e.payload) for e in events if e.aggregatetype == "access.receipts.v1"
    ]
    return [(str(r.outcome), r.codes) for r in found]


async def topic(run, name, seconds=2.0):
    consumer = AIOKafkaConsumer(bootstrap_servers=run.connection.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(run.prefix + name, n) for n in range(3)])
        await consumer.seek_to_beginning()
        found, loop = [], asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def receipts(run):
    return [Receipt.model_validate_json(r.value) for r in await topic(run, "access.receipts.v1")]


def producer(run, **more):
    return Producer({"bootstrap.servers": run.connection.bootstrap, **more})


async def put(client, name, sent, *, value=..., headers=None, **more):
    client.produce(
        name,
        sent.value if value is ... else value,
        sent.key,
        headers=list(sent.headers) if headers is None else headers,
        **more,
    )
    await asyncio.to_thread(client.flush, 20)


def cli(run, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "sigill.cli", *arguments],
        check=False,
        env={**os.environ, **run.environment},
        capture_output=True,
        text=True,
        timeout=90,
    )
    return done.returncode, done.stdout + done.stderr


def finish(process):
    if process.poll() is None:
        end(process, signal.SIGTERM)


_START = now() - timedelta(minutes=1)


@pytest.fixture(scope="module")
def town_now() -> Senders:
    return Senders(_START)


@pytest.fixture
async def run(kafka, connection, database, topic_prefix, tmp_path, town_now) -> AsyncIterator[Live]:
    made = await live(connection, database, topic_prefix, tmp_path, town_now, _START)
    yield made
    await made.close()
