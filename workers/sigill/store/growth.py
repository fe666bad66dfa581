"""
How many partitions a topic has, and what waits since it has more.

Guarantee: of the workers that notice at the same time that a topic has grown one writes down what waits, and the others
find it. A partition that was read up to where it ended then is waited for no longer. One that is set aside meanwhile is
passed by what protects; what opens waits for it all the same.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of
from sigill_contracts.vocabulary import PersonId

_SQL = queries("growth")


@dataclass(frozen=True, slots=True)
class GrowthWait:
    """
    A partition that is read no further than `from_offset` (exclusive) before `behind` was read up to `until_offset`.

    `noticed_at` is when the growth was noticed (UTC); None before it is stored. `passed_since`: since when protective
    orders pass, since `behind` was set aside; None: everything waits.
    """

    topic: str
    partition: int
    from_offset: int
    behind: int
    until_offset: int
    noticed_at: datetime | None = None
    group: str = ""
    passed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Overtaking:
    """Which records are taken out of their keys' order, by waits that are passed."""

    waits: tuple[GrowthWait, ...] = ()

    def is_ahead(self, topic: str, partition: int, offset: int) -> bool:
        """Whether a record is taken before what its key may have on another partition."""
        return any(
            (wait.topic, wait.partition) == (topic, partition) and offset >= wait.from_offset
            for wait in self.waits
            if wait.passed_since is not None
        )

    def is_late(self, topic: str, partition: int, offset: int) -> bool:
        """Whether a record is taken after what has passed it."""
        return any(
            (wait.topic, wait.behind) == (topic, partition) and offset < wait.until_offset
            for wait in self.waits
            if wait.passed_since is not None
        )


async def sizes(tx: Reading, group: str) -> dict[str, int]:
    """Return how many partitions of each topic a group has seen; a topic that it never read is left out."""
    return {row["topic"]: row["partitions"] for row in await tx.fetch(_SQL["sizes"], group)}


async def grow(tx: Tx, group: str, topic: str, partitions: int, then: Sequence[GrowthWait]) -> bool:
    """Keep how many partitions a topic has, and what waits since; False when somebody else has done so."""
    if not await tx.fetch(_SQL["grow"], group, topic, partitions):
        return False
    await tx.run(
        _SQL["wait"],
        group,
        topic,
        [wait.partition for wait in then],
        [wait.from_offset for wait in then],
        [wait.behind for wait in then],
        [wait.until_offset for wait in then],
        tx.now,
    )
    return True


async def waits(tx: Reading, group: str | None = None) -> list[GrowthWait]:
    """Return what waits in a group, or in any."""
    return [_wait(row) for row in await tx.fetch(_SQL["waits"], group)]


async def reached(tx: Tx, group: str, topic: str, partition: int, offset: int) -> set[int]:
    """End the waits for what a partition holds before `offset`; return the partitions that waited for it."""
    return {row["partition"] for row in await tx.fetch(_SQL["reached"], group, topic, partition, offset)}


async def let_pass(tx: Tx, group: str, topic: str, partition: int) -> None:
    """Have a partition that is set aside passed by what protects."""
    await tx.run(_SQL["pass"], group, topic, partition, tx.now)


async def overtaking(tx: Tx, group: str, topic: str, partitions: Iterable[int]) -> Overtaking:
    """Return what is out of order in some partitions. It stays so until the transaction ends."""
    return Overtaking(
        tuple(_wait(row) for row in await tx.fetch(_SQL["passing"], group, topic, sorted(set(partitions))))
    )


async def waiting_people(tx: Reading, topic: str, partitions: Collection[int], code: str) -> list[PersonId]:
    """Return the patients of whom orders of some partitions wait for `code`."""
    rows = await tx.fetch(_SQL["waiting_people"], topic, sorted(partitions), code)
    return [person_of(row["person_id"]) for row in rows]


async def shorten(tx: Tx, group: str, topic: str, partition: int, end: int) -> None:
    """Wait no longer for a partition than up to `end`, since its log is another one."""
    await tx.run(_SQL["shorten"], group, topic, partition, end)


def _wait(row: Row) -> GrowthWait:
    return GrowthWait(
        row["topic"],
        row["partition"],
        row["from_offset"],
        row["behind"],
        row["until_offset"],
        row["noticed_at"],
        row["consumer_group"],
        row["passed_since"],
    )
