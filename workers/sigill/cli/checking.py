"""How the intake would judge a signed order, offline: every check in words, and what to set where it would refuse."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sigill.intake.form_parsing import FormInvalid, read_form
from sigill.intake.refusal_texts import signature_objections, wrong_audience
from sigill.policy.effects import RefusalReason
from sigill.stream.records import media_type
from sigill.trust import RevocationSnapshot, TrustPolicy, UnreadableSignature, Verdict, verify
from sigill_contracts.dead_letter import DeadLetterReason

IN, REFUSED, UNDETERMINED = 0, 1, 3
"""Exit statuses: let in; refused or not readable; nobody can tell whether the certificate is revoked."""

_KINDS = {".jose": "application/jose", ".jws": "application/jose", ".json": "application/jose+json"}
_KINDS |= {".xml": "application/xml"}
_FOUND = {"good": "good", "bad": "BAD", "undetermined": "NOT KNOWN", "not_checked": "not checked"}
_LISTS = {".crl", ".der", ".pem"}


def content_type_of(path: Path, raw: bytes) -> str:
    """The media type by the file's ending; by its first character where the ending says nothing."""
    kind = _KINDS.get(path.suffix.lower())
    if kind is not None:
        return kind
    start = raw.lstrip()[:1]
    return {b"{": "application/jose+json", b"<": "application/xml"}.get(start, "application/jose")


def evidence_in(folders: Sequence[Path]) -> tuple[RevocationSnapshot, list[str]]:
    """The revocation lists in folders, and the names of files that are none. Raises OSError."""
    lists: list[bytes] = []
    unread: list[str] = []
    for folder in folders:
        files = sorted(p for p in folder.iterdir() if p.suffix in _LISTS) if folder.is_dir() else [folder]
        for file in files:
            data = file.read_bytes()
            try:
                RevocationSnapshot.read([data])
            except ValueError:
                unread.append(file.name)
                continue
            lists.append(data)
    return RevocationSnapshot.read(lists), unread


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """How the intake would judge it. `verdict` is None for what it could not read."""

    content_type: str
    size: int
    at: datetime
    verdict: Verdict | None
    unreadable: str
    objections: tuple[RefusalReason, ...]

    @property
    def status(self) -> int:
        """The exit status."""
        if self.verdict is None or self.objections:
            return REFUSED
        return UNDETERMINED if self.verdict.undetermined else IN

    def lines(self) -> Iterator[str]:
        """The answer for a reader."""
        yield f"{self.content_type}, {self.size} bytes, as if it arrived {self.at.isoformat()}"
        if self.verdict is None:
            yield f"  BAD          container               {self.unreadable}"
            yield "The door could not read it: it would become a dead letter, and no receipt would come."
            return
        for check in self.verdict.checks:
            words = check.name.replace("_", " ")
            yield f"  {_FOUND[check.verdict]:<12} {words:<23} {check.detail}".rstrip()
        for signer in self.verdict.signers:
            yield f"  signer       {signer.hsa_id}, signed {signer.signed_at.isoformat()}"
        for objection in self.objections:
            where = f" ({objection.field})" if objection.field else ""
            yield f"{objection.code}{where}: {objection.text.en}"
        match self.status:
            case 0:
                yield "The intake would accept it. The rules are asked after that."
            case 3:
                yield (
                    "The door could not tell whether the certificate is revoked: a protective order would be carried "
                    "out and flagged, an opening one would wait. No list was fetched and no responder asked here."
                )
            case _:
                yield "The intake would refuse it, with a receipt that says the above."

    def as_json(self) -> str:
        """The same for a program."""
        verdict = self.verdict
        return json.dumps(
            {
                "content_type": self.content_type,
                "let_in": self.status == IN,
                "undetermined": verdict is not None and verdict.undetermined,
                "unreadable": self.unreadable or None,
                "checks": [
                    {"name": c.name, "verdict": c.verdict, "detail": c.detail}
                    for c in (verdict.checks if verdict else ())
                ],
                "refusals": [
                    {"code": str(o.code), "field": o.field, "sv": o.text.sv, "en": o.text.en}
                    for o in self.objections
                ],
            },
            ensure_ascii=False,
            indent=2,
        )


def answer(
    raw: bytes,
    content_type: str,
    *,
    policy: TrustPolicy,
    evidence: RevocationSnapshot,
    at: datetime,
    audience: str | None,
) -> CheckAnswer:
    """
    Judge a file as the intake would if it arrived `at` (aware). `audience` None leaves the addressee unchecked.

    The envelope is not part of the file, and is not judged.
    """
    kind = media_type(content_type)
    try:
        verdict = verify(raw, kind, policy=policy, evidence=evidence, arrived_at=at)
    except UnreadableSignature as error:
        reason = (
            DeadLetterReason.UNREADABLE_PAYLOAD
            if str(error).startswith("what was signed")
            else DeadLetterReason.UNREADABLE_SIGNATURE
        )
        return CheckAnswer(kind, len(raw), at, None, f"{reason}: {error}", ())
    objections = signature_objections(verdict.reasons)
    if verdict.payload is not None:
        try:
            form = read_form(verdict.payload)
        except FormInvalid as invalid:
            objections += invalid.objections
        else:
            if audience is not None and form.audience != audience:
                objections.append(wrong_audience(audience))
    return CheckAnswer(kind, len(raw), at, verdict, "", tuple(objections))
