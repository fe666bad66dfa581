"""
Evidence of revocation: lists and OCSP answers, indexed. Nothing in it is believed before it is verified.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import ocsp

from sigill.trust.asn1 import CANNOT_BE_READ, name_der
from sigill.trust.chain import CertificateHolder
from sigill.trust.crl_scope import CrlScope, scope_of
from sigill.trust.ocsp import SAFE_HASHES

_SERIALS_REMEMBERED = 16_384
#: How many of the newest lists of one issuer and scope are held ready for quick look-ups.
_WARM = 8
_VIEWS_REMEMBERED = 16_384


@dataclass(frozen=True, slots=True)
class RevocationStatement:
    """What one CRL or OCSP answer says of one certificate: from, until (UTC, inclusive), revoked at or None."""

    since: datetime
    until: datetime
    revoked_at: datetime | None


class RevocationList:
    """
    One CRL with what was found out about it. `scope` says for which certificates of its issuer it speaks.

    The same object may stand in many snapshots of evidence; what it remembers is true of the list itself.
    """

    def __init__(self, crl: x509.CertificateRevocationList) -> None:
        self.crl = crl
        self.issuer = name_der(crl, "issuer")
        self.since = crl.last_update_utc
        self.until = crl.next_update_utc or crl.last_update_utc
        self.fingerprint = crl.fingerprint(SHA256()).hex()
        self.scope, self.number = scope_of(crl)
        self._signed_by: dict[bytes, bool] = {}
        self._serials: dict[int, datetime | None] = {}
        self._named: frozenset[int] | None = None

    @classmethod
    def read(cls, data: bytes) -> "RevocationList":
        """Parse DER or PEM. Raises ValueError."""
        pem = data.lstrip().startswith(b"-----BEGIN")
        try:
            return cls(x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data))
        except CANNOT_BE_READ as error:
            raise ValueError("not a revocation list") from error

    def is_signed_by(self, issuer: x509.Certificate) -> bool:
        key = issuer.fingerprint(SHA256())
        known = self._signed_by.get(key)
        if known is None:
            known = self._signed_by[key] = self._verify(issuer)
        return known

    def statement(self, serial: int) -> RevocationStatement:
        return RevocationStatement(self.since, self.until, self._revoked_at(serial))

    def warm(self) -> None:
        """Read all serial numbers at once: a look-up in a long list takes a millisecond, in this set nothing."""
        if self._named is None:
            self._named = frozenset(entry.serial_number for entry in self.crl)

    def cool(self) -> None:
        """Forget them again: an older list is asked seldom."""
        self._named = None

    def _revoked_at(self, serial: int) -> datetime | None:
        if serial in self._serials:
            return self._serials[serial]
        if self._named is not None and serial not in self._named:
            return None
        entry = self.crl.get_revoked_certificate_by_serial_number(serial)
        found = None if entry is None else _effective(entry)
        if len(self._serials) >= _SERIALS_REMEMBERED:
            self._serials.clear()
        self._serials[serial] = found
        return found

    def _verify(self, issuer: x509.Certificate) -> bool:
        try:
            usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        except x509.ExtensionNotFound:
            usage = None
        if usage is not None and not usage.crl_sign:
            return False
        try:
            algorithm = self.crl.signature_hash_algorithm
            if algorithm is None or algorithm.name not in SAFE_HASHES:
                return False
            return self.crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
        except CANNOT_BE_READ:
            return False


@dataclass(frozen=True, slots=True)
class Series:
    """Lists of one issuer and one scope, oldest first: only within a series does a list follow upon another."""

    lists: tuple[RevocationList, ...]
    since: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class View:
    """The lists that speak for one certificate of a path, by their scope."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    serial: int
    not_after: datetime
    series: tuple[Series, ...]


