"""
Every story of `tests/scenarios` holds for the pure core alone, in milliseconds.

The same files are played against the running program by `sigill scenario run`.
"""

from pathlib import Path

import pytest

from sigill.policy.rulebook import Rulebooks
from sigill.scenario.format import Scenario, files_of, read_file
from sigill.scenario.pure import play_pure

ROOT = Path(__file__).parents[2]
STORIES = [s for f in files_of([ROOT / "tests" / "scenarios"]) for s in read_file(f)]


@pytest.fixture(scope="module")
def books() -> Rulebooks:
    return Rulebooks.of(
        *(p.read_text("utf-8") for p in sorted((ROOT / "workers" / "sigill" / "rulebooks").glob("*.yaml")))
    )


@pytest.mark.parametrize("story", STORIES, ids=[s.id for s in STORIES])
async def test_a_story_holds_for_the_pure_core(story: Scenario, books: Rulebooks) -> None:
    await play_pure(story, books)


def test_every_story_has_an_id_of_its_own() -> None:
    ids = [story.id for story in STORIES]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 40
