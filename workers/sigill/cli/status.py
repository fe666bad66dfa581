"""`sigill status`: queues, lag as a count and as time, what waits for people; live in a terminal."""

import asyncio
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sigill.cli.common import settings
from sigill.cli.context import clock_of, run, store_of, told
from sigill.operations.queue_figures import EVERY, Figures, Queue, QueueWatch
from sigill.runtime.health import Health
from sigill.runtime.metrics import Metrics
from sigill.stream.connection import Connection
from sigill.stream.partition_lag import PartitionLags

RATE_SECONDS = 2.0

app = typer.Typer(help="Queues, lag and what waits, live.")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, and end.")] = False,
    once: Annotated[bool, typer.Option(help="Print once, and end; so too without a terminal.")] = False,
) -> None:
    """Exit codes: 0 told, 1 database or broker down, 2 wrong settings."""
    chosen = settings()

    async def work() -> bool:
        clock = clock_of(chosen)
        async with store_of(chosen) as store:
            watch = QueueWatch(
                store, PartitionLags(Connection.of(chosen)), chosen, clock, Metrics(), Health(clock=clock)
            )
            try:
                figures = await watch.look()
                if any(queue.depth for queue in figures.queues):
                    await asyncio.sleep(RATE_SECONDS)  # a rate takes two looks
                    figures = await watch.look()
                if as_json:
                    told(document(figures))
                elif once or not sys.stdout.isatty():
                    Console().print(shown(figures))
                else:
                    await _live(watch)
            finally:
                await watch.standings.close()
            return figures.broker is None and figures.database is None

    if not run(work):
        raise typer.Exit(1)


async def _live(watch: QueueWatch) -> None:
    with Live(shown(watch.figures), auto_refresh=False, screen=False) as live:
        while True:
            await asyncio.sleep(EVERY)
            live.update(shown(await watch.look()), refresh=True)


def document(figures: Figures) -> dict[str, object]:
    """The figures with a stable shape; times are UTC, ages in seconds, null is unknown."""
    at = figures.at

    def age(moment: object) -> float | None:
        return None if moment is None else (at - moment).total_seconds()  # type: ignore[operator]

    return {
        "at": at,
        "broker": figures.broker,
        "database": figures.database,
        "queues": [
            {
                "topic": queue.topic,
                "group": queue.group,
                "lag_records": queue.depth,
                "oldest_age_seconds": age(queue.oldest),
                "rate_per_second": queue.rate,
                "newest_done_in_seconds": queue.clears_in,
                "last_error": queue.last_error,
                "partitions": [asdict(part) for part in queue.parts],
            }
            for queue in figures.queues
        ],
        "outbox": {
            "pending": figures.outbox.pending if figures.outbox else None,
            "oldest_age_seconds": age(figures.outbox.oldest) if figures.outbox else None,
        },
        "timers": {
            "due_today": figures.due_today_count,
            "overdue": figures.timers.overdue if figures.timers else None,
            "oldest_age_seconds": age(figures.timers.oldest) if figures.timers else None,
        },
        "waiting": [asdict(row) for row in figures.waiting],
        "worklist": [
            {"target": row.target, "open": row.tasks, "oldest_age_seconds": age(row.oldest)}
            for row in figures.worklist
        ],
        "tasks": [{"kind": row.kind, "region": row.region, "open": row.tasks} for row in figures.to_decide],
        "dead_letters": [
            {
                "topic": row.topic,
                "reason": str(row.reason),
                "open": row.letters,
                "oldest_age_seconds": age(row.oldest),
            }
            for row in figures.letters
        ],
        "held_sources": [
            {"hold": hold.hold_id, "topic": hold.topic, "oldest_age_seconds": age(hold.held_at)}
            for hold in figures.holds
        ],
        "waiting_partitions": [
            {
                "topic": wait.topic,
                "partition": wait.partition,
                "from_offset": wait.from_offset,
                "behind_partition": wait.behind,
                "until_offset": wait.until_offset,
                "oldest_age_seconds": age(wait.noticed_at),
                "protective_orders_pass": wait.passed_since is not None,
            }
            for wait in figures.waits
        ],
    }


def shown(figures: Figures) -> Group:
    """The figures for people."""
    at = figures.at
    queues = Table("queue", "group", "lag", "oldest", "per s", "last error", box=None, header_style="bold")
    for column in (2, 3, 4):
        queues.columns[column].justify = "right"
    for queue in figures.queues:
        queues.add_row(
            queue.topic,
            queue.group,
            "?" if queue.depth is None else str(queue.depth),
            "-" if queue.oldest is None else _age((at - queue.oldest).total_seconds()),
            "-" if queue.rate is None else f"{queue.rate:.1f}{_done_in(queue)}",
            queue.last_error or "-",
        )
    rest = Table("what", "number", "oldest", box=None, header_style="bold")
    rest.columns[1].justify = rest.columns[2].justify = "right"
    if figures.outbox:
        oldest = figures.outbox.oldest
        rest.add_row(
            "outbox", str(figures.outbox.pending), _age((at - oldest).total_seconds()) if oldest else "-"
        )
    if figures.timers:
        late = figures.timers.oldest
        rest.add_row(
            "timers overdue", str(figures.timers.overdue), _age((at - late).total_seconds()) if late else "-"
        )
    rest.add_row("timers due today", str(figures.due_today_count), "-")
    for row in figures.waiting:
        overdue = f" ({row.overdue} overdue)" if row.overdue else ""
        rest.add_row(f"waits: {row.code}", f"{row.orders}{overdue}", "-")
    for task in figures.worklist:
        rest.add_row(f"not yet in {task.target}", str(task.tasks), _age((at - task.oldest).total_seconds()))
    for letter in figures.letters:
        rest.add_row(
            f"dead: {letter.reason}", str(letter.letters), _age((at - letter.oldest).total_seconds())
        )
    for hold in figures.holds:
        rest.add_row(
            f"held: #{hold.hold_id} of {hold.topic} (sigill dlq holds)",
            str(hold.unreadable),
            _age((at - hold.held_at).total_seconds()),
        )
    for wait in figures.waits:
        read = next(
            (
                part.next_offset or 0
                for queue in figures.queues
                if queue.topic == wait.topic
                for part in queue.parts
                if part.partition == wait.behind
            ),
            0,
        )
        rest.add_row(
            f"waits: {'' if wait.passed_since is None else 'opening orders of '}{wait.topic}/{wait.partition}, "
            f"until /{wait.behind} is read up to {wait.until_offset}",
            str(max(0, wait.until_offset - read)),
            "-" if wait.noticed_at is None else _age((at - wait.noticed_at).total_seconds()),
        )
    troubles = [
        Text(f"{what} does not answer: {why}", style="bold red")
        for what, why in (("database", figures.database), ("broker", figures.broker))
        if why is not None
    ]
    return Group(*troubles, queues, Text(""), rest)


def _done_in(queue: Queue) -> str:
    return "" if queue.clears_in is None else f" (done in {_age(queue.clears_in)})"


def _age(seconds: float) -> str:
    minutes, left = divmod(int(max(0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{left} s"
