"""
A line of a register file: the columns, what can be read of one, and its rows for the store.

The columns are `sigill_contracts.register.PersonRecord`'s fields. A custody is `id_type:id:from:to`, several by semicolons;
a former number `id_type:id`. Flags are `t` and `f`. Empty is missing.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache

from sigill.judgement.transitions import next_milestone
from sigill.policy.calendar import BirthDate, swedish_date
from sigill.policy.facts import Person, PersonVersion
from sigill.policy.rulebook import Rulebooks
from sigill.register.person_update import PersonUpdate, read_person_members
from sigill.store.values import ID_TYPE_NUMBER, identity_of
from sigill_contracts.base import open_ended
from sigill_contracts.vocabulary import PersonId

COLUMNS = (
    "id_type", "id", "sequence", "changed_at", "birth_date", "given", "family", "county", "secrecy_mark",
    "protected_registration", "has_e_id", "deregistration", "deregistration_date", "coordination_status",
    "identity_level", "former_ids", "custody",
)  # fmt: skip
HEADER = (",".join(COLUMNS) + "\n").encode()
WIDTH = len(COLUMNS)

KINDS: dict[str, int] = {str(kind): number for kind, number in ID_TYPE_NUMBER.items()}
_FLAGS = frozenset("tf")
_NUMBER = re.compile(r"[0-9A-Za-z]{8,20}")
_LOST = re.compile("[\x00\ufffd]")
"""What a name cannot hold, and what stands for bytes that are no UTF-8."""
_COUNTY = re.compile(r"(\d\d)?")
_STATUS = frozenset(
    {"", "AKTIVT", "VILANDEFORKLARAT", "VILANDEFORKLARAT_STANGT", "AVREGISTRERAT", "EJ_AKTUELLT"}
)
_LEVEL = frozenset({"", "STYRKT", "SANNOLIK", "OSAKER", "INTE_TILLAMPLIG"})
Fields = Sequence[str]


def fields_of(line: str) -> list[str]:
    """
    Read the fields of one line, without its end. A quote that is never closed is a character like any other: it takes no
    other line with it.
    """
    if '"' not in line:
        return line.split(",")
    try:
        fields = next(csv.reader([line]), [])
    except csv.Error:
        fields = []
    return fields if len(fields) == WIDTH else line.split(",")


def read_line(fields: Fields, known_at: datetime) -> PersonUpdate:
    """
    Read a line as the register's message that says the same would be read, `known_at` being when it was known at the
    latest (UTC): what can be read counts, the rest is set aside.

    Raises ValueError for a line of another width, and NobodyNamed, one too, where person or sequence cannot be read.
    """
    return read_person_members(members_of(fields), known_at)


def plainly_right(fields: Fields, known_at: datetime) -> bool:
    """Whether a line is certainly in order as a whole. One that is not may still be: `read_line` decides."""
    if len(fields) != WIDTH:
        return False
    (id_type, number, sequence, changed_at, birth_date, given, family, county, mark, registration, e_id, gone,
     gone_on, status, level, former, custody) = fields  # fmt: skip
    changed, birth = _changed(changed_at, known_at), bounds(birth_date)
    return (
        changed is not None
        and birth is not None
        and birth[0] <= changed
        and id_type in KINDS
        and _NUMBER.fullmatch(number) is not None
        and len(sequence) < 10
        and sequence.isascii()
        and sequence.isdecimal()
        and _COUNTY.fullmatch(county) is not None
        and {mark, registration, e_id} <= _FLAGS
        and (
            not gone_on if not gone else gone in ("death", "emigration") and birth[0] <= (_day(gone_on) or "")
        )
        and status in _STATUS
        and level in _LEVEL
        and not former
        and (not custody or _custody_right(custody, number))
        and (not given) == (not family)
        and len(given) < 100
        and len(family) < 100
        and not _LOST.search(given + family)
    )


def _custody_right(text: str, own: str) -> bool:
    parts = [part.split(":") for part in text.split(";")]
    if len(parts) > 20 or any(len(part) != 4 for part in parts):
        return False
    for id_type, number, since, until in parts:
        named = id_type in KINDS and _NUMBER.fullmatch(number) is not None and number != own
        unnamed = not id_type and not number
        days = all(day == "" or _day(day) for day in (since, until))
        if not (named or unnamed) or not days or (since and until and until < since):
            return False
    return True


def custody_of(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Read the custody column of a line that is plainly right: kind and number of the guardian, from, to."""
    for part in text.split(";"):
        id_type, number, since, until = part.split(":")
        yield id_type, number, since, until


