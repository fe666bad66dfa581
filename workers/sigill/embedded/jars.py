"""Apache Kafka's own jars, fetched once by Maven and kept in the user's cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sigill.embedded.processes import cache_dir, progress

POM = Path(__file__).with_name("pom.xml")
LEAST_JAVA = 17
PATIENCE = 600
"""Seconds for Maven, which asks a registry."""


def java() -> str | None:
    """Return a Java launcher of version 17 or later (`JAVA_HOME` first, then `PATH`), or None."""
    home = os.environ.get("JAVA_HOME")
    for launcher in (home and shutil.which(f"{home}/bin/java"), shutil.which("java")):
        if launcher and _version(launcher) >= LEAST_JAVA:
            return launcher
    return None


def _version(launcher: str) -> int:
    printed = subprocess.run([launcher, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', printed)
    return int(found[1]) if found else 0


def available() -> bool:
    """Say whether a broker can be started from jars: Java, and the jars or Maven to fetch them."""
    return java() is not None and (_complete(_folder()) or shutil.which("mvn") is not None)


def _folder() -> Path:
    return cache_dir() / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"


def _complete(folder: Path) -> bool:
    return any(folder.glob("kafka_2.13-*.jar"))


def fetch() -> Path:
    """
    Return the folder with the broker's jars; the first time, Maven fetches them (some 45 MB).

    Safe with several processes at once: one fetches, the others wait, and the folder appears whole.
    Raises `RuntimeError` with Maven's last lines when they cannot be had.
    """
    folder = _folder()
    if _complete(folder):
        return folder
    with (cache_dir() / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _complete(folder):
            with progress("fetching Apache Kafka (some 45 MB, once)"):
                _copy_into(folder)
    return folder


def _copy_into(folder: Path) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="kafka-", dir=cache_dir()))
    try:
        shutil.copy(POM, scratch / "pom.xml")
        command = ["mvn", "-B", "-ntp", "-q", "-f", str(scratch / "pom.xml"), "dependency:copy-dependencies"]
        try:
            done = subprocess.run(
                [*command, f"-DoutputDirectory={scratch / 'jars'}"],
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"Maven had not fetched Apache Kafka's jars after {PATIENCE} s") from None
        except OSError as error:
            raise RuntimeError(f"Maven is here and does not start: {error.strerror}") from None
        if done.returncode != 0:
            last = "\n".join(done.stdout.splitlines()[-8:])
            raise RuntimeError(f"Maven could not fetch Apache Kafka's jars:\n{last}")
        (scratch / "jars").rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
