"""
One search for everything that has a number of its own: an order's id, a registration number, a pseudonym, a dead letter.

What is asked comes in the body and stands in no address; it leads to the page that is logged, or asks for a reason. A
person's own number is carried on to the page that asks why.
"""

import re
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sigill.operations.operators import LOOKERS
from sigill.policy.effects import Sentence
from sigill.policy.identity_numbers import NumberError, compact
from sigill.processing.patient_keys import shaped_like_a_key
from sigill.store import dead_letters, orders, persons
from sigill.web.console.context import TOO_OFTEN, ConsoleContext, post, text_of
from sigill.web.console.pages.orders import registered_under
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import OrderId, PersonId

_PSEUDONYM = re.compile(r"[Pp]-([0-9]{1,9})")
_LETTER = re.compile(r"#([0-9]{1,9})")
_AN_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
LONGEST = 200


async def find(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Go to what was asked for; say what can be asked for when it is nothing of ours."""
    if not desk.searches.allowed(session.operator.name):
        return desk.sorry(request, session, 429, TOO_OFTEN)
    asked = text_of(form, "q", LONGEST)
    if _named_by_us(asked):
        person, where = await _found(desk, asked)
        if person is not None and (hidden := await desk.hidden(session, (person,))):
            return await desk.refuse_hidden(request, session, hidden, "search", "/")
        if where is not None:
            return RedirectResponse(where, 303)
    elif _like_a_number(desk, asked):
        return desk.page(request, "person_start.html", session, asked=asked)
    elif (
        where := await _registered(desk, asked)
    ) is not None:  # a region's own series may look like anything
        return RedirectResponse(where, 303)
    return desk.sorry(request, session, 404, _NOTHING)


def _named_by_us(asked: str) -> bool:
    """Whether a text has the form of something that we number; a person's number has none of these forms."""
    return (
        asked.upper().startswith("SIGILL-")
        or _PSEUDONYM.fullmatch(asked) is not None
        or _LETTER.fullmatch(asked) is not None
        or shaped_like_a_key(asked.encode()) is not None
        or _uuid(asked) is not None
    )


async def _found(desk: ConsoleContext, asked: str) -> tuple[PersonId | None, str | None]:
    """The address of what has this number, which names nobody; with the person whom a pseudonym stands for."""
    if (pseudonym := _PSEUDONYM.fullmatch(asked)) is not None:
        return None, f"/person/{int(pseudonym[1])}"
    async with desk.store.reading() as tx:
        if (letter := _LETTER.fullmatch(asked)) is not None:
            there = await dead_letters.by_ids(tx, [int(letter[1])])
            return None, f"/dead-letters/{int(letter[1])}" if there else None
        if (key := shaped_like_a_key(asked.encode())) is not None:
            whose = (await persons.resolve_keys(tx, [key])).get(key)
            return whose, None if whose is None else f"/person/{whose}"
        if (order_id := _uuid(asked)) is not None:
            known = await orders.load(tx, [OrderId(order_id)])
            return None, f"/orders/{known[-1].registration}" if known else None
    return None, await _registered(desk, asked)


async def _registered(desk: ConsoleContext, asked: str) -> str | None:
    """The page of the order that is registered under a number."""
    registration = await registered_under(desk, asked)
    return None if registration is None else f"/orders/{registration}"


def _uuid(asked: str) -> str | None:
    return str(UUID(asked)) if _AN_ID.fullmatch(asked) else None


def _like_a_number(desk: ConsoleContext, asked: str) -> bool:
    """Whether a text is somebody's number, or was meant as one: the page for persons says what is wrong with it."""
    number = compact(asked)
    try:
        desk.numbers.read(number)
    except NumberError:
        return number.isdecimal() and len(number) >= 9
    return True


_NOTHING = Sentence(
    "Ingen träff. Sök på beställnings-id, diarienummer, pseudonym (P-…, v1.…), oläsligt meddelande (#…) "
    "eller personnummer.",
    "Nothing found. Search by order id, registration number, pseudonym (P-…, v1.…), dead letter (#…) or "
    "personnummer.",
)

ROUTES = [post("/find", find, LOOKERS)]
