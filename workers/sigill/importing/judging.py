"""
What becomes of one row of a list: values in, values out.

A row has no signature, so nobody is asked to prove who decided: that was done when the measure was imposed. All else
that a region's rulebook says of such a measure still holds. In doubt a *protective* row is applied and flagged, and
what cannot be read in it is taken as wide as can be; an *opening* row is refused.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from sigill.importing.table import ListRow
from sigill.judgement import consequences, follow_ups
from sigill.judgement.objections import objections
from sigill.judgement.order_case import OrderEvaluation
from sigill.policy.calendar import midnight, swedish_date
from sigill.policy.effects import AddTask, Amend, Effect, Impose, Sentence, applied
from sigill.policy.facts import Measure, OrderFacts, PatientFacts, Silence
from sigill.policy.identity_numbers import NUMBER_FAULT, NumberFault, NumberRules
from sigill.policy.measure_specs import MEASURE_SPECS
from sigill.policy.rulebook import Region, Rulebooks, Version
from sigill.policy.sentences import MEASURE
from sigill_contracts.order import CourtOrder, Inform, SignedForm
from sigill_contracts.vocabulary import (
    IMPOSES,
    RELEASES,
    Attestation,
    Duty,
    Form,
    MeasureKind,
    OrderId,
    RefusalCode,
    RegionCode,
    UnitId,
)

FORM_OF: dict[MeasureKind, Form] = {kind: form for form, kind in IMPOSES.items()}
_RELEASE_OF: dict[MeasureKind, Form] = {kind: form for form, kind in RELEASES.items()}
_C = RefusalCode

_OF_THE_ACT = frozenset(
    {
        _C.SIGNER_IS_NOT_DECIDER,
        _C.DECIDER_UNKNOWN,
        _C.DECIDER_LACKS_ROLE,
        _C.DECIDER_NOT_ACTIVE,
        _C.DECIDER_WRONG_UNIT,
        _C.CONSULTATION_MISSING,
        _C.ATTESTATION_MISSING,
        _C.REFERENCE_MISSING,
        _C.PRINCIPAL_CONSENT_REQUIRED,
        _C.CHANNEL_NOT_ALLOWED,
        _C.MOTIVATION_REQUIRED,
        _C.CALLER_NOT_IDENTIFIED,
        _C.FOLLOW_UP_UNKNOWN,
    }
)
"""Reasons about how an order is given. A list says nothing of it, and it was settled when the measure was imposed."""

DOUBTS: dict[str, Sentence] = {
    "kind": Sentence("Åtgärden går inte att läsa.", "The measure cannot be read."),
    "patient": Sentence("Personnumret går inte att läsa.", "The patient's number cannot be read."),
    "patient_unknown": Sentence(
        "Registret har inte berättat om patienten än.", "The register has not told of the patient yet."
    ),
    "unreadable": Sentence("En cell går inte att läsa: {}.", "A cell cannot be read: {}."),
    "since_when": Sentence(
        "Varken beslutsdatum eller startdatum är angivet.",
        "Neither the decision's date nor a start is given.",
    ),
    "initiative": Sentence(
        "Det framgår inte vems initiativ det är.", "Whose initiative it is does not appear."
    ),
    "deciding_unit": Sentence(
        "Beslutande enhet saknas; den behövs när åtgärden ska hävas.",
        "The deciding unit is missing; it is needed when the measure is to be lifted.",
    ),
    "nobody_named": Sentence("Det framgår inte vem som får åtkomst.", "Who gets access does not appear."),
    "overlaps": Sentence(
        "Samma åtgärd gäller redan, med ett annat slut.",
        "The same measure is in force already, with another end.",
    ),
    "custody_unconfirmed": Sentence(
        "Vårdnaden kan inte bekräftas i registret.", "Custody cannot be confirmed in the register."
    ),
    "form_not_offered": Sentence(
        "Regionens regler har ingen sådan åtgärd.", "The region's rules have no such measure."
    ),
}


class RowOutcome(StrEnum):
    """What becomes of a row."""

    APPLIED = "applied"
    APPLIED_FLAGGED = "applied_flagged"
    """Applied, and somebody must look at it: a task says why."""
    ALREADY_KNOWN = "already_known"
    OVER = "over"
    """The measure has ended already: there is nothing to apply."""
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class RowIssue:
    """Why somebody must look, or why a row was refused. Names a column or a code, never a person."""

    code: str
    text: Sentence


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row's fate, with what follows where it is applied. `form` is the row written as a form, for the record."""

    fate: RowOutcome
    doubts: tuple[RowIssue, ...] = ()
    form: SignedForm | None = None
    effects: tuple[Effect, ...] = ()
    named: tuple[Measure, ...] = ()
    rulebook: str = ""


