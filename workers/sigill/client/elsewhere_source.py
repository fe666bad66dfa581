"""
Reads a source of measures made elsewhere and publishes to `elsewhere.measures.v1`, as a program beside Sigill.

A source is anything with `news`; `HttpSource` reads one that answers in the contract's own shape (docs/elsewhere.md).
What a source says of a measure is passed on as it is, since the worker that takes the topic counts what it can read of
it; only the page around it must be readable. A page is published whole before its cursor is kept, so a stop at any moment
publishes some of it again, and `sequence` makes that change nothing.
"""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import structlog
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from sigill.runtime.clock import Clock
from sigill.runtime.files import replace_file
from sigill.runtime.lifecycle import Backoff
from sigill.stream.connection import BrokerDown
from sigill.stream.producer import OutgoingRecord
from sigill.stream.records import binary_headers
from sigill_contracts.elsewhere import ReferenceText
from sigill_contracts.envelope import Envelope
from sigill_contracts.topics import ELSEWHERE

log = structlog.get_logger("sigill.elsewhere")
MAX_PAGE_BYTES = 2**24
_LARGEST_MEASURE = 1024 * 1024
_LARGEST_MEMBER = 4096
_MAX_CURSOR = 1000
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_PAUSE = 1.0
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_REFERENCE: TypeAdapter[str] = TypeAdapter(ReferenceText)
Publish = Callable[[Sequence[OutgoingRecord]], Awaitable[None]]
"""Sends records, those of a key in order, and returns when all are acknowledged; raises BrokerDown."""


class SourceFailed(Exception):
    """A source did not answer, or not with a page. The text says how, and holds nothing of what it answered."""


class CursorGone(SourceFailed):
    """The source no longer knows how far it was read: it is read from its beginning."""


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far a source has been read. `read_up_to` (UTC) None: never to the end. `cursor` and `etag` are the source's."""

    cursor: str | None = None
    etag: str | None = None
    read_up_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class News:
    """A page: measures as the source wrote them, oldest change first, and how far it is read after them. `more` follows."""

    measures: tuple[Mapping[str, Any], ...]
    progress: SourceProgress
    more: bool = False


class ElsewhereSource(Protocol):
    """What an adapter to a source does."""

    async def news(self, since: SourceProgress) -> News:
        """What has changed. `read_up_to` of the last page: all that the source knew by then. Raises SourceFailed."""
        ...


class HttpSource:
    """
    `GET url?since=CURSOR`, answered 200 with a JSON page, or 304 when nothing has changed since `ETag`.

    The address is https, or http of this machine; ValueError otherwise. Redirects are not followed and the environment
    names no proxy: what is read tells who has sealed. `token` is read anew for each question.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        timeout: float = 10.0,
        tls: ssl.SSLContext | None = None,
        token: Path | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (
            parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
        ):
            raise ValueError("the source's address begins with https://; http:// is for this machine alone")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("the source's address has no user, question or fragment in it")
        self._url = url
        self._clock = clock
        self._token = token
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            verify=tls if tls is not None else ssl.create_default_context(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def news(self, since: SourceProgress) -> News:
        """As `ElsewhereSource.news`. A 304 says that all that was known when the question was sent has been read."""
        asked_at = self._clock.now()
        headers = {"Accept": "application/json", "Cache-Control": "no-cache"}
        if since.etag is not None and since.read_up_to is not None:
            headers["If-None-Match"] = since.etag
        if self._token is not None:
            try:
                headers["Authorization"] = f"Bearer {self._token.read_text('ascii').strip()}"
            except (OSError, ValueError) as error:
                raise SourceFailed(f"the token cannot be read: {type(error).__name__}") from None
        params = {} if since.cursor is None else {"since": since.cursor}
        try:
            async with (
                asyncio.timeout(self._timeout * 3),  # a source that sends a byte now and then is no answer
                self._client.stream("GET", self._url, params=params, headers=headers) as answer,
            ):
                if answer.status_code == 304 and "If-None-Match" in headers:
                    return News((), replace(since, read_up_to=asked_at))
                if answer.status_code == 410 and since.cursor is not None:
                    raise CursorGone("the source no longer knows the cursor (410)")
                if answer.status_code != 200:
                    raise SourceFailed(f"the source answered {answer.status_code}")
                data = bytearray()
                async for part in answer.aiter_bytes():
                    data += part
                    if len(data) > MAX_PAGE_BYTES:
                        raise SourceFailed(f"the page is larger than {MAX_PAGE_BYTES} bytes")
                etag = answer.headers.get("ETag")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise SourceFailed(f"the source did not answer: {type(error).__name__}") from None
        return _page(bytes(data), since, etag)


def _page(data: bytes, since: SourceProgress, etag: str | None) -> News:
    try:
        body = json.loads(data)
        measures, cursor, more = body["measures"], body.get("cursor"), body.get("more", False)
        read_up_to = _INSTANT.validate_python(body["read_up_to"])
    except (ValueError, ValidationError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceFailed(f"the page cannot be read: {type(error).__name__}") from None
    if not isinstance(measures, list) or not all(isinstance(measure, dict) for measure in measures):
        raise SourceFailed("the page cannot be read: `measures` is a list of objects")
    if not (cursor is None or (isinstance(cursor, str) and len(cursor) <= _MAX_CURSOR)):
        raise SourceFailed(f"the page cannot be read: `cursor` is text of at most {_MAX_CURSOR} characters")
    if not isinstance(more, bool) or (more and cursor in (None, since.cursor)):
        raise SourceFailed(
            "the page cannot be read: `more` is true or false, and true comes with a new cursor"
        )
    if more:  # the rest of what it knew has not been read yet
        return News(tuple(measures), SourceProgress(cursor, None, since.read_up_to), more=True)
    # without a new cursor the same question has the same answer, and only then its tag may be given back
    same = cursor is None or cursor == since.cursor
    return News(tuple(measures), SourceProgress(cursor or since.cursor, etag if same else None, read_up_to))


class ProgressFile:
    """Keeps how far a source has been read in a file, which is replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> SourceProgress:
        """What was kept; nothing when there is no file, or none that can be read: the source is read from its beginning."""
        try:
            kept = json.loads(self._path.read_bytes())
            read = kept["read_up_to"]
            return SourceProgress(
                kept["cursor"], kept["etag"], None if read is None else _INSTANT.validate_python(read)
            )
        except FileNotFoundError:
            return SourceProgress()
        except (ValueError, ValidationError, KeyError, TypeError):
            log.warning("how far the source was read cannot be read; it is read from its beginning")
            return SourceProgress()

    def keep(self, progress: SourceProgress) -> None:
        """Raises OSError."""
        read = progress.read_up_to
        body = {
            "cursor": progress.cursor,
            "etag": progress.etag,
            "read_up_to": None if read is None else read.isoformat(),
        }
        replace_file(self._path, json.dumps(body).encode())


