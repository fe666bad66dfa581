"""Decisions, pictures and timelines as the API and the commands give them: with sentences, rules and measures."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

from sigill.operations.decision_models import (
    MOST_MEASURES,
    CauseTold,
    ChangeTold,
    ChoiceQuestion,
    ChoiceTold,
    DecisionTold,
    DoorTold,
    FormTold,
    LineTold,
    MeasureTold,
    PictureTold,
    ReasonTold,
    StepTold,
    TimelineTold,
    write_cursor,
)
from sigill.operations.decision_service import AccessAnswer
from sigill.operations.facts_loader import CachedPatient
from sigill.operations.paging import page_of
from sigill.policy import sentences
from sigill.policy.access import Decision, access_matrix, valid_until
from sigill.policy.calendar import last_day_before, swedish_date
from sigill.policy.choices import OpenDoor, RiskSituation, choose, open_doors
from sigill.policy.effects import Sentence
from sigill.policy.facts import Measure, PatientFacts
from sigill.policy.form_fields import phone_forms
from sigill.policy.rulebook import Version
from sigill.policy.timeline import Cause, Change, TimelineStep, cause_words
from sigill.processing.citations import PolicyProvider
from sigill.rulebook_docs.clauses import NO_CHOICE, choice_words, door_words
from sigill_contracts.vocabulary import Form, MeasureId, PersonId

Relation = Literal["self", "guardian", "former_guardian", "representative", "other"]


class Presenter:
    """Puts values of the core into the API's words. Keeps what is the same for everybody."""

    def __init__(self, rules: PolicyProvider) -> None:
        """Of the rulebooks as `rules` has them now: where others are read, another presenter is needed."""
        self.books = rules.books
        self._citations = rules.citations
        self._bare: dict[tuple[str, tuple[str, ...]], ReasonTold] = {}

    def choice(self, region: str, version: Version, asked: ChoiceQuestion) -> ChoiceTold:
        """Tell which measure a version chooses, and what stays open."""
        situation = RiskSituation(asked.age, asked.risk, frozenset(asked.signs))
        advice = choose(version, situation)
        rule = advice.rule
        words = NO_CHOICE if rule is None else choice_words(rule)
        return ChoiceTold(
            region=region,
            rulebook=version.since.isoformat(),
            rulebook_digest=self._digest(region, version.since),
            choice=None if rule is None else rule.id,
            forms=() if rule is None else tuple(_form(version, form) for form in rule.forms),
            sv=words.sv,
            en=words.en,
            rules=() if rule is None else self._citations.of(rule.cites),
            open_doors=tuple(_door(door) for door in advice.doors) if rule is not None and rule.forms else (),
            considered=tuple(_form(version, form) for form in asked.forms),
            considered_open_doors=tuple(_door(door) for door in open_doors(version, asked.forms, situation))
            if asked.forms
            else (),
        )

    def brief(self, answered: AccessAnswer) -> DecisionTold:
        """
        Tell yes or no to one who may not know why: what may be passed on to the viewer.

        Region and rules are left out too: where no unit is asked about they are those of the patient's county.
        """
        return DecisionTold.model_construct(
            allowed=answered.decision.allowed,
            as_of=answered.at,
            known_at=answered.known_at,
            valid_until=answered.briefly,
        )

    def decision(self, answered: AccessAnswer, *, explain: bool) -> DecisionTold:
        """Tell one answer to one who may know why; with `explain` in words."""
        decision = answered.decision
        return DecisionTold.model_construct(
            allowed=decision.allowed,
            codes=decision.codes,
            region=decision.region or None,
            rulebook=decision.rulebook,
            rulebook_digest=self._digest(decision.region, swedish_date(answered.at)),
            as_of=answered.at,
            known_at=answered.known_at,
            valid_until=answered.until,
            reasons=self.reasons(decision, answered.facts) if explain else None,
        )

    def reasons(self, decision: Decision, facts: PatientFacts | None) -> tuple[ReasonTold, ...]:
        """Tell every reason of an answer."""
        by_id = {m.measure_id: m for m in facts.measures} if facts else {}
        told = []
        for reason in decision.reasons:
            bare = self._bare.get((reason.code, reason.rules))
            if bare is None:
                says = sentences.ACCESS[reason.code]
                bare = ReasonTold(
                    code=reason.code,
                    sv=says.sv,
                    en=says.en,
                    rules=self._citations.of(reason.rules),
                    measures=(),
                )
                self._bare[reason.code, reason.rules] = bare
            if reason.measures and facts:
                bare = bare.model_copy(
                    update={"measures": tuple(self.measure(by_id[m], facts) for m in reason.measures)}
                )
            told.append(bare)
        return tuple(told)

    def measure(self, m: Measure, facts: PatientFacts) -> MeasureTold:
        """Tell a measure."""
        says = sentences.MEASURE[m.kind]
        ends_at = m.ends_at(facts.patient.birth)
        return MeasureTold.model_construct(
            measure_id=m.measure_id,
            kind=m.kind,
            sv=says.sv,
            en=says.en,
            region=m.region,
            units=None if m.units is None else tuple(sorted(m.units)),
            order_ids=m.orders,
            valid_from=m.valid_from,
            ends_at=ends_at,
            last_day=None if ends_at is None else last_day_before(ends_at),
            released=m.released,
        )

    def picture(
        self,
        opened: CachedPatient,
        at: datetime,
        *,
        after: MeasureId | None = None,
        most: int | None = MOST_MEASURES,
    ) -> PictureTold:
        """
        Tell the whole picture of a patient at an instant.

        Of the measures the `most` newest that follow the one named `after` (None: all of them). An instant long past has every
        later measure still to come.
        """
        facts = opened.facts
        birth = facts.patient.birth
        standing = [m for m in facts.measures if m.not_over(at, birth)]
        page = page_of(
            standing,
            order=lambda m: (m.valid_from, m.measure_id),
            name=lambda m: m.measure_id,
            after=after,
            most=most,
        )
        return PictureTold(
            patient=facts.patient.key,
            as_of=at,
            known_at=opened.known_at,
            valid_until=valid_until(facts, at, self.books),
            lines=tuple(
                LineTold.model_construct(
                    viewer=key_of(viewer, facts),
                    relation=relation_of(viewer, facts, at),
                    service=service,
                    unit=unit,
                    allowed=decision.allowed,
                    region=decision.region or None,
                    rulebook=decision.rulebook,
                    rulebook_digest=self._digest(decision.region, swedish_date(at)),
                    reasons=self.reasons(decision, facts),
                )
                for (viewer, service, unit), decision in access_matrix(facts, at, self.books).items()
            ),
            measures=tuple(self.measure(m, facts) for m in page.items),
            next=page.next,
        )

    def timeline(
        self,
        opened: CachedPatient,
        steps: Iterable[TimelineStep],
        since: datetime,
        until: datetime,
        *,
        before: datetime | None = None,
    ) -> TimelineTold:
        """Tell what changes, when and why; `before` is the instant before which there are more steps, None: there are none."""
        facts = opened.facts
        return TimelineTold(
            patient=facts.patient.key,
            since=since,
            until=until,
            known_at=opened.known_at,
            steps=tuple(
                StepTold(
                    at=step.at,
                    swedish_date=swedish_date(step.at),
                    causes=tuple(self._cause(cause, facts) for cause in step.causes),
                    changes=tuple(self._change(change, facts, step.at) for change in step.changes),
                )
                for step in steps
            ),
            next=None if before is None else write_cursor(before, opened.known_at),
        )

    def _digest(self, region: str, on: date) -> str | None:
        """
        The digest of what judges by a region's name on a Swedish date; None: no region, or one of which no rulebook says
        anything.
        """
        book = self.books.book_of(region, on) if region else None
        return None if book is None else book.digest or None

    def _cause(self, cause: Cause, facts: PatientFacts) -> CauseTold:
        measure = _measure_of(cause.measure, facts)
        told = None if measure is None else self.measure(measure, facts)
        says = cause_words(cause, None if told is None else Sentence(told.sv, told.en))
        return CauseTold(
            turn=cause.turn,
            sv=says.sv,
            en=says.en,
            age=cause.age,
            measure=told,
            person=None if cause.person is None else key_of(cause.person, facts),
            rulebook=cause.rulebook,
        )

    def _change(self, change: Change, facts: PatientFacts, at: datetime) -> ChangeTold:
        access: Literal["gained", "lost", "same"] = "same"
        if change.gained is not None:
            access = "gained" if change.gained else "lost"
        return ChangeTold.model_construct(
            viewer=key_of(change.viewer, facts),
            relation=relation_of(change.viewer, facts, at),
            service=change.service,
            unit=change.unit,
            access=access,
            allowed=change.after.allowed,
            before=self.reasons(change.before, facts),
            after=self.reasons(change.after, facts),
        )


