"""
Signs orders as an EHR would, JWS and XAdES, and wrongly in each of the ways that must be refused.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from sigill.devtools.keys import Holder, b64, b64url, unb64url
from sigill.trust import profile
from sigill.trust.form_xml import xml_of
from sigill.trust.profile import DS, ENVELOPED, EXCLUSIVE, ORDER_TYPE, SHA256_URI, SIGNED_PROPERTIES, XADES

if TYPE_CHECKING:
    from sigill.devtools.authority import DevAuthority


Tamper = Literal[
    "payload",
    "signature",
    "expired_certificate",
    "revoked_certificate",
    "untrusted_issuer",
    "wrong_key_usage",
    "alg_none",
]
XML_METHODS = {name: uris[0] for name, uris in profile.XML_METHODS.items()}


def sign_jws(
    payload: bytes,
    holder: Holder,
    *,
    signed_at: datetime,
    alg: str | None = None,
    serialization: Literal["compact", "general"] = "compact",
    cosigners: Sequence[Holder] = (),
    unprotected: Mapping[str, Any] | None = None,
) -> bytes:
    """
    Sign an order's form (UTF-8 JSON) as JWS with JAdES baseline headers.

    Compact (`application/jose`) has one signature; general (`application/jose+json`) one by each of the holder and
    the cosigners, and room for `etsiU` in `unprotected`.
    """
    body = b64url(payload)
    if serialization == "compact":
        if cosigners or unprotected:
            raise ValueError("a compact JWS has one signature and no unprotected header")
        protected = protected_header(holder, signed_at, alg)
        return f"{protected}.{body}.{_signature(holder, alg, protected, body)}".encode()

    signatures = []
    for signer in (holder, *cosigners):
        algorithm = alg if signer is holder else None
        protected = protected_header(signer, signed_at, algorithm)
        signatures.append(
            {"protected": protected, "signature": _signature(signer, algorithm, protected, body)}
        )
        if unprotected:
            signatures[-1]["header"] = dict(unprotected)  # type: ignore[assignment]
    return json.dumps({"payload": body, "signatures": signatures}).encode()


def sign_jws_with(header: Mapping[str, Any], payload: bytes, holder: Holder) -> bytes:
    """Sign with exactly this protected header, also a wrong one; `alg` says how (ES256 when it is none of ours)."""
    protected, body = b64url(json.dumps(header).encode()), b64url(payload)
    return f"{protected}.{body}.{_signature(holder, header.get('alg'), protected, body)}".encode()


def jades_header(holder: Holder, signed_at: datetime, alg: str | None = None) -> dict[str, Any]:
    """The protected header that `sign_jws` writes, for tests to change."""
    return profile.jws_header(alg or holder.algorithm, signed_at, holder.x5c, holder.thumbprint)


def protected_header(holder: Holder, signed_at: datetime, alg: str | None = None) -> str:
    head = f'{{"alg":"{alg or holder.algorithm}","typ":"{ORDER_TYPE}","iat":{int(signed_at.timestamp())},'
    return b64url((head + holder._header_tail).encode())


def tampered_jws(
    how: Tamper, payload: bytes, hsa_id: str, authority: DevAuthority, *, signed_at: datetime
) -> bytes:
    """
    A compact JWS that is wrong in one way, and in that way only: see `Tamper`.
    """
    if how in _TAMPERED_HOLDERS:
        return sign_jws(payload, _TAMPERED_HOLDERS[how](authority, hsa_id, signed_at), signed_at=signed_at)
    good = sign_jws(payload, authority.staff(hsa_id), signed_at=signed_at)
    protected, body, signature = good.split(b".")
    match how:
        case "payload":
            return b".".join((protected, b64url(_changed(payload)).encode(), signature))
        case "signature":
            raw = bytearray(unb64url(signature))
            raw[0] ^= 1
            return b".".join((protected, body, b64url(bytes(raw)).encode()))
        case _:
            header = b64url(json.dumps({"alg": "none", "typ": ORDER_TYPE}).encode())
            return f"{header}.{body.decode()}.".encode()


def sign_xades(
    form: Mapping[str, Any] | etree._Element,
    holder: Holder,
    signed_at: datetime,
    *,
    canonical: str = EXCLUSIVE,
    algorithm: str | None = None,
    key_info_signed: bool = False,
    revocation_values: Sequence[bytes] = (),
) -> bytes:
    """
    Sign an order's form as enveloped XAdES-B-B (`application/xml`); a form is a mapping as the JSON one, or XML.

    signxml's own signer writes the present time, and signatures with exclusive canonicalisation that nobody can
    verify, so this one is written by the standard (ETSI EN 319 132-1).
    `revocation_values` are OCSP answers (DER) for the unsigned properties.
    """
    order = xml_of(form) if isinstance(form, Mapping) else form
    name = algorithm or holder.algorithm
    whole = _c14n(order, canonical)
    signature = etree.SubElement(order, f"{{{DS}}}Signature", nsmap={"ds": DS}, Id="sig")
    info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
    value = etree.SubElement(signature, f"{{{DS}}}SignatureValue")
    key_info = etree.SubElement(signature, f"{{{DS}}}KeyInfo", Id="key")
    data = etree.SubElement(key_info, f"{{{DS}}}X509Data")
    for text in holder.x5c:
        etree.SubElement(data, f"{{{DS}}}X509Certificate").text = text
    properties = _signed_properties(signature, holder, signed_at)
    if revocation_values:
        _unsigned_properties(properties, revocation_values)

    etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", Algorithm=canonical)
    etree.SubElement(info, f"{{{DS}}}SignatureMethod", Algorithm=XML_METHODS[name])
    _reference(info, "", whole, (ENVELOPED, canonical))
    _reference(info, "#props", _c14n(properties, canonical), (canonical,), SIGNED_PROPERTIES)
    if key_info_signed:
        _reference(info, "#key", _c14n(key_info, canonical), (canonical,))
    value.text = b64(_raw_signature(holder, name, _c14n(info, canonical)))
    return etree.tostring(order, xml_declaration=True, encoding="UTF-8")


def _signed_properties(signature: etree._Element, holder: Holder, signed_at: datetime) -> etree._Element:
    container = etree.SubElement(signature, f"{{{DS}}}Object")
    qualifying = etree.SubElement(
        container, f"{{{XADES}}}QualifyingProperties", nsmap={"xades": XADES}, Target="#sig"
    )
    properties = etree.SubElement(qualifying, f"{{{XADES}}}SignedProperties", Id="props")
    about = etree.SubElement(properties, f"{{{XADES}}}SignedSignatureProperties")
    etree.SubElement(about, f"{{{XADES}}}SigningTime").text = signed_at.isoformat()
    named = etree.SubElement(etree.SubElement(about, f"{{{XADES}}}SigningCertificateV2"), f"{{{XADES}}}Cert")
    digest = etree.SubElement(named, f"{{{XADES}}}CertDigest")
    etree.SubElement(digest, f"{{{DS}}}DigestMethod", Algorithm=SHA256_URI)
    etree.SubElement(digest, f"{{{DS}}}DigestValue").text = b64(
        holder.certificate.fingerprint(hashes.SHA256())
    )
    return properties


def _unsigned_properties(properties: etree._Element, answers: Sequence[bytes]) -> None:
    qualifying = properties.getparent()
    assert qualifying is not None
    unsigned = etree.SubElement(qualifying, f"{{{XADES}}}UnsignedProperties")
    about = etree.SubElement(unsigned, f"{{{XADES}}}UnsignedSignatureProperties")
    values = etree.SubElement(
        etree.SubElement(about, f"{{{XADES}}}RevocationValues"), f"{{{XADES}}}OCSPValues"
    )
    for answer in answers:
        etree.SubElement(values, f"{{{XADES}}}EncapsulatedOCSPValue").text = b64(answer)


def _reference(
    info: etree._Element, uri: str, content: bytes, transforms: Sequence[str], kind: str | None = None
) -> None:
    reference = etree.SubElement(info, f"{{{DS}}}Reference", URI=uri)
    if kind:
        reference.set("Type", kind)
    steps = etree.SubElement(reference, f"{{{DS}}}Transforms")
    for transform in transforms:
        etree.SubElement(steps, f"{{{DS}}}Transform", Algorithm=transform)
    etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=SHA256_URI)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    etree.SubElement(reference, f"{{{DS}}}DigestValue").text = b64(digest.finalize())


def _c14n(element: etree._Element, algorithm: str) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=algorithm == EXCLUSIVE, with_comments=False)


def tampered_xades(
    how: Tamper, form: Mapping[str, Any], hsa_id: str, authority: DevAuthority, *, signed_at: datetime
) -> bytes:
    """An XML order that is wrong in one way, and in that way only: see `Tamper`."""
    if how in _TAMPERED_HOLDERS:
        return sign_xades(form, _TAMPERED_HOLDERS[how](authority, hsa_id, signed_at), signed_at)
    root = etree.fromstring(sign_xades(form, authority.staff(hsa_id), signed_at))
    match how:
        case "payload":
            root[0].text = f"{root[0].text}x"
        case "signature":
            value = root.find(f".//{{{DS}}}SignatureValue")
            assert value is not None
            raw = bytearray(base64.b64decode(value.text or ""))
            raw[0] ^= 1
            value.text = b64(bytes(raw))
        case _:
            method = root.find(f".//{{{DS}}}SignatureMethod")
            assert method is not None
            method.set("Algorithm", "none")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


_TAMPERED_HOLDERS: dict[str, Callable[[DevAuthority, str, datetime], Holder]] = {
    "expired_certificate": lambda ca, hsa_id, at: ca.expired(hsa_id, at),
    "revoked_certificate": lambda ca, hsa_id, _: ca.revoked_staff(hsa_id),
    "untrusted_issuer": lambda ca, hsa_id, _: ca.untrusted(hsa_id),
    "wrong_key_usage": lambda ca, hsa_id, _: ca.log_in(hsa_id),
}


def _changed(payload: bytes) -> bytes:
    """The same form with another motivation or, when it has none, another digit somewhere."""
    form = json.loads(payload)
    form["motivation"] = f"{form.get('motivation') or ''} (changed)"
    return json.dumps(form, ensure_ascii=False).encode()


def _signature(holder: Holder, alg: str | None, protected: str, body: str) -> str:
    return b64url(_raw_signature(holder, alg or holder.algorithm, f"{protected}.{body}".encode()))


def _raw_signature(holder: Holder, algorithm: str, data: bytes) -> bytes:
    """Sign as JWS and XML both write it: r and s side by side for an EC key (RFC 7518, 3.4)."""
    if isinstance(holder.key, ec.EllipticCurvePrivateKey):
        digest = hashes.SHA384() if algorithm == "ES384" else hashes.SHA256()
        r, s = decode_dss_signature(holder.key.sign(data, ec.ECDSA(digest)))
        size = (holder.key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if algorithm == "RS256":
        return holder.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256().digest_size)
    return holder.key.sign(data, pss, hashes.SHA256())
