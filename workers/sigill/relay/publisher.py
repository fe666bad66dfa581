"""
The outbox to the topics: in order for each key, at least once, each event under its own id.

The guarantee: an event is on its topic when it is marked; a row that is not marked is sent again, from the first
unacknowledged one of its key on. Several relays share the shards and never work on the same one. What is left over:
after a crash between acknowledgement and mark an event stands twice on its topic, under the same `ce_id`.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import structlog
from opentelemetry.trace import Span

from sigill.processing.event_ids import event_id
from sigill.processing.outgoing import event_headers
from sigill.relay.checkpoints import CheckpointSigner, Head
from sigill.relay.receipt_routes import ReceiptRoutes
from sigill.runtime.clock import Clock, stopwatch
from sigill.runtime.failpoints import point
from sigill.runtime.health import BROKER, DATABASE, Health
from sigill.runtime.metrics import (
    ACCESS_LOG_MISPLACED,
    AUDIT_FAULTS,
    AUDIT_VERIFIED,
    OUTBOX_FAILURES,
    OUTBOX_OLDEST,
    OUTBOX_PENDING,
    OUTBOX_PUBLISHED,
    OUTBOX_SECONDS,
    OUTBOX_TOO_LARGE,
    Metrics,
)
from sigill.runtime.settings import NEVER
from sigill.runtime.tracing import Tracing, end, inject
from sigill.store import access_log, audit, audit_check, outbox
from sigill.store.audit import AuditEntry, ChainHead, Json
from sigill.store.outbox import OutboxRow, Shards, Unpublished
from sigill.store.session import Store
from sigill.store.trouble import DatabaseDown, database_trouble
from sigill.stream.producer import LARGEST_BODY, OutgoingRecord, SendInDoubt, StreamProducer, sendable_at_all
from sigill.stream.records import sendable
from sigill_contracts.topics import AUDIT_HEADS, DEAD_LETTERS, INCOMING, STATE

log = structlog.get_logger("sigill.relay")

BATCH = 1000
_AS_IT_CAME = frozenset(spec.name for spec in (*INCOMING, *DEAD_LETTERS))
"""Topics whose records bear the headers that somebody else gave them: dead letters, and what is replayed."""
TOGETHER_BYTES = 64 * 1024 * 1024
"""Bodies of one batch, in memory at once."""
TOLD_AT_ONCE = 20
"""Lines a measurement about events that are too large."""
LATE_TRIES = 100
"""Tenths of a second that a relay that came late waits for the other's newest event to be marked."""
BALANCE_SECONDS = 1.0
MEASURE_SECONDS = 5.0
CHECKPOINT_SECONDS = 60.0
EXTEND_SECONDS = 60.0
ROTATE_SECONDS = 3600.0
VERIFIED_AT_ONCE = 500
"""Audit entries: hashing them holds up what is to be published."""
VERIFIED_A_TIME = 50_000


@dataclass(slots=True)
class _Every:
    """Something to do now and then. `seconds` by the stopwatch, not by the calendar."""

    seconds: float
    last: float | None = None

    def is_due(self) -> bool:
        """Whether it is time; asking makes the next time begin."""
        now = stopwatch()
        if self.last is not None and now - self.last < self.seconds:
            return False
        self.last = now
        return True


