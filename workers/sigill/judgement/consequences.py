"""What an order that may be executed does: the measures, ends, timers, tasks and remarks that follow from it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sigill.judgement import silence
from sigill.judgement.imposing import call_after_its_forms, confirm_call, impose
from sigill.judgement.order_case import OrderEvaluation
from sigill.judgement.releasing import (
    answer_request,
    continue_measures,
    extend_measures,
    release_after_talks,
    release_measures,
    request_release,
)
from sigill.policy.effects import Amend, Annotate, Effect, Impose
from sigill.policy.facts import PatientFacts
from sigill_contracts.vocabulary import IMPOSES, RELEASES, Form, MeasureId


def effects_of(case: OrderEvaluation, known: PatientFacts) -> tuple[Effect, ...]:
    """
    The measures that an order imposes, changes and ends, and the ledger of requests. In order.

    What the order says of who may be told is kept in every measure that it is about.
    """
    done = silence.kept(case, known, tuple(_each_once(_effects_of(case, known))))
    return tuple(_reported(case, known, done)) if case.reports and case.form.form in _MAY_REPORT else done


_MAY_REPORT = frozenset(form for form, kind in IMPOSES.items() if not kind.opens) | {
    Form.EXTEND_MEASURE,
    Form.CONTINUE_MEASURE,
    Form.UNIT_OPINION,
}
"""Forms about a protective measure: a report to the authorities may come with any of them (X-17)."""


def _each_once(effects: Iterable[Effect]) -> Iterator[Effect]:
    """Each measure changed once: two rows of one measure have what came beside it in common."""
    seen: set[MeasureId] = set()
    for effect in effects:
        if isinstance(effect, Impose | Amend | Annotate):
            if effect.measure.measure_id in seen:
                continue
            seen.add(effect.measure.measure_id)
        yield effect


def _reported(case: OrderEvaluation, known: PatientFacts, done: tuple[Effect, ...]) -> Iterator[Effect]:
    """The same effects, and the report on every protective measure of the child that stands after them (X-17)."""
    touched: set[MeasureId] = set()
    for effect in done:
        if isinstance(effect, Impose | Amend | Annotate):
            touched.add(effect.measure.measure_id)
            if not effect.measure.kind.opens and not effect.measure.released:
                yield replace(effect, measure=replace(effect.measure, reported_to_authority=True))
                continue
        yield effect
    birth = known.patient.birth
    for m in known.measures:
        stands = not m.kind.opens and m.measure_id not in touched and m.not_over(case.at, birth)
        if stands and not m.reported_to_authority:
            yield Annotate(replace(m, reported_to_authority=True, version=m.version + 1))


def _effects_of(case: OrderEvaluation, known: PatientFacts) -> tuple[Effect, ...]:
    match case.form.form:
        case Form.CONTINUE_MEASURE:
            return tuple(continue_measures(case))
        case Form.EXTEND_MEASURE:
            return tuple(extend_measures(case))
        case Form.REQUEST_RELEASE:
            return tuple(request_release(case, known))
        case Form.UNIT_OPINION:
            return tuple(answer_request(case, known))
        case form if form in RELEASES:
            if needs_all_units(case):
                return tuple(request_release(case, known))
            return (*release_measures(case, known, case.targets), *release_after_talks(case))
        case _ if case.call is not None:
            return tuple(confirm_call(case, known, case.call))
        case _ if case.form_before is not None:
            return tuple(call_after_its_forms(case, known))
        case _:
            return tuple(impose(case, known))


def needs_all_units(case: OrderEvaluation) -> bool:
    """Whether a release by staff must wait for other initiating units (VGB-15)."""
    own = case.speaks_for(case.initiating_units)
    return len(own) < len(case.initiating_units) and any(e.unanimity for e in case.entries)
