"""The rehearsal's counts are those of judging every person on every day."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest
import yaml
from typer.testing import CliRunner

from sigill.cli.transitions import app
from sigill.policy.rulebook import Rulebooks
from sigill.population.load import load
from sigill.population.records import HEADER
from sigill.population.rehearse import Rehearsal, rehearse
from sigill.population.snapshot import connection_arguments, snapshot
from sigill.population.synthesize import Recipe, synthesize
from sigill.store.session import prepare as codecs
from sigill_contracts.vocabulary import RegionCode
from tests.population.brute import day_by_day, everybody, impose, some_measures
from tests.population.conftest import ON, RULEBOOKS, target

FIRST = ON + timedelta(days=5)


async def settled(dsn: str, path: Path, books: Rulebooks, *, bound: int) -> None:
    """Load a register file, and impose measures on `bound` persons."""
    await asyncio.to_thread(load, path, target(dsn, books), processes=1)
    conn = await asyncpg.connect(**connection_arguments(dsn))
    await codecs(conn)
    async with snapshot(connection_arguments(dsn)) as tx:
        patients = [p for p in await everybody(tx) if p.patient.registered]
    await impose(conn, some_measures(patients, FIRST, bound))
    await conn.close()


async def rehearsed(
    dsn: str, books: Rulebooks, first: date, last: date, region: str | None = None
) -> Rehearsal:
    async with snapshot(connection_arguments(dsn)) as tx:
        return await rehearse(tx, books, first, last, region=RegionCode(region) if region else None)


async def test_counting_groups_is_judging_every_person_on_every_day(
    tmp_path: Path, database: str, books: Rulebooks
) -> None:
    path = tmp_path / "town.csv"
    assert sum(synthesize(Recipe(8_000, 11, ON), path, processes=1)) == 8_000
    await settled(database, path, books, bound=2_200)
    last = FIRST + timedelta(days=13)
    found = await rehearsed(database, books, FIRST, last)
    async with snapshot(connection_arguments(database)) as tx:
        patients = await everybody(tx)
    assert found.singly >= 2_200
    assert found.in_groups >= 5
    expected = day_by_day(patients, books, FIRST, last)
    assert dict(found.lines) == dict(expected)
    assert {line.event for line in expected} == {"opens", "closes", "expires"}
    assert {line.who for line in expected} == {"own", "guardian", "representative"}
    for region in ("kronoberg", "vastra-gotaland"):
        of_region = await rehearsed(database, books, FIRST, last, region)
        assert dict(of_region.lines) == {line: n for line, n in expected.items() if line.region == region}


async def test_a_month_of_birthdays_is_counted_right_where_nobody_has_a_measure(
    town: Path, database: str, books: Rulebooks
) -> None:
    await asyncio.to_thread(load, town, target(database, books), processes=1)
    last = FIRST + timedelta(days=30)
    found = await rehearsed(database, books, FIRST, last)
    async with snapshot(connection_arguments(database)) as tx:
        young = [p for p in await everybody(tx) if p.patient.birth.latest.year > ON.year - 20]
    assert found.singly < 20
    assert dict(found.lines) == dict(day_by_day(young, books, FIRST, last))
    assert sum(found.lines.values()) > 20


async def test_leap_day_children_have_their_birthday_when_the_rulebook_says(
    tmp_path: Path, database: str, books: Rulebooks
) -> None:
    born = [f"2012022999{i:02}" for i in range(20)]
    lines = [
        f"personnummer,{number},1,2020-01-01T00:00:00Z,2012-02-29,,,{county},f,f,t,,,,,,"
        for number, county in zip(born, ["07", "20"] * 10, strict=True)
    ]
    path = tmp_path / "leap.csv"
    path.write_text("\n".join([HEADER.decode().strip(), *lines]) + "\n")
    await asyncio.to_thread(load, path, target(database, books), processes=1)
    later = _with_ages(books_texts(), "kronoberg", {"leap_day_on_28th": False})
    found = await rehearsed(database, later, date(2028, 2, 20), date(2028, 3, 10))
    assert {(line.day, line.region) for line in found.lines} == {
        (date(2028, 2, 29), ""),
        (date(2028, 2, 29), "kronoberg"),
    }
    at_13 = await rehearsed(database, later, date(2025, 2, 20), date(2025, 3, 10))
    days = {line.region: line.day for line in at_13.lines}
    assert days == {"": date(2025, 2, 28), "kronoberg": date(2025, 3, 1)}


async def test_ages_come_from_the_rulebook_also_where_they_change_on_the_way(
    town: Path, database: str, books: Rulebooks
) -> None:
    await settled(database, town, books, bound=300)
    change = FIRST + timedelta(days=3)
    ages = {"guardian_until": 15, "own_record_from": 15, "own_record_needs_full_personnummer": True}
    later = _with_version(books_texts(), "vastra-gotaland", change, ages)
    last = FIRST + timedelta(days=5)
    found = await rehearsed(database, later, FIRST, last)
    async with snapshot(connection_arguments(database)) as tx:
        expected = day_by_day(await everybody(tx), later, FIRST, last)
    assert dict(found.lines) == dict(expected)
    on_the_day = Counter[str]()
    for line, count in found.lines.items():
        if line.day == change and line.region == "vastra-gotaland" and line.event == "opens":
            on_the_day[line.who] += count
    assert on_the_day["guardian"] > 20
    assert on_the_day["own"] > 0
    no_full_number = [line for line in found.lines if line.because == "no_full_personnummer"]
    assert no_full_number, "adults with a co-ordination number are touched too"


async def test_the_command_prints_a_table_csv_and_json_and_changes_nothing(
    town: Path, database: str, books: Rulebooks
) -> None:
    await settled(database, town, books, bound=200)
    conn = await asyncpg.connect(**connection_arguments(database))
    counted = "SELECT (SELECT count(*) FROM timer), (SELECT count(*) FROM outbox), (SELECT count(*) FROM measure_version)"
    before = await conn.fetchrow(counted)
    run = [
        "--from",
        FIRST.isoformat(),
        "--through",
        (FIRST + timedelta(days=20)).isoformat(),
        "--dsn",
        database,
    ]
    outputs = {}
    for form in ("table", "csv", "json"):
        result = await asyncio.to_thread(CliRunner().invoke, app, ["rehearse", *run, "--format", form])
        assert result.exit_code == 0, result.output
        outputs[form] = result.stdout
    assert await conn.fetchrow(counted) == before
    await conn.close()
    rows = list(csv.DictReader(io.StringIO(outputs["csv"])))
    assert rows
    assert [{**row, "accesses": int(row["accesses"])} for row in rows] == json.loads(outputs["json"])
    assert sum(int(row["accesses"]) for row in rows) == sum(
        int(line[line.rindex("  ") :].replace(" ", ""))
        for line in outputs["table"].splitlines()
        if line.startswith("total")
    )


@pytest.mark.parametrize(
    "wrong", [["--from", "2027-01-02", "--through", "2027-01-01"], ["--from", "2027-01-01", "--through", "2027-01-01", "--region", "nowhere"]]
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong: list[str]) -> None:
    assert CliRunner().invoke(app, ["rehearse", *wrong]).exit_code == 2


def books_texts() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(RULEBOOKS.glob("*.yaml"))}


def _with_ages(texts: dict[str, str], region: str, ages: dict[str, object]) -> Rulebooks:
    raw = yaml.safe_load(texts[region])
    for version in raw["versions"]:
        version["ages"] = {**(version.get("ages") or {}), **ages}
    return Rulebooks.of(*{**texts, region: yaml.safe_dump(raw, allow_unicode=True)}.values())


def _with_version(texts: dict[str, str], region: str, since: date, ages: dict[str, object]) -> Rulebooks:
    raw = yaml.safe_load(texts[region])
    last = raw["versions"][-1]
    raw["versions"].append(
        {"since": since, "documents": last["documents"], "extends": last["since"], "ages": ages}
    )
    return Rulebooks.of(*{**texts, region: yaml.safe_dump(raw, allow_unicode=True)}.values())
