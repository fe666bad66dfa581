"""
An HTTP server of the API's kind that decides nothing: one committed line in a log, and then the same answer to everybody.

What is faster than this answers before its log line is durable, or is no server of this kind (FastAPI under uvicorn with our
protocol, asyncpg). The API's distance from it is the price of the token, the question and the decision.

    python -m tests.benchmarks.decisions --serve-bare           (in the environment of a run: `decisions` starts it)
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import asyncpg
from fastapi import FastAPI, Request, Response

from sigill.runtime.lifecycle import spare_the_collector
from sigill.runtime.settings import Settings
from sigill.store.session import connection_options
from sigill.web.http.serving import Listener, serving

CONNECTIONS = 8
_TABLE = "CREATE TABLE IF NOT EXISTS bare_line (line_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, question text NOT NULL)"
_LINE = "INSERT INTO bare_line (question) VALUES ($1)"
_ANSWER = b'{"decision":{"allowed":false,"reasons":[]}}'


async def serve_bare(settings: Settings, stop: asyncio.Event, listening: Callable[[int], None]) -> None:
    """Answer until `stop`. `listening` is told the port."""
    options = connection_options(settings, None)
    options["server_settings"] = {
        **options.get("server_settings", {}),
        "application_name": f"sigill bare-{os.getpid()}",
    }
    async with asyncpg.create_pool(min_size=CONNECTIONS, max_size=CONNECTIONS, **options) as pool:
        await pool.execute(_TABLE)
        app = FastAPI(openapi_url=None)

        @app.post("/v1/access/decisions")
        async def decide(request: Request) -> Response:
            question = await request.body()
            await pool.execute(_LINE, question.decode())
            return Response(_ANSWER, media_type="application/json")

        spare_the_collector()
        async with serving(app, Listener("127.0.0.1", 0), "bare") as http:
            listening(http.port)
            await stop.wait()
