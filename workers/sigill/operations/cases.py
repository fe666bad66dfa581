"""
Cases (ärenden): the list by the day something is due, one of them whole, opening one with an order, and writing something down.

Guarantee: whoever writes sees the case as it stands, under the patient's lock, so that two operators do not close or answer it
twice. Left over: access to it is the caller's to judge, and so is the line in the access log.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sigill.judgement.request_cases import (
    CaseFault,
    CaseStanding,
    LetterOffer,
    RequestCase,
    answers,
    objection,
    standing_of,
    unit_due,
)
from sigill.policy.calendar import swedish_date
from sigill.policy.cases import CaseEntry, CaseEntryKind, letters_sent
from sigill.policy.facts import PatientFacts, ReleaseRequest, RequestEnd, UnitAnswer
from sigill.policy.requests import units_still_asked
from sigill.policy.rulebook import Rulebooks
from sigill.policy.units import answering
from sigill.rulebook_docs.letters import LetterDetails
from sigill.store import cases, facts, orders, persons, requests, tasks
from sigill.store.cases import CaseKey
from sigill.store.console import Binding
from sigill.store.orders import StoredOrder
from sigill.store.session import Reading, Tx
from sigill.store.tasks import StoredTask
from sigill_contracts.vocabulary import RELEASES, Attestation, Opinion, OrderId, PersonId, UnitId

MOST_CASES = 500
"""Open cases that the list holds at most, the oldest."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A line of the list: nobody is named."""

    number: str
    registration: int
    patient: PersonId
    region: str
    request: ReleaseRequest
    standing: CaseStanding

    @property
    def due(self) -> date | None:
        """The first day on which something is due."""
        return self.standing.due


@dataclass(frozen=True, slots=True)
class UnitAsked:
    """
    A unit that is to answer. `answers` are all that it gave, changed ones too; `due` is the last day on time.

    `asked` is who answers for it now; `waited_for`: it has still to answer; `reminded`: operators have been told to remind it;
    `withheld`: it has answered, and what it said is not for whoever looks.
    """

    unit: UnitId
    asked: UnitId
    due: date
    answers: tuple[UnitAnswer, ...]
    waited_for: bool
    reminded: bool
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class HarmAssessment:
    """
    An opinion with who assessed the harm (menprövning), as the signed form says. `by` None: the form is not kept any more.

    `by` is an HSA-id; `assessed` and `authorities_confirmed` are what was attested. `opinion` None: that the unit has assessed is
    all that is told to whoever looks.
    """

    unit: UnitId
    opinion: Opinion | None
    given_at: datetime
    number: str
    registration: int | None
    by: str | None = None
    role: str | None = None
    at_unit: str | None = None
    assessed: bool = False
    authorities_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceNamed:
    """An order to release that names a posting number or a receipt of the case among its documents (`references`)."""

    document: str
    number: str
    registration: int


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case whole. `channel`, `forwarded_by` (HSA-id) and `forwarded_unit` are of its form; None: it is not kept any more."""

    key: CaseKey
    order: StoredOrder
    case: RequestCase
    standing: CaseStanding
    units: tuple[UnitAsked, ...]
    assessments: tuple[HarmAssessment, ...]
    channel: str | None
    forwarded_by: str | None
    forwarded_unit: str | None
    evidence: tuple[EvidenceNamed, ...] = ()

    @property
    def number(self) -> str:
        """The number under which it is registered (diarienummer): that of the form that it began with."""
        return self.order.registration_number

    @property
    def people(self) -> frozenset[PersonId]:
        """Whoever it is about or comes from."""
        return frozenset((self.key.patient, self.case.request.patient, *self.case.request.asked_by))

    @property
    def texts(self) -> tuple[str, ...]:
        """What people wrote in it, in which a number may stand."""
        return tuple(
            text
            for entry in self.case.entries
            for text in (entry.name, entry.reference, entry.remark)
            if text
        )

    def within(self, bound: Binding) -> bool:
        """Whether it is in somebody's regions, and came from one of their units or is to be answered by one."""
        units = (self.order.unit, *self.case.request.units, *(unit.asked for unit in self.units))
        return any(bound.covers(self.case.request.region, unit) for unit in units)

    def seen_by(self, bound: Binding) -> "CaseView":
        """The case for somebody bound to regions and units: of other units that they have assessed, not what they wrote."""
        region = self.case.request.region
        return replace(
            self,
            units=tuple(
                unit
                if not unit.answers or bound.covers(region, unit.unit) or bound.covers(region, unit.asked)
                else replace(unit, answers=(), withheld=True)
                for unit in self.units
            ),
            assessments=tuple(
                assessment
                if bound.covers(region, assessment.unit) or bound.covers(region, assessment.at_unit)
                else HarmAssessment(assessment.unit, None, assessment.given_at, "", None)
                for assessment in self.assessments
            ),
        )


