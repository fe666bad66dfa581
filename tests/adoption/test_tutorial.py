"""The tutorial's region loads, and its stories hold: what a newcomer types works."""

import re
from pathlib import Path

import pytest

from sigill.policy.rulebook import Rulebooks, parse
from sigill.scenario.format import Scenario, read_file
from tests.kit.pure_stage import play_pure

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
