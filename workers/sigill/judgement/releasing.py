"""What a release, a continuation, an extension and a request to release do to the measures that stand."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sigill.judgement import notices, silence
from sigill.judgement.measure_changes import (
    Releasing,
    companions_of,
    continued_with,
    end_by_entries,
    end_if_kept,
    ended,
    entries_behind,
    inform_of,
    is_to_end_others,
    kept_on,
    later_end,
    overtaken,
    resume_measure,
    review_task,
    settle_call,
    tasks_about,
)
from sigill.judgement.order_case import OrderEvaluation
from sigill.judgement.successors import successor_tasks
from sigill.policy.calendar import end_of
from sigill.policy.effects import (
    AddTask,
    Amend,
    CloseTask,
    Effect,
    Notify,
    OpenRequest,
    RecordAnswer,
    ResolvePending,
    Sentence,
    SetTimer,
    TimerKind,
)
from sigill.policy.facts import Measure, PatientFacts, ReleaseRequest, RequestEnd, UnitAnswer
from sigill.policy.measure_specs import AGAINST_GUARDIANS, NAMES_GUARDIANS
from sigill.policy.requests import (
    OUTCOME,
    STATES,
    TEXT,
    Happening,
    left_of_request,
    replies_closed,
    tasks_closed,
    units_still_asked,
    who_asked,
)
from sigill.policy.rulebook import Rulebooks, RuleEntry
from sigill.policy.scope import MeasureScope, all_but
from sigill.policy.sentences import PENDING, REMARK, STANDARD_REPLY_TASK
from sigill.policy.units import orphans
from sigill_contracts.vocabulary import (
    ContinueDecision,
    Form,
    Initiative,
    MeasureKind,
    Opinion,
    Outcome,
    PendingCode,
    PersonId,
    RegionCode,
    Remark,
    Template,
    UnitId,
)


def continue_measures(case: OrderEvaluation) -> Iterator[Effect]:
    form = case.form
    release = form.decision is ContinueDecision.RELEASE
    for m in case.targets:
        late = case.is_over(m)
        yield from settle_call(m)
        yield from tasks_about(m)
        if release:
            if not late:
                yield from _called_off(case, m)
                yield from _sooner(case, m)
                yield ended(m, case.starts_at, case.order_id, known=case.at)
                for c in companions_of(case, m):
                    yield ended(c, case.starts_at, case.order_id, known=case.at)
                    yield from tasks_about(c)
            continue
        units = frozenset(UnitId(u) for u in form.units) if form.units else m.units
        guardians, left_out = _continued_for(case, m)
        valid_to = end_of(form.valid_through) if form.valid_through else end_if_kept(m)
        if m.kind is MeasureKind.GUARDIAN_BLOCK and form.valid_through is None:
            valid_to = None  # until further notice (JH-19)
        if late:
            yield from resume_measure(
                case, m, units=units, guardians=guardians, guardians_except=left_out, valid_to=valid_to
            )
        elif (units, guardians, left_out) == (m.units, m.guardians, m.guardians_except):
            yield from overtaken(case, m, case.targets)
            kept = kept_on(
                m,
                case,
                valid_to=valid_to,
                awaits_follow_up=False,
                provisional=False,
                review_on=form.review_on or m.review_on,
                inform=m.inform.overlaid(inform_of(case)),
            )
            yield Amend(kept, "continued")
        else:
            yield ended(m, case.starts_at, case.order_id, known=case.at)
            yield continued_with(
                m,
                case,
                units=units,
                guardians=guardians,
                guardians_except=left_out,
                valid_to=valid_to,
                inform=m.inform.overlaid(inform_of(case)),
                review_on=form.review_on or m.review_on,
            )
    if not release:
        yield from _late_tasks(case)


def _continued_for(
    case: OrderEvaluation, m: Measure
) -> tuple[tuple[PersonId, ...] | None, tuple[PersonId, ...]]:
    """
    The guardians for whom a continuation has a measure go on, and those left out of *all*.

    One that names some of all leaves out the others who are known: whoever becomes a guardian later stays shut out.
    """
    if case.named is None:
        return m.guardians, m.guardians_except
    if m.guardians is not None or m.kind not in AGAINST_GUARDIANS:
        return case.named, ()
    known = dict.fromkeys((*m.guardians_except, *case.ever_custodians))
    return None, tuple(g for g in known if g not in case.named)


def _late_tasks(case: OrderEvaluation) -> Iterator[Effect]:
    """There was a gap, or somebody had lifted it in between: people look at it (X-12, X-15)."""
    if _ran_out(case):
        yield review_task(case, "resumed_after_end", REMARK[Remark.RESUMED_AFTER_END], "X-12")
    released = any(case.is_before_release_of(m) for m in case.ended_since)
    protective = (m for m in case.targets if not m.kind.opens)
    if released or any(case.released_since(m.kind, MeasureScope.of(m)) for m in protective):
        yield review_task(case, "decided_before_release", REMARK[Remark.DECIDED_BEFORE_RELEASE], "X-15")


def _ran_out(case: OrderEvaluation) -> tuple[Measure, ...]:
    """
    What an order takes up again after it had ended by a day, before the broker received the order: by its own end, or on the
    day of a release that was known when the order was decided.
    """
    birth = case.known.patient.birth if case.known is not None else None
    return tuple(
        m
        for m in case.ended_since
        if not case.is_before_release_of(m)
        and birth is not None
        and (m.ends_at(birth) or case.at) < case.received_at
    )


def _called_off(case: Releasing, m: Measure) -> Iterator[ResolvePending]:
    """What was ordered for a later day and is ended before it never begins: its order waits for nothing (X-16)."""
    if m.valid_from > case.at and case.starts_at <= m.valid_from:
        for order in m.orders:
            yield ResolvePending(order, Outcome.EXECUTED, _CALLED_OFF, PendingCode.NOT_YET_VALID)


def _sooner(case: Releasing, m: Measure) -> Iterator[ResolvePending]:
    """What was to end on a later day ends at once by another order: the one with the day waits for nothing more."""
    if not m.released or case.starts_at > case.at or case.known is None:
        return
    for order in m.orders:
        if not is_to_end_others(case.known, order, case.at, but=(m,)):
            yield ResolvePending(order, Outcome.EXECUTED, _ENDED_SOONER, PendingCode.NOT_YET_VALID)


_ENDED_SOONER = Sentence(
    "Åtgärden har hävts av en annan beställning före den dag som den här angav.",
    "The measure was ended by another order before the day that this one named.",
)


_CALLED_OFF = Sentence(
    "Åtgärden hävdes före sin första dag och har inte gällt.",
    "The measure was ended before its first day and was never in force.",
)


def extend_measures(case: OrderEvaluation) -> Iterator[Effect]:
    through = case.form.valid_through
    for m in case.targets:
        if case.is_over(m):
            yield from resume_measure(case, m, valid_to=end_of(through) if through else None)
            continue
        yield from overtaken(case, m, case.targets)
        for each in (m, *companions_of(case, m)):
            later = kept_on(
                each,
                case,
                valid_to=later_end(each, end_of(through)) if through else None,
                review_on=case.form.review_on or each.review_on,
                inform=each.inform.overlaid(inform_of(case)),
            )
            yield Amend(later, "extended")
    yield from _late_tasks(case)


def release_after_talks(case: OrderEvaluation) -> Iterator[Effect]:
    """A task for the region whose measure another region's order ends after talks with it (IN-12)."""
    for m in case.targets:
        if m.region != case.form.region and case.after_talks is not None:
            yield AddTask(
                kind="released_by_other_region",
                subject=f"{case.order_id}:{m.measure_id}",
                text=_RELEASED_BY_OTHER_REGION,
                region=m.region,
                due_at=case.at,
                rules=case.after_talks.cites,
                order_id=case.order_id,
            )


