"""What came before, and whose partition it is."""

import asyncio
from uuid import uuid4

import pytest

from sigill.store import inbox, measures, orders
from sigill.store.inbox import Fenced, Fresh, Repeated, ReusedId
from sigill.store.session import Store, Tx
from sigill_contracts.vocabulary import Outcome
from tests.kit.rows import HOUR, T0, answered, arrival, seal, signed, someone


async def _take(tx: Tx, *arrivals: inbox.Arrival) -> list[inbox.Claimed]:
    """Claim, and answer what is fresh or changed, as the intake does."""
    claimed = await inbox.claim(tx, arrivals)
    new = [(one, its) for one, its in zip(claimed, arrivals, strict=True) if not isinstance(one, Repeated)]
    await orders.record(
        tx,
        [
            signed(
                one.registration,
                its.order_id,
                None,
                proven=isinstance(one, Fresh) and its.order_id is not None,
            )
            for one, its in new
        ],
    )
    outcome = {Fresh: Outcome.EXECUTED, ReusedId: Outcome.REFUSED}
    await orders.answer(tx, [answered(one.registration, outcome[type(one)]) for one, _ in new])
    return claimed


def _same(first: inbox.Claimed, *, outcome: Outcome = Outcome.EXECUTED) -> Repeated:
    return Repeated(first.registration, outcome, f'{{"n": {first.registration}}}')


async def test_the_same_bytes_get_the_first_answer_again(store: Store) -> None:
    order = str(uuid4())
    async with store.transaction(T0) as tx:
        (first,) = await _take(tx, arrival("e1", order))
    assert isinstance(first, Fresh)
    async with store.transaction(T0 + HOUR) as tx:
        again = await _take(
            tx,
            arrival("e1", order),  # delivered again
            arrival("e2", order),  # sent again under another event id
            arrival("e1", order, source="ehr2"),  # and by another sender
        )
    assert again == [_same(first)] * 3
    async with store.transaction(T0 + HOUR) as tx:
        assert await _take(tx, arrival("e2", order)) == [_same(first)]


async def test_other_bytes_under_a_used_id_are_told_apart_and_are_their_own_repetition(store: Store) -> None:
    order, other = str(uuid4()), str(uuid4())
    async with store.transaction(T0) as tx:
        (first,) = await _take(tx, arrival("e1", order))
    async with store.transaction(T0) as tx:
        changed = await _take(
            tx,
            arrival("e1", other, b"other bytes"),  # the event id is used
            arrival("e2", order, b"other bytes still"),  # the order id is used
        )
    assert [type(one) for one in changed] == [ReusedId, ReusedId]
    assert len({first.registration, *(one.registration for one in changed)}) == 3
    async with store.transaction(T0) as tx:
        again = await _take(
            tx, arrival("e1", other, b"other bytes"), arrival("e2", order, b"other bytes still")
        )
    assert again == [_same(one, outcome=Outcome.REFUSED) for one in changed]

    # the refused message has not used up the order id that it named
    async with store.transaction(T0) as tx:
        (late,) = await _take(tx, arrival("e3", other, b"other bytes"))
    assert isinstance(late, Fresh)


async def test_within_one_batch_the_first_counts(store: Store) -> None:
    order = str(uuid4())
    async with store.transaction(T0) as tx:
        first, again, renamed, changed = await inbox.claim(
            tx, [arrival("e1", order), arrival("e1", order), arrival("e2", order), arrival("e1", order, b"!")]
        )
    assert isinstance(first, Fresh)
    assert again == renamed == Repeated(first.registration, None, None, of=0)
    assert isinstance(changed, ReusedId)


async def test_a_forgery_uses_up_no_order_id(store: Store) -> None:
    order = str(uuid4())
    async with store.transaction(T0) as tx:
        await _take(tx, arrival("forged", None, b"forged"))
        (real,) = await _take(tx, arrival("real", order))
    assert isinstance(real, Fresh)


