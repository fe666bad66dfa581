"""A rulebook may want documents in the record to be named: the form that names none of a kind is refused."""

import pytest
import yaml

from sigill.policy.form_fields import FormField, form_fields
from sigill.policy.rulebook import RulebookError, Rulebooks, parse
from sigill.rulebook_docs.checking import check
from sigill.rulebook_docs.clauses import demands
from sigill.rulebook_docs.files import NATIONAL
from sigill.scenario.format import Scenario
from sigill.scenario.pure import play_pure
from sigill_contracts.vocabulary import Form
from tests.kit.solbygden import SOLBYGDEN

ASKED = """      - id: seal-papers
        cites: [SB-02]
        forms: [seal_journal]
        references: [hand_signed_form, report]
      - id: unseal
"""
REGION = SOLBYGDEN.replace("      - id: unseal\n", ASKED, 1)
STORY = """
scenario: The form signed by hand and the report are named, or the seal is refused
id: REF-S01
cites: [SB-02]
region: solbygden
start: 2026-03-02T10:00
units: [solkliniken]
people:
  sol: {born: 2000-03-01}
staff:
  ek: {unit: solkliniken, roles: [head_of_unit]}
steps:
  - order: {id: none, form: seal_journal, patient: sol, decided_by: ek, references: null}
    expect: {outcome: refused, codes: [reference_missing]}
  - order: {id: empty, form: seal_journal, patient: sol, decided_by: ek, references: []}
    expect: {outcome: refused, codes: [reference_missing]}
  - order: {id: other, form: seal_journal, patient: sol, decided_by: ek, references: [court_order, report]}
    expect: {outcome: refused, codes: [reference_missing]}
  - order: {id: both, form: seal_journal, patient: sol, decided_by: ek, references: [report, {kind: hand_signed_form, id: scan-1}]}
    expect: {outcome: executed}
  - order: {id: made-up, form: release_journal_seal, patient: sol, decided_by: ek, references: null}
    expect: {outcome: executed}
  - order: {id: again, form: seal_journal, patient: sol, decided_by: ek}
    expect: {outcome: executed}
"""


async def test_a_form_that_names_none_of_a_kind_is_refused() -> None:
    books = Rulebooks.of(REGION, NATIONAL.read_text("utf-8"))
    story = Scenario.model_validate(yaml.safe_load(STORY))
    await play_pure(story, books)


def test_it_reads_as_one_sentence_and_is_well() -> None:
    region = parse(REGION)
    assert check([region]) == ()
    entry = next(e for e in region.versions[0].entries if e.id == "seal-papers")
    ((_, said),) = demands(entry)
    assert said.sv == (
        "Blanketten anger handlingar i journalen: blanketten med egenhändig underskrift och anmälan."
    )
    assert said.en == "The form names documents in the record: the form signed by hand and the report."


def test_a_record_system_shows_the_kinds_where_they_are_wanted() -> None:
    version = parse(REGION).versions[0]
    assert FormField("references", True, ("hand_signed_form", "report"), ("SB-02",)) in form_fields(
        version, Form.SEAL_JOURNAL
    )
    assert "references" not in {one.name for one in form_fields(version, Form.RELEASE_JOURNAL_SEAL)}


@pytest.mark.parametrize("kinds", ["[]", "[photograph]"])
def test_no_kind_and_an_unknown_one_are_told(kinds: str) -> None:
    with pytest.raises(RulebookError, match="references"):
        parse(REGION.replace("[hand_signed_form, report]", kinds))
