"""`sigill order sign|check|send|show`."""

import asyncio
import json
import sys
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sigill.cli.common import bound, may_see_protected, operator, rulebooks, settings, uuid_of
from sigill.policy.calendar import swedish_date
from sigill.runtime.clock import SystemClock
from sigill.runtime.files import write_private
from sigill_contracts.keys import patient_key
from sigill_contracts.order import SignedForm
from sigill_contracts.topics import ORDERS

app = typer.Typer(no_args_is_help=True, help="Sign, check, send and show orders.")


@app.callback()
def _group() -> None:
    """Sign, check, send and show orders."""


class SignAs(StrEnum):
    """How a form is signed, and the content type that it then has."""

    COMPACT = "compact"
    GENERAL = "general"
    XADES = "xades"


@app.command()
def sign(
    form: Annotated[Path, typer.Argument(help="The form as JSON; - for standard input.")],
    ca: Annotated[Path, typer.Option(help="Folder of `sigill dev ca`.")],
    signer: Annotated[str, typer.Option(help="HSA-id of the signer.")],
    how: Annotated[
        SignAs,
        typer.Option(
            "--as",
            help="compact (application/jose), general (application/jose+json) or xades (application/xml).",
        ),
    ] = SignAs.COMPACT,
    out: Annotated[
        Path | None, typer.Option(help="File for the signed order; default standard output.")
    ] = None,
) -> None:
    """Sign a form with a throw-away certificate, as an EHR would."""
    from sigill.devtools.authority import DevAuthority
    from sigill.devtools.signing import sign_jws, sign_xades

    payload = sys.stdin.buffer.read() if str(form) == "-" else form.read_bytes()
    _readable(payload)
    holder, now = DevAuthority.load(ca).staff(signer), SystemClock().now()
    match how:
        case SignAs.XADES:
            signed = sign_xades(json.loads(payload), holder, now)
        case SignAs.GENERAL:
            signed = sign_jws(payload, holder, signed_at=now, serialization="general")
        case SignAs.COMPACT:
            signed = sign_jws(payload, holder, signed_at=now)
    if out is None:
        sys.stdout.buffer.write(signed + b"\n")
    else:
        write_private(out, signed)


