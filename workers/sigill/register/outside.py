"""
What sources say of measures that were made outside Sigill, kept with history beside our own.

Late and repeated messages change nothing. They are the register worker's, which already holds the locks, the key ring and the
rights that a word about a person from outside needs. Of a message that can be read in part the readable part counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from sigill.consumer.json_batches import JsonHandler, ParsedBatch, parse_batch, report_batch
from sigill.consumer.runner import PoisonRecords, StepTimings, dead_record
from sigill.policy.elsewhere import outside_change
from sigill.processing.citations import PolicyProvider
from sigill.processing.event_ids import record_cause
from sigill.processing.loading import unit_of_work_about
from sigill.processing.patient_keys import KeyRing
from sigill.processing.persist import persist
from sigill.processing.person_refs import identity_of
from sigill.register.consumer import ParsedPersons, Register
from sigill.register.outside_update import OutsideUpdate, read_outside
from sigill.runtime.metrics import Metrics
from sigill.store import dead_letters, elsewhere, persons
from sigill.store import facts as stored
from sigill.store.session import Tx
from sigill.stream.records import Record
from sigill_contracts.elsewhere import ElsewhereMeasure
from sigill_contracts.topics import ELSEWHERE
from sigill_contracts.vocabulary import PersonId

log = structlog.get_logger("sigill.elsewhere")


@dataclass(slots=True)
class OutsideMeasureConsumer(JsonHandler[OutsideUpdate]):
    """Takes messages about measures made elsewhere."""

    desk: PolicyProvider
    keys: KeyRing
    metrics: Metrics
    group: str

    async def prepare(self, records: Sequence[Record], spoiled: PoisonRecords) -> ParsedBatch[OutsideUpdate]:
        """Read the messages."""
        return parse_batch(
            records, spoiled, lambda _: ELSEWHERE, lambda data, record: read_outside(data, record.at), log
        )

    async def take(self, tx: Tx, prepared: ParsedBatch[OutsideUpdate], steps: StepTimings) -> None:
        """Keep what is news, and publish whose access it changes."""
        prepared.news = 0
        with steps.step("elsewhere"):
            heard = [(message.record, message.update.says) for message in prepared.messages]
            told = [(record, says.source, says.measure) for record, says in heard if says.measure is not None]
            if told:
                await self._take(tx, told, prepared)
            read_up_to: dict[str, datetime] = {}
            for _, says in heard:
                read_up_to[says.source] = max(says.read_up_to, read_up_to.get(says.source, says.read_up_to))
            await elsewhere.read_up_to(tx, dict(sorted(read_up_to.items())))
            await dead_letters.append(
                tx,
                [dead_record(record, reason, ELSEWHERE, self.group) for record, reason in prepared.parked],
            )

    async def _take(
        self,
        tx: Tx,
        told: Sequence[tuple[Record, str, ElsewhereMeasure]],
        prepared: ParsedBatch[OutsideUpdate],
    ) -> None:
        owners = await persons.ensure(
            tx, {identity_of(update.patient) for _, _, update in told}, self.keys.of
        )
        known = await elsewhere.latest(tx, [(source, update.reference) for _, source, update in told])
        news = []
        touched = set()
        sequences = {place: sequence for place, (sequence, _) in known.items()}
        for record, source, update in told:
            place = (source, update.reference)
            if update.sequence <= sequences.get(place, -1):
                continue
            sequences[place] = update.sequence
            person = owners[identity_of(update.patient)]
            news.append((record, source, update, person))
            touched.add(person)
            if place in known:  # the source has said another number before: that person's state changes too
                touched.add(known[place][1])
        if not news:
            return
        prepared.news = len(news)
        touched |= await self._told_apart_from(tx, touched)
        await persons.lock(tx, touched)
        before = await stored.patient_facts(tx, touched)
        await elsewhere.record(tx, [(source, update, person) for _, source, update, person in news])
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
            cause = record_cause(ELSEWHERE.name, after.patient.key, f"{first.partition}:{first.offset}")
            unit_of_work.follow(person, outside_change(was, after, unit_of_work.at), cause=cause, before=was)
            if after.patient.registered:
                unit_of_work.touch(person)
        await persist(tx, unit_of_work)

    async def _told_apart_from(self, tx: Tx, people: set[PersonId]) -> set[PersonId]:
        """Those for whom, too, counts what was told of some people while they had been taken for one."""
        found: set[PersonId] = set()
        asked = people
        while asked:
            others = {s.other for s in await persons.separations(tx, asked) if s.person in asked}
            asked = others - found - people
            found |= asked
        return found

    def report(self, prepared: ParsedBatch[OutsideUpdate], steps: StepTimings) -> None:
        """Count, and say how many were news."""
        if not prepared.messages and not prepared.parked:
            return
        report_batch(log, "elsewhere", prepared, self.metrics, steps)


_Prepared = tuple[ParsedPersons, ParsedBatch[OutsideUpdate]]


@dataclass(slots=True)
class RegisterTopicRouter:
    """The register worker's records, each given to whoever reads its topic. `outside_topic`: its name on this cluster."""

    register: Register
    outside: OutsideMeasureConsumer
    outside_topic: str = ELSEWHERE.name

    def _is_outside(self, record: Record) -> bool:
        return record.topic == self.outside_topic

    async def prepare(self, records: Sequence[Record], spoiled: PoisonRecords) -> _Prepared:
        """Read the messages."""
        people = [record for record in records if not self._is_outside(record)]
        outside = [record for record in records if self._is_outside(record)]
        return await self.register.prepare(people, spoiled), await self.outside.prepare(outside, spoiled)

    async def take(self, tx: Tx, prepared: _Prepared, steps: StepTimings) -> None:
        """Keep what is news: of people first, of what was made elsewhere about them then."""
        people, outside = prepared
        if people.messages or people.parked:
            await self.register.take(tx, people, steps)
        if outside.messages or outside.parked:
            await self.outside.take(tx, outside, steps)

    def unreadable(self, prepared: _Prepared, record: Record) -> bool:
        """Whether nothing of a record of the batch could be read."""
        return prepared[self._is_outside(record)].unreadable(record)

    def failed(self, prepared: _Prepared, record: Record) -> bool:
        """Whether it was although it could be read: then it failed when it was to be handled."""
        return prepared[self._is_outside(record)].failed(record)

    def report(self, prepared: _Prepared, steps: StepTimings) -> None:
        """Count, and say how many were news."""
        people, outside = prepared
        if people.messages or people.parked:
            self.register.report(people, steps)
        self.outside.report(outside, steps)
