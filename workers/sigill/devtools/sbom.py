"""
Bills of materials (CycloneDX 1.6, JSON) into a folder: `python -m sigill.devtools.sbom dist/sbom`.

`sigill.cdx.json` is what runs, from requirements.lock; `sigill-dev.cdx.json` is what it is built and tested with.
The same locks give the same files. They are build artefacts and are not committed.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
LOCKS = {"sigill.cdx.json": "requirements.lock", "sigill-dev.cdx.json": "requirements-dev.lock"}


def write(folder: Path) -> dict[str, int]:
    """Write both; returns how many components each names. Raises RuntimeError when one cannot be made."""
    folder.mkdir(parents=True, exist_ok=True)
    counted = {}
    for name, lock in LOCKS.items():
        path = folder / name
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "cyclonedx_py",
                "requirements",
                str(ROOT / lock),
                "--pyproject",
                str(ROOT / "pyproject.toml"),
                "--mc-type",
                "application",
                "--spec-version",
                "1.6",
                "--output-reproducible",
                "--output-file",
                str(path),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{lock}: {done.stderr.strip()[-500:]}")
        counted[name] = len(json.loads(path.read_text("utf-8"))["components"])
    return counted


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "dist/sbom")
    for file, components in write(target).items():
        print(f"{target / file}: {components} components")  # noqa: T201 - a build step
