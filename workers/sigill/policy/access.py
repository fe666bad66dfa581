"""May this viewer see this patient's record from this unit at this moment, and why.

Order of evaluation: relation and identity, then age, then grants, then restrictions; a restriction beats a grant.
The answer never depends on a job having run: it is read from validity ranges and birth dates.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter

from sigill.policy.calendar import BirthDate, age_begins, midnight, swedish_date
from sigill.policy.elsewhere import silent_sources
from sigill.policy.facts import Measure, PaperCopy, PatientFacts, Person, PersonVersion
from sigill.policy.measure_specs import AGAINST_GUARDIANS, MEASURE_SPECS
from sigill.policy.rulebook import Ages, HiddenUnits, Rulebooks, Shown, Version
from sigill.policy.units import at_or_above, region_of, versions_for
from sigill_contracts.vocabulary import (
    AccessReason,
    IdType,
    MeasureId,
    MeasureKind,
    PersonId,
    RegionCode,
    Service,
    UnitId,
)

_LOGGED_IN = (Service.JOURNAL, Service.E_SERVICES)


@dataclass(frozen=True, slots=True)
class AccessQuestion:
    """
    Who wants to reach what, when.

    `viewer` None is somebody whom no register knows. `unit` None asks about every unit without a measure of its
    own. `recorded_on` None is information of unknown date, which counts as inside a sealed interval.
    `information_type` is the heading or template (sökord, mall) of the information, by a code or words of the rulebook;
    None asks about the record as such.
    """

    viewer: PersonId | None
    service: Service
    at: datetime
    unit: UnitId | None = None
    recorded_on: date | None = None
    information_type: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionReason:
    """One reason of an answer, with the measures and rules that it rests on."""

    code: AccessReason
    rules: tuple[str, ...] = ()
    measures: tuple[MeasureId, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. Allowed: what it rests on; denied: everything that stands in the way."""

    allowed: bool
    reasons: tuple[DecisionReason, ...]
    region: str = ""
    rulebook: str = ""

    @property
    def codes(self) -> tuple[AccessReason, ...]:
        """The reasons' codes."""
        return tuple(reason.code for reason in self.reasons)


def decide(question: AccessQuestion, facts: PatientFacts, books: Rulebooks) -> Decision:
    """
    Answer a question about one patient from what was known at one moment of knowledge.

    Ages and defaults follow the rulebook in force at the instant asked about: that of the unit's region, or of the
    patient's county of residence where no unit is asked about; the national one where the region has none. A unit whose
    region nobody knows is answered about by the strictest of all. A measure keeps the effects it was made with.

    A source of measures made elsewhere that has been silent for longer than its limit makes the answer say so
    (`source_silent`), and, where the national rulebook says `close`, shows nothing online.
    """
    return _with_silence(
        _answer(question, facts, books, _Moment.of(facts, question.at)), question, facts, books
    )


def _with_silence(
    answer: Decision, question: AccessQuestion, facts: PatientFacts, books: Rulebooks
) -> Decision:
    silent = tuple(silent_sources(facts, question.at, books)) if books.sources else ()
    if not silent:
        return answer
    closed = question.service in _LOGGED_IN and any(source.rule.silent == "close" for source in silent)
    said = DecisionReason(AccessReason.SOURCE_SILENT)
    reasons = () if answer.allowed and closed else answer.reasons
    return replace(answer, allowed=answer.allowed and not closed, reasons=(*reasons, said))


@dataclass(frozen=True, slots=True)
class _Moment:
    """What every question about a patient at one instant needs: looked up once for a whole picture."""

    day: date
    patient: PersonVersion
    guardians: tuple[PersonId, ...]
    measures: "_Index | None" = None

    @classmethod
    def of(cls, facts: PatientFacts, at: datetime, *, indexed: bool = False) -> "_Moment":
        index = _Index(facts, at) if indexed else None
        return cls(swedish_date(at), facts.patient.at(at), facts.patient.guardians_at(at), index)


