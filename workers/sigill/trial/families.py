"""Three invented families, and every region's staff and units, for the register and the directory of a trial."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sigill.policy.calendar import birthday, swedish_date
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.cast import Numbers
from sigill_contracts.directory import Assignment, StaffRecord, UnitRecord
from sigill_contracts.order import PersonRef, StaffRef
from sigill_contracts.register import Custody, PersonRecord
from sigill_contracts.vocabulary import IdType, Role


@dataclass(frozen=True, slots=True)
class Relative:
    """Somebody of a family. `born` is a Swedish date; `guardians` are names."""

    name: str
    family: str
    ref: PersonRef
    born: date
    guardians: tuple[str, ...] = ()
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A unit of a region; `clinic` is the code that its rulebook may name."""

    hsa_id: str
    region: str
    name: str
    clinic: str


@dataclass(frozen=True, slots=True)
class TrialEmployee:
    """One staff member in one role."""

    hsa_id: str
    region: str
    role: Role
    unit: str

    @property
    def ref(self) -> StaffRef:
        """As a form names its decider."""
        return StaffRef(hsa_id=self.hsa_id, role=self.role, unit=self.unit)


@dataclass(frozen=True, slots=True)
class TrialWorld:
    """Everybody whom the trial knows, by the key that a form sends back."""

    people: dict[str, Relative]
    staff: dict[str, TrialEmployee]
    places: dict[str, Place]
    county: str | None

    @classmethod
    def make(cls, books: Rulebooks, today: date, home: str = "kronoberg") -> "TrialWorld":
        """Invent them. One child turns 13 within weeks of `today`. `home` is the region where the families live."""
        numbers = Numbers()
        region = next((r for code, r in books.regions.items() if code == home), None)
        places: dict[str, Place] = {}
        staff: dict[str, TrialEmployee] = {}
        for code, book in sorted(books.regions.items()):
            if book.national:
                continue
            for name, clinic in (("Barnkliniken", "paediatric"), ("Vårdcentralen", "primary_care")):
                unit = Place(numbers.hsa_id("U"), code, f"{name}, {book.name}", clinic)
                places[unit.hsa_id] = unit
            first = next(p for p in places.values() if p.region == code)
            for role in Role:
                employee = TrialEmployee(numbers.hsa_id("P"), code, role, first.hsa_id)
                staff[employee.hsa_id] = employee
        people = {}
        for name, family, born, guardians, protected in _people(today):
            ref = PersonRef(id_type=IdType.PERSONNUMMER, id=numbers.personnummer(born))
            people[name] = Relative(name, family, ref, born, guardians, protected)
        return cls(people, staff, places, region.counties[0] if region and region.counties else None)

    def viewers_of(self, patient: str) -> tuple[Relative, ...]:
        """The patient, the guardians, and the other grown-up of the family: those whose access is shown."""
        person = self.people[patient]
        family = [p for p in self.people.values() if p.family == person.family and p is not person]
        near = [p for p in family if p.name in person.guardians]
        return (person, *(near or [p for p in family if not p.guardians]))

    def persons(self, at: datetime) -> list[PersonRecord]:
        """The register's messages, as of an instant."""
        return [
            PersonRecord(
                person=p.ref,
                sequence=1,
                changed_at=at,
                birth_date=p.born.isoformat(),
                county=self.county,
                secrecy_mark=p.protected,
                custody=tuple(Custody(guardian=self.people[g].ref) for g in p.guardians),
            )
            for p in self.people.values()
        ]

    def units(self, at: datetime) -> list[UnitRecord]:
        """The directory's messages about units."""
        return [
            UnitRecord(
                unit=p.hsa_id, sequence=1, changed_at=at, name=p.name, region=p.region, clinic=p.clinic
            )
            for p in self.places.values()
        ]

    def employees(self, at: datetime) -> list[StaffRecord]:
        """The directory's messages about staff."""
        return [
            StaffRecord(
                hsa_id=e.hsa_id,
                sequence=1,
                changed_at=at,
                assignments=(Assignment(unit=e.unit, region=e.region, roles=(e.role,)),),
            )
            for e in self.staff.values()
        ]

    def next_birthday(self, now: datetime, age: int = 13) -> tuple[str, date] | None:
        """Who is the next to reach an age after the Swedish date of `now`, and when; None: nobody."""
        today = swedish_date(now)
        days = sorted((day, p.name) for p in self.people.values() if (day := birthday(p.born, age)) > today)
        return (days[0][1], days[0][0]) if days else None


def _people(today: date) -> list[tuple[str, str, date, tuple[str, ...], bool]]:
    def born(years: int, days: int = 0) -> date:
        return birthday(today, -years) - timedelta(days=days)

    lind, berg = ("Eva Lind", "Karl Lind"), ("Sara Berg", "Jonas Berg")
    return [
        ("Eva Lind", "Lind", born(41, 60), (), False),
        ("Karl Lind", "Lind", born(44, 12), (), False),
        ("Tuva Lind", "Lind", born(9, 90), lind, False),
        ("Nils Lind", "Lind", born(13, -20), lind, False),
        ("Sara Berg", "Berg", born(39, 33), (), True),
        ("Jonas Berg", "Berg", born(40, 200), (), False),
        ("Alma Berg", "Berg", born(14, 150), berg, True),
        ("Ulla Ek", "Ek", born(78, 5), (), False),
        ("Per Ek", "Ek", born(50, 70), (), False),
    ]