def doubt(code: str, *about: str) -> RowIssue:
    """A doubt by its code."""
    text = DOUBTS[code]
    return RowIssue(code, Sentence(text.sv.format(*about), text.en.format(*about)))


def order_id_of(region: str, row: ListRow) -> OrderId:
    """The id under which a row's measure is known: the same row imported again has the same."""
    return OrderId(str(uuid5(NAMESPACE_URL, f"sigill:import:{region}:{row.digest.hex()}")))


def form_of(row: ListRow, region: str, at: datetime) -> SignedForm:
    """
    A row with measure and patient written as a form of its region; what is not known is left out.

    A measure whose cells could not be read is as wide as can be. Nobody is told of what the list does not say may be
    told: of a protective measure only who is marked so.
    """
    assert row.kind is not None
    assert row.patient is not None
    since = row.decided_on or row.valid_from
    whole = "units" in row.faults
    dated = not whole and not row.faults & {"recorded_from", "recorded_to"}
    told = row.kind.opens
    return SignedForm(
        order_id=UUID(order_id_of(region, row)),
        audience="sigill/import",
        region=region,
        form=FORM_OF[row.kind],
        patient=row.patient,
        initiative=row.initiative or MEASURE_SPECS[row.kind].initiative,
        decided_at=at if since is None else min(at, midnight(since)),
        units=row.units,
        recorded_from=row.recorded_from if dated else None,
        recorded_to=row.recorded_to if dated else None,
        valid_from=row.valid_from,
        valid_through=row.valid_through,
        guardians=row.guardians,
        representative=row.representative,
        court_order=_court_order(row, since, at),
        attestations=(Attestation.REPORTED_TO_AUTHORITY,) if row.reported else (),
        motivation=row.note,
        review_on=row.review_on,
        inform=Inform(
            guardians=told if row.inform_guardians is None else row.inform_guardians,
            patient=told if row.inform_patient is None else row.inform_patient,
        ),
    )


def _court_order(row: ListRow, since: date | None, at: datetime) -> CourtOrder | None:
    if not row.court_order:
        return None
    # a list names the case only; that the duty was `person` was looked at when access was given
    return CourtOrder(
        court="-", reference=row.court_order, date=since or swedish_date(at), duties=(Duty.PERSON,)
    )


def unreadable(row: ListRow) -> JudgedRow | None:
    """The fate of a row of which not even measure and patient can be read; None for any other."""
    faults = [doubt(name) for name in ("kind", "patient") if getattr(row, name) is None]
    if row.number_fault is not None:
        faults[-1] = RowIssue("patient", NUMBER_FAULT[row.number_fault])
    return JudgedRow(RowOutcome.UNREADABLE, tuple(faults)) if faults else None


def number_fault(row: ListRow) -> NumberFault | None:
    """Why the patient's number cannot be anybody's; None where it can."""
    assert row.patient is not None
    return NumberRules().fault_of(row.patient.id_type, row.patient.id)


def wrong_number(fault: NumberFault) -> RowIssue:
    """The doubt about a number that cannot be anybody's."""
    return RowIssue(str(RefusalCode.FIELD_INVALID), NUMBER_FAULT[fault])


def judge_row(row: ListRow, form: SignedForm, facts: OrderFacts, region: Region) -> JudgedRow:
    """
    What becomes of a row, `facts` being those of its patient (who may be one whom the register has not told of).

    The rules are those in force at the decision, or the region's first ones for an older decision.
    """
    assert facts.known is not None
    assert row.kind is not None
    version = region.in_force(swedish_date(form.decided_at)) or region.versions[0]
    known = replace(facts.known, patient=replace(facts.known.patient, registered=True))
    # a row imposes and releases nothing: no other region's rules are asked
    books = Rulebooks({RegionCode(region.region): region})
    case = OrderEvaluation(form, replace(facts, known=known), region, version, books)
    effects = tuple(_dated(row, case, consequences.effects_of(case, known)))
    main = next(e.measure for e in effects if isinstance(e, Impose) and e.measure.beside is None)
    doubts = tuple(_doubts(row, case, facts.known, version))
    judged = JudgedRow(
        fate=RowOutcome.APPLIED_FLAGGED if doubts else RowOutcome.APPLIED,
        doubts=doubts,
        form=form,
        effects=effects,
        named=(main,),
        rulebook=f"{region.region} {version.since.isoformat()}",
    )
    return _settled(judged, main, case, known)


