"""`sigill transitions`: what opens and ends by itself this week, and a rehearsal of birthdays and end dates."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from sigill.cli.common import bound_region, rulebooks, settings
from sigill.cli.context import HIDDEN, clock_of, hidden_people, operator, run, store_of, told
from sigill.judgement.week_ahead import ComingTurn
from sigill.operations.spreadsheets import SheetWriter
from sigill.operations.week_ahead import REASON, SHOWN, WeekAhead, week_ahead
from sigill.population.rehearse import Rehearsal, RehearsalLine, rehearse
from sigill.population.snapshot import connection_arguments, snapshot
from sigill.runtime.clock import stopwatch
from sigill.store import access_log
from sigill.store.access_log import LOOKS, AccessLogEntry
from sigill_contracts.vocabulary import PersonId, RegionCode

app = typer.Typer(no_args_is_help=True, help="What birthdays and end dates will do: this week, or rehearsed.")
_DATE = ["%Y-%m-%d"]
_HEAD = ("day", "region", "event", "who", "service", "because", "accesses")


class RehearsalFormat(StrEnum):
    """How it is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.callback()
def _group() -> None:
    """What birthdays and end dates will do: this week, or rehearsed."""


@app.command("rehearse")
def rehearse_(
    *,
    first: Annotated[datetime, typer.Option("--from", formats=_DATE, help="First Swedish date.")],
    last: Annotated[datetime, typer.Option("--through", formats=_DATE, help="Last Swedish date, inclusive.")],
    region: Annotated[str | None, typer.Option(help="Only residents of this region.")] = None,
    format: Annotated[
        RehearsalFormat, typer.Option("--format", help="table (with totals), csv or json.")
    ] = RehearsalFormat.TABLE,
    dsn: Annotated[
        str | None, typer.Option(help="PostgreSQL; default: SIGILL_DATABASE_URL.", show_default=False)
    ] = None,
) -> None:
    """
    Print how many accesses, of which kinds, open, close and expire on each day. Nothing is changed.

    An access is one viewer's way to one patient's service. `expires` is a grant that runs out by itself.
    """
    current, books = settings(), rulebooks()
    if last < first:
        print("--through: before --from", file=sys.stderr)
        raise typer.Exit(2)
    if region is not None and (region not in books.regions or books.regions[RegionCode(region)].national):
        print(f"--region: no rulebook is loaded for {region}", file=sys.stderr)
        raise typer.Exit(2)
    tls = {} if dsn or current.database_tls == "prefer" else {"ssl": current.database_ssl()}
    where = connection_arguments(dsn or current.database_dsn(), current.database_schema, **tls)

    async def rehearsed() -> Rehearsal:
        async with snapshot(where) as tx:
            return await rehearse(
                tx,
                books,
                first.date(),
                last.date(),
                region=None if region is None else RegionCode(region),
                told=lambda step: print(f"{stopwatch() - began:6.1f} s  {step}", file=sys.stderr, flush=True),
            )

    began = stopwatch()
    found = asyncio.run(rehearsed())
    _print(found.ordered, format)
    print(
        f"{found.in_groups:,} residents in {found.groups:,} groups, {found.singly:,} one by one, "
        f"{stopwatch() - began:.1f} s",
        file=sys.stderr,
    )


