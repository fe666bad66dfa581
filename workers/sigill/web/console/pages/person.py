"""Who sees what of a person, when, and why: now, in the past, in the future, and as it was known at a moment."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sigill.operations.operators import LOOKERS
from sigill.operations.paging import Page, page_of
from sigill.policy.access import Decision, Line, access_matrix, turns, units_of, viewers_of
from sigill.policy.calendar import STOCKHOLM, midnight
from sigill.policy.caller import CallerAnswer, answer_caller
from sigill.policy.elsewhere import ALWAYS, silent_sources
from sigill.policy.facts import Measure, OutsideMeasure, PatientFacts, ReleaseRequest
from sigill.policy.rulebook import Rulebooks
from sigill.policy.units import region_of
from sigill.store import facts, requests, timers
from sigill.store.console import Binding
from sigill.store.timers import StoredTimer
from sigill.web.console.context import (
    EARLIEST,
    GONE,
    LATEST,
    TOO_OFTEN,
    ConsoleContext,
    done,
    get,
    number_of,
    order_id_of,
    post,
    reason_of,
    text_of,
)
from sigill.web.console.pages.orders import resolve_each
from sigill.web.console.rendering import MASK
from sigill.web.console.returned_forms import FormFault
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import PersonId, Service, UnitId

MOST_STEPS = 80
"""How many turning points the slider has at most, those around the moment that is looked at."""
PAGE = 50
"""Measures, and requests, on one page."""
_UNKNOWN = "unknown"
"""A caller whose number nobody has."""


async def person_start(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """Where a number and a reason are typed in, and the number of whoever rings about the person."""
    return desk.page(request, "person_start.html", session)


async def person_search(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Find a person by number, in the body and never in an address; the look is logged when the page is shown."""
    if not desk.searches.allowed(session.operator.name):
        raise FormFault({"": TOO_OFTEN}, 429)
    asking, reason = text_of(form, "caller"), reason_of(form)
    found = await resolve_each(desk, {"number": text_of(form, "number")}, {"caller": asking})
    person, caller = found["number"], found.get("caller")
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
    reason = reason_of(form)
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
    reason = reason_of(form)
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
    view = _View(found, at, unmasked, hidden, session.operator.bound, desk.books)
    steps = turning_points(view.mine, at, now, desk)
    measures, ledger_page = (
        view.measures(_after(request, "measures")),
        view.requests(ledger, _after(request, "requests")),
    )
    answer: CallerAnswer | None = None
    if caller and present is not None:
        ringing = None if caller == _UNKNOWN else PersonId(caller)
        answer = answer_caller(ringing, present, now, desk.books)
        if answer.role == "representative" and ringing not in viewers_of(view.within(present)):
            answer = answer_caller(None, present, now, desk.books)  # let in by others, who answer for it
        answer = replace(
            answer,
            turn_to=tuple(unit for unit in answer.turn_to if view.is_mine(unit)),
            lines=tuple(
                (service, unit, view.explained(decision))
                for service, unit, decision in answer.lines
                if view.is_mine(unit)
            ),
        )
    return desk.page(
        request,
        "person_picture.html" if partial else "person.html",
        session,
        person=who,
        at=at,
        known=known,
        local=_local(at),
        known_local=_local(known) if known else "",
        steps=steps.points,
        earlier=steps.earlier,
        later=steps.later,
        step=max((place for place, step in enumerate(steps.points) if step.at <= at), default=0),
        table=view.table(access_matrix(found, at, desk.books)),
        units=units_of(view.mine),
        measures=[view.measure(measure) for measure in measures.items],
        measures_page=measures,
        elsewhere=[view.outside(outside) for outside in view.mine.elsewhere],
        left_out=view.left_out,
        silent=list(silent_sources(found, now, desk.books)),
        requests=ledger_page.items,
        requests_page=ledger_page,
        here=urlencode(
            {name: request.query_params[name] for name in ("at", "known") if request.query_params.get(name)}
        ),
        coming=[timer for timer in coming if timer.due_at >= now and view.is_told(timer)][:20],
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


@dataclass(frozen=True, slots=True)
class TurningPoints:
    """Some turning points in order; `earlier` and `later` are the local times of moments from which further ones are seen."""

    points: tuple[TurningPoint, ...]
    earlier: str | None
    later: str | None


def turning_points(found: PatientFacts, at: datetime, now: datetime, desk: ConsoleContext) -> TurningPoints:
    """The moments at which what somebody sees may change, those around `at`; the present one is among them."""
    start = min([found.patient.versions[0].valid_from, *(m.valid_from for m in found.measures), now])
    start -= timedelta(days=1)
    moments = sorted({start, *(moment for moment, _, _ in turns(found, desk.books) if moment > start)})
    begins = max(0, min(bisect_right(moments, at) - MOST_STEPS // 2, len(moments) - MOST_STEPS))
    shown = moments[begins : begins + MOST_STEPS]
    steps = [TurningPoint(moment, _local(moment)) for moment in shown]
    return TurningPoints(
        tuple(sorted([*steps, TurningPoint(now, _local(now), now=True)], key=lambda step: step.at)),
        _local(shown[0]) if begins else None,
        _local(shown[-1]) if begins + len(shown) < len(moments) else None,
    )


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


@dataclass(frozen=True)
class _View:
    facts: PatientFacts
    at: datetime
    unmasked: bool
    hidden: frozenset[PersonId]
    bound: Binding
    books: Rulebooks

    def within(self, facts: PatientFacts) -> PatientFacts:
        """The facts with the measures alone that the login is bound to, or that it is bound to nothing."""
        return replace(
            facts,
            measures=tuple(m for m in facts.measures if self._covers(m)),
            elsewhere=tuple(
                outside
                for outside in facts.elsewhere
                if self.bound.covers_one(outside.region, sorted(outside.measure.units or ()))
            ),
        )

    @cached_property
    def mine(self) -> PatientFacts:
        """The facts within the login, which every cell of the table asks for."""
        return self.within(self.facts)

    def _covers(self, m: Measure) -> bool:
        return self.bound.covers_one(m.region, (m.unit, *sorted(m.units or ())))

    @property
    def left_out(self) -> tuple[int, int]:
        """How many measures are not shown, since they are others', and how many of them are in force at the moment."""
        mine = {m.measure_id for m in self.mine.all_measures}
        others = [m for m in self.facts.all_measures if m.measure_id not in mine]
        return len(others), sum(m.in_force(self.at, self.facts.patient.birth) for m in others)

    def is_mine(self, unit: UnitId | None) -> bool:
        """Whether answers about a unit may be shown; those about no unit in particular always."""
        return unit is None or self.bound.covers(region_of(unit, self.facts.unit_regions, self.books), unit)

    def is_told(self, timer: StoredTimer) -> bool:
        """Whether what falls due is about the patient, or about a measure or a request that may be shown."""
        if timer.measure_id is not None:
            return any(m.measure_id == timer.measure_id for m in self.mine.measures)
        return timer.order_id is None or self.bound.covers_one(timer.region, ())

    def explained(self, decision: Decision) -> Decision:
        """The answer with the reasons that may be shown: none that rests on others' measures alone."""
        mine = {m.measure_id for m in self.mine.all_measures}
        return replace(
            decision,
            reasons=tuple(
                reason for reason in decision.reasons if not reason.measures or mine & {*reason.measures}
            ),
        )

    def number(self, who: PersonId) -> str:
        known = self.facts.person(who)
        shown = self.unmasked and who not in self.hidden
        return known.at(self.at).identity.number if known is not None and shown else MASK

    def who(self, viewer: PersonId) -> str:
        if viewer == self.facts.patient.person_id:
            return "patient"
        if any(m.viewer == viewer for m in self.mine.measures):
            return "representative"
        return "guardian" if viewer in self.facts.patient.guardians_at(self.at) else "former_guardian"

    def table(self, lines: dict[Line, Decision]) -> list[ViewerRow]:
        rows = []
        # whom others' measures alone name, such as the representative of another region's grant, is theirs
        for viewer in viewers_of(self.mine):
            cells = [
                Cell(service, unit, self.explained(decision))
                for (whose, service, unit), decision in lines.items()
                if whose == viewer and self.is_mine(unit)
            ]
            cells.sort(key=lambda cell: (list(Service).index(cell.service), cell.unit or ""))
            rows.append(
                ViewerRow(viewer, self.who(viewer), self.number(viewer), tuple(cells), viewer in self.hidden)
            )
        return rows

    def measures(self, after: str | None) -> Page[Measure]:
        """A page of the measures that may be shown: those in force at the moment, then the others, the newest first."""
        birth = self.facts.patient.birth
        return page_of(
            self.mine.measures,
            order=lambda m: (m.in_force(self.at, birth), m.valid_from, m.measure_id),
            name=lambda m: m.measure_id,
            after=after,
            most=PAGE,
        )

    def requests(self, ledger: Iterable[ReleaseRequest], after: str | None) -> Page[ReleaseRequest]:
        """A page of the requests that may be shown: the open ones, then the others, the newest first."""
        return page_of(
            (line for line in ledger if self.bound.covers_one(line.region, line.units)),
            order=lambda one: (one.closed is None, one.opened_at or _LONG_AGO, one.order_id),
            name=lambda one: one.order_id,
            after=after,
            most=PAGE,
        )

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
    named = {
        who for measure in found.measures for who in (*(measure.guardians or ()), *measure.guardians_except)
    }
    return {*viewers_of(found), *named}


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _after(request: Request, name: str) -> str | None:
    """The measure or request after which a page begins; nothing for what is no id."""
    return order_id_of(request.query_params.get(name, ""))


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
    post("/person/search", person_search, LOOKERS, person_start),
    get("/person/{person}", person, LOOKERS),
    post("/person/{person}/orders", orders_of_person, LOOKERS),
    post("/person/{person}/reason", person_reason, LOOKERS, person),
    post("/person/{person}/unmask", unmask_person, LOOKERS, person),
]
