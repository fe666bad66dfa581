"""Migrations, their sum, and every named statement on the migrated schema."""

import asyncio
import contextlib
import os
import random
import re
import sys
from pathlib import Path

import asyncpg
import pytest

from sigill.embedded import EmbeddedPostgres
from sigill.store import migrate as migrations
from sigill.store.migrate import HEAD, INFRA, MIGRATIONS, migrate, pending, rights_missing
from sigill.store.queries import FOLDER, blocks, queries
from tests.store.catalog import catalog
from tests.store.unmigrated import unmigrated

FILES = sorted(path.name for path in MIGRATIONS.glob("[0-9]*.sql"))
STATEMENTS = [(path.stem, name) for path in sorted(FOLDER.glob("*.sql")) for name in queries(path.stem)]


async def test_schema_sql_is_the_sum_of_the_migrations(database: str, admin: asyncpg.Connection) -> None:
    await admin.execute("CREATE SCHEMA summed; SET search_path TO summed")
    await admin.execute((INFRA / "schema.sql").read_text())
    summed = await catalog(admin, "summed")
    await admin.execute("SET search_path TO sigill")
    migrated = await catalog(admin, "sigill")
    assert len(migrated["columns"]) > 150
    assert summed == migrated


async def test_migrating_again_changes_nothing_and_several_at_once_are_safe(
    postgres: EmbeddedPostgres,
) -> None:
    dsn = await postgres.create_database("migrated_by_many")
    try:
        done = await asyncio.gather(*(migrate(dsn, schema) for schema in ("a", "b", "a", "b", "a")))
        assert sorted(len(files) for files in done) == [0, 0, 0, len(FILES), len(FILES)]
        assert await pending(dsn, "a") == []
        assert await pending(dsn, "elsewhere") == FILES
    finally:
        await postgres.drop_database("migrated_by_many")


async def test_a_failed_migration_leaves_nothing_behind(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copy)
    last = copy / FILES[-1]
    last.write_text(last.read_text() + "\nSELECT 1 / 0;\n")
    monkeypatch.setattr(migrations, "MIGRATIONS", copy)
    dsn = await postgres.create_database("migrated_halfway")
    try:
        with pytest.raises(Exception, match="division by zero"):
            await migrate(dsn)
        assert await pending(dsn) == FILES[-1:]
        monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS)
        assert await migrate(dsn) == FILES[-1:]
    finally:
        await postgres.drop_database("migrated_halfway")


@pytest.mark.parametrize("number", range(1, len(FILES) + 1))
async def test_a_stamp_that_is_behind_is_recognised(
    postgres: EmbeddedPostgres, admin: asyncpg.Connection, number: int
) -> None:
    """As a release before left it when it was killed between a file's transaction and its stamp."""
    async with unmigrated(postgres, f"stamped_late_{number}") as (dsn, conn):
        await conn.execute("SET ROLE sigill_owner")
        for file in FILES[:number]:
            await conn.execute((MIGRATIONS / file).read_text())
        await conn.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        if number > 1:
            await conn.execute("INSERT INTO alembic_version VALUES ($1)", f"{number - 1:04}")
        assert (await migrate(dsn))[0] == FILES[number - 1]
        assert await catalog(conn, "sigill") == await catalog(admin, "sigill")
        assert await pending(dsn) == []


async def test_killed_at_any_moment_it_runs_to_its_end_the_next_time(postgres: EmbeddedPostgres) -> None:
    """Two at once are killed; `KILLS` in the environment says how often."""
    script = (
        "import asyncio, sys; from sigill.store.migrate import migrate; asyncio.run(migrate(sys.argv[1]))"
    )
    whole = None
    for number in range(int(os.environ.get("SIGILL_TEST_KILLS", "5"))):
        name = f"killed_{number}"
        dsn = await postgres.create_database(name)
        try:
            both = [await asyncio.create_subprocess_exec(sys.executable, "-c", script, dsn) for _ in range(2)]
            watch = await asyncpg.connect(dsn)
            table = "SELECT to_regclass('sigill.alembic_version') IS NOT NULL"
            while not await watch.fetchval(table) and any(one.returncode is None for one in both):
                await asyncio.sleep(0.005)
            await asyncio.sleep(random.uniform(0, 0.6))
            for one in both:
                with contextlib.suppress(ProcessLookupError):
                    one.kill()
                await one.wait()
            await migrate(dsn)
            found = await catalog(watch, "sigill")
            await watch.close()
            assert await pending(dsn) == []
            assert found == (whole or found)
            whole = found
        finally:
            await postgres.drop_database(name)