@app.command("ahead")
def ahead(
    *,
    days: Annotated[int, typer.Option(min=1, max=366, help="So many days ahead, changes.")] = 7,
    within: Annotated[int, typer.Option(min=1, max=366, help="So many days ahead, ends unanswered.")] = 30,
    region: Annotated[str | None, typer.Option(help="Only timers and residents of this region.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="So many persons at most.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """
    List what opens and ends by itself, with what will be told and the form that prevents it; who is protected and not
    shut; and which measures end with nobody answering. People stand under their pseudonymous keys.

    Exit codes: 0 done, 1 somebody is protected and not shut, 2 wrong use.
    """
    chosen, books = settings(), rulebooks()
    if region is not None and region not in books.regions:
        print(f"no region {region}; there are: {', '.join(sorted(books.regions))}", file=sys.stderr)
        raise typer.Exit(2)
    listed = bound_region(region)

    async def work() -> tuple[WeekAhead, frozenset[PersonId]]:
        async with store_of(chosen) as store:
            whole = await week_ahead(
                store,
                books,
                clock_of(chosen).now(),
                days=days,
                within=within,
                region=listed,
                limit=limit,
            )
            async with store.transaction(clock_of(chosen).now()) as tx:
                hidden = await hidden_people(tx, whole.patients)
                seen = sorted(whole.patients - hidden, key=int)
                looks = [AccessLogEntry(operator(), None, who, REASON, SHOWN) for who in seen]
                await access_log.append(tx, looks, chain=LOOKS)
            return whole, hidden

    found, hidden = run(work)
    if as_json:
        told(_document(found, hidden))
    else:
        for turn in found.turns:
            if turn.patient in hidden:
                print(f"{turn.at:%Y-%m-%dT%H:%MZ}\t{HIDDEN}")
                continue
            for access in turn.accesses:
                opens = "opens" if access.opens else "ends"
                why = " ".join(cause.text.en for cause in turn.causes)
                by = ",".join(turn.prevented_by) or "-"
                print(
                    "\t".join((f"{turn.at:%Y-%m-%dT%H:%MZ}", turn.key, opens, str(access.service), why, by))
                )
        for ending in found.unanswered:
            if ending.measure.patient in hidden:
                print(f"{ending.ends_at:%Y-%m-%dT%H:%MZ}\t{HIDDEN}")
                continue
            by = ",".join(ending.extended_by) or "-"
            print(
                "\t".join(
                    (
                        f"{ending.ends_at:%Y-%m-%dT%H:%MZ}",
                        ending.key,
                        "unanswered",
                        ending.measure.kind,
                        "",
                        by,
                    )
                )
            )
        print(
            f"{len(found.turns)} changes of {found.people} persons; {len(found.unanswered)} measures end with nobody "
            f"answering; {len(found.not_shut)} protected and not shut",
            file=sys.stderr,
        )
    raise typer.Exit(1 if found.not_shut else 0)


def _document(found: WeekAhead, hidden: frozenset[PersonId]) -> dict[str, object]:
    """All of it as JSON; of `hidden` people the times alone, every other member null or empty."""
    return {
        "until": found.until,
        "persons": found.people,
        "changes": [
            {"at": turn.at, **_NO_CHANGE} if turn.patient in hidden else _change(turn) for turn in found.turns
        ],
        "ending_persons": found.unanswered_people,
        "unanswered": [
            {"ends_at": ending.ends_at, **_NO_END}
            if ending.measure.patient in hidden
            else {
                "ends_at": ending.ends_at,
                "patient": ending.key,
                "kind": ending.measure.kind,
                "region": ending.measure.region,
                "unit": ending.measure.unit,
                "goes_on_by": list(ending.extended_by),
            }
            for ending in found.unanswered
        ],
        "not_shut": [
            {
                "patient": HIDDEN if open_child.person in hidden else open_child.key,
                "region": None if open_child.person in hidden else open_child.region,
                "missing": [] if open_child.person in hidden else list(open_child.missing),
                "prevented_by": "sigill protected mend",
            }
            for open_child in found.not_shut
        ],
    }


_NO_CHANGE: dict[str, object] = {
    "patient": HIDDEN,
    "region": None,
    "why": [],
    "accesses": [],
    "told": [],
    "prevented_by": [],
}
_NO_END: dict[str, object] = {
    "patient": HIDDEN,
    "kind": None,
    "region": None,
    "unit": None,
    "goes_on_by": [],
}


def _change(turn: ComingTurn) -> dict[str, object]:
    return {
        "at": turn.at,
        "patient": turn.key,
        "region": turn.region,
        "why": [{"turn": c.turn, "sv": c.text.sv, "en": c.text.en} for c in turn.causes],
        "accesses": [
            {
                "viewer": _who(access.viewer, turn),
                "service": access.service,
                "opens": access.opens,
                "units": list(access.units),
                "because": list(access.because),
            }
            for access in turn.accesses
        ],
        "told": [
            {
                "to": "unit" if n.unit else "operators" if n.to is None else _who(n.to, turn),
                "template": n.template,
                "channel": n.channel,
                "suppressed": n.suppressed,
            }
            for n in turn.notices
        ],
        "prevented_by": list(turn.prevented_by),
    }


def _who(person: PersonId, turn: ComingTurn) -> str:
    return "patient" if person == turn.patient else "other"


def _print(lines: list[tuple[RehearsalLine, int]], format: RehearsalFormat) -> None:
    rows = [
        (
            line.day.isoformat(),
            line.region or "elsewhere",
            line.event,
            line.who,
            str(line.service),
            str(line.because),
            n,
        )
        for line, n in lines
    ]
    match format:
        case RehearsalFormat.CSV:
            writer = SheetWriter(sys.stdout, lineterminator="\n")
            writer.line(_HEAD)
            writer.lines(rows)
        case RehearsalFormat.JSON:
            print(json.dumps([dict(zip(_HEAD, row, strict=True)) for row in rows], indent=1))
        case RehearsalFormat.TABLE:
            _table(rows)
            total: Counter[tuple[str, ...]] = Counter()
            for row in rows:
                total[row[1:6]] += row[6]
            if rows:
                print()
                _table(("total", *key, n) for key, n in sorted(total.items()))


def _table(rows: Iterable[tuple[object, ...]]) -> None:
    texts = [(*map(str, row[:-1]), f"{row[-1]:,}".replace(",", " ")) for row in rows]
    widths = [max(len(text[i]) for text in [_HEAD, *texts]) for i in range(len(_HEAD))]
    for text in (_HEAD, *texts):
        cells = [cell.ljust(width) for cell, width in zip(text[:-1], widths[:-1], strict=True)]
        print("  ".join((*cells, text[-1].rjust(widths[-1]))))
