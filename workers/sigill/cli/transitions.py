"""`sigill transitions rehearse`: what birthdays and end dates will do."""

import asyncio
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from sigill.cli.common import rulebooks, settings
from sigill.population.rehearse import Rehearsal, RehearsalLine, rehearse
from sigill.population.snapshot import reach, snapshot
from sigill.runtime.clock import stopwatch
from sigill_contracts.vocabulary import RegionCode

app = typer.Typer(no_args_is_help=True, help="Rehearse what birthdays and end dates will do.")
_DATE = ["%Y-%m-%d"]
_HEAD = ("day", "region", "event", "who", "service", "because", "accesses")


class RehearsalFormat(StrEnum):
    """How it is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.callback()
def _group() -> None:
    """Rehearse what birthdays and end dates will do."""


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
    where = reach(dsn or current.database_dsn(), current.database_schema, **tls)

    async def run() -> Rehearsal:
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
    found = asyncio.run(run())
    _print(found.ordered, format)
    print(
        f"{found.in_groups:,} residents in {found.groups:,} groups, {found.singly:,} one by one, "
        f"{stopwatch() - began:.1f} s",
        file=sys.stderr,
    )


def _print(lines: list[tuple[RehearsalLine, int]], format: RehearsalFormat) -> None:
    rows = [
        (
            one.day.isoformat(),
            one.region or "elsewhere",
            one.event,
            one.who,
            str(one.service),
            str(one.because),
            n,
        )
        for one, n in lines
    ]
    match format:
        case RehearsalFormat.CSV:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(_HEAD)
            writer.writerows(rows)
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
