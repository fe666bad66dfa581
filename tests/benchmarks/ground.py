"""What the figures are measured on: a real broker, a durable PostgreSQL, and workers in processes of their own."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from sigill.bootstrap import load_rulebooks
from sigill.devtools.authority import DevAuthority
from sigill.embedded import EmbeddedKafka, EmbeddedPostgres
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.clock import SystemClock
from sigill.runtime.settings import Settings
from sigill.scenario.wire import cloud_event
from sigill.store import inbox
from sigill.store.migrate import migrate
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import ORDERS, PERSONS, RECEIPTS, STAFF, TOPICS, TopicSpec, group_of
from tests.benchmarks.crowd import Crowd, Message

AUDIENCE = "sigill/benchmark"
CLOCK = SystemClock()
NOT_COUNTED = ("measuring", "others")
"""Whose processor time is no cost of what is measured."""


@dataclass
class Ground:
    """Servers, topics and keys of one run."""

    folder: Path
    settings: Settings
    environment: dict[str, str]
    books: Rulebooks
    authority: DevAuthority
    store: Store
    connection: Connection
    producer: AIOKafkaProducer
    postgres_pid: int | None = None
    _running: list[Process] = field(default_factory=list)

    def crowd(self) -> Crowd:
        """People nobody has heard of yet."""
        secret = self.settings.patient_secrets()["v1"]
        return Crowd(self.books, self.authority, secret, AUDIENCE, CLOCK.now() - timedelta(minutes=1))

    def topic(self, spec: TopicSpec) -> str:
        """A topic's name in this run."""
        return self.settings.topic(spec.name)

    async def publish(
        self, spec: TopicSpec, messages: Sequence[Message], *, topic: str | None = None
    ) -> float:
        """
        Publish messages as fast as it goes, in order, and wait until the broker has them.

        Returns the broker's earliest stamp on any of them (UTC, seconds): from then on there was something to take.
        """
        at = CLOCK.now()
        sent = [await self._send(spec, one, topic, at) for one in messages]
        stamps = [placed.timestamp for placed in await asyncio.gather(*sent)]
        return float(min(stamps, default=0)) / 1000

    async def publish_one(self, spec: TopicSpec, one: Message, topic: str | None = None) -> None:
        """Publish one message; it is on its way when this returns."""
        await self._send(spec, one, topic, CLOCK.now())

    async def _send(
        self, spec: TopicSpec, one: Message, topic: str | None, at: datetime
    ) -> asyncio.Future[RecordMetadata]:
        kind = "application/jose" if spec is ORDERS else "application/json"
        sent: asyncio.Future[RecordMetadata] = await self.producer.send(
            topic or self.topic(spec),
            value=one.value,
            key=one.key.encode(),
            headers=cloud_event(spec, one.event, f"/benchmark/{spec.read_by[0]}", one.key, at, kind),
        )
        return sent

    async def taken(self, spec: TopicSpec, *, patience: float = 600) -> None:
        """Wait until a worker's stored offsets have reached the topic's end."""
        consumer = AIOKafkaConsumer(**self.connection.options())
        await consumer.start()
        try:
            name = self.topic(spec)
            parts = [
                TopicPartition(name, p) for p in consumer.partitions_for_topic(name) or range(spec.partitions)
            ]
            ends = {tp.partition: end for tp, end in (await consumer.end_offsets(parts)).items() if end}
        finally:
            await consumer.stop()
        group = group_of(spec.read_by[0], self.settings.kafka_group_prefix)
        async with asyncio.timeout(patience):
            while True:
                async with self.store.reading() as tx:
                    stored = await inbox.stored(tx, group)
                reached = {p: stored.get((name, p), (0, 0))[1] or 0 for p in ends}
                if all(reached[p] >= end for p, end in ends.items()):
                    return
                for process in self._running:
                    process.check()
                await asyncio.sleep(0.05)

    def start(self, *names: str, **more: str) -> Process:
        """Start a process with these workers. `more` are settings by their names in lower case."""
        environment = {f"SIGILL_{name.upper()}": value for name, value in more.items()}
        return self.run([sys.executable, "-m", "sigill.cli", "worker", *names], environment)

    def run(self, command: Sequence[str], more: dict[str, str] | None = None) -> Process:
        """Start a process in this run's environment."""
        environment = {**os.environ, **self.environment, **(more or {})}
        process = Process(command, environment, self.folder / f"process{len(self._running)}.log")
        self._running.append(process)
        return process

    def stop_all(self) -> None:
        """Stop whatever still runs."""
        for process in self._running:
            process.stop()

    async def know(self, people: Sequence[Message], staff: Sequence[Message]) -> None:
        """Have register and directory taken."""
        await self.publish(STAFF, staff)
        await self.publish(PERSONS, people)
        process = self.start("directory", "register")
        await self.taken(STAFF)
        await self.taken(PERSONS)
        process.stop()


