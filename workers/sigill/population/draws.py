"""
Random numbers by place: the draw of a person and a question depends on the seed, the person's place and the question.

So any part of a population can be made alone, in any order and by any number of processes, and comes out the same.
"""

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Draws = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_INTO_UNIT = 1.0 / (1 << 53)


def uniform(seed: int, question: int, places: Places) -> Draws:
    """
    Draw from [0, 1), one number for each place.

    The mixing function of SplitMix64 (Steele, Lea, Flood, 2014), over a counter; no cryptography.
    """
    start = np.uint64((seed * 1_000_003 + question * 7919 + 1) % (1 << 64))
    with np.errstate(over="ignore"):
        z = _mixed(_mixed(np.array([start], np.uint64)) + places.astype(np.uint64) * _GOLDEN)
    return (z >> np.uint64(11)).astype(np.float64) * _INTO_UNIT


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z + _GOLDEN).astype(np.uint64)
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))


def bell(seed: int, question: int, places: Places) -> Draws:
    """Draw from about the normal distribution (mean 0, deviation 1, never beyond 3.5), one number for each place."""
    total = np.zeros(len(places))
    for part in range(4):
        total += uniform(seed, question * 16 + part, places)
    found: Draws = np.clip((total - 2.0) * np.sqrt(3.0), -3.5, 3.5)
    return found
