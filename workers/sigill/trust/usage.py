"""What a certificate is for: key, usage, policies, name constraints. What the path builder leaves open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, PublicKeyAlgorithmOID
from joserfc.jwk import ECKey, RSAKey

from sigill.trust.asn1 import CANNOT_BE_READ, Rdns, name_der
from sigill.trust.identity import attributes_of, rdns_of
from sigill.trust.policy import TrustPolicy
from sigill.trust.profile import KEYS, KNOWN_ALGORITHMS, LARGEST_RSA, SMALLEST_RSA
from sigill.trust.roca import is_weak
from sigill.trust.verdict import RefusalDetail, SignatureRefused, algorithm_refused
from sigill_contracts.vocabulary import RefusalCode

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
class UsageFault:
    """
    One reason why a certificate may not have signed the order: `detail` in English for the checks, `sv` and `en` as
    whole sentences for the sender, `field` the certificate's attribute.
    """

    code: RefusalCode
    check: str
    field: str
    sv: str
    en: str

    @property
    def detail(self) -> str:
        """The English sentence as the checks have it."""
        return self.en[:1].lower() + self.en[1:].rstrip(".")

    @property
    def reason(self) -> RefusalDetail:
        """The same for the sender."""
        return RefusalDetail(self.code, self.field, self.sv, self.en)


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
        case rsa.RSAPublicKey() if SMALLEST_RSA <= key.key_size <= LARGEST_RSA and not is_weak(key):
            # RFC 4055, 1.2: a key of this kind signs by PSS and by nothing else.
            only_pss = leaf.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS
            return RSAKey.import_key(key), frozenset({"PS256"} if only_pss else {"PS256", "RS256"})
        case _:
            return None, frozenset()


def key_text(certificate: x509.Certificate) -> tuple[str, str]:
    """What kind of key it is, in Swedish and English: `an RSA key of 1024 bits`."""
    try:
        key = certificate.public_key()
    except CANNOT_BE_READ:
        return "en nyckel som inte kan läsas", "a key that cannot be read"
    size = getattr(key, "key_size", None)
    bits_sv, bits_en = (f" på {size} bitar", f" of {size} bits") if size else ("", "")
    match key:
        case rsa.RSAPublicKey() if is_weak(key):
            return f"en RSA-nyckel{bits_sv} med ROCA-felet", f"an RSA key{bits_en} with the ROCA weakness"
        case rsa.RSAPublicKey():
            return f"en RSA-nyckel{bits_sv}", f"an RSA key{bits_en}"
        case ec.EllipticCurvePublicKey():
            return f"en EC-nyckel ({key.curve.name})", f"an EC key ({key.curve.name})"
        case _:
            kind = type(key).__name__.removesuffix("PublicKey")
            return f"en {kind}-nyckel{bits_sv}", f"a {kind} key{bits_en}"


def key_faults(leaf: x509.Certificate, algorithms: frozenset[str]) -> Sequence[UsageFault]:
    """Why nothing is signed with the certificate's key, if so."""
    if algorithms:
        return ()
    sv, en = key_text(leaf)
    wanted = "; ".join(f"{name}: {key}" for name, key in KEYS.items())
    return [
        UsageFault(
            RefusalCode.ALGORITHM_NOT_ALLOWED,
            "certificate_key",
            "certificate.publicKey",
            f"Certifikatet har {sv}. Godtas: {wanted}.",
            f"The certificate has {en}. Accepted: {wanted}.",
        )
    ]


def not_listed(field: str, algorithm: str | None, policy: TrustPolicy) -> SignatureRefused:
    """The refusal for an algorithm outside the list. A name that nobody knows is not repeated."""
    known = algorithm if algorithm in KNOWN_ALGORITHMS else None
    listed = ", ".join(policy.algorithms)
    return algorithm_refused(
        field,
        f"{known or 'an unknown algorithm'} is not on the list",
        f"Skriv under med {listed}" + (f", inte med {known}." if known else "."),
        f"Sign with {listed}" + (f", not with {known}." if known else "."),
    )


