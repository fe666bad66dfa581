"""What an order that may be executed does: the measures, ends, timers, tasks and remarks that follow from it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from contracts.vocabulary import (
    IMPOSES,
    RELEASES,
    Attestation,
    ContinueDecision,
    Form,
    Initiative,
    MeasureId,
    MeasureKind,
    Opinion,
    OrderId,
    Outcome,
    PendingCode,
    PersonId,
    RegionCode,
    Remark,
    Service,
    Template,
    UnitId,
)
from workers.policy import notices, silence
from workers.policy.calendar import days_before, end_of, last_day_of_years, midnight
from workers.policy.case import Case, measure_id_of
from workers.policy.effects import (
    AddTask,
    Annotate,
    Answer,
    CloseTask,
    Effect,
    Impose,
    Noted,
    OpenRequest,
    Revise,
    Sentence,
    SetTimer,
    Settle,
    Tell,
    TimerKind,
)
from workers.policy.facts import (
    EarlierOrder,
    Inform,
    Measure,
    PatientFacts,
    ReleaseRequest,
    RequestEnd,
    UnitAnswer,
)
from workers.policy.hits import shuts_out_everybody
from workers.policy.requests import (
    OUTCOME,
    STATES,
    TEXT,
    Happening,
    replies_closed,
    tasks_closed,
    units_still_asked,
    who_asked,
)
from workers.policy.rulebook import Entry, Extra, Lead, Rulebooks
from workers.policy.scope import Scope, all_but, left_of
from workers.policy.sentences import MEASURE, PENDING, REMARK, STANDARD_REPLY_TASK
from workers.policy.successors import successor_tasks
from workers.policy.units import orphans

_OF_GUARDIANS = frozenset({MeasureKind.GUARDIAN_BLOCK, MeasureKind.GUARDIAN_RESTRICTION})
_DEFAULT_SERVICES: dict[MeasureKind, tuple[Service, ...]] = {
    MeasureKind.JOURNAL_SEAL: (Service.JOURNAL,),
    MeasureKind.LOGIN_LOCK: (Service.E_SERVICES,),
    MeasureKind.GUARDIAN_BLOCK: (Service.JOURNAL, Service.E_SERVICES),
    MeasureKind.CHILD_SEAL: (Service.JOURNAL, Service.E_SERVICES),
    MeasureKind.GUARDIAN_RESTRICTION: (Service.JOURNAL,),
    MeasureKind.GUARDIAN_GRANT: (Service.JOURNAL,),
    MeasureKind.MINOR_GRANT: (Service.JOURNAL,),
    MeasureKind.REPRESENTATIVE_GRANT: (Service.JOURNAL,),
}


def effects_of(case: Case, known: PatientFacts) -> tuple[Effect, ...]:
    """
    The measures that an order imposes, changes and ends, and the ledger of requests. In order.

    What the order says of who may be told is kept in every measure that it is about.
    """
    done = silence.kept(case, known, tuple(_each_once(_effects_of(case, known))))
    return tuple(_reported(case, known, done)) if case.reports and case.form.form in _MAY_REPORT else done


_MAY_REPORT = frozenset(form for form, kind in IMPOSES.items() if not kind.opens) | {
    Form.EXTEND_MEASURE,
    Form.CONTINUE_MEASURE,
    Form.UNIT_OPINION,
}
"""Forms about a protective measure: a report to the authorities may come with any of them (X-17)."""


def _each_once(effects: Iterable[Effect]) -> Iterator[Effect]:
    """Each measure changed once: two rows of one measure have what came beside it in common."""
    seen: set[MeasureId] = set()
    for effect in effects:
        if isinstance(effect, Impose | Revise | Annotate):
            if effect.measure.measure_id in seen:
                continue
            seen.add(effect.measure.measure_id)
        yield effect


def _reported(case: Case, known: PatientFacts, done: tuple[Effect, ...]) -> Iterator[Effect]:
    """The same effects, and the report on every protective measure of the child that stands after them (X-17)."""
    touched: set[MeasureId] = set()
    for effect in done:
        if isinstance(effect, Impose | Revise | Annotate):
            touched.add(effect.measure.measure_id)
            if not effect.measure.kind.opens and not effect.measure.released:
                yield replace(effect, measure=replace(effect.measure, reported_to_authority=True))
                continue
        yield effect
    birth = known.patient.birth
    for m in known.measures:
        stands = not m.kind.opens and m.measure_id not in touched and m.not_over(case.at, birth)
        if stands and not m.reported_to_authority:
            yield Annotate(replace(m, reported_to_authority=True, version=m.version + 1))


def _effects_of(case: Case, known: PatientFacts) -> tuple[Effect, ...]:
    match case.form.form:
        case Form.CONTINUE_MEASURE:
            return tuple(_continue(case))
        case Form.EXTEND_MEASURE:
            return tuple(_extend(case))
        case Form.REQUEST_RELEASE:
            return tuple(_request(case, known))
        case Form.UNIT_OPINION:
            return tuple(_opinion(case, known))
        case form if form in RELEASES:
            if needs_all_units(case):
                return tuple(_request(case, known))
            return tuple(_release(case, known, case.targets))
        case _ if case.call is not None:
            return tuple(_confirm(case, known, case.call))
        case _ if case.form_before is not None:
            return tuple(_call_after_its_form(case, known, case.form_before))
        case _:
            return tuple(_impose(case, known))


def needs_all_units(case: Case) -> bool:
    """Whether a release by staff must wait for other initiating units (VGB-15)."""
    own = case.speaks_for(case.initiating_units)
    return len(own) < len(case.initiating_units) and any(e.unanimity for e in case.entries)


# --- imposing


def _main(case: Case, known: PatientFacts) -> Measure:
    form = case.form
    kind = IMPOSES[form.form]
    services = next((e.services for e in reversed(case.entries) if e.services), _DEFAULT_SERVICES[kind])
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
        inform=_inform(case),
        rules=_rules_of(case),
        rulebook=case.version.since.isoformat(),
    )


def _people_of(case: Case, kind: MeasureKind) -> tuple[tuple[PersonId, ...] | None, PersonId | None]:
    if kind is MeasureKind.REPRESENTATIVE_GRANT:
        return None, case.who(case.form.representative) if case.form.representative else None
    if kind is MeasureKind.GUARDIAN_GRANT:
        return (
            case.concerned,
            None,
        )  # a grant is for those who are guardians now, never for whoever becomes one
    if kind in (MeasureKind.GUARDIAN_BLOCK, MeasureKind.GUARDIAN_RESTRICTION):
        return (None if widens(case) else case.named), None
    return None, None


def widens(case: Case) -> bool:
    """Whether an order that names one guardian covers all of them (JH-17)."""
    return any(e.widens_to_all_guardians for e in case.entries)


def _rules_of(case: Case) -> tuple[str, ...]:
    """The rules that a measure rests on: those that say what it does, for access decisions to cite."""
    effective = [e for e in case.entries if e.offered or e.services or e.ends_at_age is not None or e.runs]
    return tuple(dict.fromkeys(rule for e in effective for rule in e.cites))


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


def _impose(case: Case, known: PatientFacts) -> Iterator[Effect]:
    main = _main(case, known)
    yield from _imposed(case, known, main)
    yield from _settled_late(case, main.kind, Scope.of(main))


def _imposed(case: Case, known: PatientFacts, main: Measure) -> Iterator[Effect]:
    """A new measure with what comes beside it, and what it ends: now, or on its day (X-16)."""
    action = "scheduled" if main.valid_from > case.at else "imposed"
    yield Impose(main, action)
    for entry in case.entries:
        for extra in entry.also_imposes or ():
            yield Impose(_extra(main, extra, case.order_id, entry.cites), action)
    if main.valid_from <= case.at:
        yield from end_running(main, known, _ended_by(case.entries), case.at)


def _ended_by(entries: Iterable[Entry]) -> frozenset[MeasureKind]:
    return frozenset(kind for entry in entries for kind in entry.ends_running or ())


def end_running(
    m: Measure, known: PatientFacts, kinds: Collection[MeasureKind], now: datetime
) -> Iterator[Revise]:
    """
    End, from a measure's beginning on, what runs of some kinds: its own region's grants only (X-16, X-18).

    What is to begin after `now` (UTC) ends too, before it has begun; what was given while the measure stood does not.
    """
    for grant in known.measures:
        given_before = grant.valid_from < m.valid_from or grant.valid_from > now or m.valid_from == now
        runs = grant.kind in kinds and grant.region == m.region and given_before
        if runs and grant.not_over(m.valid_from, known.patient.birth):
            yield ended(grant, m.valid_from, m.orders[0] if m.orders else None)


def kinds_ended_by(m: Measure, books: Rulebooks) -> frozenset[MeasureKind]:
    """What a measure ends when it begins, by the version of the rules that it was made under."""
    region = books.book_of(m.region)
    version = (
        next((v for v in region.versions if v.since.isoformat() == m.rulebook), None) if region else None
    )
    if version is None or m.beside is not None:
        return frozenset()
    forms = [form for form, kind in IMPOSES.items() if kind is m.kind]
    entries = [entry for form in forms for entry in version.matching(form)]
    return _ended_by(e for e in entries if e.when.initiative is None or m.initiative in e.when.initiative)


def _settled_late(case: Case, kind: MeasureKind, scope: Scope) -> Iterator[Effect]:
    """A protective order that a release of the same thing has overtaken: carried out, and people look at it (X-15)."""
    if not kind.opens and case.released_since(kind, scope):
        yield _to_look_at(case, "decided_before_release", REMARK[Remark.DECIDED_BEFORE_RELEASE], "X-15")


def _to_look_at(case: Case, kind: str, text: Sentence, rule: str) -> AddTask:
    return AddTask(
        kind=kind,
        subject=f"{case.order_id}:{kind}",
        text=text,
        region=RegionCode(case.form.region),
        due_at=case.at,
        rules=(rule,),
        order_id=case.order_id,
    )


def ended(m: Measure, at: datetime, order_id: OrderId | None = None) -> Revise:
    """A measure's version that ends it at an instant, by decision."""
    orders = (*m.orders, order_id) if order_id and order_id not in m.orders else m.orders
    return Revise(
        replace(
            m,
            valid_to=max(at, m.valid_from),
            orders=orders,
            released=True,
            provisional=False,
            awaits_follow_up=False,
            version=m.version + 1,
        ),
        "ended",
    )


