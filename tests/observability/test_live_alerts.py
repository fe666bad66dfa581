"""The shipped alerts in a real Prometheus that scrapes the six programs: silent while all is well, and true when not."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from sigill.embedded import EmbeddedKafka
from sigill.runtime.clock import SystemClock
from sigill.runtime.worker_specs import EVERY_WORKER
from sigill.stream.connection import Connection
from tests.kit.live_topics import Live, live, orders_of
from tests.kit.senders import Senders

pytestmark = pytest.mark.alerts

FOLDER = Path(__file__).parents[2] / "infra" / "observability"
FACTOR = 12
"""What the rules' `for` and windows are divided by."""
MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000}
NOW = SystemClock().now() - timedelta(minutes=1)
Firing = set[tuple[str, str]]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def sooner(duration: str) -> str:
    return f"{int(duration[:-1]) * MILLISECONDS[duration[-1]] // FACTOR}ms"


def quick_rules() -> dict[str, Any]:
    """The shipped rules, in `FACTOR` times shorter time; thresholds stay."""
    rules: dict[str, Any] = yaml.safe_load((FOLDER / "rules" / "sigill.yml").read_text("utf-8"))
    for rule in rules["groups"][0]["rules"]:
        rule["expr"] = re.sub(r"\[(\w+)\]", lambda found: f"[{sooner(found[1])}]", rule["expr"])
        if "for" in rule:
            rule["for"] = sooner(rule["for"])
    return rules


@dataclass
class Watched:
    """The six processes, each with its port of figures, and the Prometheus that asks them."""

    run: Live
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in EVERY_WORKER})
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    closing: ExitStack = field(default_factory=ExitStack)

    def start(self, *names: str) -> None:
        for name in names:
            log = self.closing.enter_context((self.run.folder / f"{name}.log").open("ab"))
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.workers.program", name],
                env={
                    **os.environ,
                    **self.run.environment,
                    "SIGILL_HEALTH_PORT": str(self.ports[name]),
                    "SIGILL_CONSOLE_PORT": str(free_port()),
                },
                stdout=log,
                stderr=log,
            )

    def stop(self, *names: str, how: signal.Signals = signal.SIGTERM) -> None:
        for name in names:
            self.processes[name].send_signal(how)
        for name in names:
            self.processes[name].wait(60)

    async def ready(self) -> None:
        """Wait until every process says that it is ready."""
        said = "nothing yet"
        try:
            async with httpx.AsyncClient(timeout=5) as client, asyncio.timeout(60):
                for name, port in self.ports.items():
                    while said:
                        assert self.processes[name].poll() is None, (
                            self.run.folder / f"{name}.log"
                        ).read_text()
                        with suppress(httpx.TransportError):
                            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
                            said = "" if answer.is_success else f"{name}: {answer.text}"
                        await asyncio.sleep(0.2)
                    said = "nothing yet"
        except TimeoutError:
            pytest.fail(f"not ready: {said}")

    def watch(self, prometheus: str) -> None:
        """Start Prometheus with the shipped configuration, at these addresses and in shorter time."""
        folder = self.run.folder / "prometheus"
        folder.mkdir()
        config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
        config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(folder / "rules.yml")]
        for one in config["scrape_configs"][0]["static_configs"]:
            one["targets"] = [f"127.0.0.1:{self.ports[one['labels']['component']]}"]
        (folder / "rules.yml").write_text(yaml.safe_dump(quick_rules()))
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        log = self.closing.enter_context((folder / "log").open("wb"))
        self.processes["prometheus"] = subprocess.Popen(
            [
                prometheus,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=log,
            stderr=log,
        )

    async def alerts(self) -> list[dict[str, Any]]:
        """What fires, as Prometheus itself lists it."""
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"http://127.0.0.1:{self.port}/api/v1/alerts")
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["alerts"]
        return [alert for alert in found if alert["state"] == "firing"]

    async def fired(self) -> Firing:
        """Whatever has fired since the start."""
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(
                f"http://127.0.0.1:{self.port}/api/v1/query",
                params={"query": 'count_over_time(ALERTS{alertstate="firing"}[1h])'},
            )
        return {names(one["metric"]) for one in answer.raise_for_status().json()["data"]["result"]}

    async def until(self, wanted: Callable[[Firing], bool]) -> list[dict[str, Any]]:
        """Wait until what fires is as wanted, and return it."""
        found: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(90):
                while True:
                    found = await self.alerts()
                    if wanted({names(alert["labels"]) for alert in found}):
                        return found
                    await asyncio.sleep(0.5)
        except TimeoutError:
            pytest.fail(f"fires: {[(a['labels'], a['annotations']['summary']) for a in found]}")

    async def scraped(self) -> None:
        """Wait until Prometheus has asked every process, and had an answer."""
        async with httpx.AsyncClient(timeout=10) as client, asyncio.timeout(60):
            while True:
                try:
                    answer = await client.get(
                        f"http://127.0.0.1:{self.port}/api/v1/query", params={"query": "sum(up)"}
                    )
                    result = answer.json()["data"]["result"] if answer.is_success else []
                except httpx.TransportError:
                    result = []
                if result and result[0]["value"][1] == str(len(EVERY_WORKER)):
                    return
                await asyncio.sleep(0.3)

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait(20)
        self.closing.close()


def names(labels: dict[str, str]) -> tuple[str, str]:
    """An alert's name, and the worker that it is about."""
    return labels["alertname"], labels.get("component") or labels.get("worker", "")


@pytest.fixture
async def watched(
    kafka: EmbeddedKafka, connection: Connection, database: str, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[Watched]:
    assert kafka.real, "the mock cluster takes no topics"
    senders = Senders(NOW)
    made = Watched(await live(connection, database, topic_prefix, tmp_path, senders, NOW))
    try:
        made.start(*EVERY_WORKER)
        await made.run.send(orders_of(senders, NOW, 3))
        await made.ready()
        yield made
    finally:
        made.close()
        await made.run.close()


async def test_alerts_are_silent_while_all_is_well_name_who_is_gone_or_frozen_and_resolve(
    watched: Watched,
) -> None:
    prometheus = shutil.which("prometheus")
    assert prometheus is not None, "Debian's package prometheus is needed"
    watched.watch(prometheus)
    await watched.scraped()
    await asyncio.sleep(180 / FACTOR)  # longer than any `for` of an alert about processes
    assert await watched.fired() == set()

    gone, frozen = ("intake", "transitions", "relay"), "register"
    watched.stop(*gone)
    watched.processes[frozen].send_signal(signal.SIGSTOP)
    down = {("SigillWorkerGone", name) for name in (*gone, frozen)}
    down |= {("SigillProcessDown", name) for name in (*gone, frozen)}
    found = await watched.until(down.__le__)
    assert {names(alert["labels"]) for alert in found} == down
    for alert in found:
        assert names(alert["labels"])[1] in alert["annotations"]["summary"]
        assert re.fullmatch(
            r"http://localhost:8000/runbook/[a-z-]+\.html", alert["annotations"]["runbook_url"]
        )

    watched.processes[frozen].send_signal(signal.SIGCONT)
    watched.start(*gone)
    await watched.ready()
    await watched.until(lambda firing: not firing)
    assert await watched.fired() == down
