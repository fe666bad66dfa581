"""
Whether a certificate was revoked at the claimed signing time, or at arrival: good, revoked, or *cannot be known*.

The signing time is only the signer's claim, so both moments count: whoever holds a stolen and revoked card would
date the order back. Of all lists of one scope ever fetched three are asked, and likewise of the answers: the one in
force at signing (a hold that was lifted since is still in it), the first one after it, and the newest; and for a
certificate that has run out, the last one from its life, since authorities drop the dead from their lists.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sigill.trust.chain import CertificateHolder
from sigill.trust.evidence import RevocationSnapshot, RevocationStatement, View
from sigill.trust.ocsp import NotBelieved, single_answer
from sigill.trust.policy import TrustPolicy
from sigill.trust.verdict import Question

Status = Literal["good", "revoked", "unknown"]


def revocation(
    holder: CertificateHolder,
    evidence: RevocationSnapshot,
    *,
    signed_at: datetime,
    arrived_at: datetime,
    policy: TrustPolicy,
    stapled: RevocationSnapshot | None = None,
) -> tuple[Status, str, tuple[Question, ...]]:
    """
    Judge every certificate of the path but the anchor, at both moments (UTC). The worst status wins.

    Gives the status, why, and the certificates (each with its issuer) of which nobody could tell.

    `stapled` is evidence that came with the message; it is held to the same rules.
    """
    worst: Status = "good"
    detail = ""
    open_questions: list[Question] = []
    for depth, view in enumerate(evidence.views(holder)):
        statements = _statements(view, evidence, signed_at, arrived_at, policy)
        if stapled is not None:
            extra = stapled.views(holder)[depth]
            statements += _statements(extra, stapled, signed_at, arrived_at, policy)
        status, why = _judge(statements, signed_at, arrived_at, policy.hindsight)
        if status == "revoked":
            return status, f"certificate {depth} of the path {why}", ()
        if status == "unknown":
            worst, detail = status, detail or f"certificate {depth} of the path: {why}"
            open_questions.append((view.certificate, view.issuer))
    return worst, detail, tuple(open_questions)


def _judge(
    statements: Sequence[RevocationStatement], signed_at: datetime, arrived_at: datetime, hindsight: timedelta
) -> tuple[Status, str]:
    revoked = [s.revoked_at for s in statements if s.revoked_at is not None and s.revoked_at <= arrived_at]
    if revoked:
        return "revoked", f"revoked from {min(revoked).isoformat()}"
    if not statements:
        return "unknown", "no list or answer speaks for it"
    if not any(
        s.since <= signed_at <= s.until or signed_at < s.since <= signed_at + hindsight for s in statements
    ):
        return "unknown", "nothing speaks for the time of signing"
    if not any(arrived_at <= s.until for s in statements):
        return "unknown", f"the newest statement ran out {max(s.until for s in statements).isoformat()}"
    return "good", ""


def _statements(
    view: View, evidence: RevocationSnapshot, signed_at: datetime, arrived_at: datetime, policy: TrustPolicy
) -> list[RevocationStatement]:
    found = [
        series.lists[index].statement(view.serial)
        for series in view.series
        for index in _asked(series.since, signed_at, arrived_at, view.not_after)
    ]
    answers = evidence.answers.get(view.serial)
    if answers:
        spoken = []
        for answer in answers:
            try:
                spoken.append(
                    RevocationStatement(
                        *single_answer(answer, view.certificate, view.issuer, policy.status_age)
                    )
                )
            except NotBelieved:
                continue
        spoken.sort(key=lambda s: s.since)
        found += [spoken[i] for i in _asked([s.since for s in spoken], signed_at, arrived_at, view.not_after)]
    return found


def _asked(
    since: Sequence[datetime], signed_at: datetime, arrived_at: datetime, not_after: datetime
) -> set[int]:
    """Which of the statements, oldest first, are asked: see the top of the file."""
    if not since:
        return set()
    newest = len(since) - 1
    in_force = bisect_right(since, signed_at) - 1
    asked = {newest, min(in_force + 1, newest)}
    if in_force >= 0:
        asked.add(in_force)
    if not_after < arrived_at:
        asked.add(max(bisect_right(since, not_after) - 1, 0))
    return asked
