"""What has been kept long enough goes, nothing else does, and the chain still verifies afterwards."""

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from sigill.operations.archive import archive_before_disposal
from sigill.operations.bagit import digest_of, write_bag
from sigill.operations.retention import ArchiveFolderMissing, Disposal, Keeping, rehearse, run
from sigill.policy.effects import AddTask, CloseTask, Sentence, SetTimer, TimerKind
from sigill.runtime.settings import NEVER, WrongSettings, load_settings
from sigill.store import (
    access_log,
    audit,
    audit_check,
    dead_letters,
    measures,
    orders,
    outbox,
    persons,
    tasks,
    timers,
)
from sigill.store.access_log import AccessLogEntry
from sigill.store.audit import AuditEntry
from sigill.store.dead_letters import DeadRecord
from sigill.store.session import Store
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import STATE
from sigill_contracts.vocabulary import MeasureId, OrderId, Outcome, PersonId, RegionCode
from tests.kit.rows import ADULT, CHILD, FATHER, MOTHER, answered, ids, key_of, seal, signed, told

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
YEAR = timedelta(days=366)
DECISION = "RS 2024-00123, 2024-02-06, § 45"
KEEPING = Keeping(
    outbox=Disposal(timedelta(days=30), DECISION),
    dead_letters=Disposal(timedelta(days=365), DECISION),
    evidence=Disposal(timedelta(days=3650), DECISION),
    access_log=Disposal(timedelta(days=1830), DECISION),
    persons=Disposal(timedelta(days=3650), DECISION),
    timers=Disposal(timedelta(days=731), DECISION),
    tasks=Disposal(timedelta(days=3650), DECISION),
)
ORDERS = [OrderId(f"0192f0c1-0000-7000-8000-00000000000{n}") for n in range(5)]


async def _living(store: Store, at: datetime) -> tuple[PersonId, PersonId, PersonId]:
    """A child in life, somebody who died 11 years before NOW, somebody who died a year before."""
    async with store.transaction(at) as tx:
        child, long_dead, lately_dead = await ids(tx, CHILD, ADULT, FATHER)
        await persons.lock(tx, [child, long_dead, lately_dead])
        await persons.record(
            tx,
            [
                told(child, CHILD, 1, at),
                told(long_dead, ADULT, 1, at, birth="1970-06-06", died_on=date(2013, 5, 1)),
                told(lately_dead, FATHER, 1, at, birth="1984-02-02", died_on=date(2023, 5, 1)),
            ],
            key_of,
        )
    return child, long_dead, lately_dead


async def _ordered(
    store: Store, registration: int, patient: PersonId, at: datetime, valid_to: datetime | None
) -> None:
    async with store.transaction(at) as tx:
        await persons.lock(tx, [patient])
        order_id = ORDERS[registration]
        one = signed(registration, order_id, patient, received_at=at)
        await orders.record(tx, [one])
        await measures.append(
            tx, [replace(seal(patient), orders=(order_id,), valid_from=at, valid_to=valid_to)]
        )
        await orders.answer(tx, [answered(registration, Outcome.EXECUTED)])
        entry = AuditEntry("intake-0", "sigill", "executed", {"order_id": order_id}, patient, {"why": "x"})
        await audit.append(tx, [entry])


async def _bytes_left(admin: asyncpg.Connection) -> dict[int, bool]:
    rows = await admin.fetch(
        "SELECT s.registration, s.original IS NOT NULL AND s.payload IS NOT NULL AND o.receipt IS NOT NULL AS there "
        "FROM signed_order s JOIN order_outcome o USING (registration)"
    )
    return {row["registration"]: row["there"] for row in rows}


