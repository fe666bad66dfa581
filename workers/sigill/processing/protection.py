"""
Standing measures for a whole register: on the day that a region's rules begin, after a bulk load, and where the check
finds that somebody is missed.

Guarantee: when an evaluation is finished, every person whom the register marks and a rulebook wants shut is shut; a
batch of persons in one transaction, so that a killed run goes on. Each region's operators get one task with a count, and
no resident or guardian is told. Left over: what a message of the register brings, which its own worker enacts.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sigill.judgement.transitions import next_milestone, rules_begin
from sigill.policy.calendar import midnight, swedish_date
from sigill.policy.effects import AddTask, Impose, Sentence, Transition
from sigill.policy.facts import Identity, PatientFacts, Person, PersonVersion
from sigill.policy.measures_in_force import missing_measures, regions_in_doubt, states_that_hold
from sigill.policy.rulebook import Region, Rulebooks, Version
from sigill.processing.citations import PolicyContext, PolicyProvider
from sigill.processing.loading import unit_of_work_about
from sigill.processing.persist import persist
from sigill.store import facts as stored
from sigill.store import persons, protection, tasks
from sigill.store.protection import Counts, WantedProtection
from sigill.store.session import Reading, Store, Tx
from sigill_contracts.vocabulary import IdType, Initiative, PersonId, RegionCode

BATCH = 200
"""Persons in a transaction that imposes."""
PERSONS = 200_000
"""Persons looked through in a transaction that sets birthdays."""
SHUT, GUARDIANS, IN_DOUBT = "shut", "guardian_marked", "county_unknown"
_EVERYBODY = date(1800, 1, 1)


@dataclass(frozen=True, slots=True)
class RulesBegun:
    """A region's version with the state rules that it had when it was evaluated. `since` None: it began long ago."""

    region: RegionCode
    version: Version
    cause: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Unprotected:
    """Somebody whom a rulebook wants shut and who is not: by pseudonymous key, with what is missing and the rules."""

    key: str
    region: RegionCode
    missing: tuple[str, ...]
    rules: tuple[str, ...]
    person: PersonId


# --- whom to look at


def wanted_by(books: Rulebooks, on: date, only: RegionCode | None = None) -> tuple[WantedProtection, ...]:
    """What the rules in force on a Swedish date want for marked residents, county by county."""
    return tuple(
        WantedProtection(county, code, extra.kind, _youngest_left_out(rule.patient_under, on))
        for code, version in _in_force(books, on)
        if only in (None, code)
        for rule in version.standing
        for extra in rule.imposes
        for county in books.regions[code].counties
    )


def _in_force(books: Rulebooks, on: date) -> Iterator[tuple[RegionCode, Version]]:
    for code in sorted(books.regions):
        version = books.version(code, on)
        if version is not None:
            yield code, version


def _youngest_left_out(under: int | None, on: date) -> date:
    """A birth date that is surely too early for a rule; a year is left for every way of counting days."""
    return _EVERYBODY if under is None else date(on.year - under - 1, 1, 1)


def _oldest_reach(books: Rulebooks, on: date) -> date:
    limits = [
        _youngest_left_out(rule.patient_under, on)
        for _, version in _in_force(books, on)
        for rule in version.standing
        if rule.state is not None
    ]
    return min(limits, default=on)


async def _next(
    tx: Reading,
    books: Rulebooks,
    at: datetime,
    after: int,
    *,
    guardians: bool,
    only: RegionCode | None = None,
) -> list[PersonId]:
    on = swedish_date(at)
    wanted = wanted_by(books, on, only)
    reach = _oldest_reach(books, on)
    return await protection.candidates(
        tx, wanted, at, after=after, limit=BATCH, guardians=guardians, born_after=reach
    )


# --- the check


async def check(store: Store, books: Rulebooks, now: datetime) -> tuple[list[Unprotected], list[str]]:
    """
    Say who is protected, ought to be shut by a rulebook and is not, at `now` (UTC); and whose county was never told.

    The second are pseudonymous keys: no rulebook says anything about them before people find out where they live.
    """
    found: list[Unprotected] = []
    unknown: list[str] = []
    after = 0
    while True:
        async with store.reading() as tx:
            people = await _next(tx, books, now, after, guardians=False)
            known = await stored.patient_facts(tx, people, units=())
        for person in people:
            facts = known.get(person)
            if facts is None or facts.patient.person_id != person:
                continue
            found.extend(_unprotected(facts, books, now))
            if regions_in_doubt(facts, now, books):
                unknown.append(facts.patient.key)
        if len(people) < BATCH:
            return found, unknown
        after = int(people[-1])


def _unprotected(facts: PatientFacts, books: Rulebooks, now: datetime) -> Iterator[Unprotected]:
    missing = missing_measures(facts, now, books)
    for region in dict.fromkeys(wanted.region for wanted in missing):
        here = [wanted for wanted in missing if wanted.region == region]
        yield Unprotected(
            facts.patient.key,
            region,
            tuple(str(wanted.imposes.kind) for wanted in here),
            tuple(dict.fromkeys(rule for wanted in here for rule in wanted.rule.cites)),
            facts.patient.person_id,
        )


