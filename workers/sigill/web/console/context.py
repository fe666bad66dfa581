"""
What every page has at hand, and the door in front of each: logged in, the right role, not forged, not too often.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from urllib.parse import parse_qsl, quote
from uuid import UUID

import structlog
from markupsafe import Markup, escape
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route

from sigill.operations.operator_signing import Signers
from sigill.operations.operators import EVERYBODY, PROTECTED_READERS, ConsoleRole, Operator
from sigill.operations.phone_order import Sending
from sigill.operations.protected_identity import hidden_from, orders_about_protected
from sigill.operations.queue_figures import QueueWatch
from sigill.operations.rulebook_drafts import CountImpact, DraftTrial
from sigill.policy.effects import Sentence
from sigill.policy.identity_numbers import NumberRules
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import Citations, PolicyProvider
from sigill.processing.patient_keys import KeyRing
from sigill.runtime.clock import Clock
from sigill.runtime.logging import mask
from sigill.runtime.settings import Settings
from sigill.store import access_log, audit
from sigill.store.access_log import LOOKS, AccessLogEntry
from sigill.store.audit import AuditEntry, Json
from sigill.store.session import Reading, Store, Tx, passing
from sigill.web.console.login import Issuer, IssuerSilent, LoginRefused, TrialLinks
from sigill.web.console.rendering import Pages
from sigill.web.console.returned_forms import FormFault, return_form
from sigill.web.console.sessions import KEPT_FOR, Login, Session, Sessions
from sigill.web.http.security import Attempts, forged, network_of
from sigill.web.http.serving import address_of
from sigill_contracts.vocabulary import OrderId, PersonId, RegionCode

log = structlog.get_logger("sigill.console")
COOKIE, COOKIE_HTTPS = "sigill_session", "__Host-sigill_session"
KEPT, KEPT_HTTPS = "sigill_kept", "__Host-sigill_kept"
"""The cookie that opens a form which came when its session was over."""
CHAIN = "console"
"""The audit chain of what operators do."""
LONGEST_REASON = 500
EARLIEST, LATEST = 1900, 2200
"""Years between which dates are taken: calendars and databases end, and sums with their ends do not exist."""
ASKED_AGAIN = timedelta(seconds=30)
"""How long one process has for asking the issuer about a session, and how long until a silent one is asked again."""
WAIT = 0.2
_FORM = "application/x-www-form-urlencoded"
"""How browsers encode every form of ours."""
MOST_UNASKED = 32_768
"""Bytes of a form that anybody may send: the longest is an issuer's logout token."""
MOST_BYTES = 2_000_000
"""Of what a page's form sends: the longest is a draft of a rulebook, whose characters take several bytes each."""


