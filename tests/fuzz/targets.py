"""
What strangers' bytes reach first, and the only ways in which each may say no.

A target takes bytes and returns when they were read or refused as they should be; any other exception is a fault.
Some also hold what was read against a second reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sigill.devtools.authority import DevAuthority
from sigill.devtools.signing import sign_jws, sign_xades
from sigill.intake.form_parsing import FormInvalid, read_form
from sigill.intake.verification import OrderVerifier, RejectedMessage, UnreadableMessage, VerifiedMessage
from sigill.policy.rulebook import RulebookError, parse
from sigill.processing.patient_keys import KeyRing
from sigill.scenario.format import UnreadableScenario, read_file
from sigill.stream.records import NotCloudEvent, Record, binary_headers, read_event
from sigill.trust import RevocationSnapshot, TrustPolicy, UnreadableSignature, verify
from sigill.trust.evidence import RevocationList
from sigill_contracts.order import SignedForm
from tests.kit.testland import NATIONAL, TESTLAND

CORPUS = Path(__file__).parent / "corpus"
WORLD = Path(__file__).parents[1] / "trust" / "world"
START = datetime(2025, 3, 10, 9, tzinfo=UTC)
AUDIENCE = "sigill/fuzz"
_FORM = {
    "order_id": "0192f0c1-0000-7000-8000-000000000001",
    "audience": AUDIENCE,
    "region": "kronoberg",
    "form": "seal_journal",
    "patient": {"id_type": "personnummer", "id": "199006062386"},
    "initiative": "care",
    "decided_by": {"hsa_id": "SE9999999999-P1", "role": "treating_physician", "unit": "SE9999999999-U1"},
    "decided_at": START.isoformat(),
    "motivation": "Text.",
}


@cache
def authority() -> DevAuthority:
    """One authority a process: its keys differ from run to run, what is wrong with bytes does not."""
    return DevAuthority.create(START)


@cache
def trust() -> TrustPolicy:
    """What the fuzzed door demands."""
    return TrustPolicy(anchors=authority().anchors, intermediates=authority().intermediates)


@cache
def evidence() -> RevocationSnapshot:
    """Lists that say good of everybody."""
    lists = authority().crls(START - timedelta(hours=1), next_update=START + timedelta(days=700))
    return RevocationSnapshot.of([RevocationList.read(data) for data in lists])


@cache
def door() -> OrderVerifier:
    """Everything up to the rules."""
    return OrderVerifier(AUDIENCE, KeyRing({"v1": bytes(32)}, "v1"), trust(), 262_144)


def jws(data: bytes) -> None:
    """A compact JWS. What is believed must be what was signed here."""
    _verified(data, "application/jose")


def jws_json(data: bytes) -> None:
    """A general JWS in JSON."""
    _verified(data, "application/jose+json")


def xades(data: bytes) -> None:
    """A signed form in XML."""
    _verified(data, "application/xml")


def _verified(data: bytes, content_type: str) -> None:
    try:
        verdict = verify(data, content_type, policy=trust(), evidence=evidence(), arrived_at=START)
    except UnreadableSignature:
        return
    if not verdict.refusals and verdict.payload is not None:
        # nobody but `seeds` can have signed it, so nothing of it can have changed
        assert json.loads(verdict.payload)["motivation"] == "Text.", "something unsigned was believed"


def form(data: bytes) -> None:
    """A payload that was signed. What is read can be written and read again."""
    try:
        found = read_form(data)
    except FormInvalid as invalid:
        assert invalid.objections
        return
    assert SignedForm.model_validate_json(found.model_dump_json()) == found


def binary_event(data: bytes) -> None:
    """A record in binary mode: headers by lines `name: value`, an empty line, the value."""
    head, _, value = data.partition(b"\n\n")
    headers = []
    for line in head.split(b"\n"):
        name, _, text = line.partition(b": ")
        headers.append((name.decode("utf-8", "replace"), text))
    _event(tuple(headers), value)


def structured_event(data: bytes) -> None:
    """A record in structured mode."""
    _event((("content-type", b"application/cloudevents+json"),), data)


def _event(headers: tuple[tuple[str, bytes], ...], value: bytes) -> None:
    record = Record("t", 0, 0, int(START.timestamp() * 1000), "append", b"key", value, headers)
    try:
        envelope, data = read_event(record)
    except NotCloudEvent:
        return
    again = read_event(Record("t", 0, 0, 0, "append", b"key", data, binary_headers(envelope)))
    assert again[0] == envelope


def unwrapped(data: bytes) -> None:
    """The whole way from a record to an order, a refusal or a dead letter, in each content type."""
    for content_type in ("application/jose", "application/jose+json", "application/xml"):
        headers = (
            ("ce_specversion", b"1.0"),
            ("ce_id", str(_FORM["order_id"]).encode()),
            ("ce_source", b"urn:fuzz"),
            ("ce_type", b"se.sigill.order.v1"),
            ("ce_subject", b"v1.x"),
            ("content-type", content_type.encode()),
        )
        record = Record("t", 0, 0, int(START.timestamp() * 1000), "append", b"v1.x", data, headers)
        arrival = door().unwrap(record, evidence())
        assert isinstance(arrival, VerifiedMessage | RejectedMessage | UnreadableMessage)


def rulebook(data: bytes) -> None:
    """A region's rulebook, as the console checks one that somebody pastes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        parse(text)
    except RulebookError:
        return


