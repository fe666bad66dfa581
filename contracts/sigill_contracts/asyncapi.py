"""
The AsyncAPI document: every topic, who sends and receives on it, its messages, keys and dead letters.

Written for AsyncAPI 3.0.0 with version 0.5.0 of the Kafka bindings: of 3.1.0 the generators of types make none yet.
Operations are told from Sigill's side. What the standard has no word for (dead-letter routes, the form inside a
signature) stands in `x-` fields.
"""

import json
from typing import Any

from sigill_contracts.asyncapi_schemas import Components
from sigill_contracts.base import MAX_MESSAGE_BYTES
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.examples import Example, examples_of
from sigill_contracts.headers import cloud_event_headers, dead_letter_headers, example_headers, key_schema
from sigill_contracts.json_schema import message_name, schema_id
from sigill_contracts.topics import (
    DEAD_LETTERS,
    INCOMING,
    ORDERS,
    RECEIPTS,
    TOPICS,
    WORKERS,
    TopicSpec,
    group_of,
)

VERSION = "1.0.0"
"""Version of the contracts as a whole: a breaking change raises the first number, a new field the second."""
KAFKA = "0.5.0"

Node = dict[str, Any]

_COMPACT_JWS = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"
_SIGNED: dict[str, tuple[str, str, str, Node]] = {
    "application/jose": (
        "jws",
        "jose",
        "The form in a compact JWS with one signature (JAdES baseline headers, `typ` `sigill-order+jws`).",
        {"type": "string", "contentMediaType": "application/jose", "pattern": _COMPACT_JWS},
    ),
    "application/jose+json": (
        "jws-json",
        "jose.json",
        "The form in a general JSON JWS with one or more signatures; each signer is judged.",
        {
            "type": "object",
            "required": ["payload", "signatures"],
            "additionalProperties": False,
            "properties": {
                "payload": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
                "signatures": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["protected", "signature"],
                        "properties": {
                            "protected": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
                            "header": {"type": "object"},
                            "signature": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
                        },
                    },
                },
            },
        },
    ),
    "application/xml": (
        "xades",
        "xml",
        "The form as XML with an enveloped XAdES signature (BES or B-B).",
        {"type": "string", "contentMediaType": "application/xml"},
    ),
}
"""By content type: the message's last name, the example file's ending, what it is, the schema of the value."""


def document() -> Node:
    """The whole document, ready to be written as YAML."""
    components = Components()
    messages: Node = {}
    channels: Node = {}
    operations: Node = {}
    for spec in TOPICS:
        own = _messages(spec, components)
        messages.update(own)
        channels[spec.name] = _channel(spec, own)
        operations.update(_operations(spec, own))
    return {
        "asyncapi": "3.0.0",
        "id": "urn:sigill:contracts",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": components.schemas(),
            "securitySchemes": {
                "mutualTls": {"type": "X509", "description": "Client certificate."},
                "scram": {"type": "scramSha512", "description": "SASL/SCRAM-SHA-512 inside TLS."},
            },
        },
    }


def _info() -> Node:
    return {
        "title": "Sigill",
        "version": VERSION,
        "description": (
            "Staff sign a form in the EHR to seal a patient's online journal, lock a login, block a guardian, or let "
            "somebody in. Sigill takes the signed orders, carries them out and answers. Events are CloudEvents 1.0, "
            "written in binary mode; structured mode is read too. Every record of a patient has the same key, so that "
            "order is kept; delivery is at least once, with `ce_id` to know a repetition by."
        ),
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "contact": {"name": "The region's integration team"},
        "tags": [{"name": "ehr"}, {"name": "access"}, {"name": "dead-letters"}],
    }


def _servers() -> Node:
    return {
        "production": {
            "host": "kafka.region.example:9093",
            "protocol": "kafka-secure",
            "description": "The region's Kafka: TLS, and SASL or a client certificate.",
            "security": [
                {"$ref": "#/components/securitySchemes/mutualTls"},
                {"$ref": "#/components/securitySchemes/scram"},
            ],
        },
        "development": {
            "host": "localhost:9092",
            "protocol": "kafka",
            "description": "A developer's own broker.",
        },
    }


def _channel(spec: TopicSpec, messages: Node) -> Node:
    settings: Node = {
        key: int(value) if value.lstrip("-").isdigit() else value for key, value in spec.config.items()
    }
    settings["cleanup.policy"] = [spec.config["cleanup.policy"]]
    channel: Node = {
        "address": spec.name,
        "title": spec.name,
        "summary": spec.summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "tags": [{"name": _tag(spec)}],
        "bindings": {
            "kafka": {
                "topic": spec.name,
                "partitions": spec.partitions,
                "topicConfiguration": settings,
                "bindingVersion": KAFKA,
            }
        },
        "x-written-by": list(spec.written_by),
        "x-read-by": list(spec.read_by),
    }
    if spec in INCOMING:
        channel["x-dead-letter"] = {
            "channel": {"$ref": f"#/channels/{spec.name}.dlq"},
            "reasons": [reason.value for reason in DeadLetterReason],
        }
    return channel


