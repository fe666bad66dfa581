"""What an order does, or every reason why it does nothing."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from sigill.judgement import consequences, follow_ups, notices, remarks
from sigill.judgement.measure_changes import tasks_answered
from sigill.judgement.objections import objection, objections
from sigill.judgement.order_case import OrderEvaluation
from sigill.judgement.settling import settled
from sigill.judgement.successors import look_again, successor_tasks
from sigill.policy import requests
from sigill.policy.access import AccessSnapshots
from sigill.policy.calendar import BirthDate, swedish_date
from sigill.policy.effects import (
    Amend,
    Annotate,
    Effect,
    Impose,
    Judgement,
    Note,
    Notify,
    OpenRequest,
    PendingReason,
    RefusalReason,
    Sentence,
    SetTimer,
    TimerKind,
    applied,
)
from sigill.policy.facts import Inform, Measure, OrderFacts, PatientFacts, Person
from sigill.policy.hits import hits
from sigill.policy.rulebook import Region, Rulebooks
from sigill.policy.scope import shuts_for_longer
from sigill.policy.sentences import MEASURE, PENDING, SUCCESSOR_WANTED
from sigill_contracts.order import SignedForm
from sigill_contracts.vocabulary import (
    IMPOSES,
    PROTECTIVE_FORMS,
    RELEASES,
    Form,
    Initiative,
    MeasureKind,
    OrderId,
    Outcome,
    PendingCode,
    RefusalCode,
    RegionCode,
    Template,
)


def judge(
    form: SignedForm, facts: OrderFacts, books: Rulebooks, snapshots: AccessSnapshots | None = None
) -> Judgement:
    """
    Say what an order does, or every reason why it does nothing.

    Roles, the right to ask and the version of the rules are judged at `decided_at`; the effect at `facts.at`, the
    moment of processing (UTC). Reasons come in the order of the rulebook, so that the same order reads the same
    twice. A refused order has no effects. A protective order is applied and flagged where an opening one waits.
    `snapshots` keeps what was found out about access, for whoever tells of the changes; None: nobody does.
    """
    region = books.book_of(form.region, swedish_date(form.decided_at))
    if region is None:
        known = ", ".join(sorted(code for code, r in books.regions.items() if not r.national))
        there_are = Sentence(f"region ska vara en av {known}", f"region must be one of {known}")
        return _refused(objection(RefusalCode.FIELD_INVALID, "region", more=there_are))
    return replace(_judged(form, facts, region, books, snapshots), digest=region.digest)


def _judged(
    form: SignedForm, facts: OrderFacts, region: Region, books: Rulebooks, snapshots: AccessSnapshots | None
) -> Judgement:
    version = region.in_force(swedish_date(form.decided_at))
    name = f"{region.region} {version.since.isoformat()}" if version else region.region
    if version is None or not version.offers(form.form):
        denied = () if version is None else version.matching(form.form)
        rules = tuple(r for e in denied if e.offered is False for r in e.cites)
        return _refused(objection(RefusalCode.FORM_NOT_OFFERED, "form", rules), rulebook=name)

    case = OrderEvaluation(form, facts, region, version, books)
    found = objections(case)
    if found and _rests_on_what_is_missing(case, found):
        return Judgement(Outcome.PENDING, name, waits=(_wait(PendingCode.AWAITING_EARLIER_MESSAGE),))
    if found:
        return Judgement(Outcome.REFUSED, name, refusals=found)
    if case.known is None:
        return _unknown(case, name)
    holds = tuple(_holds(case))
    if holds:
        awaited = case.awaited_successors
        orphaned = (*successor_tasks(case, awaited), *(look_again(case) if awaited else ()))
        return Judgement(Outcome.PENDING, name, waits=holds, effects=orphaned)
    done = _execute(case, case.known, name, books)
    told = notices.judged(done.effects, case.known, case.at, case.at, books, snapshots)
    return replace(done, effects=told)


def takes_effect_when_received(form: Form, waited_for: Collection[str], patient: Person | None) -> bool:
    """
    Whether an order that waited is judged as of its receipt by the broker, and not as of now.

    A protective one is that waited for the register to tell of its patient: it begins no later than it came.
    """
    told = patient is not None and patient.registered
    return told and PendingCode.PATIENT_NOT_YET_KNOWN in waited_for and form in PROTECTIVE_FORMS


def _refused(*found: object, rulebook: str = "") -> Judgement:
    return Judgement(Outcome.REFUSED, rulebook, refusals=found)  # type: ignore[arg-type]


def _unknown(case: OrderEvaluation, name: str) -> Judgement:
    """Nobody knows the patient: an opening order is refused, a protective one waits a while for the register."""
    hours = case.version.unknown_patient_hours
    until = (case.facts.first_seen_at or case.at) + timedelta(hours=hours)
    if not case.protective or case.at >= until:
        return _refused(objection(RefusalCode.PATIENT_UNKNOWN, "patient"), rulebook=name)
    wait = _wait(PendingCode.PATIENT_NOT_YET_KNOWN, until=until)
    effects: tuple[Effect, ...] = ()
    if case.facts.known is not None:
        stub = case.facts.known.patient.person_id
        effects = (
            SetTimer(
                TimerKind.PATIENT_UNKNOWN_DEADLINE,
                until,
                stub,
                RegionCode(case.form.region),
                order_id=case.order_id,
            ),
        )
    return Judgement(Outcome.PENDING, name, waits=(wait,), effects=effects)


def _wait(code: PendingCode, *, until: datetime | None = None, **more: tuple[str, ...]) -> PendingReason:
    return PendingReason(code, PENDING[code], until=until, **more)  # type: ignore[arg-type]


def _holds(case: OrderEvaluation) -> Iterator[PendingReason]:
    """What an opening order waits for before anything happens."""
    if case.protective:
        return
    if case.facts.revocation_unknown:
        yield _wait(PendingCode.AWAITING_REVOCATION_STATUS)
    if case.facts.after_dead_letter:
        yield _wait(PendingCode.AWAITING_EARLIER_MESSAGE)
    if case.awaited_successors:
        yield PendingReason(
            PendingCode.AWAITING_FOLLOW_UP_DECISION,
            SUCCESSOR_WANTED,
            tuple(dict.fromkeys(r for e in case.entries if e.deciders_bound_to for r in e.cites)),
            units=case.awaited_successors,
        )
    to_guardians = case.form.form is Form.GRANT_GUARDIAN_ACCESS or (
        case.form.form is Form.GIVE_PAPER_COPY and case.form.guardians is not None
    )
    if to_guardians and case.custody_unclear:
        named = case.named or ()
        if not named or any(g not in case.custodians for g in named):
            yield _wait(PendingCode.CUSTODY_UNCONFIRMED)


_OF_EARLIER_ORDERS = frozenset(
    {
        RefusalCode.NOTHING_TO_RELEASE,
        RefusalCode.MADE_ELSEWHERE,
        RefusalCode.FOLLOW_UP_UNKNOWN,
        RefusalCode.UNIT_NOT_INITIATOR,
        RefusalCode.DECIDER_WRONG_UNIT,
    }
)
"""Reasons that an earlier message, which could not be read, may take away."""


def _rests_on_what_is_missing(case: OrderEvaluation, found: tuple[RefusalReason, ...]) -> bool:
    """Whether an opening order is refused only for want of what an unreadable earlier message may have said."""
    waits = case.facts.after_dead_letter and not case.protective
    return waits and all(reason.code in _OF_EARLIER_ORDERS for reason in found)


def _execute(case: OrderEvaluation, known: PatientFacts, name: str, books: Rulebooks) -> Judgement:
    done = consequences.effects_of(case, known)
    after = applied(known, done)
    touched = [e.measure for e in done if isinstance(e, Impose | Amend)]
    if remarks.is_in_force_already(case, done):
        touched = []
    named = _named(case, done)
    ahead = _lies_ahead(case, done)
    waits = tuple(_waits(case, done, named, ahead=ahead))
    follows = tuple(_follows(case, known, after, done, named))
    told = tuple(_told(case, after, touched)) if touched and not ahead else ()
    return Judgement(
        outcome=Outcome.PENDING if waits else Outcome.EXECUTED,
        rulebook=name,
        waits=waits,
        remarks=tuple(remarks.remarks_of(case, after, done)),
        effects=(*done, *follows, *told, *follow_ups.clinic_tasks(case), *_requests(case, after, books)),
        named=tuple(m.measure_id for m in named),
        still_in_force=remarks.still_holding(case, after) if _ends_something(case, done) else (),
        ends_on=last_day_of(named or _copied_during(done), known.patient.birth),
        note=_note_of_copies(case, done) or _note(case, touched),
        flagged=tuple(_flags(case)),
    )


def _requests(case: OrderEvaluation, after: PatientFacts, books: Rulebooks) -> Iterator[Effect]:
    """Other open requests, as the order has left them; what has been agreed on opens by no protective order (X-04)."""
    open_ones = [r for r in case.facts.requests if r.closed is None]
    itself = case.request.order_id if case.form.form is Form.UNIT_OPINION and case.request else None
    if open_ones:
        yield from settled(open_ones, after, case.at, books, but=itself, opens=not case.protective)


def _ends_something(case: OrderEvaluation, done: tuple[Effect, ...]) -> bool:
    return case.form.form in RELEASES or any(isinstance(e, Amend) and e.action == "ended" for e in done)


def _named(case: OrderEvaluation, done: tuple[Effect, ...]) -> tuple[Measure, ...]:
    """The measures that the receipt's `ends_on` speaks of, of those that an order has changed."""
    changed = [e.measure for e in done if isinstance(e, Impose | Amend)]
    return named_by(case.form.form, case.order_id, changed)


