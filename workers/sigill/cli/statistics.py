"""`sigill statistics`: figures for the owner, whole months, small counts left out."""

import csv
import sys
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from sigill.cli.common import rulebooks, settings
from sigill.cli.context import clock_of, run, store_of, told
from sigill.operations.statistics import OwnerStatistics, months_before, owner_statistics
from sigill.policy.calendar import swedish_date
from sigill_contracts.vocabulary import RegionCode

app = typer.Typer(help="Figures for the owner, with small counts left out.")
_MONTH = ["%Y-%m"]


class StatisticsFormat(StrEnum):
    """How it is printed."""

    CSV = "csv"
    JSON = "json"


@app.callback(invoke_without_command=True)
def statistics_(
    first: Annotated[
        datetime | None, typer.Option("--from", formats=_MONTH, help="First month; default: a year back.")
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--through", formats=_MONTH, help="Last month; default: the last whole one."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="Only of this region.")] = None,
    format: Annotated[StatisticsFormat, typer.Option("--format", help="csv or json.")] = StatisticsFormat.CSV,
) -> None:
    """
    Count measures by kind, unit, age group, initiative and month; how long calls waited for their form and measures for
    being keyed in; requests, extensions and refusals. A count below SIGILL_STATISTICS_THRESHOLD is not printed.

    Exit codes: 0 done, 2 wrong use.
    """
    chosen, books = settings(), rulebooks()
    if region is not None and region not in books.regions:
        print(f"no region {region}; there are: {', '.join(sorted(books.regions))}", file=sys.stderr)
        raise typer.Exit(2)
    over = months_before(swedish_date(clock_of(chosen).now()), 1)
    through = last.date() if last else over
    if through > over:
        print(f"--through: the last month that is over is {over:%Y-%m}", file=sys.stderr)
        raise typer.Exit(2)
    since = first.date() if first else months_before(through, 11)
    if through < since:
        print("--through: before --from", file=sys.stderr)
        raise typer.Exit(2)

    async def work() -> OwnerStatistics:
        async with store_of(chosen) as store:
            return await owner_statistics(
                store,
                books,
                first=since,
                last=through,
                region=None if region is None else RegionCode(region),
                threshold=chosen.statistics_threshold,
            )

    found = run(work)
    if format is StatisticsFormat.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("figure", "row", "column", "value"))
        writer.writerows(found.rows())
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
            one.table.name: {
                row or "total": {
                    column or "total": one.shown(row, column) for column in (*one.table.columns, "")
                }
                for row in (*one.table.rows, "")
            }
            for one in found.measures
        },
        "call_to_form": asdict(found.call_to_form),
        "order_to_keyed_in": [asdict(one) for one in found.to_keyed_in],
        "requests": {one.label: one.number for one in found.requests},
        "extensions": {one.label: one.number for one in found.extensions},
        "refused": {one.label: one.number for one in found.refusals},
    }
