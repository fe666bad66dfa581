"""
A throw-away certificate authority with SITHS-like staff certificates, for tests, the demo, scenarios and `sigill dev ca`.

A P-384 root, an issuing authority for staff, one for functions, a look-alike that nobody trusts, and an OCSP
responder. Staff certificates are P-256 with contentCommitment alone and the HSA-id as the subject's serialNumber.
Every moment is an argument, so that certificates can be valid in whatever year a scenario plays. Nothing here is
safe for real use: keys are written without a passphrase.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from sigill.devtools.keys import (
    LEVEL_2,
    LEVEL_3,
    Authority,
    Holder,
    Key,
    authority_key_id,
    build_authority,
    hash_for,
    is_issued,
    key_usage,
    make_authority,
    make_responder,
    new_key,
    read_pair,
    staff_name,
    write_pair,
)

_YEAR = timedelta(days=365)
_RESERVED = 256


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
        root = build_authority("Sigill Dev Root CA", None, new_key("P-384"), start, end)
        other_root = build_authority("Sigill Dev Root CA", None, new_key("P-384"), start, end)
        # Serial numbers that every list names from the first: a certificate that is to be revoked takes one of
        # them, and no list needs to be issued again for it.
        reserved = [x509.random_serial_number() for _ in range(_RESERVED)]
        authority = cls(
            root=root,
            issuing=build_authority("Sigill Dev Person HSA-id 3 CA", root, new_key(issuing_key), start, end),
            functions=build_authority("Sigill Dev Function CA", root, new_key("P-384"), start, end),
            stranger=build_authority(
                "Sigill Dev Person HSA-id 3 CA", other_root, new_key("P-384"), start, end
            ),
            stranger_root=other_root,
            responder=make_responder(root, start, end),
            not_before=start,
            not_after=end,
            revoked=dict.fromkeys(reserved, (start, x509.ReasonFlags.key_compromise)),
            reserved=reserved,
        )
        authority.responder = make_responder(authority.issuing, start, end)
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
            .add_extension(authority_key_id(authority), critical=False)
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
        return builder.sign(authority.key, hash_for(authority.key)).public_bytes(serialization.Encoding.DER)

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
        return builder.sign(signer.key, hash_for(signer.key)).public_bytes(serialization.Encoding.DER)

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
        subject = name if name is not None else staff_name(hsa_id)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(authority.name)
            .public_key(private.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(not_before or self.not_before)
            .not_valid_after(not_after or self.not_after)
            .add_extension(authority_key_id(authority), critical=False)
            .add_extension(usage or key_usage("content_commitment"), critical=True)
        )
        if policies:
            information = [x509.PolicyInformation(ObjectIdentifier(p), None) for p in policies]
            builder = builder.add_extension(x509.CertificatePolicies(information), critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(authority.key, hash_for(authority.key))
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
            write_pair(folder / name, getattr(self, name).certificate, getattr(self, name).key)
        staff = folder / "staff"
        staff.mkdir(exist_ok=True)
        for (hsa_id, kind), holder in self._holders.items():
            write_pair(staff / f"{hsa_id}.{kind}", holder.certificate, holder.key)
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
        read = {name: Authority(*read_pair(folder / name)) for name in _AUTHORITIES}
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
            certificate, key = read_pair(path.with_suffix(""))
            issuer = next(i for i in issuers if is_issued(certificate, i))
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

__all__ = [
    "LEVEL_2",
    "LEVEL_3",
    "Authority",
    "DevAuthority",
    "Holder",
    "Key",
    "PublicFiles",
    "key_usage",
    "make_authority",
    "new_key",
]
