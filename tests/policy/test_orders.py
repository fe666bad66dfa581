"""What an order does where a story cannot say it: doubt, boundaries of ages, and the total refusal."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sigill.judgement.orders import judge
from sigill.policy.access import AccessQuestion, decide
from sigill.policy.effects import Amend, Impose, applied
from sigill_contracts.vocabulary import IdType, Initiative, MeasureKind, Outcome, Service
from tests.kit.values import BARN, GUN, HANS, after, day, family, known, local, measure, order
from tests.policy.test_properties import books

NOON = local("2026-06-01T12:00")
GRANT = {"units": [BARN], "guardians": [GUN], "attestations": ["consulted_guardian", "consulted_child"]}


@pytest.mark.parametrize(
    ("born", "at", "code"),
    [
        ("2013-06-02", "2026-06-01T23:59:59", "age_not_eligible"),
        ("2013-06-02", "2026-06-02T00:00", None),
        ("2010-06-02", "2026-06-01T23:59:59", None),
        ("2010-06-02", "2026-06-02T00:00", "age_not_eligible"),
        ("2012-02-29", "2025-02-27T23:59:59", "age_not_eligible"),
        ("2013-06", "2026-06-29T12:00", "age_not_eligible"),  # may be born on the last of June
        ("2013-06", "2026-06-30T12:00", None),
        ("2010-06", "2026-05-31T23:59:59", None),
        ("2010-06", "2026-06-01T00:00", "age_not_eligible"),  # may be 16 already
    ],
)
def test_a_grant_is_given_from_13_until_16_on_the_reading_that_shows_less(
    born: str, at: str, code: str | None
) -> None:
    moment = local(at)
    form = order("grant_guardian_access", "kronoberg", moment, initiative="guardian", **GRANT)
    judged = judge(form, known(family(born), "kronoberg", moment), books())
    assert judged.codes == ((code,) if code else ())


@pytest.mark.parametrize(
    ("form", "region", "age", "last"),
    [
        ("block_guardians", "kronoberg", 18, "2026-05-31T23:59:59"),
        ("block_guardians", "jamtland-harjedalen", 16, "2026-05-31T23:59:59"),
        ("block_guardians", "vastra-gotaland", 13, "2026-05-31T23:59:59"),
        ("seal_child", "vastra-gotaland", 18, "2026-05-31T23:59:59"),
    ],
)
def test_a_protection_of_a_child_is_asked_for_until_a_birthday(
    form: str, region: str, age: int, last: str
) -> None:
    born = f"{2026 - age}-06-01"
    before, on_the_day = local(last), local("2026-06-01T00:00")
    assert judge(
        order(form, region, before), known(family(born, region), region, before), books()
    ).outcome is (Outcome.EXECUTED)
    judged = judge(order(form, region, on_the_day), known(family(born, region), region, on_the_day), books())
    assert judged.codes == ("age_not_eligible",)


def test_in_doubt_a_protection_is_applied_and_flagged_and_an_opening_waits() -> None:
    facts = family("2012-01-01")
    doubt = {"revocation_unknown": True, "after_dead_letter": True}
    block = judge(
        order("block_guardians", "kronoberg", NOON), known(facts, "kronoberg", NOON, **doubt), books()
    )
    assert block.outcome is Outcome.EXECUTED
    assert "revocation_unknown" in block.flagged
    grant = order("grant_guardian_access", "kronoberg", NOON, initiative="guardian", **GRANT)
    waits = judge(grant, known(facts, "kronoberg", NOON, **doubt), books())
    assert waits.codes == ("awaiting_earlier_message", "awaiting_revocation_status")
    assert waits.effects == ()


def test_extending_a_grant_opens_and_waits_in_doubt_as_a_grant_does() -> None:
    grant = measure(
        MeasureKind.GUARDIAN_GRANT,
        "2026-05-01T12:00",
        region="vastra-gotaland",
        guardians=(GUN,),
        units=frozenset({BARN}),
        valid_to=day("2026-07-01"),
        ends_at_age=16,
    )
    facts = after(family("2012-01-01", "vastra-gotaland"), grant)
    form = order(
        "extend_measure", "vastra-gotaland", NOON, follows_up=grant.orders[0], valid_through="2026-12-31"
    )
    certain = judge(form, known(facts, "vastra-gotaland", NOON), books())
    assert certain.outcome is Outcome.EXECUTED
    doubtful = judge(form, known(facts, "vastra-gotaland", NOON, revocation_unknown=True), books())
    assert doubtful.codes == ("awaiting_revocation_status",)
    assert doubtful.effects == ()


def test_an_uncertain_identity_is_protected_and_opened_to_nobody() -> None:
    facts = family("2012-01-01", identity_uncertain=True, id_type=IdType.SAMORDNINGSNUMMER)
    block = judge(order("block_guardians", "kronoberg", NOON), known(facts, "kronoberg", NOON), books())
    assert block.outcome is Outcome.EXECUTED
    assert "identity_uncertain" in block.flagged
    grant = order("grant_guardian_access", "kronoberg", NOON, initiative="guardian", **GRANT)
    assert judge(grant, known(facts, "kronoberg", NOON), books()).codes == ("identity_uncertain",)


def test_a_form_that_nobody_known_decided_or_signed_is_refused() -> None:
    seal = order(
        "seal_journal",
        "jamtland-harjedalen",
        NOON,
        initiative="resident",
        decided_by=None,
        channel="ehr_form",
    )
    facts = known(family("1980-01-01", "jamtland-harjedalen"), "jamtland-harjedalen", NOON, signers=())
    judged = judge(seal, facts, books())
    assert judged.codes == ("decider_unknown",)
    assert judged.effects == ()


def test_a_release_of_one_guardian_leaves_the_rest_of_a_block_of_all() -> None:
    block = measure(MeasureKind.GUARDIAN_BLOCK, "2026-05-01T12:00", ends_at_age=18)
    lock = measure(
        MeasureKind.LOGIN_LOCK,
        "2026-05-01T12:00",
        services=(Service.E_SERVICES,),
        beside=block.measure_id,
        orders=block.orders,
    )
    facts = after(family("2016-01-01"), block, lock)
    form = order(
        "release_guardian_block",
        "kronoberg",
        NOON,
        guardians=[GUN],
        attestations=["own_will", "no_threat"],
    )
    judged = judge(form, known(facts, "kronoberg", NOON), books())
    assert judged.outcome is Outcome.EXECUTED
    standing = applied(facts, judged.effects).in_force(NOON)
    assert {(m.kind, m.guardians, m.guardians_except) for m in standing} == {
        (MeasureKind.GUARDIAN_BLOCK, None, (GUN,)),
        (MeasureKind.LOGIN_LOCK, None, ()),
    }
    again = order(
        "release_guardian_block", "kronoberg", NOON, guardians=[HANS], attestations=["own_will", "no_threat"]
    )
    left = applied(facts, judged.effects)
    last = judge(again, known(left, "kronoberg", NOON), books())
    assert applied(left, last.effects).in_force(NOON) == ()


def test_lifting_a_restriction_for_one_guardian_at_one_unit_leaves_all_the_rest() -> None:
    other = "SE9999999999-U2"
    both = measure(
        MeasureKind.GUARDIAN_RESTRICTION,
        "2026-05-01T12:00",
        units=frozenset({BARN, other}),
        guardians=(GUN, HANS),
    )
    facts = after(family("2016-01-01"), both)
    form = order("release_guardian_restriction", "kronoberg", NOON, guardians=[GUN], units=[BARN])
    left = applied(facts, judge(form, known(facts, "kronoberg", NOON), books()).effects)

    def reads(who: str, unit: str) -> bool:
        return decide(AccessQuestion(who, Service.JOURNAL, NOON, unit), left, books()).allowed  # type: ignore[arg-type]

    assert {(w, u) for w in (GUN, HANS) for u in (BARN, other) if reads(w, u)} == {(GUN, BARN)}


def test_a_whole_seal_is_not_opened_in_part() -> None:
    facts = after(family("1980-01-01"), measure(MeasureKind.JOURNAL_SEAL, "2026-05-01T12:00"))
    form = order(
        "release_journal_seal", "kronoberg", NOON, units=[BARN], attestations=["own_will", "no_threat"]
    )
    judged = judge(form, known(facts, "kronoberg", NOON), books())
    assert judged.codes == ("nothing_to_release",)


def test_an_extension_never_gives_an_end_to_what_had_none() -> None:
    seal = measure(
        MeasureKind.CHILD_SEAL,
        "2026-05-01T12:00",
        region="vastra-gotaland",
        services=(Service.JOURNAL, Service.E_SERVICES),
        ends_at_age=18,
    )
    facts = after(family("2016-01-01", "vastra-gotaland"), seal)
    form = order(
        "extend_measure", "vastra-gotaland", NOON, follows_up=seal.orders[0], valid_through="2026-12-31"
    )
    judged = judge(form, known(facts, "vastra-gotaland", NOON), books())
    revised = [e.measure for e in judged.effects if isinstance(e, Amend)]
    assert [m.valid_to for m in revised] == [None]


def test_what_the_register_sealed_is_released_by_staff_and_needs_no_units_opinion() -> None:
    seal = measure(
        MeasureKind.CHILD_SEAL,
        "2026-05-01T12:00",
        region="vastra-gotaland",
        initiative=Initiative.REGISTER,
        unit=None,
        orders=(),
    )
    facts = after(family("2016-01-01", "vastra-gotaland"), seal)
    form = order("release_child_seal", "vastra-gotaland", NOON, attestations=["harm_assessment"])
    judged = judge(form, known(facts, "vastra-gotaland", NOON), books())
    assert judged.outcome is Outcome.EXECUTED
    assert applied(facts, judged.effects).in_force(NOON) == ()


def test_the_same_order_reads_the_same_twice() -> None:
    form = order("block_guardians", "kronoberg", NOON, guardians=[HANS])
    facts = known(family("2016-01-01"), "kronoberg", NOON)
    assert judge(form, facts, books()) == judge(form, facts, books())


def test_a_form_signed_long_after_the_decision_is_refused() -> None:
    late = NOON + timedelta(days=31)
    form = order("block_guardians", "kronoberg", NOON)
    facts = known(family("2016-01-01"), "kronoberg", late)
    assert judge(form, facts, books()).codes == ("signature_too_old",)
    early = replace(known(family("2016-01-01"), "kronoberg", NOON), signed_at=NOON - timedelta(minutes=6))
    assert judge(form, early, books()).codes == ("field_invalid",)


def test_a_measure_made_beside_a_block_is_named_with_its_own_rule() -> None:
    form = order("block_guardians", "kronoberg", NOON, guardians=[HANS])
    judged = judge(form, known(family("2016-01-01"), "kronoberg", NOON), books())
    imposed = {e.measure.kind: e.measure.rules for e in judged.effects if isinstance(e, Impose)}
    assert imposed[MeasureKind.LOGIN_LOCK] == ("KR25-17",)
    assert {"KR25-16"} <= set(imposed[MeasureKind.GUARDIAN_BLOCK])
