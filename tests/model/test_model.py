"""
Random histories in the pure core, beside a reference that was written from the pages alone.

A history that differs is printed as a story, ready for `tests/scenarios/own-where-rules-meet-model.yaml`.
`MODEL_SEED=n` plays the printed seed again; `make model` plays for minutes, `make model NIGHT=1` for an hour.
"""

import os
import secrets

import pytest

from tests.model.histories import LEFT_OUT, Meetings
from tests.model.playing import play

STEPS = 3400
FIXED = (1000, 2000, 3000, 4000, 5000, 8000)
MEETINGS = (1000, 4000)


@pytest.mark.parametrize("first", FIXED)
def test_the_core_says_what_the_pages_say(first: int) -> None:
    assert play(first, STEPS, LEFT_OUT) >= STEPS


@pytest.mark.parametrize("first", MEETINGS)
def test_the_core_says_what_the_pages_say_where_rules_meet_often(first: int) -> None:
    assert play(first, STEPS, LEFT_OUT, kind=Meetings) >= STEPS


def test_codes_tasks_memory_and_twins_hold_as_well() -> None:
    assert play(70000, 150, LEFT_OUT, kind=Meetings, closely=True) >= 150


@pytest.mark.skipif(
    "MODEL_SEED" not in os.environ,
    reason="open differences are known (docs/faults.md): MODEL_SEED=n plays a seed, MODEL_SEED=any a new one",
)
def test_the_core_says_what_the_pages_say_in_histories_never_played_before() -> None:
    given = os.environ["MODEL_SEED"]
    first = int(given) if given.isdecimal() else secrets.randbelow(10**9)
    print(f"MODEL_SEED={first}")
    assert play(first, STEPS, LEFT_OUT, kind=Meetings, closely=True) >= STEPS
