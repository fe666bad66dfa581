"""
What the population register says, in order for each person, with history; and what it touches, judged anew.

Late and repeated messages change nothing, and a register that is sent again costs a look for each person who has not
changed. Two who were taken for one are told apart by a message of either. Of a message that can be read in part the readable part counts; the message is kept among the dead letters with
what was set aside. A person's change touches the children too whose custody names that person, and whatever waited
under any of the person's numbers is judged. Nothing re-opens by itself: what a change calls for is said by policy.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from sigill.consumer.json_batches import (
    JsonHandler,
    ParsedBatch,
    ReadMessage,
    parse_batch,
    report_batch,
    report_set_aside,
)
from sigill.consumer.runner import PoisonRecords, StepTimings, dead_record
from sigill.judgement.separation import Lifted, Separated, shared
from sigill.judgement.separation import separated as told_apart
from sigill.judgement.transitions import register_change
from sigill.policy.effects import Transition
from sigill.policy.facts import Identity, Measure, PatientFacts
from sigill.policy.measures_in_force import is_marked, marked_guardians
from sigill.processing.citations import PolicyProvider
from sigill.processing.event_ids import event_id, record_cause
from sigill.processing.loading import unit_of_work_about, with_people
from sigill.processing.patient_keys import KeyRing
from sigill.processing.persist import persist
from sigill.processing.reevaluation import reevaluate_pending
from sigill.processing.unit_of_work import UnitOfWork
from sigill.register.person_update import PersonUpdate, read_person, told_of
from sigill.runtime.metrics import Metrics
from sigill.store import dead_letters, measures, orders, persons, requests
from sigill.store import facts as stored
from sigill.store.dead_letters import DeadRecord
from sigill.store.session import Tx
from sigill.stream.records import Record
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import PERSONS, STATE
from sigill_contracts.vocabulary import MeasureId, PendingCode, PersonId

log = structlog.get_logger("sigill.register")

WAITED_FOR = frozenset({PendingCode.PATIENT_NOT_YET_KNOWN, PendingCode.CUSTODY_UNCONFIRMED})
"""What an order may wait for that the register can tell."""
_ENDED_BY_A_MARK = WAITED_FOR | {
    PendingCode.AWAITING_REVOCATION_STATUS,
    PendingCode.AWAITING_EARLIER_MESSAGE,
}
"""What a grant to a guardian may wait for when a mark of protected identity refuses it (X-11)."""


@dataclass(slots=True)
class ParsedPersons(ParsedBatch[PersonUpdate]):
    """A batch, read. `backward` are the records whose word begins before an earlier one's: found while it is taken."""

    backward: list[Record] = field(default_factory=list)


