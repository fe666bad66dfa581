"""What a form that seals, locks, blocks or grants imposes, and what a signed form does after its call."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace

from sigill.judgement.measure_changes import (
    companions_of,
    confirmed_by_form,
    continued_with,
    end_by_entries,
    ended,
    inform_of,
    kept_on,
    later_end,
    overtaken,
    resumes_at,
    review_task,
    rules_behind,
    tasks_about,
)
from sigill.judgement.order_case import OrderEvaluation, measure_id_of
from sigill.policy.effects import Amend, Annotate, CloseTask, Effect, Impose, ResolvePending, Sentence
from sigill.policy.facts import EarlierOrder, Measure, PatientFacts
from sigill.policy.measure_specs import AGAINST_GUARDIANS, MEASURE_SPECS
from sigill.policy.rulebook import Extra
from sigill.policy.scope import MeasureScope, all_but, left_of
from sigill.policy.sentences import REMARK
from sigill_contracts.vocabulary import (
    IMPOSES,
    Attestation,
    Channel,
    MeasureKind,
    OrderId,
    Outcome,
    PendingCode,
    PersonId,
    RegionCode,
    Remark,
    UnitId,
)


def main_measure(case: OrderEvaluation, known: PatientFacts) -> Measure:
    form = case.form
    kind = IMPOSES[form.form]
    services = next((e.services for e in reversed(case.entries) if e.services), MEASURE_SPECS[kind].services)
    guardians, viewer = _people_of(case, kind)
    return Measure(
        measure_id=measure_id_of(case.order_id, kind),
        patient=known.patient.person_id,
        kind=kind,
        region=RegionCode(form.region),
        initiative=form.initiative,
        orders=(case.order_id,),
        services=services,
        valid_from=case.starts_at,
        valid_to=case.valid_to,
        ends_at_age=case.ends_at_age,
        units=frozenset(UnitId(u) for u in form.units) if form.units else None,
        recorded_from=form.recorded_from,
        recorded_to=form.recorded_to,
        guardians=guardians,
        viewer=viewer,
        unit=UnitId(form.decided_by.unit) if form.decided_by else None,
        provisional=case.awaits_form,
        awaits_follow_up=any(e.follow_up for e in case.entries),
        urgent=case.urgent,
        reported_to_authority=Attestation.REPORTED_TO_AUTHORITY in form.attestations,
        review_on=form.review_on,
        inform=inform_of(case),
        rules=rules_behind(case),
        rulebook=case.version.since.isoformat(),
    )


def _people_of(
    case: OrderEvaluation, kind: MeasureKind
) -> tuple[tuple[PersonId, ...] | None, PersonId | None]:
    if kind is MeasureKind.REPRESENTATIVE_GRANT:
        return None, case.who(case.form.representative) if case.form.representative else None
    if kind is MeasureKind.GUARDIAN_GRANT:
        return (
            case.concerned,
            None,
        )  # a grant is for those who are guardians now, never for whoever becomes one
    if kind in AGAINST_GUARDIANS:
        return (None if widens(case) else case.named), None
    return None, None


def widens(case: OrderEvaluation) -> bool:
    """Whether an order that names one guardian covers all of them (JH-17)."""
    return any(e.widens_to_all_guardians for e in case.entries)


def _extra(main: Measure, extra: Extra, order_id: OrderId, rules: tuple[str, ...]) -> Measure:
    return replace(
        main,
        measure_id=measure_id_of(order_id, extra.kind, "beside"),
        kind=extra.kind,
        services=extra.services,
        ends_at_age=extra.ends_at_age,
        units=None,
        recorded_from=None,
        recorded_to=None,
        guardians=None,
        guardians_except=(),
        viewer=None,
        awaits_follow_up=False,
        rules=rules,
        beside=main.measure_id if extra.goes_with_it else None,
        version=1,
    )


def impose(case: OrderEvaluation, known: PatientFacts) -> Iterator[Effect]:
    main = main_measure(case, known)
    yield from imposed_with(case, known, main)
    yield from _settled_late(case, main.kind, MeasureScope.of(main))


def imposed_with(case: OrderEvaluation, known: PatientFacts, main: Measure) -> Iterator[Effect]:
    """A new measure with what comes beside it, and what it ends: now, or on its day (X-16)."""
    action = "scheduled" if main.valid_from > case.at else "imposed"
    yield Impose(main, action)
    for entry in case.entries:
        for extra in entry.also_imposes or ():
            yield Impose(_extra(main, extra, case.order_id, entry.cites), action)
    if main.valid_from <= case.at:
        yield from end_by_entries(main, known, case.entries, case.at)


def _settled_late(case: OrderEvaluation, kind: MeasureKind, scope: MeasureScope) -> Iterator[Effect]:
    """A protective order that a release of the same thing has overtaken: carried out, and people look at it (X-15)."""
    if not kind.opens and case.released_since(kind, scope):
        yield review_task(case, "decided_before_release", REMARK[Remark.DECIDED_BEFORE_RELEASE], "X-15")


@dataclass(frozen=True, slots=True)
class _OfCall:
    """What a call's measure of the form's kind has become by the time a form for it comes."""

    provisional: tuple[Measure, ...]
    settled: tuple[Measure, ...]
    ran_out: tuple[Measure, ...]
    """Ended by a day since the form was decided (X-12)."""

    @classmethod
    def of(cls, case: OrderEvaluation, call: OrderId, kind: MeasureKind) -> "_OfCall":
        rows = [m for m in case.lineage_of(call, kind) if m.beside is None]
        living = [m for m in rows if not case.is_over(m)]
        ran_out = [m for m in case.ended_since if m.kind is kind and not m.released]
        return cls(
            tuple(m for m in living if m.provisional),
            tuple(m for m in living if not m.provisional),
            tuple(ran_out),
        )


def confirm_call(case: OrderEvaluation, known: PatientFacts, call: EarlierOrder) -> Iterator[Effect]:
    """
    The signed form after a call: the same measure goes on, as the form has it (KR-23, VG-03).

    A form never narrows what the call shut: what it leaves out stays shut, provisional. What it adds is added; what
    another form has confirmed already is left as it is (X-14).
    """
    found = _OfCall.of(case, call.order_id, IMPOSES[case.form.form])
    wanted = _as_wide(main_measure(case, known), found.provisional, case)
    new = left_of(MeasureScope.of(wanted), map(MeasureScope.of, found.settled), case.ever_custodians)
    met = [m for m in found.settled if MeasureScope.of(wanted).meets(MeasureScope.of(m))]
    base = next(iter((*found.provisional, *found.ran_out, *found.settled)), None)
    if base is None:
        yield from impose(case, known)
    elif new is None:
        if met and met[0].rulebook != wanted.rulebook and not _has_its_form(case, call):
            yield from _brought_by_later_version(case, known, met[0], wanted)
            met = met[1:]
        yield from _nothing_new(case, met, wanted)
    else:
        yield from _confirmed_in(case, known, found, base, wanted, new)
        yield from _nothing_new(case, (m for m in met if _ends_before(m, wanted)), wanted)
    text = Sentence("Den underskrivna blanketten har kommit.", "The signed form has come.")
    yield ResolvePending(call.order_id, Outcome.EXECUTED, text)
    yield CloseTask("signed_form", str(call.order_id))


def _as_wide(wanted: Measure, shut: Iterable[Measure], case: OrderEvaluation) -> Measure:
    """A form that names every guardian whom a call about all still shuts out is about all, later ones too (X-14)."""
    if wanted.guardians is None:
        return wanted
    for m in shut:
        if (
            m.guardians is None
            and all_but(MeasureScope.of(m), wanted.guardians, case.ever_custodians) is None
        ):
            return replace(wanted, guardians=None, guardians_except=m.guardians_except)
    return wanted


def _has_its_form(case: OrderEvaluation, call: EarlierOrder) -> bool:
    """Whether a signed form has come for a call: a continuation, or an answer to a request, may have settled it, too."""
    return any(
        order.follows_up == call.order_id
        and order.channel is not Channel.PHONE
        and order.form is case.form.form
        and order.outcome == Outcome.EXECUTED
        for order in case.facts.orders.values()
    )


def _brought_by_later_version(
    case: OrderEvaluation, known: PatientFacts, m: Measure, wanted: Measure
) -> Iterator[Effect]:
    """The first form of a call that something else has settled: its version says what it brings, too (X-20)."""
    as_wanted: dict[str, object] = {
        **_of_version(wanted),
        "valid_to": None if wanted.valid_to is None else later_end(m, wanted.valid_to),
    }
    if _shuts_the_same(m, wanted):
        main = kept_on(m, case, **as_wanted)
        yield Amend(main, "extended")
    else:
        now = yield from _goes_on_as(
            m, case, awaits_follow_up=m.awaits_follow_up, services=wanted.services, **as_wanted
        )
        main = now.measure
    yield from _beside_confirmed(case, known, main, wanted, shared=True)


def _of_version(wanted: Measure) -> dict[str, object]:
    """What the version of the rules says of a measure, whose services may have to be another row's (X-20)."""
    return {"ends_at_age": wanted.ends_at_age, "rules": wanted.rules, "rulebook": wanted.rulebook}


