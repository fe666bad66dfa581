"""`sigill rulebook …`: the regions' rules shown, checked, compared, and held against the stories."""

import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sigill.cli.common import RULEBOOKS, day_or_today, rulebooks, settings
from sigill.cli.context import clock_of, operator, run, store_as
from sigill.operations.rulebook_drafts import ImpactCount, NewRegion, impact_table, import_rulebooks, rounded
from sigill.operations.statistics import age_bounds, age_groups
from sigill.policy.choices import RiskSituation, choose, open_doors
from sigill.policy.effects import Sentence
from sigill.policy.fault_lexicon import Language, fault
from sigill.policy.rulebook import Region, Rule, RulebookError, Rulebooks, Version, digest_of
from sigill.policy.sentences import FORM, REFUSAL
from sigill.population.impact import Touched, touched
from sigill.rulebook_docs import pages, side_by_side
from sigill.rulebook_docs.checking import check as findings_of
from sigill.rulebook_docs.checking import silences
from sigill.rulebook_docs.clauses import (
    NO_CHOICE,
    NO_DOOR,
    choice_when,
    choice_words,
    door_words,
    listed,
    shown_words,
    standing_words,
)
from sigill.rulebook_docs.comparison import RuleChange, as_if, compare
from sigill.rulebook_docs.coverage import coverage as coverage_of
from sigill.rulebook_docs.drafts import texts_in
from sigill.rulebook_docs.files import load, located, read, with_national
from sigill.rulebook_docs.guide_tables import with_tables
from sigill.rulebook_docs.letters import DELIVERY, NO_ADDRESS, letter_page, letter_text
from sigill.runtime.files import replace_file
from sigill.scenario.format import UnreadableScenario, files_of, read_file
from sigill.store import rulebooks as stored
from sigill.store.rulebooks import RulebookRelease
from sigill_contracts.vocabulary import Form, RefusalCode, RegionCode, RiskFrom, RiskSign

app = typer.Typer(no_args_is_help=True, help="Show, check and compare the regions' rules.")


STORIES = RULEBOOKS.parents[2] / "tests" / "scenarios"
Folder = Annotated[
    Path, typer.Option("--rulebooks", envvar="SIGILL_RULEBOOKS", help="The folder with one file a region.")
]
Stories = Annotated[Path, typer.Option("--stories", help="The folder with the stories that cite rules.")]
On = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="The Swedish date asked about; default today."),
]
English = Annotated[bool, typer.Option("--english", help="In English instead of Swedish.")]


@app.command()
def show(
    region: Annotated[str, typer.Argument(help="A region's short name: kronoberg.")],
    on: On = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page of its own instead.")] = None,
    english: English = False,
    folder: Folder = RULEBOOKS,
    stories: Stories = STORIES,
) -> None:
    """Show a region's rules on a day: decision tables with sentences and citations."""
    books = rulebooks(folder)
    found = _region(books, region)
    day = day_or_today(on)
    version = _in_force(found, day)
    if html is not None:
        html.write_text(pages.html(found, version, day, _cites(stories, optional=True)), encoding="utf-8")
        print(f"{html}: {found.name}, {version.since} on {day}", file=sys.stderr)
        return
    _print_tables(found, version, books.rules, english=english)


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files; left out: every file of the folder.")
    ] = None,
    language: Annotated[
        Language, typer.Option("--language", envvar="SIGILL_LANGUAGE", help="sv or en.")
    ] = "en",
    folder: Folder = RULEBOOKS,
) -> None:
    """
    Say what is wrong: schema, citations, dates, rules that can never apply, contradictions. Exit 1 if anything is.

    A note on stderr names the forms that a version takes no stand on: an order of such a form is refused.
    """
    paths, said = files or sorted(folder.glob("*.yaml")), language
    regions, faults = read(paths, said)
    if not files and regions:
        regions, taken = with_national(regions)
        if taken is not None:
            print(f"{folder}: {taken.of(said)}", file=sys.stderr)
    faults += located(findings_of(regions), paths, said)
    for line in faults:
        print(line)
    for line in located(silences(regions), paths, said):
        print(f"{fault('note').of(said)}: {line}", file=sys.stderr)
    versions = sum(len(region.versions) for region in regions)
    entries = {
        (region.region, entry.model_dump_json())
        for region in regions
        for v in region.versions
        for entry in v.entries
    }
    many: int | str = len(faults) or fault("none").of(said)
    summary = fault("summary", books=len(regions), versions=versions, entries=len(entries), faults=many)
    print(summary.of(said), file=sys.stderr)
    raise typer.Exit(1 if faults else 0)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="REGION@DATE, or a file (its last version).")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, to compare with.")],
    population: Annotated[
        bool, typer.Option("--population", help="Count the residents whom it would touch, in the database.")
    ] = False,
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="The day to count on; default today."),
    ] = None,
    english: English = False,
    folder: Folder = RULEBOOKS,
) -> None:
    """Say what another version would change, form by form. Exit 0 also when something does."""
    (home, was), (away, now) = _named(before, folder), _named(after, folder)
    changes = compare(was, now)
    for form, of_form in groupby(changes, key=lambda change: change.form):
        words = FORM[form] if form else Sentence("Allmänt", "In general")
        print(words.en if english else words.sv)
        for change in of_form:
            for line in _told(change, english=english):
                print(f"  {line}")
        print()
    print(f"{len(changes)} differences", file=sys.stderr)
    if population:
        books = rulebooks(folder)
        day = day_or_today(on)
        _count(as_if(books, home, was), as_if(books, _same_place(away, home), now), day)


