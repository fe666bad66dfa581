"""Each role does its work, and nothing that it must not do: refused by the database, not by good manners."""

from uuid import uuid4

import asyncpg
import pytest

from sigill.embedded import EmbeddedPostgres
from sigill.runtime.settings import load_settings
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store import (
    access_log,
    audit,
    dead_letters,
    erasure,
    facts,
    inbox,
    measures,
    migrate,
    orders,
    outbox,
    persons,
    timers,
)
from sigill.store.access_log import AccessLogEntry
from sigill.store.audit import AuditEntry
from sigill.store.session import Store, TooPowerful
from tests.kit.rows import CHILD, DAY, T0, ids, key_of, seal, signed, someone, store_on, told

WORKERS: tuple[DatabaseRole, ...] = ("sigill_intake", "sigill_register", "sigill_transitions")
ROLES: tuple[DatabaseRole, ...] = (*WORKERS, "sigill_relay", "sigill_reader", "sigill_ops", "sigill_auditor")
HISTORY = (
    "person person_identity person_version custody person_name person_merge staff_version staff_assignment unit "
    "person_separation "
    "elsewhere_measure unit_version unit_successor inbox signed_order order_outcome measure measure_version release_request release_answer "
    "release_event case_entry dead_letter "
    "dead_letter_action proposal proposal_verdict audit_entry audit_personal access_log_whole access_log_line access_log_asker access_log_shown person_erasure history_shape "
    "rulebook_draft rulebook_release rulebook_import rulebook_story"
).split()
WORK = (
    "elsewhere_source consumer_offset topic_size partition_wait pending_order outbox timer task source_hold console_session console_form console_kept_form dead_letter_claim population_load "
    "population_load_chunk population_load_refusal standing_evaluation incarnation alembic_version"
).split()
_LOADING = {"population_load", "population_load_chunk", "population_load_refusal"}
READS = {
    "sigill_relay": {"outbox", "audit_entry", "alembic_version"},
    "sigill_reader": {
        "person",
        "person_identity",
        "person_version",
        "custody",
        "person_merge",
        "person_separation",
        "staff_version",
        "staff_assignment",
        "unit",
        "unit_version",
        "unit_successor",
        "elsewhere_measure",
        "elsewhere_source",
        "measure",
        "measure_version",
        "audit_entry",
        "person_erasure",
        "rulebook_draft",
        "rulebook_release",
        "rulebook_import",
        "alembic_version",
    },
}
_LOOKS = {"access_log_whole", "access_log_line", "access_log_asker", "access_log_shown"}
_FROM_WORKERS = {
    *_LOOKS,
    "case_entry",
    "audit_personal",
    "rulebook_story",
    "proposal",
    "proposal_verdict",
    "console_session",
    "console_form",
    "console_kept_form",
    "dead_letter_claim",
    "history_shape",
    *_LOADING,
}
HIDDEN = {
    **dict.fromkeys(WORKERS, _FROM_WORKERS),
    "sigill_register": _FROM_WORKERS | {"signed_order"},  # but some columns, and what waits
    "sigill_transitions": _FROM_WORKERS | {"signed_order", "outbox", "dead_letter"},
    "sigill_ops": {*_LOOKS, "audit_personal", "history_shape", *_LOADING},
    "sigill_auditor": set(),
}


async def _tables(conn: asyncpg.Connection) -> list[str]:
    rows = await conn.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'sigill'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition"
    )
    return [row["relname"] for row in rows]


async def _refused(conn: asyncpg.Connection, statement: str) -> str | None:
    """None when the statement is refused for want of a right; else what happened."""
    try:
        async with conn.transaction():
            await conn.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return None
    except asyncpg.PostgresError as error:
        return f"{statement}: {error}"
    return f"{statement}: done"


async def test_every_table_is_history_or_work(admin: asyncpg.Connection) -> None:
    assert sorted(await _tables(admin)) == sorted([*HISTORY, *WORK])


