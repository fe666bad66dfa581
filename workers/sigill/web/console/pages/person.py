"""Who sees what of a person, when, and why: now, in the past, in the future, and as it was known at a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sigill.operations.operators import LOOKERS
from sigill.policy.access import Decision, Line, access_matrix, units_of, valid_until, viewers_of
from sigill.policy.calendar import STOCKHOLM, midnight
from sigill.policy.caller import CallerAnswer, answer_caller
from sigill.policy.elsewhere import ALWAYS, silent_sources
from sigill.policy.facts import Measure, OutsideMeasure, PatientFacts
from sigill.policy.identity_numbers import NumberError
from sigill.store import facts, requests, timers
from sigill.web.console.context import (
    EARLIEST,
    GONE,
    LATEST,
    TOO_OFTEN,
    ConsoleContext,
    done,
    get,
    number_of,
    post,
    text_of,
)
from sigill.web.console.pages.orders import resolve
from sigill.web.console.rendering import MASK
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import PersonId, Service, UnitId

MOST_STEPS = 80
"""How many turning points the slider has at most."""
_UNKNOWN = "unknown"
"""A caller whose number nobody has."""


async def person_start(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """Where a number and a reason are typed in, and the number of whoever rings about the person."""
    return desk.page(request, "person_start.html", session)


async def person_search(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Find a person by number, in the body and never in an address; the look is logged when the page is shown."""
    if not desk.searches.allowed(session.operator.name):
        return desk.sorry(request, session, 429, TOO_OFTEN, back="/person")
    reason = text_of(form, "reason")
    if not reason:
        return done("/person", "reason")
    try:
        person = await resolve(desk, text_of(form, "number"))
        asking = text_of(form, "caller")
        caller = await resolve(desk, asking) if asking else None
    except NumberError as error:
        return done("/person", f"number_{error.fault}")
    if person is None:
        return done("/person", "unknown")
    if hidden := await desk.hidden(session, (person, caller)):
        return await desk.refuse_hidden(request, session, hidden, reason, "/person")
    await desk.sessions.open(session, f"person:{person}", reason)
    await desk.sessions.open(session, f"caller:{person}", (caller or _UNKNOWN) if asking else "")
    return RedirectResponse(f"/person/{person}", 303)


