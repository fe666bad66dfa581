"""The rules once more, written from the pages and from nothing else.

Nothing here is imported from the program but its vocabulary. What happened is kept as lists of facts;
every question walks over all of them, and nothing is remembered between two questions. `None` as an answer
means that the pages do not say. Times are aware and UTC; dates are Swedish; ends are exclusive.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sigill_contracts.vocabulary import (
    IMPOSES,
    PROTECTIVE_FORMS,
    RELEASES,
    AccessReason,
    Attestation,
    Channel,
    ContinueDecision,
    Form,
    IdType,
    Initiative,
    MeasureKind,
    Opinion,
    Outcome,
    RefusalCode,
    Role,
    Service,
)

SWEDEN = ZoneInfo("Europe/Stockholm")
KRONOBERG, JAMTLAND, VASTRA = "kronoberg", "jamtland-harjedalen", "vastra-gotaland"
COUNTY = {"07": KRONOBERG, "23": JAMTLAND, "14": VASTRA}
KRONOBERG_2025, VASTRA_2026 = date(2025, 5, 1), date(2026, 3, 26)
"""The days on which a second document of the region begins."""
GUARDIAN_UNTIL, OWN_ACCOUNT_FROM, OWN_RECORD_FROM, ADULT = 13, 13, 16, 18
"""The table "Ages". The same in the three regions."""

RESPONSIBLE = frozenset(Role) - {Role.SUPPORT_OPERATOR}
TREATING = frozenset({Role.TREATING_STAFF, Role.TREATING_PHYSICIAN})
HEAD = frozenset({Role.HEAD_OF_UNIT, Role.HEAD_DELEGATE})
SENIOR = frozenset({Role.SENIOR_PHYSICIAN, Role.ON_CALL_PHYSICIAN})
CONSULTED = frozenset({Role.ON_CALL_PHYSICIAN, Role.HEAD_OF_UNIT})
FOR_EVERYONE = frozenset({MeasureKind.JOURNAL_SEAL, MeasureKind.CHILD_SEAL, MeasureKind.LOGIN_LOCK})
"""Kinds that shut out everybody at once (X-01)."""
FOR_GUARDIANS = frozenset({MeasureKind.GUARDIAN_BLOCK, MeasureKind.GUARDIAN_RESTRICTION})
LETS_IN = frozenset(kind for kind in MeasureKind if kind.opens)


def local_day(moment: datetime) -> date:
    return moment.astimezone(SWEDEN).date()


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SWEDEN).astimezone(UTC)


def birthday(born: date, age: int) -> date:
    """Somebody born on 29 February reaches an age on 28 February in a common year."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 2, 28)


def a_year_from(signed: date) -> date:
    """Signed 10 March: through 9 March next year; signed 29 February: through 28 February."""
    try:
        return signed.replace(year=signed.year + 1) - timedelta(days=1)
    except ValueError:
        return date(signed.year + 1, 2, 28)


# --- what happens


@dataclass(frozen=True)
class Registered:
    """What the population register says of one person from `at` on."""

    at: datetime
    person: str
    born: date
    county: str = "07"
    marked: bool = False
    """Protected identity (skyddade personuppgifter)."""
    e_id: bool = True
    id_type: IdType = IdType.PERSONNUMMER
    guardians: frozenset[str] = frozenset()
    died: date | None = None


@dataclass(frozen=True)
class Unit:
    name: str
    region: str
    clinic: str | None = None


@dataclass(frozen=True)
class Post:
    """One staff member's role at a unit; both days inclusive, None: open."""

    staff: str
    unit: str
    role: Role
    first: date = date(2000, 1, 1)
    last: date | None = None


@dataclass(frozen=True)
class Order:
    order_id: str
    region: str
    form: Form
    patient: str
    initiative: Initiative
    decided_by: tuple[str, str, Role] | None
    """Staff, unit, role."""
    decided_at: datetime
    arrived_at: datetime
    consulted: tuple[tuple[str, str, Role], ...] = ()
    urgent: bool = False
    channel: Channel = Channel.EHR_FORM
    units: frozenset[str] | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    valid_from: date | None = None
    valid_through: date | None = None
    review_on: date | None = None
    guardians: frozenset[str] | None = None
    representative: str | None = None
    court_duties: frozenset[str] = frozenset()
    releases: frozenset[str] | None = None
    follows_up: str | None = None
    decision: ContinueDecision | None = None
    opinion: Opinion | None = None
    attestations: frozenset[Attestation] = frozenset()
    inform_guardians: bool | None = None
    inform_patient: bool | None = None

    @property
    def unit(self) -> str | None:
        return self.decided_by[1] if self.decided_by else None


@dataclass(frozen=True)
class Measure:
    """What an order shut or opened. When it ends is asked of all facts, never kept here."""

    key: str
    kind: MeasureKind
    patient: str
    region: str
    version: date
    initiative: Initiative
    unit: str | None
    begins: datetime
    through: date | None
    order: Order | None
    """None: a standing measure of the register."""
    guardians: frozenset[str] | None = None
    units: frozenset[str] | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    came_with: str | None = None
    """The key of the block that brought this lock (KR25-17)."""
    call: bool = False


@dataclass(frozen=True)
class Ending:
    """`measure` ended at `at`, for everybody or only for those named."""

    measure: str
    at: datetime
    for_whom: frozenset[str] | None = None
    for_units: frozenset[str] | None = None


@dataclass(frozen=True)
class Extended:
    measure: str
    at: datetime
    through: date | None


@dataclass(frozen=True)
class Request:
    """A request that units answer: of a guardian or resident, or a release that needs other units (VGB-15)."""

    order: Order
    measures: tuple[str, ...]
    asker: str | None
    """The guardian whom it opens for (X-02); None: for everybody."""
    also: tuple[str, ...] = ()
    """Measures of the same kind that are not lifted, and whose units are asked all the same (VGB-15)."""


@dataclass(frozen=True)
class Verdict:
    """What the pages say of an order; `outcome` None: they do not say."""

    outcome: Outcome | None
    codes: frozenset[RefusalCode] = frozenset()
    """One of them is given where it is refused; empty: not said."""
    never: frozenset[RefusalCode] = frozenset()
    """Codes that the order is never refused with."""


UNSAID = Verdict(None)


def refused(*codes: RefusalCode) -> Verdict:
    return Verdict(Outcome.REFUSED, frozenset(codes))


