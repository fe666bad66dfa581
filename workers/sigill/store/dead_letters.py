"""
Messages that could not be read at all: kept byte for byte, sent to `<topic>.dlq`, replayed or discarded by people.

A dead letter is open until it is replayed, or discarded by two operators. While one is open under a key, the caller
holds back opening orders of that key (`open_keys`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from sigill.store import outbox, proposals
from sigill.store.outbox import Headers, OutboxRow, pack_headers, unpack_headers
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill_contracts import dead_letter as headers_of
from sigill_contracts.dead_letter import DeadLetterReason

_SQL = queries("dead_letters")
DISCARD = "discard_dead_letter"
"""The action of a proposal to discard one."""


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A record as it lay on its topic. `stamped_at` is the record's time (UTC)."""

    topic: str
    partition: int
    offset: int
    group: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: DeadLetterReason
    stamped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it stands; `action` None: nobody has dealt with it."""

    dead_letter_id: int
    record: DeadRecord
    since: datetime
    action: Literal["replayed", "discarded"] | None = None
    operator: str | None = None
    approver: str | None = None
    acted_at: datetime | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetterCount:
    """How many are open of a topic for one reason, and since when (UTC)."""

    topic: str
    reason: DeadLetterReason
    letters: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class DeadLetterCause:
    """
    How many are open of a topic, for one reason, from one source; the oldest and the newest (UTC).

    `source` is what the sender called itself, proven by nothing; None: it named none, or its headers are not kept.
    `mark` stands for it where it may not: in an address.
    """

    topic: str
    reason: DeadLetterReason
    source: str | None
    mark: str
    letters: int
    oldest: datetime
    newest: datetime


async def append(tx: Tx, records: Sequence[DeadRecord]) -> list[int]:
    """Keep records that could not be read, and put them on the way to their dead-letter topics; return their ids."""
    if not records:
        return []
    rows = await tx.fetch(
        _SQL["append"],
        [record.topic for record in records],
        [record.partition for record in records],
        [record.offset for record in records],
        [record.stamped_at for record in records],
        [record.group for record in records],
        [record.key for record in records],
        [record.value for record in records],
        [pack_headers(record.headers) for record in records],
        [str(record.reason) for record in records],
        tx.now,
    )
    await outbox.append(tx, [_to_dead_letter_topic(record) for record in records])
    return [row["dead_letter_id"] for row in rows]


async def open_keys(tx: Reading, topic: str, keys: Iterable[str]) -> set[str]:
    """Return those of the keys under which a message of the topic lies that nobody has dealt with."""
    encoded = {key.encode(): key for key in keys}
    rows = await tx.fetch(_SQL["open_keys"], list(encoded), topic)
    return {encoded[row["key"]] for row in rows}


async def page(
    tx: Reading,
    *,
    topic: str | None = None,
    dealt_with: bool = False,
    below: int | None = None,
    limit: int = 50,
) -> list[DeadLetter]:
    """Return a page, newest first; `below` is the last id of the page before, `dealt_with` adds the closed ones."""
    return [_letter(row) for row in await tx.fetch(_SQL["page"], topic, dealt_with, below, limit)]


async def by_ids(tx: Reading, ids: Iterable[int]) -> dict[int, DeadLetter]:
    """Return dead letters by id."""
    letters = [_letter(row) for row in await tx.fetch(_SQL["by_ids"], sorted(ids))]
    return {letter.dead_letter_id: letter for letter in letters}


async def replay(tx: Tx, ids: Iterable[int], operator: str) -> int:
    """
    Send dead letters to their topics again, as they were; return how many.

    One that is dealt with already, or whose bytes are no longer kept, is left alone.
    """
    found = [
        letter for letter in (await by_ids(tx, ids)).values() if letter.action is None and letter.record.value
    ]
    if found:
        await tx.run(
            _SQL["act"], [letter.dead_letter_id for letter in found], "replayed", operator, None, None, tx.now
        )
        await outbox.append(tx, [_to_its_topic(letter) for letter in found])
    return len(found)


async def propose_discard(tx: Tx, dead_letter_id: int, operator: str, reason: str) -> int:
    """Propose to discard a dead letter; return the proposal's id, for a second operator to decide."""
    return await proposals.propose(tx, DISCARD, str(dead_letter_id), operator, reason)


