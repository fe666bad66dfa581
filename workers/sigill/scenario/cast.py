"""The people and staff of a story: invented numbers, register and directory messages, and forms with valid defaults."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from stdnum import luhn

from sigill.policy.calendar import STOCKHOLM, BirthDate, age_begins, swedish_date
from sigill.policy.facts import OF_ONES_OWN
from sigill.policy.rulebook import Condition, Rulebooks, RuleEntry, attested_as, is_on_call
from sigill.scenario.format import (
    DirectoryStep,
    ElsewhereStep,
    OrderStep,
    PersonSpec,
    RegisterStep,
    Scenario,
    StaffSpec,
    UnitSpec,
)
from sigill_contracts.directory import Assignment, StaffRecord, UnitRecord
from sigill_contracts.elsewhere import ElsewhereMeasure, ElsewhereRecord
from sigill_contracts.order import PersonRef
from sigill_contracts.register import Custody, Deregistration, DeregistrationReason, PersonRecord
from sigill_contracts.vocabulary import (
    IMPOSES,
    RELEASES,
    Channel,
    Form,
    IdType,
    Initiative,
    MadeBy,
    MeasureKind,
    RegionCode,
    Role,
)

_ORGANISATION = "SE9999999999"
"""No organisation has this number: no HSA-id of a story can be real."""


class Numbers:
    """
    Hands out identity numbers, each once a run.

    Birth numbers 980–999 are the tax agency's test series; when a day's run out, those of the day before are taken, as
    the agency itself does: a number's date need not be the birth date.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._series: dict[tuple[date, int], Iterator[str]] = {}
        self._hsa = count(1)

    def personnummer(self, born: date) -> str:
        """A test number for somebody born on a day."""
        return self._free(born, 0)

    def samordningsnummer(self, born: date) -> str:
        """The same with sixty added to the day."""
        return self._free(born, 60)

    def reservnummer(self, born: date) -> str:
        """A reserve number, of a made-up local series beginning with 99."""
        for serial in range(10_000):
            number = f"99{born:%y%m%d}{serial:04d}"
            if number not in self._used:
                self._used.add(number)
                return number
        raise RuntimeError("no reserve number is left for that day")

    def of(self, id_type: IdType, born: date) -> str:
        """A number of a kind."""
        make = {
            IdType.PERSONNUMMER: self.personnummer,
            IdType.SAMORDNINGSNUMMER: self.samordningsnummer,
            IdType.RESERVNUMMER: self.reservnummer,
        }
        return make[id_type](born)

    def hsa_id(self, kind: str) -> str:
        """An HSA-id that cannot be real."""
        return f"{_ORGANISATION}-{kind}{next(self._hsa):05d}"

    def _free(self, born: date, added_to_day: int) -> str:
        series = self._series.setdefault((born, added_to_day), _test_numbers(born, added_to_day))
        number = next(number for number in series if number not in self._used)
        self._used.add(number)
        return number


def _test_numbers(born: date, added_to_day: int) -> Iterator[str]:
    """Test numbers of a day, then of the days before it, with right check digits."""
    for earlier in count():
        day = born - timedelta(days=earlier)
        stem = f"{day:%Y%m}{day.day + added_to_day:02d}"
        for serial in range(980, 1000):
            eleven = f"{stem}{serial}"
            yield f"{eleven}{luhn.calc_check_digit(eleven[2:])}"


@dataclass
class Actor:
    """Somebody of the story with what the register now says."""

    name: str
    born: str
    ref: PersonRef
    guardians: dict[str, date | None]
    """Each guardian with the day on which custody ended."""
    protected: bool
    died: date | None
    e_id: bool
    registered: bool
    county: str | None
    former: tuple[PersonRef, ...] = ()
    sequence: int = 0


@dataclass
class Employee:
    """A staff member with the assignments that the directory now tells of."""

    name: str
    hsa_id: str
    unit: str
    roles: tuple[Role, ...]
    from_date: date | None
    through: date | None
    region: str
    sequence: int = 0
    earlier: tuple[Assignment, ...] = ()
    registered: bool = True


