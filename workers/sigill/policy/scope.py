"""
What of a record, and towards whom, a measure covers; and how one scope lies to another.

Where the difference of two scopes cannot be told as one scope (the whole record but for a unit), what is told is the
wider one: a rest that stays shut may cover too much, never too little. All guardians but for some can be told: the rest
of *all* is never the list of the others, since whoever becomes a guardian later is one of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date

from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Measure
from sigill_contracts.vocabulary import PersonId, UnitId


@dataclass(frozen=True, slots=True)
class MeasureScope:
    """
    Units (None: the whole record), information dates (inclusive, None: open), guardians (None: all, or not its matter).

    `guardians_except` is empty where `guardians` names some: of all, those whom it leaves out.
    """

    units: frozenset[UnitId] | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    guardians: tuple[PersonId, ...] | None = None
    guardians_except: tuple[PersonId, ...] = ()

    @classmethod
    def of(cls, m: Measure) -> "MeasureScope":
        """A measure's scope."""
        return cls(m.units, m.recorded_from, m.recorded_to, m.guardians, m.guardians_except)

    @property
    def fields(self) -> dict[str, object]:
        """What a measure of this scope has in its fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _guardians_cover(self, other: "MeasureScope") -> bool:
        if self.guardians is not None:
            return other.guardians is not None and set(other.guardians) <= set(self.guardians)
        if other.guardians is None:
            return set(self.guardians_except) <= set(other.guardians_except)
        return not set(self.guardians_except) & set(other.guardians)

    def _guardians_meet(self, other: "MeasureScope") -> bool:
        if self.guardians is None and other.guardians is None:
            return True
        if self.guardians is None or other.guardians is None:
            some, but = (
                (other.guardians, self.guardians_except)
                if self.guardians is None
                else (self.guardians, other.guardians_except)
            )
            return bool(set(some or ()) - set(but))
        return bool(set(self.guardians) & set(other.guardians))

    def _guardians_without(
        self, other: "MeasureScope", everybody: tuple[PersonId, ...]
    ) -> "MeasureScope | None":
        """The guardians of it whom another does not cover; None: nobody."""
        if other.guardians is None:
            # all but some leaves some of those: the ones whom this scope covers
            out = set(other.guardians_except)
            left = tuple(
                g
                for g in (other.guardians_except if self.guardians is None else self.guardians)
                if g in out and g not in self.guardians_except
            )
            return replace(self, guardians=left, guardians_except=()) if left else None
        if self.guardians is not None:
            left = tuple(g for g in self.guardians if g not in other.guardians)
            return replace(self, guardians=left) if left else None
        return all_but(self, other.guardians, everybody)

    def _dates_cover(self, other: "MeasureScope") -> bool:
        begins = self.recorded_from is None or (
            other.recorded_from is not None and self.recorded_from <= other.recorded_from
        )
        ends = self.recorded_to is None or (
            other.recorded_to is not None and other.recorded_to <= self.recorded_to
        )
        return begins and ends

    def _dates_meet(self, other: "MeasureScope") -> bool:
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

    def covers(self, other: "MeasureScope") -> bool:
        """Whether it covers all of another."""
        units = self.units is None or (other.units is not None and other.units <= self.units)
        return units and self._guardians_cover(other) and self._dates_cover(other)

    def meets(self, other: "MeasureScope") -> bool:
        """Whether both cover something in common."""
        units = self.units is None or other.units is None or bool(self.units & other.units)
        return units and self._guardians_meet(other) and self._dates_meet(other)

    def without(self, other: "MeasureScope", everybody: Iterable[PersonId]) -> "MeasureScope | None":
        """
        What is left of it without another; None: nothing. `everybody` are the guardians known, now or once: where the
        other takes the last of them, nothing of *all* is left.

        Guardians are told apart where the other covers all of its record, units where it covers all of its guardians;
        else all of it is left.
        """
        if other.covers(self):
            return None
        if not self.meets(other):
            return self
        left = self._guardians_without(other, tuple(everybody))
        units_covered = other.units is None or (self.units is not None and self.units <= other.units)
        if units_covered and other._dates_cover(self):
            return left
        if left is None and self.units is not None and other.units is not None and other._dates_cover(self):
            return replace(self, units=self.units - other.units)
        return self


def all_but(
    scope: MeasureScope, some: Iterable[PersonId], everybody: Iterable[PersonId]
) -> MeasureScope | None:
    """
    A scope of all guardians without some; None where those are the last of the guardians known, now or once.

    Where nobody knows whom *all* stands for, the rest stays.
    """
    out = tuple(dict.fromkeys((*scope.guardians_except, *some)))
    known = set(everybody)
    return None if known and known <= set(out) else replace(scope, guardians_except=out)


def left_of(
    scope: MeasureScope, others: Iterable[MeasureScope], everybody: Iterable[PersonId]
) -> MeasureScope | None:
    """What is left of a scope without some others, taken one after the other; None: nothing."""
    all_of_them = tuple(everybody)
    left: MeasureScope | None = scope
    for other in others:
        if left is None:
            return None
        left = left.without(other, all_of_them)
    return left


def shuts_for_longer(other: Measure, m: Measure, birth: BirthDate) -> bool:
    """
    Whether another measure shuts all that `m` does when `m` ends, and goes on: the same decision taken anew.

    Of the same kind, region and initiative: what care shuts, the resident cannot open, and the reverse (X-03). Not what
    waits for its form or decision, is released, or came beside something that it goes with.
    """
    end, others_end = m.ends_at(birth), other.ends_at(birth)
    alike = (other.kind, other.region, other.initiative) == (m.kind, m.region, m.initiative)
    stands = not (other.provisional or other.awaits_follow_up or other.released) and other.beside is None
    if end is None or not alike or not stands or other.measure_id == m.measure_id or other.valid_from > end:
        return False
    longer = others_end is None or others_end > end
    return (
        longer
        and set(m.services) <= set(other.services)
        and MeasureScope.of(other).covers(MeasureScope.of(m))
    )
