"""The list of who may do what on Kafka: complete, no wider than needed, and enforced by a real broker."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, errors
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from sigill.cli.topics import app
from sigill.devtools import acls
from sigill.embedded import EmbeddedKafka
from sigill.embedded.processes import free_port
from sigill.runtime.clock import SystemClock
from sigill.runtime.worker_specs import WORKER_SPECS
from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import (
    AUDIT_HEADS,
    CHANGES,
    ELSEWHERE,
    ORDERS,
    PERSONS,
    RECEIPTS,
    STAFF,
    STATE,
    TOPICS,
    UNITS,
    WORKERS,
    TopicSpec,
    receipts_for,
    topics_for,
)
from tests.kit.senders import ADULT, AUDIENCE, Senders, Sent

PASSWORD = "not a secret"
READERS = {"east": ["urn:example:outside"], "west": ["/ehr/west"]}
"""Two record systems with receipts of their own; the town's orders come from the first."""
TABLE = topics_for(READERS)
EAST, WEST = (receipts_for(name).name for name in READERS)
KEY = base64.b64encode(bytes(32)).decode()


def test_the_list_is_the_committed_one() -> None:
    assert acls.FILE.read_text("utf-8") == acls.written(), "run `python -m sigill.devtools.acls`"


def test_each_record_system_reads_its_own_receipts_and_no_others() -> None:
    given = [acl for acl in acls.acls(TABLE) if acl.resource == "topic" and acl.operation == "READ"]
    readers = {name: {acl.principal for acl in given if acl.name == name} for name in (EAST, WEST)}
    assert readers == {EAST: {"ehr-east"}, WEST: {"ehr-west"}}
    assert {acl.name for acl in given if acl.principal == "ehr-east"} == {EAST}
    groups = {acl.name for acl in acls.acls(TABLE) if (acl.principal, acl.resource) == ("ehr-east", "group")}
    assert groups == {"ehr-east."}  # and so none of `ehr`, whose groups begin with `ehr.`
    told = CliRunner().invoke(app, ["acls"], env={"SIGILL_RECEIPT_TOPICS": json.dumps(READERS)})
    assert told.output == acls.written(TABLE)


@pytest.mark.parametrize("table", [TOPICS, TABLE])
def test_nobody_of_ours_writes_what_register_and_directory_say(table: Sequence[TopicSpec]) -> None:
    """They sign nothing: whoever may write there says who is whose guardian and who may decide."""
    writers = {(acl.name, acl.principal) for acl in acls.acls(table) if acl.operation == "WRITE"}
    for spec, system in (
        (PERSONS, "population-register"),
        (STAFF, "staff-directory"),
        (UNITS, "staff-directory"),
        (ELSEWHERE, "elsewhere-adapter"),
    ):
        assert {who for name, who in writers if name == spec.name} == {system}


def test_every_topic_that_is_read_or_written_is_in_it() -> None:
    given = set(acls.acls())
    for spec in TOPICS:
        for writer in spec.written_by:
            assert acls.Acl(writer, "topic", spec.name, "WRITE") in given
        for reader in spec.read_by:
            assert acls.Acl(reader, "topic", spec.name, "READ") in given
    assert {acl.principal for acl in given} | WORKERS == set(acls.principals())


def test_no_right_is_given_that_nothing_needs() -> None:
    reads = {(who, spec.name) for spec in TOPICS for who in spec.read_by}
    reads |= {(worker.name, topic) for worker in WORKER_SPECS.values() for topic in worker.looks_at}
    writes = {(who, spec.name) for spec in TOPICS for who in spec.written_by}
    assert {topic for who, topic in writes if who == "ops"} == {ORDERS.name}
    for acl in acls.acls():
        if acl.resource == "topic" and acl.operation == "READ":
            assert (acl.principal, acl.name) in reads
        if acl.resource == "topic" and acl.operation == "WRITE":
            assert (acl.principal, acl.name) in writes
        if acl.operation in ("CREATE", "ALTER", "ALTER_CONFIGS", "DESCRIBE_CONFIGS"):
            assert acl.principal == acls.ADMIN
    assert {acl.operation for acl in acls.acls()} & {"DELETE", "ALL", "ANY", "CLUSTER_ACTION"} == set()


