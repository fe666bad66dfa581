"""
What the staff directory says of staff and units, kept with history, so that a decider's role can be judged as it stood at
signing, and the unit by its clinic and successor.

Late and repeated messages change nothing. Of a message that can be read in part the readable part counts; the message
is kept among the dead letters with what was set aside, and never blocks those behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from sigill.consumer.json_batches import JsonHandler, ParsedBatch, parse_batch, report_batch
from sigill.consumer.runner import PoisonRecords, StepTimings, dead_record
from sigill.directory.record_update import RecordUpdate, read_staff, read_unit
from sigill.runtime.metrics import Metrics
from sigill.store import dead_letters, staff, units
from sigill.store.session import Tx
from sigill.stream.records import Record
from sigill_contracts.directory import StaffRecord, UnitRecord
from sigill_contracts.topics import STAFF, UNITS, TopicSpec

log = structlog.get_logger("sigill.directory")


@dataclass(slots=True)
class Directory(JsonHandler[RecordUpdate]):
    """Takes messages of the staff directory. `units_topic` is what the topic of units is called on this cluster."""

    metrics: Metrics
    group: str
    units_topic: str = UNITS.name

    def _spec(self, record: Record) -> TopicSpec:
        return UNITS if record.topic == self.units_topic else STAFF

    def _read(self, data: bytes, record: Record) -> RecordUpdate:
        return (read_unit if self._spec(record) is UNITS else read_staff)(data, record.at)

    async def prepare(self, records: Sequence[Record], spoiled: PoisonRecords) -> ParsedBatch[RecordUpdate]:
        """Read the messages."""
        return parse_batch(records, spoiled, self._spec, self._read, log)

    async def take(self, tx: Tx, prepared: ParsedBatch[RecordUpdate], steps: StepTimings) -> None:
        """Keep what is news, in order."""
        with steps.step("write"):
            told = [message.update.says for message in prepared.messages]
            # units first: the region of a unit is what is told of it, not what an assignment there says
            news = await units.record_all(tx, [record for record in told if isinstance(record, UnitRecord)])
            news += await staff.record_all(tx, [record for record in told if isinstance(record, StaffRecord)])
            await dead_letters.append(
                tx,
                [
                    dead_record(record, reason, self._spec(record), self.group)
                    for record, reason in prepared.parked
                ],
            )
        prepared.news = sum(news)

    def report(self, prepared: ParsedBatch[RecordUpdate], steps: StepTimings) -> None:
        """Count, and say how many were news."""
        report_batch(log, "directory", prepared, self.metrics, steps)
