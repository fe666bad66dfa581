"""One patient's orders stop nobody: what an order costs is bounded by what it can change, not by what came before."""

import random
from datetime import timedelta
from typing import Any

import pytest

from sigill.policy import access
from sigill.policy.access import AccessQuestion, access_matrix, decide, differences, units_concerned
from sigill.policy.facts import Measure, PatientFacts
from sigill_contracts.vocabulary import MeasureKind, Service, UnitId
from tests.policy.people import BO, GUN, after, family, local, measure
from tests.policy.test_properties import books

NOW = local("2026-05-01T12:00")
KINDS = [kind for kind in MeasureKind if kind is not MeasureKind.REPRESENTATIVE_GRANT]


def some_measures(seed: int) -> PatientFacts:
    """A child with measures of all kinds: over, running, released, still to come, of the whole record and of units."""
    chance = random.Random(seed)
    made: list[Measure] = []
    for _ in range(chance.randint(1, 9)):
        since = chance.choice(["2025-01-01", "2026-04-01", "2026-06-01"])
        more: dict[str, Any] = {}
        if chance.random() < 0.7:
            more["units"] = frozenset(UnitId(f"U{chance.randint(1, 4)}") for _ in range(2))
        if chance.random() < 0.4:
            more["valid_to"] = local("2026-04-15") if chance.random() < 0.5 else local("2026-09-01")
            more["released"] = chance.random() < 0.5
        if chance.random() < 0.3:
            more["guardians"] = (chance.choice([GUN, BO]),)
        made.append(measure(chance.choice(KINDS), since, **more))
    return after(family("2013-06-15" if chance.random() < 0.5 else "2011-01-01"), *made)


@pytest.mark.parametrize("seed", range(60))
def test_a_picture_says_of_each_line_what_a_question_is_answered(seed: int) -> None:
    facts = some_measures(seed)
    for (viewer, service, unit), found in access_matrix(facts, NOW, books()).items():
        assert found == decide(AccessQuestion(viewer, service, NOW, unit), facts, books())


@pytest.mark.parametrize("seed", range(60))
def test_what_an_order_changes_is_among_the_units_that_it_concerns(seed: int) -> None:
    before = some_measures(seed)
    touched = measure(
        random.Random(seed).choice(KINDS),
        "2026-05-01",
        units=frozenset({UnitId("U1"), UnitId("U9")}) if seed % 2 else None,
    )
    changed = after(before, touched)
    at = NOW + timedelta(seconds=1)
    units = units_concerned([touched], changed, at)
    whole = differences(access_matrix(before, at, books()), access_matrix(changed, at, books()))
    limited = differences(
        access_matrix(before, at, books(), units), access_matrix(changed, at, books(), units)
    )
    assert set(limited) == set(whole)


def test_a_hundred_orders_of_two_hundred_units_each_cost_what_the_first_one_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = family("2013-06-15")
    asked = 0
    real = access._answer

    def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return real(*arguments)

    monkeypatch.setattr(access, "_answer", counted)
    costs, looked_at = [], []
    for number in range(100):
        seal = measure(
            MeasureKind.JOURNAL_SEAL,
            "2026-04-01",
            units=frozenset(UnitId(f"SE{number}-{n}") for n in range(200)),
        )
        facts, asked = after(facts, seal), 0
        units = units_concerned([seal], facts, NOW)
        if number in (0, 99):
            access_matrix(facts, NOW, books(), units)
            costs.append(asked)
            index = access._Index(facts, NOW)
            looked_at.append(max(len(index.about(unit)) for unit in units))
    assert costs[0] == costs[1]
    assert looked_at == [1, 1]
    assert Service.JOURNAL in {service for _, service, _ in access_matrix(facts, NOW, books(), (None,))}