def test_only_the_relay_publishes_what_sigill_says() -> None:
    for spec in TOPICS:
        if spec.name.startswith("access."):
            writers = {a.principal for a in acls.acls() if (a.name, a.operation) == (spec.name, "WRITE")}
            assert writers == {"relay"}


@dataclass
class Guarded:
    """A broker that lets nobody do what is not listed. `open` is the administrator's address."""

    open: str
    closed: str

    def connection(self, principal: str) -> Connection:
        return Connection(
            self.closed, "SASL_PLAINTEXT", None, "PLAIN", f"sigill-{principal}", PASSWORD, principal
        )


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    port = free_port()
    users = " ".join(f'user_sigill-{name}="{PASSWORD}"' for name in acls.principals(TABLE))
    settings = {
        "listeners": f"CLOSED://127.0.0.1:{port}",
        "advertised.listeners": f"CLOSED://127.0.0.1:{port}",
        "listener.security.protocol.map": "CLOSED:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.closed.plain.sasl.jaas.config": (
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "false",
    }
    broker = EmbeddedKafka(own=True, settings=settings)
    if broker.kind != "jars":
        pytest.skip("the authorizer is set up for a broker from jars")
    with broker:
        assert acls.give({"bootstrap.servers": broker.bootstrap}, TABLE) == len(acls.acls(TABLE))
        yield Guarded(broker.bootstrap, f"127.0.0.1:{port}")


@pytest.fixture(scope="module")
async def topics(guarded: Guarded) -> Guarded:
    """The topics, made by the principal that may."""
    reports = await apply_topics(guarded.connection(acls.ADMIN), TABLE)
    assert {one.outcome for one in reports} == {"created"}, reports
    return guarded


async def _writes(connection: Connection, topic: str) -> None:
    producer = AIOKafkaProducer(**connection.options(), request_timeout_ms=5000, enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"forged", key=b"k")
    finally:
        await producer.stop()


async def _reads(connection: Connection, topic: str, group: str | None) -> None:
    consumer = AIOKafkaConsumer(topic, **connection.options(), group_id=group)
    await consumer.start()
    try:
        await asyncio.wait_for(consumer.getone(), 5)
    finally:
        await consumer.stop()


REFUSED = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
)


@pytest.mark.parametrize(
    ("principal", "topic"),
    [
        ("intake", AUDIT_HEADS.name),
        ("intake", RECEIPTS.name),
        ("intake", ORDERS.name),
        ("ops", AUDIT_HEADS.name),
        ("ops", STATE.name),
        ("ops", CHANGES.name),
        ("ops", PERSONS.name),
        ("ops", STAFF.name),
        ("relay", ORDERS.name),
        ("relay", PERSONS.name),
        ("ehr", PERSONS.name),
        ("ehr-east", EAST),
        ("ehr", STAFF.name),
        ("ehr", STATE.name),
        ("journalen", STATE.name),
        ("journalen", ORDERS.name),
        ("auditor", AUDIT_HEADS.name),
        ("population-register", ORDERS.name),
        ("notification-service", CHANGES.name),
    ],
)
async def test_nobody_writes_what_is_not_theirs(topics: Guarded, principal: str, topic: str) -> None:
    with pytest.raises(REFUSED):
        await _writes(topics.connection(principal), topic)


@pytest.mark.parametrize(
    ("principal", "topic", "group"),
    [
        ("journalen", ORDERS.name, "journalen.copy"),
        ("notification-service", STATE.name, "notification-service.x"),
        ("ehr", ORDERS.name, "ehr.x"),
        ("relay", ORDERS.name, None),
        ("ehr", RECEIPTS.name, "sigill.intake"),  # another's group: it could move another's offsets
        ("journalen", STATE.name, "ehr.x"),
        ("ehr-east", WEST, "ehr-east.x"),
        ("ehr-east", RECEIPTS.name, "ehr-east.x"),
        ("ehr", EAST, "ehr.x"),
    ],
)
async def test_nobody_reads_what_is_not_theirs(
    topics: Guarded, principal: str, topic: str, group: str | None
) -> None:
    with pytest.raises(REFUSED):
        await _reads(topics.connection(principal), topic, group)