class Process:
    """A process of a run, its log in a file."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        self.pid = self._process.pid
        self.peak = 0

    def rss(self) -> int:
        """Resident memory now, in bytes."""
        try:
            now = int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return self.peak
        self.peak = max(self.peak, now)
        return now

    def check(self) -> None:
        """Raises RuntimeError with the log's end for a process that has failed."""
        code = self._process.poll()
        if code not in (None, 0, -signal.SIGTERM, -signal.SIGKILL):
            raise RuntimeError(f"a process stopped with {code}:\n{self.output()[-3000:]}")

    def output(self) -> str:
        """What it has written."""
        return self.log.read_text("utf-8", "replace")

    async def said(self, word: str, *, patience: float = 600) -> str:
        """Wait for a line that begins with a word and a space, and return what follows it."""
        async with asyncio.timeout(patience):
            while True:
                self.check()
                for line in self.output().splitlines():
                    if line.startswith(f"{word} "):
                        return line.removeprefix(f"{word} ")
                await asyncio.sleep(0.05)

    def wait(self, patience: float = 600) -> str:
        """Wait until it ends by itself, and return what it wrote."""
        self._process.wait(patience)
        self.check()
        return self.output()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what does not stop."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


class Receipts:
    """Reads the receipts' topic from now on. `answered` says when the broker got each order's receipt (UTC, seconds)."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._consumer = AIOKafkaConsumer(
            **ground.connection.options(),
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=50,
        )
        self.answered: dict[str, float] = {}
        self.outcomes: dict[str, int] = {}
        self.by_key: dict[bytes, list[str]] = {}
        self._arrived = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Receipts:
        await self._consumer.start()
        name = self._ground.topic(RECEIPTS)
        self._consumer.assign([TopicPartition(name, p) for p in range(RECEIPTS.partitions)])
        await self._consumer.seek_to_end()
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    async def _read(self) -> None:
        while True:
            batches = await self._consumer.getmany(timeout_ms=500)
            async with self._arrived:
                for records in batches.values():
                    for record in records:
                        answer = json.loads(record.value)
                        order = answer["order_id"] or answer["answers_event"]
                        if order not in self.answered:
                            self.answered[order] = record.timestamp / 1000
                            self.by_key.setdefault(record.key, []).append(order)
                            outcome = answer["outcome"]
                            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
                self._arrived.notify_all()

    async def until(self, orders: Iterable[str], *, patience: float = 600) -> None:
        """Wait for the receipts of orders."""
        wanted = set(orders)
        async with asyncio.timeout(patience), self._arrived:
            await self._arrived.wait_for(lambda: self._has(wanted))

    def _has(self, wanted: set[str]) -> bool:
        for process in self._ground._running:
            process.check()
        wanted -= self.answered.keys()
        return not wanted


@asynccontextmanager
async def ground(*, partitions: int = 12) -> AsyncIterator[Ground]:
    """Start everything; all gone afterwards. Receipts are stamped by the broker, by which they are timed."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sigill-bench-"))
        stack.callback(shutil.rmtree, folder, True)
        postgres = stack.enter_context(EmbeddedPostgres(os.environ.get("BENCH_DATABASE_URL"), durable=True))
        broker = stack.enter_context(EmbeddedKafka())
        if not broker.real:
            raise SystemExit("the figures need a real broker: Docker, Java 17, or KAFKA_BOOTSTRAP_SERVERS")
        first = CLOCK.now() - timedelta(days=400)
        authority = DevAuthority.create(first, not_before=first, not_after=first + timedelta(days=3000))
        authority.publish(
            folder / "ca", CLOCK.now() - timedelta(hours=1), next_update=CLOCK.now() + timedelta(days=7)
        )
        settings, environment = _settings(folder, postgres.dsn, broker.bootstrap)
        await _must_be_durable(settings.database_dsn())
        await migrate(settings.database_dsn(), settings.database_schema)
        connection = Connection.of(settings)
        store = await Store.open(settings)
        producer = AIOKafkaProducer(**connection.options(), acks="all", linger_ms=2, max_batch_size=262_144)
        await producer.start()
        made = Ground(
            folder,
            settings,
            environment,
            load_rulebooks(),
            authority,
            store,
            connection,
            producer,
            postgres.pid,
        )
        stack.callback(made.stop_all)
        await _make_topics(made, partitions)
        try:
            yield made
        finally:
            await producer.stop()
            await store.close()


