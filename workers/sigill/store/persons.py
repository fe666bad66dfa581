"""
Persons: who a number names, what the register said of them, and the lock that serialises each one.

Guarantee: one number is one person, also when two writers meet it at once; what was known stays known. Left over:
two surrogates that turn out to be one person stay two sets of rows, read as one (`person_merge`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sigill.policy.calendar import BirthDate, swedish_date
from sigill.policy.facts import Custody, Identity, PersonVersion
from sigill.policy.identity_numbers import birth_by_number
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx
from sigill.store.values import ID_TYPE_NUMBER, identity_of, person_of, surrogates
from sigill_contracts.vocabulary import PersonId

_SQL = queries("persons")
KeyOf = Callable[[str], str]
"""Makes the pseudonymous key of an identity number."""


@dataclass(frozen=True, slots=True)
class RegisteredName:
    """A person's name; for letters and to choose guardians by, never for logs."""

    given: str
    family: str


@dataclass(frozen=True, slots=True)
class RegisteredPerson:
    """
    What the register told of a person in one message.

    `identities` are further numbers of the same person, former or new; `version.identity` is the present one.
    `version.custody` names guardians by person: `ensure` them first.
    """

    person_id: PersonId
    version: PersonVersion
    birth: BirthDate
    sequence: int
    identities: tuple[Identity, ...] = ()
    name: RegisteredName | None = None


async def resolve(tx: Reading, identities: Iterable[Identity]) -> dict[Identity, PersonId]:
    """Say whose the numbers are, former numbers included; unknown ones are missing from the answer."""
    asked = list(set(identities))
    if not asked:
        return {}
    rows = await tx.fetch(_SQL["resolve"], *_columns(asked))
    return {identity_of(row["id_type"], row["number"]): person_of(row["person_id"]) for row in rows}


async def resolve_keys(tx: Reading, keys: Iterable[str]) -> dict[str, PersonId]:
    """Say whose the pseudonymous keys are; unknown ones are missing from the answer."""
    rows = await tx.fetch(_SQL["resolve_keys"], list(set(keys)))
    return {row["key"]: person_of(row["person_id"]) for row in rows}


async def ensure(tx: Tx, identities: Iterable[Identity], key_of: KeyOf) -> dict[Identity, PersonId]:
    """
    Say whose the numbers are, and make a person for each that nobody has: unregistered, until the register tells.

    Its birth date is read from the number where that says one. Call it before `lock`.
    """
    asked = set(identities)
    known = await resolve(tx, asked)
    if missing := sorted(asked - known.keys(), key=lambda i: (i.number, i.id_type)):
        numbers, kinds = _columns(missing)
        keys = [key_of(identity.number) for identity in missing]
        rows = await tx.fetch(_SQL["add_identities"], numbers, kinds, keys, tx.now)
        made = {identity_of(row["id_type"], row["number"]): row["person_id"] for row in rows}
        today = swedish_date(tx.now)
        births = [birth_by_number(identity, today) for identity in made]
        if made:
            await tx.run(
                _SQL["add_persons"],
                list(made.values()),
                *_columns(list(made)),
                [birth.earliest for birth in births],
                [birth.latest for birth in births],
                tx.now,
            )
        known |= {identity: person_of(number) for identity, number in made.items()}
        if len(known) < len(asked):
            # another transaction made them while we waited for its commit
            known |= await resolve(tx, asked - known.keys())
    return known


async def lock(tx: Tx, person_ids: Iterable[PersonId]) -> None:
    """
    Serialise the persons until the transaction ends: nobody else writes about them, and events keep their order.

    Locks are taken in one order for everybody. Take all of a batch at once, before any outbox row is written.
    """
    wanted = {person_id for person_id in person_ids if person_id not in tx.held}
    if wanted:
        rows = await tx.fetch(_SQL["lock"], surrogates(wanted))
        tx.held.update({person_of(row["person_id"]): row["number"] for row in rows})


