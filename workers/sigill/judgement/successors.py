"""
Closed units whose successor nobody knows: what waits for it, and what follows when it is named (X-07).

The directory names it, or two operators do.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from sigill.judgement.order_case import OrderEvaluation
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import AddTask, CloseTask, Effect, SetTimer, TimerKind
from sigill.policy.facts import PatientFacts, ReleaseRequest
from sigill.policy.sentences import PENDING, SUCCESSOR_WANTED
from sigill.policy.units import answering, line_of
from sigill_contracts.vocabulary import OrderId, PendingCode, PersonId, RegionCode, UnitId

NAME_SUCCESSOR = "name_successor"
"""The kind of the operators' task."""


def _subject(unit: UnitId, patient: PersonId) -> str:
    return f"{unit}:{patient}"


def successor_tasks(case: OrderEvaluation, units: Iterable[UnitId]) -> Iterator[AddTask]:
    """One task for operators a closed unit and patient: name the unit that succeeded it."""
    if case.known is not None:
        patient, region = case.known.patient.person_id, RegionCode(case.form.region)
        yield from wanted(patient, units, region, case.order_id)


def wanted(
    patient: PersonId, units: Iterable[UnitId], region: RegionCode, order_id: OrderId
) -> Iterator[AddTask]:
    """The operators' tasks to name the successors of closed units."""
    for unit in units:
        yield AddTask(
            kind=NAME_SUCCESSOR,
            subject=_subject(unit, patient),
            text=SUCCESSOR_WANTED,
            region=region,
            order_id=order_id,
            unit=unit,
        )


def wanted_no_more(facts: PatientFacts, at: datetime) -> Iterator[CloseTask]:
    """The tasks to name the successors of units whose measures are all over: nobody opens anything for those."""
    birth = facts.patient.birth
    standing = {m.unit for m in facts.measures if m.not_over(at, birth)}
    for unit in dict.fromkeys(m.unit for m in facts.measures if m.unit is not None):
        if unit not in standing:
            yield CloseTask(NAME_SUCCESSOR, _subject(unit, facts.patient.person_id))


def look_again(case: OrderEvaluation) -> Iterator[SetTimer]:
    """
    A timer for the end of all that an order is about, which waits for a successor: from then on it waits for nothing (X-04).
    """
    if case.known is None or not case.targets:
        return
    ends = [m.ends_at(case.known.patient.birth) for m in case.targets]
    last = max((end for end in ends if end is not None), default=None)
    if last is not None and None not in ends:
        patient, region = case.known.patient.person_id, RegionCode(case.form.region)
        yield SetTimer(TimerKind.SUCCESSOR_NAMED, last, patient, region, order_id=case.order_id)


def named(facts: PatientFacts, requests: Iterable[ReleaseRequest], at: datetime) -> Iterator[Effect]:
    """
    What follows for a patient when a successor became known: tasks to name one are closed, and whoever was to answer a
    request for the closed unit is asked in its stead.
    """
    day = swedish_date(at)
    imposing = dict.fromkeys(m.unit for m in facts.measures if m.unit is not None)
    succeeded = dict.fromkeys(u for unit in imposing for u in line_of(facts.units, unit, day)[:-1])
    yield from wanted_no_more(facts, at)
    for unit in succeeded:
        yield CloseTask(NAME_SUCCESSOR, _subject(unit, facts.patient.person_id))
    for request in requests:
        if request.closed is not None:
            continue
        for unit in request.unanswered:
            successor = answering(facts.units, unit, day)
            if successor != unit:
                subject = f"{request.order_id}:{unit}"
                yield CloseTask("unit_opinion", subject)
                yield AddTask(
                    kind="unit_opinion",
                    subject=subject,
                    text=PENDING[PendingCode.AWAITING_UNITS],
                    region=request.region,
                    order_id=request.order_id,
                    unit=successor,
                )
