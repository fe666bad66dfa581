"""
JSON Schemas (2020-12) of the messages, made from the models.

What comes in is closed: an unknown field is refused. What goes out lists every field as present and stays open, so
that a reader who checks against today's schema also takes tomorrow's message, which may carry one field more.
"""

import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from sigill_contracts.topics import INCOMING, TOPICS, TopicSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


class _AlwaysWritten(GenerateJsonSchema):
    """Fields with a default are written too: a reader of what goes out may rely on each of them."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return True if self.mode == "serialization" else super().field_is_required(field, total)


def message_name(spec: TopicSpec) -> str:
    """The short name in the topic's event type: `se.sigill.access-change.v1` is `access-change`."""
    return _name_and_version(spec)[0]


def file_name(spec: TopicSpec) -> str:
    """The schema's file in `contracts/schemas/`: `access-change.v1.json`."""
    return "{}.v{}.json".format(*_name_and_version(spec))


def schema_id(spec: TopicSpec) -> str:
    """The schema's `$id`, one a version: `urn:sigill:schema:access-change:v1`."""
    return "urn:sigill:schema:{}:v{}".format(*_name_and_version(spec))


def _name_and_version(spec: TopicSpec) -> tuple[str, int]:
    found = re.fullmatch(r"se\.sigill\.([a-z-]+)\.v(\d+)", spec.event_type or "")
    if found is None:
        raise ValueError(f"{spec.name}: the event type names no message and version")
    return found[1], int(found[2])


def with_schema() -> tuple[TopicSpec, ...]:
    """The topics whose messages have a model, in the order of the table."""
    return tuple(spec for spec in TOPICS if spec.model is not None)


def schema_of(spec: TopicSpec) -> Schema:
    """The schema of a topic's message; for orders that of the signed form, not of the signature around it."""
    if spec.model is None:
        raise ValueError(f"{spec.name}: its messages have no model")
    incoming = spec in INCOMING
    made = spec.model.model_json_schema(
        schema_generator=_AlwaysWritten, mode="validation" if incoming else "serialization"
    )
    tidied = _tidy(made, closed=incoming)
    head = {"$schema": DIALECT, "$id": schema_id(spec), "title": tidied.pop("title")}
    return {**head, **tidied}


def _tidy(node: Any, *, closed: bool, names: bool = False) -> Any:
    """
    Drop titles that only repeat the field's name, fold the source's line breaks, and open what goes out.

    `names` is true inside `properties` and `$defs`, whose keys are ours and no keywords.
    """
    if isinstance(node, list):
        return [_tidy(entry, closed=closed) for entry in node]
    if not isinstance(node, dict):
        return node
    kept: Schema = {}
    for key, value in node.items():
        if not names and key == "title" and node.get("type") != "object" and "enum" not in node:
            continue
        if not names and key == "additionalProperties" and value is False and not closed:
            continue
        if not names and key == "description":
            kept[key] = _unfold(value)
            continue
        kept[key] = _tidy(value, closed=closed, names=not names and key in {"properties", "$defs"})
    return kept


def _unfold(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
