"""A message of the population register, read: what it says of a person, or why it cannot be believed."""

from collections.abc import Mapping
from datetime import datetime

from contracts.order import PersonRef
from contracts.register import (
    Custody as CustodyRecord,
)
from contracts.register import (
    DeregistrationReason,
    IdentityLevel,
    PersonRecord,
)
from contracts.vocabulary import IdType, PersonId
from workers.enact.people import identity_of
from workers.policy.calendar import BirthDate, swedish_date
from workers.policy.facts import Custody, Identity, Person, PersonVersion


def contradictions(record: PersonRecord) -> tuple[str, ...]:
    """
    In which ways a message contradicts itself; empty: in none. Field names only, never a value.

    Birth dates that never were, custody of oneself or that ends before it begins, a number that replaces itself,
    somebody gone before being born, and a number named as own and former at once.
    """
    found: list[str] = []
    try:
        birth = BirthDate.parse(record.birth_date)
    except ValueError:
        return ("birth_date",)

    today = swedish_date(record.changed_at)
    if birth.earliest > today:
        found.append("birth_date")
    if any(_backward(custody) for custody in record.custody):
        found.append("custody.to_date")
    if any(custody.guardian == record.person for custody in record.custody):
        found.append("custody.guardian")
    if record.replaced_by == record.person:
        found.append("replaced_by")
    if record.person in record.former_ids:
        found.append("former_ids")
    if record.deregistration is not None and record.deregistration.date < birth.earliest:
        found.append("deregistration.date")
    return tuple(found)


def _backward(custody: CustodyRecord) -> bool:
    return (
        custody.from_date is not None and custody.to_date is not None and custody.to_date < custody.from_date
    )


def goes_backward(record: PersonRecord, known: Person, sequence: int) -> bool:
    """
    Whether a message that claims to be newer was changed before what is known already.

    A lower or equal sequence is late or repeated, and harmless; this is about a higher one.
    """
    return record.sequence > sequence and known.registered and record.changed_at < known.latest.valid_from


def version_of(record: PersonRecord, people: Mapping[Identity, PersonId]) -> PersonVersion:
    """
    What the message says of the person from `changed_at` on. `people` maps every guardian's number to a person.

    Either mark protects: sekretessmarkering and skyddad folkbokföring are read alike. An identity of the level
    OSAKER is uncertain.
    """
    gone = record.deregistration
    return PersonVersion(
        valid_from=record.changed_at,
        identity=identity_of(record.replaced_by or record.person),
        county=record.county,
        protected=record.secrecy_mark or record.protected_registration,
        has_e_id=record.has_e_id,
        custody=tuple(
            Custody(
                guardian=None if custody.guardian is None else people[identity_of(custody.guardian)],
                from_date=custody.from_date,
                to_date=custody.to_date,
            )
            for custody in record.custody
        ),
        died_on=gone.date if gone and gone.reason is DeregistrationReason.DEATH else None,
        emigrated_on=gone.date if gone and gone.reason is DeregistrationReason.EMIGRATION else None,
        identity_uncertain=(
            record.person.id_type is IdType.SAMORDNINGSNUMMER
            and record.identity_level is IdentityLevel.OSAKER
        ),
    )


def numbers_of(record: PersonRecord) -> tuple[Identity, ...]:
    """Every number that the message gives to the person, the present one first."""
    refs: list[PersonRef] = [record.replaced_by or record.person, record.person, *record.former_ids]
    return tuple(dict.fromkeys(identity_of(ref) for ref in refs))


def guardians_of(record: PersonRecord) -> tuple[Identity, ...]:
    """The numbers of everybody whom the message names as guardian."""
    return tuple(dict.fromkeys(identity_of(c.guardian) for c in record.custody if c.guardian is not None))


def effective(record: PersonRecord, now: datetime) -> datetime:
    """When the change takes effect: at its own time, never later than it is known."""
    return min(record.changed_at, now)
