"""The signed form: what an EHR publishes on `ehr.orders.v1`, inside a JWS or an XML signature."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from sigill_contracts.base import Instant, Message, OpenDate, ShortText, Text, open_ended
from sigill_contracts.hsa_id import canonical_hsa_id
from sigill_contracts.vocabulary import (
    PROTECTIVE_FORMS,
    Attestation,
    Channel,
    ContinueDecision,
    DocumentKind,
    Duty,
    Form,
    IdType,
    Initiative,
    Opinion,
    Role,
)

Identifier = Annotated[str, Field(min_length=8, max_length=20, pattern=r"^[0-9A-Za-z]+$")]
HsaIdText = Annotated[
    str, Field(min_length=3, max_length=64, pattern=r"^[0-9A-Za-z-]+$"), AfterValidator(canonical_hsa_id)
]
"""An HSA-id, read in its canonical form (`sigill_contracts.hsa_id`)."""
RegionText = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9-]*$")]
Units = Annotated[tuple[HsaIdText, ...], Field(min_length=1, max_length=200)]


class PersonRef(Message):
    """A person, named by an identity number of twelve digits, or a reserve number."""

    id_type: IdType
    id: Identifier
    """Twelve digits, no separator; a reserve number as its region writes it."""


class StaffRef(Message):
    """A staff member in a role at a unit, as the form claims; the directory decides what holds."""

    hsa_id: HsaIdText
    """The staff member (HSA-id)."""
    role: Role
    """The role in which the staff member acts."""
    unit: HsaIdText
    """The unit's HSA-id (vårdenhet)."""


class CourtOrder(Message):
    """A court's appointment of a representative (förordnande)."""

    court: ShortText
    reference: ShortText
    """The court's case number."""
    date: date
    """The day of the appointment, a Swedish date."""
    duties: Annotated[tuple[Duty, ...], Field(max_length=3)]
    """What the representative is to do (uppdrag); `person` is what opens a journal."""
    valid_through: OpenDate = None
    """The appointment's last day, a Swedish date, inclusive; left out or null: the court set none. Access ends with it."""


OwnAttestationCode = Annotated[
    str, Field(max_length=80, pattern=r"^[a-z][a-z0-9-]*:[a-z][a-z0-9_]*$", examples=["orebro:child_agrees"])
]
"""An attestation that a region's rules declare: the region's short name, a colon, and the word."""


class DocumentRef(Message):
    """A document in the record that the decision rests on. The form names it; the document itself is never sent."""

    kind: DocumentKind
    id: ShortText
    """The document's id in the EHR; no identity number."""
    sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$"), AfterValidator(str.lower)]
    """SHA-256 of the document's bytes, 64 hexadecimal digits: shows later that it is the same document."""


class Inform(Message):
    """
    Who may be told, each field for itself. Left out or null: as the region's rules say (X-24).

    `false` is a "do not tell" (X-23): it holds for every notice about the measure, from whichever order it came, and
    only a later `true` of the same unit lifts it.
    """

    guardians: bool | None = None
    """Whether guardians may be told of the measure."""
    patient: bool | None = None
    """Whether the patient, or a representative whom the order is about, may be told of the measure."""
    written_confirmation: bool | None = None
    """Whether a letter that confirms it is wanted; null: none."""


class SignedForm(Message):
    """
    One order. Dates are Swedish dates; `valid_through` is the last day in force, inclusive.

    `units` null is the whole journal; `guardians` null is all guardians; `releases` null is every measure
    of the form's kind that this region and this initiative may end. It names orders, or measures by their own id:
    what the register imposed has no order.
    """

    order_id: UUID
    """Unique in the EHR. The same order sent again bears the same id and the same bytes."""
    audience: ShortText
    """Must equal the receiver's setting, so that an order of the test system is never carried out for real."""
    region: RegionText
    """Short name of the region whose rules apply: `kronoberg`."""
    form: Form
    patient: PersonRef
    initiative: Annotated[Initiative, Field(json_schema_extra={"not": {"const": "register"}})]
    """Who wants it (initiativ); `register` is never allowed in a form."""
    decided_by: StaffRef | None = None
    """Who decided. The signer, except on the channels `phone` and `paper`, where a support operator signs."""
    consulted: Annotated[tuple[StaffRef, ...], Field(max_length=20)] = ()
    """Those with whom the decision was taken (samråd)."""
    decided_at: Instant
    """When it was decided, with time zone. The directory is asked about this moment."""
    urgent: bool = False
    """The urgent measure calls for a follow-up decision, which the receipt lists as a task."""
    channel: Channel = Channel.EHR_FORM
    """`ehr_form`, or `phone` and `paper` as entered by the support desk."""
    units: Units | None = None
    """HSA-ids of the units that the order is about."""
    recorded_from: OpenDate = None
    """First information date hidden, inclusive; only together with `units`."""
    recorded_to: OpenDate = None
    """Last information date hidden, inclusive; only together with `units`."""
    valid_from: date | None = None
    """First day in force, from Swedish midnight; null: at once."""
    valid_through: OpenDate = None
    """Last day in force, inclusive; null: open, or as the rules end it."""
    guardians: Annotated[tuple[PersonRef, ...], Field(min_length=1, max_length=20)] | None = None
    """The guardians that the order is about."""
    representative: PersonRef | None = None
    """The court-appointed representative (god man, förvaltare)."""
    court_order: CourtOrder | None = None
    """The court's appointment that the representative showed."""
    releases: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)] | None = None
    """`order_id`s of the orders whose measures end."""
    follows_up: UUID | None = None
    """`order_id` that this one confirms, continues, extends or answers."""
    decision: ContinueDecision | None = None
    """`continue_measure` only: what was decided."""
    opinion: Opinion | None = None
    """`unit_opinion` only: the unit's answer."""
    given: bool | None = None
    """`give_paper_copy` only: `false`, the assessment ended in no copy being given; left out or null: it was given."""
    attestations: Annotated[tuple[Attestation, ...], Field(max_length=30)] = ()
    """What the decider vouches for (intygande)."""
    own_attestations: Annotated[tuple[OwnAttestationCode, ...], Field(max_length=30)] | None = None
    """What the decider vouches for in the words of the region's own rules (`region:word`); left out or null: nothing."""
    motivation: Text | None = None
    """Why. Goes into the note to file and nowhere else."""
    review_on: OpenDate = None
    """Day of a renewed decision (omprövning)."""
    references: Annotated[tuple[DocumentRef, ...], Field(max_length=50)] | None = None
    """Documents in the record (the court's order, the form signed by hand, a report); left out or null: none."""
    inform: Inform = Inform()
    """Who may be told; left out: whom the region's rules tell."""

    @field_validator("initiative")
    @classmethod
    def _comes_from_people(cls, value: Initiative) -> Initiative:
        if value is Initiative.REGISTER:
            raise ValueError("register is no initiative of a form")
        return value

    @field_validator("valid_from")
    @classmethod
    def _begins_some_day(cls, value: date | None, info: ValidationInfo) -> date | None:
        """The end of time is no first day: what protects begins at once; what opens would, and nobody ordered that."""
        if value is None or open_ended(value) is not None:
            return value
        if value.year == date.max.year and info.data.get("form") not in PROTECTIVE_FORMS:
            raise ValueError("valid_from names no day on which this could begin")
        return None

    @field_validator("recorded_to")
    @classmethod
    def _dates_run_forward(cls, value: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("recorded_from")
        if value is not None and start is not None and value < start:
            raise ValueError("recorded_to is before recorded_from")
        return value
