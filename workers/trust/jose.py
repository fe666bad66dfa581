"""
JWS, compact and general JSON, with JAdES baseline headers (RFC 7515, RFC 8725, ETSI TS 119 182-1).

joserfc checks the signature, the header parameters' types and `crit`; what it lets through and an order must not
is refused here, before it is asked. One serialisation a content type, nothing is guessed. A general JWS is taken
apart into its compact ones: the signing input is the same, and there is one way to verify.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hmac import compare_digest
from typing import Any, ClassVar

from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import ocsp
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.registry import HeaderParameter, HeaderRegistryDict

from contracts.vocabulary import RefusalCode
from workers.trust.asn1 import CANNOT_BE_READ
from workers.trust.chain import Holder, NotCertificates, book_of
from workers.trust.policy import ALGORITHMS, TrustPolicy
from workers.trust.revocation import Evidence, RevocationList
from workers.trust.verdict import Unreadable

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
_UNPROTECTED = frozenset({"etsiU"})
_REFUSED_PARAMETERS = frozenset({"jwk", "jku", "x5u", "b64", "zip", "enc", "sigD", "etsiU"})
_REFUSED_ALGORITHMS = frozenset(
    {"none", "HS256", "HS384", "HS512", "ES512", "PS384", "PS512", "RS384", "RS512", "EdDSA", *ALGORITHMS}
)
_UNSIGNED_PROPERTIES = frozenset(
    {"sigTst", "xVals", "xRefs", "rRefs", "axVals", "arVals", "arcTst", "tstVD", "cSig"}
)


class _Registry(jws.JWSRegistry):
    """x5c needs room: joserfc's own limit is 512 bytes. The message's limit holds for the payload."""

    max_header_length: ClassVar[int] = _MAX_HEADER  # type: ignore[misc]
    max_payload_length: ClassVar[int] = 8 * 1024 * 1024  # type: ignore[misc]


_REGISTRY = _Registry(header_registry=_JADES, algorithms=list(ALGORITHMS))


class Refused(Exception):
    """One signature is not acceptable, and nothing else can be said about it."""

    def __init__(self, code: RefusalCode, check: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.check, self.detail = code, check, detail


_invalid = partial(Refused, RefusalCode.SIGNATURE_INVALID)


@dataclass(frozen=True, slots=True)
class ProvenSignature:
    """A signature that holds over the payload, by the key of this certificate; the certificate is not yet judged."""

    holder: Holder
    algorithm: str
    signed_at: datetime
    stapled: Evidence | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a container, as encoded; nothing in it is proven."""

    protected: bytes
    signature: bytes
    unprotected: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Container:
    """A JWS taken apart; nothing in it is proven."""

    payload: bytes
    signatures: tuple[Signature, ...]


def open_compact(raw: bytes) -> Container:
    """Take a compact serialisation apart (RFC 7515, 7.1). Raises Unreadable."""
    parts = raw.split(b".")
    if len(parts) != 3 or not all(parts[:2]):
        raise Unreadable("not a compact JWS with a payload")
    protected, payload, signature = parts
    for part in parts:
        _must_be_base64url(part)
    return Container(payload, (Signature(protected, signature, {}),))


def open_general(raw: bytes, max_signatures: int) -> Container:
    """
    Take a general JSON serialisation apart (RFC 7515, 7.2.1).

    Raises Unreadable when it is not one, and Refused when it is also something else (flattened, or members twice).
    """
    try:
        outer = load_object(raw)
    except DuplicateName as error:
        raise _invalid("container", "a member stands twice") from error
    except ValueError as error:
        raise Unreadable("not a JSON object") from error
    if "signature" in outer or "protected" in outer or "header" in outer:
        raise _invalid("container", "a flattened JWS, or one mixed with the general form")
    payload, signatures = outer.get("payload"), outer.get("signatures")
    if not isinstance(payload, str) or not isinstance(signatures, list) or not payload:
        raise Unreadable("not a general JWS with a payload")
    if set(outer) - {"payload", "signatures"}:
        raise _invalid("container", "unknown members")
    if not 0 < len(signatures) <= max_signatures:
        raise _invalid("container", f"{len(signatures)} signatures, not 1 to {max_signatures}")
    return Container(_ascii(payload), tuple(_member(one) for one in signatures))


