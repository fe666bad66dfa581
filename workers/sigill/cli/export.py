"""`sigill export fhir`: a patient's measures for a receiver that speaks FHIR."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from sigill.cli.common import on_behalf, operator, rulebooks, settings
from sigill.cli.context import refuse_hidden, store_as
from sigill.operations.fhir import Release, Resource, bundle
from sigill.policy.facts import Identity
from sigill.policy.rulebook import Rulebooks
from sigill.runtime.clock import SystemClock
from sigill.store import access_log, facts, persons
from sigill.store.access_log import AccessLogEntry
from sigill_contracts.vocabulary import IdType

app = typer.Typer(no_args_is_help=True, help="A patient's measures in the words of other systems.")


@app.callback()
def _group() -> None:
    """A patient's measures in the words of other systems."""


@app.command()
def fhir(
    *,
    release: Annotated[Release, typer.Option(help="Which FHIR.")] = Release.R5,
    id_type: Annotated[IdType, typer.Option(help="What kind of number it is.")] = IdType.PERSONNUMMER,
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"], help="As of then.")
    ] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also what is over.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the access log.")],
    by: Annotated[
        str | None,
        typer.Option(help="For whom the operator reads; stands in the access log beside the reason."),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Their unit, for the access log.")] = None,
) -> None:
    """
    Print a Bundle of Consents. The identity number is read from standard input, never from the command line.

    Looking at a patient's measures is access to patient data: it is logged before anything is printed.
    """
    number = sys.stdin.readline().strip()
    books = rulebooks()
    moment = SystemClock().now() if at is None else at.astimezone(UTC)
    identity = Identity(id_type, number)
    found = asyncio.run(
        _fhir(identity, books, moment, release, ended, (operator(), unit, on_behalf(reason, by)))
    )
    if found is None:
        print("nobody is known by that number", file=sys.stderr)
        raise typer.Exit(1)
    print(json.dumps(found, ensure_ascii=False, indent=2))


async def _fhir(
    identity: Identity,
    books: Rulebooks,
    moment: datetime,
    release: Release,
    ended: bool,
    reader: tuple[str, str | None, str],
) -> Resource | None:
    async with store_as(settings(), "sigill_reader") as store:
        async with store.reading() as tx:
            asked = (await persons.resolve(tx, [identity])).get(identity)
        await refuse_hidden(store, [asked])
        async with store.transaction(SystemClock().now()) as tx:
            person = (await persons.resolve(tx, [identity])).get(identity)
            if person is None:
                return None
            by, unit, reason = reader
            await access_log.append(
                tx, [AccessLogEntry(by, unit, person, reason, f"measures as FHIR {release}")]
            )
        async with store.reading() as tx:
            known = (await facts.patient_facts(tx, [person])).get(person)
    return None if known is None else bundle(known, books, moment, release=release, ended=ended)
