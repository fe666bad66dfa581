"""`sigill import`: the support desk's list of what exists today, row by row."""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sigill.cli.common import rulebooks, settings
from sigill.importing.importer import Import, Reported
from sigill.importing.judging import RowOutcome
from sigill.importing.table import HEADINGS, MeasureList, WrongList, read
from sigill.policy.rulebook import Region
from sigill_contracts.vocabulary import HsaId, RegionCode

app = typer.Typer(help="Take in the support desk's list of what exists today.")
_BAD = (RowOutcome.REFUSED, RowOutcome.UNREADABLE)


@app.command(
    epilog="Columns: " + ", ".join(f"{name} ({swedish})" for name, swedish in HEADINGS.items()) + "."
)
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV (UTF-8 or as Excel saves it) or .xlsx; - for standard input.")
    ],
    region: Annotated[str, typer.Option(help="Whose rules and measures they are.")],
    operator: Annotated[str, typer.Option(help="Who imports it: HSA-id, for the audit log.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would become of each row.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line.")] = False,
) -> None:
    """
    Import seals, locks, blocks and grants; say what becomes of every row. No row's people are ever printed.

    Protective rows with doubts are applied and flagged; opening rows with doubts are refused. The same row again
    changes nothing. Exit code 1 when a row was refused or could not be read (a dry run: always 0).
    """
    books = rulebooks()
    found = books.regions.get(RegionCode(region))
    if found is None or found.national:
        print(f"--region: no rulebook is loaded for {region}", file=sys.stderr)
        raise typer.Exit(2)
    try:
        measures = read(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except (WrongList, OSError) as wrong:
        print(f"{file}: {wrong}", file=sys.stderr)
        raise typer.Exit(2) from None
    reported = asyncio.run(_run(measures, found, HsaId(operator), dry_run))
    for row in reported:
        print(json.dumps(_plain(row), ensure_ascii=False) if as_json else _line(row))
    counts = Counter(row.fate for row in reported)
    total = ", ".join(f"{n} {fate}" for fate, n in counts.items()) or "no rows"
    print(f"{'dry run, nothing written: ' if dry_run else ''}{total}", file=sys.stderr)
    print(f"file {measures.digest.hex()}", file=sys.stderr)
    if not dry_run and any(row.fate in _BAD for row in reported):
        raise typer.Exit(1)


async def _run(measures: MeasureList, region: Region, operator: HsaId, dry_run: bool) -> list[Reported]:
    from sigill.bootstrap import NoPatientKeys, Wiring, key_ring

    wiring = Wiring.of(settings())
    store = await wiring.open_store("intake", streams=False)
    try:
        try:
            keys = key_ring(wiring.settings)
        except NoPatientKeys as wrong:
            print(f"sigill: {wrong}", file=sys.stderr)
            raise typer.Exit(2) from None
        work = Import(store, wiring.desk, keys, wiring.clock, region, operator, dry_run)
        return await work.run(measures)
    finally:
        await store.close()


def _plain(one: Reported) -> dict[str, object]:
    return {key: value for key, value in asdict(one).items() if value not in (None, ())}


def _line(one: Reported) -> str:
    head = f"line {one.line:5}  {one.kind:20}  {one.fate}"
    where = "".join(f"  {word}" for word in (one.registration, one.unit) if word)
    return head + where + "".join(f"\n            {d.code}: {d.text.sv}" for d in one.doubts)
