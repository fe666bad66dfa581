"""`sigill …`: parse, call, print. Data goes to stdout, everything else to stderr; no decision is made here."""

import os
import sys
from functools import wraps
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

_COMMANDS: dict[str, tuple[str, str]] = {
    "access": ("sigill.cli.access", "Ask the store: who may see what, when, and why."),
    "audit": ("sigill.cli.audit", "Verify the audit chain; extracts, exports and archive packages."),
    "case": ("sigill.cli.case", "Cases: what is due, one of them whole, and the region's letters from it."),
    "demo": ("sigill.cli.demo", "A realistic day on an embedded database and broker."),
    "dev": ("sigill.cli.dev", "A throw-away certificate authority and other aids."),
    "dlq": ("sigill.cli.dlq", "Dead letters: list, show, replay, discard."),
    "elsewhere": ("sigill.cli.elsewhere", "Read a source of measures made outside Sigill."),
    "export": ("sigill.cli.export", "A patient's measures in the words of other systems: FHIR."),
    "import": ("sigill.cli.importing", "Take in the support desk's list of what exists today."),
    "migrate": ("sigill.cli.migrate", "Bring the database to the newest schema."),
    "offsets": ("sigill.cli.offsets", "How far each worker has read; read some of it again."),
    "order": ("sigill.cli.order", "Sign, send and show orders."),
    "outbox": ("sigill.cli.outbox", "Publish again what a topic lost."),
    "population": ("sigill.cli.population", "Synthesize and load a population register."),
    "protected": ("sigill.cli.protected", "Who is protected, ought to be shut and is not; shut them."),
    "retention": ("sigill.cli.retention", "Delete or archive data whose retention period has passed."),
    "rulebook": ("sigill.cli.rulebook", "Show, check and compare the regions' rules."),
    "scenario": ("sigill.cli.scenario", "Play stories against the real program."),
    "statistics": ("sigill.cli.statistics", "Figures for the owner, with small counts left out."),
    "status": ("sigill.cli.status", "Queues, lag and what waits, live."),
    "topics": ("sigill.cli.topics", "Create the topics, or compare them with the table."),
    "transitions": ("sigill.cli.transitions", "What opens and ends by itself: this week, or rehearsed."),
    "unit": ("sigill.cli.unit", "Units of the directory, and the successors of closed ones."),
    "worker": ("sigill.cli.worker", "Run workers."),
    "worklist": ("sigill.cli.worklist", "What is still to be keyed into the national services."),
}
"""Name → module with `app: typer.Typer`, and one line of help. A module is imported when its command is named."""

ABOUT_NOBODY = frozenset(
    {
        "access serve", "audit heads", "audit key", "audit verify", "demo", "dev ca", "dev up", "elsewhere poll", "migrate",
        "order check", "order send", "order sign", "population synthesize", "rulebook check", "rulebook choose",
        "rulebook compare", "rulebook coverage", "rulebook export", "rulebook guide", "rulebook letter", "rulebook pages",
        "rulebook questions", "rulebook releases", "rulebook show", "scenario check", "scenario run", "topics acls",
        "topics acls apply", "topics apply", "topics list", "unit list", "unit show", "worker",
    }
)  # fmt: skip
"""Commands that look at nobody, nor at what somebody decided: whoever is bound to regions or units runs them too."""

WITHIN_BOUNDS = frozenset(
    {
        "audit looks", "case letter", "case list", "case show", "order diary", "order show", "statistics", "transitions ahead",
        "worklist list", "worklist tick",
    }
)  # fmt: skip
"""Commands that show and change no more than whoever runs them is bound to. Every other one refuses whoever is bound."""


def _refuse_unless_listed(command: Any, path: str) -> None:
    """Let every command that knows no bounds, also one that nobody has thought of yet, refuse whoever is bound."""
    for name, sub in getattr(command, "commands", {}).items():
        _refuse_unless_listed(sub, f"{path} {name}")
    runs = not hasattr(command, "commands") or command.invoke_without_command
    if not runs or path in ABOUT_NOBODY | WITHIN_BOUNDS:
        return
    done = command.callback

    @wraps(done)
    def refusing(*given: Any, **named: Any) -> Any:
        from sigill.cli.common import refuse_whoever_is_bound

        refuse_whoever_is_bound(path)
        return done(*given, **named)

    command.callback = refusing


class _Lazy(typer.core.TyperGroup):
    """Commands by name, imported when asked for: `sigill --help` starts no driver and no broker client."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return sorted(_COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def, override]
        if cmd_name not in _COMMANDS:
            return None
        module, help_line = _COMMANDS[cmd_name]
        sub = import_module(module).app
        command = typer.main.get_command(sub)
        command.name = cmd_name
        command.help = command.help or help_line
        _refuse_unless_listed(command, cmd_name)
        return command

    def format_commands(self, ctx, formatter) -> None:  # type: ignore[no-untyped-def]
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in sorted(_COMMANDS.items())])


app = typer.Typer(
    cls=_Lazy,
    name="sigill",
    help="Sigill seals, locks, blocks and opens residents' online journals from signed orders, and proves it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"sigill {version('sigill')}")
        raise typer.Exit


def _use_rulebooks(folder: Path | None) -> None:
    """What the command and the workers that it starts read their rules from."""
    if folder is not None:
        os.environ["SIGILL_RULEBOOKS"] = str(folder)


@app.callback()
def _root(
    _rulebooks: Annotated[
        Path | None,
        typer.Option(
            "--rulebooks",
            callback=_use_rulebooks,
            exists=True,
            file_okay=False,
            resolve_path=True,
            show_default=False,
            help="The folder of rulebooks that the command reads, as SIGILL_RULEBOOKS; else those of Sigill.",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Which version this is.")
    ] = False,
) -> None:
    """Exit codes: 0 done, 1 something failed, 2 wrong use, or a file, the database or the broker is not there."""


def main() -> None:
    """
    The program's entry. What lies outside the program ends it with one line and status 2, never with a traceback.

    Nothing that it says of its own (standard error) repeats an identity number, also one that was typed in a wrong place.
    """
    from sigill.runtime.logging import MaskedStream

    sys.stderr = MaskedStream(sys.stderr)
    try:
        app()
    except Exception as error:
        from sigill.cli.common import trouble

        line = trouble(error)
        if line is None:
            raise
        print(f"sigill: {line}", file=sys.stderr)
        raise SystemExit(2) from None
