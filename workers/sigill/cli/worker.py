"""`sigill worker …`: run one worker, several, or all, in one process."""

import sys
from typing import Annotated

import typer

from sigill.cli.common import settings

app = typer.Typer(help="Run workers.")


@app.command()
def worker(
    names: Annotated[
        list[str],
        typer.Argument(
            help="intake, directory, register, transitions, relay; or all of them: all. The console and API: ops."
        ),
    ],
) -> None:
    """Run workers until a SIGTERM; the batch in hand is finished and committed first."""
    from sigill.bootstrap import EVERYTHING, WORKERS, NoPatientKeys, run
    from sigill.intake.trust_settings import WrongFile
    from sigill.relay.checkpoints import NoAuditKey

    wanted = list(WORKERS) if "all" in names else names
    if unknown := [name for name in wanted if name not in EVERYTHING]:
        raise typer.BadParameter(f"unknown: {', '.join(unknown)}; there are {', '.join(EVERYTHING)}, and all")
    try:
        run(wanted, settings())
    except (NoPatientKeys, NoAuditKey, WrongFile) as wrong:
        # known before anything is connected, and mended by a setting
        print(wrong, file=sys.stderr)
        raise typer.Exit(2) from None
