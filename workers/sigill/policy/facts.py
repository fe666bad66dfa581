"""The values that judgements read: persons, custody, staff, measures, open requests. All frozen; times are UTC."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

from sigill.policy.calendar import (
    CUSTODY_ENDS_AT,
    BirthDate,
    age_begins,
    last_day_before,
    midnight,
    swedish_date,
)
from sigill.policy.units import NO_UNITS, Units
from sigill_contracts.vocabulary import (
    Channel,
    Form,
    HsaId,
    IdType,
    Initiative,
    MadeBy,
    MeasureId,
    MeasureKind,
    Opinion,
    OrderId,
    PersonId,
    RegionCode,
    Role,
    Service,
    UnitId,
)

OF_ONES_OWN = frozenset({Initiative.RESIDENT, Initiative.CHILD})
"""The initiatives of the patient, who alone ends what was made on them (X-03)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity number and its kind."""

    id_type: IdType
    number: str


@dataclass(frozen=True, slots=True)
class Custody:
    """Custody of a child (vårdnad): from the first day, until the day on which it had ended. None is open."""

    guardian: PersonId | None
    from_date: date | None = None
    to_date: date | None = None

    def holds_at(self, moment: datetime) -> bool:
        """Whether it holds at an instant."""
        begun = self.from_date is None or midnight(self.from_date) <= moment
        return begun and (self.to_date is None or moment < midnight(self.to_date))


@dataclass(frozen=True, slots=True)
class PersonVersion:
    """What the register said of a person from `valid_from` on, until its next version."""

    valid_from: datetime
    identity: Identity
    county: str | None = None
    protected: bool = False
    has_e_id: bool = True
    custody: tuple[Custody, ...] = ()
    died_on: date | None = None
    emigrated_on: date | None = None
    identity_uncertain: bool = False
    last_county: str | None = None
    """Where `county` is withheld: the one that the register told before, also in a version that this one replaces."""


@dataclass(frozen=True, slots=True)
class Person:
    """
    A person as known. `versions` are in order of time, at least one; `registered` is false for somebody whom an
    order or a custody names and the register has not told of.
    """

    person_id: PersonId
    key: str
    birth: BirthDate
    versions: tuple[PersonVersion, ...]
    former: tuple[Identity, ...] = ()
    registered: bool = True

    def at(self, moment: datetime) -> PersonVersion:
        """The version that holds at an instant; before the first one, the first."""
        found = self.versions[0]
        for version in self.versions[1:]:
            if version.valid_from > moment:
                break
            found = version
        return found

    @property
    def latest(self) -> PersonVersion:
        """The newest version."""
        return self.versions[-1]

    def reached(self, age: int, moment: datetime, *, surely: bool = False) -> bool:
        """Whether the person has reached an age; `surely`: also if born as late as can be."""
        return age_begins(self.birth, age, latest=surely) <= moment

    def has_died(self, moment: datetime) -> bool:
        """Whether the register has told, by an instant, of a death on that Swedish day or before."""
        died_on = self.at(moment).died_on
        return died_on is not None and died_on <= swedish_date(moment)

    def has_come_of_age(self, moment: datetime) -> bool:
        """Whether custody has ended by the person's age at an instant, also if born as late as can be."""
        return self.reached(CUSTODY_ENDS_AT, moment, surely=True)

    def guardians_at(self, moment: datetime) -> tuple[PersonId, ...]:
        """Those who have custody at an instant, in the register's order; nobody once custody has ended by age."""
        if self.has_come_of_age(moment):
            return ()
        return tuple(c.guardian for c in self.at(moment).custody if c.guardian and c.holds_at(moment))


@dataclass(frozen=True, slots=True)
class Assignment:
    """A staff member's roles at a unit (medarbetaruppdrag); Swedish dates, both inclusive."""

    unit: UnitId
    region: RegionCode
    roles: frozenset[Role]
    from_date: date | None = None
    through: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a Swedish date."""
        return (self.from_date is None or self.from_date <= day) and (
            self.through is None or day <= self.through
        )


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff member with all assignments known, past and future."""

    hsa_id: HsaId
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Inform:
    """Who may be told, as the newest order about a measure says; None: it does not say (X-24)."""

    guardians: bool | None = None
    patient: bool | None = None
    written_confirmation: bool | None = None

    def overlaid(self, later: "Inform") -> "Inform":
        """What a later order leaves out stays as it was said before."""
        return Inform(
            self.guardians if later.guardians is None else later.guardians,
            self.patient if later.patient is None else later.patient,
            self.written_confirmation if later.written_confirmation is None else later.written_confirmation,
        )


class Silence(NamedTuple):
    """A "do not tell" about a measure: who must not be told, and the unit that said so (X-23); no unit: ""."""

    audience: Literal["guardians", "patient"]
    unit: str


class PaperCopy(NamedTuple):
    """
    An assessment of a copy on paper (journalkopia), which was given or not: by which order, to whom, on which Swedish date.
    """

    order: OrderId
    to: PersonId
    on: date


