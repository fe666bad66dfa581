"""
The drill: a day, a disaster, the database restored to a point in time, the topics read again from there.

The store must end as it was, and what is published anew must bear the ids under which it was published before. All on
a PostgreSQL server that archives its log, with a base backup taken while it worked.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from sigill.embedded import EmbeddedPostgres
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.runtime.clock import FixedClock
from sigill.runtime.settings import Settings
from sigill.store import audit_check, inbox, outbox
from sigill.store.incarnation import meet
from sigill.store.session import Store
from sigill.stream.records import Record
from sigill_contracts.topics import PERSONS
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, Senders, Sent, person
from tests.kit.services import migrate
from tests.kit.testland import NATIONAL, OWN_SERIES
from tests.kit.worker_harness import START, WorkerHarness, read

STRANGER = "198507099805"
AFTER_RESTORE = Path(__file__).parents[2] / "infra" / "restore" / "after-restore.sql"
ARCHIVING = {
    "wal_level": "replica",
    "archive_mode": "on",
    "archive_command": "'cp \"%p\" ../archive/%f'",
    "restore_command": "'cp ../archive/%f \"%p\"'",
    "max_wal_senders": "4",
}


@dataclass
class Topics:
    """What the broker keeps: every record ever sent, with the moment at which it was taken first."""

    kept: list[tuple[Any, Record]] = field(default_factory=list)

    async def send(self, harness: WorkerHarness, *messages: Sent) -> None:
        for record in harness.records(messages):
            self.kept.append((harness.clock.now(), record))
            await harness.hand_over_records([record])

    async def read_again(
        self, harness: WorkerHarness, *, clock_goes_on: bool = False, register_first: bool = False
    ) -> int:
        """
        As consumers do at their start: from the offsets that the store knows. Returns how many were taken.

        `clock_goes_on`: it is later than when they were taken first, as it is after a disaster. `register_first`: the
        register's worker is the first to be back.
        """
        taken = 0
        for at, record in sorted(self.kept, key=lambda one: register_first and one[1].topic != PERSONS.name):
            async with harness.store.reading() as tx:
                stored = await inbox.stored(tx, harness.consuming[record.topic].group)
            if record.offset >= (stored[(record.topic, 0)][1] or 0):
                if clock_goes_on:
                    harness.clock.advance(timedelta(minutes=7))
                else:
                    harness.clock.set(at)
                await harness.hand_over_records([record])
                taken += 1
        return taken


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(own=True, settings=ARCHIVING) as one:
        if one.pid is None:
            pytest.skip("a server in a container cannot be restored from here")
        yield one


@asynccontextmanager
async def opened(dsn: str, senders: Senders, clock: FixedClock) -> AsyncIterator[WorkerHarness]:
    settings = Settings(database_url=SecretStr(dsn), database_pool_max=4)
    store = await Store.open(settings)
    desk = PolicyContext.of(Rulebooks.of(OWN_SERIES, NATIONAL), "urn:sigill:test")
    harness = WorkerHarness(store, senders, clock, desk)
    try:
        yield harness
    finally:
        await store.close()


@dataclass(frozen=True)
class Machine:
    """The database's machine: its programs, its data, and the archive of its log beside them."""

    server: EmbeddedPostgres
    data: Path
    binaries: Path
    login: tuple[str, ...]

    @classmethod
    def of(cls, server: EmbeddedPostgres, data: str, port: str) -> "Machine":
        binaries = Path(os.readlink(f"/proc/{server.pid}/exe")).parent
        made = cls(server, Path(data), binaries, ("-h", "127.0.0.1", "-p", port, "-U", "postgres"))
        (made.data.parent / "archive").mkdir()
        made.own(made.data.parent / "archive")
        return made

    def own(self, path: Path) -> None:
        """Give a file to the server's user."""
        owner = self.data.parent.stat()
        shutil.chown(path, owner.st_uid, owner.st_gid)

    def run(self, program: str, *arguments: object, text: bytes | None = None) -> None:
        """Run one of the server's programs as its user."""
        owner = self.data.parent.stat()
        as_owner: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        done = subprocess.run(
            [self.binaries / program, *self.login, *map(str, arguments)],
            input=text,
            cwd="/",
            check=False,
            capture_output=True,
            **(as_owner if os.geteuid() == 0 else {}),
        )
        assert done.returncode == 0, done.stderr.decode()

    def back_up(self) -> None:
        """Take a base backup while the server works."""
        self.run("pg_basebackup", "-D", self.data.parent / "backup", "-c", "fast")

    def lose_and_restore(self, point: str) -> None:
        """Lose the machine's data, and bring the database back to a restore point from backup and archive."""
        self.server.kill()
        shutil.rmtree(self.data)
        (self.data.parent / "backup").rename(self.data)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(f"recovery_target_name = '{point}'\nrecovery_target_action = 'promote'\n")
        (self.data / "recovery.signal").touch()
        self.own(self.data / "recovery.signal")
        self.server.start()

    def skip_numbers(self, database: str) -> None:
        """Run what the runbook has the owner run after a restore."""
        options = ("-d", database, "-v", "ON_ERROR_STOP=1", "-v", "schema=sigill", "-f", "-")
        self.run("psql", *options, text=AFTER_RESTORE.read_bytes())


