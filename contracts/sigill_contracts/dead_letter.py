"""How a dead letter lies on a `*.dlq` topic: the original key, value and headers, and these beside them."""

from enum import StrEnum

ORIGINAL_TOPIC = "kafka_dlt-original-topic"
ORIGINAL_PARTITION = "kafka_dlt-original-partition"
"""Big-endian signed int, 4 bytes."""
ORIGINAL_OFFSET = "kafka_dlt-original-offset"
"""Big-endian signed long, 8 bytes."""
ORIGINAL_TIMESTAMP = "kafka_dlt-original-timestamp"
"""Milliseconds since 1970, big-endian signed long, 8 bytes."""
ORIGINAL_GROUP = "kafka_dlt-original-consumer-group"
FAILURE = "kafka_dlt-exception-fqcn"
"""A code of `DeadLetterReason`; never a text, which could carry an identity number."""


class DeadLetterReason(StrEnum):
    """Why a message could not be read at all."""

    NOT_CLOUD_EVENT = "not_cloud_event"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_CONTENT_TYPE = "unknown_content_type"
    TOO_LARGE = "too_large"
    NO_VALUE = "no_value"
    UNREADABLE_SIGNATURE = "unreadable_signature"
    UNREADABLE_PAYLOAD = "unreadable_payload"
    UNREADABLE_RECORD = "unreadable_record"
    CONTRADICTS_ITSELF = "contradicts_itself"
    """A message of the register or the directory that cannot be true in all its parts; the rest of it counts."""
    GOES_BACKWARD = "goes_backward"
    """A message of the register that claims to be newer than what it is older than: it counts, from the latter's time."""
    PARTLY_READ = "partly_read"
    """A message of the register or the directory whose readable part counts; kept here for what was set aside."""
