"""The letters of a region as they would be printed: its own wording, and how each is sent."""

from starlette.requests import Request
from starlette.responses import Response

from sigill.policy.calendar import swedish_date
from sigill.rulebook_docs.letters import DELIVERY, NO_ADDRESS, letter_html
from sigill.web.console.context import ConsoleContext, get
from sigill.web.console.rendering import language_of
from sigill.web.console.sessions import Session


async def letters(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The regions' letters in force today, and one of them to print. Nobody is named: name and address are written by hand."""
    today = swedish_date(desk.clock.now())
    offered = [
        (region, version)
        for _, region in sorted(desk.books.regions.items())
        if (version := region.in_force(today)) is not None and version.letters
    ]
    asked = request.query_params
    found = next(((r, v) for r, v in offered if r.region == asked.get("region")), None)
    chosen = found[1].letters.get(asked.get("letter", "")) if found else None
    english = language_of(request) == "en"
    return desk.page(
        request,
        "region_letters.html",
        session,
        offered=offered,
        region=found[0] if found else None,
        letter=chosen,
        name=asked.get("letter") if chosen is not None else None,
        shown=letter_html(*found, chosen, today, english=english) if found and chosen is not None else None,
        delivery=DELIVERY,
        no_address=NO_ADDRESS,
    )


ROUTES = [get("/letters", letters)]
