"""The orders topic over all its logs: what lay on those that were lost, and in which order it is all to be taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tests.faults.topics import Found


@dataclass
class Chronicle:
    """`closed` are the records of logs that are no more, in the order in which they were to be taken."""

    closed: list[Found] = field(default_factory=list)
    log: int = 0
    cut_off: list[Found] = field(default_factory=list)
    """What the present log lost at its end, of its own stretches."""
    _growths: list[Mapping[int, int]] = field(default_factory=list)

    def grown(self, ends: Mapping[int, int]) -> None:
        """The topic gets more partitions; `ends` are the ends of those that it has, and nothing is under way."""
        self._growths.append(dict(ends))

    def close(self, records: Iterable[Found], taken: Mapping[int, int]) -> list[Found]:
        """
        The present log is lost with these records; `taken` says up to where each partition was taken, exclusive.

        Returns them as they are kept, in order.
        """
        lost = [replace(r, taken=r.offset < taken.get(r.partition, 0)) for r in self._marked(records)]
        self.closed = sorted([*self.closed, *lost, *self.cut_off], key=_place)
        self.log += 1
        self.cut_off = []
        self._growths.clear()
        return lost

    def cut(self, records: Iterable[Found], ends: Mapping[int, int], taken: Mapping[int, int]) -> list[Found]:
        """
        The present log, of which these were the records, ends at `ends` now: what lay beyond is lost.

        Returns that, as it is kept, in order.
        """
        lost = [
            replace(r, taken=r.offset < taken.get(r.partition, 0), lost=True)
            for r in self._marked(records)
            if r.offset >= ends.get(r.partition, 0)
        ]
        self.cut_off += lost
        self._growths.append(dict(ends))
        return lost

    def whole(self, present: Iterable[Found]) -> list[Found]:
        """Every record there ever was, the present log's last."""
        return sorted([*self.closed, *self.cut_off, *self._marked(present)], key=_place)

    def _marked(self, records: Iterable[Found]) -> list[Found]:
        marked = [
            replace(
                r, log=self.log, stretch=sum(r.offset >= ends.get(r.partition, 0) for ends in self._growths)
            )
            for r in records
        ]
        return sorted(marked, key=_place)


def _place(record: Found) -> tuple[int, int, int, int]:
    return record.log, record.stretch, record.partition, record.offset
