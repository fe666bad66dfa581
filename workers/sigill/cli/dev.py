"""`sigill dev`: a throw-away certificate authority, and all of Sigill on this machine with a record system beside it."""

import logging
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from sigill.devtools.authority import DevAuthority
from sigill.runtime.clock import SystemClock
from sigill.trust.policy import HSA_ID, TEST_HSA_ID

app = typer.Typer(no_args_is_help=True, help="A throw-away certificate authority and other aids.")


@app.callback()
def _group() -> None:
    """Aids for trying Sigill. Nothing here is meant for production."""


@app.command()
def up(
    port: Annotated[
        int, typer.Option(help="Port of the record system; console and API take the next two. 0: any.")
    ] = 8090,
    mock: Annotated[
        bool, typer.Option("--mock", help="The mock broker, also where Apache Kafka could be started.")
    ] = False,
) -> None:
    """
    Start all of Sigill here, with a small record system in the browser: fill in, sign, send, watch, and break it.

    Needs neither Docker nor Java. Everything is invented, listens on this machine alone, and is gone after Ctrl-C.
    """
    from sigill.cli.common import rulebooks
    from sigill.embedded import BrokerUnavailable, PostgresUnavailable
    from sigill.trial.running import PortTaken, run_trial

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that has just begun makes it warn
    try:
        run_trial(rulebooks(), port, mock, lambda line: print(line, flush=True))
    except (PortTaken, PostgresUnavailable, BrokerUnavailable) as error:
        print(f"sigill: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except OSError as error:
        if error.filename is None:
            if "temporary directory" not in str(error.strerror):
                raise
            print(
                "sigill: no folder for temporary files can be written; set TMPDIR to one that can",
                file=sys.stderr,
            )
            raise typer.Exit(2) from None
        print(
            f"sigill: {error.filename} cannot be written ({error.strerror}); set XDG_CACHE_HOME, or TMPDIR, to a folder that can",
            file=sys.stderr,
        )
        raise typer.Exit(2) from None


@app.command()
def ca(
    folder: Annotated[Path, typer.Argument(help="Folder to write keys and certificates into.")],
    staff: Annotated[
        list[str] | None, typer.Option(help="HSA-id to make a signing certificate for; may be repeated.")
    ] = None,
) -> None:
    """
    Make a certificate authority, or add staff to one that is there.

    `public/` below the folder holds what a receiver needs: SIGILL_TRUST_ANCHORS, SIGILL_TRUST_INTERMEDIATES and
    SIGILL_CRL_FOLDERS point into it. Keys are not encrypted.
    """
    wrong = [
        hsa_id
        for hsa_id in staff or ()
        if not re.fullmatch(f"{HSA_ID}|{TEST_HSA_ID}", hsa_id.upper(), re.ASCII)
    ]
    if wrong:
        print(
            f"--staff: {', '.join(map(repr, wrong))} is no HSA-id, such as SE2321000065-T101", file=sys.stderr
        )
        raise typer.Exit(2)
    now = SystemClock().now()
    authority = DevAuthority.load(folder) if (folder / "root.crt").exists() else DevAuthority.create(now)
    for hsa_id in staff or ():
        authority.staff(hsa_id)
    authority.save(folder)
    files = authority.publish(folder / "public", now)
    print(f"SIGILL_TRUST_ANCHORS={files.anchors}")
    print(f"SIGILL_TRUST_INTERMEDIATES={files.intermediates}")
    print(f"SIGILL_CRL_FOLDERS={files.crls}")
