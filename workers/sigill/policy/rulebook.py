"""The typed form of a rulebook. A region's rules are data; what they mean is told here, once.

No file is opened: `parse` takes the text of one region's file, `Rulebooks` holds all regions. A version is in force
from its date until the next one's. An *entry* cites the rules it carries out, says for which forms and when it
holds, and one or more clauses. Every clause of every entry that matches an order must hold.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from string import Formatter
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from sigill.policy.calendar import CUSTODY_ENDS_AT, STOCKHOLM, easter, midnight
from sigill.policy.fault_lexicon import FaultText, UnfitError, fault
from sigill.policy.notification_channels import RulebookChannel
from sigill.policy.rulebook_faults import Fault, Marks, Misfits, Path, faults_of, meant_of, unreadable
from sigill_contracts.vocabulary import (
    AccessReason,
    Attestation,
    Channel,
    ContinueDecision,
    DocumentKind,
    Duty,
    Form,
    Initiative,
    MeasureKind,
    Opinion,
    RefusalCode,
    RegionCode,
    Remark,
    RiskFrom,
    RiskSign,
    Role,
    Service,
    Template,
)

MOST_PARTS = 200_000
"""More values than a hundred rulebooks have."""


class RulebookModel(BaseModel):
    """A part of a rulebook: frozen, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Document(RulebookModel):
    """A region's own document that rules stand in."""

    title: str
    valid_from: date | None = None


ClauseName = Literal[
    "offered",
    "initiatives",
    "channels",
    "deciders",
    "deciders_bound_to",
    "consulted",
    "attestations",
    "one_attestation_of",
    "references",
    "any_of",
    "motivation",
    "caller",
    "court_order",
    "age",
    "units",
    "recorded_dates",
    "end_date",
    "protected_identity",
    "reserve_number",
    "same_initiative",
    "may_release",
    "unanimity",
    "initiating_unit_only",
    "services",
    "widens_to_all_guardians",
    "ends_at_age",
    "runs",
    "also_imposes",
    "ends_running",
    "other_regions",
    "replaces",
    "signed_form",
    "follow_up",
    "remark",
    "long_after_months",
    "tells",
    "note",
]
"""The clauses that an entry can have, by name; a test says that none is missing."""


class Derived(RulebookModel):
    """Why something is Sigill's choice and not the document's words, in Swedish and English (X-30)."""

    sv: str = Field(min_length=1)
    en: str = Field(min_length=1)


class ChosenClauses(Derived):
    """Why what an entry does is Sigill's choice, and which of its clauses that is about."""

    about: Annotated[tuple[ClauseName, ...], Field(min_length=1)] | None = None
    """Also a clause that the entry has not: that it is silent may be the choice. Left out: every clause that it has."""


class Rule(RulebookModel):
    """One rule as its owner states it. `kind`: V validation, S state, T time, N notice, D documentation, H people."""

    kind: tuple[Literal["V", "S", "T", "N", "D", "H"], ...]
    document: str
    sv: str
    en: str
    floor: bool = False
    """It holds in every region, and no rulebook can switch it off."""
    derived: Derived | None = None
    """Set where the document does not say it, or not quite."""


class Condition(RulebookModel):
    """When an entry holds. Every condition given must hold; none given: always."""

    initiative: tuple[Initiative, ...] | None = None
    channel: tuple[Channel, ...] | None = None
    urgent: bool | None = None
    """The order is urgent, or is the signed form of an urgent call."""
    on_call: bool | None = None
    """It was decided at on-call time (jourtid), by the version's `daytime`."""
    whole: bool | None = None
    """The order is about the whole record, and names no unit."""
    confirms_call: bool | None = None
    """The order is the signed form that follows a call."""
    measure: tuple[MeasureKind, ...] | None = None
    """The order releases, continues, extends or answers about a measure of such a kind."""
    measure_reported: bool | None = None
    """The measure came with a report to police or social services."""
    measure_initiative: tuple[Initiative, ...] | None = None
    """A measure that it speaks of was imposed on such an initiative."""
    decision: ContinueDecision | None = None
    opinion: Opinion | None = None
    protected_family: bool | None = None
    """The patient, or a guardian, has protected identity."""
    other_guardians: bool | None = None
    """There are guardians whom the order does not name."""
    all_guardians: bool | None = None
    """The order is about every guardian."""
    patient_under: int | None = None
    """The patient is younger than this, in whole years."""


class OfClinic(RulebookModel):
    """The clinic (klinik) that a rule names, by the directory's code: `{clinic: paediatric}`."""

    clinic: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    sv: str = ""
    """What it is called, in the definite form; left out: its code."""
    en: str = ""


class InformationType(RulebookModel):
    """A heading or template of the record (sökord, mall), by the code or the words that the asking system uses."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    sv: str
    en: str
    also: tuple[str, ...] = ()
    """Further words by which record systems call it."""

    def is_called(self, name: str) -> bool:
        """Whether an asking system means it by a name, however it parts the words and in whatever case."""
        return _heading(name) in map(_heading, (self.code, self.sv, self.en, *self.also))


def _heading(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.strip().casefold()))


class HiddenUnits(RulebookModel):
    """Units that are hidden: by HSA-id, by the directory's code of the clinic, or by a word in the name."""

    ids: tuple[str, ...] = ()
    clinics: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], ...] = ()
    named: tuple[str, ...] = ()
    """Words of a unit's name, in any case: `barnahus`. For units whose clinic the directory does not tell."""
    until: date | None = None
    """They are shown from this Swedish date on; None: never."""

    @model_validator(mode="after")
    def _names_some(self) -> "HiddenUnits":
        if not (self.ids or self.clinics or self.named):
            raise UnfitError("names_no_unit")
        return self


