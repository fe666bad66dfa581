"""
Who is told what, and who never is: a notice is a statement about the recipient's access, and true when it is written.

Whoever plans a notice (an order, a timer, the register, a request, an import) says what it is about. `judged` is the one
way out for all of them: just before a notice is written, the decision function answers for the recipient before and
after, and what does not hold is not sent (X-21). What is held back is recorded with its reason, never with the person.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from sigill.judgement.order_case import OrderEvaluation
from sigill.judgement.silence import silent
from sigill.policy import wording
from sigill.policy.access import AccessSnapshots, Decision, units_answered
from sigill.policy.access_comparison import changed_access
from sigill.policy.calendar import age_begins, swedish_date
from sigill.policy.effects import (
    AddTask,
    Amend,
    CloseTask,
    Effect,
    Impose,
    Notify,
    Parameters,
    Sentence,
    applied,
)
from sigill.policy.facts import Inform, Measure, PatientFacts
from sigill.policy.hits import ever_custodians, hits, was_guardian
from sigill.policy.measure_specs import MEASURE_SPECS, NAMES_GUARDIANS
from sigill.policy.measures_in_force import missing_measures
from sigill.policy.notification_channels import CHANNEL_SPECS
from sigill.policy.requests import who_asked
from sigill.policy.rulebook import InformDefault, NotificationClause, Rulebooks, Version
from sigill.policy.scope import MeasureScope, left_of
from sigill.policy.sentences import TELL_IN_PERSON
from sigill.policy.wording import Audience
from sigill_contracts.vocabulary import (
    IMPOSES,
    RELEASES,
    AccessReason,
    MeasureKind,
    NotificationChannel,
    PersonId,
    RegionCode,
    Service,
    Suppression,
    Template,
    UnitId,
)

INSTANT = timedelta(microseconds=1)
_LINES = (Service.JOURNAL, Service.E_SERVICES)


class Claim(StrEnum):
    """What a template claims about the access that it speaks of, before and after."""

    GAINS = "gains"
    LOSES = "loses"
    WILL_GAIN = "will_gain"
    """On the day that the notice speaks of, by what is known now."""
    WILL_LOSE = "will_lose"
    SHUT = "shut"
    """What the notice is about shuts the recipient out now."""
    STILL_SHUT = "still_shut"
    """Nothing changes: it shut the recipient out before, and does now."""
    NONE = "none"


_OF_OWN_ACCESS = (Audience.SELF, Audience.GUARDIAN, Audience.REPRESENTATIVE)

CLAIMS: Mapping[Template, Mapping[Audience, Claim]] = {
    Template.MEASURE_IMPOSED: {
        Audience.SELF: Claim.SHUT,
        Audience.GUARDIAN: Claim.LOSES,
        Audience.REPRESENTATIVE: Claim.LOSES,
    },
    Template.MEASURE_CONTINUED: dict.fromkeys(Audience, Claim.STILL_SHUT),
    Template.MEASURE_RELEASED: dict.fromkeys(_OF_OWN_ACCESS, Claim.GAINS),
    Template.GRANT_GIVEN: dict.fromkeys(_OF_OWN_ACCESS, Claim.GAINS),
    Template.GRANT_EXPIRING: dict.fromkeys(_OF_OWN_ACCESS, Claim.WILL_LOSE),
    Template.GRANT_EXPIRED: dict.fromkeys(_OF_OWN_ACCESS, Claim.LOSES),
    Template.GRANT_REVOKED: dict.fromkeys(Audience, Claim.LOSES),
    Template.AGE_13_AHEAD: {Audience.GUARDIAN: Claim.WILL_LOSE},
    Template.AGE_13: {Audience.SELF: Claim.GAINS, Audience.GUARDIAN: Claim.LOSES},
    Template.AGE_16_AHEAD: {Audience.SELF: Claim.WILL_GAIN, Audience.GUARDIAN: Claim.WILL_LOSE},
    Template.AGE_16: {Audience.SELF: Claim.GAINS},
    Template.AGE_18: {Audience.SELF: Claim.NONE},
    Template.STANDARD_REPLY: {Audience.GUARDIAN: Claim.STILL_SHUT},
    Template.RELEASE_REFUSED: dict.fromkeys(Audience, Claim.STILL_SHUT),
    Template.FOLLOW_UP_OVERDUE: {},
    Template.SIGNED_FORM_OVERDUE: {},
    Template.CARD_REVOKED_LATE: {},
    Template.MEASURE_ENDING: {},
    Template.REVIEW_DUE: {},
    Template.ORDER_ENTERED: {},
}
"""What every template claims about each kind of recipient. Those without a recipient go to operators or units alone."""

_SERVICES: Mapping[Template, Mapping[Audience, tuple[Service, ...]]] = {
    Template.AGE_13: {Audience.SELF: (Service.E_SERVICES,)},
    Template.AGE_16_AHEAD: dict.fromkeys(Audience, (Service.JOURNAL,)),
    Template.AGE_16: dict.fromkeys(Audience, (Service.JOURNAL,)),
}
"""Which services a birthday's template speaks of; left out: both."""

