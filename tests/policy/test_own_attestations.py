"""Attestations that a region declares itself: asked, told in its words, and misspelt ones named at loading."""

import pytest
import yaml

from sigill.policy.form_fields import form_fields
from sigill.policy.rulebook import RulebookError, Rulebooks, parse
from sigill.rulebook_docs.checking import check
from sigill.rulebook_docs.clauses import demands
from sigill.rulebook_docs.files import NATIONAL
from sigill.scenario.format import Scenario
from sigill.scenario.pure import play_pure
from sigill_contracts.vocabulary import Form
from tests.kit.solbygden import SOLBYGDEN

DECLARED = """attestations:
  child_agrees: {sv: "barnets medgivande", en: "the child's consent"}
  medical_obstacle: {sv: "medicinskt hinder för barnet att bestämma", en: "a medical obstacle to the child's decision"}
rules:
"""
WAYS = """      - id: seal-agreed
        cites: [SB-02]
        forms: [seal_journal]
        any_of:
          - {deciders: [head_of_unit], attestations: [child_agrees]}
          - {deciders: [physician], one_attestation_of: [medical_obstacle, harm_assessment]}
      - id: unseal
"""
REGION = (
    SOLBYGDEN.replace("rules:\n", DECLARED, 1)
    .replace("      - id: unseal\n", WAYS, 1)
    .replace("deciders: [head_of_unit]", "deciders: [head_of_unit, physician]", 1)
)
STORY = """
scenario: The head of unit with the child's consent, or a physician where an illness keeps the child from deciding
id: OWN-S01
cites: [SB-02]
region: solbygden
start: 2026-03-02T10:00
units: [solkliniken]
people:
  sol: {born: 2000-03-01}
staff:
  ek: {unit: solkliniken, roles: [head_of_unit]}
  lind: {unit: solkliniken, roles: [physician]}
steps:
  - order: {id: a, form: seal_journal, patient: sol, decided_by: ek, attestations: [consulted_child]}
    expect: {outcome: refused, codes: [attestation_missing]}
  - order: {id: b, form: seal_journal, patient: sol, decided_by: lind, attestations: ["solbygden:child_agrees"]}
    expect: {outcome: refused, codes: [decider_lacks_role]}
  - order: {id: c, form: seal_journal, patient: sol, decided_by: ek, attestations: ["elsewhere:child_agrees"]}
    expect: {outcome: refused, codes: [attestation_missing]}
  - order: {id: d, form: seal_journal, patient: sol, decided_by: lind, attestations: ["solbygden:medical_obstacle"]}
    expect: {outcome: executed}
  - order: {id: e, form: release_journal_seal, patient: sol}
    expect: {outcome: executed}
  - order: {id: f, form: seal_journal, patient: sol}
    expect: {outcome: executed}
"""


def test_they_read_as_the_region_says_them() -> None:
    region = parse(REGION)
    assert check([region]) == ()
    entry = next(e for e in region.versions[0].entries if e.id == "seal-agreed")
    ((_, said),) = demands(entry)
    assert "Intygas: barnets medgivande" in said.sv
    assert (
        "At least one is attested: a medical obstacle to the child's decision or a harm assessment" in said.en
    )


async def test_a_story_attests_them_by_region_and_word() -> None:
    books = Rulebooks.of(REGION, NATIONAL.read_text("utf-8"))
    await play_pure(Scenario.model_validate(yaml.safe_load(STORY)), books)


def test_a_form_of_the_record_system_offers_them() -> None:
    version = parse(REGION).versions[0]
    field = next(f for f in form_fields(version, Form.SEAL_JOURNAL) if f.name == "attestations")
    assert field.options == ("harm_assessment", "solbygden:child_agrees", "solbygden:medical_obstacle")


def test_a_misspelt_one_is_told_with_the_regions_own_among_what_is_allowed() -> None:
    with pytest.raises(RulebookError) as told:
        parse(REGION.replace("attestations: [child_agrees]", "attestations: [child_agree]", 1))
    (fault,) = told.value.faults
    assert "`child_agree` is not known here; nearest: child_agrees; allowed: " in fault.what
    assert fault.place is not None


def test_a_word_that_every_region_has_gets_no_meaning_of_a_region_s_own() -> None:
    with pytest.raises(RulebookError) as told:
        parse(REGION.replace("child_agrees", "own_will"))
    (fault,) = told.value.faults
    assert "attestations: `own_will` is an attestation of Sigill's already" in fault.what
    assert fault.place is not None
