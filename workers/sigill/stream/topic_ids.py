"""
The ids of topics and the epochs of partitions' leaders, which the client's own metadata leave out.

Kafka's Metadata request, version 10 (KIP-516; Kafka 2.8 and later). It makes no topic, whatever the broker is set to.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from uuid import UUID

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from sigill.stream.log_position import LogIdentity
from sigill.stream.records import Partition


class _Uuid(AbstractType[UUID]):  # type: ignore[misc]  # aiokafka carries no types
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


_NOBODY = UUID(int=0)


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequestStruct(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequestStruct]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics: list[tuple[UUID, str, dict[int, bytes]]] = [(_NOBODY, name, {}) for name in topics]

    def build(self, request_struct_class: type[_MetadataRequestStruct]) -> _MetadataRequestStruct:
        return request_struct_class(self._topics, False, False, False, {})


async def identities(client: AIOKafkaClient, topics: Iterable[str]) -> dict[Partition, LogIdentity]:
    """
    What each partition of the topics is, as one broker knows it; topics that are not there are missing.

    Empty where the cluster does not speak that version (the mock cluster). Raises the client's errors.
    """
    found: dict[Partition, LogIdentity] = {}
    for topic, topic_id, parts in await _described(client, topics):
        for error, partition, leader, epoch, *_ in parts:
            if errors.for_code(error) is errors.NoError and leader >= 0:
                found[Partition(topic, partition)] = LogIdentity(topic_id, epoch if epoch >= 0 else None)
    return found


async def _described(
    client: AIOKafkaClient, topics: Iterable[str]
) -> list[tuple[str, UUID | None, list[tuple[int, ...]]]]:
    node = client.get_random_node()
    if node is None:
        raise errors.NodeNotReadyError
    try:
        answer = await client.send(node, _MetadataRequest(topics))
    except (NotImplementedError, errors.IncompatibleBrokerVersion):
        return []
    return [
        (topic, None if topic_id == _NOBODY else topic_id, parts)
        for error, topic, topic_id, _, parts, *_ in answer.topics
        if errors.for_code(error) is errors.NoError
    ]
