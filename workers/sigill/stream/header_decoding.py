"""
Reading a record whose header names are not UTF-8.

aiokafka raises `UnicodeDecodeError` in the middle of such a batch, for ever: one hostile record would hold up
its partition. For the time it takes to pass it, batches are read by aiokafka's Python reader with
names decoded by PEP 383; `sigill.stream.records` then refuses what has such a name among the attributes,
and every byte is kept for the dead letter. Slower by an order of magnitude, so never for longer.
"""

from __future__ import annotations

import struct
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.util import decode_varint_py

_FAST = fetcher.MemoryRecords
_LOG_OVERHEAD = struct.calcsize(">qi")
_MAGIC_OFFSET = struct.calcsize(">qii")


def read_leniently(on: bool) -> None:
    """Read what is fetched from now on leniently, in this process, or fast again."""
    fetcher.MemoryRecords = _LenientRecords if on else _FAST


class _LenientBytes(bytearray):
    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _LenientBytes(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, "surrogateescape" if errors == "strict" else errors)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final, and the only way in
    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _LenientBytes(self._buffer)

    def _read_msg(self, decode_varint: Any = decode_varint_py) -> Any:
        return super()._read_msg(decode_varint)


class _LenientRecords:
    """The interface of aiokafka's `MemoryRecords`: whole batches one after another; a cut-off last one is left."""

    def __init__(self, fetched: bytes) -> None:
        self._batches: list[memoryview] = []
        self._size = len(fetched)
        at = 0
        while self._size - at >= _LOG_OVERHEAD:
            end = at + _LOG_OVERHEAD + int(struct.unpack_from(">i", fetched, at + 8)[0])
            if end > self._size:
                break
            self._batches.append(memoryview(fetched)[at:end])
            at = end
        self._next = 0

    def size_in_bytes(self) -> int:
        return self._size

    def has_next(self) -> bool:
        return self._next < len(self._batches)

    def next_batch(self) -> Any:
        if not self.has_next():
            return None
        batch = self._batches[self._next]
        self._next += 1
        magic = batch[_MAGIC_OFFSET]
        return _LenientBatch(batch) if magic >= 2 else LegacyRecordBatch(batch.tobytes(), magic)
