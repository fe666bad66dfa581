"""
Which record system a receipt is for, where several have a topic of their own: each reads its own receipts and no other's.

A receipt goes to the system that lists the source of the order that it answers. Where nobody does, as of orders that are
entered at our own console, it goes to the system that lists the decider's unit. What nobody lists goes on the topic of all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from pydantic_core import from_json

from sigill_contracts.hsa_id import canonical_hsa_id
from sigill_contracts.topics import RECEIPTS, receipts_for


@dataclass(frozen=True, slots=True)
class ReceiptRoutes:
    """Topics by what is listed: `ce_source`, or the HSA-id of a unit."""

    listed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, readers: Mapping[str, Iterable[str]]) -> Self:
        """The routes by reader, as the settings have them."""
        return cls(
            {_spelt(name): receipts_for(reader).name for reader, names in readers.items() for name in names}
        )

    def topic_of(self, topic: str, payload: bytes | None) -> str:
        """The topic for a message of `topic`: another than it for a receipt that one record system alone is to read."""
        if not self.listed or topic != RECEIPTS.name or payload is None:
            return topic
        told = from_json(payload)
        entered = told.get("entered") or {}
        asked = (told.get("answers_source"), entered.get("unit"))
        return next(
            (self.listed[_spelt(name)] for name in asked if name and _spelt(name) in self.listed),
            topic,
        )


def _spelt(name: str) -> str:
    """A source as it is; an HSA-id in the form in which two are compared."""
    spelt = canonical_hsa_id(name)
    return spelt if spelt.startswith("SE") else name
