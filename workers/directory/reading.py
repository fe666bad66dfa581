"""A message of the staff directory, read: the assignments it tells, or why it cannot be believed."""

from contracts.directory import StaffRecord, UnitRecord


def contradictions(record: StaffRecord | UnitRecord) -> tuple[str, ...]:
    """In which ways a message contradicts itself; empty: in none. Field names only, never a value."""
    if isinstance(record, UnitRecord):
        ends_before = record.valid_from is not None and record.valid_through is not None
        found = {
            "valid_through": ends_before and record.valid_through < record.valid_from,  # type: ignore[operator]
            "succeeded_by": record.succeeded_by == record.unit,
            "parent": record.parent == record.unit,
        }
        return tuple(name for name, wrong in found.items() if wrong)
    backward = any(
        a.from_date is not None and a.through is not None and a.through < a.from_date
        for a in record.assignments
    )
    return ("assignments.through",) if backward else ()
