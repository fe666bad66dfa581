"""
The answer to an order: what was done or why not, what still holds, what people must do, and the note to file.

The receipt goes back to the record system that sent the order; identity numbers stand in its payload only.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sigill.judgement.orders import last_day_of, named_by
from sigill.judgement.remarks import asks_to_open, in_force_for, of_what_holds
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import (
    AddTask,
    Amend,
    Impose,
    Judgement,
    Note,
    PendingReason,
    RefusalReason,
    RemarkReason,
    Sentence,
)
from sigill.policy.facts import Measure, PatientFacts
from sigill.policy.lexicon import ENTERED, NOTHING_DONE, UNREADABLE
from sigill.policy.rulebook import Region
from sigill.processing.citations import Citations
from sigill.processing.event_ids import RECORD_ANSWER, event_id
from sigill.processing.person_refs import all_named_in, named_in
from sigill.store.orders import StoredAnswer, StoredOrder
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import (
    EnteredOrder,
    MeasureReport,
    NoteToFile,
    Receipt,
    Refusal,
    RemarkNote,
    Task,
    Unreadable,
    Waiting,
)
from sigill_contracts.vocabulary import Channel, MeasureId, MeasureKind, OrderId, Outcome, PersonId, Remark


def registration_number(
    source: str, event: str, digest: bytes, received_at: datetime, region: Region | None = None
) -> str:
    """
    The number under which an order is registered (diarienummer), as people write it.

    In the series of its region on the Swedish day on which the broker received it (UTC), else Sigill's:
    `SIGILL-20250310-7F3A9CQDXW`. It follows from the message (CloudEvents `source` and id, SHA-256 of its bytes), the
    broker's record and the dated series alone, so that an order that is taken again after a restore has the number that
    stands in letters. Fifty bits tell it from all others: of 100,000 orders a year two are alike once in 200,000 years.
    """
    told = sha256(b"\0".join((source.encode(), event.encode(), digest))).digest()
    bits = int.from_bytes(told[:7], "big") >> 6
    letters = "".join(_LETTERS[bits >> shift & 31] for shift in range(45, -1, -5))
    on = swedish_date(received_at)
    series = None if region is None else region.series_on(on)
    return f"SIGILL-{on:%Y%m%d}-{letters}" if series is None else series.numbered(on, letters)


_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no two letters that are read alike."""


def receipt(
    order: StoredOrder,
    form: SignedForm | None,
    signers: Sequence[str],
    judgement: Judgement,
    facts: PatientFacts | None,
    citations: Citations,
    *,
    cause: str,
    at: datetime,
) -> Receipt:
    """
    The receipt of a judged order, `facts` being those after its effects. `at` is the moment of judging (UTC).

    `form` is None where none could be read; `signers` are the HSA-ids of whoever signed it.
    """
    return Receipt(
        receipt_id=event_id(cause, _answer(judgement.outcome, judgement.codes)),
        order_id=form.order_id if form else None if order.order_id is None else UUID(order.order_id),
        answers_event=order.event_id,
        answers_source=order.source,
        region=None if form is None else form.region,
        form=None if form is None else form.form,
        initiative=None if form is None else form.initiative,
        outcome=judgement.outcome,
        decided_at=None if form is None else form.decided_at,
        received_at=order.received_at,
        judged_at=at,
        rulebook=judgement.rulebook or None,
        rulebook_digest=judgement.digest or None,
        codes=judgement.codes,
        refusals=tuple(_refusal(objection, citations) for objection in judgement.refusals),
        waits=tuple(_waiting(wait, citations) for wait in judgement.waits),
        remarks=tuple(_remark(noted, citations) for noted in judgement.remarks),
        measures=_reports(judgement, facts, citations),
        still_in_force=_still(judgement, facts, citations),
        tasks=tuple(
            task_of(effect, citations) for effect in judgement.effects if isinstance(effect, AddTask)
        ),
        note=_note(judgement.note, form, order.registration_number, facts),
        ends_on=judgement.ends_on,
        digest=order.digest.hex(),
        entered=_entered(form, signers),
        flagged=judgement.flagged,
    )


def stored_answer(registration: int, answer: Receipt, *, first: bool = False) -> StoredAnswer:
    """The answer to the order that is filed under a number, as it is kept. `first`: it has had none before."""
    deadlines = [wait.until for wait in answer.waits if wait.until is not None]
    return StoredAnswer(
        registration=registration,
        outcome=answer.outcome,
        receipt=answer.model_dump_json(),
        judged_at=answer.judged_at,
        codes=answer.codes,
        measures=tuple(dict.fromkeys(MeasureId(str(m.measure_id)) for m in answer.measures)),
        until=min(deadlines, default=None),
        first=first,
    )


def _entered(form: SignedForm | None, signers: Sequence[str]) -> EnteredOrder | None:
    """Whose name an order was entered in, where a support desk entered it."""
    if form is None or form.decided_by is None or form.channel is Channel.EHR_FORM:
        return None
    if not signers or form.decided_by.hsa_id in signers:
        return None
    return EnteredOrder(
        by=tuple(signers),
        decided_by=form.decided_by.hsa_id,
        role=form.decided_by.role,
        unit=form.decided_by.unit,
        channel=form.channel,
        sv=ENTERED[form.channel].sv,
        en=ENTERED[form.channel].en,
    )


