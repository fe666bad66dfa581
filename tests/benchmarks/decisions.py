"""
How fast the store is asked: over HTTP, in batches, in process; and whether the cost stays flat as a country grows.

    python -m tests.benchmarks.decisions --residents 100000,10600000     two sizes side by side, made here
    python -m tests.benchmarks.decisions --database URL [--database URL]  databases that are there already

Each size is held against a bare server of the same kind (`bare_server`), in the same turns. Every HTTP figure comes from an
open loop: questions leave on a fixed beat whether earlier ones are answered or not, and a latency counts from the beat, so
that a server that stalls cannot hide it. Each answer's access-log line is durable before the answer leaves. Server,
database and load share this machine's cores. Sizes are measured in turns, round by round, and ratios come from the same
rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import asyncpg

from sigill.client.copy import LocalCopy
from sigill.embedded import EmbeddedPostgres
from sigill.policy.access import AccessQuestion, decide, valid_until
from sigill.processing.state_snapshot import state_of
from sigill.runtime.clock import SystemClock
from sigill.runtime.settings import load_settings
from sigill.store.facts import patient_facts
from sigill.store.session import Store
from sigill.store.values import person_of
from sigill.web.api.server import serve
from tests.benchmarks.bare_server import serve_bare
from tests.benchmarks.country import make_country
from tests.benchmarks.figures import numbers, quantile
from tests.kit.decision_api import AUDIENCE, BOOKS, ISSUER, RULES, Issuer
from tests.kit.services import migrate

CONNECTIONS = 32
_NOW = SystemClock()


@dataclass(slots=True)
class Place:
    """A database to ask, with people to ask about: (child's number, its type, guardian's number, its type)."""

    name: str
    dsn: str
    people: list[tuple[str, int, str, int]] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    residents: int = 0
    measures: int = 0
    port: int = 0
    server: int = 0


_TYPES = ("", "personnummer", "samordningsnummer", "reservnummer")


_DRAW = """
WITH any_id AS (
  SELECT DISTINCT (1 + floor(random() * $1))::bigint AS id FROM generate_series(1, $2 * 8)
  UNION (SELECT person_id FROM measure ORDER BY measure_id LIMIT $2 / 20)
), drawn AS (
  SELECT DISTINCT ON (c.child_id) c.child_id, c.guardian_id
    FROM any_id JOIN custody c ON c.child_id = any_id.id
   WHERE c.guardian_id IS NOT NULL
)
SELECT d.child_id, ci.number AS child, ci.id_type AS child_type, gi.number AS guardian, gi.id_type AS guardian_type
  FROM drawn d
  JOIN person_identity ci ON ci.person_id = d.child_id AND ci.remap = 0
  JOIN person_identity gi ON gi.person_id = d.guardian_id AND gi.remap = 0
 LIMIT $2
"""


async def get_to_know(place: Place, sample: int) -> None:
    """Draw children with a guardian, those with measures among them."""
    conn = await asyncpg.connect(place.dsn, server_settings={"search_path": "sigill"})
    try:
        place.residents = await conn.fetchval("SELECT max(person_id) FROM person")
        place.measures = await conn.fetchval("SELECT count(*) FROM measure")
        rows = await conn.fetch(_DRAW, place.residents, sample)
    finally:
        await conn.close()
    found = [(r["child"], r["child_type"], r["guardian"], r["guardian_type"]) for r in rows]
    order = random.Random(6).sample(range(len(found)), len(found))
    place.people = [found[n] for n in order]
    place.children = [rows[n]["child_id"] for n in order]


async def cpu_of(place: Place) -> tuple[float, float]:
    """CPU seconds so far of the API's process and of its database connections; what other programs do is not in it."""
    conn = await asyncpg.connect(place.dsn)
    try:
        rows = await conn.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1",
            f"sigill %-{place.server}",
        )
    finally:
        await conn.close()
    return _seconds(place.server), sum(_seconds(row["pid"]) for row in rows)


