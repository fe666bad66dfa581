"""What a receipt points out beside its outcome."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from sigill.judgement.imposing import widens
from sigill.judgement.made_elsewhere import where_to_turn
from sigill.judgement.order_case import OrderEvaluation
from sigill.policy.calendar import last_day_of_years
from sigill.policy.effects import AddTask, Amend, Effect, Impose, RemarkReason, ResolvePending, Sentence
from sigill.policy.facts import Measure, PatientFacts
from sigill.policy.hits import shuts_out_everybody
from sigill.policy.sentences import REMARK
from sigill_contracts.vocabulary import IMPOSES, RELEASES, Form, Initiative, MeasureId, MeasureKind, Remark


def is_in_force_already(case: OrderEvaluation, done: Iterable[Effect]) -> bool:
    """Whether what a call, or a form for one, asks for was in force already, so that nobody is told again."""
    if case.call is None and case.form_before is None:
        return False
    return not any(isinstance(e, Impose) or (isinstance(e, Amend) and e.action == "confirmed") for e in done)


def remarks_of(
    case: OrderEvaluation, after: PatientFacts, effects: Iterable[Effect]
) -> Iterator[RemarkReason]:
    """What the receipt points out beside the outcome."""
    done = tuple(effects)
    for entry in case.entries:
        if entry.remark is not None:
            yield RemarkReason(entry.remark.code, Sentence(entry.remark.sv, entry.remark.en), entry.cites)
        if entry.long_after_months is not None and case.form.valid_through is not None:
            years = entry.long_after_months // 12
            if case.form.valid_through > last_day_of_years(case.signed_on, years):
                yield RemarkReason(Remark.LONG_DURATION, REMARK[Remark.LONG_DURATION], entry.cites)
    if widens(case) and case.named is not None:
        yield RemarkReason(Remark.WIDENED_TO_ALL_GUARDIANS, REMARK[Remark.WIDENED_TO_ALL_GUARDIANS])
    if case.clinic_unknown is not None:
        yield RemarkReason(Remark.CLINIC_UNKNOWN, REMARK[Remark.CLINIC_UNKNOWN], case.clinic_unknown.cites)
    yield from _overridden(case, after, done)
    yield from _where_rules_meet(case, done)
    if (
        any(isinstance(e, Amend) and e.action in ("ended", "narrowed") for e in done)
        or case.form.form in RELEASES
    ):
        yield from of_what_holds(still_holding(case, after), after, case.starts_at)


def of_what_holds(holding: Iterable[Measure], after: PatientFacts, at: datetime) -> Iterator[RemarkReason]:
    """That something still holds at an instant (UTC), and of what no order of ours ends, where to turn."""
    found = tuple(m.measure_id for m in holding)
    if found:
        yield RemarkReason(Remark.STILL_HOLDS, REMARK[Remark.STILL_HOLDS], measures=found)
    yield from _made_elsewhere(after, at)


def _made_elsewhere(after: PatientFacts, at: datetime) -> Iterator[RemarkReason]:
    birth = after.patient.birth
    outside = tuple(known for known in after.elsewhere if known.measure.in_force(at, birth))
    if outside:
        said, turn = REMARK[Remark.MADE_ELSEWHERE], where_to_turn(outside)
        text = Sentence(
            f"{said.sv.removesuffix('.')}: {turn.sv}.", f"{said.en.removesuffix('.')}: {turn.en}."
        )
        yield RemarkReason(Remark.MADE_ELSEWHERE, text, measures=tuple(o.measure.measure_id for o in outside))


def _where_rules_meet(case: OrderEvaluation, done: tuple[Effect, ...]) -> Iterator[RemarkReason]:
    """What came late, early or twice (X-12 to X-15, X-20), and who else is let in (X-02)."""

    def noted(code: Remark, rule: str, *measures: Measure) -> RemarkReason:
        return RemarkReason(code, REMARK[code], (rule,), tuple(m.measure_id for m in measures))

    form = case.form
    kind = IMPOSES.get(form.form)
    imposes = kind is not None and not kind.opens
    looked_at = {e.kind for e in done if isinstance(e, AddTask)}
    if "resumed_after_end" in looked_at:
        yield noted(Remark.RESUMED_AFTER_END, "X-12")
    if "decided_before_release" in looked_at:
        yield noted(Remark.DECIDED_BEFORE_RELEASE, "X-15")
    if imposes and form.follows_up is not None and case.call is None and not case.by_phone:
        yield noted(Remark.CALL_NOT_FOUND, "X-13")
    if imposes and (case.form_before is not None or case.call is not None):
        began = any(isinstance(e, ResolvePending) for e in done)  # the form's day had not come
        anew = any(
            isinstance(e, Impose) and not e.measure.provisional for e in done
        )  # what the form brought is lifted
        if case.form_before is not None and "decided_before_release" not in looked_at and not (began or anew):
            yield noted(Remark.ALREADY_IN_FORCE, "X-13")
        elif is_in_force_already(case, done):
            yield noted(Remark.ALREADY_IN_FORCE, "X-14")
        versions = {m.rulebook for m in case.confirmed if m.kind is kind}
        if versions - {case.version.since.isoformat()}:
            yield noted(Remark.LATER_VERSION, "X-20")
    request = case.request
    if form.form is Form.UNIT_OPINION and request is not None and request.initiative is Initiative.GUARDIAN:
        whole = [e.measure for e in done if isinstance(e, Amend) and shuts_out_everybody(e.measure)]
        if any(m.beside is None for m in whole):
            yield noted(Remark.OTHERS_AFFECTED, "X-02", *whole)


def still_holding(case: OrderEvaluation, after: PatientFacts) -> tuple[Measure, ...]:
    """
    Protective measures that stay in force after the order, but for those that it imposed itself; those made elsewhere too.

    A removal of access lists the other grants of its kind, too: each still lets somebody in.
    """
    found = in_force_for(case.form.form, after, case.starts_at)
    return tuple(m for m in found if case.order_id not in m.orders or _left_by(case, m))


def asks_to_open(form: Form) -> bool:
    """Whether a form asks that something ends: its answer says what does not."""
    return form in RELEASES or form is Form.REQUEST_RELEASE


def in_force_for(form: Form, facts: PatientFacts, at: datetime) -> tuple[Measure, ...]:
    """What the answer to a form tells of as still in force at an instant (UTC): see `still_holding`."""
    removed = RELEASES.get(form)
    return tuple(
        m
        for m in facts.all_measures
        if (not m.kind.opens or m.kind is removed) and m.in_force(at, facts.patient.birth)
    )


def _left_by(case: OrderEvaluation, m: Measure) -> bool:
    """Whether it is what an order for some has left in force for others (X-02)."""
    return case.form.form is Form.UNIT_OPINION or case.form.form in RELEASES


def _overridden(
    case: OrderEvaluation, after: PatientFacts, done: tuple[Effect, ...]
) -> Iterator[RemarkReason]:
    imposed = [e.measure for e in done if isinstance(e, Impose)]
    at = case.starts_at
    grants = [m for m in imposed if m.kind.opens]
    restrictions = [m for m in imposed if not m.kind.opens]
    birth = after.patient.birth
    if grants:
        others = [m for m in after.all_measures if not m.kind.opens and m.in_force(at, birth)]
        hit = [g for g in grants if any(overrides(r, g) for r in others)]
    elif restrictions:
        others = [m for m in after.measures if m.kind.opens and m.in_force(at, birth)]
        hit = [g for g in others if any(overrides(r, g) for r in restrictions)]
    else:
        return
    if hit:
        ids: tuple[MeasureId, ...] = tuple(g.measure_id for g in hit)
        yield RemarkReason(Remark.OVERRIDDEN, REMARK[Remark.OVERRIDDEN], measures=ids)


def overrides(restriction: Measure, grant: Measure) -> bool:
    """Whether a restriction takes away, in whole or in part, what a grant gives."""
    if not set(restriction.services) & set(grant.services):
        return False
    if restriction.units is not None and grant.units is not None and not restriction.units & grant.units:
        return False
    match restriction.kind:
        case MeasureKind.GUARDIAN_BLOCK | MeasureKind.GUARDIAN_RESTRICTION:
            if grant.kind is not MeasureKind.GUARDIAN_GRANT:
                return False
            if grant.guardians is None:
                return True
            return any(restriction.covers_guardian(guardian) for guardian in grant.guardians)
        case _:
            return True