async def person_reason(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """A reason to look at somebody whom a list of ours named."""
    person = number_of(request.path_params["person"])
    if person is None:
        return desk.sorry(request, session, 404, GONE, back="/person")
    reason = text_of(form, "reason")
    if not reason:
        return done(f"/person/{person}", "reason")
    if hidden := await desk.hidden(session, (PersonId(str(person)),)):
        return await desk.refuse_hidden(request, session, hidden, reason, "/person")
    await desk.sessions.open(session, f"person:{person}", reason)
    await desk.sessions.open(session, f"caller:{person}", "")
    return RedirectResponse(f"/person/{person}", 303)


async def unmask_person(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Show the numbers of a person and those around it, for a while: an act of its own, in the audit chain."""
    person = number_of(request.path_params["person"])
    if person is None:
        return desk.sorry(request, session, 404, GONE, back="/person")
    reason = text_of(form, "reason")
    if not reason:
        return done(f"/person/{person}", "reason")
    who = PersonId(str(person))
    if hidden := await desk.hidden(session, (who,)):
        return await desk.refuse_hidden(request, session, hidden, reason, "/person")
    async with desk.store.transaction(desk.clock.now()) as tx:
        await desk.note(tx, session.operator, "person_unmasked", {}, who, {"reason": reason})
        await desk.looked(tx, session.operator, who, reason, "numbers unmasked")
    await desk.sessions.open(session, f"numbers:{person}", reason)
    return done(f"/person/{person}", "unmasked")


async def orders_of_person(request: Request, desk: ConsoleContext, session: Session, _: FormData) -> Response:
    """The orders of somebody who is looked at already, for the same reason."""
    asked = number_of(request.path_params["person"])
    if asked is None:
        return desk.sorry(request, session, 404, GONE, back="/person")
    reason = session.reason(f"person:{asked}", desk.clock.now())
    if reason is None:
        return RedirectResponse(f"/person/{asked}", 303)
    who = PersonId(str(asked))
    if hidden := await desk.hidden(session, (who,)):
        return await desk.refuse_hidden(request, session, hidden, reason, "/person")
    async with desk.store.transaction(desk.clock.now()) as tx:
        await desk.looked(tx, session.operator, who, reason, "orders of the patient, masked")
    await desk.sessions.open(session, f"orders:{asked}", reason)
    return RedirectResponse(f"/orders?patient={asked}", 303)


async def person(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The picture at a moment; its table alone when the slider asks. Every showing is a line in the access log."""
    asked = number_of(request.path_params["person"])
    if asked is None:
        return desk.sorry(request, session, 404, GONE, back="/person")
    now = desk.clock.now()
    who = PersonId(str(asked))
    reason = session.reason(f"person:{asked}", now)
    if reason is None:
        return desk.page(request, "person_reason.html", session, person=who)
    at = _moment(request.query_params.get("at")) or now
    known = _moment(request.query_params.get("known"))
    partial = request.headers.get("hx-request") == "true"
    caller = "" if partial else session.reason(f"caller:{asked}", now) or ""
    async with desk.store.reading() as tx:
        found = (await facts.patient_facts(tx, [who], known_at=known)).get(who)
        ledger = (await requests.by_patient(tx, [who])).get(who, ())
        coming = await timers.of_persons(tx, [who])
        present = (await facts.patient_facts(tx, [who])).get(who) if caller and known else found
    if found is None:
        return desk.sorry(request, session, 404, GONE, back="/person")
    hidden = await desk.hidden(session, (who, *_everybody(found)))
    if who in hidden:
        return await desk.refuse_hidden(request, session, (who,), reason, "/person")
    async with desk.store.transaction(now) as tx:
        moment = at.isoformat(timespec="minutes")
        shown = f"access at {moment}" + (
            f" as known at {known.isoformat(timespec='minutes')}" if known else ""
        )
        if caller:
            shown += f"; what may be said to {caller if caller == _UNKNOWN else f'P-{caller}'}"
        await desk.looked(tx, session.operator, who, reason, shown)
    unmasked = session.reason(f"numbers:{asked}", now) is not None
    view = _View(found, at, unmasked, hidden)
    steps = turning_points(found, now, desk)
    answer: CallerAnswer | None = None
    if caller and present is not None:
        answer = answer_caller(None if caller == _UNKNOWN else PersonId(caller), present, now, desk.books)
    return desk.page(
        request,
        "person_picture.html" if partial else "person.html",
        session,
        person=who,
        at=at,
        known=known,
        local=_local(at),
        known_local=_local(known) if known else "",
        steps=steps,
        step=max((place for place, step in enumerate(steps) if step.at <= at), default=0),
        table=view.table(access_matrix(found, at, desk.books)),
        units=units_of(found),
        measures=[view.measure(one) for one in found.measures],
        elsewhere=[view.outside(one) for one in found.elsewhere],
        silent=list(silent_sources(found, now, desk.books)),
        requests=ledger,
        coming=[one for one in coming if one.due_at >= now][:20],
        cite=desk.citations.of,
        facts=found,
        unmasked=unmasked,
        reason=reason,
        caller=answer,
    )


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """A moment at which an answer may change; `local` is its Swedish time as an input writes it."""

    at: datetime
    local: str
    now: bool = False


def turning_points(found: PatientFacts, now: datetime, desk: ConsoleContext) -> list[TurningPoint]:
    """The moments, in order, at which what somebody sees may change; the present one is among them."""
    moments: list[datetime] = []
    start = min([found.patient.versions[0].valid_from, *(m.valid_from for m in found.measures), now])
    at: datetime | None = start - timedelta(days=1)
    while at is not None and len(moments) < MOST_STEPS:
        moments.append(at)
        at = valid_until(found, at, desk.books)
    steps = [TurningPoint(moment, _local(moment)) for moment in moments]
    return sorted([*steps, TurningPoint(now, _local(now), now=True)], key=lambda step: step.at)


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer of the table."""

    service: Service
    unit: UnitId | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class ViewerRow:
    """One viewer's answers."""

    viewer: PersonId
    who: str
    number: str
    cells: tuple[Cell, ...]
    hidden: bool
    """Has protected identity, and whoever looks may not be shown who it is."""


@dataclass(frozen=True, slots=True)
class ShownMeasure:
    """A measure with whether it is in force at the moment asked about, and its end."""

    measure: Measure
    in_force: bool
    ends_at: datetime | None
    whom: tuple[str, ...] | None
    all_but: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownOutside:
    """A measure made elsewhere, as its source last told of it, with whether it is in force at the moment asked about."""

    made: OutsideMeasure
    in_force: bool
    begins_at: datetime | None
    """When it begins; None: its source names no first day."""
    ends_at: datetime | None
    read_up_to: datetime | None
    """Up to when its source has been read by now."""


@dataclass(frozen=True, slots=True)
class _View:
    facts: PatientFacts
    at: datetime
    unmasked: bool
    hidden: frozenset[PersonId]

    def number(self, who: PersonId) -> str:
        known = self.facts.person(who)
        shown = self.unmasked and who not in self.hidden
        return known.at(self.at).identity.number if known is not None and shown else MASK

    def who(self, viewer: PersonId) -> str:
        if viewer == self.facts.patient.person_id:
            return "patient"
        if any(m.viewer == viewer for m in self.facts.measures):
            return "representative"
        return "guardian" if viewer in self.facts.patient.guardians_at(self.at) else "former_guardian"

    def table(self, lines: dict[Line, Decision]) -> list[ViewerRow]:
        rows = []
        for viewer in viewers_of(self.facts):
            cells = [
                Cell(service, unit, decision)
                for (whose, service, unit), decision in lines.items()
                if whose == viewer
            ]
            cells.sort(key=lambda cell: (list(Service).index(cell.service), cell.unit or ""))
            rows.append(
                ViewerRow(viewer, self.who(viewer), self.number(viewer), tuple(cells), viewer in self.hidden)
            )
        return rows

    def measure(self, one: Measure) -> ShownMeasure:
        birth = self.facts.patient.birth
        whom = None if one.guardians is None else tuple(self.number(who) for who in one.guardians)
        all_but = tuple(self.number(who) for who in one.guardians_except)
        return ShownMeasure(one, one.in_force(self.at, birth), one.ends_at(birth), whom, all_but)

    def outside(self, one: OutsideMeasure) -> ShownOutside:
        birth, measure = self.facts.patient.birth, one.measure
        return ShownOutside(
            one,
            measure.in_force(self.at, birth),
            None if measure.valid_from <= midnight(ALWAYS) else measure.valid_from,
            measure.ends_at(birth),
            self.facts.read_up_to.get(one.source),
        )


def _everybody(found: PatientFacts) -> set[PersonId]:
    """Whoever the picture may name beside the patient."""
    named = {who for one in found.measures for who in (*(one.guardians or ()), *one.guardians_except)}
    return {*viewers_of(found), *named}


def _moment(text: str | None) -> datetime | None:
    """Swedish local time as an input writes it; None for nothing or nonsense."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not EARLIEST <= found.year < LATEST:
        return None
    return found.replace(tzinfo=STOCKHOLM) if found.tzinfo is None else found


def _local(moment: datetime) -> str:
    return moment.astimezone(STOCKHOLM).strftime("%Y-%m-%dT%H:%M")


ROUTES = [
    get("/person", person_start, LOOKERS),
    post("/person/search", person_search, LOOKERS),
    get("/person/{person}", person, LOOKERS),
    post("/person/{person}/orders", orders_of_person, LOOKERS),
    post("/person/{person}/reason", person_reason, LOOKERS),
    post("/person/{person}/unmask", unmask_person, LOOKERS),
]
