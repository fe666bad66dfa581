"""
The only place that reads a clock. Everything else is handed a moment or a `Clock`.

Moments are aware and in UTC. `stopwatch` measures durations; it never gives a date.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = struct.Struct("<q")


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 (the one place)


class RefereedClock:
    """
    The database's time, carried on between two looks at it by a stopwatch.

    Workers on different machines agree by it, and no correction of a machine's clock moves it: only another look
    does. Until the first look it is the machine's own.
    """

    def __init__(self, machine: Clock | None = None) -> None:
        self._machine = machine or SystemClock()
        self._seen: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        if self._seen is None:
            return self._machine.now()
        moment, at = self._seen
        return moment + timedelta(seconds=stopwatch() - at)

    def correct(self, moment: datetime, at: float) -> None:
        """Go on from `moment` (aware), which it was when the stopwatch stood at `at`."""
        self._seen = _in_utc(moment), at

    def machine_ahead(self) -> timedelta:
        """How far the machine's own clock is ahead of this one; negative when it is behind."""
        return self._machine.now() - self.now()


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime) -> None:
        self._moment = _in_utc(moment)

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self._moment

    def set(self, moment: datetime) -> None:
        """Move the clock to `moment` (aware), forwards or backwards."""
        self._moment = _in_utc(moment)

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration."""
        self._moment += by


class FileClock:
    """
    A clock that another process moves, through a file of eight bytes (see `write_clock`).

    For scenario runs; `settings` refuses it in production. Reading costs less than a microsecond.
    """

    def __init__(self, path: Path) -> None:
        """Raises `FileNotFoundError` without the file, `ValueError` when it does not hold eight bytes."""
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != _MICROSECONDS.size:
                msg = f"{path} is not a clock file: it must hold {_MICROSECONDS.size} bytes"
                raise ValueError(msg)
            self._map = mmap.mmap(file.fileno(), _MICROSECONDS.size, access=mmap.ACCESS_READ)

    def now(self) -> datetime:
        """Return the moment that the file holds, aware, in UTC."""
        return _EPOCH + timedelta(microseconds=_MICROSECONDS.unpack_from(self._map)[0])


def write_clock(path: Path, moment: datetime) -> None:
    """Set the clock file to `moment` (aware); it is made when it is not there."""
    content = _MICROSECONDS.pack((_in_utc(moment) - _EPOCH) // timedelta(microseconds=1))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(handle, content, 0)
    finally:
        os.close(handle)


def stopwatch() -> float:
    """Return seconds from an arbitrary start, never running backwards: for durations only."""
    return time.monotonic()


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        msg = "a moment without time zone"
        raise ValueError(msg)
    return moment.astimezone(UTC)
