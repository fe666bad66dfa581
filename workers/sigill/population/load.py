"""
A register file into the store: chunks of lines, each in a transaction of its own, by several processes at once.

Guarantee: killed anywhere and started again, the store ends up with the rows of an uninterrupted load. Left over: what
the register tells meanwhile about persons of the file stays as its worker wrote it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import multiprocessing
import os
import threading
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg

from sigill.policy.facts import Identity
from sigill.policy.rulebook import Rulebooks
from sigill.population.aftermath import settle
from sigill.population.files import bytes_of, chunks, ends_of
from sigill.population.records import (
    KINDS,
    Milestones,
    bounds,
    custody_of,
    fields_of,
    plainly_right,
    read_line,
)
from sigill.register.person_update import NobodyNamed, PersonUpdate
from sigill.runtime.clock import SystemClock
from sigill.store import bulk
from sigill.store import session as store
from sigill.store.bulk import Chunk, LineRefusal, Staged
from sigill.store.session import Tx
from sigill.store.session import prepare as codecs

CHUNK_LINES = 40_000
_RETRIES = 5
_URLSAFE = bytes.maketrans(b"+/", b"-_")


class FileChanged(Exception):
    """The file is not the one that the load began with: what was loaded from it has changed since."""


@dataclass(frozen=True)
class Target:
    """Where to load to, and with which secret the pseudonymous keys are made. `connect` goes to asyncpg."""

    connect: dict[str, Any]
    secret: bytes
    version: str
    books: Rulebooks
    source: str
    """Under which the consequences are published (CloudEvents `source`)."""

    def __repr__(self) -> str:
        return "Target(…)"


@dataclass
class Progress:
    """How far a load is, in lines."""

    lines: int = 0
    loaded: int = 0
    known: int = 0
    refused: int = 0
    partly: int = 0
    """Loaded, but for what could not be read."""
    skipped: int = 0
    """In the store already when this run began."""
    followed: int = 0
    """Persons whose registration had consequences to look at."""

    def add(self, chunk: Chunk, *, before: bool = False) -> None:
        """Count a chunk in; `before`: an earlier run wrote it."""
        self.lines += chunk.lines
        self.loaded += chunk.loaded
        self.known += chunk.known
        self.refused += chunk.refused
        self.partly += chunk.partly
        self.skipped += chunk.lines if before else 0


@dataclass(frozen=True)
class LoadOutcome:
    """What a load came to, with the first lines that were refused or read in part."""

    progress: Progress
    refusals: tuple[LineRefusal, ...]


def fingerprint(path: Path) -> bytes:
    """Know a register file again: by its size, its first and its last megabyte."""
    digest = hashlib.sha256(str(bytes_of(path)).encode())
    for end in ends_of(path):
        digest.update(end)
    return digest.digest()


def load(
    path: Path,
    target: Target,
    *,
    processes: int = 2,
    chunk_lines: int = CHUNK_LINES,
    told: Callable[[Progress], None] = lambda _: None,
) -> LoadOutcome:
    """
    Load a register file, going on where an earlier run of the same file stopped. `told` hears of every chunk.

    Raises FileChanged, ValueError for a file that is no register file, and what the driver raises.
    """
    with asyncio.Runner() as runner:
        conn = runner.run(asyncpg.connect(**target.connect))
        now = SystemClock().now()
        begun = runner.run(bulk.begin(conn, fingerprint(path), chunk_lines, now))
        progress = Progress()
        if begun.finished_at is None:
            before = runner.run(bulk.done(conn, begun.load_id))
            _load_chunks(path, target, begun, before, processes, progress, told)
            runner.run(codecs(conn))
            runner.run(bulk.analyze(conn))
            progress.followed = runner.run(
                settle(conn, begun, target.books, target.source, lambda *_: told(progress))
            )
            runner.run(bulk.finish(conn, begun.load_id, SystemClock().now()))
        else:
            for chunk in runner.run(bulk.done(conn, begun.load_id)).values():
                progress.add(chunk, before=True)
            told(progress)
        refusals = (
            runner.run(bulk.refusals(conn, begun.load_id)) if progress.refused or progress.partly else []
        )
        runner.run(conn.close())
    return LoadOutcome(progress, tuple(refusals))


def _load_chunks(
    path: Path,
    target: Target,
    begun: bulk.Load,
    before: dict[int, Chunk],
    processes: int,
    progress: Progress,
    told: Callable[[Progress], None],
) -> None:
    if processes == 1:
        here = _Loader(target, begun)
        try:
            for number, content in _missing(path, begun, before, progress, told):
                if (chunk := here.write(number, content)) is not None:
                    progress.add(chunk)
                told(progress)
        finally:
            here.close()
        return
    running: set[Future[Chunk | None]] = set()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(target, begun)) as pool:
        for number, content in _missing(path, begun, before, progress, told):
            running.add(pool.submit(_write, number, content))
            # one chunk waits for each process, so that none stands idle and memory stays small
            while len(running) >= 2 * processes:
                _count(running, progress, told)
        while running:
            _count(running, progress, told)


def _missing(
    path: Path,
    begun: bulk.Load,
    before: dict[int, Chunk],
    progress: Progress,
    told: Callable[[Progress], None],
) -> Iterator[tuple[int, bytes]]:
    """Walk through the chunks that are not in the store. Raises FileChanged for one that is, and was another."""
    for number, content in enumerate(chunks(path, begun.chunk_lines)):
        if number not in before:
            yield number, content
            continue
        if hashlib.sha256(content).digest() != before[number].digest:
            raise FileChanged(f"chunk {number} of {path.name} is not what was loaded before")
        progress.add(before[number], before=True)
        told(progress)


def _count(running: set[Future[Chunk | None]], progress: Progress, told: Callable[[Progress], None]) -> None:
    finished, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in finished:
        running.discard(future)
        chunk = future.result()
        if chunk is not None:
            progress.add(chunk)
    told(progress)


# --- what a process does


class KeyMaker:
    """`sigill_contracts.keys.patient_key` for millions: the secret is taken in once, not for every number."""

    def __init__(self, secret: bytes, version: str) -> None:
        self._keyed = hmac.new(secret, digestmod=hashlib.sha256)
        self._prefix = f"{version}."

    def of(self, number: str) -> str:
        """Return the pseudonymous key of an identity number."""
        one = self._keyed.copy()
        one.update(number.encode("ascii"))
        # 32 bytes make 44 characters, of which the last is padding
        return self._prefix + b2a_base64(one.digest(), newline=False)[:43].translate(_URLSAFE).decode("ascii")


class _Loader:
    """A process's connection, and what it knows by heart."""

    def __init__(self, target: Target, begun: bulk.Load) -> None:
        self.target = target
        self.load_id = begun.load_id
        self.chunk_lines = begun.chunk_lines
        self.known_at = begun.started_at
        self.clock = SystemClock()
        self.runner = asyncio.Runner()
        self.conn: asyncpg.Connection[asyncpg.Record] | None = None
        self.keys = KeyMaker(target.secret, target.version)
        self.milestones = Milestones(target.books, self.clock.now())

    def key_of(self, number: str) -> str:
        return self.keys.of(number)

    def write(self, number: int, content: bytes) -> Chunk | None:
        staged = self.stage(number, content)
        return self.runner.run(self._write(staged))

    def close(self) -> None:
        if self.conn is not None:
            self.runner.run(self.conn.close())
        self.runner.close()

    async def _write(self, staged: Staged) -> Chunk | None:
        for attempt in range(_RETRIES):
            try:
                if self.conn is None:
                    self.conn = await asyncpg.connect(**self.target.connect)
                    await bulk.prepare(self.conn)
                async with self.conn.transaction():
                    return await bulk.write(
                        Tx(self.conn, self.clock.now()), self.load_id, staged, self.key_of
                    )
            except Exception as error:
                if not store.passing(error) or attempt == _RETRIES - 1:
                    raise
                if self.conn is not None and self.conn.is_closed():
                    self.conn = None
                await asyncio.sleep(0.2 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def stage(self, number: int, content: bytes) -> Staged:
        """Turn a chunk of lines into what COPY takes."""
        told, custody = io.StringIO(), io.StringIO()
        former: list[tuple[int, Identity]] = []
        refusals: list[LineRefusal] = []
        seen: set[tuple[str, str]] = set()
        lines = 0
        first = number * self.chunk_lines + 1
        # a byte that is no UTF-8 costs the field that it stands in, not the load
        for lines, text in enumerate(content.decode("utf-8", "replace").split("\n")[:-1], start=1):
            fields = fields_of(text)
            if plainly_right(fields, self.known_at):
                if (fields[0], fields[1]) in seen:
                    refusals.append(LineRefusal(first + lines - 1, ("id",)))
                    continue
                seen.add((fields[0], fields[1]))
                told.write(self._told(lines, fields))
                if fields[16]:
                    custody.writelines(_custody(lines, fields[16]))
                continue
            update, faults = self._read(fields)
            if update is not None and (place := _place(update)) in seen:
                update, faults = None, ("id",)
            if faults:
                refusals.append(LineRefusal(first + lines - 1, faults, taken=update is not None))
            if update is None:
                continue
            seen.add(place)
            told.write(self._told_of(lines, update))
            custody.writelines(_custody_of(lines, update))
            former.extend((lines, identity) for identity in update.numbers[1:])
        return Staged(
            number=number,
            digest=hashlib.sha256(content).digest(),
            lines=lines,
            loaded=lines - sum(not refusal.taken for refusal in refusals),
            told=told.getvalue().encode(),
            custody=custody.getvalue().encode(),
            former=tuple(former),
            refusals=tuple(refusals),
        )

    def _read(self, fields: list[str]) -> tuple[PersonUpdate | None, tuple[str, ...]]:
        """What a line says, and which fields were set aside; None: it cannot be said of whom, or when, it speaks."""
        try:
            update = read_line(fields, self.known_at)
        except NobodyNamed:
            return None, ("id", "sequence")
        except ValueError:
            return None, ("line",)
        return update, update.set_aside

    def _told(self, line: int, fields: list[str]) -> str:
        (id_type, number, sequence, changed_at, birth_date, given, family, county, mark, registration, e_id, gone,
         gone_on, _, level, _, _) = fields  # fmt: skip
        birth = bounds(birth_date)
        assert birth is not None
        died_on, emigrated_on = gone_on if gone == "death" else "", gone_on if gone == "emigration" else ""
        kind, due, region = ("", "", "") if died_on else self.milestones.of(birth_date, county)
        if kind and not region:
            region = '""'  # no region, which is not the same as unknown
        protected = "t" if mark == "t" or registration == "t" else "f"
        uncertain = "t" if level == "OSAKER" and id_type == "samordningsnummer" else "f"
        name = f"{_quoted(given)},{_quoted(family)}" if given else ","
        return (
            f"{line},{KINDS[id_type]},{number},{self.key_of(number)},{sequence},{changed_at},{birth[0]},{birth[1]},"
            f"{county},{protected},{e_id},{uncertain},{died_on},{emigrated_on},{name},{kind},{due},{region}\n"
        )

    def _told_of(self, line: int, update: PersonUpdate) -> str:
        """What `_told` writes, for a line that was read in full or in part."""
        identity, birth = update.numbers[0], update.birth
        earliest, latest = birth.earliest.isoformat(), birth.latest.isoformat()
        timer = ("", "", "")
        if update.died_on is None:
            timer = self.milestones.of_birth(birth, update.county or "")
        kind, due, region = timer
        if kind and not region:
            region = '""'
        name = f"{_quoted(update.name.given)},{_quoted(update.name.family)}" if update.name else ","
        flags = (update.protected, update.has_e_id, update.identity_uncertain)
        return (
            f"{line},{KINDS[identity.id_type]},{identity.number},{self.key_of(identity.number)},{update.sequence},"
            f"{update.changed_at.isoformat()},{earliest},{latest},{update.county or ''},"
            f"{','.join('t' if flag else 'f' for flag in flags)},{_written(update.died_on)},"
            f"{_written(update.emigrated_on)},{name},{kind},{due},{region}\n"
        )


def _place(update: PersonUpdate) -> tuple[str, str]:
    return str(update.numbers[0].id_type), update.numbers[0].number


def _written(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _custody_of(line: int, update: PersonUpdate) -> Iterator[str]:
    for ordinal, period in enumerate(update.custody):
        kind = KINDS[period.guardian.id_type] if period.guardian else ""
        number = period.guardian.number if period.guardian else ""
        yield f"{line},{ordinal},{kind},{number},{_written(period.from_date)},{_written(period.to_date)}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _custody(line: int, text: str) -> Iterator[str]:
    for ordinal, (kind, number, since, until) in enumerate(custody_of(text)):
        yield f"{line},{ordinal},{KINDS[kind] if kind else ''},{number},{since},{until}\n"


_loader: _Loader | None = None


def _start(target: Target, begun: bulk.Load) -> None:
    global _loader  # noqa: PLW0603 - a pool's process has no other place to keep it
    _loader = _Loader(target, begun)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent must not leave a process that goes on loading."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _write(number: int, content: bytes) -> Chunk | None:
    assert _loader is not None
    return _loader.write(number, content)
