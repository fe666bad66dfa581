"""
A signed message in, the signed form and its signers out, or every reason why not. The door of this room.

In this order: size and container; then for each signature the algorithm, the header, the certificate it names, the
signature itself; and only when it holds the certificate's path, use, validity and revocation, and the age of the
signature. A signature that does not hold says nothing about its time or holder, so nothing more is judged of it.
"""

from codecs import BOM_UTF8
from collections.abc import Sequence
from datetime import UTC, datetime

from sigill.runtime.strict_json import DuplicateName
from sigill.trust import jose, xades
from sigill.trust.evidence import RevocationSnapshot
from sigill.trust.policy import TrustPolicy
from sigill.trust.profile import PAYLOAD_ONCE
from sigill.trust.proof import ProvenSignature
from sigill.trust.revocation import revocation
from sigill.trust.strict import load_object
from sigill.trust.time_stamps import earliest
from sigill.trust.verdict import (
    Check,
    Question,
    RefusalDetail,
    SignatureRefused,
    UnreadableSignature,
    Verdict,
    VerifiedSigner,
    merged,
    not_accepted,
)
from sigill_contracts.vocabulary import RefusalCode

COMPACT = "application/jose"
JSON = "application/jose+json"
XML = "application/xml"


def verify(
    raw: bytes, content_type: str, *, policy: TrustPolicy, evidence: RevocationSnapshot, arrived_at: datetime
) -> Verdict:
    """
    Judge a signed order as it came. Pure: fetched evidence and the moment of arrival (aware; the broker's time) are
    handed in.

    Raises Unreadable when the message is no signature container of its content type, is larger than the policy
    allows, or when something other than a JSON object was signed: then there is nobody to answer.
    """
    if arrived_at.tzinfo is None:
        raise ValueError("arrived_at needs a time zone")
    if len(raw) > policy.max_bytes:
        raise UnreadableSignature(f"{len(raw)} bytes, the limit is {policy.max_bytes}")
    arrived_at = arrived_at.astimezone(UTC)
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind == "text/xml":  # another name of the same (RFC 7303, 9.2)
        kind = XML
    elif kind != XML:
        raw = raw.removeprefix(BOM_UTF8)  # RFC 8259, 8.1: a byte order mark may be ignored
    try:
        match kind:
            case "application/jose" | "application/jose+json":  # COMPACT, JSON
                payload, proven = _prove_jws(raw, kind, policy)
            case "application/xml":
                payload, one = xades.prove(raw, policy)
                proven = [one]
            case _:
                raise UnreadableSignature("a content type that no order has")
    except SignatureRefused as refused:
        return Verdict(
            payload=None,
            reasons=(refused.reason,),
            checks=(Check(refused.check, "bad", refused.detail),),
            claimed=claimed_form(raw, kind),
        )
    return _judge(payload, proven, policy, evidence, arrived_at)


def _prove_jws(raw: bytes, kind: str, policy: TrustPolicy) -> tuple[bytes, list[ProvenSignature]]:
    container = jose.open_compact(raw) if kind == COMPACT else jose.open_json(raw, policy.max_signatures)
    proven = [jose.prove(container, signature, policy) for signature in container.signatures]
    payload = jose.payload_of(container)
    try:
        load_object(payload)
    except DuplicateName as error:
        raise not_accepted("payload", PAYLOAD_ONCE, "a name stands twice") from error
    except ValueError as error:
        raise UnreadableSignature("what was signed is not a JSON object") from error
    return payload, proven


def claimed_form(raw: bytes, kind: str) -> bytes | None:
    """What an unproven message of this media type says, as JSON bytes; None when it says nothing readable."""
    if kind == XML:
        return xades.claimed_form(raw)
    return jose.claimed_form(raw, compact=kind == COMPACT)


def _judge(
    payload: bytes,
    proven: Sequence[ProvenSignature],
    policy: TrustPolicy,
    evidence: RevocationSnapshot,
    arrived_at: datetime,
) -> Verdict:
    reasons: list[RefusalDetail] = []
    checks: list[Check] = []
    questions: list[Question] = []
    signers: dict[str, VerifiedSigner] = {}
    for signature in proven:
        found, unknown = _judge_one(signature, policy, evidence, arrived_at, checks)
        reasons += found
        questions += unknown
        signer = _signer(signature)
        if signer.hsa_id:
            signers.setdefault(signer.hsa_id, signer)
    if questions and policy.on_unknown_revocation == "refuse":
        reasons.append(RefusalDetail(RefusalCode.REVOCATION_UNKNOWN))
    return Verdict(
        payload=payload,
        signers=tuple(signers.values()),
        reasons=merged(reasons),
        undetermined=bool(questions),
        checks=tuple(checks),
        signed_at=max(signature.signed_at for signature in proven),
        claimed=payload,
        questions=tuple(questions),
    )


