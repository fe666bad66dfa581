"""
Servers behind spoilable connections, worker processes in slots, and everything that can be done to them.

A slot that is down is started again as a supervisor would, with nothing repaired by hand. The outside's own producer
and the checker go to the servers directly.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, errors

from sigill.devtools.authority import DevAuthority
from sigill.embedded import EmbeddedKafka, EmbeddedPostgres, jars, processes
from sigill.embedded.processes import free_port
from sigill.runtime.clock import stopwatch, write_clock
from sigill.scenario.run import _ANY_TIME
from sigill.store.migrate import migrate
from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import ORDERS, TOPICS
from tests.faults.nursery import Nursery
from tests.faults.outside import AUDIENCE, SECRET, Message
from tests.faults.proxy import Proxy, Toxic
from tests.faults.schedule import SLOTS

PARTITIONS = 4
DISK_MB = 700


@dataclass
class Slot:
    """A place where one worker process runs, and runs again."""

    name: str
    worker: str
    pid: int | None = None
    expected: bool = False
    """Its next end is our doing."""
    frozen: bool = False


@dataclass
class Ground:
    """One run's servers, processes and folder. `unexpected` are ends of workers that nobody asked for."""

    folder: Path
    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka
    dsn: str
    schema: str
    prefix: str
    environment: dict[str, str]
    database_proxy: Proxy
    broker_proxy: Proxy | None
    disk: Path | None
    nursery: Nursery = field(init=False)
    slots: dict[str, Slot] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    """Slots that are to stay down."""
    _points: dict[str, str] = field(default_factory=dict)
    _producer: AIOKafkaProducer | None = None
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    # --- processes

    async def open(self, slots: tuple[tuple[str, str], ...] = SLOTS) -> None:
        """Start the workers."""
        self.nursery = Nursery(self._ended)
        await self.nursery.open()
        self.slots = {name: Slot(name, worker) for name, worker in slots}
        for name in self.slots:
            await self.run_slot(name)

    async def close(self) -> None:
        """End everything that was started."""
        self.held = set(self.slots)
        for slot in self.slots.values():
            self.signal(slot, signal.SIGCONT)
        for task in self._tasks:
            task.cancel()
        await self.nursery.close()
        if self._producer is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._producer.stop(), 5)

    def log_of(self, slot: str) -> Path:
        """A slot's log, of all its processes."""
        return self.folder / f"{slot}.log"

    async def run_slot(self, name: str, point: str | None = None) -> None:
        """Start the process of a slot."""
        slot = self.slots[name]
        environment = {**self.environment, "SIGILL_INSTANCE": f"{name}-{uuid4().hex[:6]}"}
        environment["SIGILL_KILL_POINT"] = point or ""
        slot.expected = point is not None
        slot.frozen = False
        slot.pid = await self.nursery.start([slot.worker], environment, self.log_of(name))
        if point is not None:
            self._points[name] = point
        else:
            self._points.pop(name, None)

    def _ended(self, pid: int, status: int) -> None:
        slot = next((s for s in self.slots.values() if s.pid == pid), None)
        if slot is None:
            return
        slot.pid = None
        point = self._points.pop(slot.name, None)
        if not slot.expected or (point is not None and status != -signal.SIGKILL):
            tail = processes.tail(self.log_of(slot.name), 6)
            self.unexpected.append(f"{slot.name} ended with {status} by itself:\n{tail}")
        elif point is not None:
            self._count(f"at {point.partition(':')[0]}")
        if slot.name not in self.held:
            self._spawn(self._again(slot.name))

    async def _again(self, name: str) -> None:
        await asyncio.sleep(0.05)
        if self.slots[name].pid is None and name not in self.held:
            await self.run_slot(name)

    def _spawn(self, coroutine: object) -> None:
        task = asyncio.create_task(coroutine)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _count(self, what: str) -> None:
        self.kills[what] = self.kills.get(what, 0) + 1

    def signal(self, slot: Slot, number: signal.Signals) -> None:
        """Send a signal to a slot's process, if it has one."""
        if slot.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(slot.pid, number)

    async def kill_worker(self, name: str, seconds: float = 0.0) -> None:
        """SIGKILL a slot's process; it is started again after `seconds`."""
        slot = self.slots[name]
        if slot.pid is None:
            return
        self.held.add(name)
        slot.expected = True
        self._points.pop(name, None)
        self.signal(slot, signal.SIGKILL)
        self._count(slot.worker)
        while slot.pid is not None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(seconds)
        self.held.discard(name)
        await self.run_slot(name)

    async def kill_at_point(self, name: str, point: str) -> None:
        """Start a slot's process anew, armed to die at a point. It is counted when it does."""
        slot = self.slots[name]
        self.held.add(name)
        slot.expected = True
        self._points.pop(name, None)
        self.signal(slot, signal.SIGKILL)
        if slot.pid is not None:
            self._count(slot.worker)
        while slot.pid is not None:
            await asyncio.sleep(0.01)
        self.held.discard(name)
        await self.run_slot(name, point)

    def forget_point(self, name: str) -> None:
        """A slot's process has passed its point, and lives on."""
        self._points.pop(name, None)

    async def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP a slot's process, and SIGCONT after `seconds`: a zombie when its partitions are gone by then."""
        slot = self.slots[name]
        pid = slot.pid
        if pid is None:
            return
        self.signal(slot, signal.SIGSTOP)
        slot.frozen = True
        await asyncio.sleep(seconds)
        if slot.pid == pid:
            self.signal(slot, signal.SIGCONT)
            slot.frozen = False

    # --- servers

    def _lock(self, what: str) -> asyncio.Lock:
        return self._locks.setdefault(what, asyncio.Lock())

    async def kill_database(self, seconds: float = 0.0) -> None:
        """SIGKILL the database with every backend; it is back after `seconds`."""
        async with self._lock("database"):
            self._count("database")
            await asyncio.to_thread(self.postgres.kill)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.postgres.start)

    async def kill_broker(self, seconds: float = 0.0) -> None:
        """SIGKILL the broker; it is back after `seconds`."""
        async with self._lock("broker"):
            self._count("broker")
            await asyncio.to_thread(self.kafka.kill)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.kafka.start)

    async def end_sessions(self) -> None:
        """`pg_terminate_backend` of every session but ours."""
        async with self._lock("database"):
            with contextlib.suppress(asyncpg.PostgresError, OSError):
                conn = await asyncpg.connect(self.dsn)
                await conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
                await conn.close()

    async def spoil(self, proxy: Proxy, toxic: Toxic, seconds: float) -> None:
        """Poison a server's connections for `seconds`."""
        proxy.poison(toxic)
        await asyncio.sleep(seconds)
        if proxy.toxic is toxic:
            proxy.poison(None)

    async def fill_disk(self, seconds: float) -> None:
        """Use up the database's disk for `seconds`; a server that went down of it is started again, as always."""
        assert self.disk is not None
        async with self._lock("database"):
            filler = self.disk / "filler"
            await asyncio.to_thread(_fill, filler)
            await asyncio.sleep(seconds)
            filler.unlink(missing_ok=True)
            # the supervisor's part: a postmaster that gave up is started again
            await asyncio.to_thread(self.postgres.start)

    async def rebalances(self, seconds: float) -> None:
        """A member joins the intake's group and leaves, every two seconds."""
        until = stopwatch() + seconds
        while stopwatch() < until:
            member = AIOKafkaConsumer(
                self.prefix + ORDERS.name,
                bootstrap_servers=self.kafka.bootstrap,
                group_id=f"{self.environment['SIGILL_KAFKA_GROUP_PREFIX']}.intake",
                enable_auto_commit=False,
                session_timeout_ms=6000,
            )
            with contextlib.suppress(errors.KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(4):
                    await member.start()
            await asyncio.sleep(1)
            with contextlib.suppress(errors.KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(member.stop(), 4)
            await asyncio.sleep(1)

    async def heal(self) -> None:
        """Everything up and untouched; what the workers must do about it is theirs."""
        for proxy in (self.database_proxy, self.broker_proxy):
            if proxy is not None:
                proxy.poison(None)
        if self.disk is not None:
            (self.disk / "filler").unlink(missing_ok=True)
        for what, start in (("database", self.postgres.start), ("broker", self.kafka.start)):
            async with self._lock(what):
                await asyncio.to_thread(start)
        for slot in self.slots.values():
            self.signal(slot, signal.SIGCONT)
            if slot.pid is None and slot.name not in self.held:
                await self.run_slot(slot.name)

    # --- the outside's connections

    async def publish(self, messages: list[Message], at: datetime) -> None:
        """
        Publish messages, those of a key in this order, however long the broker is away.

        One in doubt is sent again, so it can stand twice on its topic; the topic is the truth.
        """
        async with self._sending:
            left = list(messages)
            while left:
                try:
                    producer = await self._open_producer()
                    futures = [
                        await asyncio.wait_for(
                            producer.send(
                                self.prefix + m.topic.name,
                                m.value,
                                key=m.key.encode(),
                                headers=list(m.headers),
                                timestamp_ms=int(at.timestamp() * 1000),
                            ),
                            10,
                        )
                        for m in left
                    ]
                    await asyncio.wait_for(asyncio.gather(*futures), 20)
                    return
                except (errors.KafkaError, OSError, TimeoutError):
                    await self._drop_producer()
                    await asyncio.sleep(0.3)

    async def _open_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.kafka.bootstrap, acks="all", enable_idempotence=True, linger_ms=2
            )
            try:
                await asyncio.wait_for(producer.start(), 10)
            except BaseException:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(producer.stop(), 2)
                raise
            self._producer = producer
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(producer.stop(), 2)

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection to the store's schema, past the proxy, waiting out a server that is starting."""
        for _ in range(200):
            try:
                conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                    self.dsn, server_settings={"search_path": self.schema}, timeout=5
                )
                return conn
            except (OSError, asyncpg.PostgresError, TimeoutError):
                await asyncio.sleep(0.1)
        raise TimeoutError("the database does not come back")

    def set_clock(self, now: datetime) -> None:
        """Move the workers' clock."""
        write_clock(self.folder / "clock", now)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(1 << 20))
    with file.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))


