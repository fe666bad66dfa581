"""
Who must not be told of a measure, and by whose word (X-23).

Only an explicit `false` is a "do not tell"; it may come with any order, opinion or request about the measure, and holds
for what came beside the measure and for what goes on after it. Only an explicit `true` of the same unit lifts it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from sigill.judgement.order_case import OrderEvaluation
from sigill.policy.effects import Amend, Annotate, Effect, Impose
from sigill.policy.facts import Measure, PatientFacts, Silence

Audience = Literal["guardians", "patient"]


def silent(facts: PatientFacts, about: Iterable[Measure], audience: Audience) -> bool:
    """Whether a "do not tell" binds every notice to an audience about some measures."""
    lineages = {m.lineage for m in about}
    family = [m for m in facts.measures if m.lineage in lineages]
    return any(silence.audience == audience for m in family for silence in m.silences)


def kept(case: OrderEvaluation, known: PatientFacts, effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """The effects of an order, with its word on who may be told kept in every measure that the order is about."""
    effects = tuple(effects)
    inform = case.form.inform
    if inform.guardians is None and inform.patient is None:
        return effects
    of_call = [*case.forms_before, *([case.call] if case.call is not None else ())]
    named = (m for order in of_call for m in case.lineage_of(order.order_id, None))
    lineages = {m.lineage for m in (*case.targets, *named)} | {case.order_id}
    return tuple(_kept(case, known, effects, lineages))


def _kept(
    case: OrderEvaluation, known: PatientFacts, effects: tuple[Effect, ...], lineages: set[str]
) -> Iterator[Effect]:
    changed = {e.measure.measure_id for e in effects if isinstance(e, Impose | Amend | Annotate)}
    for effect in effects:
        if isinstance(effect, Impose | Amend | Annotate) and effect.measure.lineage in lineages:
            yield replace(effect, measure=_told(case, effect.measure))
        else:
            yield effect
    for m in known.measures:
        if m.lineage in lineages and m.measure_id not in changed:
            told = _told(case, m)
            if told.silences != m.silences:
                yield Annotate(replace(told, version=m.version + 1))


def _told(case: OrderEvaluation, m: Measure) -> Measure:
    unit = case.form.decided_by.unit if case.form.decided_by else ""
    silences = set(m.silences)
    words: tuple[tuple[Audience, bool | None], ...] = (
        ("guardians", case.form.inform.guardians),
        ("patient", case.form.inform.patient),
    )
    for audience, word in words:
        if word is False:
            silences.add(Silence(audience, unit))
        elif word is True:
            silences.discard(Silence(audience, unit))
    return m if silences == m.silences else replace(m, silences=frozenset(silences))
