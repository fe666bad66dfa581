"""Plays histories by seed until enough steps are played, and makes a history that differs as short as it can be."""

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.histories import Histories, Meetings, rulebooks
from tests.model.world import Differs, World

ROUND = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    print_blob=False,
)
"""No shrinking by Hypothesis: leaving out steps of the story is faster, and keeps it a story."""


def rounds(
    first: int,
    without: frozenset[str] = frozenset(),
    *,
    kind: type[Histories] = Histories,
    closely: bool = False,
    shorten: bool = True,
) -> Iterator[tuple[int, int, Differs | None]]:
    """Seed after seed: the seed, the steps that were played, and the shortest history that differs, if one did."""
    number = first
    while True:
        machine: Any = seed(number)(
            type("Histories", (kind,), {"without": without, "closely": closely, "played": {}})
        )
        differs: Differs | None = None
        try:
            run_state_machine_as_test(machine, settings=ROUND)
        except Differs as found:
            differs = shortest(machine.last.world, found) if shorten else found
        yield number, machine.played["steps"], differs
        number += 1


def play(
    first: int,
    steps: int,
    without: frozenset[str] = frozenset(),
    *,
    kind: type[Histories] = Histories,
    closely: bool = False,
) -> int:
    """Play at least so many steps. Raises Differs with the shortest history; returns how many were played."""
    done = 0
    for number, played, differs in rounds(first, without, kind=kind, closely=closely):
        done += played
        if differs is not None:
            says = f"{differs.says} (seed {number}, within {done} steps)"
            raise Differs(differs.rule, says, differs.story, number)
        if done >= steps:
            return done
    raise AssertionError("seeds never end")


def steps_until_found(first: int, most: int) -> tuple[int, Differs | None]:
    """How many steps it takes until something differs, and what; None where nothing has by `most` steps."""
    done = 0
    for _, played, differs in rounds(first, kind=Meetings, shorten=False):
        done += played
        if differs is not None or done >= most:
            return done, differs
    raise AssertionError("seeds never end")


def again(header: dict[str, Any], steps: list[dict[str, Any]], played: World, rule: str) -> Differs | None:
    """Play a history once more. A history that lost a step that another one names is none."""
    try:
        world = World(header, rulebooks(), played.without, played.closely)
        for step in steps:
            world.step(step)
        if rule == "known then":
            world.check_memory()
        if rule == "replayed":
            world.check_replay()
        if rule == "twins":
            for which in range(len(steps)):
                world.check_twins(which, 1 + which % 5)
    except Differs as differs:
        return differs
    except (LookupError, ValueError, StopIteration, AssertionError):
        return None
    return None


def shortest(world: World, found: Differs) -> Differs:
    """The history with every step and child left out that it does not need to differ by the same rule."""
    header, steps, best = world.header, list(world.steps), found
    fewer = True
    while fewer:
        fewer = False
        for run in (8, 4, 2, 1):
            for start in range(len(steps) - run, -1, -1):
                kept = steps[:start] + steps[start + run :]
                differs = again(header, kept, world, found.rule) if len(kept) < len(steps) else None
                if differs is not None and differs.rule == found.rule:
                    steps, best, fewer = kept, differs, True
    for child in world.children[1:]:
        people = {name: spec for name, spec in header["people"].items() if name != child}
        differs = again(header | {"people": people}, steps, world, found.rule)
        if differs is not None and differs.rule == found.rule:
            header, best = header | {"people": people}, differs
    return best
