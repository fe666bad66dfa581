"""
Every patient's present state, as `access.state.v1` tells it, and answers from it.

Guarantee: what a copy answers about a moment from `known_at` on is what Sigill answers from the same state. Left over:
it is as old as the last record read; `version` says how old, and a caller who must see a change waits for its version.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType

from sigill.policy.access import REFUSED, AccessQuestion, Brief, Decision, brief, decide, valid_until
from sigill.policy.calendar import BirthDate
from sigill.policy.facts import (
    Custody,
    Identity,
    Measure,
    OutsideMeasure,
    PaperCopy,
    PatientFacts,
    Person,
    PersonVersion,
)
from sigill.policy.rulebook import Rulebooks
from sigill.policy.units import NO_UNITS, Unit
from sigill_contracts.directory import StaffRecord, UnitRecord
from sigill_contracts.elsewhere import ElsewhereRecord
from sigill_contracts.order import PersonRef
from sigill_contracts.state import ElsewhereState, GuardianState, MeasureState, PatientState, PersonState
from sigill_contracts.vocabulary import (
    Initiative,
    MadeBy,
    MeasureId,
    OrderId,
    PersonId,
    RegionCode,
    Service,
    UnitId,
)


class NotHere(LookupError):
    """The copy knows nobody by that key or number: nothing may be shown."""


class TooEarly(ValueError):
    """The moment asked about lies before the state was known: the decision API answers about the past."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One patient's facts with their version. Persons' ids are their pseudonymous keys."""

    facts: PatientFacts
    version: int
    known_at: datetime
    names: Mapping[Identity, PersonId]


