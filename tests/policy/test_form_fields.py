"""The fields that a record system shows for a form: those that the region's rulebook gives it, and no others."""

from __future__ import annotations

from datetime import date

import pytest

from sigill.bootstrap import load_rulebooks
from sigill.policy.form_fields import FormField, form_fields, own_attestation_words
from sigill_contracts.vocabulary import Form

BOOKS = load_rulebooks()
ON = date(2026, 6, 1)


def fields(region: str, form: Form) -> dict[str, FormField]:
    version = BOOKS.version(region, ON)
    assert version is not None
    return {field.name: field for field in form_fields(version, form)}


def test_a_block_names_guardians_and_never_units_in_kronoberg() -> None:
    found = fields("kronoberg", Form.BLOCK_GUARDIANS)
    assert "guardians" in found
    assert "units" not in found  # `units: forbidden`
    assert "register" not in found["initiative"].options
    assert found["decided_by"].options


def test_a_lock_has_neither_units_nor_guardians() -> None:
    found = fields("kronoberg", Form.LOCK_LOGIN)
    assert not {"units", "guardians", "representative", "recorded_from", "decision", "opinion"} & found.keys()


def test_a_grant_must_name_its_units() -> None:
    assert fields("kronoberg", Form.GRANT_GUARDIAN_ACCESS)["units"].needed
    assert fields("kronoberg", Form.GRANT_MINOR_ACCESS)["units"].needed


@pytest.mark.parametrize("region", sorted(BOOKS.regions))
def test_every_offered_form_has_a_patient_and_cites_rules_that_exist(region: str) -> None:
    version = BOOKS.version(region, ON)
    if version is None:
        pytest.skip("no version in force")
    offered = [form for form in Form if version.offers(form)]
    assert offered
    for form in offered:
        found = form_fields(version, form)
        assert found[0] == FormField("patient", needed=True)
        assert len({field.name for field in found}) == len(found)
        assert {rule for field in found for rule in field.cites} <= BOOKS.rules.keys()
        assert all(field.options for field in found if field.name in ("initiative", "decided_by"))


def test_an_attestation_of_the_base_has_words_on_the_form_of_a_region_that_builds_on_it() -> None:
    """Declared in the base's file and not in the region's, so that a look into the region's own finds none."""
    books = load_rulebooks()
    for region in ("jonkoping", "skane", "stockholm"):
        version = books.version(region, date(2026, 11, 30))
        assert version is not None
        fields = {field.name: field for field in form_fields(version, Form.RELEASE_LOGIN_LOCK)}
        own = {code for code in fields["attestations"].options if ":" in code}
        assert own == {"nationwide:guardian_access_judged"}
        words = own_attestation_words(version, Form.RELEASE_LOGIN_LOCK)
        assert words.keys() == own
        assert (
            words["nationwide:guardian_access_judged"].sv
            == "att det är bedömt om vårdnadshavaren ska blockeras"
        )
