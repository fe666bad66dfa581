"""`sigill worker …`: run one worker, several, or all, in one process."""

from typing import Annotated

import typer

from workers.cli.common import settings

app = typer.Typer(help="Run workers.")


@app.command()
def worker(
    names: Annotated[
        list[str],
        typer.Argument(help="intake, directory, register, transitions, relay; or all of them: all."),
    ],
) -> None:
    """Run workers until a SIGTERM; the batch in hand is finished and committed first."""
    from workers.bootstrap import WORKERS, run

    wanted = list(WORKERS) if "all" in names else names
    if unknown := [name for name in wanted if name not in WORKERS]:
        raise typer.BadParameter(f"unknown: {', '.join(unknown)}; there are {', '.join(WORKERS)}, and all")
    run(wanted, settings())
