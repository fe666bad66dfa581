"""
Kafka record ↔ CloudEvents 1.0 (Kafka protocol binding), from the raw record.

The CloudEvents SDK invents an id for a message that lacks one, and loses repeated headers and the signed
bytes; so the attributes are read here. Exact is what is compared or decides how data is read: specversion, id, source,
type, subject, and the content type. Everything else is read as the mainstream libraries write it: names in any case, a
header repeated with the same bytes (a content type: with the same media type), `ce_datacontenttype` beside or instead
of `content-type`, empty optional attributes, a time without zone. A contradiction is always refused. What cannot be
read is `NotCloudEvent`, with a reason that names no value. Digest and evidence are taken from `Record.value`, never from
what is parsed here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from sigill.runtime.strict_json import STRICT, DuplicateName
from sigill_contracts.envelope import Envelope

Headers = tuple[tuple[str, bytes], ...]

STRUCTURED: Final = "application/cloudevents"
_STRUCTURED: Final = STRUCTURED.encode()
STRUCTURED_JSON: Final = "application/cloudevents+json"
_REQUIRED: Final = ("id", "source", "type", "specversion")
_KNOWN: Final = frozenset({*_REQUIRED, "time", "subject", "dataschema", "datacontenttype"})
_NAME: Final = re.compile(r"[a-z0-9]{1,64}")
_EXACT: Final = frozenset({*_REQUIRED, "subject", "datacontenttype"})
"""Attributes that are compared, or decide how the data is read."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
#: CloudEvents 1.0.2, 3.1: a String holds no control characters and no surrogates.
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LARGEST_LOOKED_INTO: Final = 1024 * 1024
_LONGEST_SENDER: Final = 2048
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


