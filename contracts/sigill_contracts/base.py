"""What every message has in common: frozen, strict, and no field that we do not know."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

MAX_TEXT = 4000
"""Longest text in a message, in characters."""
MAX_MESSAGE_BYTES = 256 * 1024
"""Largest message, in bytes."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
ShortText = Annotated[str, Field(min_length=1, max_length=200)]


def _written_out(value: object) -> object:
    """Refuse digits alone: `20250310` would be read as seconds since 1970, and so as a day of that year."""
    if isinstance(value, datetime) or (isinstance(value, str) and not _DIGITS.fullmatch(value)):
        return value
    raise ValueError("a moment is written with date, time and zone")


_DIGITS = re.compile(r"\s*[+-]?[0-9_.]*\s*")
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def _whole_to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # an offset at either end of time leads past it
        return _FIRST if moment.year == date.min.year else _LAST


def open_ended(day: date | None) -> date | None:
    """
    None for the ends of time: other systems write 0001-01-01 for "always", 9999-12-31 for "until further notice".

    Any day of the years 1 and 9999 is read so.
    """
    return None if day is None or day.year in (date.min.year, date.max.year) else day


Instant = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_whole_to_utc)
]
"""A moment with its zone; kept in UTC. One past either end of time is that end."""
OpenDate = Annotated[date | None, AfterValidator(open_ended)]
"""A Swedish date, or null: no bound. The ends of time (years 1 and 9999) are read as null."""


class Message(BaseModel):
    """Base of every message and part of one."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )
