"""
A Kafka broker of one node for the demo, the scenarios and the tests.

Chosen in this order: the broker that `KAFKA_BOOTSTRAP_SERVERS` names; Apache Kafka in Docker, when an engine
answers that has its image or can fetch it; Apache Kafka from its own jars, with Java; librdkafka's mock cluster, with
a loud note. The mock keeps the last 5 MB of a partition in memory, makes topics by itself and knows no settings of
theirs: it is for a first look only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from sigill.embedded import engine, jars
from sigill.embedded.processes import Leash, end, free_port, private_folder, progress, remove, say, tail

IMAGE = "apache/kafka:4.2.0"
MESSAGE_MAX_BYTES = 1_048_576
START_TIMEOUT = 60.0

Kind = Literal["given", "docker", "jars", "mock"]

BROKER_SETTINGS = {
    "auto.create.topics.enable": "false",
    "num.partitions": "6",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "message.max.bytes": str(MESSAGE_MAX_BYTES),
    # the deletion of a borrowed topic, and a shutdown, should not make a test wait
    "log.segment.delete.delay.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.index.size.max.bytes": "1048576",
    # no broker of one machine is gone because that machine is busy: a fenced one makes no topic
    "broker.session.timeout.ms": "60000",
    "controller.quorum.election.timeout.ms": "500",
}
# a killed broker's registration must lapse before it is let in again
KILLED_BROKER_SETTINGS = {"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "400"}


class BrokerUnavailable(RuntimeError):
    """No Kafka broker of the kind asked for can be had on this machine."""


class _Runner(Protocol):
    """One way to run a broker. `start` again after `kill` must bring it back on the same port and data."""

    bootstrap: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def remove(self) -> None: ...


class EmbeddedKafka:
    """A broker, started and stopped. `bootstrap` is its address; `real` is False only for the mock."""

    def __init__(
        self,
        *,
        require_real: bool | None = None,
        kind: Kind | None = None,
        own: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """
        `require_real` refuses the mock (default: `SIGILL_REQUIRE_REAL_KAFKA`); `kind` skips the choice;
        `own` passes over the broker that `KAFKA_BOOTSTRAP_SERVERS` names, for tests that kill theirs: it is
        let in again two seconds after a kill.
        `settings` are further lines of server.properties, for a broker from jars; those about listeners are
        added to ours.
        """
        if find_spec("confluent_kafka") is None:
            raise BrokerUnavailable("the embedded servers are not installed: pip install 'sigill[embedded]'")
        required = os.environ.get("SIGILL_REQUIRE_REAL_KAFKA", "") not in ("", "0", "false")
        self._require_real = required if require_real is None else require_real
        self.kind: Kind = kind or _choose(own)
        self._chosen = kind is not None
        if self._require_real and self.kind == "mock":
            raise BrokerUnavailable(
                "a real Apache Kafka is demanded, and there is none: set KAFKA_BOOTSTRAP_SERVERS, or start "
                "Docker, or install Java 17 and Maven"
            )
        self._runner = _runner(self.kind, KILLED_BROKER_SETTINGS if own else {}, settings or {})

    @property
    def bootstrap(self) -> str:
        """The broker's address, `host:port`."""
        return self._runner.bootstrap

    @property
    def real(self) -> bool:
        """Whether this is Apache Kafka, and not the mock."""
        return self.kind != "mock"

    def start(self) -> EmbeddedKafka:
        """Start the broker, or start it again on the same port and data; returns when it answers."""
        if self.kind == "mock":
            # nothing was looked for where the mock was asked for, so nothing is said of what is here
            why = "" if self._chosen else "No Docker and no Java 17 with Maven here. "
            say(
                f"[bold yellow]{why}The broker is librdkafka's mock "
                "cluster, which keeps the last 5 MB of a partition in memory. Nothing measured on it speaks for Kafka.[/bold yellow]"
            )
        if self.kind == "given":
            self._runner.start()
        else:
            with progress(f"starting the broker ({_DESCRIPTION[self.kind]})"):
                self._runner.start()
        return self

    def stop(self) -> None:
        """Stop the broker in an orderly way and remove its data. A given broker is left alone."""
        self._runner.stop()
        self._runner.remove()

    def pause_broker(self) -> None:
        """Stop the broker in an orderly way and keep its data, so that `start` brings it back."""
        self._runner.stop()

    def kill(self) -> None:
        """SIGKILL the broker, as a crash would; `start` brings it back on the same port and data."""
        self._runner.kill()

    def __enter__(self) -> EmbeddedKafka:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


_DESCRIPTION: dict[Kind, str] = {
    "given": "given",
    "docker": f"Docker, {IMAGE}",
    "jars": "Apache Kafka from its jars",
    "mock": "librdkafka's mock",
}


def _choose(own: bool) -> Kind:
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") and not own:
        return "given"
    if engine.runs(IMAGE):
        return "docker"
    return "jars" if jars.available() else "mock"


def _runner(kind: Kind, lapse: Mapping[str, str], settings: Mapping[str, str]) -> _Runner:
    match kind:
        case "given":
            return _Given(os.environ["KAFKA_BOOTSTRAP_SERVERS"])
        case "docker":
            return _Docker(lapse)
        case "jars":
            return _Jars({**lapse, **settings})
        case "mock":
            return _Mock()


