"""Three brokers from Kafka's jars with a controller beside them, each of which may be killed, wiped, or be behind."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from sigill.embedded import jars
from sigill.embedded.broker import BROKER_SETTINGS, KILLED_BROKER_SETTINGS, wait_until_answering
from sigill.embedded.processes import Leash, end, free_port

CONTROLLER = 100
BROKERS = (1, 2, 3)
_THREE = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "share.coordinator.state.topic.replication.factor": "3",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "replica.lag.time.max.ms": "4000",
}


@dataclass
class _Node:
    number: int
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    leash: Leash | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Cluster:
    """
    `bootstrap` names all three. `kill` and `start` are those of an embedded broker: one of three is killed, all are started.
    """

    choice: random.Random
    extra: dict[int, dict[str, str]] = field(default_factory=dict)
    """Further settings of brokers; those about listeners are added to ours."""
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="sigill-cluster-")))
    _nodes: dict[int, _Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in (CONTROLLER, *BROKERS):
            self._nodes[number] = _Node(number, self.folder / str(number), free_port())
        self._id = urlsafe_b64encode(b"s" + os.urandom(15)).decode()[:22]
        self._classpath = f"{jars.fetch()}/*"

    @property
    def bootstrap(self) -> str:
        """The addresses of all three."""
        return ",".join(f"127.0.0.1:{self._nodes[n].port}" for n in BROKERS)

    def start(self) -> Cluster:
        """Start whoever is down; returns when all answer."""
        down = [node for node in self._nodes.values() if not node.running]
        for node in down:
            self._start(node)
        for node in down:
            if node.number != CONTROLLER:
                process = node.process
                assert process is not None
                wait_until_answering(f"127.0.0.1:{node.port}", 90, lambda p=process: p.poll() is None)  # type: ignore[misc]
        return self

    def stop(self) -> None:
        """End all, and remove their data."""
        for node in self._nodes.values():
            self._end(node)
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, number: int | None = None) -> int:
        """SIGKILL one broker, drawn if none is named."""
        chosen = number or self.choice.choice(BROKERS)
        self._end(self._nodes[chosen])
        return chosen

    def wipe(self) -> int:
        """A broker is killed and its disk is empty; it is started by `start`, and must fetch all from the others."""
        number = self.kill()
        shutil.rmtree(self._nodes[number].folder / "data")
        return number

    async def elect_uncleanly(
        self, topic: str, traffic: Callable[[], Awaitable[None]], died: Callable[[], Awaitable[None]]
    ) -> None:
        """
        Two brokers die, a third alone takes what `traffic` sends, and dies too; the two come back and go on without that.

        The topic's settings allow it just then, against what they promise. `died` is called while the third alone has all.
        """
        alone, *others = self.choice.sample(BROKERS, 3)
        await self.in_step()
        await self._configure(topic, {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"})
        for number in others:
            await asyncio.to_thread(self.kill, number)
        await self._until(topic, lambda part: part["leader"] == alone and part["isr"] == [alone])
        await traffic()
        await died()
        await asyncio.to_thread(self.kill, alone)
        for number in others:
            await asyncio.to_thread(self._start, self._nodes[number])
        await self._until(topic, lambda part: part["leader"] in others)
        await asyncio.to_thread(self.start)
        await self._configure(topic, {"unclean.leader.election.enable": "false", "min.insync.replicas": "2"})
        await self.in_step()

    async def in_step(self) -> None:
        """Wait until every replica of every topic has all."""
        await self._until(None, lambda part: len(part["isr"]) == len(part["replicas"]))

    async def _configure(self, topic: str, settings: dict[str, str]) -> None:
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in settings.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        (done,) = admin.incremental_alter_configs([resource]).values()
        await asyncio.to_thread(done.result, 30)

    async def _until(self, topic: str | None, holds: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until something holds of each partition of a topic, or of all topics."""
        for _ in range(240):
            try:
                async with asyncio.timeout(10):
                    admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
                    try:
                        await admin.start()
                        found = await admin.describe_topics([topic] if topic else None)
                    finally:
                        await admin.close()
                parts = [part for one in found for part in one["partitions"]]
                if parts and all(holds(part) for part in parts):
                    return
            except Exception:
                pass
            await asyncio.sleep(0.5)
        raise TimeoutError(f"the brokers do not come to it: {topic or 'all topics'}")

    def _start(self, node: _Node) -> None:
        self._format(node)
        with (node.folder / "broker.log").open("ab") as out:
            node.process = subprocess.Popen(
                self._java("-Xmx384m", "kafka.Kafka", str(node.folder / "server.properties")),
                cwd=node.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        node.leash = Leash(node.process.pid, None)

    def _end(self, node: _Node) -> None:
        if node.process is not None:
            end(node.process, signal.SIGKILL, 15)
            node.process = None
        if node.leash is not None:
            node.leash.drop()
            node.leash = None

    def _format(self, node: _Node) -> None:
        """Format what is not; a disk that was wiped is."""
        if (node.folder / "data" / "meta.properties").exists():
            return
        node.folder.mkdir(exist_ok=True)
        controller = f"127.0.0.1:{self._nodes[CONTROLLER].port}"
        settings = {
            "node.id": str(node.number),
            "controller.quorum.voters": f"{CONTROLLER}@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(node.folder / "data"),
            "metadata.log.dir": str(node.folder / "metadata"),
            **BROKER_SETTINGS,
            **KILLED_BROKER_SETTINGS,
            **_THREE,
        }
        if node.number == CONTROLLER:
            settings |= {"process.roles": "controller", "listeners": f"CONTROLLER://{controller}"}
        else:
            own = f"PLAINTEXT://127.0.0.1:{node.port}"
            settings |= {"process.roles": "broker", "listeners": own, "advertised.listeners": own}
        for name, value in self.extra.get(node.number, {}).items():
            settings[name] = f"{settings[name]},{value}" if name in settings else value
        file = node.folder / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "--cluster-id", self._id]
        done = subprocess.run(
            self._java("-Xmx128m", "-XX:TieredStopAtLevel=1", *tool, "--config", str(file)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]

    def _java(self, *arguments: str) -> list[str]:
        launcher = jars.java()
        assert launcher is not None
        config = Path(jars.__file__).with_name("log4j2.xml")
        quiet = f"-Dlog4j2.configurationFile={config.as_uri()}"
        return [launcher, "-XX:+UseSerialGC", "-Xshare:auto", quiet, "-cp", self._classpath, *arguments]