def named_by(form: Form, order_id: OrderId, changed: Iterable[Measure]) -> tuple[Measure, ...]:
    """Of the measures that an order has changed, the form's own: not what came beside, nor what it left out (X-14)."""
    kind = IMPOSES.get(form) or RELEASES.get(form)
    own = [m for m in changed if m.beside is None and (kind is None or m.kind is kind)]
    own = [m for m in own if not m.orders or order_id in m.orders] or own
    standing = [m for m in own if not m.released]
    return tuple(standing or own)


def last_day_of(named: Iterable[Measure], birth: BirthDate) -> date | None:
    """
    The last day on which any of some measures is in force (Swedish date, inclusive), also where an age ends it.

    None where one of them holds until it is released, and where all of them are.
    """
    ends = [m.last_day(birth) for m in named if not m.released]
    return max((day for day in ends if day), default=None) if all(ends) else None


def _waits(
    case: OrderEvaluation, done: tuple[Effect, ...], named: tuple[Measure, ...], *, ahead: bool
) -> Iterator[PendingReason]:
    opened = [e.request for e in done if isinstance(e, OpenRequest) and e.request.closed is None]
    for request in opened:
        if not request.units and all(m.initiative is Initiative.REGISTER for m in case.targets):
            yield _wait(PendingCode.AWAITING_FOLLOW_UP_DECISION)
            continue
        yield PendingReason(
            PendingCode.AWAITING_UNITS,
            PENDING[PendingCode.AWAITING_UNITS],
            tuple(dict.fromkeys(r for e in case.entries if e.unanimity or e.may_release for r in e.cites)),
            units=tuple(dict.fromkeys(case.answering(unit) for unit in request.unanswered)),
        )
    if any(m.provisional for m in named) and case.form_before is None:
        within, rules = case.signed_form
        yield PendingReason(
            PendingCode.AWAITING_SIGNED_FORM,
            PENDING[PendingCode.AWAITING_SIGNED_FORM],
            rules,
            until=case.at + within,
        )
    runs_already = case.call is not None and bool(named) and all(m.valid_from <= case.at for m in named)
    if ahead and not opened and not runs_already:
        yield _wait(PendingCode.NOT_YET_VALID, until=case.starts_at)