@app.command("compare")
def compare_(
    first: Annotated[str, typer.Argument(metavar="REGION", help="A region's short name.")],
    second: Annotated[str, typer.Argument(metavar="REGION", help="Another's.")],
    on: On = None,
    english: English = False,
    folder: Folder = RULEBOOKS,
) -> None:
    """Answer the questions that people ask, from two regions' rules on a day. What both say alike is said once."""
    books, day = rulebooks(folder), day_or_today(on)
    sides = []
    for name in (first, second):
        region = _region(books, name)
        sides.append((region, _in_force(region, day)))
    for line in side_by_side.told(sides[0], sides[1], english=english):
        print(line)


@app.command("choose")
def choose_(
    region: Annotated[str, typer.Argument(metavar="REGION", help="A region's short name.")],
    age: Annotated[int, typer.Option("--age", min=0, max=130, help="The patient's age in whole years.")],
    risk: Annotated[
        RiskFrom | None, typer.Option("--risk", help="Who the risk comes from; left out: nobody is named.")
    ] = None,
    sign: Annotated[
        list[RiskSign] | None, typer.Option("--sign", help="What is known; may be given several times.")
    ] = None,
    form: Annotated[
        list[Form] | None,
        typer.Option(
            "--form", help="A form that you think of: what would it leave open? Several are taken together."
        ),
    ] = None,
    on: On = None,
    english: English = False,
    folder: Folder = RULEBOOKS,
) -> None:
    """Say which measure a region's rules choose at a risk, which rule says so, and which doors stay open. Guidance only."""
    books = rulebooks(folder)
    found = _region(books, region)
    version = _in_force(found, day_or_today(on))
    situation = RiskSituation(age, risk, frozenset(sign or ()))

    def words(sentence: Sentence) -> str:
        return sentence.en if english else sentence.sv

    advice = choose(version, situation)
    if advice.rule is None:
        print(words(NO_CHOICE))
    else:
        print(words(choice_words(advice.rule)))
        for rule_id in advice.rule.cites:
            stated = books.rules[rule_id]
            print(f"  {rule_id}: {words(Sentence(stated.sv, stated.en))}")
        if advice.rule.derived is not None:
            print(f"  {words(Sentence(advice.rule.derived.sv, advice.rule.derived.en))}")
    for door in advice.doors if advice.rule is not None and advice.rule.forms else ():
        print(f"! {words(door_words(door))}")
    if form:
        print(words(listed((FORM[name] for name in form), sv="och", en="and")) + ":")
        for name in form:
            if not version.offers(name):
                print(f"! {name}: {words(REFUSAL[RefusalCode.FORM_NOT_OFFERED])}")
        left = open_doors(version, form, situation)
        for door in left:
            print(f"! {words(door_words(door))}")
        if not left:
            print(f"  {words(NO_DOOR)}")


@app.command()
def letter(
    region: Annotated[str, typer.Argument(help="A region's short name: jamtland-harjedalen.")],
    name: Annotated[str | None, typer.Argument(help="The letter; left out: the letters are listed.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page to print instead.")] = None,
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="The Swedish date on the letter; default today."),
    ] = None,
    english: English = False,
    folder: Folder = RULEBOOKS,
) -> None:
    """Show a region's letter as it would be printed. Name, address and reference are filled in by hand."""
    found = _region(rulebooks(folder), region)
    day = day_or_today(on)
    version = _in_force(found, day)
    if name is None:
        for known, named_letter in version.letters.items():
            print(f"{known}  {named_letter.delivery}  [{', '.join(named_letter.cites)}]")
        if not version.letters:
            print(f"{found.name} has no letters of its own on {day}", file=sys.stderr)
        return
    chosen = version.letters.get(name)
    if chosen is None:
        raise _wrong(f"no letter {name}; there are: {', '.join(version.letters) or 'none'}")
    if html is not None:
        html.write_text(letter_page(found, version, chosen, day, english=english), encoding="utf-8")
    else:
        print(letter_text(found, version, chosen, day, english=english))
    for note in (DELIVERY[chosen.delivery], NO_ADDRESS):
        print(note.en if english else note.sv, file=sys.stderr)


