"""Whether the staff directory has been read to its end: until then an unknown decider may only be not known *yet*."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sigill.runtime.clock import stopwatch
from sigill.store import inbox
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.end_offsets import ends_of
from sigill.stream.lag import FEW
from sigill.stream.records import Partition

STILL_SECONDS = 5.0
"""A directory that is only few behind, and has not moved for so long, has nothing left to read."""

_Picture = tuple[tuple[Partition, int, int | None], ...]


@dataclass(slots=True)
class DirectoryWatch:
    """Compares the topics' ends with the offsets that the directory worker has stored. Asked only when in doubt."""

    connection: Connection
    store: Store
    topics: tuple[str, ...]
    group: str
    _seen: _Picture | None = None
    _since: float = field(default=0.0)

    async def is_read(self) -> bool:
        """
        Whether all that stood on the topics is in the store.

        Raises BrokerDown, or what `session.passing` knows.
        """
        ends = await ends_of(self.connection, self.topics)
        async with self.store.reading() as tx:
            stored = await inbox.stored(tx, self.group)
        positions = {place: stored.get((place.topic, place.partition), (0, None))[1] for place in ends}
        behind = _behind(ends, positions)
        if behind == 0:
            return True
        picture = tuple((place, ends[place], positions[place]) for place in sorted(ends))
        if picture != self._seen:
            self._seen, self._since = picture, stopwatch()
        return behind is not None and behind <= FEW and stopwatch() - self._since >= STILL_SECONDS


def _behind(ends: Mapping[Partition, int], positions: Mapping[Partition, int | None]) -> int | None:
    """How many offsets are still to be read; None: a partition has not been begun."""
    total = 0
    for place, end in ends.items():
        position = positions[place]
        if end > 0 and position is None:
            return None
        total += max(0, end - (position or 0))
    return total
