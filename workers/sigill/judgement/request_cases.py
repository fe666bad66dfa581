"""
A case (ärende), begun by a request to release or by people about another order: where it stands, what is to be done next,
what may be written down about it, and which of the region's letters may go to whom.

Value in, value out. Units' answers, reminders and Sigill's own notices come from elsewhere; a case only says what people
have still to do, until when, and by which rule.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from sigill.judgement.silence import silent
from sigill.policy.calendar import swedish_date
from sigill.policy.cases import (
    CODES,
    AuthorityAnswer,
    CaseEntry,
    CaseEntryKind,
    LetterArrival,
    Reply,
    SentLetter,
    closing,
    enquiries,
    letters_sent,
    replies,
    standing,
)
from sigill.policy.facts import Measure, PatientFacts, ReleaseRequest, RequestEnd
from sigill.policy.hits import hits, is_guardian
from sigill.policy.requests import left_of_request, units_still_asked, who_asked
from sigill.policy.rulebook import Letter, Version
from sigill.policy.units import answering, is_orphaned
from sigill_contracts.vocabulary import Attestation, Form, Initiative, PersonId, UnitId


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    """People opened it about an order that asks for nothing: what they write down is all there is."""
    JUDGED = "judged"
    """Units have still to answer, or staff to order."""
    DECIDED = "decided"
    """The request has ended; somebody is to be answered."""
    TO_CLOSE = "to_close"
    """Nothing is left but to close it."""
    CLOSED = "closed"


class CaseStepKind(StrEnum):
    """Something that people have to do in a case."""

    ASK_AUTHORITY = "ask_authority"
    """The measure came with a report to police or social services, and nobody has been asked yet (VGB-13)."""
    AWAIT_AUTHORITY = "await_authority"
    CHASE_AUTHORITY = "chase_authority"
    TELL_UNITS = "tell_units"
    """An authority says that protection must stay: the units are to know before they answer."""
    AWAIT_UNIT = "await_unit"
    REMIND_UNIT = "remind_unit"
    NAME_SUCCESSOR = "name_successor"
    STAFF_ORDER = "staff_order"
    """Only staff's own order can answer: the measure is the register's (X-05)."""
    REPLY = "reply"
    SEND_LETTER = "send_letter"
    """A letter of the region's may go from the case, and none has gone yet that has not come back."""
    AWAIT_RECEIPT = "await_receipt"
    CHASE_RECEIPT = "chase_receipt"
    """The receipt of a letter with personal delivery is late (JH-11)."""
    AWAIT_FORM = "await_form"
    """The letter has been handed out: the form that went with it is to come back."""
    CLOSE = "close"


_WAITING = frozenset(
    {
        CaseStepKind.AWAIT_AUTHORITY,
        CaseStepKind.AWAIT_UNIT,
        CaseStepKind.AWAIT_RECEIPT,
        CaseStepKind.AWAIT_FORM,
    }
)
"""Steps of others, for which nothing is to be done here yet."""


@dataclass(frozen=True, slots=True)
class CaseStep:
    """
    One thing to do. `due` is a Swedish date, the last day on time; `late`: it has passed.

    `unit` or `person` is whom it is about, `entry` the entry that it answers, `rules` what says so.
    """

    kind: CaseStepKind
    due: date
    late: bool = False
    unit: UnitId | None = None
    person: PersonId | None = None
    entry: int | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseStanding:
    """Where a case stands and what is next, the most pressing first; what others are waited for comes last."""

    state: CaseState
    steps: tuple[CaseStep, ...] = ()

    @property
    def due(self) -> date | None:
        """The first day on which something is due; None: nothing is."""
        return min((step.due for step in self.steps), default=None)