def _goes_on(m: Measure, case: Case, part: str = "after", **changes: object) -> Impose:
    """The same measure with another scope, from now on: a new row of the same lineage."""
    changed: dict[str, object] = {
        "valid_from": max(case.starts_at, m.valid_from),
        "orders": (*m.orders, case.order_id),
        "released": False,
        "provisional": False,
        "awaits_follow_up": False,
        **changes,
    }
    follower = replace(
        m,
        measure_id=measure_id_of(case.order_id, m.kind, f"{part}:{m.measure_id}"),
        version=1,
        **changed,  # type: ignore[arg-type]
    )
    return Impose(follower, "continued")


def _companions(case: Case, m: Measure) -> tuple[Measure, ...]:
    """What came beside a measure, and stands (KR25-17, KR25-23)."""
    if case.known is None:
        return ()
    birth = case.known.patient.birth
    return tuple(c for c in _came_with(case.known, m) if c.not_over(case.at, birth))


def _came_with(known: PatientFacts, m: Measure) -> Iterator[Measure]:
    """
    What came beside a measure and goes with it.

    Found by the order that imposed both and by the kind: the measure may have gone on as another row since, and the
    order may have imposed something else, which took nothing with it (the seal of a block for a protected family).
    """
    kinds = {other.measure_id: other.kind for other in known.measures}
    for c in known.measures:
        same_order = bool(m.orders) and m.beside is None and c.orders[:1] == m.orders[:1]
        if same_order and c.beside is not None and kinds.get(c.beside, m.kind) is m.kind:
            yield c


