"""
A bounded copy of patients' facts, each with the stamps of everybody it was made from.

A copy is used only while all its stamps are the ones that the store shows *now*: it is never believed because it is
young. What is not used for longest goes first.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime

from sigill.policy.access import valid_until
from sigill.policy.facts import PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill.store.decisions import Stamp
from sigill_contracts.vocabulary import PersonId


class CacheEntry:
    """One patient's facts and what they rest on. `same` says which surrogate became part of which person."""

    __slots__ = ("_books", "_span", "facts", "same", "since", "stamps")

    def __init__(
        self,
        facts: PatientFacts | None,
        stamps: Mapping[PersonId, Stamp],
        same: Mapping[PersonId, PersonId],
        since: datetime | None = None,
    ) -> None:
        """
        `facts` None: about this person nothing is known, or nothing any more. `since` (UTC): they hold the measures that
        an answer at that instant or later needs; None: every measure.
        """
        self.facts = facts
        self.stamps = stamps
        self.same = same
        self.since = since
        self._span: tuple[datetime, datetime | None] | None = None
        self._books: Rulebooks | None = None

    def holds(self, now: Mapping[PersonId, Stamp]) -> bool:
        """Whether everybody's stamp is still the one that this copy was made with."""
        return all(now.get(person) == stamp for person, stamp in self.stamps.items())

    def reaches(self, at: datetime) -> bool:
        """Whether it holds all that an answer at an instant (UTC) or later needs."""
        return self.since is None or self.since <= at

    def until(self, at: datetime, books: Rulebooks) -> datetime | None:
        """The next instant (UTC) after `at` at which an answer may change by itself; None: never."""
        if self.facts is None:
            return None
        span = self._span
        if (
            span is None
            or books is not self._books
            or at < span[0]
            or (span[1] is not None and at >= span[1])
        ):
            span = self._span = (at, valid_until(self.facts, at, books))
            self._books = books
        return span[1]


class FactsCache:
    """The copies of one process, `capacity` at most."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._of: OrderedDict[PersonId, CacheEntry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._of)

    def get(self, person: PersonId) -> CacheEntry | None:
        """Return the copy of a patient, whether it still holds or not."""
        found = self._of.get(person)
        if found is not None:
            self._of.move_to_end(person)
        return found

    def keep(self, person: PersonId, copy: CacheEntry) -> None:
        """Put in a copy; the least used one goes when there is no room."""
        self._of[person] = copy
        self._of.move_to_end(person)
        while len(self._of) > self._capacity:
            self._of.popitem(last=False)

    def drop(self, persons: Iterable[PersonId]) -> None:
        """Forget copies that do not hold any more."""
        for person in persons:
            self._of.pop(person, None)