async def test_a_dump_restored_without_the_roles_is_noticed(database: str, admin: asyncpg.Connection) -> None:
    assert await rights_missing(database) is None
    await admin.execute("REVOKE ALL ON ALL TABLES IN SCHEMA sigill FROM sigill_intake")
    assert "no rights" in (await rights_missing(database) or "")
    await migrate(database)
    assert await rights_missing(database) is None
    await admin.execute("ALTER TABLE sigill.signed_order OWNER TO CURRENT_USER")
    assert "sigill_owner" in (await rights_missing(database) or "")


def test_each_file_says_before_or_after_and_times_out_early() -> None:
    files = sorted(MIGRATIONS.glob("[0-9]*.sql"))
    assert files[-1].name[:4] == HEAD
    for number, path in enumerate(files, start=1):
        assert re.fullmatch(rf"{number:04}_(pre|post)_[a-z]+_[a-z_]+\.sql", path.name)
        assert "SET LOCAL lock_timeout" in path.read_text()
        assert "SET LOCAL statement_timeout" in path.read_text()
        assert path.name in (MIGRATIONS / "versions" / f"r{number:04}.py").read_text()


# makes the temporary tables that the other statements of the bulk load stand on; several commands, never prepared
STAGE = ("bulk", "stage")


@pytest.fixture(scope="module")
async def migrated(services):
    async with services.database() as dsn:
        conn = await asyncpg.connect(dsn, server_settings={"search_path": "sigill"})
        async with conn.transaction():
            if STAGE in STATEMENTS:
                await conn.execute(queries("bulk")["stage"])
            yield conn
        await conn.close()


@pytest.mark.parametrize(
    ("family", "name"), [one for one in STATEMENTS if one != STAGE], ids=lambda part: part
)
async def test_every_statement_prepares(migrated: asyncpg.Connection, family: str, name: str) -> None:
    text = queries(family)[name]
    assert re.match(r"(-- .*\n)+", text), "a sentence stands above each statement"
    async with migrated.transaction():
        # several commands in one block (settings of a session) cannot be prepared, only run
        several = ";" in re.sub(r"--.*", "", text)
        await (migrated.execute(text) if several else migrated.prepare(text))


def test_every_statement_is_used_and_every_used_one_exists() -> None:
    sources = "\n".join(path.read_text() for path in FOLDER.parent.glob("*.py"))
    for family, name in STATEMENTS:
        assert f'["{name}"]' in sources or f'statement("{name}")' in sources, f"{family}.{name} is not used"


def test_a_block_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        blocks("-- name: a\n-- One.\nSELECT 1;\n-- name: a\n-- Two.\nSELECT 2;\n")


def test_a_part_stands_in_each_statement_that_names_it() -> None:
    found = blocks(
        "-- part: due\n-- What is due.\nFROM timer\n\n-- name: a\n-- One.\nSELECT 1 {due};\n-- name: b\n-- Two.\nSELECT 2 {due}"
    )
    assert found == {"a": "-- One.\nSELECT 1 FROM timer", "b": "-- Two.\nSELECT 2 FROM timer"}


@pytest.mark.parametrize(
    "text", ["-- part: due\nFROM timer\n", "-- name: a\nSELECT {due}\n-- part: due\nFROM timer\n"]
)
def test_a_part_that_no_later_statement_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the part due stands in no statement"):
        blocks(text)


def test_no_statement_is_left_with_the_name_of_a_part() -> None:
    named = [(family, name) for family, name in STATEMENTS if re.search(r"\{\w+\}", queries(family)[name])]
    assert named == []


