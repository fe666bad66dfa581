"""The workers as a process of their own, over the town's rulebooks: `python -m tests.workers.program intake relay …`."""

import asyncio
import sys

from sigill.bootstrap import Wiring
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.logging import configure_logging
from sigill.runtime.settings import settings_or_exit
from sigill.runtime.worker_specs import ORDER_WORKERS
from tests.kit.testland import NATIONAL, TESTLAND


def main() -> None:
    """Run the named workers, or all, until a SIGTERM."""
    settings = settings_or_exit()
    configure_logging("json", settings.log_level)
    wiring = Wiring.of(settings, books=Rulebooks.of(TESTLAND, NATIONAL))
    asyncio.run(wiring.serve(sys.argv[1:] or ORDER_WORKERS))


if __name__ == "__main__":
    main()
