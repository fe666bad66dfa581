"""An invented population: the same whoever makes it, nobody in it real, and shaped like Sweden."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

import pytest
import zstandard
from personnummer import personnummer

from sigill.policy.calendar import midnight
from sigill.population import synthesize as made
from sigill.population.files import chunks
from sigill.population.records import COLUMNS, custody_of, read_line
from sigill.population.synthesize import Recipe, synthesize
from tests.population.conftest import ON

KNOWN_AT = midnight(ON + timedelta(days=1))


def write(path: Path, recipe: Recipe, processes: int = 1) -> Path:
    assert sum(synthesize(recipe, path, processes=processes)) == recipe.persons
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return rows(write(tmp_path_factory.mktemp("people") / "p.csv", Recipe(60_000, 3, ON)))


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write(tmp_path / "one.csv", Recipe(300_000, 5, ON)).read_bytes()
    two = write(tmp_path / "two.csv", Recipe(300_000, 5, ON), processes=2).read_bytes()
    monkeypatch.setattr(made, "BLOCK", 77_777)
    other_parts = write(tmp_path / "three.csv", Recipe(300_000, 5, ON)).read_bytes()
    assert one == two == other_parts
    assert write(tmp_path / "four.csv", Recipe(300_000, 6, ON)).read_bytes() != one


def test_packed_files_and_folders_hold_the_same_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "BLOCK", 700)
    recipe = Recipe(2_500, 1, ON)
    plain = write(tmp_path / "p.csv", recipe).read_bytes()
    assert gzip.decompress(write(tmp_path / "p.csv.gz", recipe).read_bytes()) == plain
    packed = write(tmp_path / "p.csv.zst", recipe).read_bytes()
    assert zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read() == plain
    folder = write(tmp_path / "parts", recipe)
    for lines in (1, 7, 2_500, 9_999):
        for path in (tmp_path / "p.csv", tmp_path / "p.csv.gz", tmp_path / "p.csv.zst", folder):
            read = list(chunks(path, lines))
            assert b"".join(read) == plain.split(b"\n", 1)[1]
            assert {part.count(b"\n") for part in read[:-1]} <= {lines}


def test_no_number_is_real_and_none_stands_twice(people: list[dict[str, str]]) -> None:
    numbers = [row["id"] for row in people]
    assert len(set(numbers)) == len(numbers)
    personal = [row["id"] for row in people if row["id_type"] != "reservnummer"]
    assert not [number for number in personal if personnummer.valid(number)]
    former = [row["former_ids"] for row in people if row["former_ids"]]
    assert former
    assert all(part.startswith("reservnummer:F") for part in former)


def test_every_line_is_one_that_the_register_could_have_sent(people: list[dict[str, str]]) -> None:
    assert not [row for row in people if read_line([row[column] for column in COLUMNS], KNOWN_AT).set_aside]


def test_it_is_shaped_like_sweden(people: list[dict[str, str]]) -> None:
    share = Counter[str]()
    for row in people:
        age = (ON - date.fromisoformat((row["birth_date"] + "-07-01")[:10])).days / 365.25
        share["under 18"] += age < 18
        share["from 65"] += age >= 65
        share["co-ordination"] += row["id_type"] == "samordningsnummer"
        share["protected"] += "t" in (row["secrecy_mark"], row["protected_registration"])
        share["both marks"] += row["secrecy_mark"] == row["protected_registration"] == "t"
        share["dead"] += row["deregistration"] == "death"
        share["emigrated"] += row["deregistration"] == "emigration"
        share["partial"] += len(row["birth_date"]) < 10
        share["Västra Götaland"] += row["county"] == "14"
        share["leap day"] += row["birth_date"].endswith("-02-29")
    of = {kind: count / len(people) for kind, count in share.items()}
    assert 0.18 < of["under 18"] < 0.24
    assert 0.17 < of["from 65"] < 0.24
    assert 0.008 < of["co-ordination"] < 0.012
    assert 0.0012 < of["protected"] < 0.0035
    assert of["both marks"] == 0
    assert 0 < of["dead"] < 0.02
    assert 0 < of["emigrated"] < 0.02
    assert 0 < of["partial"] < 0.002
    assert 0.155 < of["Västra Götaland"] < 0.18
    assert of["leap day"] > 0.0002


def test_children_have_guardians_who_are_grown_and_in_the_register(people: list[dict[str, str]]) -> None:
    by_number = {row["id"]: row for row in people}
    children = [row for row in people if row["birth_date"][:4] > "2009"]
    how_many = Counter(row["custody"].count(";") + 1 if row["custody"] else 0 for row in children)
    assert how_many[2] / len(children) > 0.85
    assert how_many[1] / len(children) > 0.04
    assert how_many[0] > 0
    ended = 0
    for child in children:
        for kind, number, since, until in chain(custody_of(child["custody"]) if child["custody"] else ()):
            if kind:
                guardian = by_number[number]
                assert int(guardian["birth_date"][:4]) <= int(child["birth_date"][:4]) - 13
            assert since[:4] == child["birth_date"][:4]
            ended += bool(until)
    assert ended
    siblings = Counter(child["custody"].split(":")[1] for child in children if child["custody"])
    assert any(count > 1 for count in siblings.values())


@pytest.mark.parametrize("persons", [1, 2, 3, 30, 400])
def test_the_smallest_populations_hold_together(tmp_path: Path, persons: int) -> None:
    for row in rows(write(tmp_path / "few.csv", Recipe(persons, 1, ON))):
        assert not read_line([row[column] for column in COLUMNS], KNOWN_AT).set_aside
