"""A worker killed at each named point, and a zombie that wakes after its partitions were taken."""

import asyncio
import signal

import pytest

from sigill.runtime.failpoints import POINTS, arm
from tests.faults.chaos import Chaos

pytestmark = pytest.mark.faults

_SLOT = {"batch": "intake-1", "timers": "transitions-1", "relay": "relay-1"}


@pytest.mark.parametrize("point", POINTS)
async def test_nothing_is_lost_doubled_or_reordered_when_a_worker_dies_there(
    chaos: Chaos, point: str
) -> None:
    slot = _SLOT[point.partition(".")[0]]
    before = chaos.ground.kills.get(f"at {point}", 0)
    await chaos.ground.kill_at_point(slot, f"{point}:1")
    for _ in range(8):
        await chaos.round()
        if chaos.ground.kills.get(f"at {point}", 0) > before:
            break
    assert chaos.ground.kills.get(f"at {point}", 0) == before + 1, "nobody came by there"
    await chaos.round()
    verdict = await chaos.check()
    assert verdict.faults == []


@pytest.mark.parametrize(
    "point", ["batch.fetched", "batch.verified", "batch.before_commit", "batch.committed"]
)
async def test_a_zombie_writes_no_row_after_its_partitions_were_taken(chaos: Chaos, point: str) -> None:
    here = chaos.ground
    slot = here.slots["intake-1"]
    await here.kill_at_point("intake-1", f"{point}:1:freeze")
    pid = slot.pid
    assert pid is not None
    while not _stopped(pid):
        await chaos.send_orders()
        await asyncio.sleep(0.2)
    # the other intake gets the partitions, and answers what the zombie has in hand
    await chaos.drained(120)
    slot.expected = False
    here.forget_point("intake-1")
    # what falls due meanwhile would write rows too, rightly
    waiting = [other for other in here.slots.values() if other.worker == "transitions"]
    assert waiting
    for other in waiting:
        here.signal(other, signal.SIGSTOP)
    before = await _rows(chaos)
    here.signal(slot, signal.SIGCONT)
    await asyncio.sleep(4)
    assert await _rows(chaos) == before
    for other in waiting:
        here.signal(other, signal.SIGCONT)
    await chaos.round()
    verdict = await chaos.check()
    assert verdict.faults == []


@pytest.mark.parametrize("point", ["relay.read", "relay.sent"])
async def test_a_relay_that_wakes_late_leaves_no_stale_state_behind(chaos: Chaos, point: str) -> None:
    """What it publishes then is old, and compaction keeps the last record of a key, whatever its age."""
    here = chaos.ground
    slot = here.slots["relay-1"]
    await here.kill_at_point("relay-1", f"{point}:1:freeze")
    pid = slot.pid
    assert pid is not None
    while not _stopped(pid):
        await chaos.send_orders()
        await asyncio.sleep(0.2)
    # its locks go with its sessions: the other relay has all shards now
    await here.end_sessions()
    await chaos.send_orders()
    await chaos.drained(60)
    slot.expected = False
    here.forget_point("relay-1")
    here.signal(slot, signal.SIGCONT)
    await asyncio.sleep(4)
    await chaos.drained(60)
    verdict = await chaos.check()
    assert verdict.faults == []


async def test_a_point_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a point"):
        arm("nowhere")
    arm(None)


def _stopped(pid: int) -> bool:
    from pathlib import Path

    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


async def _rows(chaos: Chaos) -> dict[str, int]:
    conn = await chaos.ground.connect()
    try:
        tables = (
            "inbox",
            "signed_order",
            "order_outcome",
            "measure_version",
            "outbox",
            "audit_entry",
            "timer",
        )
        return {table: await conn.fetchval(f"SELECT count(*) FROM {table}") for table in tables}
    finally:
        await conn.close()
