"""
Headers of an order's JWS: RFC 7515 with JAdES baseline (ETSI TS 119 182-1), and what may stand in them.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, ClassVar

from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import ocsp
from joserfc import jws
from joserfc.registry import HeaderParameter, HeaderRegistryDict

from sigill.runtime.strict_json import DuplicateName
from sigill.trust.asn1 import CANNOT_BE_READ
from sigill.trust.chain import CertificateHolder
from sigill.trust.evidence import RevocationList, RevocationSnapshot
from sigill.trust.policy import TrustPolicy
from sigill.trust.profile import (
    ALGORITHMS,
    CRIT,
    CRITICAL,
    ETSI_U,
    HEADER,
    HEADER_ONCE,
    JADES_HEADERS,
    JWS_TIME,
    PROTECTED,
    REFERENCE_TO_CERTIFICATE,
    REFUSED_HEADERS,
    TYP,
    X5C,
    is_order_type,
    without,
)
from sigill.trust.strict import ascii_part, decode_part, load_object
from sigill.trust.verdict import SignatureRefused, UnreadableSignature, invalid, not_accepted

_MAX_HEADER = 64 * 1024


_MAX_STAPLED = 16
_DIGESTS: dict[str, type[HashAlgorithm]] = {
    "S256": SHA256,
    "S384": SHA384,
    "S512": SHA512,
    "http://www.w3.org/2001/04/xmlenc#sha256": SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": SHA384,
    "http://www.w3.org/2001/04/xmlenc#sha512": SHA512,
}


def _any_object(value: Any) -> None:
    if not isinstance(value, dict):
        raise ValueError("must be an object")


def _any_array(value: Any) -> None:
    if not isinstance(value, list):
        raise ValueError("must be an array")


def _number(value: Any) -> None:
    """A NumericDate (RFC 7519, 2): seconds, perhaps with decimals."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("must be a number")


_FORMS: dict[str, str | Callable[[Any], None]] = {
    "iat": _number,
    "sigT": "str",
    "x5t#o": _any_object,
    "sigX5ts": _any_array,
    "srCm": _any_object,
    "srCms": _any_array,
    "sigPl": _any_object,
    "srAts": lambda _: None,
    "adoTst": _any_object,
    "sigPId": _any_object,
}
_JADES: HeaderRegistryDict = {
    name: HeaderParameter(text, _FORMS[name]) for name, text in JADES_HEADERS.items()
}
_UNSIGNED_PROPERTIES = frozenset({"xVals", "xRefs", "rRefs", "axVals", "arVals", "arcTst", "tstVD", "cSig"})


class _Registry(jws.JWSRegistry):
    """x5c needs room: joserfc's own limit is 512 bytes. The message's limit holds for the payload."""

    max_header_length: ClassVar[int] = _MAX_HEADER  # type: ignore[misc]
    max_payload_length: ClassVar[int] = 8 * 1024 * 1024  # type: ignore[misc]


REGISTRY = _Registry(header_registry=_JADES, algorithms=list(ALGORITHMS))


def read_header(protected: bytes) -> dict[str, Any]:
    """Decode a protected header strictly. Raises Unreadable or Refused."""
    if len(protected) > _MAX_HEADER:
        raise not_accepted("header", HEADER_ONCE, "the header is too long")
    try:
        return load_object(decode_part(protected))
    except DuplicateName as error:
        raise not_accepted("header", HEADER_ONCE, "a parameter stands twice") from error
    except ValueError as error:
        raise UnreadableSignature("the protected header is not a JSON object") from error


def check_parameters(header: Mapping[str, Any], policy: TrustPolicy) -> None:
    """Hold the header to the profile. Raises Refused."""
    if unknown := set(header) - PROTECTED:
        # Names that are not ours are not repeated: whoever wrote them could have put anything there.
        named = [name for name in REFUSED_HEADERS if name in unknown]
        detail = f"parameters not accepted: {', '.join(named) or 'unknown ones'}"
        raise not_accepted("header", without(named[0]) if named else HEADER, detail)
    if "typ" in header and not is_order_type(header["typ"]):
        raise not_accepted("header", TYP, "typ is another protocol's")
    chain = header.get("x5c")
    if not isinstance(chain, list) or not chain or not all(isinstance(c, str) for c in chain):
        raise not_accepted("certificates", X5C, "no x5c")
    if "crit" in header:
        crit = header["crit"]
        if not isinstance(crit, list) or not crit or not all(isinstance(n, str) for n in crit):
            raise not_accepted("crit", CRIT, "crit is not a list of names")
        if len(set(crit)) != len(crit) or not set(crit) <= header.keys() & CRITICAL:
            raise not_accepted("crit", CRIT, "crit names something twice, missing, or not understood")
        if "sigPId" in crit and _policy_id(header) not in policy.signature_policies:
            raise not_accepted("crit", CRIT, "a critical signature policy that is not ours")
    for name, right in (("kid", str), ("cty", str), ("x5t", str), ("sigT", str)):
        if name in header and not isinstance(header[name], right):
            raise not_accepted("header", HEADER_ONCE, f"{name} is no text")


