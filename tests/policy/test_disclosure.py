"""No count below the threshold can be read, or computed from what is shown."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from sigill.policy.disclosure import CrossTable, ProtectedTable, protect

ROWS, COLUMNS = ("block", "seal"), ("bup", "medicin", "psykiatri")


def table(name: str, *rows: tuple[int, ...]) -> CrossTable:
    return CrossTable.of(
        name,
        [(ROWS[i], COLUMNS[j], count) for i, row in enumerate(rows) for j, count in enumerate(row)],
        COLUMNS,
    )


def shown(one: ProtectedTable) -> list[list[int | None]]:
    return [[one.shown(row, column) for column in (*one.table.columns, "")] for row in (*one.table.rows, "")]


def test_what_is_large_enough_is_shown_whole() -> None:
    [found] = protect([table("unit", (10, 20, 0), (7, 5, 9))], 5)
    assert shown(found) == [[10, 20, 0, 30], [7, 5, 9, 21], [17, 25, 9, 51]]


def test_a_small_count_takes_another_of_its_row_and_of_its_columns_with_it() -> None:
    [found] = protect([table("unit", (2, 20, 30), (40, 50, 60))], 5)
    assert shown(found) == [[None, None, 30, 52], [None, None, 60, 150], [42, 70, 90, 202]]


def test_two_small_ones_whose_sum_is_small_take_a_third() -> None:
    """1 + 1 = 2 would say that each is exactly one person."""
    [found] = protect([table("unit", (1, 1, 30), (40, 50, 60))], 5)
    assert shown(found)[0] == [None, None, None, 32]


def test_a_total_hidden_in_one_table_is_shown_by_no_other() -> None:
    first = CrossTable.of("unit", [("seal", "bup", 3)])
    second = CrossTable.of("age", [("seal", "0–12", 1), ("seal", "13–15", 2)])
    found = protect([first, second], 5)
    assert [one.shown("seal", "") for one in found] == [None, None]
    assert [one.shown("", "") for one in found] == [None, None]


def test_a_threshold_of_one_hides_nothing() -> None:
    [found] = protect([table("unit", (1, 0, 3), (2, 1, 1))], 1)
    assert found.hidden == frozenset()


_COUNTS = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=2, max_size=2)


@settings(max_examples=150, deadline=None)
@given(_COUNTS, st.sampled_from([2, 3, 5]))
def test_no_line_gives_a_hidden_count_away(counts: list[list[int]], threshold: int) -> None:
    """For each line with its total: one hidden entry alone could be computed from the others."""
    [found] = protect([table("unit", *map(tuple, counts))], threshold)
    rows, columns = (*ROWS, ""), (*COLUMNS, "")
    for cell in product(found.table.rows, found.table.columns):
        if 0 < found.table.value(*cell) < threshold:
            assert found.shown(*cell) is None
    lines = [[(r, c) for c in columns] for r in rows] + [[(r, c) for r in rows] for c in columns]
    for line in lines:
        hidden = [cell for cell in line if found.shown(*cell) is None]
        others = [cell for cell in line if cell not in hidden and found.table.value(*cell)]
        assert len(hidden) != 1 or not others, line
