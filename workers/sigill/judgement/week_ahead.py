"""
What opens and ends by itself if nobody does anything: each change with what will be told, and the act that prevents it.

Nothing is decided here. The accesses are what the decision function answers just before and at each instant, and what is
told is what the timers would bring, so that a page of these cannot promise what does not happen.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sigill.judgement.transitions import DueTimer, on_timer
from sigill.policy.access import ChangePoint
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Notify, Sentence, SetTimer, TimerKind, applied
from sigill.policy.facts import Measure, PatientFacts, ReleaseRequest
from sigill.policy.measures_in_force import last_known_county
from sigill.policy.rulebook import Rulebooks
from sigill.policy.scope import shuts_for_longer
from sigill.policy.sentences import MEASURE
from sigill.policy.timeline import Cause, cause_words, timeline
from sigill_contracts.vocabulary import (
    IMPOSES,
    RELEASES,
    Form,
    MeasureId,
    MeasureKind,
    PersonId,
    RegionCode,
    Service,
    UnitId,
)

TURNING = (
    TimerKind.MEASURE_STARTS,
    TimerKind.MEASURE_ENDS,
    TimerKind.CUSTODY_CHANGES,
    TimerKind.ELSEWHERE_CHANGES,
    TimerKind.AGE_13,
    TimerKind.AGE_16,
    TimerKind.AGE_18,
)
"""The timers at which an access may open or end; the others only remind. Their ages are the rulebooks'."""

_BIRTHDAY_OPENS = {
    Service.JOURNAL: (Form.SEAL_JOURNAL, Form.SEAL_CHILD),
    Service.E_SERVICES: (Form.LOCK_LOGIN, Form.SEAL_CHILD),
}
"""What shuts, for the patient itself, what a birthday opens."""
_GUARDIAN_OPENS = (Form.BLOCK_GUARDIANS, Form.RESTRICT_GUARDIAN_ACCESS)
"""What shuts a guardian out whom something else lets in."""


@dataclass(frozen=True, slots=True)
class ComingCause:
    """Why something changes at an instant: the kind of turning point, its words, and the measure where it is one."""

    turn: ChangePoint
    text: Sentence
    measure: MeasureId | None = None


@dataclass(frozen=True, slots=True)
class ComingAccess:
    """One viewer's access that opens (`opens`) or ends, at some units; none named: all of the others, or no unit's."""

    viewer: PersonId
    service: Service
    opens: bool
    units: tuple[UnitId, ...]
    because: tuple[str, ...]
    """The reason codes of the answer from then on."""


@dataclass(frozen=True, slots=True)
class ComingNotice:
    """A notice of that Swedish day, as it would be judged: `suppressed` says why it would not be sent."""

    to: PersonId | None
    template: str
    channel: str
    suppressed: str | None
    unit: UnitId | None = None


@dataclass(frozen=True, slots=True)
class ComingTurn:
    """An instant (UTC) at which something about one patient changes by itself."""

    at: datetime
    patient: PersonId
    key: str
    """The patient's pseudonym."""
    region: RegionCode | None
    causes: tuple[ComingCause, ...]
    accesses: tuple[ComingAccess, ...]
    notices: tuple[ComingNotice, ...]
    prevented_by: tuple[Form, ...]
    """Forms that the region has, one for each cause and kind of access; none: nobody can order it otherwise."""


@dataclass(frozen=True, slots=True)
class UnansweredMeasure:
    """A protective measure that a date ends soon, and that nothing goes on for."""

    measure: Measure
    key: str
    ends_at: datetime
    extended_by: tuple[Form, ...]