@app.command()
def check(
    order: Annotated[Path, typer.Argument(help="A signed order: JWS (compact or JSON) or XML.", exists=True)],
    content_type: Annotated[
        str | None,
        typer.Option(help="Its content type; default by its ending (.jose, .json, .xml) or first character."),
    ] = None,
    anchors: Annotated[
        list[Path] | None,
        typer.Option(help="Trusted certificates, files or folders; default SIGILL_TRUST_ANCHORS."),
    ] = None,
    intermediates: Annotated[
        list[Path] | None,
        typer.Option(help="Certificates that help; default SIGILL_TRUST_INTERMEDIATES."),
    ] = None,
    crls: Annotated[
        list[Path] | None,
        typer.Option(help="Revocation lists, files or folders; default SIGILL_CRL_FOLDERS."),
    ] = None,
    audience: Annotated[
        str | None, typer.Option(help="Whom it must be addressed to; default SIGILL_AUDIENCE.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            help="When it arrives, with time zone; default now.",
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """
    Say what the door would say of a signed order, with every check in words. Nothing is sent, fetched or kept.

    Exit status 0: let in. 1: refused, or not readable. 3: nobody can tell whether the certificate is revoked. The
    envelope and the region's rules are not judged.
    """
    from sigill.cli.checking import answer, content_type_of, evidence_in
    from sigill.intake.trust_settings import WrongFile, certificates, trust_policy

    overridden = {"trust_anchors": anchors, "trust_intermediates": intermediates, "crl_folders": crls}
    current = settings()
    try:
        paths = {name: tuple(given or getattr(current, name)) for name, given in overridden.items()}
        policy = replace(
            trust_policy(current.model_copy(update={"trust_anchors": (), "trust_intermediates": ()})),
            anchors=certificates(paths["trust_anchors"]),
            intermediates=certificates(paths["trust_intermediates"]),
        )
        evidence, unread = evidence_in(paths["crl_folders"])
        raw = order.read_bytes()
    except (WrongFile, OSError) as error:
        print(f"sigill: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for name in unread:
        print(f"{name}: not a revocation list", file=sys.stderr)
    if not policy.anchors:
        print("no trust anchor: give --anchors or set SIGILL_TRUST_ANCHORS", file=sys.stderr)
    said = answer(
        raw,
        content_type or content_type_of(order, raw),
        policy=policy,
        evidence=evidence,
        at=at or SystemClock().now(),
        audience=audience or current.audience,
    )
    print(said.as_json() if as_json else "\n".join(said.lines()))
    raise typer.Exit(said.status)


@app.command()
def send(
    order: Annotated[Path, typer.Argument(help="A signed order: JWS (compact or JSON) or XML.")],
    source: Annotated[str, typer.Option(help="CloudEvents source.")] = "/sigill/cli",
) -> None:
    """Publish a signed order onto the orders' topic. Prints topic, partition and offset."""
    from sigill.cli.checking import content_type_of
    from sigill.cli.sending import publish

    current = settings()
    signed = order.read_bytes().strip()
    kind = content_type_of(order, signed)
    form = _payload(signed, kind)
    secret = current.patient_secrets().get(current.patient_key_version)
    if secret is None:
        print("SIGILL_PATIENT_KEYS: needed to name the patient's key", file=sys.stderr)
        raise typer.Exit(2)
    key = patient_key(form.patient.id, secret, current.patient_key_version)
    place = asyncio.run(publish(current, ORDERS, str(form.order_id), source, key, signed, kind))
    print(place)


def _readable(payload: bytes) -> SignedForm:
    from sigill.intake.form_parsing import FormInvalid, read_form

    try:
        return read_form(payload)
    except FormInvalid as invalid:
        for objection in invalid.objections:
            print(f"{objection.field}: {objection.text.en}", file=sys.stderr)
        raise typer.Exit(2) from None


def _payload(signed: bytes, kind: str) -> SignedForm:
    from sigill.trust import claimed_form

    claimed = claimed_form(signed, kind)
    if claimed is None:
        print("no form can be read from it; `sigill order check` says why", file=sys.stderr)
        raise typer.Exit(2)
    return _readable(claimed)


@app.command()
def diary(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First Swedish date.")],
    last: Annotated[
        datetime, typer.Option("--through", formats=["%Y-%m-%d"], help="Last Swedish date, inclusive.")
    ],
    region: Annotated[str | None, typer.Option(help="Only orders of this region.")] = None,
) -> None:
    """
    List each form in and each decision out as CSV, for the diary: date, number, region, form, unit, outcome; no names.

    An order about somebody with protected identity stands without region, form and unit for whoever has no role for them.

    Exit codes: 0 done, 2 wrong use.
    """
    from sigill.cli.context import clock_of, run, store_of
    from sigill.operations.protected_identity import orders_about_protected
    from sigill.operations.spreadsheets import SheetWriter
    from sigill.store import diary as stored

    if last < first:
        print("--through: before --from", file=sys.stderr)
        raise typer.Exit(2)
    known = rulebooks().regions
    if region is not None and region not in known:
        print(f"no region {region}; there are: {', '.join(sorted(known))}", file=sys.stderr)
        raise typer.Exit(2)
    chosen, sees = settings(), may_see_protected()
    mine = bound(region)
    writer = SheetWriter(sys.stdout, lineterminator="\n")

    async def work() -> int:
        count = 0
        async with store_of(chosen) as store, store.reading() as tx:
            writer.line(stored.DIARY_COLUMNS)
            here = await mine.on(tx, swedish_date(clock_of(chosen).now()))
            async for page in stored.all_pages(tx, first.date(), last.date(), here):
                about = [(order.registration, order.patient) for order in page]
                hidden = frozenset() if sees else await orders_about_protected(tx, about)
                writer.lines(entry.columns for entry in stored.without(page, hidden))
                count += len(page)
        return count

    print(f"{run(work)} entries", file=sys.stderr)


@app.command()
def show(
    order_id: Annotated[str, typer.Argument(help="The order's id (a UUID).")],
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="The newest receipt as JSON, with numbers and motivation; needs --reason."
        ),
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for the access log.")] = None,
) -> None:
    """
    Show what became of an order: every answer so far, newest last. The form itself is not shown.

    Messages that claimed the order's id and were not believed are among them.
    """
    from sigill.cli.sending import answers

    if as_json and not reason:
        raise typer.BadParameter("--json needs --reason: the receipt holds numbers, and the look is logged")
    whole_for = (operator(), reason) if as_json and reason else None
    found = asyncio.run(answers(settings(), uuid_of(order_id), bound(), whole_for=whole_for))
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
