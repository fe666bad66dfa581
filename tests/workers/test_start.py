"""What ends a process at its start, or stops it for good: one line for whoever started it, a status, and no trace."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sigill.bootstrap as bootstrap
from sigill.bootstrap import Wiring, run
from sigill.embedded.processes import free_port
from sigill.runtime.settings import load_settings
from sigill.runtime.worker_specs import EVERY_WORKER
from sigill.store.session import TooPowerful
from sigill.stream.consumer import OffsetsLost
from tests.kit.environment import without_settings
from tests.kit.waiting import wait_for_the_database

KEYS = '{"v1": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}'


def started(*names: str, **settings: str) -> tuple[int, str]:
    """Start workers as a process. Returns its status and what it wrote on stderr."""
    given = {f"SIGILL_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "sigill.cli", "worker", *names],
        env=without_settings(**given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_wrong_settings_are_named_one_a_line() -> None:
    status, said = started("relay", batch_size="none", unknown="1")
    assert status == 2
    assert sorted(line.split(":")[0] for line in said.splitlines()) == ["SIGILL_BATCH_SIZE", "SIGILL_UNKNOWN"]


def test_missing_keys_are_said_before_anything_is_connected() -> None:
    status, said = started("intake")
    assert (status, said.splitlines()) == (
        2,
        ["sigill: SIGILL_PATIENT_KEYS: needed, the secret shared with the record system"],
    )


@pytest.mark.parametrize(
    ("setting", "worker"), [("trust_anchors", "intake"), ("audit_key", "relay")], ids=["anchors", "audit key"]
)
def test_a_file_that_cannot_be_used_is_named(setting: str, worker: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no key, no certificate")
    status, said = started(worker, patient_keys=KEYS, **{setting: str(broken)})
    assert status == 2
    (line,) = said.splitlines()
    assert line.startswith("sigill: ")
    assert str(broken) in line


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OffsetsLost("ehr.orders.v1 partition 0: gone"), 1),
        (TooPowerful("connect as another user"), 2),
    ],
    ids=["offsets", "powerful"],
)
def test_what_stops_a_worker_for_good_is_said_in_one_line(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def stops(*_: object) -> None:
        raise error

    monkeypatch.setattr(Wiring, "serve", stops)
    monkeypatch.setattr(bootstrap, "configure_logging", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        run(["relay"], load_settings())
    assert ended.value.code == status
    assert capsys.readouterr().err == f"sigill: {error}\n"


@pytest.mark.parametrize("worker", EVERY_WORKER)
async def test_a_worker_waits_for_a_database_that_is_not_there_yet(worker: str) -> None:
    """The console ended with a traceback, and again at each start: no page said that the database was away."""
    nowhere = f"postgresql://sigill:none@127.0.0.1:{free_port()}/none"
    settings = load_settings(
        patient_keys=json.loads(KEYS), database_url=nowhere, backoff_max=0.2, console_port=0
    )
    await wait_for_the_database(settings, [worker])
