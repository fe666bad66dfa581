"""`sigill demo`: a realistic day on an embedded database and broker."""

import asyncio
import logging
import shlex
import shutil
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sigill.cli.common import rulebooks
from sigill.embedded import EmbeddedKafka, EmbeddedPostgres
from sigill.policy.lexicon import ACCESS, FORM, OUTCOME, REMARK
from sigill.scenario.demo import DemoDay, Happened, Notice, Seen, local
from sigill.scenario.run import ground
from sigill_contracts.vocabulary import AccessReason, Remark

app = typer.Typer(help="A realistic day on an embedded database and broker.")


class Victim(StrEnum):
    """What is killed in the middle of the day."""

    BROKER = "broker"
    DATABASE = "database"
    WORKERS = "workers"


@app.command()
def demo(
    kill: Annotated[Victim | None, typer.Option(help="SIGKILL it in the middle of the day, and see.")] = None,
    burst: Annotated[int, typer.Option(help="Orders in the burst that measures the rate; 0: none.")] = 1000,
) -> None:
    """Sign and send some forty orders; print what happened to each and why, and who was told."""
    asyncio.run(_demo(kill, burst))


async def _demo(kill: Victim | None, burst: int) -> None:
    out = Console(highlight=False)
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # a broker that has just begun makes its client warn
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
            day = DemoDay(base, workers, books)
            await day.begin()
            before = await day.access("Tuva", _WATCHED, day.play.clock)
            table = _Running(out)

            def interrupt() -> None:
                if kill is None:
                    return
                out.print(f"[bold red]       SIGKILL: {kill}[/bold red], and it is started again")
                if kill is Victim.WORKERS:
                    workers.kill()
                    workers.start()
                else:
                    server = broker if kill is Victim.BROKER else postgres
                    server.kill()
                    server.start()

            await day.happen(table.add, interrupt)
            after = await day.access("Tuva", _WATCHED, day.play.clock)
            at_13 = day.play.clock + timedelta(days=365 * 4)
            later = await day.access("Tuva", _WATCHED, at_13)
            _show_access(out, before, after, later)
            table.summary()
            chain = await day.chain()
            out.print(
                f"\nAudit chain: {chain.entries} entries verified, and every table of history held against them: "
                + (
                    "nothing was changed, removed or added."
                    if not chain.faults
                    else f"{chain.faults} FAULTS."
                )
            )
            if burst:
                rate = await day.rate(burst)
                out.print(
                    f"\nMeasured: [bold]{rate:,.0f} orders a second[/bold], {burst} at once, each with its own "
                    f"signature, from publishing to the last receipt on the topic ({broker.kind} broker, "
                    f"PostgreSQL {postgres.kind})."
                )
            _show_ways_on(out)


_WATCHED = ("Gun", "Hans", "Tuva")
_COLOURS = {"executed": "green", "refused": "red", "pending": "yellow", "duplicate": "cyan"}
_FORMS = {form.value: words.sv for form, words in FORM.items()}
_OUTCOMES = {outcome.value: words.sv for outcome, words in OUTCOME.items()}
_WHAT_FOR = """
[bold]Sigill[/bold] takes signed decisions from the health record system and carries them out: it seals a patient's online \
journal, locks a login, blocks a guardian, or lets somebody in. Until now such a form was printed, posted, and typed in by a \
support desk days later; some of the people it protects live with the person it protects them from. Here it takes \
part of a second, each answer says why, nobody is told who must not know, and an audit chain proves what was done.

[bold]A day at the support desk[/bold], by Region Kronoberg's rules of 2025. Everybody is invented.
"""


