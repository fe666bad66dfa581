"""What a unit is told of a measure that needs its decision, and how often: the lead times are the rulebook's."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
import yaml

from sigill.policy.effects import Effect, Notify
from sigill.policy.rulebook import Rulebooks
from sigill.rulebook_docs.checking import harms
from sigill.scenario.cast import Numbers
from sigill.scenario.format import Scenario
from sigill.scenario.play import ScenarioRunner
from sigill.scenario.pure import PureStage
from sigill_contracts.vocabulary import PersonId
from tests.policy.test_notices import BOOKS, TEXTS

STORY = """
scenario: A measure that its unit forgets
id: T-1
cites: [KR-11]
region: {region}
start: 2026-02-06T10:00
units: [medicin]
people:
  ida: {{born: 1990-01-01}}
staff:
  ek: {{unit: medicin, roles: [treating_physician, on_call_physician]}}
steps:
  - order: {{id: s1, form: seal_journal, patient: ida, initiative: care, decided_by: ek, urgent: {urgent},
            valid_through: {through}}}
  - at: 2026-02-11T10:00
  - register: {{person: ida, {happens}}}
  - at: 2026-03-25T08:00
"""


@dataclass
class Told(PureStage):
    """The pure stage, with what units were told and when."""

    units_told: list[str] = field(default_factory=list)

    def _enact(self, patient: PersonId, effects: Iterable[Effect], cause: str) -> None:
        effects = tuple(effects)
        self.units_told += [f"{self.now:%m-%dT%H} {e.template}" for e in effects if _to_unit(e)]
        super()._enact(patient, effects, cause)


def _to_unit(effect: Effect) -> bool:
    return isinstance(effect, Notify) and effect.unit is not None


def told(
    books: Rulebooks = BOOKS,
    *,
    region: str = "kronoberg",
    urgent: str = "false",
    through: str = "2026-03-20",
    happens: str = "e_id: false",
) -> list[str]:
    text = STORY.format(region=region, urgent=urgent, through=through, happens=happens)
    stage = Told(books)
    story = Scenario.model_validate(yaml.safe_load(text))
    asyncio.run(ScenarioRunner(story, stage, books, Numbers(), "sigill/test").run())
    return stage.units_told


def with_lead(lead: str) -> list[str]:
    """The rulebooks' texts with other lead times in every version of Kronoberg."""
    return [
        text.replace("    documents:", f"    lead: {lead}\n    documents:")
        if "\nregion: kronoberg" in f"\n{text}"
        else text
        for text in TEXTS
    ]


def test_a_unit_is_told_before_the_end_and_again() -> None:
    # times are UTC: a Swedish midnight is 23 of the day before
    assert told() == ["03-06T23 measure_ending", "03-17T23 measure_ending"]


def test_the_lead_times_are_the_rulebook_s() -> None:
    assert told(Rulebooks.of(*with_lead("{measure_ending: 30, measure_ending_again: 7}"))) == [
        "02-18T23 measure_ending",
        "03-13T23 measure_ending",
    ]
    assert told(Rulebooks.of(*with_lead("{measure_ending: 5, measure_ending_again: 5}"))) == [
        "03-15T23 measure_ending"
    ]


def test_nothing_is_sent_about_the_dead() -> None:
    assert told(happens="died: 2026-02-10") == []


def test_the_decision_after_an_urgent_seal_is_asked_for_before_it_is_late_and_daily_since() -> None:
    asked = told(region="jamtland-harjedalen", urgent="true", through="2026-02-11")
    assert asked == [
        "02-08T09 review_due",
        "02-08T23 measure_ending",
        "02-09T09 review_due",
        "02-10T09 review_due",
        "02-11T09 review_due",
    ]


@pytest.mark.parametrize(
    "lead", ["{measure_ending_again: -1}", "{measure_ending: 4000}", "{follow_up_hours: 0}"]
)
def test_a_lead_time_outside_sense_is_a_finding(lead: str) -> None:
    books = Rulebooks.of(*with_lead(lead))
    assert "lead." in " ".join(fault.what for fault in harms(books.regions.values()))
