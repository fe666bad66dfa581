"""The examples fit the models and the schemas, and name nobody."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from jsonschema import Draft202012Validator, FormatChecker
from personnummer import personnummer

from sigill.trust import RevocationSnapshot, TrustPolicy, verify
from sigill.trust.evidence import RevocationList
from sigill_contracts.examples import EXAMPLES, FOLDER, REVOCATION_LISTS, Example, examples_of
from sigill_contracts.headers import PATIENT_KEY, example_headers
from sigill_contracts.json_schema import schema_of, with_schema
from sigill_contracts.topics import ELSEWHERE, INCOMING, ORDERS, STAFF, UNITS, TopicSpec
from sigill_contracts.vocabulary import Outcome
from tests.kit.played_examples import World, differing, outgoing, play

_NUMBER = re.compile(r"(?<!\d)(?:19|20)\d{10}(?!\d)")

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path.stem)
each_topic = pytest.mark.parametrize("spec", with_schema(), ids=lambda spec: spec.name)


def _findings(spec: TopicSpec, message: Any) -> list[str]:
    validator = Draft202012Validator(schema_of(spec), format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(message)]


@each_example
def test_an_example_fits_its_model_and_its_schema(example: Example) -> None:
    example.message()
    assert _findings(example.topic, json.loads(example.text())) == []


@pytest.mark.parametrize(
    "example", [one for one in EXAMPLES if one.topic not in INCOMING], ids=lambda example: example.path.stem
)
def test_what_goes_out_is_written_with_every_field(example: Example) -> None:
    """The model's own JSON equals the file, so a reader sees in the example what he will get."""
    assert json.loads(example.message().model_dump_json()) == json.loads(example.text())


@each_topic
def test_every_message_has_an_example(spec: TopicSpec) -> None:
    assert examples_of(spec)


def test_every_outcome_of_an_order_has_an_example() -> None:
    receipts = [
        json.loads(example.text()) for example in EXAMPLES if example.path.name.startswith("receipt.")
    ]
    assert {receipt["outcome"] for receipt in receipts} == {outcome.value for outcome in Outcome}


def test_every_file_in_the_folder_is_an_example() -> None:
    known = {example.path for example in EXAMPLES}
    found = {
        path for path in FOLDER.iterdir() if path.suffix == ".json" and not path.name.endswith(".jose.json")
    }
    assert found == known


@each_example
def test_identity_numbers_are_test_numbers(example: Example) -> None:
    """Birth numbers 238 and 239 are set aside for tests; a co-ordination number has 60 added to the day."""
    for number in _NUMBER.findall(example.text()):
        assert number[8:11] in {"238", "239"}
        assert personnummer.valid(number)


@each_topic
def test_the_schema_refuses_what_the_model_refuses(spec: TopicSpec) -> None:
    """A missing required field and a wrong type are refused by both."""
    assert spec.model is not None
    good = json.loads(examples_of(spec)[0].text())
    for name in schema_of(spec)["required"]:
        if spec in INCOMING:
            less = {key: value for key, value in good.items() if key != name}
            assert _findings(spec, less)
            with pytest.raises(ValueError, match=name):
                spec.model.model_validate_json(json.dumps(less))
        assert _findings(spec, good | {name: 3.5})
        with pytest.raises(ValueError, match=name):
            spec.model.model_validate_json(json.dumps(good | {name: 3.5}))


@each_topic
def test_unknown_fields_are_refused_coming_in_and_foreseen_going_out(spec: TopicSpec) -> None:
    more = json.loads(examples_of(spec)[0].text()) | {"not_yet_invented": 1}
    assert bool(_findings(spec, more)) is (spec in INCOMING)
    assert spec.model is not None
    with pytest.raises(ValueError, match="not_yet_invented"):
        spec.model.model_validate_json(json.dumps(more))


def test_register_is_no_initiative_of_a_form() -> None:
    order = json.loads(examples_of(ORDERS)[0].text()) | {"initiative": "register"}
    assert _findings(ORDERS, order)


@each_example
def test_no_header_of_an_example_holds_an_identity_number(example: Example) -> None:
    headers = example_headers(example.topic, json.loads(example.text()), "application/json")
    assert not any(_NUMBER.search(str(value)) for value in headers.values())
    if example.topic not in (STAFF, UNITS, ELSEWHERE):
        assert re.fullmatch(PATIENT_KEY, headers["ce_subject"])


async def test_what_goes_out_is_what_the_program_answers_to_the_signed_examples(database: str) -> None:
    async with World.opened(database) as world:
        assert differing(await play(world)) == []


def test_a_shipped_answer_that_was_changed_by_hand_is_named() -> None:
    texts = {example.path.name: example.text() for example in outgoing()}
    assert differing(texts) == []
    changed = texts["receipt.refused.json"].replace("consultation_missing", "reason_missing", 1)
    unknown = {"receipt.invented.json": "{}"}
    assert differing({**texts, "receipt.refused.json": changed, **unknown}) == [
        "receipt.invented.json",
        "receipt.refused.json",
    ]
    del texts["notification.told.json"]
    assert differing(texts) == ["notification.told.json"]


@pytest.mark.parametrize(
    ("ending", "content_type", "signers"),
    [
        (".jose", "application/jose", 1),
        (".jose.json", "application/jose+json", 2),
        (".xml", "application/xml", 1),
    ],
)
def test_the_first_signed_example_holds_and_carries_the_form(
    ending: str, content_type: str, signers: int
) -> None:
    example = examples_of(ORDERS)[0]
    form = json.loads(example.text())
    root = x509.load_pem_x509_certificate((FOLDER / "root.crt").read_bytes())
    verdict = verify(
        example.path.with_suffix(ending).read_bytes().rstrip(b"\n"),
        content_type,
        policy=TrustPolicy(anchors=(root,)),
        evidence=RevocationSnapshot.of(),
        arrived_at=datetime(2026, 3, 2, 8, 6, 30, tzinfo=UTC),
    )
    assert verdict.refusals == ()
    assert verdict.undetermined  # the revocation lists beside the example are not looked at
    assert verdict.payload is not None
    assert json.loads(verdict.payload) == form
    assert len(verdict.signers) == signers
    assert form["decided_by"]["hsa_id"] in {signer.hsa_id for signer in verdict.signers}


@pytest.mark.parametrize("example", examples_of(ORDERS), ids=lambda example: example.path.stem)
def test_each_signed_order_holds_by_the_lists_beside_it(example: Example) -> None:
    root = x509.load_pem_x509_certificate((FOLDER / "root.crt").read_bytes())
    lists = [RevocationList.read(path.read_bytes()) for path in REVOCATION_LISTS.iterdir()]
    verdict = verify(
        example.signed.read_bytes().rstrip(b"\n"),
        "application/jose",
        policy=TrustPolicy(anchors=(root,)),
        evidence=RevocationSnapshot.of(lists),
        arrived_at=datetime(2026, 3, 10, tzinfo=UTC),
    )
    assert verdict.refusals == ()
    assert not verdict.undetermined
    assert verdict.payload == example.path.read_bytes()