def _birth_text(born: date | str | int) -> str:
    return born.isoformat() if isinstance(born, date) else str(born)


@dataclass
class ScenarioData:
    """Everybody of one story, and the ids of its orders."""

    story: Scenario
    books: Rulebooks
    numbers: Numbers
    audience: str
    people: dict[str, Actor] = field(default_factory=dict)
    staff: dict[str, Employee] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    places: dict[str, UnitSpec] = field(default_factory=dict)
    """What the directory now says of each unit."""
    told_of: Counter[str] = field(default_factory=Counter)
    """How often it has told of each unit."""
    providers: dict[str, str] = field(default_factory=dict)
    orders: dict[str, UUID] = field(default_factory=dict)
    elsewhere: dict[str, ElsewhereMeasure] = field(default_factory=dict)
    """What was last said of each measure that was made elsewhere."""

    def __post_init__(self) -> None:
        for unit, place in self.story.unit_specs.items():
            self.units[unit] = self.numbers.hsa_id("U")
            self.places[unit] = place
        for name, spec in self.story.people.items():
            self.people[name] = self._actor(name, spec)
        for name, worker in self.story.staff.items():
            self.staff[name] = self._employee(name, worker)

    # --- people

    def _actor(self, name: str, spec: PersonSpec) -> Actor:
        born = _birth_text(spec.born)
        region = self.books.regions.get(RegionCode(self.story.region))
        home = region.counties[0] if region and region.counties else None
        return Actor(
            name=name,
            born=born,
            ref=PersonRef(
                id_type=spec.id_type, id=self.numbers.of(spec.id_type, BirthDate.parse(born).earliest)
            ),
            guardians=dict.fromkeys(spec.guardians),
            protected=spec.protected,
            died=spec.died,
            e_id=spec.e_id,
            registered=spec.registered,
            county=spec.county if "county" in spec.model_fields_set else home,
        )

    def add(self, name: str, spec: PersonSpec) -> None:
        """Somebody more."""
        self.people[name] = self._actor(name, spec)

    def record(self, name: str, at: datetime) -> PersonRecord:
        """The register's message about somebody, as of an instant."""
        actor = self.people[name]
        actor.sequence += 1
        custody = tuple(
            Custody(guardian=self.people[g].ref, to_date=end) for g, end in actor.guardians.items()
        )
        gone = Deregistration(reason=DeregistrationReason.DEATH, date=actor.died) if actor.died else None
        return PersonRecord(
            person=actor.ref,
            sequence=actor.sequence,
            changed_at=at,
            birth_date=actor.born,
            county=actor.county,
            secrecy_mark=actor.protected,
            has_e_id=actor.e_id,
            custody=custody,
            former_ids=actor.former,
            deregistration=gone,
        )

    def registered(self) -> Iterable[str]:
        """Those of whom the register tells from the start."""
        return [name for name, actor in self.people.items() if actor.registered]

    def change(self, step: RegisterStep, today: date) -> None:
        """Let the register's knowledge of somebody change; the next record tells of it."""
        actor = self.people[step.person]
        if step.protected is not None:
            actor.protected = step.protected
        if step.born is not None:
            actor.born = _birth_text(step.born)
        if step.died is not None:
            actor.died = step.died
        if step.guardians is not None:
            actor.guardians = dict.fromkeys(step.guardians)
        if step.custody_ended is not None:
            actor.guardians[step.custody_ended] = today
        if step.e_id is not None:
            actor.e_id = step.e_id
        if "county" in step.model_fields_set:  # null: the register withholds it
            actor.county = step.county
        if step.id_changed_to is not None:
            actor.former = (*actor.former, actor.ref)
            number = self.numbers.of(step.id_changed_to, BirthDate.parse(actor.born).earliest)
            actor.ref = PersonRef(id_type=step.id_changed_to, id=number)
        actor.registered = step.registered if step.registered is not None else True

    # --- units

    def unit_record(self, unit: str, at: datetime) -> UnitRecord:
        """The directory's message about a unit, as of an instant."""
        place = self.places.get(unit) or UnitSpec(region=self._region_of_staff(unit))
        self.told_of[unit] += 1
        provider = place.provider
        return UnitRecord(
            unit=self.units[unit],
            sequence=self.told_of[unit],
            changed_at=at,
            name=place.name or unit.replace("_", " ").capitalize(),
            region=place.region,
            care_provider=self._provider_id(provider) if provider else None,
            parent=self._unit_id(place.parent) if place.parent else None,
            clinic=place.clinic_of(unit),
            valid_through=place.closed - timedelta(days=1) if place.closed else None,
            succeeded_by=self._unit_id(place.succeeded_by) if place.succeeded_by else None,
        )

    def _region_of_staff(self, unit: str) -> str:
        return next((e.region for e in self.staff.values() if e.unit == unit), self.story.region)

    def _unit_id(self, unit: str) -> str:
        """The id of a unit, or of a care provider that units of the story belong to."""
        if unit not in self.units and any(place.provider == unit for place in self.places.values()):
            return self._provider_id(unit)
        return self.units.setdefault(unit, self.numbers.hsa_id("U"))

    def _provider_id(self, provider: str) -> str:
        return self.providers.setdefault(provider, self.numbers.hsa_id("V"))

    def change_unit(self, step: DirectoryStep) -> None:
        """Let the directory's knowledge of a unit change; the next record tells of it."""
        assert step.unit is not None
        self._unit_id(step.unit)
        before = self.places.get(step.unit) or UnitSpec(region=self._region_of_staff(step.unit))
        given = step.model_dump(include=step.model_fields_set - {"unit"})
        self.places[step.unit] = UnitSpec.model_validate({**before.model_dump(exclude_unset=True), **given})

    # --- measures made elsewhere

    def outside(self, step: ElsewhereStep, at: datetime) -> ElsewhereRecord:
        """The source's message about a measure, or that it has been read and has no news."""
        read_up_to = step.read_up_to or at
        if step.id is None:
            return ElsewhereRecord(source=step.source, read_up_to=read_up_to)
        before = self.elsewhere.get(step.id)
        given = step.model_fields_set
        told: dict[str, Any] = {} if before is None else before.model_dump()
        told["sequence"] = 1 if before is None else before.sequence + 1
        told["reference"] = str(self.orders.setdefault(step.id, uuid4()))
        told["changed_at"] = at
        told["ended"] = step.ended
        if before is None:
            told["valid_from"] = swedish_date(at)
        if step.patient is not None:
            told["patient"] = self.people[step.patient].ref
        if step.kind is not None:
            told["kind"] = step.kind
        if before is None or "by" in given:
            resident = step.by == MadeBy.RESIDENT
            told["made_by"] = MadeBy.RESIDENT if resident else MadeBy.REGION
            told["region"] = None if step.by in tuple(MadeBy) else step.by
        if "units" in given:
            told["units"] = None if step.units is None else tuple(self._unit_id(u) for u in step.units)
        if step.provider is not None:
            told["care_provider"] = self._unit_id(step.provider)
        days = {
            "valid_from": ("from_", step.from_),
            "valid_through": ("through", step.through),
            "recorded_from": ("recorded_from", step.recorded_from),
            "recorded_to": ("recorded_to", step.recorded_to),
        }
        told |= {key: value for key, (name, value) in days.items() if name in given}
        self.elsewhere[step.id] = ElsewhereMeasure.model_validate(told)
        return ElsewhereRecord(source=step.source, read_up_to=read_up_to, measure=self.elsewhere[step.id])

    # --- staff

    def _employee(self, name: str, spec: StaffSpec) -> Employee:
        region = self.story.unit_regions.get(spec.unit, self.story.region)
        self.units.setdefault(spec.unit, self.numbers.hsa_id("U"))
        return Employee(
            name,
            self.numbers.hsa_id("P"),
            spec.unit,
            spec.roles,
            spec.from_,
            spec.through,
            region,
            registered=spec.registered,
        )

    def hire(self, role: Role, region: str, unit: str | None = None) -> Employee:
        """Somebody in a role, found among the story's staff or made up."""
        for employee in self.staff.values():
            if role in employee.roles and employee.region == region and employee.registered:
                return employee
        at = unit or next((u for u, r in self.story.unit_regions.items() if r == region), f"enhet-{region}")
        self.units.setdefault(at, self.numbers.hsa_id("U"))
        name = f"{role.value}@{region}"
        self.staff[name] = Employee(name, self.numbers.hsa_id("P"), at, (role,), None, None, region)
        return self.staff[name]

    def assignments(self, name: str, at: datetime) -> StaffRecord:
        """The directory's message about a staff member."""
        employee = self.staff[name]
        employee.sequence += 1
        current = Assignment(
            unit=self.units[employee.unit],
            region=employee.region,
            roles=employee.roles,
            from_date=employee.from_date,
            through=employee.through,
        )
        return StaffRecord(
            hsa_id=employee.hsa_id,
            sequence=employee.sequence,
            changed_at=at,
            assignments=(*employee.earlier, current),
        )

    def reassign(self, step: DirectoryStep, today: date) -> None:
        """Let the directory's knowledge change; the next record tells of it. A new role or unit ends the old one."""
        assert step.staff is not None
        employee = self.staff[step.staff]
        employee.registered = True
        if (step.roles is not None or step.unit is not None) and step.from_ is not None:
            before = Assignment(
                unit=self.units[employee.unit],
                region=employee.region,
                roles=employee.roles,
                from_date=employee.from_date,
                through=step.from_ - timedelta(days=1),
            )
            employee.earlier = (*employee.earlier, before)
        if step.roles is not None:
            employee.roles = step.roles
        if step.unit is not None:
            self.units.setdefault(step.unit, self.numbers.hsa_id("U"))
            employee.unit = step.unit
            employee.region = self.story.unit_regions.get(step.unit, self.story.region)
        if step.from_ is not None:
            employee.from_date = step.from_
        if "through" in step.model_fields_set:
            employee.through = step.through

    # --- forms

    def form(self, step: OrderStep, clock: datetime) -> tuple[dict[str, Any], str | None]:
        """The form as JSON values, and who signs it (a name of the staff; None: nobody that we know)."""
        order_id = self.orders.setdefault(step.id, uuid4())
        if step.form is None or step.patient is None:
            raise ValueError(f"order {step.id} needs a form and a patient")
        region = step.region if step.region is not None else self.story.region
        decided_at = step.decided_at or clock
        rules = _Defaults(self, step, region, decided_at)
        initiative = step.initiative if step.gives("initiative") else rules.initiative()
        channel = step.channel if step.channel is not None else rules.channel(initiative)
        decider = step.decided_by if step.gives("decided_by") else rules.decider(initiative)
        units = step.units if step.gives("units") else rules.units(decider)
        entries = rules.entries(initiative, channel)
        attested = [*map(rules.coded, _given(step, "attestations", rules.attestations(entries)))]
        form: dict[str, Any] = {
            "order_id": str(order_id),
            "audience": self.audience,
            "region": region,
            "form": step.form.value,
            "patient": self._ref(step.patient),
            "initiative": initiative.value if initiative else None,
            "decided_by": self._staff_ref(decider),
            "consulted": [
                self._staff_ref(n) for n in _given(step, "consulted", rules.consulted(entries, decider))
            ],
            "decided_at": decided_at.astimezone(STOCKHOLM).isoformat(),
            "urgent": bool(step.urgent),
            "channel": channel.value,
            "units": [self._unit_id(u) for u in units] if units else None,
            "recorded_from": _iso(step.recorded_from),
            "recorded_to": _iso(step.recorded_to),
            "valid_from": _iso(step.valid_from),
            "valid_through": _iso(_given(step, "valid_through", rules.valid_through(entries))),
            "guardians": [self._ref(g) for g in step.guardians] if step.guardians else None,
            "representative": self._ref(step.representative) if step.representative else None,
            "court_order": rules.court_order(entries),
            "releases": [str(self.orders.setdefault(o, uuid4())) for o in step.releases]
            if step.releases
            else None,
            "follows_up": str(self.orders.setdefault(step.follows_up, uuid4())) if step.follows_up else None,
            "decision": _given(step, "decision", "keep" if step.form is Form.CONTINUE_MEASURE else None),
            "opinion": step.opinion.value if step.opinion else None,
            "given": step.given,
            "attestations": [a for a in attested if ":" not in a],
            "own_attestations": [a for a in attested if ":" in a] or None,
            "motivation": _given(step, "motivation", "Bedömning enligt rutinen."),
            "review_on": _iso(_given(step, "review_on", rules.review_on(entries))),
            "references": _documents(_given(step, "references", rules.references(entries))),
            "inform": self._inform(step),
        }
        return form, self._signer(step, channel, decider, region)

    def _inform(self, step: OrderStep) -> dict[str, bool]:
        """What the story says, and nothing else: what it leaves out the rulebook decides (X-24)."""
        return {} if step.inform is None else step.inform.model_dump(exclude_none=True)

    def _signer(self, step: OrderStep, channel: Channel, decider: str | None, region: str) -> str | None:
        if step.gives("signed_by"):
            return step.signed_by
        if channel is Channel.EHR_FORM:
            return decider or self.hire(Role.TREATING_STAFF, region).name
        if decider and Role.SUPPORT_OPERATOR in self.staff[decider].roles:
            return decider
        return self.hire(Role.SUPPORT_OPERATOR, region).name

    def _ref(self, name: str) -> dict[str, str]:
        ref = self.people[name].ref
        return {"id_type": ref.id_type.value, "id": ref.id}

    def hsa_id_of(self, name: str | None) -> str | None:
        """A staff member's HSA-id, also of one whom no directory knows."""
        ref = self._staff_ref(name)
        return ref["hsa_id"] if ref else None

    def _staff_ref(self, name: str | None) -> dict[str, str] | None:
        if name is None:
            return None
        employee = self.staff.get(name)
        if employee is None:  # somebody whom no directory knows
            return {
                "hsa_id": f"{_ORGANISATION}-X{name.upper()}",
                "role": "treating_staff",
                "unit": f"{_ORGANISATION}-XU",
            }
        return {"hsa_id": employee.hsa_id, "role": employee.roles[0].value, "unit": self.units[employee.unit]}


