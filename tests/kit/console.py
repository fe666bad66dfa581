"""A console over a real database with a town's orders in it, and a browser that looks at it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr

from sigill.operations.operators import ConsoleRole, Operator
from sigill.operations.phone_order import Sending
from sigill.operations.rulebook_drafts import ImpactCount
from sigill.policy.effects import AddTask, Sentence, SetTimer, TimerKind
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext as Judging
from sigill.runtime.clock import FixedClock
from sigill.runtime.health import Health
from sigill.runtime.metrics import Metrics
from sigill.runtime.settings import Settings
from sigill.store import dead_letters, persons, rulebooks, tasks, timers
from sigill.store.dead_letters import DeadRecord
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.producer import StreamProducer
from sigill.web.app import OpsWorker, console_app, with_probes
from sigill.web.console.context import ConsoleContext
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import RegionCode
from tests.kit.senders import ADULT, AUDIENCE, CHILD, KEYS, MOTHER, OPERATOR, UNIT, Senders, person
from tests.kit.testland import DRAFTED, NATIONAL, TESTLAND
from tests.kit.worker_harness import WorkerHarness

START = datetime(2025, 3, 10, 9, tzinfo=UTC)
BOOKS = Rulebooks.of(TESTLAND, NATIONAL)
RULES = Judging.of(BOOKS, "urn:sigill:test")
#: Not a sentence of ours, so that finding it in a page means that it leaked.
MOTIVATION = "Zebrafinken sjunger"
SECOND = "SE2321000099-OPR2"
ALL = frozenset(ConsoleRole)


@dataclass
class World:
    """The town, its office, and the console on a port of this machine."""

    harness: WorkerHarness
    senders: Senders
    clock: FixedClock
    desk: ConsoleContext
    ops: OpsWorker
    base: str = ""
    prefix: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.desk.store

    def judges_by(self, books: Rulebooks) -> None:
        """Let the console answer by some rulebooks from now on."""
        self.desk.rules = Judging.of(books, self.desk.rules.source)
        self.desk.books = books

    async def logged_in(self, name: str = OPERATOR, roles: Sequence[ConsoleRole] = tuple(ConsoleRole)) -> str:
        """Return the session cookie of an operator."""
        operator = Operator(name, frozenset(roles), name, UNIT)
        return await self.desk.sessions.begin(operator)

    @contextlib.asynccontextmanager
    async def client(
        self, name: str = OPERATOR, roles: Sequence[ConsoleRole] = tuple(ConsoleRole), language: str = "en"
    ) -> AsyncIterator[Client]:
        """A browser without a window: what an operator may do by HTTP."""
        cookie = await self.logged_in(name, roles)
        async with httpx.AsyncClient(
            base_url=self.base,
            cookies={self.desk.cookie: cookie, "sigill_language": language},
            follow_redirects=True,
            timeout=20,
        ) as http:
            yield Client(http)

    async def lose(
        self,
        data: bytes = b"\xff\xfe not a signature",
        number: str = ADULT,
        count: int = 1,
        *,
        source: str | None = None,
        reason: DeadLetterReason = DeadLetterReason.UNREADABLE_SIGNATURE,
        topic: str = ORDERS.name,
    ) -> list[int]:
        """Messages of a patient that nobody can read."""
        named: tuple[tuple[str, bytes], ...] = () if source is None else (("ce_source", source.encode()),)
        records = [
            DeadRecord(
                topic=topic,
                partition=0,
                offset=1000 + place,
                group="sigill.intake",
                key=KEYS.of(number).encode(),
                value=data,
                headers=(("ce_id", str(uuid4()).encode()), ("ce_type", b"se.sigill.order.v1"), *named),
                reason=reason,
                stamped_at=self.clock.now(),
            )
            for place in range(count)
        ]
        async with self.harness.store.transaction(self.clock.now()) as tx:
            return await dead_letters.append(tx, records)


@dataclass
class Client:
    """Posts as a page's form would: with the page's own token."""

    http: httpx.AsyncClient

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, page: str = "/orders", **fields: Any) -> httpx.Response:
        text = (await self.http.get(page)).text
        return await self.http.post(path, data={"csrf": field_of(text, "csrf"), **fields})


def field_of(page: str, name: str) -> str:
    """What stands in the first field of that name, hidden or not."""
    return page.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]


@contextlib.asynccontextmanager
async def world(
    dsn: str, senders: Senders, connection: Connection, keys: Path, *, prefix: str = "", **given: Any
) -> AsyncIterator[World]:
    """Open a world on an empty, migrated database."""
    settings = Settings(
        database_url=SecretStr(dsn),
        database_schema="sigill",
        database_pool_max=6,
        audience=AUDIENCE,
        kafka_bootstrap=connection.bootstrap,
        kafka_topic_prefix=prefix,
        operator_keys=keys,
        **given,
    )
    clock = FixedClock(START)
    metrics, health = Metrics(), Health()
    write_keys(senders, keys)
    async with contextlib.AsyncExitStack() as stack:
        store = await Store.open(settings, role="sigill_ops")
        stack.push_async_callback(store.close)
        auditors = await Store.open(settings, role="sigill_auditor")
        stack.push_async_callback(auditors.close)
        workers = await Store.open(settings)
        stack.push_async_callback(workers.close)
        sending = Sending(StreamProducer(connection, send_timeout=15))
        stack.push_async_callback(sending.stop)
        ops = OpsWorker(settings, RULES, KEYS, clock, metrics, health, connection)
        desk = ops.desk_over(store, auditors, sending)
        stack.push_async_callback(desk.watch.standings.close)
        harness = WorkerHarness(workers, senders, clock, RULES)
        await harness.assign()
        await harness.hand_over(*senders.staff(START - timedelta(days=30)))
        await harness.hand_over(*senders.people(START - timedelta(days=30)))
        made = World(harness, senders, clock, desk, ops, prefix=prefix)
        made.base = await stack.enter_async_context(served(with_probes(console_app(desk), health, metrics)))
        yield made


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off", proxy_headers=False
    )
    socket = config.bind_socket()
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        socket.close()


def write_keys(senders: Senders, folder: Path) -> None:
    """The operators' signing keys, by the throw-away authority."""
    folder.mkdir(parents=True, exist_ok=True)
    for hsa_id in (OPERATOR, SECOND):
        holder = senders.authority.staff(hsa_id)
        (folder / f"{hsa_id}.key").write_bytes(
            holder.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        certificates = (holder.certificate, *holder.chain)
        pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)
        (folder / f"{hsa_id}.pem").write_bytes(pem)


