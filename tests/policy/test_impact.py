"""What another version of the rules would change: its sentences, and who would gain or lose."""

from datetime import date

from sigill.policy.rulebook import Version
from sigill.rulebook_docs.comparison import as_if, compare, touched
from sigill_contracts.vocabulary import Form, RegionCode, Service
from tests.kit.values import CHILD, GUN, HANS, family, local
from tests.policy.test_properties import books

KRONOBERG = books().regions[RegionCode("kronoberg")]
OLD, NEW = KRONOBERG.versions


def test_a_version_differs_in_nothing_from_itself() -> None:
    assert compare(NEW, NEW) == ()


def test_what_kronoberg_changed_in_2025_is_said_form_by_form() -> None:
    changes = compare(OLD, NEW)
    by_form = {change.form for change in changes}
    assert {Form.LOCK_LOGIN, Form.BLOCK_GUARDIANS, Form.APPOINT_REPRESENTATIVE} <= by_form
    beside = [c for c in changes if c.form is Form.BLOCK_GUARDIANS and c.where == "block-locks-the-child"]
    assert {(c.kind, c.rules) for c in beside} == {("added", ("KR25-17",))}
    end = next(c for c in changes if c.form is Form.SEAL_JOURNAL and c.kind == "changed")
    assert end.before is not None
    assert end.after is not None
    assert end.before.en.startswith("An end date is required.")
    assert end.after.en.startswith("An end date or a date for a renewed decision is required.")


def test_turning_a_comparison_round_turns_its_additions_into_removals() -> None:
    there, back = compare(OLD, NEW), compare(NEW, OLD)
    added = {(c.form, c.after) for c in there if c.kind == "added"}
    removed = {(c.form, c.before) for c in back if c.kind == "removed"}
    assert added == removed


def raised(version: Version, **ages: int) -> Version:
    """The version with other ages."""
    return version.model_copy(update={"ages": version.ages.model_copy(update=ages)})


def test_a_proposed_age_shows_who_would_gain_and_lose() -> None:
    """Ds 2023:26 would let guardians in longer: here until 15, with the own account from 15."""
    proposed = as_if(books(), KRONOBERG, raised(NEW, guardian_until=15, own_account_from=15))
    today = as_if(books(), KRONOBERG, NEW)
    facts, at = family("2012-06-01"), local("2026-06-01T12:00")
    found = {(d.viewer, d.service, d.gained) for d in touched(facts, at, today, proposed)}
    assert found == {
        (GUN, Service.JOURNAL, True),
        (GUN, Service.E_SERVICES, True),
        (GUN, Service.PAPER_COPY, True),
        (HANS, Service.JOURNAL, True),
        (HANS, Service.E_SERVICES, True),
        (HANS, Service.PAPER_COPY, True),
        (CHILD, Service.E_SERVICES, False),
    }
    assert touched(family("2016-06-01"), at, today, proposed) == ()


def test_a_change_in_one_region_touches_nobody_of_another() -> None:
    proposed = as_if(books(), KRONOBERG, raised(NEW, guardian_until=15))
    facts = family("2012-06-01", "vastra-gotaland")
    assert touched(facts, local("2026-06-01T12:00"), books(), proposed) == ()


def test_a_version_may_be_looked_at_before_it_is_in_force() -> None:
    later = as_if(books(), KRONOBERG, NEW, since=date(2020, 1, 1))
    assert later.version("kronoberg", date(2021, 1, 1)) is not None
