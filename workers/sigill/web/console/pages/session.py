"""In and out: login, logout, language and theme; and the first page."""

from dataclasses import asdict, replace

import structlog
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sigill.operations.operators import EVERYBODY, Operator
from sigill.policy.effects import Sentence
from sigill.store import audit
from sigill.store.audit import AuditEntry, Json
from sigill.web.console.context import (
    CHAIN,
    TOO_OFTEN,
    ConsoleContext,
    client,
    desk_of,
    get,
    kept_form,
    post,
    small_form,
    text_of,
)
from sigill.web.console.login import Going, IssuerSilent, LoginRefused
from sigill.web.console.rendering import LANGUAGE, LANGUAGES, THEME, THEMES
from sigill.web.console.sessions import Login, Session
from sigill.web.http.security import local_path

log = structlog.get_logger("sigill.console")
_GOING, _GOING_HTTPS = "sigill_login", "__Host-sigill_login"
"""The cookie of a login under way; `__Host-` keeps another host of the domain from planting one of its own login."""
_GOING_LASTS = 600
_YEAR = 365 * 86_400


async def overview(request: Request, desk: ConsoleContext, session: Session) -> Response:
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
        refused=_WHY.get(request.query_params.get("refused", ""), _WHY[""])
        if "refused" in request.query_params
        else None,
    )


async def login_start(request: Request) -> Response:
    """Send the browser to the issuer."""
    desk = desk_of(request)
    if desk.issuer is None:
        return RedirectResponse("/login", 303)
    going = desk.issuer.begin(local_path(request.query_params.get("next")))
    try:
        async with desk.exchanges:
            address = await desk.issuer.address(going, another="another" in request.query_params)
    except LoginRefused as refused:
        log.warning("login refused", code=str(refused))
        return desk.sorry(request, None, 502, _ISSUER_SILENT, back="/login")
    answer = RedirectResponse(address, 303)
    name, path = _going(desk)
    answer.set_cookie(
        name,
        _serializer(desk).dumps(asdict(going)),
        max_age=_GOING_LASTS,
        path=path,
        secure=desk.https,
        httponly=True,
        samesite="lax",
    )
    return answer


async def login_back(request: Request) -> Response:
    """
    Take the issuer's answer.

    Tries are not counted by address: a code cannot be guessed, and a region behind one address would be locked out by
    whoever tries. What is not this browser's own costs no question to the issuer; the others wait for each other.
    """
    desk = desk_of(request)
    if desk.issuer is None:
        return RedirectResponse("/login", 303)
    try:
        kept = request.cookies.get(_going(desk)[0], "")
        going = Going(**_serializer(desk).loads(kept, max_age=_GOING_LASTS))
    except (BadSignature, TypeError):
        log.warning("login refused", code="cookie")
        return RedirectResponse("/login?refused", 303)
    try:
        async with desk.exchanges:
            login = await desk.issuer.finish(going, request.query_params, desk.clock.now())
    except LoginRefused as refused:
        await _refused(desk, refused)
        why = str(refused) if str(refused) in _WHY else ""
        answer = RedirectResponse(f"/login?refused={why}" if why else "/login?refused", 303)
        _forget_going(desk, answer)
        return answer
    return await _in(request, desk, login, going.next)


async def _refused(desk: ConsoleContext, refused: LoginRefused) -> None:
    """
    Write a refusal into the log, and into the audit chain where somebody had been proven.

    What anybody at all can send leaves no line there: whoever likes could write them without end.
    """
    log.warning("login refused", code=str(refused))
    if refused.who is not None:
        async with desk.store.transaction(desk.clock.now()) as tx:
            entry = AuditEntry(CHAIN, refused.who, "console_login_refused", {"code": str(refused)})
            await audit.append(tx, [entry])


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
    return await _in(request, desk, operator, "/")


async def _in(request: Request, desk: ConsoleContext, given: Operator | Login, path: str) -> Response:
    cookie = await desk.sessions.begin(given)
    operator = given.operator if isinstance(given, Login) else given
    operator = replace(operator, session=desk.sessions.reference_of(cookie))
    async with desk.store.transaction(desk.clock.now()) as tx:
        roles: list[Json] = [*sorted(str(role) for role in operator.roles)]
        await desk.note(tx, operator, "console_login", {"roles": roles})
    answer = RedirectResponse("/kept" if desk.kept_cookie in request.cookies else path, 303)
    answer.set_cookie(desk.cookie, cookie, path="/", secure=desk.https, httponly=True, samesite="lax")
    _forget_going(desk, answer)
    return answer


def _going(desk: ConsoleContext) -> tuple[str, str]:
    """Name and path of the cookie of a login under way."""
    return (_GOING_HTTPS, "/") if desk.https else (_GOING, "/login")


