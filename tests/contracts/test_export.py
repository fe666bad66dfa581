"""What is committed is what the models say, and the command tells which file is not."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from sigill_contracts import export
from sigill_contracts.json_schema import DIALECT, file_name, schema_id, schema_of, with_schema
from sigill_contracts.topics import DEAD_LETTERS, INCOMING, RECEIPTS, TOPICS, TopicSpec

each_topic = pytest.mark.parametrize("spec", with_schema(), ids=lambda spec: spec.name)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder as `contracts/` is after a fresh export."""
    export.write(tmp_path)
    return tmp_path


def test_what_is_committed_fits_the_models() -> None:
    assert export.drift() == []


def test_a_fresh_export_has_no_drift_and_writes_nothing_twice(copy: Path) -> None:
    assert export.drift(copy) == []
    assert export.write(copy) == []


@pytest.mark.parametrize("name", ["asyncapi.yaml", "README.md", "schemas/receipt.v1.json"])
def test_a_changed_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_text((copy / name).read_text() + " ")
    assert export.drift(copy) == [f"{copy / name}: differs from the models"]


def test_a_missing_file_and_a_stray_one_are_named_and_mended(copy: Path) -> None:
    (copy / "schemas/order.v1.json").unlink()
    shutil.copy(copy / "schemas/staff.v1.json", copy / "schemas/left-over.v1.json")
    assert export.drift(copy) == [
        f"{copy / 'schemas/order.v1.json'}: is missing",
        f"{copy / 'schemas/left-over.v1.json'}: belongs to no message",
    ]
    export.write(copy)
    assert export.drift(copy) == []


def test_the_command_fails_on_drift_and_says_the_way_out(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export, "drift", lambda: ["contracts/README.md: differs from the models"])
    assert export.main(["--check"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "contracts/README.md: differs" in told.err
    assert "python -m sigill_contracts.export" in told.err


def test_the_command_is_content_with_what_is_committed() -> None:
    assert export.main(["--check"]) == 0


@each_topic
def test_a_schema_is_2020_12_with_an_id_a_version(spec: TopicSpec) -> None:
    schema = json.loads((export.FOLDER / "schemas" / file_name(spec)).read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == schema_id(spec)
    assert schema["$id"].startswith("urn:sigill:schema:")


def test_ids_and_files_are_unique() -> None:
    specs = with_schema()
    assert len({schema_id(spec) for spec in specs}) == len({file_name(spec) for spec in specs}) == len(specs)


@each_topic
def test_no_object_of_an_incoming_message_takes_unknown_fields(spec: TopicSpec) -> None:
    schema = schema_of(spec)
    objects = [part for part in [schema, *schema.get("$defs", {}).values()] if "properties" in part]
    assert objects
    assert all((part.get("additionalProperties") is False) is (spec in INCOMING) for part in objects)


def test_the_catalogue_names_every_topic_with_its_readers() -> None:
    page = (export.FOLDER / "README.md").read_text()
    for spec in TOPICS:
        row = next(line for line in page.splitlines() if line.startswith("| ") and f"`{spec.name}`" in line)
        assert all(name in row for name in (*spec.written_by, *spec.read_by, spec.key))


def test_every_link_of_the_catalogue_leads_somewhere() -> None:
    page = (export.FOLDER / "README.md").read_text()
    targets = [part.split(")")[0] for part in page.split("](")[1:]]
    files = [target for target in targets if not target.startswith(("http", "#"))]
    assert files
    assert [target for target in files if not (export.FOLDER / target).exists()] == []


def test_the_document_has_every_topic_with_the_settings_it_is_made_with() -> None:
    document = yaml.safe_load((export.FOLDER / "asyncapi.yaml").read_text())
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {spec.name for spec in TOPICS}
    for spec in TOPICS:
        kafka = document["channels"][spec.name]["bindings"]["kafka"]
        assert kafka["partitions"] == spec.partitions
        assert kafka["topicConfiguration"]["retention.ms"] == spec.retention_ms
        assert kafka["topicConfiguration"]["cleanup.policy"] == ["compact" if spec.compacted else "delete"]


def test_every_incoming_topic_says_where_its_dead_letters_go() -> None:
    document = yaml.safe_load((export.FOLDER / "asyncapi.yaml").read_text())
    for spec, dead in zip(INCOMING, DEAD_LETTERS, strict=True):
        route = document["channels"][spec.name]["x-dead-letter"]
        assert route["channel"] == {"$ref": f"#/channels/{dead.name}"}


def test_an_order_is_answered_by_a_receipt() -> None:
    document = yaml.safe_load((export.FOLDER / "asyncapi.yaml").read_text())
    reply = document["operations"]["intakeReceivesEhrOrdersV1"]["reply"]
    assert reply["channel"] == {"$ref": f"#/channels/{RECEIPTS.name}"}