def _seconds(pid: int) -> float:
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def serving(place: Place, issuer: Issuer, mode: str = "--serve") -> AsyncIterator[None]:
    """The API in a process of its own, on a port of its own; with `--serve-bare`, the bare server."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "jwks.json"
        keys.write_bytes(issuer.jwks)
        environment = {
            **os.environ,
            "SIGILL_DATABASE_URL": place.dsn,
            "SIGILL_DATABASE_TLS": "disable",
            "SIGILL_API_ISSUER": ISSUER,
            "SIGILL_API_AUDIENCE": AUDIENCE,
            "SIGILL_API_JWKS_FILE": str(keys),
            "SIGILL_API_PORT": "0",
        }
        server = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.benchmarks.decisions", mode),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        assert server.stdout is not None
        try:
            place.server = server.pid
            place.port = int(await asyncio.wait_for(server.stdout.readline(), 60))
            yield
        finally:
            server.terminate()
            await server.wait()


async def be_server(*, bare: bool) -> None:
    """What the child process does."""
    import signal

    settings = load_settings()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    begetter = os.getppid()

    async def orphaned() -> None:
        while os.getppid() == begetter:
            await asyncio.sleep(1)
        stop.set()

    def listening(port: int) -> None:
        print(port, flush=True)

    watching = asyncio.create_task(orphaned())
    try:
        if bare:
            await serve_bare(settings, stop, listening)
            return
        store = await Store.open(settings, keep_plans=True)
        try:
            await serve(settings, store, RULES, SystemClock(), stop, listening=listening)
        finally:
            await store.close()
    finally:
        watching.cancel()


class Client(asyncio.Protocol):
    """HTTP/1.1, one question at a time on a connection; as little of it as a load needs."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.lower().find(b"content-length: ", 0, head)
        length = int(self._buffer[at + 16 : self._buffer.find(b"\r\n", at)])
        if len(self._buffer) >= head + 4 + length:
            whole = bytes(self._buffer)
            self._buffer.clear()
            if self._answer and not self._answer.done():
                self._answer.set_result(whole)

    async def send(self, request: bytes) -> bytes:
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer


def request_of(body: dict[str, Any], token: str) -> bytes:
    content = json.dumps(body).encode()
    head = (
        "POST /v1/access/decisions HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def about(person: tuple[str, int, str, int]) -> dict[str, Any]:
    child, child_type, guardian, guardian_type = person
    return {
        "patient": {"id_type": _TYPES[child_type], "id": child},
        "viewer": {"id_type": _TYPES[guardian_type], "id": guardian},
        "service": "journal",
    }


async def connected(place: Place, count: int) -> list[Client]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Client, "127.0.0.1", place.port))[1] for _ in range(count)]


async def beat(place: Place, people: Sequence[Any], token: str, *, rate: int, seconds: float) -> list[float]:
    """
    Ask on a fixed beat; return the latencies from the beat, in milliseconds.

    The load's own garbage collector rests meanwhile: its pauses are not the server's.
    """
    requests = [request_of({**about(person), "purpose": "benchmark"}, token) for person in people]
    free = await connected(place, CONNECTIONS)
    waiting: asyncio.Queue[Client] = asyncio.Queue()
    for client in free:
        waiting.put_nowait(client)
    took: list[float] = []

    async def one(due: float, request: bytes) -> None:
        client = await waiting.get()
        answer = await client.send(request)
        took.append((time.perf_counter() - due) * 1000)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
        waiting.put_nowait(client)

    gc.collect()
    gc.disable()
    try:
        begun = time.perf_counter()
        sent, total = 0, int(rate * seconds)
        async with asyncio.TaskGroup() as tasks:
            while sent < total:
                due = begun + sent / rate
                pause = due - time.perf_counter()
                if pause > 0.0005:
                    await asyncio.sleep(pause)
                    continue
                tasks.create_task(one(due, requests[sent % len(requests)]))
                sent += 1
    finally:
        gc.enable()
    for client in free:
        client.transport.close()
    return took


