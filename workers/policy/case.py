"""One order with all that judging it needs looked up once: its version of the rules, its people, its measures."""

from datetime import date, datetime, timedelta
from functools import cached_property
from uuid import NAMESPACE_URL, uuid5

from contracts.order import PersonRef, SignedForm
from contracts.vocabulary import (
    IMPOSES,
    PROTECTIVE_FORMS,
    RELEASES,
    Channel,
    Form,
    Initiative,
    MeasureId,
    MeasureKind,
    Opinion,
    OrderId,
    PersonId,
    UnitId,
)
from workers.policy.calendar import end_of, last_day_of_years, midnight, swedish_date
from workers.policy.facts import Identity, Measure, OrderFacts, PatientFacts, ReleaseRequest
from workers.policy.rulebook import Entry, Region, Version, When
from workers.policy.standing_measures import state_holds

RESIDENTS_OWN = frozenset(
    {Initiative.RESIDENT, Initiative.CHILD, Initiative.GUARDIAN, Initiative.REPRESENTATIVE}
)


class Case:
    """An order being judged."""

    def __init__(self, form: SignedForm, facts: OrderFacts, region: Region, version: Version) -> None:
        self.form = form
        self.facts = facts
        self.region = region
        self.version = version
        self.at = facts.at
        self.order_id = OrderId(str(form.order_id))
        self.known: PatientFacts | None = (
            facts.known if facts.known is not None and facts.known.patient.registered else None
        )

    # --- the order itself

    @property
    def protective(self) -> bool:
        """Whether the order can only ever show less."""
        if self.form.form is Form.UNIT_OPINION:
            return self.form.opinion is Opinion.KEEP
        if self.form.form is Form.EXTEND_MEASURE and any(m.kind.opens for m in self.targets):
            return False
        return self.form.form in PROTECTIVE_FORMS

    @property
    def signed_on(self) -> date:
        """The Swedish date of the signature, from which years are counted."""
        return swedish_date(self.facts.signed_at or self.form.decided_at)

    @property
    def decided_on(self) -> date:
        """The Swedish date of the decision, on which roles are judged."""
        return swedish_date(self.form.decided_at)

    @property
    def starts_at(self) -> datetime:
        """When the order takes effect: at once, or at the midnight that `valid_from` begins."""
        if self.form.valid_from is None:
            return self.at
        return max(self.at, midnight(self.form.valid_from))

    @property
    def by_phone(self) -> bool:
        """Whether it was called in."""
        return self.form.channel is Channel.PHONE

    @property
    def urgent(self) -> bool:
        """Urgent itself, or the signed form of something urgent."""
        return self.form.urgent or any(m.urgent for m in self.confirmed)

    # --- people

    def who(self, ref: PersonRef) -> PersonId | None:
        """The person behind a number of the form."""
        return self.facts.identities.get(Identity(ref.id_type, ref.id))

    @cached_property
    def custodians(self) -> tuple[PersonId, ...]:
        """Who has custody when the order takes effect."""
        return self.known.patient.guardians_at(self.starts_at) if self.known else ()

    @property
    def ever_custodians(self) -> tuple[PersonId, ...]:
        """Everybody who has, or once had, custody: a measure against all guardians is about them."""
        if self.known is None:
            return ()
        custody = [c for v in self.known.patient.versions for c in v.custody]
        return tuple(dict.fromkeys(c.guardian for c in custody if c.guardian is not None))

    @cached_property
    def custody_unclear(self) -> bool:
        """The register knows of no custody, or of custody without knowing whose."""
        if self.known is None:
            return True
        custody = [c for c in self.known.patient.at(self.at).custody if c.holds_at(self.at)]
        return not custody or any(c.guardian is None for c in custody)

    @cached_property
    def named(self) -> tuple[PersonId, ...] | None:
        """The guardians that the order names; None: all of them."""
        if self.form.guardians is None:
            return None
        return tuple(person for ref in self.form.guardians if (person := self.who(ref)) is not None)

    @property
    def concerned(self) -> tuple[PersonId, ...]:
        """The guardians that the order is about."""
        return self.custodians if self.named is None else self.named

    @cached_property
    def protected_family(self) -> bool:
        """The patient, or a guardian that the order is about, has protected identity."""
        if self.known is None:
            return False
        people = [self.known.patient, *(p for g in self.custodians if (p := self.known.person(g)))]
        return any(person.at(self.at).protected for person in people)

    # --- measures

    def _standing(self, *kinds: MeasureKind) -> tuple[Measure, ...]:
        if self.known is None:
            return ()
        birth = self.known.patient.birth
        return tuple(
            m
            for m in self.known.measures
            if m.kind in kinds and m.region == self.form.region and m.not_over(self.at, birth)
        )

    @cached_property
    def confirmed(self) -> tuple[Measure, ...]:
        """The provisional measures of the call that this signed form follows."""
        kind = IMPOSES.get(self.form.form)
        if kind is None or self.form.follows_up is None or self.by_phone:
            return ()
        call = OrderId(str(self.form.follows_up))
        return tuple(m for m in self._standing(*MeasureKind) if m.provisional and call in m.orders)

    @cached_property
    def request(self) -> ReleaseRequest | None:
        """The request that an opinion answers."""
        if self.form.follows_up is None:
            return None
        wanted = OrderId(str(self.form.follows_up))
        return next((r for r in self.facts.requests if r.order_id == wanted), None)

    @cached_property
    def candidates(self) -> tuple[Measure, ...]:
        """Measures of the form's kind that it could end, whoever asked for them."""
        kinds = self._kinds_to_release
        found = self._standing(*kinds)
        if self.form.releases is not None:
            wanted = {str(named) for named in self.form.releases}
            # what the register imposed has no order to name it by: its measure's own id does
            found = tuple(m for m in found if wanted & {*m.orders, m.measure_id})
        if self.named is not None and self.form.form is not Form.REQUEST_RELEASE:
            found = tuple(m for m in found if any(m.covers_guardian(g) for g in self.named))
        if self.form.representative is not None:
            viewer = self.who(self.form.representative)
            found = tuple(m for m in found if m.viewer is None or m.viewer == viewer)
        if self.form.units is not None:
            # a seal of the whole record cannot be opened in part: it takes an order that says so
            found = tuple(m for m in found if m.units is not None and m.units & set(self.form.units))
        return found

    @cached_property
    def _kinds_to_release(self) -> tuple[MeasureKind, ...]:
        if self.form.form is Form.REQUEST_RELEASE:
            return tuple(
                dict.fromkeys(
                    kind
                    for entry in self.version.matching(Form.REQUEST_RELEASE)
                    if entry.when.initiative is None or self.form.initiative in entry.when.initiative
                    for kind in entry.may_release or ()
                )
            )
        kind = RELEASES.get(self.form.form)
        return (kind,) if kind else ()

    @cached_property
    def needs_same_initiative(self) -> bool:
        """Whether care ends only what care imposed, and the resident only the resident's own."""
        return any(e.same_initiative for e in self.version.matching(self.form.form))

    def may_end(self, m: Measure) -> bool:
        """Whether this order's initiative may end a measure."""
        if not self.needs_same_initiative:
            return True
        return (m.initiative in RESIDENTS_OWN) == (self.form.initiative in RESIDENTS_OWN)

    @cached_property
    def held_by_state(self) -> frozenset[MeasureId]:
        """The register's own measures that nothing may end while the state that wants them holds (X-10)."""
        if self.known is None:
            return frozenset()
        known = self.known
        return frozenset(m.measure_id for m in known.measures if state_holds(m, known, self.at, self.region))

    @cached_property
    def targets(self) -> tuple[Measure, ...]:
        """The measures that the order speaks of, without those that a state holds in force (X-10)."""
        return tuple(m for m in self._spoken_of() if m.measure_id not in self.held_by_state)

    def _spoken_of(self) -> tuple[Measure, ...]:
        match self.form.form:
            case Form.CONTINUE_MEASURE | Form.EXTEND_MEASURE:
                if self.form.follows_up is None:
                    return ()
                order = OrderId(str(self.form.follows_up))
                return tuple(
                    m for m in self._standing(*MeasureKind) if order in m.orders and m.beside is None
                )
            case Form.UNIT_OPINION:
                if self.request is None:
                    return ()
                return tuple(m for m in self._standing(*MeasureKind) if m.measure_id in self.request.measures)
            case Form.REQUEST_RELEASE:
                return self.candidates
            case _ if self.form.form in RELEASES:
                return tuple(m for m in self.candidates if self.may_end(m))
            case _:
                return self.confirmed

    @cached_property
    def initiating_units(self) -> tuple[UnitId, ...]:
        """Units that initiated a measure in force of the kinds that the order would end, oldest first."""
        kinds = {m.kind for m in self.targets}
        standing = sorted(self._standing(*kinds), key=lambda m: m.valid_from)
        return tuple(dict.fromkeys(m.unit for m in standing if m.unit is not None))

    # --- rules

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that hold for this order, in the rulebook's order."""
        return tuple(e for e in self.version.matching(self.form.form) if self.holds(e.when))

    def holds(self, when: When) -> bool:
        """Whether every condition given holds."""
        form = self.form
        about = self._about()
        checks = (
            when.initiative is None or form.initiative in when.initiative,
            when.channel is None or form.channel in when.channel,
            when.urgent is None or self.urgent == when.urgent,
            when.confirms_call is None or bool(self.confirmed) == when.confirms_call,
            when.measure is None or any(m.kind in when.measure for m in self.targets),
            when.measure_initiative is None
            or any(m.initiative in when.measure_initiative for m in self.targets),
            when.measure_reported is None
            or any(m.reported_to_authority for m in about) == when.measure_reported,
            when.decision is None or (form.decision or "keep") == when.decision,
            when.opinion is None or form.opinion == when.opinion,
            when.protected_family is None or self.protected_family == when.protected_family,
            when.other_guardians is None
            or bool(set(self.custodians) - set(self.concerned)) == when.other_guardians,
            when.all_guardians is None
            or (self.named is None or set(self.custodians) <= set(self.named)) == when.all_guardians,
            when.patient_under is None
            or (
                self.known is not None
                and not self.known.patient.reached(when.patient_under, self.starts_at, surely=True)
            ),
        )
        return all(checks)

    def _about(self) -> tuple[Measure, ...]:
        """For an opinion: the answering unit's own measures; else every target."""
        if self.form.form is Form.UNIT_OPINION and self.form.decided_by is not None:
            unit = self.form.decided_by.unit
            return tuple(m for m in self.targets if m.unit == unit)
        return self.targets

    # --- deadlines

    @cached_property
    def signed_form(self) -> tuple[timedelta, tuple[str, ...]]:
        """How long after a call its signed form may take, and the rules that say so."""
        wanted = [e for e in self.entries if e.signed_form]
        hours = min((e.signed_form.within_hours for e in wanted if e.signed_form), default=24)
        return timedelta(hours=hours), tuple(rule for e in wanted for rule in e.cites)

    # --- ends

    @cached_property
    def ends_at_age(self) -> int | None:
        """The age at which the form's measure ends by itself."""
        return next((e.ends_at_age for e in reversed(self.entries) if e.ends_at_age is not None), None)

    @cached_property
    def latest_end(self) -> date | None:
        """The last day that a period counted from the signature may have; None: no such limit."""
        years = [e.runs.years for e in self.entries if e.runs]
        return last_day_of_years(self.signed_on, min(years)) if years else None

    @cached_property
    def valid_to(self) -> datetime | None:
        """When the form's measure ends, exclusive, leaving out an end by age."""
        days = [d for d in (self.form.valid_through, self.latest_end) if d is not None]
        return end_of(min(days)) if days else None


def measure_id_of(order_id: OrderId, kind: MeasureKind, which: str = "") -> MeasureId:
    """A measure's id, made from its order: judging the same order twice makes the same measure."""
    return MeasureId(str(uuid5(NAMESPACE_URL, f"sigill:measure:{order_id}:{kind}:{which}")))
