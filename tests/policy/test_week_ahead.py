"""What opens and ends by itself, what will be told of it, and the form that prevents it: without clock or database."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import yaml

from sigill.judgement.week_ahead import ComingTurn, UnansweredMeasure, coming_turns, unanswered
from sigill.policy.access import ChangePoint
from sigill.policy.calendar import STOCKHOLM
from sigill.scenario.cast import Numbers
from sigill.scenario.format import Scenario
from sigill.scenario.play import ScenarioRunner
from sigill.scenario.pure import PureStage
from sigill_contracts.vocabulary import Form, IdType, RegionCode, Service
from tests.policy.test_notices import BOOKS

HEAD = """
scenario: A week
id: T-1
cites: [X-21]
units: [bup]
staff:
  mo: {unit: bup, roles: [treating_physician, head_of_unit]}
"""


Looked = tuple[list[ComingTurn], list[UnansweredMeasure]]


def looked(text: str, patient: str, at: str, days: int = 7) -> Looked:
    """Play a story, and look ahead from a Swedish time."""
    return played(text, patient, at, days)(None)


def played(text: str, patient: str, at: str, days: int = 7) -> Callable[[str | None], Looked]:
    """Play a story; what is returned looks ahead from a Swedish time, for a region alone or (None) for all."""
    story = Scenario.model_validate({**yaml.safe_load(HEAD), **yaml.safe_load(text)})
    stage = PureStage(BOOKS)
    runner = ScenarioRunner(story, stage, BOOKS, Numbers(), "sigill/test")
    asyncio.run(runner.run())
    ref = runner.cast.people[patient].ref
    who = next(
        p for i, p in stage.identities.items() if (i.id_type, i.number) == (IdType(ref.id_type), ref.id)
    )
    facts = stage.facts(who)
    now = datetime.fromisoformat(at).replace(tzinfo=STOCKHOLM)
    until = now + timedelta(days=days)
    timers = [t for t in stage.timers if t.patient == who and t.due_at > now]
    requests = tuple(stage.requests.get(who, {}).values())

    def look(only: str | None) -> Looked:
        region = None if only is None else RegionCode(only)
        found = coming_turns(facts, timers, requests, BOOKS, since=now, until=until, only=region)
        return list(found), list(unanswered(facts, BOOKS, now=now, until=until, only=region))

    return look


BLOCK = """
region: vastra-gotaland
start: 2026-04-01T09:00
people:
  vera: {born: 2016-03-03, guardians: [gun, hans]}
  gun: {born: 1984-02-02}
  hans: {born: 1982-02-02}
steps:
  - order: {id: b1, form: block_guardians, patient: vera, initiative: care, decided_by: mo, guardians: [gun],
            valid_through: 2026-05-20, inform: {guardians: false}}
"""


def test_a_block_that_ends_lets_its_guardian_in_tells_nobody_and_is_extended() -> None:
    [turn], [forgotten] = looked(BLOCK, "vera", "2026-05-15T22:00")
    assert turn.at == datetime(2026, 5, 21, tzinfo=STOCKHOLM)
    assert [cause.turn for cause in turn.causes] == [ChangePoint.MEASURE_ENDS]
    assert turn.causes[0].text.sv == "Upphör: blockering av vårdnadshavare."
    assert {(a.service, a.opens) for a in turn.accesses} == {
        (Service.JOURNAL, True),
        (Service.E_SERVICES, True),
    }
    assert len({a.viewer for a in turn.accesses}) == 1
    assert [n.suppressed for n in turn.notices if n.to] == ["not_to_be_informed"]
    assert turn.prevented_by == (Form.EXTEND_MEASURE,)
    assert (forgotten.ends_at, forgotten.extended_by) == (turn.at, (Form.EXTEND_MEASURE,))


def test_nothing_opens_where_another_measure_goes_on() -> None:
    more = """
  - order: {id: s1, form: seal_child, patient: vera, initiative: care, decided_by: mo, valid_through: 2026-12-31}
