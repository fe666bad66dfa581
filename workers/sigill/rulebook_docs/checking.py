"""What is wrong with a rulebook that reads well: rules that can never apply, clauses that contradict, forms half made.

`sigill.policy.rulebook.parse` finds what cannot be read; here stands what can be read and cannot be meant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from sigill.policy.counties import is_county
from sigill.policy.rulebook import (
    ChoiceRule,
    Condition,
    Deadline,
    Region,
    RiskCondition,
    RuleEntry,
    Version,
)
from sigill_contracts.vocabulary import IMPOSES, RELEASES, Channel, Form, Initiative, MeasureKind

_ABOUT_MEASURES = frozenset(RELEASES) | {
    Form.CONTINUE_MEASURE,
    Form.EXTEND_MEASURE,
    Form.UNIT_OPINION,
    Form.REQUEST_RELEASE,
}
_ONLY_FOR: dict[str, frozenset[Form]] = {
    "court_order": frozenset({Form.APPOINT_REPRESENTATIVE}),
    "unanimity": frozenset(RELEASES) | {Form.UNIT_OPINION, Form.REQUEST_RELEASE},
    "initiating_unit_only": frozenset(RELEASES),
    "same_initiative": frozenset(RELEASES),
    "may_release": frozenset({Form.REQUEST_RELEASE}),
    "services": frozenset(IMPOSES),
    "ends_at_age": frozenset(IMPOSES),
    "runs": frozenset(IMPOSES),
    "widens_to_all_guardians": frozenset({Form.BLOCK_GUARDIANS, Form.RESTRICT_GUARDIAN_ACCESS}),
    "also_imposes": frozenset(IMPOSES),
    "ends_running": frozenset(IMPOSES),
    "other_regions": frozenset(RELEASES),
    "replaces": frozenset({Form.SEAL_JOURNAL}),
    "signed_form": frozenset(IMPOSES),
    "follow_up": frozenset(IMPOSES),
    "recorded_dates": frozenset({Form.SEAL_JOURNAL, Form.CONTINUE_MEASURE}),
}
"""Clauses that mean something for some forms only."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: where it stands and what is wrong."""

    where: str
    what: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.where}: {self.what}"


def check(regions: Iterable[Region]) -> tuple[Finding, ...]:
    """Every fault of some rulebooks that read well, in the files' order; none: all is well."""
    found = list(regions)
    return (*harms(found), *_between(found), *(fault for region in found for fault in _of_region(region)))


def silences(regions: Iterable[Region]) -> tuple[Finding, ...]:
    """The forms on which a region's version takes no stand, a line a version. An order of such a form is refused."""
    found = []
    for region in regions:
        for version in region.versions if not region.national else ():
            silent = [form for form in Form if not version.matching(form)]
            if silent:
                what = f"takes no stand on {', '.join(silent)}: say `offered: true` or `offered: false`"
                found.append(Finding(f"{region.region} {version.since}", what))
    return tuple(found)


def harms(regions: Iterable[Region]) -> tuple[Finding, ...]:
    """
    The faults for which a rulebook is not loaded at all (X-31), in the files' order.

    A measure that can be imposed and never ends; ages, hours and years outside sense; another rule under the name of a
    floor; a rule about a state that is left to people; two entries that both say what a measure hides; two national files.
    """
    found = list(regions)
    return (*_of_nation(found), *(fault for region in found for fault in _harms_of(region)))


def _of_nation(regions: list[Region]) -> Iterator[Finding]:
    national = [region for region in regions if region.national]
    if len(national) > 1:
        yield Finding(
            ", ".join(sorted(r.region for r in national)), "two files say that they are the national one"
        )
    floors = {rule_id for region in national for rule_id, rule in region.rules.items() if rule.floor}
    for region in regions:
        if region.national:
            continue
        for rule_id in sorted(rule_id for rule_id, rule in region.rules.items() if rule.floor):
            yield Finding(region.region, f"{rule_id} is called a floor, which only the national file can")
        for rule_id in sorted(set(region.rules) & floors):
            yield Finding(region.region, f"{rule_id} is a floor of every region and cannot be said otherwise")


def _harms_of(region: Region) -> Iterator[Finding]:
    for version in region.versions:
        where = f"{region.region} {version.since}"
        yield from _outside_sense(version, where)
        yield from _endless(version, where)
        yield from _left_to_people(region, version, where)
        yield from _services_twice(version, where)


