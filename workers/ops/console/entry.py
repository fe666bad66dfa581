"""In and out: login, logout, language and theme; and the first page."""

from dataclasses import asdict

import structlog
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from workers.ops.console.desk import TOO_OFTEN, Desk, client, desk_of, get, post, text_of
from workers.ops.console.rendering import LANGUAGE, LANGUAGES, THEME, THEMES
from workers.ops.login import Going, LoginRefused
from workers.ops.security import local_path
from workers.ops.sessions import EVERYBODY, Operator, Session
from workers.policy.effects import Sentence

log = structlog.get_logger("sigill.console")
_GOING = "sigill_login"
_YEAR = 365 * 86_400


async def overview(request: Request, desk: Desk, session: Session) -> Response:
    """Queues, lag, outbox, timers, and what waits for people; its figures alone when htmx asks."""
    part = request.headers.get("hx-request") == "true"
    return desk.page(request, "overview_figures.html" if part else "overview.html", session)


async def login(request: Request) -> Response:
    """The way in: the issuer's, or how to find the trial's link."""
    desk = desk_of(request)
    return desk.page(
        request,
        "login.html",
        None,
        issuer=desk.issuer is not None,
        next=local_path(request.query_params.get("next")),
        refused=request.query_params.get("refused") is not None,
    )


async def login_start(request: Request) -> Response:
    """Send the browser to the issuer."""
    desk = desk_of(request)
    if desk.issuer is None:
        return RedirectResponse("/login", 303)
    if not desk.logins.allowed(client(request)):
        return desk.sorry(request, None, 429, TOO_OFTEN, back="/login")
    going = desk.issuer.begin(local_path(request.query_params.get("next")))
    try:
        address = await desk.issuer.address(going)
    except LoginRefused as refused:
        log.warning("login refused", code=str(refused))
        return desk.sorry(request, None, 502, _ISSUER_SILENT, back="/login")
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        _GOING,
        _serializer(desk).dumps(asdict(going)),
        max_age=600,
        path="/login",
        secure=desk.https,
        httponly=True,
        samesite="lax",
    )
    return answer


async def login_back(request: Request) -> Response:
    """Take the issuer's answer."""
    desk = desk_of(request)
    if desk.issuer is None:
        return RedirectResponse("/login", 303)
    if not desk.logins.allowed(client(request)):
        return desk.sorry(request, None, 429, TOO_OFTEN, back="/login")
    try:
        going = Going(**_serializer(desk).loads(request.cookies.get(_GOING, "")))
        operator = await desk.issuer.finish(going, request.query_params, desk.clock.now())
    except (LoginRefused, BadSignature, TypeError) as refused:
        log.warning("login refused", code=str(refused) if isinstance(refused, LoginRefused) else "cookie")
        return RedirectResponse("/login?refused", 303)
    return await _in(desk, operator, going.next)


async def login_once(request: Request) -> Response:
    """Use up a trial's link."""
    desk = desk_of(request)
    if desk.links is None:
        return RedirectResponse("/login", 303)
    if not desk.logins.allowed(client(request)):
        return desk.sorry(request, None, 429, TOO_OFTEN, back="/login")
    host = request.client.host if request.client else None
    try:
        operator = desk.links.take(request.query_params.get("link", ""), host, desk.clock.now())
    except LoginRefused as refused:
        log.warning("login refused", code=str(refused))
        return RedirectResponse("/login?refused", 303)
    return await _in(desk, operator, "/")


async def _in(desk: Desk, operator: Operator, path: str) -> Response:
    cookie = await desk.sessions.begin(operator)
    async with desk.store.transaction(desk.clock.now()) as tx:
        roles = sorted(str(role) for role in operator.roles)
        await desk.note(tx, operator, "console_login", {"roles": roles})
    answer = RedirectResponse(path, 303)
    answer.set_cookie(desk.cookie, cookie, path="/", secure=desk.https, httponly=True, samesite="lax")
    answer.delete_cookie(_GOING, path="/login")
    return answer


async def logout(_: Request, desk: Desk, session: Session, __: object) -> Response:
    """End the session everywhere."""
    await desk.sessions.end(session)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(desk.cookie, path="/", secure=desk.https, httponly=True)
    return answer


async def preferences(request: Request) -> Response:
    """
    Language and theme, kept in the browser. Asked for before login too, so without a session's token: whoever
    forges it changes the colour of a page.
    """
    desk = desk_of(request)
    async with request.form(max_fields=10, max_files=0) as form:
        answer = RedirectResponse(local_path(text_of(form, "back")), 303)
        for name, allowed in ((LANGUAGE, LANGUAGES), (THEME, THEMES)):
            chosen = text_of(form, name)
            if chosen in allowed:
                answer.set_cookie(
                    name, chosen, max_age=_YEAR, secure=desk.https, httponly=True, samesite="lax"
                )
    return answer


def _serializer(desk: Desk) -> URLSafeSerializer:
    return URLSafeSerializer(desk.cookie_secret, salt="sigill-login")


_ISSUER_SILENT = Sentence("Inloggningstjänsten svarar inte.", "The login service does not answer.")

ROUTES = [
    Route("/login", login, methods=["GET"]),
    Route("/login/start", login_start, methods=["GET"]),
    Route("/login/back", login_back, methods=["GET"]),
    Route("/login/once", login_once, methods=["GET"]),
    Route("/preferences", preferences, methods=["POST"]),
    get("/", overview),
    post("/logout", logout, EVERYBODY),
]
