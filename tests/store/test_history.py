"""Every row of every table of history is held against the chain: changed, removed, inserted, with triggers on or off."""

import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest

from sigill.store import erasure, measures, persons
from sigill.store.audit_check import Baseline, RowFault, baselines, sealed_tables, verify, verify_rows
from sigill.store.migrate import migrate
from sigill.store.session import Reading, Store
from tests.kit.rows import CHILD, DAY, T0, key_of, seal, someone, store_on, told

IN_THE_CHAIN_THEMSELVES = {
    *("audit_entry", "audit_personal", "history_shape"),
    *("access_log_whole", "access_log_line", "access_log_asker", "access_log_shown"),
}
SEED = """
INSERT INTO person (person_id, known_from) VALUES (1, now()), (2, now());
INSERT INTO person_identity (person_id, known_from, id_type, number, key) VALUES (1, now(), 1, '201803052392', 'v1.a');
INSERT INTO person_version (person_id, sequence, valid_from, known_from, birth_earliest, birth_latest, id_type, protected,
                            has_e_id, identity_uncertain, number, county, died_on, emigrated_on)
  VALUES (1, 1, now(), now(), '2018-03-05', '2018-03-05', 1, true, true, false, '201803052392', '07', '2020-01-01', '2020-01-01');
INSERT INTO custody VALUES (1, 1, 2, '2018-03-05', '2036-03-05', 0);
INSERT INTO person_name VALUES (1, 1, 'Testa', 'Testsson');
INSERT INTO person_merge (person_id, into_id, known_from) VALUES (2, 1, now());
INSERT INTO person_separation (person_id, other_id, separated_at, known_from, one) VALUES (1, 2, now(), now(), true);
INSERT INTO staff_version VALUES ('SE1-A', 1, now(), now());
INSERT INTO staff_assignment VALUES ('SE1-A', 1, 0, 'u', 'r', '{head_of_unit}', '2020-01-01', '2030-01-01');
INSERT INTO unit (unit, region, known_from) VALUES ('u', 'r', now());
INSERT INTO elsewhere_measure (source, reference, sequence, changed_at, known_from, person_id, kind, made_by, ended)
  SELECT '1177', 'r', 1, now(), now(), min(person_id), 'journal_seal', 'resident', false FROM person;
INSERT INTO unit_version (unit, sequence, changed_at, known_from, name) VALUES ('u', 1, now(), now(), 'Unit');
INSERT INTO inbox VALUES ('\\x01', '\\x02', 1, now());
INSERT INTO signed_order (registration, order_id, proven, person_id, region, form, unit, urgent, source, event_id,
                          content_type, digest, original, payload, trust_report, received_at, topic, partition,
                          record_offset, traceparent, known_from)
  VALUES (1, gen_random_uuid(), true, 1, 'r', 'seal_journal', 'u', false, 'ehr', 'e1', 'application/jose', '\\x03',
          'signed bytes', '{"motivation": "a"}', '{}', now(), 't', 0, 7, 'tp', now());
INSERT INTO order_outcome VALUES (1, 1, 'executed', '{c}', ARRAY[gen_random_uuid()], '{"n": 1}', now(), now());
INSERT INTO measure VALUES ('00000000-0000-0000-0000-000000000001', 1, 'journal_seal', 'r', 'care', '{journal}', '{u}',
                            '2020-01-01', '2030-01-01', '{2}', 2, 'u', gen_random_uuid(), now());
INSERT INTO measure_version (measure_id, version, known_from, valid_from, valid_to, ends_at_age, orders, provisional,
                             awaits_follow_up, released, urgent, reported_to_authority, inform_guardians, inform_patient,
                             inform_written, review_on, rules, rulebook)
  VALUES ('00000000-0000-0000-0000-000000000001', 1, now(), now(), now(), 18, ARRAY[gen_random_uuid()], false, false,
          false, false, false, true, true, false, '2030-01-01', '{KR-17}', '2025-05-01');
INSERT INTO release_request (order_id, person_id, region, initiative, measures, units, asked_by, inform_guardians,
                             inform_patient, inform_written, opened_at, known_from)
  VALUES ('00000000-0000-0000-0000-000000000002', 1, 'r', 'care', '{}', '{u}', '{2}', true, true, false, now(), now());
INSERT INTO release_answer (request, unit, opinion, order_id, given_at, known_from)
  VALUES ('00000000-0000-0000-0000-000000000002', 'u', 'release', gen_random_uuid(), now(), now());
INSERT INTO release_event (request, event, opinion, known_from)
  VALUES ('00000000-0000-0000-0000-000000000002', 'closed', 'release', now());
INSERT INTO case_entry (request, person_id, kind, about, code, asker, day, operator, known_from, name, reference, remark)
  VALUES ('00000000-0000-0000-0000-000000000002', 1, 'authority_answered', NULL, 'police', 2, '2020-01-01', 'anna', now(),
          'City', 'K-1', 'why');
INSERT INTO dead_letter (topic, partition, record_offset, stamped_at, consumer_group, key, value, headers, reason, known_from)
  VALUES ('t', 0, 9, now(), 'intake', 'v1.a', 'garbage', '[]', 'unreadable_signature', now());
INSERT INTO dead_letter_action (dead_letter_id, action, operator, approver, reason, known_from)
  VALUES (1, 'discarded', 'anna', 'bo', 'why', now());
INSERT INTO proposal (action, subject, operator, reason, known_from) VALUES ('name_successor', 'u v', 'anna', 'why', now());
INSERT INTO proposal_verdict VALUES (1, true, 'bo', now());
INSERT INTO rulebook_draft (region, text, digest, operator, known_from)
  VALUES ('r', 'region: r', encode(sha256('region: r'), 'hex'), 'anna', now());
INSERT INTO proposal (action, subject, operator, reason, known_from) VALUES ('release_rulebook', '1', 'anna', 'why', now());
INSERT INTO proposal_verdict VALUES (2, true, 'bo', now());
INSERT INTO rulebook_release (draft_id, proposal_id, region, digest, begins_on, first_owner, second_owner, sources,
                              stories, known_from)
  VALUES (1, 2, 'r', encode(sha256('region: r'), 'hex'), '2999-01-01', 'anna', 'bo', '{paper}', '[]', now());
INSERT INTO rulebook_import (region, text, digest, operator, known_from)
  VALUES ('r', 'region: r', encode(sha256('region: r'), 'hex'), 'anna', now());
INSERT INTO rulebook_story (region, name, text, operator, known_from) VALUES ('r', 'W-1', 'scenario: x', 'anna', now());
INSERT INTO unit_successor (unit, successor, proposal_id, known_from) VALUES ('u', 'v', 1, now());
INSERT INTO person_erasure VALUES (2, '{v1.b}', now());
"""
ANOTHER = {
    "bigint": "coalesce({0}, 0) + 4000", "integer": "coalesce({0}, 0) + 4000", "smallint": "coalesce({0}, 0) + 1",
    "text": "coalesce({0}, '') || 'x'", "boolean": "NOT coalesce({0}, false)", "uuid": "gen_random_uuid()",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 second'", "date": "coalesce({0}, '2020-01-01') - 1",
    "bytea": "coalesce({0}, '') || '\\x07'", "jsonb": "'[\"other\"]'", "text[]": "array_append({0}, 'x')",
    "uuid[]": "array_append({0}, gen_random_uuid())", "bigint[]": "array_append({0}, 4711)",
}  # fmt: skip


