"""`sigill dev up` as a newcomer meets it: started, used in the browser, broken, stopped; on the mock where that is allowed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.kit.browser import CHROMIUM

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


def looked_at(address: str, send: Callable[[], None]) -> None:
    """The page in a browser: no accessibility fault, nothing cut off, its script shows what came and lets one read."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for scheme, width, language in (("light", 1440, "sv"), ("dark", 390, "en")):
            context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})  # type: ignore[arg-type]
            page = context.new_page()
            page.set_default_timeout(PATIENCE * 1000)
            page.goto(f"{address}language/{language}?region=kronoberg&form=lock_login&patient=Ulla+Ek")
            assert Axe().run(page).response["violations"] == []
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        known = page.locator("article").count()
        page.locator("#live pre").focus()
        send()
        page.wait_for_timeout(2_500)
        assert page.locator("article").count() == known, "nothing moves under whoever reads"
        page.locator("#live pre").blur()
        page.locator("article").nth(known).wait_for()
        page.get_by_label("Region").select_option("jamtland-harjedalen")
        page.wait_for_url("**/?region=jamtland-harjedalen*")
        browser.close()


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

        if CHROMIUM is not None:
            looked_at(address, lambda: lock(client, tamper="payload"))
        client.post("/act/kill-intake")
        lock(client)
        waits = until(client, "No receipt yet")
        assert 'Intake: <b class="no">dead' in waits
        assert 'The other workers: <b class="yes">running' in waits, "one was killed alone"
        held = client.post("/act/day", data={"region": "kronoberg", "patient": "Ulla Ek"})
        assert held.status_code == 409
        assert "No time passes while a worker is dead: start them again first." in held.text
        client.post("/act/start")
        again = until(client, r"\A(?!.*No receipt yet)")
        assert again.count("<article ") == (3 if CHROMIUM is None else 4)

        assert row(until(client, r"Nils Lind</th>", "Nils Lind"), "Eva Lind") == ["yes", "yes", "yes"]
        assert client.post("/act/birthday", data={"patient": "Nils Lind"}).status_code == 303
        assert row(until(client, r"By itself", "Nils Lind"), "Eva Lind") == ["no", "no", "no"]

        assert (
            client.post("/act/kill-others", headers={"Origin": "http://elsewhere.example"}).status_code == 403
        )
        assert client.get("/", headers={"Host": "elsewhere.example"}).status_code == 400
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


def started(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """The program as a newcomer's machine would start it."""
    wanted = {k: v for k, v in os.environ.items() if not k.startswith(("SIGILL_", "KAFKA_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "sigill.cli", "dev", "up", "--port", "0", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**wanted, **environment},
    )  # fmt: skip


def test_a_maven_that_fails_is_one_line_and_ctrl_c_in_the_start_leaves_no_process(tmp_path: Path) -> None:
    """The trial goes on with the mock; stopped before it is ready, it takes all that it has started with it."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in (
        ("mvn", "echo '[ERROR] the registry is not reachable'; exit 1"),
        ("java", "echo 'openjdk version \"21.0.1\"' >&2"),
        ("docker", "exit 1"),
    ):
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    process = started(
        {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "JAVA_HOME": "",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "DOCKER_HOST": f"unix://{tmp_path}/none",
        }
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == (
            "Apache Kafka could not be started ([ERROR] the registry is not reachable): going on with the mock broker.\n"
        )
        below = psutil.Process(process.pid).children(recursive=True)
        assert below
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        assert "Traceback" not in out + err
        _, left = psutil.wait_procs(below, timeout=PATIENCE)
        assert left == []
    finally:
        process.kill()
        process.wait(PATIENCE)


def test_a_home_that_cannot_be_written_is_one_line_with_a_way_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = started({"XDG_CACHE_HOME": str(tmp_path / "file" / "cache"), "HOME": str(tmp_path / "file")})
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    said = [line for line in err.splitlines() if line.startswith("sigill:")]
    assert len(said) == 1, err
    assert re.search(
        r"cannot be written \(.+\); set XDG_CACHE_HOME, or TMPDIR, to a folder that can$", said[0]
    )
    assert "Traceback" not in err


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
