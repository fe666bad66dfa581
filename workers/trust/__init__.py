"""Trust: bytes, anchors, evidence and moments in; who signed what, or why it is not believed, out. Pure."""

from workers.trust.chain import read_certificates
from workers.trust.evidence import RevocationIndex, RevocationSnapshot
from workers.trust.ocsp import believed_until
from workers.trust.policy import TrustPolicy
from workers.trust.verdict import Check, RefusalDetail, UnreadableSignature, Verdict, VerifiedSigner
from workers.trust.verify import claimed_form, verify

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
