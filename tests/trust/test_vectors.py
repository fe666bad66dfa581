"""Wycheproof's JWS vectors, through our opening, header reading and signature check (see vectors/README.md)."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from sigill.trust.jades import read_header
from sigill.trust.jose import check_signature, open_compact
from sigill.trust.verdict import SignatureRefused, UnreadableSignature

GROUPS = json.loads((Path(__file__).parent / "vectors" / "wycheproof_jws.json").read_text())["groups"]
CASES = [
    pytest.param(group["public"], test, id=f"{test['tcId']}-{test['comment'][:40]}")
    for group in GROUPS
    for test in group["tests"]
]

#: Valid by the standard, and not an order: two empty payloads, and two that say PS384 under a PS256 key.
NOT_OURS = {259, 272, 346, 350}


def holds(public: dict, raw: bytes) -> bool:
    """As `prove` does: the algorithm is the key's, never the message's alone."""
    material = {name: public[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in public}
    key = (ECKey if public["kty"] == "EC" else RSAKey).import_key(material)
    try:
        container = open_compact(raw)
        header = read_header(container.signatures[0].protected)
        if header.get("alg") != public["alg"] or "jwk" in header:
            return False
        check_signature(container.payload, container.signatures[0], header, key)
    except (SignatureRefused, UnreadableSignature):
        return False
    return True


@pytest.mark.parametrize(("public", "test"), CASES)
def test_wycheproof(public: dict, test: dict):
    assert isinstance(test["jws"], str)
    assert holds(public, test["jws"].encode()) == (test["result"] == "valid" and test["tcId"] not in NOT_OURS)
