"""What a receipt says when an order is turned away at the door, before any region's rule is asked."""

from collections.abc import Iterable

from contracts.vocabulary import RefusalCode
from workers.policy.effects import Objection, Sentence
from workers.trust import Reason

AT_THE_DOOR: dict[RefusalCode, Sentence] = {
    RefusalCode.SIGNATURE_INVALID: Sentence(
        "Underskriften stämmer inte med innehållet.", "The signature does not fit the content."
    ),
    RefusalCode.SIGNATURE_FORM_NOT_ACCEPTED: Sentence(
        "Underskriften är inte gjord på ett sätt som godtas.",
        "The signature is not made in a way that is accepted.",
    ),
    RefusalCode.CERTIFICATE_UNTRUSTED: Sentence(
        "Certifikatet kommer inte från en utfärdare som godtas.",
        "The certificate does not come from an issuer that is accepted.",
    ),
    RefusalCode.CERTIFICATE_EXPIRED: Sentence(
        "Certifikatet gällde inte när beställningen skrevs under.",
        "The certificate was not valid when the order was signed.",
    ),
    RefusalCode.CERTIFICATE_REVOKED: Sentence(
        "Certifikatet är spärrat.", "The certificate has been revoked."
    ),
    RefusalCode.REVOCATION_UNKNOWN: Sentence(
        "Det går inte att få veta om certifikatet är spärrat.",
        "Whether the certificate has been revoked cannot be known.",
    ),
    RefusalCode.CERTIFICATE_NOT_FOR_SIGNING: Sentence(
        "Certifikatet är inte till för underskrift.", "The certificate is not meant for signing."
    ),
    RefusalCode.ALGORITHM_NOT_ALLOWED: Sentence(
        "Underskriftens algoritm godtas inte.", "The algorithm of the signature is not accepted."
    ),
    RefusalCode.SIGNATURE_TOO_OLD: Sentence(
        "Underskriften är för gammal. Skriv under på nytt.", "The signature is too old. Sign anew."
    ),
    RefusalCode.SIGNED_IN_FUTURE: Sentence(
        "Underskriftens tid ligger i framtiden.", "The time of the signature lies ahead."
    ),
    RefusalCode.REPLAYED_WITH_CHANGES: Sentence(
        "En annan beställning har redan kommit med samma id. Skicka denna med ett nytt.",
        "Another order has already come under the same id. Send this one under a new one.",
    ),
    RefusalCode.WRONG_AUDIENCE: Sentence(
        "Beställningen är inte ställd till detta system.", "The order is not addressed to this system."
    ),
    RefusalCode.ENVELOPE_MISMATCH: Sentence(
        "Kuvertet stämmer inte med den underskrivna beställningen.",
        "The envelope does not fit the signed order.",
    ),
    RefusalCode.FIELD_INVALID: Sentence(
        "Ett fält i blanketten är fel ifyllt.", "A field of the form is filled in wrongly."
    ),
}
_OTHERWISE = Sentence("Beställningen kan inte styrkas.", "The order cannot be proven.")


def objection(code: RefusalCode, field: str | None = None) -> Objection:
    """A reason to turn an order away at the door."""
    return Objection(code, AT_THE_DOOR.get(code, _OTHERWISE), field=field)


def signature_objections(reasons: Iterable[Reason]) -> list[Objection]:
    """The verifier's reasons as the receipt gives them: the code's own sentence, then what was found or is to be set."""
    found = []
    for reason in reasons:
        own = AT_THE_DOOR.get(reason.code, _OTHERWISE)
        text = Sentence(f"{own.sv} {reason.sv}".rstrip(), f"{own.en} {reason.en}".rstrip())
        found.append(Objection(reason.code, text, field=reason.field))
    return found
