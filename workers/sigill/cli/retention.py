"""`sigill retention run`: deletes or archives data whose retention period has passed."""

import asyncio
import json
from typing import Annotated

import typer

from sigill.cli.common import account, settings
from sigill.cli.context import store_as
from sigill.operations.retention import Ended, Keeping, rehearse, run
from sigill.runtime.clock import SystemClock
from sigill.runtime.settings import NEVER

app = typer.Typer(no_args_is_help=True, help="Delete or archive data whose retention period has passed.")
_WORDS = {
    "outbox": "published events in the outbox",
    "dead_letters": "dead letters dealt with",
    "evidence": "signed orders and their receipts",
    "access_log": "lines of the access log",
    "persons": "persons long dead",
}
_SETTINGS = {
    "outbox": "SIGILL_OUTBOX_DISPOSAL",
    "dead_letters": "SIGILL_DEAD_LETTER_DISPOSAL",
    "evidence": "SIGILL_EVIDENCE_DISPOSAL",
    "access_log": "SIGILL_ACCESS_LOG_DISPOSAL",
    "persons": "SIGILL_PERSON_DISPOSAL",
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

    Each kind is deleted by a disposal decision (gallringsbeslut) that its setting cites; without one, or when it says
    `never`, it is kept, and a line says so. Run it once a night. Each run is recorded in the audit chain; an erased
    person gets a tombstone on access.state.v1.
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
                        "decision": one.decision,
                        "done": not dry_run and not one.kept,
                    }
                    for one in ended
                ],
                indent=2,
            )
        )
        return
    verb = "would end" if dry_run else "ended"
    for one in ended:
        print(_line(one, verb, counted=dry_run))


def _line(one: Ended, verb: str, *, counted: bool) -> str:
    what = f"{_WORDS[one.kind]}, before {one.before:%Y-%m-%d}"
    if not one.kept:
        return f"{verb:<9}  {one.number:>9,}  {what}, by {one.decision}"
    if one.decision == NEVER:
        why = "never destroyed"
    elif one.kind in one.lacking:
        why = f"no disposal decision ({_SETTINGS[one.kind]})"
    else:
        kept = ", ".join(_SETTINGS[kind] for kind in one.lacking)
        why = f"no disposal decision for what goes with them ({kept})"
    return f"{'keeps':<9}  {f'{one.number:,}' if counted else '-':>9}  {what}: {why}"


async def _run(dry_run: bool) -> tuple[Ended, ...]:
    current, now = settings(), SystemClock().now()
    keeping = Keeping.of(current)
    async with store_as(current, "sigill_ops") as store, store_as(current, "sigill_auditor") as auditors:
        if dry_run:
            return await rehearse(store, auditors, keeping, now)
        return await run(store, auditors, keeping, now, account())
