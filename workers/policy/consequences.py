"""What an order that may be executed does: the measures, ends, timers, tasks and remarks that follow from it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

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
from workers.policy.facts import Inform, Measure, PatientFacts, ReleaseRequest, UnitAnswer
from workers.policy.rulebook import Extra
from workers.policy.sentences import MEASURE, PENDING, REMARK, STANDARD_REPLY_TASK
from workers.policy.successors import successor_tasks
from workers.policy.units import orphans

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
    return silence.kept(case, known, _effects_of(case, known))


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
        case _ if case.confirmed:
            return tuple(_confirm(case, known))
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
        provisional=case.by_phone,
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
        viewer=None,
        awaits_follow_up=False,
        rules=rules,
        beside=main.measure_id if extra.goes_with_it else None,
        version=1,
    )


def _impose(case: Case, known: PatientFacts) -> Iterator[Effect]:
    main = _main(case, known)
    action = "scheduled" if main.valid_from > case.at else "imposed"
    yield Impose(main, action)
    for entry in case.entries:
        for extra in entry.also_imposes or ():
            yield Impose(_extra(main, extra, case.order_id, entry.cites), action)
    for entry in case.entries:
        for kind in entry.ends_running or ():
            running = [
                m for m in known.measures if m.kind is kind and m.not_over(case.at, known.patient.birth)
            ]
            yield from (ended(m, main.valid_from, case.order_id) for m in running)


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
    follower = replace(
        m,
        measure_id=measure_id_of(case.order_id, m.kind, f"{part}:{m.measure_id}"),
        valid_from=case.starts_at,
        orders=(*m.orders, case.order_id),
        provisional=False,
        awaits_follow_up=False,
        version=1,
        **changes,  # type: ignore[arg-type]
    )
    return Impose(follower, "continued")


def _companions(case: Case, m: Measure) -> tuple[Measure, ...]:
    """
    What came beside a measure, and stands.

    Found by the order that imposed both: the measure may have gone on as another row since (KR25-17, KR25-23).
    """
    if case.known is None or not m.orders or m.beside is not None:
        return ()
    birth = case.known.patient.birth
    return tuple(
        c
        for c in case.known.measures
        if c.beside is not None and c.orders[:1] == m.orders[:1] and c.not_over(case.at, birth)
    )


def _confirm(case: Case, known: PatientFacts) -> Iterator[Effect]:
    """The signed form after a call: the same measure goes on, as the form has it (KR-23, VG-03)."""
    wanted = _main(case, known)
    call = OrderId(str(case.form.follows_up))
    main = next((m for m in case.confirmed if m.kind is wanted.kind and m.beside is None), None)
    for m in case.confirmed:
        if m is not main:
            yield Revise(_confirmed(m, case, wanted.valid_to), "confirmed")
    if main is None:
        yield from _impose(case, known)
    elif _same_scope(main, wanted):
        yield Revise(_confirmed(main, case, wanted.valid_to, wanted), "confirmed")
    else:
        yield ended(main, case.at, case.order_id)
        yield _goes_on(
            main,
            case,
            units=wanted.units,
            recorded_from=wanted.recorded_from,
            recorded_to=wanted.recorded_to,
            guardians=wanted.guardians,
            valid_to=wanted.valid_to,
            review_on=wanted.review_on,
            inform=main.inform.overlaid(wanted.inform),
        )
    yield Settle(
        call,
        Outcome.EXECUTED,
        Sentence("Den underskrivna blanketten har kommit.", "The signed form has come."),
    )
    yield CloseTask("signed_form", str(call))


def _same_scope(m: Measure, other: Measure) -> bool:
    mine = (m.units, m.recorded_from, m.recorded_to, m.guardians)
    return mine == (other.units, other.recorded_from, other.recorded_to, other.guardians)


def _confirmed(m: Measure, case: Case, valid_to: datetime | None, wanted: Measure | None = None) -> Measure:
    return replace(
        m,
        provisional=False,
        valid_to=valid_to,
        orders=(*m.orders, case.order_id),
        review_on=wanted.review_on if wanted else m.review_on,
        inform=m.inform.overlaid(_inform(case)),
        version=m.version + 1,
    )


# --- continuing, extending


def _continue(case: Case) -> Iterator[Effect]:
    form = case.form
    release = form.decision is ContinueDecision.RELEASE
    for m in case.targets:
        yield from _settled_call(case, m)
        yield CloseTask("follow_up_decision", str(m.measure_id))
        if release:
            yield ended(m, case.starts_at, case.order_id)
            continue
        units = frozenset(UnitId(u) for u in form.units) if form.units else m.units
        guardians = case.named if case.named is not None else m.guardians
        valid_to = end_of(form.valid_through) if form.valid_through else m.valid_to
        if m.kind is MeasureKind.GUARDIAN_BLOCK and form.valid_through is None:
            valid_to = None  # until further notice (JH-19)
        if (units, guardians) == (m.units, m.guardians):
            kept = replace(
                m,
                valid_to=valid_to,
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
                valid_to=valid_to,
                inform=m.inform.overlaid(_inform(case)),
                review_on=form.review_on or m.review_on,
            )


def _inform(case: Case) -> Inform:
    told = case.form.inform
    return Inform(told.guardians, told.patient, told.written_confirmation)


def _settled_call(case: Case, m: Measure) -> Iterator[Effect]:
    if m.provisional:
        text = Sentence("Ett underskrivet beslut har kommit.", "A signed decision has come.")
        yield Settle(m.orders[0], Outcome.EXECUTED, text)
        yield CloseTask("signed_form", str(m.orders[0]))


def _extend(case: Case) -> Iterator[Effect]:
    through = case.form.valid_through
    for m in case.targets:
        for each in (m, *_companions(case, m)):
            later = replace(
                each,
                valid_to=_later(each, end_of(through) if through else None),
                orders=(*each.orders, case.order_id),
                review_on=case.form.review_on or each.review_on,
                inform=each.inform.overlaid(_inform(case)),
                version=each.version + 1,
            )
            yield Revise(later, "extended")


def _later(m: Measure, end: datetime | None) -> datetime | None:
    """The later of two ends: an extension of what has no end of its own never gives it one."""
    if end is None or m.valid_to is None:
        return m.valid_to
    return max(m.valid_to, end)


# --- releasing


def _release(case: Case, known: PatientFacts, targets: Iterable[Measure]) -> Iterator[Effect]:
    """End what the order names, and what came beside it; a measure named in part goes on for the rest."""
    at = case.starts_at
    for m in targets:
        yield from _settled_call(case, m)
        yield CloseTask("follow_up_decision", str(m.measure_id))
        yield ended(m, at, case.order_id)
        rest_guardians = _rest_of_guardians(case, m)
        rest_units = m.units - set(case.form.units or ()) if m.units and case.form.units else frozenset()
        if rest_guardians:
            yield _goes_on(m, case, guardians=rest_guardians)
        if rest_units:
            freed = case.named if rest_guardians else m.guardians
            yield _goes_on(m, case, "units", units=rest_units, guardians=freed)
        if not rest_guardians and not rest_units:
            yield from (ended(c, at, case.order_id) for c in _companions(case, m))


def _rest_of_guardians(case: Case, m: Measure) -> tuple[PersonId, ...]:
    if case.named is None or m.kind not in (
        MeasureKind.GUARDIAN_BLOCK,
        MeasureKind.GUARDIAN_RESTRICTION,
        MeasureKind.GUARDIAN_GRANT,
    ):
        return ()
    covered = m.guardians if m.guardians is not None else case.ever_custodians
    return tuple(g for g in covered if g not in case.named)


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
    request = ReleaseRequest(
        order_id=case.order_id,
        patient=known.patient.person_id,
        region=RegionCode(form.region),
        initiative=form.initiative,
        measures=tuple(m.measure_id for m in case.targets),
        units=case.initiating_units,
        asked_by=asking,
        inform=_inform(case),
        opened_at=case.at,
        answers=answers,
        replied=bool(standard),
    )
    yield OpenRequest(request)
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
    answers = [UnitAnswer(unit, form.opinion, case.order_id, case.at) for unit in units]
    for unit in units:
        yield CloseTask("unit_opinion", f"{request.order_id}:{unit}")
    remaining = [u for u in request.unanswered if u not in units]
    closes = Opinion.KEEP if form.opinion is Opinion.KEEP else None if remaining else Opinion.AGREE
    for place, answer in enumerate(answers, 1):
        yield Answer(request.order_id, answer, closes if place == len(answers) else None)
    if form.opinion is Opinion.KEEP:
        yield from _kept(case, known, request)
        return
    if remaining:
        return
    yield from _release(case, known, case.targets)
    yield Settle(request.order_id, Outcome.EXECUTED, Sentence("Alla enheter är eniga.", "Every unit agrees."))


def _kept(case: Case, known: PatientFacts, request: ReleaseRequest) -> Iterator[Effect]:
    text = Sentence(
        "En enhet finner att skyddet ska stå kvar.", "A unit finds that the protection is to stay."
    )
    yield Settle(request.order_id, Outcome.REFUSED, text)
    for unit in request.unanswered:
        yield CloseTask("unit_opinion", f"{request.order_id}:{unit}")
    refused, region = Template.RELEASE_REFUSED, request.region
    quiet = case.form.inform.guardians is False or silence.silent(known, case.targets, "guardians")
    for guardian in request.asked_by:
        hit = [m for m in case.targets if m.covers_guardian(guardian)]
        if not quiet:
            yield notices.to_person(guardian, refused, region, hit)
        elif not request.replied:
            yield _standard_reply(case, guardian, hit)
    patient = known.patient.person_id
    about, others = notices.subject(known, case.targets, patient, refused)
    if about:  # what stays closed is told to the child too, whoever asked
        yield notices.to_person(patient, refused, region, about, others=others)


# --- what follows from the measures


def timers_of(m: Measure, known: PatientFacts, at: datetime, lead_days: int) -> Iterator[SetTimer]:
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
        reminder = days_before(end, lead_days)
        if m.kind.opens and reminder > at:
            yield timer(TimerKind.GRANT_EXPIRING, reminder)
    if m.review_on is not None and midnight(m.review_on) > at:
        yield timer(TimerKind.REVIEW_DUE, midnight(m.review_on))


def deadlines_of(case: Case, main: Measure) -> Iterator[Effect]:
    """The signed form after a call, and the decision after an urgent measure: a deadline and a task each."""
    if main.provisional:
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
    if (
        any(isinstance(e, Revise) and e.action in ("ended", "narrowed") for e in done)
        or case.form.form in RELEASES
    ):
        holding = still_holding(case, after)
        if holding:
            yield Noted(
                Remark.STILL_HOLDS, REMARK[Remark.STILL_HOLDS], measures=tuple(m.measure_id for m in holding)
            )


def still_holding(case: Case, after: PatientFacts) -> tuple[Measure, ...]:
    """Protective measures that stay in force after the order, but for those that it imposed itself."""
    at = case.starts_at
    return tuple(
        m
        for m in after.measures
        if not m.kind.opens and m.in_force(at, after.patient.birth) and case.order_id not in m.orders
    )


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
            if restriction.guardians is None or grant.guardians is None:
                return True
            return bool(set(restriction.guardians) & set(grant.guardians))
        case _:
            return True