class LocalCopy:
    """
    Takes records in, and decides. Not shared between threads.

    What is not asked for often is kept as the bytes it came in; `warm` patients are kept ready.
    """

    def __init__(self, books: Rulebooks, *, warm: int = 100_000) -> None:
        self._books = books
        self._warm = warm
        self._bytes: dict[str, bytes] = {}
        self._versions: dict[str, int] = {}
        self._keys: dict[Identity, str] = {}
        self._ready: OrderedDict[str, Kept] = OrderedDict()
        self._regions: dict[UnitId, RegionCode] = {}
        self._told_of: set[UnitId] = set()
        """Units of which the directory itself has told the region: that holds, whatever an assignment there says."""
        self._regions_seen: Mapping[UnitId, RegionCode] = MappingProxyType(self._regions)
        self._read_up_to: dict[str, datetime] = {}
        self._read_up_to_seen: Mapping[str, datetime] = MappingProxyType(self._read_up_to)
        self._units: dict[UnitId, Unit] = {}
        self._units_seen: Mapping[UnitId, Unit] = MappingProxyType(self._units)

    def __len__(self) -> int:
        return len(self._bytes)

    def take(self, key: str, value: bytes | None) -> bool:
        """
        Take in a record of `access.state.v1`; None is a tombstone: the patient is erased.

        Returns False for a record that is older than what is here: the same record again, or one out of order.
        Raises pydantic.ValidationError for one that cannot be read; then nothing has changed.
        """
        if value is None:
            self._forget(key)
            return True
        state = PatientState.model_validate_json(value)
        if state.version <= self._versions.get(key, 0):
            return False
        self._forget(key)
        self._bytes[key] = value
        self._versions[key] = state.version
        self._keys.update({_identity(ref): key for ref in (state.patient.ref, *state.patient.former)})
        for unit, region in state.unit_regions:
            self._regions.setdefault(UnitId(unit), RegionCode(region))
        return True

    def take_staff(self, value: bytes | None) -> None:
        """Take in a record of `directory.staff.v1`: which region a unit belongs to."""
        if value is not None:
            record = StaffRecord.model_validate_json(value)
            told = {
                UnitId(assignment.unit): RegionCode(assignment.region) for assignment in record.assignments
            }
            self._regions.update({unit: region for unit, region in told.items() if unit not in self._told_of})

    def take_unit(self, value: bytes | None) -> None:
        """Take in a record of `directory.units.v1`: its region, name and clinic, and what it lies under."""
        if value is not None:
            record = UnitRecord.model_validate_json(value)
            self._units[UnitId(record.unit)] = Unit(
                UnitId(record.unit),
                name=record.name,
                clinic=record.clinic,
                care_provider=UnitId(record.care_provider) if record.care_provider else None,
                parent=UnitId(record.parent) if record.parent else None,
            )
            if record.region is not None:
                self._told_of.add(UnitId(record.unit))
                self._regions[UnitId(record.unit)] = RegionCode(record.region)

    def take_elsewhere(self, value: bytes | None) -> None:
        """
        Take in a record of `elsewhere.measures.v1`: up to when its source has been read. The measures come with the state.
        """
        if value is not None:
            record = ElsewhereRecord.model_validate_json(value)
            known = self._read_up_to.get(record.source)
            if known is None or known < record.read_up_to:
                self._read_up_to[record.source] = record.read_up_to

    def version(self, patient: PersonRef | str) -> int:
        """The version of a patient's state; 0: nothing is known. It grows with every change."""
        return self._versions.get(self._key(patient), 0)

    def decide(
        self,
        patient: PersonRef | str,
        viewer: PersonRef | str,
        service: Service,
        at: datetime,
        *,
        unit: str | None = None,
        recorded_on: date | None = None,
        information_type: str | None = None,
    ) -> Decision:
        """
        Whether the viewer reaches the patient's record, and why, as Sigill would answer. Persons by reference or by key.

        The reasons are for staff: nothing of them may reach the viewer, and `brief` is what may. Raises NotHere for a patient whom nothing is known of (show nothing), TooEarly for a moment before the state
        was known.
        """
        kept = self._kept(patient)
        if at < kept.known_at:
            raise TooEarly("ask the decision API about the past")
        asked = _question(kept, viewer, service, at, unit, recorded_on, information_type)
        return decide(asked, kept.facts, self._books)

    def brief(
        self,
        patient: PersonRef | str,
        viewer: PersonRef | str,
        service: Service,
        now: datetime,
        *,
        unit: str | None = None,
        recorded_on: date | None = None,
        information_type: str | None = None,
    ) -> Brief:
        """
        Yes or no, and until when a yes may be kept: what may be passed on to the viewer.

        A patient whom nothing is known of is answered like one whom the viewer may not see: nothing is raised. A clock
        that is behind the state's own is answered by the state.
        """
        try:
            kept = self._kept(patient)
        except NotHere:
            return REFUSED
        at = max(now, kept.known_at)
        asked = _question(kept, viewer, service, at, unit, recorded_on, information_type)
        return brief(asked, kept.facts, self._books)

    def valid_until(self, patient: PersonRef | str, at: datetime) -> datetime | None:
        """
        The next instant (UTC) after `at` at which an answer about the patient may change by itself; None: never.

        It may be a birthday or the last day of a measure that a viewer must not know of: never for a viewer, nor what a
        viewer's answer is kept by. Raises NotHere.
        """
        return valid_until(self._kept(patient).facts, at, self._books)

    def _key(self, patient: PersonRef | str) -> str:
        return patient if isinstance(patient, str) else self._keys.get(_identity(patient), "")

    def _kept(self, patient: PersonRef | str) -> Kept:
        key = self._key(patient)
        kept = self._ready.get(key)
        if kept is not None:
            self._ready.move_to_end(key)
            return kept
        value = self._bytes.get(key)
        if value is None:
            raise NotHere
        kept = kept_of(
            PatientState.model_validate_json(value),
            self._regions_seen,
            self._units_seen,
            self._read_up_to_seen,
        )
        self._ready[key] = kept
        if len(self._ready) > self._warm:
            self._ready.popitem(last=False)
        return kept

    def _forget(self, key: str) -> None:
        value = self._bytes.pop(key, None)
        self._versions.pop(key, None)
        self._ready.pop(key, None)
        if value is not None:
            patient = PatientState.model_validate_json(value).patient
            for ref in (patient.ref, *patient.former):
                if self._keys.get(_identity(ref)) == key:
                    del self._keys[_identity(ref)]