def wait_until_answering(
    bootstrap: str, timeout: float = START_TIMEOUT, still_running: Callable[[], bool] = lambda: True
) -> None:
    """
    Return when the broker answers a metadata request.

    Raises `BrokerUnavailable` after `timeout` seconds, or as soon as its process is no longer there.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and still_running():
        # librdkafka backs off for long after a refused connection, so knock first
        with contextlib.suppress(OSError):
            socket.create_connection((host, int(port)), timeout=1).close()
            client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
            with contextlib.suppress(KafkaException):
                if client.list_topics(timeout=2).brokers:
                    return
        time.sleep(0.05)
    raise BrokerUnavailable(f"no Kafka broker answered at {bootstrap}")


class _Given:
    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def start(self) -> None:
        # tests against TLS listeners prove the address themselves
        if not os.environ.get("SIGILL_KAFKA_SECURITY_PROTOCOL"):
            wait_until_answering(self.bootstrap)

    def stop(self) -> None: ...

    def remove(self) -> None: ...

    def kill(self) -> None:
        raise BrokerUnavailable("a broker given by KAFKA_BOOTSTRAP_SERVERS is not ours to kill")


class _Jars:
    """Apache Kafka as one Java process, broker and controller in one."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._port, self._controller = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        classpath = f"{jars.fetch()}/*"
        fresh = self._folder is None
        folder = self._folder or self._format(classpath)
        log = folder / "broker.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                self._java(
                    classpath, "-Xms512m", "-Xmx512m", "kafka.Kafka", str(folder / "server.properties")
                ),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = self._process
        self._leash = Leash(process.pid, folder)
        try:
            wait_until_answering(self.bootstrap, still_running=lambda: process.poll() is None)
        except BrokerUnavailable as error:
            self.kill()
            said = tail(log)
            if fresh:
                self.remove()
            raise BrokerUnavailable(f"{error}\n{said}") from None

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        if self._folder is not None:
            remove(self._folder)
            self._folder = None

    def _end(self, signal_number: int) -> None:
        if self._process is not None:
            end(self._process, signal_number, timeout=15)
            self._process = None
        if self._leash is not None:
            self._leash.drop()
            self._leash = None

    def _java(self, classpath: str, *arguments: str) -> list[str]:
        launcher = jars.java()
        if launcher is None:
            raise BrokerUnavailable("Java 17 or later is needed to start Apache Kafka from its jars")
        config = Path(__file__).with_name("log4j2.xml")
        quiet = f"-Dlog4j2.configurationFile={config.as_uri()}"
        return [launcher, "-XX:+UseSerialGC", "-Xshare:auto", quiet, "-cp", classpath, *arguments]

    def _format(self, classpath: str) -> Path:
        folder = private_folder("sigill-kafka-")
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(folder / "data"),
            **BROKER_SETTINGS,
        }
        for name, value in self._settings.items():
            settings[name] = f"{settings[name]},{value}" if "listener" in name and name in settings else value
        file = folder / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", _cluster_id(), "--config", str(file)]
        done = subprocess.run(
            self._java(classpath, "-Xmx128m", "-XX:TieredStopAtLevel=1", *tool),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            remove(folder)
            raise BrokerUnavailable(f"Apache Kafka's storage could not be formatted:\n{done.stderr[-2000:]}")
        self._folder = folder
        return folder


class _Docker:
    """Apache Kafka's official image on a fixed port, so that a killed broker comes back at its address."""

    def __init__(self, lapse: Mapping[str, str]) -> None:
        self._lapse = lapse
        self._port = free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._container: Any = None

    def start(self) -> None:
        if self._container is not None:
            self._container.get_wrapped_container().start()
        else:
            self._container = self._make().start()
        wait_until_answering(self.bootstrap, timeout=120)

    def _make(self) -> Any:
        from testcontainers.core.container import DockerContainer

        container = DockerContainer(IMAGE).with_bind_ports(self._port, self._port)
        settings = {
            "node.id": "1",
            "process.roles": "broker,controller",
            "listeners": f"PLAINTEXT://:{self._port},CONTROLLER://:9093",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.quorum.voters": "1@localhost:9093",
            **BROKER_SETTINGS,
            **self._lapse,
        }
        for name, value in settings.items():
            container = container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
        return container.with_env("KAFKA_HEAP_OPTS", "-Xmx512m")

    def stop(self) -> None:
        if self._container is not None:
            self._container.get_wrapped_container().stop(timeout=15)

    def kill(self) -> None:
        if self._container is not None:
            self._container.get_wrapped_container().kill()

    def remove(self) -> None:
        if self._container is not None:
            self._container.stop()
            self._container = None


class _Mock:
    """librdkafka's mock cluster: it lives inside a producer of this process."""

    def __init__(self) -> None:
        self.bootstrap = ""
        self._producer: Any = None

    def start(self) -> None:
        if self._producer is not None:
            return
        from confluent_kafka import Producer

        self._producer = Producer(
            {"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0}, logger=None
        )
        broker = next(iter(self._producer.list_topics(timeout=10).brokers.values()))
        self.bootstrap = f"{broker.host}:{broker.port}"

    def stop(self) -> None:
        self._producer = None

    def kill(self) -> None:
        raise BrokerUnavailable(
            "the mock cluster keeps everything in memory and cannot be killed and restarted"
        )

    def remove(self) -> None: ...


def _cluster_id() -> str:
    """A cluster's id as Kafka draws it: one that begins with a dash is taken for an option by its tools."""
    while (drawn := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return drawn