class Shown(RulebookModel):
    """
    What the region shows to nobody online: some units, some headings, or what was recorded before a date.

    What is given together limits each other: `units` with `since` hides what those units recorded before.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    cites: tuple[str, ...] = Field(min_length=1)
    except_units: HiddenUnits | None = None
    except_information: tuple[InformationType, ...] | None = None
    since: date | None = None
    """What was recorded before this Swedish date is not shown; a question without a date is not about old information."""
    patient_under: int | None = None
    """Only the record of patients younger than this."""
    derived: Derived | None = None

    @model_validator(mode="after")
    def _hides_something(self) -> "Shown":
        if self.except_units is None and not self.except_information and self.since is None:
            raise UnfitError("hides_nothing", id=self.id)
        return self

    @property
    def shown_from(self) -> date | None:
        """The Swedish date from which the units are shown; None: never."""
        return None if self.except_units is None else self.except_units.until


ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def _day_of_year(day: str) -> str:
    try:
        date.fromisoformat(f"2000-{day}")  # a leap year
    except ValueError:
        raise UnfitError("no_such_day", day=day) from None
    return day


DayOfYear = Annotated[str, AfterValidator(_day_of_year)]
"""Month and day: MM-DD."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Movable(RulebookModel):
    """A holiday on the given weekday between two days of the year (MM-DD), both inclusive: Midsummer's Eve."""

    weekday: Weekday
    from_: DayOfYear = Field(alias="from")
    through: DayOfYear


class Holidays(RulebookModel):
    """Days on which nobody has daytime: days of the year (MM-DD), days after Easter Sunday, movable days, single dates."""

    yearly: tuple[DayOfYear, ...] = ()
    after_easter: tuple[int, ...] = ()
    movable: tuple[Movable, ...] = ()
    dates: tuple[date, ...] = ()


class Daytime(RulebookModel):
    """The hours, Swedish time, that are not on-call time (jourtid): `from` inclusive, `to` exclusive, on working days."""

    from_: ClockTime = Field(alias="from")
    to: ClockTime
    weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    holidays: Holidays = Holidays()

    @model_validator(mode="after")
    def _runs_forward(self) -> "Daytime":
        if self.from_ >= self.to:
            raise UnfitError("daytime_backwards")
        return self


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_on_call(daytime: Daytime, moment: datetime) -> bool:
    """Whether an instant (UTC) is on-call time (jourtid): outside the hours of daytime, on a day off, or on a holiday."""
    local = moment.astimezone(STOCKHOLM)
    day = local.date()
    if _WEEKDAYS[day.weekday()] not in daytime.weekdays or _is_holiday(daytime.holidays, day):
        return True
    return not daytime.from_ <= f"{local:%H:%M}" < daytime.to


def _is_holiday(holidays: Holidays, day: date) -> bool:
    of_year = f"{day:%m-%d}"
    return (
        of_year in holidays.yearly
        or day in holidays.dates
        or (day - easter(day.year)).days in holidays.after_easter
        or any(
            _WEEKDAYS[day.weekday()] == holiday.weekday and holiday.from_ <= of_year <= holiday.through
            for holiday in holidays.movable
        )
    )


class Channels(RulebookModel):
    """Which channels are open: `always`, or `urgent` orders only."""

    ehr_form: Literal["always", "urgent"] | None = None
    phone: Literal["always", "urgent"] | None = None
    paper: Literal["always", "urgent"] | None = None


class Consulted(RulebookModel):
    """Somebody of these roles must have been consulted; with `or_decider`, may be the decider."""

    any_of: tuple[Role, ...]
    or_decider: bool = False


class EndDate(RulebookModel):
    """What is asked of `valid_through`."""

    required: bool = False
    or_review_on: bool = False
    """A date for a renewed decision does instead."""
    never: bool = False


class AgeWindow(RulebookModel):
    """The patient's age at the time of taking effect: from the birthday `since`, until the birthday `until`."""

    since: int | None = None
    until: int | None = None
    ahead_days: int = 0
    """An order for a day after the `since` birthday may come so many days before it."""


class Duration(RulebookModel):
    """How long a measure runs when the order does not say, and at most, counted from the day of signature."""

    years: int


class Extra(RulebookModel):
    """A measure that comes beside the form's own."""

    kind: MeasureKind
    services: tuple[Service, ...]
    goes_with_it: bool = True
    """It ends when the form's own measure is released."""
    ends_at_age: int | None = None


class NotificationClause(RulebookModel):
    """Who is told what. `told` says on which word of the order: nothing reaches whom the order says not to inform."""

    to: Literal["patient", "guardians", "representative", "asking_guardian", "operators"]
    template: Template
    told: Literal[
        "always", "inform_patient", "inform_guardians", "written_confirmation", "not_inform_guardians"
    ]
    channel: RulebookChannel = "1177"
    sv: str = ""
    en: str = ""


class Words(RulebookModel):
    """A region's own text."""

    sv: str
    en: str


LETTER_FIELDS = frozenset({"date", "region", "support", "forms", "standard_reply", "reference", "recipient"})
"""What a letter may name in braces. `reference` and `recipient` are lines that are filled in by hand."""


_OF_A_REPLY = re.compile(r"\{(date|recipient|standard_reply)\}")


class LetterFit(RulebookModel):
    """Which cases a letter fits: those that begin with one of some forms, on one of some initiatives, and to whom it goes."""

    forms: tuple[Form, ...] = Field(min_length=1)
    initiatives: tuple[Initiative, ...] = Field(min_length=1)
    to: Literal["patient", "guardian"]
    """The patient, or each guardian who asked."""


class Letter(RulebookModel):
    """A letter in the region's own wording: Markdown with the fields of `LETTER_FIELDS` in braces (X-26)."""

    cites: tuple[str, ...] = Field(min_length=1)
    delivery: Literal["registered_personal", "registered_address"]
    """Registered letter with personal delivery (rekommenderat brev med personlig utlämning), or a plain letter."""
    encloses: tuple[Form, ...] = ()
    """Forms that go with it."""
    fits: LetterFit | None = None
    """The cases from which it is offered; null: it is printed from the region's list of letters alone."""
    sv: str = Field(min_length=1)
    en: str = Field(min_length=1)
    derived: Derived | None = None

    @property
    def needs_receipt(self) -> bool:
        """Whether whoever it goes to signs for it, and the delivery receipt (mottagningsbevis) is waited for."""
        return self.delivery == "registered_personal"

    @property
    def says_the_standard_reply_alone(self) -> bool:
        """Whether it is the standard reply as a letter, which names no unit, no region and no day of a measure (X-23, X-28)."""
        return all(
            "standard_reply" in fields_of_letter(text) and not _OF_A_REPLY.sub("", text).strip()
            for text in (self.sv, self.en)
        )

    @model_validator(mode="after")
    def _fields_are_known(self) -> "Letter":
        for language in ("sv", "en"):
            named = fields_of_letter(getattr(self, language))
            for name in sorted(named - LETTER_FIELDS):
                raise UnfitError("letter_field", language=language, field=name, known=_braced())
            if "standard_reply" in named and named & {"region", "support"}:
                raise UnfitError("letter_reply_names", language=language)
        return self


