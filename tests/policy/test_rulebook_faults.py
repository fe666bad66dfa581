"""One mistake in a rulebook is one fault: where it stands, what is allowed there, and the nearest name."""

import re
from pathlib import Path
from string import Formatter

import pytest
from typer.testing import CliRunner

from sigill.cli.rulebook import app
from sigill.policy.fault_lexicon import FAULTS
from sigill.policy.rulebook import RulebookError, parse
from sigill.policy.rulebook_faults import MOST_FAULTS
from sigill.rulebook_docs.files import NATIONAL
from tests.kit.berget import BERGET

ROOT = Path(__file__).parents[2]
BASE = parse(NATIONAL.read_text("utf-8"))
FILE = (
    BERGET
    + """\
      - {id: call, cites: [BE-01], forms: [seal_journal], signed_form: never, channels: {ehr_form: always}}
  - since: 2027-01-01
    extends: 2026-01-01
    documents: [B1]
    entries:
      - {id: more, cites: [BE-01], forms: [lock_login], motivation: required}
"""
)


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


def _gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", FAULTS)
def test_every_fault_has_words_in_both_languages_with_the_same_gaps(code: str) -> None:
    said = FAULTS[code]
    assert said.sv
    assert said.en
    assert _gaps(said.sv) == _gaps(said.en)
    sources = (ROOT / "workers" / "sigill").rglob("*.py")
    texts = [source.read_text("utf-8") for source in sources if source.stem != "fault_lexicon"]
    assert any(f'"{code}"' in text or f"'{code}'" in text for text in texts)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        ("deciders: [head_of_unit]}", "deciders: [head_of_unitt]}", 12, "block.deciders.0: `head_of_unitt` är inte känt här; närmast: head_of_unit; tillåtet: head_delegate, "),
        ("block, cites: [BE-01]", "block, cites: [BE-10]", 12, "block hänvisar till BE-10, som inte är någon regel i filen; närmast: BE-01"),
        ("kind: [V]", "kind: V", 6, "rules.BE-01.kind: ska vara en lista: [en, en till]"),
        ("more, cites: [BE-01], forms: [lock_login]", "more, cites: [BE-01]", 18, "more.forms: saknas, och inget med det id:t finns"),
        ("extends: 2026-01-01", "extends: 2025-01-01", 15, "versions: 2027-01-01 bygger på 2025-01-01, som inte står före den"),
        ("documents: {B1", "documents: [B1", 4, "är inte YAML: "),
        # what reads well and cannot be meant
        ("deciders: [head_of_unit]}", "court_order: person}", 12, "berget 2026-01-01 block: court_order betyder ingenting för block_guardians"),
        ("signed_form: never", "signed_form: {within_hours: 9999}", 13, "berget 2026-01-01 call: call.signed_form: 9999 ligger utanför 1–744"),
        ('counties: ["99"]', 'counties: ["77"]', 3, "berget: länet 77: inget län i Sverige har den koden"),
        ("forms: [lock_login], motivation: required", "forms: [lock_login], units: required", 18, "berget 2027-01-01 lock_login: lock och more motsäger varandra: enheter både krävs och förbjuds"),
    ],
)  # fmt: skip
def test_faults_are_told_in_swedish_with_their_place(
    tmp_path: Path, right: str, wrong: str, line: int, said: str
) -> None:
    file = tmp_path / "berget.yaml"
    file.write_text(
        FILE.replace('["99"]', '["14"]' if "99" not in right else '["99"]').replace(right, wrong, 1), "utf-8"
    )
    checked = CliRunner().invoke(app, ["check", str(file), "--language", "sv"])
    assert checked.exit_code == 1
    (told,) = checked.stdout.splitlines()
    assert re.match(rf"{re.escape(str(file))}:{line}:\d+: {re.escape(said)}", told), told


def test_what_a_later_version_inherits_is_told_once(tmp_path: Path) -> None:
    """One mistake of 2026 that the version of 2027 inherits is one line, at the entry that has it."""
    file = tmp_path / "berget.yaml"
    wrong = FILE.replace('["99"]', '["14"]').replace("deciders: [head_of_unit]}", "runs: {years: 99}}", 1)
    file.write_text(wrong, "utf-8")
    checked = CliRunner().invoke(app, ["check", str(file)])
    assert checked.stdout.splitlines() == [
        f"{file}:12:44: berget 2026-01-01 block: block.runs.years: 99 is outside 1–10"
    ]


def test_an_entry_without_forms_changes_the_clauses_that_it_gives_of_the_version_before() -> None:
    later = FILE.replace(
        "{id: more, cites: [BE-01], forms: [lock_login], motivation: required}",
        "{id: call, channels: {ehr_form: always, phone: urgent}}",
    )
    before, after = (
        next(e for e in version.entries if e.id == "call") for version in parse(later, BASE).versions
    )
    assert after == before.model_copy(update={"channels": after.channels})
    assert after.channels != before.channels


def test_of_very_many_faults_the_first_are_named_and_the_rest_counted() -> None:
    """Thousands of unknown keys took a minute of the processor each time that a draft was looked at."""
    text = "region: berget\nname: Berget\n" + "".join(f"k{number}: 1\n" for number in range(9_000))
    with pytest.raises(RulebookError) as wrong:
        parse(text, BASE)
    assert len(wrong.value.faults) <= MOST_FAULTS + 1
    assert any("more faults; mend the first" in one.text.en for one in wrong.value.faults)
