"""Audit bodies are written as RFC 8785 has it, whatever stands in them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from sigill.store.audit import canonical

# every character that can be written in UTF-8, control characters and astral ones among them
texts = st.text(st.characters(exclude_categories=("Cs",)))
leaves = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
names = st.from_regex(r"[a-zA-Z_0-9]{0,12}", fullmatch=True)
bodies = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)


@given(bodies)
def test_the_standard_writer_gives_the_canonical_form(body: Any) -> None:
    assert canonical(body).encode() == rfc8785.dumps(body)


def test_frozen_mappings_and_tuples_are_taken_too() -> None:
    assert (
        canonical(MappingProxyType({"b": ("x", None), "a": MappingProxyType({})}))
        == '{"a":{},"b":["x",null]}'
    )
