"""`sigill outbox`: publishing again what a topic lost."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from sigill.cli.common import settings
from sigill.cli.context import agreed, clock_of, operator, run, store_of, told
from sigill.operations.extracts import whose
from sigill.operations.republishing import RepublishCounts, RepublishSelection
from sigill.operations.republishing import republish as published_again
from sigill.store import outbox
from sigill_contracts.topics import OUTGOING

TOPICS = tuple(spec.name for spec in OUTGOING)
_FORMATS = ["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]

app = typer.Typer(help="Publish again what a topic lost.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Publish again what a topic lost."""


@app.command()
def republish(
    topic: Annotated[
        list[str] | None,
        typer.Option(
            help="This topic, as the contracts name it; may be given again. Left out: all of a patient's."
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS, help="Written then or later. Left out: all that is kept."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, help="Written before. Left out: until now.")
    ] = None,
    patient: Annotated[
        str | None,
        typer.Option(help="Of one patient: the pseudonymous key; - reads key or number from standard input."),
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the audit chain.")],
    dry_run: Annotated[bool, typer.Option(help="Say what would be published, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """
    Publish events again, in their order, under their own ids and with the header ce_republished.

    Of the state each patient's newest goes out, if it was written in that time. A notice stays back unless it is still true
    and may be told; what goes by letter, telephone or text message is never repeated. The relay publishes; `sigill status`
    shows what waits. Exit codes: 0 done, 1 nobody is known by that key, 2 wrong use, or no terminal and no --yes.
    """
    if unknown := set(topic or ()) - set(TOPICS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: give one of {', '.join(TOPICS)}")
    if not topic and patient is None:
        raise typer.BadParameter("give --topic, or --patient")
    if not reason.strip():
        raise typer.BadParameter("--reason: say why")
    asked = sys.stdin.readline().strip() if patient == "-" else patient
    if asked is not None and patient != "-" and not (asked.startswith("v") and "." in asked):
        # others on the machine read command lines, and shells keep them
        raise typer.BadParameter("--patient: a pseudonymous key, or - and the number on standard input")
    chosen = settings()
    clock = clock_of(chosen)
    begin = datetime(1970, 1, 1, tzinfo=UTC) if since is None else since.astimezone(UTC)
    end = clock.now() if until is None else until.astimezone(UTC)

    async def work(dry: bool) -> tuple[RepublishCounts, datetime | None] | None:
        async with store_of(chosen) as store:
            async with store.reading() as tx:
                person = None if asked is None else await whose(tx, asked)
                kept = await outbox.oldest(tx)
            if asked is not None and person is None:
                return None
            lost = RepublishSelection(tuple(topic or TOPICS), begin, end, person)
            return await published_again(store, clock, operator(), lost, reason, dry_run=dry), kept

    planned = run(lambda: work(True))
    if planned is None:
        print("nobody is known by that key or number", file=sys.stderr)
        raise typer.Exit(1)
    found, kept = planned
    if not dry_run and found.sent:
        agreed(f"Publish {found.sent.total()} events again?", yes)
        done = run(lambda: work(False))
        found = done[0] if done is not None else RepublishCounts()
    if as_json:
        told({"dry_run": dry_run, "kept_from": kept, "published_again": found.sent, "left": found.left})
        return
    for name, number in sorted(found.sent.items()):
        print(f"{name}\t{number}")
    for why, number in sorted(found.left.items()):
        print(f"stays back: {why}\t{number}")
    verb = "would be published again" if dry_run else "are published again"
    print(
        f"{found.sent.total()} events {verb}; "
        + (
            "the outbox is empty"
            if kept is None
            else f"the outbox keeps events from {kept:%Y-%m-%dT%H:%M}Z on"
        ),
        file=sys.stderr,
    )
