"""Small conversions between columns and values, in one place."""

from collections.abc import Iterable
from uuid import UUID

from sigill.policy.facts import Identity
from sigill_contracts.vocabulary import IdType, PersonId

ID_TYPES: tuple[IdType, ...] = (IdType.PERSONNUMMER, IdType.SAMORDNINGSNUMMER, IdType.RESERVNUMMER)
ID_TYPE_NUMBER: dict[IdType, int] = {kind: number for number, kind in enumerate(ID_TYPES, start=1)}


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
