"""
Known vulnerabilities in what is locked: `python -m sigill.devtools.vulnerabilities`.

Status 1 when one is found. When no advisory service answers, nothing is known: that is said loudly, on its own line,
and the status is 0, so that a closed build is not stopped; with `--demand` it is 3. pip-audit asks, this reads.
"""

# ruff: noqa: T201 - a build step prints

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PATIENCE = 600
_UNREACHABLE = (
    "ConnectionError",
    "Connection",
    "Max retries",
    "timed out",
    "ServiceError",
    "HTTPError",
    "URLError",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one lock. `reached` False: nobody answered, and nothing is known."""

    lock: str
    reached: bool
    audited: int = 0
    vulnerable: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    """Packages that the service knows nothing of."""


def audit(lock: str, command: Sequence[str] = (sys.executable, "-m", "pip_audit")) -> Found:
    """Ask about one lock. Raises RuntimeError when the question itself cannot be put."""
    asked = [*command, "--requirement", str(ROOT / lock), "--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]  # fmt: skip
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return Found(lock, reached=False)
    return read(lock, done.returncode, done.stdout, done.stderr)


def read(lock: str, status: int, out: str, err: str) -> Found:
    """Read pip-audit's answer. An answer that is none is never taken for a clean one."""
    try:
        packages = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if any(word in err for word in _UNREACHABLE):
            return Found(lock, reached=False)
        raise RuntimeError(f"{lock}: pip-audit ended with {status}: {err.strip()[-500:]}") from None
    skipped = [package for package in packages if "skip_reason" in package]
    if packages and len(skipped) == len(packages):
        return Found(lock, reached=False)
    vulnerable = tuple(
        f"{package['name']} {package.get('version', '')}: {hole['id']}, fixed in {', '.join(hole['fix_versions']) or 'no version'}"
        for package in packages
        for hole in package.get("vulns", ())
    )
    return Found(
        lock, True, len(packages) - len(skipped), vulnerable, tuple(package["name"] for package in skipped)
    )


def main(arguments: Sequence[str]) -> int:
    """Audit every lock and say what was found; returns the exit status."""
    results = [audit(lock) for lock in LOCKS]
    for result in results:
        if not result.reached:
            print(
                f"!!! {result.lock}: NOT AUDITED: no advisory service answered; nothing is known about vulnerabilities",
                file=sys.stderr,
            )
            continue
        print(f"{result.lock}: {result.audited} packages, {len(result.vulnerable)} vulnerabilities")
        if result.skipped:
            print(f"!!! {result.lock}: not audited: {', '.join(result.skipped)}", file=sys.stderr)
        for line in result.vulnerable:
            print(f"  {line}")
    if any(result.vulnerable for result in results):
        return 1
    return 3 if "--demand" in arguments and not all(result.reached for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