@dataclass(frozen=True, slots=True)
class Measure:
    """
    One measure (åtgärd) of one patient, in its newest known version.

    In force from `valid_from` until `ends_at`, exclusive. `units` None is the whole record; `guardians` None is all
    guardians. `orders` is its lineage: the imposing order first, then those that confirmed, continued or extended
    it. A change of scope is never written into a measure: it ends, and another with the same lineage goes on.
    """

    measure_id: MeasureId
    patient: PersonId
    kind: MeasureKind
    region: RegionCode
    initiative: Initiative
    orders: tuple[OrderId, ...]
    services: tuple[Service, ...]
    valid_from: datetime
    valid_to: datetime | None = None
    ends_at_age: int | None = None
    units: frozenset[UnitId] | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    guardians: tuple[PersonId, ...] | None = None
    guardians_except: tuple[PersonId, ...] = ()
    """Where `guardians` is None: those who have been let out of it. Whoever becomes a guardian later is not (X-02, X-14)."""
    viewer: PersonId | None = None
    unit: UnitId | None = None
    provisional: bool = False
    awaits_follow_up: bool = False
    released: bool = False
    end_before_release: datetime | None = None
    """Of what is released: the end (UTC) that it had before, which it has again where the release is taken back."""
    released_at: datetime | None = None
    """Of what is released: since when (UTC) that is known. It ends then, or on the later day that the release names."""
    urgent: bool = False
    reported_to_authority: bool = False
    review_on: date | None = None
    inform: Inform = Inform()
    silences: frozenset[Silence] = frozenset()
    """Every "do not tell" that stands, of whichever order about the measure it came with."""
    rules: tuple[str, ...] = ()
    rulebook: str = ""
    beside: MeasureId | None = None
    """The measure that this one came with and goes with (KR25-17: the lock beside a block)."""
    copies: frozenset[PaperCopy] = frozenset()
    """What was given on paper while it stood; nobody reaches anything online by it."""
    copies_refused: frozenset[PaperCopy] = frozenset()
    """Whom the newest assessment gives no copy on paper while it stands; nobody is shut out online by it."""
    version: int = 1

    def ends_at(self, birth: BirthDate) -> datetime | None:
        """
        When it ends, exclusive; None: until released.

        An end by age takes the bound of an uncertain birth date that shows less: a grant ends at the earliest
        possible birthday, a protection at the latest.
        """
        if self.ends_at_age is None:
            return self.valid_to
        by_age = age_begins(birth, self.ends_at_age, latest=not self.kind.opens)
        return by_age if self.valid_to is None else min(by_age, self.valid_to)

    def last_day(self, birth: BirthDate) -> date | None:
        """The last Swedish date in force; None: until released."""
        end = self.ends_at(birth)
        return None if end is None else last_day_before(end)

    def in_force(self, moment: datetime, birth: BirthDate) -> bool:
        """Whether it is in force at an instant."""
        if moment < self.valid_from:
            return False
        end = self.ends_at(birth)
        return end is None or moment < end

    def not_over(self, moment: datetime, birth: BirthDate) -> bool:
        """Whether it is in force, or still to come, at an instant; what was called off before its day is not."""
        end = self.ends_at(birth)
        return end is None or (moment < end and self.valid_from < end)

    def is_to_be_extended(self, birth: BirthDate) -> bool:
        """
        Whether it is a protection that a date ends and a unit's decision could lengthen: no grant, age, or companion, and
        not what the patient made, which no unit has decided and none lengthens (X-03).
        """
        end = self.ends_at(birth)
        dated = end is not None and self.valid_to == end
        return (
            dated
            and not self.kind.opens
            and self.beside is None
            and not self.released
            and self.initiative not in OF_ONES_OWN
        )

    @property
    def lineage(self) -> str:
        """What it has in common with whatever came beside it or goes on after it: the order that imposed it."""
        return self.orders[0] if self.orders else self.measure_id

    def covers_guardian(self, person: PersonId) -> bool:
        """Whether it is about this guardian."""
        if self.guardians is None:
            return person not in self.guardians_except
        return person in self.guardians


@dataclass(frozen=True, slots=True)
class OutsideMeasure:
    """
    A measure that was made outside Sigill (`elsewhere.measures.v1`), as its source last told of it.

    `measure` says whom, what and when it shuts, with no order and, as its region, "": no order of ours ends it.
    """

    source: str
    reference: str
    made_by: MadeBy
    measure: Measure
    region: RegionCode | None = None


@dataclass(frozen=True, slots=True)
class UnitAnswer:
    """
    One unit's answer to a request to release, with the signed order that gave it.

    `opens_from` (UTC) is the midnight before which the unit does not agree to open; None: it opens as soon as all agree.
    """

    unit: UnitId
    opinion: Opinion
    order_id: OrderId
    given_at: datetime
    opens_from: datetime | None = None


