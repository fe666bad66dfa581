"""A list of measures as a support desk keeps it: read from CSV or Excel, each cell as a value or as a fault.

A list may be saved by Excel in Sweden: semicolons, a byte order mark, or Windows-1252. Headings are English or Swedish.
Nothing is guessed about who it is about: a row whose measure or patient cannot be read has no reading at all.
"""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from sigill.policy.identity_numbers import NumberError, NumberFault, NumberRules, compact
from sigill_contracts.order import HsaIdText, PersonRef, Units
from sigill_contracts.vocabulary import IdType, Initiative, MeasureKind

T = TypeVar("T")

HEADINGS: dict[str, str] = {
    "kind": "åtgärd",
    "patient": "personnummer",
    "id_type": "id-typ",
    "guardians": "vårdnadshavare",
    "representative": "ombud",
    "units": "enheter",
    "recorded_from": "uppgifter från",
    "recorded_to": "uppgifter till",
    "valid_from": "gäller från",
    "valid_through": "gäller till och med",
    "decided_on": "beslutsdatum",
    "unit": "beslutande enhet",
    "initiative": "initiativ",
    "reported": "anmält",
    "inform_guardians": "informera vårdnadshavare",
    "inform_patient": "informera patient",
    "court_order": "domstolsbeslut",
    "review_on": "omprövning",
    "note": "anteckning",
}
"""The columns, with their Swedish headings. `kind` and `patient` are needed; the others may be left out."""

KINDS: dict[str, MeasureKind] = {
    "försegling": MeasureKind.JOURNAL_SEAL,
    "låsning": MeasureKind.LOGIN_LOCK,
    "blockering": MeasureKind.GUARDIAN_BLOCK,
    "försegling barn": MeasureKind.CHILD_SEAL,
    "undantag": MeasureKind.GUARDIAN_RESTRICTION,
    "direktåtkomst vårdnadshavare": MeasureKind.GUARDIAN_GRANT,
    "direktåtkomst minderårig": MeasureKind.MINOR_GRANT,
    "ombud": MeasureKind.REPRESENTATIVE_GRANT,
    **{str(kind): kind for kind in MeasureKind},
}
"""What a list may call a measure."""

INITIATIVES: dict[str, Initiative] = {
    "invånare": Initiative.RESIDENT,
    "patient": Initiative.RESIDENT,
    "vårdnadshavare": Initiative.GUARDIAN,
    "barn": Initiative.CHILD,
    "ombud": Initiative.REPRESENTATIVE,
    "vård": Initiative.CARE,
    "vården": Initiative.CARE,
    **{str(initiative): initiative for initiative in Initiative if initiative is not Initiative.REGISTER},
}
_YES_NO = {
    "ja": True,
    "yes": True,
    "j": True,
    "x": True,
    "1": True,
    "nej": False,
    "no": False,
    "n": False,
    "0": False,
}
_HSA = TypeAdapter[str](HsaIdText)
_UNITS = TypeAdapter[tuple[str, ...]](Units)
_GUARDIANS = TypeAdapter[tuple[PersonRef, ...]](
    Annotated[tuple[PersonRef, ...], Field(min_length=1, max_length=20)]
)
_NUMBERS = NumberRules()
_NOTE_LENGTH = 4000
LARGEST_BYTES = 64 * 1024 * 1024
LARGEST_UNPACKED = 256 * 1024 * 1024
MOST_PARTS = 1000
MOST_LINES = 200_000
MOST_COLUMNS = 100


class WrongList(Exception):
    """The file is no list that can be read. The message says what and where, and holds nothing of its rows."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """
    One row as it could be read. `line` counts as an editor does; dates are Swedish dates, both ends inclusive.

    `faults` are the columns with something in them that could not be read. `digest` is the SHA-256 of the row's
    content, whatever its place and however the file was saved: the same row again has the same digest.
    """

    line: int
    digest: bytes
    original: bytes
    kind: MeasureKind | None = None
    patient: PersonRef | None = None
    guardians: tuple[PersonRef, ...] | None = None
    representative: PersonRef | None = None
    units: tuple[str, ...] | None = None
    recorded_from: date | None = None
    recorded_to: date | None = None
    valid_from: date | None = None
    valid_through: date | None = None
    decided_on: date | None = None
    unit: str | None = None
    initiative: Initiative | None = None
    reported: bool | None = None
    inform_guardians: bool | None = None
    inform_patient: bool | None = None
    court_order: str | None = None
    review_on: date | None = None
    note: str | None = None
    faults: frozenset[str] = frozenset()
    number_fault: NumberFault | None = None
    """What is wrong with the patient's number, where none could be read."""


@dataclass(frozen=True, slots=True)
class MeasureList:
    """A list with the SHA-256 of its file."""

    digest: bytes
    rows: tuple[ListRow, ...]


def read(data: bytes) -> MeasureList:
    """Read a list from a file's bytes, CSV or .xlsx. Raises WrongList."""
    if len(data) > LARGEST_BYTES:
        raise WrongList(f"larger than {LARGEST_BYTES // 1024 // 1024} MB: split it")
    lines = _sheet(data) if data.startswith(b"PK\x03\x04") else _csv(data)
    head = next(lines, None)
    if head is None:
        raise WrongList("the file is empty")
    columns = _columns(head[1])
    rows = tuple(_row(line, dict(zip(columns, cells, strict=False))) for line, cells in lines if any(cells))
    return MeasureList(hashlib.sha256(data).digest(), rows)