@dataclass(slots=True)
class ConsoleContext:
    """
    The console's parts. `auditors` is the store as the auditor's role sees it; None: those pages are not offered.

    `signers` None: no phone order can be entered. `https`: browsers come by TLS, so cookies are bound to it.
    """

    store: Store
    auditors: Store | None
    settings: Settings
    clock: Clock
    rules: PolicyProvider
    books: Rulebooks
    """The rulebooks that one request is answered by, with `citations`."""
    citations: Citations
    keys: KeyRing
    numbers: NumberRules
    sessions: Sessions
    pages: Pages
    watch: QueueWatch
    sending: Sending
    signers: Signers | None
    issuer: Issuer | None
    links: TrialLinks | None
    https: bool
    cookie_secret: str
    trial: DraftTrial
    """Tries drafts of rulebooks."""
    impact: CountImpact | None = None
    """Counts whom a draft would touch; None: nobody is counted here."""
    counting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One count at a time: each takes a thread, a connection and a core for as long as two minutes."""
    logins: Attempts = field(default_factory=lambda: Attempts(burst=10, each_minute=10))
    """Tries of one-time links, by address."""
    exchanges: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(20))
    """Questions to the issuer side by side: more of them wait, and nobody is refused for what others tried."""
    back_channel: Attempts = field(default_factory=lambda: Attempts(burst=200, each_minute=600))
    searches: Attempts = field(default_factory=lambda: Attempts(burst=30, each_minute=30))
    """Tries to find somebody, by operator."""
    counts: Attempts = field(default_factory=lambda: Attempts(burst=10, each_minute=1 / 60))
    """Of whom a draft of rules would touch: many counts of almost the same people tell of the few between them."""
    kept: Attempts = field(default_factory=lambda: Attempts(burst=20, each_minute=10))
    """Forms that came when their session was over, by address."""
    pages_asked: Attempts = field(default_factory=lambda: Attempts(burst=1200, each_minute=1200))
    """Pages and acts, by operator: far more than a person reads."""

    async def with_rules(self) -> "ConsoleContext":
        """The parts with the rulebooks that hold now, for one request."""
        async with self.store.looking() as tx:
            now = await self.rules.context_for(tx, self.clock.now())
        if now.books is self.books:
            return self
        self.watch.sources = now.books.sources
        return replace(self, books=now.books, citations=now.citations)

    @property
    def cookie(self) -> str:
        """The session cookie's name; `__Host-` binds it to this host and to TLS."""
        return COOKIE_HTTPS if self.https else COOKIE

    @property
    def kept_cookie(self) -> str:
        """The name of the cookie that opens a kept form."""
        return KEPT_HTTPS if self.https else KEPT

    def runbook(self, page: str) -> str | None:
        """Address of a page of the runbook; None: nobody has said where the documentation is read."""
        base = self.settings.docs_url
        return None if base is None else f"{base.rstrip('/')}/runbook/{page}.html"

    async def session_of(self, request: Request) -> Session | None:
        """
        Return the session of a request, after asking the issuer about it where it is time; None: nobody is logged in.
        """
        cookie = request.cookies.get(self.cookie)
        session = await self.sessions.find(cookie)
        if session is None or self.issuer is None:
            return session
        if session.login is None or cookie is None:
            return None  # it was begun before there was an issuer, which can say nothing about it
        every = timedelta(seconds=self.settings.oidc_recheck)
        while session is not None and session.login is not None and session.confirmed_at is not None:
            now = self.clock.now()
            if now < session.confirmed_at + every:
                return session
            if await self.sessions.to_be_asked(session, now - every, now - ASKED_AGAIN):
                return await self._asked(self.issuer, session, session.login, cookie)
            if now < session.confirmed_at + 2 * every:
                return session  # somebody asks right now, or the issuer was silent a moment ago
            await asyncio.sleep(WAIT)
            session = await self.sessions.find(cookie)
        return None

    async def _asked(self, issuer: Issuer, session: Session, login: Login, cookie: str) -> Session | None:
        now = self.clock.now()
        try:
            await self.sessions.confirmed(session, cookie, await issuer.again(login, now))
            return await self.sessions.find(cookie)
        except LoginRefused as refused:
            patience = 2 * timedelta(seconds=self.settings.oidc_recheck)
            silent = isinstance(refused, IssuerSilent)
            log.warning("session not confirmed", code=str(refused), operator=session.operator.name)
            if silent and session.confirmed_at is not None and now < session.confirmed_at + patience:
                return session
            await self.sessions.end(session)
            async with self.store.transaction(now) as tx:
                await self.note(tx, session.operator, "console_session_ended", {"code": str(refused)})
            return None

    def page(
        self, request: Request, template: str, session: Session | None, status: int = 200, **values: object
    ) -> Response:
        """Return a page."""
        return self.pages.page(
            request,
            template,
            session,
            self.clock.now(),
            status,
            notice=_NOTICES.get(request.query_params.get("done", "")),
            problem=_NOTICES.get(code)
            if (code := request.query_params.get("done", "")) in _PROBLEMS
            else None,
            figures=self.watch.figures,
            phone=self.signers is not None,
            auditing=self.auditors is not None,
            once=self.sessions.form_key(session.operator) if session else "",
            form_kept=self.kept_cookie in request.cookies,
            place=self._place,
            region_name=self._region,
            places=lambda units: Markup(", ").join(self._place(unit) for unit in units),
            **values,
        )

    def _region(self, code: str | None) -> str:
        """A region by its name; by its code where no rulebook of it is loaded."""
        region = self.books.regions.get(RegionCode(code or ""))
        return (code or "") if region is None else region.name

    def _place(self, unit: str) -> Markup:
        """A unit by name, its HSA-id behind; by its HSA-id where the directory has told no name."""
        name = self.watch.unit_names.get(unit)
        if name is None:
            return escape(unit)
        return Markup('<span title="{}">{}</span>').format(unit, name)

    def sorry(
        self,
        request: Request,
        session: Session | None,
        status: int,
        text: Sentence,
        back: str = "/",
        again: Sequence[tuple[str, str]] = (),
    ) -> Response:
        """Return a page that says what is wrong and where to go; `again` is a form that can be sent once more."""
        return self.page(request, "sorry.html", session, status, text=text, back=back, again=again)

    async def note(
        self,
        tx: Tx,
        operator: Operator,
        action: str,
        body: Mapping[str, Json],
        person: PersonId | None = None,
        personal: Mapping[str, Json] | None = None,
    ) -> None:
        """Write into the audit chain what an operator does, in the transaction that does it."""
        entry = AuditEntry(CHAIN, operator.name, action, {**body, **by(operator)}, person, personal or {})
        await audit.append(tx, [entry])

    async def hidden(
        self, session: Session, people: Iterable[PersonId | None], tx: Reading | None = None
    ) -> frozenset[PersonId]:
        """Return those of some people whom the session may not be shown, since they have protected identity."""
        if tx is not None:
            return await hidden_from(tx, session.operator, people)
        async with self.store.reading() as own:
            return await hidden_from(own, session.operator, people)

    async def hidden_orders(
        self, session: Session, found: Iterable[tuple[int, PersonId | None]], tx: Reading
    ) -> frozenset[int]:
        """Return those of some orders, by registration, that are about somebody whom the session may not be shown."""
        if session.operator.may(PROTECTED_READERS):
            return frozenset()
        return await orders_about_protected(tx, found)

    async def refuse_hidden(
        self, request: Request, session: Session, people: Iterable[PersonId], reason: str, back: str
    ) -> Response:
        """Say that somebody is hidden, and write into the access log of each that they were asked for."""
        async with self.store.transaction(self.clock.now()) as tx:
            for person in sorted(people):
                await self.looked(tx, session.operator, person, reason, "nothing: protected identity")
        return self.sorry(request, session, 403, HIDDEN, back=back)

    async def looked(self, tx: Tx, operator: Operator, person: PersonId, reason: str, shown: str) -> None:
        """Write into the access log that an operator looked at somebody."""
        look = AccessLogEntry(operator.name, operator.unit, person, reason, shown)
        await access_log.append(tx, [look], chain=LOOKS)


