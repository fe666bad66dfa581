"""The program as it runs: links on the way up, console and API each on a port with probes, and a stop that ends it."""

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sigill.runtime.health import Health
from sigill.runtime.metrics import Metrics
from sigill.web.app import NoLogin, OpsWorker, api_wanted, decision_api
from sigill.web.http.serving import address_of
from tests.api.test_auth import _certificates
from tests.kit.console import RULES, World
from tests.kit.senders import KEYS


async def test_it_serves_console_api_and_probes_until_it_is_told_to_stop(fresh: World) -> None:
    settings = fresh.desk.settings.model_copy(
        update={"console_port": 0, "api_port": 0, "api_development": True}
    )
    assert api_wanted(settings)
    said: list[str] = []
    metrics, health = Metrics(), Health()
    ops = OpsWorker(
        settings, RULES, KEYS, fresh.clock, metrics, health, fresh.ops.connection,
        api=lambda: decision_api(settings, RULES, fresh.clock), said=said.append,
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
            assert (await http.get("/v1/openapi.json")).status_code == 404  # the API has a port of its own
            landed = await http.get(re.search(r"/login/once\S+", said[0])[0])  # type: ignore[index]
            assert landed.url.path == "/"
            assert "SE2321000065-SUP1" in landed.text
        assert ops.api_port not in (None, ops.port)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ops.api_port}") as http:
            assert (await http.get("/v1/openapi.json")).json()["info"]["title"] == "Sigill decisions"
            assert (await http.post("/v1/access/decisions", json={})).status_code == 401
            assert (await http.get("/readyz")).status_code == 200
            assert (await http.get("/login")).status_code == 404
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(running, 20)


@contextlib.asynccontextmanager
async def _running(world: World, **settings: object) -> AsyncIterator[int]:
    """`sigill worker ops` with these settings; yields the port of its decision API."""
    chosen = world.desk.settings.model_copy(update={"console_port": 0, "api_port": 0, **settings})
    ops = OpsWorker(
        chosen, RULES, KEYS, world.clock, Metrics(), Health(), world.ops.connection,
        api=lambda: decision_api(chosen, RULES, world.clock), said=lambda _: None,
    )  # fmt: skip
    stop = asyncio.Event()
    running = asyncio.create_task(ops.run(stop))
    try:
        while ops.api_port is None:
            await asyncio.sleep(0.05)
            assert not running.done(), running.exception()
        yield ops.api_port
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(running, 20)


async def test_no_forged_header_lets_anybody_in_from_this_machine(fresh: World, tmp_path: Path) -> None:
    """The caller is at loopback, and writes that it comes from the named proxy, with a certificate of its own."""
    certificate = x509.load_pem_x509_certificate(_certificates(tmp_path)["journalen"].read_bytes())
    field = f":{base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"
    rights = {"api_clients": {"CN=journalen": ("access:decide",)}, "api_proxies": ("10.0.0.1",)}
    forged = {"Client-Cert": field, "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"}
    async with _running(fresh, **rights) as port, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{port}/v1/access/decisions"
        answer = await http.post(url, json={}, headers=forged)
    assert answer.status_code == 401


async def test_no_request_is_read_as_two_and_no_header_names_another_host(fresh: World) -> None:
    """Two servers that differ on where a request ends let one caller's request begin inside another's."""
    inside = b"GET /v1/openapi.json HTTP/1.1\r\nHost: inside\r\n\r\n"
    smuggled = (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inside,
        b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + inside,
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inside,
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inside,
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inside,
        b"Content-Length: +0\r\n\r\n" + inside,
        b"X: a\r\n Transfer-Encoding: chunked\r\nX: a\nContent-Length: 0\r\n\r\n" + inside,
    )
    async with _running(fresh, api_development=True) as port:
        for tail in smuggled:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /v1/access/decisions HTTP/1.1\r\nHost: api\r\n" + tail)
            await writer.drain()
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 30)
            writer.close()
            assert answer.count(b"HTTP/1.1 ") <= 1, tail
            assert b"200 OK" not in answer, tail
    names = (
        "X-Forwarded-Host",
        "X-Forwarded-Prefix",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-HTTP-Method-Override",
    )
    forged = dict.fromkeys(names, "evil.example") | {
        "Forwarded": "for=10.0.0.1;host=evil.example;proto=https"
    }
    async with httpx.AsyncClient(base_url=fresh.base) as http:
        for path in ("/", "/login", "/login/start", "/orders"):
            plain = await http.get(path)
            told = await http.get(path, headers=forged)
            assert (told.status_code, told.headers.get("location")) == (
                plain.status_code,
                plain.headers.get("location"),
            )
            assert "evil.example" not in told.text


