"""Where evidence comes from: files, addresses, OCSP; and what happens when it stops coming."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.x509 import ocsp

from sigill.devtools.authority import DevAuthority
from sigill.devtools.signing import sign_jws
from sigill.intake.revocation_sources import RevocationCache, RevocationSources
from sigill.runtime.clock import FixedClock
from sigill.trust import RevocationIndex, RevocationSnapshot, TrustPolicy, believed_until
from tests.kit.signed_forms import NOW, PAYLOAD, SIGNER, Bench

HOUR = timedelta(hours=1)
Answer = Callable[[str, bytes], tuple[int, bytes]]


@pytest.fixture
def fresh() -> Bench:
    ca = DevAuthority.create(NOW)
    return Bench(ca, TrustPolicy(anchors=ca.anchors), RevocationSnapshot())


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[str]:
    """A real HTTP server, small enough to be seen through."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(x.split(":")[1]) for x in head.split("\r\n") if x.lower().startswith("content-length")), 0
        )
        body = await reader.readexactly(length)
        status, content = answer(head.split()[1], body)
        writer.write(
            f"HTTP/1.1 {status} x\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n".encode()
        )
        writer.write(content)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


@asynccontextmanager
async def keeper(
    clock: FixedClock | None = None, **sources
) -> AsyncIterator[RevocationCache[RevocationSnapshot]]:
    made = RevocationCache(
        RevocationSources(**sources),
        index=RevocationIndex(),
        believe=believed_until,
        clock=clock or FixedClock(NOW),
    )
    try:
        yield made
    finally:
        await made.close()


def codes(bench: Bench, kept: RevocationCache[RevocationSnapshot], at=NOW) -> list[str]:
    return bench.codes(
        sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=at), evidence=kept.snapshot, arrived_at=at
    )


async def test_lists_in_a_folder(fresh: Bench, tmp_path: Path):
    for number, data in enumerate(fresh.ca.crls(NOW - HOUR)):
        (tmp_path / f"{number}.crl").write_bytes(data)
    (tmp_path / "readme.txt").write_text("no list")

    async with keeper(paths=(tmp_path,)) as kept:
        assert codes(fresh, kept) == ["undetermined"]
        await kept.refresh()
        assert codes(fresh, kept) == []
        assert [s.error for s in kept.states] == [""]


async def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_used(fresh: Bench, tmp_path: Path):
    for number, data in enumerate(fresh.ca.crls(NOW - HOUR)):
        (tmp_path / f"{number}.crl").write_bytes(data)
    (tmp_path / "broken.crl").write_bytes(b"no list")

    async with keeper(paths=(tmp_path, tmp_path / "missing")) as kept:
        await kept.refresh()
        assert codes(fresh, kept) == []
        assert sorted(s.error.split(":")[0] for s in kept.states) == ["broken.crl", "missing"]


async def test_fetched_lists_are_kept_for_ever(fresh: Bench, tmp_path: Path):
    """The list of the signing day is asked also after the authority has published newer ones."""
    lists = {f"/{n}": data for n, data in enumerate(fresh.ca.crls(NOW - HOUR))}
    clock = FixedClock(NOW)
    holder = fresh.ca.staff(SIGNER)
    fresh.ca.revoke(holder, NOW - 2 * HOUR)
    lists["/1"] = fresh.ca.crl(NOW - HOUR)

    async with server(lambda path, _: (200, lists[path])) as url:
        urls = tuple(f"{url}{path}" for path in lists)
        async with keeper(clock, urls=urls, kept=tmp_path / "kept") as kept:
            await kept.refresh()
            fresh.ca.release(holder)
            clock.advance(HOUR)
            lists["/1"] = fresh.ca.crl(NOW + HOUR)
            await kept.refresh()
            assert codes(fresh, kept) == ["certificate_revoked"]

    assert len(list((tmp_path / "kept").glob("*.crl"))) == 4
    async with keeper(clock, kept=tmp_path / "kept") as again:
        await again.refresh()
        assert codes(fresh, again) == ["certificate_revoked"]


@pytest.mark.parametrize(
    "answer",
    [lambda *_: (500, b""), lambda *_: (200, b"<html>"), lambda *_: (302, b""), lambda *_: (200, b"")],
    ids=["error", "a page", "elsewhere", "nothing"],
)
async def test_a_source_that_fails_is_named_and_never_raises(fresh: Bench, answer: Answer):
    async with server(answer) as url, keeper(urls=(url,)) as kept:
        await kept.refresh()
        assert kept.states[0].error
        assert codes(fresh, kept) == ["undetermined"]


async def test_a_source_that_is_gone_leaves_what_is_known_until_it_is_stale(fresh: Bench):
    lists = {f"/{n}": data for n, data in enumerate(fresh.ca.crls(NOW - HOUR))}
    clock = FixedClock(NOW)
    async with server(lambda path, _: (200, lists[path])) as url:
        kept = RevocationCache(
            RevocationSources(urls=tuple(f"{url}{p}" for p in lists)),
            index=RevocationIndex(),
            believe=believed_until,
            clock=clock,
        )
        await kept.refresh()
    await kept.refresh()
    await kept.close()

    assert all(s.error and s.good_until for s in kept.states)
    assert codes(fresh, kept) == []
    assert codes(fresh, kept, at=NOW + timedelta(days=8)) == ["undetermined"]


