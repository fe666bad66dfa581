"""`sigill offsets`: how far each worker has read, whether its logs are the ones it read, and reading some of it again."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from sigill.cli.common import settings
from sigill.cli.context import agreed, clock_of, operator, run, store_of, told
from sigill.consumer.continuity import position_of
from sigill.runtime.settings import Settings
from sigill.runtime.worker_specs import WORKER_SPECS
from sigill.store import audit, inbox
from sigill.store.audit import AuditEntry
from sigill.store.inbox import Stored
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.log_position import LogPosition
from sigill.stream.log_probe import LogComparison, LogProbe, ProbedLog
from sigill.stream.partition_lag import PartitionLag, PartitionLags
from sigill.stream.records import Partition

_READERS = {name: spec.reads for name, spec in WORKER_SPECS.items() if spec.reads}
"""The workers with a consumer group, and the topics that it reads."""
CHAIN = "ops"

app = typer.Typer(help="How far each worker has read; read some of it again.", no_args_is_help=True)


def _a_reader(worker: str | None) -> str | None:
    if worker is not None and worker not in _READERS:
        raise typer.BadParameter(f"{worker} reads no topic; there are {', '.join(_READERS)}")
    return worker


Worker = Annotated[str, typer.Argument(callback=_a_reader, help=f"{', '.join(_READERS)}.")]
Topic = Annotated[
    str | None, typer.Option(help="One of the worker's topics, by its full name; left out: its first.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Parts = Annotated[list[int] | None, typer.Option("--partition", help="This partition; may be given again.")]


@app.command()
def show(
    worker: Annotated[
        str | None, typer.Argument(callback=_a_reader, help=f"{', '.join(_READERS)}; left out: each.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Each partition's next offset, what the broker holds of it, and by what its log is known again."""
    chosen = settings()

    async def work() -> list[dict[str, object]]:
        lines: list[dict[str, object]] = []
        async with store_of(chosen) as store:
            for name in [worker] if worker else _READERS:
                stored = await _stored(store, chosen, name)
                standing = await _standing(chosen, name, stored)
                lines += [
                    _line(name, place, stored.get(place), standing.get(place)) for place in sorted(standing)
                ]
        return lines

    lines = run(work)
    if as_json:
        told(lines)
        return
    for line in lines:
        print("\t".join("-" if value is None else str(value) for value in line.values()))
    print(
        f"{len(lines)} partitions: worker, partition, next offset, end, lag, topic id, epoch, marks, topic",
        file=sys.stderr,
    )


@app.command()
def check(worker: Worker, as_json: Json = False) -> None:
    """Whether each log is the one that was read. Changes nothing; exit 1 where one is not, or is read no further."""
    chosen = settings()

    async def work() -> dict[Partition, ProbedLog]:
        async with store_of(chosen) as store:
            stored = await _stored(store, chosen, worker)
        return await _compared(chosen, {place: position_of(position) for place, position in stored.items()})

    found = run(work)
    lines = [
        {
            "topic": place.topic,
            "partition": place.partition,
            "finding": finding.verdict.value,
            "why": finding.why or None,
            "would_be_read_again": finding.end - finding.first
            if finding.verdict is LogComparison.REPLACED
            else 0,
        }
        for place, finding in sorted(found.items())
    ]
    if as_json:
        told(lines)
    for line in [] if as_json else lines:
        again = (
            f"; {line['would_be_read_again']} records would be read again"
            if line["would_be_read_again"]
            else ""
        )
        print(
            f"{worker} {line['topic']}/{line['partition']}: {line['finding']} {line['why'] or ''}{again}".rstrip()
        )
    bad = (LogComparison.REPLACED, LogComparison.UNREAD_GONE)
    raise typer.Exit(1 if any(finding.verdict in bad for finding in found.values()) else 0)


