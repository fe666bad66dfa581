"""
What the directory says of units: region, clinic, care provider, and which unit succeeded a closed one. Pure values.

A unit's region is decided here and nowhere else (X-08), and so is for which units a decider's unit speaks (X-07).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from sigill.policy.rulebook import Rulebooks, Version
from sigill_contracts.vocabulary import RegionCode, UnitId


@dataclass(frozen=True, slots=True)
class Unit:
    """
    A unit (vårdenhet) in the newest version that is known.

    `valid_from` and `valid_through` are Swedish dates, both inclusive; None is open. `clinic` (klinik) is the code that
    rules name (`paediatric`); None: the directory does not say. `succeeded_by` took over what the unit had decided;
    `named_by_operators` says that two operators named it, and not the directory.
    """

    unit: UnitId
    region: RegionCode | None = None
    name: str | None = None
    clinic: str | None = None
    care_provider: UnitId | None = None
    parent: UnitId | None = None
    valid_from: date | None = None
    valid_through: date | None = None
    succeeded_by: UnitId | None = None
    named_by_operators: bool = False

    def is_closed(self, day: date) -> bool:
        """Whether the unit had closed before a Swedish date began."""
        return self.valid_through is not None and self.valid_through < day

    def has_passed_on(self, day: date) -> bool:
        """Whether a successor decides on a Swedish date: it is named, and the unit is not still open until a known day."""
        return self.succeeded_by is not None and (self.valid_through is None or self.is_closed(day))


Units = Mapping[UnitId, Unit]
NO_UNITS: Units = MappingProxyType({})


def clinic_of(units: Units, unit: UnitId) -> str | None:
    """The clinic of a unit; None where the directory does not say."""
    found = units.get(unit)
    return found.clinic if found is not None else None


def at_or_above(units: Units, unit: UnitId) -> tuple[UnitId, ...]:
    """
    A unit, the units that it lies under, nearest first, and their care providers (vårdgivare): what a measure may name to
    reach it. A circle ends where it closes.
    """
    line = [unit]
    while (found := units.get(line[-1])) is not None and found.parent and found.parent not in line:
        line.append(found.parent)
    providers = (found.care_provider for above in line if (found := units.get(above)) is not None)
    return tuple(dict.fromkeys((*line, *(p for p in providers if p))))


def line_of(units: Units, unit: UnitId, day: date) -> tuple[UnitId, ...]:
    """A unit and those that have succeeded it by a Swedish date, one after the other; a circle ends where it closes."""
    line = [unit]
    while (found := units.get(line[-1])) is not None and found.has_passed_on(day):
        following = found.succeeded_by
        if following is None or following in line:
            break
        line.append(following)
    return tuple(line)


def answering(units: Units, unit: UnitId, day: date) -> UnitId:
    """Who answers for a unit on a Swedish date: its last successor, or itself."""
    return line_of(units, unit, day)[-1]


def is_orphaned(units: Units, unit: UnitId, day: date) -> bool:
    """Whether nobody answers for a unit: the last of its line had closed, and no successor is known."""
    last = units.get(answering(units, unit, day))
    return last is not None and last.is_closed(day)


def orphans(units: Units, asked: Iterable[UnitId], day: date) -> tuple[UnitId, ...]:
    """The closed units without a successor behind some units, each once, in order."""
    return tuple(dict.fromkeys(answering(units, u, day) for u in asked if is_orphaned(units, u, day)))


def speaks_for(units: Units, decider: UnitId, asked: Iterable[UnitId], day: date) -> tuple[UnitId, ...]:
    """Those of the asked units that a decider's unit is, or has succeeded, in their order."""
    return tuple(unit for unit in asked if decider in line_of(units, unit, day))


# --- regions

_ORGANISATION = re.compile(r"^SE(\d{10})-")


def organisation_of(unit: str) -> str | None:
    """The organisation number (organisationsnummer, ten digits) in an HSA-id; None where there is none."""
    found = _ORGANISATION.match(unit)
    return found.group(1) if found else None


def region_of(unit: UnitId, unit_regions: Mapping[UnitId, RegionCode], books: Rulebooks) -> RegionCode | None:
    """
    The region of a unit: as the directory says, else by the organisation number in its HSA-id; None: unknown (X-08).

    A region may have no rulebook here; then the national one holds there.
    """
    told = unit_regions.get(unit)
    if told is not None:
        return told
    number = organisation_of(unit)
    return books.region_of_organisation(number) if number else None


def versions_for(books: Rulebooks, day: date) -> Iterator[tuple[RegionCode | None, Version]]:
    """Every rulebook in force on a Swedish date, the national one first: what an unknown region is asked of."""
    yield None, books.default_version(None, day)
    for region in books.regions.values():
        version = None if region.national else region.in_force(day)
        if version is not None:
            yield RegionCode(region.region), version
