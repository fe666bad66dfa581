"""How the web server listens: who is slow on purpose, or only dead, does not hold a place for ever."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class ImpatientProtocol(HttpToolsProtocol):
    """
    uvicorn's HTTP/1.1 with an end to its patience, which has none but for idle connections.

    A request must have come whole within `request_seconds` of its first byte, a new connection's first request
    within as many of the connection; and a caller must have read on within `read_seconds` of what it lets wait.
    """

    request_seconds = 20.0
    read_seconds = 30.0
    _coming: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._expected()
        self.resume_writing()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Expect the rest of the request."""
        super().on_message_begin()
        self._expect()

    def on_message_complete(self) -> None:
        """The request is here."""
        self._expected()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The caller does not read as fast as it is answered."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        super().resume_writing()

    def _expect(self) -> None:
        self._expected()
        self._coming = self.loop.call_later(self.request_seconds, self._too_slow)

    def _expected(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def _too_slow(self) -> None:
        self._coming = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_TOO_SLOW)
        self.transport.close()