def _answer(outcome: Outcome, codes: Sequence[str]) -> str:
    """
    What an event id says of an answer. An order that is taken again after a restore, when the register has been read
    further than before, may be carried out where it waited: that is another answer, and no repeat of the first one.
    """
    return f"receipt:{outcome}:{','.join(codes)}"


def unreadable(
    record_digest: str,
    event: str,
    reason: DeadLetterReason,
    *,
    source: str,
    cause: str,
    received_at: datetime,
    at: datetime,
) -> Receipt:
    """The answer to a message that could not be read, but whose sender and id can (`event`): what to mend."""
    why = UNREADABLE[reason]
    return Receipt(
        receipt_id=event_id(cause, RECORD_ANSWER),
        order_id=None,
        answers_event=event,
        answers_source=source,
        outcome=Outcome.UNREADABLE,
        received_at=received_at,
        judged_at=at,
        codes=(reason.value,),
        unreadable=Unreadable(
            code=reason,
            sv=f"{why.sv} {NOTHING_DONE.sv}",
            en=f"{why.en} {NOTHING_DONE.en}",
        ),
        digest=record_digest,
    )


def duplicate_of(
    first: Receipt, *, cause: str, source: str, event: str, received_at: datetime, at: datetime
) -> Receipt:
    """
    The answer to the same message again: the first answer, marked as a repeat. It changes nothing.

    `first` is the newest receipt of the order, so that the sender of a lost answer learns how it stands now.
    """
    return first.model_copy(
        update={
            "receipt_id": event_id(cause, RECORD_ANSWER),
            "outcome": Outcome.DUPLICATE,
            "first_outcome": first.first_outcome or first.outcome,
            "answers_event": event,
            "answers_source": source,
            "received_at": received_at,
            "judged_at": at,
        }
    )


def settled(
    earlier: Receipt,
    outcome: Outcome,
    text: Sentence,
    facts: PatientFacts | None,
    citations: Citations,
    touched: Sequence[tuple[Measure, str]],
    *,
    cause: str,
    at: datetime,
    refusal: RefusalReason | None = None,
) -> Receipt:
    """
    The final answer to an order that waited: what it waited for is there, or never will be.

    Its measures, and their end, are told as they stand now: the form after a call may have given them one. Of an
    order that had none until now, those that were `touched`. An order that comes to nothing has no end and no note
    to file. `text` says why, for an order that comes to nothing; `refusal` gives its reason a code.

    The answer to a request, or to a release that waited, says what still holds now, whatever it said when it waited.
    """
    executed = outcome is Outcome.EXECUTED
    measures = earlier.measures
    ends_on, note = (earlier.ends_on, earlier.note) if executed else (None, None)
    if facts is not None:
        standing = {measure.measure_id: measure for measure in facts.measures}
        told = [(standing.get(MeasureId(str(m.measure_id))), m.action) for m in earlier.measures]
        changed = [(m, action) for m, action in told or touched if m is not None]
        measures = tuple(report(m, action, facts, citations) for m, action in changed)
        if executed and earlier.form is not None and changed:
            named = named_by(earlier.form, OrderId(str(earlier.order_id)), [m for m, _ in changed])
            ends_on = last_day_of(named, facts.patient.birth)
            if note is not None and any(not m.released for m in named):
                note = note.model_copy(update={"period_through": ends_on})
    remarks, still = earlier.remarks, earlier.still_in_force
    if facts is not None and earlier.form is not None and asks_to_open(earlier.form):
        holding = in_force_for(earlier.form, facts, at)
        still = tuple(report(m, "imposed", facts, citations) for m in holding)
        remarks = tuple(r for r in remarks if r.code not in _OF_WHAT_HOLDS)
        if executed:
            remarks += tuple(_remark(noted, citations) for noted in of_what_holds(holding, facts, at))
    if outcome is Outcome.REFUSED and refusal is None:
        remarks = (*remarks, RemarkNote(code=Remark.STILL_HOLDS, sv=text.sv, en=text.en))
    return earlier.model_copy(
        update={
            "receipt_id": event_id(cause, "receipt"),
            "outcome": outcome,
            "judged_at": at,
            "codes": () if refusal is None else (str(refusal.code),),
            "refusals": () if refusal is None else (_refusal(refusal, citations),),
            "waits": (),
            "settled_sv": text.sv,
            "settled_en": text.en,
            "remarks": remarks,
            "measures": measures if executed else (),
            "still_in_force": still,
            "ends_on": ends_on,
            "note": note,
        }
    )


_OF_WHAT_HOLDS = frozenset({Remark.STILL_HOLDS, Remark.MADE_ELSEWHERE})


