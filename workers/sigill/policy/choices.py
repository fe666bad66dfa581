"""
Which measure a risk calls for (val av åtgärd), and which doors stay open under it.

A rulebook's `choices` are guidance: they refuse nothing (VGB-11, VGB-19). What a form shuts is read from the rulebook's
entries, so that the warning about an open door holds for every region, also for a form that somebody else chose.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sigill.policy.measure_specs import AGAINST_GUARDIANS
from sigill.policy.rulebook import ChoiceRule, Condition, RiskCondition, RuleEntry, Version
from sigill_contracts.vocabulary import IMPOSES, Form, Initiative, MeasureKind, RiskFrom, RiskSign, Service

_OWN_LOGIN_AT_RISK = frozenset({RiskSign.E_ID_CONTROLLED, RiskSign.FORCED_LOGIN, RiskSign.RECORD_DEMANDED})
"""Signs under which somebody may act, or read, through the patient's own login."""
_PROTECTED = frozenset({RiskSign.PROTECTED_PATIENT, RiskSign.PROTECTED_GUARDIAN})
_GUARDIANS = frozenset({RiskFrom.ONE_GUARDIAN, RiskFrom.ALL_GUARDIANS})


@dataclass(frozen=True, slots=True)
class RiskSituation:
    """What is known when a measure is chosen. `age`: the patient's, in whole years on the day asked about."""

    age: int
    risk: RiskFrom | None = None
    """None: nobody is named."""
    signs: frozenset[RiskSign] = frozenset()


class DoorWay(StrEnum):
    """Through whose login the risk may come in."""

    GUARDIAN_LOGIN = "guardian_login"
    """The guardian who is the risk, in the guardian's own login."""
    PATIENT_LOGIN = "patient_login"
    """Whoever holds, or is shown, the patient's own login."""


class DoorOpens(StrEnum):
    """When a door is open."""

    NOW = "now"
    AT_AGE = "at_age"
    """By itself, on a birthday."""
    BY_GRANT = "by_grant"
    """Where a grant has been, or is, given."""
    AFTER_PROTECTION = "after_protection"
    """By itself, when protected identity ends."""


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """What a measure leaves open to the risk. `age`: the birthday, where `opens` says so; else None."""

    way: DoorWay
    service: Service
    opens: DoorOpens
    age: int | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What a region's rules advise. `rule` None: they do not say."""

    rule: ChoiceRule | None
    doors: tuple[OpenDoor, ...]
    """What the rule's forms leave open."""


def choose(version: Version, situation: RiskSituation) -> Advice:
    """The first of a version's choices that holds, with what its forms leave open to the risk."""
    found = next((choice for choice in version.choices if _holds(choice.when, situation)), None)
    return Advice(found, open_doors(version, () if found is None else found.forms, situation))


def _holds(when: RiskCondition, situation: RiskSituation) -> bool:
    return (
        (when.risk is None or situation.risk in when.risk)
        and (when.signs is None or bool(situation.signs & set(when.signs)))
        and (when.patient_from is None or situation.age >= when.patient_from)
        and (when.patient_under is None or situation.age < when.patient_under)
    )


@dataclass(frozen=True, slots=True)
class _Shut:
    kind: MeasureKind
    services: frozenset[Service]
    until: int | None
    """It ends on this birthday by itself; None: it is released."""

    def shuts(self, way: DoorWay, service: Service) -> bool:
        if self.kind is MeasureKind.GUARDIAN_RESTRICTION:
            return False  # it is about some units only
        if way is DoorWay.PATIENT_LOGIN and self.kind in AGAINST_GUARDIANS:
            return False
        return service in self.services


def open_doors(version: Version, forms: Iterable[Form], situation: RiskSituation) -> tuple[OpenDoor, ...]:
    """
    What some forms, all carried out today, leave open to the risk until the patient is of age; empty: nothing known of.

    Forms that are not offered, or not for the patient's age, shut nothing.
    """
    given = tuple(forms)
    shut = tuple(doors for form in given for doors in _shut_by(version, form, situation))
    doors = []
    if situation.risk in _GUARDIANS:
        doors += [*_by_guardian(version, given, shut, situation)]
    if situation.signs & _OWN_LOGIN_AT_RISK:
        doors += [*_by_own_login(version, shut, situation)]
    return tuple(doors)


