"""Timers: each fires once, a person's in order, with several workers."""

import asyncio
import random
from datetime import timedelta

import asyncpg

from sigill.policy.effects import SetTimer, TimerKind
from sigill.policy.facts import Identity
from sigill.store import persons, timers
from sigill.store.session import Store
from sigill_contracts.vocabulary import IdType, MeasureId, PersonId, RegionCode
from tests.kit.rows import CHILD, DAY, HOUR, MOTHER, T0, ids, someone, uuids


def timer(patient: PersonId, due_at=T0, kind=TimerKind.MEASURE_ENDS, measure_id=None) -> SetTimer:
    return SetTimer(kind, due_at, patient, RegionCode("kronoberg"), measure_id)


async def test_the_same_timer_twice_is_one_and_fires_once(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await timers.set(tx, [timer(child), timer(child), timer(child, T0 + HOUR)])
        await timers.set(tx, [timer(child)])
    async with store.transaction(T0) as tx:
        (due,) = await timers.due(tx, T0, 10)
        assert (due.kind, due.due_at, due.patient) == (TimerKind.MEASURE_ENDS, T0, child)
        assert await timers.done(tx, [due.timer_id]) == 1
        assert await timers.done(tx, [due.timer_id]) == 0
    async with store.transaction(T0) as tx:
        await timers.set(tx, [timer(child)])  # it has fired: asking again is no second event
        assert await timers.due(tx, T0, 10) == []
        assert await timers.stats(tx, T0) == timers.TimerStats(0, None, T0 + HOUR)
        assert [one.due_at for one in await timers.of_persons(tx, [child])] == [T0 + HOUR]


async def test_two_claimers_never_share_and_leave_nothing(store: Store) -> None:
    people = [Identity(IdType.RESERVNUMMER, f"TEST{number:08}") for number in range(60)]
    async with store.transaction(T0) as tx:
        found = await ids(tx, *people)
        await timers.set(tx, [timer(one, T0 - n * HOUR) for one in found for n in range(5)])

    fired: list[tuple[int, str]] = []

    async def left() -> int:
        async with store.looking() as tx:
            return int(await tx.value("SELECT count(*) FROM timer WHERE state = 'set'"))

    async def worker() -> None:
        # two that hold a part of each other's persons both get nothing: only an empty table says that it is over
        while await left():
            async with store.transaction(T0) as tx:
                due = await timers.due(tx, T0, 7)
                await asyncio.sleep(0.002)
                assert await timers.done(tx, [one.timer_id for one in due]) == len(due)
            # in the order of commits
            fired.extend((one.timer_id, one.patient) for one in due)
            if not due:
                await asyncio.sleep(0.01 * random.random())

    async with asyncio.timeout(30):
        await asyncio.gather(worker(), worker(), worker())
    assert len(fired) == len(set(fired)) == 300
    async with store.reading() as tx:
        rows = await tx.fetch("SELECT timer_id, due_at FROM timer")
    true_time = {row["timer_id"]: row["due_at"] for row in rows}
    for person in found:
        times = [true_time[timer_id] for timer_id, patient in fired if patient == person]
        assert times == sorted(times)


async def test_a_claimer_skips_whom_another_worker_writes_about(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child, mother = await ids(tx, CHILD, MOTHER)
        await timers.set(tx, [timer(child), timer(mother, T0 - HOUR)])
    async with store.transaction(T0) as tx, store.transaction(T0) as other:
        await persons.lock(tx, [mother])
        due = await timers.due(other, T0, 10)
        assert [one.patient for one in due] == [child]
        assert set(other.held) == {child}


async def test_an_earlier_timer_in_other_hands_holds_its_person_back(
    store: Store, admin: asyncpg.Connection
) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await timers.set(tx, [timer(child, T0 - HOUR), timer(child, T0)])
    async with admin.transaction():
        await admin.execute("SELECT FROM timer ORDER BY due_at LIMIT 1 FOR UPDATE")
        async with store.transaction(T0) as tx:
            assert await timers.due(tx, T0, 10) == []
    async with store.transaction(T0) as tx:
        assert [one.due_at for one in await timers.due(tx, T0, 10)] == [T0 - HOUR, T0]


async def test_a_person_comes_whole_even_beyond_the_limit(store: Store) -> None:
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await timers.set(tx, [timer(child, T0 - n * HOUR) for n in range(9)])
        due = await timers.due(tx, T0, 2)
    assert [one.due_at for one in due] == [T0 - n * HOUR for n in range(8, -1, -1)]


async def test_what_is_cancelled_wakes_nobody_and_may_be_set_again(store: Store) -> None:
    measure_id = MeasureId(str(next(iter(uuids(1)))))
    async with store.transaction(T0) as tx:
        child, mother = await ids(tx, CHILD, MOTHER)
        await timers.set(
            tx,
            [
                timer(child, measure_id=measure_id),
                timer(child, kind=TimerKind.AGE_13),
                timer(child, kind=TimerKind.AGE_16),
                timer(mother),
            ],
        )
        assert await timers.cancel(tx, measures=[measure_id]) == 1
        assert await timers.cancel(tx, persons=[child], kinds=[TimerKind.AGE_13]) == 1
        assert await timers.cancel(tx) == 0
        assert {(one.patient, one.kind) for one in await timers.due(tx, T0, 10)} == {
            (child, TimerKind.AGE_16),
            (mother, TimerKind.MEASURE_ENDS),
        }
        await timers.set(tx, [timer(child, measure_id=measure_id)])
        assert len(await timers.due(tx, T0, 10)) == 3


async def test_coming_days_are_swedish_days(store: Store) -> None:
    late = T0.replace(hour=23, minute=30)  # 00:30 the next day in Stockholm
    async with store.transaction(T0) as tx:
        child = await someone(tx)
        await timers.set(tx, [timer(child, late), timer(child, late, TimerKind.AGE_13), timer(child, T0)])
        coming = await timers.between(tx, T0, T0 + DAY)
    assert [(one.day, str(one.kind), one.timers) for one in coming] == [
        (T0.date(), "measure_ends", 1),
        (T0.date() + timedelta(days=1), "age_13", 1),
        (T0.date() + timedelta(days=1), "measure_ends", 1),
    ]
