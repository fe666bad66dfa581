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
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Amend, Annotate, Effect, Impose
from sigill.policy.facts import PaperCopy, PatientFacts
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
        case Form.GIVE_PAPER_COPY:
            return tuple(give_copies(case, known))
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


def give_copies(case: OrderEvaluation, known: PatientFacts) -> Iterator[Effect]:
    """
    Record in the measures that the order follows up what was given on paper, or was not, and to whom (JH-10).

    The newest assessment of each recipient stands; of two on one day the one that came last. The record lives and ends
    with the measure; nothing is opened or shut online.
    """
    to = case.named if case.named is not None else (known.patient.person_id,)
    on = swedish_date(case.form.decided_at)
    assessed = frozenset(PaperCopy(case.order_id, person, on) for person in to)
    for m in case.targets:
        if case.form.given is False:
            copies, refused = _superseded(m.copies, assessed), m.copies_refused | _newest(assessed, m.copies)
        else:
            copies, refused = (
                m.copies | _newest(assessed, m.copies_refused),
                _superseded(m.copies_refused, assessed),
            )
        changed = replace(m, copies=copies, copies_refused=refused, version=m.version + 1)
        yield Annotate(changed, assesses_copy=True)


def _superseded(earlier: frozenset[PaperCopy], by: frozenset[PaperCopy]) -> frozenset[PaperCopy]:
    """The earlier assessments that newer ones, with the other result, leave standing."""
    return frozenset(c for c in earlier if not any(n.to == c.to and n.on >= c.on for n in by))


def _newest(assessed: frozenset[PaperCopy], other: frozenset[PaperCopy]) -> frozenset[PaperCopy]:
    """The assessments that no later one, with the other result, stands against: an order may arrive after a newer one."""
    return frozenset(c for c in assessed if not any(n.to == c.to and n.on > c.on for n in other))


def needs_all_units(case: OrderEvaluation) -> bool:
    """Whether a release by staff must wait for other initiating units (VGB-15)."""
    own = case.speaks_for(case.initiating_units)
    return len(own) < len(case.initiating_units) and any(e.unanimity for e in case.entries)
