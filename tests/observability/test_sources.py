"""The age of each source of measures made elsewhere is told once it is known, and silence beyond the limit is told always."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sigill.operations.queue_figures import Figures, QueueWatch
from sigill.policy.rulebook import SourceRule
from sigill.runtime.clock import FixedClock
from sigill.runtime.health import Health
from sigill.runtime.metrics import SOURCE_READ_UP_TO, SOURCE_SILENT, Metric, Metrics

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
RULE = SourceRule(limit_minutes=30, sv="1177", en="1177")


def told(metrics: Metrics, metric: Metric) -> dict[str, float]:
    return {
        sample.labels["source"]: sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if family.name == metric.name
    }


def test_a_source_s_age_and_silence_are_told_when_they_are_known() -> None:
    metrics, nothing = Metrics(), cast(Any, None)
    watch = QueueWatch(
        nothing, nothing, nothing, FixedClock(NOW), metrics, Health(), {"1177": RULE, "other": RULE}
    )
    watch._show(Figures(NOW))  # the database has not answered yet
    assert (told(metrics, SOURCE_READ_UP_TO), told(metrics, SOURCE_SILENT)) == ({}, {})
    read = NOW - timedelta(minutes=30)
    watch._show(Figures(NOW, read_up_to={"1177": read, "not.named": NOW}))
    assert told(metrics, SOURCE_READ_UP_TO) == {"1177": read.timestamp()}
    assert told(metrics, SOURCE_SILENT) == {"1177": 0, "other": 1}
    watch._show(Figures(NOW + timedelta(seconds=1), read_up_to={"1177": read}))
    assert told(metrics, SOURCE_SILENT) == {"1177": 1, "other": 1}
