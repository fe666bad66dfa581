"""A register file into the store: the register worker's rows, whoever is killed, and nothing that was known is lost."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sigill.consumer.json_batches import ReadMessage
from sigill.consumer.runner import StepTimings
from sigill.policy.access import AccessQuestion, decide
from sigill.policy.facts import Identity
from sigill.policy.rulebook import Rulebooks
from sigill.population.load import FileChanged, LoadOutcome, load
from sigill.population.records import HEADER, read_line
from sigill.population.snapshot import connection_arguments, snapshot
from sigill.processing.citations import PolicyContext
from sigill.processing.patient_keys import KeyRing
from sigill.register.consumer import ParsedPersons, Register
from sigill.runtime.clock import SystemClock
from sigill.runtime.metrics import Metrics
from sigill.store import facts, persons
from sigill.store.session import Tx
from sigill.store.session import prepare as codecs
from sigill.stream.records import Record
from sigill_contracts.vocabulary import IdType, Service
from tests.kit.environment import without_settings
from tests.kit.services import Services
from tests.population.conftest import SECRET, target

KEYS = KeyRing({"v1": SECRET}, "v1")
_ROWS = {
    "identities": """SELECT i.number, i.id_type, i.key, v.number AS of_person FROM person_identity i
                       JOIN person_version v USING (person_id) WHERE v.sequence >= 0 ORDER BY 1, 2""",
    "versions": """SELECT number, id_type, sequence, valid_from, birth_earliest, birth_latest, died_on, emigrated_on,
                          county, protected, has_e_id, identity_uncertain
                     FROM person_version WHERE sequence >= 0 ORDER BY 1, 2""",
    "custody": """SELECT c.number AS child, g.number AS guardian, sequence, ordinal, from_date, to_date FROM custody k
                    JOIN LATERAL (SELECT number FROM person_version v WHERE v.person_id = k.child_id
                                   ORDER BY v.sequence DESC LIMIT 1) c ON true
                    LEFT JOIN LATERAL (SELECT number FROM person_version v WHERE v.person_id = k.guardian_id
                                        ORDER BY v.sequence DESC LIMIT 1) g ON true ORDER BY 1, 4""",
    "names": """SELECT v.number, n.given, n.family FROM person_name n
                  JOIN person_version v USING (person_id, sequence) ORDER BY 1""",
    "measures": """SELECT v.number, m.kind, m.region, m.services FROM measure m
                     JOIN person_version v USING (person_id) WHERE v.sequence >= 0 ORDER BY 1, 2""",
    "tasks": """SELECT v.number, t.kind, t.region FROM task t JOIN person_version v USING (person_id)
                 WHERE v.sequence >= 0 ORDER BY 1, 2""",
}  # fmt: skip
_TIMERS = """SELECT v.number, t.kind, t.due_at, t.region FROM timer t JOIN person_version v USING (person_id)
              WHERE v.sequence >= 0 AND t.state = 'set' ORDER BY 1, 2"""


async def rows(dsn: str, *, timers: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    conn = await asyncpg.connect(**connection_arguments(dsn))
    try:
        asked = {**_ROWS, **({"timers": _TIMERS} if timers else {})}
        return {name: [tuple(row) for row in await conn.fetch(query)] for name, query in asked.items()}
    finally:
        await conn.close()


async def loaded(path: Path, dsn: str, books: Rulebooks, **more: Any) -> LoadOutcome:
    return await asyncio.to_thread(load, path, target(dsn, books), **{"processes": 1, **more})


@pytest.fixture
async def other(services: Services) -> AsyncIterator[str]:
    """A second database."""
    async with services.database() as dsn:
        yield dsn


@pytest.fixture
async def conn(database: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(**connection_arguments(database))
    await codecs(connection)
    yield connection
    await connection.close()


def lines_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def written(path: Path, lines: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER.decode())
        csv.writer(file, lineterminator="\n").writerows(lines)
    return path


def with_protected_children(lines: list[list[str]]) -> list[list[str]]:
    """The town with some more children and parents protected, in the regions that have a word on it."""
    found = [list(line) for line in lines]
    for place, line in enumerate(found):
        if line[7] in ("07", "14") and place % 3 == 0:
            line[8] = "t"
            line[3] = "2026-10-01T00:00:00Z"
    return found


async def test_it_writes_the_rows_of_the_register_worker(
    town: Path, tmp_path: Path, database: str, other: str, books: Rulebooks
) -> None:
    lines = [line for line in with_protected_children(lines_of(town)) if line[11] != "death"][-2_500:]
    path = written(tmp_path / "some.csv", lines)
    outcome = await loaded(path, database, books, chunk_lines=400, processes=2)
    assert (outcome.progress.loaded, outcome.progress.refused) == (2_500, 0)
    await by_worker(lines, other, books)
    mine, worker = await rows(database, timers=False), await rows(other, timers=False)
    for name, found in mine.items():
        assert found == [row for row in worker[name] if name != "tasks" or "worklist" in row], name
    assert {kind for _, kind, _ in worker["tasks"]} >= {"worklist", "protected_patient"}
    counted = await region_tasks(database)
    assert {region for region, _ in counted} == {"kronoberg", "vastra-gotaland"}
    shut = {row[0] for row in worker["measures"]}
    assert len(mine["custody"]) > 500
    assert sum(int(re.findall(r"now shut: (\d+)", text)[0]) for _, text in counted) == len(shut)


async def region_tasks(dsn: str) -> list[tuple[str, str]]:
    """What the operators of each region are told of a load: one task, and nobody's number."""
    conn = await asyncpg.connect(**connection_arguments(dsn))
    found = await conn.fetch("SELECT region, text_en FROM task WHERE person_id IS NULL ORDER BY region")
    await conn.close()
    return [(row["region"], row["text_en"]) for row in found]