SERIES_FIELDS = frozenset({"year", "day", "number"})
"""What a series names in braces: the Swedish year, its day as MMDD, and the ten letters and digits of the one order."""


class RegistrationSeries(RulebookModel):
    """
    The region's own series of registration numbers (diarieserie), of orders received from a Swedish date on.

    It begins anew each year. `number` is no running number: it follows from the order, so that an order that is taken
    again after a restore is registered as before.
    """

    since: date
    """A day that has not been when the file is released: what was registered before keeps its number."""
    pattern: Annotated[str, Field(pattern=r"^[A-Z0-9 ./:{}a-z-]{1,60}$")]
    """`RS {year}-{number}`: capitals, digits, blanks and `. / : -` around the fields of `SERIES_FIELDS`."""

    @model_validator(mode="after")
    def _numbers_each_year(self) -> "RegistrationSeries":
        try:
            parts = list(Formatter().parse(self.pattern))
        except ValueError:
            parts = [("", "", "", None)]
        fields = [name for _, name, _, _ in parts if name is not None]
        plain = all(not spec and not conversion for _, _, spec, conversion in parts)
        if (
            not plain
            or not {"year", "number"} <= set(fields) <= SERIES_FIELDS
            or len(fields) > len(set(fields))
        ):
            raise UnfitError("series_fields")
        if any(text != text.upper() for text, _, _, _ in parts):
            raise UnfitError("series_capitals")
        if self.pattern.startswith("SIGILL"):
            raise UnfitError("series_taken")
        return self

    def numbered(self, received_on: date, number: str) -> str:
        """The registration number of an order received on a Swedish date, `number` being what tells it from others."""
        return self.pattern.format(year=f"{received_on:%Y}", day=f"{received_on:%m%d}", number=number)


def fields_of_letter(text: str) -> frozenset[str]:
    """The fields in braces of a letter's text. Raises UnfitError for a brace that begins or ends none."""
    try:
        found = list(Formatter().parse(text))
    except ValueError:
        raise UnfitError("letter_brace", known=_braced()) from None
    for _, name, spec, conversion in found:
        if name is not None and (not name.isidentifier() or spec or conversion):
            raise UnfitError("letter_brace", known=_braced())
    return frozenset(name for _, name, _, _ in found if name is not None)


def _braced() -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(LETTER_FIELDS))


class InformDefault(RulebookModel):
    """Who is told where an order leaves it out. A child below the own-account age never is (X-27)."""

    guardians: bool = False
    patient: bool = True


class InformDefaults(RulebookModel):
    """
    Who is told what of a protective measure where an order leaves it out (`inform_default`, X-24).

    Who is let in, or loses a grant, is told unless the order says not.
    """

    imposed: InformDefault = InformDefault()
    continued: InformDefault = InformDefault()
    released: InformDefault = InformDefault()


class NoteChoice(RulebookModel):
    """The record's own choice words under a keyword: of a measure that is in force, or that was lifted."""

    one_guardian: str
    all_guardians: str


class NoteWords(RulebookModel):
    """The note to file: its keyword, and what else people must do with the papers."""

    keyword: str
    choice: NoteChoice | None = None
    """Which choice word is ticked: by whether all guardians are concerned, or some (JH-18, JH-21)."""
    duties: tuple[str, ...] = ()


class RemarkWhen(RulebookModel):
    """A remark in the receipt."""

    code: Remark
    sv: str
    en: str


class Deadline(RulebookModel):
    """Hours within which something must follow."""

    within_hours: int


class OwnAttestation(RulebookModel):
    """What a region's own rules have the decider vouch for: declared under `attestations`, and used by its word."""

    code: str = Field(pattern=r"^[a-z][a-z0-9-]*:[a-z][a-z0-9_]*$")
    """As a form says it: `orebro:child_agrees`."""
    sv: str
    en: str


def attested_as(what: Attestation | OwnAttestation) -> str:
    """The code by which a form attests something."""
    return what.code if isinstance(what, OwnAttestation) else what.value


Documents = Annotated[tuple[DocumentKind, ...], Field(min_length=1)]


class Alternative(RulebookModel):
    """One way of several in which an order may be right: every clause given must hold (`any_of`)."""

    deciders: tuple[Role, ...] | None = None
    decider_at: Literal["named_units", "exactly_its_unit", "region"] = "named_units"
    consulted: Consulted | None = None
    attestations: tuple[Attestation | OwnAttestation, ...] | None = None
    one_attestation_of: tuple[Attestation | OwnAttestation, ...] | None = None
    references: Documents | None = None
    motivation: Literal["required"] | None = None
    units: Literal["required", "forbidden"] | None = None
    end_date: EndDate | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> "Alternative":
        if not self.asked:
            raise UnfitError("alternative_asks_nothing")
        return self

    @property
    def asked(self) -> frozenset[str]:
        """The names of the clauses that it has."""
        return frozenset(
            name
            for name in type(self).model_fields
            if name != "decider_at" and getattr(self, name) is not None
        )


