"""What the decision API and `sigill access` take and give. Numbers come in in bodies only, and never go out."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

from sigill.policy.choices import DoorOpens, DoorWay
from sigill_contracts.base import Instant, ShortText
from sigill_contracts.order import HsaIdText, Identifier
from sigill_contracts.receipt import Citation
from sigill_contracts.vocabulary import (
    AccessReason,
    Form,
    IdType,
    MeasureKind,
    RiskFrom,
    RiskSign,
    Service,
)

EARLIEST, LATEST = 1900, 2200
MOST_QUESTIONS = 1000
MOST_MEASURES = 200
"""Measures that one answer tells."""
USUAL_STEPS, MOST_STEPS = 100, 500
"""Steps of a timeline that one answer tells: where the question does not say, and where it says as many as it may."""
KEY_PATTERN = r"^v[0-9]{1,4}\.[A-Za-z0-9_-]{43}$"
MEASURE_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
PURPOSE_PATTERN = r"^[^\x00-\x1f\x7f]+$"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")


def _reasonable(moment: datetime) -> datetime:
    if not EARLIEST <= moment.year < LATEST:
        raise ValueError(f"a moment lies between {EARLIEST} and {LATEST}")
    return moment


def _reasonable_day(day: date) -> date:
    if not EARLIEST <= day.year < LATEST:
        raise ValueError(f"a date lies between {EARLIEST} and {LATEST}")
    return day


def _two_moments(cursor: str) -> str:
    read_cursor(cursor)
    return cursor


Moment = Annotated[Instant, AfterValidator(_reasonable)]
"""A moment between 1900 and 2200, with its zone."""
Day = Annotated[date, AfterValidator(_reasonable_day)]
Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
MeasureCursor = Annotated[str, StringConstraints(pattern=MEASURE_PATTERN)]
"""The measure after which a page begins: the id of the last one of the page before."""
StepCursor = Annotated[str, StringConstraints(max_length=80), AfterValidator(_two_moments)]
"""The step before which a page ends, and what was known: two moments (RFC 3339) with a slash between them."""
Purpose = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PURPOSE_PATTERN)]


def read_moment(text: str) -> datetime:
    """Read a moment of a query string: RFC 3339, with zone. Raises ValueError."""
    if not _MOMENT.fullmatch(text):
        raise ValueError("a moment is written 2026-03-01T09:30:00Z (RFC 3339)")
    return _reasonable(datetime.fromisoformat(text.upper()))


def read_cursor(cursor: str) -> tuple[datetime, datetime]:
    """Read where a page of a timeline ends (exclusive), and the moment of knowledge, as `write_cursor` wrote them. Raises ValueError."""
    before, slash, known_at = cursor.partition("/")
    if not slash:
        raise ValueError("a cursor is what `next` of an answer says")
    return read_moment(before), read_moment(known_at)


def write_cursor(before: datetime, known_at: datetime) -> str:
    """Write where the next page of a timeline ends (exclusive), and as of which moment of knowledge it is told."""
    return f"{before.astimezone(UTC).isoformat()}/{known_at.astimezone(UTC).isoformat()}"


class RequestModel(BaseModel):
    """A part of what comes in: frozen, strict, and no field that we do not know."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class ByNumber(RequestModel):
    """Somebody by identity number, of now or before."""

    id_type: IdType
    id: Identifier


class ByKey(RequestModel):
    """Somebody by pseudonymous key."""

    key: Key


def _kind(value: Any) -> str:
    return "key" if (value.get("key") if isinstance(value, dict) else hasattr(value, "key")) else "number"


Somebody = Annotated[Annotated[ByNumber, Tag("number")] | Annotated[ByKey, Tag("key")], Discriminator(_kind)]


class About(RequestModel):
    """May this viewer reach this patient's record by this service?"""

    patient: Somebody
    viewer: Somebody
    service: Service
    unit: HsaIdText | None = None
    """The unit whose part of the record is asked for; null: every unit that no measure names."""
    recorded_on: Day | None = None
    """When the information was recorded, a Swedish date; null: not known, which counts as inside a sealed interval."""
    information_type: ShortText | None = None
    """
    The heading or template (sökord, mall) under which it is recorded, by its code or its words; null: the record as such.
    A region may show some of them to nobody: `not_shown`.
    """
    as_of: Moment | None = None
    """The moment asked about; null: now. Any other takes the scope `access:explain`."""
    known_at: Moment | None = None
    """
    Answer by what was known at that moment, not later than now; null: by all that is known now. Any other takes the scope
    `access:explain`.
    """


