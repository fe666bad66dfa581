"""The document, read by the AsyncAPI project's own parser."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker

from sigill_contracts.export import FOLDER
from sigill_contracts.topics import ORDERS, TOPICS

VALIDATOR = Path(__file__).parents[2] / "infra" / "asyncapi"
DOCUMENT = FOLDER / "asyncapi.yaml"


@pytest.fixture(scope="module")
def parser() -> Path:
    """The script beside its installed parser; skipped where there is no node, and no way to install."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node here")
    if not (VALIDATOR / "node_modules" / "@asyncapi" / "parser").exists():
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(VALIDATOR)]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip("the parser could not be installed: `npm ci --prefix infra/asyncapi` failed")
    return VALIDATOR / "validate.mjs"


def _run(script: Path, document: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        ["node", str(script), str(document), "--json"], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout)


def test_the_document_is_valid_without_a_warning(parser: Path) -> None:
    status, told = _run(parser, DOCUMENT)
    # 3.0.0 on purpose: of 3.1.0 the generators of types make none yet
    findings = [one for one in told["findings"] if one["code"] != "asyncapi-latest-version"]
    assert findings == []
    assert (status, told["valid"], told["version"]) == (0, True, "3.0.0")
    assert sorted(told["channels"]) == sorted(spec.name for spec in TOPICS)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d["channels"]["ehr.orders.v1"]["bindings"]["kafka"].update(partitions=0),
        lambda d: d["operations"]["intakeReceivesEhrOrdersV1"]["bindings"]["kafka"].update(
            groupId="a string"
        ),
        lambda d: d["components"]["schemas"].pop("Citation"),
    ],
    ids=["partitions", "group as text", "lost schema"],
)
def test_the_parser_would_see_a_fault(parser: Path, tmp_path: Path, spoil: Any) -> None:
    """A check that never fails proves nothing: each of these makes the document invalid."""
    document = yaml.safe_load(DOCUMENT.read_text())
    spoil(document)
    spoilt = tmp_path / "asyncapi.yaml"
    spoilt.write_text(yaml.safe_dump(document))
    status, told = _run(parser, spoilt)
    assert status == 1
    assert not told["valid"]
    assert any(finding["severity"] == "error" for finding in told["findings"])


def _messages() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    document = yaml.safe_load(DOCUMENT.read_text())
    return [
        (name, message, document["components"])
        for name, message in document["components"]["messages"].items()
    ]


@pytest.mark.parametrize(
    ("name", "message", "components"), _messages(), ids=[name for name, _, _ in _messages()]
)
def test_every_example_in_the_document_fits_its_message(
    name: str, message: dict[str, Any], components: dict[str, Any]
) -> None:
    """The parser reads examples of version 2 documents only, so payload and headers are compared here."""
    for part in ("payload", "headers"):
        Draft7Validator.check_schema(message[part])
        validator = Draft7Validator(
            {**message[part], "components": components}, format_checker=FormatChecker()
        )
        for example in message.get("examples", []):
            assert [error.message for error in validator.iter_errors(example[part])] == []
            assert not validator.is_valid([])
            assert part == "payload" or not validator.is_valid({**example[part], "ce_id": 7})


def test_a_signed_order_has_an_example_of_every_content_type() -> None:
    shown = {
        message["contentType"]
        for name, message, _ in _messages()
        if name.startswith("order-") and message["examples"]
    }
    assert shown == set(ORDERS.content_types)


def test_no_file_of_the_validator_names_where_packages_come_from() -> None:
    lock = json.loads((VALIDATOR / "package-lock.json").read_text())
    assert all("resolved" not in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