async def test_evidence_is_kept_as_long_after_the_last_measure_that_rests_on_it(
    store: Store, ops: Store, auditors: Store, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    old = NOW - 13 * YEAR
    child, *_ = await _living(store, old)
    await _ordered(store, 1, child, old, old + YEAR)  # ended twelve years ago
    await _ordered(store, 2, child, old, NOW - 2 * YEAR)  # signed as long ago, ended two years ago
    await _ordered(store, 3, child, old, None)  # in force
    await _ordered(store, 4, child, NOW - YEAR, NOW - YEAR + timedelta(days=1))  # lately
    would = await rehearse(ops, auditors, KEEPING, NOW)
    assert {one.kind: one.number for one in would}["evidence"] == 1
    assert all((await _bytes_left(admin)).values()), "a rehearsal changes nothing"

    ended = {one.kind: one.number for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}
    assert ended["evidence"] == 1
    assert await _bytes_left(admin) == {1: False, 2: True, 3: True, 4: True}
    assert {one.kind: one.number for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}[
        "evidence"
    ] == 0
    async with auditors.reading() as tx:
        assert await audit_check.verify(tx) == []
        said = await tx.fetch("SELECT body FROM audit_entry WHERE action = 'evidence_ended'")
    assert [json.loads(row["body"]) for row in said] == [
        {
            "before": (NOW - KEEPING.evidence.after).isoformat(),
            "packages": [[1, digest_of(tmp_path / "SIGILL-1")]],
            "registrations": [[1, 1]],
        }
    ]


async def test_the_long_dead_are_erased_with_a_tombstone_and_the_chain_still_verifies(
    store: Store, ops: Store, auditors: Store, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    old = NOW - 12 * YEAR
    _, long_dead, lately_dead = await _living(store, old)
    await _ordered(store, 1, long_dead, old, None)
    await _ordered(store, 2, lately_dead, NOW - YEAR, None)
    would = {one.kind: one.number for one in await rehearse(ops, auditors, KEEPING, NOW)}
    assert would["persons"] == 1

    ended = {one.kind: one for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}
    assert (ended["persons"].number, ended["persons"].tombstones) == (1, 1)
    async with store.reading() as tx:
        assert await persons.resolve(tx, [ADULT]) == {}
        assert set(await persons.resolve(tx, [CHILD, FATHER])) == {CHILD, FATHER}
        (tombstone,) = await outbox.unpublished(tx, range(outbox.SHARDS), 10)
        assert (tombstone.aggregatetype, tombstone.aggregateid, tombstone.payload) == (
            STATE.name,
            key_of(ADULT.number),
            None,
        )
        assert await audit_check.verify(tx) == []
    # nothing that says who it was, anywhere in the database
    number = ADULT.number
    for table in (
        "person_identity",
        "person_version",
        "signed_order",
        "order_outcome",
        "audit_entry",
        "audit_personal",
    ):
        rows = await admin.fetch(f"SELECT row_to_json(t)::text AS row FROM {table} t")
        assert rows, table
        assert not any(number in row["row"] for row in rows), table
    # its entries in the chain stand, without their personal part
    assert await admin.fetchval("SELECT count(*) FROM audit_entry WHERE chain = 'intake-0'") == 2
    assert await admin.fetchval("SELECT count(*) FROM audit_personal WHERE chain = 'intake-0'") == 1
    again = {one.kind: one.number for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}
    assert again["persons"] == 0


async def test_what_goes_with_a_person_is_packaged_first_and_nothing_goes_without(
    store: Store, ops: Store, auditors: Store, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    old = NOW - 12 * YEAR
    child, long_dead, _ = await _living(store, old)
    await _ordered(store, 1, long_dead, old, None)
    await _ordered(store, 2, child, old, old + timedelta(days=1))
    with pytest.raises(ArchiveFolderMissing):
        await run(ops, auditors, KEEPING, NOW, "night")
    (tmp_path / "full").write_text("no folder")
    with pytest.raises(OSError, match="full"):
        await run(ops, auditors, KEEPING, NOW, "night", tmp_path / "full")
    assert await _bytes_left(admin) == {1: True, 2: True}, "no package, so nothing has gone"

    await run(ops, auditors, KEEPING, NOW, "night", tmp_path)
    assert await _bytes_left(admin) == {1: False, 2: False}
    assert (tmp_path / "SIGILL-1" / "data" / "form.json").is_file()
    packaged: dict[int, str] = {}
    async with auditors.reading() as tx:
        for row in await tx.fetch(
            "SELECT body FROM audit_entry WHERE action IN ('evidence_ended', 'person_erased')"
        ):
            packaged |= dict(json.loads(row["body"]).get("packages", []))
        assert await audit_check.verify(tx) == []
    assert packaged == {n: digest_of(tmp_path / f"SIGILL-{n}") for n in (1, 2)}
    async with auditors.reading() as tx:
        looks = [one.look.shown for one in await access_log.of_person(tx, child)]
    assert looks == ["archive package SIGILL-2"]


def test_the_name_of_a_package_outlives_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it stands for is destroyed next: a package whose folder's entry was still in memory would go with the power."""
    kept: list[tuple[Path, list[str]]] = []

    def seen(number: int) -> None:
        at = Path(f"/proc/self/fd/{number}").readlink()
        kept.append((at, sorted(one.name for one in at.iterdir()) if at.is_dir() else []))

    monkeypatch.setattr("os.fsync", seen)
    write_bag(tmp_path / "SIGILL-1", {"receipts/001.json": b"{}"}, {}, NOW)
    inside = {at.name for at, names in kept if names}
    assert {"receipts", "data"} <= inside
    assert kept[-1] == (tmp_path, ["SIGILL-1"])


async def test_what_falls_due_while_the_packages_are_made_waits_for_one_of_its_own(
    store: Store,
    ops: Store,
    auditors: Store,
    admin: asyncpg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = NOW - 13 * YEAR
    child, *_ = await _living(store, old)
    await _ordered(store, 1, child, old, old + YEAR)
    another = iter([2])

    async def meanwhile(*given: Any) -> dict[int, str]:
        made = await archive_before_disposal(*given)
        for registration in another:
            await _ordered(store, registration, child, old, old + YEAR)
        return made

    monkeypatch.setattr("sigill.operations.retention.archive_before_disposal", meanwhile)
    ended = {one.kind: one.number for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}
    assert ended["evidence"] == 2
    assert await _bytes_left(admin) == {1: False, 2: False}
    rows = await admin.fetch("SELECT body FROM audit_entry WHERE action = 'evidence_ended'")
    assert [json.loads(row["body"])["packages"] for row in rows] == [
        [[n, digest_of(tmp_path / f"SIGILL-{n}")] for n in (1, 2)]
    ]


async def test_a_person_about_whom_something_waits_is_not_erased(
    store: Store, ops: Store, auditors: Store, tmp_path: Path
) -> None:
    _, long_dead, _ = await _living(store, NOW - 12 * YEAR)
    async with store.transaction(NOW) as tx:
        await persons.lock(tx, [long_dead])
        await orders.record(tx, [signed(0, ORDERS[0], long_dead)])
        await orders.answer(tx, [answered(0, Outcome.PENDING, codes=("awaiting_signed_form",))])
    ended = {one.kind: one.number for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}
    assert ended["persons"] == 0


async def test_the_access_log_goes_after_five_years_and_not_before(
    store: Store, ops: Store, auditors: Store, tmp_path: Path
) -> None:
    async with store.transaction(NOW - 6 * YEAR) as tx:
        (mother,) = await ids(tx, MOTHER)
        await access_log.append(tx, [AccessLogEntry("op", "unit", mother, "old", "page")])
    async with store.transaction(NOW - 5 * YEAR + timedelta(days=9)) as tx:
        await access_log.append(tx, [AccessLogEntry("op", "unit", mother, "younger than five years", "page")])
    ended = {one.kind: one.number for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}
    assert ended["access_log"] == 1
    async with auditors.reading() as tx:
        assert [one.look.reason for one in await access_log.of_person(tx, mother)] == [
            "younger than five years"
        ]
        assert await access_log.verify(tx) == []
        assert await audit_check.verify(tx) == []


async def test_nobody_ends_the_keeping_by_saying_that_it_is_another_year(
    store: Store, auditors: Store, ops: Store, admin: asyncpg.Connection
) -> None:
    """The caller's clock may be wrong, or lie; five years are counted by the server's."""
    today = await admin.fetchval("SELECT now()")
    async with store.transaction(today - timedelta(days=30)) as tx:
        (mother,) = await ids(tx, MOTHER)
        await access_log.append(tx, [AccessLogEntry("op", "unit", mother, "r", "s")])
    later = today + 6 * YEAR
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="five years"):
        async with auditors.transaction(later) as tx:
            await access_log.purge(tx, later - KEEPING.access_log.after, "auditor")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="a year"):
        await ops_purges(ops, later)


async def ops_purges(ops: Store, now: datetime) -> None:
    async with ops.transaction(now) as tx:
        await tx.fetch("SELECT * FROM purge_evidence($1, $1, 0, 10)", now)


async def test_published_events_go_and_waiting_ones_stay(
    store: Store, ops: Store, auditors: Store, tmp_path: Path
) -> None:
    async with store.transaction(NOW - YEAR) as tx:
        await outbox.append(tx, [_event("a"), _event("b"), _event("c")])
        waiting = await outbox.unpublished(tx, range(outbox.SHARDS), 10)
        await outbox.mark(tx, [one.id for one in waiting if one.aggregateid != "b"])
    ended = {one.kind: one.number for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}
    assert ended["outbox"] == 2
    async with store.reading() as tx:
        assert [one.aggregateid for one in await outbox.unpublished(tx, range(outbox.SHARDS), 10)] == ["b"]


def _event(key: str) -> outbox.OutboxRow:
    from uuid import uuid4

    return outbox.OutboxRow(uuid4(), "access.changes.v1", key, "type", b"{}")


def _task(subject: str) -> AddTask:
    return AddTask(
        "call_the_unit", subject, Sentence("Ring enheten.", "Call the unit."), RegionCode("kronoberg")
    )


def _kept_by(decision: str | None) -> Keeping:
    return Keeping(*(replace(getattr(KEEPING, one.name), decision=decision) for one in fields(Keeping)))


async def _one_of_each(store: Store) -> None:
    """One of each kind that is past its time at NOW."""
    old = NOW - 13 * YEAR
    child, *_ = await _living(store, old)
    await _ordered(store, 1, child, old, old + YEAR)
    async with store.transaction(old) as tx:
        await access_log.append(tx, [AccessLogEntry("op", "unit", child, "old", "page")])
        await outbox.append(tx, [_event("a")])
        await outbox.mark(tx, [one.id for one in await outbox.unpublished(tx, range(outbox.SHARDS), 10)])
        letter = DeadRecord(
            "ehr.orders.v1", 0, 7, "sigill.intake", b"k", b"{", (), DeadLetterReason.UNREADABLE_PAYLOAD
        )
        await dead_letters.replay(tx, await dead_letters.append(tx, [letter]), "op-1")
        await timers.set(tx, [SetTimer(TimerKind.CUSTODY_CHANGES, old, child, RegionCode("kronoberg"))])
        assert await timers.done(tx, [one.timer_id for one in await timers.due(tx, old, 5)]) == 1
        await tasks.add(tx, [(child, _task("over"))])
        assert await tasks.close(tx, [CloseTask(_task("over").kind, "over")]) == 1


async def test_a_timer_goes_with_its_measure_and_none_fires_twice(
    store: Store, ops: Store, auditors: Store, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    old = NOW - 13 * YEAR
    child, *_ = await _living(store, old)
    await _ordered(store, 1, child, old, old + YEAR)  # ended twelve years ago
    await _ordered(store, 2, child, old, None)  # in force
    of = {row["orders"][0]: row["measure_id"] for row in await admin.fetch("SELECT * FROM measure_version")}
    ended, standing = (MeasureId(str(of[UUID(ORDERS[n])])) for n in (1, 2))
    region = RegionCode("kronoberg")
    due = old + timedelta(days=30)
    asked = [SetTimer(TimerKind.REVIEW_DUE, due, child, region, one) for one in (ended, standing)]
    async with store.transaction(old + timedelta(days=31)) as tx:
        await timers.set(tx, [*asked, SetTimer(TimerKind.REVIEW_DUE, NOW, child, region, standing)])
        assert await timers.done(tx, [one.timer_id for one in await timers.due(tx, tx.now, 5)]) == 2
        await tasks.add(tx, [(child, _task("open"))])
    counted = {one.kind: one.number for one in await rehearse(ops, auditors, KEEPING, NOW)}
    gone = {one.kind: one.number for one in await run(ops, auditors, KEEPING, NOW, "night", tmp_path)}
    assert (counted["timers"], counted["tasks"]) == (gone["timers"], gone["tasks"]) == (1, 0)
    async with store.transaction(NOW - timedelta(days=1)) as tx:
        await timers.set(tx, asked[1:])  # as every new version of the measure sets it
        assert await timers.due(tx, tx.now, 5) == []
        assert [one.due_at for one in await timers.of_persons(tx, [child])] == [NOW]
    for function in ("purge_timers", "purge_tasks"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="a year"):
            async with ops.transaction(NOW) as tx:
                await tx.fetch(f"SELECT {function}($1, $1)", NOW)


def test_the_inbox_has_no_end() -> None:
    assert load_settings(inbox_disposal=NEVER).inbox_disposal == NEVER
    with pytest.raises(WrongSettings) as refused:
        load_settings(inbox_disposal=DECISION)
    (line,) = refused.value.lines
    assert line.startswith("SIGILL_INBOX_DISPOSAL")
    assert "a second time" in line


@pytest.mark.parametrize("decision", [None, NEVER])
async def test_what_nobody_decided_to_destroy_is_kept_and_what_is_never_to_be_too(
    store: Store, ops: Store, auditors: Store, decision: str | None, tmp_path: Path
) -> None:
    await _one_of_each(store)
    kept = _kept_by(decision)
    would = {one.kind: one for one in await rehearse(ops, auditors, kept, NOW)}
    assert {kind: one.number for kind, one in would.items()} == dict.fromkeys(would, 1)
    assert all(one.kept for one in would.values())

    ended = await run(ops, auditors, kept, NOW, "night", tmp_path)
    assert {one.kind: (one.number, one.tombstones, one.kept) for one in ended} == dict.fromkeys(
        would, (0, 0, True)
    )
    again = {one.kind: one.number for one in await rehearse(ops, auditors, kept, NOW)}
    assert again == dict.fromkeys(would, 1), "everything is still there"

    # a person's erasure empties orders, events and dead letters too: it takes their decisions
    person = await run(ops, auditors, replace(kept, persons=KEEPING.persons), NOW, "night", tmp_path)
    lacking = {one.kind: one.lacking for one in person}["persons"]
    assert lacking == ("evidence", "dead_letters", "outbox")
    assert {one.number for one in person} == {0}
    # each kind by itself: what has a decision goes, and the others stay
    allowed = kept
    for kind in ("timers", "tasks", "access_log", "outbox", "dead_letters", "evidence", "persons"):
        allowed = replace(allowed, **{kind: getattr(KEEPING, kind)})
        done = {one.kind: one.number for one in await run(ops, auditors, allowed, NOW, "night", tmp_path)}
        assert done == {other: int(other == kind) for other in would}
    async with auditors.reading() as tx:
        said = await tx.fetch("SELECT body FROM audit_entry WHERE action = 'retention_run' ORDER BY position")
        assert await audit_check.verify(tx) == []
    assert {one["decision"] for one in json.loads(said[0]["body"]).values()} == {decision}
    assert json.loads(said[-1]["body"])["persons"]["decision"] == DECISION


@pytest.mark.parametrize(
    "cited", ["yes", "true", "30", "2024-02-06", "RS 2024-00123", "dnr 7, 2024-02-31", "a\nb"]
)
def test_what_cites_no_decision_is_refused_in_one_line(cited: str) -> None:
    with pytest.raises(WrongSettings) as refused:
        load_settings(evidence_disposal=cited)
    (line,) = refused.value.lines
    assert line.startswith("SIGILL_EVIDENCE_DISPOSAL")
    assert "\n" not in line


def test_no_decision_is_the_default_and_an_empty_one_is_none() -> None:
    assert {getattr(Keeping.of(load_settings()), one.name).destroys for one in fields(Keeping)} == {False}
    assert Keeping.of(load_settings(person_disposal=" ")).persons.decision is None
    assert Keeping.of(load_settings(person_disposal=DECISION)).persons.destroys
    assert not Keeping.of(load_settings(person_disposal=NEVER)).persons.destroys
