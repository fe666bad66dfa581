"""
How far a partition was read, and by what that very log is known again: pure values, no client.

An offset alone is a bare number: a topic that was made again, cut by a lost disk or by an unclean election, and has
grown past it looks the same. So fingerprints of some records that were taken are kept beside it, with the topic's id
and the leader's epoch where the client tells them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from sigill.stream.records import Record

MARKS = 24
"""Fingerprints kept of one partition, at most."""
_RECENT = 12
_DIGEST = 16
_MARK = 8 + _DIGEST


class Mark(NamedTuple):
    """One record that was taken: its offset, and a fingerprint of its key, value and headers."""

    offset: int
    digest: bytes


class LogIdentity(NamedTuple):
    """What the broker says a partition is: its topic's id, and the epoch of its leader, which grows with each change."""

    topic_id: UUID | None = None
    leader_epoch: int | None = None


NO_IDENTITY = LogIdentity()
"""Of a cluster that does not say."""


@dataclass(frozen=True, slots=True)
class LogPosition:
    """
    How far a partition was read. `next_offset` None: from its beginning. `marks`: the newest first.

    `stamped` is the time of the last record in milliseconds; 0: none was taken.
    """

    next_offset: int | None = None
    stamped: int = 0
    marks: tuple[Mark, ...] = ()
    identity: LogIdentity = NO_IDENTITY

    def taken(self, records: Sequence[Record]) -> LogPosition:
        """The position after further records of the partition, in order, at least one."""
        last = records[-1]
        marks = (Mark(last.offset, fingerprint(last)), *self.marks)
        return replace(self, next_offset=last.offset + 1, stamped=last.timestamp, marks=_thinned(marks))


def fingerprint(record: Record) -> bytes:
    """Sixteen bytes by which a record is known again; its time is left out, which we may have corrected."""
    digest = blake2b(digest_size=_DIGEST)
    for part in (record.key, record.value):
        digest.update(b"-" if part is None else len(part).to_bytes(4, "big") + part)
    for name, value in record.headers:
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + (value or b"") + b"\0")
    return digest.digest()


def packed(marks: Sequence[Mark]) -> bytes:
    """The marks as bytes, 24 each, for the store."""
    return b"".join(mark.offset.to_bytes(8, "big") + mark.digest for mark in marks)


def unpacked(data: bytes | None) -> tuple[Mark, ...]:
    """The marks out of the store's bytes."""
    data = data or b""
    return tuple(
        Mark(int.from_bytes(data[at : at + 8], "big"), data[at + 8 : at + _MARK])
        for at in range(0, len(data), _MARK)
    )


def _thinned(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Drop one mark when there are too many: of the older ones, the one whose neighbours lie closest together."""
    if len(marks) <= MARKS:
        return marks
    inner = range(_RECENT, len(marks) - 1)
    closest = min(inner, key=lambda at: (marks[at - 1].offset - marks[at + 1].offset) / (at + 1) ** 2)
    return marks[:closest] + marks[closest + 1 :]