def _judge_one(
    one: ProvenSignature,
    policy: TrustPolicy,
    evidence: RevocationSnapshot,
    arrived_at: datetime,
    checks: list[Check],
) -> tuple[list[RefusalDetail], tuple[Question, ...]]:
    """Judge certificate and time of a signature that holds. Gives the reasons against it, and whose revocation is unknown."""
    holder, signed_at = one.holder, one.signed_at
    checks.append(Check("signature", "good", one.algorithm))
    checks += [Check("header", "not_checked", note) for note in one.notes]

    reasons = [fault.reason for fault in holder.faults]
    checks += [Check(fault.check, "bad", fault.detail) for fault in holder.faults]
    if not holder.faults:
        checks.append(Check("certificate_path", "good", f"{len(holder.chain)} certificates to the anchor"))
        checks.append(Check("certificate_usage", "good"))

    if holder.not_before - policy.clock_skew <= signed_at <= holder.not_after:
        checks.append(Check("certificate_validity", "good", signed_at.isoformat()))
    else:
        span = f"valid {holder.not_before.isoformat()} to {holder.not_after.isoformat()}"
        reasons.append(
            RefusalDetail(
                RefusalCode.CERTIFICATE_EXPIRED,
                "certificate.validity",
                f"Giltigt {holder.not_before.isoformat()} till {holder.not_after.isoformat()}; "
                f"underskrivet {signed_at.isoformat()}.",
                f"Valid {holder.not_before.isoformat()} to {holder.not_after.isoformat()}; "
                f"signed {signed_at.isoformat()}.",
            )
        )
        checks.append(Check("certificate_validity", "bad", f"signed {signed_at.isoformat()}, {span}"))

    existed_at = arrived_at
    if one.time_stamps:
        stamped_at, stamp_checks = earliest(one.time_stamps, policy.time_stamp_anchors)
        checks += stamp_checks
        if stamped_at is not None:
            existed_at = min(stamped_at, arrived_at)

    unknown: tuple[Question, ...] = ()
    if holder.chain:
        status, detail, questions = revocation(
            holder, evidence, signed_at=signed_at, arrived_at=existed_at, policy=policy, stapled=one.stapled
        )
        if status == "revoked":
            reasons.append(RefusalDetail(RefusalCode.CERTIFICATE_REVOKED))
            checks.append(Check("revocation", "bad", detail))
        elif status == "unknown" and reasons:
            checks.append(Check("revocation", "not_checked", "refused already"))
        elif status == "unknown":
            unknown = questions
            checks.append(Check("revocation", "undetermined", detail))
        else:
            checks.append(Check("revocation", "good"))
    else:
        checks.append(Check("revocation", "not_checked", "no path, so no issuer to ask"))

    reasons += _age(signed_at, arrived_at, existed_at, policy, checks)
    return reasons, unknown


def _age(
    signed_at: datetime, arrived_at: datetime, existed_at: datetime, policy: TrustPolicy, checks: list[Check]
) -> list[RefusalDetail]:
    age = arrived_at - signed_at
    if age > policy.longest_age:
        checks.append(Check("age", "bad", f"signed {age.days} days before it arrived"))
        longest = policy.longest_age.days
        return [
            RefusalDetail(
                RefusalCode.SIGNATURE_TOO_OLD,
                None,
                f"Underskriven {age.days} dagar före ankomsten; högst {longest} godtas.",
                f"Signed {age.days} days before it arrived; at most {longest} are accepted.",
            )
        ]
    if signed_at - existed_at > policy.clock_skew:
        late = int((signed_at - existed_at).total_seconds())
        stamped = existed_at != arrived_at
        what_sv, what_en = (
            ("efter sin tidsstämpel", "its time stamp") if stamped else ("efter ankomsten", "it arrived")
        )
        checks.append(Check("age", "bad", f"signed {late} s after {what_en}"))
        return [
            RefusalDetail(
                RefusalCode.SIGNED_IN_FUTURE,
                None,
                f"Underskriven {late} s {what_sv}; ställ klockan.",
                f"Signed {late} s after {what_en}; set the clock right.",
            )
        ]
    checks.append(Check("age", "good", f"{int(age.total_seconds())} s"))
    return []


def _signer(one: ProvenSignature) -> VerifiedSigner:
    return VerifiedSigner(
        hsa_id=one.holder.hsa_id,
        certificate_sha256=one.holder.fingerprint,
        issuer=one.holder.issuer,
        serial=f"{one.holder.certificate.serial_number:x}",
        signed_at=one.signed_at,
        algorithm=one.algorithm,
    )
