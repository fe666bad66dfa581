"""
What falls due is followed, each thing at its true time, however late this worker comes to it.

Access never depends on it: the store answers from validity ranges and birth dates. Several workers may run; each takes
whole persons, so that a person's timers fire once and in order. After a stop of any length the timers are caught up
with in order of time, and what they bring (reminders, next birthdays) falls due in the same run.
"""

import asyncio
import contextlib
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

import structlog

from sigill.judgement.transitions import DueTimer, on_timer
from sigill.policy.access import AccessSnapshots
from sigill.policy.effects import SetTimer, TimerKind
from sigill.policy.facts import PatientFacts
from sigill.processing.citations import PolicyProvider
from sigill.processing.event_ids import timer_cause
from sigill.processing.loading import unit_of_work_about
from sigill.processing.persist import persist
from sigill.processing.protection import check, evaluate_rules, mend
from sigill.processing.reevaluation import reevaluate_pending
from sigill.processing.unit_of_work import UnitOfWork
from sigill.runtime.clock import Clock, stopwatch
from sigill.runtime.failpoints import point
from sigill.runtime.health import DATABASE, Health
from sigill.runtime.lifecycle import CooperativeYield
from sigill.runtime.metrics import (
    DATABASE_RETRIES,
    PROTECTED_NOT_SHUT,
    STEP_SECONDS,
    TIMERS_FIRED,
    TIMERS_OVERDUE,
    Metrics,
)
from sigill.store import dead_letters, timers
from sigill.store.session import Store, Tx, passing
from sigill.store.trouble import database_trouble
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import PendingCode

log = structlog.get_logger("sigill.transitions")

BATCH = 50
CHAINS = 8
"""Audit chains of transitions: workers side by side seldom wait for the same one."""
LOOK_SECONDS = 5.0
"""Between two looks at what is overdue."""
PROTECT_SECONDS = 300.0
"""Between two looks at who is protected and not shut."""
_JUDGED_ANEW = {
    TimerKind.PATIENT_UNKNOWN_DEADLINE: frozenset({PendingCode.PATIENT_NOT_YET_KNOWN}),
    TimerKind.EARLIER_MESSAGE_SETTLED: frozenset({PendingCode.AWAITING_EARLIER_MESSAGE}),
    TimerKind.SUCCESSOR_NAMED: frozenset({PendingCode.AWAITING_FOLLOW_UP_DECISION}),
}
"""Timers after which a waiting order is judged again, and what it waits for."""
_TRIES = 5


