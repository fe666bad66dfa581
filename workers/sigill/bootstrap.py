"""
The only wiring: settings become a pool, clients, rulebooks, and workers that run until they are told to stop.

Nothing is connected before a worker runs, so that a database or broker that is down at the start is waited for like one
that goes down later. Tests and the scenario runner call `Wiring` too.
"""

import asyncio
import contextlib
import platform
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import structlog
import uvloop

from sigill.consumer.continuity import OnWaitsEnded
from sigill.consumer.dead_letter_limit import DeadLetterLimit, DeadLetterLimitReached
from sigill.consumer.runner import (
    HANDLING,
    ConsumerRunner,
    Handler,
    NotReady,
)
from sigill.directory.consumer import Directory
from sigill.intake.consumer import DIRECTORY, Intake
from sigill.intake.directory_watch import DirectoryWatch
from sigill.intake.revocation_cache import keep_fresh, revocation_cache, sources
from sigill.intake.revocation_recheck import Recheck
from sigill.intake.trust_settings import WrongFile, trust_policy
from sigill.intake.verification import OrderVerifier
from sigill.policy.effects import TimerKind
from sigill.policy.identity_numbers import NumberRules
from sigill.policy.rulebook import RulebookError, Rulebooks
from sigill.processing.citations import PolicyContext, PolicyProvider
from sigill.processing.patient_keys import KeyRing
from sigill.processing.released_rules import NoRulebooks, ReleasedRules
from sigill.register.consumer import Register
from sigill.register.outside import OutsideMeasureConsumer, RegisterTopicRouter
from sigill.relay.checkpoints import CheckpointSigner, NoAuditKey, signer_for
from sigill.relay.publisher import Relay
from sigill.relay.receipt_routes import ReceiptRoutes
from sigill.rulebook_docs import files
from sigill.runtime.clock import Clock, FileClock, RefereedClock, SystemClock
from sigill.runtime.failpoints import arm
from sigill.runtime.health import (
    ASSIGNMENT,
    BROKER,
    CLOCK,
    DATABASE,
    MIGRATIONS,
    STATEMENTS,
    Health,
    ProbeServer,
)
from sigill.runtime.lifecycle import Worker, run_workers, spare_the_collector
from sigill.runtime.logging import configure_logging
from sigill.runtime.metrics import (
    BUILD_INFO,
    CONSUMER_COMMIT_FAILURES,
    CONSUMER_REBALANCES,
    DATABASE_POOL,
    DATABASE_RETRIES,
    DATABASE_WENT_BACK,
    DEAD_LETTERS,
    PROCESS_STARTED,
    PROCESSED,
    REFUSALS,
    TIMERS_FIRED,
    Metrics,
)
from sigill.runtime.settings import Settings
from sigill.runtime.tracing import Tracing
from sigill.runtime.worker_specs import WORKER_SPECS
from sigill.store.incarnation import meet
from sigill.store.migrate import pending
from sigill.store.referee import ClockApart, Referee
from sigill.store.roles import open_as
from sigill.store.session import Pooled, Store, TooPowerful
from sigill.store.trouble import DatabaseDown, StatementsUnfinished, database_trouble
from sigill.stream.connection import BROKER_TROUBLE, Connection, StreamStopped
from sigill.stream.producer import StreamProducer
from sigill.stream.topics import UNSTAMPED, contradictions
from sigill.transitions.scheduler import Transitions
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import ELSEWHERE, STAFF, UNITS, topics_for
from sigill_contracts.vocabulary import Form, Outcome, RefusalCode

log = structlog.get_logger("sigill.bootstrap")
P = TypeVar("P")


class NotMigrated(Exception):
    """The database's schema is older than this program: run `sigill migrate`, or wait for it."""


class NoPatientKeys(Exception):
    """No secret is set to make the patients' keys with (SIGILL_PATIENT_KEYS)."""


class WrongTopics(Exception):
    """A topic on the cluster contradicts the table of topics: which, and how."""


POOL_SECONDS = 5.0
"""Between two looks at the connections."""
RULEBOOKS = files.SHIPPED
IMPACT_SECONDS = 120.0
"""What a count of whom a draft of rules would touch may take."""
SET_UP_WRONGLY: tuple[type[Exception], ...] = (
    NoPatientKeys,
    NoAuditKey,
    WrongFile,
    RulebookError,
    NoRulebooks,
    TooPowerful,
    Pooled,
)
"""What only other settings help against."""
LOOK_FIRST: tuple[type[Exception], ...] = (StreamStopped, WrongTopics)
"""What somebody has to look at before a worker goes on: offsets are lost, access is refused."""


