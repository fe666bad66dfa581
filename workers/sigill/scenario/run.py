"""Set up what a run stands on, play the stories one after the other, and say of each whether it passed."""

import base64
import json
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from uuid import uuid4
from xml.etree import ElementTree

from sigill.devtools.authority import DevAuthority
from sigill.embedded import EmbeddedKafka, EmbeddedPostgres
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.clock import write_clock
from sigill.runtime.settings import Settings
from sigill.scenario.cast import Numbers
from sigill.scenario.format import Scenario
from sigill.scenario.live import LiveDriver, ScenarioEnvironment, Workers
from sigill.scenario.play import Failed, ScenarioRunner
from sigill.scenario.wire import TopicClient
from sigill.store.migrate import migrate
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics, delete_topics
from sigill_contracts.topics import TOPICS

AUDIENCE = "sigill/scenario"
_FIRST = datetime(2010, 1, 1, tzinfo=UTC)
_LAST = datetime(2060, 1, 1, tzinfo=UTC)


_ANY_TIME = {
    "message.timestamp.after.max.ms": str(2**63 - 1),
    "message.timestamp.before.max.ms": str(2**63 - 1),
}
"""Records are stamped by the sender: the clock is the story's, years back or ahead."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one story went. `failure` None: it passed."""

    story: Scenario
    seconds: float
    failure: str | None


async def play_all(
    stories: Iterable[Scenario],
    books: Rulebooks,
    *,
    told: Callable[[Result], None],
    database: str | None = None,
    kafka: str | None = None,
    rulebooks: Path | None = None,
) -> tuple[Result, ...]:
    """
    Play stories against the running program; `told` hears of each as soon as it is over.

    `rulebooks` is the folder that `books` were read from, for the workers; None: Sigill's own. `database` and `kafka` name servers to use; else an embedded PostgreSQL and the best broker to be had are started.
    """
    async with ground(books, database=database, kafka=kafka, rulebooks=rulebooks) as (base, workers):
        numbers = Numbers()
        results = []
        for story in stories:
            began = monotonic()
            failure = await _play(story, LiveDriver(base, workers), books, numbers)
            results.append(Result(story, monotonic() - began, failure))
            told(results[-1])
        return tuple(results)


async def _play(story: Scenario, stage: LiveDriver, books: Rulebooks, numbers: Numbers) -> str | None:
    try:
        await stage.begin()
        await ScenarioRunner(story, stage, books, numbers, AUDIENCE).run()
    except Failed as failed:
        return str(failed)
    except TimeoutError as late:
        return f"the program did not answer: {late}"
    return None


@asynccontextmanager
async def ground(
    books: Rulebooks,
    *,
    database: str | None = None,
    kafka: str | None = None,
    real: bool = True,
    rulebooks: Path | None = None,
    names: tuple[str, ...] = ("all",),
) -> AsyncIterator[tuple[ScenarioEnvironment, Workers]]:
    """Servers, topics, keys and the workers of these `names` of one run; all gone afterwards."""
    async with AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sigill-scenario-"))
        stack.callback(shutil.rmtree, folder, True)
        postgres = stack.enter_context(EmbeddedPostgres(database, durable=database is not None))
        dsn = postgres.database_dsn("postgres") if database is None else database
        bootstrap, outlives = kafka, True
        if bootstrap is None:
            broker = stack.enter_context(EmbeddedKafka())
            bootstrap, real, outlives = broker.bootstrap, broker.real, broker.kind == "given"
        settings, environment = _settings(folder, dsn, bootstrap)
        if rulebooks is not None:
            environment["SIGILL_RULEBOOKS"] = str(rulebooks)
        await migrate(dsn, settings.database_schema)
        connection = Connection.of(settings)
        if real:
            specs = [
                replace(s, stamped_by_broker=False, partitions=1, retention_ms=-1, extra=_ANY_TIME)
                for s in TOPICS
            ]
            reports = await apply_topics(connection, specs, prefix=settings.kafka_topic_prefix)
            made = [report.name for report in reports if report.outcome == "created"]
            if made and outlives:
                stack.push_async_callback(delete_topics, connection, made)
        authority = _authority(folder)
        workers = Workers(environment, folder / "workers.log", names)
        stack.callback(workers.stop)
        workers.start()
        store = await Store.open(settings)
        wire = TopicClient(connection, settings.kafka_topic_prefix)
        await wire.open()
        try:
            yield (
                ScenarioEnvironment(
                    store=store,
                    wire=wire,
                    books=books,
                    authority=authority,
                    secret=settings.patient_secrets()["v1"],
                    key_version="v1",
                    clock_file=folder / "clock",
                    environment=environment,
                    group_prefix=settings.kafka_group_prefix,
                ),
                workers,
            )
        finally:
            await wire.close()
            await store.close()


def _settings(folder: Path, dsn: str, bootstrap: str) -> tuple[Settings, dict[str, str]]:
    run = uuid4().hex[:10]
    write_clock(folder / "clock", datetime(2000, 1, 1, tzinfo=UTC))
    environment = {
        "SIGILL_ENVIRONMENT": "test",
        "SIGILL_AUDIENCE": AUDIENCE,
        "SIGILL_INSTANCE": f"scenario-{run}",
        "SIGILL_CLOCK_FILE": str(folder / "clock"),
        "SIGILL_DATABASE_URL": dsn,
        "SIGILL_DATABASE_SCHEMA": f"scenario_{run}",
        "SIGILL_KAFKA_BOOTSTRAP": bootstrap,
        "SIGILL_KAFKA_TOPIC_PREFIX": f"s{run}.",
        "SIGILL_KAFKA_GROUP_PREFIX": f"s{run}",
        "SIGILL_KAFKA_SESSION_TIMEOUT": "6",
        "SIGILL_KAFKA_INSTANCE_ID": f"scenario-{run}",
        "SIGILL_PATIENT_KEYS": '{"v1": "' + base64.b64encode(secrets.token_bytes(32)).decode() + '"}',
        "SIGILL_TRUST_ANCHORS": str(folder / "ca" / "anchors.pem"),
        "SIGILL_TRUST_INTERMEDIATES": str(folder / "ca" / "intermediates.pem"),
        "SIGILL_CRL_FOLDERS": str(folder / "ca" / "crls"),
        "SIGILL_TRANSITIONS_INTERVAL": "0.02",
        "SIGILL_LOG_LEVEL": "warning",
    }
    (folder / "ca" / "crls").mkdir(parents=True)
    for name in ("anchors.pem", "intermediates.pem"):
        (folder / "ca" / name).touch()
    plain = {k.removeprefix("SIGILL_").lower(): v for k, v in environment.items()}
    keys = plain.pop("patient_keys")
    settings = Settings.model_validate({**plain, "patient_keys": json.loads(keys)})
    return settings, environment


def _authority(folder: Path) -> DevAuthority:
    authority = DevAuthority.create(_FIRST, not_before=_FIRST, not_after=_LAST)
    authority.publish(folder / "ca", _FIRST + timedelta(days=1), next_update=_LAST)
    return authority


def junit(results: Iterable[Result]) -> str:
    """The results as JUnit XML."""
    done = tuple(results)
    failed = sum(r.failure is not None for r in done)
    suite = ElementTree.Element(
        "testsuite", name="scenarios", tests=str(len(done)), failures=str(failed), errors="0"
    )
    for result in done:
        case = ElementTree.SubElement(
            suite, "testcase", classname="scenario", name=result.story.id, time=f"{result.seconds:.3f}"
        )
        if result.failure is not None:
            ElementTree.SubElement(case, "failure", message=result.failure[:200]).text = result.failure
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)
