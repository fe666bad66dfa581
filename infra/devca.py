"""
A throw-away certificate authority with SITHS-like staff certificates, for tests, the demo, scenarios and `sigill dev ca`.

A P-384 root, an issuing authority for staff, one for functions, a look-alike that nobody trusts, and an OCSP
responder. Staff certificates are P-256 with contentCommitment alone and the HSA-id as the subject's serialNumber.
Every moment is an argument, so that certificates can be valid in whatever year a scenario plays. Nothing here is
safe for real use: keys are written without a passphrase.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from lxml import etree

from workers.trust.form_xml import xml_of

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Tamper = Literal[
    "payload",
    "signature",
    "expired_certificate",
    "revoked_certificate",
    "untrusted_issuer",
    "wrong_key_usage",
    "alg_none",
]

#: Level of assurance 3 and 2 as this authority writes them; a private arc, since the real OIDs are Inera's.
LEVEL_3 = "1.3.6.1.4.1.99999.1.3"
LEVEL_2 = "1.3.6.1.4.1.99999.1.2"
ORDER_TYPE = "sigill-order+jws"

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
ENVELOPED = f"{DS}enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"
XML_METHODS = {
    "ES256": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "ES384": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "RS256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "PS256": "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
}

_YEAR = timedelta(days=365)
_RESERVED = 256


def key_usage(*on: str) -> x509.KeyUsage:
    """A key usage with these bits set, by their names in `cryptography`."""
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
    )
    return x509.KeyUsage(**{n: n in on for n in names}, encipher_only=False, decipher_only=False)


def new_key(kind: str = "P-256") -> Key:
    """Make a key: P-256, P-384, P-521 or RSA-<bits>."""
    match kind:
        case "P-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "P-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "P-521":
            return ec.generate_private_key(ec.SECP521R1())
        case _:
            return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


@dataclass(frozen=True)
class Authority:
    """A certificate that issues others, with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def name(self) -> x509.Name:
        return self.certificate.subject


