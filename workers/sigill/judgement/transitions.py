"""What falls due, and what follows from it; and what the register's own word brings.

Access never waits for any of this: the store answers from validity ranges and birth dates. What follows here is that
somebody is told, a task appears, an event says who gained or lost what, each with its true time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, count
from uuid import NAMESPACE_URL, uuid5

from sigill.judgement import notices, successors
from sigill.judgement.follow_ups import reminders_before, timers_of, worklist
from sigill.judgement.measure_changes import (
    end_by_entries,
    ended,
    entries_behind,
    is_to_end_others,
    tasks_about,
)
from sigill.judgement.settling import settled, those_told
from sigill.policy import elsewhere, requests
from sigill.policy.access import AccessSnapshots
from sigill.policy.calendar import age_begins, days_before, midnight, swedish_date
from sigill.policy.effects import (
    AddTask,
    Amend,
    CloseTask,
    Effect,
    Impose,
    Notify,
    RefusalReason,
    ResolvePending,
    Sentence,
    SetTimer,
    TimerKind,
    Transition,
    applied,
)
from sigill.policy.facts import Custody, Inform, Measure, PatientFacts, Person, ReleaseRequest, RequestEnd
from sigill.policy.hits import made_by_the_patient
from sigill.policy.measure_specs import MEASURE_SPECS
from sigill.policy.measures_in_force import (
    WantedMeasure,
    is_marked,
    last_known_county,
    marked_guardians,
    missing_measures,
    regions_in_doubt,
    states_that_hold,
    wanted_measures,
)
from sigill.policy.rulebook import Rulebooks, Version
from sigill.policy.scope import shuts_for_longer
from sigill.policy.sentences import NOTICE, REFUSAL
from sigill.policy.units import answering, orphans
from sigill_contracts.vocabulary import (
    Initiative,
    MeasureId,
    MeasureKind,
    OrderId,
    Outcome,
    PendingCode,
    PersonId,
    RefusalCode,
    RegionCode,
    Template,
)

AGAIN = timedelta(days=1)
"""An overdue alert comes again so often, until somebody has done something."""

COUNTY_UNKNOWN = Sentence(
    "Ett barn har skyddad identitet och folkbokföringen har aldrig sagt i vilket län det bor: ta reda på om barnet bor "
    "här, och besluta i så fall om en egen åtgärd.",
    "A child has protected identity and the register has never said in which county it lives: find out whether it "
    "lives here, and if so decide on a measure of your own.",
)

_TEMPLATES = {
    TimerKind.AGE_13_AHEAD: Template.AGE_13_AHEAD,
    TimerKind.AGE_13: Template.AGE_13,
    TimerKind.AGE_16_AHEAD: Template.AGE_16_AHEAD,
    TimerKind.AGE_16: Template.AGE_16,
    TimerKind.AGE_18: Template.AGE_18,
}
_REACHED = frozenset({TimerKind.AGE_13, TimerKind.AGE_16, TimerKind.AGE_18})
"""Birthdays that change access; the others lie ahead of one. Their names are codes: the ages are the rulebook's."""


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer that has fallen due, with what it is about."""

    timer: SetTimer
    facts: PatientFacts
    requests: tuple[ReleaseRequest, ...] = ()


def on_timer(
    due: DueTimer, books: Rulebooks, *, now: datetime, snapshots: AccessSnapshots | None = None
) -> Transition:
    """
    Say what follows from a timer, at its true time `due.timer.due_at` (UTC), however late it is looked at.

    A timer whose measure has changed meanwhile brings nothing: its newer version set another. `now` sets the next
    alert, and is the moment at which a notice must be true. `snapshots` keeps what was found out about access, for
    whoever tells of the changes; None: nobody does.
    """
    found = _follow(due, books, now)
    was_at = due.timer.due_at - notices.INSTANT
    writing = max(now, due.timer.due_at)
    then = applied(due.facts, found.effects)
    effects = (*found.effects, *settled(due.requests, then, due.timer.due_at, books))
    opened = any(isinstance(e, Impose | Amend) for e in effects[len(found.effects) :])
    return replace(
        found,
        effects=notices.judged(effects, due.facts, was_at, writing, books, snapshots),
        compare=found.compare or opened,
    )


def _follow(due: DueTimer, books: Rulebooks, now: datetime) -> Transition:
    timer = due.timer
    match timer.kind:
        case (
            TimerKind.MEASURE_STARTS
            | TimerKind.MEASURE_ENDS
            | TimerKind.GRANT_EXPIRING
            | TimerKind.MEASURE_ENDING
        ):
            return _of_measure(due, books, now)
        case TimerKind.SIGNED_FORM_DEADLINE | TimerKind.FOLLOW_UP_DEADLINE:
            return _overdue(due, now)
        case TimerKind.FOLLOW_UP_AHEAD:
            return _follow_up_ahead(due)
        case TimerKind.REQUEST_REMINDER:
            return _request_reminder(due, books)
        case TimerKind.REVIEW_DUE:
            return _review(due)
        case TimerKind.CUSTODY_CHANGES:
            return _custody(due, books)
        case TimerKind.ELSEWHERE_CHANGES:
            return elsewhere.on_its_day(due.facts, timer.due_at)
        case TimerKind.PATIENT_UNKNOWN_DEADLINE:
            return Transition(timer.due_at, compare=False)
        case TimerKind.ANSWER_BEGINS:
            return Transition(timer.due_at, tuple(_day_has_come(timer.order_id)), compare=False)
        case TimerKind.SUCCESSOR_NAMED:
            return Transition(
                timer.due_at, tuple(successors.named(due.facts, due.requests, timer.due_at)), compare=False
            )
        case _:
            return _milestone(due, books)


def _nothing(due: DueTimer) -> Transition:
    return Transition(due.timer.due_at, compare=False)


def _measure(due: DueTimer) -> Measure | None:
    return next((m for m in due.facts.measures if m.measure_id == due.timer.measure_id), None)


def _of_measure(due: DueTimer, books: Rulebooks, now: datetime) -> Transition:
    m, at, facts = _measure(due), due.timer.due_at, due.facts
    if m is None:
        return _nothing(due)
    end = m.ends_at(facts.patient.birth)
    match due.timer.kind:
        case TimerKind.MEASURE_STARTS if m.valid_from == at and (end is None or end > at):
            return Transition(at, tuple(_started(m, facts, books, now)), "start_date")
        case TimerKind.MEASURE_ENDS if end == at and m.valid_from < at:
            by_age = m.ends_at_age is not None and m.valid_to != end
            over = tuple(_over(m, facts, by_age, books, due.requests))
            if (
                m.initiative is Initiative.REGISTER
            ):  # a state that wants it still, or again, has it at once
                over += tuple(_follow_state(facts, at, at, books, first=False))
            return Transition(at, over, "birthday" if by_age else "end_date")
        case TimerKind.MEASURE_ENDING if end is not None and end > at and not m.released:
            return Transition(at, tuple(_ends_soon(m, end, due, books)), compare=False)
        case TimerKind.GRANT_EXPIRING if end is not None and end > at:
            version = books.default_version(m.region, swedish_date(at))
            reminder = days_before(end, version.lead.grant_expiring)
            if reminder == at:
                return Transition(
                    at, tuple(_tell_holders(m, Template.GRANT_EXPIRING, day=end)), compare=False
                )
            if reminder > at:  # other rules have begun since it was set
                return Transition(at, (replace(due.timer, due_at=reminder),), compare=False)
    return _nothing(due)


def _ends_soon(m: Measure, end: datetime, due: DueTimer, books: Rulebooks) -> Iterator[Effect]:
    """
    The unit is told that its measure ends soon, by the lead times in force now; operators, last, that nobody answered.

    Where the lead times have changed since the timer was set, the reminders still to come get timers of their own.
    """
    at, facts = due.timer.due_at, due.facts
    dead = facts.patient.at(at).died_on is not None
    birth = facts.patient.birth
    if dead or not m.is_to_be_extended(birth) or not m.in_force(at, birth):
        return
    if any(shuts_for_longer(other, m, birth) for other in facts.measures):
        return  # decided anew, in a region where a measure is not extended
    reminders = reminders_before(end, books.default_version(m.region, swedish_date(at)).lead)
    for later in reminders:
        if later > at:
            yield replace(due.timer, due_at=later)
    if reminders[0] <= at:
        yield from _tell_unit(m, facts, Template.MEASURE_ENDING, at)
    if reminders[-1] <= at:
        yield AddTask(
            "measure_ending",
            str(m.measure_id),
            _NOBODY_ANSWERED,
            m.region,
            end,
            m.rules,
            m.orders[0] if m.orders else None,
            m.measure_id,
            m.unit and answering(facts.units, m.unit, swedish_date(at)),
        )


_NOBODY_ANSWERED = Sentence(
    "En skyddsåtgärd upphör snart och enheten har inte förlängt den. Ring enheten: ska den förlängas? Pricka av om den "
    "ska upphöra.",
    "A protective measure ends soon and the unit has not extended it. Call the unit: is it to be extended? Tick this "
    "off if it is to end.",
)


def _started(m: Measure, facts: PatientFacts, books: Rulebooks, now: datetime) -> Iterator[Effect]:
    yield from worklist(m, ends=False)
    for over in end_by_entries(m, facts, entries_behind(m, books), now):
        yield over
        yield from tasks_about(over.measure)
        yield from worklist(over.measure, ends=True)
    for order_id in m.orders:  # a call whose signed form has come before the day is two orders
        yield from _day_has_come(order_id)
    if m.kind.opens:
        yield from _tell_holders(m, Template.GRANT_GIVEN)
    else:
        yield from _tell_concerned(m, facts, Template.MEASURE_IMPOSED, m.valid_from, books)


def _day_has_come(order_id: OrderId | None) -> Iterator[ResolvePending]:
    """An order that waited for its own day, and for nothing else, is executed."""
    if order_id is not None:
        yield ResolvePending(order_id, Outcome.EXECUTED, _DAY_HAS_COME, PendingCode.NOT_YET_VALID)


_DAY_HAS_COME = Sentence("Beställningens dag har kommit.", "The order's day has come.")


def _over(
    m: Measure, facts: PatientFacts, by_age: bool, books: Rulebooks, asked: Iterable[ReleaseRequest] = ()
) -> Iterator[Effect]:
    at = m.ends_at(facts.patient.birth) or m.valid_from
    yield from worklist(m, ends=True)
    yield from tasks_about(m)
    if m.provisional and m.orders:
        yield ResolvePending(m.orders[0], Outcome.EXECUTED, _ENDED, PendingCode.AWAITING_SIGNED_FORM)
        yield CloseTask("signed_form", str(m.orders[0]))
    if m.released and m.orders:
        yield ResolvePending(m.orders[-1], Outcome.EXECUTED, _DAY_HAS_COME)
        for earlier in m.orders[:-1]:  # named another day, in the place of which this one has come
            if not is_to_end_others(facts, earlier, at, but=(m,)):
                yield from _day_has_come(earlier)
    if m.kind.opens:
        yield from _tell_holders(m, Template.GRANT_EXPIRED)
    elif not by_age:
        by_request = tuple(_opened_together(m, facts, at, asked))
        for request, together in by_request:
            if together[0].measure_id == m.measure_id:  # one measure's day speaks for all of them
                yield from those_told(request, facts, together, at, books)
        if not by_request:
            yield from _tell_concerned(m, facts, Template.MEASURE_RELEASED, at, books)


def _opened_together(
    m: Measure, facts: PatientFacts, at: datetime, asked: Iterable[ReleaseRequest]
) -> Iterator[tuple[ReleaseRequest, tuple[Measure, ...]]]:
    """The requests that are to open a measure at an instant (UTC), each with all that it opens then, in one order."""
    ending = sorted(
        (o for o in facts.measures if o.released and o.ends_at(facts.patient.birth) == at),
        key=lambda o: o.measure_id,
    )
    for request in asked:
        answers = {answer.order_id for answer in request.answers}
        together = tuple(o for o in ending if answers.intersection(o.orders))
        if request.closed is RequestEnd.AGREE and m in together:
            yield request, together


_ENDED = Sentence(
    "Åtgärden har upphört innan en underskriven blankett har kommit.",
    "The measure has ended before a signed form has come.",
)


def _tell_holders(m: Measure, template: Template, *, day: datetime | None = None) -> Iterator[Notify]:
    """Tell those whom a grant lets in, unless the order that gave it says not."""
    match m.kind:
        case MeasureKind.MINOR_GRANT:
            holders: tuple[PersonId, ...] = (m.patient,)
        case MeasureKind.REPRESENTATIVE_GRANT:
            holders = (m.viewer,) if m.viewer else ()
        case _:
            holders = m.guardians or ()
    for person in holders:
        yield notices.to_person(person, template, m.region, (m,), rules=m.rules, day=day)


def _tell_concerned(
    m: Measure, facts: PatientFacts, template: Template, at: datetime, books: Rulebooks
) -> Iterator[Notify]:
    """Tell those whom a measure shuts out, as its orders say, and else as the region's rules do."""
    version = books.default_version(m.region, swedish_date(at))
    patient = facts.patient.person_id
    about, _ = notices.subject(facts, (m,), patient, template)
    if about:
        told = notices.patient_told(version, template, m.inform)
        yield notices.to_person(patient, template, m.region, about, rules=m.rules, told=told)
    if MEASURE_SPECS[m.kind].told_guardians and not m.kind.opens:
        told = notices.guardians_told(version, template, m.inform)
        for guardian in notices.guardians_of(facts, (m,), at):
            yield notices.to_person(guardian, template, m.region, (m,), rules=m.rules, told=told)