@app.command()
def questions(
    page: Annotated[Path, typer.Option("--page", help="The page to write, as Markdown.")],
    check_only: Annotated[
        bool, typer.Option("--check", help="Only say whether it fits; exit 1 if not.")
    ] = False,
    folder: Folder = RULEBOOKS,
) -> None:
    """Write the page that shows every region beside the others, for the questions that people ask."""
    wanted = side_by_side.page(rulebooks(folder).regions.values())
    _write_or_check(page, wanted, check_only, "questions")


@app.command()
def guide(
    page: Annotated[Path, typer.Option("--page", help="The Swedish guide, as Markdown.")],
    check_only: Annotated[
        bool, typer.Option("--check", help="Only say whether it fits; exit 1 if not.")
    ] = False,
) -> None:
    """Write the tables of codes in the Swedish guide again, from the words that receipts use."""
    _write_or_check(page, with_tables(page.read_text("utf-8")), check_only, "guide")


@app.command()
def releases(
    region: Annotated[str | None, typer.Argument(help="A region's short name; left out: all.")] = None,
) -> None:
    """List what two owners released in the console's workbench, the newest first."""
    chosen = settings()

    async def work() -> list[RulebookRelease]:
        async with store_as(chosen, "sigill_ops") as store, store.reading() as tx:
            return await stored.releases(tx, None if region is None else [region], limit=1000)

    for release in run(work):
        at = release.released_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        print(
            f"{release.release_id}\t{release.region}\t{release.begins_on}\t{release.digest}\t{release.first_owner}\t{release.second_owner}"
            f"\t{release.passed}/{len(release.stories)}\t{at}"
        )


@app.command()
def export(
    release: Annotated[
        int, typer.Argument(help="The release's number, as `sigill rulebook releases` tells.")
    ],
    to: Annotated[
        Path,
        typer.Option("--to", help="The folder of rulebooks, or a file; an earlier file is replaced whole."),
    ],
) -> None:
    """
    Write a release as a file, byte by byte what two owners approved. The workers read it when they start.

    Exit status 1: there is no such release, or its text does not fit its digest and nothing is written.
    """
    chosen = settings()

    async def work() -> RulebookRelease | None:
        async with store_as(chosen, "sigill_ops") as store, store.reading() as tx:
            return await stored.release_of(tx, release)

    found = run(work)
    if found is None:
        print(f"there is no release {release}", file=sys.stderr)
        raise typer.Exit(1)
    if digest_of(found.text) != found.digest:
        print(
            f"release {release}: the text does not fit its digest; run `sigill audit verify`", file=sys.stderr
        )
        raise typer.Exit(1)
    path = to / f"{found.region}.yaml" if to.is_dir() else to
    replace_file(path, found.text.encode())
    path.chmod(0o644)  # the workers run as another user than whoever exports
    print(f"{path}: {found.region}, begins {found.begins_on}, sha256 {found.digest}", file=sys.stderr)
    if found.begins_on <= day_or_today(None):
        print(
            f"release {release} has begun: where its file was not in use before {found.begins_on}, days that are over would "
            "be judged again by it; release a draft with a later day instead",
            file=sys.stderr,
        )


@app.command("import")
def import_(
    folder: Annotated[
        Path,
        typer.Argument(
            help="The folder with one file a region; left out: the rulebooks that come with Sigill."
        ),
    ] = RULEBOOKS,
) -> None:
    """
    Take the rulebooks of a folder into the database, from which workers read them with SIGILL_RULEBOOK_SOURCE=store.

    Done once: a region that the database knows is left alone where its text is the same. Exit status 2, and nothing is
    taken in: a file has a fault, or the database has another text of a region, or others without it, which only a release
    changes.
    """
    chosen = settings()
    try:
        load(folder)
    except RulebookError as error:
        raise _wrong(str(error)) from None
    texts = texts_in(folder)

    async def work() -> dict[str, bool]:
        async with store_as(chosen, "sigill_ops") as store, store.transaction(clock_of(chosen).now()) as tx:
            return await import_rulebooks(tx, texts, operator())

    try:
        taken = run(work)
    except stored.OtherText as other:
        there = (
            f"release {other.release_id} has another text: put its file there first, `sigill rulebook export {other.release_id}`"
            if other.release_id
            else "another text was imported before"
        )
        raise _wrong(f"{other.region}: {there}; a change is a draft in the console's workbench") from None
    except NewRegion as new:
        raise _wrong(
            f"{new}: the database has rulebooks without it; its first file is a draft in the console's workbench"
        ) from None
    for region, is_new in taken.items():
        print(f"{region}\t{digest_of(texts[region])}\t{'imported' if is_new else 'is there'}")