@dataclass(frozen=True)
class Holder:
    """A certificate and its key, with the certificates between it and the anchor. Signs orders."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()
    hsa_id: str = ""

    @cached_property
    def x5c(self) -> list[str]:
        """The certificates as JOSE writes them, leaf first."""
        return [_b64(_der(c)) for c in (self.certificate, *self.chain)]

    @cached_property
    def thumbprint(self) -> str:
        return _b64url(self.certificate.fingerprint(hashes.SHA256()))

    @cached_property
    def algorithm(self) -> str:
        """The JWS algorithm that the key signs with by default."""
        match self.key:
            case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()):
                return "ES384"
            case ec.EllipticCurvePrivateKey():
                return "ES256"
            case _:
                return "PS256"

    @cached_property
    def _header_tail(self) -> str:
        """The constant part of the header, encoded once: a benchmark signs a hundred thousand orders."""
        return json.dumps({"x5c": self.x5c, "x5t#S256": self.thumbprint}, separators=(",", ":"))[1:]


@dataclass(frozen=True)
class PublicFiles:
    """Where `publish` wrote: two PEM files and the folder of the lists (DER)."""

    anchors: Path
    intermediates: Path
    crls: Path


@dataclass
class DevAuthority:
    """
    The whole throw-away PKI. `not_before` and `not_after` (aware, UTC) bound every certificate that is not expired.

    Holders are remembered by HSA-id, so that asking twice gives the same certificate.
    """

    root: Authority
    issuing: Authority
    functions: Authority
    stranger: Authority
    stranger_root: Authority
    responder: Authority
    not_before: datetime
    not_after: datetime
    revoked: dict[int, tuple[datetime, x509.ReasonFlags]] = field(default_factory=dict)
    reserved: list[int] = field(default_factory=list)
    _holders: dict[tuple[str, str], Holder] = field(default_factory=dict)

    @classmethod
    def create(
        cls,
        now: datetime,
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        issuing_key: str = "P-384",
    ) -> "DevAuthority":
        """Make a new PKI, by default valid from two years before `now` (aware) to eight years after it."""
        start, end = not_before or now - 2 * _YEAR, not_after or now + 8 * _YEAR
        root = _authority("Sigill Dev Root CA", None, new_key("P-384"), start, end)
        other_root = _authority("Sigill Dev Root CA", None, new_key("P-384"), start, end)
        # Serial numbers that every list names from the first: a certificate that is to be revoked takes one of
        # them, and no list needs to be issued again for it.
        reserved = [x509.random_serial_number() for _ in range(_RESERVED)]
        authority = cls(
            root=root,
            issuing=_authority("Sigill Dev Person HSA-id 3 CA", root, new_key(issuing_key), start, end),
            functions=_authority("Sigill Dev Function CA", root, new_key("P-384"), start, end),
            stranger=_authority("Sigill Dev Person HSA-id 3 CA", other_root, new_key("P-384"), start, end),
            stranger_root=other_root,
            responder=_responder(root, start, end),
            not_before=start,
            not_after=end,
            revoked=dict.fromkeys(reserved, (start, x509.ReasonFlags.key_compromise)),
            reserved=reserved,
        )
        authority.responder = _responder(authority.issuing, start, end)
        return authority

    # Anchors and evidence

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        return (self.root.certificate,)

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        return (self.issuing.certificate, self.functions.certificate)

    def revoke(
        self, holder: Holder, at: datetime, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
    ) -> None:
        """Revoke a holder's certificate from `at` (aware). Lists issued from now on say so."""
        self.revoked[holder.certificate.serial_number] = (at, reason)

    def release(self, holder: Holder) -> None:
        """Lift a hold: lists issued from now on do not name the certificate."""
        self.revoked.pop(holder.certificate.serial_number, None)

    def crl(
        self,
        at: datetime,
        *,
        next_update: datetime | None = None,
        by: Authority | None = None,
        number: int | None = None,
        extra: Sequence[tuple[int, datetime, x509.ReasonFlags]] = (),
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """The complete list (DER) of the issuing authority, or of `by`, as of `at`; good for a week by default."""
        authority = by or self.issuing
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.name)
            .last_update(at)
            .next_update(next_update or at + timedelta(days=7))
            .add_extension(
                x509.CRLNumber(number if number is not None else int(at.timestamp())), critical=False
            )
            .add_extension(_authority_key_id(authority), critical=False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        known = () if authority is self.root else self.revoked.items()
        entries = [*extra, *((s, when, why) for s, (when, why) in known if when <= at)]
        for serial, when, why in entries:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(when)
                .add_extension(x509.CRLReason(why), critical=False)
                .build()
            )
        return builder.sign(authority.key, _hash_for(authority.key)).public_bytes(serialization.Encoding.DER)

    def crls(self, at: datetime, *, next_update: datetime | None = None) -> tuple[bytes, ...]:
        """The lists of root, issuing and function authority as of `at` (DER), so that whole paths can be judged."""
        return tuple(
            self.crl(at, next_update=next_update, by=by) for by in (self.root, self.issuing, self.functions)
        )

    def ocsp_answer(
        self,
        certificate: x509.Certificate,
        at: datetime,
        *,
        next_update: datetime | None = None,
        status: Literal["good", "revoked", "unknown"] | None = None,
        responder: Authority | None = None,
        issuer: Authority | None = None,
        embed: bool = True,
    ) -> bytes:
        """An OCSP answer (DER) about a certificate as of `at`, signed by the delegated responder or `responder`."""
        signer, about = responder or self.responder, issuer or self.issuing
        found = self.revoked.get(certificate.serial_number)
        revoked = status == "revoked" or (status is None and found is not None)
        kinds = {
            "good": ocsp.OCSPCertStatus.GOOD,
            "revoked": ocsp.OCSPCertStatus.REVOKED,
            "unknown": ocsp.OCSPCertStatus.UNKNOWN,
        }
        when, why = found or (at, x509.ReasonFlags.key_compromise)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=certificate,
                issuer=about.certificate,
                algorithm=hashes.SHA256(),
                cert_status=kinds[status or ("revoked" if revoked else "good")],
                this_update=at,
                next_update=next_update or at + timedelta(hours=12),
                revocation_time=when if revoked else None,
                revocation_reason=why if revoked else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        )
        if embed:
            builder = builder.certificates([signer.certificate])
        return builder.sign(signer.key, _hash_for(signer.key)).public_bytes(serialization.Encoding.DER)

    # Holders

    def staff(self, hsa_id: str, *, key: str = "P-256") -> Holder:
        """The signing certificate of a staff member."""
        return self._remembered(hsa_id, key, lambda: self.issue(hsa_id, key=key))

    def log_in(self, hsa_id: str) -> Holder:
        """The other certificate of the same card, which is for logging in."""
        usage = key_usage("digital_signature", "key_encipherment")
        extended = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        return self._remembered(
            hsa_id, "log_in", lambda: self.issue(hsa_id, usage=usage, extensions=[extended])
        )

    def expired(self, hsa_id: str, at: datetime) -> Holder:
        """A signing certificate that had run out the day before `at`."""
        start = max(self.not_before, at - 2 * _YEAR)
        return self.issue(hsa_id, not_before=start, not_after=at - timedelta(days=1))

    def revoked_staff(self, hsa_id: str) -> Holder:
        """
        A signing certificate that every list has named as revoked from the beginning. Raises IndexError when the
        serial numbers kept for this are used up.
        """
        return self._remembered(hsa_id, "revoked", lambda: self.issue(hsa_id, serial=self.reserved.pop()))

    def function(self, hsa_id: str) -> Holder:
        """A function certificate: a system's, not a person's."""
        return self._remembered(hsa_id, "function", lambda: self.issue(hsa_id, by=self.functions))

    def untrusted(self, hsa_id: str) -> Holder:
        """A certificate from an authority with the same names and other keys."""
        return self._remembered(hsa_id, "untrusted", lambda: self.issue(hsa_id, by=self.stranger))

    def issue(
        self,
        hsa_id: str | None,
        *,
        by: Authority | None = None,
        key: str | Key = "P-256",
        usage: x509.KeyUsage | None = None,
        policies: Sequence[str] = (LEVEL_3,),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        name: Sequence[x509.NameAttribute[str]] | None = None,
        serial: int | None = None,
    ) -> Holder:
        """Issue any end-entity certificate, also wrong ones: the tests are made of these."""
        authority = by or self.issuing
        private = new_key(key) if isinstance(key, str) else key
        subject = name if name is not None else _staff_name(hsa_id)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(authority.name)
            .public_key(private.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(not_before or self.not_before)
            .not_valid_after(not_after or self.not_after)
            .add_extension(_authority_key_id(authority), critical=False)
            .add_extension(usage or key_usage("content_commitment"), critical=True)
        )
        if policies:
            information = [x509.PolicyInformation(ObjectIdentifier(p), None) for p in policies]
            builder = builder.add_extension(x509.CertificatePolicies(information), critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(authority.key, _hash_for(authority.key))
        return Holder(certificate, private, (authority.certificate,), hsa_id or "")

    def _remembered(self, hsa_id: str, kind: str, make: Any) -> Holder:
        found = self._holders.get((hsa_id, kind))
        if found is None:
            found = self._holders[hsa_id, kind] = make()
        return found

    # Files

    def save(self, folder: Path) -> None:
        """Write certificates and keys (PEM) for `load`. Keys are not encrypted: this is for play."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _AUTHORITIES:
            _write(folder / name, getattr(self, name).certificate, getattr(self, name).key)
        staff = folder / "staff"
        staff.mkdir(exist_ok=True)
        for (hsa_id, kind), holder in self._holders.items():
            _write(staff / f"{hsa_id}.{kind}", holder.certificate, holder.key)
        (folder / "revoked.json").write_text(
            json.dumps(
                {f"{s:x}": [t.isoformat(), why.name] for s, (t, why) in self.revoked.items()}, indent=1
            )
        )

    def publish(self, folder: Path, at: datetime, *, next_update: datetime | None = None) -> PublicFiles:
        """
        Write what a receiver needs, and nothing secret: anchors, intermediates, and the lists as of `at` (aware).

        Lists are named by their moment, so that publishing again adds and takes nothing away.
        """
        files = PublicFiles(folder / "anchors.pem", folder / "intermediates.pem", folder / "crls")
        files.crls.mkdir(parents=True, exist_ok=True)
        for path, certificates in ((files.anchors, self.anchors), (files.intermediates, self.intermediates)):
            path.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))
        for name, data in zip(
            ("root", "issuing", "functions"), self.crls(at, next_update=next_update), strict=True
        ):
            (files.crls / f"{name}-{int(at.timestamp())}.crl").write_bytes(data)
        return files

    @classmethod
    def load(cls, folder: Path) -> "DevAuthority":
        """Read what `save` wrote. Raises OSError or ValueError."""
        read = {name: Authority(*_read(folder / name)) for name in _AUTHORITIES}
        root = read["root"].certificate
        authority = cls(
            root=read["root"],
            issuing=read["issuing"],
            functions=read["functions"],
            stranger=read["stranger"],
            stranger_root=read["stranger_root"],
            responder=read["responder"],
            not_before=root.not_valid_before_utc,
            not_after=root.not_valid_after_utc,
        )
        issuers = [authority.issuing, authority.functions, authority.stranger]
        for path in sorted((folder / "staff").glob("*.crt")):
            hsa_id, _, kind = path.stem.rpartition(".")
            certificate, key = _read(path.with_suffix(""))
            issuer = next(i for i in issuers if _issued(certificate, i))
            authority._holders[hsa_id, kind] = Holder(certificate, key, (issuer.certificate,), hsa_id)
        stored = json.loads((folder / "revoked.json").read_text())
        authority.revoked = {
            int(serial, 16): (datetime.fromisoformat(at), x509.ReasonFlags[why])
            for serial, (at, why) in stored.items()
        }
        taken = {h.certificate.serial_number for h in authority._holders.values()}
        authority.reserved = [
            s
            for s, (at, _) in authority.revoked.items()
            if at == root.not_valid_before_utc and s not in taken
        ]
        return authority


_AUTHORITIES = ("root", "issuing", "functions", "stranger", "stranger_root", "responder")


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
    body = _b64url(payload)
    if serialization == "compact":
        if cosigners or unprotected:
            raise ValueError("a compact JWS has one signature and no unprotected header")
        protected = protected_header(holder, signed_at, alg)
        return f"{protected}.{body}.{_signature(holder, alg, protected, body)}".encode()

    signatures = []
    for one in (holder, *cosigners):
        algorithm = alg if one is holder else None
        protected = protected_header(one, signed_at, algorithm)
        signatures.append({"protected": protected, "signature": _signature(one, algorithm, protected, body)})
        if unprotected:
            signatures[-1]["header"] = dict(unprotected)  # type: ignore[assignment]
    return json.dumps({"payload": body, "signatures": signatures}).encode()


def sign_jws_with(header: Mapping[str, Any], payload: bytes, holder: Holder) -> bytes:
    """Sign with exactly this protected header, also a wrong one; `alg` says how (ES256 when it is none of ours)."""
    protected, body = _b64url(json.dumps(header).encode()), _b64url(payload)
    return f"{protected}.{body}.{_signature(holder, header.get('alg'), protected, body)}".encode()


def jades_header(holder: Holder, signed_at: datetime, alg: str | None = None) -> dict[str, Any]:
    """The protected header that `sign_jws` writes, for tests to change."""
    return {
        "alg": alg or holder.algorithm,
        "typ": ORDER_TYPE,
        "iat": int(signed_at.timestamp()),
        "x5c": list(holder.x5c),
        "x5t#S256": holder.thumbprint,
    }


def protected_header(holder: Holder, signed_at: datetime, alg: str | None = None) -> str:
    head = f'{{"alg":"{alg or holder.algorithm}","typ":"{ORDER_TYPE}","iat":{int(signed_at.timestamp())},'
    return _b64url((head + holder._header_tail).encode())


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
            return b".".join((protected, _b64url(_changed(payload)).encode(), signature))
        case "signature":
            raw = bytearray(_unb64url(signature))
            raw[0] ^= 1
            return b".".join((protected, body, _b64url(bytes(raw)).encode()))
        case _:
            header = _b64url(json.dumps({"alg": "none", "typ": ORDER_TYPE}).encode())
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
    value.text = _b64(_raw_signature(holder, name, _c14n(info, canonical)))
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
    etree.SubElement(digest, f"{{{DS}}}DigestValue").text = _b64(
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
        etree.SubElement(values, f"{{{XADES}}}EncapsulatedOCSPValue").text = _b64(answer)


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
    etree.SubElement(reference, f"{{{DS}}}DigestValue").text = _b64(digest.finalize())


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
            value.text = _b64(bytes(raw))
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
    return _b64url(_raw_signature(holder, alg or holder.algorithm, f"{protected}.{body}".encode()))


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


def make_authority(
    name: str,
    issuer: Authority | None,
    not_before: datetime,
    not_after: datetime,
    *,
    key: str = "P-384",
    usage: x509.KeyUsage | None = None,
    path_length: int | None = None,
    ca: bool = True,
    policies: Sequence[str] = (LEVEL_3, LEVEL_2),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Authority:
    """Make an authority, also a wrong one; without an issuer it is a root."""
    return _authority(
        name,
        issuer,
        new_key(key),
        not_before,
        not_after,
        usage=usage,
        path_length=path_length,
        ca=ca,
        policies=policies,
        extensions=extensions,
    )


def _authority(
    name: str,
    issuer: Authority | None,
    key: Key,
    start: datetime,
    end: datetime,
    *,
    usage: x509.KeyUsage | None = None,
    path_length: int | None = None,
    ca: bool = True,
    policies: Sequence[str] = (LEVEL_3, LEVEL_2),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Authority:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sigill Dev"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(usage or key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        builder = builder.add_extension(_authority_key_id(issuer), critical=False)
        if policies:
            information = [x509.PolicyInformation(ObjectIdentifier(p), None) for p in policies]
            builder = builder.add_extension(x509.CertificatePolicies(information), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = issuer.key if issuer else key
    return Authority(builder.sign(signer, _hash_for(signer)), key)


def _responder(issuer: Authority, start: datetime, end: datetime) -> Authority:
    key = new_key("P-256")
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sigill Dev OCSP")]))
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(_authority_key_id(issuer), critical=False)
        .add_extension(key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .add_extension(x509.OCSPNoCheck(), critical=False)
    )
    return Authority(builder.sign(issuer.key, _hash_for(issuer.key)), key)


def _staff_name(hsa_id: str | None) -> list[x509.NameAttribute[str]]:
    name: list[x509.NameAttribute[str]] = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Region Testland"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Test Signer"),
    ]
    if hsa_id is not None:
        name.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, hsa_id))
    return name


def _authority_key_id(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _hash_for(key: Key) -> hashes.SHA256 | hashes.SHA384:
    curve = key.curve if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return hashes.SHA384() if isinstance(curve, ec.SECP384R1) else hashes.SHA256()


def _issued(certificate: x509.Certificate, issuer: Authority) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _write(stem: Path, certificate: x509.Certificate, key: Key) -> None:
    stem.with_name(stem.name + ".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = stem.with_name(stem.name + ".key")
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    secret.chmod(0o600)


def _read(stem: Path) -> tuple[x509.Certificate, Key]:
    certificate = x509.load_pem_x509_certificate(stem.with_name(stem.name + ".crt").read_bytes())
    key = serialization.load_pem_private_key(stem.with_name(stem.name + ".key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError(f"{stem.name}.key is of a kind that this authority never makes")
    return certificate, key


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64url(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
