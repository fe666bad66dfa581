"""
A draft of one region's rulebook held against what is in force: its faults at their lines, and what it changes.

Guarantee: nothing that has begun is changed by a draft that has no fault here; every version that it adds or changes
begins after today. A draft is somebody's text: `sigill.scenario.draft` calls this in a process of its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sigill.policy.effects import Sentence
from sigill.policy.fault_lexicon import FaultText, fault
from sigill.policy.rulebook import (
    Region,
    RulebookError,
    Rulebooks,
    Version,
    digest_of,
    is_national,
    parse,
)
from sigill.rulebook_docs.checking import Finding, check, silences
from sigill.rulebook_docs.comparison import RuleChange, compare
from sigill.rulebook_docs.files import NATIONAL, RulebookSource
from sigill.rulebook_docs.letters import EXAMPLE_DETAILS, letter_markdown
from sigill_contracts.vocabulary import Form, RegionCode

MOST_CHARACTERS = 200_000
"""Of a draft; the longest rulebook that ships has a fifth of it."""
_REGION = re.compile(r"^[\"']?region[\"']?[ \t]*:[ \t]*[\"']?([a-z][a-z0-9-]*)", re.MULTILINE)
_OF_PARTS = frozenset({"rules", "documents", "versions", "attestations"})


class DraftModel(BaseModel):
    """A part of what is asked or answered about a draft."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DraftRequest(DraftModel):
    """
    What is asked. `today` is the Swedish date; `stories` is a folder of them and `own_stories` are texts, each of which takes
    the place of the folder's with the same id; neither: no story is played.

    `rulebooks` is the folder that is in force, None: the one that comes with the program; `in_force` are the texts by region
    where they come from no folder. `ahead` is the text of the
    region's newest release that is not in the folder yet, whose place the draft would take.
    """

    region: str
    text: str
    today: date
    ahead: str | None = None
    in_force: dict[str, str] | None = None
    rulebooks: Path | None = None
    stories: Path | None = None
    own_stories: tuple[str, ...] = ()


class DraftFault(DraftModel):
    """What is wrong, with line and column from 1 where it stands in the text."""

    sv: str
    en: str
    line: int | None = None
    column: int | None = None


class DraftWords(DraftModel):
    """A sentence in both languages."""

    sv: str
    en: str


class DraftChange(DraftModel):
    """A `RuleChange` as it crosses to another process."""

    form: Form | None
    kind: str
    before: DraftWords | None
    after: DraftWords | None
    rules: tuple[str, ...]


class DraftVersion(DraftModel):
    """A version that the draft adds or changes; `against`: the day of the one that it follows, or that it replaces."""

    since: date
    against: date | None
    changes: tuple[DraftChange, ...]


class DraftStory(DraftModel):
    """How a story went against the draft. `failure` None: it passed."""

    story: str
    title: str
    failure: str | None


class DraftLetter(DraftModel):
    """
    A letter of a version that the draft adds or changes, with invented data filled in: Markdown, for
    `sigill.rulebook_docs.letters.rendered`. `changed`: the version that it is held against has no such letter, or another.
    """

    since: date
    name: str
    delivery: str
    changed: bool
    sv: str
    en: str