@asynccontextmanager
async def beside(base: Ground, code: Path) -> AsyncIterator[Ground]:
    """Another checkout's program on the same servers, with a schema, topics and people of its own."""
    settings, environment = _settings(
        base.folder, base.settings.database_dsn(), base.settings.kafka_bootstrap
    )
    environment["PYTHONPATH"] = f"{code / 'workers'}{os.pathsep}{code / 'contracts'}"
    folder = base.folder / "beside"
    folder.mkdir()
    other = replace(base, folder=folder, settings=settings, environment=environment, _running=[])
    await asyncio.to_thread(other.run([sys.executable, "-m", "sigill.cli", "migrate"]).wait)
    await _make_topics(other)
    other.store = await Store.open(settings)
    try:
        yield other
    finally:
        other.stop_all()
        await other.store.close()


async def _make_topics(base: Ground, partitions: int = 12) -> None:
    """The topics of a run. What is not compacted is stamped by the broker."""
    specs = [
        replace(
            spec,
            partitions=min(spec.partitions, partitions),
            stamped_by_broker=spec.stamped_by_broker or not spec.compacted,
        )
        for spec in TOPICS
    ]
    await apply_topics(base.connection, specs, prefix=base.settings.kafka_topic_prefix)


async def _must_be_durable(dsn: str) -> None:
    """No figure counts that was bought with an answer that a power cut takes back."""
    conn = await asyncpg.connect(dsn)
    try:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            if await conn.fetchval(f"SHOW {name}") != "on":
                raise SystemExit(f"{name} is off: the figures would be of another program")
    finally:
        await conn.close()


def _settings(folder: Path, dsn: str, bootstrap: str) -> tuple[Settings, dict[str, str]]:
    run = uuid4().hex[:8]
    keys = {"v1": base64.b64encode(secrets.token_bytes(32)).decode()}
    plain = {
        "environment": "test",
        "audience": AUDIENCE,
        "instance": f"bench-{run}",
        "database_url": dsn,
        "database_schema": f"bench_{run}",
        "kafka_bootstrap": bootstrap,
        "kafka_topic_prefix": f"b{run}.",
        "kafka_group_prefix": f"b{run}",
        "trust_anchors": str(folder / "ca" / "anchors.pem"),
        "trust_intermediates": str(folder / "ca" / "intermediates.pem"),
        "crl_folders": str(folder / "ca" / "crls"),
        "log_format": "json",
    }
    environment = {f"SIGILL_{name.upper()}": value for name, value in plain.items()}
    environment["SIGILL_PATIENT_KEYS"] = json.dumps(keys)
    return Settings.model_validate({**plain, "patient_keys": keys}), environment


def load() -> float:
    """How busy the machine is: processes that run or want to, averaged over the last minute."""
    return os.getloadavg()[0]


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of processor time of each process, by its number, with what it is; `at` on the stopwatch."""

    at: float
    seconds: dict[int, tuple[str, float]]


def processor() -> Used:
    """
    What every process of this run has used so far: this one, and what it started. Whatever else the machine does, and
    servers that were not started here, do not count.
    """
    own = psutil.Process()
    seconds = {}
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            used, command = process.cpu_times(), process.cmdline()
            kind = "measuring" if process == own else _kind_of(process.name(), command)
            seconds[process.pid] = (kind, used.user + used.system)
    return Used(time.monotonic(), seconds)


def spent(before: Used, after: Used) -> dict[str, float]:
    """Seconds of processor time between two looks, by what spent them. What ended in between is not counted."""
    found: dict[str, float] = {}
    for pid, (kind, used) in after.seconds.items():
        earlier = before.seconds.get(pid, (kind, 0.0))[1]
        found[kind] = found.get(kind, 0.0) + used - earlier
    return found


def _kind_of(name: str, command: Sequence[str]) -> str:
    """A worker's name, a server's, or the module of ours that stands against it."""
    if "sigill.cli" in command:
        return " ".join(command[command.index("sigill.cli") + 2 :])
    if "postgres" in name:
        return "PostgreSQL"
    if name == "java":
        return "Kafka"
    ours = [
        part.removeprefix("tests.benchmarks.") for part in command if part.startswith("tests.benchmarks.")
    ]
    return ours[0] if ours else "others"


def since(moment: datetime) -> float:
    """Seconds since a moment (UTC)."""
    return (CLOCK.now() - moment).total_seconds()


__all__ = ["AUDIENCE", "CLOCK", "UTC", "Callable", "Ground", "Process", "Receipts", "ground", "load", "since"]
