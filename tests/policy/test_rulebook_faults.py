"""One mistake in a rulebook is one fault: where it stands, what is allowed there, and the nearest name."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sigill.cli.rulebook import app
from sigill.policy.rulebook import RulebookError, parse
from sigill.rulebook_docs.files import NATIONAL

BASE = parse(NATIONAL.read_text("utf-8"))
FILE = """\
region: berget
name: Region Berget
counties: ["99"]
documents: {B1: {title: "Rutin"}}
rules:
  BE-01: {kind: [V], document: B1, sv: "Verksamhetschefen beslutar.", en: "The head of unit decides."}
versions:
  - since: 2026-01-01
    base: nationwide
    documents: [B1]
    entries:
      - {id: block, cites: [BE-01], deciders: [head_of_unit]}
      - {id: call, cites: [BE-01], forms: [seal_journal], signed_form: never, channels: {ehr_form: always}}
  - since: 2027-01-01
    extends: 2026-01-01
    documents: [B1]
    entries:
      - {id: more, cites: [BE-01], forms: [lock_login], motivation: required}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "place", "said"),
    [
        ("deciders: [head_of_unit]}", "deciders: [head_of_unitt]}", (12, 48), "block.deciders.0: `head_of_unitt` is not known here; nearest: head_of_unit; allowed: head_delegate, "),
        ("deciders: [head_of_unit]}", "decider: [head_of_unit]}", (12, 37), "block.decider: there is no `decider` here; nearest: deciders; allowed: age, "),
        ("forms: [seal_journal]", "forms: [seal_jurnal]", (13, 44), "call.forms.0: `seal_jurnal` is not known here; nearest: seal_journal; allowed: "),
        ("signed_form: never", "signed_form: nevr", (13, 59), "call.signed_form: `nevr` is not known here; nearest: never; allowed: never"),
        ("{ehr_form: always}", "{ehr_from: always}", (13, 90), "call.channels.ehr_from: there is no `ehr_from` here; nearest: ehr_form; allowed: ehr_form, paper, phone"),
        ("block, cites: [BE-01]", "block, cites: [BE-10]", (12, 29), "block cites BE-10, which is no rule of the file; nearest: BE-01"),
        ("document: B1", "document: B2", (6, 22), "rule BE-01 names no known document; nearest: B1"),
        ("kind: [V]", "kind: V", (6, 11), "rules.BE-01.kind: must be a list: [one, another]"),
        ("title: ", "titel: ", (4, 18), "documents.B1.titel: there is no `titel` here; nearest: title"),
        ("documents: {B1", "documents: [B1", (4, 33), "not YAML: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_with_its_place(
    right: str, wrong: str, place: tuple[int, int], said: str
) -> None:
    with pytest.raises(RulebookError) as told:
        parse(FILE.replace(right, wrong, 1), BASE)
    found = [fault for fault in told.value.faults if "is missing" not in fault.what]
    assert [fault.place for fault in found] == [place]
    assert found[0].what.startswith(said)


def test_what_is_missing_is_told_of_where_it_should_stand() -> None:
    with pytest.raises(RulebookError) as told:
        parse(FILE.replace(', en: "The head of unit decides."', "", 1), BASE)
    (fault,) = told.value.faults
    assert (fault.place, fault.what) == ((6, 3), "rules.BE-01.en: is missing")


@pytest.mark.parametrize("text", ["\x00", "a: b\n---\nc: d", "? [a]\n: b", "[a]", "!!set {a}"])
def test_what_is_no_rulebook_at_all_is_told_in_one_fault(text: str) -> None:
    with pytest.raises(RulebookError) as told:
        parse(text, BASE)
    assert len(told.value.faults) == 1


def test_check_prints_file_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "berget.yaml"
    file.write_text(FILE.replace("[head_of_unit]", "[head_of_units]", 1), "utf-8")
    checked = CliRunner().invoke(app, ["check", str(file)])
    assert checked.exit_code == 1
    assert checked.stdout.startswith(f"{file}:12:48: block.deciders.0: `head_of_units` is not known here; ")
    assert len(checked.stdout.splitlines()) == 1
