"""What changed and what will change about a patient's access by time alone, and the cause of each change.

The past as it is known (at the facts' moment of knowledge), the future as it will be if nobody orders anything.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sigill.policy.access import AccessSnapshot, ChangePoint, Decision, Line, turns, units_of, viewers_of
from sigill.policy.effects import Sentence
from sigill.policy.facts import PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill_contracts.vocabulary import MeasureId, PersonId, Service, UnitId

_TURN: Mapping[ChangePoint, Sentence] = {
    ChangePoint.BIRTHDAY: Sentence("Patienten fyller {age} år.", "The patient turns {age}."),
    ChangePoint.MEASURE_STARTS: Sentence("Börjar gälla: {measure.sv}.", "Comes into force: {measure.en}."),
    ChangePoint.MEASURE_ENDS: Sentence("Upphör: {measure.sv}.", "Ends: {measure.en}."),
    ChangePoint.CUSTODY_BEGINS: Sentence(
        "Vårdnaden börjar enligt registret.", "Custody begins, says the register."
    ),
    ChangePoint.CUSTODY_ENDS: Sentence(
        "Vårdnaden upphör enligt registret.", "Custody ends, says the register."
    ),
    ChangePoint.REGISTER: Sentence(
        "Registrets uppgift gäller från och med nu.", "The register's word holds from then on."
    ),
    ChangePoint.DEATH: Sentence(
        "Personen har avlidit enligt registret.", "The person has died, says the register."
    ),
    ChangePoint.RULEBOOK: Sentence(
        "Nya regler börjar gälla: {rulebook}.", "New rules come into force: {rulebook}."
    ),
}
_BEFORE = timedelta(microseconds=1)
_SERVICES = (Service.JOURNAL, Service.E_SERVICES, Service.PAPER_COPY)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something may change at an instant. Which of the ids is filled in goes by the turn."""

    turn: ChangePoint
    age: int | None = None
    measure: MeasureId | None = None
    person: PersonId | None = None
    rulebook: str | None = None

    @classmethod
    def of(cls, turn: ChangePoint, which: str) -> "Cause":
        """Read the third part of a turn."""
        match turn:
            case ChangePoint.BIRTHDAY:
                return cls(turn, age=int(which))
            case ChangePoint.MEASURE_STARTS | ChangePoint.MEASURE_ENDS:
                return cls(turn, measure=MeasureId(which))
            case ChangePoint.RULEBOOK:
                return cls(turn, rulebook=which)
        return cls(turn, person=PersonId(which) if which else None)


def cause_words(cause: Cause, measure: Sentence | None) -> Sentence:
    """What a cause is called; `measure` is the name of the one that it speaks of, None where it speaks of none."""
    says = _TURN[cause.turn]
    words = {"age": cause.age, "measure": measure, "rulebook": cause.rulebook}
    return Sentence(says.sv.format(**words), says.en.format(**words))


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the picture whose answer, or whose reasons, are others from an instant on."""

    viewer: PersonId
    service: Service
    unit: UnitId | None
    before: Decision
    after: Decision

    @property
    def gained(self) -> bool | None:
        """True: let in from then on; False: shut out; None: the same answer for other reasons."""
        return None if self.before.allowed == self.after.allowed else self.after.allowed


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """An instant (UTC) at which something changes, with every cause and every change of that instant."""

    at: datetime
    causes: tuple[Cause, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """The newest steps of a timeline, in order of time, and where the older ones are."""

    steps: tuple[TimelineStep, ...]
    before: datetime | None
    """Ask through the instant before this one (UTC, exclusive) for the steps that are older; None: there are none."""


def timeline(
    facts: PatientFacts,
    books: Rulebooks,
    *,
    since: datetime,
    until: datetime,
    viewers: Sequence[PersonId] | None = None,
    services: Sequence[Service] = _SERVICES,
    only_gained_or_lost: bool = False,
) -> tuple[TimelineStep, ...]:
    """
    Every change after `since` through `until` (UTC, both moments inclusive of what begins at them), in order of time.

    `viewers` None: everybody who has, had or may have something to do with the patient. Instants at which nothing
    changes for them are left out; with `only_gained_or_lost` also those at which only reasons do.
    """
    causes = _causes(facts, books, since, until)
    lines = _lines(facts, viewers, services)
    return tuple(_steps(facts, books, causes, sorted(causes), lines, only_gained_or_lost))


def timeline_page(
    facts: PatientFacts,
    books: Rulebooks,
    *,
    since: datetime,
    until: datetime,
    most: int,
    before: datetime | None = None,
    viewers: Sequence[PersonId] | None = None,
    services: Sequence[Service] = _SERVICES,
) -> TimelinePage:
    """
    The newest `most` steps (at least one) of what `timeline` tells, earlier than `before` (UTC, exclusive; None: any).

    No instant further back than the page is looked at, but for the one step that shows that there is more. Pages hold each
    step once, since all changes of an instant are one step: what is known meanwhile of another instant moves none of them.
    """
    causes = _causes(facts, books, since, until)
    moments = sorted((at for at in causes if before is None or at < before), reverse=True)
    lines = _lines(facts, viewers, services)
    newest = list(islice(_steps(facts, books, causes, moments, lines, only_gained_or_lost=False), most + 1))
    page = tuple(reversed(newest[:most]))
    return TimelinePage(page, page[0].at if len(newest) > most else None)


def _causes(
    facts: PatientFacts, books: Rulebooks, since: datetime, until: datetime
) -> dict[datetime, dict[Cause, None]]:
    causes: dict[datetime, dict[Cause, None]] = {}
    for moment, turn, which in turns(facts, books):
        if since <= moment <= until:
            causes.setdefault(moment, {})[Cause.of(turn, which)] = None
    return causes


def _lines(
    facts: PatientFacts, viewers: Sequence[PersonId] | None, services: Sequence[Service]
) -> list[Line]:
    return [
        (viewer, service, unit)
        for viewer in (viewers_of(facts) if viewers is None else viewers)
        for service in services
        for unit in (units_of(facts) if service is Service.JOURNAL else (None,))
    ]


def _steps(
    facts: PatientFacts,
    books: Rulebooks,
    causes: Mapping[datetime, Iterable[Cause]],
    moments: Iterable[datetime],
    lines: Sequence[Line],
    only_gained_or_lost: bool,
) -> Iterator[TimelineStep]:
    """The steps of some moments, in the order of the moments."""
    for moment in moments:
        changes = []
        was, now = AccessSnapshot(facts, moment - _BEFORE, books), AccessSnapshot(facts, moment, books)
        for viewer, service, unit in lines:
            before, after = was.answer((viewer, service, unit)), now.answer((viewer, service, unit))
            same = before.allowed == after.allowed
            if same and (only_gained_or_lost or before.reasons == after.reasons):
                continue
            changes.append(Change(viewer, service, unit, before, after))
        if changes:
            yield TimelineStep(moment, tuple(causes[moment]), tuple(changes))