class DraftAnswer(DraftModel):
    """
    What is found. `begins` is the first day on which anything changes, None: the draft changes nothing, or has faults.

    `removed` are versions to come that the draft leaves out; `undone` are those of the release `ahead` that it leaves out
    or has otherwise. `unread` are files of stories that could not be read.
    """

    digest: str
    faults: tuple[DraftFault, ...] = ()
    notes: tuple[DraftFault, ...] = ()
    begins: date | None = None
    versions: tuple[DraftVersion, ...] = ()
    removed: tuple[date, ...] = ()
    undone: tuple[date, ...] = ()
    letters: tuple[DraftLetter, ...] = ()
    stories: tuple[DraftStory, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many stories failed."""
        return sum(story.failure is not None for story in self.stories)


def texts_in(folder: Path | None) -> dict[str, str]:
    """
    The rulebooks of a folder by region, as they were written; with the shipped national one where none is national.

    Raises OSError.
    """
    texts: dict[str, str] = {}
    for path in sorted((folder or NATIONAL.parent).glob("*.yaml")):
        text = path.read_text("utf-8")
        said = _REGION.search(text)
        texts[said[1] if said else path.stem] = text
    return with_national_text(texts)


def with_national_text(texts: Mapping[str, str]) -> dict[str, str]:
    """Some rulebooks by region, with the shipped national one where none is national. Raises OSError."""
    national = (
        {}
        if any(is_national(text) for text in texts.values())
        else {"nationwide": NATIONAL.read_text("utf-8")}
    )
    return {**texts, **national}


def answered(asked: DraftRequest) -> tuple[DraftAnswer, Rulebooks | None]:
    """What is found of a draft, and all rulebooks as they would be with it; None: it cannot be read. Raises OSError."""
    texts = texts_in(asked.rulebooks) if asked.in_force is None else with_national_text(asked.in_force)
    digest = digest_of(asked.text)
    before = _parsed(texts)
    try:
        after = _parsed({**texts, asked.region: asked.text}, first=asked.region)
    except RulebookError as error:
        faults = tuple(
            DraftFault(
                sv=fault.text.sv,
                en=fault.text.en,
                line=fault.place[0] if fault.place else None,
                column=fault.place[1] if fault.place else None,
            )
            for fault in error.faults
        )
        return DraftAnswer(digest=digest, faults=faults), None
    source = RulebookSource.of_text(asked.text)
    drafted = after[asked.region]
    known = {_key(finding) for finding in check(before.values())}
    all_found = check(after.values())
    found = [finding for finding in all_found if _key(finding) not in known]
    as_before = [
        finding for finding in all_found if _key(finding) in known and finding.region == asked.region
    ]
    old, new = Rulebooks.of_regions(before.values()), Rulebooks.of_regions(after.values())
    found += _backwards(asked, old, new, drafted)
    answer = DraftAnswer(
        digest=digest,
        faults=_told(found, asked.region, source),
        notes=_told([*as_before, *silences([drafted])], asked.region, source),
    )
    code = RegionCode(asked.region)
    was, now = old.regions.get(code), new.regions.get(code)
    if answer.faults or now is None:
        return answer, new
    versions = tuple(_versions(was, now))
    kept = {version.since for version in now.versions}
    removed = tuple(v.since for v in was.versions if v.since not in kept) if was else ()
    days = [*(version.since for version in versions), *removed]
    changed = {
        "versions": versions,
        "removed": removed,
        "undone": tuple(_undone(asked, texts, was, now)),
        "letters": tuple(_letters(was, now)),
        "begins": min(days, default=None),
    }
    return answer.model_copy(update=changed), new


def first_file(region: str, base: Region | None, since: date) -> str:
    """
    A first file for a region without one, which begins with the national base on a Swedish date: to be filled in.

    `base`: the national rulebook, where it names the region, and so its organisation number.
    """
    numbers = [base.other_organisations[region]] if base is not None else []
    return f"""# {region}: what differs from the national base. Replace every word in capital letters.
region: {region}
name: "REGION'S NAME"
counties: ["COUNTY'S TWO DIGITS"]
organisations: [{", ".join(f'"{number}"' for number in numbers)}]
documents:
  D1: {{title: "THE ROUTINE'S TITLE", valid_from: {since}}}
rules:
  R-01: {{kind: [V], document: D1, sv: "REGELN PÅ SVENSKA.", en: "THE RULE IN ENGLISH."}}
versions:
  - since: {since}
    base: nationwide
    documents: [D1]
    entries:
      - {{id: block, cites: [R-01], deciders: [head_of_unit, treating_physician]}}
"""


def rulebooks_with(texts: Mapping[str, str], region: str, text: str) -> Rulebooks:
    """The rulebooks of some texts as they would be with a draft that has no fault. Raises RulebookError."""
    return Rulebooks.of_regions(_parsed({**texts, region: text}, first=region).values())


def _parsed(texts: Mapping[str, str], first: str | None = None) -> dict[str, Region]:
    """Every region; the national one is read before the others, then `first`. Raises RulebookError."""
    national = next((code for code, text in texts.items() if is_national(text)), None)
    base = None if national is None else parse(texts[national])
    order = sorted(texts, key=lambda code: code != first)
    found = {code: base if code == national and base else parse(texts[code], base) for code in order}
    if first is not None and found[first].region != first:
        raise RulebookError(fault("draft_other_region", region=first, said=found[first].region))
    return {code: found[code] for code in texts}


def _key(one: Finding) -> tuple[object, ...]:
    """What a finding is about, wherever it stands in its file: one that the file had before is no fault of the draft."""
    return one.region, one.since, one.part, one.form, one.at, one.text


def _told(findings: Iterable[Finding], region: str, source: RulebookSource | None) -> tuple[DraftFault, ...]:
    told: dict[DraftFault, None] = {}
    for finding in findings:
        place = source.place(finding) if source is not None and finding.region == region else None
        sv, en = finding.said("sv"), finding.said("en")
        line, column = place or (None, None)
        told[DraftFault(sv=sv, en=en, line=line, column=column)] = None
    return tuple(sorted(told, key=lambda one: (one.line or 0, one.column or 0)))


# --- what has begun


def _backwards(asked: DraftRequest, old: Rulebooks, new: Rulebooks, drafted: Region) -> Iterator[Finding]:
    """Everything by which the draft would change a day that is over, or today."""
    was = old.regions.get(RegionCode(asked.region))
    if was is not None:
        yield from _at_once(was, drafted, asked.today)
    for code, region in new.regions.items():
        before = old.regions.get(code)
        own = code == asked.region
        begun = {v.since: v for v in before.versions if v.since <= asked.today} if before else {}
        for version in region.versions:
            if version.since > asked.today:
                continue
            if version.since not in begun:
                text = fault("draft_backwards", since=version.since, today=asked.today)
                yield Finding(text, code, version.since, at=("since",))
            elif version != begun[version.since]:
                text = (
                    fault("draft_begun", since=version.since)
                    if own
                    else fault("draft_begun_elsewhere", region=code, since=version.since)
                )
                yield Finding(text, asked.region, version.since if own else None)
        kept = {version.since for version in region.versions}
        for since in sorted(begun.keys() - kept):
            yield Finding(fault("draft_gone", since=since), asked.region, None, at=("versions",))


def _at_once(was: Region, now: Region, today: date) -> Iterator[Finding]:
    """What belongs to no version holds for every day: it may be added to, and nothing that was used may change."""
    for part in Region.model_fields:
        if part not in _OF_PARTS and getattr(was, part) != getattr(now, part):
            yield Finding(fault("draft_part_at_once", part=part), now.region, None, at=(part,))
    begun = [version for version in was.versions if version.since <= today]
    cited = {rule for version in begun for rule in _rules_of(version)}
    papers = {name for version in begun for name in version.documents}
    papers |= {rule.document for name, rule in was.rules.items() if name in cited}
    for part, used in (("rules", cited), ("documents", papers), ("attestations", set(was.attestations))):
        before: Mapping[str, object] = getattr(was, part)
        after: Mapping[str, object] = getattr(now, part)
        for name in sorted(used & before.keys()):
            if after.get(name) != before[name]:
                at = (part, name) if name in after else (part,)
                yield Finding(fault("draft_cited", name=name), now.region, None, at=at)


def _rules_of(version: Version) -> set[str]:
    """Every rule that a version names: for what it does, for a reason, or as held by people or by the core."""
    cited = {rule for part in version.parts for rule in part.cites}
    cited |= {rule for rules in version.reasons.values() for rule in rules}
    return cited | version.people_only.keys() | version.held_by_core.keys()


# --- what it changes


def _versions(was: Region | None, now: Region) -> Iterator[DraftVersion]:
    """The versions that are new or say something else, with what they change."""
    for version, against in _changed(was, now):
        changes = compare(against, version) if against is not None else ()
        yield DraftVersion(
            since=version.since,
            against=against.since if against is not None else None,
            changes=tuple(_change(change) for change in changes),
        )


def _changed(was: Region | None, now: Region) -> Iterator[tuple[Version, Version | None]]:
    """The versions that are new or say something else, each beside the one of its day before the draft."""
    earlier = {version.since: version for version in was.versions} if was else {}
    for number, version in enumerate(now.versions):
        replaced = earlier.get(version.since)
        if replaced == version:
            continue
        against = replaced or (was.in_force(version.since) if was else None)
        if against is None and number:
            against = now.versions[number - 1]
        yield version, against


def _letters(was: Region | None, now: Region) -> Iterator[DraftLetter]:
    """The letters of those versions, the changed ones first."""
    for version, against in _changed(was, now):
        before = {} if against is None else against.letters
        order = sorted(version.letters.items(), key=lambda one: before.get(one[0]) == one[1])
        for name, letter in order:
            sv, en = (
                letter_markdown(now, version, letter, version.since, EXAMPLE_DETAILS, english=english)
                for english in (False, True)
            )
            yield DraftLetter(
                since=version.since,
                name=name,
                delivery=letter.delivery,
                changed=before.get(name) != letter,
                sv=sv,
                en=en,
            )


def _undone(asked: DraftRequest, texts: Mapping[str, str], was: Region | None, now: Region) -> Iterator[date]:
    """The days of versions that the release ahead brings and the draft does not: exported, it takes the release's place."""
    if asked.ahead is None:
        return
    try:
        ahead = rulebooks_with(texts, asked.region, asked.ahead).regions[RegionCode(asked.region)]
    except RulebookError:
        return  # it fits the folder no more, and would not be loaded
    known = {version.since: version for version in was.versions} if was else {}
    drafted = {version.since: version for version in now.versions}
    for version in ahead.versions:
        if version not in (known.get(version.since), drafted.get(version.since)):
            yield version.since


def _change(change: RuleChange) -> DraftChange:
    return DraftChange(
        form=change.form,
        kind=change.kind,
        before=_words(change.before),
        after=_words(change.after),
        rules=change.rules,
    )


def _words(sentence: Sentence | FaultText | None) -> DraftWords | None:
    return None if sentence is None else DraftWords(sv=sentence.sv, en=sentence.en)
