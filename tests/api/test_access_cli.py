"""`sigill access …` against a real store, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest

from sigill.operations.decision_models import DecisionTold, PictureTold, TimelineTold
from sigill.policy.facts import Identity
from sigill.store import access_log
from sigill_contracts.vocabulary import IdType, MeasureKind
from tests.kit.decision_api import StoredPopulation, key_of


async def sigill(dsn: str, *arguments: str, given: str = "") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sigill.cli", "access", *arguments),
        env={**os.environ, "SIGILL_DATABASE_URL": dsn, "SIGILL_DATABASE_TLS": "disable"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(given.encode()), 120)
    return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def family(population: StoredPopulation) -> StoredPopulation:
    await population.person("gun", "1985-01-01")
    population.numbers["vera"] = Identity(
        IdType.PERSONNUMMER, "201605059999"
    )  # a serial with a wrong check digit
    await population.person("vera", "2016-05-05", ["gun"])
    await population.measure("vera", MeasureKind.GUARDIAN_BLOCK, guardians=(population.ids["gun"],))
    return population


WHY = ("--purpose", "support call")


async def test_ask_says_why_and_ends_with_a_status_of_its_own(
    family: StoredPopulation, database: str
) -> None:
    vera, gun = family.key("vera"), family.key("gun")
    status, out, err = await sigill(database, "ask", vera, gun, *WHY)
    assert (status, err) == (3, "")
    assert out.startswith("DENIED")
    assert "guardian_block: Vårdnadshavarens tillgång är blockerad." in out
    assert "KR-17" in out
    status, out, _ = await sigill(database, "ask", vera, gun, *WHY, "--at", "2026-02-01T12:00", "--json")
    assert status == 0
    assert DecisionTold.model_validate_json(out).allowed


async def test_a_number_comes_from_standard_input_and_is_refused_as_an_argument(
    family: StoredPopulation, database: str
) -> None:
    number = family.numbers["vera"].number
    status, out, err = await sigill(database, "show", number, *WHY)
    assert (status, out) == (2, "")
    assert "history" in err
    assert number not in err
    status, out, err = await sigill(
        database, "show", "-", *WHY, "--json", given=f"{number[:8]}-{number[8:]}\n"
    )
    assert (status, err) == (0, "")
    assert PictureTold.model_validate_json(out).patient == key_of(number)
    assert number not in out


async def test_the_timeline_shows_the_13th_birthday(family: StoredPopulation, database: str) -> None:
    arguments = ("timeline", family.key("vera"), *WHY, "--viewer", family.key("gun"), "--service", "journal")
    status, out, _ = await sigill(database, *arguments)
    assert status == 0
    assert "2029-05-05 00:00  Patienten fyller 13 år." in out
    status, out, _ = await sigill(database, *arguments, "--json")
    assert [step.swedish_date.isoformat() for step in TimelineTold.model_validate_json(out).steps]
    assert json.loads(out)["patient"] == family.key("vera")


async def test_every_look_is_in_the_access_log_with_its_purpose(
    family: StoredPopulation, database: str
) -> None:
    vera = family.key("vera")
    await sigill(database, "ask", vera, family.key("gun"), *WHY, "--asking-unit", "SE9999999999-U1")
    await sigill(database, "show", vera, *WHY)
    async with family.store.reading() as snapshot:
        looks = [one.look for one in await access_log.of_person(snapshot, family.ids["vera"])]
    assert [(look.unit, look.reason) for look in looks] == [
        ("SE9999999999-U1", "support call"),
        (None, "support call"),
    ]
    assert all(look.actor.startswith("cli:") for look in looks)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("show", "v1." + "A" * 43, *WHY), 1),
        (("show", "v1." + "A" * 43), 2),
        (("show", "v1." + "A" * 43, *WHY, "--at", "yesterday"), 2),
        (("ask", "-", "-", *WHY), 2),
        (("serve",), 2),
    ],
)
async def test_what_is_written_wrongly_ends_with_a_line_and_no_trace(
    family: StoredPopulation, database: str, arguments: tuple[str, ...], status: int
) -> None:
    found, out, err = await sigill(database, *arguments)
    assert (found, out) == (status, "")
    assert err.strip()
    assert "Traceback" not in err
