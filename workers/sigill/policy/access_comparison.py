"""
Whose access has changed: two pictures of a patient, compared in those lines alone that what happened can have changed.

What is looked at is bounded by what an order or a timer does, not by what the patient has been through. The result is what a
comparison of every line would say.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from sigill.policy.access import (
    AccessSnapshot,
    ChangePoint,
    Decision,
    DecisionReason,
    Difference,
    Line,
    lines_of,
    turns,
    units_answered,
    viewers_of,
)
from sigill.policy.facts import Measure, PatientFacts, Person
from sigill.policy.measure_specs import MEASURE_SPECS, NAMES_GUARDIANS
from sigill.policy.units import at_or_above
from sigill_contracts.vocabulary import AccessReason, MeasureId, MeasureKind, PersonId, Service, UnitId


def changed_access(
    before: AccessSnapshot, after: AccessSnapshot, touched: Collection[Measure] | None
) -> tuple[Difference, ...]:
    """
    The lines whose answer is another one after than before.

    `touched` are the measures, in their new version, that came between; what time alone has changed between the instants of
    the two pictures is found besides. None: anything may be another than before, such as what the register says.
    """
    found = []
    for line in lines_concerned(before, after, touched):
        now = after.allows(line)
        if before.allows(line) != now:
            found.append(Difference(*line, gained=now, now=after.decision(line)))
    return tuple(found)


def lost_by_former_viewers(
    before: AccessSnapshot, after: AccessSnapshot
) -> Iterator[tuple[Person, Difference]]:
    """
    The lines that were open to viewers who are there no more, and are not open to the persons whom they became part of.

    Each with the viewer as it was before: whoever keeps answers by number keeps these under a number that stands in no
    other message.
    """
    gone = set(viewers_of(before.facts)).difference(viewers_of(after.facts))
    if not gone:
        return
    people = (after.facts.patient, *after.facts.people.values())
    answered = units_answered(before.facts, before.at) | units_answered(after.facts, before.at)
    for viewer in sorted(gone):
        person = before.facts.person(viewer)
        if person is None:
            continue
        number = person.latest.identity
        part_of = next((known for known in people if number in (known.latest.identity, *known.former)), None)
        for _, service, unit in lines_of((viewer,), (None, *sorted(answered))):
            line = (viewer if part_of is None else part_of.person_id, service, unit)
            told = part_of is not None and part_of.key == person.key and before.allows(line)
            if before.allows((viewer, service, unit)) and not told and not after.allows(line):
                yield person, Difference(viewer, service, unit, gained=False, now=after.decision(line))


def all_access_lost(before: AccessSnapshot) -> Iterator[Difference]:
    """
    Every line that was open about a patient, as ended: the number that the patient was known by is nobody's own any more.

    Later messages stand under the number that is left; a copy under the one that went would never hear of a measure again.
    """
    nobody = Decision(False, (DecisionReason(AccessReason.NO_RELATION),))
    for line in _every_line(before):
        if before.allows(line):
            yield Difference(*line, gained=False, now=nobody)


def all_access_gained(after: AccessSnapshot) -> Iterator[Difference]:
    """Every line that is open about a patient, as begun: nothing has been told under the patient's number before."""
    for line in _every_line(after):
        if after.allows(line):
            yield Difference(*line, gained=True, now=after.decision(line))


def _every_line(picture: AccessSnapshot) -> Iterator[Line]:
    return lines_of(viewers_of(picture.facts), (None, *sorted(units_answered(picture.facts, picture.at))))


def lines_concerned(
    before: AccessSnapshot, after: AccessSnapshot, touched: Collection[Measure] | None
) -> Iterator[Line]:
    """The lines that can have changed, in the order of a whole picture. Arguments as of `changed_access`."""
    versions = _versions(before, after, touched)
    if versions is not None and not versions:
        return
    answered = units_answered(before.facts, before.at) | units_answered(after.facts, before.at)
    reaches = (
        (_EVERYTHING,)
        if versions is None
        else (
            *dict.fromkeys(_reach(m, after.facts, answered) for m in versions),
            *((_PAPER,) if _answered_by_copies(before) or _answered_by_copies(after) else ()),
        )
    )
    now = frozenset(viewers_of(after.facts))
    for viewer in dict.fromkeys((*viewers_of(before.facts), *viewers_of(after.facts))):
        if viewer not in now:
            continue
        own = [r for r in reaches if r.viewers is None or viewer in r.viewers]
        for service in (Service.E_SERVICES, Service.PAPER_COPY):
            if any(r.units is None and service in r.services for r in own):
                yield viewer, service, None
        record = [r.units for r in own if Service.JOURNAL in r.services]
        if None in record:
            yield viewer, Service.JOURNAL, None
        units = frozenset[UnitId]().union(*(answered if units is None else units for units in record))
        for unit in sorted(units):
            yield viewer, Service.JOURNAL, unit


@dataclass(frozen=True, slots=True)
class _Reach:
    """The lines that one measure can change. `viewers` None is everybody, `units` None the whole record."""

    viewers: frozenset[PersonId] | None = None
    services: frozenset[Service] = frozenset(Service)
    units: frozenset[UnitId] | None = None


_EVERYTHING = _Reach()
_RECORD = frozenset({Service.JOURNAL})
_PAPER = _Reach(services=frozenset({Service.PAPER_COPY}))


def _answered_by_copies(picture: AccessSnapshot) -> bool:
    """Whether copies on paper are answered by an assessment: then whatever shuts a guardian out changes that answer too."""
    birth = picture.facts.patient.birth
    return any(
        (m.copies or m.copies_refused) and m.not_over(picture.at, birth) for m in picture.facts.measures
    )


def _versions(
    before: AccessSnapshot, after: AccessSnapshot, touched: Collection[Measure] | None
) -> tuple[Measure, ...] | None:
    """The measures that have changed, or that time has begun or ended, as they were and are; None: more than measures."""
    if touched is None:
        return None
    ids = {m.measure_id for m in touched}
    if before.at < after.at:
        for moment, point, which in turns(before.facts, before.books):
            if before.at < moment <= after.at:
                if point not in (ChangePoint.MEASURE_STARTS, ChangePoint.MEASURE_ENDS):
                    return None
                ids.add(MeasureId(which))
    known = (m for picture in (before, after) for m in picture.facts.all_measures)
    return tuple(dict.fromkeys(m for m in known if m.measure_id in ids))


def _reach(m: Measure, facts: PatientFacts, answered: Iterable[UnitId]) -> _Reach:
    if m.guardians and any(not person.registered for person in facts.people.values()):
        return _EVERYTHING  # whoever has only a number may turn out to be the one who is named
    services = _RECORD if m.kind.opens else frozenset(m.services)
    units = None
    if m.units is not None and MEASURE_SPECS[m.kind].of_units:
        services &= _RECORD
        under = (unit for unit in answered if not m.units.isdisjoint(at_or_above(facts.units, unit)))
        units = m.units if m.kind.opens else m.units.union(under)
    return _Reach(_viewers(m, facts), services, units)


def _viewers(m: Measure, facts: PatientFacts) -> frozenset[PersonId] | None:
    match m.kind:
        case MeasureKind.MINOR_GRANT:
            return frozenset({facts.patient.person_id})
        case MeasureKind.REPRESENTATIVE_GRANT:
            return frozenset() if m.viewer is None else frozenset({m.viewer})
        case kind if kind in NAMES_GUARDIANS:
            others = viewers_of(facts) if m.guardians is None else m.guardians
            return frozenset(others) - {facts.patient.person_id}
        case _:
            return None