def _csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise WrongList(f"line {reader.line_num}: {error}") from error


def _sheet(data: bytes) -> Iterator[tuple[int, list[str]]]:
    import openpyxl  # noqa: PLC0415 - only lists that are workbooks need it

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = packed.infolist()
        # the sizes that a part claims are what is read of it at most: more of it is an error
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
            raise WrongList(f"larger than {LARGEST_UNPACKED // 1024 // 1024} MB unpacked: split it")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        # a workbook says how far it reaches, and may say anything
        for line, cells in enumerate(
            sheet.iter_rows(max_row=MOST_LINES + 1, max_col=MOST_COLUMNS, values_only=True), start=1
        ):
            if line > MOST_LINES:
                raise WrongList(f"more than {MOST_LINES} lines: split it")
            yield line, [_text(cell) for cell in cells]
    except WrongList:
        raise
    except Exception as error:  # zipfile, the XML parser and openpyxl each raise their own
        raise WrongList("no workbook that can be read") from error


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.date().isoformat()
        case bool():
            return "ja" if cell else "nej"
        case float() if cell.is_integer():
            return str(int(cell))
        case _:
            return str(cell).strip()


def _columns(head: Sequence[str]) -> list[str]:
    names = {swedish: name for name, swedish in HEADINGS.items()} | {name: name for name in HEADINGS}
    columns = [names.get(cell.strip().lower(), "") for cell in head]
    strange = [str(place + 1) for place, name in enumerate(columns) if not name and head[place].strip()]
    if strange:
        raise WrongList(
            f"unknown heading in column {', '.join(strange)}; there are: "
            + ", ".join(f"{name} ({swedish})" for name, swedish in HEADINGS.items())
        )
    if twice := {name for name in columns if name and columns.count(name) > 1}:
        raise WrongList(f"heading stands twice: {', '.join(sorted(twice))}")
    if missing := {"kind", "patient"} - set(columns):
        raise WrongList(f"no column {' and no column '.join(sorted(missing))}")
    return columns


def _row(line: int, cells: dict[str, str]) -> ListRow:
    filled = {name: cell for name, cell in cells.items() if name and cell}
    original = json.dumps(filled, ensure_ascii=False, sort_keys=True).encode()
    faults: set[str] = set()
    number_faults: dict[str, NumberFault] = {}

    def take(name: str, how: Callable[[str], T]) -> T | None:
        if name not in filled:
            return None
        try:
            return how(filled[name])
        except NumberError as error:
            number_faults[name] = error.fault
        except (ValueError, KeyError, ValidationError, OverflowError):
            pass
        faults.add(name)
        return None

    id_type = take("id_type", lambda text: IdType(text.lower()))
    first, last = take("recorded_from", day), take("recorded_to", day)
    if first and last and last < first:
        faults.update(("recorded_from", "recorded_to"))
    return ListRow(
        line=line,
        digest=hashlib.sha256(original).digest(),
        original=original,
        kind=take("kind", lambda text: KINDS[text.lower()]),
        patient=take("patient", lambda text: person(text, id_type)),
        guardians=take(
            "guardians", lambda text: _GUARDIANS.validate_python(tuple(map(person, _several(text))))
        ),
        representative=take("representative", person),
        units=take("units", lambda text: _UNITS.validate_python(tuple(_several(text)))),
        recorded_from=first,
        recorded_to=last,
        valid_from=take("valid_from", day),
        valid_through=take("valid_through", day),
        decided_on=take("decided_on", day),
        unit=take("unit", _HSA.validate_python),
        initiative=take("initiative", lambda text: INITIATIVES[text.lower()]),
        reported=take("reported", _yes_no),
        inform_guardians=take("inform_guardians", _yes_no),
        inform_patient=take("inform_patient", _yes_no),
        court_order=take("court_order", str),
        review_on=take("review_on", day),
        note=take("note", lambda text: text[:_NOTE_LENGTH]),
        faults=frozenset(faults),
        number_fault=number_faults.get("patient"),
    )


def person(text: str, id_type: IdType | None = None) -> PersonRef:
    """
    A person's number as a list writes it: twelve digits, with or without a hyphen.

    Raises NumberError for anything else but a reserve number that is called so: ten digits leave the century open. A
    number whose date or check digit is wrong is kept: whether the register has given it to somebody is asked later.
    """
    try:
        identity = _NUMBERS.read(text, id_type)
    except NumberError as error:
        # the register decides whether it knows such a number all the same; other faults leave no number to ask about
        if error.fault not in (NumberFault.CHECK_DIGIT, NumberFault.NO_SUCH_DATE):
            raise
        number = compact(text)
        return PersonRef(id_type=id_type or _NUMBERS.kind_of(number), id=number)
    return PersonRef(id_type=identity.id_type, id=identity.number)


def day(text: str) -> date:
    """A date: 2026-03-01 or 20260301. Raises ValueError."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}|\d{8}", text):
        raise ValueError("not a date")
    return date.fromisoformat(text)


def _several(text: str) -> list[str]:
    return [word for word in re.split(r"[|,;\s]+", text) if word]


def _yes_no(text: str) -> bool:
    return _YES_NO[text.lower()]