async def by_worker(lines: list[list[str]], dsn: str, books: Rulebooks) -> None:
    """Hand the lines to the register worker, as messages."""
    register = Register(PolicyContext.of(books, "urn:sigill:test"), KEYS, Metrics(), "register")
    conn = await asyncpg.connect(**connection_arguments(dsn))
    await codecs(conn)
    now = SystemClock().now()
    for place in range(0, len(lines), 250):
        messages = [
            ReadMessage(
                Record("t", 0, place + i, 0, None, None, None),
                read_line(line, now),
            )
            for i, line in enumerate(lines[place : place + 250])
        ]
        async with conn.transaction():
            await register.take(Tx(conn, now), ParsedPersons(messages, []), StepTimings())
    await conn.close()


async def test_decisions_work_at_once_and_birthdays_wait_in_their_timers(
    town: Path, database: str, books: Rulebooks
) -> None:
    await loaded(town, database, books)
    now = SystemClock().now()
    lines = lines_of(town)
    young = next(
        line for line in reversed(lines)
        if line[16].count("personnummer:") == 2 and line[16].endswith(":") and "t" not in line[8:10] and line[11] == ""
    )  # fmt: skip
    async with snapshot(connection_arguments(database)) as tx:
        parents = [Identity(IdType(part.split(":")[0]), part.split(":")[1]) for part in young[16].split(";")]
        known = await persons.resolve(tx, [Identity(IdType(young[0]), young[1]), *parents])
        child = known[Identity(IdType(young[0]), young[1])]
        of_child = (await facts.patient_facts(tx, [child]))[child]
        assert of_child.patient.key == KEYS.of(young[1])
        assert of_child.patient.registered
        answer = decide(AccessQuestion(known[parents[0]], Service.PAPER_COPY, now), of_child, books)
        assert answer.allowed
    found = await rows(database)
    assert found["timers"]
    assert all(due > now for _, _, due, _ in found["timers"])


def start(command: list[str], settings: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=settings, stderr=subprocess.DEVNULL, start_new_session=True)


def finish(command: list[str], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=120)


