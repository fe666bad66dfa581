"""Ten times the rated load with spoilt messages among it: memory stays bounded, nobody else waits for ever."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.chaos import Chaos
from tests.faults.conftest import chaos
from tests.faults.outside import Message
from tests.faults.sweep import RATE

__all__ = ["chaos"]
pytestmark = pytest.mark.faults

MOST_MB = 400


async def test_ten_times_the_load_with_spoilt_messages_stays_small_and_nobody_is_forgotten(
    chaos: Chaos,
) -> None:
    most, stop = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not stop.is_set():
            most = max(most, *(_resident_mb(s.pid) for s in chaos.ground.slots.values() if s.pid))
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    for second in range(5):
        messages: list[Message] = []
        for _ in range(10 * RATE):
            household = chaos.traffic.choice(chaos.outside.households[1:])
            messages.append(chaos.outside.keep(household, chaos.outside.order(household, chaos.now)))
        victim = chaos.outside.households[0]
        spoilt = [b"x" * 900_000, b"[" * 200_000, b'{"a":' * 40_000, b"<a>" * 80_000][second % 4]
        messages.insert(7, chaos.outside.garbage(victim, spoilt + bytes([second])))
        chaos.chapters[-1].orders |= {m.digest for m in messages}
        await chaos.ground.publish(messages, chaos.now)
    await chaos.drained(120)
    stop.set()
    await watching
    verdict = await chaos.check()
    assert verdict.faults == []
    assert most < MOST_MB


def _resident_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return float(status.partition("VmRSS:")[2].split()[0]) / 1024 if "VmRSS:" in status else 0.0
