"""What follows from a measure: timers, deadlines, and the tasks to key it into the national services."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sigill.judgement.order_case import OrderEvaluation
from sigill.policy.calendar import days_before, midnight
from sigill.policy.effects import AddTask, Effect, Sentence, SetTimer, TimerKind
from sigill.policy.facts import Measure, PatientFacts
from sigill.policy.measure_specs import MEASURE_SPECS
from sigill.policy.rulebook import ReminderLeadTimes
from sigill.policy.sentences import MEASURE
from sigill_contracts.vocabulary import RegionCode


def timers_of(m: Measure, known: PatientFacts, at: datetime, lead: ReminderLeadTimes) -> Iterator[SetTimer]:
    """What to wake for about a measure as it now stands. Setting one twice is setting it once."""

    def timer(kind: TimerKind, due: datetime) -> SetTimer:
        return SetTimer(kind, due, m.patient, m.region, m.measure_id, m.orders[0] if m.orders else None)

    if m.released:
        if m.valid_to is not None and m.valid_to > at:
            yield timer(TimerKind.MEASURE_ENDS, m.valid_to)
        return
    if m.valid_from > at:
        yield timer(TimerKind.MEASURE_STARTS, m.valid_from)
    end = m.ends_at(known.patient.birth)
    if end is not None and end > at:
        yield timer(TimerKind.MEASURE_ENDS, end)
        reminder = days_before(end, lead.grant_expiring)
        if m.kind.opens and reminder > at:
            yield timer(TimerKind.GRANT_EXPIRING, reminder)
        if m.is_to_be_extended(known.patient.birth):
            for ending in reminders_before(end, lead):
                if ending > max(at, m.valid_from):
                    yield timer(TimerKind.MEASURE_ENDING, ending)
    if m.review_on is not None and midnight(m.review_on) > at:
        yield timer(TimerKind.REVIEW_DUE, midnight(m.review_on))


def reminders_before(end: datetime, lead: ReminderLeadTimes) -> tuple[datetime, ...]:
    """When (UTC) the unit of a protective measure is told that it ends at `end`, the earliest first."""
    return tuple(days_before(end, days) for days in lead.before_an_end)


def deadlines_of(case: OrderEvaluation, main: Measure) -> Iterator[Effect]:
    """The signed form after a call, and the decision after an urgent measure: a deadline and a task each."""
    if main.provisional and case.form_before is None:
        within, rules = case.signed_form
        due = case.at + within
        yield SetTimer(
            TimerKind.SIGNED_FORM_DEADLINE, due, main.patient, main.region, main.measure_id, case.order_id
        )
        text = Sentence(
            "Den underskrivna blanketten ska följa samtalet.", "The signed form must follow the call."
        )
        yield AddTask(
            "signed_form", str(case.order_id), text, main.region, due, rules, case.order_id, main.measure_id
        )
    follow_ups = [e for e in case.entries if e.follow_up]
    if main.awaits_follow_up and follow_ups:
        hours = min(e.follow_up.within_hours for e in follow_ups if e.follow_up)
        due = case.at + timedelta(hours=hours)
        yield SetTimer(
            TimerKind.FOLLOW_UP_DEADLINE, due, main.patient, main.region, main.measure_id, case.order_id
        )
        ahead = due - timedelta(hours=case.version.lead.follow_up_hours)
        if case.at < ahead < due:
            yield SetTimer(
                TimerKind.FOLLOW_UP_AHEAD, ahead, main.patient, main.region, main.measure_id, case.order_id
            )
        text = Sentence(
            "Beslut om fortsättning ska fattas så snart som möjligt.",
            "A decision on continuing is due as soon as possible.",
        )
        rules = tuple(dict.fromkeys(r for e in follow_ups for r in e.cites))
        yield AddTask(
            "follow_up_decision",
            str(main.measure_id),
            text,
            main.region,
            due,
            rules,
            case.order_id,
            main.measure_id,
            main.unit,
        )


def clinic_tasks(case: OrderEvaluation) -> Iterator[AddTask]:
    """A closing order whose rule names the clinic, from a unit whose clinic the directory does not know (JH-17)."""
    entry, unit = case.clinic_unknown, case.decider_unit
    if entry is not None and unit is not None:
        yield AddTask(
            kind="clinic_unknown",
            subject=f"{case.order_id}:{unit}",
            text=Sentence(
                "Katalogen säger inte vilken klinik enheten hör till: kontrollera beslutet, och låt rätta katalogen.",
                "The directory does not say which clinic the unit belongs to: check the decision, and have the "
                "directory corrected.",
            ),
            region=RegionCode(case.form.region),
            rules=entry.cites,
            order_id=case.order_id,
            unit=unit,
        )


def worklist(m: Measure, *, ends: bool) -> Iterator[AddTask]:
    """The work-list tasks of one measure: one for each national system."""
    words = MEASURE[m.kind]
    for place in MEASURE_SPECS[m.kind].keyed_into:
        verb = place.ends if ends else place.begins
        text = Sentence(
            f"{'Häv' if ends else 'Lägg in'} {words.sv}.", f"{'Lift' if ends else 'Key in'}: {words.en}."
        )
        yield AddTask(
            kind="worklist",
            subject=f"{m.measure_id}:{place.system}:{verb}",
            text=text,
            region=m.region,
            rules=m.rules,
            order_id=m.orders[-1] if m.orders else None,
            measure_id=m.measure_id,
            target=place.system,
            key_in=verb,
        )