@dataclass(frozen=True, slots=True)
class RequestCase:
    """
    All that is known of a case. `ended_at` (UTC): when the request ended; None: it is open. `version`: the region's rules.

    `form` is that of the order it began with, `asks` whether that order is a request. Where it is not, `request` holds what
    the order is about as if somebody had asked, and is closed once nothing of it is in force.

    `unanswered`: those who asked and whom Sigill has no text to answer with, so that an operator's task says to (X-26).
    """

    request: ReleaseRequest
    facts: PatientFacts
    version: Version
    entries: tuple[CaseEntry, ...] = ()
    ended_at: datetime | None = None
    unanswered: frozenset[PersonId] = frozenset()
    form: Form | None = Form.REQUEST_RELEASE
    asks: bool = True
    letters: Mapping[str, Letter] = field(default_factory=dict)
    """The region's letters of today, by name."""
    kept: bool = True
    """Whether the form that it began with is still kept: nothing more is written down once it is not."""

    @property
    def askers(self) -> tuple[PersonId, ...]:
        """Who is to be answered."""
        return who_asked(self.request, self.facts)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What the request was about when it came, ended measures too."""
        asked = set(self.request.measures)
        return tuple(m for m in self.facts.measures if m.measure_id in asked)

    def letter_of(self, entry: CaseEntry) -> Letter | None:
        """The letter that an entry says was sent; None: it says so of none, or the region has no such letter any more."""
        return self.letters.get(entry.code or "") if entry.kind is CaseEntryKind.LETTER_SENT else None

    def is_silent(self, asker: PersonId) -> bool:
        """Whether an order says that this asker must not be told of the measure (X-23): then only the standard reply's words."""
        told = self.request.inform
        if asker == self.facts.patient.person_id:
            return told.patient is False or silent(self.facts, self.measures, "patient")
        return told.guardians is False or silent(self.facts, self.measures, "guardians")

    def choices(self, asker: PersonId) -> tuple[Reply, ...]:
        """How an asker may be answered now: never with more than may be told."""
        found = [Reply.OWN_WORDS, Reply.NOTHING]
        if self.ended_at is not None and not self.is_silent(asker):
            found.insert(0, Reply.NOTICE)
        if self.request.initiative is Initiative.GUARDIAN and self.version.standard_reply is not None:
            found.insert(0, Reply.STANDARD_REPLY)
        return tuple(found)

    @property
    def protection_stays(self) -> bool:
        """Whether an authority has said that protection must stay."""
        said = (enquiry.answered for enquiry in enquiries(self.entries))
        return any(answer is not None and answer.code == AuthorityAnswer.PROTECTION_STAYS for answer in said)


def standing_of(case: RequestCase, at: datetime) -> CaseStanding:
    """Where a case stands at an instant (UTC), and what is to be done."""
    if closing(case.entries) is not None:
        return CaseStanding(CaseState.CLOSED)
    today = swedish_date(at)
    if not case.asks:
        return _standing_of_opened(case, at)
    steps = [*_judging(case, at)] if case.request.closed is None else []
    steps += _to_answer(case, today)
    steps += _receipts(case, today)
    if case.request.closed is None:
        return CaseStanding(CaseState.JUDGED, _in_order(steps))
    if steps:
        return CaseStanding(CaseState.DECIDED, _in_order(steps))
    ended = today if case.ended_at is None else swedish_date(case.ended_at)
    return CaseStanding(CaseState.TO_CLOSE, (_step(CaseStepKind.CLOSE, ended, today),))


def _standing_of_opened(case: RequestCase, at: datetime) -> CaseStanding:
    """A case that people opened: the letter goes, its receipt comes, and the form comes back or does not."""
    today = swedish_date(at)
    opened = next((entry.day for entry in case.entries if entry.kind is CaseEntryKind.OPENED), today)
    steps = [*_receipts(case, today)]
    if case.request.closed is None:
        handed_out = [letter for letter in letters_sent(case.entries) if not letter.came_back]
        if not handed_out and any(offer.objection is None for offer in letter_offers(case, at)):
            steps.append(_step(CaseStepKind.SEND_LETTER, opened, today, rules=_letter_rules(case)))
        if handed_out and not steps and any(_encloses_form(case, letter) for letter in handed_out):
            last = handed_out[-1]
            since = last.sent.day if last.arrival is None else last.arrival.day
            due = since + timedelta(days=case.version.lead.letter_receipt)
            steps.append(_step(CaseStepKind.AWAIT_FORM, due, today))
    if steps or case.request.closed is None:
        return CaseStanding(CaseState.OPEN, _in_order(steps))
    return CaseStanding(CaseState.TO_CLOSE, (_step(CaseStepKind.CLOSE, today, today),))


def _encloses_form(case: RequestCase, one: SentLetter) -> bool:
    letter = case.letter_of(one.sent)
    return letter is not None and bool(letter.encloses)


def _letter_rules(case: RequestCase) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for letter in fitting(case).values() for rule in letter.cites))