class CaseError(Exception):
    """Something cannot be written down about a case; `fault` says why."""

    def __init__(self, fault: CaseFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


async def open_cases(tx: Reading, books: Rulebooks, bound: Binding, now: datetime) -> list[CaseLine]:
    """Return the open cases within somebody's regions and units, what is due first ahead; at most `MOST_CASES`."""
    keys = await cases.open_ones(tx, bound, limit=MOST_CASES)
    begun = await _begun(tx, keys)
    found = await _load(tx, keys, begun, books, now)
    lines = [
        CaseLine(
            begun[key.registration].registration_number,
            key.registration,
            key.patient,
            case.request.region,
            case.request,
            standing_of(case, now),
        )
        for key in keys
        if (case := found.get(key.order_id)) is not None
    ]
    return sorted(lines, key=lambda line: (line.due is None, line.due or date.max, line.registration))


async def case_of(
    tx: Reading, registration: int, books: Rulebooks, now: datetime, *, or_as_if_opened: bool = False
) -> CaseView | None:
    """
    Return the case under a registration as it stands at `now` (UTC); None: there is none, or its patient is erased.

    `or_as_if_opened`: where the order has no case yet, the one that it would begin.
    """
    key = await cases.by_registration(tx, registration, or_as_if_opened=or_as_if_opened)
    if key is None:
        return None
    begun = await _begun(tx, [key])
    case = (await _load(tx, [key], begun, books, now)).get(key.order_id)
    if case is None:
        return None
    order = begun[registration]
    given = (await requests.ledger(tx, [key.order_id])).get(key.order_id, ())
    opinions = await orders.load(tx, {opinion.order_id for opinion in given})
    forms = {opinion.order_id: opinion for opinion in opinions if opinion.proven}
    form = _form(order)
    decided = form.get("decided_by")
    decider: Mapping[str, object] = decided if isinstance(decided, dict) else {}
    return CaseView(
        key,
        order,
        case,
        standing_of(case, now),
        await _units(tx, case, given, now),
        tuple(_assessment(opinion, forms.get(opinion.order_id)) for opinion in given),
        _text(form.get("channel")),
        _text(decider.get("hsa_id")),
        _text(decider.get("unit")),
        await _evidence(tx, case, order),
    )


def recipient_is_protected(view: CaseView, recipient: PersonId, now: datetime) -> bool:
    """Whether the register protects the identity of a letter's recipient: then no address is written on it."""
    person = view.case.facts.person(recipient)
    return person is None or person.at(now).protected


def letter_details(
    view: CaseView, offer: LetterOffer, recipient: tuple[str, ...], now: datetime
) -> LetterDetails:
    """
    What is filled into a letter from its case: the registration number, and the lines of the recipient as typed.

    None of those lines for a recipient whose identity is protected at `now` (UTC), whatever was typed.
    A standard reply names no number: the series may be a region's own, and such a reply names no region (X-28).
    """
    number = None if offer.letter.says_the_standard_reply_alone else view.number
    return LetterDetails(number, () if recipient_is_protected(view, offer.recipient, now) else recipient)


async def write_down(
    tx: Tx, registration: int, entry: CaseEntry, books: Rulebooks
) -> tuple[CaseView, int] | None:
    """
    Write an entry at `tx.now`; return the case as it was before and the entry's id; None: there is no such case.

    A reply also ticks off the operators' task to answer that person. Raises CaseError.
    """
    opens = entry.kind is CaseEntryKind.OPENED
    key = await cases.by_registration(tx, registration, or_as_if_opened=opens)
    if key is None:
        return None
    await persons.lock(tx, [key.patient])
    view = await case_of(tx, registration, books, tx.now, or_as_if_opened=opens)
    if view is None:
        return None
    fault = objection(view.case, entry, tx.now)
    if fault is not None:
        raise CaseError(fault)
    written = await cases.add(tx, view.key, entry)
    if entry.kind is CaseEntryKind.REPLIED or answers(view.case.letter_of(entry)):
        for task, asker in await _replies_owed(tx, [key.order_id]):
            if asker == entry.asker:
                await tasks.tick_off(tx, task.task_id, entry.by, whoever_has_it=True)
    return view, written


async def _begun(tx: Reading, keys: Iterable[CaseKey]) -> Mapping[int, StoredOrder]:
    """The orders that cases began with, by registration."""
    found = await orders.by_registration(tx, [key.registration for key in keys])
    return {order.registration: order for order in found}


async def _load(
    tx: Reading,
    keys: Sequence[CaseKey],
    begun: Mapping[int, StoredOrder],
    books: Rulebooks,
    now: datetime,
) -> dict[OrderId, RequestCase]:
    people = {key.patient for key in keys}
    known = await facts.patient_facts(tx, people)
    asked = {
        request.order_id: request
        for many in (await requests.by_patient(tx, people)).values()
        for request in many
    }
    written = await cases.entries(tx, [key.order_id for key in keys])
    replies: dict[OrderId | None, set[PersonId]] = {}
    for task, asker in await _replies_owed(tx, [key.order_id for key in keys]):
        replies.setdefault(task.order_id, set()).add(asker)
    found: dict[OrderId, RequestCase] = {}
    for key in keys:
        order, patient = begun.get(key.registration), known.get(key.patient)
        if order is None or patient is None:
            continue
        entries = written.get(key.order_id, ())
        request = asked.get(key.order_id) if key.asks else _as_if_asked(order, patient, entries, now)
        if request is None:
            continue
        opened = request.opened_at
        day = None if opened is None else swedish_date(opened)
        version = books.default_version(request.region, day or date.max)
        found[key.order_id] = RequestCase(
            request,
            patient,
            version,
            entries,
            key.ended_at,
            frozenset(replies.get(key.order_id, ())),
            order.form,
            key.asks,
            books.default_version(request.region, swedish_date(now)).letters,
            order.original is not None,
        )
    return found


def _as_if_asked(
    order: StoredOrder, known: PatientFacts, entries: Sequence[CaseEntry], now: datetime
) -> ReleaseRequest | None:
    """What an order that asks for nothing is about: its measures, until none of them is in force; None: it has none."""
    assert order.order_id is not None
    about = [m for m in known.measures if order.order_id in m.orders and not m.kind.opens]
    if not about:
        return None
    stands = any(m.not_over(now, known.patient.birth) for m in about)
    opened = next((entry.at for entry in entries if entry.kind is CaseEntryKind.OPENED), now)
    return ReleaseRequest(
        order.order_id,
        known.patient.person_id,
        about[0].region,
        about[0].initiative,
        tuple(m.measure_id for m in about),
        (),
        opened_at=opened,
        closed=None if stands else RequestEnd.MOOT,
    )


async def _evidence(tx: Reading, case: RequestCase, begun: StoredOrder) -> tuple[EvidenceNamed, ...]:
    """The orders of the patient to release that name what the case's letters brought."""
    papers = {
        reference
        for letter in letters_sent(case.entries)
        for entry in (letter.sent, letter.arrival)
        if entry is not None and (reference := entry.reference)
    }
    if not papers:
        return ()
    patient = case.request.patient
    earlier, _ = (await facts.order_context(tx, [patient]))[patient]
    releases = [order_id for order_id, one in earlier.items() if one.form in RELEASES]
    return tuple(
        EvidenceNamed(document, order.registration_number, order.registration)
        for order in (await orders.load(tx, releases) if releases else ())
        if order.proven and order.registration != begun.registration
        for document in sorted(papers & _documents(order))
    )


def _documents(order: StoredOrder) -> set[str]:
    """The ids of the documents that a form names."""
    named = _form(order).get("references")
    return (
        {str(ref.get("id")) for ref in named if isinstance(ref, dict)} if isinstance(named, list) else set()
    )


async def _replies_owed(tx: Reading, order_ids: Iterable[OrderId]) -> list[tuple[StoredTask, PersonId]]:
    """The open tasks to answer somebody about orders, each with whom it is about, as the person that remains."""
    owed = [
        (task, PersonId(person))
        for task in await tasks.of_orders(tx, order_ids)
        if task.kind == "standard_reply" and task.state == "open"
        # the subject is the request's id and theirs
        if (person := task.subject.rpartition(":")[2]).isdecimal()
    ]
    same = await persons.merged(tx, {person for _, person in owed}) if owed else {}
    return [(task, same.get(person, person)) for task, person in owed]


async def _units(
    tx: Reading, case: RequestCase, given: Sequence[UnitAnswer], now: datetime
) -> tuple[UnitAsked, ...]:
    today, request = swedish_date(now), case.request
    waits = request.unanswered if request.closed is None else ()
    still = set(units_still_asked(request, case.facts, now))
    reminded = {
        task.subject for task in await tasks.of_orders(tx, [request.order_id]) if task.kind == "unit_reminder"
    }
    return tuple(
        UnitAsked(
            unit,
            answering(case.facts.units, unit, today),
            unit_due(case, today),
            tuple(opinion for opinion in given if opinion.unit == unit),
            unit in waits and unit in still,
            f"{request.order_id}:{unit}" in reminded,
        )
        for unit in request.units
    )


def _assessment(given: UnitAnswer, opinion: StoredOrder | None) -> HarmAssessment:
    form = {} if opinion is None else _form(opinion)
    decider = form.get("decided_by")
    attested = form.get("attestations")
    by = decider if isinstance(decider, dict) else {}
    said = attested if isinstance(attested, list) else []
    return HarmAssessment(
        given.unit,
        given.opinion,
        given.given_at,
        "" if opinion is None else opinion.registration_number,
        None if opinion is None else opinion.registration,
        _text(by.get("hsa_id")),
        _text(by.get("role")),
        _text(by.get("unit")),
        Attestation.HARM_ASSESSMENT in said,
        Attestation.AUTHORITY_CONFIRMED in said,
    )


def _form(order: StoredOrder) -> dict[str, object]:
    found = json.loads(order.payload) if order.payload else {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
