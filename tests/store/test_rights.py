"""What each role may do in the database, line by line, and that nobody is lent more by a function of the owner's."""

import asyncio
import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from sigill.embedded import EmbeddedPostgres
from sigill.policy.facts import Measure
from sigill.runtime.clock import RefereedClock, SystemClock
from sigill.runtime.metrics import Metrics
from sigill.runtime.settings import Settings
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store import erasure, facts, measures, orders, persons
from sigill.store.migrate import migrate
from sigill.store.referee import Referee
from sigill.store.session import Store
from sigill_contracts.vocabulary import Form, Initiative, MeasureKind, Outcome
from tests.kit.rows import CHILD, DAY, T0, answered, key_of, seal, signed, someone, store_on, told

RIGHTS = Path(__file__).parents[2] / "infra" / "rights.txt"
_HOW_TO = (
    "infra/roles.sql gives each right. A new table or function gets its line there, for the roles that need it and no "
    "others; then `WRITE_RIGHTS=1 pytest tests/store/test_rights.py` writes infra/rights.txt, to be read before "
    "it is committed"
)
_GRANTS = """
    SELECT CASE c.relkind WHEN 'v' THEN 'view ' ELSE 'table ' END || c.relname AS what, pg_get_userbyid(a.grantee) AS role, a.privilege_type AS may, NULL AS columns
      FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
     WHERE c.relnamespace = 'sigill'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
       AND a.grantee <> c.relowner
    UNION ALL
    SELECT 'table ' || c.relname, pg_get_userbyid(x.grantee), x.privilege_type,
           string_agg(a.attname, ', ' ORDER BY a.attnum)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid CROSS JOIN LATERAL aclexplode(a.attacl) x
     WHERE c.relnamespace = 'sigill'::regnamespace
     GROUP BY 1, 2, 3
    UNION ALL
    SELECT 'sequence ' || c.relname, pg_get_userbyid(a.grantee), a.privilege_type, NULL
      FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
     WHERE c.relnamespace = 'sigill'::regnamespace AND c.relkind = 'S' AND a.grantee <> c.relowner
    UNION ALL
    SELECT 'function ' || p.proname || CASE WHEN p.prosecdef THEN ' (as owner)' ELSE '' END,
           CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, NULL
      FROM pg_proc p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     WHERE p.pronamespace = 'sigill'::regnamespace AND a.grantee <> p.proowner
    UNION ALL
    SELECT 'schema', CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, NULL
      FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a
     WHERE n.nspname = 'sigill' AND a.grantee <> n.nspowner
"""


async def _rights(admin: asyncpg.Connection) -> list[str]:
    """A line for each role and thing: `table outbox: sigill_relay INSERT, SELECT, UPDATE (published_at)`."""
    held: dict[tuple[str, str], list[str]] = {}
    for row in await admin.fetch(_GRANTS):
        may = row["may"] if row["columns"] is None else f"{row['may']} ({row['columns']})"
        held.setdefault((row["what"], row["role"]), []).append(may)
    return [f"{what}: {role} {', '.join(sorted(may))}" for (what, role), may in sorted(held.items())]


async def test_every_right_of_every_role_stands_in_the_list(admin: asyncpg.Connection) -> None:
    found = await _rights(admin)
    if os.environ.get("WRITE_RIGHTS"):
        RIGHTS.write_text("\n".join(found) + "\n", encoding="utf-8")
    listed = RIGHTS.read_text(encoding="utf-8").splitlines()
    more, less = sorted(set(found) - set(listed)), sorted(set(listed) - set(found))
    assert (more, less) == ([], []), _HOW_TO


async def test_every_function_finds_its_tables_whatever_its_caller_has_made(
    admin: asyncpg.Connection,
) -> None:
    """A search path without `pg_temp` puts it first: the caller's temporary table would be taken for ours."""
    found = await admin.fetch(
        "SELECT proname, prosecdef, proconfig, prosrc FROM pg_proc WHERE pronamespace = 'sigill'::regnamespace"
    )
    definers = {row["proname"] for row in found if row["prosecdef"]}
    assert definers >= {"erase_person", "purge_access_log", "purge_dead_letters", "purge_evidence"}
    wrong = [
        row["proname"]
        for row in found
        if "search_path=pg_catalog, sigill, pg_temp" not in (row["proconfig"] or [])
    ]
    assert wrong == [], "SET search_path = pg_catalog, @schema@, pg_temp, as infra/migrations/0012 has it"
    tables = [
        row["relname"]
        for row in await admin.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'sigill'::regnamespace AND relkind IN ('r', 'p')"
        )
    ]
    bare = {
        (row["proname"], table)
        for row in found
        for table in tables
        for verb in ("FROM", "JOIN", "UPDATE", "INTO")
        if f"{verb} {table} " in row["prosrc"] or f"{verb} {table}\n" in row["prosrc"]
    }
    assert bare == set(), "name the table with its schema: @schema@.outbox"


