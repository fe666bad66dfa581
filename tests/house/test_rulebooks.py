"""The rulebooks are whole: nothing uncited, nothing untold, nothing contradictory, every page as generated."""

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from sigill.cli import app as sigill
from sigill.cli.common import RULEBOOKS
from sigill.cli.rulebook import STORIES, app
from sigill.policy.lexicon import ATTESTATION, DOCUMENT, ROLE
from sigill.policy.rulebook import ClauseName, Rulebooks, RuleEntry
from sigill.policy.sentences import ACCESS, FORM
from sigill.processing.citations import Citations
from sigill.rulebook_docs.checking import check
from sigill.rulebook_docs.clauses import CLAUSE_ORDER
from sigill.rulebook_docs.coverage import coverage
from sigill.rulebook_docs.pages import drift, rendered
from sigill.rulebook_docs.side_by_side import QUESTIONS
from sigill.scenario.format import Scenario, files_of, read_file
from sigill.scenario.pure import play_pure
from sigill_contracts.vocabulary import AccessReason, Attestation, DocumentKind, Form, RegionCode, Role
from tests.kit.solbygden import SOLBYGDEN, STORY

BOOKS = Rulebooks.of(*(p.read_text("utf-8") for p in sorted(RULEBOOKS.glob("*.yaml"))))
TOLD: tuple[Scenario, ...] = tuple(s for f in files_of([STORIES]) for s in read_file(f))
CITES = {story.id: story.cites for story in TOLD}
run = CliRunner()
ROOT = Path(__file__).parents[2]


@pytest.fixture
def solbygden(tmp_path: Path) -> Path:
    """A folder with the real rulebooks and the made-up region's file beside them, and its story."""
    for path in RULEBOOKS.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    (tmp_path / "solbygden.yaml").write_text(SOLBYGDEN, "utf-8")
    (tmp_path / "stories").mkdir()
    (tmp_path / "stories" / "solbygden.story.yml").write_text(STORY, "utf-8")
    return tmp_path


def test_nothing_is_wrong_with_the_rulebooks() -> None:
    assert [str(finding) for finding in check(BOOKS.regions.values())] == []


def test_every_rule_is_carried_out_and_shown_by_a_story() -> None:
    table = coverage(BOOKS.regions.values(), CITES)
    assert table.gaps == ()
    assert (
        len(table.rows) >= 105 + 4
    )  # every numbered rule of the regions' documents, and the national grounds


def test_a_rule_that_no_story_cites_is_a_gap() -> None:
    without = {story: tuple(r for r in rules if r != "KR-17") for story, rules in CITES.items()}
    assert "KR-17: no story cites it" in coverage(BOOKS.regions.values(), without).gaps


def test_a_story_that_cites_no_rule_of_ours_is_a_gap() -> None:
    gaps = coverage(BOOKS.regions.values(), {**CITES, "X-S01": ("KR-99",)}).gaps
    assert "X-S01 cites KR-99, which is no rule" in gaps


def test_a_rule_that_no_entry_cites_is_a_gap() -> None:
    kronoberg = BOOKS.regions["kronoberg"]  # type: ignore[index]
    rules = {**kronoberg.rules, "KR-98": kronoberg.rules["KR-17"]}
    gaps = coverage([kronoberg.model_copy(update={"rules": rules})], CITES).gaps
    assert "KR-98: no entry cites it" in gaps


def test_the_pages_for_rule_owners_and_the_schema_are_as_generated() -> None:
    assert drift(RULEBOOKS, rendered(BOOKS.regions.values(), CITES)) == []


def test_a_page_that_no_longer_fits_is_found(tmp_path: Path) -> None:
    wanted = rendered(BOOKS.regions.values(), CITES)
    for name, text in wanted.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "kronoberg.md").write_text("something else", "utf-8")
    (tmp_path / "atlantis.md").write_text("gone", "utf-8")
    (tmp_path / "schema.json").unlink()
    assert drift(tmp_path, wanted) == [
        "kronoberg.md: differs",
        "schema.json: is missing",
        "atlantis.md: no such region",
    ]


