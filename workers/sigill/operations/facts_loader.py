"""
What is known of the people of some questions, from copies whose stamps still hold and from the store for all others.

Guarantee: what is handed out equals the rows of a snapshot that was opened after the question came.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from sigill.operations.facts_cache import CacheEntry, FactsCache
from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Identity, PatientFacts, Person, PersonVersion
from sigill.policy.units import Unit
from sigill.store import decisions, persons
from sigill.store import facts as stored
from sigill.store import units as stored_units
from sigill.store.decisions import NOTHING, SnapshotFacts, Source, Stamp
from sigill.store.session import Reading
from sigill_contracts.vocabulary import IdType, PersonId, RegionCode, UnitId

Who = Identity | str
"""Somebody by identity number, or by pseudonymous key."""

LATELY = timedelta(minutes=1)
"""
How far before the present what is over is still loaded: questions that are taken together, by clocks a little apart, use one
copy. An answer about an earlier instant is made from every measure.
"""

_NOBODY = Person(
    person_id=PersonId(""),
    key="",
    birth=BirthDate(date(1880, 1, 1), date(2100, 1, 1)),
    versions=(PersonVersion(datetime(1880, 1, 1, tzinfo=UTC), Identity(IdType.PERSONNUMMER, "")),),
    registered=False,
)
STRANGER = PatientFacts(_NOBODY)
"""A patient whom nothing is known about: every answer is that no relation is known."""


@dataclass(frozen=True, slots=True)
class CachedPatient:
    """All about one patient. `version` is another one whenever anything that it rests on is."""

    facts: PatientFacts
    known_at: datetime
    version: tuple[tuple[PersonId, Stamp], ...]
    others: Mapping[Who, PersonId]


@dataclass(frozen=True, slots=True)
class LoadedFacts:
    """What is known of the people of some questions."""

    names: Mapping[Who, PersonId]
    copies: Mapping[PersonId, CacheEntry]
    regions: Mapping[UnitId, RegionCode]
    units: Mapping[UnitId, Unit]
    """What the directory says of the units asked about, and of those above them."""

    def of(
        self, patient: Who, viewer: Who, unit: UnitId | None
    ) -> tuple[PatientFacts, PersonId | None, CacheEntry | None]:
        """Return the patient's facts, the viewer, and the copy that they are from (None: nobody is known)."""
        person = self.names.get(patient)
        copy = None if person is None else self.copies.get(person)
        facts = None if copy is None else copy.facts
        if copy is None or facts is None:
            return replace(STRANGER, unit_regions=self.regions), None, None
        who = self.names.get(viewer)
        if unit is not None:
            units = MappingProxyType({**facts.units, **self.units})
            facts = replace(facts, unit_regions=self.regions, units=units)
        return facts, None if who is None else copy.same.get(who, who), copy


class FactsLoader:
    """Copies of the store's facts, `capacity` patients at most."""

    def __init__(self, capacity: int) -> None:
        self._copies = FactsCache(capacity)
        self._names: dict[Who, PersonId] = {}
        self._most_names = 4 * capacity

    async def about(
        self,
        source: Source,
        patients: Mapping[Who, datetime],
        viewers: Set[Who],
        units: Set[UnitId],
        known_at: datetime | None,
        now: datetime,
    ) -> LoadedFacts:
        """
        Return what is known at `now`, or was at `known_at` (UTC, inclusive).

        `patients`: who is asked about, each with the earliest instant (UTC) of its questions; what is returned answers about that
        instant and later ones, and may leave out measures that were over by then.
        """
        people, places = patients.keys() | viewers, sorted(units)
        if known_at is not None:
            return await self._then(source, patients.keys(), people, places, known_at)
        found = [
            (person, copy)
            for who in patients
            if (person := self._names.get(who)) is not None and (copy := self._copies.get(person)) is not None
        ]
        held = dict(found)
        watched = {person for copy in held.values() for person in copy.stamps}
        held_all = len(found) == len(patients)
        if held_all:
            async with source.looking() as tx:
                looked = await _look(tx, people, watched, places)
                told = await stored_units.load(tx, places)
            names, fresh, missing = _sort_out(looked, people, patients, held)
            held_all = not missing
        if not held_all:  # a stranger is not looked up twice, only who was thought to be known
            async with source.reading() as tx:
                # everything again, so that names, copies and what is loaded now come from one snapshot
                looked = await _look(tx, people, watched, places)
                told = await stored_units.load(tx, places)
                names, fresh, missing = _sort_out(looked, people, patients, held)
                loaded = await _load_lately(tx, missing, now - LATELY)
            for person, copy in loaded.items():
                self._copies.keep(person, copy)
            fresh |= loaded
        self._remember({who: names[who] for who in patients if who in names})
        return LoadedFacts(names, fresh, MappingProxyType(dict(looked.regions)), MappingProxyType(told))

    async def open(
        self, source: Source, patient: Who, now: datetime, known_at: datetime | None, others: Sequence[Who]
    ) -> CachedPatient | None:
        """Return all about one patient, now or at `known_at`; None when nobody is known by that name."""
        async with source.reading() as tx:
            looked = await _look(tx, {patient, *others}, (), ())
            person = named(looked, patient)
            if person is None:
                return None
            copy = (await _load(tx, {person}, known_at))[person]
        if copy.facts is None:
            return None
        found = {who: copy.same.get(p, p) for who in others if (p := named(looked, who)) is not None}
        return CachedPatient(copy.facts, known_at or now, tuple(sorted(copy.stamps.items())), found)

    async def _then(
        self,
        source: Source,
        patients: Set[Who],
        people: Set[Who],
        units: Sequence[UnitId],
        known_at: datetime,
    ) -> LoadedFacts:
        async with source.reading() as tx:
            looked = await _look(tx, people, (), ())
            names = {who: person for who in people if (person := named(looked, who)) is not None}
            wanted = {names[who] for who in patients if who in names}
            copies = await _load(tx, wanted, known_at, units)
            told = await stored_units.load(tx, units, known_at=known_at)
        regions: Mapping[UnitId, RegionCode] = {}
        for copy in copies.values():
            if copy.facts is not None:
                regions = {**regions, **copy.facts.unit_regions}
        return LoadedFacts(names, copies, MappingProxyType(regions), MappingProxyType(told))

    def _remember(self, names: Mapping[Who, PersonId]) -> None:
        """Where to look first the next time; a wrong guess costs a second look, never a wrong answer."""
        self._names |= names
        if len(self._names) > self._most_names:
            self._names = dict(names)


