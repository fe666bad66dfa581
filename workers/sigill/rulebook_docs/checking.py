"""What is wrong with a rulebook that reads well: rules that can never apply, clauses that contradict, forms half made.

`sigill.policy.rulebook.parse` finds what cannot be read; here stands what can be read and cannot be meant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations

from sigill.policy.counties import is_county
from sigill.policy.fault_lexicon import FaultText, Language, fault
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
    Form.GIVE_PAPER_COPY,
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
    """
    One fault: what is wrong, and where.

    `since` None: of the file as such. `part`: the id of an entry, standing rule or `shown` rule; `form` where it is about
    a form. `at`: keys below that, for the place in the file.
    """

    text: FaultText
    region: str
    since: date | None = None
    part: str | None = None
    form: Form | None = None
    at: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Region, version, and the form or part."""
        return " ".join(
            str(part) for part in (self.region, self.since, self.form or self.part) if part is not None
        )

    @property
    def what(self) -> str:
        """What is wrong, in English."""
        return self.text.en

    def said(self, language: Language) -> str:
        """One line for people."""
        return f"{self.where}: {self.text.of(language)}"

    def __str__(self) -> str:
        """One line for people, in English."""
        return self.said("en")


@dataclass(frozen=True, slots=True)
class _Here:
    """Where a check is: makes findings of that place."""

    region: str
    since: date | None = None
    part: str | None = None
    form: Form | None = None

    def of(self, entry_id: str) -> "_Here":
        return replace(self, part=entry_id, form=None)

    def about(self, form: Form, entry: RuleEntry | None = None) -> "_Here":
        return replace(self, form=form, part=entry.id if entry is not None else None)

    def says(self, code: str, *at: str, **gaps: object) -> Finding:
        return Finding(fault(code, **gaps), self.region, self.since, self.part, self.form, at)


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
                here = _Here(region.region, version.since)
                found.append(here.says("silent_on_forms", "entries", forms=", ".join(silent)))
    return tuple(found)


def harms(regions: Iterable[Region]) -> tuple[Finding, ...]:
    """
    The faults for which a rulebook is not loaded at all (X-31), in the files' order.

    A measure that can be imposed and never ends; ages, hours and years outside sense; another rule under the name of a
    floor, or a floor that is left to somebody else; a rule about a state that is left to people; two entries that both say what a measure hides; two national files.
    """
    found = list(regions)
    return (*_of_nation(found), *(fault for region in found for fault in _harms_of(region)))


def _of_nation(regions: list[Region]) -> Iterator[Finding]:
    national = [region for region in regions if region.national]
    if len(national) > 1:
        yield _Here(", ".join(sorted(r.region for r in national))).says("two_national")
    floors = {rule_id for region in national for rule_id, rule in region.rules.items() if rule.floor}
    for region in regions:
        if region.national:
            continue
        for rule_id in sorted(rule_id for rule_id, rule in region.rules.items() if rule.floor):
            yield _Here(region.region).says("calls_itself_floor", "rules", rule_id, "floor", rule=rule_id)
        for rule_id in sorted(set(region.rules) & floors):
            yield _Here(region.region).says("changes_floor", "rules", rule_id, rule=rule_id)
        yield from _floors_elsewhere(region, floors)


def _floors_elsewhere(region: Region, floors: set[str]) -> Iterator[Finding]:
    told = set[str]()  # a later version inherits it
    for version in region.versions:
        for part in ("people_only", "held_by_core"):
            for rule_id in sorted(floors.intersection(getattr(version, part)) - told):
                told.add(rule_id)
                yield _Here(region.region, version.since).says("floor_elsewhere", part, rule_id, rule=rule_id)


def _harms_of(region: Region) -> Iterator[Finding]:
    for version in region.versions:
        where = _Here(region.region, version.since)
        yield from _outside_sense(version, where)
        yield from _endless(version, where)
        yield from _left_to_people(region, version, where)
        yield from _services_twice(version, where)


# --- ages, hours, years


_AGES = range(1, 26)
_YEARS_OF_LIFE = range(1, 121)
_HOURS = range(1, 24 * 31 + 1)
_DAYS = range(367)
_WITHIN = range(1, 367)
_YEARS = range(1, 11)
_MONTHS = range(1, 121)