def by(operator: Operator) -> dict[str, Json]:
    """What the audit chain keeps of the login beside the name: `login`, with issuer, subject, level and session."""
    known = {
        "issuer": operator.issuer,
        "sub": None if operator.subject is None else mask(operator.subject),
        "acr": operator.acr,
        "session": operator.session,
    }
    found: dict[str, Json] = {name: value for name, value in known.items() if value is not None}
    return {"login": found} if operator.issuer else {}


Handler = Callable[[Request, ConsoleContext, Session], Awaitable[Response]]
PostHandler = Callable[[Request, ConsoleContext, Session, FormData], Awaitable[Response]]


def desk_of(request: Request) -> ConsoleContext:
    """The desk of the application that serves a request."""
    found: ConsoleContext = request.app.state.desk
    return found


def get(path: str, handler: Handler, roles: Collection[ConsoleRole] = EVERYBODY) -> Route:
    """A page for the logged in with one of the roles."""

    async def endpoint(request: Request) -> Response:
        desk = desk_of(request)
        session = await desk.session_of(request)
        if session is None:
            return _to_login(request)
        if not session.operator.may(roles):
            return _no_right(request, desk, session)
        if not desk.pages_asked.allowed(session.operator.name):
            return desk.sorry(request, session, 429, TOO_OFTEN)
        return await handler(request, await desk.with_rules(), session)

    return Route(path, _guarded(endpoint), methods=["GET"], name=handler.__name__)


