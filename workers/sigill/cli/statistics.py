"""`sigill statistics`: figures for the owner, of one region and one fixed period, small counts left out."""

import sys
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from sigill.cli.common import bound_region, refuse_outside, rulebooks, settings
from sigill.cli.context import clock_of, run, store_of, told
from sigill.operations.spreadsheets import SheetWriter
from sigill.operations.statistics import (
    OwnerStatistics,
    counted_regions,
    newest_over,
    owner_statistics,
    period_of,
)
from sigill.policy.calendar import swedish_date

app = typer.Typer(help="Figures for the owner, with small counts left out.")
_MONTH = ["%Y-%m"]


class StatisticsFormat(StrEnum):
    """How it is printed."""

    CSV = "csv"
    JSON = "json"


@app.callback(invoke_without_command=True)
def statistics_(
    period: Annotated[
        datetime | None,
        typer.Option(
            "--period", formats=_MONTH, help="A month of the period; default: the newest that is over."
        ),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Of which region; needed where there are several.")
    ] = None,
    format: Annotated[StatisticsFormat, typer.Option("--format", help="csv or json.")] = StatisticsFormat.CSV,
) -> None:
    """
    Count measures by kind, unit, age group, initiative and month; how long calls waited for their form and measures for
    being keyed in; requests, extensions and refusals. Periods are fixed (SIGILL_STATISTICS_MONTHS) and each region is counted by
    itself: a count below SIGILL_STATISTICS_THRESHOLD is not printed, and no two answers tell it by subtraction.

    Exit codes: 0 done, 2 wrong use.
    """
    chosen, books = settings(), rulebooks()
    if region is not None and region not in books.regions:
        print(f"no region {region}; there are: {', '.join(sorted(books.regions))}", file=sys.stderr)
        raise typer.Exit(2)
    mine = bound_region(region)
    regions = counted_regions(books, None if mine is None else {mine})
    if len([code for code in regions if not books.regions[code].national]) > 1:
        print(f"--region: give one of {', '.join(regions)}; each is counted by itself", file=sys.stderr)
        raise typer.Exit(2)
    if not regions:
        refuse_outside()
    months = chosen.statistics_months
    newest = newest_over(swedish_date(clock_of(chosen).now()), months)
    asked = newest if period is None else period_of(period.date(), months)
    if asked > newest:
        print(f"--period: the newest that is over begins with {newest:%Y-%m}", file=sys.stderr)
        raise typer.Exit(2)

    async def work() -> OwnerStatistics:
        async with store_of(chosen) as store:
            return await owner_statistics(
                store,
                books,
                period=asked,
                months=months,
                region=regions[0],
                threshold=chosen.statistics_threshold,
            )

    found = run(work)
    if format is StatisticsFormat.CSV:
        writer = SheetWriter(sys.stdout, lineterminator="\n")
        writer.line(("figure", "row", "column", "value"))
        writer.lines(found.rows())
    else:
        told(_document(found))
    print(
        f"{found.first:%Y-%m} through {found.last:%Y-%m}; counts below {found.threshold} are left out",
        file=sys.stderr,
    )


def _document(found: OwnerStatistics) -> dict[str, object]:
    return {
        "from": f"{found.first:%Y-%m}",
        "through": f"{found.last:%Y-%m}",
        "region": found.region,
        "threshold": found.threshold,
        "measures": {
            table.table.name: {
                row or "total": {
                    column or "total": table.shown(row, column) for column in (*table.table.columns, "")
                }
                for row in (*table.table.rows, "")
            }
            for table in found.measures
        },
        "call_to_form": asdict(found.call_to_form),
        "order_to_keyed_in": [asdict(row) for row in found.to_keyed_in],
        "requests": {request.label: request.number for request in found.requests},
        "extensions": {row.label: row.number for row in found.extensions},
        "refused": {row.label: row.number for row in found.refusals},
    }
