"""`sigill case`: what is due first, one case whole, and the region's letters from it."""

import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sigill.cli.common import NamedBinding, bound, operator, refuse_outside, rulebooks, settings
from sigill.cli.context import HIDDEN, clock_of, hidden_people, refuse_hidden, run, store_of, told
from sigill.judgement.request_cases import CaseStep, letter_offers
from sigill.operations.archive import case_entry_json
from sigill.operations.cases import CaseLine, CaseView, case_of, letter_details, open_cases
from sigill.policy.calendar import swedish_date
from sigill.policy.cases import CaseEntry, closing, standing
from sigill.policy.console_lexicon import word
from sigill.policy.rulebook import Rulebooks
from sigill.rulebook_docs.letters import DELIVERY, LetterError, letter_pdf
from sigill.runtime.files import write_private
from sigill.store import access_log, orders
from sigill.store.access_log import LOOKS, AccessLogEntry
from sigill.store.session import Store
from sigill_contracts.vocabulary import PersonId, RegionCode

app = typer.Typer(
    help="Cases: what is due, one of them whole, and the region's letters from it.", no_args_is_help=True
)


@app.command("list")
def list_cases(
    region: Annotated[str | None, typer.Option(help="Only of this region.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """
    List open cases, what is due first ahead, without anybody's number: day, number, what to do, state, region.

    Exit codes: 0 done, 2 wrong use.
    """
    chosen, books = settings(), rulebooks()
    if region is not None and region not in books.regions:
        print(f"no region {region}; there are: {', '.join(sorted(books.regions))}", file=sys.stderr)
        raise typer.Exit(2)
    mine = bound(region)

    async def work() -> list[dict[str, object]]:
        async with store_of(chosen) as store, store.reading() as tx:
            now = clock_of(chosen).now()
            lines = await open_cases(tx, books, await mine.on(tx, swedish_date(now)), now)
            hidden = await hidden_people(tx, {who for line in lines for who in _people(line)})
            return [_line(line, hidden=bool(hidden & set(_people(line)))) for line in lines]

    found = run(work)
    if as_json:
        told({"cases": found})
        return
    for line in found:
        print("\t".join("" if value is None else str(value) for value in line.values()))
    print(f"{len(found)} open", file=sys.stderr)


@app.command()
def show(
    number: Annotated[str, typer.Argument(help="The registration number of the request (SIGILL-…).")],
    reason: Annotated[str, typer.Option(help="Why, for the access log.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """
    Show a case: what to do next, units and their harm assessments, authorities, replies. The look is logged.

    Exit codes: 0 done, 1 no such case, or one that may not be shown, 2 wrong use.
    """
    chosen, books, who, mine = settings(), rulebooks(), operator(), bound()
    if not reason.strip():
        raise typer.BadParameter("--reason is empty")

    async def work() -> CaseView | None:
        async with store_of(chosen) as store:
            now = clock_of(chosen).now()
            view = await _found(store, number, books, now, mine)
            if view is not None:
                await _log(store, view, who, reason, f"case {view.number}", now)
            return view

    view = run(work)
    if view is None:
        print("no such case", file=sys.stderr)
        raise typer.Exit(1)
    if as_json:
        told(_document(view))
    else:
        print("\n".join(_lines(view)))


@app.command()
def letter(
    number: Annotated[str, typer.Argument(help="The registration number of the case (SIGILL-…).")],
    name: Annotated[
        str | None, typer.Argument(help="The letter; left out: those that fit are listed.")
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the access log.")],
    to: Annotated[int, typer.Option(help="Which of its recipients, as listed.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="The file to write, PDF.")] = None,
    english: Annotated[bool, typer.Option("--english", help="The letter in English.")] = False,
) -> None:
    """
    List the region's letters that fit a case, or write one as PDF. No address stands on it. The look is logged.

    Exit codes: 0 done, 1 no such case, the letter must not go, or somebody in it may not be shown, 2 wrong use.
    """
    chosen, books, who, mine = settings(), rulebooks(), operator(), bound()
    if not reason.strip():
        raise typer.BadParameter("--reason is empty")
    if (name is None) != (out is None):
        raise typer.BadParameter("name a letter and --out together, or neither")

    async def work() -> tuple[CaseView | None, datetime]:
        async with store_of(chosen) as store:
            now = clock_of(chosen).now()
            view = await _found(store, number, books, now, mine)
            if view is not None:
                shown = f"case {view.number}" if name is None else f"letter {name} in case {view.number}"
                await _log(store, view, who, reason, shown, now)
            return view, now

    view, now = run(work)
    if view is None:
        print("no such case", file=sys.stderr)
        raise typer.Exit(1)
    offers = letter_offers(view.case, now)
    if name is None or out is None:
        seen: Counter[str] = Counter()
        for offer in offers:
            seen[offer.name] += 1
            why = "" if offer.objection is None else f"  must not go: {offer.objection}"
            print(f"{offer.name}  --to {seen[offer.name]}  {offer.letter.delivery}{why}")
        print(f"{len(offers)} fit", file=sys.stderr)
        return
    fit = [offer for offer in offers if offer.name == name]
    if to > len(fit):
        print(f"no letter {name} --to {to} fits the case", file=sys.stderr)
        raise typer.Exit(2)
    offer = fit[to - 1]
    if offer.objection is not None:
        print(f"must not go: {word('letter_objection', str(offer.objection), 'en')}", file=sys.stderr)
        raise typer.Exit(1)
    today = swedish_date(now)
    code = RegionCode(view.case.request.region)
    region, version = books.regions[code], books.default_version(code, today)
    try:
        made = letter_pdf(
            region, version, offer.letter, today, letter_details(view, offer, (), now), english=english
        )
        write_private(out, made)  # the paper says that somebody asked, and under which number
    except LetterError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except OSError as error:
        print(f"--out: {error.strerror}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(DELIVERY[offer.letter.delivery].en, file=sys.stderr)


async def _found(
    store: Store, number: str, books: Rulebooks, now: datetime, mine: NamedBinding
) -> CaseView | None:
    """The case under a registration number; None: there is none. Ends the program where somebody in it may not be shown."""
    async with store.reading() as tx:
        for registration in await orders.numbered(tx, number):
            view = await case_of(tx, registration, books, now)
            if view is not None:
                break
        else:
            return None
        here = await mine.on(tx, swedish_date(now))
        if not view.within(here):
            refuse_outside()
    await refuse_hidden(store, view.people, view.texts)
    return view.seen_by(here)


async def _log(store: Store, view: CaseView, who: str, reason: str, shown: str, now: datetime) -> None:
    async with store.transaction(now) as tx:
        look = AccessLogEntry(who, None, view.key.patient, reason, shown)
        await access_log.append(tx, [look], chain=LOOKS)


def _people(line: CaseLine) -> tuple[PersonId, ...]:
    return (line.patient, *line.request.asked_by)


def _line(one: CaseLine, *, hidden: bool) -> dict[str, object]:
    step = one.standing.steps[0] if one.standing.steps else None
    return {
        "due": one.due,
        "number": HIDDEN if hidden else one.number,
        "do": None if hidden or step is None else str(step.kind),
        "state": None if hidden else str(one.standing.state),
        "region": None if hidden else one.region,
    }


def _step(one: CaseStep) -> dict[str, object]:
    return {"do": str(one.kind), "due": one.due, "late": one.late, "unit": one.unit, "rules": list(one.rules)}


def _entry(one: CaseEntry, patient: PersonId, counts: bool) -> dict[str, object]:
    shown = {name: value for name, value in case_entry_json(one, patient).items() if name != "at"}
    return {**shown, "counts": counts}


def _document(view: CaseView) -> dict[str, object]:
    case = view.case
    counting = standing(case.entries)
    return {
        "number": view.number,
        "region": case.request.region,
        "state": str(view.standing.state),
        "initiative": str(case.request.initiative),
        "channel": view.channel,
        "forwarded_by": view.forwarded_by,
        "forwarded_unit": view.forwarded_unit,
        "received_at": view.order.received_at,
        "ended": case.request.closed,
        "next": [_step(step) for step in view.standing.steps],
        "units": [
            {
                "unit": unit.unit,
                "answered_by": unit.asked,
                "due": unit.due,
                "answers": [{"opinion": str(a.opinion), "at": a.given_at} for a in unit.answers],
                "waited_for": unit.waited_for,
                "withheld": unit.withheld,
            }
            for unit in view.units
        ],
        "harm_assessments": [
            {
                "unit": assessment.unit,
                "opinion": assessment.opinion and str(assessment.opinion),
                "by": assessment.by,
                "role": assessment.role,
                "assessed": assessment.assessed,
                "authorities_confirmed": assessment.authorities_confirmed,
                "form": assessment.number,
            }
            for assessment in view.assessments
        ],
        "protection_stays": case.protection_stays,
        "entries": [_entry(entry, view.key.patient, entry in counting) for entry in case.entries],
    }


def _lines(view: CaseView) -> list[str]:
    def said(kind: str, code: object) -> str:
        return word(kind, str(code), "en")

    case, closed = view.case, closing(view.case.entries)
    lines = [f"{view.number}  {said('case_state', view.standing.state)}"]
    if closed is not None:
        lines.append(f"closed {closed.day} by {closed.by}")
    lines += [
        f"next: {said('case_step', step.kind)}{f' ({step.unit})' if step.unit else ''}, by {step.due}"
        + (" LATE" if step.late else "")
        for step in view.standing.steps
    ]
    how = "asked" if case.asks else "about"
    lines.append(
        f"{how}: {said('initiative', case.request.initiative)}, {view.channel or 'form not kept'}, "
        f"{view.order.received_at:%Y-%m-%d}"
    )
    for unit in view.units:
        last = unit.answers[-1] if unit.answers else None
        answer = (
            "has answered"
            if unit.withheld
            else "has not answered"
            if last is None
            else f"{said('opinion', last.opinion)} {last.given_at:%Y-%m-%d}"
        )
        lines.append(f"unit {unit.unit}: {answer}")
    for assessment in view.assessments:
        if assessment.opinion is None:
            who = "shown to those bound to that unit"
        else:
            who = assessment.by if assessment.assessed and assessment.by else "not attested"
        lines.append(f"harm assessed at {assessment.unit}: {who}")
    for entry in standing(case.entries):
        code = entry.code or ""
        parts = (entry.name, entry.reference, entry.remark)
        lines.append(
            f"#{entry.entry_id} {entry.day} {entry.kind} {code} {' · '.join(p for p in parts if p)}".rstrip()
        )
    return lines