async def test_of_many_at_once_one_is_fresh(store: Store) -> None:
    """Workers meet the same orders in different batches and order; each order is fresh exactly once."""
    ids = [str(uuid4()) for _ in range(20)]

    async def worker(number: int) -> list[inbox.Claimed]:
        mine = ids if number % 2 else ids[::-1]
        async with store.transaction(T0) as tx:
            claimed = await _take(tx, *(arrival(f"w{number}-{one}", one) for one in mine))
            await asyncio.sleep(0.01)
        return claimed

    taken = await asyncio.gather(*(worker(number) for number in range(8)))
    fresh = [one for claimed in taken for one in claimed if isinstance(one, Fresh)]
    repeated = [one for claimed in taken for one in claimed if isinstance(one, Repeated)]
    assert len(fresh) == 20
    assert len(repeated) == 140
    assert all(one.receipt == f'{{"n": {one.registration}}}' for one in repeated)


async def test_a_rolled_back_batch_has_claimed_nothing(store: Store) -> None:
    order = str(uuid4())
    with pytest.raises(RuntimeError):  # noqa: PT012
        async with store.transaction(T0) as tx:
            await _take(tx, arrival("e1", order))
            raise RuntimeError
    async with store.transaction(T0) as tx:
        (first,) = await _take(tx, arrival("e1", order))
    assert isinstance(first, Fresh)


async def test_a_zombie_writes_no_row(store: Store) -> None:
    """A worker that wakes after its partition was taken is stopped by the generation, and all it wrote with it."""
    async with store.transaction(T0) as tx:
        zombie = await inbox.assign(tx, "g", "t", [0, 1])
    assert zombie == {0: (1, None), 1: (1, None)}
    async with store.transaction(T0) as tx:
        await inbox.advance(tx, "g", "t", {0: (1, 10), 1: (1, 5)})
    async with store.transaction(T0 + HOUR) as tx:
        assert await inbox.assign(tx, "g", "t", [1]) == {1: (2, 5)}

    with pytest.raises(Fenced) as fenced:  # noqa: PT012
        async with store.transaction(T0 + HOUR) as tx:
            child = await someone(tx)
            await measures.append(tx, [seal(child)])
            await inbox.claim(tx, [arrival("late", str(uuid4()))])
            await inbox.advance(tx, "g", "t", {0: (1, 20), 1: (1, 9)})
    assert fenced.value.partitions == (1,)
    async with store.reading() as tx:
        for table in ("measure", "measure_version", "inbox", "person", "person_identity", "person_version"):
            assert await tx.value(f"SELECT count(*) FROM {table}") == 0
        assert await inbox.stored(tx, "g") == {("t", 0): (1, 10), ("t", 1): (2, 5)}


async def test_who_takes_a_partition_waits_for_a_commit_under_way(store: Store) -> None:
    """Else the new worker would read again what the old one is about to have done."""
    async with store.transaction(T0) as tx:
        await inbox.assign(tx, "g", "t", [0])

    async def successor() -> dict[int, tuple[int, int | None]]:
        async with store.transaction(T0) as tx:
            return await inbox.assign(tx, "g", "t", [0])

    async with store.transaction(T0) as tx:
        await inbox.advance(tx, "g", "t", {0: (1, 42)})
        waiting = asyncio.create_task(successor())
        await asyncio.sleep(0.1)
        assert not waiting.done()
    assert await waiting == {0: (2, 42)}


async def test_offsets_never_go_backwards(store: Store) -> None:
    async with store.transaction(T0) as tx:
        await inbox.assign(tx, "g", "t", [0])
        await inbox.advance(tx, "g", "t", {0: (1, 42)})
        await inbox.advance(tx, "g", "t", {0: (1, 7)})
        assert (await inbox.stored(tx, "g"))["t", 0] == (1, 42)


async def test_registrations_of_a_batch_follow_its_arrival(store: Store) -> None:
    """The number is the order of arrival: whoever waits is judged anew in it, and people read it so."""
    async with store.transaction(T0) as tx:
        claimed = await inbox.claim(tx, [arrival(f"e{n}", None) for n in range(50)])
    numbers = [one.registration for one in claimed if isinstance(one, inbox.Fresh)]
    assert len(numbers) == 50
    assert numbers == sorted(numbers)
