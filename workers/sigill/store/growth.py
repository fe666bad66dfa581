"""
How many partitions a topic has, and what waits since it has more.

Guarantee: of the workers that notice at the same time that a topic has grown one writes down what waits, and the others
find it. A partition that was read up to where it ended then is waited for no longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sigill.store.queries import queries
from sigill.store.session import Reading, Tx

_SQL = queries("growth")


@dataclass(frozen=True, slots=True)
class GrowthWait:
    """
    A partition that is read no further than `from_offset` (exclusive) before `behind` was read up to `until_offset`.

    `noticed_at` is when the growth was noticed (UTC); None before it is stored.
    """

    topic: str
    partition: int
    from_offset: int
    behind: int
    until_offset: int
    noticed_at: datetime | None = None
    group: str = ""


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
        [one.partition for one in then],
        [one.from_offset for one in then],
        [one.behind for one in then],
        [one.until_offset for one in then],
        tx.now,
    )
    return True


async def waits(tx: Reading, group: str | None = None) -> list[GrowthWait]:
    """Return what waits in a group, or in any."""
    return [
        GrowthWait(
            row["topic"],
            row["partition"],
            row["from_offset"],
            row["behind"],
            row["until_offset"],
            row["noticed_at"],
            row["consumer_group"],
        )
        for row in await tx.fetch(_SQL["waits"], group)
    ]


async def reached(tx: Tx, group: str, topic: str, partition: int, offset: int) -> int:
    """End the waits for what a partition holds before `offset`; return how many."""
    return await tx.run(_SQL["reached"], group, topic, partition, offset)


async def shorten(tx: Tx, group: str, topic: str, partition: int, end: int) -> None:
    """Wait no longer for a partition than up to `end`, since its log is another one."""
    await tx.run(_SQL["shorten"], group, topic, partition, end)
