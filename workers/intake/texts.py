"""An order that is turned away at the door, before any region's rule is asked: the same words as everywhere else."""

from collections.abc import Iterable

from contracts.vocabulary import RefusalCode
from workers.policy.effects import Objection, Sentence
from workers.policy.lexicon import REFUSAL
from workers.trust import Reason


def objection(code: RefusalCode, field: str | None = None) -> Objection:
    """A reason to turn an order away at the door."""
    return Objection(code, REFUSAL[code], field=field)


def signature_objections(reasons: Iterable[Reason]) -> list[Objection]:
    """The verifier's reasons as the receipt gives them: the code's own sentence, then what was found or is to be set."""
    found = []
    for reason in reasons:
        own = REFUSAL[reason.code]
        text = Sentence(f"{own.sv} {reason.sv}".rstrip(), f"{own.en} {reason.en}".rstrip())
        found.append(Objection(reason.code, text, field=reason.field))
    return found
