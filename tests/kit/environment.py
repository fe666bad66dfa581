"""What a program is started with that has nothing of the settings of whoever runs the tests."""

from __future__ import annotations

import os


def without_settings(**more: str) -> dict[str, str]:
    """This process's environment without a setting of Sigill, and with `more`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGILL_")}
    return clean | more
