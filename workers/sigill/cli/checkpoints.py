"""Signed heads of the audit chains, read back: which are believed, and what they say the chains were."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from sigill.relay.checkpoints import Head, read_checkpoint
from sigill.store.audit import ChainHead

PublicKey = Mapping[str, object]


@dataclass(slots=True)
class Published:
    """
    Heads whose signatures hold, each once. `unbelieved`: how many messages no known key signed.

    `contradicted`: chains and counts of which two different heads were published: the chain was another then.
    """

    heads: dict[tuple[str, int], str] = field(default_factory=dict)
    read: int = 0
    unbelieved: int = 0
    contradicted: set[tuple[str, int]] = field(default_factory=set)

    @property
    def chain_heads(self) -> tuple[ChainHead, ...]:
        """The heads as the check of the chains takes them."""
        return tuple(
            ChainHead(chain, count, bytes.fromhex(head)) for (chain, count), head in self.heads.items()
        )

    def take(self, token: bytes, keys: Iterable[PublicKey]) -> None:
        """Take one message. A head that was proven already is not proven again: most are repeats."""
        self.read += 1
        claimed = _claimed(token)
        if claimed is not None and self.heads.get((claimed.chain, claimed.count)) == claimed.head:
            return
        head = _proven(token, keys)
        if head is None:
            self.unbelieved += 1
            return
        known = self.heads.setdefault((head.chain, head.count), head.head)
        if known != head.head:
            self.contradicted.add((head.chain, head.count))


async def gather(tokens: AsyncIterable[bytes], keys: Iterable[PublicKey]) -> Published:
    """Read heads from a topic or another source."""
    found, known = Published(), tuple(keys)
    async for token in tokens:
        found.take(token, known)
    return found


async def lines_of(path: Path) -> "AsyncIterable[bytes]":
    """Yield the messages of a file, one compact JWS a line."""
    for line in path.read_bytes().splitlines():  # noqa: ASYNC240 - a command that does nothing else meanwhile
        if line.strip():
            yield line.strip()


def public_key(path: Path) -> PublicKey:
    """
    Read a key to verify heads with: a JWK, or PEM of a certificate, a public or a private key (P-256).

    Raises ValueError, without the file's content, for anything else.
    """
    content = path.read_bytes()
    try:
        if content.lstrip().startswith(b"{"):
            given = json.loads(content)
            key = ECKey.import_key({name: given[name] for name in ("kty", "crv", "x", "y")})
            return dict(key.as_dict(private=False))
        return _of_pem(content)
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}: no EC key on P-256") from None


def _of_pem(content: bytes) -> PublicKey:
    if b"CERTIFICATE" in content:
        loaded: object = x509.load_pem_x509_certificate(content).public_key()
    elif b"PRIVATE" in content:
        private = serialization.load_pem_private_key(content, password=None)
        loaded = private.public_key()
    else:
        loaded = serialization.load_pem_public_key(content)
    if not isinstance(loaded, ec.EllipticCurvePublicKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise ValueError("another kind of key")
    pem = loaded.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return dict(ECKey.import_key(pem).as_dict(private=False))


def _claimed(token: bytes) -> Head | None:
    """What an unproven message says."""
    try:
        body = token.split(b".")[1]
        claims = json.loads(urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
        return Head(str(claims["chain"]), int(claims["count"]), str(claims["head"]))
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _proven(token: bytes, keys: Iterable[PublicKey]) -> Head | None:
    for key in keys:
        try:
            return read_checkpoint(token, key)
        except (ValueError, KeyError, TypeError):
            continue
    return None
