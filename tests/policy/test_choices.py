"""Which measure a risk calls for, by the shipped rulebooks; what stays open; and what a rulebook may not choose."""

from datetime import date

import pytest

from sigill.policy.choices import (
    DoorOpens,
    DoorWay,
    OpenDoor,
    RiskSituation,
    choose,
    open_doors,
)
from sigill.policy.rulebook import RulebookError, Version, parse
from sigill.rulebook_docs.checking import check
from sigill.rulebook_docs.files import load
from sigill_contracts.vocabulary import Form, RiskFrom, RiskSign, Service
from tests.kit.solbygden import SOLBYGDEN

BOOKS, _ = load()
DAY = date(2026, 4, 10)


def of(region: str) -> Version:
    found = BOOKS.version(region, DAY)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("age", "risk", "signs", "forms", "rule"),
    [
        (9, None, "tells_of_harm", "seal_child", "VGB-11"),
        (9, "one_guardian", "tells_of_harm", "seal_child", "VGB-11"),
        (9, "all_guardians", "", "seal_child", "VGB-11"),
        (9, "one_guardian", "", "block_guardians", "VGB-11"),
        (12, "one_guardian", "", "block_guardians", "VGB-02"),
        (13, "one_guardian", "", "revoke_guardian_access", "VGB-07"),
        (9, "one_guardian", "e_id_controlled", "seal_child", "VGB-11"),
        (14, "one_guardian", "e_id_controlled", "seal_child", "VGB-11"),
        (17, "one_guardian", "punished_for_care", "seal_child", "VGB-11"),
        (15, "somebody_else", "record_demanded", "seal_child", "VGB-11"),
        (0, "one_guardian", "protected_patient", "seal_child", "VGB-05"),
        (17, None, "protected_patient", "seal_child", "VGB-05"),
        (18, None, "record_demanded", "seal_journal", "VG-02"),
    ],
)
def test_every_scenario_of_the_document_on_childrens_protection_has_its_measure_and_sentence(
    age: int, risk: str | None, signs: str, forms: str, rule: str
) -> None:
    asked = RiskSituation(age, RiskFrom(risk) if risk else None, frozenset(map(RiskSign, signs.split())))
    advice = choose(of("vastra-gotaland"), asked)
    assert advice.rule is not None
    assert advice.rule.forms == tuple(map(Form, forms.split()))
    assert rule in advice.rule.cites


@pytest.mark.parametrize("region", sorted(r for r, b in BOOKS.regions.items() if not b.national))
@pytest.mark.parametrize("age", range(18))
@pytest.mark.parametrize("risk", [RiskFrom.ONE_GUARDIAN, RiskFrom.ALL_GUARDIANS])
def test_what_a_region_chooses_against_a_guardian_leaves_the_record_shut(
    region: str, age: int, risk: RiskFrom
) -> None:
    """In every region and at every age, also where the guardian holds the child's e-ID."""
    advice = choose(of(region), RiskSituation(age, risk, frozenset({RiskSign.E_ID_CONTROLLED})))
    assert advice.rule is not None
    record = [door for door in advice.doors if door.service is Service.JOURNAL]
    assert [door for door in record if door.opens is DoorOpens.NOW] == []


def test_a_form_that_is_not_for_the_age_shuts_nothing() -> None:
    version = of("vastra-gotaland")
    asked = RiskSituation(14, RiskFrom.ONE_GUARDIAN, frozenset({RiskSign.E_ID_CONTROLLED}))
    assert open_doors(version, [Form.BLOCK_GUARDIANS], asked) == (
        OpenDoor(DoorWay.GUARDIAN_LOGIN, Service.JOURNAL, DoorOpens.BY_GRANT),
        OpenDoor(DoorWay.PATIENT_LOGIN, Service.JOURNAL, DoorOpens.AT_AGE, 16),
        OpenDoor(DoorWay.PATIENT_LOGIN, Service.E_SERVICES, DoorOpens.NOW),
    )


def test_a_restriction_of_some_units_shuts_no_door_whole() -> None:
    asked = RiskSituation(9, RiskFrom.ONE_GUARDIAN)
    doors = open_doors(of("jamtland-harjedalen"), [Form.RESTRICT_GUARDIAN_ACCESS], asked)
    assert {(door.service, door.opens) for door in doors} == {
        (Service.JOURNAL, DoorOpens.NOW),
        (Service.E_SERVICES, DoorOpens.NOW),
    }


def with_choices(*lines: str) -> str:
    said = "    choices:\n" + "".join(f"      - {line}\n" for line in lines)
    before, after = SOLBYGDEN.split("    entries:\n", 1)
    return f"{before}{said}    entries:\n{after}"


def test_a_choice_names_only_forms_that_the_region_has() -> None:
    with pytest.raises(RulebookError) as wrong:
        parse(with_choices("{id: one, cites: [SB-02], forms: [lock_login]}"))
    assert "choice one names lock_login, which the version does not offer" in str(wrong.value)


def test_a_choice_cites_a_rule_and_answers_something() -> None:
    with pytest.raises(RulebookError) as wrong:
        parse(with_choices("{id: one, cites: [SB-02]}"))
    assert "choice one names no form and says nothing" in str(wrong.value)
    with pytest.raises(RulebookError) as wrong:
        parse(with_choices("{id: one, cites: [SB-99], forms: [seal_journal]}"))
    assert "one cites SB-99, which is no rule of the file" in str(wrong.value)


def faults(*lines: str) -> list[str]:
    """The faults, each once: a later version inherits the choices."""
    return sorted({fault.what for fault in check([parse(with_choices(*lines))])})


def test_a_choice_that_never_comes_to_its_turn_is_found() -> None:
    found = faults(
        "{id: wide, cites: [SB-02], when: {patient_under: 18}, forms: [seal_journal]}",
        "{id: narrow, cites: [SB-02], when: {patient_under: 13, risk: [one_guardian]}, forms: [seal_journal]}",
    )
    assert found == ["can never apply: wide stands before it and holds whenever it does"]
    assert (
        faults(
            "{id: narrow, cites: [SB-02], when: {patient_under: 13, risk: [one_guardian]}, forms: [seal_journal]}",
            "{id: wide, cites: [SB-02], when: {patient_under: 18}, forms: [seal_journal]}",
        )
        == []
    )


def test_a_choice_for_ages_that_its_form_is_not_for_is_found() -> None:
    version = BOOKS.regions["vastra-gotaland"].versions[-1]  # type: ignore[index]
    wrong = version.choices[3].model_copy(
        update={"when": version.choices[3].when.model_copy(update={"patient_under": 18})}
    )
    book = BOOKS.regions["vastra-gotaland"].model_copy(  # type: ignore[index]
        update={"versions": (version.model_copy(update={"choices": (wrong,)}),)}
    )
    assert "names block_guardians for ages that the form is not for" in [
        fault.what for fault in check([book])
    ]


def test_a_version_that_says_its_own_choices_takes_none_of_the_bases() -> None:
    assert [choice.id for choice in of("stockholm").choices] == [
        choice.id for choice in BOOKS.national.versions[0].choices
    ]
    assert of("skane").choices[0].cites == ("SK-06",)