def _shuts_the_same(m: Measure, wanted: Measure) -> bool:
    """Whether the form's version shuts the same services: a measure's services never change."""
    return m.rulebook == wanted.rulebook or set(m.services) == set(wanted.services)


def _goes_on_as(m: Measure, case: OrderEvaluation, **changes: object) -> Generator[Effect, None, Impose]:
    """A measure ended, with what people were to do about it, and gone on with as a row of its lineage."""
    yield ended(m, case.at, case.order_id, known=case.at)
    yield from tasks_about(m)
    now = continued_with(m, case, "after", **{"valid_from": max(case.at, m.valid_from)} | changes)
    yield now
    return now


def _ends_before(m: Measure, wanted: Measure) -> bool:
    """Whether a form wants something shut for longer than it is."""
    return m.valid_to is not None and (wanted.valid_to is None or m.valid_to < wanted.valid_to)


def _nothing_new(case: OrderEvaluation, settled: Iterable[Measure], wanted: Measure) -> Iterator[Effect]:
    """What is confirmed already is not confirmed again; a later end lengthens it, an earlier one does not shorten it."""
    for m in settled:
        valid_to = None if wanted.valid_to is None else later_end(m, wanted.valid_to)
        if valid_to == m.valid_to:
            yield Annotate(replace(m, orders=(*m.orders, case.order_id), version=m.version + 1))
        else:
            yield from overtaken(case, m, (m,))
            yield Amend(kept_on(m, case, valid_to=valid_to), "extended")
            for c in companions_of(case, m):
                with_it = None if wanted.valid_to is None else later_end(c, wanted.valid_to)
                yield Amend(kept_on(c, case, valid_to=with_it), "extended")


