"""Small conversions between columns and values, in one place."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from contracts.vocabulary import IdType, PersonId
from workers.policy.calendar import BirthDate
from workers.policy.facts import Identity

ID_TYPES: tuple[IdType, ...] = (IdType.PERSONNUMMER, IdType.SAMORDNINGSNUMMER, IdType.RESERVNUMMER)
ID_TYPE_NUMBER: dict[IdType, int] = {kind: number for number, kind in enumerate(ID_TYPES, start=1)}
_EARLIEST_BIRTH = date(1880, 1, 1)


def identity_of(id_type: int, number: str) -> Identity:
    """Read an identity from its columns."""
    return Identity(ID_TYPES[id_type - 1], number)


def surrogates(person_ids: Iterable[PersonId]) -> list[int]:
    """Return the surrogate numbers of persons, each once, in order."""
    return sorted({int(person_id) for person_id in person_ids})


def person_of(number: int) -> PersonId:
    """Return the person of a surrogate number."""
    return PersonId(str(number))


def uuids(texts: Iterable[str]) -> list[UUID]:
    """Read UUIDs. Raises ValueError for a text that is none."""
    return [UUID(text) for text in texts]


def uuid_or_none(text: str | None) -> UUID | None:
    """Read a UUID that may be missing."""
    return None if text is None else UUID(text)


def text_or_none(value: UUID | None) -> str | None:
    """Write a UUID that may be missing."""
    return None if value is None else str(value)


def birth_by_number(identity: Identity, today: date) -> BirthDate:
    """
    Read the birth date from an identity number, until the register tells it.

    A co-ordination number (samordningsnummer) has 60 added to the day, and may leave month or day open (00, 60).
    Where the number says nothing the bounds are as wide as can be: every effect then takes the one that shows less.
    """
    unknown = BirthDate(_EARLIEST_BIRTH, max(today, _EARLIEST_BIRTH))
    digits = identity.number
    if identity.id_type is IdType.RESERVNUMMER or len(digits) != 12 or not digits.isdecimal():
        return unknown
    year, month, day = digits[:4], digits[4:6], int(digits[6:8])
    if identity.id_type is IdType.SAMORDNINGSNUMMER:
        day -= 60
    try:
        if month == "00":
            return BirthDate.parse(year)
        return BirthDate.parse(f"{year}-{month}" if day == 0 else f"{year}-{month}-{day:02d}")
    except ValueError:
        return unknown