def _write_or_check(page: Path, wanted: str, check_only: bool, command: str) -> None:
    """Write a page; or only say that it does not fit, and by which command it would, and exit with status 1."""
    if not check_only:
        page.write_text(wanted, encoding="utf-8")
        print(page)
    elif not page.is_file() or page.read_text("utf-8") != wanted:
        print(f"{page}: run `sigill rulebook {command} --page {page}`")
        raise typer.Exit(1)


def _same_place(away: Region, home: Region) -> Region:
    """The residents are those of the first one's counties, whatever the second file calls itself."""
    return away.model_copy(update={"region": home.region, "counties": home.counties})


def _count(before: Rulebooks, after: Rulebooks, day: date) -> None:
    current = settings()
    found = touched(
        current.database_dsn(), before, after, day, schema=current.database_schema, ssl=current.database_ssl()
    )
    for line in impact_lines(found, before, current.statistics_threshold):
        print(line)


def impact_lines(found: Touched, before: Rulebooks, threshold: int) -> list[str]:
    """
    Say whom a change touches, by age group: a line for everybody, each once, and of each region a line a kind.

    Counts below `threshold` are left out, with what would give them away (`..`); others are rounded to multiples of it, as
    in the console: two versions that differ in little would else tell of the few between them.
    """
    if not found.residents:
        return [f"No resident is touched on {found.on}."]
    lines = [
        f"Residents touched on {found.on}; counts below {threshold} are left out (..), others rounded to multiples of it.",
        "One resident may stand in several lines.",
    ]
    blocks = {"every region": (RegionCode(""), [ImpactCount("everybody", "once each", found.by_age)])}
    for kind, by_age in sorted(found.by_kind.items()):
        block = blocks.setdefault(kind.region or "elsewhere", (RegionCode(kind.region), []))
        block[1].append(ImpactCount(kind.what, kind.which, by_age))
    for name, (region, counted) in blocks.items():
        bounds = age_bounds(before, region, found.on)
        groups = age_groups(bounds)
        heads = "".join(f"{group:>12}" for group in (*groups, "all"))
        lines += ["", f"{name:<37}{heads}"]
        for way, table in impact_table(counted, bounds, threshold).items():
            cells = (table.shown(way, column) for column in (*groups, ""))
            shown = (".." if n is None else f"{rounded(n, threshold):,}".replace(",", " ") for n in cells)
            lines.append(f"  {way:<35}" + "".join(f"{cell:>12}" for cell in shown))
    return lines


@app.command()
def coverage(
    folder: Folder = RULEBOOKS,
    stories: Stories = STORIES,
    gaps_only: Annotated[bool, typer.Option("--gaps", help="Print only what is missing.")] = False,
) -> None:
    """Print the table rule ↔ entry ↔ story. Exit 1 on a gap."""
    table = coverage_of(rulebooks(folder).regions.values(), _cites(stories))
    if not gaps_only:
        for row in table.rows:
            carried = ", ".join(dict.fromkeys(entry.partition(" ")[2] for entry in row.entries))
            people = f"[{', '.join(row.people)}]" if row.people else ""
            print(
                f"{row.rule_id:8} {''.join(row.rule.kind):4} "
                f"{' '.join(filter(None, (carried, people))) or '–'} ← {', '.join(row.stories) or '–'}"
            )
    for gap in table.gaps:
        print(f"GAP {gap}")
    held = sum(bool(row.entries) for row in table.rows)
    by_people = sum(bool(row.people) and not row.entries for row in table.rows)
    print(
        f"{len(table.rows)} rules, {held} held by the program, {by_people} followed by people, "
        f"{len(table.gaps) or 'no'} gaps",
        file=sys.stderr,
    )
    raise typer.Exit(1 if table.gaps else 0)