def _tag(spec: TopicSpec) -> str:
    return "dead-letters" if spec in DEAD_LETTERS else "access" if spec.name.startswith("access.") else "ehr"


def _operations(spec: TopicSpec, messages: Node) -> Node:
    found: Node = {}
    for action, names in (("send", spec.written_by), ("receive", spec.read_by)):
        for worker in (name for name in names if name in WORKERS):
            found[_operation_id(worker, action, spec)] = _operation(spec, action, worker, messages)
    return found


def _operation_id(worker: str, action: str, spec: TopicSpec) -> str:
    topic = "".join(part.capitalize() for part in spec.name.replace("-", ".").split("."))
    return f"{worker}{action.capitalize()}s{topic}"


def _operation(spec: TopicSpec, action: str, worker: str, messages: Node) -> Node:
    operation: Node = {
        "action": action,
        "channel": {"$ref": f"#/channels/{spec.name}"},
        "title": f"{worker} {action}s {spec.name}",
        "summary": spec.summary,
        "description": f"Sigill's worker `{worker}` {action}s here.",
        "tags": [{"name": _tag(spec)}],
        "messages": [{"$ref": f"#/channels/{spec.name}/messages/{name}"} for name in messages],
    }
    if action == "receive":
        group = {
            "type": "string",
            "default": group_of(worker),
            "description": "Settings may give another prefix.",
        }
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": KAFKA}}
        if spec is ORDERS:
            name = message_name(RECEIPTS)
            operation["reply"] = {
                "channel": {"$ref": f"#/channels/{RECEIPTS.name}"},
                "messages": [{"$ref": f"#/channels/{RECEIPTS.name}/messages/{name}"}],
            }
        if spec in INCOMING:
            operation["x-dead-letter"] = {"channel": {"$ref": f"#/channels/{spec.name}.dlq"}}
    return operation


def _messages(spec: TopicSpec, components: Components) -> Node:
    if spec in DEAD_LETTERS:
        return {f"dead-letter-of-{spec.name.removesuffix('.v1.dlq')}": _dead_letter(spec)}
    if spec is ORDERS:
        form = components.add(spec)
        return {f"order-{_SIGNED[kind][0]}": _signed_order(spec, kind, form) for kind in spec.content_types}
    name = message_name(spec)
    if spec.model is None:
        payload: Node = {"type": "string", "contentMediaType": "application/jose", "pattern": _COMPACT_JWS}
        return {name: _message(spec, name, summary=spec.summary, payload=payload, kind=spec.content_types[0])}
    examples = [_with_headers(spec, example, json.loads(example.text())) for example in examples_of(spec)]
    found = {
        name: _message(
            spec,
            name,
            summary=spec.summary,
            payload=components.add(spec),
            kind=spec.content_types[0],
            examples=examples,
        )
        | {"x-json-schema": schema_id(spec)}
    }
    if spec.tombstones:
        found[f"{name}-erased"] = _tombstone(spec, f"{name}-erased")
    return found


def _message(
    spec: TopicSpec, name: str, *, summary: str, payload: Node, kind: str, examples: list[Node] | None = None
) -> Node:
    message: Node = {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": kind,
        "headers": cloud_event_headers(spec, kind),
        "payload": payload,
        "bindings": {"kafka": {"key": key_schema(spec), "bindingVersion": KAFKA}},
    }
    if examples:
        message["examples"] = examples
    return message


def _signed_order(spec: TopicSpec, kind: str, form: Node) -> Node:
    name, ending, summary, value = _SIGNED[kind]
    examples = []
    for example in examples_of(spec):
        signed = example.path.with_suffix(f".{ending}")
        if signed.exists():
            text = signed.read_text(encoding="utf-8").rstrip("\n")
            examples.append(
                _with_headers(spec, example, json.loads(text) if ending.endswith("json") else text, kind)
            )
    return _message(spec, f"order-{name}", summary=summary, payload=value, kind=kind, examples=examples) | {
        "x-signed-payload": form,
        "x-json-schema": schema_id(spec),
        "x-max-bytes": MAX_MESSAGE_BYTES,
    }


def _with_headers(spec: TopicSpec, example: Example, payload: Any, kind: str = "application/json") -> Node:
    return {
        "name": example.name,
        "summary": example.summary,
        "headers": example_headers(spec, json.loads(example.text()), kind),
        "payload": payload,
    }


def _tombstone(spec: TopicSpec, name: str) -> Node:
    summary = "A record without a value: the patient was erased. Remove what you keep under this key."
    message = _message(spec, name, summary=summary, payload={"type": "null"}, kind=spec.content_types[0])
    message["headers"] = cloud_event_headers(spec, None)
    return message


def _dead_letter(spec: TopicSpec) -> Node:
    return {
        "name": f"dead-letter-of-{spec.name.removesuffix('.v1.dlq')}",
        "title": "dead letter",
        "summary": "The original key, value and headers, with the failure and the place it came from beside them.",
        "contentType": "application/octet-stream",
        "headers": dead_letter_headers(),
        "payload": {"type": ["string", "null"], "format": "binary", "description": "The original bytes."},
        "bindings": {"kafka": {"key": key_schema(spec), "bindingVersion": KAFKA}},
    }
