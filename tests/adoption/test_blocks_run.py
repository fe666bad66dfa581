"""Every line of every command block of README and docs runs as written, or stands here with the reason why it does not."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sigill.embedded import EmbeddedKafka
from tests.adoption.test_commands_in_docs import BLOCK, PAGES, ROOT, commands
from tests.kit.senders import ADULT, CHILD, KEYS, UNIT, person
from tests.kit.worker_harness import START, WorkerHarness

ELSEWHERE = {
    r"make |pre-commit ": "sets up or runs the whole checkout; test_every_target_that_a_page_names holds the names",
    r"docker |infra/docker/|cp ca/public/": "needs a Docker engine: tests/runtime/test_compose.py reads what it starts",
    r"helm ": "needs a cluster: tests/adoption/test_helm.py renders the chart",
    r"cd infra/asyncapi/models|node generate": "fetches packages of npm: make recipes runs it",
    r"sigill elsewhere poll": "asks another organisation's server for ever: tests/workers/test_elsewhere_source.py",
    r"sigill scenario run|\.venv/bin/sigill (scenario run|demo)": "brings servers of its own: tests/scenarios plays the stories",
    r"(cp|rm) .*skogsbygd|sigill rulebook (check|show|diff) .*skogsbygd": "edits the checkout: tests/adoption/test_tutorial.py",
    r"sigill rulebook .*(mina-regler|jonkoping@)": "the reader's own file: tests/adoption/test_tutorial.py plays each line",
    r"sigill unit successor": "asks at a terminal, and two operators: tests/store/test_units.py plays both",
    r"sigill scenario check": "reads the reader's own story: tests/policy holds the faults that it tells",
    r"[A-Z_]+=|export |\. \.venv|#": "a setting, an activation or a comment, and no command",
}
"""The beginning of a line, and why it is not run here; a reason that no line needs fails the test."""


def lines_of(path: Path) -> list[str]:
    return [line for line in commands(path.read_text("utf-8")) if line]


RUN = {
    path: lines
    for path in PAGES
    if (lines := [line for line in lines_of(path) if not any(re.match(one, line) for one in ELSEWHERE)])
}


def test_no_reason_stands_without_a_line_that_needs_it() -> None:
    every = [line for path in PAGES for line in lines_of(path)]
    assert [one for one in ELSEWHERE if not any(re.match(one, line) for line in every)] == []
    assert sum(map(len, RUN.values())) > 25
    assert sum(len(BLOCK.findall(path.read_text("utf-8"))) for path in PAGES) > 30
    named = {path for why in ELSEWHERE.values() for path in re.findall(r"tests/[a-z_/]+(?:\.py)?", why)}
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.fixture
async def town(harness: WorkerHarness) -> WorkerHarness:
    """A store in which an adult's journal is sealed and a child's guardians are blocked."""
    senders = harness.senders
    await harness.hand_over(senders.unit(START, "SE2321000065-OLD"), senders.unit(START, "SE2321000065-NEW"))
    await harness.hand_over(
        senders.orders(START),
        senders.orders(START, "block_guardians", patient=person(CHILD)),
    )
    return harness


def laid_out(folder: Path) -> None:
    """The reader's own files, which the lines name."""
    (folder / "contracts").symlink_to(ROOT / "contracts")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    shutil.copytree(ROOT / "workers" / "sigill" / "rulebooks", folder / "FOLDER")
    shutil.copytree(ROOT / "workers" / "sigill" / "rulebooks", folder / "MAPP")
    form = json.loads((ROOT / "contracts" / "examples" / "order.block-one-guardian.json").read_text("utf-8"))
    form["decided_by"]["hsa_id"], form["audience"] = "SE2321000065-1001", "sigill/test"
    (folder / "form.json").write_text(json.dumps(form), "utf-8")
    (folder / "list.csv").write_text(
        f"åtgärd;personnummer;enheter;gäller från;beslutsdatum;initiativ;beslutande enhet\n"
        f"försegling;{ADULT};;2025-01-01;2025-01-01;vården;{UNIT}\n",
        "utf-8",
    )


@pytest.mark.parametrize("page", RUN, ids=[path.name for path in RUN])
async def test_the_lines_of_a_page_run_as_written(
    page: Path, town: WorkerHarness, database: str, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    laid_out(tmp_path)
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NUMBER": ADULT,
        "SIGILL_PATIENT_KEYS": json.dumps({"v1": base64.b64encode(bytes(32)).decode()}),
        "SIGILL_DATABASE_URL": database,
        "SIGILL_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "SIGILL_KAFKA_TOPIC_PREFIX": topic_prefix,
    }
    failed = []
    for line in RUN[page]:
        typed = line.replace("v1.…", KEYS.of(ADULT)).replace("201202292386", ADULT)
        done = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", typed], cwd=tmp_path, env=env, input=f"{ADULT}\n{CHILD}\n",
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        denied = 3 if line.startswith("sigill access ask") else 0  # an answer, and documented as one
        if done.returncode not in (0, denied) or "Traceback" in done.stderr:
            failed.append((line, done.returncode, done.stdout[-500:], done.stderr[-1500:]))
    assert failed == []


async def test_an_import_without_the_patients_keys_is_one_line(database: str, tmp_path: Path) -> None:
    laid_out(tmp_path)
    env = {k: v for k, v in os.environ.items() if k != "SIGILL_PATIENT_KEYS"}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "sigill.cli", "import", "list.csv", "--region", "kronoberg", "--operator", "SE2321000065-ABC1"],
        cwd=tmp_path, env={**env, "SIGILL_DATABASE_URL": database}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "sigill: SIGILL_PATIENT_KEYS: needed, the secret shared with the record system\n"