async def test_memory_is_bounded_and_the_newest_stay(fresh: Bench, tmp_path: Path):
    lists = [fresh.ca.crl(NOW - n * HOUR) for n in range(1, 6)]
    for number, data in enumerate([*lists, fresh.ca.crl(NOW, by=fresh.ca.root)]):
        (tmp_path / f"{number}.crl").write_bytes(data)

    async with keeper(paths=(tmp_path,), memory=3 * max(map(len, lists))) as kept:
        await kept.refresh()
        held = [one for found in kept.snapshot.lists.values() for one in found]
        assert sorted(one.since for one in held)[-3:] == [NOW - 2 * HOUR, NOW - HOUR, NOW]
        assert len(held) < 6
        assert codes(fresh, kept) == []


async def test_an_endless_list_is_cut_off(monkeypatch):
    monkeypatch.setattr("sigill.intake.revocation_sources.MAX_LIST_BYTES", 1000)
    async with server(lambda *_: (200, b"x" * 5000)) as url, keeper(urls=(url,)) as kept:
        await kept.refresh()
        assert kept.states[0].error == "more than 1000 bytes"


async def test_the_background_stops_when_told(fresh: Bench, tmp_path: Path):
    stop = asyncio.Event()
    async with keeper(paths=(tmp_path,)) as kept:
        running = asyncio.create_task(kept.run(timedelta(milliseconds=1), stop))
        while not kept.states:
            await asyncio.sleep(0.001)
        stop.set()
        await asyncio.wait_for(running, 5)


# OCSP


def responder(bench: Bench, asked: list[int], **how) -> Answer:
    known = {bench.ca.staff(SIGNER).certificate.serial_number: bench.ca.staff(SIGNER).certificate}

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        serial = ocsp.load_der_ocsp_request(body).serial_number
        asked.append(serial)
        assert format(serial, "x") not in path
        return 200, bench.ca.ocsp_answer(known[serial], NOW, **how)

    return answer


async def ask(bench: Bench, kept: RevocationCache[RevocationSnapshot]) -> tuple[bool, list[str]]:
    """As the intake does: verify, ask about what could not be told, verify again."""
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW)
    verdict = bench.verdict(raw, evidence=kept.snapshot)
    learned = await kept.ask(verdict.questions)
    return learned, bench.codes(raw, evidence=kept.snapshot)


def with_root_list(bench: Bench, tmp_path: Path) -> dict:
    path = tmp_path / "root.crl"
    path.write_bytes(bench.ca.crl(NOW - HOUR, by=bench.ca.root))
    return {"paths": (path,)}


async def test_ocsp_is_asked_about_what_nobody_could_tell(fresh: Bench, tmp_path: Path):
    asked: list[int] = []
    async with (
        server(responder(fresh, asked)) as url,
        keeper(ocsp_url=url, **with_root_list(fresh, tmp_path)) as kept,
    ):
        await kept.refresh()
        assert await ask(fresh, kept) == (True, [])
        assert await ask(fresh, kept) == (False, [])
    assert len(asked) == 1


async def test_the_same_question_at_once_is_asked_once(fresh: Bench, tmp_path: Path):
    asked: list[int] = []
    async with (
        server(responder(fresh, asked)) as url,
        keeper(ocsp_url=url, **with_root_list(fresh, tmp_path)) as kept,
    ):
        await kept.refresh()
        holder = fresh.ca.staff(SIGNER)
        question = (holder.certificate, fresh.ca.issuing.certificate)
        answers: list[Awaitable[bool]] = [kept.ask([question]) for _ in range(5)]
        assert any(await asyncio.gather(*answers))
    assert len(asked) == 1


async def test_an_answer_that_is_not_believed_is_not_kept(fresh: Bench, tmp_path: Path):
    asked: list[int] = []
    async with (
        server(responder(fresh, asked, issuer=fresh.ca.stranger)) as url,
        keeper(ocsp_url=url, **with_root_list(fresh, tmp_path)) as kept,
    ):
        await kept.refresh()
        assert await ask(fresh, kept) == (False, ["undetermined"])
        assert await ask(fresh, kept) == (False, ["undetermined"])
    assert len(asked) == 2


async def test_a_responder_that_is_away_leaves_it_undetermined(fresh: Bench, tmp_path: Path):
    async with keeper(ocsp_url="http://127.0.0.1:9", **with_root_list(fresh, tmp_path)) as kept:
        await kept.refresh()
        assert await ask(fresh, kept) == (False, ["undetermined"])
        assert any(s.error for s in kept.states)


async def test_no_responder_is_asked_when_told_not_to(fresh: Bench, tmp_path: Path):
    async with keeper(
        ask_ocsp=False, ocsp_url="http://127.0.0.1:9", **with_root_list(fresh, tmp_path)
    ) as kept:
        await kept.refresh()
        assert await ask(fresh, kept) == (False, ["undetermined"])
        assert len(kept.states) == 1


async def test_a_client_of_ones_own_may_be_handed_in():
    client = httpx.AsyncClient()
    kept = RevocationCache(
        RevocationSources(),
        index=RevocationIndex(),
        believe=believed_until,
        clock=FixedClock(NOW),
        client=client,
    )
    await kept.close()

    assert client.is_closed