@dataclass(frozen=True, slots=True)
class _OfCall:
    """What a call's measure of the form's kind has become by the time a form for it comes."""

    provisional: tuple[Measure, ...]
    settled: tuple[Measure, ...]
    ran_out: tuple[Measure, ...]
    """Ended by a day since the form was decided (X-12)."""

    @classmethod
    def of(cls, case: Case, call: OrderId, kind: MeasureKind) -> "_OfCall":
        rows = [m for m in case.lineage_of(call, kind) if m.beside is None]
        living = [m for m in rows if not case.is_over(m)]
        ran_out = [m for m in case.ended_since if m.kind is kind and not m.released]
        return cls(
            tuple(m for m in living if m.provisional),
            tuple(m for m in living if not m.provisional),
            tuple(ran_out),
        )


def _confirm(case: Case, known: PatientFacts, call: EarlierOrder) -> Iterator[Effect]:
    """
    The signed form after a call: the same measure goes on, as the form has it (KR-23, VG-03).

    A form never narrows what the call shut: what it leaves out stays shut, provisional. What it adds is added; what
    another form has confirmed already is left as it is (X-14).
    """
    found = _OfCall.of(case, call.order_id, IMPOSES[case.form.form])
    wanted = _as_wide(_main(case, known), found.provisional, case)
    new = left_of(Scope.of(wanted), map(Scope.of, found.settled), case.ever_custodians)
    base = next(iter((*found.provisional, *found.ran_out, *found.settled)), None)
    if base is None:
        yield from _impose(case, known)
    elif new is None:
        yield from _nothing_new(case, found.settled, wanted)
    else:
        yield from _confirmed_in(case, known, found, base, wanted, new)
    text = Sentence("Den underskrivna blanketten har kommit.", "The signed form has come.")
    yield Settle(call.order_id, Outcome.EXECUTED, text)
    yield CloseTask("signed_form", str(call.order_id))


def _as_wide(wanted: Measure, shut: Iterable[Measure], case: Case) -> Measure:
    """A form that names every guardian whom a call about all still shuts out is about all, later ones too (X-14)."""
    if wanted.guardians is None:
        return wanted
    for m in shut:
        if m.guardians is None and all_but(Scope.of(m), wanted.guardians, case.ever_custodians) is None:
            return replace(wanted, guardians=None, guardians_except=m.guardians_except)
    return wanted


def _nothing_new(case: Case, settled: tuple[Measure, ...], wanted: Measure) -> Iterator[Effect]:
    """What is confirmed already is not confirmed again; a later end lengthens it, an earlier one does not shorten it."""
    for m in settled:
        if not Scope.of(wanted).meets(Scope.of(m)):
            continue
        valid_to = None if wanted.valid_to is None else _later(m, wanted.valid_to)
        orders = (*m.orders, case.order_id)
        if valid_to == m.valid_to:
            yield Annotate(replace(m, orders=orders, version=m.version + 1))
        else:
            longer = replace(m, orders=orders, valid_to=valid_to, released=False, version=m.version + 1)
            yield Revise(longer, "extended")
            for c in _companions(case, m):
                with_it = None if wanted.valid_to is None else _later(c, wanted.valid_to)
                yield Revise(
                    replace(
                        c,
                        orders=(*c.orders, case.order_id),
                        valid_to=with_it,
                        released=False,
                        version=c.version + 1,
                    ),
                    "extended",
                )


