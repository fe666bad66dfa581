"""
The operators' own signing keys: a phone order is signed by who enters it, and goes the way of every other order.

A key belongs to one operator, named by the HSA-id of its certificate, and to one login: a file beside it names the issuer
and the subject, so that whoever runs the issuer cannot sign as somebody by giving a login that HSA-id. In production the folder is a mount of what the
region's signing service issues for the desk; in a trial it holds keys of the throw-away authority.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from joserfc import jwk, jws
from joserfc.registry import HeaderParameter

from sigill.operations.operators import Operator
from sigill.trust.profile import ALGORITHMS, JADES_HEADERS, jws_header

_REGISTRY = jws.JWSRegistry(
    header_registry={"iat": HeaderParameter(JADES_HEADERS["iat"], "int")},
    algorithms=list(ALGORITHMS),
)


class NoKey(Exception):
    """The operator has no signing key here. The message says which file is missing or unfit."""


class OperatorSigner(Protocol):
    """Signs as one operator."""

    def sign(self, payload: bytes, signed_at: datetime) -> bytes:
        """Return a compact JWS over exactly these bytes, with JAdES baseline headers."""
        ...


class Signers(Protocol):
    """Finds the operators' keys."""

    def of(self, operator: Operator) -> OperatorSigner:
        """Return the signer of somebody who is logged in. Raises NoKey."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class KeySigner:
    """A private key and its certificates, the own one first. Does not show in `repr`."""

    key_pem: bytes
    certificates: tuple[x509.Certificate, ...]
    algorithm: str

    def sign(self, payload: bytes, signed_at: datetime) -> bytes:
        """Return a compact JWS; `signed_at` (aware) is the signing time."""
        own = self.certificates[0]
        header = jws_header(
            self.algorithm,
            signed_at,
            [base64.b64encode(_der(certificate)).decode("ascii") for certificate in self.certificates],
            base64.urlsafe_b64encode(own.fingerprint(hashes.SHA256())).rstrip(b"=").decode("ascii"),
        )
        kind = jwk.RSAKey if self.algorithm == "PS256" else jwk.ECKey
        return jws.serialize_compact(
            header, payload, kind.import_key(self.key_pem), registry=_REGISTRY
        ).encode("ascii")


class KeyFolder:
    """
    `<HSA-id>.key` (PKCS#8, PEM) and `<HSA-id>.pem` (certificates, own first, without the root), in capital letters.

    For logins of an issuer also `<HSA-id>.login`: `{"issuer": "https://…", "sub": "…"}`, whom the key belongs to there.
    """

    def __init__(self, folder: Path, password: str | None = None) -> None:
        self._folder = folder
        self._password = password.encode() if password else None

    def of(self, operator: Operator) -> KeySigner:
        """Read an operator's key. Raises NoKey."""
        hsa_id = operator.hsa_id or ""
        if not hsa_id or not all(letter.isalnum() or letter == "-" for letter in hsa_id):
            raise NoKey("the operator has no HSA-id that names a key")
        if operator.issuer is not None:
            self._bound(hsa_id, operator.issuer, operator.subject)
        try:
            raw = (self._folder / f"{hsa_id}.key").read_bytes()
            certificates = tuple(
                x509.load_pem_x509_certificates((self._folder / f"{hsa_id}.pem").read_bytes())
            )
            key = serialization.load_pem_private_key(raw, self._password)
        except OSError as error:
            raise NoKey(f"{Path(error.filename or '').name} cannot be read") from error
        except (ValueError, TypeError) as error:
            raise NoKey("the key or its certificates cannot be read") from error
        if key.public_key() != certificates[0].public_key():
            raise NoKey("the key does not belong to the first certificate")
        named = [
            attribute.value
            for attribute in certificates[0].subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        ]
        if [str(name).strip().upper() for name in named] != [hsa_id]:
            raise NoKey("the first certificate is another's")
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return KeySigner(pem, certificates, _algorithm(key))

    def _bound(self, hsa_id: str, issuer: str, subject: str | None) -> None:
        """Raise NoKey unless the file beside the key names this login."""
        file = self._folder / f"{hsa_id}.login"
        try:
            found = json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            raise NoKey(f"{file.name} cannot be read; it names the login that the key belongs to") from error
        if found != {"issuer": issuer, "sub": subject}:
            raise NoKey(f"{file.name} names another login")


def _algorithm(key: object) -> str:
    match key:
        case rsa.RSAPrivateKey():
            return "PS256"
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return "ES256"
        case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()):
            return "ES384"
        case _:
            raise NoKey("the key must be P-256, P-384 or RSA")


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
