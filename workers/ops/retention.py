"""
Deletes or archives data whose retention period has passed, each kind by its own setting, and records it in the audit chain.

Guarantee: nothing goes before its time, by the server's own clock where the law gives the time; a run that is cut off
has done whole pages, and the next one goes on. Left over: what outgoing topics hold ends by the topics' own retention,
and a person's state by its tombstone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from workers.policy.calendar import swedish_date
from workers.runtime.settings import Settings
from workers.store import access_log, audit, erasure, outbox
from workers.store.audit import AuditEntry, Json
from workers.store.session import Store

CHAIN = "retention"
PAGE = 500


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long each kind is kept. Person: after death; evidence: after the last measure that rests on it."""

    outbox: timedelta
    dead_letters: timedelta
    evidence: timedelta
    access_log: timedelta
    person: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Keeping":
        """What the settings say."""
        return cls(
            outbox=timedelta(days=settings.outbox_retention_days),
            dead_letters=timedelta(days=settings.dead_letter_retention_days),
            evidence=timedelta(days=settings.evidence_retention_days),
            access_log=timedelta(days=settings.access_log_retention_days),
            person=timedelta(days=settings.person_retention_days),
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended being kept: everything of a kind older than `before` (UTC), exclusive. `tombstones` of persons."""

    kind: str
    before: datetime
    number: int
    tombstones: int = 0


async def rehearse(store: Store, auditors: Store, keeping: Keeping, now: datetime) -> tuple[Ended, ...]:
    """Say what `run` would end now (UTC), and change nothing."""
    before = _limits(keeping, now)
    async with store.reading() as tx:
        events = await outbox.published_before(tx, before["outbox"])
        letters = await erasure.settled_dead_letters(tx, before["dead_letters"])
        signed, after = 0, 0
        while page := await erasure.lapsed_orders(tx, before["evidence"], after=after, limit=PAGE):
            signed, after = signed + len(page), page[-1]
        people, after = 0, 0
        died_before = swedish_date(before["persons"])
        while gone := await erasure.lapsed(tx, died_before, after=after, limit=PAGE):
            people, after = people + len(gone), int(gone[-1])
    async with auditors.reading() as tx:
        looks = await access_log.count_before(tx, before["access_log"])
    numbers = {
        "outbox": events, "dead_letters": letters, "evidence": signed, "access_log": looks, "persons": people,
    }  # fmt: skip
    return tuple(Ended(kind, before[kind], number) for kind, number in numbers.items())


async def run(
    store: Store, auditors: Store, keeping: Keeping, now: datetime, actor: str
) -> tuple[Ended, ...]:
    """
    End what is due at `now` (UTC). `store` acts as `sigill_ops`, `auditors` as `sigill_auditor`.

    `actor` is who started it, for the audit chain.
    """
    before = _limits(keeping, now)
    people, tombstones = await _erase(store, before["persons"], now, actor)
    ended = (
        Ended("outbox", before["outbox"], await _rotate(store, before["outbox"], now)),
        Ended(
            "dead_letters", before["dead_letters"], await _empty_letters(store, before["dead_letters"], now)
        ),
        Ended("evidence", before["evidence"], await _empty_orders(store, before["evidence"], now, actor)),
        Ended("access_log", before["access_log"], await _purge(auditors, before["access_log"], now, actor)),
        Ended("persons", before["persons"], people, tombstones),
    )
    async with store.transaction(now) as tx:
        body: dict[str, Json] = {
            one.kind: {"before": one.before.isoformat(), "number": one.number} for one in ended
        }
        await audit.append(tx, [AuditEntry(CHAIN, actor, "retention_run", body)])
    return ended


def _limits(keeping: Keeping, now: datetime) -> Mapping[str, datetime]:
    return {
        "outbox": now - keeping.outbox,
        "dead_letters": now - keeping.dead_letters,
        "evidence": now - keeping.evidence,
        "access_log": now - keeping.access_log,
        "persons": now - keeping.person,
    }


async def _rotate(store: Store, before: datetime, now: datetime) -> int:
    total = 0
    while True:
        async with store.transaction(now) as tx:
            gone = await outbox.rotate(tx, before)
        total += gone
        if not gone:
            return total


async def _empty_letters(store: Store, before: datetime, now: datetime) -> int:
    async with store.transaction(now) as tx:
        return await erasure.purge_dead_letters(tx, before)


async def _empty_orders(store: Store, before: datetime, now: datetime, actor: str) -> int:
    total, after = 0, 0
    while True:
        async with store.transaction(now) as tx:
            gone = await erasure.purge_evidence(tx, before, actor, after=after, limit=PAGE, chain=CHAIN)
        if not gone:
            return total
        total, after = total + len(gone), gone[-1]


async def _purge(auditors: Store, before: datetime, now: datetime, actor: str) -> int:
    async with auditors.transaction(now) as tx:
        return await access_log.purge(tx, before, actor)


async def _erase(store: Store, before: datetime, now: datetime, actor: str) -> tuple[int, int]:
    """One person a transaction: a lock is held for as short as can be, and one that fails stops no other's page."""
    people, tombstones, after = 0, 0, 0
    while True:
        async with store.reading() as reading:
            found = await erasure.lapsed(reading, swedish_date(before), after=after, limit=PAGE)
        if not found:
            return people, tombstones
        for person in found:
            async with store.transaction(now) as tx:
                tombstones += len(await erasure.erase(tx, person, actor))
            people += 1
        after = int(found[-1])
