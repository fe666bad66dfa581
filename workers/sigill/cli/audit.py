"""`sigill audit verify|heads|key|extract|looks|export|archive`."""

import asyncio
import json
import sys
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar
from uuid import UUID

import typer

from sigill.cli.checkpoints import PublicKey, Published, gather, lines_of, public_key
from sigill.cli.common import NamedBinding, bound, on_behalf, operator, settings
from sigill.cli.context import HIDDEN, hidden_people, refuse_hidden, store_as, told
from sigill.cli.context import run as run_to_the_end
from sigill.cli.dlq import printable
from sigill.operations import extracts, reviews
from sigill.operations.archive import Archived, Reader, check_folder
from sigill.operations.archive import archive as make_packages
from sigill.policy.calendar import midnight, swedish_date
from sigill.relay.checkpoints import CheckpointSigner
from sigill.runtime.clock import SystemClock
from sigill.runtime.files import write_private
from sigill.runtime.settings import Settings
from sigill.store import access_log, audit, audit_check, orders
from sigill.store.access_log import AccessLogFault
from sigill.store.audit_check import AuditFault, Baseline, RowFault
from sigill.store.session import Store
from sigill.stream.connection import BrokerDown, Connection, StreamStopped
from sigill.stream.topic_dump import values_of
from sigill_contracts.topics import AUDIT_HEADS
from sigill_contracts.vocabulary import OrderId, PersonId

app = typer.Typer(
    no_args_is_help=True, help="Verify the audit chain; extracts, exports and archive packages."
)

