"""The values that judgements return. `sigill.processing` turns them into rows, timers, audit entries and messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from sigill.policy.facts import Measure, PatientFacts, ReleaseRequest, RequestEnd, UnitAnswer
from sigill_contracts.vocabulary import (
    MeasureId,
    NotificationChannel,
    OrderId,
    Outcome,
    PendingCode,
    PersonId,
    RefusalCode,
    RegionCode,
    Remark,
    Suppression,
    Template,
    UnitId,
)


class TimerKind(StrEnum):
    """What falls due."""

    MEASURE_STARTS = "measure_starts"
    MEASURE_ENDS = "measure_ends"
    GRANT_EXPIRING = "grant_expiring"
    SIGNED_FORM_DEADLINE = "signed_form_deadline"
    FOLLOW_UP_DEADLINE = "follow_up_deadline"
    REQUEST_REMINDER = "request_reminder"
    PATIENT_UNKNOWN_DEADLINE = "patient_unknown_deadline"
    REVIEW_DUE = "review_due"
    CUSTODY_CHANGES = "custody_changes"
    """A day that the register named ahead, on which somebody's custody begins or has ended."""
    EARLIER_MESSAGE_SETTLED = "earlier_message_settled"
    """An operator has dealt with a message that could not be read: what waited behind it is judged."""
    MEASURE_ENDING = "measure_ending"
    """A protective measure ends on a day that is near: the unit that imposed it is told."""
    FOLLOW_UP_AHEAD = "follow_up_ahead"
    """The decision after an urgent measure is soon due: the unit that imposed it is told."""
    ELSEWHERE_CHANGES = "elsewhere_changes"
    """A day on which a measure that was made outside Sigill begins or has ended."""
    ANSWER_BEGINS = "answer_begins"
    """The day before which a unit did not agree to open: its answer waits for nothing of its own any more."""
    SUCCESSOR_NAMED = "successor_named"
    """A closed unit's successor became known: what waited for it is judged, and asked of that unit."""
    AGE_13_AHEAD = "age_13_ahead"
    AGE_13 = "age_13"
    AGE_16_AHEAD = "age_16_ahead"
    AGE_16 = "age_16"
    AGE_18 = "age_18"


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same thing in Swedish and English. Never holds a name, an identity number or a motivation."""

    sv: str
    en: str


@dataclass(frozen=True, slots=True)
class RefusalReason:
    """A reason to refuse."""

    code: RefusalCode
    text: Sentence
    rules: tuple[str, ...] = ()
    field: str | None = None


@dataclass(frozen=True, slots=True)
class PendingReason:
    """A thing that the order waits for."""

    code: PendingCode
    text: Sentence
    rules: tuple[str, ...] = ()
    until: datetime | None = None
    units: tuple[UnitId, ...] = ()


@dataclass(frozen=True, slots=True)
class RemarkReason:
    """A remark in the receipt."""

    code: Remark
    text: Sentence
    rules: tuple[str, ...] = ()
    measures: tuple[MeasureId, ...] = ()


@dataclass(frozen=True, slots=True)
class Impose:
    """A new measure. `action` is the receipt's word: imposed, continued, narrowed, scheduled."""

    measure: Measure
    action: str = "imposed"


@dataclass(frozen=True, slots=True)
class Amend:
    """A new version of a measure that stands already. `action`: confirmed, extended, ended, narrowed."""

    measure: Measure
    action: str


@dataclass(frozen=True, slots=True)
class Annotate:
    """
    A new version of a measure of which only something that binds later orders has changed.

    Nobody's access changes, and nobody is told: a report to an authority that came with another order (X-17). With
    `assesses_copy` the answer about copies on paper does, and about nothing else.
    """

    measure: Measure
    assesses_copy: bool = False


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Something to wake for at `due_at` (UTC). The same (kind, subject, due_at) twice is one timer."""

    kind: TimerKind
    due_at: datetime
    patient: PersonId
    region: RegionCode
    measure_id: MeasureId | None = None
    order_id: OrderId | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """
    What a notice is about, beside its text; dates are Swedish dates, both inclusive. Holds no identity number.

    `units` and `region` are empty unless the recipient may see the unit at the moment of writing (X-28).
    """

    whose: Literal["own", "child", "principal"] = "own"
    units: tuple[UnitId, ...] = ()
    region: str | None = None
    period_from: date | None = None
    period_through: date | None = None
    day: date | None = None
    """The day that the notice speaks of: an end or a birthday to come."""
    age: int | None = None
    to_do: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """
    Tell somebody. `to` None is the region's operators, or the `unit`. `suppressed` set: do not, and record why.

    Whoever plans a notice says what it is about; `sigill.judgement.notices.judged` finds out, just before it is
    written, whether it is true of the recipient, and writes its text, channel and parameters.
    `channel` as in `sigill_contracts.notification.Notification`.
    """

    to: PersonId | None
    template: Template
    text: Sentence
    region: RegionCode
    channel: str = NotificationChannel.INBOX
    not_before: datetime | None = None
    rules: tuple[str, ...] = ()
    suppressed: Suppression | None = None
    unit: UnitId | None = None
    about: tuple[Measure, ...] = ()
    """The measures that it is about; none: an age."""
    others: tuple[PersonId, ...] = ()
    """Those whose access the notice speaks of, where that is not the recipient's."""
    age: int | None = None
    """The age that it is about, in whole years."""
    day: datetime | None = None
    """The instant (UTC) that a notice ahead of time speaks of."""
    due: datetime | None = None
    """The instant (UTC) to whose Swedish date a notice is bound."""
    answers: bool = False
    """The recipient has asked: where nothing may be sent, somebody tells (X-06, X-23)."""
    more: Sentence = Sentence("", "")
    """What the region adds to the text."""
    parameters: Parameters | None = None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request to release is opened."""

    request: ReleaseRequest


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """A unit's answer goes into the ledger; `closes` ends the request."""

    request: OrderId
    answer: UnitAnswer
    closes: RequestEnd | None = None