def time_of(timestamp: int) -> datetime:
    """Return a record's milliseconds since 1970 as a moment in UTC; 1970 itself for what is no time."""
    try:
        return datetime.fromtimestamp(timestamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return _NO_TIME


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """
    A record as the broker holds it.

    `timestamp` is in milliseconds since 1970, UTC; `timestamp_type` says who set it: `create` (the sender) or
    `append` (the broker, LogAppendTime), None when the broker does not say. Header names that are not
    UTF-8 hold lone surrogates (PEP 383), so that nothing is lost.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: Literal["create", "append"] | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def at(self) -> datetime:
        """The record's time, in UTC; 1970 where what stands there is no time."""
        return time_of(self.timestamp)

    @property
    def place(self) -> Partition:
        """The partition it lies in."""
        return Partition(self.topic, self.partition)

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        return (
            len(self.key or b"")
            + len(self.value or b"")
            + sum(len(n) + len(v or b"") for n, v in self.headers)
        )

    def header(self, name: str) -> bytes | None:
        """Return the last header of that name, or None."""
        return next((value for found, value in reversed(self.headers) if found == name), None)


def as_record(found: Any) -> Record:
    """Return a record of the client's as one of ours."""
    stamped = {0: "create", 1: "append"}.get(found.timestamp_type)
    return Record(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        timestamp=found.timestamp,
        timestamp_type=stamped,  # type: ignore[arg-type]
        key=found.key,
        value=found.value,
        headers=found.headers,
    )


class NotCloudEvent(Exception):
    """The record is not a CloudEvent that can be read. `reason` is a code and, after a colon, an attribute."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def read_event(record: Record) -> tuple[Envelope, bytes | None]:
    """
    Return envelope and data of the event in a record, binary or structured mode (Kafka protocol binding 3.1–3.3).

    Data None in binary mode is a tombstone on a compacted topic. In structured mode the data is rebuilt: a JSON object's spacing is not kept, which no signature inside it
    depends on. Raises `NotCloudEvent`.
    """
    stated = _by_name(record.headers)
    content_type = _content_type(stated)
    if content_type is not None and content_type.strip().lower().startswith(STRUCTURED):
        return _structured(record, content_type, stated)
    return _binary(record, content_type, stated)


def source_stated(record: Record) -> str | None:
    """
    Return the source that a record in binary mode states, as `read_event` reads it, without reading the rest; None where
    that takes more: in structured mode, and where a source is missing, stated twice, or not UTF-8.
    """
    stated = _by_name(record.headers)
    kinds = stated.get("content-type", ())
    if any(kind is None or kind.strip().lower().startswith(_STRUCTURED) for kind in kinds):
        return None
    try:
        return _text_of(stated, "ce_source") or None
    except NotCloudEvent:
        return None


def sender_of(record: Record) -> tuple[str, str] | None:
    """
    Return source and id of an event that could not be read otherwise, for an answer; None where they cannot be.

    They are looked for as `read_event` does, binary before structured.
    """
    try:
        stated = _by_name(record.headers)
        found = {name: _text_of(stated, f"ce_{name}") for name in ("source", "id")}
        if not all(found.values()) and record.value is not None and len(record.value) <= _LARGEST_LOOKED_INTO:
            members = {name.lower(): value for name, value in _json_object(record.value).items()}
            found = {name: members[name] for name in found if isinstance(members.get(name), str)}  # type: ignore[misc]
    except NotCloudEvent:
        return None
    source, ident = found.get("source"), found.get("id")
    if not source or not ident or _FORBIDDEN.search(source + ident):
        return None
    return (source, ident) if len(source) + len(ident) <= _LONGEST_SENDER else None


def binary_headers(envelope: Envelope) -> Headers:
    """Return the record's headers in binary mode; the value is the data, and the key is the caller's."""
    attributes: list[tuple[str, str | None]] = [
        ("ce_specversion", "1.0"),
        ("ce_id", envelope.id),
        ("ce_source", envelope.source),
        ("ce_type", envelope.type),
        ("ce_time", _rfc3339(envelope.time) if envelope.time else None),
        ("ce_subject", envelope.subject),
        ("ce_dataschema", envelope.dataschema),
        ("content-type", envelope.content_type),
        *((f"ce_{name}", value) for name, value in envelope.extensions),
        ("traceparent", envelope.traceparent),
        ("tracestate", envelope.tracestate),
    ]
    return tuple((name, value.encode()) for name, value in attributes if value is not None)


_Stated = dict[str, list[bytes]]
"""Headers by their names in small letters, each with all its values, in order."""


def _by_name(headers: Headers) -> _Stated:
    found: _Stated = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return found


def _binary(record: Record, content_type: str | None, stated: _Stated) -> tuple[Envelope, bytes | None]:

    attributes: dict[str, str] = {}
    for header in stated:
        name = header[3:]
        if not header.startswith("ce_") or not _NAME.fullmatch(name):
            continue  # no attribute can be called so: somebody else's header
        try:
            attributes[name] = _text_of(stated, header) or ""
        except NotCloudEvent:
            if name in _EXACT:
                raise
    if content_type is not None:
        said = attributes.get("datacontenttype") or content_type
        if said != content_type and media_type(said) != media_type(content_type):
            raise NotCloudEvent("contradiction:datacontenttype")
        attributes["datacontenttype"] = content_type
    return _envelope(attributes, stated), record.value


def _structured(record: Record, content_type: str, stated: _Stated) -> tuple[Envelope, bytes | None]:

    format_, _, parameters = (part.strip().lower() for part in content_type.partition(";"))
    if format_ != STRUCTURED_JSON:
        raise NotCloudEvent("unsupported_format")
    charset = re.search(r'charset\s*=\s*"?([\w-]+)', parameters)
    if charset and charset[1] not in ("utf-8", "utf8"):
        raise NotCloudEvent("unsupported_charset")
    if record.value is None:
        raise NotCloudEvent("no_value")
    members = _json_object(record.value)
    data = _data_of(members)
    attributes: dict[str, str] = {}
    for name, value in members.items():
        if name in ("data", "data_base64") or value is None:  # JSON format 2.2: null is as if absent
            continue
        lower = name.lower()
        if not _NAME.fullmatch(lower):
            continue
        try:
            text = _attribute(lower, value)
        except NotCloudEvent:
            if lower in _EXACT:
                raise
            continue
        if attributes.setdefault(lower, text) != text and lower in _EXACT:
            raise NotCloudEvent(f"contradiction:{lower}")
    attributes.setdefault("datacontenttype", "application/json")
    return _envelope(attributes, stated), data


def _json_object(value: bytes) -> dict[str, object]:
    try:
        parsed = STRICT.decode(value.decode("utf-8-sig"))
    except DuplicateName:
        raise NotCloudEvent("repeated_member") from None
    except (ValueError, RecursionError):
        raise NotCloudEvent("bad_json") from None
    if not isinstance(parsed, dict):
        raise NotCloudEvent("bad_json")
    return parsed


def _data_of(members: dict[str, object]) -> bytes | None:
    if "data" in members and "data_base64" in members:
        raise NotCloudEvent("two_data_members")
    if "data_base64" in members:
        encoded = members["data_base64"]
        try:
            return (
                base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else _not("data_base64")
            )
        except (binascii.Error, ValueError):
            return _not("data_base64")
    data = members.get("data")
    if data is None:
        return None
    stated = members.get("datacontenttype")
    is_json = not isinstance(stated, str) or re.search(r"[/+]json\s*(;|$)", stated.lower())
    if isinstance(data, str) and not is_json:
        return _encoded(data, "data")
    return _encoded(json.dumps(data, ensure_ascii=False, separators=(",", ":")), "data")


def _encoded(text: str, place: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate, written as an escape
        return _not(place)


def _not(place: str) -> bytes:
    raise NotCloudEvent(f"bad_value:{place}")


def _attribute(name: str, value: object) -> str:
    match value:
        case bool() if name not in _KNOWN:
            return "true" if value else "false"
        case int() if name not in _KNOWN:
            return str(value)
        case str():
            return value
        case _:
            raise NotCloudEvent(f"bad_value:{_shown(name)}")


def _envelope(attributes: dict[str, str], stated: _Stated) -> Envelope:
    for name in _REQUIRED:
        if not attributes.get(name):
            raise NotCloudEvent(f"missing_attribute:{name}")
    if attributes["specversion"] != "1.0":
        raise NotCloudEvent("unsupported_specversion")
    for name, value in list(attributes.items()):
        unreadable = _FORBIDDEN.search(value)
        if unreadable and name in _EXACT:
            raise NotCloudEvent(f"bad_value:{_shown(name)}")
        if unreadable or (not value and name in _KNOWN):  # an empty optional attribute is as if absent
            del attributes[name]
    extensions = {name: value for name, value in attributes.items() if name not in _KNOWN}
    traceparent, tracestate = _trace(stated, extensions)
    return Envelope(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time=_moment(attributes.get("time")),
        subject=attributes.get("subject"),
        content_type=attributes.get("datacontenttype"),
        dataschema=attributes.get("dataschema"),
        traceparent=traceparent,
        tracestate=tracestate,
        extensions=tuple(sorted(extensions.items())),
    )


def _trace(stated: _Stated, extensions: dict[str, str]) -> tuple[str | None, str | None]:
    """
    Return the W3C trace context: the plain header, else the distributed-tracing extension.

    Telemetry never costs an order: what is malformed or repeated is as if absent.
    """
    in_extension = extensions.pop("traceparent", None), extensions.pop("tracestate", None)
    try:
        parent, state = _text_of(stated, "traceparent"), _text_of(stated, "tracestate")
    except NotCloudEvent:
        parent, state = None, None
    if parent is None:
        parent, state = in_extension
    if parent is None or not _TRACEPARENT.fullmatch(parent):
        return None, None
    good_state = state if state and len(state) <= 512 and not _FORBIDDEN.search(state) else None
    return parent, good_state


def _text_of(stated: _Stated, name: str) -> str | None:
    """The text of a header; the same bytes may stand there more than once."""
    values = stated.get(name)
    if values is None:
        return None
    if len(values) > 1 and len(set(values)) > 1:
        raise NotCloudEvent(f"repeated_header:{_shown(name)}")
    return _decoded(values[0], name)


def _decoded(value: bytes, name: str) -> str:
    try:
        return value.decode("utf-8")
    except (UnicodeDecodeError, AttributeError):  # a header's value may be null
        raise NotCloudEvent(f"bad_header:{_shown(name)}") from None


def _content_type(stated: _Stated) -> str | None:
    """The content type's header; where it stands there twice, with the same media type, the first."""
    texts = [_decoded(value, "content-type") for value in stated.get("content-type", ())]
    if len(texts) > 1 and len({media_type(text) for text in texts}) > 1:
        raise NotCloudEvent("repeated_header:content-type")
    return texts[0] or None if texts else None


def media_type(content_type: str | None) -> str:
    """
    Return a content type without its parameters, in small letters (RFC 9110, 8.3.1); empty for none.

    `text/xml` is another name of `application/xml` (RFC 7303, 9.2).
    """
    bare = (content_type or "").split(";", 1)[0].strip().lower()
    return "application/xml" if bare == "text/xml" else bare


def _shown(name: str) -> str:
    """Return a name fit for a reason: a stranger's attribute name could be anything."""
    bare = name.removeprefix("ce_")
    return bare if bare in _KNOWN or bare in ("content-type", "traceparent", "tracestate") else "extension"


def _moment(text: str | None) -> datetime | None:
    """The event's time (UTC), which nothing rests on: without zone it is UTC, and None where it cannot be read."""
    if text is None or not _TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def sendable(headers: Iterable[tuple[str, bytes | None]]) -> Headers:
    """Return headers as a producer takes them: names that are not UTF-8 are written with escapes."""
    return tuple(
        (name if name.isascii() else name.encode("utf-8", "backslashreplace").decode(), value or b"")
        for name, value in headers
    )