def _show_ways_on(out: Console) -> None:
    """What to run next, each command as this shell finds it and on a line of its own, to be copied."""
    called = Path(sys.argv[0])
    on_path = shutil.which("sigill")
    own = called.name == "sigill" and not (on_path and Path(on_path).samefile(called))
    sigill = shlex.quote(str(called)) if own else "sigill"
    out.print("\n[bold]Where to look next[/bold]")
    here = Path("tests/scenarios").is_dir()
    for words, what in (
        ("dev up", "a small record system in your browser: fill in a form, sign, send, break it"),
        ("rulebook show kronoberg --on 2026-03-02", "the rules that judged this day, in sentences"),
        *(
            [("scenario run tests/scenarios/kronoberg-2025.yaml", "rule owners' stories, played")]
            if here
            else []
        ),
    ):
        out.print(f"  {sigill} {words}", soft_wrap=True)
        out.print(f"      {what}")
    if here:
        out.print("README.md tells how to connect an EHR, docs/start.md how to start it all with Docker.")


class _Running:
    """Lines as they happen, and the sums."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._sums: dict[str, int] = {}
        self._times: list[float] = []
        out.print(_WHAT_FOR)

    def add(self, happened: Happened) -> None:
        told = happened.told
        self._sums[told.outcome] = self._sums.get(told.outcome, 0) + 1
        self._times.append(happened.milliseconds)
        lines = [happened.what]
        if happened.form in _FORMS:
            lines = [f"{happened.form} {happened.patient}" + (f" ({happened.what})" if happened.what else "")]
            lines[0] += f" [dim]{_FORMS[happened.form]}[/dim]"
        if told.why:
            lines += [f"[dim]{escape(told.why)}[/dim]", f"[dim italic]{escape(told.why_sv)}[/dim italic]"]
        elif told.remarks:
            lines += [f"[dim]{code}: {REMARK[Remark(code)].en}[/dim]" for code in told.remarks]
        if happened.held:
            lines.append(f"[bold]{happened.held}[/bold]")
        lines += [_line_of(notice) for notice in dict.fromkeys(happened.notices)]
        row = Table.grid(padding=(0, 2))
        row.add_column(width=5)
        row.add_column(width=11)
        row.add_column(overflow="fold")
        outcome = f"[{_COLOURS.get(told.outcome, 'magenta')}]{told.outcome}[/]"
        if told.outcome in _OUTCOMES:
            outcome += f"\n[dim]{_OUTCOMES[told.outcome]}[/dim]"
        row.add_row(local(happened.at), outcome, "\n".join(lines))
        self._out.print(row)

    def summary(self) -> None:
        sums = ", ".join(f"{n} {outcome}" for outcome, n in sorted(self._sums.items()))
        times = sorted(self._times)
        self._out.print(
            f"\n{len(times)} messages: {sums}. Answered after {times[len(times) // 2]:.0f} ms (median), "
            f"{times[-1]:.0f} ms (slowest)."
        )


def _line_of(notice: Notice) -> str:
    if notice.kept_from is None:
        return f"[green]told: {notice.recipient}[/green] [dim]({notice.label.en.rstrip('.')})[/dim]"
    return f"[red]nobody told:[/red] [dim]{notice.label.en.rstrip('.')}; {notice.kept_from.en}[/dim]"


def _show_access(
    out: Console, before: tuple[Seen, ...], after: tuple[Seen, ...], later: tuple[Seen, ...]
) -> None:
    """Who reaches what at three moments; the reasons stand below, so that no word breaks at 80 columns."""
    table = Table(title="\nTuva, 9 years: who reaches what")
    for column in ("viewer", "service", "in the morning", "in the evening", "in four years"):
        table.add_column(column)
    for was, now, then in zip(before, after, later, strict=True):
        name = was.service.partition(",")[0]
        table.add_row(
            was.viewer, name, *("[green]yes[/]" if s.allowed else "[red]no[/]" for s in (was, now, then))
        )
    out.print(table)
    for moment, seen in (("in the evening", after), ("in four years", later)):
        for line in seen:
            if not line.allowed:
                why = ", ".join(
                    f"{code} ({ACCESS[AccessReason(code)].en.rstrip('.')})" for code in line.because
                )
                out.print(f"[dim]{moment}, {line.viewer}, {line.service.partition(',')[0]}: {why}[/dim]")
