"""Who asked for what opens on one day hears it once, however many units' measures open (X-06, X-21)."""

from pathlib import Path

from sigill.policy.rulebook import Rulebooks
from sigill.scenario.format import Scenario, read_file
from sigill.scenario.play import ScenarioRunner
from sigill.scenario.pure import Numbers, PureStage
from sigill_contracts.vocabulary import Template
from tests.policy.test_properties import books

ROOT = Path(__file__).parents[2]
STORIES = {story.id: story for story in read_file(ROOT / "tests" / "scenarios" / "own-corners.yaml")}


async def told(story: Scenario, rulebooks: Rulebooks) -> list[Template]:
    """Every notice that a story sent to somebody, in order."""
    stage = PureStage(rulebooks)
    await ScenarioRunner(story, stage, rulebooks, Numbers(), "sigill/test").run()
    return [notice.template for notice in stage.told if notice.to is not None]


async def test_an_asker_hears_once_of_all_that_opens_on_one_day() -> None:
    found = await told(STORIES["OWN-CO08"], books())
    assert found.count(Template.MEASURE_RELEASED) == 1