def key_of(person: PersonId, facts: PatientFacts) -> str:
    """The pseudonymous key of somebody of the facts; empty for somebody of whom only a number is known."""
    found = facts.person(person)
    return "" if found is None else found.key


def relation_of(person: PersonId, facts: PatientFacts, at: datetime) -> Relation:
    """What somebody is to the patient at an instant."""
    if person == facts.patient.person_id:
        return "self"
    if person in facts.patient.guardians_at(at):
        return "guardian"
    if any(c.guardian == person for version in facts.patient.versions for c in version.custody):
        return "former_guardian"
    if any(m.viewer == person for m in facts.measures):
        return "representative"
    return "other"


def _measure_of(measure: MeasureId | None, facts: PatientFacts) -> Measure | None:
    return next((m for m in facts.measures if m.measure_id == measure), None)


def _form(version: Version, form: Form) -> FormTold:
    words = sentences.FORM[form]
    return FormTold(
        form=form,
        sv=words.sv,
        en=words.en,
        offered=version.offers(form),
        by_phone=form in phone_forms(version),
    )


def _door(door: OpenDoor) -> DoorTold:
    words = door_words(door)
    return DoorTold(
        way=door.way, service=door.service, opens=door.opens, age=door.age, sv=words.sv, en=words.en
    )