class _Index:
    """
    The measures that can count in an answer at one instant, by unit: what is over, and what is about other units, costs a
    question nothing. In the order of the facts.
    """

    def __init__(self, facts: PatientFacts, at: datetime) -> None:
        self._whole: list[tuple[int, Measure]] = []
        self._by_unit: dict[UnitId, list[tuple[int, Measure]]] = {}
        birth = facts.patient.birth
        for place, m in enumerate(facts.measures):
            ran_out = m.kind.opens and not m.released and m.valid_from <= at
            if not (ran_out or m.in_force(at, birth)):
                continue
            if m.units is None or not MEASURE_SPECS[m.kind].of_units:
                self._whole.append((place, m))
                continue
            for unit in m.units:
                self._by_unit.setdefault(unit, []).append((place, m))

    def about(self, unit: UnitId | None, above: Sequence[UnitId] = ()) -> tuple[Measure, ...]:
        """Those that can count in an answer about a unit that lies under others; None: about no unit in particular."""
        named = (unit, *above) if unit is not None else ()
        own = {place: m for unit in dict.fromkeys(named) for place, m in self._by_unit.get(unit, [])}
        pairs = sorted((*self._whole, *own.items()), key=itemgetter(0)) if own else self._whole
        return tuple(m for _, m in pairs)


def _answer(question: AccessQuestion, facts: PatientFacts, books: Rulebooks, moment: _Moment) -> Decision:
    asked = _rulebooks_of(question, facts, books, moment)
    answers = [_by(region, version, question, facts, moment) for region, version in asked]
    return answers[0] if len(answers) == 1 else _strictest(answers)


def _allows(question: AccessQuestion, facts: PatientFacts, books: Rulebooks, moment: _Moment) -> bool:
    """Whether the answer is yes: what stands in the way is not listed, and is not looked for where there is no ground."""
    asked = _rulebooks_of(question, facts, books, moment)
    return all(_Case(question, facts, version, moment).is_open() for _, version in asked)


def _rulebooks_of(
    question: AccessQuestion, facts: PatientFacts, books: Rulebooks, moment: _Moment
) -> tuple[tuple[RegionCode | None, Version], ...]:
    """The rulebook that answers; all of them about a unit of which nobody knows the region."""
    if question.unit is None:
        region = books.region_of_county(moment.patient.county)
    else:
        region = region_of(question.unit, facts.unit_regions, books)
        if region is None:
            return tuple(versions_for(books, moment.day))
    return ((region, books.default_version(region, moment.day)),)


def _by(
    region: RegionCode | None,
    version: Version,
    question: AccessQuestion,
    facts: PatientFacts,
    moment: _Moment,
) -> Decision:
    """Answer by one rulebook."""
    case = _Case(question, facts, version, moment)
    open_by = tuple(case.grounds())
    barred_by = tuple(case.bars())
    allowed = bool(open_by) and not barred_by
    reasons = open_by if allowed else (*barred_by, *(() if open_by else case.lacking()))
    return Decision(allowed, _merged(reasons), region or "", version.since.isoformat())


def _strictest(answers: Sequence[Decision]) -> Decision:
    """
    Answer about a unit of which nobody knows the region: allowed where every rulebook allows it, else denied with the
    reasons of all that deny (X-08).
    """
    denied = [answer for answer in answers if not answer.allowed]
    reasons = (reason for answer in denied or answers for reason in answer.reasons)
    return Decision(not denied, _merged(reasons), "", answers[0].rulebook)


def _merged(reasons: Iterable[DecisionReason]) -> tuple[DecisionReason, ...]:
    reasons = tuple(reasons)
    if len(reasons) < 2:
        return reasons
    by_code: dict[AccessReason, DecisionReason] = {}
    for reason in reasons:
        seen = by_code.get(reason.code)
        by_code[reason.code] = (
            reason
            if seen is None
            else DecisionReason(
                reason.code,
                tuple(dict.fromkeys((*seen.rules, *reason.rules))),
                tuple(dict.fromkeys((*seen.measures, *reason.measures))),
            )
        )
    return tuple(by_code.values())


def counting(facts: PatientFacts, since: datetime) -> tuple[Measure, ...]:
    """
    The measures that can count in an answer at `since` (UTC) or later, in the order of the facts.

    What is over counts no more. Only a grant that ran out by itself is still named as the reason why there is none: of
    each scope the one that ran out last, so that their number does not grow with the years.
    """
    birth = facts.patient.birth
    last: dict[tuple[object, ...], datetime] = {}
    ran_out = [m for m in facts.measures if m.kind.opens and not m.released and not m.not_over(since, birth)]
    for m in ran_out:
        if m.valid_from <= since:
            last[_scope(m)] = max(_end_of(m, birth), last.get(_scope(m), _end_of(m, birth)))
    named = {m for m in ran_out if m.valid_from > since or _end_of(m, birth) == last[_scope(m)]}
    return tuple(m for m in facts.measures if m.not_over(since, birth) or m in named)


def _scope(m: Measure) -> tuple[object, ...]:
    return m.kind, m.viewer, m.guardians, m.guardians_except, m.units


def _end_of(m: Measure, birth: BirthDate) -> datetime:
    """When a measure that is over ended."""
    return m.ends_at(birth) or m.valid_from