async def test_nobody_deletes_a_topic(topics: Guarded) -> None:
    for principal in acls.principals():
        admin = AdminClient(
            {
                "bootstrap.servers": topics.closed,
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "PLAIN",
                "sasl.username": f"sigill-{principal}",
                "sasl.password": PASSWORD,
            }
        )
        with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
            admin.delete_topics([AUDIT_HEADS.name])[AUDIT_HEADS.name].result(10)


@asynccontextmanager
async def _worker(name: str, environment: dict[str, str], log: Path) -> AsyncIterator[None]:
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sigill.cli",
            "worker",
            name,
            env={**os.environ, **environment, "SIGILL_KAFKA_SASL_USERNAME": f"sigill-{name}"},
            stdout=out,
            stderr=out,
        )
    try:
        yield
        assert process.returncode is None, _end_of(log)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def test_each_worker_does_its_work_with_its_own_rights(
    topics: Guarded, database: str, tmp_path: Path
) -> None:
    """Every worker by itself, as its own principal: an order is answered, and its receipt read by the EHR that sent it."""
    at = SystemClock().now() - timedelta(minutes=2)
    senders = Senders(at - timedelta(days=30))
    senders.authority.publish(tmp_path, at, next_update=at + timedelta(days=30))
    environment = {
        "SIGILL_AUDIENCE": AUDIENCE,
        "SIGILL_DATABASE_URL": database,
        "SIGILL_KAFKA_BOOTSTRAP": topics.closed,
        "SIGILL_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "SIGILL_KAFKA_SASL_MECHANISM": "PLAIN",
        "SIGILL_KAFKA_SASL_PASSWORD": PASSWORD,
        "SIGILL_PATIENT_KEYS": json.dumps({"v1": KEY}),
        "SIGILL_TRUST_ANCHORS": str(tmp_path / "anchors.pem"),
        "SIGILL_TRUST_INTERMEDIATES": str(tmp_path / "intermediates.pem"),
        "SIGILL_CRL_FOLDERS": str(tmp_path / "crls"),
        "SIGILL_LOG_LEVEL": "warning",
        "SIGILL_RECEIPT_TOPICS": json.dumps(READERS),
    }
    order = senders.orders(at)
    async with AsyncExitStack() as stack:
        for name in ("directory", "register", "intake", "transitions", "relay"):
            await stack.enter_async_context(_worker(name, environment, tmp_path / f"{name}.log"))
        await _publish(topics, "staff-directory", senders.staff(at))
        await _publish(topics, "population-register", [senders.registers(at, ADULT)])
        await _publish(topics, "ehr-east", [order])
        receipt = await _receipt(topics, order.order_id, tmp_path)
    # no rulebook of a real region knows this one: what counts is that it was read, judged and answered
    assert receipt["outcome"] in ("refused", "executed")


def _end_of(*logs: Path) -> str:
    return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in logs)


async def _publish(topics: Guarded, principal: str, messages: list[Sent]) -> None:
    producer = AIOKafkaProducer(**topics.connection(principal).options(), enable_idempotence=True)
    await producer.start()
    try:
        for one in messages:
            await producer.send_and_wait(one.topic.name, one.value, key=one.key, headers=list(one.headers))
    finally:
        await producer.stop()


async def _receipt(topics: Guarded, order_id: str, logs: Path) -> dict[str, Any]:
    consumer = AIOKafkaConsumer(
        EAST,
        **topics.connection("ehr-east").options(),
        group_id="ehr-east.receipts",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            async for record in consumer:
                told: dict[str, Any] = json.loads(record.value)
                if told["order_id"] == order_id:
                    return told
    except TimeoutError:
        raise AssertionError(f"no receipt came\n{_end_of(*sorted(logs.glob('*.log')))}") from None  # noqa: ASYNC240
    finally:
        await consumer.stop()
    raise AssertionError


def test_the_command_names_principals_topics_and_groups_with_their_prefixes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGILL_KAFKA_TOPIC_PREFIX", "here.")
    monkeypatch.setenv("SIGILL_KAFKA_GROUP_PREFIX", "ours")
    told = CliRunner().invoke(app, ["acls", "apply", "--dry-run", "--user-prefix", "s-"])
    lines = told.output.splitlines()
    assert told.exit_code == 0
    assert "User:s-intake READ topic here.ehr.orders.v1" in lines
    assert "User:s-intake READ group ours.intake" in lines
    assert len(lines) == len(set(lines)) == len(acls.acls())
