"""Orders: the list with its search, one order with all that was found out about it, and the bytes as they came."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sigill.operations.operators import LOOKERS
from sigill.operations.protected_identity import named_in
from sigill.policy.calendar import STOCKHOLM, midnight
from sigill.policy.console_lexicon import word
from sigill.policy.effects import Sentence
from sigill.policy.identity_numbers import NumberError, compact
from sigill.processing.trust_report import TrustReport
from sigill.store import cases, console, orders, persons, tasks
from sigill.store.console import OrderSearch, SentEvent
from sigill.store.orders import StoredAnswer, StoredOrder
from sigill.store.session import Reading, Tx
from sigill.web.console.context import (
    GONE,
    OUTSIDE,
    TOO_OFTEN,
    UNKNOWN,
    ConsoleContext,
    day_of,
    done,
    get,
    number_of,
    order_id_of,
    post,
    reason_of,
    text_of,
)
from sigill.web.console.rendering import MASK
from sigill.web.console.returned_forms import FormFault
from sigill.web.console.sessions import Session
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import Receipt
from sigill_contracts.vocabulary import (
    PROTECTIVE_FORMS,
    Channel,
    Form,
    OrderId,
    Outcome,
    PersonId,
    RegionCode,
    UnitId,
)

PAGE = 100
MASKED_FIELDS = frozenset(
    {"patient", "guardians", "representative", "motivation", "court_order", "references"}
)
"""Fields of the form that name people or say why: shown only unmasked."""


# --- the list


async def order_list(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """A page of orders, newest first, with how many there are; the rows alone when htmx asks again."""
    if not session.operator.may(LOOKERS):
        return await _counts(request, desk, session)
    query = request.query_params
    asked = query.get("id", "").strip()
    if asked and order_id_of(asked) is None and (found_at := await registered_under(desk, asked)) is not None:
        return RedirectResponse(f"/orders/{found_at}", 303)
    wanted, faults = _wanted(query, session, desk)
    below, seen = number_of(query.get("below")), number_of(query.get("seen")) or 0
    async with desk.store.reading() as tx:
        found = [] if faults else await console.find_orders(tx, wanted, below=below, limit=PAGE + 1)
        total = await console.count_orders(tx, wanted)
        hidden = await desk.hidden_orders(
            session, ((found_order.registration, found_order.patient) for found_order in found), tx
        )
    rows, more = found[:PAGE], len(found) > PAGE
    kept = {name: query[name] for name in _FIELDS if query.get(name)}
    following = {**kept, "below": rows[-1].registration, "seen": seen + len(rows)} if more else None
    return desk.page(
        request,
        "orders_rows.html" if request.headers.get("hx-request") == "true" else "orders.html",
        session,
        rows=rows,
        hidden=hidden,
        total=total,
        first=seen + 1,
        last=seen + len(rows),
        next_page=urlencode(following) if following else None,
        here=urlencode({**kept, **({"below": below, "seen": seen} if below else {})}),
        live=below is None,
        query=query,
        patient=wanted.patient,
        faults=faults,
        regions=sorted(desk.books.regions),
        forms=list(Form),
        outcomes=_OUTCOMES,
    )


async def registered_under(desk: ConsoleContext, number: str) -> int | None:
    """The registration of the order that has a registration number (diarienummer); None: nobody has it."""
    async with desk.store.reading() as tx:
        return next(iter(await orders.numbered(tx, number)), None)


async def _counts(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """How many orders there are in each state, and nothing that joins a form with a unit."""
    async with desk.store.reading() as tx:
        bound = session.operator.bound
        counts = [
            (outcome, await console.count_orders(tx, OrderSearch(outcome=outcome, bound=bound)))
            for outcome in _OUTCOMES
        ]
    return desk.page(request, "orders_counts.html", session, counts=counts)


_OUTCOMES = (Outcome.EXECUTED, Outcome.PENDING, Outcome.REFUSED)
_FIELDS = ("id", "state", "region", "unit", "form", "since", "through", "patient")


def _wanted(
    query: Mapping[str, str], session: Session, desk: ConsoleContext
) -> tuple[OrderSearch, list[str]]:
    """Read the search; the names of fields that cannot be read."""
    faults: list[str] = []

    def read(name: str, how: Any) -> Any:
        text = query.get(name, "").strip()
        if not text:
            return None
        try:
            return how(text)
        except ValueError:
            faults.append(name)
            return None

    through: date | None = read("through", day_of)
    since: date | None = read("since", day_of)
    patient = number_of(query.get("patient"))
    if patient is not None and session.reason(f"orders:{patient}", desk.clock.now()) is None:
        # whose orders these are is known only to whoever typed the number in, for a while
        faults.append("patient")
        patient = None
    return (
        OrderSearch(
            patient=None if patient is None else PersonId(str(patient)),
            region=read("region", RegionCode),
            unit=read("unit", UnitId),
            form=read("form", Form),
            order_id=read("id", lambda text: OrderId(str(UUID(text)))),
            since=None if since is None else midnight(since),
            before=None if through is None else midnight(through + timedelta(days=1)),
            outcome=read("state", Outcome),
            bound=session.operator.bound,
        ),
        faults,
    )


async def order_search(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """
    Find by patient: the number comes in the body, its pseudonym is looked up, and the look is logged.

    A number that nobody has is answered like one without orders, and not told apart by anything but that.
    """
    if not desk.searches.allowed(session.operator.name):
        raise FormFault({"": TOO_OFTEN}, 429)
    person, reason = await person_asked_for(desk, form)
    if hidden := await desk.hidden(session, (person,)):
        return await desk.refuse_hidden(request, session, hidden, reason, "/orders")
    async with desk.store.transaction(desk.clock.now()) as tx:
        await desk.looked(tx, session.operator, person, reason, "orders of the patient, masked")
    await desk.sessions.open(session, f"orders:{person}", reason)
    return RedirectResponse(f"/orders?patient={person}", 303)


async def person_asked_for(desk: ConsoleContext, form: FormData) -> tuple[PersonId, str]:
    """
    The person whose `number` a form holds, and its `reason`. Raises FormFault with what is wrong with either.

    Without a reason nobody is looked for: whether somebody is known here is an answer, too.
    """
    reason = reason_of(form)
    return (await resolve_each(desk, {"number": text_of(form, "number")}))["number"], reason


async def resolve_each(
    desk: ConsoleContext, needed: Mapping[str, str], optional: Mapping[str, str] | None = None
) -> dict[str, PersonId]:
    """
    The persons of some fields' numbers. Raises FormFault with what is wrong with each.

    An `optional` one may be left out, or be somebody whom nobody here knows, and is missing then.
    """
    found: dict[str, PersonId] = {}
    faults: dict[str, Sentence] = {}
    for name, text in (*needed.items(), *(optional or {}).items()):
        if not text and name not in needed:
            continue
        try:
            person = await resolve(desk, text)
        except NumberError as error:
            faults[name] = error.text
            continue
        if person is not None:
            found[name] = person
        elif name in needed:
            faults[name] = UNKNOWN
    if faults:
        raise FormFault(faults)
    return found


async def resolve(desk: ConsoleContext, text: str) -> PersonId | None:
    """
    The person who has a number, by its pseudonymous keys; None for a number that nobody has.

    Raises NumberError for one that cannot be anybody's. What the register has given somebody is found all the same.
    """
    number = compact(text)
    async with desk.store.reading() as tx:
        found = await persons.resolve_keys(tx, desk.keys.every(number))
        if not found:
            desk.numbers.read(number)
            return None
        person = next(iter(found.values()))
        same = await persons.merged(tx, [person])
    return same.get(person, person)


# --- one order


@dataclass(frozen=True, slots=True)
class FormLine:
    """A field of the signed form as shown. `kind` names the vocabulary of its values."""

    field: str
    values: tuple[str | Sentence, ...]
    kind: str | None = None
    masked: bool = False


async def order(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The signed form, every check with its verdict, the rules, the measures, the events; masked by default."""
    registration = number_of(request.path_params["registration"])
    now = desk.clock.now()
    reason = session.reason(f"order:{registration}", now)
    async with desk.store.reading() as tx:
        found = await orders.by_registration(tx, [registration]) if registration is not None else []
        if not found:
            return desk.sorry(request, session, 404, GONE, back="/orders")
        one = found[0]
        answers = (await orders.answers_to(tx, [one.registration])).get(one.registration, ())
        receipts = [_receipt(answer) for answer in answers]
        keys = await _keys(tx, one)
        told = [receipt.receipt_id for receipt in receipts if receipt is not None]
        events = await console.events_of(tx, one.registration, keys, told)
        to_do = await tasks.of_orders(tx, [one.order_id]) if one.order_id and one.proven else []
        case = await cases.by_registration(tx, one.registration)
        if not session.operator.bound.covers(one.region, one.unit):
            return desk.sorry(request, session, 403, OUTSIDE, back="/orders")
        hidden = await _hidden(desk, tx, session, one)
        named = await named_in(tx, [event.payload for event in events] if reason else ())
        unnamed = await desk.hidden(session, named, tx)
    if hidden:
        return await desk.refuse_hidden(request, session, hidden, reason or "order page", "/orders")
    if one.patient is not None:
        shown = f"order {one.registration_number}, {'unmasked' if reason else 'masked'}"
        async with desk.store.transaction(now) as tx:
            await desk.looked(tx, session.operator, one.patient, reason or "order page", shown)
    return desk.page(
        request,
        "order.html",
        session,
        order=one,
        diary_number=one.registration_number,
        lines=lines_of(one.payload, unmasked=reason is not None, names=desk.watch.unit_names),
        by_phone=_by_phone(one.payload),
        trust=TrustReport.model_validate_json(one.trust_report),
        answers=list(zip(answers, receipts, strict=True)),
        last=receipts[-1] if receipts else None,
        events=[
            _event(event, unmasked=reason is not None and not unnamed)
            for event in events
            if _mine(event, one)
        ],
        tasks=to_do,
        case=case,
        may_open=one.proven and one.original is not None and one.form in PROTECTIVE_FORMS,
        unmasked=reason,
        size=len(one.original) if one.original else 0,
    )


