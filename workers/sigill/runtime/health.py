"""
What /livez, /readyz and /metrics answer.

Live means that the loops turn: a loop that has been silent for too long is stuck, and only a restart helps; so is a
consumer that turns and is handed nothing while the broker answers and records wait.
A broker or database that is down never makes a process not live, or everything would be restarted at once.
Ready means: migrated, assigned (or with nothing to be assigned), and database and broker answer.

The server has a thread and an event loop of its own, so that it answers while the workers' loop is blocked.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sigill.runtime.clock import Clock, stopwatch
from sigill.runtime.metrics import CONSUMER_STALLED, DEPENDENCY_UP, LOOP_TICK, Metrics

log = structlog.get_logger("sigill.health")

EVENT_LOOP = "event_loop"
#: What /readyz asks about; each is not ready until somebody has said that it is.
MIGRATIONS, ASSIGNMENT, DATABASE, BROKER = "migrations", "assignment", "database", "broker"
STATEMENTS = "statements"
"""Whether statements are finished in time: not while a lock is held for long. The database answers all the same."""
CLOCK = "clock"
"""This machine's clock, as far as the database's agrees."""


@dataclass(frozen=True, slots=True)
class State:
    """One thing that readiness depends on, and in a few words why it is not so."""

    ready: bool
    why: str = ""


class Health:
    """The state that the probes tell. Safe to read from another thread."""

    def __init__(
        self,
        *,
        silence: float = 60.0,
        metrics: Metrics | None = None,
        clock: Clock | None = None,
        elapsed: Callable[[], float] = stopwatch,
    ) -> None:
        """`silence`: seconds without a turn of a loop until it counts as stuck."""
        self._silence = silence
        self._metrics = metrics
        self._clock = clock
        self._elapsed = elapsed
        self._ticks: dict[str, float] = {}
        self._stalls: dict[str, float] = {}
        self._states: dict[str, State] = {}

    def expect(self, *names: str) -> None:
        """Make readiness wait for these, until `up` is said of each."""
        for name in names:
            self._states.setdefault(name, State(ready=False, why="not yet"))

    def tick(self, loop: str) -> None:
        """Say that a loop has turned."""
        self._ticks[loop] = self._elapsed()
        if self._metrics is not None and self._clock is not None:
            self._metrics.set(LOOP_TICK, self._clock.now().timestamp(), loop=loop)

    def ended(self, loop: str) -> None:
        """Say that a loop has ended by itself and will not turn again."""
        self._ticks.pop(loop, None)
        self.moves(loop)

    def stands_still(self, loop: str) -> None:
        """Say that a loop turns and gets nothing although there is something to get; again and again until it does."""
        self._stalls.setdefault(loop, self._elapsed())
        if self._metrics is not None:
            self._metrics.set(CONSUMER_STALLED, 1, worker=loop)

    def moves(self, loop: str) -> None:
        """Say that a loop gets what there is to get."""
        self._stalls.pop(loop, None)
        if self._metrics is not None:
            self._metrics.set(CONSUMER_STALLED, 0, worker=loop)

    def up(self, name: str) -> bool:
        """
        Say that something is there; returns whether that is news. Logged once, when it comes back.

        What the database did is told by its name: it answers, and finishes statements in time.
        """
        if name == DATABASE and STATEMENTS in self._states:
            self._set(STATEMENTS, State(ready=True))
        return self._set(name, State(ready=True))

    def down(self, name: str, why: str) -> bool:
        """Say that something is not there; returns whether that is news. Logged once."""
        if name == STATEMENTS:  # the database said so itself
            self._set(DATABASE, State(ready=True))
        return self._set(name, State(ready=False, why=why))

    def _set(self, name: str, state: State) -> bool:
        before = self._states.get(name)
        self._states[name] = state
        if self._metrics is not None:
            self._metrics.set(DEPENDENCY_UP, float(state.ready), dependency=name)
        if before is not None and before.ready == state.ready:
            return False
        if not state.ready:
            log.warning("down", what=name, why=state.why)
        elif before is not None and before.why != "not yet":
            log.info("back", what=name)
        return True

    def stuck(self) -> dict[str, float]:
        """Return the loops that have been silent, or have stood still, for too long, with the seconds."""
        now = self._elapsed()
        since = [*list(self._stalls.items()), *list(self._ticks.items())]
        return {loop: now - last for loop, last in since if now - last > self._silence}

    def live(self) -> tuple[bool, list[str]]:
        """Return whether the loops turn, and a line for each."""
        stuck = self.stuck()
        lines = [
            f"[-]{loop}: {self._how(loop)} for {stuck[loop]:.0f} s" if loop in stuck else f"[+]{loop} turns"
            for loop in sorted(self._ticks)
        ]
        return not stuck, lines

    def _how(self, loop: str) -> str:
        return "is handed nothing" if loop in self._stalls else "silent"

    def ready(self) -> tuple[bool, list[str]]:
        """Return whether work can be done, and a line for each thing it depends on."""
        states = dict(self._states)
        lines = [
            f"[+]{name} ok" if state.ready else f"[-]{name}: {state.why}"
            for name, state in sorted(states.items())
        ]
        return all(state.ready for state in states.values()), lines


async def beat(health: Health, every: float = 1.0) -> None:
    """Tick for the event loop for ever: what blocks the loop blocks this."""
    while True:
        health.tick(EVENT_LOOP)
        await asyncio.sleep(every)


def probes(health: Health, metrics: Metrics) -> Starlette:
    """Return the web application with /livez, /readyz (`?verbose`) and /metrics."""

    def answer(request: Request, good: bool, lines: list[str]) -> Response:
        text = "ok" if good else "not ok"
        if "verbose" in request.query_params or not good:
            text = "\n".join([*lines, text])
        return PlainTextResponse(text + "\n", 200 if good else 503, {"Cache-Control": "no-store"})

    async def livez(request: Request) -> Response:
        return answer(request, *health.live())

    async def readyz(request: Request) -> Response:
        return answer(request, *health.ready())

    async def exposition(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", exposition)],
    )


class ProbeServer:
    """Serves the probes from a thread of its own. `port` is the one it got."""

    def __init__(self, health: Health, metrics: Metrics, host: str, port: int) -> None:
        config = uvicorn.Config(
            probes(health, metrics),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
        )
        self._socket = config.bind_socket()
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="probes", daemon=True)
        self.port: int = self._socket.getsockname()[1]

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def start(self) -> ProbeServer:
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
        with contextlib.suppress(OSError):
            self._socket.close()
