"""
What follows from being registered, for the few for whom anything does: orders that waited are judged, and the register's
own word imposes its standing measures (a protected child's lock and seal), as the register worker would.

Guarantee: a batch of persons in one transaction, with measures, audit entries and outgoing events; done again it changes
nothing. Left over: `access.state.v1` of everybody else: who has no state there has no measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from sigill.judgement.transitions import register_change
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import SetTimer, TimerKind, Transition
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.processing.loading import unit_of_work_about
from sigill.processing.persist import persist
from sigill.processing.protection import count, tell_operators
from sigill.processing.reevaluation import reevaluate_pending
from sigill.register.consumer import WAITED_FOR
from sigill.runtime.clock import SystemClock
from sigill.store import bulk, persons, protection
from sigill.store.protection import Counts
from sigill.store.session import Tx
from sigill_contracts.vocabulary import PersonId

if TYPE_CHECKING:
    from sigill.store.session import Connection

CHAIN: Final = "register-load"
MILESTONES: Final = frozenset(
    {TimerKind.AGE_13_AHEAD, TimerKind.AGE_13, TimerKind.AGE_16_AHEAD, TimerKind.AGE_16, TimerKind.AGE_18}
)
_BATCH = 200


async def settle(
    conn: Connection, load: bulk.Load, books: Rulebooks, source: str, told: Callable[[int, int], None]
) -> int:
    """
    Enact what follows; `told` hears how many of how many. Returns how many persons were looked at.

    Each region whose rules have shut somebody, or want somebody looked at, gets one task with the count.
    """
    reach = _oldest_protected(books)
    today = swedish_date(load.started_at)
    counties = [c for r in books.regions.values() if any(v.standing for v in r.versions) for c in r.counties]
    born_after = date(today.year - reach - 1, 1, 1)
    people = await bulk.followed(conn, load.started_at, counties, born_after)
    desk = PolicyContext.of(books, source)
    cause = f"load {load.load_id}"
    for place in range(0, len(people), _BATCH):
        told(place, len(people))
        async with conn.transaction():
            tx = Tx(conn, SystemClock().now())
            held = await protection.claim(tx, cause, load.started_at)
            if held is None:
                break  # an earlier run of the same load has finished this
            batch = [p for p in people[place : place + _BATCH] if int(p) > held.last_person]
            await _batch(tx, desk, batch, load.load_id, held.counts)
            last = max(held.last_person, *(int(p) for p in people[place : place + _BATCH]))
            await protection.go_on(tx, cause, last, held.counts)
    async with conn.transaction():
        tx = Tx(conn, SystemClock().now())
        held = await protection.claim(tx, cause, load.started_at)
        if held is not None:
            await tell_operators(tx, held.counts, cause, books)
            await protection.go_on(tx, cause, held.last_person, held.counts, finished_at=tx.now)
    return len(people)


async def _batch(tx: Tx, desk: PolicyContext, people: list[PersonId], load_id: int, counts: Counts) -> None:
    if not people:
        return
    await persons.lock(tx, people)
    unit_of_work = await unit_of_work_about(tx, desk, people, chain=CHAIN)
    for person in people:
        after = unit_of_work.standing(person).facts
        if after is None:
            continue
        cause = f"population-load:{load_id}:{after.patient.key}"
        told_at = min(after.patient.latest.valid_from, tx.now)
        change = _without_birthdays(
            register_change(None, after, told_at, desk.books, now=tx.now, tasks=False)
        )
        count(counts, after, change, tx.now, desk.books)
        unit_of_work.follow(person, change, cause=cause)
        unit_of_work.touch(person)
        await reevaluate_pending(tx, unit_of_work, [person], WAITED_FOR, trigger=cause)
    await persist(tx, unit_of_work)


def _without_birthdays(change: Transition) -> Transition:
    """Birthday timers are set already, from the load on: nobody is told of birthdays of the years before it."""
    kept = tuple(e for e in change.effects if not (isinstance(e, SetTimer) and e.kind in MILESTONES))
    return replace(change, effects=kept)


def _oldest_protected(books: Rulebooks) -> int:
    """The age below which some standing rule speaks of patients, in whole years."""
    limits = [
        rule.patient_under if rule.patient_under is not None else 150
        for region in books.regions.values()
        for version in region.versions
        for rule in version.standing
        if rule.state is not None
    ]
    return max(limits, default=0)