_HANDOVER = frozenset({Template.AGE_13_AHEAD, Template.AGE_13})
"""They tell a guardian that the child takes over its own account: not so while a measure shuts that account."""
_OF_OTHERS = frozenset({Template.MEASURE_CONTINUED, Template.GRANT_REVOKED, Template.RELEASE_REFUSED})
"""What the child is told of its guardians' access, too."""
_BIRTHDAYS = frozenset({Template.AGE_13, Template.AGE_16, Template.AGE_18})
_AGES = _BIRTHDAYS | {Template.AGE_13_AHEAD, Template.AGE_16_AHEAD}


# --- planning


def to_person(
    person: PersonId,
    template: Template,
    region: RegionCode,
    about: Iterable[Measure] = (),
    *,
    clause: NotificationClause | None = None,
    rules: tuple[str, ...] = (),
    told: bool = True,
    channel: str = NotificationChannel.INBOX,
    others: tuple[PersonId, ...] = (),
    answers: bool = False,
    day: datetime | None = None,
) -> Notify:
    """Plan to tell one person of some measures; `told` false: neither the order nor the rules say so."""
    return Notify(
        to=person,
        template=template,
        text=Sentence("", ""),
        region=region,
        channel=clause.channel if clause else channel,
        rules=rules,
        suppressed=None if told else Suppression.NOT_TOLD_BY_DEFAULT,
        about=tuple(about),
        others=others,
        answers=answers,
        day=day,
        more=Sentence(clause.sv, clause.en) if clause else Sentence("", ""),
    )


def to_asker(
    person: PersonId, patient: PersonId, region: RegionCode, about: Iterable[Measure], word: Inform
) -> Notify:
    """Plan to answer one who asked for what has ended (X-06), unless the `word` of the request or its answer says not."""
    said = word.patient if person == patient else word.guardians
    return to_person(
        person,
        Template.MEASURE_RELEASED,
        region,
        about,
        rules=("X-06",),
        told=said is not False,
        answers=True,
    )


def about_age(
    person: PersonId, template: Template, region: RegionCode, age: int, *, due: datetime, day: datetime
) -> Notify:
    """Plan to tell one person of a birthday: `due` is when it is to be written, `day` the birthday (UTC both)."""
    ahead = template not in _BIRTHDAYS
    return replace(
        to_person(person, template, region),
        age=age,
        day=day if ahead else None,
        due=None if ahead else due,
    )


def default_of(version: Version, template: Template) -> InformDefault:
    """Who is told by default, where the order leaves it out."""
    match template:
        case Template.MEASURE_IMPOSED:
            return version.inform_default.imposed
        case Template.MEASURE_CONTINUED:
            return version.inform_default.continued
        case Template.MEASURE_RELEASED:
            return version.inform_default.released
        case _:
            return InformDefault(guardians=True, patient=True)


def guardians_told(version: Version, template: Template, inform: Inform) -> bool:
    """Whether guardians are told, by an order's word or else by the region's rules."""
    return default_of(version, template).guardians if inform.guardians is None else inform.guardians


def patient_told(version: Version, template: Template, inform: Inform) -> bool:
    """Whether the patient is told, by an order's word or else by the region's rules."""
    return default_of(version, template).patient if inform.patient is None else inform.patient


def of_order(case: OrderEvaluation, after: PatientFacts, measures: Iterable[Measure]) -> Iterator[Notify]:
    """What an executed order has told, clause by clause of the rulebook."""
    kind = IMPOSES.get(case.form.form) or RELEASES.get(case.form.form)
    # what comes beside a block is no measure against the other guardians: they are not written to about it
    touched = tuple(measures)
    own = tuple(m for m in touched if kind is None or m.kind is kind)
    done: set[tuple[PersonId | None, Template]] = set()
    for entry in case.entries:
        for clause in entry.tells or ():
            known_already = _told_at_the_call(case, after, clause)
            for tell in _clause(case, after, touched if clause.to == "patient" else own, clause, entry.cites):
                if tell.to in known_already or (tell.to, tell.template) in done:
                    continue
                done.add((tell.to, tell.template))
                yield tell
    if kind is not None and not kind.opens and case.form.form in IMPOSES:
        yield from _of_ended_grants(case, touched)


def _of_ended_grants(case: OrderEvaluation, touched: Iterable[Measure]) -> Iterator[Notify]:
    """
    Who loses a grant by a measure that ends it (VG-01) is told, unless the order says not (X-24).

    A guardian would learn of the measure by it, so that it takes what telling guardians of the measure takes.
    """
    inform = Inform(case.form.inform.guardians, case.form.inform.patient)
    guardians = guardians_told(case.version, Template.MEASURE_IMPOSED, inform)
    for m in touched:
        if not (m.kind.opens and m.released):
            continue
        holders = ((m.viewer,) if m.viewer else ()) if m.guardians is None else m.guardians
        told = guardians if m.guardians is not None else inform.patient is not False
        for person in holders:
            yield to_person(
                person, Template.GRANT_REVOKED, RegionCode(case.form.region), (m,), rules=m.rules, told=told
            )


def _told_at_the_call(
    case: OrderEvaluation, after: PatientFacts, clause: NotificationClause
) -> frozenset[PersonId]:
    """The signed form after a call tells nobody again; it does tell whom the call did not name, or not inform."""
    if clause.template is not Template.MEASURE_IMPOSED or not case.confirmed:
        return frozenset()
    call = next((m for m in case.confirmed if m.beside is None), case.confirmed[0])
    told = _word(case, clause, call.inform)
    return frozenset(_recipients(case, after, (call,), clause)) if told else frozenset()