@dataclass(slots=True)
class Relay:
    """
    The worker. `topic_of` gives a topic's name on this cluster, `source` is the `ce_source` of what Sigill itself
    says; `interval` is seconds after which an empty outbox is looked into without a notification from the database.
    `disposal` is the disposal decision (gallringsbeslut), as cited, by which published events end after `retention`.
    """

    store: Store
    producer: StreamProducer
    topic_of: Callable[[str], str]
    signer: CheckpointSigner
    source: str
    clock: Clock
    metrics: Metrics
    health: Health
    interval: float = 0.5
    retention: timedelta = timedelta(days=30)
    disposal: str | None = None
    receipts: ReceiptRoutes = field(default_factory=ReceiptRoutes)
    batch: int = BATCH
    tracing: Tracing = field(default_factory=Tracing)
    name: str = "relay"
    _heads: Mapping[str, ChainHead] = field(default_factory=dict)
    _faults: int = 0
    _too_large: set[int] = field(default_factory=set)
    _told: set[UUID] = field(default_factory=set)
    _each: int = 0
    _balance: _Every = field(default_factory=lambda: _Every(BALANCE_SECONDS))
    _measure: _Every = field(default_factory=lambda: _Every(MEASURE_SECONDS))
    _checkpoint: _Every = field(default_factory=lambda: _Every(CHECKPOINT_SECONDS))
    _extend: _Every = field(default_factory=lambda: _Every(EXTEND_SECONDS))
    _rotate: _Every = field(default_factory=lambda: _Every(ROTATE_SECONDS))

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way is acknowledged and marked first."""
        woken = asyncio.Event()
        async with database_trouble():
            shards = await Shards.open(self.store, on_events=woken.set)
        told = asyncio.create_task(stop.wait(), name="relay.stop")
        told.add_done_callback(lambda _: woken.set())
        house = asyncio.create_task(self._keep_house(shards), name="relay.house")
        try:
            await self.producer.start()
            self.health.up(BROKER)
            self._balance.last = None
            while not stop.is_set():
                self.health.tick(self.name)
                if house.done():
                    await house
                # before the look: what is written from here on is told again
                woken.clear()
                async with database_trouble():
                    if self._balance.is_due():
                        await shards.balance()
                    sent = await self.publish(shards.held)
                    if self._measure.is_due():
                        await self._measure_outbox()
                self.health.up(DATABASE)
                if not sent:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(woken.wait(), self.interval)
        finally:
            for task in (house, told):
                task.cancel()
            await asyncio.gather(house, told, return_exceptions=True)
            await self.producer.stop()
            with contextlib.suppress(Exception):
                await shards.close()

    async def publish(self, shards: Sequence[int]) -> int:
        """
        Publish one batch of the shards' waiting events. Returns how many were acknowledged and marked.

        Raises SendInDoubt after marking what was acknowledged: the rest is sent again, in its order.
        """
        if not shards:
            return 0
        outgoing: list[tuple[Unpublished, OutgoingRecord]] = []
        while not outgoing:
            found = await self._next(shards)
            if not found:
                return 0
            outgoing = self._sendable(found)
        point("relay.read")
        waiting = [event for event, _ in outgoing]
        spans = self._spans(waiting)
        records = [
            record if (span := spans.get(place)) is None else _sent_in(record, event, span)
            for place, (event, record) in enumerate(outgoing)
        ]
        try:
            await self.producer.send_in_order(records)
        except SendInDoubt as doubt:
            for place, span in spans.items():
                end(span, None if place in doubt.acknowledged else doubt.error_type)
            self.metrics.inc(OUTBOX_FAILURES, error_type=doubt.error_type)
            await self._mark([event for place, event in enumerate(waiting) if place in doubt.acknowledged])
            raise
        except BaseException as error:
            for span in spans.values():
                end(span, type(error).__qualname__)
            raise
        for span in spans.values():
            end(span)
        point("relay.sent")
        self.health.up(BROKER)
        await self._mark(waiting)
        return len(waiting)

    async def _next(self, shards: Sequence[int]) -> list[Unpublished]:
        """
        The next batch. Each shard gives its share, so that little more is read than is published; while one shard alone
        has much to give, its share is doubled until the batch is full.
        """
        share = -(-self.batch // len(shards))
        each = max(share, self._each)
        async with self.store.looking() as tx:
            waiting = await outbox.unpublished(
                tx,
                shards,
                self.batch,
                each=each,
                largest=LARGEST_BODY,
                together=TOGETHER_BYTES,
                without=self._too_large,
            )
        given = Counter(event.shard for event in waiting)
        cut = len(waiting) < self.batch and any(count >= each for count in given.values())
        self._each = min(2 * each, self.batch) if cut else share
        return waiting

    def _sendable(self, waiting: Iterable[Unpublished]) -> list[tuple[Unpublished, OutgoingRecord]]:
        """
        Those that can be sent, each with its record: one that its headers make too large stays where it is, and holds up
        no other.
        """
        found = []
        for event in waiting:
            record = self._record(event)
            if sendable_at_all(record):
                found.append((event, record))
            else:
                self._say_too_large(event.aggregatetype, event.event_id, len(event.payload or b""))
                self._too_large.add(event.id)
        return found

    def _say_too_large(self, topic: str, event: UUID, size: int) -> None:
        if event not in self._told:
            log.error("event too large to be sent", topic=topic, event_id=str(event), bytes=size)
            self._told.add(event)

    async def publish_all(self) -> int:
        """Publish everything that waits, for runs that end. Returns how many events."""
        total = 0
        while sent := await self.publish(range(outbox.SHARDS)):
            total += sent
        await self._measure_outbox()
        return total

    def _spans(self, waiting: Sequence[Unpublished]) -> dict[int, Span]:
        """A span for each event on its way, in the trace of the message that it follows from."""
        if not self.tracing.on:
            return {}
        spans = {}
        for place, event in enumerate(waiting):
            headers = dict(event.headers)
            spans[place] = self.tracing.send(
                self.topic_of(event.aggregatetype),
                message_id=str(event.event_id),
                traceparent=_text(headers.get("traceparent")),
                tracestate=_text(headers.get("tracestate")),
                tombstone=event.payload is None,
            )
        return spans

    def _record(self, event: Unpublished) -> OutgoingRecord:
        return OutgoingRecord(
            topic=self.topic_of(self.receipts.topic_of(event.aggregatetype, event.payload)),
            key=event.aggregateid.encode(),
            value=event.payload,
            headers=sendable(event.headers),
        )

    async def _mark(self, events: Sequence[Unpublished]) -> None:
        if not events:
            return
        now = self.clock.now()
        async with self.store.transaction(now) as tx:
            marked = await outbox.mark(tx, [event.id for event in events])
            point("relay.before_commit")
        point("relay.marked")
        if marked < len(events):
            await self._after_another(events)
        for topic, count in Counter(event.aggregatetype for event in events).items():
            self.metrics.inc(OUTBOX_PUBLISHED, count, topic=topic)
        for event in events:
            self.metrics.observe(OUTBOX_SECONDS, max(0.0, (now - event.created_at).total_seconds()))

    async def _after_another(self, events: Sequence[Unpublished]) -> None:
        """
        Another relay has published these too: this one was frozen or cut off and came late. What it published may
        lie behind something newer, and compaction keeps the last record of a key; so the newest goes out once more.
        """
        states = [event for event in events if event.aggregatetype == STATE.name]
        left = {event.aggregateid for event in states}
        log.warning("published after another relay", rows=len(events), patients=len(left))
        for _ in range(LATE_TRIES):
            if not left:
                return
            async with self.store.transaction(self.clock.now()) as tx:
                left -= await outbox.again(tx, STATE.name, left, min(event.id for event in states))
            await asyncio.sleep(0.1)

    async def _keep_house(self, shards: Shards) -> None:
        """
        What one relay does now and then, beside the publishing: no event waits for it, however much there is of it.

        Trouble that may pass is left for the next time. Whether the database is there the publishing finds out itself.
        """
        while True:
            if 0 in shards.held:
                try:
                    async with database_trouble():
                        await self._now_and_then()
                except DatabaseDown as trouble:
                    log.warning("house not kept", error=str(trouble))
            await asyncio.sleep(BALANCE_SECONDS / 2)

    async def _now_and_then(self) -> None:
        if self._extend.is_due():
            async with self.store.transaction(self.clock.now()) as tx:
                await outbox.extend(tx)
        if self._checkpoint.is_due():
            await self.verify_chains()
            await self.checkpoint()
        if self._rotate.is_due():
            async with self.store.transaction(self.clock.now()) as tx:
                misplaced = await access_log.extend(tx)
            self.metrics.set(ACCESS_LOG_MISPLACED, misplaced)
            await self.rotate()

    async def rotate(self) -> None:
        """Destroy published events past their time, by the disposal decision that stands in the chain; none, none."""
        if self.disposal in (None, NEVER):
            return
        async with self.store.transaction(self.clock.now()) as tx:
            before = tx.now - self.retention
            gone = await outbox.rotate(tx, before)
            if gone:
                body: dict[str, Json] = {
                    "before": before.isoformat(),
                    "number": gone,
                    "decision": self.disposal,
                }
                await audit.append(tx, [AuditEntry("retention", self.name, "outbox_ended", body)])

    async def _measure_outbox(self) -> None:
        async with self.store.looking() as tx:
            waiting = await outbox.stats(tx, LARGEST_BODY)
            large = await outbox.too_large(tx, LARGEST_BODY, TOLD_AT_ONCE) if waiting.too_large else []
        for event in large:
            self._say_too_large(event.aggregatetype, event.event_id, event.bytes)
        self.metrics.set(OUTBOX_TOO_LARGE, waiting.too_large + len(self._too_large))
        self.metrics.set(OUTBOX_PENDING, waiting.pending)
        oldest = waiting.oldest or self.clock.now()
        self.metrics.set(OUTBOX_OLDEST, oldest.timestamp())

    async def verify_chains(self) -> None:
        """Verify what has come to the audit chains since the last time; a fault stays told until a restart."""
        for _ in range(0, VERIFIED_A_TIME, VERIFIED_AT_ONCE):
            before = self._heads
            async with self.store.reading() as tx:
                faults, self._heads = await audit_check.verify_on(tx, before, VERIFIED_AT_ONCE)
            for fault in faults:
                log.error("audit chain broken", chain=fault.chain, position=fault.position, kind=fault.kind)
            self._faults += len(faults)
            if faults or self._heads == before:
                break
        self.metrics.set(AUDIT_FAULTS, self._faults)
        self.metrics.set(AUDIT_VERIFIED, self.clock.now().timestamp())

    async def checkpoint(self) -> None:
        """Publish, signed, how long each audit chain that has grown is and where it ends; all of them once a day."""
        async with self.store.transaction(self.clock.now()) as tx:
            rows = []
            for head in await audit.checkpoint(tx, self.source):
                said = Head(head.chain, head.position, head.row_hash.hex())
                ident = event_id(f"audit:{said.chain}:{said.count}:{said.head}", "checkpoint")
                rows.append(
                    OutboxRow(
                        event_id=ident,
                        aggregatetype=AUDIT_HEADS.name,
                        aggregateid=said.chain,
                        type=AUDIT_HEADS.event_type or "",
                        payload=self.signer.checkpoint(said, tx.now, self.source),
                        headers=event_headers(
                            AUDIT_HEADS, ident, said.chain, self.source, tx.now, "application/jose"
                        ),
                    )
                )
            await outbox.append(tx, rows)


def _sent_in(record: OutgoingRecord, event: Unpublished, span: Span) -> OutgoingRecord:
    """A record that bears the trace of the span in which it is sent; what bears somebody else's headers stays as it is."""
    traceparent, _ = inject(span)
    if traceparent is None or event.aggregatetype in _AS_IT_CAME:
        return record
    others = (header for header in record.headers if header[0] != "traceparent")
    return replace(record, headers=(*others, ("traceparent", traceparent.encode())))


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("ascii", "replace")
