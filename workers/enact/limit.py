"""
A limit on dead letters: when suddenly everything is unreadable, the fault is ours, or the sender's new release.

The worker then stops and says so, rather than emptying the topic into the dead letters.
"""

from collections import deque
from dataclasses import dataclass, field

WINDOW = 100
"""Records of a partition that the ratio is taken over."""


class DeadLetterLimitReached(Exception):
    """Too much is unreadable: nothing more is taken until somebody has looked at why."""

    def __init__(self, topic: str, partition: int, run: int, unreadable: int) -> None:
        self.topic = topic
        self.partition = partition
        self.run = run
        self.unreadable = unreadable
        super().__init__(
            f"{topic}/{partition}: {run} messages in a row and {unreadable} of the last {WINDOW} are unreadable; "
            "look at the dead letters and at what the sender changed, then start the worker again "
            "(limits: SIGILL_DEAD_LETTER_MAX_RUN, SIGILL_DEAD_LETTER_MAX_RATIO)"
        )


@dataclass(slots=True)
class Past:
    """What was counted of a partition."""

    run: int = 0
    window: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))


class DeadLetterLimit:
    """
    Counts, partition by partition, what could be read and what not. Not shared between threads.

    `max_run` in a row, or `max_ratio` of the last hundred: the message that reaches either is not taken any more.
    Count a batch with `check` before its transaction commits, and `keep` what it counted after.
    """

    def __init__(self, max_ratio: float, max_run: int) -> None:
        self._max_ratio = max_ratio
        self._max_run = max_run
        self._past: dict[tuple[str, int], Past] = {}

    def check(self, topic: str, partition: int, unreadable: list[bool]) -> Past:
        """
        Count further records of a partition, in order, without keeping the count.

        Raises DeadLetterLimitReached.
        """
        past = self._past.get((topic, partition), Past())
        after = Past(past.run, deque(past.window, maxlen=WINDOW))
        for bad in unreadable:
            after.window.append(bad)
            after.run = after.run + 1 if bad else 0
            share = sum(after.window)
            if bad and (after.run >= self._max_run or share >= self._max_ratio * WINDOW):
                raise DeadLetterLimitReached(topic, partition, after.run, share)
        return after

    def keep(self, topic: str, partition: int, counted: Past) -> None:
        """Keep what `check` counted: the batch is committed."""
        self._past[topic, partition] = counted

    def forget(self, topic: str, partition: int) -> None:
        """Start anew, for a partition that was taken away."""
        self._past.pop((topic, partition), None)
