"""`sigill protected`: who has protected identity, ought to be shut by a rulebook and is not. 0 is the only good figure."""

import sys
from collections import Counter
from typing import Annotated

import typer

from sigill.cli.common import rulebooks, settings
from sigill.cli.context import agreed, clock_of, run, told
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.processing.protection import Unprotected, check, mend
from sigill.runtime.settings import Settings
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store.roles import open_as
from sigill.store.session import Store

app = typer.Typer(help="Who is protected, ought to be shut and is not.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Region = Annotated[str | None, typer.Option(help="Only residents of this region.")]


@app.command("check")
def check_(
    region: Region = None,
    as_json: Json = False,
    count: Annotated[
        bool, typer.Option("--count", help="How many a region, and no keys: for what is logged.")
    ] = False,
) -> None:
    """
    List by pseudonymous key who is protected and not shut, with what is missing and the rules that want it.

    Where standard output is no terminal it may be a log: then only --json lists keys, and what is printed is the count.
    Only those whom a rulebook wants shut are counted. Exit codes: 0 nobody, 1 somebody, 2 wrong use.
    """
    chosen, books = settings(), rulebooks()
    _known(region, books)

    async def work() -> tuple[list[Unprotected], list[str]]:
        store = await _opened(chosen, "sigill_reader")
        try:
            return await check(store, books, clock_of(chosen).now())
        finally:
            await store.close()

    found, unknown = run(work)
    found = [person for person in found if region in (None, person.region)]
    counted = count or not (as_json or sys.stdout.isatty())
    by_region = dict(sorted(Counter(person.region for person in found).items()))
    if as_json and counted:
        told({"not_shut": len(found), "regions": by_region, "county_unknown": len(unknown)})
    elif as_json:
        told(
            {
                "not_shut": len(found),
                "persons": [_line(person) for person in found],
                "county_unknown": unknown,
            }
        )
    else:
        if counted:
            for code, number in by_region.items():
                print(f"{code}\t{number}")
        else:
            for person in found:
                print(
                    "\t".join((person.key, person.region, ",".join(person.missing), ",".join(person.rules)))
                )
        if counted and not count:
            print("no terminal, so no keys: --json lists them, --count is silent about it", file=sys.stderr)
        print(f"{len(found)} protected and not shut", file=sys.stderr)
        if unknown:
            print(
                f"{len(unknown)} protected whose county was never told: the regions' operators have a task for each",
                file=sys.stderr,
            )
    raise typer.Exit(1 if found else 0)


@app.command("mend")
def mend_(
    region: Region = None,
    as_json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """
    Shut those whom the check finds, as the register's own measures. Each goes on the work list; no resident is told.

    Exit codes: 0 nobody is left open, 1 somebody is, 2 no terminal and no --yes.
    """
    chosen, books = settings(), rulebooks()
    _known(region, books)
    agreed("Impose what the rulebooks want for every protected person who is not shut?", yes)

    async def work() -> tuple[int, int]:
        store = await _opened(chosen, "sigill_transitions")
        try:
            now = clock_of(chosen).now()
            found, _ = await check(store, books, now)
            here = [person.person for person in found if region in (None, person.region)]
            await mend(store, PolicyContext.of(books, f"urn:sigill:{chosen.environment}"), here, now)
            left, _ = await check(store, books, now)
            return len(here), len([person for person in left if region in (None, person.region)])
        finally:
            await store.close()

    mended, left = run(work)
    if as_json:
        told({"found": mended, "not_shut": left})
    else:
        print(f"{mended - left} shut, {left} protected and not shut", file=sys.stderr)
    raise typer.Exit(1 if left else 0)


async def _opened(chosen: Settings, role: DatabaseRole) -> Store:
    """The store as a role sees it: the check reads, and the mending writes what the transitions worker may."""
    few = chosen.model_copy(update={"database_pool_min": 1, "database_pool_max": 2})
    store = await open_as(few, role)
    assert store is not None  # without the role the user itself is taken
    return store


def _known(region: str | None, books: Rulebooks) -> None:
    if region is not None and region not in books.regions:
        print(f"no region {region}; there are: {', '.join(sorted(books.regions))}", file=sys.stderr)
        raise typer.Exit(2)


def _line(one: Unprotected) -> dict[str, object]:
    return {"key": one.key, "region": one.region, "missing": list(one.missing), "rules": list(one.rules)}
