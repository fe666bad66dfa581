"""
What has arrived before, and the offsets that are consumed.

Guarantee: of the same signed bytes only one arrival is fresh, under whatever event id they come again and on however
many partitions at once; other bytes under a used event id or order id are told apart. Offsets move in the same
transaction, and a worker whose partition was taken is refused by the generation: it writes nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sigill.store.queries import queries
from sigill.store.session import Reading, Tx
from sigill_contracts.vocabulary import OrderId, Outcome

_SQL = queries("inbox")


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    A message as it came. `digest` is the SHA-256 of the signed bytes.

    `order_id` only where the signatures hold: a forgery must not use up the id of a real order.
    """

    source: str
    event_id: str
    order_id: OrderId | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Fresh:
    """Never seen before. `registration` is the number it is registered under."""

    registration: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """
    The same bytes as before: the first answer, to be given again.

    `receipt` is JSON; None where the first one is still being judged, at place `of` of the same batch, or where
    its person is erased.
    """

    registration: int
    outcome: Outcome | None
    receipt: str | None
    of: int | None = None


@dataclass(frozen=True, slots=True)
class ReusedId:
    """Other bytes under a used event id or order id; to be refused, under `registration`."""

    registration: int


Claimed = Fresh | Repeated | ReusedId


class Fenced(Exception):
    """Another worker has taken the partitions; nothing of this transaction may stay."""

    def __init__(self, partitions: Iterable[int]) -> None:
        self.partitions = tuple(sorted(partitions))
        super().__init__(f"partitions {self.partitions} belong to another worker now")


async def claim(tx: Tx, arrivals: Sequence[Arrival]) -> list[Claimed]:
    """Claim the arrivals, in the order of the batch, and say of each whether it is fresh, repeated or changed."""
    if not arrivals:
        return []
    events = [_hash("event", arrival.source, arrival.event_id) for arrival in arrivals]
    owner: dict[bytes, int] = {}
    for place, event in enumerate(events):
        owner.setdefault(event, place)
    won = await _claim(tx, {event: arrivals[place].digest for event, place in owner.items()})
    taken = await _claimed(tx, [event for event in owner if event not in won])

    # which event claim each arrival stands against: its own, an earlier one's of the batch, or an older one
    first: list[tuple[bytes, int]] = []
    for event in events:
        digest = arrivals[owner[event]].digest if event in won else taken[event][0]
        registration = won[event] if event in won else taken[event][1]
        first.append((digest, registration))

    same_event = [first[place][0] == arrival.digest for place, arrival in enumerate(arrivals)]
    orders = await _claim_orders(tx, arrivals, first, same_event)

    answers: list[Claimed] = []
    conflicts: list[int] = []
    for place, arrival in enumerate(arrivals):
        mine = first[place][1]
        by_order = orders.get(arrival.order_id) if arrival.order_id and same_event[place] else None
        if not same_event[place]:
            conflicts.append(place)
            answers.append(ReusedId(0))
        elif events[place] in won and owner[events[place]] == place:
            if by_order is None or by_order[1] == mine:
                answers.append(Fresh(mine))
            elif by_order[0] == arrival.digest:
                answers.append(Repeated(by_order[1], None, None))
            else:
                answers.append(ReusedId(mine))
        elif by_order is not None and by_order[0] == arrival.digest:
            answers.append(Repeated(by_order[1], None, None))
        else:
            answers.append(Repeated(mine, None, None))
    await _settle_conflicts(tx, arrivals, conflicts, answers)
    return await _with_first_answers(tx, answers)


async def known(tx: Tx, arrivals: Sequence[Arrival]) -> set[Arrival]:
    """Return those of the arrivals that came before with the very same bytes; nothing is claimed."""
    places = {
        arrival: (_hash("event", arrival.source, arrival.event_id), _changed(arrival)) for arrival in arrivals
    }
    taken = await _claimed(tx, sorted({claim for both in places.values() for claim in both}))
    return {
        arrival
        for arrival, both in places.items()
        if any(claim in taken and taken[claim][0] == arrival.digest for claim in both)
    }


