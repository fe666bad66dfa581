"""Whom a change of rules touches: the counts are those of asking about every resident under both rulebooks."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from sigill.bootstrap import Wiring, _AfterMigrations
from sigill.cli.rulebook import impact_lines
from sigill.policy.access import access_matrix, differences
from sigill.policy.calendar import midnight
from sigill.policy.rulebook import Rulebooks
from sigill.population.examples import role_of
from sigill.population.impact import Kind, Touched, touched, touched_in
from sigill.population.load import load
from sigill.population.records import HEADER
from sigill.population.snapshot import connection_arguments, snapshot
from sigill.runtime.settings import load_settings
from sigill.web.app import OpsWorker
from tests.population.brute import everybody
from tests.population.conftest import ON, SECRET, target
from tests.population.test_rehearse import books_texts, settled


def changed(region: str, *, drops: tuple[str, ...] = (), **parts: Any) -> Rulebooks:
    """The rulebooks with another newest version of one region, in force since long."""
    texts = books_texts()
    raw = yaml.safe_load(texts[region])
    for version in raw["versions"]:
        for part, value in parts.items():
            version[part] = {**(version.get(part) or {}), **value} if isinstance(value, dict) else value
        for gone in ("entries", "standing"):
            version[gone] = [e for e in version.get(gone) or [] if e["id"] not in drops]
    return Rulebooks.of(*{**texts, region: yaml.safe_dump(raw, allow_unicode=True)}.values())


async def test_residents_are_counted_as_if_each_were_asked_about(
    town: Path, database: str, books: Rulebooks
) -> None:
    await settled(database, town, books, bound=800)
    later = changed(
        "vastra-gotaland", ages={"guardian_until": 16, "own_record_from": 14, "own_account_from": 12}
    )
    found = await touched_in(connection_arguments(database), books, later, ON)
    async with snapshot(connection_arguments(database)) as tx:
        patients = await everybody(tx)
    expected: Counter[tuple[str, str]] = Counter()
    residents = 0
    at = midnight(ON)
    for patient in patients:
        ways = differences(access_matrix(patient, at, books), access_matrix(patient, at, later))
        residents += bool(ways)
        expected.update(
            {("opens" if w.gained else "closes", f"{role_of(patient, w)} {w.service}") for w in ways}
        )
    access = {
        (kind.what, kind.which): sum(by_age.values())
        for kind, by_age in found.by_kind.items()
        if kind.what in ("opens", "closes")
    }
    assert access == dict(expected)
    ages = {age for kind, by_age in found.by_kind.items() if kind.what != "measure" for age in by_age}
    assert ages <= set(range(18))
    assert {kind.region for kind in found.by_kind if kind.what != "measure"} == {"vastra-gotaland"}
    assert found.residents >= residents > 20
    assert found.regions == ("vastra-gotaland",)


async def test_adults_are_counted_where_a_rule_speaks_of_them(
    town: Path, database: str, books: Rulebooks
) -> None:
    await settled(database, town, books, bound=10)
    later = changed("vastra-gotaland", ages={"own_record_needs_full_personnummer": True})
    found = await touched_in(connection_arguments(database), books, later, ON)
    async with snapshot(connection_arguments(database)) as tx:
        ages = sorted(
            ON.year - p.patient.birth.latest.year for p in await everybody(tx)
            if differences(access_matrix(p, midnight(ON), books), access_matrix(p, midnight(ON), later))
        )  # fmt: skip
    assert found.residents == len(ages) > 0
    assert max(ages) - max(found.by_age) in (0, 1)
    assert max(ages) > 25


async def test_nothing_changed_touches_nobody(town: Path, database: str, books: Rulebooks) -> None:
    await settled(database, town, books, bound=10)
    assert await touched_in(connection_arguments(database), books, books, ON) == Touched(ON, (), 0)
    assert impact_lines(Touched(ON, (), 0), books, 5) == ["No resident is touched on 2026-11-24."]


async def test_reminders_standing_rules_and_measures_under_other_rules_are_kinds_of_their_own(
    town: Path, database: str, books: Rulebooks
) -> None:
    await settled(database, town, books, bound=800)
    later = changed("vastra-gotaland", lead={"birthday": 60})
    reminders = await touched_in(connection_arguments(database), books, later, ON)
    kinds = {kind.what for kind in reminders.by_kind}
    assert "reminder" in kinds
    assert "opens" not in kinds
    assert max(reminders.by_age) == 15
    assert min(reminders.by_age) == 0

    standing = [rule.id for rule in books.regions["vastra-gotaland"].versions[-1].standing]  # type: ignore[index]
    without = changed("vastra-gotaland", drops=tuple(standing))
    async with snapshot(connection_arguments(database)) as tx:
        hidden = sum(
            p.patient.latest.protected and not p.patient.reached(18, midnight(ON), surely=True)
            for p in await everybody(tx)
            if p.patient.latest.county == "14" and p.patient.registered and p.patient.latest.died_on is None
        )
    found = await touched_in(connection_arguments(database), books, without, ON)
    assert (
        sum(found.by_kind.get(Kind("vastra-gotaland", "standing", "protected_patient"), {}).values())
        == hidden
    )

    release = [
        e.id
        for e in books.regions["kronoberg"].versions[-1].entries
        if e.may_release  # type: ignore[index]
    ]
    assert release
    measured = await touched_in(
        connection_arguments(database), books, changed("kronoberg", drops=tuple(release)), ON
    )
    assert {kind.what for kind in measured.by_kind} == {"measure"}
    assert measured.residents > 50


async def test_the_command_may_call_it_without_a_loop(town: Path, database: str, books: Rulebooks) -> None:
    # no measures, and a region with many children: Kronoberg's only 15-year-old of the town has no e-ID, so that whether
    # anybody there was touched hung on which persons the drawn measures met
    await asyncio.to_thread(load, town, target(database, books), processes=1)
    later = changed("vastra-gotaland", ages={"own_record_from": 14})
    found = await asyncio.to_thread(touched, database, books, later, ON)
    assert found == await touched_in(connection_arguments(database), books, later, ON)
    lines = impact_lines(found, books, 5)
    assert lines[0].startswith("Residents touched on 2026-11-24;")
    assert any("own journal" in line for line in lines)


def test_no_small_count_is_told_nor_one_that_two_versions_differ_by(books: Rulebooks) -> None:
    """Whoever may only try rules would else learn, by trying two that differ by a place or an age, of the one between them."""
    kind = Kind("kronoberg", "opens", "guardian journal_read")
    rare = Kind("kronoberg", "measure", "guardian_block")

    def told(girls: int, blocked: int) -> str:
        ages = {13: girls, 15: 100}
        found = Touched(ON, ("kronoberg",), 1000, ages, {kind: ages, rare: {14: blocked}})
        return "\n".join(impact_lines(found, books, 5)[3:])

    assert told(41, 1) == told(42, 4), "one more is not seen, nor how few are blocked"
    blocked = next(line for line in told(41, 1).splitlines() if "guardian_block" in line)
    assert not any(word in "123456789" for word in blocked.split()), blocked
    assert blocked.split()[-1] == ".."
    assert "140" in told(41, 1)
    assert told(41, 1) != told(61, 1)


@pytest.mark.parametrize("on", [date(2027, 2, 28), date(2028, 2, 29), date(2027, 3, 1)])
async def test_leap_day_births_stand_apart(tmp_path: Path, database: str, books: Rulebooks, on: date) -> None:

    days = ["2011-02-28", "2012-02-28", "2012-02-29", "2012-03-01", "2008-02-29", "2014-02-28"]
    lines = [
        f"personnummer,{day.replace('-', '')}99{i:02},1,2020-01-01T00:00:00Z,{day},,,08,f,f,t,,,,,,"
        for i, day in enumerate(days * 5)
    ]
    path = tmp_path / "leap.csv"
    path.write_text("\n".join([HEADER.decode().strip(), *lines]) + "\n")
    await asyncio.to_thread(load, path, target(database, books), processes=1)
    later = changed("kronoberg", ages={"leap_day_on_28th": False, "own_record_from": 15})
    found = await touched_in(connection_arguments(database), books, later, on)
    async with snapshot(connection_arguments(database)) as tx:
        expected = sum(
            bool(differences(access_matrix(p, midnight(on), books), access_matrix(p, midnight(on), later)))
            for p in await everybody(tx)
        )
    assert found.residents == expected


async def test_the_console_counts_with_its_own_rights_what_the_command_counts(
    town: Path, database: str, books: Rulebooks
) -> None:
    """The count of a draft as the ops worker makes it: in a thread, as `sigill_ops`."""
    await settled(database, town, books, bound=200)
    settings = load_settings(
        database_url=database, database_tls="disable", patient_keys={"v1": base64.b64encode(SECRET).decode()}
    )
    made = Wiring.of(settings, books=books)._ops()
    assert isinstance(made, _AfterMigrations)
    assert isinstance(made.worker, OpsWorker)
    assert made.worker.impact is not None
    later = changed(
        "vastra-gotaland", ages={"guardian_until": 16, "own_record_from": 14}, drops=("child-lock",)
    )
    counted = await made.worker.impact(books, later, ON)
    expected = await touched_in(connection_arguments(database), books, later, ON)
    assert {(one.what, one.which): dict(one.by_age) for one in counted} == {
        (kind.what, kind.which): dict(ages) for kind, ages in expected.by_kind.items()
    }
    assert len(counted) >= 3
