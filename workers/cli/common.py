"""What commands share: settings that say what is wrong in one line each, and the rulebooks."""

import os
import sys
from pathlib import Path

import typer

from workers.enact import rulebook_files
from workers.policy.rulebook import RulebookError, Rulebooks
from workers.runtime.settings import Settings, settings_or_exit

RULEBOOKS = rulebook_files.SHIPPED


def settings() -> Settings:
    """The settings of this process; ends it with one line for each wrong one."""
    return settings_or_exit()


def rulebooks(folder: Path | None = None) -> Rulebooks:
    """The regions' rules, of `SIGILL_RULEBOOKS` where set; ends the process when one cannot be read."""
    place = folder or Path(os.environ.get("SIGILL_RULEBOOKS") or RULEBOOKS)
    try:
        books, taken = rulebook_files.load(place)
    except RulebookError as error:
        print(f"rulebooks: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if taken is not None:
        print(f"{place}: {taken}", file=sys.stderr)
    return books
