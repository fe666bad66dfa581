"""No floor of the national file (X-31) gives way to a region's file, by whichever construct the file tries."""

from collections.abc import Callable

import pytest
import yaml

from sigill.policy.rulebook import RulebookError, parse
from sigill.rulebook_docs.checking import harms
from sigill.rulebook_docs.files import NATIONAL
from tests.kit.berget import BERGET

BASE = parse(NATIONAL.read_text("utf-8"))
FLOORS = sorted(rule_id for rule_id, rule in BASE.rules.items() if rule.floor)
REGION = (
    BERGET
    + """\
  - since: 2027-01-01
    extends: 2026-01-01
    documents: [B1]
"""
)
WORDS = '{sv: "behövs inte", en: "not needed"}'


def _rule(floor: str, more: str = "") -> str:
    own = f'  {floor}: {{kind: [T], document: B1, {more}sv: "Gäller inte.", en: "Does not hold."}}\n'
    return REGION.replace("rules:\n", "rules:\n" + own)


def _version(said: str, since: str = "2026") -> str:
    begin = f"- since: {since}-01-01\n"
    return REGION.replace(begin, f"{begin}    {said}\n")


TRIES: dict[str, Callable[[str], str]] = {
    "a rule of its id": _rule,
    "a rule of its id that calls itself a floor": lambda floor: _rule(floor, "floor: true, "),
    "a rule of its id that is derived": lambda floor: _rule(floor, f"derived: {WORDS}, "),
    "dropped with a reason": lambda floor: _version(f"drops: {{{floor}: {WORDS}}}"),
    "dropped in a list": lambda floor: _version(f"drops: [{floor}]"),
    "dropped by a later version": lambda floor: _version(f"drops: [{floor}]", "2027"),
    "left to people": lambda floor: _version(f"people_only: {{{floor}: text}}"),
    "left to people by a later version": lambda floor: _version(
        f"people_only: {{{floor}: worklist}}", "2027"
    ),
    "held by other parts of the program": lambda floor: _version(f"held_by_core: {{{floor}: [nothing]}}"),
    "national itself": lambda floor: _rule(floor).replace("name:", "national: true\nname:", 1),
}


def refused(text: str) -> list[str]:
    """What is said of a file that is not loaded; empty: it would be."""
    try:
        found = harms([parse(text, BASE), BASE])
    except RulebookError as error:
        return [str(one) for one in error.faults]
    return [str(one) for one in found]


def test_the_file_is_loaded_as_it_stands() -> None:
    assert refused(REGION) == []
    assert {"X-01", "X-03", "X-09", "X-10", "X-11", "X-21", "X-22", "X-23", "X-27", "X-29", "X-31"} <= set(
        FLOORS
    )


@pytest.mark.parametrize("tried", TRIES)
@pytest.mark.parametrize("floor", FLOORS)
def test_no_construct_puts_a_floor_aside(floor: str, tried: str) -> None:
    assert refused(TRIES[tried](floor))


@pytest.mark.parametrize("floor", FLOORS)
def test_the_program_holds_it_in_every_version_of_the_base(floor: str) -> None:
    assert all(floor in version.held_by_core for version in BASE.versions)


@pytest.mark.parametrize("clause", ["protected_identity", "reserve_number"])
@pytest.mark.parametrize("entry", [entry.id for entry in BASE.versions[0].entries])
def test_no_entry_of_the_base_is_patched_into_the_contrary_of_a_floor(entry: str, clause: str) -> None:
    patch = yaml.safe_dump(
        {"id": entry, "cites": ["BE-01"], clause: "allowed"}, default_flow_style=True
    ).strip()
    text = REGION.replace("{id: block, cites: [BE-01], deciders: [head_of_unit]}", patch)
    assert any("floor of every region" in said for said in refused(text))