def _outside_sense(version: Version, where: _Here) -> Iterator[Finding]:
    ids = {part.id for part in version.parts}
    for what, value, sense in _numbers_of(version):
        if value is not None and value not in sense:
            first, *below = what.split(".")
            here, at = (where.of(first), below) if first in ids else (where, [first, *below])
            gaps = {"what": what, "value": value, "least": sense.start, "most": sense.stop - 1}
            yield here.says("outside_sense", *at, **gaps)
    ages = version.ages
    if any(
        age not in _AGES
        for age in (ages.guardian_until, ages.own_account_from, ages.own_record_from, ages.of_age)
    ):
        return  # an age outside sense comes before or after the others, too
    if ages.own_record_from < ages.own_account_from:
        yield where.says("record_before_account", "ages", "own_record_from")
    if ages.of_age < max(ages.guardian_until, ages.own_record_from):
        yield where.says("of_age_too_early", "ages", "of_age")


def _numbers_of(version: Version) -> Iterator[tuple[str, int | None, range]]:
    ages, lead = version.ages, version.lead
    for name in ("guardian_until", "own_account_from", "own_record_from", "of_age"):
        yield f"ages.{name}", getattr(ages, name), _AGES
    yield "lead.grant_expiring", lead.grant_expiring, _DAYS
    yield "lead.birthday", lead.birthday, _DAYS
    yield "lead.measure_ending", lead.measure_ending, _DAYS
    yield "lead.measure_ending_again", lead.measure_ending_again, _DAYS
    yield "lead.follow_up_hours", lead.follow_up_hours, _HOURS
    yield "lead.unit_answer", lead.unit_answer, _WITHIN
    yield "lead.authority_answer", lead.authority_answer, _WITHIN
    yield "lead.letter_receipt", lead.letter_receipt, _WITHIN
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


def _endless(version: Version, where: _Here) -> Iterator[Finding]:
    """A kind that can be imposed must end somehow: by a release form, an end date, an age, or what it came with."""
    for form, kind in IMPOSES.items():
        if version.offers(form) and not _ends(version.matching(form)) and not _may_be_released(version, kind):
            offers = next(e for e in version.matching(form) if e.offered)
            yield where.about(form, offers).says("never_ends", kind=kind)
    for entry in version.entries:
        for extra in entry.also_imposes or ():
            if not (extra.goes_with_it or extra.ends_at_age or _may_be_released(version, extra.kind)):
                yield where.of(entry.id).says("extra_never_ends", "also_imposes", kind=extra.kind)
    for rule in version.standing:
        for extra in rule.imposes:
            if not _may_be_released(version, extra.kind):
                yield where.of(rule.id).says("state_never_ends", "imposes", kind=extra.kind)


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


def _left_to_people(region: Region, version: Version, where: _Here) -> Iterator[Finding]:
    """Who reaches what is held by the program, or by nobody: a rule about a state is not done by a text or a channel."""
    for rule_id in version.people_only:
        rule = region.rules.get(rule_id)  # one of the base's is the national file's to judge
        if rule is not None and "S" in rule.kind and not carried_out(version, rule_id):
            yield where.says("state_left_to_people", "people_only", rule_id, rule=rule_id)


def carried_out(version: Version, rule_id: str) -> bool:
    """Whether an entry, a standing rule, an answer or the core carries a rule out; a choice only guides."""
    return (
        any(rule_id in part.cites for part in version.parts if not isinstance(part, ChoiceRule))
        or any(rule_id in rules for rules in version.reasons.values())
        or bool(version.held_by_core.get(rule_id))
    )


def _services_twice(version: Version, where: _Here) -> Iterator[Finding]:
    for form in IMPOSES:
        saying = [entry for entry in version.matching(form) if entry.services is not None]
        for first, other in combinations(saying, 2):
            if together(first.when, other.when):
                yield _contradict(
                    where.about(form, other), first, other, fault("both_say_services"), "services"
                )


