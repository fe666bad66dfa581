"""`sigill order sign --as` and `sigill order check`: a vendor's first tools, offline."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sigill.cli.dev import app as dev
from sigill.cli.order import app as order
from tests.kit.signed_forms import SIGNER

WORLD = Path(__file__).parent / "world"
AT = "2026-11-29T21:00:00+00:00"
FORM = {
    "order_id": "0192f0c1-0000-7000-8000-000000000001",
    "audience": "sigill/test",
    "region": "kronoberg",
    "form": "seal_journal",
    "patient": {"id_type": "personnummer", "id": "201202292387"},
    "initiative": "care",
    "decided_by": {"hsa_id": SIGNER, "role": "head_of_unit", "unit": "SE2321000065-8001"},
    "decided_at": "2026-03-02T08:00:00+00:00",
    "urgent": False,
    "channel": "ehr_form",
    "units": ["SE2321000065-8001"],
    "valid_through": "2026-08-01",
    "attestations": ["no_threat"],
    "motivation": "Skäl, med å & ä < ö",
    "inform": {"guardians": False, "patient": True, "written_confirmation": False},
}


def run(app, *arguments: str | Path, expect: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in arguments])
    assert result.exit_code == expect, result.output
    return result


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vendor")
    run(dev, "ca", folder / "ca", "--staff", SIGNER)
    (folder / "form.json").write_text(json.dumps(FORM, ensure_ascii=False), encoding="utf-8")
    return folder


def check(place: Path, file: Path, *more: str, expect: int = 0, crls: bool = True) -> str:
    public = place / "ca" / "public"
    lists = ["--crls", str(public / "crls")] if crls else []
    trusted = ["--anchors", str(public / "anchors.pem"), "--intermediates", str(public / "intermediates.pem")]
    given = ["--audience", "sigill/test"] if "--audience" not in more else []
    return run(order, "check", file, *trusted, *lists, *given, *more, expect=expect).output


@pytest.mark.parametrize(
    ("how", "ending", "content_type"),
    [
        ("compact", ".jose", "application/jose"),
        ("general", ".json", "application/jose+json"),
        ("xades", ".xml", "application/xml"),
        ("xades", "", "application/xml"),
        ("general", ".signed", "application/jose+json"),
    ],
)
def test_what_is_signed_in_each_way_is_let_in(place: Path, how: str, ending: str, content_type: str):
    file = place / f"{how}{ending}"
    run(
        order,
        "sign",
        place / "form.json",
        "--ca",
        place / "ca",
        "--signer",
        SIGNER,
        "--as",
        how,
        "--out",
        file,
    )

    said = check(place, file)

    assert content_type in said
    assert "The intake would accept it." in said
    assert FORM["patient"]["id"] not in said


def test_every_check_is_told_and_what_to_set(place: Path):
    said = run(
        order, "check", WORLD / "dss-cert-login.xml", "--anchors", WORLD / "pki/root.crt",
        "--crls", WORLD / "pki", "--audience", "sigill/test", "--at", AT, expect=1,
    ).output  # fmt: skip

    assert "certificate_not_for_signing (certificate.keyUsage)" in said
    assert "contentCommitment" in said
    assert "BAD" in said
    assert "The intake would refuse it" in said


def test_another_addressee_and_a_wrong_field_are_told(place: Path):
    good, wrong = place / "good.jose", place / "wrong.jose"
    sign = ("sign", place / "form.json", "--ca", place / "ca", "--signer", SIGNER, "--out")
    run(order, *sign, good)
    payload = json.dumps(FORM | {"units": []}).encode()
    from sigill.devtools.authority import DevAuthority
    from sigill.devtools.signing import sign_jws
    from sigill.runtime.clock import SystemClock

    holder = DevAuthority.load(place / "ca").staff(SIGNER)
    wrong.write_bytes(sign_jws(payload, holder, signed_at=SystemClock().now()))

    assert "wrong_audience (audience)" in check(place, good, "--audience", "sigill/other", expect=1)
    assert "field_invalid (units)" in check(place, wrong, expect=1)


def test_without_a_list_nobody_can_tell(place: Path):
    file = place / "unknown.jose"
    run(order, "sign", place / "form.json", "--ca", place / "ca", "--signer", SIGNER, "--out", file)

    said = check(place, file, "--json", expect=3, crls=False)

    found = json.loads(said)
    assert found["undetermined"]
    assert not found["let_in"]
    assert found["refusals"] == []


def test_what_cannot_be_read_says_so(place: Path):
    file = place / "hello.jose"
    file.write_text("hello\n")

    assert "dead letter" in check(place, file, expect=1)


def test_wrong_files_end_it_with_one_line(place: Path):
    file = place / "hello.jose"
    file.write_text("hello\n")

    result = run(order, "check", file, "--anchors", place / "form.json", expect=2)

    assert "form.json: no certificate can be read from it" in result.output
