"""Workers refuse to start on topics that would lose what the table promises to keep."""

import asyncio
import os
import subprocess
import sys

import pytest

from sigill.bootstrap import WrongTopics
from sigill.stream.topics import apply_topics
from tests.kit.live_topics import Live
from tests.stream.conftest import Spec
from tests.workers.test_program import run, town_today

__all__ = ["run", "town_today"]


async def test_a_worker_refuses_topics_that_would_lose_orders_in_one_line(run: Live) -> None:
    short = Spec("ehr.orders.v1", 3, {"cleanup.policy": "delete", "retention.ms": "604800000"})
    await apply_topics(run.connection, [short], prefix=run.prefix)
    with pytest.raises(
        WrongTopics, match=r"ehr\.orders\.v1: retention\.ms is 604800000, 7776000000 is wanted"
    ) as one:
        await asyncio.wait_for(run.wiring().serve(["intake"]), 240)
    assert len(str(one.value).splitlines()) == 1
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "sigill.cli", "worker", "intake"],
        env={**os.environ, **run.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.splitlines()[-1].startswith("sigill: ")


def test_production_refuses_one_replica() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sigill.cli", "topics", "apply", "--dry-run"],
        env={
            **os.environ,
            "SIGILL_ENVIRONMENT": "production",
            "SIGILL_AUDIENCE": "sigill/production",
            "SIGILL_PATIENT_KEYS": '{"v1": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}',
            "SIGILL_TRUST_ANCHORS": os.devnull,
            "SIGILL_KAFKA_SECURITY_PROTOCOL": "SSL",
            "SIGILL_DATABASE_TLS": "verify-full",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("SIGILL_KAFKA_REPLICATION: ")
    assert len(done.stderr.splitlines()) == 1
