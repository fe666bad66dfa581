"""What goes wrong and when: drawn from a seed, so that a run can be played again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sigill.runtime.failpoints import POINTS
from tests.faults.proxy import TOXICS, Toxic

SLOTS: tuple[tuple[str, str], ...] = (
    ("intake-1", "intake"),
    ("intake-2", "intake"),
    ("relay-1", "relay"),
    ("relay-2", "relay"),
    ("transitions-1", "transitions"),
    ("transitions-2", "transitions"),
    ("register-1", "register"),
    ("directory-1", "directory"),
)
"""The worker processes of a run, by name, and what each runs."""
_BUSY = ("intake-1", "intake-2", "relay-1", "relay-2", "transitions-1", "transitions-2", "register-1")


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault. `at` is seconds from the start, `target` a slot, point or server, `seconds` how long it lasts."""

    at: float
    what: str
    target: str = ""
    seconds: float = 0.0
    toxic: Toxic | None = None

    @property
    def kills(self) -> bool:
        """Whether a process gets SIGKILL."""
        return self.what.startswith("kill")

    def __str__(self) -> str:
        toxic = f" {self.toxic}" if self.toxic else ""
        return f"{self.at:8.2f} s  {self.what} {self.target} {self.seconds:.1f} s{toxic}"


def draw(seed: int, minutes: float, kills: int, *, disk: bool, proxied: bool) -> list[Strike]:
    """`kills` SIGKILLs and about half as many other faults, over `minutes`."""
    choice = random.Random(f"{seed}/schedule")
    end = minutes * 60
    strikes = [_kill(choice, choice.uniform(2, end)) for _ in range(kills)]
    others = max(6, kills // 2)
    strikes += [_other(choice, choice.uniform(2, end), disk=disk, proxied=proxied) for _ in range(others)]
    return sorted(strikes, key=lambda strike: strike.at)


def changes(seed: int, minutes: float, *, pooler: bool, every: float = 120.0) -> list[Strike]:
    """
    What goes back on its word: a topic made anew early, while it is small, more partitions after that, clocks apart, a pooler.

    Clocks and the pooler come once for each `every` seconds, at least once; the topic once, and once more for each three of those after the first.
    """
    choice = random.Random(f"{seed}/changes")
    end = minutes * 60
    strikes = [
        Strike(end * choice.uniform(0.1, 0.25), "make_topic_anew"),
        Strike(end * choice.uniform(0.4, 0.7), "add_partitions"),
    ]
    for place in range(max(1, round(end / every))):
        at = [end * choice.uniform(0.05, 0.95) for _ in range(3)]
        ahead = choice.choice((-1, 1)) * choice.randint(20, 3600)
        strikes.append(
            Strike(at[0], "set_apart", f"intake-{choice.randint(1, 2)} {ahead}", choice.uniform(5, 20))
        )
        if pooler:
            target = f"{choice.choice(_BUSY[2:])} {choice.choice(('session', 'transaction'))}"
            strikes.append(Strike(at[1], "behind_pooler", target, 15.0))
        if place and place % 3 == 0:
            strikes.append(Strike(max(at[2], end * 0.3), "make_topic_anew"))
    return strikes


def setbacks(seed: int, minutes: float) -> list[Strike]:
    """What a night's run has besides: each at least once, early the election, which has a partition read again."""
    choice = random.Random(f"{seed}/setbacks")
    end = minutes * 60
    strikes = [Strike(end * choice.uniform(0.26, 0.35), "elect_uncleanly")]
    for what in ("wipe_disk", "restore", "promote_late"):
        strikes += [
            Strike(end * choice.uniform(0.05, 0.95), what, seconds=choice.uniform(2, 8))
            for _ in range(max(1, round(minutes / 15)))
        ]
    return strikes


def thinned(strikes: list[Strike], further: list[Strike]) -> list[Strike]:
    """A schedule in which some strikes, evenly spread, have made room for others."""
    step = len(strikes) / (1 + 2 * len(further))
    gone = {round(step * (1 + n)) for n in range(2 * len(further))}
    left = [strike for n, strike in enumerate(strikes) if n not in gone]
    return sorted([*left, *further], key=lambda strike: strike.at)


def _kill(choice: random.Random, at: float) -> Strike:
    roll = choice.random()
    if roll < 0.12:
        return Strike(at, "kill_database", seconds=choice.uniform(0, 2))
    if roll < 0.16:
        return Strike(at, "kill_broker", seconds=choice.uniform(0, 2))
    slot = choice.choice(_BUSY)
    if roll < 0.55:
        points = [p for p in POINTS if p.startswith(_FAMILY[dict(SLOTS)[slot]])]
        if dict(SLOTS)[slot] != "intake":
            points = [p for p in points if p not in _INTAKE_ONLY]
        place = f"{choice.choice(points)}:{choice.randint(1, 6)}"
        return Strike(at, "kill_at_point", f"{slot} {place}")
    return Strike(at, "kill_worker", slot, choice.uniform(0, 2))


_FAMILY = {"intake": "batch.", "register": "batch.", "relay": "relay.", "transitions": "timers."}
_INTAKE_ONLY = ("batch.people_known", "batch.claimed", "batch.judged", "batch.orders_written")


def _other(choice: random.Random, at: float, *, disk: bool, proxied: bool) -> Strike:
    kinds = ["end_sessions"] * 3 + ["freeze"] * 4 + ["rebalances"] * 2
    kinds += ["spoil_database", "spoil_broker"] * 3 if proxied else []
    kinds += ["fill_disk"] * 2 if disk else []
    what = choice.choice(kinds)
    match what:
        case "freeze":
            return Strike(at, what, choice.choice(_BUSY), choice.uniform(1, 20))
        case "rebalances":
            return Strike(at, what, seconds=choice.uniform(4, 12))
        case "fill_disk":
            return Strike(at, what, seconds=choice.uniform(2, 6))
        case "spoil_database" | "spoil_broker":
            return Strike(at, what, seconds=choice.uniform(1, 6), toxic=_toxic(choice))
        case _:
            return Strike(at, what)


def _toxic(choice: random.Random) -> Toxic:
    name = choice.choice(TOXICS)
    amount, jitter = {
        "latency": (choice.randint(20, 300), 50),
        "down": (0, 0),
        "bandwidth": (choice.randint(20, 200), 0),
        "slow_close": (choice.randint(100, 2000), 0),
        "timeout": (choice.randint(100, 3000), 0),
        "reset_peer": (choice.randint(0, 500), 0),
        "slicer": (choice.randint(1, 64), 100),
        "limit_data": (choice.randint(100, 20_000), 0),
    }[name]
    direction = choice.choice(("up", "down", "both"))
    return Toxic(name, amount, jitter, direction, choice.choice((0.5, 1.0)))
