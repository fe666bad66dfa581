"""
What a verification answers: the signed bytes, who signed, and every reason not to believe it.

Nothing here names a person: a check's detail says what was looked at and what was wrong with it, so that the
console and the archive can show it as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509

from sigill.trust.profile import Demand
from sigill_contracts.vocabulary import RefusalCode

#: A certificate and its issuer, whose status nobody could tell.
Question = tuple[x509.Certificate, x509.Certificate]
Finding = Literal["good", "bad", "undetermined", "not_checked"]


class UnreadableSignature(Exception):
    """The message is not a signature container, or what was signed is not a form: nobody can read it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `detail` carries no identity: algorithm names, times (UTC), counts, OIDs."""

    name: str
    verdict: Finding
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RefusalDetail:
    """
    One code of a refusal, and what the sender is told beside the code's own sentence.

    `field` is the part of the signature or certificate at fault; None when it is no single one. `sv` and `en` are whole
    sentences that say what was found or what to set, and empty when the code says it all. They name no person.
    """

    code: RefusalCode
    field: str | None = None
    sv: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """
    The holder of a certificate that made one of the signatures.

    `hsa_id` comes from the certificate's subject serialNumber; `certificate_sha256` is the leaf's fingerprint in
    lower-case hex; `serial` is the certificate's serial number in hex; `signed_at` is the signer's own claim, UTC.
    """

    hsa_id: str
    certificate_sha256: str
    issuer: str
    serial: str
    signed_at: datetime
    algorithm: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    The answer about one message.

    `payload` is exactly what was signed (UTF-8 JSON), and None unless every signature over it holds; with a refusal
    it is not to be acted on. `claimed` is what an unproven message says, and good for one thing: to address the
    refusal; None when it says nothing readable.
    `questions` are the certificates of which nobody could tell: ask OCSP about them, and verify again.
    `reasons` holds each trust code once; none means that every signature is proven, or, with `undetermined`,
    that only the certificate's revocation cannot be known. `signers` counts each HSA-id once.
    `signed_at` is the latest claimed signing time: the moment from which the form was signed by all.
    """

    payload: bytes | None
    signers: tuple[VerifiedSigner, ...] = ()
    reasons: tuple[RefusalDetail, ...] = ()
    undetermined: bool = False
    checks: tuple[Check, ...] = ()
    signed_at: datetime | None = None
    claimed: bytes | None = None
    questions: tuple[Question, ...] = ()

    @property
    def refusals(self) -> tuple[RefusalCode, ...]:
        """The codes of the reasons."""
        return tuple(reason.code for reason in self.reasons)

    @property
    def proven(self) -> bool:
        """True when nothing is wrong and nothing is unknown."""
        return not self.reasons and not self.undetermined


def merged(reasons: Iterable[RefusalDetail]) -> tuple[RefusalDetail, ...]:
    """Each code once, in the order of their first mention, with all sentences of its reasons, each once."""
    by_code: dict[RefusalCode, list[RefusalDetail]] = {}
    for reason in reasons:
        same = by_code.setdefault(reason.code, [])
        if reason not in same:
            same.append(reason)
    return tuple(
        RefusalDetail(
            code,
            same[0].field,
            " ".join(sentence.sv for sentence in same if sentence.sv),
            " ".join(sentence.en for sentence in same if sentence.en),
        )
        for code, same in by_code.items()
    )


class SignatureRefused(Exception):
    """One signature is not acceptable, and nothing else can be said about it."""

    def __init__(self, reason: RefusalDetail, check: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.check, self.detail = reason, check, detail


def invalid(check: str, detail: str, sv: str) -> SignatureRefused:
    """The refusal for a signature whose mathematics fails. `detail` is English, `sv` the same in Swedish."""
    return SignatureRefused(RefusalDetail(RefusalCode.SIGNATURE_INVALID, None, sv, detail), check, detail)


def not_accepted(check: str, demand: Demand, detail: str) -> SignatureRefused:
    """The refusal for a signature that is not made as an order's must be. `detail` says what was found."""
    reason = RefusalDetail(RefusalCode.SIGNATURE_FORM_NOT_ACCEPTED, demand.field, demand.sv, demand.en)
    return SignatureRefused(reason, check, detail)


def algorithm_refused(field: str, detail: str, sv: str, en: str) -> SignatureRefused:
    """The refusal for an algorithm that is not on the list, or is not for the key."""
    return SignatureRefused(
        RefusalDetail(RefusalCode.ALGORITHM_NOT_ALLOWED, field, sv, en), "algorithm", detail
    )
