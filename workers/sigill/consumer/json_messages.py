"""A JSON message of the register or the directory out of its record and envelope; or why it cannot be read."""

import json

from sigill.runtime.strict_json import unique_members
from sigill.stream.records import NotCloudEvent, Record, media_type, read_event
from sigill_contracts.base import MAX_MESSAGE_BYTES
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import TopicSpec


class UnreadableJson(Exception):
    """The record cannot be read; `reason` says how far it was understood."""

    def __init__(self, reason: DeadLetterReason) -> None:
        self.reason = reason
        super().__init__(str(reason))


def read_data(record: Record, topic: TopicSpec, largest: int = MAX_MESSAGE_BYTES) -> bytes | None:
    """
    Read the bytes of the record's message, its envelope checked; None for a tombstone on a compacted topic.

    Raises Unread.
    """
    if record.value is None:
        if topic.compacted:
            return None
        raise UnreadableJson(DeadLetterReason.NO_VALUE)
    if len(record.value) > largest:
        raise UnreadableJson(DeadLetterReason.TOO_LARGE)
    try:
        envelope, data = read_event(record)
    except NotCloudEvent:
        raise UnreadableJson(DeadLetterReason.NOT_CLOUD_EVENT) from None
    if envelope.type != topic.event_type:
        raise UnreadableJson(DeadLetterReason.UNKNOWN_TYPE)
    if media_type(envelope.content_type) not in topic.content_types:
        raise UnreadableJson(DeadLetterReason.UNKNOWN_CONTENT_TYPE)
    if data is None:
        raise UnreadableJson(DeadLetterReason.NO_VALUE)
    return data


def json_once(data: bytes) -> object:
    """Read JSON in which no name stands twice. Raises ValueError or RecursionError."""
    return json.loads(data, object_pairs_hook=unique_members)
