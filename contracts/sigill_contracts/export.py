"""
Writes the generated contracts: `schemas/*.json`, `asyncapi.yaml` and `README.md` (the catalogue).

    python -m sigill_contracts.export            # write
    python -m sigill_contracts.export --check    # exit status 1 and one line a file, when one does not fit the models
    python -m sigill_contracts.export --against FOLDER   # exit status 1 and one line a change that breaks what FOLDER holds

FOLDER is the `schemas` of an earlier release: `git archive v1.0.0 contracts/schemas | tar -x -C /tmp`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from sigill_contracts import asyncapi, catalogue
from sigill_contracts.compatibility import breaking_changes
from sigill_contracts.json_schema import file_name, schema_of, with_schema
from sigill_contracts.topics import INCOMING

FOLDER = Path(__file__).parents[1]
_HEADER = "# Written by `python -m sigill_contracts.export` from contracts/sigill_contracts/topics.py and the models. Do not edit by hand.\n"


def rendered() -> dict[str, str]:
    """Every generated file: its path below `contracts/`, and its text."""
    files = {
        f"schemas/{file_name(spec)}": json.dumps(schema_of(spec), ensure_ascii=False, indent=2) + "\n"
        for spec in with_schema()
    }
    files["asyncapi.yaml"] = _HEADER + yaml.dump(
        asyncapi.document(), Dumper=_NoAliases, sort_keys=False, allow_unicode=True, width=110
    )
    files["README.md"] = catalogue.page()
    return files


def drift(folder: Path = FOLDER) -> list[str]:
    """The generated files that are missing, differ from the models, or belong to no message any more: one line each."""
    wanted = rendered()
    found = []
    for name, text in wanted.items():
        path = folder / name
        if not path.exists():
            found.append(f"{path}: is missing")
        elif path.read_text(encoding="utf-8") != text:
            found.append(f"{path}: differs from the models")
    found += [f"{path}: belongs to no message" for path in _strays(folder, wanted)]
    return found


def broken_since(released: Path) -> list[str]:
    """
    What the models break of the schemas in a folder: one line each, with the file.

    What comes in may not get narrower (old writers go on), what goes out not wider (old readers go on). A message
    that is gone breaks too.
    """
    present = {file_name(spec): spec for spec in with_schema()}
    found = []
    for path in sorted(released.glob("*.json")):
        old = json.loads(path.read_text(encoding="utf-8"))
        if path.name not in present:
            found.append(f"{path.name}: the message is gone")
            continue
        spec = present[path.name]
        new = schema_of(spec)
        changes = breaking_changes(old, new) if spec in INCOMING else breaking_changes(new, old)
        found += [f"{path.name}: {change}" for change in changes]
    return found


def write(folder: Path = FOLDER) -> list[Path]:
    """Write what differs, remove what belongs to no message, and return the files touched."""
    wanted = rendered()
    touched = _strays(folder, wanted)
    for stray in touched:
        stray.unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            touched.append(path)
    return touched


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sigill_contracts.export", description=__doc__.split("\n\n")[0].strip()
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="schemas of an earlier release")
    asked = parser.parse_args(arguments)
    if asked.against is not None:
        return _told(broken_since(asked.against), "a breaking change is a new version, on a new topic")
    if asked.check:
        return _told(drift(), "run `python -m sigill_contracts.export` and commit what it writes")
    for path in write():
        sys.stdout.write(f"{path}\n")
    return 0


def _told(lines: list[str], way_out: str) -> int:
    for line in lines:
        sys.stderr.write(f"{line}\n")
    if lines:
        sys.stderr.write(f"{way_out}\n")
    return 1 if lines else 0


class _NoAliases(yaml.SafeDumper):
    """Writes a value that stands in two places twice; anchors would only confuse a reader."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _strays(folder: Path, wanted: dict[str, str]) -> list[Path]:
    return [
        path for path in sorted((folder / "schemas").glob("*.json")) if f"schemas/{path.name}" not in wanted
    ]


if __name__ == "__main__":
    sys.exit(main())
