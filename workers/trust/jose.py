"""
JWS, compact and general JSON, with JAdES baseline headers (RFC 7515, RFC 8725, ETSI TS 119 182-1).

joserfc checks the signature, the header parameters' types and `crit`; what it lets through and an order must not
is refused here, before it is asked. One serialisation a content type, nothing is guessed. A general JWS is taken
apart into its compact ones: the signing input is the same, and there is one way to verify.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from contracts.vocabulary import RefusalCode
from workers.trust.asn1 import CANNOT_BE_READ
from workers.trust.chain import NotCertificates, book_of
from workers.trust.jades import (
    REGISTRY,
    UNPROTECTED,
    check_parameters,
    check_references,
    notes_on,
    read_header,
    signing_time,
    stapled_evidence,
)
from workers.trust.policy import ALGORITHMS, TrustPolicy
from workers.trust.proof import ProvenSignature
from workers.trust.strict import DuplicateName, ascii_part, decode_part, load_object, must_be_base64url
from workers.trust.verdict import Refused, Unreadable, invalid

_REFUSED_ALGORITHMS = frozenset(
    {"none", "HS256", "HS384", "HS512", "ES512", "PS384", "PS512", "RS384", "RS512", "EdDSA", *ALGORITHMS}
)


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
        must_be_base64url(part)
    return Container(payload, (Signature(protected, signature, {}),))


def open_general(raw: bytes, max_signatures: int) -> Container:
    """
    Take a general JSON serialisation apart (RFC 7515, 7.2.1).

    Raises Unreadable when it is not one, and Refused when it is also something else (flattened, or members twice).
    """
    try:
        outer = load_object(raw)
    except DuplicateName as error:
        raise invalid("container", "a member stands twice") from error
    except ValueError as error:
        raise Unreadable("not a JSON object") from error
    if "signature" in outer or "protected" in outer or "header" in outer:
        raise invalid("container", "a flattened JWS, or one mixed with the general form")
    payload, signatures = outer.get("payload"), outer.get("signatures")
    if not isinstance(payload, str) or not isinstance(signatures, list) or not payload:
        raise Unreadable("not a general JWS with a payload")
    if set(outer) - {"payload", "signatures"}:
        raise invalid("container", "unknown members")
    if not 0 < len(signatures) <= max_signatures:
        raise invalid("container", f"{len(signatures)} signatures, not 1 to {max_signatures}")
    return Container(ascii_part(payload), tuple(_member(one) for one in signatures))


def _member(one: Any) -> Signature:
    if not isinstance(one, dict):
        raise Unreadable("a signature is not an object")
    protected, signature, header = one.get("protected"), one.get("signature"), one.get("header", {})
    if not isinstance(signature, str) or not isinstance(header, dict):
        raise Unreadable("a signature without its parts")
    if not isinstance(protected, str) or not protected:
        raise invalid("header", "no protected header")
    if set(one) - {"protected", "signature", "header"}:
        raise invalid("container", "unknown members in a signature")
    if set(header) - UNPROTECTED:
        raise invalid("header", "parameters that nobody signed")
    return Signature(ascii_part(protected), ascii_part(signature), header)


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
    check_parameters(header, policy)
    signed_at = signing_time(header)

    try:
        holder = book_of(policy).holder(tuple(header["x5c"]), signed_at)
    except NotCertificates as error:
        raise invalid("certificates", str(error)) from error
    if holder.key is None or algorithm not in holder.algorithms:
        detail = f"{algorithm} with a key that is not for it"
        raise Refused(RefusalCode.ALGORITHM_NOT_ALLOWED, "algorithm", detail)

    check_signature(container.payload, one, header, holder.key)
    check_references(header, holder)
    stapled, notes = stapled_evidence(one.unprotected)
    return ProvenSignature(holder, algorithm, signed_at, stapled, (*notes_on(header), *notes))


def check_signature(payload: bytes, one: Signature, header: dict[str, Any], key: ECKey | RSAKey) -> None:
    """Check one signature over header and payload (as encoded) with a key that is for its algorithm. Raises Refused."""
    signature = jws.CompactSignature(header, b"")
    signature.segments.update({"header": one.protected, "payload": payload, "signature": one.signature})
    try:
        holds = jws.validate_compact(signature, key, registry=REGISTRY)
    except (JoseError, *CANNOT_BE_READ) as error:
        raise invalid("signature", "the header or the signature is not acceptable") from error
    if not holds:
        raise invalid("signature", "the signature does not hold over header and payload")


def claimed_form(raw: bytes, *, compact: bool) -> bytes | None:
    """What an unproven message says: its payload when that is a JSON object, otherwise None."""
    try:
        payload = raw.split(b".")[1] if compact else ascii_part(load_object(raw)["payload"])
        form = decode_part(payload)
        load_object(form)
    except (Unreadable, Refused, ValueError, KeyError, IndexError, AttributeError):
        return None
    return form


def payload_of(container: Container) -> bytes:
    """The signed bytes, decoded. Raises Refused when the encoding is not the canonical one."""
    return decode_part(container.payload)
