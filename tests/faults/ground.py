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
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from sigill.devtools.authority import DevAuthority
from sigill.embedded import EmbeddedKafka, EmbeddedPostgres, jars, processes
from sigill.embedded.processes import free_port
from sigill.runtime.clock import stopwatch, write_clock
from sigill.scenario.run import _ANY_TIME
from sigill.store.migrate import migrate
from sigill.stream.connection import BrokerDown, Connection, StreamStopped
from sigill.stream.log_probe import LogProbe
from sigill.stream.topics import apply_topics, delete_topics
from sigill_contracts.topics import ORDERS, TOPICS, TopicSpec
from tests.faults.checker import PUBLISHED, Forgotten
from tests.faults.chronicle import Chronicle
from tests.faults.cluster import BROKERS, Cluster
from tests.faults.nursery import Nursery
from tests.faults.outside import AUDIENCE, SECRET, Message
from tests.faults.proxy import Proxies, Proxy, Toxic
from tests.faults.schedule import SLOTS
from tests.faults.setback import Setback, Traffic, archiving
from tests.faults.topics import Found, ends_of, read_all

PARTITIONS = 4
DISK_MB = 700
ALL_AGAIN = 1200
"""Of so many orders on a topic that is made anew all are sent again."""
KEPT = ("outbox", "signed_order", "order_outcome", "audit_entry", "consumer_offset")
"""Tables that a run copies on demand."""
T = TypeVar("T")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE application_name LIKE ANY ($1::text[]) AND pid <> pg_backend_pid()
"""


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
    kafka: EmbeddedKafka | Cluster
    dsn: str
    schema: str
    prefix: str
    environment: dict[str, str]
    database_proxy: Proxy
    broker_proxy: Proxies | None
    disk: Path | None
    nursery: Nursery = field(init=False)
    slots: dict[str, Slot] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    """Slots that are to stay down."""
    away: set[str] = field(default_factory=set)
    """Slots that nobody starts, whatever else is done to them meanwhile."""
    partitions: int = PARTITIONS
    """Of the orders topic."""
    chronicle: Chronicle = field(default_factory=Chronicle)
    apart: dict[str, timedelta] = field(default_factory=dict)
    """How far the clocks of slots are ahead of everybody's."""
    _awaited: dict[str, asyncio.Future[int]] = field(default_factory=dict)
    _points: dict[str, str] = field(default_factory=dict)
    _producer: AIOKafkaProducer | None = None
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    _now: datetime = field(init=False)
    setback: Setback | None = None
    forgotten: Forgotten = field(default_factory=Forgotten)
    cut: int = 0
    """Orders that a log lost at its end."""
    replication: int = 1
    pooled: Counter[str] = field(default_factory=Counter)
    """How processes behind a pooler ended."""

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

    async def run_slot(
        self, name: str, point: str | None = None, others: Mapping[str, str] = _NOTHING
    ) -> None:
        """Start the process of a slot; `others` are settings of its own."""
        if name in self.away:
            return
        slot = self.slots[name]
        environment = {**self.environment, "SIGILL_INSTANCE": f"{name}-{uuid4().hex[:6]}", **others}
        if name in self.apart:
            environment["SIGILL_CLOCK_FILE"] = str(self._clock_of(name))
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
        if (waiting := self._awaited.pop(slot.name, None)) is not None and not waiting.done():
            waiting.set_result(status)
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

    async def send_away(self, names: Sequence[str]) -> None:
        """SIGKILL slots' processes, and let nobody start them before `let_back`; their database sessions end, too."""
        self.away.update(names)
        quiet = 0
        while quiet < 4:
            quiet += 1
            for name in names:
                slot = self.slots[name]
                slot.expected = True
                self._points.pop(name, None)
                if slot.pid is not None:
                    self.signal(slot, signal.SIGKILL)
                    quiet = 0
            await asyncio.sleep(0.05)
        for name in names:
            self._count(self.slots[name].worker)
        theirs = [f"sigill {name}-%" for name in names]
        conn = await self.connect()
        try:
            while await conn.fetchval(_END_SESSIONS, theirs):
                await asyncio.sleep(0.05)
        finally:
            await conn.close()

    async def let_back(self, names: Sequence[str]) -> None:
        """Start slots again."""
        self.away.difference_update(names)
        for name in names:
            if self.slots[name].pid is None and name not in self.held:
                await self.run_slot(name)

    async def set_apart(self, name: str, ahead: timedelta, seconds: float) -> None:
        """A slot's process has a clock of its own for a while."""
        self.apart[name] = ahead
        write_clock(self._clock_of(name), self._now + ahead)
        await self.kill_worker(name)
        await asyncio.sleep(seconds)
        self.apart.pop(name, None)
        await self.kill_worker(name)

    async def behind_pooler(self, name: str, mode: str, seconds: float) -> None:
        """
        Start a slot's process behind a PgBouncer: it must say so in one line and end with status 2.

        The database may be away just then, so a process that says nothing for a while is let go.
        """
        port, file = free_port(), self.folder / f"pooler-{uuid4().hex[:6]}.ini"
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={_port_of(self.dsn)} user=postgres\n[pgbouncer]\n"
            f"listen_addr=127.0.0.1\nlisten_port={port}\nauth_type=any\npool_mode={mode}\nunix_socket_dir=\n"
            "ignore_startup_parameters=search_path,jit,statement_timeout,lock_timeout,role,plan_cache_mode,timezone,"
            "idle_in_transaction_session_timeout\n"
        )
        file.chmod(0o644)
        self.folder.chmod(0o755)
        user = ("-u", "nobody") if os.geteuid() == 0 else ()
        pooler = await asyncio.create_subprocess_exec("pgbouncer", "-q", *user, str(file))
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.sleep(0.5)
            await self.send_away([name])
            before = self.log_of(name).stat().st_size
            self.away.discard(name)
            self.held.add(name)
            self._awaited[name] = ended
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            await self.run_slot(name, others={"SIGILL_DATABASE_URL": url})
            self.slots[name].expected = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(ended), seconds)
            self._judge_pooled(name, ended, before)
        finally:
            self._awaited.pop(name, None)
            self.held.discard(name)
            pooler.terminate()
            await pooler.wait()
        await self.send_away([name])
        await self.let_back([name])

    def _judge_pooled(self, name: str, ended: asyncio.Future[int], before: int) -> None:
        if not ended.done():
            self.pooled["undecided"] += 1
            return
        said = self.log_of(name).read_bytes()[before:].decode("utf-8", "replace")
        if ended.result() == 2 and "pooler (PgBouncer)" in said and "Traceback" not in said:
            self.pooled["refused in one line"] += 1
        elif ended.result() == -signal.SIGKILL:
            self.pooled["undecided"] += 1
        else:
            self.unexpected.append(f"{name} behind a pooler ended with {ended.result()}:\n{said[-600:]}")

    # --- the orders topic

    @property
    def orders(self) -> str:
        """The orders topic's name here."""
        return self.prefix + ORDERS.name

    async def make_topic_anew(self, known: Mapping[str, Message]) -> list[Message]:
        """
        The orders topic is deleted with all that is on it, and made again, while no intake looks.

        Returns what its senders send once more: all of it when it was little, so that the new log grows past the offset
        that was stored; else what was not taken, and what came shortly before.
        """
        async with self._lock("broker"), self._sending:
            records = (await self.insist(self._read_orders))[ORDERS.name]
            taken = await self._taken()
            lost = self.chronicle.close(records, taken)
            await self._drop_producer()
            await self.insist(self._delete_and_make)
        ends = {r.partition: r.offset for r in records}
        again = [
            r
            for r in lost
            if len(lost) <= ALL_AGAIN or r.offset >= min(ends[r.partition], taken.get(r.partition, 0)) - 20
        ]
        return [known[r.digest] for r in again]

    async def elect_uncleanly(
        self,
        known: Mapping[str, Message],
        messages: Callable[[], list[Message]],
        at: datetime,
        intakes: Sequence[str],
    ) -> list[Message]:
        """
        The orders topic goes on without what one broker alone had; no intake looks while that happens.

        Returns what its senders send again: what was lost and what came shortly before, then what was lost once more.
        """
        cluster = self.kafka
        assert isinstance(cluster, Cluster)
        records: list[Found] = []
        taken: dict[int, int] = {}

        async def traffic() -> None:
            await self._drop_producer()
            await self._publish(messages(), at)
            await asyncio.sleep(2)

        async def died() -> None:
            await self.send_away(intakes)
            records.extend((await self.insist(self._read_orders))[ORDERS.name])
            taken.update(await self._taken())
            await self._drop_producer()

        async with self._lock("broker"), self._sending:
            self._count("broker")
            await cluster.elect_uncleanly(self.orders, traffic, died)
            ends = await self.insist(self._ends_of_orders)
            lost = self.chronicle.cut(records, ends, taken)
        self.cut += len(lost)
        # what was lost is among the late ones, too: its senders, in doubt, send it twice
        late = [r for r in records if r.offset >= ends[r.partition] - 20]
        return [known[r.digest] for r in [*late, *lost]]

    async def wipe_disk(self, seconds: float) -> None:
        """A broker dies, and its disk is empty when it comes back."""
        cluster = self.kafka
        assert isinstance(cluster, Cluster)
        async with self._lock("broker"):
            self._count("broker")
            await cluster.in_step()
            await asyncio.to_thread(cluster.wipe)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(cluster.start)
            await cluster.in_step()

    async def set_back(self, how: str, traffic: Traffic, seconds: float) -> None:
        """The database goes back, by a restore or by a late replica."""
        assert self.setback is not None
        async with self._lock("database"):
            self._count("database")
            act = self.setback.restored if how == "restore" else self.setback.promoted_late
            await act(traffic, self._witness, seconds)

    async def _witness(self, alive: bool) -> None:
        if alive:
            conn = await self.connect()
            try:
                rows = await conn.fetch("SELECT aggregatetype, event_id FROM outbox")
            finally:
                await conn.close()
            self.forgotten.events |= {(r["aggregatetype"], str(r["event_id"])) for r in rows}
            return
        await asyncio.sleep(1)
        self.forgotten.ends |= await self.insist(self._ends_of_published)

    async def _ends_of_published(self) -> dict[tuple[str, int], int]:
        parts = [TopicPartition(self.prefix + name, n) for name in PUBLISHED for n in range(PARTITIONS)]
        ends = await ends_of(self.kafka.bootstrap, parts)
        return {(p.topic.removeprefix(self.prefix), p.partition): end for p, end in ends.items()}

    async def _read_orders(self) -> dict[str, list[Found]]:
        return await read_all(self.kafka.bootstrap, self.prefix, [ORDERS.name])

    async def _taken(self) -> dict[int, int]:
        """Up to where each partition of the topic that is there was taken; offsets of one before say nothing of it."""
        present = await self.insist(self.topic_id)
        conn = await self.connect()
        try:
            rows = await conn.fetch(
                "SELECT partition, next_offset FROM consumer_offset "
                "WHERE topic = $1 AND ($2::uuid IS NULL OR topic_id IS NULL OR topic_id = $2)",
                self.orders,
                present,
            )
        finally:
            await conn.close()
        return {r["partition"]: r["next_offset"] or 0 for r in rows}

    async def _delete_and_make(self) -> None:
        connection = Connection(self.kafka.bootstrap, client_id="faults")
        spec = next(s for s in _specs() if s.name == ORDERS.name)
        await delete_topics(connection, [self.orders])
        for _ in range(40):
            await asyncio.sleep(0.2)
            made = replace(spec, partitions=self.partitions)
            (report,) = await apply_topics(
                connection, [made], prefix=self.prefix, replication=self.replication
            )
            if report.outcome == "created":
                return
        raise TimeoutError("the topic is not made again")

    async def add_partitions(self) -> None:
        """The orders topic gets twice as many partitions."""
        async with self._lock("broker"), self._sending:
            ends = await self.insist(self._ends_of_orders)
            await self._drop_producer()
            self.partitions *= 2
            await self.insist(self._grow)
            self.chronicle.grown(ends)

    async def _ends_of_orders(self) -> dict[int, int]:
        parts = [TopicPartition(self.orders, n) for n in range(self.partitions)]
        return {p.partition: end for p, end in (await ends_of(self.kafka.bootstrap, parts)).items()}

    async def _grow(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        await admin.start()
        try:
            with contextlib.suppress(errors.InvalidPartitionsError):  # an attempt before may have done it
                await admin.create_partitions({self.orders: NewPartitions(self.partitions)})
            for _ in range(100):
                (found,) = await admin.describe_topics([self.orders])
                if sum(part["leader"] >= 0 for part in found["partitions"]) == self.partitions:
                    return
                await asyncio.sleep(0.1)
        finally:
            await admin.close()
        raise TimeoutError("the partitions are not there")

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something at the broker, however its connections are spoilt meanwhile."""
        for _ in range(60):
            try:
                async with asyncio.timeout(20):
                    return await act()
            except (errors.KafkaError, StreamStopped, BrokerDown, OSError, TimeoutError):
                await asyncio.sleep(0.5)
        raise TimeoutError(f"{act.__name__}: the broker does not answer")

    async def topic_id(self) -> UUID | None:
        """What the broker calls the orders topic."""
        probe = LogProbe(Connection(self.kafka.bootstrap, client_id="faults"))
        try:
            found = list((await probe.identities([self.orders])).values())
            if not found:  # not every broker has heard of a topic that was made just now
                raise TimeoutError("the topic is not known")
            return found[0].topic_id
        finally:
            await probe.close()

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

    async def spoil(self, proxy: Proxy | Proxies, toxic: Toxic, seconds: float) -> None:
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
            await self._publish(messages, at)

    async def _publish(self, messages: list[Message], at: datetime) -> None:
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

    async def keep_tables(self, folder: Path) -> None:
        """Copy what tells how a record was taken and answered into a folder, a CSV file for each table."""
        conn = await self.connect()
        try:
            for table in KEPT:
                file = folder / f"{table}.csv"
                await conn.copy_from_query(f"SELECT * FROM {table}", output=file, format="csv", header=True)
        finally:
            await conn.close()

    def set_clock(self, now: datetime) -> None:
        """Move the workers' clock."""
        write_clock(self.folder / "clock", now)
        self._now = now
        for name, ahead in self.apart.items():
            write_clock(self._clock_of(name), now + ahead)

    def _clock_of(self, name: str) -> Path:
        return self.folder / f"clock-{name}"


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(1 << 20))
    with file.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))


