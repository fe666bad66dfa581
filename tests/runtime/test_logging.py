"""Nothing personal in a log: not in a value, a key, a nested value, an exception, or a library's own record."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from sigill.runtime.logging import (
    DROPPED,
    MASK,
    MaskedStream,
    Sparing,
    configure_logging,
    log_message,
    mask,
)

NUMBER = "202201019996"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers, root.level
    stream = io.StringIO()
    configure_logging("json", "debug", stream)
    yield stream
    root.handlers, root.level = before[0], before[1]
    structlog.reset_defaults()


def events(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        "202201019996", "20220101-9996", "220101-9996", "220101+9996", "2201019996", "id202201019996x",
        "2022-01-01-9996", "2022 01 01 9996", "20220101–9996", "20220161-9996", "19990101AB1C", "20220101-AB1C",
        "20220101%2D9996", "/person/202201019996/x", '{"id":"202201019996"}', "(202201019996)", "1.202201019996",
    ],
)  # fmt: skip
def test_an_identity_number_is_masked_however_it_is_written(text: str) -> None:
    assert MASK in mask(text)
    assert not any(part in mask(text).replace(" ", "").replace("-", "") for part in ("9996", "AB1C", "0101"))


@pytest.mark.parametrize(
    "text",
    [
        "0192f0c1-1234-7abc-8def-202201019996", "SE2321000065-1001", "SE165565594230-1000", "offset 123456789",
        "2026-03-01T09:30:00.123456+01:00", "2026-11-24 23:10:11", "1790000000123", "12 ms", "batch of 500",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)  # fmt: skip
def test_what_operators_need_is_left(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "text", ["200001010000aaaa", "ab200001010000cdef01", "deadbeef0001010000cafe", "0001019999abcdef"]
)
def test_a_number_among_hexadecimal_letters_is_no_digest(text: str) -> None:
    assert not any(number in mask(text) for number in ("200001010000", "0001010000", "0001019999"))


@given(
    st.text(st.characters(exclude_categories=("Nd", "Cs")), max_size=20),
    st.dates().map(lambda day: day.strftime("%Y%m%d").zfill(8)),
    st.integers(0, 9999),
    st.text(st.characters(exclude_categories=("Nd", "Cs")), max_size=20),
)
def test_a_number_between_any_other_signs_is_masked(before: str, day: str, last: int, after: str) -> None:
    number = f"{day}{last:04d}"
    # a UUID, an HSA-id, a digest and a moment cannot end up around these without digits of their own
    if not before.endswith(("SE",)):
        assert number not in mask(f"{before}{number}{after}")


def test_a_login_in_an_address_is_masked() -> None:
    assert mask("cannot reach postgresql://sigill:hunter2@db/x") == f"cannot reach postgresql://{MASK}@db/x"


def test_names_and_motivations_are_dropped_at_any_depth(out: io.StringIO) -> None:
    structlog.get_logger("x").info(
        "got",
        order_id="o",
        patient="Kalle",
        inner={"motivation": "because", "codes": ["a", NUMBER]},
        n=int(NUMBER),
        offset=1234567890,
    )
    (event,) = events(out)
    assert event["patient"] == DROPPED
    assert event["inner"] == {"motivation": DROPPED, "codes": ["a", MASK]}
    assert event["n"] == MASK
    assert event["offset"] == 1234567890
    assert event["order_id"] == "o"


def test_an_exception_is_masked_with_its_causes(out: io.StringIO) -> None:
    try:
        try:
            raise KeyError(NUMBER)
        except KeyError as error:
            raise ValueError(f"no person 220101-9996 {NUMBER}") from error
    except ValueError:
        structlog.get_logger("x").exception("failed")
        logging.getLogger("aiokafka.cluster").exception("failed for %s", NUMBER)
    ours, theirs = events(out)
    for event in (ours, theirs):
        assert "ValueError: no person [masked] [masked]" in event["exception"]
        assert NUMBER not in json.dumps(event)


def test_bound_context_and_unknown_objects_are_masked(out: io.StringIO) -> None:
    class Person:
        def __repr__(self) -> str:
            return f"Person({NUMBER})"

    with structlog.contextvars.bound_contextvars(about=NUMBER):
        structlog.get_logger("x").info("got", who=Person(), raw=b"202201019996", some={NUMBER})
    (event,) = events(out)
    assert event["about"] == MASK
    assert event["who"] == f"Person({MASK})"
    assert event["raw"] == "12 bytes"
    assert NUMBER not in json.dumps(event)


def test_no_level_of_ours_opens_the_clients_debug_logs(out: io.StringIO) -> None:
    """aiokafka writes key and value at DEBUG; asyncpg's parameters are identity numbers."""
    for name in ("aiokafka.producer.producer", "asyncpg", "httpx"):
        logging.getLogger(name).debug("Sending (key=%s value=%s)", "v1.abc", "secret")
        logging.getLogger(name).info("also not")
    assert events(out) == []