@asynccontextmanager
async def ground(
    authority: DevAuthority, first: datetime, now: datetime, *, disk: bool = True, choice: random.Random
) -> AsyncIterator[Ground]:
    """Servers and topics of one run, and nothing running on them yet; all gone afterwards."""
    processes._stderr.quiet = True
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sigill-faults-"))
        stack.callback(shutil.rmtree, folder, True)
        small = _small_disk(stack, folder) if disk else None
        postgres = stack.enter_context(_postgres(small))
        database_proxy = Proxy(_port_of(postgres.dsn), choice)
        await database_proxy.open()
        kafka, broker_proxy = await _kafka(stack, choice)
        environment, schema, prefix = _environment(folder, database_proxy, kafka, broker_proxy)
        write_clock(folder / "clock", now)
        files = authority.publish(folder / "ca", first, next_update=authority.not_after)
        environment |= {
            "SIGILL_TRUST_ANCHORS": str(files.anchors),
            "SIGILL_TRUST_INTERMEDIATES": str(files.intermediates),
            "SIGILL_CRL_FOLDERS": str(files.crls),
        }
        await migrate(postgres.dsn, schema)
        specs = [
            replace(s, stamped_by_broker=False, partitions=PARTITIONS, retention_ms=-1, extra=_ANY_TIME)
            for s in TOPICS
        ]
        # nothing may be compacted away before the checker has read it
        specs = [replace(s, compacted=False) for s in specs]
        await apply_topics(Connection(kafka.bootstrap, client_id="faults"), specs, prefix=prefix)
        made = Ground(
            folder,
            postgres,
            kafka,
            postgres.dsn,
            schema,
            prefix,
            environment,
            database_proxy,
            broker_proxy,
            small,
        )
        try:
            yield made
        finally:
            await database_proxy.close()
            if broker_proxy is not None:
                await broker_proxy.close()


