"""A source is read over HTTP by cursor and tag, and all that it says is published before it counts as read."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sigill.client.elsewhere_source import HttpSource, Poller, ProgressFile, SourceFailed, SourceProgress
from sigill.register.outside_update import read_outside
from sigill.runtime.clock import FixedClock
from sigill.stream.connection import BrokerDown
from sigill.stream.producer import OutgoingRecord
from tests.kit.senders import ADULT
from tests.kit.worker_harness import START
from tests.workers.test_elsewhere import told

READ = (START - timedelta(minutes=1)).isoformat()


@dataclass
class Stub:
    """A source that keeps a list of changes, two a page, and forgets cursors when it is told to."""

    changes: list[dict[str, Any]]
    fails: list[Response] = field(default_factory=list)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: Request) -> Response:
        tag = request.headers.get("If-None-Match")
        self.asked.append((request.url.query, tag, request.headers.get("Authorization")))
        if self.fails:
            return self.fails.pop(0)
        first = int(request.query_params.get("since", "0"))
        page, end = self.changes[first : first + 2], min(first + 2, len(self.changes))
        etag = f'"{end}"'
        if not page and tag == etag:
            return Response(status_code=304)
        body = {"read_up_to": READ, "measures": page, "cursor": str(end), "more": end < len(self.changes)}
        return JSONResponse(body, headers={"ETag": etag})


@contextlib.asynccontextmanager
async def served(*changes: dict[str, Any]) -> AsyncIterator[Stub]:
    stub = Stub(list(changes))
    app = Starlette(routes=[Route("/measures", stub.answer)])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        stub.url = f"http://127.0.0.1:{listening.getsockname()[1]}/measures"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield stub
        finally:
            server.should_exit = True
            await serving


def change(reference: str, **fields: Any) -> dict[str, Any]:
    measure: dict[str, Any] = told(reference, **fields)["measure"]
    return measure


@dataclass
class Topic:
    """What was published; refuses once while `down`."""

    records: list[OutgoingRecord] = field(default_factory=list)
    down: bool = False

    async def publish(self, records: Sequence[OutgoingRecord]) -> None:
        if self.down:
            self.down = False
            raise BrokerDown("down")
        self.records += records

    def told(self) -> list[tuple[str, str | None, str]]:
        """Of each record: key, reference and read up to, as the worker that takes the topic reads them."""
        found = []
        for record in self.records:
            says = read_outside(record.value or b"", START).says
            key = (record.key or b"").decode()
            found.append((key, says.measure and says.measure.reference, says.read_up_to.isoformat()))
        return found


@contextlib.asynccontextmanager
async def polling(url: str, topic: Topic, folder: Path, token: Path | None = None) -> AsyncIterator[Poller]:
    clock = FixedClock(START)
    source = HttpSource(url, clock, token=token)
    try:
        yield Poller("1177", source, topic.publish, ProgressFile(folder / "state"), clock, "urn:test")
    finally:
        await source.close()


NEVER = "1970-01-01T00:00:00+00:00"


async def test_pages_are_published_whole_and_only_their_end_says_how_far(tmp_path: Path) -> None:
    topic, token = Topic(), tmp_path / "token"
    token.write_text("opaque\n")
    async with served(change("r1"), change("r2"), change("r3")) as stub:
        async with polling(stub.url, topic, tmp_path, token) as poller:
            assert await poller.once() == 3
        assert topic.told() == [
            ("1177/r1", "r1", NEVER),
            ("1177/r2", "r2", NEVER),
            ("1177/r3", "r3", NEVER),
            ("1177", None, READ),
        ]
        stub.changes.append(change("r1", sequence=2, ended=True))
        async with polling(stub.url, topic, tmp_path) as poller:  # started again
            assert await poller.once() == 1
            assert await poller.once() == 0
            assert await poller.once() == 0
        assert topic.told()[4:] == [
            ("1177/r1", "r1", READ),
            ("1177", None, READ),
            ("1177", None, READ),
            ("1177", None, START.isoformat()),  # nothing since its tag: read up to the question
        ]
        assert [asked[:2] for asked in stub.asked] == [
            ("", None), ("since=2", None), ("since=3", None), ("since=4", None), ("since=4", '"4"'),
        ]  # fmt: skip
        assert [asked[2] for asked in stub.asked[:3]] == ["Bearer opaque", "Bearer opaque", None]
    assert not any(ADULT in (record.key or b"").decode() for record in topic.records)
    assert ADULT not in (tmp_path / "state").read_text()


async def test_what_was_not_published_is_read_again(tmp_path: Path) -> None:
    topic = Topic(down=True)
    async with served(change("r1")) as stub, polling(stub.url, topic, tmp_path) as poller:
        with pytest.raises(BrokerDown):
            await poller.once()
        assert await poller.once() == 1
        assert [key for key, _, _ in topic.told()] == ["1177/r1", "1177"]


@pytest.mark.parametrize(
    "wrong",
    [
        Response(status_code=500),
        Response(status_code=302, headers={"Location": "/measures"}),
        Response(status_code=304),
        Response(b"<html>"),
        JSONResponse([]),
        JSONResponse({"measures": [1], "read_up_to": READ}),
        JSONResponse({"measures": [], "read_up_to": "lately"}),
        JSONResponse({"measures": [], "read_up_to": READ, "more": True}),
        JSONResponse({"measures": [change("r9")], "read_up_to": READ, "cursor": {"id": ADULT}}),
    ],
)
async def test_a_wrong_answer_moves_nothing_and_is_told_without_what_it_held(
    tmp_path: Path, wrong: Response
) -> None:
    topic = Topic()
    async with served(change("r1")) as stub, polling(stub.url, topic, tmp_path) as poller:
        stub.fails = [wrong]
        with pytest.raises(SourceFailed) as failed:
            await poller.once()
        assert ADULT not in str(failed.value)
        assert (topic.records, poller.kept.load()) == ([], SourceProgress())
        assert await poller.once() == 1


async def test_it_goes_on_after_a_failure_until_it_is_stopped(tmp_path: Path) -> None:
    topic, stop = Topic(down=True), asyncio.Event()
    async with served(change("r1")) as stub, polling(stub.url, topic, tmp_path) as poller:
        stub.fails = [Response(status_code=503)]
        running = asyncio.create_task(poller.run(0.01, stop))
        async with asyncio.timeout(20):
            while len(topic.records) < 2:
                await asyncio.sleep(0.01)
            stop.set()
            await running
    assert topic.told()[0] == ("1177/r1", "r1", NEVER)


async def test_a_source_that_forgot_the_cursor_is_read_from_its_beginning(tmp_path: Path) -> None:
    topic = Topic()
    async with served(change("r1")) as stub, polling(stub.url, topic, tmp_path) as poller:
        await poller.once()
        stub.fails = [Response(status_code=410)]
        assert await poller.once() == 1
        assert [query for query, _, _ in stub.asked] == ["", "since=1", ""]


async def test_one_odd_measure_stops_no_other_and_is_passed_on(tmp_path: Path) -> None:
    topic = Topic()
    odd = {"reference": f"of {ADULT}", "hair": "red"}
    large = change("r2", units=["SE2321000099-A1"] * 80_000)
    async with served(odd, large) as stub, polling(stub.url, topic, tmp_path) as poller:
        assert await poller.once() == 2
    first, second, _ = topic.records
    assert json.loads(first.value or b"")["measure"] == odd
    assert ADULT not in (first.key or b"").decode()
    says = read_outside(second.value or b"", START).says
    assert says.measure is not None
    assert (says.measure.reference, says.measure.units) == ("r2", None)  # the whole record


@pytest.mark.parametrize(
    "url",
    ["http://source.example/x", "ftp://localhost", "https://a:b@source.example", "https://s.example/?x=1"],
)
def test_an_address_that_would_show_what_is_read_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="the source's address"):
        HttpSource(url, FixedClock(START))
