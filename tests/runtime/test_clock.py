"""Clocks: aware, in UTC, and movable from another process."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sigill.runtime.clock import FileClock, FixedClock, SystemClock, write_clock
from sigill.runtime.settings import WrongSettings, load_settings

MOMENT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


def test_the_systems_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_file_clock_follows_what_another_process_writes(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    write_clock(file, MOMENT)
    clock = FileClock(file)
    assert clock.now() == MOMENT
    moved = MOMENT + timedelta(days=400)
    code = f"import sys; from datetime import datetime; from pathlib import Path; from sigill.runtime.clock import write_clock; write_clock(Path({str(file)!r}), datetime.fromisoformat({moved.isoformat()!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert clock.now() == moved
    write_clock(file, datetime(1900, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == datetime(1899, 12, 31, 23, tzinfo=UTC)


def test_a_file_that_is_no_clock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("2026-03-01T00:00:00Z")
    with pytest.raises(ValueError, match="not a clock file"):
        FileClock(tmp_path / "clock")


def test_production_has_no_file_clock(tmp_path: Path) -> None:
    write_clock(tmp_path / "clock", MOMENT)
    with pytest.raises(WrongSettings, match="SIGILL_CLOCK_FILE: not in production"):
        load_settings(environment="production", clock_file=tmp_path / "clock")


def test_a_fixed_clock_moves_only_when_told_and_takes_no_naive_time() -> None:
    clock = FixedClock(MOMENT)
    clock.advance(timedelta(hours=2))
    assert clock.now() == MOMENT + timedelta(hours=2)
    with pytest.raises(ValueError, match="without time zone"):
        clock.set(datetime(2026, 1, 1))
