"""
A Keycloak on loopback, for the tests of login: its own distribution, fetched once by Maven and kept in the cache folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from sigill.embedded import jars
from sigill.embedded.processes import Leash, cache_dir, end, free_port, private_folder, progress, remove, tail

VERSION = "26.3.5"
SHA256 = "3b662719e20cd87e7dbb913a85870efba49652852a08b4821cb78f24a3288918"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
START_TIMEOUT = 240.0


class KeycloakUnavailable(RuntimeError):
    """Keycloak can not be had, or did not start, on this machine."""


class Keycloak:
    """A Keycloak with one realm, imported at start. `issuer` is the realm's identifier."""

    def __init__(self, realm: Mapping[str, Any]) -> None:
        """`realm` is a realm as Keycloak exports it."""
        self._realm = realm
        self.base = f"http://127.0.0.1:{free_port()}"
        self.issuer = f"{self.base}/realms/{realm['realm']}"
        self._password = secrets.token_urlsafe(24)
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None

    def start(self) -> Keycloak:
        """Start it; returns when the realm answers. Raises KeycloakUnavailable with the log's last lines."""
        if jars.java() is None:
            raise KeycloakUnavailable("Java 17 or later is needed to start Keycloak")
        archive = fetch()
        folder = private_folder("sigill-keycloak-")
        self._folder = folder
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        home = folder / f"keycloak-{VERSION}"
        (home / "data" / "import").mkdir(parents=True)
        (home / "data" / "import" / "realm.json").write_text(json.dumps(self._realm), "utf-8")
        port = self.base.rpartition(":")[2]
        log = folder / "keycloak.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [
                    str(home / "bin" / "kc.sh"), "start-dev", "--import-realm", "--http-host=127.0.0.1",
                    f"--http-port={port}",
                ],
                cwd=home,
                env={
                    **os.environ,
                    "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
                    "KC_BOOTSTRAP_ADMIN_PASSWORD": self._password,
                    "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
                    "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self._leash = Leash(self._process.pid, folder)
        with progress(f"starting Keycloak {VERSION}"):
            deadline = time.monotonic() + START_TIMEOUT
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    if httpx.get(f"{self.issuer}/.well-known/openid-configuration", timeout=5).is_success:
                        return self
                except httpx.HTTPError:
                    pass
                time.sleep(0.5)
        said = tail(log)
        self.stop()
        raise KeycloakUnavailable(f"Keycloak did not start\n{said}")

    def stop(self) -> None:
        """Stop it and remove its data."""
        if self._process is not None:
            end(self._process, signal.SIGTERM, timeout=15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # its first start runs a build of its own
            self._process = None
        if self._leash is not None:
            self._leash.drop()
            self._leash = None
        if self._folder is not None:
            remove(self._folder)
            self._folder = None

    def admin(self) -> httpx.Client:
        """Return a client of the realm's own administration (`users`, `clients`, …), logged in for a minute."""
        token = httpx.post(
            f"{self.base}/realms/master/protocol/openid-connect/token",
            data={
                "grant_type": "password",
                "client_id": "admin-cli",
                "username": "admin",
                "password": self._password,
            },
            timeout=30,
        )
        token.raise_for_status()
        return httpx.Client(
            base_url=f"{self.base}/admin/realms/{self._realm['realm']}/",
            headers={"Authorization": f"Bearer {token.json()['access_token']}"},
            timeout=30,
        )

    def __enter__(self) -> Keycloak:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def fetch() -> Path:
    """
    Return Keycloak's archive; the first time, Maven fetches it (some 150 MB) and its digest is checked.

    Safe with several processes at once. Raises KeycloakUnavailable with Maven's last lines when it cannot be had.
    """
    archive = cache_dir() / f"keycloak-quarkus-dist-{VERSION}.tar.gz"
    if archive.exists():
        return archive
    with (cache_dir() / "keycloak.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            with progress(f"fetching Keycloak {VERSION} (some 150 MB, once)"):
                _copy_to(archive)
    return archive


def _copy_to(archive: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="keycloak-", dir=cache_dir()) as scratch:
        artifact = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz"
        done = subprocess.run(
            ["mvn", "-B", "-ntp", "-q", PLUGIN, f"-Dartifact={artifact}", f"-DoutputDirectory={scratch}"],
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        found = Path(scratch) / archive.name
        if done.returncode != 0 or not found.exists():
            last = "\n".join(done.stdout.splitlines()[-8:])
            raise KeycloakUnavailable(f"Maven could not fetch Keycloak:\n{last}")
        digest = hashlib.sha256(found.read_bytes()).hexdigest()
        if digest != SHA256:
            raise KeycloakUnavailable(f"Keycloak's archive has the digest {digest}, and not {SHA256}")
        found.rename(archive)
