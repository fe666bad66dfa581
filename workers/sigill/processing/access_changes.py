"""Who gained or lost what: the lines of a patient's access that have changed become messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sigill.policy.access import Difference
from sigill.policy.facts import PatientFacts, Person
from sigill.processing.citations import Citations
from sigill.processing.event_ids import event_id
from sigill.processing.person_refs import named
from sigill_contracts.change import AccessChange
from sigill_contracts.order import PersonRef
from sigill_contracts.vocabulary import PersonId

_NOBODY: Mapping[PersonId, Person] = MappingProxyType({})


def access_changes(
    lines: Sequence[Difference],
    facts: PatientFacts,
    citations: Citations,
    *,
    cause: str,
    kind: str,
    at: datetime,
    order_id: UUID | None = None,
    gone: Mapping[PersonId, Person] = _NOBODY,
) -> tuple[AccessChange, ...]:
    """
    The messages for lines that changed. `at` is the true effective time (UTC), however late it is told.

    `cause` makes the ids; `kind` is the message's own word for it: order, birthday, end_date, start_date, register.
    `facts` are those after; `gone` are viewers who have become part of another person, as they were. A viewer whom neither
    holds has no number to be named by, and is left out.
    """
    viewers = {line.viewer: facts.person(line.viewer) or gone.get(line.viewer) for line in lines}
    patient = named(facts.patient)
    return tuple(
        _change(line, patient, viewer, citations, cause=cause, kind=kind, at=at, order_id=order_id)
        for line in lines
        if (viewer := viewers[line.viewer]) is not None
    )


def _change(
    line: Difference,
    patient: PersonRef,
    viewer: Person,
    citations: Citations,
    *,
    cause: str,
    kind: str,
    at: datetime,
    order_id: UUID | None,
) -> AccessChange:

    rules = (rule for reason in line.now.reasons for rule in reason.rules)
    measures = dict.fromkeys(measure for reason in line.now.reasons for measure in reason.measures)
    return AccessChange(
        change_id=event_id(cause, f"change:{viewer.key}:{line.service}:{line.unit or ''}"),
        patient=patient,
        viewer=named(viewer),
        service=line.service,
        unit=line.unit,
        access="gained" if line.gained else "lost",
        at=at,
        because=line.now.codes,
        citations=citations.of(rules),
        cause=kind,
        order_id=order_id,
        measures=tuple(UUID(measure) for measure in measures),
    )
