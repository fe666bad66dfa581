"""A message of the staff directory, read: the assignments it tells, or why it cannot be believed."""

from contracts.directory import StaffRecord


def contradictions(record: StaffRecord) -> tuple[str, ...]:
    """In which ways a message contradicts itself; empty: in none. Field names only, never a value."""
    backward = any(
        a.from_date is not None and a.through is not None and a.through < a.from_date
        for a in record.assignments
    )
    return ("assignments.through",) if backward else ()