class RuleEntry(RulebookModel):
    """One rule, or several that belong together, made executable."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    cites: tuple[str, ...] = Field(min_length=1)
    forms: tuple[Form, ...] = Field(min_length=1)
    when: Condition = Condition()
    offered: bool | None = None
    initiatives: tuple[Initiative, ...] | None = None
    channels: Channels | None = None
    deciders: tuple[Role, ...] | Literal["nobody"] | None = None
    decider_at: Literal["named_units", "exactly_its_unit", "region"] = "named_units"
    deciders_bound_to: (
        Annotated[tuple[Literal["imposing_unit", "its_successor"] | OfClinic, ...], Field(min_length=1)]
        | None
    ) = None
    """
    At which unit an *opening* of what care imposed is decided (X-07): any of these. What names the clinic alone holds for
    a closing too, which only a unit known to be another clinic's is refused for.
    """
    consulted: Consulted | None = None
    attestations: tuple[Attestation | OwnAttestation, ...] | None = None
    one_attestation_of: tuple[Attestation | OwnAttestation, ...] | None = None
    references: Documents | None = None
    """Kinds of documents in the record of which the form must name one each."""
    otherwise: RefusalCode | None = None
    any_of: Annotated[tuple[Alternative, ...], Field(min_length=2)] | None = None
    """Sets of clauses, of which one must hold; the entry's own clauses hold besides."""
    units: Literal["required", "forbidden"] | None = None
    recorded_dates: Literal["with_units", "never"] | None = None
    end_date: EndDate | None = None
    age: AgeWindow | None = None
    motivation: Literal["required"] | None = None
    caller: Literal["identified"] | None = None
    court_order: Duty | Literal["any"] | None = None
    protected_identity: Literal["refused"] | None = None
    reserve_number: Literal["refused"] | None = None
    same_initiative: bool | None = None
    unanimity: bool | None = None
    initiating_unit_only: bool | None = None
    may_release: tuple[MeasureKind, ...] | None = None
    services: tuple[Service, ...] | None = None
    ends_at_age: int | None = None
    runs: Duration | None = None
    widens_to_all_guardians: bool | None = None
    also_imposes: tuple[Extra, ...] | None = None
    ends_running: tuple[MeasureKind, ...] | None = None
    other_regions: Literal["after_consultation"] | None = None
    """
    A release may end another region's measure that it names (`releases`), where the form attests the talks with that
    region (`other_region_consulted`, IN-12), and meets what that region's rules demand of whoever ends it: never what the
    patient made (X-03), nor the register's own (X-10). Left out: only the region that imposed it ends it.
    """
    replaces: Literal["overlapping"] | None = None
    """
    The measure takes the place of those of its kind, region and initiative that it covers, in what they shut and in time
    (IN-21). What residents shut is never replaced by what care shuts, or care's release would open it (X-03).
    """
    signed_form: Deadline | Literal["never"] | None = None
    follow_up: Deadline | None = None
    tells: tuple[NotificationClause, ...] | None = None
    note: NoteWords | None = None
    remark: RemarkWhen | None = None
    long_after_months: int | None = None
    derived: ChosenClauses | None = None
    """Set where what the entry does is not the document's words."""

    @cached_property
    def given(self) -> frozenset[str]:
        """The names of the clauses that it has."""
        names = RuleEntry.model_fields.keys() - {"derived"}
        return frozenset(name for name in names if getattr(self, name) is not None)

    @cached_property
    def alternatives(self) -> tuple["RuleEntry", ...]:
        """Each alternative of `any_of` as an entry that asks for it and nothing else."""
        return tuple(
            RuleEntry(
                id=self.id,
                cites=self.cites,
                forms=self.forms,
                when=self.when,
                otherwise=self.otherwise,
                **{name: getattr(alternative, name) for name in (*alternative.asked, "decider_at")},
            )
            for alternative in self.any_of or ()
        )

    @property
    def bound_to_clinic_alone(self) -> bool:
        """Whether the entry binds to a clinic and to nothing else: then a closing is bound too."""
        bonds = self.deciders_bound_to or ()
        return bool(bonds) and all(isinstance(bond, OfClinic) for bond in bonds)

    @model_validator(mode="before")
    @classmethod
    def _no_floor_is_denied(cls, given: Any) -> Any:
        """Saying the contrary of a floor is refused in words that a rule owner reads (X-11, X-31)."""
        if isinstance(given, dict):
            for clause, code in (
                ("protected_identity", "floor_protected"),
                ("reserve_number", "floor_reserve"),
            ):
                if given.get(clause, "refused") not in ("refused", None):
                    raise UnfitError(code)
        return given

    @model_validator(mode="after")
    def _says_something(self) -> "RuleEntry":
        said = self.model_fields_set - {"id", "cites", "forms", "when", "otherwise", "decider_at", "derived"}
        if not said:
            raise UnfitError("no_clause", id=self.id)
        return self


class StandingRule(RulebookModel):
    """
    What the register's own word brings, without any order: by a `state` that holds, or by an `event` that happens.

    The measures that a state imposes follow the state, however it came about (X-09). Exactly one of the two is given.
    """

    id: str
    cites: tuple[str, ...] = Field(min_length=1)
    state: Literal["protected_patient", "protected_guardian"] | None = None
    event: Literal["protection_ended", "turned_13_locked", "died", "custody_changed"] | None = None
    patient_under: int | None = None
    imposes: tuple[Extra, ...] = ()
    ends_running: tuple[MeasureKind, ...] | None = None
    """Grants of the region that end for good on the day that the measures begin (VG-01)."""
    sv: str = ""
    en: str = ""
    derived: Derived | None = None

    @model_validator(mode="before")
    @classmethod
    def _states_of_old(cls, given: Any) -> Any:
        """Rulebooks of earlier releases wrote the two states as events."""
        if isinstance(given, dict) and given.get("event") in ("protected_patient", "protected_guardian"):
            return {**{k: v for k, v in given.items() if k != "event"}, "state": given["event"]}
        return given

    @model_validator(mode="after")
    def _one_cause(self) -> "StandingRule":
        if (self.state is None) == (self.event is None):
            raise UnfitError("one_cause", id=self.id)
        if self.imposes and self.state is None:
            raise UnfitError("only_a_state_imposes", id=self.id)
        if self.ends_running and not self.imposes:
            raise UnfitError("imposes_nothing", id=self.id)
        return self


class RiskCondition(RulebookModel):
    """When a choice holds. Every condition given must hold; none given: always."""

    risk: Annotated[tuple[RiskFrom, ...], Field(min_length=1)] | None = None
    """The risk comes from one of these."""
    signs: Annotated[tuple[RiskSign, ...], Field(min_length=1)] | None = None
    """At least one of these is known."""
    patient_from: int | None = None
    """The patient has turned this age."""
    patient_under: int | None = None
    """The patient is younger than this."""