def kept_of(
    state: PatientState,
    regions: Mapping[UnitId, RegionCode],
    units: Mapping[UnitId, Unit] = NO_UNITS,
    read_up_to: Mapping[str, datetime] = MappingProxyType({}),
) -> Kept:
    """Read a state as policy's values."""
    told = [
        state.patient,
        *(guardian.person for guardian in (*state.guardians, *state.former_guardians)),
        *state.viewers,
    ]
    names = {_identity(ref): PersonId(person.key) for person in told for ref in (*person.former, person.ref)}
    people = {PersonId(person.key): _person(person, state.known_at) for person in told}
    patient = people[PersonId(state.patient.key)]
    now = patient.versions[0]
    custody = tuple(_custody(guardian) for guardian in state.guardians)
    former = tuple(_custody(guardian) for guardian in state.former_guardians)
    before = replace(now, valid_from=datetime.min.replace(tzinfo=now.valid_from.tzinfo), custody=former)
    patient = replace(patient, versions=(before, replace(now, custody=custody)))
    people[patient.person_id] = patient
    measures = tuple(_measure(measure, patient.person_id, names) for measure in state.measures)
    elsewhere = tuple(_outside(outside, patient.person_id) for outside in state.elsewhere)
    facts = PatientFacts(patient, MappingProxyType(people), measures, regions, units, elsewhere, read_up_to)
    return Kept(facts, state.version, state.known_at, names)


def _question(
    kept: Kept,
    viewer: PersonRef | str,
    service: Service,
    at: datetime,
    unit: str | None,
    recorded_on: date | None,
    information_type: str | None,
) -> AccessQuestion:
    who = PersonId(viewer) if isinstance(viewer, str) else kept.names.get(_identity(viewer))
    asked = None if unit is None else UnitId(unit)
    return AccessQuestion(who, service, at, asked, recorded_on, information_type)


def _identity(ref: PersonRef) -> Identity:
    return Identity(ref.id_type, ref.id)


def _person(one: PersonState, known_at: datetime) -> Person:
    version = PersonVersion(
        valid_from=known_at,
        identity=_identity(one.ref),
        county=one.county,
        protected=one.protected,
        has_e_id=one.has_e_id,
        died_on=one.died_on,
    )
    return Person(
        person_id=PersonId(one.key),
        key=one.key,
        birth=BirthDate.parse(one.birth_date),
        versions=(version,),
        former=tuple(_identity(ref) for ref in one.former),
        registered=one.registered,
    )


def _custody(one: GuardianState) -> Custody:
    return Custody(PersonId(one.person.key), one.from_date, one.to_date)


def _measure(one: MeasureState, patient: PersonId, names: Mapping[Identity, PersonId]) -> Measure:
    guardians = None if one.guardians is None else tuple(_named(ref, names) for ref in one.guardians)
    return Measure(
        measure_id=MeasureId(str(one.measure_id)),
        patient=patient,
        kind=one.kind,
        region=RegionCode(one.region),
        initiative=one.initiative,
        orders=() if one.order_id is None else (OrderId(str(one.order_id)),),
        services=one.services,
        valid_from=one.valid_from,
        valid_to=one.valid_to,
        ends_at_age=one.ends_at_age,
        units=None if one.units is None else frozenset(UnitId(unit) for unit in one.units),
        recorded_from=one.recorded_from,
        recorded_to=one.recorded_to,
        guardians=guardians,
        guardians_except=tuple(_named(ref, names) for ref in one.guardians_except),
        viewer=None if one.viewer is None else _named(one.viewer, names),
        released=one.ended_early,
        rules=one.rules,
        copies=frozenset(
            PaperCopy(OrderId(str(copy.order_id)), _named(copy.to, names), copy.given_on)
            for copy in one.paper_copies
        ),
        copies_refused=frozenset(
            PaperCopy(OrderId(str(copy.order_id)), _named(copy.to, names), copy.assessed_on)
            for copy in one.paper_copies_refused
        ),
    )


def _outside(one: ElsewhereState, patient: PersonId) -> OutsideMeasure:
    measure = Measure(
        measure_id=MeasureId(str(one.measure_id)),
        patient=patient,
        kind=one.kind,
        region=RegionCode(""),
        initiative=Initiative.RESIDENT if one.made_by is MadeBy.RESIDENT else Initiative.CARE,
        orders=(),
        services=one.services,
        valid_from=one.valid_from,
        valid_to=one.valid_to,
        units=None if one.units is None else frozenset(UnitId(unit) for unit in one.units),
        recorded_from=one.recorded_from,
        recorded_to=one.recorded_to,
        released=one.ended_early,
    )
    region = None if one.region is None else RegionCode(one.region)
    return OutsideMeasure(one.source, one.reference, one.made_by, measure, region)


def _named(ref: PersonRef, names: Mapping[Identity, PersonId]) -> PersonId:
    """A person of the state, or somebody of whom it tells no more than the number."""
    return names.get(_identity(ref)) or PersonId(f"{ref.id_type}:{ref.id}")
