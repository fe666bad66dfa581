"""
Requests to release are cases: one table of states, and what each change of state brings (X-04 to X-06).

A request lives as long as what it asks about. A release by staff that needs every initiating unit is one, too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sigill.policy.effects import CloseRequest, CloseTask, Effect, RefusalReason, ResolvePending, Sentence
from sigill.policy.facts import OF_ONES_OWN, Measure, PatientFacts, Person, ReleaseRequest, RequestEnd
from sigill.policy.hits import hits, is_guardian, was_guardian
from sigill.policy.sentences import REFUSAL
from sigill_contracts.vocabulary import Initiative, MeasureId, OrderId, Outcome, PersonId, RefusalCode, UnitId


class Happening(StrEnum):
    """What may happen to an open request."""

    A_UNIT_AGREES = "a_unit_agrees"
    THE_LAST_UNIT_AGREES = "the_last_unit_agrees"
    A_UNIT_KEEPS = "a_unit_keeps"
    NOTHING_IS_LEFT = "nothing_is_left"
    """The last of its measures has ended otherwise, or hits nobody who asked any more."""
    NOBODY_MAY_ANSWER = "nobody_may_answer"
    """It is about the register's own alone, and the state has come back that lets not even staff end it (X-05, X-10)."""


STATES: Mapping[Happening, RequestEnd | None] = MappingProxyType(
    {
        Happening.A_UNIT_AGREES: None,
        Happening.THE_LAST_UNIT_AGREES: RequestEnd.AGREE,
        Happening.A_UNIT_KEEPS: RequestEnd.KEEP,
        Happening.NOTHING_IS_LEFT: RequestEnd.MOOT,
        Happening.NOBODY_MAY_ANSWER: RequestEnd.HELD,
    }
)
"""What becomes of an open request; None: it stays open. A closed one never changes: an opinion on it is refused."""

OUTCOME: Mapping[RequestEnd | None, Outcome] = MappingProxyType(
    {
        None: Outcome.PENDING,
        RequestEnd.AGREE: Outcome.EXECUTED,
        RequestEnd.KEEP: Outcome.REFUSED,
        RequestEnd.MOOT: Outcome.EXECUTED,
        RequestEnd.HELD: Outcome.REFUSED,
    }
)
"""
What the receipt of a request says in each state. Only a unit's *keep* refuses one, but for a request that the register's
mark has taken away from everybody who could answer: it is refused as it would be now (X-05).
"""

TEXT: Mapping[RequestEnd, Sentence] = MappingProxyType(
    {
        RequestEnd.AGREE: Sentence("Alla enheter är eniga.", "Every unit agrees."),
        RequestEnd.KEEP: Sentence(
            "En enhet finner att skyddet ska stå kvar.", "A unit finds that the protection is to stay."
        ),
        RequestEnd.MOOT: Sentence(
            "Det som begäran gällde har upphört på annat sätt. Inget återstår att pröva.",
            "What the request was about has ended otherwise. Nothing is left to judge.",
        ),
        RequestEnd.HELD: REFUSAL[RefusalCode.PROTECTED_IDENTITY],
    }
)
OWN_IS_LEFT = Sentence(
    "Det som en enhet kunde pröva har upphört på annat sätt. En åtgärd som följde av skyddad identitet gäller "
    "fortfarande; den hävs bara på personalens beställning.",
    "What a unit could judge has ended otherwise. A measure that protected identity brought is still in force; only "
    "staff's order ends it.",
)


def left_of_request(request: ReleaseRequest, facts: PatientFacts, at: datetime) -> tuple[Measure, ...]:
    """
    The measures, not over at an instant (UTC), that a request is still about.

    A measure that goes on with another scope is the same matter as long as it hits who asked. Nothing is left once the
    patient has died.
    """
    patient = facts.patient
    if patient.has_died(at):
        return ()
    asked = set(request.measures)
    lineages = {(m.orders[0], m.kind) for m in facts.measures if m.measure_id in asked and m.orders}
    return tuple(
        m
        for m in facts.measures
        if m.not_over(at, patient.birth)
        and m.region == request.region
        and (m.measure_id in asked or (m.orders[:1] and (m.orders[0], m.kind) in lineages))
        and _is_its_business(m, request, facts, at)
    )


def _is_dead(person: Person | None, at: datetime) -> bool:
    return person is not None and person.has_died(at)


def _is_its_business(m: Measure, request: ReleaseRequest, facts: PatientFacts, at: datetime) -> bool:
    match request.initiative:
        case Initiative.GUARDIAN:
            return any(
                hits(m, guardian, facts, at)
                and not _is_dead(facts.person(guardian), at)
                and (is_guardian(guardian, facts, at) or not was_guardian(guardian, facts))
                for guardian in request.asked_by
            )
        case Initiative.RESIDENT | Initiative.CHILD:
            return hits(m, facts.patient.person_id, facts, at)
        case Initiative.REPRESENTATIVE:  # who is the patient's no more, asks no more
            alive = [person for person in request.asked_by if not _is_dead(facts.person(person), at)]
            return not request.asked_by or any(hits(m, person, facts, at) for person in alive)
        case _:
            return not request.asked_by or any(hits(m, g, facts, at) for g in request.asked_by)


