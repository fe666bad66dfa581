"""
What the CloudEvents libraries write for Kafka, by running them.

    python -m tests.kit.event_libraries            run all four and record what they write

`tests/stream/libraries` holds a program for each: cloudevents (npm), io.cloudevents:cloudevents-kafka (Maven),
cloudevents/sdk-go (Go) and cloudevents (PyPI), pinned. Each writes one order in binary and in structured mode.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parents[1] / "stream" / "libraries"
RECORDED = PROGRAMS / "written.json"
ORDER = PROGRAMS / "order.jose"
ID = "0192f0c1-7a10-7c3e-9d52-3f1e5a4b0001"
SOURCE = "urn:example:ehr"
TYPE = "se.sigill.order.v1"
KEY = "v1.LCR3BVW3bvWh9rVVceTH5G_Xk61_5EJN4YfoWiBdG9U"
TIME = "2026-03-02T08:06:00Z"
WORDS = (str(ORDER), ID, SOURCE, TYPE, KEY, TIME)
TOOLS = {"node": ("node", "npm"), "java": ("java", "mvn"), "go": ("go",), "python": ()}


def missing(language: str) -> str | None:
    """The first tool of a language that is not here."""
    return next((tool for tool in TOOLS[language] if shutil.which(tool) is None), None)


def written(language: str) -> list[dict[str, Any]]:
    """Run a language's program; one entry a mode. Raises subprocess.CalledProcessError, its output in it."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / language
        shutil.copytree(PROGRAMS / language, work, ignore=shutil.ignore_patterns("node_modules"))
        if language == "node":
            _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
        commands: dict[str, Sequence[str]] = {
            "node": ("node", "write.mjs", *WORDS),
            "java": (
                *("mvn", "-q", "-B", f"-Dbuild.to={folder}/target", "compile", "exec:java"),
                *("-Dexec.mainClass=Write", f"-Dexec.args={' '.join(WORDS)}"),
            ),
            "go": ("go", "run", ".", *WORDS),
            "python": (sys.executable, "write.py", *WORDS),
        }
        out = _run(commands[language], work)
    found, _ = json.JSONDecoder().raw_decode(out, out.index("[{"))  # Maven writes colours around it
    return [dict(one) for one in found]


def _run(command: Sequence[str], work: Path) -> str:
    done = subprocess.run(
        command,
        cwd=work,
        env=os.environ | {"GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        timeout=480,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    RECORDED.write_text(
        json.dumps({name: written(name) for name in TOOLS}, indent=2) + "\n", encoding="utf-8"
    )