# --- ages, hours, years


_AGES = range(1, 26)
_YEARS_OF_LIFE = range(1, 121)
_HOURS = range(1, 24 * 31 + 1)
_DAYS = range(367)
_YEARS = range(1, 11)
_MONTHS = range(1, 121)


def _outside_sense(version: Version, where: str) -> Iterator[Finding]:
    for what, value, sense in _numbers_of(version):
        if value is not None and value not in sense:
            yield Finding(where, f"{what}: {value} is outside {sense.start}–{sense.stop - 1}")
    ages = version.ages
    if ages.own_record_from < ages.own_account_from:
        yield Finding(
            where, "ages: own_record_from comes before own_account_from, without which nobody logs in"
        )
    if ages.of_age < max(ages.guardian_until, ages.own_record_from):
        yield Finding(where, "ages: of_age comes before guardian_until or own_record_from")


def _numbers_of(version: Version) -> Iterator[tuple[str, int | None, range]]:
    ages, lead = version.ages, version.lead
    for name in ("guardian_until", "own_account_from", "own_record_from", "of_age"):
        yield f"ages.{name}", getattr(ages, name), _AGES
    yield "lead.grant_expiring", lead.grant_expiring, _DAYS
    yield "lead.birthday", lead.birthday, _DAYS
    yield "lead.measure_ending", lead.measure_ending, _DAYS
    yield "lead.measure_ending_again", lead.measure_ending_again, _DAYS
    yield "lead.follow_up_hours", lead.follow_up_hours, _HOURS
    yield "unknown_patient_hours", version.unknown_patient_hours, _HOURS
    for entry in version.entries:
        yield f"{entry.id}.ends_at_age", entry.ends_at_age, _YEARS_OF_LIFE
        yield f"{entry.id}.when.patient_under", entry.when.patient_under, _YEARS_OF_LIFE
        yield f"{entry.id}.long_after_months", entry.long_after_months, _MONTHS
        yield f"{entry.id}.runs.years", entry.runs.years if entry.runs else None, _YEARS
        for name in ("signed_form", "follow_up"):
            deadline = getattr(entry, name)
            hours = deadline.within_hours if isinstance(deadline, Deadline) else None
            yield f"{entry.id}.{name}", hours, _HOURS
        if entry.age is not None:
            yield f"{entry.id}.age.since", entry.age.since, _YEARS_OF_LIFE
            yield f"{entry.id}.age.until", entry.age.until, _YEARS_OF_LIFE
            yield f"{entry.id}.age.ahead_days", entry.age.ahead_days, _DAYS
        for extra in entry.also_imposes or ():
            yield f"{entry.id}.also_imposes.ends_at_age", extra.ends_at_age, _YEARS_OF_LIFE
    for hidden in version.shown:
        yield f"{hidden.id}.patient_under", hidden.patient_under, _YEARS_OF_LIFE
    for choice in version.choices:
        yield f"{choice.id}.when.patient_from", choice.when.patient_from, _YEARS_OF_LIFE
        yield f"{choice.id}.when.patient_under", choice.when.patient_under, _YEARS_OF_LIFE
    for rule in version.standing:
        yield f"{rule.id}.patient_under", rule.patient_under, _YEARS_OF_LIFE
        for extra in rule.imposes:
            yield f"{rule.id}.imposes.ends_at_age", extra.ends_at_age, _YEARS_OF_LIFE


# --- what never ends


def _endless(version: Version, where: str) -> Iterator[Finding]:
    """A kind that can be imposed must end somehow: by a release form, an end date, an age, or what it came with."""
    for form, kind in IMPOSES.items():
        if version.offers(form) and not _ends(version.matching(form)) and not _may_be_released(version, kind):
            yield Finding(f"{where} {form}", f"{kind} never ends: no form releases it, no end date, no age")
    for entry in version.entries:
        for extra in entry.also_imposes or ():
            if not (extra.goes_with_it or extra.ends_at_age or _may_be_released(version, extra.kind)):
                yield Finding(f"{where} {entry.id}", f"{extra.kind} never ends: no form releases it, no age")
    for rule in version.standing:
        for extra in rule.imposes:
            if not _may_be_released(version, extra.kind):
                yield Finding(f"{where} {rule.id}", f"no form releases {extra.kind} when the state has ended")