class Context(RequestModel):
    """Why, and from where: what the access log must hold (HSLF-FS 2016:40)."""

    purpose: Purpose
    """Why it is asked, in a few words or a code of the caller's: `resident_login`."""
    on_behalf_of: HsaIdText | None = None
    """The staff member who asks, where one does; null: the client itself."""
    asking_unit: HsaIdText | None = None
    """The care unit or office that asks."""
    explain: bool = False
    """Say every reason with its sentences, rules and measures. Takes the scope `access:explain`."""


class Question(About, Context):
    """One question."""


class Questions(Context):
    """Up to a thousand questions, answered in their order."""

    questions: Annotated[tuple[About, ...], Field(min_length=1, max_length=MOST_QUESTIONS)]


def _one_or_many(value: Any) -> str:
    many = "questions" in value if isinstance(value, dict) else isinstance(value, Questions)
    return "many" if many else "one"


AskedFor = Annotated[
    Annotated[Question, Tag("one")] | Annotated[Questions, Tag("many")], Discriminator(_one_or_many)
]


class PictureOf(RequestModel):
    """The whole picture of a patient."""

    patient: Somebody
    as_of: Moment | None = None
    known_at: Moment | None = None
    after: MeasureCursor | None = None
    """`next` of an answer: tell the measures that follow; null: from the newest."""
    purpose: Purpose
    on_behalf_of: HsaIdText | None = None
    asking_unit: HsaIdText | None = None


class TimelineOf(RequestModel):
    """
    What changed and will change by time alone, the newest steps first, a page at a time. Left out: from the patient's birth until a year after the last age of any rulebook, or for
    ten years from now on if that is later.
    """

    patient: Somebody
    viewer: Somebody | None = None
    """Only what concerns this person; null: everybody who has, had or may have something to do with the patient."""
    service: Service | None = None
    since: Moment | None = None
    """From this moment, inclusive."""
    until: Moment | None = None
    """Through this moment, inclusive."""
    known_at: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_STEPS)] = USUAL_STEPS
    """How many steps an answer holds at most."""
    cursor: StepCursor | None = None
    """`next` of an answer to the same question: tell the steps before it, as they were known then; null: the newest."""
    purpose: Purpose
    on_behalf_of: HsaIdText | None = None
    asking_unit: HsaIdText | None = None


class ChoiceQuestion(RequestModel):
    """Which measure do a region's rules choose? No person is named: the age is enough."""

    region: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9-]*$")]
    """The region whose rules are asked: `kronoberg`."""
    age: Annotated[int, Field(ge=0, le=130)]
    """The patient's age in whole years."""
    risk: RiskFrom | None = None
    """Who the risk comes from; null: nobody is named."""
    signs: Annotated[tuple[RiskSign, ...], Field(max_length=len(RiskSign))] = ()
    """What is known of the risk."""
    forms: Annotated[tuple[Form, ...], Field(max_length=len(Form))] = ()
    """Forms that somebody thinks of, taken together: what would they leave open?"""
    on: Day | None = None
    """The Swedish date whose rules are asked; null: today."""


FirstDay = Annotated[str, Field(json_schema_extra={"format": "date"})]
"""The day from which a version of the rules is in force, a Swedish date."""


class ResponseModel(BaseModel):
    """A part of what goes out."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class MeasureTold(ResponseModel):
    """A measure that stands behind an answer, or that the patient has."""

    measure_id: str
    kind: MeasureKind
    sv: str
    en: str
    region: str
    units: tuple[str, ...] | None
    """Null: the whole record."""
    order_ids: tuple[str, ...]
    """The order that imposed it, then those that confirmed, continued or extended it."""
    valid_from: AwareDatetime
    ends_at: AwareDatetime | None
    """When it ends, exclusive, if it is not released or extended before; null: until released."""
    last_day: date | None
    """The last Swedish date in force."""
    released: bool


class ReasonTold(ResponseModel):
    """One reason, in words, with the rules it stands on and the measures it comes from."""

    code: AccessReason
    sv: str
    en: str
    rules: tuple[Citation, ...]
    measures: tuple[MeasureTold, ...]


class DecisionTold(ResponseModel):
    """
    An answer. Without the scope `access:explain` it holds `allowed`, `as_of`, `known_at` and `valid_until` alone, and no denial
    differs from another: that may be passed on to the viewer. Everything else is for staff.
    """

    allowed: bool
    codes: tuple[AccessReason, ...] | None = None
    """Allowed: what it rests on. Denied: everything that stands in the way. Only with `access:explain`; never for the viewer."""
    region: str | None = None
    """The region whose rules were asked; null: the national ones. Only with `access:explain`."""
    rulebook: FirstDay | None = None
    """The day from which these rules are in force. Only with `access:explain`."""
    rulebook_digest: str | None = None
    """SHA-256 of the text of the region's rulebook, in hexadecimal digits. Only with `access:explain` and a region."""
    as_of: AwareDatetime
    known_at: AwareDatetime
    valid_until: AwareDatetime | None
    """
    With `access:explain`: an answer about the patient may be another one from then on, by time alone; null: never; never for
    the viewer. Without it: until when a yes may be kept, a few seconds at most, and null for every denial. An order may
    change it at any moment: `access.changes.v1` says when.
    """
    reasons: tuple[ReasonTold, ...] | None = None
    """Only where an explanation was asked for."""


