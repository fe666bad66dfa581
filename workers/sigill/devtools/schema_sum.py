"""
Writes `infra/schema.sql`, the sum of the migrations, for reading: `python -m sigill.devtools.schema_sum`.

A test compares it with what the migrations make, so that nobody reads of tables that are otherwise.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "infra" / "migrations"
HEADER = """\
-- The access store as it stands: the sum of infra/migrations, written by `python -m sigill.devtools.schema_sum`.
-- Read this to know the tables; change them by a migration.
"""
_NOT_SCHEMA = re.compile(r"^SET LOCAL .*\n", re.MULTILINE)


def summed() -> str:
    """Return the migrations one after the other, without their time-outs."""
    parts = [HEADER]
    for path in sorted(FOLDER.glob("[0-9]*.sql")):
        text = _NOT_SCHEMA.sub("", path.read_text(encoding="utf-8")).strip()
        parts.append(f"\n-- {path.name}\n{text}\n")
    return "".join(parts)


if __name__ == "__main__":
    (FOLDER.parent / "schema.sql").write_text(summed(), encoding="utf-8")