@dataclass(slots=True)
class Register(JsonHandler[PersonUpdate]):
    """Takes messages of the population register."""

    desk: PolicyProvider
    keys: KeyRing
    metrics: Metrics
    group: str

    async def prepare(self, records: Sequence[Record], spoiled: PoisonRecords) -> ParsedPersons:
        """Read the messages; those that cannot be read, or only in part, are kept among the dead letters."""
        parsed = parse_batch(
            records, spoiled, lambda _: PERSONS, lambda data, record: read_person(data, record.at), log
        )
        return ParsedPersons(parsed.messages, parsed.parked)

    async def take(self, tx: Tx, prepared: ParsedPersons, steps: StepTimings) -> None:
        """Keep what is news, a round for each person's next message, and enact what follows."""
        prepared.backward, prepared.news = [], 0
        with steps.step("unchanged"):
            messages = await self._changed(tx, _without_withdrawn(prepared.messages))
        with steps.step("people"):
            owners = await self._owners(tx, messages)
            messages = await self._without_separated(tx, messages, owners)
        for turn in _rounds(messages, owners):
            with steps.step("round"):
                await self._round(tx, turn, owners, prepared)
        with steps.step("write"):
            parked = [*prepared.parked, *_of_the_past(prepared)]
            await dead_letters.append(tx, [self._dead(record, reason) for record, reason in parked])

    async def _changed(
        self, tx: Tx, messages: Sequence[ReadMessage[PersonUpdate]]
    ) -> list[ReadMessage[PersonUpdate]]:
        """
        Leave out the messages of each person about whom the batch brings nothing new.

        A register sent again comes to millions of these: none of them locks a person, or reads its measures.
        """
        numbers = {
            number
            for message in messages
            for number in (*message.update.numbers, *message.update.guardians, *message.update.separated)
        }
        owners = await persons.resolve(tx, numbers)
        about: dict[PersonId, list[ReadMessage[PersonUpdate]]] = {}
        news: set[PersonId] = set()
        for message in messages:
            found = {owners[number] for number in message.update.numbers if number in owners}
            for person in found:
                about.setdefault(person, []).append(message)
            named = (*message.update.numbers, *message.update.guardians, *message.update.separated)
            if len(found) != 1 or any(number not in owners for number in named):
                news |= found
            if message.update.separated and not await self._known_apart(tx, message.update, owners):
                news |= found
        known = await persons.newest(tx, about.keys() - news)
        same = await persons.merged(tx, owners.values())
        canonical = {number: same.get(person, person) for number, person in owners.items()}
        unchanged = {
            id(message)
            for person, newest in known.items()
            for message in about[person]
            if all(
                each.update.changed_at >= newest.valid_from
                and newest.says_the_same(told_of(person, each.update, canonical, newest.valid_from))
                for each in about[person]
            )
        }
        return [message for message in messages if id(message) not in unchanged]

    async def _owners(
        self, tx: Tx, messages: Sequence[ReadMessage[PersonUpdate]]
    ) -> dict[Identity, PersonId]:
        """Whose each number is. A person whose number has changed keeps the place that the former number has."""
        numbers = {number for message in messages for number in message.update.numbers}
        known = await persons.resolve(tx, numbers)
        known |= await persons.resolve(
            tx, {number for message in messages for number in message.update.separated}
        )
        new: set[Identity] = set()
        for message in messages:
            own = message.update.numbers
            if not any(number in known for number in own):
                new.add(own[0])
            new.update(message.update.guardians)
            new.update(message.update.separated)
        return known | await persons.ensure(tx, new - known.keys(), self.keys.of)

    async def _known_apart(self, tx: Tx, says: PersonUpdate, owners: Mapping[Identity, PersonId]) -> bool:
        """Whether nothing is left to tell apart of what a message says."""
        own = {owners[number] for number in says.numbers if number in owners}
        others = {owners[number] for number in says.separated if number in owners}
        pairs = {frozenset((s.person, s.other)) for s in await persons.separations(tx, own)}
        return not own & others and all(frozenset((p, other)) in pairs for p in own for other in others)

    async def _without_separated(
        self, tx: Tx, messages: list[ReadMessage[PersonUpdate]], owners: Mapping[Identity, PersonId]
    ) -> list[ReadMessage[PersonUpdate]]:
        """Leave out the former numbers of people who have been told apart by a later word of the register."""
        found = []
        for message in messages:
            says = message.update
            of = {number: owners[number] for number in says.numbers if number in owners}
            if len(set(of.values())) > 1:
                own = next(iter(of.values()))
                apart = {
                    person
                    for s in await persons.separations(tx, [own])
                    if s.at >= says.changed_at
                    for person in (s.person, s.other)
                } - {own}
                kept = tuple(number for number in says.numbers if of.get(number) not in apart)
                says = replace(says, numbers=kept)
            found.append(replace(message, update=says))
        return found

    async def _round(
        self,
        tx: Tx,
        turn: Sequence[ReadMessage[PersonUpdate]],
        owners: dict[Identity, PersonId],
        heard: ParsedPersons,
    ) -> None:
        """One message a person: what was known before, what is known after, and what that changes."""
        own = {_owner_of(message.update, owners): message for message in turn}
        around = {owners[guardian] for message in turn for guardian in message.update.guardians}
        # those who turn out to be the same person: what waits under their numbers is judged, too
        becoming_one = _becoming_one(turn, owners)
        around |= becoming_one
        named_by = await self._named_by(
            tx, becoming_one | {p for p, message in own.items() if message.update.separated}
        )
        around |= named_by
        children = await self._lock(tx, set(own) | around, set(own) | becoming_one)
        sequences = await persons.latest_sequence(tx, own)
        before = await stored.patient_facts(tx, set(own) | children | named_by | becoming_one)
        separated = await self._tell_apart(tx, own, owners, sequences, before)
        own = {_owner_of(message.update, owners): message for message in turn}

        news = {
            person: message
            for person, message in own.items()
            if message.update.sequence > sequences.get(person, -1)
        }
        if not news:
            return
        heard.news += len(news)
        told = []
        for person, message in news.items():
            valid_from = _valid_from(message, before.get(person))
            if valid_from > message.update.changed_at:
                report_set_aside(log, message.record, ("changed_at",))
                heard.backward.append(message.record)
            told.append(told_of(person, message.update, owners, valid_from))
        await persons.record(tx, told, self.keys.of)
        owners |= await persons.resolve(tx, {n for message in news.values() for n in message.update.numbers})
        touched = set(news) | await self._children(tx, news, children)
        if becoming_one:
            touched |= named_by
        for two in separated:
            touched |= {two.person, two.other, *named_by, *children}
        same = await persons.merged(tx, touched)
        first = next(iter(news.values())).record
        unit_of_work = await unit_of_work_about(
            tx, self.desk, persons.spellings(touched, same), chain=f"register-{first.partition}"
        )
        for two in separated:
            self._follow_separation(unit_of_work, two, news, first)
        became: dict[PersonId, list[PatientFacts]] = {}
        if becoming_one and not separated:
            for gone, person in (await persons.merged(tx, becoming_one)).items():
                known = before.get(gone) if gone in becoming_one else None
                if known is not None:
                    became.setdefault(person, []).append(known)
        await self._follow(tx, unit_of_work, news, touched, before, became)
        for person, many in became.items():
            after = unit_of_work.standing(person).facts
            if after is not None:
                for known in many:
                    self._forget_old_key(unit_of_work, known, after)
        await persist(tx, unit_of_work)

    async def _named_by(self, tx: Tx, people: set[PersonId]) -> set[PersonId]:
        """
        The patients of whom a measure names any of the people as guardian or viewer, or leaves one out, or about whom a
        request is that one of them asks for: children outside their custody, too.
        """
        same = await persons.merged(tx, people)
        found: set[PersonId] = set()
        for person in people:
            known_by = persons.spellings([person], same)
            found |= {m.patient for m in await measures.concerning(tx, person, known_by)}
            found |= await measures.patients_left_out_for(tx, known_by)
            found |= await requests.patients_asked_for(tx, known_by)
        moved = await persons.merged(tx, found)
        return {moved.get(patient, patient) for patient in found} - people

    async def _tell_apart(
        self,
        tx: Tx,
        own: Mapping[PersonId, ReadMessage[PersonUpdate]],
        owners: dict[Identity, PersonId],
        sequences: Mapping[PersonId, int],
        before: Mapping[PersonId, PatientFacts],
    ) -> list[Separated]:
        """
        Give each number that is somebody else's to a person of its own. Whose number is the present one keeps the rest.

        Whichever of the two speaks, and whichever speaks first, the same comes of it.
        """
        made = []
        for person, message in own.items():
            says, facts = message.update, before.get(person)
            if not says.separated:
                continue
            apart = await persons.separations(tx, [person])
            present = None if facts is None else facts.patient.latest.identity
            if present in says.separated:
                # the former number's own record: it is that number which leaves
                leaving = [tuple(n for n in says.numbers if owners.get(n) == person)]
            elif message.update.sequence > sequences.get(person, -1):
                leaving = [(n,) for n in says.separated if owners[n] == person]
                for other in {owners[n] for n in says.separated} - {person}:
                    if not any({s.person, s.other} == {person, other} for s in apart):
                        await persons.note_separation(tx, persons.Separation(person, other, says.changed_at))
            else:
                continue
            same = persons.spellings([person], await persons.merged(tx, [person]))
            if any({s.person, s.other} <= same and s.at >= says.changed_at for s in apart):
                continue  # an old word, and a later one has made them one again
            for numbers in leaving:
                since = await persons.taken_for(tx, numbers)
                known = await measures.concerning(tx, person, same)
                certain = frozenset(m.measure_id for m in known if m.by_this and m.known_from < since)
                asked = await requests.naming(tx, same, numbers)
                other = await persons.separate(tx, person, numbers, says.changed_at, self.keys.of)
                owners.update(dict.fromkeys(numbers, other))
                lifted = await self._lifted(tx, known, since, (person, other), same)
                made.append(Separated(person, other, certain, lifted, asked))
        return made

    async def _lifted(
        self,
        tx: Tx,
        known: Collection[measures.Concerned],
        since: datetime,
        two: tuple[PersonId, PersonId],
        same: Collection[PersonId],
    ) -> dict[MeasureId, Lifted]:
        """The measures that shut and were released from `since` on (UTC), while the two were one."""
        person, _ = two
        versions: dict[MeasureId, list[tuple[datetime, Measure]]] = {}
        for known_from, m in await measures.history(tx, [measure.measure_id for measure in known]):
            versions.setdefault(m.measure_id, []).append((known_from, m))
        ended = [
            (was[-1], m)
            for told in versions.values()
            for known_from, m in [max(told, key=lambda one: one[1].version)]
            for was in [[earlier for _, earlier in told if not earlier.released]]
            if m.released and not m.kind.opens and known_from >= since and was
        ]
        named = await requests.named_in_releases(tx, [m.orders[-1] for _, m in ended if m.orders])
        numbers = {n for release in named.values() for n in (*release.patients, *release.guardians)}
        whose = {n: person if p in same else p for n, p in (await persons.resolve(tx, numbers)).items()}
        found = {}
        for before, m in ended:
            release = named.get(m.orders[-1]) if m.orders else None
            if release is None:  # another measure took its place, which holds for both
                meant = {person}
            elif m.patient in (*same, person):
                of = {whose.get(n) for n in release.patients}
                meant = {p for p in two if of == {p}}
            else:
                meant = {p for p in two if p in {whose.get(n) for n in release.guardians}} or {*two}
            found[m.measure_id] = Lifted(before, frozenset(meant))
        return found

    def _follow_separation(
        self,
        unit_of_work: UnitOfWork,
        two: Separated,
        news: Mapping[PersonId, ReadMessage[PersonUpdate]],
        record: Record,
    ) -> None:
        """What shuts holds for both from now on, and what may have been meant for the other ends."""
        at, books = unit_of_work.at, unit_of_work.desk.books
        kept, other = (unit_of_work.standing(p).facts for p in (two.person, two.other))
        if kept is None or other is None:
            return

        def follow(facts: PatientFacts, what: Transition) -> None:
            place = f"{record.partition}:{record.offset}|separated:{other.patient.key}"
            cause = record_cause(PERSONS.name, facts.patient.key, place)
            person = facts.patient.person_id
            # what a registered person's change is compared for at this very instant is not told twice
            told = facts.patient.registered and _moment(news, person, at) == at
            unit_of_work.follow(person, replace(what, compare=not told), cause=cause)

        follow(other, shared(kept, other, two, at, books))
        for patient, standing in list(unit_of_work.standings.items()):
            if standing.facts is not None and patient != two.other:
                facts = with_people(standing.facts, {two.other: other.patient}, [two.other])
                unit_of_work.standings[patient] = replace(standing, facts=facts)
                follow(facts, told_apart(facts, two, at, books, standing.requests))

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

    async def _follow(
        self,
        tx: Tx,
        unit_of_work: UnitOfWork,
        news: Mapping[PersonId, ReadMessage[PersonUpdate]],
        touched: Collection[PersonId],
        before: Mapping[PersonId, PatientFacts],
        became: Mapping[PersonId, Sequence[PatientFacts]],
    ) -> None:
        latest = _latest(news)
        same = await persons.merged(tx, touched)
        waiting = await orders.waiting_persons(tx, persons.spellings(touched, same), _ENDED_BY_A_MARK)
        waited_under: dict[PersonId, set[PersonId]] = {}
        for spelling in waiting:
            waited_under.setdefault(same.get(spelling, spelling), set()).add(spelling)
        for person in sorted(touched, key=int):
            message = news.get(person, latest)
            after = unit_of_work.standing(person).facts
            if after is None:
                continue
            place = f"{message.record.partition}:{message.record.offset}"
            cause = record_cause(PERSONS.name, after.patient.key, place)
            known = before.get(person)
            was = known if known is not None and known.patient.registered else None
            moment = _moment(news, person, unit_of_work.at)
            if after.patient.registered:
                unit_of_work.follow(
                    person,
                    register_change(
                        was,
                        after,
                        moment,
                        unit_of_work.desk.books,
                        now=unit_of_work.at,
                        open_requests=unit_of_work.standing(person).requests,
                    ),
                    cause=cause,
                    before=was,
                    formerly=tuple(former for former in became.get(person, ()) if former.patient.registered),
                )
            unit_of_work.touch(person)
            self._forget_old_key(unit_of_work, known, after)
            if person in waited_under:
                marked = is_marked(after.patient, moment) or marked_guardians(after, moment)
                waits = _ENDED_BY_A_MARK if marked else WAITED_FOR
                await reevaluate_pending(tx, unit_of_work, waited_under[person], waits, trigger=cause)

    def _forget_old_key(
        self, unit_of_work: UnitOfWork, before: PatientFacts | None, after: PatientFacts
    ) -> None:
        """
        With a new number the state goes out under a new key; under the old one nothing may linger, nor under that of
        somebody who has become part of the person.
        """
        if before is None or before.patient.key == after.patient.key:
            return
        old = before.patient.key
        ident = event_id(f"state:{old}", f"moved:{after.patient.key}")
        unit_of_work.send(STATE, old, ident, None, after.patient.person_id)

    def report(self, prepared: ParsedPersons, steps: StepTimings) -> None:
        """Count, and say how many were news."""
        parked = [*prepared.parked, *_of_the_past(prepared)]
        report_batch(log, "register", replace(prepared, parked=parked), self.metrics, steps)

    def _dead(self, record: Record, reason: DeadLetterReason) -> DeadRecord:
        return dead_record(record, reason, PERSONS, self.group)


