"""Three doors: not readable, understood but not provable, and an order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sigill.intake.verification import OrderVerifier, RejectedMessage, UnreadableMessage, VerifiedMessage
from sigill.stream.records import Record
from sigill.trust import RevocationSnapshot, TrustPolicy
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.vocabulary import RefusalCode
from tests.workers.town import AUDIENCE, CHILD, DOCTOR, KEYS, Town, person

AT = datetime(2025, 3, 10, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(AT)


@pytest.fixture(scope="module")
def evidence(town: Town) -> RevocationSnapshot:
    return RevocationSnapshot.read(town.authority.crls(AT - timedelta(hours=1)))


@pytest.fixture(scope="module")
def door(town: Town) -> OrderVerifier:
    trust = TrustPolicy(anchors=town.authority.anchors, intermediates=town.authority.intermediates)
    return OrderVerifier(AUDIENCE, KEYS, trust, 262_144)


def codes(arrival: object) -> list[str]:
    assert isinstance(arrival, RejectedMessage)
    return [str(o.code) for o in arrival.objections]


def test_a_signed_form_in_an_envelope_that_fits_is_an_order(
    town: Town, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    sent = town.orders(AT)
    arrival = door.unwrap(sent.record(0, AT), evidence)
    assert isinstance(arrival, VerifiedMessage)
    assert str(arrival.form.order_id) == sent.order_id
    assert [s.hsa_id for s in arrival.verdict.signers] == [DOCTOR]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("payload", RefusalCode.SIGNATURE_INVALID),
        ("signature", RefusalCode.SIGNATURE_INVALID),
        ("alg_none", RefusalCode.ALGORITHM_NOT_ALLOWED),
        ("expired_certificate", RefusalCode.CERTIFICATE_EXPIRED),
        ("revoked_certificate", RefusalCode.CERTIFICATE_REVOKED),
        ("untrusted_issuer", RefusalCode.CERTIFICATE_UNTRUSTED),
        ("wrong_key_usage", RefusalCode.CERTIFICATE_NOT_FOR_SIGNING),
    ],
)
def test_what_is_wrong_with_a_signature_is_the_only_reason_given(
    town: Town, door: OrderVerifier, evidence: RevocationSnapshot, how: str, code: RefusalCode
) -> None:
    sent = town.signs(town.form(AT), AT, tamper=how)
    assert codes(door.unwrap(sent.record(0, AT), evidence)) == [code]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"event_id": "something-else"}, ["ce_id"]),
        ({"subject": KEYS.of(CHILD)}, ["ce_subject", "key"]),
        ({"key": KEYS.of(CHILD)}, ["ce_subject", "key"]),
        ({"key": "197006062388"}, ["ce_subject", "key"]),
    ],
)
def test_an_envelope_that_says_something_else_than_the_form_is_refused(
    town: Town, door: OrderVerifier, evidence: RevocationSnapshot, wrong: dict[str, str], field: list[str]
) -> None:
    arrival = door.unwrap(town.signs(town.form(AT), AT, **wrong).record(0, AT), evidence)
    assert isinstance(arrival, RejectedMessage)
    assert [o.field for o in arrival.objections] == field
    assert {o.code for o in arrival.objections} == {RefusalCode.ENVELOPE_MISMATCH}


def test_a_bare_number_as_key_is_never_the_key_of_an_answer(
    town: Town, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    arrival = door.unwrap(town.signs(town.form(AT), AT, key="197006062388").record(0, AT), evidence)
    assert isinstance(arrival, RejectedMessage)
    assert arrival.key is None


def test_an_order_for_another_system_is_refused_beside_every_other_reason(
    town: Town, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    sent = town.signs(town.form(AT, audience="sigill/production"), AT, event_id="other")
    assert codes(door.unwrap(sent.record(0, AT), evidence)) == ["envelope_mismatch", "wrong_audience"]


def test_every_field_at_fault_is_named_and_no_value_repeated(
    town: Town, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    form = town.form(
        AT, form="not_a_form", patient=person("19700606-2388"), **{"1970-06-06": "x", "extra": 1}
    )
    del form["decided_at"]
    arrival = door.unwrap(town.signs(form, AT).record(0, AT), evidence)
    assert isinstance(arrival, RejectedMessage)
    assert {o.code for o in arrival.objections} == {RefusalCode.FIELD_INVALID}
    assert [o.field for o in arrival.objections] == ["form", "patient.id", "decided_at", "?", "extra"]
    said = " ".join(o.text.sv + o.text.en for o in arrival.objections)
    assert "1970" not in said
    assert "not_a_form" not in said


def _changed(record: Record, **fields: Any) -> Record:
    values = {name: getattr(record, name) for name in Record.__slots__}
    return Record(**{**values, **fields})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": None}, DeadLetterReason.NO_VALUE),
        ({"value": b"x" * 262_145}, DeadLetterReason.TOO_LARGE),
        ({"headers": ()}, DeadLetterReason.NOT_CLOUD_EVENT),
        ({"value": b"\x00\xff not anything"}, DeadLetterReason.UNREADABLE_SIGNATURE),
    ],
)
def test_what_cannot_be_read_is_a_dead_letter_with_its_reason(
    town: Town,
    door: OrderVerifier,
    evidence: RevocationSnapshot,
    change: dict[str, Any],
    reason: DeadLetterReason,
) -> None:
    record = _changed(town.orders(AT).record(0, AT), **change)
    assert door.unwrap(record, evidence) == UnreadableMessage(record, reason)


def test_other_types_and_content_types_are_not_for_us(
    town: Town, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    sent = town.signs(town.form(AT), AT, event_type="org.example.other")
    assert door.unwrap(sent.record(0, AT), evidence) == UnreadableMessage(
        sent.record(0, AT), DeadLetterReason.UNKNOWN_TYPE
    )
    record = town.orders(AT).record(0, AT)
    headers = tuple((n, b"text/plain" if n == "content-type" else v) for n, v in record.headers)
    other = _changed(record, headers=headers)
    assert door.unwrap(other, evidence) == UnreadableMessage(other, DeadLetterReason.UNKNOWN_CONTENT_TYPE)


def test_no_json_inside_a_good_signature_is_a_dead_letter(
    town: Town, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    from sigill.devtools.signing import sign_jws

    record = town.orders(AT).record(0, AT)
    signed = sign_jws(b"{not json", town.authority.staff(DOCTOR), signed_at=AT)
    broken = _changed(record, value=signed)
    assert door.unwrap(broken, evidence) == UnreadableMessage(broken, DeadLetterReason.UNREADABLE_PAYLOAD)


def test_without_any_revocation_list_the_order_is_held_not_refused(town: Town, door: OrderVerifier) -> None:
    arrival = door.unwrap(town.orders(AT).record(0, AT), RevocationSnapshot.of())
    assert isinstance(arrival, VerifiedMessage)
    assert arrival.verdict.undetermined
