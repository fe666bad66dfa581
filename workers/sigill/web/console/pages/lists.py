"""What waits for people, what is to be keyed in, and what is coming."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sigill.operations.operators import LOOKERS, OPERATORS
from sigill.operations.worklist import about, entry_of, named_by, unit_of, what_to_do
from sigill.policy.calendar import midnight, swedish_date
from sigill.policy.console_lexicon import FOLLOW_UP_KINDS, PROTECTED_KINDS
from sigill.policy.effects import Sentence
from sigill.policy.facts import Measure, ReleaseRequest
from sigill.policy.lexicon import TARGETS
from sigill.runtime.logging import mask
from sigill.store import console, measures, requests, tasks, timers
from sigill.store.console import Tally
from sigill.store.orders import FoundOrder
from sigill.store.tasks import StoredTask
from sigill.store.timers import Coming
from sigill.web.console.context import (
    DONE_BEFORE,
    GONE,
    OUTSIDE,
    TAKEN,
    ConsoleContext,
    day_of,
    done,
    get,
    number_of,
    numbers_of,
    offset_of,
    post,
    reason_of,
    text_of,
)
from sigill.web.console.returned_forms import FormFault, returned_form
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import MeasureId, OrderId, PendingCode, PersonId

PAGE = 50
AHEAD = 62
"""Days that the calendar shows at once."""


# --- waiting


@dataclass(frozen=True, slots=True)
class Section:
    """One list of what waits, with how much there is of it."""

    key: str
    tally: Tally
    orders: Sequence[tuple[FoundOrder, datetime | None]] = ()
    tasks: Sequence[StoredTask] = ()
    ledger: Sequence[ReleaseRequest] = ()


SECTIONS = ("form", "follow_up", "units", "protected", "orders", "other")


async def waiting(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """One list at a time, with its deadlines; how much the others hold stands beside."""
    came = returned_form(request)
    key = came.first("list") if came is not None else request.query_params.get("list", "")
    offset, now, bound = offset_of(request), desk.clock.now(), session.operator.bound
    async with desk.store.reading() as tx:
        tallies = {
            "form": await console.count_pending(tx, now, PendingCode.AWAITING_SIGNED_FORM, bound=bound),
            "follow_up": await console.count_tasks(tx, now, FOLLOW_UP_KINDS, bound=bound),
            "units": Tally(await console.count_requests(tx, bound), 0, None),
            "protected": await console.count_tasks(tx, now, PROTECTED_KINDS, bound=bound),
            "orders": await console.count_pending(tx, now, bound=bound),
            "other": await console.count_tasks(
                tx, now, None, (*FOLLOW_UP_KINDS, *PROTECTED_KINDS), bound=bound
            ),
        }
        if key not in SECTIONS:
            # the first list in which something waits, and one over its time before the others
            waits = [name for name in SECTIONS if tallies[name].number]
            late = [name for name in waits if tallies[name].overdue]
            key = next(iter((*late, *waits)), SECTIONS[0])
        section = Section(key, tallies[key])
        counts_only = not session.operator.may(LOOKERS)
        match None if counts_only else key:
            case None:
                pass
            case "form":
                code = str(PendingCode.AWAITING_SIGNED_FORM)
                found = await console.pending_page(tx, code, bound=bound, limit=PAGE, offset=offset)
                section = Section(key, tallies[key], orders=found)
            case "orders":
                found = await console.pending_page(tx, bound=bound, limit=PAGE, offset=offset)
                section = Section(key, tallies[key], orders=found)
            case "units":
                open_ones = (await console.requests_page(tx, bound, limit=PAGE + offset))[offset:]
                section = Section(key, tallies[key], ledger=await _ledger(tx, open_ones))
            case "follow_up":
                section = Section(
                    key,
                    tallies[key],
                    tasks=await console.tasks_page(
                        tx, FOLLOW_UP_KINDS, bound=bound, limit=PAGE, offset=offset
                    ),
                )
            case "protected":
                section = Section(
                    key,
                    tallies[key],
                    tasks=await console.tasks_page(
                        tx, PROTECTED_KINDS, bound=bound, limit=PAGE, offset=offset
                    ),
                )
            case _:
                but = (*FOLLOW_UP_KINDS, *PROTECTED_KINDS)
                found_tasks = await console.tasks_page(tx, None, but, bound=bound, limit=PAGE, offset=offset)
                section = Section(key, tallies[key], tasks=found_tasks)
        hidden = await desk.hidden(
            session,
            [
                *(order.patient for order, _ in section.orders),
                *(task.patient for task in section.tasks),
                *(entry.patient for entry in section.ledger),
            ],
            tx,
        )
    return desk.page(
        request,
        "waiting_list.html" if request.headers.get("hx-request") == "true" else "waiting.html",
        session,
        section=section,
        hidden=hidden,
        tallies=tallies,
        sections=SECTIONS,
        counts_only=counts_only,
        offset=offset,
        page=PAGE,
    )


async def _ledger(tx: object, open_ones: Sequence[tuple[OrderId, PersonId]]) -> list[ReleaseRequest]:
    """The requests themselves, in the order of the list."""
    found = await requests.by_patient(tx, {patient for _, patient in open_ones})  # type: ignore[arg-type]
    by_id = {request.order_id: request for many in found.values() for request in many}
    return [by_id[order_id] for order_id, _ in open_ones if order_id in by_id]


async def task_person(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The person that a task is about: lists do not say who it is, and the person's page asks for a reason."""
    task_id = number_of(request.path_params["task"])
    async with desk.store.reading() as tx:
        found = (await tasks.by_ids(tx, [task_id])).get(task_id) if task_id is not None else None
    if found is None or found.patient is None:
        return desk.sorry(request, session, 404, GONE, back="/waiting")
    if (refused := await _withheld(request, desk, session, found, "/waiting")) is not None:
        return refused
    return RedirectResponse(f"/person/{found.patient}", 303)


