"""
The audit log: hash chains over all that was done.

`row_hash` = SHA-256(`prev_hash` || RFC 8785 form of the entry). Personal fields stand beside the chain, and only their
salted digest is in it: when a person is erased, salt and fields go and the chain still verifies.

Guarantee: a changed, removed, inserted or moved entry is found (`audit_check.verify`). Left over: a tail that is cut
off, or a chain rewritten as a whole, is found by the published heads only.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from sigill.store import persons
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx
from sigill.store.values import surrogates
from sigill_contracts.vocabulary import PersonId

_SQL = queries("audit")
START = bytes(32)
"""What the first entry of a chain follows."""
HEADS = "heads"
"""The chain that holds the heads of the others."""
SIGN_OF_LIFE = timedelta(days=1)
"""So often all heads are published though none has changed: silence would look like a relay that is gone."""
ERASED = "person_erased"
"""The action whose body lists the entries that lost their personal part."""

Json = str | int | bool | None | Sequence["Json"] | Mapping[str, "Json"]
_NOTHING: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """
    Something that was done. `actor` is a worker, operator or client; `action` a word of ours.

    `body` never holds anything personal: ids of orders and measures, codes, rules, digests. What is personal goes
    into `personal`, with whom it is about.
    """

    chain: str
    actor: str
    action: str
    body: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)
    person: PersonId | None = None
    personal: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last entry of a chain: how many there are, and its hash."""

    chain: str
    position: int
    row_hash: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it stands. `body` and `personal` are JSON; `recorded_at` is UTC."""

    chain: str
    position: int
    recorded_at: datetime
    actor: str
    action: str
    body: str
    personal: str
    row_hash: bytes


async def append(tx: Tx, entries: Sequence[AuditEntry]) -> dict[str, ChainHead]:
    """
    Add entries, in this order within each chain, at `tx.now`; return the new heads.

    Each chain is locked until the transaction ends: give writers that work side by side chains of their own (one a
    partition), and call this late in the transaction.
    """
    if not entries:
        return {}
    chains = sorted({entry.chain for entry in entries})
    await tx.fetch(_SQL["lock"], chains)
    heads = {chain: ChainHead(chain, 0, START) for chain in chains}
    for row in await tx.fetch(_SQL["heads_of"], chains):
        heads[row["chain"]] = ChainHead(row["chain"], row["position"], row["row_hash"])

    linked: list[tuple[int, str, bytes | None, bytes, bytes]] = []
    personal: list[tuple[str, int, int, bytes, str]] = []
    for entry in entries:
        head = heads[entry.chain]
        position = head.position + 1
        digest = None
        if entry.person is not None:
            salt = secrets.token_bytes(16)
            detail = canonical(entry.personal)
            digest = personal_digest(int(entry.person), salt, detail)
            personal.append((entry.chain, position, int(entry.person), salt, detail))
        body = canonical(entry.body)
        row_hash = link(
            head.row_hash,
            chain=entry.chain,
            recorded_at=tx.now,
            actor=entry.actor,
            action=entry.action,
            body=body,
            digest=digest,
        )
        linked.append((position, body, digest, head.row_hash, row_hash))
        heads[entry.chain] = ChainHead(entry.chain, position, row_hash)

    await tx.run(
        _SQL["append"],
        [entry.chain for entry in entries],
        [position for position, *_ in linked],
        [entry.actor for entry in entries],
        [entry.action for entry in entries],
        [body for _, body, *_ in linked],
        [digest for _, _, digest, _, _ in linked],
        [prev for *_, prev, _ in linked],
        [row_hash for *_, row_hash in linked],
        tx.now,
    )
    if personal:
        await tx.run(_SQL["append_personal"], *(list(column) for column in zip(*personal, strict=True)))
    return heads


async def heads(tx: Reading) -> list[ChainHead]:
    """Return the head of every chain."""
    return [
        ChainHead(row["chain"], row["position"], row["row_hash"]) for row in await tx.fetch(_SQL["heads"])
    ]


async def checkpoint(tx: Tx, actor: str) -> list[ChainHead]:
    """
    Write the heads of all chains into the chain of heads, and return those to be published.

    They are the heads that differ from the checkpoint before, with the chain of heads' own; after `SIGN_OF_LIFE` all of
    them, also when none differs. Nothing is written, and nothing returned, while none differs before that.

    The published ones are what a later `verify` compares with; the database's own administrator cannot reach them.
    """
    found = [head for head in await heads(tx) if head.chain != HEADS]
    said: list[Json] = [[head.chain, head.position, head.row_hash.hex()] for head in found]
    fresh = found
    if last := await tx.fetch(_SQL["last_of_chain"], HEADS):
        if last[0]["recorded_at"] > tx.now - SIGN_OF_LIFE:
            before = json.loads(last[0]["body"])["heads"]
            fresh = [head for head, told in zip(found, said, strict=True) if told not in before]
        if not fresh:
            return []
    own = await append(tx, [AuditEntry(HEADS, actor, "checkpoint", {"heads": said})])
    return [*fresh, own[HEADS]]


async def of_person(tx: Reading, person_id: PersonId) -> list[Recorded]:
    """Return every entry about a person, in order of time; those about what became part of it too."""
    same = await persons.merged(tx, [person_id])
    return [
        Recorded(
            row["chain"],
            row["position"],
            row["recorded_at"],
            row["actor"],
            row["action"],
            row["body"],
            row["detail"],
            row["row_hash"],
        )
        for row in await tx.fetch(_SQL["of_person"], surrogates(persons.spellings([person_id], same)))
    ]


def canonical(value: Json) -> str:
    """
    Return the RFC 8785 form.

    A `Json` holds no fractions, and its names are ASCII: for these the standard library's writer gives that very form,
    twenty times as fast as the reference one. A test holds both against each other.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=dict)


def link(
    prev_hash: bytes,
    *,
    chain: str,
    recorded_at: datetime,
    actor: str,
    action: str,
    body: str,
    digest: bytes | None,
) -> bytes:
    """Return the hash of an entry. `body` is in RFC 8785 form already, and is put in as it is."""
    moment = recorded_at.astimezone(UTC).isoformat(timespec="microseconds")
    personal = "null" if digest is None else canonical(digest.hex())
    # the members in the order that RFC 8785 demands, so that the body need not be read and written again
    row = (
        f'{{"action":{canonical(action)},"actor":{canonical(actor)},"at":"{moment}","body":{body},'
        f'"chain":{canonical(chain)},"personal":{personal}}}'
    )
    return hashlib.sha256(prev_hash + row.encode()).digest()


def personal_digest(person: int, salt: bytes, detail: str) -> bytes:
    """Return the digest that stands in the chain for the personal part."""
    return hashlib.sha256(salt + f'{{"detail":{detail},"person":{person}}}'.encode()).digest()


def statement(name: str) -> str:
    """Return a statement over the chains, for those who check them."""
    return _SQL[name]


def places(listed: Iterable[Sequence[Json]]) -> set[tuple[str, int]]:
    """Read places of entries from the body of an entry."""
    return {(str(chain), int(str(position))) for chain, position in listed}