async def counted(before: Rulebooks, after: Rulebooks, on: date) -> list[ImpactCount]:
    """Stands in for the count over the register, which tests/population holds: what came of the draft is told by it."""
    assert before.version("testland", on) != after.version("testland", on)
    return [
        ImpactCount("closes", "guardian journal", {11: 40, 14: 2}),
        ImpactCount("measure", "guardian_block", {12: 3}),
    ]


async def furnish(here: World) -> None:
    """
    A day's orders: executed, refused, pending, unproven; tasks, timers and dead letters of every kind; a draft of rules
    that waits for a second owner.
    """
    harness, senders, now = here.harness, here.senders, here.clock.now()
    await harness.hand_over(
        senders.orders(now, motivation=MOTIVATION),
        senders.orders(
            now,
            "block_guardians",
            patient=person(CHILD),
            guardians=[person(MOTHER)],
            inform={"guardians": False},
        ),
        senders.orders(now, "release_guardian_block", patient=person(CHILD), initiative="resident"),
        senders.signs(senders.form(now, patient=person(CHILD)), now, tamper="payload"),
        senders.signs(senders.form(now, patient=person(CHILD)), now, tamper="revoked_certificate"),
        senders.signs(
            senders.form(now, patient=person(CHILD), channel="phone", urgent=True, motivation=MOTIVATION),
            now,
            by=OPERATOR,
        ),
    )
    await here.lose(count=3)
    await here.lose(b'{"half": ', CHILD)
    async with harness.store.transaction(now) as tx:
        child = (await persons.resolve_keys(tx, [KEYS.of(CHILD)]))[KEYS.of(CHILD)]
        region = RegionCode("testland")
        kinds = ("follow_up_decision", "protection_ended", "review", "unit_reminder")
        await tasks.add(
            tx,
            [
                (
                    child,
                    AddTask(
                        kind,
                        f"{kind}:1",
                        Sentence(f"Gör {kind}.", f"Do {kind}."),
                        region,
                        now + timedelta(hours=place - 2),
                    ),
                )
                for place, kind in enumerate(kinds)
            ],
        )
        await timers.set(
            tx,
            [
                SetTimer(kind, now + timedelta(days=3 * place, hours=1), child, region)
                for place, kind in enumerate(
                    (TimerKind.AGE_13, TimerKind.REVIEW_DUE, TimerKind.GRANT_EXPIRING)
                )
            ],
        )
        drafted = await rulebooks.draft(tx, await rulebooks.save(tx, region, DRAFTED, OPERATOR, None))
        assert drafted is not None
        await rulebooks.propose(tx, drafted, OPERATOR, "Rutinen 2025")
    await here.desk.watch.look()
