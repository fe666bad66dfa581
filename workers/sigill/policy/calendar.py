"""Swedish dates: ages, annual ends and midnights.

Instants are UTC. A date begins at 00:00 Europe/Stockholm, also in the two nights a year when the clocks change.
"""

import calendar as _days
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")
CUSTODY_ENDS_AT = 18
"""The age at which custody ends by law (Föräldrabalken 9 kap. 1 §). No region's rulebook can say otherwise."""


@lru_cache(maxsize=8192)
def midnight(day: date) -> datetime:
    """The instant (UTC) at which a Swedish date begins; for the first date of all, the first instant."""
    if day == date.min:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.combine(day, time.min, STOCKHOLM).astimezone(UTC)


@lru_cache(maxsize=64)
def easter(year: int) -> date:
    """Easter Sunday (påskdagen) of a Gregorian year, by the Meeus–Jones–Butcher algorithm."""
    a, (b, c) = year % 19, divmod(year, 100)
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * (b % 4) + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=8192)
def swedish_date(moment: datetime) -> date:
    """The Swedish date of an instant. Raises ValueError for a moment without zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    try:
        return moment.astimezone(STOCKHOLM).date()
    except OverflowError:  # the last hours of 9999, east of Greenwich
        return date.max


def end_of(last_day: date) -> datetime:
    """
    The instant (UTC, exclusive) at which something ends whose last day in force is `last_day`.

    After the last date of all comes no midnight: the last instant then.
    """
    if last_day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return midnight(last_day + timedelta(days=1))


def last_day_before(end: datetime) -> date:
    """The last day in force of something that ends, exclusive, at `end`."""
    return swedish_date(end - timedelta(microseconds=1))


def days_before(moment: datetime, days: int) -> datetime:
    """The Swedish midnight (UTC) that lies so many dates before an instant's date, whatever the clocks do between."""
    return midnight(swedish_date(moment) - timedelta(days=days))


def birthday(born: date, age: int, *, leap_day_on_28th: bool = True) -> date:
    """
    The date on which somebody born on `born` reaches `age`.

    Born on 29 February: 28 February in a common year, by analogy with the Act (1930:173) on computing statutory
    time, 1 §; with `leap_day_on_28th` false, 1 March.
    """
    year = born.year + age
    if born.month == 2 and born.day == 29 and not _days.isleap(year):
        return date(year, 2, 28) if leap_day_on_28th else date(year, 3, 1)
    return born.replace(year=year)


def last_day_of_years(signed_on: date, years: int) -> date:
    """
    The last day of a period of whole years from and including the day of signature (JH-26, JH-30).

    Signed 10 March: through 9 March. Signed 29 February: through 28 February.
    """
    year = signed_on.year + years
    if signed_on.month == 2 and signed_on.day == 29 and not _days.isleap(year):
        return date(year, 2, 28)
    return signed_on.replace(year=year) - timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class BirthDate:
    """
    A birth date that may be only a year, or a year and a month. `earliest` and `latest` bound it, both inclusive.

    Each effect takes the bound that shows less: a child loses a guardian at the earliest possible birthday,
    and gains its own access at the latest one.
    """

    earliest: date
    latest: date

    @classmethod
    def parse(cls, text: str) -> "BirthDate":
        """Read `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. Raises ValueError for anything else, or a day that never was."""
        parts = [int(part) for part in text.split("-")]
        match parts:
            case [year]:
                return cls(date(year, 1, 1), date(year, 12, 31))
            case [year, month]:
                return cls(date(year, month, 1), date(year, month, _days.monthrange(year, month)[1]))
            case [year, month, day]:
                return cls(date(year, month, day), date(year, month, day))
        raise ValueError("a birth date is YYYY, YYYY-MM or YYYY-MM-DD")

    @property
    def certain(self) -> bool:
        """Whether the day is known."""
        return self.earliest == self.latest

    def __str__(self) -> str:
        """As the register writes it."""
        if self.certain:
            return self.earliest.isoformat()
        if (self.earliest.year, self.earliest.month) == (self.latest.year, self.latest.month):
            return f"{self.earliest:%Y-%m}"
        return f"{self.earliest:%Y}"


@lru_cache(maxsize=65536)
def age_begins(born: BirthDate, age: int, *, latest: bool = False, leap_day_on_28th: bool = True) -> datetime:
    """
    The instant (UTC) from which somebody has reached `age`.

    With an uncertain birth date the earliest possible one, or the latest with `latest`.
    """
    day = born.latest if latest else born.earliest
    return midnight(birthday(day, age, leap_day_on_28th=leap_day_on_28th))