def post(
    path: str, handler: PostHandler, roles: Collection[ConsoleRole], page: Handler | None = None
) -> Route:
    """
    An act of the logged in with one of the roles; forged posts are refused before anything is read of them. One that leads
    on to a page is carried out once, however often the form is sent as it is; one that comes when the session is over is
    shown again after the next login.

    `page` shows the form again, with what was typed, when the handler raises `FormFault`; None: it raises none.
    """

    async def endpoint(request: Request) -> Response:
        desk = desk_of(request)
        session = await desk.session_of(request)
        if session is None:
            return await _kept_until_login(request, desk)
        if not desk.pages_asked.allowed(session.operator.name):
            return desk.sorry(request, session, 429, TOO_OFTEN)
        length = request.headers.get("content-length", "")
        if not (length.isascii() and length.isdecimal() and int(length) <= MOST_BYTES):
            return desk.sorry(request, session, 413, _TOO_LARGE, back=request.url.path)
        # a multipart body names the encoding that its fields are read by: one may end in an error, or in half a surrogate pair
        if request.headers.get("content-type", _FORM).partition(";")[0].strip().lower() != _FORM:
            return desk.sorry(request, session, 415, _UNREADABLE_KIND, back=request.url.path)
        async with request.form(max_fields=1200, max_files=0) as form:
            if forged(request, session.csrf, form.get("csrf")):
                log.warning("forged post refused", path=path, operator=session.operator.name)
                return desk.sorry(request, session, 403, _FORGED)
            if _holds_nul(*(value for value in form.values() if isinstance(value, str))):
                return desk.sorry(request, session, 400, _UNREADABLE)
            if not session.operator.may(roles):
                return _no_right(request, desk, session)
            request.state.form = form
            ruled = await desk.with_rules()

            async def carried_out() -> Response:
                try:
                    return await handler(request, ruled, session, form)
                except FormFault as fault:
                    if page is None:
                        raise
                    return_form(request, form, fault)
                return await page(request, ruled, session)

            if not desk.sessions.is_form_key(form.get("once")):
                return await carried_out()
            sent = json.dumps([request.url.path, [[n, str(v)] for n, v in form.multi_items()]]).encode()
            answer = await desk.sessions.carry_out_once(session, sent, carried_out)
            if answer is None:
                return desk.sorry(request, session, 409, _UNDER_WAY)
            kept = request.cookies.get(desk.kept_cookie)
            if (
                answer.status_code == 303
                and kept is not None
                and await desk.sessions.is_kept_form_sent(kept, session.operator, request.url.path)
            ):
                forget_kept(desk, answer)
            return answer

    return FormRoute(path, _guarded(endpoint), handler.__name__, roles, page)


