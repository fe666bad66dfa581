"""The scenario file as a typed value. An unknown key is an error, with file, line and key."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from sigill.policy.calendar import STOCKHOLM, BirthDate
from sigill.policy.rulebook import Rulebooks
from sigill.policy.rulebook_faults import Marks, faults_of, unreadable
from sigill_contracts.order import OwnAttestationCode
from sigill_contracts.vocabulary import (
    AccessReason,
    Attestation,
    Channel,
    ContinueDecision,
    Form,
    IdType,
    Initiative,
    MadeBy,
    MeasureKind,
    Opinion,
    PendingCode,
    RefusalCode,
    Remark,
    RiskFrom,
    RiskSign,
    Role,
    Service,
    Template,
)


class UnreadableScenario(ValueError):
    """A scenario file cannot be read. The message names file, line and key."""


def _local(value: object) -> object:
    """Local time, Europe/Stockholm, as YAML wrote it; or a shift such as `+3d`, which stays a string."""
    if isinstance(value, str) and not value.startswith("+"):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - given its zone below
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=STOCKHOLM)
        try:
            return zoned.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"{value.isoformat()} is no moment that a clock can show") from None
    return value


def _birth(born: date | str | int) -> date | str | int:
    if isinstance(born, str):
        try:
            BirthDate.parse(born)
        except (ValueError, OverflowError):
            raise ValueError(f"{born} is no day, month (YYYY-MM) or year") from None
    return born


def _county(value: object) -> object:
    """A county's two digits; YAML reads those without quotes as a number."""
    return f"{value:02d}" if isinstance(value, int) and not isinstance(value, bool) else value


