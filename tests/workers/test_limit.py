"""When suddenly everything is unreadable, the worker stops before it has emptied the topic."""

import pytest

from workers.enact.limit import DeadLetterLimit, DeadLetterLimitReached


def test_a_run_of_unreadable_messages_stops_before_the_batch_is_kept() -> None:
    limit = DeadLetterLimit(max_ratio=1.0, max_run=5)
    limit.keep("t", 0, limit.check("t", 0, [True] * 4))
    with pytest.raises(DeadLetterLimitReached) as reached:
        limit.check("t", 0, [True])
    assert reached.value.run == 5
    # not kept: the same again says the same
    with pytest.raises(DeadLetterLimitReached):
        limit.check("t", 0, [True])
    limit.keep("t", 0, limit.check("t", 0, [False]))
    limit.keep("t", 0, limit.check("t", 0, [True] * 4))


def test_the_share_of_the_last_hundred_counts_also_when_some_are_readable() -> None:
    limit = DeadLetterLimit(max_ratio=0.3, max_run=1000)
    pattern = [True, False, False, False] * 25
    limit.keep("t", 0, limit.check("t", 0, pattern))
    with pytest.raises(DeadLetterLimitReached) as reached:
        limit.check("t", 0, [True, False] * 20)
    assert reached.value.unreadable == 30


def test_partitions_are_counted_apart_and_forgotten_when_taken_away() -> None:
    limit = DeadLetterLimit(max_ratio=1.0, max_run=3)
    limit.keep("t", 0, limit.check("t", 0, [True, True]))
    limit.keep("t", 1, limit.check("t", 1, [True, True]))
    limit.forget("t", 0)
    limit.keep("t", 0, limit.check("t", 0, [True, True]))
    with pytest.raises(DeadLetterLimitReached):
        limit.check("t", 1, [True])
