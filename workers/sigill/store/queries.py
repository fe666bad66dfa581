"""Named SQL blocks of `workers/sigill/store/sql`, read once."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent / "sql"
_BLOCK = re.compile(
    r"^-- name: (?P<name>[a-z0-9_]+)\n(?P<text>.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL
)


@cache
def queries(family: str) -> Mapping[str, str]:
    """Return the statements of `sql/<family>.sql` by name. Raises ValueError for a name given twice."""
    return blocks((FOLDER / f"{family}.sql").read_text(encoding="utf-8"))


def blocks(text: str) -> Mapping[str, str]:
    """Split a file into its named blocks: `-- name: fetch_due`, a line that says what it does, the statement."""
    found: dict[str, str] = {}
    for match in _BLOCK.finditer(text):
        if match["name"] in found:
            msg = f"the block {match['name']} stands twice"
            raise ValueError(msg)
        found[match["name"]] = match["text"].strip().rstrip(";")
    return MappingProxyType(found)