def not_for_key(field: str, algorithm: str, holder: "HasKey") -> SignatureRefused:
    """The refusal for an algorithm that the certificate's key does not sign with."""
    sv, en = key_text(holder.certificate)
    fits = ", ".join(sorted(holder.algorithms))
    return algorithm_refused(
        field,
        f"{algorithm} with {en}, a key that is not for it",
        f"Certifikatet har {sv}, som " + (f"skriver under med {fits}." if fits else "inte godtas."),
        f"The certificate has {en}, which " + (f"signs with {fits}." if fits else "is not accepted."),
    )


class HasKey(Protocol):
    """A certificate and what its key may sign with."""

    @property
    def certificate(self) -> x509.Certificate: ...
    @property
    def algorithms(self) -> frozenset[str]: ...


def usage_faults(leaf: x509.Certificate, policy: TrustPolicy) -> Sequence[UsageFault]:
    """Key usage, extended key usage, CA flag: contentCommitment is the key that signs decisions (RFC 5280, 4.2.1.3)."""
    found: list[tuple[str, str, str]] = []
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None:
        found.append(("keyUsage", "Nyckelanvändning (keyUsage) saknas.", "No key usage."))
    else:
        if not usage.content_commitment:
            found.append(
                (
                    "keyUsage",
                    "Nyckelanvändningen (keyUsage) saknar contentCommitment (nonRepudiation): det är "
                    "inloggningscertifikatet eller ett annat.",
                    "Key usage without contentCommitment (nonRepudiation): it is the log-in certificate or another.",
                )
            )
        if usage.key_cert_sign or usage.crl_sign:
            found.append(("keyUsage", "Nyckelanvändningen är en utfärdares.", "An authority's key usage."))
    basic = _extension(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        found.append(("basicConstraints", "Det är en utfärdares certifikat.", "An authority's certificate."))
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is not None and all(oid in _OTHER_WORK for oid in extended):
        found.append(
            (
                "extendedKeyUsage",
                "Utökad nyckelanvändning (extendedKeyUsage) bara för annat arbete.",
                "Extended key usage for other work only.",
            )
        )
    if any(text in name for text in policy.refused_issuers for name in _issuer_names(leaf)):
        found.append(
            (
                "issuer",
                "Utfärdaren ger inte ut certifikat för beslut.",
                "Issued by an authority whose certificates sign no decisions.",
            )
        )
    return [
        UsageFault(
            RefusalCode.CERTIFICATE_NOT_FOR_SIGNING, "certificate_usage", f"certificate.{field}", sv, en
        )
        for field, sv, en in found
    ]


def _issuer_names(leaf: x509.Certificate) -> list[str]:
    """The issuer's common names as text, whatever string type they were written in."""
    return [value for oid, value in attributes_of(leaf, "issuer") if oid == NameOID.COMMON_NAME.dotted_string]


def no_path(leaf: x509.Certificate, others: Sequence[x509.Certificate]) -> UsageFault:
    """
    Why no path to an anchor was found, as far as it shows: SHA-1 or a small key in the chain, or an issuer that is not
    there. `others` are the certificates that could stand above the leaf.
    """
    sv, en = "Ingen väg till en betrodd utfärdare hittades.", "No path to a trust anchor was found."
    family = [leaf, *others]
    small = [
        c for c in family if isinstance(key := _key(c), rsa.RSAPublicKey) and key.key_size < SMALLEST_RSA
    ]
    field = "certificate.issuer"
    if any(_signed_with_sha1(c) for c in family if name_der(c, "issuer") != name_der(c, "subject")):
        field = "certificate.signatureAlgorithm"
        sv, en = "Ett certifikat i kedjan är utfärdat med SHA-1.", "No path: SHA-1 in the chain."
    elif small:
        field = "certificate.publicKey"
        (kind_sv, kind_en) = key_text(small[0])
        sv, en = f"Kedjan har {kind_sv}.", f"No path: {kind_en} in the chain."
    elif not others:
        sv = "Utfärdarens certifikat finns varken i meddelandet eller bland de betrodda; skicka med det."
        en = "No path: its issuer's certificate is neither in the message nor among the trusted; send it along."
    return UsageFault(RefusalCode.CERTIFICATE_UNTRUSTED, "certificate_path", field, sv, en)


def _key(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except CANNOT_BE_READ:
        return None


def _signed_with_sha1(certificate: x509.Certificate) -> bool:
    try:
        algorithm = certificate.signature_hash_algorithm
    except CANNOT_BE_READ:
        return False
    return algorithm is not None and algorithm.name in {"sha1", "md5"}


def path_faults(chain: tuple[x509.Certificate, ...], policy: TrustPolicy) -> Sequence[UsageFault]:
    """What is wrong with a path that the builder accepted: certificate policies, and names outside constraints."""
    found: list[UsageFault] = []
    policies = _policies(chain[0])
    for authority in chain[1:-1]:
        passed_on = _policies(authority)
        if ANY_POLICY not in passed_on:
            policies &= passed_on
    code, check, field = (
        RefusalCode.CERTIFICATE_NOT_FOR_SIGNING,
        "certificate_policies",
        "certificate.certificatePolicies",
    )
    if policy.required_policies and not policies & policy.required_policies:
        wanted = ", ".join(sorted(policy.required_policies))
        found.append(
            UsageFault(
                code,
                check,
                field,
                f"Ingen av de tillitsnivåer (certificatePolicies) som krävs: {wanted}.",
                f"None of the required certificate policies: {wanted}.",
            )
        )
    # A forbidden policy is forbidden also when no authority passed it on.
    if forbidden := _policies(chain[0]) & policy.forbidden_policies:
        named = ", ".join(sorted(forbidden))
        found.append(
            UsageFault(
                code, check, field, f"Certifikatpolicyn {named} godtas inte.", f"Certificate policy {named}."
            )
        )
    if not _within_directory_names(chain):
        found.append(
            UsageFault(
                RefusalCode.CERTIFICATE_UNTRUSTED,
                "certificate_path",
                "certificate.subject",
                "Ett namn ligger utanför utfärdarens namnbegränsning (nameConstraints).",
                "A name outside an authority's name constraints.",
            )
        )
    return found


def _policies(certificate: x509.Certificate) -> frozenset[str]:
    policies = _extension(certificate, x509.CertificatePolicies)
    return frozenset() if policies is None else frozenset(p.policy_identifier.dotted_string for p in policies)


def _within_directory_names(chain: tuple[x509.Certificate, ...]) -> bool:
    """Name constraints of type directoryName (RFC 5280, 4.2.1.10), which the path builder leaves to its caller."""
    for depth, authority in enumerate(chain):
        constraints = _extension(authority, x509.NameConstraints) if depth else None
        if constraints is None:
            continue
        permitted = [
            n.value for n in constraints.permitted_subtrees or () if isinstance(n, x509.DirectoryName)
        ]
        excluded = [n.value for n in constraints.excluded_subtrees or () if isinstance(n, x509.DirectoryName)]
        for below in chain[:depth]:
            name = _comparable(rdns_of(below, "subject"))
            if permitted and not any(_starts_with(name, n) for n in permitted):
                return False
            if any(_starts_with(name, n) for n in excluded):
                return False
    return True


def _starts_with(name: list[frozenset[tuple[str, str]]], start: x509.Name) -> bool:
    wanted = [frozenset((a.oid.dotted_string, _folded(str(a.value))) for a in rdn) for rdn in start.rdns]
    return name[: len(wanted)] == wanted


def _comparable(rdns: Rdns) -> list[frozenset[tuple[str, str]]]:
    return [frozenset((oid, _folded(value or "")) for oid, value in rdn) for rdn in rdns]


def _folded(value: str) -> str:
    """White space and letter case do not count (RFC 5280, 7.1)."""
    return " ".join(value.split()).casefold()


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
