"""
Deletes or archives data whose retention period has passed, each kind by its own setting, and records it in the audit chain.

Guarantee: nothing is destroyed without a disposal decision (gallringsbeslut, 10 § arkivlagen) that the settings cite, and
nothing that is never to be; no signed order without its archive package, whose digest the audit chain records in the same
transaction; nothing goes before its time, by the server's own clock where the law gives the time; a run that is cut off
has done whole pages, and the next one goes on. Left over: what outgoing topics hold ends by the topics' own retention,
and a person's state by its tombstone.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path

from sigill.operations.archive import Reader, archive_before_disposal
from sigill.policy.calendar import swedish_date
from sigill.runtime.settings import NEVER, Settings
from sigill.store import access_log, audit, cases, erasure, outbox, persons
from sigill.store.audit import AuditEntry, Json
from sigill.store.cases import CaseMarks
from sigill.store.session import Store, Tx
from sigill_contracts.vocabulary import PersonId

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
    """How long each kind is kept. Person: after death; evidence: after the last measure that rests on it; timers and tasks:
    after they were over. What has no kind here has no end: the inbox, which alone says of an order that it was taken, and
    earlier versions, by which a question about an earlier day is answered as it was."""

    outbox: Disposal
    dead_letters: Disposal
    evidence: Disposal
    access_log: Disposal
    persons: Disposal
    timers: Disposal
    tasks: Disposal

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
            timers=kind(settings.timer_retention_days, settings.timer_disposal),
            tasks=kind(settings.task_retention_days, settings.task_disposal),
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
        return tuple(kind for kind in kinds if not self.of_kind(kind).destroys)

    @property
    def disposes_of_orders(self) -> bool:
        """Whether signed orders are destroyed, with their kind or with their patient: each needs its archive package."""
        return not (self.lacking("evidence") and self.lacking("persons"))


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
        timers = await erasure.lapsed_timers(tx, before["timers"])
        tasks = await erasure.lapsed_tasks(tx, before["tasks"])
        people, after = 0, 0
        died_before = swedish_date(before["persons"])
        while gone := await erasure.lapsed(tx, died_before, after=after, limit=PAGE):
            people, after = people + len(gone), int(gone[-1])
    async with auditors.reading() as tx:
        looks = await access_log.count_before(tx, before["access_log"])
    numbers = {
        "outbox": events, "dead_letters": letters, "evidence": signed, "access_log": looks, "persons": people,
        "timers": timers, "tasks": tasks,
    }  # fmt: skip
    return tuple(
        Ended(kind, before[kind], number, 0, keeping.of_kind(kind).decision, keeping.lacking(kind))
        for kind, number in numbers.items()
    )


class ArchiveFolderMissing(ValueError):
    """Signed orders would be destroyed, and there is no folder for their archive packages."""


async def run(
    store: Store, auditors: Store, keeping: Keeping, now: datetime, actor: str, packages: Path | None = None
) -> tuple[Ended, ...]:
    """
    Destroy what is due at `now` (UTC) of each kind that a disposal decision covers, and of no other kind.

    `store` acts as `sigill_ops`, `auditors` as `sigill_auditor`. `actor` is who started it, for the audit chain, where
    each kind stands with the decision that was followed. The archive package of each signed order is made in the folder
    `packages` first. Raises ArchiveFolderMissing, before anything, when orders would go and there is none;
    OSError when a package cannot be written: what it was for is kept, and the next run goes on.
    """
    if keeping.disposes_of_orders and packages is None:
        raise ArchiveFolderMissing
    before = _limits(keeping, now)
    archive = _Archive(auditors, packages or Path(), Reader(actor, None, "archiving before disposal"), now)

    async def nothing() -> tuple[int, int]:
        return 0, 0

    works: Mapping[str, Callable[[], Awaitable[tuple[int, int]]]] = {
        "persons": lambda: _erase(store, archive, before["persons"], now, actor),
        "outbox": lambda: _by_pages(store, outbox.rotate, before["outbox"], now),
        "dead_letters": lambda: _empty_letters(store, before["dead_letters"], now),
        "evidence": lambda: _empty_orders(store, archive, before["evidence"], now, actor),
        "access_log": lambda: _purge(auditors, before["access_log"], now, actor),
        "timers": lambda: _by_pages(store, erasure.purge_timers, before["timers"], now),
        "tasks": lambda: _by_pages(store, erasure.purge_tasks, before["tasks"], now),
    }
    ended = []
    for kind, work in works.items():
        lacking = keeping.lacking(kind)
        number, tombstones = await (nothing if lacking else work)()
        decision = keeping.of_kind(kind).decision
        ended.append(Ended(kind, before[kind], number, tombstones, decision, lacking))
    async with store.transaction(now) as tx:
        body: dict[str, Json] = {
            kind.kind: {
                "before": kind.before.isoformat(),
                "number": kind.number,
                "decision": kind.decision,
                "destroyed": not kind.kept,
            }
            for kind in ended
        }
        await audit.append(tx, [AuditEntry(CHAIN, actor, "retention_run", body)])
    return tuple(ended)


def _limits(keeping: Keeping, now: datetime) -> Mapping[str, datetime]:
    return {kind.name: now - keeping.of_kind(kind.name).after for kind in fields(keeping)}


async def _by_pages(
    store: Store, purge: Callable[[Tx, datetime], Awaitable[int]], before: datetime, now: datetime
) -> tuple[int, int]:
    total = 0
    while True:
        async with store.transaction(now) as tx:
            gone = await purge(tx, before)
        total += gone
        if not gone:
            return total, 0


async def _empty_letters(store: Store, before: datetime, now: datetime) -> tuple[int, int]:
    async with store.transaction(now) as tx:
        return await erasure.purge_dead_letters(tx, before), 0


@dataclass(frozen=True, slots=True)
class _Archive:
    """Where the archive packages of what is destroyed are made, and in whose name it is read."""

    auditors: Store
    to: Path
    reader: Reader
    now: datetime

    async def packages(self, registrations: Sequence[int]) -> "_Packaged":
        async with self.auditors.reading() as tx:
            marks = await cases.marks_of(tx, registrations)
        made = await archive_before_disposal(self.auditors, self.to, registrations, self.reader, self.now)
        return _Packaged(made, marks)


@dataclass(frozen=True, slots=True)
class _Packaged:
    """The digests of packages, by registration, and how far the cases in them were written before they were made."""

    digests: Mapping[int, str]
    marks: CaseMarks

    async def lock(self, tx: Tx, *people: PersonId) -> None:
        """Let nobody write in the cases any more until the transaction ends."""
        await persons.lock(tx, {*people, *self.marks.people})

    async def check(self, tx: Tx, going: Sequence[int]) -> None:
        """Raise _NotPackaged unless all that goes stands in the packages."""
        if not set(going) <= self.digests.keys():
            raise _NotPackaged
        newest = (await cases.marks_of(tx, going)).newest
        if any(self.marks.newest.get(registration) != entry for registration, entry in newest.items()):
            raise _NotPackaged


class _NotPackaged(Exception):
    """Since the packages were made something else has become due, or was written in a case: so nothing of this goes."""


async def _empty_orders(
    store: Store, archive: _Archive, before: datetime, now: datetime, actor: str
) -> tuple[int, int]:
    total, after = 0, 0
    while True:
        async with store.reading() as tx:
            page = await erasure.lapsed_orders(tx, before, after=after, limit=PAGE)
        if not page:
            return total, 0
        made = await archive.packages(page)
        with suppress(_NotPackaged):
            async with store.transaction(now) as tx:
                await made.lock(tx)
                gone = await erasure.purge_evidence(
                    tx, before, actor, made.digests, after=after, limit=PAGE, chain=CHAIN
                )
                await made.check(tx, gone)
            total, after = total + len(gone), page[-1]


async def _purge(auditors: Store, before: datetime, now: datetime, actor: str) -> tuple[int, int]:
    async with auditors.transaction(now) as tx:
        await access_log.extend(tx)
        return await access_log.purge(tx, before, actor), 0


async def _erase(
    store: Store, archive: _Archive, before: datetime, now: datetime, actor: str
) -> tuple[int, int]:
    """One person a transaction: a lock is held for as short as can be, and one that fails stops no other's page."""
    people, tombstones, after = 0, 0, 0
    while True:
        async with store.reading() as reading:
            found = await erasure.lapsed(reading, swedish_date(before), after=after, limit=PAGE)
        if not found:
            return people, tombstones
        for person in found:
            async with store.reading() as reading:
                made = await archive.packages(await erasure.orders_of(reading, person))
            with suppress(_NotPackaged):  # it goes with the next run
                async with store.transaction(now) as tx:
                    await made.lock(tx, person)
                    await made.check(tx, await erasure.orders_of(tx, person))
                    tombstones += len(await erasure.erase(tx, person, actor, packages=made.digests))
                people += 1
        after = int(found[-1])
