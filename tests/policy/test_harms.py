"""A rulebook that harms is not loaded, by whichever command or worker (X-31)."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sigill.bootstrap import load_rulebooks
from sigill.cli.rulebook import app
from sigill.policy.rulebook import RulebookError, parse
from sigill.rulebook_docs.checking import harms
from sigill.rulebook_docs.files import NATIONAL, SHIPPED, load
from tests.kit.solbygden import SOLBYGDEN

run = CliRunner()
SEAL = "        services: [journal]\n"
GRANT = """      - id: grant
        cites: [SB-02]
        forms: [grant_guardian_access]
        offered: true
        initiatives: [guardian]
        channels: {ehr_form: always}
        deciders: [head_of_unit]
        ends_at_age: 16
"""


def with_in_2026(entries: str) -> str:
    return SOLBYGDEN.replace("      - id: unseal\n", entries + "      - id: unseal\n", 1)


def faults_of(text: str) -> list[str]:
    return [str(fault) for fault in harms([parse(text)])]


def test_the_shipped_rulebooks_harm_nobody() -> None:
    books, taken = load()
    assert taken is None
    assert set(books.regions) == {
        "kronoberg",
        "jamtland-harjedalen",
        "jonkoping",
        "skane",
        "stockholm",
        "vastra-gotaland",
        "nationwide",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            SOLBYGDEN.replace("forms: [release_journal_seal]", "forms: [release_login_lock]"),
            "journal_seal never ends",
        ),
        (
            with_in_2026(GRANT.replace("        ends_at_age: 16\n", "")),
            "guardian_grant never ends: no form releases it, no end date, no age",
        ),
        (
            with_in_2026(
                "      - {id: more, cites: [SB-02], forms: [seal_journal],\n"
                "         also_imposes: [{kind: login_lock, services: [e_services], goes_with_it: false}]}\n"
            ),
            "login_lock never ends",
        ),
        (
            with_in_2026("").replace(
                "  - since: 2027-01-01",
                "    standing:\n      - {id: shut, cites: [SB-02], state: protected_patient,\n"
                "         imposes: [{kind: child_seal, services: [journal]}]}\n  - since: 2027-01-01",
            ),
            "no form releases child_seal when the state has ended",
        ),
        (
            SOLBYGDEN.replace("own_record_from: 15", "own_record_from: 150"),
            "ages.own_record_from: 150 is outside",
        ),
        (
            SOLBYGDEN.replace("own_record_from: 15", "guardian_until: 0"),
            "ages.guardian_until: 0 is outside 1–25",
        ),
        (SOLBYGDEN.replace("own_record_from: 15", "own_record_from: 12"), "own_record_from comes before"),
        (SOLBYGDEN.replace("own_record_from: 15", "of_age: 14"), "of_age comes before"),
        (with_in_2026(GRANT + "        runs: {years: 100}\n"), "grant.runs.years: 100 is outside 1–10"),
        (
            SOLBYGDEN.replace(SEAL, SEAL + "        signed_form: {within_hours: 0}\n"),
            "seal.signed_form: 0 is outside 1–744",
        ),
        (
            with_in_2026(
                "      - {id: wide, cites: [SB-02], forms: [seal_journal], services: [journal, e_services]}\n"
            ),
            "seal and wide contradict: both say services",
        ),
        (
            SOLBYGDEN.replace(
                'kind: [T], document: S1, sv: "Den', 'kind: [S], document: S1, sv: "Den'
            ).replace("    reasons: {own_record: [SB-04]}", "    people_only: {SB-04: text}"),
            "SB-04 says who reaches what, and stands only under what people do",
        ),
        (
            SOLBYGDEN.replace("SB-01: {kind: [V]", "SB-01: {floor: true, kind: [V]"),
            "only the national file can",
        ),
    ],
)
def test_what_harms_is_found_with_its_place(text: str, fault: str) -> None:
    found = faults_of(text)
    assert any(fault in one for one in found), found
    assert all(one.startswith("solbygden") for one in found)


@pytest.mark.parametrize("clause", ["protected_identity", "reserve_number"])
def test_the_contrary_of_a_floor_is_refused_in_plain_words(clause: str) -> None:
    with pytest.raises(RulebookError, match="it is a floor of every region: leave it out"):
        parse(with_in_2026(GRANT + f"        {clause}: allowed\n"))


def test_a_floor_cannot_be_said_otherwise_by_a_region() -> None:
    other = SOLBYGDEN.replace("SB-0", "X-0")
    found = [str(fault) for fault in harms([parse(other), parse(NATIONAL.read_text("utf-8"))])]
    assert "solbygden: X-01 is a floor of every region and cannot be said otherwise" in found


def test_two_national_files_are_one_too_many() -> None:
    national = NATIONAL.read_text("utf-8")
    again = national.replace("region: nationwide", "region: everywhere")
    assert "two files say that they are the national one" in str(harms([parse(national), parse(again)])[0])


def test_a_folder_without_a_national_file_takes_the_shipped_one_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "solbygden.yaml").write_text(SOLBYGDEN, "utf-8")
    books, taken = load(tmp_path)
    assert books.national.region == "nationwide"
    assert taken == "no national rulebook among them: the shipped one is taken (nationwide)"
    assert load_rulebooks(tmp_path).national.region == "nationwide"
    result = run.invoke(app, ["check", "--rulebooks", str(tmp_path)])
    assert result.exit_code == 0
    assert taken in result.stderr
    shown = run.invoke(app, ["show", "solbygden", "--on", "2026-06-01", "--rulebooks", str(tmp_path)])
    assert shown.exit_code == 0
    assert taken in shown.stderr


def test_an_empty_folder_and_a_harmful_file_stop_every_command_and_worker(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match="holds no rulebook"):
        load(tmp_path)
    (tmp_path / "solbygden.yaml").write_text(
        SOLBYGDEN.replace("own_record_from: 15", "own_record_from: 99"), "utf-8"
    )
    with pytest.raises(RulebookError, match=r"own_record_from: 99 is outside 1–25"):
        load_rulebooks(tmp_path)
    result = run.invoke(app, ["show", "solbygden", "--rulebooks", str(tmp_path)])
    assert result.exit_code == 2
    assert "own_record_from: 99" in result.stderr
    assert run.invoke(app, ["check", "--rulebooks", str(tmp_path)]).exit_code == 1


def test_the_shipped_folder_is_the_one_that_the_commands_name() -> None:
    assert (SHIPPED / "kronoberg.yaml").is_file()
