"""Plays histories for some minutes: `python -m tests.model --minutes 60 --seed 1`. Prints each kind found once."""

import argparse
import re
import secrets
import sys
import time
from collections import Counter

from tests.model.histories import Meetings
from tests.model.playing import rounds
from tests.model.world import Differs


def kind_of(differs: Differs) -> str:
    """What differed, without the names and days of the one history."""
    plain = re.sub(r"\bo\d+\b|\d{4}-\d\d-\d\d[^,]*|\w+ to \w+|\w+ at \w+,", "…", differs.says)
    return f"{differs.rule}: {plain[:160]}"


def main() -> int:
    """Exit status 1 when a history differed."""
    options = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--seed", type=int, default=None, help="the first seed; a random one is printed")
    options.add_argument("--without", default="", help="rules and events that are left out, by name")
    given = options.parse_args()
    first = secrets.randbelow(10**9) if given.seed is None else given.seed
    until = time.monotonic() + given.minutes * 60
    print(f"seed {first}", flush=True)
    steps, seeds, found = 0, 0, Counter[str]()
    for number, played, differs in rounds(
        first, frozenset(given.without.split()), kind=Meetings, closely=True
    ):
        steps, seeds = steps + played, seeds + 1
        if differs is not None:
            kind = kind_of(differs)
            if not found[kind]:
                print(f"\nseed {number}, after {steps} steps: {differs}", flush=True)
            found[kind] += 1
        if time.monotonic() > until:
            break
    print(f"{steps} steps of {seeds} seeds from {first}; {len(found)} kinds of difference")
    for kind, times in found.most_common():
        print(f"{times:5} {kind}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