async def test_one_patient_costs_the_same_however_many_there_are(admin: asyncpg.Connection) -> None:
    """No plan of a decision's statements reads a table from end to end."""
    await admin.execute(
        """
        INSERT INTO person (person_id, known_from) SELECT n, now() FROM generate_series(1, 50000) n;
        INSERT INTO person_identity (person_id, known_from, id_type, number, key)
          SELECT n, now(), 1, 'n' || n, 'v1.' || n FROM generate_series(1, 50000) n;
        INSERT INTO person_version (person_id, sequence, valid_from, known_from, birth_earliest, birth_latest,
                                    id_type, protected, has_e_id, identity_uncertain, number)
          SELECT n, 1, now(), now(), '2000-01-01', '2000-01-01', 1, false, true, false, 'n' || n
            FROM generate_series(1, 50000) n;
        INSERT INTO custody SELECT n, 1, n + 1, NULL, NULL, 0 FROM generate_series(1, 49999) n;
        INSERT INTO measure SELECT gen_random_uuid(), n, 'journal_seal', 'x', 'care', '{journal}', NULL, NULL, NULL,
                                   NULL, NULL, NULL, NULL, now() FROM generate_series(1, 20000) n;
        INSERT INTO measure_version
          SELECT measure_id, 1, now(), now(), NULL, NULL, '{}', false, false, false, false, false, true, true, false,
                 NULL, '{}', '' FROM measure;
        INSERT INTO unit (unit, region, known_from) SELECT 'u' || n, 'x', now() FROM generate_series(1, 20000) n;
        INSERT INTO signed_order (registration, proven, person_id, urgent, source, event_id, digest, trust_report,
                                  received_at, topic, partition, record_offset, known_from)
          SELECT n, true, n, false, 's', 'e', '', '{}', now(), 't', 0, n, now() FROM generate_series(1, 20000) n;
        INSERT INTO pending_order (registration, person_id, region, codes, until)
          SELECT n, n, 'x', '{}', NULL FROM generate_series(1, 20000) n;
        INSERT INTO elsewhere_measure (source, reference, sequence, changed_at, known_from, person_id, kind, made_by, ended)
          SELECT 's', 'r' || n, 1, now(), now(), n, 'journal_seal', 'x', false FROM generate_series(1, 20000) n;
        INSERT INTO person_separation (person_id, other_id, separated_at, known_from, one)
          SELECT n, n + 1, now(), now(), true FROM generate_series(1, 19999) n;
        ANALYZE;
        """
    )
    facts, people, decisions = queries("facts"), queries("persons"), queries("decisions")
    orders, staff = queries("orders"), queries("staff")
    asked = {
        people["resolve"]: ("ARRAY['n7']", "ARRAY[1::smallint]"),
        people["children_of"]: ("ARRAY[7]",),
        people["latest_sequence"]: ("ARRAY[7]",),
        queries("measures")["of_patients"]: ("ARRAY[7]", "NULL"),
        facts["custody"]: ("ARRAY[7]", "NULL"),
        facts["versions"]: ("ARRAY[7]", "NULL"),
        facts["identities"]: ("ARRAY[7]", "NULL"),
        facts["orders_named"]: ("ARRAY[7]", "ARRAY[gen_random_uuid()]"),
        staff["units"]: ("ARRAY['u7']", "NULL"),
        orders["waiting_of"]: ("ARRAY[7]", "NULL", "0", "100"),
        orders["carried_out_unproven"]: ("now()", "'kind'", "0", "100"),
        decisions["look"]: ("ARRAY['n7']", "ARRAY[1::smallint]", "ARRAY['k7']", "ARRAY[7]", "ARRAY['u7']"),
    }
    for number, (statement, arguments) in enumerate(asked.items()):
        await admin.execute("SET plan_cache_mode = force_generic_plan")
        await admin.execute(f"PREPARE asked{number} AS {statement}")
        plan = await admin.fetch(f"EXPLAIN EXECUTE asked{number} ({', '.join(arguments)})")
        text = "\n".join(row[0] for row in plan)
        assert "Index" in text
        assert not re.search(r"Seq Scan on (?!person_merge|order_outcome|task)", text), text