def _lies_ahead(case: OrderEvaluation, done: Iterable[Effect]) -> bool:
    """
    Whether what an order does happens on a later day.

    What merely goes on has no day of its own: a measure that is kept as it is, or gets a later end, does so at once.
    """
    if case.starts_at <= case.at:
        return False
    changed = [e.measure for e in done if isinstance(e, Impose | Amend)]
    return not changed or any(m.released or m.valid_from > case.at for m in changed)


def _follows(
    case: OrderEvaluation,
    known: PatientFacts,
    after: PatientFacts,
    done: tuple[Effect, ...],
    named: tuple[Measure, ...],
) -> Iterator[Effect]:
    lead, birth = case.version.lead, known.patient.birth
    for effect in done:
        if not isinstance(effect, Impose | Amend):
            continue
        m = effect.measure
        yield from follow_ups.timers_of(m, after, case.at, lead)
        if effect.action == "extended" or (effect.action == "confirmed" and _ends_later(m, known)):
            yield from tasks_answered(m)
        elif isinstance(effect, Impose):
            for other in known.measures:
                if other.is_to_be_extended(birth) and shuts_for_longer(m, other, birth):
                    yield from tasks_answered(other)
        if m.valid_from <= case.at and not (m.released and case.starts_at > case.at):
            if isinstance(effect, Impose) and not m.released:
                yield from follow_ups.worklist(m, ends=False)
            elif m.released:
                yield from follow_ups.worklist(m, ends=True)
    for m in named:
        signed = case.form_before is not None  # its form is there already: nothing is overdue
        if (m.provisional and not signed) or (m.awaits_follow_up and not m.released):
            yield from follow_ups.deadlines_of(case, m)


