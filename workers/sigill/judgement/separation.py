"""
Two persons who were taken for one, and of whom the register says that they are two.

Nobody knows of which of them a form spoke that was filed while they were one. So whatever shuts holds for both from then on,
until it is released for each; what opens ends unless it was surely given to this one. What was released meanwhile shuts
again the one whom the release did not name. People are asked to look at it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from uuid import NAMESPACE_URL, uuid5

from sigill.judgement.follow_ups import timers_of, worklist
from sigill.judgement.measure_changes import ended
from sigill.judgement.transitions import goes_on_for
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import (
    AddTask,
    Amend,
    CloseRequest,
    CloseTask,
    Effect,
    Impose,
    ResolvePending,
    Sentence,
    Transition,
)
from sigill.policy.elsewhere import outside_change
from sigill.policy.facts import Measure, PatientFacts, ReleaseRequest, RequestEnd
from sigill.policy.requests import OUTCOME, replies_closed, tasks_closed
from sigill.policy.rulebook import Rulebooks
from sigill_contracts.vocabulary import MeasureId, OrderId, PersonId, RegionCode

_LOOK = Sentence(
    "Registret har skilt två personer åt som hade tagits för en. Det som stänger gäller nu båda, och det som öppnade och"
    " kan ha gällt den andra har upphört. Se över åtgärderna.",
    "The register has told two persons apart who had been taken for one. What shuts now holds for both, and what opened"
    " and may have been meant for the other has ended. Review the measures.",
)
_ASK_AGAIN = Sentence(
    "Registret har skilt två personer åt som hade tagits för en, och begäran nämner den andra. Den öppnar inget och"
    " måste göras på nytt.",
    "The register has told two persons apart who had been taken for one, and the request names the other. It opens nothing"
    " and must be made anew.",
)


@dataclass(frozen=True, slots=True)
class Lifted:
    """A measure that shut, as it was until it was released while two were one, and those of the two whom that named."""

    before: Measure
    named: frozenset[PersonId]


@dataclass(frozen=True, slots=True)
class Separated:
    """
    A person, and the other who was taken for it.

    `certain` are the measures made before `other`'s number was taken for that of `person`, `lifted` those released since,
    and `requests` the open requests whose order names `other`'s number.
    """

    person: PersonId
    other: PersonId
    certain: frozenset[MeasureId] = frozenset()
    lifted: Mapping[MeasureId, Lifted] = field(default_factory=lambda: MappingProxyType({}))
    requests: frozenset[OrderId] = frozenset()


def separated(
    facts: PatientFacts,
    two: Separated,
    at: datetime,
    books: Rulebooks,
    open_requests: Iterable[ReleaseRequest] = (),
) -> Transition:
    """
    What it brings at `at` (UTC) to the person, or to a patient whom a measure keeps from that person or lets it see.

    A block that names the person holds for the other too; an exception from one holds for neither; a grant goes on for the
    others that it names. A request that names the other's number is closed: whose measures it is about is another's.
    """
    effects = (*_closed(open_requests, two), *_separated(facts, two, at, books))
    regions = [r.region for r in open_requests if r.closed is None and r.order_id in two.requests]
    regions += [m.region for m in facts.measures if m.measure_id in two.lifted]
    return Transition(
        at, tuple(_asked_to_look(effects, facts.patient.person_id, two.other, regions)), "register"
    )


def _closed(requests: Iterable[ReleaseRequest], two: Separated) -> Iterator[Effect]:
    for request in requests:
        if request.closed is None and request.order_id in two.requests:
            yield CloseRequest(request.order_id, RequestEnd.MOOT)
            yield ResolvePending(request.order_id, OUTCOME[RequestEnd.MOOT], _ASK_AGAIN)
            yield from tasks_closed(request)
            yield from replies_closed(request)


def _separated(facts: PatientFacts, two: Separated, at: datetime, books: Rulebooks) -> Iterator[Effect]:
    person, other = two.person, two.other
    own = facts.patient.person_id == person
    for m in facts.measures:
        resumed = tuple(_resumed(m, facts, two, at, books))
        yield from resumed
        if not m.not_over(at, facts.patient.birth):
            continue
        named = person in (m.guardians or ()) or m.viewer == person
        if m.kind.opens:
            if (own or named) and m.measure_id not in two.certain:
                yield ended(m, at, known=at)
                yield CloseTask("review", str(m.measure_id))
                if m.valid_from <= at:
                    yield from worklist(m, ends=True)
                left = tuple(g for g in m.guardians or () if g != person)
                if left and not own:
                    yield from goes_on_for(m, left, facts, at, books)
        elif named:
            if any(isinstance(e, Impose) and e.measure.guardians == (other,) for e in resumed):
                continue
            yield from _also(replace(m, guardians=(other,)), facts, at, books)
        elif person in m.guardians_except:
            yield from _also(replace(m, guardians=(person,), guardians_except=()), facts, at, books)


def _resumed(
    m: Measure, facts: PatientFacts, two: Separated, at: datetime, books: Rulebooks
) -> Iterator[Effect]:
    """What was released while they were one shuts again whom the release did not name."""
    if m.measure_id not in two.lifted:
        return
    lifted = two.lifted[m.measure_id]
    if not lifted.before.not_over(at, facts.patient.birth):
        return
    if facts.patient.person_id == two.person:
        if two.person not in lifted.named:
            yield from _also(lifted.before, facts, at, books)
    elif two.person in (lifted.before.guardians or ()):
        for guardian in (two.person, two.other):
            if guardian not in lifted.named:
                yield from _also(replace(lifted.before, guardians=(guardian,)), facts, at, books)


def shared(
    of: PatientFacts, other: PatientFacts, two: Separated, at: datetime, books: Rulebooks
) -> Transition:
    """
    What shuts the record of the one shuts that of the `other`, from `at` (UTC), for the other to be released from.

    What was made elsewhere is read for both already.
    """
    effects = [
        effect
        for m in of.measures
        if not m.kind.opens
        for shut in [_as_it_shuts(m, two)]
        if shut.not_over(at, of.patient.birth)
        for effect in _also(replace(shut, patient=other.patient.person_id), other, at, books)
    ]
    effects += outside_change(None, other, at).effects
    regions = [m.region for m in of.measures if m.measure_id in two.lifted]
    regions += [
        outside.region
        for outside in other.elsewhere
        if outside.region is not None
        and outside.region in books.regions
        and outside.measure.not_over(at, other.patient.birth)
    ]
    return Transition(
        at, tuple(_asked_to_look(effects, other.patient.person_id, two.other, regions)), "register"
    )


def _as_it_shuts(m: Measure, two: Separated) -> Measure:
    """The measure as it shuts the other: a release that did not name the other has not ended it."""
    lifted = two.lifted.get(m.measure_id)
    return m if lifted is None or two.other in lifted.named else lifted.before


def _also(m: Measure, facts: PatientFacts, at: datetime, books: Rulebooks) -> Iterator[Effect]:
    """The same measure, of another patient or against somebody else."""
    copy = replace(
        m,
        measure_id=_copied(m.measure_id, m, at),
        valid_from=max(at, m.valid_from),
        released=False,
        released_at=None,
        provisional=False,
        awaits_follow_up=False,
        beside=None if m.beside is None else _copied(m.beside, m, at),
        version=1,
    )
    if any(known.measure_id == copy.measure_id for known in facts.measures):
        return  # when a third person was told apart from the same one, at the same instant
    yield Impose(copy, "continued")
    yield from timers_of(copy, facts, at, books.default_version(m.region, swedish_date(at)).lead)
    if copy.valid_from <= at:
        yield from worklist(copy, ends=False)


def _copied(measure: MeasureId, m: Measure, at: datetime) -> MeasureId:
    against = ",".join(m.guardians or ())
    name = f"sigill:separated:{measure}:{m.patient}:{against}:{at.isoformat()}"
    return MeasureId(str(uuid5(NAMESPACE_URL, name)))


def _asked_to_look(
    effects: Iterable[Effect], patient: PersonId, other: PersonId, further: Iterable[RegionCode]
) -> Iterator[Effect]:
    """The effects, and a task for each region whose measures they touch, and for each `further` one."""
    asked = dict.fromkeys(further)
    for effect in effects:
        yield effect
        if isinstance(effect, Impose | Amend):
            asked[effect.measure.region] = None
    for region in asked:
        yield AddTask("persons_separated", f"{patient}:{other}:{region}", _LOOK, region)
