"""
A person's record as a register really sends it: what can be read counts, the rest is set aside and reported.

A mark, custody, a death or a number is never lost for a trifle beside it: an unknown field or value, a name that is
empty or too long, U+0000, a birth date without a day, a stamp far ahead. Where a value that protects cannot be read it
counts as set; where one that opens cannot be read it counts as missing.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sigill.consumer.json_messages import json_once
from sigill.consumer.member_reader import MemberReader, day_of
from sigill.policy.calendar import BirthDate, swedish_date
from sigill.policy.facts import Custody as CustodyKnown
from sigill.policy.facts import Identity, PersonVersion
from sigill.policy.identity_numbers import NumberRules, birth_by_number
from sigill.store.persons import RegisteredName as StoredName
from sigill.store.persons import RegisteredPerson
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.order import PersonRef
from sigill_contracts.register import (
    CoordinationStatus,
    Custody,
    Deregistration,
    DeregistrationReason,
    IdentityLevel,
    Name,
    PersonRecord,
)
from sigill_contracts.vocabulary import IdType, PersonId

_YES = frozenset({"true", "t", "1", "j", "ja", "y", "yes"})
_NO = frozenset({"false", "f", "0", "n", "nej", "no", ""})
_MOST = 20
"""Custodies and former numbers that a record holds."""
_WITH_HYPHEN = re.compile(r"\d{8}-\d{4}", re.ASCII)
_ZONE = re.compile(r"([Zz]|[+-]\d\d:?\d\d)$", re.ASCII)
_BIRTH = re.compile(r"(\d{4})(?:-?(\d\d))?(?:-?(\d\d))?")


class NobodyNamed(ValueError):
    """The record does not say whom it is about, or in which place of that person's history it stands."""


@dataclass(frozen=True, slots=True)
class NumberedCustody:
    """Custody as the register writes it: the guardian's number, first day, and the day from which there is none."""

    guardian: Identity | None
    from_date: date | None
    to_date: date | None


@dataclass(frozen=True, slots=True)
class PersonUpdate:
    """
    What one message of the register says of a person, as far as it can be read.

    `numbers` are all numbers that it gives to the person, the present one first; `changed_at` is UTC and never later
    than the message's arrival, but for a clock's usual skew. `separated` are numbers that are somebody else's. A custody's guardian is a number, or None for somebody unknown. `set_aside` names the
    fields that could not be read, dotted: names of ours only, never a value.
    """

    numbers: tuple[Identity, ...]
    sequence: int
    changed_at: datetime
    birth: BirthDate
    name: Name | None
    county: str | None
    protected: bool
    has_e_id: bool
    custody: tuple[NumberedCustody, ...]
    died_on: date | None
    emigrated_on: date | None
    identity_uncertain: bool
    separated: tuple[Identity, ...] = ()
    set_aside: tuple[str, ...] = ()
    contradicts_itself: bool = False
    """Whether something was set aside because the rest of the message speaks against it."""

    @property
    def kept_as(self) -> DeadLetterReason:
        """Under which reason the message is kept where something was set aside."""
        return (
            DeadLetterReason.CONTRADICTS_ITSELF if self.contradicts_itself else DeadLetterReason.PARTLY_READ
        )

    @property
    def guardians(self) -> tuple[Identity, ...]:
        """The numbers of everybody whom the message names as guardian."""
        return tuple(dict.fromkeys(c.guardian for c in self.custody if c.guardian is not None))


def read_person(data: bytes, arrived_at: datetime) -> PersonUpdate:
    """
    Read a register's message, `arrived_at` being the broker's time (UTC): no change is later than its message.

    Raises ValueError for what is no JSON or names a member twice, and NobodyNamed, one too, where person or sequence cannot
    be read.
    """
    members = json_once(data)
    if not isinstance(members, dict):
        raise NobodyNamed
    return read_person_members(members, arrived_at)


def read_person_members(members: Mapping[str, Any], arrived_at: datetime) -> PersonUpdate:
    """
    Read the members of a register's message, `arrived_at` being when it was known at the latest (UTC).

    Raises NobodyNamed where person or sequence cannot be read.
    """
    return _PersonReader(members, arrived_at).update()