T = TypeVar("T")
Heads = Annotated[
    str,
    typer.Option(help="Where published heads are read: kafka, none, or a file of `sigill audit heads`."),
]
Keys = Annotated[
    list[Path] | None,
    typer.Option(
        "--key",
        help="Key that heads must be signed with (JWK or PEM), several for a changed one. Default: SIGILL_AUDIT_KEY's.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
By = Annotated[
    str | None,
    typer.Option("--by", help="For whom the operator reads; stands in the access log beside the reason."),
]
Unit = Annotated[str | None, typer.Option(help="Their unit, for the access log.")]
To = Annotated[Path | None, typer.Option(help="File to write. Default: standard output.")]


class NobodyKnown(Exception):
    """Nobody has that key or number."""


class Paper(StrEnum):
    """In which form an extract is written."""

    HTML = "html"
    CSV = "csv"
    JSON = "json"


class File(StrEnum):
    """In which form a file is written."""

    HTML = "html"
    JSON = "json"


@app.callback()
def _group() -> None:
    """Verify the audit chain; extracts, exports and archive packages."""


@app.command()
def verify(*, heads: Heads = "kafka", key: Keys = None, as_json: AsJson = False) -> None:
    """
    Walk through every audit chain, the access log and every table of history, and name each row that was changed,
    removed or inserted.

    Published heads are what shows a cut-off end or a chain rewritten as a whole. Exit 1 when anything is wrong.
    """
    current = settings()
    published = _published(current, heads, key)
    faults, looks, entries, rows, older = asyncio.run(_verify(current, published))
    wrong = bool(faults or looks or rows or published.unbelieved)
    if as_json:
        found = {
            "whole": not wrong,
            "entries": entries,
            "heads": {
                "read": published.read,
                "compared": len(published.heads),
                "unbelieved": published.unbelieved,
            },
            "faults": [{"chain": f.chain, "position": f.position, "kind": f.kind} for f in faults],
            "access_log": [{"look": f.look_id, "kind": f.kind} for f in looks],
            "rows": [{"table": f.table, "key": f.key, "kind": f.kind, "by": f.by} for f in rows],
            "baseline": [
                {"table": b.table, "rows": b.rows, "sealed_from": str(b.first), "sealed_to": str(b.last)}
                for b in older
            ],
        }
        print(json.dumps(found, indent=2))
        raise typer.Exit(1 if wrong else 0)
    for fault in faults:
        print(f"{fault.chain} {fault.position}: {_KINDS[fault.kind]}")
    for look in looks:
        print(f"access log {look.look_id}: {look.kind}")
    for row in rows:
        print(f"{row.table} {row.key}: {row.kind}{f' by {row.by}' if row.by else ''}")
    for base in older:
        print(
            f"{base.table}: {base.rows:,} rows are older than the seals; as they stood on {base.last:%Y-%m-%d}",
            file=sys.stderr,
        )
    if published.unbelieved:
        print(f"published heads: {published.unbelieved} of {published.read} are signed by no known key")
    print(
        f"{entries:,} entries, {len(published.heads):,} published heads: {'NOT WHOLE' if wrong else 'whole'}"
    )
    if heads == "none":
        print("without published heads a cut-off end of a chain cannot be seen", file=sys.stderr)
    raise typer.Exit(1 if wrong else 0)


_KINDS = {
    "changed": "changed",
    "removed": "one entry or more were removed just before it",
    "inserted": "inserted",
    "moved": "moved",
    "personal_changed": "its personal part was changed",
    "personal_removed": "its personal part was removed, and not by an erasure",
    "unpublished": "not the entry whose hash was published: cut off or rewritten",
}


class _Verified(NamedTuple):
    faults: list[AuditFault]
    looks: list[AccessLogFault]
    entries: int
    rows: list[RowFault]
    older: list[Baseline]


async def _verify(current: Settings, published: Published) -> _Verified:
    async with store_as(current, "sigill_auditor") as store, store.reading() as tx:
        faults = set(await audit_check.verify(tx, published.chain_heads))
        faults |= {AuditFault(chain, count, "unpublished") for chain, count in published.contradicted}
        looks = await access_log.verify(tx)
        entries = sum(head.position for head in await audit.heads(tx))
        rows = await audit_check.verify_rows(tx)
        return _Verified(sorted(faults), looks, entries, rows, await audit_check.baselines(tx))


@app.command("heads")
def heads_() -> None:
    """Print every published head as it was signed, one a line: to be kept where nobody rewrites it."""
    current = settings()

    async def run() -> None:
        async for token in values_of(Connection.of(current), current.topic(AUDIT_HEADS.name)):
            print(token.decode("ascii", "replace"))

    _reaching(run)


@app.command("key")
def key_() -> None:
    """Print the public key that heads are signed with (JWK), to verify elsewhere."""
    current = settings()
    if current.audit_key is None:
        print("SIGILL_AUDIT_KEY: not set, so heads are signed with a key that nobody keeps", file=sys.stderr)
        raise typer.Exit(2)
    print(json.dumps(dict(CheckpointSigner.from_file(current.audit_key).public_jwk()), indent=2))


@app.command()
def extract(
    patient: Annotated[
        str, typer.Argument(help="The patient's pseudonymous key; - reads key or number from standard input.")
    ],
    *,
    for_whom: Annotated[
        extracts.ForWhom,
        typer.Option("--for", help="patient: what may be handed out; auditor: everything, never handed out."),
    ] = extracts.ForWhom.PATIENT,
    harm_test: Annotated[
        str | None,
        typer.Option(
            help="Who tested that nobody is harmed by handing it out, and where that stands. For the patient."
        ),
    ] = None,
    format: Annotated[Paper, typer.Option("--format", help="html, csv or json.")] = Paper.HTML,
    to: To = None,
    by: By = None,
    unit: Unit = None,
    reason: Annotated[
        str | None, typer.Option(help="Why, for the access log. For the auditor: needed.")
    ] = None,
) -> None:
    """
    Write who looked at a patient, from which unit and when, as PDL 8 kap. 5 § gives the patient a right to.

    The version for the patient takes a harm test, and holds no reason, measure or code, nor what somebody must not be
    told (X-23): a child's extract may be collected by the guardian who is shut out. --for auditor has everything.
    """
    why = _why(for_whom, reason, harm_test)
    current, asked = settings(), _asked(patient)

    async def run() -> str:
        async with store_as(current, "sigill_auditor") as store:
            person = await _shown_person(store, asked)
            made = await extracts.extract(
                store,
                person,
                Reader(operator(), unit, on_behalf(why, by)),
                SystemClock().now(),
                for_whom=for_whom,
                asked=asked,
            )
            if made.left_out:
                print(
                    f"{made.left_out} looks are left out: they would tell what somebody must not be told. "
                    "Do not tell that either.",
                    file=sys.stderr,
                )
            writers = {
                Paper.HTML: extracts.extract_html,
                Paper.CSV: extracts.extract_csv,
                Paper.JSON: extracts.extract_json,
            }
            return writers[format](made)

    _write(run, to)


def _why(for_whom: extracts.ForWhom, reason: str | None, harm_test: str | None) -> str:
    """What the access log keeps. Exits with 2 when it lacks what that version asks for."""
    if for_whom is extracts.ForWhom.PATIENT:
        if not (harm_test or "").strip():
            print(
                "--harm-test: an extract for the patient takes a harm test first; say who made it and where it stands",
                file=sys.stderr,
            )
            raise typer.Exit(2)
        return f"{reason or extracts.RIGHT}; menprövning: {harm_test}"
    if not (reason or "").strip():
        print("--reason: an extract for an auditor names its reason", file=sys.stderr)
        raise typer.Exit(2)
    return str(reason)


@app.command("looks")
def looks_(
    *,
    since: Annotated[str, typer.Option("--since", help="First day, Swedish date.")],
    through: Annotated[
        str | None, typer.Option("--through", help="Last day, inclusive. Default: today.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this operator or client looked at.")] = None,
    besides: Annotated[
        list[str] | None,
        typer.Option(
            "--except", help="Leave out this operator or client, such as a service that asks for residents."
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=0, max=3660, help="How near a look an order about the patient must have come.")
    ] = 30,
    everything: Annotated[
        bool, typer.Option("--everything", help="Also looks that nothing singles out.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the access log.")],
    by: By = None,
    unit: Unit = None,
    as_json: AsJson = False,
) -> None:
    """
    List who looked at whom without an order near it, or at somebody with protected identity: for log review.

    The list is where a review begins, and says of nobody that they did wrong. Each patient on it gets a line in the
    access log first. At most 1,000 lines: take a shorter time for the rest.
    """
    now = SystemClock().now()
    first = _day("--since", since)
    last = swedish_date(now) if through is None else _day("--through", through)
    if last < first:
        print("--through: before --since", file=sys.stderr)
        raise typer.Exit(2)
    if not reason.strip():
        print("--reason: a review names its reason", file=sys.stderr)
        raise typer.Exit(2)
    reader, mine = Reader(operator(), unit, on_behalf(reason, by)), bound()
    asked = reviews.Asked(
        midnight(first),
        midnight(last + timedelta(days=1)),
        actor=actor,
        besides=besides or (),
        near=timedelta(days=days),
        everything=everything,
    )
    done, hidden = run_to_the_end(lambda: _reviewed(settings(), reader, now, asked, mine))
    whom = {who: HIDDEN if who in hidden else key or "-" for who, key in done.keys.items()}
    lines = [
        {
            "actor": look.actor,
            "unit": look.unit,
            "patient": whom[look.patient],
            "looks": look.looks,
            "without_order": look.without_order,
            "protected": look.protected,
            "first": look.first,
            "last": look.last,
        }
        for look in done.looks
    ]
    if as_json:
        told({"since": str(first), "through": str(last), "days": days, "more": done.more, "looks": lines})
        return
    print("ACTOR  UNIT  PATIENT  LOOKS  WITHOUT ORDER  PROTECTED  LAST")
    for look in done.looks:
        cells = [printable(look.actor), printable(look.unit or "-"), whom[look.patient], str(look.looks)]
        cells += [str(look.without_order), "yes" if look.protected else "no", f"{swedish_date(look.last)}"]
        print("  ".join(cells))
    if done.more:
        print(f"more than {reviews.MOST_LINES} lines: take a shorter time", file=sys.stderr)


async def _reviewed(
    current: Settings, reader: Reader, now: datetime, asked: reviews.Asked, mine: NamedBinding
) -> tuple[reviews.Reviewed, frozenset[PersonId]]:
    """The review, and who on it has protected identity that whoever runs this may not be shown."""
    async with store_as(current, "sigill_auditor") as store:
        async with store.reading() as tx:
            here = await mine.on(tx, swedish_date(now))
        done = await reviews.review(store, reader, now, replace(asked, from_units_of=here.columns))
        async with store.reading() as tx:
            return done, await hidden_people(tx, done.keys)


def _day(option: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
        midnight(day + timedelta(days=1))
    except (ValueError, OverflowError):
        print(f"{option}: not a date such as 2026-03-01", file=sys.stderr)
        raise typer.Exit(2) from None
    return day


@app.command()
def export(
    patient: Annotated[
        str, typer.Argument(help="The patient's pseudonymous key; - reads key or number from standard input.")
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why, for the access log and the file.")],
    format: Annotated[File, typer.Option("--format", help="html or json.")] = File.HTML,
    to: To = None,
    by: By = None,
    unit: Unit = None,
    heads: Heads = "none",
    key: Keys = None,
) -> None:
    """Write a patient's whole file for a court: who decided what on which signature, what followed, who looked."""
    current, asked = settings(), _asked(patient)
    published = _published(current, heads, key).chain_heads

    async def run() -> str:
        async with store_as(current, "sigill_auditor") as store:
            person = await _shown_person(store, asked)
            reader = Reader(operator(), unit, on_behalf(reason, by))
            made = await extracts.case_file(
                store, person, reader, SystemClock().now(), published, asked=asked
            )
            written = extracts.case_json(made)
            await refuse_hidden(store, texts=[written])  # whoever a form of the patient's names
            return extracts.case_html(made) if format is File.HTML else written

    _write(run, to)


@app.command()
def archive(
    order_id: Annotated[str | None, typer.Argument(help="The order's id (a UUID).")] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Every order that is not erased.")] = False,
    to: Annotated[Path | None, typer.Option(help="Folder for the packages.")] = None,
    check: Annotated[
        Path | None, typer.Option("--verify", help="Check a package, or a folder of them, and write nothing.")
    ] = None,
    by: By = None,
    unit: Unit = None,
    reason: Annotated[str, typer.Option(help="Why, for the access log.")] = "archiving",
    as_json: AsJson = False,
) -> None:
    """
    Write archive packages (BagIt): signed original, validation report, answers, registration number, digests.

    One that stands there unchanged is left. With --verify: exit 1 when a file, digest or signature does not hold.
    """
    if check is not None:
        _check(check, as_json)
    if to is None or (order_id is None) is not all_:
        print("archive: an order's id or --all, and --to a folder; or --verify a folder", file=sys.stderr)
        raise typer.Exit(2)
    wanted = None if order_id is None else [OrderId(str(_uuid(order_id)))]
    current = settings()

    async def run() -> Archived:
        async with store_as(current, "sigill_auditor") as store:
            if wanted is not None:
                async with store.reading() as tx:
                    filed = await orders.load(tx, wanted)
                texts = [text for order in filed for text in (order.payload, order.original)]
                await refuse_hidden(store, [order.patient for order in filed], texts)
            reader = Reader(operator(), unit, on_behalf(reason, by))
            return await make_packages(store, to, wanted, reader, SystemClock().now())

    try:
        done = asyncio.run(run())
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({"written": done.written, "unchanged": done.unchanged, "erased": done.erased}))
    else:
        print(f"{done.written} written, {done.unchanged} unchanged, {done.erased} erased")


def _check(folder: Path, as_json: bool) -> None:
    if not folder.is_dir():
        print(f"{folder}: no such folder", file=sys.stderr)
        raise typer.Exit(2)
    found = check_folder(folder)
    wrong = {name: faults for name, faults in found.items() if faults}
    if as_json:
        print(json.dumps({"packages": len(found), "faults": wrong}, indent=2))
    else:
        for name, faults in wrong.items():
            for fault in faults:
                print(f"{name}: {fault}")
        print(f"{len(found)} packages, {len(wrong)} not whole")
    if not found:
        print(f"{folder}: holds no package", file=sys.stderr)
    raise typer.Exit(1 if wrong or not found else 0)


def _published(current: Settings, heads: str, given: list[Path] | None) -> Published:
    """Read the published heads from where they are to be read; ends the process when they cannot be."""
    if heads == "none":
        return Published()
    keys = _keys(current, given)
    found = Published()

    async def run() -> None:
        nonlocal found
        tokens: AsyncIterable[bytes] = (
            values_of(Connection.of(current), current.topic(AUDIT_HEADS.name))
            if heads == "kafka"
            else lines_of(Path(heads))
        )
        found = await gather(tokens, keys)

    if heads != "kafka" and not Path(heads).is_file():
        print(f"--heads: {heads} is no file; kafka and none are the other ways", file=sys.stderr)
        raise typer.Exit(2)
    _reaching(run)
    return found


def _keys(current: Settings, given: list[Path] | None) -> list[PublicKey]:
    paths = given or ([current.audit_key] if current.audit_key else [])
    if not paths:
        print(
            "--key or SIGILL_AUDIT_KEY: needed to believe published heads; `--heads none` does without",
            file=sys.stderr,
        )
        raise typer.Exit(2)
    try:
        return [public_key(path) for path in paths]
    except (OSError, ValueError) as error:
        print(f"--key: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


async def _awaited(run: Callable[[], Awaitable[T]]) -> T:
    return await run()


def _reaching(run: Callable[[], Awaitable[None]]) -> None:
    try:
        asyncio.run(_awaited(run))
    except BrokerDown as error:
        print(f"the broker does not answer: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except StreamStopped as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


async def _shown_person(store: Store, asked: str) -> PersonId:
    """Whose a key or number is. Raises NobodyKnown; ends the process for one who may not be shown to the caller."""
    async with store.reading() as tx:
        person = await extracts.whose(tx, asked)
    if person is None:
        raise NobodyKnown
    await refuse_hidden(store, [person])
    return person


def _asked(patient: str) -> str:
    """A number never stands on a command line: others on the machine read those, and shells keep them."""
    if patient == "-":
        return sys.stdin.readline().strip()
    if not patient.startswith("v") or "." not in patient:
        print("PATIENT: a pseudonymous key, or - and the number on standard input", file=sys.stderr)
        raise typer.Exit(2)
    return patient


def _write(run: Callable[[], Awaitable[str]], to: Path | None) -> None:
    try:
        text = asyncio.run(_awaited(run))
    except NobodyKnown:
        print("nobody is known by that key or number", file=sys.stderr)
        raise typer.Exit(1) from None
    if to is None:
        sys.stdout.write(text)
        return
    write_private(to, text.encode())


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        print("ORDER_ID: not a UUID", file=sys.stderr)
        raise typer.Exit(2) from None
