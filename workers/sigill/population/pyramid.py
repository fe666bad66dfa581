"""
How Sweden's residents are spread: over birth days, counties, kinds of numbers, custody and e-IDs.

Round figures after Statistics Sweden's published tables of population by age and county; shares that nobody publishes
are guesses of the right size, and marked so.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sigill.policy.counties import COUNTIES

_BANDS = (  # thousands, five years each, from 0–4 up to 100–104
    540, 600, 625, 620, 590, 650, 755, 730, 660, 640, 665, 670, 595, 545, 510, 495, 340, 180, 75, 20, 2,
)  # fmt: skip
_YEARS = 5 * len(_BANDS)

_RESIDENTS = {  # thousands by county
    "Stockholm": 2460, "Uppsala": 405, "Södermanland": 302, "Östergötland": 472, "Jönköping": 369, "Kronoberg": 203,
    "Kalmar": 247, "Gotland": 61, "Blekinge": 158, "Skåne": 1425, "Halland": 344, "Västra Götaland": 1770,
    "Värmland": 283, "Örebro": 308, "Västmanland": 281, "Dalarna": 288, "Gävleborg": 285, "Västernorrland": 243,
    "Jämtland": 132, "Västerbotten": 280, "Norrbotten": 248,
}  # fmt: skip

RESIDENTS: dict[str, int] = {code: _RESIDENTS[name] for code, name in COUNTIES.items()}
"""Thousands of residents by county code."""

# first age of each step, share that has an e-ID (a guess after the issuers' own figures)
E_ID_FROM = np.array([0, 8, 13, 16, 18, 65, 75, 85])
E_ID_SHARE = np.array([0.0, 0.06, 0.75, 0.93, 0.985, 0.93, 0.75, 0.40])

CO_ORDINATION = 0.01
RESERVE = 0.00005
SECRECY_MARK = 0.0016  # sekretessmarkering
PROTECTED_REGISTRATION = 0.0004  # skyddad folkbokföring
EMIGRATED = 0.012
DEAD_BELOW_65, DEAD_FROM_65 = 0.001, 0.03
PARTIAL_BIRTH, PARTIAL_BIRTH_CO_ORDINATION = 0.0001, 0.06

# custody of those under 18: both parents, the mother, the father; the rest: nobody, or somebody unnamed
BOTH, MOTHER, FATHER = 0.905, 0.077, 0.014


@dataclass(frozen=True)
class Pyramid:
    """
    A population's birth days. Persons stand in order of age, the oldest first: place 0 is the oldest.

    `starts[d]` is the place of the first person born `d` days after `first`; the last element is the size.
    """

    first: date
    on: date
    starts: NDArray[np.int64]

    @property
    def persons(self) -> int:
        """How many there are."""
        return int(self.starts[-1])

    def day_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the birth days of places, in days after `first`."""
        return np.searchsorted(self.starts, places, side="right") - 1

    def somebody_born(self, days: NDArray[np.int64], draw: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return a place of somebody born on each day, or close before it."""
        days = np.clip(days, 0, len(self.starts) - 2)
        start, end = self.starts[days], self.starts[days + 1]
        return np.clip(start + (draw * (end - start)).astype(np.int64), 0, self.persons - 1)


def pyramid(persons: int, on: date) -> Pyramid:
    """Spread `persons` over the birth days up to and including `on`, 29 February among them."""
    first = date(on.year - _YEARS, on.month, min(on.day, 28))
    days = (on - first).days + 1
    age = (days - 1 - np.arange(days)) / 365.25
    middles = np.arange(len(_BANDS)) * 5 + 2.5
    weight = np.interp(age, middles, _BANDS)
    # more are born in spring than in late autumn
    yearday = np.array([(first + timedelta(days=int(d))).timetuple().tm_yday for d in range(days)])
    weight = weight * (1 + 0.08 * np.sin((yearday - 20) / 365.25 * 2 * np.pi))
    starts = np.zeros(days + 1, np.int64)
    starts[1:] = np.rint(np.cumsum(weight) / weight.sum() * persons).astype(np.int64)
    return Pyramid(first, on, starts)
