"""Three doors: not readable, understood but not provable, and an order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sigill.intake.verification import OrderVerifier, RejectedMessage, UnreadableMessage, VerifiedMessage
from sigill.stream.records import Record
from sigill.trust import RevocationSnapshot, TrustPolicy
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.vocabulary import RefusalCode
from tests.kit.senders import AUDIENCE, CHILD, DOCTOR, KEYS, UNIT, Senders, person

AT = datetime(2025, 3, 10, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def senders() -> Senders:
    return Senders(AT)


@pytest.fixture(scope="module")
def evidence(senders: Senders) -> RevocationSnapshot:
    return RevocationSnapshot.read(senders.authority.crls(AT - timedelta(hours=1)))


@pytest.fixture(scope="module")
def door(senders: Senders) -> OrderVerifier:
    trust = TrustPolicy(anchors=senders.authority.anchors, intermediates=senders.authority.intermediates)
    return OrderVerifier(AUDIENCE, KEYS, trust, 262_144)


def codes(arrival: object) -> list[str]:
    assert isinstance(arrival, RejectedMessage)
    return [str(o.code) for o in arrival.objections]


def test_a_signed_form_in_an_envelope_that_fits_is_an_order(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    sent = senders.orders(AT)
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
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot, how: str, code: RefusalCode
) -> None:
    sent = senders.signs(senders.form(AT), AT, tamper=how)
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
    senders: Senders,
    door: OrderVerifier,
    evidence: RevocationSnapshot,
    wrong: dict[str, str],
    field: list[str],
) -> None:
    arrival = door.unwrap(senders.signs(senders.form(AT), AT, **wrong).record(0, AT), evidence)
    assert isinstance(arrival, RejectedMessage)
    assert [o.field for o in arrival.objections] == field
    assert {o.code for o in arrival.objections} == {RefusalCode.ENVELOPE_MISMATCH}


def test_a_bare_number_as_key_is_never_the_key_of_an_answer(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    arrival = door.unwrap(senders.signs(senders.form(AT), AT, key="197006062388").record(0, AT), evidence)
    assert isinstance(arrival, RejectedMessage)
    assert arrival.key is None


def test_an_order_for_another_system_is_refused_beside_every_other_reason(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    sent = senders.signs(senders.form(AT, audience="sigill/production"), AT, event_id="other")
    assert codes(door.unwrap(sent.record(0, AT), evidence)) == ["envelope_mismatch", "wrong_audience"]


def test_every_field_at_fault_is_named_and_no_value_repeated(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    form = senders.form(
        AT, form="not_a_form", patient=person("19700606-2388"), **{"1970-06-06": "x", "extra": 1}
    )
    del form["decided_at"]
    arrival = door.unwrap(senders.signs(form, AT).record(0, AT), evidence)
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
    senders: Senders,
    door: OrderVerifier,
    evidence: RevocationSnapshot,
    change: dict[str, Any],
    reason: DeadLetterReason,
) -> None:
    record = _changed(senders.orders(AT).record(0, AT), **change)
    assert door.unwrap(record, evidence) == UnreadableMessage(record, reason)


def test_other_types_and_content_types_are_not_for_us(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    sent = senders.signs(senders.form(AT), AT, event_type="org.example.other")
    assert door.unwrap(sent.record(0, AT), evidence) == UnreadableMessage(
        sent.record(0, AT), DeadLetterReason.UNKNOWN_TYPE
    )
    record = senders.orders(AT).record(0, AT)
    headers = tuple((n, b"text/plain" if n == "content-type" else v) for n, v in record.headers)
    other = _changed(record, headers=headers)
    assert door.unwrap(other, evidence) == UnreadableMessage(other, DeadLetterReason.UNKNOWN_CONTENT_TYPE)


def test_no_json_inside_a_good_signature_is_a_dead_letter(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    from sigill.devtools.signing import sign_jws

    record = senders.orders(AT).record(0, AT)
    signed = sign_jws(b"{not json", senders.authority.staff(DOCTOR), signed_at=AT)
    broken = _changed(record, value=signed)
    assert door.unwrap(broken, evidence) == UnreadableMessage(broken, DeadLetterReason.UNREADABLE_PAYLOAD)


def test_without_any_revocation_list_the_order_is_held_not_refused(
    senders: Senders, door: OrderVerifier
) -> None:
    arrival = door.unwrap(senders.orders(AT).record(0, AT), RevocationSnapshot.of())
    assert isinstance(arrival, VerifiedMessage)
    assert arrival.verdict.undetermined


@pytest.mark.parametrize(
    "spelt",
    [
        "{}",
        "{{{}}}",
        "urn:uuid:{}",
        "0192F0C1000070008000000000000001",
        "0192F0C1-0000-7000-8000-000000000001",
    ],
)
def test_an_id_is_the_same_in_each_spelling_of_a_uuid(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot, spelt: str
) -> None:
    order_id = spelt.format("0192f0c1-0000-7000-8000-000000000001")
    arrival = door.unwrap(senders.orders(AT, order_id=order_id).record(0, AT), evidence)
    assert isinstance(arrival, VerifiedMessage)
    assert str(arrival.form.order_id) == "0192f0c1-0000-7000-8000-000000000001"


def test_a_byte_order_mark_before_a_signature_is_passed_over(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot
) -> None:
    sent = senders.orders(AT)
    marked = replace(sent, value=b"\xef\xbb\xbf" + (sent.value or b""))
    assert isinstance(door.unwrap(marked.record(0, AT), evidence), VerifiedMessage)


_DAY, _MOMENT = "Write the day as YYYY-MM-DD.", "Write the moment with its time zone"


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"patient": person("19700606-2388")}, "patient.id", "twelve digits: YYYYMMDDNNNN"),
        ({"patient": person("7006062388")}, "patient.id", "ten digits"),
        ({"patient": person(CHILD, "PERSONNUMMER")}, "patient.id_type", "samordningsnummer, reservnummer."),
        ({"valid_through": "20250601"}, "valid_through", _DAY),
        ({"valid_through": "2025-06-01T00:00:00"}, "valid_through", _DAY),
        ({"valid_through": ""}, "valid_through", _DAY),
        ({"decided_at": "20250310"}, "decided_at", _MOMENT),
        ({"decided_at": 1741593600}, "decided_at", _MOMENT),
        ({"decided_at": "2025-03-10T09:00:00"}, "decided_at", "no time zone"),
        ({"decided_at": "0001-01-01T00:00:00Z"}, "decided_at", _MOMENT),
        ({"decided_at": "9999-12-31T23:59:59-14:00"}, "decided_at", _MOMENT),
        ({"urgent": "false"}, "urgent", "true or false"),
        ({"units": UNIT}, "units", "A list is expected"),
        ({"consulted": None}, "consulted", "Leave the field out"),
        ({"inform": None}, "inform", "An object is expected"),
        ({"order_id": "nr 7"}, "order_id", "UUID"),
        ({"region": "Testland"}, "region", "small letters"),
        ({"channel": "EHR_FORM"}, "channel", "ehr_form, phone, paper."),
        ({"decided_by": {"hsa_id": " X ", "role": "physician", "unit": UNIT}}, "decided_by.hsa_id", "HSA-id"),
        (
            {"units": [UNIT], "recorded_from": "2025-02-02", "recorded_to": "2025-02-01"},
            "recorded_to",
            "before",
        ),
        ({"form": "release_journal_seal", "valid_from": "9999-12-31"}, "valid_from", "end of time"),
        ({"form": "grant_guardian_access", "valid_from": "9999-12-31"}, "valid_from", "end of time"),
    ],
)
def test_a_field_at_fault_says_what_to_write(
    senders: Senders,
    door: OrderVerifier,
    evidence: RevocationSnapshot,
    fields: dict[str, Any],
    field: str,
    said: str,
) -> None:
    key = KEYS.of(CHILD)
    arrival = door.unwrap(senders.signs(senders.form(AT, **fields), AT, key=key).record(0, AT), evidence)
    assert isinstance(arrival, RejectedMessage)
    [fault] = [o for o in arrival.objections if o.code is RefusalCode.FIELD_INVALID]
    assert fault.field == field
    assert said in fault.text.en


@pytest.mark.parametrize("first", ["0001-01-01", "9999-12-31"])
def test_what_protects_begins_at_once_where_its_first_day_is_an_end_of_time(
    senders: Senders, door: OrderVerifier, evidence: RevocationSnapshot, first: str
) -> None:
    arrival = door.unwrap(senders.orders(AT, valid_from=first).record(0, AT), evidence)
    assert isinstance(arrival, VerifiedMessage)
    assert arrival.form.valid_from is None
