"""`sigill population`: an invented register, and a register file into the store."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sigill.cli.common import day_or_today, rulebooks, settings
from sigill.runtime.clock import stopwatch

app = typer.Typer(no_args_is_help=True, help="Synthesize and load a population register.")
_EVERY = 5.0  # seconds between plain lines where there is no terminal


@app.callback()
def _group() -> None:
    """Synthesize and load a population register."""


@app.command()
def synthesize(
    *,
    persons: Annotated[int, typer.Option(min=1, help="How many persons.")],
    out: Annotated[Path, typer.Option(help="Register file: .csv, .csv.gz, .csv.zst, or a folder.")],
    seed: Annotated[int, typer.Option(help="The same seed and date give the same file.")] = 1,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date at which the register stands; today.")
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="Invented names too, for letters.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="Processes; the file is the same.")] = 2,
) -> None:
    """
    Make up a whole population: ages, custody, protected identity, co-ordination and reserve numbers, e-IDs.

    Nobody in it is real: every identity number has a wrong check digit.
    """
    from sigill.population.synthesize import Recipe, synthesize

    day = day_or_today(on)
    began = stopwatch()
    with _bar("persons", persons) as at:
        made = 0
        for part in synthesize(Recipe(persons, seed, day, names), out, processes=processes):
            made += part
            at(made)
    _say(f"{made:,} persons in {stopwatch() - began:.1f} s: {out}")


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, help="Register file, or a folder of them.")],
    *,
    dsn: Annotated[
        str | None, typer.Option(help="PostgreSQL; default: the migrations' connection.", show_default=False)
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that load at once.")] = 2,
    chunk: Annotated[int, typer.Option(min=1, help="Lines in a transaction, when a load begins.")] = 40_000,
) -> None:
    """
    Load a register file by COPY. Stopped or killed, the same command goes on where it was.

    Persons of whom the register has told already are left to its worker. Exit status 1 when lines were refused, or read
    in part: what could be read was loaded then.
    """
    from sigill.population.load import FileChanged, Target
    from sigill.population.load import load as run
    from sigill.population.snapshot import connection_arguments

    current = settings()
    secrets = current.patient_secrets()
    if not secrets:
        print("SIGILL_PATIENT_KEYS: needed, for the patients' pseudonymous keys", file=sys.stderr)
        raise typer.Exit(2)
    version = current.patient_key_version
    tls = {} if dsn or current.database_tls == "prefer" else {"ssl": current.database_ssl()}
    where = connection_arguments(dsn or current.database_dsn(migrations=True), current.database_schema, **tls)
    target = Target(where, secrets[version], version, rulebooks(), f"urn:sigill:{current.environment}")
    began = stopwatch()
    try:
        with _bar("lines", None) as at:
            outcome = run(
                file, target, processes=processes, chunk_lines=chunk, told=lambda progress: at(progress.lines)
            )
    except (FileChanged, ValueError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    took, progress = stopwatch() - began, outcome.progress
    fresh = progress.lines - progress.skipped
    _say(
        f"{progress.loaded:,} persons loaded"
        + (f" ({progress.partly:,} in part)" if progress.partly else "")
        + f", {progress.known:,} known already, {progress.refused:,} refused; "
        f"{fresh:,} lines in {took:.1f} s ({fresh / took:,.0f} a second)"
        + (f", {progress.skipped:,} by an earlier run" if progress.skipped else "")
    )
    if progress.followed:
        _say(f"{progress.followed:,} persons looked at for standing measures and waiting orders")
    for refusal in outcome.refusals:
        fate = "read but for" if refusal.taken else "refused for"
        print(f"line {refusal.line}: {fate} {', '.join(refusal.faults)}", file=sys.stderr)
    raise typer.Exit(1 if progress.refused or progress.partly else 0)


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far it is on stderr: a bar in a terminal, a plain line now and then anywhere else."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(what, total=total)
            yield lambda done: progress.update(task, completed=done)
        return
    last = began = stopwatch()

    def plain(done: int) -> None:
        nonlocal last
        if stopwatch() - last >= _EVERY:
            last = stopwatch()
            share = f" of {total:,}" if total else ""
            _say(f"{done:,}{share} {what} after {last - began:.0f} s ({done / (last - began):,.0f} a second)")

    yield plain


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
