"""A message of ours as a row of the outbox: its bytes, and CloudEvents headers in binary mode."""

from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from sigill.store.outbox import Headers, OutboxRow
from sigill_contracts.base import Message
from sigill_contracts.json_schema import schema_id
from sigill_contracts.topics import TOPICS, TopicSpec
from sigill_contracts.vocabulary import PersonId


def outbox_row(
    topic: TopicSpec,
    key: str,
    ident: UUID,
    body: Message | str | None,
    *,
    source: str,
    at: datetime,
    person: PersonId | None = None,
    traceparent: str | None = None,
) -> OutboxRow:
    """
    The row of one message: `ident` is its event id, `key` its record key, `source` its `ce_source`, `at` (UTC) its time.

    `body` None is a tombstone; text is a message whose JSON has been made already. `person` is whom it is about, and who
    is locked therefore; None for an answer to an unproven message.
    """
    text = body.model_dump_json() if isinstance(body, Message) else body
    content_type = None if text is None else topic.content_types[0]
    return OutboxRow(
        event_id=ident,
        aggregatetype=topic.name,
        aggregateid=key,
        type=topic.event_type or "",
        payload=None if text is None else text.encode(),
        headers=event_headers(topic, ident, key, source, at, content_type, traceparent),
        person=person,
    )


def event_headers(
    topic: TopicSpec,
    ident: UUID,
    key: str,
    source: str,
    at: datetime,
    content_type: str | None,
    traceparent: str | None = None,
) -> Headers:
    """
    The record headers of an event of ours: CloudEvents in binary mode, with the `$id` of the schema that it fits.

    A tombstone has neither content type nor schema.
    """
    kind, schema = _described(topic.name)
    headers: list[tuple[str, bytes | None]] = [
        _VERSION,
        ("ce_id", str(ident).encode()),
        ("ce_source", source.encode()),
        ("ce_type", kind),
        ("ce_time", _written(at)),
        ("ce_subject", key.encode()),
    ]
    if content_type is not None:
        if schema is not None:
            headers.append(("ce_dataschema", schema))
        headers.append(("content-type", content_type.encode()))
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return tuple(headers)


_VERSION = ("ce_specversion", b"1.0")
_TOPICS = {topic.name: topic for topic in TOPICS}


@lru_cache(maxsize=len(TOPICS))
def _described(name: str) -> tuple[bytes, bytes | None]:
    """What the headers of a topic's events have in common: their type, and the `$id` of their schema."""
    topic = _TOPICS[name]
    return (topic.event_type or "").encode(), None if topic.model is None else schema_id(topic).encode()


@lru_cache(maxsize=64)
def _written(at: datetime) -> bytes:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()
