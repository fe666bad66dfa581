"""
Who is hit by a measure: one answer for requests, opinions, releases, continuations and notices (X-01 to X-03).

Hit is whom a protective measure names, or whom it shuts out with everybody else. A grant hits nobody.
"""

from datetime import datetime

from sigill.policy.calendar import age_begins
from sigill.policy.facts import OF_ONES_OWN, Measure, PatientFacts
from sigill.policy.measure_specs import AGAINST_GUARDIANS
from sigill.policy.rulebook import Ages
from sigill_contracts.vocabulary import MeasureKind, PersonId


def hits(m: Measure, person: PersonId, facts: PatientFacts, at: datetime) -> bool:
    """
    Whether a measure is directed at a person, or shuts the person out with everybody else.

    `at` (UTC) is the instant at which custody and roles are asked about. Whether the measure is in force then is another
    question. A block of *all* guardians hits whoever has custody then, or once had it, but for those let out of it; one
    that names somebody hits that person also with custody in doubt.
    """
    if m.kind.opens:
        return False
    own = person == facts.patient.person_id
    if m.kind in AGAINST_GUARDIANS:
        if own:
            return False
        if m.guardians is not None:
            return person in m.guardians
        return m.covers_guardian(person) and (is_guardian(person, facts, at) or was_guardian(person, facts))
    return own or is_guardian(person, facts, at) or _represents(person, facts, at)


def shuts_out_everybody(m: Measure) -> bool:
    """Whether a measure shuts out everybody at once, so that it can only be lifted whole (X-02)."""
    return not m.kind.opens and m.kind not in AGAINST_GUARDIANS


def made_by_the_patient(m: Measure) -> bool:
    """Whether the patient sealed or locked on the own initiative: then only the patient opens it again (X-03)."""
    return not m.kind.opens and m.initiative in OF_ONES_OWN


def came_with_anothers_block(m: Measure) -> bool:
    """Whether it is a lock that came beside a block of guardians: it goes with the block, or by staff's order (X-01)."""
    return m.kind is MeasureKind.LOGIN_LOCK and m.beside is not None


def is_guardian(person: PersonId, facts: PatientFacts, at: datetime) -> bool:
    """Whether somebody has custody of the patient at an instant (UTC)."""
    return person in facts.patient.guardians_at(at)


def was_guardian(person: PersonId, facts: PatientFacts) -> bool:
    """Whether somebody has, or once had, custody of the patient."""
    return any(c.guardian == person for v in facts.patient.versions for c in v.custody)


def ever_custodians(facts: PatientFacts) -> tuple[PersonId, ...]:
    """Everybody who has, or once had, custody: a measure against all guardians is about them."""
    custody = [c for v in facts.patient.versions for c in v.custody]
    return tuple(dict.fromkeys(c.guardian for c in custody if c.guardian is not None))


def may_act_alone(facts: PatientFacts, ages: Ages, at: datetime) -> bool:
    """Whether the patient is surely of the own-account age at an instant (UTC), and so asks for something itself."""
    leap = ages.leap_day_on_28th
    return age_begins(facts.patient.birth, ages.own_account_from, latest=True, leap_day_on_28th=leap) <= at


def _represents(person: PersonId, facts: PatientFacts, at: datetime) -> bool:
    return any(
        m.kind is MeasureKind.REPRESENTATIVE_GRANT
        and m.viewer == person
        and m.in_force(at, facts.patient.birth)
        for m in facts.measures
    )