class RequestEnd(StrEnum):
    """How a request to release ended. See `sigill.policy.requests`."""

    AGREE = "agree"
    """Every unit agreed: what it was about has been released."""
    KEEP = "keep"
    """A unit finds that the protection is to stay."""
    MOOT = "moot"
    """What it was about has ended otherwise."""
    HELD = "held"
    """All that it was about is the register's own, and the state that wants it holds again (X-05, X-10)."""


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """
    A request that the initiating units must answer (begäran om upplåsning), or a release that needs all of them.

    Open until every unit of `units` has agreed, one says keep, or nothing is left of what it is about. A unit may change
    its answer meanwhile. `units` is empty where only staff's own order can answer: the register's own measure (X-05).
    `asked_by` are the guardians for whom it opens, those who ask or whom a release by staff names, or the representative who
    asks; empty: everybody.
    `opens_from` (UTC) is the midnight of the day that it was asked for, where it named one: it opens no earlier.
    """

    order_id: OrderId
    patient: PersonId
    region: RegionCode
    initiative: Initiative
    measures: tuple[MeasureId, ...]
    units: tuple[UnitId, ...]
    asked_by: tuple[PersonId, ...] = ()
    inform: Inform = Inform()
    opened_at: datetime | None = None
    opens_from: datetime | None = None
    answers: tuple[UnitAnswer, ...] = ()
    closed: RequestEnd | None = None
    replied: bool = False
    """Whether the standard reply has gone out already."""

    @property
    def unanswered(self) -> tuple[UnitId, ...]:
        """Units that have not agreed yet, in order."""
        agreed = {answer.unit for answer in self.answers if answer.opinion is Opinion.AGREE}
        return tuple(unit for unit in self.units if unit not in agreed)


@dataclass(frozen=True, slots=True)
class EarlierOrder:
    """
    What a later order may need to know of an earlier one of the same patient.

    `channel` None: its form is gone, with the person it was about.
    """

    order_id: OrderId
    region: RegionCode
    form: Form
    outcome: str
    waits_for: tuple[str, ...] = ()
    urgent: bool = False
    measures: tuple[MeasureId, ...] = ()
    channel: Channel | None = None
    follows_up: OrderId | None = None


_NOBODY: Mapping[PersonId, Person] = MappingProxyType({})
_NO_STAFF: Mapping[HsaId, Staff] = MappingProxyType({})
_NO_UNITS: Mapping[UnitId, RegionCode] = MappingProxyType({})
_NO_SOURCES: Mapping[str, datetime] = MappingProxyType({})
_NO_ORDERS: Mapping[OrderId, EarlierOrder] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """
    All that an answer about one patient depends on, as known at one moment of knowledge.

    `people` holds guardians, representatives and viewers, the patient too; `by_identity` maps every number, old
    ones included, to its person.
    """

    patient: Person
    people: Mapping[PersonId, Person] = field(default_factory=lambda: _NOBODY)
    measures: tuple[Measure, ...] = ()
    unit_regions: Mapping[UnitId, RegionCode] = field(default_factory=lambda: _NO_UNITS)
    units: Units = field(default_factory=lambda: NO_UNITS)
    """What the directory says of the units that the measures and the order name, and of their successors."""
    elsewhere: tuple[OutsideMeasure, ...] = ()
    """What was made outside Sigill, ended measures too: it counts in every decision, and no order of ours changes it."""
    read_up_to: Mapping[str, datetime] = field(default_factory=lambda: _NO_SOURCES)
    """Up to when (UTC) each source of such measures has been read; a source that has never been read is missing."""

    @property
    def all_measures(self) -> tuple[Measure, ...]:
        """Our own measures and those made elsewhere: all that an answer about access reads."""
        return (*self.measures, *(outside.measure for outside in self.elsewhere))

    def person(self, person_id: PersonId) -> Person | None:
        """Somebody of the facts."""
        return self.patient if person_id == self.patient.person_id else self.people.get(person_id)

    def in_force(self, moment: datetime) -> tuple[Measure, ...]:
        """The measures in force at an instant."""
        return tuple(m for m in self.measures if m.in_force(moment, self.patient.birth))

    def with_measures(self, measures: Iterable[Measure]) -> "PatientFacts":
        """The facts with measures added, or with their newer versions; of several versions the last."""
        newest: dict[MeasureId, Measure] = {}
        for measure in measures:
            newest.pop(measure.measure_id, None)
            newest[measure.measure_id] = measure
        others = tuple(m for m in self.measures if m.measure_id not in newest)
        return replace(self, measures=(*others, *newest.values())) if newest else self


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """
    All that judging one order depends on. `known` is None when the patient is in no register.

    `at` is the moment of taking effect (processing), `decided_at` the signing time that roles are judged at.
    """

    known: PatientFacts | None
    at: datetime
    identities: Mapping[Identity, PersonId] = field(default_factory=lambda: MappingProxyType({}))
    staff: Mapping[HsaId, Staff] = field(default_factory=lambda: _NO_STAFF)
    signers: tuple[HsaId, ...] = ()
    signed_at: datetime | None = None
    orders: Mapping[OrderId, EarlierOrder] = field(default_factory=lambda: _NO_ORDERS)
    requests: tuple[ReleaseRequest, ...] = ()
    revocation_unknown: bool = False
    after_dead_letter: bool = False
    first_seen_at: datetime | None = None
    """When a waiting order first came; None for a new one."""
    received_at: datetime | None = None
    """When the broker received the order (UTC); None: at `at`."""