def _member(one: Any) -> Signature:
    if not isinstance(one, dict):
        raise Unreadable("a signature is not an object")
    protected, signature, header = one.get("protected"), one.get("signature"), one.get("header", {})
    if not isinstance(signature, str) or not isinstance(header, dict):
        raise Unreadable("a signature without its parts")
    if not isinstance(protected, str) or not protected:
        raise _invalid("header", "no protected header")
    if set(one) - {"protected", "signature", "header"}:
        raise _invalid("container", "unknown members in a signature")
    if set(header) - _UNPROTECTED:
        raise _invalid("header", "parameters that nobody signed")
    return Signature(_ascii(protected), _ascii(signature), header)


def prove(container: Container, one: Signature, policy: TrustPolicy) -> ProvenSignature:
    """
    Prove one signature. Raises Refused (the header, the algorithm or the signature is not acceptable) or Unreadable.

    The key comes from x5c alone, never from `jwk`, `jku`, `x5u` or `kid` (RFC 8725, 3.10).
    """
    header = read_header(one.protected)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in policy.algorithms:
        name = algorithm if str(algorithm) in _REFUSED_ALGORITHMS else "an unknown algorithm"
        raise Refused(RefusalCode.ALGORITHM_NOT_ALLOWED, "algorithm", f"{name} is not on the list")
    _check_parameters(header, policy)
    signed_at = _signing_time(header)

    try:
        holder = book_of(policy).holder(tuple(header["x5c"]), signed_at)
    except NotCertificates as error:
        raise _invalid("certificates", str(error)) from error
    if holder.key is None or algorithm not in holder.algorithms:
        detail = f"{algorithm} with a key that is not for it"
        raise Refused(RefusalCode.ALGORITHM_NOT_ALLOWED, "algorithm", detail)

    check_signature(container.payload, one, header, holder.key)
    _check_references(header, holder)
    stapled, notes = _stapled(one.unprotected)
    return ProvenSignature(holder, algorithm, signed_at, stapled, (*_notes(header), *notes))


def check_signature(payload: bytes, one: Signature, header: dict[str, Any], key: ECKey | RSAKey) -> None:
    """Check one signature over header and payload (as encoded) with a key that is for its algorithm. Raises Refused."""
    signature = jws.CompactSignature(header, b"")
    signature.segments.update({"header": one.protected, "payload": payload, "signature": one.signature})
    try:
        holds = jws.validate_compact(signature, key, registry=_REGISTRY)
    except (JoseError, *CANNOT_BE_READ) as error:
        raise _invalid("signature", "the header or the signature is not acceptable") from error
    if not holds:
        raise _invalid("signature", "the signature does not hold over header and payload")


def claimed_form(raw: bytes, *, compact: bool) -> bytes | None:
    """What an unproven message says: its payload when that is a JSON object, otherwise None."""
    try:
        payload = raw.split(b".")[1] if compact else _ascii(load_object(raw)["payload"])
        form = _decode(payload)
        load_object(form)
    except (Unreadable, Refused, ValueError, KeyError, IndexError, AttributeError):
        return None
    return form


def payload_of(container: Container) -> bytes:
    """The signed bytes, decoded. Raises Refused when the encoding is not the canonical one."""
    return _decode(container.payload)


class DuplicateName(ValueError):
    """A JSON object names a member twice, so readers could disagree about it."""