@app.command("pages")
def pages_(
    check_only: Annotated[
        bool, typer.Option("--check", help="Only say what does not fit; exit 1 then.")
    ] = False,
    folder: Folder = RULEBOOKS,
    stories: Stories = STORIES,
) -> None:
    """Write the pages for rule owners and the schema, beside the rulebooks."""
    wanted = pages.rendered(rulebooks(folder).regions.values(), _cites(stories))
    if check_only:
        faults = pages.drift(folder, wanted)
        for fault in faults:
            print(f"{fault}: run `sigill rulebook pages`")
        raise typer.Exit(1 if faults else 0)
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


# --- reading


def _wrong(message: str) -> typer.Exit:
    print(message, file=sys.stderr)
    return typer.Exit(2)


def _region(books: Rulebooks, name: str) -> Region:
    found = books.regions.get(RegionCode(name))
    if found is None:
        raise _wrong(f"no region {name}; there are: {', '.join(sorted(books.regions))}")
    return found


def _in_force(region: Region, on: date) -> Version:
    version = region.in_force(on)
    if version is None:
        raise _wrong(f"{region.region} has no rules before {region.versions[0].since}")
    return version


def _named(name: str, folder: Path) -> tuple[Region, Version]:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        regions, faults = read([path])
        if faults:
            raise _wrong("\n".join(faults))
        return regions[0], regions[0].versions[-1]
    region, _, day = name.partition("@")
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise _wrong(f"{name}: give REGION@YYYY-MM-DD, or a .yaml file") from None
    found = _region(rulebooks(folder), region)
    return found, _in_force(found, on)


def _cites(folder: Path, *, optional: bool = False) -> dict[str, tuple[str, ...]]:
    if optional and not folder.is_dir():
        return {}
    try:
        return {story.id: story.cites for path in files_of([folder]) for story in read_file(path)}
    except UnreadableScenario as error:
        raise _wrong(str(error)) from None


# --- printing


def _told(change: RuleChange, *, english: bool) -> Iterable[str]:
    def words(sentence: Sentence | None) -> str:
        return "" if sentence is None else sentence.en if english else sentence.sv

    cited = f"  [{', '.join(change.rules)}]" if change.rules else ""
    match change.kind:
        case "added":
            return (f"+ {words(change.after)}{cited}",)
        case "removed":
            return (f"- {words(change.before)}{cited}",)
        case _:
            return (f"- {words(change.before)}", f"+ {words(change.after)}{cited}")


def _print_tables(region: Region, version: Version, rules: Mapping[str, Rule], *, english: bool) -> None:
    console = Console(highlight=False)
    cited = dict.fromkeys(rule for part in version.parts for rule in part.cites)
    widest = max((len(rule) + 1 for rule in cited), default=0)

    def words(sentence: Sentence) -> str:
        return sentence.en if english else sentence.sv

    console.print(Text(f"{region.name} {version.since}", style="bold"))
    for sentence in pages.ages_of(version):
        console.print(Text(words(sentence)))
    for form in Form:
        if not version.offers(form):
            continue
        table = Table(title=f"{words(FORM[form])} ({form})", title_justify="left", expand=True)
        table.add_column("When" if english else "När", ratio=2, overflow="fold")
        table.add_column("Says" if english else "Gäller", ratio=5, overflow="fold")
        # a citation is never cut: the column is as wide as the longest, and several stand below each other
        table.add_column("Rule" if english else "Regel", width=max(widest, 5), no_wrap=True)
        for line in pages.table_of(version, form):
            when = words(line.when) or ("always" if english else "alltid")
            for number, said in enumerate(line.says):
                table.add_row(
                    Text("" if number else when),
                    Text(words(said.sentence)),
                    Text("\n".join(said.rules)),
                    end_section=number == len(line.says) - 1,
                )
        console.print()
        console.print(table)
    missing = [words(FORM[form]) for form in Form if not version.offers(form)]
    console.print(Text(f"\n{'Not offered' if english else 'Finns inte'}: {', '.join(missing)}"))
    for rule in version.standing:
        console.print(Text(f"{words(standing_words(rule))} [{', '.join(rule.cites)}]"))
    for advised in version.choices:
        when, forms = words(choice_when(advised.when)), words(choice_words(advised))
        console.print(Text(f"{when}: {forms} [{', '.join(advised.cites)}]"))
    for hidden in version.shown:
        console.print(Text(f"{words(shown_words(hidden))} [{', '.join(hidden.cites)}]"))
    console.print(Text("\nRules" if english else "\nRegler", style="bold"))
    for rule_id in cited:
        stated = rules.get(rule_id)
        if stated is not None:
            own = rule_id in region.rules
            base = "" if own else (" (the national base)" if english else " (den nationella grunden)")
            console.print(Text(f"{rule_id}{base}: {words(Sentence(stated.sv, stated.en))}"))