@lru_cache(maxsize=1024)
def _without_measures(code: AccessReason, rules: tuple[str, ...]) -> DecisionReason:
    return DecisionReason(code, tuple(dict.fromkeys(rules)))


_AGES_IN_NAME: dict[AccessReason, tuple[tuple[str, int], ...]] = {
    AccessReason.GUARDIAN_OF_CHILD_UNDER_13: (("guardian_until", 13),),
    AccessReason.GUARDIAN_OF_13_OR_OLDER: (("guardian_until", 13),),
    AccessReason.AGE_13_TO_15: (("own_account_from", 13), ("own_record_from", 16)),
    AccessReason.UNDER_13_OWN_LOGIN: (("own_account_from", 13),),
}
"""What the names of old say of ages; names only, no answer depends on them."""


class _Case:
    """One question with what it needs looked up once."""

    __slots__ = (
        "ages",
        "facts",
        "guardians",
        "is_guardian",
        "is_own",
        "line",
        "measures",
        "now",
        "patient",
        "q",
        "today",
        "version",
        "viewer",
    )

    def __init__(self, q: AccessQuestion, facts: PatientFacts, version: Version, moment: _Moment) -> None:
        self.q = q
        self.facts = facts
        self.line = () if q.unit is None else at_or_above(facts.units, q.unit)
        self.measures = (
            facts.measures if moment.measures is None else moment.measures.about(q.unit, self.line)
        )
        self.patient = facts.patient
        self.version = version
        self.ages: Ages = version.ages
        self.now = moment.patient
        self.today = moment.day
        self.viewer: Person | None = facts.person(q.viewer) if q.viewer else None
        self.guardians = moment.guardians
        self.is_own = q.viewer == self.patient.person_id
        self.is_guardian = not self.is_own and q.viewer is not None and q.viewer in moment.guardians

    def is_open(self) -> bool:
        """Whether there is a ground and nothing in the way of it."""
        return next(self.grounds(), None) is not None and next(self.bars(), None) is None

    def _reached(self, age: int, *, surely: bool) -> bool:
        begins = age_begins(
            self.patient.birth, age, latest=surely, leap_day_on_28th=self.ages.leap_day_on_28th
        )
        return begins <= self.q.at

    def _says(self, code: AccessReason, *measures: Measure) -> DecisionReason:
        if not measures:
            cited = self.version.reasons.get(code) or self.version.reasons.get(code.without_age, ())
            return _without_measures(self._named(code), cited)
        cited = tuple(dict.fromkeys(rule for m in measures for rule in m.rules))
        return DecisionReason(code, cited, tuple(m.measure_id for m in measures))

    def _named(self, code: AccessReason) -> AccessReason:
        """A reason by the name that is true: the one with ages where those are the region's, else the one without (X-29)."""
        ages = _AGES_IN_NAME.get(code)
        if ages is None or all(getattr(self.ages, name) == age for name, age in ages):
            return code
        return code.without_age

    def _grants(self, kind: MeasureKind, *, running: bool) -> tuple[Measure, ...]:
        """Grants of a kind that are about this viewer and unit: those running, or those that ran out by themselves."""
        return tuple(m for m in self.measures if m.kind is kind and self._grant_fits(m, running=running))

    def _grant_fits(self, m: Measure, *, running: bool) -> bool:
        if running != m.in_force(self.q.at, self.patient.birth):
            return False
        if not running and (m.released or self.q.at < m.valid_from):
            return False
        return self._about_viewer(m) and self._about_unit(m)

    def _about_viewer(self, m: Measure) -> bool:
        viewer = self.q.viewer
        if m.kind is MeasureKind.MINOR_GRANT:
            return self.is_own
        if m.kind is MeasureKind.REPRESENTATIVE_GRANT:
            return viewer is not None and viewer == m.viewer
        return self.is_guardian and viewer is not None and m.covers_guardian(viewer)

    def _about_unit(self, m: Measure) -> bool:
        """A protection of a unit or a care provider reaches what lies under it; a grant opens what it names alone."""
        if m.units is None:
            return True
        if m.kind.opens:
            return self.q.unit is not None and self.q.unit in m.units
        return not m.units.isdisjoint(self.line)

    def grounds(self) -> Iterator[DecisionReason]:
        """What would let the viewer in, were nothing in the way."""
        if not self.patient.registered or self.viewer is None:
            return
        if self.is_own:
            yield from self._own_grounds()
        if self.is_guardian:
            yield from self._guardian_grounds()
        if self.q.service is Service.JOURNAL:
            for grant in self._grants(MeasureKind.REPRESENTATIVE_GRANT, running=True):
                yield self._says(AccessReason.REPRESENTATIVE_GRANT, grant)

    def _own_grounds(self) -> Iterator[DecisionReason]:
        match self.q.service:
            case Service.PAPER_COPY:
                yield self._says(AccessReason.OWN_RECORD)
                yield from self._assessed_copies()
            case Service.E_SERVICES if self._may_log_in():
                yield self._says(AccessReason.OWN_ACCOUNT)
            case Service.JOURNAL if self._reached(self.ages.own_record_from, surely=True):
                yield self._says(AccessReason.OWN_RECORD)
            case Service.JOURNAL if self._reached(self.ages.own_account_from, surely=True):
                for grant in self._grants(MeasureKind.MINOR_GRANT, running=True):
                    yield self._says(AccessReason.MINOR_GRANT, grant)

    def _may_log_in(self) -> bool:
        """Whether the patient has an own account: by age, or by having an e-ID where that is enough."""
        if self._reached(self.ages.own_account_from, surely=True):
            return True
        by_e_id = self.ages.login_from == "e_id"
        return by_e_id and self.viewer is not None and self.viewer.at(self.q.at).has_e_id

    def _assessed_copies(self) -> Iterator[DecisionReason]:
        """The measures in force during which the viewer was given a copy on paper, after a harm assessment (JH-10)."""
        yield from self._assessed(AccessReason.PAPER_COPY_ASSESSED, lambda m: m.copies, {self.q.viewer})

    def _refused_copies(self) -> Iterator[DecisionReason]:
        """The measures in force whose newest assessment gives the viewer no copy on paper (JH-10, KR-10)."""
        if self.q.service is Service.PAPER_COPY:
            whom = {self.q.viewer, *(person.person_id for person in self._whom_the_viewer_may_be())}
            yield from self._assessed(AccessReason.PAPER_COPY_REFUSED, lambda m: m.copies_refused, whom)

    def _assessed(
        self,
        why: AccessReason,
        copies: Callable[[Measure], frozenset[PaperCopy]],
        whom: Collection[PersonId | None],
    ) -> Iterator[DecisionReason]:
        birth = self.patient.birth
        during = [
            m
            for m in self.facts.measures
            if (found := copies(m)) and m.in_force(self.q.at, birth) and any(c.to in whom for c in found)
        ]
        if during:
            yield replace(self._says(why), measures=tuple(m.measure_id for m in during))

    def is_shut_out(self) -> bool:
        """Whether the viewer is a guardian whom a measure or protected identity shuts out, wherever the measure was made."""
        if self.is_own or self.viewer is None:
            return False
        everything = (*self.facts.measures, *(outside.measure for outside in self.facts.elsewhere))
        for m in everything:
            if m.in_force(self.q.at, self.patient.birth) and (
                m.kind is MeasureKind.CHILD_SEAL
                or (m.kind in AGAINST_GUARDIANS and self._hits_guardian(m, self.viewer.person_id))
            ):
                return True
        return self._protected_between(self.viewer)

    def _protected_between(self, viewer: Person | None) -> bool:
        """Whether the patient, a viewer, or somebody whom the viewer may turn out to be has protected identity."""
        return (
            self.now.protected
            or (viewer is not None and viewer.at(self.q.at).protected)
            or any(person.at(self.q.at).protected for person in self._whom_the_viewer_may_be())
        )

    def _guardian_grounds(self) -> Iterator[DecisionReason]:
        if self.q.service is Service.PAPER_COPY and not self.is_shut_out():
            yield from self._assessed_copies()
        if not self._reached(self.ages.guardian_until, surely=False):
            proxy = self.q.service is Service.E_SERVICES
            yield self._says(
                AccessReason.GUARDIAN_PROXY if proxy else AccessReason.GUARDIAN_OF_CHILD_UNDER_13
            )
        elif self.q.service is Service.JOURNAL and not self._reached(self.ages.own_record_from, surely=False):
            for grant in self._grants(MeasureKind.GUARDIAN_GRANT, running=True):
                yield self._says(AccessReason.GUARDIAN_GRANT, grant)

    def lacking(self) -> Iterator[DecisionReason]:
        """Why there is no ground."""
        if self.is_own and self.patient.registered:
            yield from self._own_lacks()
        elif self.is_guardian and self._reached(self.ages.guardian_until, surely=False):
            yield from self._ran_out(MeasureKind.GUARDIAN_GRANT)
            yield self._says(AccessReason.GUARDIAN_OF_13_OR_OLDER)
        else:
            yield from self._ran_out(MeasureKind.REPRESENTATIVE_GRANT)
            yield self._says(AccessReason.NO_RELATION)
            if self._was_guardian() and self._reached(self.ages.guardian_until, surely=False):
                yield self._says(AccessReason.GUARDIAN_OF_13_OR_OLDER)

    def _own_lacks(self) -> Iterator[DecisionReason]:
        if not self._may_log_in():
            yield self._says(AccessReason.UNDER_13_OWN_LOGIN)
            return
        yield from self._ran_out(MeasureKind.MINOR_GRANT)
        yield self._says(AccessReason.AGE_13_TO_15)

    def _ran_out(self, kind: MeasureKind) -> Iterator[DecisionReason]:
        if self.q.service is Service.JOURNAL and (ended := self._grants(kind, running=False)):
            birth = self.patient.birth
            last = max(_end_of(m, birth) for m in ended)
            yield self._says(AccessReason.GRANT_EXPIRED, *(m for m in ended if _end_of(m, birth) == last))

    def _was_guardian(self) -> bool:
        return any(c.guardian == self.q.viewer for v in self.patient.versions for c in v.custody)

    def bars(self) -> Iterator[DecisionReason]:
        """Everything that stands in the way, whatever the ground: identity first, then restrictions."""
        yield from self._identity_bars()
        yield from self._hidden()
        yield from self._refused_copies()
        for m in self.measures:
            if (
                not m.kind.opens
                and self.q.service in m.services
                and m.in_force(self.q.at, self.patient.birth)
            ):
                yield from self._bar_of(m)
        for m in (outside.measure for outside in self.facts.elsewhere):
            if self.q.service in m.services and m.in_force(self.q.at, self.patient.birth):
                for _ in self._bar_of(m):
                    yield self._says(AccessReason.SEALED_ELSEWHERE, m)

    def _hidden(self) -> Iterator[DecisionReason]:
        """What the region shows to nobody online."""
        if self.q.service is Service.JOURNAL:
            for rule in self.version.shown:
                if self._hides(rule):
                    yield _without_measures(AccessReason.NOT_SHOWN, rule.cites)

    def _hides(self, rule: Shown) -> bool:
        asked = self.q.information_type
        young = rule.patient_under is None or not self._reached(rule.patient_under, surely=True)
        unit = rule.except_units is None or self._is_hidden_unit(rule.except_units)
        kind = rule.except_information is None or (
            asked is not None and any(information.is_called(asked) for information in rule.except_information)
        )
        old = rule.since is None or (self.q.recorded_on is not None and self.q.recorded_on < rule.since)
        return young and unit and kind and old

    def _is_hidden_unit(self, hidden: HiddenUnits) -> bool:
        if hidden.until is not None and hidden.until <= self.today:
            return False
        for unit in self.line:
            known = self.facts.units.get(unit)
            name = (known.name or "").casefold() if known is not None else ""
            if unit in hidden.ids or any(word.casefold() in name for word in hidden.named):
                return True
            if known is not None and known.clinic in hidden.clinics:
                return True
        return False

    def _identity_bars(self) -> Iterator[DecisionReason]:
        today = self.today
        if self.now.died_on is not None and self.now.died_on <= today:
            yield self._says(AccessReason.PATIENT_DEAD)
        viewer = self.viewer.at(self.q.at) if self.viewer else None
        if viewer is not None and not self.is_own and viewer.died_on is not None and viewer.died_on <= today:
            yield self._says(AccessReason.VIEWER_DEAD)
        if self.q.service not in _LOGGED_IN:
            return
        if IdType.RESERVNUMMER in (self.now.identity.id_type, viewer.identity.id_type if viewer else None):
            yield self._says(AccessReason.RESERVE_NUMBER)
        if viewer is not None and not viewer.has_e_id:
            yield self._says(AccessReason.NO_E_ID)
        if self.is_guardian and self._protected_between(self.viewer):
            yield self._says(AccessReason.PROTECTED_IDENTITY)
        if self._lacks_full_number():
            yield self._says(AccessReason.NO_FULL_PERSONNUMMER)

    def _lacks_full_number(self) -> bool:
        short = IdType.SAMORDNINGSNUMMER
        if self.ages.own_account_needs_full_personnummer:
            viewer = self.viewer.at(self.q.at).identity.id_type if self.viewer else None
            return viewer is short
        return (
            self.is_own
            and self.ages.own_record_needs_full_personnummer
            and self.q.service is Service.JOURNAL
            and self.now.identity.id_type is short
            and self._reached(self.ages.own_record_from, surely=False)
        )

    def _bar_of(self, m: Measure) -> Iterator[DecisionReason]:
        viewer = self.q.viewer
        match m.kind:
            case MeasureKind.JOURNAL_SEAL if self._about_unit(m) and self._about_date(m):
                yield self._says(AccessReason.JOURNAL_SEAL, m)
            case MeasureKind.CHILD_SEAL:
                yield self._says(AccessReason.CHILD_SEAL, m)
            case MeasureKind.LOGIN_LOCK:
                yield self._says(AccessReason.LOGIN_LOCK, m)
            case MeasureKind.GUARDIAN_BLOCK if viewer and not self.is_own and self._hits_guardian(m, viewer):
                yield self._says(AccessReason.GUARDIAN_BLOCK, m)
            case MeasureKind.GUARDIAN_RESTRICTION if (
                viewer and not self.is_own and self._about_unit(m) and self._hits_guardian(m, viewer)
            ):
                yield self._says(AccessReason.GUARDIAN_RESTRICTION, m)

    def _hits_guardian(self, m: Measure, viewer: PersonId) -> bool:
        """
        A block of *all* guardians hits whoever is one and has not been let out of it; a named one is hit even with custody
        in doubt, and under any number that may be that person's new one.
        """
        if m.guardians is None:
            return m.covers_guardian(viewer) and (self.is_guardian or self._was_guardian())
        return viewer in m.guardians or any(
            other.person_id in m.guardians for other in self._whom_the_viewer_may_be()
        )

    def _whom_the_viewer_may_be(self) -> Iterator[Person]:
        """
        Those who may turn out to be a guardian of whom nothing is known but the number.

        A child's record can name a guardian's new number before the guardian's own record says whose it is. Until then
        the stricter holds: what is directed at somebody who is no guardian beside the viewer is directed at the viewer.
        """
        if self.viewer is None or self.viewer.registered or not self.is_guardian:
            return
        named = {c.guardian for v in self.patient.versions for c in v.custody if c.guardian is not None}
        named.update(guardian for m in self.facts.measures for guardian in m.guardians or ())
        for person_id in named.difference(self.guardians):
            person = self.facts.person(person_id)
            if person is not None:
                yield person

    def _about_date(self, m: Measure) -> bool:
        recorded = self.q.recorded_on
        if recorded is None:
            return True
        after = m.recorded_from is None or m.recorded_from <= recorded
        return after and (m.recorded_to is None or recorded <= m.recorded_to)


