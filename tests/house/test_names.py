"""One word a thing: no public class name stands twice, and the glossary names classes that are there."""

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"handler", "desk", "standing", "reading", "whole", "ends", "anew"}
"""Module names that say nothing of what is inside."""
BOTH_SIDES = "contracts"
"""A message of the contracts and the value that the rules make of it may share a name."""


def _classes() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for folder in ("contracts/sigill_contracts", "workers/sigill"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = str(path.relative_to(ROOT)).removesuffix(".py")
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].add(module)
    return found


def _names() -> set[str]:
    """Classes, and the names of types that are made of others."""
    found = set(_classes())
    for folder in ("contracts/sigill_contracts", "workers/sigill"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.Assign):
                    found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    found.add(node.target.id)
    return found


def test_no_public_class_name_stands_twice() -> None:
    twice = {
        name: sorted(modules)
        for name, modules in _classes().items()
        if len([m for m in modules if not m.startswith(BOTH_SIDES)]) > 1
    }
    assert twice == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    modules = [
        path
        for folder in ("contracts/sigill_contracts", "workers/sigill")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert [str(path.relative_to(ROOT)) for path in modules if path.stem in FORBIDDEN] == []


def test_every_class_and_module_that_glossary_and_architecture_name_is_there() -> None:
    known = _names()
    for page in ("glossary.md", "architecture.md"):
        text = (ROOT / "docs" / page).read_text("utf-8")
        for name in re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]*)*)`", text):
            assert name in known, f"{page} names {name}"
        for path in re.findall(r"`((?:workers|contracts|infra)/[\w./]+)`", text):
            assert (ROOT / path).exists(), f"{page} names {path}"


SPEAKS = {
    "one room speaks SQL": {"store"},
    "one room speaks Kafka": {"stream"},
    "one room speaks HTTP to people": {"web", "trial"},
}
"""Rooms that each contract leaves out, because they are the ones that may."""


def test_every_room_is_in_every_contract_that_keeps_a_library_out() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    sources = {contract["name"]: contract.get("source_modules", []) for contract in contracts}
    root = ROOT / "workers/sigill"
    rooms = {path.parent.name for path in root.glob("*/*.py")} | {"bootstrap"}
    for name, speakers in SPEAKS.items():
        named = {module.removeprefix("sigill.") for module in sources[name]} - {"sigill_contracts"}
        assert named == rooms - speakers, name


def test_no_loop_goes_over_things_called_one() -> None:
    modules = [
        path
        for folder in ("contracts/sigill_contracts", "workers/sigill")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert [path.name for path in modules if re.search(r"\bfor one in\b", path.read_text("utf-8"))] == []