def _between(regions: list[Region]) -> Iterator[Finding]:
    names = [region.region for region in regions]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield _Here(name).says("two_files", "region")
    for first, other in combinations(regions, 2):
        for county in sorted(set(first.counties) & set(other.counties)):
            yield _Here(f"{first.region}, {other.region}").says("county_of_both", county=county)
        if first.region != other.region:
            for rule in sorted(set(first.rules) & set(other.rules)):
                yield _Here(f"{first.region}, {other.region}").says("rule_in_both", rule=rule)


def _of_region(region: Region) -> Iterator[Finding]:
    if not region.national and not region.counties:
        yield _Here(region.region).says("no_county", "counties")
    for county in region.counties:
        if not is_county(county):
            yield _Here(region.region).says("no_such_county", "counties", county=county)
    for version in region.versions:
        where = _Here(region.region, version.since)
        for name in version.documents:
            begins = region.documents[name].valid_from
            if begins is not None and begins > version.since:
                yield where.says("document_too_late", "documents", document=name, begins=begins)
        yield from _unresting(region, version, where)
        yield from _choices(version, where)
        yield from _of_version(version, where)


def _unresting(region: Region, version: Version, where: _Here) -> Iterator[Finding]:
    citing: tuple[RuleEntry | ChoiceRule, ...] = (*version.entries, *version.choices)
    for entry in citing:
        for rule in entry.cites:
            known = region.rules.get(rule)  # what the base says rests on the national documents
            if known is not None and known.document not in version.documents:
                yield where.of(entry.id).says("rests_elsewhere", "cites", rule=rule)


def _choices(version: Version, where: _Here) -> Iterator[Finding]:
    """A choice must come to its turn, and its forms must be for the ages that it speaks of."""
    for number, choice in enumerate(version.choices):
        place = where.of(choice.id)
        before = next((c for c in version.choices[:number] if _takes_in(c.when, choice.when)), None)
        if before is not None:
            yield place.says("choice_never", "when", before=before.id)
        for form in choice.forms:
            since, until = _ages_for(version.matching(form))
            if (choice.when.patient_from or 0) < since or (choice.when.patient_under or _AGELESS) > until:
                yield place.says("choice_ages", "forms", form=form)


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


def _of_version(version: Version, where: _Here) -> Iterator[Finding]:
    for form in Form:
        entries = version.matching(form)
        if not entries:
            continue
        place = where.about(form, entries[0])
        if not version.offers(form):
            for entry in entries:
                if entry.offered is None and not any(version.offers(f) for f in entry.forms):
                    yield where.of(entry.id).says("no_form_offered", "forms")
            if not any(e.offered is False for e in entries) and all(len(e.forms) == 1 for e in entries):
                yield place.says("neither_offered_nor_refused")
            continue
        yield from _half_made(entries, place)
        for entry in entries:
            yield from _never(entry, form, entries, where.of(entry.id))
        yield from _contradictions(entries, place)


def _half_made(entries: tuple[RuleEntry, ...], place: _Here) -> Iterator[Finding]:
    for clause, code in (
        ("deciders", "nobody_decides"),
        ("channels", "no_channel"),
        ("initiatives", "nobody_asks"),
    ):
        if not any(getattr(entry, clause) is not None for entry in entries):
            yield place.says(code, "offered")


