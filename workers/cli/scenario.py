"""`sigill scenario run`: stories that a rule owner can read, against the real program."""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from workers.cli.common import rulebooks
from workers.scenario.format import Scenario, UnreadableScenario, files_of, read_file
from workers.scenario.run import Result, junit, play_all

app = typer.Typer(no_args_is_help=True, help="Play stories against the real program.")


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JUNIT = "junit"


@app.callback()
def _group() -> None:
    """Stories that a rule owner can read, played against the real program."""


@app.command()
def run(
    paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders of them.")],
    *,
    format: Annotated[Format, typer.Option("--format", help="text, or junit XML.")] = Format.TEXT,
    only: Annotated[list[str] | None, typer.Option("--only", help="Play these ids only.")] = None,
    database: Annotated[
        str | None,
        typer.Option(help="PostgreSQL to use; else an embedded one.", envvar="SIGILL_SCENARIO_DATABASE"),
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(help="Broker to use; else an embedded one.", envvar="SIGILL_SCENARIO_KAFKA")
    ] = None,
) -> None:
    """
    Play every scenario and print one line each.

    Exit status: 0 all passed, 1 some failed, 2 a file cannot be read.
    """
    try:
        stories = [story for path in files_of(paths) for story in read_file(path)]
    except UnreadableScenario as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    if only:
        stories = [story for story in stories if story.id in only]
    text = format is Format.TEXT
    results = asyncio.run(
        play_all(stories, rulebooks(), told=_say if text else _hush, database=database, kafka=kafka)
    )
    failed = sum(result.failure is not None for result in results)
    print(f"{len(results) - failed} passed, {failed} failed" if text else junit(results))
    raise typer.Exit(1 if failed else 0)


@app.command()
def check(paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders of them.")]) -> None:
    """Read scenario files without playing them. Exit status 2 when one cannot be read."""
    try:
        stories: list[Scenario] = [story for path in files_of(paths) for story in read_file(path)]
    except UnreadableScenario as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    print(f"{len(stories)} scenarios can be read")


def _say(result: Result) -> None:
    if result.failure is None:
        print(f"passed  {result.story.id}  {result.story.scenario} ({result.seconds:.1f} s)", flush=True)
    else:
        print(f"FAILED  {result.story.id}  {result.story.scenario}\n        {result.failure}", flush=True)


def _hush(result: Result) -> None:
    """JUnit XML is printed at the end."""
