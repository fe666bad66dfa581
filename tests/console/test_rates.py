"""How fast a backlog goes, and when the newest will be done: from the first seconds."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from sigill.operations.queue_figures import EVERY, Queue, QueueWatch
from sigill.runtime.clock import FixedClock
from sigill.runtime.health import Health
from sigill.runtime.metrics import Metrics
from sigill.stream.records import Partition

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
PLACE = Partition("ehr.orders.v1", 0)


def test_a_backlogs_rate_is_told_from_its_first_seconds() -> None:
    """The average over a minute, most of it idle, said a twelfth: that a few hundred orders take hours."""
    nothing = cast(Any, None)
    watch = QueueWatch(nothing, nothing, nothing, FixedClock(NOW), Metrics(), Health())
    step = timedelta(seconds=EVERY)
    for look in range(12):  # a quiet minute
        assert watch._rates(NOW + look * step, {PLACE: 100}, {PLACE.topic: 0}).get(PLACE.topic, 0) == 0
    at = NOW + 12 * step
    assert watch._rates(at, {PLACE: 350}, {PLACE.topic: 900})[PLACE.topic] == 50
    assert watch._rates(at + step, {PLACE: 600}, {PLACE.topic: 650})[PLACE.topic] == 50
    # worked off: the last minute's average again
    assert watch._rates(at + 2 * step, {PLACE: 1250}, {PLACE.topic: 0})[PLACE.topic] == pytest.approx(
        1150 / 60
    )


def test_the_newest_is_done_when_the_depth_is_worked_off() -> None:
    assert Queue("t", "g", "w", 600, None, 50.0).clears_in == 12
    assert Queue("t", "g", "w", 0, None, 50.0).clears_in is None
    assert Queue("t", "g", "w", 600, None, 0.0).clears_in is None
    assert Queue("t", "g", "w", None, None, None).clears_in is None
