"""What must be found nowhere, in every shape in which it could stand there, and how it is looked for."""

import base64
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus


def shapes_of_number(number: str) -> set[bytes]:
    """An identity number of 12 digits: with and without century and separator."""
    short = number[2:]
    spelled = {
        number,
        f"{number[:8]}-{number[8:]}",
        f"{number[:8]}+{number[8:]}",
        f"{number[:8]} {number[8:]}",
        f"{number[:4]}-{number[4:6]}-{number[6:8]}-{number[8:]}",
        short,
        f"{short[:6]}-{short[6:]}",
        f"{short[:6]}+{short[6:]}",
        f"{short[:6]} {short[6:]}",
    }
    return {shape for text in spelled for shape in encodings_of(text)}


def shapes_of_text(text: str) -> set[bytes]:
    """A name or a motivation: as it is, in lower case, and the same without its Swedish letters."""
    plain = text.translate(str.maketrans("åäöÅÄÖé", "aaoAAOe"))
    return {shape for one in {text, text.lower(), text.upper(), plain} for shape in encodings_of(one)}


def encodings_of(text: str) -> set[bytes]:
    """UTF-8, UTF-16, Latin-1, percent, JSON's and HTML's escapes, hexadecimal, and base64 at any place of a longer text."""
    raw = text.encode()
    found = {
        raw,
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        text.encode("latin-1", "replace"),
        quote(text, safe="").encode(),
        quote_plus(text).encode(),
        json.dumps(text)[1:-1].encode(),
        text.encode("ascii", "xmlcharrefreplace"),
        repr(raw)[2:-1].encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
    }
    for before in range(3):
        # what the neighbours decide is cut off: the rest is the same whatever stands around it
        encoded = base64.b64encode(bytes(before) + raw)
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        core = encoded[first:last]
        found |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return {shape for shape in found if len(shape) >= 6}


@dataclass
class Needles:
    """What is looked for. Gathered while it is sent; looked for when everything has been said."""

    numbers: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    motivations: set[str] = field(default_factory=set)

    def compiled(self) -> "Search":
        kinds = {
            "number": [shape for one in self.numbers for shape in shapes_of_number(one)],
            "name": [shape for one in self.names for shape in shapes_of_text(one)],
            "motivation": [shape for one in self.motivations for shape in shapes_of_text(one)],
        }
        return Search({kind: set(shapes) for kind, shapes in kinds.items()})


class Search:
    """Looks through everything that it is given, counts it, and keeps what it found."""

    def __init__(self, kinds: dict[str, set[bytes]]) -> None:
        self._kinds = kinds
        # one alternation would be slow with thousands of shapes: find candidates by their first six bytes
        self._starts: dict[bytes, list[tuple[str, bytes]]] = {}
        for kind, shapes in kinds.items():
            for shape in shapes:
                self._starts.setdefault(shape[:6], []).append((kind, shape))
        self.looked: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.found: list[tuple[str, str, bytes]] = []

    @property
    def shapes(self) -> int:
        """How many shapes are looked for."""
        return sum(len(shapes) for shapes in self._kinds.values())

    def through(self, place: str, content: bytes) -> list[tuple[str, str, bytes]]:
        """Look through one thing that stood at a place."""
        self.looked[place] += 1
        self.bytes[place] += len(content)
        found = []
        for start in range(len(content) - 5):
            for kind, shape in self._starts.get(content[start : start + 6], ()):
                if content.startswith(shape, start) and not _within_a_digest(kind, shape, content, start):
                    around = content[max(0, start - 60) : start + len(shape) + 60]
                    found.append((place, kind, around))
        self.found += found
        return found


_HEX = re.compile(rb"[0-9a-f]")


def _within_a_digest(kind: str, shape: bytes, content: bytes, start: int) -> bool:
    """
    Ten digits by chance inside a longer run of hexadecimal (a digest, a UUID's node) or digits are nobody's number.

    Twelve digits are found wherever they stand.
    """
    if kind != "number" or not shape.isdigit() or len(shape) != 10:
        return False
    before, after = content[start - 1 : start], content[start + 10 : start + 11]
    return bool(_HEX.match(before) or _HEX.match(after))