def _latest(news: Mapping[PersonId, ReadMessage[PersonUpdate]]) -> ReadMessage[PersonUpdate]:
    return max(news.values(), key=lambda one: one.update.changed_at)


def _moment(news: Mapping[PersonId, ReadMessage[PersonUpdate]], person: PersonId, at: datetime) -> datetime:
    """As of when a round's news is judged for somebody: when it changed, and never after `at` (UTC)."""
    return min(news.get(person, _latest(news)).update.changed_at, at)


def _without_withdrawn(
    messages: Sequence[ReadMessage[PersonUpdate]],
) -> list[ReadMessage[PersonUpdate]]:
    """Leave out former numbers that a later message of the batch says are somebody else's."""
    found = []
    withdrawn: dict[Identity, set[Identity]] = {}
    for message in reversed(messages):
        own, *former = message.update.numbers
        gone = withdrawn.setdefault(own, set())
        found.append(
            replace(
                message, update=replace(message.update, numbers=(own, *(n for n in former if n not in gone)))
            )
        )
        gone.update(message.update.separated)
    return found[::-1]


def _rounds(
    messages: Sequence[ReadMessage[PersonUpdate]], owners: Mapping[Identity, PersonId]
) -> list[list[ReadMessage[PersonUpdate]]]:
    """
    Split a batch into rounds in which each person has one message, keeping each person's order.

    Those who are told apart come first: whoever names one of them in the same batch then names the right one.
    """
    apart = {_owner_of(message.update, owners) for message in messages if message.update.separated}
    first = [message for message in messages if _owner_of(message.update, owners) in apart]
    rest = [message for message in messages if _owner_of(message.update, owners) not in apart]
    return [*_turns(first, owners), *_turns(rest, owners)]


