"""
Worker processes from one warm parent, so that a thousand of them can be killed in a night on two cores.

`python -m tests.faults.nursery` has imported the program and forks a child for each line of JSON on its standard
input (`names`, `environment`, `log`); the child runs `sigill.bootstrap.run`, as `sigill worker` does. It answers
with `{"started": pid}`, and says `{"ended": pid, "status": n}` of each child, negative for a signal.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1


@dataclass
class Nursery:
    """The parent's other end. `ended` hears of each child that is no more, with its status."""

    ended: Callable[[int, int], None]
    _parent: Process | None = None
    _reader: asyncio.Task[None] | None = None
    _waiting: list[asyncio.Future[int]] = field(default_factory=list)

    async def open(self) -> None:
        """Start the parent; its imports take a second or two."""
        self._parent = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.nursery", stdin=PIPE, stdout=PIPE
        )
        self._reader = asyncio.create_task(self._read())

    async def start(self, names: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Start a worker process. Returns its process id."""
        assert self._parent is not None
        assert self._parent.stdin is not None
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        line = json.dumps({"names": list(names), "environment": dict(environment), "log": str(log)})
        self._parent.stdin.write(line.encode() + b"\n")
        return await answer

    async def close(self) -> None:
        """End the parent; its children die with it."""
        if self._parent is None:
            return
        if self._parent.stdin is not None:
            self._parent.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._parent.wait(), 10)
        if self._parent.returncode is None:
            self._parent.kill()
            await self._parent.wait()
        if self._reader is not None:
            self._reader.cancel()

    async def _read(self) -> None:
        assert self._parent is not None
        assert self._parent.stdout is not None
        while line := await self._parent.stdout.readline():
            said = json.loads(line)
            if "started" in said:
                self._waiting.pop(0).set_result(said["started"])
            else:
                self.ended(said["ended"], said["status"])


def main() -> None:
    """Fork what is asked for until standard input ends."""
    from sigill import bootstrap, cli  # noqa: F401 (warm)

    gc.freeze()
    say = sys.stdout
    alive: set[int] = set()
    rest = b""
    while True:
        if select.select([0], [], [], 0.05)[0]:
            read = os.read(0, 65536)
            if not read:
                break
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                pid = _fork(json.loads(line))
                alive.add(pid)
                print(json.dumps({"started": pid}), file=say, flush=True)
        for pid in tuple(alive):
            gone, status = os.waitpid(pid, os.WNOHANG)
            if gone:
                alive.discard(pid)
                code = os.waitstatus_to_exitcode(status)
                print(json.dumps({"ended": pid, "status": code}), file=say, flush=True)
    for pid in alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _fork(asked: dict[str, object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    code = 1
    try:
        code = _work(asked)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        # stderr is the log by now
        print(f"worker failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _work(asked: dict[str, object]) -> int:
    from sigill.bootstrap import run
    from sigill.runtime.settings import settings_or_exit

    out = os.open(str(asked["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    environment = asked["environment"]
    assert isinstance(environment, dict)
    os.environ.update(environment)
    names = asked["names"]
    assert isinstance(names, list)
    run(names, settings_or_exit())
    return 0


if __name__ == "__main__":
    main()
