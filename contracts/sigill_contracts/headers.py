"""The headers around a message, and its key, as schemas: CloudEvents in binary mode, and a dead letter's."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sigill_contracts import dead_letter
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.examples import EXAMPLE_SECRET
from sigill_contracts.keys import patient_key
from sigill_contracts.topics import ELSEWHERE, INCOMING, ORDERS, STAFF, UNITS, TopicSpec

Node = dict[str, Any]

PATIENT_KEY = r"^v[0-9]+\.[A-Za-z0-9_-]{43}$"
"""A version, a dot, and the unpadded base64url of 32 bytes."""

_REQUIRED = ["ce_specversion", "ce_id", "ce_source", "ce_type"]


def cloud_event_headers(spec: TopicSpec, content_type: str | None) -> Node:
    """
    The record headers of a topic's messages in binary mode; every value is UTF-8 text.

    `content_type` None: a record without a value has none. What Sigill writes always bears time and subject.
    """
    properties: Node = {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "minLength": 1, "description": _id_meaning(spec)},
        "ce_source": {
            "type": "string",
            "format": "uri-reference",
            "minLength": 1,
            "description": "Who sent it. Source and id together are unique.",
        },
        "ce_type": {"type": "string", "const": spec.event_type},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": f"Equals the record's key: {spec.key}."},
        "traceparent": {
            "type": "string",
            "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            "description": "W3C trace context, a plain header.",
        },
        "tracestate": {"type": "string"},
    }
    required = [*_REQUIRED]
    if content_type is not None:
        properties["content-type"] = {
            "type": "string",
            "const": content_type,
            "description": "The value's own type (datacontenttype).",
        }
        required.append("content-type")
    if spec not in INCOMING:
        properties["ce_republished"] = {
            "type": "string",
            "format": "date-time",
            "description": "When an operator had this event published again, since a topic had lost it. Absent: the event "
            "was published once, or more than once with the same id.",
        }
        required += ["ce_time", "ce_subject"]
    return {"type": "object", "required": required, "properties": properties}


def _id_meaning(spec: TopicSpec) -> str:
    if spec is ORDERS:
        return "The form's `order_id`; the same bytes sent again bear the same id."
    return "Unique within the source; the same id again is the same event again."


def key_schema(spec: TopicSpec) -> Node:
    """The record key. Never an identity number."""
    key: Node = {"type": "string", "description": spec.key[0].upper() + spec.key[1:]}
    if "pseudonymous" in spec.key:
        key["pattern"] = PATIENT_KEY
        key["examples"] = [patient_key("201611032382", EXAMPLE_SECRET)]
    elif spec is STAFF:
        key["examples"] = ["SE2321000065-T101"]
    elif spec is UNITS:
        key["examples"] = ["SE2321000065-T100"]
    elif spec is ELSEWHERE:
        key["examples"] = ["1177/8c1f0d4e", "1177"]
    return key


def dead_letter_headers() -> Node:
    """What stands beside the original headers; the names are those that Kafka tools look for."""
    return {
        "type": "object",
        "required": [dead_letter.ORIGINAL_TOPIC, dead_letter.FAILURE],
        "properties": {
            dead_letter.ORIGINAL_TOPIC: {"type": "string", "description": "Replayed to here."},
            dead_letter.ORIGINAL_PARTITION: _integer(4),
            dead_letter.ORIGINAL_OFFSET: _integer(8),
            dead_letter.ORIGINAL_TIMESTAMP: _integer(8, ", milliseconds since 1970"),
            dead_letter.ORIGINAL_GROUP: {"type": "string"},
            dead_letter.FAILURE: {
                "type": "string",
                "enum": [reason.value for reason in DeadLetterReason],
                "description": "Why it could not be read: a code, never a text.",
            },
        },
    }


def _integer(width: int, meaning: str = "") -> Node:
    description = f"Big-endian signed integer of {width} bytes{meaning}."
    return {"type": "string", "format": "binary", "description": description}


def example_headers(spec: TopicSpec, message: Node, content_type: str) -> Node:
    """Headers that fit an example message."""
    sources = {
        ORDERS.name: "urn:example:ehr",
        **dict.fromkeys((STAFF.name, UNITS.name), "urn:example:staff-directory"),
        ELSEWHERE.name: "urn:example:elsewhere-adapter",
    }
    default = "urn:example:population-register" if spec in INCOMING else "urn:sigill:production"
    return {
        "ce_specversion": "1.0",
        "ce_id": _example_id(spec, message),
        "ce_source": sources.get(spec.name, default),
        "ce_type": spec.event_type,
        "ce_time": _first(message, "changed_at", "judged_at", "known_at", "at", "not_before", "decided_at")
        or "2026-03-06T02:00:00Z",
        "ce_subject": _example_subject(spec, message),
        "content-type": content_type,
    }


def _example_id(spec: TopicSpec, message: Node) -> str:
    own = _first(message, "receipt_id", "change_id", "notification_id", "order_id")
    return own or str(uuid5(NAMESPACE_URL, f"{spec.name}/{_first(message, 'sequence', 'version')}"))


def _example_subject(spec: TopicSpec, message: Node) -> str:
    if spec is STAFF:
        return str(message["hsa_id"])
    if spec is UNITS:
        return str(message["unit"])
    if spec is ELSEWHERE:
        told = message.get("measure")
        return f"{message['source']}/{told['reference']}" if told else str(message["source"])
    # a receipt or notification names no patient; the story's child stands for it
    person = _first(message, "patient", "person") or {}
    identity = person.get("id") or person.get("ref", {}).get("id") or "201611032382"
    return patient_key(identity, EXAMPLE_SECRET)


def _first(message: Node, *names: str) -> Any:
    return next((message[name] for name in names if message.get(name) is not None), None)