def run(names: Sequence[str], settings: Settings) -> None:
    """
    Run workers in this process until a SIGTERM; the batch in hand is finished and committed first.

    What stops them otherwise ends the process with one line on stderr: status 2 for what has to be set up otherwise,
    status 1 for what somebody has to look at first. A fault of the program itself is logged with its trace, status 1.
    """
    configure_logging(settings.log_format, settings.log_level)
    spare_the_collector()
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(Wiring.of(settings).serve(names))
    except KeyboardInterrupt:
        return
    except (*SET_UP_WRONGLY, *LOOK_FIRST) as error:
        print(f"sigill: {error}", file=sys.stderr)  # noqa: T201 (the last word of a process, for whoever started it)
        raise SystemExit(2 if isinstance(error, SET_UP_WRONGLY) else 1) from None
    except Exception:
        log.exception("stopped by a fault of the program")
        raise SystemExit(1) from None


def _loop() -> asyncio.AbstractEventLoop:
    """uvloop's event loop, where there is one."""
    return asyncio.new_event_loop() if sys.platform == "win32" else uvloop.new_event_loop()


def load_rulebooks(folder: Path = RULEBOOKS) -> Rulebooks:
    """Read every region's rulebook. Raises RulebookError with every fault at once, harmful ones among them (X-31)."""
    books, taken = files.load(folder)
    if taken is not None:
        log.warning("the shipped national rulebook is taken", rulebooks=str(folder))
    return books


def rules_of(settings: Settings, metrics: Metrics, books: Rulebooks | None = None) -> PolicyProvider:
    """
    Where the settings say that rules come from; `books` take the place of all of them. Those of the store are read when
    something is judged first. Raises RulebookError.
    """
    source = f"urn:sigill:{settings.environment}"
    if books is None and settings.rulebook_source == "store":
        return ReleasedRules(source, metrics)
    return PolicyContext.of(books or load_rulebooks(settings.rulebooks or RULEBOOKS), source)


def tracing_of(settings: Settings) -> Tracing:
    """Spans to the collector that the settings name; without one nothing is recorded."""
    if settings.otlp_endpoint is None:
        return Tracing()
    from sigill.runtime.otlp import tracer_provider  # noqa: PLC0415 (who traces nothing starts without it)

    provider = tracer_provider(
        "sigill", settings.otlp_endpoint, version=_version(), instance=settings.instance
    )
    return Tracing(provider, client_id="sigill", server=settings.kafka_bootstrap)


def key_ring(settings: Settings) -> KeyRing:
    """The patients' keys. Raises NoPatientKeys."""
    secrets = settings.patient_secrets()
    if not secrets:
        raise NoPatientKeys("SIGILL_PATIENT_KEYS: needed, the secret shared with the record system")
    return KeyRing(secrets, settings.patient_key_version)


@dataclass(slots=True)
class _Opened:
    """A worker that opens its store when it runs, and closes it when it stops or fails."""

    name: str
    opening: Callable[[], Awaitable[Store]]
    work: Callable[[Store, asyncio.Event], Awaitable[None]]
    open_stores: set[Store]
    referee: Referee | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Open, work until told to stop, close. Raises ClockApart when the machine's clock is too far off."""
        async with database_trouble():
            store = await self.opening()
        self.open_stores.add(store)
        try:
            if self.referee is None:
                await self.work(store, stop)
            else:
                await self._while_clocks_agree(store, stop, self.referee)
        finally:
            self.open_stores.discard(store)
            await store.close()

    async def _while_clocks_agree(self, store: Store, stop: asyncio.Event, referee: Referee) -> None:
        referee.check()
        ending = asyncio.Event()
        either = [asyncio.create_task(stop.wait()), asyncio.create_task(referee.apart.wait())]
        for told in either:
            told.add_done_callback(lambda _: ending.set())
        try:
            await self.work(store, ending)
        finally:
            for told in either:
                told.cancel()
        if not stop.is_set():
            referee.check()


@dataclass(frozen=True, slots=True)
class _AfterMigrations:
    """A worker that starts when the schema is there."""

    worker: Worker
    migrated: Callable[[], Awaitable[None]]

    @property
    def name(self) -> str:
        return self.worker.name

    async def run(self, stop: asyncio.Event) -> None:
        async with database_trouble():
            await self.migrated()
        await self.worker.run(stop)