class ChoiceRule(RulebookModel):
    """
    Which measure a risk calls for (val av åtgärd). A version's choices are read from the top, and the first that holds counts.

    It guides whoever fills in a form and refuses nothing. No form: the region's words alone answer.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    cites: tuple[str, ...] = Field(min_length=1)
    when: RiskCondition = RiskCondition()
    forms: tuple[Form, ...] = ()
    """Each of them is filled in."""
    sv: str = ""
    """What else to think of, in the region's words."""
    en: str = ""
    derived: Derived | None = None

    @model_validator(mode="after")
    def _answers(self) -> "ChoiceRule":
        if not self.forms and not (self.sv and self.en):
            raise UnfitError("choice_says_nothing", id=self.id)
        if bool(self.sv) != bool(self.en):
            raise UnfitError("choice_in_one_language", id=self.id)
        return self


class Ages(RulebookModel):
    """The ages at which things begin and end, in whole years (a birthday begins at Swedish midnight)."""

    guardian_until: int = 13
    own_account_from: int = 13
    own_record_from: int = 16
    of_age: int = 18
    leap_day_on_28th: bool = True
    own_record_needs_full_personnummer: bool = False
    own_account_needs_full_personnummer: bool = False
    """Nor does a guardian or representative without one log in."""
    login_from: Literal["age", "e_id"] = "age"
    """`e_id`: whoever has an e-ID logs in to the own e-services, also before `own_account_from`."""


class ReminderLeadTimes(RulebookModel):
    """Days ahead of which somebody is reminded; of `follow_up_hours`, hours."""

    grant_expiring: int = 60
    birthday: int = 30
    measure_ending: int = 14
    """Before a protective measure's own end date: the unit that imposed it is told."""
    measure_ending_again: int = 3
    """The unit is told again, and the operators see that nobody has answered."""
    follow_up_hours: int = 24
    """Before the decision after an urgent measure is due: the unit is told, and again for as long as it is late."""
    unit_answer: int = 7
    """Within which a unit is to answer a request to release; then it is reminded, and again as long after."""
    authority_answer: int = 14
    """Within which an authority that was asked about a case is to have answered."""
    letter_receipt: int = 21
    """Within which the receipt of a letter with personal delivery is to have come back, or the letter itself."""

    @property
    def before_an_end(self) -> tuple[int, ...]:
        """The days before a protective measure's end on which its unit is told, the earliest first."""
        return tuple(sorted({self.measure_ending, self.measure_ending_again}, reverse=True))


class Version(RulebookModel):
    """A region's rules from a date on."""

    since: date
    documents: tuple[str, ...]
    extends: date | None = None
    base: Literal["nationwide", "nationwide_named"] | None = None
    """
    The version begins with every entry of the national base, and says what is otherwise here; `nationwide_named`: with those
    alone that it names, and besides what it `extends`.
    """
    drops: dict[str, Words | None] | tuple[str, ...] = {}
    """Entries of the version or the base that it begins with, and which are gone; of the base, with the reason."""
    ages: Ages = Ages()
    reasons: dict[AccessReason, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    people_only: dict[str, Literal["attestation", "channel", "worklist", "text"]] = {}
    """Rules that only people can follow, and where they show."""
    held_by_core: dict[str, tuple[str, ...]] = {}
    """Rules that the program's core holds whatever a rulebook says, and which parts of it."""
    lead: ReminderLeadTimes = ReminderLeadTimes()
    age_notices: bool = True
    inform_default: InformDefaults = InformDefaults()
    standard_reply: Words | None = None
    """What a guardian is answered who asks and is not to be told of the measure (VGB-17); None: operators answer."""
    letters: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")], Letter] = {}
    """The region's letters, by name; an earlier version's hold on unless one of the same name takes its place."""
    unknown_patient_hours: int = 72
    daytime: Daytime | None = None
    """The hours that are not on-call time; None: no entry asks for it."""
    entries: tuple[RuleEntry, ...] = ()
    standing: tuple[StandingRule, ...] = ()
    shown: tuple[Shown, ...] = ()
    choices: tuple[ChoiceRule, ...] = ()
    """Which measure a risk calls for; own choices take the place of all that it would begin with."""

    @property
    def parts(self) -> tuple["RuleEntry | StandingRule | Shown | ChoiceRule", ...]:
        """Everything in it that has an id and cites rules."""
        return (*self.entries, *self.standing, *self.shown, *self.choices)

    def matching(self, form: Form) -> tuple[RuleEntry, ...]:
        """The entries about a form, in the rulebook's order."""
        return self._by_form.get(form, ())

    @cached_property
    def _by_form(self) -> dict[Form, tuple[RuleEntry, ...]]:
        return {form: tuple(e for e in self.entries if form in e.forms) for form in Form}

    def offers(self, form: Form) -> bool:
        """Whether the region has such a form."""
        return any(entry.offered for entry in self.matching(form))


class SourceRule(RulebookModel):
    """
    A source of measures made elsewhere (`elsewhere.measures.v1`), in the national rulebook.

    `silent` says what an answer does when the source has not been read for longer than `limit_minutes`: `say` so, or
    `close`, which shows nothing online (fail closed, as the contract of the source demands).
    """

    limit_minutes: int = Field(ge=1, le=60 * 24 * 365)
    silent: Literal["say", "close"] = "say"
    sv: str
    en: str

    @property
    def limit(self) -> timedelta:
        """How long the source may go unread."""
        return timedelta(minutes=self.limit_minutes)


class Region(RulebookModel):
    """One region's rulebook: its words, its rules and their versions in order of date."""

    region: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: str
    counties: tuple[str, ...] = ()
    organisations: tuple[Annotated[str, Field(pattern=r"^\d{10}$")], ...] = ()
    """Organisation numbers (organisationsnummer, ten digits) whose HSA-ids are this region's."""
    other_organisations: dict[str, Annotated[str, Field(pattern=r"^\d{10}$")]] = {}
    """In the national rulebook: regions without a rulebook of their own, with their organisation numbers."""
    sources: dict[str, SourceRule] = {}
    """In the national rulebook: the sources of measures made elsewhere that must be read, by short name."""
    national: bool = False
    support: str = ""
    series: tuple[RegistrationSeries, ...] = ()
    """Its own registration numbers, in order of date; none, or before the first: Sigill's."""
    documents: dict[str, Document]
    attestations: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Words] = {}
    """Attestations of the region's own, by the word that its clauses use; a form says `region:word`."""
    rules: dict[str, Rule]
    versions: tuple[Version, ...] = Field(min_length=1)
    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """The digest that names the text that it was read from (`digest_of`); empty for one that was made of parts."""
        return self._digest

    @model_validator(mode="after")
    def _hangs_together(self, info: ValidationInfo) -> "Region":
        faults = list(_faults(self, info.context or frozenset()))
        if faults:
            raise Misfits(faults)
        return self

    def in_force(self, on: date) -> Version | None:
        """The version in force on a Swedish date; None before the first."""
        found = None
        for version in self.versions:
            if version.since <= on:
                found = version
        return found

    def series_on(self, on: date) -> RegistrationSeries | None:
        """The series of registration numbers on a Swedish date; None: the region has none of its own then."""
        return next((series for series in reversed(self.series) if series.since <= on), None)

    def ending(self, version: Version) -> date | None:
        """The date from which the next version is in force; None for the last."""
        later = [v.since for v in self.versions if v.since > version.since]
        return min(later, default=None)


