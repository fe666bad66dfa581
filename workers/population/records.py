"""
A line of a register file: the columns, what makes one believable, and its rows for the store.

The columns are `contracts.register.PersonRecord`'s fields. A custody is `id_type:id:from:to`, several by semicolons;
a former number `id_type:id`. Flags are `t` and `f`. Empty is missing.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache

from pydantic import ValidationError

from contracts.register import PersonRecord
from contracts.vocabulary import IdType, PersonId
from workers.policy.calendar import BirthDate, swedish_date
from workers.policy.facts import Identity, Person, PersonVersion
from workers.policy.rulebook import Rulebooks
from workers.policy.transitions import next_milestone
from workers.register.reading import contradictions
from workers.store.values import ID_TYPE_NUMBER, identity_of

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
_COUNTY = re.compile(r"(\d\d)?")
_STATUS = frozenset(
    {"", "AKTIVT", "VILANDEFORKLARAT", "VILANDEFORKLARAT_STANGT", "AVREGISTRERAT", "EJ_AKTUELLT"}
)
_LEVEL = frozenset({"", "STYRKT", "SANNOLIK", "OSAKER", "INTE_TILLAMPLIG"})
Fields = Sequence[str]


def faults_of(fields: Fields) -> tuple[str, ...]:
    """
    Say why a line cannot be believed, by field names only; empty: it can.

    What a message of the register would be parked for refuses a line too.
    """
    if plainly_right(fields):
        return ()
    try:
        record = _record(fields)
    except ValidationError as error:
        return tuple(dict.fromkeys(".".join(str(part) for part in e["loc"]) for e in error.errors()))
    except ValueError:
        return ("line",)
    return contradictions(record)


def plainly_right(fields: Fields) -> bool:
    """Whether a line is certainly in order. One that is not may still be: the contract's own model decides."""
    if len(fields) != WIDTH:
        return False
    (id_type, number, sequence, changed_at, birth_date, given, family, county, mark, registration, e_id, gone,
     gone_on, status, level, former, custody) = fields  # fmt: skip
    changed, birth = _changed(changed_at), bounds(birth_date)
    return (
        changed is not None
        and birth is not None
        and birth[0] <= changed
        and id_type in KINDS
        and _NUMBER.fullmatch(number) is not None
        and len(sequence) < 10
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
    """Read the custody column: kind and number of the guardian, from, to. Raises ValueError."""
    for part in text.split(";"):
        id_type, number, since, until = part.split(":")
        yield id_type, number, since, until


def former_of(text: str) -> Iterator[Identity]:
    """Read the column of former numbers. Raises ValueError."""
    for part in text.split(";"):
        id_type, number = part.split(":")
        yield Identity(IdType(id_type), number)


def _record(fields: Fields) -> PersonRecord:
    """Read a line as the register's message would say it. Raises ValueError."""
    of = dict(zip(COLUMNS, fields, strict=True))
    raw: dict[str, object] = {
        "person": {"id_type": of["id_type"], "id": of["id"]},
        "sequence": int(of["sequence"]),
        "changed_at": of["changed_at"],
        "birth_date": of["birth_date"],
        "county": of["county"] or None,
        **{flag: _flag(of[flag]) for flag in ("secrecy_mark", "protected_registration", "has_e_id")},
        "coordination_status": of["coordination_status"] or None,
        "identity_level": of["identity_level"] or None,
        "custody": [
            {
                "guardian": {"id_type": kind, "id": number} if kind or number else None,
                "from_date": since or None,
                "to_date": until or None,
            }
            for kind, number, since, until in (custody_of(of["custody"]) if of["custody"] else ())
        ],
        "former_ids": [
            {"id_type": str(one.id_type), "id": one.number}
            for one in (former_of(of["former_ids"]) if of["former_ids"] else ())
        ],
    }
    if of["given"] or of["family"]:
        raw["name"] = {"given": of["given"], "family": of["family"]}
    if of["deregistration"] or of["deregistration_date"]:
        raw["deregistration"] = {"reason": of["deregistration"], "date": of["deregistration_date"]}
    return PersonRecord.model_validate_json(json.dumps(raw))


def _flag(text: str) -> bool:
    return {"t": True, "f": False}[text] if text in _FLAGS else _refuse()


def _refuse() -> bool:
    raise ValueError("a flag is t or f")


@lru_cache(maxsize=65536)
def bounds(birth_date: str) -> tuple[str, str] | None:
    """Return the earliest and the latest birth date, as ISO dates; None for a text that is no birth date."""
    if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", birth_date):
        return None
    try:
        birth = BirthDate.parse(birth_date)
    except ValueError:
        return None
    return birth.earliest.isoformat(), birth.latest.isoformat()


@lru_cache(maxsize=65536)
def _changed(text: str) -> str | None:
    """Return the Swedish date of a moment; None for a text that is no moment with a zone."""
    try:
        return swedish_date(datetime.fromisoformat(text)).isoformat()
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def _day(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
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
            found = known[birth_date] = self._ask(birth_date, county)
        return found

    def _ask(self, birth_date: str, county: str) -> tuple[str, str, str]:
        version = PersonVersion(self._after, identity_of(1, ""), county=county or None)
        person = Person(PersonId("0"), "", BirthDate.parse(birth_date), (version,))
        timer = next_milestone(person, self._books, self._after)
        return ("", "", "") if timer is None else (str(timer.kind), timer.due_at.isoformat(), timer.region)