@pytest.fixture(scope="module")
async def seeded(services) -> AsyncIterator[asyncpg.Connection]:
    """A store with a row in every table of history, written as a process of ours writes; each test rolls back."""
    async with services.database() as dsn:
        ours = {"search_path": "sigill", "application_name": "sigill test"}
        writer = await asyncpg.connect(dsn, server_settings=ours)
        await writer.execute(SEED)
        await writer.close()
        conn = await asyncpg.connect(dsn, server_settings={"search_path": "sigill"})
        yield conn
        await conn.close()


async def _history(conn: asyncpg.Connection) -> set[str]:
    rows = await conn.fetch(
        "SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
        "JOIN pg_class c ON c.oid = tgrelid "
        "WHERE p.proname = 'refuse_change' AND c.relnamespace = 'sigill'::regnamespace AND NOT c.relispartition"
    )
    return {row["name"] for row in rows}


async def _columns(conn: asyncpg.Connection, table: str) -> dict[str, str]:
    rows = await conn.fetch(
        "SELECT attname, format_type(atttypid, NULL) AS kind FROM pg_attribute "
        "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        table,
    )
    return {row["attname"]: row["kind"] for row in rows}


async def test_every_table_and_every_column_of_history_is_sealed(seeded: asyncpg.Connection) -> None:
    how = "a migration calls keep_history(table, key) for a new table of history, and again when its columns change"
    tables = await _history(seeded) - IN_THE_CHAIN_THEMSELVES
    assert set(await sealed_tables(Reading(seeded))) == tables, how
    for table in tables:
        shape = await seeded.fetchrow(
            "SELECT kept || ', ' || coalesce(contents, '') AS text FROM history_shape WHERE table_name = $1 "
            "ORDER BY shape DESC LIMIT 1",
            table,
        )
        for column in await _columns(seeded, table):
            if column not in ("seal", "content_seal"):
                assert column in shape["text"], f"{table}.{column}: {how}"
        assert await seeded.fetchval(f"SELECT count(*) FROM {table}") > 0, f"SEED has no row of {table}"


