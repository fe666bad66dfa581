"""
How long until a worker is ready, and until orders are answered again after a SIGKILL.

    python -m tests.benchmarks.startup [--runs R]

Ready: from starting the process to the first receipt of an order that lies on the topic. After SIGKILL the broker gives
a dead member's partitions away when its session has run out (SIGILL_KAFKA_SESSION_TIMEOUT, 10 s), or at once when the
same instance comes back; both are in the figure: from the kill, with a new process started right away, to the answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

from contracts.topics import ORDERS
from tests.benchmarks.ground import Receipts, ground, load
from tests.benchmarks.intake import backlog


async def measure(runs: int) -> dict[str, Any]:
    """Seconds to the first receipt from the start, and from a SIGKILL."""
    async with ground() as base:
        crowd = base.crowd()
        orders = await backlog(base, crowd, 4 * runs)
        ready, back = [], []
        before = load()
        async with Receipts(base) as receipts:
            relay = base.start("relay")
            for number in range(runs):
                first, second = orders[2 * number : 2 * number + 2]
                await base.publish(ORDERS, [first])
                began = time.monotonic()
                process = base.start("intake")
                await receipts.until([first.event])
                ready.append(time.monotonic() - began)
                process.kill()
                killed = time.monotonic()
                await base.publish(ORDERS, [second])
                process = base.start("intake")
                await receipts.until([second.event])
                back.append(time.monotonic() - killed)
                process.stop()
            relay.stop()
    return {
        "ready": statistics.median(ready),
        "recovered": statistics.median(back),
        "runs": runs,
        "load": before,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    print(json.dumps(asyncio.run(measure(parser.parse_args().runs)), indent=1))
