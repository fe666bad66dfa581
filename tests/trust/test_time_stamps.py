"""
Time stamps on signatures: what a believed one proves, and that one which is not believed makes nothing worse.

The authority is made here; its tokens are RFC 3161's, written with asn1crypto.
"""

import base64
import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from sigill.devtools.authority import DevAuthority, Holder, key_usage
from sigill.devtools.signing import sign_jws
from sigill.trust import RevocationSnapshot, TrustPolicy, Verdict
from tests.kit.signed_forms import GENERAL, NOW, PAYLOAD, SIGNER, Bench

HOUR = timedelta(hours=1)


@pytest.fixture
def fresh() -> Bench:
    ca = DevAuthority.create(NOW)
    return Bench(ca, TrustPolicy(anchors=ca.anchors, intermediates=ca.intermediates), RevocationSnapshot())


def stamping(
    ca: DevAuthority, *, purpose=ExtendedKeyUsageOID.TIME_STAMPING, critical: bool = True, by=None
) -> Holder:
    """A time-stamping authority's certificate."""
    return ca.issue(
        None,
        by=by or ca.root,
        usage=key_usage("digital_signature"),
        policies=(),
        extensions=[(x509.ExtendedKeyUsage([purpose]), critical)],
        name=[x509.NameAttribute(x509.NameOID.COMMON_NAME, "Time")],
    )


def token(over: bytes, at: datetime, by: Holder) -> bytes:
    """A TimeStampToken (DER) over some bytes."""
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3.4",
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": hashlib.sha256(over).digest(),
            },
            "serial_number": 7,
            "gen_time": at,
        }
    )
    content = info.dump()
    certificate = asn1.Certificate.load(by.certificate.public_bytes(serialization.Encoding.DER))
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
            cms.CMSAttribute(
                {
                    "type": "signing_certificate_v2",
                    "values": [
                        {
                            "certs": [
                                {
                                    "cert_hash": by.certificate.fingerprint(hashes.SHA256()),
                                    "hash_algorithm": {"algorithm": "sha256"},
                                }
                            ]
                        }
                    ],
                }
            ),
        ]
    )
    assert isinstance(by.key, ec.EllipticCurvePrivateKey)
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                    )
                }
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            "signature": by.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(content),
            },
            "certificates": [certificate],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def stamped(
    bench: Bench, holder: Holder, *tokens: tuple[datetime, Holder], signed_at: datetime = NOW
) -> bytes:
    """A general JWS with time stamps over its signature."""
    outer = json.loads(sign_jws(PAYLOAD, holder, signed_at=signed_at, serialization="general"))
    (one,) = outer["signatures"]
    values = [
        {"val": base64.b64encode(token(one["signature"].encode(), at, by)).decode()} for at, by in tokens
    ]
    one["header"] = {"etsiU": [{"sigTst": {"tstTokens": values}}]}
    return json.dumps(outer).encode()


def judged(bench: Bench, raw: bytes, *lists: bytes, arrived_at: datetime, trusted: bool = True) -> Verdict:
    root = bench.ca.crl(NOW - 30 * 24 * HOUR, by=bench.ca.root, next_update=NOW + 30 * 24 * HOUR)
    policy = replace(bench.policy, time_stamp_anchors=bench.ca.anchors if trusted else ())
    return bench.verdict(
        raw, GENERAL, policy=policy, evidence=RevocationSnapshot.read([root, *lists]), arrived_at=arrived_at
    )


def codes(verdict: Verdict) -> list[str]:
    return [*map(str, verdict.refusals), *(["undetermined"] if verdict.undetermined else [])]


def said(verdict: Verdict) -> list[tuple[str, str]]:
    return [(c.verdict, c.detail) for c in verdict.checks if c.name == "time_stamp"]


def test_a_card_that_was_revoked_after_its_time_stamp_has_signed(fresh: Bench):
    holder, tsa = fresh.ca.staff(SIGNER), stamping(fresh.ca)
    before = fresh.ca.crl(NOW - HOUR)
    fresh.ca.revoke(holder, NOW + 2 * HOUR)
    after = fresh.ca.crl(NOW + 3 * HOUR)
    raw = stamped(fresh, holder, (NOW + HOUR, tsa))

    with_anchor = judged(fresh, raw, before, after, arrived_at=NOW + 4 * HOUR)
    without = judged(fresh, raw, before, after, arrived_at=NOW + 4 * HOUR, trusted=False)

    assert codes(with_anchor) == []
    assert said(with_anchor) == [("good", (NOW + HOUR).isoformat())]
    assert codes(without) == ["certificate_revoked"]
    assert said(without) == [("not_checked", "no anchor for time stamps is set")]


