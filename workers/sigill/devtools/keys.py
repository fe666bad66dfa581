"""Keys, authorities and certificates of the throw-away PKI; see `devca`."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from sigill.runtime.files import write_private

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
#: Level of assurance 3 and 2 as this authority writes them; a private arc, since the real OIDs are Inera's.
LEVEL_3 = "1.3.6.1.4.1.99999.1.3"
LEVEL_2 = "1.3.6.1.4.1.99999.1.2"


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
        return [b64(_der(c)) for c in (self.certificate, *self.chain)]

    @cached_property
    def thumbprint(self) -> str:
        return b64url(self.certificate.fingerprint(hashes.SHA256()))

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
    return build_authority(
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


def build_authority(
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
        builder = builder.add_extension(authority_key_id(issuer), critical=False)
        if policies:
            information = [x509.PolicyInformation(ObjectIdentifier(p), None) for p in policies]
            builder = builder.add_extension(x509.CertificatePolicies(information), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = issuer.key if issuer else key
    return Authority(builder.sign(signer, hash_for(signer)), key)


def make_responder(issuer: Authority, start: datetime, end: datetime) -> Authority:
    key = new_key("P-256")
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sigill Dev OCSP")]))
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(authority_key_id(issuer), critical=False)
        .add_extension(key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .add_extension(x509.OCSPNoCheck(), critical=False)
    )
    return Authority(builder.sign(issuer.key, hash_for(issuer.key)), key)


def staff_name(hsa_id: str | None) -> list[x509.NameAttribute[str]]:
    name: list[x509.NameAttribute[str]] = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Region Testland"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Test Signer"),
    ]
    if hsa_id is not None:
        name.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, hsa_id))
    return name


def authority_key_id(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def hash_for(key: Key) -> hashes.SHA256 | hashes.SHA384:
    curve = key.curve if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return hashes.SHA384() if isinstance(curve, ec.SECP384R1) else hashes.SHA256()


def is_issued(certificate: x509.Certificate, issuer: Authority) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def write_pair(stem: Path, certificate: x509.Certificate, key: Key) -> None:
    stem.with_name(stem.name + ".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    write_private(
        stem.with_name(stem.name + ".key"),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def read_pair(stem: Path) -> tuple[x509.Certificate, Key]:
    certificate = x509.load_pem_x509_certificate(stem.with_name(stem.name + ".crt").read_bytes())
    key = serialization.load_pem_private_key(stem.with_name(stem.name + ".key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError(f"{stem.name}.key is of a kind that this authority never makes")
    return certificate, key


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