async def batches(place: Place, people: Sequence[Any], token: str, *, rounds: int) -> list[float]:
    """Ask a thousand at once; return what each batch took, in milliseconds."""
    (client,) = await connected(place, 1)
    took = []
    for turn in range(rounds):
        chosen = [people[(turn * 1000 + n) % len(people)] for n in range(1000)]
        request = request_of({"questions": [about(one) for one in chosen], "purpose": "benchmark"}, token)
        begun = time.perf_counter()
        answer = await client.send(request)
        took.append((time.perf_counter() - begun) * 1000)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
        assert len(json.loads(answer.partition(b"\r\n\r\n")[2])["decisions"]) == 1000
    client.transport.close()
    return took


async def in_process(place: Place) -> dict[str, float]:
    """Microseconds for a decision: the core on facts, and a local copy of the state."""
    settings = load_settings(database_url=place.dsn, database_tls="disable")
    store = await Store.open(settings)
    try:
        async with store.reading() as snapshot:
            found = await patient_facts(snapshot, [person_of(n) for n in place.children[:2000]], units=())
    finally:
        await store.close()
    at = _NOW.now()
    copy = LocalCopy(BOOKS)
    asked, by_key = [], []
    for facts in found.values():
        guardian = next(c.guardian for c in facts.patient.latest.custody if c.guardian)
        asked.append((AccessQuestion(guardian, "journal", at), facts))  # type: ignore[arg-type]
        state = state_of(facts, version=1, known_at=at)
        copy.take(state.key, state.model_dump_json().encode())
        by_key.append((state.patient.ref, facts.people[guardian].key))

    def timed(run: Callable[[], object]) -> float:
        run()
        took = []
        for _ in range(7):
            begun = time.process_time()  # CPU: what else the machine does is not in it
            run()
            took.append((time.process_time() - begun) / len(asked) * 1e6)
        return statistics.median(took)

    return {
        "decide": timed(lambda: [decide(question, facts, BOOKS) for question, facts in asked]),
        "local copy": timed(lambda: [copy.decide(p, v, "journal", at) for p, v in by_key]),  # type: ignore[arg-type]
        "valid_until": timed(lambda: [valid_until(facts, at, BOOKS) for _, facts in asked]),
    }


@dataclass(frozen=True, slots=True)
class Plan:
    """How each place is asked: questions a second, for how many seconds, and how many rounds."""

    rate: int = 1000
    seconds: float = 10.0
    rounds: int = 3
    sample: int = 40_000


T = TypeVar("T")
ByKind: TypeAlias = dict[str, dict[str, list[T]]]
"""Values by the kind of question and the name of the place."""


