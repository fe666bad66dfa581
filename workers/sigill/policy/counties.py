"""The counties of Sweden (län) by their official codes, as Statistics Sweden lists them. One table for the program."""

from collections.abc import Mapping
from types import MappingProxyType

COUNTIES: Mapping[str, str] = MappingProxyType(
    {
        "01": "Stockholm",
        "03": "Uppsala",
        "04": "Södermanland",
        "05": "Östergötland",
        "06": "Jönköping",
        "07": "Kronoberg",
        "08": "Kalmar",
        "09": "Gotland",
        "10": "Blekinge",
        "12": "Skåne",
        "13": "Halland",
        "14": "Västra Götaland",
        "17": "Värmland",
        "18": "Örebro",
        "19": "Västmanland",
        "20": "Dalarna",
        "21": "Gävleborg",
        "22": "Västernorrland",
        "23": "Jämtland",
        "24": "Västerbotten",
        "25": "Norrbotten",
    }
)
"""County codes (länskod, two digits) and names. Codes that are missing (02, 11, 15, 16) belong to no county."""

MADE_UP = range(90, 100)
"""Codes that no county has and none will get: for regions of tests, demonstrations and tutorials."""


def is_county(code: str) -> bool:
    """Whether a two-digit code is a county's, or one that is set aside for made-up regions."""
    return code in COUNTIES or (code.isdecimal() and int(code) in MADE_UP)