@dataclass
class Reference:
    """Facts in the order in which they became known."""

    units: dict[str, Unit] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    register: list[Registered] = field(default_factory=list)
    orders: list[tuple[Order, Outcome]] = field(default_factory=list)
    imposed: list[Measure] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    extensions: list[Extended] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    replaced: list[tuple[str, str]] = field(default_factory=list)
    """(key of a call's measure, key of the measure of the form that took its place)."""
    names: list[tuple[str, str]] = field(default_factory=list)
    """(order id, measure key): by which orders a measure may be named."""

    # --- people

    def person(self, who: str, at: datetime) -> Registered | None:
        found = None
        for fact in self.register:
            if fact.person == who and fact.at <= at:
                found = fact
        return found

    def age_reached(self, who: str, age: int, at: datetime) -> bool:
        fact = self.person(who, at)
        return fact is not None and at >= midnight(birthday(fact.born, age))

    def dead(self, who: str, at: datetime) -> bool:
        fact = self.person(who, at)
        return fact is not None and fact.died is not None and at >= midnight(fact.died)

    def marked(self, who: str, at: datetime) -> bool:
        fact = self.person(who, at)
        return fact is not None and fact.marked

    def guardians(self, child: str, at: datetime) -> frozenset[str]:
        """Those with custody; nobody has custody of an adult."""
        fact = self.person(child, at)
        if fact is None or self.age_reached(child, ADULT, at):
            return frozenset()
        return fact.guardians

    def home(self, who: str, at: datetime) -> str | None:
        fact = self.person(who, at)
        return COUNTY.get(fact.county) if fact else None

    # --- standing measures of the register

    def shut_by_register(self, child: str, at: datetime) -> str | None:
        """The region whose rule wants this child shut at this instant: the *state*, not the mark's change."""
        fact = self.person(child, at)
        if fact is None or not fact.marked or self.dead(child, at):
            return None
        home = COUNTY.get(fact.county)
        if home == KRONOBERG and local_day(at) >= KRONOBERG_2025:  # KR25-18: a child under 13
            return None if self.age_reached(child, GUARDIAN_UNTIL, at) else KRONOBERG
        if home == VASTRA and local_day(at) >= VASTRA_2026:  # VGB-05: under 18
            return None if self.age_reached(child, ADULT, at) else VASTRA
        return None

    def standing(self, child: str, at: datetime) -> Iterator[Measure]:
        """They begin when the state begins and stay until staff order their end after it (X-10)."""
        moments = {f.at for f in self.register if f.person == child}
        moments |= {midnight(KRONOBERG_2025), midnight(VASTRA_2026)}
        made: dict[tuple[str, MeasureKind], Measure] = {}
        for moment in sorted(m for m in moments if m <= at):
            region = self.shut_by_register(child, moment)
            kinds = {
                None: (),
                KRONOBERG: (MeasureKind.LOGIN_LOCK, MeasureKind.JOURNAL_SEAL),
                VASTRA: (MeasureKind.CHILD_SEAL,),
            }[region]
            for kind in kinds:
                last = made.get((region or "", kind))
                if last is not None and self._ended_at(last, moment) is None:
                    continue
                new = Measure(
                    f"register {child} {region} {kind} {moment.isoformat()}",
                    kind, child, region or "", local_day(moment), Initiative.REGISTER, None, moment, None, None,
                )  # fmt: skip
                made[region or "", kind] = new
                yield new

    # --- measures

    def measures(self, patient: str, at: datetime) -> list[Measure]:
        """Every measure that is known of, in force or not."""
        return [m for m in self.imposed if m.patient == patient] + list(self.standing(patient, at))

    def in_force(self, patient: str, at: datetime) -> list[Measure]:
        return [m for m in self.measures(patient, at) if self.holds(m, at)]

    def holds(self, m: Measure, at: datetime) -> bool:
        return m.begins <= at and self._ended_at(m, at) is None

    def _ended_at(self, m: Measure, at: datetime) -> datetime | None:
        """When the measure ended, if it has ended by `at`."""
        for ending in self.endings:
            if (
                ending.measure == m.key
                and ending.for_whom is None
                and ending.for_units is None
                and ending.at <= at
            ):
                return ending.at
        last = self.last_day(m, at)
        if last is not None and at >= midnight(last + timedelta(days=1)):
            return midnight(last + timedelta(days=1))
        for age in self._ends_at_ages(m):
            if self.age_reached(m.patient, age, at):
                fact = self.person(m.patient, at)
                assert fact is not None
                return midnight(birthday(fact.born, age))
        if m.kind.opens:
            return self._grant_cut(m, at)
        return None

    def last_day(self, m: Measure, at: datetime) -> date | None:
        """The last day in force as it stands at `at`; an extension counts from when it arrived (X-12)."""
        last = m.through
        for extension in self.extensions:
            if extension.measure == m.key and extension.at <= at:
                last = extension.through
        return last

    def _ends_at_ages(self, m: Measure) -> Iterable[int]:
        match m.kind, m.region:
            case MeasureKind.GUARDIAN_BLOCK, region if region == VASTRA:  # VGB-02
                return (GUARDIAN_UNTIL,)
            case MeasureKind.GUARDIAN_BLOCK, _:  # "it ends at 16 for the record and at 18 in all"
                return (ADULT,)
            case MeasureKind.CHILD_SEAL, _:  # VGB-04
                return (ADULT,)
            case MeasureKind.GUARDIAN_RESTRICTION, _:
                return (GUARDIAN_UNTIL,)
            case MeasureKind.GUARDIAN_GRANT | MeasureKind.MINOR_GRANT, _:  # KR25-20, JH-26, VGB-07
                return (OWN_RECORD_FROM,)
        return ()

    def _grant_cut(self, m: Measure, at: datetime) -> datetime | None:
        """What ends a grant without an order about it."""
        given = m.order.arrived_at if m.order else m.begins
        for seal in self.imposed:  # VG-01, X-16, X-18: on the day a seal of the same region begins
            if (
                seal.patient == m.patient
                and seal.region == m.region == VASTRA
                and seal.kind in (MeasureKind.JOURNAL_SEAL, MeasureKind.CHILD_SEAL)
                and (
                    given < seal.begins
                    or (given == seal.begins and self.imposed.index(m) < self.imposed.index(seal))
                )
                and seal.begins <= at
                and self.holds(seal, seal.begins)
            ):
                return seal.begins
        if m.region == VASTRA:
            for seal in self.standing(m.patient, at):
                if seal.region == VASTRA and given <= seal.begins <= at:
                    return seal.begins
        if m.kind is MeasureKind.GUARDIAN_GRANT:
            for fact in self.register:  # the mark ends a grant given before
                if (
                    fact.marked
                    and given <= fact.at <= at
                    and fact.person in {m.patient, *(m.guardians or ())}
                ):
                    return fact.at
        return None

    def names_guardian(self, m: Measure, guardian: str, at: datetime) -> bool:
        """Whether a measure on guardians names this one or all, and has not been opened for this one (X-02)."""
        if m.guardians is not None and guardian not in m.guardians:
            return False
        return not any(
            e.measure == m.key and e.at <= at and e.for_whom is not None and guardian in e.for_whom
            for e in self.endings
        )

    def covers_unit(self, m: Measure, unit: str | None, at: datetime) -> bool:
        if m.units is not None and unit not in m.units:
            return False
        return not any(
            e.measure == m.key and e.at <= at and e.for_units is not None and unit in e.for_units
            for e in self.endings
        )

    # --- access

    def access(
        self,
        patient: str,
        viewer: str,
        service: Service,
        unit: str | None,
        at: datetime,
        recorded_on: date | None = None,
        in_force: list[Measure] | None = None,
    ) -> tuple[bool | None, frozenset[AccessReason]]:
        """
        Allowed, denied or unsaid, and reasons that must be among those given.

        `in_force` spares the walk where many questions are about one patient and moment.
        """
        standing = self.in_force(patient, at) if in_force is None else in_force
        shut = frozenset(
            AccessReason(m.kind.value)
            for m in standing
            if not m.kind.opens and self.shuts(m, viewer, service, unit, at, recorded_on)
        )
        opened, why = self.let_in(standing, patient, viewer, service, unit, at)
        if service is Service.PAPER_COPY:  # JH-10, JH-22: people decide; only what is forbidden is said
            return (False, shut) if shut else (None, frozenset())
        if opened is False:
            return False, frozenset(why)
        if shut:  # where the pages leave open whether anything was to be seen, the reason may be another
            return False, shut if opened else frozenset()
        return opened, frozenset(why)

    def let_in(
        self,
        in_force: list[Measure],
        patient: str,
        viewer: str,
        service: Service,
        unit: str | None,
        at: datetime,
    ) -> tuple[bool | None, set[AccessReason]]:
        """Relation and identity, then age, then grants; nothing about measures that shut."""
        subject, asker = self.person(patient, at), self.person(viewer, at)
        if subject is None or asker is None:
            return False, set()
        if self.dead(patient, at):
            return False, {AccessReason.PATIENT_DEAD}
        if self.dead(viewer, at):
            return False, {AccessReason.VIEWER_DEAD}
        journal = service is Service.JOURNAL
        if journal and subject.id_type is IdType.RESERVNUMMER:  # JH-31
            return False, {AccessReason.RESERVE_NUMBER}
        if not asker.e_id:  # KR25-01
            return False, {AccessReason.NO_E_ID}
        region = self.units[unit].region if unit else self.home(patient, at)
        grants = [
            m
            for m in in_force
            if m.kind.opens and (m.units is None or (unit is not None and unit in m.units))
        ]
        if patient == viewer:
            if not self.age_reached(patient, OWN_ACCOUNT_FROM, at):
                return False, {AccessReason.UNDER_13_OWN_LOGIN}
            if not journal:
                return True, {AccessReason.OWN_ACCOUNT}
            if not self.age_reached(patient, OWN_RECORD_FROM, at):
                if any(m.kind is MeasureKind.MINOR_GRANT for m in grants):
                    return True, {AccessReason.MINOR_GRANT}
                return False, {AccessReason.AGE_13_TO_15}
            if (
                region == KRONOBERG
                and local_day(at) >= KRONOBERG_2025
                and subject.id_type is not IdType.PERSONNUMMER
            ):
                return False, {AccessReason.NO_FULL_PERSONNUMMER}  # KR25-20
            return True, {AccessReason.OWN_RECORD}
        if journal and any(
            m.kind is MeasureKind.REPRESENTATIVE_GRANT
            and m.order is not None
            and m.order.representative == viewer
            for m in grants
        ):
            return True, {AccessReason.REPRESENTATIVE_GRANT}
        if viewer not in self.guardians(patient, at):
            return False, set()
        marked = self.marked(patient, at) or self.marked(viewer, at)
        if self.age_reached(patient, GUARDIAN_UNTIL, at):
            if journal and any(
                m.kind is MeasureKind.GUARDIAN_GRANT and self.names_guardian(m, viewer, at) for m in grants
            ):
                return (
                    (False, {AccessReason.PROTECTED_IDENTITY})
                    if marked
                    else (True, {AccessReason.GUARDIAN_GRANT})
                )
            return False, {AccessReason.GUARDIAN_OF_13_OR_OLDER}
        if marked:  # KR25-07 says so; the other documents say nothing of what age alone gives
            if region == KRONOBERG and local_day(at) >= KRONOBERG_2025:
                return False, {AccessReason.PROTECTED_IDENTITY}
            return None, set()
        return True, {AccessReason.GUARDIAN_OF_CHILD_UNDER_13 if journal else AccessReason.GUARDIAN_PROXY}

    def shuts(
        self,
        m: Measure,
        viewer: str,
        service: Service,
        unit: str | None,
        at: datetime,
        recorded_on: date | None = None,
    ) -> bool:
        guardian = viewer in self.guardians(m.patient, at)
        match m.kind:
            case MeasureKind.JOURNAL_SEAL:  # KR-02, KR25-12, KR25-13, KR25-14
                within = recorded_on is None or (
                    (m.recorded_from is None or m.recorded_from <= recorded_on)
                    and (m.recorded_to is None or recorded_on <= m.recorded_to)
                )
                return service is Service.JOURNAL and within and self.covers_unit(m, unit, at)
            case MeasureKind.LOGIN_LOCK:  # KR25-09, KR25-10
                return service is Service.E_SERVICES
            case MeasureKind.CHILD_SEAL:  # VGB-03
                return service in (Service.JOURNAL, Service.E_SERVICES)  # "everybody at once"
            case MeasureKind.GUARDIAN_BLOCK:
                if not guardian or not self.names_guardian(m, viewer, at):
                    return False
                if m.region == JAMTLAND:  # JH-16, JH-22
                    return service in (Service.JOURNAL, Service.PAPER_COPY)
                return service in (Service.JOURNAL, Service.E_SERVICES)  # KR-15, KR-16, VGB-01
            case MeasureKind.GUARDIAN_RESTRICTION:  # KR-13, JH-15
                return (
                    service is Service.JOURNAL
                    and guardian
                    and self.names_guardian(m, viewer, at)
                    and self.covers_unit(m, unit, at)
                )
        return False

    # --- orders: what the pages say

    def version(self, order: Order) -> date:
        """The document in force on the local date of `decided_at`."""
        day = local_day(order.decided_at)
        if order.region == KRONOBERG:
            return KRONOBERG_2025 if day >= KRONOBERG_2025 else date(2020, 10, 28)
        if order.region == VASTRA:
            return VASTRA_2026 if day >= VASTRA_2026 else date(2016, 1, 1)
        return date(2024, 8, 19)

    def judge(self, order: Order) -> Verdict:
        """What becomes of the order, as of its arrival. Facts are not changed."""
        subject = self.person(order.patient, order.arrived_at)
        if subject is None:
            return UNSAID
        if self.version(order) == date(2016, 1, 1) and order.form not in (
            Form.SEAL_JOURNAL,
            Form.RELEASE_JOURNAL_SEAL,
        ):
            return UNSAID  # document 002 speaks of residents' seals alone
        if self.dead(order.patient, order.arrived_at):
            return refused(RefusalCode.PATIENT_DEAD)
        asks = order.initiative in (Initiative.RESIDENT, Initiative.CHILD)
        asked_at = order.decided_at  # "eligibility to ask is judged at decided_at"
        if IMPOSES.get(order.form) in LETS_IN and order.valid_from:  # a grant for a birthday to come (AMB-15)
            asked_at = max(order.arrived_at, midnight(order.valid_from))
        if asks and not self.age_reached(order.patient, OWN_ACCOUNT_FROM, asked_at):
            return refused(RefusalCode.INITIATIVE_NOT_ALLOWED)
        if order.form is Form.REQUEST_RELEASE:
            return self._judge_request(order)
        if order.form is Form.UNIT_OPINION:
            return self._judge_opinion(order)
        if order.form in RELEASES:
            kind = RELEASES[order.form]
            return UNSAID if kind.opens else self._judge_release(order, kind)
        if order.form is Form.CONTINUE_MEASURE:
            return self._judge_continuation(order)
        if order.form is Form.EXTEND_MEASURE:
            return UNSAID
        return self._judge_imposing(order)

    def _judge_imposing(self, order: Order) -> Verdict:
        version, region = self.version(order), order.region
        at = order.decided_at
        if not self._offered(order.form, region, version):
            return refused(RefusalCode.FORM_NOT_OFFERED)
        if order.form is Form.BLOCK_GUARDIANS and order.initiative is not Initiative.CARE:
            return refused(RefusalCode.INITIATIVE_NOT_ALLOWED)  # KR25-02, care's measure in every region
        if (
            order.form is Form.SEAL_JOURNAL
            and region == VASTRA
            and order.initiative is Initiative.CARE
            and self.age_reached(order.patient, ADULT, at)
        ):
            return refused(RefusalCode.INITIATIVE_NOT_ALLOWED)  # VG-09
        if order.form is Form.SEAL_CHILD and self.age_reached(order.patient, ADULT, order.arrived_at):
            return refused(RefusalCode.AGE_NOT_ELIGIBLE)  # VGB-08
        if order.form is Form.BLOCK_GUARDIANS:
            if region == VASTRA and self.age_reached(order.patient, GUARDIAN_UNTIL, order.arrived_at):
                return refused(RefusalCode.AGE_NOT_ELIGIBLE)  # AMB-43
            if self.age_reached(order.patient, ADULT, order.arrived_at):
                return refused(RefusalCode.AGE_NOT_ELIGIBLE)
        if order.form is Form.GRANT_GUARDIAN_ACCESS and any(
            self.marked(p, order.arrived_at) for p in (order.patient, *(order.guardians or ()))
        ):
            return refused(RefusalCode.PROTECTED_IDENTITY)
        if order.form in (Form.GRANT_GUARDIAN_ACCESS, Form.GRANT_MINOR_ACCESS):
            if self.age_reached(order.patient, OWN_RECORD_FROM, order.arrived_at):
                return refused(RefusalCode.AGE_NOT_ELIGIBLE)
            if order.valid_from is None and not self.age_reached(
                order.patient, GUARDIAN_UNTIL, order.arrived_at
            ):
                return refused(RefusalCode.AGE_NOT_ELIGIBLE)
            if region == JAMTLAND and order.units is not None and order.units != frozenset({order.unit}):
                return refused(RefusalCode.DECIDER_WRONG_UNIT)  # JH-23
        if (
            order.form is Form.BLOCK_GUARDIANS
            and region == JAMTLAND
            and order.urgent
            and order.unit is not None
            and self.units[order.unit].clinic not in (None, "paediatric")
        ):
            return refused(RefusalCode.DECIDER_WRONG_UNIT)  # JH-17, X-07
        if order.channel is Channel.PHONE and order.urgent and self._by_phone(order, version):
            return Verdict(None, never=frozenset({RefusalCode.CHANNEL_NOT_ALLOWED}))
        return UNSAID

    def _by_phone(self, order: Order, version: date) -> bool:
        """KR-23, KR25-11, JH-07, JH-17, VG-03; VGR's children at night: "a switch of the rulebook, on"."""
        match order.region, order.form:
            case region, Form.SEAL_JOURNAL if region == VASTRA:
                return order.initiative is Initiative.RESIDENT
            case region, Form.LOCK_LOGIN if region == KRONOBERG:
                return version == KRONOBERG_2025
            case region, Form.SEAL_CHILD | Form.BLOCK_GUARDIANS if region == VASTRA:
                return version == VASTRA_2026
            case _, Form.SEAL_JOURNAL | Form.BLOCK_GUARDIANS:
                return order.initiative is Initiative.CARE
        return False

    def _offered(self, form: Form, region: str, version: date) -> bool:
        match form:
            case Form.LOCK_LOGIN | Form.RELEASE_LOGIN_LOCK:  # KR25-08; no other document knows it
                return region == KRONOBERG and version == KRONOBERG_2025
            case Form.SEAL_CHILD | Form.RELEASE_CHILD_SEAL:  # VGB-03
                return region == VASTRA and version == VASTRA_2026
            case Form.BLOCK_GUARDIANS:
                return region != VASTRA or version == VASTRA_2026
            case Form.APPOINT_REPRESENTATIVE:  # KR-22
                return region != KRONOBERG or version == KRONOBERG_2025
        return True

    def found(self, order: Order, kind: MeasureKind) -> list[Measure]:
        """The measures of one kind that a release reaches: this region's, and only this initiative's (X-03)."""
        at = order.arrived_at
        reached = [
            m
            for m in self.measures(order.patient, at)
            if m.kind is kind and m.region == order.region and self._ended_at(m, at) is None
        ]
        if order.releases is not None:
            named = {key for order_id, key in self.names if order_id in order.releases}
            reached = [m for m in reached if m.key in named]
        else:
            reached = [m for m in reached if m.came_with is None or kind is MeasureKind.LOGIN_LOCK]
        return [m for m in reached if self._initiative_may_end(order.initiative, m)]

    def _initiative_may_end(self, initiative: Initiative, m: Measure) -> bool:
        own = m.initiative is Initiative.RESIDENT
        if initiative in (Initiative.RESIDENT, Initiative.CHILD):
            return own
        return initiative is Initiative.CARE and not own

    def _judge_release(self, order: Order, kind: MeasureKind) -> Verdict:
        if (
            order.releases is not None
            and any(key for order_id, key in self.names if order_id in order.releases)
            and order.initiative not in (Initiative.CARE, Initiative.RESIDENT)
        ):
            return UNSAID
        found = self.found(order, kind)
        at = order.arrived_at
        if (
            not found
        ):  # of what the resident made X-03 says the one, and the detailed pages (AMB-17) the other
            return refused(RefusalCode.NOTHING_TO_RELEASE, RefusalCode.INITIATIVE_NOT_ALLOWED)
        free = [m for m in found if not self.still_wanted(m, at)]
        if not free:
            return refused(RefusalCode.PROTECTED_IDENTITY)
        if order.region == JAMTLAND and order.initiative is Initiative.CARE:
            if not self.mine(order, free):
                return refused(RefusalCode.DECIDER_WRONG_UNIT)
            return UNSAID
        if order.region == VASTRA and kind is not MeasureKind.JOURNAL_SEAL:
            units = {m.unit for m in (*free, *self.beside(order, free)) if m.unit is not None}
            if units and order.unit not in units:
                return refused(RefusalCode.UNIT_NOT_INITIATOR)  # VGB-15
            if Attestation.HARM_ASSESSMENT not in order.attestations or (
                any(self.reported(m, at) for m in free)
                and Attestation.AUTHORITY_CONFIRMED not in order.attestations
            ):
                return refused(RefusalCode.ATTESTATION_MISSING)  # VGB-12, VGB-13, X-17
            return Verdict(Outcome.PENDING if len(units) > 1 else Outcome.EXECUTED)
        return UNSAID

    def beside(self, order: Order, found: Iterable[Measure]) -> list[Measure]:
        """VGB-15: other units' measures of the same kind; "VGR needs all", also where one alone is named."""
        keys = {m.key for m in found}
        return [
            m
            for m in self.measures(order.patient, order.arrived_at)
            if order.region == VASTRA
            and m.region == VASTRA
            and m.kind is RELEASES.get(order.form)
            and m.initiative is Initiative.CARE
            and m.key not in keys
            and self._ended_at(m, order.arrived_at) is None
        ]

    def still_wanted(self, m: Measure, at: datetime) -> bool:
        """X-10: the register's own measure, while the state that it follows holds."""
        return m.initiative is Initiative.REGISTER and self.shut_by_register(m.patient, at) == m.region

    def mine(self, order: Order, free: list[Measure]) -> list[Measure]:
        """X-07: of all measures those that the decider's unit may open; of named ones all or none."""
        if order.region != JAMTLAND or order.initiative is not Initiative.CARE:
            return free
        may = [m for m in free if self._jamtland_may_open(order, [m])]
        return may if order.releases is None or len(may) == len(free) else []

    def _jamtland_may_open(self, order: Order, measures: Iterable[Measure]) -> bool:
        """X-07: the unit that imposed it, or for guardians the paediatric clinic (JH-19, JH-21)."""
        if order.unit is None:
            return False
        paediatric = self.units[order.unit].clinic == "paediatric"
        return all(
            m.unit in (None, order.unit) or (m.kind is MeasureKind.GUARDIAN_BLOCK and paediatric)
            for m in measures
        )

    def _judge_continuation(self, order: Order) -> Verdict:
        followed = [
            m
            for m in self.measures(order.patient, order.arrived_at)
            if any(order_id == order.follows_up and key == m.key for order_id, key in self.names)
            and m.region == order.region
            and m.begins <= order.decided_at
            and self._ended_at(m, order.decided_at) is None
            and self._ended_at(m, order.arrived_at) is None
        ]
        if not followed:
            return UNSAID
        if all(m.initiative is Initiative.RESIDENT for m in followed):
            return Verdict(Outcome.REFUSED)
        if (
            order.region == JAMTLAND
            and self._narrows(order, followed)
            and not self._jamtland_may_open(order, followed)
        ):
            return Verdict(Outcome.REFUSED)  # X-07, JH-19
        return UNSAID

    def _narrows(self, order: Order, followed: Iterable[Measure]) -> bool:
        if order.decision is ContinueDecision.RELEASE:
            return True
        at = order.arrived_at
        return any(
            (
                m.kind in FOR_GUARDIANS
                and order.guardians is not None
                and any(
                    self.names_guardian(m, g, at)
                    for g in self._ever_guardians(m.patient)
                    if g not in order.guardians
                )
            )
            or (
                order.units is not None
                and any(self.covers_unit(m, unit, at) for unit in self.units if unit not in order.units)
            )
            for m in followed
        )

    def hits(self, m: Measure, order: Order) -> bool:
        """X-01: whether the measure hits the one who asks."""
        at = order.arrived_at
        if order.initiative is Initiative.GUARDIAN:
            asker = self.asker(order)
            if asker is None:
                return False
            if m.came_with is not None:  # a lock that came with a block is never lifted by a request alone
                return False
            return m.kind in FOR_EVERYONE or (m.kind in FOR_GUARDIANS and self.names_guardian(m, asker, at))
        return m.kind in FOR_EVERYONE

    def asker(self, order: Order) -> str | None:
        return next(iter(order.guardians)) if order.guardians and len(order.guardians) == 1 else None

    def _judge_request(self, order: Order) -> Verdict:
        at = order.arrived_at
        if order.initiative is Initiative.GUARDIAN and order.guardians is None:
            return refused(RefusalCode.FIELD_INVALID)
        if order.initiative not in (Initiative.GUARDIAN, Initiative.RESIDENT, Initiative.CHILD):
            return UNSAID
        if order.initiative is Initiative.GUARDIAN and not (order.guardians or set()) <= self.guardians(
            order.patient, order.decided_at
        ):
            return refused(RefusalCode.NOT_A_GUARDIAN)
        found = self.asked_for(order)
        if not found:
            return refused(RefusalCode.NOTHING_TO_RELEASE)
        if order.guardians is not None and not order.guardians & self.guardians(order.patient, at):
            return Verdict(Outcome.EXECUTED)  # nothing is left to ask about
        if all(m.initiative is Initiative.REGISTER for m in found):
            if all(self.still_wanted(m, at) for m in found):
                return refused(RefusalCode.PROTECTED_IDENTITY)
            return Verdict(Outcome.PENDING)
        return Verdict(Outcome.PENDING)

    def asked_for(self, order: Order) -> list[Measure]:
        """
        What hits the one who asks (X-01), but what the patient made (X-03).

        The register's own only where nothing else is found: no unit can answer for it, and of a release that finds
        others X-10 says that those end and that it `still_holds` (X-05 speaks of the register's own alone).
        """
        found = [
            m
            for m in self.measures(order.patient, order.arrived_at)
            if m.region == order.region
            and not m.kind.opens
            and self._ended_at(m, order.arrived_at) is None
            and m.initiative is not Initiative.RESIDENT
            and self.hits(m, order)
        ]
        return [m for m in found if m.initiative is not Initiative.REGISTER] or found

    def _judge_opinion(self, order: Order) -> Verdict:
        request = next((r for r in self.requests if r.order.order_id == order.follows_up), None)
        if request is None or self.request_outcome(request, order.arrived_at) is not Outcome.PENDING:
            return refused(RefusalCode.FOLLOW_UP_UNKNOWN)
        if not self.speaks_for(request, order, order.arrived_at):
            return Verdict(Outcome.REFUSED)
        if order.region == VASTRA and order.opinion is Opinion.AGREE:
            mine = self._of_request(request, order.arrived_at)
            if Attestation.HARM_ASSESSMENT not in order.attestations or (
                any(self.reported(m, order.arrived_at) for m in mine)
                and Attestation.AUTHORITY_CONFIRMED not in order.attestations
            ):
                return refused(RefusalCode.ATTESTATION_MISSING)
            return Verdict(Outcome.EXECUTED)
        return UNSAID

    # --- requests

    def _of_request(self, request: Request, at: datetime) -> list[Measure]:
        """What it asks about; a form that took the place of a call is the same matter."""
        keys = set(request.measures)
        for call, form in self.replaced:
            if call in keys:
                keys.add(form)
        return [m for m in self.measures(request.order.patient, at) if m.key in keys]

    def lives(self, request: Request, m: Measure, at: datetime) -> bool:
        """Whether the measure still shuts out the one who asked."""
        if self._ended_at(m, at) is not None:
            return False
        return (
            request.asker is None or m.kind not in FOR_GUARDIANS or self.names_guardian(m, request.asker, at)
        )

    def asked_units(self, request: Request, at: datetime) -> set[str]:
        own = {
            m.unit for m in self._of_request(request, at) if m.unit is not None and self.lives(request, m, at)
        }
        beside = {
            m.unit
            for m in self.measures(request.order.patient, at)
            if m.key in request.also and m.unit is not None and self._ended_at(m, at) is None
        }
        return own | beside

    def answers(self, request: Request, at: datetime) -> dict[str, Opinion]:
        """Each unit's newest answer; a unit that itself orders the release has said yes (VGB-15)."""
        said: dict[str, Opinion] = {}
        if request.order.form in RELEASES and request.order.unit:
            said[request.order.unit] = Opinion.AGREE
        for order, outcome in self.orders:
            if (
                order.form is Form.UNIT_OPINION
                and order.follows_up == request.order.order_id
                and outcome is Outcome.EXECUTED
                and order.arrived_at <= at
                and order.opinion
            ):
                said |= dict.fromkeys(self.speaks_for(request, order, order.arrived_at), order.opinion)
        return said

    def speaks_for(self, request: Request, order: Order, at: datetime) -> set[str]:
        """
        The asked units that an answer is of: the deciding unit itself.

        In Jämtland Härjedalen the paediatric clinic decides on every block of guardians, too (X-07, JH-19): its yes
        stands for a unit of whose measures it may open each.
        """
        asked = self.asked_units(request, at)
        if (
            order.opinion is Opinion.KEEP
        ):  # "if any unit finds that it should stay, nothing is unlocked" (VGB-15)
            asked |= self.asked_units(request, request.order.arrived_at)
        own = asked & {order.unit or ""}
        if order.region != JAMTLAND or order.unit is None or self.units[order.unit].clinic != "paediatric":
            return own
        enough = all if order.opinion is Opinion.AGREE else any
        alive = [m for m in self._of_request(request, at) if self.lives(request, m, at)]
        return own | {
            unit
            for unit in asked
            if enough(m.kind is MeasureKind.GUARDIAN_BLOCK for m in alive if m.unit == unit)
        }

    def request_outcome(self, request: Request, at: datetime) -> Outcome:
        """
        Pending while something that it asks about stands and somebody can answer; only keep refuses.

        X-05: a request about the register's own alone is pending only while staff may order its end. Where the state
        comes back it is refused, as it would be if it were made then.
        """
        if Opinion.KEEP in self.answers(request, at).values():
            return Outcome.REFUSED
        for moment in sorted(self._moments_of(request, at)):
            if self.moot(request, moment):
                return Outcome.EXECUTED  # and it stays so, whatever is extended afterwards
            left = [m for m in self._of_request(request, moment) if self.lives(request, m, moment)]
            if all(self.still_wanted(m, moment) for m in left):
                return Outcome.REFUSED
        return Outcome.PENDING

    def _moments_of(self, request: Request, at: datetime) -> Iterator[datetime]:
        """The instants on which a request may have lost what it lived on."""
        yield at
        for extension in self.extensions:
            if extension.measure in request.measures and request.order.arrived_at < extension.at <= at:
                yield extension.at - timedelta(microseconds=1)
        for fact in self.register:
            if fact.person == request.order.patient and request.order.arrived_at < fact.at <= at:
                yield fact.at

    def moot(self, request: Request, at: datetime) -> bool:
        """
        Nothing that it asks about stands any more, or the one who asked is no guardian any more.

        Nor is anything left to ask about the dead: every answer would be refused `patient_dead`, for ever.
        """
        if self.dead(request.order.patient, at):
            return True
        if request.asker is not None and request.asker not in self.guardians(request.order.patient, at):
            return True
        return not any(self.lives(request, m, at) for m in self._of_request(request, at))

    def reported(self, m: Measure, at: datetime) -> bool:
        """X-17: a report binds from whichever order it came with, for all measures of that child that stand then."""
        for order, outcome in self.orders:
            if (
                order.patient == m.patient
                and order.arrived_at <= at
                and outcome in (Outcome.EXECUTED, Outcome.PENDING)
                and Attestation.REPORTED_TO_AUTHORITY in order.attestations
                and order.form in (*IMPOSES, Form.EXTEND_MEASURE, Form.CONTINUE_MEASURE, Form.UNIT_OPINION)
                and (m.order is None or m.order.arrived_at <= order.arrived_at)
            ):
                return True
        return False

    # --- orders: what follows

    def carry_out(self, order: Order, outcome: Outcome) -> None:
        """Take in what became of an order, and add the facts that follow by the rules."""
        self.orders.append((order, outcome))
        if outcome is Outcome.REFUSED or outcome is Outcome.DUPLICATE:
            return
        if order.form in IMPOSES:
            self._impose(order, outcome)
        elif order.form is Form.REQUEST_RELEASE:
            found = tuple(m.key for m in self.asked_for(order))
            asker = self.asker(order) if order.initiative is Initiative.GUARDIAN else None
            self.requests.append(Request(order, found, asker))
        elif order.form is Form.UNIT_OPINION:
            request = next(r for r in self.requests if r.order.order_id == order.follows_up)
            self._when_all_agree(request, order)
        elif order.form in RELEASES:
            self._release(order, outcome)
        elif order.form is Form.EXTEND_MEASURE:  # of a call too, which goes on waiting for its form
            for m in self._followed(order):
                self.extensions.append(Extended(m.key, order.arrived_at, order.valid_through))
                for lock in self._with(m):
                    self.extensions.append(Extended(lock.key, order.arrived_at, order.valid_through))
                self.names.append((order.order_id, m.key))
        elif order.form is Form.CONTINUE_MEASURE and outcome is Outcome.EXECUTED:
            self._continue(order)
        if order.form not in PROTECTS:
            self.settle_agreed(order.arrived_at)

    def _followed(self, order: Order) -> list[Measure]:
        keys = {key for order_id, key in self.names if order_id == order.follows_up}
        return [m for m in self.imposed if m.key in keys and m.patient == order.patient]

    def _with(self, m: Measure) -> list[Measure]:
        return [lock for lock in self.imposed if lock.came_with == m.key]

    def _impose(self, order: Order, outcome: Outcome) -> None:
        kind, version = IMPOSES[order.form], self.version(order)
        call = order.channel is Channel.PHONE
        confirmed = self._call_of(order)
        if call:
            form = self._form_that_came_first(order)
            if form is not None:  # the call finds its form; no second measure
                keys = [key for order_id, key in self.names if order_id == form.order_id]
                self.names += [(order.order_id, key) for key in keys]
                if order.guardians is None and kind in FOR_GUARDIANS:  # whatever came first
                    everybody = self._ever_guardians(order.patient)
                    self.imposed = [
                        replace(m, guardians=None)
                        if m.key in keys and m.guardians is not None and m.guardians >= everybody
                        else m
                        for m in self.imposed
                    ]
                return
        stands = self._in_which_it_stands(order) if order.follows_up is not None and not call else []
        if (
            stands
        ):  # no second measure; what a second form adds to the end is added to the one that stands
            self.names += [
                (order.order_id, key) for order_id, key in self.names if order_id == order.follows_up
            ]
            for m in stands:
                if not self._lasts_as_long(m, order):
                    self.extensions += [
                        Extended(each.key, order.arrived_at, order.valid_through)
                        for each in (m, *self._with(m))
                    ]
            return
        begins = min((m.begins for m in confirmed), default=order.arrived_at)
        if order.valid_from is not None:
            begins = max(begins, midnight(order.valid_from))
        through = order.valid_through
        if order.region == JAMTLAND and kind.opens:  # JH-26, JH-30
            year = a_year_from(local_day(order.decided_at))
            through = year if through is None else min(through, year)
        guardians = order.guardians if kind in FOR_GUARDIANS or kind is MeasureKind.GUARDIAN_GRANT else None
        if kind is MeasureKind.GUARDIAN_GRANT and guardians is None:
            guardians = self.guardians(order.patient, order.arrived_at)
        if kind is MeasureKind.GUARDIAN_BLOCK and order.region == JAMTLAND and order.urgent:
            guardians = None  # JH-17: both as a first step
        units = order.units
        if kind.opens and kind is not MeasureKind.REPRESENTATIVE_GRANT and units is None and order.unit:
            units = frozenset({order.unit})
        m = Measure(
            order.order_id, kind, order.patient, order.region, version, order.initiative, order.unit, begins,
            through, order, guardians, units, order.recorded_from, order.recorded_to, None, call,
        )  # fmt: skip
        self.imposed.append(m)
        self.names.append((order.order_id, m.key))
        if kind is MeasureKind.GUARDIAN_BLOCK and order.region == KRONOBERG and version == KRONOBERG_2025:
            self._bring(m, MeasureKind.LOGIN_LOCK, came_with=m.key)  # KR25-17
            family = {order.patient, *self.guardians(order.patient, order.arrived_at)}
            if any(self.marked(p, order.arrived_at) for p in family):  # KR25-18
                self._bring(m, MeasureKind.JOURNAL_SEAL, came_with=None)
        for earlier in confirmed:  # what the form leaves out of the call stays shut
            self.names.append((order.order_id, earlier.key))
            self.names += [(order_id, m.key) for order_id, key in self.names if key == earlier.key]
            if self._same_or_wider(m, earlier):
                self.endings.append(Ending(earlier.key, order.arrived_at))
                self.replaced.append((earlier.key, m.key))
                for lock in self._with(earlier):
                    self.endings.append(Ending(lock.key, order.arrived_at))
            elif order.guardians is not None and self._same_or_wider(replace(m, guardians=None), earlier):
                # whom the form names is shut out as long as the form says; the others as the call has it
                self.endings.append(Ending(earlier.key, order.arrived_at, order.guardians))
        if order.follows_up is not None and not call:
            # whatever names the call names what its forms have made of it, as long as that stands
            named = {key for order_id, key in self.names if order_id == order.follows_up}
            at = order.arrived_at
            keys = {e.key for e in self.imposed if e.key in named and self._ended_at(e, at) is None}
            if self._form_that_came_first(replace(order, order_id=order.follows_up), but=order) is not None:
                self.names += [(order_id, m.key) for order_id, key in self.names if key in keys]

    def _bring(self, m: Measure, kind: MeasureKind, came_with: str | None) -> None:
        key = f"{m.key} {kind}"
        self.imposed.append(
            replace(
                m,
                key=key,
                kind=kind,
                guardians=None,
                units=None,
                came_with=came_with,
                recorded_from=None,
                recorded_to=None,
            )
        )
        self.names.append((m.key, key))

    def _call_of(self, order: Order) -> list[Measure]:
        """The call that a form confirms: of the same form, patient and region, and not yet confirmed (X-13)."""
        if order.follows_up is None or order.channel is Channel.PHONE:
            return []
        return [
            m
            for m in self.imposed
            if m.key == order.follows_up
            and m.call
            and m.patient == order.patient
            and m.region == order.region
            and m.kind is IMPOSES[order.form]
            and self._ended_at(m, order.arrived_at) is None
        ]

    def _in_which_it_stands(self, order: Order) -> list[Measure]:
        """X-14: for a second form of a call that has its form, what shuts already all that it shuts."""
        call = replace(order, order_id=order.follows_up or "")
        if self._form_that_came_first(call, but=order) is None:
            return []
        keys = {key for order_id, key in self.names if order_id == order.follows_up}
        return [
            m
            for m in self.imposed
            if m.key in keys
            and m.kind is IMPOSES[order.form]
            and self._ended_at(m, order.arrived_at) is None
            and (m.guardians is None or (order.guardians is not None and order.guardians <= m.guardians))
            and (m.units is None or (order.units is not None and order.units <= m.units))
        ]

    def _lasts_as_long(self, m: Measure, order: Order) -> bool:
        last = self.last_day(m, order.arrived_at)
        return last is None or (order.valid_through is not None and order.valid_through <= last)

    def _form_that_came_first(self, call: Order, but: Order | None = None) -> Order | None:
        for order, outcome in self.orders:
            if (
                order is not but
                and order.follows_up == call.order_id
                and order.form is call.form
                and order.patient == call.patient
                and order.region == call.region
                and order.channel is not Channel.PHONE
                and outcome is Outcome.EXECUTED
            ):
                return order
        return None

    def _same_or_wider(self, new: Measure, old: Measure) -> bool:
        people = new.guardians is None or (old.guardians is not None and old.guardians <= new.guardians)
        places = new.units is None or (old.units is not None and old.units <= new.units)
        dates = new.recorded_from is None and new.recorded_to is None
        return people and places and dates

    def _release(self, order: Order, outcome: Outcome) -> None:
        found = [
            m for m in self.found(order, RELEASES[order.form]) if not self.still_wanted(m, order.arrived_at)
        ]
        if RELEASES[order.form].opens:
            self._revoke(order)
        elif outcome is Outcome.PENDING:
            beside = tuple(m.key for m in self.beside(order, found))
            self.requests.append(Request(order, tuple(m.key for m in found), None, beside))
        else:
            for m in self.mine(order, found):
                self._end(m, order)

    def _revoke(self, order: Order) -> None:
        for m in self.imposed:
            if (
                m.kind is not RELEASES[order.form]
                or m.patient != order.patient
                or m.region != order.region
                or self._ended_at(m, order.arrived_at) is not None
                or (order.releases is not None and m.key not in order.releases)
            ):
                continue
            if order.units is not None and m.units is not None and not m.units & order.units:
                continue
            if order.guardians is not None and m.guardians is not None and not m.guardians <= order.guardians:
                self.endings.append(Ending(m.key, order.arrived_at, order.guardians))
            else:
                self._end(m, order)

    def _end(self, m: Measure, order: Order, at: datetime | None = None) -> None:
        """The end of a block ends the lock that came with it, and no other (KR25-23)."""
        at = order.arrived_at if at is None else at
        self.names.append((order.order_id, m.key))
        self.endings.append(Ending(m.key, at))
        for lock in self._with(m):
            self.endings.append(Ending(lock.key, at))

    def _continue(self, order: Order) -> None:
        """JH-08, JH-19: kept for whom and where it says, until when it says; or released."""
        for m in self._followed(order):
            if order.decision is ContinueDecision.RELEASE:
                self._end(m, order)
                continue
            self.names.append((order.order_id, m.key))
            self.extensions.append(Extended(m.key, order.arrived_at, order.valid_through))
            if order.guardians is not None and m.kind in FOR_GUARDIANS:
                all_of_them = m.guardians if m.guardians is not None else self._ever_guardians(m.patient)
                self.endings.append(Ending(m.key, order.arrived_at, all_of_them - order.guardians))
            if order.units is not None:
                everywhere = m.units if m.units is not None else frozenset(self.units)
                self.endings.append(Ending(m.key, order.arrived_at, None, everywhere - order.units))

    def _ever_guardians(self, child: str) -> frozenset[str]:
        return frozenset(g for fact in self.register if fact.person == child for g in fact.guardians)

    def _when_all_agree(self, request: Request, order: Order) -> None:
        """The last yes lifts what was asked about: for the asking guardian, or whole (X-02)."""
        at = order.arrived_at
        said = self.answers(request, at)
        if Opinion.KEEP not in said.values() and self.asked_units(request, at) <= set(said):
            self._lift(request, order, at)

    def settle_agreed(self, at: datetime) -> None:
        """
        X-04: what the last unit that had not answered stood for has ended otherwise, and the others have all said yes.

        It opens at the instant at which that happened.
        """
        for request in self.requests:
            if self.request_outcome(request, at) is not Outcome.PENDING:
                continue
            asked, said = self.asked_units(request, at), self.answers(request, at)
            if not asked or not asked <= set(said):
                continue
            own = request.order
            yes = [o for o, _ in self.orders if o.form is Form.UNIT_OPINION and o.follows_up == own.order_id]
            last = (yes or [own])[-1]
            keys = {*request.measures, *request.also}
            ends = [self._ended_at(m, at) for m in self.imposed if m.key in keys]
            self._lift(request, last, max((e for e in ends if e and e > last.arrived_at), default=at))

    def _lift(self, request: Request, order: Order, at: datetime) -> None:
        for m in self._of_request(request, at):
            if not self.lives(request, m, at) or m.initiative is Initiative.REGISTER:
                continue
            if request.asker is None or m.kind not in FOR_GUARDIANS or m.guardians == {request.asker}:
                self._end(m, order, at)
            else:
                self.names.append((order.order_id, m.key))
                self.endings.append(Ending(m.key, at, frozenset({request.asker})))

    # --- what people are told

    def may_hear(self, who: str, patient: str, at: datetime) -> bool:
        """X-22: alive, still concerned, the patient alive, and not shut out by protected identity."""
        if self.dead(patient, at) or self.dead(who, at):
            return False
        if who == patient:
            return True
        represents = any(
            m.kind is MeasureKind.REPRESENTATIVE_GRANT
            and m.order is not None
            and m.order.representative == who
            for m in self.measures(patient, at)
        )
        if represents:
            return True
        if who not in self.guardians(patient, at):
            return False
        return not (self.marked(who, at) or self.marked(patient, at))

    def silenced(self, order_id: str, patient: str, who: str, at: datetime) -> bool:
        """X-23: an explicit "do not tell" about the measure, from any order about it, not lifted by its unit."""
        guardian = who in self.guardians(patient, at)
        if who != patient and not guardian:
            return False  # a form speaks of guardians and of the patient alone
        keys = {key for named, key in self.names if named == order_id} | {order_id}
        about = [
            order
            for order, outcome in self.orders
            if order.patient == patient
            and outcome is not Outcome.REFUSED
            and order.arrived_at <= at
            and (order.order_id in keys or self._is_about(order, keys))
        ]
        word: dict[str | None, bool] = {}
        for order in about:
            said = order.inform_guardians if guardian else order.inform_patient
            if said is not None:
                word[order.unit] = said
        return False in word.values()

    def _is_about(self, order: Order, keys: set[str]) -> bool:
        if any(named == order.order_id and key in keys for named, key in self.names):
            return True
        if order.releases is not None and order.releases & keys:
            return True
        if order.follows_up is not None:
            named = {key for order_id, key in self.names if order_id == order.follows_up}
            if order.follows_up in keys or named & keys:
                return True
        return any(
            r.order.order_id in (order.order_id, order.follows_up) and set(r.measures) & keys
            for r in self.requests
        )


PROTECTS = PROTECTIVE_FORMS
"""Forms after which nobody may see more than before."""
