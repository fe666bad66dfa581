"""What is wrong with a rulebook that reads well: rules that can never apply, clauses that contradict, forms half made.

`workers.policy.rulebook.parse` finds what cannot be read; here stands what can be read and cannot be meant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from contracts.vocabulary import IMPOSES, RELEASES, Channel, Form, Initiative
from workers.policy.counties import is_county
from workers.policy.rulebook import Entry, Region, Version, When

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
    return (*_between(found), *(fault for region in found for fault in _of_region(region)))


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
        yield from _of_version(version, where)


def _unresting(region: Region, version: Version, where: str) -> Iterator[Finding]:
    for entry in version.entries:
        for rule in entry.cites:
            if region.rules[rule].document not in version.documents:
                yield Finding(
                    f"{where} {entry.id}", f"cites {rule} of a document that the version does not rest on"
                )


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


def _half_made(entries: tuple[Entry, ...], place: str) -> Iterator[Finding]:
    for clause, words in (
        ("deciders", "nobody is said to decide"),
        ("channels", "no channel is said to be open"),
        ("initiatives", "nobody is said to ask for it"),
    ):
        if not any(getattr(entry, clause) is not None for entry in entries):
            yield Finding(place, f"is offered, but {words}")


def _never(
    entry: Entry, form: Form, entries: tuple[Entry, ...], version: Version, where: str
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
    youngest = max((e.age.since for e in entries if e.age and e.age.since is not None), default=0)
    if when.patient_under is not None and when.patient_under <= youngest:
        yield Finding(where, f"can never apply to {form}: patients are {youngest} or older")
    if entry.age is not None and (entry.age.since or 0) >= (entry.age.until or 200):
        yield Finding(where, "nobody is of that age")
    oldest = entry.ends_at_age
    if oldest is not None and youngest >= oldest:
        yield Finding(where, f"ends at {oldest}, and begins at {youngest}")


def _open_initiatives(entries: tuple[Entry, ...]) -> set[Initiative]:
    found = set(Initiative)
    for entry in entries:
        if entry.initiatives is not None and entry.when == When():
            found &= set(entry.initiatives)
    return found


def _open(entries: tuple[Entry, ...], channel: Channel, when: When | None) -> bool:
    """Whether an order of the form may come that way, as far as no condition says otherwise."""
    said = [
        e
        for e in entries
        if e.channels is not None and (e.when == When() or (when is not None and _implied(e.when, when)))
    ]
    return all(getattr(e.channels, channel.value) is not None for e in said)


def _implied(condition: When, given: When) -> bool:
    """Whether a condition holds wherever another one does, as far as it is about the initiative and urgency."""
    rest = condition.model_copy(update={"initiative": None, "urgent": None})
    if rest != When():
        return False
    by_whom = condition.initiative is None or (
        given.initiative is not None and set(given.initiative) <= set(condition.initiative)
    )
    return by_whom and (condition.urgent is None or condition.urgent == given.urgent)


# --- contradictions


def _contradictions(entries: tuple[Entry, ...], place: str) -> Iterator[Finding]:
    for one, other in combinations(entries, 2):
        if not together(one.when, other.when):
            continue
        for what in _clashes(one, other):
            yield Finding(place, f"{one.id} and {other.id} contradict: {what}")


def together(one: When, other: When) -> bool:
    """Whether two conditions can hold for the same order."""
    for field in When.model_fields:
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


def _clashes(one: Entry, other: Entry) -> Iterator[str]:
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


def _one_may_decide(one: Entry, other: Entry) -> bool:
    mine = frozenset() if one.deciders == "nobody" else frozenset(one.deciders or ())
    theirs = frozenset() if other.deciders == "nobody" else frozenset(other.deciders or ())
    return bool(mine & theirs) or mine == theirs


def _one_way_in(one: Entry, other: Entry) -> bool:
    return any(getattr(one.channels, c.value) and getattr(other.channels, c.value) for c in Channel)
