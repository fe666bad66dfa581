"""
Units of the directory by name, with their history; and the successor of a closed one, which two operators name.

What waits for it is judged again by the workers once it is approved.
"""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.operators import APPROVERS, OPERATORS
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Sentence
from sigill.store import proposals, units
from sigill.store.units import NAME_SUCCESSOR, NoSuccessorWanted
from sigill.web.console.context import (
    GONE,
    NO_REASON,
    OUTSIDE,
    ConsoleContext,
    done,
    get,
    number_of,
    post,
    text_of,
)
from sigill.web.console.returned_forms import FormFault
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import UnitId

PAGE = 50


async def unit_list(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """What waits for a successor or for a second operator, and the units by name."""
    today = swedish_date(desk.clock.now())
    query = request.query_params.get("q", "").strip()[:100]
    after = request.query_params.get("after", ""), request.query_params.get("unit", "")
    async with desk.store.reading() as tx:
        found = await units.page(
            tx, containing=query or None, after=after if all(after) else None, limit=PAGE + 1
        )
        orphaned = await units.page(tx, orphaned_on=today, limit=PAGE)
        waiting = await proposals.open_ones(tx, NAME_SUCCESSOR)
    return desk.page(
        request,
        "units.html",
        session,
        units=found[:PAGE],
        following=found[PAGE - 1] if len(found) > PAGE else None,
        orphaned=orphaned,
        proposals=[(open_proposal, *units.units_of(open_proposal)) for open_proposal in waiting],
        query=query,
        today=today,
    )


async def unit(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """One unit with everything that the directory told of it."""
    asked = UnitId(request.path_params["unit"])
    today = swedish_date(desk.clock.now())
    async with desk.store.reading() as tx:
        versions = await units.history(tx, asked)
        now = (await units.load(tx, [asked])).get(asked)
        waiting = [
            proposal
            for proposal in await proposals.open_ones(tx, NAME_SUCCESSOR)
            if units.units_of(proposal)[0] == asked
        ]
    if now is None:
        return desk.sorry(request, session, 404, GONE, back="/units")
    return desk.page(
        request,
        "unit.html",
        session,
        unit=now,
        versions=versions,
        proposals=[(open_proposal, *units.units_of(open_proposal)) for open_proposal in waiting],
        wanted=now.is_closed(today) and now.succeeded_by is None,
        today=today,
    )


async def propose(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Propose which unit succeeded a closed one, with a reason."""
    asked = UnitId(request.path_params["unit"])
    page = f"/units/{asked}"
    successor, reason = text_of(form, "successor", 64), text_of(form, "reason")
    faults = {} if successor else {"successor": _NO_SUCCESSOR}
    if not reason:
        faults["reason"] = NO_REASON
    if faults:
        raise FormFault(faults)
    if not await _covers(desk, session, asked):
        return desk.sorry(request, session, 403, OUTSIDE, back=page)
    try:
        async with desk.store.transaction(desk.clock.now()) as tx:
            proposal = await units.propose_successor(
                tx, asked, UnitId(successor), session.operator.name, reason, swedish_date(tx.now)
            )
            body: dict[str, int | str] = {"proposal": proposal, "unit": asked, "successor": successor}
            await desk.note(tx, session.operator, "successor_proposed", body)
    except NoSuccessorWanted:
        raise FormFault({"successor": _NOT_SO}, 409) from None
    return done(page, "proposed")


async def decide(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """A second operator approves or declines; then what waited for the successor is judged again."""
    proposal = number_of(request.path_params["proposal"])
    approved = text_of(form, "verdict") == "approve"
    if proposal is None:
        return desk.sorry(request, session, 404, GONE, back="/units")
    async with desk.store.reading() as tx:
        waiting = await proposals.open_one(tx, NAME_SUCCESSOR, proposal)
    if waiting is not None and not await _covers(desk, session, units.units_of(waiting)[0]):
        return desk.sorry(request, session, 403, OUTSIDE, back="/units")
    try:
        async with desk.store.transaction(desk.clock.now()) as tx:
            body: dict[str, int | str] = {"proposal": proposal}
            if approved:
                closed, successor, _ = await units.approve_successor(
                    tx, proposal, session.operator.name, swedish_date(tx.now)
                )
                body |= {"unit": closed, "successor": successor}
            else:
                await proposals.decide(
                    tx, proposal, session.operator.name, approved=False, action=NAME_SUCCESSOR
                )
            action = "successor_approved" if approved else "successor_declined"
            await desk.note(tx, session.operator, action, body)
    except proposals.SameOperator:
        return done("/units", "same")
    except proposals.NotOpen:
        return done("/units", "gone")
    except NoSuccessorWanted:
        return desk.sorry(request, session, 409, _NOT_SO, back="/units")
    return done("/units", "succeeded" if approved else "declined")


async def _covers(desk: ConsoleContext, session: Session, closed: UnitId) -> bool:
    """Whether a login may say who took over a unit: by another region's the orders of everybody there are judged anew."""
    async with desk.store.reading() as tx:
        found = (await units.load(tx, [closed])).get(closed)
    return session.operator.bound.covers(None if found is None else found.region, closed)


_NO_SUCCESSOR = Sentence("Skriv enhetens HSA-id.", "Write the unit's HSA-id.")
_NOT_SO = Sentence(
    "Det går inte: enheten ska vara stängd och sakna efterträdare i katalogen, och efterträdaren vara en öppen enhet i "
    "samma region. Inget har ändrats.",
    "That is not possible: the unit has to be closed and without a successor in the directory, and the successor an open "
    "unit of the same region. Nothing was changed.",
)

ROUTES = [
    get("/units", unit_list),
    get("/units/{unit}", unit),
    post("/units/{unit}/successor", propose, OPERATORS, unit),
    post("/units/proposals/{proposal}", decide, APPROVERS),
]
