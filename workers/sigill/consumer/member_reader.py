"""
The members of a JSON message of the register or the directory, one by one: what can be read counts, the rest is set aside.

What a value means when it cannot be read is the caller's to decide: one that protects counts as set, one that opens as
missing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from sigill.policy.calendar import swedish_date
from sigill_contracts.base import Instant, open_ended
from sigill_contracts.dead_letter import DeadLetterReason

T = TypeVar("T")
TAKEN_ALL_THE_SAME = frozenset({DeadLetterReason.PARTLY_READ, DeadLetterReason.CONTRADICTS_ITSELF})
"""Reasons under which a message is kept among the dead letters whose readable part counts."""
LARGEST_SEQUENCE = 2**63 - 1
"""The largest that the store keeps."""
_AHEAD = timedelta(minutes=5)
"""How far a sender's clock may be ahead of the broker's without a word."""
_INSTANT = TypeAdapter[datetime](Instant)
_UNREADABLE = (ValueError, TypeError, OverflowError, KeyError, AttributeError)


@dataclass(slots=True)
class MemberReader:
    """
    Reads one message, `arrived_at` being the broker's time (UTC): no change is later than its message.

    `set_aside` names the fields that could not be read, dotted: names of ours only, never a value.
    `contradicts_itself` says whether one was set aside because the rest of the message speaks against it.
    """

    members: Mapping[str, Any]
    arrived_at: datetime
    set_aside: list[str] = field(default_factory=list)
    contradicts_itself: bool = False

    @property
    def kept_as(self) -> DeadLetterReason:
        """Under which reason the message is kept where something was set aside."""
        return (
            DeadLetterReason.CONTRADICTS_ITSELF if self.contradicts_itself else DeadLetterReason.PARTLY_READ
        )

    def aside(self, name: str) -> None:
        """Set a field aside."""
        self.set_aside.append(name)

    def contradiction(self, name: str) -> None:
        """Set a field aside that cannot be true beside the others."""
        self.set_aside.append(name)
        self.contradicts_itself = True

    def unknown(self, model: type[BaseModel]) -> None:
        """Set aside members that the contract does not have."""
        if self.members.keys() - model.model_fields.keys():
            self.aside("?")

    def taken(self, name: str, how: Callable[[Any], T], instead: T, *, unreadable: T | None = None) -> T:
        """
        Read a member by a function that raises for what it cannot read.

        `instead` stands for a member that is missing, and for one that cannot be read unless `unreadable` is given.
        """
        value = self.members.get(name)
        if value is None:
            return instead
        try:
            return how(value)
        except _UNREADABLE:
            self.aside(name)
            return instead if unreadable is None else unreadable

    def sequence(self) -> int | None:
        """The message's place in the history of whom it is about; None where it cannot be read."""
        value = self.members.get("sequence")
        if isinstance(value, float) and value.is_integer():
            value = f"{value:.0f}"
        if isinstance(value, str) and value.isascii() and value.strip().isdecimal():
            self.aside("sequence")
            value = int(value) if len(value) < 20 else -1
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_SEQUENCE:
            return None
        return value

    def changed_at(self) -> datetime:
        """When the change was made (UTC): at the latest when the message arrived, but for a clock's usual skew."""
        changed = self.taken(
            "changed_at", lambda text: _INSTANT.validate_python(text, strict=False), self.arrived_at
        )
        if changed > self.arrived_at + _AHEAD:
            self.aside("changed_at")
            return self.arrived_at
        return changed

    def word(self, name: str, kind: Callable[[str], T], unreadable: T | None) -> T | None:
        """Read a word of a closed list; None where it is missing."""
        value = self.members.get(name)
        if value is None:
            return None
        try:
            return kind(value)
        except ValueError:
            self.aside(name)
            return unreadable

    def items(self, name: str, most: int, *, or_one: bool = False) -> list[Any]:
        """Read a list, or with `or_one` an entry that stands there alone; what is beyond `most` entries is set aside."""
        value = self.members.get(name)
        if value is None:
            return []
        if or_one and isinstance(value, (str, Mapping)):
            value = [value]
        if not isinstance(value, list):
            self.aside(name)
            return []
        if len(value) > most:
            self.aside(name)
        return value[:most]


_DAY = re.compile(
    r"(?P<day>\d{4}-?\d\d-?\d\d)([T ]\d\d:?\d\d(:?\d\d([.,]\d+)?)?(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def day_of(text: str | None) -> date | None:
    """
    A day, or None for none and for the ends of time. Raises ValueError or TypeError.

    Systems without a type for days write a moment: its day is meant, the Swedish one where it has a zone. An empty text
    is none.
    """
    if text is None or not text.strip():
        return None
    found = _DAY.fullmatch(text.strip())
    if found is None:
        raise ValueError("no day")
    day = open_ended(date.fromisoformat(found["day"]))
    if day is None or found["zone"] is None:
        return day
    return swedish_date(datetime.fromisoformat(text.strip()))
