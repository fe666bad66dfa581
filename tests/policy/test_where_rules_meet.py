"""Who is hit, what is left of a scope, and the states of a request: the pure parts on which rules meet."""

from dataclasses import replace
from datetime import date

import pytest

from sigill.judgement.orders import judge
from sigill.judgement.settling import settled
from sigill.judgement.transitions import DueTimer, on_timer, rules_begin
from sigill.policy.effects import (
    Amend,
    CloseRequest,
    CloseTask,
    Impose,
    ResolvePending,
    SetTimer,
    TimerKind,
    applied,
)
from sigill.policy.facts import Custody, PatientFacts, ReleaseRequest, RequestEnd, UnitAnswer
from sigill.policy.hits import hits, may_act_alone
from sigill.policy.requests import OUTCOME, STATES, Happening, left_of_request, moot, units_still_asked
from sigill.policy.scope import MeasureScope, left_of
from sigill_contracts.vocabulary import (
    Attestation,
    Initiative,
    MeasureKind,
    Opinion,
    OrderId,
    Outcome,
    RegionCode,
    Service,
)
from tests.kit.values import BARN, BO, CHILD, GUN, HANS, HUD, after, family, known, local, measure, order
from tests.policy.test_properties import books

NOON = local("2026-06-01T12:00")
FACTS = family("2016-06-01", "vastra-gotaland")
VGR = RegionCode("vastra-gotaland")


@pytest.mark.parametrize(
    ("kind", "guardians", "whom"),
    [
        (MeasureKind.GUARDIAN_BLOCK, (HANS,), {HANS}),
        (MeasureKind.GUARDIAN_BLOCK, None, {GUN, HANS}),
        (MeasureKind.GUARDIAN_RESTRICTION, (GUN,), {GUN}),
        (MeasureKind.JOURNAL_SEAL, None, {CHILD, GUN, HANS}),
        (MeasureKind.LOGIN_LOCK, None, {CHILD, GUN, HANS}),
        (MeasureKind.CHILD_SEAL, None, {CHILD, GUN, HANS}),
        (MeasureKind.GUARDIAN_GRANT, (GUN,), set()),
        (MeasureKind.MINOR_GRANT, None, set()),
    ],
)
def test_whom_a_measure_hits(kind: MeasureKind, guardians: tuple[str, ...] | None, whom: set[str]) -> None:
    m = measure(kind, "2026-05-01", guardians=guardians)
    assert {who for who in (CHILD, GUN, HANS, BO) if hits(m, who, FACTS, NOON)} == whom


def test_a_seal_hits_nobody_whose_custody_has_ended() -> None:
    version = replace(
        FACTS.patient.versions[0], custody=(Custody(GUN, to_date=date(2026, 5, 1)), Custody(HANS))
    )
    facts = replace(FACTS, patient=replace(FACTS.patient, versions=(version,)))
    seal = measure(MeasureKind.CHILD_SEAL, "2026-04-01")
    block = measure(MeasureKind.GUARDIAN_BLOCK, "2026-04-01", guardians=(GUN,))
    assert hits(seal, GUN, facts, local("2026-04-30T23:59"))
    assert not hits(seal, GUN, facts, local("2026-05-01T00:00"))
    assert hits(block, GUN, facts, NOON)  # it names her


@pytest.mark.parametrize(
    ("born", "old_enough"), [("2013-06-01", True), ("2013-06-02", False), ("2013-06", False)]
)
def test_who_may_ask_alone_is_surely_of_the_own_account_age(born: str, old_enough: bool) -> None:
    version = books().default_version(VGR, date(2026, 6, 1))
    assert may_act_alone(family(born), version.ages, NOON) is old_enough
    later = version.ages.model_copy(update={"own_account_from": 15})
    assert not may_act_alone(family(born), later, NOON)


WHOLE = MeasureScope()
IN_BARN = MeasureScope(units=frozenset({BARN}))
OF_HANS = MeasureScope(guardians=(HANS,))
OF_BOTH = MeasureScope(guardians=(GUN, HANS))
ALL_BUT_HANS = MeasureScope(guardians_except=(HANS,))


@pytest.mark.parametrize(
    ("scope", "other", "left"),
    [
        (WHOLE, WHOLE, None),
        (IN_BARN, WHOLE, None),
        (WHOLE, IN_BARN, WHOLE),  # the whole but for a unit cannot be told: the whole
        (MeasureScope(units=frozenset({BARN, HUD})), IN_BARN, MeasureScope(units=frozenset({HUD}))),
        (IN_BARN, MeasureScope(units=frozenset({HUD})), IN_BARN),
        (OF_BOTH, OF_HANS, MeasureScope(guardians=(GUN,))),
        (
            WHOLE,
            OF_HANS,
            ALL_BUT_HANS,
        ),  # never the list of the others: who becomes a guardian later stays shut out
        (WHOLE, OF_BOTH, None),  # of those known nobody is left
        (ALL_BUT_HANS, OF_HANS, ALL_BUT_HANS),
        (ALL_BUT_HANS, MeasureScope(guardians=(GUN,)), None),
        (ALL_BUT_HANS, MeasureScope(guardians=(BO,)), MeasureScope(guardians_except=(HANS, BO))),
        (ALL_BUT_HANS, WHOLE, None),
        (WHOLE, ALL_BUT_HANS, OF_HANS),
        (OF_BOTH, ALL_BUT_HANS, OF_HANS),
        (OF_HANS, ALL_BUT_HANS, OF_HANS),
        (MeasureScope(guardians=(BO,)), ALL_BUT_HANS, None),
        (ALL_BUT_HANS, MeasureScope(guardians_except=(GUN,)), MeasureScope(guardians=(GUN,))),
        (ALL_BUT_HANS, IN_BARN, ALL_BUT_HANS),
        (
            MeasureScope(units=frozenset({BARN, HUD}), guardians_except=(HANS,)),
            MeasureScope(units=frozenset({BARN}), guardians=(GUN,)),
            MeasureScope(units=frozenset({HUD}), guardians_except=(HANS,)),
        ),
        (OF_HANS, OF_BOTH, None),
        (IN_BARN, MeasureScope(units=frozenset({BARN}), recorded_from=date(2026, 1, 1)), IN_BARN),
        (
            MeasureScope(units=frozenset({BARN}), recorded_from=date(2026, 2, 1)),
            MeasureScope(units=frozenset({BARN}), recorded_from=date(2026, 1, 1)),
            None,
        ),
    ],
)
def test_what_is_left_of_a_scope_covers_too_much_and_never_too_little(
    scope: MeasureScope, other: MeasureScope, left: MeasureScope | None
) -> None:
    assert left_of(scope, [other], (GUN, HANS)) == left


def test_what_is_left_of_all_guardians_is_all_the_others_where_nobody_knows_them() -> None:
    assert left_of(MeasureScope(), [OF_HANS], ()) == ALL_BUT_HANS


def _request(initiative: Initiative = Initiative.GUARDIAN, **more: object) -> ReleaseRequest:
    given: dict[str, object] = {
        "order_id": OrderId("q"),
        "patient": CHILD,
        "region": VGR,
        "initiative": initiative,
        "measures": (),
        "units": (BARN,),
        "asked_by": (GUN,) if initiative is Initiative.GUARDIAN else (),
    }
    return ReleaseRequest(**{**given, **more})  # type: ignore[arg-type]


def test_every_state_of_a_request_has_its_outcome_and_only_keep_and_the_mark_refuse() -> None:
    assert set(STATES) == set(Happening)
    assert set(OUTCOME) == {None, *RequestEnd}
    assert {end for end, outcome in OUTCOME.items() if outcome is Outcome.REFUSED} == {
        RequestEnd.KEEP,
        RequestEnd.HELD,
    }
    assert OUTCOME[STATES[Happening.NOTHING_IS_LEFT]] is Outcome.EXECUTED


def test_a_request_lives_as_long_as_a_row_of_its_measure_hits_who_asks() -> None:
    block = measure(MeasureKind.GUARDIAN_BLOCK, "2026-05-01", region=VGR, guardians=None)
    request = _request(measures=(block.measure_id,))
    assert left_of_request(request, after(FACTS, block), NOON) == (block,)
    ended = replace(block, valid_to=NOON, released=True, version=2)
    narrowed = replace(block, measure_id=measure(MeasureKind.GUARDIAN_BLOCK, "2026-06-01").measure_id)
    for_gun = replace(narrowed, valid_from=NOON, guardians=(GUN,))
    assert left_of_request(request, after(FACTS, ended, for_gun), NOON) == (for_gun,)
    for_hans = replace(for_gun, guardians=(HANS,))
    settled = list(moot([request], after(FACTS, ended, for_hans), NOON))
    assert settled[0] == CloseRequest(request.order_id, RequestEnd.MOOT)
    assert any(isinstance(e, ResolvePending) and e.outcome is Outcome.EXECUTED for e in settled)
    kinds = {e.kind for e in settled if isinstance(e, CloseTask)}
    assert kinds == {"unit_opinion", "unit_reminder", "follow_up_decision", "standard_reply"}
    assert list(moot([replace(request, closed=RequestEnd.KEEP)], after(FACTS, ended), NOON)) == []