async def mend(store: Store, desk: PolicyContext, people: Sequence[PersonId], now: datetime) -> Counts:
    """Impose at `now` (UTC) what the state wants for some persons. Returns the counts, a region a line."""
    counts: Counts = {}
    for place in range(0, len(people), BATCH):
        async with store.transaction(now) as tx:
            batch = people[place : place + BATCH]
            await impose(tx, desk, batch, at=now, cause=f"protected-mend:{now.isoformat()}", counts=counts)
    if counts:
        async with store.transaction(now) as tx:
            await tell_operators(tx, counts, f"mend {now.isoformat()}", desk.books)
    return counts


# --- a whole register


def causes(books: Rulebooks, done: Mapping[str, tuple[datetime, bool]], now: datetime) -> list[RulesBegun]:
    """
    Return the versions that hold or have held until `now` (UTC) and whose beginning is not evaluated yet.

    `done` is what `store.protection.evaluated` says. A version that begins after the last one evaluated of its region, or, of
    a region that is new here, after the first evaluation of any, begins at its midnight. A region older than that begins
    with the version in force, at the moment of looking; so does one whose state rules or counties were changed.
    """
    found: list[RulesBegun] = []
    today = swedish_date(now)
    first = min((swedish_date(at) for at, _ in done.values()), default=None)
    for region in books.regions.values():
        begun = [v for v in region.versions if v.since <= today]
        if region.national or not begun:
            continue
        code = RegionCode(region.region)
        own = [cause.split(" ") for cause in done if cause.startswith(f"rules {code} ")]
        newest = max((date.fromisoformat(since) for _, _, since, _ in own), default=first)
        for version in begun:
            cause = _cause(region, version)
            ordinary = newest is not None and version.since > newest
            if done.get(cause, (now, False))[1] or not (ordinary or version is begun[-1]):
                continue
            since = midnight(version.since) if ordinary else None
            found.append(RulesBegun(code, version, cause, done[cause][0] if cause in done else since))
    return found


def _cause(region: Region, version: Version) -> str:
    states = [rule.model_dump(mode="json") for rule in version.standing if rule.state is not None]
    said = json.dumps([sorted(region.counties), states, version.ages.model_dump()], sort_keys=True)
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    return f"rules {region.region} {version.since.isoformat()} {digest}"


async def rules_evaluated(tx: Reading, books: Rulebooks, now: datetime) -> bool:
    """Whether every version that has begun until `now` (UTC) has been evaluated."""
    return not causes(books, await protection.evaluated(tx, now), now)


async def evaluate_rules(store: Store, rules: PolicyProvider, now: datetime) -> int:
    """
    Evaluate the versions that have begun until `now` (UTC); return for how many persons something was imposed.

    Each measure begins at the midnight of its version, however late this is looked at; one of rules that are new to this
    store begins now. Where the version has other ages than the one before it, birthdays are set again too: the timers
    were set before anybody knew of it.
    """
    async with store.reading() as tx:
        desk = await rules.context_for(tx, now)
        begun = causes(desk.books, await protection.evaluated(tx, now), now)
    shut = 0
    for rules_begun in begun:
        anew = rules_begun.since is None or _has_other_ages(
            desk.books.regions[rules_begun.region], rules_begun.version
        )
        while anew and await _refresh_birthdays(store, desk.books, rules_begun, now):
            pass
        more = True
        while more:
            imposed, more = await _evaluate_batch(store, desk, rules_begun, now)
            shut += imposed
    return shut


async def _evaluate_batch(
    store: Store, desk: PolicyContext, begun: RulesBegun, now: datetime
) -> tuple[int, bool]:
    """One batch: for how many persons something was imposed, and whether there is more for this worker."""
    async with store.transaction(now) as tx:
        held = await protection.claim(tx, begun.cause, now)
        if held is None:
            return 0, False
        at = held.at if begun.since is None else begun.since
        has_states = any(rule.state for rule in begun.version.standing)
        people = (
            await _next(tx, desk.books, at, held.last_person, guardians=True, only=begun.region)
            if has_states
            else []
        )
        counts = {region: dict(numbers) for region, numbers in held.counts.items()}
        before = _total(counts)
        await impose(
            tx, desk, people, at=at, cause=begun.cause.replace(" ", ":"), counts=counts, only=begun.region
        )
        finished = now if len(people) < BATCH else None
        last = int(people[-1]) if people else held.last_person
        await protection.go_on(tx, begun.cause, last, counts, finished_at=finished)
        if finished is not None:
            await tell_operators(tx, counts, begun.cause, desk.books, begun=begun)
    return _total(counts) - before, finished is None


def _has_other_ages(region: Region, version: Version) -> bool:
    before = region.in_force(version.since - timedelta(days=1))
    return before is None or before.ages != version.ages