@dataclass(frozen=True, eq=False)
class RevocationSnapshot:
    """
    A snapshot of everything known about revocation. Nothing in it is believed before its signature is verified.

    `lists` by the issuer's name (DER), oldest first; `answers` by the certificate's serial number.
    """

    lists: Mapping[bytes, tuple[RevocationList, ...]] = field(default_factory=dict)
    answers: Mapping[int, tuple[ocsp.OCSPResponse, ...]] = field(default_factory=dict)
    _views: dict[str, tuple[View, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, lists: Iterable[RevocationList] = (), answers: Iterable[ocsp.OCSPResponse] = ()
    ) -> "RevocationSnapshot":
        """Index lists and answers; the same list twice counts once."""
        by_issuer: dict[bytes, dict[str, RevocationList]] = {}
        for crl in lists:
            by_issuer.setdefault(crl.issuer, {})[crl.fingerprint] = crl
        by_serial: dict[int, list[ocsp.OCSPResponse]] = {}
        for answer in answers:
            for serial in _serials(answer):
                by_serial.setdefault(serial, []).append(answer)
        return cls(
            MappingProxyType(
                {
                    name: tuple(sorted(found.values(), key=lambda c: (c.since, c.number)))
                    for name, found in by_issuer.items()
                }
            ),
            MappingProxyType({serial: tuple(found) for serial, found in by_serial.items()}),
        )

    @classmethod
    def read(cls, crls: Iterable[bytes] = (), ocsp_answers: Iterable[bytes] = ()) -> "RevocationSnapshot":
        """Index DER or PEM lists and DER answers. Raises ValueError on what cannot be read."""
        return cls.of(
            [RevocationList.read(data) for data in crls],
            [ocsp.load_der_ocsp_response(data) for data in ocsp_answers],
        )

    def views(self, holder: CertificateHolder) -> tuple[View, ...]:
        known = self._views.get(holder.fingerprint)
        if known is not None and known[0].certificate == holder.certificate and _same_path(known, holder):
            return known
        views = tuple(
            self._view(certificate, issuer)
            for certificate, issuer in zip(holder.chain, holder.chain[1:], strict=False)
        )
        if len(self._views) >= _VIEWS_REMEMBERED:
            self._views.clear()
        self._views[holder.fingerprint] = views
        return views

    def _view(self, certificate: x509.Certificate, issuer: x509.Certificate) -> View:
        by_scope: dict[CrlScope, list[RevocationList]] = {}
        for crl in self.lists.get(name_der(certificate, "issuer"), ()):
            if crl.scope.covers(certificate) and crl.is_signed_by(issuer):
                by_scope.setdefault(crl.scope, []).append(crl)
        return View(
            certificate,
            issuer,
            certificate.serial_number,
            certificate.not_valid_after_utc,
            tuple(Series(tuple(lists), tuple(crl.since for crl in lists)) for lists in by_scope.values()),
        )


class RevocationIndex:
    """Builds snapshots one after the other; a list that stays is parsed and verified once."""

    def __init__(self) -> None:
        self._known: dict[str, RevocationList] = {}

    def __call__(self, lists: Mapping[str, bytes], answers: Iterable[bytes]) -> RevocationSnapshot:
        """
        Index lists (DER or PEM, by a name of their content) and OCSP answers (DER). What cannot be read is left out:
        it speaks for nobody.
        """
        known: dict[str, RevocationList] = {}
        for name, data in lists.items():
            try:
                known[name] = self._known.get(name) or RevocationList.read(data)
            except ValueError:
                continue
        self._known = known
        by_scope: dict[tuple[bytes, CrlScope], list[RevocationList]] = {}
        for crl in sorted(known.values(), key=lambda c: c.since, reverse=True):
            by_scope.setdefault((crl.issuer, crl.scope), []).append(crl)
        for found in by_scope.values():
            for place, given_crl in enumerate(found):
                given_crl.warm() if place < _WARM else given_crl.cool()
        parsed = []
        for answer in answers:
            try:
                parsed.append(ocsp.load_der_ocsp_response(answer))
            except CANNOT_BE_READ:
                continue
        return RevocationSnapshot.of(known.values(), parsed)


def _same_path(views: tuple[View, ...], holder: CertificateHolder) -> bool:
    return len(views) == len(holder.chain) - 1 and all(
        view.issuer is issuer or view.issuer == issuer
        for view, issuer in zip(views, holder.chain[1:], strict=True)
    )


def _effective(entry: x509.RevokedCertificate) -> datetime:
    """The revocation date, or the invalidity date when that is earlier (RFC 5280, 5.3.2)."""
    date = entry.revocation_date_utc
    try:
        invalid = entry.extensions.get_extension_for_class(x509.InvalidityDate).value.invalidity_date_utc
    except (x509.ExtensionNotFound, *CANNOT_BE_READ):
        return date
    return min(date, invalid.astimezone(UTC))


def _serials(answer: ocsp.OCSPResponse) -> set[int]:
    try:
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return set()
        return {response.serial_number for response in answer.responses}
    except CANNOT_BE_READ:
        return set()
