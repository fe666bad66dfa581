"""
Bytes from the topic become a signed order, a refusal, or a dead letter. Pure: no clock, no network.

Not for me (another type of event) and unreadable are dead letters; understood but not provable is refused, with an
answer. The envelope is not signed: id, subject and key are compared with what was signed, before anybody is asked
whether the order may be.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sigill.intake.form_parsing import FormInvalid, read_form
from sigill.intake.refusal_texts import MISMATCH, signature_objections, wrong_audience
from sigill.judgement.objections import objection
from sigill.policy.effects import RefusalReason
from sigill.policy.identity_numbers import NumberRules
from sigill.processing.patient_keys import KeyRing, shaped_like_a_key
from sigill.stream.records import NotCloudEvent, Record, media_type, read_event
from sigill.trust import RevocationSnapshot, TrustPolicy, UnreadableSignature, Verdict, verify
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.envelope import Envelope
from sigill_contracts.order import SignedForm
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import RefusalCode


@dataclass(frozen=True, slots=True)
class VerifiedMessage:
    """An order whose signatures hold, in an envelope that fits it. Only revocation may be undetermined."""

    record: Record
    envelope: Envelope
    evidence: bytes
    digest: str
    form: SignedForm
    verdict: Verdict

    def turned_away(self, objections: tuple[RefusalReason, ...]) -> "RejectedMessage":
        """The same message with reasons why it cannot be taken."""
        key = shaped_like_a_key(self.record.key)
        return RejectedMessage(
            self.record, self.envelope, self.evidence, self.digest, objections, self.form, self.verdict, key
        )


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """
    A message that was understood and proves nothing. `form` is what it claims, for the answer only; None when
    nothing of it could be read. `key` is the record key of ours that the answer goes out under, if there is one.
    """

    record: Record
    envelope: Envelope
    evidence: bytes
    digest: str
    objections: tuple[RefusalReason, ...]
    form: SignedForm | None
    verdict: Verdict
    key: str | None
    order_id: UUID | None = None
    """What the proven payload names as its order where it is no valid form."""


@dataclass(frozen=True, slots=True)
class UnreadableMessage:
    """
    A message that could not be read at all: a dead letter, its bytes kept.

    `proven`: it could be read, is a proven order, and could not be handled all the same.
    """

    record: Record
    reason: DeadLetterReason
    proven: bool = False


_TEST_NUMBERS_TOO = NumberRules(test_numbers=True)
VerificationResult = VerifiedMessage | RejectedMessage | UnreadableMessage


@dataclass(frozen=True, slots=True)
class OrderVerifier:
    """What an order is measured by before any rule: whom it must be addressed to, and whose signatures count."""

    audience: str
    keys: KeyRing
    trust: TrustPolicy
    largest: int
    numbers: NumberRules = _TEST_NUMBERS_TOO

    def unwrap(self, record: Record, evidence: RevocationSnapshot) -> VerificationResult:
        """Read one record. `evidence` is what is known of revocations. Never raises for what a sender wrote."""
        if record.value is None:
            return UnreadableMessage(record, DeadLetterReason.NO_VALUE)
        if len(record.value) > self.largest:
            return UnreadableMessage(record, DeadLetterReason.TOO_LARGE)
        try:
            envelope, signed = read_event(record)
        except NotCloudEvent:
            return UnreadableMessage(record, DeadLetterReason.NOT_CLOUD_EVENT)

        if envelope.type != ORDERS.event_type:
            return UnreadableMessage(record, DeadLetterReason.UNKNOWN_TYPE)
        if signed is None:
            return UnreadableMessage(record, DeadLetterReason.NO_VALUE)
        content_type = media_type(envelope.content_type)
        if content_type not in ORDERS.content_types:
            return UnreadableMessage(record, DeadLetterReason.UNKNOWN_CONTENT_TYPE)
        try:
            verdict = verify(signed, content_type, policy=self.trust, evidence=evidence, arrived_at=record.at)
        except UnreadableSignature as error:
            return UnreadableMessage(record, _unreadable(error))
        return self._judge(record, envelope, signed, verdict)

    def _judge(
        self, record: Record, envelope: Envelope, signed: bytes, verdict: Verdict
    ) -> VerificationResult:

        digest = hashlib.sha256(signed).hexdigest()
        objections = signature_objections(verdict.reasons)
        key = shaped_like_a_key(record.key)
        form: SignedForm | None = None
        if verdict.payload is not None:
            try:
                form = read_form(verdict.payload, self.numbers)
            except FormInvalid as invalid:
                objections += invalid.objections
            else:
                objections += self._faults(form, envelope, key)
        if form is None or objections:
            claimed = form or self._claim(verdict)
            named = _order_id(verdict.payload) if claimed is None else claimed.order_id
            return RejectedMessage(
                record, envelope, signed, digest, tuple(objections), claimed, verdict, key, named
            )
        return VerifiedMessage(record, envelope, signed, digest, form, verdict)

    def _faults(self, form: SignedForm, envelope: Envelope, key: str | None) -> list[RefusalReason]:
        """Where the envelope says something else than what was signed, or the form is for another system."""
        own = self.keys.every(form.patient.id)
        fits = {
            "ce_id": _uuid(envelope.id) == form.order_id,
            "ce_subject": envelope.subject in own,
            "key": key in own and key == envelope.subject,
        }
        faults = [
            objection(RefusalCode.ENVELOPE_MISMATCH, name, more=MISMATCH[name])
            for name, fit in fits.items()
            if not fit
        ]
        if form.audience != self.audience:
            faults.append(wrong_audience(self.audience))
        return faults

    def _claim(self, verdict: Verdict) -> SignedForm | None:
        """What an unproven message says of itself, good for addressing the answer and for nothing else."""
        if verdict.claimed is None:
            return None
        try:
            return read_form(verdict.claimed, self.numbers)
        except FormInvalid:
            return None


def _order_id(payload: bytes | None) -> UUID | None:
    """The order that a proven payload names, although it is no valid form."""
    try:
        members = None if payload is None else json.loads(payload)
        return _uuid(members["order_id"]) if isinstance(members, dict) else None
    except (ValueError, KeyError, RecursionError):
        return None


def _uuid(text: object) -> UUID | None:
    """A UUID in whichever of its spellings; the form's own is read so, too."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _unreadable(error: UnreadableSignature) -> DeadLetterReason:
    """Whether the container could not be read, or what was signed inside it."""
    inside = str(error).startswith("what was signed")
    return DeadLetterReason.UNREADABLE_PAYLOAD if inside else DeadLetterReason.UNREADABLE_SIGNATURE


def received_at(record: Record) -> datetime:
    """When the broker took the message (UTC); the sender's own time where the topic is set so."""
    return record.at