async def test_the_api_beside_the_console_takes_tls_as_its_settings_say(fresh: World, tmp_path: Path) -> None:
    files = _certificates(tmp_path)
    async with _running(
        fresh,
        api_clients={"CN=journalen": ("access:decide",)},
        api_client_ca=files["authority"],
        api_certificate=files["server"],
        api_key=files["server_key"],
    ) as port:
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.TransportError):
                await http.get(f"http://127.0.0.1:{port}/livez")
        context = ssl.create_default_context(cafile=str(files["authority"]))
        async with httpx.AsyncClient(verify=context) as http:
            with pytest.raises(httpx.TransportError):  # nobody without a certificate
                await http.get(f"https://127.0.0.1:{port}/v1/openapi.json")
        context.load_cert_chain(files["journalen"], files["journalen_key"])
        async with httpx.AsyncClient(verify=context) as http:
            answer = await http.post(f"https://127.0.0.1:{port}/v1/access/decisions", json={})
            assert answer.status_code == 422


async def test_a_head_without_end_is_refused_before_it_fills_the_memory(fresh: World) -> None:
    async with _running(fresh, api_development=True) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: api\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            for number in range(8000):
                writer.write(b"X-%d: " % number + b"a" * 8000 + b"\r\n")
                await writer.drain()
                sent += 8000
                if reader.at_eof() or writer.is_closing():
                    break
        assert sent < 32_000_000  # what sockets hold, and no more
        with contextlib.suppress(ConnectionError):
            assert (await reader.read(64)).startswith(b"HTTP/1.1 431")
        writer.close()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/v1/openapi.json", headers={"X-Long": "a" * 30_000})).status_code == 200
            deep = base64.urlsafe_b64encode(b"[" * 6000).decode().rstrip("=")
            answer = await http.post(
                "/v1/access/decisions", json={}, headers={"Authorization": f"Bearer {deep}.x.y"}
            )
            assert answer.status_code == 401


def test_who_asks_behind_a_proxy_is_whom_the_named_proxy_says() -> None:
    def asked(peer: str, *fields: str) -> str:
        headers = [(b"x-forwarded-for", field.encode()) for field in fields]
        return address_of({"client": (peer, 1), "headers": headers}, ("10.0.0.1", "10.0.0.2"))

    assert asked("192.0.2.7", "198.51.100.1") == "192.0.2.7"
    assert asked("10.0.0.1", "198.51.100.1") == "198.51.100.1"
    assert asked("10.0.0.1", "198.51.100.9, 198.51.100.1, 10.0.0.2") == "198.51.100.1"
    assert asked("10.0.0.1", "198.51.100.9", "198.51.100.1") == "198.51.100.1"
    assert asked("10.0.0.1") == "10.0.0.1"


async def test_it_does_not_start_where_nobody_could_log_in_safely(fresh: World) -> None:
    settings = fresh.desk.settings.model_copy(update={"console_host": "0.0.0.0"})
    ops = OpsWorker(settings, RULES, KEYS, fresh.clock, Metrics(), Health(), fresh.ops.connection)
    with pytest.raises(NoLogin):
        await ops.run(asyncio.Event())
