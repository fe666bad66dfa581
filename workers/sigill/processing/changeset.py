"""
What a transaction is going to write, gathered before its first statement. Values only; `persist.py` writes it.

Messages stand in the order in which they must reach their reader.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sigill.policy.effects import (
    AddTask,
    CloseRequest,
    CloseTask,
    OpenRequest,
    RecordAnswer,
    ResolvePending,
    SetTimer,
)
from sigill.policy.facts import Measure
from sigill.store.audit import AuditEntry, Json
from sigill.store.orders import StoredAnswer
from sigill.store.outbox import OutboxRow
from sigill_contracts.notification import Notification
from sigill_contracts.vocabulary import PersonId

ACTOR = "sigill"
"""Who acts, in the audit chain, where no operator does."""


@dataclass(frozen=True, slots=True)
class PendingResolution:
    """An earlier order that another one, or a timer, brings to its end."""

    settle: ResolvePending
    patient: PersonId
    key: str
    cause: str
    after: int
    """How many messages of the plan stand before its receipt."""
    touched: tuple[tuple[Measure, str], ...] = ()
    """What was done to bring it to its end, each measure with the receipt's word for it."""


def audit_entry(
    chain: str, action: str, at: datetime, cause: str, patient: PersonId | None, **facts: Json
) -> AuditEntry:
    """
    One line for the audit chain: what was done, when (UTC), why, by which rulebook, on whose signature.

    `patient` is kept apart by the chain, as a salted digest; nothing among `facts` names anybody but staff. What is None
    or empty is left out.
    """
    return AuditEntry(
        chain=chain,
        actor=ACTOR,
        action=action,
        body=stated({"at": at.isoformat(), "cause": cause, **facts}),
        person=patient,
    )


def stated(facts: Mapping[str, Json]) -> dict[str, Json]:
    """Those of the facts that say something."""
    return {name: value for name, value in facts.items() if value not in (None, ())}


@dataclass(slots=True)
class Changeset:
    """Everything that the judgements of one transaction bring."""

    measures: list[Measure] = field(default_factory=list)
    timers: list[SetTimer] = field(default_factory=list)
    requests: list[OpenRequest | RecordAnswer | CloseRequest] = field(default_factory=list)
    tasks: list[tuple[AddTask | CloseTask, PersonId]] = field(default_factory=list)
    answers: list[StoredAnswer] = field(default_factory=list)
    settlements: list[PendingResolution] = field(default_factory=list)
    outgoing: list[OutboxRow] = field(default_factory=list)
    naming: dict[UUID, Notification] = field(default_factory=dict)
    """Those of the outgoing notices, by event id, that name a child to its guardian: its name is put in when it is read."""
    audit: list[AuditEntry] = field(default_factory=list)
    touched: dict[PersonId, None] = field(default_factory=dict)
    """Patients whose state is to be published."""
