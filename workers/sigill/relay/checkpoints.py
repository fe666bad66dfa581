"""
Signed checkpoints of the audit chains, for `access.audit-heads.v1`.

A chain shows a changed, removed or inserted row; a cut-off tail it shows only to somebody who knows how long it was.
So length and head leave the database, signed, at intervals: whoever rewrites the database cannot rewrite them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import rfc8785
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

TYPE = "sigill-audit-head+jws"
ALGORITHM = "ES256"


class NoAuditKey(Exception):
    """No fit key is set to sign the audit chains' heads with, and unsigned ones prove nothing."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands: `count` rows, the last one's hash in lower-case hex."""

    chain: str
    count: int
    head: str


class CheckpointSigner:
    """Signs heads with an EC key on P-256. `kid` is the key's RFC 7638 thumbprint."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self.kid = key.thumbprint()

    @classmethod
    def from_file(cls, path: Path) -> "CheckpointSigner":
        """Read a PEM private key. Raises NoAuditKey for anything else than an unencrypted EC key on P-256."""
        try:
            loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (ValueError, TypeError, OSError, UnsupportedAlgorithm) as error:
            raise NoAuditKey(f"SIGILL_AUDIT_KEY: {path}: no private key can be read from it") from error
        if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
            raise NoAuditKey(f"SIGILL_AUDIT_KEY: {path}: must be an EC key on P-256")
        return cls(ECKey.import_key(path.read_bytes()))

    @classmethod
    def ephemeral(cls) -> "CheckpointSigner":
        """A key that dies with the process: for trials, where nobody will verify tomorrow."""
        return cls(ECKey.generate_key("P-256", private=True))

    def public_jwk(self) -> Mapping[str, object]:
        """The public key, for whoever verifies."""
        return {**self._key.as_dict(private=False), "kid": self.kid, "alg": ALGORITHM, "use": "sig"}

    def checkpoint(self, head: Head, at: datetime, issuer: str) -> bytes:
        """A compact JWS that says how long a chain is and where it ends. `at` is UTC."""
        body = rfc8785.dumps(
            {
                "iss": issuer,
                "iat": int(at.timestamp()),
                "chain": head.chain,
                "count": head.count,
                "head": head.head,
            }
        )
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self.kid}
        return jws.serialize_compact(header, body, self._key, algorithms=[ALGORITHM]).encode("ascii")


def signer_for(environment: str, key_file: Path | None) -> tuple[CheckpointSigner, str | None]:
    """
    The signer, and in words what is to be noted about it, if anything.

    Raises NoAuditKey in production without a key, before any partition is assigned.
    """
    if key_file is not None:
        return CheckpointSigner.from_file(key_file), None
    if environment == "production":
        raise NoAuditKey("SIGILL_AUDIT_KEY: needed in production, to sign the audit chains' heads")
    return (
        CheckpointSigner.ephemeral(),
        "audit heads are signed with a key made at this start; set SIGILL_AUDIT_KEY to keep one",
    )


def read_checkpoint(token: bytes, public: Mapping[str, object]) -> Head:
    """Verify a checkpoint. Raises ValueError when it is not signed by that key."""
    key = ECKey.import_key({str(name): str(value) for name, value in public.items()})
    try:
        found = jws.deserialize_compact(token, key, algorithms=[ALGORITHM])
    except Exception as error:
        raise ValueError("the checkpoint is not signed by this key") from error
    claims = json.loads(found.payload or b"{}")
    return Head(claims["chain"], claims["count"], claims["head"])
