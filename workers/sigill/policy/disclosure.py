"""
Small counts that would single somebody out are left out of tables, and whatever would give them away by subtraction.

The way of official statistics (cell suppression, statistisk röjandekontroll): primary for a count from 1 below the
threshold; secondary so that no line of a table, with its total, leaves one hidden count to be computed, nor a group of
them whose sum is itself below the threshold. Tables over the same rows share the rows' totals and are protected together.
A zero is shown: it is about nobody.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Cell = tuple[str, str]
_TOTAL = ""
"""The key of a row's or a column's total; the grand total has both."""


@dataclass(frozen=True, slots=True)
class CrossTable:
    """Counts by row and column; a cell that is missing is 0. `name` says what the columns are."""

    name: str
    counts: Mapping[Cell, int]
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    _totals: Mapping[Cell, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # summed once: hiding asks for each total again and again
        totals: dict[Cell, int] = {}
        for (row, column), count in self.counts.items():
            for cell in ((row, _TOTAL), (_TOTAL, column), (_TOTAL, _TOTAL)):
                totals[cell] = totals.get(cell, 0) + count
        object.__setattr__(self, "_totals", totals)

    @classmethod
    def of(
        cls, name: str, counted: Iterable[tuple[str, str, int]], columns: Sequence[str] = ()
    ) -> "CrossTable":
        """Sum up (row, column, count); the columns in the order given, else by name."""
        counts: dict[Cell, int] = {}
        for row, column, count in counted:
            counts[row, column] = counts.get((row, column), 0) + count
        known = dict.fromkeys((*columns, *sorted({column for _, column in counts} - set(columns))))
        return cls(name, counts, tuple(known), tuple(sorted({row for row, _ in counts})))

    def value(self, row: str, column: str) -> int:
        """The count of a cell, or of a total where row or column is ""."""
        return (self.counts if row and column else self._totals).get((row, column), 0)


@dataclass(frozen=True, slots=True)
class ProtectedTable:
    """A table with what is hidden of it: cells, and totals under the row or column ""."""

    table: CrossTable
    hidden: frozenset[Cell]

    def shown(self, row: str, column: str) -> int | None:
        """The count; None: it is suppressed."""
        return None if (row, column) in self.hidden else self.table.value(row, column)


def is_small(count: int, threshold: int) -> bool:
    """Whether a count is about somebody, and about fewer than `threshold`."""
    return 0 < count < threshold


def protect(tables: Sequence[CrossTable], threshold: int) -> tuple[ProtectedTable, ...]:
    """
    Protect tables over the same rows, whose row totals are the same in each. A `threshold` of 1 hides nothing.

    Ends always: each round hides at least one more cell, and a table that is hidden whole gives nothing away.
    """
    hidden = [_Hidden(table, threshold) for table in tables]
    changed = True
    while changed:
        changed = any(of_table.step() for of_table in hidden)
        # a row's total, or the grand one, that one table hides is shown by none
        totals = {cell for of_table in hidden for cell in of_table.cells if cell[1] == _TOTAL}
        for of_table in hidden:
            shown = {cell for cell in totals if cell[0] == _TOTAL or cell[0] in of_table.table.rows}
            missing = shown - of_table.cells
            of_table.cells |= missing
            changed = changed or bool(missing)
    return tuple(ProtectedTable(of_table.table, frozenset(of_table.cells)) for of_table in hidden)


@dataclass(slots=True)
class _Hidden:
    """What is hidden of one table so far."""

    table: CrossTable
    threshold: int
    cells: set[Cell] = field(init=False)

    def __post_init__(self) -> None:
        every = [
            (row, column) for row in (*self.table.rows, _TOTAL) for column in (*self.table.columns, _TOTAL)
        ]
        self.cells = {cell for cell in every if is_small(self.table.value(*cell), self.threshold)}

    def step(self) -> bool:
        """Hide one more cell of each line that gives something away. Returns whether there was one."""
        found = False
        for line in self._lines():
            gives_away = [cell for cell in line if cell in self.cells]
            if not gives_away:
                continue
            total = sum(self.table.value(*cell) for cell in gives_away if _is_part(cell, line))
            safe = len(gives_away) > 1 and (line[-1] in self.cells or total >= self.threshold)
            if safe:
                continue
            left = [cell for cell in line if cell not in self.cells and self.table.value(*cell)]
            if left:
                self.cells.add(min(left, key=lambda cell: (cell == line[-1], self.table.value(*cell), cell)))
                found = True
        return found

    def _lines(self) -> Iterator[list[Cell]]:
        """Each row with its total last, each column too, and the lines of totals with the grand total."""
        for row in (*self.table.rows, _TOTAL):
            yield [(row, column) for column in (*self.table.columns, _TOTAL)]
        for column in (*self.table.columns, _TOTAL):
            yield [(row, column) for row in (*self.table.rows, _TOTAL)]


def _is_part(cell: Cell, line: Sequence[Cell]) -> bool:
    """Whether a cell is one of those that a line's total sums up."""
    return cell != line[-1]
