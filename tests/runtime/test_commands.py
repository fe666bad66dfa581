"""Every command without database, broker or file: one line and status 2, never a traceback."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import typer

from sigill.cli import app, main
from sigill.embedded.processes import free_port
from sigill.runtime.logging import MASK

NOT_HERE = {
    "worker": "a worker waits for what it needs, by design",
    "demo": "brings its own database and broker",
    "scenario run": "brings its own database and broker",
    "scenario": "brings its own database and broker",
    "dev up": "brings its own database and broker",
}
HELD = "v1." + "A" * 43
ID = "0192f0c1-7a10-7c3e-9d52-3f1e5a4b0001"


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that name it."""
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from leaves(command.get_command(None, name), (*path, name))
    else:
        yield path, command


COMMANDS = [
    (path, command)
    for path, command in leaves(typer.main.get_command(app))
    if " ".join(path) not in NOT_HERE and path[0] not in NOT_HERE
]


def value_of(parameter: Any) -> str:
    """Something of the parameter's type: a file that is not there, a choice, a date, an id."""
    kind, name = parameter.type_descriptor.annotation, parameter.name.lower()
    if isinstance(kind, type) and issubclass(kind, Enum):
        return str(next(iter(kind)).value)
    if "Path" in str(kind):
        return "no-such-file"
    if kind is int:
        return "1"
    if kind is float:
        return "0.5"
    if kind is datetime or "date" in name or name in ("on", "day", "since", "until"):
        return "2026-03-01"
    if name in ("patient", "viewer", "person", "key"):
        return HELD
    return ID


def arguments_of(command: Any) -> list[str]:
    """The least that a command must be given."""
    found: list[str] = []
    for parameter in command.params:
        if not parameter.required:
            continue
        option = max(parameter.opts, key=len)
        if option.startswith("-"):
            found.append(option)
        if not getattr(parameter, "is_flag", False):
            found.append(value_of(parameter))
    return found


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    port = free_port()
    return {
        "PATH": "/usr/bin:/bin",
        "SIGILL_DATABASE_URL": f"postgresql://nobody@127.0.0.1:{port}/nothing",
        "SIGILL_KAFKA_BOOTSTRAP": f"127.0.0.1:{port}",
        "SIGILL_PATIENT_KEYS": '{"v1": "' + "A" * 43 + '="}',
        "COLUMNS": "200",
    }


def test_no_command_ends_in_a_traceback(environment: dict[str, str], tmp_path: Path) -> None:
    def run(path: tuple[str, ...], command: Any) -> tuple[str, int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "sigill.cli", *path, *arguments_of(command)],
            check=False,
            capture_output=True,
            text=True,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        return " ".join(path), done.returncode, done.stdout[-2000:] + done.stderr[-2000:]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: run(*one), COMMANDS))
    assert len(found) > 30
    assert [(name, said) for name, _, said in found if "Traceback" in said] == []
    wrong = [(name, code, said) for name, code, said in found if code not in (0, 1, 2)]
    assert wrong == []
    silent = [name for name, code, said in found if code == 2 and not re.search(r"\w", said)]
    assert silent == []


@pytest.mark.parametrize(
    "words",
    [
        ["order", "show", "199001012384"],
        ["order", "show", "900101-2384"],
        ["rulebook", "show", "kronoberg", "--on", "19900101-2384"],
        ["audit", "archive", "--verify", "19900101-2384"],
        ["199001012384"],
    ],
)
def test_no_command_repeats_a_number_that_was_typed_in_a_wrong_place(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a job says of its arguments stands in a log, and a log is read by others than who typed it."""
    monkeypatch.setattr(sys, "argv", ["sigill", *words])
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code
    assert MASK in said.err
    assert not re.search(r"(?:19)?900101-?2384", said.err + said.out)
