"""The messages' schemas in the dialect of AsyncAPI (JSON Schema draft 7), gathered under `components`."""

from typing import Any

from sigill_contracts.json_schema import Schema, message_name, schema_of
from sigill_contracts.topics import INCOMING, TopicSpec


class Components:
    """
    Collects the schemas of messages and of their parts.

    A part that comes in closed and goes out open stands there twice, as `PersonRef.in` and `PersonRef.out`.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], Schema] = {}
        self._roots: Schema = {}

    def add(self, spec: TopicSpec) -> Schema:
        """Take in a topic's schema and return the reference to it."""
        schema = schema_of(spec)
        way = "in" if spec in INCOMING else "out"
        for name, part in schema.pop("$defs", {}).items():
            where = (name, "" if "enum" in part else way)
            if self._parts.setdefault(where, part) != part:
                raise ValueError(f"two different models are called {name}")
        for keyword in ("$schema", "$id"):
            del schema[keyword]
        self._roots[message_name(spec)] = (way, schema)
        return {"$ref": f"#/components/schemas/{message_name(spec)}"}

    def schemas(self) -> Schema:
        """All of them by name, messages first."""
        found = {name: self._older(schema, way) for name, (way, schema) in self._roots.items()}
        for (name, way), part in sorted(self._parts.items()):
            found[self._label(name, way)] = self._older(part, way)
        return found

    def _label(self, name: str, way: str) -> str:
        if (name, "") in self._parts:
            return name
        other = {"in": "out", "out": "in"}[way]
        return f"{name}.{way}" if (name, other) in self._parts else name

    def _older(self, node: Any, way: str) -> Any:
        """Say it in draft 7: references into `components`, nothing beside a reference, fixed places as `items`."""
        if isinstance(node, list):
            return [self._older(entry, way) for entry in node]
        if not isinstance(node, dict):
            return node
        found = {
            key: self._older(value, way) for key, value in node.items() if key not in {"$ref", "prefixItems"}
        }
        if "prefixItems" in node:
            found["items"] = self._older(node["prefixItems"], way)
            found["additionalItems"] = False
        if "$ref" in node:
            label = self._label(node["$ref"].removeprefix("#/$defs/"), way)
            reference = {"$ref": f"#/components/schemas/{label}"}
            return {"allOf": [reference], **found} if found else reference
        return found
