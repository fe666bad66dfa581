"""Orders as the CloudEvents libraries write them are read: in binary and structured mode, in four languages."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sigill.stream.records import Record, read_event, sender_of
from tests.kit.event_libraries import ID, KEY, ORDER, RECORDED, SOURCE, TIME, TOOLS, TYPE, missing, written

WRITTEN: dict[str, list[dict[str, Any]]] = json.loads(RECORDED.read_text())
CASES = [(name, one) for name, modes in WRITTEN.items() for one in modes]


def _record(message: dict[str, Any]) -> Record:
    headers = tuple((name, base64.b64decode(value)) for name, value in message["headers"])
    value = base64.b64decode(message["value"])
    return Record("ehr.orders.v1", 0, 0, 0, "append", message["key"].encode(), value, headers)


def _plain(messages: list[dict[str, Any]]) -> list[tuple[str, str, list[Any], Any]]:
    """What is compared: neither the order of headers nor that of JSON members means anything."""
    return [
        (
            one["mode"],
            one["key"],
            sorted(one["headers"]),
            json.loads(base64.b64decode(one["value"])) if one["mode"] == "structured" else one["value"],
        )
        for one in messages
    ]


def test_every_library_wrote_both_modes() -> None:
    assert {(name, one["mode"]) for name, one in CASES} == {
        (name, mode) for name in TOOLS for mode in ("binary", "structured")
    }


@pytest.mark.parametrize(("language", "message"), CASES, ids=lambda v: v if isinstance(v, str) else v["mode"])
def test_what_a_library_writes_is_read(language: str, message: dict[str, Any]) -> None:
    record = _record(message)
    envelope, data = read_event(record)
    assert (envelope.id, envelope.source, envelope.type, envelope.subject) == (ID, SOURCE, TYPE, KEY)
    assert envelope.content_type == "application/jose"
    assert envelope.time == datetime.fromisoformat(TIME).astimezone(UTC)
    assert dict(envelope.extensions)["partitionkey"] == KEY
    assert data == ORDER.read_bytes().strip()
    assert sender_of(record) == (SOURCE, ID)


@pytest.mark.recipes
@pytest.mark.parametrize("language", sorted(TOOLS))
def test_the_library_still_writes_what_was_recorded(language: str) -> None:
    if tool := missing(language):
        pytest.skip(f"{tool} is not here")
    assert _plain(written(language)) == _plain(WRITTEN[language])
