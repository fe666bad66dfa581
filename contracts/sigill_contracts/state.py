"""A patient's whole present state, compacted, on `access.state.v1`: enough to decide in process."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from sigill_contracts.base import Instant, Message
from sigill_contracts.order import HsaIdText, PersonRef, RegionText, Units
from sigill_contracts.vocabulary import IdType, Initiative, MadeBy, MeasureKind, Service


class PersonState(Message):
    """
    What a decision needs to know of one person. `birth_date` may be partial, as the register has it.

    `county` is the patient's, which says whose rules hold where no unit is asked about, and null of everybody else.
    `former` is empty of whoever has, or ever had, protected identity.
    """

    key: str
    ref: PersonRef
    former: tuple[PersonRef, ...] = ()
    birth_date: str
    id_type: IdType
    county: str | None = None
    protected: bool = False
    has_e_id: bool = True
    died_on: date | None = None
    registered: bool = True


class GuardianState(Message):
    """A guardian; custody runs from `from_date` and has ended on `to_date`; null is open."""

    person: PersonState
    from_date: date | None = None
    to_date: date | None = None


class PaperCopyState(Message):
    """A copy on paper that was given after a harm assessment: by which order, to whom, on which Swedish date."""

    order_id: UUID
    to: PersonRef
    given_on: date


class PaperCopyRefusedState(Message):
    """A copy on paper that was not given, after a harm assessment: by which order, to whom, on which Swedish date."""

    order_id: UUID
    to: PersonRef
    assessed_on: date


class MeasureState(Message):
    """A measure as it now stands; `valid_to` is exclusive, `ends_at_age` in whole years."""

    measure_id: UUID
    kind: MeasureKind
    order_id: UUID | None
    region: RegionText
    initiative: Initiative
    services: tuple[Service, ...]
    units: Units | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    guardians: tuple[PersonRef, ...] | None = None
    """Null: all guardians, now and later, but for `guardians_except`."""
    guardians_except: tuple[PersonRef, ...] = ()
    """Who has been let out of a measure against all. A reader that does not know the field shows less."""
    viewer: PersonRef | None = None
    valid_from: Instant
    valid_to: Instant | None = None
    ends_at_age: int | None = None
    ended_early: bool = False
    rules: tuple[str, ...] = ()
    paper_copies: tuple[PaperCopyState, ...] = ()
    """What was given on paper while it stands: it answers about copies on paper alone, and opens nothing online."""
    paper_copies_refused: tuple[PaperCopyRefusedState, ...] = ()
    """To whom no copy is to be given while it stands: it answers no about copies on paper, and shuts nothing online."""


class ElsewhereState(Message):
    """A measure that was made outside Sigill and shuts; `valid_to` is exclusive. `units` null: the whole record."""

    measure_id: UUID
    source: str
    reference: str
    made_by: MadeBy
    region: RegionText | None = None
    """The region that made it; null: not said, or made by the resident."""
    kind: MeasureKind
    services: tuple[Service, ...]
    units: Units | None = None
    """HSA-ids of units and care providers."""
    recorded_from: date | None = None
    recorded_to: date | None = None
    valid_from: Instant
    valid_to: Instant | None = None
    ended_early: bool = False


class PatientState(Message):
    """
    Everything about a patient that an access decision at `known_at` or later reads: measures that are over have left it,
    but for those that alone name somebody who may be a guardian known by number alone.

    Nobody is named whom nothing lets in, now or later by itself: who is not here is answered no.

    `version` grows with every change of the patient; keep the highest. It is for the program that decides: nothing of it but
    yes or no may reach a viewer, who may be one who must not know.
    """

    key: str
    version: Annotated[int, Field(ge=1)]
    known_at: Instant
    patient: PersonState
    guardians: tuple[GuardianState, ...] = ()
    former_guardians: tuple[GuardianState, ...] = ()
    """Guardians whom the register names no more, where one of them may be a present guardian under another number; else empty."""
    viewers: tuple[PersonState, ...] = ()
    """Everybody else whom a measure names: representatives; persons blocked by name where one may be a present guardian."""
    measures: tuple[MeasureState, ...] = ()
    elsewhere: tuple[ElsewhereState, ...] = ()
    """Measures made outside Sigill. A reader must heed them like ours. How far their sources are read is told by the messages of
    `elsewhere.measures.v1`, which a reader that must show nothing when a source is silent reads too."""
    unit_regions: tuple[tuple[HsaIdText, RegionText], ...] = ()
