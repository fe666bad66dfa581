"""What the staff directory says: one message a staff member and change, on `directory.staff.v1`."""

from datetime import date
from typing import Annotated

from pydantic import Field

from contracts.base import Instant, Message
from contracts.order import HsaIdText, RegionText
from contracts.vocabulary import Role


class Assignment(Message):
    """
    A role at a unit (medarbetaruppdrag). `from_date` and `through` are Swedish dates, both inclusive; null is open.
    """

    unit: HsaIdText
    region: RegionText
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)]
    from_date: date | None = None
    """First day, inclusive; null: always."""
    through: date | None = None
    """Last day, inclusive; null: until further notice."""


class StaffRecord(Message):
    """
    All assignments of one staff member as known at `changed_at`, past ones included.

    `sequence` grows with each change of this staff member; a lower one is late and changes nothing.
    """

    hsa_id: HsaIdText
    sequence: Annotated[int, Field(ge=0)]
    changed_at: Instant
    assignments: Annotated[tuple[Assignment, ...], Field(max_length=200)]
