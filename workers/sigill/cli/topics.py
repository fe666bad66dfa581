"""`sigill topics apply|list|acls`: the topics as the table has them, and who may do what on them."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from sigill.cli.common import settings
from sigill.stream.connection import Connection, librdkafka_options
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


acls = typer.Typer(help="Who may do what on Kafka, by principal: print it, or give it to the brokers.")
app.add_typer(acls, name="acls")


@acls.callback(invoke_without_command=True)
def acls_(context: typer.Context) -> None:
    """
    Print who may do what on Kafka, by principal (YAML): as the settings have the record systems, and nothing wider.

    Topics and groups are named without the settings' prefixes.
    """
    from sigill.devtools.acls import written

    if context.invoked_subcommand is None:
        print(written(topics_for(settings().receipt_topics)), end="")


@acls.command("apply")
def acls_apply(
    user_prefix: Annotated[str, typer.Option(help="Principals are User:<prefix><name>.")] = "sigill-",
    dry_run: Annotated[bool, typer.Option(help="Say what would be given, and ask no broker.")] = False,
) -> None:
    """
    Give the principals on the brokers what the table says, with the settings' prefixes; what they have besides stays.

    Log in as somebody who may ALTER the cluster (SIGILL_KAFKA_SASL_USERNAME, or a certificate). Exit 2 where the brokers
    cannot be reached, keep no ACLs, or refuse.
    """
    from sigill.devtools import acls as table

    current = settings()
    topics = topics_for(current.receipt_topics)
    names = {
        "user_prefix": user_prefix,
        "topic_prefix": current.kafka_topic_prefix,
        "group_prefix": current.kafka_group_prefix,
    }
    if dry_run:
        for binding in table.bindings(topics, **names):
            print(
                f"{binding.principal} {binding.operation.name} {binding.restype.name.lower()} {binding.name}"
            )
        return
    try:
        given = table.give(librdkafka_options(current), topics, **names)
    except table.NotGiven as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    print(f"{given} ACLs of {len(table.principals(topics))} principals are there")