async def test_nobody_makes_temporary_tables(postgres: EmbeddedPostgres) -> None:
    dsn = await postgres.create_database("without_temporary_tables")
    await migrate(dsn)  # a database's own rights are not copied with a template
    admin = await asyncpg.connect(dsn)
    await admin.execute("DROP ROLE IF EXISTS maker; CREATE ROLE maker LOGIN; GRANT sigill_relay TO maker")
    try:
        owner = "has_database_privilege('sigill_owner', current_database(), 'TEMPORARY')"
        assert await admin.fetchval(f"SELECT {owner}"), "the bulk load stages its lines"
        for become in (
            "SET SESSION AUTHORIZATION maker",
            "SET SESSION AUTHORIZATION maker; SET ROLE sigill_relay",
        ):
            await admin.execute(become)
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="temporary"):
                await admin.execute("CREATE TEMP TABLE outbox (id bigint)")
            await admin.execute("RESET ROLE; RESET SESSION AUTHORIZATION")
    finally:
        await admin.execute("RESET ROLE; RESET SESSION AUTHORIZATION; DROP ROLE maker")
        await admin.close()
        await postgres.drop_database("without_temporary_tables")


_TAKEN = "CREATE FUNCTION pg_temp.taken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('sigill.taken', current_user, false); RETURN NULL; END $$;"


@pytest.mark.parametrize(
    ("role", "shadow", "call"),
    [
        ("sigill_relay", "outbox", "SELECT rotate_outbox(now())"),
        ("sigill_relay", "outbox", "SELECT extend_outbox()"),
        ("sigill_ops", "person_erasure", "SELECT erase_person(4711, now())"),
        ("sigill_ops", "dead_letter", "SELECT purge_dead_letters(now())"),
        ("sigill_ops", "signed_order", "SELECT purge_evidence(now() - interval '2 years', now(), 0, 10)"),
        ("sigill_auditor", "access_log", "SELECT purge_access_log(now() - interval '9 years', now())"),
    ],
)
async def test_no_temporary_table_is_taken_for_one_of_ours(
    admin: asyncpg.Connection, database: str, role: str, shadow: str, call: str
) -> None:
    """As in a database whose owner has given TEMPORARY back: the caller's trigger would run as the tables' owner."""
    name = database.rsplit("/", 1)[-1].split("?", maxsplit=1)[0]
    await admin.execute(f'GRANT TEMPORARY ON DATABASE "{name}" TO {role}')
    await admin.execute("INSERT INTO person (person_id, known_from) VALUES (4711, now())")
    await admin.execute(f"SET ROLE {role}")
    await admin.execute(
        f"CREATE TEMP TABLE {shadow} (LIKE sigill.{shadow} INCLUDING DEFAULTS INCLUDING IDENTITY); {_TAKEN}"
        f"CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON {shadow} FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.taken()"
    )
    await admin.execute("SET search_path TO sigill")
    await admin.execute(call.replace("SELECT ", "SELECT sigill.", 1))
    assert await admin.fetchval("SELECT current_setting('sigill.taken', true)") in (None, "")


async def test_a_second_operator_is_demanded_whatever_temporary_tables_there_are(
    admin: asyncpg.Connection, database: str
) -> None:
    name = database.rsplit("/", 1)[-1].split("?", maxsplit=1)[0]
    await admin.execute(f'GRANT TEMPORARY ON DATABASE "{name}" TO sigill_ops; SET ROLE sigill_ops')
    await admin.execute(
        "INSERT INTO proposal (action, subject, operator, reason, known_from) VALUES ('discard', '1', 'anna', 'r', now())"
    )
    await admin.execute("CREATE TEMP TABLE proposal (proposal_id bigint, operator text)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="second operator"):
        await admin.execute("INSERT INTO sigill.proposal_verdict VALUES (1, true, 'anna', now())")


async def test_a_living_person_with_a_measure_in_force_is_not_erased(store: Store, database: str) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await persons.record(tx, [told(child, CHILD, 1, T0)], key_of)
        await measures.append(tx, [seal(child)])
    ops = await store_on(database, "sigill_ops")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="living person"):
            async with ops.transaction(T0 + DAY) as tx:
                await erasure.erase(tx, child, "op")
        async with store.transaction(T0 + DAY) as tx:
            await persons.record(tx, [told(child, CHILD, 2, T0 + DAY, died_on=date(2026, 1, 1))], key_of)
        async with ops.transaction(T0 + DAY) as tx:
            await erasure.erase(tx, child, "op")
    finally:
        await ops.close()
    async with store.reading() as tx:
        assert await ids_left(tx) == 0