@app.command()
def reset(
    worker: Worker,
    partition: Parts = None,
    topic: Topic = None,
    everything: Annotated[bool, typer.Option("--all", help="Every partition of the topic.")] = False,
    to: Annotated[
        int | None, typer.Option(min=0, help="Read on from this offset; left out: from the beginning.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would be read again, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """
    Have partitions read from their beginning, or from an offset. What was taken before is known, and changes nothing.

    Workers that run notice by themselves within seconds.
    """
    if bool(partition) == everything:
        raise typer.BadParameter("give --partition, once or more often, or --all")
    chosen = settings()
    names = _topics(chosen, worker)
    if topic is not None and topic not in names:
        raise typer.BadParameter(f"{worker} does not read {topic}; it reads {', '.join(names)}")
    chosen_topic = topic or names[0]

    async def plan() -> tuple[dict[Partition, Stored], dict[Partition, PartitionLag]]:
        async with store_of(chosen) as store:
            stored = {
                place: position
                for place, position in (await _stored(store, chosen, worker)).items()
                if place.topic == chosen_topic
            }
            return stored, await _standing(chosen, worker, dict.fromkeys(stored))

    stored, standing = run(plan)
    wanted = [place for place in sorted(stored) if everything or place.partition in (partition or ())]
    if missing := set(partition or ()) - {place.partition for place in wanted}:
        print(f"{worker} has read no partition {', '.join(map(str, sorted(missing)))}", file=sys.stderr)
        raise typer.Exit(2)
    for place in wanted:
        print(_consequence(worker, place, stored[place], standing.get(place), to))
    if dry_run or not wanted:
        return
    agreed(f"Set the offsets of {len(wanted)} partitions?", yes)

    async def work() -> None:
        numbers = [place.partition for place in wanted]
        async with store_of(chosen) as store, store.transaction(clock_of(chosen).now()) as tx:
            await inbox.move(tx, chosen.group(worker), chosen_topic, numbers, to)
            body = {
                "worker": worker,
                "topic": chosen_topic,
                "partitions": tuple(numbers),
                "to": "beginning" if to is None else to,
            }
            await audit.append(tx, [AuditEntry(CHAIN, operator(), "offsets_reset", body)])

    run(work)
    print(f"{len(wanted)} partitions of {chosen_topic} are read again", file=sys.stderr)


def _topics(chosen: Settings, worker: str) -> tuple[str, ...]:
    """What a worker reads, as the topics are called on the cluster."""
    return tuple(chosen.topic(spec.name) for spec in _READERS[worker])


async def _stored(store: Store, chosen: Settings, worker: str) -> dict[Partition, Stored]:
    topics = _topics(chosen, worker)
    async with store.reading() as tx:
        found = await inbox.positions(tx, chosen.group(worker))
    return {Partition(*place): one for place, one in found.items() if place[0] in topics}


async def _standing(
    chosen: Settings, worker: str, stored: Mapping[Partition, Stored | None]
) -> dict[Partition, PartitionLag]:
    """How far the topic goes; each partition as unread as `stored` says."""
    standings = PartitionLags(Connection.of(chosen))
    read = {place: position.next_offset if position else None for place, position in stored.items()}
    try:
        return await standings.measure(_topics(chosen, worker), read)
    finally:
        await standings.close()


async def _compared(
    chosen: Settings, positions: Mapping[Partition, LogPosition]
) -> dict[Partition, ProbedLog]:
    probe = LogProbe(Connection.of(chosen))
    try:
        return await probe.compare(positions)
    finally:
        await probe.close()


def _line(
    worker: str, place: Partition, stored: Stored | None, standing: PartitionLag | None
) -> dict[str, object]:
    position = LogPosition() if stored is None else position_of(stored)
    return {
        "worker": worker,
        "partition": place.partition,
        "next_offset": position.next_offset,
        "end": standing.end if standing else None,
        "lag": standing.lag if standing else None,
        "topic_id": position.identity.topic_id,
        "leader_epoch": position.identity.leader_epoch,
        "marks": len(position.marks),
        "topic": place.topic,
    }


def _consequence(
    worker: str, place: Partition, stored: Stored, standing: PartitionLag | None, to: int | None
) -> str:
    """What a reset would do to one partition. `standing` was measured as if nothing had been read."""
    at = stored.next_offset
    if standing is None:
        return (
            f"{worker} {place.topic}/{place.partition}: from {at} to {'the beginning' if to is None else to}"
        )
    first = standing.end - standing.lag
    start = first if to is None else to
    reached = first if at is None else at
    again, left_out = max(0, min(reached, standing.end) - start), max(0, start - max(reached, first))
    note = f", {left_out} records are never read" if left_out else ""
    return f"{worker} {place.topic}/{place.partition}: from {at} to {start}: {again} records are read again{note}"
