"""Verifies the audit chains: finds every changed, removed, inserted or moved entry, and says which."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sigill.store import audit
from sigill.store.audit import ERASED, START, ChainHead, link, personal_digest, places
from sigill.store.queries import queries
from sigill.store.session import Reading, Row

_SQL = queries("audit")
_AT_ONCE = 2000
_HOURS = 12 * 3600.0

FaultKind = Literal[
    "changed", "removed", "inserted", "moved", "personal_changed", "personal_removed", "unpublished"
]


@dataclass(frozen=True, slots=True, order=True)
class AuditFault:
    """
    What is wrong at a place. `removed`: one entry or more are missing just before `position`.

    `unpublished`: the entry is not the one whose hash was published; the chain was cut or rewritten.
    """

    chain: str
    position: int
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class _Link:
    position: int
    prev_hash: bytes
    row_hash: bytes
    whole: bool


async def verify(tx: Reading, published: Iterable[ChainHead] = ()) -> list[AuditFault]:
    """
    Walk through every chain and return all faults, in order; an empty list: whole.

    `published` are heads from outside the database: without them a cut tail cannot be seen.
    """
    erased = await _erased(tx)
    wanted = {(head.chain, head.position): head.row_hash for head in published}
    faults: list[AuditFault] = []
    links: list[_Link] = []
    chain: str | None = None
    async for row in tx.conn.cursor(_SQL["walk"], None, prefetch=_AT_ONCE):
        if row["chain"] != chain:
            faults += _chain_faults(chain, links)
            chain, links = row["chain"], []
        links.append(_link_of(row))
        faults += _personal_faults(row, erased)
        expected = wanted.pop((row["chain"], row["position"]), None)
        if expected is not None and expected != row["row_hash"]:
            faults.append(AuditFault(row["chain"], row["position"], "unpublished"))
    faults += _chain_faults(chain, links)
    faults += [AuditFault(name, position, "unpublished") for name, position in wanted]
    return sorted(faults)


@dataclass(frozen=True, slots=True, order=True)
class RowFault:
    """
    A row of history that is not as the chain has it. `key` names the row; nothing in it is personal.

    `by`: the login that made it, where no process of ours did. `unsealed`: older than the seals, in no baseline.
    """

    table: str
    key: str
    kind: Literal["changed", "removed", "inserted", "unsealed"]
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """Rows of a table that are older than the seals: how many, and when they were sealed first and last (UTC)."""

    table: str
    rows: int
    first: datetime
    last: datetime


async def verify_rows(tx: Reading) -> list[RowFault]:
    """
    Hold every table of history against the digests in the chain; return all rows that differ, in order.

    Believe it as far as the chain itself is whole (`verify`). Reads every row: minutes on a large store.
    """
    await tx.value(_SQL["take_your_time"])
    faults: list[RowFault] = []
    for table in await sealed_tables(tx):
        rows = await tx.conn.fetch(_SQL["history_faults"], table, timeout=_HOURS)
        faults += [RowFault(table, row["row_key"], row["kind"], row["by"]) for row in rows]
    return sorted(set(faults), key=lambda one: (one.table, one.key, one.kind, one.by or ""))


async def sealed_tables(tx: Reading) -> list[str]:
    """Return the tables whose rows are held against the chain."""
    return [row["table_name"] for row in await tx.fetch(_SQL["sealed_tables"])]


async def baselines(tx: Reading) -> list[Baseline]:
    """Return which rows rest on a baseline: it says what stood there then, not what had been done before."""
    await tx.value(_SQL["take_your_time"])
    rows = await tx.conn.fetch(_SQL["baselines"], timeout=_HOURS)
    return [Baseline(row["table_name"], row["rows"], row["first"], row["last"]) for row in rows]


async def verify_on(
    tx: Reading, known: Mapping[str, ChainHead], limit: int
) -> tuple[list[AuditFault], dict[str, ChainHead]]:
    """
    Verify what has come to the chains after the heads known from last time, at most `limit` entries.

    Returns the faults and the new heads. Cheap enough for every minute; that nothing before those heads was changed
    since only `verify` tells, and personal parts are left to it too.
    """
    faults = []
    heads = {head.chain: head for head in await audit.heads(tx)}
    for chain, before in known.items():
        if chain not in heads or heads[chain].position < before.position:
            faults.append(AuditFault(chain, before.position, "removed"))
    seen = {chain: known.get(chain, ChainHead(chain, 0, START)) for chain in heads}
    rows = await tx.fetch(_SQL["walk_on"], list(seen), [head.position for head in seen.values()], limit)
    for row in rows:
        one, before = _link_of(row), seen[row["chain"]]
        if one.position != before.position + 1:
            faults.append(AuditFault(row["chain"], one.position, "removed"))
        elif not one.whole or one.prev_hash != before.row_hash:
            faults.append(AuditFault(row["chain"], one.position, "changed"))
        seen[row["chain"]] = ChainHead(row["chain"], one.position, one.row_hash)
    return faults, seen


async def _erased(tx: Reading) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for row in await tx.fetch(_SQL["of_action"], [ERASED]):
        found |= places(json.loads(row["body"])["entries"])
    return found


def _link_of(row: Row) -> _Link:
    expected = link(
        row["prev_hash"],
        chain=row["chain"],
        recorded_at=row["recorded_at"],
        actor=row["actor"],
        action=row["action"],
        body=row["body"],
        digest=row["personal_digest"],
    )
    return _Link(row["position"], row["prev_hash"], row["row_hash"], expected == row["row_hash"])


def _personal_faults(row: Row, erased: set[tuple[str, int]]) -> list[AuditFault]:
    place = (row["chain"], row["position"])
    if row["salt"] is None:
        gone = row["personal_digest"] is not None and place not in erased
        return [AuditFault(*place, "personal_removed")] if gone else []
    digest = personal_digest(row["person_id"], row["salt"], row["detail"])
    return [] if digest == row["personal_digest"] else [AuditFault(*place, "personal_changed")]


def _chain_faults(chain: str | None, links: Sequence[_Link]) -> list[AuditFault]:
    """
    Compare the order of the rows with the order of the links.

    Hot path: every row whole, following the one before, numbered without a gap.
    """
    if chain is None or not links:
        return []
    before = START
    for place, chain_link in enumerate(links, start=1):
        if not chain_link.whole or chain_link.prev_hash != before or chain_link.position != place:
            return _explain(chain, links)
        before = chain_link.row_hash
    return []


def _explain(chain: str, links: Sequence[_Link]) -> list[AuditFault]:
    by_hash = {chain_link.row_hash: chain_link for chain_link in links}
    order = _linked_order(links, by_hash)
    in_order = {chain_link.position for chain_link in order}
    changed = {chain_link.position for chain_link in links if not chain_link.whole}
    # a stretch begins with an entry whose predecessor is not there any more
    removed = {
        chain_link.position
        for chain_link in order
        if chain_link.prev_hash != START and chain_link.prev_hash not in by_hash
    }
    removed -= {position + 1 for position in changed}  # the next one follows what stood there
    inserted: set[int] = set()
    for position in {chain_link.position for chain_link in links} - in_order:
        if position + 1 in removed:  # one is missing, and another with a hash of its own stands in its place
            removed.discard(position + 1)
            changed.add(position)
        elif position not in changed:
            inserted.add(position)
    moved = _out_of_order([chain_link.position for chain_link in order])
    removed |= _gaps(links) - changed - inserted - moved

    found: list[tuple[set[int], FaultKind]] = [
        (changed, "changed"),
        (removed, "removed"),
        (inserted, "inserted"),
        (moved - changed, "moved"),
    ]
    return [AuditFault(chain, position, kind) for positions, kind in found for position in positions]


def _linked_order(links: Sequence[_Link], by_hash: dict[bytes, _Link]) -> list[_Link]:
    """
    Put the entries in the order of their links, stretch after stretch.

    Of two that follow the same entry the longer line is taken and the other left out.
    """
    following: dict[bytes, list[_Link]] = {}
    for chain_link in links:
        following.setdefault(chain_link.prev_hash, []).append(chain_link)
    length = _lengths(links, by_hash, following)

    firsts = following.get(START, [])
    starts = sorted(firsts, key=lambda one: -length[one.position])[:1]
    starts += [
        chain_link
        for chain_link in links
        if chain_link.prev_hash != START and chain_link.prev_hash not in by_hash
    ]
    order: list[_Link] = []
    seen: set[int] = set()
    for start in starts:
        current: _Link | None = start
        while current is not None and current.position not in seen:
            seen.add(current.position)
            order.append(current)
            children = following.get(current.row_hash, [])
            current = max(children, key=lambda child: length[child.position], default=None)
    return order


def _lengths(
    links: Sequence[_Link], by_hash: dict[bytes, _Link], following: dict[bytes, list[_Link]]
) -> dict[int, int]:
    """Return how many entries the longest line from each entry has, itself included; from the ends backwards."""
    length = {chain_link.position: 1 for chain_link in links}
    open_children = {chain_link.position: len(following.get(chain_link.row_hash, [])) for chain_link in links}
    ready = [chain_link for chain_link in links if not open_children[chain_link.position]]
    while ready:
        one = ready.pop()
        before = by_hash.get(one.prev_hash)
        if before is None:
            continue
        length[before.position] = max(length[before.position], length[one.position] + 1)
        open_children[before.position] -= 1
        if not open_children[before.position]:
            ready.append(before)
    return length


def _out_of_order(positions: list[int]) -> set[int]:
    """Return the fewest positions without which the rest only rises (the longest rising subsequence stays)."""
    tails: list[int] = []
    tail_at: list[int] = []
    came_from: list[int] = []
    for index, position in enumerate(positions):
        place = bisect_left(tails, position)
        came_from.append(tail_at[place - 1] if place else -1)
        tails[place : place + 1] = [position]
        tail_at[place : place + 1] = [index]
    rising: set[int] = set()
    index = tail_at[-1] if tail_at else -1
    while index >= 0:
        rising.add(positions[index])
        index = came_from[index]
    return set(positions) - rising


def _gaps(links: Sequence[_Link]) -> set[int]:
    """Return the positions before which numbers are missing."""
    found: set[int] = set()
    expected = 1
    for chain_link in links:
        if chain_link.position > expected:
            found.add(chain_link.position)
        expected = chain_link.position + 1
    return found
