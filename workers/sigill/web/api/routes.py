"""The web application: routes, and what they demand. Wiring is in `serve`."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

from fastapi import FastAPI, Header, Path, Query, Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send

from sigill.operations.decision_models import (
    KEY_PATTERN,
    MEASURE_PATTERN,
    PURPOSE_PATTERN,
    About,
    AskedFor,
    ByKey,
    ByNumber,
    ChoiceQuestion,
    DecisionsTold,
    PictureOf,
    PictureTold,
    Question,
    TimelineOf,
    TimelineTold,
    read_cursor,
    read_moment,
)
from sigill.operations.decision_service import AccessQuery, DecisionService, Principal
from sigill.operations.facts_loader import Who
from sigill.operations.presenter import Presenter
from sigill.policy.access import viewers_of
from sigill.policy.calendar import age_begins, swedish_date
from sigill.policy.facts import Identity
from sigill.policy.timeline import timeline, timeline_page
from sigill.runtime.clock import stopwatch
from sigill.web.api import openapi, problems
from sigill.web.api.problems import Trouble
from sigill.web.http.authentication import DECIDE, EXPLAIN, Caller, Guards, allow
from sigill_contracts.vocabulary import MeasureId, Service

DECISIONS = "/v1/access/decisions"
MAX_BODY = 2 * 1024 * 1024
KEEPS = "drop-on-change"
"""`Prefer: drop-on-change` (RFC 7240): the caller reads `access.changes.v1` and drops what it kept."""
_ASKED: TypeAdapter[AskedFor] = TypeAdapter(AskedFor)
_PICTURE = TypeAdapter(PictureOf)
_TIMELINE = TypeAdapter(TimelineOf)
_CHOICE = TypeAdapter(ChoiceQuestion)
_T = TypeVar("_T")

KeyInPath = Annotated[str, Path(pattern=KEY_PATTERN, description="The patient's pseudonymous key.")]
MomentInQuery = Annotated[
    str | None,
    Query(max_length=40, json_schema_extra={"format": "date-time"}, description="RFC 3339, with zone."),
]
AfterInQuery = Annotated[
    str | None,
    Query(pattern=MEASURE_PATTERN, description="`next` of an answer: tell the measures that follow."),
]
PurposeInHeader = Annotated[
    str,
    Header(
        alias="Sigill-Purpose",
        min_length=1,
        max_length=200,
        pattern=r"^[\x20-\x7e]+$",
        description="Why it is asked, for the access log.",
    ),
]
HsaIdInHeader = Annotated[str | None, Header(pattern=r"^[0-9A-Za-z-]{3,64}$")]


class Api(FastAPI):
    """
    The application. Questions go to their endpoint past FastAPI's own layers, which cost as much as an answer does.

    What those layers would do for them is nothing: the endpoint reads its body itself, and takes no parameters.
    """

    questions: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != DECISIONS or scope["method"] != "POST":
            await super().__call__(scope, receive, send)
            return
        try:
            answer = await self.questions(Request(scope, receive))
        except Exception as error:
            answer = problems.answer_to(error)
        await answer(scope, receive, send)


DENIAL_STEP = 0.05
"""
Seconds: a no to one who may not know why leaves at the end of a step.

