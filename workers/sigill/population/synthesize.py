"""
An invented population, written as the register file that `sigill population load` reads.

Nobody in it can be real: every number's check digit is wrong on purpose. The same (persons, seed, date) gives the same
file, whatever number of processes made it.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigill.population.draws import bell, uniform
from sigill.population.files import PartWriter, compress
from sigill.population.pyramid import (
    BOTH,
    CO_ORDINATION,
    DEAD_BELOW_65,
    DEAD_FROM_65,
    E_ID_FROM,
    E_ID_SHARE,
    EMIGRATED,
    FATHER,
    MOTHER,
    PARTIAL_BIRTH,
    PARTIAL_BIRTH_CO_ORDINATION,
    PROTECTED_REGISTRATION,
    RESERVE,
    RESIDENTS,
    SECRECY_MARK,
    Pyramid,
    pyramid,
)
from sigill.population.records import HEADER

BLOCK = 1 << 17
Text = NDArray[np.bytes_]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

# the questions that are drawn for each person
(_COUNTY, _KIND, _SECRECY, _DEAD, _EMIGRATED, _E_ID, _CHANGED, _PARTIAL, _LEVEL, _SEQUENCE, _CUSTODY, _MOTHER_AGE,
 _MOTHER, _FATHER_AGE, _FATHER, _ENDED, _GIVEN, _FAMILY, _FORMER) = range(19)  # fmt: skip

_GIVEN_NAMES = np.array("Prov Test Exempel Påhitt Skiss Utkast Mall Modell".encode().split())
_FAMILY_NAMES = np.array(
    "Provsson Testberg Exempelström Påhittlund Skissgren Utkastdal Mallqvist".encode().split()
)


@dataclass(frozen=True)
class Recipe:
    """What a population is made from. `on`: the Swedish date at which the register stands."""

    persons: int
    seed: int
    on: date
    names: bool = False


class _Town:
    """A recipe with its tables, able to say anything about any place."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.pyramid: Pyramid = pyramid(recipe.persons, recipe.on)
        first = self.pyramid.first
        self.today = len(self.pyramid.starts) - 2
        days = [first + timedelta(days=d) for d in range(self.today + 1)]
        self.dates = np.array([d.isoformat() for d in days], "S10")
        self.stems = np.array([f"{d:%Y%m%d}" for d in days], "S8")
        self.co_stems = np.array([f"{d:%Y%m}{d.day + 60}" for d in days], "S8")
        self.years = np.array([d.year for d in days])
        weights = np.cumsum(list(RESIDENTS.values()))
        self.county_codes = np.array(list(RESIDENTS), "S2")
        self.county_bounds = weights / weights[-1]

    def draw(self, question: int, places: Int) -> NDArray[np.float64]:
        return uniform(self.recipe.seed, question, places)

    def female(self, places: Int) -> Bool:
        """Whether a place is a woman's: every other one is."""
        found: Bool = places % 2 == 0
        return found

    def grown(self, days: Int) -> Bool:
        """Whether those born on the days are of age, give or take a leap day."""
        found: Bool = days <= self.today - round(18 * 365.25)
        return found

    def kinds(self, places: Int) -> Int:
        """Return the kind of number: 1 personnummer, 2 samordningsnummer, 3 reservnummer."""
        draw = self.draw(_KIND, places)
        return np.where(draw < RESERVE, 3, np.where(draw < RESERVE + CO_ORDINATION, 2, 1))

    def numbers(self, places: Int) -> Text:
        """Return the identity numbers. Each differs from all others, and its check digit is wrong."""
        days, kinds = self.pyramid.day_of(places), self.kinds(places)
        k = places - self.pyramid.starts[days]
        # the third digit of the serial number is even for women; places alternate
        serial = (k // 2 * 2 + np.where(self.female(places), 0, 1)) % 1000
        stems = np.where(kinds == 2, self.co_stems[days], self.stems[days])
        digits = _joined(stems, _table(1000, 3)[serial])
        check = (_check_digit(digits) + 1 + k // 1000) % 10
        numbers = _joined(digits, _table(10, 1)[check])
        reserve = kinds == 3
        if reserve.any():
            numbers[reserve] = [b"R%011d" % place for place in places[reserve]]
        return numbers

    def dead(self, places: Int, days: Int) -> Bool:
        old = days <= self.today - 65 * 365
        found: Bool = self.draw(_DEAD, places) < np.where(old, DEAD_FROM_65, DEAD_BELOW_65)
        return found

    def mothers(self, places: Int, days: Int) -> Int:
        """Return the mothers' places."""
        seed = self.recipe.seed
        years = np.clip(30.5 + 5.0 * bell(seed, _MOTHER_AGE, places), 17, 46)
        found = self.pyramid.somebody_born(
            days - (years * 365.25).astype(np.int64), self.draw(_MOTHER, places)
        )
        woman: Int = found - found % 2
        return woman

    def fathers(self, mothers: Int) -> Int:
        """Return the father of each mother's children: brothers and sisters have the same."""
        years = np.clip(2.5 + 4.0 * bell(self.recipe.seed, _FATHER_AGE, mothers), -6, 25)
        target = self.pyramid.day_of(mothers) - (years * 365.25).astype(np.int64)
        target = np.minimum(target, self.today - round(17 * 365.25))
        found = self.pyramid.somebody_born(target, self.draw(_FATHER, mothers))
        man: Int = np.minimum(found - found % 2 + 1, self.pyramid.persons - 1)
        return man


def _joined(*columns: Text) -> Text:
    """Put columns of fixed width side by side."""
    parts = [np.ascontiguousarray(c).view(np.uint8).reshape(len(c), -1) for c in columns]
    together = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return together.view(f"S{together.shape[1]}").ravel()


@cache
def _table(count: int, width: int) -> Text:
    return np.array([b"%0*d" % (width, n) for n in range(count)], f"S{width}")


def _check_digit(eleven: Text) -> Int:
    """Return the right check digit (Luhn) of numbers of eleven digits; the century does not count."""
    digits = eleven.view(np.uint8).reshape(len(eleven), -1)[:, 2:].astype(np.int64) - ord("0")
    doubled = digits * np.array([2, 1] * 4 + [2])
    total = (doubled // 10 + doubled % 10).sum(axis=1)
    check: Int = (10 - total % 10) % 10
    return check


def _custody(town: _Town, places: Int, days: Int, changed: Text) -> tuple[Text, Int]:
    """Return what stands under custody, and the place whose county each person lives in: a child's mother's."""
    text = np.full(len(places), b"", "S128")
    lives_with = places.copy()
    child = ~town.grown(days)
    if not child.any():
        return text, lives_with
    who, born = places[child], days[child]
    mother = town.mothers(who, born)
    father = town.fathers(mother)
    lives_with[child] = mother
    draw = town.draw(_CUSTODY, who)
    has_mother = (draw < BOTH + MOTHER) & ~town.dead(mother, town.pyramid.day_of(mother))
    has_father = (draw < BOTH) | ((draw >= BOTH + MOTHER) & (draw < BOTH + MOTHER + FATHER))
    has_father &= ~town.dead(father, town.pyramid.day_of(father))
    # in a very small population the nearest birth day may be the child's own
    has_mother &= mother < who
    has_father &= (father < who) & (father != mother)
    ended = has_mother & has_father & (town.draw(_ENDED, who) < 0.01)
    nobody = ~has_mother & ~has_father & (town.draw(_ENDED, who) < 0.5)
    since = town.dates[born]
    of_mother = _joined(_entry(town, mother), since, _all(b":", who))
    of_father = _joined(
        _entry(town, father), since, _all(b":", who), np.where(ended, changed[child], b"").astype("S10")
    )
    parts = [
        np.where(has_mother, of_mother, b""),
        np.where(has_mother & has_father, b";", b""),
        np.where(has_father, of_father, b""),
        np.where(nobody, _joined(_all(b"::", who), since, _all(b":", who)), b""),
    ]
    text[child] = _joined(*parts)  # the padding between the parts goes with all other padding
    return text, lives_with


def _entry(town: _Town, places: Int) -> Text:
    kinds = np.array([b"", b"personnummer:", b"samordningsnummer:", b"reservnummer:"])[town.kinds(places)]
    return _joined(kinds, town.numbers(places), _all(b":", places))


def _all(text: bytes, like: Int) -> Text:
    return np.full(len(like), text)


def _births(town: _Town, days: Int, kinds: Int, draw: NDArray[np.float64]) -> Text:
    """Return birth dates: some of them only a year, or a year and a month."""
    born = town.dates[days].copy()
    share = np.where(kinds == 2, PARTIAL_BIRTH_CO_ORDINATION, PARTIAL_BIRTH)
    for part, width in ((draw < share, 7), (draw < share / 2, 4)):
        born[part] = born[part].astype(f"S{width}")
    return born


def _choice(draw: NDArray[np.float64], bounds: list[float], words: list[bytes]) -> Text:
    return np.array(words)[np.searchsorted(bounds, draw, side="right")]


def rows(town: _Town, first: int, end: int) -> bytes:
    """Return the lines of the places from `first` until `end`, exclusive."""
    places = np.arange(first, end, dtype=np.int64)
    days, kinds = town.pyramid.day_of(places), town.kinds(places)
    age = (town.today - days) / 365.25
    co_ordination = kinds == 2

    since = np.maximum(days, town.today - 3650)
    changed_day = since + (town.draw(_CHANGED, places) * (town.today - since)).astype(np.int64)
    changed = town.dates[changed_day]
    dead = town.dead(places, days)
    emigrated = ~dead & town.grown(days) & (town.draw(_EMIGRATED, places) < EMIGRATED)
    custody, lives_with = _custody(town, places, days, changed)
    county = town.county_codes[
        np.searchsorted(town.county_bounds, town.draw(_COUNTY, lives_with), side="right")
    ]

    hidden = np.minimum(
        town.draw(_SECRECY, places) * np.where(town.grown(days), 1, 8), town.draw(_SECRECY, lives_with)
    )
    mark = hidden < SECRECY_MARK
    registration = ~mark & (hidden < SECRECY_MARK + PROTECTED_REGISTRATION)
    share = E_ID_SHARE[np.searchsorted(E_ID_FROM, age, side="right") - 1]
    share = np.where(co_ordination, share * 0.35, np.where(kinds == 3, 0.0, share))
    e_id = town.draw(_E_ID, places) < share

    level = town.draw(_LEVEL, places)
    columns: list[Text] = [
        np.array([b"", b"personnummer", b"samordningsnummer", b"reservnummer"])[kinds],
        town.numbers(places),
        _table(10, 1)[(town.draw(_SEQUENCE, places) * 9).astype(np.int64) + 1],
        _joined(changed, _all(b"T00:00:00Z", places)),
        _births(town, days, kinds, town.draw(_PARTIAL, places)),
        *_names(town, places),
        np.where(emigrated, b"", county),
        np.where(mark, b"t", b"f"),
        np.where(registration, b"t", b"f"),
        np.where(e_id, b"t", b"f"),
        np.where(dead, b"death", np.where(emigrated, b"emigration", b"")),
        np.where(dead | emigrated, changed, b""),
        np.where(co_ordination, _choice(level, [0.8], [b"AKTIVT", b"VILANDEFORKLARAT"]), b""),
        np.where(co_ordination, _choice(level, [0.6, 0.85], [b"STYRKT", b"SANNOLIK", b"OSAKER"]), b""),
        _former(town, places, kinds),
        custody,
    ]
    comma, line = _all(b",", places), _all(b"\n", places)
    table = _joined(*(part for column in columns for part in (column, comma)))
    matrix = table.view(np.uint8).reshape(len(places), -1)
    matrix = np.concatenate([matrix[:, :-1], line.view(np.uint8).reshape(len(places), 1)], axis=1)
    flat = matrix.ravel()
    text: bytes = flat[flat != 0].tobytes()
    return text


def _names(town: _Town, places: Int) -> list[Text]:
    if not town.recipe.names:
        return [_all(b"", places).astype("S1")] * 2
    given = (town.draw(_GIVEN, places) * len(_GIVEN_NAMES)).astype(np.int64)
    family = (town.draw(_FAMILY, places) * len(_FAMILY_NAMES)).astype(np.int64)
    return [_GIVEN_NAMES[given], _FAMILY_NAMES[family]]


def _former(town: _Town, places: Int, kinds: Int) -> Text:
    """A few who immigrated had a reserve number before."""
    text = np.full(len(places), b"", "S32")
    had = (kinds == 1) & (town.draw(_FORMER, places) < 0.0005)
    text[had] = [b"reservnummer:F%011d" % place for place in places[had]]
    return text


@cache
def _town(recipe: Recipe) -> _Town:
    return _Town(recipe)


def _part(task: tuple[Recipe, int, int, str]) -> tuple[int, bytes]:
    recipe, first, end, packing = task
    text = rows(_town(recipe), first, end)
    if first == 0 or packing == "folder":
        text = HEADER + text
    return end - first, compress(text, packing)


def synthesize(recipe: Recipe, out: Path, *, processes: int = 2) -> Iterator[int]:
    """
    Write the register file; yields how many persons were added, part by part.

    `out` ends in `.csv`, `.csv.gz` or `.csv.zst`; anything else is a folder, which gets one file a part.
    """
    with PartWriter(out) as writer:
        tasks = [
            (recipe, first, min(first + BLOCK, recipe.persons), writer.packing)
            for first in range(0, recipe.persons, BLOCK)
        ]
        if processes == 1 or len(tasks) == 1:
            for done, content in map(_part, tasks):
                writer.add(content)
                yield done
            return
        with ProcessPoolExecutor(processes) as pool:
            for done, content in pool.map(_part, tasks):
                writer.add(content)
                yield done
