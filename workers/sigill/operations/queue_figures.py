"""
The figures of the overview: asked for every few seconds by one task, shown to any number of browsers.

Lag is the broker's end against the database's account of what is done, as a count and as the age of the first unread
record. When broker or database does not answer, the last figures stay, with their time and what is wrong.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from sigill.policy.calendar import midnight, swedish_date
from sigill.policy.console_lexicon import FOLLOW_UP_KINDS
from sigill.policy.elsewhere import silent_of
from sigill.policy.rulebook import SourceRule
from sigill.runtime.clock import Clock
from sigill.runtime.health import BROKER, DATABASE, STATEMENTS, Health
from sigill.runtime.metrics import (
    DEAD_LETTERS_OPEN,
    DECISIONS_OPEN,
    SOURCE_READ_UP_TO,
    SOURCE_SILENT,
    SOURCES_HELD,
    TIMERS_DUE,
    WAITING,
    WAITING_OVERDUE,
    WORKLIST_OLDEST,
    WORKLIST_OPEN,
    Metric,
    Metrics,
)
from sigill.runtime.settings import Settings
from sigill.store import (
    console,
    dead_letters,
    elsewhere,
    growth,
    holds,
    outbox,
    proposals,
    tasks,
    timers,
    units,
)
from sigill.store.console import Tally, Waits
from sigill.store.dead_letters import DeadLetterCount
from sigill.store.growth import GrowthWait
from sigill.store.holds import Hold
from sigill.store.outbox import OutboxStats
from sigill.store.session import Store, passing, unfinished
from sigill.store.tasks import TaskStats
from sigill.store.timers import Coming, TimerStats
from sigill.stream.connection import BrokerDown, StreamStopped
from sigill.stream.partition_lag import PartitionLag, PartitionLags
from sigill.stream.records import Partition
from sigill_contracts.topics import DEAD_LETTERS, INCOMING, group_of

log = structlog.get_logger("sigill.watch")
EVERY = 5.0
"""Seconds between two rounds."""
_RATE_OVER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class QueuePartition:
    """One partition of a queue, for those who want the Kafka words."""

    partition: int
    next_offset: int | None
    end: int | None
    lag: int | None
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Queue:
    """
    A topic and the worker that reads it. None: not known (yet). `rate` is records a second, over a minute at most, and since
    a backlog began.
    """

    topic: str
    group: str
    worker: str
    depth: int | None
    oldest: datetime | None
    rate: float | None
    parts: tuple[QueuePartition, ...] = ()
    last_error: str | None = None
    last_error_at: datetime | None = None

    @property
    def clears_in(self) -> float | None:
        """In how many seconds what came last will be done, at this rate; None: nothing waits, or it does not move."""
        return self.depth / self.rate if self.depth and self.rate else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the overview shows, as of `at` (UTC). `broker` and `database` say what is wrong."""

    at: datetime
    queues: tuple[Queue, ...] = ()
    broker: str | None = "not_asked_yet"
    database: str | None = "not_asked_yet"
    outbox: OutboxStats | None = None
    timers: TimerStats | None = None
    due_today: tuple[Coming, ...] = ()
    waiting: tuple[Waits, ...] = ()
    waiting_all: Tally | None = None
    tasks: tuple[TaskStats, ...] = ()
    requests: int = 0
    letters: tuple[DeadLetterCount, ...] = ()
    proposals: int = 0
    holds: tuple[Hold, ...] = ()
    waits: tuple[GrowthWait, ...] = ()
    """Partitions that are read no further before others were: their topic has grown."""
    read_up_to: Mapping[str, datetime] | None = None
    """Up to when (UTC) each source of measures made elsewhere has been read; None: not known."""

    @property
    def worklist(self) -> tuple[TaskStats, ...]:
        """Applied here, not yet there: by target."""
        return tuple(task for task in self.tasks if task.target is not None)

    @property
    def to_decide(self) -> tuple[TaskStats, ...]:
        """What else waits for people."""
        return tuple(task for task in self.tasks if task.target is None)

    @property
    def letters_open(self) -> int:
        """How many dead letters nobody has dealt with."""
        return sum(row.letters for row in self.letters)

    @property
    def due_today_count(self) -> int:
        """How many timers fall due today."""
        return sum(row.timers for row in self.due_today)


@dataclass(frozen=True, slots=True)
class _Look:
    """What was read of each topic at a moment, and how much was not."""

    at: datetime
    totals: Mapping[str, int]
    depths: Mapping[str, int]


