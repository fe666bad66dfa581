"""May this viewer see this patient's record from this unit at this moment, and why.

Order of evaluation: relation and identity, then age, then grants, then restrictions; a restriction beats a grant.
The answer never depends on a job having run: it is read from validity ranges and birth dates.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter

from sigill.policy.calendar import BirthDate, age_begins, midnight, swedish_date
from sigill.policy.elsewhere import silent_sources
from sigill.policy.facts import Measure, PatientFacts, Person, PersonVersion
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
    answer = _answer(question, facts, books, _Moment.of(facts, question.at))
    silent = tuple(silent_sources(facts, question.at, books)) if books.sources else ()
    if not silent:
        return answer
    closed = question.service in _LOGGED_IN and any(one.rule.silent == "close" for one in silent)
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
            if m.units is None or m.kind not in _BOUND_TO_UNITS:
                self._whole.append((place, m))
                continue
            for unit in m.units:
                self._by_unit.setdefault(unit, []).append((place, m))

    def about(self, unit: UnitId | None, above: Sequence[UnitId] = ()) -> tuple[Measure, ...]:
        """Those that can count in an answer about a unit that lies under others; None: about no unit in particular."""
        named = (unit, *above) if unit is not None else ()
        own = [pair for one in dict.fromkeys(named) for pair in self._by_unit.get(one, [])]
        return tuple(m for _, m in (sorted((*self._whole, *own), key=itemgetter(0)) if own else self._whole))


def _answer(question: AccessQuestion, facts: PatientFacts, books: Rulebooks, moment: _Moment) -> Decision:
    if question.unit is None:
        region = books.region_of_county(moment.patient.county)
    else:
        region = region_of(question.unit, facts.unit_regions, books)
        if region is None:
            return _strictest(question, facts, books, moment)
    return _by(region, books.default_version(region, moment.day), question, facts, moment)


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


def _strictest(question: AccessQuestion, facts: PatientFacts, books: Rulebooks, moment: _Moment) -> Decision:
    """
    Answer about a unit of which nobody knows the region: allowed where every rulebook allows it, else denied with the
    reasons of all that deny (X-08).
    """
    answers = [
        _by(region, version, question, facts, moment) for region, version in versions_for(books, moment.day)
    ]
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

    def _guardian_grounds(self) -> Iterator[DecisionReason]:
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
        for m in self.measures:
            if (
                not m.kind.opens
                and self.q.service in m.services
                and m.in_force(self.q.at, self.patient.birth)
            ):
                yield from self._bar_of(m)
        for m in (one.measure for one in self.facts.elsewhere):
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
            asked is not None and any(one.is_called(asked) for one in rule.except_information)
        )
        old = rule.since is None or (self.q.recorded_on is not None and self.q.recorded_on < rule.since)
        return young and unit and kind and old

    def _is_hidden_unit(self, hidden: HiddenUnits) -> bool:
        if hidden.until is not None and hidden.until <= self.today:
            return False
        for one in self.line:
            known = self.facts.units.get(one)
            name = (known.name or "").casefold() if known is not None else ""
            if one in hidden.ids or any(word.casefold() in name for word in hidden.named):
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
        if self.is_guardian and (
            self.now.protected
            or (viewer is not None and viewer.protected)
            or any(one.at(self.q.at).protected for one in self._whom_the_viewer_may_be())
        ):
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


_BOUND_TO_UNITS = frozenset(
    {
        MeasureKind.JOURNAL_SEAL,
        MeasureKind.GUARDIAN_RESTRICTION,
        MeasureKind.GUARDIAN_GRANT,
        MeasureKind.MINOR_GRANT,
        MeasureKind.REPRESENTATIVE_GRANT,
    }
)
"""Kinds of measures that, naming units, are about those alone; the others are about the whole record."""

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


def units_of(facts: PatientFacts) -> tuple[UnitId | None, ...]:
    """Every unit that a measure names, after None for all the others."""
    named = sorted({unit for m in facts.all_measures for unit in m.units or ()})
    return (None, *named)


MOST_ENDED_UNITS = 200
"""Units that only measures of the past name are looked at too, as long as they are not more than this."""


def units_concerned(
    touched: Collection[Measure], facts: PatientFacts, at: datetime
) -> tuple[UnitId | None, ...]:
    """
    The units whose answers some measures can change, after None for all the others.

    A measure that names units changes no other unit's answer; one about the whole record changes that of every unit that
    has an answer of its own: those that a measure names that is not over.
    """
    if all(m.units is not None and m.kind in _BOUND_TO_UNITS for m in touched):
        return (None, *sorted({unit for m in touched for unit in m.units or ()}))
    birth = facts.patient.birth
    standing = {unit for m in facts.measures if m.not_over(at, birth) for unit in m.units or ()}
    standing |= {unit for m in touched for unit in m.units or ()}
    standing |= {unit for one in facts.elsewhere for unit in one.measure.units or ()}
    ended = {unit for m in facts.measures for unit in m.units or ()} - standing
    return (None, *sorted(standing if len(ended) > MOST_ENDED_UNITS else standing | ended))


def access_matrix(
    facts: PatientFacts, at: datetime, books: Rulebooks, units: Sequence[UnitId | None] | None = None
) -> dict[Line, Decision]:
    """
    The whole picture of a patient at an instant: every viewer, service and unit with an answer of its own.

    `units` limits it to these; None among them is every unit without a line of its own. That a source is silent is left
    out: it changes nobody's access by itself, and is over with the source's next word.
    """
    lines: dict[Line, Decision] = {}
    moment = _Moment.of(facts, at, indexed=True)
    units = units_of(facts) if units is None else units
    for viewer in viewers_of(facts):
        for service in (Service.E_SERVICES, Service.PAPER_COPY):
            lines[viewer, service, None] = _answer(AccessQuestion(viewer, service, at), facts, books, moment)
        for unit in units:
            question = AccessQuestion(viewer, Service.JOURNAL, at, unit)
            lines[viewer, Service.JOURNAL, unit] = _answer(question, facts, books, moment)
    return lines


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