def coming_turns(
    facts: PatientFacts,
    timers: Iterable[SetTimer],
    requests: tuple[ReleaseRequest, ...],
    books: Rulebooks,
    *,
    since: datetime,
    until: datetime,
    only: RegionCode | None = None,
) -> Iterator[ComingTurn]:
    """
    What changes about one patient after `since` and before `until` (UTC), in order of time, if nobody orders anything.

    `timers` are all of the patient's that are set. Instants at which no answer changes are left out.
    `only`: what concerns that region, its own measures, and what its residents' age and family bring; of another region
    of the same patient neither causes nor units nor notices.
    """
    notices = list(_simulated(facts, timers, requests, books, until, only))
    regions = {m.measure_id: m.region for m in facts.all_measures}
    steps = timeline(
        facts,
        books,
        since=since,
        until=until,
        services=(Service.JOURNAL, Service.E_SERVICES),
        only_gained_or_lost=True,
    )
    for step in steps:
        if not since < step.at < until:
            continue
        region = books.region_of_county(last_known_county(facts.patient, step.at))
        causes = tuple(
            cause
            for cause in step.causes
            if only is None or (regions.get(cause.measure) if cause.measure else region) == only
        )
        found: dict[tuple[PersonId, Service, bool], list[UnitId]] = {}
        because: dict[tuple[PersonId, Service, bool], dict[str, None]] = {}
        for change in step.changes:
            if only is not None and change.unit is not None and not _belongs(change.unit, only, facts):
                continue
            line = (change.viewer, change.service, bool(change.gained))
            found.setdefault(line, []).extend([change.unit] if change.unit else [])
            because.setdefault(line, {}).update(dict.fromkeys(change.after.codes))
        accesses = tuple(
            ComingAccess(*line, tuple(units), tuple(because[line])) for line, units in found.items()
        )
        if only is not None and not (causes and accesses):
            continue
        day = swedish_date(step.at)
        yield ComingTurn(
            at=step.at,
            patient=facts.patient.person_id,
            key=facts.patient.key,
            region=only or region,
            causes=tuple(_cause(facts, cause) for cause in causes),
            accesses=accesses,
            notices=tuple(dict.fromkeys(notice for at, notice in notices if swedish_date(at) == day)),
            prevented_by=_prevented_by(facts, causes, accesses, step.at, region, books),
        )


def unanswered(
    facts: PatientFacts,
    books: Rulebooks,
    *,
    now: datetime,
    until: datetime,
    only: RegionCode | None = None,
) -> Iterator[UnansweredMeasure]:
    """
    The patient's protective measures in force at `now` (UTC) that a date before `until` ends and nothing follows.

    `only`: that region's alone.
    """
    birth = facts.patient.birth
    if facts.patient.at(now).died_on is not None:
        return
    for m in facts.in_force(now):
        end = m.ends_at(birth)
        if only not in (None, m.region) or end is None or end >= until or not m.is_to_be_extended(birth):
            continue
        if any(shuts_for_longer(other, m, birth) for other in facts.measures):
            continue
        yield UnansweredMeasure(m, facts.patient.key, end, _goes_on_by(m, now, books))


def _simulated(
    facts: PatientFacts,
    timers: Iterable[SetTimer],
    requests: tuple[ReleaseRequest, ...],
    books: Rulebooks,
    until: datetime,
    only: RegionCode | None,
) -> Iterator[tuple[datetime, ComingNotice]]:
    """What the timers will have told (for `only` a region), followed one after the other as the worker follows them."""
    waiting = [_in_order(timer) for timer in timers if timer.due_at < until]
    seen = {timer for *_, timer in waiting}
    heapq.heapify(waiting)
    while waiting:
        timer = heapq.heappop(waiting)[-1]
        transition = on_timer(DueTimer(timer, facts, requests), books, now=timer.due_at)
        facts = applied(facts, transition.effects)
        for effect in transition.effects:
            if isinstance(effect, Notify) and only in (None, effect.region):
                yield timer.due_at, _notice(effect)
            elif isinstance(effect, SetTimer) and effect.due_at < until and effect not in seen:
                seen.add(effect)
                heapq.heappush(waiting, _in_order(effect))