async def asked(dsn: str, statement: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


FINGERPRINT = {
    "measures": "SELECT to_jsonb(t) - 'seal' FROM measure t ORDER BY measure_id",
    "versions": "SELECT to_jsonb(t) - 'seal' FROM measure_version t ORDER BY measure_id, version",
    "people": "SELECT to_jsonb(t) - 'seal' FROM person_version t ORDER BY person_id, sequence",
    "custody": "SELECT to_jsonb(t) - 'seal' FROM custody t ORDER BY child_id, sequence, ordinal",
    "orders": "SELECT registration_number, order_id, proven, person_id, form, digest, original, received_at, record_offset, known_from "
    "FROM signed_order ORDER BY record_offset",
    "answers": "SELECT o.record_offset, a.version, a.outcome, a.codes, a.measures, a.judged_at, a.known_from, "
    "a.receipt FROM order_outcome a JOIN signed_order o USING (registration) "
    "ORDER BY 1, 2",
    "timers": "SELECT person_id, due_at, kind, measure_id, order_id, region, state, fired_at FROM timer "
    "ORDER BY person_id, due_at, kind, measure_id",
    "tasks": "SELECT kind, subject, person_id, due_at, target, key_in, opened_at, state FROM task ORDER BY kind, subject",
    "offsets": "SELECT consumer_group, topic, partition, next_offset FROM consumer_offset ORDER BY topic",
    "audit": "SELECT chain, position, recorded_at, action, body FROM audit_entry WHERE chain NOT LIKE 'rows-%' "
    "ORDER BY chain, position",
    "events": "SELECT aggregatetype, aggregateid, event_id, headers FROM outbox "
    "WHERE aggregatetype <> 'access.state.v1' ORDER BY id",
}
"""
The whole store, but for numbers that only say in which order something was given one.

Nor are the rows' seals compared, which are drawn by lot when a row is written, or the chains that bind them: those are
held against the rows by `audit_check`.
"""


async def fingerprint(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "sigill"})
    try:
        return {
            name: [tuple(row) for row in await connection.fetch(statement)]
            for name, statement in FINGERPRINT.items()
        }
    finally:
        await connection.close()


async def bodies(dsn: str) -> dict[Any, Any]:
    """What is published, by event id; a state's version says in which order it was written, and is left out."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "sigill"})
    try:
        rows = await connection.fetch(
            "SELECT event_id, payload FROM outbox WHERE aggregatetype NOT IN ('access.state.v1', 'ehr.orders.v1.dlq')"
        )
        return {row["event_id"]: json.loads(row["payload"]) for row in rows if row["payload"]}
    finally:
        await connection.close()


def numbers_in(published: dict[Any, Any]) -> set[str]:
    """The registration numbers that the receipts' notes bear."""
    return {body["note"]["registration_number"] for body in published.values() if body.get("note")}


async def versions(harness: WorkerHarness) -> list[int]:
    async with harness.store.reading() as tx:
        events = await outbox.unpublished(tx, range(outbox.SHARDS), 10_000)
    return [state.version for state in read(events, "access.state.v1")]


