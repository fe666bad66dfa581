"""
What a verification answers: the signed bytes, who signed, and every reason not to believe it.

Nothing here names a person: a check's detail says what was looked at and what was wrong with it, so that the
console and the archive can show it as it is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509

from contracts.vocabulary import RefusalCode

#: A certificate and its issuer, whose status nobody could tell.
Question = tuple[x509.Certificate, x509.Certificate]
Finding = Literal["good", "bad", "undetermined", "not_checked"]


class Unreadable(Exception):
    """The message is not a signature container, or what was signed is not a form: nobody can read it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `detail` carries no identity: algorithm names, times (UTC), counts, OIDs."""

    name: str
    verdict: Finding
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Signer:
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
    `refusals` holds each trust code once; empty means that every signature is proven, or, with `undetermined`,
    that only the certificate's revocation cannot be known. `signers` counts each HSA-id once.
    `signed_at` is the latest claimed signing time: the moment from which the form was signed by all.
    """

    payload: bytes | None
    signers: tuple[Signer, ...] = ()
    refusals: tuple[RefusalCode, ...] = ()
    undetermined: bool = False
    checks: tuple[Check, ...] = ()
    signed_at: datetime | None = None
    claimed: bytes | None = None
    questions: tuple[Question, ...] = ()

    @property
    def proven(self) -> bool:
        """True when nothing is wrong and nothing is unknown."""
        return not self.refusals and not self.undetermined


class Refused(Exception):
    """One signature is not acceptable, and nothing else can be said about it."""

    def __init__(self, code: RefusalCode, check: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.check, self.detail = code, check, detail


def invalid(check: str, detail: str) -> Refused:
    """The refusal for a signature that does not hold, or is not made as an order's."""
    return Refused(RefusalCode.SIGNATURE_INVALID, check, detail)