Line = tuple[PersonId, Service, UnitId | None]
"""Viewer, service and unit; unit None is every unit without a line of its own."""


def viewers_of(facts: PatientFacts) -> tuple[PersonId, ...]:
    """Everybody who has, had or may have something to do with the patient: itself, guardians, representatives."""
    seen: dict[PersonId, None] = {facts.patient.person_id: None}
    for version in facts.patient.versions:
        seen.update({c.guardian: None for c in version.custody if c.guardian})
    for m in facts.measures:
        seen.update(dict.fromkeys((*(m.guardians or ()), *m.guardians_except)))
        if m.viewer:
            seen[m.viewer] = None
    return tuple(seen)


def may_be_let_in(who: PersonId, facts: PatientFacts, since: datetime) -> bool:
    """
    Whether an answer about the patient at `since` (UTC) or later may be yes to somebody, by what is known now.

    So for the patient, for each guardian whose custody has not ended, and for a representative whose grant is not over;
    not for the dead. Restrictions and ages are not looked at: they end by themselves, and rules change.
    """
    patient, person = facts.patient, facts.person(who)
    if who == patient.person_id:
        return True
    died_on = person.latest.died_on if person is not None else None
    if person is None or (died_on is not None and midnight(died_on) <= since):
        return False
    represents = any(
        m.kind is MeasureKind.REPRESENTATIVE_GRANT and m.viewer == who and m.not_over(since, patient.birth)
        for m in facts.measures
    )
    is_guardian = not patient.has_come_of_age(since) and any(
        c.guardian == who and (c.to_date is None or since < midnight(c.to_date))
        for c in patient.latest.custody
    )
    return represents or is_guardian


