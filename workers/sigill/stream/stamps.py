"""
The times of records as they can be relied on: a sender's stamp never ahead of now, a broker's never back in a partition.

A sender may stamp the future, microseconds for milliseconds, or nothing; a broker's clock may jump. Whoever judges an
order by its record's time must not be led by a sender's word, nor date a later order before an earlier one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sigill.stream.records import Partition, Record

BROKER_AHEAD_MS = 24 * 60 * 60 * 1000
"""A broker's stamp that is further ahead than this is no time at all."""


def bounded(record: Record, now: datetime) -> Record:
    """Return the record with its time at `now` (UTC) where it has none, or a sender's that has not come yet."""
    present = int(now.timestamp() * 1000)
    latest = present + (BROKER_AHEAD_MS if record.timestamp_type == "append" else 0)
    return record if 0 < record.timestamp <= latest else replace(record, timestamp=present)


def in_order(records: Iterable[Record], now: datetime, floors: Mapping[Partition, int]) -> list[Record]:
    """
    Return records, in order of each partition, with times that never go back where the broker stamps them.

    `floors`: the time in milliseconds that the last record taken of each partition had.
    """
    last = dict(floors)
    taken = []
    for record in records:
        one = bounded(record, now)
        if one.timestamp_type == "append":
            floor = last.get(one.place, 0)
            if one.timestamp < floor:
                one = replace(one, timestamp=floor)
            last[one.place] = one.timestamp
        taken.append(one)
    return taken
