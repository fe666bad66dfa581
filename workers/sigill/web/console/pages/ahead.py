"""Tonight and this week: what opens and ends by itself, and the act that prevents it."""

from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.operators import LOOKERS
from sigill.operations.week_ahead import week_ahead
from sigill.policy.calendar import swedish_date
from sigill.web.console.context import ConsoleContext, get, offset_of
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import RegionCode

PAGE = 50
DAYS = 7
WITHIN = 30
"""Days ahead of an end at which nobody has answered."""


async def ahead(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The safe day: who must be shut and is not, what ends with nobody answering, and every change of the week."""
    asked = RegionCode(request.query_params.get("region", ""))
    region = asked if asked in desk.books.regions else None
    offset = offset_of(request)
    found = await week_ahead(
        desk.store,
        desk.books,
        desk.clock.now(),
        days=DAYS,
        within=WITHIN,
        region=region,
        limit=PAGE,
        offset=offset,
    )
    by_day: dict[object, list[object]] = {}
    for turn in found.turns:
        by_day.setdefault(swedish_date(turn.at), []).append(turn)
    return desk.page(
        request,
        "ahead.html",
        session,
        found=found,
        by_day=by_day,
        region=region,
        regions=sorted(desk.books.regions),
        within=WITHIN,
        cut=found.unanswered_people > PAGE,
        offset=offset,
        page=PAGE,
    )


ROUTES = [get("/ahead", ahead, LOOKERS)]
