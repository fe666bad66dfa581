"""What the benchmarks count: all of the work, by whichever process, and nothing of what else the machine does."""

import inspect
import os
import subprocess
import sys

import pytest

from sigill.bootstrap import Wiring
from tests.benchmarks import cost, plain
from tests.benchmarks.ground import Used, processor, spent
from tests.benchmarks.pace import same_answers
from tests.benchmarks.turns import Turn


def test_processor_time_is_told_by_what_spent_it_and_an_order() -> None:
    before = Used(0.0, {1: ("intake", 1.0), 2: ("PostgreSQL", 5.0), 3: ("PostgreSQL", 1.0)})
    after = Used(
        9.0,
        {
            1: ("intake", 2.0),
            2: ("PostgreSQL", 5.5),
            3: ("PostgreSQL", 1.25),
            4: ("relay", 0.5),
            5: ("Kafka", 0.25),
            6: ("measuring", 3.0),
        },
    )
    turn = Turn(1000, 4.0, spent(before, after))
    assert turn.rate == 250
    assert turn.each() == {"own": 1500, "postgres": 750, "kafka": 250, "all": 2500}


def test_a_program_that_answers_otherwise_is_not_compared() -> None:
    now = Turn(100, 1.0, {}, outcomes={"executed": 97, "pending": 3})
    same_answers(now, Turn(100, 1.0, {}, outcomes={"executed": 95, "pending": 5}))
    with pytest.raises(SystemExit, match="answers otherwise"):
        same_answers(now, Turn(100, 1.0, {}, outcomes={"refused": 100}))


def test_what_others_run_on_the_machine_does_not_count() -> None:
    ours = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        seen = processor().seconds
    finally:
        ours.kill()
        ours.wait()
    assert {ours.pid, os.getpid()} <= seen.keys()
    assert os.getppid() not in seen
    assert seen[os.getpid()][0] == "measuring"


def test_a_contestant_is_told_by_its_module() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)", "-m", "tests.benchmarks.floor", "topic"]
    floor = subprocess.Popen(command)
    try:
        assert processor().seconds[floor.pid][0] == "floor"
    finally:
        floor.kill()
        floor.wait()


def test_the_workers_of_the_benchmarks_are_wired_as_the_programs_are() -> None:
    asked = list(inspect.signature(Wiring._consuming).parameters)[:-1]
    for made in (cost._Measured, plain._Plain):
        assert list(inspect.signature(made._consuming).parameters)[: len(asked)] == asked