def _ends(entries: tuple[RuleEntry, ...]) -> bool:
    return any(
        entry.when == Condition()
        and (
            entry.ends_at_age is not None
            or entry.runs is not None
            or (entry.end_date is not None and entry.end_date.required and not entry.end_date.or_review_on)
        )
        for entry in entries
    )


def _may_be_released(version: Version, kind: MeasureKind) -> bool:
    if any(version.offers(form) for form, ended in RELEASES.items() if ended is kind):
        return True
    asked = any(kind in (entry.may_release or ()) for entry in version.matching(Form.REQUEST_RELEASE))
    return asked and version.offers(Form.REQUEST_RELEASE) and version.offers(Form.UNIT_OPINION)


# --- what people cannot hold, and what is said twice


def _left_to_people(region: Region, version: Version, where: str) -> Iterator[Finding]:
    """Who reaches what is held by the program, or by nobody: a rule about a state is not done by a text or a channel."""
    for rule_id in version.people_only:
        rule = region.rules[rule_id]
        if "S" in rule.kind and not carried_out(version, rule_id):
            yield Finding(where, f"{rule_id} says who reaches what, and stands only under what people do")


def carried_out(version: Version, rule_id: str) -> bool:
    """Whether an entry, a standing rule, an answer or the core carries a rule out; a choice only guides."""
    return (
        any(rule_id in part.cites for part in version.parts if not isinstance(part, ChoiceRule))
        or any(rule_id in rules for rules in version.reasons.values())
        or bool(version.held_by_core.get(rule_id))
    )


def _services_twice(version: Version, where: str) -> Iterator[Finding]:
    for form in IMPOSES:
        saying = [entry for entry in version.matching(form) if entry.services is not None]
        for one, other in combinations(saying, 2):
            if together(one.when, other.when):
                yield Finding(f"{where} {form}", f"{one.id} and {other.id} contradict: both say services")


def _between(regions: list[Region]) -> Iterator[Finding]:
    names = [region.region for region in regions]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield Finding(name, "two files tell of this region")
    for one, other in combinations(regions, 2):
        for county in sorted(set(one.counties) & set(other.counties)):
            yield Finding(f"{one.region}, {other.region}", f"county {county} belongs to both")
        if one.region != other.region:
            for rule in sorted(set(one.rules) & set(other.rules)):
                yield Finding(f"{one.region}, {other.region}", f"rule {rule} stands in both")


def _of_region(region: Region) -> Iterator[Finding]:
    if not region.national and not region.counties:
        yield Finding(region.region, "no county: the register's word reaches nobody here")
    for county in region.counties:
        if not is_county(county):
            yield Finding(region.region, f"county {county}: no county of Sweden has that code")
    for version in region.versions:
        where = f"{region.region} {version.since}"
        for name in version.documents:
            begins = region.documents[name].valid_from
            if begins is not None and begins > version.since:
                yield Finding(where, f"rests on document {name}, which is valid from {begins} only")
        yield from _unresting(region, version, where)
        yield from _choices(version, where)
        yield from _of_version(version, where)


def _unresting(region: Region, version: Version, where: str) -> Iterator[Finding]:
    citing: tuple[RuleEntry | ChoiceRule, ...] = (*version.entries, *version.choices)
    for entry in citing:
        for rule in entry.cites:
            known = region.rules.get(rule)  # what the base says rests on the national documents
            if known is not None and known.document not in version.documents:
                yield Finding(
                    f"{where} {entry.id}", f"cites {rule} of a document that the version does not rest on"
                )


def _choices(version: Version, where: str) -> Iterator[Finding]:
    """A choice must come to its turn, and its forms must be for the ages that it speaks of."""
    for number, choice in enumerate(version.choices):
        place = f"{where} {choice.id}"
        before = next((c for c in version.choices[:number] if _takes_in(c.when, choice.when)), None)
        if before is not None:
            yield Finding(place, f"can never apply: {before.id} stands before it and holds whenever it does")
        for form in choice.forms:
            since, until = _ages_for(version.matching(form))
            if (choice.when.patient_from or 0) < since or (choice.when.patient_under or _AGELESS) > until:
                yield Finding(place, f"names {form} for ages that the form is not for")


_AGELESS = 1000
"""Older than anybody."""


