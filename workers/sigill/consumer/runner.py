"""
How a worker takes its batches, whatever they hold: one transaction a batch, offsets in it, the broker told after.

The guarantee: each record's effects are in the database exactly once, whichever process, broker or database dies.
The offset is written in the same transaction, under a generation that the newest owner of the partition has raised:
a worker that lost its partition and does not know it yet is refused by the database.

One bad record never blocks a partition: a batch that fails, or takes longer than a statement may, is taken in ever smaller parts, and a record that fails
alone, for another reason than trouble that may pass, becomes a dead letter. Past the limit on what cannot be read the
source is held (`sigill.store.holds`) and nothing stops. When it is we who fail on one readable record after the other,
the batch is kept in hand and tried again, and nothing more is parked.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog
from opentelemetry.trace import Span

from sigill.consumer.continuity import Continuity, OnWaitsEnded
from sigill.consumer.dead_letter_limit import (
    NOBODY,
    Counted,
    DeadLetterLimit,
    DeadLetterLimitReached,
    RecordFate,
)
from sigill.consumer.offset_committer import OffsetCommitter
from sigill.runtime.clock import Clock, stopwatch
from sigill.runtime.failpoints import point
from sigill.runtime.health import DATABASE, STATEMENTS, Health
from sigill.runtime.lifecycle import Backoff
from sigill.runtime.metrics import (
    BATCH_RECORDS,
    BATCHES,
    DATABASE_RETRIES,
    DEAD_LETTER_LIMIT,
    STEP_SECONDS,
    Metrics,
)
from sigill.runtime.tracing import Tracing, end, extract, inject
from sigill.store import holds, inbox
from sigill.store.dead_letters import DeadRecord
from sigill.store.inbox import Fenced
from sigill.store.session import Store, Tx, passing, unfinished
from sigill.store.trouble import DatabaseDown, StatementsUnfinished, database_trouble
from sigill.stream.connection import BrokerDown, Connection, StreamStopped
from sigill.stream.consumer import Batch, Start, StreamConsumer
from sigill.stream.records import NotCloudEvent, Partition, Record, read_event, source_stated
from sigill.stream.stamps import in_order
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.envelope import Envelope
from sigill_contracts.topics import TopicSpec

log = structlog.get_logger("sigill.consuming")
Prepared = TypeVar("Prepared")

READY_SECONDS = 15.0
"""How long a batch is kept in hand while something it depends on is not there yet; a rebalance waits for it."""
HANDLING = "handling"
"""What is down, for the health page, while record after record can be read and not be handled."""
CONFLICT_TRIES = 5
"""How often a batch is done again at once after a deadlock or a broken connection, before the worker waits."""


class NotReady(Exception):
    """Something that the work depends on is not there yet, such as the staff directory: worth trying again."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


class PoisonRecordError(Exception):
    """A record's own content made its handling fail; the cause is this exception's."""

    def __init__(self, record: Record) -> None:
        self.record = record
        super().__init__(f"{record.topic}/{record.partition} at {record.offset}")


class PartitionStuck(Exception):
    """A record of a partition can be handled in no way; the cause is this exception's."""

    def __init__(self, place: Partition) -> None:
        self.place = place
        super().__init__(f"{place.topic}/{place.partition}")


PoisonRecords = frozenset[tuple[str, int, int]]
"""Topic, partition and offset of records that have been found to be at fault themselves."""


def place_of(record: Record) -> tuple[str, int, int]:
    """Where a record lies."""
    return record.topic, record.partition, record.offset


def dead_record(record: Record, reason: DeadLetterReason, topic: TopicSpec, group: str) -> DeadRecord:
    """A record on its way to the dead letters, called by its topic's own name, whatever that is on this cluster."""
    return DeadRecord(
        topic=topic.name,
        partition=record.partition,
        offset=record.offset,
        group=group,
        key=record.key,
        value=record.value,
        headers=record.headers,
        reason=reason,
        stamped_at=record.at,
    )