Whether a person is known, and has been asked about lately, makes some milliseconds of difference, more than a block does;
within a step none of it shows.
"""


def left_of_step(taken: float) -> float:
    """Return how many seconds are left until a step of `DENIAL_STEP` ends, when `taken` seconds have passed of the first."""
    return DENIAL_STEP - taken % DENIAL_STEP


def create_app(desk: DecisionService, guards: Guards) -> Api:
    """Return the application. The desk must be open."""
    app = Api(
        title="Sigill decisions",
        version="1",
        summary="Who may see what, when, and why.",
        description=openapi.ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        separate_input_output_schemas=False,
    )
    problems.install(app)
    presenter: Presenter | None = None

    def teller() -> Presenter:
        """The words of the rulebooks as they are now."""
        nonlocal presenter
        if presenter is None or presenter.books is not desk.books:
            presenter = Presenter(desk.rules)
        return presenter

    @app.post(DECISIONS, **openapi.DECISIONS)
    async def decisions(request: Request) -> Response:
        caller = await guards.demand(request, DECIDE)
        asked = await body_of(request, _ASKED)
        single = isinstance(asked, Question)
        abouts: tuple[About, ...] = (asked,) if isinstance(asked, Question) else asked.questions
        guards.count(caller, len(abouts) - 1)
        now = desk.clock.now()
        if asked.explain or any(not {about.as_of, about.known_at} <= {None, now} for about in abouts):
            allow(caller, EXPLAIN)
        if not caller.may(EXPLAIN):
            return await briefly(request, asked, abouts, caller, now)
        answers = await desk.ask(
            [_asked(about, now) for about in abouts],
            _asker(caller, asked.purpose, asked.on_behalf_of, asked.asking_unit),
        )
        told = tuple(teller().decision(answer, explain=asked.explain) for answer in answers)
        ends = [answer.until for answer in answers if answer.until is not None]
        past = all(about.as_of is not None and about.known_at is not None for about in abouts)
        kept = _kept(request, now, min(ends, default=None), unchanging=past)
        content = told[0] if single else DecisionsTold.model_construct(decisions=told)
        return _json(content, kept, frozenset() if asked.explain else frozenset({"reasons"}))

    async def briefly(
        request: Request, asked: AskedFor, abouts: tuple[About, ...], caller: Caller, now: datetime
    ) -> Response:
        """Answer yes or no: every denial has the same body, the same headers and the same time, whoever the patient is."""
        began = stopwatch()
        answers = await desk.ask(
            [_asked(about, now) for about in abouts],
            _asker(caller, asked.purpose, asked.on_behalf_of, asked.asking_unit),
        )
        told = tuple(teller().brief(answer) for answer in answers)
        ends = [answer.valid_until for answer in told if answer.valid_until is not None]
        kept = _kept(request, now, min(ends), unchanging=False) if len(ends) == len(told) else _NOT_KEPT
        content = told[0] if isinstance(asked, Question) else DecisionsTold.model_construct(decisions=told)
        if not all(answer.allowed for answer in told):
            await asyncio.sleep(left_of_step(stopwatch() - began))
        return _json(content, kept, _WHY)

    app.questions = decisions

    @app.post("/v1/persons/access", **openapi.PICTURE_BY_NUMBER)
    async def picture_by_number(request: Request) -> Response:
        caller = await guards.demand(request, EXPLAIN)
        asked = await body_of(request, _PICTURE)
        asker = _asker(caller, asked.purpose, asked.on_behalf_of, asked.asking_unit)
        return await picture(request, _who(asked.patient), asker, (asked.as_of, asked.known_at), asked.after)

    @app.get("/v1/persons/{key}/access", **openapi.PICTURE)
    async def picture_by_key(
        request: Request,
        key: KeyInPath,
        purpose: PurposeInHeader,
        as_of: MomentInQuery = None,
        known_at: MomentInQuery = None,
        after: AfterInQuery = None,
        on_behalf_of: Annotated[HsaIdInHeader, Header(alias="Sigill-On-Behalf-Of")] = None,
        asking_unit: Annotated[HsaIdInHeader, Header(alias="Sigill-Asking-Unit")] = None,
    ) -> Response:
        caller = await guards.demand(request, EXPLAIN)
        asker = _asker(caller, purpose, on_behalf_of, asking_unit)
        moments = _moment(as_of, "as_of"), _moment(known_at, "known_at")
        return await picture(request, key, asker, moments, after)

    async def picture(
        request: Request,
        who: Who,
        asker: Principal,
        moments: tuple[datetime | None, datetime | None],
        after: str | None,
    ) -> Response:
        now, (as_of, known_at) = desk.clock.now(), moments
        opened = await desk.open(
            who, asker, shown="the whole picture, with measures", known_at=_known(known_at, now)
        )
        if opened is None:
            raise Trouble("no-such-person")
        told = teller().picture(opened, as_of or now, after=None if after is None else MeasureId(after))
        unchanging = as_of is not None and known_at is not None
        kept = _kept(request, now, told.valid_until, unchanging=unchanging)
        tag = _tag(told)
        if request.method == "GET" and tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={**kept, "ETag": tag})
        return _json(told, {**kept, "ETag": tag})

    @app.post("/v1/access/timeline", **openapi.TIMELINE)
    async def timeline_of(request: Request) -> Response:
        caller = await guards.demand(request, EXPLAIN)
        asked = await body_of(request, _TIMELINE)
        told = await tell_timeline(
            desk, teller(), asked, _asker(caller, asked.purpose, asked.on_behalf_of, asked.asking_unit)
        )
        return _json(told, {"Cache-Control": "private, no-cache", "Vary": "Authorization"})

    @app.post("/v1/choices", **openapi.CHOICE)
    async def choice(request: Request) -> Response:
        await guards.demand(request, DECIDE)  # nobody is asked about: there is nothing to log
        asked = await body_of(request, _CHOICE)
        on = asked.on or swedish_date(desk.clock.now())
        version = (await desk.books_now()).version(asked.region, on)
        if version is None:
            raise Trouble("invalid", "no such region, or it had no rules on that day")
        return _json(teller().choice(asked.region, version, asked), {"Cache-Control": "private, no-cache"})

    openapi.complete(app)
    return app


async def tell_timeline(
    desk: DecisionService, teller: Presenter, asked: TimelineOf, asker: Principal, *, whole: bool = False
) -> TimelineTold:
    """Answer for a page of a timeline, or for the `whole` of it. Raises Trouble and StoreDown."""
    now = desk.clock.now()
    before, known_at = None, _known(asked.known_at, now)
    if asked.cursor is not None:
        before, known_then = read_cursor(asked.cursor)
        known_at = (
            min(known_then, now) if known_at is None else known_at
        )  # another process' clock may be ahead
    viewer = None if asked.viewer is None else _who(asked.viewer)
    opened = await desk.open(
        _who(asked.patient),
        asker,
        shown="the timeline, with measures",
        known_at=known_at,
        others=() if viewer is None else (viewer,),
    )
    if opened is None:
        raise Trouble("no-such-person")
    facts = opened.facts
    since = asked.since or age_begins(facts.patient.birth, 0)
    until = asked.until or max(
        age_begins(facts.patient.birth, 1 + max(age for age, _ in desk.books.turning_ages), latest=True),
        now + timedelta(days=3653),
        since,
    )
    if until < since:
        raise Trouble("invalid", "until lies before since")
    viewers = viewers_of(facts)
    if viewer is not None:
        found = opened.others.get(viewer)
        viewers = () if found is None else (found,)
    services = tuple(Service) if asked.service is None else (asked.service,)
    if whole:
        steps = timeline(facts, desk.books, since=since, until=until, viewers=viewers, services=services)
        return teller.timeline(opened, steps, since, until)
    page = timeline_page(
        facts,
        desk.books,
        since=since,
        until=until,
        most=asked.limit,
        before=before,
        viewers=viewers,
        services=services,
    )
    return teller.timeline(opened, page.steps, since, until, before=page.before)


async def body_of(request: Request, model: TypeAdapter[_T]) -> _T:
    """Read the body. Raises Trouble."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Trouble("not-json")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise Trouble("too-large", f"at most {MAX_BODY} bytes are taken")
        chunks.append(chunk)
    try:
        return model.validate_json(b"".join(chunks))
    except ValidationError as error:
        if error.errors(include_input=False)[0]["type"] == "json_invalid":
            raise Trouble("unreadable") from None
        raise problems.invalid(error) from None