def scenario(data: bytes) -> None:
    """A file of scenarios."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "fuzz.yaml"
        file.write_bytes(data)
        try:
            read_file(file)
        except UnreadableScenario:
            return


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (jws, jws_json, xades, form, binary_event, structured_event, unwrapped, rulebook, scenario)
}
"""By name; the corpus has a folder for each."""


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Good inputs to begin with, made anew, and what the corpus keeps."""
    kept = tuple(file.read_bytes() for file in sorted((CORPUS / target).glob("*")) if file.is_file())
    return (*_made(target), *kept)


def _world(ending: str) -> tuple[bytes, ...]:
    """What others' libraries signed: their grammar is wider than that of our own signer."""
    return tuple(file.read_bytes() for file in sorted(WORLD.glob(f"*{ending}")))


def _made(target: str) -> tuple[bytes, ...]:
    payload = json.dumps(_FORM).encode()
    holder = authority().staff("SE9999999999-P1")
    compact = sign_jws(payload, holder, signed_at=START)
    protected, body, signature = compact.decode().split(".")
    general = json.dumps(
        {"payload": body, "signatures": [{"protected": protected, "signature": signature}]}
    ).encode()
    flattened = json.dumps({"payload": body, "protected": protected, "signature": signature}).encode()
    xml = sign_xades(_FORM, holder, START)
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:x",
        "type": "se.sigill.order.v1",
        "time": "2025-03-10T09:00:00Z",
        "subject": "v1.x",
        "datacontenttype": "application/jose",
        "data": "a.b.c",
    }
    binary = b"\n".join(
        f"{'content-type' if name == 'datacontenttype' else 'ce_' + name}: {value}".encode()
        for name, value in event.items()
        if name != "data"
    )
    return {
        "jws": (compact, *_world(".jose")),
        "jws_json": (general, flattened, *_world(".json")),
        "xades": (xml, *_world(".xml")),
        "form": (payload,),
        "binary_event": (binary + b"\n\na.b.c",),
        "structured_event": (json.dumps(event).encode(),),
        "unwrapped": (compact, general, xml),
        "rulebook": (TESTLAND.encode(), NATIONAL.encode(), _LAUGHS),
        "scenario": (_SCENARIO,),
    }[target]


_LAUGHS = b"a0: &a0 [x, x]\n" + b"".join(
    b"a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n" % (n, n, n - 1, n - 1, n - 1, n - 1) for n in range(1, 40)
)
_SCENARIO = b"""scenario: A seal
id: F-1
cites: [KR25-01]
region: kronoberg
start: 2025-05-05T10:00
units: [vardcentral]
people:
  frida: {born: 1990-06-06}
staff:
  lind: {unit: vardcentral, roles: [treating_physician]}
steps:
  - order: {id: l1, form: lock_login, patient: frida, initiative: resident, decided_by: lind}
    expect: {outcome: executed}
  - at: +3d
"""
