"""Rules as messages cite them: id, document, and the rule's sentence in Swedish and English."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sigill.policy.rulebook import Rulebooks
from sigill.rulebook_docs.clauses import rule_words
from sigill.store.session import Reading
from sigill_contracts.receipt import Citation


class Citations:
    """Every rule of the loaded rulebooks, ready to be put into messages."""

    def __init__(self, books: Rulebooks) -> None:
        self._rules = {
            rule_id: Citation(
                rule=rule_id,
                document=region.documents[rule.document].title,
                sv=rule_words(rule).sv,
                en=rule_words(rule).en,
            )
            for region in books.regions.values()
            for rule_id, rule in region.rules.items()
        }

    def of(self, rules: Iterable[str]) -> tuple[Citation, ...]:
        """The citations of some rules, each once, in the order given; an id that no rulebook has is left out."""
        return tuple(self._rules[rule] for rule in dict.fromkeys(rules) if rule in self._rules)


class PolicyProvider(Protocol):
    """
    What judging has its rulebooks from: `books` and `citations` are the ones that were read last, `source` is the
    `ce_source` under which Sigill speaks.
    """

    @property
    def books(self) -> Rulebooks: ...

    @property
    def citations(self) -> Citations: ...

    @property
    def source(self) -> str: ...

    async def context_for(self, tx: Reading, now: datetime) -> "PolicyContext":
        """What one transaction judges by from its beginning to its end, at `now` (UTC)."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """What judging has at hand: the rulebooks, their citations, and the `ce_source` under which Sigill speaks."""

    books: Rulebooks
    citations: Citations
    source: str

    @classmethod
    def of(cls, books: Rulebooks, source: str) -> "PolicyContext":
        """The context of some rulebooks, which stay as they are."""
        return cls(books, Citations(books), source)

    async def context_for(self, tx: Reading, now: datetime) -> "PolicyContext":
        """Itself: these rulebooks change for no transaction."""
        return self
