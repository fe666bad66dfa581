"""A town whose messages are handed to the real handlers, on a real database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sigill.consumer.dead_letter_limit import DeadLetterLimit
from sigill.consumer.runner import ConsumerRunner, Handler
from sigill.directory.consumer import Directory
from sigill.intake.consumer import Intake
from sigill.intake.revocation_cache import TrustRevocationCache, revocation_cache
from sigill.intake.revocation_sources import RevocationSources
from sigill.intake.verification import OrderVerifier
from sigill.processing.citations import PolicyProvider
from sigill.register.consumer import Register
from sigill.register.outside import OutsideMeasureConsumer
from sigill.runtime.clock import FixedClock
from sigill.runtime.health import Health
from sigill.runtime.metrics import Metrics
from sigill.store import outbox
from sigill.store.outbox import Unpublished
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.records import Partition, Record
from sigill.transitions.scheduler import Transitions
from sigill.trust import RevocationSnapshot, TrustPolicy
from sigill.trust.evidence import RevocationList
from sigill_contracts.change import AccessChange
from sigill_contracts.notification import Notification
from sigill_contracts.receipt import Receipt
from sigill_contracts.state import PatientState
from sigill_contracts.topics import ELSEWHERE, ORDERS, PERSONS, STAFF, UNITS, TopicSpec
from tests.kit.senders import AUDIENCE, KEYS, Senders, Sent

START = datetime(2025, 3, 10, 9, tzinfo=UTC)
_NOWHERE = Connection("localhost:1")


@dataclass
class WorkerHarness:
    """The workers of a town without a broker: records are handed over as a consumer would."""

    store: Store
    senders: Senders
    clock: FixedClock
    desk: PolicyProvider
    metrics: Metrics = field(default_factory=Metrics)
    offsets: dict[str, int] = field(default_factory=dict)
    consuming: dict[str, ConsumerRunner[Any]] = field(default_factory=dict)
    _read: int = 0

    def __post_init__(self) -> None:
        trust = TrustPolicy(
            anchors=self.senders.authority.anchors, intermediates=self.senders.authority.intermediates
        )
        self.keeper: TrustRevocationCache = revocation_cache(RevocationSources(ask_ocsp=False), self.clock)
        self.keeper.snapshot = RevocationSnapshot.of([RevocationList.read(data) for data in self.crls()])
        self.door = OrderVerifier(AUDIENCE, KEYS, trust, 262_144)
        self.take_as(ORDERS, Intake(self.desk, self.door, self.keeper, self.metrics, "intake"))
        self.take_as(PERSONS, Register(self.desk, KEYS, self.metrics, "register"))
        self.take_as(STAFF, Directory(self.metrics, "directory"))
        self.take_as(UNITS, Directory(self.metrics, "directory"))
        self.take_as(ELSEWHERE, OutsideMeasureConsumer(self.desk, KEYS, self.metrics, "register"))

    def crls(self) -> tuple[bytes, ...]:
        return self.senders.authority.crls(
            START - timedelta(hours=1), next_update=START + timedelta(days=7000)
        )

    def take_as(self, topic: TopicSpec, handler: Handler[Any], **more: Any) -> ConsumerRunner[Any]:
        """Have a topic's records taken by a handler."""
        made = ConsumerRunner(
            name=topic.read_by[0],
            group=topic.read_by[0],
            topics=(topic.name,),
            connection=_NOWHERE,
            store=self.store,
            handler=handler,
            clock=self.clock,
            metrics=self.metrics,
            health=Health(),
            limit=more.pop("limit", DeadLetterLimit(0.9, 50)),
            **more,
        )
        self.consuming[topic.name] = made
        return made

    async def assign(self) -> None:
        """Take partition 0 of every topic, as after a rebalance."""
        for name, worker in self.consuming.items():
            await worker._assigned(frozenset({Partition(name, 0)}))

    def records(self, messages: Sequence[Sent]) -> list[Record]:
        """The records that the broker would make of messages."""
        made = []
        for sent in messages:
            offset = self.offsets.get(sent.topic.name, 0)
            self.offsets[sent.topic.name] = offset + 1
            made.append(sent.record(offset, self.clock.now()))
        return made

    async def hand_over(self, *messages: Sent) -> None:
        """Hand messages of one topic over as one batch."""
        await self.hand_over_records(self.records(messages))

    async def hand_over_records(self, records: Sequence[Record]) -> None:
        """Hand records over as one batch."""
        topic = records[0].topic
        await self.consuming[topic].take({Partition(topic, 0): list(records)})

    async def out(self) -> list[Unpublished]:
        """What has gone into the outbox since the last time."""
        async with self.store.reading() as tx:
            events = await outbox.unpublished(tx, range(outbox.SHARDS), 10_000)
        new = [event for event in events if event.id > self._read]
        self._read = max((event.id for event in events), default=self._read)
        return new

    def transitions(self) -> Transitions:
        return Transitions(self.store, self.desk, self.clock, self.metrics, Health())


_MODELS = {
    "access.receipts.v1": Receipt,
    "access.changes.v1": AccessChange,
    "access.notifications.v1": Notification,
    "access.state.v1": PatientState,
}


def read(events: Sequence[Unpublished], topic: str) -> list[Any]:
    """The messages of one topic, read with its model."""
    model = _MODELS[topic]
    return [model.model_validate_json(e.payload or b"") for e in events if e.aggregatetype == topic]


def receipts(events: Sequence[Unpublished]) -> list[Receipt]:
    return read(events, "access.receipts.v1")