async def order_by_id(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """Where a phone order has gone: its page as soon as intake has filed it, until then a page that waits."""
    order_id = order_id_of(request.path_params["order_id"])
    if order_id is None:
        return desk.sorry(request, session, 404, GONE, back="/orders")
    async with desk.store.reading() as tx:
        found = (await orders.registrations(tx, [order_id])).get(order_id)
        if found is None:
            unproven = await orders.load(tx, [order_id])
            found = unproven[-1].registration if unproven else None
    if found is None:
        return desk.page(request, "order_waits.html", session, order_id=order_id)
    if request.headers.get("hx-request") == "true":
        return Response(status_code=200, headers={"HX-Redirect": f"/orders/{found}"})
    return RedirectResponse(f"/orders/{found}", 303)


async def unmask_order(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Show one order unmasked for a while: an act of its own, with a reason, in the audit chain."""
    registration = number_of(request.path_params["registration"])
    reason = reason_of(form)
    one = await _load(desk, registration)
    if one is None:
        return desk.sorry(request, session, 404, GONE, back="/orders")
    if (refused := await withheld(request, desk, session, one, reason)) is not None:
        return refused
    async with desk.store.transaction(desk.clock.now()) as tx:
        await _note(desk, tx, session, "order_unmasked", one, reason)
    await desk.sessions.open(session, f"order:{registration}", reason)
    return done(f"/orders/{registration}", "unmasked")


async def raw_order(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """The bytes exactly as they came: an act of its own, with a reason, in the audit chain."""
    registration = number_of(request.path_params["registration"])
    reason = reason_of(form)
    one = await _load(desk, registration)
    if one is None or one.original is None:
        return desk.sorry(request, session, 404, GONE, back="/orders")
    if (refused := await withheld(request, desk, session, one, reason)) is not None:
        return refused
    async with desk.store.transaction(desk.clock.now()) as tx:
        await _note(desk, tx, session, "order_bytes_taken", one, reason)
    name = f"{orders.file_name(one.registration_number)}.{_EXTENSIONS.get(one.content_type or '', 'bin')}"
    return Response(
        one.original,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


_EXTENSIONS = {"application/jose": "jws", "application/jose+json": "jws.json", "application/xml": "xml"}


async def _hidden(
    desk: ConsoleContext, tx: Reading, session: Session, one: StoredOrder
) -> frozenset[PersonId]:
    """Whom an order is about or names, proven or not, and who has protected identity that the session may not be shown."""
    named = await named_in(tx, (one.payload, one.original))
    return await desk.hidden(session, (one.patient, *named), tx)


async def withheld(
    request: Request, desk: ConsoleContext, session: Session, one: StoredOrder, reason: str
) -> Response | None:
    """Why an order is not for this session: outside its regions and units, or about somebody hidden; None: it is."""
    if not session.operator.bound.covers(one.region, one.unit):
        return desk.sorry(request, session, 403, OUTSIDE, back="/orders")
    async with desk.store.reading() as tx:
        hidden = await _hidden(desk, tx, session, one)
    return await desk.refuse_hidden(request, session, hidden, reason, "/orders") if hidden else None


def _by_phone(payload: str | None) -> bool:
    try:
        return bool(json.loads(payload or "{}").get("channel") == Channel.PHONE)
    except (ValueError, AttributeError):
        return False


async def _load(desk: ConsoleContext, registration: int | None) -> StoredOrder | None:
    if registration is None:
        return None
    async with desk.store.reading() as tx:
        found = await orders.by_registration(tx, [registration])
    return found[0] if found else None


async def _note(
    desk: ConsoleContext, tx: Tx, session: Session, action: str, one: StoredOrder, reason: str
) -> None:
    """Log an act about an order's patient; of an unproven order, about the person whom it claims to be about."""
    person = one.patient or await _claimed(desk, tx, one)
    body = {"order_id": one.order_id, "registration": one.registration}
    await desk.note(tx, session.operator, action, body, person, {"reason": reason} if person else None)
    if person is not None:
        shown = f"{action} {one.registration_number}"
        await desk.looked(tx, session.operator, person, reason, shown)


async def _claimed(desk: ConsoleContext, tx: Reading, one: StoredOrder) -> PersonId | None:
    try:
        number = str(json.loads(one.payload or "{}")["patient"]["id"])
        keys = desk.keys.every(number)
    except (ValueError, KeyError, TypeError):
        return None
    return next(iter((await persons.resolve_keys(tx, keys)).values()), None)


async def _keys(tx: Reading, one: StoredOrder) -> list[str]:
    if one.patient is None:
        return []
    found = await persons.identities_of(tx, [one.patient])
    return [key for _, key in found.get(one.patient, ())]


def lines_of(
    payload: str | None, *, unmasked: bool, names: Mapping[str, str] = MappingProxyType({})
) -> list[FormLine]:
    """
    The form's fields as they are shown, in the form's order; what names people is masked unless `unmasked`.

    `names` are the names of units by HSA-id.
    """
    if payload is None:
        return []
    try:
        form = json.loads(payload)
    except ValueError:
        return []
    lines: list[FormLine] = []
    if not isinstance(form, dict):
        return lines
    # the store keeps members in an order of its own
    for name, value in ((name, form.get(name)) for name in SignedForm.model_fields):
        if value is None or value == [] or (value is False and name != "given"):
            continue
        hidden = name in MASKED_FIELDS and not unmasked
        shown = (MASK,) if hidden else tuple(_shown(name, value, names))
        lines.append(FormLine(name, shown, None if hidden else _KINDS.get(name), hidden))
    return lines


_KINDS = {
    "form": "form",
    "initiative": "initiative",
    "channel": "channel",
    "attestations": "attestation",
    "opinion": "opinion",
    "inform": "told",
    "urgent": "told",
    "given": "told",
}
_MOMENTS = frozenset({"decided_at"})


def _shown(name: str, value: Any, names: Mapping[str, str]) -> list[str | Sentence]:
    match value:
        case list():
            return [text for item in value for text in _shown(name, item, names)]
        case dict() if "sha256" in value:
            rest = f"{value['id']} (SHA-256 {value['sha256']})"
            return [_with_words("document", value["kind"], "{}: " + rest)]
        case dict() if "id" in value:
            return [str(value["id"])]
        case dict() if "hsa_id" in value:
            unit = str(value.get("unit", ""))
            place = names.get(unit, unit)
            return [_with_words("role", value.get("role", ""), f"{value['hsa_id']}, {{}}, {place}")]
        case dict() if name == "inform":
            said = {key: told for key, told in value.items() if told is not None}
            return [key if told else f"not_{key}" for key, told in said.items()] or ["as_the_rules_say"]
        case dict():
            return [
                f"{key.replace('_', ' ')}: {part}" for key, part in value.items() if part not in (None, False)
            ]
        case bool():
            return ["yes" if value else "no"]
        case str() if name == "decided_at":
            return [datetime.fromisoformat(value).astimezone(STOCKHOLM).strftime("%Y-%m-%d %H:%M")]
        case _:
            return [f"{names[value]} ({value})" if name == "units" and value in names else str(value)]


def _with_words(kind: str, code: str, text: str) -> Sentence:
    """A text with a code's words in the place of `{}`."""
    return Sentence(*(text.replace("{}", word(kind, code, language)) for language in ("sv", "en")))


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event of an order: its topic, and of what it says the parts that are shown, each where it has one."""

    event: SentEvent
    track: str
    whom: str = ""
    service: str | None = None
    unit: str | None = None
    access: str | None = None
    outcome: str | None = None
    template: str | None = None
    suppressed: str | None = None


def _mine(event: SentEvent, one: StoredOrder) -> bool:
    """A batch may hold several orders of a patient: events that name another order are not of this one."""
    if event.payload is None:
        return True
    try:
        named = json.loads(event.payload).get("order_id")
    except (ValueError, AttributeError):
        return False
    return named is None or str(named) == one.order_id


def _event(event: SentEvent, *, unmasked: bool) -> ShownEvent:
    track = event.topic[event.topic.find("access.") :] if "access." in event.topic else event.topic
    body = json.loads(event.payload) if event.payload else {}
    person = body.get("viewer") or body.get("recipient", {}).get("person")
    whom = "" if person is None else str(person.get("id", "")) if unmasked else MASK
    return ShownEvent(
        event,
        track,
        whom=whom or str(body.get("recipient", {}).get("kind", "")),
        service=body.get("service"),
        unit=body.get("unit"),
        access=body.get("access"),
        outcome=body.get("outcome"),
        template=body.get("template"),
        suppressed=body.get("suppressed"),
    )


def _receipt(answer: StoredAnswer) -> Receipt | None:
    if answer.receipt is None:
        return None
    try:
        return Receipt.model_validate_json(answer.receipt)
    except ValidationError:
        return None


ROUTES = [
    get("/orders", order_list),
    post("/orders/search", order_search, LOOKERS, order_list),
    get("/orders/by-id/{order_id}", order_by_id, LOOKERS),
    get("/orders/{registration}", order, LOOKERS),
    post("/orders/{registration}/unmask", unmask_order, LOOKERS, order),
    post("/orders/{registration}/bytes", raw_order, LOOKERS, order),
]
