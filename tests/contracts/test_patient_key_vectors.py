"""The shipped test vectors are what this program computes, and what other clients' partitioners find on a broker."""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from sigill.embedded import EmbeddedKafka
from sigill.processing.patient_keys import KeyRing
from tests.kit.patient_key_vectors import FILE, PARTITIONS, rendered

VECTORS: list[dict[str, Any]] = json.loads(FILE.read_text())


def test_the_file_is_what_is_computed() -> None:
    assert FILE.read_text() == rendered()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['version']}-{vector['id_type']}")
def test_the_key_is_hmac_sha_256_of_the_number(vector: dict[str, Any]) -> None:
    """Computed twice: as docs/ehr.md words it, and as the workers do."""
    secret, version = base64.b64decode(vector["secret_base64"]), vector["version"]
    digest = hmac.new(secret, vector["id"].encode(), hashlib.sha256).digest()
    worded = f"{version}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    assert vector["key"] == worded == KeyRing({version: secret}, version).of(vector["id"])


def test_librdkafka_puts_each_key_on_the_partition_that_the_file_says(kafka: EmbeddedKafka) -> None:
    topic = f"vectors-{uuid.uuid4().hex[:8]}"
    servers = {"bootstrap.servers": kafka.bootstrap}
    admin = AdminClient(servers)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(30)
    producer = Producer({**servers, "partitioner": "murmur2_random"})
    placed: dict[str, int] = {}

    def delivered(error: Any, message: Any) -> None:
        assert error is None
        placed[message.key().decode()] = message.partition()

    for vector in VECTORS:
        producer.produce(topic, key=vector["key"].encode(), value=b"x", on_delivery=delivered)
    assert producer.flush(30) == 0
    assert placed == {vector["key"]: vector["partition_of_12"] for vector in VECTORS}
    assert len(set(placed.values())) > 3