async def latest_sequence(tx: Reading, person_ids: Iterable[PersonId]) -> dict[PersonId, int]:
    """Return the highest sequence that the register has told of each person; others are missing."""
    rows = await tx.fetch(_SQL["latest_sequence"], surrogates(person_ids))
    return {person_of(row["person_id"]): row["sequence"] for row in rows}


@dataclass(frozen=True, slots=True)
class Newest:
    """What the register said last of a person: its newest version, birth date, name, and all its numbers."""

    version: PersonVersion
    birth: BirthDate
    name: RegisteredName | None
    identities: frozenset[Identity]

    @property
    def valid_from(self) -> datetime:
        """From when it holds (UTC)."""
        return self.version.valid_from

    def says_the_same(self, told: RegisteredPerson) -> bool:
        """Whether a message brings nothing new but its sequence and stamp."""
        return (
            replace(told.version, valid_from=self.version.valid_from) == self.version
            and told.birth == self.birth
            and told.name == self.name
            and self.identities.issuperset(told.identities)
        )


async def newest(tx: Reading, person_ids: Iterable[PersonId]) -> dict[PersonId, Newest]:
    """Return what the register said last of each person whom it has reported; others are missing."""
    wanted = surrogates(person_ids)
    if not wanted:
        return {}
    found = {row["person_id"]: row for row in await tx.fetch(_SQL["newest"], wanted)}
    custody: dict[int, list[Custody]] = {}
    custody_rows = await tx.fetch(
        _SQL["custody_of"], list(found), [row["sequence"] for row in found.values()]
    )
    guardians = {person_of(row["guardian_id"]) for row in custody_rows if row["guardian_id"] is not None}
    same = await merged(tx, guardians)
    for row in custody_rows:
        guardian = None if row["guardian_id"] is None else person_of(row["guardian_id"])
        named = guardian if guardian is None else same.get(guardian, guardian)
        custody.setdefault(row["child_id"], []).append(Custody(named, row["from_date"], row["to_date"]))
    people = [person_of(number) for number in found]
    known_names, numbers = await names(tx, people), await identities_of(tx, people)
    return {
        person_of(number): Newest(
            version=PersonVersion(
                valid_from=row["valid_from"],
                identity=identity_of(row["id_type"], row["number"]),
                county=row["county"],
                protected=row["protected"],
                has_e_id=row["has_e_id"],
                custody=tuple(custody.get(number, ())),
                died_on=row["died_on"],
                emigrated_on=row["emigrated_on"],
                identity_uncertain=row["identity_uncertain"],
            ),
            birth=BirthDate(row["birth_earliest"], row["birth_latest"]),
            name=known_names.get(person_of(number)),
            identities=frozenset(identity for identity, _ in numbers.get(person_of(number), ())),
        )
        for number, row in found.items()
    }


async def record(
    tx: Tx, told: Sequence[RegisteredPerson], key_of: KeyOf
) -> dict[PersonId, tuple[PersonId, ...]]:
    """
    Add what the register told, known from `tx.now`, and map every number of it to that person.

    A number that named another person until now moves over; that other one is then read as part of this person.
    Returns those, by the person they became part of. Each (person, sequence) can be told once.
    """
    if not told:
        return {}
    absorbed = await _remap(tx, told, key_of)
    versions = [update.version for update in told]
    await tx.run(
        _SQL["add_versions"],
        [int(update.person_id) for update in told],
        [update.sequence for update in told],
        [version.valid_from for version in versions],
        [update.birth.earliest for update in told],
        [update.birth.latest for update in told],
        [version.died_on for version in versions],
        [version.emigrated_on for version in versions],
        [ID_TYPE_NUMBER[version.identity.id_type] for version in versions],
        [version.identity.number for version in versions],
        [version.county for version in versions],
        [version.protected for version in versions],
        [version.has_e_id for version in versions],
        [version.identity_uncertain for version in versions],
        tx.now,
    )
    custody = [(update, place, part) for update in told for place, part in enumerate(update.version.custody)]
    if custody:
        await tx.run(
            _SQL["add_custody"],
            [int(update.person_id) for update, _, _ in custody],
            [update.sequence for update, _, _ in custody],
            [int(part.guardian) if part.guardian else None for _, _, part in custody],
            [part.from_date for _, _, part in custody],
            [part.to_date for _, _, part in custody],
            [place for _, place, _ in custody],
        )
    if named := [(update, update.name) for update in told if update.name]:
        await tx.run(
            _SQL["add_names"],
            [int(update.person_id) for update, _ in named],
            [update.sequence for update, _ in named],
            [name.given for _, name in named],
            [name.family for _, name in named],
        )
    return absorbed


