"""`sigill demo`: a realistic day on an embedded database and broker."""

import asyncio
import sys
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.embedded import EmbeddedKafka, EmbeddedPostgres
from workers.cli.common import rulebooks
from workers.scenario.demo import Day, Happened, Seen, local
from workers.scenario.run import ground

app = typer.Typer(help="A realistic day on an embedded database and broker.")


class Victim(StrEnum):
    """What is killed in the middle of the day."""

    BROKER = "broker"
    DATABASE = "database"
    WORKERS = "workers"


@app.command()
def demo(
    kill: Annotated[Victim | None, typer.Option(help="SIGKILL it in the middle of the day, and see.")] = None,
    burst: Annotated[int, typer.Option(help="Orders in the burst that measures the rate.")] = 1000,
) -> None:
    """Sign and send some forty orders, and say what happened to each and why."""
    asyncio.run(_demo(kill, burst))


async def _demo(kill: Victim | None, burst: int) -> None:
    out = Console()
    with EmbeddedPostgres(own=kill is not None) as postgres, EmbeddedKafka(own=kill is not None) as broker:
        if kill is Victim.BROKER and not broker.real:
            print(
                "the mock broker cannot be killed and brought back: Java 17 and Maven are needed",
                file=sys.stderr,
            )
            raise typer.Exit(2)
        books = rulebooks()
        dsn = await postgres.create_database("sigill_demo")
        async with ground(books, database=dsn, kafka=broker.bootstrap, real=broker.real) as (base, workers):
            day = Day(base, workers, books)
            await day.begin()
            before = await day.access("Tuva", ("Gun", "Hans", "Tuva"), day.play.clock)
            table = _Running(out)

            def interrupt() -> None:
                if kill is None:
                    return
                out.print(f"[bold red]   SIGKILL: {kill}[/bold red] — and it is started again")
                if kill is Victim.WORKERS:
                    workers.kill()
                    workers.start()
                else:
                    server = broker if kill is Victim.BROKER else postgres
                    server.kill()
                    server.start()

            await day.happen(table.add, interrupt)
            after = await day.access("Tuva", ("Gun", "Hans", "Tuva"), day.play.clock)
            at_13 = day.play.clock + timedelta(days=365 * 4)
            later = await day.access("Tuva", ("Gun", "Hans", "Tuva"), at_13)
            _show_access(out, before, after, later)
            rate = await day.rate(burst)
            table.summary()
            out.print(
                f"\nMeasured: [bold]{rate:,.0f} orders a second[/bold], {burst} at once, each with its own signature, "
                f"from publishing to the last receipt on the topic ({broker.kind} broker, PostgreSQL {postgres.kind})."
            )
            out.print(
                "\nWhere to look next: `sigill rulebook show kronoberg --on 2026-03-02`, `sigill scenario run tests/scenarios`, "
                "`docker compose up` for the whole system with its console, and README.md for connecting an EHR."
            )


class _Running:
    """Lines as they happen, and the sums."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._sums: dict[str, int] = {}
        self._times: list[float] = []
        out.print(
            "\n[bold]A day at the support desk[/bold] (Region Kronoberg's rules of 2025; everybody is invented)\n"
        )

    def add(self, happened: Happened) -> None:
        told = happened.told
        self._sums[told.outcome] = self._sums.get(told.outcome, 0) + 1
        self._times.append(happened.milliseconds)
        colour = {"executed": "green", "refused": "red", "pending": "yellow", "duplicate": "cyan"}.get(
            told.outcome, "magenta"
        )
        why = told.why or " ".join(told.remarks)
        what = f"{happened.form} {happened.patient}" + (f" ({happened.what})" if happened.what else "")
        self._out.print(
            f"{local(happened.at)}  [{colour}]{told.outcome:11}[/{colour}] {what}", highlight=False
        )
        if why:
            self._out.print(f"                   [dim]{why}[/dim]", highlight=False)

    def summary(self) -> None:
        sums = ", ".join(f"{n} {outcome}" for outcome, n in sorted(self._sums.items()))
        times = sorted(self._times)
        self._out.print(
            f"\n{len(times)} messages: {sums}. Answered after {times[len(times) // 2]:.0f} ms (median), "
            f"{times[-1]:.0f} ms (slowest)."
        )


def _show_access(
    out: Console, before: tuple[Seen, ...], after: tuple[Seen, ...], later: tuple[Seen, ...]
) -> None:
    table = Table(title="\nTuva, 9 years: who reaches what")
    for column in ("viewer", "service", "in the morning", "in the evening", "in four years"):
        table.add_column(column, overflow="fold")
    for was, now, then in zip(before, after, later, strict=True):
        table.add_row(was.viewer, was.service, *(_cell(seen) for seen in (was, now, then)))
    out.print(table)


def _cell(seen: Seen) -> str:
    word = "[green]yes[/green]" if seen.allowed else "[red]no[/red]"
    return f"{word} {', '.join(seen.because)}"
