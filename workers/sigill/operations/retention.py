"""
Deletes or archives data whose retention period has passed, each kind by its own setting, and records it in the audit chain.

Guarantee: nothing is destroyed without a disposal decision (gallringsbeslut, 10 § arkivlagen) that the settings cite, and
nothing that is never to be; nothing goes before its time, by the server's own clock where the law gives the time; a run that is cut off
has done whole pages, and the next one goes on. Left over: what outgoing topics hold ends by the topics' own retention,
and a person's state by its tombstone.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sigill.policy.calendar import swedish_date
from sigill.runtime.settings import NEVER, Settings
from sigill.store import access_log, audit, erasure, outbox
from sigill.store.audit import AuditEntry, Json
from sigill.store.session import Store

CHAIN = "retention"
PAGE = 500


@dataclass(frozen=True, slots=True)
class Disposal:
    """
    How long a kind is kept, and the disposal decision (gallringsbeslut) by which it is destroyed afterwards, as cited.

    `decision` None: nobody has decided, nothing is destroyed. `never`: it was decided that nothing ever is.
    """

    after: timedelta
    decision: str | None

    @property
    def destroys(self) -> bool:
        """Whether anything of the kind is ever destroyed."""
        return self.decision not in (None, NEVER)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long each kind is kept. Person: after death; evidence: after the last measure that rests on it."""

    outbox: Disposal
    dead_letters: Disposal
    evidence: Disposal
    access_log: Disposal
    persons: Disposal

    @classmethod
    def of(cls, settings: Settings) -> "Keeping":
        """What the settings say."""

        def kind(days: int, decision: str | None) -> Disposal:
            return Disposal(timedelta(days=days), decision)

        return cls(
            outbox=kind(settings.outbox_retention_days, settings.outbox_disposal),
            dead_letters=kind(settings.dead_letter_retention_days, settings.dead_letter_disposal),
            evidence=kind(settings.evidence_retention_days, settings.evidence_disposal),
            access_log=kind(settings.access_log_retention_days, settings.access_log_disposal),
            persons=kind(settings.person_retention_days, settings.person_disposal),
        )

    def of_kind(self, kind: str) -> Disposal:
        """How long a kind is kept, and by what decision it ends."""
        disposal: Disposal = getattr(self, kind)
        return disposal

    def lacking(self, kind: str) -> tuple[str, ...]:
        """
        The kinds that keep this one from being destroyed, itself first; none when it is destroyed.

        Erasing a person empties that person's orders, events and dead letters: it takes the decisions of all of them.
        """
        kinds = ("persons", "evidence", "dead_letters", "outbox") if kind == "persons" else (kind,)
        return tuple(one for one in kinds if not self.of_kind(one).destroys)


@dataclass(frozen=True, slots=True)
class Ended:
    """
    What is due of a kind: everything older than `before` (UTC), exclusive. `tombstones` of persons.

    `number` is what was destroyed by `decision`; of a kind that is not destroyed a rehearsal counts what is past its
    time, and a run counts nothing.
    """

    kind: str
    before: datetime
    number: int
    tombstones: int = 0
    decision: str | None = None
    lacking: tuple[str, ...] = ()
    """The kinds without a decision to destroy, for which nothing of this kind is destroyed."""

    @property
    def kept(self) -> bool:
        """Whether nothing of the kind is destroyed."""
        return bool(self.lacking)


async def rehearse(store: Store, auditors: Store, keeping: Keeping, now: datetime) -> tuple[Ended, ...]:
    """Count what is past its time now (UTC), of the kinds that `run` keeps too; change nothing."""
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
    return tuple(
        Ended(kind, before[kind], number, 0, keeping.of_kind(kind).decision, keeping.lacking(kind))
        for kind, number in numbers.items()
    )


async def run(
    store: Store, auditors: Store, keeping: Keeping, now: datetime, actor: str
) -> tuple[Ended, ...]:
    """
    Destroy what is due at `now` (UTC) of each kind that a disposal decision covers, and of no other kind.

    `store` acts as `sigill_ops`, `auditors` as `sigill_auditor`. `actor` is who started it, for the audit chain, where
    each kind stands with the decision that was followed.
    """
    before = _limits(keeping, now)

    async def nothing() -> tuple[int, int]:
        return 0, 0

    works: Mapping[str, Callable[[], Awaitable[tuple[int, int]]]] = {
        "persons": lambda: _erase(store, before["persons"], now, actor),
        "outbox": lambda: _rotate(store, before["outbox"], now),
        "dead_letters": lambda: _empty_letters(store, before["dead_letters"], now),
        "evidence": lambda: _empty_orders(store, before["evidence"], now, actor),
        "access_log": lambda: _purge(auditors, before["access_log"], now, actor),
    }
    ended = []
    for kind, work in works.items():
        lacking = keeping.lacking(kind)
        number, tombstones = await (nothing if lacking else work)()
        decision = keeping.of_kind(kind).decision
        ended.append(Ended(kind, before[kind], number, tombstones, decision, lacking))
    async with store.transaction(now) as tx:
        body: dict[str, Json] = {
            one.kind: {
                "before": one.before.isoformat(),
                "number": one.number,
                "decision": one.decision,
                "destroyed": not one.kept,
            }
            for one in ended
        }
        await audit.append(tx, [AuditEntry(CHAIN, actor, "retention_run", body)])
    return tuple(ended)


def _limits(keeping: Keeping, now: datetime) -> Mapping[str, datetime]:
    return {one.name: now - keeping.of_kind(one.name).after for one in fields(keeping)}


async def _rotate(store: Store, before: datetime, now: datetime) -> tuple[int, int]:
    total = 0
    while True:
        async with store.transaction(now) as tx:
            gone = await outbox.rotate(tx, before)
        total += gone
        if not gone:
            return total, 0


async def _empty_letters(store: Store, before: datetime, now: datetime) -> tuple[int, int]:
    async with store.transaction(now) as tx:
        return await erasure.purge_dead_letters(tx, before), 0


async def _empty_orders(store: Store, before: datetime, now: datetime, actor: str) -> tuple[int, int]:
    total, after = 0, 0
    while True:
        async with store.transaction(now) as tx:
            gone = await erasure.purge_evidence(tx, before, actor, after=after, limit=PAGE, chain=CHAIN)
        if not gone:
            return total, 0
        total, after = total + len(gone), gone[-1]


async def _purge(auditors: Store, before: datetime, now: datetime, actor: str) -> tuple[int, int]:
    async with auditors.transaction(now) as tx:
        return await access_log.purge(tx, before, actor), 0


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