def units_still_asked(request: ReleaseRequest, facts: PatientFacts, at: datetime) -> tuple[UnitId, ...]:
    """
    Those of a request's units that still have, at an instant (UTC), something to decide about.

    Who asks for a release asks about what stood then: a unit whose measure has ended is not asked for another one that
    it has imposed since. A release by staff needs every unit that keeps up a measure of its kinds (VGB-15).
    """
    if request.initiative is not Initiative.CARE:
        standing = {m.unit for m in left_of_request(request, facts, at)}
    else:
        birth = facts.patient.birth
        asked = set(request.measures)
        kinds = {m.kind for m in facts.measures if m.measure_id in asked}
        standing = {
            m.unit
            for m in facts.measures
            if m.region == request.region and m.kind in kinds and m.not_over(at, birth)
        }
    return tuple(unit for unit in request.units if unit in standing)


def opens_at(
    request: ReleaseRequest, facts: PatientFacts, at: datetime, *, anew: Collection[UnitId] = ()
) -> datetime:
    """
    When (UTC) what a request is about opens, if all have agreed at an instant: on the last of the days that were named.

    Those are the day of the request and the days of the answers of units that still have something to decide about, but
    for the units `anew`, which answer anew (X-16).
    """
    still = set(units_still_asked(request, facts, at)) - set(anew)
    days = (request.opens_from, *(answer.opens_from for answer in request.answers if answer.unit in still))
    return max((at, *(day for day in days if day is not None)))


def who_asked(request: ReleaseRequest, facts: PatientFacts) -> tuple[PersonId, ...]:
    """The persons who are to be answered: guardians, or the patient; nobody where staff's own release waits."""
    if request.initiative is Initiative.GUARDIAN:
        return request.asked_by
    return (facts.patient.person_id,) if request.initiative in OF_ONES_OWN else ()


def opens_for(request: ReleaseRequest) -> tuple[PersonId, ...] | None:
    """The guardians for whom it opens what names several; None: for everybody (X-02)."""
    return request.asked_by or None


def tasks_closed(request: ReleaseRequest) -> Iterator[CloseTask]:
    """Nobody is asked about it any more, or reminded."""
    for unit in (*request.units, "operators"):
        yield CloseTask("unit_opinion", f"{request.order_id}:{unit}")
        yield CloseTask("unit_reminder", f"{request.order_id}:{unit}")
    yield CloseTask("follow_up_decision", str(request.order_id))


def replies_closed(request: ReleaseRequest) -> Iterator[CloseTask]:
    """No guardian is to be told that the record is shut any more: what the request was about has ended."""
    for guardian in request.asked_by:
        yield CloseTask("standard_reply", f"{request.order_id}:{guardian}")


def moot(
    requests: Iterable[ReleaseRequest],
    facts: PatientFacts,
    at: datetime,
    *,
    but: str | None = None,
    held: Collection[MeasureId] = (),
) -> Iterator[Effect]:
    """
    Settle the open requests of which nothing is left at an instant (UTC); `but` is the order id of one left alone.

    `held` are the register's own measures that a state holds in force: a request about them alone is refused (X-05).
    """
    for request in requests:
        if request.closed is not None or request.order_id == but:
            continue
        left = left_of_request(request, facts, at)
        if not left:
            text = OWN_IS_LEFT if _registers_own_stands(request, facts, at) else None
            yield from _settled(request, Happening.NOTHING_IS_LEFT, text)
        elif all(m.measure_id in held for m in left):
            yield from _settled(request, Happening.NOBODY_MAY_ANSWER)
        else:
            yield from _released_from_answering(request, facts, at)


def _settled(request: ReleaseRequest, happening: Happening, text: Sentence | None = None) -> Iterator[Effect]:
    end = STATES[happening]
    assert end is not None, "what has happened ends the request"
    refusal = None
    if end is RequestEnd.HELD:
        code = RefusalCode.PROTECTED_IDENTITY
        refusal = RefusalReason(code, REFUSAL[code], ("X-05", "X-10"), "releases")
    yield CloseRequest(request.order_id, end)
    yield ResolvePending(request.order_id, OUTCOME[end], text or TEXT[end], refusal=refusal)
    yield from tasks_closed(request)
    yield from replies_closed(request)


def _registers_own_stands(request: ReleaseRequest, facts: PatientFacts, at: datetime) -> bool:
    """Whether a measure of the register shuts out, at an instant (UTC), one whose request spoke of others' (X-05)."""
    return any(
        m.initiative is Initiative.REGISTER
        and m.region == request.region
        and m.in_force(at, facts.patient.birth)
        and _is_its_business(m, request, facts, at)
        for m in facts.measures
    )


def is_a_case(order_id: OrderId, requests: Iterable[ReleaseRequest]) -> bool:
    """Whether an order has become a request of the ledger: what becomes of it is said there, and it is not judged anew."""
    return any(request.order_id == order_id for request in requests)


def _released_from_answering(
    request: ReleaseRequest, facts: PatientFacts, at: datetime
) -> Iterator[CloseTask]:
    """A unit whose own measure has ended is not asked any more."""
    still = units_still_asked(request, facts, at)
    for unit in request.unanswered:
        if unit not in still:
            yield CloseTask("unit_opinion", f"{request.order_id}:{unit}")
            yield CloseTask("unit_reminder", f"{request.order_id}:{unit}")
