"""Tonight and this week: what opens and ends by itself, and the act that prevents it."""

from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.operators import LOOKERS
from sigill.operations.week_ahead import REASON, SHOWN, week_ahead
from sigill.policy.calendar import swedish_date
from sigill.store import access_log
from sigill.store.access_log import LOOKS, AccessLogEntry
from sigill.web.console.context import OUTSIDE, ConsoleContext, get, offset_of
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import RegionCode

PAGE = 50
DAYS = 7
WITHIN = 30
"""Days ahead of an end at which nobody has answered."""


async def ahead(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The safe day: who must be shut and is not, what ends with nobody answering, and every change of the week."""
    bound = session.operator.bound
    regions = sorted(
        region for region in desk.books.regions if bound.regions is None or region in bound.regions
    )
    asked = RegionCode(request.query_params.get("region", ""))
    region = asked if asked in regions else None
    if bound.regions is not None and region is None and regions:
        region = regions[0]
    if bound.units is not None or not regions:
        return desk.sorry(request, session, 403, OUTSIDE)
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
    hidden = await desk.hidden(session, found.named)
    async with desk.store.transaction(desk.clock.now()) as tx:
        seen = sorted(found.patients - hidden, key=int)
        by, unit = session.operator.name, session.operator.unit
        await access_log.append(
            tx, [AccessLogEntry(by, unit, who, REASON, SHOWN) for who in seen], chain=LOOKS
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
        regions=regions,
        bound=bound.regions is not None,
        hidden=hidden,
        within=WITHIN,
        cut=found.unanswered_people > PAGE,
        offset=offset,
        page=PAGE,
    )


ROUTES = [get("/ahead", ahead, LOOKERS)]