def _small_disk(stack: ExitStack, folder: Path) -> Path | None:
    """A disk of a few hundred megabytes for the database, where we may mount one."""
    place = folder / "disk"
    place.mkdir()
    options = f"size={DISK_MB}m,mode=0777"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode != 0:
        print("NOT DONE: the full disk needs root, to mount a small one for the database", flush=True)
        return None
    folder.chmod(0o755)
    stack.callback(subprocess.run, ["umount", "-l", str(place)], check=False)
    return place


def _postgres(disk: Path | None) -> EmbeddedPostgres:
    before = tempfile.tempdir
    tempfile.tempdir = str(disk) if disk is not None else before
    try:
        server = EmbeddedPostgres(
            own=True,
            settings={"max_wal_size": "128MB", "min_wal_size": "32MB", "checkpoint_timeout": "60s"},
        )
        server.start()
    finally:
        tempfile.tempdir = before
    return server


def _port_of(dsn: str) -> int:
    return int(dsn.rsplit(":", 1)[1].split("/", maxsplit=1)[0])


async def _kafka(stack: ExitStack, choice: random.Random) -> tuple[EmbeddedKafka, Proxy | None]:
    if not jars.available():
        print("NOT DONE: spoiling the broker's connections needs Kafka from its jars (Java 17)", flush=True)
        return stack.enter_context(EmbeddedKafka(own=True, require_real=True)), None
    port = free_port()
    proxy = Proxy(port, choice)
    await proxy.open()
    broker = EmbeddedKafka(
        own=True,
        kind="jars",
        settings={
            "listeners": f"SPOILED://127.0.0.1:{port}",
            "advertised.listeners": f"SPOILED://127.0.0.1:{proxy.listening}",
            "listener.security.protocol.map": "SPOILED:PLAINTEXT",
            "offsets.topic.num.partitions": "4",
        },
    )
    stack.enter_context(broker)
    return broker, proxy


