"""Whether a notice that has been told may be told again, when it is not known whether it arrived."""

from datetime import date, datetime

from sigill.policy.calendar import swedish_date
from sigill.policy.facts import PatientFacts
from sigill_contracts.vocabulary import PersonId, Suppression


def why_not_again(
    facts: PatientFacts | None,
    to: PersonId | None,
    now: datetime,
    *,
    changed: bool,
    last_day: date | None = None,
) -> Suppression | None:
    """
    Return why a notice to the person `to` must not be told again at `now` (UTC); None: it may.

    `changed`: something about the patient has been decided or has fallen due since it was written, so that what it says,
    or who may know of it (X-21, X-23), can be otherwise: then nobody is told, since what changed has notices of its own.
    `last_day`: the last Swedish date (inclusive) on which it can be true. `facts` None: the patient is erased.
    """
    somebody = None if facts is None or to is None else facts.person(to)
    if facts is None or to is None or somebody is None:
        return Suppression.RECIPIENT_UNKNOWN
    patient = facts.patient
    if patient.at(now).died_on is not None:
        return Suppression.PATIENT_DEAD
    if somebody.at(now).died_on is not None:
        return Suppression.RECIPIENT_DEAD
    if changed:
        return Suppression.NOT_TRUE
    if last_day is not None and last_day < swedish_date(now):
        return Suppression.DAY_HAS_PASSED
    represents = any(m.viewer == to for m in facts.in_force(now))
    if to == patient.person_id or represents:
        return None
    if to not in patient.guardians_at(now):
        return Suppression.NOT_CONCERNED
    if patient.at(now).protected or somebody.at(now).protected:
        return Suppression.PROTECTED_IDENTITY
    return None