@pytest.mark.parametrize(
    ("clock_goes_on", "register_first"),
    [(False, False), (True, False), (True, True)],
    ids=["at the same times", "later", "the register first"],
)
async def test_a_restored_store_reads_the_topics_again_and_ends_as_it_was(
    server: EmbeddedPostgres, clock_goes_on: bool, register_first: bool
) -> None:
    dsn = await server.create_database("day")
    await migrate(dsn)
    machine = Machine.of(server, await asked(dsn, "SHOW data_directory"), await asked(dsn, "SHOW port"))

    senders, topics, clock = Senders(START), Topics(), FixedClock(START - timedelta(days=30))
    async with opened(dsn, senders, clock) as harness:
        assert not await meet(harness.store)
        await harness.assign()
        await topics.send(harness, *senders.staff(clock.now()))
        await topics.send(harness, *senders.people(clock.now()))
        clock.set(START)
        seal, block = senders.orders(START), senders.orders(START, "block_guardians", patient=person(CHILD))
        await topics.send(harness, seal, block)

        # a base backup while it works, and some more of the day after it
        machine.back_up()
        clock.set(START + timedelta(hours=1))
        await topics.send(
            harness,
            senders.garbage(FATHER),
            seal,
            senders.orders(clock.now(), "seal_journal", patient=person(CHILD)),
        )
        at_the_point = await fingerprint(dsn)
        await asked(dsn, "SELECT pg_create_restore_point('noon')")

        # the afternoon: it will be lost, and is on the topics
        clock.set(START + timedelta(hours=5))
        lift = senders.orders(clock.now(), "release_journal_seal", releases=[seal.order_id])
        moved = senders.registers(clock.now(), CHILD, sequence=2, custody=[{"guardian": person(MOTHER)}])
        await topics.send(harness, lift, moved, senders.orders(clock.now(), patient=person(FATHER)))
        await topics.send(harness, senders.orders(clock.now(), patient=person(ADULT)))
        if clock_goes_on:
            # somebody whom the register names only after an order about them: it waits. Their surrogate will be another
            await topics.send(harness, senders.orders(clock.now(), patient=person(STRANGER)))
            await topics.send(harness, senders.registers(clock.now(), STRANGER))
        in_the_evening = await fingerprint(dsn)
        published, told = await versions(harness), await bodies(dsn)
        await asked(dsn, "SELECT pg_switch_wal()")
        await asked(dsn, "CHECKPOINT")

    machine.lose_and_restore("noon")
    async with asyncio.timeout(30):
        while await asked(dsn, "SELECT pg_is_in_recovery()"):
            await asyncio.sleep(0.1)
    assert await fingerprint(dsn) == at_the_point
    assert at_the_point != in_the_evening
    if not clock_goes_on:
        machine.skip_numbers("day")  # by hand, too: it only skips further

    async with opened(dsn, senders, clock) as harness:
        assert await meet(harness.store)  # numbers skip by themselves
        await harness.assign()
        taken = await topics.read_again(harness, clock_goes_on=clock_goes_on, register_first=register_first)
        assert taken == (6 if clock_goes_on else 4)  # a lift, register messages, seals
        again = await bodies(dsn)
        both = {event: again[event] for event in told if event in again}
        assert both == {event: told[event] for event in both}, "one event id, two bodies"
        # the answer that it waits is not given where it need not wait
        assert bool(told.keys() - again.keys()) == register_first
        numbers = numbers_in(told)
        assert len(numbers) == (7 if clock_goes_on else 6)
        assert numbers == numbers_in(again)
        assert all(number.startswith(f"TL {START:%Y}/") for number in numbers), "in the region's own series"
        if register_first:
            return
        evening = await fingerprint(dsn)
        later = {"orders", "answers", "audit", "events", "measures", "versions", "people", "tasks", "timers"}
        assert {name for name in evening if evening[name] != in_the_evening[name]} <= (
            later if clock_goes_on else set()
        )
        again = await versions(harness)
        assert len(again) == len(published)
        assert min(set(again) - set(published)) > max(published)  # readers of the state keep the new one
        async with harness.store.reading() as tx:
            assert await audit_check.verify(tx) == []

        # and once more from the very beginning: nothing is done twice
        clock.set(START + timedelta(hours=6))
        before = await fingerprint(dsn)
        for _, record in topics.kept:
            if record.topic != "ehr.orders.v1":
                await harness.hand_over_records([record])
        after = await fingerprint(dsn)
        assert {name for name in after if after[name] != before[name]} <= {"offsets"}