@dataclass(slots=True)
class Figures:
    """What was measured, by kind of question and place: milliseconds, and microseconds of processor a question."""

    singles: ByKind[float] = field(default_factory=dict)
    batches: ByKind[float] = field(default_factory=dict)
    spent: ByKind[tuple[float, ...]] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Quantiles and medians, as values for the page."""
        return {
            "latency": _each(self.singles, _quantiles),
            "batches": _each(self.batches, lambda took: [statistics.median(took), max(took)]),
            "cpu": _each(
                self.spent, lambda spent: [statistics.median(part) for part in zip(*spent, strict=True)]
            ),
        }


def _keep(by_kind: ByKind[T], kind: str, place: Place, values: Iterable[T]) -> None:
    by_kind.setdefault(kind, {}).setdefault(place.name, []).extend(values)


def _each(
    by_kind: ByKind[T], tell: Callable[[Sequence[T]], list[float]]
) -> dict[str, dict[str, list[float]]]:
    return {kind: {name: tell(values) for name, values in by.items()} for kind, by in by_kind.items()}


def _quantiles(took: Sequence[float]) -> list[float]:
    ordered = sorted(took)
    return [quantile(ordered, share) for share in (0.5, 0.95, 0.99, 0.999)]


async def measure(places: list[Place], plan: Plan) -> dict[str, Any]:
    """Ask all places in turns, round by round; return the figures."""
    issuer = Issuer()
    # without the scope for reasons each no waits for the end of a step, on purpose: that is not what is measured
    token = issuer.token("access:decide", "access:explain", now=_NOW.now())
    figures, load = Figures(), os.getloadavg()[0]
    for place in places:
        await get_to_know(place, plan.sample)
    async with contextlib.AsyncExitStack() as stack:
        bare = [replace(place) for place in places]
        for place, mode in (*((p, "--serve") for p in places), *((p, "--serve-bare") for p in bare)):
            await stack.enter_async_context(serving(place, issuer, mode))
            await beat(place, place.people[-500:], token, rate=200, seconds=3)  # the first of everything
        for turn in range(plan.rounds):
            for place, under in zip(places, bare, strict=True):
                share = (len(place.people) - 500) // plan.rounds
                strangers = place.people[turn * share : (turn + 1) * share]
                many, others = strangers[: share // 3], strangers[share // 3 :]
                known = place.people[-500:]
                for kind, asked, people in (
                    ("cold", place, others),
                    ("bare", under, known),
                    ("warm", place, known),
                ):
                    # nobody is a stranger twice
                    seconds = min(plan.seconds, len(others) / plan.rate)
                    before = await cpu_of(asked)
                    took = await beat(asked, people, token, rate=plan.rate, seconds=seconds)
                    _keep(figures.singles, kind, place, took)
                    spent = zip(before, await cpu_of(asked), strict=True)
                    each = tuple((after - earlier) / len(took) * 1e6 for earlier, after in spent)
                    _keep(figures.spent, kind, place, [each])
                for kind, people, turns in (("warm", known * 2, 5), ("cold", many, len(many) // 1000)):
                    if turns:  # a small country has no thousand strangers
                        took = await batches(place, people, token, rounds=turns)
                        _keep(figures.batches, f"batch, {kind}", place, took)
    return {
        "rate": plan.rate,
        "load": load,
        "places": {place.name: [place.residents, place.measures] for place in places},
        **figures.told(),
        "in_process": {place.name: await in_process(place) for place in places},
    }


@contextlib.asynccontextmanager
async def made(sizes: Sequence[int], measures: int = 0) -> AsyncIterator[list[Place]]:
    """Countries of these sizes in a server of their own; `measures` of each, 0: one a hundred residents."""
    places = []
    with EmbeddedPostgres(own=True) as postgres:
        for size in sizes:
            dsn = await postgres.create_database(f"country_{size}")
            await migrate(dsn)
            await make_country(dsn, size, measures or size // 100)
            places.append(Place(f"{size:,}", dsn))
        yield places


async def main() -> None:
    """Measure, and print the figures."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--residents", type=numbers, default=[100_000], help="sizes to make, by commas")
    told.add_argument(
        "--measures", type=int, default=0, help="measures of each; default: one a hundred residents"
    )
    told.add_argument("--database", action="append", default=[], help="a database that is there already")
    told.add_argument("--rate", type=int, default=1000)
    told.add_argument("--seconds", type=float, default=10.0)
    told.add_argument("--rounds", type=int, default=2)
    told.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    told.add_argument("--serve-bare", action="store_true", help=argparse.SUPPRESS)
    options = told.parse_args()
    if options.serve or options.serve_bare:
        await be_server(bare=options.serve_bare)
        return
    plan = Plan(options.rate, options.seconds, options.rounds)
    if options.database:
        given = [Place(f"given {n}" if n else "given", dsn) for n, dsn in enumerate(options.database)]
        found = await measure(given, plan)
    else:
        async with made(options.residents, options.measures) as places:
            found = await measure(places, plan)
    from tests.benchmarks import page

    print(page.decisions_text(found))


if __name__ == "__main__":
    if sys.platform != "win32":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
