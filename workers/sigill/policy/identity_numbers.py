"""
Identity numbers: what kind a number is, and what is wrong with one that cannot be anybody's.

The only place that decides it, for forms, the console, the command line and imports. A register's own messages are
not held to it: what the register has given somebody is that person's number. No message of this module holds a number.

Sources: personnummer and samordningsnummer, folkbokföringslagen (1991:481) 18 and 18 a §§; a co-ordination number has
60 added to the day, and leaves month (00) or day (60) open where the birth date is not known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

from stdnum import luhn

from sigill.policy.calendar import BirthDate
from sigill.policy.effects import Sentence
from sigill.policy.facts import Identity
from sigill_contracts.vocabulary import IdType

_DIGITS = 12
_CENTURIES = ("18", "19", "20")
_OPEN_DAY = 60
"""Added to the day of a co-ordination number; alone, the day is not known."""
_TEST_SERIES = frozenset({"238", "239", *(str(serial) for serial in range(980, 1000))})
"""Serials of the tax agency's test numbers. Invented people have them with a wrong check digit, too: nobody is those."""
_RESERVE = re.compile(r"[0-9A-Za-z]{8,20}")


_EARLIEST_BIRTH = date(1880, 1, 1)


class NumberFault(StrEnum):
    """Why a number cannot be anybody's."""

    CENTURY_MISSING = "century_missing"
    TOO_FEW_DIGITS = "too_few_digits"
    NOT_A_NUMBER = "not_a_number"
    NO_SUCH_DATE = "no_such_date"
    DATE_AHEAD = "date_ahead"
    CHECK_DIGIT = "check_digit"
    CO_ORDINATION_NUMBER = "co_ordination_number"
    PERSONAL_NUMBER = "personal_number"
    RESERVE_NUMBER_SHAPE = "reserve_number_shape"


NUMBER_FAULT: dict[NumberFault, Sentence] = {
    NumberFault.CENTURY_MISSING: Sentence(
        "Numret har tio siffror. Skriv det med sekel, tolv siffror: ÅÅÅÅMMDDNNNN.",
        "The number has ten digits. Write it with its century, twelve digits: YYYYMMDDNNNN.",
    ),
    NumberFault.TOO_FEW_DIGITS: Sentence(
        "Numret har elva siffror: en saknas. Det ska ha tolv: ÅÅÅÅMMDDNNNN.",
        "The number has eleven digits: one is missing. It has twelve: YYYYMMDDNNNN.",
    ),
    NumberFault.NOT_A_NUMBER: Sentence(
        "Ett personnummer eller samordningsnummer har tolv siffror: ÅÅÅÅMMDDNNNN.",
        "A personal identity number or co-ordination number has twelve digits: YYYYMMDDNNNN.",
    ),
    NumberFault.NO_SUCH_DATE: Sentence(
        "Numrets datum finns inte i kalendern.", "The date in the number is not in the calendar."
    ),
    NumberFault.DATE_AHEAD: Sentence(
        "Numrets datum ligger efter beslutets dag.",
        "The date in the number is after the day of the decision.",
    ),
    NumberFault.CHECK_DIGIT: Sentence(
        "Numrets kontrollsiffra stämmer inte. Kontrollera siffrorna.",
        "The number's check digit is wrong. Compare the digits.",
    ),
    NumberFault.CO_ORDINATION_NUMBER: Sentence(
        "Numret är ett samordningsnummer (60 är lagt till dagen). Ange id_type samordningsnummer.",
        "The number is a co-ordination number (60 is added to its day). State id_type samordningsnummer.",
    ),
    NumberFault.PERSONAL_NUMBER: Sentence(
        "Numret är inget samordningsnummer: dagen ska vara 60–91. Ange id_type personnummer om det är ett sådant.",
        "The number is no co-ordination number: its day must be 60–91. State id_type personnummer if it is one.",
    ),
    NumberFault.RESERVE_NUMBER_SHAPE: Sentence(
        "Reservnumret har inte den form som regionen använder.",
        "The reserve number does not have the form that the region uses.",
    ),
}


class NumberError(ValueError):
    """A text is no identity number. `fault` says why; the message never holds the text."""

    def __init__(self, fault: NumberFault) -> None:
        self.fault = fault
        super().__init__(fault.value)

    @property
    def text(self) -> Sentence:
        """The reason in words."""
        return NUMBER_FAULT[self.fault]


