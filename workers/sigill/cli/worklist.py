"""`sigill worklist`: what is applied here and not yet in the national services."""

import sys
from typing import Annotated

import typer

from sigill.cli.common import settings
from sigill.cli.context import agreed, clock_of, operator, run, store_of, told
from sigill.policy.lexicon import TARGETS
from sigill.store import audit, console, tasks
from sigill.store.audit import AuditEntry
from sigill.store.tasks import StoredTask

app = typer.Typer(help="What is still to be keyed into the national services.", no_args_is_help=True)


@app.command("list")
def list_tasks(
    target: Annotated[str | None, typer.Option(help=f"Only of one: {', '.join(TARGETS)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """The oldest first, without anybody's number: those are shown in the console, and logged."""
    if target is not None and target not in TARGETS:
        raise typer.BadParameter(f"unknown target; there are {', '.join(TARGETS)}")
    chosen = settings()

    async def work() -> tuple[list[StoredTask], int]:
        async with store_of(chosen) as store, store.reading() as tx:
            stats = await tasks.stats(tx)
            total = sum(one.tasks for one in stats if one.target is not None and target in (None, one.target))
            return await console.worklist_page(tx, target, limit=limit), total

    found, total = run(work)
    if as_json:
        told({"open": total, "tasks": [_line(task) for task in found]})
        return
    for task in found:
        print("\t".join(str(value) for value in _line(task).values()))
    print(f"{len(found)} shown; {total} open", file=sys.stderr)


@app.command()
def tick(
    task: Annotated[int, typer.Argument(metavar="ID")],
    remark: Annotated[str | None, typer.Option(help="The case number there, say.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Say that it is applied there now. Exit codes: 0 ticked off, 1 it was not open, 2 no terminal and no --yes."""
    agreed(f"Tick off #{task}: it is applied there now?", yes)
    chosen = settings()

    async def work() -> bool:
        async with store_of(chosen) as store, store.transaction(clock_of(chosen).now()) as tx:
            ticked = await tasks.tick_off(tx, task, operator(), remark)
            if ticked:
                await audit.append(tx, [AuditEntry("console", operator(), "task_ticked_off", {"task": task})])
            return ticked

    if not run(work):
        print(f"#{task} is not open", file=sys.stderr)
        raise typer.Exit(1)


def _line(task: StoredTask) -> dict[str, object]:
    return {
        "id": task.task_id,
        "since": task.opened_at,
        "target": task.target,
        "key_in": task.key_in,
        "region": task.region,
        "text": task.text.en,
    }
