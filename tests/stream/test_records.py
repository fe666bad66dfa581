"""The parse table of CloudEvents on Kafka: what is read, and each reason why something is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from hypothesis import given
from hypothesis import strategies as st

from sigill.stream.records import (
    Headers,
    NotCloudEvent,
    Record,
    binary_headers,
    read_event,
    sendable,
    source_stated,
)
from sigill_contracts.envelope import Envelope

GOOD: dict[str, bytes] = {
    "ce_specversion": b"1.0",
    "ce_id": b"a-1",
    "ce_source": b"urn:ehr:test",
    "ce_type": b"se.sigill.order.v1",
    "ce_time": b"2026-03-01T09:30:00+01:00",
    "ce_subject": b"v1.abc",
    "content-type": b"application/jose",
}
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def record(headers: Headers, value: bytes | None = b"x.y.z") -> Record:
    return Record("t", 0, 0, 0, "append", b"v1.abc", value, headers)


def binary(
    value: bytes | None = b"x.y.z", *, without: str = "", extra: Headers = (), **changed: bytes
) -> Record:
    headers = {**GOOD, **{f"ce_{name}": content for name, content in changed.items()}}
    return record(tuple((n, v) for n, v in headers.items() if n != without) + extra, value)


def structured(
    content_type: str = "application/cloudevents+json; charset=UTF-8",
    *,
    without: str = "",
    raw: bytes | None = None,
    **changed: Any,
) -> Record:
    members = {
        "specversion": "1.0",
        "id": "a-1",
        "source": "urn:ehr:test",
        "type": "se.sigill.order.v1",
        "subject": "v1.abc",
        "time": "2026-03-01T08:30:00Z",
        "datacontenttype": "application/jose",
        "data": "x.y.z",
        **changed,
    }
    members.pop(without, None)
    value = json.dumps({k: v for k, v in members.items() if v is not ...}).encode() if raw is None else raw
    return record((("content-type", content_type.encode()),), value)


@pytest.mark.parametrize("mode", [binary(), structured(), structured("Application/CloudEvents+JSON")])
def test_both_modes_read_the_same(mode: Record) -> None:
    assert read_event(mode) == (
        Envelope(
            id="a-1",
            source="urn:ehr:test",
            type="se.sigill.order.v1",
            time=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
            subject="v1.abc",
            content_type="application/jose",
        ),
        b"x.y.z",
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        *(
            (binary(without=f"ce_{name}"), f"missing_attribute:{name}")
            for name in ("id", "source", "type", "specversion")
        ),
        *(
            (structured(without=name), f"missing_attribute:{name}")
            for name in ("id", "source", "type", "specversion")
        ),
        (binary(id=b""), "missing_attribute:id"),
        (structured(id=""), "missing_attribute:id"),
        (record((("CE_ID", b"1"),)), "missing_attribute:source"),
        (record((("ce-id", b"1"), ("ce-source", b"s"), ("ce-type", b"t"))), "missing_attribute:id"),
        (record(()), "missing_attribute:id"),
        (record((), None), "missing_attribute:id"),
        (binary(specversion=b"0.3"), "unsupported_specversion"),
        (structured(specversion="1.1"), "unsupported_specversion"),
        (binary(extra=(("ce_id", b"a-2"),)), "repeated_header:id"),
        (binary(extra=(("CE_Id", b"a-2"),)), "repeated_header:id"),
        (binary(extra=(("ce_subject", b"v1.other"),)), "repeated_header:subject"),
        (binary(extra=(("Content-Type", b"application/xml"),)), "repeated_header:content-type"),
        (binary(datacontenttype=b"application/xml"), "contradiction:datacontenttype"),
        (binary(id=b"\xff\xfe"), "bad_header:id"),
        (binary(id=b"a\x001"), "bad_value:id"),
        (structured("application/cloudevents+avro"), "unsupported_format"),
        (structured("application/cloudevents-batch+json"), "unsupported_format"),
        (structured("application/cloudevents"), "unsupported_format"),
        (structured("application/cloudevents+json; charset=latin1"), "unsupported_charset"),
        (record((("content-type", b"application/cloudevents+json"),), None), "no_value"),
        (structured(raw=b""), "bad_json"),
        (structured(raw=b"\xff"), "bad_json"),
        (structured(raw=b"[]"), "bad_json"),
        (structured(raw=b'{"id": NaN}'), "bad_json"),
        (structured(raw=b"[" * 100_000), "bad_json"),
        (structured(raw=b'{"id": "1", "id": "2"}'), "repeated_member"),
        (structured(data_base64="eA=="), "two_data_members"),
        (structured(data=..., data_base64="e"), "bad_value:data_base64"),
        (structured(data="\ud800"), "bad_value:data"),
        (structured(id=7), "bad_value:id"),
        (structured(Id="a-2"), "contradiction:id"),
    ],
)
def test_what_is_not_a_cloudevent_is_refused_with_its_reason(bad: Record, reason: str) -> None:
    with pytest.raises(NotCloudEvent) as refused:
        read_event(bad)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "written",
    [
        binary(extra=(("ce_id", b"a-1"),)),
        binary(extra=(("content-type", b"application/jose"),)),
        binary(extra=(("ce_own", b"1"), ("ce_own", b"2"))),
        binary(extra=(("ce_own", b"\xc3\x28"),)),
        binary(extra=(("ce_\udcff", b"1"),)),
        binary(extra=(("ce_traceId", b"1"),)),
        binary(extra=(("ce_", b"1"),)),
        binary(extra=(("ce_dataschema", b""),)),
        binary(datacontenttype=b"application/jose"),
        binary(datacontenttype=b"Application/JOSE; charset=utf-8"),
        record(
            tuple(
                ("ce_datacontenttype" if name == "content-type" else name, value)
                for name, value in GOOD.items()
            )
        ),
        record(tuple((name.title(), value) for name, value in GOOD.items())),
        binary(extra=(("Content-Type", b"application/jose; charset=utf-8"),)),
        binary(extra=(("Content-Type", b"Application/JOSE"),)),
        record(
            (("content-type", b"application/cloudevents+json"),),
            b"\xef\xbb\xbf" + (structured().value or b""),
        ),
        structured(own={"a": 1}),
        structured(traceId="1"),
        structured(dataschema=""),
    ],
)
def test_what_the_libraries_write_is_read(written: Record) -> None:
    envelope, data = read_event(written)
    assert (envelope.id, envelope.source, envelope.subject) == ("a-1", "urn:ehr:test", "v1.abc")
    assert (envelope.type, envelope.content_type) == ("se.sigill.order.v1", "application/jose")
    assert envelope.dataschema is None
    assert data == b"x.y.z"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b"2026-03-01T09:30:00", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        (b"2026-03-01 09:30:00", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        (b"2026-03-01T10:30:00+01:00", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        (b"2026-03-01T10:30:00+0100", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        (b"yesterday", None),
        (b"", None),
        (b"2026-02-30T09:30:00Z", None),
        (b"0001-01-01T00:00:00+14:00", None),
    ],
)
def test_nothing_rests_on_the_time(written: bytes, meant: datetime | None) -> None:
    assert read_event(binary(time=written))[0].time == meant


def test_an_empty_subject_is_none() -> None:
    assert read_event(binary(subject=b""))[0].subject is None


def test_time_and_content_type_are_optional_and_never_invented() -> None:
    """The SDK gives the present time to an event without one; ours stays without."""
    bare = record(
        tuple((n, v) for n, v in GOOD.items() if n not in ("ce_time", "ce_subject", "content-type"))
    )
    envelope = read_event(bare)[0]
    assert (envelope.time, envelope.subject, envelope.content_type) == (None, None, None)


def test_a_binary_event_without_value_is_a_tombstone() -> None:
    assert read_event(binary(None))[1] is None


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ((("traceparent", TRACEPARENT.encode()),), TRACEPARENT),
        ((("ce_traceparent", TRACEPARENT.encode()),), TRACEPARENT),
        ((("traceparent", b"nonsense"),), None),
        ((("traceparent", b"\xff"),), None),
        ((("traceparent", TRACEPARENT.encode()),) * 2, TRACEPARENT),
        ((("traceparent", TRACEPARENT.encode()), ("traceparent", b"00-1")), None),
        ((("traceparent", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01"),), None),
    ],
)
def test_telemetry_never_costs_an_order(headers: Headers, kept: str | None) -> None:
    assert read_event(binary(extra=headers))[0].traceparent == kept


@pytest.mark.parametrize(
    ("content_type", "data", "read"),
    [
        ("application/jose", "x.y.z", b"x.y.z"),
        ("application/xml", "<a>å</a>", "<a>å</a>".encode()),
        (
            "application/jose+json",
            {"payload": "å", "signatures": []},
            '{"payload":"å","signatures":[]}'.encode(),
        ),
        ("application/json; charset=utf-8", "text", b'"text"'),
        (..., {"a": 1}, b'{"a":1}'),
    ],
)
def test_structured_data_is_rebuilt_by_its_type(content_type: Any, data: Any, read: bytes) -> None:
    assert read_event(structured(datacontenttype=content_type, data=data))[1] == read


def test_in_structured_mode_the_value_counts_and_not_the_headers() -> None:
    both = record((*structured().headers, ("ce_id", b"other")), structured().value)
    assert read_event(both)[0].id == "a-1"


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20).filter(
    lambda n: (
        n
        not in {
            "id",
            "source",
            "type",
            "specversion",
            "time",
            "subject",
            "dataschema",
            "datacontenttype",
            "traceparent",
            "tracestate",
            "data",
        }
    )
)
texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
events = st.tuples(
    st.builds(
        Envelope,
        id=texts,
        source=texts,
        type=texts,
        time=st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
        subject=st.none() | texts,
        content_type=st.none() | st.just("application/json"),
        dataschema=st.none() | texts,
        traceparent=st.none() | st.just(TRACEPARENT),
        tracestate=st.none(),
        extensions=st.dictionaries(names, texts, max_size=3).map(lambda found: tuple(sorted(found.items()))),
    ),
    st.none() | st.binary(max_size=40),
)


@given(events)
def test_what_is_written_is_read_again(event: tuple[Envelope, bytes | None]) -> None:
    envelope, value = event
    assert read_event(record(binary_headers(envelope), value)) == event


@given(
    st.lists(st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=8)), max_size=4),
    st.none() | st.binary(max_size=60),
)
def test_nothing_else_than_a_reason_ever_comes_out(headers: list[Any], value: bytes | None) -> None:
    try:
        read_event(record(tuple(headers), value))
    except NotCloudEvent as refused:
        assert refused.reason


def test_the_sdk_reads_what_we_write() -> None:
    envelope = read_event(binary())[0]
    headers = binary_headers(envelope)
    theirs = from_kafka_event(KafkaMessage(headers=dict(headers), key=None, value=b'{"a": 1}'))
    assert (theirs.get_id(), theirs.get_source(), theirs.get_type()) == (
        "a-1",
        "urn:ehr:test",
        "se.sigill.order.v1",
    )
    assert theirs.get_time() == envelope.time


def test_a_strange_header_name_can_be_sent_on() -> None:
    assert sendable([("ce_\udcff", None), ("å", b"1")]) == (("ce_\\udcff", b""), ("å", b"1"))


@pytest.mark.parametrize(
    ("more", "stated"),
    [
        ((), "urn:sigill:one"),
        ((("CE_Source", b"urn:sigill:one"),), "urn:sigill:one"),
        ((("content-type", b"application/json"),), "urn:sigill:one"),
        ((("ce_source", b"urn:sigill:two"),), None),
        ((("ce_source", None),), None),
        ((("Content-Type", b" application/CloudEvents+json; charset=utf-8"),), None),
        ((("content-type", None),), None),
    ],
    ids=repr,
)
def test_a_source_is_stated_as_the_whole_envelope_reads_it(
    more: tuple[tuple[str, Any], ...], stated: str | None
) -> None:
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"1"),
        ("ce_source", b"urn:sigill:one"),
        ("ce_type", b"t"),
    )
    record = Record("orders", 0, 0, 0, "append", b"key", b"{}", (*headers, *more))
    assert source_stated(record) == stated
    if stated is not None:
        assert read_event(record)[0].source == stated