County = Annotated[str, BeforeValidator(_county)]
LocalTime = Annotated[datetime, BeforeValidator(_local)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Shift = Annotated[str, Field(pattern=r"^\+\d+[smhdw]$")]


class ScenarioModel(BaseModel):
    """A part of a scenario."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PersonSpec(ScenarioModel):
    """Somebody in the story."""

    born: Annotated[date | str | int, AfterValidator(_birth)]
    guardians: tuple[str, ...] = ()
    id_type: IdType = IdType.PERSONNUMMER
    protected: bool = False
    died: date | None = None
    e_id: bool = True
    registered: bool = True
    county: County | None = None


class StaffSpec(ScenarioModel):
    """A staff member in the story; `registered: false`: the directory does not tell of them."""

    unit: str
    roles: tuple[Role, ...]
    from_: date | None = Field(default=None, alias="from")
    through: date | None = None
    registered: bool = True


PAEDIATRIC = "paediatric"
"""The clinic of a unit whose name begins with `barn`, unless the story says otherwise."""


class UnitSpec(ScenarioModel):
    """A unit in the story. What is left out is as in the scenario, or not known to the directory."""

    region: str | None = None
    name: str | None = None
    clinic: str | None = None
    provider: str | None = None
    parent: str | None = None
    """The unit that it lies under."""
    succeeded_by: str | None = None
    closed: date | None = None
    """The first day on which it is closed."""

    def clinic_of(self, unit: str) -> str | None:
        """Its clinic, by its name where the story does not say."""
        if "clinic" in self.model_fields_set:
            return self.clinic
        return PAEDIATRIC if unit.startswith("barn") else None


class InformSpec(ScenarioModel):
    """Who may be told; what is left out is left out of the form too, each field for itself."""

    guardians: bool | None = None
    patient: bool | None = None
    written_confirmation: bool | None = None


Tamper = Literal[
    "payload",
    "signature",
    "expired_certificate",
    "revoked_certificate",
    "untrusted_issuer",
    "wrong_key_usage",
    "alg_none",
    "unknown_signer",
]


class OrderStep(ScenarioModel):
    """An order. What is left out gets a valid default; what is given, null too, is used as given."""

    id: str
    resend: bool = False
    form: Form | None = None
    patient: str | None = None
    initiative: Initiative | None = None
    decided_by: str | None = None
    consulted: tuple[str, ...] | None = None
    signed_by: str | None = None
    units: tuple[str, ...] | None = None
    guardians: tuple[str, ...] | None = None
    attestations: tuple[Attestation | OwnAttestationCode | Word, ...] | None = None
    """Of the region's own, or the national ones, as `region:word` or the word alone."""
    channel: Channel | None = None
    urgent: bool | None = None
    decided_at: LocalTime | None = None
    published_at: LocalTime | None = None
    valid_from: date | None = None
    valid_through: date | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    representative: str | None = None
    court_order: str | dict[str, Any] | None = None
    releases: tuple[str, ...] | None = None
    follows_up: str | None = None
    opinion: Opinion | None = None
    decision: ContinueDecision | None = None
    given: bool | None = None
    region: str | None = None
    review_on: date | None = None
    references: tuple[str | dict[str, Any], ...] | None = None
    """Documents in the record: a kind alone, or fields of one; the rest is made up."""
    motivation: str | None = None
    inform: InformSpec | None = None
    tamper: Tamper | None = None

    def gives(self, key: str) -> bool:
        """Whether the story itself says something about a key."""
        return key in self.model_fields_set


class AccessStep(ScenarioModel):
    """A question to the store."""

    viewer: str
    patient: str
    service: Service
    unit: str | None = None
    recorded_on: date | None = None
    information_type: str | None = None
    """The heading or template under which the information is recorded."""
    at: LocalTime | None = None
    known_at: LocalTime | None = None


class RegisterStep(ScenarioModel):
    """The population register tells of a change."""

    person: str
    protected: bool | None = None
    born: date | str | None = None
    died: date | None = None
    guardians: tuple[str, ...] | None = None
    custody_ended: str | None = None
    id_changed_to: IdType | None = None
    registered: bool | None = None
    e_id: bool | None = None
    county: County | None = None


class DirectoryStep(ScenarioModel):
    """The staff directory tells of a change: of a staff member, or, without one, of a unit."""

    staff: str | None = None
    roles: tuple[Role, ...] | None = None
    unit: str | None = None
    from_: date | None = Field(default=None, alias="from")
    through: date | None = None
    region: str | None = None
    name: str | None = None
    clinic: str | None = None
    provider: str | None = None
    succeeded_by: str | None = None
    closed: date | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "DirectoryStep":
        given = self.model_fields_set
        if self.staff is None:
            if self.unit is None or given & {"roles", "from_", "through"}:
                raise ValueError("a step about a unit names the unit, and no roles, from or through")
        elif wrong := given & {"region", "name", "clinic", "provider", "succeeded_by", "closed"}:
            raise ValueError(f"a step about a staff member has no {', '.join(sorted(wrong))}")
        return self


class ElsewhereStep(ScenarioModel):
    """
    A measure that was made outside Sigill; the same id again changes it, and keeps what the step leaves out.

    `from` left out: from the day of the step. `by` names the resident, or a region. Without an id only the source is read,
    up to `read_up_to`, or the clock.
    """

    id: str | None = None
    patient: str | None = None
    kind: MeasureKind | None = None
    by: str = MadeBy.RESIDENT.value
    units: tuple[str, ...] | None = None
    provider: str | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    from_: date | None = Field(default=None, alias="from")
    through: date | None = None
    ended: bool = False
    source: str = "1177"
    read_up_to: LocalTime | None = None

    @model_validator(mode="after")
    def _protects(self) -> "ElsewhereStep":
        if self.kind is not None and self.kind.opens:
            raise ValueError("what is made elsewhere and lets somebody in is not taken")
        return self


_DOOR = r"^[a-z_]+ [a-z_]+ (now|by_grant|after_protection|at_age [0-9]+)$"


class ChooseStep(ScenarioModel):
    """A question to the rules: which measure is chosen for a patient's risk, or what some forms would leave open."""

    patient: str
    risk: RiskFrom | None = None
    signs: tuple[RiskSign, ...] = ()
    forms: tuple[Form, ...] | None = None
    """Forms that somebody thinks of; left out: those that the rules choose."""
    region: str | None = None


class Expectation(ScenarioModel):
    """What must be true of the step that it stands under."""

    outcome: Literal["executed", "refused", "pending", "duplicate", "dead_letter"] | None = None
    codes: tuple[RefusalCode | PendingCode, ...] | None = None
    allowed: bool | None = None
    because: tuple[AccessReason, ...] = ()
    forms: tuple[Form, ...] | None = None
    """The forms that the rules choose; empty: they choose none."""
    open_: tuple[Annotated[str, Field(pattern=_DOOR)], ...] | None = Field(default=None, alias="open")
    """Every way that stays open: `WAY SERVICE now`, `WAY SERVICE at_age 13`."""


class ReceiptExpectation(ScenarioModel):
    """What the newest receipt of an order must say."""

    order: str
    outcome: Literal["executed", "refused", "pending", "duplicate", "dead_letter"] | None = None
    codes: tuple[RefusalCode | PendingCode, ...] | None = None
    ends_on: date | None = None
    remarks: tuple[Remark, ...] | None = None


class ChangeExpectation(ScenarioModel):
    """A change that must have been published."""

    viewer: str
    patient: str
    service: Service | None = None
    unit: str | None = None
    access: Literal["gained", "lost"] | None = None
    at: LocalTime | None = None
    because: AccessReason | tuple[AccessReason, ...] | None = None


class NotificationExpectation(ScenarioModel):
    """A notification; `to: operators` addresses the region's operators, a unit's name what is sent to that unit."""

    to: str
    template: Template | None = None


class MeasuresExpectation(ScenarioModel):
    """The measure kinds in force for a patient, each once."""

    patient: str
    active: tuple[MeasureKind, ...]


class TasksExpectation(ScenarioModel):
    """The kinds of the open tasks about a patient, each once."""

    patient: str
    open: tuple[str, ...]


class ScenarioStep(ScenarioModel):
    """One step: exactly one thing happens or is looked at."""

    order: OrderStep | None = None
    at: LocalTime | Shift | None = None
    access: AccessStep | None = None
    register_: RegisterStep | None = Field(default=None, alias="register")
    directory: DirectoryStep | None = None
    elsewhere: ElsewhereStep | None = None
    choose: ChooseStep | None = None
    restart: tuple[str, ...] | None = None
    expect_receipt: ReceiptExpectation | None = None
    expect_changes: tuple[ChangeExpectation, ...] | None = None
    expect_notifications: tuple[NotificationExpectation, ...] | None = None
    expect_no_notification: NotificationExpectation | None = None
    expect_measures: MeasuresExpectation | None = None
    expect_tasks: TasksExpectation | None = None
    expect: Expectation | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> "ScenarioStep":
        if len(self.model_fields_set - {"expect"}) != 1:
            raise ValueError("a step does exactly one thing")
        return self


class Scenario(ScenarioModel):
    """One story."""

    scenario: str
    id: str
    cites: tuple[str, ...] = Field(min_length=1)
    region: str
    start: LocalTime
    units: tuple[str, ...] | dict[str, str | UnitSpec] = ()
    people: dict[str, PersonSpec]
    staff: dict[str, StaffSpec] = {}
    steps: tuple[ScenarioStep, ...]

    @model_validator(mode="after")
    def _elsewhere_is_introduced(self) -> "Scenario":
        told: set[str] = set()
        for step in self.steps:
            one = step.elsewhere
            if one is not None and one.id is not None and one.id not in told:
                if one.patient is None or one.kind is None:
                    raise ValueError(f"elsewhere {one.id}: its first step names patient and kind")
                told.add(one.id)
        return self

    @property
    def unit_specs(self) -> dict[str, UnitSpec]:
        """Each unit, with its region: those listed without one are of the scenario's."""
        if not isinstance(self.units, dict):
            return {unit: UnitSpec(region=self.region) for unit in self.units}
        return {
            unit: UnitSpec(region=spec)
            if isinstance(spec, str)
            else spec
            if "region" in spec.model_fields_set
            else spec.model_copy(update={"region": self.region})
            for unit, spec in self.units.items()
        }

    @property
    def unit_regions(self) -> dict[str, str]:
        """Each unit's region, where the directory knows it."""
        return {unit: spec.region for unit, spec in self.unit_specs.items() if spec.region is not None}


@dataclass(frozen=True, slots=True)
class Read:
    """A story as read. `unknown` tells, a line each, of the names in it that nothing introduces: it cannot be played."""

    story: Scenario
    unknown: tuple[str, ...] = ()


def read_file(path: Path) -> tuple[Scenario, ...]:
    """
    Every scenario of a file.

    Raises UnreadableScenario naming file, line and key, also for a name that nothing introduces.
    """
    found = read_stories(path)
    if faults := [line for file in found for line in file.unknown]:
        raise UnreadableScenario("\n".join(faults))
    return tuple(file.story for file in found)


@dataclass(frozen=True, slots=True)
class DeclaredNames:
    """What the rulebooks declare that a story may name: the regions, and the regions' own attestations as `region:word`."""

    regions: frozenset[str]
    attestations: frozenset[str]


def declared_by(books: Rulebooks) -> DeclaredNames:
    """What some rulebooks declare."""
    regions = books.regions.values()
    return DeclaredNames(
        frozenset(books.regions).union(*(region.other_organisations for region in regions)),
        frozenset(f"{region.region}:{word}" for region in regions for word in region.attestations),
    )


def read_stories(path: Path, declared: DeclaredNames | None = None) -> tuple[Read, ...]:
    """
    Every scenario of a file, each with the names in it that nothing introduces, nor the rulebooks declare (None: they may).

    Raises UnreadableScenario naming file, line and key for a file that cannot be read.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableScenario(f"{path}: cannot be read ({type(error).__name__})") from error
    return stories_in(text, path, declared)


def stories_in(text: str, path: Path, declared: DeclaredNames | None = None) -> tuple[Read, ...]:
    """The same of a text; `path` is what messages call it. Raises UnreadableScenario."""
    try:
        marks = Marks(text)
        documents = [data for data in marks.documents() if data is not None]  # an empty one, or null, is none
    except yaml.MarkedYAMLError as error:
        raise UnreadableScenario(unreadable(error).within(path)) from error
    except yaml.YAMLError as error:
        raise UnreadableScenario(f"{path}: not YAML ({error})") from error
    except (ValueError, RecursionError) as error:  # a date that is none; nesting without end
        raise UnreadableScenario(f"{path}: not YAML ({error})") from error
    return tuple(_validated(path, marks, data, declared) for data in documents)


def _validated(path: Path, marks: Marks, data: object, declared: DeclaredNames | None) -> Read:
    try:
        story = Scenario.model_validate(data)
    except ValidationError as error:
        faults = faults_of(error, data, marks, Scenario)
        raise UnreadableScenario("\n".join(fault.within(path) for fault in faults)) from error
    node = marks.of[id(data)]
    unknown = [*_unknown_names(path, node, story)]
    if declared is not None:
        unknown += _undeclared(path, node, story, declared)
    return Read(story, tuple(unknown))


OPERATORS = "operators"


def _unknown_names(path: Path, node: yaml.Node, story: Scenario) -> Iterator[str]:
    known = {
        "person": set(story.people),
        "staff": set(story.staff),
        "unit": {
            *story.unit_specs,
            *(worker.unit for worker in story.staff.values()),
            *(spec.provider for spec in story.unit_specs.values() if spec.provider),
        },
        "order": {
            *(step.order.id for step in story.steps if step.order is not None),
            *(step.elsewhere.id for step in story.steps if step.elsewhere is not None and step.elsewhere.id),
        },
    }
    known["addressee"] = known["person"] | known["unit"] | {OPERATORS}
    for loc, kind, name in _names_in(story):
        if name in known[kind]:
            continue
        near = difflib.get_close_matches(name, sorted(known[kind]), 1, 0.0)
        meant = f"; the nearest name is {near[0]}" if near else ""
        what = "person or unit" if kind == "addressee" else kind
        where = ".".join(str(part) for part in loc)
        yield f"{path}:{_line_of(node, loc)}: {where}: the story has no {what} {name!r}{meant}"


def _undeclared(path: Path, node: yaml.Node, story: Scenario, declared: DeclaredNames) -> Iterator[str]:
    words = {code.partition(":")[2] for code in declared.attestations}
    known = {
        "region": declared.regions,
        "attestation": declared.attestations | words | {attestation.value for attestation in Attestation},
    }
    for loc, kind, name in _of_rulebooks(story):
        if name is None or name in known[kind]:
            continue
        near = difflib.get_close_matches(name, sorted(known[kind]), 1, 0.0)
        meant = f"; the nearest name is {near[0]}" if near else ""
        where = ".".join(str(part) for part in loc)
        yield f"{path}:{_line_of(node, loc)}: {where}: there is no {kind} {name!r}{meant}"


def _of_rulebooks(story: Scenario) -> Iterator[tuple[tuple[int | str, ...], str, str | None]]:
    """Every region and attestation that the story names: where it stands, which it is, and the name."""
    yield ("region",), "region", story.region
    for unit, spec in story.units.items() if isinstance(story.units, dict) else ():
        if isinstance(spec, str):
            yield ("units", unit), "region", spec
        else:
            yield ("units", unit, "region"), "region", spec.region
    for number, step in enumerate(story.steps):
        for part in ("order", "directory", "choose"):
            yield ("steps", number, part, "region"), "region", getattr(getattr(step, part), "region", None)
        attested = (step.order.attestations if step.order is not None else None) or ()
        for place, code in enumerate(attested):
            yield ("steps", number, "order", "attestations", place), "attestation", str(code)


_OF_ORDER = (
    ("patient", "person"),
    ("guardians", "person"),
    ("representative", "person"),
    ("decided_by", "staff"),
    ("consulted", "staff"),
    ("signed_by", "staff"),
    ("units", "unit"),
    ("releases", "order"),
    ("follows_up", "order"),
)
_OF_STEP: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("order", _OF_ORDER),
    ("access", (("viewer", "person"), ("patient", "person"), ("unit", "unit"))),
    ("register_", (("person", "person"), ("guardians", "person"), ("custody_ended", "person"))),
    ("directory", (("staff", "staff"), ("unit", "unit"), ("succeeded_by", "unit"))),
    ("choose", (("patient", "person"),)),
    ("elsewhere", (("patient", "person"), ("units", "unit"), ("provider", "unit"))),
    ("expect_receipt", (("order", "order"),)),
    ("expect_changes", (("viewer", "person"), ("patient", "person"), ("unit", "unit"))),
    ("expect_notifications", (("to", "addressee"),)),
    ("expect_no_notification", (("to", "addressee"),)),
    ("expect_measures", (("patient", "person"),)),
    ("expect_tasks", (("patient", "person"),)),
)


def _names_in(story: Scenario) -> Iterator[tuple[tuple[int | str, ...], str, str]]:
    """Every name that the story uses: where it stands, what it names, and the name."""
    for name, person in story.people.items():
        for place, guardian in enumerate(person.guardians):
            yield ("people", name, "guardians", place), "person", guardian
    for unit, spec in story.unit_specs.items():
        if spec.succeeded_by is not None:
            yield ("units", unit, "succeeded_by"), "unit", spec.succeeded_by
    for number, step in enumerate(story.steps):
        for part, fields in _OF_STEP:
            value = getattr(step, part)
            several = value if isinstance(value, tuple) else (value,) if value is not None else ()
            for place, one in enumerate(several):
                loc: tuple[int | str, ...] = ("steps", number, part.rstrip("_"))
                if isinstance(value, tuple):
                    loc = (*loc, place)
                yield from _names_of(one, fields, loc)


def _names_of(
    one: ScenarioModel, fields: Iterable[tuple[str, str]], loc: tuple[int | str, ...]
) -> Iterator[tuple[tuple[int | str, ...], str, str]]:
    for key, kind in fields:
        given = getattr(one, key)
        if isinstance(given, str):
            yield (*loc, key), kind, given
        elif given is not None:
            for place, name in enumerate(given):
                yield (*loc, key, place), kind, name


def _line_of(node: yaml.Node, loc: tuple[int | str, ...]) -> int:
    """The line of the deepest part of a path that stands in the file."""
    line = node.start_mark.line
    for part in loc:
        following: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, following = key.start_mark.line, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            following = node.value[part]
            line = following.start_mark.line
        if following is None:
            continue  # a name of the model that is no key of the file
        node = following
    return line + 1


def files_of(paths: list[Path]) -> Iterator[Path]:
    """The YAML files of files and folders, sorted. Raises UnreadableScenario for a path that is not there."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*.y*ml"))
        elif path.exists():
            yield path
        else:
            raise UnreadableScenario(f"{path}: no such file or folder")
