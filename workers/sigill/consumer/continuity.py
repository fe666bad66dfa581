"""
Whether a worker goes on where it was: the log that it reads, and the database that it writes to, may both go back.

A partition whose log is another than was read is read again from its beginning: the inbox knows what was taken, the
register and the directory have their sequences. One whose records are gone unread is set aside until somebody has looked.
Nothing is skipped by itself, and nothing else stands still.

A topic that gets more partitions gives some keys to other ones. What a key had before lies where it had been, so the new
partition waits until that one has been read up to where it ended when the growth was noticed. A partitioner that takes a
hash modulo the number of partitions, as all of Kafka's do, moves keys to new partitions only where that number grows to a
multiple; else every partition waits for every other there. What is left over, in that case: records of moved keys that
came to old partitions before the growth was noticed.

Where the old partition is set aside, the new one waits no longer as a whole if the handler can tell what must (`on_waits_ended`):
it is read, and the handler holds back what opens until the old one has been read after all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from sigill.runtime.clock import Clock
from sigill.runtime.metrics import CONSUMER_LOG_REPLACED, DATABASE_WENT_BACK, Metrics
from sigill.store import growth, inbox
from sigill.store.growth import GrowthWait
from sigill.store.inbox import Fenced, Stored
from sigill.store.session import Store, Tx
from sigill.stream.connection import Connection
from sigill.stream.consumer import SetAside, Start
from sigill.stream.log_position import NO_IDENTITY, LogIdentity, LogPosition, packed, unpacked
from sigill.stream.log_probe import LogComparison, LogProbe, ProbedLog
from sigill.stream.records import Partition, Record

log = structlog.get_logger("sigill.continuity")

#: Called with a topic and those of its partitions that wait no longer, in the transaction in which their waits end.
OnWaitsEnded = Callable[[Tx, str, Collection[int]], Awaitable[None]]


def position_of(stored: Stored) -> LogPosition:
    """A row of the store as a position."""
    return LogPosition(
        stored.next_offset,
        stored.stamped or 0,
        unpacked(stored.marks),
        LogIdentity(stored.topic_id, stored.leader_epoch),
    )


@dataclass(slots=True)
class Continuity:
    """The positions of one worker's partitions, with the generations that they were taken under."""

    worker: str
    group: str
    connection: Connection
    store: Store
    clock: Clock
    metrics: Metrics
    generations: dict[Partition, int] = field(default_factory=dict)
    positions: dict[Partition, LogPosition] = field(default_factory=dict)
    waits: list[GrowthWait] = field(default_factory=list)
    on_waits_ended: OnWaitsEnded | None = None

    def stops(self) -> dict[Partition, int]:
        """At which offset each partition of ours stops for now, since another one is to be read first."""
        found: dict[Partition, int] = {}
        for wait in self.waits:
            place = Partition(wait.topic, wait.partition)
            passes = self.on_waits_ended is not None and wait.passed_since is not None
            if place in self.positions and not passes:
                found[place] = min(wait.from_offset, found.get(place, wait.from_offset))
        return found

    async def notice_growth(self, topics: Iterable[str]) -> None:
        """
        Write down what waits where topics have more partitions than the group knew. Before anything is read of them.

        Raises BrokerDown or StreamStopped.
        """
        probe = LogProbe(self.connection)
        try:
            there = await probe.identities(topics)
            async with self.store.reading() as tx:
                known = await growth.sizes(tx, self.group)
            for topic in sorted({place.topic for place in there}):
                partitions = 1 + max(place.partition for place in there if place.topic == topic)
                if (before := known.get(topic, 0)) == partitions:
                    continue
                then: list[GrowthWait] = []
                if 0 < before < partitions:
                    ends = await probe.ends(topic, before)
                    then = waits_of_growth(topic, partitions, ends)
                async with self.store.transaction(self.clock.now()) as tx:
                    first = await growth.grow(tx, self.group, topic, partitions, then)
                if first and then:
                    log.warning(
                        "more partitions: new ones wait for what came before",
                        worker=self.worker,
                        topic=topic,
                        before=before,
                        now=partitions,
                        waiting=sorted({wait.partition for wait in then}),
                    )
        finally:
            await probe.close()

    async def settle_waits(
        self,
        reached: Callable[[Partition], Awaitable[int | None]],
        is_set_aside: Callable[[Partition], bool] = lambda _: False,
    ) -> None:
        """
        End the waits for what has been read of our partitions; learn of those that others have ended.

        `reached` says up to which offset a partition is read and done with, records that nobody is shown included;
        one that is set aside, and is waited for, is passed from now on, where there is somebody who may.
        """
        if not self.waits:
            return
        passed = {Partition(wait.topic, wait.behind) for wait in self.waits if wait.passed_since is None}
        async with self.store.transaction(self.clock.now()) as tx:
            ended: dict[str, set[int]] = {}
            for place in sorted(
                {Partition(wait.topic, wait.behind) for wait in self.waits} & self.positions.keys()
            ):
                offset = max(self.positions[place].next_offset or 0, await reached(place) or 0)
                done = await growth.reached(tx, self.group, place.topic, place.partition, offset)
                ended.setdefault(place.topic, set()).update(done)
                if self.on_waits_ended is not None and place in passed and is_set_aside(place):
                    await growth.let_pass(tx, self.group, place.topic, place.partition)
            left = await growth.waits(tx, self.group)
            still = {(wait.topic, wait.partition) for wait in left}
            for topic, parts in ended.items():
                free_now = {part for part in parts if (topic, part) not in still}
                if self.on_waits_ended is not None and free_now:
                    await self.on_waits_ended(tx, topic, free_now)
        if free := {(w.topic, w.partition) for w in self.waits} - {(w.topic, w.partition) for w in left}:
            log.info("partitions wait no longer", worker=self.worker, partitions=sorted(free))
        self.waits = left

    def stamps(self) -> dict[Partition, int]:
        """The time in milliseconds of the last record taken of each partition."""
        return {place: position.stamped for place, position in self.positions.items()}

    async def assign(self, tx: Tx, places: Iterable[Partition]) -> dict[Partition, int]:
        """Raise the generation of each partition, and return from which offset those go on that were read before."""
        by_topic: dict[str, list[int]] = {}
        for place in places:
            by_topic.setdefault(place.topic, []).append(place.partition)
        for topic, parts in sorted(by_topic.items()):
            for partition, (generation, _) in (await inbox.assign(tx, self.group, topic, parts)).items():
                self.generations[Partition(topic, partition)] = generation
        known = await inbox.positions(tx, self.group)
        self.positions = {place: position_of(known[place]) for place in places if place in known}
        self.waits = await growth.waits(tx, self.group)
        return {
            place: position.next_offset
            for place, position in self.positions.items()
            if position.next_offset is not None
        }

    async def advance(self, tx: Tx, records: Sequence[Record]) -> dict[Partition, LogPosition]:
        """
        Write how far the batch brings each partition; the caller keeps what is returned once that is committed.

        Raises Fenced where another worker has taken over, or where the database does not know what this one wrote.
        """
        taken: dict[Partition, list[Record]] = {}
        for record in records:
            taken.setdefault(record.place, []).append(record)
        after = {place: self.positions.get(place, LogPosition()).taken(own) for place, own in taken.items()}
        for topic in sorted({place.topic for place in after}):
            own = {place.partition: position for place, position in after.items() if place.topic == topic}
            found = await inbox.advance(
                tx,
                self.group,
                topic,
                {
                    part: (self.generations.get(Partition(topic, part), 0), position.next_offset or 0)
                    for part, position in own.items()
                },
                {part: _row(0, position) for part, position in own.items()},
            )
            for part, offset in found.items():
                self._check_written(Partition(topic, part), offset)
        return after

    async def look(self) -> None:
        """
        Raises Fenced when the database has other offsets than this worker left, as after a fail-over that lost commits,
        or when somebody has set the offsets: the worker then joins again and reads on from what is stored.
        """
        async with self.store.reading() as tx:
            known = await inbox.positions(tx, self.group)
        for place in self.positions:
            stored = known.get(place)
            if stored is not None and stored.generation > self.generations.get(place, 0):
                raise Fenced([place.partition])
            self._check_written(place, None if stored is None else stored.next_offset)
            if stored is None or stored.generation < self.generations.get(place, 0):
                self._went_back(place)

    def _check_written(self, place: Partition, found: int | None) -> None:
        left = self.positions.get(place, LogPosition()).next_offset
        if left is not None and (found is None or found < left):
            self._went_back(place)

    def _went_back(self, place: Partition) -> None:
        self.metrics.inc(DATABASE_WENT_BACK, worker=self.worker)
        log.error(
            "the database went back",
            worker=self.worker,
            topic=place.topic,
            partition=place.partition,
            left_at=self.positions[place].next_offset if place in self.positions else None,
        )
        raise Fenced([place.partition])

    async def compare(self, places: Iterable[Partition]) -> dict[Partition, Start]:
        """
        Hold the partitions' logs against what was taken of them. Returns those that go on elsewhere, or are set aside.

        Raises BrokerDown or StreamStopped, and Fenced where another worker has taken over meanwhile.
        """
        asked = {place: self.positions[place] for place in places if place in self.positions}
        probe = LogProbe(self.connection)
        try:
            found = await probe.compare(asked)
            await self._meet(probe, asked)
        finally:
            await probe.close()
        elsewhere: dict[Partition, Start] = {}
        for place, finding in found.items():
            where = {"worker": self.worker, "topic": place.topic, "partition": place.partition}
            match finding.verdict:
                case LogComparison.REPLACED:
                    self.metrics.inc(
                        CONSUMER_LOG_REPLACED, **{name: str(value) for name, value in where.items()}
                    )
                    log.error("another log: read again from its beginning", **where, why=finding.why)
                    elsewhere[place] = finding.first
                case LogComparison.UNREAD_GONE:
                    elsewhere[place] = SetAside(f"records were removed unread: {finding.why}")
                case LogComparison.UNKNOWN:
                    log.warning("log taken for the same", **where, why=finding.why)
        await self._settle(found)
        return elsewhere

    async def _meet(self, probe: LogProbe, asked: Mapping[Partition, LogPosition]) -> None:
        """Learn what the partitions are that nothing was taken of yet; stored with the first batch."""
        new = {place for place, position in asked.items() if position.next_offset is None}
        known = await probe.identities(sorted({place.topic for place in new})) if new else {}
        for place in new & known.keys():
            self.positions[place] = replace(self.positions[place], identity=known[place])

    async def _settle(self, found: Mapping[Partition, ProbedLog]) -> None:
        """Store what the comparison found: another log's offset begins again, the same log's identity is the present one."""
        if not found:
            return
        async with self.store.transaction(self.clock.now()) as tx:
            for topic in sorted({place.topic for place in found}):
                own = {place: finding for place, finding in found.items() if place.topic == topic}
                again = [
                    place.partition
                    for place, finding in own.items()
                    if finding.verdict is LogComparison.REPLACED
                ]
                known = await inbox.positions(tx, self.group)
                if any(
                    known[topic, part].generation != self.generations[Partition(topic, part)]
                    for part in again
                ):
                    raise Fenced(again)
                generations = await inbox.move(tx, self.group, topic, again) if again else {}
                for part, generation in generations.items():
                    self.generations[Partition(topic, part)] = generation
                for part in again:
                    await growth.shorten(tx, self.group, topic, part, own[Partition(topic, part)].end)
                for place, finding in own.items():
                    fresh = finding.verdict is LogComparison.REPLACED
                    position = LogPosition() if fresh else self.positions[place]
                    self.positions[place] = replace(position, identity=finding.identity)
                await inbox.recognise(
                    tx,
                    self.group,
                    topic,
                    {
                        place.partition: _row(self.generations[place], self.positions[place])
                        for place in own
                        if self.positions[place].identity != NO_IDENTITY
                    },
                )


def _row(generation: int, position: LogPosition) -> Stored:
    return Stored(
        generation,
        position.next_offset,
        position.stamped,
        packed(position.marks),
        position.identity.topic_id,
        position.identity.leader_epoch,
    )


def waits_of_growth(topic: str, partitions: int, ends: Mapping[int, int]) -> list[GrowthWait]:
    """
    What waits when a topic has grown to `partitions`; `ends` are the ends of those that it had, each by its number.

    To a multiple: each new partition for the one old one that its keys come from. Else: all for all others.
    """
    before = len(ends)
    if partitions % before == 0:
        pairs = [(part, 0, part % before) for part in range(before, partitions)]
    else:
        pairs = [
            (part, ends.get(part, 0), behind)
            for part in range(partitions)
            for behind in ends
            if behind != part
        ]
    return [
        GrowthWait(topic, part, at, behind, ends[behind]) for part, at, behind in pairs if ends[behind] > 0
    ]