async def _remap(
    tx: Tx, told: Sequence[RegisteredPerson], key_of: KeyOf
) -> dict[PersonId, tuple[PersonId, ...]]:
    claimed = {
        identity: update.person_id
        for update in told
        for identity in (update.version.identity, *update.identities)
    }
    return await claim(tx, claimed, key_of)


async def claim(
    tx: Tx, claimed: Mapping[Identity, PersonId], key_of: KeyOf
) -> dict[PersonId, tuple[PersonId, ...]]:
    """
    Map numbers to the persons that the register says they are.

    A number that named another person until now moves over; that other one is then read as part of this person.
    Returns those, by the person they became part of.
    """
    owners = await resolve(tx, claimed)
    moved = {identity: to for identity, to in claimed.items() if owners.get(identity) != to}
    if not moved:
        return {}
    numbers, kinds = _columns(list(moved))
    await tx.run(
        _SQL["remap"],
        [int(person_id) for person_id in moved.values()],
        kinds,
        numbers,
        [key_of(identity.number) for identity in moved],
        tx.now,
    )
    merges = sorted({(owners[identity], to) for identity, to in moved.items() if identity in owners})
    if merges:
        await tx.run(_SQL["merge"], [int(gone) for gone, _ in merges], [int(to) for _, to in merges], tx.now)
    absorbed: dict[PersonId, tuple[PersonId, ...]] = {}
    for gone, to in merges:
        absorbed[to] = (*absorbed.get(to, ()), gone)
    return absorbed


@dataclass(frozen=True, slots=True)
class Separation:
    """Two persons whom the register has told apart, at `at` by its clock (UTC)."""

    person: PersonId
    other: PersonId
    at: datetime


async def separate(
    tx: Tx, person: PersonId, numbers: Collection[Identity], at: datetime, key_of: KeyOf
) -> PersonId:
    """
    Give numbers that were taken for a person's to somebody new, known from `tx.now`: told apart at `at` (UTC).

    The person keeps everything that is kept about it, and whoever became part of it stays so. Orders that wait and name one
    of the numbers wait about the new person, who is unregistered until the register tells, and locked. A mark, a death or a
    missing e-identity that was told of the person, or under one of the numbers, is the new person's too until then.
    """
    other = int(await tx.value(_SQL["new_person"]))
    asked, kinds = _columns(list(numbers))
    await tx.run(
        _SQL["remap"], [other] * len(asked), kinds, asked, [key_of(number) for number in asked], tx.now
    )
    births = birth_by_number(next(iter(numbers)), swedish_date(tx.now))
    known_by = sorted(surrogates(spellings([person], await merged(tx, [person]))))
    await tx.run(
        _SQL["add_separated"],
        other,
        int(person),
        known_by,
        asked,
        kinds,
        births.earliest,
        births.latest,
        tx.now,
    )
    await tx.run(
        _SQL["separate"],
        known_by,
        [other] * len(known_by),
        [at] * len(known_by),
        [True] * len(known_by),
        tx.now,
    )
    for identity in numbers:
        await tx.run(_SQL["move_waiting"], known_by, str(identity.id_type), identity.number, other)
    made = person_of(other)
    await lock(tx, [made])
    return made


