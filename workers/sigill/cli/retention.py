"""`sigill retention run`: deletes or archives data whose retention period has passed."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from sigill.cli.common import account, settings
from sigill.cli.context import store_as
from sigill.operations.retention import Ended, Keeping, rehearse, run
from sigill.runtime.clock import SystemClock
from sigill.runtime.settings import NEVER, Settings

app = typer.Typer(no_args_is_help=True, help="Delete or archive data whose retention period has passed.")
_WORDS = {
    "outbox": "published events in the outbox",
    "dead_letters": "dead letters dealt with",
    "evidence": "signed orders and their receipts",
    "access_log": "lines of the access log",
    "persons": "persons long dead",
    "timers": "timers that are over",
    "tasks": "tasks that are over",
}
_SETTINGS = {
    "outbox": "SIGILL_OUTBOX_DISPOSAL",
    "dead_letters": "SIGILL_DEAD_LETTER_DISPOSAL",
    "evidence": "SIGILL_EVIDENCE_DISPOSAL",
    "access_log": "SIGILL_ACCESS_LOG_DISPOSAL",
    "persons": "SIGILL_PERSON_DISPOSAL",
    "timers": "SIGILL_TIMER_DISPOSAL",
    "tasks": "SIGILL_TASK_DISPOSAL",
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
    Delete outbox events, dead letters, signed orders, access log lines, timers and tasks that are over, and long-dead persons after
    their retention periods.

    Each kind is deleted by a disposal decision (gallringsbeslut) that its setting cites; without one, or when it says
    `never`, it is kept, and a line says so. The archive package of a signed order is made first, in
    SIGILL_ARCHIVE_FOLDER, and its digest recorded in the audit chain; without that folder a run refuses, and `--dry-run` counts and says
    so. Run it once a night. Each run is recorded in the audit chain; an erased person gets a tombstone on access.state.v1.
    """
    current = settings()
    if fault := _folder_fault(current):
        print(fault, file=sys.stderr)
        if not dry_run:
            raise typer.Exit(2)
    try:
        ended = asyncio.run(_run(current, dry_run))
    except OSError as error:
        print(f"no archive package, so nothing more is destroyed: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "kind": kind.kind,
                        "before": kind.before.isoformat(),
                        "number": kind.number,
                        "tombstones": kind.tombstones,
                        "decision": kind.decision,
                        "done": not dry_run and not kind.kept,
                    }
                    for kind in ended
                ],
                indent=2,
            )
        )
        return
    verb = "would end" if dry_run else "ended"
    for kind in ended:
        print(_line(kind, verb, counted=dry_run))
    why = (
        "never destroyed"
        if current.inbox_disposal == NEVER
        else "no end, else an order sent again is carried out twice"
    )
    print(f"{'keeps':<9}  {'-':>9}  the inbox, which says of each order that it was taken: {why}")


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


def _folder_fault(current: Settings) -> str | None:
    """Why a run must not begin: signed orders would go, and their packages have nowhere to stand."""
    if not Keeping.of(current).disposes_of_orders:
        return None
    if current.archive_folder is None:
        return "SIGILL_ARCHIVE_FOLDER: not set; no signed order is destroyed before its archive package stands in a folder"
    if not current.archive_folder.is_dir():
        return (
            "SIGILL_ARCHIVE_FOLDER: no such folder; make it on the storage that is handed over to the archive"
        )
    return None


async def _run(current: Settings, dry_run: bool) -> tuple[Ended, ...]:
    now = SystemClock().now()
    keeping = Keeping.of(current)
    async with store_as(current, "sigill_ops") as store, store_as(current, "sigill_auditor") as auditors:
        if dry_run:
            return await rehearse(store, auditors, keeping, now)
        return await run(store, auditors, keeping, now, account(), current.archive_folder)
