"""
Two limits on dead letters, neither of which stops anybody else.

What a *sender* wrote so that nobody can read it goes to the dead letters, however much it is. Past the limit an alarm
sounds and that source is held: its opening orders wait until an operator has looked, its protective ones pass.

What *we* fail on although it could be read is another matter: past the limit the fault is ours, and the worker keeps
the batch in hand and tries again, rather than emptying the topic into the dead letters.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

WINDOW = 100
"""Records that a ratio is taken over."""
SOURCES = 1000
"""Sources counted apart, of a partition; those that come later are counted together, as nobody's."""
NOBODY = ""
"""The source of a message that names none."""


class DeadLetterLimitReached(Exception):
    """Record after record could be read and not be handled: nothing more is taken until the fault is mended."""

    def __init__(self, topic: str, partition: int, run: int, failed: int) -> None:
        self.topic = topic
        self.partition = partition
        self.run = run
        self.failed = failed
        super().__init__(
            f"{topic}/{partition}: {run} messages in a row and {failed} of the last {WINDOW} could be read and not be "
            "handled; the fault is in this release or its settings: mend it, the messages wait "
            "(limits: SIGILL_DEAD_LETTER_MAX_RUN, SIGILL_DEAD_LETTER_MAX_RATIO)"
        )


@dataclass(slots=True)
class Past:
    """What was counted, of a partition or of a source on it."""

    run: int = 0
    window: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def copy(self) -> "Past":
        """Count on from here without changing this."""
        return Past(self.run, deque(self.window, maxlen=WINDOW))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a batch's records of one partition came to; `over` are the sources past the limit, with their run."""

    failed: Past
    sources: Mapping[str, Past]
    over: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RecordFate:
    """What became of a record: `unreadable` for whoever tries, or `failed`: it could be read, and we failed on it."""

    source: str
    unreadable: bool = False
    failed: bool = False


class DeadLetterLimit:
    """
    Counts, partition by partition and source by source, what could be read and what not. Not shared between threads.

    `max_run` in a row, or `max_ratio` of the last hundred, is past the limit. Count a batch with `check` before its
    transaction commits, and `keep` what it counted after.
    """

    def __init__(self, max_ratio: float, max_run: int) -> None:
        self._max_ratio = max_ratio
        self._max_run = max_run
        self._failed: dict[tuple[str, int], Past] = {}
        self._sources: dict[tuple[str, int], dict[str, Past]] = {}

    def check(self, topic: str, partition: int, fates: Iterable[RecordFate]) -> Counted:
        """
        Count further records of a partition, in order, without keeping the count.

        Raises DeadLetterLimitReached when it is we who fail on one after the other.
        """
        failed = self._failed.get((topic, partition), Past()).copy()
        known = self._sources.get((topic, partition), {})
        sources: dict[str, Past] = {}
        over: dict[str, int] = {}
        for fate in fates:
            if self._past_limit(failed, fate.failed):
                raise DeadLetterLimitReached(topic, partition, failed.run, sum(failed.window))
            source = fate.source
            if source not in known and source not in sources and len(known) + len(sources) >= SOURCES:
                source = NOBODY
            past = sources.get(source) or known.get(source, Past()).copy()
            if self._past_limit(past, fate.unreadable):
                over[source] = max(past.run, sum(past.window))
                past = Past()  # counted anew once somebody has looked
            sources[source] = past
        return Counted(failed, sources, over)

    def keep(self, topic: str, partition: int, counted: Counted) -> None:
        """Keep what `check` counted: the batch is committed."""
        self._failed[topic, partition] = counted.failed
        self._sources.setdefault((topic, partition), {}).update(counted.sources)

    def forget(self, topic: str, partition: int) -> None:
        """
        Count a partition's sources anew, since another worker had it.

        What we failed on is counted on: a worker that joins again after the limit would park as many once more.
        """
        self._sources.pop((topic, partition), None)

    def _past_limit(self, past: Past, bad: bool) -> bool:
        past.window.append(bad)
        past.run = past.run + 1 if bad else 0
        return bad and (past.run >= self._max_run or sum(past.window) >= self._max_ratio * WINDOW)
