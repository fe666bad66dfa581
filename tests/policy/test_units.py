"""A unit's region, its line of successors, and at which unit an opening is decided."""

from dataclasses import replace
from datetime import date

import pytest

from sigill.cli.common import rulebooks
from sigill.policy.access import AccessQuestion, decide
from sigill.policy.units import (
    Unit,
    answering,
    is_orphaned,
    line_of,
    organisation_of,
    orphans,
    region_of,
    speaks_for,
)
from sigill_contracts.vocabulary import RegionCode, Service, UnitId
from tests.kit.values import BARN, CHILD, GUN, family, local

BOOKS = rulebooks()
A, B, C = UnitId("A"), UnitId("B"), UnitId("C")
DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("unit", "region"),
    [
        ("SE2321000065-U1", "kronoberg"),
        ("SE2321000073-U1", "kalmar"),  # 08 is Kalmar: no rulebook of its own, and known all the same
        ("SE2321000214-U1", "jamtland-harjedalen"),
        ("SE9999999999-U1", None),
        ("232100-0065-U1", None),
    ],
)
def test_a_region_is_known_by_the_organisation_number_where_the_directory_is_silent(
    unit: str, region: str | None
) -> None:
    assert region_of(UnitId(unit), {}, BOOKS) == region
    told = {UnitId(unit): RegionCode("vastra-gotaland")}
    assert region_of(UnitId(unit), told, BOOKS) == "vastra-gotaland"
    assert organisation_of("SE2321000065-U1") == "2321000065"


@pytest.mark.parametrize("born", ["2009-06-01", "2012-06-01", "2015-06-01"])
def test_about_a_unit_of_no_known_region_the_strictest_answers(born: str) -> None:
    facts = family(born, "kronoberg")
    unknown = UnitId("SE9999999999-NEW")
    at = local("2026-03-01T09:00")
    for viewer in (CHILD, GUN):
        of_all = [
            decide(
                AccessQuestion(viewer, Service.JOURNAL, at, BARN),
                replace(facts, unit_regions={BARN: RegionCode(r)}),
                BOOKS,
            )
            for r in ("kronoberg", "jamtland-harjedalen", "vastra-gotaland", "kalmar")
        ]
        answer = decide(AccessQuestion(viewer, Service.JOURNAL, at, unknown), facts, BOOKS)
        assert answer.allowed == all(one.allowed for one in of_all)


def test_a_line_of_successors_is_followed_as_far_as_it_has_come() -> None:
    units = {
        A: Unit(A, valid_through=date(2026, 1, 31), succeeded_by=B),
        B: Unit(B, valid_through=date(2026, 3, 31), succeeded_by=C),
        C: Unit(C),
    }
    assert line_of(units, A, date(2026, 1, 31)) == (A,)
    assert line_of(units, A, date(2026, 2, 1)) == (A, B)
    assert line_of(units, A, date(2026, 4, 1)) == (A, B, C)
    assert speaks_for(units, B, [A, C], DAY) == (A,)
    assert answering(units, A, DAY) == B


def test_a_closed_unit_without_a_successor_is_an_orphan_and_an_open_or_unknown_one_is_none() -> None:
    gone = Unit(B, valid_through=date(2026, 2, 28))
    units = {A: Unit(A, valid_through=date(2026, 1, 31), succeeded_by=B), B: gone}
    assert is_orphaned(units, A, DAY)
    assert orphans(units, [A, B], DAY) == (B,)
    assert not is_orphaned(units, A, date(2026, 2, 28))
    assert not is_orphaned(units, C, DAY)


def test_a_circle_closes() -> None:
    units = {A: Unit(A, succeeded_by=B), B: Unit(B, succeeded_by=A)}
    assert line_of(units, A, DAY) == (A, B)
