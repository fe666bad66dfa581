"""`sigill migrate`."""

import asyncio
import sys
from typing import Annotated, Any

import asyncpg
import typer

from sigill.cli.common import settings
from sigill.store import migrate as schema

app = typer.Typer(help="Bring the database to the newest schema.")


@app.command()
def migrate(
    check: Annotated[bool, typer.Option(help="Only say what is missing; exit 1 if anything is.")] = False,
) -> None:
    """Bring the database to the newest schema, or say what is missing."""
    current = settings()
    url = current.database_dsn(migrations=True)
    tls: dict[str, Any] = {} if current.database_tls == "prefer" else {"ssl": current.database_ssl()}
    try:
        _run(url, current.database_schema, check, tls)
    except (OSError, asyncpg.PostgresError) as error:
        # the URL may hold a password: the kind of error and the server's own word are enough
        print(f"the database: {type(error).__name__}: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _run(url: str, name: str, check: bool, tls: dict[str, Any]) -> None:
    if check:
        missing = asyncio.run(schema.pending(url, name, **tls))
        print("\n".join(missing) or "the schema is at its newest")
        rights = None if missing else asyncio.run(schema.rights_missing(url, name, **tls))
        if rights:
            print(f"{rights}; `sigill migrate` as a user that may make roles, or as sigill_owner, mends it")
        raise typer.Exit(1 if missing or rights else 0)
    done = asyncio.run(schema.migrate(url, name, **tls))
    print("\n".join(done) or "nothing to do", file=sys.stdout)
