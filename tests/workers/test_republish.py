"""`sigill outbox republish`: what a topic lost goes out again, in order and marked; nobody is told what is not so now."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from sigill.operations.republishing import LETTER, OVERTAKEN, RepublishCounts, RepublishSelection, republish
from sigill.stream.connection import Connection
from sigill.stream.producer import OutgoingRecord, StreamProducer
from sigill.stream.topics import apply_topics, delete_topics
from sigill_contracts.topics import AUDIT_HEADS, NOTIFICATIONS, OUTGOING, RECEIPTS, STATE
from sigill_contracts.vocabulary import Suppression
from tests.kit.worker_harness import START, WorkerHarness
from tests.workers.test_relay import Topic, relay

EVERYTHING = tuple(spec.name for spec in OUTGOING)
MINUTE = timedelta(minutes=1)


async def published(harness: WorkerHarness) -> list[OutgoingRecord]:
    topic = Topic()
    await relay(harness, topic).publish_all()
    return topic.sent


async def again(harness: WorkerHarness, *topics: str, dry_run: bool = False, **lost: Any) -> RepublishCounts:
    window = {"since": START - timedelta(days=40), "until": harness.clock.now() + MINUTE, **lost}
    what = RepublishSelection(topics or EVERYTHING, **window)
    return await republish(
        harness.store, harness.clock, "SE1-OP", what, "the topic was deleted", dry_run=dry_run
    )


async def order(harness: WorkerHarness, form: str = "seal_journal", **fields: Any) -> list[OutgoingRecord]:
    harness.clock.advance(MINUTE)
    await harness.hand_over(harness.senders.orders(harness.clock.now(), form, **fields))
    return await published(harness)


def of(records: list[OutgoingRecord], topic: str) -> list[OutgoingRecord]:
    return [record for record in records if record.topic == topic]


def marked(record: OutgoingRecord) -> bytes | None:
    return dict(record.headers).get("ce_republished")


def unmarked(record: OutgoingRecord) -> tuple[object, ...]:
    headers = tuple(header for header in record.headers if header[0] != "ce_republished")
    return record.topic, record.key, record.value, headers


async def test_what_was_lost_goes_out_again_as_it_was_in_order_and_marked(harness: WorkerHarness) -> None:
    first = await published(harness) + await order(harness) + await order(harness, units=None)
    assert all(marked(record) is None for record in first)
    harness.clock.advance(MINUTE)

    planned = await again(harness, RECEIPTS.name, dry_run=True)
    assert await published(harness) == []
    assert await again(harness, RECEIPTS.name) == planned
    second = await published(harness)

    receipts = of(first, RECEIPTS.name)
    assert len(receipts) == 2
    assert [unmarked(record) for record in second] == [unmarked(record) for record in receipts]
    assert {marked(record) for record in second} == {f"{harness.clock.now():%Y-%m-%dT%H:%M:%SZ}".encode()}

    # copies are not copied: a second time it is as many again
    assert (await again(harness, RECEIPTS.name)).sent == {RECEIPTS.name: 2}


async def test_only_what_was_written_in_the_time_goes_out(harness: WorkerHarness) -> None:
    await order(harness)
    early = harness.clock.now()
    await order(harness, units=None)
    assert (await again(harness, RECEIPTS.name, until=early)).sent == {}
    assert (await again(harness, RECEIPTS.name, until=early + MINUTE)).sent == {RECEIPTS.name: 1}
    assert (await again(harness, RECEIPTS.name, since=early)).sent == {RECEIPTS.name: 2}


async def test_a_state_that_a_newer_one_has_overtaken_stays_back(harness: WorkerHarness) -> None:
    """On a compacted topic an old state behind a newer one would be the patient's last word."""
    await published(harness)
    before = of(await order(harness), STATE.name)
    newest = of(await order(harness, units=None), STATE.name)
    assert len(before) == len(newest) == 1
    found = await again(harness, STATE.name)
    sent = [record for record in await published(harness) if record.key == newest[0].key]
    assert [record.value for record in sent] == [newest[0].value]
    assert found.left[OVERTAKEN] >= 1


