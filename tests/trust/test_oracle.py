"""A second opinion: pyhanko-certvalidator says the same of a handful of paths, at the time of signing."""

import asyncio
import warnings
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError

from sigill.devtools.authority import Holder, key_usage
from sigill.devtools.signing import sign_jws
from sigill.trust import RevocationSnapshot
from tests.kit.signed_forms import NOW, PAYLOAD, SIGNER, Bench, make_bench

DAY = timedelta(days=1)


def der(certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def oracle(bench: Bench, holder: Holder, lists: list[bytes]) -> bool:
    context = ValidationContext(
        trust_roots=[_asn1(der(c)) for c in bench.ca.anchors],
        other_certs=[_asn1(der(c)) for c in (*bench.ca.intermediates, *holder.chain)],
        crls=lists,
        moment=NOW,
        allow_fetching=False,
        revocation_mode="require",
    )
    validator = CertificateValidator(_asn1(der(holder.certificate)), validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({"non_repudiation"}))
    except (ValidationError, PathValidationError, PathBuildingError):
        return False
    return True


def _asn1(data: bytes):
    from asn1crypto import x509

    return x509.Certificate.load(data)


CASES = {
    "good": lambda ca: ca.staff(SIGNER),
    "P-384": lambda ca: ca.staff(SIGNER, key="P-384"),
    "RSA": lambda ca: ca.staff(SIGNER, key="RSA-2048"),
    "log-in": lambda ca: ca.log_in(SIGNER),
    "no usage": lambda ca: ca.issue(SIGNER, usage=key_usage()),
    "expired": lambda ca: ca.expired(SIGNER, NOW),
    "not yet valid": lambda ca: ca.issue(SIGNER, not_before=NOW + DAY),
    "revoked": lambda ca: ca.revoked_staff(SIGNER),
    "untrusted": lambda ca: ca.untrusted(SIGNER),
}


@pytest.mark.parametrize("case", CASES)
async def test_both_say_the_same(case: str):
    bench = await asyncio.to_thread(make_bench)
    holder = CASES[case](bench.ca)
    lists = list(bench.ca.crls(NOW - timedelta(hours=1)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = await asyncio.to_thread(oracle, bench, holder, lists)
    ours = (
        bench.codes(sign_jws(PAYLOAD, holder, signed_at=NOW), evidence=RevocationSnapshot.read(lists)) == []
    )

    assert ours == theirs
    assert ours == (case in {"good", "P-384", "RSA"})


async def test_without_lists_both_refuse_to_say_good():
    bench = await asyncio.to_thread(make_bench)
    holder = bench.ca.staff(SIGNER)

    assert not await asyncio.to_thread(oracle, bench, holder, [])
    assert bench.codes(sign_jws(PAYLOAD, holder, signed_at=NOW), evidence=RevocationSnapshot()) == [
        "undetermined"
    ]
