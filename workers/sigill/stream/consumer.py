"""
Batches of records, each partition handed out by one worker at a time, and explicit commits.

The guarantee: a record is handed out again until the caller has committed past it, or says in `on_assigned` that
its own store is past it. Nothing is skipped: a partition that cannot be read on is set aside, and the others go on. What
is left over: a worker that lost its partition can still be writing; the store's fencing stops it, not this.

Why not simply `getmany`: when it raises in the middle of a batch, aiokafka forgets what it had already read; after a
rebalance it can hand out records from the committed offset before the listener has sought to the stored one. So
one partition is polled at a time, without waiting (then `getmany` never yields to the loop), while a gate
that the rebalance listener closes and opens is open; and the next offset of each partition is kept here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition, errors
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from sigill.runtime.clock import Clock, SystemClock, stopwatch
from sigill.runtime.health import ASSIGNMENT, BROKER, Health
from sigill.runtime.metrics import (
    CLOCK_SKEW,
    CONSUMER_BYTES,
    CONSUMER_COMMIT_FAILURES,
    CONSUMER_COMMITTED,
    CONSUMER_REBALANCES,
    CONSUMER_RECORDS,
    CONSUMER_SET_ASIDE,
    Metrics,
)
from sigill.stream.connection import BrokerDown, Connection, StreamStopped, passing
from sigill.stream.header_decoding import read_leniently
from sigill.stream.lag import LagWatch
from sigill.stream.log_position import LogIdentity
from sigill.stream.log_probe import LogProbe
from sigill.stream.records import Partition, Record, as_record
from sigill.stream.shutdown import closed
from sigill.stream.stamps import bounded

log = structlog.get_logger("sigill.consumer")

Batch = dict[Partition, list[Record]]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A partition is not to be read until somebody has looked; `why` says in a few words what is wrong."""

    why: str


Start = int | SetAside
#: Called with the partitions taken over. Returns the next offset of each one that the caller's store knows: the
#: store is then the truth, and a partition that it does not know starts at its beginning. None: Kafka's own
#: committed offsets are the truth.
OnAssigned = Callable[[frozenset[Partition]], Awaitable[Mapping[Partition, Start] | None]]
#: Called with the partitions whose log may be another than was read. Returns where those go on that are to be read from
#: elsewhere, or are set aside; the others go on where they are.
OnDoubt = Callable[[frozenset[Partition]], Awaitable[Mapping[Partition, Start]]]
#: Called every few seconds between two batches.
OnLook = Callable[[], Awaitable[None]]
#: Says at which offset partitions stop for now: no record from there on is handed out.
Stops = Callable[[], Mapping[Partition, int]]
#: Called with the partitions that are given up, after the batch in hand is finished or `drain_timeout` is over.
OnRevoked = Callable[[frozenset[Partition]], Awaitable[None]]

IDLE_SECONDS = 0.005
DECODE_TRIES = 5
LOOK_SECONDS = 5.0
"""Between two calls of `on_look`."""
EAGER_LOOK_SECONDS = 0.5
"""The same while a partition waits for another."""
FRESH_SECONDS = 1.0
"""A record that comes so soon after the partition held nothing more was stamped in between."""


class OffsetsLost(StreamStopped):
    """The next offset to read is not on the broker: records were removed unread, or the topic was made anew."""


