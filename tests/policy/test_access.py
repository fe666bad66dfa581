"""Who sees what, when: tables of boundary moments."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from sigill.policy.access import AccessQuestion, access_matrix, decide, differences, valid_until
from sigill.policy.facts import Custody, PatientFacts
from sigill_contracts.vocabulary import IdType, MeasureKind, PersonId, Service
from tests.kit.values import BARN, BO, CHILD, GUN, HANS, HUD, after, day, family, local, measure, person
from tests.policy.test_properties import books

J, E, P = Service.JOURNAL, Service.E_SERVICES, Service.PAPER_COPY
REGIONS = ("kronoberg", "jamtland-harjedalen", "vastra-gotaland")


def answer(
    facts: PatientFacts, viewer: PersonId | None, service: Service, at: str, **more: object
) -> set[str]:
    """The reasons, with `+` before those of an open door."""
    decision = decide(AccessQuestion(viewer, service, local(at), **more), facts, books())  # type: ignore[arg-type]
    sign = "+" if decision.allowed else ""
    return {f"{sign}{code}" for code in decision.codes}


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(
    ("at", "guardian", "child"),
    [
        (
            "2026-06-14T23:59:59",
            ("+guardian_of_child_under_13", "+guardian_proxy"),
            ("under_13_own_login",) * 2,
        ),
        ("2026-06-15T00:00", ("guardian_of_13_or_older",) * 2, ("age_13_to_15", "+own_account")),
        ("2029-06-14T23:59:59", ("guardian_of_13_or_older",) * 2, ("age_13_to_15", "+own_account")),
        ("2029-06-15T00:00", ("guardian_of_13_or_older",) * 2, ("+own_record", "+own_account")),
    ],
)
def test_ages_of_a_child_born_on_15_june_2013(
    region: str, at: str, guardian: tuple[str, str], child: tuple[str, str]
) -> None:
    facts = family("2013-06-15", region)
    assert (answer(facts, GUN, J, at), answer(facts, GUN, E, at)) == ({guardian[0]}, {guardian[1]})
    assert (answer(facts, CHILD, J, at), answer(facts, CHILD, E, at)) == ({child[0]}, {child[1]})


@pytest.mark.parametrize(
    ("born", "at", "sees"),
    [
        ("2012-02-29", "2025-02-27T23:59:59", {"+guardian_of_child_under_13"}),
        ("2012-02-29", "2025-02-28T00:00", {"guardian_of_13_or_older"}),
        ("2012-03-01", "2025-02-28T23:59:59", {"+guardian_of_child_under_13"}),
        ("2012", "2024-12-31T23:59:59", {"+guardian_of_child_under_13"}),
        ("2012", "2025-01-01T00:00", {"guardian_of_13_or_older"}),  # may be 13 already
    ],
)
def test_a_guardian_loses_the_record_when_the_child_may_be_13(born: str, at: str, sees: set[str]) -> None:
    assert answer(family(born), GUN, J, at) == sees


@pytest.mark.parametrize(
    ("service", "kind", "units", "closes"),
    [
        (J, MeasureKind.JOURNAL_SEAL, None, True),
        (J, MeasureKind.JOURNAL_SEAL, frozenset({BARN}), True),
        (J, MeasureKind.JOURNAL_SEAL, frozenset({HUD}), False),
        (E, MeasureKind.JOURNAL_SEAL, None, False),
        (P, MeasureKind.JOURNAL_SEAL, None, False),
    ],
)
def test_a_seal_closes_the_record_of_its_units_and_nothing_else(
    service: Service, kind: MeasureKind, units: frozenset[str] | None, closes: bool
) -> None:
    facts = after(family("1990-01-01"), measure(kind, "2026-06-01T12:00", units=units))
    before = answer(facts, CHILD, service, "2026-06-01T11:59:59", unit=BARN)
    since = answer(facts, CHILD, service, "2026-06-01T12:00", unit=BARN)
    assert before <= {"+own_record", "+own_account"}
    assert since == ({"journal_seal"} if closes else before)


@pytest.mark.parametrize(
    ("recorded", "hidden"),
    [
        (None, True),
        (date(2026, 2, 28), False),
        (date(2026, 3, 1), True),
        (date(2026, 3, 31), True),
        (date(2026, 4, 1), False),
    ],
)
def test_a_seal_of_recording_dates_hides_both_days_and_what_has_none(
    recorded: date | None, hidden: bool
) -> None:
    seal = measure(
        MeasureKind.JOURNAL_SEAL,
        "2026-05-01T12:00",
        units=frozenset({BARN}),
        recorded_from=date(2026, 3, 1),
        recorded_to=date(2026, 3, 31),
    )
    facts = after(family("1990-01-01"), seal)
    found = answer(facts, CHILD, J, "2026-06-01T12:00", unit=BARN, recorded_on=recorded)
    assert found == ({"journal_seal"} if hidden else {"+own_record"})


@pytest.mark.parametrize(
    ("last_day", "open_until", "shut_from"),
    [
        (date(2026, 3, 29), "2026-03-29T23:59:59", "2026-03-30T00:00"),  # a day of 23 hours
        (date(2026, 10, 25), "2026-10-25T23:59:59", "2026-10-26T00:00"),  # a day of 25
        (date(2028, 2, 29), "2028-02-29T23:59:59", "2028-03-01T00:00"),
    ],
)
def test_a_grant_is_open_through_its_last_day(last_day: date, open_until: str, shut_from: str) -> None:
    grant = measure(
        MeasureKind.MINOR_GRANT,
        "2026-01-01T12:00",
        units=frozenset({BARN}),
        valid_to=day((last_day + timedelta(days=1)).isoformat()),
    )
    facts = after(family("2012-12-24"), grant)
    assert answer(facts, CHILD, J, open_until, unit=BARN) == {"+minor_grant"}
    assert answer(facts, CHILD, J, shut_from, unit=BARN) == {"grant_expired", "age_13_to_15"}


def test_a_block_of_all_hits_whoever_is_guardian_and_nobody_else() -> None:
    block = measure(MeasureKind.GUARDIAN_BLOCK, "2026-06-01T12:00", services=(J, E), ends_at_age=18)
    facts = after(family("2016-01-01"), block)
    for guardian in (GUN, HANS):
        assert answer(facts, guardian, J, "2026-06-02T12:00") == {"guardian_block"}
    assert answer(facts, BO, J, "2026-06-02T12:00") == {"no_relation"}
    assert answer(facts, None, J, "2026-06-02T12:00") == {"no_relation"}


def test_a_block_of_all_but_one_hits_everybody_but_that_one() -> None:
    facts = after(
        family("2016-01-01"),
        measure(MeasureKind.GUARDIAN_BLOCK, "2026-06-01T12:00", services=(J, E), guardians_except=(GUN,)),
    )
    assert answer(facts, GUN, J, "2026-06-02T12:00") == {"+guardian_of_child_under_13"}
    assert answer(facts, HANS, J, "2026-06-02T12:00") == {"guardian_block"}
    later = replace(facts.patient.latest, valid_from=day("2026-07-01"), custody=(Custody(GUN), Custody(BO)))
    facts = replace(facts, patient=replace(facts.patient, versions=(*facts.patient.versions, later)))
    assert answer(facts, BO, J, "2026-07-02T12:00") == {"guardian_block"}
    assert answer(facts, GUN, J, "2026-07-02T12:00") == {"+guardian_of_child_under_13"}


def test_every_reason_is_said_not_only_the_first() -> None:
    facts = after(
        family("2016-01-01", protected=True),
        measure(MeasureKind.GUARDIAN_BLOCK, "2026-06-01T12:00", services=(J, E), guardians=(GUN,)),
        measure(MeasureKind.JOURNAL_SEAL, "2026-06-01T13:00"),
    )
    assert answer(facts, GUN, J, "2026-06-02T12:00") == {
        "protected_identity",
        "guardian_block",
        "journal_seal",
    }


def test_a_representative_reads_the_record_and_nothing_else() -> None:
    facts = after(
        family("1950-01-01"),
        measure(MeasureKind.REPRESENTATIVE_GRANT, "2026-06-01T12:00", viewer=BO),
    )
    assert answer(facts, BO, J, "2026-06-02T12:00") == {"+representative_grant"}
    assert answer(facts, BO, E, "2026-06-02T12:00") == {"no_relation"}
    # who once was a guardian hears why that is over
    assert answer(facts, GUN, J, "2026-06-02T12:00") == {"no_relation", "guardian_of_13_or_older"}


@pytest.mark.parametrize(
    ("custody", "at", "sees"),
    [
        (Custody(GUN, to_date=date(2026, 6, 1)), "2026-05-31T23:59:59", {"+guardian_of_child_under_13"}),
        (Custody(GUN, to_date=date(2026, 6, 1)), "2026-06-01T00:00", {"no_relation"}),
        (Custody(GUN, from_date=date(2026, 6, 1)), "2026-05-31T23:59:59", {"no_relation"}),
        (Custody(GUN, from_date=date(2026, 6, 1)), "2026-06-01T00:00", {"+guardian_of_child_under_13"}),
    ],
)
def test_custody_holds_from_its_first_day_until_the_day_it_has_ended(
    custody: Custody, at: str, sees: set[str]
) -> None:
    child = person(CHILD, "2018-01-01", custody=(custody,))
    facts = PatientFacts(child, {CHILD: child, GUN: person(GUN, "1980-01-01")})
    assert answer(facts, GUN, J, at) == sees


@pytest.mark.parametrize(
    ("id_type", "region", "sees"),
    [
        (IdType.PERSONNUMMER, "kronoberg", {"+own_record"}),
        (IdType.SAMORDNINGSNUMMER, "kronoberg", {"no_full_personnummer"}),
        (IdType.SAMORDNINGSNUMMER, "jamtland-harjedalen", {"+own_record"}),
        (IdType.RESERVNUMMER, "jamtland-harjedalen", {"reserve_number"}),
        (IdType.RESERVNUMMER, "kronoberg", {"reserve_number"}),
    ],
)
def test_the_own_record_takes_the_number_that_the_region_asks_for(
    id_type: IdType, region: str, sees: set[str]
) -> None:
    facts = family("2010-01-01", region, id_type=id_type)
    assert answer(facts, CHILD, J, "2026-06-01T12:00") == sees


def test_an_answer_changes_by_itself_only_when_it_says_so() -> None:
    """Between two instants of `valid_until` nothing changes, at a second's grain around each."""
    seal = measure(MeasureKind.JOURNAL_SEAL, "2026-03-01T12:00", valid_to=day("2026-03-30"))
    facts = after(family("2013-06-15"), seal)
    at, end = local("2026-01-01T00:00"), local("2030-01-01T00:00")
    turns = 0
    while (until := valid_until(facts, at, books())) is not None and until < end:
        middle = at + (until - at) / 2
        assert differences(access_matrix(facts, at, books()), access_matrix(facts, middle, books())) == ()
        turns += bool(
            differences(access_matrix(facts, middle, books()), access_matrix(facts, until, books()))
        )
        at = until
    assert turns == 4  # the seal begins and ends, 13, 16