def _confirmed_in(
    case: Case, known: PatientFacts, found: _OfCall, base: Measure, wanted: Measure, new: Scope
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
        as_wanted |= {
            "services": wanted.services,
            "ends_at_age": wanted.ends_at_age,
            "rules": wanted.rules,
            "rulebook": wanted.rulebook,
        }
    rest = None
    if base not in found.provisional:
        since = _resumes_at(case, base) if base in found.ran_out else case.starts_at
        now = _goes_on(base, case, valid_from=since, **as_wanted)  # type: ignore[arg-type]
        yield now
        yield from _settled_late(case, wanted.kind, new)
        main = now.measure
    else:
        rest = Scope.of(base).without(new, case.ever_custodians)
        if rest is None and Scope.of(base) == new:
            main = replace(
                base,
                provisional=False,
                orders=lineage,
                version=base.version + 1,
                **as_wanted,  # type: ignore[arg-type]
            )
            yield Revise(main, "confirmed")
        else:
            yield ended(base, case.at, case.order_id)
            yield from tasks_about(base)
            now = _goes_on(
                base,
                case,
                valid_from=max(case.at, base.valid_from),
                awaits_follow_up=base.awaits_follow_up and rest is None,
                **as_wanted,  # type: ignore[arg-type]
            )
            yield now
            main = now.measure
            if rest is not None:
                yield _rest_of_call(case, base, rest)
    for other in found.provisional:
        if other is not base and new.covers(Scope.of(other)):
            yield Revise(_confirmed(other, case, wanted.valid_to), "confirmed")
    yield from _beside_confirmed(case, known, main, wanted, rest)
    if base in found.ran_out:
        yield _to_look_at(case, "resumed_after_end", REMARK[Remark.RESUMED_AFTER_END], "X-12")


def _rest_of_call(case: Case, base: Measure, rest: Scope) -> Impose:
    """What a form leaves out of what its call shut: it stays shut, provisional (X-14)."""
    return _goes_on(
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
    case: Case, known: PatientFacts, main: Measure, wanted: Measure, rest: Scope | None
) -> Iterator[Effect]:
    """What came beside the call's measure goes on with it; what the form's version brings besides is added (X-20)."""
    lineage = [m for m in known.measures if m.orders[:1] == main.orders[:1] and m.kind is not main.kind]
    for m in lineage:
        if case.is_over(m):
            continue
        valid_to = m.valid_to if rest is not None else wanted.valid_to
        yield Revise(_confirmed(m, case, valid_to), "confirmed")
    ran_out = [m for m in lineage if case.is_over(m) and not m.released and m.valid_to is not None]
    for m in ran_out:
        if m.not_over(case.form.decided_at, known.patient.birth):
            yield _goes_on(m, case, valid_from=main.valid_from, valid_to=main.valid_to, beside=m.beside)
    ever = {m.kind for m in lineage}
    for entry in case.entries:
        for extra in entry.also_imposes or ():
            if extra.kind not in ever:
                beside = replace(main, inform=wanted.inform, provisional=False)
                yield Impose(_extra(beside, extra, case.order_id, entry.cites))


def _confirmed(m: Measure, case: Case, valid_to: datetime | None) -> Measure:
    return replace(
        m,
        provisional=False,
        valid_to=valid_to,
        orders=(*m.orders, case.order_id),
        inform=m.inform.overlaid(_inform(case)),
        version=m.version + 1,
    )


def _call_after_its_form(case: Case, known: PatientFacts, form: EarlierOrder) -> Iterator[Effect]:
    """
    A call that comes when its signed form is there already (X-13): nothing is added but what the form leaves out.

    Where what the form brought has been released since the call, the call is carried out all the same (X-15).
    """
    wanted = replace(_main(case, known), provisional=False)
    rows = [m for m in case.lineage_of(form.order_id, wanted.kind) if m.beside is None]
    living = [m for m in rows if not case.is_over(m)]
    if not living and case.released_since(wanted.kind, Scope.of(wanted)):
        yield from _imposed(case, known, wanted)
        yield from _settled_late(case, wanted.kind, Scope.of(wanted))
        return
    for m in living:
        yield Annotate(replace(m, orders=(*m.orders, case.order_id), version=m.version + 1))
    rest = left_of(Scope.of(wanted), map(Scope.of, living), case.ever_custodians) if living else None
    if rest is not None:
        yield Impose(
            replace(
                wanted,
                provisional=True,
                **rest.fields,  # type: ignore[arg-type]
            )
        )


def is_in_force_already(case: Case, done: Iterable[Effect]) -> bool:
    """Whether what a call, or a form for one, asks for was in force already, so that nobody is told again."""
    if case.call is None and case.form_before is None:
        return False
    return not any(isinstance(e, Impose) or (isinstance(e, Revise) and e.action == "confirmed") for e in done)


# --- continuing, extending


def _continue(case: Case) -> Iterator[Effect]:
    form = case.form
    release = form.decision is ContinueDecision.RELEASE
    for m in case.targets:
        late = case.is_over(m)
        yield from _settled_call(case, m)
        yield from tasks_about(m)
        if release:
            if not late:
                yield from _called_off(case, m)
                yield ended(m, case.starts_at, case.order_id)
                for c in _companions(case, m):
                    yield ended(c, case.starts_at, case.order_id)
                    yield from tasks_about(c)
            continue
        units = frozenset(UnitId(u) for u in form.units) if form.units else m.units
        guardians, left_out = _continued_for(case, m)
        valid_to = end_of(form.valid_through) if form.valid_through else m.valid_to
        if m.kind is MeasureKind.GUARDIAN_BLOCK and form.valid_through is None:
            valid_to = None  # until further notice (JH-19)
        if late:
            yield from _resumed(
                case, m, units=units, guardians=guardians, guardians_except=left_out, valid_to=valid_to
            )
        elif (units, guardians, left_out) == (m.units, m.guardians, m.guardians_except):
            yield from _overtaken(m)
            kept = replace(
                m,
                valid_to=valid_to,
                released=False,
                orders=(*m.orders, case.order_id),
                awaits_follow_up=False,
                provisional=False,
                review_on=form.review_on or m.review_on,
                inform=m.inform.overlaid(_inform(case)),
                version=m.version + 1,
            )
            yield Revise(kept, "continued")
        else:
            yield ended(m, case.starts_at, case.order_id)
            yield _goes_on(
                m,
                case,
                units=units,
                guardians=guardians,
                guardians_except=left_out,
                valid_to=valid_to,
                inform=m.inform.overlaid(_inform(case)),
                review_on=form.review_on or m.review_on,
            )
    if not release:
        yield from _late_tasks(case)


def _continued_for(case: Case, m: Measure) -> tuple[tuple[PersonId, ...] | None, tuple[PersonId, ...]]:
    """
    The guardians for whom a continuation has a measure go on, and those left out of *all*.

    One that names some of all leaves out the others who are known: whoever becomes a guardian later stays shut out.
    """
    if case.named is None:
        return m.guardians, m.guardians_except
    if m.guardians is not None or m.kind not in _OF_GUARDIANS:
        return case.named, ()
    known = dict.fromkeys((*m.guardians_except, *case.ever_custodians))
    return None, tuple(g for g in known if g not in case.named)


def _resumes_at(case: Case, m: Measure) -> datetime:
    """From when what has ended holds again: when the broker received the order, and never before the end (X-12)."""
    end = case.known.patient.birth if case.known is not None else None
    over = m.ends_at(end) if end is not None else None
    since = case.received_at if case.form.valid_from is None else max(case.received_at, case.starts_at)
    return since if over is None else max(since, over)


def _resumed(case: Case, m: Measure, **changes: object) -> Iterator[Impose]:
    """A measure that ended after the order was decided goes on, as a row of the same lineage, with what came beside it."""
    since = _resumes_at(case, m)
    end = changes.get("valid_to")
    if isinstance(end, datetime) and end <= since:
        changes["valid_to"] = None  # the order names no later end, and the old one has passed
    main = _goes_on(
        m,
        case,
        "resumed",
        valid_from=since,
        review_on=case.form.review_on or m.review_on,
        inform=_inform(case),
        **changes,
    )
    yield Impose(main.measure, "extended")
    if case.known is None:
        return
    birth = case.known.patient.birth
    for c in _came_with(case.known, m):
        if case.is_over(c) and c.not_over(case.form.decided_at, birth):
            valid_to = main.measure.valid_to
            with_it = _goes_on(
                c, case, "resumed", valid_from=since, valid_to=valid_to, beside=main.measure.measure_id
            )
            yield Impose(with_it.measure, "extended")


def _late_tasks(case: Case) -> Iterator[Effect]:
    """There was a gap, or somebody had lifted it in between: people look at it (X-12, X-15)."""
    if _ran_out(case):
        yield _to_look_at(case, "resumed_after_end", REMARK[Remark.RESUMED_AFTER_END], "X-12")
    if any(m.released for m in case.ended_since):
        yield _to_look_at(case, "decided_before_release", REMARK[Remark.DECIDED_BEFORE_RELEASE], "X-15")


def _ran_out(case: Case) -> tuple[Measure, ...]:
    """What an order takes up again after it had ended by a day, before the broker received the order."""
    birth = case.known.patient.birth if case.known is not None else None
    return tuple(
        m
        for m in case.ended_since
        if not m.released and birth is not None and (m.ends_at(birth) or case.at) < case.received_at
    )


def tasks_about(m: Measure) -> Iterator[CloseTask]:
    """What people were to do about a measure, and need not once it is over."""
    for kind in ("follow_up_decision", "review", "lock_at_13"):
        yield CloseTask(kind, str(m.measure_id))


def _inform(case: Case) -> Inform:
    told = case.form.inform
    return Inform(told.guardians, told.patient, told.written_confirmation)


def _called_off(case: Case, m: Measure) -> Iterator[Settle]:
    """What was ordered for a later day and is ended before it never begins: its order waits for nothing (X-16)."""
    if m.valid_from > case.at and case.starts_at <= m.valid_from:
        for order in m.orders:
            yield Settle(order, Outcome.EXECUTED, _CALLED_OFF, PendingCode.NOT_YET_VALID)


def _overtaken(m: Measure) -> Iterator[Settle]:
    """A release for a later day comes to nothing where the measure is extended, or kept, before that day."""
    if m.released and m.orders:
        yield Settle(m.orders[-1], Outcome.REFUSED, _OVERTAKEN, PendingCode.NOT_YET_VALID)


_OVERTAKEN = Sentence(
    "Åtgärden har förlängts före den dag då den skulle hävas. Den gäller fortfarande.",
    "The measure was extended before the day of its release. It is still in force.",
)
_CALLED_OFF = Sentence(
    "Åtgärden hävdes före sin första dag och har inte gällt.",
    "The measure was ended before its first day and was never in force.",
)


def _settled_call(case: Case, m: Measure) -> Iterator[Effect]:
    if m.provisional:
        text = Sentence("Ett underskrivet beslut har kommit.", "A signed decision has come.")
        yield Settle(m.orders[0], Outcome.EXECUTED, text)
        yield CloseTask("signed_form", str(m.orders[0]))


def _extend(case: Case) -> Iterator[Effect]:
    through = case.form.valid_through
    for m in case.targets:
        if case.is_over(m):
            yield from _resumed(case, m, valid_to=end_of(through) if through else None)
            continue
        yield from _overtaken(m)
        for each in (m, *_companions(case, m)):
            later = replace(
                each,
                valid_to=_later(each, end_of(through) if through else None),
                released=False,
                orders=(*each.orders, case.order_id),
                review_on=case.form.review_on or each.review_on,
                inform=each.inform.overlaid(_inform(case)),
                version=each.version + 1,
            )
            yield Revise(later, "extended")
    yield from _late_tasks(case)


def _later(m: Measure, end: datetime | None) -> datetime | None:
    """The later of two ends: an extension of what has no end of its own never gives it one."""
    if end is None or m.valid_to is None:
        return m.valid_to
    return max(m.valid_to, end)


# --- releasing


def _release(case: Case, known: PatientFacts, targets: Iterable[Measure]) -> Iterator[Effect]:
    """End what the order names, and what came beside it; a measure named in part goes on for the rest."""
    at = case.starts_at
    targets = tuple(targets)
    released = {m.measure_id for m in targets}
    go_on = {
        (m.orders[0], m.kind)
        for m in known.measures
        if m.orders and m.beside is None and m.measure_id not in released and not case.is_over(m)
    }
    for m in targets:
        yield from _settled_call(case, m)
        yield from _called_off(case, m)
        yield from tasks_about(m)
        yield ended(m, at, case.order_id)
        rest = _rest_of_guardians(case, m)
        rest_units = m.units - set(case.form.units or ()) if m.units and case.form.units else frozenset()
        if rest is not None:
            yield _goes_on(m, case, **rest.fields)  # type: ignore[arg-type]
        if rest_units:
            # in the other units those whom the order lets in stay shut out, as far as they were
            of_whom = Scope.of(m) if rest is None else Scope(guardians=_let_in(case, m))
            whom, but = of_whom.guardians, of_whom.guardians_except
            yield _goes_on(m, case, "units", units=rest_units, guardians=whom, guardians_except=but)
        if rest is not None or rest_units:
            go_on.update((order, m.kind) for order in m.orders[:1])
        elif m.orders and m.valid_from < case.at:
            yield from end_running(m, known, _ended_when_begun(case, m), _NEVER)
    # what came beside goes when the last row of its measure does, once
    over = [m for m in targets if m.orders and (m.orders[0], m.kind) not in go_on]
    beside = {c.measure_id: c for m in over for c in _companions(case, m)}
    for c in beside.values():
        if c.measure_id not in released:
            yield ended(c, at, case.order_id)
            yield from tasks_about(c)


_NEVER = datetime.max.replace(tzinfo=UTC)


def _ended_when_begun(case: Case, m: Measure) -> frozenset[MeasureKind]:
    """What a measure was to end on its day: for the case that nobody has come to it before it is released (X-16)."""
    if m.kind.opens:
        return frozenset()
    return kinds_ended_by(m, Rulebooks({RegionCode(case.region.region): case.region}))


def _rest_of_guardians(case: Case, m: Measure) -> Scope | None:
    """
    The guardians for whom a measure goes on when an order opens it for some; None: for nobody (X-02).

    A measure against all goes on against all but those, so that whoever becomes a guardian later is shut out too.
    """
    if case.opens_for is None or m.kind not in _OF_GUARDIANS | {MeasureKind.GUARDIAN_GRANT}:
        return None
    scope = Scope.of(m)
    if m.guardians is None and not m.kind.opens:
        return all_but(scope, case.opens_for, case.ever_custodians)
    covered = m.guardians if m.guardians is not None else case.ever_custodians
    left = tuple(g for g in covered if g not in case.opens_for)
    return replace(scope, guardians=left) if left else None


def _let_in(case: Case, m: Measure) -> tuple[PersonId, ...]:
    """Those for whom an order opens what shut them out."""
    return tuple(g for g in case.opens_for or () if m.covers_guardian(g))


# --- unanimity


def _request(case: Case, known: PatientFacts) -> Iterator[Effect]:
    """Open the ledger: every initiating unit must answer; a staff member's own unit has answered by asking."""
    form = case.form
    answers: tuple[UnitAnswer, ...] = ()
    if form.form is not Form.REQUEST_RELEASE:
        own = case.speaks_for(case.initiating_units)
        answers = tuple(UnitAnswer(unit, Opinion.AGREE, case.order_id, case.at) for unit in own)
    asking = (case.named or ()) if form.initiative is Initiative.GUARDIAN else ()
    standard = [g for g in asking if not _told_openly(case, known, g)]
    registers_own = all(m.initiative is Initiative.REGISTER for m in case.targets)
    request = ReleaseRequest(
        order_id=case.order_id,
        patient=known.patient.person_id,
        region=RegionCode(form.region),
        initiative=form.initiative,
        measures=tuple(m.measure_id for m in case.targets),
        units=() if registers_own else case.initiating_units,
        asked_by=case.named or (),
        inform=_inform(case),
        opened_at=case.at,
        answers=answers,
        replied=bool(standard),
    )
    yield OpenRequest(request)
    if registers_own:
        yield AddTask(
            kind="follow_up_decision",
            subject=str(case.order_id),
            text=STAFF_MUST_ORDER,
            region=request.region,
            rules=("X-05", "X-10"),
            order_id=case.order_id,
        )
        for guardian in standard:
            yield _standard_reply(case, guardian, case.targets)
        return
    yield from _registers_own_beside(case)
    rules = tuple(dict.fromkeys(r for e in case.entries if e.unanimity or e.may_release for r in e.cites))
    for unit in request.unanswered or (None,):
        yield AddTask(
            kind="unit_opinion",
            subject=f"{case.order_id}:{unit or 'operators'}",
            text=PENDING_UNITS,
            region=request.region,
            rules=rules,
            order_id=case.order_id,
            unit=case.answering(unit) if unit is not None else None,
        )
    yield from successor_tasks(case, orphans(case.units, request.unanswered, case.decided_on))
    yield SetTimer(
        TimerKind.REQUEST_REMINDER,
        case.at + timedelta(days=7),
        request.patient,
        request.region,
        order_id=case.order_id,
    )
    for guardian in standard:
        yield _standard_reply(case, guardian, case.targets)


def _told_openly(case: Case, known: PatientFacts, guardian: PersonId) -> bool:
    """Whether an order has said that the guardian may be told of all that the request is about."""
    hit = [m for m in case.targets if m.covers_guardian(guardian)]
    if case.form.inform.guardians is False or silence.silent(known, hit, "guardians"):
        return False
    return all(m.inform.guardians or case.form.inform.guardians for m in hit)


def _registers_own_beside(case: Case) -> Iterator[AddTask]:
    """
    A request that units answer leaves the register's own measures as they are: staff are to judge those (X-05, X-10).

    Not while the state holds them: then nobody may end them.
    """
    if case.form.form is not Form.REQUEST_RELEASE:
        return
    for m in case.candidates:
        if m.initiative is Initiative.REGISTER and m.measure_id not in case.held_by_state:
            yield AddTask(
                kind="follow_up_decision",
                subject=str(m.measure_id),
                text=STAFF_MUST_ORDER,
                region=m.region,
                rules=("X-05", "X-10"),
                order_id=case.order_id,
                measure_id=m.measure_id,
            )


STAFF_MUST_ORDER = Sentence(
    "Någon har begärt att en åtgärd som följde av skyddad identitet hävs. Ingen enhet har beslutat den: pröva om "
    "personal ska beställa hävning.",
    "Somebody has asked for the release of a measure that protected identity brought. No unit decided on it: judge "
    "whether staff are to order its release.",
)
PENDING_UNITS = PENDING[PendingCode.AWAITING_UNITS]


def _standard_reply(case: Case, guardian: PersonId, about: Iterable[Measure]) -> Tell | AddTask:
    """
    The region's own text to a guardian who asks and is not to be told (VGB-17); without one, operators answer (X-26).

    It never says who, why or since when.
    """
    region = RegionCode(case.form.region)
    rules = tuple(dict.fromkeys(r for e in case.entries if e.unanimity or e.may_release for r in e.cites))
    if case.version.standard_reply is None:
        request = case.request.order_id if case.request is not None else case.order_id
        return AddTask(
            kind="standard_reply",
            subject=f"{request}:{guardian}",
            text=STANDARD_REPLY_TASK,
            region=region,
            rules=rules,
            order_id=request,
        )
    return notices.to_person(guardian, Template.STANDARD_REPLY, region, about, rules=rules)


def _opinion(case: Case, known: PatientFacts) -> Iterator[Effect]:
    request, form = case.request, case.form
    if request is None or form.decided_by is None or form.opinion is None:
        return
    units = case.answers_for
    still_asked = units_still_asked(request, known, case.at)
    end = STATES[_happened(request, form.opinion, units, still_asked)]
    for place, unit in enumerate(units, 1):
        answer = UnitAnswer(unit, form.opinion, case.order_id, case.at)
        yield Answer(request.order_id, answer, end if place == len(units) else None)
    if end is None:
        for unit in units:
            yield CloseTask("unit_opinion", f"{request.order_id}:{unit}")
            yield CloseTask("unit_reminder", f"{request.order_id}:{unit}")
        return
    yield from tasks_closed(request)
    if end is RequestEnd.AGREE:
        yield from replies_closed(request)
        yield from _release(case, known, case.targets)
    yield Settle(request.order_id, OUTCOME[end], TEXT[end])
    if end is RequestEnd.KEEP:
        yield from _kept(case, known, request)


def _happened(
    request: ReleaseRequest, opinion: Opinion, units: Collection[UnitId], still_asked: Collection[UnitId]
) -> Happening:
    """What an answer for some units is for a request: all that is told apart."""
    if opinion is Opinion.KEEP:
        return Happening.A_UNIT_KEEPS
    others = [u for u in request.unanswered if u not in units and u in still_asked]
    return Happening.A_UNIT_AGREES if others else Happening.THE_LAST_UNIT_AGREES


def _kept(case: Case, known: PatientFacts, request: ReleaseRequest) -> Iterator[Effect]:
    refused, region = Template.RELEASE_REFUSED, request.region
    quiet = case.form.inform.guardians is False or silence.silent(known, case.targets, "guardians")
    guardians = who_asked(request, known) if request.initiative is Initiative.GUARDIAN else ()
    for guardian in guardians:
        hit = [m for m in case.targets if m.covers_guardian(guardian)]
        if not quiet:
            yield notices.to_person(guardian, refused, region, hit)
        elif not request.replied:
            yield _standard_reply(case, guardian, hit)
    patient = known.patient.person_id
    about, others = notices.subject(known, case.targets, patient, refused)
    asked = request.initiative is not Initiative.CARE  # a unit that waits for the others has asked nobody
    if about and asked:  # what stays closed is told to the child too, whoever asked
        answers = patient in who_asked(request, known)
        yield notices.to_person(patient, refused, region, about, others=others, answers=answers)


# --- what follows from the measures


def timers_of(m: Measure, known: PatientFacts, at: datetime, lead: Lead) -> Iterator[SetTimer]:
    """What to wake for about a measure as it now stands. Setting one twice is setting it once."""

    def timer(kind: TimerKind, due: datetime) -> SetTimer:
        return SetTimer(kind, due, m.patient, m.region, m.measure_id, m.orders[0] if m.orders else None)

    if m.released:
        if m.valid_to is not None and m.valid_to > at:
            yield timer(TimerKind.MEASURE_ENDS, m.valid_to)
        return
    if m.valid_from > at:
        yield timer(TimerKind.MEASURE_STARTS, m.valid_from)
    end = m.ends_at(known.patient.birth)
    if end is not None and end > at:
        yield timer(TimerKind.MEASURE_ENDS, end)
        reminder = days_before(end, lead.grant_expiring)
        if m.kind.opens and reminder > at:
            yield timer(TimerKind.GRANT_EXPIRING, reminder)
        ending = days_before(end, lead.measure_ending)
        if not m.kind.opens and m.beside is None and m.valid_to == end and ending > max(at, m.valid_from):
            yield timer(TimerKind.MEASURE_ENDING, ending)
    if m.review_on is not None and midnight(m.review_on) > at:
        yield timer(TimerKind.REVIEW_DUE, midnight(m.review_on))


def deadlines_of(case: Case, main: Measure) -> Iterator[Effect]:
    """The signed form after a call, and the decision after an urgent measure: a deadline and a task each."""
    if main.provisional and case.form_before is None:
        within, rules = case.signed_form
        due = case.at + within
        yield SetTimer(
            TimerKind.SIGNED_FORM_DEADLINE, due, main.patient, main.region, main.measure_id, case.order_id
        )
        text = Sentence(
            "Den underskrivna blanketten ska följa samtalet.", "The signed form must follow the call."
        )
        yield AddTask(
            "signed_form", str(case.order_id), text, main.region, due, rules, case.order_id, main.measure_id
        )
    follow_ups = [e for e in case.entries if e.follow_up]
    if main.awaits_follow_up and follow_ups:
        hours = min(e.follow_up.within_hours for e in follow_ups if e.follow_up)
        due = case.at + timedelta(hours=hours)
        yield SetTimer(
            TimerKind.FOLLOW_UP_DEADLINE, due, main.patient, main.region, main.measure_id, case.order_id
        )
        text = Sentence(
            "Beslut om fortsättning ska fattas så snart som möjligt.",
            "A decision on continuing is due as soon as possible.",
        )
        rules = tuple(dict.fromkeys(r for e in follow_ups for r in e.cites))
        yield AddTask(
            "follow_up_decision",
            str(main.measure_id),
            text,
            main.region,
            due,
            rules,
            case.order_id,
            main.measure_id,
            main.unit,
        )


def clinic_tasks(case: Case) -> Iterator[AddTask]:
    """A closing order whose rule names the clinic, from a unit whose clinic the directory does not know (JH-17)."""
    entry, unit = case.clinic_unknown, case.decider_unit
    if entry is not None and unit is not None:
        yield AddTask(
            kind="clinic_unknown",
            subject=f"{case.order_id}:{unit}",
            text=Sentence(
                "Katalogen säger inte vilken klinik enheten hör till: kontrollera beslutet, och låt rätta katalogen.",
                "The directory does not say which clinic the unit belongs to: check the decision, and have the "
                "directory corrected.",
            ),
            region=RegionCode(case.form.region),
            rules=entry.cites,
            order_id=case.order_id,
            unit=unit,
        )


KEYED_INTO: dict[MeasureKind, tuple[str, str, str]] = {
    MeasureKind.JOURNAL_SEAL: ("admin_journalen", "seal", "unseal"),
    MeasureKind.CHILD_SEAL: ("admin_journalen", "seal", "unseal"),
    MeasureKind.GUARDIAN_BLOCK: ("admin_journalen", "block", "unblock"),
    MeasureKind.GUARDIAN_RESTRICTION: ("admin_journalen", "restrict", "unrestrict"),
    MeasureKind.LOGIN_LOCK: ("personalverktyget", "lock", "unlock"),
    MeasureKind.GUARDIAN_GRANT: ("admin_journalen", "open", "close"),
    MeasureKind.MINOR_GRANT: ("admin_journalen", "open", "close"),
    MeasureKind.REPRESENTATIVE_GRANT: ("admin_journalen", "open", "close"),
}
"""Where each measure is keyed in by hand, and the words for imposing and ending it: no interface exists there."""


def worklist(m: Measure, *, ends: bool) -> Iterator[AddTask]:
    """The work-list tasks of one measure: one for each national system."""
    target, on, off = KEYED_INTO[m.kind]
    targets = [(target, on, off)]
    if m.kind is MeasureKind.CHILD_SEAL:
        targets.append(("personalverktyget", "lock", "unlock"))
    words = MEASURE[m.kind]
    for system, begin, finish in targets:
        verb = finish if ends else begin
        text = Sentence(
            f"{'Häv' if ends else 'Lägg in'} {words.sv}.", f"{'Lift' if ends else 'Key in'}: {words.en}."
        )
        yield AddTask(
            kind="worklist",
            subject=f"{m.measure_id}:{system}:{verb}",
            text=text,
            region=m.region,
            rules=m.rules,
            order_id=m.orders[-1] if m.orders else None,
            measure_id=m.measure_id,
            target=system,
            key_in=verb,
        )


# --- remarks


def remarks_of(case: Case, after: PatientFacts, effects: Iterable[Effect]) -> Iterator[Noted]:
    """What the receipt points out beside the outcome."""
    done = tuple(effects)
    for entry in case.entries:
        if entry.remark is not None:
            yield Noted(entry.remark.code, Sentence(entry.remark.sv, entry.remark.en), entry.cites)
        if entry.long_after_months is not None and case.form.valid_through is not None:
            years = entry.long_after_months // 12
            if case.form.valid_through > last_day_of_years(case.signed_on, years):
                yield Noted(Remark.LONG_DURATION, REMARK[Remark.LONG_DURATION], entry.cites)
    if widens(case) and case.named is not None:
        yield Noted(Remark.WIDENED_TO_ALL_GUARDIANS, REMARK[Remark.WIDENED_TO_ALL_GUARDIANS])
    if case.clinic_unknown is not None:
        yield Noted(Remark.CLINIC_UNKNOWN, REMARK[Remark.CLINIC_UNKNOWN], case.clinic_unknown.cites)
    yield from _overridden(case, after, done)
    yield from _where_rules_meet(case, done)
    if (
        any(isinstance(e, Revise) and e.action in ("ended", "narrowed") for e in done)
        or case.form.form in RELEASES
    ):
        holding = still_holding(case, after)
        if holding:
            yield Noted(
                Remark.STILL_HOLDS, REMARK[Remark.STILL_HOLDS], measures=tuple(m.measure_id for m in holding)
            )


def _where_rules_meet(case: Case, done: tuple[Effect, ...]) -> Iterator[Noted]:
    """What came late, early or twice (X-12 to X-15, X-20), and who else is let in (X-02)."""

    def noted(code: Remark, rule: str, *measures: Measure) -> Noted:
        return Noted(code, REMARK[code], (rule,), tuple(m.measure_id for m in measures))

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
        if case.form_before is not None and "decided_before_release" not in looked_at:
            yield noted(Remark.ALREADY_IN_FORCE, "X-13")
        elif is_in_force_already(case, done):
            yield noted(Remark.ALREADY_IN_FORCE, "X-14")
        versions = {m.rulebook for m in case.confirmed if m.kind is kind}
        if versions - {case.version.since.isoformat()}:
            yield noted(Remark.LATER_VERSION, "X-20")
    request = case.request
    if form.form is Form.UNIT_OPINION and request is not None and request.initiative is Initiative.GUARDIAN:
        whole = [e.measure for e in done if isinstance(e, Revise) and shuts_out_everybody(e.measure)]
        if any(m.beside is None for m in whole):
            yield noted(Remark.OTHERS_AFFECTED, "X-02", *whole)


def still_holding(case: Case, after: PatientFacts) -> tuple[Measure, ...]:
    """
    Protective measures that stay in force after the order, but for those that it imposed itself.

    A removal of access lists the other grants of its kind, too: each still lets somebody in.
    """
    at = case.starts_at
    removed = RELEASES.get(case.form.form)
    return tuple(
        m
        for m in after.measures
        if (not m.kind.opens or m.kind is removed)
        and m.in_force(at, after.patient.birth)
        and (case.order_id not in m.orders or _left_by(case, m))
    )


def _left_by(case: Case, m: Measure) -> bool:
    """Whether it is what an order for some has left in force for others (X-02)."""
    return case.form.form is Form.UNIT_OPINION or case.form.form in RELEASES


def _overridden(case: Case, after: PatientFacts, done: tuple[Effect, ...]) -> Iterator[Noted]:
    imposed = [e.measure for e in done if isinstance(e, Impose)]
    at = case.starts_at
    grants = [m for m in imposed if m.kind.opens]
    restrictions = [m for m in imposed if not m.kind.opens]
    birth = after.patient.birth
    if grants:
        others = [m for m in after.measures if not m.kind.opens and m.in_force(at, birth)]
        hit = [g for g in grants if any(overrides(r, g) for r in others)]
    elif restrictions:
        others = [m for m in after.measures if m.kind.opens and m.in_force(at, birth)]
        hit = [g for g in others if any(overrides(r, g) for r in restrictions)]
    else:
        return
    if hit:
        ids: tuple[MeasureId, ...] = tuple(g.measure_id for g in hit)
        yield Noted(Remark.OVERRIDDEN, REMARK[Remark.OVERRIDDEN], measures=ids)


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
