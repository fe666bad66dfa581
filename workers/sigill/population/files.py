"""Register files: plain, gzip or zstd, or a folder of parts; written in parts, read in chunks of whole lines."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

import zstandard

from sigill.population.records import HEADER


def packing_of(path: Path) -> str:
    """Say how a register file is packed, by its name: `plain`, `gz`, `zst`, or `folder`."""
    name = path.name
    if path.is_dir() or not name.endswith((".csv", ".csv.gz", ".csv.zst")):
        return "folder"
    return {".gz": "gz", ".zst": "zst"}.get(path.suffix, "plain")


def compress(content: bytes, packing: str) -> bytes:
    """Pack a part. Packed parts, one after the other, are a packed file."""
    if packing == "gz":
        return gzip.compress(content, compresslevel=1, mtime=0)
    if packing == "zst":
        return zstandard.ZstdCompressor(level=3).compress(content)
    return content


class PartWriter:
    """Writes a register file part by part; the file has its name only when it is whole."""

    def __init__(self, path: Path) -> None:
        self.packing = packing_of(path)
        self._path = path
        self._parts = 0
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        if self.packing == "folder":
            self._path.mkdir(parents=True, exist_ok=True)
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._scratch.open("wb")
        return self

    @property
    def _scratch(self) -> Path:
        return self._path.with_name(self._path.name + ".part")

    def add(self, content: bytes) -> None:
        """Write the next part."""
        if self._file is not None:
            self._file.write(content)
        else:
            (self._path / f"part-{self._parts:05}.csv").write_bytes(content)
        self._parts += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        self._file.close()
        if kind is None:
            self._scratch.rename(self._path)
        else:
            self._scratch.unlink()


def bytes_of(path: Path) -> int:
    """Return the size of a register file, as packed, in bytes."""
    return sum(part.stat().st_size for part in _files(path))


def ends_of(path: Path, size: int = 1 << 20) -> Iterator[bytes]:
    """Return the first and the last bytes of each part of a register file, as packed."""
    for part in _files(path):
        with part.open("rb") as stream:
            yield stream.read(size)
            stream.seek(max(0, part.stat().st_size - size))
            yield stream.read(size)


def chunks(path: Path, lines: int) -> Iterator[bytes]:
    """Read a register file in chunks of `lines` whole lines, without headers; the last one may be shorter."""
    waiting: list[bytes] = []
    have = 0
    for block in _blocks(path):
        at = 0
        while True:
            found = block.count(b"\n", at)
            if have + found < lines:
                break
            end = _after_lines(block, at, lines - have)
            yield b"".join((*waiting, block[at:end]))
            waiting, have, at = [], 0, end
        if at < len(block):
            waiting.append(block[at:])
            have += block.count(b"\n", at)
    if rest := b"".join(waiting):
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _after_lines(block: bytes, at: int, count: int) -> int:
    for _ in range(count):
        at = block.index(b"\n", at) + 1
    return at


def _blocks(path: Path) -> Iterator[bytes]:
    for file in _files(path):
        with _opened(file) as stream:
            first = stream.readline()
            if first != HEADER:
                msg = f"{file.name} is no register file: its first line is not {HEADER.decode().strip()}"
                raise ValueError(msg)
            while block := stream.read(1 << 22):
                yield block


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.name.endswith((".csv", ".csv.gz", ".csv.zst")))


def _opened(file: Path) -> BinaryIO:
    match packing_of(file):
        case "gz":
            return cast(BinaryIO, gzip.open(file, "rb"))
        case "zst":
            raw = zstandard.ZstdDecompressor().stream_reader(
                file.open("rb"), read_across_frames=True, closefd=True
            )
            return cast(BinaryIO, io.BufferedReader(raw, 1 << 22))
        case _:
            return file.open("rb")
