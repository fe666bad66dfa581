"""Alternatives of a rule: one set of clauses is enough, and what is told is what the nearest of them misses."""

import pytest
import yaml

from sigill.policy.rulebook import RulebookError, Rulebooks, parse
from sigill.rulebook_docs.checking import check
from sigill.rulebook_docs.clauses import demands
from sigill.rulebook_docs.files import NATIONAL
from sigill.scenario.format import Scenario
from sigill.scenario.pure import play_pure
from tests.kit.solbygden import SOLBYGDEN

WAYS = """      - id: seal-agreed
        cites: [SB-02]
        forms: [seal_journal]
        any_of:
          - {deciders: [head_of_unit], attestations: [consulted_child]}
          - {deciders: [physician, senior_physician], attestations: [maturity_assessed, harm_assessment]}
      - id: unseal
"""
REGION = SOLBYGDEN.replace("      - id: unseal\n", WAYS, 1).replace(
    "deciders: [head_of_unit]", "deciders: [head_of_unit, physician]", 1
)
STORY = """
scenario: The head of unit and the child agree, or a physician has assessed the child
id: ANY-S01
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
  - order: {id: a, form: seal_journal, patient: sol, decided_by: ek, attestations: []}
    expect: {outcome: refused, codes: [attestation_missing]}
  - order: {id: b, form: seal_journal, patient: sol, decided_by: lind, attestations: [consulted_child]}
    expect: {outcome: refused, codes: [decider_lacks_role]}
  - order: {id: c, form: seal_journal, patient: sol, decided_by: lind, attestations: [maturity_assessed, harm_assessment]}
    expect: {outcome: executed}
  - order: {id: d, form: seal_journal, patient: sol}
    expect: {outcome: executed}
"""


def test_it_reads_as_one_sentence_and_is_well() -> None:
    region = parse(REGION)
    assert check([region]) == ()
    entry = next(e for e in region.versions[0].entries if e.id == "seal-agreed")
    ((_, said),) = demands(entry)
    assert said.sv == (
        "Något av detta räcker: Beslutas av verksamhetschef. Intygas: samråd med barnet eller Beslutas av läkare eller "
        "överläkare. Intygas: bedömd mognad och menprövning."
    )


async def test_one_way_is_enough_and_the_nearest_is_told() -> None:
    books = Rulebooks.of(REGION, NATIONAL.read_text("utf-8"))
    story = Scenario.model_validate(yaml.safe_load(STORY))
    await play_pure(story, books)


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ("[{deciders: [head_of_unit]}]", "at least 2"),
        ("[{deciders: [head_of_unit]}, {}]", "asks for nothing"),
        ("[{deciders: [head_of_unit]}, {offered: true}]", "any_of.1.offered"),
    ],
)
def test_what_no_alternative_can_be_is_refused(ways: str, said: str) -> None:
    entry = f"      - {{id: x, cites: [SB-02], forms: [seal_journal], any_of: {ways}}}\n      - id: unseal\n"
    with pytest.raises(RulebookError, match=said):
        parse(SOLBYGDEN.replace("      - id: unseal\n", entry, 1))