async def test_no_old_state_goes_out_while_the_newest_still_waits(harness: WorkerHarness) -> None:
    await published(harness)
    (before,) = of(await order(harness), STATE.name)
    harness.clock.advance(MINUTE)
    await harness.hand_over(harness.senders.orders(harness.clock.now(), units=None))
    await again(harness, STATE.name)
    sent = [record for record in of(await published(harness), STATE.name) if record.key == before.key]
    assert len(sent) == 1
    assert sent[0].value != before.value
    assert marked(sent[0]) is None


async def test_a_notice_goes_out_again_only_while_nothing_has_changed(harness: WorkerHarness) -> None:
    notices = [json.loads(r.value or b"") for r in of(await order(harness), NOTIFICATIONS.name)]
    told = [one for one in notices if one["suppressed"] is None and one["recipient"]["kind"] != "operators"]
    assert told
    letters = [one for one in told if one["channel"] == "letter"]
    found = await again(harness, NOTIFICATIONS.name, dry_run=True)
    assert found.left[LETTER] == len(letters)
    assert found.sent[NOTIFICATIONS.name] == len(notices) - len(letters)

    await order(harness, units=None)
    found = await again(harness, NOTIFICATIONS.name, until=START + 2 * MINUTE, dry_run=True)
    assert found.left[Suppression.NOT_TRUE] == len(told) - len(letters)


async def test_a_letter_is_never_sent_again(harness: WorkerHarness, admin: asyncpg.Connection) -> None:
    await order(harness)
    changed = await admin.fetchval(
        "WITH done AS (UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'), "
        '\'"channel":"1177"\', \'"channel":"letter"\'), \'UTF8\') WHERE aggregatetype = $1 '
        'AND convert_from(payload, \'UTF8\') LIKE \'%"channel":"1177"%"suppressed":null%\' RETURNING 1) '
        "SELECT count(*) FROM done",
        NOTIFICATIONS.name,
    )
    assert changed
    assert (await again(harness, NOTIFICATIONS.name)).left[LETTER] == changed


@pytest.fixture
async def admin(database: str) -> Any:
    conn = await asyncpg.connect(database, server_settings={"search_path": "sigill"})
    yield conn
    await conn.close()


async def test_nor_does_plain_sql_under_the_operators_role_send_a_letter_or_an_old_state(
    harness: WorkerHarness, admin: asyncpg.Connection
) -> None:
    """The function holds by itself what the command asks before it: it is the role's, whatever client calls it."""
    await published(harness)
    before = await order(harness) + await order(harness, units=None)
    newest = {record.key: record.value for record in of(before, STATE.name)}
    assert len(of(before, STATE.name)) > len(newest)
    notices = [json.loads(record.value or b"") for record in of(before, NOTIFICATIONS.name)]
    posted = await admin.fetchval(
        "UPDATE outbox SET payload = convert_to(replace(convert_from(payload, 'UTF8'), "
        '\'"channel":"1177"\', \'"channel":"sms"\'), \'UTF8\') '
        "WHERE id = (SELECT min(id) FROM outbox WHERE aggregatetype = $1 AND created_at > $2) "
        "RETURNING convert_from(payload, 'UTF8')",
        NOTIFICATIONS.name,
        START,
    )
    assert (json.loads(posted)["channel"], json.loads(posted)["suppressed"]) == ("sms", None)

    await admin.execute("SET ROLE sigill_ops")
    await admin.execute(
        "SELECT republish_events((SELECT array_agg(id) FROM outbox WHERE published_at IS NOT NULL "
        "AND created_at > $1), now())",
        START,
    )
    again = [record for record in await published(harness) if marked(record)]
    states = of(again, STATE.name)
    assert {record.key: record.value for record in states} == newest
    assert len(states) == len(newest)
    assert len(of(again, RECEIPTS.name)) == 2
    left = [json.loads(record.value or b"") for record in of(again, NOTIFICATIONS.name)]
    assert [one["channel"] for one in left] == ["1177"] * (len(notices) - 1)
    assert left


