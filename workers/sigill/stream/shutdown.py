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
        if isinstance(client, AIOKafkaProducer):
            await _end_sending(client, seconds)
        inner = client._client if isinstance(client, AIOKafkaConsumer) else client.client
        with contextlib.suppress(Exception):
            async with asyncio.timeout(seconds):
                await inner.close()
    return ended if done else TimeoutError()


async def _end_sending(producer: AIOKafkaProducer, seconds: float) -> None:
    """
    End the task that sends. Left alone it would go on after the client is closed, on new connections, and write what
    is old behind what others have sent since.
    """
    sending = producer._sender.sender_task
    if sending is None:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not sending.done():
                # each time it only leaves what it waits for: its loop first, then a request under way
                sending.cancel()
                await asyncio.wait({sending}, timeout=0.05)
