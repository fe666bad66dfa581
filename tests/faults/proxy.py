"""
A TCP proxy that spoils connections, with toxiproxy's names for how.

`latency` (milliseconds, with jitter), `down`, `bandwidth` (KB/s), `slow_close` (milliseconds), `timeout` (nothing
passes, closed after so many milliseconds), `reset_peer` (RST after so many), `slicer` (small pieces, microseconds
between), `limit_data` (closed after so many bytes). `toxicity` is the share of connections that it touches.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field

TOXICS = (
    "latency",
    "down",
    "bandwidth",
    "slow_close",
    "timeout",
    "reset_peer",
    "slicer",
    "limit_data",
)
_LINGER_RST = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Toxic:
    """One spoiling. `amount` is the toxic's own number, `direction` up (to the server), down, or both."""

    name: str
    amount: int = 0
    jitter: int = 0
    direction: str = "both"
    toxicity: float = 1.0


@dataclass
class Proxy:
    """Forwards connections to `port` of the loopback interface; `toxic` holds for all of them while it is set."""

    port: int
    choice: random.Random = field(default_factory=random.Random)
    toxic: Toxic | None = None
    listening: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self, listening: int = 0) -> None:
        """Listen on a port; `listening` then says which."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", listening)
        self.listening = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._open, return_exceptions=True)

    def poison(self, toxic: Toxic | None) -> None:
        """Set or lift a toxic. `down`, `reset_peer` and `limit_data` reach connections that are open too."""
        self.toxic = toxic
        if toxic is not None and toxic.name == "down":
            self.cut()

    def cut(self) -> None:
        """Drop every open connection."""
        for task in self._open:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        upstream: asyncio.StreamWriter | None = None
        try:
            if self.toxic is not None and self.toxic.name == "down":
                return
            back, upstream = await asyncio.open_connection("127.0.0.1", self.port)
            touched = self.choice.random()
            pumps = [
                asyncio.create_task(self._pump(reader, upstream, "up", touched)),
                asyncio.create_task(self._pump(back, writer, "down", touched)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
            if (toxic := self._on(touched, "down")) and toxic.name == "slow_close":
                await asyncio.sleep(toxic.amount / 1000)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            for end in (writer, upstream):
                if end is not None:
                    with contextlib.suppress(OSError, RuntimeError):
                        end.close()

    def _on(self, touched: float, direction: str) -> Toxic | None:
        toxic = self.toxic
        if toxic is None or touched >= toxic.toxicity or toxic.direction not in ("both", direction):
            return None
        return toxic

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: str, touched: float
    ) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                toxic = self._on(touched, direction)
                if toxic is not None:
                    left = await self._spoil(toxic, data, sink, passed)
                    if left is None:
                        return
                    data = left
                passed += len(data)
                sink.write(data)
                await sink.drain()

    async def _spoil(
        self, toxic: Toxic, data: bytes, sink: asyncio.StreamWriter, passed: int
    ) -> bytes | None:
        """Do to a piece what the toxic says. Returns what is still to be forwarded; None: the connection ends."""
        match toxic.name:
            case "latency":
                await asyncio.sleep(max(0, toxic.amount + self.choice.uniform(-1, 1) * toxic.jitter) / 1000)
            case "bandwidth":
                await asyncio.sleep(len(data) / (1024 * max(1, toxic.amount)))
            case "timeout":
                await asyncio.sleep(toxic.amount / 1000)
                return None
            case "reset_peer":
                await asyncio.sleep(toxic.amount / 1000)
                end = sink.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RST)
                return None
            case "slicer":
                size = max(1, toxic.amount)
                for start in range(0, max(0, len(data) - size), size):
                    sink.write(data[start : start + size])
                    await sink.drain()
                    await asyncio.sleep(toxic.jitter / 1_000_000)
                return data[-size:] if len(data) <= size else data[(len(data) - 1) // size * size :]
            case "limit_data" if passed + len(data) > toxic.amount:
                sink.write(data[: max(0, toxic.amount - passed)])
                return None
        return data


@dataclass
class Proxies:
    """One before each of several brokers; a toxic holds at all of them."""

    each: list[Proxy]
    toxic: Toxic | None = None

    @property
    def addresses(self) -> str:
        """Where they listen."""
        return ",".join(f"127.0.0.1:{proxy.listening}" for proxy in self.each)

    def poison(self, toxic: Toxic | None) -> None:
        """Set or lift a toxic."""
        self.toxic = toxic
        for proxy in self.each:
            proxy.poison(toxic)

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        for proxy in self.each:
            await proxy.close()
