"""
Forms that were signed by others' libraries, and what each must be: the table of `world/README.md`, row by row.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sigill.trust import RevocationSnapshot, TrustPolicy, Verdict, read_certificates, verify

WORLD = Path(__file__).parent / "world"
#: After the last of them was signed, and within the week that the revocation lists speak for.
AT = datetime(2026, 11, 29, 21, 0, tzinfo=UTC)
KINDS = {".jose": "application/jose", ".json": "application/jose+json", ".xml": "application/xml"}
ORDER_ID = "0192f0c1-0000-7000-8000-000000000001"


@dataclass(frozen=True)
class Row:
    """One row of the table: a file, whether it is let in, and otherwise the codes of which one is given."""

    file: str
    let_in: bool
    codes: tuple[str, ...]


def rows() -> list[Row]:
    found = []
    for line in (WORLD / "README.md").read_text("utf-8").splitlines():
        if match := re.fullmatch(r"\| `([^`]+)` \| [^|]* \| ([^|]*) \|", line):
            file, must = match.groups()
            codes = re.findall(r"[a-z]+(?:_[a-z]+)+", must) if must.startswith("refused") else []
            found.append(Row(file, must == "in", tuple(codes)))
    return found


POLICY = TrustPolicy(
    anchors=read_certificates((WORLD / "pki/root.crt").read_bytes()),
    intermediates=read_certificates((WORLD / "pki/issuing.crt").read_bytes()),
    test_hsa_ids=True,
)
EVIDENCE = RevocationSnapshot.read([path.read_bytes() for path in sorted(WORLD.glob("pki/*.crl.pem"))])


def judged(file: str, policy: TrustPolicy = POLICY) -> Verdict:
    path = WORLD / file
    return verify(path.read_bytes(), KINDS[path.suffix], policy=policy, evidence=EVIDENCE, arrived_at=AT)


def test_every_file_has_a_row_and_every_row_a_file():
    files = {path.name for path in WORLD.iterdir() if path.suffix in KINDS}

    assert files == {row.file for row in rows()}
    assert len(files) == 38


@pytest.mark.parametrize("row", [pytest.param(row, id=row.file) for row in rows()])
def test_a_form_signed_by_another_library_is_what_it_must_be(row: Row):
    verdict = judged(row.file)

    assert not verdict.undetermined
    if row.let_in:
        assert verdict.refusals == ()
        assert verdict.payload is not None
        assert json.loads(verdict.payload)["order_id"] == ORDER_ID
        assert len(verdict.signers) == 1
    else:
        assert row.codes
        (reason,) = verdict.reasons
        assert str(reason.code) in row.codes
        assert reason.field
        assert reason.sv
        assert reason.en


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("dss-cert-rsa1024.xml", "1024 bits"),
        ("dss-cert-sha1leaf.xml", "SHA-1"),
        ("dss-cert-login.xml", "contentCommitment"),
        ("node-jose-typ-JWT.jose", "jose+json"),
        ("dss-jades-nochain-es256.jose", "x5c"),
        ("dss-jades-detached-hash.jose", "payload"),
        ("jdk-tutorial-withcomments-p256.xml", "without comments"),
        ("jdk-plain-xmldsig-p256.xml", "XAdES"),
        ("dss-xades-rsa-sha512.xml", "RS256"),
    ],
)
def test_the_sender_is_told_what_it_is(file: str, said: str):
    assert said in judged(file).reasons[0].en


def test_test_cards_are_let_in_by_their_setting_alone():
    (reason,) = judged("dss-cert-testcard.xml", replace(POLICY, test_hsa_ids=False)).reasons

    assert str(reason.code) == "certificate_not_for_signing"
    assert reason.field == "certificate.subject.serialNumber"
    assert judged("dss-cert-testcard.xml").signers[0].hsa_id == "TSTNMT2321000156-1019"


def test_an_organisation_number_of_twelve_digits_is_compared_as_one_of_ten():
    assert judged("dss-cert-inera.xml").signers[0].hsa_id == "SE5565594230-B45"


@pytest.mark.parametrize("file", ["dss-xades-T.xml", "dss-jades-T-json.json"])
def test_a_time_stamp_is_evaluated_with_an_anchor_for_it_and_otherwise_said(file: str):
    """The time-stamping authority of these files hangs from the same root."""
    stamped = judged(file, replace(POLICY, time_stamp_anchors=POLICY.anchors))
    without = judged(file)

    assert [(c.verdict, c.detail) for c in without.checks if c.name == "time_stamp"] == [
        ("not_checked", "no anchor for time stamps is set")
    ]
    (check,) = [c for c in stamped.checks if c.name == "time_stamp"]
    assert check.verdict == "good"
    assert datetime.fromisoformat(check.detail).date() == AT.date()
    assert stamped.proven
    assert without.proven


@pytest.mark.parametrize(
    ("file", "content_type", "before"),
    [
        ("dss-xades-env-only.xml", "text/xml; charset=utf-8", b""),
        ("node-jose-ES256.jose", "application/jose", b"\xef\xbb\xbf"),
        ("go-jose-full-ES256.json", "Application/JOSE+JSON", b"\xef\xbb\xbf"),
    ],
)
def test_what_surrounds_a_signature_costs_nothing(file: str, content_type: str, before: bytes):
    raw = before + (WORLD / file).read_bytes()
    verdict = verify(raw, content_type, policy=POLICY, evidence=EVIDENCE, arrived_at=AT)

    assert verdict.reasons == ()