@asynccontextmanager
async def ground(
    authority: DevAuthority,
    first: datetime,
    now: datetime,
    *,
    disk: bool = True,
    choice: random.Random,
    night: bool = False,
) -> AsyncIterator[Ground]:
    """
    Servers and topics of one run, and nothing running on them yet; all gone afterwards.

    `night`: three brokers instead of one, and a database whose log can be archived.
    """
    processes._stderr.quiet = True
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sigill-faults-"))
        stack.callback(shutil.rmtree, folder, True)
        small = _small_disk(stack, folder) if disk else None
        beside = folder / "database"
        postgres = stack.enter_context(_postgres(small, archiving(beside) if night else {}))
        database_proxy = Proxy(_port_of(postgres.dsn), choice)
        await database_proxy.open()
        kafka, broker_proxy = await (_cluster(stack, choice) if night else _kafka(stack, choice))
        replication = 3 if night else 1
        environment, schema, prefix = _environment(folder, database_proxy, kafka, broker_proxy)
        write_clock(folder / "clock", now)
        files = authority.publish(folder / "ca", first, next_update=authority.not_after)
        environment |= {
            "SIGILL_TRUST_ANCHORS": str(files.anchors),
            "SIGILL_TRUST_INTERMEDIATES": str(files.intermediates),
            "SIGILL_CRL_FOLDERS": str(files.crls),
        }
        await migrate(postgres.dsn, schema)
        await apply_topics(
            Connection(kafka.bootstrap, client_id="faults"), _specs(), prefix=prefix, replication=replication
        )
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
            replication=replication,
            setback=Setback(postgres, postgres.dsn, beside) if night else None,
        )
        made.set_clock(now)
        try:
            yield made
        finally:
            await database_proxy.close()
            if broker_proxy is not None:
                await broker_proxy.close()


