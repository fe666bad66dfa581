"""What commands share: settings that say what is wrong in one line each, and the rulebooks."""

import os
import sys
from pathlib import Path

import typer

from workers.policy.rulebook import RulebookError, Rulebooks
from workers.runtime.settings import Settings, settings_or_exit

RULEBOOKS = Path(__file__).parents[1] / "rulebooks"


def settings() -> Settings:
    """The settings of this process; ends it with one line for each wrong one."""
    return settings_or_exit()


def rulebooks(folder: Path | None = None) -> Rulebooks:
    """The regions' rules, of `SIGILL_RULEBOOKS` where set; ends the process when one cannot be read."""
    place = folder or Path(os.environ.get("SIGILL_RULEBOOKS") or RULEBOOKS)
    try:
        return Rulebooks.of(*(p.read_text("utf-8") for p in sorted(place.glob("*.yaml"))))
    except RulebookError as error:
        print(f"rulebooks: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