@dataclass(frozen=True, slots=True)
class NumberRules:
    """
    What counts as an identity number here.

    `reserve_numbers` holds the regular expression of each region's reserve numbers (reservnummer), by region; a region
    without one takes eight to twenty letters and digits. With `test_numbers` the check digit of the tax agency's test
    series is not looked at: invented people have a wrong one.
    """

    reserve_numbers: Mapping[str, str] = field(default_factory=dict)
    test_numbers: bool = False

    def kind_of(self, number: str, region: str | None = None) -> IdType:
        """
        The kind of a number without separators.

        Twelve digits that begin with a century are a personnummer, or a samordningsnummer when 60 is added to the
        day; a number of a region's own form (`region` None: of any region's), and everything else, is a reserve number.
        """
        own = [p for r, p in self.reserve_numbers.items() if region is None or r == region]
        if any(_compiled(pattern).fullmatch(number) for pattern in own):
            return IdType.RESERVNUMMER
        if len(number) != _DIGITS or not _decimal(number) or not number.startswith(_CENTURIES):
            return IdType.RESERVNUMMER
        return IdType.SAMORDNINGSNUMMER if int(number[6:8]) >= _OPEN_DAY else IdType.PERSONNUMMER

    def fault_of(
        self, id_type: IdType, number: str, *, on: date | None = None, region: str | None = None
    ) -> NumberFault | None:
        """
        Why a number of a kind cannot be anybody's, or None.

        `on` is the Swedish date of the decision: nobody is born after it.
        """
        if id_type is IdType.RESERVNUMMER:
            own = None if region is None else self.reserve_numbers.get(region)
            shape = _RESERVE if own is None else _compiled(own)
            return None if shape.fullmatch(number) else NumberFault.RESERVE_NUMBER_SHAPE
        if len(number) != _DIGITS or not _decimal(number):
            return _length_fault(number)
        day = int(number[6:8])
        if id_type is IdType.PERSONNUMMER and day >= _OPEN_DAY:
            return NumberFault.CO_ORDINATION_NUMBER
        if id_type is IdType.SAMORDNINGSNUMMER and day < _OPEN_DAY:
            return NumberFault.PERSONAL_NUMBER
        earliest = _earliest(number)
        if earliest is None:
            return NumberFault.NO_SUCH_DATE
        if wrong_check_digit(number) and not (self.test_numbers and number[8:11] in _TEST_SERIES):
            return NumberFault.CHECK_DIGIT
        return NumberFault.DATE_AHEAD if on is not None and earliest > on else None

    def read(
        self, text: str, id_type: IdType | None = None, *, on: date | None = None, region: str | None = None
    ) -> Identity:
        """
        The identity that somebody typed or a list holds, with or without hyphen, plus sign and spaces.

        `id_type` None: the number shows it (`kind_of`). Raises NumberError.
        """
        number = compact(text)
        if id_type is None:
            if _decimal(number) and len(number) in (_DIGITS - 2, _DIGITS - 1):
                raise NumberError(_length_fault(number))
            id_type = self.kind_of(number, region)
            if id_type is IdType.RESERVNUMMER and not _RESERVE.fullmatch(number):
                raise NumberError(NumberFault.NOT_A_NUMBER)
        if fault := self.fault_of(id_type, number, on=on, region=region):
            raise NumberError(fault)
        return Identity(id_type, number)


def wrong_check_digit(number: str) -> bool:
    """Whether the last of twelve digits does not fit the nine before it (Luhn, mod 10)."""
    return not luhn.is_valid(number[2:])


def same_but_check_digit(number: str) -> tuple[str, ...]:
    """The nine numbers that differ from a number in the last digit alone."""
    return tuple(number[:-1] + digit for digit in "0123456789" if digit != number[-1])


def compact(text: str) -> str:
    """A number as messages write it: without hyphen, plus sign and spaces, letters in upper case."""
    return re.sub(r"[\s+–-]", "", text).upper()


def birth_by_number(identity: Identity, today: date) -> BirthDate:
    """
    Read the birth date from an identity number, until the register tells it.

    A co-ordination number (samordningsnummer) has 60 added to the day, and may leave month or day open (00, 60).
    Where the number says nothing the bounds are as wide as can be: every effect then takes the one that shows less.
    """
    unknown = BirthDate(_EARLIEST_BIRTH, max(today, _EARLIEST_BIRTH))
    digits = identity.number
    if identity.id_type is IdType.RESERVNUMMER or len(digits) != 12 or not digits.isdecimal():
        return unknown
    year, month, day = digits[:4], digits[4:6], int(digits[6:8])
    if identity.id_type is IdType.SAMORDNINGSNUMMER:
        day -= 60
    try:
        if month == "00":
            return BirthDate.parse(year)
        return BirthDate.parse(f"{year}-{month}" if day == 0 else f"{year}-{month}-{day:02d}")
    except ValueError:
        return unknown


def _earliest(number: str) -> date | None:
    """The first day that the number's date may be; None: there is no such date."""
    year, month, day = int(number[:4]), int(number[4:6]), int(number[6:8]) % _OPEN_DAY
    co_ordination = int(number[6:8]) >= _OPEN_DAY
    if not number.startswith(_CENTURIES):
        return None
    if co_ordination and month == 0:
        return date(year, 1, 1) if day <= 31 else None
    if co_ordination and day == 0:
        day = 1
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _length_fault(number: str) -> NumberFault:
    if _decimal(number):
        return {
            _DIGITS - 2: NumberFault.CENTURY_MISSING,
            _DIGITS - 1: NumberFault.TOO_FEW_DIGITS,
        }.get(len(number), NumberFault.NOT_A_NUMBER)
    return NumberFault.NOT_A_NUMBER


def _decimal(text: str) -> bool:
    return text.isascii() and text.isdecimal()


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