@dataclass(frozen=True, slots=True)
class CloseRequest:
    """A request ends without an answer: nothing is left of what it is about."""

    request: OrderId
    closes: RequestEnd


@dataclass(frozen=True, slots=True)
class ResolvePending:
    """
    An earlier order that waited gets its final receipt.

    With `waited_for` only when it waited for nothing else. `refusal` is the reason where it is refused for one that has
    a code.
    """

    order_id: OrderId
    outcome: Outcome
    text: Sentence
    waited_for: PendingCode | None = None
    refusal: RefusalReason | None = None


@dataclass(frozen=True, slots=True)
class AddTask:
    """Something that people must do. `subject` makes it one task, however often it is asked for."""

    kind: str
    subject: str
    text: Sentence
    region: RegionCode
    due_at: datetime | None = None
    rules: tuple[str, ...] = ()
    order_id: OrderId | None = None
    measure_id: MeasureId | None = None
    unit: UnitId | None = None
    target: str | None = None
    """For the work-list: the national system to key it into (`admin_journalen`, `personalverktyget`)."""
    key_in: str | None = None
    """For the work-list: what to do there (`seal`, `unseal`, `block`, `unblock`, `lock`, `unlock`)."""


@dataclass(frozen=True, slots=True)
class CloseTask:
    """A task that needs nobody any more."""

    kind: str
    subject: str


Effect = (
    Impose
    | Amend
    | Annotate
    | SetTimer
    | Notify
    | OpenRequest
    | RecordAnswer
    | CloseRequest
    | ResolvePending
    | AddTask
    | CloseTask
)


@dataclass(frozen=True, slots=True)
class Note:
    """The note to file in the record; the enacting room adds number and persons."""

    keyword: str
    measures: tuple[Measure, ...]
    period_from: date
    period_through: date | None
    text: Sentence
    duties: tuple[str, ...] = ()
    choice: str | None = None
    """The record's own choice word under the keyword."""
    recipients: tuple[PersonId, ...] | None = None
    """Who was given a copy on paper; None: it is about a measure."""

    @property
    def units(self) -> frozenset[UnitId] | None:
        """The units that it covers; None: the whole record."""
        named = [m.units for m in self.measures]
        return None if None in named else frozenset(u for units in named for u in units or ())


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    What an order does, or every reason why it does nothing.

    A refusal has no effects. A pending order may have some: a phone order's measure is in force already.
    `named` are the measures of the form's own kind, for `ends_on` of the receipt. `digest` names the text of the rulebook.
    """

    outcome: Outcome
    rulebook: str = ""
    digest: str = ""
    refusals: tuple[RefusalReason, ...] = ()
    waits: tuple[PendingReason, ...] = ()
    remarks: tuple[RemarkReason, ...] = ()
    effects: tuple[Effect, ...] = ()
    named: tuple[MeasureId, ...] = ()
    still_in_force: tuple[Measure, ...] = ()
    ends_on: date | None = None
    note: Note | None = None
    flagged: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The refusal or pending codes, sorted, each once."""
        return tuple(sorted({str(r.code) for r in self.refusals} | {str(w.code) for w in self.waits}))


@dataclass(frozen=True, slots=True)
class Transition:
    """What follows from a timer, or from a register change, at its true time `at`."""

    at: datetime
    effects: tuple[Effect, ...] = ()
    cause: str = "end_date"
    compare: bool = True
    """Whether access just before and at `at` is compared and the difference published."""


def applied(facts: PatientFacts, effects: Iterable[Effect]) -> PatientFacts:
    """The facts after some effects: measures imposed and revised. Nothing else changes what access depends on."""
    return facts.with_measures(e.measure for e in effects if isinstance(e, Impose | Amend | Annotate))
