"""The form for an urgent order by phone."""

from uuid import UUID, uuid4

import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.operator_signing import NoKey
from sigill.operations.operators import OPERATORS
from sigill.operations.phone_order import EntryFault, NotFilledIn, form_of, record_of
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Sentence
from sigill.stream.connection import BrokerDown, StreamStopped
from sigill.web.console.context import ConsoleContext, done, get, post
from sigill.web.console.sessions import Session
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import Attestation, Form, Initiative, Role

log = structlog.get_logger("sigill.console")
REPEATED = ("attestations",)


async def phone_form(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """An empty form."""
    return _show(request, desk, session, {"urgent": "yes"}, ())


async def phone_send(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """
    Sign what was entered with the operator's key and put it on the topic, like every other order.

    The order's id is drawn with the page, so that the same page sent twice is the same order.
    """
    entries: dict[str, str] = {name: value for name, value in form.items() if isinstance(value, str)}
    entries |= {name: " ".join(str(one) for one in form.getlist(name)) for name in REPEATED}
    if desk.signers is None:
        return desk.sorry(request, session, 404, _NO_KEYS)
    now = desk.clock.now()
    try:
        order = form_of(
            entries,
            order_id=_order_id(entries),
            audience=desk.settings.audience,
            now=now,
            numbers=desk.numbers,
        )
        signer = desk.signers.of(session.operator)
        record = record_of(order, signer, desk.keys, desk.settings.topic(ORDERS.name), now)
    except NotFilledIn as wrong:
        return _show(request, desk, session, entries, wrong.faults, status=422)
    except NoKey as missing:
        log.warning("no signing key", operator=session.operator.name, why=str(missing))
        return desk.sorry(request, session, 409, _NO_KEY, back="/phone")
    try:
        await desk.sending.send([record])
    except (BrokerDown, StreamStopped) as error:
        log.warning("phone order not sent", error=type(error).__name__)
        return _show(request, desk, session, entries, (EntryFault("", _NOT_SENT),), status=503)
    async with desk.store.transaction(now) as tx:
        body = {"order_id": str(order.order_id), "form": str(order.form), "region": order.region}
        await desk.note(tx, session.operator, "phone_order_sent", body)
    return done(f"/orders/by-id/{order.order_id}", "sent")


def _order_id(entries: dict[str, str]) -> UUID:
    try:
        return UUID(entries.get("order_id", ""))
    except ValueError:
        return uuid4()


def _show(
    request: Request,
    desk: ConsoleContext,
    session: Session,
    entries: dict[str, str],
    faults: tuple[EntryFault, ...],
    status: int = 200,
) -> Response:
    today = swedish_date(desk.clock.now())
    regions = [region for code, region in sorted(desk.books.regions.items()) if not region.national]
    return desk.page(
        request,
        "phone.html",
        session,
        status,
        entries={**entries, "order_id": str(_order_id(entries))},
        faults={fault.field: fault.text for fault in faults},
        regions=regions,
        forms=[
            form
            for form in Form
            if any((version := region.in_force(today)) and version.offers(form) for region in regions)
        ],
        initiatives=[one for one in Initiative if one is not Initiative.REGISTER],
        roles=[role for role in Role if role is not Role.SUPPORT_OPERATOR],
        attestations=list(Attestation),
        own_attestations=[
            (f"{region.region}:{word}", Sentence(words.sv, words.en))
            for region in regions
            for word, words in region.attestations.items()
        ],
        ready=_ready(desk, session),
    )


def _ready(desk: ConsoleContext, session: Session) -> bool:
    if desk.signers is None:
        return False
    try:
        desk.signers.of(session.operator)
    except NoKey:
        return False
    return True


_NO_KEYS = Sentence(
    "Telefonbeställningar är inte påslagna: inga nycklar är angivna.",
    "Phone orders are not switched on: no keys are configured.",
)
_NO_KEY = Sentence(
    "Det finns ingen underskriftsnyckel för dig. Inget har skickats.",
    "There is no signing key for you. Nothing was sent.",
)
_NOT_SENT = Sentence(
    "Kafka svarar inte, så det är osäkert om beställningen kom fram. Skicka igen: samma id räknas bara en gång.",
    "Kafka does not answer, so it is unsure whether the order arrived. Send again: the same id counts once only.",
)
ROUTES = [get("/phone", phone_form, OPERATORS), post("/phone", phone_send, OPERATORS)]
