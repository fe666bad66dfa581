"""How the web server listens: who is slow on purpose, or only dead, does not hold a place for ever."""

import asyncio
import ipaddress

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 65_536
"""Of a request's head without its end: more is refused, however slowly or fast it comes."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class ImpatientProtocol(HttpToolsProtocol):
    """
    uvicorn's HTTP/1.1 with an end to its patience, which has one for idle connections only.

    While it is the caller's turn, a whole request must come within `request_seconds`; and what it is answered must
    be read within `read_seconds`. Looked at ten times in the shorter of the two.
    """

    request_seconds = 20.0
    read_seconds = 60.0
    _looking: asyncio.TimerHandle | None = None
    _head: int | None = 0
    """Bytes of a head that has not ended; None: it has, and what comes is a body."""
    _turn = 0.0
    """Since when, by the loop's clock, it is the caller's turn."""
    _unread: float | None = None
    """Since when something lies in the buffer to the caller."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It is the caller's turn."""
        super().connection_made(transport)
        self._turn = self.loop.time()
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as a head stays within bounds: nobody else counts what it keeps of one."""
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is here."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is here."""
        self._turn = self.loop.time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is the caller's turn again."""
        self._turn = self.loop.time()
        super().on_response_complete()

    def _look_again(self) -> None:
        self._looking = self.loop.call_later(min(self.request_seconds, self.read_seconds) / 10, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        if not self.transport.get_write_buffer_size():
            self._unread = None
        elif self._unread is None:
            self._unread = now
        elif now - self._unread > self.read_seconds:
            self.transport.abort()  # closing would wait for it to be read
            return
        if self._ours():
            self._turn = now
        elif now - self._turn > self.request_seconds and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(_TOO_SLOW)
            self.transport.close()
        self._look_again()

    def _ours(self) -> bool:
        """Whether it is our turn: to answer, or to read what the caller has sent already."""
        answering = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        return answering or self.flow.read_paused


def is_loopback(host: str | None) -> bool:
    """Whether an address is this machine's own."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
