"""The publishers and receipt readers that an EHR can copy, in three languages, run as they stand against a broker."""

import base64
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from sigill.devtools.authority import DevAuthority
from sigill.embedded import EmbeddedKafka
from sigill.processing.outgoing import event_headers
from sigill.runtime.clock import SystemClock
from sigill.stream.records import Record, read_event
from sigill.trust import RevocationSnapshot, TrustPolicy, verify
from sigill_contracts.examples import EXAMPLE_SECRET, examples_of
from sigill_contracts.keys import patient_key
from sigill_contracts.topics import ORDERS, RECEIPTS
from tests.kit.patient_key_vectors import PARTITIONS, partition_of

PROGRAMS = Path(__file__).parents[2] / "docs" / "examples"
FORM = examples_of(ORDERS)[0].path
DECIDER = json.loads(FORM.read_text())["decided_by"]["hsa_id"]
KEY = patient_key(json.loads(FORM.read_text())["patient"]["id"], EXAMPLE_SECRET)
NOW = SystemClock().now()

each_language = pytest.mark.parametrize(
    "language",
    [
        "python",
        pytest.param("java", marks=pytest.mark.recipes),
        pytest.param("typescript", marks=pytest.mark.recipes),
    ],
)


def _run(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(PROGRAMS.parents[1])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _java(main: str, words: Sequence[str | Path]) -> str:
    said = " ".join(str(word) for word in words)
    run = ["mvn", "-q", "-B", "-f", PROGRAMS / "pom.xml", "compile", "exec:java"]
    return _run([*run, f"-Dexec.mainClass={main}", f"-Dexec.args={said}"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The TypeScript programs, installed and compiled once."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not here")
    work = tmp_path_factory.mktemp("typescript")
    shutil.copytree(
        PROGRAMS / "typescript",
        work,
        ignore=shutil.ignore_patterns("node_modules", "dist"),
        dirs_exist_ok=True,
    )
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
    _run(["npm", "run", "build"], work)
    return work / "dist"


def _program(language: str, request: pytest.FixtureRequest, kind: str) -> Any:
    """A function that runs the language's publisher or reader with its words."""
    if language == "python":
        return lambda words: _run([sys.executable, PROGRAMS / f"ehr_{kind}.py", *words])
    if language == "java":
        if shutil.which("mvn") is None:
            pytest.skip("mvn is not here")
        return lambda words: _java({"publisher": "EhrPublisher", "receipts": "ReceiptReader"}[kind], words)
    folder = request.getfixturevalue("built")
    return lambda words: _run(["node", folder / f"{kind}.js", *words])


def _topic(kafka: EmbeddedKafka, prefix: str, partitions: int) -> str:
    name = f"{prefix}programs"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
    return name


@each_language
def test_a_publisher_sends_an_order_that_is_let_in(
    language: str, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    program = _program(language, request, "publisher")
    authority = DevAuthority.create(NOW - timedelta(days=1))
    authority.staff(DECIDER)
    authority.save(tmp_path)
    own = next((tmp_path / "staff").glob(f"{DECIDER}*.crt"))
    secret = tmp_path / "secret"
    secret.write_bytes(base64.b64encode(EXAMPLE_SECRET))
    topic = _topic(kafka, topic_prefix, PARTITIONS)
    given: dict[str, Any] = {
        "cert": own,
        "key": own.with_suffix(".key"),
        "chain": tmp_path / "issuing.crt",
        "bootstrap": kafka.bootstrap,
        "topic": topic,
    }
    if language == "python":
        words = [FORM, "--secret-file", secret, *(w for name, v in given.items() for w in (f"--{name}", v))]
    else:
        words = [f"form={FORM}", f"secret={secret}", *(f"{name}={v}" for name, v in given.items())]
    program(words)

    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    message = consumer.poll(30)
    consumer.close()
    assert message is not None
    assert (message.key().decode(), message.partition()) == (KEY, partition_of(KEY))
    headers = tuple((name, bytes(value)) for name, value in message.headers())
    record = Record(topic, message.partition(), 0, 0, "append", message.key(), message.value(), headers)
    envelope, _ = read_event(record)
    assert envelope.type == ORDERS.event_type
    assert envelope.id == json.loads(FORM.read_text())["order_id"]
    assert envelope.subject == KEY
    assert envelope.content_type == "application/jose"
    verdict = verify(
        message.value(),
        "application/jose",
        policy=TrustPolicy(anchors=authority.anchors),
        evidence=RevocationSnapshot.of(),
        arrived_at=SystemClock().now(),
    )
    assert verdict.refusals == ()
    assert verdict.payload == FORM.read_bytes()
    assert [signer.hsa_id for signer in verdict.signers] == [DECIDER]


@each_language
def test_a_reader_keeps_each_receipt_once(
    language: str, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    program = _program(language, request, "receipts")
    topic = _topic(kafka, topic_prefix, 1)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    shipped = {example.name: example for example in examples_of(RECEIPTS)}
    sent = ("executed", "refused", "unreadable", "executed")
    for name in sent:
        ident = uuid.UUID(json.loads(shipped[name].text())["receipt_id"])
        headers = event_headers(RECEIPTS, ident, KEY, "urn:sigill:production", NOW, "application/json")
        producer.produce(topic, key=KEY, value=shipped[name].text().encode(), headers=list(headers))
    assert producer.flush(30) == 0
    folder = tmp_path / "receipts"
    if language == "python":
        words = ["--bootstrap", kafka.bootstrap, "--folder", folder, "--topic", topic]
        words += ["--limit", "4", "--group", topic]
    else:
        words = [kafka.bootstrap, folder, "4", topic]
    said = [line for line in program(words).splitlines() if "0192f0c1" in line]

    # Maven writes a colour's end, which is an m, before the first line
    assert [line.split()[0].rpartition("m")[2] for line in said] == [
        "executed",
        "refused",
        "unreadable",
        "repeated",
    ]
    assert said[1].split()[2:] == ["consultation_missing", "initiative_not_allowed"]
    kept = {path.read_text() for path in folder.iterdir()}
    assert kept == {shipped[name].text() for name in sent}
    assert not any("201611032382" in line for line in said)
