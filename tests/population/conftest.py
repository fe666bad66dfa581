"""What the population's tests share: the regions' rules, and a register file of a small town."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sigill.policy.rulebook import Rulebooks
from sigill.population.load import Target
from sigill.population.snapshot import connection_arguments
from sigill.population.synthesize import Recipe, synthesize

ON = date(2026, 11, 24)
SECRET = b"a secret of thirty-two bytes, or more"
RULEBOOKS = Path(__file__).parents[2] / "workers/sigill/rulebooks"


@pytest.fixture(scope="session")
def books() -> Rulebooks:
    return Rulebooks.of(*(path.read_text("utf-8") for path in sorted(RULEBOOKS.glob("*.yaml"))))


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register file of 6,000 persons."""
    path = tmp_path_factory.mktemp("town") / "town.csv"
    assert sum(synthesize(Recipe(6_000, 7, ON, names=True), path, processes=1)) == 6_000
    return path


def target(dsn: str, books: Rulebooks) -> Target:
    return Target(connection_arguments(dsn), SECRET, "v1", books, "urn:sigill:test")