def _cited(version: Version) -> Iterator[tuple[Path, str, str]]:
    for name in ("entries", "standing", "shown", "choices"):
        for number, part in enumerate(getattr(version, name)):
            yield from (
                ((name, number, "cites", place), part.id, rule) for place, rule in enumerate(part.cites)
            )
    for reason, rules in version.reasons.items():
        yield from ((("reasons", str(reason), place), str(reason), rule) for place, rule in enumerate(rules))
    for name, letter in version.letters.items():
        yield from ((("letters", name, "cites", n), f"letter {name}", r) for n, r in enumerate(letter.cites))
    yield from ((("people_only", rule), "people_only", rule) for rule in version.people_only)
    yield from ((("held_by_core", rule), "held_by_core", rule) for rule in version.held_by_core)


def _faults(region: Region, of_base: Collection[str]) -> Iterator[tuple[Path, FaultText]]:
    """What does not hang together. `of_base`: the rules of the national base, which what is taken from it may cite."""
    dates = [version.since for version in region.versions]
    if dates != sorted(set(dates)):
        yield ("versions",), fault("versions_out_of_order")
    begin = [series.since for series in region.series]
    if begin != sorted(set(begin)):
        yield ("series",), fault("series_out_of_order")
    if region.sources and not region.national:
        yield ("sources",), fault("sources_national")
    for word in region.attestations:
        if word in set(Attestation):
            yield ("attestations", word), fault("attestation_built_in", word=word)
    for rule_id, rule in region.rules.items():
        if rule.document not in region.documents:
            meant = meant_of(rule.document, region.documents)
            yield ("rules", rule_id, "document"), fault("rule_without_document", rule=rule_id).then(meant)
    for number, version in enumerate(region.versions):
        here: Path = ("versions", number)
        ids = [part.id for part in version.parts]
        for twice in sorted({i for i in ids if ids.count(i) > 1}):
            yield (*here, *_second(version, twice)), fault("stands_twice", id=twice, since=version.since)
        for path, where, rule_id in _cited(version):
            if rule_id not in region.rules and rule_id not in of_base:
                meant = meant_of(rule_id, region.rules)
                yield (*here, *path), fault("cites_unknown", where=where, rule=rule_id).then(meant)
        for place, entry in enumerate(version.entries):
            if entry.when.on_call is not None and version.daytime is None:
                yield (*here, "entries", place), fault("on_call_without_daytime", id=entry.id)
        yield from (((*here, *path), what) for path, what in _letter_faults(version))
        for place, choice in enumerate(version.choices):
            for which, form in enumerate(choice.forms):
                if not version.offers(form):
                    what = fault("choice_not_offered", id=choice.id, form=form)
                    yield (*here, "choices", place, "forms", which), what
        for place, document in enumerate(version.documents):
            if document not in region.documents:
                meant = meant_of(document, region.documents)
                yield (*here, "documents", place), fault("unknown_document", document=document).then(meant)


def _second(version: Version, part_id: str) -> Path:
    """Where a part of a version stands for the second time."""
    found: list[Path] = []
    for name in ("entries", "standing", "shown", "choices"):
        parts = enumerate(getattr(version, name))
        found += [(name, number) for number, part in parts if part.id == part_id]
    return found[1]


def _letter_faults(version: Version) -> Iterator[tuple[Path, FaultText]]:
    for name, letter in version.letters.items():
        for place, form in enumerate(letter.encloses):
            if not version.offers(form):
                yield ("letters", name, "encloses", place), fault("letter_encloses", name=name, form=form)
        for language in ("sv", "en"):
            named = fields_of_letter(getattr(letter, language))
            if "standard_reply" in named and version.standard_reply is None:
                yield ("letters", name, language), fault("letter_without_reply", name=name)
            if "forms" in named and not letter.encloses:
                yield ("letters", name, language), fault("letter_without_forms", name=name)


class RulebookError(ValueError):
    """The rulebook cannot be read. The message names every fault with its place."""

    def __init__(self, *faults: Fault | FaultText) -> None:
        """Hold every fault."""
        self.faults = tuple(Fault(found) if isinstance(found, FaultText) else found for found in faults)
        super().__init__("; ".join(str(found) for found in self.faults))


def _on_base(version: dict[str, Any], base: Region | None, marks: Marks) -> None:
    """
    Lay a version over the national base.

    An entry with the id of one of the base's, and without `forms`, is the base's but for the clauses that it gives; with
    `forms` it replaces it. `drops` takes away, with a reason.
    """
    since = version.get("since")
    if base is None:
        raise RulebookError(Fault(fault("no_base_read", since=since), marks.at_key(version, "base")))
    national = (base.in_force(since) if isinstance(since, date) else None) or base.versions[0]
    of_base = {e.id: e.model_dump(exclude_unset=True, by_alias=True) for e in national.entries}
    if version["base"] == "nationwide_named":
        version["entries"] = _patched(version.get("entries") or [], of_base.values(), marks)
        return
    if version.get("extends") is not None:
        raise RulebookError(Fault(fault("base_and_extends", since=since), marks.at_key(version, "extends")))
    dropped = version.get("drops") or {}
    _note_drops_of_nothing(version, of_base, base, marks)
    for gone in dropped:
        if gone in of_base and not (isinstance(dropped, dict) and dropped[gone]):
            place = marks.at_key(version, "drops")
            raise RulebookError(Fault(fault("drop_without_reason", since=since, id=gone), place))
    own = version.get("entries") or []
    ids = {entry.get("id") for entry in own}
    version["entries"] = [
        *(entry for name, entry in of_base.items() if name not in ids and name not in dropped),
        *_patched(own, of_base.values(), marks),
    ]
    if "choices" not in version:
        version["choices"] = [c.model_dump(exclude_unset=True, by_alias=True) for c in national.choices]