_RELEASED_BY_OTHER_REGION = Sentence(
    "En annan region har hävt en åtgärd som er region har infört, och intygar samråd med er. Kontrollera att det stämmer.",
    "Another region has released a measure that your region imposed, and attests talks with you. Check that it is so.",
)


def release_measures(case: Releasing, known: PatientFacts, targets: Iterable[Measure]) -> Iterator[Effect]:
    """End some measures, and what came beside them; one that is opened in part goes on for the rest."""
    at = case.starts_at
    targets = tuple(targets)
    released = {m.measure_id for m in targets}
    go_on = {
        (m.orders[0], m.kind)
        for m in known.measures
        if m.orders and m.beside is None and m.measure_id not in released and not case.is_over(m)
    }
    for m in targets:
        yield from settle_call(m)
        yield from _called_off(case, m)
        yield from _sooner(case, m)
        yield from tasks_about(m)
        yield ended(m, at, case.order_id, known=case.at)
        rest = _rest_of_guardians(case, m)
        rest_units = m.units - set(case.units_opened or ()) if m.units and case.units_opened else frozenset()
        if rest is not None:
            yield continued_with(m, case, **rest.fields)  # type: ignore[arg-type]
        if rest_units:
            # in the other units those whom the order lets in stay shut out, as far as they were
            of_whom = MeasureScope.of(m) if rest is None else MeasureScope(guardians=_let_in(case, m))
            whom, but = of_whom.guardians, of_whom.guardians_except
            yield continued_with(m, case, "units", units=rest_units, guardians=whom, guardians_except=but)
        if rest is not None or rest_units:
            go_on.update((order, m.kind) for order in m.orders[:1])
        elif m.orders and m.valid_from < case.at:
            yield from end_by_entries(m, known, _ended_when_begun(case, m), _NEVER)
    # what came beside goes when the last row of its measure does, once
    over = [m for m in targets if m.orders and (m.orders[0], m.kind) not in go_on]
    beside = {c.measure_id: c for m in over for c in companions_of(case, m)}
    for c in beside.values():
        if c.measure_id not in released:
            yield ended(c, at, case.order_id, known=case.at)
            yield from tasks_about(c)