def _confirmed_in(
    case: OrderEvaluation,
    known: PatientFacts,
    found: _OfCall,
    base: Measure,
    wanted: Measure,
    new: MeasureScope,
) -> Iterator[Effect]:
    """The form's scope confirmed: in the call's own row where it is the same, else as a row of its lineage."""
    lineage = (*base.orders, case.order_id)
    as_wanted: dict[str, object] = {
        **new.fields,
        "valid_to": wanted.valid_to,
        "review_on": wanted.review_on,
        "inform": wanted.inform,
    }
    if base.rulebook != wanted.rulebook:  # the form's version says what it brings
        as_wanted |= _of_version(wanted)
    same_services = _shuts_the_same(base, wanted)
    if not same_services:
        as_wanted["services"] = wanted.services
    rest = None
    if base not in found.provisional:
        since = resumes_at(case, base) if base in found.ran_out else case.starts_at
        now = continued_with(base, case, valid_from=since, **as_wanted)  # type: ignore[arg-type]
        yield now
        yield from _settled_late(case, wanted.kind, new)
        main = now.measure
    else:
        rest = MeasureScope.of(base).without(new, case.ever_custodians)
        if rest is None and MeasureScope.of(base) == new and same_services:
            main = replace(
                base,
                provisional=False,
                orders=lineage,
                version=base.version + 1,
                **as_wanted,  # type: ignore[arg-type]
            )
            yield Amend(main, "confirmed")
        else:
            awaits = base.awaits_follow_up and rest is None
            now = yield from _goes_on_as(base, case, awaits_follow_up=awaits, **as_wanted)
            main = now.measure
            if rest is not None:
                yield _rest_of_call(case, base, rest)
    for other in found.provisional:
        if other is not base and new.covers(MeasureScope.of(other)):
            yield Amend(confirmed_by_form(other, case, wanted.valid_to), "confirmed")
    shared = rest is not None or bool(found.settled)
    yield from _beside_confirmed(case, known, main, wanted, shared=shared)
    if base in found.ran_out:
        yield review_task(case, "resumed_after_end", REMARK[Remark.RESUMED_AFTER_END], "X-12")


