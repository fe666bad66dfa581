"""
What the staff directory says of staff and units, kept with history, so that a decider's role can be judged as it stood at
signing, and the unit by its clinic and successor.

Late and repeated messages change nothing. Of a message that can be read in part the readable part counts; the message
is kept among the dead letters with what was set aside, and never blocks those behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from sigill.consumer.json_messages import UnreadableJson, read_data
from sigill.consumer.member_reader import TAKEN_ALL_THE_SAME
from sigill.consumer.runner import PoisonRecords, StepTimings, dead_record, place_of
from sigill.directory.record_update import RecordUpdate, read_staff, read_unit
from sigill.runtime.metrics import DEAD_LETTERS, Metrics
from sigill.store import dead_letters, staff, units
from sigill.store.session import Tx
from sigill.stream.records import Record
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.directory import StaffRecord, UnitRecord
from sigill_contracts.topics import STAFF, UNITS, TopicSpec

log = structlog.get_logger("sigill.directory")


@dataclass(slots=True)
class ParsedDirectoryBatch:
    """A batch, read. `parked` are those of which something, or all, could not be."""

    read: list[tuple[Record, StaffRecord | UnitRecord]]
    parked: list[tuple[Record, DeadLetterReason]]
    news: int = 0


@dataclass(slots=True)
class Directory:
    """Takes messages of the staff directory. `units_topic` is what the topic of units is called on this cluster."""

    metrics: Metrics
    group: str
    units_topic: str = UNITS.name

    def _spec(self, record: Record) -> TopicSpec:
        return UNITS if record.topic == self.units_topic else STAFF

    def _message(self, record: Record) -> RecordUpdate | None:
        spec = self._spec(record)
        data = read_data(record, spec)
        if data is None:
            return None  # a tombstone: history is kept
        return (read_unit if spec is UNITS else read_staff)(data, record.at)

    async def prepare(self, records: Sequence[Record], spoiled: PoisonRecords) -> ParsedDirectoryBatch:
        """Read the messages."""
        told = ParsedDirectoryBatch([], [])
        for record in records:
            if place_of(record) in spoiled:
                told.parked.append((record, DeadLetterReason.UNREADABLE_RECORD))
                continue
            try:
                message = self._message(record)
            except UnreadableJson as unread:
                told.parked.append((record, unread.reason))
                continue
            except (ValueError, RecursionError):
                told.parked.append((record, DeadLetterReason.UNREADABLE_PAYLOAD))
                continue
            if message is None:
                continue
            if message.set_aside:
                log.warning(
                    "partly read",
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    fields=list(message.set_aside),
                )
                told.parked.append((record, message.kept_as))
            told.read.append((record, message.says))
        return told

    async def take(self, tx: Tx, prepared: ParsedDirectoryBatch, steps: StepTimings) -> None:
        """Keep what is news, in order."""
        with steps.step("write"):
            told = [message for _, message in prepared.read]
            # units first: the region of a unit is what is told of it, not what an assignment there says
            news = await units.record_all(tx, [one for one in told if isinstance(one, UnitRecord)])
            news += await staff.record_all(tx, [one for one in told if isinstance(one, StaffRecord)])
            await dead_letters.append(
                tx,
                [
                    dead_record(record, reason, self._spec(record), self.group)
                    for record, reason in prepared.parked
                ],
            )
        prepared.news = sum(news)

    def unreadable(self, prepared: ParsedDirectoryBatch, record: Record) -> bool:
        """Whether nothing of a record of the batch could be read."""
        return any(record is one and reason not in TAKEN_ALL_THE_SAME for one, reason in prepared.parked)

    def failed(self, prepared: ParsedDirectoryBatch, record: Record) -> bool:
        """Whether it was although it could be read: then it failed when it was to be handled."""
        return any(
            record is one and why is DeadLetterReason.UNREADABLE_RECORD for one, why in prepared.parked
        )

    def report(self, prepared: ParsedDirectoryBatch, steps: StepTimings) -> None:
        """Count, and say how many were news."""
        for record, reason in prepared.parked:
            self.metrics.inc(DEAD_LETTERS, topic=record.topic, reason=str(reason))
        log.info(
            "directory",
            rows=len(prepared.read),
            news=prepared.news,
            parked=len(prepared.parked),
            ms={name: round(1000 * spent, 2) for name, spent in steps.seconds.items()},
        )