@dataclass(slots=True)
class Transitions:
    """The worker. `interval` is seconds between two looks when nothing is due."""

    store: Store
    desk: PolicyProvider
    clock: Clock
    metrics: Metrics
    health: Health
    interval: float = 1.0
    name: str = "transitions"
    _looked: float | None = None
    _protected_at: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; the timers in hand are finished and committed first."""
        while not stop.is_set():
            self.health.tick(self.name)
            began = stopwatch()
            fired = await self.run_once(self.clock.now())
            self.health.up(DATABASE)
            # a midnight has time, and orders have not: they get the processor and the relay in between
            pause = min(self.interval, 0.5 * (stopwatch() - began)) if fired else self.interval
            await self._measure()
            await self._protect()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def run_due(self, now: datetime) -> int:
        """Follow everything that is due by `now` (UTC, inclusive), also what that brings. Returns how many fired."""
        total = 0
        while fired := await self.run_once(now):
            total += fired
        return total

    async def run_once(self, now: datetime) -> int:
        """
        Follow one batch of due timers in one transaction. Returns how many fired; 0 when none is due, or free.

        Rules that have begun are looked at first: what they impose is in force when a timer of that day is followed.
        Raises DatabaseDown when the database cannot be reached.
        """
        async with database_trouble():
            await evaluate_rules(self.store, self.desk, now)
            for attempt in range(1, _TRIES + 1):
                try:
                    return await self._in_one_transaction(now)
                except Exception as error:
                    if not passing(error) or attempt == _TRIES:
                        raise
                    self.metrics.inc(DATABASE_RETRIES, worker=self.name)
                    await asyncio.sleep(0.02 * 2**attempt)
        return 0

    async def _in_one_transaction(self, now: datetime) -> int:

        with self.metrics.timed(STEP_SECONDS, worker=self.name, step="transaction"):
            async with self.store.transaction(now) as tx:
                found = await timers.due(tx, now, BATCH)
                if not found:
                    return 0
                point("timers.taken")
                unit_of_work = await self._follow(tx, found, now)
                point("timers.followed")
                await timers.done(tx, [timer.timer_id for timer in found])
                await persist(tx, unit_of_work)
                point("timers.before_commit")
        point("timers.committed")
        for timer in found:
            self.metrics.inc(TIMERS_FIRED, kind=str(timer.kind))
        log.info("timers fired", rows=len(found), until=now.isoformat())
        return len(found)

    async def _follow(self, tx: Tx, found: Sequence[timers.StoredTimer], now: datetime) -> UnitOfWork:
        """Follow timers in order of time, those too that they set and that are due already."""
        patients = {timer.patient for timer in found}
        chain = f"transitions-{crc32(found[0].patient.encode()) % CHAINS}"
        unit_of_work = await unit_of_work_about(tx, self.desk, patients, chain=chain)
        waiting = [_in_order(_timer(timer)) for timer in found]
        heapq.heapify(waiting)
        seen = {timer for *_, timer in waiting}
        turn = CooperativeYield()
        while waiting:
            await turn.if_due()
            timer = heapq.heappop(waiting)[-1]
            standing = unit_of_work.standing(timer.patient)
            if standing.facts is None:
                continue  # erased since
            books = unit_of_work.desk.books
            snapshots = AccessSnapshots(books)
            transition = on_timer(
                DueTimer(timer, standing.facts, standing.requests), books, now=now, snapshots=snapshots
            )
            unit_of_work.follow(
                timer.patient,
                transition,
                cause=_cause(timer, standing.facts),
                order_id=timer.order_id,
                snapshots=snapshots,
            )
            for effect in transition.effects:
                if isinstance(effect, SetTimer) and effect.due_at <= now and effect not in seen:
                    seen.add(effect)
                    heapq.heappush(waiting, _in_order(effect))
            await self._judge_waiting(tx, unit_of_work, timer)
        unit_of_work.plan.timers = [timer for timer in unit_of_work.plan.timers if timer not in seen]
        return unit_of_work

    async def _judge_waiting(self, tx: Tx, unit_of_work: UnitOfWork, timer: SetTimer) -> None:
        """Judge anew what waited for a deadline that has passed, or for an operator to settle a message before it."""
        waits = _JUDGED_ANEW.get(timer.kind)
        if not waits:
            return
        settled = timer.kind is TimerKind.EARLIER_MESSAGE_SETTLED
        facts = unit_of_work.standing(timer.patient).facts
        if settled and (facts is None or await dead_letters.open_keys(tx, ORDERS.name, {facts.patient.key})):
            return  # another one has come meanwhile: the operator who settles that sets the timer again
        resolved = waits if settled else frozenset[PendingCode]()
        await reevaluate_pending(
            tx, unit_of_work, [timer.patient], waits, trigger=_cause(timer, facts), resolved=resolved
        )

    async def _measure(self) -> None:
        """Measure what is overdue."""
        if self._looked is not None and stopwatch() - self._looked < LOOK_SECONDS:
            return
        self._looked = stopwatch()
        async with database_trouble(), self.store.reading() as tx:
            self.metrics.set(TIMERS_OVERDUE, (await timers.stats(tx, self.clock.now())).overdue)

    async def _protect(self) -> None:
        """Measure who is protected and not shut, and shut them: nobody waits for an operator to read of it."""
        if self._protected_at is not None and stopwatch() - self._protected_at < PROTECT_SECONDS:
            return
        self._protected_at = stopwatch()
        async with database_trouble():
            now = self.clock.now()
            async with self.store.reading() as tx:
                desk = await self.desk.context_for(tx, now)
            found, _ = await check(self.store, desk.books, now)
            for region in desk.books.regions:
                here = [unprotected for unprotected in found if unprotected.region == region]
                self.metrics.set(PROTECTED_NOT_SHUT, len(here), region=region)
            if found:
                log.error("protected and not shut", rows=len(found))
                await mend(self.store, desk, [unprotected.person for unprotected in found], now)


def _timer(one: timers.StoredTimer) -> SetTimer:
    return SetTimer(one.kind, one.due_at, one.patient, one.region, one.measure_id, one.order_id)


def _in_order(timer: SetTimer) -> tuple[datetime, str, str, str, str, SetTimer]:
    """By time; at the same instant what ends or begins comes before what is told of a birthday."""
    return (
        timer.due_at,
        timer.patient,
        "1" if timer.kind.startswith("age_") else "0",
        f"{timer.kind}:{timer.region}",
        f"{timer.measure_id}:{timer.order_id}",
        timer,
    )


def _cause(timer: SetTimer, facts: PatientFacts | None) -> str:
    # without facts an order waits, which is named beside it
    patient = "" if facts is None else facts.patient.key
    about = f"{timer.kind}:{patient}:{timer.measure_id or ''}:{timer.order_id or ''}"
    return timer_cause(about, timer.due_at.isoformat())
