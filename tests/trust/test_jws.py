"""JWS: what is accepted, and each way of being wrong, alone (RFC 7515, RFC 8725, JAdES)."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA384

from sigill.devtools.signing import jades_header, sign_jws, sign_jws_with, tampered_jws
from tests.kit.signed_forms import COMPACT, FORM, GENERAL, NOW, OTHER, PAYLOAD, SIGNER, XML, Bench


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("key", "alg"), [("P-256", "ES256"), ("P-384", "ES384"), ("RSA-2048", "PS256"), ("RSA-2048", "RS256")]
)
def test_each_algorithm_of_the_list_is_accepted(bench: Bench, key: str, alg: str):
    verdict = bench.verdict(sign_jws(PAYLOAD, bench.ca.staff(SIGNER, key=key), signed_at=NOW, alg=alg))

    assert verdict.proven
    assert verdict.payload == PAYLOAD
    assert verdict.signed_at == NOW
    assert [(s.hsa_id, s.signed_at, s.algorithm) for s in verdict.signers] == [(SIGNER, NOW, alg)]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("payload", "signature_invalid"),
        ("signature", "signature_invalid"),
        ("expired_certificate", "certificate_expired"),
        ("revoked_certificate", "certificate_revoked"),
        ("untrusted_issuer", "certificate_untrusted"),
        ("wrong_key_usage", "certificate_not_for_signing"),
        ("alg_none", "algorithm_not_allowed"),
    ],
)
def test_one_fault_gives_one_code(bench: Bench, how, code: str):
    verdict = bench.verdict(tampered_jws(how, PAYLOAD, SIGNER, bench.ca, signed_at=NOW))

    assert [str(c) for c in verdict.refusals] == [code]
    assert not verdict.undetermined
    assert json.loads(verdict.claimed)["order_id"] == FORM["order_id"]


HEADER_FAULTS: dict[str, Callable[[dict], object]] = {
    "another protocol's typ": lambda h: h.update(typ="JWT"),
    "an empty typ": lambda h: h.update(typ=""),
    "typ is no text": lambda h: h.update(typ=None),
    "typ in another tree": lambda h: h.update(typ="text/jose"),
    "typ of an access token": lambda h: h.update(typ="at+jwt"),
    "typ of a proof of possession": lambda h: h.update(typ="application/dpop+jwt"),
    "typ with a tail": lambda h: h.update(typ="sigill-order+jws2"),
    "no signing time": lambda h: h.pop("iat"),
    "iat is text": lambda h: h.update(iat="1"),
    "iat is true": lambda h: h.update(iat=True),
    "iat beyond every calendar": lambda h: h.update(iat=10**18),
    "sigT differs from iat": lambda h: h.update(sigT="2026-03-02T09:00:01Z"),
    "sigT without zone": lambda h: h.update(sigT="2026-03-02T09:00:00"),
    "no x5c": lambda h: h.pop("x5c"),
    "empty x5c": lambda h: h.update(x5c=[]),
    "x5c is no certificate": lambda h: h.update(x5c=["AAAA"]),
    "x5c is not base64": lambda h: h.update(x5c=["å"]),
    "too many certificates": lambda h: h.update(x5c=h["x5c"] * 9),
    "x5t#S256 of another": lambda h: h.update({"x5t#S256": b64(b"0" * 32)}),
    "x5t#o of another": lambda h: h.update({"x5t#o": {"digAlg": "S512", "digVal": b64(b"0" * 64)}}),
    "x5t#o by an unknown digest": lambda h: h.update({"x5t#o": {"digAlg": "S1", "digVal": b64(b"0" * 20)}}),
    "an empty sigX5ts": lambda h: h.update(sigX5ts=[]),
    "crit is empty": lambda h: h.update(crit=[]),
    "crit is no list": lambda h: h.update(crit="iat"),
    "crit names what is missing": lambda h: h.update(crit=["sigT"]),
    "crit names what is not understood": lambda h: h.update(crit=["exp"], exp=1),
    "crit names a parameter of the standard": lambda h: h.update(crit=["alg"]),
    "crit names one twice": lambda h: h.update(crit=["iat", "iat"]),
    "crit of a policy that is not ours": lambda h: h.update(crit=["sigPId"], sigPId={"id": "urn:x"}),
    "crit of a time stamp nobody evaluates": lambda h: h.update(crit=["adoTst"], adoTst={"val": ""}),
    "b64 true": lambda h: h.update(b64=True, crit=["b64"]),
    "b64 false": lambda h: h.update(b64=False, crit=["b64"]),
    "zip": lambda h: h.update(zip="DEF"),
    "jwk": lambda h: h.update(jwk={"kty": "EC"}),
    "jku": lambda h: h.update(jku="https://example.org/"),
    "x5u": lambda h: h.update(x5u="https://example.org/"),
    "sigD": lambda h: h.update(sigD={"mId": "x"}),
    "etsiU among the signed": lambda h: h.update(etsiU=[]),
    "an unknown parameter": lambda h: h.update(exp=1),
    "kid is no text": lambda h: h.update(kid=1),
    "a header of a megabyte": lambda h: h.update(kid="x" * 70_000),
}


#: A digest that does not fit is no matter of form.
NOT_OF_FORM = {"x5t#S256 of another", "x5t#o of another"}


@pytest.mark.parametrize("fault", HEADER_FAULTS)
def test_a_header_that_is_not_ours_is_refused(bench: Bench, fault: str):
    holder = bench.ca.staff(SIGNER)
    header = jades_header(holder, NOW)
    HEADER_FAULTS[fault](header)

    (reason,) = bench.verdict(sign_jws_with(header, PAYLOAD, holder)).reasons

    assert str(reason.code) == "signature_invalid" if fault in NOT_OF_FORM else "signature_form_not_accepted"
    assert (reason.field is None) == (fault in NOT_OF_FORM)
    assert reason.sv
    assert reason.en


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ("another protocol's typ", "header.typ"),
        ("no x5c", "x5c"),
        ("no signing time", "header.iat"),
        ("crit is empty", "header.crit"),
        ("b64 false", "header.b64"),
        ("jku", "header.jku"),
        ("sigD", "header.sigD"),
        ("an unknown parameter", "header"),
        ("an empty sigX5ts", "header.x5t#S256"),
    ],
)
def test_the_sender_is_told_which_part_to_set(bench: Bench, fault: str, field: str):
    holder = bench.ca.staff(SIGNER)
    header = jades_header(holder, NOW)
    HEADER_FAULTS[fault](header)

    (reason,) = bench.verdict(sign_jws_with(header, PAYLOAD, holder)).reasons

    assert reason.field == field


HEADER_EXTRAS: dict[str, Callable[[dict], object]] = {
    "no typ": lambda h: h.pop("typ"),
    "typ jose": lambda h: h.update(typ="jose"),
    "typ JOSE+JSON": lambda h: h.update(typ="JOSE+JSON"),
    "our typ in capitals, with application/": lambda h: h.update(typ="Application/SIGILL-Order+JWS"),
    "iat with a decimal point": lambda h: h.update(iat=h["iat"] + 0.0),
    "sigT instead of iat": lambda h: (h.pop("iat"), h.update(sigT="2026-03-02T10:00:00+01:00")),
    "sigT that agrees, in crit": lambda h: h.update(sigT="2026-03-02T09:00:00Z", crit=["sigT"]),
    "no x5t#S256, x5c is a reference": lambda h: h.pop("x5t#S256"),
    "cty and kid": lambda h: h.update(cty="json", kid="1"),
    "both spellings of commitments": lambda h: h.update(srCm={"commId": {"id": "x"}}, srCms=[]),
    "a policy that is not critical": lambda h: h.update(sigPId={"id": "urn:x"}),
    "a place and attributes": lambda h: h.update(sigPl={"addressLocality": "X"}, srAts=[]),
}


@pytest.mark.parametrize("extra", HEADER_EXTRAS)
def test_jades_headers_are_accepted(bench: Bench, extra: str):
    holder = bench.ca.staff(SIGNER)
    header = jades_header(holder, NOW)
    HEADER_EXTRAS[extra](header)

    verdict = bench.verdict(sign_jws_with(header, PAYLOAD, holder))

    assert verdict.proven
    assert verdict.signed_at == NOW


@pytest.mark.parametrize("extra", [{}, {"sigT": "2026-03-02T09:00:00Z"}])
def test_a_signing_time_may_have_decimals(bench: Bench, extra: dict):
    holder = bench.ca.staff(SIGNER)
    header = jades_header(holder, NOW) | extra
    header["iat"] += 0.25

    verdict = bench.verdict(sign_jws_with(header, PAYLOAD, holder))

    assert verdict.proven
    assert verdict.signed_at == (NOW if extra else NOW + timedelta(seconds=0.25))


def test_a_reference_by_another_digest_must_be_to_the_leaf(bench: Bench):
    holder = bench.ca.staff(SIGNER)
    digest = b64(holder.certificate.fingerprint(SHA384()))
    header = jades_header(holder, NOW) | {"x5t#o": {"digAlg": "S384", "digVal": digest}}

    assert bench.codes(sign_jws_with(header, PAYLOAD, holder)) == []


def test_a_critical_policy_is_accepted_when_it_is_ours(bench: Bench):
    holder = bench.ca.staff(SIGNER)
    header = jades_header(holder, NOW) | {"sigPId": {"id": "urn:ours"}, "crit": ["sigPId"]}
    policy = bench.with_policy(signature_policies=frozenset({"urn:ours"}))

    assert bench.codes(sign_jws_with(header, PAYLOAD, holder), policy=policy) == []


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES512", "PS512", "EdDSA", None, 1, ["ES256"]])
def test_an_algorithm_outside_the_list_is_refused_alone(bench: Bench, alg):
    holder = bench.ca.staff(SIGNER)
    header = jades_header(holder, NOW) | {"alg": alg}

    assert bench.codes(sign_jws_with(header, PAYLOAD, holder)) == ["algorithm_not_allowed"]


@pytest.mark.parametrize(("key", "alg"), [("P-256", "RS256"), ("P-384", "ES256"), ("RSA-2048", "ES256")])
def test_an_algorithm_of_another_key_type_is_refused(bench: Bench, key: str, alg: str):
    holder = bench.ca.staff(SIGNER, key=key)
    raw = sign_jws_with(jades_header(holder, NOW), PAYLOAD, holder)
    header = b64(json.dumps(jades_header(holder, NOW) | {"alg": alg}).encode())
    wrong = b".".join((header.encode(), *raw.split(b".")[1:]))

    assert bench.codes(wrong) == ["algorithm_not_allowed"]


def test_the_algorithm_list_of_the_policy_decides(bench: Bench):
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW)

    assert bench.codes(raw, policy=bench.with_policy(algorithms=("PS256",))) == ["algorithm_not_allowed"]


def test_a_name_twice_in_the_header_is_refused(bench: Bench):
    holder = bench.ca.staff(SIGNER)
    text = json.dumps(jades_header(holder, NOW)).replace("{", '{"alg": "none", ', 1)
    body = b64(PAYLOAD)

    assert bench.codes(f"{b64(text.encode())}.{body}.AAAA".encode()) == ["signature_form_not_accepted"]


@pytest.mark.parametrize(
    "payload", [b'{"form": "a", "form": "b"}', b'{"x": {"id": "1", "id": "2"}}', b'{"a": 1, "\\u0061": 2}']
)
def test_a_name_twice_in_the_payload_is_refused(bench: Bench, payload: bytes):
    raw = sign_jws(payload, bench.ca.staff(SIGNER), signed_at=NOW)

    assert bench.codes(raw) == ["signature_form_not_accepted"]


@pytest.mark.parametrize(
    "payload",
    [
        b"not json",
        b"[1]",
        b'"text"',
        b"\xff\xfe{}",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"1" * 9000,
    ],
)
def test_a_good_signature_over_no_json_object_is_a_dead_letter(bench: Bench, payload: bytes):
    assert bench.codes(sign_jws(payload, bench.ca.staff(SIGNER), signed_at=NOW)) == ["dead_letter"]


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"",
        lambda raw: b"hello",
        lambda raw: raw.replace(b".", b".\n", 1),
        lambda raw: raw + b"\0",
        lambda raw: raw + b"=",
        lambda raw: raw + b".",
        lambda raw: raw.replace(b".", b"", 1),
        lambda raw: raw.replace(b".", b"+.", 1),
        lambda raw: b"." + raw.split(b".", 1)[1],
        lambda raw: b"." + b"." + raw.split(b".")[2],
        lambda raw: b"bm90IGpzb24.." + raw.split(b".")[2],
        lambda raw: b"bm90IGpzb24." + raw.split(b".", 1)[1],
        lambda raw: b"W10." + raw.split(b".", 1)[1],
        lambda raw: raw.decode().encode("utf-16"),
        lambda raw: b"A" * 300_000,
    ],
)
def test_what_is_no_compact_jws_is_a_dead_letter(bench: Bench, change):
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW)

    assert bench.codes(change(raw)) == ["dead_letter"]


@pytest.mark.parametrize(("before", "after"), [(b"", b"\n"), (b" ", b""), (b"\r\n\t", b" \r\n")])
def test_white_space_around_a_compact_jws_is_what_editors_add(bench: Bench, before: bytes, after: bytes):
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW)

    assert bench.codes(before + raw + after) == []


def test_a_detached_compact_jws_is_understood_and_refused(bench: Bench):
    protected, _, signature = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW).split(b".")

    verdict = bench.verdict(protected + b".." + signature)

    assert [(str(r.code), r.field) for r in verdict.reasons] == [("signature_form_not_accepted", "payload")]
    assert verdict.claimed is None


def test_flipped_unused_bits_are_refused(bench: Bench):
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW)
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(raw[-1]) ^ 1]

    assert bench.codes(raw[:-1] + bytes([last])) == ["signature_form_not_accepted"]


@pytest.mark.parametrize(
    ("kind", "read_as"),
    [("compact", GENERAL), ("general", COMPACT), ("compact", XML), ("compact", "text/plain")],
)
def test_nothing_is_guessed_from_the_bytes(bench: Bench, kind, read_as: str):
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW, serialization=kind)

    assert bench.codes(raw, read_as) == ["dead_letter"]


def test_a_content_type_may_carry_parameters(bench: Bench):
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW)

    assert bench.codes(raw, "Application/JOSE; charset=utf-8") == []


# Several signatures


def general(bench: Bench, **how) -> dict:
    return json.loads(
        sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW, serialization="general", **how)
    )


def test_several_signers_are_each_verified_and_counted(bench: Bench):
    verdict = bench.verdict(
        json.dumps(general(bench, cosigners=[bench.ca.staff(OTHER, key="P-384")])).encode(), GENERAL
    )

    assert verdict.proven
    assert [s.hsa_id for s in verdict.signers] == [SIGNER, OTHER]


def test_one_signer_twice_counts_once(bench: Bench):
    outer = general(bench)
    outer["signatures"] *= 2

    verdict = bench.verdict(json.dumps(outer).encode(), GENERAL)

    assert [s.hsa_id for s in verdict.signers] == [SIGNER]


def test_two_certificates_of_one_signer_count_once(bench: Bench):
    raw = json.dumps(general(bench, cosigners=[bench.ca.staff(SIGNER, key="P-384")])).encode()

    assert [s.hsa_id for s in bench.verdict(raw, GENERAL).signers] == [SIGNER]


def test_one_bad_signature_refuses_all(bench: Bench):
    outer = general(bench, cosigners=[bench.ca.staff(OTHER)])
    outer["signatures"][1]["signature"] = outer["signatures"][0]["signature"]

    assert bench.codes(json.dumps(outer).encode(), GENERAL) == ["signature_invalid"]


def test_one_untrusted_cosigner_refuses_all(bench: Bench):
    outer = general(bench, cosigners=[bench.ca.untrusted(OTHER)])

    assert bench.codes(json.dumps(outer).encode(), GENERAL) == ["certificate_untrusted"]


def _flattened(outer: dict) -> dict:
    return {"payload": outer["payload"], **outer["signatures"][0]}


GENERAL_FAULTS: dict[str, tuple[Callable[[dict], dict], str]] = {
    "flattened, with a member more": (
        lambda o: _flattened(o) | {"extra": 1},
        "signature_form_not_accepted",
    ),
    "flattened, detached": (lambda o: o["signatures"][0], "signature_form_not_accepted"),
    "flattened, without a protected header": (
        lambda o: {"payload": o["payload"], "signature": o["signatures"][0]["signature"]},
        "signature_form_not_accepted",
    ),
    "flattened, changed": (lambda o: _flattened(o) | {"payload": b64(b"{}")}, "signature_invalid"),
    "flattened beside general": (lambda o: o | _flattened(o), "signature_form_not_accepted"),
    "signature beside signatures": (lambda o: o | {"signature": "AAAA"}, "signature_form_not_accepted"),
    "an unknown member": (lambda o: o | {"extra": 1}, "signature_form_not_accepted"),
    "no signatures": (lambda o: o | {"signatures": []}, "signature_form_not_accepted"),
    "too many signatures": (lambda o: o | {"signatures": o["signatures"] * 9}, "signature_form_not_accepted"),
    "a detached payload": (lambda o: {"signatures": o["signatures"]}, "signature_form_not_accepted"),
    "an empty payload": (lambda o: o | {"payload": ""}, "signature_form_not_accepted"),
    "no signatures, not even none": (lambda o: {"payload": o["payload"]}, "dead_letter"),
    "a payload that is no text": (lambda o: o | {"payload": 1}, "dead_letter"),
    "a signature that is no object": (lambda o: o | {"signatures": ["x"]}, "dead_letter"),
}


@pytest.mark.parametrize("fault", GENERAL_FAULTS)
def test_a_general_jws_is_only_that(bench: Bench, fault: str):
    change, expected = GENERAL_FAULTS[fault]

    assert bench.codes(json.dumps(change(general(bench))).encode(), GENERAL) == [expected]


def test_a_flattened_jws_is_accepted(bench: Bench):
    verdict = bench.verdict(json.dumps(_flattened(general(bench))).encode(), GENERAL)

    assert verdict.proven
    assert verdict.payload == PAYLOAD


UNPROTECTED_FAULTS = {
    "alg only there": {"alg": "ES256"},
    "a parameter in both headers": {"typ": "sigill-order+jws"},
    "crit": {"crit": ["iat"]},
    "a certificate": {"x5c": ["AAAA"]},
    "anything": {"note": "x"},
}


@pytest.mark.parametrize("fault", UNPROTECTED_FAULTS)
def test_nothing_that_nobody_signed_is_read(bench: Bench, fault: str):
    outer = general(bench)
    outer["signatures"][0]["header"] = UNPROTECTED_FAULTS[fault]

    assert bench.codes(json.dumps(outer).encode(), GENERAL) == ["signature_form_not_accepted"]


def test_alg_in_the_unprotected_header_alone_is_refused(bench: Bench):
    holder = bench.ca.staff(SIGNER)
    header = jades_header(holder, NOW)
    header.pop("alg")
    protected, payload, signature = sign_jws_with(header, PAYLOAD, holder).decode().split(".")
    one = {"protected": protected, "signature": signature, "header": {"alg": "ES256"}}

    raw = json.dumps({"payload": payload, "signatures": [one]}).encode()

    assert bench.codes(raw, GENERAL) == ["signature_form_not_accepted"]


def test_a_member_twice_in_the_container_is_refused(bench: Bench):
    raw = json.dumps(general(bench)).replace("{", '{"payload": "e30", ', 1).encode()

    assert bench.codes(raw, GENERAL) == ["signature_form_not_accepted"]


# Time


@pytest.mark.parametrize(
    ("signed_at", "codes"),
    [
        (NOW - timedelta(days=30), []),
        (NOW - timedelta(days=30, seconds=1), ["signature_too_old"]),
        (NOW + timedelta(minutes=5), []),
        (NOW + timedelta(minutes=5, seconds=1), ["signed_in_future"]),
    ],
)
def test_the_age_of_a_signature_has_two_ends(bench: Bench, signed_at, codes):
    from sigill.trust import RevocationSnapshot

    evidence = RevocationSnapshot.read(
        bench.ca.crls(NOW - timedelta(days=40), next_update=NOW + timedelta(days=1))
    )
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=signed_at)

    assert bench.codes(raw, arrived_at=NOW, evidence=evidence) == codes


def test_every_reason_is_given_not_only_the_first(bench: Bench):
    holder = bench.ca.issue("191212121212", by=bench.ca.stranger)
    raw = sign_jws(PAYLOAD, holder, signed_at=NOW - timedelta(days=31))

    assert sorted(bench.codes(raw)) == [
        "certificate_not_for_signing",
        "certificate_untrusted",
        "signature_too_old",
    ]


def test_checks_carry_no_identity(bench: Bench):
    holder = bench.ca.issue("191212121212")
    header = jades_header(holder, NOW) | {"191212121212": 1}

    shown = [
        *bench.verdict(sign_jws(PAYLOAD, holder, signed_at=NOW)).checks,
        *bench.verdict(sign_jws_with(header, PAYLOAD, holder)).checks,
        *bench.verdict(
            sign_jws_with(jades_header(holder, NOW) | {"alg": "191212121212"}, PAYLOAD, holder)
        ).checks,
    ]

    assert "191212121212" not in repr(shown)
    assert {c.verdict for c in shown} >= {"good", "bad"}
