"""
What of a record, and towards whom, a measure covers; and how one scope lies to another.

Where the difference of two scopes cannot be told as one scope (the whole record but for a unit), what is told is the
wider one: a rest that stays shut may cover too much, never too little.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from contracts.vocabulary import PersonId, UnitId
from workers.policy.facts import Measure


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Units (None: the whole record), information dates (inclusive, None: open), guardians (None: all, or not its matter).
    """

    units: frozenset[UnitId] | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    guardians: tuple[PersonId, ...] | None = None

    @classmethod
    def of(cls, m: Measure) -> "Scope":
        """A measure's scope."""
        return cls(m.units, m.recorded_from, m.recorded_to, m.guardians)

    def _dates_cover(self, other: "Scope") -> bool:
        begins = self.recorded_from is None or (
            other.recorded_from is not None and self.recorded_from <= other.recorded_from
        )
        ends = self.recorded_to is None or (
            other.recorded_to is not None and other.recorded_to <= self.recorded_to
        )
        return begins and ends

    def _dates_meet(self, other: "Scope") -> bool:
        before = (
            self.recorded_to is not None
            and other.recorded_from is not None
            and self.recorded_to < other.recorded_from
        )
        after = (
            self.recorded_from is not None
            and other.recorded_to is not None
            and self.recorded_from > other.recorded_to
        )
        return not before and not after

    def covers(self, other: "Scope") -> bool:
        """Whether it covers all of another."""
        units = self.units is None or (other.units is not None and other.units <= self.units)
        guardians = self.guardians is None or (
            other.guardians is not None and set(other.guardians) <= set(self.guardians)
        )
        return units and guardians and self._dates_cover(other)

    def meets(self, other: "Scope") -> bool:
        """Whether both cover something in common."""
        units = self.units is None or other.units is None or bool(self.units & other.units)
        guardians = (
            self.guardians is None
            or other.guardians is None
            or bool(set(self.guardians) & set(other.guardians))
        )
        return units and guardians and self._dates_meet(other)

    def without(self, other: "Scope", everybody: Iterable[PersonId]) -> "Scope | None":
        """
        What is left of it without another; None: nothing. `everybody` are the guardians that *all* stands for.

        Guardians are told apart where the other covers all of its record, units where it covers all of its guardians;
        else all of it is left.
        """
        if other.covers(self):
            return None
        if not self.meets(other):
            return self
        mine = self.guardians if self.guardians is not None else tuple(everybody)
        if self.guardians is None and other.guardians is not None and not mine:
            return self  # nobody knows whom *all* stands for
        left = tuple(g for g in mine if other.guardians is not None and g not in other.guardians)
        units_covered = other.units is None or (self.units is not None and self.units <= other.units)
        if units_covered and other._dates_cover(self):
            return Scope(self.units, self.recorded_from, self.recorded_to, left) if left else None
        if not left and self.units is not None and other.units is not None and other._dates_cover(self):
            return Scope(self.units - other.units, self.recorded_from, self.recorded_to, self.guardians)
        return self


def left_of(scope: Scope, others: Iterable[Scope], everybody: Iterable[PersonId]) -> Scope | None:
    """What is left of a scope without some others, taken one after the other; None: nothing."""
    all_of_them = tuple(everybody)
    left: Scope | None = scope
    for other in others:
        if left is None:
            return None
        left = left.without(other, all_of_them)
    return left
