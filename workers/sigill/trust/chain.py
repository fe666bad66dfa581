"""
Whose certificate it is, whether it hangs from an anchor, and whether it may sign an order.

The path is built by `path`; what it leaves open (key usage, key type and size, certificate policies, directory-name
constraints) is looked at here. A path that once held
is kept with the span in which all its certificates are valid, so that the next signature by the same holder costs
one look-up; a path that did not hold is never kept, so nobody can fill the book with rubbish.
"""

import base64
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, RSAKey

from sigill.trust.asn1 import CANNOT_BE_READ, name_der, read_name
from sigill.trust.identity import NotAnHsaId, attributes_of, hsa_id_of
from sigill.trust.path import Path, PathBuilder
from sigill.trust.policy import TrustPolicy
from sigill.trust.usage import UsageFault, key_faults, key_of, no_path, path_faults, usage_faults
from sigill_contracts.vocabulary import RefusalCode

HOLDERS_KEPT = 8192


class NotCertificates(ValueError):
    """The certificates of the message cannot be read."""


@dataclass(frozen=True, slots=True)
class CertificateHolder:
    """
    A certificate as far as it can be judged without the moment of signing.

    `chain` runs from the leaf to the anchor, and is empty when no path was found; all of it is valid from
    `not_before` through `not_after` (UTC, both inclusive). `algorithms` are those that the key may use.
    """

    certificate: x509.Certificate
    key: ECKey | RSAKey | None
    algorithms: frozenset[str]
    fingerprint: str
    hsa_id: str
    issuer: str
    chain: tuple[x509.Certificate, ...]
    not_before: datetime
    not_after: datetime
    faults: tuple[UsageFault, ...]

    def digest(self, algorithm: type[HashAlgorithm]) -> bytes:
        """The certificate's digest; the usual one is remembered."""
        if algorithm is SHA256:
            return bytes.fromhex(self.fingerprint)
        return self.certificate.fingerprint(algorithm())


def read_certificates(data: bytes) -> tuple[x509.Certificate, ...]:
    """
    Read the certificates of a file: PEM, one or many, or one in DER. Raises ValueError when there is none, or one of
    them cannot be used to judge others.
    """
    try:
        if b"-----BEGIN" in data:
            found = tuple(x509.load_pem_x509_certificates(data))
        else:
            found = (x509.load_der_x509_certificate(data),)
    except CANNOT_BE_READ as error:
        raise ValueError("no certificate can be read from it, neither PEM nor DER") from error
    try:
        for certificate in found:  # read lazily: what is broken must show now, not with the first message
            certificate.extensions, certificate.public_key()
            for which in ("subject", "issuer"):
                read_name(name_der(certificate, which))
    except CANNOT_BE_READ as error:
        raise ValueError("a certificate in it cannot be used: its names, key or extensions") from error
    return found


