"""The signed form: what an EHR publishes on `ehr.orders.v1`, inside a JWS or an XML signature."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator

from contracts.base import Instant, Message, ShortText, Text
from contracts.vocabulary import (
    Attestation,
    Channel,
    ContinueDecision,
    Duty,
    Form,
    IdType,
    Initiative,
    Opinion,
    Role,
)

Identifier = Annotated[str, Field(min_length=8, max_length=20, pattern=r"^[0-9A-Za-z]+$")]
HsaIdText = Annotated[str, Field(min_length=3, max_length=64, pattern=r"^[0-9A-Za-z-]+$")]
RegionText = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9-]*$")]
Units = Annotated[tuple[HsaIdText, ...], Field(min_length=1, max_length=200)]


class PersonRef(Message):
    """A person, named by an identity number of twelve digits, or a reserve number."""

    id_type: IdType
    id: Identifier


class StaffRef(Message):
    """A staff member in a role at a unit, as the form claims; the directory decides what holds."""

    hsa_id: HsaIdText
    role: Role
    unit: HsaIdText


class CourtOrder(Message):
    """A court's appointment of a representative (förordnande)."""

    court: ShortText
    reference: ShortText
    date: date
    duties: Annotated[tuple[Duty, ...], Field(max_length=3)]


class Inform(Message):
    """Who may be told. Nothing reaches a person whom the decision says not to inform."""

    guardians: bool = True
    patient: bool = True
    written_confirmation: bool = False


class SignedForm(Message):
    """
    One order. Dates are Swedish dates; `valid_through` is the last day in force, inclusive.

    `units` null is the whole journal; `guardians` null is all guardians; `releases` null is every measure
    of the form's kind that this region and this initiative may end.
    """

    order_id: UUID
    audience: ShortText
    region: RegionText
    form: Form
    patient: PersonRef
    initiative: Initiative
    decided_by: StaffRef | None = None
    consulted: Annotated[tuple[StaffRef, ...], Field(max_length=20)] = ()
    decided_at: Instant
    urgent: bool = False
    channel: Channel = Channel.EHR_FORM
    units: Units | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    valid_from: date | None = None
    valid_through: date | None = None
    guardians: Annotated[tuple[PersonRef, ...], Field(min_length=1, max_length=20)] | None = None
    representative: PersonRef | None = None
    court_order: CourtOrder | None = None
    releases: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)] | None = None
    follows_up: UUID | None = None
    decision: ContinueDecision | None = None
    opinion: Opinion | None = None
    attestations: Annotated[tuple[Attestation, ...], Field(max_length=30)] = ()
    motivation: Text | None = None
    review_on: date | None = None
    inform: Inform = Inform()

    @field_validator("initiative")
    @classmethod
    def _comes_from_people(cls, value: Initiative) -> Initiative:
        if value is Initiative.REGISTER:
            raise ValueError("register is no initiative of a form")
        return value

    @field_validator("recorded_to")
    @classmethod
    def _dates_run_forward(cls, value: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("recorded_from")
        if value is not None and start is not None and value < start:
            raise ValueError("recorded_to is before recorded_from")
        return value
