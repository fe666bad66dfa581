"""Rule ↔ entry ↔ story: which rule is carried out where, and which story shows it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sigill.policy.rulebook import ChoiceRule, Region, Rule

_CHOICE, _LETTER = "choice", "letter"
"""What guides or tells: neither says who reaches what."""


@dataclass(frozen=True, slots=True)
class Covered:
    """One rule with everything that carries it out or shows it."""

    region: str
    rule_id: str
    rule: Rule
    entries: tuple[str, ...]
    """`version entry`, `version answer CODE`, `version choice ID`, `version letter NAME`, `version core PART`: what the program does with it."""
    people: tuple[str, ...]
    """Where a rule that people follow shows: attestation, channel, worklist, text."""
    stories: tuple[str, ...]

    @property
    def held_by_software(self) -> bool:
        """Whether software can hold it: all but rules that only people can follow (kind H alone)."""
        return bool(self.entries) or self.rule.kind != ("H",)

    @property
    def gap(self) -> str | None:
        """What is missing; None: nothing."""
        if not self.entries and not self.people:
            return "no entry cites it"
        if "S" in self.rule.kind and all(entry.split(" ")[1] in (_CHOICE, _LETTER) for entry in self.entries):
            return "says who reaches what, and stands only under what people do"
        if self.held_by_software and not self.stories:
            return "no story cites it"
        return None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The table, with what is wrong with it."""

    rows: tuple[Covered, ...]
    strays: tuple[str, ...]
    """Stories that cite a rule which no rulebook has: one line each."""

    @property
    def gaps(self) -> tuple[str, ...]:
        """One line for each thing that is missing."""
        return (*(f"{row.rule_id}: {row.gap}" for row in self.rows if row.gap), *self.strays)


def coverage(regions: Iterable[Region], cited_by: Mapping[str, Iterable[str]]) -> Coverage:
    """The table over some regions. `cited_by`: each story's id with the rules that it cites."""
    stories: dict[str, list[str]] = {}
    for story, rules in cited_by.items():
        for rule in rules:
            stories.setdefault(rule, []).append(story)
    rows = tuple(row for region in regions for row in _rows(region, stories))
    known = {row.rule_id for row in rows}
    strays = tuple(
        f"{story} cites {rule}, which is no rule"
        for rule, tellers in sorted(stories.items())
        if rule not in known
        for story in tellers
    )
    return Coverage(rows, strays)


def _rows(region: Region, stories: Mapping[str, list[str]]) -> Iterator[Covered]:
    for rule_id, rule in region.rules.items():
        people = dict.fromkeys(
            str(v.people_only[rule_id]) for v in region.versions if rule_id in v.people_only
        )
        yield Covered(
            region.region,
            rule_id,
            rule,
            tuple(dict.fromkeys(_carriers(region, rule_id))),
            tuple(people),
            tuple(sorted(stories.get(rule_id, ()))),
        )


def _carriers(region: Region, rule_id: str) -> Iterator[str]:
    for version in region.versions:
        for said in version.parts:
            if rule_id in said.cites:
                word = f"{_CHOICE} " if isinstance(said, ChoiceRule) else ""
                yield f"{version.since} {word}{said.id}"
        for reason, rules in version.reasons.items():
            if rule_id in rules:
                yield f"{version.since} answer {reason}"
        for name, letter in version.letters.items():
            if rule_id in letter.cites:
                yield f"{version.since} {_LETTER} {name}"
        for part in version.held_by_core.get(rule_id, ()):
            yield f"{version.since} core {part}"