async def note_separation(tx: Tx, separation: Separation) -> None:
    """Remember that two persons whom nobody has taken for one are two, for a word that comes late."""
    await tx.run(
        _SQL["separate"],
        [int(separation.person)],
        [int(separation.other)],
        [separation.at],
        [False],
        tx.now,
    )


async def separations(tx: Reading, person_ids: Iterable[PersonId]) -> tuple[Separation, ...]:
    """Return every pair, of which one is asked about, with the last time at which it was told apart."""
    rows = await tx.fetch(_SQL["separations"], surrogates(person_ids))
    return tuple(
        Separation(person_of(row["person_id"]), person_of(row["other_id"]), row["separated_at"])
        for row in rows
    )


async def taken_for(tx: Reading, identities: Collection[Identity]) -> datetime:
    """Return since when (UTC) the first of the numbers, all known, has been known to be whose it is now."""
    moments: list[datetime] = [
        row["known_from"] for row in await tx.fetch(_SQL["taken_for"], *_columns(list(identities)))
    ]
    return min(moments)


async def identities_of(
    tx: Reading, person_ids: Iterable[PersonId]
) -> dict[PersonId, tuple[tuple[Identity, str], ...]]:
    """Return every number of the persons with its pseudonymous key, newest first."""
    found: dict[PersonId, list[tuple[Identity, str]]] = {}
    for row in await tx.fetch(_SQL["identities"], surrogates(person_ids)):
        identity = identity_of(row["id_type"], row["number"])
        found.setdefault(person_of(row["person_id"]), []).append((identity, row["key"]))
    return {person_id: tuple(pairs) for person_id, pairs in found.items()}


async def names(tx: Reading, person_ids: Iterable[PersonId]) -> dict[PersonId, RegisteredName]:
    """Return the newest names, for letters, and to choose guardians by; persons without one are missing."""
    rows = await tx.fetch(_SQL["names"], surrogates(person_ids))
    return {person_of(row["person_id"]): RegisteredName(row["given"], row["family"]) for row in rows}


async def children_of(tx: Reading, person_ids: Iterable[PersonId]) -> dict[PersonId, tuple[PersonId, ...]]:
    """Return the children whose newest custody names each person, ended custody included."""
    asked = set(person_ids)
    same = await merged(tx, asked)
    rows = await tx.fetch(_SQL["children_of"], surrogates(spellings(asked, same)))
    found: dict[PersonId, set[int]] = {}
    for row in rows:
        guardian = person_of(row["guardian_id"])
        for owner in {guardian, same.get(guardian, guardian)} & asked:
            found.setdefault(owner, set()).add(row["child_id"])
    moved = await merged(tx, {person_of(child) for children in found.values() for child in children})
    return {
        guardian: tuple(dict.fromkeys(moved.get(person_of(c), person_of(c)) for c in sorted(children)))
        for guardian, children in found.items()
    }


async def counties(tx: Reading, person_ids: Iterable[PersonId]) -> dict[PersonId, str]:
    """Return the persons' county codes as known last; persons without one are missing."""
    rows = await tx.fetch(_SQL["counties"], surrogates(person_ids))
    return {person_of(row["person_id"]): row["county"] for row in rows}


async def merged(
    tx: Reading, person_ids: Iterable[PersonId], *, known_at: datetime | None = None
) -> dict[PersonId, PersonId]:
    """Return which surrogates became part of which person, as far as the asked ones are concerned."""
    rows = await tx.fetch(_SQL["merged"], surrogates(person_ids), known_at)
    return {person_of(row["person_id"]): person_of(row["into_id"]) for row in rows}


def spellings(of: Collection[PersonId], same: Mapping[PersonId, PersonId]) -> set[PersonId]:
    """Return the persons and every surrogate that became part of one of them; `same` is what `merged` says."""
    return {*of, *(gone for gone, to in same.items() if to in of)}


def _columns(identities: Sequence[Identity]) -> tuple[list[str], list[int]]:
    return [i.number for i in identities], [ID_TYPE_NUMBER[i.id_type] for i in identities]