@dataclass(slots=True)
class StepTimings:
    """Seconds that each step of a batch took, in order; and the span in which each record is handled."""

    seconds: dict[str, float] = field(default_factory=dict)
    spans: dict[tuple[str, int, int], Span] = field(default_factory=dict)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what the block takes, also when it raises."""
        began = stopwatch()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + stopwatch() - began

    def traceparent(self, record: Record) -> str | None:
        """The trace context that what follows from a record belongs to; None: its handling is not recorded."""
        span = self.spans.get(place_of(record))
        return None if span is None else inject(span)[0]

    def shared_by(self, records: int) -> dict[str, float]:
        """Milliseconds of each step for one record of the batch."""
        return {name: 1000 * spent / max(1, records) for name, spent in self.seconds.items()}


class Handler(Protocol[Prepared]):
    """What a worker does with its records. Called by one task at a time."""

    async def prepare(self, records: Sequence[Record], spoiled: PoisonRecords) -> Prepared:
        """Do what needs no database. May raise PoisonRecordError."""
        ...

    async def take(self, tx: Tx, prepared: Prepared, steps: StepTimings) -> None:
        """
        Write a batch's effects into the open transaction. May raise PoisonRecordError.

        Spoiled records become dead letters here, in their place among the others.
        """
        ...

    def unreadable(self, prepared: Prepared, record: Record) -> bool:
        """Whether a record of the batch became a dead letter, known before `take`."""
        ...

    def failed(self, prepared: Prepared, record: Record) -> bool:
        """Whether it became one although it could be read: the fault is ours."""
        ...

    def report(self, prepared: Prepared, steps: StepTimings) -> None:
        """Say what became of the records, after the commit."""
        ...


@dataclass(slots=True)
class ConsumerRunner(Generic[Prepared]):
    """
    A worker that consumes topics. `group` is its consumer group, `topics` their full names; `depends_on` names what
    its handler may find `NotReady`.
    """

    name: str
    group: str
    topics: tuple[str, ...]
    connection: Connection
    store: Store
    handler: Handler[Prepared]
    clock: Clock
    metrics: Metrics
    health: Health
    limit: DeadLetterLimit
    batch_size: int = 500
    session_timeout: float = 10.0
    instance_id: str | None = None
    depends_on: tuple[str, ...] = ()
    tracing: Tracing = field(default_factory=Tracing)
    topic_names: Mapping[str, str] = field(default_factory=dict)
    """Each topic's own name by what it is called on this cluster, where they differ."""
    on_waits_ended: OnWaitsEnded | None = None
    """Given: the handler holds back by itself what must wait for a partition that is set aside, and passes the rest."""
    _failing: bool = False
    _logs: Continuity = field(init=False)

    def __post_init__(self) -> None:
        self._logs = Continuity(self.name, self.group, self.connection, self.store, self.clock, self.metrics)
        self._logs.on_waits_ended = self.on_waits_ended

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; the batch in hand is finished and committed first."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except Fenced:
                # another worker has taken over: join again, and take what the group gives
                log.info("fenced", worker=self.name)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)

    async def _session(self, stop: asyncio.Event) -> None:
        consumer = StreamConsumer(
            self.connection,
            self.topics,
            self.group,
            worker=self.name,
            batch_size=self.batch_size,
            on_assigned=self._take_over,
            on_doubt=self._compare,
            on_look=lambda: self._look(consumer),
            stops=self._logs.stops,
            session_timeout=self.session_timeout,
            instance_id=self.instance_id,
            metrics=self.metrics,
            health=self.health,
            clock=self.clock,
        )
        await consumer.start()
        try:
            async with OffsetCommitter(partial(self._tell, consumer)) as telling:
                async for batch in consumer.batches(stop):
                    stuck: dict[Partition, str] = {}
                    told = await self.take(batch, stuck)
                    for place, why in stuck.items():
                        consumer.set_aside(place, why)
                    await telling.note(told)
        finally:
            await consumer.stop()

    async def _tell(self, consumer: StreamConsumer, offsets: Mapping[Partition, int]) -> None:
        """Tell the broker how far we are. The store knows it already: this is for whoever measures the lag."""
        with contextlib.ExitStack() as spans:
            for topic in sorted({place.topic for place in offsets}):
                spans.enter_context(self.tracing.commit(topic, self.group))
            await consumer.commit(offsets)
        point("batch.told")

    async def _take_over(self, places: frozenset[Partition]) -> Mapping[Partition, Start]:
        """From where each partition goes on, once its log was held against what was taken of it."""
        async with database_trouble():
            await self._logs.notice_growth(self.topics)
        starts: dict[Partition, Start] = dict(await self._assigned(places))
        return starts | await self._compare(places)

    async def _compare(self, places: frozenset[Partition]) -> dict[Partition, Start]:
        """Hold the partitions' logs against what was taken of them, when they are taken over and whenever in doubt."""
        async with database_trouble():
            return await self._logs.compare(places)

    async def _assigned(self, places: frozenset[Partition]) -> Mapping[Partition, int]:
        """Raise the generation of each partition, and say from which offset it goes on."""
        async with database_trouble(), self.store.transaction(self.clock.now()) as tx:
            starts = await self._logs.assign(tx, places)
        self.health.up(DATABASE)  # a worker with nothing to do says so too
        for place in places:
            self.limit.forget(*place)
        return starts

    async def _look(self, consumer: StreamConsumer) -> None:
        async with database_trouble():
            await self._logs.look()
            await self._logs.settle_waits(consumer.reached, consumer.is_set_aside)
        self.health.up(DATABASE)

    async def take(self, batch: Batch, stuck: dict[Partition, str] | None = None) -> dict[Partition, int]:
        """
        Take a batch. Returns the next offset of each partition, to be told to the broker.

        A partition with a record that cannot even be written as a dead letter goes into `stuck` with the reason, and
        the rest of the batch is taken without it; without `stuck` that record's fault is raised.
        """
        records = in_order(
            (record for part in batch.values() for record in part), self.clock.now(), self._logs.stamps()
        )
        point("batch.fetched")
        self._received(records)
        left: Sequence[Record] = records
        while left:
            try:
                await self._take(left, frozenset())
                break
            except PartitionStuck as fault:
                if stuck is None:
                    raise fault.__cause__ or fault from None
                stuck[fault.place] = f"a record cannot be handled ({_kind(fault.__cause__)})"
                left = [r for r in await self._not_taken(left) if r.place not in stuck]
        self.metrics.inc(BATCHES, worker=self.name)
        self.metrics.inc(BATCH_RECORDS, len(records), worker=self.name)
        return {place: part[-1].offset + 1 for place, part in batch.items() if place not in (stuck or ())}

    async def _take(self, records: Sequence[Record], spoiled: PoisonRecords) -> None:
        """Take records in one transaction, or, when they fail together, in ever smaller parts."""
        try:
            await self._when_ready(records, spoiled)
        except StatementsUnfinished as late:
            if len(records) == 1:
                raise
            # too much for one transaction: the whole of it again would take as long, here and at the next worker
            log.warning(
                "batch taken in parts", worker=self.name, rows=len(records), error=_kind(late.__cause__)
            )
            self.health.down(STATEMENTS, _kind(late.__cause__))
            self.health.tick(self.name)
            await self._halves(records, spoiled)
        except (
            Fenced,
            DeadLetterLimitReached,
            DatabaseDown,
            NotReady,
            PartitionStuck,
            BrokerDown,
            StreamStopped,
        ):
            raise  # nothing of it is a record's fault
        except PoisonRecordError as fault:
            if place_of(fault.record) in spoiled:
                raise PartitionStuck(fault.record.place) from fault.__cause__
            log.error("record at fault", **_where(fault.record), error=_kind(fault.__cause__))
            await self._take(records, spoiled | {place_of(fault.record)})
        except Exception as error:
            if len(records) == 1:
                if place_of(records[0]) in spoiled:
                    raise PartitionStuck(records[0].place) from error
                log.error("record at fault", **_where(records[0]), error=_kind(error))
                await self._take(records, spoiled | {place_of(records[0])})
                return
            log.warning("batch taken in parts", worker=self.name, rows=len(records), error=_kind(error))
            await self._halves(records, spoiled)

    async def _halves(self, records: Sequence[Record], spoiled: PoisonRecords) -> None:
        middle = len(records) // 2
        await self._take(records[:middle], spoiled)
        await self._take(records[middle:], spoiled)

    async def _when_ready(self, records: Sequence[Record], spoiled: PoisonRecords) -> None:
        """Wait a while for what the work depends on, with the batch in hand; then let the supervisor wait."""
        backoff = Backoff(longest=1.0, first=0.05)
        until = stopwatch() + READY_SECONDS
        while True:
            try:
                async with database_trouble():
                    await self._retried(records, spoiled)
            except NotReady as missing:
                self.health.down(missing.what, "not read to its end yet")
                self.health.tick(self.name)
                if stopwatch() > until:
                    raise
                await asyncio.sleep(backoff.next())
            else:
                for what in self.depends_on:
                    self.health.up(what)
                if self._failing:
                    self.health.up(HANDLING)
                    self._failing = False
                return

    async def _retried(self, records: Sequence[Record], spoiled: PoisonRecords) -> None:
        for attempt in range(1, CONFLICT_TRIES + 1):
            try:
                # a connection that died at COMMIT may have committed: the stored offset knows
                left = records if attempt == 1 else await self._not_taken(records)
                if left:
                    await self._in_one_transaction(left, spoiled)
                return
            except Exception as error:
                if (
                    not passing(error)
                    or attempt == CONFLICT_TRIES
                    or (unfinished(error) and len(records) > 1)
                ):
                    raise
                self.metrics.inc(DATABASE_RETRIES, worker=self.name)
                await asyncio.sleep(0.02 * 2**attempt)

    async def _not_taken(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records that the store does not know to be taken yet."""
        async with self.store.reading() as tx:
            stored = await inbox.stored(tx, self.group)
        nothing: tuple[int, int | None] = (0, None)
        return [
            record
            for record in records
            if record.offset >= (stored.get((record.topic, record.partition), nothing)[1] or 0)
        ]

    async def _in_one_transaction(self, records: Sequence[Record], spoiled: PoisonRecords) -> None:
        steps = StepTimings(spans=self._spans(records))
        try:
            prepared = await self._traced(records, spoiled, steps)
        except BaseException as error:
            for span in steps.spans.values():
                end(span, type(error).__qualname__)
            raise
        if not steps.spans:
            return
        for record in records:
            if (own := steps.spans.get(place_of(record))) is not None:
                end(own, self._error_type(prepared, record))

    def _error_type(self, prepared: Prepared, record: Record) -> str | None:
        """In one word what became of a record that is a dead letter now; None: nothing is wrong with it."""
        if self.handler.failed(prepared, record):
            return "unhandled"
        return "unreadable" if self.handler.unreadable(prepared, record) else None

    async def _traced(
        self, records: Sequence[Record], spoiled: PoisonRecords, steps: StepTimings
    ) -> Prepared:
        with steps.step("prepare"):
            prepared = await self.handler.prepare(records, spoiled)
        point("batch.verified")
        with steps.step("transaction"):
            async with self.store.transaction(self.clock.now()) as tx:
                reached = await self._logs.advance(tx, records)
                point("batch.offsets_written")
                counted = self._count(prepared, records)
                held = await self._hold(tx, counted)
                await self.handler.take(tx, prepared, steps)
                point("batch.before_commit")
        point("batch.committed")
        self._logs.positions.update(reached)
        for place, count in counted.items():
            self.limit.keep(*place, count)
        for hold in held:
            self.metrics.inc(DEAD_LETTER_LIMIT, worker=self.name)
            log.error("dead-letter limit reached", worker=self.name, topic=hold.topic, hold=hold.hold_id)
        for step, spent in steps.seconds.items():
            self.metrics.observe(STEP_SECONDS, spent, worker=self.name, step=step)
        self.health.up(DATABASE)
        self.handler.report(prepared, steps)
        return prepared

    def _received(self, records: Sequence[Record]) -> None:
        """A span for each topic's share of a batch, linked to those in which its messages were made."""
        if not self.tracing.on:
            return
        for topic in sorted({record.topic for record in records}):
            own = [record for record in records if record.topic == topic]
            made_in = [
                extract(envelope.traceparent, envelope.tracestate) for envelope in map(envelope_of, own)
            ]
            with self.tracing.receive(topic, self.group, len(own), made_in):
                pass

    def _spans(self, records: Sequence[Record]) -> dict[tuple[str, int, int], Span]:
        """One span a record, from its verification to the commit, in the trace of whoever sent it."""
        if not self.tracing.on:
            return {}
        spans = {}
        for record in records:
            envelope = envelope_of(record)
            spans[place_of(record)] = self.tracing.process(
                record.topic,
                record.partition,
                record.offset,
                self.group,
                message_id=envelope.id or None,
                traceparent=envelope.traceparent,
                tracestate=envelope.tracestate,
            )
        return spans

    def _count(self, prepared: Prepared, records: Sequence[Record]) -> dict[Partition, Counted]:
        """Hold this batch against the limit of dead letters, before it is committed."""
        by_place: dict[Partition, list[RecordFate]] = {}
        for record in records:
            unreadable, failed = (
                self.handler.unreadable(prepared, record),
                self.handler.failed(prepared, record),
            )
            fate = RecordFate(source_of(record), unreadable and not failed, failed)
            by_place.setdefault(record.place, []).append(fate)
        try:
            return {place: self.limit.check(*place, fates) for place, fates in by_place.items()}
        except DeadLetterLimitReached as reached:
            self._failing = True
            self.metrics.inc(DEAD_LETTER_LIMIT, worker=self.name)
            log.error("record after record fails", worker=self.name, topic=reached.topic, run=reached.run)
            raise

    async def _hold(self, tx: Tx, counted: Mapping[Partition, Counted]) -> list[holds.Hold]:
        """Hold the sources that are past the limit and are not held yet."""
        over: dict[tuple[str, str], int] = {}
        for place, count in counted.items():
            for source, unreadable in count.over.items():
                over[self.topic_names.get(place.topic, place.topic), source] = unreadable
        return await holds.hold(tx, over) if over else []


def envelope_of(record: Record) -> Envelope:
    """The envelope of a record as far as traces care: an empty one for what is no CloudEvent."""
    try:
        return read_event(record)[0]
    except NotCloudEvent:
        return Envelope(id="", source="", type="")


def source_of(record: Record) -> str:
    """
    The source that a record says it is of, as holds know it: at most two hundred characters; nobody's when it has none.

    Of what is no CloudEvent too, as far as a header says so: it is the sender's claim, and good for making its own
    opening orders wait, never for letting anything through.
    """
    # every record is asked, and the whole envelope takes ten times as long
    source = source_stated(record) or envelope_of(record).source
    if not source:
        named = [value for name, value in record.headers if name == "ce_source" and value]
        source = named[0].decode("utf-8", "replace") if len(named) == 1 else NOBODY
    return holds.known_as(source)


def _where(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def _kind(error: BaseException | None) -> str:
    return type(error).__name__