async def test_an_operator_publishes_one_patients_receipts_again_and_the_chain_says_so(
    harness: WorkerHarness, database: str, admin: asyncpg.Connection
) -> None:
    receipts = of(await order(harness), RECEIPTS.name)
    key = receipts[0].key.decode()

    async def command(*arguments: str) -> tuple[int, str, str]:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "sigill.cli", "outbox", "republish", *arguments],
            env={**os.environ, "SIGILL_DATABASE_URL": database},
            capture_output=True,
            text=True,
            timeout=90,
        )
        return done.returncode, done.stdout, done.stderr

    asked = ("--topic", RECEIPTS.name, "--patient", key, "--reason", "the topic was deleted")
    status, out, err = await command(*asked, "--dry-run")
    assert (status, out) == (0, f"{RECEIPTS.name}\t1\n"), err
    assert "1 events would be published again; the outbox keeps events from 2025-" in err
    assert await published(harness) == []

    status, out, err = await command(*asked)
    assert (status, out) == (2, ""), err
    assert "give --yes" in err
    status, out, err = await command(*asked, "--yes")
    assert (status, out) == (0, f"{RECEIPTS.name}\t1\n"), err
    assert [unmarked(record) for record in await published(harness)] == [
        unmarked(record) for record in receipts
    ]
    entry = await admin.fetchval("SELECT body FROM audit_entry WHERE action = 'outbox_republished'")
    assert json.loads(entry)["number"] == 1
    assert "deleted" not in entry  # a reason about a patient stands in the personal part

    status, _, err = await command("--topic", "ehr.orders.v1", "--reason", "x")
    assert status == 2
    assert "access.receipts.v1" in err
    status, _, err = await command("--patient", "v1.nobody", "--reason", "x")
    assert (status, err) == (1, "nobody is known by that key or number\n")


async def read_all(connection: Connection, topic: str, count: int) -> list[ConsumerRecord]:
    """What lies on a topic of one partition, from its beginning; `count` are waited for."""
    consumer = AIOKafkaConsumer(bootstrap_servers=connection.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        found: list[ConsumerRecord] = []
        async with asyncio.timeout(60):
            while len(found) < count:
                found += (await consumer.getmany(timeout_ms=500)).get(place, [])
        return found
    finally:
        await consumer.stop()


async def test_a_topic_that_was_deleted_on_a_broker_is_filled_again(
    harness: WorkerHarness, connection: Connection, topic_prefix: str
) -> None:
    lost, name = [replace(RECEIPTS, partitions=1)], f"{topic_prefix}{RECEIPTS.name}"
    rest = [replace(spec, partitions=1) for spec in OUTGOING if spec.name != RECEIPTS.name]
    await apply_topics(connection, [*lost, *rest, replace(AUDIT_HEADS, partitions=1)], prefix=topic_prefix)
    await harness.hand_over(harness.senders.orders(harness.clock.now()))
    await harness.hand_over(harness.senders.orders(harness.clock.now(), units=None))
    async with StreamProducer(connection, send_timeout=60) as producer:
        sending = replace(
            relay(harness, Topic()), producer=producer, topic_of=lambda own: f"{topic_prefix}{own}"
        )
        await sending.publish_all()
        first = await read_all(connection, name, 2)
        await delete_topics(connection, [name])
        async with asyncio.timeout(60):
            while (await apply_topics(connection, lost, prefix=topic_prefix))[0].outcome != "created":
                await asyncio.sleep(0.3)
        assert (await again(harness, RECEIPTS.name)).sent == {RECEIPTS.name: 2}
        await sending.publish_all()
    second = await read_all(connection, name, 2)
    assert [(one.key, one.value) for one in second] == [(one.key, one.value) for one in first]
    for before, after in zip(first, second, strict=True):
        told = [header for header in after.headers if header[0] != "ce_republished"]
        assert told == list(before.headers)
        assert len(told) == len(after.headers) - 1
