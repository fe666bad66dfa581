"""`sigill migrate`."""

import asyncio
import sys
from typing import Annotated

import typer

from workers.cli.common import settings
from workers.store import migrate as schema

app = typer.Typer(help="Bring the database to the newest schema.")


@app.command()
def migrate(
    check: Annotated[bool, typer.Option(help="Only say what is missing; exit 1 if anything is.")] = False,
) -> None:
    """Bring the database to the newest schema, or say what is missing."""
    current = settings()
    url = current.database_dsn(migrations=True)
    tls = {} if current.database_tls == "prefer" else {"ssl": current.database_ssl()}
    if check:
        missing = asyncio.run(schema.pending(url, current.database_schema, **tls))
        print("\n".join(missing) or "the schema is at its newest")
        raise typer.Exit(1 if missing else 0)
    done = asyncio.run(schema.migrate(url, current.database_schema, **tls))
    print("\n".join(done) or "nothing to do", file=sys.stdout)
