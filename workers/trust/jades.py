"""
Headers of an order's JWS: RFC 7515 with JAdES baseline (ETSI TS 119 182-1), and what may stand in them.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, ClassVar

from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import ocsp
from joserfc import jws
from joserfc.registry import HeaderParameter, HeaderRegistryDict

from workers.trust.asn1 import CANNOT_BE_READ
from workers.trust.chain import Holder
from workers.trust.evidence import Evidence, RevocationList
from workers.trust.policy import ALGORITHMS, TrustPolicy
from workers.trust.strict import DuplicateName, ascii_part, decode_part, load_object
from workers.trust.verdict import Refused, Unreadable, invalid

ORDER_TYPE = "sigill-order+jws"
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


def _whole_number(value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a whole number")


#: JAdES parameters that may stand in a protected header beside those of RFC 7515. `sigD` is not among them: the
#: form must be inside. Both spellings of the commitment: `srCm` of the drafts, `srCms` of the published text.
_JADES: HeaderRegistryDict = {
    "iat": HeaderParameter("Signing time, seconds since 1970", _whole_number),
    "sigT": HeaderParameter("Signing time, RFC 3339", "str"),
    "x5t#o": HeaderParameter("Certificate digest by another algorithm", _any_object),
    "sigX5ts": HeaderParameter("Certificate digests", _any_array),
    "srCm": HeaderParameter("Commitment", _any_object),
    "srCms": HeaderParameter("Commitments", _any_array),
    "sigPl": HeaderParameter("Place of signing", _any_object),
    "srAts": HeaderParameter("Signer's attributes", lambda _: None),
    "adoTst": HeaderParameter("Time stamp on the form", _any_object),
    "sigPId": HeaderParameter("Signature policy", _any_object),
}
_PROTECTED = frozenset({"alg", "typ", "cty", "x5c", "x5t", "x5t#S256", "kid", "crit", *_JADES})


#: What `crit` may name: parameters beyond RFC 7515 that this verifier acts on, or that ask nothing of it.
_UNDERSTOOD = frozenset({"iat", "sigT", "x5t#o", "sigX5ts", "srCm", "srCms", "sigPl", "srAts", "sigPId"})
UNPROTECTED = frozenset({"etsiU"})


_REFUSED_PARAMETERS = frozenset({"jwk", "jku", "x5u", "b64", "zip", "enc", "sigD", "etsiU"})
_UNSIGNED_PROPERTIES = frozenset(
    {"sigTst", "xVals", "xRefs", "rRefs", "axVals", "arVals", "arcTst", "tstVD", "cSig"}
)


class _Registry(jws.JWSRegistry):
    """x5c needs room: joserfc's own limit is 512 bytes. The message's limit holds for the payload."""

    max_header_length: ClassVar[int] = _MAX_HEADER  # type: ignore[misc]
    max_payload_length: ClassVar[int] = 8 * 1024 * 1024  # type: ignore[misc]


REGISTRY = _Registry(header_registry=_JADES, algorithms=list(ALGORITHMS))


def read_header(protected: bytes) -> dict[str, Any]:
    """Decode a protected header strictly. Raises Unreadable or Refused."""
    if len(protected) > _MAX_HEADER:
        raise invalid("header", "the header is too long")
    try:
        return load_object(decode_part(protected))
    except DuplicateName as error:
        raise invalid("header", "a parameter stands twice") from error
    except ValueError as error:
        raise Unreadable("the protected header is not a JSON object") from error


def check_parameters(header: Mapping[str, Any], policy: TrustPolicy) -> None:
    if unknown := set(header) - _PROTECTED:
        # Names that are not ours are not repeated: whoever wrote them could have put anything there.
        named = sorted(unknown & _REFUSED_PARAMETERS) or ["unknown ones"]
        raise invalid("header", f"parameters not accepted: {', '.join(named)}")
    if header.get("typ") != ORDER_TYPE:
        raise invalid("header", f"typ is not {ORDER_TYPE}")
    chain = header.get("x5c")
    if not isinstance(chain, list) or not chain or not all(isinstance(c, str) for c in chain):
        raise invalid("certificates", "no x5c")
    if "crit" in header:
        crit = header["crit"]
        if not isinstance(crit, list) or not crit or not all(isinstance(n, str) for n in crit):
            raise invalid("crit", "crit is not a list of names")
        if len(set(crit)) != len(crit) or not set(crit) <= header.keys() & _UNDERSTOOD:
            raise invalid("crit", "crit names something twice, missing, or not understood")
        if "sigPId" in crit and _policy_id(header) not in policy.signature_policies:
            raise invalid("crit", "a critical signature policy that is not ours")


def _policy_id(header: Mapping[str, Any]) -> str:
    value = header["sigPId"]
    return str(value.get("id", "")) if isinstance(value, dict) else ""


def signing_time(header: Mapping[str, Any]) -> datetime:
    """`iat` (seconds) or `sigT` (RFC 3339); when both stand there they must agree."""
    moments = []
    try:
        if "iat" in header:
            _whole_number(header["iat"])
            moments.append(datetime.fromtimestamp(header["iat"], UTC))
        if "sigT" in header:
            moment = datetime.fromisoformat(header["sigT"])
            if moment.tzinfo is None:
                raise ValueError("no time zone")
            moments.append(moment.astimezone(UTC))
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise invalid("signing_time", "the signing time cannot be read") from error
    if not moments:
        raise invalid("signing_time", "no signing time")
    if moments[0].replace(microsecond=0) != moments[-1].replace(microsecond=0):
        raise invalid("signing_time", "two signing times that differ")
    return moments[-1]


def check_references(header: Mapping[str, Any], holder: Holder) -> None:
    """Every reference to the signing certificate must be to x5c[0] (ETSI TS 119 182-1, 5.1.7, 5.2.2)."""
    references: list[tuple[Any, Any]] = []
    if "x5t#S256" in header:
        references.append(("S256", header["x5t#S256"]))
    others = [header["x5t#o"]] if "x5t#o" in header else []
    if "sigX5ts" in header:
        if not header["sigX5ts"]:
            raise invalid("certificates", "an empty certificate reference")
        others.append(header["sigX5ts"][0])
    for other in others:
        if not isinstance(other, dict):
            raise invalid("certificates", "a certificate reference cannot be read")
        references.append((other.get("digAlg"), other.get("digVal")))
    for algorithm, value in references:
        digest = _DIGESTS.get(algorithm) if isinstance(algorithm, str) else None
        if digest is None or not isinstance(value, str):
            raise invalid("certificates", "a certificate reference cannot be read")
        if not compare_digest(decode_part(ascii_part(value)), holder.digest(digest)):
            raise invalid("certificates", "the certificate is not the one referred to")


def stapled_evidence(unprotected: Mapping[str, Any]) -> tuple[Evidence | None, tuple[str, ...]]:
    """
    Revocation values in `etsiU` (rVals: crlVals, ocspVals; ETSI TS 119 182-1, 5.3.5). Unsigned, so only as evidence
    that is verified like any other; what cannot be read is left out with a note.
    """
    components = unprotected.get("etsiU")
    if components is None:
        return None, ()
    if not isinstance(components, list):
        raise invalid("header", "etsiU is not an array")
    lists: list[RevocationList] = []
    answers: list[ocsp.OCSPResponse] = []
    notes: list[str] = []
    for component in components[:_MAX_STAPLED]:
        try:
            values = (
                load_object(decode_part(ascii_part(component))) if isinstance(component, str) else component
            )
            revocations = values.get("rVals", {})
            lists += [RevocationList.read(der) for der in _values(revocations, "crlVals")]
            answers += [ocsp.load_der_ocsp_response(der) for der in _values(revocations, "ocspVals")]
            notes += [f"{name} not evaluated" for name in sorted(values.keys() & _UNSIGNED_PROPERTIES)]
        except (*CANNOT_BE_READ, KeyError, AttributeError, Refused, Unreadable):
            notes.append("an etsiU component cannot be read")
    if not lists and not answers:
        return None, tuple(notes)
    return Evidence.of(lists, answers), tuple(notes)


def _values(revocations: Mapping[str, Any], name: str) -> list[bytes]:
    return [base64.b64decode(one["val"], validate=True) for one in revocations.get(name, ())[:_MAX_STAPLED]]


def notes_on(header: Mapping[str, Any]) -> Sequence[str]:
    """What stands in the header and was not evaluated."""
    return [f"{name} not evaluated" for name in ("kid", "x5t", "srAts", "adoTst", "sigPId") if name in header]