def _belongs(unit: UnitId, region: RegionCode, facts: PatientFacts) -> bool:
    """Whether a unit is a region's by the directory, or one that the region's own measures name."""
    if unit in facts.unit_regions:
        return facts.unit_regions[unit] == region
    return any(unit in (m.unit, *(m.units or ())) for m in facts.all_measures if m.region == region)


def _in_order(timer: SetTimer) -> tuple[datetime, str, str, SetTimer]:
    return timer.due_at, str(timer.kind), f"{timer.measure_id}:{timer.order_id}:{timer.region}", timer


def _notice(tell: Notify) -> ComingNotice:
    suppressed = str(tell.suppressed) if tell.suppressed is not None else None
    return ComingNotice(tell.to, str(tell.template), tell.channel, suppressed, tell.unit)


def _cause(facts: PatientFacts, cause: Cause) -> ComingCause:
    kinds = {m.measure_id: m.kind for m in facts.all_measures}
    kind = kinds.get(cause.measure) if cause.measure else None
    words = cause_words(cause, None if kind is None else MEASURE[kind])
    return ComingCause(cause.turn, words, cause.measure)


def _prevented_by(
    facts: PatientFacts,
    causes: Sequence[Cause],
    accesses: Sequence[ComingAccess],
    at: datetime,
    region: RegionCode | None,
    books: Rulebooks,
) -> tuple[Form, ...]:
    """The forms by which somebody who may decide so can have it otherwise, as far as the region has them."""
    found: dict[Form, None] = {}
    measures = {m.measure_id: m for m in facts.measures}
    for cause in causes:
        m = measures.get(cause.measure) if cause.measure else None
        if m is not None and cause.turn is ChangePoint.MEASURE_ENDS:
            found.update(dict.fromkeys(_goes_on_by(m, at, books)))
        elif m is not None and cause.turn is ChangePoint.MEASURE_STARTS:
            found.update(dict.fromkeys(_offered(_releases(m.kind), m.region, at, books)))
        elif cause.turn in (ChangePoint.BIRTHDAY, ChangePoint.CUSTODY_BEGINS, ChangePoint.REGISTER):
            for access in accesses:
                own = access.viewer == facts.patient.person_id
                found.update(dict.fromkeys(_otherwise(access, own=own, at=at, region=region, books=books)))
    return tuple(found)


def _otherwise(
    access: ComingAccess, *, own: bool, at: datetime, region: RegionCode | None, books: Rulebooks
) -> tuple[Form, ...]:
    """What shuts what a birthday or the register opens, or lets in whom it shuts out."""
    if region is None:
        return ()
    if access.opens:
        return _offered(_BIRTHDAY_OPENS[access.service] if own else _GUARDIAN_OPENS, region, at, books)[:1]
    if own or access.service is not Service.JOURNAL:
        return ()
    return _offered((Form.GRANT_GUARDIAN_ACCESS,), region, at, books)


def _goes_on_by(m: Measure, at: datetime, books: Rulebooks) -> tuple[Form, ...]:
    """The form that has a measure go on: the region's own for it, else the one that imposed it."""
    imposes = tuple(form for form, kind in IMPOSES.items() if kind is m.kind)
    decides: tuple[Form, ...] = ()
    if m.awaits_follow_up:
        decides = (Form.CONTINUE_MEASURE,)
    elif not m.kind.opens:
        decides = (Form.EXTEND_MEASURE,)
    version = books.version(m.region, swedish_date(at))
    entries = [e for form in decides for e in version.matching(form)] if version else []
    if any(e.initiatives is not None and m.initiative not in e.initiatives for e in entries):
        decides = ()  # only care's own is extended there: the resident's is asked for again
    return _offered((*decides, *imposes), m.region, at, books)[:1]


def _releases(kind: MeasureKind) -> tuple[Form, ...]:
    return tuple(form for form, released in RELEASES.items() if released is kind)


def _offered(forms: Iterable[Form], region: str, at: datetime, books: Rulebooks) -> tuple[Form, ...]:
    version = books.version(region, swedish_date(at))
    return () if version is None else tuple(form for form in forms if version.offers(form))
