"""
What a release leaves for the next one to be held against: its store, its messages, its schemas, its answers.

    python -m tests.adoption.release 0.1.0

writes tests/adoption/releases/0.1.0. Run it once, on the commit that is released, and never again: an upgrade must
take what lies there as it is. Everybody in it is invented.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from sigill.embedded import EmbeddedPostgres
from sigill.policy.access import AccessQuestion, decide
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.runtime.clock import FixedClock
from sigill.runtime.settings import Settings
from sigill.store import facts, persons
from sigill.store.session import Store
from sigill_contracts import export
from sigill_contracts.vocabulary import Service
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, Senders, Sent, person
from tests.kit.services import migrate
from tests.kit.testland import NATIONAL, TESTLAND
from tests.kit.worker_harness import START, WorkerHarness

RELEASES = Path(__file__).parent / "releases"
TEENAGER = "201105052382"
MOMENTS = (
    START + timedelta(hours=3),
    START + timedelta(days=200),
    datetime.fromisoformat("2031-03-05T12:00:00+01:00"),
)
BOOKS = Rulebooks.of(TESTLAND, NATIONAL)


def a_day(senders: Senders, now: datetime) -> list[Sent]:
    """Orders of every outcome: executed, refused, pending by phone, repeated, unreadable."""
    custody = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
    seal = senders.orders(now, valid_through="2025-12-31")
    phone = senders.form(now, patient=person(CHILD), channel="phone", urgent=True)
    return [
        senders.registers(now - timedelta(days=1), TEENAGER, custody=custody),
        seal,
        senders.orders(now, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)]),
        senders.orders(now, "grant_guardian_access", patient=person(TEENAGER), guardians=[person(MOTHER)]),
        senders.orders(now, "grant_guardian_access", patient=person(TEENAGER), guardians=[person(ADULT)]),
        senders.signs(phone, now, by="SE2321000099-OPER"),
        seal,
        senders.garbage(),
        senders.registers(now, MOTHER, sequence=2, protected_registration=True),
    ]


async def answers(store: Store) -> dict[str, Any]:
    """Every question about everybody at some moments, and what the store says to it."""
    said: dict[str, Any] = {}
    async with store.reading() as tx:
        numbers = {n: i for n in (ADULT, CHILD, FATHER, MOTHER, TEENAGER) for i in await who(tx, n)}
        known = await facts.patient_facts(tx, numbers.values())
    for patient, person_id in numbers.items():
        for viewer, viewer_id in numbers.items():
            for service in Service:
                for at in MOMENTS:
                    answer = decide(AccessQuestion(viewer_id, service, at), known[person_id], BOOKS)
                    name = f"{patient} {viewer} {service} {at.isoformat()}"
                    said[name] = [answer.allowed, *sorted(answer.codes)]
    return said


async def who(tx: Any, number: str) -> list[Any]:
    from sigill.policy.facts import Identity
    from sigill_contracts.vocabulary import IdType

    return list((await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, number)])).values())


async def live_through(dsn: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Play the day on a database; return what it answers, and all events that went out."""
    store = await Store.open(Settings(database_url=SecretStr(dsn), database_pool_max=4))
    try:
        harness = WorkerHarness(
            store,
            Senders(START),
            FixedClock(START - timedelta(days=30)),
            PolicyContext.of(BOOKS, "urn:sigill:test"),
        )
        await harness.assign()
        await harness.hand_over(*harness.senders.staff(harness.clock.now()))
        await harness.hand_over(*harness.senders.people(harness.clock.now()))
        harness.clock.set(START)
        for message in a_day(harness.senders, START):
            await harness.hand_over(message)
        events = await harness.out()
        return await answers(store), [
            {"topic": e.aggregatetype, "key": e.aggregateid, "payload": json.loads(e.payload)}
            for e in events
            if e.payload and not e.aggregatetype.endswith(".dlq")
        ]
    finally:
        await store.close()


def dumped(server: EmbeddedPostgres, database: str) -> str:
    """The database as plain SQL that any PostgreSQL from 15 on takes."""
    pg_dump = Path(os.readlink(f"/proc/{server.pid}/exe")).parent / "pg_dump"
    options = ["--inserts", "--no-owner", "--no-privileges", "--schema=sigill", "--load-via-partition-root"]
    done = subprocess.run(
        [pg_dump, *options, server.database_dsn(database)], check=True, capture_output=True, text=True
    )
    return "".join(
        f"{line}\n"
        for line in done.stdout.splitlines()
        if line
        and not line.startswith(("--", "\\", "SET transaction_timeout", "SET default_table_access_method"))
    )


async def make(version: str) -> None:
    """Write the folder of a release."""
    folder = RELEASES / version
    folder.mkdir(parents=True)
    with EmbeddedPostgres(own=True, durable=False) as server:
        dsn = await server.create_database("release")
        await migrate(dsn)
        said, events = await live_through(dsn)
        connection = await asyncpg.connect(dsn)
        head = await connection.fetchval("SELECT max(version_num) FROM sigill.alembic_version")
        await connection.close()
        (folder / "store.sql").write_text(dumped(server, "release"), encoding="utf-8")
    (folder / "answers.json").write_text(json.dumps(said, indent=0) + "\n", encoding="utf-8")
    (folder / "events.json").write_text(
        json.dumps(events, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    (folder / "release.json").write_text(json.dumps({"version": version, "migration": head}) + "\n")
    for name in ("schemas", "examples"):
        shutil.copytree(export.FOLDER / name, folder / name, ignore=shutil.ignore_patterns("*.crt"))


if __name__ == "__main__":
    asyncio.run(make(sys.argv[1]))