def _given(step: OrderStep, key: str, default: Any) -> Any:
    value = getattr(step, key) if step.gives(key) else default
    return () if value is None and key in ("consulted", "attestations") else value


def _documents(given: Sequence[str | dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Documents that a form names: a kind alone, or fields of one; an id and a digest are made up where left out."""
    if given is None:
        return None
    return [
        {
            "kind": "report",
            "id": f"document-{number}",
            "sha256": sha256(f"document-{number}".encode()).hexdigest(),
            **({"kind": one} if isinstance(one, str) else one),
        }
        for number, one in enumerate(given, 1)
    ]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


@dataclass
class _Defaults:
    """Valid defaults of one order, read from the rulebook that will judge it."""

    cast: ScenarioData
    step: OrderStep
    region: str
    moment: datetime
    """When it is decided (UTC)."""

    @property
    def day(self) -> date:
        """The Swedish date of the decision."""
        return swedish_date(self.moment)

    def _all(self) -> tuple[RuleEntry, ...]:
        version = self.cast.books.version(self.region, self.day)
        return version.matching(self.step.form) if version and self.step.form else ()

    def _followed(self) -> MeasureKind | None:
        """The kind of the measure that the order follows, where the story's own orders tell it."""
        orders = {s.order.id: s.order for s in self.cast.story.steps if s.order and not s.order.resend}
        followed, seen = self.step.follows_up, set[str]()
        while followed in orders and followed not in seen:
            seen.add(followed)
            earlier = orders[followed]
            if earlier.form in IMPOSES:
                return IMPOSES[earlier.form]
            followed = earlier.follows_up
        return None

    def entries(self, initiative: Initiative | None, channel: Channel) -> tuple[RuleEntry, ...]:
        """Entries that may hold, as far as can be told without the store."""
        return tuple(e for e in self._all() if self._may_hold(e.when, initiative, channel))

    def _may_hold(self, when: Condition, initiative: Initiative | None, channel: Channel) -> bool:
        return (
            (when.initiative is None or initiative in when.initiative)
            and (when.channel is None or channel in when.channel)
            and (
                when.urgent is None
                or when.urgent == bool(self.step.urgent)
                or self.step.follows_up is not None
            )
            and (when.on_call is None or when.on_call == self._on_call())
            and (when.whole is None or when.whole == (self.step.units is None))
            and (when.opinion is None or self.step.opinion == when.opinion)
            and (when.measure is None or self._speaks_of(when.measure))
            and (when.decision is None or (self.step.decision or "keep") == when.decision)
        )

    def _on_call(self) -> bool:
        version = self.cast.books.version(self.region, self.day)
        return (
            version is not None and version.daytime is not None and is_on_call(version.daytime, self.moment)
        )

    def _speaks_of(self, kinds: tuple[MeasureKind, ...]) -> bool:
        if self.step.form not in (Form.CONTINUE_MEASURE, Form.EXTEND_MEASURE, Form.GIVE_PAPER_COPY):
            return True
        followed = self._followed()
        return followed is None or followed in kinds

    def initiative(self) -> Initiative:
        """Of a release that of the measures it ends; else the first that the form allows, care's of an urgent order."""
        allowed = [e.initiatives for e in self._all() if e.initiatives]
        imposed = self._initiatives_of_what_it_ends()
        if len(imposed) == 1 and any(imposed <= set(some) for some in allowed):
            return imposed.pop()
        common = [i for i in allowed[0] if all(i in other for other in allowed)] if allowed else []
        common = [i for i in common if i not in OF_ONES_OWN or self._patient_acts_alone()] or common
        if Initiative.CARE in common and (self.step.urgent or not common):
            return Initiative.CARE
        return common[0] if common else Initiative.CARE

    def _initiatives_of_what_it_ends(self) -> set[Initiative]:
        """Whose initiatives brought the measures that a release is about, as far as the story's own orders tell."""
        kind = RELEASES.get(self.step.form) if self.step.form else None
        if kind is None or kind.opens:
            return set()
        found: set[Initiative] = set()
        for step in (s.order for s in self.cast.story.steps if s.order and not s.order.resend):
            if step is self.step:
                break
            named = self.step.releases is None or step.id in self.step.releases
            if named and step.patient == self.step.patient and step.form and IMPOSES.get(step.form) is kind:
                theirs = _Defaults(self.cast, step, step.region or self.cast.story.region, self.moment)
                found.add(step.initiative or theirs.initiative())
        return found

    def _patient_acts_alone(self) -> bool:
        """Whether the patient will be old enough to ask for something itself when the order takes effect (X-03)."""
        version = self.cast.books.version(self.region, self.day)
        patient = self.cast.people[self.step.patient or ""]
        if version is None:
            return True
        ages, day = version.ages, max(self.day, self.step.valid_from or self.day)
        begins = age_begins(
            BirthDate.parse(patient.born),
            ages.own_account_from,
            latest=True,
            leap_day_on_28th=ages.leap_day_on_28th,
        )
        return swedish_date(begins) <= day

    def channel(self, initiative: Initiative | None) -> Channel:
        """The EHR's form, where it is open; else paper, else the phone."""
        for channel in (Channel.EHR_FORM, Channel.PAPER, Channel.PHONE):
            entries = [e for e in self.entries(initiative, channel) if e.channels]
            if all(getattr(e.channels, channel.value) == "always" for e in entries):
                return channel
        return Channel.EHR_FORM

    def decider(self, initiative: Initiative | None) -> str | None:
        """Somebody in a role that may decide."""
        for entry in self.entries(initiative, Channel.EHR_FORM):
            for asked in (entry, *entry.alternatives[:1]):
                if asked.deciders and asked.deciders != "nobody":
                    return self.cast.hire(asked.deciders[0], self.region).name
        return self.cast.hire(Role.TREATING_PHYSICIAN, self.region).name

    def units(self, decider: str | None) -> tuple[str, ...] | None:
        """The decider's unit, where units must be named."""
        if not any(e.units == "required" for e in self._all()) or decider is None:
            return None
        employee = self.cast.staff.get(decider)
        return (employee.unit,) if employee else None

    def consulted(self, entries: Iterable[RuleEntry], decider: str | None) -> tuple[str, ...]:
        """Somebody of the roles that must be consulted, unless the decider is one."""
        for entry in (asked for e in entries for asked in (e, *e.alternatives[:1])):
            if entry.consulted is None:
                continue
            employee = self.cast.staff.get(decider or "")
            if entry.consulted.or_decider and employee and set(employee.roles) & set(entry.consulted.any_of):
                continue
            return (self.cast.hire(entry.consulted.any_of[0], self.region).name,)
        return ()

    def coded(self, word: str) -> str:
        """The code of an attestation: of one that the region, or else the national base, declares, `region:word`."""
        for declarer in (self.cast.books.regions.get(RegionCode(self.region)), self.cast.books.national):
            if declarer is not None and word in declarer.attestations:
                return f"{declarer.region}:{word}"
        return str(word)

    def attestations(self, entries: Iterable[RuleEntry]) -> tuple[str, ...]:
        """Everything that may be asked."""
        wanted: dict[str, None] = {}
        for entry in (asked for e in entries for asked in (e, *e.alternatives[:1])):
            one_of = (entry.one_attestation_of or ())[:1]
            wanted.update(dict.fromkeys(map(attested_as, (*(entry.attestations or ()), *one_of))))
        return tuple(wanted)

    def references(self, entries: Iterable[RuleEntry]) -> tuple[str, ...] | None:
        """A document of every kind that must be named; None: none."""
        asked = (entry for e in entries for entry in (e, *e.alternatives[:1]))
        return tuple(dict.fromkeys(kind.value for entry in asked for kind in entry.references or ())) or None

    def valid_through(self, entries: Iterable[RuleEntry]) -> date | None:
        """An end date where one must be given: for what continues or extends, of the very measure that it follows."""
        required = any(e.end_date and e.end_date.required and not e.end_date.or_review_on for e in entries)
        return self.day + timedelta(days=30) if required else None

    def review_on(self, entries: Iterable[RuleEntry]) -> date | None:
        """A date for a renewed decision where that or an end date must be given."""
        wanted = any(e.end_date and e.end_date.or_review_on for e in entries)
        return self.day + timedelta(days=90) if wanted and self.step.valid_through is None else None

    def court_order(self, entries: Iterable[RuleEntry]) -> dict[str, Any] | None:
        """The court's appointment: as given, or a valid one where it must be shown."""
        given = self.step.court_order
        wanted = any(e.court_order for e in entries) and not self.step.gives("court_order")
        if given is None and not wanted:
            return None
        base = {
            "court": "Tingsrätten",
            "reference": given if isinstance(given, str) else "Förordnande",
            "date": (self.day - timedelta(days=30)).isoformat(),
            "duties": ["person"],
        }
        if isinstance(given, dict):
            base.update({k: v.isoformat() if isinstance(v, date) else v for k, v in given.items()})
        return base
