"""
Erasure: what ends being kept, and what still proves afterwards that things were done.

Numbers, names, versions, custody, forms, receipts and the personal parts of the audit go; measures, outcomes and the
chain stay, about a surrogate that names nobody. The access log stays its five years. The audit chain verifies on.
"""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import NAMESPACE_OID, uuid5

from sigill.store import audit, outbox, persons
from sigill.store.access_log import spans
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx
from sigill.store.values import person_of
from sigill_contracts.topics import STATE
from sigill_contracts.vocabulary import PersonId

_SQL = queries("erasure")


async def erase(
    tx: Tx,
    person_id: PersonId,
    actor: str,
    *,
    packages: Mapping[int, str] | None = None,
    chain: str = "erasure",
) -> tuple[str, ...]:
    """
    Erase a person at `tx.now`, put the tombstones of its state on their way, and note it in the audit chain, with the
    SHA-256 (hex) of the archive package of each order of which something goes, by registration.

    Returns the pseudonymous keys, the tombstones' record keys. Raises a unique violation for one erased before.
    """
    await persons.lock(tx, [person_id])
    rows = await tx.fetch(_SQL["erase"], int(person_id), tx.now)
    keys: list[str] = await tx.value(_SQL["keys"], int(person_id))
    await outbox.append(
        tx,
        [
            outbox.OutboxRow(
                event_id=uuid5(NAMESPACE_OID, f"tombstone:{person_id}:{key}"),
                aggregatetype=STATE.name,
                aggregateid=key,
                type=STATE.event_type or "",
                payload=None,
                person=person_id,
            )
            for key in sorted(keys)
        ],
    )
    emptied: list[audit.Json] = [[row["chain"], row["pos"]] for row in rows]
    body: dict[str, audit.Json] = {"entries": emptied, "person": person_id}
    if packages:
        body["packages"] = _told(packages)
    await audit.append(tx, [audit.AuditEntry(chain, actor, audit.ERASED, body)])
    return tuple(sorted(keys))


def _told(packages: Mapping[int, str]) -> audit.Json:
    return [[registration, digest] for registration, digest in sorted(packages.items())]


async def orders_of(tx: Reading, person_id: PersonId) -> list[int]:
    """
    Return the registrations of the signed orders of which something goes with a person, in order of arrival: the person's
    own, and those with whose case goes what was written down about a reply to the person.
    """
    return [row["registration"] for row in await tx.fetch(_SQL["orders_of"], int(person_id))]


async def lapsed(tx: Reading, died_before: date, *, after: int = 0, limit: int = 1000) -> list[PersonId]:
    """Return persons who died before a date (Swedish), about whom nothing waits; a page by surrogate number."""
    return [person_of(row["person_id"]) for row in await tx.fetch(_SQL["lapsed"], died_before, after, limit)]


async def lapsed_orders(tx: Reading, before: datetime, *, after: int = 0, limit: int = 1000) -> list[int]:
    """
    Return registrations of signed orders whose keeping has ended, a page by registration.

    Such an order came before `before` (UTC), waits for nothing, and no measure that rests on it has been in force
    since then: what is kept for a measure is kept as long after the measure's end.
    """
    rows = await tx.fetch(_SQL["lapsed_orders"], before, after, limit)
    return [row["registration"] for row in rows]


async def purge_evidence(
    tx: Tx,
    before: datetime,
    actor: str,
    packages: Mapping[int, str],
    *,
    after: int = 0,
    limit: int = 1000,
    chain: str = "retention",
) -> list[int]:
    """
    Empty a page of lapsed orders, bytes, form and receipts, and note which in the audit chain; return them.

    `packages`: the SHA-256 (hex) of each one's archive package, by registration, noted with it. The caller ends the
    transaction where one that has gone has none.

    Digests, outcomes, measures and the chain stay. A year at least, by the server's clock: else the database refuses.
    """
    rows = await tx.fetch(_SQL["purge_evidence"], before, tx.now, after, limit)
    gone = [row["registration"] for row in rows]
    if gone:
        kept = {number: packages[number] for number in gone if number in packages}
        body: dict[str, audit.Json] = {
            "before": before.isoformat(),
            "registrations": spans(gone),
            "packages": _told(kept),
        }
        await audit.append(tx, [audit.AuditEntry(chain, actor, "evidence_ended", body)])
    return gone


async def settled_dead_letters(tx: Reading, before: datetime) -> int:
    """Return how many dead letters that are dealt with and came before a moment (UTC) still hold their bytes."""
    return int(await tx.value(_SQL["settled_dead_letters"], before))


async def purge_dead_letters(tx: Tx, before: datetime) -> int:
    """Empty dead letters that are dealt with and came before a moment (UTC); return how many."""
    return int(await tx.value(_SQL["purge_dead_letters"], before))


async def lapsed_timers(tx: Reading, before: datetime) -> int:
    """
    Return how many timers fired or were called off before a moment (UTC) and are needed by nothing.

    Those of a measure count when it had ended by then, too: each of its versions sets its timers, and one that has fired must
    not fire again.
    """
    return int(await tx.value(_SQL["lapsed_timers"], before))


async def purge_timers(tx: Tx, before: datetime) -> int:
    """Destroy a page of them, a year ago at the latest by the server's clock, else the database refuses; return how many."""
    return int(await tx.value(_SQL["purge_timers"], before, tx.now))


async def lapsed_tasks(tx: Reading, before: datetime) -> int:
    """Return how many tasks were ticked off or closed before a moment (UTC), and whose order waits for nothing."""
    return int(await tx.value(_SQL["lapsed_tasks"], before))


async def purge_tasks(tx: Tx, before: datetime) -> int:
    """Destroy a page of them, a year ago at the latest by the server's clock, else the database refuses; return how many."""
    return int(await tx.value(_SQL["purge_tasks"], before, tx.now))