async def _refresh_birthdays(store: Store, books: Rulebooks, begun: RulesBegun, now: datetime) -> bool:
    """
    Set the next birthdays of some children by rules that are new to this store, or have begun: their ages may be others
    (X-29). Those from the midnight of the version on count, however late this is. Returns whether there is more for this
    worker.
    """
    cause = begun.cause.replace("rules", "birthdays", 1)
    since = now if begun.since is None else begun.since - timedelta(microseconds=1)
    async with store.transaction(now) as tx:
        held = await protection.claim(tx, cause, now)
        if held is None:
            return False
        people = (held.last_person, held.last_person + PERSONS)
        counties = books.regions[begun.region].counties
        oldest = max(age for age, _ in books.turning_ages)
        born_after = date(swedish_date(now).year - oldest - 1, 1, 1)
        timers = {}
        for birth in await protection.births(tx, counties, born_after, people):
            here = PersonVersion(since, Identity(IdType.PERSONNUMMER, ""), county=counties[0])
            timer = next_milestone(Person(PersonId("0"), "", birth, (here,)), books, since)
            if timer is not None:
                timers[birth] = timer
        if timers:
            await protection.set_birthdays(tx, counties, begun.region, timers, people)
        more = people[1] < await protection.highest_person(tx)
        await protection.go_on(tx, cause, people[1], {}, finished_at=None if more else now)
    return more


def _total(counts: Counts) -> int:
    return sum(numbers.get(SHUT, 0) for numbers in counts.values())


async def impose(
    tx: Tx,
    desk: PolicyContext,
    people: Sequence[PersonId],
    *,
    at: datetime,
    cause: str,
    counts: Counts,
    only: RegionCode | None = None,
) -> None:
    """Impose what the state at an instant (UTC) wants for some persons, in the open transaction, and count."""
    if not people:
        return
    await persons.lock(tx, people)
    unit_of_work = await unit_of_work_about(tx, desk, people, chain="standing")
    for person in people:
        standing = unit_of_work.standing(person)
        facts = standing.facts
        if facts is None or facts.patient.person_id != person:
            continue
        transition = rules_begin(facts, at, desk.books, open_requests=standing.requests)
        count(counts, facts, transition, at, desk.books, only)
        if transition.effects:
            unit_of_work.follow(person, transition, cause=f"{cause}:{facts.patient.key}")
            unit_of_work.touch(person)
    await persist(tx, unit_of_work)


def count(
    counts: Counts,
    facts: PatientFacts,
    transition: Transition,
    at: datetime,
    books: Rulebooks,
    only: RegionCode | None = None,
) -> None:
    """Count a person in: by region, whom the register has shut, and whom people must look at."""
    shut = {
        e.measure.region
        for e in transition.effects
        if isinstance(e, Impose) and e.measure.initiative is Initiative.REGISTER
    }
    for region in shut:
        _add(counts, region, SHUT)
    for region, _, rule in states_that_hold(facts, at, books):
        if rule.state == "protected_guardian" and only in (None, region):
            _add(counts, region, GUARDIANS)
    for region in {region for region, _, _ in regions_in_doubt(facts, at, books)}:
        if only in (None, region):
            _add(counts, region, IN_DOUBT)


def _add(counts: Counts, region: str, what: str) -> None:
    numbers = counts.setdefault(region, {})
    numbers[what] = numbers.get(what, 0) + 1


async def tell_operators(
    tx: Tx, counts: Counts, cause: str, books: Rulebooks, *, begun: RulesBegun | None = None
) -> None:
    """
    Open one task a region with what was counted.

    The rules cited are those of the version that has begun, in its region: a later one may be in force by now. Else those in
    force now.
    """
    opened = []
    for region, numbers in sorted(counts.items()):
        version = books.version(region, swedish_date(tx.now)) or books.national.versions[-1]
        since = None
        if begun is not None and begun.region == region:
            version, since = begun.version, begun.version.since
        rules = tuple(dict.fromkeys(r for rule in version.standing if rule.state for r in rule.cites))
        text = _text(numbers, since)
        opened.append(
            AddTask(
                "standing_measures", f"{region}:{cause}", text, RegionCode(region), None, (*rules, "X-09")
            )
        )
    await tasks.add(tx, [(None, task) for task in opened])


def _text(numbers: Mapping[str, int], since: date | None) -> Sentence:
    sv = f"Regler som gäller från {since}: " if since else ""
    en = f"Rules that hold from {since}: " if since else ""
    shut, guardians, doubt = (numbers.get(what, 0) for what in (SHUT, GUARDIANS, IN_DOUBT))
    sv += f"Barn med skyddad identitet som registrets egna åtgärder nu stänger: {shut}."
    en += f"Children with protected identity whom the register's own measures now shut: {shut}."
    if guardians:
        sv += f" Barn vars vårdnadshavare ensam har skyddad identitet, att pröva: {guardians}."
        en += f" Children of whom only a guardian has protected identity, to be judged: {guardians}."
    if doubt:
        sv += f" Barn vars län aldrig har varit känt, att utreda: {doubt}."
        en += f" Children whose county was never known, to be found out: {doubt}."
    return Sentence(sv, en)
