"""What was found out about an order's signatures, as it is kept beside the order: who signed, when, what was looked at."""

from pydantic_core import to_json

from sigill.trust import Verdict
from sigill_contracts.base import Instant, Message


class SignerReport(Message):
    """One signer. Staff are named by HSA-id; the certificate by its fingerprint and serial number."""

    hsa_id: str
    certificate_sha256: str
    issuer: str
    serial: str
    signed_at: Instant
    algorithm: str


class CheckReport(Message):
    """One thing that was looked at, and what was found."""

    name: str
    verdict: str
    detail: str = ""


class TrustReport(Message):
    """The verdict without the bytes. `signed_at` is the latest claimed signing time (UTC)."""

    signers: tuple[SignerReport, ...] = ()
    refusals: tuple[str, ...] = ()
    undetermined: bool = False
    checks: tuple[CheckReport, ...] = ()
    signed_at: Instant | None = None


def report_json(verdict: Verdict) -> str:
    """
    The report of a verdict as it is kept: JSON that `TrustReport` reads. Written from the verdict itself, which is our own
    and needs no validating: nine values an order.
    """
    report = {
        "signers": [
            {
                "hsa_id": signer.hsa_id,
                "certificate_sha256": signer.certificate_sha256,
                "issuer": signer.issuer,
                "serial": signer.serial,
                "signed_at": signer.signed_at,
                "algorithm": signer.algorithm,
            }
            for signer in verdict.signers
        ],
        "refusals": [str(code) for code in verdict.refusals],
        "undetermined": verdict.undetermined,
        "checks": [
            {"name": check.name, "verdict": check.verdict, "detail": check.detail} for check in verdict.checks
        ],
        "signed_at": verdict.signed_at,
    }
    return to_json(report).decode()
