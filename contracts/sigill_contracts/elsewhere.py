"""Measures that were made outside Sigill, on `elsewhere.measures.v1`: by the resident in the service, or by another region."""

from typing import Annotated

from pydantic import Field

from sigill_contracts.base import Instant, Message, OpenDate
from sigill_contracts.order import HsaIdText, PersonRef, RegionText, Units
from sigill_contracts.vocabulary import MadeBy, MeasureKind

SourceText = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
"""Short name of a source, by which the national rulebook names it too."""
ReferenceText = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
"""The source's own id of a measure. It says nothing about the person; it stands in the record key."""


class ElsewhereMeasure(Message):
    """
    The whole of what a source says of one measure at `changed_at`.

    `sequence` grows with each change of this measure; a lower or equal one is late and changes nothing. `valid_from` and
    `valid_through` are Swedish dates, both inclusive; null is open. `care_provider` and `units` both null: the whole record.
    Only what protects is taken: a kind that lets somebody in is set aside.
    """

    reference: ReferenceText
    sequence: Annotated[int, Field(ge=0)]
    changed_at: Instant
    patient: PersonRef
    kind: MeasureKind
    made_by: MadeBy
    region: RegionText | None = None
    """Short name of the region that made it; null: not said, or made by the resident."""
    care_provider: HsaIdText | None = None
    """HSA-id of the care provider (vårdgivare) whose information it is about."""
    units: Units | None = None
    """HSA-ids of the units whose information it is about."""
    recorded_from: OpenDate = None
    """First day of the information that it is about, inclusive; null: from the beginning."""
    recorded_to: OpenDate = None
    """Last day of the information that it is about, inclusive; null: and later."""
    valid_from: OpenDate = None
    """First day in force, inclusive; null: always."""
    valid_through: OpenDate = None
    """Last day in force, inclusive; null: until it is ended."""
    ended: bool = False
    """Whether it was ended at `changed_at`, before its last day."""


class ElsewhereRecord(Message):
    """
    How far a source has been read, and, where there is one, what it says of a measure.

    A source without news sends `measure` null as often as its limit asks for, under a key that is its name.
    """

    source: SourceText
    read_up_to: Instant
    """Everything that the source knew by then has been sent, with this message."""
    measure: ElsewhereMeasure | None = None
