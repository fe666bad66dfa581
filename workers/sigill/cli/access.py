"""
`sigill access …`: who may see what, when, and why; and the decision API itself.

A person is a pseudonymous key, or `-`: then the number is asked for, or read from standard input, a line each. A number
as an argument would stay in the shell's history and in the list of processes; it is refused.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from sigill.cli.common import policy_provider, settings
from sigill.cli.context import HIDDEN, clock_of, hidden_people, operator, refuse_hidden, run, store_of
from sigill.operations.decision_models import (
    KEY_PATTERN,
    ByKey,
    ByNumber,
    DecisionTold,
    LineTold,
    PictureTold,
    ReasonTold,
    Somebody,
    TimelineOf,
    TimelineTold,
)
from sigill.operations.decision_service import AccessQuery, DecisionService, Principal, StoreDown
from sigill.operations.facts_loader import Who
from sigill.operations.presenter import Presenter
from sigill.policy.calendar import STOCKHOLM
from sigill.policy.facts import Identity
from sigill.policy.identity_numbers import NumberError, NumberRules
from sigill.runtime.lifecycle import stopped_by_signals
from sigill.store import persons
from sigill.store.roles import open_as
from sigill.web.api.problems import Trouble
from sigill.web.api.routes import tell_timeline
from sigill.web.api.server import serve as serve_api
from sigill.web.http.authentication import NotConfigured
from sigill_contracts.vocabulary import Service, UnitId

T = TypeVar("T")
Told = TypeVar("Told", PictureTold, TimelineTold)

app = typer.Typer(no_args_is_help=True, help="Ask the store: who may see what, when, and why.")

PATIENT_HELP = "The patient's pseudonymous key, or - to be asked for the number."
VIEWER_HELP = "The viewer's pseudonymous key, or - to be asked for the number."
_Patient = Annotated[str, typer.Argument(help=PATIENT_HELP)]
_At = Annotated[
    str | None, typer.Option("--at", help="Moment asked about: a Swedish date or time, or RFC 3339. Now.")
]
_KnownAt = Annotated[str | None, typer.Option("--known-at", help="Answer by what was known then.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the API's own answer.")]
_Purpose = Annotated[str, typer.Option("--purpose", help="Why you look; it goes into the access log.")]
_Unit = Annotated[str | None, typer.Option("--asking-unit", help="The unit or office that you look for.")]


@app.callback()
def _group() -> None:
    """Who may see what, when, and why. Every look is in the access log."""


@app.command()
def ask(
    patient: _Patient,
    viewer: Annotated[str, typer.Argument(help=VIEWER_HELP)],
    purpose: _Purpose,
    *,
    service: Annotated[Service, typer.Option(help="What is to be reached.")] = Service.JOURNAL,
    unit: Annotated[str | None, typer.Option(help="The unit whose part of the record is meant.")] = None,
    recorded_on: Annotated[str | None, typer.Option(help="When the information was recorded.")] = None,
    information_type: Annotated[
        str | None, typer.Option(help="The heading or template that it is recorded under.")
    ] = None,
    at: _At = None,
    known_at: _KnownAt = None,
    asking_unit: _Unit = None,
    as_json: _Json = False,
) -> None:
    """
    May the viewer reach the patient's record, and why.

    Exit status: 0 allowed, 3 denied, 2 something is written wrongly or the database does not answer.
    """
    lines = _standard_input()
    question = AccessQuery(
        patient=_who(patient, "patient", lines),
        viewer=_who(viewer, "viewer", lines),
        service=service,
        unit=None if unit is None else UnitId(unit),
        recorded_on=None if recorded_on is None else _day(recorded_on),
        information_type=information_type,
        as_of=_moment(at),
        known_at=_moment(known_at),
    )

    async def work() -> DecisionTold:
        async with _desk() as desk:
            await _shown(question.patient, question.viewer)
            (answer,) = await desk.ask([question], Principal(operator(), asking_unit, purpose))
            return Presenter(desk.rules).decision(answer, explain=True)

    told = _run(work)
    _print(told, as_json, _decision_lines(told))
    raise typer.Exit(0 if told.allowed else 3)


@app.command()
def show(
    patient: _Patient,
    purpose: _Purpose,
    *,
    at: _At = None,
    known_at: _KnownAt = None,
    asking_unit: _Unit = None,
    as_json: _Json = False,
) -> None:
    """The whole picture of a patient: every viewer, service and unit, and the measures with their ends."""
    who, moment, known = _who(patient, "patient", _standard_input()), _moment(at), _moment(known_at)

    async def work() -> PictureTold | None:
        async with _desk() as desk:
            asker = Principal(operator(), asking_unit, purpose)
            await _shown(who)
            opened = await desk.open(who, asker, shown="the whole picture, with measures", known_at=known)
            if opened is None:
                return None
            picture = Presenter(desk.rules).picture(opened, moment or desk.clock.now(), most=None)
            return await _without_hidden(picture, {line.viewer for line in picture.lines})

    told = _found(_run(work))
    _print(told, as_json, _picture_lines(told))


@app.command()
def timeline(
    patient: _Patient,
    purpose: _Purpose,
    *,
    viewer: Annotated[str | None, typer.Option(help=VIEWER_HELP + " Everybody.")] = None,
    service: Annotated[Service | None, typer.Option(help="Only this service.")] = None,
    since: Annotated[str | None, typer.Option(help="From then on; the patient's birth.")] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Until then; a year after the last age of any rulebook, ten years at least."),
    ] = None,
    known_at: _KnownAt = None,
    asking_unit: _Unit = None,
    as_json: _Json = False,
) -> None:
    """What changed, and what will change by time alone: birthdays, ends of measures, custody, new rules; and why."""
    lines = _standard_input()
    asked_about = [_who(patient, "patient", lines)]
    if viewer is not None:
        asked_about.append(_who(viewer, "viewer", lines))
    asked = TimelineOf(
        patient=_somebody(asked_about[0]),
        viewer=None if viewer is None else _somebody(asked_about[1]),
        service=service,
        since=_moment(since),
        until=_moment(until),
        known_at=_moment(known_at),
        purpose=purpose,
        asking_unit=asking_unit,
    )

    async def work() -> TimelineTold:
        async with _desk() as desk:
            await _shown(*asked_about)
            await desk.books_now()
            whole = await tell_timeline(
                desk, Presenter(desk.rules), asked, Principal(operator(), asking_unit, purpose), whole=True
            )
            named = {change.viewer for step in whole.steps for change in step.changes}
            named |= {cause.person for step in whole.steps for cause in step.causes if cause.person}
            return await _without_hidden(whole, named)

    told = _run(work)
    _print(told, as_json, _timeline_lines(told))


@app.command()
def serve() -> None:
    """Answer the decision API until told to stop (SIGTERM). Exit status 2 when nobody could prove who they are."""
    chosen, judging_by = settings(), policy_provider()

    async def work() -> None:
        stop = asyncio.Event()
        with stopped_by_signals(stop):
            store = await open_as(chosen, "sigill_reader", keep_plans=True)
            assert store is not None  # without the role the user itself is taken
            try:
                await serve_api(chosen, store, judging_by, clock_of(chosen), stop, listening=_listening)
            finally:
                await store.close()

    try:
        run(work)
    except NotConfigured as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _listening(port: int) -> None:
    print(f"the decision API answers on port {port}", file=sys.stderr, flush=True)


@asynccontextmanager
async def _desk() -> AsyncIterator[DecisionService]:
    chosen = settings()
    async with (
        store_of(chosen) as store,
        DecisionService(
            store, policy_provider(), clock_of(chosen), instance=chosen.instance, capacity=1, lanes=1
        ) as desk,
    ):
        yield desk


async def _shown(*asked: Who) -> None:
    """End the process when one of those asked about has protected identity, and the caller may not be shown them."""
    async with store_of(settings()) as store:
        async with store.reading() as tx:
            keys = [who for who in asked if isinstance(who, str)]
            people = set((await persons.resolve_keys(tx, keys)).values())
            numbers = [who for who in asked if not isinstance(who, str)]
            people |= set((await persons.resolve(tx, numbers)).values())
        await refuse_hidden(store, people)


async def _without_hidden(told: Told, keys: set[str]) -> Told:
    """What is told, with `(protected)` in place of the keys of those who may not be shown."""
    async with store_of(settings()) as store, store.reading() as tx:
        named = await persons.resolve_keys(tx, sorted(keys))
        hidden = await hidden_people(tx, named.values())
    text = told.model_dump_json()
    for key, person in named.items():
        if person in hidden:
            text = text.replace(json.dumps(key), json.dumps(HIDDEN))
    return type(told).model_validate_json(text)


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return run(work)
    except StoreDown:
        print("the database that SIGILL_DATABASE_URL names does not answer", file=sys.stderr)
        raise typer.Exit(2) from None
    except Trouble as trouble:
        if trouble.kind == "no-such-person":
            _found(None)
        print(trouble.detail or trouble.kind, file=sys.stderr)
        raise typer.Exit(2) from None


def _found(told: PictureTold | None) -> PictureTold:
    if told is None:
        print("nobody is known by that key or number", file=sys.stderr)
        raise typer.Exit(1)
    return told


def _standard_input() -> Iterator[str]:
    while True:
        line = sys.stdin.readline()
        if not line:
            print("a number was to be read from standard input, and there is none", file=sys.stderr)
            raise typer.Exit(2)
        yield line.strip()


def _who(given: str, name: str, lines: Iterator[str]) -> Who:
    if given == "-":
        number = (
            typer.prompt(f"The {name}'s number", hide_input=True, err=True)
            if sys.stdin.isatty()
            else next(lines)
        )
        if re.fullmatch(KEY_PATTERN, number.strip()):
            return str(number.strip())
        return _identity(number)
    if not re.fullmatch(KEY_PATTERN, given):
        print(
            f"the {name} is a pseudonymous key, or - to be asked for the number: as an argument it would stay in the "
            "shell's history",
            file=sys.stderr,
        )
        raise typer.Exit(2)
    return given


def _identity(number: str) -> Identity:
    chosen = settings()
    try:
        return NumberRules(chosen.reserve_numbers, chosen.test_numbers).read(number)
    except NumberError as error:
        print(error.text.en, file=sys.stderr)
        raise typer.Exit(2) from None


def _somebody(who: Who) -> Somebody:
    return ByKey(key=who) if isinstance(who, str) else ByNumber(id_type=who.id_type, id=who.number)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        print(f"{text}: a moment is written 2026-03-01, 2026-03-01T09:30 or as RFC 3339", file=sys.stderr)
        raise typer.Exit(2) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=STOCKHOLM)).astimezone(UTC)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        print(f"{text}: a date is written 2026-03-01", file=sys.stderr)
        raise typer.Exit(2) from None


def _print(told: BaseModel, as_json: bool, lines: Iterator[str]) -> None:
    if as_json:
        print(told.model_dump_json(indent=1))
    else:
        for line in lines:
            print(line)


def _local(moment: datetime | None) -> str:
    return "until released" if moment is None else f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"


def _reason_lines(reasons: tuple[ReasonTold, ...], indent: str) -> Iterator[str]:
    for reason in reasons:
        yield f"{indent}{reason.code}: {reason.sv}"
        for rule in reason.rules:
            yield f"{indent}  {rule.rule} ({rule.document}): {rule.sv}"
        for m in reason.measures:
            yield f"{indent}  {m.sv}, {m.measure_id}, order {m.order_ids[0] if m.order_ids else '-'}, ends {_local(m.ends_at)}"


def _decision_lines(told: DecisionTold) -> Iterator[str]:
    yield f"{'ALLOWED' if told.allowed else 'DENIED'} at {_local(told.as_of)}, as known at {_local(told.known_at)}"
    yield from _reason_lines(told.reasons or (), "  ")
    yield f"  rules of {told.region or 'the whole country'} in force since {told.rulebook}"
    until = "never" if told.valid_until is None else f"{_local(told.valid_until)} at the earliest"
    yield f"  changes by itself: {until}"


def _picture_lines(told: PictureTold) -> Iterator[str]:
    yield f"{told.patient} at {_local(told.as_of)}, as known at {_local(told.known_at)}"
    for line in told.lines:
        yield f"  {_line(line)}"
        yield from _reason_lines(line.reasons, "      ")
    yield "measures" if told.measures else "no measures"
    for m in told.measures:
        yield f"  {m.sv}, {m.measure_id}, from {_local(m.valid_from)}, ends {_local(m.ends_at)}"


def _line(line: LineTold) -> str:
    said = "sees" if line.allowed else "does not see"
    return f"{line.relation} {line.viewer} {said} {line.service}{f' of {line.unit}' if line.unit else ''}"


def _timeline_lines(told: TimelineTold) -> Iterator[str]:
    yield f"{told.patient} from {_local(told.since)} through {_local(told.until)}, as known at {_local(told.known_at)}"
    for step in told.steps:
        yield f"{_local(step.at)}  {' '.join(cause.sv for cause in step.causes)}"
        for change in step.changes:
            place = f" of {change.unit}" if change.unit else ""
            word = {"gained": "gains", "lost": "loses", "same": "keeps, for other reasons,"}[change.access]
            denied = change.access == "same" and not change.allowed
            yield f"    {change.relation} {change.viewer} {'still lacks' if denied else word} {change.service}{place}"
            yield from _reason_lines(change.after, "        ")