def _ends_later(m: Measure, known: PatientFacts) -> bool:
    """Whether a measure's new version ends later than the one that was there."""
    before = next((o for o in known.measures if o.measure_id == m.measure_id), None)
    if before is None or before.valid_to is None:
        return False
    return m.valid_to is None or m.valid_to > before.valid_to


def _told(case: OrderEvaluation, after: PatientFacts, touched: list[Measure]) -> Iterator[Notify]:
    """
    Who is told of the measures that an order has changed, unless that happens on a later day: then they are told on it.

    A request, or one unit's answer among several, changes nothing yet.
    """
    told = tuple(notices.of_order(case, after, touched))
    yield from told
    if case.form.form is Form.UNIT_OPINION:
        yield from _answered(case, after, touched, told)
    if case.form.form is Form.CONTINUE_MEASURE:
        yield from _opened_again(case, after, touched)


def _answered(
    case: OrderEvaluation, after: PatientFacts, touched: list[Measure], told: tuple[Notify, ...]
) -> Iterator[Notify]:
    """Whoever asked is answered, also where the rulebook tells others of the end (X-06)."""
    request = case.request
    if request is None:
        return
    known = {tell.to for tell in told}
    said = case.form.inform
    word = request.inform.overlaid(Inform(said.guardians, said.patient, said.written_confirmation))
    for person in requests.who_asked(request, after):
        about = [m for m in touched if m.released and hits(m, person, after, case.at)]
        if about and person not in known:
            yield notices.to_asker(person, after.patient.person_id, request.region, about, word)


