"""The tutorial's region loads, and its stories hold: what a newcomer types works."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sigill.cli.rulebook import app
from sigill.policy.rulebook import Rulebooks, parse
from sigill.scenario.format import Scenario, read_file
from sigill.scenario.pure import play_pure

ROOT = Path(__file__).parents[2]
FILES = ROOT / "docs" / "tutorial"
PAGE = (ROOT / "docs" / "tutorial-region.md").read_text("utf-8")
REGION = (FILES / "skogsbygd.yaml").read_text("utf-8")
STORIES = read_file(FILES / "skogsbygd-stories.yaml")


@pytest.mark.parametrize("story", STORIES, ids=[s.id for s in STORIES])
async def test_a_story_of_the_tutorial_holds(story: Scenario) -> None:
    national = (ROOT / "workers" / "sigill" / "rulebooks" / "nationwide.yaml").read_text("utf-8")
    books = Rulebooks.of(REGION, national)
    await play_pure(story, books)


def test_the_version_that_the_tutorial_adds_fits_the_file() -> None:
    [added] = re.findall(r"```yaml\n(  - since.*?)```", PAGE, re.DOTALL)
    later = parse(REGION + added)
    assert [str(version.since) for version in later.versions] == ["2026-01-01", "2027-01-01"]


def test_every_rule_is_told_in_a_story() -> None:
    cited = {rule for story in STORIES for rule in story.cites}
    assert cited == set(parse(REGION).rules)


# --- the Swedish tutorial: Jönköping


HANDLEDNING = (ROOT / "docs" / "handledning.md").read_text("utf-8")
JONKOPING = FILES / "jonkoping.yaml"
BERATTELSER = read_file(FILES / "jonkoping-stories.yaml")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the tutorial is read, with its file in place."""
    (tmp_path / "mina-regler").mkdir()
    shutil.copy(JONKOPING, tmp_path / "mina-regler")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rulebook_commands() -> list[list[str]]:
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", HANDLEDNING, re.DOTALL)
        for line in block.splitlines()
    ]
    return [line.split() for line in lines if " rulebook " in line]


def run(words: list[str]) -> Any:
    """Run a command of the page as `sigill` does."""
    return CliRunner().invoke(app, words[2:])


@pytest.mark.parametrize("words", rulebook_commands(), ids=" ".join)
@pytest.mark.usefixtures("here")
def test_a_command_of_the_swedish_tutorial_works(words: list[str]) -> None:
    done = run(words)
    assert (done.exit_code, bool(done.output.strip())) == (0, True), done.output


def test_the_swedish_tutorial_shows_what_check_says(here: Path) -> None:
    check = rulebook_commands()[0]
    told = run(check).output.splitlines()
    shown = [block.splitlines() for block in re.findall(r"```text\n(.*?)```", HANDLEDNING, re.DOTALL)]
    assert len(told) == 2
    assert told[0].startswith(shown[0][0].removesuffix("…"))
    assert told[1] == shown[0][1]
    file = here / "mina-regler" / "jonkoping.yaml"
    file.write_text(
        file.read_text("utf-8").replace("[head_of_unit], channels", "[head_of_unitt], channels", 1), "utf-8"
    )
    wrong = run(check)
    assert wrong.exit_code == 1
    assert wrong.stdout.startswith(shown[1][0].removesuffix("…"))
    assert [line.split(maxsplit=2)[1:] for line in shown[2][:-1]] == [[s.id, s.scenario] for s in BERATTELSER]


@pytest.mark.parametrize("story", BERATTELSER, ids=[s.id for s in BERATTELSER])
async def test_a_story_of_the_swedish_tutorial_holds(story: Scenario) -> None:
    national = (ROOT / "workers" / "sigill" / "rulebooks" / "nationwide.yaml").read_text("utf-8")
    await play_pure(story, Rulebooks.of(JONKOPING.read_text("utf-8"), national))


@pytest.mark.parametrize(
    ("kind", "told"), [("H", ""), ("S", "GV-02 säger vem som når vad, och står bara under")]
)
def test_given_and_received_are_written_as_the_pages_say(here: Path, kind: str, told: str) -> None:
    """One order changes one patient: the seal ends what was given, and what was received is for people."""
    words = 'document: "J1", sv: "Förseglingen avslutar delningen.", en: "The seal ends the shares."'
    file = here / "mina-regler" / "jonkoping.yaml"
    text = file.read_text("utf-8")
    for before, more in (
        ("rules:\n", f"  GV-01: {{kind: [S], {words}}}\n  GV-02: {{kind: [{kind}], {words}}}\n"),
        ("    base: nationwide\n", "    people_only: {GV-02: worklist}\n"),
        ("    entries:\n", "      - {id: seal, cites: [GV-01], ends_running: [representative_grant]}\n"),
    ):
        assert text.count(before) == 1
        text = text.replace(before, before + more)
    file.write_text(text, "utf-8")
    done = run(["sigill", "rulebook", "check", "--language", "sv", str(file)])
    assert (done.exit_code, told in done.output) == (1 if told else 0, True)
