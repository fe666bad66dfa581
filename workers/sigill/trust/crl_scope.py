"""
For which certificates a revocation list speaks (RFC 5280, 5.2.5 and 6.3.3 b).

An authority may split its lists: by the kind of certificate, or by distribution point. A list that names a point speaks
for the certificates that name the same point and for no others. Delta lists, indirect ones, those limited to some
reasons, those of attribute certificates, and those with a critical extension that is not understood speak for nobody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from sigill.trust.asn1 import CANNOT_BE_READ, name_der

#: Extensions of a CRL that may be critical and are understood (RFC 5280, 5.2).
_UNDERSTOOD = {
    ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.CRL_NUMBER,
}

#: A distribution point's name: its kind, and its value in one spelling.
Point = tuple[str, str | bytes]


@dataclass(frozen=True, slots=True)
class CrlScope:
    """
    The certificates that a list speaks for. Two lists of one issuer replace each other only when their scopes are equal.

    `points` is None for a list that is not split by distribution point.
    """

    users: bool
    authorities: bool
    points: frozenset[Point] | None = None

    @property
    def speaks(self) -> bool:
        """False for a list that is no evidence for anybody."""
        return (self.users or self.authorities) and self.points != frozenset()

    @property
    def label(self) -> str:
        """The scope in words, for metrics: `all`, `users`, `authorities`, and the points it is split by."""
        whom = {(True, True): "all", (True, False): "users", (False, True): "authorities"}
        kind = whom.get((self.users, self.authorities), "nobody")
        if self.points is None:
            return kind
        addresses = sorted(value for _, value in self.points if isinstance(value, str))
        return f"{kind} {' '.join(addresses) or 'by name'}"

    def covers(self, certificate: x509.Certificate) -> bool:
        """True when the certificate is within the scope. Its issuer is not looked at."""
        if not (self.authorities if _is_authority(certificate) else self.users):
            return False
        return self.points is None or not self.points.isdisjoint(_points_of(certificate))


NOBODY = CrlScope(users=False, authorities=False)


def scope_of(crl: x509.CertificateRevocationList) -> tuple[CrlScope, int]:
    """The list's scope and its CRL number (0 when it has none). Never raises."""
    users = authorities = True
    points: frozenset[Point] | None = None
    number = 0
    try:
        for extension in crl.extensions:
            value = extension.value
            if extension.oid == ExtensionOID.DELTA_CRL_INDICATOR or (
                extension.critical and extension.oid not in _UNDERSTOOD
            ):
                return NOBODY, 0
            if isinstance(value, x509.CRLNumber):
                number = value.crl_number
            if isinstance(value, x509.IssuingDistributionPoint):
                if (
                    value.indirect_crl
                    or value.only_contains_attribute_certs
                    or value.only_some_reasons is not None
                ):
                    return NOBODY, 0
                users = not value.only_contains_ca_certs
                authorities = not value.only_contains_user_certs
                if value.full_name is not None or value.relative_name is not None:
                    points = _names(value.full_name, value.relative_name, crl)
    except CANNOT_BE_READ:
        return NOBODY, 0
    return CrlScope(users, authorities, points), number


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _points_of(certificate: x509.Certificate) -> frozenset[Point]:
    """
    The points whose complete lists the certificate names, and its issuer's own name (the last paragraph of 6.3.3).

    A point that is limited to some reasons, or whose list another authority issues, is left out: its list alone cannot
    say that the certificate is good.
    """
    found: frozenset[Point] = frozenset({("directory", name_der(certificate, "issuer"))})
    try:
        named = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        for point in named:
            if point.reasons is None and point.crl_issuer is None:
                found |= _names(point.full_name, point.relative_name, certificate)
    except (x509.ExtensionNotFound, *CANNOT_BE_READ):
        return found
    return found


def _names(
    full: Iterable[x509.GeneralName] | None,
    relative: x509.RelativeDistinguishedName | None,
    of: x509.Certificate | x509.CertificateRevocationList,
) -> frozenset[Point]:
    found: set[Point] = set()
    for name in full or ():
        match name:
            case x509.UniformResourceIdentifier():
                found.add(("uri", _uri(name.value)))
            case x509.DirectoryName():
                found.add(("directory", name.value.public_bytes()))
            case _:
                found.add((type(name).__name__, repr(name)))
    if relative is not None:
        found.add(("directory", x509.Name([*of.issuer.rdns, relative]).public_bytes()))
    return frozenset(found)


def _uri(text: str) -> str:
    """Scheme and host in lower case, the rest as it stands (RFC 5280, 7.4)."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    return urlunsplit(parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()))
