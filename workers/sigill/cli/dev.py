"""`sigill dev ca`: a throw-away certificate authority with staff certificates like those of the care sector."""

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
