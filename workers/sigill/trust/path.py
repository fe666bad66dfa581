"""
A certificate's path to a trust anchor (RFC 5280, 6.1).

`cryptography.x509.verification` builds it. Two kinds of path it refuses whatever it is told, and they are walked here
by the same demands: one with a critical name constraint of type directoryName, as national authorities have, and one
whose leaf has an RSASSA-PSS key. What name constraints of directory names say is judged by `usage.path_faults`, for
either kind.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID, PublicKeyAlgorithmOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from sigill.trust.asn1 import CANNOT_BE_READ, name_der, read_name
from sigill.trust.ocsp import SAFE_HASHES
from sigill.trust.profile import SMALLEST_RSA

Path = tuple[x509.Certificate, ...]

STEPS = 64
"""Signatures that one walk looks at: a message could bring certificates that sign each other in every way."""

_LEAF = ExtensionPolicy.permit_all()
_AUTHORITY = ExtensionPolicy.webpki_defaults_ca().may_be_present(
    x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None
)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
#: Extensions that may be critical in a path that is walked here: all of them are looked at, here or in `usage`.
_UNDERSTOOD = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.NAME_CONSTRAINTS,
}


class PathBuilder:
    """Builds paths to the anchors. `max_chain` counts certificates between leaf and anchor, both included."""

    def __init__(self, anchors: Sequence[x509.Certificate], max_chain: int) -> None:
        self._anchors = tuple(anchors)
        self._store = Store(list(anchors)) if anchors else None
        self._max_chain = max_chain

    def path(self, leaf: x509.Certificate, helpers: Sequence[x509.Certificate], at: datetime) -> Path:
        """A path from the leaf to an anchor, both included, valid at the moment; empty when there is none."""
        if self._store is None:
            return ()
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(at)
            .max_chain_depth(self._max_chain)
            .extension_policies(ca_policy=_AUTHORITY, ee_policy=_LEAF)
            .build_client_verifier()
        )
        try:
            chain = tuple(verifier.verify(leaf, list(helpers)).chain)
        except (VerificationError, *CANNOT_BE_READ):
            return self.walked(leaf, helpers, at) if self._must_be_walked(leaf, helpers) else ()
        # An anchor used as a leaf would be a path of one.
        return chain if len(chain) > 1 else ()

    def walked(self, leaf: x509.Certificate, helpers: Sequence[x509.Certificate], at: datetime) -> Path:
        """The same without the library's builder. Only RSA of 2048 bits and more, and the curves of NIST from P-256."""
        try:
            if leaf in self._anchors or not _is_readable(leaf) or not _is_valid(leaf, at):
                return ()
            return next(self._walk((leaf,), helpers, at, [STEPS]), ())
        except CANNOT_BE_READ:
            return ()

    def _must_be_walked(self, leaf: x509.Certificate, helpers: Sequence[x509.Certificate]) -> bool:
        if leaf.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
            return True
        return any(_names_directories(c) for c in (*helpers, *self._anchors))

    def _walk(
        self, path: Path, helpers: Sequence[x509.Certificate], at: datetime, left: list[int]
    ) -> Iterator[Path]:
        """Depth first: every way to an anchor, the anchors asked first, until the steps that are `left` are used up."""
        child = path[-1]
        for parent in (*self._anchors, *helpers):
            if parent in path or name_der(child, "issuer") != name_der(parent, "subject"):
                continue
            left[0] -= 1
            if left[0] < 0:
                return
            if not _issued(child, parent) or not _may_issue(parent, len(path) - 1, at):
                continue
            if parent in self._anchors:
                yield (*path, parent)
            elif len(path) + 1 < self._max_chain:
                yield from self._walk((*path, parent), helpers, at, left)


def _issued(child: x509.Certificate, parent: x509.Certificate) -> bool:
    algorithm = child.signature_hash_algorithm
    if algorithm is None or algorithm.name not in SAFE_HASHES:
        return False
    try:
        child.verify_directly_issued_by(parent)
    except (*CANNOT_BE_READ,):
        return False
    return True


def _may_issue(authority: x509.Certificate, below: int, at: datetime) -> bool:
    """Whether it is an authority that may have `below` other authorities under it on this path."""
    if not _is_readable(authority) or not _is_valid(authority, at):
        return False
    match authority.public_key():
        case rsa.RSAPublicKey() as key if key.key_size >= SMALLEST_RSA:
            pass
        case ec.EllipticCurvePublicKey() as key if isinstance(key.curve, _CURVES):
            pass
        case _:
            return False
    try:
        constrained = authority.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    basic = constrained.value
    if not constrained.critical or not basic.ca or not usage.key_cert_sign:
        return False
    if not read_name(name_der(authority, "subject")):
        return False
    if basic.path_length is not None and basic.path_length < below:
        return False
    constraints = _constraints(authority)
    # Names of another type could be constrained too; nobody would look.
    return constraints is None or all(isinstance(n, x509.DirectoryName) for n in _subtrees(constraints))


def _is_readable(certificate: x509.Certificate) -> bool:
    """Version 3, a serial number of at most 20 bytes, and nothing critical that nobody looks at (RFC 5280, 4.1.2)."""
    return (
        certificate.version is x509.Version.v3
        and 0 < certificate.serial_number.bit_length() < 160
        and all(extension.oid in _UNDERSTOOD for extension in certificate.extensions if extension.critical)
    )


def _is_valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _names_directories(certificate: x509.Certificate) -> bool:
    constraints = _constraints(certificate)
    return constraints is not None and any(isinstance(n, x509.DirectoryName) for n in _subtrees(constraints))


def _constraints(certificate: x509.Certificate) -> x509.NameConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except (x509.ExtensionNotFound, *CANNOT_BE_READ):
        return None


def _subtrees(constraints: x509.NameConstraints) -> list[x509.GeneralName]:
    return [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]
