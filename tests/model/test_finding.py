"""How it is known that the model can find: rules are broken on purpose, one at a time, and each break is found."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from sigill.judgement import imposing, notices, silence
from sigill.policy import facts, hits, measures_in_force
from tests.model.playing import steps_until_found

MOST = 4000
"""Many times what each break took when this was written; the figures stand beside each."""


def _nothing(*_: Any, **__: Any) -> tuple[()]:
    return ()


BREAKS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    # found after 157 steps from seed 1000, 79 from seed 20000
    "X-01: a request is about everybody's measures": (hits, "hits", lambda *_, **__: True),
    # 128
    "X-09: standing measures follow nothing": (measures_in_force, "missing_measures", _nothing),
    # 144
    "X-10: the register's measures end while the mark stands": (
        measures_in_force,
        "state_holds",
        lambda *_, **__: False,
    ),
    # 47
    "X-03: what the patient made is care's to open": (hits, "made_by_the_patient", lambda _: False),
    # 37
    "X-22: everybody is concerned": (notices._Notice, "_not_concerned", lambda _: None),
    # 388
    "X-23: nothing is ever not to be told": (silence, "silent", lambda *_: False),
    # 4
    "X-21: whatever a notice claims is true": (notices._Notice, "_holds", lambda _: True),
    # 146
    "a measure never ends": (facts.Measure, "in_force", lambda m, at, _: m.valid_from <= at),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_rule_that_is_broken_on_purpose_is_found(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name, instead = BREAKS[broken]
    original = getattr(owner, name)
    monkeypatch.setattr(owner, name, instead)
    for module_name, module in list(sys.modules.items()):
        if (
            module_name.startswith(("sigill.policy", "sigill.judgement"))
            and getattr(module, name, None) is original
        ):
            monkeypatch.setattr(module, name, instead)
    steps, differs = steps_until_found(1000, MOST)
    assert differs is not None, f"{broken}: not found in {steps} steps"
    print(f"{broken}: {differs.rule} after {steps} steps")


def test_what_rests_on_anything_but_the_orders_and_events_is_found_by_the_replay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A measure whose end depends on how often somebody has asked is not what its orders give."""
    asked = iter(range(10_000_000))
    original = imposing.main_measure

    def by_chance(*given: Any) -> facts.Measure:
        made = original(*given)
        return replace(made, review_on=date(2030, 1, 1) + timedelta(days=next(asked)))

    monkeypatch.setattr(imposing, "main_measure", by_chance)
    steps, differs = steps_until_found(1000, MOST)
    assert differs is not None, f"not found in {steps} steps"
    assert differs.rule == "replayed"
