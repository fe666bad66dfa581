"""What the population register says: one message a person and change, on `population.persons.v1`."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from sigill_contracts.base import Instant, Message, OpenDate, ShortText
from sigill_contracts.order import Identifier, PersonRef


class CoordinationStatus(StrEnum):
    """Status of a co-ordination number (samordningsnummer)."""

    AKTIVT = "AKTIVT"
    VILANDEFORKLARAT = "VILANDEFORKLARAT"
    VILANDEFORKLARAT_STANGT = "VILANDEFORKLARAT_STANGT"
    AVREGISTRERAT = "AVREGISTRERAT"
    EJ_AKTUELLT = "EJ_AKTUELLT"


class IdentityLevel(StrEnum):
    """How sure the identity behind a co-ordination number is."""

    STYRKT = "STYRKT"
    SANNOLIK = "SANNOLIK"
    OSAKER = "OSAKER"
    INTE_TILLAMPLIG = "INTE_TILLAMPLIG"


class DeregistrationReason(StrEnum):
    """Why a person left the register (avregistreringsorsak)."""

    DEATH = "death"
    EMIGRATION = "emigration"
    OTHER = "other"


class Deregistration(Message):
    """A person leaves the register on a date."""

    reason: DeregistrationReason
    date: date


class Custody(Message):
    """
    A guardian of the person (vårdnadshavare). `from_date` is the first day; `to_date` the day on which custody
    ended: from that day on there is none (the reading that shows less).

    `guardian` may be missing: the register then knows that there is custody, not whose.
    """

    guardian: PersonRef | None = None
    from_date: OpenDate = None
    to_date: OpenDate = None


class Name(Message):
    """Name as registered; used in letters, and for an operator to choose a guardian by."""

    given: ShortText
    family: ShortText


class PersonRecord(Message):
    """
    The whole of what the register knows about one person at `changed_at`.

    `sequence` grows with each change of this person; a message with a lower one is late and changes nothing.
    `birth_date` may be partial: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    `former_ids` are numbers that this person had before; an order may still name them.
    `separated_ids` are numbers that an earlier message gave to this person and that are somebody else's: two who were
    taken for one, or a number that was taken back and given to another. Either of the two may say so. A child's custody
    that was told before and names either of the two names nobody: both are shut out as guardians until the child's record
    is told again, with a higher `sequence`.
    """

    person: PersonRef
    sequence: Annotated[int, Field(ge=0)]
    changed_at: Instant
    birth_date: Annotated[str, Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$")]
    name: Name | None = None
    county: Annotated[str, Field(pattern=r"^\d{2}$")] | None = None
    secrecy_mark: bool = False
    """Sekretessmarkering."""
    protected_registration: bool = False
    """Skyddad folkbokföring."""
    has_e_id: bool = True
    custody: Annotated[tuple[Custody, ...], Field(max_length=20)] = ()
    former_ids: Annotated[tuple[PersonRef, ...], Field(max_length=20)] = ()
    separated_ids: Annotated[tuple[PersonRef, ...], Field(max_length=20)] = ()
    replaced_by: PersonRef | None = None
    deregistration: Deregistration | None = None
    coordination_status: CoordinationStatus | None = None
    identity_level: IdentityLevel | None = None


__all__ = [
    "CoordinationStatus",
    "Custody",
    "Deregistration",
    "DeregistrationReason",
    "Identifier",
    "IdentityLevel",
    "Name",
    "PersonRecord",
]