def _overdue(due: DueTimer, now: datetime) -> Transition:
    """An alert to the operators, again each day; the protection stays (never open by default)."""
    m, timer = _measure(due), due.timer
    if m is None or m.released or not m.not_over(timer.due_at, due.facts.patient.birth):
        return _nothing(due)
    form = timer.kind is TimerKind.SIGNED_FORM_DEADLINE
    if not (m.provisional if form else m.awaits_follow_up):
        return _nothing(due)
    template = Template.SIGNED_FORM_OVERDUE if form else Template.FOLLOW_UP_OVERDUE
    tell = [Notify(None, template, NOTICE[template], m.region, "console", rules=m.rules)]
    if not form:
        tell.extend(_tell_unit(m, due.facts, Template.REVIEW_DUE, timer.due_at))
    missed = max(0, (now - timer.due_at) // AGAIN)
    again = replace(timer, due_at=timer.due_at + AGAIN * (missed + 1))
    return Transition(timer.due_at, (*tell, again), compare=False)


def _follow_up_ahead(due: DueTimer) -> Transition:
    """The unit is told, before it is late, that it is to decide on what was shut in a hurry."""
    m, at = _measure(due), due.timer.due_at
    if m is None or m.released or not m.awaits_follow_up or not m.not_over(at, due.facts.patient.birth):
        return _nothing(due)
    return Transition(at, tuple(_tell_unit(m, due.facts, Template.REVIEW_DUE, at)), compare=False)


def _request_reminder(due: DueTimer, books: Rulebooks) -> Transition:
    request = next((r for r in due.requests if r.order_id == due.timer.order_id), None)
    at = due.timer.due_at
    if request is None or request.closed is not None or not requests.left_of_request(request, due.facts, at):
        return _nothing(due)
    units, day = due.facts.units, swedish_date(at)
    still_asked = requests.units_still_asked(request, due.facts, at)
    waited_for = tuple(u for u in request.unanswered if u in still_asked) or still_asked
    text = Sentence(
        "En enhet har inte tagit ställning till en begäran om upplåsning.",
        "A unit has not answered a request to unlock.",
    )
    reminders: list[Effect] = [
        AddTask(
            "unit_reminder",
            f"{request.order_id}:{unit}",
            text,
            request.region,
            order_id=request.order_id,
            unit=answering(units, unit, day),
        )
        for unit in waited_for
    ]
    # a unit that was closed since: its successor is asked, or operators are to name one
    reminders += successors.named(due.facts, (request,), at)
    orphaned = orphans(units, waited_for, day)
    reminders += successors.wanted(request.patient, orphaned, request.region, request.order_id)
    lead = books.default_version(request.region, day).lead
    again = replace(due.timer, due_at=at + timedelta(days=lead.unit_answer))
    return Transition(at, (*reminders, again), compare=False)


def _review(due: DueTimer) -> Transition:
    m = _measure(due)
    if m is None or m.released or not m.in_force(due.timer.due_at, due.facts.patient.birth):
        return _nothing(due)
    if made_by_the_patient(m):
        return _nothing(due)  # no unit has decided it, and none decides it anew
    text = Sentence("Ett förnyat beslut ska fattas om åtgärden.", "A renewed decision on the measure is due.")
    task = AddTask(
        "review",
        str(m.measure_id),
        text,
        m.region,
        due.timer.due_at,
        m.rules,
        m.orders[0] if m.orders else None,
        m.measure_id,
        m.unit,
    )
    told = _tell_unit(m, due.facts, Template.REVIEW_DUE, due.timer.due_at)
    return Transition(due.timer.due_at, (task, *told), compare=False)


def _tell_unit(m: Measure, facts: PatientFacts, template: Template, at: datetime) -> Iterator[Notify]:
    """Tell the unit that imposed a measure, or the one that succeeded it. Nothing is sent about the dead (X-22)."""
    if m.unit is None or facts.patient.at(at).died_on is not None:
        return
    unit = answering(facts.units, m.unit, swedish_date(at))
    yield Notify(None, template, NOTICE[template], m.region, unit=unit, rules=m.rules)


def card_revoked_late(order_id: OrderId, region: RegionCode, at: datetime) -> Transition:
    """
    What follows when a protective order was carried out while nobody could say whether its signer's card was revoked,
    and it turns out at `at` (UTC) that it was: operators are told, and the protection stays.
    """
    text = NOTICE[Template.CARD_REVOKED_LATE]
    task = AddTask("card_revoked_late", str(order_id), text, region, at, order_id=order_id)
    return Transition(
        at, (task, Notify(None, Template.CARD_REVOKED_LATE, text, region, "console")), compare=False
    )


# --- birthdays


@dataclass(frozen=True, slots=True)
class _Milestone:
    """Something to be told at `due` (UTC) of the birthday `day` on which somebody reaches `age`."""

    kind: TimerKind
    due: datetime
    day: datetime
    age: int


def _milestones(person: Person, version: Version) -> Iterator[_Milestone]:
    """Every birthday that changes access by a version's ages, and the reminder ahead of each; in no order."""
    ages, lead = version.ages, version.lead.birthday
    reached = {
        (TimerKind.AGE_13, TimerKind.AGE_13_AHEAD): {ages.guardian_until, ages.own_account_from},
        (TimerKind.AGE_16, TimerKind.AGE_16_AHEAD): {ages.own_record_from},
        (TimerKind.AGE_18, None): {ages.of_age},
    }
    for (kind, ahead), these in reached.items():
        for age in these:
            day = age_begins(person.birth, age, leap_day_on_28th=ages.leap_day_on_28th)
            yield _Milestone(kind, day, day, age)
            if ahead is not None:
                yield _Milestone(ahead, days_before(day, lead), day, age)


def _milestones_to_come(
    person: Person, books: Rulebooks, region: RegionCode | None, after: datetime
) -> Iterator[_Milestone]:
    """
    What is to be told after an instant, each birthday by the version that is in force on it (X-29).

    A version that begins later and is known already counts from its day on: another age moves the birthdays after it.
    """
    begins = books.changes_of(region)
    starts = [after, *(moment for moment in begins if moment > after)]
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        version = books.default_version(region, swedish_date(start))
        for milestone in _milestones(person, version):
            in_force = start <= milestone.day and (end is None or milestone.day < end)
            if in_force and milestone.due > after:
                yield milestone


_ORDER = tuple(TimerKind)


def next_milestone(person: Person, books: Rulebooks, after: datetime) -> SetTimer | None:
    """
    The next birthday that changes access, or reminder ahead of one, after an instant; None for those of age and the dead.

    With an uncertain birth date: the earliest possible birthday. One timer a child is enough: it sets the next.
    """
    if not person.registered or person.latest.died_on is not None:
        return None
    region = books.region_of_county(last_known_county(person, after))
    ahead = _milestones_to_come(person, books, region, after)
    first = min(ahead, key=lambda m: (m.due, _ORDER.index(m.kind)), default=None)
    if first is None:
        return None
    return SetTimer(first.kind, first.due, person.person_id, region or RegionCode(""))


def _milestone(due: DueTimer, books: Rulebooks) -> Transition:
    timer, facts = due.timer, due.facts
    just_before = timer.due_at - notices.INSTANT
    expected = next_milestone(facts.patient, books, just_before)
    if expected != timer:
        # set by ages, a birth date or a county that no longer hold: the right one is set, or there is none
        return Transition(timer.due_at, () if expected is None else (expected,), compare=False)
    region = timer.region or None
    ahead = _milestones_to_come(facts.patient, books, region, just_before)
    those = [m for m in ahead if m.due == timer.due_at]
    effects: list[Effect] = []
    for milestone in those:  # several may fall on one day, where ages are set so
        effects.extend(_age_notices(due, milestone, books))
        own_login = books.default_version(region, swedish_date(timer.due_at)).ages.own_account_from
        if milestone.kind is TimerKind.AGE_13 and milestone.age == own_login:
            effects.extend(_locked_at_13(due, books))
    following = next_milestone(facts.patient, books, timer.due_at)
    if following is not None:
        effects.append(following)
    compare = any(m.kind in _REACHED for m in those)
    return Transition(timer.due_at, tuple(dict.fromkeys(effects)), "birthday", compare=compare)


def _age_notices(due: DueTimer, milestone: _Milestone, books: Rulebooks) -> Iterator[Notify]:
    """What a birthday tells; whether it is true of each is judged when it is written (X-21)."""
    timer, facts = due.timer, due.facts
    version = books.default_version(timer.region or None, swedish_date(timer.due_at))
    if not version.age_notices:
        return
    template = _TEMPLATES[milestone.kind]
    told: list[PersonId] = []
    if milestone.kind is not TimerKind.AGE_13_AHEAD:
        told.append(facts.patient.person_id)
    if milestone.kind in (TimerKind.AGE_13_AHEAD, TimerKind.AGE_13, TimerKind.AGE_16_AHEAD):
        told.extend(facts.patient.guardians_at(timer.due_at - notices.INSTANT))
    for person in told:
        yield notices.about_age(
            person, template, timer.region, milestone.age, due=milestone.due, day=milestone.day
        )


def _locked_at_13(due: DueTimer, books: Rulebooks) -> Iterator[AddTask]:
    at = due.timer.due_at
    for m in due.facts.in_force(at):
        version = books.version(m.region, swedish_date(at))
        if m.kind is not MeasureKind.LOGIN_LOCK or version is None:
            continue
        for rule in version.standing:
            if rule.event == "turned_13_locked":
                yield AddTask(
                    "lock_at_13",
                    str(m.measure_id),
                    Sentence(rule.sv, rule.en),
                    m.region,
                    at,
                    rule.cites,
                    None,
                    m.measure_id,
                )


# --- the register's own word


def register_change(
    before: PatientFacts | None,
    after: PatientFacts,
    at: datetime,
    books: Rulebooks,
    *,
    now: datetime | None = None,
    tasks: bool = True,
    open_requests: Iterable[ReleaseRequest] = (),
) -> Transition:
    """
    What a register change of a patient, or of somebody around the patient, brings at `at` (UTC).

    The standing measures follow the state as it is at `now`, when the change is known; one that held already at `at`
    begins there. Without `before`, the patient's first message, they begin at `now`. Nothing re-opens by itself: a
    protection that ended leaves what it imposed and makes a task for people. `tasks` false leaves out the tasks that a
    state brings, for a first load that counts them instead. `open_requests` are settled when nothing is left of them.
    """
    now = at if now is None else max(at, now)
    effects: list[Effect] = []
    if before is not None:
        effects.extend(notices.told_no_more_to(notices.Moments(before, now, after, now)))
    effects.extend(_what_happened(before, after, at, at, books))
    effects.extend(_follow_state(after, at, now, books, first=before is None))
    if tasks:
        effects.extend(_tasks_of_states(before, after, at, now, books))
    region = books.region_of_county(last_known_county(after.patient, now))
    effects.extend(_custody_days(after, at, region))
    effects.extend(_timers_anew(before, after, at, books))
    then = applied(after, effects)
    effects.extend(settled(open_requests, then, now, books))
    if before is not None:
        moments = notices.Moments(before, now, then, now)
        effects[:0] = notices.shut_out_by_the_register(moments, books)
    judged = notices.judged(effects, after, now, now, books)
    return Transition(at, judged, "register", compare=before is not None)


def rules_begin(
    facts: PatientFacts,
    at: datetime,
    books: Rulebooks,
    *,
    open_requests: Iterable[ReleaseRequest] = (),
) -> Transition:
    """
    What the day on which rules begin brings for one patient at `at` (UTC): the measures that the state wants (X-09), and
    what becomes of `open_requests`, as on the register's word.

    The region's operators get one task with a count, which is not among the effects. Empty where nothing changes.
    """
    brought = tuple(_follow_state(facts, at, at, books, first=False))
    effects = (*brought, *settled(open_requests, applied(facts, brought), at, books))
    return Transition(at, notices.judged(effects, facts, at, at, books), "register")


def _custody_days(facts: PatientFacts, at: datetime, region: RegionCode | None) -> Iterator[SetTimer]:
    """A timer for each day to come on which somebody's custody begins or has ended."""
    patient = facts.patient
    for day in sorted(_days_of(patient.latest.custody)):
        if day > at and not patient.has_come_of_age(day):
            yield SetTimer(TimerKind.CUSTODY_CHANGES, day, patient.person_id, region or RegionCode(""))


def _days_of(custody: Iterable[Custody]) -> set[datetime]:
    return {
        midnight(day) for period in custody for day in (period.from_date, period.to_date) if day is not None
    }


def _custody(due: DueTimer, books: Rulebooks) -> Transition:
    """Custody begins or has ended on this day, as the register said ahead, and says still."""
    at, facts, patient = due.timer.due_at, due.facts, due.facts.patient
    just_before = at - timedelta(microseconds=1)
    if at not in _days_of(patient.at(at).custody) or patient.has_come_of_age(at):
        return _nothing(due)
    if patient.guardians_at(just_before) == patient.guardians_at(at):
        return _nothing(due)
    effects = (
        *_what_happened(facts, facts, just_before, at, books),
        *_follow_state(facts, at, at, books, first=False),
        *_tasks_of_states(facts, facts, just_before, at, books),
    )
    birthday = next_milestone(patient, books, just_before)
    # on a birthday that changes access, what the birthday tells holds this change too
    told = birthday is not None and birthday.due_at == at and birthday.kind in _REACHED
    return Transition(at, effects, "register", compare=not told)


def _what_happened(
    before: PatientFacts | None, after: PatientFacts, was_at: datetime, at: datetime, books: Rulebooks
) -> Iterator[AddTask | CloseTask]:
    """The tasks for what has happened between `before` as it was at `was_at`, and `after` at `at`."""
    if before is not None and is_marked(after.patient, at) and not is_marked(before.patient, was_at):
        # the mark is there again: nothing is to be judged about its end
        yield CloseTask(_PROTECTION_ENDED, f"{after.patient.person_id}:{_PROTECTION_ENDED}")
    region = books.region_of_county(last_known_county(after.patient, at))
    version = books.version(region, swedish_date(at)) if region else None
    if region is None or version is None or before is None:
        return
    happened = {
        _PROTECTION_ENDED: is_marked(before.patient, was_at) and not is_marked(after.patient, at),
        "died": before.patient.latest.died_on is None and after.patient.latest.died_on is not None,
        "custody_changed": before.patient.guardians_at(was_at) != after.patient.guardians_at(at),
    }
    for rule in version.standing:
        if rule.event is None or not happened.get(rule.event, False) or not rule.sv:
            continue
        if rule.patient_under is not None and after.patient.reached(rule.patient_under, at, surely=True):
            continue
        subject = f"{after.patient.person_id}:{rule.event}"
        if rule.event != _PROTECTION_ENDED:
            subject += f":{at.isoformat()}"
        yield AddTask(rule.event, subject, Sentence(rule.sv, rule.en), region, at, rule.cites)


_PROTECTION_ENDED = "protection_ended"


def _follow_state(
    facts: PatientFacts, at: datetime, now: datetime, books: Rulebooks, *, first: bool
) -> Iterator[Effect]:
    """The measures that the state wants and that are missing, and the guardians' grants that a mark ends."""
    held_before = {(w.region, w.imposes.kind) for w in wanted_measures(facts, at, books)}
    yield from _releases_called_off(facts, now, books)
    over: set[MeasureId] = set()
    for effect in _grants_ended(facts, now if first else at, now, books):
        if isinstance(effect, Amend):
            over.add(effect.measure.measure_id)
        yield effect
    for wanted in missing_measures(facts, now, books):
        already = not first and (wanted.region, wanted.imposes.kind) in held_before
        since = at if already else now
        yield from _impose_standing(wanted, facts, since)
        for m in _running(wanted, facts, since):
            if m.measure_id not in over:
                over.add(m.measure_id)
                yield ended(m, since, known=now)
                if m.valid_from <= since:
                    yield from worklist(m, ends=True)


def _releases_called_off(facts: PatientFacts, now: datetime, books: Rulebooks) -> Iterator[Effect]:
    """
    A release of the register's own that was ordered for a later day comes to nothing when the state holds again before it.

    Nothing ends the measure while the state holds (X-10); staff order anew once it does not. An order that is to end others
    too is not refused: those end on its day.
    """
    birth = facts.patient.birth
    wanted = {(w.region, w.imposes.kind) for w in wanted_measures(facts, now, books)}
    code = RefusalCode.PROTECTED_IDENTITY
    of_register = [m for m in facts.measures if m.initiative is Initiative.REGISTER]
    for m in of_register:
        if (m.region, m.kind) in wanted and m.released and m.in_force(now, birth):
            stays = replace(
                m,
                valid_to=None,
                released=False,
                end_before_release=None,
                released_at=None,
                version=m.version + 1,
            )
            yield Amend(stays, "extended")
            lead = books.default_version(m.region, swedish_date(now)).lead
            yield from timers_of(stays, facts, now, lead)
            reason = RefusalReason(code, REFUSAL[code], ("X-10",), "releases")
            for order_id in m.orders[-1:]:
                if not is_to_end_others(facts, order_id, now, but=of_register):
                    yield ResolvePending(
                        order_id, Outcome.REFUSED, reason.text, PendingCode.NOT_YET_VALID, refusal=reason
                    )


def _running(wanted: WantedMeasure, facts: PatientFacts, since: datetime) -> Iterator[Measure]:
    """The region's own grants that its seal ends on the day it begins, whoever orders the seal (VG-01, X-18)."""
    kinds = wanted.rule.ends_running or ()
    for m in facts.measures:
        if m.kind in kinds and m.region == wanted.region and m.in_force(since, facts.patient.birth):
            yield m


def _impose_standing(wanted: WantedMeasure, facts: PatientFacts, since: datetime) -> Iterator[Effect]:
    patient, extra = facts.patient, wanted.imposes
    name = f"sigill:standing:{patient.key}:{wanted.region}:{extra.kind}:{since.isoformat()}"
    m = Measure(
        measure_id=_unused_id(name, facts),
        patient=patient.person_id,
        kind=extra.kind,
        region=wanted.region,
        initiative=Initiative.REGISTER,
        orders=(),
        services=extra.services,
        valid_from=since,
        ends_at_age=extra.ends_at_age,
        inform=Inform(guardians=False, patient=False),
        rules=wanted.rule.cites,
        rulebook=wanted.version.since.isoformat(),
    )
    yield Impose(m)
    yield from timers_of(m, facts, since, wanted.version.lead)
    yield from worklist(m, ends=False)


def _unused_id(name: str, facts: PatientFacts) -> MeasureId:
    """
    The id that a name gives, or the next one that no measure of the patient has.

    A mark that is lifted, released and set again within one instant of the register wants a second measure since then.
    """
    taken = {m.measure_id for m in facts.measures}
    names = chain([name], (f"{name}:{number}" for number in count(2)))
    return next(i for i in (MeasureId(str(uuid5(NAMESPACE_URL, n))) for n in names) if i not in taken)


def _grants_ended(facts: PatientFacts, at: datetime, now: datetime, books: Rulebooks) -> Iterator[Effect]:
    """A mark ends what was granted to a guardian, also what was to begin later; a new form is needed after it (X-11)."""
    for m in facts.measures:
        if m.kind is not MeasureKind.GUARDIAN_GRANT or not m.not_over(at, facts.patient.birth):
            continue
        shut = _shut_out_by_mark(m, facts, now)
        if not shut:
            continue
        yield ended(m, at, known=now)
        yield CloseTask("review", str(m.measure_id))
        if m.valid_from <= at:
            yield from worklist(m, ends=True)
        left = tuple(g for g in m.guardians or () if g not in shut)
        if left:
            yield from goes_on_for(m, left, facts, at, books)
        elif m.valid_from > at:
            reason = RefusalReason(
                RefusalCode.PROTECTED_IDENTITY, REFUSAL[RefusalCode.PROTECTED_IDENTITY], ("X-11",)
            )
            for order_id in m.orders:
                yield ResolvePending(order_id, Outcome.REFUSED, reason.text, refusal=reason)


def goes_on_for(
    m: Measure, guardians: tuple[PersonId, ...], facts: PatientFacts, at: datetime, books: Rulebooks
) -> Iterator[Effect]:
    """The same grant for the guardians whom no mark shuts out: a new row of the same lineage."""
    name = f"sigill:marked:{m.measure_id}:{at.isoformat()}"
    follower = replace(
        m,
        measure_id=MeasureId(str(uuid5(NAMESPACE_URL, name))),
        valid_from=max(at, m.valid_from),
        guardians=guardians,
        version=1,
    )
    yield Impose(follower, "continued")
    lead = books.default_version(m.region, swedish_date(at)).lead
    yield from timers_of(follower, facts, at, lead)
    if follower.valid_from <= at:
        yield from worklist(follower, ends=False)


def _shut_out_by_mark(m: Measure, facts: PatientFacts, at: datetime) -> frozenset[PersonId]:
    """The guardians whom a grant lets in and a mark shuts out: all of them where the child itself is marked."""
    holders = frozenset(m.guardians or ())
    if is_marked(facts.patient, at):
        return holders or frozenset({m.patient})
    people = ((g, facts.person(g)) for g in holders)
    return frozenset(g for g, person in people if person is not None and is_marked(person, at))


def _tasks_of_states(
    before: PatientFacts | None, after: PatientFacts, was_at: datetime, at: datetime, books: Rulebooks
) -> Iterator[AddTask | CloseTask]:
    """
    A task for each state that holds now and did not before; and where nobody knows which region's rules hold.

    Where it holds no more, or the register has said where the patient lives, nobody is asked about it any more.
    """
    patient = after.patient.person_id
    was = {} if before is None else {(r, s.id): s for r, _, s in states_that_hold(before, was_at, books)}
    holding = tuple(states_that_hold(after, at, books))
    still = {(region, rule.state) for region, _, rule in holding}
    for (region, _), rule in was.items():
        if (region, rule.state) not in still:
            yield CloseTask(str(rule.state), f"{patient}:{rule.state}:{region}")
    for region, _, rule in holding:
        newly = (region, rule.id) not in was
        if not newly and rule.state == "protected_guardian" and before is not None:
            newly = bool(marked_guardians(after, at) - marked_guardians(before, was_at))
        if newly and rule.sv:
            subject = f"{patient}:{rule.state}:{region}"
            yield AddTask(str(rule.state), subject, Sentence(rule.sv, rule.en), region, at, rule.cites)
    doubted = set() if before is None else {r for r, _, _ in regions_in_doubt(before, was_at, books)}
    in_doubt = tuple(regions_in_doubt(after, at, books))
    for region in sorted(doubted - {r for r, _, _ in in_doubt}):
        yield CloseTask("protected_county_unknown", f"{patient}:protected_county_unknown:{region}")
    for region, _, rule in in_doubt:
        if region not in doubted:
            subject = f"{patient}:protected_county_unknown:{region}"
            yield AddTask("protected_county_unknown", subject, COUNTY_UNKNOWN, region, at, rule.cites)


def _timers_anew(
    before: PatientFacts | None, after: PatientFacts, at: datetime, books: Rulebooks
) -> Iterator[SetTimer]:
    """A new or changed birth date moves every timer that hangs on it; the old ones find nothing to do."""
    newly = before is None or not before.patient.registered
    reborn = before is None or before.patient.birth != after.patient.birth
    milestone = next_milestone(after.patient, books, at)
    earlier = None if before is None else next_milestone(before.patient, books, at)
    if milestone is not None and (newly or milestone != earlier):
        yield milestone  # of another birth date, or of another region's ages
    if not (newly or reborn):
        return
    for m in after.measures:
        version = books.default_version(m.region, swedish_date(at))
        yield from timers_of(m, after, at, version.lead)


__all__ = ["DueTimer", "card_revoked_late", "next_milestone", "on_timer", "register_change", "rules_begin"]
