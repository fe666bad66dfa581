"""Starts what a trial stands on, in the order in which it is needed, and stops all of it."""

import asyncio
import contextlib
import re
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from sigill.embedded import BrokerUnavailable, EmbeddedKafka, EmbeddedPostgres
from sigill.policy.calendar import swedish_date
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.clock import SystemClock, stopwatch
from sigill.runtime.files import write_private
from sigill.runtime.worker_specs import ORDER_WORKERS
from sigill.scenario.live import LiveDriver, Workers
from sigill.scenario.run import ground
from sigill.trial.families import TrialWorld
from sigill.trial.record_system import RecordSystem, app_of
from sigill.web.http.serving import Listener, serving
from sigill_contracts.topics import RECEIPTS

_HOST = "127.0.0.1"
OTHERS = tuple(name for name in ORDER_WORKERS if name != "intake")
"""All workers but intake, which is a process of its own, to be killed alone."""


class PortTaken(RuntimeError):
    """Another program listens where the trial would."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the record system, the console and the decision API listen, on the loopback interface."""

    record_system: int
    console: int
    api: int

    @classmethod
    def from_(cls, first: int) -> "Ports":
        """Three in a row from `first`; 0: any that are free. Raises PortTaken."""
        with contextlib.ExitStack() as held:
            found = []
            for port in (first + n if first else 0 for n in range(3)):
                probe = held.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((_HOST, port))
                except OSError:
                    raise PortTaken(
                        f"port {port} is in use; `sigill dev up --port {first + 100}` takes others"
                    ) from None
                found.append(int(probe.getsockname()[1]))
        return cls(*found)


def run_trial(books: Rulebooks, first_port: int, mock: bool, say: Callable[[str], None]) -> None:
    """Run until Ctrl-C or a SIGTERM. Raises PortTaken, PostgresUnavailable, BrokerUnavailable, OSError."""
    began = stopwatch()
    ports = Ports.from_(first_port)
    with (
        EmbeddedPostgres(durable=False) as postgres,
        _broker(mock, say) as broker,
        contextlib.suppress(KeyboardInterrupt),
    ):
        asyncio.run(_run(books, ports, postgres, broker, say, began))
    say("Stopped, and nothing is left behind.")


def _broker(mock: bool, say: Callable[[str], None]) -> EmbeddedKafka:
    if mock:
        return EmbeddedKafka(kind="mock")
    broker = EmbeddedKafka()
    try:
        return broker.start()
    except (RuntimeError, BrokerUnavailable) as error:
        broker.stop()
        last = next((line for line in reversed(str(error).splitlines()) if line.strip()), "")
        say(f"Apache Kafka could not be started ({last.strip()[:160]}): going on with the mock broker.")
        return EmbeddedKafka(kind="mock")


async def _run(
    books: Rulebooks,
    ports: Ports,
    postgres: EmbeddedPostgres,
    broker: EmbeddedKafka,
    say: Callable[[str], None],
    began: float,
) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    # a database of its own: the server may be one that somebody else uses too
    dsn = await postgres.create_database(f"sigill_trial_{ports.record_system}")
    try:
        with contextlib.suppress(asyncio.CancelledError):
            async with _started(books, ports, dsn, broker) as system:
                say(f"Record system  http://{_HOST}:{ports.record_system}/")
                for name, address in system.links():
                    say(f"{name:<14} {address}")
                say(f"Settings       {system.commands[0]}")
                say(f"Ready after {stopwatch() - began:.0f} s. Ctrl-C stops everything.")
                await asyncio.Event().wait()
    finally:
        await postgres.drop_database(f"sigill_trial_{ports.record_system}")


@contextlib.asynccontextmanager
async def _started(
    books: Rulebooks, ports: Ports, dsn: str, broker: EmbeddedKafka
) -> AsyncIterator[RecordSystem]:
    async with contextlib.AsyncExitStack() as stack:
        base, workers = await stack.enter_async_context(
            ground(books, database=dsn, kafka=broker.bootstrap, real=broker.real, names=OTHERS)
        )
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sigill-trial-")))
        ops = Workers(
            {
                **base.environment,
                "SIGILL_CONSOLE_PORT": str(ports.console),
                "SIGILL_API_PORT": str(ports.api),
                "SIGILL_API_DEVELOPMENT": "true",
            },
            folder / "ops.log",
            ("ops",),
        )
        stack.callback(ops.stop)
        intake = Workers(base.environment, folder / "intake.log", ("intake",))
        stack.callback(intake.stop)
        intake.start()
        settings = folder / "trial.env"
        lines = (f"{name}={quote(value)}\n" for name, value in base.environment.items())
        write_private(settings, "".join(lines).encode())
        now = SystemClock().now()
        world = TrialWorld.make(books, swedish_date(now))
        driver = LiveDriver(base, workers, patience=120)
        log = folder / "ops.log"

        def again() -> None:
            """Links of a login live an hour by the clock that was moved."""
            ops.stop()
            log.unlink(missing_ok=True)
            ops.start()

        def links() -> list[tuple[str, str]]:
            said = log.read_text("utf-8", "replace") if log.exists() else ""
            logins = re.findall(r"http://\S+/login/once\?link=\S+", said)
            return [
                ("Console", logins[0] if logins else f"http://{_HOST}:{ports.console}/"),
                ("Decision API", f"http://{_HOST}:{ports.api}/v1/openapi.json"),
            ]

        prefix = base.environment["SIGILL_KAFKA_TOPIC_PREFIX"]
        commands = (
            f"set -a; . {quote(str(settings))}; set +a",
            f"{quote(sys.argv[0])} status --once",
            f"{quote(sys.argv[0])} order show ORDER_ID",
            f"{quote(sys.argv[0])} dlq list",
            f"kcat -b {broker.bootstrap} -t {prefix}{RECEIPTS.name} -e",
            f"kafka-console-consumer.sh --bootstrap-server {broker.bootstrap} --topic {prefix}{RECEIPTS.name} --from-beginning",
        )
        system = RecordSystem(
            world, driver, {"intake": intake, "others": workers}, now, links, again, commands
        )
        system.tick()
        await driver.tell_register(world.persons(now))
        await driver.tell_units(world.units(now))
        await driver.tell_directory(world.employees(now))
        ops.start()
        clock = asyncio.create_task(system.run_clock())
        stack.callback(clock.cancel)
        await stack.enter_async_context(
            serving(app_of(system), Listener(_HOST, ports.record_system, stop_timeout=2), "record system")
        )
        for _ in range(300):  # the console says its links a moment after it has begun to listen
            if "link=" in links()[0][1] or not ops.running:
                break
            await asyncio.sleep(0.1)
        yield system