async def discard(tx: Tx, proposal_id: int, approver: str) -> int:
    """
    Discard what was proposed, by a second operator; return the dead letter's id.

    Raises `proposals.SameOperator`, or `proposals.NotOpen` for one that is decided already or of another kind, or whose
    letter has been dealt with since: then nothing is decided.
    """
    if (waiting := await proposals.open_one(tx, DISCARD, proposal_id)) is None:
        raise proposals.NotOpen(f"proposal {proposal_id} is not open")
    dead_letter_id = int(waiting.subject)
    # before the verdict, which stays: whoever replays holds the letter until its copy is marked
    await serialise_letters(tx, [dead_letter_id])
    found = (await by_ids(tx, [dead_letter_id])).get(dead_letter_id)
    if found is None or found.action is not None:
        raise proposals.NotOpen(f"dead letter {dead_letter_id} is dealt with already")
    proposal = await proposals.decide(tx, proposal_id, approver, approved=True, action=DISCARD)
    await tx.run(
        _SQL["act"], [dead_letter_id], "discarded", proposal.operator, approver, proposal.reason, tx.now
    )
    return dead_letter_id


async def counts(tx: Reading) -> list[DeadLetterCount]:
    """Return how many nobody has dealt with, by topic and reason."""
    return [
        DeadLetterCount(row["topic"], DeadLetterReason(row["reason"]), row["letters"], row["oldest"])
        for row in await tx.fetch(_SQL["counts"])
    ]


def digest_of(one: DeadRecord) -> bytes:
    """The SHA-256 of all that a sender wrote: the key, the bytes and the headers."""
    digest = sha256()
    for part in (one.key, one.value, pack_headers(one.headers).encode()):
        # a length before each part, and none is not empty
        digest.update(b"-" if part is None else len(part).to_bytes(8, "big") + part)
    return digest.digest()


def event_of(one: DeadRecord) -> UUID:
    """The event id of a dead letter: of its place, and of what lies there, since a topic that was made anew has the place again."""
    place = f"dlq:{one.group}:{one.topic}:{one.partition}:{one.offset}:{digest_of(one).hex()}"
    return uuid5(NAMESPACE_OID, place)


def _to_dead_letter_topic(one: DeadRecord) -> OutboxRow:
    place: list[tuple[str, bytes | None]] = [
        (headers_of.ORIGINAL_TOPIC, one.topic.encode()),
        (headers_of.ORIGINAL_PARTITION, one.partition.to_bytes(4, "big", signed=True)),
        (headers_of.ORIGINAL_OFFSET, one.offset.to_bytes(8, "big", signed=True)),
        (headers_of.ORIGINAL_GROUP, one.group.encode()),
        (headers_of.FAILURE, str(one.reason).encode()),
    ]
    if one.stamped_at is not None:
        stamp = int(one.stamped_at.timestamp() * 1000)
        place.append((headers_of.ORIGINAL_TIMESTAMP, stamp.to_bytes(8, "big", signed=True)))
    return OutboxRow(
        event_id=event_of(one),
        aggregatetype=f"{one.topic}.dlq",
        aggregateid=_key_text(one.key),
        type=str(one.reason),
        payload=one.value,
        headers=(*one.headers, *place),
    )


def _to_its_topic(letter: DeadLetter) -> OutboxRow:
    one = letter.record
    return OutboxRow(
        event_id=uuid5(
            NAMESPACE_OID, f"replay:{letter.dead_letter_id}:{one.topic}:{one.partition}:{one.offset}"
        ),
        aggregatetype=one.topic,
        aggregateid=_key_text(one.key),
        type="replay",
        payload=one.value,
        headers=one.headers,
    )


def _key_text(key: bytes | None) -> str:
    """A key of ours is ASCII; another's may be any bytes, and text cannot hold them all."""
    return (key or b"").decode("utf-8", errors="backslashreplace").replace("\x00", "\\x00")


