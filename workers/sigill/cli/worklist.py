"""`sigill worklist`: what is applied here and not yet in the national services."""

import sys
from typing import Annotated

import typer

from sigill.cli.common import bound, refuse_outside, settings
from sigill.cli.context import agreed, clock_of, operator, refuse_hidden, run, store_of, told
from sigill.operations.worklist import about, unit_of
from sigill.policy.calendar import swedish_date
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
    chosen, mine = settings(), bound()

    async def work() -> tuple[list[StoredTask], int]:
        async with store_of(chosen) as store, store.reading() as tx:
            here = await mine.on(tx, swedish_date(clock_of(chosen).now()))
            stats = await tasks.stats(tx, here.regions, here.units)
            total = sum(
                stat.tasks for stat in stats if stat.target is not None and target in (None, stat.target)
            )
            return await console.worklist_page(tx, target, bound=here, limit=limit), total

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
    """Say that it is applied there now. Exit codes: 0 ticked off, 1 not open or not yours, 2 no terminal and no --yes."""
    agreed(f"Tick off #{task}: it is applied there now?", yes)
    chosen, mine = settings(), bound()

    async def work() -> bool:
        async with store_of(chosen) as store:
            async with store.reading() as tx:
                asked = (await tasks.by_ids(tx, [task])).get(task)
                if asked is None:
                    return False
                unit, people = await unit_of(tx, asked), await about(tx, asked)
                here = await mine.on(tx, swedish_date(clock_of(chosen).now()))
            if not here.covers(asked.region, unit):
                refuse_outside()
            await refuse_hidden(store, people)
            async with store.transaction(clock_of(chosen).now()) as tx:
                ticked = await tasks.tick_off(tx, task, operator(), remark)
                if ticked:
                    entry = AuditEntry("console", operator(), "task_ticked_off", {"task": task})
                    await audit.append(tx, [entry])
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
