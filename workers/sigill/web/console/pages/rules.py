"""The rules of a region on a day: what each form asks for, and each rule as its owner states it."""

from starlette.requests import Request
from starlette.responses import Response

from sigill.policy.calendar import swedish_date
from sigill.rulebook_docs.clauses import choice_when, choice_words, shown_words, standing_words
from sigill.rulebook_docs.pages import ages_of, table_of, told_of
from sigill.web.console.context import ConsoleContext, day_of, get
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import Form


async def rulebook(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """One region's version in force on a day (today when none is asked for): decision tables, ages, rules."""
    regions = sorted(desk.books.regions)
    asked = request.query_params.get("region")
    code = next((region for region in regions if region == asked), regions[0] if regions else None)
    region = desk.books.regions[code] if code else None
    today = swedish_date(desk.clock.now())
    try:
        on = day_of(request.query_params.get("on"))
    except ValueError:
        on = today
    version = region.in_force(on) if region else None
    return desk.page(
        request,
        "rulebook.html",
        session,
        regions=regions,
        region=region,
        version=version,
        on=on,
        ends=region.ending(version) if region and version else None,
        tables=[(form, table_of(version, form)) for form in Form if version.offers(form)] if version else [],
        choices=[(choice_when(c.when), choice_words(c), c.cites) for c in version.choices] if version else [],
        ages=(*ages_of(version), *told_of(version)) if version else (),
        unasked=[
            *((standing_words(rule), rule.cites) for rule in version.standing),
            *((shown_words(rule), rule.cites) for rule in version.shown),
        ]
        if version
        else [],
    )


ROUTES = [get("/rulebook", rulebook)]