def _forget_going(desk: ConsoleContext, answer: Response) -> None:
    name, path = _going(desk)
    answer.delete_cookie(name, path=path, secure=desk.https, httponly=True, samesite="lax")


async def logout(request: Request, desk: ConsoleContext, session: Session, __: object) -> Response:
    """End the session everywhere, and lead on to the issuer's own logout where it has one."""
    await desk.sessions.end(session)
    async with desk.store.transaction(desk.clock.now()) as tx:
        await desk.note(tx, session.operator, "console_logout", {})
    there = None
    if desk.issuer is not None and session.login is not None:
        there = await desk.issuer.end_address(session.login)
    # a page, and no redirect: a form's answer may not lead to another site (`form-action 'self'`)
    answer = (
        RedirectResponse("/login", 303)
        if there is None
        else desk.page(request, "logged_out.html", None, there=there)
    )
    answer.delete_cookie(desk.cookie, path="/", secure=desk.https, httponly=True)
    return answer


async def logged_out_there(request: Request) -> Response:
    """What the issuer posts when somebody has logged out there or was shut out: their sessions here end at once."""
    desk = desk_of(request)
    if desk.issuer is None:
        return Response(status_code=404)
    if not desk.back_channel.allowed(client(request)):
        return Response(status_code=429)
    form = await small_form(request)
    if form is None:
        return Response(status_code=413)
    token = form.get("logout_token")
    try:
        if not isinstance(token, str):
            raise LoginRefused("no_logout_token")
        subject, sid, begun_by = await desk.issuer.told_to_end(token, desk.clock.now())
    except IssuerSilent as silent:
        log.warning("logout not read", code=str(silent))
        return JSONResponse({"error": "temporarily_unavailable"}, 503)
    except LoginRefused as refused:
        log.warning("logout refused", code=str(refused))
        return JSONResponse({"error": "invalid_request"}, 400)
    ended = await desk.sessions.end_of(desk.issuer.name, subject, sid, begun_by)
    log.info("logout told", ended=len(ended))
    if ended:
        entries = [
            AuditEntry(CHAIN, name, "console_session_ended", {"code": "back_channel"}) for name in ended
        ]
        async with desk.store.transaction(desk.clock.now()) as tx:
            await audit.append(tx, entries)
    return Response(status_code=200)


async def preferences(request: Request) -> Response:
    """
    Language and theme, kept in the browser. Asked for before login too, so without a session's token: whoever
    forges it changes the colour of a page.
    """
    desk = desk_of(request)
    form = await small_form(request)
    if form is None:
        return Response(status_code=413)
    answer = RedirectResponse(local_path(text_of(form, "back")), 303)
    for name, allowed in ((LANGUAGE, LANGUAGES), (THEME, THEMES)):
        chosen = text_of(form, name)
        if chosen in allowed:
            answer.set_cookie(name, chosen, max_age=_YEAR, secure=desk.https, httponly=True, samesite="lax")
    return answer


def _serializer(desk: ConsoleContext) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(desk.cookie_secret, salt="sigill-login")


_WHY = {
    "": Sentence(
        "Inloggningen gick inte. Försök igen.",
        "The login did not succeed. Try again.",
    ),
    "no_role": Sentence(
        "Kontot har ingen roll här. Be om en roll, eller logga in som någon annan.",
        "The account has no role here. Ask for one, or log in as somebody else.",
    ),
    "no_hsa_id": Sentence(
        "Kontot saknar HSA-id, som loggen över vem som har tittat kräver. Be kontots ägare lägga till det.",
        "The account has no HSA-id, which the log of who looked demands. Ask the account's owner to add it.",
    ),
    "not_bound": Sentence(
        "Kontot säger inte vilka regioner eller enheter det gäller. Be kontots ägare lägga till det.",
        "The account does not say which regions or units it is for. Ask the account's owner to add it.",
    ),
    "hsa_id_form": Sentence(
        "Kontots HSA-id har fel form. Be kontots ägare rätta det.",
        "The account's HSA-id has a wrong form. Ask the account's owner to correct it.",
    ),
    "acr": Sentence(
        "Inloggningen var inte stark nog. Logga in med tjänstelegitimation.",
        "The login was not strong enough. Log in with your staff e-ID.",
    ),
}
"""Why a login was refused, in words for whoever tried."""
_ISSUER_SILENT = Sentence("Inloggningstjänsten svarar inte.", "The login service does not answer.")

ROUTES = [
    Route("/login", login, methods=["GET"]),
    Route("/login/start", login_start, methods=["GET"]),
    Route("/login/back", login_back, methods=["GET"]),
    Route("/login/ended", logged_out_there, methods=["POST"]),
    Route("/login/once", login_once, methods=["GET"]),
    Route("/preferences", preferences, methods=["POST"]),
    get("/", overview),
    get("/kept", kept_form),
    post("/logout", logout, EVERYBODY),
]
