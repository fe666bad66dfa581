"""Each attacker's row names a test, and each test that is named is there."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("docs/threat-model.md", "docs/privacy.md", "SECURITY.md")
ATTACKERS = (
    "threatening guardian",
    "insider",
    "curious operator",
    "stolen card",
    "forged EHR",
    "may produce to Kafka",
    "database administrator",
)


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in found if node.name.startswith("test_"))


def test_every_test_that_is_named_is_there() -> None:
    named = {
        (file, test)
        for page in PAGES
        for file, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / page).read_text("utf-8"))
    }
    assert len(named) > 40
    missing = {
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or test not in _tests_of(ROOT / file)
    }
    assert missing == set()


def test_every_place_that_is_named_is_there() -> None:
    for page in PAGES:
        for place in re.findall(
            r"`((?:tests|infra|contracts|workers)/[\w/.-]+)`", (ROOT / page).read_text("utf-8")
        ):
            assert (ROOT / place).exists(), f"{page} names {place}"


def test_every_attacker_has_rows_and_every_row_a_test() -> None:
    sections = (ROOT / "docs/threat-model.md").read_text("utf-8").split("\n## ")[1:]
    heads = [section.splitlines()[0] for section in sections]
    for attacker in ATTACKERS:
        assert any(attacker in head for head in heads), attacker
    for section in sections:
        rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
        assert len(rows) >= 3, section[:40]
        assert all("tests/" in row.rsplit("|", 2)[1] for row in rows), section[:40]