def _specs() -> list[TopicSpec]:
    """The topics as a run has them: nothing may be compacted away before the checker has read it."""
    return [
        replace(
            s,
            stamped_by_broker=False,
            partitions=PARTITIONS,
            retention_ms=-1,
            extra=_ANY_TIME,
            compacted=False,
        )
        for s in TOPICS
    ]


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


def _postgres(disk: Path | None, more: Mapping[str, str]) -> EmbeddedPostgres:
    before = tempfile.tempdir
    tempfile.tempdir = str(disk) if disk is not None else before
    try:
        server = EmbeddedPostgres(
            own=True,
            settings={"max_wal_size": "128MB", "min_wal_size": "32MB", "checkpoint_timeout": "60s", **more},
        )
        server.start()
    finally:
        tempfile.tempdir = before
    return server


def _port_of(dsn: str) -> int:
    return int(dsn.rsplit(":", 1)[1].split("/", maxsplit=1)[0])


async def _kafka(stack: ExitStack, choice: random.Random) -> tuple[EmbeddedKafka, Proxies | None]:
    if not jars.available():
        print("NOT DONE: spoiling the broker's connections needs Kafka from its jars (Java 17)", flush=True)
        return stack.enter_context(EmbeddedKafka(own=True, require_real=True)), None
    proxy, listeners = await _spoilable(choice)
    broker = EmbeddedKafka(own=True, kind="jars", settings={**listeners, "offsets.topic.num.partitions": "4"})
    stack.enter_context(broker)
    return broker, Proxies([proxy])


async def _cluster(stack: ExitStack, choice: random.Random) -> tuple[Cluster, Proxies]:
    """Three brokers, each with a proxy before it."""
    proxies, listeners = [], {}
    for number in BROKERS:
        proxy, listeners[number] = await _spoilable(choice)
        proxies.append(proxy)
    cluster = Cluster(choice, listeners)
    stack.callback(cluster.stop)
    return cluster.start(), Proxies(proxies)


async def _spoilable(choice: random.Random) -> tuple[Proxy, dict[str, str]]:
    """A proxy, and the settings of the broker behind it."""
    port = free_port()
    proxy = Proxy(port, choice)
    await proxy.open()
    return proxy, {
        "listeners": f"SPOILED://127.0.0.1:{port}",
        "advertised.listeners": f"SPOILED://127.0.0.1:{proxy.listening}",
        "listener.security.protocol.map": "SPOILED:PLAINTEXT",
    }


def _environment(
    folder: Path, database: Proxy, kafka: EmbeddedKafka | Cluster, broker: Proxies | None
) -> tuple[dict[str, str], str, str]:
    run = uuid4().hex[:8]
    bootstrap = broker.addresses if broker is not None else kafka.bootstrap
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
