"""Named SQL blocks of `workers/sigill/store/sql`, read once."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent / "sql"
_BLOCK = re.compile(
    r"^-- (?P<kind>name|part): (?P<name>[a-z0-9_]+)\n(?P<text>.*?)(?=^-- (?:name|part): |\Z)",
    re.MULTILINE | re.DOTALL,
)


@cache
def queries(family: str) -> Mapping[str, str]:
    """Return the statements of `sql/<family>.sql` by name. Raises ValueError for a name given twice."""
    return blocks((FOLDER / f"{family}.sql").read_text(encoding="utf-8"))


def blocks(text: str) -> Mapping[str, str]:
    """
    Split a file into its named statements: `-- name: fetch_due`, a line that says what it does, the statement.

    `-- part: due` is a piece that several statements below it share: each has `{due}` where the piece stands. Raises
    ValueError for a name given twice, and for a part that no statement has.
    """
    found: dict[str, str] = {}
    parts: dict[str, str] = {}
    used: set[str] = set()
    for match in _BLOCK.finditer(text):
        name, block = match["name"], match["text"].strip().rstrip(";")
        if name in found or name in parts:
            msg = f"the block {name} stands twice"
            raise ValueError(msg)
        for part, piece in parts.items():
            if f"{{{part}}}" in block:
                used.add(part)
                block = block.replace(f"{{{part}}}", piece)
        if match["kind"] == "name":
            found[name] = block
        else:
            parts[name] = "\n".join(line for line in block.splitlines() if not line.startswith("-- "))
    if unused := parts.keys() - used:
        msg = f"the part {min(unused)} stands in no statement"
        raise ValueError(msg)
    return MappingProxyType(found)
