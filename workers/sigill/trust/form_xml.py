"""
The order's form as XML, and back to the one form that everybody reads.

Namespace `urn:sigill:order:1`, root `order`, one element a field, named as in the JSON form and in any order:

- a text, date, moment or id is the element's text, exactly as written;
- a list is the element repeated (`<units>…</units><units>…</units>`), also when it has one member;
- a person, a staff reference, a court order, a reference and `inform` hold elements of their own, or none: `<inform/>` is `{}`;
- true and false are `true` and `false` (or `1` and `0`);
- null is the element left out, or empty with `xsi:nil="true"`.

No attribute but xsi:nil (and, on the root, an xsi:schemaLocation that nobody follows), no text between elements, no processing instruction. A field that no form has goes through
as text, so that the form's model can refuse it by name.
"""

import json
from collections.abc import Mapping
from typing import TypeAlias

from lxml import etree

NAMESPACE = "urn:sigill:order:1"
ROOT = f"{{{NAMESPACE}}}order"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_PREFIX = f"{{{NAMESPACE}}}"

Value: TypeAlias = "str | bool | list[Value] | dict[str, Value] | None"

#: Fields that are lists, that are true or false, and that hold fields of their own, by their path in the form.
LISTS = frozenset(
    {
        "consulted",
        "units",
        "guardians",
        "releases",
        "attestations",
        "own_attestations",
        "references",
        "court_order/duties",
    }
)
FLAGS = frozenset({"urgent", "given", "inform/guardians", "inform/patient", "inform/written_confirmation"})
GROUPS = frozenset(
    {
        "patient",
        "decided_by",
        "consulted",
        "guardians",
        "representative",
        "court_order",
        "references",
        "inform",
    }
)


class NotAForm(ValueError):
    """The XML is not an order's form; the message says why."""


class RepeatedField(NotAForm):
    """A field that is no list stands twice, so readers could disagree about it."""


def form_of(root: etree._Element) -> dict[str, Value]:
    """Read the form. Raises NotAForm."""
    if root.tag != ROOT:
        raise NotAForm("the root is not an order")
    if set(root.attrib) - {_SCHEMA_LOCATION}:
        raise NotAForm("the root has attributes")
    return _fields(root, "")


def json_of(root: etree._Element) -> bytes:
    """The form as UTF-8 JSON, fields in the document's order. Raises NotAForm."""
    return json.dumps(form_of(root), ensure_ascii=False, separators=(",", ":")).encode()


def xml_of(form: Mapping[str, object]) -> etree._Element:
    """Write a form (as the JSON one) as XML: what an EHR does before it signs."""
    root = etree.Element(ROOT, nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # the default namespace
    _write(root, form)
    return root


def _fields(element: etree._Element, path: str) -> dict[str, Value]:
    _no_text(element.text)
    fields: dict[str, Value] = {}
    for child in element:
        if not isinstance(child.tag, str) or not child.tag.startswith(_PREFIX):
            raise NotAForm("something that is not a field of the form")
        _no_text(child.tail)
        name = child.tag.removeprefix(_PREFIX)
        below = f"{path}{name}"
        value = _value(child, below)
        if below in LISTS and value is not None:
            members = fields.setdefault(name, [])
            if not isinstance(members, list):
                raise RepeatedField("a field stands twice")
            members.append(value)
        elif name in fields:
            raise RepeatedField("a field stands twice")
        else:
            fields[name] = value
    return fields


def _value(element: etree._Element, path: str) -> Value:
    if set(element.attrib) - {_NIL}:
        raise NotAForm("a field with attributes")
    if element.get(_NIL, "false") in {"true", "1"}:
        if len(element) or element.text:
            raise NotAForm("a field that is nil and has content")
        return None
    if len(element) or (path in GROUPS and not (element.text or "").strip()):
        return _fields(element, f"{path}/")
    text = element.text or ""
    if path in FLAGS and text in {"true", "1", "false", "0"}:
        return text in {"true", "1"}
    return text


def _no_text(text: str | None) -> None:
    if text and not text.isspace():
        raise NotAForm("text between elements")


def _write(parent: etree._Element, fields: Mapping[str, object]) -> None:
    for name, value in fields.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            if item is None:
                continue
            child = etree.SubElement(parent, f"{_PREFIX}{name}")
            if isinstance(item, Mapping):
                _write(child, item)
            else:
                child.text = str(item).lower() if isinstance(item, bool) else str(item)
