"""
Two persons who were taken for one, and of whom the register says that they are two.

Nobody knows of which of them a form spoke that was filed while they were one. So whatever shuts holds for both from then on,
until it is released for each; what opens ends unless it was surely given to this one. People are asked to look at it.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from sigill.judgement.follow_ups import timers_of, worklist
from sigill.judgement.measure_changes import ended
from sigill.judgement.transitions import goes_on_for
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import AddTask, Amend, CloseTask, Effect, Impose, Sentence, Transition
from sigill.policy.facts import Measure, PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill_contracts.vocabulary import MeasureId, PersonId

_LOOK = Sentence(
    "Registret har skilt två personer åt som hade tagits för en. Det som stänger gäller nu båda, och det som öppnade och"
    " kan ha gällt den andra har upphört. Se över åtgärderna.",
    "The register has told two persons apart who had been taken for one. What shuts now holds for both, and what opened"
    " and may have been meant for the other has ended. Review the measures.",
)


def separated(
    facts: PatientFacts,
    person: PersonId,
    other: PersonId,
    certain: Collection[MeasureId],
    at: datetime,
    books: Rulebooks,
) -> Transition:
    """
    What it brings at `at` (UTC) to `person`, or to a patient whom a measure keeps from `person` or lets `person` see.

    `certain` are the measures made before `other`'s number was taken for that of `person`. A block that names `person`
    holds for `other` too; an exception from one holds for neither; a grant goes on for the others that it names.
    """
    return Transition(
        at, tuple(_asked_to_look(_separated(facts, person, other, certain, at, books), other)), "register"
    )


def _separated(
    facts: PatientFacts,
    person: PersonId,
    other: PersonId,
    certain: Collection[MeasureId],
    at: datetime,
    books: Rulebooks,
) -> Iterator[Effect]:
    own = facts.patient.person_id == person
    for m in facts.measures:
        if not m.not_over(at, facts.patient.birth):
            continue
        named = person in (m.guardians or ()) or m.viewer == person
        if m.kind.opens:
            if (own or named) and m.measure_id not in certain:
                yield ended(m, at)
                yield CloseTask("review", str(m.measure_id))
                if m.valid_from <= at:
                    yield from worklist(m, ends=True)
                left = tuple(g for g in m.guardians or () if g != person)
                if left and not own:
                    yield from goes_on_for(m, left, facts, at, books)
        elif named:
            yield from _also(replace(m, guardians=(other,)), facts, at, books)
        elif person in m.guardians_except:
            yield from _also(replace(m, guardians=(person,), guardians_except=()), facts, at, books)


def shared(of: PatientFacts, other: PatientFacts, at: datetime, books: Rulebooks) -> Transition:
    """What shuts the record of the one shuts that of the `other`, from `at` (UTC), for the other to be released from."""
    effects = (
        effect
        for m in of.measures
        if not m.kind.opens and m.not_over(at, of.patient.birth)
        for effect in _also(replace(m, patient=other.patient.person_id), other, at, books)
    )
    return Transition(at, tuple(_asked_to_look(effects, other.patient.person_id)), "register")


def _also(m: Measure, facts: PatientFacts, at: datetime, books: Rulebooks) -> Iterator[Effect]:
    """The same measure, of another patient or against somebody else."""
    copy = replace(
        m,
        measure_id=_copied(m.measure_id, m, at),
        valid_from=max(at, m.valid_from),
        released=False,
        provisional=False,
        awaits_follow_up=False,
        beside=None if m.beside is None else _copied(m.beside, m, at),
        version=1,
    )
    yield Impose(copy, "continued")
    yield from timers_of(copy, facts, at, books.default_version(m.region, swedish_date(at)).lead)
    if copy.valid_from <= at:
        yield from worklist(copy, ends=False)


def _copied(measure: MeasureId, m: Measure, at: datetime) -> MeasureId:
    against = ",".join(m.guardians or ())
    name = f"sigill:separated:{measure}:{m.patient}:{against}:{at.isoformat()}"
    return MeasureId(str(uuid5(NAMESPACE_URL, name)))


def _asked_to_look(effects: Iterator[Effect], other: PersonId) -> Iterator[Effect]:
    """The effects, and a task for each region whose measures they touch."""
    asked: set[str] = set()
    for effect in effects:
        yield effect
        if isinstance(effect, Impose | Amend):
            m = effect.measure
            if m.region not in asked:
                asked.add(m.region)
                yield AddTask("persons_separated", f"{m.patient}:{other}:{m.region}", _LOOK, m.region)