def test_a_card_that_was_revoked_before_its_time_stamp_has_not(fresh: Bench):
    holder, tsa = fresh.ca.staff(SIGNER), stamping(fresh.ca)
    before = fresh.ca.crl(NOW - HOUR)
    fresh.ca.revoke(holder, NOW + HOUR / 2)
    after = fresh.ca.crl(NOW + 3 * HOUR)

    verdict = judged(
        fresh, stamped(fresh, holder, (NOW + HOUR, tsa)), before, after, arrived_at=NOW + 4 * HOUR
    )

    assert codes(verdict) == ["certificate_revoked"]


def test_the_earliest_of_several_counts(fresh: Bench):
    holder, tsa = fresh.ca.staff(SIGNER), stamping(fresh.ca)
    before = fresh.ca.crl(NOW - HOUR)
    fresh.ca.revoke(holder, NOW + 2 * HOUR)
    after = fresh.ca.crl(NOW + 3 * HOUR)
    raw = stamped(fresh, holder, (NOW + 3 * HOUR, tsa), (NOW + HOUR, tsa))

    assert codes(judged(fresh, raw, before, after, arrived_at=NOW + 4 * HOUR)) == []


def test_a_signing_time_after_the_time_stamp_is_no_signing_time(fresh: Bench):
    holder, tsa = fresh.ca.staff(SIGNER), stamping(fresh.ca)
    raw = stamped(fresh, holder, (NOW, tsa), signed_at=NOW + timedelta(minutes=10))

    verdict = judged(fresh, raw, fresh.ca.crl(NOW - HOUR), arrived_at=NOW + HOUR)

    assert codes(verdict) == ["signed_in_future"]
    assert "600 s after its time stamp" in verdict.reasons[0].en


def test_a_time_stamp_does_not_make_an_old_signature_young(fresh: Bench):
    holder, tsa = fresh.ca.staff(SIGNER), stamping(fresh.ca)
    lists = [fresh.ca.crl(NOW - HOUR, next_update=NOW + 60 * 24 * HOUR)]

    verdict = judged(fresh, stamped(fresh, holder, (NOW, tsa)), *lists, arrived_at=NOW + 29 * 24 * HOUR)
    late = judged(fresh, stamped(fresh, holder, (NOW, tsa)), *lists, arrived_at=NOW + 31 * 24 * HOUR)

    assert codes(verdict) == []
    assert codes(late) == ["signature_too_old"]


def test_a_time_stamp_that_is_not_believed_changes_nothing(fresh: Bench):
    """Whoever carries a message can add one: it neither saves a revoked card nor spoils a good one."""
    holder = fresh.ca.staff(SIGNER)
    good = stamping(fresh.ca)
    not_believed = {
        "of a stranger": stamping(fresh.ca, by=fresh.ca.stranger_root),
        "for something else": stamping(fresh.ca, purpose=ExtendedKeyUsageOID.CODE_SIGNING),
        "not critical": stamping(fresh.ca, critical=False),
        "a colleague's card": fresh.ca.staff("SE2321000065-1002"),
    }
    before = fresh.ca.crl(NOW - HOUR)
    fresh.ca.revoke(holder, NOW + 2 * HOUR)
    after = fresh.ca.crl(NOW + 3 * HOUR)
    for name, tsa in not_believed.items():
        raw = stamped(fresh, holder, (NOW + HOUR, tsa))
        late = judged(fresh, raw, before, after, arrived_at=NOW + 4 * HOUR)
        early = judged(fresh, raw, before, arrived_at=NOW + HOUR)
        assert (name, codes(late)) == (name, ["certificate_revoked"])
        assert (name, codes(early)) == (name, [])
        assert said(early) == [("not_checked", "a time stamp that is not believed")]

    swapped = json.loads(stamped(fresh, holder, (NOW + HOUR, good)))
    other = json.loads(stamped(fresh, fresh.ca.staff("SE2321000065-1002"), (NOW + HOUR, good)))
    swapped["signatures"][0]["header"] = other["signatures"][0]["header"]
    verdict = judged(fresh, json.dumps(swapped).encode(), before, after, arrived_at=NOW + 4 * HOUR)
    assert codes(verdict) == ["certificate_revoked"]


def test_every_flipped_byte_of_a_token_makes_it_worthless_or_changes_nothing(fresh: Bench):
    holder, tsa = fresh.ca.staff(SIGNER), stamping(fresh.ca)
    outer = json.loads(stamped(fresh, holder, (NOW + HOUR, tsa)))
    before = fresh.ca.crl(NOW - HOUR)
    (value,) = outer["signatures"][0]["header"]["etsiU"][0]["sigTst"]["tstTokens"]
    whole = base64.b64decode(value["val"])

    for index in range(0, len(whole), 29):
        changed = bytearray(whole)
        changed[index] ^= 0x11
        value["val"] = base64.b64encode(bytes(changed)).decode()
        verdict = judged(fresh, json.dumps(outer).encode(), before, arrived_at=NOW + 2 * HOUR)
        assert codes(verdict) == [], index
        assert all(
            verdict_ != "good" or detail == (NOW + HOUR).isoformat() for verdict_, detail in said(verdict)
        ), index
