"""JSON that two readers cannot understand differently (RFC 8259, 4: names within an object should be unique)."""

import json
from collections.abc import Sequence
from typing import TypeVar

_Value = TypeVar("_Value")


class DuplicateName(ValueError):
    """A JSON object names a member twice, so readers could disagree about it."""


def unique_members(pairs: Sequence[tuple[str, _Value]]) -> dict[str, _Value]:
    """Build an object from its members. Raises DuplicateName; for `object_pairs_hook`."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateName("a name stands twice")
    return members


def _no_constant(_: str) -> None:
    raise ValueError("not a JSON number")


STRICT = json.JSONDecoder(object_pairs_hook=unique_members, parse_constant=_no_constant)
"""
Reads text in which no name stands twice and no number is NaN or infinite. Raises ValueError, DuplicateName among them,
and RecursionError. Made once: `json.loads` with hooks builds a decoder each time.
"""