def units_of(facts: PatientFacts) -> tuple[UnitId | None, ...]:
    """Every unit that a measure names, after None for all the others."""
    named = sorted({unit for m in facts.all_measures for unit in m.units or ()})
    return (None, *named)


MOST_ENDED_UNITS = 200
"""Units that only measures of the past name are looked at too, as long as they are not more than this."""


def units_answered(facts: PatientFacts, since: datetime) -> frozenset[UnitId]:
    """
    The units that may have an answer of their own at `since` (UTC) or later: those that a measure names which is not over.

    Units that only ended measures name are answered like any unit that none names, but by their own region's rules: a few
    of them are among these, so that their number does not grow with the years.
    """
    birth = facts.patient.birth
    standing: set[UnitId] = set()
    ended: set[UnitId] = set()
    for m in facts.all_measures:
        if m.units:
            (standing if m.not_over(since, birth) else ended).update(m.units)
    ended -= standing
    return frozenset(standing if len(ended) > MOST_ENDED_UNITS else standing | ended)


class AccessSnapshot:
    """
    The answers about one patient at one instant (UTC), line by line; what they share is looked up once.

    That a source is silent is left out of `decision` and `allows`: it changes nobody's access by itself, and is over with
    the source's next word. `answer` says it, as `decide` does.
    """

    def __init__(self, facts: PatientFacts, at: datetime, books: Rulebooks) -> None:
        self.facts = facts
        self.at = at
        self.books = books
        self._moment = _Moment.of(facts, at, indexed=True)
        self._allowed: dict[Line, bool] = {}
        self._decisions: dict[Line, Decision] = {}
        self._answers: dict[Line, Decision] = {}

    def allows(self, line: Line) -> bool:
        """Whether the decision is yes; found out once."""
        allowed = self._allowed.get(line)
        if allowed is None:
            known = self._decisions.get(line)
            if known is not None:
                allowed = known.allowed
            else:
                allowed = _allows(self._question(line), self.facts, self.books, self._moment)
            self._allowed[line] = allowed
        return allowed

    def decision(self, line: Line) -> Decision:
        """The decision with its reasons; found out once."""
        found = self._decisions.get(line)
        if found is None:
            found = _answer(self._question(line), self.facts, self.books, self._moment)
            self._decisions[line] = found
        return found

    def answer(self, line: Line) -> Decision:
        """What `decide` answers; found out once."""
        found = self._answers.get(line)
        if found is None:
            question = self._question(line)
            found = _with_silence(self.decision(line), question, self.facts, self.books)
            self._answers[line] = found
        return found

    def _question(self, line: Line) -> AccessQuestion:
        viewer, service, unit = line
        return AccessQuestion(viewer, service, self.at, unit)


