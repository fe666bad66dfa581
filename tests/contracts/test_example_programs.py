"""The programs in docs/examples do what they say: what they sign holds, and what they take they take once."""

import base64
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from sigill.devtools.authority import DevAuthority
from sigill.trust import RevocationSnapshot, TrustPolicy, verify
from sigill_contracts.examples import EXAMPLE_SECRET, examples_of
from sigill_contracts.keys import patient_key
from sigill_contracts.topics import NOTIFICATIONS, ORDERS

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "docs" / "examples"
SIGNED_AT = datetime(2026, 3, 2, 8, 6, tzinfo=UTC)
FORM = examples_of(ORDERS)[0].path
DECIDER = json.loads(FORM.read_text())["decided_by"]["hsa_id"]


def _program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_examples_{name}", PROGRAMS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


publisher = _program("ehr_publisher")
consumer = _program("notification_consumer")


@pytest.fixture(scope="module")
def authority() -> DevAuthority:
    return DevAuthority.create(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(params=["P-256", "P-384", "RSA-2048"])
def card(request: pytest.FixtureRequest, authority: DevAuthority, tmp_path: Path) -> list[str]:
    """The publisher's arguments for a staff certificate with each kind of key, as `sigill dev ca` writes them."""
    authority.staff(DECIDER, key=request.param)
    authority.save(tmp_path)
    own = tmp_path / "staff" / f"{DECIDER}.{request.param}"
    return ["--cert", f"{own}.crt", "--key", f"{own}.key", "--chain", str(tmp_path / "issuing.crt")]


def _holds(value: bytes, authority: DevAuthority) -> None:
    verdict = verify(
        value,
        "application/jose",
        policy=TrustPolicy(anchors=authority.anchors),
        evidence=RevocationSnapshot.of(),
        arrived_at=SIGNED_AT,
    )
    assert verdict.refusals == ()
    assert verdict.payload == FORM.read_bytes()
    assert [signer.hsa_id for signer in verdict.signers] == [DECIDER]
    assert verdict.signed_at == SIGNED_AT


def test_what_the_python_publisher_signs_holds(
    card: list[str], authority: DevAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    signed_at = ["--signed-at", str(int(SIGNED_AT.timestamp()))]
    assert publisher.main([str(FORM), *card, *signed_at, "--print"]) == 0
    _holds(capsys.readouterr().out.strip().encode(), authority)


def test_a_form_with_a_fault_is_told_by_field_and_without_its_values(
    card: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    form = tmp_path / "form.json"
    form.write_text(json.dumps(json.loads(FORM.read_text()) | {"form": "open_everything"}))
    assert publisher.main([str(form), *card, "--print"]) == 2
    told = capsys.readouterr().err
    assert "form: " in told
    assert "201611032382" not in told


def test_the_envelope_agrees_with_the_form_and_holds_no_identity_number() -> None:
    _, form = publisher.read_form(FORM)
    key = patient_key(form.patient.id, EXAMPLE_SECRET)
    headers = dict(publisher.event_headers(form, "urn:example:ehr", key, SIGNED_AT))
    assert headers["ce_id"].decode() == str(form.order_id)
    assert headers["ce_subject"].decode() == key
    assert headers["ce_type"].decode() == ORDERS.event_type
    assert all(form.patient.id.encode() not in value for value in headers.values())


def _record(name: str, event: str = "e1") -> tuple[list[tuple[str, bytes]], bytes]:
    example = next(one for one in examples_of(NOTIFICATIONS) if one.name == name)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event,
        "ce_source": "urn:sigill:production",
        "ce_type": str(NOTIFICATIONS.event_type),
    }
    return [(key, value.encode()) for key, value in headers.items()], example.path.read_bytes()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    for name in ("new", "done"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_a_notification_is_taken_once_also_after_it_was_sent(spool: Path) -> None:
    headers, value = _record("told")
    assert consumer.take(headers, value, spool).outcome == "to_tell"
    assert consumer.take(headers, value, spool).outcome == "repeated"
    (written,) = (spool / "new").iterdir()
    assert written.read_bytes() == value
    written.rename(spool / "done" / written.name)
    assert consumer.take(headers, value, spool).outcome == "repeated"
    assert list((spool / "new").iterdir()) == []


def test_what_is_suppressed_never_reaches_the_sender(spool: Path) -> None:
    assert consumer.take(*_record("suppressed"), spool).outcome == "suppressed"
    assert list((spool / "new").iterdir()) == []


def test_what_the_unit_tells_in_person_never_reaches_the_sender(spool: Path) -> None:
    headers, value = _record("told")
    told = json.dumps(json.loads(value) | {"channel": "in_person"}).encode()
    assert consumer.take(headers, told, spool).outcome == "in_person"
    assert list((spool / "new").iterdir()) == []


def test_a_field_that_the_reader_does_not_know_is_let_through(spool: Path) -> None:
    headers, value = _record("told")
    later = json.dumps(json.loads(value) | {"not_yet_invented": 1}).encode()
    assert consumer.take(headers, later, spool).outcome == "to_tell"


@pytest.mark.parametrize("lost", ["ce_id", "ce_source", "ce_type"])
def test_a_record_without_its_attributes_is_not_taken(spool: Path, lost: str) -> None:
    headers, value = _record("told")
    with pytest.raises(consumer.NotForUs):
        consumer.take([(name, text) for name, text in headers if name != lost], value, spool)


@pytest.mark.skipif(not shutil.which("mvn"), reason="no Maven here")
def test_what_the_java_publisher_signs_holds(card: list[str], authority: DevAuthority) -> None:
    """Compiles the Java programs (warnings are errors) and signs with the same card; the time is the machine's."""
    cert, key, chain = card[1], card[3], card[5]
    words = f"form={FORM} cert={cert} key={key} chain={chain} print=true"
    run = ["mvn", "-q", "-B", "-f", str(PROGRAMS / "pom.xml"), "compile", "exec:java"]
    done = subprocess.run(
        [*run, "-Dexec.mainClass=EhrPublisher", f"-Dexec.args={words}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Could not transfer artifact" in done.stdout + done.stderr:
        pytest.skip("Maven reaches no repository here")
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", done.stdout)
    assert found is not None
    value = found[0].encode()

    protected = found[0].split(".")[0]
    header = json.loads(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
    verdict = verify(
        value,
        "application/jose",
        policy=TrustPolicy(anchors=authority.anchors),
        evidence=RevocationSnapshot.of(),
        arrived_at=datetime.fromtimestamp(header["iat"], UTC),
    )
    assert verdict.refusals == ()
    assert verdict.payload == FORM.read_bytes()
    assert [signer.hsa_id for signer in verdict.signers] == [DECIDER]
