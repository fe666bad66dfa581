"""Bytes near good ones: what a hypothesis strategy draws, or a plain generator for the hour-long run."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st

TOKENS: tuple[bytes, ...] = (
    b"",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"NaN",
    b"1e999",
    b"-0",
    b"9" * 5000,
    b"[" * 2000,
    b'{"a":' * 2000,
    b"{}",
    b'""',
    b'"a":1,"a":2',
    b".",
    b"..",
    b"=",
    b"eyJhbGciOiJub25lIn0",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&a;",
    b"<!--x-->",
    b"<![CDATA[x]]>",
    b"<ds:Object/>",
    b"&#0;",
    b"&x: [*x]",
    b"!!python/object:os.system {}",
    b"2020-99-99",
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00",
    b"<<: *x",
    b"? [a]\n: b",
    b"\xe2\x80\xae",
    b"true",
    b"\n",
    b": ",
)


def mutated(choice: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with one to eight changes."""
    data = bytearray(choice.choice(seeds))
    for _ in range(choice.randint(1, 8)):
        _change(choice, data, seeds)
    return bytes(data[:400_000])


def _change(choice: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    place = choice.randint(0, len(data))
    end = min(len(data), place + choice.choice((1, 1, 2, 8, 40, 400)))
    match choice.randint(0, 6):
        case 0 if data:
            data[min(place, len(data) - 1)] ^= 1 << choice.randint(0, 7)
        case 1:
            data[place:place] = choice.choice(TOKENS)
        case 2:
            del data[place:end]
        case 3:
            data[place:place] = data[place:end] * choice.choice((1, 1, 2, 50))
        case 4:
            data[place:end] = choice.choice(TOKENS)
        case 5:
            other = choice.choice(seeds)
            start = choice.randint(0, len(other))
            data[place:end] = other[start : start + choice.choice((4, 40, 400))]
        case _:
            data[place:end] = choice.randbytes(end - place)


def near(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """The same as a strategy, which hypothesis shrinks by its seed, and plain bytes beside."""
    changed = st.randoms(use_true_random=False).map(lambda r: mutated(r, seeds))
    return st.one_of(changed, st.binary(max_size=300))