class StreamConsumer:
    """A member of a consumer group. Use from one task: `start`, `async for batch in batches(stop)`, `stop`."""

    def __init__(
        self,
        connection: Connection,
        topics: Iterable[str],
        group: str,
        *,
        worker: str = "",
        batch_size: int = 500,
        on_assigned: OnAssigned | None = None,
        on_revoked: OnRevoked | None = None,
        on_doubt: OnDoubt | None = None,
        on_look: OnLook | None = None,
        stops: Stops = dict,
        session_timeout: float = 10.0,
        instance_id: str | None = None,
        drain_timeout: float = 30.0,
        stall_after: float = 30.0,
        metrics: Metrics | None = None,
        health: Health | None = None,
        clock: Clock | None = None,
    ) -> None:
        """
        `worker` names the loop in health and metrics (default: the group). `session_timeout`: seconds until the
        broker gives a silent member's partitions away. `instance_id` makes the member static (KIP-345): one that
        comes back under it, also after it was killed, has its partitions again at once; no two processes may share
        one. `drain_timeout`: seconds that a rebalance waits for
        the batch in hand. `stall_after`: seconds without a record, while many wait, until the worker is said to stand
        still.
        """
        self._topics = tuple(topics)
        self._group = group
        self._worker = worker or group
        self._batch_size = batch_size
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._on_doubt, self._on_look = on_doubt, on_look
        self._stops = stops
        self._looked = stopwatch()
        self._aside: dict[Partition, str] = {}
        self._doubtful: set[Partition] = set()
        self._identities: dict[Partition, LogIdentity] = {}
        self._probe = LogProbe(connection) if on_doubt else None
        self._drain_timeout = drain_timeout
        self._stall_after = stall_after
        self._metrics = metrics or Metrics()
        self._health = health
        self._clock = clock or SystemClock()
        self._next: dict[Partition, int] = {}
        self._gate = asyncio.Event()
        self._settled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failure: BaseException | None = None
        self._undecoded: dict[Partition, int] = {}
        self._drained: dict[Partition, float] = {}
        self._turn = 0
        self._watch: asyncio.Task[None] | None = None
        self._kafka = AIOKafkaConsumer(
            **connection.options(),
            group_id=group,
            group_instance_id=instance_id,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=int(session_timeout * 1000),
            heartbeat_interval_ms=max(100, int(session_timeout * 300)),
            rebalance_timeout_ms=int((drain_timeout + 30) * 1000),
            max_poll_interval_ms=300_000,
            metadata_max_age_ms=30_000,
            # a partition that was emptied meanwhile is asked again only when the fetch under way has come back
            fetch_max_wait_ms=50,
        )
        self._lag = LagWatch(self._kafka, self._worker, self._metrics, self._clock)

    @property
    def assigned(self) -> frozenset[Partition]:
        """The partitions that are this member's now."""
        return frozenset(self._next)

    async def start(self) -> None:
        """Connect and join the group. `BrokerDown` when there is no broker, or a topic is not there yet."""
        # A listener is called inside start(); without one the first assignment would be missed
        self._kafka.subscribe(self._topics, listener=_Listener(self))
        try:
            async with asyncio.timeout(60):
                await self._kafka.start()
                # start() returns while the listener may still be at work
                await self._settled.wait()
        except (errors.KafkaError, OSError, TimeoutError) as error:
            self._say_down(error)
            await self._close()
            raise self._translated(error) from error
        self._watch = asyncio.create_task(self._watch_broker(), name=f"{self._worker}.lag")

    async def batches(self, stop: asyncio.Event) -> AsyncGenerator[Batch, None]:
        """
        Yield what has come, at most `batch_size` records over all partitions, until `stop` is set.

        A batch that the caller leaves by an exception is handed out again after the next start. Raises what
        `on_assigned` raised, `BrokerDown`, `OffsetsLost`, or `StreamStopped`.
        """
        while not stop.is_set():
            if self._health is not None:
                self._health.tick(self._worker)
            if self._failure is not None:
                raise self._failure
            if self._gate.is_set():
                await self._look()
            batch = await self._poll() if self._gate.is_set() else {}
            if not batch:
                await asyncio.sleep(IDLE_SECONDS)
                continue
            self._count(batch)
            self._idle.clear()
            try:
                yield batch
            finally:
                self._idle.set()

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """
        Tell the broker the next offset of each partition (the last record's plus one).

        Partitions no longer ours are left out. False when the broker refused because the group moved on: that is
        no fault, the records come again to whoever has the partition, and the store knows them.
        """
        ours = {TopicPartition(*place): offset for place, offset in offsets.items() if place in self._next}
        if not ours:
            return not offsets
        try:
            await self._kafka.commit(ours)
        except (errors.CommitFailedError, errors.IllegalStateError, errors.RebalanceInProgressError) as error:
            log.info("commit refused", worker=self._worker, error=type(error).__name__)
            self._metrics.inc(CONSUMER_COMMIT_FAILURES, worker=self._worker)
            return False
        except errors.KafkaError as error:
            self._metrics.inc(CONSUMER_COMMIT_FAILURES, worker=self._worker)
            raise self._translated(error) from error
        now = self._clock.now().timestamp()
        for place, offset in ours.items():
            if place not in self._next:
                continue  # given up meanwhile, and its figures with it
            self._lag.committed(Partition(*place), offset)
            self._metrics.set(
                CONSUMER_COMMITTED,
                now,
                worker=self._worker,
                topic=place.topic,
                partition=str(place.partition),
            )
        return len(ours) == len(offsets)

    def set_aside(self, place: Partition, why: str) -> None:
        """Read no more of a partition, loudly, until it is assigned again; the others go on."""
        if place not in self._next or self._aside.get(place) == why:
            return
        self._aside[place] = why
        self._kafka.pause(TopicPartition(*place))
        self._metrics.set(CONSUMER_SET_ASIDE, 1, **self._labels(place))
        log.error(
            "partition set aside",
            worker=self._worker,
            topic=place.topic,
            partition=place.partition,
            offset=self._next[place],
            why=why,
        )

    def is_set_aside(self, place: Partition) -> bool:
        """Whether a partition of ours is set aside."""
        return place in self._aside

    def _labels(self, place: Partition) -> dict[str, str]:
        return {"worker": self._worker, "topic": place.topic, "partition": str(place.partition)}

    async def _look(self) -> None:
        """Settle what is in doubt, and let the caller look around, while no batch is in hand."""
        soon = LOOK_SECONDS if not self._stops() else EAGER_LOOK_SECONDS
        if self._on_look and stopwatch() - self._looked > soon:
            await self._on_look()
            self._looked = stopwatch()
        doubtful = frozenset(self._doubtful & self._next.keys())
        self._doubtful.clear()
        if not doubtful or self._on_doubt is None:
            return
        for place, start in (await self._on_doubt(doubtful)).items():
            # a rebalance may have come meanwhile: whoever has the partition then compares it itself
            if place in self._next and self._gate.is_set():
                self._go_on(place, start)

    def _go_on(self, place: Partition, start: Start) -> None:
        if isinstance(start, SetAside):
            self.set_aside(place, start.why)
            return
        self._next[place] = start
        self._undecoded.pop(place, None)
        self._kafka.seek(TopicPartition(*place), start)

    async def reached(self, place: Partition) -> int | None:
        """
        Up to which offset a partition is read, with what nobody is shown, such as markers of transactions.

        None while it is not ours or is set aside. Call it while no batch is in hand.
        """
        if place not in self._next or place in self._aside or not self._gate.is_set():
            return None
        try:
            position: int = await self._kafka.position(TopicPartition(*place))
        except errors.IllegalStateError:
            return None  # given up meanwhile
        except errors.KafkaError as error:
            raise self._translated(error) from error
        return max(self._next.get(place, 0), position)

    def pause(self, *places: Partition) -> None:
        """Take no more from these partitions until `resume`; a rebalance forgets it."""
        self._kafka.pause(*(TopicPartition(*place) for place in places if place in self._next))

    def resume(self, *places: Partition) -> None:
        """Take from these partitions again."""
        self._kafka.resume(*(TopicPartition(*place) for place in places if place in self._next))

    async def stop(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 (the client's own can wait for ever)
        """Leave the group and close, within `timeout` seconds; `on_revoked` is called first."""
        # called by the task that took the batches: what it left by an exception is not in hand any more
        self._idle.set()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._probe is not None:
            await self._probe.close()
        with contextlib.suppress(Exception):
            # aiokafka calls no listener when it stops
            await self._give_up(frozenset(self._next))
        await self._close(timeout)

    async def __aenter__(self) -> StreamConsumer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _poll(self) -> Batch:
        batch: Batch = {}
        left = self._batch_size
        stops = self._stops()
        places = sorted(
            place
            for place, at in self._next.items()
            if place not in self._aside and (place not in stops or at < stops[place])
        )
        self._turn += 1
        for place in (
            places[self._turn % len(places) :] + places[: self._turn % len(places)] if places else ()
        ):
            records = await self._poll_one(place, left, stops.get(place))
            if records:
                batch[place] = records
                left -= len(records)
            if left <= 0:
                break
        return batch

    async def _poll_one(self, place: Partition, at_most: int, stop: int | None = None) -> list[Record]:
        tp = TopicPartition(*place)
        try:
            # does not yield to the loop with timeout 0 while no reassignment is under way, which the gate says
            found = await self._kafka.getmany(tp, timeout_ms=0, max_records=at_most)
        except (errors.OffsetOutOfRangeError, errors.NoOffsetForPartitionError) as error:
            if self._on_doubt is None:
                raise await self._lost(place) from error
            self._doubtful.add(place)
            self._kafka.seek(tp, self._next[place])
            return []
        except (errors.CorruptRecordException, errors.UnsupportedCodecError) as error:
            self._decode_again(place, error)
            return []
        except (errors.KafkaError, OSError) as error:
            raise self._translated(error) from error
        except Exception as error:
            self._decode_again(place, error)
            return []
        raw = [record for record in found.get(tp, ()) if stop is None or record.offset < stop]
        if stop is not None and len(raw) < len(found.get(tp, ())):
            self._kafka.seek(tp, stop)
            if not raw:
                self._next[place] = stop
                return []
        records = self._timed(place, [as_record(record) for record in raw])
        if records:
            self._next[place] = records[-1].offset + 1
            if self._undecoded.pop(place, None) is not None and not self._undecoded:
                read_leniently(False)
        return records

    def _timed(self, place: Partition, records: list[Record]) -> list[Record]:
        """Records with times that have come; a broker whose stamps are ahead, or behind, is told of."""
        now = self._clock.now()
        if not records:
            # nothing is left to be handed out: what comes next is stamped from now on
            if self._kafka.highwater(TopicPartition(*place)) == self._next[place]:
                self._drained[place] = stopwatch()
            return records
        ahead = records[-1].timestamp / 1000 - now.timestamp()
        drained = self._drained.pop(place, None)
        if records[-1].timestamp_type == "append" and (
            ahead > 0 or (drained is not None and stopwatch() - drained < FRESH_SECONDS)
        ):
            self._metrics.set(CLOCK_SKEW, ahead, of="broker")
        return [bounded(record, now) for record in records]

    def _decode_again(self, place: Partition, error: Exception) -> None:
        """Go back to where this partition's reading broke off, and read it by other means."""
        tries = self._undecoded.get(place, 0) + 1
        self._undecoded[place] = tries
        log.warning(
            "record cannot be decoded",
            topic=place.topic,
            partition=place.partition,
            offset=self._next[place],
            error=type(error).__name__,
            tries=tries,
        )
        if tries > DECODE_TRIES or isinstance(error, errors.UnsupportedCodecError):
            self._undecoded.pop(place)
            if not self._undecoded:
                read_leniently(False)
            self._kafka.seek(TopicPartition(*place), self._next[place])
            self.set_aside(place, _undecodable(error))
            return
        read_leniently(True)
        self._kafka.seek(TopicPartition(*place), self._next[place])

    async def _lost(self, place: Partition) -> OffsetsLost:
        tp = TopicPartition(*place)
        first, end = "?", "?"
        with contextlib.suppress(errors.KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(5):
                first = str((await self._kafka.beginning_offsets([tp]))[tp])
                end = str((await self._kafka.end_offsets([tp]))[tp])
        return OffsetsLost(
            f"{place.topic} partition {place.partition}: offset {self._next.get(place)} is next, but the broker holds "
            f"{first} to {end}. Records were removed unread, or the topic was made anew. Find out which, then set the "
            f"offset with `sigill offsets reset`; nothing is skipped by itself"
        )

    def _count(self, batch: Batch) -> None:
        for place, records in batch.items():
            self._lag.handed_out(place, records)
            self._metrics.inc(CONSUMER_RECORDS, len(records), worker=self._worker, topic=place.topic)
            self._metrics.inc(
                CONSUMER_BYTES, sum(r.size for r in records), worker=self._worker, topic=place.topic
            )

    async def _take_over(self, places: frozenset[Partition]) -> None:
        self._identities.clear()
        # before the caller compares: what changes from here on is noticed
        await self._watch_logs()
        stored = await self._on_assigned(places) if self._on_assigned else None
        aside = {
            place: position.why
            for place, position in (stored or {}).items()
            if isinstance(position, SetAside)
        }
        starts = {place: position for place, position in (stored or {}).items() if isinstance(position, int)}
        if stored is None:
            for place in places:
                committed = await self._kafka.committed(TopicPartition(*place))
                if committed is not None:
                    starts[place] = committed
        unknown = [TopicPartition(*place) for place in places if place not in starts]
        if unknown:
            beginnings = await self._kafka.beginning_offsets(unknown)
            starts |= {Partition(*tp): offset for tp, offset in beginnings.items()}
        for place in places:
            self._kafka.seek(TopicPartition(*place), starts[place])
        self._next = {place: starts[place] for place in places}
        self._lag.assigned(places)
        for place, why in aside.items():
            self.set_aside(place, why)
        self._gate.set()
        if self._health is not None:
            self._health.up(ASSIGNMENT)
        log.info("assigned", worker=self._worker, partitions=len(places))

    async def _give_up(self, places: frozenset[Partition]) -> None:
        self._gate.clear()
        try:
            async with asyncio.timeout(self._drain_timeout):
                await self._idle.wait()
        except TimeoutError:
            log.warning(
                "partitions given up with a batch in hand",
                worker=self._worker,
                after_seconds=self._drain_timeout,
            )
        for place in self._aside:
            self._metrics.forget(CONSUMER_SET_ASIDE, **self._labels(place))
        self._aside.clear()
        self._doubtful.clear()
        self._next = {}
        self._drained.clear()
        self._lag.assigned(frozenset())
        if self._undecoded:
            self._undecoded.clear()
            read_leniently(False)
        if places and self._on_revoked:
            await self._on_revoked(places)

    async def _watch_broker(self) -> None:
        """Measure lag every few seconds; whether the broker answers is told to health."""
        while True:
            began = stopwatch()
            try:
                async with asyncio.timeout(5):
                    await self._lag.measure()
                    await self._watch_logs()
            except (errors.KafkaError, OSError, TimeoutError) as error:
                self._say_down(error)
            else:
                if self._health is not None:
                    self._health.up(BROKER)
                    self._say_whether_it_moves(self._health)
            await asyncio.sleep(max(0.5, 3 - (stopwatch() - began)))

    async def _watch_logs(self) -> None:
        """Doubt each partition whose topic or leader has changed, or that ends before what was read of it."""
        if self._probe is None:
            return
        try:
            now = await self._probe.identities(self._topics)
        except (BrokerDown, StreamStopped):
            return
        for place, identity in now.items():
            if self._identities.get(place, identity) != identity:
                self._doubtful.add(place)
            self._identities[place] = identity
        self._doubtful |= {place for place, read in self._next.items() if self._lag.ends_before(place, read)}

    def _say_whether_it_moves(self, health: Health) -> None:
        """A batch in hand, or a rebalance under way, is no standstill: those have time-outs of their own."""
        busy = (
            not self._idle.is_set() or not self._gate.is_set() or len(self._kafka.paused()) > len(self._aside)
        )
        if not busy and not self._stops() and self._lag.stands_still(self._stall_after):
            health.stands_still(self._worker)
        else:
            health.moves(self._worker)

    def _say_down(self, error: BaseException) -> None:
        if self._health is not None:
            self._health.down(BROKER, type(error).__name__)

    def _translated(self, error: BaseException) -> Exception:
        if passing(error):
            return BrokerDown(type(error).__name__)
        return StreamStopped(f"the broker refuses ({type(error).__name__}): {_cause(error)}")

    async def _close(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        error = await closed(self._kafka, timeout)
        if error is not None:
            log.warning("consumer did not close", worker=self._worker, error=type(error).__name__)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka carries no types
    """aiokafka logs and swallows what a listener raises, so it is kept for `batches` to raise."""

    def __init__(self, consumer: StreamConsumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        consumer = self._consumer
        places = frozenset(Partition(*tp) for tp in revoked)
        # the first assignment is preceded by an empty revocation
        if places:
            consumer._metrics.inc(CONSUMER_REBALANCES, worker=consumer._worker)
        try:
            await consumer._give_up(places)
        except Exception as error:
            consumer._failure = error

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        consumer = self._consumer
        try:
            await consumer._take_over(frozenset(Partition(*tp) for tp in assigned))
        except errors.KafkaError as error:
            consumer._failure = consumer._translated(error)
        except Exception as error:
            consumer._failure = error
        consumer._settled.set()


def _undecodable(error: BaseException) -> str:
    """Why a batch cannot be read, in words that name the cause."""
    if isinstance(error, errors.UnsupportedCodecError):
        codec = next((name for name in ("gzip", "snappy", "lz4", "zstd") if name in str(error).lower()), None)
        return f"the batch is compressed with {codec or 'a codec that is unknown'}, which cannot be read here"
    if isinstance(error, errors.CorruptRecordException):
        return "the batch is damaged on the broker: its checksum does not fit"
    return f"the batch cannot be decoded ({type(error).__name__})"


def _cause(error: BaseException) -> str:
    """What to look at, for what the broker may answer."""
    if isinstance(error, errors.TopicAuthorizationFailedError | errors.GroupAuthorizationFailedError):
        return "its access lists do not let us in; infra/kafka/acls.yaml says what each worker needs"
    if isinstance(error, errors.AuthenticationFailedError | errors.IllegalSaslStateError):
        return "our login is not known there"
    return str(error) or "see the broker's log"