def _ages_for(entries: tuple[RuleEntry, ...]) -> tuple[int, int]:
    windows = [entry.age for entry in entries if entry.age is not None and entry.when == Condition()]
    since = max((w.since or 0 for w in windows), default=0)
    return since, min((w.until or _AGELESS for w in windows), default=_AGELESS)


def _takes_in(wider: RiskCondition, narrower: RiskCondition) -> bool:
    """Whether a condition holds wherever another does."""
    for field in ("risk", "signs"):
        mine, theirs = getattr(wider, field), getattr(narrower, field)
        if mine is not None and (theirs is None or not set(theirs) <= set(mine)):
            return False
    return (wider.patient_from or 0) <= (narrower.patient_from or 0) and (
        wider.patient_under or _AGELESS
    ) >= (narrower.patient_under or _AGELESS)


def _of_version(version: Version, where: str) -> Iterator[Finding]:
    for form in Form:
        entries = version.matching(form)
        if not entries:
            continue
        place = f"{where} {form}"
        if not version.offers(form):
            for entry in entries:
                if entry.offered is None and not any(version.offers(f) for f in entry.forms):
                    yield Finding(f"{where} {entry.id}", "can never apply: none of its forms is offered")
            if not any(e.offered is False for e in entries) and all(len(e.forms) == 1 for e in entries):
                yield Finding(place, "is spoken of and neither offered nor refused")
            continue
        yield from _half_made(entries, place)
        for entry in entries:
            yield from _never(entry, form, entries, version, f"{where} {entry.id}")
        yield from _contradictions(entries, place)


def _half_made(entries: tuple[RuleEntry, ...], place: str) -> Iterator[Finding]:
    for clause, words in (
        ("deciders", "nobody is said to decide"),
        ("channels", "no channel is said to be open"),
        ("initiatives", "nobody is said to ask for it"),
    ):
        if not any(getattr(entry, clause) is not None for entry in entries):
            yield Finding(place, f"is offered, but {words}")


def _never(
    entry: RuleEntry, form: Form, entries: tuple[RuleEntry, ...], version: Version, where: str
) -> Iterator[Finding]:
    when = entry.when
    for clause, forms in _ONLY_FOR.items():
        if getattr(entry, clause) is not None and form not in forms:
            yield Finding(where, f"{clause} means nothing for {form}")
    if when.initiative is not None and not set(when.initiative) & _open_initiatives(entries):
        yield Finding(where, f"can never apply to {form}: no such initiative is allowed")
    if when.channel is not None and not any(_open(entries, c, when) for c in when.channel):
        yield Finding(where, f"can never apply to {form}: no such channel is open")
    if when.opinion is not None and form is not Form.UNIT_OPINION:
        yield Finding(where, f"can never apply to {form}: it has no opinion")
    if when.decision is not None and form is not Form.CONTINUE_MEASURE:
        yield Finding(where, f"can never apply to {form}: it has no decision")
    if when.confirms_call and (form not in IMPOSES or not _open(entries, Channel.PHONE, None)):
        yield Finding(where, f"can never apply to {form}: it is never called in")
    if (when.measure or when.measure_reported or when.measure_initiative) and form not in _ABOUT_MEASURES:
        yield Finding(where, f"can never apply to {form}: it speaks of no measure")
    if when.measure is not None and form in RELEASES and RELEASES[form] not in when.measure:
        yield Finding(where, f"can never apply to {form}: it ends another kind")
    if entry.other_regions is not None and when != Condition(initiative=when.initiative):
        yield Finding(where, "other_regions may have no other condition than the initiative")
    yield from _bonds(entry, form, where)
    youngest = max((e.age.since for e in entries if e.age and e.age.since is not None), default=0)
    if when.patient_under is not None and when.patient_under <= youngest:
        yield Finding(where, f"can never apply to {form}: patients are {youngest} or older")
    if entry.age is not None and (entry.age.since or 0) >= (entry.age.until or 200):
        yield Finding(where, "nobody is of that age")
    oldest = entry.ends_at_age
    if oldest is not None and youngest >= oldest:
        yield Finding(where, f"ends at {oldest}, and begins at {youngest}")


