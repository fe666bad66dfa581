"""Messages made to hurt: each is read or refused with little memory, and its answer is small."""

import json
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from sigill.bootstrap import load_rulebooks
from sigill.devtools.signing import sign_jws
from sigill.intake.form_parsing import FormInvalid, read_form
from sigill.intake.verification import RejectedMessage, UnreadableMessage, VerificationResult, VerifiedMessage
from sigill.policy.effects import Judgement
from sigill.processing.citations import PolicyContext
from sigill.processing.receipts import receipt
from sigill.stream.records import Record
from sigill.trust.chain import HOLDERS_KEPT, CertificateBook
from sigill.trust.policy import TrustPolicy
from sigill_contracts.vocabulary import Outcome
from tests.fuzz.targets import _FORM, START, authority, door, evidence, trust
from tests.kit import rows

LIMIT = 262_144
CERTIFICATES = int(os.environ.get("SIGILL_ABUSE_CERTIFICATES", "600"))
"""How many distinct certificates; 100,000 take some minutes."""


def arriving(value: bytes, content_type: str = "application/jose") -> VerificationResult:
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", str(_FORM["order_id"]).encode()),
        ("ce_source", b"urn:abuse"),
        ("ce_type", b"se.sigill.order.v1"),
        ("ce_subject", b"v1.x"),
        ("content-type", content_type.encode()),
    )
    record = Record("t", 0, 0, int(START.timestamp() * 1000), "append", b"v1.x", value, headers)
    return door().unwrap(record, evidence())


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """Memory that Python takes meanwhile, at its highest."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 1024 * 1024, f"{peak} bytes"


def signed(payload: bytes) -> bytes:
    return sign_jws(payload, authority().staff("SE9999999999-P1"), signed_at=START)


MILLION = b"{" + b",".join(b'"k%d":1' % n for n in range(1_000_000)) + b"}"


@pytest.mark.parametrize(
    "value",
    [b"x" * 1_048_576, b"[" * 1_048_576, MILLION, signed(b'{"a":"' + b"x" * 800_000 + b'"}')],
    ids=["1-mb", "1-mb-of-brackets", "a-million-keys", "1-mb-signed"],
)
@pytest.mark.parametrize("content_type", ["application/jose", "application/jose+json", "application/xml"])
def test_what_is_too_large_is_not_even_looked_at(value: bytes, content_type: str) -> None:
    with at_most(1):
        arrival = arriving(value, content_type)
    assert isinstance(arrival, UnreadableMessage)
    assert arrival.reason == "too_large"


@pytest.mark.parametrize("content_type", ["application/jose", "application/jose+json", "application/xml"])
@pytest.mark.parametrize(
    "value",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        b"<a>" * 60_000,
        b"<a " + b" ".join(b'b%d=""' % n for n in range(25_000)) + b"/>",
        b"{" + b",".join(b'"k%d":1' % n for n in range(22_000)) + b"}",
        b'{"payload":"e30","signatures":[' + b",".join([b"{}"] * 80_000) + b"]}",
        b"." * 200_000,
    ],
    ids=["brackets", "objects", "elements", "attributes", "keys", "signatures", "dots"],
)
def test_what_is_deep_or_wide_is_refused_with_little_memory(value: bytes, content_type: str) -> None:
    with at_most(64):
        arrival = arriving(value[:LIMIT], content_type)
    assert isinstance(arrival, UnreadableMessage | RejectedMessage)


@pytest.mark.parametrize("nested", [b"[" * 60_000 + b"]" * 60_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000])
def test_depth_inside_what_was_signed_is_refused(nested: bytes) -> None:
    payload = json.dumps(_FORM).encode()[:-1] + b',"units":' + nested + b"}"
    with at_most(64):
        arrival = arriving(signed(payload))
    assert not isinstance(arrival, VerifiedMessage)


def test_laughing_xml_is_refused_before_it_grows() -> None:
    entities = b"".join(
        b'<!ENTITY l%d "%s">' % (n, (b"&l%d;" % (n - 1)) * 10 if n else b"lol") for n in range(12)
    )
    with at_most(8):
        arrival = arriving(b"<!DOCTYPE x [" + entities + b"]><x>&l11;</x>", "application/xml")
    assert not isinstance(arrival, VerifiedMessage)


def test_the_answer_to_a_form_with_thousands_of_faults_can_be_sent() -> None:
    """It once had a reason for each of 20,000 unknown fields: too large for the broker, and the relay stopped."""
    fields = {f"f{n}": 1 for n in range(18_000)}
    arrival = arriving(signed(json.dumps({**_FORM, **fields}, separators=(",", ":")).encode()))
    assert isinstance(arrival, RejectedMessage)
    answer = receipt(
        rows.signed(1, None, None, payload=None, form=None, received_at=START),
        None,
        (),
        Judgement(Outcome.REFUSED, refusals=arrival.objections),
        None,
        PolicyContext.of(load_rulebooks(), "urn:test").citations,
        cause="arrival:t:0:0",
        at=START,
    )
    assert len(answer.model_dump_json()) < LIMIT


def test_a_form_with_many_faults_names_the_first_of_them() -> None:
    with pytest.raises(FormInvalid) as invalid:
        read_form(json.dumps({**_FORM, **{f"f{n}": 1 for n in range(5000)}}).encode())
    assert 50 <= len(invalid.value.objections) <= 200


def test_ever_new_certificates_take_bounded_memory() -> None:
    policy = replace(trust(), longest_age=timedelta(days=29))
    book = CertificateBook(policy)
    for number in range(CERTIFICATES):
        holder = authority().issue(f"SE9999999999-{number}")
        book.holder(tuple(holder.x5c), START)
    assert len(book) == min(CERTIFICATES, HOLDERS_KEPT)


def test_certificates_from_nowhere_are_not_remembered() -> None:
    book = CertificateBook(TrustPolicy(anchors=trust().anchors, intermediates=trust().intermediates))
    for number in range(50):
        book.holder(tuple(authority().untrusted(f"SE9999999999-X{number}").x5c), START)
    assert len(book) == 0