async def task_done(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Tick off a task that only people can do."""
    task_id = number_of(request.path_params["task"])
    remark = text_of(form, "remark") or None
    back = (
        "/worklist"
        if text_of(form, "list") == "worklist"
        else f"/waiting?list={text_of(form, 'list') or 'other'}"
    )
    async with desk.store.reading() as tx:
        asked = (await tasks.by_ids(tx, [task_id])).get(task_id) if task_id is not None else None
    if asked is not None and (refused := await _withheld(request, desk, session, asked, back)) is not None:
        return refused
    async with desk.store.transaction(desk.clock.now()) as tx:
        ticked = task_id is not None and await tasks.tick_off(tx, task_id, session.operator.name, remark)
        if ticked:
            await desk.note(tx, session.operator, "task_ticked_off", {"task": task_id})
            mine = await console.worklist_page(
                tx, bound=session.operator.bound, taken_by=session.operator.name, limit=1
            )
            if back == "/worklist" and mine:
                back = f"/worklist/{mine[0].task_id}"
    if not ticked and asked is not None:
        raise FormFault({"": TAKEN if asked.state == "open" else DONE_BEFORE}, 409)
    return done(back, "ticked" if ticked else "gone")


async def _task_page(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The page that a tick came from: the task's own, or the list of what waits."""
    came = returned_form(request)
    if came is not None and came.first("list") == "worklist":
        return await _worklist_task(request, desk, session)
    return await waiting(request, desk, session)


async def task_claim(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Take tasks, give them back, or take them over from somebody else: `what` says which."""
    what, operator = text_of(form, "what"), session.operator
    ids = numbers_of(form, "task")[:MOST_AT_ONCE]
    back = _claim_back(text_of(form, "back"))
    async with desk.store.reading() as tx:
        asked = list((await tasks.by_ids(tx, ids)).values())
    for task in asked:
        if (refused := await _withheld(request, desk, session, task, back)) is not None:
            return refused
    async with desk.store.transaction(desk.clock.now()) as tx:
        if what == "release":
            changed = await tasks.unclaim(tx, ids, operator.name)
        else:
            changed = await tasks.claim(tx, ids, operator.name, from_others=what == "take_over")
        if changed:
            action = "tasks_given_back" if what == "release" else "tasks_taken"
            await desk.note(tx, operator, action, {"tasks": " ".join(map(str, changed))})
    if not changed:
        return done(back, "taken")
    return done(back, "given_back" if what == "release" else "claimed")


MOST_AT_ONCE = 100
"""Tasks that are taken at once: a patient's, and not the whole list."""


def _claim_back(asked: str) -> str:
    """The list that was looked at; never another site."""
    allowed = {"/worklist", *(f"/waiting?list={key}" for key in SECTIONS)}
    allowed |= {f"/worklist?who={who}" for who in _WHO} | {f"/worklist?target={name}" for name in TARGETS}
    allowed |= {f"/worklist?target={name}&who={who}" for name in TARGETS for who in _WHO}
    return asked if asked in allowed or _A_TASK.fullmatch(asked) else "/worklist"


_A_TASK = re.compile(r"/worklist/[0-9]{1,9}")
_WHO = ("mine", "free")


async def task_undo(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Open a task again that was ticked off by mistake, with a reason, which stays at the task."""
    task_id = number_of(request.path_params["task"])
    reason = reason_of(form)
    async with desk.store.reading() as tx:
        asked = (await tasks.by_ids(tx, [task_id])).get(task_id) if task_id is not None else None
    if asked is None or asked.target is None:
        return desk.sorry(request, session, 404, GONE, back="/worklist")
    if (refused := await _withheld(request, desk, session, asked, "/worklist")) is not None:
        return refused
    async with desk.store.transaction(desk.clock.now()) as tx:
        opened = await tasks.reopen(tx, asked.task_id, mask(reason))
        if opened:
            body: dict[str, int | str] = {"task": asked.task_id, "ticked_off_by": asked.done_by or ""}
            personal = {"reason": reason} if asked.patient else None
            await desk.note(tx, session.operator, "task_reopened", body, asked.patient, personal)
    if not opened:
        raise FormFault({"": NOT_TICKED}, 409)
    return done(f"/worklist/{asked.task_id}", "reopened")


NOT_TICKED = Sentence(
    "Uppgiften är inte avprickad: den är öppen, eller behövs inte längre.",
    "The task is not ticked off: it is open, or not needed any more.",
)


async def _withheld(
    request: Request, desk: ConsoleContext, session: Session, task: StoredTask, back: str
) -> Response | None:
    """Why a task is not for this session: outside its regions and units, or about somebody hidden; None: it is."""
    async with desk.store.reading() as tx:
        unit = await unit_of(tx, task)
        hidden = await desk.hidden(session, await about(tx, task), tx)
    if not session.operator.bound.covers(task.region, unit):
        return desk.sorry(request, session, 403, OUTSIDE, back=back)
    return await desk.refuse_hidden(request, session, hidden, "task", back) if hidden else None


# --- work-list


async def worklist(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """Each task a target, the oldest first, and the standing figure: applied here, not yet there."""
    target = request.query_params.get("target")
    target = target if target in TARGETS else None
    offset = offset_of(request)
    who = request.query_params.get("who", "")
    me = session.operator.name
    async with desk.store.reading() as tx:
        bound = session.operator.bound
        stats = [row for row in await tasks.stats(tx, bound.regions, bound.units) if row.target is not None]
        counts_only = not session.operator.may(LOOKERS)
        rows = (
            []
            if counts_only
            else await console.worklist_page(
                tx,
                target,
                bound=bound,
                taken_by=me if who == "mine" else None,
                free=who == "free",
                limit=WORKLIST_PAGE,
                offset=offset,
            )
        )
        mine, free = (0, 0) if counts_only else await console.worklist_claims(tx, me, target, bound)
        recent = [] if counts_only else await console.worklist_done(tx, bound)
        shown = (*rows, *recent)
        found = await measures.by_ids(tx, {task.measure_id for task in shown if task.measure_id})
        secret = await desk.hidden(session, set().union(*(named_by(task, found) for task in shown)), tx)
        hidden = {task.task_id for task in shown if secret & named_by(task, found)}
    standing = {
        name: (
            sum(row.tasks for row in stats if row.target == name),
            min((row.oldest for row in stats if row.target == name), default=None),
        )
        for name in TARGETS
    }
    return desk.page(
        request,
        "worklist.html",
        session,
        groups=_by_patient(rows, found),
        shown=len(rows),
        who=who if who in _WHO else "",
        mine=mine,
        free=free,
        standing=standing,
        hidden=hidden,
        counts_only=counts_only,
        target=target,
        total={"mine": mine, "free": free}.get(
            who, sum(number for name, (number, _) in standing.items() if target in (None, name))
        ),
        offset=offset,
        page=WORKLIST_PAGE,
        recent=recent,
    )


WORKLIST_PAGE = 200
"""Rows of the work-list at once; they are one line each."""


def _by_patient(
    rows: Sequence[StoredTask], found: Mapping[MeasureId, Measure]
) -> list[tuple[PersonId | None, list[tuple[StoredTask, object, Measure | None]]]]:
    """The tasks of each patient together, in the order in which they come."""
    return [
        (
            patient,
            [
                (task, _what(task, found), found.get(task.measure_id) if task.measure_id else None)
                for task in part
            ],
        )
        for patient, part in groupby(rows, key=lambda one: one.patient)
    ]


def _what(task: StoredTask, found: object) -> object:
    measure = found.get(task.measure_id) if task.measure_id else None  # type: ignore[attr-defined]
    return what_to_do(task, measure) if measure else task.text


async def worklist_task(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """What is to be keyed in, without the numbers."""
    return await _worklist_task(request, desk, session)


async def worklist_numbers(
    request: Request, desk: ConsoleContext, session: Session, form: FormData
) -> Response:
    """The same with the numbers: an act of its own, logged."""
    task_id = number_of(request.path_params["task"])
    entry = await entry_of(desk.store, task_id) if task_id is not None else None
    if entry is None:
        return desk.sorry(request, session, 404, GONE, back="/worklist")
    reason = reason_of(form)
    if (refused := await _withheld(request, desk, session, entry.task, "/worklist")) is not None:
        return refused
    person = entry.patient.patient.person_id
    async with desk.store.transaction(desk.clock.now()) as tx:
        await desk.note(
            tx, session.operator, "worklist_numbers", {"task": task_id}, person, {"reason": reason}
        )
        await desk.looked(tx, session.operator, person, reason, f"what to key in, task {task_id}")
    await desk.sessions.open(session, f"task:{task_id}", reason)
    return done(f"/worklist/{task_id}", "unmasked")


async def _worklist_task(request: Request, desk: ConsoleContext, session: Session) -> Response:
    task_id = number_of(request.path_params["task"])
    entry = await entry_of(desk.store, task_id) if task_id is not None else None
    if entry is None:
        return desk.sorry(request, session, 404, GONE, back="/worklist")
    if (refused := await _withheld(request, desk, session, entry.task, "/worklist")) is not None:
        return refused
    reason = session.reason(f"task:{task_id}", desk.clock.now())
    unmasked = reason is not None
    async with desk.store.transaction(desk.clock.now()) as tx:
        who = entry.patient.patient.person_id
        shown = f"what to key in, task {task_id}, {'unmasked' if unmasked else 'masked'}"
        await desk.looked(tx, session.operator, who, reason or "work-list", shown)
    birth = entry.patient.patient.birth
    return desk.page(
        request,
        "worklist_task.html",
        session,
        key_in=entry,
        task=entry.task,
        measure=entry.measure,
        what=what_to_do(entry.task, entry.measure),
        last_day=entry.measure.last_day(birth),
        unmasked=unmasked,
    )


# --- transitions


@dataclass(frozen=True, slots=True)
class DueDay:
    """What falls due on a Swedish date."""

    day: date
    kinds: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """How much."""
        return sum(number for _, number in self.kinds)


async def transitions(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """A calendar of what is coming, by day and kind."""
    today = swedish_date(desk.clock.now())
    try:
        first = day_of(request.query_params.get("first"))
    except ValueError:
        first = today
    async with desk.store.reading() as tx:
        regions = session.operator.bound.regions
        coming = [
            timer
            for timer in await timers.between(tx, midnight(first), midnight(first + timedelta(days=AHEAD)))
            if regions is None or timer.region in regions
        ]
        stats = await timers.stats(tx, desk.clock.now())
    return desk.page(
        request,
        "transitions.html",
        session,
        weeks=_weeks(first, coming),
        days=_days(coming),
        first=first,
        last=first + timedelta(days=AHEAD - 1),
        earlier=first - timedelta(days=AHEAD),
        later=first + timedelta(days=AHEAD),
        today=today,
        stats=stats,
    )


def _days(coming: Sequence[Coming]) -> list[DueDay]:
    kinds: dict[date, dict[str, int]] = {}
    for row in coming:
        of_day = kinds.setdefault(row.day, {})
        of_day[str(row.kind)] = of_day.get(str(row.kind), 0) + row.timers
    return [DueDay(day, tuple(sorted(found.items()))) for day, found in sorted(kinds.items())]


def _weeks(first: date, coming: Sequence[Coming]) -> list[tuple[int, list[tuple[date, int, bool]]]]:
    """Whole weeks, Monday first: number of the week, and each day with how much falls due and whether it is shown."""
    totals: dict[date, int] = {}
    for row in coming:
        totals[row.day] = totals.get(row.day, 0) + row.timers
    last = first + timedelta(days=AHEAD - 1)
    monday = first - timedelta(days=first.weekday())
    weeks = []
    while monday <= last:
        days = [monday + timedelta(days=place) for place in range(7)]
        weeks.append((monday.isocalendar().week, [(d, totals.get(d, 0), first <= d <= last) for d in days]))
        monday += timedelta(days=7)
    return weeks


async def transitions_day(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """What falls due on one day, in order of time."""
    try:
        day = day_of(request.path_params["day"])
    except ValueError:
        return desk.sorry(request, session, 404, GONE, back="/transitions")
    first, end, offset = midnight(day), midnight(day + timedelta(days=1)), offset_of(request)
    async with desk.store.reading() as tx:
        regions = session.operator.bound.regions
        rows = await console.timers_between(tx, first, end, regions, limit=PAGE, offset=offset)
        total = await console.count_timers(tx, first, end, regions)
    return desk.page(
        request, "transitions_day.html", session, day=day, rows=rows, total=total, offset=offset, page=PAGE
    )


ROUTES = [
    get("/waiting", waiting),
    get("/tasks/{task}/person", task_person, LOOKERS),
    post("/tasks/{task}/done", task_done, OPERATORS, _task_page),
    post("/tasks/{task}/undo", task_undo, OPERATORS, _worklist_task),
    post("/tasks/claim", task_claim, OPERATORS),
    get("/worklist", worklist),
    get("/worklist/{task}", worklist_task, LOOKERS),
    post("/worklist/{task}/numbers", worklist_numbers, LOOKERS, _worklist_task),
    get("/transitions", transitions),
    get("/transitions/{day}", transitions_day),
]