@dataclass(slots=True)
class Poller:
    """Reads one source again and again, and publishes what it says under `name`, its short name in the rulebook."""

    name: str
    source: ElsewhereSource
    publish: Publish
    kept: ProgressFile
    clock: Clock
    event_source: str
    topic: str = ELSEWHERE.name

    async def once(self) -> int:
        """
        Read to the end of what there is and return how many measures were told of.

        Raises SourceFailed and BrokerDown: what was read before is published and kept, the rest is read again.
        """
        told = 0
        progress = self.kept.load()
        while True:
            try:
                news = await self.source.news(progress)
            except CursorGone:
                progress = replace(progress, cursor=None, etag=None)
                self.kept.keep(progress)
                continue
            # a measure says no more than was true before it: the others of its page may be read after it
            before = progress.read_up_to or _NEVER
            records = [self._record(before, measure) for measure in news.measures]
            if records:
                await self.publish(records)
            if not news.more and news.progress.read_up_to is not None:
                await self.publish([self._record(news.progress.read_up_to, None)])
            progress = news.progress
            self.kept.keep(progress)
            told += len(records)
            if not news.more:
                return told

    async def run(self, every: float, stop: asyncio.Event) -> None:
        """Read every so many seconds until told to stop; after a failure at first sooner, then as often."""
        backoff = Backoff(longest=every, first=_FIRST_PAUSE)
        while not stop.is_set():
            try:
                told = await self.once()
            except (SourceFailed, BrokerDown) as error:
                reason = str(error) if isinstance(error, SourceFailed) else type(error).__name__
                log.warning("the source was not read", source=self.name, reason=reason)
                wait = backoff.next()
            else:
                log.info("the source was read", source=self.name, measures=told)
                backoff.reset()
                wait = every
            try:
                await asyncio.wait_for(stop.wait(), wait)
            except TimeoutError:
                continue

    def _record(self, read_up_to: datetime, measure: Mapping[str, Any] | None) -> OutgoingRecord:
        event_id = str(uuid4())
        body = {"source": self.name, "read_up_to": read_up_to.isoformat(), "measure": measure}
        value = json.dumps(body).encode()
        if measure is not None and len(value) > _LARGEST_MEASURE:
            # what is missing is read as what shuts
            short = {
                name: one for name, one in measure.items() if len(json.dumps([name, one])) <= _LARGEST_MEMBER
            }
            value = json.dumps(body | {"measure": dict(list(short.items())[:100])}).encode()
        key = self.name if measure is None else f"{self.name}/{_reference(measure) or event_id}"
        envelope = Envelope(
            id=event_id,
            source=self.event_source,
            type=ELSEWHERE.event_type or "",
            time=self.clock.now(),
            subject=key,
            content_type="application/json",
        )
        return OutgoingRecord(self.topic, key.encode(), value, binary_headers(envelope))


def _reference(measure: Mapping[str, Any]) -> str | None:
    """The measure's reference where it is one; a key of the topic holds nothing else that a source wrote."""
    try:
        return _REFERENCE.validate_python(measure.get("reference"), strict=True)
    except ValidationError:
        return None