def _word(case: OrderEvaluation, clause: NotificationClause, inform: Inform) -> bool:
    """Whether a clause tells, by what an order says and else by the region's rules."""
    match clause.told:
        case "inform_patient":
            return patient_told(case.version, clause.template, inform)
        case "inform_guardians":
            return guardians_told(case.version, clause.template, inform)
        case "written_confirmation":
            return bool(inform.written_confirmation)
        case "not_inform_guardians":
            return inform.guardians is False
        case _:
            return True


def _clause(
    case: OrderEvaluation,
    after: PatientFacts,
    touched: tuple[Measure, ...],
    clause: NotificationClause,
    rules: tuple[str, ...],
) -> Iterator[Notify]:
    region = RegionCode(case.form.region)
    if clause.to == "operators":
        text = wording.label(clause.template)
        more = Sentence(f"{text.sv} {clause.sv}".strip(), f"{text.en} {clause.en}".strip())
        yield Notify(None, clause.template, more, region, "console", rules=rules)
        return
    said = case.form.inform
    inform = Inform(said.guardians, said.patient, said.written_confirmation)
    asking = frozenset(who_asked(case.request, after)) if case.request is not None else frozenset()
    if case.request is not None:
        inform = case.request.inform.overlaid(inform)
    for person in _recipients(case, after, touched, clause):
        answers = person in asking
        # whoever asked is answered, unless an order says not
        asked = Inform(True, True).overlaid(inform) if answers else inform
        about, others = subject(after, touched, person, clause.template)
        if about:
            yield to_person(
                person,
                clause.template,
                region,
                about,
                clause=clause,
                rules=rules,
                told=_word(case, clause, asked),
                others=others,
                answers=answers,
            )


def subject(
    facts: PatientFacts, touched: Iterable[Measure], person: PersonId, template: Template
) -> tuple[tuple[Measure, ...], tuple[PersonId, ...]]:
    """The measures that a notice to somebody is about, and whose access it speaks of, where not the recipient's."""
    touched = tuple(touched)
    over = [m for m in touched if m.released]
    lasting = [m for m in touched if not m.released]
    ends = template in (Template.MEASURE_RELEASED, Template.GRANT_REVOKED)
    chosen = (over or lasting) if ends else (lasting or over)
    if person != facts.patient.person_id:
        return tuple(m for m in chosen if _is_about(m, person)), ()
    own = tuple(m for m in chosen if MEASURE_SPECS[m.kind].told_patient)
    if own or template not in _OF_OTHERS:
        return own, ()
    # those concerned are told too: the child, of what holds for its guardians (JH-20, JH-28)
    of_guardians = tuple(m for m in chosen if m.kind in NAMES_GUARDIANS)
    return of_guardians, ever_guardians(facts, of_guardians)


def _is_about(m: Measure, person: PersonId) -> bool:
    if m.kind is MeasureKind.REPRESENTATIVE_GRANT:
        return m.viewer == person
    spec = MEASURE_SPECS[m.kind]
    return spec.told_guardians and (not spec.names_guardians or m.covers_guardian(person))


def _recipients(
    case: OrderEvaluation, after: PatientFacts, touched: tuple[Measure, ...], clause: NotificationClause
) -> tuple[PersonId, ...]:
    match clause.to:
        case "patient":
            return (after.patient.person_id,)
        case "representative":
            return tuple(dict.fromkeys(m.viewer for m in touched if m.viewer))
        case "asking_guardian":
            return case.named or ()
        case _:
            return _guardians_told(after, touched, clause.template, case.at)


def _guardians_told(
    facts: PatientFacts, touched: tuple[Measure, ...], template: Template, at: datetime
) -> tuple[PersonId, ...]:
    """Those for whom it ended, where an end is told; else those for whom it goes on (JH-19, JH-20)."""
    over = [m for m in touched if m.released]
    kinds = {m.kind for m in over}
    ended = guardians_of(facts, over, at)
    lasting = guardians_of(
        facts, (m for m in touched if not m.released and (not kinds or m.kind in kinds)), at
    )
    if template in (Template.MEASURE_RELEASED, Template.GRANT_REVOKED):
        return tuple(g for g in ended if g not in lasting)
    return lasting or ended


def guardians_of(facts: PatientFacts, measures: Iterable[Measure], at: datetime) -> tuple[PersonId, ...]:
    """The guardians whom measures are about: those named, else all who have custody, but for those let out."""
    found: dict[PersonId, None] = {}
    custodians = facts.patient.guardians_at(at)
    for m in measures:
        of_some = m.kind in NAMES_GUARDIANS
        whom = m.guardians if of_some and m.guardians is not None else custodians
        found.update(dict.fromkeys(g for g in whom if not of_some or m.covers_guardian(g)))
    return tuple(found)


def ever_guardians(facts: PatientFacts, measures: Iterable[Measure]) -> tuple[PersonId, ...]:
    """The guardians whom measures are about, those who once had custody among them."""
    found: dict[PersonId, None] = {}
    custody = [c.guardian for v in facts.patient.versions for c in v.custody if c.guardian is not None]
    for m in measures:
        whom = m.guardians if m.guardians is not None else custody
        found.update(dict.fromkeys(g for g in whom if m.covers_guardian(g)))
    return tuple(found)


# --- judging


