"""Past the limit a source is held; where it is we who fail, nothing more is taken. Neither concerns anybody else."""

import pytest

from sigill.consumer.dead_letter_limit import (
    NOBODY,
    SOURCES,
    DeadLetterLimit,
    DeadLetterLimitReached,
    RecordFate,
)

BAD, GOOD = RecordFate("ehr", unreadable=True), RecordFate("ehr")
FAILED = RecordFate("ehr", failed=True)


def test_a_run_of_unreadable_messages_holds_their_source_and_no_other() -> None:
    limit = DeadLetterLimit(max_ratio=1.0, max_run=5)
    limit.keep("t", 0, limit.check("t", 0, [BAD] * 4))
    other = RecordFate("other", unreadable=True)
    assert limit.check("t", 0, [other] * 4).over == {}
    counted = limit.check("t", 0, [other, BAD])
    assert counted.over == {"ehr": 5}
    # not kept: the same again says the same
    assert limit.check("t", 0, [BAD]).over == {"ehr": 5}
    limit.keep("t", 0, limit.check("t", 0, [GOOD]))
    assert limit.check("t", 0, [BAD] * 4).over == {}


def test_after_it_was_held_a_source_is_counted_anew() -> None:
    limit = DeadLetterLimit(max_ratio=1.0, max_run=3)
    limit.keep("t", 0, limit.check("t", 0, [BAD] * 3))
    assert limit.check("t", 0, [BAD] * 2).over == {}
    assert limit.check("t", 0, [BAD] * 3).over == {"ehr": 3}


def test_the_share_of_the_last_hundred_counts_also_when_some_are_readable() -> None:
    limit = DeadLetterLimit(max_ratio=0.3, max_run=1000)
    limit.keep("t", 0, limit.check("t", 0, [BAD, GOOD, GOOD, GOOD] * 25))
    assert limit.check("t", 0, [BAD, GOOD] * 20).over == {"ehr": 30}


def test_partitions_are_counted_apart_and_forgotten_when_taken_away() -> None:
    limit = DeadLetterLimit(max_ratio=1.0, max_run=3)
    limit.keep("t", 0, limit.check("t", 0, [BAD, BAD]))
    limit.keep("t", 1, limit.check("t", 1, [BAD, BAD]))
    limit.forget("t", 0)
    assert limit.check("t", 0, [BAD, BAD]).over == {}
    assert limit.check("t", 1, [BAD]).over == {"ehr": 3}


def test_invented_sources_without_end_are_counted_together() -> None:
    limit = DeadLetterLimit(max_ratio=1.0, max_run=3)
    limit.keep("t", 0, limit.check("t", 0, [RecordFate(f"s{n}", unreadable=True) for n in range(SOURCES)]))
    counted = limit.check("t", 0, [RecordFate(f"more{n}", unreadable=True) for n in range(3)])
    assert counted.over == {NOBODY: 3}


def test_what_we_fail_on_one_after_the_other_is_not_taken_whoever_had_the_partition() -> None:
    limit = DeadLetterLimit(max_ratio=1.0, max_run=3)
    limit.keep("t", 0, limit.check("t", 0, [FAILED] * 2))
    limit.forget("t", 0)  # joined again
    for _ in range(2):
        with pytest.raises(DeadLetterLimitReached):
            limit.check("t", 0, [FAILED])
    limit.keep("t", 0, limit.check("t", 0, [GOOD]))
    limit.check("t", 0, [FAILED])
