"""No age is written in code: every one is read from the rulebook in force (X-29)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGES = frozenset(range(12, 22))
"""The numbers that an age of children's rules might be."""
ALLOWED = {
    (
        "workers/sigill/policy/calendar.py",
        "CUSTODY_ENDS_AT",
    ): "custody ends at majority by law, Föräldrabalken 9 kap. 1 §",
    ("workers/sigill/policy/rulebook.py", "Ages"): "the rulebook's own defaults, read as part of it",
    ("workers/sigill/policy/calendar.py", "easter"): "the years of the moon's cycle",
    ("workers/sigill/policy/calendar.py", "BirthDate"): "December, the last month of a year",
    ("workers/sigill/judgement/remarks.py", "remarks_of"): "the months of a year",
    ("workers/sigill/web/api/openapi.py", "TIMELINE"): "an example of an answer",
    ("workers/sigill/web/api/openapi.py", "CHOICE"): "an example of an answer",
    (
        "workers/sigill/policy/access.py",
        "_AGES_IN_NAME",
    ): "what the names of old reasons say; no answer depends on it",
    ("workers/sigill/operations/statistics.py", "next_month"): "the months of a year",
    ("workers/sigill/operations/statistics.py", "months_before"): "the months of a year",
    ("workers/sigill/rulebook_docs/pages.py", "_STYLE"): "measures of a page's style",
    ("workers/sigill/population/load.py", "_Loader"): "columns of a register file",
    ("workers/sigill/runtime/settings.py", "Work"): "unreadable messages in a row",
    ("workers/sigill/trial/families.py", "_people"): "the made-up families' ages",
    ("workers/sigill/trial/families.py", "TrialWorld"): "the birthday that the trial shows",
    ("workers/sigill/population/pyramid.py", "*"): "a statistic of the made-up population, by age group",
    ("workers/sigill/population/synthesize.py", "*"): "the made-up population's parents and households",
}
"""Where such a number stands, and why; a name, or all of a file."""
_SPEAKS_OF_AGE = re.compile(
    r"age|born|birth|year|reached|child|young|adult|guardian|custody|minor|milestone", re.I
)
_IN_TEXT = re.compile(
    r"(?<![\d.\-–_#:])(1[2-9]|2[01])(?![\d:.\-%]|\s*(?:byte|KiB|MB|hours|timmar|minut|tecken|characters|digits|siffror))"
)
_TEXT_OF_AGE = re.compile(r"fyll|år\b|åring|under \d|turn|birthday|of age|years old|child|barn", re.I)


def python_files() -> list[Path]:
    return sorted((ROOT / "workers").rglob("*.py"))


def suspects(source: str) -> Iterator[tuple[str, int, str]]:
    """The name that it stands under, the line, and what looks like an age."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(parents.get(node), ast.Expr):
            continue  # a text beside an attribute, which says what it is
        if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value in AGES:
            if _SPEAKS_OF_AGE.search(ast.unparse(_statement(node, parents))):
                yield _owner(node, parents), node.lineno, str(node.value)
        elif isinstance(node.value, str) and _IN_TEXT.search(node.value) and _TEXT_OF_AGE.search(node.value):
            yield _owner(node, parents), node.lineno, node.value


def _statement(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST:
    """The smallest expression around it that says something: a call, a comparison, an assignment."""
    while node in parents and not isinstance(node, ast.Call | ast.Compare | ast.stmt | ast.keyword):
        node = parents[node]
    return node


def _owner(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str:
    name = ""
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not name:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = ast.unparse(target)
    return name


def test_no_age_is_written_in_code() -> None:
    found = []
    for path in python_files():
        here = path.relative_to(ROOT).as_posix()
        for name, line, what in suspects(path.read_text("utf-8")):
            if (here, name) not in ALLOWED and (here, "*") not in ALLOWED:
                found.append(f"{here}:{line} ({name}): {what}")
    assert found == []


def test_what_is_allowed_is_still_there() -> None:
    for here, name in ALLOWED:
        names = {owner for owner, _, _ in suspects((ROOT / here).read_text("utf-8"))}
        assert names, here
        assert name == "*" or name in names, (here, name)


@pytest.mark.parametrize(
    "source",
    [
        "if person.reached(13, at, surely=True): pass",
        "birthday = age_begins(birth, 16)",
        "found = {(18, True)}  # x\nages = {18}",
        "text = Sentence('Du har fyllt 16 och kan läsa.', 'You have turned 16.')",
        "label = 'Vårdnadshavare till barn under 13'",
    ],
)
def test_the_test_finds_an_age(source: str) -> None:
    assert list(suspects(source))


@pytest.mark.parametrize(
    "source",
    [
        "salt = token_bytes(16)",
        "unmasked_for = timedelta(minutes=15)",
        "text = 'Visas i 15 minuter.'",
        "CHAINS = 16",
    ],
)
def test_the_test_leaves_other_numbers_alone(source: str) -> None:
    assert not list(suspects(source))