async def answer_once(tx: Tx, answers: Mapping[UUID, tuple[bytes, int]]) -> set[UUID]:
    """
    Claim answers to single records, and dead letters, by their event ids; return those that were claimed before: they have
    gone out.

    To each the digest of what it is about, and the registration of the first answer (0: there is none).
    """
    if not answers:
        return set()
    claims = {_hash("answer", str(ident)): ident for ident in answers}
    rows = await tx.fetch(
        _SQL["claim_under"],
        list(claims),
        [answers[ident][0] for ident in claims.values()],
        [answers[ident][1] for ident in claims.values()],
        tx.now,
    )
    return answers.keys() - {claims[row["claim"]] for row in rows}


async def assign(
    tx: Tx, group: str, topic: str, partitions: Iterable[int]
) -> dict[int, tuple[int, int | None]]:
    """
    Take partitions: a new generation for each, and the stored offset to go on from (None: nothing stored).

    Waits for the transaction of a former holder that is about to commit, so that its offset counts.
    """
    rows = await tx.fetch(_SQL["assign"], group, topic, sorted(set(partitions)), tx.now)
    return {row["partition"]: (row["generation"], row["next_offset"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Stored:
    """
    A partition's row. `stamped` is the last record's time in milliseconds; `marks` are bytes of the reader's making.

    `next_offset` None: nothing was taken yet. `topic_id` and `leader_epoch` None: not known.
    """

    generation: int
    next_offset: int | None
    stamped: int | None = None
    marks: bytes | None = None
    topic_id: UUID | None = None
    leader_epoch: int | None = None


async def advance(
    tx: Tx,
    group: str,
    topic: str,
    offsets: Mapping[int, tuple[int, int]],
    known_by: Mapping[int, Stored] | None = None,
) -> dict[int, int | None]:
    """
    Store the offsets to read next, by partition with the generation they were assigned under. Never backwards.

    `known_by` says what the logs are known by, by partition. Returns the offsets that were found. Raises Fenced when a
    partition has a newer generation; let the exception end the transaction.
    """
    if not offsets:
        return {}
    partitions = sorted(offsets)
    told = [(known_by or {}).get(partition) for partition in partitions]
    rows = await tx.fetch(
        _SQL["advance"],
        group,
        topic,
        partitions,
        [offsets[partition][0] for partition in partitions],
        [offsets[partition][1] for partition in partitions],
        [position.stamped if position else None for position in told],
        [position.marks if position else None for position in told],
        [position.topic_id if position else None for position in told],
        [position.leader_epoch if position else None for position in told],
    )
    if lost := set(partitions) - {row["partition"] for row in rows}:
        raise Fenced(lost)
    return {row["partition"]: row["found"] for row in rows}


async def move(
    tx: Tx, group: str, topic: str, partitions: Iterable[int], to: int | None = None
) -> dict[int, int]:
    """
    Have partitions read from another offset; None: from the beginning. Returns their new generations.

    Whoever reads them now is fenced and joins again; what their logs were known by is forgotten.
    """
    rows = await tx.fetch(_SQL["move"], group, topic, sorted(set(partitions)), to)
    return {row["partition"]: row["generation"] for row in rows}


async def recognise(tx: Tx, group: str, topic: str, known_by: Mapping[int, Stored]) -> None:
    """Store what partitions are now (`topic_id`, `leader_epoch`), under the generation that each names."""
    partitions = sorted(known_by)
    await tx.run(
        _SQL["recognise"],
        group,
        topic,
        partitions,
        [known_by[partition].generation for partition in partitions],
        [known_by[partition].topic_id for partition in partitions],
        [known_by[partition].leader_epoch for partition in partitions],
    )


async def positions(tx: Reading, group: str) -> dict[tuple[str, int], Stored]:
    """Return each partition's row by topic and partition."""
    rows = await tx.fetch(_SQL["positions"], group)
    return {
        (row["topic"], row["partition"]): Stored(
            row["generation"],
            row["next_offset"],
            row["stamped"],
            row["marks"],
            row["topic_id"],
            row["leader_epoch"],
        )
        for row in rows
    }


async def stored(tx: Reading, group: str) -> dict[tuple[str, int], tuple[int, int | None]]:
    """Return generation and stored offset by topic and partition."""
    rows = await tx.fetch(_SQL["stored"], group)
    return {(row["topic"], row["partition"]): (row["generation"], row["next_offset"]) for row in rows}


async def _claim(tx: Tx, wanted: Mapping[bytes, bytes]) -> dict[bytes, int]:
    rows = await tx.fetch(_SQL["claim"], list(wanted), list(wanted.values()), tx.now)
    return {row["claim"]: row["registration"] for row in rows}


async def _claimed(tx: Tx, claims: list[bytes]) -> dict[bytes, tuple[bytes, int]]:
    rows = await tx.fetch(_SQL["claimed"], claims) if claims else []
    return {row["claim"]: (row["digest"], row["registration"]) for row in rows}


async def _claim_orders(
    tx: Tx, arrivals: Sequence[Arrival], first: list[tuple[bytes, int]], same_event: list[bool]
) -> dict[OrderId, tuple[bytes, int]]:
    """Claim the order ids of what is no conflict already, so that a refused message uses up no order id."""
    wanted: dict[OrderId, tuple[bytes, int]] = {}
    for place, arrival in enumerate(arrivals):
        if arrival.order_id and same_event[place]:
            wanted.setdefault(arrival.order_id, (arrival.digest, first[place][1]))
    if not wanted:
        return {}
    hashes = {_hash("order", order_id): order_id for order_id in wanted}
    rows = await tx.fetch(
        _SQL["claim_under"],
        list(hashes),
        [wanted[order_id][0] for order_id in hashes.values()],
        [wanted[order_id][1] for order_id in hashes.values()],
        tx.now,
    )
    won = {row["claim"] for row in rows}
    taken = await _claimed(tx, [claim for claim in hashes if claim not in won])
    return {order_id: taken.get(claim, wanted[order_id]) for claim, order_id in hashes.items()}


async def _settle_conflicts(
    tx: Tx, arrivals: Sequence[Arrival], conflicts: list[int], answers: list[Claimed]
) -> None:
    """A changed message that comes again is a repetition of itself."""
    if not conflicts:
        return
    claims: dict[bytes, int] = {}
    keys = {}
    for place in conflicts:
        one = arrivals[place]
        keys[place] = _changed(one)
        claims.setdefault(keys[place], place)
    won = await _claim(tx, {key: arrivals[place].digest for key, place in claims.items()})
    taken = await _claimed(tx, [key for key in claims if key not in won])
    for place in conflicts:
        key = keys[place]
        if key in won and claims[key] == place:
            answers[place] = ReusedId(won[key])
        else:
            answers[place] = Repeated(won[key] if key in won else taken[key][1], None, None)


async def _with_first_answers(tx: Tx, answers: list[Claimed]) -> list[Claimed]:
    wanted = {answer.registration for answer in answers if isinstance(answer, Repeated)}
    if not wanted:
        return answers
    rows = {row["registration"]: row for row in await tx.fetch(_SQL["first_answers"], list(wanted))}
    places: dict[int, int] = {}
    for place, answer in enumerate(answers):
        if not isinstance(answer, Repeated):
            places[answer.registration] = place
            continue
        row = rows.get(answer.registration)
        outcome, receipt = (None, None) if row is None else (Outcome(row["outcome"]), row["receipt"])
        answers[place] = Repeated(answer.registration, outcome, receipt, places.get(answer.registration))
    return answers


def _changed(one: Arrival) -> bytes:
    """What a changed message under a used id claims."""
    return _hash("changed", one.source, one.event_id, one.digest.hex())


def _hash(*parts: str) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        # lengths before parts: no two different lists of parts run together into the same bytes
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.digest()
