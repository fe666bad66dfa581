"""For auditors: whether the chains are whole, and who looked at whom."""

from dataclasses import dataclass
from datetime import date, timedelta

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sigill.operations import extracts, reviews
from sigill.operations.archive import Reader
from sigill.operations.operators import AUDITORS
from sigill.policy.calendar import midnight
from sigill.policy.effects import Sentence
from sigill.runtime.logging import mask
from sigill.store import access_log, audit, audit_check
from sigill.store.access_log import AccessLogFault, LoggedAccess
from sigill.store.audit import ChainHead
from sigill.store.audit_check import AuditFault
from sigill.store.console import EVERYTHING
from sigill.web.console.context import (
    NO_REASON,
    OUTSIDE,
    TOO_OFTEN,
    ConsoleContext,
    day_of,
    get,
    number_of,
    post,
    text_of,
)
from sigill.web.console.pages.orders import person_asked_for
from sigill.web.console.returned_forms import FormFault
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import PersonId

MOST = 200
"""Lines of the access log shown at once; the list says when there are more."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk through every chain found."""

    faults: tuple[AuditFault, ...]
    looks: tuple[AccessLogFault, ...]
    entries: int


async def audit_page(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The heads of the chains, and the access log by operator."""
    return await _page(request, desk, session)


async def verify(request: Request, desk: ConsoleContext, session: Session, _: FormData) -> Response:
    """Walk through every chain and the access log, and say what is wrong, entry by entry."""
    if desk.auditors is None:
        return desk.sorry(request, session, 404, _NOT_HERE)
    async with desk.auditors.reading() as tx:
        faults = await audit_check.verify(tx)
        looks = await access_log.verify(tx)
        entries = sum(head.position for head in await audit.heads(tx))
    async with desk.auditors.transaction(desk.clock.now()) as tx:
        body = {"faults": len(faults) + len(looks), "entries": entries}
        await desk.note(tx, session.operator, "audit_verified", body)
    return await _page(request, desk, session, Verified(tuple(faults), tuple(looks), entries))


async def looks_of_person(
    request: Request, desk: ConsoleContext, session: Session, form: FormData
) -> Response:
    """The extract of a person: found by number, in the body; itself a line of the log."""
    if not desk.searches.allowed(session.operator.name):
        raise FormFault({"": TOO_OFTEN}, 429)
    person, reason = await person_asked_for(desk, form)
    if hidden := await desk.hidden(session, (person,)):
        return await desk.refuse_hidden(request, session, hidden, reason, "/audit")
    async with desk.store.transaction(desk.clock.now()) as tx:
        await desk.looked(tx, session.operator, person, reason, "extract of the access log for the auditor")
    await desk.sessions.open(session, f"looks:{person}", reason)
    return RedirectResponse(f"/audit?person={person}#looks", 303)


async def patient_paper(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """The extract for the patient, after a harm test: of a person whose looks are open already, as a file."""
    if desk.auditors is None:
        return desk.sorry(request, session, 404, _NOT_HERE)
    person = number_of(request.path_params["person"])
    now = desk.clock.now()
    reason = None if person is None else session.reason(f"looks:{person}", now)
    if reason is None:
        return RedirectResponse("/audit", 303)
    if hidden := await desk.hidden(session, (PersonId(str(person)),)):
        return await desk.refuse_hidden(request, session, hidden, reason, "/audit")
    if session.operator.bound != EVERYTHING:
        # it tells the patient of every look, also of those that this login does not cover
        return desk.sorry(request, session, 403, OUTSIDE, back="/audit")
    tested = text_of(form, "harm_test")
    if not tested:
        raise FormFault({"harm_test": _NO_TEST})
    made = await extracts.extract(
        desk.auditors,
        PersonId(str(person)),
        Reader(session.operator.name, session.operator.unit, f"{reason}; menprövning: {tested}"),
        now,
        for_whom=extracts.ForWhom.PATIENT,
    )
    return Response(
        extracts.extract_html(made),
        media_type="text/html; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="extract-for-the-patient.html"'},
    )


async def _page(
    request: Request, desk: ConsoleContext, session: Session, verified: Verified | None = None
) -> Response:
    if desk.auditors is None:
        return desk.sorry(request, session, 404, _NOT_HERE)
    query = request.query_params
    person = number_of(request.path_params.get("person") or query.get("person"))
    if person is not None and session.reason(f"looks:{person}", desk.clock.now()) is None:
        person = None
    actor = query.get("actor", "").strip() or None
    since, through = _day(query.get("since")), _day(query.get("through"))
    first = midnight(since) if since else None
    end = midnight(through + timedelta(days=1)) if through else None
    mine = session.operator.bound.columns
    async with desk.auditors.reading() as tx:
        heads: list[ChainHead] = await audit.heads(tx)
        looks: list[LoggedAccess]
        if person is not None:
            who = PersonId(str(person))
            looks = await access_log.of_person(
                tx, who, looked_from=first, looked_before=end, from_units_of=mine
            )
            looks.reverse()
        else:
            looks = await access_log.of_actor(
                tx, actor, looked_from=first, looked_before=end, limit=MOST + 1, from_units_of=mine
            )
        hidden = await desk.hidden(session, {look.look.patient for look in looks}, tx)
    if person is None and (actor is not None or since is not None or through is not None):
        async with desk.auditors.transaction(desk.clock.now()) as tx:
            read: dict[str, audit.Json] = {"lines": min(len(looks), MOST)}
            if actor is not None:
                read["of_actor"] = mask(actor)
            if since is not None:
                read["since"] = since.isoformat()
            if through is not None:
                read["through"] = through.isoformat()
            await desk.note(tx, session.operator, "access_log_read", read)
    return desk.page(
        request,
        "audit.html",
        session,
        heads=heads,
        looks=looks[:MOST],
        hidden=hidden,
        more=len(looks) > MOST,
        most=MOST,
        of_person=person,
        bound=session.operator.bound != EVERYTHING,
        query=query,
        verified=verified,
    )


async def review_page(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """Where a review of the log is begun: a period, a reason."""
    if desk.auditors is None:
        return desk.sorry(request, session, 404, _NOT_HERE)
    return desk.page(request, "review.html", session, found=None, given={})


async def review(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """
    Who looked at whom without an order near it, or at somebody with protected identity; itself a line for each patient.

    The same list as `sigill audit looks`.
    """
    if desk.auditors is None:
        return desk.sorry(request, session, 404, _NOT_HERE)
    if not desk.searches.allowed(session.operator.name):
        raise FormFault({"": TOO_OFTEN}, 429)
    reason = text_of(form, "reason")
    since, through = _day(text_of(form, "since")), _day(text_of(form, "through"))
    faults = {name: _NO_DAY for name, day in (("since", since), ("through", through)) if day is None}
    if not reason:
        faults["reason"] = NO_REASON
    if since is not None and through is not None and through < since:
        faults["through"] = _BACKWARDS
    if faults or since is None or through is None:
        raise FormFault(faults)
    near = min(number_of(text_of(form, "days")) or 0, _FAR_DAYS)
    found = await reviews.review(
        desk.auditors,
        Reader(session.operator.name, session.operator.unit, reason),
        desk.clock.now(),
        reviews.Asked(
            midnight(since),
            midnight(through + timedelta(days=1)),
            actor=text_of(form, "actor") or None,
            near=timedelta(days=near),
            everything=text_of(form, "everything") == "yes",
            from_units_of=session.operator.bound.columns,
        ),
    )
    hidden = await desk.hidden(session, found.keys)
    given = {
        name: text_of(form, name) for name in ("since", "through", "actor", "days", "everything", "reason")
    }
    return desk.page(request, "review.html", session, found=found, hidden=hidden, given=given)


_NO_DAY = Sentence("Ange en dag.", "Give a day.")
_BACKWARDS = Sentence("Dagen ligger före den första.", "The day comes before the first one.")
_NO_TEST = Sentence("Skriv vem som gjorde menprövningen.", "Write who made the harm test.")
_FAR_DAYS = 3660


def _day(text: str | None) -> date | None:
    try:
        return day_of(text) if text else None
    except ValueError:
        return None


_NOT_HERE = Sentence(
    "Granskningen är inte påslagen här: databasrollen för granskare saknas.",
    "Auditing is not switched on here: the auditors' database role is missing.",
)
ROUTES = [
    get("/audit", audit_page, AUDITORS),
    get("/audit/review", review_page, AUDITORS),
    post("/audit/review", review, AUDITORS, review_page),
    post("/audit/verify", verify, AUDITORS),
    post("/audit/person", looks_of_person, AUDITORS, audit_page),
    post("/audit/person/{person}/paper", patient_paper, AUDITORS, audit_page),
]