def _rest_of_call(case: OrderEvaluation, base: Measure, rest: MeasureScope) -> Impose:
    """What a form leaves out of what its call shut: it stays shut, provisional (X-14)."""
    return continued_with(
        base,
        case,
        "rest",
        **rest.fields
        | {
            "valid_from": max(case.at, base.valid_from),
            "orders": base.orders,
            "provisional": True,
            "awaits_follow_up": base.awaits_follow_up,
        },
    )


def _beside_confirmed(
    case: OrderEvaluation, known: PatientFacts, main: Measure, wanted: Measure, *, shared: bool
) -> Iterator[Effect]:
    """
    What came beside the call's measure goes on with it; what the form's version brings besides is added (X-20).

    `shared`: another part of the call's measure stands beside the form's. What came with both stands as long as either.
    """
    lineage = [m for m in known.measures if m.orders[:1] == main.orders[:1] and m.kind is not main.kind]
    for m in lineage:
        if case.is_over(m):
            continue
        valid_to = wanted.valid_to
        if shared:
            valid_to = None if valid_to is None else later_end(m, valid_to)
        yield Amend(confirmed_by_form(m, case, valid_to), "confirmed")
    ran_out = [m for m in lineage if case.is_over(m) and not m.released and m.valid_to is not None]
    for m in ran_out:
        if m.not_over(case.form.decided_at, known.patient.birth):
            yield continued_with(m, case, valid_from=main.valid_from, valid_to=main.valid_to, beside=m.beside)
    ever = {m.kind for m in lineage}
    for entry in case.entries:
        for extra in entry.also_imposes or ():
            if extra.kind not in ever:
                beside = replace(main, inform=wanted.inform, provisional=False)
                yield Impose(_extra(beside, extra, case.order_id, entry.cites))


def call_after_its_forms(case: OrderEvaluation, known: PatientFacts) -> Iterator[Effect]:
    """
    A call that comes when its signed forms are there already (X-13): nothing is added but what the forms leave out.

    Forms that name every guardian whom a call about all shuts out are about all, later ones too, as when the call had
    come first (X-14). So does what a form has ordered for a later day begin with the call: a form never narrows it.

    Where what the form brought has been released, also before its day, the call is carried out all the same: in doubt it
    protects (X-15).
    """
    wanted = replace(main_measure(case, known), provisional=False)
    rows = {
        m.measure_id: m
        for form in case.forms_before
        for m in case.lineage_of(form.order_id, wanted.kind)
        if m.beside is None
    }
    living = [m for m in rows.values() if not case.is_over(m)]
    overtaken_by = any(case.is_before_release_of(m) for m in rows.values()) or bool(
        case.released_since(wanted.kind, MeasureScope.of(wanted))
    )
    if not living and (overtaken_by or any(m.released for m in rows.values())):
        yield from imposed_with(case, known, wanted)
        if overtaken_by:
            yield review_task(case, "decided_before_release", REMARK[Remark.DECIDED_BEFORE_RELEASE], "X-15")
        return
    scope = MeasureScope.of(wanted)
    rest = left_of(scope, map(MeasureScope.of, living), case.ever_custodians) if living else None
    named_only = rest is None and wanted.guardians is None and all(m.guardians is not None for m in living)
    if living and named_only and wanted.kind in AGAINST_GUARDIANS:
        rest = scope  # whom a measure is about never changes: later guardians are shut out by one of its own
    for m in living:
        if m.valid_from > case.at:
            yield from _begins_with_call(case, known, m)
        else:
            yield Annotate(replace(m, orders=(*m.orders, case.order_id), version=m.version + 1))
    if rest is not None:
        yield Impose(
            replace(
                wanted,
                provisional=True,
                **rest.fields,  # type: ignore[arg-type]
            )
        )


def _begins_with_call(case: OrderEvaluation, known: PatientFacts, m: Measure) -> Iterator[Effect]:
    """What a form has ordered for a later day, with what is to come beside it, holds from its call on."""
    now = yield from _goes_on_as(m, case, valid_from=case.at)
    yield from end_by_entries(now.measure, known, case.entries, case.at)
    for c in companions_of(case, m):
        yield from _goes_on_as(c, case, valid_from=case.at)
    for order_id in m.orders:
        yield ResolvePending(order_id, Outcome.EXECUTED, _BEGAN_WITH_CALL, PendingCode.NOT_YET_VALID)


_BEGAN_WITH_CALL = Sentence(
    "Samtalet som blanketten hör till har kommit. Åtgärden gäller redan.",
    "The call that the form belongs to has come. The measure is in force already.",
)