def _who(somebody: ByNumber | ByKey) -> Who:
    return somebody.key if isinstance(somebody, ByKey) else Identity(somebody.id_type, somebody.id)


def _asked(about: About, now: datetime) -> AccessQuery:
    return AccessQuery(
        patient=_who(about.patient),
        viewer=_who(about.viewer),
        service=about.service,
        unit=about.unit,  # type: ignore[arg-type]  # a UnitId is a str of that form
        recorded_on=about.recorded_on,
        information_type=about.information_type,
        as_of=about.as_of,
        known_at=_known(about.known_at, now),
    )


def _known(known_at: datetime | None, now: datetime) -> datetime | None:
    if known_at is not None and known_at > now:
        raise Trouble("invalid", "known_at lies in the future: nobody knows yet")
    return known_at


def _moment(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        return read_moment(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Trouble(
            "invalid", f"{name} is not a moment as RFC 3339 has it, between 1900 and 2200"
        ) from None


def _asker(caller: Caller, purpose: str, on_behalf_of: str | None, unit: str | None) -> Principal:
    actor = caller.actor if on_behalf_of is None else f"{on_behalf_of} through {caller.actor}"
    return Principal(actor, unit or caller.unit, purpose)


_VARY = {"Vary": "Authorization, Prefer"}
_NOT_KEPT = {**_VARY, "Cache-Control": "private, no-cache"}


def _kept(request: Request, now: datetime, until: datetime | None, *, unchanging: bool) -> dict[str, str]:
    """
    How long the answer may be kept.

    What was known at a past moment about a moment never changes. Anything else may change by an order at any time:
    it may be kept until the next change by time alone only where the caller says that it drops on change.
    """
    headers = _VARY
    longest = 365 * 24 * 3600
    if unchanging:
        return {**headers, "Cache-Control": f"private, max-age={longest}, immutable"}
    wishes = {wish.strip().lower() for wish in request.headers.get("prefer", "").split(",")}
    if KEEPS not in wishes:
        return _NOT_KEPT
    seconds = longest if until is None else max(0, min(longest, int((until - now).total_seconds())))
    return {
        **headers,
        "Cache-Control": f"private, max-age={seconds}, must-revalidate",
        "Preference-Applied": KEEPS,
    }


def _tag(told: PictureTold) -> str:
    """The same as long as nothing that is told is another, whatever the time."""
    content = told.model_dump_json(exclude={"as_of", "known_at"})
    return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


_WHY = frozenset({"codes", "region", "rulebook", "rulebook_digest", "reasons"})
"""What of a decision takes `access:explain`."""


def _json(content: BaseModel, headers: dict[str, str], leave_out: frozenset[str] = frozenset()) -> Response:
    if isinstance(content, DecisionsTold):
        body = content.model_dump_json(exclude={"decisions": {"__all__": set(leave_out)}})
    else:
        body = content.model_dump_json(exclude=set(leave_out))
    return Response(body, headers=headers, media_type="application/json")


__all__ = ["MAX_BODY", "PURPOSE_PATTERN", "body_of", "create_app", "tell_timeline"]
