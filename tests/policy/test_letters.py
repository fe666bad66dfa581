"""A region's letters: its wording with known fields, rendered, and nothing in them that must not be."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from sigill.cli.rulebook import app
from sigill.policy.rulebook import RulebookError, parse
from sigill.rulebook_docs.files import load
from sigill.rulebook_docs.letters import letter_html, letter_page, letter_text
from sigill.scenario.format import Scenario
from sigill.scenario.pure import play_pure
from sigill_contracts.vocabulary import RegionCode
from tests.kit.solbygden import SOLBYGDEN

BOOKS, _ = load()
DAY = date(2026, 5, 1)


def with_letter(text: str, more: str = "") -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    letter = (
        "    letters:\n      one:\n        cites: [SB-02]\n        delivery: registered_address\n"
        f"{more}        sv: {quoted}\n        en: plain\n"
    )
    before, after = SOLBYGDEN.split("    entries:\n", 1)
    return f"{before}{letter}    entries:\n{after}"


@pytest.mark.parametrize(
    ("text", "more", "fault"),
    [
        ("Till {recipent}", "", "there is no field {recipent}; fields: "),
        ("Du har {patient.number}", "", "a brace that is around no field"),
        ("Dagen {date:>20}", "", "a brace that is around no field"),
        ("En ensam { klammer", "", "a brace that is around no field"),
        ("{standard_reply} {region}", "", "a standard reply names no region and no office (X-28)"),
        ("{standard_reply}", "", "the version has no standard_reply"),
        ("Fyll i {forms}", "", "speaks of {forms} and encloses none"),
        ("Hej", "        encloses: [lock_login]\n", "encloses lock_login, which the version does not offer"),
    ],
)
def test_a_fault_of_a_letter_is_told_when_the_rulebook_is_loaded(text: str, more: str, fault: str) -> None:
    with pytest.raises(RulebookError) as wrong:
        parse(with_letter(text, more))
    assert fault in str(wrong.value)


def test_a_letter_shows_its_values_as_text_whatever_they_look_like() -> None:
    region = parse(with_letter("# {region}\n\n<b>fet</b> [länk](https://example.invalid) {recipient}"))
    region = region.model_copy(update={"name": "<script>*Sol* & bygden"})
    version = region.versions[0]
    shown = letter_html(region, version, version.letters["one"], DAY)
    assert "<h1>&lt;script&gt;*Sol* &amp; bygden</h1>" in shown
    assert "&lt;b&gt;fet&lt;/b&gt;" in shown
    assert "<a " not in shown
    assert "<hr" not in shown  # the line for the pen is no rule across the page


def test_every_shipped_letter_renders_in_both_languages_and_fetches_nothing() -> None:
    shipped = [
        (region, version, letter)
        for region in BOOKS.regions.values()
        for version in region.versions
        for letter in version.letters.values()
    ]
    assert shipped
    for region, version, letter in shipped:
        for english in (False, True):
            assert "default-src 'none'" in letter_page(region, version, letter, DAY, english=english)
            assert "{" not in letter_text(region, version, letter, DAY, english=english)


def test_the_standard_reply_is_the_regions_own_words_and_nothing_else() -> None:
    region = BOOKS.regions[RegionCode("vastra-gotaland")]
    version = region.versions[-1]
    assert version.standard_reply is not None
    lines = letter_text(region, version, version.letters["standard-reply"], DAY).split("\n\n")
    assert [line.strip("_ \n") for line in lines] == ["2026-05-01", "", version.standard_reply.sv]


def test_the_command_lists_previews_and_prints_the_letters(tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["letter", "jamtland-harjedalen"])
    assert "unsealing-form  registered_personal  [JH-11]" in listed.stdout
    page = tmp_path / "letter.html"
    asked = ["letter", "jamtland-harjedalen", "unsealing-form", "--on", "2026-05-01", "--html", str(page)]
    printed = runner.invoke(app, asked)
    assert printed.exit_code == 0
    assert "personlig utlämning" in printed.stderr
    assert "<em>Bryta försegling</em>" in page.read_text("utf-8")
    assert runner.invoke(app, ["letter", "jamtland-harjedalen", "none"]).exit_code == 2


STORY = """
scenario: The release on paper names the receipt of the letter's personal delivery
id: LETTER-S01
cites: [JH-11]
region: jamtland-harjedalen
start: 2025-01-10T10:00
units: [vc]
people:
  gun: {born: 1960-03-03}
staff: {}
steps:
  - order: {id: s1, form: seal_journal, patient: gun, initiative: resident, channel: paper}
    expect: {outcome: executed}
  - at: 2025-03-01T10:00
  - order:
      id: r1
      form: release_journal_seal
      patient: gun
      initiative: resident
      channel: paper
      attestations: [informed_of_consequences, identity_verified]
      references: [{kind: delivery_receipt, id: RR123456785SE}]
    expect: {outcome: executed}
  - access: {viewer: gun, patient: gun, service: journal, unit: vc}
    expect: {allowed: true}
"""


async def test_a_release_names_the_posting_number_and_its_receipt() -> None:
    await play_pure(Scenario.model_validate(yaml.safe_load(STORY)), BOOKS)


def test_a_later_version_keeps_the_letters_and_adds_its_own() -> None:
    found = BOOKS.version("vastra-gotaland", DAY)
    assert found is not None
    assert set(found.letters) == {"unsealing-form", "standard-reply"}
