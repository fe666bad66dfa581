"""The list for the diary: forms in, decisions out and entries of cases, a day a page, without names; and the same as a file."""

import io
from collections.abc import Sequence
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.operators import LOOKERS
from sigill.operations.spreadsheets import SheetWriter
from sigill.policy.calendar import swedish_date
from sigill.policy.cases import CaseEntryKind
from sigill.store import diary as stored
from sigill.store.console import Binding
from sigill.store.diary import DiaryEntry
from sigill.store.session import Reading
from sigill.web.console.context import OUTSIDE, ConsoleContext, day_of, get, offset_of
from sigill.web.console.sessions import Session

PAGE = 100
MOST_DAYS = 31
"""Days that a file holds at most."""


async def diary(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """One day of it."""
    day, offset = _day(request, "day", swedish_date(desk.clock.now())), offset_of(request)
    region, bound = _bound(request, desk, session)
    if bound is None:
        return desk.sorry(request, session, 403, OUTSIDE, back="/diary")
    async with desk.store.reading() as tx:
        rows = await stored.entries(tx, day, day, bound, limit=PAGE + 1, offset=offset)
        rows = stored.without(rows, await _hidden(desk, session, rows, tx))
    return desk.page(
        request,
        "diary.html",
        session,
        day=day,
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        offset=offset,
        page=PAGE,
        region=region,
        regions=_regions(desk, session),
        earlier=day - timedelta(days=1),
        later=day + timedelta(days=1),
        most=MOST_DAYS,
        is_case=set(CaseEntryKind).__contains__,
    )


async def diary_csv(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """Some days of it, as a file."""
    last = _day(request, "through", swedish_date(desk.clock.now()))
    first = min(max(_day(request, "first", last), last - timedelta(days=MOST_DAYS - 1)), last)
    region, bound = _bound(request, desk, session)
    if bound is None:
        return desk.sorry(request, session, 403, OUTSIDE, back="/diary")
    text = io.StringIO()
    writer = SheetWriter(text)
    writer.line(stored.DIARY_COLUMNS)
    async with desk.store.reading() as tx:
        async for page in stored.all_pages(tx, first, last, bound):
            for entry in stored.without(page, await _hidden(desk, session, page, tx)):
                writer.line(entry.columns)
    name = f"diary-{region or 'all'}-{first}-{last}.csv"
    return Response(
        text.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _hidden(
    desk: ConsoleContext, session: Session, page: Sequence[DiaryEntry], tx: Reading
) -> frozenset[int]:
    return await desk.hidden_orders(session, {(entry.registration, entry.patient) for entry in page}, tx)


def _day(request: Request, name: str, otherwise: date) -> date:
    try:
        return day_of(request.query_params.get(name))
    except ValueError:
        return otherwise


def _regions(desk: ConsoleContext, session: Session) -> list[str]:
    mine = session.operator.bound.regions
    return sorted(region for region in desk.books.regions if mine is None or region in mine)


def _bound(request: Request, desk: ConsoleContext, session: Session) -> tuple[str | None, Binding | None]:
    """
    The region asked for, and what is listed: never more than is the operator's; None: none of it is.

    A region without a rulebook is nobody's: what somebody typed gets into no address and no file's name.
    """
    mine = session.operator.bound
    asked = request.query_params.get("region") or None
    if asked is None:
        return None, mine
    if asked not in _regions(desk, session):
        return None, None
    return asked, Binding(frozenset({asked}), mine.units)


ROUTES = [get("/diary", diary, LOOKERS), get("/diary.csv", diary_csv, LOOKERS)]
