"""`sigill topics apply|list|acls`: the topics as the table has them, and who may do what on them."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from sigill.cli.common import settings
from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import topics_for

app = typer.Typer(no_args_is_help=True, help="Create the topics, or compare them with the table.")


@app.callback()
def _group() -> None:
    """Create the topics, or compare them with the table."""


@app.command()
def apply(dry_run: Annotated[bool, typer.Option(help="Say what would be done.")] = False) -> None:
    """Create missing topics and set their retention and compaction. Exit 1 where only a person can settle it."""
    current = settings()
    if current.environment == "production" and current.kafka_replication < 2:
        print(
            "SIGILL_KAFKA_REPLICATION: 1 is refused in production, since one lost disk loses orders; set 3",
            file=sys.stderr,
        )
        raise typer.Exit(2)
    reports = asyncio.run(
        apply_topics(
            Connection.of(current),
            topics_for(current.receipt_topics),
            prefix=current.kafka_topic_prefix,
            replication=current.kafka_replication,
            dry_run=dry_run,
        )
    )
    for report in reports:
        print(f"{report.outcome:10} {report.name} {'; '.join(report.notes)}".rstrip())
    raise typer.Exit(1 if any(r.outcome == "differs" for r in reports) else 0)


@app.command("list")
def list_(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
    """Print the table: topic, who writes, who reads."""
    table = topics_for(settings().receipt_topics)
    if as_json:
        rows = [
            {
                "name": spec.name,
                "summary": spec.summary,
                "written_by": spec.written_by,
                "read_by": spec.read_by,
                "key": spec.key,
                "partitions": spec.partitions,
                "config": spec.config,
            }
            for spec in table
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    print(f"{'TOPIC':28} WRITTEN BY → READ BY: WHAT IT IS")
    for spec in table:
        print(f"{spec.name:28} {', '.join(spec.written_by)} → {', '.join(spec.read_by)}: {spec.summary}")


@app.command("acls")
def acls_() -> None:
    """
    Print who may do what on Kafka, by principal (YAML): as the settings have the record systems, and nothing wider.

    Topics and groups are named without the settings' prefixes.
    """
    from sigill.devtools.acls import written

    print(written(topics_for(settings().receipt_topics)), end="")