def report(measure: Measure, action: str, facts: PatientFacts, citations: Citations) -> MeasureReport:
    """One measure as a receipt tells it; its end also where it comes by itself with an age."""
    return MeasureReport(
        measure_id=UUID(measure.measure_id),
        kind=measure.kind,
        action=action,
        order_id=UUID(measure.orders[0]) if measure.orders else None,
        services=measure.services,
        units=None if measure.units is None else tuple(sorted(measure.units)),
        recorded_from=measure.recorded_from,
        recorded_to=measure.recorded_to,
        guardians=all_named_in(facts, measure.guardians),
        guardians_except=all_named_in(facts, measure.guardians_except) or (),
        representative=None if measure.viewer is None else named_in(facts, measure.viewer),
        starts_at=measure.valid_from,
        ends_on=measure.last_day(facts.patient.birth),
        provisional=measure.provisional,
        because=citations.of(measure.rules),
    )


def task_of(task: AddTask, citations: Citations) -> Task:
    """A task as a receipt tells it."""
    return Task(
        kind=task.kind, due=task.due_at, sv=task.text.sv, en=task.text.en, citations=citations.of(task.rules)
    )


def _refusal(objection: RefusalReason, citations: Citations) -> Refusal:

    return Refusal(
        code=objection.code,
        field=objection.field,
        sv=objection.text.sv,
        en=objection.text.en,
        citations=citations.of(objection.rules),
    )


def _waiting(wait: PendingReason, citations: Citations) -> Waiting:

    return Waiting(
        code=wait.code,
        until=wait.until,
        units=wait.units,
        sv=wait.text.sv,
        en=wait.text.en,
        citations=citations.of(wait.rules),
    )


def _remark(noted: RemarkReason, citations: Citations) -> RemarkNote:

    return RemarkNote(
        code=noted.code,
        measures=tuple(UUID(measure) for measure in noted.measures),
        sv=noted.text.sv,
        en=noted.text.en,
        citations=citations.of(noted.rules),
    )


def _reports(
    judgement: Judgement, facts: PatientFacts | None, citations: Citations
) -> tuple[MeasureReport, ...]:

    if facts is None:
        return ()
    return tuple(
        report(effect.measure, effect.action, facts, citations)
        for effect in judgement.effects
        if isinstance(effect, Impose | Amend)
    )


def _still(
    judgement: Judgement, facts: PatientFacts | None, citations: Citations
) -> tuple[MeasureReport, ...]:

    if facts is None:
        return ()
    return tuple(report(measure, "imposed", facts, citations) for measure in judgement.still_in_force)


def _note(
    note: Note | None, form: SignedForm | None, registration: str, facts: PatientFacts | None
) -> NoteToFile | None:

    if note is None or form is None or facts is None:
        return None
    decided_by = form.decided_by
    return NoteToFile(
        keyword=note.keyword,
        measures=tuple(dict.fromkeys(measure.kind for measure in note.measures)),
        for_whom_sv=_recipients(note.recipients, facts)
        if note.recipients is not None
        else "; ".join(dict.fromkeys(_for_whom(measure, facts) for measure in note.measures)),
        units=None if note.units is None else tuple(sorted(note.units)),
        recorded_from=min((m.recorded_from for m in note.measures if m.recorded_from), default=None),
        recorded_to=max((m.recorded_to for m in note.measures if m.recorded_to), default=None),
        choice=note.choice,
        period_from=note.period_from,
        period_through=note.period_through,
        motivation=form.motivation,
        decided_by=None if decided_by is None else decided_by.hsa_id,
        decided_role=None if decided_by is None else decided_by.role,
        review_on=form.review_on,
        registration_number=registration,
        sv=note.text.sv,
        en=note.text.en,
        duties=note.duties,
    )


def _recipients(people: tuple[PersonId, ...], facts: PatientFacts) -> str:
    """Who was given a copy on paper, as the note states it."""
    others = [named_in(facts, person) for person in people if person != facts.patient.person_id]
    named = [f"vårdnadshavare {ref.id}" for ref in others if ref is not None]
    own = ["patienten"] if facts.patient.person_id in people else []
    return ", ".join((*own, *named))


def _for_whom(measure: Measure, facts: PatientFacts) -> str:
    """For whom a measure is, as the note states it (VGB-09)."""
    match measure.kind:
        case MeasureKind.JOURNAL_SEAL:
            return "alla som annars ser journalen på nätet"
        case MeasureKind.LOGIN_LOCK:
            return "alla inloggningar i patientens e-tjänster"
        case MeasureKind.CHILD_SEAL:
            return "barnet och samtliga vårdnadshavare"
        case MeasureKind.MINOR_GRANT:
            return "barnet"
        case MeasureKind.REPRESENTATIVE_GRANT:
            viewer = None if measure.viewer is None else named_in(facts, measure.viewer)
            return "legal ställföreträdare" + ("" if viewer is None else f" {viewer.id}")
        case _:
            guardians = all_named_in(facts, measure.guardians)
            if guardians is None:
                left_out = all_named_in(facts, measure.guardians_except)
                but = " utom " + ", ".join(ref.id for ref in left_out) if left_out else ""
                return "samtliga vårdnadshavare" + but
            return "vårdnadshavare " + ", ".join(ref.id for ref in guardians)
