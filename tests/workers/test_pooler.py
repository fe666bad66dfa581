"""Behind Debian's PgBouncer: one line that says what is wrong, never a hang."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import asyncpg
import pytest

from sigill.embedded.processes import free_port
from tests.kit.live_topics import Live
from tests.workers.test_program import run, town_today

__all__ = ["run", "town_today"]
SETTINGS = "search_path,jit,statement_timeout,lock_timeout,idle_in_transaction_session_timeout,role,plan_cache_mode,timezone"


@pytest.fixture
def pgbouncer() -> str:
    """The program. Where it is demanded, its absence is a failure: in the checks nothing is skipped for want of it."""
    found = shutil.which("pgbouncer")
    if found is None:
        demanded = os.environ.get("SIGILL_TEST_REQUIRE_PGBOUNCER", "") not in ("", "0", "false")
        (pytest.fail if demanded else pytest.skip)("Debian's package pgbouncer is needed")
    return found


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("ignore", ["", SETTINGS], ids=["refuses settings", "drops settings"])
async def test_it_says_in_one_line_what_is_wrong_and_ends(
    pgbouncer: str, run: Live, tmp_path: Path, mode: str, ignore: str
) -> None:
    base, _, name = run.environment["SIGILL_DATABASE_URL"].rpartition("/")
    conn = await asyncpg.connect(f"{base}/postgres")
    await conn.execute(f"ALTER DATABASE {name} SET search_path = sigill")
    await conn.close()
    port, ini = free_port(), tmp_path / "p.ini"
    ini.write_text(
        f"[databases]\n* = host=127.0.0.1 port={base.rpartition(':')[2]} user=postgres\n[pgbouncer]\n"
        f"listen_addr=127.0.0.1\nlisten_port={port}\nauth_type=any\npool_mode={mode}\nunix_socket_dir=\n"
        + (f"ignore_startup_parameters={ignore}\n" if ignore else "")
    )
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    bouncer = await asyncio.create_subprocess_exec(pgbouncer, "-q", *user, str(ini))
    try:
        await asyncio.sleep(1)
        environment = {"SIGILL_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{port}/{name}"}
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sigill.cli",
            "worker",
            "all",
            env={**os.environ, **run.environment, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, error = await asyncio.wait_for(worker.communicate(), 60)
    finally:
        bouncer.terminate()
        await bouncer.wait()
    text = (said + error).decode()
    assert worker.returncode == 2, text[-500:]
    assert "Traceback" not in text
    assert "pooler (PgBouncer)" in error.decode().splitlines()[-1]