@dataclass(frozen=True, slots=True)
class Moments:
    """
    What is compared: the facts at the instant before a change took effect, and at the moment of writing (UTC).

    For an order both instants are the same, and the facts differ; for a timer the facts are the same.
    """

    before: PatientFacts
    was_at: datetime
    after: PatientFacts
    now: datetime


@dataclass(frozen=True, slots=True)
class NoticeVerdict:
    """A notice as it is to be written, and what people must do about it."""

    tell: Notify
    task: AddTask | None = None


def judged(
    effects: Iterable[Effect],
    before: PatientFacts,
    was_at: datetime,
    now: datetime,
    books: Rulebooks,
    snapshots: AccessSnapshots | None = None,
) -> tuple[Effect, ...]:
    """
    The effects of an order, a timer or the register's word, with every notice among them judged. The one way out.

    `before` are the facts until now, compared at `was_at` (UTC) with what they are after the effects at `now` (UTC).
    `snapshots` are those that others ask too, of the same books; None: the notices' own.
    """
    effects = tuple(effects)
    moments = Moments(before, was_at, applied(before, effects), now)
    asked = _Questions(moments, books, snapshots or AccessSnapshots(books))
    return tuple(_each(effects, asked))


def _each(effects: tuple[Effect, ...], asked: "_Questions") -> Iterator[Effect]:
    yield from _told_no_more(asked.moments)  # before what is to be told now
    yield from _shut_again(asked, [e.measure for e in effects if isinstance(e, Impose | Amend)])
    for effect in effects:
        if not isinstance(effect, Notify) or effect.to is None:
            yield effect
            continue
        verdict = _Notice(effect, asked).verdict()
        yield verdict.tell
        if verdict.task is not None:
            yield verdict.task


def _told_no_more(moments: Moments) -> Iterator[CloseTask]:
    """What nobody is to tell in person, or to look at, any more: it would not be true (X-21), or has ended."""
    before, after = moments.before, moments.after
    dead = after.patient.has_died(moments.now)  # nobody is told about the dead
    going_on = {} if dead else _not_over_by_lineage(after, moments.now)
    for lineage, were in _not_over_by_lineage(before, moments.was_at).items():
        still = going_on.get(lineage, [])
        if len(still) >= len(were):
            continue
        for person in _readers(were, after):
            of_person = [m for m in were if hits(m, person, before, moments.was_at)]
            if any(hits(m, person, after, moments.now) for m in still) if of_person else still:
                continue
            for template in _OF_GRANTS if were[0].kind.opens else _OF_PROTECTION:
                yield CloseTask("tell_in_person", f"{template}:{lineage}:{person}")
        if not still:
            for order_id in dict.fromkeys(order_id for m in were for order_id in m.orders):
                for kind in ("decided_before_release", "resumed_after_end"):
                    yield CloseTask(kind, f"{order_id}:{kind}")
    begun = {m.measure_id for m in before.in_force(moments.was_at)}
    for m in () if dead else after.in_force(moments.now):
        if m.measure_id not in begun:
            yield from _begun_again(m, after, moments.now)
    yield from told_no_more_to(moments)


def _shut_again(asked: "_Questions", touched: Collection[Measure] | None) -> Iterator[CloseTask]:
    """
    Nobody is to tell that a measure was lifted to somebody who has lost since all that it had shut: to another measure, or on
    a birthday (X-21). What is lost is asked of the snapshots that the change is told from, which know it then; `touched` as
    of `changed_access`.
    """
    moments = asked.moments
    before, after, now = moments.before, moments.after, moments.now
    birth = after.patient.birth
    lifted = [m for m in after.measures if m.released and not m.kind.opens and not m.not_over(now, birth)]
    if not lifted:
        return
    was, are = asked.snapshots.of(before, moments.was_at), asked.snapshots.of(after, now)
    lost: dict[PersonId, set[tuple[Service, UnitId | None]]] = {}
    for line in changed_access(was, are, touched):
        if not line.gained:
            lost.setdefault(line.viewer, set()).add((line.service, line.unit))
    answered = set(asked.units)
    for lineage, rows in _by_lineage(lifted if lost else ()).items():
        for person in _readers(rows, after):
            # a unit without an answer of its own has that of all the others
            lines = {
                line
                for m in rows
                if hits(m, person, after, now)
                for line in _lines_of(
                    m.services,
                    asked.units if m.units is None else {u if u in answered else None for u in m.units},
                )
            }
            if not lost.get(person, set()).isdisjoint(lines) and not any(
                are.allows((person, *line)) for line in lines
            ):
                yield CloseTask("tell_in_person", f"{Template.MEASURE_RELEASED}:{lineage}:{person}")


def shut_out_by_the_register(moments: Moments, books: Rulebooks) -> Iterator[CloseTask]:
    """
    What nobody is to tell any more, since the register's word has shut somebody out of all that was lifted (X-21).

    `moments` compares the facts before that word with those after it and the effects; `judged` is told of the effects alone.
    """
    yield from _shut_again(_Questions(moments, books, AccessSnapshots(books)), None)


def _by_lineage(measures: Iterable[Measure]) -> dict[str, list[Measure]]:
    """Measures by what a task to tell of them is named by: one task is about all of a lineage."""
    found: dict[str, list[Measure]] = {}
    for m in measures:
        found.setdefault(m.lineage, []).append(m)
    return found


def _not_over_by_lineage(facts: PatientFacts, at: datetime) -> dict[str, list[Measure]]:
    return _by_lineage(m for m in facts.measures if m.not_over(at, facts.patient.birth))


