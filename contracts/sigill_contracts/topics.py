"""The one table of topics: schemas, AsyncAPI, topic creation and subscriptions come from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sigill_contracts.base import MAX_MESSAGE_BYTES, Message
from sigill_contracts.change import AccessChange
from sigill_contracts.directory import StaffRecord, UnitRecord
from sigill_contracts.elsewhere import ElsewhereRecord
from sigill_contracts.notification import Notification
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import Receipt
from sigill_contracts.register import PersonRecord
from sigill_contracts.state import PatientState

WORKERS = frozenset({"intake", "register", "directory", "transitions", "relay", "ops"})
"""Sigill's own processes, as `written_by` and `read_by` name them; every other name there is a system outside."""


def group_of(worker: str, prefix: str = "sigill") -> str:
    """The consumer group of one of our workers: `sigill.intake`, or with the prefix that settings give."""
    return f"{prefix}.{worker}"


DAY_MS = 24 * 60 * 60 * 1000
FOREVER = -1


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """
    A topic. `retention_ms` -1 keeps for ever; `key` says what the record key is.

    `event_type` is the CloudEvents type of its messages; dead-letter topics keep the original one.
    `tombstones`: a record without a value is allowed and erases its key.
    """

    name: str
    summary: str
    model: type[Message] | None
    event_type: str | None
    content_types: tuple[str, ...]
    key: str
    partitions: int
    retention_ms: int
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    compacted: bool = False
    stamped_by_broker: bool = False
    tombstones: bool = False
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings as the broker names them."""
        config = {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(MAX_MESSAGE_BYTES * 8),
        }
        if self.stamped_by_broker:
            config["message.timestamp.type"] = "LogAppendTime"
        return {**config, **self.extra}


_PATIENT = "the patient's pseudonymous key"
_JSON = ("application/json",)

ORDERS = TopicSpec(
    name="ehr.orders.v1",
    summary="Signed orders from the EHR",
    model=SignedForm,
    event_type="se.sigill.order.v1",
    content_types=("application/jose", "application/jose+json", "application/xml"),
    key=_PATIENT,
    partitions=12,
    retention_ms=90 * DAY_MS,
    written_by=("ehr", "ops"),
    read_by=("intake",),
    stamped_by_broker=True,
)
PERSONS = TopicSpec(
    name="population.persons.v1",
    summary="Persons, custody and protected identity from the population register",
    model=PersonRecord,
    event_type="se.sigill.person.v1",
    content_types=_JSON,
    key=_PATIENT,
    partitions=12,
    retention_ms=FOREVER,
    written_by=("population-register",),
    read_by=("register",),
    compacted=True,
)
STAFF = TopicSpec(
    name="directory.staff.v1",
    summary="Staff and assignments from the catalogue",
    model=StaffRecord,
    event_type="se.sigill.staff.v1",
    content_types=_JSON,
    key="the staff member's HSA-id",
    partitions=3,
    retention_ms=FOREVER,
    written_by=("staff-directory",),
    read_by=("directory",),
    compacted=True,
)
UNITS = TopicSpec(
    name="directory.units.v1",
    summary="Units from the catalogue: name, region, clinic, validity and successor",
    model=UnitRecord,
    event_type="se.sigill.unit.v1",
    content_types=_JSON,
    key="the unit's HSA-id",
    partitions=3,
    retention_ms=FOREVER,
    written_by=("staff-directory",),
    read_by=("directory",),
    compacted=True,
)
ELSEWHERE = TopicSpec(
    name="elsewhere.measures.v1",
    summary="Measures made outside Sigill, by residents in the service and by other regions, and how far each source is read",
    model=ElsewhereRecord,
    event_type="se.sigill.elsewhere-measure.v1",
    content_types=_JSON,
    key="the source and its reference, with a slash between; the source alone where there is no measure",
    partitions=3,
    retention_ms=FOREVER,
    written_by=("elsewhere-adapter",),
    read_by=("register", "journalen"),
    compacted=True,
)
RECEIPTS = TopicSpec(
    name="access.receipts.v1",
    summary="The answer to each order",
    model=Receipt,
    event_type="se.sigill.receipt.v1",
    content_types=_JSON,
    key=_PATIENT,
    partitions=12,
    retention_ms=90 * DAY_MS,
    written_by=("relay",),
    read_by=("ehr",),
)
CHANGES = TopicSpec(
    name="access.changes.v1",
    summary="Who gained or lost what, from when and why",
    model=AccessChange,
    event_type="se.sigill.access-change.v1",
    content_types=_JSON,
    key=_PATIENT,
    partitions=12,
    retention_ms=90 * DAY_MS,
    written_by=("relay",),
    read_by=("journalen", "e-services"),
)
STATE = TopicSpec(
    name="access.state.v1",
    summary="Each patient's whole present state; a tombstone when a patient is erased",
    model=PatientState,
    event_type="se.sigill.patient-state.v1",
    content_types=_JSON,
    key=_PATIENT,
    partitions=12,
    retention_ms=FOREVER,
    written_by=("relay",),
    read_by=("journalen", "e-services"),
    compacted=True,
    tombstones=True,
)
NOTIFICATIONS = TopicSpec(
    name="access.notifications.v1",
    summary="What is to be told to whom, and what must not be",
    model=Notification,
    event_type="se.sigill.notification.v1",
    content_types=_JSON,
    key=_PATIENT,
    partitions=12,
    retention_ms=30 * DAY_MS,
    written_by=("relay",),
    read_by=("notification-service",),
)
AUDIT_HEADS = TopicSpec(
    name="access.audit-heads.v1",
    summary="Signed checkpoints of the audit chains, out of the database's reach",
    model=None,
    event_type="se.sigill.audit-head.v1",
    content_types=("application/jose",),
    key="the chain's name",
    partitions=1,
    retention_ms=FOREVER,
    written_by=("relay",),
    read_by=("auditor",),
)


def _dead_letters_of(spec: TopicSpec) -> TopicSpec:
    return TopicSpec(
        name=f"{spec.name}.dlq",
        summary=f"Messages of {spec.name} that could not be read, with their original bytes",
        model=None,
        event_type=None,
        content_types=(),
        key="the original key",
        partitions=3,
        retention_ms=365 * DAY_MS,
        written_by=("relay",),
        read_by=("ops",),
    )


INCOMING: tuple[TopicSpec, ...] = (ORDERS, PERSONS, STAFF, UNITS, ELSEWHERE)
OUTGOING: tuple[TopicSpec, ...] = (RECEIPTS, CHANGES, STATE, NOTIFICATIONS, AUDIT_HEADS)
DEAD_LETTERS: tuple[TopicSpec, ...] = tuple(_dead_letters_of(spec) for spec in INCOMING)
TOPICS: tuple[TopicSpec, ...] = INCOMING + OUTGOING + DEAD_LETTERS


def receipts_for(reader: str) -> TopicSpec:
    """The topic of the receipts of one record system alone, which reads it as `ehr-<reader>`."""
    return replace(
        RECEIPTS,
        name=f"{RECEIPTS.name}.{reader}",
        summary=f"The answer to each order of {reader}",
        read_by=(f"ehr-{reader}",),
    )


def topics_for(readers: Iterable[str]) -> tuple[TopicSpec, ...]:
    """The table of topics where some record systems have receipts of their own; without readers `TOPICS`."""
    own = tuple(readers)
    systems = tuple(f"ehr-{reader}" for reader in own)
    orders = replace(ORDERS, written_by=(*ORDERS.written_by, *systems))
    table = tuple(orders if spec is ORDERS else spec for spec in TOPICS)
    return (*table, *(receipts_for(reader) for reader in own)) if own else TOPICS
