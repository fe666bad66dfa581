"""`sigill worker …`: run one worker, several, or all, in one process."""

import sys
from typing import Annotated

import typer

from sigill.cli.common import settings
from sigill.runtime.worker_specs import EVERY_WORKER, ORDER_WORKERS, WORKER_SPECS

app = typer.Typer(help="Run workers.")
_HELP = "; ".join(f"{spec.name} {spec.does}" for spec in WORKER_SPECS.values())


@app.command()
def worker(
    names: Annotated[
        list[str],
        typer.Argument(help=f"{_HELP}; all: {', '.join(ORDER_WORKERS)}."),
    ],
) -> None:
    """Run workers until a SIGTERM; the batch in hand is finished and committed first."""
    from sigill.bootstrap import NoPatientKeys, run
    from sigill.intake.trust_settings import WrongFile
    from sigill.relay.checkpoints import NoAuditKey

    wanted = list(ORDER_WORKERS) if "all" in names else names
    if unknown := [name for name in wanted if name not in EVERY_WORKER]:
        raise typer.BadParameter(
            f"unknown: {', '.join(unknown)}; there are {', '.join(EVERY_WORKER)}, and all"
        )
    try:
        run(wanted, settings())
    except (NoPatientKeys, NoAuditKey, WrongFile) as wrong:
        # known before anything is connected, and mended by a setting
        print(wrong, file=sys.stderr)
        raise typer.Exit(2) from None