def told_no_more_to(moments: Moments) -> Iterator[CloseTask]:
    """What is not to be told in person any more to somebody who is concerned no longer: dead, custody ended, a mark (X-22)."""
    before, after = moments.before, moments.after
    if moments.was_at == moments.now and before.patient is after.patient and before.people is after.people:
        return  # an order: nobody's state has changed
    patient = after.patient.person_id
    readers = _readers((*before.measures, *after.measures), after)
    gone = [
        person
        for person in readers
        if _may_be_told(person, before, moments.was_at) and not _may_be_told(person, after, moments.now)
    ]
    lineages = dict.fromkeys(m.lineage for m in after.measures) if gone else {}
    for person in gone:
        for lineage in lineages:
            for template in _OF_ENDS:
                yield CloseTask("tell_in_person", f"{template}:{lineage}:{person}")
        for template in _AGES if person == patient else ():
            yield CloseTask("tell_in_person", f"{template}:{patient}:{person}")


def _may_be_told(person: PersonId, facts: PatientFacts, at: datetime) -> bool:
    """Whether something about the patient may be told to somebody, whatever it is."""
    patient, somebody = facts.patient, facts.person(person)
    if patient.has_died(at) or (somebody is not None and somebody.has_died(at)):
        return False
    if person not in patient.guardians_at(at):
        return not was_guardian(person, facts)
    return not (patient.at(at).protected or (somebody is not None and somebody.at(at).protected))


def _begun_again(m: Measure, facts: PatientFacts, now: datetime) -> Iterator[CloseTask]:
    """
    Nobody is to be told that the same has ended, all of which is in force again before it was told.

    All of its lineage: what came beside it, or went on after it, is told of in the same task.
    """
    over = [other for other in facts.measures if not other.not_over(now, facts.patient.birth)]
    alike = (o for o in over if o.kind is m.kind and MeasureScope.of(o).meets(MeasureScope.of(m)))
    lineages = dict.fromkeys(o.lineage for o in alike)
    for lineage, rows in _by_lineage(o for o in over if o.lineage in lineages).items():
        for person in _readers(rows, facts):
            if not _concerns(m, person, facts, now):
                continue
            ended = [o for o in rows if _concerns(o, person, facts, now)]
            if ended and all(_whole_again(o, person, facts, now) for o in ended):
                for template in _OF_ENDS:
                    yield CloseTask("tell_in_person", f"{template}:{lineage}:{person}")


def _whole_again(ended: Measure, person: PersonId, facts: PatientFacts, now: datetime) -> bool:
    """Whether all that an ended measure was for somebody is in force again; of a part that is not, there is still to tell."""
    alike = [m for m in facts.in_force(now) if m.kind is ended.kind and _concerns(m, person, facts, now)]
    return all(
        left_of(_for_one(ended), (_for_one(m) for m in alike if service in m.services), ()) is None
        for service in ended.services
    )


def _for_one(m: Measure) -> MeasureScope:
    """What of the record a measure covers for one whom it concerns."""
    return replace(MeasureScope.of(m), guardians=None, guardians_except=())


def _concerns(m: Measure, person: PersonId, facts: PatientFacts, now: datetime) -> bool:
    return _lets_in(m, person) or hits(m, person, facts, now)


def _lets_in(m: Measure, person: PersonId) -> bool:
    if m.kind is MeasureKind.MINOR_GRANT:
        return person == m.patient
    return m.kind.opens and (person == m.viewer or person in (m.guardians or ()))


def _readers(measures: Iterable[Measure], facts: PatientFacts) -> tuple[PersonId, ...]:
    """Everybody to whom something may have been to be told of measures."""
    rows = tuple(measures)
    viewers = (m.viewer for m in rows if m.viewer is not None)
    named = (guardian for m in rows for guardian in m.guardians or ())
    return tuple(dict.fromkeys((facts.patient.person_id, *ever_custodians(facts), *named, *viewers)))


_OF_PROTECTION = (Template.MEASURE_IMPOSED, Template.MEASURE_CONTINUED, Template.RELEASE_REFUSED)
_OF_GRANTS = (Template.GRANT_GIVEN, Template.GRANT_EXPIRING)
_OF_ENDS = (Template.MEASURE_RELEASED, Template.GRANT_EXPIRED, Template.GRANT_REVOKED)
"""What is told of a measure while it stands, and of its end."""


def judge_notice(tell: Notify, moments: Moments, books: Rulebooks) -> NoticeVerdict:
    """
    Judge one planned notice to a person at the moment of writing: whether it is true, and may be told, and how.

    A pure function: the caller's facts, the caller's clock.
    """
    return _Notice(tell, _Questions(moments, books, AccessSnapshots(books))).verdict()


class _Questions:
    """What the notices of one order ask: much the same, found out once."""

    def __init__(self, moments: Moments, books: Rulebooks, snapshots: AccessSnapshots) -> None:
        self.moments, self.books, self.snapshots = moments, books, snapshots

    @cached_property
    def units(self) -> tuple[UnitId | None, ...]:
        """Every unit that may have an answer of its own before or after, behind None for all the others."""
        since = self.moments.was_at
        named = units_answered(self.moments.before, since) | units_answered(self.moments.after, since)
        return (None, *sorted(named))


