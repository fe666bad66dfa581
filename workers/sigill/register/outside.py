"""
What sources say of measures that were made outside Sigill, kept with history beside our own.

Late and repeated messages change nothing. They are the register worker's, which already holds the locks, the key ring and the
rights that a word about a person from outside needs. Of a message that can be read in part the readable part counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from sigill.consumer.json_messages import UnreadableJson, read_data
from sigill.consumer.member_reader import TAKEN_ALL_THE_SAME
from sigill.consumer.runner import PoisonRecords, StepTimings, dead_record, place_of
from sigill.policy.elsewhere import outside_change
from sigill.policy.facts import Identity
from sigill.processing.citations import PolicyContext
from sigill.processing.event_ids import record_cause
from sigill.processing.loading import unit_of_work_about
from sigill.processing.patient_keys import KeyRing
from sigill.processing.persist import persist
from sigill.register.consumer import ParsedBatch, Register
from sigill.register.outside_update import OutsideUpdate, read_outside
from sigill.runtime.metrics import DEAD_LETTERS, Metrics
from sigill.store import dead_letters, elsewhere, persons
from sigill.store import facts as stored
from sigill.store.session import Tx
from sigill.stream.records import Record
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.elsewhere import ElsewhereMeasure, ElsewhereRecord
from sigill_contracts.order import PersonRef
from sigill_contracts.topics import ELSEWHERE

log = structlog.get_logger("sigill.elsewhere")


@dataclass(slots=True)
class ParsedOutsideBatch:
    """A batch, read. `parked` are those of which something, or all, could not be."""

    read: list[tuple[Record, ElsewhereRecord]] = field(default_factory=list)
    parked: list[tuple[Record, DeadLetterReason]] = field(default_factory=list)
    news: int = 0


@dataclass(slots=True)
class OutsideMeasures:
    """Takes messages about measures made elsewhere."""

    desk: PolicyContext
    keys: KeyRing
    metrics: Metrics
    group: str

    def _message(self, record: Record) -> OutsideUpdate | None:
        data = read_data(record, ELSEWHERE)
        return None if data is None else read_outside(data, record.at)  # a tombstone: history is kept

    async def prepare(self, records: Sequence[Record], spoiled: PoisonRecords) -> ParsedOutsideBatch:
        """Read the messages."""
        told = ParsedOutsideBatch()
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

    async def take(self, tx: Tx, prepared: ParsedOutsideBatch, steps: StepTimings) -> None:
        """Keep what is news, and publish whose access it changes."""
        prepared.news = 0
        with steps.step("elsewhere"):
            told = [
                (record, says.source, says.measure)
                for record, says in prepared.read
                if says.measure is not None
            ]
            if told:
                await self._take(tx, told, prepared)
            read_up_to: dict[str, datetime] = {}
            for _, says in prepared.read:
                read_up_to[says.source] = max(says.read_up_to, read_up_to.get(says.source, says.read_up_to))
            await elsewhere.read_up_to(tx, dict(sorted(read_up_to.items())))
            await dead_letters.append(
                tx,
                [dead_record(record, reason, ELSEWHERE, self.group) for record, reason in prepared.parked],
            )

    async def _take(
        self, tx: Tx, told: Sequence[tuple[Record, str, ElsewhereMeasure]], prepared: ParsedOutsideBatch
    ) -> None:
        owners = await persons.ensure(tx, {_identity(one.patient) for _, _, one in told}, self.keys.of)
        known = await elsewhere.latest(tx, [(source, one.reference) for _, source, one in told])
        news = []
        touched = set()
        sequences = {place: sequence for place, (sequence, _) in known.items()}
        for record, source, one in told:
            place = (source, one.reference)
            if one.sequence <= sequences.get(place, -1):
                continue
            sequences[place] = one.sequence
            person = owners[_identity(one.patient)]
            news.append((record, source, one, person))
            touched.add(person)
            if place in known:  # the source has said another number before: that person's state changes too
                touched.add(known[place][1])
        if not news:
            return
        prepared.news = len(news)
        await persons.lock(tx, touched)
        before = await stored.patient_facts(tx, touched)
        await elsewhere.record(tx, [(source, one, person) for _, source, one, person in news])
        same = await persons.merged(tx, touched)
        first = news[0][0]
        unit_of_work = await unit_of_work_about(
            tx, self.desk, persons.spellings(touched, same), chain=f"elsewhere-{first.partition}"
        )
        followed = set()
        for spelling in sorted(touched, key=int):
            person = unit_of_work.called(spelling)
            after = unit_of_work.standing(person).facts
            if after is None or person in followed:
                continue
            followed.add(person)
            was = before.get(spelling)
            cause = record_cause(ELSEWHERE.name, person, f"{first.partition}:{first.offset}")
            unit_of_work.follow(person, outside_change(was, after, unit_of_work.at), cause=cause, before=was)
            if after.patient.registered:
                unit_of_work.touch(person)
        await persist(tx, unit_of_work)

    def unreadable(self, prepared: ParsedOutsideBatch, record: Record) -> bool:
        """Whether nothing of a record of the batch could be read."""
        return any(record is one and reason not in TAKEN_ALL_THE_SAME for one, reason in prepared.parked)

    def failed(self, prepared: ParsedOutsideBatch, record: Record) -> bool:
        """Whether it was although it could be read: then it failed when it was to be handled."""
        return any(
            record is one and why is DeadLetterReason.UNREADABLE_RECORD for one, why in prepared.parked
        )

    def report(self, prepared: ParsedOutsideBatch, steps: StepTimings) -> None:
        """Count, and say how many were news."""
        if not prepared.read and not prepared.parked:
            return
        for record, reason in prepared.parked:
            self.metrics.inc(DEAD_LETTERS, topic=record.topic, reason=str(reason))
        log.info(
            "elsewhere",
            rows=len(prepared.read),
            news=prepared.news,
            parked=len(prepared.parked),
            ms={name: round(1000 * spent, 2) for name, spent in steps.seconds.items()},
        )


@dataclass(slots=True)
class RegisterTopics:
    """The register worker's records, each given to whoever reads its topic. `outside_topic`: its name on this cluster."""

    register: Register
    outside: OutsideMeasures
    outside_topic: str = ELSEWHERE.name

    def _is_outside(self, record: Record) -> bool:
        return record.topic == self.outside_topic

    async def prepare(
        self, records: Sequence[Record], spoiled: PoisonRecords
    ) -> tuple[ParsedBatch, ParsedOutsideBatch]:
        """Read the messages."""
        people = [record for record in records if not self._is_outside(record)]
        outside = [record for record in records if self._is_outside(record)]
        return await self.register.prepare(people, spoiled), await self.outside.prepare(outside, spoiled)

    async def take(
        self, tx: Tx, prepared: tuple[ParsedBatch, ParsedOutsideBatch], steps: StepTimings
    ) -> None:
        """Keep what is news: of people first, of what was made elsewhere about them then."""
        people, outside = prepared
        if people.messages or people.parked:
            await self.register.take(tx, people, steps)
        if outside.read or outside.parked:
            await self.outside.take(tx, outside, steps)

    def unreadable(self, prepared: tuple[ParsedBatch, ParsedOutsideBatch], record: Record) -> bool:
        """Whether nothing of a record of the batch could be read."""
        people, outside = prepared
        if self._is_outside(record):
            return self.outside.unreadable(outside, record)
        return self.register.unreadable(people, record)

    def failed(self, prepared: tuple[ParsedBatch, ParsedOutsideBatch], record: Record) -> bool:
        """Whether it was although it could be read: then it failed when it was to be handled."""
        people, outside = prepared
        if self._is_outside(record):
            return self.outside.failed(outside, record)
        return self.register.failed(people, record)

    def report(self, prepared: tuple[ParsedBatch, ParsedOutsideBatch], steps: StepTimings) -> None:
        """Count, and say how many were news."""
        people, outside = prepared
        if people.messages or people.parked:
            self.register.report(people, steps)
        self.outside.report(outside, steps)


def _identity(ref: PersonRef) -> Identity:
    return Identity(ref.id_type, ref.id)
