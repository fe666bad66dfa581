"""CSV that a spreadsheet takes for text: what a sender, an operator or a rulebook wrote is never run as a formula."""

import csv
from collections.abc import Iterable
from typing import Protocol


class _Out(Protocol):
    def write(self, text: str, /) -> object: ...


class SheetWriter:
    """Writes lines of cells to an open text file or stream."""

    def __init__(self, out: _Out, *, lineterminator: str = "\r\n") -> None:
        self._writer = csv.writer(out, lineterminator=lineterminator)

    def line(self, cells: Iterable[object]) -> None:
        """Write one line; texts that begin like a formula get an apostrophe in front, as spreadsheets mark a text."""
        self._writer.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in cells])

    def lines(self, several: Iterable[Iterable[object]]) -> None:
        """Write each of several lines."""
        for cells in several:
            self.line(cells)


def _inert(cell: str) -> str:
    # a hyphen alone stands for "none" and is no formula
    return f"'{cell}" if cell[:1] in tuple("=+-@\t\r\n") and cell != "-" else cell
