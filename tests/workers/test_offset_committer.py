"""The broker is told behind the batches: the newest offsets, one call at a time, and nothing is waited for for ever."""

import asyncio
from collections.abc import Mapping

import pytest

from sigill.consumer import offset_committer
from sigill.consumer.offset_committer import OffsetCommitter
from sigill.stream.records import Partition

A, B = Partition("t", 0), Partition("t", 1)


class Broker:
    """Takes its time until `there` is set."""

    def __init__(self) -> None:
        self.told: list[dict[Partition, int]] = []
        self.there = asyncio.Event()

    async def tell(self, offsets: Mapping[Partition, int]) -> None:
        self.told.append(dict(offsets))
        await self.there.wait()


async def test_what_comes_while_the_broker_is_told_is_told_together_afterwards() -> None:
    broker = Broker()
    async with OffsetCommitter(broker.tell) as told:
        await told.note({A: 1})
        await asyncio.sleep(0)
        for offset in (2, 3):
            await told.note({A: offset})
        await told.note({B: 9})
        assert broker.told == [{A: 1}]
        broker.there.set()
    assert broker.told == [{A: 1}, {A: 3, B: 9}]


async def test_what_went_wrong_is_heard_with_the_next_batch() -> None:
    async def refuse(_: Mapping[Partition, int]) -> None:
        raise PermissionError

    async with OffsetCommitter(refuse) as told:
        await told.note({A: 1})
        await asyncio.sleep(0)
        with pytest.raises(PermissionError):
            await told.note({A: 2})


async def test_an_end_waits_for_no_broker_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offset_committer, "LAST_SECONDS", 0.01)
    broker = Broker()
    async with OffsetCommitter(broker.tell) as told:
        await told.note({A: 1})
    assert broker.told == [{A: 1}]


async def test_a_batch_that_failed_leaves_nothing_running() -> None:
    broker, before = Broker(), asyncio.all_tasks()

    async def work() -> None:
        async with OffsetCommitter(broker.tell) as told:
            await told.note({A: 1})
            await asyncio.sleep(0)
            raise ValueError("batch")

    with pytest.raises(ValueError, match="batch"):
        await work()
    assert asyncio.all_tasks() == before
