"""
What is known about revoked certificates: every list that was ever seen, from folders and addresses.

Lists are kept, never replaced: the one in force when somebody signed is asked too. What cannot be read or fetched is
logged by file name or host and left out; whether an order can then be judged is for the verifier to say.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import structlog
from cryptography.x509.oid import NameOID

from workers.runtime.metrics import CRL_UPDATED, Metrics
from workers.trust import Evidence
from workers.trust.evidence import RevocationList

log = structlog.get_logger("sigill.evidence")

LARGEST_LIST = 64 * 1024 * 1024
"""Bytes; a list that is larger is not fetched."""
_SUFFIXES = frozenset({".crl", ".pem", ".der"})
_FileMark = tuple[str, int, int]


class RevocationLists:
    """
    The lists known to this process. `evidence` is a snapshot that never changes; `refresh` makes a new one.

    Files are read again when they changed; a fetched list is kept in `cache`, so that it is still there after a
    restart.
    """

    def __init__(
        self,
        folders: Iterable[Path] = (),
        urls: Iterable[str] = (),
        *,
        cache: Path | None = None,
        metrics: Metrics | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._folders = (*folders, *((cache,) if cache else ()))
        self._urls = tuple(urls)
        self._cache = cache
        self._metrics = metrics
        self._client = client
        self._seen: set[_FileMark] = set()
        self._lists: dict[str, RevocationList] = {}
        self.evidence = Evidence.of()

    async def refresh(self) -> None:
        """Look for new lists everywhere. Never raises: what is out of reach now may be there next time."""
        before = len(self._lists)
        await asyncio.to_thread(self._read_folders)
        for url in self._urls:
            await self._fetch(url)
        if len(self._lists) != before:
            self.evidence = Evidence.of(self._lists.values())
            self._report()

    async def keep_fresh(self, every: float, stop: asyncio.Event) -> None:
        """Refresh every so many seconds until told to stop."""
        while not stop.is_set():
            await self.refresh()
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue

    def _read_folders(self) -> None:
        for path, mark in _files(self._folders):
            if mark in self._seen:
                continue
            self._seen.add(mark)
            try:
                self._add(path.read_bytes())
            except (OSError, ValueError) as error:
                log.warning("revocation list unreadable", file=path.name, error=type(error).__name__)

    async def _fetch(self, url: str) -> None:
        host = urlsplit(url).hostname
        try:
            data = await self._download(url)
            new = self._add(data)
        except (httpx.HTTPError, ValueError) as error:
            log.warning("revocation list not fetched", host=host, error=type(error).__name__)
            return
        if new and self._cache is not None:
            await asyncio.to_thread(_store, self._cache, data)

    async def _download(self, url: str) -> bytes:
        client = self._client or httpx.AsyncClient(timeout=20, follow_redirects=True)
        try:
            async with client.stream("GET", url) as response:
                response.raise_for_status()
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > LARGEST_LIST:
                        raise ValueError("the list is too large")
                return bytes(data)
        finally:
            if self._client is None:
                await client.aclose()

    def _add(self, data: bytes) -> bool:
        found = RevocationList.read(data)
        new = found.fingerprint not in self._lists
        self._lists.setdefault(found.fingerprint, found)
        return new

    def _report(self) -> None:
        if self._metrics is None:
            return
        for one in self._lists.values():
            names = one.crl.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
            newest = max(other.since for other in self._lists.values() if other.issuer == one.issuer)
            self._metrics.set(
                CRL_UPDATED, newest.timestamp(), issuer=str(names[0].value) if names else "unnamed"
            )


def _files(folders: Iterable[Path]) -> Iterator[tuple[Path, _FileMark]]:
    for folder in folders:
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in _SUFFIXES and path.is_file():
                known = path.stat()
                yield path, (str(path), known.st_mtime_ns, known.st_size)


def _store(folder: Path, data: bytes) -> None:
    """Write a fetched list under its digest; a half-written file never bears the final name."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(data).hexdigest()
    unfinished = folder / f"{name}.part"
    unfinished.write_bytes(data)
    unfinished.replace(folder / f"{name}.crl")