def test_the_canonical_line_stands_behind_the_same_fences(out: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(patient="Kalle", about=NUMBER):
        log_message(
            order_id=NUMBER, form=None, region=None, outcome="refused", codes=[NUMBER], steps_ms={}, topic="t", partition=0,
            offset=1,
        )  # fmt: skip
    (event,) = events(out)
    assert (event["patient"], event["about"], event["order_id"], event["codes"]) == (
        DROPPED,
        MASK,
        MASK,
        [MASK],
    )


def test_the_canonical_line_holds_ids_codes_and_milliseconds(out: io.StringIO) -> None:
    log_message(
        order_id="0192f0c1-1234-7abc-8def-202201019996", form="seal_journal", region="r", outcome="refused",
        codes=["too_old"], steps_ms={"verify": 0.123456}, topic="t", partition=3, offset=12,
    )  # fmt: skip
    (event,) = events(out)
    event.pop("timestamp")
    assert event == {
        "event": "message", "logger": "sigill.message", "level": "info", "order_id": "0192f0c1-1234-7abc-8def-202201019996",
        "form": "seal_journal", "region": "r", "outcome": "refused", "codes": ["too_old"], "ms": {"verify": 0.12},
        "topic": "t", "partition": 3, "offset": 12,
    }  # fmt: skip


def test_a_log_that_nobody_reads_any_more_stops_no_message() -> None:
    stream = io.StringIO()
    configure_logging("json", "info", stream)
    stream.close()
    log_message(
        order_id=None, form=None, region=None, outcome="refused", codes=[], steps_ms={}, topic="t", partition=0, offset=1,
    )  # fmt: skip
    logging.getLogger().handlers = []


def test_a_terminal_gets_readable_lines_and_the_same_fences() -> None:
    stream = io.StringIO()
    configure_logging("console", "info", stream)
    structlog.get_logger("x").info("hello", patient="Kalle", n=NUMBER)
    assert "hello" in stream.getvalue()
    assert "Kalle" not in stream.getvalue()
    assert NUMBER not in stream.getvalue()
    structlog.reset_defaults()
    logging.getLogger().handlers = []


def test_a_client_that_says_the_same_a_thousand_times_is_heard_now_and_then() -> None:
    now = [0.0]
    sparing = Sparing("aiokafka", 10.0, lambda: now[0])

    def record(name: str, line: int) -> logging.LogRecord:
        return logging.LogRecord(name, logging.ERROR, "conn.py", line, "no broker", None, None)

    assert [sparing.filter(record("aiokafka.conn", 5)) for _ in range(1000)] == [True] + [False] * 999
    assert sparing.filter(record("aiokafka.conn", 6)), "another place has its own say"
    assert all(sparing.filter(record("sigill.relay", 5)) for _ in range(3)), "what is ours is never left out"
    now[0] = 10.0
    later = record("aiokafka.conn", 5)
    assert sparing.filter(later)
    assert later.left_out == 999  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_nothing_is_written_past_the_mask_of_standard_error(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", MaskedStream(io.TextIOWrapper(raw, encoding=encoding)))
    click.echo("no such command '191212121212'", err=True)  # of an ASCII stream click takes the bytes below
    sys.stderr.writelines(["191212121212\n"])
    sys.stderr.flush()
    assert raw.getvalue().decode().splitlines() == [f"no such command '{MASK}'", MASK]