@pytest.mark.parametrize("role", [*ROLES, "sigill_owner", None])
async def test_nobody_changes_history(admin: asyncpg.Connection, role: str | None) -> None:
    """Not the owner, not even a superuser, as long as the triggers are on."""
    if role:
        await admin.execute(f"SET ROLE {role}")
    failures = []
    for table in HISTORY:
        column = await admin.fetchval(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND attidentity = ''",
            f"sigill.{table}",
        )
        failures += [
            await _refused(admin, f"UPDATE {table} SET {column} = {column}"),
            await _refused(admin, f"DELETE FROM {table}"),
            await _refused(admin, f"TRUNCATE {table} CASCADE"),
        ]
    assert [failure for failure in failures if failure] == []


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_makes_or_unmakes_anything(admin: asyncpg.Connection, role: str) -> None:
    await admin.execute(f"SET ROLE {role}")
    failures = [
        await _refused(admin, statement)
        for statement in (
            "CREATE TABLE sigill.mine (n int)",
            "DROP TABLE audit_entry",
            "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
            "ALTER TABLE person_version ADD COLUMN note text",
            "DROP TRIGGER history ON audit_entry",
            "CREATE OR REPLACE FUNCTION sigill.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "CREATE ROLE another",
            "COPY measure FROM PROGRAM 'true'",
            "UPDATE alembic_version SET version_num = '0000'",
        )
    ]
    assert [failure for failure in failures if failure] == []


@pytest.mark.parametrize("role", ROLES)
async def test_a_login_of_a_role_cannot_become_another(
    postgres: EmbeddedPostgres, admin: asyncpg.Connection, role: str
) -> None:
    name = f"login_{role}"
    await admin.execute(
        f"DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN NOINHERIT; GRANT {role} TO {name}"
    )
    try:
        await admin.execute(f"SET SESSION AUTHORIZATION {name}")
        for statement in (
            "SET ROLE sigill_owner",
            "SET session_replication_role = replica",
            "SELECT * FROM sigill.measure",
        ):
            assert await _refused(admin, statement) is None
        await admin.execute(f"SET ROLE {role}")
        assert await admin.fetchval("SELECT version_num FROM alembic_version") == migrate.HEAD
    finally:
        await admin.execute("RESET SESSION AUTHORIZATION")
        await admin.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_reads_what_it_needs_and_no_more(admin: asyncpg.Connection, role: str) -> None:
    tables = set(await _tables(admin))
    expected = READS.get(role) or tables - HIDDEN[role]
    await admin.execute(f"SET ROLE {role}")
    readable = {
        table
        for table in tables
        if await _refused(admin, f"SELECT 1 FROM {table} WHERE {table} IS NULL") is not None
    }
    assert readable == expected


@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        ("sigill_relay", "INSERT INTO measure_version SELECT * FROM measure_version"),
        ("sigill_relay", "UPDATE outbox SET payload = 'x'"),
        ("sigill_relay", "DELETE FROM outbox"),
        ("sigill_relay", "SELECT erase_person(1, now())"),
        ("sigill_reader", "INSERT INTO outbox DEFAULT VALUES"),
        ("sigill_reader", "SELECT reason FROM access_log"),
        ("sigill_reader", "SELECT given FROM person_name"),
        ("sigill_ops", "SELECT reason FROM access_log"),
        ("sigill_ops", "INSERT INTO measure_version SELECT * FROM measure_version"),
        ("sigill_ops", "INSERT INTO signed_order SELECT * FROM signed_order"),
        ("sigill_ops", "UPDATE task SET text_sv = ''"),
        ("sigill_ops", "SELECT purge_access_log(now() - interval '9 years', now())"),
        ("sigill_intake", "INSERT INTO access_log_line DEFAULT VALUES"),
        ("sigill_intake", "INSERT INTO staff_version DEFAULT VALUES"),
        ("sigill_intake", "UPDATE source_hold SET ended_at = now(), ended_by = 'nobody'"),
        ("sigill_ops", "INSERT INTO source_hold DEFAULT VALUES"),
        ("sigill_intake", "INSERT INTO person_merge DEFAULT VALUES"),
        ("sigill_intake", "SELECT erase_person(1, now())"),
        ("sigill_intake", "UPDATE outbox SET published_at = now()"),
        ("sigill_intake", "UPDATE timer SET due_at = now()"),
        ("sigill_transitions", "INSERT INTO signed_order SELECT * FROM signed_order"),
        ("sigill_transitions", "INSERT INTO inbox DEFAULT VALUES"),
        ("sigill_transitions", "INSERT INTO person (known_from) VALUES (now())"),
        ("sigill_transitions", "SELECT payload FROM signed_order"),
        ("sigill_register", "SELECT original FROM signed_order"),
        ("sigill_transitions", "SELECT value FROM dead_letter"),
        ("sigill_transitions", "SELECT payload FROM outbox"),
        ("sigill_register", "INSERT INTO inbox DEFAULT VALUES"),
        ("sigill_auditor", "INSERT INTO audit_personal DEFAULT VALUES"),
        ("sigill_auditor", "INSERT INTO measure DEFAULT VALUES"),
        ("sigill_auditor", "SELECT erase_person(1, now())"),
    ],
)
async def test_a_role_is_kept_out_of_the_others_work(
    admin: asyncpg.Connection, role: str, forbidden: str
) -> None:
    await admin.execute(f"SET ROLE {role}")
    assert await _refused(admin, forbidden) is None