"""
    found, _ = looked(BLOCK + more, "vera", "2026-05-15T22:00")
    assert found == []


def test_an_extended_measure_is_answered() -> None:
    more = """
  - order: {id: x1, form: extend_measure, patient: vera, initiative: care, decided_by: mo, follows_up: b1,
            valid_through: 2026-08-31}
"""
    assert looked(BLOCK + more, "vera", "2026-05-15T22:00") == ([], [])


def test_the_region_s_own_form_goes_on_where_nothing_is_extended() -> None:
    text = """
region: kronoberg
start: 2026-02-06T10:00
people:
  ida: {born: 1990-01-01}
steps:
  - order: {id: s1, form: seal_journal, patient: ida, initiative: care, decided_by: mo, valid_through: 2026-03-20}
"""
    [turn], [forgotten] = looked(text, "ida", "2026-03-16T22:00")
    assert turn.prevented_by == forgotten.extended_by == (Form.SEAL_JOURNAL,)
    # from 13 the patient is told that it is open again
    assert [(n.template, n.suppressed) for n in turn.notices if n.to] == [("measure_released", None)]


def test_a_birthday_opens_for_the_child_and_ends_for_its_guardian() -> None:
    text = """
region: kronoberg
start: 2026-02-06T10:00
people:
  vera: {born: 2013-03-03, guardians: [gun]}
  gun: {born: 1984-02-02}
steps:
  - at: 2026-02-20T10:00
"""
    [turn], _ = looked(text, "vera", "2026-03-01T22:00")
    assert turn.at == datetime(2026, 3, 3, tzinfo=STOCKHOLM)
    opened = [(a.service, a.viewer == turn.patient) for a in turn.accesses if a.opens]
    assert opened == [(Service.E_SERVICES, True)]
    assert Form.LOCK_LOGIN in turn.prevented_by
    assert Form.GRANT_GUARDIAN_ACCESS in turn.prevented_by
    assert {n.template for n in turn.notices} == {"age_13"}


def test_nothing_of_the_dead_waits_for_an_answer() -> None:
    more = """
  - register: {person: vera, died: 2026-04-20}
"""
    _, forgotten = looked(BLOCK + more, "vera", "2026-05-15T22:00")
    assert forgotten == []


TWO_REGIONS = """
region: vastra-gotaland
start: 2026-04-01T09:00
units: {bup: vastra-gotaland, barn: kronoberg}
people:
  vera: {born: 2016-03-03, guardians: [gun, hans]}
  gun: {born: 1984-02-02}
  hans: {born: 1982-02-02}
staff:
  mo: {unit: bup, roles: [treating_physician, head_of_unit]}
  ek: {unit: barn, roles: [treating_physician, head_of_unit]}
steps:
  - order: {id: b1, form: block_guardians, patient: vera, initiative: care, decided_by: mo, guardians: [gun],
            valid_through: 2026-05-20, inform: {guardians: false}}
  - order: {id: b2, form: block_guardians, patient: vera, initiative: care, decided_by: ek, guardians: [hans],
            region: kronoberg, valid_through: 2026-05-18, inform: {guardians: false}}
"""


@pytest.mark.parametrize("last", ["2026-05-18", "2026-05-20"])
def test_a_region_is_told_of_its_own_measures_and_not_of_anothers(last: str) -> None:
    """Those of two regions end two days apart, and at the same midnight."""
    look = played(TWO_REGIONS.replace("2026-05-18", last), "vera", "2026-05-15T22:00")
    all_turns, all_silent = look(None)
    told = {}
    for region in ("vastra-gotaland", "kronoberg"):
        turns, silent = look(region)
        assert [one.measure.region for one in silent] == [region]
        assert [turn.region for turn in turns] == [region]
        told[region] = {cause.measure for turn in turns for cause in turn.causes}
        assert silent[0].measure.measure_id in told[region]
    assert not told["vastra-gotaland"] & told["kronoberg"]
    assert set.union(*told.values()) == {cause.measure for turn in all_turns for cause in turn.causes}
    assert {one.measure.region for one in all_silent} == set(told)
    assert look("jamtland-harjedalen") == ([], [])
