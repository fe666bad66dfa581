"""
Writes the API's description to `workers/sigill/web/openapi.json`; `--check` fails when it has drifted.

    python -m sigill.web.api.openapi_export [--check]
"""

import json
import sys
from pathlib import Path
from typing import Any, cast

from sigill.operations.decision_service import DecisionService
from sigill.web.api.routes import create_app
from sigill.web.http.authentication import Guards

FILE = Path(__file__).parents[1] / "openapi.json"


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 description. No question is asked for it: nothing answers, and nobody is let in."""
    return create_app(cast("DecisionService", None), cast("Guards", None)).openapi()


def text() -> str:
    """Return it as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write, or compare with `--check`: exit status 1 when it differs."""
    if "--check" in arguments:
        same = FILE.exists() and FILE.read_text("utf-8") == text()
        if not same:
            print(f"{FILE.name} has drifted: run python -m sigill.web.api.openapi_export", file=sys.stderr)  # noqa: T201
        return 0 if same else 1
    FILE.write_text(text(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