def _receipts(case: RequestCase, today: date) -> Iterator[CaseStep]:
    """Letters with personal delivery that nothing has come back of."""
    for posted in letters_sent(case.entries):
        letter = case.letter_of(posted.sent)
        if posted.arrival is not None or letter is None or not letter.needs_receipt:
            continue
        due = posted.sent.day + timedelta(days=case.version.lead.letter_receipt)
        kind = CaseStepKind.CHASE_RECEIPT if today > due else CaseStepKind.AWAIT_RECEIPT
        yield _step(kind, due, today, entry=posted.sent.entry_id, rules=letter.cites)


def _in_order(steps: Iterable[CaseStep]) -> tuple[CaseStep, ...]:
    return tuple(sorted(steps, key=lambda one: (one.kind in _WAITING, one.due)))


def _step(kind: CaseStepKind, due: date, today: date, **more: object) -> CaseStep:
    return CaseStep(kind, due, today > due, **more)  # type: ignore[arg-type]


def unit_due(case: RequestCase, today: date) -> date:
    """The last day on which a unit that was asked answers in time (Swedish date)."""
    opened = case.request.opened_at
    return (today if opened is None else swedish_date(opened)) + timedelta(days=case.version.lead.unit_answer)


def _judging(case: RequestCase, at: datetime) -> Iterator[CaseStep]:
    today = swedish_date(at)
    due = unit_due(case, today)
    request, units = case.request, case.facts.units
    left = left_of_request(request, case.facts, at)
    if not request.units:
        yield _step(CaseStepKind.STAFF_ORDER, due, today, rules=("X-05", "X-10"))
    still = units_still_asked(request, case.facts, at)
    waited_for = [unit for unit in request.unanswered if unit in still]
    for unit in waited_for:
        who = answering(units, unit, today)
        if is_orphaned(units, unit, today):
            yield _step(CaseStepKind.NAME_SUCCESSOR, due, today, unit=who, rules=("X-07",))
        elif today > due:
            yield _step(CaseStepKind.REMIND_UNIT, due, today, unit=who)
        else:
            yield _step(CaseStepKind.AWAIT_UNIT, due, today, unit=who)
    asked = enquiries(case.entries)
    rules = _authority_rules(case.version)
    if rules and not asked and any(m.reported_to_authority for m in left):
        yield _step(CaseStepKind.ASK_AUTHORITY, due, today, rules=rules)
    for enquiry in asked:
        entry = enquiry.asked
        if enquiry.answered is None:
            until = entry.day + timedelta(days=case.version.lead.authority_answer)
            kind = CaseStepKind.CHASE_AUTHORITY if today > until else CaseStepKind.AWAIT_AUTHORITY
            yield _step(kind, until, today, entry=entry.entry_id, rules=rules)
        elif enquiry.answered.code == AuthorityAnswer.PROTECTION_STAYS and waited_for:
            yield _step(
                CaseStepKind.TELL_UNITS,
                enquiry.answered.day,
                today,
                entry=enquiry.answered.entry_id,
                rules=rules,
            )


def _authority_rules(version: Version) -> tuple[str, ...]:
    """The rules by which authorities must have confirmed before a reported measure ends; none: the region has no such."""
    found = (
        entry.cites
        for entry in version.matching(Form.UNIT_OPINION)
        if Attestation.AUTHORITY_CONFIRMED in (entry.attestations or ())
    )
    return tuple(dict.fromkeys(rule for cites in found for rule in cites))


def _to_answer(case: RequestCase, today: date) -> Iterator[CaseStep]:
    given = _replies(case)
    unanswered = case.unanswered | _askers_of_returned(case)
    opened = case.request.opened_at
    due = today if opened is None else swedish_date(opened)
    if case.ended_at is not None:
        due = swedish_date(case.ended_at)
    for asker in case.askers:
        if _is_answered(case, given.get(asker), unanswered=asker in unanswered):
            continue
        if case.request.closed is not None or asker in unanswered:
            yield _step(CaseStepKind.REPLY, due, today, person=asker)


def _replies(case: RequestCase) -> dict[PersonId, CaseEntry]:
    """How each asker was answered last, by letter too: one that came back has answered nobody."""
    by_letter = {
        letter.sent.asker: letter.sent
        for letter in letters_sent(case.entries)
        if letter.sent.asker is not None and not letter.came_back and answers(case.letter_of(letter.sent))
    }
    return by_letter | replies(case.entries)


