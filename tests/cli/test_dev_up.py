"""`sigill dev up` as a newcomer meets it: started, used in the browser, broken, stopped; on the mock where that is allowed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

PATIENCE = 150.0


@contextmanager
def up() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running program and its page's address. Killed when the test did not stop it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SIGILL_KAFKA")}
    mock = () if os.environ.get("SIGILL_REQUIRE_REAL_KAFKA") else ("--mock",)
    command = [sys.executable, "-m", "sigill.cli", "dev", "up", *mock, "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("Record system"), first
        yield process, first.split()[-1]
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)
        process.stdout.close()


def until(client: httpx.Client, pattern: str, patient: str = "Ulla Ek") -> str:
    """The live half of the page, as soon as it holds a pattern."""
    deadline = time.monotonic() + PATIENCE
    text = ""
    while time.monotonic() < deadline:
        text = client.get("/live", params={"region": "kronoberg", "patient": patient}).text
        if re.search(pattern, text, re.DOTALL):
            return text
        time.sleep(0.2)
    raise AssertionError(f"{pattern} never came:\n{text}")


def lock(client: httpx.Client, **more: str) -> None:
    """Fill in the form as its page has it, and send it."""
    asked = {"region": "kronoberg", "form": "lock_login", "patient": "Ulla Ek"}
    page = client.get("/", params=asked).text
    decider = re.search(r'name="decided_by".*?value="([^"]+)"', page, re.DOTALL)
    assert decider is not None
    entries = {
        **asked,
        "initiative": "resident",
        "channel": "ehr_form",
        "decided_by": decider[1],
        "attestations": re.findall(r'name="attestations" value="(\w+)"', page),
        **more,
    }
    assert client.post("/send", data=entries).status_code == 303


def row(text: str, viewer: str) -> list[str]:
    """What one viewer may and may not see, column by column."""
    cells = text.partition(f"{viewer}</th>")[2].partition("</tr>")[0]
    return re.findall(r'<b class="(yes|no)">', cells)


def test_a_form_is_sent_answered_forged_outlives_a_kill_a_child_turns_13_and_all_stops() -> None:
    with up() as (process, address), httpx.Client(base_url=address, timeout=PATIENCE) as client:
        client.get("/language/en")
        before = until(client, r"Ulla Ek</th>")
        assert "no" not in row(before, "Ulla Ek")

        lock(client)
        after = until(client, r'class="executed"')
        assert '<b class="no">no</b>' in after.partition("</table>")[0]
        lock(client, tamper="signature")
        until(client, r"signature_invalid")

        client.post("/act/kill")
        lock(client)
        assert 'workers: <b class="no">dead' in until(client, "No receipt yet")
        client.post("/act/start")
        again = until(client, r"\A(?!.*No receipt yet)")
        assert again.count("<article ") == 3

        assert row(until(client, r"Nils Lind</th>", "Nils Lind"), "Eva Lind") == ["yes", "yes", "yes"]
        assert client.post("/act/birthday", data={"patient": "Nils Lind"}).status_code == 303
        assert row(until(client, r"By itself", "Nils Lind"), "Eva Lind") == ["no", "no", "no"]

        assert client.post("/act/kill", headers={"Origin": "http://elsewhere.example"}).status_code == 403
        assert client.get("/", headers={"Host": "elsewhere.example"}).status_code == 400
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


def test_a_port_in_use_is_one_line_with_a_way_on() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "sigill.cli", "dev", "up", "--mock", "--port", port],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    assert done.returncode == 2
    assert re.fullmatch(
        rf"sigill: port {port} is in use; `sigill dev up --port \d+` takes others\n", done.stderr
    )