def test_every_clause_of_an_entry_has_words() -> None:
    silent = {"id", "cites", "forms", "when", "otherwise", "decider_at"}
    assert set(RuleEntry.model_fields) - silent == set(CLAUSE_ORDER)
    assert set(get_args(ClauseName)) == set(CLAUSE_ORDER) - {"derived"}


@pytest.mark.parametrize(
    ("region", "day"),
    [
        ("kronoberg", "2024-06-01"),
        ("kronoberg", "2025-06-01"),
        ("jamtland-harjedalen", "2025-06-01"),
        ("vastra-gotaland", "2020-06-01"),
        ("vastra-gotaland", "2026-06-01"),
    ],
)
def test_a_page_of_a_region_fetches_nothing_and_names_every_rule_in_force(
    region: str, day: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert run.invoke(app, ["show", region, "--on", day, "--html", str(page)]).exit_code == 0
    text = page.read_text("utf-8")
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\(""", text)
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    version = BOOKS.version(region, date.fromisoformat(day))
    assert version is not None
    cited = {rule for entry in version.entries for rule in entry.cites}
    assert cited <= anchors


def test_showing_a_region_in_the_terminal_says_who_decides() -> None:
    result = run.invoke(app, ["show", "jamtland-harjedalen", "--on", "2025-06-01", "--english"])
    assert result.exit_code == 0
    assert "head of unit or delegate of the" in re.sub(r"\s+", " ", result.output.replace("│", " "))


def test_a_region_that_is_not_there_and_a_day_before_its_rules_are_wrong_use() -> None:
    assert run.invoke(app, ["show", "atlantis", "--on", "2025-06-01"]).exit_code == 2
    assert run.invoke(app, ["show", "kronoberg", "--on", "2019-06-01"]).exit_code == 2
    assert run.invoke(app, ["diff", "kronoberg", "kronoberg@2025-06-01"]).exit_code == 2


def test_comparing_kronobergs_versions_tells_of_the_lock_beside_a_block() -> None:
    result = run.invoke(app, ["diff", "kronoberg@2024-06-01", "kronoberg@2025-06-01", "--english"])
    assert result.exit_code == 0
    assert "+ Also brings: lock of the login, released together with it.  [KR25-17]" in result.output
    assert "+ An end date or a date for a renewed decision is required." in result.output


def test_the_coverage_command_fails_on_a_gap(tmp_path: Path) -> None:
    assert run.invoke(app, ["coverage"]).exit_code == 0
    result = run.invoke(app, ["coverage", "--gaps", "--stories", str(tmp_path)])
    assert result.exit_code == 1
    assert "GAP KR-17: no story cites it" in result.output


def test_the_check_command_names_every_fault_of_a_file(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        SOLBYGDEN.replace("cites: [SB-03]", "cites: [SB-77]").replace("own_will]", "own_wil]"), "utf-8"
    )
    result = run.invoke(app, ["check", str(bad)])
    assert result.exit_code == 1
    assert "own_wil" in result.output or "attestations" in result.output


# --- a new region is a new file


def test_a_new_region_is_a_new_file(solbygden: Path) -> None:
    folder = ["--rulebooks", str(solbygden)]
    assert run.invoke(app, ["check", *folder]).exit_code == 0
    shown = run.invoke(app, ["show", "solbygden", "--on", "2026-06-01", "--english", *folder])
    assert shown.exit_code == 0
    assert "own record from 15" in shown.output
    changed = run.invoke(app, ["diff", "solbygden@2026-06-01", "solbygden@2027-06-01", "--english", *folder])
    assert changed.output.splitlines()[:3] == [
        "In general",
        "  - own record from: 15",
        "  + own record from: 16",
    ]
    assert "no coercion" in changed.output


@pytest.fixture
def with_solbygden(solbygden: Path) -> Rulebooks:
    """Every rulebook, the made-up one among them."""
    return Rulebooks.of(*(p.read_text("utf-8") for p in sorted(solbygden.glob("*.yaml"))))


async def test_a_new_region_is_judged_without_any_python(solbygden: Path, with_solbygden: Rulebooks) -> None:
    (story,) = read_file(solbygden / "stories" / "solbygden.story.yml")
    await play_pure(story, with_solbygden)


def test_the_folder_of_rulebooks_may_be_named_by_the_environment(solbygden: Path) -> None:
    result = run.invoke(
        app, ["show", "solbygden", "--on", "2026-06-01"], env={"SIGILL_RULEBOOKS": str(solbygden)}
    )
    assert result.exit_code == 0
    assert "Region Solbygden" in result.output


@pytest.mark.parametrize(
    "rule",
    ["KR25-24", "VG-01", "KR-11", "KR-19", "KR-23", "JH-26", "VGB-06", "VG-09", "KR25-27", "KR-17"],
)
def test_what_is_the_programs_choice_says_so_wherever_the_rule_is_shown(rule: str) -> None:
    said = BOOKS.rules[rule]
    assert said.derived is not None
    assert said.derived.sv in Citations(BOOKS).of([rule])[0].sv
    pages = rendered(BOOKS.regions.values(), CITES)
    assert any(f"Sigills val: {said.derived.sv}" in text for text in pages.values())


def test_showing_a_region_tells_which_entries_are_the_programs_choice(tmp_path: Path) -> None:
    wide = {"COLUMNS": "400"}
    result = run.invoke(app, ["show", "kronoberg", "--on", "2025-06-01", "--english"], env=wide)
    words = re.sub(r"\s+", " ", result.output.replace("│", " "))
    assert "Sigill's choice: The document says on-call physician or head of unit" in words
    page = tmp_path / "page.html"
    run.invoke(app, ["show", "vastra-gotaland", "--on", "2026-06-01", "--html", str(page)])
    text = page.read_text("utf-8")
    assert "Sigills val: Dokumentet om barn nämner inte telefon." in text
    assert "Sigills val: Dokumentet säger att delningen avslutas" in text


def test_the_floors_stand_in_the_national_rulebook_and_on_its_page() -> None:
    floors = {rule_id for rule_id, rule in BOOKS.rules.items() if rule.floor}
    assert floors == {
        "X-01", "X-02", "X-03", "X-09", "X-10", "X-11", "X-21", "X-22", "X-23", "X-27", "X-29", "X-31",
    }  # fmt: skip
    assert "golv · floor" in rendered(BOOKS.regions.values(), CITES)["nationwide.md"]


def test_a_narrow_terminal_cuts_no_citation_and_the_rules_words_follow() -> None:
    narrow = {"COLUMNS": "40"}
    result = run.invoke(app, ["show", "stockholm", "--on", "2025-06-01"], env=narrow)
    version = BOOKS.version("stockholm", date(2025, 6, 1))
    assert version is not None
    told = result.output.partition("\nRegler\n")[2]
    for rule in {rule for part in version.parts for rule in part.cites}:
        assert re.search(rf"{rule}\b", result.output.partition("\nRegler\n")[0])
        assert f"\n{rule}" in f"\n{told}"
    assert "…" not in result.output.partition("\nRegler\n")[0]
    assert "IN-30 (den nationella" in told


def test_coverage_counts_as_held_what_the_program_carries_out() -> None:
    rows = coverage(BOOKS.regions.values(), CITES).rows
    held, people = sum(bool(r.entries) for r in rows), sum(bool(r.people) and not r.entries for r in rows)
    assert (
        f"{len(rows)} rules, {held} held by the program, {people} followed by people"
        in run.invoke(app, ["coverage", "--gaps"]).output
    )
    assert held + people == len(rows)


def test_check_notes_the_forms_that_a_version_takes_no_stand_on(solbygden: Path) -> None:
    result = run.invoke(app, ["check", str(solbygden / "solbygden.yaml")])
    assert result.exit_code == 0
    assert "solbygden 2026-01-01: takes no stand on release_login_lock" not in result.output
    assert re.search(r"note: \S+: solbygden 2026-01-01: takes no stand on .*lock_login", result.output)
    assert not re.search(r"takes no stand on .*\bseal_journal", result.output)


def test_every_command_takes_the_folder_of_rulebooks(
    solbygden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGILL_RULEBOOKS", "")
    folder = ["--rulebooks", str(solbygden)]
    shown = run.invoke(sigill, [*folder, "rulebook", "show", "solbygden", "--on", "2026-06-01"])
    assert "Region Solbygden" in shown.output
    assert run.invoke(sigill, ["--rulebooks", "/nowhere", "status"]).exit_code == 2


def test_two_regions_answer_the_same_questions_on_a_day() -> None:
    told = run.invoke(app, ["compare", "kronoberg", "skane", "--on", "2026-01-01", "--english"]).output
    answers = told.partition("Who may block a guardian?\n")[2].partition("\n\n")[0].splitlines()
    block = [line for line in answers if "Sigill's choice" not in line]
    assert [line.partition(":")[0].strip() for line in answers if line not in block] == ["kronoberg", "skane"]
    assert block == [
        "  both: Initiative: care.  [KR-15, KR-16, KR25-16, SK-01, SK-02, SK-03]",
        "  kronoberg: Decided by treating staff, treating physician, on-call physician or head of unit.  [KR-17]",
        "  kronoberg: In consultation with on-call physician or head of unit, unless the decider is one.  [KR-17]",
        "  skane: Decided by head of unit. (in daytime)  [SK-07]",
        "  skane: Decided by on-call physician. (at on-call time)  [SK-07]",
    ]
    assert "  skane: Carried out on the call; no signed form need follow.  [SK-08]" in told
    assert run.invoke(app, ["compare", "kronoberg", "skane", "--on", "2019-01-01"]).exit_code == 2


def test_the_page_of_all_regions_fits_the_rulebooks(tmp_path: Path) -> None:
    page = ROOT / "docs" / "regions.md"
    assert run.invoke(app, ["questions", "--page", str(page), "--check"]).exit_code == 0
    text = page.read_text("utf-8")
    for region in BOOKS.regions.values():
        assert text.count(f"| {region.name} |") == 1 + len(QUESTIONS)
    copy = tmp_path / "regions.md"
    assert run.invoke(app, ["questions", "--page", str(copy), "--check"]).exit_code == 1
    copy.write_text(text.replace("Beslutas av", "Bestäms av", 1), "utf-8")
    stale = run.invoke(app, ["questions", "--page", str(copy), "--check"])
    assert (stale.exit_code, stale.output) == (1, f"{copy}: run `sigill rulebook questions --page {copy}`\n")


def test_the_swedish_guide_is_written_from_the_lexicon(tmp_path: Path) -> None:
    page = ROOT / "docs" / "regelbok.md"
    assert run.invoke(app, ["guide", "--page", str(page), "--check"]).exit_code == 0
    copy = tmp_path / "regelbok.md"
    copy.write_text(
        page.read_text("utf-8").replace("| `physician` | läkare |", "| `physician` | doktor |", 1), "utf-8"
    )
    stale = run.invoke(app, ["guide", "--page", str(copy), "--check"])
    assert (stale.exit_code, stale.output) == (1, f"{copy}: run `sigill rulebook guide --page {copy}`\n")
    assert run.invoke(app, ["guide", "--page", str(copy)]).exit_code == 0
    assert copy.read_text("utf-8") == page.read_text("utf-8")


def test_the_swedish_guide_says_every_form_role_attestation_and_reason_as_receipts_do() -> None:
    guide = (ROOT / "docs" / "regelbok.md").read_text("utf-8")
    words = [(form, FORM[form]) for form in Form] + [(reason, ACCESS[reason]) for reason in AccessReason]
    words += [(role, ROLE[role]) for role in Role] + [(one, ATTESTATION[one]) for one in Attestation]
    words += [(kind, DOCUMENT[kind]) for kind in DocumentKind]
    for code, said in words:
        assert f"| `{code}` | {said.sv} |" in guide


def test_the_page_of_questions_shows_what_is_sigill_s_choice() -> None:
    """X-30: what no document says outright stands as a choice, with its reason, where the owners look."""
    text = (ROOT / "docs" / "regions.md").read_text("utf-8")
    extended = text.partition("## Hur förlängs en åtgärd?")[2].partition("\n## ")[0]
    for region in ("Region Kronoberg", "Region Jämtland Härjedalen", "Nationella grunder för 1177"):
        (line,) = (line for line in extended.splitlines() if line.startswith(f"| {region} |"))
        assert "Blanketten finns inte." in line
        assert "Sigills val: Dokumenten nämner ingen blankett för förlängning." in line
    protected = text.partition("## Vad införs av sig självt vid skyddad identitet")[2].partition("\n## ")[0]
    assert "Att registrets egen försegling upphör på 18-årsdagen är Sigills val" in protected
    removals = BOOKS.regions[RegionCode("kronoberg")].versions[0].matching(Form.REVOKE_MINOR_ACCESS)
    assert any(entry.derived for entry in removals), "the removal form of 2020"


def test_a_choice_stands_beside_the_questions_it_is_about_and_no_other() -> None:
    """Who decides is not what a block shuts, nor how it comes in; that a paper names no end is about the end."""
    text = (ROOT / "docs" / "regions.md").read_text("utf-8")
    asked = {
        title: said
        for title, _, said in (part.partition("\n") for part in text.split("\n## ")[1:])
        if "blocker" in title
    }
    told = run.invoke(app, ["compare", "stockholm", "jonkoping", "--on", "2024-01-01"]).output
    for region, choice, title in (
        (
            "Stockholm",
            "Det som är känt av rutinen säger inte vem som beslutar",
            "Vem får blockera en vårdnadshavare?",
        ),
        (
            "Jönköpings län",
            "Dokumentet säger inte när en blockering upphör",
            "Upphör blockeringen av sig själv, som vid 13?",
        ),
        ("Jönköpings län", "Dokumentet säger ”genast” och inte hur", "Går det att ringa om en blockering"),
        (
            "Jönköpings län",
            "Det som är känt av rutinen säger inte vem som häver",
            "Vem får häva en blockering?",
        ),
    ):
        beside = {
            question
            for question, said in asked.items()
            for line in said.splitlines()
            if line.startswith(f"| Region {region} |") and choice in line
        }
        assert [question.startswith(title) for question in beside] == [True], choice
        in_terminal = [
            part for part in told.split("\n\n") if choice in part and "blocker" in part.partition("\n")[0]
        ]
        assert [part.startswith(title) for part in in_terminal] == [True], choice


def test_every_entry_that_ships_says_which_of_its_clauses_is_a_choice() -> None:
    chosen = [e for r in BOOKS.regions.values() for v in r.versions for e in v.entries if e.derived]
    assert chosen
    assert [e.id for e in chosen if e.derived and e.derived.about is None] == []


def test_a_choice_that_names_no_clause_stands_beside_all_that_its_entry_says(solbygden: Path) -> None:
    """Also the files of before `about`; and a clause that is none is a fault with the nearest name."""
    region = solbygden / "stockholm.yaml"
    stockholm = region.read_text("utf-8")
    assert "about: [deciders]" in stockholm
    region.write_text(stockholm.replace("          about: [deciders]\n", ""), "utf-8")
    folder = ["--rulebooks", str(solbygden)]
    told = run.invoke(app, ["compare", "stockholm", "skane", "--on", "2024-01-01", *folder]).output
    shuts = told.partition("Vad stänger en blockering?\n")[2].partition("\n\n")[0]
    assert "stockholm: Sigills val: Det som är känt av rutinen säger inte vem som beslutar" in shuts
    region.write_text(stockholm.replace("about: [deciders]", "about: [decider]"), "utf-8")
    fault = run.invoke(app, ["check", str(region), "--language", "sv"])
    assert fault.exit_code == 1
    assert "`decider` är inte känt här; närmast: deciders" in fault.output
