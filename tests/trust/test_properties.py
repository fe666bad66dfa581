"""Whatever is done to the bytes: never accepted as something else, and never an error that stops a partition."""

import base64
import json

import pytest
from cryptography import x509
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sigill.devtools.signing import jades_header, sign_jws, sign_jws_with, sign_xades
from sigill.trust import UnreadableSignature, Verdict
from tests.kit.signed_forms import COMPACT, FORM, GENERAL, NOW, PAYLOAD, SIGNER, XML, make_bench

BENCH = make_bench()
HOLDER = BENCH.ca.staff(SIGNER)
ORDERS = {
    COMPACT: sign_jws(PAYLOAD, HOLDER, signed_at=NOW),
    GENERAL: sign_jws(PAYLOAD, HOLDER, signed_at=NOW, serialization="general"),
    XML: sign_xades(FORM, HOLDER, NOW),
}


def judged(raw: bytes, kind: str) -> Verdict | None:
    try:
        return BENCH.verdict(raw, kind)
    except UnreadableSignature:
        return None


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_flipped_bit_anywhere_in_a_compact_order_refuses_it(data):
    raw = bytearray(ORDERS[COMPACT])
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))

    verdict = judged(bytes(raw), COMPACT)

    assert verdict is None or verdict.refusals


@pytest.mark.parametrize("kind", [GENERAL, XML])
@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_flipped_bit_never_changes_what_is_accepted(kind: str, data):
    """In a container some bytes mean nothing (white space, an unsigned certificate): the form must be the same."""
    raw = bytearray(ORDERS[kind])
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))

    verdict = judged(bytes(raw), kind)

    if verdict is not None and not verdict.refusals:
        assert json.loads(verdict.payload) == FORM
        assert [s.hsa_id for s in verdict.signers] == [SIGNER]


@pytest.mark.parametrize("kind", [COMPACT, GENERAL, XML])
@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_have_an_answer(kind: str, raw: bytes):
    verdict = judged(raw, kind)

    assert verdict is None or verdict.refusals


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    "alg typ cty x5c x5t x5t#S256 x5t#o sigX5ts kid crit iat sigT srCm srCms sigPl srAts adoTst sigPId sigD b64 jwk".split()
)


@given(st.dictionaries(NAMES, JSON, max_size=4), st.booleans())
@example({"x5t#S256": "0"}, False)  # no base64url has one character: it was called unreadable
@settings(max_examples=400, deadline=None)
def test_any_header_over_a_good_signature_has_an_answer(changes: dict, critical: bool):
    header = jades_header(HOLDER, NOW) | changes
    if critical:
        header["crit"] = list(changes)

    verdict = judged(sign_jws_with(header, PAYLOAD, HOLDER), COMPACT)

    assert verdict is not None
    if not verdict.refusals:
        assert verdict.payload == PAYLOAD


@given(JSON, JSON)
@settings(max_examples=300, deadline=None)
def test_any_unsigned_header_has_an_answer(component, value):
    outer = json.loads(ORDERS[GENERAL])
    outer["signatures"][0]["header"] = {
        "etsiU": [component, {"rVals": value}, {"rVals": {"ocspVals": value}}]
    }

    verdict = judged(json.dumps(outer).encode(), GENERAL)

    assert verdict is not None
    assert verdict.refusals == ()


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_broken_certificate_has_an_answer(data):
    """The header is signed anew over the broken certificate: only the certificate is at fault."""
    der = bytearray(base64.b64decode(HOLDER.x5c[0]))
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    header = jades_header(HOLDER, NOW) | {"x5c": [base64.b64encode(bytes(der)).decode(), *HOLDER.x5c[1:]]}
    header.pop("x5t#S256")

    verdict = judged(sign_jws_with(header, PAYLOAD, HOLDER), COMPACT)

    assert verdict is not None
    if not verdict.refusals:
        # Outside what the authority signed a byte can mean nothing: the signature's count of unused bits does.
        read = x509.load_der_x509_certificate(bytes(der))
        assert read.tbs_certificate_bytes == HOLDER.certificate.tbs_certificate_bytes


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_broken_authority_in_the_message_has_an_answer(data):
    der = bytearray(base64.b64decode(HOLDER.x5c[1]))
    der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    header = jades_header(HOLDER, NOW) | {"x5c": [HOLDER.x5c[0], base64.b64encode(bytes(der)).decode()]}

    assert judged(sign_jws_with(header, PAYLOAD, HOLDER), COMPACT) is not None