def test_a_request_of_somebody_who_has_died_is_about_nothing() -> None:
    seal = measure(MeasureKind.CHILD_SEAL, "2026-05-01", region=VGR)
    request = _request(measures=(seal.measure_id,))
    gun = FACTS.people[GUN]
    dead = replace(gun, versions=(replace(gun.versions[0], died_on=date(2026, 5, 30)),))
    facts = replace(after(FACTS, seal), people={**FACTS.people, GUN: dead})
    assert left_of_request(request, facts, NOON) == ()
    assert left_of_request(request, facts, local("2026-05-29T12:00")) == (seal,)


def test_only_units_whose_measure_stands_are_asked() -> None:
    own = measure(MeasureKind.CHILD_SEAL, "2026-05-01", region=VGR)
    other = measure(
        MeasureKind.CHILD_SEAL, "2026-05-02", region=VGR, unit=HUD, valid_to=local("2026-05-20T00:00")
    )
    request = _request(
        measures=(own.measure_id, other.measure_id),
        units=(BARN, HUD),
        answers=(UnitAnswer(BARN, Opinion.AGREE, OrderId("a"), NOON),),
    )
    facts = after(FACTS, own, other)
    assert units_still_asked(request, facts, local("2026-05-10T12:00")) == (BARN, HUD)
    assert units_still_asked(request, facts, NOON) == (BARN,)
    closed = [e for e in moot([request], facts, NOON) if isinstance(e, CloseTask)]
    assert {e.subject for e in closed} == {f"q:{HUD}"}


def _agreed_but_for_one(**ends: object) -> tuple[ReleaseRequest, PatientFacts]:
    """A request that one unit has agreed to, and the other has not; `ends` is how the other's measure ends."""
    own = measure(MeasureKind.GUARDIAN_BLOCK, "2026-05-01", region=VGR, guardians=(GUN,))
    given: dict[str, object] = {"region": VGR, "unit": HUD, "guardians": (GUN,)}
    other = measure(MeasureKind.GUARDIAN_BLOCK, "2026-05-02", **{**given, **ends})
    answer = UnitAnswer(BARN, Opinion.AGREE, OrderId("a"), local("2026-05-03T12:00"))
    request = _request(measures=(own.measure_id, other.measure_id), units=(BARN, HUD), answers=(answer,))
    return request, after(FACTS, own, other)


@pytest.mark.parametrize(
    "ends",
    [
        {"valid_to": NOON},
        {"ends_at_age": 10},
        {"valid_to": NOON, "released": True},
        {"guardians": (HANS,)},
    ],
    ids=["by its date", "by age", "by release", "it goes on for another guardian alone"],
)
def test_what_all_units_left_agreed_to_is_carried_out_however_the_last_ended(ends: dict[str, object]) -> None:
    request, facts = _agreed_but_for_one(**ends)
    done = list(settled([request], facts, NOON, books()))
    assert CloseRequest(request.order_id, RequestEnd.AGREE) in done
    assert any(isinstance(e, ResolvePending) and e.outcome is Outcome.EXECUTED for e in done)
    over = [e.measure for e in done if isinstance(e, Amend)]
    assert [(m.measure_id, m.valid_to, m.released) for m in over] == [(request.measures[0], NOON, True)]


def test_nothing_opens_while_one_is_to_answer_nor_by_a_protective_order_nor_before_the_last_yes() -> None:
    request, facts = _agreed_but_for_one(valid_to=NOON)
    stands = local("2026-05-31T12:00")
    assert not any(isinstance(e, Amend) for e in settled([request], facts, stands, books()))
    assert not any(isinstance(e, Amend) for e in settled([request], facts, NOON, books(), opens=False))
    late = replace(request, answers=(replace(request.answers[0], given_at=local("2026-06-01T12:01")),))
    assert not any(isinstance(e, Amend) for e in settled([late], facts, NOON, books()))
    dead = replace(FACTS.patient.versions[0], died_on=date(2026, 5, 30))
    facts = replace(facts, patient=replace(facts.patient, versions=(dead,)))
    ends = [e.closes for e in settled([request], facts, NOON, books()) if isinstance(e, CloseRequest)]
    assert ends == [RequestEnd.MOOT]


def test_a_reminder_carries_out_what_has_been_agreed_on_meanwhile() -> None:
    request, facts = _agreed_but_for_one(valid_to=NOON)
    timer = SetTimer(
        TimerKind.REQUEST_REMINDER, local("2026-06-02T12:00"), CHILD, VGR, order_id=request.order_id
    )
    brought = on_timer(DueTimer(timer, facts, (request,)), books(), now=timer.due_at)
    assert brought.compare
    assert CloseRequest(request.order_id, RequestEnd.AGREE) in brought.effects


