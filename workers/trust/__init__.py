"""Trust: bytes, anchors, evidence and moments in; who signed what, or why it is not believed, out. Pure."""

from workers.trust.chain import read_certificates
from workers.trust.evidence import Evidence, EvidenceIndex
from workers.trust.ocsp import believed_until
from workers.trust.policy import TrustPolicy
from workers.trust.verdict import Check, Signer, Unreadable, Verdict
from workers.trust.verify import verify

__all__ = [
    "Check",
    "Evidence",
    "EvidenceIndex",
    "Signer",
    "TrustPolicy",
    "Unreadable",
    "Verdict",
    "believed_until",
    "read_certificates",
    "verify",
]
