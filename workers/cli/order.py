"""`sigill order sign|send|show`."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from contracts.keys import patient_key
from contracts.order import SignedForm
from contracts.topics import ORDERS
from workers.cli.common import settings
from workers.runtime.clock import SystemClock

app = typer.Typer(no_args_is_help=True, help="Sign, send and show orders.")


@app.callback()
def _group() -> None:
    """Sign, send and show orders."""


@app.command()
def sign(
    form: Annotated[Path, typer.Argument(help="The form as JSON; - for standard input.")],
    ca: Annotated[Path, typer.Option(help="Folder of `sigill dev ca`.")],
    signer: Annotated[str, typer.Option(help="HSA-id of the signer.")],
    out: Annotated[
        Path | None, typer.Option(help="File for the signed order; default standard output.")
    ] = None,
) -> None:
    """Sign a form with a throw-away certificate, as an EHR would (JWS compact)."""
    from infra.devca import DevAuthority, sign_jws

    payload = sys.stdin.buffer.read() if str(form) == "-" else form.read_bytes()
    SignedForm.model_validate_json(payload)
    authority = DevAuthority.load(ca)
    signed = sign_jws(payload, authority.staff(signer), signed_at=SystemClock().now())
    if out is None:
        sys.stdout.buffer.write(signed + b"\n")
    else:
        out.write_bytes(signed)


@app.command()
def send(
    order: Annotated[Path, typer.Argument(help="A signed order (JWS compact).")],
    source: Annotated[str, typer.Option(help="CloudEvents source.")] = "/sigill/cli",
) -> None:
    """Publish a signed order onto the orders' topic. Prints topic, partition and offset."""
    from workers.cli.sending import publish

    current = settings()
    signed = order.read_bytes().strip()
    form = _payload(signed)
    secret = current.patient_secrets().get(current.patient_key_version)
    if secret is None:
        print("SIGILL_PATIENT_KEYS: needed to name the patient's key", file=sys.stderr)
        raise typer.Exit(2)
    key = patient_key(form.patient.id, secret, current.patient_key_version)
    place = asyncio.run(publish(current, ORDERS, str(form.order_id), source, key, signed, "application/jose"))
    print(place)


def _payload(signed: bytes) -> SignedForm:
    from base64 import urlsafe_b64decode

    body = signed.split(b".")[1]
    return SignedForm.model_validate_json(urlsafe_b64decode(body + b"=" * (-len(body) % 4)))


@app.command()
def show(
    order_id: Annotated[str, typer.Argument(help="The order's id (a UUID).")],
    as_json: Annotated[bool, typer.Option("--json", help="The newest receipt as JSON.")] = False,
) -> None:
    """Show what became of an order: every answer so far, newest last. The form itself is not shown."""
    from workers.cli.sending import answers

    found = asyncio.run(answers(settings(), order_id))
    if not found:
        print("no such order", file=sys.stderr)
        raise typer.Exit(1)
    if as_json:
        print(json.dumps(found[-1], ensure_ascii=False, indent=2))
        return
    for receipt in found:
        print(f"{receipt['judged_at']}  {receipt['outcome']}  {' '.join(receipt['codes'])}")
        for said in (*receipt["refusals"], *receipt["waits"], *receipt["remarks"]):
            rules = " ".join(c["rule"] for c in said["citations"])
            print(f"    {said['code']}: {said['sv']} [{rules}]")
        for m in receipt["measures"]:
            print(f"    {m['action']} {m['kind']} through {m['ends_on'] or 'until released'}")
