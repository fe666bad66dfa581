"""
Whom a change of rules touches: how many residents, by kind and age, before the rules are in force.

A resident is touched when an answer about access differs on the day, when a standing rule newly reaches or leaves it,
when a birthday reminder comes at another time, or when it has a measure whose form is answered by other rules.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sigill.policy.access import access_matrix, differences
from sigill.policy.calendar import midnight, swedish_date
from sigill.policy.facts import PatientFacts
from sigill.policy.measures_in_force import rule_holds
from sigill.policy.rulebook import Rulebooks, RuleEntry, Version
from sigill.population.examples import adults, counties_of, eldest_of, example, role_of, years_before
from sigill.population.snapshot import connection_arguments, snapshot
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store import census
from sigill.store import facts as stored
from sigill.store.session import Reading
from sigill_contracts.vocabulary import MeasureKind, RegionCode

_BATCH = 1_000


@dataclass(frozen=True, order=True)
class Kind:
    """
    In which way residents are touched. `what`: `opens` and `closes` (access, with who and which service), `standing`
    (the register's own word, with the event), `reminder`, `measure` (with its kind).
    """

    region: str
    what: str
    which: str


@dataclass(frozen=True)
class Touched:
    """
    How many residents are touched, each once (`by_age`), and in which ways (`by_kind`: a resident may stand in several).

    `regions` are those whose rules differ; the empty one stands for all without a rulebook. `looked_at` is how many of
    their residents were judged: the grown ones only where the change can touch them.
    """

    on: date
    regions: tuple[str, ...]
    looked_at: int
    by_age: Mapping[int, int] = field(default_factory=dict)
    by_kind: Mapping[Kind, Mapping[int, int]] = field(default_factory=dict)

    @property
    def residents(self) -> int:
        """How many residents are touched."""
        return sum(self.by_age.values())


def touched(
    dsn: str, a: Rulebooks, b: Rulebooks, on: date, *, schema: str = "sigill", **connect: Any
) -> Touched:
    """
    Say whom it touches if rulebooks `b` hold instead of `a` on a Swedish date, as residents are known now.

    For commands: runs a loop of its own. `connect` goes to asyncpg (`ssl`).
    """
    return asyncio.run(touched_in(connection_arguments(dsn, schema, **connect), a, b, on))


async def touched_in(
    connect: dict[str, Any], a: Rulebooks, b: Rulebooks, on: date, role: DatabaseRole | None = None
) -> Touched:
    """Do what `touched` does, inside a running loop; `connect` as `snapshot.connection_arguments` makes it, as a role if one is given."""
    async with snapshot(connect, role) as tx:
        return await count(tx, a, b, on)


async def count(tx: Reading, a: Rulebooks, b: Rulebooks, on: date) -> Touched:
    """Do what `touched` does, in an open snapshot."""
    changed = regions_changed(a, b, on)
    if not changed:
        return Touched(on, (), 0)
    await census.prepare(tx)
    counties = {**counties_of(a), **counties_of(b)}
    elsewhere = RegionCode("") in changed
    only = None if elsewhere else [county for county, region in counties.items() if region in changed]
    at = midnight(on)
    singular = await census.singular(tx, at)
    # older than any age that either rulebook knows: the rules see no difference between two of them but in the flags
    eldest = max(eldest_of(a), eldest_of(b))
    cut = years_before(on, eldest + 1) - timedelta(days=2)
    groups = await census.groups(
        tx, counties, on, [(cut, date.max)], left_out=singular, by_age=True, only=only
    )
    if any(_ways(example(group, a), a, b, at) for group in adults(changed)):
        groups += await census.grown(tx, counties, on, cut, left_out=singular, only=only)
    tally = _Tally()
    looked_at = 0
    for group in groups:
        looked_at += group.residents
        if group.region in changed:
            facts = example(group, a)
            tally.add(facts, _ways(facts, a, b, at), on, group.residents)
    for place in range(0, len(singular), _BATCH):
        batch = singular[place : place + _BATCH]
        for asked, facts in (await stored.patient_facts(tx, batch, units=[])).items():
            if asked != facts.patient.person_id or not facts.patient.registered:
                continue
            looked_at += 1
            tally.add(facts, {*_ways(facts, a, b, at), *_measures(facts, a, b, at)}, on, 1)
    return Touched(on, tuple(sorted(changed)), looked_at, dict(tally.by_age), dict(tally.by_kind))


def regions_changed(a: Rulebooks, b: Rulebooks, on: date) -> set[RegionCode]:
    """Return the regions whose rules in force on a date differ; the empty one stands for all without a rulebook."""
    codes = {*a.regions, *b.regions}
    known = {code for code in codes if code not in (a.national.region, b.national.region)}
    found = {code for code in known if _differ(a.default_version(code, on), b.default_version(code, on))}
    if _differ(a.default_version(None, on), b.default_version(None, on)):
        found.add(RegionCode(""))
    return found


def _differ(one: Version, other: Version) -> bool:
    """Whether two versions differ in more than their dates."""
    plain = {"since": date.min, "extends": None, "base": None, "drops": (), "documents": ()}
    return one.model_copy(update=plain) != other.model_copy(update=plain)


class _Tally:
    def __init__(self) -> None:
        self.by_age: Counter[int] = Counter()
        self.by_kind: defaultdict[Kind, Counter[int]] = defaultdict(Counter)

    def add(self, facts: PatientFacts, ways: set[Kind], on: date, residents: int) -> None:
        if not ways:
            return
        born = facts.patient.birth.latest
        age = max(0, on.year - born.year - ((on.month, on.day) < (born.month, born.day)))
        self.by_age[age] += residents
        for way in ways:
            self.by_kind[way][age] += residents


def _ways(facts: PatientFacts, a: Rulebooks, b: Rulebooks, at: datetime) -> set[Kind]:
    region = (
        b.region_of_county(facts.patient.at(at).county) or a.region_of_county(facts.patient.at(at).county)
    ) or ""
    found = {
        Kind(
            region,
            "opens" if difference.gained else "closes",
            f"{role_of(facts, difference)} {difference.service}",
        )
        for difference in differences(access_matrix(facts, at, a), access_matrix(facts, at, b))
    }
    day, code = swedish_date(at), RegionCode(region) or None
    before, after = a.default_version(code, day), b.default_version(code, day)
    if before is after:
        return found
    found.update(Kind(region, "standing", event) for event in _standing(facts, before, after, at))
    if (before.lead.birthday, before.age_notices) != (after.lead.birthday, after.age_notices) and not (
        facts.patient.reached(before.ages.own_record_from, at)
    ):
        found.add(Kind(region, "reminder", "birthday"))
    return found


def _standing(facts: PatientFacts, before: Version, after: Version, at: datetime) -> Iterator[str]:
    """States whose standing rules reach a resident by one version and not, or otherwise, by the other."""
    for state in ("protected_patient", "protected_guardian"):
        if _reaching(facts, before, state, at) != _reaching(facts, after, state, at):
            yield state


def _reaching(facts: PatientFacts, version: Version, state: str, at: datetime) -> list[tuple[object, ...]]:
    return [r.imposes for r in version.standing if r.state == state and rule_holds(r, version, facts, at)]


def _measures(facts: PatientFacts, a: Rulebooks, b: Rulebooks, at: datetime) -> set[Kind]:
    """Kinds of measures in force whose entries differ: they will be released, continued or extended by other rules."""
    found = set()
    for m in facts.in_force(at):
        day = swedish_date(at)
        before, after = a.version(m.region, day), b.version(m.region, day)
        if _about(before, m.kind) != _about(after, m.kind):
            found.add(Kind(m.region, "measure", str(m.kind)))
    return found


def _about(version: Version | None, kind: MeasureKind) -> list[RuleEntry]:
    """The entries that speak of a measure of a kind: that release, continue, extend or answer about it."""
    if version is None:
        return []
    return [
        entry
        for entry in version.entries
        if kind in (entry.may_release or ()) or kind in (entry.when.measure or ())
    ]