@dataclass(slots=True)
class _PersonReader(MemberReader):
    """The members of one message about a person."""

    def update(self) -> PersonUpdate:
        person, sequence = _identity(self.members.get("person")), self.sequence()
        if person is None or sequence is None:
            raise NobodyNamed
        changed_at = self.changed_at()
        successor = self._successor(person)
        left = self._deregistration(changed_at)
        level = self.word("identity_level", IdentityLevel, IdentityLevel.OSAKER)
        marked, shielded = (
            self._flag(mark, absent=False, unreadable=True)
            for mark in ("secrecy_mark", "protected_registration")
        )
        self.word("coordination_status", CoordinationStatus, None)
        update = PersonUpdate(
            numbers=tuple(dict.fromkeys((successor or person, person, *self._former(person)))),
            sequence=sequence,
            changed_at=changed_at,
            birth=self._birth(person),
            name=self._name(),
            county=self._county(),
            protected=marked or shielded,
            has_e_id=self._flag("has_e_id", absent=True, unreadable=False),
            custody=self._custody(person),
            died_on=left.date if left and left.reason is DeregistrationReason.DEATH else None,
            emigrated_on=left.date if left and left.reason is DeregistrationReason.EMIGRATION else None,
            identity_uncertain=person.id_type is IdType.SAMORDNINGSNUMMER and level is IdentityLevel.OSAKER,
        )
        update = replace(update, separated=self._separated(update.numbers))
        if left is not None and left.date < update.birth.earliest:
            self.contradiction("deregistration.date")
        self.unknown(PersonRecord)
        # what protects holds from its arrival at the latest, whatever the register's clock says
        protects = update.protected or update.died_on is not None
        return replace(
            update,
            changed_at=min(changed_at, self.arrived_at) if protects else changed_at,
            set_aside=tuple(dict.fromkeys(self.set_aside)),
            contradicts_itself=self.contradicts_itself,
        )

    def _birth(self, person: Identity) -> BirthDate:
        """The birth date as far as it can be read, else what the number says."""
        found = self.taken("birth_date", _birth_date, None)
        if found is None:
            self.aside("birth_date")
        elif found.earliest <= swedish_date(self.arrived_at):
            return found
        else:
            self.contradiction("birth_date")
        return birth_by_number(person, swedish_date(self.arrived_at))

    def _name(self) -> Name | None:
        def read(value: Mapping[str, Any]) -> Name:
            known = {part: value[part] for part in ("given", "family")}
            if any(lost in text for text in known.values() for lost in ("\x00", "\ufffd")):
                raise ValueError("U+0000, or a character that an earlier reader could not read")
            return Name.model_validate(known)

        return self.taken("name", read, None)

    def _county(self) -> str | None:
        def read(value: str | int) -> str:
            code = value.strip() if isinstance(value, str) else f"{int(value):02d}"
            if not re.fullmatch(r"\d{2}", code, re.ASCII):
                raise ValueError("two digits")
            return code

        return self.taken("county", read, None)

    def _flag(self, name: str, *, absent: bool, unreadable: bool) -> bool:
        value = self.members.get(name)
        match value:
            case None:
                return absent
            case bool():
                return value
            case int() | str():
                text = str(value).strip().lower()
                if text in _YES or text in _NO:
                    return text in _YES
        self.aside(name)
        return unreadable

    def _former(self, person: Identity) -> list[Identity]:
        return self._numbers("former_ids", (person,), or_one=True)

    def _separated(self, own: Collection[Identity]) -> tuple[Identity, ...]:
        """Numbers of somebody else. One that the message gives to the person as well stays the person's."""
        return tuple(dict.fromkeys(self._numbers("separated_ids", own)))

    def _numbers(
        self, name: str, contradicted_by: Collection[Identity], *, or_one: bool = False
    ) -> list[Identity]:
        found = []
        for value in self.items(name, _MOST, or_one=or_one):
            number = _identity(value)
            if number is None:
                self.aside(name)
            elif number in contradicted_by:
                self.contradiction(name)
            else:
                found.append(number)
        return found

    def _successor(self, person: Identity) -> Identity | None:
        value = self.members.get("replaced_by")
        number = _identity(value)
        if number is not None and number == person:
            self.contradiction("replaced_by")
            return None
        if value is not None and number is None:
            self.aside("replaced_by")
        return number

    def _custody(self, person: Identity) -> tuple[NumberedCustody, ...]:
        """
        Each custody that can be read. A guardian whose number cannot be read is somebody unknown; one whose time cannot
        be read, or runs backward, is left out: whoever is let in by it must be certain.
        """
        found = []
        for value in self.items("custody", _MOST, or_one=True):
            custody = self._one_custody(value, person)
            if custody is not None:
                found.append(custody)
        return tuple(found)

    def _one_custody(self, value: Any, person: Identity) -> NumberedCustody | None:
        if not isinstance(value, Mapping):
            self.aside("custody")
            return None
        if value.keys() - Custody.model_fields.keys():
            self.aside("custody.?")
        named = value.get("guardian")
        guardian = _identity(named)
        if named is not None and guardian is None:
            self.aside("custody.guardian")
        if guardian == person:
            self.contradiction("custody.guardian")
            return None
        try:
            since, until = (day_of(value.get(name)) for name in ("from_date", "to_date"))
        except (ValueError, TypeError):
            self.aside("custody")
            return None
        if since is not None and until is not None and until < since:
            self.contradiction("custody.to_date")
            return None
        return NumberedCustody(guardian, since, until)

    def _deregistration(self, changed_at: datetime) -> Deregistration | None:
        """A death counts also where its day cannot be read: then as of the day of the change."""
        value = self.members.get("deregistration")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.aside("deregistration")
            return None
        try:
            reason = DeregistrationReason(_as_ours(value.get("reason")))
        except ValueError:
            self.aside("deregistration.reason")
            reason = DeregistrationReason.OTHER
        try:
            day = day_of(value.get("date"))
        except (ValueError, TypeError):
            day = None
        if day is None:
            self.aside("deregistration.date")
            day = swedish_date(changed_at)
        return Deregistration(reason=reason, date=day)


