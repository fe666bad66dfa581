"""What changed and what will change about a patient's access by time alone, and the cause of each change.

The past as it is known (at the facts' moment of knowledge), the future as it will be if nobody orders anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sigill.policy.access import AccessQuestion, ChangePoint, Decision, decide, turns, units_of, viewers_of
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
    causes: dict[datetime, dict[Cause, None]] = {}
    for moment, turn, which in turns(facts, books):
        if since <= moment <= until:
            causes.setdefault(moment, {})[Cause.of(turn, which)] = None
    lines = [
        (viewer, service, unit)
        for viewer in (viewers_of(facts) if viewers is None else viewers)
        for service in services
        for unit in (units_of(facts) if service is Service.JOURNAL else (None,))
    ]
    steps = []
    for moment in sorted(causes):
        changes = []
        for viewer, service, unit in lines:
            before = decide(AccessQuestion(viewer, service, moment - _BEFORE, unit), facts, books)
            after = decide(AccessQuestion(viewer, service, moment, unit), facts, books)
            same = before.allowed == after.allowed
            if same and (only_gained_or_lost or before.reasons == after.reasons):
                continue
            changes.append(Change(viewer, service, unit, before, after))
        if changes:
            steps.append(TimelineStep(moment, tuple(causes[moment]), tuple(changes)))
    return tuple(steps)