def _shut_by(version: Version, form: Form, situation: RiskSituation) -> Iterator[_Shut]:
    kind = IMPOSES.get(form)
    entries = [entry for entry in version.matching(form) if _sure(entry.when, situation)]
    if kind is None or kind.opens or not version.offers(form) or not _of_age_for(entries, situation.age):
        return
    services = [entry.services for entry in entries if entry.services is not None]
    until = [entry.ends_at_age for entry in entries if entry.ends_at_age is not None]
    yield _Shut(kind, frozenset(s for said in services for s in said), min(until, default=None))
    for entry in entries:
        for extra in entry.also_imposes or ():
            yield _Shut(extra.kind, frozenset(extra.services), extra.ends_at_age)


def _of_age_for(entries: Iterable[RuleEntry], age: int) -> bool:
    windows = [entry.age for entry in entries if entry.age is not None]
    return all((w.since is None or age >= w.since) and (w.until is None or age < w.until) for w in windows)


def _sure(when: Condition, situation: RiskSituation) -> bool:
    """Whether an entry surely holds for care's order; one that asks for more than is known shuts nothing."""
    known = {
        "initiative": None if when.initiative is None else Initiative.CARE in when.initiative,
        "patient_under": None if when.patient_under is None else situation.age < when.patient_under,
        "protected_family": None
        if when.protected_family is None
        else when.protected_family == bool(situation.signs & _PROTECTED),
        "all_guardians": None
        if when.all_guardians is None
        else when.all_guardians == (situation.risk is RiskFrom.ALL_GUARDIANS),
        "whole": None if when.whole is None else when.whole,
    }
    asked = {name for name in type(when).model_fields if getattr(when, name) is not None}
    return all(known.get(name) for name in asked)


_REACHED = (Service.JOURNAL, Service.E_SERVICES)


def _by_guardian(
    version: Version, forms: tuple[Form, ...], shut: tuple[_Shut, ...], situation: RiskSituation
) -> Iterator[OpenDoor]:
    ages, way = version.ages, DoorWay.GUARDIAN_LOGIN
    for service in _REACHED:
        ends = _shut_until(shut, way, service)
        if situation.age < ages.guardian_until:
            if ends is not None and ends >= ages.guardian_until:
                continue
            if ends is not None:
                yield OpenDoor(way, service, DoorOpens.AT_AGE, ends)
            elif situation.signs & _PROTECTED:
                yield OpenDoor(way, service, DoorOpens.AFTER_PROTECTION)
            else:
                yield OpenDoor(way, service, DoorOpens.NOW)
        elif (
            service is Service.JOURNAL
            and ends is None
            and situation.age < ages.own_record_from
            and version.offers(Form.GRANT_GUARDIAN_ACCESS)
            and Form.REVOKE_GUARDIAN_ACCESS not in forms
            and not situation.signs & _PROTECTED
        ):
            yield OpenDoor(way, service, DoorOpens.BY_GRANT)


def _by_own_login(version: Version, shut: tuple[_Shut, ...], situation: RiskSituation) -> Iterator[OpenDoor]:
    ages, way = version.ages, DoorWay.PATIENT_LOGIN
    for service in _REACHED:
        if (
            service is Service.E_SERVICES
            and not situation.signs - {RiskSign.RECORD_DEMANDED} & _OWN_LOGIN_AT_RISK
        ):
            continue  # the record alone is demanded
        opens = ages.own_record_from if service is Service.JOURNAL else ages.own_account_from
        if service is Service.E_SERVICES and ages.login_from == "e_id":
            opens = 0
        ends = _shut_until(shut, way, service)
        if ends is not None:
            opens = max(opens, ends)
        if situation.age >= opens:
            yield OpenDoor(way, service, DoorOpens.NOW)
        elif opens < ages.of_age:
            yield OpenDoor(way, service, DoorOpens.AT_AGE, opens)


_NEVER = 1000
"""An age that nobody reaches: what ends only by an order."""


def _shut_until(shut: Iterable[_Shut], way: DoorWay, service: Service) -> int | None:
    """The birthday until which a door is shut, `_NEVER` where only an order opens it; None: it is not shut."""
    ends = [_NEVER if doors.until is None else doors.until for doors in shut if doors.shuts(way, service)]
    return max(ends, default=None)
