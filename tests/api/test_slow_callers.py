"""Callers who are slow on purpose: they lose their place, and nobody else notices them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sigill.runtime.settings import load_settings
from sigill.web.http.serving import CertificateProtocol
from tests.kit.decision_api import AUDIENCE, BODY, ISSUER, Issuer, StoredPopulation, listening

CROWD = 150
_HEAD = b"POST /v1/access/decisions HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def port(
    population: StoredPopulation, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[int]:
    monkeypatch.setattr(CertificateProtocol, "request_seconds", 1.0)
    monkeypatch.setattr(CertificateProtocol, "read_seconds", 1.0)
    keys = tmp_path / "jwks.json"
    keys.write_bytes(issuer.jwks)
    settings = load_settings(api_port=0, api_issuer=ISSUER, api_audience=AUDIENCE, api_jwks_file=keys)
    async with listening(settings, population) as port:
        yield port


async def asks(port: int, issuer: Issuer, population: StoredPopulation) -> int:
    headers = {"Authorization": f"Bearer {issuer.token('access:decide', now=population.clock.now())}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        return (await client.post("/v1/access/decisions", json=BODY, headers=headers)).status_code


@pytest.mark.parametrize(
    "drops",
    [
        pytest.param((b"", b""), id="says nothing"),
        pytest.param((b"POST /v1/access/deci", b"s"), id="half a head"),
        pytest.param((_HEAD, b"X-Slow: a\r\n"), id="a head without end"),
        pytest.param((_HEAD + b"Content-Length: 100000\r\n\r\n{", b" "), id="a body without end"),
        pytest.param(
            (_HEAD + b"Content-Length: 2\r\n\r\n{}\r\n", b""), id="an answer, and a blank line after it"
        ),
    ],
)
async def test_a_crowd_of_slow_senders_loses_its_places_and_everybody_else_is_answered(
    port: int, issuer: Issuer, population: StoredPopulation, drops: tuple[bytes, bytes]
) -> None:
    first, again = drops
    token = f"Authorization: Bearer {issuer.token('access:decide', now=population.clock.now())}\r\n".encode()
    first = first.replace(b"Host: api\r\n", b"Host: api\r\n" + token)
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CROWD)]

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send a little now and then; whether the server has ended it."""
        writer.write(first)
        try:
            async with asyncio.timeout(15):
                while not reader.at_eof():
                    writer.write(again)
                    try:
                        await asyncio.wait_for(reader.read(4096), 0.2)
                    except TimeoutError:
                        continue
            return True
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        finally:
            writer.close()

    dripping = [asyncio.create_task(drip(*one)) for one in crowd]
    assert await asks(port, issuer, population) == 200
    assert all(await asyncio.gather(*dripping))
    assert await asks(port, issuer, population) == 200


async def test_who_does_not_read_its_answers_is_cut_off(
    port: int, issuer: Issuer, population: StoredPopulation
) -> None:
    """Answers of a megabyte, and nobody who takes them: they must not pile up."""
    headers = {"Authorization": f"Bearer {issuer.token('access:decide', now=population.clock.now())}"}
    many = {"questions": [{k: v for k, v in BODY.items() if k != "purpose"}] * 1000, "purpose": "test"}
    request = httpx.Request("POST", "http://api/v1/access/decisions", json=many, headers=headers)
    wire = b"POST /v1/access/decisions HTTP/1.1\r\n"
    wire += b"".join(name + b": " + value + b"\r\n" for name, value in request.headers.raw) + b"\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    reader._transport.pause_reading()  # type: ignore[attr-defined]

    async def ask_on() -> None:
        async with asyncio.timeout(30):
            while True:
                writer.write(wire + request.content)
                await writer.drain()
                await asyncio.sleep(0.01)

    with pytest.raises((ConnectionError, TimeoutError)) as ended:
        await ask_on()
    assert isinstance(ended.value, ConnectionError), "the server still holds the connection"
    assert await asks(port, issuer, population) == 200
