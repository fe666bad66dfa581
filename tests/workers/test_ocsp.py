"""A card that no revocation list speaks for: the intake asks OCSP, for a bounded time, and judges by the answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from cryptography.x509 import ocsp

from sigill.intake.consumer import Intake
from sigill.intake.revocation_cache import TrustRevocationCache, revocation_cache
from sigill.intake.revocation_recheck import Recheck
from sigill.intake.revocation_sources import RevocationSources
from tests.kit.senders import DOCTOR
from tests.kit.worker_harness import START, WorkerHarness, receipts

Answer = Callable[[int], bytes | None]


@asynccontextmanager
async def responder(answer: Answer) -> AsyncIterator[str]:
    """An OCSP responder over real HTTP. `answer` None: it takes the question and says nothing."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        asked = ocsp.load_der_ocsp_request(await reader.readexactly(length)).serial_number
        content = answer(asked)
        if content is not None:
            writer.write(
                f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n".encode()
            )
            writer.write(content)
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def asking(harness: WorkerHarness, url: str, **more: timedelta) -> AsyncIterator[TrustRevocationCache]:
    """An intake that knows the root's list only and asks a responder about people."""
    kept = revocation_cache(RevocationSources(ocsp_url=url, **more), harness.clock)
    ca = harness.senders.authority
    root = ca.crl(START - timedelta(hours=1), by=ca.root, next_update=START + timedelta(days=99))
    # the index of the keeper makes its next snapshots: the list has to be one of its own
    kept._lists = {"root": root}
    await kept._renew()
    intake = harness.consuming["ehr.orders.v1"].handler
    assert isinstance(intake, Intake)
    before, intake.revocation = intake.revocation, kept
    try:
        yield kept
    finally:
        intake.revocation = before
        await kept.close()


async def opening(harness: WorkerHarness) -> tuple[str, str]:
    """A seal while everything is known, and then an order to lift it. Returns outcome and codes of that."""
    seal = harness.senders.orders(START)
    lift = harness.senders.orders(START, "release_journal_seal", releases=[seal.order_id])
    await harness.hand_over(seal)
    await harness.hand_over(lift)
    last = receipts(await harness.out())[-1]
    return str(last.outcome), ",".join(last.codes)


async def test_an_opening_order_is_carried_out_on_the_responders_word(harness: WorkerHarness) -> None:
    asked: list[int] = []
    holder = harness.senders.authority.staff(DOCTOR).certificate

    def good(serial: int) -> bytes:
        asked.append(serial)
        return harness.senders.authority.ocsp_answer(holder, START)

    async with responder(good) as url, asking(harness, url):
        assert await opening(harness) == ("executed", "")
    assert asked == [holder.serial_number], "asked once; the answer is kept"


async def test_a_responder_that_says_nothing_holds_an_opening_order_and_is_left_alone_for_a_while(
    harness: WorkerHarness,
) -> None:
    asked: list[int] = []

    def nothing(serial: int) -> None:
        asked.append(serial)

    short = timedelta(milliseconds=200)
    async with responder(nothing) as url, asking(harness, url, timeout=short, patience=short) as kept:
        assert await opening(harness) == ("pending", "awaiting_revocation_status")
        assert await opening(harness) == ("pending", "awaiting_revocation_status")
        assert len(asked) <= 2
        assert [bool(state.error) for state in kept.states] == [True]


async def test_what_waits_goes_on_when_the_responder_is_back(harness: WorkerHarness) -> None:
    here: list[bool] = []
    holder = harness.senders.authority.staff(DOCTOR).certificate

    def later(serial: int) -> bytes:
        return harness.senders.authority.ocsp_answer(holder, START) if here else b"not yet"

    async with responder(later) as url, asking(harness, url) as kept:
        assert await opening(harness) == ("pending", "awaiting_revocation_status")
        recheck = Recheck(harness.store, harness.desk, harness.door, kept, harness.clock)
        assert await recheck.look(START + timedelta(minutes=1)) == 0
        here.append(True)
        assert await recheck.look(START + timedelta(minutes=2)) == 1
        [receipt] = receipts(await harness.out())
        assert receipt.outcome == "executed"


async def test_the_snapshot_stays_while_nothing_is_learned(harness: WorkerHarness) -> None:
    """What was looked up in it stays looked up."""
    kept = revocation_cache(RevocationSources(), harness.clock)
    first = kept.snapshot
    await kept.refresh()
    assert kept.snapshot is first
    kept._lists = {"one": harness.crls()[0]}
    await kept.refresh()
    second = kept.snapshot
    assert second is not first
    assert sum(len(found) for found in second.lists.values()) == 1
    await kept.refresh()
    assert kept.snapshot is second
    await kept.close()
