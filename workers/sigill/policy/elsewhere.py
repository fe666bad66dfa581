"""
Measures made outside Sigill: what they shut, and which of their sources have fallen silent.

They are kept beside our own. They count in every decision, and no order of ours ends them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import NAMESPACE_URL, uuid5

from sigill.policy.calendar import end_of, midnight
from sigill.policy.effects import SetTimer, TimerKind, Transition
from sigill.policy.facts import Measure, OutsideMeasure, PatientFacts
from sigill.policy.measure_specs import MEASURE_SPECS
from sigill.policy.rulebook import Rulebooks, SourceRule
from sigill_contracts.elsewhere import ElsewhereMeasure
from sigill_contracts.vocabulary import (
    Initiative,
    MadeBy,
    MeasureId,
    PersonId,
    RegionCode,
    UnitId,
)

ALWAYS = date(1900, 1, 1)


def measure_id(source: str, reference: str) -> MeasureId:
    """The id by which Sigill calls a measure of a source: the same whenever it is told of."""
    return MeasureId(str(uuid5(NAMESPACE_URL, f"sigill:elsewhere:{source}:{reference}")))


def outside_measure(source: str, told: ElsewhereMeasure, patient: PersonId) -> OutsideMeasure:
    """
    What a source says of a measure, as decisions read it. An ended one ends at `changed_at`, or on its last day if that
    is earlier.

    Raises KeyError for a kind that lets somebody in.
    """
    if told.kind.opens:
        raise KeyError(told.kind)  # a grant is not taken from elsewhere
    valid_from = midnight(told.valid_from or ALWAYS)
    valid_to = None if told.valid_through is None else end_of(told.valid_through)
    if told.ended:
        valid_to = told.changed_at if valid_to is None else min(valid_to, told.changed_at)
    named = {*(told.units or ()), *((told.care_provider,) if told.care_provider else ())}
    measure = Measure(
        measure_id=measure_id(source, told.reference),
        patient=patient,
        kind=told.kind,
        region=RegionCode(""),
        initiative=Initiative.RESIDENT if told.made_by is MadeBy.RESIDENT else Initiative.CARE,
        orders=(),
        services=MEASURE_SPECS[told.kind].services,
        valid_from=valid_from,
        valid_to=valid_to,
        units=frozenset(UnitId(unit) for unit in named) or None,
        recorded_from=told.recorded_from,
        recorded_to=told.recorded_to,
        released=told.ended,
    )
    region = None if told.region is None else RegionCode(told.region)
    return OutsideMeasure(source, told.reference, told.made_by, measure, region)


# --- what a message brings


def outside_change(before: PatientFacts | None, after: PatientFacts, now: datetime) -> Transition:
    """
    What follows when something becomes known that was made elsewhere: it may shut or open at once, and on its days.

    `before` None: nothing was known of the patient.
    """
    was = set() if before is None else {(o.measure.measure_id, o.measure) for o in before.elsewhere}
    news = [o.measure for o in after.elsewhere if (o.measure.measure_id, o.measure) not in was]
    timers = (
        SetTimer(TimerKind.ELSEWHERE_CHANGES, day, after.patient.person_id, RegionCode(""))
        for m in news
        for day in (m.valid_from, m.valid_to)
        if day is not None and day > now
    )
    return Transition(now, tuple(dict.fromkeys(timers)), "elsewhere")


def on_its_day(facts: PatientFacts, due_at: datetime) -> Transition:
    """What follows on a day on which something made elsewhere begins or ends: whose access that changes."""
    begins = any(o.measure.valid_from == due_at for o in facts.elsewhere)
    ends = any(o.measure.valid_to == due_at for o in facts.elsewhere)
    return Transition(due_at, (), "start_date" if begins else "end_date", compare=begins or ends)


# --- sources that have fallen silent


@dataclass(frozen=True, slots=True)
class SilentSource:
    """A source that has not been read for longer than its limit. `since` (UTC) None: it has never been read."""

    source: str
    rule: SourceRule
    since: datetime | None


def silent_sources(facts: PatientFacts, at: datetime, books: Rulebooks) -> Iterator[SilentSource]:
    """The sources of the national rulebook that are silent at an instant (UTC); one that it does not name has no limit."""
    return silent_of(facts.read_up_to, at, books.sources)


def silent_of(
    read_up_to: Mapping[str, datetime], at: datetime, rules: Mapping[str, SourceRule]
) -> Iterator[SilentSource]:
    """Those of some sources that are silent at an instant (UTC), by up to when (UTC) each has been read."""
    for source, rule in rules.items():
        read = read_up_to.get(source)
        if read is None or at - read > rule.limit:
            yield SilentSource(source, rule, read)


def next_silence(facts: PatientFacts, at: datetime, books: Rulebooks) -> datetime | None:
    """When (UTC) the next source will have been silent for too long, should it not be read before; None: no such source."""
    ends = (read + books.sources[s].limit for s, read in facts.read_up_to.items() if s in books.sources)
    return min((end for end in ends if end > at), default=None)