async def test_the_mark_of_erasure_opens_nothing_by_itself(admin: asyncpg.Connection) -> None:
    for role in ROLES:
        await admin.execute(f"SET ROLE {role}; SET sigill.erasing = 'on'")
        assert await _refused(admin, "DELETE FROM audit_personal") is None
        await admin.execute("RESET ROLE")


async def test_each_role_can_do_its_work(database: str) -> None:
    """The workers' own functions, run as the role that runs them."""
    opened = {role: await store_on(database, role) for role in ROLES}
    try:
        async with opened["sigill_intake"].transaction(T0) as tx:
            child = await someone(tx)
            (fresh,) = await inbox.claim(tx, [inbox.Arrival("ehr", "e1", None, bytes(32))])
            await orders.record(tx, [signed(fresh.registration, None, child)])
            await inbox.assign(tx, "g", "t", [0])
            await inbox.advance(tx, "g", "t", {0: (1, 1)})
            await measures.append(tx, [seal(child)])
            await audit.append(tx, [AuditEntry("c", "intake", "did", {}, child, {"x": 1})])
            await outbox.append(tx, [_event(child)])
        async with opened["sigill_register"].transaction(T0) as tx:
            await persons.record(tx, [told(child, CHILD, 1, T0, died_on=T0.date())], key_of)
        async with opened["sigill_transitions"].transaction(T0) as tx:
            await timers.due(tx, T0, 5)
        async with opened["sigill_relay"].transaction(T0) as tx:
            waiting = await outbox.unpublished(tx, range(outbox.SHARDS), 10)
            assert await outbox.mark(tx, [one.id for one in waiting]) == 1
            await outbox.rotate(tx, T0 - DAY)
            heads = {head.chain for head in await audit.checkpoint(tx, "relay")}
            assert heads >= {"c", "heads"}
        async with opened["sigill_reader"].transaction(T0) as tx:
            (patient,) = await ids(tx, CHILD)
            assert patient in await facts.patient_facts(tx, [patient])
            await access_log.append(tx, [AccessLogEntry("client", None, patient, "r", "s")])
        async with opened["sigill_ops"].transaction(T0) as tx:
            await dead_letters.page(tx)
            await access_log.append(tx, [AccessLogEntry("op", None, child, "r", "s")])
            await erasure.erase(tx, child, "op")
        async with opened["sigill_auditor"].reading() as tx:
            assert len(await access_log.of_person(tx, child)) == 2
            assert await access_log.verify(tx) == []
    finally:
        for one in opened.values():
            await one.close()


def _event(person: str) -> outbox.OutboxRow:
    return outbox.OutboxRow(uuid4(), "t", "k", "type", b"{}", (), person)


async def test_production_refuses_a_user_who_could_change_history(store: Store, database: str) -> None:
    assert await store.too_powerful()
    trial = load_settings(database_url=database, database_tls="disable", database_pool_min=1)
    # what production demands beside (TLS, secrets) is settings' own test
    production = trial.model_copy(update={"environment": "production"})
    with pytest.raises(TooPowerful):
        await Store.open(production)
    with pytest.raises(TooPowerful, match="REVOKE TEMPORARY"):
        await Store.open(production, role="sigill_intake")
    name = database.rsplit("/", 1)[-1].split("?", maxsplit=1)[0]
    async with store.transaction(T0) as tx:
        await tx.run(f'REVOKE TEMPORARY ON DATABASE "{name}" FROM PUBLIC')
    opened = await Store.open(production, role="sigill_intake")
    assert not await opened.too_powerful()
    await opened.close()
