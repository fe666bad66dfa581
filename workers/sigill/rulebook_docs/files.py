"""
The folder of rulebooks, read once for every process and command alike.

Guarantee: what is loaded harms nobody by itself (X-31): a rulebook under which a measure would never end, or that says
the contrary of a floor, is not loaded at all. Left over: what can be read and cannot be meant, which
`sigill rulebook check` finds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sigill.policy.fault_lexicon import FaultText, Language, fault
from sigill.policy.rulebook import Region, RulebookError, Rulebooks, is_national, parse
from sigill.policy.rulebook_faults import Marks, Place
from sigill.policy.rulebook_faults import Path as Keys
from sigill.rulebook_docs.checking import Finding, harms

SHIPPED = Path(__file__).parents[1] / "rulebooks"
"""The rulebooks that come with the program."""
NATIONAL = SHIPPED / "nationwide.yaml"


def load(folder: Path = SHIPPED) -> tuple[Rulebooks, str | None]:
    """
    Read every `.yaml` of a folder; a folder without a national file gets the shipped one, which the second part says.

    Raises RulebookError with every fault at once, each with its file and place.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise RulebookError(fault("no_rulebook", folder=folder))
    regions, faults = read(files)
    taken = None
    if not faults:
        regions, taken = with_national(regions)
        faults = located(harms(regions), files)
    if faults:
        raise RulebookError(FaultText("; ".join(faults), "; ".join(faults)))
    return Rulebooks.of_regions(regions), taken.en if taken is not None else None


def located(findings: Iterable[Finding], files: Iterable[Path], language: Language = "en") -> list[str]:
    """
    Some findings as lines for people, each with the file, line and column of what it is about.

    What a version inherits is told of once, where it is written; what no file holds is told without a place.
    """
    sources: dict[str, list[tuple[Path, RulebookSource]]] = {}
    lines: dict[str, None] = {}
    findings = tuple(findings)
    for path in files if findings else ():
        source = RulebookSource.of(path)
        if source is not None:
            sources.setdefault(source.region, []).append((path, source))
    told = set()
    for finding in findings:
        found = sources.get(finding.region, [])
        # what two files say of one region stands in the last of them
        place = found[-1][1].place(finding) if found else None
        text = finding.said(language)
        if place is None:
            lines[text] = None
            continue
        path = found[-1][0]
        if (path, place, finding.text) not in told:
            told.add((path, place, finding.text))
            lines[f"{path}:{place[0]}:{place[1]}: {text}"] = None
    return list(lines)


@dataclass(frozen=True)
class RulebookSource:
    """One rulebook's file, with where its parts stand."""

    region: str
    raw: Mapping[str, Any]
    marks: Marks

    @classmethod
    def of(cls, path: Path) -> "RulebookSource | None":
        """Read one; None: it cannot be read, which is told elsewhere."""
        try:
            return cls.of_text(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None

    @classmethod
    def of_text(cls, text: str) -> "RulebookSource | None":
        """Read one from its text; None: it cannot be read, which is told elsewhere."""
        try:
            marks = Marks(text)
            raw = marks.get_single_data()
        except (ValueError, yaml.YAMLError, RecursionError):
            return None
        return cls(str(raw.get("region")), raw, marks) if isinstance(raw, dict) else None

    def place(self, finding: Finding) -> Place | None:
        """Where the part stands that a finding is about, in the version or in the one that it comes from."""
        if finding.since is None:
            return self.marks.place(self.raw, finding.at)
        versions = self.raw.get("versions") or ()
        number = next((n for n, v in enumerate(versions) if v.get("since") == finding.since), None)
        if number is None:
            return None
        here: Keys = ("versions", number)
        if finding.part is None:
            return self.marks.place(self.raw, (*here, *finding.at))
        tried: set[int] = set()
        while number is not None and number not in tried:
            tried.add(number)
            for part in ("entries", "standing", "shown", "choices"):
                for place, entry in enumerate(versions[number].get(part) or ()):
                    if entry.get("id") == finding.part:
                        return self.marks.place(self.raw, ("versions", number, part, place, *finding.at))
            earlier = versions[number].get("extends")
            number = next((n for n, v in enumerate(versions) if v.get("since") == earlier), None)
        return self.marks.place(self.raw, here)


def read(files: list[Path], language: Language = "en") -> tuple[list[Region], list[str]]:
    """The files that can be read, and every fault of those that cannot."""
    regions: list[Region] = []
    faults: list[str] = []
    national: Region | None = None
    for path in sorted(files, key=_is_regional):
        try:
            text = path.read_text("utf-8")
            if national is None and not is_national(text):
                national = parse(NATIONAL.read_text("utf-8"))
            regions.append(parse(text, national))
            if regions[-1].national:
                national = regions[-1]
        except RulebookError as error:
            faults += [found.within(path, language) for found in error.faults]
        except OSError as error:
            faults.append(f"{path}: {fault('unreadable_file', reason=error.strerror).of(language)}")
        except UnicodeDecodeError:
            faults.append(f"{path}: {fault('not_utf8').of(language)}")
    order = [path.stem for path in files]
    regions.sort(key=lambda region: order.index(region.region) if region.region in order else len(order))
    return regions, faults


def _is_regional(path: Path) -> bool:
    """Whether a file is not the national one, which others may begin with."""
    try:
        return not is_national(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return True


def with_national(regions: list[Region]) -> tuple[list[Region], FaultText | None]:
    """Some rulebooks with the shipped national one where none of them is national, and the sentence that says so."""
    if any(region.national for region in regions):
        return regions, None
    shipped = parse(NATIONAL.read_text("utf-8"))
    return [*regions, shipped], fault("shipped_taken", region=shipped.region)
