"""
What the population register says, in order for each person, with history; and what it touches, judged anew.

Late and repeated messages change nothing. A message that contradicts itself, or claims to be newer than what it is
older than, is parked with its reason, visible among the dead letters; it never blocks those behind it. A person's
change touches the children too whose custody names that person. Nothing re-opens by itself: what a change calls for is
said by policy.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from contracts.dead_letter import DeadLetterReason
from contracts.register import PersonRecord
from contracts.topics import PERSONS, STATE
from contracts.vocabulary import PendingCode, PersonId
from workers.enact.anew import judge_anew
from workers.enact.citations import Desk
from workers.enact.consuming import Spoiled, Steps, dead_record, place_of
from workers.enact.ids import event_id, record_cause
from workers.enact.keys import KeyRing
from workers.enact.plan import Outgoing
from workers.enact.reading import Unread, read_message
from workers.enact.sitting import Sitting
from workers.enact.standings import sitting_about
from workers.enact.write import write
from workers.policy.calendar import BirthDate
from workers.policy.facts import Identity, PatientFacts
from workers.policy.standing_measures import is_marked, marked_guardians
from workers.policy.transitions import register_change
from workers.register.reading import (
    contradictions,
    effective,
    goes_backward,
    guardians_of,
    numbers_of,
    version_of,
)
from workers.runtime.metrics import DEAD_LETTERS, Metrics
from workers.store import dead_letters, orders, persons
from workers.store import facts as stored
from workers.store.dead_letters import DeadRecord
from workers.store.persons import Name, Told
from workers.store.session import Tx
from workers.stream.records import Record

log = structlog.get_logger("sigill.register")

WAITED_FOR = frozenset({PendingCode.PATIENT_NOT_YET_KNOWN, PendingCode.CUSTODY_UNCONFIRMED})
"""What an order may wait for that the register can tell."""
_ENDED_BY_A_MARK = WAITED_FOR | {
    PendingCode.AWAITING_REVOCATION_STATUS,
    PendingCode.AWAITING_EARLIER_MESSAGE,
}
"""What a grant to a guardian may wait for when a mark of protected identity refuses it (X-11)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that could be read, and where it lay."""

    record: Record
    says: PersonRecord


@dataclass(slots=True)
class Heard:
    """A batch, read, and what became of it."""

    messages: list[Message]
    parked: list[tuple[Record, DeadLetterReason]]
    backward: list[Record] = field(default_factory=list)
    news: int = 0


@dataclass(slots=True)
class Register:
    """Takes messages of the population register."""

    desk: Desk
    keys: KeyRing
    metrics: Metrics
    group: str

    async def prepare(self, records: Sequence[Record], spoiled: Spoiled) -> Heard:
        """Read the messages, and park those that contradict themselves."""
        heard = Heard([], [])
        for record in records:
            if place_of(record) in spoiled:
                heard.parked.append((record, DeadLetterReason.UNREADABLE_RECORD))
                continue
            try:
                says = read_message(record, PERSONS, PersonRecord)
            except Unread as unread:
                heard.parked.append((record, unread.reason))
                continue
            if says is None:
                continue  # a tombstone: the register forgets, history does not
            if faults := contradictions(says):
                _say_parked(record, faults)
                heard.parked.append((record, DeadLetterReason.CONTRADICTS_ITSELF))
                continue
            heard.messages.append(Message(record, says))
        return heard

    async def take(self, tx: Tx, prepared: Heard, steps: Steps) -> None:
        """Keep what is news, a round for each person's next message, and enact what follows."""
        prepared.backward = []
        prepared.news = 0
        with steps.step("people"):
            owners = await self._owners(tx, prepared.messages)
        for turn in _rounds(prepared.messages, owners):
            with steps.step("round"):
                await self._round(tx, turn, owners, prepared)
        with steps.step("write"):
            parked = [*prepared.parked, *((r, DeadLetterReason.GOES_BACKWARD) for r in prepared.backward)]
            await dead_letters.append(tx, [self._dead(record, reason) for record, reason in parked])

    async def _owners(self, tx: Tx, messages: Sequence[Message]) -> dict[Identity, PersonId]:
        """Whose each number is. A person whose number has changed keeps the place that the former number has."""
        numbers = {number for one in messages for number in numbers_of(one.says)}
        known = await persons.resolve(tx, numbers)
        new: set[Identity] = set()
        for one in messages:
            own = numbers_of(one.says)
            if not any(number in known for number in own):
                new.add(own[0])
            new.update(guardians_of(one.says))
        return known | await persons.ensure(tx, new - known.keys(), self.keys.of)

    async def _round(
        self, tx: Tx, turn: Sequence[Message], owners: dict[Identity, PersonId], heard: Heard
    ) -> None:
        """One message a person: what was known before, what is known after, and what that changes."""
        own = {_owner_of(one.says, owners): one for one in turn}
        around = {owners[guardian] for one in turn for guardian in guardians_of(one.says)}
        children = await self._lock(tx, set(own) | around, set(own))
        sequences = await persons.latest_sequence(tx, own)
        before = await stored.patient_facts(tx, set(own) | children)

        news = {
            person: one
            for person, one in own.items()
            if self._is_news(one, before.get(person), sequences.get(person, -1), heard)
        }
        if not news:
            return
        heard.news += len(news)
        await persons.record(
            tx, [_told(person, one.says, owners) for person, one in news.items()], self.keys.of
        )
        owners |= await persons.resolve(tx, {n for one in news.values() for n in numbers_of(one.says)})
        touched = set(news) | await self._children(tx, news, children)
        first = next(iter(news.values())).record
        sitting = await sitting_about(tx, self.desk, touched, chain=f"register-{first.partition}")
        await self._follow(tx, sitting, news, touched, before)
        await write(tx, sitting)

    async def _lock(self, tx: Tx, people: set[PersonId], own: set[PersonId]) -> set[PersonId]:
        """Lock everybody concerned: the persons, their guardians, and the children whose custody names them."""
        children = {c for found in (await persons.children_of(tx, own)).values() for c in found}
        await persons.lock(tx, people | children)
        # whoever became a child of theirs while we waited
        later = {c for found in (await persons.children_of(tx, own)).values() for c in found}
        await persons.lock(tx, later)
        return later

    async def _children(self, tx: Tx, news: Collection[PersonId], children: set[PersonId]) -> set[PersonId]:
        found = {c for kin in (await persons.children_of(tx, news)).values() for c in kin}
        return found & children

    def _is_news(self, one: Message, before: PatientFacts | None, sequence: int, heard: Heard) -> bool:
        if one.says.sequence <= sequence:
            return False
        if before is not None and goes_backward(one.says, before.patient, sequence):
            _say_parked(one.record, ("changed_at",))
            heard.backward.append(one.record)
            return False
        return True

    async def _follow(
        self,
        tx: Tx,
        sitting: Sitting,
        news: Mapping[PersonId, Message],
        touched: Collection[PersonId],
        before: Mapping[PersonId, PatientFacts],
    ) -> None:
        latest = max(news.values(), key=lambda one: one.says.changed_at)
        waiting = await orders.waiting_persons(tx, touched, _ENDED_BY_A_MARK)
        for person in sorted(touched, key=int):
            message = news.get(person, latest)
            after = sitting.standing(person).facts
            if after is None:
                continue
            cause = record_cause(PERSONS.name, person, f"{message.record.partition}:{message.record.offset}")
            known = before.get(person)
            was = known if known is not None and known.patient.registered else None
            moment = effective(message.says, sitting.at)
            sitting.follow(
                person,
                register_change(
                    was,
                    after,
                    moment,
                    self.desk.books,
                    now=sitting.at,
                    open_requests=sitting.standing(person).requests,
                ),
                cause=cause,
                before=was,
            )
            sitting.touch(person)
            self._forget_old_key(sitting, known, after)
            if person in waiting:
                marked = is_marked(after.patient, moment) or marked_guardians(after, moment)
                waits = _ENDED_BY_A_MARK if marked else WAITED_FOR
                await judge_anew(tx, sitting, [person], waits, trigger=cause)

    def _forget_old_key(self, sitting: Sitting, before: PatientFacts | None, after: PatientFacts) -> None:
        """With a new number the state goes out under a new key; under the old one nothing may linger."""
        if before is None or before.patient.key == after.patient.key:
            return
        old = before.patient.key
        ident = event_id(f"state:{old}", f"moved:{after.patient.key}")
        sitting.plan.outgoing.append(Outgoing(STATE, old, ident, None, after.patient.person_id))

    def unreadable(self, prepared: Heard, record: Record) -> bool:
        """Whether a record of the batch is parked as unreadable; one that goes backward was read."""
        return any(record is one for one, _ in prepared.parked)

    def failed(self, prepared: Heard, record: Record) -> bool:
        """Whether it was although it could be read: then it failed when it was to be handled."""
        return any(
            record is one and why is DeadLetterReason.UNREADABLE_RECORD for one, why in prepared.parked
        )

    def report(self, prepared: Heard, steps: Steps) -> None:
        """Count, and say how many were news."""
        for record, reason in prepared.parked:
            self.metrics.inc(DEAD_LETTERS, topic=record.topic, reason=str(reason))
        for record in prepared.backward:
            self.metrics.inc(DEAD_LETTERS, topic=record.topic, reason=str(DeadLetterReason.GOES_BACKWARD))
        log.info(
            "register",
            rows=len(prepared.messages),
            news=prepared.news,
            parked=len(prepared.parked) + len(prepared.backward),
            ms={name: round(1000 * spent, 2) for name, spent in steps.seconds.items()},
        )

    def _dead(self, record: Record, reason: DeadLetterReason) -> DeadRecord:
        return dead_record(record, reason, PERSONS, self.group)


def _rounds(messages: Sequence[Message], owners: Mapping[Identity, PersonId]) -> list[list[Message]]:
    """Split a batch into rounds in which each person has one message, keeping each person's order."""
    rounds: list[list[Message]] = []
    taken: dict[PersonId, int] = {}
    for one in messages:
        person = _owner_of(one.says, owners)
        place = taken.get(person, 0)
        taken[person] = place + 1
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(one)
    return rounds


def _owner_of(says: PersonRecord, owners: Mapping[Identity, PersonId]) -> PersonId:
    """The person a message is about: whoever had the oldest of its numbers first."""
    return min((owners[number] for number in numbers_of(says) if number in owners), key=int)


def _told(person: PersonId, says: PersonRecord, owners: Mapping[Identity, PersonId]) -> Told:
    name = says.name
    return Told(
        person_id=person,
        version=version_of(says, owners),
        birth=BirthDate.parse(says.birth_date),
        sequence=says.sequence,
        identities=numbers_of(says),
        name=None if name is None else Name(name.given, name.family),
    )


def _say_parked(record: Record, fields: Sequence[str]) -> None:
    log.warning(
        "parked",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        fields=list(fields),
    )
