"""Who gained or lost what: two pictures of a patient's access, compared, become messages."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sigill.policy.access import Decision, Difference, Line, differences
from sigill.policy.facts import PatientFacts, Person
from sigill.processing.citations import Citations
from sigill.processing.event_ids import event_id
from sigill.processing.person_refs import named
from sigill_contracts.change import AccessChange
from sigill_contracts.order import PersonRef

Picture = Mapping[Line, Decision]


def access_changes(
    before: Picture,
    after: Picture,
    facts: PatientFacts,
    citations: Citations,
    *,
    cause: str,
    kind: str,
    at: datetime,
    order_id: UUID | None = None,
) -> tuple[AccessChange, ...]:
    """
    The messages for every line that changed. `at` is the true effective time (UTC), however late it is told.

    `cause` makes the ids; `kind` is the message's own word for it: order, birthday, end_date, start_date, register.
    `facts` are those after. A viewer whom they do not hold has no number to be named by, and is left out.
    """
    lines = differences(before, after)
    viewers = {line.viewer: facts.person(line.viewer) for line in lines}
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
