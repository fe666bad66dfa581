"""
What a new schema version breaks, read from the JSON Schemas alone.

`breaking_changes(old, new)` finds what was allowed and no longer is: a message that was good is refused. For what
comes in ask it so (old writers, new reader: BACKWARD, in the words of the schema registries). For what goes out turn
it round, `breaking_changes(new, old)`: the old reader meets something that it was never told of (FORWARD).
"""

from collections.abc import Iterator
from typing import Any

from sigill_contracts.json_schema import Schema

_LOWER_BOUNDS = ("minLength", "minItems", "minimum", "exclusiveMinimum")
_UPPER_BOUNDS = ("maxLength", "maxItems", "maximum", "exclusiveMaximum")
_EXACT = ("pattern", "format", "const", "not")


def breaking_changes(old: Schema, new: Schema) -> tuple[str, ...]:
    """
    Say each place where `new` refuses something that `old` allowed, as `path: what`.

    Read are the keywords that our schemas use; a changed pattern, format, `not` or prohibition counts as breaking,
    since it cannot be decided which of two is wider. Descriptions, titles, defaults and examples never count.
    """
    return tuple(dict.fromkeys(_narrowed(_Side(old, old), _Side(new, new), "$", frozenset())))


class _Side:
    """A node of one schema, with the document in which its references point."""

    def __init__(self, node: Schema, document: Schema) -> None:
        self.document = document
        self.reference: str | None = node.get("$ref")
        self.node = self._resolved(node)

    def _resolved(self, node: Schema) -> Schema:
        if "$ref" not in node:
            return node
        target: Any = self.document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {**self._resolved(target), **beside}

    def into(self, node: Schema) -> "_Side":
        return _Side(node, self.document)

    @property
    def branches(self) -> list["_Side"]:
        found = self.node.get("anyOf") or self.node.get("oneOf")
        return [self.into(branch) for branch in found] if found else [self]


def _narrowed(
    old: _Side, new: _Side, path: str, seen: frozenset[tuple[str | None, str | None]]
) -> Iterator[str]:
    pair = (old.reference, new.reference)
    if None not in pair:
        if pair in seen:
            return
        seen = seen | {pair}
    if len(old.branches) > 1 or len(new.branches) > 1:
        for branch in old.branches:
            yield from _closest(branch, new.branches, path, seen)
        return

    if misfit := _type_change(old.node, new.node):
        yield f"{path}: {misfit}"
        return
    yield from _values(old.node, new.node, path)
    yield from _fields(old, new, path, seen)
    yield from _entries(old, new, path, seen)


def _closest(
    old: _Side, branches: list[_Side], path: str, seen: frozenset[tuple[str | None, str | None]]
) -> list[str]:
    """A branch is still allowed when one of the new branches takes all of it; else the nearest miss is told."""
    misses = [list(_narrowed(old, branch, path, seen)) for branch in branches]
    return min(misses, key=len)


def _type_change(old: Schema, new: Schema) -> str | None:
    before, after = _type_set(old), _type_set(new)
    wide = after | ({"integer"} if "number" in after else set())
    if not after or (before and before <= wide):
        return None
    return f"type {_words(before)} became {_words(after)}"


def _type_set(node: Schema) -> set[str]:
    found = node.get("type")
    return set(found) if isinstance(found, list) else {found} if found else set()


def _values(old: Schema, new: Schema, path: str) -> Iterator[str]:
    if "enum" in new:
        before = set(old.get("enum", [old["const"]] if "const" in old else []))
        if not before:
            yield f"{path}: any value became a list of values"
        elif gone := before - set(new["enum"]):
            yield f"{path}: value {_words(gone)} is no longer allowed"
    for keyword in _EXACT:
        if keyword in new and new[keyword] != old.get(keyword):
            yield f"{path}: {keyword} was added or changed"
    for keyword in _LOWER_BOUNDS:
        if keyword in new and new[keyword] > old.get(keyword, float("-inf")) and new[keyword] != 0:
            yield f"{path}: {keyword} rose to {new[keyword]}"
    for keyword in _UPPER_BOUNDS:
        if keyword in new and new[keyword] < old.get(keyword, float("inf")):
            yield f"{path}: {keyword} fell to {new[keyword]}"


def _fields(
    old: _Side, new: _Side, path: str, seen: frozenset[tuple[str | None, str | None]]
) -> Iterator[str]:
    before: Schema = old.node.get("properties", {})
    after: Schema = new.node.get("properties", {})
    for name in sorted(set(new.node.get("required", ())) - set(old.node.get("required", ()))):
        yield f"{path}.{name}: is now required"
    closed_before = old.node.get("additionalProperties") is False
    closed = new.node.get("additionalProperties") is False
    if closed and not closed_before and _type_set(old.node) == {"object"}:
        yield f"{path}: unknown fields are no longer allowed"
    for name, field in before.items():
        if name in after:
            yield from _narrowed(old.into(field), new.into(after[name]), f"{path}.{name}", seen)
        elif closed:
            yield f"{path}.{name}: the field is gone"


def _entries(
    old: _Side, new: _Side, path: str, seen: frozenset[tuple[str | None, str | None]]
) -> Iterator[str]:
    after = new.node.get("items")
    if isinstance(after, dict):
        before = old.node.get("items")
        yield from _narrowed(
            old.into(before if isinstance(before, dict) else {}), new.into(after), f"{path}[]", seen
        )
    fixed = new.node.get("prefixItems")
    if fixed is not None:
        before_fixed = old.node.get("prefixItems", [])
        for place, entry in enumerate(fixed):
            then = before_fixed[place] if place < len(before_fixed) else {}
            yield from _narrowed(old.into(then), new.into(entry), f"{path}[{place}]", seen)


def _words(values: set[Any]) -> str:
    return ", ".join(sorted(str(value) for value in values)) or "any"
