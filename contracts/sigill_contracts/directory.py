"""What the staff directory says: one message a staff member or unit and change, on `directory.staff.v1` and `directory.units.v1`."""

from typing import Annotated

from pydantic import Field

from sigill_contracts.base import Instant, Message, OpenDate, ShortText
from sigill_contracts.order import HsaIdText, RegionText
from sigill_contracts.vocabulary import Role


class Assignment(Message):
    """
    A role at a unit (medarbetaruppdrag). `from_date` and `through` are Swedish dates, both inclusive; null is open.
    """

    unit: HsaIdText
    region: RegionText
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=20)]
    from_date: OpenDate = None
    """First day, inclusive; null: always."""
    through: OpenDate = None
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


ClinicText = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_-]*$")]


class UnitRecord(Message):
    """
    The whole of what the directory knows about one unit (vårdenhet) at `changed_at`.

    `sequence` grows with each change of this unit; a lower or equal one is late and changes nothing. `valid_from` and
    `valid_through` are Swedish dates, both inclusive; null is open. What is left out is not known.
    """

    unit: HsaIdText
    """The unit's HSA-id."""
    sequence: Annotated[int, Field(ge=0)]
    changed_at: Instant
    name: ShortText
    """What people call it; shown to staff and operators instead of the HSA-id."""
    region: RegionText | None = None
    """Short name of its region, also of one without a rulebook here; null: by the organisation number in the HSA-id."""
    care_provider: HsaIdText | None = None
    """HSA-id of the care provider (vårdgivare)."""
    parent: HsaIdText | None = None
    """The unit that it is part of."""
    clinic: ClinicText | None = None
    """The clinic (klinik) it belongs to, by the code that rulebooks name: `paediatric`; null: not known."""
    valid_from: OpenDate = None
    """First day, inclusive; null: always."""
    valid_through: OpenDate = None
    """Last day, inclusive; null: until further notice."""
    succeeded_by: HsaIdText | None = None
    """The unit that took over what this one had decided, when it was closed."""