def _never(entry: RuleEntry, form: Form, entries: tuple[RuleEntry, ...], where: _Here) -> Iterator[Finding]:
    when = entry.when
    for clause, forms in _ONLY_FOR.items():
        if getattr(entry, clause) is not None and form not in forms:
            yield where.says("means_nothing_for", clause, clause=clause, form=form)
    if when.initiative is not None and not set(when.initiative) & _open_initiatives(entries):
        yield where.says("never_initiative", "when", "initiative", form=form)
    if when.channel is not None and not any(_open(entries, c, when) for c in when.channel):
        yield where.says("never_channel", "when", "channel", form=form)
    if when.opinion is not None and form is not Form.UNIT_OPINION:
        yield where.says("never_opinion", "when", "opinion", form=form)
    if when.decision is not None and form is not Form.CONTINUE_MEASURE:
        yield where.says("never_decision", "when", "decision", form=form)
    if when.confirms_call and (form not in IMPOSES or not _open(entries, Channel.PHONE, None)):
        yield where.says("never_called_in", "when", "confirms_call", form=form)
    if (when.measure or when.measure_reported or when.measure_initiative) and form not in _ABOUT_MEASURES:
        yield where.says("never_measure", "when", form=form)
    if when.measure is not None and form in RELEASES and RELEASES[form] not in when.measure:
        yield where.says("never_kind", "when", "measure", form=form)
    if entry.other_regions is not None and when != Condition(initiative=when.initiative):
        yield where.says("other_regions_condition", "when")
    yield from _bonds(entry, form, where)
    youngest = max((e.age.since for e in entries if e.age and e.age.since is not None), default=0)
    if when.patient_under is not None and when.patient_under <= youngest:
        yield where.says("never_age", "when", "patient_under", form=form, age=youngest)
    if entry.age is not None and (entry.age.since or 0) >= (entry.age.until or 200):
        yield where.says("nobody_of_age", "age")
    oldest = entry.ends_at_age
    if oldest is not None and youngest >= oldest:
        yield where.says("ends_before_it_begins", "ends_at_age", end=oldest, begin=youngest)


def _bonds(entry: RuleEntry, form: Form, where: _Here) -> Iterator[Finding]:
    """What is said of the unit that decides, where it can mean nothing."""
    if entry.deciders_bound_to is None:
        return
    opens = form in _ABOUT_MEASURES and not (form in RELEASES and RELEASES[form].opens)
    if form is Form.REQUEST_RELEASE or not (opens or (form in IMPOSES and not IMPOSES[form].opens)):
        yield where.says("bond_opens_nothing", "deciders_bound_to", form=form)
    elif form in IMPOSES and not entry.bound_to_clinic_alone:
        yield where.says("bond_clinic_alone", "deciders_bound_to", form=form)
    if "its_successor" in entry.deciders_bound_to and "imposing_unit" not in entry.deciders_bound_to:
        yield where.says("bond_successor", "deciders_bound_to")


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


def _contradict(place: _Here, one: RuleEntry, other: RuleEntry, what: FaultText, *at: str) -> Finding:
    """That two entries contradict, told of the later one."""
    here = place.says("contradict", *at, one=one.id, other=other.id, what="{what}")
    text = FaultText(here.text.sv.format(what=what.sv), here.text.en.format(what=what.en))
    return replace(here, text=text, part=other.id)


def _contradictions(entries: tuple[RuleEntry, ...], place: _Here) -> Iterator[Finding]:
    for first, other in combinations(entries, 2):
        if not together(first.when, other.when):
            continue
        for what in _clashes(first, other):
            yield _contradict(place, first, other, what)


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


def _clashes(one: RuleEntry, other: RuleEntry) -> Iterator[FaultText]:
    if one.deciders is not None and other.deciders is not None and not _one_may_decide(one, other):
        yield fault("no_one_role")
    if one.initiatives is not None and not set(one.initiatives) & set(other.initiatives or one.initiatives):
        yield fault("no_one_initiative")
    if one.channels is not None and other.channels is not None and not _one_way_in(one, other):
        yield fault("no_one_channel")
    if {one.units, other.units} == {"required", "forbidden"}:
        yield fault("units_both_ways")
    ends = [e.end_date for e in (one, other) if e.end_date is not None]
    if any(end.required for end in ends) and any(end.never for end in ends):
        yield fault("end_date_both_ways")
    if {one.offered, other.offered} == {True, False}:
        yield fault("offered_both_ways")
    ages = [e.age for e in (one, other) if e.age is not None]
    if max((a.since or 0 for a in ages), default=0) >= min((a.until or 200 for a in ages), default=200):
        yield fault("no_one_age")


def _one_may_decide(one: RuleEntry, other: RuleEntry) -> bool:
    mine = frozenset() if one.deciders == "nobody" else frozenset(one.deciders or ())
    theirs = frozenset() if other.deciders == "nobody" else frozenset(other.deciders or ())
    return bool(mine & theirs) or mine == theirs


def _one_way_in(one: RuleEntry, other: RuleEntry) -> bool:
    return any(getattr(one.channels, c.value) and getattr(other.channels, c.value) for c in Channel)
