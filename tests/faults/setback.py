"""
A database that goes back on what it said: restored to a point in time under traffic, or lost while its replica was behind.

The address stays the same, as it does behind a virtual one. Backups and the archive lie beside the run's folder, not on
the small disk that is filled up on purpose.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from sigill.embedded import EmbeddedPostgres
from sigill.embedded.processes import Leash, end, free_port

Traffic = Callable[[], Awaitable[None]]
Witness = Callable[[bool], Awaitable[None]]
"""Called just before the server dies, with True, and when it is gone."""


PATIENCE = 120.0
"""Seconds until a server that does not come out of recovery is a fault of the run."""


def archiving(folder: Path) -> dict[str, str]:
    """Settings of a server whose log is archived into a folder while `keeping` lies there."""
    return {
        "wal_level": "replica",
        "archive_mode": "on",
        "archive_command": f"'test ! -e {folder}/keeping || cp \"%p\" {folder}/archive/%f'",
        "restore_command": f"'cp {folder}/archive/%f \"%p\"'",
    }


@dataclass
class Setback:
    """What is done to a server's data. `folder` is the server's own to write to; `dsn` names the server."""

    server: EmbeddedPostgres
    dsn: str
    folder: Path
    drills: int = 0

    async def restored(self, traffic: Traffic, witness: Witness, seconds: float) -> None:
        """
        A base backup under traffic, a restore point, `seconds` of more traffic; then the data is lost, and brought back
        to that point from backup and archive.
        """
        self.drills += 1
        point = f"drill-{self.drills}"
        place = await self._place()
        await asyncio.to_thread(place.clear, self.folder / "archive")
        (self.folder / "keeping").touch()
        try:
            await asyncio.to_thread(place.run, "pg_basebackup", "-D", self.folder / "backup", "-c", "fast")
            await traffic()
            await self._ask("SELECT pg_create_restore_point($1)", point)
            await traffic()
            await asyncio.sleep(seconds)
            last = await self._ask("SELECT pg_walfile_name(pg_switch_wal())")
            while not await self._ask(
                "SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver", last
            ):
                await asyncio.sleep(0.1)
            await witness(True)
            await asyncio.to_thread(self.server.kill)
            await witness(False)
            await asyncio.to_thread(
                place.swap,
                self.folder / "backup",
                f"recovery_target_name = '{point}'\nrecovery_target_action = 'promote'\n",
                "recovery.signal",
            )
            await asyncio.to_thread(self.server.start)
            await self._out_of_recovery()
        finally:
            (self.folder / "keeping").unlink(missing_ok=True)
            for left in ("backup", "archive"):
                shutil.rmtree(self.folder / left, ignore_errors=True)

    async def promoted_late(self, traffic: Traffic, witness: Witness, seconds: float) -> None:
        """An asynchronous replica is cut off, more is committed for `seconds`, the primary is lost, the replica promoted."""
        place = await self._place()
        port, replica = free_port(), self.folder / "replica"
        dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        await asyncio.to_thread(place.run, "pg_basebackup", "-D", replica, "-c", "fast", "-R")
        with (replica / "postgresql.conf").open("a") as conf:
            # a server that was restored keeps the point it was restored to; before it has come to one that has passed, a
            # replica is not let out of recovery
            conf.write(f"port = {port}\nrecovery_target_name = ''\n")
        process = await asyncio.to_thread(place.start, replica)
        leash = Leash(process.pid, None)
        try:
            while not await self._ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"):
                await asyncio.sleep(0.1)
            await traffic()
            await asyncio.sleep(1)
            await _ask(dsn, "ALTER SYSTEM SET primary_conninfo = ''")
            await _ask(dsn, "SELECT pg_reload_conf()")
            while await self._ask("SELECT count(*) FROM pg_stat_replication"):
                await asyncio.sleep(0.1)
            await traffic()
            await asyncio.sleep(seconds)
            await witness(True)
            await asyncio.to_thread(self.server.kill)
            await witness(False)
            await asyncio.to_thread(end, process, signal.SIGINT, 20)
            own = self.dsn.rsplit(":", 1)[1].split("/", maxsplit=1)[0]
            await asyncio.to_thread(place.swap, replica, f"port = {own}\n", "standby.signal")
            await asyncio.to_thread(self.server.start)
            await self._promoted()
        finally:
            await asyncio.to_thread(end, process, signal.SIGKILL, 20)
            leash.drop()
            shutil.rmtree(replica, ignore_errors=True)

    async def _place(self) -> _Place:
        data = Path(await self._ask("SHOW data_directory"))
        binaries = Path(f"/proc/{self.server.pid}/exe").readlink().parent  # noqa: ASYNC240
        port = await self._ask("SHOW port")
        place = _Place(data, binaries, ("-h", "127.0.0.1", "-p", port, "-U", "postgres"))
        self.folder.mkdir(exist_ok=True)
        place.own(self.folder)
        return place

    async def _promoted(self) -> None:
        """Promote the server, though the connection that asks for it may end over that. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    if not await self._ask("SELECT pg_is_in_recovery()"):
                        return
                    await self._ask("SELECT pg_promote(false)")
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await asyncio.to_thread(self.server.start)
                await asyncio.sleep(0.5)

    async def _out_of_recovery(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self._ask("SELECT pg_is_in_recovery()"):
                await asyncio.sleep(0.1)

    async def _ask(self, statement: str, *arguments: object) -> Any:
        return await _ask(self.dsn, statement, *arguments)


async def _ask(dsn: str, statement: str, *arguments: object) -> Any:
    for _ in range(200):
        try:
            connection = await asyncpg.connect(dsn, timeout=5)
            break
        except (OSError, asyncpg.PostgresError, TimeoutError):
            await asyncio.sleep(0.1)
    else:
        raise TimeoutError(f"no answer at {dsn}")
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


@dataclass(frozen=True)
class _Place:
    """The server's data, its programs, and how to reach it."""

    data: Path
    binaries: Path
    login: tuple[str, ...]

    def own(self, path: Path) -> None:
        """Give a file to the server's user."""
        owner = self.data.stat()
        shutil.chown(path, owner.st_uid, owner.st_gid)

    def clear(self, folder: Path) -> None:
        """An empty folder of the server's."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.own(folder)

    def run(self, program: str, *arguments: object) -> None:
        """Run one of the server's programs as its user."""
        done = subprocess.run(
            [self.binaries / program, *self.login, *map(str, arguments)],
            cwd="/",
            check=False,
            capture_output=True,
            **self._as_owner(),
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self, data: Path) -> subprocess.Popen[bytes]:
        """Start a server on other data."""
        with (data / "replica.log").open("ab") as out:
            self.own(data / "replica.log")
            return subprocess.Popen(
                [self.binaries / "postgres", "-D", str(data)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._as_owner(),
            )

    def swap(self, other: Path, settings: str, mark: str) -> None:
        """The data are lost; other data take their place, with settings and a signal file."""
        with (other / "postgresql.conf").open("a") as conf:
            conf.write(settings)
        (other / mark).touch()
        self.own(other / mark)
        (other / "postmaster.pid").unlink(missing_ok=True)
        shutil.rmtree(self.data)
        # between two file systems: who owns what must stay
        subprocess.run(["cp", "-a", str(other), str(self.data)], check=True)
        shutil.rmtree(other)

    def _as_owner(self) -> dict[str, Any]:
        owner = self.data.stat()
        if os.geteuid() != 0:
            return {}
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
