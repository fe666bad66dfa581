"""
JWS, compact and JSON (general and flattened), with JAdES baseline headers (RFC 7515, RFC 8725, ETSI TS 119 182-1).

joserfc checks the signature, the header parameters' types and `crit`; what it lets through and an order must not
is refused here, before it is asked. Nothing is guessed from the bytes. A JSON serialisation is taken
apart into its compact ones: the signing input is the same, and there is one way to verify.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from sigill.runtime.strict_json import DuplicateName
from sigill.trust.asn1 import CANNOT_BE_READ
from sigill.trust.chain import NotCertificates, book_of
from sigill.trust.jades import (
    REGISTRY,
    check_parameters,
    check_references,
    notes_on,
    read_header,
    signing_time,
    stapled,
)
from sigill.trust.policy import TrustPolicy
from sigill.trust.profile import HEADER, JSON_MEMBERS, PAYLOAD_INSIDE, UNPROTECTED, UNPROTECTED_HEADER, X5C
from sigill.trust.proof import ProvenSignature
from sigill.trust.strict import ascii_part, decode_part, load_object, must_be_base64url
from sigill.trust.time_stamps import TimeStamp
from sigill.trust.usage import not_for_key, not_listed
from sigill.trust.verdict import SignatureRefused, UnreadableSignature, invalid, not_accepted

#: What may stand around a compact serialisation.
_WHITE = b" \t\r\n"


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
    """
    Take a compact serialisation apart (RFC 7515, 7.1). White space around it is left out, as editors add it.

    Raises Unreadable, or Refused for a detached payload (RFC 7515, appendix F).
    """
    parts = raw.strip(_WHITE).split(b".")
    if len(parts) != 3 or not parts[0]:
        raise UnreadableSignature("not a compact JWS")
    protected, payload, signature = parts
    for part in parts:
        must_be_base64url(part)
    if not payload:
        read_header(protected)  # what has no header of a JWS is no detached one either
        raise not_accepted("container", PAYLOAD_INSIDE, "a detached payload")
    return Container(payload, (Signature(protected, signature, {}),))


def open_json(raw: bytes, max_signatures: int) -> Container:
    """
    Take a JSON serialisation apart, general or flattened (RFC 7515, 7.2).

    Raises Unreadable when it is neither, and Refused when it is both, is detached, or has members twice.
    """
    try:
        outer = load_object(raw)
    except DuplicateName as error:
        raise not_accepted("container", JSON_MEMBERS, "a member stands twice") from error
    except ValueError as error:
        raise UnreadableSignature("not a JSON object") from error
    flattened = {"signature", "protected", "header"} & set(outer)
    if "signatures" not in outer and "signature" not in outer:
        raise UnreadableSignature("not a JWS")
    if "payload" not in outer or outer["payload"] == "":
        raise not_accepted("container", PAYLOAD_INSIDE, "a detached payload")
    payload = outer["payload"]
    if not isinstance(payload, str):
        raise UnreadableSignature("not a JWS with a payload")
    if flattened and "signatures" in outer:
        raise not_accepted("container", JSON_MEMBERS, "a flattened JWS mixed with the general form")
    if flattened:
        member = {name: value for name, value in outer.items() if name != "payload"}
        return Container(ascii_part(payload), (_member(member),))
    signatures = outer["signatures"]
    if not isinstance(signatures, list):
        raise UnreadableSignature("not a general JWS")
    if set(outer) - {"payload", "signatures"}:
        raise not_accepted("container", JSON_MEMBERS, "unknown members")
    if not 0 < len(signatures) <= max_signatures:
        detail = f"{len(signatures)} signatures, not 1 to {max_signatures}"
        raise not_accepted("container", JSON_MEMBERS, detail)
    return Container(ascii_part(payload), tuple(_member(signature) for signature in signatures))


def _member(one: Any) -> Signature:
    if not isinstance(one, dict):
        raise UnreadableSignature("a signature is not an object")
    protected, signature, header = one.get("protected"), one.get("signature"), one.get("header", {})
    if not isinstance(signature, str) or not isinstance(header, dict):
        raise UnreadableSignature("a signature without its parts")
    if not isinstance(protected, str) or not protected:
        raise not_accepted("header", UNPROTECTED_HEADER, "no protected header")
    if set(one) - {"protected", "signature", "header"}:
        raise not_accepted("container", JSON_MEMBERS, "unknown members in a signature")
    if set(header) - UNPROTECTED:
        raise not_accepted("header", UNPROTECTED_HEADER, "parameters that nobody signed")
    return Signature(ascii_part(protected), ascii_part(signature), header)


def prove(container: Container, one: Signature, policy: TrustPolicy) -> ProvenSignature:
    """
    Prove one signature. Raises Refused (the header, the algorithm or the signature is not acceptable) or Unreadable.

    The key comes from x5c alone, never from `jwk`, `jku`, `x5u` or `kid` (RFC 8725, 3.10).
    """
    header = read_header(one.protected)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in policy.algorithms:
        raise not_listed("header.alg", algorithm if isinstance(algorithm, str) else None, policy)
    check_parameters(header, policy)
    signed_at = signing_time(header)

    try:
        holder = book_of(policy).holder(tuple(header["x5c"]), signed_at)
    except NotCertificates as error:
        raise not_accepted("certificates", X5C, str(error)) from error
    if holder.key is None or algorithm not in holder.algorithms:
        raise not_for_key("header.alg", algorithm, holder)

    check_signature(container.payload, one, header, holder.key)
    check_references(header, holder)
    beside = stapled(one.unprotected)
    # ETSI TS 119 182-1, 5.3.4: over the signature as it is encoded.
    stamps = tuple(TimeStamp(token, one.signature) for token in beside.tokens)
    notes = (*notes_on(header), *beside.notes)
    return ProvenSignature(holder, algorithm, signed_at, beside.evidence, notes, stamps)


def check_signature(payload: bytes, one: Signature, header: dict[str, Any], key: ECKey | RSAKey) -> None:
    """Check one signature over header and payload (as encoded) with a key that is for its algorithm. Raises Refused."""
    decode_part(one.signature)  # one encoding only
    try:
        REGISTRY.check_header(header)
    except (JoseError, *CANNOT_BE_READ) as error:
        raise not_accepted("header", HEADER, "the header is not acceptable") from error
    signature = jws.CompactSignature(header, b"")
    signature.segments.update({"header": one.protected, "payload": payload, "signature": one.signature})
    try:
        holds = jws.validate_compact(signature, key, registry=REGISTRY)
    except (JoseError, *CANNOT_BE_READ):
        holds = False
    if not holds:
        raise invalid(
            "signature",
            "The signature does not hold over header and payload.",
            "Underskriften stämmer inte över huvud och innehåll.",
        )


def claimed_form(raw: bytes, *, compact: bool) -> bytes | None:
    """What an unproven message says: its payload when that is a JSON object, otherwise None."""
    try:
        payload = raw.strip(_WHITE).split(b".")[1] if compact else ascii_part(load_object(raw)["payload"])
        form = decode_part(payload)
        load_object(form)
    except (UnreadableSignature, SignatureRefused, ValueError, KeyError, IndexError, AttributeError):
        return None
    return form


def payload_of(container: Container) -> bytes:
    """The signed bytes, decoded. Raises Refused when the encoding is not the canonical one."""
    return decode_part(container.payload)