def _note_drops_of_nothing(
    version: dict[str, Any], known: Collection[str], national: Region | None, marks: Marks
) -> None:
    """Note where a version drops what it does not begin with: a misspelt id would leave the entry there."""
    dropped = version.get("drops")
    for number, gone in enumerate(dropped if isinstance(dropped, dict | list) else ()):
        if gone in known:
            continue
        place = marks.place(dropped, (number if isinstance(dropped, list) else str(gone),))
        rule = national.rules.get(gone) if national is not None and isinstance(gone, str) else None
        if rule is not None and rule.floor:
            marks.later.append(Fault(fault("drops_floor", since=version.get("since"), id=gone), place))
        else:
            what = fault("drops_nothing", since=version.get("since"), id=gone)
            marks.later.append(Fault(what.then(meant_of(str(gone), known)), place))


def _patched(own: list[Any], earlier: Iterable[dict[str, Any]], marks: Marks) -> list[Any]:
    """A version's own entries; one without `forms` is the earlier one of its id, but for the clauses that it gives."""
    known = {entry.get("id"): entry for entry in earlier}
    found = []
    for entry in own:
        if entry.get("id") in known and "forms" not in entry:
            found.append({**known[entry["id"]], **entry})
            marks.also(found[-1], entry)
        else:
            found.append(entry)
    return found


def _inherit(raw: dict[str, Any], national: Region | None, marks: Marks) -> dict[str, Any]:
    """
    Lay a version that extends an earlier one over it, and one that begins with the national base over that.

    Entries, standing rules and reasons are inherited; the same id replaces, and without `forms` changes the clauses that
    it gives; `drops` takes away.
    """
    done: dict[date, dict[str, Any]] = {}
    for version in raw.get("versions") or ():
        if version.get("base") is not None and version["base"] != "nationwide_named":
            _on_base(version, national, marks)
        base = version.get("extends")
        if version.get("base") in (None, "nationwide_named"):
            earlier = done.get(base) or {}
            parts = [part for name in ("entries", "standing", "shown") for part in earlier.get(name) or ()]
            _note_drops_of_nothing(version, [part.get("id") for part in parts], national, marks)
        if isinstance(version.get("drops"), list):
            version["drops"] = dict.fromkeys(version["drops"])
        if base is not None:
            if base not in done:
                what = fault("extends_nothing", since=version.get("since"), base=base)
                raise RulebookError(Fault(what, marks.at_key(version, "extends")))
            earlier = done[base]
            for part in ("entries", "standing", "shown"):
                own = version.get(part) or []
                if part == "entries":
                    own = _patched(own, earlier.get(part) or [], marks)
                taken = {entry.get("id") for entry in own} | set(version.get("drops") or ())
                version[part] = [e for e in earlier.get(part) or [] if e.get("id") not in taken] + own
            for part in (
                "ages",
                "lead",
                "reasons",
                "people_only",
                "held_by_core",
                "inform_default",
                "letters",
            ):
                version[part] = {**(earlier.get(part) or {}), **(version.get(part) or {})}
            for part in ("standard_reply", "daytime", "choices"):
                if part not in version and earlier.get(part):
                    version[part] = earlier[part]
        if version.get("base") == "nationwide_named":  # what it extends comes before the base
            _on_base(version, national, marks)
        done[version.get("since")] = version
    return raw


def _own_attestations(raw: dict[str, Any], marks: Marks) -> None:
    """Put what a region's own attestations mean where its clauses name them."""
    declared = raw.get("attestations")
    if not isinstance(declared, dict) or not declared:
        return

    def meant(word: object) -> object:
        words = declared.get(word) if isinstance(word, str) else None
        return {"code": f"{raw.get('region')}:{word}", **words} if isinstance(words, dict) else word

    for version in raw.get("versions") or ():
        for entry in version.get("entries") or ():
            for part in (
                entry,
                *(alternative for alternative in entry.get("any_of") or () if isinstance(alternative, dict)),
            ):
                for clause in ("attestations", "one_attestation_of"):
                    if isinstance(part.get(clause), list):
                        given, part[clause] = part[clause], [meant(word) for word in part[clause]]
                        marks.also(part[clause], given)


def _is_swollen(raw: object) -> bool:
    """Whether aliases of aliases make a short text endless (or a ring): checking it would fill the memory."""
    left, parts = MOST_PARTS, [raw]
    while parts and left >= 0:
        part = parts.pop()
        left -= 1
        if isinstance(part, dict):
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
        left -= len(part) if isinstance(part, dict | list) else 0
    return left < 0


_NATIONAL = re.compile(r"^national:\s*true\b", re.MULTILINE)


def is_national(text: str) -> bool:
    """Whether a file says of itself that it is the national one, which is read before those that begin with it."""
    return _NATIONAL.search(text) is not None


def parse(text: str, national: Region | None = None) -> Region:
    """
    Read one region's rulebook. `national` is what a version with `base: nationwide` begins with.

    Raises RulebookError with every fault at once, each with its place in the file.
    """
    try:
        marks = Marks(text)
        raw = marks.get_single_data()
    except yaml.MarkedYAMLError as error:
        raise RulebookError(unreadable(error)) from error
    except yaml.YAMLError as error:
        raise RulebookError(fault("not_yaml", problem=error)) from error
    except (ValueError, RecursionError) as error:  # a date that is none; nesting without end
        raise RulebookError(fault("not_yaml", problem=error)) from error
    if not isinstance(raw, dict):
        raise RulebookError(fault("no_mapping"))
    if _is_swollen(raw):
        raise RulebookError(fault("too_many_parts", most=MOST_PARTS))
    try:
        inherited = _inherit(raw, national, marks)
        _own_attestations(inherited, marks)
    except (AttributeError, TypeError) as error:
        raise RulebookError(fault("versions_shape")) from error
    try:
        found = Region.model_validate(
            inherited, context=frozenset(national.rules) if national else frozenset()
        )
    except ValidationError as error:
        raise RulebookError(*faults_of(error, inherited, marks, Region)) from error
    if marks.later:
        raise RulebookError(*marks.later)
    found._digest = digest_of(text)
    return found


