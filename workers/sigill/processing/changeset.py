"""
What a transaction is going to write, gathered before its first statement. Values only; `write.py` writes it.

Messages stand in the order in which they must reach their reader.
"""

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
from sigill_contracts.base import Message
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import RECEIPTS, TopicSpec
from sigill_contracts.vocabulary import OrderId, PersonId, RegionCode


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """One message to publish: which topic, under which key, with which id. `body` None is a tombstone."""

    topic: TopicSpec
    key: str
    event_id: UUID
    body: Message | None
    person: PersonId | None = None
    """Whom it is about, and who is locked therefore; None for an answer to an unproven message."""
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What became of the message filed under a number. `receipt` is what its sender was told, `first`: for the first time."""

    registration: int
    receipt: Receipt
    first: bool = False


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


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """
    One line for the audit chain: what was done, why, by which rulebook, on whose signature.

    `patient` is kept apart by the chain, as a salted digest; nothing else here names anybody but staff.
    """

    what: str
    at: datetime
    cause: str
    patient: PersonId | None
    region: RegionCode | None = None
    order_id: OrderId | None = None
    outcome: str | None = None
    codes: tuple[str, ...] = ()
    rulebook: str | None = None
    rules: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    digest: str | None = None
    actor: str | None = None
    """Who acted, where it was not this program by itself: the operator of an import."""


@dataclass(slots=True)
class Changeset:
    """Everything that the judgements of one transaction bring."""

    measures: list[Measure] = field(default_factory=list)
    timers: list[SetTimer] = field(default_factory=list)
    requests: list[OpenRequest | RecordAnswer | CloseRequest] = field(default_factory=list)
    tasks: list[tuple[AddTask | CloseTask, PersonId]] = field(default_factory=list)
    judged: list[OrderAnswer] = field(default_factory=list)
    settlements: list[PendingResolution] = field(default_factory=list)
    outgoing: list[OutgoingEvent] = field(default_factory=list)
    deeds: list[AuditRecord] = field(default_factory=list)
    touched: dict[PersonId, None] = field(default_factory=dict)
    """Patients whose state is to be published anew."""

    def answer(
        self, key: str, receipt: Receipt, person: PersonId | None, traceparent: str | None = None
    ) -> None:
        """Send a receipt."""
        self.outgoing.append(OutgoingEvent(RECEIPTS, key, receipt.receipt_id, receipt, person, traceparent))
