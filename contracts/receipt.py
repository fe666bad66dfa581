"""The answer to an order, on `access.receipts.v1`."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.base import Instant, Message, Text
from contracts.order import HsaIdText, PersonRef, RegionText, Units
from contracts.vocabulary import (
    Form,
    Initiative,
    MeasureKind,
    Outcome,
    PendingCode,
    RefusalCode,
    Remark,
    Role,
    Service,
)


class Citation(Message):
    """A rule and where it stands."""

    rule: Annotated[str, Field(pattern=r"^[A-Z0-9]+-\d+(\.\d+)?$")]
    document: str
    sv: Text
    en: Text


class Refusal(Message):
    """One reason why the order was refused. `field` is the form's field at fault, dotted."""

    code: RefusalCode
    field: str | None = None
    sv: Text
    en: Text
    citations: tuple[Citation, ...] = ()


class Waiting(Message):
    """One thing that the order waits for. `until` is the deadline; null: none. `units` are those still to answer."""

    code: PendingCode
    until: Instant | None = None
    units: tuple[HsaIdText, ...] = ()
    sv: Text
    en: Text
    citations: tuple[Citation, ...] = ()


class RemarkNote(Message):
    """Something to know beside the outcome. `measures` are those it speaks of."""

    code: Remark
    measures: tuple[UUID, ...] = ()
    sv: Text
    en: Text
    citations: tuple[Citation, ...] = ()


class MeasureReport(Message):
    """
    A measure that the order imposed, changed or ended.

    `ends_on` is the last day in force (Swedish date, inclusive), also where the end comes by itself with an age;
    null: until released. `because` cites the rules that brought it.
    """

    measure_id: UUID
    kind: MeasureKind
    action: Annotated[str, Field(pattern="^(imposed|confirmed|continued|extended|narrowed|ended|scheduled)$")]
    order_id: UUID | None = None
    services: tuple[Service, ...]
    units: Units | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    guardians: tuple[PersonRef, ...] | None = None
    representative: PersonRef | None = None
    starts_at: Instant
    ends_on: date | None = None
    provisional: bool = False
    because: tuple[Citation, ...] = ()


class NoteToFile(Message):
    """
    The note for the record (anteckning). It is never shown online and needs its own harm assessment (VGB-10).

    `period_through` is null for a note of a release, which has a from-date only, and for open-ended measures.
    """

    keyword: str
    measures: tuple[MeasureKind, ...]
    for_whom_sv: Text
    period_from: date
    period_through: date | None = None
    motivation: Text | None = None
    decided_by: HsaIdText | None = None
    decided_role: Role | None = None
    review_on: date | None = None
    registration_number: str
    sv: Text
    en: Text
    duties: tuple[Text, ...] = ()
    hidden_from_online_view: bool = True


class Task(Message):
    """Something that people must do, as the rules say: shown in the receipt and in the operators' lists."""

    kind: str
    due: Instant | None = None
    sv: Text
    en: Text
    citations: tuple[Citation, ...] = ()


class Receipt(Message):
    """
    What became of an order.

    `codes` is the exact set of refusal or pending codes, sorted. `ends_on` is the last day in force of the measure
    that the form names. A receipt of a duplicate repeats the first answer in `first_outcome` and changes nothing.
    """

    receipt_id: UUID
    order_id: UUID | None
    answers_event: str
    region: RegionText | None = None
    form: Form | None = None
    initiative: Initiative | None = None
    outcome: Outcome
    first_outcome: Outcome | None = None
    decided_at: Instant | None = None
    received_at: Instant
    judged_at: Instant
    rulebook: str | None = None
    codes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    waits: tuple[Waiting, ...] = ()
    remarks: tuple[RemarkNote, ...] = ()
    measures: tuple[MeasureReport, ...] = ()
    still_in_force: tuple[MeasureReport, ...] = ()
    tasks: tuple[Task, ...] = ()
    note: NoteToFile | None = None
    ends_on: date | None = None
    digest: str
    flagged: tuple[str, ...] = ()