class AccessSnapshots:
    """The snapshots that one judgement and the telling of what it changed ask for, much the same: each is made once."""

    def __init__(self, books: Rulebooks) -> None:
        self._books = books
        self._made: list[AccessSnapshot] = []

    def of(self, facts: PatientFacts, at: datetime) -> AccessSnapshot:
        """The snapshot of a patient at an instant (UTC); facts that say the same have the same one."""
        for made in self._made:
            if made.at == at and (made.facts is facts or made.facts == facts):
                return made
        self._made.append(AccessSnapshot(facts, at, self._books))
        return self._made[-1]


def access_matrix(facts: PatientFacts, at: datetime, books: Rulebooks) -> dict[Line, Decision]:
    """The whole picture of a patient at an instant: every viewer, service and unit with an answer of its own."""
    picture = AccessSnapshot(facts, at, books)
    return {line: picture.decision(line) for line in lines_of(viewers_of(facts), units_of(facts))}


def lines_of(viewers: Iterable[PersonId], units: Sequence[UnitId | None]) -> Iterator[Line]:
    """Every line of some viewers: the services that know no units, then the record at each of the units."""
    for viewer in viewers:
        yield viewer, Service.E_SERVICES, None
        yield viewer, Service.PAPER_COPY, None
        for unit in units:
            yield viewer, Service.JOURNAL, unit


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of the picture that changed; `now` is the answer from then on."""

    viewer: PersonId
    service: Service
    unit: UnitId | None
    gained: bool
    now: Decision


def differences(before: Mapping[Line, Decision], after: Mapping[Line, Decision]) -> tuple[Difference, ...]:
    """
    What changed between two pictures.

    A line that stands in one only is compared with the other's line of the same viewer and service without unit.
    """
    found = []
    for line in dict.fromkeys((*before, *after)):
        was, now = _line(before, line), _line(after, line)
        if now is None:
            continue
        was_allowed = was is not None and was.allowed
        if was_allowed != now.allowed:
            found.append(Difference(*line, gained=now.allowed, now=now))
    return tuple(found)


def _line(lines: Mapping[Line, Decision], line: Line) -> Decision | None:
    viewer, service, _ = line
    return lines.get(line) or lines.get((viewer, service, None))


class ChangePoint(StrEnum):
    """What may change an answer by itself, without anybody's order."""

    BIRTHDAY = "birthday"
    MEASURE_STARTS = "measure_starts"
    MEASURE_ENDS = "measure_ends"
    CUSTODY_BEGINS = "custody_begins"
    CUSTODY_ENDS = "custody_ends"
    REGISTER = "register"
    """The register's word on the patient, a guardian or a representative holds from then on."""
    DEATH = "death"
    RULEBOOK = "rulebook"