def _askers_of_returned(case: RequestCase) -> frozenset[PersonId]:
    """To whom an answer went by a letter that came back: the task to answer them was ticked off when it went."""
    return frozenset(
        letter.sent.asker
        for letter in letters_sent(case.entries)
        if letter.sent.asker is not None and letter.came_back and answers(case.letter_of(letter.sent))
    )


def answers(letter: Letter | None) -> bool:
    """Whether a letter is an answer to somebody who asked: the standard reply (VGB-17)."""
    return letter is not None and letter.says_the_standard_reply_alone


def _is_answered(case: RequestCase, given: CaseEntry | None, *, unanswered: bool) -> bool:
    """
    Whether an asker has been answered as the case now stands.

    What was said while it was judged stands when nothing has changed: after a *keep*. Otherwise they are told anew.
    """
    if unanswered and given is None:
        return False
    if case.ended_at is None or case.request.closed in (RequestEnd.KEEP, RequestEnd.HELD):
        return given is not None or case.request.replied
    return given is not None and given.at >= case.ended_at


# --- letters


class LetterObjection(StrEnum):
    """Why a letter must not go to somebody from a case, as things stand."""

    SILENCED = "silenced"
    """An order says not to tell that person of the measure: only the standard reply's words may go (X-23)."""
    NOT_TRUE = "not_true"
    """Nothing that the case is about is in force for that person: the letter would say what is not so (X-21)."""
    NOT_CONCERNED = "not_concerned"
    """The person has died, or is no guardian any more; or the patient has died (X-22)."""
    PROTECTED_IDENTITY = "protected_identity"
    """Protected identity shuts the guardian out: nothing about the child goes there (X-22)."""
    MINOR = "minor"
    """No letter goes to a minor: staff tell (X-27)."""


def fitting(case: RequestCase) -> dict[str, Letter]:
    """The region's letters that fit a case, by name."""
    return {
        name: letter
        for name, letter in case.letters.items()
        if letter.fits is not None
        and case.form in letter.fits.forms
        and case.request.initiative in letter.fits.initiatives
    }


def recipients(case: RequestCase, letter: Letter) -> tuple[PersonId, ...]:
    """To whom a letter that fits a case would go: the patient, or the guardians who asked."""
    if letter.fits is None:
        return ()
    if letter.fits.to == "patient":
        return (case.facts.patient.person_id,)
    return case.askers if case.request.initiative is Initiative.GUARDIAN else ()


def letter_objection(
    case: RequestCase, letter: Letter, recipient: PersonId, at: datetime
) -> LetterObjection | None:
    """Why a letter must not go to one of its recipients at an instant (UTC); None: it may."""
    facts, own = case.facts, recipient == case.facts.patient.person_id
    person = facts.person(recipient)
    if person is None or any(someone.has_died(at) for someone in (facts.patient, person)):
        return LetterObjection.NOT_CONCERNED
    if not own and not is_guardian(recipient, facts, at):
        return LetterObjection.NOT_CONCERNED
    if not own and any(someone.at(at).protected for someone in (facts.patient, person)):
        return LetterObjection.PROTECTED_IDENTITY
    if case.is_silent(recipient) and not letter.says_the_standard_reply_alone:
        return LetterObjection.SILENCED
    if not any(hits(m, recipient, facts, at) for m in left_of_request(case.request, facts, at)):
        return LetterObjection.NOT_TRUE
    if own and not person.reached(case.version.ages.of_age, at, surely=True):
        return LetterObjection.MINOR
    return None


@dataclass(frozen=True, slots=True)
class LetterOffer:
    """A letter that fits a case, to one of its recipients; `objection` None: it may go."""

    name: str
    letter: Letter
    recipient: PersonId
    objection: LetterObjection | None


def letter_offers(case: RequestCase, at: datetime) -> tuple[LetterOffer, ...]:
    """The letters that fit a case, each to each of its recipients, as things stand at an instant (UTC)."""
    return tuple(
        LetterOffer(name, letter, person, letter_objection(case, letter, person, at))
        for name, letter in fitting(case).items()
        for person in recipients(case, letter)
    )


# --- what may be written down