def _turns(
    messages: Sequence[ReadMessage[PersonUpdate]], owners: Mapping[Identity, PersonId]
) -> list[list[ReadMessage[PersonUpdate]]]:
    rounds: list[list[ReadMessage[PersonUpdate]]] = []
    taken: dict[PersonId, int] = {}
    for message in messages:
        person = _owner_of(message.update, owners)
        place = taken.get(person, 0)
        taken[person] = place + 1
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(message)
    return rounds


def _owner_of(says: PersonUpdate, owners: Mapping[Identity, PersonId]) -> PersonId:
    """The person a message is about: whoever had the oldest of its numbers first."""
    return min((owners[number] for number in says.numbers if number in owners), key=int)


def _becoming_one(
    turn: Iterable[ReadMessage[PersonUpdate]], owners: Mapping[Identity, PersonId]
) -> set[PersonId]:
    """Those of whom a message says, by naming their numbers together, that they are one person."""
    found: set[PersonId] = set()
    for message in turn:
        people = {owners[number] for number in message.update.numbers if number in owners}
        if len(people) > 1:
            found |= people
    return found


def _valid_from(one: ReadMessage[PersonUpdate], before: PatientFacts | None) -> datetime:
    """
    When the newest word begins to hold: when the register changed it, never before the word that it replaces.

    An earlier word that claims to begin after this message came was stamped wrongly, and is replaced altogether.
    """
    if before is None or not before.patient.registered:
        return one.update.changed_at
    earlier = before.patient.latest.valid_from
    return max(one.update.changed_at, earlier) if earlier <= one.record.at else one.update.changed_at


def _of_the_past(batch: ParsedPersons) -> Iterator[tuple[Record, DeadLetterReason]]:
    return ((record, DeadLetterReason.GOES_BACKWARD) for record in batch.backward)