def test_rules_that_begin_refuse_a_request_about_what_the_state_holds_again() -> None:
    facts = family("2016-06-01", "vastra-gotaland", protected=True)
    at = local("2026-03-26T00:00")
    (imposed,) = [e for e in rules_begin(facts, at, books()).effects if isinstance(e, Impose)]
    seal = imposed.measure
    request = _request(measures=(seal.measure_id,), units=())
    begun = rules_begin(after(facts, seal), at, books(), open_requests=[request])
    assert [e for e in begun.effects if isinstance(e, CloseRequest)] == [
        CloseRequest(request.order_id, RequestEnd.HELD)
    ]


@pytest.mark.parametrize("region", ["skane", "stockholm", "jonkoping", "kalmar"])
def test_no_talks_end_what_the_state_holds_in_another_region(region: str) -> None:
    facts = family("2018-06-01", "kronoberg", protected=True)
    began = rules_begin(facts, local("2025-05-01T00:00"), books()).effects
    locks = [e.measure for e in began if isinstance(e, Impose) and e.measure.kind is MeasureKind.LOGIN_LOCK]
    (lock,) = locks

    def codes(known_facts: PatientFacts, *attested: str) -> list[str]:
        form = order(
            "release_login_lock",
            region,
            NOON,
            releases=[lock.measure_id],
            attestations=list(attested),
            own_attestations=["nationwide:guardian_access_judged"],  # of a child's lock (IN-11)
        )
        return [r.code for r in judge(form, known(known_facts, region, NOON), books()).refusals]

    marked = after(facts, lock)
    assert codes(marked, "other_region_consulted") == codes(marked) == ["protected_identity"]
    # the mark is gone: the register's own stays until staff of its own region order its end
    unmarked = after(family("2018-06-01", "kronoberg"), lock)
    assert codes(unmarked, "other_region_consulted") == ["nothing_to_release"]


def test_an_extension_received_before_the_end_leaves_no_gap_however_late_it_is_judged() -> None:
    end, decided = local("2026-06-01T00:00"), local("2026-05-31T23:50")
    block = measure(
        MeasureKind.GUARDIAN_BLOCK, "2026-05-01", region=VGR, guardians=(GUN,), valid_to=end, ends_at_age=13
    )
    form = order(
        "extend_measure",
        "vastra-gotaland",
        decided,
        follows_up=block.orders[0],
        valid_through="2026-08-31",
    )
    facts = after(FACTS, block)
    in_time = known(facts, "vastra-gotaland", local("2026-06-01T00:10"), received_at=decided)
    judged = judge(form, in_time, books())
    [resumed] = [e.measure for e in judged.effects if isinstance(e, Impose)]
    assert resumed.valid_from == end
    assert {str(r.code) for r in judged.remarks} == set()
    late = known(facts, "vastra-gotaland", NOON, received_at=local("2026-06-01T00:10"))
    judged = judge(form, late, books())
    [resumed] = [e.measure for e in judged.effects if isinstance(e, Impose)]
    assert resumed.valid_from == local("2026-06-01T00:10")
    assert {str(r.code) for r in judged.remarks} == {"resumed_after_end"}
    assert applied(facts, judged.effects).in_force(NOON) == (resumed,)


def test_a_report_is_kept_with_every_protection_that_stands_and_with_no_grant() -> None:
    seal = measure(MeasureKind.CHILD_SEAL, "2026-05-01", region=VGR)
    over = measure(MeasureKind.CHILD_SEAL, "2026-04-01", region=VGR, valid_to=local("2026-05-01T00:00"))
    grant = measure(MeasureKind.GUARDIAN_GRANT, "2026-05-02", region=VGR, guardians=(GUN,))
    form = order(
        "block_guardians",
        "vastra-gotaland",
        NOON,
        guardians=[HANS],
        attestations=[Attestation.REPORTED_TO_AUTHORITY],
    )
    facts = after(FACTS, seal, over, grant)
    judged = judge(form, known(facts, "vastra-gotaland", NOON), books())
    reported = {m.measure_id for m in applied(facts, judged.effects).measures if m.reported_to_authority}
    [block] = [e.measure for e in judged.effects if isinstance(e, Impose)]
    assert reported == {seal.measure_id, block.measure_id}
    assert not [e for e in judged.effects if isinstance(e, Amend)]  # nobody is told that anything changed