class DecisionsTold(ResponseModel):
    """Answers, in the order of the questions."""

    decisions: tuple[DecisionTold, ...]


class LineTold(ResponseModel):
    """One line of the picture."""

    viewer: str
    """The viewer's pseudonymous key."""
    relation: Literal["self", "guardian", "former_guardian", "representative", "other"]
    service: Service
    unit: str | None
    """Null: every unit without a line of its own."""
    allowed: bool
    region: str | None
    rulebook: FirstDay
    rulebook_digest: str | None = None
    """SHA-256 of the text of the region's rulebook, in hexadecimal digits; null without a region."""
    reasons: tuple[ReasonTold, ...]


class PictureTold(ResponseModel):
    """Everybody who has, had or may have something to do with the patient, and what they see."""

    patient: str
    """The patient's pseudonymous key."""
    as_of: AwareDatetime
    known_at: AwareDatetime
    valid_until: AwareDatetime | None
    lines: tuple[LineTold, ...]
    measures: tuple[MeasureTold, ...]
    """In force or still to come at `as_of`, by their beginning, the newest first; at most 200."""
    next: str | None = None
    """`after` of the question for the measures that follow; null: there are none."""


class CauseTold(ResponseModel):
    """Why something changes."""

    turn: str
    sv: str
    en: str
    age: int | None = None
    measure: MeasureTold | None = None
    person: str | None = None
    """The pseudonymous key of the person whom the register's word is about."""
    rulebook: str | None = None


class ChangeTold(ResponseModel):
    """One line of the picture that is another one from then on."""

    viewer: str
    relation: Literal["self", "guardian", "former_guardian", "representative", "other"]
    service: Service
    unit: str | None
    access: Literal["gained", "lost", "same"]
    """`same`: the same answer for other reasons."""
    allowed: bool
    """The answer from then on."""
    before: tuple[ReasonTold, ...]
    after: tuple[ReasonTold, ...]


class StepTold(ResponseModel):
    """A moment at which something changes."""

    at: AwareDatetime
    swedish_date: date
    causes: tuple[CauseTold, ...]
    changes: tuple[ChangeTold, ...]


class TimelineTold(ResponseModel):
    """The past as it is known, and the future as it will be if nobody orders anything."""

    patient: str
    since: AwareDatetime
    until: AwareDatetime
    known_at: AwareDatetime
    steps: tuple[StepTold, ...]
    """The newest of them that fit in, in order of time."""
    next: str | None = None
    """`cursor` of the question for the steps before these; null: there are none."""


class DoorTold(ResponseModel):
    """A way that stays open to the risk, in codes and words."""

    way: DoorWay
    service: Service
    opens: DoorOpens
    age: int | None
    """The birthday on which it opens by itself, where `opens` is `at_age`."""
    sv: str
    en: str


class FormTold(ResponseModel):
    """A form by its code and name."""

    form: Form
    sv: str
    en: str
    offered: bool
    """Whether the region has it."""
    by_phone: bool
    """Whether it may be phoned in when it is urgent."""


class ChoiceTold(ResponseModel):
    """What a region's rules choose. Guidance: whoever fills in the form decides."""

    region: str
    rulebook: FirstDay
    rulebook_digest: str | None = None
    """SHA-256 of the text of the region's rulebook, in hexadecimal digits."""
    choice: str | None
    """The rulebook's id of the choice; null: the rules do not say which measure to choose."""
    forms: tuple[FormTold, ...]
    """Each of them is to be filled in; empty: the words alone answer."""
    sv: str
    en: str
    rules: tuple[Citation, ...]
    """The sentences that say so."""
    open_doors: tuple[DoorTold, ...]
    """What the chosen forms leave open to the risk. Warn of each."""
    considered: tuple[FormTold, ...]
    """The forms that were asked about."""
    considered_open_doors: tuple[DoorTold, ...]
    """What those leave open; empty also where none was asked about."""


class FieldFault(ResponseModel):
    """What is wrong with one place of the request."""

    pointer: str
    """Where: a JSON pointer into the body, or the parameter's name."""
    detail: str


class Problem(ResponseModel):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: tuple[FieldFault, ...] | None = None
