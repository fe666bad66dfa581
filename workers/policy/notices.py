"""Who is told what, and who never is.

Nothing reaches a person whom a decision in force says not to inform. What is held back is recorded with its reason,
never with the person.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from contracts.vocabulary import IMPOSES, RELEASES, MeasureKind, PersonId, RegionCode, Template
from workers.policy.case import Case
from workers.policy.effects import Sentence, Tell
from workers.policy.facts import Measure, PatientFacts
from workers.policy.rulebook import Told
from workers.policy.sentences import NOTICE

ORDER_SAYS_NOT = "the_order_says_not_to_inform"
OTHER_DECISION_SAYS_NOT = "another_decision_in_force_says_not_to_inform"
CHILDS_INBOX = "the_inbox_of_a_child_under_13_is_read_by_guardians"
PROTECTED = "protected_identity"
DEAD = "recipient_has_died"


def text_of(template: Template, extra: Told | None = None) -> Sentence:
    """The notice's text: the standard one, with what the region adds."""
    standard = NOTICE[template]
    if extra is None or not extra.sv:
        return standard
    return Sentence(f"{standard.sv} {extra.sv}", f"{standard.en} {extra.en}")


def must_not_know(facts: PatientFacts, person: PersonId, at: datetime) -> bool:
    """Whether a protective measure in force, or still to come, says that this person must not be told."""
    own = person == facts.patient.person_id
    for m in facts.measures:
        if m.kind.opens or not m.not_over(at, facts.patient.birth):
            continue
        if own and not m.inform.patient:
            return True
        if not own and not m.inform.guardians:
            return True
    return False


def to_person(
    facts: PatientFacts,
    person: PersonId,
    template: Template,
    region: RegionCode,
    at: datetime,
    *,
    clause: Told | None = None,
    rules: tuple[str, ...] = (),
    allowed: bool = True,
    channel: str = "1177",
    mind_other_decisions: bool = True,
) -> Tell:
    """Tell one person, or record why not."""
    return Tell(
        to=person,
        template=template,
        text=text_of(template, clause),
        region=region,
        channel=clause.channel if clause else channel,
        rules=rules,
        suppressed=_held_back(facts, person, at, allowed, mind_other_decisions),
    )


def _held_back(
    facts: PatientFacts, person: PersonId, at: datetime, allowed: bool, mind_other_decisions: bool
) -> str | None:
    if not allowed:
        return ORDER_SAYS_NOT
    somebody = facts.person(person)
    if somebody is not None and somebody.at(at).died_on is not None:
        return DEAD
    if person == facts.patient.person_id and not facts.patient.reached(13, at, surely=True):
        return CHILDS_INBOX
    if mind_other_decisions and must_not_know(facts, person, at):
        return OTHER_DECISION_SAYS_NOT
    return None


def of_order(case: Case, after: PatientFacts, measures: Iterable[Measure]) -> Iterator[Tell]:
    """What an executed order has told, clause by clause of the rulebook."""
    kind = IMPOSES.get(case.form.form) or RELEASES.get(case.form.form)
    # what comes beside a block is no measure against the other guardians: they are not written to about it
    touched = tuple(m for m in measures if kind is None or m.kind is kind)
    done: set[tuple[PersonId | None, Template, bool]] = set()
    for entry in case.entries:
        for clause in entry.tells or ():
            known_already = _told_at_the_call(case, after, clause)
            for tell in _clause(case, after, touched, clause, entry.cites):
                if tell.to in known_already:
                    continue
                key = (tell.to, tell.template, tell.suppressed is None)
                if key not in done:
                    done.add(key)
                    yield tell


def _told_at_the_call(case: Case, after: PatientFacts, clause: Told) -> frozenset[PersonId]:
    """The signed form after a call tells nobody again; it does tell whom the call did not name, or not inform."""
    if clause.template is not Template.MEASURE_IMPOSED or not case.confirmed:
        return frozenset()
    call = next((m for m in case.confirmed if m.beside is None), case.confirmed[0])
    told = {
        "inform_patient": call.inform.patient,
        "inform_guardians": call.inform.guardians,
        "written_confirmation": call.inform.written_confirmation,
    }.get(clause.told, True)
    return frozenset(_recipients(case, after, (call,), clause)) if told else frozenset()


def _clause(
    case: Case, after: PatientFacts, touched: tuple[Measure, ...], clause: Told, rules: tuple[str, ...]
) -> Iterator[Tell]:
    region = RegionCode(case.form.region)
    if clause.to == "operators":
        yield Tell(None, clause.template, text_of(clause.template, clause), region, "console", rules=rules)
        return
    inform = case.form.inform
    words = {
        "always": True,
        "inform_patient": inform.patient,
        "inform_guardians": inform.guardians,
        "written_confirmation": inform.written_confirmation,
        "not_inform_guardians": not inform.guardians,
    }
    for person in _recipients(case, after, touched, clause):
        yield to_person(
            after,
            person,
            clause.template,
            region,
            case.at,
            clause=clause,
            rules=rules,
            allowed=words[clause.told],
        )


def _recipients(
    case: Case, after: PatientFacts, touched: tuple[Measure, ...], clause: Told
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
    """The guardians whom measures are about: those named, else all who have custody."""
    found: dict[PersonId, None] = {}
    custodians = facts.patient.guardians_at(at)
    for m in measures:
        of_some = m.kind in (
            MeasureKind.GUARDIAN_BLOCK,
            MeasureKind.GUARDIAN_RESTRICTION,
            MeasureKind.GUARDIAN_GRANT,
        )
        found.update(dict.fromkeys(m.guardians if of_some and m.guardians is not None else custodians))
    return tuple(found)
