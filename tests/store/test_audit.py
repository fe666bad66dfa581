"""The chain finds what an administrator with every right has done to it, and says where."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import asyncpg
import pytest

from sigill.store import access_log, audit, erasure
from sigill.store.access_log import AccessLogEntry, AccessLogFault
from sigill.store.audit import AuditEntry, ChainHead
from sigill.store.audit_check import AuditFault, verify
from sigill.store.session import Store
from tests.kit.rows import CHILD, DAY, HOUR, MOTHER, T0, ids, someone

LENGTH = 1000
Tamper = Callable[[asyncpg.Connection], Awaitable[object]]


async def _chain(store: Store, length: int = LENGTH, personal: set[int] | None = None) -> None:
    chain = "intake-0"
    async with store.transaction(T0) as tx:
        child = await someone(tx)
    for start in range(0, length, 250):
        async with store.transaction(T0 + start * HOUR) as tx:
            await audit.append(
                tx,
                [
                    AuditEntry(chain, "intake", "executed", {"n": n}, child, {"motivation": f"because {n}"})
                    if personal is None or n in personal
                    else AuditEntry(chain, "intake", "executed", {"n": n})
                    for n in range(start, min(start + 250, length))
                ],
            )


def _of_ours(heads: Sequence[ChainHead]) -> list[ChainHead]:
    """Heads without those of the database's own chains, which the rows of a test's people are in."""
    return [head for head in heads if not head.chain.startswith("rows-")]


async def _as_owner(admin: asyncpg.Connection, *statements: str) -> None:
    """What a superuser can do: switch the triggers off, and change what he likes."""
    async with admin.transaction():
        await admin.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await admin.execute(statement)


_SHIFT = "UPDATE audit_entry SET position = -position WHERE position {0}; UPDATE audit_entry SET position = -position {1} WHERE position < 0"
_DROP_CHECK = "ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_position_check"
_COPY = (
    "INSERT INTO audit_entry SELECT chain, {position}, recorded_at, actor, action, '{{\"n\":-1}}', NULL, "
    "{prev}, {hash} FROM audit_entry WHERE position = 600"
)
_FORGED = "sha256('forged')"

TAMPERINGS: dict[str, tuple[list[str], list[tuple[int, str]]]] = {
    "body changed": (
        ["UPDATE audit_entry SET body = '{\"n\":7}' WHERE position = 500"],
        [(500, "changed")],
    ),
    "body changed by a space": (
        ["UPDATE audit_entry SET body = '{\"n\": 499}' WHERE position = 500"],
        [(500, "changed")],
    ),
    "actor changed": (["UPDATE audit_entry SET actor = 'nobody' WHERE position = 1"], [(1, "changed")]),
    "time changed": (
        ["UPDATE audit_entry SET recorded_at = recorded_at + interval '1 microsecond' WHERE position = 1000"],
        [(1000, "changed")],
    ),
    "personal digest removed": (
        ["UPDATE audit_entry SET personal_digest = NULL WHERE position = 500"],
        [(500, "changed"), (500, "personal_changed")],
    ),
    "hash changed": (
        [f"UPDATE audit_entry SET row_hash = {_FORGED} WHERE position = 500"],
        [(500, "changed")],
    ),
    "one removed": (["DELETE FROM audit_entry WHERE position = 500"], [(501, "removed")]),
    "the first removed": (["DELETE FROM audit_entry WHERE position = 1"], [(2, "removed")]),
    "several removed": (
        ["DELETE FROM audit_entry WHERE position IN (10, 11, 12, 700)"],
        [(13, "removed"), (701, "removed")],
    ),
    "one removed and the others renumbered": (
        ["DELETE FROM audit_entry WHERE position = 600", _DROP_CHECK, _SHIFT.format("> 600", "- 1")],
        [(600, "removed")],
    ),
    "one inserted, linked to the one before": (
        [
            _DROP_CHECK,
            _SHIFT.format("> 600", "+ 1"),
            _COPY.format(position=601, prev="row_hash", hash=_FORGED),
        ],
        [(601, "changed")],
    ),
    "one inserted with a hash that is right": (
        [
            _DROP_CHECK,
            _SHIFT.format("> 600", "+ 1"),
            _COPY.format(
                position=601,
                prev="row_hash",
                hash='sha256(row_hash || convert_to(\'{"action":"\' || action || \'","actor":"\' || actor || \'","at":"\' || '
                'to_char(recorded_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US\') || \'+00:00","body":{"n":-1},"chain":"\' '
                "|| chain || '\",\"personal\":null}', 'UTF8'))",
            ),
        ],
        [(601, "inserted")],
    ),
    "one added at the end": (
        [
            "INSERT INTO audit_entry SELECT chain, 1001, recorded_at, actor, action, body, NULL, row_hash, "
            f"{_FORGED} FROM audit_entry WHERE position = 1000"
        ],
        [(1001, "changed")],
    ),
    "two swapped": (
        [
            _DROP_CHECK,
            "UPDATE audit_entry SET position = -300 WHERE position = 300",
            "UPDATE audit_entry SET position = 300 WHERE position = 600",
            "UPDATE audit_entry SET position = 600 WHERE position = -300",
        ],
        [(300, "moved"), (600, "moved")],
    ),
    "personal part changed": (
        ['UPDATE audit_personal SET detail = \'{"motivation":"none"}\' WHERE position = 500'],
        [(500, "personal_changed")],
    ),
    "personal part of another person": (
        ["UPDATE audit_personal SET person_id = 4711 WHERE position = 500"],
        [(500, "personal_changed")],
    ),
    "personal part removed": (
        ["DELETE FROM audit_personal WHERE position = 500"],
        [(500, "personal_removed")],
    ),
    "emptied": (["TRUNCATE audit_entry, audit_personal"], [(1000, "unpublished")]),
    "cut off at the end": (
        ["DELETE FROM audit_personal WHERE position > 900", "DELETE FROM audit_entry WHERE position > 900"],
        [(1000, "unpublished")],
    ),
}


@pytest.fixture(scope="module")
async def chained(services):
    """A database with a whole chain, to clone for each tampering."""
    import uuid

    from tests.kit.rows import store_on

    name = f"chained_{uuid.uuid4().hex[:12]}"
    dsn = await services.postgres().create_database(name, template=await services.template())
    store = await store_on(dsn)
    await _chain(store, personal={499})
    async with store.reading() as tx:
        assert await verify(tx) == []
    await store.close()
    yield name
    await services.postgres().drop_database(name)


@pytest.mark.parametrize("tampering", TAMPERINGS)
async def test_a_tampering_is_found_and_named(services, chained: str, tampering: str) -> None:
    from tests.kit.rows import store_on

    statements, expected = TAMPERINGS[tampering]
    name = f"{chained}_x"
    dsn = await services.postgres().create_database(name, template=chained)
    try:
        store = await store_on(dsn)
        async with store.reading() as tx:
            published = _of_ours(await audit.heads(tx))
        admin = await asyncpg.connect(dsn, server_settings={"search_path": "sigill"})
        await _as_owner(admin, *statements)
        await admin.close()
        async with store.reading() as tx:
            faults = await verify(tx, published)
        await store.close()
        found = [(fault.position, fault.kind) for fault in faults if fault.chain == "intake-0"]
        cut = (LENGTH, "unpublished")  # renumbered chains differ from the published head as well
        assert [one for one in found if one != cut or cut in expected] == expected
    finally:
        await services.postgres().drop_database(name)


async def test_writers_side_by_side_never_break_a_chain(store: Store) -> None:
    async def writer(number: int) -> None:
        for turn in range(10):
            async with store.transaction(T0) as tx:
                await audit.append(
                    tx,
                    [AuditEntry(chain, f"w{number}", "did", {"turn": turn}) for chain in ("b", "a", "b")],
                )

    await asyncio.gather(*(writer(number) for number in range(6)))
    async with store.reading() as tx:
        assert await verify(tx) == []
        assert [(head.chain, head.position) for head in await audit.heads(tx)] == [("a", 60), ("b", 120)]


async def test_published_heads_show_a_chain_that_was_written_anew(
    store: Store, admin: asyncpg.Connection
) -> None:
    await _chain(store, 20)
    async with store.transaction(T0 + 500 * HOUR) as tx:
        published = await audit.checkpoint(tx, "relay")
    published = _of_ours(published)
    assert [(head.chain, head.position) for head in published] == [("intake-0", 20), ("heads", 1)]
    async with store.reading() as tx:
        assert await verify(tx, published) == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="history"):
            await admin.execute("DELETE FROM audit_entry")
    await _as_owner(admin, "DELETE FROM audit_personal", "DELETE FROM audit_entry WHERE chain = 'intake-0'")
    await _chain(store, 20)
    await _as_owner(admin, "UPDATE audit_personal SET person_id = person_id")
    async with store.reading() as tx:
        assert await verify(tx) == []  # the new chain is whole in itself
        found = await verify(tx, published)
    assert found == [AuditFault("intake-0", 20, "unpublished")]


async def test_the_chain_verifies_after_a_person_is_erased(store: Store, admin: asyncpg.Connection) -> None:
    await _chain(store, 30)
    async with store.transaction(T0) as tx:
        mother = await someone(tx, MOTHER)
        await audit.append(tx, [AuditEntry("intake-0", "intake", "refused", {}, mother, {"name": "Testa"})])
    async with store.transaction(T0 + DAY) as tx:
        (child,) = await ids(tx, CHILD)
        entries = await audit.of_person(tx, child)
        assert [json.loads(entry.personal)["motivation"] for entry in entries[:2]] == [
            "because 0",
            "because 1",
        ]
        await erasure.erase(tx, child, "operator-1")
    async with store.reading() as tx:
        assert await verify(tx) == []
        assert await audit.of_person(tx, child) == []
        assert len(await audit.of_person(tx, mother)) == 1
    await _as_owner(admin, "DELETE FROM audit_personal")  # the mother's too: nobody erased her
    async with store.reading() as tx:
        assert await verify(tx) == [AuditFault("intake-0", 31, "personal_removed")]


def test_the_hash_is_over_the_rfc_8785_form() -> None:
    import hashlib

    import rfc8785

    body = audit.canonical({"b": [1, "å"], "a": None})
    row = {
        "chain": "c",
        "at": "2026-03-01T08:30:00.000000+00:00",
        "actor": 'quo"te',
        "action": "did",
        "body": {"b": [1, "å"], "a": None},
        "personal": "00ff",
    }
    expected = hashlib.sha256(bytes(32) + rfc8785.dumps(row)).digest()
    assert expected == audit.link(
        audit.START, chain="c", recorded_at=T0, actor='quo"te', action="did", body=body, digest=b"\x00\xff"
    )


async def test_the_access_log_tells_a_patient_who_looked(store: Store, admin: asyncpg.Connection) -> None:
    async with store.transaction(T0) as tx:
        child, mother = await ids(tx, CHILD, MOTHER)
        await access_log.append(tx, [AccessLogEntry("op-1", "support", child, "caller asks", "access page")])
    async with store.transaction(T0 + HOUR) as tx:
        await access_log.append(
            tx,
            [
                AccessLogEntry("client-a", None, mother, "decision", "answer"),
                AccessLogEntry("client-a", None, child, "decision", "answer"),
            ],
        )
    async with store.reading() as tx:
        extract = await access_log.of_person(tx, child)
        assert [(one.at, one.look.actor, one.look.unit) for one in extract] == [
            (T0, "op-1", "support"),
            (T0 + HOUR, "client-a", None),
        ]
        assert await access_log.of_person(tx, child, looked_from=T0 + HOUR) == extract[1:]
        assert [one.look.patient for one in await access_log.of_actor(tx, "client-a")] == [child, mother]
        assert await access_log.verify(tx) == []
        assert await verify(tx) == []

    await _as_owner(
        admin,
        "UPDATE access_log_line SET person_id = 4711 WHERE look_id = 2",
        "DELETE FROM access_log_line WHERE look_id = 3",
        "INSERT INTO access_log_line (look_id, looked_at, person_id, asker_id, shown_id, salt) OVERRIDING SYSTEM VALUE "
        "SELECT 4, looked_at, person_id, asker_id, shown_id, salt FROM access_log_line WHERE look_id = 1",
    )
    async with store.reading() as tx:
        assert await access_log.verify(tx) == [
            AccessLogFault(2, "changed"),
            AccessLogFault(3, "removed"),
            AccessLogFault(4, "inserted"),
        ]


async def test_the_access_log_is_kept_five_years(store: Store) -> None:
    long_ago = T0 - timedelta(days=6 * 366)
    async with store.transaction(long_ago) as tx:
        child = await someone(tx)
        await access_log.append(tx, [AccessLogEntry("op-1", None, child, "r", "s")] * 3)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="five years"):
        async with store.transaction(T0) as tx:
            await access_log.purge(tx, T0 - timedelta(days=4 * 366), "auditor")
    async with store.transaction(T0) as tx:
        assert await access_log.purge(tx, long_ago + HOUR, "auditor") == 0, "the month is not over"
        assert await access_log.purge(tx, long_ago + timedelta(days=31), "auditor") == 3
    async with store.reading() as tx:
        assert await access_log.of_person(tx, child) == []
        assert await access_log.verify(tx) == []
        assert await verify(tx) == []


async def test_verify_names_heads_that_are_missing(store: Store) -> None:
    async with store.reading() as tx:
        assert await verify(tx, [ChainHead("gone", 3, bytes(32))]) == [AuditFault("gone", 3, "unpublished")]