async def test_what_nobody_touched_is_whole(seeded: asyncpg.Connection) -> None:
    async with seeded.transaction():
        assert await verify_rows(Reading(seeded)) == []
        assert await verify(Reading(seeded)) == []
        assert await baselines(Reading(seeded)) == []


TABLES = sorted(
    "person person_identity person_version custody person_name person_merge staff_version staff_assignment unit "
    "person_separation "
    "elsewhere_measure unit_version unit_successor inbox signed_order order_outcome measure measure_version release_request release_answer "
    "release_event case_entry dead_letter dead_letter_action proposal proposal_verdict person_erasure rulebook_draft rulebook_release rulebook_import rulebook_story".split()
)


def test_the_page_for_operators_names_what_is_shown_here() -> None:
    page = (Path(__file__).parents[2] / "docs/runbook/audit-chain-broken.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| yes \| yes \| yes \|$", page, flags=re.M)
    assert sorted(rows) == sorted([*TABLES, "access_log"])


@pytest.mark.parametrize("table", TABLES)
async def test_a_changed_column_is_found_and_its_row_named(seeded: asyncpg.Connection, table: str) -> None:
    """With every trigger off, as an administrator does it."""
    for column, kind in (await _columns(seeded, table)).items():
        value = "gen_random_uuid()" if column.endswith("seal") else ANOTHER[kind].format(column)
        tx = seeded.transaction()
        await tx.start()
        try:
            await seeded.execute("SET LOCAL session_replication_role = replica")
            changed = f"UPDATE {table} SET {column} = {value}"
            try:
                async with seeded.transaction():
                    await seeded.execute(changed)
            except asyncpg.CheckViolationError:
                continue  # the table itself refuses that value
            except asyncpg.GeneratedAlwaysError:
                continue  # an identity column: a removal and an insertion
            faults = await verify_rows(Reading(seeded))
            assert faults, changed
            assert {fault.table for fault in faults} == {table}
            assert {fault.kind for fault in faults} <= {"changed", "removed", "inserted"}
        finally:
            await tx.rollback()


@pytest.mark.parametrize("table", TABLES)
async def test_a_removed_row_is_found_and_named(seeded: asyncpg.Connection, table: str) -> None:
    tx = seeded.transaction()
    await tx.start()
    try:
        await seeded.execute("SET LOCAL session_replication_role = replica")
        rows = await seeded.fetchval(f"SELECT count(*) FROM {table}")
        await seeded.execute(f"DELETE FROM {table}")
        faults = await verify_rows(Reading(seeded))
        # a person's rows that go although nobody erased the person
        assert [fault.kind for fault in faults if fault.table == table] == ["removed"] * rows
    finally:
        await tx.rollback()