def _policy_id(header: Mapping[str, Any]) -> str:
    value = header["sigPId"]
    return str(value.get("id", "")) if isinstance(value, dict) else ""


def signing_time(header: Mapping[str, Any]) -> datetime:
    """`iat` (seconds, perhaps with decimals) or `sigT` (RFC 3339); when both stand there they must agree to the second."""
    moments = []
    try:
        if "iat" in header:
            _number(header["iat"])
            moments.append(datetime.fromtimestamp(header["iat"], UTC))
        if "sigT" in header:
            moment = datetime.fromisoformat(header["sigT"])
            if moment.tzinfo is None:
                raise ValueError("no time zone")
            moments.append(moment.astimezone(UTC))
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise not_accepted("signing_time", JWS_TIME, "the signing time cannot be read") from error
    if not moments:
        raise not_accepted("signing_time", JWS_TIME, "no signing time")
    if moments[0].replace(microsecond=0) != moments[-1].replace(microsecond=0):
        raise not_accepted("signing_time", JWS_TIME, "two signing times that differ")
    return moments[-1]


def check_references(header: Mapping[str, Any], holder: CertificateHolder) -> None:
    """Every reference to the signing certificate must be to x5c[0] (ETSI TS 119 182-1, 5.1.7, 5.2.2)."""
    references: list[tuple[Any, Any]] = []
    if "x5t#S256" in header:
        references.append(("S256", header["x5t#S256"]))
    others = [header["x5t#o"]] if "x5t#o" in header else []
    if "sigX5ts" in header:
        if not header["sigX5ts"]:
            raise not_accepted("certificates", REFERENCE_TO_CERTIFICATE, "an empty certificate reference")
        others.append(header["sigX5ts"][0])
    for other in others:
        if not isinstance(other, dict):
            raise not_accepted(
                "certificates", REFERENCE_TO_CERTIFICATE, "a certificate reference cannot be read"
            )
        references.append((other.get("digAlg"), other.get("digVal")))
    for algorithm, value in references:
        digest = _DIGESTS.get(algorithm) if isinstance(algorithm, str) else None
        referred = None
        if isinstance(value, str):
            # the order itself can be read: its sender is refused, and learns what to mend
            with suppress(UnreadableSignature):
                referred = decode_part(ascii_part(value))
        if digest is None or referred is None:
            raise not_accepted(
                "certificates", REFERENCE_TO_CERTIFICATE, "a certificate reference cannot be read"
            )
        if not compare_digest(referred, holder.digest(digest)):
            raise invalid(
                "certificates",
                "The certificate is not the one that the header refers to.",
                "Certifikatet är inte det som huvudet hänvisar till.",
            )


@dataclass(frozen=True, slots=True)
class Stapled:
    """What came unsigned beside a signature: evidence of revocation, time-stamp tokens (DER), and what was passed over."""

    evidence: RevocationSnapshot | None = None
    tokens: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()


def stapled(unprotected: Mapping[str, Any]) -> Stapled:
    """
    Revocation values (`rVals`: crlVals, ocspVals) and time stamps on the signature (`sigTst`) in `etsiU` (ETSI TS 119
    182-1, 5.3). Unsigned, so each is verified by itself; what cannot be read is left out with a note.
    """
    components = unprotected.get("etsiU")
    if components is None:
        return Stapled()
    if not isinstance(components, list):
        raise not_accepted("header", ETSI_U, "etsiU is not an array")
    lists: list[RevocationList] = []
    answers: list[ocsp.OCSPResponse] = []
    tokens: list[bytes] = []
    notes: list[str] = []
    for component in components[:_MAX_STAPLED]:
        try:
            values = (
                load_object(decode_part(ascii_part(component))) if isinstance(component, str) else component
            )
            revocations = values.get("rVals", {})
            lists += [RevocationList.read(der) for der in _values(revocations, "crlVals")]
            answers += [ocsp.load_der_ocsp_response(der) for der in _values(revocations, "ocspVals")]
            tokens += _values(values.get("sigTst", {}), "tstTokens")
            notes += [f"{name} not evaluated" for name in sorted(values.keys() & _UNSIGNED_PROPERTIES)]
        except (*CANNOT_BE_READ, KeyError, AttributeError, SignatureRefused, UnreadableSignature):
            notes.append("an etsiU component cannot be read")
    evidence = RevocationSnapshot.of(lists, answers) if lists or answers else None
    return Stapled(evidence, tuple(tokens), tuple(notes))


def _values(revocations: Mapping[str, Any], name: str) -> list[bytes]:
    return [
        base64.b64decode(stapled["val"], validate=True)
        for stapled in revocations.get(name, ())[:_MAX_STAPLED]
    ]


def notes_on(header: Mapping[str, Any]) -> Sequence[str]:
    """What stands in the header and was not evaluated."""
    return [f"{name} not evaluated" for name in ("kid", "x5t", "srAts", "adoTst", "sigPId") if name in header]