def _opened_again(case: OrderEvaluation, after: PatientFacts, touched: list[Measure]) -> Iterator[Notify]:
    """Guardians whom a narrowed measure no longer covers are told that it has ended for them (JH-20)."""
    before = {g for m in touched if m.released for g in notices.guardians_of(after, (m,), case.at)}
    still = {
        g
        for m in touched
        if not m.released and m.kind is MeasureKind.GUARDIAN_BLOCK
        for g in (m.guardians if m.guardians is not None else case.custodians)
        if m.covers_guardian(g)
    }
    blocks = any(m.kind is MeasureKind.GUARDIAN_BLOCK for m in touched)
    for guardian in sorted(before - still) if blocks else ():
        inform = Inform(case.form.inform.guardians)
        yield notices.to_person(
            guardian,
            Template.MEASURE_RELEASED,
            RegionCode(case.form.region),
            [m for m in touched if m.released and m.covers_guardian(guardian)],
            told=notices.guardians_told(case.version, Template.MEASURE_RELEASED, inform),
        )


def _flags(case: OrderEvaluation) -> Iterator[str]:
    """What was in doubt when a protective order was applied all the same."""
    if not case.protective or case.known is None:
        return
    if case.facts.revocation_unknown:
        yield "revocation_unknown"
    if case.known.patient.at(case.at).identity_uncertain:
        yield "identity_uncertain"
    if case.custody_unclear and case.form.guardians is not None:
        yield "custody_unconfirmed"
    if not case.known.patient.birth.certain:
        yield "birth_date_uncertain"


def _copied_during(done: Iterable[Effect]) -> tuple[Measure, ...]:
    """The measures during which the order records an assessment of a copy on paper."""
    return tuple(e.measure for e in done if isinstance(e, Annotate) and e.assesses_copy)


_GIVEN = Sentence(
    "Journalkopia på papper lämnad efter menprövning.", "A copy on paper given after a harm assessment."
)
_NOT_GIVEN = Sentence(
    "Journalkopia på papper inte lämnad efter menprövning.",
    "A copy on paper not given after a harm assessment.",
)


def _note_of_copies(case: OrderEvaluation, done: Iterable[Effect]) -> Note | None:
    """What the EHR files of a copy on paper, given or not: to whom, by date, and during which measure (JH-10)."""
    during = _copied_during(done)
    if not during or case.known is None:
        return None
    words = [e.note for e in case.entries if e.note]
    to = case.named if case.named is not None else (case.known.patient.person_id,)
    day = swedish_date(case.form.decided_at)
    return Note(
        words[0].keyword if words else "Journalen via nätet",
        during,
        day,
        day,
        _NOT_GIVEN if case.form.given is False else _GIVEN,
        tuple(duty for w in words for duty in w.duties),
        recipients=to,
    )


def _note(case: OrderEvaluation, touched: list[Measure]) -> Note | None:
    """What the EHR files: which measure, for whom, from–through; a release has a from-date only (VGB-09)."""
    if not touched:
        return None
    words = [e.note for e in case.entries if e.note]
    words.sort(
        key=lambda w: w.choice is None
    )  # where the record has choice words, they say what the note is about
    keyword = words[0].keyword if words else "Journalen via nätet"
    duties = tuple(d for w in words for d in w.duties)
    ends = [m for m in touched if m.released]
    lasting = [m for m in touched if not m.released]
    kinds = dict.fromkeys(m.kind for m in (lasting or ends))
    sv = ", ".join(MEASURE[k].sv for k in kinds)
    en = ", ".join(MEASURE[k].en for k in kinds)
    birth = case.known.patient.birth if case.known else None
    through = None
    if lasting and birth is not None:
        days = [m.last_day(birth) for m in lasting if m.beside is None]
        through = max((d for d in days if d), default=None) if days and all(days) else None
    text = (
        Sentence(f"Beslut: {sv}.", f"Decision: {en}.")
        if lasting
        else Sentence(f"Hävd: {sv}.", f"Lifted: {en}.")
    )
    noted = tuple(lasting or ends)
    choice = None
    if words and words[0].choice is not None:
        everybody = all(m.covers_guardian(g) for m in noted for g in case.custodians)
        choice = words[0].choice.all_guardians if everybody else words[0].choice.one_guardian
    return Note(keyword, noted, swedish_date(case.starts_at), through, text, duties, choice)