def digest_of(text: str) -> str:
    """The digest that names a rulebook's text: SHA-256 of its UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _with_national_ages(region: Region, national: Region) -> Region:
    """A region's rulebook with every age that it does not say, as the national rules of the time say it."""
    if region.national:
        return region
    versions = []
    for version in region.versions:
        base = (national.in_force(version.since) or national.versions[0]).ages
        unsaid = Ages.model_fields.keys() - version.ages.model_fields_set
        ages = version.ages.model_copy(update={name: getattr(base, name) for name in unsaid})
        versions.append(version.model_copy(update={"ages": ages}))
    return region.model_copy(update={"versions": tuple(versions)})


_DATES_KEPT = 10_000
"""For so many regions and dates the version is remembered."""


@dataclass(frozen=True)
class Rulebooks:
    """All regions' rulebooks. One of them may be the national default for counties without an own one."""

    regions: Mapping[RegionCode, Region]

    @classmethod
    def of(cls, *texts: str) -> "Rulebooks":
        """Parse several files. Raises RulebookError."""
        national = next((parse(text) for text in texts if is_national(text)), None)
        return cls.of_regions(parse(text, national) for text in texts)

    @classmethod
    def of_regions(cls, regions: Iterable[Region]) -> "Rulebooks":
        """Hold several regions' rulebooks. An age that a region's version leaves out is the national one's."""
        regions = list(regions)
        national = next((region for region in regions if region.national), None)
        if national is not None:
            regions = [_with_national_ages(region, national) for region in regions]
        return cls({RegionCode(region.region): region for region in regions})

    def version(self, region: str, on: date) -> Version | None:
        """The version of a region in force on a Swedish date; None: no such region, or before its first version."""
        found = self.book_of(region, on)
        return found.in_force(on) if found else None

    def book_of(self, region: str, on: date | None = None) -> Region | None:
        """
        The rulebook that judges a region's orders: its own; the national base for one that the national file names and
        that has none; None: no such region. With `on`, a Swedish date, the base judges until the first own version begins.
        """
        found = self.regions.get(RegionCode(region))
        if found is None:
            return self.base_of(region)
        if found.national:
            return None
        begun = on is None or found.in_force(on) is not None
        return found if begun else self.base_of(region) or found

    def base_of(self, region: str) -> Region | None:
        """The national base, where the national file names the region among those without a rulebook of their own."""
        return next(
            (r for r in self.regions.values() if region in r.other_organisations and r.versions[-1].entries),
            None,
        )

    @cached_property
    def national(self) -> Region:
        """The national default. Raises LookupError where none is loaded."""
        for region in self.regions.values():
            if region.national:
                return region
        raise LookupError("no national rulebook is loaded")

    @cached_property
    def sources(self) -> Mapping[str, SourceRule]:
        """The sources of measures made elsewhere that must be read, by short name."""
        return next((r.sources for r in self.regions.values() if r.national), {})

    @cached_property
    def _of_county(self) -> dict[str, RegionCode]:
        return {c: RegionCode(r.region) for r in self.regions.values() if not r.national for c in r.counties}

    def region_of_county(self, county: str | None) -> RegionCode | None:
        """The region of a county of residence; None where no rulebook is loaded for it."""
        return self._of_county.get(county) if county else None

    @cached_property
    def _of_organisation(self) -> dict[str, RegionCode]:
        others = {
            number: RegionCode(name)
            for region in self.regions.values()
            for name, number in region.other_organisations.items()
        }
        return others | {n: RegionCode(r.region) for r in self.regions.values() for n in r.organisations}

    def region_of_organisation(self, number: str) -> RegionCode | None:
        """The region of an organisation number, perhaps one without a rulebook; None where nobody knows it."""
        return self._of_organisation.get(number)

    def default_version(self, region: RegionCode | None, on: date) -> Version:
        """The version whose ages and reasons hold: the region's, else the national one."""
        asked = (region, on)
        found = self._defaults.get(asked)
        if found is None:
            if len(self._defaults) > _DATES_KEPT:
                self._defaults.clear()
            found = self._defaults[asked] = self._default_version(region, on)
        return found

    @cached_property
    def _defaults(self) -> dict[tuple[RegionCode | None, date], Version]:
        return {}

    def _default_version(self, region: RegionCode | None, on: date) -> Version:
        own = self.version(region, on) if region else None
        if own is not None:
            return own
        return self.national.in_force(on) or self.national.versions[0]

    def changes_of(self, region: RegionCode | None) -> tuple[datetime, ...]:
        """The instants (UTC), in order, from which other ages may hold in a region; None: where no rulebook is loaded."""
        found = self._changes.get(region)
        if found is None:
            own = self.regions.get(region) if region else None
            books = (self.national,) if own is None else (own, self.national)
            days = {version.since for book in books for version in book.versions}
            found = self._changes[region] = tuple(sorted(midnight(day) for day in days))
        return found

    @cached_property
    def _changes(self) -> dict[RegionCode | None, tuple[datetime, ...]]:
        return {}

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """Every rule of every region by id."""
        return {rule_id: rule for region in self.regions.values() for rule_id, rule in region.rules.items()}

    @cached_property
    def turning_ages(self) -> tuple[tuple[int, bool], ...]:
        """Every age at which an answer may change by any version's rules, and how a leap day counts there."""
        found = {(CUSTODY_ENDS_AT, True)}  # by law, whatever a rulebook says
        for region in self.regions.values():
            for version in region.versions:
                ages = version.ages
                named = (ages.guardian_until, ages.own_account_from, ages.own_record_from, ages.of_age)
                hidden = (rule.patient_under for rule in version.shown if rule.patient_under is not None)
                found.update((age, ages.leap_day_on_28th) for age in (*named, *hidden))
        return tuple(sorted(found))

    @cached_property
    def turning_days(self) -> tuple[tuple[datetime, str], ...]:
        """Every instant (UTC) from which a version holds, or shows what it hid, with its region and day."""
        days = (
            (region.region, day)
            for region in self.regions.values()
            for version in region.versions
            for day in (version.since, *(rule.shown_from for rule in version.shown))
            if day is not None
        )
        return tuple((midnight(day), f"{region} {day}") for region, day in dict.fromkeys(days))
