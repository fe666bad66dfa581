"""
Cases: open ones by the day something is due, one of them with what to do first, the forms that write it down, and the letters
that go from it.
"""

import asyncio

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sigill.judgement.request_cases import CaseFault, letter_offers
from sigill.operations import cases as operations
from sigill.operations.cases import MOST_CASES, CaseError, CaseView
from sigill.operations.operators import LOOKERS, OPERATORS
from sigill.operations.protected_identity import named_in
from sigill.policy.calendar import swedish_date
from sigill.policy.cases import (
    AskedAuthority,
    AuthorityAnswer,
    CaseEntry,
    CaseEntryKind,
    LetterArrival,
    closing,
    enquiries,
    letters_sent,
    replies,
    standing,
)
from sigill.policy.console_lexicon import CASE_FAULT, LETTER_OBJECTION
from sigill.policy.effects import Sentence
from sigill.rulebook_docs.letters import (
    DELIVERY,
    NO_ADDRESS,
    LetterError,
    letter_html,
    letter_pdf,
    letter_title,
)
from sigill.store import cases as stored
from sigill.store import orders
from sigill.store.audit import Json
from sigill.web.console.context import (
    GONE,
    OUTSIDE,
    ConsoleContext,
    day_of,
    done,
    get,
    number_of,
    offset_of,
    order_id_of,
    post,
    reason_of,
    text_of,
)
from sigill.web.console.pages.orders import order as order_page
from sigill.web.console.rendering import language_of
from sigill.web.console.returned_forms import FormFault
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import PersonId

PAGE = 50
_LONGEST = 200


