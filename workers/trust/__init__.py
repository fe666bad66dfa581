"""Trust: bytes, anchors, evidence and moments in; who signed what, or why it is not believed, out. Pure."""

from workers.trust.policy import TrustPolicy
from workers.trust.revocation import Evidence
from workers.trust.verdict import Check, Signer, Unreadable, Verdict
from workers.trust.verify import verify

__all__ = ["Check", "Evidence", "Signer", "TrustPolicy", "Unreadable", "Verdict", "verify"]