async def test_a_load_that_is_killed_goes_on_and_ends_with_the_same_rows(
    town: Path, database: str, other: str, books: Rulebooks
) -> None:
    await loaded(town, other, books)
    conn = await asyncpg.connect(**connection_arguments(database))
    command = [
        sys.executable,
        "-m",
        "sigill.cli",
        "population",
        "load",
        str(town),
        "--dsn",
        database,
        "--chunk",
        "100",
    ]
    settings = {
        **without_settings(),
        "SIGILL_PATIENT_KEYS": json.dumps({"v1": base64.b64encode(SECRET).decode()}),
    }
    seen = kills = 0
    while kills < 3:
        process = start(command, settings)
        enough = seen + 7
        deadline = time.monotonic() + 60
        while seen < enough and process.poll() is None and time.monotonic() < deadline:
            seen = await conn.fetchval("SELECT count(*) FROM population_load_chunk")
            await asyncio.sleep(0.005)
        # the first kill takes the parent alone: its processes must not go on by themselves
        (os.kill if kills == 0 else os.killpg)(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        while await conn.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND application_name = 'sigill population'"
        ):
            await asyncio.sleep(0.02)
        seen = await conn.fetchval("SELECT count(*) FROM population_load_chunk")
        assert 0 < seen < 60, "killed in the middle"
        assert await conn.fetchval("SELECT finished_at IS NULL FROM population_load")
    done = await asyncio.to_thread(finish, command, settings)
    assert done.returncode == 0, done.stderr
    assert "by an earlier run" in done.stderr
    assert await rows(database) == await rows(other)
    assert await conn.fetchval("SELECT sum(lines) FROM population_load_chunk") == 6_000
    assert await conn.fetchval("SELECT finished_at IS NOT NULL FROM population_load")
    await conn.close()


async def test_a_finished_load_is_not_done_again(town: Path, database: str, books: Rulebooks) -> None:
    await loaded(town, database, books)
    before = await rows(database)
    again = await loaded(town, database, books)
    assert again.progress.skipped == again.progress.lines == 6_000
    assert await rows(database) == before


async def test_a_file_that_changed_on_the_way_is_not_gone_on_with(
    town: Path, tmp_path: Path, database: str, books: Rulebooks
) -> None:
    path = tmp_path / "town.csv"
    shutil.copy(town, path)
    await loaded(path, database, books, chunk_lines=1_000)
    conn = await asyncpg.connect(**connection_arguments(database))
    await conn.execute("UPDATE population_load SET finished_at = NULL")
    await conn.execute("UPDATE population_load_chunk SET digest = '\\x00' WHERE chunk = 3")
    await conn.close()
    with pytest.raises(FileChanged, match="chunk 3"):
        await loaded(path, database, books)


async def test_whom_an_order_had_named_becomes_registered_and_whom_the_register_told_of_stays(
    town: Path, database: str, books: Rulebooks, conn: asyncpg.Connection[asyncpg.Record]
) -> None:
    lines = lines_of(town)
    named, told, former = lines[100], lines[200], next(line for line in lines if line[15])
    identities = [Identity(IdType(line[0]), line[1]) for line in (named, told)]
    old = Identity(IdType(former[15].split(":")[0]), former[15].split(":")[1])
    async with conn.transaction():
        tx = Tx(conn, datetime(2026, 1, 1, tzinfo=UTC))
        known = await persons.ensure(tx, [identities[0], old], KEYS.of)
    newer = list(told)
    newer[2], newer[7] = "500", "23"
    await by_worker([newer], database, books)
    outcome = await loaded(town, database, books, chunk_lines=1_000)
    assert (outcome.progress.loaded, outcome.progress.known) == (5_999, 1)
    async with snapshot(connection_arguments(database)) as reading:
        now = await persons.resolve(reading, [*identities, old, Identity(IdType(former[0]), former[1])])
        assert now[identities[0]] == known[identities[0]]
        assert now[old] == now[Identity(IdType(former[0]), former[1])]
        assert (await persons.latest_sequence(reading, [now[identities[1]]])) == {now[identities[1]]: 500}
        of_both = await facts.patient_facts(reading, [known[old], now[identities[0]]])
        assert of_both[known[old]].patient.person_id == now[old], (
            "the old number's person became part of this one"
        )
        assert of_both[now[identities[0]]].patient.registered


