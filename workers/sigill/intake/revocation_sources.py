"""
Where evidence of revocation comes from: lists in files, folders and at addresses, and OCSP answers.

Every list ever fetched is kept, because an order is judged as of its signing time and an old list cannot be fetched
again. Fetching never raises into the caller: a source that fails is named in `states`, the snapshot stays as it was,
and when what it holds grows stale the verifier's answer becomes *undetermined* by itself.

This room knows no verifier: what a snapshot is, and whether an OCSP answer may be believed, is handed in.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

import httpx
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from sigill.runtime.clock import Clock, stopwatch
from sigill.runtime.files import replace_file

SnapshotT = TypeVar("SnapshotT")

#: A certificate and its issuer, whose status nobody could tell.
Question = tuple[x509.Certificate, x509.Certificate]
#: (lists by their SHA-256, OCSP answers) → a snapshot. Called in a thread.
Index = Callable[[Mapping[str, bytes], Sequence[bytes]], SnapshotT]
#: (answer, certificate, issuer) → until when it is good. Raises ValueError when it may not be believed.
Believe = Callable[[bytes, x509.Certificate, x509.Certificate], datetime]

MAX_LIST_BYTES = 32 * 1024 * 1024
MAX_ANSWER_BYTES = 64 * 1024
ANSWERS_KEPT = 10_000
ASKED_AT_ONCE = 16
"""Questions on their way to responders at the same time."""
_SUFFIXES = {".crl", ".der", ".pem"}
_log = structlog.get_logger("sigill.evidence")


@dataclass(frozen=True, slots=True)
class SourceState:
    """How the last look at a source went. Times are UTC; `error` is empty when it went well."""

    source: str
    looked_at: datetime
    good_until: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class RevocationSources:
    """
    `paths` are files or folders, `urls` http(s) addresses of lists; `kept` is the folder of every list ever fetched.

    `ocsp_url` asks this responder instead of the one that a certificate names; `ask_ocsp` false asks none.
    `window` is how far back lists are loaded: longer than the longest accepted age of a signature. Of these the
    newest of each issuer and scope are held, then the second newest of each and so on, up to `memory` bytes; a
    signature older than what is held cannot be judged and waits.
    `proxy` is what the way out goes through; the environment is not asked.
    `timeout` is for one look at a source, `patience` for all that one call of `ask` waits for; a responder that did
    not answer is left alone for `rest`.
    """

    paths: tuple[Path, ...] = ()
    urls: tuple[str, ...] = ()
    kept: Path | None = None
    ocsp_url: str | None = None
    ask_ocsp: bool = True
    window: timedelta = timedelta(days=45)
    memory: int = 512 * 1024 * 1024
    proxy: str | None = None
    timeout: timedelta = timedelta(seconds=5)
    patience: timedelta = timedelta(seconds=10)
    rest: timedelta = timedelta(seconds=30)


class RevocationCache(Generic[SnapshotT]):
    """Keeps one snapshot of evidence, renewed in the background. `snapshot` never waits."""

    def __init__(
        self,
        sources: RevocationSources,
        *,
        index: Index[SnapshotT],
        believe: Believe,
        clock: Clock,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._sources = sources
        self._index = index
        self._believe = believe
        self._clock = clock
        self._client = client or httpx.AsyncClient(
            timeout=sources.timeout.total_seconds(),
            follow_redirects=False,
            trust_env=False,
            proxy=sources.proxy,
        )
        self._lists: dict[str, bytes] = {}
        self._heads: dict[str, ListHead] = {}
        self._answers: OrderedDict[bytes, tuple[datetime, bytes]] = OrderedDict()
        self._states: dict[str, SourceState] = {}
        self._asked: dict[bytes, asyncio.Task[bool]] = {}
        self._resting: dict[str, float] = {}
        self._turns = asyncio.Semaphore(ASKED_AT_ONCE)
        self._shown: tuple[frozenset[str], int] = (frozenset(), 0)
        self._learned = 0
        self.snapshot: SnapshotT = index({}, ())

    @property
    def states(self) -> tuple[SourceState, ...]:
        """How each source stands, for health and metrics."""
        return tuple(self._states.values())

    async def refresh(self) -> None:
        """Look at every source once and renew the snapshot. Never raises for a source that fails."""
        found: dict[str, bytes] = {}
        local = [*self._sources.paths, *([self._sources.kept] if self._sources.kept else [])]
        for path in local:
            found |= await asyncio.to_thread(self._read_path, path)
        fetched = await asyncio.gather(*(self._fetch(url) for url in self._sources.urls))
        for data in fetched:
            if data is not None:
                found[_name(data)] = data
                await self._keep(data)
        # What was fetched stays, also when there is no folder to keep it in.
        self._lists |= found
        await self._renew()

    async def run(self, every: timedelta, stop: asyncio.Event) -> None:
        """Refresh until told to stop."""
        while not stop.is_set():
            await self.refresh()
            try:
                await asyncio.wait_for(stop.wait(), every.total_seconds())
            except TimeoutError:
                continue

    async def ask(self, questions: Iterable[Question]) -> bool:
        """
        Ask OCSP about certificates whose status is unknown; true when the snapshot learned something.

        Answers are kept while they are good, and the same question is asked once at a time. What takes longer than
        `patience` goes on, and is known to a later call.
        """
        if not self._sources.ask_ocsp:
            return False
        tasks = [self._asking(certificate, issuer) for certificate, issuer in questions]
        waiting = {task for task in tasks if task is not None}
        if waiting:
            await asyncio.wait(waiting, timeout=self._sources.patience.total_seconds())
        learned = self._learned != self._shown[1]
        if learned:
            await self._renew()
        return learned

    async def close(self) -> None:
        """End what is still being asked, and close the connections."""
        asking = list(self._asked.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._client.aclose()

    def _asking(self, certificate: x509.Certificate, issuer: x509.Certificate) -> asyncio.Task[bool] | None:
        """The question on its way; None when it is answered already."""
        key = certificate.fingerprint(SHA256()) + issuer.fingerprint(SHA256())
        known = self._answers.get(key)
        if known is not None and known[0] > self._clock.now():
            return None
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(key, certificate, issuer))
            task.add_done_callback(lambda _: self._asked.pop(key, None))
        return task

    async def _ask(self, key: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        url = self._sources.ocsp_url or _responder_of(certificate)
        if url is None:
            return False
        try:
            request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA256()).build()
            # POST: an address would show the certificate's serial number in every log on the way.
            async with self._turns:
                if self._resting.get(url, 0.0) > stopwatch():
                    return False
                answer = await self._load(
                    url,
                    MAX_ANSWER_BYTES,
                    request.public_bytes(Encoding.DER),
                    {"content-type": "application/ocsp-request"},
                )
            good_until = self._believe(answer, certificate, issuer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            if isinstance(error, httpx.TransportError | OSError):
                self._resting[url] = stopwatch() + self._sources.rest.total_seconds()
            self._note(url, None, _reason(error))
            return False
        self._note(url, good_until, "")
        self._learned += 1
        self._answers[key] = (good_until, answer)
        self._answers.move_to_end(key)
        while len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return True

    async def _renew(self) -> None:
        self._lists = self._worth_holding()
        self._heads = {name: self._heads[name] for name in self._lists}
        shows = (frozenset(self._lists), self._learned)
        if shows == self._shown:
            return  # a snapshot that stays keeps what was looked up in it
        answers = [answer for _, answer in self._answers.values()]
        self.snapshot = await asyncio.to_thread(self._index, dict(self._lists), answers)
        self._shown = shows

    def _worth_holding(self) -> dict[str, bytes]:
        """
        The lists of the window as far as there is room, newest first within each issuer and scope.

        The newest of every scope come before the second newest of any: a partition whose lists come each hour must
        not push out the only list of another.
        """
        oldest = self._clock.now() - self._sources.window
        by_scope: dict[bytes, list[tuple[datetime, str]]] = {}
        for name, data in self._lists.items():
            head = self._heads[name] = self._heads.get(name) or _head(data)
            if head.until >= oldest:
                by_scope.setdefault(head.scope, []).append((head.since, name))
        ranked = [
            (rank, -since.timestamp(), name)
            for found in by_scope.values()
            for rank, (since, name) in enumerate(sorted(found, reverse=True))
        ]
        held: dict[str, bytes] = {}
        room = self._sources.memory
        for _, _, name in sorted(ranked):
            room -= len(self._lists[name])
            if room < 0:
                break
            held[name] = self._lists[name]
        return held

    async def _fetch(self, url: str) -> bytes | None:
        try:
            data = await self._load(url, MAX_LIST_BYTES)
            until = _parse(data).next_update_utc
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            self._note(url, None, _reason(error))
            return None
        self._note(url, until, "")
        return data

    async def _load(
        self, url: str, limit: int, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        method = "GET" if content is None else "POST"
        body = bytearray()
        async with self._client.stream(method, url, content=content, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise _Failed(f"status {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > limit:
                    raise _Failed(f"more than {limit} bytes")
        return bytes(body)

    def _read_path(self, path: Path) -> dict[str, bytes]:
        """Read a file, or the lists in a folder. What cannot be read is noted and left out."""
        found: dict[str, bytes] = {}
        error = ""
        until: datetime | None = None
        if path == self._sources.kept and not path.exists():
            return found
        try:
            files = sorted(p for p in path.iterdir() if p.suffix in _SUFFIXES) if path.is_dir() else [path]
        except OSError as problem:
            files, error = [], _reason(problem)
        for file in files:
            known = file.stem if file.parent == self._sources.kept else ""
            if known in self._lists:
                found[known] = self._lists[known]
                continue
            try:
                data = file.read_bytes()
                ends = _head(data).until
                until = max(ends, until or ends)
                found[_name(data)] = data
            except (OSError, ValueError) as problem:
                error = f"{file.name}: {_reason(problem)}"
        self._note(str(path), until, error)
        return found

    async def _keep(self, data: bytes) -> None:
        folder = self._sources.kept
        if folder is None or _name(data) in self._lists:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(replace_file, folder / f"{_name(data)}.crl", data)
        except OSError as error:
            self._note(str(folder), None, _reason(error))

    def _note(self, source: str, good_until: datetime | None, error: str) -> None:
        """Remember how it went, and say it once when it changes."""
        before = self._states.get(source)
        if error and (before is None or not before.error):
            _log.warning("revocation_source_fails", source=source, error=error)
        elif not error and before is not None and before.error:
            _log.info("revocation_source_is_back", source=source)
        if good_until is None and before is not None:
            good_until = before.good_until
        self._states[source] = SourceState(source, self._clock.now(), good_until, error)


class _Failed(ValueError):
    """A look at a source failed; the message is ours and may be shown."""


def _responder_of(certificate: x509.Certificate) -> str | None:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return None
    for description in access:
        location = description.access_location
        if (
            description.access_method == AuthorityInformationAccessOID.OCSP
            and isinstance(location, x509.UniformResourceIdentifier)
            and location.value.startswith(("http://", "https://"))
        ):
            return location.value
    return None


def _parse(data: bytes) -> x509.CertificateRevocationList:
    pem = data.lstrip().startswith(b"-----BEGIN")
    try:
        return x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
    except (ValueError, x509.InvalidVersion) as error:
        raise _Failed("not a revocation list") from error


@dataclass(frozen=True, slots=True)
class ListHead:
    """
    What a list says of itself. `since` and `until` are UTC, both inclusive.

    Lists of the same `scope` (issuer, and issuing distribution point as it stands) replace each other.
    """

    scope: bytes
    since: datetime
    until: datetime


def _head(data: bytes) -> ListHead:
    """Raises _Failed."""
    crl = _parse(data)
    since, until = crl.last_update_utc, crl.next_update_utc or crl.last_update_utc
    try:
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value.public_bytes()
    except x509.ExtensionNotFound:
        point = b""
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        point = b"unreadable"  # it speaks for nobody
    try:
        issuer = crl.issuer.public_bytes()
    except (ValueError, TypeError):  # a string type that is not read here: it stands alone
        issuer = hashlib.sha256(data).digest()
    return ListHead(issuer + b"\0" + point, since, until)


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _reason(error: Exception) -> str:
    """The kind of an error, and our own words; never a foreign text, which could hold anything."""
    return str(error) if isinstance(error, _Failed) else type(error).__name__
