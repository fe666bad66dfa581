"""Letting go of a Kafka client that may be in any state, in bounded time, and without being taken along."""

from __future__ import annotations

import asyncio
import contextlib

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def closed(client: AIOKafkaConsumer | AIOKafkaProducer, seconds: float) -> BaseException | None:
    """
    Stop a client within `seconds`. Returns what it raised, a TimeoutError when it took longer; None: all went well.

    aiokafka's `stop` can end in the CancelledError of a fetch of its own that it has just cancelled, and leaves its
    connections open then. Awaited directly that would look like being cancelled oneself: a worker would end by it.
    """
    stopping = asyncio.ensure_future(client.stop())
    try:
        done, _ = await asyncio.wait({stopping}, timeout=seconds)
    finally:
        stopping.cancel()
    ended: BaseException | None = (await asyncio.gather(stopping, return_exceptions=True))[0]
    if isinstance(ended, asyncio.CancelledError):
        inner = client._client if isinstance(client, AIOKafkaConsumer) else client.client
        with contextlib.suppress(Exception):
            async with asyncio.timeout(seconds):
                await inner.close()
    return ended if done else TimeoutError()
