"""A patient's whole state, for consumers who decide in their own process (`access.state.v1`)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sigill.policy.access import counting, may_be_let_in
from sigill.policy.facts import Custody, Measure, OutsideMeasure, PatientFacts, Person
from sigill.processing.person_refs import all_named_in, named_in, numbers_to_show, ref_of
from sigill_contracts.state import (
    ElsewhereState,
    GuardianState,
    MeasureState,
    PaperCopyRefusedState,
    PaperCopyState,
    PatientState,
    PersonState,
)


def state_of(facts: PatientFacts, *, version: int, known_at: datetime) -> PatientState:
    """
    All that a decision about the patient reads, now or later: measures that are over have left it.

    Nobody is named whom nothing lets in (`_told`): a reader answers them no as it answers a stranger. Raises nothing for
    people whom the facts lack: they are left out, which shows less.
    """
    facts = _told(facts, known_at)
    newest = facts.patient.latest
    named = {custody.guardian for custody in newest.custody}
    former = {
        custody.guardian: custody
        for version in facts.patient.versions
        for custody in version.custody
        if custody.guardian not in named
    }
    told = named | former.keys()
    measures = (*counting(facts, known_at), *_naming(facts, known_at))
    viewers = {
        person: None
        for m in facts.measures
        for person in (m.viewer, *(m.guardians or ()), *m.guardians_except)
        if person is not None and person not in told
    }
    return PatientState(
        key=facts.patient.key,
        version=version,
        known_at=known_at,
        patient=_person(facts.patient, county=newest.county),
        guardians=_guardians(facts, newest.custody),
        former_guardians=_guardians(facts, former.values()),
        viewers=tuple(_person(facts.people[viewer]) for viewer in viewers if viewer in facts.people),
        measures=tuple(
            _measure(measure, facts)
            for measure in sorted(measures, key=lambda m: (m.valid_from, m.measure_id))
        ),
        elsewhere=tuple(
            _outside(outside)
            for outside in sorted(facts.elsewhere, key=lambda o: (o.measure.valid_from, o.measure.measure_id))
            if outside.measure.not_over(known_at, facts.patient.birth)
        ),
        unit_regions=tuple(sorted((str(unit), str(region)) for unit, region in facts.unit_regions.items())),
    )


def _naming(facts: PatientFacts, known_at: datetime) -> tuple[Measure, ...]:
    """
    Of those whom only measures that are over name, the newest that names each, where a guardian is known by number alone.

    That guardian may be any of them under a new number: protected identity of one shuts the guardian out (X-22).
    """
    if not _a_guardian_is_unknown(facts):
        return ()
    counted = counting(facts, known_at)
    named = {person for m in counted for person in m.guardians or ()}
    newest = {
        person: m
        for m in sorted(facts.measures, key=lambda m: (m.valid_from, m.measure_id))
        for person in m.guardians or ()
        if person not in named
    }
    return tuple(dict.fromkeys(newest.values()))


def _a_guardian_is_unknown(facts: PatientFacts) -> bool:
    """Whether a guardian is known by number alone."""
    guardians = (facts.person(c.guardian) for c in facts.patient.latest.custody if c.guardian is not None)
    return any(guardian is not None and not guardian.registered for guardian in guardians)


def _told(facts: PatientFacts, known_at: datetime) -> PatientFacts:
    """
    The facts without people whom nothing can let in, now or later by itself: former guardians, those blocked by name
    without custody, representatives whose grant is over.

    Where a guardian is known by number alone, everybody stays: what is directed at a former guardian is then directed at
    that guardian too, who may be the same person under a new number.
    """
    if _a_guardian_is_unknown(facts):
        return facts
    people = {who: person for who, person in facts.people.items() if may_be_let_in(who, facts, known_at)}
    return replace(facts, people=MappingProxyType(people))


def strictest(state: PatientState) -> PatientState:
    """
    A state that shows less and is small: nobody is let in by a grant, and what shuts shuts the whole record until the last
    such measure ends.

    For a patient with more measures than a topic takes: readers would otherwise keep what was before. Where a guardian is
    known by number alone, those whom only a grant names go on being named (`_naming`): the guardian may be one of them.
    """
    shut: dict[tuple[object, ...], MeasureState] = {}
    for measure in state.measures:
        if measure.kind.opens:
            continue
        scope = (measure.kind, measure.services, measure.guardians, measure.guardians_except)
        other = shut.get(scope, measure)
        ends = [end for end in (measure.valid_to, other.valid_to) if end is not None]
        refused = (*other.paper_copies_refused, *measure.paper_copies_refused)
        shut[scope] = other.model_copy(
            update={
                "units": None,
                "recorded_from": None,
                "recorded_to": None,
                "valid_from": min(measure.valid_from, other.valid_from),
                "valid_to": max(ends) if len(ends) == 2 else None,
                "ends_at_age": measure.ends_at_age if measure.ends_at_age == other.ends_at_age else None,
                "paper_copies": (),
                "paper_copies_refused": tuple({copy.to: copy for copy in refused}.values()),
            }
        )
    names = _named_by_grants(state) if any(not g.person.registered for g in state.guardians) else ()
    return state.model_copy(update={"measures": (*shut.values(), *names)})


def _named_by_grants(state: PatientState) -> tuple[MeasureState, ...]:
    """One grant that has never let anybody in, and names every guardian whom grants name; empty where none does."""
    grants = [m for m in state.measures if m.kind.opens and m.guardians]
    named = {(ref.id_type, ref.id): ref for m in grants for ref in m.guardians or ()}
    return tuple(
        m.model_copy(
            update={
                "units": None,
                "guardians": tuple(named.values()),
                "valid_to": m.valid_from,
                "ended_early": True,
                "paper_copies": (),
                "paper_copies_refused": (),
            }
        )
        for m in grants[:1]
    )


def _outside(one: OutsideMeasure) -> ElsewhereState:

    m = one.measure
    return ElsewhereState(
        measure_id=UUID(m.measure_id),
        source=one.source,
        reference=one.reference,
        made_by=one.made_by,
        region=one.region,
        kind=m.kind,
        services=m.services,
        units=None if m.units is None else tuple(sorted(m.units)),
        recorded_from=m.recorded_from,
        recorded_to=m.recorded_to,
        valid_from=m.valid_from,
        valid_to=m.valid_to,
        ended_early=m.released,
    )


def _guardians(facts: PatientFacts, custodies: Iterable[Custody]) -> tuple[GuardianState, ...]:

    return tuple(
        GuardianState(
            person=_person(facts.people[custody.guardian]),
            from_date=custody.from_date,
            to_date=custody.to_date,
        )
        for custody in custodies
        if custody.guardian is not None and custody.guardian in facts.people
    )


def _person(person: Person, *, county: str | None = None) -> PersonState:
    """
    What a decision reads of a person. `county` is the patient's, which says whose rules hold where no unit is asked
    about; where anybody else lives no decision reads, and a guardian may be the one who hides.
    """
    newest = person.latest
    return PersonState(
        key=person.key,
        ref=ref_of(newest.identity),
        former=tuple(ref_of(identity) for identity in numbers_to_show(person)[1:]),
        birth_date=str(person.birth),
        id_type=newest.identity.id_type,
        county=county,
        protected=newest.protected,
        has_e_id=newest.has_e_id,
        died_on=newest.died_on,
        registered=person.registered,
    )


def _measure(measure: Measure, facts: PatientFacts) -> MeasureState:

    return MeasureState(
        measure_id=UUID(measure.measure_id),
        kind=measure.kind,
        order_id=UUID(measure.orders[0]) if measure.orders else None,
        region=measure.region,
        initiative=measure.initiative,
        services=measure.services,
        units=None if measure.units is None else tuple(sorted(measure.units)),
        recorded_from=measure.recorded_from,
        recorded_to=measure.recorded_to,
        guardians=all_named_in(facts, measure.guardians),
        guardians_except=all_named_in(facts, measure.guardians_except) or (),
        viewer=None if measure.viewer is None else named_in(facts, measure.viewer),
        valid_from=measure.valid_from,
        valid_to=measure.valid_to,
        ends_at_age=measure.ends_at_age,
        ended_early=measure.released,
        rules=measure.rules,
        paper_copies=tuple(
            PaperCopyState(order_id=UUID(copy.order), to=to, given_on=copy.on)
            for copy in sorted(measure.copies)
            if (to := named_in(facts, copy.to)) is not None
        ),
        paper_copies_refused=tuple(
            PaperCopyRefusedState(order_id=UUID(copy.order), to=to, assessed_on=copy.on)
            for copy in sorted(measure.copies_refused)
            if (to := named_in(facts, copy.to)) is not None
        ),
    )