def _bonds(entry: RuleEntry, form: Form, where: str) -> Iterator[Finding]:
    """What is said of the unit that decides, where it can mean nothing."""
    if entry.deciders_bound_to is None:
        return
    opens = form in _ABOUT_MEASURES and not (form in RELEASES and RELEASES[form].opens)
    if form is Form.REQUEST_RELEASE or not (opens or (form in IMPOSES and not IMPOSES[form].opens)):
        yield Finding(where, f"deciders_bound_to means nothing for {form}: it opens nothing that care shut")
    elif form in IMPOSES and not entry.bound_to_clinic_alone:
        yield Finding(
            where, f"deciders_bound_to may name the clinic alone for {form}: nothing is imposed yet"
        )
    if "its_successor" in entry.deciders_bound_to and "imposing_unit" not in entry.deciders_bound_to:
        yield Finding(where, "deciders_bound_to names the successor of a unit that it leaves out")


def _open_initiatives(entries: tuple[RuleEntry, ...]) -> set[Initiative]:
    found = set(Initiative)
    for entry in entries:
        if entry.initiatives is not None and entry.when == Condition():
            found &= set(entry.initiatives)
    return found


def _open(entries: tuple[RuleEntry, ...], channel: Channel, when: Condition | None) -> bool:
    """Whether an order of the form may come that way, as far as no condition says otherwise."""
    said = [
        e
        for e in entries
        if e.channels is not None and (e.when == Condition() or (when is not None and _implied(e.when, when)))
    ]
    return all(getattr(e.channels, channel.value) is not None for e in said)


def _implied(condition: Condition, given: Condition) -> bool:
    """Whether a condition holds wherever another one does, as far as it is about the initiative and urgency."""
    rest = condition.model_copy(update={"initiative": None, "urgent": None})
    if rest != Condition():
        return False
    by_whom = condition.initiative is None or (
        given.initiative is not None and set(given.initiative) <= set(condition.initiative)
    )
    return by_whom and (condition.urgent is None or condition.urgent == given.urgent)


# --- contradictions


def _contradictions(entries: tuple[RuleEntry, ...], place: str) -> Iterator[Finding]:
    for one, other in combinations(entries, 2):
        if not together(one.when, other.when):
            continue
        for what in _clashes(one, other):
            yield Finding(place, f"{one.id} and {other.id} contradict: {what}")


def together(one: Condition, other: Condition) -> bool:
    """Whether two conditions can hold for the same order."""
    for field in Condition.model_fields:
        mine, theirs = getattr(one, field), getattr(other, field)
        if mine is None or theirs is None or field in ("patient_under", "measure", "measure_initiative"):
            continue
        if isinstance(mine, tuple) and not set(mine) & set(theirs):
            return False
        if not isinstance(mine, tuple) and mine != theirs:
            return False
    if one.confirms_call or other.confirms_call:
        # the signed form after a call never comes by phone
        calls = [w for w in (one, other) if w.channel is not None and set(w.channel) == {Channel.PHONE}]
        return not calls
    return True


def _clashes(one: RuleEntry, other: RuleEntry) -> Iterator[str]:
    if one.deciders is not None and other.deciders is not None and not _one_may_decide(one, other):
        yield "no one role may decide by both"
    if one.initiatives is not None and not set(one.initiatives) & set(other.initiatives or one.initiatives):
        yield "no initiative is allowed by both"
    if one.channels is not None and other.channels is not None and not _one_way_in(one, other):
        yield "no channel is open by both"
    if {one.units, other.units} == {"required", "forbidden"}:
        yield "units are required and forbidden"
    ends = [e.end_date for e in (one, other) if e.end_date is not None]
    if any(end.required for end in ends) and any(end.never for end in ends):
        yield "an end date is required and forbidden"
    if {one.offered, other.offered} == {True, False}:
        yield "the form is offered and not offered"
    ages = [e.age for e in (one, other) if e.age is not None]
    if max((a.since or 0 for a in ages), default=0) >= min((a.until or 200 for a in ages), default=200):
        yield "nobody is of both ages"


def _one_may_decide(one: RuleEntry, other: RuleEntry) -> bool:
    mine = frozenset() if one.deciders == "nobody" else frozenset(one.deciders or ())
    theirs = frozenset() if other.deciders == "nobody" else frozenset(other.deciders or ())
    return bool(mine & theirs) or mine == theirs


def _one_way_in(one: RuleEntry, other: RuleEntry) -> bool:
    return any(getattr(one.channels, c.value) and getattr(other.channels, c.value) for c in Channel)
