"""
Named places in the workers where the tests of faults stop a process dead, or freeze it.

Without `SIGILL_KILL_POINT` passing a point does nothing; settings refuse it in production. `name` kills at the first
passing, `name:3` at the third, `name:3:freeze` stops the process instead (SIGSTOP), so that it wakes as a zombie.
"""

import os
import signal
from dataclasses import dataclass

POINTS: tuple[str, ...] = (
    "batch.fetched",  # a batch in hand, nothing done
    "batch.verified",  # signatures are verified, no transaction yet
    "batch.offsets_written",  # inside the transaction: offsets are written, effects not
    "batch.people_known",
    "batch.claimed",
    "batch.judged",
    "batch.orders_written",
    "batch.before_commit",  # everything is written
    "batch.committed",  # in the database; the broker has not been told
    "batch.told",  # the broker has been told
    "timers.taken",
    "timers.followed",
    "timers.before_commit",
    "timers.committed",
    "relay.read",  # events read from the outbox, none sent
    "relay.sent",  # acknowledged by the broker, not marked
    "relay.before_commit",  # marks written, not committed
    "relay.marked",
)
"""Every point, in the order in which a worker passes them."""


@dataclass(slots=True)
class _Trap:
    """What happens at which passing of which point."""

    name: str
    left: int
    number: signal.Signals


_armed: list[_Trap] = []


def arm(where: str | None) -> None:
    """
    Arm one point of this process: `name`, `name:passing` or `name:passing:freeze`; None disarms.

    Raises ValueError for a name that is no point.
    """
    _armed.clear()
    if where is None:
        return
    name, _, rest = where.partition(":")
    passing, _, how = rest.partition(":")
    if name not in POINTS or not (passing or "1").isdigit() or how not in ("", "freeze"):
        raise ValueError(
            f"{where!r} is not a point: a name of {', '.join(POINTS)}, then :passing, then :freeze"
        )
    _armed.append(_Trap(name, int(passing or "1"), signal.SIGSTOP if how else signal.SIGKILL))


def point(name: str) -> None:
    """Pass a point."""
    if _armed:
        _pass(name)


def _pass(name: str) -> None:
    trap = _armed[0]
    if trap.name != name:
        return
    trap.left -= 1
    if trap.left <= 0:
        _armed.clear()
        os.kill(os.getpid(), trap.number)
