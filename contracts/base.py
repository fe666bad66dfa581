"""What every message has in common: frozen, strict, and no field that we do not know."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

MAX_TEXT = 4000
"""Longest text in a message, in characters."""
MAX_MESSAGE_BYTES = 256 * 1024
"""Largest message, in bytes."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
ShortText = Annotated[str, Field(min_length=1, max_length=200)]


def _whole_to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_whole_to_utc)]
"""A moment with its zone; kept in UTC."""


class Message(BaseModel):
    """Base of every message and part of one."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )
