"""
The table of all metrics, and the registry that holds their values.

A metric is declared once, here, with a sentence; code says `metrics.inc(PROCESSED, outcome="executed", …)`.
A process exports what it has set and nothing else: a gauge that nobody has set is not there, and never reads 0.
`python -m sigill.devtools.reference_pages metrics --table` writes infra/observability/METRICS.md; `--check` fails on drift.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from sigill.runtime.clock import stopwatch

Kind = Literal["counter", "gauge", "histogram"]
MILLISECONDS_TO_MINUTES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name, kind, what it tells, and the labels it has."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


_PARTITION = ("worker", "topic", "partition")

CONSUMER_LAG = Metric(
    "sigill_consumer_lag_records",
    "gauge",
    "Records on the topic that this worker has not read yet.",
    _PARTITION,
)
CONSUMER_OLDEST = Metric(
    "sigill_consumer_oldest_unprocessed_timestamp_seconds",
    "gauge",
    "Time of the oldest record not processed yet, or since when some wait; the present time when none does.",
    _PARTITION,
)
CONSUMER_COMMITTED = Metric(
    "sigill_consumer_last_commit_timestamp_seconds", "gauge", "When offsets were last committed.", _PARTITION
)
CONSUMER_RECORDS = Metric(
    "sigill_consumer_records_total", "counter", "Records read from the broker.", ("worker", "topic")
)
CONSUMER_BYTES = Metric(
    "sigill_consumer_received_bytes_total", "counter", "Bytes of the records read.", ("worker", "topic")
)
CONSUMER_REBALANCES = Metric(
    "sigill_consumer_rebalances_total",
    "counter",
    "Times that partitions were taken from this worker.",
    ("worker",),
)
CONSUMER_COMMIT_FAILURES = Metric(
    "sigill_consumer_commit_failures_total",
    "counter",
    "Commits that the broker refused, as after a rebalance; nothing is lost by one.",
    ("worker",),
)
CONSUMER_ASSIGNED = Metric(
    "sigill_consumer_assigned_partitions", "gauge", "Partitions that this worker has now.", ("worker",)
)
CONSUMER_SET_ASIDE = Metric(
    "sigill_consumer_partition_set_aside",
    "gauge",
    "1 while a partition is not read until somebody has looked: a batch cannot be decoded, or records are gone unread.",
    _PARTITION,
)
CONSUMER_LOG_REPLACED = Metric(
    "sigill_consumer_logs_replaced_total",
    "counter",
    "Times that a partition turned out to be another log than was read, and is read again from its beginning.",
    _PARTITION,
)
DATABASE_WENT_BACK = Metric(
    "sigill_database_went_back_total",
    "counter",
    "Times that the database no longer knew what this worker had written: a fail-over or a restore lost commits.",
    ("worker",),
)
PROCESS_STARTED = Metric(
    "sigill_process_start_timestamp_seconds", "gauge", "When this process began to work."
)
PROCESSED = Metric(
    "sigill_orders_processed_total", "counter", "Orders answered.", ("outcome", "form", "region")
)
REFUSALS = Metric("sigill_order_refusals_total", "counter", "Reasons given in refusals.", ("code", "region"))
STEP_SECONDS = Metric(
    "sigill_step_duration_seconds", "histogram", "Time of one step for a batch.", ("worker", "step")
)
BATCH_RECORDS = Metric(
    "sigill_batch_records_total", "counter", "Records taken in finished batches.", ("worker",)
)
BATCHES = Metric("sigill_batches_total", "counter", "Finished batches.", ("worker",))
DEAD_LETTERS = Metric(
    "sigill_dead_letters_total", "counter", "Messages that could not be read.", ("topic", "reason")
)
DEAD_LETTERS_OPEN = Metric(
    "sigill_dead_letters_open", "gauge", "Dead letters that nobody has dealt with.", ("topic",)
)
SOURCES_HELD = Metric(
    "sigill_sources_held",
    "gauge",
    "Sources whose opening orders wait, since too much of theirs was unreadable, until an operator has looked.",
    ("topic",),
)
DEAD_LETTER_LIMIT = Metric(
    "sigill_dead_letter_limit_reached_total",
    "counter",
    "Times that a source was held, or a worker kept its batch, because one message after the other failed.",
    ("worker",),
)
ACCESS_LOG_MISPLACED = Metric(
    "sigill_access_log_misplaced_lines",
    "gauge",
    "Lines of the access log that lie in no month's partition; each is kept and found like the others.",
)
OUTBOX_PENDING = Metric("sigill_outbox_pending", "gauge", "Events that wait to be published.")
OUTBOX_OLDEST = Metric(
    "sigill_outbox_oldest_pending_timestamp_seconds",
    "gauge",
    "When the oldest waiting event was written; the present time when none waits.",
)
OUTBOX_PUBLISHED = Metric("sigill_outbox_published_total", "counter", "Events published.", ("topic",))
OUTBOX_FAILURES = Metric(
    "sigill_outbox_publish_failures_total",
    "counter",
    "Sends that failed or stayed in doubt.",
    ("error_type",),
)
OUTBOX_TOO_LARGE = Metric(
    "sigill_outbox_too_large",
    "gauge",
    "Events that wait because they are larger than can be sent; all others go on.",
)
OUTBOX_SECONDS = Metric(
    "sigill_outbox_delivery_duration_seconds",
    "histogram",
    "From an event's transaction to its acknowledgement.",
)
TIMERS_DUE = Metric(
    "sigill_timers_due_today", "gauge", "Timers that fall due today, Swedish date.", ("kind",)
)
TIMERS_OVERDUE = Metric("sigill_timers_overdue", "gauge", "Timers past their time that have not fired.")
TIMERS_FIRED = Metric("sigill_timers_fired_total", "counter", "Timers that fired.", ("kind",))
RULEBOOK_RELEASE = Metric(
    "sigill_rulebook_release",
    "gauge",
    "Number of the release that a region's rules are read from, 0 for what was imported; where rules come from the store.",
    ("region",),
)
RULEBOOK_RELEASES_REFUSED = Metric(
    "sigill_rulebook_releases_refused",
    "gauge",
    "Releases of rules that this process could not load, so that it goes by the ones before them.",
)
PROTECTED_NOT_SHUT = Metric(
    "sigill_protected_not_shut",
    "gauge",
    "Persons with protected identity whom the region's rulebook wants shut and who were not; anything but 0 is an "
    "incident.",
    ("region",),
)
SOURCE_READ_UP_TO = Metric(
    "sigill_elsewhere_source_read_up_to_timestamp_seconds",
    "gauge",
    "Up to when a source of measures made elsewhere, named by the national rulebook, has been read; absent while never.",
    ("source",),
)
SOURCE_SILENT = Metric(
    "sigill_elsewhere_source_silent",
    "gauge",
    "1 while a source that the national rulebook names has gone unread for longer than its limit, or has never been read.",
    ("source",),
)
WORKLIST_OPEN = Metric(
    "sigill_worklist_open", "gauge", "Measures applied here and not yet keyed in there.", ("target",)
)
WORKLIST_OLDEST = Metric(
    "sigill_worklist_oldest_open_timestamp_seconds",
    "gauge",
    "When the oldest open task was made; the present time when there is none.",
    ("target",),
)
DECISIONS_OPEN = Metric(
    "sigill_unit_decisions_open",
    "gauge",
    "Decisions that a unit owes and has not made: after something urgent, on the day for a renewed one, before an end.",
    ("kind",),
)
WAITING = Metric("sigill_orders_waiting", "gauge", "Orders that wait for something.", ("waits_for", "region"))
WAITING_OVERDUE = Metric(
    "sigill_orders_waiting_overdue", "gauge", "Waiting orders past their deadline.", ("waits_for", "region")
)
API_SECONDS = Metric(
    "sigill_api_request_duration_seconds",
    "histogram",
    "Time to answer a request to the decision API; `status` is 2xx, 4xx or 5xx.",
    ("operation", "status"),
)
CRL_UPDATED = Metric(
    "sigill_revocation_list_updated_timestamp_seconds",
    "gauge",
    "When the newest list of an issuer and scope (all, users, a distribution point) was made.",
    ("issuer", "scope"),
)
CRL_GOOD_UNTIL = Metric(
    "sigill_revocation_list_good_until_timestamp_seconds",
    "gauge",
    "Until when the newest list of an issuer and scope speaks; afterwards opening orders wait.",
    ("issuer", "scope"),
)
REVOCATION_SOURCES_FAILING = Metric(
    "sigill_revocation_sources_failing", "gauge", "Sources of revocation status that the last look failed at."
)
DATABASE_POOL = Metric("sigill_database_pool_connections", "gauge", "Connections of the pool.", ("state",))
DATABASE_RETRIES = Metric(
    "sigill_database_retries_total", "counter", "Transactions done again after a conflict.", ("worker",)
)
DEPENDENCY_UP = Metric(
    "sigill_dependency_up",
    "gauge",
    "1 while what a process depends on is well, 0 while not: database, statements (they are finished in "
    "time), broker, handling (readable messages can be handled), and what else /readyz asks about.",
    ("dependency",),
)
LOOP_TICK = Metric("sigill_loop_last_tick_timestamp_seconds", "gauge", "When a loop last turned.", ("loop",))
CONSUMER_STALLED = Metric(
    "sigill_consumer_stalled",
    "gauge",
    "1 while records wait, the broker answers, and the worker is handed none: only a restart helps.",
    ("worker",),
)
AUDIT_FAULTS = Metric(
    "sigill_audit_chain_faults",
    "gauge",
    "Entries of the audit chains that do not follow from the one before, or are gone; anything but 0 is an incident.",
)
AUDIT_VERIFIED = Metric(
    "sigill_audit_chain_verified_timestamp_seconds",
    "gauge",
    "When what is new in the chains was last verified.",
)
CLOCK_SKEW = Metric(
    "sigill_clock_skew_seconds",
    "gauge",
    "Seconds that a clock is ahead of the database's: this machine's (`worker`), or the broker's stamps (`broker`); of "
    "`issuer`, seconds that it was ahead of this machine's at the latest login.",
    ("of",),
)
BUILD_INFO = Metric(
    "sigill_build_info",
    "gauge",
    "Always 1, for each worker that the process runs; the labels tell which and what of.",
    ("worker", "version", "python"),
)

ALL: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The values of the metrics that this process tells, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._built: dict[Metric, Counter | Gauge | Histogram] = {}
        self._building = threading.Lock()

    def _build(self, metric: Metric) -> Counter | Gauge | Histogram:
        match metric.kind:
            case "counter":
                return Counter(metric.name, metric.help, metric.labels, registry=self.registry)
            case "gauge":
                return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)
            case "histogram":
                return Histogram(
                    metric.name,
                    metric.help,
                    metric.labels,
                    buckets=MILLISECONDS_TO_MINUTES,
                    registry=self.registry,
                )

    def begin(self, metric: Metric, /, **labels: Iterable[str]) -> None:
        """
        Tell a counter as 0 for every combination of these values, before anything is counted.

        Prometheus sees no increase in a series that begins with its first event.
        """
        for values in itertools.product(*labels.values()):
            self.inc(metric, 0, **dict(zip(labels, values, strict=True)))

    def inc(self, metric: Metric, amount: float = 1, /, **labels: str) -> None:
        """Count up."""
        child = self._child(metric, labels)
        assert isinstance(child, Counter)
        child.inc(amount)

    def set(self, metric: Metric, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        child = self._child(metric, labels)
        assert isinstance(child, Gauge)
        child.set(value)

    def observe(self, metric: Metric, seconds: float, /, **labels: str) -> None:
        """Add one duration to a histogram."""
        child = self._child(metric, labels)
        assert isinstance(child, Histogram)
        child.observe(seconds)

    @contextlib.contextmanager
    def timed(self, metric: Metric, /, **labels: str) -> Iterator[None]:
        """Measure what the block takes, also when it raises."""
        began = stopwatch()
        try:
            yield
        finally:
            self.observe(metric, stopwatch() - began, **labels)

    def forget(self, metric: Metric, /, **labels: str) -> None:
        """Remove one labelled series, such as that of a partition no longer ours; none is no error."""
        with contextlib.suppress(KeyError):
            self._built[metric].remove(*(labels[name] for name in metric.labels))

    def clear(self, metric: Metric, /) -> None:
        """Remove every labelled series of a metric, before its present ones are set."""
        if metric in self._built:
            self._built[metric].clear()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _child(self, metric: Metric, labels: dict[str, str]) -> Counter | Gauge | Histogram:
        built = self._built.get(metric)
        if built is None:
            with self._building:
                built = self._built.get(metric) or self._build(metric)
                self._built[metric] = built
        return built.labels(**labels) if metric.labels else built