class FormRoute(Route):
    """The route of an act: who may do it, and the page that its form stands on; None: it has none to come back to."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        name: str,
        roles: Collection[ConsoleRole],
        page: Handler | None,
    ) -> None:
        super().__init__(path, endpoint, methods=["POST"], name=name)
        self.roles = roles
        self.page = page


async def _kept_until_login(request: Request, desk: ConsoleContext) -> Response:
    """Keep a form of ours that came when its session was over, and lead its sender to the login."""
    answer = _to_login(request)
    if request.headers.get("hx-request") == "true":
        return answer
    # a cookie that we signed was a session's once: what it was shown may be as large as any form
    was_in = desk.sessions.reference_of(request.cookies.get(desk.cookie, ""))
    form = await small_form(request, most_fields=1200, most_bytes=MOST_BYTES if was_in else MOST_UNASKED)
    if (
        form is None
        or not desk.sessions.is_form_key(form.get("once"))
        or not desk.kept.allowed(client(request))
    ):
        return answer
    fields = [
        (name, value) for name, value in form.multi_items() if isinstance(value, str) and name != "csrf"
    ]
    token = await desk.sessions.keep_form(request.url.path, fields)
    answer.set_cookie(
        desk.kept_cookie,
        token,
        max_age=int(KEPT_FOR.total_seconds()),
        path="/",
        secure=desk.https,
        httponly=True,
        samesite="lax",
    )
    return answer


async def kept_form(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The page of a form that came when its session was over, with everything that was typed; nothing is carried out."""
    found = await desk.sessions.kept_form(request.cookies.get(desk.kept_cookie, ""), session.operator)
    if found is None:
        answer: Response = RedirectResponse("/", 303)
        forget_kept(desk, answer)
        return answer
    path, fields = found
    for route in request.app.routes:
        match, of_route = route.matches({**request.scope, "path": path, "raw_path": b"", "method": "POST"})
        if match is not Match.FULL or not isinstance(route, FormRoute):
            continue
        more = {
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "sigill.back": "/kept",
            "path_params": of_route["path_params"],
        }
        there = Request({**request.scope, **more}, request.receive)
        if not session.operator.may(route.roles):
            return _no_right(there, desk, session)
        if route.page is not None:
            return_form(there, FormData([*fields]), FormFault({"": _SESSION_OVER}, 200))
            return await route.page(there, desk, session)
        again = [(name, value) for name, value in fields if name != "once"]
        return desk.sorry(there, session, 200, _OVER_UNSHOWN, again=_with_tokens(desk, session, again))
    return desk.sorry(request, session, 404, GONE)


def _with_tokens(
    desk: ConsoleContext, session: Session, fields: Sequence[tuple[str, str]]
) -> Sequence[tuple[str, str]]:
    return [("csrf", session.csrf), ("once", desk.sessions.form_key(session.operator)), *fields]


def forget_kept(desk: ConsoleContext, answer: Response) -> None:
    """Let the browser forget the form that was kept for it."""
    answer.delete_cookie(desk.kept_cookie, path="/", secure=desk.https, httponly=True, samesite="lax")


def _guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The database may be down: say so in a page of the console's own."""

    async def outer(request: Request) -> Response:
        if _holds_nul(*request.query_params.values(), *map(str, request.path_params.values())):
            return desk_of(request).sorry(request, None, 400, _UNREADABLE)
        try:
            return await endpoint(request)
        except Exception as error:
            if not passing(error):
                raise
            log.warning("database down", error=type(error).__name__)
            again = await _sent(request) if request.method == "POST" else ()
            back = "/" if request.method == "POST" else request.url.path
            return desk_of(request).sorry(request, None, 503, _DATABASE, back=back, again=again)

    return outer


async def _sent(request: Request) -> Sequence[tuple[str, str]]:
    """What a form held, to be sent once more as it is: its own token with it, which is looked at then."""
    form = getattr(request.state, "form", None) or await small_form(request, most_fields=1200)
    # without the key: how the first try ended is not known, and this one is to be carried out
    return [
        (name, value)
        for name, value in (form or FormData()).multi_items()
        if isinstance(value, str) and name != "once"
    ]


def _holds_nul(*texts: str) -> bool:
    """Whether a text holds U+0000, which no database column and no form of ours can hold."""
    return any("\0" in text for text in texts)