def _letter(row: Row) -> DeadLetter:
    record = DeadRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        group=row["consumer_group"],
        key=row["key"],
        value=row["value"],
        headers=unpack_headers(row["headers"]),
        reason=DeadLetterReason(row["reason"]),
        stamped_at=row["stamped_at"],
    )
    return DeadLetter(
        row["dead_letter_id"],
        record,
        row["known_from"],
        row["action"],
        row["operator"],
        row["approver"],
        row["acted_at"],
        row["action_reason"],
    )


@dataclass(frozen=True, slots=True)
class LetterSequence:
    """Open dead letters under one key of one topic, by id, the oldest first."""

    topic: str
    key: bytes | None
    ids: tuple[int, ...]
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which letters a list is about; None is no condition. `mark` is a source's, and empty for those that name none."""

    topic: str | None = None
    reason: str | None = None
    mark: str | None = None


ALL_LETTERS = LetterFilter()


async def letter_sequences(
    tx: Reading, wanted: LetterFilter = ALL_LETTERS, *, limit: int = 50, offset: int = 0
) -> list[LetterSequence]:
    """Return sequences of open dead letters in which one is wanted, whole, the one with the oldest letter first."""
    rows = await tx.fetch(_SQL["letter_sequences"], limit, offset, wanted.topic, wanted.reason, wanted.mark)
    return [
        LetterSequence(row["topic"], row["key"], tuple(row["ids"]), row["oldest"], row["newest"])
        for row in rows
    ]


async def count_letters(tx: Reading, wanted: LetterFilter = ALL_LETTERS) -> tuple[int, int]:
    """Return how many dead letters are open, and in how many sequences."""
    row = (await tx.fetch(_SQL["count_letters"], wanted.topic, wanted.reason, wanted.mark))[0]
    return row["letters"], row["sequences"]


async def causes(tx: Reading, limit: int = 100) -> list[DeadLetterCause]:
    """Return how many are open by topic, reason and source, the most first."""
    return [
        DeadLetterCause(
            row["topic"],
            DeadLetterReason(row["reason"]),
            row["source"],
            row["mark"] or "",
            row["letters"],
            row["oldest"],
            row["newest"],
        )
        for row in await tx.fetch(_SQL["causes"], limit)
    ]


async def claims(tx: Reading, ids: Iterable[int]) -> dict[int, str]:
    """Return which operator has taken which of these letters."""
    rows = await tx.fetch(_SQL["claims"], list(ids))
    return {row["dead_letter_id"]: row["operator"] for row in rows}


async def claim(tx: Tx, ids: Sequence[int], operator: str, *, from_others: bool = False) -> list[int]:
    """Take open letters that nobody has, or `from_others` too, at `tx.now`; return those that were taken."""
    rows = await tx.fetch(_SQL["claim"], list(ids), operator, tx.now, from_others)
    return [row["dead_letter_id"] for row in rows]


async def unclaim(tx: Tx, ids: Sequence[int], operator: str) -> list[int]:
    """Give back letters that the operator has taken; return those that were given back."""
    return [row["dead_letter_id"] for row in await tx.fetch(_SQL["unclaim"], list(ids), operator)]


async def open_before(tx: Reading, ids: Sequence[int]) -> list[int]:
    """Return open dead letters that come before the given ones in their sequences and are not among them."""
    return [row["dead_letter_id"] for row in await tx.fetch(_SQL["open_before"], list(ids))]


async def serialise_letters(tx: Tx, ids: Sequence[int]) -> None:
    """Let one operator at a time deal with these dead letters, until the transaction ends."""
    await tx.fetch(_SQL["serialise_letters"], list(ids))


async def mark_replayed(tx: Tx, ids: Sequence[int], operator: str) -> int:
    """Mark letters whose copies the brokers have; return how many nobody had dealt with."""
    return await tx.run(_SQL["mark_replayed"], list(ids), operator, tx.now)


async def newest_letters(tx: Reading) -> dict[str, tuple[str, datetime]]:
    """Return the reason and the time (UTC) of the newest dead letter of each topic."""
    rows = await tx.fetch(_SQL["newest_letters"])
    return {row["topic"]: (row["reason"], row["known_from"]) for row in rows}