def _settled(judged: JudgedRow, main: Measure, case: OrderEvaluation, known: PatientFacts) -> JudgedRow:
    """The fate, given what stands already."""
    birth = known.patient.birth
    if not main.not_over(case.at, birth):
        return JudgedRow(RowOutcome.OVER, form=judged.form, rulebook=judged.rulebook)
    same = [m for m in known.measures if _same(m, main) and m.not_over(case.at, birth)]
    if same:
        ends = [m.ends_at(birth) for m in same]
        end = main.ends_at(birth)
        if None in ends or (end is not None and any(e is not None and e >= end for e in ends)):
            return JudgedRow(RowOutcome.ALREADY_KNOWN, form=judged.form, rulebook=judged.rulebook)
        judged = replace(judged, fate=RowOutcome.APPLIED_FLAGGED, doubts=(*judged.doubts, doubt("overlaps")))
    if judged.doubts and main.kind.opens:
        return JudgedRow(RowOutcome.REFUSED, judged.doubts, judged.form, rulebook=judged.rulebook)
    return replace(judged, effects=(*judged.effects, *_follows(judged, case, known)))


def _same(m: Measure, other: Measure) -> bool:
    return m.region == other.region and all(
        getattr(m, name) == getattr(other, name)
        for name in (
            "kind",
            "services",
            "units",
            "recorded_from",
            "recorded_to",
            "guardians",
            "guardians_except",
            "viewer",
        )
    )


def _dated(row: ListRow, case: OrderEvaluation, effects: Iterable[Effect]) -> Iterator[Effect]:
    """The measures as in force since their own first day, decided by the unit that the list names."""
    since = row.valid_from or row.decided_on
    starts = case.starts_at if since is None else midnight(since)
    unit = UnitId(row.unit) if row.unit else None
    silences = frozenset(_silences(row))
    for effect in effects:
        if isinstance(effect, Impose):
            m = replace(effect.measure, valid_from=starts, unit=unit, silences=silences)
            yield replace(effect, measure=m)
        else:
            yield effect


def _silences(row: ListRow) -> Iterator[Silence]:
    """A "no" that stands in the list is a "do not tell" of its unit; what the list leaves out is none (X-23)."""
    if row.inform_guardians is False:
        yield Silence("guardians", row.unit or "")
    if row.inform_patient is False:
        yield Silence("patient", row.unit or "")


def _doubts(row: ListRow, case: OrderEvaluation, facts: PatientFacts, version: Version) -> Iterator[RowIssue]:
    assert row.kind is not None
    for name in sorted(row.faults):
        yield doubt("unreadable", name)
    if not facts.patient.registered:
        yield doubt("patient_unknown")
    if not version.offers(case.form.form):
        yield doubt("form_not_offered")
    if row.valid_from is None and row.decided_on is None and row.kind.opens:
        yield doubt("since_when")
    if row.initiative is None and row.kind in (MeasureKind.JOURNAL_SEAL, MeasureKind.LOGIN_LOCK):
        yield doubt("initiative")
    release = version.matching(_RELEASE_OF[row.kind])
    if row.unit is None and any(e.unanimity for e in release):
        yield doubt("deciding_unit")
    if row.kind is MeasureKind.GUARDIAN_GRANT and not row.guardians:
        yield doubt("nobody_named")
    if row.kind is MeasureKind.REPRESENTATIVE_GRANT and (
        case.form.representative is None or case.who(case.form.representative) is None
    ):
        yield doubt("nobody_named")
    if row.guardians is not None and facts.patient.registered and case.custody_unclear:
        yield doubt("custody_unconfirmed")
    for found in objections(case):
        if found.code not in _OF_THE_ACT and found.code is not _C.END_DATE_IN_PAST:
            yield RowIssue(str(found.code), found.text)


def _follows(judged: JudgedRow, case: OrderEvaluation, known: PatientFacts) -> Iterator[Effect]:
    """Timers; a task where there is doubt; and what the list does not show to be keyed in yet."""
    after = applied(known, judged.effects)
    main = judged.named[0]
    for effect in judged.effects:
        if not isinstance(effect, Impose | Amend):
            continue
        yield from follow_ups.timers_of(effect.measure, after, case.at, case.version.lead)
        if effect.measure.measure_id != main.measure_id and effect.measure.valid_from <= case.at:
            yield from follow_ups.worklist(effect.measure, ends=effect.measure.released)
    if judged.doubts:
        words = MEASURE[main.kind]
        sv = " ".join(issue.text.sv for issue in judged.doubts)
        en = " ".join(issue.text.en for issue in judged.doubts)
        yield AddTask(
            kind="imported_in_doubt",
            subject=str(main.measure_id),
            text=Sentence(
                f"Importerad med frågetecken, {words.sv}: {sv}", f"Imported in doubt, {words.en}: {en}"
            ),
            region=RegionCode(case.form.region),
            order_id=case.order_id,
            measure_id=main.measure_id,
            unit=main.unit,
        )
