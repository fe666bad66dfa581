"""Figures for the owner, of one region and period: tables, CSV, and the months as a picture. Small counts are left out."""

import io
from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.spreadsheets import SheetWriter
from sigill.operations.statistics import (
    OwnerStatistics,
    counted_regions,
    months_before,
    newest_over,
    owner_statistics,
    period_of,
)
from sigill.policy.calendar import swedish_date
from sigill.policy.disclosure import ProtectedTable
from sigill.web.console.context import OUTSIDE, ConsoleContext, get
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import RegionCode

_MOST_PERIODS = 40
_HEIGHT = 120
_STEP = 24


async def statistics(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The figures as a page."""
    regions = _regions(desk, session)
    if not regions:
        return desk.sorry(request, session, 403, OUTSIDE)
    found = await _found(request, desk, regions)
    by_month = next(counted for counted in found.measures if counted.table.name == "month")
    return desk.page(
        request,
        "statistics.html",
        session,
        found=found,
        bars=_bars(by_month),
        height=_HEIGHT,
        width=max(len(by_month.table.columns), 1) * _STEP,
        regions=regions,
        periods=_periods(desk),
    )


async def statistics_csv(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The same as a file."""
    regions = _regions(desk, session)
    if not regions:
        return desk.sorry(request, session, 403, OUTSIDE)
    found = await _found(request, desk, regions)
    text = io.StringIO()
    writer = SheetWriter(text)
    writer.line(("figure", "row", "column", "value"))
    writer.lines(found.rows())
    name = f"sigill-{found.region}-{found.first:%Y-%m}-{found.last:%Y-%m}.csv"
    return Response(
        text.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _regions(desk: ConsoleContext, session: Session) -> list[RegionCode]:
    """The regions that somebody may count; none for one who is bound to units, whose counts are no region's."""
    bound = session.operator.bound
    return counted_regions(desk.books, bound.regions) if bound.units is None else []


def _periods(desk: ConsoleContext) -> list[date]:
    """The first days of the periods that are over, the newest first."""
    months = desk.settings.statistics_months
    newest = newest_over(swedish_date(desk.clock.now()), months)
    return [months_before(newest, months * back) for back in range(_MOST_PERIODS)]


async def _found(request: Request, desk: ConsoleContext, regions: list[RegionCode]) -> OwnerStatistics:
    """Of a period that is over; of the newest one where none, or another, was asked for."""
    periods, months = _periods(desk), desk.settings.statistics_months
    month = _month(request.query_params.get("period"))
    period = None if month is None else period_of(month, months)
    asked = RegionCode(request.query_params.get("region", ""))
    return await owner_statistics(
        desk.store,
        desk.books,
        period=period if period in periods else periods[0],
        months=months,
        region=asked if asked in regions else regions[0],
        threshold=desk.settings.statistics_threshold,
    )


def _month(text: str | None) -> date | None:
    """A month that somebody typed in; None: none, or none that a calendar has."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return found if 1900 <= found.year < 9999 else None


def _bars(table: ProtectedTable) -> list[tuple[str, int | None, int, int]]:
    """The months of the picture: name, number (None: suppressed, drawn empty), place from the left, height."""
    numbers = [table.shown("", column) for column in table.table.columns]
    most = max((n for n in numbers if n), default=1)
    return [
        (column, number, place * _STEP, _HEIGHT * number // most if number else 0)
        for place, (column, number) in enumerate(zip(table.table.columns, numbers, strict=True))
    ]


ROUTES = [get("/statistics", statistics), get("/statistics.csv", statistics_csv)]
