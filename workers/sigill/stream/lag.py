"""How far behind a consumer is: as a count, and as the time of the oldest record not processed yet."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from sigill.runtime.clock import Clock, stopwatch
from sigill.runtime.metrics import (
    CONSUMER_ASSIGNED,
    CONSUMER_COMMITTED,
    CONSUMER_LAG,
    CONSUMER_OLDEST,
    Metrics,
)
from sigill.stream.records import Partition, Record

FEW = 100
"""So many offsets behind may be markers of the writer's transactions, which nobody reads."""


class LagWatch:
    """
    Keeps the lag metrics of the partitions that are assigned, and removes those of the others.

    Time lag is exact while a batch is in hand. Behind that it is the time of the last record processed, which is
    older than the next one's: it tells rather too much lag than too little. Before the first record it is the moment
    since when some wait.
    """

    def __init__(self, kafka: AIOKafkaConsumer, worker: str, metrics: Metrics, clock: Clock) -> None:
        self._kafka, self._worker, self._metrics, self._clock = kafka, worker, metrics, clock
        self._places: frozenset[Partition] = frozenset()
        self._committed: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._oldest: dict[Partition, float] = {}
        self._last: dict[Partition, float] = {}
        self._behind_since: dict[Partition, float] = {}
        self._got: float | None = None

    def assigned(self, places: frozenset[Partition]) -> None:
        """Begin anew with these partitions."""
        for place in self._places - places:
            for metric in (CONSUMER_LAG, CONSUMER_OLDEST, CONSUMER_COMMITTED):
                self._metrics.forget(metric, **self._labels(place))
        self._places = places
        for state in (self._committed, self._ends, self._oldest, self._last, self._behind_since):
            state.clear()
        self._got = stopwatch()
        self._metrics.set(CONSUMER_ASSIGNED, len(places), worker=self._worker)

    def handed_out(self, place: Partition, records: Sequence[Record]) -> None:
        """Note what a worker has in hand."""
        self._got = stopwatch()
        self._oldest[place] = records[0].timestamp / 1000
        self._last[place] = records[-1].timestamp / 1000
        self._committed.setdefault(place, records[0].offset)
        self._show(place)

    def committed(self, place: Partition, offset: int) -> None:
        """Note that everything before `offset` is processed."""
        self._committed[place] = offset
        if place in self._last:
            self._oldest[place] = self._last[place]
        self._show(place)

    def ends_before(self, place: Partition, offset: int) -> bool:
        """Whether a partition ended before an offset when it was measured last."""
        return self._ends.get(place, offset) < offset

    def stands_still(self, seconds: float) -> bool:
        """
        Whether nothing has been handed out for `seconds` though more waits than markers of transactions can be.

        Only worth asking while no batch is in hand, and after the broker has answered.
        """
        waiting = sum(max(0, end - self._committed.get(place, end)) for place, end in self._ends.items())
        return self._got is not None and waiting > FEW and stopwatch() - self._got >= seconds

    async def measure(self) -> None:
        """Ask the broker for the ends of the assigned partitions; with none assigned, only whether it answers."""
        places = self._places
        if not places:
            await self._kafka.topics()
            return
        ends = await self._kafka.end_offsets([TopicPartition(*place) for place in places])
        for tp, end in ends.items():
            place = Partition(*tp)
            if place in self._places:
                self._ends[place] = end
                if place not in self._committed:
                    self._committed[place] = await self._kafka.position(tp)
                self._show(place)

    def _show(self, place: Partition) -> None:
        if place not in self._places or place not in self._ends:
            return
        # an offset below the log's start would show lag that is none; markers of transactions keep it above 0
        lag = max(0, self._ends[place] - self._committed.get(place, self._ends[place]))
        now = self._clock.now().timestamp()
        if lag == 0:
            self._behind_since.pop(place, None)
        since = self._behind_since.setdefault(place, now) if lag else now
        self._metrics.set(CONSUMER_LAG, lag, **self._labels(place))
        self._metrics.set(
            CONSUMER_OLDEST, self._oldest.get(place, since) if lag else now, **self._labels(place)
        )

    def _labels(self, place: Partition) -> dict[str, str]:
        return {"worker": self._worker, "topic": place.topic, "partition": str(place.partition)}