@dataclass(slots=True)
class QueueWatch:
    """Keeps `figures` fresh while it runs, and the gauges that only the database knows."""

    store: Store
    standings: PartitionLags
    settings: Settings
    clock: Clock
    metrics: Metrics
    health: Health
    sources: Mapping[str, SourceRule] = field(default_factory=dict)
    """The sources of measures made elsewhere that must be read; gauges name these alone, whatever a message says it is."""
    figures: Figures = field(init=False)
    unit_names: dict[str, str] = field(default_factory=dict)
    """What the directory calls each unit, for pages."""
    _named_until: datetime | None = None
    _history: deque[_Look] = field(default_factory=lambda: deque(maxlen=64))
    _labels: dict[Metric, set[tuple[tuple[str, str], ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.figures = Figures(self.clock.now())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look every few seconds while the block runs."""
        task = asyncio.create_task(self._run(), name="watch")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.standings.close()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # a bug here must not leave old figures standing as if they were new
                log.exception("the figures could not be taken")
                self.figures = replace(self.figures, broker="not_asked", database="not_asked")
            await asyncio.sleep(EVERY)

    async def look(self) -> Figures:
        """Take the figures once."""
        figures = await self._of_database(self.figures)
        figures = await self._of_broker(figures)
        self.figures = figures
        self._show(figures)
        return figures

    async def _of_database(self, before: Figures) -> Figures:
        now = self.clock.now()
        today = swedish_date(now)
        try:
            async with self.store.reading() as tx:
                figures = Figures(
                    at=now,
                    queues=before.queues,
                    broker=before.broker,
                    database=None,
                    outbox=await outbox.stats(tx),
                    timers=await timers.stats(tx, now),
                    due_today=tuple(
                        await timers.between(tx, midnight(today), midnight(today + timedelta(days=1)))
                    ),
                    waiting=tuple(await console.waiting(tx, now)),
                    waiting_all=await console.count_pending(tx, now),
                    tasks=tuple(await tasks.stats(tx)),
                    requests=await console.count_requests(tx),
                    letters=tuple(await dead_letters.counts(tx)),
                    proposals=len(await proposals.open_ones(tx)),
                    holds=tuple(await holds.standing(tx)),
                    waits=tuple(
                        wait
                        for wait in await growth.waits(tx)
                        if wait.group
                        == group_of(_reader(self._bare(wait.topic)), self.settings.kafka_group_prefix)
                    ),
                    read_up_to=await elsewhere.sources(tx),
                )
                # a transaction's own moment is a little before its commit: the last minute is asked for twice
                since = self._named_until and self._named_until - timedelta(minutes=1)
                self.unit_names |= await units.names_since(tx, since)
                self._named_until = now
        except Exception as error:
            if not passing(error):
                raise
            self.health.down(STATEMENTS if unfinished(error) else DATABASE, type(error).__name__)
            return replace(before, database=type(error).__name__)
        self.health.up(DATABASE)
        return figures

    async def _of_broker(self, figures: Figures) -> Figures:
        try:
            async with self.store.reading() as tx:
                consumed = await console.consumed(tx)
                errors = await dead_letters.newest_letters(tx)
        except Exception as error:
            if not passing(error):
                raise
            return replace(figures, database=type(error).__name__)
        mine = {
            Partition(position.topic, position.partition): position.next_offset
            for position in consumed
            if position.group
            == group_of(_reader(self._bare(position.topic)), self.settings.kafka_group_prefix)
        }
        names = tuple(self.settings.topic(spec.name) for spec in INCOMING)
        try:
            standing = await self.standings.measure(names, mine)
        except (BrokerDown, StreamStopped) as error:
            self.health.down(BROKER, type(error).__name__)
            queues = tuple(replace(queue, rate=None) for queue in figures.queues) or self._unknown(errors)
            return replace(figures, queues=queues, broker=str(error) or type(error).__name__)
        self.health.up(BROKER)
        depths: Counter[str] = Counter()
        for place, lag in standing.items():
            depths[place.topic] += lag.lag
        rates = self._rates(figures.at, mine, depths)
        queues = tuple(self._queue(spec.name, standing, mine, rates, errors) for spec in INCOMING)
        return replace(figures, queues=queues, broker=None)

    def _queue(
        self,
        name: str,
        standing: dict[Partition, PartitionLag],
        read: dict[Partition, int | None],
        rates: dict[str, float],
        errors: dict[str, tuple[str, datetime]],
    ) -> Queue:
        topic = self.settings.topic(name)
        worker = _reader(name)
        places = sorted(place for place in standing if place.topic == topic)
        parts = tuple(
            QueuePartition(
                place.partition,
                read.get(place),
                standing[place].end,
                standing[place].lag,
                standing[place].oldest,
            )
            for place in places
        )
        last = errors.get(name)
        return Queue(
            topic=topic,
            group=group_of(worker, self.settings.kafka_group_prefix),
            worker=worker,
            depth=sum(part.lag or 0 for part in parts),
            oldest=min((part.oldest for part in parts if part.oldest), default=None),
            rate=rates.get(topic),
            parts=parts,
            last_error=last[0] if last else None,
            last_error_at=last[1] if last else None,
        )

    def _unknown(self, errors: dict[str, tuple[str, datetime]]) -> tuple[Queue, ...]:
        queues = (self._queue(spec.name, {}, {}, {}, errors) for spec in INCOMING)
        return tuple(replace(queue, depth=None) for queue in queues)

    def _bare(self, topic: str) -> str:
        return topic.removeprefix(self.settings.kafka_topic_prefix)

    def _rates(
        self, now: datetime, read: dict[Partition, int | None], depths: Mapping[str, int]
    ) -> dict[str, float]:
        """
        Records a second that each topic's worker has finished: over the last minute, or since its backlog began.

        A minute's average would say in the first seconds of a backlog that it hardly moves.
        """
        totals: dict[str, int] = {}
        for place, offset in read.items():
            totals[place.topic] = totals.get(place.topic, 0) + (offset or 0)
        self._history.append(_Look(now, totals, depths))
        while len(self._history) > 2 and now - self._history[1].at >= _RATE_OVER:
            self._history.popleft()
        rates: dict[str, float] = {}
        for topic, total in totals.items():
            looks = [look for look in self._history if topic in look.totals]
            since = looks[0]
            if depths.get(topic):
                since = next((look for look in reversed(looks) if not look.depths.get(topic)), since)
            if (seconds := (now - since.at).total_seconds()) > 0:
                rates[topic] = max(0, total - since.totals[topic]) / seconds
        return rates

    def _show(self, figures: Figures) -> None:
        now = figures.at.timestamp()
        self._set(DEAD_LETTERS_OPEN, [({"topic": topic}, count) for topic, count in self._letters(figures)])
        held = {spec.name: 0 for spec in INCOMING} | Counter(hold.topic for hold in figures.holds)
        self._set(SOURCES_HELD, [({"topic": topic}, count) for topic, count in held.items()])
        self._set(
            WORKLIST_OPEN, _summed(((row.target or "", row.tasks) for row in figures.worklist), "target")
        )
        oldest: dict[str, float] = {}
        for row in figures.worklist:
            target = row.target or ""
            oldest[target] = min(oldest.get(target, now), row.oldest.timestamp())
        self._set(WORKLIST_OLDEST, [({"target": target}, at) for target, at in oldest.items()], nothing=now)
        for kind in FOLLOW_UP_KINDS:
            owed = sum(row.tasks for row in figures.to_decide if row.kind == kind)
            self.metrics.set(DECISIONS_OPEN, owed, kind=kind)
        waits = [({"waits_for": row.code, "region": row.region or "unknown"}, row) for row in figures.waiting]
        self._set(WAITING, [(labels, row.orders) for labels, row in waits])
        self._set(WAITING_OVERDUE, [(labels, row.overdue) for labels, row in waits])
        self._set(TIMERS_DUE, _summed(((str(row.kind), row.timers) for row in figures.due_today), "kind"))
        if figures.read_up_to is not None:
            self._show_sources(figures.read_up_to, figures.at)

    def _show_sources(self, read_up_to: Mapping[str, datetime], at: datetime) -> None:
        read = {source: read_up_to[source] for source in self.sources if source in read_up_to}
        silent = {source.source for source in silent_of(read, at, self.sources)}
        self._set(SOURCE_READ_UP_TO, [({"source": source}, at.timestamp()) for source, at in read.items()])
        self._set(SOURCE_SILENT, [({"source": source}, float(source in silent)) for source in self.sources])

    def _letters(self, figures: Figures) -> list[tuple[str, int]]:
        topics = {spec.name.removesuffix(".dlq"): 0 for spec in DEAD_LETTERS}
        for row in figures.letters:
            topics[row.topic] = topics.get(row.topic, 0) + row.letters
        return list(topics.items())

    def _set(
        self, metric: Metric, values: Sequence[tuple[dict[str, str], float]], nothing: float = 0.0
    ) -> None:
        """Set a gauge; what was told of before and is not there now is told as nothing."""
        seen = {tuple(sorted(labels.items())) for labels, _ in values}
        for gone in self._labels.get(metric, set()) - seen:
            self.metrics.set(metric, nothing, **dict(gone))
        for labels, value in values:
            self.metrics.set(metric, value, **labels)
        self._labels[metric] = self._labels.get(metric, set()) | seen


def _summed(pairs: Iterable[tuple[str, int]], label: str) -> list[tuple[dict[str, str], float]]:
    totals: dict[str, float] = {}
    for name, number in pairs:
        totals[name] = totals.get(name, 0.0) + number
    return [({label: name}, total) for name, total in totals.items()]


def _reader(topic: str) -> str:
    """The worker of ours that reads a topic."""
    return next((spec.read_by[0] for spec in INCOMING if spec.name == topic), "")
