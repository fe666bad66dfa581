"""`sigill offsets`, as an operator uses it: on a real broker and database, beside a worker that runs."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import asyncpg

from sigill.runtime.worker_specs import ORDER_WORKERS
from sigill_contracts.topics import STAFF, UNITS
from tests.kit.live_topics import Live, orders_of
from tests.kit.senders import Senders
from tests.workers.test_program import NOW, run, town_today

__all__ = ["run", "town_today"]


async def offsets(run: Live, *arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "sigill.cli", "offsets", *arguments],
        env={**os.environ, **run.environment},
        capture_output=True,
        text=True,
        timeout=90,
    )
    return done.returncode, done.stdout + done.stderr


async def test_what_would_be_read_again_is_said_first_and_then_done_by_the_worker_that_runs(
    run: Live, town_today: Senders
) -> None:
    sent = orders_of(town_today, NOW, 6)
    stop = asyncio.Event()
    serving = asyncio.create_task(run.wiring().serve(ORDER_WORKERS, stop))
    try:
        await run.send(sent)
        assert len({r.order_id for r in await run.receipts(6)}) == 6

        status, text = await offsets(run, "show", "intake", "--json")
        shown: list[dict[str, Any]] = json.loads(text)
        assert (status, sum(line["next_offset"] or 0 for line in shown)) == (0, 6)
        read = [line for line in shown if line["next_offset"]]
        assert all(line["topic_id"] and line["marks"] and line["lag"] == 0 for line in read)

        status, text = await offsets(run, "check", "intake")
        assert (status, text.count(": same")) == (0, len(read)), text

        status, text = await offsets(run, "reset", "intake", "--all", "--dry-run")
        assert status == 0
        assert sum(int(line.split(": ")[-1].split()[0]) for line in text.splitlines()) == 6
        assert sum(r.outcome == "duplicate" for r in await run.receipts(6)) == 0

        status, text = await offsets(run, "reset", "intake", "--all", "--yes")
        assert status == 0, text
        async with asyncio.timeout(60):
            while sum(r.outcome == "duplicate" for r in await run.receipts(6)) < 6:
                await asyncio.sleep(0.5)
    finally:
        stop.set()
        await asyncio.wait_for(serving, 40)
    conn = await asyncpg.connect(run.environment["SIGILL_DATABASE_URL"])
    said = await conn.fetchval("SELECT count(*) FROM sigill.audit_entry WHERE action = 'offsets_reset'")
    await conn.close()
    assert said == 1


async def test_what_it_cannot_do_it_says_in_one_line(run: Live) -> None:
    assert (await offsets(run, "reset", "intake", "--all", "--partition", "1"))[0] == 2
    status, text = await offsets(run, "reset", "directory", "--partition", "77", "--yes")
    assert (status, len(text.strip().splitlines())) == (2, 1)
    for wrong in (("show", "relay"), ("reset", "directory", "--all", "--topic", "ehr.orders.v1")):
        status, text = await offsets(run, *wrong)
        assert (status, "Traceback" in text) == (2, False), text


async def test_every_topic_of_a_worker_is_shown_and_can_be_read_again(run: Live) -> None:
    settings = run.wiring().settings
    status, text = await offsets(run, "show", "directory", "--json")
    assert status == 0, text
    assert {line["topic"] for line in json.loads(text)} == {settings.topic(s.name) for s in (STAFF, UNITS)}
    conn = await asyncpg.connect(run.environment["SIGILL_DATABASE_URL"])
    units, group = settings.topic(UNITS.name), settings.group("directory")
    await conn.execute(
        "INSERT INTO sigill.consumer_offset (consumer_group, topic, partition, generation, next_offset, assigned_at) "
        "VALUES ($1, $2, 0, 1, 5, now()) ON CONFLICT DO NOTHING",
        group,
        units,
    )
    status, text = await offsets(run, "reset", "directory", "--all", "--topic", units, "--yes")
    assert (status, f"directory {units}/0" in text) == (0, True), text
    found = await conn.fetchrow(
        "SELECT next_offset FROM sigill.consumer_offset WHERE consumer_group = $1 AND topic = $2",
        group,
        units,
    )
    await conn.close()
    assert found["next_offset"] is None