class CertificateBook:
    """The certificates met under one policy: paths that held, by the certificates as they stood in the message."""

    def __init__(self, policy: TrustPolicy) -> None:
        self._policy = policy
        self._paths = PathBuilder(policy.anchors, policy.max_chain)
        self._known: OrderedDict[tuple[str, ...], CertificateHolder] = OrderedDict()
        self._authorities: dict[bytes, x509.Certificate] = {
            c.public_bytes(Encoding.DER): c for c in (*policy.anchors, *policy.intermediates)
        }

    def __len__(self) -> int:
        return len(self._known)

    def holder(self, x5c: tuple[str, ...], at: datetime) -> CertificateHolder:
        """
        Look up or judge a holder by base64 (standard alphabet) DER certificates, leaf first.

        `at` is the claimed signing time (UTC). Raises NotCertificates.
        """
        known = self._known.get(x5c)
        if known is not None and known.not_before - self._policy.clock_skew <= at <= known.not_after:
            self._known.move_to_end(x5c)
            return known

        leaf, others = self._parse(x5c)
        holder = self._judge(leaf, others, at)
        if holder.chain:
            self._known[x5c] = holder
            self._known.move_to_end(x5c)
            while len(self._known) > HOLDERS_KEPT:
                self._known.popitem(last=False)
        return holder

    def _parse(self, x5c: tuple[str, ...]) -> tuple[x509.Certificate, list[x509.Certificate]]:
        if not 0 < len(x5c) <= self._policy.max_chain:
            raise NotCertificates(f"{len(x5c)} certificates, not 1 to {self._policy.max_chain}")
        try:
            ders = [_decode(text) for text in x5c]
            leaf = x509.load_der_x509_certificate(ders[0])
            others = [self._authorities.get(der) or x509.load_der_x509_certificate(der) for der in ders[1:]]
            for certificate in (leaf, *others):  # read lazily; what is broken must fail here
                for which in ("subject", "issuer"):
                    read_name(name_der(certificate, which))
                certificate.extensions  # noqa: B018
        except CANNOT_BE_READ as error:
            raise NotCertificates("a certificate cannot be read") from error
        if leaf.serial_number <= 0:
            raise NotCertificates("a serial number that no authority may give")
        return leaf, others

    def _judge(
        self, leaf: x509.Certificate, others: list[x509.Certificate], at: datetime
    ) -> CertificateHolder:
        helpers = [*others, *self._policy.intermediates]
        chain = self._path_near(leaf, helpers, at)
        key, algorithms = key_of(leaf)

        faults = [*usage_faults(leaf, self._policy), *key_faults(leaf, algorithms)]
        if not chain:
            above = [c for c in _family(leaf, [*helpers, *self._policy.anchors]) if c is not leaf]
            faults.append(no_path(leaf, above))
        else:
            faults += path_faults(chain, self._policy)
        hsa_id = ""
        try:
            hsa_id = hsa_id_of(leaf, self._policy.hsa_id_pattern)
        except NotAnHsaId as error:
            faults.append(
                UsageFault(
                    RefusalCode.CERTIFICATE_NOT_FOR_SIGNING,
                    "certificate_holder",
                    "certificate.subject.serialNumber",
                    error.sv,
                    error.en,
                )
            )

        span = chain or (leaf,)
        return CertificateHolder(
            certificate=leaf,
            key=key,
            algorithms=algorithms,
            fingerprint=leaf.fingerprint(SHA256()).hex(),
            hsa_id=hsa_id,
            issuer=_text_of(leaf),
            chain=chain,
            not_before=max(c.not_valid_before_utc for c in span),
            not_after=min(c.not_valid_after_utc for c in span),
            faults=tuple(faults),
        )

    def _path_near(self, leaf: x509.Certificate, helpers: list[x509.Certificate], at: datetime) -> Path:
        """Build a path at the moment; if there is none, at one when all could be valid: expired is not untrusted."""
        chain = self._paths.path(leaf, helpers, at)
        if chain:
            return chain
        family = _family(leaf, [*helpers, *self._policy.anchors])
        if all(c.not_valid_before_utc <= at <= c.not_valid_after_utc for c in family):
            return ()  # it is not a matter of time
        for moment in sorted({c.not_valid_before_utc for c in family}, reverse=True)[:8]:
            if leaf.not_valid_before_utc <= moment and (chain := self._paths.path(leaf, helpers, moment)):
                return chain
        return ()


_books: weakref.WeakKeyDictionary[TrustPolicy, CertificateBook] = weakref.WeakKeyDictionary()


def book_of(policy: TrustPolicy) -> CertificateBook:
    """The book that belongs to a policy; it lives as long as the policy does."""
    book = _books.get(policy)
    if book is None:
        book = _books[policy] = CertificateBook(policy)
    return book


def _family(leaf: x509.Certificate, others: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates that could stand above the leaf, by their names."""
    family, names = [leaf], {name_der(leaf, "issuer")}
    remaining = list(others)
    while above := [c for c in remaining if name_der(c, "subject") in names]:
        family += above
        remaining = [c for c in remaining if c not in above]
        names |= {name_der(c, "issuer") for c in above}
    return family


def _text_of(leaf: x509.Certificate) -> str:
    """The issuer's name as RFC 4514 writes it, as far as it is text."""
    try:
        return leaf.issuer.rfc4514_string()
    except CANNOT_BE_READ:
        return ",".join(value for _, value in reversed(attributes_of(leaf, "issuer")))


def _decode(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii"), validate=True)