def turns(facts: PatientFacts, books: Rulebooks) -> Iterator[tuple[datetime, ChangePoint, str]]:
    """
    Every instant (UTC), in no order, at which an answer about the patient may change by itself, with its cause.

    Both bounds of an uncertain birth date; every age that any version of a rulebook names. The third part says
    which: an age, a measure's id, a person's id, or a region and the day of its new rules.
    """
    birth = facts.patient.birth
    for age, leap in books.turning_ages:
        yield age_begins(birth, age, leap_day_on_28th=leap), ChangePoint.BIRTHDAY, str(age)
        if not birth.certain:
            yield age_begins(birth, age, latest=True, leap_day_on_28th=leap), ChangePoint.BIRTHDAY, str(age)
    for m in facts.all_measures:
        yield m.valid_from, ChangePoint.MEASURE_STARTS, m.measure_id
        if end := m.ends_at(birth):
            yield end, ChangePoint.MEASURE_ENDS, m.measure_id
    yield from _turns_of(facts.patient)
    for version in facts.patient.versions:
        for custody in version.custody:
            if custody.from_date:
                yield midnight(custody.from_date), ChangePoint.CUSTODY_BEGINS, custody.guardian or ""
            if custody.to_date:
                yield midnight(custody.to_date), ChangePoint.CUSTODY_ENDS, custody.guardian or ""
    for person in facts.people.values():
        if person.person_id != facts.patient.person_id:
            yield from _turns_of(person)
    for moment, which in books.turning_days:
        yield moment, ChangePoint.RULEBOOK, which