@pytest.mark.parametrize("role", ["sigill_register", "sigill_transitions"])
async def test_a_worker_that_judges_anew_reads_the_forms_of_waiting_orders_alone(
    store: Store, admin: asyncpg.Connection, role: DatabaseRole, database: str
) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        done, waits = signed(1, str(uuid4()), child), signed(2, str(uuid4()), child)
        await orders.record(tx, [done, waits])
        await orders.answer(tx, [answered(1, Outcome.EXECUTED), answered(2, Outcome.PENDING)])
    worker = await store_on(database, role)
    try:
        async with worker.transaction(T0) as tx:
            # work alone shows nothing more: an answer, which is history, says that an order waits
            await tx.run(
                "INSERT INTO pending_order (registration, person_id, codes) VALUES (1, $1, '{}')", int(child)
            )
            (found,) = await orders.waiting(tx, persons=[child])
            assert (found.order.registration, found.order.payload) == (2, waits.payload)
            assert found.order.original is None
            known, _ = (await facts.order_context(tx, [child]))[child]
            assert set(known) == {done.order_id, waits.order_id}
        for column in ("payload", "original", "trust_report", "*"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with worker.transaction(T0) as tx:
                    await tx.fetch(f"SELECT {column} FROM signed_order")
        async with worker.transaction(T0) as tx:
            sql = "SELECT * FROM release_named"
            if role == "sigill_register":  # of releases whom they name, for persons who are told apart
                assert await tx.fetch(sql) == []
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await tx.fetch(sql)
    finally:
        await worker.close()


@pytest.mark.parametrize("role", ["sigill_register", "sigill_transitions"])
async def test_a_worker_without_a_waiting_order_opens_nothing_and_shuts_what_it_must(
    store: Store, admin: asyncpg.Connection, role: DatabaseRole, database: str
) -> None:
    """One INSERT by the register's login released a sealed record."""
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        stands = seal(child)
        granted = seal(child, kind=MeasureKind.GUARDIAN_GRANT, guardians=(child,))
        await measures.append(tx, [stands, granted])
    worker = await store_on(database, role)

    async def tries(*wanted: Measure) -> None:
        async with worker.transaction(T0 + DAY) as tx:
            await measures.append(tx, wanted)

    try:
        opening = [
            replace(stands, version=2, released=True, valid_to=T0 + DAY),
            replace(stands, version=2, valid_to=T0 + DAY),
            replace(stands, version=2, valid_from=T0 + 400 * DAY),
            replace(stands, version=2, ends_at_age=1),
            seal(child, kind=MeasureKind.GUARDIAN_GRANT),
            seal(child, kind=MeasureKind.REPRESENTATIVE_GRANT),
        ]
        for one in opening:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="without an order that waits"):
                await tries(one)
        await tries(seal(child, kind=MeasureKind.CHILD_SEAL, initiative=Initiative.REGISTER, orders=()))
        await tries(replace(granted, version=2, released=True, valid_to=T0 + DAY))
        await tries(seal(child, kind=MeasureKind.GUARDIAN_GRANT, orders=granted.orders, guardians=(child,)))
        # an order of this patient waits: judged anew, it may open
        async with store.transaction(T0 + DAY) as tx:
            order = signed(1, str(uuid4()), child, form=Form.RELEASE_JOURNAL_SEAL)
            await orders.record(tx, [order])
            await tx.run(
                "INSERT INTO pending_order (registration, person_id, codes) VALUES (1, $1, '{}')", int(child)
            )
        await tries(opening[0])
    finally:
        await worker.close()


