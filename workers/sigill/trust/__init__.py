"""Trust: bytes, anchors, evidence and moments in; who signed what, or why it is not believed, out. Pure."""

from sigill.trust.chain import read_certificates
from sigill.trust.evidence import RevocationIndex, RevocationSnapshot
from sigill.trust.ocsp import believed_until
from sigill.trust.policy import TrustPolicy
from sigill.trust.verdict import Check, RefusalDetail, UnreadableSignature, Verdict, VerifiedSigner
from sigill.trust.verify import claimed_form, verify

__all__ = [
    "Check",
    "RefusalDetail",
    "RevocationIndex",
    "RevocationSnapshot",
    "TrustPolicy",
    "UnreadableSignature",
    "Verdict",
    "VerifiedSigner",
    "believed_until",
    "claimed_form",
    "read_certificates",
    "verify",
]
