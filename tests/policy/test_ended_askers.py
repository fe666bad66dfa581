"""
A request lives as long as who asked may ask and what it asks about stands (X-04 to X-06), however either ends.

Each way is played in the pure core: the request is settled, nobody is asked, reminded or answered about it afterwards.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from sigill.policy.rulebook import Rulebooks
from sigill.scenario.cast import Numbers
from sigill.scenario.format import Scenario, ScenarioStep
from sigill.scenario.play import ScenarioRunner
from sigill.scenario.pure import PureStage
from sigill_contracts.vocabulary import OrderId

RULEBOOKS = Path(__file__).parents[2] / "workers" / "sigill" / "rulebooks"
SCENE = """
scenario: Something ends while a request waits
id: ENDED
cites: [X-04]
region: {region}
start: {start}
units: [barn, akuten, arkivet]
people:
  vera: {{born: {born}, guardians: [gun, hans]}}
  gun: {{born: 1984-02-02}}
  hans: {{born: 1982-03-03}}
  ture: {{born: 1960-06-06}}
staff:
  lind: {{unit: barn, roles: [treating_physician, head_of_unit, senior_physician]}}
  berg: {{unit: akuten, roles: [treating_physician, head_of_unit]}}
steps: []
"""
ABOUT = "patient: vera, decided_by: lind, "
BLOCK = f"{{id: m1, form: block_guardians, {ABOUT} initiative: care, guardians: [gun]"
SEAL = f"{{id: m1, form: seal_journal, {ABOUT} initiative: care"
GUARDIAN_ASKS = f"{{id: q1, form: request_release, {ABOUT} initiative: guardian, guardians: [gun]}}"
REPRESENTATIVE = (
    f"{{id: a1, form: appoint_representative, {ABOUT} initiative: representative, representative: ture"
)
REPRESENTATIVE_ASKS = (
    f"{{id: q1, form: request_release, {ABOUT} initiative: representative, representative: ture}}"
)

ABOUT_A_REQUEST = {"unit_opinion", "unit_reminder", "name_successor", "standard_reply"}


@dataclass(frozen=True)
class Ending:
    """One way in which an asker, or what is asked about, ends. `before` comes before the request, `ends` after it."""

    name: str
    before: tuple[str, ...]
    asks: str
    ends: tuple[str, ...]
    region: str = "vastra-gotaland"
    born: str = "2018-06-01"
    start: str = "2026-05-04T09:00"

    def story(self) -> Scenario:
        header = yaml.safe_load(SCENE.format(region=self.region, born=self.born, start=self.start))
        steps = [
            *(f"order: {one}" for one in self.before),
            f"order: {self.asks}\nexpect: {{outcome: pending, codes: [awaiting_units]}}",
            *self.ends,
        ]
        return Scenario.model_validate(header | {"steps": [yaml.safe_load(one) for one in steps]})


BLOCKED, SEALED = (BLOCK + "}",), (SEAL + ", valid_through: 2027-03-31}",)
APPOINTED = (REPRESENTATIVE + "}", *SEALED)
ENDINGS = [
    Ending("the guardian who asked dies", BLOCKED, GUARDIAN_ASKS, ("register: {person: gun, died: 2026-05-04}",)),
    Ending("the patient dies", BLOCKED, GUARDIAN_ASKS, ("register: {person: vera, died: 2026-05-04}",)),
    Ending("custody has ended", BLOCKED, GUARDIAN_ASKS, ("register: {person: vera, custody_ended: gun}",)),
    Ending("custody has passed to others", BLOCKED, GUARDIAN_ASKS, ("register: {person: vera, guardians: [hans]}",)),
    Ending("the block ends at 13", BLOCKED, GUARDIAN_ASKS, ("at: 2031-06-01T00:00",)),
    Ending(
        "the birth date is corrected to one past the age",
        BLOCKED, GUARDIAN_ASKS, ("register: {person: vera, born: 2012-06-01}",),
    ),
    Ending("the block ends on its day", (BLOCK + ", valid_through: 2026-06-10}",), GUARDIAN_ASKS, ("at: 2026-06-11T00:00",)),
    Ending(
        "staff release it",
        BLOCKED, GUARDIAN_ASKS,
        (f"order: {{id: r1, form: release_guardian_block, {ABOUT} initiative: care}}",),
    ),
    Ending(
        "staff release it from a later day",
        BLOCKED, GUARDIAN_ASKS,
        (
            f"order: {{id: r1, form: release_guardian_block, {ABOUT} initiative: care, valid_from: 2026-06-01}}",
            "at: 2026-06-01T00:00",
        ),
    ),
    Ending(
        "the unit agrees to another's request",
        BLOCKED, GUARDIAN_ASKS,
        (
            f"order: {{id: q2, form: request_release, {ABOUT} initiative: guardian, guardians: [gun]}}",
            f"order: {{id: y1, form: unit_opinion, {ABOUT} initiative: care, follows_up: q2, opinion: agree}}",
        ),
    ),
    Ending(
        "it is continued for the other guardian alone",
        (f"{{id: m1, form: block_guardians, {ABOUT} initiative: care, guardians: null, urgent: true, channel: ehr_form}}",),
        GUARDIAN_ASKS,
        (f"order: {{id: c1, form: continue_measure, {ABOUT} initiative: care, follows_up: m1, decision: keep, guardians: [hans]}}",),
        region="jamtland-harjedalen",
    ),
    Ending(
        "a child's seal ends as it comes of age",
        (f"{{id: m1, form: seal_child, {ABOUT} initiative: care}}",),
        f"{{id: q1, form: request_release, {ABOUT} initiative: child}}",
        ("at: 2028-06-01T00:00",),
        born="2010-06-01",
    ),
    Ending(
        "the guardian of one who comes of age",
        SEALED, GUARDIAN_ASKS, ("at: 2026-06-01T00:00",), region="kronoberg", born="2008-06-01",
    ),
    Ending(
        "the representative's access is revoked",
        APPOINTED, REPRESENTATIVE_ASKS,
        (f"order: {{id: x1, form: revoke_representative, {ABOUT} initiative: care, representative: ture}}",),
        region="kronoberg", born="1980-06-01",
    ),
    Ending(
        "the representative's year is over",
        (REPRESENTATIVE + "}", SEAL + ", valid_through: 2028-03-31}"), REPRESENTATIVE_ASKS,
        ("at: 2027-05-04T00:00",),
        region="jamtland-harjedalen", born="1980-06-01",
    ),
    Ending(
        "the court's appointment ends",
        (
            REPRESENTATIVE + ", court_order: {court: A, reference: T 1, date: 2026-01-02, valid_through: 2026-06-30, duties: [person]}}",
            *SEALED,
        ),
        REPRESENTATIVE_ASKS, ("at: 2026-07-01T00:00",),
        region="kronoberg", born="1980-06-01",
    ),
    Ending(
        "the representative dies",
        APPOINTED, REPRESENTATIVE_ASKS, ("register: {person: ture, died: 2026-05-04}",),
        region="kronoberg", born="1980-06-01",
    ),
    Ending(
        "a seal that is the representative's business ends on its day",
        APPOINTED, REPRESENTATIVE_ASKS, ("at: 2027-04-01T00:00",),
        region="kronoberg", born="1980-06-01",
    ),
    Ending(
        "a patient whom a representative asks for dies",
        APPOINTED, REPRESENTATIVE_ASKS, ("register: {person: vera, died: 2026-05-04}",),
        region="kronoberg", born="1980-06-01",
    ),
    Ending(
        "the unit ceases with nobody after it, and its seal ends",
        (SEAL + ", valid_through: 2026-06-30}",),
        f"{{id: q1, form: request_release, {ABOUT} initiative: resident}}",
        ("directory: {unit: barn, closed: 2026-05-10}", "at: 2026-07-01T00:00"),
        region="kronoberg", born="1980-06-01",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def books() -> Rulebooks:
    return Rulebooks.of(*(p.read_text("utf-8") for p in sorted(RULEBOOKS.glob("*.yaml"))))


@pytest.mark.parametrize("ending", ENDINGS, ids=[one.name.replace(" ", "-") for one in ENDINGS])
async def test_the_request_is_settled_and_nobody_is_asked_or_reminded(
    ending: Ending, books: Rulebooks
) -> None:
    story = ending.story()
    stage = PureStage(books)
    played = ScenarioRunner(story, stage, books, Numbers(), "sigill/test")
    await played.run()
    asked = stage.receipts[OrderId(str(played.cast.orders["q1"]))]
    assert (asked.outcome, asked.codes) == ("executed", ())
    assert not ABOUT_A_REQUEST & {kind for kind, _ in stage.open_tasks}
    told = len(stage.told)
    for step in (
        f"order: {{id: late, form: unit_opinion, {ABOUT} initiative: care, follows_up: q1, opinion: agree}}",
        "at: +60d",
    ):
        await played.step(ScenarioStep.model_validate(yaml.safe_load(step)))
    late = stage.receipts[OrderId(str(played.cast.orders["late"]))]
    assert late.outcome == "refused"
    assert not ABOUT_A_REQUEST & {kind for kind, _ in stage.open_tasks}
    assert all(one.to is None for one in stage.told[told:])