def load_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object strictly: UTF-8, no name twice, no NaN. Raises ValueError, DuplicateName among them."""
    try:
        value = _STRICT.decode(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def read_header(protected: bytes) -> dict[str, Any]:
    """Decode a protected header strictly. Raises Unreadable or Refused."""
    if len(protected) > _MAX_HEADER:
        raise _invalid("header", "the header is too long")
    try:
        return load_object(_decode(protected))
    except DuplicateName as error:
        raise _invalid("header", "a parameter stands twice") from error
    except ValueError as error:
        raise Unreadable("the protected header is not a JSON object") from error


def _check_parameters(header: Mapping[str, Any], policy: TrustPolicy) -> None:
    if unknown := set(header) - _PROTECTED:
        # Names that are not ours are not repeated: whoever wrote them could have put anything there.
        named = sorted(unknown & _REFUSED_PARAMETERS) or ["unknown ones"]
        raise _invalid("header", f"parameters not accepted: {', '.join(named)}")
    if header.get("typ") != ORDER_TYPE:
        raise _invalid("header", f"typ is not {ORDER_TYPE}")
    chain = header.get("x5c")
    if not isinstance(chain, list) or not chain or not all(isinstance(c, str) for c in chain):
        raise _invalid("certificates", "no x5c")
    if "crit" in header:
        crit = header["crit"]
        if not isinstance(crit, list) or not crit or not all(isinstance(n, str) for n in crit):
            raise _invalid("crit", "crit is not a list of names")
        if len(set(crit)) != len(crit) or not set(crit) <= header.keys() & _UNDERSTOOD:
            raise _invalid("crit", "crit names something twice, missing, or not understood")
        if "sigPId" in crit and _policy_id(header) not in policy.signature_policies:
            raise _invalid("crit", "a critical signature policy that is not ours")


def _policy_id(header: Mapping[str, Any]) -> str:
    value = header["sigPId"]
    return str(value.get("id", "")) if isinstance(value, dict) else ""


def _signing_time(header: Mapping[str, Any]) -> datetime:
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
        raise _invalid("signing_time", "the signing time cannot be read") from error
    if not moments:
        raise _invalid("signing_time", "no signing time")
    if moments[0].replace(microsecond=0) != moments[-1].replace(microsecond=0):
        raise _invalid("signing_time", "two signing times that differ")
    return moments[-1]


def _check_references(header: Mapping[str, Any], holder: Holder) -> None:
    """Every reference to the signing certificate must be to x5c[0] (ETSI TS 119 182-1, 5.1.7, 5.2.2)."""
    references: list[tuple[Any, Any]] = []
    if "x5t#S256" in header:
        references.append(("S256", header["x5t#S256"]))
    others = [header["x5t#o"]] if "x5t#o" in header else []
    if "sigX5ts" in header:
        if not header["sigX5ts"]:
            raise _invalid("certificates", "an empty certificate reference")
        others.append(header["sigX5ts"][0])
    for other in others:
        if not isinstance(other, dict):
            raise _invalid("certificates", "a certificate reference cannot be read")
        references.append((other.get("digAlg"), other.get("digVal")))
    for algorithm, value in references:
        digest = _DIGESTS.get(algorithm) if isinstance(algorithm, str) else None
        if digest is None or not isinstance(value, str):
            raise _invalid("certificates", "a certificate reference cannot be read")
        if not compare_digest(_decode(_ascii(value)), holder.digest(digest)):
            raise _invalid("certificates", "the certificate is not the one referred to")


def _stapled(unprotected: Mapping[str, Any]) -> tuple[Evidence | None, tuple[str, ...]]:
    """
    Revocation values in `etsiU` (rVals: crlVals, ocspVals; ETSI TS 119 182-1, 5.3.5). Unsigned, so only as evidence
    that is verified like any other; what cannot be read is left out with a note.
    """
    components = unprotected.get("etsiU")
    if components is None:
        return None, ()
    if not isinstance(components, list):
        raise _invalid("header", "etsiU is not an array")
    lists: list[RevocationList] = []
    answers: list[ocsp.OCSPResponse] = []
    notes: list[str] = []
    for component in components[:_MAX_STAPLED]:
        try:
            values = load_object(_decode(_ascii(component))) if isinstance(component, str) else component
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


def _notes(header: Mapping[str, Any]) -> Sequence[str]:
    """What stands in the header and was not evaluated."""
    return [f"{name} not evaluated" for name in ("kid", "x5t", "srAts", "adoTst", "sigPId") if name in header]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateName("a name stands twice")
    return found


def _no_constant(_: str) -> None:
    raise ValueError("not a JSON number")


#: Made once: `json.loads` with hooks builds a decoder each time.
_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _ascii(text: str) -> bytes:
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError as error:
        raise Unreadable("not base64url") from error
    _must_be_base64url(data)
    return data


_STANDARD = bytes.maketrans(b"-_", b"+/")
#: Last characters whose unused bits are zero, by how many characters are spared.
_LAST = {1: b"AEIMQUYcgkosw048", 2: b"AQgw"}
_BASE64URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _must_be_base64url(part: bytes) -> None:
    """No padding, no white space, no other alphabet (RFC 7515, 2)."""
    if part.translate(None, _BASE64URL):
        raise Unreadable("not base64url")


def _decode(part: bytes) -> bytes:
    """Decode base64url and insist on the one canonical encoding: unused bits are zero (RFC 4648, 3.5)."""
    spare = -len(part) % 4
    if spare == 3:
        raise Unreadable("not base64url")
    if spare and part[-1] not in _LAST[spare]:
        raise _invalid("container", "base64url that is not canonical")
    try:
        return binascii.a2b_base64(part.translate(_STANDARD) + b"=" * spare, strict_mode=True)
    except binascii.Error as error:
        raise Unreadable("not base64url") from error
