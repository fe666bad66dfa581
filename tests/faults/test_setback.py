"""What the chaos runs do to a server's data, tried on a server of its own."""

import os
import tempfile
from pathlib import Path

import asyncpg
import pytest

from sigill.embedded import EmbeddedPostgres
from tests.faults.setback import Setback, archiving


async def nothing(*_: object) -> None:
    """Nobody writes meanwhile."""


@pytest.mark.faults
async def test_a_replica_of_a_server_that_was_restored_comes_out_of_recovery() -> None:
    """The point that a server was restored to stays among its settings: the replica waited for it for ever."""
    with (
        tempfile.TemporaryDirectory() as place,
        EmbeddedPostgres(own=True, settings=archiving(Path(place) / "database")) as server,
    ):
        os.chmod(place, 0o755)
        setback = Setback(server, server.dsn, Path(place) / "database")
        await setback.restored(nothing, nothing, 0.1)
        await setback.promoted_late(nothing, nothing, 0.1)
        connection = await asyncpg.connect(server.dsn)
        try:
            await connection.execute("CREATE TABLE written (n integer)")
        finally:
            await connection.close()
