"""`sigill retention run`: deletes or archives data whose retention period has passed."""

import asyncio
import json
from typing import Annotated

import typer

from workers.cli.common import settings
from workers.cli.opening import store_as, who
from workers.ops.retention import Ended, Keeping, rehearse, run
from workers.runtime.clock import SystemClock

app = typer.Typer(no_args_is_help=True, help="Delete or archive data whose retention period has passed.")
_WORDS = {
    "outbox": "published events in the outbox",
    "dead_letters": "dead letters dealt with",
    "evidence": "signed orders and their receipts",
    "access_log": "lines of the access log",
    "persons": "persons long dead",
}


@app.callback()
def _group() -> None:
    """Delete or archive data whose retention period has passed."""


@app.command("run")
def run_(
    *,
    dry_run: Annotated[
        bool, typer.Option(help="Print what would be deleted or archived, and change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """
    Delete outbox events, dead letters, signed orders, access log lines and long-dead persons after their retention periods.

    Run it once a night. Each run is recorded in the audit chain; an erased person gets a tombstone on access.state.v1.
    """
    ended = asyncio.run(_run(dry_run))
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "kind": one.kind,
                        "before": one.before.isoformat(),
                        "number": one.number,
                        "tombstones": one.tombstones,
                        "done": not dry_run,
                    }
                    for one in ended
                ],
                indent=2,
            )
        )
        return
    verb = "would end" if dry_run else "ended"
    for one in ended:
        print(f"{verb}  {one.number:>9,}  {_WORDS[one.kind]}, before {one.before:%Y-%m-%d}")


async def _run(dry_run: bool) -> tuple[Ended, ...]:
    current, now = settings(), SystemClock().now()
    keeping = Keeping.of(current)
    async with store_as(current, "sigill_ops") as store, store_as(current, "sigill_auditor") as auditors:
        if dry_run:
            return await rehearse(store, auditors, keeping, now)
        return await run(store, auditors, keeping, now, who())
