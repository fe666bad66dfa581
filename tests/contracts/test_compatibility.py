"""What breaks a reader or a writer, told from two schemas."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sigill_contracts import export
from sigill_contracts.compatibility import breaking_changes
from sigill_contracts.json_schema import Schema, file_name, schema_of, with_schema

OLD: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "form"],
    "properties": {
        "id": {"type": "string", "maxLength": 20, "pattern": "^[0-9]+$"},
        "form": {"$ref": "#/$defs/Form"},
        "units": {"anyOf": [{"type": "array", "items": {"type": "string"}, "maxItems": 5}, {"type": "null"}]},
        "person": {"$ref": "#/$defs/Person"},
    },
    "$defs": {
        "Form": {"enum": ["seal", "lock"], "type": "string"},
        "Person": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "of": {"$ref": "#/$defs/Person"}},
        },
    },
}


def _changed(change: Callable[[Any], object]) -> Schema:
    new = copy.deepcopy(OLD)
    change(new)
    return new


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s["required"].append("units"), "$.units: is now required"),
        (lambda s: s["properties"].pop("units"), "$.units: the field is gone"),
        (lambda s: s["$defs"]["Form"]["enum"].remove("lock"), "$.form: value lock is no longer allowed"),
        (lambda s: s["properties"]["id"].update(maxLength=10), "$.id: maxLength fell to 10"),
        (lambda s: s["properties"]["id"].update(minLength=3), "$.id: minLength rose to 3"),
        (lambda s: s["properties"]["id"].update(pattern="^[0-9]{12}$"), "$.id: pattern was added or changed"),
        (lambda s: s["properties"]["id"].update(type="integer"), "$.id: type string became integer"),
        (lambda s: s["properties"]["id"].update(format="uuid"), "$.id: format was added or changed"),
        (lambda s: s["properties"]["units"]["anyOf"].pop(), "$.units: type null became array"),
        (lambda s: s["properties"]["units"]["anyOf"][0].update(maxItems=2), "$.units: maxItems fell to 2"),
        (lambda s: s["$defs"]["Person"]["required"].append("of"), "$.person.of: is now required"),
        (lambda s: s["$defs"]["Person"]["properties"].pop("of"), "$.person.of: the field is gone"),
    ],
)
def test_a_narrower_schema_is_told_with_its_place(change: Callable[[Any], object], told: str) -> None:
    assert breaking_changes(OLD, _changed(change)) == (told,)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["properties"].update(note={"type": "string"}),
        lambda s: s["required"].remove("form"),
        lambda s: s["$defs"]["Form"]["enum"].append("block"),
        lambda s: s["properties"]["id"].update(maxLength=40),
        lambda s: s["properties"]["id"].pop("pattern"),
        lambda s: s["properties"]["id"].update(description="now described", title="Id"),
        lambda s: s["properties"].update(form={"anyOf": [{"$ref": "#/$defs/Form"}, {"type": "null"}]}),
        lambda s: s["properties"]["units"]["anyOf"].reverse(),
        lambda s: s.pop("additionalProperties"),
    ],
)
def test_a_wider_schema_breaks_nothing(change: Callable[[Any], object]) -> None:
    assert breaking_changes(OLD, _changed(change)) == ()


def test_a_schema_breaks_nothing_of_itself_even_where_it_refers_to_itself() -> None:
    assert breaking_changes(OLD, copy.deepcopy(OLD)) == ()


@given(
    st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "additionalProperties": st.booleans(),
            "required": st.lists(st.sampled_from(["a", "b"]), unique=True),
            "properties": st.dictionaries(
                st.sampled_from(["a", "b"]),
                st.fixed_dictionaries({"type": st.sampled_from(["string", "integer"])})
                | st.fixed_dictionaries({"enum": st.lists(st.sampled_from("xyz"), min_size=1, unique=True)}),
            ),
        }
    ),
    st.data(),
)
def test_what_is_not_told_as_breaking_breaks_nothing(old: Schema, data: st.DataObject) -> None:
    """Any message that the old schema took is taken by a new one of which nothing is told."""
    new = copy.deepcopy(old)
    for name in list(new["properties"]):
        if data.draw(st.booleans()):
            new["properties"][name] = {"enum": ["x", "y"]}
    new["required"] = data.draw(st.lists(st.sampled_from(["a", "b"]), unique=True))
    new["additionalProperties"] = data.draw(st.booleans())
    values = st.sampled_from(["x", "y", "z", "w", 1])
    message = data.draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), values))

    if Draft202012Validator(old).is_valid(message) and not Draft202012Validator(new).is_valid(message):
        assert breaking_changes(old, new) != ()


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The schemas as an earlier release had them."""
    for spec in with_schema():
        (tmp_path / file_name(spec)).write_text(json.dumps(schema_of(spec)))
    return tmp_path


def _edit(path: Path, change: Callable[[Any], object]) -> None:
    schema = json.loads(path.read_text())
    change(schema)
    path.write_text(json.dumps(schema))


def test_the_models_break_nothing_of_themselves(released: Path) -> None:
    assert export.broken_since(released) == []
    assert export.main(["--against", str(released)]) == 0


def test_what_comes_in_may_not_get_narrower(released: Path) -> None:
    """The release knew a form and a field that today's models do not."""
    _edit(released / "order.v1.json", lambda s: s["$defs"]["Form"]["enum"].append("share_journal"))
    _edit(released / "staff.v1.json", lambda s: s["properties"].update(title={"type": "string"}))
    assert export.broken_since(released) == [
        "order.v1.json: $.form: value share_journal is no longer allowed",
        "staff.v1.json: $.title: the field is gone",
    ]


def test_what_goes_out_may_not_get_wider(released: Path) -> None:
    """Readers of the release knew fewer outcomes, and could rely on a field that is gone."""
    _edit(released / "receipt.v1.json", lambda s: s["$defs"]["Outcome"]["enum"].remove("pending"))
    _edit(released / "notification.v1.json", lambda s: s["required"].append("stamp"))
    assert export.broken_since(released) == [
        "notification.v1.json: $.stamp: is now required",
        "receipt.v1.json: $.outcome: value pending is no longer allowed",
        "receipt.v1.json: $.first_outcome: value pending is no longer allowed",
    ]


def test_a_message_that_is_gone_is_told(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (released / "letter.v1.json").write_text("{}")
    assert export.main(["--against", str(released)]) == 1
    assert "letter.v1.json: the message is gone" in capsys.readouterr().err


def test_fields_added_within_a_version_break_nobody(released: Path) -> None:
    """The release had neither the order's `review_on` and `references` nor the receipt's `flagged`."""
    _edit(
        released / "order.v1.json",
        lambda s: (s["properties"].pop("review_on"), s["properties"].pop("references")),
    )
    _edit(
        released / "receipt.v1.json",
        lambda s: (s["properties"].pop("flagged"), s["required"].remove("flagged")),
    )
    assert export.broken_since(released) == []


def test_a_new_code_going_out_breaks_readers_and_coming_in_breaks_nobody() -> None:
    new = _changed(lambda s: s["$defs"]["Form"]["enum"].append("block"))
    assert breaking_changes(OLD, new) == ()
    assert breaking_changes(new, OLD) == ("$.form: value block is no longer allowed",)