class _Notice:
    """One notice with what its judgement needs looked up once."""

    def __init__(self, tell: Notify, asked: _Questions) -> None:
        assert tell.to is not None
        self.tell, self._asked = tell, asked
        self.moments, self.books = moments, books = asked.moments, asked.books
        self.to: PersonId = tell.to
        self.after, self.now = moments.after, moments.now
        self.patient = moments.after.patient
        county = books.region_of_county(self.patient.at(self.now).county)
        self.version = books.default_version(county, swedish_date(self.now))
        self.own = self.to == self.patient.person_id
        self.audience = self._audience()
        self.claim = CLAIMS[tell.template].get(self.audience)  # None: nothing is claimed of such a reader

    def _audience(self) -> Audience:
        if self.own:
            return Audience.CHILD if self.tell.others else Audience.SELF
        if any(m.viewer == self.to for m in self.tell.about):
            return Audience.REPRESENTATIVE
        return Audience.GUARDIAN

    def verdict(self) -> NoticeVerdict:
        """The notice as it is to be written, or the record that it is not."""
        held = self._held_back()
        channel = self._channel()
        if held is None and channel is None:
            held = Suppression.GUARDIANS_READ_INBOX
        told = replace(
            self.tell,
            text=self._text(),
            channel=channel or self.tell.channel,
            suppressed=held,
            parameters=self._parameters() if held is None else None,
        )
        return NoticeVerdict(told, self._task(held, channel))

    # --- whether

    def _held_back(self) -> Suppression | None:
        floor = self._not_concerned()
        if floor is not None:
            return floor
        due = self.tell.due
        if due is not None and swedish_date(due) != swedish_date(self.now):
            return Suppression.DAY_HAS_PASSED
        if self.tell.day is not None and self.tell.day <= self.now:
            return Suppression.DAY_HAS_PASSED
        if not self._holds():
            return Suppression.NOT_TRUE
        if self._silent():
            return Suppression.NOT_TO_BE_INFORMED
        return self.tell.suppressed

    def _silent(self) -> bool:
        """The standard reply to one who asks and is shut out says what everybody is told: no betrayal (X-23)."""
        if self.tell.template is Template.STANDARD_REPLY:
            return False
        audience = "guardians" if self.audience is Audience.GUARDIAN else "patient"
        return silent(self.after, self.tell.about, audience)  # type: ignore[arg-type]

    def _not_concerned(self) -> Suppression | None:
        if self.patient.at(self.now).died_on is not None:
            return Suppression.PATIENT_DEAD
        somebody = self.after.person(self.to)
        if somebody is not None and somebody.at(self.now).died_on is not None:
            return Suppression.RECIPIENT_DEAD
        if self.audience is not Audience.GUARDIAN:
            return None
        if self.to not in self.patient.guardians_at(self.now):
            return Suppression.NOT_CONCERNED
        if self.patient.at(self.now).protected or (somebody is not None and somebody.at(self.now).protected):
            return Suppression.PROTECTED_IDENTITY
        return None

    def _holds(self) -> bool:
        """Whether what the template claims is what happens, to the recipient or to those of whom it speaks."""
        viewers = self.tell.others or (self.to,)
        if self.audience is Audience.GUARDIAN and self.tell.template in _HANDOVER and self._account_is_shut():
            return False
        match self.claim:
            case None:
                return False
            case Claim.NONE:
                return True
            case Claim.GAINS | Claim.LOSES:
                gains = self.claim is Claim.GAINS
                return any(self._turned(viewer, gains=gains) for viewer in viewers)
            case Claim.WILL_GAIN | Claim.WILL_LOSE:
                gains = self.claim is Claim.WILL_GAIN
                return any(self._will_turn(viewer, gains=gains) for viewer in viewers)
            case Claim.SHUT:
                return any(self._shut(self.after, viewer, self.now) for viewer in viewers)
            case Claim.STILL_SHUT:
                return any(
                    self._shut(self.after, viewer, self.now) and self._was_shut(viewer) for viewer in viewers
                )

    def _account_is_shut(self) -> bool:
        at = self.tell.day or self.now
        account = self._decide(self.after, self.patient.person_id, (Service.E_SERVICES, None), at)
        return not account.allowed and any(reason.measures for reason in account.reasons)

    def _takes_over(self) -> bool:
        """Whether the child gets its own login on the day that the notice speaks of."""
        at, child = self.tell.day or self.now, self.patient.person_id
        return (
            self.tell.age == self.version.ages.own_account_from
            and self._decide(self.after, child, (Service.E_SERVICES, None), at).allowed
        )

    def _lines(self) -> tuple[tuple[Service, UnitId | None], ...]:
        """The services and units that the notice speaks of."""
        everywhere = self._asked.units
        if not self.tell.about:
            services = _SERVICES.get(self.tell.template, {}).get(self.audience, _LINES)
            return tuple(_lines_of(services, everywhere))
        found: dict[tuple[Service, UnitId | None], None] = {}
        for m in self.tell.about:
            units = everywhere if m.units is None else dict.fromkeys(sorted(m.units))
            found.update(dict.fromkeys(_lines_of(m.services, units)))
        return tuple(found)

    def _decide(
        self, facts: PatientFacts, viewer: PersonId, line: tuple[Service, UnitId | None], at: datetime
    ) -> Decision:
        service, unit = line
        return self._asked.snapshots.of(facts, at).answer((viewer, service, unit))

    def _turned(self, viewer: PersonId, *, gains: bool) -> tuple[Service, ...]:
        """The services whose answer has turned for a viewer."""
        return tuple(dict.fromkeys(line[0] for line in self._turned_lines(viewer, gains=gains)))

    def _turned_lines(self, viewer: PersonId, *, gains: bool) -> tuple[tuple[Service, UnitId | None], ...]:
        m = self.moments
        return tuple(
            line
            for line in self._lines()
            if self._decide(self.after, viewer, line, m.now).allowed is gains
            and (
                self._decide(m.before, viewer, line, m.was_at).allowed is not gains
                or (gains and self._begins_as_age_ends(viewer, line))
            )
        )

    def _begins_as_age_ends(self, viewer: PersonId, line: tuple[Service, UnitId | None]) -> bool:
        """Whether a grant begins at the very instant at which an age would have shut the viewer out."""
        if self.tell.template is not Template.GRANT_GIVEN or self.moments.was_at == self.now:
            return False
        about = {m.measure_id for m in self.tell.about}
        without = replace(
            self.after, measures=tuple(m for m in self.after.measures if m.measure_id not in about)
        )
        return not self._decide(without, viewer, line, self.now).allowed

    def _will_turn(self, viewer: PersonId, *, gains: bool) -> tuple[Service, ...]:
        day = self.tell.day
        if day is None:
            return ()
        return tuple(
            dict.fromkeys(
                line[0]
                for line in self._lines()
                if self._will_be_allowed(viewer, line, day) is gains
                and self._will_be_allowed(viewer, line, day - INSTANT) is not gains
            )
        )

    def _will_be_allowed(self, viewer: PersonId, line: tuple[Service, UnitId | None], at: datetime) -> bool:
        """What will be at an instant to come, by what is known now: rules that begin meanwhile are known too (X-09)."""
        shut = {s for wanted in missing_measures(self.after, at, self.books) for s in wanted.imposes.services}
        return line[0] not in shut and self._decide(self.after, viewer, line, at).allowed

    def _shut(self, facts: PatientFacts, viewer: PersonId, at: datetime) -> tuple[Service, ...]:
        """The services that a measure which the notice is about shuts for a viewer."""
        lineages = {m.lineage for m in self.tell.about}
        about = {m.measure_id for m in facts.measures if m.lineage in lineages}
        found: dict[Service, None] = {}
        for line in self._lines():
            decision = self._decide(facts, viewer, line, at)
            if not decision.allowed and any(about & set(r.measures) for r in decision.reasons):
                found[line[0]] = None
        return tuple(found)

    def _was_shut(self, viewer: PersonId) -> bool:
        return bool(self._shut(self.moments.before, viewer, self.moments.was_at))

    # --- how

    def _channel(self) -> str | None:
        """
        The channel that reaches the recipient and nobody else; None: there is none but the unit's own mouth, and no
        account of the recipient's own (X-27).
        """
        channel = self.tell.channel
        if not self.own:
            return channel
        account = (Service.E_SERVICES, None)
        own = self._decide(self.after, self.to, account, self.now)
        too_young = any(code.without_age is AccessReason.TOO_YOUNG_FOR_LOGIN for code in own.codes)
        if too_young or not self._reached(self.version.ages.own_account_from):
            return None
        if any(reason.measures for reason in own.reasons if not own.allowed):
            return NotificationChannel.IN_PERSON
        if CHANNEL_SPECS[NotificationChannel(channel)].of_age_only and not self._reached(
            self.version.ages.of_age
        ):
            return NotificationChannel.IN_PERSON
        if self.tell.template not in _AGES and any(
            self._decide(self.after, guardian, account, self.now).allowed
            for guardian in self.patient.guardians_at(self.now)
        ):
            return NotificationChannel.IN_PERSON
        return channel

    def _reached(self, age: int) -> bool:
        leap = self.version.ages.leap_day_on_28th
        return age_begins(self.patient.birth, age, latest=True, leap_day_on_28th=leap) <= self.now

    def _task(self, held: Suppression | None, channel: str | None) -> AddTask | None:
        """What people tell themselves: where no channel is safe, or where one who asked may not be written to."""
        imposed = self.tell.template is Template.MEASURE_IMPOSED
        told = held is None and channel == NotificationChannel.IN_PERSON
        young = held is Suppression.GUARDIANS_READ_INBOX and imposed
        asked = held is Suppression.NOT_TO_BE_INFORMED and self.tell.answers
        if not (told or young or asked):
            return None
        m = next(iter(self.tell.about), None)
        return AddTask(
            kind="tell_in_person",
            subject=f"{self.tell.template}:{m.lineage if m else self.patient.person_id}:{self.to}",
            text=TELL_IN_PERSON["guardian" if asked else "patient"],
            region=self.tell.region,
            rules=self.tell.rules,
            order_id=m.orders[-1] if m is not None and m.orders else None,
            measure_id=m.measure_id if m is not None else None,
            unit=m.unit if m is not None else None,
        )

    # --- what

    def _services(self) -> tuple[Service, ...]:
        """The services that the text names: those that turn, or are shut."""
        viewer = next(iter(self.tell.others or (self.to,)))
        match self.claim:
            case Claim.GAINS | Claim.LOSES:
                return self._turned(viewer, gains=self.claim is Claim.GAINS)
            case Claim.WILL_GAIN | Claim.WILL_LOSE:
                return self._will_turn(viewer, gains=self.claim is Claim.WILL_GAIN)
            case Claim.SHUT | Claim.STILL_SHUT:
                return self._shut(self.after, viewer, self.now)
            case _:
                return self._turned(viewer, gains=True)

    def _text(self) -> Sentence:
        if self.tell.template is Template.STANDARD_REPLY:
            region = self.books.regions.get(self.tell.region)
            version = region.in_force(swedish_date(self.now)) if region else None
            reply = version.standard_reply if version else None
            return Sentence(reply.sv, reply.en) if reply else Sentence("", "")
        account = self._decide(self.after, self.to, (Service.E_SERVICES, None), self.now).allowed
        services = self._services()
        return wording.notice(
            self.tell.template,
            self.audience,
            wording.NoticeFacts(
                services=services,
                # without a service the text speaks of the record
                partial=(not services or Service.JOURNAL in services) and self._partial(),
                units=tuple(self._unit_names()),
                kinds=tuple(dict.fromkeys(m.kind for m in self.tell.about)),
                through=self._through(),
                day=swedish_date(self.tell.day) if self.tell.day else None,
                age=self.tell.age,
                record_from=self.version.ages.own_record_from,
                reads=self._decide(self.after, self.to, (Service.JOURNAL, None), self.now).allowed,
                errands=account,
                renewable=self._renewable(),
                takes_over=self.tell.template in _HANDOVER and self._takes_over(),
                more=self.tell.more,
            ),
        )

    def _unit_names(self) -> Iterator[str]:
        """The names of the units, to one who may see them, and only where every one has a name."""
        seen = self._seen() or ()
        names = [known.name for unit in seen if (known := self.after.units.get(unit)) and known.name]
        if len(names) == len(seen):
            yield from names

    def _partial(self) -> bool:
        """Whether it is a part of the record only: another part answers otherwise."""
        if self.tell.about and all(m.units is not None for m in self.tell.about):
            return True
        viewer = next(iter(self.tell.others or (self.to,)))
        at = self.tell.day if self.claim in (Claim.WILL_GAIN, Claim.WILL_LOSE) and self.tell.day else self.now
        opens = self.claim in (Claim.GAINS, Claim.WILL_GAIN)
        return any(
            self._decide(self.after, viewer, (Service.JOURNAL, unit), at).allowed is not opens
            for unit in self._asked.units
        )

    def _through(self) -> date | None:
        """The last day in force of what the notice is about, where all of it has one."""
        days = [
            m.last_day(self.patient.birth)
            if m.kind.opens or m.valid_to
            else None  # an age far off is no period
            for m in self.tell.about
            if not m.released
        ]
        return max(d for d in days if d) if days and all(days) else None

    def _renewable(self) -> bool:
        """Whether what ends can be given anew: the region lets it run for some time, and no age ends it."""
        m = next(iter(self.tell.about), None)
        if m is None or not m.kind.opens or m.valid_to is None or m.ends_at(self.patient.birth) != m.valid_to:
            return False
        form = next(f for f, kind in IMPOSES.items() if kind is m.kind)
        version = self.books.version(m.region, swedish_date(self.now))
        by_age = m.ends_at_age is not None and m.valid_to == age_begins(self.patient.birth, m.ends_at_age)
        return version is not None and not by_age and any(e.runs for e in version.matching(form))

    def _parameters(self) -> Parameters:
        tell = self.tell
        whose = {Audience.GUARDIAN: "child", Audience.REPRESENTATIVE: "principal"}.get(self.audience, "own")
        if tell.template is Template.STANDARD_REPLY:
            return Parameters(whose="child")
        begins = [m.valid_from for m in tell.about if not m.released]
        seen = self._seen()
        region = self.books.regions.get(tell.region) if seen is not None else None
        return Parameters(
            whose=whose,  # type: ignore[arg-type]
            units=seen or (),
            region=region.name if region else None,
            period_from=swedish_date(min(begins)) if begins else None,
            period_through=self._through(),
            day=swedish_date(tell.day) if tell.day else None,
            age=tell.age,
            to_do=wording.to_do(tell.template, region.support if region else "", renewable=self._renewable()),
        )

    def _seen(self) -> tuple[UnitId, ...] | None:
        """
        The units that may be named to the recipient; None: neither unit nor region is named (X-28).

        Only one who may see the unit at that moment is told which it is, and nobody about a protected person.
        """
        people = (self.patient, self.after.person(self.to))
        if any(p is not None and p.at(self.now).protected for p in people):
            return None
        named = sorted({unit for m in self.tell.about for unit in m.units or ()})
        asked: tuple[UnitId | None, ...] = tuple(named) or (None,)
        if not all(self._decide(self.after, self.to, (Service.JOURNAL, u), self.now).allowed for u in asked):
            return None
        return tuple(named)


def _lines_of(
    services: Iterable[Service], units: Iterable[UnitId | None]
) -> Iterator[tuple[Service, UnitId | None]]:
    for service in services:
        if service is Service.JOURNAL:
            yield from ((service, unit) for unit in units)
        elif service is Service.E_SERVICES:
            yield service, None


__all__ = [
    "CLAIMS",
    "INSTANT",
    "Claim",
    "Moments",
    "NoticeVerdict",
    "about_age",
    "guardians_of",
    "guardians_told",
    "judge_notice",
    "judged",
    "of_order",
    "patient_told",
    "shut_out_by_the_register",
    "subject",
    "to_asker",
    "to_person",
]
