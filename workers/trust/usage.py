"""What a certificate is for: key, usage, policies, name constraints. What the path builder leaves open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import ECKey, RSAKey

from contracts.vocabulary import RefusalCode
from workers.trust.asn1 import CANNOT_BE_READ
from workers.trust.policy import TrustPolicy

ANY_POLICY = "2.5.29.32.0"
_E = TypeVar("_E", bound=x509.ExtensionType)


#: What a certificate whose extended key usage names nothing else is for: not for signing an order.
_OTHER_WORK = {
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.SMARTCARD_LOGON,
    ExtendedKeyUsageOID.CODE_SIGNING,
    ExtendedKeyUsageOID.TIME_STAMPING,
    ExtendedKeyUsageOID.OCSP_SIGNING,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a certificate may not have signed the order."""

    code: RefusalCode
    check: str
    detail: str


def key_of(leaf: x509.Certificate) -> tuple[ECKey | RSAKey | None, frozenset[str]]:
    """The key and what it may sign with; None for a kind or size that no order is signed with."""
    try:
        key = leaf.public_key()
    except CANNOT_BE_READ:
        return None, frozenset()
    match key:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return ECKey.import_key(key), frozenset({"ES256"})
        case ec.EllipticCurvePublicKey(curve=ec.SECP384R1()):
            return ECKey.import_key(key), frozenset({"ES384"})
        case rsa.RSAPublicKey() if 2048 <= key.key_size <= 8192:
            return RSAKey.import_key(key), frozenset({"PS256", "RS256"})
        case _:
            return None, frozenset()


def key_text(leaf: x509.Certificate) -> str:
    try:
        key = leaf.public_key()
    except CANNOT_BE_READ:
        return "the key cannot be read"
    size = getattr(key, "key_size", None)
    return f"{type(key).__name__.removesuffix('PublicKey')} {size or ''}".strip()


def usage_faults(leaf: x509.Certificate, policy: TrustPolicy) -> Sequence[Fault]:
    """Key usage, extended key usage, CA flag: contentCommitment is the key that signs decisions (RFC 5280, 4.2.1.3)."""
    found: list[str] = []
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None:
        found.append("no key usage")
    else:
        if not usage.content_commitment:
            found.append("key usage without contentCommitment")
        if usage.key_cert_sign or usage.crl_sign:
            found.append("an authority's key usage")
    basic = _extension(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        found.append("an authority's certificate")
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is not None and all(oid in _OTHER_WORK for oid in extended):
        found.append("extended key usage for other work only")
    issuers = [
        str(a.value)
        for a in leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        if any(text in str(a.value) for text in policy.refused_issuers)
    ]
    if issuers:
        found.append("issued by an authority whose certificates sign no decisions")
    return [Fault(RefusalCode.CERTIFICATE_NOT_FOR_SIGNING, "certificate_usage", text) for text in found]


def path_faults(chain: tuple[x509.Certificate, ...], policy: TrustPolicy) -> Sequence[Fault]:
    faults = []
    policies = _policies(chain[0])
    for authority in chain[1:-1]:
        passed_on = _policies(authority)
        if ANY_POLICY not in passed_on:
            policies &= passed_on
    if policy.required_policies and not policies & policy.required_policies:
        faults.append("none of the required certificate policies")
    # A forbidden policy is forbidden also when no authority passed it on.
    if forbidden := _policies(chain[0]) & policy.forbidden_policies:
        faults.append(f"certificate policy {', '.join(sorted(forbidden))}")
    found = [Fault(RefusalCode.CERTIFICATE_NOT_FOR_SIGNING, "certificate_policies", text) for text in faults]
    if not _within_directory_names(chain):
        text = "a name outside an authority's name constraints"
        found.append(Fault(RefusalCode.CERTIFICATE_UNTRUSTED, "certificate_path", text))
    return found


def _policies(certificate: x509.Certificate) -> frozenset[str]:
    policies = _extension(certificate, x509.CertificatePolicies)
    return frozenset() if policies is None else frozenset(p.policy_identifier.dotted_string for p in policies)


def _within_directory_names(chain: tuple[x509.Certificate, ...]) -> bool:
    """Name constraints of type directoryName (RFC 5280, 4.2.1.10), which the path builder leaves out."""
    for depth, authority in enumerate(chain):
        constraints = _extension(authority, x509.NameConstraints) if depth else None
        if constraints is None:
            continue
        permitted = [
            n.value for n in constraints.permitted_subtrees or () if isinstance(n, x509.DirectoryName)
        ]
        excluded = [n.value for n in constraints.excluded_subtrees or () if isinstance(n, x509.DirectoryName)]
        for below in chain[:depth]:
            name = _name_key(below.subject)
            if permitted and not any(_name_key(n) == name[: len(n.rdns)] for n in permitted):
                return False
            if any(_name_key(n) == name[: len(n.rdns)] for n in excluded):
                return False
    return True


def _name_key(name: x509.Name) -> list[frozenset[tuple[str, str]]]:
    return [
        frozenset((a.oid.dotted_string, " ".join(str(a.value).split()).casefold()) for a in rdn)
        for rdn in name.rdns
    ]


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
