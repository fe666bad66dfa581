"""
Fuzz the decoders for as long as wanted: `python -m tests.fuzz --minutes 60`.

Plain mutation of good inputs and of the corpus, guided by new lines of our code that an input reaches: such inputs
are kept in memory as further seeds, and written to the corpus with `--keep`. An input that breaks a decoder is
written there always. Exit status 1 when one was found.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from sigill.runtime.clock import stopwatch
from tests.fuzz.mutations import mutated
from tests.fuzz.targets import CORPUS, TARGETS, seeds

_OURS = str(Path(__file__).parents[2] / "workers")


class Reached:
    """Lines of the program that were reached, by file and number."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        self.new = False

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """For sys.settrace: only our own files, only lines."""
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        if event == "line":
            place = (frame.f_code.co_filename, frame.f_lineno)
            if place not in self.seen:
                self.seen.add(place)
                self.new = True
        return self.trace


def fuzz(name: str, seconds: float, seed: int, keep: bool) -> tuple[int, int, int]:
    """Fuzz one target. Returns inputs tried, lines reached, inputs that broke it."""
    choice, reached = random.Random(f"{seed}/{name}"), Reached()
    pool, broken, tried = list(seeds(name)), 0, 0
    until = stopwatch() + seconds
    while stopwatch() < until:
        data = pool[tried] if tried < len(pool) else mutated(choice, pool)
        tried += 1
        reached.new = False
        sys.settrace(reached.trace)
        try:
            TARGETS[name](data)
        except Exception as error:
            sys.settrace(None)
            broken += 1
            print(f"{name}: {type(error).__name__}: {str(error)[:200]} -> {_write(name, data)}", flush=True)
        finally:
            sys.settrace(None)
        if reached.new and tried > len(pool):
            pool.append(data)
            if keep and len(data) < 20_000:
                _write(name, data)
    return tried, len(reached.seen), broken


def _write(name: str, data: bytes) -> Path:
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / hashlib.sha256(data).hexdigest()[:16]
    file.write_bytes(data)
    return file


def main() -> int:
    """Share the time among the targets."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write inputs that reach new lines to the corpus")
    parser.add_argument("targets", nargs="*", default=list(TARGETS), help=f"of {', '.join(TARGETS)}")
    asked = parser.parse_args()
    faults = 0
    for name in asked.targets:
        tried, lines, broken = fuzz(name, asked.minutes * 60 / len(asked.targets), asked.seed, asked.keep)
        faults += broken
        print(f"{name:<18} {tried:>9} inputs  {lines:>5} lines  {broken} faults", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
