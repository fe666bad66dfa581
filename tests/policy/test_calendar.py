"""Swedish dates: boundaries as tables."""

from datetime import UTC, date, datetime

import pytest

from sigill.policy.calendar import (
    BirthDate,
    age_begins,
    birthday,
    days_before,
    end_of,
    last_day_before,
    last_day_of_years,
    midnight,
    swedish_date,
)


def utc(text: str) -> datetime:
    """An instant written in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        ("2025-01-15", "2025-01-14T23:00"),  # winter
        ("2025-06-15", "2025-06-14T22:00"),  # summer
        (
            "2025-03-30",
            "2025-03-29T23:00",
        ),  # summer time begins at two that night: midnight is still winter's
        ("2025-03-31", "2025-03-30T22:00"),
        ("2025-10-26", "2025-10-25T22:00"),  # summer time ends at three: midnight is still summer's
        ("2025-10-27", "2025-10-26T23:00"),
    ],
)
def test_a_date_begins_at_midnight_in_sweden(day: str, begins: str) -> None:
    assert midnight(date.fromisoformat(day)) == utc(begins)


@pytest.mark.parametrize(
    ("last_day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-15", 24), ("2024-02-29", 24)]
)
def test_the_last_day_is_whole_also_when_the_clocks_change(last_day: str, hours: int) -> None:
    day = date.fromisoformat(last_day)
    assert (end_of(day) - midnight(day)).total_seconds() == hours * 3600
    assert last_day_before(end_of(day)) == day


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2025-10-26T00:30", "2025-10-26"),  # the first half past two
        ("2025-10-26T01:30", "2025-10-26"),  # the second
        ("2025-12-31T23:00", "2026-01-01"),
        ("2025-12-31T22:59", "2025-12-31"),
    ],
)
def test_an_instant_has_its_swedish_date(instant: str, day: str) -> None:
    assert swedish_date(utc(instant)) == date.fromisoformat(day)


def test_a_moment_without_its_zone_has_no_date() -> None:
    with pytest.raises(ValueError, match="zone"):
        swedish_date(datetime(2025, 1, 1))


@pytest.mark.parametrize(
    ("born", "age", "on_28th", "on_1st"),
    [
        ("2012-02-29", 13, "2025-02-28", "2025-03-01"),
        ("2012-02-29", 16, "2028-02-29", "2028-02-29"),  # a leap year again
        ("2016-02-29", 13, "2029-02-28", "2029-03-01"),
        ("2012-02-28", 13, "2025-02-28", "2025-02-28"),
        ("2012-03-01", 13, "2025-03-01", "2025-03-01"),
        ("2012-12-31", 18, "2030-12-31", "2030-12-31"),
    ],
)
def test_a_leap_day_child_has_a_birthday_each_year(born: str, age: int, on_28th: str, on_1st: str) -> None:
    day = date.fromisoformat(born)
    assert birthday(day, age) == date.fromisoformat(on_28th)
    assert birthday(day, age, leap_day_on_28th=False) == date.fromisoformat(on_1st)


@pytest.mark.parametrize(
    ("signed", "last_day"),
    [
        ("2025-03-10", "2026-03-09"),
        ("2028-02-29", "2029-02-28"),
        ("2027-02-28", "2028-02-27"),
        ("2027-03-01", "2028-02-29"),
        ("2025-01-01", "2025-12-31"),
        ("2027-12-31", "2028-12-30"),
    ],
)
def test_a_year_from_a_signature_counts_its_first_day(signed: str, last_day: str) -> None:
    assert last_day_of_years(date.fromisoformat(signed), 1) == date.fromisoformat(last_day)


@pytest.mark.parametrize(
    ("born", "earliest", "latest", "text"),
    [
        ("2012", "2012-01-01", "2012-12-31", "2012"),
        ("2012-02", "2012-02-01", "2012-02-29", "2012-02"),
        ("2012-06-15", "2012-06-15", "2012-06-15", "2012-06-15"),
    ],
)
def test_an_uncertain_birth_date_has_two_bounds(born: str, earliest: str, latest: str, text: str) -> None:
    birth = BirthDate.parse(born)
    assert (birth.earliest, birth.latest) == (date.fromisoformat(earliest), date.fromisoformat(latest))
    assert str(birth) == text
    assert birth.certain == (earliest == latest)
    assert age_begins(birth, 13) == midnight(birthday(birth.earliest, 13))
    assert age_begins(birth, 13, latest=True) == midnight(birthday(birth.latest, 13))


@pytest.mark.parametrize("text", ["", "2012-02-30", "2011-02-29", "2012-13", "12-06-15-1", "soon"])
def test_a_day_that_never_was_is_no_birth_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        BirthDate.parse(text)


@pytest.mark.parametrize(
    ("moment", "days", "found"),
    [
        ("2025-11-30T23:00", 60, "2025-10-01T22:00"),  # over the end of summer time: still a midnight
        ("2025-05-31T22:00", 90, "2025-03-02T23:00"),  # over its beginning
        ("2024-03-01T23:00", 1, "2024-02-29T23:00"),
    ],
)
def test_days_ahead_are_dates_not_hours(moment: str, days: int, found: str) -> None:
    assert days_before(utc(moment), days) == utc(found)
