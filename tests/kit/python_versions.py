"""
Sigill's wheels on every Python that is here: `python -m tests.kit.python_versions dist` (a part of `make packages`).

For each version from the oldest that Sigill runs on: an environment of its own with what is locked, hashes demanded, and
the wheels of a folder; everything imported, the demo, and a few tests of the core. The one that runs this has all tests
for itself. Versions that are not here are named. Ends with 1 when one fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = (
    "tests/policy/test_calendar.py",
    "tests/policy/test_identity_numbers.py",
    "tests/policy/test_units.py",
)
TESTED_WITH = (
    "hypothesis",
    "iniconfig",
    "packaging",
    "pluggy",
    "pygments",
    "pytest",
    "pytest-asyncio",
    "sortedcontainers",
)
IMPORTS = """
import importlib, pkgutil, sigill, sigill_contracts
names = [m.name for p in (sigill, sigill_contracts) for m in pkgutil.walk_packages(p.__path__, p.__name__ + '.')]
for name in names:
    if not name.endswith('__main__'):
        importlib.import_module(name)
print(len(names), 'modules')
"""
PATIENCE = 900
Version = tuple[int, int]


def main() -> int:
    """Try each; print a line for each."""
    wheels = sorted(Path(sys.argv[1] if len(sys.argv) > 1 else "dist").resolve().glob("*.whl"))
    wanted, found = claimed(), interpreters()
    own = sys.version_info[:2]
    for version in wanted:
        if version == own:
            print(f"Python {_named(version)}: this one, which all the tests run on")
        elif version not in found:
            print(f"Python {_named(version)}: not here, so not tried")
    others = {version: found[version] for version in wanted if version in found and version != own}
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda one: tried(*one, wheels), others.items()))
    for version, fault in zip(others, told, strict=True):
        print(
            f"Python {_named(version)}: {fault or 'installed with hashes, imported, demo, tests of the core'}"
        )
    return 1 if any(told) else 0


def claimed() -> list[Version]:
    """The versions that the project says it runs on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = (re.search(r"Python :: (3)\.(\d+)$", one) for one in project["classifiers"])
    return sorted((int(one[1]), int(one[2])) for one in found if one)


def interpreters(environment: Mapping[str, str] | None = None) -> dict[Version, Path]:
    """What starts: `python3.N` of the path and pyenv's versions. A shim of pyenv may be there and lead nowhere."""
    found: dict[Version, Path] = {}
    for version in claimed():
        for path in _candidates(version, os.environ if environment is None else environment):
            try:
                said = subprocess.run(
                    [path, "-c", "import sys, venv; print(*sys.version_info[:2])"],
                    capture_output=True, text=True, timeout=60, check=False,
                )  # fmt: skip
            except OSError:
                continue
            if said.returncode == 0 and said.stdout.split() == [str(part) for part in version]:
                found[version] = path
                break
    return found


def _candidates(version: Version, environment: Mapping[str, str]) -> Iterator[Path]:
    name = f"python{_named(version)}"
    for folder in environment.get("PATH", "").split(os.pathsep):
        if folder and (Path(folder) / name).exists():
            yield Path(folder) / name
    pyenv = Path(environment.get("PYENV_ROOT") or Path(environment.get("HOME", "/")) / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{_named(version)}*/bin/{name}"), reverse=True)


def lock_with_pytest() -> str:
    """What runs, and of what is tested with the few that these tests need: each still of one version, with hashes."""
    runs, tested = (
        _blocks((ROOT / name).read_text("utf-8")) for name in ("requirements.lock", "requirements-dev.lock")
    )
    return "".join({**{name: tested[name] for name in TESTED_WITH}, **runs}.values())


def _blocks(lock: str) -> dict[str, str]:
    """The lines of each requirement by its name; a package with a version for each Python has one of each."""
    blocks: dict[str, str] = {}
    name = ""
    for line in lock.splitlines(keepends=True):
        if (starts := re.match(r"([a-z0-9._-]+)(\[[^]]*\])?==", line)) is not None:
            name = starts[1]
        if name:
            blocks[name] = blocks.get(name, "") + line
    return blocks


def tried(version: Version, python: Path, wheels: list[Path]) -> str | None:
    """What is wrong on a Python; None: nothing."""
    folder = Path(tempfile.mkdtemp(prefix=f"sigill-{_named(version)}-"))
    own = folder / "bin" / "python"
    lock = folder / "lock.txt"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "SIGILL_"))}
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(own),
        "--disable-pip-version-check",
        "--quiet",
        "install",
        "--no-compile",
    ]
    steps: list[tuple[str, list[str], Path]] = [
        ("an environment", [str(python), "-m", "venv", "--without-pip", str(folder)], folder),
        ("what is locked", [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], folder),
        ("the wheels", [*pip, "--no-deps", *map(str, wheels)], folder),
        ("imports", [str(own), "-c", IMPORTS], folder),
        ("sigill demo", [str(folder / "bin" / "sigill"), "demo", "--burst", "0"], folder),
        (
            "tests",
            [str(own), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "pythonpath=.", *TESTS],
            ROOT,
        ),
    ]
    try:
        lock.write_text(lock_with_pytest(), "utf-8")
        for name, command, where in steps:
            done = subprocess.run(
                command,
                cwd=where,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            if done.returncode:
                return f"{name} failed\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    except subprocess.TimeoutExpired as error:
        return f"{error.cmd[0]} took longer than {PATIENCE} s"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def _named(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


if __name__ == "__main__":
    raise SystemExit(main())
