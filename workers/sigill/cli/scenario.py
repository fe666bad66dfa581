"""`sigill scenario run`: stories that a rule owner can read, against the real program."""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sigill.cli.common import rulebooks
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.format import Read, UnreadableScenario, declared_by, files_of, read_stories
from sigill.scenario.run import Result, junit, play_all

app = typer.Typer(no_args_is_help=True, help="Play stories against the real program.")


Folder = Annotated[
    Path | None,
    typer.Option(
        "--rulebooks",
        envvar="SIGILL_RULEBOOKS",
        help="Play against this folder of rulebooks, and not those of Sigill.",
        exists=True,
        file_okay=False,
        resolve_path=True,
    ),
]


class ResultFormat(StrEnum):
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
    format: Annotated[ResultFormat, typer.Option("--format", help="text, or junit XML.")] = ResultFormat.TEXT,
    rulebooks_: Folder = None,
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

    A story with a name that nothing in it introduces is reported on stderr before anything starts, and has failed; the
    others are played. Exit status: 0 all passed, 1 some failed, 2 a file cannot be read.
    """
    books = rulebooks(rulebooks_)
    found = [reading for reading in _read(paths, books) if not only or reading.story.id in only]
    for line in (line for reading in found for line in reading.unknown):
        print(line, file=sys.stderr)
    text = format is ResultFormat.TEXT
    told = _say if text else _hush
    results = [
        Result(reading.story, 0.0, "\n        ".join(reading.unknown)) for reading in found if reading.unknown
    ]
    for result in results:
        told(result)
    playable = [reading.story for reading in found if not reading.unknown]
    if playable:
        results += asyncio.run(
            play_all(playable, books, told=told, database=database, kafka=kafka, rulebooks=rulebooks_)
        )
    failed = sum(result.failure is not None for result in results)
    print(f"{len(results) - failed} passed, {failed} failed" if text else junit(results))
    raise typer.Exit(1 if failed else 0)


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders of them.")],
    rulebooks_: Folder = None,
) -> None:
    """
    Read scenario files without playing them.

    Exit status 1 when a story has a name that nothing in it introduces, 2 when a file cannot be read.
    """
    found = _read(paths, rulebooks(rulebooks_))
    unknown = [line for reading in found for line in reading.unknown]
    for line in unknown:
        print(line, file=sys.stderr)
    print(f"{sum(not reading.unknown for reading in found)} scenarios can be read")
    raise typer.Exit(1 if unknown else 0)


def _read(paths: list[Path], books: Rulebooks) -> list[Read]:
    declared = declared_by(books)
    try:
        return [reading for path in files_of(paths) for reading in read_stories(path, declared)]
    except UnreadableScenario as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _say(result: Result) -> None:
    if result.failure is None:
        print(f"passed  {result.story.id}  {result.story.scenario} ({result.seconds:.1f} s)", flush=True)
    else:
        print(f"FAILED  {result.story.id}  {result.story.scenario}\n        {result.failure}", flush=True)


def _hush(result: Result) -> None:
    """JUnit XML is printed at the end."""