class CaseFault(StrEnum):
    """Why something cannot be written down about a case."""

    IS_CLOSED = "is_closed"
    NOT_KEPT = "not_kept"
    """The form that it began with is not kept any more, and so the texts of the case are not."""
    NOT_OPEN = "not_open"
    """There is no such entry, or it is withdrawn or answered already."""
    CODE = "code"
    DAY = "day"
    """A date that is missing, lies ahead, or comes before what it answers."""
    REFERENCE = "reference"
    NAME = "name"
    NOT_AN_ASKER = "not_an_asker"
    POSTING_NUMBER = "posting_number"
    """A letter with personal delivery has a posting number; and what came of it names its receipt."""
    LETTER = "letter"
    """The letter does not fit the case, or must not go to that person."""
    NOTHING_STANDS = "nothing_stands"
    """Nothing that the order brought is in force any more: there is no case to open."""
    STEPS_LEFT = "steps_left"
    """Closing comes last."""
    REASON = "reason"


_ABOUT_ANOTHER = frozenset(
    {CaseEntryKind.AUTHORITY_ANSWERED, CaseEntryKind.LETTER_RECEIVED, CaseEntryKind.WITHDRAWN}
)
"""Entries that answer or withdraw another one."""


def objection(case: RequestCase, entry: CaseEntry, at: datetime) -> CaseFault | None:
    """Why an entry cannot be written down at an instant (UTC); None: it can. Its `entry_id` is not looked at."""
    today, known = swedish_date(at), {written.entry_id: written for written in standing(case.entries)}
    kind, about = entry.kind, known.get(entry.about) if entry.about is not None else None
    reopens = kind is CaseEntryKind.WITHDRAWN and about is not None and about.kind is CaseEntryKind.CLOSED
    if not case.kept:
        return CaseFault.NOT_KEPT
    if closing(case.entries) is not None and not reopens:
        return CaseFault.IS_CLOSED
    if entry.about is not None and kind not in _ABOUT_ANOTHER:
        return CaseFault.NOT_OPEN
    if entry.asker is not None and kind not in (CaseEntryKind.REPLIED, CaseEntryKind.LETTER_SENT):
        return CaseFault.NOT_AN_ASKER
    codes = CODES.get(kind)
    if codes is not None and entry.code not in {str(code) for code in codes}:
        return CaseFault.CODE
    if entry.day > today or (about is not None and entry.day < about.day):
        return CaseFault.DAY
    match kind:
        case CaseEntryKind.AUTHORITY_ASKED:
            return None if entry.name else CaseFault.NAME
        case CaseEntryKind.AUTHORITY_ANSWERED:
            waits = {
                enquiry.asked.entry_id for enquiry in enquiries(case.entries) if enquiry.answered is None
            }
            if entry.about not in waits:
                return CaseFault.NOT_OPEN
            return None if entry.reference else CaseFault.REFERENCE
        case CaseEntryKind.REPLIED:
            if entry.asker not in case.askers:
                return CaseFault.NOT_AN_ASKER
            return None if entry.code in case.choices(entry.asker) else CaseFault.CODE
        case CaseEntryKind.LETTER_SENT:
            return _letter_fault(case, entry, at)
        case CaseEntryKind.LETTER_RECEIVED:
            if entry.about not in {
                letter.sent.entry_id for letter in letters_sent(case.entries) if letter.arrival is None
            }:
                return CaseFault.NOT_OPEN
            names_receipt = entry.reference or entry.code != LetterArrival.DELIVERED
            return None if names_receipt else CaseFault.POSTING_NUMBER
        case CaseEntryKind.OPENED:
            if case.asks or any(entry.kind is CaseEntryKind.OPENED for entry in case.entries):
                return CaseFault.NOT_OPEN
            return None if case.request.closed is None else CaseFault.NOTHING_STANDS
        case CaseEntryKind.WITHDRAWN:
            if about is None or about.kind is CaseEntryKind.OPENED:
                return CaseFault.NOT_OPEN
            return None if entry.remark else CaseFault.REASON
        case CaseEntryKind.CLOSED:
            if standing_of(case, at).state is CaseState.TO_CLOSE:
                return None
            if case.asks:
                return CaseFault.STEPS_LEFT
            return None if entry.remark else CaseFault.REASON


def _letter_fault(case: RequestCase, entry: CaseEntry, at: datetime) -> CaseFault | None:
    letter = fitting(case).get(entry.code or "")
    if letter is None or entry.asker is None or entry.asker not in recipients(case, letter):
        return CaseFault.LETTER
    if letter_objection(case, letter, entry.asker, at) is not None:
        return CaseFault.LETTER
    posted = entry.reference or not letter.needs_receipt
    return None if posted else CaseFault.POSTING_NUMBER