@pytest.mark.parametrize("role", ["sigill_ops", "sigill_relay"])
async def test_who_is_no_worker_says_nothing_of_what_happened(admin: asyncpg.Connection, role: str) -> None:
    await admin.execute(f"SET ROLE {role}")
    event = (
        "INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, created_at) "
        "VALUES (gen_random_uuid(), '{0}', 'v1.a', 't', {1}, '[]', 0, now())"
    )
    for topic in ("access.state.v1", "access.changes.v1", "access.notifications.v1", "access.receipts.v1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="a worker's to write"):
            await admin.execute(event.format(topic, "'{}'"))
    await admin.execute(event.format("access.audit-heads.v1", "'head'"))
    if role == "sigill_ops":
        await admin.execute(event.format("access.state.v1", "NULL"))  # an erased person's tombstone


async def ids_left(tx: object) -> int:
    """How many identity numbers the store still has."""
    return int(await tx.value("SELECT count(*) FROM person_identity"))  # type: ignore[attr-defined]


async def test_an_event_committed_while_its_partition_is_let_go_stays(
    store: Store, admin: asyncpg.Connection, database: str
) -> None:
    """The partition looked published when it was looked through; the event came before the lock did."""
    import asyncio

    await admin.execute("DROP TABLE outbox_p0, outbox_p1000000, outbox_p2000000")
    await admin.execute(
        "CREATE TABLE outbox_p10 PARTITION OF outbox FOR VALUES FROM (10) TO (20); ALTER TABLE outbox_p10 OWNER TO sigill_owner"
    )
    values = "(gen_random_uuid(), 't', 'k', 'x', '[]', 0, '2026-01-01', {})"
    insert = "INSERT INTO outbox (id, event_id, aggregatetype, aggregateid, type, headers, shard, created_at, published_at) OVERRIDING SYSTEM VALUE VALUES ({id}, {rest}"
    row = lambda number, published: insert.format(id=number, rest=values.format(published)[1:])  # noqa: E731
    await admin.execute(row(10, "'2026-01-02'"))
    await admin.execute(row(40, "'2026-01-02'"))
    other = await asyncpg.connect(database, server_settings={"search_path": "sigill"})
    late = other.transaction()
    await late.start()
    await other.execute(row(11, "NULL"))
    letting_go = asyncio.create_task(admin.execute("SELECT rotate_outbox('2026-02-01', 10)"))
    await asyncio.sleep(0.5)
    await late.commit()
    await other.close()
    await letting_go
    assert await admin.fetchval("SELECT count(*) FROM outbox WHERE id = 11") == 1


_SHADOWS = (
    "CREATE SCHEMA mine",
    "CREATE FUNCTION sigill.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now()'",
    "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now()'",
    "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
    "CREATE CAST (text AS bigint) WITH INOUT AS IMPLICIT",
    "CREATE DOMAIN public.text AS bytea",
    "CREATE TYPE sigill.answer AS (a int)",
    "CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE TRIGGER t BEFORE INSERT ON sigill.outbox FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE r AS ON INSERT TO sigill.audit_entry DO INSTEAD NOTHING",
    "CREATE INDEX ON sigill.outbox ((pg_sleep(0)))",
    "ALTER TABLE sigill.audit_entry DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "ALTER FUNCTION sigill.extend_outbox RESET search_path",
    "ALTER DEFAULT PRIVILEGES FOR ROLE sigill_owner GRANT SELECT ON TABLES TO PUBLIC",
    "SELECT setval('sigill.registration', 1)",
    "SELECT setval('sigill.outbox_id_seq', 1)",
    "SET ROLE sigill_owner",
    "DO $$ BEGIN LOCK TABLE sigill.audit_entry IN ACCESS EXCLUSIVE MODE; END $$",
    "TRUNCATE sigill.outbox",
    "COPY sigill.outbox TO PROGRAM 'cat'",
    "SELECT pg_read_file('postgresql.conf')",
)
"""What would put something of a caller's in the way of what owns the tables, or stop what watches them."""


@pytest.mark.parametrize(
    "role", ["sigill_intake", "sigill_register", "sigill_transitions", "sigill_relay", "sigill_ops", "sigill_auditor", "sigill_reader"]
)  # fmt: skip
async def test_no_login_puts_anything_of_its_own_in_the_way(admin: asyncpg.Connection, role: str) -> None:
    await admin.execute("DROP ROLE IF EXISTS maker; CREATE ROLE maker LOGIN")
    await admin.execute(f"GRANT {role} TO maker")
    try:
        await admin.execute("SET SESSION AUTHORIZATION maker")
        taken = {}
        for statement in _SHADOWS:
            try:
                await admin.execute(statement)
                taken[statement] = "done"
            except asyncpg.InsufficientPrivilegeError:
                continue
            except asyncpg.PostgresError as error:
                taken[statement] = f"{error.sqlstate} {error}"
        assert taken == {}
    finally:
        await admin.execute("RESET SESSION AUTHORIZATION; DROP OWNED BY maker; DROP ROLE maker")


async def test_what_is_made_later_is_nobodys_by_default(admin: asyncpg.Connection) -> None:
    """Default privileges would hand a new table, sequence or function to a role without a line in a migration."""
    given = await admin.fetch(
        "SELECT defaclrole::regrole::text AS maker, defaclacl::text AS acl FROM pg_default_acl"
    )
    assert [row for row in given if "=" in row["acl"].replace(f"{row['maker']}=", "")] == []


async def test_nobody_reads_a_column_through_an_error_or_a_plan(admin: asyncpg.Connection) -> None:
    """The relay has no right to the numbers: neither a plan nor a failed cast nor ON CONFLICT tells one."""
    await admin.execute("SET ROLE sigill_relay")
    for statement in (
        "EXPLAIN ANALYZE SELECT * FROM sigill.person_identity",
        "SELECT number::date FROM sigill.person_identity",
        "SELECT attname::text AS name FROM pg_stats WHERE schemaname = 'sigill' AND tablename = 'person_identity'",
    ):
        try:
            rows = await admin.fetch(statement)
        except asyncpg.InsufficientPrivilegeError:
            continue
        assert rows == []


async def test_a_login_that_holds_the_workers_locks_is_named(
    database: str, admin: asyncpg.Connection
) -> None:
    """Nothing forbids it, and nobody said whose it was; a worker gave up again and again."""
    await admin.execute("DROP ROLE IF EXISTS holder; CREATE ROLE holder LOGIN; GRANT sigill_reader TO holder")
    key = "hashtextextended('sigill:chain:intake', 0)"
    holder, waits = await asyncpg.connect(database, user="holder"), await asyncpg.connect(database)
    referee = Referee(Settings(database_url=SecretStr(database)), RefereedClock(SystemClock()), Metrics())
    try:
        await holder.execute(f"SELECT pg_advisory_lock({key})")
        await waits.execute("SET lock_timeout = '60s'")
        waiting = asyncio.create_task(waits.execute(f"SELECT pg_advisory_xact_lock({key})"))
        told: list[dict[str, object]] = []
        for _ in range(300):
            with capture_logs() as lines:
                await referee.look()
            told += [line for line in lines if line["event"] == "a database session keeps others waiting"]
            if told:
                break
            await asyncio.sleep(0.1)
        assert [(line["login"], line["waiting"]) for line in told] == [("holder", 1)]
        with capture_logs() as again:
            await referee.look()
        assert again == []
        await holder.close()
        await waiting
    finally:
        await referee.close()
        await holder.close()
        await waits.close()
        await admin.execute("DROP OWNED BY holder; DROP ROLE holder")


async def _fill(loud: asyncpg.Connection) -> None:
    for number in range(10_000):
        await loud.execute(f"NOTIFY sigill_outbox, '{number:07000}'")


async def test_a_full_queue_of_notices_stops_no_event() -> None:
    """Any login may fill it: listen, begin and never read. Each transaction that told anything failed from then on."""
    server = EmbeddedPostgres(own=True, durable=False, settings={"max_notify_queue_pages": "64"})
    if server.kind == "docker":
        pytest.skip("the image's own settings leave room for eight gigabytes")
    try:
        dsn = await server.start().create_database("full_of_notices")
        await migrate(dsn)
        admin, deaf, loud = [await asyncpg.connect(dsn) for _ in range(3)]
        for one in (deaf, loud):
            await one.execute("SET search_path TO sigill; SET ROLE sigill_reader")
        await deaf.execute("LISTEN sigill_outbox")
        await deaf.execute("BEGIN")
        with pytest.raises(asyncpg.ProgramLimitExceededError, match="NOTIFY queue"):
            await _fill(loud)
        await admin.execute("SET search_path TO sigill")
        await admin.execute(
            "INSERT INTO outbox (event_id, aggregatetype, aggregateid, type, payload, headers, shard, created_at) "
            "VALUES (gen_random_uuid(), 'access.audit-heads.v1', 'v1.a', 't', 'head', '[]', 0, now())"
        )
        assert await admin.fetchval("SELECT count(*) FROM outbox") == 1
        await deaf.execute("COMMIT")
    finally:
        server.stop()