def _turns_of(person: Person) -> Iterator[tuple[datetime, ChangePoint, str]]:
    for version in person.versions:
        yield version.valid_from, ChangePoint.REGISTER, person.person_id
        if version.died_on:
            yield midnight(version.died_on), ChangePoint.DEATH, person.person_id


def valid_until(facts: PatientFacts, after: datetime, books: Rulebooks) -> datetime | None:
    """
    The next instant (UTC) after `after` at which an answer about the patient may change by itself; None: never.

    Birthdays, starts and ends of measures, custody dates, what the register said of anybody around the patient,
    rulebook versions. An order may change it at any moment before.
    """
    return min((moment for moment, _, _ in turns(facts, books) if moment > after), default=None)


BRIEFLY = timedelta(seconds=5)
"""
How long a yes may be kept by one who may not know why it is a yes.

Long enough for the requests that one page makes, no longer than a reader of `access.changes.v1` needs to hear of an order;
the same for everybody, so that it tells nothing of the patient.
"""


@dataclass(frozen=True, slots=True)
class Brief:
    """
    An answer that may be passed on to the viewer: yes or no, and nothing that tells why.

    `valid_until` (UTC, exclusive): a yes may be kept until then; a no may not be kept, whatever is behind it: None.
    """

    allowed: bool
    valid_until: datetime | None


REFUSED = Brief(allowed=False, valid_until=None)


def is_shut_out(guardian: PersonId, at: datetime, facts: PatientFacts, books: Rulebooks) -> bool:
    """Whether a guardian is shut out at an instant (UTC): by a block, a restriction, a child's seal, or protected identity."""
    moment = _Moment.of(facts, at)
    version = books.default_version(books.region_of_county(moment.patient.county), moment.day)
    question = AccessQuestion(guardian, Service.PAPER_COPY, at)
    return _Case(question, facts, version, moment).is_shut_out()


def brief(question: AccessQuestion, facts: PatientFacts, books: Rulebooks) -> Brief:
    """
    Answer a question with what the viewer may know of the answer.

    A yes may be kept for a constant while, or until the viewer's own next no by time alone, if that is earlier: never
    until the patient's next change, which may be a birthday or the last day of a measure that the viewer must not know
    of (X-23).
    """
    if not decide(question, facts, books).allowed:
        return REFUSED
    return Brief(True, briefly_until(question, facts, books))


def briefly_until(question: AccessQuestion, facts: PatientFacts, books: Rulebooks) -> datetime:
    """The instant (UTC, exclusive) until which a yes to this question may be kept, as `brief` says it."""
    end = question.at + BRIEFLY
    soon = sorted({moment for moment, _, _ in turns(facts, books) if question.at < moment < end})
    return next((at for at in soon if not decide(replace(question, at=at), facts, books).allowed), end)