def test_no_rulebook_lets_a_guardian_block_a_guardian() -> None:
    for region in ("kronoberg", "jamtland-harjedalen", "vastra-gotaland"):
        for initiative in ("guardian", "resident", "child", "representative"):
            form = order("block_guardians", region, NOON, initiative=initiative, guardians=[HANS])
            judged = judge(form, known(family("2016-06-01", region), region, NOON), books())
            assert "initiative_not_allowed" in judged.codes, (region, initiative)


@pytest.mark.parametrize("region", ["skane", "stockholm", "jonkoping", "kalmar"])
def test_what_the_region_that_keeps_a_lock_demands_is_met_by_whichever_region_releases_it(
    region: str,
) -> None:
    lock = measure(MeasureKind.LOGIN_LOCK, "2026-05-01", services=(Service.E_SERVICES,))
    facts = after(family("2008-06-01", "kronoberg"), lock)

    def codes(*attested: str) -> list[str]:
        form = order(
            "release_login_lock", region, NOON, releases=[lock.orders[0]], attestations=list(attested)
        )
        return [r.code for r in judge(form, known(facts, region, NOON), books()).refusals]

    assert codes("other_region_consulted") == ["attestation_missing"]
    assert codes("other_region_consulted", "no_threat") == ["attestation_missing"]
    assert codes("own_will", "no_threat") == ["attestation_missing"]
    assert codes("other_region_consulted", "own_will", "no_threat") == []


@pytest.mark.parametrize(
    ("opinion", "codes"), [(Opinion.AGREE, ["unit_not_initiator"]), (Opinion.KEEP, [])], ids=str
)
def test_a_unit_whose_own_measure_has_ended_opens_nothing_and_may_keep(
    opinion: Opinion, codes: list[str]
) -> None:
    over = measure(
        MeasureKind.GUARDIAN_BLOCK, "2026-05-01", region=VGR, guardians=(GUN,), valid_to=local("2026-06-01")
    )
    stands = measure(MeasureKind.GUARDIAN_BLOCK, "2026-05-02", region=VGR, guardians=(GUN,), unit=HUD)
    request = _request(
        order_id=OrderId("0d2c6a0e-9d0b-4a53-8f19-3a3e7f5a2f01"),
        measures=(over.measure_id, stands.measure_id),
        units=(BARN, HUD),
    )
    form = order(
        "unit_opinion",
        "vastra-gotaland",
        NOON,
        follows_up=request.order_id,
        opinion=opinion,
        attestations=["harm_assessment"],
    )
    facts = known(after(FACTS, over, stands), "vastra-gotaland", NOON, requests=(request,))
    assert [r.code for r in judge(form, facts, books()).refusals] == codes


def test_the_register_s_own_is_imposed_anew_at_the_very_end_of_one_that_the_state_wants_still() -> None:
    """Rules that began meanwhile may want what staff's order for a later day was to end."""
    facts = family("2016-06-01", "vastra-gotaland", protected=True)
    seal = measure(
        MeasureKind.CHILD_SEAL,
        "2026-05-01",
        region=VGR,
        initiative=Initiative.REGISTER,
        unit=None,
        valid_to=NOON,
        released=True,
    )
    timer = SetTimer(TimerKind.MEASURE_ENDS, NOON, CHILD, VGR, seal.measure_id)
    brought = on_timer(DueTimer(timer, after(facts, seal)), books(), now=NOON).effects
    [anew] = [e.measure for e in brought if isinstance(e, Impose)]
    assert (anew.kind, anew.initiative, anew.valid_from) == (seal.kind, Initiative.REGISTER, NOON)


def test_a_mark_calls_off_a_release_of_the_register_s_own_that_was_to_come() -> None:
    facts = family("2016-06-01", "vastra-gotaland", protected=True)
    released_by = OrderId("0d2c6a0e-9d0b-4a53-8f19-3a3e7f5a2f02")
    seal = measure(
        MeasureKind.CHILD_SEAL,
        "2026-05-01",
        region=VGR,
        initiative=Initiative.REGISTER,
        unit=None,
        orders=(released_by,),
        valid_to=local("2026-06-10"),
        released=True,
        ends_at_age=18,
    )
    brought = rules_begin(after(facts, seal), NOON, books()).effects
    [stays] = [e.measure for e in brought if isinstance(e, Amend)]
    assert (stays.measure_id, stays.valid_to, stays.released) == (seal.measure_id, None, False)
    [answer] = [e for e in brought if isinstance(e, ResolvePending)]
    assert (answer.order_id, answer.outcome) == (released_by, Outcome.REFUSED)
    assert answer.refusal is not None
    assert answer.refusal.code == "protected_identity"
    assert not any(isinstance(e, Impose) for e in brought)
