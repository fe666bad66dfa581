"""What was found out about a signature is kept as it was found."""

from datetime import UTC, datetime

from sigill.processing.trust_report import CheckReport, SignerReport, TrustReport, report_json
from sigill.trust.verdict import Check, RefusalDetail, Verdict, VerifiedSigner
from sigill_contracts.vocabulary import RefusalCode

AT = datetime(2025, 3, 10, 9, 30, 15, 250_000, UTC)


def test_a_report_is_read_as_it_was_written() -> None:
    signer = VerifiedSigner("SE2321000099-1234", "ab" * 32, "CN=Utfärdare", "1f", AT, "ES256")
    checks = (Check("signature", "good", "ES256"), Check("revocation", "undetermined"))
    reasons = (RefusalDetail(RefusalCode.CERTIFICATE_EXPIRED, "certificate.validity", "Giltigt", "Valid"),)
    verdict = Verdict(b"{}", (signer,), reasons, undetermined=True, checks=checks, signed_at=AT)
    assert TrustReport.model_validate_json(report_json(verdict)) == TrustReport(
        signers=(
            SignerReport(
                hsa_id="SE2321000099-1234",
                certificate_sha256="ab" * 32,
                issuer="CN=Utfärdare",
                serial="1f",
                signed_at=AT,
                algorithm="ES256",
            ),
        ),
        refusals=("certificate_expired",),
        undetermined=True,
        checks=(
            CheckReport(name="signature", verdict="good", detail="ES256"),
            CheckReport(name="revocation", verdict="undetermined"),
        ),
        signed_at=AT,
    )


def test_a_report_of_nothing_proven_is_written_as_its_model_writes_it() -> None:
    assert report_json(Verdict(None)) == TrustReport().model_dump_json()
