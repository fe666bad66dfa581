"""The answer to an order, on `access.receipts.v1`."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from sigill_contracts.base import Instant, Message, Text
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.order import HsaIdText, PersonRef, RegionText, Units
from sigill_contracts.vocabulary import (
    Channel,
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
    """Rule id of the rulebook: `KR25-12`."""
    document: str
    """The region's document that the rule stands in."""
    sv: Text
    """The rule as a plain Swedish sentence."""
    en: Text
    """The same in English."""


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
    """The order that imposed it; null: it came from the register."""
    services: tuple[Service, ...]
    """What it hides or opens."""
    units: Units | None = None
    """Null: the whole journal."""
    recorded_from: date | None = None
    recorded_to: date | None = None
    guardians: tuple[PersonRef, ...] | None = None
    """Null: all guardians, now and later, but for `guardians_except`."""
    guardians_except: tuple[PersonRef, ...] = ()
    """Who has been let out of a measure against all."""
    representative: PersonRef | None = None
    starts_at: Instant
    """UTC."""
    ends_on: date | None = None
    provisional: bool = False
    """In force on a phone call, until the signed form has come or its deadline has passed."""
    because: tuple[Citation, ...] = ()


class NoteToFile(Message):
    """
    The note for the record (anteckning). It is never shown online and needs its own harm assessment (VGB-10).

    `period_through` is null for a note of a release, which has a from-date only, and for open-ended measures.
    """

    keyword: str
    """The keyword (sökord) to file it under."""
    measures: tuple[MeasureKind, ...]
    for_whom_sv: Text
    """Whom it is hidden from or open to, in Swedish."""
    units: tuple[HsaIdText, ...] | None = None
    """HSA-ids of the units that it covers; null: the whole record."""
    recorded_from: date | None = None
    """First information date hidden, inclusive."""
    recorded_to: date | None = None
    """Last information date hidden, inclusive."""
    choice: Text | None = None
    """The record's own choice word under the keyword, where the region's routine has one."""
    period_from: date
    """First day in force."""
    period_through: date | None = None
    """Last day in force, inclusive."""
    motivation: Text | None = None
    decided_by: HsaIdText | None = None
    decided_role: Role | None = None
    review_on: date | None = None
    registration_number: str
    """Reference number (diarienummer) that receipt and letters carry."""
    sv: Text
    en: Text
    duties: tuple[Text, ...] = ()
    """What the filing unit must also do, in Swedish."""
    hidden_from_online_view: bool = True
    """Always true: the note itself must not be shown online."""


class Task(Message):
    """Something that people must do, as the rules say: shown in the receipt and in the operators' lists."""

    kind: str
    due: Instant | None = None
    sv: Text
    en: Text
    citations: tuple[Citation, ...] = ()


class Unreadable(Message):
    """Why a message could not be read at all. It is kept among the dead letters, and nothing was done."""

    code: DeadLetterReason
    sv: Text
    en: Text


class EnteredOrder(Message):
    """
    An order that a support desk entered for its decider, by phone or from paper.

    The record system shows it to whoever it names, where they see their own tasks: only they know whether it is true.
    """

    by: tuple[HsaIdText, ...]
    """Who signed it, and so entered it."""
    decided_by: HsaIdText
    """Whose decision the form says it is."""
    role: Role
    unit: HsaIdText
    """The decider's unit: told where the decider has no inbox."""
    channel: Channel
    sv: Text
    """What to say to the decider, in Swedish."""
    en: Text


class Receipt(Message):
    """
    What became of an order, or of a message that could not be read as one.

    `codes` is the exact set of refusal or pending codes, sorted. `ends_on` is the last day in force of the measure
    that the form names. A receipt of a duplicate repeats the first answer in `first_outcome` and changes nothing.
    """

    receipt_id: UUID
    order_id: UUID | None
    """Null when nothing was signed that names it."""
    answers_event: str
    """`ce_id` of the message that this answers."""
    answers_source: str | None = None
    """`ce_source` of that message; null in receipts of earlier releases."""
    region: RegionText | None = None
    form: Form | None = None
    initiative: Initiative | None = None
    outcome: Outcome
    first_outcome: Outcome | None = None
    """`duplicate` only: what the first answer was."""
    decided_at: Instant | None = None
    """UTC."""
    received_at: Instant
    """When the broker received the order, UTC."""
    judged_at: Instant
    """
    As of when it was judged, UTC: when the broker received it, or when that which it had waited for came. It follows
    from the order alone, so that an order read again after a restore is answered alike.
    """
    rulebook: str | None = None
    """Region and version of the rulebook that judged it."""
    rulebook_digest: str | None = None
    """
    SHA-256 of that rulebook's text, in hexadecimal digits: names it among all that have been in force. Null: judged before
    receipts named it, or by no rulebook.
    """
    codes: tuple[str, ...] = ()
    settled_sv: Text | None = None
    """What brought an order that waited to its end, in Swedish; null: it never waited, or waits still."""
    settled_en: Text | None = None
    """The same in English."""
    refusals: tuple[Refusal, ...] = ()
    """Every reason, not only the first."""
    waits: tuple[Waiting, ...] = ()
    remarks: tuple[RemarkNote, ...] = ()
    measures: tuple[MeasureReport, ...] = ()
    """What this order imposed, changed or ended."""
    still_in_force: tuple[MeasureReport, ...] = ()
    """The patient's measures that go on after a release."""
    tasks: tuple[Task, ...] = ()
    """What people must do now."""
    note: NoteToFile | None = None
    """The note that the EHR files in the record."""
    ends_on: date | None = None
    unreadable: Unreadable | None = None
    """`unreadable` only: why the message could not be read, and that nothing was done."""
    digest: str
    """SHA-256 of the signed bytes, lower-case hex; of an unreadable message, of the record's value."""
    entered: EnteredOrder | None = None
    """The order was entered for its decider, who is to be told. Null: the decider signed, or nothing is proven."""
    flagged: tuple[str, ...] = ()
    """Codes of what was carried out in doubt and must be looked at."""
