"""
Tonight and this week: what opens and ends by itself, who is protected and not shut, and what ends with nobody answering.

Guarantee: what is listed is what the store's facts and timers bring if nobody orders anything, as of the moment of
looking. People are named by pseudonym. Left over: rules that begin meanwhile and concern a whole register, which
`sigill rulebook diff` counts.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sigill.judgement.week_ahead import TURNING, ComingTurn, UnansweredMeasure, coming_turns, unanswered
from sigill.policy.effects import SetTimer, TimerKind
from sigill.policy.rulebook import Rulebooks
from sigill.processing.protection import Unprotected, check
from sigill.store import facts as stored
from sigill.store import timers
from sigill.store.session import Reading, Store
from sigill_contracts.vocabulary import PersonId, RegionCode

BATCH = 100
"""Persons whose facts are read at once."""


@dataclass(frozen=True, slots=True)
class WeekAhead:
    """One page of what is coming, as of `now`: the persons of the page of `people` who have something before `until`."""

    now: datetime
    until: datetime
    people: int
    turns: tuple[ComingTurn, ...]
    not_shut: tuple[Unprotected, ...]
    unanswered: tuple[UnansweredMeasure, ...]
    unanswered_people: int
    """How many persons have a measure that ends in the time, answered ones too: more than were looked at, perhaps."""

    @property
    def patients(self) -> frozenset[PersonId]:
        """Whom it is about."""
        return frozenset(
            (
                *(turn.patient for turn in self.turns),
                *(open_child.person for open_child in self.not_shut),
                *(ending.measure.patient for ending in self.unanswered),
            )
        )

    @property
    def named(self) -> frozenset[PersonId]:
        """Everybody whom it names: patients, and those who gain or lose by what comes, or are told."""
        return self.patients | frozenset(
            who
            for turn in self.turns
            for who in (*(access.viewer for access in turn.accesses), *(notice.to for notice in turn.notices))
            if who is not None
        )


SHOWN = "what changes by itself this week"
REASON = "week ahead"
"""What the access log keeps of each person on the list."""


async def week_ahead(
    store: Store,
    books: Rulebooks,
    now: datetime,
    *,
    days: int,
    within: int,
    region: RegionCode | None = None,
    limit: int,
    offset: int = 0,
) -> WeekAhead:
    """
    Look `days` days ahead at what changes, and `within` days at what ends unanswered, from `now` (UTC) on.

    `limit` persons of each, those of the earliest change first; `offset` pages the first. `region`: only its
    residents and its measures, also of a person who has some in another region too.
    """
    until = now + timedelta(days=days)
    ends = now + timedelta(days=within)
    async with store.reading() as tx:
        people = await timers.persons_between(
            tx, now, until, TURNING, region=region, limit=limit, offset=offset
        )
        count = await timers.count_persons_between(tx, now, until, TURNING, region=region)
        turns = [turn async for turn in _turns(tx, books, people, now, until, region)]
        ending = await timers.persons_between(
            tx, now, ends, (TimerKind.MEASURE_ENDS,), region=region, limit=limit
        )
        ending_count = await timers.count_persons_between(
            tx, now, ends, (TimerKind.MEASURE_ENDS,), region=region
        )
        silent = [m async for m in _unanswered(tx, books, ending, now, ends, region)]
    found, _ = await check(store, books, now)
    return WeekAhead(
        now,
        until,
        count,
        tuple(sorted(turns, key=lambda turn: (turn.at, turn.patient))),
        tuple(open_child for open_child in found if region in (None, open_child.region)),
        tuple(sorted(silent, key=lambda m: (m.ends_at, m.measure.measure_id))),
        ending_count,
    )


async def _turns(
    tx: Reading,
    books: Rulebooks,
    people: Sequence[PersonId],
    now: datetime,
    until: datetime,
    region: RegionCode | None,
) -> AsyncIterator[ComingTurn]:
    for first in range(0, len(people), BATCH):
        batch = people[first : first + BATCH]
        known = await stored.patient_facts(tx, batch)
        contexts = await stored.order_context(tx, batch, named=())
        set_of: dict[PersonId, list[SetTimer]] = {}
        for due in await timers.of_persons(tx, batch):
            timer = SetTimer(due.kind, due.due_at, due.patient, due.region, due.measure_id, due.order_id)
            set_of.setdefault(due.patient, []).append(timer)
        for person in batch:
            if person not in known:
                continue  # erased since
            _, requests = contexts[person]
            for turn in coming_turns(
                known[person], set_of.get(person, ()), requests, books, since=now, until=until, only=region
            ):
                yield turn


async def _unanswered(
    tx: Reading,
    books: Rulebooks,
    people: Sequence[PersonId],
    now: datetime,
    until: datetime,
    region: RegionCode | None,
) -> AsyncIterator[UnansweredMeasure]:
    for first in range(0, len(people), BATCH):
        batch = people[first : first + BATCH]
        known = await stored.patient_facts(tx, batch, units=())
        for person in batch:
            if person in known:
                for measure in unanswered(known[person], books, now=now, until=until, only=region):
                    yield measure
