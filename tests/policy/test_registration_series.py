"""A region's own series of registration numbers: what a rulebook may say, and what stays as it was."""

from datetime import UTC, date, datetime

import pytest

from sigill.policy.rulebook import RulebookError, parse
from sigill.processing.receipts import registration_number
from sigill.rulebook_docs.pages import html
from tests.kit.solbygden import SOLBYGDEN

SERIES = """series:
  - {since: 2027-01-01, pattern: "SOL {year}/{number}"}
  - {since: 2029-01-01, pattern: "SBR-{number}.{year}-{day}"}
"""
MESSAGE = ("urn:ehr", "0192f0c1-0000-7000-8000-000000000001", bytes(32))


def with_series(text: str) -> str:
    return SOLBYGDEN.replace("documents:\n", f"{text}documents:\n", 1)


def numbered(received_at: datetime) -> str:
    return registration_number(*MESSAGE, received_at, parse(with_series(SERIES)))


def test_an_order_is_numbered_in_the_series_of_the_swedish_day_on_which_it_came() -> None:
    before = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    own = registration_number(*MESSAGE, before)
    letters = own.removeprefix("SIGILL-20261231-")
    assert len(letters) == 10
    assert numbered(before) == own, "what came before the series keeps its number"
    assert numbered(datetime(2026, 12, 31, 23, tzinfo=UTC)) == f"SOL 2027/{letters}"
    assert numbered(datetime(2028, 12, 31, 22, 59, tzinfo=UTC)) == f"SOL 2028/{letters}", "anew each year"
    assert numbered(datetime(2029, 7, 5, 12, tzinfo=UTC)) == f"SBR-{letters}.2029-0705"


def test_a_number_follows_from_the_order_and_no_two_orders_of_a_year_have_one() -> None:
    at, region = datetime(2027, 3, 10, 9, tzinfo=UTC), parse(with_series(SERIES))

    def all_of(count: int) -> list[str]:
        return [registration_number("urn:ehr", f"event-{n}", bytes(32), at, region) for n in range(count)]

    assert all_of(20_000) == all_of(20_000)
    assert len(set(all_of(20_000))) == 20_000


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("RS {number}", "has {year} and {number} once each"),
        ("RS {year}", "has {year} and {number} once each"),
        ("RS {year}-{number}{number}", "has {year} and {number} once each"),
        ("RS {year}-{number:>12}", "pattern"),
        ("RS {year}-{number:12}", "has {year} and {number} once each"),
        ("RS {year}-{number}-{unit}", "has {year} and {number} once each"),
        ("RS {year-{number}", "has {year} and {number} once each"),
        ("Rs {year}-{number}", "is written in capitals"),
        ("SIGILL-{year}-{number}", "begin with SIGILL"),
        ("RS\\\\{year}-{number}", "pattern"),
    ],
)
def test_a_series_that_could_not_number_is_told_when_the_rulebook_is_loaded(pattern: str, what: str) -> None:
    with pytest.raises(RulebookError) as wrong:
        parse(with_series(f'series:\n  - {{since: 2027-01-01, pattern: "{pattern}"}}\n'))
    assert what in str(wrong.value)


def test_two_series_that_begin_on_one_day_are_told() -> None:
    with pytest.raises(RulebookError, match="two begin on one day"):
        parse(with_series(SERIES.replace("2029-01-01", "2027-01-01")))


def test_the_page_of_the_rulebook_says_how_orders_are_numbered() -> None:
    region = parse(with_series(SERIES))
    (version, *_) = region.versions
    day = date(2027, 5, 5)
    assert "De diarieförs som SOL 2027/…" in html(region, version, day, {})
    assert "De diarieförs som" not in html(region, version, date(2026, 5, 5), {})
