"""County codes are the official ones, and every rulebook names its own."""

import pytest

from sigill.cli.common import rulebooks
from sigill.policy.counties import COUNTIES, is_county
from sigill.policy.rulebook import parse
from sigill.population.pyramid import RESIDENTS
from sigill.rulebook_docs.checking import check
from tests.kit.solbygden import SOLBYGDEN

OFFICIAL = """
01 Stockholm, 03 Uppsala, 04 Södermanland, 05 Östergötland, 06 Jönköping, 07 Kronoberg, 08 Kalmar, 09 Gotland,
10 Blekinge, 12 Skåne, 13 Halland, 14 Västra Götaland, 17 Värmland, 18 Örebro, 19 Västmanland, 20 Dalarna,
21 Gävleborg, 22 Västernorrland, 23 Jämtland, 24 Västerbotten, 25 Norrbotten
"""


def test_the_table_is_the_official_list() -> None:
    listed = dict(line.strip().split(" ", 1) for line in OFFICIAL.replace("\n", " ").split(","))
    assert dict(COUNTIES) == listed
    assert not any(is_county(code) for code in ("02", "11", "15", "16", "26", "00", "7", ""))
    assert is_county("01")
    assert is_county("99")


def test_every_shipped_rulebook_has_the_county_of_its_name() -> None:
    books = rulebooks()
    named = {
        region.region: [COUNTIES[county] for county in region.counties]
        for region in books.regions.values()
        if not region.national
    }
    assert named == {
        "kronoberg": ["Kronoberg"],
        "jamtland-harjedalen": ["Jämtland"],
        "vastra-gotaland": ["Västra Götaland"],
        "jonkoping": ["Jönköping"],
        "skane": ["Skåne"],
        "stockholm": ["Stockholm"],
    }


def test_the_made_up_country_has_more_people_in_kalmar_than_in_kronoberg() -> None:
    assert RESIDENTS.keys() == COUNTIES.keys()
    assert (RESIDENTS["07"], RESIDENTS["08"]) == (203, 247)


@pytest.mark.parametrize("code", ["02", "11", "16", "26"])
def test_a_rulebook_with_a_code_that_no_county_has_is_named(code: str) -> None:
    found = [str(fault) for fault in check([parse(SOLBYGDEN.replace('"99"', f'"{code}"'))])]
    assert f"solbygden: county {code}: no county of Sweden has that code" in found
