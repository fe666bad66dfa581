"""
How long until a worker is ready, and until orders are answered again after a SIGKILL.

    python -m tests.benchmarks.startup [--runs R]

Ready: from starting the process to the first receipt of an order that lies on the topic. After SIGKILL the broker gives
a dead member's partitions away when its session has run out (SIGILL_KAFKA_SESSION_TIMEOUT, 10 s), or at once when the
same instance comes back (SIGILL_KAFKA_INSTANCE_ID). From the kill, with a new process started right away, to the answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

from sigill_contracts.topics import ORDERS
from tests.benchmarks.ground import Receipts, ground, load
from tests.benchmarks.turns import backlog


async def measure(runs: int) -> dict[str, Any]:
    """Seconds to the first receipt from the start, and from a SIGKILL: with a name of its own, and without."""
    async with ground() as base:
        crowd = base.crowd()
        orders = iter(await backlog(base, crowd, 4 * runs))
        ready: list[float] = []
        back: dict[str, list[float]] = {"": [], "pod-0": []}
        before = load()
        async with Receipts(base) as receipts:
            relay = base.start("relay")
            for _ in range(runs):
                for name, took in back.items():
                    more = {"kafka_instance_id": name} if name else {}
                    one, other = next(orders), next(orders)
                    await base.publish(ORDERS, [one])
                    began = time.monotonic()
                    process = base.start("intake", **more)
                    await receipts.until([one.event])
                    if not name:
                        ready.append(time.monotonic() - began)
                    process.kill()
                    killed = time.monotonic()
                    await base.publish(ORDERS, [other])
                    process = base.start("intake", **more)
                    await receipts.until([other.event])
                    took.append(time.monotonic() - killed)
                    process.stop()
                    if name:
                        # a member with a name does not leave the group when it stops: wait until it is forgotten
                        await asyncio.sleep(base.settings.kafka_session_timeout + 2)
            relay.stop()
    return {
        "ready": statistics.median(ready),
        "recovered": statistics.median(back[""]),
        "recovered_named": statistics.median(back["pod-0"]),
        "runs": runs,
        "load": before,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    print(json.dumps(asyncio.run(measure(parser.parse_args().runs)), indent=1))