def _environment(
    folder: Path, database: Proxy, kafka: EmbeddedKafka, broker: Proxy | None
) -> tuple[dict[str, str], str, str]:
    run = uuid4().hex[:8]
    bootstrap = f"127.0.0.1:{broker.listening}" if broker is not None else kafka.bootstrap
    schema = f"faults_{run}"
    return (
        {
            "SIGILL_ENVIRONMENT": "test",
            "SIGILL_AUDIENCE": AUDIENCE,
            "SIGILL_CLOCK_FILE": str(folder / "clock"),
            "SIGILL_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{database.listening}/postgres",
            "SIGILL_DATABASE_SCHEMA": schema,
            "SIGILL_DATABASE_POOL_MIN": "1",
            "SIGILL_DATABASE_POOL_MAX": "4",
            "SIGILL_DATABASE_STATEMENT_TIMEOUT": "8",
            "SIGILL_DATABASE_LOCK_TIMEOUT": "3",
            "SIGILL_KAFKA_BOOTSTRAP": bootstrap,
            "SIGILL_KAFKA_TOPIC_PREFIX": f"f{run}.",
            "SIGILL_KAFKA_GROUP_PREFIX": f"f{run}",
            "SIGILL_KAFKA_SESSION_TIMEOUT": "6",
            "SIGILL_KAFKA_SEND_TIMEOUT": "5",
            "SIGILL_BACKOFF_MAX": "1",
            "SIGILL_BATCH_SIZE": "20",
            "SIGILL_TRANSITIONS_INTERVAL": "0.1",
            "SIGILL_RELAY_INTERVAL": "0.05",
            "SIGILL_OUTBOX_RETENTION_DAYS": "36500",  # the checker reads it all
            "SIGILL_LOG_LEVEL": "info",
            "SIGILL_LOG_FORMAT": "json",
            "SIGILL_PATIENT_KEYS": json.dumps({"v1": base64.b64encode(SECRET).decode()}),
        },
        schema,
        f"f{run}.",
    )
