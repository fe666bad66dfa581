"""The program as it runs: links on the way up, console, API and probes on one port, and a stop that ends it."""

import asyncio
import contextlib
import re

import httpx
import pytest

from tests.console.world import BOOKS, World
from tests.workers.town import KEYS
from workers.ops.app import NoLogin, Ops, api_wanted, decision_api
from workers.runtime.health import Health
from workers.runtime.metrics import Metrics


async def test_it_serves_console_api_and_probes_until_it_is_told_to_stop(fresh: World) -> None:
    settings = fresh.desk.settings.model_copy(update={"console_port": 0, "api_development": True})
    assert api_wanted(settings)
    said: list[str] = []
    metrics, health = Metrics(), Health()
    ops = Ops(
        settings, BOOKS, KEYS, fresh.clock, metrics, health, fresh.ops.connection,
        api=lambda: decision_api(settings, BOOKS, fresh.clock), said=said.append,
    )  # fmt: skip
    stop = asyncio.Event()
    running = asyncio.create_task(ops.run(stop))
    try:
        while len(said) < 2:
            await asyncio.sleep(0.05)
            assert not running.done(), running.exception()
        address = re.search(r"http://127\.0\.0\.1:\d+", said[0])
        assert address is not None
        async with httpx.AsyncClient(base_url=address[0], follow_redirects=True) as http:
            assert (await http.get("/livez")).text == "ok\n"
            assert (await http.get("/readyz")).status_code == 200  # database and broker answer
            assert (await http.get("/metrics")).status_code == 404  # on the probes' own port only
            assert (await http.get("/v1/openapi.json")).json()["info"]["title"] == "Sigill decisions"
            assert (await http.post("/v1/access/decisions", json={})).status_code == 401
            landed = await http.get(re.search(r"/login/once\S+", said[0])[0])  # type: ignore[index]
            assert landed.url.path == "/"
            assert "SE2321000065-SUP1" in landed.text
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(running, 20)


async def test_it_does_not_start_where_nobody_could_log_in_safely(fresh: World) -> None:
    settings = fresh.desk.settings.model_copy(update={"console_host": "0.0.0.0"})
    ops = Ops(settings, BOOKS, KEYS, fresh.clock, Metrics(), Health(), fresh.ops.connection)
    with pytest.raises(NoLogin):
        await ops.run(asyncio.Event())
