"""A record of a register's file, for a bulk load: in which ways it contradicts itself."""

from contracts.register import Custody, PersonRecord
from workers.policy.calendar import BirthDate, swedish_date


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


def _backward(custody: Custody) -> bool:
    return (
        custody.from_date is not None and custody.to_date is not None and custody.to_date < custody.from_date
    )
