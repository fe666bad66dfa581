"""`sigill rulebook check` finds what can be read and cannot be meant."""

import pytest

from sigill.policy.rulebook import RulebookError, parse
from sigill.rulebook_docs.checking import check
from tests.kit.solbygden import SOLBYGDEN

ENTRY = """
      - id: {id}
        cites: [SB-02]
        forms: [{form}]
        {more}
"""


def with_entry(form: str, more: str, name: str = "extra") -> list[str]:
    """The faults of the made-up region with one entry more in its first version."""
    text = SOLBYGDEN.replace(
        "  - since: 2027-01-01",
        ENTRY.format(id=name, form=form, more=more).lstrip("\n") + "  - since: 2027-01-01",
    )
    return [fault.what for fault in check([parse(text)]) if "2026-01-01" in fault.where]


def test_the_made_up_region_is_well() -> None:
    assert check([parse(SOLBYGDEN)]) == ()


@pytest.mark.parametrize(
    ("form", "more", "fault"),
    [
        (
            "seal_journal",
            "{when: {initiative: [care]}, motivation: required}",
            "no such initiative is allowed",
        ),
        ("seal_journal", "{when: {channel: [phone]}, motivation: required}", "no such channel is open"),
        ("seal_journal", "{when: {opinion: agree}, motivation: required}", "it has no opinion"),
        ("seal_journal", "{when: {decision: keep}, motivation: required}", "it has no decision"),
        ("seal_journal", "{when: {confirms_call: true}, motivation: required}", "it is never called in"),
        ("seal_journal", "{when: {measure_reported: true}, motivation: required}", "it speaks of no measure"),
        (
            "release_journal_seal",
            "{when: {measure: [login_lock]}, motivation: required}",
            "it ends another kind",
        ),
        ("seal_journal", "{unanimity: true}", "unanimity means nothing"),
        ("seal_journal", "{age: {since: 16, until: 13}}", "nobody is of that age"),
        ("seal_journal", "{deciders: [physician]}", "no one role may decide by both"),
        ("seal_journal", "{deciders: nobody}", "no one role may decide by both"),
        ("seal_journal", "{initiatives: [care]}", "no initiative is allowed by both"),
        ("seal_journal", "{channels: {phone: urgent}}", "no channel is open by both"),
        ("seal_journal", "{offered: false}", "offered and not offered"),
        ("lock_login", "{motivation: required}", "none of its forms is offered"),
        ("lock_login", "{offered: true}", "nobody is said to decide"),
        ("lock_login", "{offered: true}", "no channel is said to be open"),
        ("lock_login", "{offered: true}", "nobody is said to ask for it"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_named(form: str, more: str, fault: str) -> None:
    assert any(fault in found for found in with_entry(form, _flow(more)))


def _flow(more: str) -> str:
    """Several keys on one line, as YAML lines of the entry."""
    inner = more[1:-1]
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(inner):
        depth += (letter in "{[") - (letter in "}]")
        if letter == "," and depth == 0:
            parts.append(inner[start:index].strip())
            start = index + 1
    return "\n        ".join([*parts, inner[start:].strip()])


def test_clauses_under_conditions_that_exclude_each_other_do_not_contradict() -> None:
    urgent = "when: {urgent: true}\n        deciders: [head_of_unit, on_call_physician]"
    assert with_entry("seal_journal", urgent) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("cites: [SB-03]", "cites: [SB-77]", "SB-77, which is no rule of the file"),
        ("since: 2027-01-01", "since: 2025-01-01", "in order of date"),
        ("extends: 2026-01-01", "extends: 2024-01-01", "extends 2024-01-01"),
        ('document: S1, sv: "Verk', 'document: S9, sv: "Verk', "names no known document"),
        ("id: unseal-own-will", "id: seal", "entry seal stands twice"),
        ("offered: true\n        initiatives", "offred: true\n        initiatives", "offred"),
        ("deciders: [head_of_unit]", "deciders: [king]", "deciders"),
        ("region: solbygden", "region: [solbygden", "not YAML"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(old: str, new: str, fault: str) -> None:
    with pytest.raises(RulebookError, match=fault):
        parse(SOLBYGDEN.replace(old, new, 1))


def test_two_regions_that_share_a_county_or_a_rule_are_named() -> None:
    one = parse(SOLBYGDEN)
    other = parse(SOLBYGDEN.replace("region: solbygden", "region: manbygden"))
    found = [str(fault) for fault in check([one, other])]
    assert "solbygden, manbygden: county 99 belongs to both" in found
    assert "solbygden, manbygden: rule SB-01 stands in both" in found
    assert "solbygden: two files tell of this region" in [str(f) for f in check([one, one])]


def test_a_version_older_than_its_document_is_named() -> None:
    found = check([parse(SOLBYGDEN.replace("valid_from: 2026-01-01", "valid_from: 2026-06-01"))])
    assert any("valid from 2026-06-01 only" in fault.what for fault in found)