def named(looked: SnapshotFacts, who: Who) -> PersonId | None:
    """Return who that is."""
    return looked.keys.get(who) if isinstance(who, str) else looked.numbers.get(who)


async def _look(
    tx: Reading, people: Iterable[Who], watched: Iterable[PersonId], units: Sequence[UnitId]
) -> SnapshotFacts:
    numbers = [who for who in people if not isinstance(who, str)]
    keys = [who for who in people if isinstance(who, str)]
    return await decisions.look(tx, numbers, keys, watched, units)


def _sort_out(
    looked: SnapshotFacts,
    people: Iterable[Who],
    patients: Mapping[Who, datetime],
    held: Mapping[PersonId, CacheEntry],
) -> tuple[dict[Who, PersonId], dict[PersonId, CacheEntry], dict[PersonId, datetime]]:
    """
    Return names, the copies that still hold, and the patients who must be loaded, with the earliest instant that each is asked
    about.
    """
    names = {who: person for who in people if (person := named(looked, who)) is not None}
    wanted: dict[PersonId, datetime] = {}
    for who, at in patients.items():
        if who in names:
            wanted[names[who]] = min(at, wanted.get(names[who], at))
    fresh = {
        person: copy
        for person, at in wanted.items()
        if (copy := held.get(person)) is not None and copy.holds(looked.stamps) and copy.reaches(at)
    }
    return names, fresh, {person: at for person, at in wanted.items() if person not in fresh}


async def _load_lately(
    tx: Reading, missing: Mapping[PersonId, datetime], since: datetime
) -> dict[PersonId, CacheEntry]:
    """Load with every measure who is asked about an instant before `since`; the others with what is needed since then."""
    lately = {person for person, at in missing.items() if at >= since}
    loaded = await _load(tx, lately, None, since=since) if lately else {}
    if before := missing.keys() - lately:
        loaded |= await _load(tx, before, None)
    return loaded


async def _load(
    tx: Reading,
    wanted: Set[PersonId],
    known_at: datetime | None,
    units: Sequence[UnitId] = (),
    since: datetime | None = None,
) -> dict[PersonId, CacheEntry]:
    """
    Load patients, and stamp everybody whom their facts are made from, in the caller's snapshot.

    Whoever a measure names is among these with `since`, too: a measure that names somebody is never left out.
    """
    found = await stored.patient_facts(tx, wanted, known_at=known_at, units=units, since=since)
    around = {person: _around(found.get(person), person) for person in wanted}
    everybody = {person for people in around.values() for person in people}
    same = await persons.merged(tx, everybody, known_at=known_at)
    spelled: dict[PersonId, set[PersonId]] = {}
    for gone, into in same.items():
        spelled.setdefault(into, set()).add(gone)
    for people in around.values():
        people.update(*(spelled.get(person, ()) for person in tuple(people)))
    looked = await decisions.look(tx, (), (), {person for people in around.values() for person in people})
    return {
        person: CacheEntry(
            found.get(person),
            {who: looked.stamps.get(who, NOTHING) for who in people},
            {who: same[who] for who in people if who in same},
            since,
        )
        for person, people in around.items()
    }


def _around(facts: PatientFacts | None, person: PersonId) -> set[PersonId]:
    """Everybody whom the facts are made from: whoever is named there, even if nothing is known of them."""
    if facts is None:
        return {person}
    people = {person, facts.patient.person_id, *facts.people}
    people.update(c.guardian for v in facts.patient.versions for c in v.custody if c.guardian)
    for measure in facts.measures:
        people.update((*(measure.guardians or ()), *measure.guardians_except))
        if measure.viewer:
            people.add(measure.viewer)
    return people
