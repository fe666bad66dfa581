"""Figures for the owner: tables, CSV, and the months as a picture. Small counts are left out."""

import csv
import io
from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.statistics import OwnerStatistics, months_before, owner_statistics
from sigill.policy.calendar import swedish_date
from sigill.policy.disclosure import ProtectedTable
from sigill.web.console.context import OUTSIDE, ConsoleContext, get
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import RegionCode

_MOST_MONTHS = 120
_HEIGHT = 120
_STEP = 24


async def statistics(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The figures as a page."""
    regions = _regions(desk, session)
    if not regions:
        return desk.sorry(request, session, 403, OUTSIDE)
    found = await _found(request, desk, session, regions)
    by_month = next(one for one in found.measures if one.table.name == "month")
    return desk.page(
        request,
        "statistics.html",
        session,
        found=found,
        bars=_bars(by_month),
        height=_HEIGHT,
        width=max(len(by_month.table.columns), 1) * _STEP,
        regions=regions,
        bound=session.operator.bound.regions is not None,
    )


async def statistics_csv(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The same as a file."""
    regions = _regions(desk, session)
    if not regions:
        return desk.sorry(request, session, 403, OUTSIDE)
    found = await _found(request, desk, session, regions)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("figure", "row", "column", "value"))
    writer.writerows(found.rows())
    name = f"sigill-{found.region or 'all'}-{found.first:%Y-%m}-{found.last:%Y-%m}.csv"
    return Response(
        text.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _regions(desk: ConsoleContext, session: Session) -> list[RegionCode]:
    """The regions that somebody may count; none for one who is bound to units, whose counts are no region's."""
    bound = session.operator.bound
    known = sorted(one for one in desk.books.regions if bound.regions is None or one in bound.regions)
    return known if bound.units is None else []


async def _found(
    request: Request, desk: ConsoleContext, session: Session, regions: list[RegionCode]
) -> OwnerStatistics:
    """Of whole months that are over: what grows by the day would tell of each new measure."""
    over = months_before(swedish_date(desk.clock.now()), 1)
    last = min(_month(request.query_params.get("through")) or over, over)
    first = _month(request.query_params.get("first")) or months_before(last, 11)
    first = max(
        min(first, last), months_before(last, min(_MOST_MONTHS, (last.year - 1) * 12 + last.month - 1))
    )
    asked = RegionCode(request.query_params.get("region", ""))
    return await owner_statistics(
        desk.store,
        desk.books,
        first=first,
        last=last,
        region=asked
        if asked in regions
        else regions[0]
        if session.operator.bound.regions is not None
        else None,
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
