"""One order with all that judging it needs looked up once: its version of the rules, its people, its measures."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from sigill.policy.calendar import end_of, last_day_of_years, midnight, swedish_date
from sigill.policy.facts import (
    OF_ONES_OWN,
    EarlierOrder,
    Identity,
    Measure,
    OrderFacts,
    PatientFacts,
    ReleaseRequest,
)
from sigill.policy.hits import (
    came_with_anothers_block,
    ever_custodians,
    hits,
    made_by_the_patient,
)
from sigill.policy.measure_specs import AGAINST_GUARDIANS
from sigill.policy.measures_in_force import held_by_state
from sigill.policy.requests import left_of_request, opens_at, opens_for, units_still_asked
from sigill.policy.rulebook import (
    Condition,
    Deadline,
    OfClinic,
    Region,
    Rulebooks,
    RuleEntry,
    Version,
    is_on_call,
)
from sigill.policy.scope import MeasureScope, left_of
from sigill.policy.units import (
    NO_UNITS,
    Units,
    answering,
    clinic_of,
    is_orphaned,
    line_of,
    orphans,
    speaks_for,
)
from sigill_contracts.order import PersonRef, SignedForm
from sigill_contracts.vocabulary import (
    IMPOSES,
    PROTECTIVE_FORMS,
    RELEASES,
    Attestation,
    Channel,
    ContinueDecision,
    Form,
    Initiative,
    MeasureId,
    MeasureKind,
    Opinion,
    OrderId,
    Outcome,
    PersonId,
    UnitId,
)

ASKED_BY_PEOPLE = OF_ONES_OWN | {Initiative.GUARDIAN, Initiative.REPRESENTATIVE}
"""The initiatives of those whom access is about, as against care's."""

Bond = Literal["imposing_unit", "its_successor"] | OfClinic
Bonds = tuple[Bond, ...]


class OrderEvaluation:
    """An order being judged."""

    def __init__(
        self, form: SignedForm, facts: OrderFacts, region: Region, version: Version, books: Rulebooks
    ) -> None:
        self.form = form
        self.facts = facts
        self.region = region
        self.version = version
        self.books = books
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
        if self.form.form is Form.GIVE_PAPER_COPY:
            return self.form.given is False
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

    @cached_property
    def starts_at(self) -> datetime:
        """
        When the order takes effect: at once, or at the midnight that `valid_from` begins.

        A yes that completes a request takes effect on the last of the days that the request and its answers named (X-16);
        a *keep* at once.
        """
        if self.form.form is Form.UNIT_OPINION and self.form.opinion is Opinion.KEEP:
            return self.at
        own = self.day_ahead or self.at
        if self.form.form is not Form.UNIT_OPINION or self.request is None or self.known is None:
            return own
        answering_now = self.speaks_for(self.request.units)
        if set(self.request.unanswered) & set(self._asked) - set(answering_now):
            return own
        return max(own, opens_at(self.request, self.known, self.at, anew=answering_now))

    @property
    def day_ahead(self) -> datetime | None:
        """The midnight (UTC) of the order's own day, when that lies ahead; None: it names none."""
        if self.form.valid_from is None or midnight(self.form.valid_from) <= self.at:
            return None
        return midnight(self.form.valid_from)

    @property
    def by_phone(self) -> bool:
        """Whether it was called in."""
        return self.form.channel is Channel.PHONE

    @property
    def on_call(self) -> bool:
        """Whether it was decided at on-call time (jourtid), by the region's hours."""
        daytime = self.version.daytime
        return daytime is not None and is_on_call(daytime, self.form.decided_at)

    @property
    def urgent(self) -> bool:
        """Urgent itself, or the signed form of something urgent."""
        return self.form.urgent or (self.call is not None and self.call.urgent)

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
        return ever_custodians(self.known) if self.known is not None else ()

    @property
    def units_opened(self) -> tuple[UnitId, ...] | None:
        """The units in which a release opens; None: everywhere."""
        return tuple(UnitId(u) for u in self.form.units) if self.form.units else None

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

    def of_other_regions(self, kind: MeasureKind) -> tuple[Measure, ...]:
        """Other regions' measures of a kind that Sigill holds, not over."""
        if self.known is None:
            return ()
        birth = self.known.patient.birth
        return tuple(
            m
            for m in self.known.measures
            if m.kind is kind and m.region != self.form.region and m.not_over(self.at, birth)
        )

    @property
    def received_at(self) -> datetime:
        """When the broker received the order (UTC), which is never after it is judged."""
        return min(self.facts.received_at or self.at, self.at)

    @cached_property
    def call(self) -> EarlierOrder | None:
        """
        The call that this signed form follows: of the same patient, region and form.

        None for a form that stands by itself, also when it names a call that is not there (X-13).
        """
        kind = IMPOSES.get(self.form.form)
        if kind is None or kind.opens or self.form.follows_up is None or self.by_phone:
            return None
        named = self.facts.orders.get(OrderId(str(self.form.follows_up)))
        return named if named is not None and self._is_call_of(named) else None

    def _is_call_of(self, order: EarlierOrder) -> bool:
        return (
            order.channel is Channel.PHONE
            and order.form is self.form.form
            and order.region == self.form.region
            and order.outcome != Outcome.REFUSED
        )

    @cached_property
    def forms_before(self) -> tuple[EarlierOrder, ...]:
        """The signed forms that have overtaken this call, also those whose day has not come (X-13)."""
        kind = IMPOSES.get(self.form.form)
        if kind is None or kind.opens or not self.by_phone:
            return ()
        return tuple(
            order
            for order in self.facts.orders.values()
            if order.follows_up == self.order_id
            and order.channel is not Channel.PHONE
            and order.form is self.form.form
            and order.region == self.form.region
            and (
                order.outcome == Outcome.EXECUTED
                or (order.outcome == Outcome.PENDING and bool(self.lineage_of(order.order_id, kind)))
            )
        )

    @property
    def form_before(self) -> EarlierOrder | None:
        """The first signed form that has overtaken this call (X-13)."""
        return next(iter(self.forms_before), None)

    def lineage_of(self, order: OrderId, kind: MeasureKind | None) -> tuple[Measure, ...]:
        """Every measure of this region that an order imposed or changed, those that are over too; None: any kind."""
        if self.known is None:
            return ()
        return tuple(
            m
            for m in self.known.measures
            if order in m.orders and m.region == self.form.region and (kind is None or m.kind is kind)
        )

    def is_over(self, m: Measure) -> bool:
        """Whether a measure has ended by now."""
        return self.known is not None and not m.not_over(self.at, self.known.patient.birth)

    @cached_property
    def confirmed(self) -> tuple[Measure, ...]:
        """The provisional measures of the call that this signed form follows."""
        if self.call is None:
            return ()
        return tuple(
            m for m in self.lineage_of(self.call.order_id, None) if m.provisional and not self.is_over(m)
        )

    @cached_property
    def ended_since(self) -> tuple[Measure, ...]:
        """
        What the order follows up that was there when it was decided, and has ended before it came (X-12, X-15).

        Not what goes on as another row; of a grant only what ran out: what was revoked is not brought back.
        """
        if self.known is None or self.form.follows_up is None:
            return ()
        birth = self.known.patient.birth
        rows = [m for m in self.lineage_of(OrderId(str(self.form.follows_up)), None) if m.beside is None]
        living = [m for m in rows if not self.is_over(m)]
        return tuple(
            m
            for m in rows
            if self.is_over(m)
            and m.not_over(self.form.decided_at, birth)
            and not (m.kind.opens and m.released)
            and left_of(
                MeasureScope.of(m),
                [MeasureScope.of(o) for o in living if o.kind is m.kind],
                self.ever_custodians,
            )
            is not None
        )

    def has_aged_out(self, m: Measure) -> bool:
        """Whether a measure ended because an age was reached, so that nothing brings it back."""
        if self.known is None or m.ends_at_age is None:
            return False
        by_age = replace(m, valid_to=None).ends_at(self.known.patient.birth)
        return by_age is not None and by_age <= self.at

    def released_since(self, kind: MeasureKind, scope: MeasureScope) -> tuple[Measure, ...]:
        """What was released between this order's decision and its coming, of the same kind and in the same scope (X-15)."""
        if self.known is None:
            return ()
        found = [
            m
            for m in self.known.measures
            if m.kind is kind
            and m.region == self.form.region
            and self.is_before_release_of(m)
            and m.valid_to is not None
            and m.valid_to > m.valid_from
            and MeasureScope.of(m).meets(scope)
        ]
        opened = ((m, left_of(MeasureScope.of(m), self._going_on(m), self.ever_custodians)) for m in found)
        return tuple(m for m, rest in opened if rest is not None and rest.meets(scope))

    def is_before_release_of(self, m: Measure) -> bool:
        """Whether the order was decided before a measure's release was known, or took effect: whichever was first (X-15)."""
        if not m.released or m.valid_to is None:
            return False
        return self.form.decided_at < min(m.valid_to, m.released_at or m.valid_to)

    def _going_on(self, m: Measure) -> list[MeasureScope]:
        """The scopes in which a measure goes on as other rows."""
        assert self.known is not None, "asked of a patient's measures"
        return [
            MeasureScope.of(o)
            for o in self.known.measures
            if o.kind is m.kind
            and o.measure_id != m.measure_id
            and o.orders[:1] == m.orders[:1]
            and o.orders
            and o.valid_from == m.valid_to
        ]

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
        found = (*self._standing(*kinds), *(self.named_elsewhere if self.has_talked else ()))
        if self.form.releases is not None:
            wanted = {str(named) for named in self.form.releases}
            # what the register imposed has no order to name it by: its measure's own id does
            found = tuple(m for m in found if wanted & {*m.orders, m.measure_id})
        elif self.facts.first_seen_at is not None:
            # an order that has waited ends nothing that was imposed meanwhile: nobody has decided on that
            found = tuple(m for m in found if self._begun_by(m, self.facts.first_seen_at))
        if self.named is not None and self.form.form is not Form.REQUEST_RELEASE:
            found = tuple(m for m in found if any(m.covers_guardian(g) for g in self.named))
        if self.form.representative is not None:
            viewer = self.who(self.form.representative)
            found = tuple(m for m in found if m.viewer is None or m.viewer == viewer)
        if self.form.units is not None:
            # a seal of the whole record cannot be opened in part: it takes an order that says so
            found = tuple(m for m in found if m.units is not None and m.units & set(self.form.units))
        if self.form.form is Form.REQUEST_RELEASE:
            found = tuple(m for m in found if self.may_ask_about(m))
        return found

    @cached_property
    def after_talks(self) -> RuleEntry | None:
        """The entry that lets the order end another region's measure after talks with that region (IN-12)."""
        for entry in self.version.matching(self.form.form):
            by_whom = entry.when.initiative is None or self.form.initiative in entry.when.initiative
            if entry.other_regions is not None and by_whom:
                return entry
        return None

    @property
    def has_talked(self) -> bool:
        """Whether such an entry holds, and the talks are attested."""
        return self.after_talks is not None and Attestation.OTHER_REGION_CONSULTED in self.form.attestations

    @property
    def named_elsewhere(self) -> tuple[Measure, ...]:
        """
        Other regions' measures of the form's kind that it names in `releases`.

        Of the register's own only what a state holds, to be refused: what remains is its own region's to judge (X-10).
        """
        kind, named = (
            RELEASES.get(self.form.form),
            {str(measure_id) for measure_id in self.form.releases or ()},
        )
        if kind is None:
            return ()
        return tuple(
            m
            for m in self.of_other_regions(kind)
            if named & {*m.orders, m.measure_id}
            and (m.initiative is not Initiative.REGISTER or m.measure_id in self.held_by_state)
        )

    def _begun_by(self, m: Measure, moment: datetime) -> bool:
        """Whether a measure, or one that it goes on from, had begun by an instant."""
        measures = self.known.measures if self.known is not None else ()
        return any(o.valid_from <= moment for o in measures if o.orders[:1] == m.orders[:1])

    @cached_property
    def asking(self) -> tuple[PersonId, ...] | None:
        """Those who ask for a release; None: nobody in particular (staff)."""
        match self.form.initiative:
            case Initiative.GUARDIAN:
                return self.named or ()
            case Initiative.RESIDENT | Initiative.CHILD:
                return (self.known.patient.person_id,) if self.known else ()
            case Initiative.REPRESENTATIVE:
                who = self.who(self.form.representative) if self.form.representative else None
                return (who,) if who else ()
            case _:
                return None

    def may_ask_about(self, m: Measure) -> bool:
        """
        Whether a request reaches a measure: it hits who asks (X-01), and the patient did not make it (X-03).

        Who has custody is asked at the decision, however late it is processed.

        A lock that came with a block goes with the block of the guardian who asks, never by itself.
        """
        if self.known is None or self.asking is None:
            return self.known is not None and not made_by_the_patient(m)
        if made_by_the_patient(m):
            return False
        if self.form.initiative is Initiative.GUARDIAN and came_with_anothers_block(m):
            return False
        return any(hits(m, person, self.known, self.form.decided_at) for person in self.asking)

    @cached_property
    def only_the_patients_own(self) -> bool:
        """Whether all that hits who asks is what the patient sealed or locked, which no request reaches (X-03)."""
        if self.known is None or self.candidates:
            return False
        asking = self.asking or (self.known.patient.person_id,)
        return any(
            made_by_the_patient(m) and any(hits(m, person, self.known, self.at) for person in asking)
            for m in self._standing(*MeasureKind)
        )

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
        """
        Whether this order's initiative may end a measure.

        What the patient made is opened in the way that its own region states, never through another region (X-03).
        """
        if made_by_the_patient(m):
            return self.form.initiative in OF_ONES_OWN and m.region == self.form.region
        if not self.needs_same_initiative:
            return True
        if m.kind.opens:
            return (m.initiative in ASKED_BY_PEOPLE) == (self.form.initiative in ASKED_BY_PEOPLE)
        # what a guardian asked for on the child's behalf is released as care's
        return self.form.initiative not in OF_ONES_OWN

    @cached_property
    def held_by_state(self) -> frozenset[MeasureId]:
        """The register's own measures that nothing may end while the state that wants them holds (X-10)."""
        if self.known is None:
            return frozenset()
        return held_by_state(self.known, self.at, self.books)

    @cached_property
    def permitted(self) -> tuple[Measure, ...]:
        """The candidates that the order's initiative may end."""
        held = self.held_by_state
        return tuple(m for m in self.candidates if self.may_end(m) and m.measure_id not in held)

    @cached_property
    def targets(self) -> tuple[Measure, ...]:
        """The measures that the order speaks of, without those that a state holds in force (X-10)."""
        return tuple(m for m in self._spoken_of() if m.measure_id not in self.held_by_state)

    def _spoken_of(self) -> tuple[Measure, ...]:
        match self.form.form:
            case Form.CONTINUE_MEASURE:
                found = (*self._followed, *self.ended_since)
                return tuple(m for m in found if not made_by_the_patient(m))
            case Form.EXTEND_MEASURE:
                return (*self._followed, *self.ended_since)
            case Form.GIVE_PAPER_COPY:
                return tuple(m for m in (*self._followed, *self.ended_since) if not m.kind.opens)
            case Form.UNIT_OPINION:
                if self.request is None or self.known is None or self.request.region != self.form.region:
                    return ()
                return left_of_request(self.request, self.known, self.at)
            case Form.REQUEST_RELEASE:
                # the register's own is asked about only where nothing else can be answered
                others = tuple(m for m in self.candidates if m.initiative is not Initiative.REGISTER)
                return others or self.candidates
            case _ if self.form.form in RELEASES:
                reached = tuple(m for m in self.permitted if self.is_reached(m))
                # `releases: null` ends what this unit may end; what another unit imposed stays, and the receipt says so
                return reached if self.form.releases is None and reached else self.permitted
            case _:
                return self.confirmed

    @property
    def _followed(self) -> tuple[Measure, ...]:
        """The measures, not over, that a continuation or extension is about."""
        if self.form.follows_up is None:
            return ()
        found = self.lineage_of(OrderId(str(self.form.follows_up)), None)
        return tuple(m for m in found if m.beside is None and not self.is_over(m))

    @cached_property
    def opens_for(self) -> tuple[PersonId, ...] | None:
        """The guardians for whom an order opens what also names others; None: for everybody (X-02)."""
        if self.form.form is Form.UNIT_OPINION:
            return opens_for(self.request) if self.request else None
        return self.named

    @cached_property
    def initiating_units(self) -> tuple[UnitId, ...]:
        """
        Units that initiated a measure in force of the kinds that the order would end, oldest first.

        Only measures that hit those for whom it opens; none that the patient made, and not the register's.
        """
        kinds = {m.kind for m in self.targets}
        standing = sorted(self._standing(*kinds), key=lambda m: m.valid_from)
        return tuple(
            dict.fromkeys(
                m.unit
                for m in standing
                if m.unit is not None
                and not made_by_the_patient(m)
                and (self.opens_for is None or self._concerns(m, self.opens_for))
            )
        )

    def _concerns(self, m: Measure, guardians: tuple[PersonId, ...]) -> bool:
        if m.kind.opens:
            return m.viewer is not None or any(m.covers_guardian(g) for g in guardians)
        return self.known is not None and any(hits(m, g, self.known, self.at) for g in guardians)

    # --- the unit that decides

    @property
    def units(self) -> Units:
        """What the directory says of the units concerned."""
        return self.known.units if self.known is not None else NO_UNITS

    @property
    def decider_unit(self) -> UnitId | None:
        """The unit at which was decided."""
        return UnitId(self.form.decided_by.unit) if self.form.decided_by is not None else None

    def speaks_for(self, asked: Iterable[UnitId]) -> tuple[UnitId, ...]:
        """Those of some units that the decider's unit is, or has succeeded."""
        if self.decider_unit is None:
            return ()
        return speaks_for(self.units, self.decider_unit, asked, self.decided_on)

    def answering(self, unit: UnitId) -> UnitId:
        """Who answers for a unit on the day of the decision: its last successor, or itself."""
        return answering(self.units, unit, self.decided_on)

    def opens(self, m: Measure) -> bool:
        """Whether the order opens, wholly or in part, what care has shut with a measure."""
        if m.kind.opens or m.initiative is not Initiative.CARE:
            return False
        match self.form.form:
            case Form.UNIT_OPINION:
                return self.form.opinion is Opinion.AGREE
            case Form.CONTINUE_MEASURE:
                return self._narrows(m)
            case form:
                return form in RELEASES

    def _narrows(self, m: Measure) -> bool:
        """Whether a continuation leaves out somebody or something that the measure shuts, or ends it earlier."""
        form = self.form
        if form.decision is ContinueDecision.RELEASE:
            return True
        if form.units is not None and (m.units is None or not m.units <= set(form.units)):
            return True
        if self.named is not None and m.kind in AGAINST_GUARDIANS:
            covered = m.guardians if m.guardians is not None else (*self.custodians, *self.ever_custodians)
            if not {g for g in covered if m.covers_guardian(g)} <= set(self.named):
                return True
        if form.valid_through is None or self.known is None:
            return False
        if m.valid_to is None and any(e.end_date and e.end_date.required for e in self.entries):
            return False  # the rule asks for an end where there was none
        end = m.ends_at(self.known.patient.birth)
        return end is None or end_of(form.valid_through) < end

    def bonds_of(self, m: Measure) -> tuple[Bonds, ...]:
        """What each matching entry says of the unit at which the order about a measure is decided."""
        return tuple(
            entry.deciders_bound_to
            for entry in self.version.matching(self.form.form)
            if entry.deciders_bound_to is not None and self._holds_for(entry.when, m)
        )

    def _holds_for(self, when: Condition, m: Measure) -> bool:
        """Whether a condition holds where the order is about one measure alone."""
        of_measure = (when.measure is None or m.kind in when.measure) and (
            when.measure_initiative is None or m.initiative in when.measure_initiative
        )
        rest = {"measure": None, "measure_initiative": None, "measure_reported": None}
        return of_measure and self.holds(when.model_copy(update=rest))

    def is_reached(self, m: Measure) -> bool:
        """
        Whether the order may open a measure from the decider's unit; what opens nothing is never asked.

        Of another region's measure the talks with that region take the place of the unit.
        """
        return m.region != self.form.region or not self.opens(m) or self._is_bound_here(m)

    def _is_bound_here(self, m: Measure) -> bool:
        return all(any(self._fits(bond, m) for bond in bonds) for bonds in self.bonds_of(m))

    def _fits(self, bond: Bond, m: Measure) -> bool:
        unit = self.decider_unit
        if unit is None:
            return False
        if isinstance(bond, OfClinic):
            return clinic_of(self.units, unit) == bond.clinic
        if m.unit is None:
            return True  # nobody knows at which unit it was imposed: none can be asked for
        if bond == "imposing_unit":
            return unit == m.unit
        return unit in line_of(self.units, m.unit, self.decided_on)[1:]

    @cached_property
    def answers_for(self) -> tuple[UnitId, ...]:
        """The units that were asked and that an opinion speaks for: its own, those it succeeded, those of its clinic."""
        if self.request is None:
            return ()
        asked = self._asked
        own = self.speaks_for(asked)
        imposed = {u: [m for m in self.targets if m.unit == u] for u in asked}
        # what opens must be in reach as a whole: one measure of a unit does not open its others
        enough = all if self.form.opinion is Opinion.AGREE else any
        return tuple(
            u
            for u in asked
            if u in own
            or (imposed[u] and enough(self.bonds_of(m) and self._is_bound_here(m) for m in imposed[u]))
        )

    @property
    def _asked(self) -> tuple[UnitId, ...]:
        """
        The units whose answer counts: to open, those that still have something to decide about (X-04).

        A *keep* counts from every unit that was asked, also where its own measure has ended meanwhile: it opens nothing.
        """
        if self.request is None or self.known is None:
            return ()
        if self.form.opinion is Opinion.KEEP:
            return self.request.units
        return units_still_asked(self.request, self.known, self.at)

    @cached_property
    def out_of_reach(self) -> tuple[Measure, ...]:
        """The targets that the decider's unit may not open."""
        if self.form.form is Form.UNIT_OPINION:
            return () if self.answers_for else tuple(m for m in self.targets if not self.is_reached(m))
        return tuple(m for m in self.targets if not self.is_reached(m))

    @cached_property
    def awaited_successors(self) -> tuple[UnitId, ...]:
        """
        The closed units without a known successor, where it depends on the successor whether this unit may decide.

        Empty where another unit, which answers for itself, would have to decide as well: waiting would not help.
        """
        match self.form.form:
            case Form.UNIT_OPINION:
                agrees = self.request is not None and self.form.opinion is Opinion.AGREE
                unanswered = self.request.unanswered if agrees and self.request else ()
                asked = () if self.answers_for else tuple(u for u in unanswered if u in self._asked)
            case form if form in RELEASES and any(e.initiating_unit_only for e in self.entries):
                asked = () if self.speaks_for(self.initiating_units) else self.initiating_units
            case _:
                asked = tuple(m.unit for m in self.out_of_reach if m.unit is not None)
                if not all(is_orphaned(self.units, unit, self.decided_on) for unit in asked):
                    return ()
        return orphans(self.units, asked, self.decided_on)

    @cached_property
    def clinic_unknown(self) -> RuleEntry | None:
        """The entry that names the clinic of a closing order, where the directory does not know the unit's."""
        if self.decider_unit is None or clinic_of(self.units, self.decider_unit) is not None:
            return None
        bound = (e for e in self.entries if e.deciders_bound_to is not None)
        closes = not any(self.opens(m) for m in self.targets)
        return next((e for e in bound if closes and e.bound_to_clinic_alone), None)

    # --- rules

    @cached_property
    def entries(self) -> tuple[RuleEntry, ...]:
        """The entries that hold for this order, in the rulebook's order."""
        return tuple(e for e in self.version.matching(self.form.form) if self.holds(e.when))

    def holds(self, when: Condition) -> bool:
        """Whether every condition given holds."""
        form = self.form
        checks = (
            when.initiative is None or form.initiative in when.initiative,
            when.channel is None or form.channel in when.channel,
            when.urgent is None or self.urgent == when.urgent,
            when.on_call is None or self.on_call == when.on_call,
            when.whole is None or (form.units is None) == when.whole,
            when.confirms_call is None or (self.call is not None) == when.confirms_call,
            when.measure is None or any(m.kind in when.measure for m in self.targets),
            when.measure_initiative is None
            or any(m.initiative in when.measure_initiative for m in self.targets),
            when.measure_reported is None
            or (any(m.reported_to_authority for m in self._about()) or self.reports) == when.measure_reported,
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

    @cached_property
    def attested(self) -> frozenset[str]:
        """The codes of all that the form attests, the region's own among them."""
        return frozenset({*self.form.attestations, *(self.form.own_attestations or ())})

    @property
    def reports(self) -> bool:
        """Whether a report to police or social services comes with the order (X-17)."""
        return Attestation.REPORTED_TO_AUTHORITY in self.form.attestations

    def _about(self) -> tuple[Measure, ...]:
        """For an opinion: the measures of the units that it speaks for; else every target."""
        if self.form.form is Form.UNIT_OPINION and self.form.decided_by is not None:
            return tuple(m for m in self.targets if m.unit in self.answers_for)
        return self.targets

    # --- deadlines

    @cached_property
    def awaits_form(self) -> bool:
        """Whether a signed form must follow: the order was called in, and no rule says that the call is enough."""
        return self.by_phone and not any(e.signed_form == "never" for e in self.entries)

    @cached_property
    def signed_form(self) -> tuple[timedelta, tuple[str, ...]]:
        """How long after a call its signed form may take, and the rules that say so."""
        wanted = [(e, e.signed_form) for e in self.entries if isinstance(e.signed_form, Deadline)]
        hours = min((deadline.within_hours for _, deadline in wanted), default=24)
        return timedelta(hours=hours), tuple(rule for e, _ in wanted for rule in e.cites)

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
        """When the form's measure ends, exclusive, leaving out an end by age. No appointment outlives the court's."""
        court = self.form.court_order.valid_through if self.form.court_order else None
        days = [d for d in (self.form.valid_through, self.latest_end, court) if d is not None]
        return end_of(min(days)) if days else None


def measure_id_of(order_id: OrderId, kind: MeasureKind, which: str = "") -> MeasureId:
    """A measure's id, made from its order: judging the same order twice makes the same measure."""
    return MeasureId(str(uuid5(NAMESPACE_URL, f"sigill:measure:{order_id}:{kind}:{which}")))