_PERSON = TypeAdapter[PersonRef](PersonRef)
_NUMBERS = NumberRules()


def _identity(value: Any) -> Identity | None:
    """
    The number of a person as messages name one: with its kind or alone, twelve digits also with a hyphen.

    Twelve digits say themselves of which kind they are; what is said beside them counts for reserve numbers alone. None
    where it cannot be read, or is no number that anybody can have: ten digits without a century are nobody's.
    """
    named = value if isinstance(value, Mapping) else {"id": value}
    number, stated = named.get("id"), _as_ours(named.get("id_type"))
    if isinstance(number, int) and not isinstance(number, bool):
        number = str(number)
    if not isinstance(number, str):
        return None
    number = number.strip()
    if _WITH_HYPHEN.fullmatch(number):
        number = number.replace("-", "")
    kind = _NUMBERS.kind_of(number)
    if stated == IdType.RESERVNUMMER:
        kind = IdType.RESERVNUMMER
    elif kind is IdType.RESERVNUMMER:
        return None
    try:
        ref = _PERSON.validate_python({"id_type": kind, "id": number})
    except ValidationError:
        return None
    return Identity(ref.id_type, ref.id)


def _as_ours(word: Any) -> str:
    """A word of a fixed list, in whatever case."""
    return str(word).strip().lower()


def _birth_date(text: str | int) -> BirthDate:
    """
    A birth date of which day, or day and month, may be missing or zero. Of a moment with a zone it is the Swedish day:
    midnight as UTC is written on the day before. A time without a zone is left out.
    """
    written = str(text).strip()
    bare, _, time = written.partition("T")
    if _ZONE.search(time):
        born = day_of(written)
        bare = "" if born is None else born.isoformat()
    found = _BIRTH.fullmatch(bare)
    if found is None:
        raise ValueError("no date")
    year, month, day = found.groups()
    parts = [year]
    if month not in (None, "00"):
        parts.append(month)
        if day not in (None, "00"):
            parts.append(day)
    birth = BirthDate.parse("-".join(parts))
    if birth.earliest.year in (date.min.year, date.max.year):
        raise ValueError("an end of time is nobody's birth date")
    return birth


def told_of(
    person: PersonId, update: PersonUpdate, people: Mapping[Identity, PersonId], valid_from: datetime
) -> RegisteredPerson:
    """What the store keeps of an update about a person; `people` maps every guardian's number to a person."""
    name = update.name
    return RegisteredPerson(
        person_id=person,
        version=PersonVersion(
            valid_from=valid_from,
            identity=update.numbers[0],
            county=update.county,
            protected=update.protected,
            has_e_id=update.has_e_id,
            custody=tuple(
                CustodyKnown(None if c.guardian is None else people[c.guardian], c.from_date, c.to_date)
                for c in update.custody
            ),
            died_on=update.died_on,
            emigrated_on=update.emigrated_on,
            identity_uncertain=update.identity_uncertain,
        ),
        birth=update.birth,
        sequence=update.sequence,
        identities=update.numbers,
        name=None if name is None else StoredName(name.given, name.family),
    )