_NEVER = datetime.max.replace(tzinfo=UTC)


def _ended_when_begun(case: Releasing, m: Measure) -> tuple[RuleEntry, ...]:
    """What a measure was to end on its day: for the case that nobody has come to it before it is released (X-16)."""
    if m.kind.opens:
        return ()
    return entries_behind(m, Rulebooks({RegionCode(case.region.region): case.region}))


def _rest_of_guardians(case: Releasing, m: Measure) -> MeasureScope | None:
    """
    The guardians for whom a measure goes on when an order opens it for some; None: for nobody (X-02).

    A measure against all goes on against all but those, so that whoever becomes a guardian later is shut out too.
    """
    if case.opens_for is None or m.kind not in NAMES_GUARDIANS:
        return None
    scope = MeasureScope.of(m)
    if m.guardians is None and not m.kind.opens:
        return all_but(scope, case.opens_for, case.ever_custodians)
    covered = m.guardians if m.guardians is not None else case.ever_custodians
    left = tuple(g for g in covered if g not in case.opens_for)
    return replace(scope, guardians=left) if left else None


def _let_in(case: Releasing, m: Measure) -> tuple[PersonId, ...]:
    """Those for whom an order opens what shut them out."""
    return tuple(g for g in case.opens_for or () if m.covers_guardian(g))


def request_release(case: OrderEvaluation, known: PatientFacts) -> Iterator[Effect]:
    """Open the ledger: every initiating unit must answer; a staff member's own unit has answered by asking."""
    form = case.form
    answers: tuple[UnitAnswer, ...] = ()
    if form.form is not Form.REQUEST_RELEASE:
        own = case.speaks_for(case.initiating_units)
        answers = tuple(
            UnitAnswer(unit, Opinion.AGREE, case.order_id, case.at, case.day_ahead) for unit in own
        )
    asking = (case.named or ()) if form.initiative is Initiative.GUARDIAN else ()
    asked_by = (case.asking or ()) if form.initiative is Initiative.REPRESENTATIVE else (case.named or ())
    standard = [g for g in asking if not _told_openly(case, known, g)]
    registers_own = all(m.initiative is Initiative.REGISTER for m in case.targets)
    request = ReleaseRequest(
        order_id=case.order_id,
        patient=known.patient.person_id,
        region=RegionCode(form.region),
        initiative=form.initiative,
        measures=tuple(m.measure_id for m in case.targets),
        units=() if registers_own else case.initiating_units,
        asked_by=asked_by,
        inform=inform_of(case),
        opened_at=case.at,
        opens_from=case.day_ahead,
        answers=answers,
        replied=bool(standard),
    )
    if form.form is Form.REQUEST_RELEASE and not left_of_request(request, known, case.at):
        # whoever asked had the right to and has none any more: settled as it is opened
        yield OpenRequest(replace(request, closed=RequestEnd.MOOT, replied=False))
        return
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
        case.at + timedelta(days=case.version.lead.unit_answer),
        request.patient,
        request.region,
        order_id=case.order_id,
    )
    for guardian in standard:
        yield _standard_reply(case, guardian, case.targets)


