"""What the tests of this room stand on: an invented authority, its evidence, and one order."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sigill.devtools.authority import DevAuthority
from sigill.trust import RevocationSnapshot, TrustPolicy, UnreadableSignature, Verdict, verify

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SIGNER = "SE2321000065-1001"
OTHER = "SE2321000065-1002"
COMPACT, GENERAL, XML = "application/jose", "application/jose+json", "application/xml"
FORM = {
    "order_id": "0192f0c1-0000-7000-8000-000000000001",
    "form": "seal_journal",
    "patient": {"id_type": "personnummer", "id": "201202292387"},
    "urgent": False,
    "units": ["SE2321000065-2001"],
    "attestations": ["own_will", "no_threat"],
    "motivation": "Skäl, med å & ä < ö",
    "inform": {"guardians": True, "patient": True, "written_confirmation": False},
}
PAYLOAD = json.dumps(FORM, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Bench:
    ca: DevAuthority
    policy: TrustPolicy
    evidence: RevocationSnapshot

    def verdict(
        self,
        raw: bytes,
        kind: str = COMPACT,
        *,
        evidence: RevocationSnapshot | None = None,
        policy: TrustPolicy | None = None,
        arrived_at: datetime = NOW + timedelta(seconds=5),
    ) -> Verdict:
        return verify(
            raw,
            kind,
            policy=policy or self.policy,
            evidence=self.evidence if evidence is None else evidence,
            arrived_at=arrived_at,
        )

    def codes(self, raw: bytes, kind: str = COMPACT, **how) -> list[str]:
        """The refusals as text; `dead_letter` for what nobody can read, `undetermined` added when it is."""
        try:
            verdict = self.verdict(raw, kind, **how)
        except UnreadableSignature:
            return ["dead_letter"]
        return [*map(str, verdict.refusals), *(["undetermined"] if verdict.undetermined else [])]

    def with_policy(self, **changes) -> TrustPolicy:
        return replace(self.policy, **changes)


def make_bench() -> Bench:
    ca = DevAuthority.create(NOW)
    policy = TrustPolicy(anchors=ca.anchors, intermediates=ca.intermediates)
    return Bench(ca, policy, RevocationSnapshot.read(ca.crls(NOW - timedelta(hours=1))))