async def case_list(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """Open cases, what is due first ahead, and nobody named."""
    offset, bound = offset_of(request), session.operator.bound
    counts_only = not session.operator.may(LOOKERS)
    async with desk.store.reading() as tx:
        total = await stored.count_open(tx, bound)
        lines = [] if counts_only else await operations.open_cases(tx, desk.books, bound, desk.clock.now())
        shown = lines[offset : offset + PAGE]
        hidden = await desk.hidden(
            session,
            {who for found_case in shown for who in (found_case.patient, *found_case.request.asked_by)},
            tx,
        )
    return desk.page(
        request,
        "cases.html",
        session,
        lines=[
            (found_case, bool(hidden & {found_case.patient, *found_case.request.asked_by}))
            for found_case in shown
        ],
        total=total,
        listed=len(lines),
        most=MOST_CASES,
        counts_only=counts_only,
        today=swedish_date(desk.clock.now()),
        offset=offset,
        page=PAGE,
    )


async def case_by_id(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """Where a list leads to: the page of the case that began with an order."""
    order_id = order_id_of(request.path_params["order_id"])
    if order_id is None:
        return desk.sorry(request, session, 404, GONE, back="/cases")
    async with desk.store.reading() as tx:
        found = (await orders.registrations(tx, [order_id])).get(order_id)
    if found is None:
        return desk.sorry(request, session, 404, GONE, back="/cases")
    return RedirectResponse(f"/cases/{found}", 303)


async def case(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """One case. Each look is a line in the access log."""
    registration, now = number_of(request.path_params["registration"]), desk.clock.now()
    view = await _view(desk, registration)
    if view is None:
        return desk.sorry(request, session, 404, GONE, back="/cases")
    if (refused := await _withheld(request, desk, session, view)) is not None:
        return refused
    view = view.seen_by(session.operator.bound)
    async with desk.store.transaction(now) as tx:
        await desk.looked(tx, session.operator, view.key.patient, "case page", f"case {view.number}")
    entries = view.case.entries
    return desk.page(
        request,
        "case.html",
        session,
        view=view,
        case=view.case,
        standing=view.standing,
        entries=[(entry, entry in standing(entries)) for entry in entries],
        enquiries=enquiries(entries),
        replies=replies(entries),
        closing=closing(entries),
        authorities=list(AskedAuthority),
        answers=list(AuthorityAnswer),
        today=swedish_date(now),
        offers=letter_offers(view.case, now),
        letters=letters_sent(entries),
        arrivals=list(LetterArrival),
        by_receipt={n for n, one in view.case.letters.items() if one.needs_receipt},
        titles=_titles(request, view),
        delivery=DELIVERY,
    )


def _titles(request: Request, view: CaseView) -> dict[str, str]:
    """What the region's letters are called, by name."""
    english = language_of(request) == "en"
    return {name: letter_title(name, one, english=english) for name, one in view.case.letters.items()}


async def _view(desk: ConsoleContext, registration: int | None) -> CaseView | None:
    if registration is None:
        return None
    async with desk.store.reading() as tx:
        return await operations.case_of(tx, registration, desk.books, desk.clock.now())


async def _withheld(
    request: Request, desk: ConsoleContext, session: Session, view: CaseView
) -> Response | None:
    """Why a case is not for this session: outside its regions and units, or about somebody hidden; None: it is."""
    if not view.within(session.operator.bound):
        return desk.sorry(request, session, 403, OUTSIDE, back="/cases")
    async with desk.store.reading() as tx:
        hidden = await desk.hidden(session, (*view.people, *await named_in(tx, view.texts)), tx)
    return await desk.refuse_hidden(request, session, hidden, "case page", "/cases") if hidden else None


_ACTS = {
    "asked": CaseEntryKind.AUTHORITY_ASKED,
    "answered": CaseEntryKind.AUTHORITY_ANSWERED,
    "replied": CaseEntryKind.REPLIED,
    "sent": CaseEntryKind.LETTER_SENT,
    "received": CaseEntryKind.LETTER_RECEIVED,
    "withdrawn": CaseEntryKind.WITHDRAWN,
    "closed": CaseEntryKind.CLOSED,
}


async def case_entry(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Write something down. What cannot be written is said on the page, with everything that was typed."""
    registration, now = number_of(request.path_params["registration"]), desk.clock.now()
    kind = _ACTS.get(request.path_params["act"])
    view = await _view(desk, registration)
    if view is None or registration is None or kind is None:
        return desk.sorry(request, session, 404, GONE, back="/cases")
    if (refused := await _withheld(request, desk, session, view)) is not None:
        return refused
    today = swedish_date(now)
    try:
        day = today if kind in _TODAY else day_of(text_of(form, "day"))
    except ValueError:
        raise FormFault(_told(CaseFault.DAY)) from None
    asker = number_of(text_of(form, "asker"))
    entry = CaseEntry(
        0,
        kind,
        day,
        session.operator.name,
        now,
        code=text_of(form, "code") or None,
        about=number_of(text_of(form, "about")),
        asker=None if asker is None else PersonId(str(asker)),
        name=text_of(form, "name", _LONGEST) or None,
        reference=text_of(form, "reference", _LONGEST) or None,
        remark=text_of(form, "remark") or None,
    )
    try:
        written = await _written(desk, session, view, entry)
    except CaseError as error:
        raise FormFault(_told(error.fault)) from None
    if not written:
        return desk.sorry(request, session, 404, GONE, back="/cases")
    return done(f"/cases/{registration}", "written")


async def _written(desk: ConsoleContext, session: Session, view: CaseView, entry: CaseEntry) -> bool:
    """Write an entry down, with a line in the audit chain; False: the case is not there. Raises CaseError."""
    async with desk.store.transaction(entry.at) as tx:
        found = await operations.write_down(tx, view.key.registration, entry, desk.books)
        if found is None:
            return False
        body: dict[str, Json] = {
            "order_id": view.key.order_id,
            "registration": view.key.registration,
            "entry": found[1],
        }
        await desk.note(tx, session.operator, f"case_{entry.kind}", body, view.key.patient)
    return True


def _told(fault: CaseFault) -> dict[str, Sentence]:
    """A fault at its field; at none where it is about the case."""
    return {_FIELDS.get(fault, ""): CASE_FAULT[fault]}


_FIELDS = {
    CaseFault.CODE: "code",
    CaseFault.DAY: "day",
    CaseFault.REFERENCE: "reference",
    CaseFault.POSTING_NUMBER: "reference",
    CaseFault.NAME: "name",
    CaseFault.REASON: "remark",
}
_TODAY = frozenset({CaseEntryKind.WITHDRAWN, CaseEntryKind.CLOSED})
"""What happens as it is written down."""


async def begin_case(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Open a case with an order that asks for nothing: the resident calls about an own seal (JH-11)."""
    registration, now = number_of(request.path_params["registration"]), desk.clock.now()
    async with desk.store.reading() as tx:
        view = (
            None
            if registration is None
            else await operations.case_of(tx, registration, desk.books, now, or_as_if_opened=True)
        )
    if view is None or registration is None:
        return desk.sorry(request, session, 409, CASE_FAULT[CaseFault.NOTHING_STANDS], back="/orders")
    if (refused := await _withheld(request, desk, session, view)) is not None:
        return refused
    reason = reason_of(form)
    day = swedish_date(now)
    entry = CaseEntry(0, CaseEntryKind.OPENED, day, session.operator.name, now, remark=reason)
    try:
        written = await _written(desk, session, view, entry)
    except CaseError as error:
        if error.fault is CaseFault.NOT_OPEN:  # somebody was faster
            return done(f"/cases/{registration}", "gone")
        raise FormFault({"": CASE_FAULT[error.fault]}, 409) from None
    if not written:
        return desk.sorry(request, session, 404, GONE, back=f"/orders/{registration}")
    return done(f"/cases/{registration}", "case_opened")


# --- letters


async def case_letter(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """A letter as it would go, with lines for the pen where nothing is known."""
    asked = request.query_params
    return await _letter(request, desk, session, number_of(asked.get("to")), asked.get("language"))


async def case_letter_print(
    request: Request, desk: ConsoleContext, session: Session, form: FormData
) -> Response:
    """The same with name and address as they were typed for this one print, as a page or as PDF. They are not kept."""
    lines = [line.strip() for line in text_of(form, "recipient", MOST_OF_RECIPIENT).splitlines()]
    return await _letter(
        request,
        desk,
        session,
        number_of(text_of(form, "to")),
        text_of(form, "language"),
        tuple(line for line in lines if line),
        as_pdf=text_of(form, "as") == "pdf",
    )


MOST_OF_RECIPIENT = 400
"""Characters of a recipient's name and address at most."""


async def _letter(
    request: Request,
    desk: ConsoleContext,
    session: Session,
    to: int | None,
    language: str | None,
    recipient: tuple[str, ...] = (),
    *,
    as_pdf: bool = False,
) -> Response:
    registration, name, now = (
        number_of(request.path_params["registration"]),
        request.path_params["letter"],
        desk.clock.now(),
    )
    view = await _view(desk, registration)
    if view is None:
        return desk.sorry(request, session, 404, GONE, back="/cases")
    if (refused := await _withheld(request, desk, session, view)) is not None:
        return refused
    back = f"/cases/{registration}"
    who = None if to is None else PersonId(str(to))
    offer = next(
        (
            letter
            for letter in letter_offers(view.case, now)
            if letter.name == name and letter.recipient == who
        ),
        None,
    )
    region = desk.books.regions.get(view.case.request.region)
    today = swedish_date(now)
    version = None if region is None else region.in_force(today)
    if offer is None or region is None or version is None:
        return desk.sorry(request, session, 404, GONE, back=back)
    if offer.objection is not None:
        return desk.sorry(request, session, 409, LETTER_OBJECTION[offer.objection], back=back)
    async with desk.store.transaction(now) as tx:
        await desk.looked(
            tx,
            session.operator,
            view.key.patient,
            "letter from the case",
            f"letter {name} in case {view.number}",
        )
    protected = operations.recipient_is_protected(view, offer.recipient, now)
    details = operations.letter_details(view, offer, recipient, now)
    english, trouble = language == "en", None
    if as_pdf:
        try:
            made = await asyncio.to_thread(
                letter_pdf, region, version, offer.letter, today, details, english=english
            )
        except LetterError as error:
            trouble = error.said
        else:
            return Response(
                made,
                media_type="application/pdf",
                headers={
                    "Content-Disposition": f'attachment; filename="{registration}-{name}.pdf"',
                    "Cache-Control": "no-store",
                },
            )
    return desk.page(
        request,
        "case_letter.html",
        session,
        200 if trouble is None else 422,
        trouble=trouble,
        view=view,
        offer=offer,
        title=letter_title(name, offer.letter, english=language_of(request) == "en"),
        protected=protected,
        recipient="\n".join(recipient),
        letter_language="en" if english else "sv",
        shown=letter_html(region, version, offer.letter, today, details, english=english),
        delivery=DELIVERY,
        no_address=NO_ADDRESS,
        most=MOST_OF_RECIPIENT,
    )


ROUTES = [
    get("/cases", case_list),
    get("/cases/by-id/{order_id}", case_by_id, LOOKERS),
    get("/cases/{registration}", case, LOOKERS),
    get("/cases/{registration}/letters/{letter}", case_letter, OPERATORS),
    post("/cases/{registration}/letters/{letter}", case_letter_print, OPERATORS),
    post("/cases/{registration}/begin", begin_case, OPERATORS, order_page),
    post("/cases/{registration}/{act}", case_entry, OPERATORS, case),
]