@pytest.mark.parametrize("triggers", ["off", "on"])
@pytest.mark.parametrize("table", TABLES)
async def test_an_inserted_row_is_found_and_named(
    seeded: asyncpg.Connection, table: str, triggers: str
) -> None:
    """With the triggers on the chain has an entry for it: of no process of ours, and of whose login."""
    tx = seeded.transaction()
    await tx.start()
    try:
        columns = await _columns(seeded, table)
        keys = await seeded.fetchval(
            "SELECT array_agg(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = ANY (i.indkey) WHERE i.indrelid = to_regclass($1) AND i.indisprimary",
            table,
        )
        await seeded.execute(
            f"SET LOCAL session_replication_role = {'replica' if triggers == 'off' else 'origin'}"
        )
        if triggers == "on":
            await seeded.execute(
                "ALTER TABLE unit_successor DISABLE TRIGGER four_eyes; "
                "ALTER TABLE rulebook_release DISABLE TRIGGER four_eyes; "
                "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint "
                "WHERE contype = 'f' AND connamespace = 'sigill'::regnamespace AND conparentid = 0 "
                "LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$"
            )
        chosen = "proposal_id" if table == "proposal_verdict" else keys[-1]
        values = [
            "gen_random_uuid()"
            if name == "seal"
            else ANOTHER[kind].format(name)
            if name == chosen
            or (name, table)
            in {
                ("proposal_id", "unit_successor"),
                ("proposal_id", "rulebook_release"),
                ("draft_id", "rulebook_release"),
                ("region", "rulebook_import"),
                ("key", "person_identity"),
                ("order_id", "signed_order"),
            }
            else name
            for name, kind in columns.items()
        ]
        await seeded.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE SELECT {', '.join(values)} FROM {table} LIMIT 1"
        )
        faults = await verify_rows(Reading(seeded))
        assert [(fault.table, fault.kind) for fault in faults] == [(table, "inserted")]
        assert faults[0].by == (None if triggers == "off" else "postgres")
    finally:
        await tx.rollback()


@pytest.mark.parametrize(
    ("table", "emptied"),
    [("signed_order", "original"), ("order_outcome", "receipt"), ("dead_letter", "value")],
)
async def test_contents_that_go_without_an_end_of_keeping_are_missed(
    seeded: asyncpg.Connection, table: str, emptied: str
) -> None:
    tx = seeded.transaction()
    await tx.start()
    try:
        await seeded.execute("SET LOCAL session_replication_role = replica")
        await seeded.execute(f"UPDATE {table} SET {emptied} = NULL, content_seal = NULL")
        assert [(fault.table, fault.kind) for fault in await verify_rows(Reading(seeded))] == [
            (table, "changed")
        ]
    finally:
        await tx.rollback()


async def test_an_erasure_and_ends_of_keeping_are_no_faults_and_leave_nothing_to_compare_with(
    store: Store, database: str
) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await persons.record(tx, [told(child, CHILD, 1, T0, died_on=date(2026, 1, 1))], key_of)
        await measures.append(tx, [seal(child)])
    async with store.transaction(T0 + DAY) as tx:
        await erasure.erase(tx, child, "op")
    async with store.reading() as tx:
        assert await verify_rows(tx) == []
        assert await verify(tx) == []
        assert await tx.value("SELECT count(*) FROM person_version") == 0


async def test_rows_older_than_the_seals_are_sealed_as_they_stand_and_called_a_baseline(
    services, postgres
) -> None:
    dsn = await postgres.create_database("older_than_seals", template=await services.template())
    admin = await asyncpg.connect(dsn, server_settings={"search_path": "sigill"})
    try:
        await admin.execute("SET session_replication_role = replica; SET application_name = 'sigill before'")
        await admin.execute(SEED.split("INSERT INTO staff_version", maxsplit=1)[0])
        for table in await sealed_tables(Reading(admin)):
            await admin.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS sealed")
            await admin.execute(f"UPDATE {table} SET seal = NULL")
        await admin.execute("SET session_replication_role = origin")
        assert {one.kind for one in await verify_rows(Reading(admin))} == {"unsealed"}
        await migrate(dsn)
        assert await verify_rows(Reading(admin)) == []
        found = {one.table: one for one in await baselines(Reading(admin))}
        assert found["person"].rows == 2
        assert isinstance(found["custody"], Baseline)
        assert found["custody"].last - found["custody"].first < timedelta(hours=1)
        await admin.execute(
            "SET session_replication_role = replica; UPDATE person_version SET protected = false"
        )
        assert await verify_rows(Reading(admin)) == [RowFault("person_version", "1/1", "changed")]
    finally:
        await admin.close()
        await postgres.drop_database("older_than_seals")


async def test_nobody_but_the_database_writes_the_chains_of_rows(database: str) -> None:
    opened = await store_on(database, "sigill_intake")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="the database's own"):
            async with opened.transaction(T0) as tx:
                await tx.run(
                    "INSERT INTO audit_entry VALUES ('rows-1', 1, now(), 'a', 'rows:measure:1', '{}', NULL, '', '')"
                )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with opened.transaction(T0) as tx:
                await tx.run("SELECT append_rows('rows:measure:1', '')")
    finally:
        await opened.close()