async def test_guardians_whom_nobody_knows_yet_are_named_and_the_rest_of_the_file_finds_them(
    town: Path, tmp_path: Path, database: str, other: str, books: Rulebooks
) -> None:
    youngest_first = written(tmp_path / "turned.csv", list(reversed(lines_of(town))))
    await loaded(youngest_first, database, books, chunk_lines=500)
    await loaded(town, other, books)
    mine, theirs = await rows(database), await rows(other)
    for name, found in mine.items():
        assert found == theirs[name], name


async def test_what_can_be_read_of_a_line_is_loaded_and_the_rest_told_by_line_and_field(
    town: Path, tmp_path: Path, database: str, other: str, books: Rulebooks
) -> None:
    lines = lines_of(town)[-300:]
    lines[10][4] = "2015-02-30"
    lines[10][8] = "ja"  # the mark stands beside a birth date that never was
    lines[20][3], lines[20][8] = "2199-01-01T00:00:00Z", "t"
    lines[30][9] = "perhaps"
    lines[40][5], lines[40][6] = "A" * 500, "Ek"
    lines[250][16] = f"{lines[250][0]}:{lines[250][1]}::"
    lines[260] = list(lines[259])
    lines[270][1] = "x"
    lines[280] = lines[280][:-1]
    path = written(tmp_path / "bad.csv", lines)
    outcome = await loaded(path, database, books, chunk_lines=100)
    assert (outcome.progress.loaded, outcome.progress.partly, outcome.progress.refused) == (297, 5, 3)
    assert [(r.line, r.faults, r.taken) for r in outcome.refusals] == [
        (11, ("birth_date",), True), (21, ("changed_at",), True), (31, ("protected_registration",), True),
        (41, ("name",), True), (251, ("custody.guardian",), True),
        (261, ("id",), False), (271, ("id", "sequence"), False), (281, ("line",), False),
    ]  # fmt: skip
    marked = {lines[place][1] for place in (10, 20, 30)}
    conn = await asyncpg.connect(**connection_arguments(database))
    found = await conn.fetch("SELECT number FROM person_version WHERE protected AND sequence >= 0")
    await conn.close()
    assert marked <= {row["number"] for row in found}
    readable = [line for place, line in enumerate(lines) if place not in (20, 260, 270, 280)]
    await by_worker(readable, other, books)
    mine, worker = await rows(database, timers=False), await rows(other, timers=False)
    without = lines[20][1]
    for name in ("identities", "versions", "custody", "names"):
        assert [row for row in mine[name] if without not in row] == [
            row for row in worker[name] if without not in row
        ], name


async def test_a_quote_that_is_never_closed_and_a_byte_that_is_no_utf8_cost_no_other_line(
    town: Path, tmp_path: Path, database: str, books: Rulebooks
) -> None:
    lines = lines_of(town)[-60:]
    for line in lines[:2]:
        line[5], line[6], line[8] = "Prov", "Provsson", "t"
    path = written(tmp_path / "quote.csv", lines)
    content = path.read_bytes().split(b"\n")
    content[1] = content[1].replace(b"Prov,", b'"Prov,')
    content[2] = content[2].replace(b"Prov,", b"Pr\xf6v,")
    path.write_bytes(b"\n".join(content))
    outcome = await loaded(path, database, books)
    assert (outcome.progress.loaded, outcome.progress.refused) == (60, 0)
    assert [(r.line, r.faults, r.taken) for r in outcome.refusals] == [(2, ("name",), True)]
    conn = await asyncpg.connect(**connection_arguments(database))
    found = await conn.fetch("SELECT number FROM person_version WHERE protected AND sequence >= 0")
    await conn.close()
    assert {lines[0][1], lines[1][1]} <= {row["number"] for row in found}


async def test_what_is_no_register_file_is_said_so(tmp_path: Path, database: str, books: Rulebooks) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("id;name\n1;2\n")
    with pytest.raises(ValueError, match="is no register file"):
        await loaded(wrong, database, books)