def members_of(fields: Fields) -> dict[str, object]:
    """The members of the register's message that says what a line says. Raises ValueError for another width."""
    of = dict(zip(COLUMNS, fields, strict=True))
    members: dict[str, object] = {
        name: of[name] or None
        for name in ("sequence", "changed_at", "birth_date", "county", "secrecy_mark", "protected_registration",
                     "has_e_id", "coordination_status", "identity_level")
    }  # fmt: skip
    if of["sequence"].isascii() and of["sequence"].isdecimal() and len(of["sequence"]) < 20:
        members["sequence"] = int(of["sequence"])
    members["person"] = _person(of["id_type"], of["id"])
    members["custody"] = [_custody(part) for part in of["custody"].split(";")] if of["custody"] else None
    members["former_ids"] = (
        [_former(part) for part in of["former_ids"].split(";")] if of["former_ids"] else None
    )
    if of["given"] or of["family"]:
        members["name"] = {"given": of["given"], "family": of["family"]}
    if of["deregistration"] or of["deregistration_date"]:
        members["deregistration"] = {
            "reason": of["deregistration"],
            "date": of["deregistration_date"] or None,
        }
    return members


def _person(id_type: str, number: str) -> dict[str, str] | None:
    return {"id_type": id_type, "id": number} if id_type or number else None


def _custody(text: str) -> object:
    """A custody of a message. Where only the two days are missing, or one, there are none; more parts are unknown."""
    parts = text.split(":")
    if not 2 <= len(parts) <= 4:
        return text
    id_type, number, since, until = (*parts, "", "")[:4]
    return {"guardian": _person(id_type, number), "from_date": since or None, "to_date": until or None}


def _former(text: str) -> object:
    id_type, _, number = text.partition(":")
    return _person(id_type, number)


@lru_cache(maxsize=65536)
def bounds(birth_date: str) -> tuple[str, str] | None:
    """Return the earliest and the latest birth date, as ISO dates; None for a text that is no birth date."""
    if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", birth_date):
        return None
    try:
        birth = BirthDate.parse(birth_date)
    except ValueError:
        return None
    if open_ended(birth.earliest) is None:
        return None
    return birth.earliest.isoformat(), birth.latest.isoformat()


@lru_cache(maxsize=65536)
def _changed(text: str, known_at: datetime) -> str | None:
    """Return the Swedish date of a moment; None for a text that is no moment with a zone, or a later one."""
    try:
        changed = datetime.fromisoformat(text)
        return swedish_date(changed).isoformat() if changed <= known_at else None
    except (ValueError, TypeError, OverflowError):
        return None


@lru_cache(maxsize=65536)
def _day(text: str) -> str | None:
    """Return a day as it was written; None for a text that is none, and for the ends of time."""
    try:
        day = open_ended(date.fromisoformat(text)) if len(text) == 10 else None
        return None if day is None else day.isoformat()
    except ValueError:
        return None


class Milestones:
    """
    The next birthday timer of a line, by the same rule as for a message of the register.

    It depends on the birth date and the region alone, so that each pair is asked once.
    """

    def __init__(self, books: Rulebooks, after: datetime) -> None:
        self._books = books
        self._after = after
        self._regions: dict[str, dict[str, tuple[str, str, str]]] = {}
        self._by_county: dict[str, dict[str, tuple[str, str, str]]] = {}

    def of(self, birth_date: str, county: str) -> tuple[str, str, str]:
        """Return kind, moment and region of the timer, for COPY; empty texts: there is none."""
        known = self._by_county.get(county)
        if known is None:
            region = self._books.region_of_county(county) or ""
            known = self._by_county[county] = self._regions.setdefault(region, {})
        found = known.get(birth_date)
        if found is None:
            found = known[birth_date] = self.of_birth(BirthDate.parse(birth_date), county)
        return found

    def of_birth(self, birth: BirthDate, county: str) -> tuple[str, str, str]:
        """Return what `of` does, for a birth date that is read already."""
        version = PersonVersion(self._after, identity_of(1, ""), county=county or None)
        person = Person(PersonId("0"), "", birth, (version,))
        timer = next_milestone(person, self._books, self._after)
        return ("", "", "") if timer is None else (str(timer.kind), timer.due_at.isoformat(), timer.region)
