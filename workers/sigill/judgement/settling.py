"""
What a change leaves open requests with, whatever the change was: an order, a day, an age, the register, new rules (X-04).

A request of which nothing is left is settled, and one whose units that are still asked have all agreed is carried out:
the last of the others may have ended otherwise than by an answer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sigill.judgement import notices, successors
from sigill.judgement.follow_ups import timers_of, worklist
from sigill.judgement.releasing import release_measures
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import (
    Amend,
    CloseRequest,
    Effect,
    Impose,
    Notify,
    ResolvePending,
    SetTimer,
    TimerKind,
    applied,
)
from sigill.policy.facts import Measure, PatientFacts, ReleaseRequest, RequestEnd
from sigill.policy.hits import ever_custodians, hits
from sigill.policy.measures_in_force import held_by_state
from sigill.policy.requests import (
    OUTCOME,
    TEXT,
    left_of_request,
    moot,
    opens_at,
    opens_for,
    replies_closed,
    tasks_closed,
    units_still_asked,
    who_asked,
)
from sigill.policy.rulebook import Region, Rulebooks
from sigill.policy.units import orphans
from sigill_contracts.vocabulary import Initiative, OrderId, PersonId, Template, UnitId


def settled(
    open_requests: Iterable[ReleaseRequest],
    facts: PatientFacts,
    at: datetime,
    books: Rulebooks,
    *,
    but: OrderId | None = None,
    opens: bool = True,
) -> Iterator[Effect]:
    """
    What becomes of open requests at an instant (UTC), with the facts as a change has left them.

    `but` is the request that the order itself opens or answers. `opens` false leaves what all have agreed on to the next
    occasion, the request's reminder at the latest: a protective order opens nothing. Notices are planned, not judged.
    """
    waiting = [r for r in open_requests if r.closed is None and r.order_id != but]
    while waiting:
        held = held_by_state(facts, at, books)
        done: tuple[Effect, ...] = tuple(moot(waiting, facts, at, held=held))
        closed = {e.request for e in done if isinstance(e, CloseRequest)}
        agreed = next(
            (r for r in waiting if opens and r.order_id not in closed and _all_agree(r, facts, at)), None
        )
        if agreed is not None:
            done += tuple(_carried_out(agreed, facts, at, books))
            closed.add(agreed.order_id)
        yield from done
        facts = applied(facts, done)
        yield from _successors_no_more(facts, (r for r in waiting if r.order_id in closed), at)
        if agreed is None:
            return
        # what it has opened may leave another request with nothing
        waiting = [r for r in waiting if r.order_id not in closed]


def _successors_no_more(
    facts: PatientFacts, ended: Iterable[ReleaseRequest], at: datetime
) -> Iterator[Effect]:
    """What waited for the successor of a closed unit to answer these requests waits no more."""
    for request in ended:
        if orphans(facts.units, request.units, swedish_date(at)):
            yield from successors.wanted_no_more(facts, at)
            yield SetTimer(
                TimerKind.SUCCESSOR_NAMED, at, request.patient, request.region, order_id=request.order_id
            )


def _all_agree(request: ReleaseRequest, facts: PatientFacts, at: datetime) -> bool:
    """Whether every unit that is still asked has agreed. Where none is, nobody has: staff must order (X-05)."""
    if any(answer.given_at > at for answer in request.answers):
        return False  # a change that is looked at late opens nothing before the last yes
    asked = units_still_asked(request, facts, at)
    return bool(asked) and not set(asked) & set(request.unanswered)


@dataclass(frozen=True)
class _Agreed:
    """The answers to a request, as that on whose word its measures end."""

    request: ReleaseRequest
    known: PatientFacts
    at: datetime
    region: Region

    @property
    def order_id(self) -> OrderId:
        """The newest yes, by which it ends."""
        return self.request.answers[-1].order_id

    @cached_property
    def starts_at(self) -> datetime:
        """At once, or on the last of the days that the request and the answers named."""
        return opens_at(self.request, self.known, self.at)

    @property
    def opens_for(self) -> tuple[PersonId, ...] | None:
        """Those who asked, or for whom staff release."""
        return opens_for(self.request)

    @property
    def units_opened(self) -> tuple[UnitId, ...] | None:
        """Everywhere."""
        return None

    @cached_property
    def ever_custodians(self) -> tuple[PersonId, ...]:
        """Everybody who has, or once had, custody."""
        return ever_custodians(self.known)

    def is_over(self, m: Measure) -> bool:
        """Whether a measure has ended by now."""
        return not m.not_over(self.at, self.known.patient.birth)


def _carried_out(
    request: ReleaseRequest, facts: PatientFacts, at: datetime, books: Rulebooks
) -> Iterator[Effect]:
    rules = books.book_of(request.region, swedish_date(at))
    if rules is None:
        return
    targets = [m for m in left_of_request(request, facts, at) if m.initiative is not Initiative.REGISTER]
    agreed = _Agreed(request, facts, at, rules)
    done = tuple(release_measures(agreed, facts, targets))
    yield CloseRequest(request.order_id, RequestEnd.AGREE)
    yield ResolvePending(request.order_id, OUTCOME[RequestEnd.AGREE], TEXT[RequestEnd.AGREE])
    yield from tasks_closed(request)
    yield from replies_closed(request)
    yield from done
    changed = [e.measure for e in done if isinstance(e, Impose | Amend)]
    after = applied(facts, done)
    lead = books.default_version(request.region, swedish_date(at)).lead
    for m in changed:
        yield from timers_of(m, after, at, lead)
        if m.valid_from <= at and not (m.released and agreed.starts_at > at):
            yield from worklist(m, ends=m.released)
    if agreed.starts_at <= at:  # told on its day otherwise
        yield from those_told(request, after, changed, at, books)


def those_told(
    request: ReleaseRequest, after: PatientFacts, changed: Sequence[Measure], at: datetime, books: Rulebooks
) -> Iterator[Notify]:
    """
    The notices of what a request has opened at an instant (UTC), each person's one for all that opens then.

    Whoever asked is answered (X-06); others are told as the orders and the region's rules say (X-24).
    """
    version = books.default_version(request.region, swedish_date(at))
    template, patient = Template.MEASURE_RELEASED, after.patient.person_id
    over = [m for m in changed if m.released]
    asking = who_asked(request, after)
    others = [patient, *notices.guardians_of(after, over, at)]
    for person in dict.fromkeys((*asking, *others)):
        answers, own = person in asking, person == patient
        about, _ = notices.subject(after, over, person, template)
        if answers:
            about = tuple(m for m in over if hits(m, person, after, at))
        still = any(not m.released and hits(m, person, after, at) for m in changed)
        if not about or still:
            continue
        if answers:
            yield notices.to_asker(person, patient, request.region, about, request.inform)
            continue
        said = about[0].inform.overlaid(request.inform)
        told = (notices.patient_told if own else notices.guardians_told)(version, template, said)
        yield notices.to_person(person, template, request.region, about, rules=about[0].rules, told=told)


__all__ = ["settled", "those_told"]