def _told_openly(case: OrderEvaluation, known: PatientFacts, guardian: PersonId) -> bool:
    """Whether an order has said that the guardian may be told of all that the request is about."""
    hit = [m for m in case.targets if m.covers_guardian(guardian)]
    if case.form.inform.guardians is False or silence.silent(known, hit, "guardians"):
        return False
    return all(m.inform.guardians or case.form.inform.guardians for m in hit)


def _registers_own_beside(case: OrderEvaluation) -> Iterator[AddTask]:
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


def _standard_reply(case: OrderEvaluation, guardian: PersonId, about: Iterable[Measure]) -> Notify | AddTask:
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


def answer_request(case: OrderEvaluation, known: PatientFacts) -> Iterator[Effect]:
    request, form = case.request, case.form
    if request is None or form.decided_by is None or form.opinion is None:
        return
    units = case.answers_for
    still_asked = units_still_asked(request, known, case.at)
    end = STATES[_happened(request, form.opinion, units, still_asked)]
    for place, unit in enumerate(units, 1):
        answer = UnitAnswer(unit, form.opinion, case.order_id, case.at, case.day_ahead)
        yield RecordAnswer(request.order_id, answer, end if place == len(units) else None)
    if end is None:
        for unit in units:
            yield CloseTask("unit_opinion", f"{request.order_id}:{unit}")
            yield CloseTask("unit_reminder", f"{request.order_id}:{unit}")
        if case.day_ahead is not None:
            yield SetTimer(
                TimerKind.ANSWER_BEGINS,
                case.day_ahead,
                request.patient,
                request.region,
                order_id=case.order_id,
            )
        return
    yield from tasks_closed(request)
    if end is RequestEnd.AGREE:
        yield from replies_closed(request)
        yield from release_measures(case, known, case.targets)
    yield ResolvePending(request.order_id, OUTCOME[end], TEXT[end])
    if end is RequestEnd.KEEP:
        yield from _taken_back(case, units)
        yield from _kept(case, known, request)


def _taken_back(case: OrderEvaluation, units: Collection[UnitId]) -> Iterator[Effect]:
    """
    A *keep* takes back what was to open on a day ahead: what all had agreed to, and what the unit itself had released.

    Nothing is unlocked where a unit finds that it should stay (VGB-15). It ends when it would have without that release.
    """
    agreed = {
        answer.order_id
        for request in case.facts.requests
        if request.closed is RequestEnd.AGREE
        for answer in request.answers
    }
    ahead = [m for m in case.targets if m.released]
    back = [m for m in ahead if m.unit in units or agreed.intersection(m.orders[-1:])]
    for m in back:
        yield from overtaken(case, m, back)
        beside = (c for c in companions_of(case, m) if c.released and c.orders[-1:] == m.orders[-1:])
        for each in (m, *beside):
            yield Amend(kept_on(each, case, valid_to=end_if_kept(each)), "continued")


def _happened(
    request: ReleaseRequest, opinion: Opinion, units: Collection[UnitId], still_asked: Collection[UnitId]
) -> Happening:
    """What an answer for some units is for a request: all that is told apart."""
    if opinion is Opinion.KEEP:
        return Happening.A_UNIT_KEEPS
    others = [u for u in request.unanswered if u not in units and u in still_asked]
    return Happening.A_UNIT_AGREES if others else Happening.THE_LAST_UNIT_AGREES


def _kept(case: OrderEvaluation, known: PatientFacts, request: ReleaseRequest) -> Iterator[Effect]:
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