@dataclass(slots=True)
class Wiring:
    """Everything that workers of one process share."""

    settings: Settings
    desk: PolicyProvider
    clock: Clock
    metrics: Metrics
    health: Health
    connection: Connection
    tracing: Tracing = field(default_factory=Tracing)
    referee: Referee | None = None
    """Corrects `clock` by the database's; None where somebody else moves the clock, as in a scenario."""
    _stores: set[Store] = field(default_factory=set)
    _closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @classmethod
    def of(
        cls, settings: Settings, *, books: Rulebooks | None = None, clock: Clock | None = None
    ) -> "Wiring":
        """Wire what the settings describe. `books` and `clock` take the place of the ones that they name."""
        metrics = Metrics()
        moved = clock or (FileClock(settings.clock_file) if settings.clock_file else None)
        referee = None
        if moved is None:
            moved = RefereedClock()
            referee = Referee(settings, moved, metrics)
        chosen: Clock = moved
        return cls(
            settings=settings,
            desk=rules_of(settings, metrics, books),
            clock=chosen,
            metrics=metrics,
            health=Health(silence=settings.health_silence, metrics=metrics, clock=chosen),
            connection=Connection.of(settings),
            tracing=tracing_of(settings),
            referee=referee,
        )

    async def serve(self, names: Sequence[str], stop: asyncio.Event | None = None) -> None:
        """Run workers, with the probes where a port is set, until they are told to stop."""
        settings = self.settings
        arm(settings.kill_point)
        workers = self.workers(names)
        self.health.expect(MIGRATIONS, DATABASE)
        specs = [WORKER_SPECS[name] for name in names]
        if any(spec.needs_broker for spec in specs):
            self.health.expect(BROKER)
        if any(spec.reads for spec in specs):
            self.health.expect(ASSIGNMENT)
        self.metrics.set(PROCESS_STARTED, SystemClock().now().timestamp())
        for name in names:
            self.metrics.set(BUILD_INFO, 1, worker=name, version=_version(), python=platform.python_version())
            self._begin_counts(name)
        probes = None
        if settings.health_port is not None:
            probes = ProbeServer(
                self.health, self.metrics, settings.health_host, settings.health_port
            ).start()
        log.info("started", workers=list(names))
        try:
            async with _beside(self._measure_pools(), *([self.referee.watch()] if self.referee else [])):
                await run_workers(
                    workers,
                    health=self.health,
                    troubles={
                        STATEMENTS: (StatementsUnfinished,),  # before the kind that it is of
                        DATABASE: (DatabaseDown,),
                        BROKER: BROKER_TROUBLE,
                        MIGRATIONS: (NotMigrated,),
                        DIRECTORY: (NotReady,),
                        HANDLING: (DeadLetterLimitReached,),
                        CLOCK: (ClockApart,),
                    },
                    stop=stop,
                    stop_timeout=settings.stop_timeout,
                    longest_wait=settings.backoff_max,
                )
        finally:
            for close in self._closing:
                await close()
            await asyncio.to_thread(self.tracing.flush)
            if probes is not None:
                probes.stop()
        log.info("stopped", workers=list(names))

    def _begin_counts(self, name: str) -> None:
        """Set a worker's counters to 0, so that its first event is an increase."""
        metrics, settings = self.metrics, self.settings
        if reads := WORKER_SPECS[name].reads:
            topics = [settings.topic(spec.name) for spec in reads]
            metrics.begin(DEAD_LETTERS, topic=topics, reason=[str(reason) for reason in DeadLetterReason])
            metrics.begin(CONSUMER_REBALANCES, worker=[name])
            metrics.begin(CONSUMER_COMMIT_FAILURES, worker=[name])
            metrics.begin(DATABASE_RETRIES, worker=[name])
        if name == "intake":
            regions = [*self.desk.books.regions, "unknown"]
            answers = [str(outcome) for outcome in Outcome if outcome is not Outcome.UNREADABLE]
            forms = [*(str(form) for form in Form), "unknown"]
            metrics.begin(PROCESSED, outcome=answers, form=forms, region=regions)
            metrics.begin(REFUSALS, code=[str(code) for code in RefusalCode], region=regions)
        if name == "transitions":
            metrics.begin(DATABASE_RETRIES, worker=[name])
            metrics.begin(TIMERS_FIRED, kind=[str(kind) for kind in TimerKind])

    async def _measure_pools(self) -> None:
        """Keep the gauges of the connections of all open stores."""
        while True:
            pools = [store.connections() for store in self._stores]
            size, idle = sum(size for size, _ in pools), sum(idle for _, idle in pools)
            self.metrics.set(DATABASE_POOL, size - idle, state="busy")
            self.metrics.set(DATABASE_POOL, idle, state="idle")
            await asyncio.sleep(POOL_SECONDS)

    def workers(self, names: Sequence[str]) -> list[Worker]:
        """
        Make workers by name. Raises LookupError for a name that is none, NoPatientKeys, NoAuditKey, or WrongFile for
        a certificate that cannot be read: before anything is connected.
        """
        makers: dict[str, Callable[[], Worker]] = {
            "ops": self._ops,
            "intake": self._intake,
            "directory": self._directory,
            "register": self._register,
            "transitions": self._transitions,
            "relay": self._relay,
        }
        return [makers[name]() for name in dict.fromkeys(names)]

    async def open_store(self, name: str, *, streams: bool = True) -> Store:
        """
        Open the store as the role of a worker, where the database's user may act as it. Raises NotMigrated, and
        NoRulebooks where the worker judges and the rules are to come from a store that has none.

        `streams` False: the caller uses no broker, so that no topic is looked at.
        """
        await self._migrated()
        if streams:
            await self._topics_fit(name)
        store = await open_as(self.settings, WORKER_SPECS[name].role, keep_plans=True)
        assert store is not None  # without the role the user itself is taken
        try:
            if await meet(store):
                self.metrics.inc(DATABASE_WENT_BACK, worker=name)
            if WORKER_SPECS[name].judges:
                async with store.reading() as tx:
                    await self.desk.context_for(tx, self.clock.now())
                self._begin_counts(name)  # of the regions that are known now
        except BaseException:
            await store.close()
            raise
        return store

    async def _topics_fit(self, name: str) -> None:
        """
        Raises WrongTopics where a topic that the worker reads or writes would lose what it is to keep.

        Where a story moves the clock, senders stamp its orders; so outside production that is no fault.
        """
        production = self.settings.environment == "production"
        specs = [
            spec
            for spec in topics_for(self.settings.receipt_topics)
            if name in (*spec.read_by, *spec.written_by)
        ]
        if not specs:
            return
        found = await contradictions(
            self.connection,
            specs,
            prefix=self.settings.kafka_topic_prefix,
            least_replication=2 if production else 1,
        )
        wrong = [line for line in found if production or UNSTAMPED not in line]
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise WrongTopics(f"{wrong[0]}{more}; `sigill topics apply` sets what can be set")

    def _consuming(
        self,
        name: str,
        store: Store,
        handler: Handler[P],
        on_waits_ended: OnWaitsEnded | None = None,
    ) -> ConsumerRunner[P]:
        settings = self.settings
        topics = [spec.name for spec in WORKER_SPECS[name].reads]
        return ConsumerRunner(
            name=name,
            group=settings.group(name),
            topics=tuple(settings.topic(topic) for topic in topics),
            connection=self.connection,
            store=store,
            handler=handler,
            clock=self.clock,
            metrics=self.metrics,
            health=self.health,
            limit=DeadLetterLimit(settings.dead_letter_max_ratio, settings.dead_letter_max_run),
            topic_names={settings.topic(topic): topic for topic in topics},
            batch_size=settings.batch_size,
            session_timeout=settings.kafka_session_timeout,
            instance_id=settings.kafka_instance_id,
            tracing=self.tracing,
            on_waits_ended=on_waits_ended,
        )

    def _opened(self, name: str, work: Callable[[Store, asyncio.Event], Awaitable[None]]) -> _Opened:
        """A worker that does `work` over a store of its own, opened when it starts."""
        return _Opened(name, lambda: self.open_store(name), work, self._stores, self.referee)

    def _ops(self) -> Worker:
        # loaded when it is asked for: the workers of orders need no web server
        from sigill.operations.rulebook_drafts import ImpactCount  # noqa: PLC0415
        from sigill.population import impact, snapshot  # noqa: PLC0415
        from sigill.web.app import NoLogin, OpsWorker, api_wanted, check_login, decision_api  # noqa: PLC0415

        try:
            check_login(self.settings)
        except NoLogin as error:
            raise WrongFile(str(error)) from None
        settings, clock = self.settings, self.clock

        async def count_impact(before: Rulebooks, after: Rulebooks, on: date) -> list[ImpactCount]:
            """Count in a thread, with a loop and a connection of its own: pages are answered meanwhile."""
            connect = snapshot.connection_arguments(
                settings.database_dsn(), settings.database_schema, ssl=settings.database_ssl()
            )
            counting = impact.touched_in(connect, before, after, on, WORKER_SPECS["ops"].role)
            found = await asyncio.to_thread(asyncio.run, asyncio.wait_for(counting, IMPACT_SECONDS))
            return [ImpactCount(kind.what, kind.which, ages) for kind, ages in found.by_kind.items()]

        ops = OpsWorker(
            settings,
            self.desk,
            key_ring(settings),
            clock,
            self.metrics,
            self.health,
            self.connection,
            api=(lambda: decision_api(settings, self.desk, clock)) if api_wanted(settings) else None,
            impact=count_impact,
            tracing=self.tracing,
        )
        return _AfterMigrations(ops, self._migrated)

    async def _migrated(self) -> None:
        """Raises NotMigrated while the schema is older than this program."""
        settings = self.settings
        if missing := await pending(
            settings.database_dsn(), settings.database_schema, ssl=settings.database_ssl()
        ):
            raise NotMigrated(f"{len(missing)} migrations are missing")
        self.health.up(MIGRATIONS)
        if self.referee is not None:
            await self.referee.look()
            self.referee.check()
            self.health.up(CLOCK)

    def _intake(self) -> _Opened:
        settings = self.settings
        verifier = OrderVerifier(
            settings.audience,
            key_ring(settings),
            trust_policy(settings),
            settings.max_message_bytes,
            NumberRules(settings.reserve_numbers, settings.test_numbers),
        )
        kept = revocation_cache(sources(settings), self.clock)
        self._closing.append(kept.close)

        async def work(store: Store, stop: asyncio.Event) -> None:
            watch = DirectoryWatch(
                self.connection,
                store,
                tuple(settings.topic(spec.name) for spec in (STAFF, UNITS)),
                settings.group("directory"),
            )
            handler = Intake(self.desk, verifier, kept, self.metrics, settings.group("intake"), watch.is_read)
            consuming = self._consuming("intake", store, handler, handler.on_waits_ended)
            consuming.depends_on = (DIRECTORY,)
            await kept.refresh()
            recheck = Recheck(store, self.desk, verifier, kept, self.clock)
            fresh = keep_fresh(kept, settings.crl_refresh, self.metrics, stop)
            async with _beside(fresh, recheck.keep_looking(stop)):
                await consuming.run(stop)

        return self._opened("intake", work)

    def _directory(self) -> _Opened:
        group = self.settings.group("directory")

        async def work(store: Store, stop: asyncio.Event) -> None:
            handler = Directory(self.metrics, group, self.settings.topic(UNITS.name))
            await self._consuming("directory", store, handler).run(stop)

        return self._opened("directory", work)

    def _register(self) -> _Opened:
        keys = key_ring(self.settings)
        group = self.settings.group("register")

        async def work(store: Store, stop: asyncio.Event) -> None:
            handler = RegisterTopicRouter(
                Register(self.desk, keys, self.metrics, group),
                OutsideMeasureConsumer(self.desk, keys, self.metrics, group),
                self.settings.topic(ELSEWHERE.name),
            )
            await self._consuming("register", store, handler).run(stop)

        return self._opened("register", work)

    def transitions(self, store: Store) -> Transitions:
        """The transitions worker over an open store; `run_due` follows what is due and returns."""
        return Transitions(
            store, self.desk, self.clock, self.metrics, self.health, self.settings.transitions_interval
        )

    def _transitions(self) -> _Opened:
        async def work(store: Store, stop: asyncio.Event) -> None:
            await self.transitions(store).run(stop)

        return self._opened("transitions", work)

    def relay(self, store: Store, signer: CheckpointSigner) -> Relay:
        """The relay over an open store; `publish_all` publishes what waits and returns."""
        settings = self.settings
        return Relay(
            store=store,
            producer=StreamProducer(self.connection, send_timeout=settings.kafka_send_timeout),
            topic_of=settings.topic,
            signer=signer,
            source=self.desk.source,
            clock=self.clock,
            metrics=self.metrics,
            health=self.health,
            interval=settings.relay_interval,
            retention=timedelta(days=settings.outbox_retention_days),
            disposal=settings.outbox_disposal,
            receipts=ReceiptRoutes.of(settings.receipt_topics),
            tracing=self.tracing,
        )

    def _relay(self) -> _Opened:
        signer, note = signer_for(self.settings.environment, self.settings.audit_key)
        if note:
            log.warning("audit key", note=note)

        async def work(store: Store, stop: asyncio.Event) -> None:
            await self.relay(store, signer).run(stop)

        return self._opened("relay", work)


@contextlib.asynccontextmanager
async def _beside(*works: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run something beside the block, and end it with the block. What it fails with is logged, and does no more."""
    tasks = [asyncio.create_task(_logged(work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _logged(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except Exception as error:
        # the next start of the worker begins it again; orders that wait for it lose nothing
        log.warning("work beside the worker ended", error=type(error).__name__)


def _version() -> str:
    try:
        return version("sigill")
    except PackageNotFoundError:
        return "unpackaged"
