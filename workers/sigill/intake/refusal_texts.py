"""An order that is refused before any region's rule is asked: the same words as everywhere else."""

from collections.abc import Iterable

from sigill.judgement.objections import objection
from sigill.policy.effects import RefusalReason, Sentence
from sigill.policy.lexicon import REFUSAL
from sigill.trust import RefusalDetail
from sigill_contracts.vocabulary import RefusalCode

MISMATCH: dict[str, Sentence] = {
    "ce_id": Sentence(
        "ce_id ska vara blankettens order_id",
        "ce_id must be the form's order_id",
    ),
    "ce_subject": Sentence(
        "ce_subject ska vara patientens nyckel: HMAC-SHA-256 av de tolv siffrorna med den delade hemligheten; vanliga "
        "orsaker är en annan hemlighet eller nyckelversion, ett nummer med bindestreck eller en annan patients nyckel",
        "ce_subject must be the patient's key: HMAC-SHA-256 of the twelve digits with the shared secret; common causes "
        "are another secret or key version, a number with a hyphen, or another patient's key",
    ),
    "key": Sentence(
        "postens nyckel ska vara densamma som ce_subject; vanliga orsaker är en tom nyckel eller en serialisering som "
        "lägger till citattecken",
        "the record's key must be the same as ce_subject; common causes are an empty key or a serializer that adds quotes",
    ),
}
"""What does not fit between envelope and form, and what usually causes it."""


def wrong_audience(expected: str) -> RefusalReason:
    """The refusal of a form that is addressed to another system; it names the audience that was expected."""
    more = Sentence(f"audience ska vara {expected}", f"audience must be {expected}")
    return objection(RefusalCode.WRONG_AUDIENCE, "audience", more=more)


def signature_objections(reasons: Iterable[RefusalDetail]) -> list[RefusalReason]:
    """The verifier's reasons as the receipt gives them: the code's own sentence, then what was found or is to be set."""
    found = []
    for reason in reasons:
        own = REFUSAL[reason.code]
        text = Sentence(f"{own.sv} {reason.sv}".rstrip(), f"{own.en} {reason.en}".rstrip())
        found.append(RefusalReason(reason.code, text, field=reason.field))
    return found