def _to_login(request: Request) -> Response:
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    back = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/login?next={quote(back)}", 303)


def _no_right(request: Request, desk: ConsoleContext, session: Session) -> Response:
    log.warning("role is missing", path=request.url.path, operator=session.operator.name)
    return desk.sorry(request, session, 403, _NO_RIGHT)


def text_of(form: FormData, name: str, longest: int = LONGEST_REASON) -> str:
    """A field as text, stripped and cut; empty when it is missing."""
    value = form.get(name)
    return value.strip()[:longest] if isinstance(value, str) else ""


def reason_of(form: FormData) -> str:
    """The reason that an act takes. Raises FormFault when there is none."""
    reason = text_of(form, "reason")
    if not reason:
        raise FormFault({"reason": NO_REASON})
    return reason


def numbers_of(form: FormData, name: str) -> list[int]:
    """Every whole number of a repeated field, each once, in order."""
    given = {str(value) for value in form.getlist(name)}
    return sorted(int(value) for value in given if value.isascii() and value.isdecimal() and len(value) < 19)


def number_of(text: str | None) -> int | None:
    """
    The number of a row in a path or query; None for anything else.

    Ten digits and more are never one: they may be somebody's identity number, which must not be taken for a row's.
    """
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def order_id_of(text: str) -> OrderId | None:
    """An order's id as the store has it; None for what is no UUID."""
    try:
        return OrderId(str(UUID(text)))
    except ValueError:
        return None


def offset_of(request: Request) -> int:
    """Where a page of a list begins."""
    return number_of(request.query_params.get("from")) or 0


def day_of(text: str | None) -> date:
    """A Swedish date as an input writes it. Raises ValueError for anything else, and for days that no calendar reaches."""
    found = date.fromisoformat(text or "")
    if not EARLIEST <= found.year < LATEST:
        raise ValueError(f"a date lies between {EARLIEST} and {LATEST}")
    return found


def client(request: Request) -> str:
    """The address that tries are counted by: what a named proxy says, and of IPv6 the network that one caller has."""
    return network_of(address_of(request.scope, desk_of(request).settings.console_proxies))


