"""`sigill unit`: what the directory says of units, and naming the successor of a closed one, by two operators."""

import sys
from typing import Annotated

import typer

from sigill.cli.common import settings
from sigill.cli.context import agreed, clock_of, operator, run, store_of, told
from sigill.policy.calendar import swedish_date
from sigill.policy.units import Unit
from sigill.store import audit, proposals, units
from sigill.store.audit import AuditEntry
from sigill.store.session import Tx
from sigill.store.units import NAME_SUCCESSOR, NoSuccessorWanted
from sigill_contracts.vocabulary import UnitId

app = typer.Typer(help="Units of the directory, and the successors of closed ones.", no_args_is_help=True)
CHAIN = "console"
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@app.command("list")
def list_units(
    containing: Annotated[str | None, typer.Option(help="A part of the name or HSA-id.")] = None,
    orphaned: Annotated[
        bool, typer.Option("--without-successor", help="Only closed ones that nothing succeeds.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: Json = False,
) -> None:
    """Units by name: HSA-id, name, region, clinic, last day, successor."""
    chosen = settings()
    today = swedish_date(clock_of(chosen).now())

    async def work() -> tuple[list[Unit], list[proposals.Proposal]]:
        async with store_of(chosen) as store, store.reading() as tx:
            found = await units.page(
                tx, containing=containing, orphaned_on=today if orphaned else None, limit=limit
            )
            return found, await proposals.open_ones(tx, NAME_SUCCESSOR)

    found, waiting = run(work)
    if as_json:
        told(
            {
                "units": [_line(unit) for unit in found],
                "proposals": [_proposal(proposal) for proposal in waiting],
            }
        )
        return
    for unit in found:
        print("\t".join("" if value is None else str(value) for value in _line(unit).values()))
    for proposal in waiting:
        print("proposed\t" + "\t".join(str(value) for value in _proposal(proposal).values()))
    print(f"{len(found)} shown", file=sys.stderr)


@app.command()
def show(unit: Annotated[str, typer.Argument(help="HSA-id.")], as_json: Json = False) -> None:
    """Every version of a unit in the directory, the newest first. Exit code 1: there is none."""
    chosen = settings()

    async def work() -> list[dict[str, object]]:
        async with store_of(chosen) as store, store.reading() as tx:
            versions = await units.history(tx, UnitId(unit))
            named = (await units.load(tx, [UnitId(unit)])).get(UnitId(unit))
        lines = [
            {"sequence": sequence, "changed_at": changed, "known_from": known, **_line(version)}
            for sequence, changed, known, version in versions
        ]
        if lines and named is not None and named.named_by_operators:
            lines[0] |= {"succeeded_by": named.succeeded_by, "named_by_operators": True}
        return lines

    lines = run(work)
    if not lines:
        print(f"the directory has told nothing of {unit}", file=sys.stderr)
        raise typer.Exit(1)
    if as_json:
        told({"unit": unit, "versions": lines})
        return
    for line in lines:
        print("\t".join("" if value is None else str(value) for value in line.values()))


@app.command()
def successor(
    unit: Annotated[str, typer.Argument(help="HSA-id of the closed unit.")],
    by: Annotated[
        str | None, typer.Argument(metavar="[SUCCESSOR]", help="HSA-id of the unit that took over.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Propose it, for this reason.")] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve what another operator proposed.")
    ] = False,
    decline: Annotated[bool, typer.Option("--decline", help="Decline it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """
    Propose which unit succeeded a closed one (`--reason`), or decide what another operator proposed.

    Orders that wait for it are judged again at once. A successor that the directory names later takes its place.
    Exit codes: 0 done, 1 not possible (said why), 2 wrong use, or no terminal and no --yes.
    """
    if sum((bool(reason), approve, decline)) != 1:
        raise typer.BadParameter("give one of --reason, --approve, --decline")
    if bool(reason) != (by is not None):
        raise typer.BadParameter("name the successor with --reason, and not otherwise")
    verb = "Propose" if reason else "Approve" if approve else "Decline"
    agreed(f"{verb} the successor of {unit}?", yes)
    chosen = settings()

    async def work() -> str | None:
        now = clock_of(chosen).now()
        try:
            async with store_of(chosen) as store, store.transaction(now) as tx:
                if reason and by is not None:
                    return await _propose(tx, UnitId(unit), UnitId(by), reason)
                return await _decide(tx, UnitId(unit), approve)
        except proposals.SameOperator:
            return "the one who proposed cannot approve as well"
        except (NoSuccessorWanted, proposals.NotOpen) as why:
            return str(why)

    if (why := run(work)) is not None:
        print(why, file=sys.stderr)
        raise typer.Exit(1)


async def _propose(tx: Tx, unit: UnitId, by: UnitId, reason: str) -> str | None:
    if any(units.units_of(proposal)[0] == unit for proposal in await proposals.open_ones(tx, NAME_SUCCESSOR)):
        return f"a successor of {unit} is proposed already: approve or decline it"
    proposal = await units.propose_successor(tx, unit, by, operator(), reason, swedish_date(tx.now))
    await _note(tx, "successor_proposed", proposal=proposal, unit=unit, successor=by)
    print(f"{unit}: a second operator must approve", file=sys.stderr)
    return None


async def _decide(tx: Tx, unit: UnitId, approve: bool) -> str | None:
    waiting = [
        proposal
        for proposal in await proposals.open_ones(tx, NAME_SUCCESSOR)
        if units.units_of(proposal)[0] == unit
    ]
    if not waiting:
        return f"nobody has proposed a successor of {unit}"
    proposal = waiting[0].proposal_id
    if not approve:
        await proposals.decide(tx, proposal, operator(), approved=False, action=NAME_SUCCESSOR)
        await _note(tx, "successor_declined", proposal=proposal, unit=unit)
        return None
    _, heir, patients = await units.approve_successor(tx, proposal, operator(), swedish_date(tx.now))
    await _note(tx, "successor_approved", proposal=proposal, unit=unit, successor=heir)
    print(f"{unit}: succeeded by {heir}; orders about {patients} patients are judged again", file=sys.stderr)
    return None


async def _note(tx: Tx, action: str, **body: int | str) -> None:
    await audit.append(tx, [AuditEntry(CHAIN, operator(), action, body)])


def _line(one: Unit) -> dict[str, object]:
    return {
        "unit": one.unit,
        "name": one.name,
        "region": one.region,
        "clinic": one.clinic,
        "valid_through": one.valid_through,
        "succeeded_by": one.succeeded_by,
        "named_by_operators": one.named_by_operators,
    }


def _proposal(one: proposals.Proposal) -> dict[str, object]:
    unit, by = units.units_of(one)
    return {"unit": unit, "successor": by, "operator": one.operator, "reason": one.reason}
