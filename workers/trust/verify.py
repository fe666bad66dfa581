"""
A signed message in, the signed form and its signers out, or every reason why not. The door of this room.

In this order: size and container; then for each signature the algorithm, the header, the certificate it names, the
signature itself; and only when it holds the certificate's path, use, validity and revocation, and the age of the
signature. A signature that does not hold says nothing about its time or holder, so nothing more is judged of it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.vocabulary import RefusalCode
from workers.trust import jose, xades
from workers.trust.evidence import Evidence
from workers.trust.policy import TrustPolicy
from workers.trust.proof import ProvenSignature
from workers.trust.revocation import revocation
from workers.trust.strict import DuplicateName, load_object
from workers.trust.verdict import Check, Question, Refused, Signer, Unreadable, Verdict

COMPACT = "application/jose"
GENERAL = "application/jose+json"
XML = "application/xml"


def verify(
    raw: bytes, content_type: str, *, policy: TrustPolicy, evidence: Evidence, arrived_at: datetime
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
        raise Unreadable(f"{len(raw)} bytes, the limit is {policy.max_bytes}")
    arrived_at = arrived_at.astimezone(UTC)
    kind = content_type.split(";", 1)[0].strip().lower()
    try:
        match kind:
            case "application/jose" | "application/jose+json":  # COMPACT, GENERAL
                payload, proven = _prove_jws(raw, kind, policy)
            case "application/xml":
                payload, one = xades.prove(raw, policy)
                proven = [one]
            case _:
                raise Unreadable("a content type that no order has")
    except Refused as refused:
        return Verdict(
            payload=None,
            refusals=(refused.code,),
            checks=(Check(refused.check, "bad", refused.detail),),
            claimed=_claimed(raw, kind),
        )
    return _judge(payload, proven, policy, evidence, arrived_at)


def _prove_jws(raw: bytes, kind: str, policy: TrustPolicy) -> tuple[bytes, list[ProvenSignature]]:
    container = jose.open_compact(raw) if kind == COMPACT else jose.open_general(raw, policy.max_signatures)
    proven = [jose.prove(container, one, policy) for one in container.signatures]
    payload = jose.payload_of(container)
    try:
        load_object(payload)
    except DuplicateName as error:
        raise Refused(RefusalCode.SIGNATURE_INVALID, "payload", "a name stands twice") from error
    except ValueError as error:
        raise Unreadable("what was signed is not a JSON object") from error
    return payload, proven


def _claimed(raw: bytes, kind: str) -> bytes | None:
    if kind == XML:
        return xades.claimed_form(raw)
    return jose.claimed_form(raw, compact=kind == COMPACT)


def _judge(
    payload: bytes,
    proven: Sequence[ProvenSignature],
    policy: TrustPolicy,
    evidence: Evidence,
    arrived_at: datetime,
) -> Verdict:
    refusals: dict[RefusalCode, None] = {}
    checks: list[Check] = []
    questions: list[Question] = []
    signers: dict[str, Signer] = {}
    for one in proven:
        codes, unknown = _judge_one(one, policy, evidence, arrived_at, checks)
        refusals.update(dict.fromkeys(codes))
        questions += unknown
        signer = _signer(one)
        if signer.hsa_id:
            signers.setdefault(signer.hsa_id, signer)
    if questions and policy.on_unknown_revocation == "refuse":
        refusals[RefusalCode.REVOCATION_UNKNOWN] = None
    return Verdict(
        payload=payload,
        signers=tuple(signers.values()),
        refusals=tuple(refusals),
        undetermined=bool(questions),
        checks=tuple(checks),
        signed_at=max(one.signed_at for one in proven),
        claimed=payload,
        questions=tuple(questions),
    )


def _judge_one(
    one: ProvenSignature, policy: TrustPolicy, evidence: Evidence, arrived_at: datetime, checks: list[Check]
) -> tuple[list[RefusalCode], tuple[Question, ...]]:
    """Judge certificate and time of a signature that holds. Gives the refusals, and whose revocation is unknown."""
    holder, signed_at = one.holder, one.signed_at
    checks.append(Check("signature", "good", one.algorithm))
    checks += [Check("header", "not_checked", note) for note in one.notes]

    codes: list[RefusalCode] = []
    for fault in holder.faults:
        codes.append(fault.code)
        checks.append(Check(fault.check, "bad", fault.detail))
    if not holder.faults:
        checks.append(Check("certificate_path", "good", f"{len(holder.chain)} certificates to the anchor"))
        checks.append(Check("certificate_usage", "good"))

    if holder.not_before - policy.clock_skew <= signed_at <= holder.not_after:
        checks.append(Check("certificate_validity", "good", signed_at.isoformat()))
    else:
        codes.append(RefusalCode.CERTIFICATE_EXPIRED)
        span = f"valid {holder.not_before.isoformat()} to {holder.not_after.isoformat()}"
        checks.append(Check("certificate_validity", "bad", f"signed {signed_at.isoformat()}, {span}"))

    unknown: tuple[Question, ...] = ()
    if holder.chain:
        status, detail, questions = revocation(
            holder, evidence, signed_at=signed_at, arrived_at=arrived_at, policy=policy, stapled=one.stapled
        )
        if status == "revoked":
            codes.append(RefusalCode.CERTIFICATE_REVOKED)
            checks.append(Check("revocation", "bad", detail))
        elif status == "unknown" and codes:
            checks.append(Check("revocation", "not_checked", "refused already"))
        elif status == "unknown":
            unknown = questions
            checks.append(Check("revocation", "undetermined", detail))
        else:
            checks.append(Check("revocation", "good"))
    else:
        checks.append(Check("revocation", "not_checked", "no path, so no issuer to ask"))

    codes += _age(signed_at, arrived_at, policy, checks)
    return codes, unknown


def _age(
    signed_at: datetime, arrived_at: datetime, policy: TrustPolicy, checks: list[Check]
) -> list[RefusalCode]:
    age = arrived_at - signed_at
    if age > policy.longest_age:
        checks.append(Check("age", "bad", f"signed {age.days} days before it arrived"))
        return [RefusalCode.SIGNATURE_TOO_OLD]
    if -age > policy.clock_skew:
        checks.append(Check("age", "bad", f"signed {int(-age.total_seconds())} s after it arrived"))
        return [RefusalCode.SIGNED_IN_FUTURE]
    checks.append(Check("age", "good", f"{int(age.total_seconds())} s"))
    return []


def _signer(one: ProvenSignature) -> Signer:
    return Signer(
        hsa_id=one.holder.hsa_id,
        certificate_sha256=one.holder.fingerprint,
        issuer=one.holder.issuer,
        serial=f"{one.holder.certificate.serial_number:x}",
        signed_at=one.signed_at,
        algorithm=one.algorithm,
    )