async def small_form(
    request: Request, most_fields: int = 10, most_bytes: int = MOST_UNASKED
) -> FormData | None:
    """
    The form of somebody who is not logged in, as browsers and issuers encode it (`application/x-www-form-urlencoded`); None
    for one that is larger than any that is asked for: nothing more of it is read.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            return None
    try:
        read = parse_qsl(body.decode("utf-8", "replace"), max_num_fields=most_fields)
        return FormData([(name, value) for name, value in read])
    except ValueError:
        return None


def done(path: str, what: str) -> Response:
    """Go to a page that says what was done."""
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}done={what}", 303)


_PROBLEMS = frozenset({"taken", "same"})
"""What `done` tells of that was not done."""
_FORGED = Sentence(
    "Sidan var för gammal eller kom från ett annat håll. Ladda om och försök igen.",
    "The page was too old or came from elsewhere. Load it again and retry.",
)
_UNDER_WAY = Sentence(
    "Formuläret är redan skickat, men det är inte säkert att det hann bli klart. Se efter på sidan innan du skickar det igen.",
    "The form was sent already, and may not have been carried out. Look at the page before you send it again.",
)
_SESSION_OVER = Sentence(
    "Din inloggning var slut när du skickade, så inget har ändrats. Det du skrev finns kvar. Läs igenom det och skicka igen.",
    "Your session was over when you sent it, so nothing was changed. What you wrote is still here. Read it and send it again.",
)
_OVER_UNSHOWN = Sentence(
    "Din inloggning var slut när du skickade, så inget har ändrats. Det du skrev finns kvar och kan skickas igen.",
    "Your session was over when you sent it, so nothing was changed. What you wrote is kept and can be sent again.",
)
_NO_RIGHT = Sentence("Din roll räcker inte för detta.", "Your role does not allow this.")
_DATABASE = Sentence(
    "Databasen svarar inte just nu. Inget har ändrats; försök igen om en stund.",
    "The database does not answer just now. Nothing was changed; try again in a while.",
)
_UNREADABLE = Sentence(
    "Något i frågan går inte att läsa: det innehåller ett nolltecken. Skriv om det.",
    "Something in what was asked cannot be read: it holds a null character. Write it anew.",
)
_UNREADABLE_KIND = Sentence(
    "Det som skickades är inget formulär härifrån.", "What was sent is no form of this console."
)
_TOO_LARGE = Sentence("Det som skickades är för stort.", "What was sent is too large.")
TOO_OFTEN = Sentence(
    "För många försök. Vänta en minut och försök igen.", "Too many tries. Wait a minute and try again."
)
HIDDEN = Sentence(
    "Dold: någon här har skyddade personuppgifter. De visas bara för den som har rollen för det; lämna över till en sådan.",
    "Hidden: somebody here has protected identity. They are shown to whoever has the role for it alone; hand over to one.",
)
OUTSIDE = Sentence(
    "Det här hör till en region eller enhet som din inloggning inte omfattar.",
    "This belongs to a region or unit that your login does not cover.",
)
DONE_BEFORE = Sentence("Den var redan klar.", "It was done already.")
NO_REASON = Sentence("Skriv en anledning.", "Write a reason.")
TAKEN = Sentence(
    "Någon annan har tagit den. Ta över den först om du ska göra den.",
    "Somebody else has taken it. Take it over first if you are to do it.",
)
UNKNOWN = Sentence("Ingen träff.", "Nothing found.")
GONE = Sentence("Det finns inte.", "There is no such thing.")
_NOTICES = {
    "ticked": Sentence("Avprickad.", "Ticked off."),
    "claimed": Sentence("Du har tagit den.", "You have taken it."),
    "given_back": Sentence("Du har lämnat tillbaka den.", "You have given it back."),
    "taken": TAKEN,
    "reopened": Sentence(
        "Avprickningen är ångrad. Uppgiften är öppen igen.", "The tick is undone. The task is open again."
    ),
    "gone": DONE_BEFORE,
    "proposed": Sentence(
        "Föreslaget. En annan handläggare ska godkänna.", "Proposed. A second operator must approve."
    ),
    "discarded": Sentence("Kasserat efter två personers beslut.", "Discarded, by two people's decision."),
    "succeeded": Sentence(
        "Efterträdaren är angiven efter två personers beslut. Det som väntade prövas på nytt.",
        "The successor is named, by two people's decision. What waited is judged again.",
    ),
    "released": Sentence(
        "Utgåvan är släppt av två ägare. Driften lägger filen i mappen före den första dagen.",
        "The release is made, by two owners. The operations put its file into the folder before its first day.",
    ),
    "declined": Sentence("Förslaget avslogs.", "The proposal was declined."),
    "same": Sentence(
        "Den som föreslog kan inte själv godkänna.", "The one who proposed cannot approve as well."
    ),
    "replayed": Sentence(
        "Omsänt och kvitterat av Kafka; markerat efteråt.",
        "Sent again and acknowledged by Kafka; then marked.",
    ),
    "partly": Sentence(
        "Kafka kvitterade inte allt. Det som inte kvitterades ligger kvar.",
        "Kafka did not acknowledge everything. What it did not stays here.",
    ),
    "unmasked": Sentence(
        "Visas omaskerat i 15 minuter. Det är loggat.", "Unmasked for 15 minutes. It is logged."
    ),
    "written": Sentence("Antecknat i ärendet.", "Written down in the case."),
    "case_opened": Sentence("Ärendet är öppnat.", "The case is open."),
    "sent": Sentence("Skickad. Svaret visas här.", "Sent. The answer will show here."),
}
